/* SPDX-License-Identifier: MIT */
/* Mathematics with the same bits on every host: what jobs use in place of <math.h>.
 *
 * Each function is made of IEEE 754 additions, subtractions, multiplications, divisions, square
 * roots and integer operations in one fixed order, so gcc, clang and wasm give one result,
 * vectorised or not. That holds while the compiler neither fuses nor reorders: build with
 * -ffp-contract=off and without -ffast-math (refused below); skep_math_is_exact() tells at run
 * time. With clang, including this header turns contraction off for the rest of the file. Rounding
 * to nearest and subnormals that are not flushed to zero are taken for granted. A NaN that comes
 * out is always the canonical one.
 *
 * The f32 functions are inline, have no branches, and compute in f64; loops over them vectorise
 * (gcc wants -O3 -fno-math-errno -fno-trapping-math, as skep_add_scene() gives). Of the f64
 * functions the small ones are inline and the rest are in the library.
 *
 * Errors at most, in units in the last place (half a unit is perfect rounding), tested over all
 * exponents:
 *
 *   f32  sin cos tan asin acos atan atan2 exp log pow           0.501
 *   f64  sin cos tan                                            0.60
 *        asin acos atan atan2 exp log pow                       0.51
 *        exp and pow where the result is subnormal              0.76
 *
 * Arguments and results are plain values; every call is pure and O(1), any thread may call any of
 * them, and none fails: what C99 Annex F says of NaNs, infinities and signed zeros holds for each.
 * Angles are radians. docs/math.md has the speed and the measured errors. */
#ifndef SKEP_MATH_H
#define SKEP_MATH_H

#include "skep/status.h"

#include <float.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__FAST_MATH__)
#error "skep/math.h: -ffast-math lets every build round otherwise; compile without it"
#endif
/* 0, or 16 and 32, which speak of types narrower than f32, are plain arithmetic. */
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16 &&                   \
    FLT_EVAL_METHOD != 32
#error "skep/math.h: needs arithmetic in the declared type; on 32-bit x86 give -msse2 -mfpmath=sse"
#endif

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif

#if defined(__GNUC__) || defined(__clang__)
#define SKEP__MATH static inline __attribute__((always_inline))
#define SKEP__COPY(to, from, bytes) __builtin_memcpy(to, from, bytes)
#define SKEP__NAN_F64 __builtin_nan("")
#else
#include <math.h>
#include <string.h>
#define SKEP__MATH static inline
#define SKEP__COPY(to, from, bytes) memcpy(to, from, bytes)
#define SKEP__NAN_F64 ((double)NAN)
#endif

/* How a square root is asked for without a call: plain __builtin_sqrt sets errno, that is, calls
 * libm, unless -fno-math-errno was given. */
#if defined(__has_builtin)
#if __has_builtin(__builtin_elementwise_sqrt)
#define SKEP__SQRT_F64(x) __builtin_elementwise_sqrt(x)
#define SKEP__SQRT_F32(x) __builtin_elementwise_sqrt(x)
#endif
#endif
#if !defined(SKEP__SQRT_F64)
#if defined(__NO_MATH_ERRNO__)
#define SKEP__SQRT_F64(x) __builtin_sqrt(x)
#define SKEP__SQRT_F32(x) __builtin_sqrtf(x)
#elif defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#define SKEP__SQRT_F64(x) _mm_cvtsd_f64(_mm_sqrt_sd(_mm_setzero_pd(), _mm_set_sd(x)))
#define SKEP__SQRT_F32(x) _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)))
#elif defined(__aarch64__) || defined(_M_ARM64)
#include <arm_neon.h>
#define SKEP__SQRT_F64(x) vget_lane_f64(vsqrt_f64(vdup_n_f64(x)), 0)
#define SKEP__SQRT_F32(x) vget_lane_f32(vsqrt_f32(vdup_n_f32(x)), 0)
#else
#include <math.h>
#define SKEP__SQRT_F64(x) sqrt(x)
#define SKEP__SQRT_F32(x) sqrtf(x)
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Pi, rounded to f64. */
#define SKEP_PI 0x1.921fb54442d18p+1

/* Bits of a value and back. Internal. */
SKEP__MATH uint32_t skep__bits_f32(float x)
{
    uint32_t u;
    SKEP__COPY(&u, &x, sizeof u);
    return u;
}

SKEP__MATH float skep__from_bits_f32(uint32_t u)
{
    float x;
    SKEP__COPY(&x, &u, sizeof x);
    return x;
}

SKEP__MATH uint64_t skep__bits_f64(double x)
{
    uint64_t u;
    SKEP__COPY(&u, &x, sizeof u);
    return u;
}

SKEP__MATH double skep__from_bits_f64(uint64_t u)
{
    double x;
    SKEP__COPY(&x, &u, sizeof x);
    return x;
}

