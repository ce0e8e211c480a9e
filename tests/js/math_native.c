/* SPDX-License-Identifier: MIT */
/* The native side of math.test.ts: runs every function of skep/math.h over the arguments that the
 * test runs its own over, and prints a line for each with the function's name and one hash for each
 * chunk of results. Arguments and hash are 32-bit arithmetic, so that JavaScript does the same
 * cheaply. Called with the number of chunks and the results in one. */
#include "skep/math.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct arguments {
    double x, y;
} arguments;

static uint32_t mix(uint32_t n)
{
    n = (n ^ (n >> 16)) * 0x85ebca6bu;
    n = (n ^ (n >> 13)) * 0xc2b2ae35u;
    return n ^ (n >> 16);
}

/* Argument n: in turns any bit pattern (huge ones, subnormals, NaNs), a value of moderate size, one
 * near 1, one in [-1, 1]; for f32 any pattern of a float. */
static double argument(uint32_t n, int narrow)
{
    const uint32_t high = mix(2 * n);
    const uint32_t low = mix(2 * n + 1);
    const double unit = (double)(int32_t)high * 0x1p-31 + (double)low * 0x1p-63;
    if (n % 4 == 0 && narrow) return (double)skep__from_bits_f32(high);
    if (n % 4 == 0) return skep__from_bits_f64((uint64_t)high << 32 | low);
    if (n % 4 == 1) return unit * 100.0;
    return n % 4 == 2 ? 1.0 + 0.25 * unit : unit;
}

static arguments pair(uint32_t n, int narrow)
{
    const arguments a = {argument(n, narrow), argument(n + n / 4 + 1000003, narrow)};
    return a;
}

static uint32_t hash_add(uint32_t hash, double result)
{
    const uint64_t bits = skep__bits_f64(skep_canonical_f64(result));
    hash = (hash ^ (uint32_t)bits) * 0x9e3779b1u;
    hash = (hash << 13 | hash >> 19) ^ (uint32_t)(bits >> 32);
    return hash * 0x85ebca6bu;
}

#define BOTH(F)                                                                                    \
    F(sin, x)                                                                                      \
    F(cos, x)                                                                                      \
    F(tan, x)                                                                                      \
    F(asin, x)                                                                                     \
    F(acos, x)                                                                                     \
    F(atan, x)                                                                                     \
    F(exp, x)                                                                                      \
    F(log, x)                                                                                      \
    F(atan2, x, y)                                                                                 \
    F(pow, x, y)                                                                                   \
    F(sqrt, x)                                                                                     \
    F(abs, x)                                                                                      \
    F(min, x, y)                                                                                   \
    F(max, x, y)                                                                                   \
    F(floor, x)                                                                                    \
    F(ceil, x)                                                                                     \
    F(trunc, x)                                                                                    \
    F(round, x)                                                                                    \
    F(clamp, x, -1.0f, 1.0f)

#define WIDE(name, ...)                                                                            \
    static double wide_##name(double x, double y)                                                  \
    {                                                                                              \
        (void)y;                                                                                   \
        return skep_##name##_f64(__VA_ARGS__);                                                     \
    }
#define NARROW(name, ...)                                                                          \
    static double narrow_##name(double wide_x, double wide_y)                                      \
    {                                                                                              \
        const float x = (float)wide_x;                                                             \
        const float y = (float)wide_y;                                                             \
        (void)y;                                                                                   \
        return (double)skep_##name##_f32(__VA_ARGS__);                                             \
    }
BOTH(WIDE)
BOTH(NARROW)

/* JavaScript does not see the sign of a NaN, so here none is a sign. */
static double wide_copysign(double x, double y)
{
    return skep_copysign_f64(x, skep_canonical_f64(y));
}

static double narrow_copysign(double x, double y)
{
    return (double)skep_copysign_f32((float)x, skep_canonical_f32((float)y));
}

/* Both results in one number, since a hash takes one. */
static double wide_sincos(double x, double y)
{
    double s;
    double c;
    (void)y;
    skep_sincos_f64(x, &s, &c);
    return s + 2.0 * c;
}

static double narrow_sincos(double x, double y)
{
    float s;
    float c;
    (void)y;
    skep_sincos_f32((float)x, &s, &c);
    return (double)s + 2.0 * (double)c;
}

typedef struct row {
    const char *name;
    double (*call)(double x, double y);
    int narrow;
} row;

#define WIDE_ROW(name, ...) {#name, wide_##name, 0},
#define NARROW_ROW(name, ...) {#name "F32", narrow_##name, 1},
static const row rows[] = {
    BOTH(WIDE_ROW) BOTH(NARROW_ROW){"copysign", wide_copysign, 0},
    {"copysignF32", narrow_copysign, 1},
    {"sincos", wide_sincos, 0},
    {"sincosF32", narrow_sincos, 1},
};

int main(int count, char **words)
{
    if (count != 3) return 1;
    const uint32_t chunks = (uint32_t)strtoul(words[1], NULL, 10);
    const uint32_t size = (uint32_t)strtoul(words[2], NULL, 10);
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        printf("%s", rows[k].name);
        for (uint32_t chunk = 0; chunk < chunks; chunk++) {
            uint32_t hash = 0;
            for (uint32_t i = 0; i < size; i++) {
                const arguments a = pair(chunk * size + i, rows[k].narrow);
                hash = hash_add(hash, rows[k].call(a.x, a.y));
            }
            printf(" %u", hash);
        }
        printf("\n");
    }
    return 0;
}
