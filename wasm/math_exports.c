/* SPDX-License-Identifier: MIT */
/* The functions of skep/math.h that JavaScript's own Math has with other bits, as exports of a wasm
 * file of their own: what `skep/math` calls. Linked with core/base/math_*.c alone, it imports
 * nothing, has one page of memory for tables and stack, and never grows it. What JavaScript has
 * with the same bits (square root, floor, min ...) is not here: a call would cost more than it.
 * Export names are skep/math.h's without the `skep_`; a function with two results leaves them in
 * one pair of f64 and returns its address, for the caller to read before the next call. */
#include "skep/math.h"

#define EXPORT(name) __attribute__((export_name(#name)))

#define ONE(name)                                                                                  \
    EXPORT(name##_f32) float math_##name##_f32(float x);                                           \
    float math_##name##_f32(float x)                                                               \
    {                                                                                              \
        return skep_##name##_f32(x);                                                               \
    }                                                                                              \
    EXPORT(name##_f64) double math_##name##_f64(double x);                                         \
    double math_##name##_f64(double x)                                                             \
    {                                                                                              \
        return skep_##name##_f64(x);                                                               \
    }

#define TWO(name)                                                                                  \
    EXPORT(name##_f32) float math_##name##_f32(float x, float y);                                  \
    float math_##name##_f32(float x, float y)                                                      \
    {                                                                                              \
        return skep_##name##_f32(x, y);                                                            \
    }                                                                                              \
    EXPORT(name##_f64) double math_##name##_f64(double x, double y);                               \
    double math_##name##_f64(double x, double y)                                                   \
    {                                                                                              \
        return skep_##name##_f64(x, y);                                                            \
    }

ONE(sin)
ONE(cos)
ONE(tan)
ONE(asin)
ONE(acos)
ONE(atan)
ONE(exp)
ONE(log)
TWO(atan2)
TWO(pow)

/* Sine and cosine of the last call. An instance belongs to one thread. */
static double pair[2];

EXPORT(sincos_f32) const double *math_sincos_f32(float x);
const double *math_sincos_f32(float x)
{
    float s;
    float c;
    skep_sincos_f32(x, &s, &c);
    pair[0] = (double)s;
    pair[1] = (double)c;
    return pair;
}

EXPORT(sincos_f64) const double *math_sincos_f64(double x);
const double *math_sincos_f64(double x)
{
    skep_sincos_f64(x, &pair[0], &pair[1]);
    return pair;
}