#define SKEP__NAN_BITS_F32 0x7fc00000u
#define SKEP__INF_BITS_F32 0x7f800000u
#define SKEP__NAN_BITS_F64 0x7ff8000000000000u
#define SKEP__INF_BITS_F64 0x7ff0000000000000u
/* One and a half times 2^23 or 2^52: added, it rounds to an integer whose low bits are then the
 * sum's. */
#define SKEP__MAGIC_F32 0x1.8p+23f
#define SKEP__MAGIC_F64 0x1.8p+52

/* ---- Helpers. Exact; inline; a NaN result is canonical unless said otherwise. ---- */

/* Returns whether x is a NaN. */
SKEP__MATH bool skep_is_nan_f32(float x)
{
    return (skep__bits_f32(x) & 0x7fffffffu) > SKEP__INF_BITS_F32;
}

/* Returns whether x is a NaN. */
SKEP__MATH bool skep_is_nan_f64(double x)
{
    return (skep__bits_f64(x) & ~(1ull << 63)) > SKEP__INF_BITS_F64;
}

/* Returns x, or the canonical NaN (0x7fc00000) for any NaN: x86, ARM and wasm make NaNs with other
 * bits, so whatever goes into a hash, a save or a message passes here. */
SKEP__MATH float skep_canonical_f32(float x)
{
    const uint32_t u = skep__bits_f32(x);
    return skep__from_bits_f32((u & 0x7fffffffu) > SKEP__INF_BITS_F32 ? SKEP__NAN_BITS_F32 : u);
}

/* Returns x, or the canonical NaN (0x7ff8000000000000) for any NaN. */
SKEP__MATH double skep_canonical_f64(double x)
{
    return x == x ? x : skep__from_bits_f64(SKEP__NAN_BITS_F64);
}

/* Returns x without its sign; a NaN keeps its payload. */
SKEP__MATH float skep_abs_f32(float x)
{
    return skep__from_bits_f32(skep__bits_f32(x) & 0x7fffffffu);
}

/* Returns x without its sign; a NaN keeps its payload. */
SKEP__MATH double skep_abs_f64(double x)
{
    return skep__from_bits_f64(skep__bits_f64(x) & ~(1ull << 63));
}

/* Returns the size of x with the sign of `sign`, which may be a zero or a NaN. */
SKEP__MATH float skep_copysign_f32(float x, float sign)
{
    return skep__from_bits_f32((skep__bits_f32(x) & 0x7fffffffu) |
                               (skep__bits_f32(sign) & 0x80000000u));
}

/* Returns the size of x with the sign of `sign`, which may be a zero or a NaN. */
SKEP__MATH double skep_copysign_f64(double x, double sign)
{
    return skep__from_bits_f64((skep__bits_f64(x) & ~(1ull << 63)) |
                               (skep__bits_f64(sign) & (1ull << 63)));
}

/* Returns `a < b ? a : b`, and means it: b where either is a NaN or both are zeros. One
 * instruction. */
SKEP__MATH float skep_min_f32(float a, float b)
{
    return a < b ? a : b;
}

/* Returns `a < b ? a : b`, and means it: b where either is a NaN or both are zeros. One
 * instruction. */
SKEP__MATH double skep_min_f64(double a, double b)
{
    return a < b ? a : b;
}

/* Returns `a > b ? a : b`, and means it: b where either is a NaN or both are zeros. One
 * instruction. */
SKEP__MATH float skep_max_f32(float a, float b)
{
    return a > b ? a : b;
}

/* Returns `a > b ? a : b`, and means it: b where either is a NaN or both are zeros. One
 * instruction. */
SKEP__MATH double skep_max_f64(double a, double b)
{
    return a > b ? a : b;
}

/* Returns x held between lo and hi (lo <= hi): lo for a NaN; a zero keeps its sign unless a limit
 * is zero too, then it has the limit's. */
SKEP__MATH float skep_clamp_f32(float x, float lo, float hi)
{
    return skep_min_f32(skep_max_f32(x, lo), hi);
}

/* Returns x held between lo and hi (lo <= hi): lo for a NaN; a zero keeps its sign unless a limit
 * is zero too, then it has the limit's. */
SKEP__MATH double skep_clamp_f64(double x, double lo, double hi)
{
    return skep_min_f64(skep_max_f64(x, lo), hi);
}

/* Returns the square root, rounded perfectly; NaN below zero, -0 for -0. */
SKEP__MATH float skep_sqrt_f32(float x)
{
    return skep_canonical_f32(SKEP__SQRT_F32(x));
}

/* Returns the square root, rounded perfectly; NaN below zero, -0 for -0. */
SKEP__MATH double skep_sqrt_f64(double x)
{
    return skep_canonical_f64(SKEP__SQRT_F64(x));
}

/* Returns the nearest integer, ties to the even one, with the sign of x: -0 for -0.5. */
SKEP__MATH float skep_round_f32(float x)
{
    /* From 2^23 on every float is an integer, and the sum below would round. */
    const float a = skep_abs_f32(x);
    const float r = (a + 0x1p+23f) - 0x1p+23f;
    const float whole = skep_copysign_f32(r, x);
    return skep_canonical_f32(a < 0x1p+23f ? whole : x);
}

