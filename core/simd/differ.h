/* SPDX-License-Identifier: MIT */
/* Whether 64 bytes differ from 64 others: the inner step of comparing columns. Vectors are those of
 * gcc and clang, which make four registers of 16 bytes, or fewer wider ones, on every machine; the
 * scalar twin serves other compilers and the tests. */
#ifndef SKEP_CORE_SIMD_DIFFER_H
#define SKEP_CORE_SIMD_DIFFER_H

#include "core/base/base.h"

#define SKEP__DIFFER_BYTES 64u

SKEP_INLINE bool skep__differ_scalar(const uint8_t *a, const uint8_t *b)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < SKEP__DIFFER_BYTES; i += 8) {
        uint64_t x;
        uint64_t y;
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        all |= x ^ y;
    }
    return all != 0;
}

/* Any alignment. */
SKEP_INLINE bool skep__differ(const uint8_t *a, const uint8_t *b)
{
#if defined(__GNUC__) || defined(__clang__)
    typedef uint64_t lanes __attribute__((vector_size(16)));
    lanes x[4];
    lanes y[4];
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    const lanes all = ((x[0] ^ y[0]) | (x[1] ^ y[1])) | ((x[2] ^ y[2]) | (x[3] ^ y[3]));
    return (all[0] | all[1]) != 0;
#else
    return skep__differ_scalar(a, b);
#endif
}

#endif
