/* SPDX-License-Identifier: MIT */
/* Which parts of a world a batch may have changed, their hashes, and who may have changed them.
 *
 * A component has at most one writer in a batch; what patches do may be any of several systems'.
 * What an item is: record_format.h. */
#ifndef SKEP_CORE_RECORD_FRAME_ITEMS_H
#define SKEP_CORE_RECORD_FRAME_ITEMS_H

#include "core/base/byte_buffer.h"
#include "skep/plan.h"

/* Appends what the batch may have changed, with hashes, as END records have it. `sums` is scratch.
 * Called when the batch has reached the world. */
bool skep__items_put(skep_plan *p, uint32_t batch, skep__bytes *sums, skep__bytes *out);

/* Whether an item is of this world; its hash; its name for texts. */
bool skep__item_known(const skep_plan *p, uint32_t item);
uint64_t skep__item_hash(const skep_plan *p, uint32_t item);
const char *skep__item_name(const skep_plan *p, uint32_t item);

/* Whether a system of the batch writes the item by declaration. */
bool skep__item_written(const skep_plan *p, uint32_t batch, uint32_t item);

/* Lists the systems of the batch that ran and may have changed the item, "a" or "b" or "c", and
 * returns their number. `writes`: by declared writes, else by patches. */
uint32_t skep__item_systems(const skep_plan *p, uint32_t batch, uint32_t item, bool writes,
                            char *out, size_t max);

#endif
