/* SPDX-License-Identifier: MIT */
/* Hashes: of blocks and names, and how to combine them. They go into world hashes, saved files and
 * recordings, so every bit of them is part of a format: the same on every machine, instruction set
 * and compiler, and never to be changed without a new format version.
 *
 * They guard against accidents, not against an attacker who picks the bytes. NaNs that should count
 * as equal are made canonical by the caller. */
#ifndef SKEP_CORE_BASE_HASH_H
#define SKEP_CORE_BASE_HASH_H

#include "core/base/base.h"
#include "core/simd/wide.h"

/* Hashes `n` bytes at `p` (any alignment; NULL when n is 0); reads nothing past them. Runs of zeros
 * of different lengths differ, and so do different seeds. */
uint64_t skep__hash_bytes(const void *p, size_t n, uint64_t seed);

/* skep__hash_bytes with one named variant of the inner loop (see core/simd/stripes.h), for tests.
 * False when this machine has no such variant. */
bool skep__hash_bytes_by(uint32_t variant, const void *p, size_t n, uint64_t seed, uint64_t *hash);

/* Hashes a name, without its terminating zero. */
uint64_t skep__hash_string(const char *text);

/* A bijection of 64 bits in which every input bit reaches every output bit: David Stafford's
 * "Mix13", the finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
 * Generators, 2014). The sum in front keeps zero from hashing to zero. */
SKEP_INLINE uint64_t skep__hash_u64(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* Takes `x` into the running hash `h`. The order counts, both of a chain and of the two arguments:
 * the rotation tells h from x. Finish a chain of few steps with skep__hash_u64 where single bits
 * matter. */
SKEP_INLINE uint64_t skep__hash_mix(uint64_t h, uint64_t x)
{
    const uint64_t turned = (h << 27) | (h >> 37);
    return skep__mul_fold(turned ^ x ^ 0xA0761D6478BD642Fu, 0x9E3779B97F4A7C15u) + h;
}

#endif
