/* SPDX-License-Identifier: MIT */
/* Messages of one view class: SNAPSHOT, and DELTA from a base that the reader has.
 *
 *     CLASS    slot count varint | SNAPSHOT only: ids of its components in the schema
 *     DESPAWN  slots that were taken and are free
 *     SPAWN    slots that somebody else sits in than in the base | for each: zigzag varint64 of
 *              its index less the index before, generation varint | COLUMNS of just these slots,
 *              base zero
 *     COLUMNS  of all slots, against the base with DESPAWN and SPAWN done
 *     HASH     u64, of the state as it should be now
 *
 * So a spawned entity comes with all its fields, whatever its slot held before, and the residuals
 * of its neighbours stay narrow. Where the header says OLDER, the base before the base is the one
 * of tick 2 * base - tick, and slots that changed hands since it count as in the base.
 *
 * Class 0 is the resources: RESOURCES alone, which is count varint, then each replica varint and
 * value. */
#ifndef SKEP_CORE_REPLICATE_CLASS_WIRE_H
#define SKEP_CORE_REPLICATE_CLASS_WIRE_H

#include "core/replicate/codes.h"
#include "core/replicate/message.h"

/* A message of a class. */
typedef struct skep__class_message {
    uint32_t class_id;
    uint32_t tick;      /* of the state, */
    uint32_t base_tick; /* of the base, 0 without one */
    bool hash;          /* with HASH */
} skep__class_message;

/* Writes a whole message that leads from the past to `now`: a SNAPSHOT without a base, of which
 * `older` must be NULL. SKEP_LIMIT when it did not fit (w->need says how much would);
 * SKEP_NO_MEMORY. */
SKEP_NODISCARD skep_status skep__class_encode(const skep__class_message *message,
                                              const skep__code_past *past, const skep__codes *now,
                                              skep__code_pool *pool, skep__wire_writer *w);

/* Which components a SNAPSHOT's class has, before a layout can be made: reads CLASS of an opened
 * message without moving it. */
bool skep__class_components(const skep__wire_message *m, uint32_t replica_count,
                            uint64_t *components, skep_error *error);

/* Reads a message into *now, which is zero or was deinit'ed, and is left so on failure. The past's
 * base is the state that the header's base names (NULL for SNAPSHOT), its `older` the one of
 * 2 * base - tick, or NULL where it is not kept. SKEP_CORRUPT with the error, also where HASH does
 * not fit (offset of it); SKEP_NO_MEMORY; SKEP_LIMIT over the layout's slot_max. Nothing is
 * allocated from a number that was not checked. */
SKEP_NODISCARD skep_status skep__class_decode(const skep__code_past *past, skep__wire_message *m,
                                              skep__code_pool *pool, skep__codes *now,
                                              skep_error *error);

#endif
