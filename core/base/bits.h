/* SPDX-License-Identifier: MIT */
/* Counting bits, and sets of small numbers in arrays of u64: bit i is bit i % 64 of word i / 64.
 * A set's words are zeroed by whoever owns them; bits past the count that its owner has in mind
 * stay 0. */
#ifndef SKEP_CORE_BASE_BITS_H
#define SKEP_CORE_BASE_BITS_H

#include "core/base/base.h"

/* Words that hold `bit_count` bits. */
SKEP_INLINE uint32_t skep__bits_words(uint32_t bit_count)
{
    return bit_count / 64u + (bit_count % 64u != 0);
}

/* Set bits of `x`, in plain C; the fallback, and the tests' second opinion. */
SKEP_INLINE uint32_t skep__popcount_plain(uint64_t x)
{
    x -= (x >> 1) & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
    return (uint32_t)((x * 0x0101010101010101u) >> 56);
}

/* Set bits of `x`. */
SKEP_INLINE uint32_t skep__popcount(uint64_t x)
{
#if defined(__GNUC__) || defined(__clang__)
#if defined(__POPCNT__) || defined(__wasm__) || defined(__aarch64__)
    return (uint32_t)__builtin_popcountll(x);
#else
    /* Without the instruction the builtin calls __popcountdi2 of libgcc, which looks up a table. */
    return skep__popcount_plain(x);
#endif
#else
    return skep__popcount_plain(x);
#endif
}

/* Index of the lowest set bit of `x`, which is not 0. */
SKEP_INLINE uint32_t skep__bit_lowest(uint64_t x)
{
    SKEP_ASSERT(x);
#if defined(__GNUC__) || defined(__clang__)
    return (uint32_t)__builtin_ctzll(x);
#else
    return skep__popcount_plain((x & (0u - x)) - 1u);
#endif
}

/* Index of the highest set bit of `x`, which is not 0: the logarithm to base 2, rounded down. */
SKEP_INLINE uint32_t skep__bit_highest(uint64_t x)
{
    SKEP_ASSERT(x);
#if defined(__GNUC__) || defined(__clang__)
    return 63u - (uint32_t)__builtin_clzll(x);
#else
    for (uint32_t shift = 1; shift < 64; shift *= 2) x |= x >> shift;
    return skep__popcount_plain(x) - 1u;
#endif
}

/* The least power of two that is not less than `n`; `n` is 1 to 2^31. */
SKEP_INLINE uint32_t skep__pow2_up(uint32_t n)
{
    SKEP_ASSERT(n >= 1 && n <= 0x80000000u);
    return n == 1 ? 1u : 2u << skep__bit_highest(n - 1u);
}

/* Whether bit `i` is set. */
SKEP_INLINE bool skep__bit_test(const uint64_t *words, uint32_t i)
{
    return (words[i / 64u] >> (i % 64u)) & 1u;
}

/* Sets bit `i`. */
SKEP_INLINE void skep__bit_set(uint64_t *words, uint32_t i)
{
    words[i / 64u] |= (uint64_t)1 << (i % 64u);
}

/* Clears bit `i`. */
SKEP_INLINE void skep__bit_clear(uint64_t *words, uint32_t i)
{
    words[i / 64u] &= ~((uint64_t)1 << (i % 64u));
}

/* Set bits of `word_count` words. */
SKEP_INLINE uint32_t skep__bits_count(const uint64_t *words, uint32_t word_count)
{
    uint32_t count = 0;
    for (uint32_t w = 0; w < word_count; w++) count += skep__popcount(words[w]);
    return count;
}

/* The first set bit at `from` or above, or 64 * word_count when there is none. Walk a set by
 * `for (i = skep__bits_next(s, n, 0); i < end; i = skep__bits_next(s, n, i + 1))`. */
SKEP_INLINE uint32_t skep__bits_next(const uint64_t *words, uint32_t word_count, uint32_t from)
{
    uint32_t w = from / 64u;
    if (w >= word_count) return word_count * 64u;
    uint64_t x = words[w] & (~(uint64_t)0 << (from % 64u));
    while (!x) {
        if (++w == word_count) return word_count * 64u;
        x = words[w];
    }
    return w * 64u + skep__bit_lowest(x);
}

/* Whether every bit of `part` is set in `whole`. */
SKEP_INLINE bool skep__bits_contain(const uint64_t *whole, const uint64_t *part,
                                    uint32_t word_count)
{
    for (uint32_t w = 0; w < word_count; w++) {
        if (part[w] & ~whole[w]) return false;
    }
    return true;
}

/* Whether `a` and `b` share a bit. */
SKEP_INLINE bool skep__bits_overlap(const uint64_t *a, const uint64_t *b, uint32_t word_count)
{
    for (uint32_t w = 0; w < word_count; w++) {
        if (a[w] & b[w]) return true;
    }
    return false;
}

#endif