/* Returns the nearest integer, ties to the even one, with the sign of x: -0 for -0.5. */
SKEP__MATH double skep_round_f64(double x)
{
    const double a = skep_abs_f64(x);
    const double r = (a + 0x1p+52) - 0x1p+52;
    const double whole = skep_copysign_f64(r, x);
    return skep_canonical_f64(a < 0x1p+52 ? whole : x);
}

/* Returns the greatest integer that is not above x; -0 for -0. */
SKEP__MATH float skep_floor_f32(float x)
{
    const float r = skep_round_f32(x);
    const float over = r > x ? 1.0f : 0.0f;
    return skep_canonical_f32(skep_copysign_f32(r - over, x));
}

/* Returns the greatest integer that is not above x; -0 for -0. */
SKEP__MATH double skep_floor_f64(double x)
{
    const double r = skep_round_f64(x);
    const double over = r > x ? 1.0 : 0.0;
    return skep_canonical_f64(skep_copysign_f64(r - over, x));
}

/* Returns the least integer that is not below x; -0 for x in (-1, -0]. */
SKEP__MATH float skep_ceil_f32(float x)
{
    const float r = skep_round_f32(x);
    const float under = r < x ? 1.0f : 0.0f;
    return skep_canonical_f32(skep_copysign_f32(r + under, x));
}

/* Returns the least integer that is not below x; -0 for x in (-1, -0]. */
SKEP__MATH double skep_ceil_f64(double x)
{
    const double r = skep_round_f64(x);
    const double under = r < x ? 1.0 : 0.0;
    return skep_canonical_f64(skep_copysign_f64(r + under, x));
}

/* Returns x without its fraction, with the sign of x. */
SKEP__MATH float skep_trunc_f32(float x)
{
    return skep_canonical_f32(skep_copysign_f32(skep_floor_f32(skep_abs_f32(x)), x));
}

/* Returns x without its fraction, with the sign of x. */
SKEP__MATH double skep_trunc_f64(double x)
{
    return skep_canonical_f64(skep_copysign_f64(skep_floor_f64(skep_abs_f64(x)), x));
}

/* Returns whether this file was compiled so, and runs in a mode so, that the promise above holds:
 * no fused multiply and add, rounding to nearest, no flushing of subnormals. For a start-up check.
 */
SKEP__MATH bool skep_math_is_exact(void)
{
    /* The square of 1 + 2^-30 has a last bit, 2^-60, that only a fused operation keeps; volatile
     * hides the values from the compiler, so the code is the one it makes for unknown values. */
    volatile double near_one = 1.0 + 0x1p-30;
    volatile double square = 1.0 + 0x1p-29;
    volatile double bit = 0x1p-52;
    volatile double least = DBL_MIN;
    const double a = near_one;
    const double unfused = a * a - square;
    const double up = 1.0 + bit * 0.75;
    const double down = 1.0 + bit * 0.25;
    const double half = least * 0.5;
    return unfused == 0.0 && up == 1.0 + bit && down == 1.0 && half > 0.0;
}

/* ---- f32. Inline, no branches. ---- */

/* Quarter turns in a radian, cut for the exponent of the angle: for a float of exponent field 151
 * or less, 2/pi; for 152 + k, 2/pi less the multiple of 2^-k that gives whole turns with any such
 * float, so that the product keeps only what matters. Heads have 28 bits: times 24 bits they are
 * exact. The last of each is for infinities and NaNs. From tools/math_constants.py, by Payne and
 * Hanek's observation. */
