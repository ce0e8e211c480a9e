/* SPDX-License-Identifier: MIT */
/* The folded wide multiply: 64 x 64 -> 128 bits, the two halves xored together. It is the strongest
 * mixing step that one instruction buys, and its bits are the same however it is computed.
 *
 * Where the machine has the instruction (x86-64, arm64) it is used through __int128. wasm has no
 * such instruction: there the compiler would call __multi3, a function that a freestanding link
 * lacks, so the product is put together from four 32-bit ones. */
#ifndef SKEP_CORE_SIMD_WIDE_H
#define SKEP_CORE_SIMD_WIDE_H

#include "core/base/base.h"

/* The same product from 32-bit parts. Every build has it, so that the tests can compare the two. */
SKEP_INLINE uint64_t skep__mul_fold_parts(uint64_t a, uint64_t b)
{
    const uint64_t a0 = a & 0xFFFFFFFFu;
    const uint64_t a1 = a >> 32;
    const uint64_t b0 = b & 0xFFFFFFFFu;
    const uint64_t b1 = b >> 32;
    const uint64_t low = a0 * b0;
    const uint64_t cross = a1 * b0 + (low >> 32); /* at most 2^64 - 2^32: no carry is lost */
    const uint64_t middle = a0 * b1 + (cross & 0xFFFFFFFFu);
    const uint64_t high = a1 * b1 + (cross >> 32) + (middle >> 32);
    return high ^ ((middle << 32) | (low & 0xFFFFFFFFu));
}

/* Returns the high half of a * b xored with the low half. */
SKEP_INLINE uint64_t skep__mul_fold(uint64_t a, uint64_t b)
{
#if defined(__SIZEOF_INT128__) && !defined(__wasm__)
    __extension__ typedef unsigned __int128 wide;
    const wide product = (wide)a * b;
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
#else
    return skep__mul_fold_parts(a, b);
#endif
}

#endif
