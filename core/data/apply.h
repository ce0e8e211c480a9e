/* SPDX-License-Identifier: MIT */
/* Apply: the only thing that changes a world during a frame. */
#ifndef SKEP_CORE_DATA_APPLY_H
#define SKEP_CORE_DATA_APPLY_H

#include "core/world/world_internal.h"

/* One verified buffer of patches, and what its slots mean in this world. */
typedef struct skep__apply_buffer {
    const uint8_t *bytes;
    size_t size;
    const uint32_t *numbers; /* slot -> world number (type, channel, resource, prefab: by kind);
                                NULL: the slots are the numbers, as in commands */
} skep__apply_buffer;

typedef struct skep__apply_report {
    uint32_t patches; /* applied */
    uint32_t dropped; /* for entities that were gone, or SETs of what they lack */
} skep__apply_report;

/* Applies the buffers in order, as if each patch were applied alone after the one before: all or
 * nothing. Structural changes are batched: keys are sorted by table and row, commands of one entity
 * are merged in their order, and runs of rows move by column. SPAWN patches hold handles from
 * skep__ids_take (or create_at); destroying cascades over Parent,
 * by the values that the whole call leaves. Stamps, `removed` channels and
 * hook notes are kept; hooks are not called. LOG patches are skipped. SKEP_NO_MEMORY or SKEP_LIMIT
 * (world->error_text names the knob) leave the world as it was. At most 2M structural patches a
 * call: knob command_max. */
skep_status skep__apply(skep_world *w, const skep__apply_buffer *buffers, uint32_t count,
                        skep__apply_report *report);

/* Flushes world->batch as commands and fires the hooks, until nothing is queued. */
skep_status skep__flush(skep_world *w, skep__apply_report *report);

#endif
