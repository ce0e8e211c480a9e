/* SPDX-License-Identifier: MIT */
/* Entity handles: what names an entity everywhere, in columns, patches, events, saves and on the
 * wire.
 *
 * A handle is 64 bits: a 32-bit index in the low half and a 21-bit generation above it, so every
 * handle is exact in a JavaScript number. Zero is null. An index is used again after its entity
 * died, with the next generation, so an old handle never names a new entity. This header stands
 * alone. */
#ifndef SKEP_ID_H
#define SKEP_ID_H

#include <stdbool.h>
#include <stdint.h>

/* A handle of an entity. Compare with skep_entity_equal; keep it as long as you like, it never
 * dangles: calls that meet a handle whose entity is gone say so. */
typedef struct skep_entity {
    uint64_t bits; /* generation << 32 | index; 0 is null */
} skep_entity;

/* Number of bits of a generation. */
#define SKEP_GENERATION_BITS 21u

/* The greatest generation; an index that reached it is retired. */
#define SKEP_GENERATION_MAX ((1u << SKEP_GENERATION_BITS) - 1u)

/* Returns the handle that `index` and `generation` make. Generation 0 belongs to null alone. */
static inline skep_entity skep_entity_make(uint32_t index, uint32_t generation)
{
    skep_entity e;
    e.bits = ((uint64_t)generation << 32) | index;
    return e;
}

/* Returns the null handle. */
static inline skep_entity skep_entity_null(void)
{
    skep_entity e;
    e.bits = 0;
    return e;
}

/* Returns the index of a handle. */
static inline uint32_t skep_entity_index(skep_entity e)
{
    return (uint32_t)e.bits;
}

/* Returns the generation of a handle, 0 for null. */
static inline uint32_t skep_entity_generation(skep_entity e)
{
    return (uint32_t)(e.bits >> 32);
}

/* Returns whether two handles are the same. */
static inline bool skep_entity_equal(skep_entity a, skep_entity b)
{
    return a.bits == b.bits;
}

/* Returns whether a handle is null. */
static inline bool skep_entity_is_null(skep_entity e)
{
    return e.bits == 0;
}

#endif
