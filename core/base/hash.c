/* SPDX-License-Identifier: MIT */
/* The block hash. Stripes of 256 bytes go into 32 accumulators (core/simd/stripes.h says how); a
 * last, short stripe is filled up with zeros in a copy; then the accumulators are folded in pairs
 * (j, j + 16) by wide multiplies and summed with the length and the seed.
 *
 *     | 16 stripes | scramble | 16 stripes | scramble | ... | rest | -> fold -> sum -> finaliser
 *
 * The scramble between groups is a bijection of each accumulator and not linear in it, so stripes
 * of different groups, which meet the same keys, cannot be swapped either. The pairs fold
 * independently: one chain over 32 accumulators took as long as the 4 KiB before it. */
#include "core/base/hash.h"

#include "core/simd/stripes.h"

static void scramble_lanes(uint64_t *acc)
{
    for (uint32_t j = 0; j < SKEP__STRIPE_LANES; j++) {
        uint64_t a = acc[j];
        a ^= a >> 47;
        a ^= skep__stripe_keys[96 + j];
        acc[j] = a * 0x9E3779B1u;
    }
}

static uint64_t fold_lanes(const uint64_t *acc, uint64_t length, uint64_t seed)
{
    uint64_t sum = skep__hash_u64(seed) + length * 0x9E3779B185EBCA87u;
    for (uint32_t j = 0; j < SKEP__STRIPE_LANES / 2; j++) {
        const uint64_t a = acc[j] ^ skep__stripe_keys[120 + j];
        const uint64_t b = acc[j + 16] ^ skep__stripe_keys[136 + j];
        sum += skep__mul_fold(a, b);
    }
    return skep__hash_u64(sum);
}

static uint64_t hash_by(skep__stripes_fn *add, const uint8_t *bytes, size_t n, uint64_t seed)
{
    _Alignas(64) uint64_t acc[SKEP__STRIPE_LANES];
    memcpy(acc, skep__stripe_keys + 64, sizeof acc);
    size_t left = n;
    const size_t group = (size_t)SKEP__STRIPES_MAX * SKEP__STRIPE_BYTES;
    while (left > group) {
        add(acc, bytes, SKEP__STRIPES_MAX, skep__stripe_keys);
        scramble_lanes(acc);
        bytes += group;
        left -= group;
    }
    const uint32_t whole = (uint32_t)(left / SKEP__STRIPE_BYTES);
    const size_t rest = left % SKEP__STRIPE_BYTES;
    if (whole) add(acc, bytes, whole, skep__stripe_keys);
    if (rest) {
        _Alignas(64) uint8_t last[SKEP__STRIPE_BYTES] = {0};
        memcpy(last, bytes + (size_t)whole * SKEP__STRIPE_BYTES, rest);
        add(acc, last, 1, skep__stripe_keys + (size_t)8 * whole);
    }
    return fold_lanes(acc, n, seed);
}

uint64_t skep__hash_bytes(const void *p, size_t n, uint64_t seed)
{
    SKEP_ASSERT(p || !n);
    return hash_by(skep__stripes_best(), p, n, seed);
}

bool skep__hash_bytes_by(uint32_t variant, const void *p, size_t n, uint64_t seed, uint64_t *hash)
{
    const char *name;
    bool usable;
    skep__stripes_fn *add = skep__stripes_variant(variant, &name, &usable);
    if (!add || !usable) return false;
    *hash = hash_by(add, p, n, seed);
    return true;
}

uint64_t skep__hash_string(const char *text)
{
    size_t n = 0;
    while (text[n]) n++;
    return skep__hash_bytes(text, n, 0);
}
