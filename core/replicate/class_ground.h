/* SPDX-License-Identifier: MIT */
/* What the COLUMNS of a class are told apart from: the base and the one before it, once everybody
 * who left or came is out of the way. Both ends make it from the same things.
 *
 *     free now                    base 0, older 0
 *     somebody else in the base   base and older what SPAWN brought
 *     somebody else in the older  older what the base has */
#ifndef SKEP_CORE_REPLICATE_CLASS_GROUND_H
#define SKEP_CORE_REPLICATE_CLASS_GROUND_H

#include "core/replicate/codes.h"

/* Slots that somebody else sits in than in the base, with their codes one slot behind the other. */
typedef struct skep__class_spawn {
    uint32_t count;
    uint32_t slot_cap;
    uint32_t *slots; /* increasing */
    uint32_t block_count;
    uint32_t block_cap;
    skep__code_block **blocks; /* of the codes; slot j is in block j / 128 */
} skep__class_spawn;

/* Room for `count` slots; SKEP_NO_MEMORY. */
SKEP_NODISCARD skep_status skep__class_spawn_init(skep__class_spawn *spawn, uint32_t count,
                                                  const skep__code_layout *layout,
                                                  skep__code_pool *pool);
void skep__class_spawn_deinit(skep__class_spawn *spawn, skep__code_pool *pool);

/* The blocks, each held. */
typedef struct skep__class_ground {
    uint32_t block_count;
    uint32_t cap;
    skep__code_block **base;
    skep__code_block **older; /* all NULL without one */
    const int32_t **base_codes;
    const int32_t **older_codes; /* NULL without one */
    const int32_t **now_codes;   /* for the caller */
} skep__class_ground;

/* Makes the ground of a state of which `now` has slots and ids (its codes are not looked at).
 * SKEP_NO_MEMORY leaves nothing behind. */
SKEP_NODISCARD skep_status skep__class_ground_init(skep__class_ground *ground,
                                                   const skep__code_past *past,
                                                   const skep__codes *now,
                                                   const skep__class_spawn *spawn,
                                                   skep__code_pool *pool);
void skep__class_ground_deinit(skep__class_ground *ground, skep__code_pool *pool);

/* The handle in a slot, 0 where there is none or no such block. */
SKEP_INLINE uint64_t skep__codes_id(const skep__codes *codes, uint32_t slot)
{
    const uint32_t b = slot / SKEP__COLUMNS_BLOCK;
    return codes && b < codes->block_count
               ? skep__block_ids(codes->ids[b])[slot % SKEP__COLUMNS_BLOCK]
               : 0u;
}

#endif