static const double skep__turn_head[105] = {
    0x1.45f306ep-1,    -0x1.7419f24p-2,  0x1.17cc1b8p-3,    -0x1.d067c92p-4,  0x1.7cc1b7p-7,
    0x1.7cc1b74p-7,    0x1.7cc1b72p-7,   -0x1.067c91cp-8,   0x1.f306dcap-9,   -0x1.9f246cp-14,
    -0x1.9f246cp-14,   -0x1.9f246c8p-14, -0x1.9f246c8p-14,  -0x1.9f246c6p-14, 0x1.836e4e4p-16,
    0x1.836e4e4p-16,   -0x1.f246c7p-18,  -0x1.f246c6ep-18,  0x1.b72722p-23,   0x1.b72722p-23,
    0x1.b72722p-23,    0x1.b72722p-23,   0x1.b72722p-23,    -0x1.236377cp-25, -0x1.236377ep-25,
    0x1.b939106p-26,   -0x1.1b1bbecp-28, -0x1.1b1bbeap-28,  0x1.c9c882ap-29,  -0x1.b1bbebp-32,
    -0x1.b1bbeacp-32,  -0x1.b1bbeaep-32, 0x1.391054cp-34,   0x1.391054ap-34,  -0x1.8ddf56cp-35,
    0x1.c882a54p-37,   0x1.c882a54p-37,  -0x1.bbead6p-40,   -0x1.bbead6p-40,  -0x1.bbead6p-40,
    0x1.1054a8p-42,    0x1.1054a8p-42,   -0x1.df56b02p-43,  0x1.054a7fp-46,   0x1.054a7fp-46,
    0x1.054a7fp-46,    -0x1.f56b01ep-47, 0x1.529fc2p-52,    0x1.529fc2p-52,   0x1.529fc28p-52,
    0x1.529fc28p-52,   0x1.529fc28p-52,  -0x1.5ac07b2p-53,  0x1.4a7f09ep-54,  -0x1.6b01ec6p-55,
    0x1.29fc276p-56,   -0x1.ac07b16p-57, 0x1.4fe13acp-59,   0x1.4fe13acp-59,  -0x1.603d8a8p-60,
    0x1.3f84ebp-61,    -0x1.80f62ap-62,  0x1.fc2757cp-64,   0x1.fc2757ep-64,  -0x1.ec5418p-71,
    -0x1.ec5418p-71,   -0x1.ec5418p-71,  -0x1.ec5417p-71,   -0x1.ec5417p-71,  -0x1.ec5417p-71,
    -0x1.ec5417p-71,   0x1.3abe9p-75,    0x1.3abe8f8p-75,   0x1.3abe8fcp-75,  0x1.3abe8fap-75,
    -0x1.8a82e0ap-76,  0x1.d5f47d4p-78,  0x1.d5f47d4p-78,   -0x1.505c158p-81, -0x1.505c158p-81,
    -0x1.505c15ap-81,  0x1.5f47d4ep-82,  -0x1.4170566p-83,  0x1.7d1f534p-84,  -0x1.05c1596p-85,
    0x1.f47d4d4p-86,   -0x1.70565ap-91,  -0x1.705659p-91,   -0x1.705659p-91,  -0x1.705659p-91,
    -0x1.7056592p-91,  0x1.1f534dep-92,  -0x1.c159644p-93,  0x1.f534dep-96,   0x1.f534ddcp-96,
    0x1.f534ddcp-96,   -0x1.596448p-101, -0x1.596448p-101,  -0x1.596448p-101, -0x1.596448p-101,
    -0x1.596447ep-101, 0x1.4d37704p-102, -0x1.65911fap-103, 0x1.34ddc0ep-104, SKEP__NAN_F64,
};
static const double skep__turn_tail[105] = {
    -0x1.b1bbead603d8bp-32,  -0x1.b1bbead603d8bp-32,  -0x1.b1bbead603d8bp-32,
    0x1.391054a7f09d6p-34,   0x1.391054a7f09d6p-34,   -0x1.8ddf56b01ec54p-35,
    0x1.c882a53f84ebp-37,    0x1.c882a53f84ebp-37,    -0x1.bbead603d8a83p-40,
    -0x1.bbead603d8a83p-40,  -0x1.bbead603d8a83p-40,  0x1.1054a7f09d5f4p-42,
    0x1.1054a7f09d5f4p-42,   -0x1.df56b01ec5417p-43,  0x1.054a7f09d5f48p-46,
    0x1.054a7f09d5f48p-46,   0x1.054a7f09d5f48p-46,   -0x1.f56b01ec5417p-47,
    0x1.529fc2757d1f5p-52,   0x1.529fc2757d1f5p-52,   0x1.529fc2757d1f5p-52,
    0x1.529fc2757d1f5p-52,   0x1.529fc2757d1f5p-52,   -0x1.5ac07b1505c16p-53,
    0x1.4a7f09d5f47d5p-54,   -0x1.6b01ec5417056p-55,  0x1.29fc2757d1f53p-56,
    -0x1.ac07b1505c159p-57,  0x1.4fe13abe8fa9ap-59,   0x1.4fe13abe8fa9ap-59,
    -0x1.603d8a82e0acbp-60,  0x1.3f84eafa3ea6ap-61,   -0x1.80f62a0b82b2dp-62,
    0x1.fc2757d1f534ep-64,   0x1.fc2757d1f534ep-64,   -0x1.ec54170565912p-71,
    -0x1.ec54170565912p-71,  -0x1.ec54170565912p-71,  -0x1.ec54170565912p-71,
    -0x1.ec54170565912p-71,  -0x1.ec54170565912p-71,  -0x1.ec54170565912p-71,
    0x1.3abe8fa9a6eep-75,    0x1.3abe8fa9a6eep-75,    0x1.3abe8fa9a6eep-75,
    0x1.3abe8fa9a6eep-75,    -0x1.8a82e0acb223fp-76,  0x1.d5f47d4d37703p-78,
    0x1.d5f47d4d37703p-78,   -0x1.505c1596447e5p-81,  -0x1.505c1596447e5p-81,
    -0x1.505c1596447e5p-81,  0x1.5f47d4d377037p-82,   -0x1.4170565911f92p-83,
    0x1.7d1f534ddc0dbp-84,   -0x1.05c1596447e49p-85,  0x1.f47d4d377036ep-86,
    -0x1.70565911f924fp-91,  -0x1.70565911f924fp-91,  -0x1.70565911f924fp-91,
    -0x1.70565911f924fp-91,  -0x1.70565911f924fp-91,  0x1.1f534ddc0db63p-92,
    -0x1.c1596447e493bp-93,  0x1.f534ddc0db629p-96,   0x1.f534ddc0db629p-96,
    0x1.f534ddc0db629p-96,   -0x1.596447e493ad5p-101, -0x1.596447e493ad5p-101,
    -0x1.596447e493ad5p-101, -0x1.596447e493ad5p-101, -0x1.596447e493ad5p-101,
    0x1.4d377036d8a56p-102,  -0x1.65911f924eb53p-103, 0x1.34ddc0db6295ap-104,
    -0x1.96447e493ad4dp-105, 0x1.a6ee06db14acdp-107,  0x1.a6ee06db14acdp-107,
    -0x1.6447e493ad4cep-109, -0x1.6447e493ad4cep-109, 0x1.377036d8a5665p-110,
    -0x1.911f924eb5336p-111, 0x1.bb81b6c52b328p-113,  0x1.bb81b6c52b328p-113,
    -0x1.11f924eb53362p-115, -0x1.11f924eb53362p-115, 0x1.dc0db6295993cp-116,
    -0x1.1f924eb53361ep-119, -0x1.1f924eb53361ep-119, -0x1.1f924eb53361ep-119,
    0x1.c0db6295993c4p-120,  -0x1.f924eb53361dep-123, -0x1.f924eb53361dep-123,
    -0x1.f924eb53361dep-123, 0x1.b6c52b3278872p-129,  0x1.b6c52b3278872p-129,
    0x1.b6c52b3278872p-129,  0x1.b6c52b3278872p-129,  0x1.b6c52b3278872p-129,
    0x1.b6c52b3278872p-129,  -0x1.24eb53361de38p-131, -0x1.24eb53361de38p-131,
    0x1.b6295993c439p-132,   -0x1.275a99b0ef1bfp-134, SKEP__NAN_F64,
};

