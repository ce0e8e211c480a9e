/* SPDX-License-Identifier: MIT */
/* Exponential, logarithm and power of f64 for skep/math.h.
 *
 * exp: x = (128 m + i) ln2/128 + r; a table gives 2^(i/128) with a tail and a polynomial e^r - 1.
 * log: x = 2^k m, and a table gives for the step that m falls in a reciprocal c of at most 11 bits,
 * so that m c - 1 is exact in two pieces, and -log(c); a polynomial gives log(1 + r), whose first
 * two terms are kept exactly. The result has about 68 good bits, which pow needs: it multiplies
 * them by y, and exp takes the tail along. (P. T. P. Tang, Table-driven implementation of the
 * exponential function, 1989, and of the logarithm, 1990; tables and polynomials from
 * tools/math_constants.py.) */
#include "core/base/math_dd.h"

static double math_nan(void)
{
    return skep__from_bits_f64(SKEP__NAN_BITS_F64);
}

static double math_infinity(void)
{
    return skep__from_bits_f64(SKEP__INF_BITS_F64);
}

/* v 2^m for v in [1/2, 4] and m in [-1090, 1030], rounded once: a subnormal or infinite result
 * comes from the second of two multiplications by powers of two. */
static double exp_scaled(double v, int32_t m)
{
    const int32_t rest = m < -1000 ? -200 : (m > 1000 ? 200 : 0);
    const double first = skep__from_bits_f64((uint64_t)(m - rest + 1023) << 52);
    const double second = skep__from_bits_f64((uint64_t)(rest + 1023) << 52);
    return v * first * second;
}

/* e^(x + tail) for a tail far below x's last bit but for small x. Overflow and underflow included.
 */
static double exp_of(double x, double tail)
{
    if (x > 710.0) return math_infinity();
    if (x < -746.0) return 0.0;
    const double n = (x * 0x1.71547652b82fep+7 + SKEP__MAGIC_F64) - SKEP__MAGIC_F64;
    const int32_t k = (int32_t)n;
    const uint32_t i = (uint32_t)k & (SKEP__EXP_STEPS - 1u);
    const int32_t m = (k - (int32_t)i) / SKEP__EXP_STEPS;
    /* ln2/128 in two pieces; n has 18 bits and the first piece 34, so the product is exact. */
    const double r = ((x - n * 0x1.62e42fef8p-8) - n * 0x1.1cf79abc9e3b4p-43) + tail;
    const double rr = r * r;
    /* e^r = 1 + r + r r E(r), error of E 2^-46.6. */
    const double e = (0x1.fffffffffff57p-2 + 0x1.55555555554ddp-3 * r) +
                     (0x1.55555acfe235ep-5 + 0x1.111114fa2072bp-7 * r) * rr;
    const double p = r + rr * e;
    const skep__dd step = skep__math_exp[i];
    return exp_scaled(step.head + (step.tail + step.head * p), m);
}

/* log(x) for a finite x > 0. */
static skep__dd log_of(double x)
{
    int32_t k = 0;
    if (x < DBL_MIN) {
        x *= 0x1p+54;
        k = -54;
    }
    /* Steps of 1/128 of a binade, counted from 0x1.6p-1 = 0.6875. */
    const uint64_t u = skep__bits_f64(x);
    const uint64_t above = u - 0x3fe6000000000000u;
    const uint32_t i = (uint32_t)(above >> 45) & (SKEP__LOG_STEPS - 1u);
    const uint64_t power = (above + (1024ull << 52)) >> 52;
    k += (int32_t)power - 1024;
    const double m = skep__from_bits_f64(u - ((power - 1024u) << 52));
    const double m_head = skep__from_bits_f64(skep__bits_f64(m) & ~0x1fffffull);
    const double c = skep__math_log_inverse[i];
    const skep__dd r = skep__dd_sum_ordered(m_head * c - 1.0, (m - m_head) * c);
    /* log(1 + r) = r - r r/2 + r r r L(r), error of L 2^-55.5; |r| < 2^-6.9. */
    const double h = r.head;
    const double hh = h * h;
    const double l =
        ((0x1.24923ee336740p-3 - 0x1.0005ba6c755b0p-3 * h + 0x1.ca01abf13a903p-4 * hh) * hh +
         (0x1.99999999ae7ffp-3 - 0x1.555555499cc2dp-3 * h)) *
            hh +
        (0x1.5555555555555p-2 - 0x1.0000000000030p-2 * h);
    const double upper = skep__dd_upper(h);
    const double half = 0.5 * (upper * upper);
    const double half_rest = 0.5 * ((h - upper) * (h + upper));
    /* Both heads end at 2^-42, so their sum is exact. */
    const double base = (double)k * 0x1.62e42fefa38p-1 + skep__math_log[i].head;
    const double base_tail = (double)k * 0x1.ef35793c7673p-45 + skep__math_log[i].tail;
    const skep__dd first = skep__dd_sum(base, h);
    const skep__dd second = skep__dd_sum(first.head, -half);
    const double tail = ((first.tail + second.tail) + (r.tail - h * r.tail)) +
                        ((base_tail - half_rest) + h * (hh * l));
    return skep__dd_sum_ordered(second.head, tail);
}

double skep_exp_f64(double x)
{
    if (skep_is_nan_f64(x)) return math_nan();
    return exp_of(x, 0.0);
}

double skep_log_f64(double x)
{
    if (x == 0.0) return -math_infinity();
    if (!(x > 0.0)) return math_nan();
    if (x > DBL_MAX) return x;
    return log_of(x).head;
}

/* Whether y is no integer (0), an even (2) or an odd one (1). Infinities are even. */
static int pow_integer_kind(double y)
{
    const double a = skep_abs_f64(y);
    if (a >= 0x1p+53) return 2;
    if (skep_floor_f64(a) != a) return 0;
    const double half = a * 0.5;
    return skep_floor_f64(half) == half ? 2 : 1;
}

/* x^y for finite x > 0, x != 1, and finite y != 0. */
static double pow_of(double x, double y)
{
    const skep__dd l = log_of(x);
    /* |log x| is between 2^-53.1 and 746: such a y settles the result, and the product stays in
     * range. */
    const double ay = skep_abs_f64(y);
    if (ay > 0x1p+64) return (y > 0.0) == (l.head > 0.0) ? math_infinity() : 0.0;
    if (ay < 0x1p-64) return 1.0;
    const skep__dd p = skep__dd_product(y, l.head);
    return exp_of(p.head, p.tail + y * l.tail);
}

/* x^y in size, for |x| given, where neither is a NaN, x is not 1 and y not 0. */
static double pow_size(double a, double y)
{
    const bool grows = (a > 1.0) == (y > 0.0);
    if (a == 1.0) return 1.0;
    if (a == 0.0 || a > DBL_MAX || skep_abs_f64(y) > DBL_MAX) return grows ? math_infinity() : 0.0;
    return pow_of(a, y);
}

double skep_pow_f64(double x, double y)
{
    if (x == 1.0 || y == 0.0) return 1.0;
    if (skep_is_nan_f64(x) || skep_is_nan_f64(y)) return math_nan();
    const int kind = pow_integer_kind(y);
    if (x < 0.0 && x >= -DBL_MAX && kind == 0) return math_nan();
    const double size = pow_size(skep_abs_f64(x), y);
    return kind == 1 && skep__bits_f64(x) >> 63 != 0 ? -size : size;
}
