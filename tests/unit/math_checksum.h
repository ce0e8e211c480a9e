/* SPDX-License-Identifier: MIT */
/* A checksum over the bits of every function of skep/math.h for fixed arguments. It is a header so
 * that a freestanding wasm module can be made of it as well as the test: both must give the same
 * numbers. The f32 functions run in loops over arrays, so an optimised build checks its vectorised
 * code. */
#ifndef SKEP_TESTS_MATH_CHECKSUM_H
#define SKEP_TESTS_MATH_CHECKSUM_H

#include "skep/math.h"

#define CHECKSUM_ROWS 256u
#define CHECKSUM_ROUNDS 64u

/* What the checksums must be, on every host and with every compiler and option. */
#define CHECKSUM_F32 0xcaede545ec9194e8u
#define CHECKSUM_F64 0xd9ff7c6cb837dc36u

/* Spreads a counter over 64 bits (the finaliser of splitmix64). */
static inline uint64_t checksum_mix(uint64_t n)
{
    uint64_t z = n * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Argument n: in turns any bit pattern, a value of moderate size, one near 1, one in [-1, 1]. */
static inline float checksum_f32(uint64_t n)
{
    const uint64_t m = checksum_mix(n);
    const float unit = (float)(int32_t)(m >> 32) * 0x1p-31f;
    if (n % 4 == 0) return skep__from_bits_f32((uint32_t)m);
    if (n % 4 == 1) return unit * 100.0f;
    return n % 4 == 2 ? 1.0f + 0.25f * unit : unit;
}

static inline double checksum_f64(uint64_t n)
{
    const uint64_t m = checksum_mix(n);
    const double unit = (double)(int32_t)(m >> 32) * 0x1p-31 + (double)(uint32_t)m * 0x1p-63;
    if (n % 4 == 0) return skep__from_bits_f64(m);
    if (n % 4 == 1) return unit * 700.0;
    return n % 4 == 2 ? 1.0 + 0.25 * unit : unit;
}

static inline uint64_t checksum_add(uint64_t sum, uint64_t bits)
{
    const uint64_t turned = (sum << 23) | (sum >> 41);
    return (turned ^ bits) * 0x9e3779b97f4a7c15u;
}

/* Arguments and results of one round. */
typedef struct checksum_columns {
    float x[CHECKSUM_ROWS], y[CHECKSUM_ROWS], out[CHECKSUM_ROWS], other[CHECKSUM_ROWS];
} checksum_columns;

static inline uint64_t checksum_column(uint64_t sum, const float *values)
{
    for (uint32_t i = 0; i < CHECKSUM_ROWS; i++) sum = checksum_add(sum, skep__bits_f32(values[i]));
    return sum;
}

#define CHECKSUM_LOOP(expression)                                                                  \
    do {                                                                                           \
        for (uint32_t i = 0; i < CHECKSUM_ROWS; i++) c->out[i] = (expression);                     \
        sum = checksum_column(sum, c->out);                                                        \
    } while (0)

/* One round of all f32 functions. */
static inline uint64_t checksum_round_f32(uint64_t sum, checksum_columns *c)
{
    CHECKSUM_LOOP(skep_sin_f32(c->x[i]));
    CHECKSUM_LOOP(skep_cos_f32(c->x[i]));
    CHECKSUM_LOOP(skep_tan_f32(c->x[i]));
    CHECKSUM_LOOP(skep_asin_f32(c->x[i]));
    CHECKSUM_LOOP(skep_acos_f32(c->x[i]));
    CHECKSUM_LOOP(skep_atan_f32(c->x[i]));
    CHECKSUM_LOOP(skep_exp_f32(c->x[i]));
    CHECKSUM_LOOP(skep_log_f32(c->x[i]));
    CHECKSUM_LOOP(skep_atan2_f32(c->x[i], c->y[i]));
    CHECKSUM_LOOP(skep_pow_f32(c->x[i], c->y[i]));
    CHECKSUM_LOOP(skep_sqrt_f32(c->x[i]));
    CHECKSUM_LOOP(skep_floor_f32(c->x[i]));
    CHECKSUM_LOOP(skep_ceil_f32(c->x[i]));
    CHECKSUM_LOOP(skep_trunc_f32(c->x[i]));
    CHECKSUM_LOOP(skep_round_f32(c->x[i]));
    CHECKSUM_LOOP(skep_canonical_f32(skep_min_f32(c->x[i], c->y[i])));
    CHECKSUM_LOOP(skep_canonical_f32(skep_max_f32(c->x[i], c->y[i])));
    CHECKSUM_LOOP(skep_clamp_f32(c->x[i], -1.0f, 1.0f));
    for (uint32_t i = 0; i < CHECKSUM_ROWS; i++) skep_sincos_f32(c->x[i], &c->out[i], &c->other[i]);
    return checksum_column(checksum_column(sum, c->out), c->other);
}

/* The checksum of the f32 functions. */
static inline uint64_t checksum_all_f32(checksum_columns *c)
{
    uint64_t sum = 0;
    for (uint64_t round = 0; round < CHECKSUM_ROUNDS; round++) {
        for (uint64_t i = 0; i < CHECKSUM_ROWS; i++) {
            c->x[i] = checksum_f32(round * CHECKSUM_ROWS + i);
            c->y[i] = checksum_f32((round + 1000) * CHECKSUM_ROWS + i + i / 4);
        }
        sum = checksum_round_f32(sum, c);
    }
    return sum;
}

/* All f64 functions of one pair of arguments. */
static inline uint64_t checksum_pair_f64(uint64_t sum, double x, double y)
{
    double s;
    double c;
    skep_sincos_f64(x, &s, &c);
    const double results[] = {
        s,
        c,
        skep_sin_f64(x),
        skep_cos_f64(x),
        skep_tan_f64(x),
        skep_asin_f64(x),
        skep_acos_f64(x),
        skep_atan_f64(x),
        skep_exp_f64(x),
        skep_log_f64(x),
        skep_atan2_f64(x, y),
        skep_pow_f64(x, y),
        skep_sqrt_f64(x),
        skep_floor_f64(x),
        skep_ceil_f64(x),
        skep_trunc_f64(x),
        skep_round_f64(x),
        skep_canonical_f64(skep_min_f64(x, y)),
        skep_canonical_f64(skep_max_f64(x, y)),
        skep_clamp_f64(x, -1.0, 1.0),
    };
    for (uint32_t i = 0; i < sizeof results / sizeof results[0]; i++)
        sum = checksum_add(sum, skep__bits_f64(results[i]));
    return sum;
}

/* The checksum of the f64 functions. */
static inline uint64_t checksum_all_f64(void)
{
    uint64_t sum = 0;
    for (uint64_t n = 0; n < CHECKSUM_ROUNDS * CHECKSUM_ROWS; n++)
        sum = checksum_pair_f64(sum, checksum_f64(n), checksum_f64(n + n / 4 + 1000000));
    return sum;
}

#endif