/* Reads one value of a table; by copy, since gcc 12 gathers from pointers but not from named
 * arrays. */
SKEP__MATH double skep__pick_f64(const double *table, int32_t i)
{
    double x;
    SKEP__COPY(&x, (const char *)table + (int64_t)i * 8, sizeof x);
    return x;
}

/* Returns a where the mask is all ones and b where it is zero; data, so never a branch. */
SKEP__MATH double skep__select_f64(uint64_t mask, double a, double b)
{
    return skep__from_bits_f64((skep__bits_f64(a) & mask) | (skep__bits_f64(b) & ~mask));
}

/* Sine and cosine of an angle less whole quarter turns, and how many quarter turns those were. */
typedef struct skep__wave {
    double sin, cos;
    uint64_t quarters; /* only the low two bits count */
} skep__wave;

/* Reduces |x| to [-1/2, 1/2] quarter turns and evaluates both polynomials (minimax in r * r; errors
 * 2^-37.7 and 2^-43.6, from tools/math_constants.py). */
SKEP__MATH skep__wave skep__wave_f32(float x)
{
    const int32_t e = (int32_t)((skep__bits_f32(x) >> 23) & 0xffu) - 151;
    const int32_t i = e > 0 ? e : 0;
    const double a = (double)skep_abs_f32(x);
    const double head = a * skep__pick_f64(skep__turn_head, i);
    const double tail = a * skep__pick_f64(skep__turn_tail, i);
    const double t = (head + tail) + SKEP__MAGIC_F64;
    const double r = (head - (t - SKEP__MAGIC_F64)) + tail;
    const double z = r * r;
    const double s =
        (((0x1.4bc1e6e612a55p-13 * z - 0x1.32ca83bb22109p-8) * z + 0x1.466bba88688a9p-4) * z -
         0x1.4abbce5647a60p-1) *
            z +
        0x1.921fb5443af1fp+0;
    const double c =
        ((((-0x1.a0f2d7a14db45p-16 * z + 0x1.e1e7f2dbb4525p-11) * z - 0x1.55d3ba9982910p-6) * z +
          0x1.03c1f075d8754p-2) *
             z -
         0x1.3bd3cc9bd67c0p+0) *
            z +
        1.0;
    skep__wave w;
    w.sin = r * s;
    w.cos = c;
    w.quarters = skep__bits_f64(t);
    return w;
}

/* The sine after so many more quarter turns: the cosine on odd ones, turned over on the third and
 * fourth. */
