/* SPDX-License-Identifier: MIT */
/* Random numbers without state: a number is a hash of (seed, system, tick, entity, draw), so it
 * does not matter which worker asks, in which order, or how often a task is run again. (The idea:
 * Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011.)
 *
 * Two rounds of the SplitMix64 finaliser (skep__hash_u64), each a bijection that lets every bit
 * reach every other, keyed by two words made from the three that are the same for a whole task:
 *
 *     number = finalise(finalise(entity ^ key.a) + key.b + draw * odd)
 *
 * Within a task and an entity the draws are the sequence of SplitMix64 (Steele, Lea, Flood 2014,
 * which passes BigCrush) from a start of their own. The second word is there because with the first
 * alone two ticks whose keys lie close together would give the same numbers, shifted by a few
 * entities: among a million ticks of a million entities that is likely. Only plain 64-bit
 * multiplies are used, since wasm has no wide ones; Philox 2x64 would need six of those. These bits
 * are part of recordings. */
#ifndef SKEP_CORE_BASE_RANDOM_H
#define SKEP_CORE_BASE_RANDOM_H

#include "core/base/hash.h"

/* What all numbers of one system in one tick share. */
typedef struct skep__random_key {
    uint64_t a;
    uint64_t b;
} skep__random_key;

/* Makes the key: once a task. `system_key` is a hash of the system's name. */
SKEP_INLINE skep__random_key skep__random_key_make(uint64_t seed, uint64_t system_key,
                                                   uint64_t tick)
{
    const uint64_t start = skep__hash_u64(skep__hash_u64(seed) ^ system_key);
    skep__random_key key;
    key.a = skep__hash_u64(start + tick);
    key.b = skep__hash_u64(key.a ^ 0x3C79AC492BA7B653u);
    return key;
}

/* The number of an entity's draw: draws of one entity in one system and tick count from 0. */
SKEP_INLINE uint64_t skep__random_at(skep__random_key key, uint64_t entity_bits, uint32_t draw)
{
    const uint64_t stream = skep__hash_u64(entity_bits ^ key.a) + key.b;
    return skep__hash_u64(stream + draw * 0x9E3779B97F4A7C15u);
}

/* Both steps at once; a compiler takes the first out of a loop over entities. */
SKEP_INLINE uint64_t skep__random(uint64_t seed, uint64_t system_key, uint64_t tick,
                                  uint64_t entity_bits, uint32_t draw)
{
    return skep__random_at(skep__random_key_make(seed, system_key, tick), entity_bits, draw);
}

/* A number of [0, 1) with 24 random bits: every multiple of 2^-24 is equally likely. */
SKEP_INLINE float skep__random_f32(uint64_t random)
{
    return (float)(random >> 40) * 0x1p-24f;
}

/* A number of [0, 1) with 53 random bits. */
SKEP_INLINE double skep__random_f64(uint64_t random)
{
    return (double)(random >> 11) * 0x1p-53;
}

/* A number below `n` (0 for n = 0): the high part of random * n, which favours none by more than
 * n / 2^64. (Lemire: Fast Random Integer Generation in an Interval, 2019.) */
SKEP_INLINE uint32_t skep__random_below(uint64_t random, uint32_t n)
{
    const uint64_t low = (random & 0xFFFFFFFFu) * n;
    const uint64_t high = (random >> 32) * n + (low >> 32);
    return (uint32_t)(high >> 32);
}

#endif
