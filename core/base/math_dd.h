/* SPDX-License-Identifier: MIT */
/* Double-double arithmetic for the f64 functions of skep/math.h: a value is the unevaluated sum of
 * a head and a much smaller tail, about 106 bits. Sums are exact by Knuth's and Dekker's steps,
 * products by Veltkamp's split (T. J. Dekker, A floating-point technique for extending the
 * available precision, 1971), so no fused multiply is needed and every host does the same.
 * Arguments of the products stay within 2^-400 to 2^400, which their callers see to. */
#ifndef SKEP_CORE_BASE_MATH_DD_H
#define SKEP_CORE_BASE_MATH_DD_H

#include "skep/math.h"

/* The value head + tail. */
typedef struct skep__dd {
    double head, tail;
} skep__dd;

#define SKEP__TWO_OVER_PI_WORDS 20
#define SKEP__EXP_STEPS 128
#define SKEP__LOG_STEPS 128
#define SKEP__ATAN_STEPS 17

/* 64 zero bits, then the bits of 2/pi from the first after the point. */
extern const uint64_t skep__math_two_over_pi[SKEP__TWO_OVER_PI_WORDS];
/* 2^(i/128). */
extern const skep__dd skep__math_exp[SKEP__EXP_STEPS];
/* Short reciprocals c of the middle of each step of the logarithm, and -log(c); heads end at 2^-42.
 */
extern const double skep__math_log_inverse[SKEP__LOG_STEPS];
extern const skep__dd skep__math_log[SKEP__LOG_STEPS];
/* atan(i/16). */
extern const skep__dd skep__math_atan[SKEP__ATAN_STEPS];

/* a + b exactly. */
static inline skep__dd skep__dd_sum(double a, double b)
{
    skep__dd r;
    r.head = a + b;
    const double b_seen = r.head - a;
    const double a_seen = r.head - b_seen;
    r.tail = (a - a_seen) + (b - b_seen);
    return r;
}

/* a + b exactly, where a is the greater in size, or zero. */
static inline skep__dd skep__dd_sum_ordered(double a, double b)
{
    skep__dd r;
    r.head = a + b;
    r.tail = b - (r.head - a);
    return r;
}

/* The upper 26 bits of a: the low half of the bits goes, and with it the rounding of products. */
static inline double skep__dd_upper(double a)
{
    return skep__from_bits_f64(skep__bits_f64(a) & 0xfffffffff8000000u);
}

/* a * b exactly. */
static inline skep__dd skep__dd_product(double a, double b)
{
    const double a_scaled = a * 134217729.0; /* 2^27 + 1, Veltkamp's splitter */
    const double a_high = a_scaled - (a_scaled - a);
    const double a_low = a - a_high;
    const double b_scaled = b * 134217729.0;
    const double b_high = b_scaled - (b_scaled - b);
    const double b_low = b - b_high;
    skep__dd r;
    r.head = a * b;
    r.tail = ((a_high * b_high - r.head) + a_high * b_low + a_low * b_high) + a_low * b_low;
    return r;
}

/* a / b to about 100 bits. */
static inline skep__dd skep__dd_quotient(skep__dd a, skep__dd b)
{
    const double q = a.head / b.head;
    const skep__dd back = skep__dd_product(q, b.head);
    const double rest = ((a.head - back.head) - back.tail) + (a.tail - q * b.tail);
    return skep__dd_sum_ordered(q, rest / b.head);
}

#endif