SKEP__MATH float skep__wave_sin_f32(skep__wave w, uint64_t more)
{
    const uint64_t q = w.quarters + more;
    const double v = skep__select_f64((uint64_t)0 - (q & 1u), w.cos, w.sin);
    return (float)skep__from_bits_f64(skep__bits_f64(v) ^ ((q & 2u) << 62));
}

/* Returns the sine; NaN for an infinity. Whole f32 range, 2^127 included. */
SKEP__MATH float skep_sin_f32(float x)
{
    const float s = skep__wave_sin_f32(skep__wave_f32(x), 0);
    const uint32_t sign = skep__bits_f32(x) & 0x80000000u;
    return skep_canonical_f32(skep__from_bits_f32(skep__bits_f32(s) ^ sign));
}

/* Returns the cosine; NaN for an infinity. */
SKEP__MATH float skep_cos_f32(float x)
{
    return skep_canonical_f32(skep__wave_sin_f32(skep__wave_f32(x), 1));
}

/* Writes skep_sin_f32(x) and skep_cos_f32(x), for little more than the cost of one. */
SKEP__MATH void skep_sincos_f32(float x, float *sin_out, float *cos_out)
{
    const skep__wave w = skep__wave_f32(x);
    const float s = skep__wave_sin_f32(w, 0);
    const uint32_t sign = skep__bits_f32(x) & 0x80000000u;
    *sin_out = skep_canonical_f32(skep__from_bits_f32(skep__bits_f32(s) ^ sign));
    *cos_out = skep_canonical_f32(skep__wave_sin_f32(w, 1));
}

/* Returns the tangent; NaN for an infinity. */
SKEP__MATH float skep_tan_f32(float x)
{
    const skep__wave w = skep__wave_f32(x);
    const uint64_t odd = (uint64_t)0 - (w.quarters & 1u);
    const double up = skep__select_f64(odd, w.cos, w.sin);
    const double down = skep__select_f64(odd, -w.sin, w.cos);
    const float t = (float)(up / down);
    const uint32_t sign = skep__bits_f32(x) & 0x80000000u;
    return skep_canonical_f32(skep__from_bits_f32(skep__bits_f32(t) ^ sign));
}

/* The angle of the point (x, y), both at least 0 (any value for a NaN): one division, and atan by a
 * minimax polynomial over |t| <= tan(pi/8), error 2^-40.2. */
SKEP__MATH double skep__arc_f64(double y, double x)
{
    const double high = y > x ? y : x;
    const double low = y > x ? x : y;
    /* Two infinities are as good as two ones, and of two zeros the angle is zero. */
    const double least = low > DBL_MAX ? 1.0 : low;
    const double held = low > DBL_MAX ? 1.0 : high;
    const double most = held == 0.0 ? 1.0 : held;
    const double edge = 0x1.a827999fcef32p-2 * most;
    const double less = least - most;
    const double sum = least + most;
    const double over = least > edge ? less : least;
    const double under = least > edge ? sum : most;
    const double turn = least > edge ? 0x1.921fb54442d18p-1 : 0.0;
    const double t = over / under;
    const double z = t * t;
    const double zz = z * z;
    const double p =
        ((-0x1.36a90fbbb9049p-5 * zz - 0x1.70827c6b8850bp-4) * zz - 0x1.2490c2de4fcefp-3) * zz -
        0x1.5555554ede73dp-2;
    const double q = (0x1.1e5b2b4b84821p-4 * zz + 0x1.c6d1e59d07839p-4) * zz + 0x1.999991fb3913dp-3;
    const double flat = (t + t * (z * (p + z * q))) + turn;
    const double steep = 0x1.921fb54442d18p+0 - flat;
    return y > x ? steep : flat;
}

/* Returns the angle in [-pi, pi] of the point (x, y), signs of zeros and infinities as in C99. */
SKEP__MATH float skep_atan2_f32(float y, float x)
{
    const double right = skep__arc_f64((double)skep_abs_f32(y), (double)skep_abs_f32(x));
    const double left = SKEP_PI - right;
    const uint64_t behind = (uint64_t)0 - (uint64_t)(skep__bits_f32(x) >> 31);
    const float a = (float)skep__select_f64(behind, left, right);
    const uint32_t u = skep__bits_f32(a) | (skep__bits_f32(y) & 0x80000000u);
    const uint32_t ax = skep__bits_f32(x) & 0x7fffffffu;
    const uint32_t ay = skep__bits_f32(y) & 0x7fffffffu;
    const uint32_t top = ax > ay ? ax : ay;
    return skep__from_bits_f32(top > SKEP__INF_BITS_F32 ? SKEP__NAN_BITS_F32 : u);
}

/* Returns the arc tangent, in [-pi/2, pi/2]. */
SKEP__MATH float skep_atan_f32(float x)
{
    const float a = (float)skep__arc_f64((double)skep_abs_f32(x), 1.0);
    return skep_canonical_f32(skep_copysign_f32(a, x));
}

/* Returns the arc sine, in [-pi/2, pi/2]; NaN outside [-1, 1]. */
SKEP__MATH float skep_asin_f32(float x)
{
    const double a = (double)skep_abs_f32(x);
    const double side = SKEP__SQRT_F64((1.0 - a) * (1.0 + a));
    const uint32_t r =
        skep__bits_f32((float)skep__arc_f64(a, side)) | (skep__bits_f32(x) & 0x80000000u);
    return skep__from_bits_f32((skep__bits_f32(x) & 0x7fffffffu) > 0x3f800000u ? SKEP__NAN_BITS_F32
                                                                               : r);
}

/* Returns the arc cosine, in [0, pi]; NaN outside [-1, 1]. */
SKEP__MATH float skep_acos_f32(float x)
{
    const double a = (double)skep_abs_f32(x);
    const double right = skep__arc_f64(SKEP__SQRT_F64((1.0 - a) * (1.0 + a)), a);
    const double left = SKEP_PI - right;
    const uint64_t behind = (uint64_t)0 - (uint64_t)(skep__bits_f32(x) >> 31);
    const uint32_t r = skep__bits_f32((float)skep__select_f64(behind, left, right));
    return skep__from_bits_f32((skep__bits_f32(x) & 0x7fffffffu) > 0x3f800000u ? SKEP__NAN_BITS_F32
                                                                               : r);
}

/* Two to the power of x, held to [-160, 130], where f32 has long been 0 or infinite; any bits for a
 * NaN. The polynomial is (2^r - 1) / r over [-1/2, 1/2], error 2^-38.2. */
SKEP__MATH double skep__exp2_f64(double x)
{
    const double low = x < -160.0 ? -160.0 : x;
    const double p = low > 130.0 ? 130.0 : low;
    const double t = p + SKEP__MAGIC_F64;
    const double r = p - (t - SKEP__MAGIC_F64);
    const double rr = r * r;
    const double even =
        ((0x1.00c0fd41e6013p-16 * rr + 0x1.5d8775793f13bp-10) * rr + 0x1.c6b08da71fd2cp-5) * rr +
        0x1.62e42fef9cc34p-1;
    const double odd =
        ((0x1.63d153eababe6p-20 * rr + 0x1.4308ac6f2d8c5p-13) * rr + 0x1.3b2ab71824f2ap-7) * rr +
        0x1.ebfbdff823cafp-3;
    const double y = 1.0 + r * (even + r * odd);
    /* The low bits of t are the integer part: into the exponent with them. */
    return skep__from_bits_f64(skep__bits_f64(y) + (skep__bits_f64(t) << 52));
}

/* Returns e to the power of x: overflows to infinity, underflows through the subnormals to 0. */
SKEP__MATH float skep_exp_f32(float x)
{
    const float y = (float)skep__exp2_f64((double)x * 0x1.71547652b82fep+0);
    return skep__from_bits_f32((skep__bits_f32(x) & 0x7fffffffu) > SKEP__INF_BITS_F32
                                   ? SKEP__NAN_BITS_F32
                                   : skep__bits_f32(y));
}

/* A positive finite number, as 2^power * (1 + s) / (1 - s) with the fraction in [sqrt(1/2),
 * sqrt(2)). */
typedef struct skep__parts {
    double power, s;
} skep__parts;

/* Takes x apart; x is a float's value, so a subnormal one is normal here. Any result for 0 and
 * NaNs. */
SKEP__MATH skep__parts skep__parts_f64(double x)
{
    const uint64_t low = 0x3fe6a09e667f3bcdu; /* sqrt(1/2) */
    const uint64_t u = skep__bits_f64(x);
    const uint64_t k = (u - low + (1024ull << 52)) >> 52;
    const double m = skep__from_bits_f64(u - ((k - 1024u) << 52));
    const double f = m - 1.0;
    skep__parts p;
    p.power = skep__from_bits_f64(0x4330000000000000u | k) - (0x1p+52 + 1024.0);
    p.s = f / (2.0 + f);
    return p;
}

/* Returns the natural logarithm: -infinity for either zero, NaN below. */
SKEP__MATH float skep_log_f32(float x)
{
    const skep__parts p = skep__parts_f64((double)x);
    const double z = p.s * p.s;
    const double zz = z * z;
    /* Minimax for 2 atanh(s) = 2 s + s z L(z), error 2^-37.6. */
    const double l = (0x1.2438ec23e2c28p-2 + 0x1.e2f3d3ad9ecdbp-3 * z) * zz +
                     (0x1.555554fdda49bp-1 + 0x1.999a7a2c9ed98p-2 * z);
    const float y = (float)(p.power * 0x1.62e42fefa39efp-1 + (2.0 * p.s + p.s * (z * l)));
    const uint32_t u = skep__bits_f32(x);
    uint32_t r = u == SKEP__INF_BITS_F32 ? u : skep__bits_f32(y);
    r = u > SKEP__INF_BITS_F32 ? SKEP__NAN_BITS_F32 : r;
    r = (u << 1) == 0 ? SKEP__INF_BITS_F32 | 0x80000000u : r;
    return skep__from_bits_f32(r);
}

/* The bits that pow gives x and y, once the size of the result is known: signs, NaNs and exact
 * ones. */
SKEP__MATH uint32_t skep__pow_bits_f32(float x, float y, uint32_t size)
{
    const uint32_t inf = SKEP__INF_BITS_F32;
    const uint32_t ux = skep__bits_f32(x);
    const uint32_t ax = ux & 0x7fffffffu;
    const uint32_t ay = skep__bits_f32(y) & 0x7fffffffu;
    /* Adding 2^23 rounds to an integer; from there on every float is one, and from 2^24 on an even
     * one. */
    const float n = skep__from_bits_f32(ay < inf ? ay : inf);
    const float half = 0.5f * n;
    const float near = (n + 0x1p+23f) - 0x1p+23f;
    const float near_half = (half + 0x1p+23f) - 0x1p+23f;
    const uint32_t whole = (n >= 0x1p+23f ? 1u : 0u) | (near == n ? 1u : 0u);
    const uint32_t even = (half >= 0x1p+23f ? 1u : 0u) | (near_half == half ? 1u : 0u);
    const uint32_t odd = whole & ~even;
    uint32_t r = size | ((odd << 31) & ux);
    /* A root of a negative number is not real, but of -0 and -infinity the limits are. */
    const uint32_t minus = ux - 0x80000001u < 0x7f7fffffu ? 1u : 0u;
    r = (minus & (whole ^ 1u)) != 0 ? SKEP__NAN_BITS_F32 : r;
    r = ax == 0x3f800000u && ay == inf ? 0x3f800000u : r;
    r = (ax > ay ? ax : ay) > inf ? SKEP__NAN_BITS_F32 : r;
    return ux == 0x3f800000u || ay == 0 ? 0x3f800000u : r;
}

/* Returns x to the power of y, with all of C99's special cases; pow(x, 0) and pow(1, y) are 1 even
 * for a NaN. */
SKEP__MATH float skep_pow_f32(float x, float y)
{
    const double a = (double)skep_abs_f32(x);
    const skep__parts p = skep__parts_f64(a);
    const double z = p.s * p.s;
    const double zz = z * z;
    /* Minimax as in skep_log_f32 with two more terms, error 2^-52.2: y multiplies it by up to 2^8.
     */
    const double l = ((0x1.732c3d2a7f4f0p-3 + 0x1.5876c2a9483dfp-3 * z) * zz +
                      (0x1.24924179d31d7p-2 + 0x1.c722771e03dafp-3 * z)) *
                         zz +
                     (0x1.5555555553976p-1 + 0x1.999999a28fb2bp-2 * z);
    const double log2 = p.power + (2.0 * p.s + p.s * (z * l)) * 0x1.71547652b82fep+0;
    const double inf = skep__from_bits_f64(SKEP__INF_BITS_F64);
    const double zero = a == 0.0 ? -inf : log2;
    const double all = a > DBL_MAX ? inf : zero;
    const float size = (float)skep__exp2_f64((double)y * all);
    return skep__from_bits_f32(skep__pow_bits_f32(x, y, skep__bits_f32(size)));
}

/* ---- f64. In the library, made of double-double arithmetic where it counts. ---- */

/* Returns the sine; NaN for an infinity. Whole f64 range. */
SKEP_API double skep_sin_f64(double x);

/* Returns the cosine; NaN for an infinity. */
SKEP_API double skep_cos_f64(double x);

/* Writes skep_sin_f64(x) and skep_cos_f64(x) for the cost of little more than one. */
SKEP_API void skep_sincos_f64(double x, double *sin_out, double *cos_out);

/* Returns the tangent; NaN for an infinity. */
SKEP_API double skep_tan_f64(double x);

/* Returns the arc sine, in [-pi/2, pi/2]; NaN outside [-1, 1]. */
SKEP_API double skep_asin_f64(double x);

/* Returns the arc cosine, in [0, pi]; NaN outside [-1, 1]. */
SKEP_API double skep_acos_f64(double x);

/* Returns the arc tangent, in [-pi/2, pi/2]. */
SKEP_API double skep_atan_f64(double x);

/* Returns the angle in [-pi, pi] of the point (x, y), signs of zeros and infinities as in C99. */
SKEP_API double skep_atan2_f64(double y, double x);

/* Returns e to the power of x: overflows to infinity, underflows through the subnormals to 0. */
SKEP_API double skep_exp_f64(double x);

/* Returns the natural logarithm: -infinity for either zero, NaN below. */
SKEP_API double skep_log_f64(double x);

/* Returns x to the power of y, with all of C99's special cases; pow(x, 0) and pow(1, y) are 1 even
 * for a NaN. */
SKEP_API double skep_pow_f64(double x, double y);

#ifdef __cplusplus
}
#endif

#endif
