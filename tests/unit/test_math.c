/* SPDX-License-Identifier: MIT */
/* skep/math.h: the documented error bounds against the host's libm in a wider type (f64 for f32,
 * long double for f64), the special cases of C99 Annex F by their bits, the exact helpers, and a
 * checksum of result bits that every compiler, option and host must reproduce. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "skep/math.h"
#include "tests/unit/math_checksum.h"

/* What the head of skep/math.h promises, plus what the references themselves may be off by. Where
 * long double is no wider than f64 the reference is off by almost a unit. */
#define SLACK (LDBL_MANT_DIG >= 64 ? 0.002 : 1.0)
#define BOUND_F32 0.501
#define BOUND_TRIG (0.60 + SLACK)
#define BOUND_F64 (0.51 + SLACK)
#define BOUND_SUBNORMAL (0.76 + SLACK)

/* A step through all bit patterns of a float: a prime, so that every exponent is met with other low
 * bits. */
#define STEP_F32 619u
/* Random arguments for each range of an f64 function. */
#define DRAWS_F64 20000u

/* The worst error seen, and where. */
typedef struct worst {
    double ulps, x, y;
} worst;

static void worst_note(worst *w, double ulps, double x, double y)
{
    if (ulps <= w->ulps) return;
    w->ulps = ulps;
    w->x = x;
    w->y = y;
}

static void worst_check(const worst *w, const char *name, double bound)
{
    if (!(w->ulps <= bound))
        fail_msg("%s is off by %.4f units, more than %.4f, at (%a, %a)", name, w->ulps, bound, w->x,
                 w->y);
}

/* Errors of a NaN for a number, or of an infinity for a finite one, are this large. */
#define HOPELESS 1e9

/* The distance of a result to the true value, in units in the last place of f32 there. */
static double ulps_f32(float got, double want)
{
    if (want != want) return skep__bits_f32(got) == 0x7fc00000u ? 0.0 : HOPELESS;
    if (got != got) return HOPELESS;
    if (isinf(want) || isinf(got)) return (float)want == got ? 0.0 : HOPELESS;
    if (!signbit(got) != !signbit(want)) return HOPELESS;
    int e;
    (void)frexp(want, &e);
    const int unit = e - 24 < -149 ? -149 : e - 24;
    return fabs(ldexp((double)got - want, -unit));
}

/* The same for f64. */
static double ulps_f64(double got, long double want)
{
    if (want != want) return skep__bits_f64(got) == 0x7ff8000000000000u ? 0.0 : HOPELESS;
    if (got != got) return HOPELESS;
    if (isinf((double)want) || isinf(got)) return (double)want == got ? 0.0 : HOPELESS;
    if (!signbit(got) != !signbit(want)) return HOPELESS;
    int e;
    (void)frexpl(want, &e);
    const int unit = e - 53 < -1074 ? -1074 : e - 53;
    return (double)fabsl(ldexpl((long double)got - want, -unit));
}

/* ---- f32 against f64 ---- */

typedef struct case_f32 {
    const char *name;
    float (*ours)(float);
    double (*reference)(double);
} case_f32;

#define OURS_F32(name)                                                                             \
    static float ours_##name##_f32(float x)                                                        \
    {                                                                                              \
        return skep_##name##_f32(x);                                                               \
    }
OURS_F32(sin)
OURS_F32(cos)
OURS_F32(tan)
OURS_F32(asin)
OURS_F32(acos)
OURS_F32(atan)
OURS_F32(exp)
OURS_F32(log)

static const case_f32 cases_f32[] = {
    {"sin", ours_sin_f32, sin},    {"cos", ours_cos_f32, cos},    {"tan", ours_tan_f32, tan},
    {"asin", ours_asin_f32, asin}, {"acos", ours_acos_f32, acos}, {"atan", ours_atan_f32, atan},
    {"exp", ours_exp_f32, exp},    {"log", ours_log_f32, log},
};

static void test_f32_errors(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof cases_f32 / sizeof cases_f32[0]; k++) {
        const case_f32 *c = &cases_f32[k];
        worst w = {0.0, 0.0, 0.0};
        for (uint64_t u = 0; u <= UINT32_MAX; u += STEP_F32) {
            const float x = skep__from_bits_f32((uint32_t)u);
            worst_note(&w, ulps_f32(c->ours(x), c->reference((double)x)), (double)x, 0.0);
        }
        /* Around each power of two, and so around 0, 1 and the infinities. */
        for (uint32_t e = 0; e < 512; e++) {
            for (uint32_t d = 0; d < 9; d++) {
                const float x = skep__from_bits_f32((e << 23) + d - 4u);
                worst_note(&w, ulps_f32(c->ours(x), c->reference((double)x)), (double)x, 0.0);
            }
        }
        worst_check(&w, c->name, BOUND_F32);
    }
}

/* Angles next to multiples of a quarter turn: what is left of them is small, so errors of the
 * reduction show. The last is the float for which least is left of all. */
static void test_f32_hard_angles(void **state)
{
    (void)state;
    worst w = {0.0, 0.0, 0.0};
    for (uint32_t n = 1; n < 100000; n++) {
        const float near = (float)((double)n * (SKEP_PI / 2));
        const float x = n == 99999 ? 0x1.f37c8ap+95f : near;
        worst_note(&w, ulps_f32(skep_sin_f32(x), sin((double)x)), (double)x, 0.0);
        worst_note(&w, ulps_f32(skep_cos_f32(x), cos((double)x)), (double)x, 0.0);
        worst_note(&w, ulps_f32(skep_tan_f32(x), tan((double)x)), (double)x, 0.0);
    }
    worst_check(&w, "sin, cos, tan", BOUND_F32);
}

static void test_f32_pairs(void **state)
{
    (void)state;
    worst angle = {0.0, 0.0, 0.0};
    worst power = {0.0, 0.0, 0.0};
    for (uint64_t n = 0; n < 1000000; n++) {
        const float x = checksum_f32(n);
        const float y = checksum_f32(n + n / 4 + 5000000);
        worst_note(&angle, ulps_f32(skep_atan2_f32(y, x), atan2((double)y, (double)x)), (double)x,
                   (double)y);
        worst_note(&power, ulps_f32(skep_pow_f32(x, y), pow((double)x, (double)y)), (double)x,
                   (double)y);
        /* Integers as exponents, and results of every size. */
        const float k = (float)((int)(n % 41) - 20);
        worst_note(&power, ulps_f32(skep_pow_f32(x, k), pow((double)x, (double)k)), (double)x,
                   (double)k);
        const float base = 1.0f + (float)(n % 1000) * 0.01f;
        worst_note(&power, ulps_f32(skep_pow_f32(base, y), pow((double)base, (double)y)),
                   (double)base, (double)y);
    }
    worst_check(&angle, "atan2", BOUND_F32);
    worst_check(&power, "pow", BOUND_F32);
}

/* Both halves of sincos are the single functions, bit by bit. */
static void test_sincos(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 200000; n++) {
        const float x = checksum_f32(n);
        float s;
        float c;
        skep_sincos_f32(x, &s, &c);
        assert_int_equal(skep__bits_f32(s), skep__bits_f32(skep_sin_f32(x)));
        assert_int_equal(skep__bits_f32(c), skep__bits_f32(skep_cos_f32(x)));
        const double wide = checksum_f64(n);
        double ws;
        double wc;
        skep_sincos_f64(wide, &ws, &wc);
        assert_int_equal(skep__bits_f64(ws), skep__bits_f64(skep_sin_f64(wide)));
        assert_int_equal(skep__bits_f64(wc), skep__bits_f64(skep_cos_f64(wide)));
    }
}

/* ---- f64 against long double ---- */

static double uniform(uint64_t *n, double low, double high)
{
    *n += 1;
    return low + (high - low) * ((double)(checksum_mix(*n) >> 11) * 0x1p-53);
}

/* Any finite number of a sign: even exponents and mantissas. */
static double any_finite(uint64_t *n)
{
    *n += 1;
    const double x = skep__from_bits_f64(checksum_mix(*n));
    return x - x == 0.0 ? x : 1.0;
}

typedef struct case_f64 {
    const char *name;
    double (*ours)(double);
    long double (*reference)(long double);
    double low, high; /* uniform between these; any finite number where both are 0 */
    double bound;
} case_f64;

static const case_f64 cases_f64[] = {
    {"sin", skep_sin_f64, sinl, -7.0, 7.0, BOUND_TRIG},
    {"sin", skep_sin_f64, sinl, -1.2e6, 1.2e6, BOUND_TRIG},
    {"sin", skep_sin_f64, sinl, 0.0, 0.0, BOUND_TRIG},
    {"cos", skep_cos_f64, cosl, -7.0, 7.0, BOUND_TRIG},
    {"cos", skep_cos_f64, cosl, -1.2e6, 1.2e6, BOUND_TRIG},
    {"cos", skep_cos_f64, cosl, 0.0, 0.0, BOUND_TRIG},
    {"tan", skep_tan_f64, tanl, -7.0, 7.0, BOUND_TRIG},
    {"tan", skep_tan_f64, tanl, -1.2e6, 1.2e6, BOUND_TRIG},
    {"tan", skep_tan_f64, tanl, 0.0, 0.0, BOUND_TRIG},
    {"asin", skep_asin_f64, asinl, -1.0, 1.0, BOUND_F64},
    {"asin", skep_asin_f64, asinl, 0.999, 1.0, BOUND_F64},
    {"acos", skep_acos_f64, acosl, -1.0, 1.0, BOUND_F64},
    {"acos", skep_acos_f64, acosl, 0.999, 1.0, BOUND_F64},
    {"acos", skep_acos_f64, acosl, -1e-9, 1e-9, BOUND_F64},
    {"atan", skep_atan_f64, atanl, -3.0, 3.0, BOUND_F64},
    {"atan", skep_atan_f64, atanl, 0.0, 0.0, BOUND_F64},
    {"exp", skep_exp_f64, expl, -708.3, 709.9, BOUND_F64},
    {"exp", skep_exp_f64, expl, -1.0, 1.0, BOUND_F64},
    {"exp, subnormal", skep_exp_f64, expl, -750.0, -708.3, BOUND_SUBNORMAL},
    {"log", skep_log_f64, logl, 0.5, 2.0, BOUND_F64},
    {"log", skep_log_f64, logl, 0.99, 1.01, BOUND_F64},
    {"log", skep_log_f64, logl, 0.0, 0.0, BOUND_F64},
};

static void test_f64_errors(void **state)
{
    (void)state;
    uint64_t n = 0;
    for (size_t k = 0; k < sizeof cases_f64 / sizeof cases_f64[0]; k++) {
        const case_f64 *c = &cases_f64[k];
        const bool any = c->low == 0.0 && c->high == 0.0;
        worst w = {0.0, 0.0, 0.0};
        for (uint32_t i = 0; i < DRAWS_F64; i++) {
            const double x = any ? any_finite(&n) : uniform(&n, c->low, c->high);
            worst_note(&w, ulps_f64(c->ours(x), c->reference((long double)x)), x, 0.0);
        }
        worst_check(&w, c->name, c->bound);
    }
}

static void test_f64_hard_angles(void **state)
{
    (void)state;
    worst w = {0.0, 0.0, 0.0};
    for (uint32_t i = 1; i < 60000; i++) {
        /* The nearest to multiples of a quarter turn, on both sides of the change of method; the
         * last is the f64 for which least is left (Muller, Elementary Functions, 2016). */
        const double near = (double)i * 17.0 * 0x1.921fb54442d18p+0;
        const double x = i == 59999 ? 0x1.6ac5b262ca1ffp+849 : near;
        worst_note(&w, ulps_f64(skep_sin_f64(x), sinl((long double)x)), x, 0.0);
        worst_note(&w, ulps_f64(skep_cos_f64(x), cosl((long double)x)), x, 0.0);
        worst_note(&w, ulps_f64(skep_tan_f64(x), tanl((long double)x)), x, 0.0);
    }
    worst_check(&w, "sin, cos, tan", BOUND_TRIG);
}

static void test_f64_near_one(void **state)
{
    (void)state;
    uint64_t n = 0;
    worst w = {0.0, 0.0, 0.0};
    for (int i = 0; i < 50000; i++) {
        const double x = 1.0 + ldexp(uniform(&n, -1.0, 1.0), -(i % 52) - 1);
        worst_note(&w, ulps_f64(skep_log_f64(x), logl((long double)x)), x, 0.0);
    }
    worst_check(&w, "log", BOUND_F64);
}

static void test_f64_atan2(void **state)
{
    (void)state;
    uint64_t n = 0;
    worst w = {0.0, 0.0, 0.0};
    for (uint32_t i = 0; i < 3 * DRAWS_F64; i++) {
        double x = any_finite(&n);
        double y = any_finite(&n);
        if (i % 3 == 1) y = x * uniform(&n, -4.0, 4.0);
        if (i % 3 == 2) {
            x = uniform(&n, -1.0, 1.0);
            y = uniform(&n, -1.0, 1.0);
        }
        worst_note(&w, ulps_f64(skep_atan2_f64(y, x), atan2l((long double)y, (long double)x)), x,
                   y);
    }
    /* A result may be subnormal here: one division rounds it, and the bound holds. */
    worst_check(&w, "atan2", BOUND_F64);
}

static void pow_note(worst *normal, worst *subnormal, double x, double y)
{
    const long double want = powl((long double)x, (long double)y);
    const double ulps = ulps_f64(skep_pow_f64(x, y), want);
    worst_note(fabsl(want) < (long double)DBL_MIN ? subnormal : normal, ulps, x, y);
}

static void test_f64_pow(void **state)
{
    (void)state;
    uint64_t n = 0;
    worst normal = {0.0, 0.0, 0.0};
    worst subnormal = {0.0, 0.0, 0.0};
    for (int i = 0; i < 30000; i++) {
        pow_note(&normal, &subnormal, uniform(&n, 0.0, 10.0), uniform(&n, -300.0, 300.0));
        /* Logarithms of every size, results of every size. */
        const double near = 1.0 + ldexp(uniform(&n, -1.0, 1.0), -(i % 50) - 1);
        const double any = skep_abs_f64(any_finite(&n));
        const double size = uniform(&n, -746.0, 711.0);
        if (near != 1.0) pow_note(&normal, &subnormal, near, size / log(near));
        if (any > 0.0 && any != 1.0) pow_note(&normal, &subnormal, any, size / log(any));
        pow_note(&normal, &subnormal, uniform(&n, -50.0, 50.0), (double)(i % 301 - 150));
    }
    worst_check(&normal, "pow", BOUND_F64);
    worst_check(&subnormal, "pow, subnormal", BOUND_SUBNORMAL);
}

/* Where a result is exact, it is that. */
static void test_exact_results(void **state)
{
    (void)state;
    for (int k = -1074; k < 1024; k++) {
        assert_true(skep_pow_f64(2.0, (double)k) == ldexp(1.0, k));
        if (k >= -149 && k < 128) assert_true(skep_pow_f32(2.0f, (float)k) == ldexpf(1.0f, k));
    }
    for (int i = 1; i < 5000; i++) {
        const double d = (double)i;
        assert_true(skep_pow_f64(d, 1.0) == d && skep_pow_f64(-d, 3.0) == -d * d * d);
        assert_true(skep_pow_f64(d * d, 0.5) == d && skep_pow_f32((float)d, 1.0f) == (float)d);
    }
    assert_true(skep_exp_f64(0.0) == 1.0 && skep_exp_f32(0.0f) == 1.0f);
    assert_true(skep_cos_f64(0.0) == 1.0 && skep_cos_f32(-0.0f) == 1.0f);
    assert_true(skep_acos_f64(-1.0) == SKEP_PI && skep_atan2_f64(1.0, 0.0) == SKEP_PI / 2);
}

/* ---- Special cases ---- */

#define INF_F64 skep__from_bits_f64(0x7ff0000000000000u)
#define NAN_F64 skep__from_bits_f64(0x7ff8000000000000u)

/* A one-argument case that holds for f32 and f64 alike: the argument and the result, both exact. */
typedef struct special {
    double (*wide)(double);
    float (*narrow)(float);
    uint64_t x, want; /* bits of f64 values that are f32 values as well */
} special;

#define ZERO 0x0000000000000000u
#define MINUS_ZERO 0x8000000000000000u
#define ONE 0x3ff0000000000000u
#define MINUS_ONE 0xbff0000000000000u
#define TWO 0x4000000000000000u
#define INF 0x7ff0000000000000u
#define MINUS_INF 0xfff0000000000000u
#define NOT_A_NUMBER 0x7ff8000000000000u
#define HIGH 0x47dfffffe0000000u /* FLT_MAX */
#define TINY 0x36a0000000000000u /* the least f32 */
#define MINUS_TINY 0xb6a0000000000000u

static const special specials[] = {
    {skep_sin_f64, ours_sin_f32, ZERO, ZERO},
    {skep_sin_f64, ours_sin_f32, MINUS_ZERO, MINUS_ZERO},
    {skep_sin_f64, ours_sin_f32, INF, NOT_A_NUMBER},
    {skep_sin_f64, ours_sin_f32, MINUS_INF, NOT_A_NUMBER},
    {skep_sin_f64, ours_sin_f32, TINY, TINY},
    {skep_cos_f64, ours_cos_f32, MINUS_ZERO, ONE},
    {skep_cos_f64, ours_cos_f32, INF, NOT_A_NUMBER},
    {skep_cos_f64, ours_cos_f32, MINUS_INF, NOT_A_NUMBER},
    {skep_cos_f64, ours_cos_f32, TINY, ONE},
    {skep_tan_f64, ours_tan_f32, MINUS_ZERO, MINUS_ZERO},
    {skep_tan_f64, ours_tan_f32, INF, NOT_A_NUMBER},
    {skep_tan_f64, ours_tan_f32, MINUS_TINY, MINUS_TINY},
    {skep_asin_f64, ours_asin_f32, MINUS_ZERO, MINUS_ZERO},
    {skep_asin_f64, ours_asin_f32, TWO, NOT_A_NUMBER},
    {skep_asin_f64, ours_asin_f32, MINUS_INF, NOT_A_NUMBER},
    {skep_asin_f64, ours_asin_f32, MINUS_TINY, MINUS_TINY},
    {skep_acos_f64, ours_acos_f32, ONE, ZERO},
    {skep_acos_f64, ours_acos_f32, TWO, NOT_A_NUMBER},
    {skep_acos_f64, ours_acos_f32, MINUS_INF, NOT_A_NUMBER},
    {skep_atan_f64, ours_atan_f32, MINUS_ZERO, MINUS_ZERO},
    {skep_atan_f64, ours_atan_f32, TINY, TINY},
    {skep_exp_f64, ours_exp_f32, MINUS_ZERO, ONE},
    {skep_exp_f64, ours_exp_f32, INF, INF},
    {skep_exp_f64, ours_exp_f32, MINUS_INF, ZERO},
    {skep_exp_f64, ours_exp_f32, HIGH, INF},
    {skep_exp_f64, ours_exp_f32, MINUS_TINY, ONE},
    {skep_log_f64, ours_log_f32, ZERO, MINUS_INF},
    {skep_log_f64, ours_log_f32, MINUS_ZERO, MINUS_INF},
    {skep_log_f64, ours_log_f32, ONE, ZERO},
    {skep_log_f64, ours_log_f32, MINUS_ONE, NOT_A_NUMBER},
    {skep_log_f64, ours_log_f32, MINUS_TINY, NOT_A_NUMBER},
    {skep_log_f64, ours_log_f32, INF, INF},
    {skep_log_f64, ours_log_f32, MINUS_INF, NOT_A_NUMBER},
};

/* Bits of the float that has an f64's value, or the canonical NaN's. */
static uint32_t narrow_bits(uint64_t wide)
{
    if (wide == NOT_A_NUMBER) return 0x7fc00000u;
    return skep__bits_f32((float)skep__from_bits_f64(wide));
}

static void test_special_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        const special *s = &specials[i];
        const double wide = s->wide(skep__from_bits_f64(s->x));
        const float narrow = s->narrow((float)skep__from_bits_f64(s->x));
        if (skep__bits_f64(wide) != s->want || skep__bits_f32(narrow) != narrow_bits(s->want))
            fail_msg("special case %zu: f64 %a, f32 %a", i, wide, (double)narrow);
    }
    /* NaNs of either sign, quiet or signalling, all come out as the canonical one. */
    static const uint32_t payloads[] = {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0xffffffffu};
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        for (size_t k = 0; k < 4; k++) {
            const uint64_t wide = (uint64_t)payloads[k] << 32 | 5u;
            const double w = specials[i].wide(skep__from_bits_f64(wide | 0x7ff0000000000000u));
            const float f = specials[i].narrow(skep__from_bits_f32(payloads[k]));
            assert_int_equal(skep__bits_f64(w), NOT_A_NUMBER);
            assert_int_equal(skep__bits_f32(f), 0x7fc00000u);
        }
    }
}

/* Values whose pairs make up the special cases of pow and atan2. */
static const double odd_values[] = {0.0,
                                    -0.0,
                                    0.5,
                                    -0.5,
                                    1.0,
                                    -1.0,
                                    2.0,
                                    -2.0,
                                    3.0,
                                    -3.0,
                                    1.5,
                                    -1.5,
                                    0x1p+23,
                                    0x1.000002p+23,
                                    -0x1.000002p+23,
                                    0x1.fffffep+23,
                                    -0x1.fffffep+23,
                                    0x1p+24,
                                    0x1.8p+22,
                                    0x1.800002p+22,
                                    0x1.000002p+0,
                                    0x1.fffffep-1,
                                    -0x1.fffffep-1,
                                    0x1.fffffep+127,
                                    -0x1.fffffep+127,
                                    0x1p-149,
                                    -0x1p-149,
                                    0x1p-126,
                                    HUGE_VAL,
                                    -HUGE_VAL};

#define ODD_VALUES (sizeof odd_values / sizeof odd_values[0])

/* glibc and every other libm that claims Annex F gets these pairs right, so the host's is the
 * table. */
static void test_special_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ODD_VALUES * (ODD_VALUES + 1); i++) {
        const double x = odd_values[i % ODD_VALUES];
        const double y = i < ODD_VALUES * ODD_VALUES ? odd_values[i / ODD_VALUES] : 7.0;
        const float fx = (float)x;
        const float fy = (float)y;
        if (!(ulps_f64(skep_pow_f64(x, y), powl((long double)x, (long double)y)) <=
              BOUND_SUBNORMAL))
            fail_msg("pow_f64(%a, %a) gave %a", x, y, skep_pow_f64(x, y));
        if (!(ulps_f32(skep_pow_f32(fx, fy), pow(x, y)) <= BOUND_F32))
            fail_msg("pow_f32(%a, %a) gave %a", x, y, (double)skep_pow_f32(fx, fy));
        if (!(ulps_f64(skep_atan2_f64(y, x), atan2l((long double)y, (long double)x)) <= BOUND_F64))
            fail_msg("atan2_f64(%a, %a) gave %a", y, x, skep_atan2_f64(y, x));
        if (!(ulps_f32(skep_atan2_f32(fy, fx), atan2(y, x)) <= BOUND_F32))
            fail_msg("atan2_f32(%a, %a) gave %a", y, x, (double)skep_atan2_f32(fy, fx));
    }
}

static void test_pairs_with_nans(void **state)
{
    (void)state;
    const float nan32 = skep__from_bits_f32(0xffc01234u);
    const double nan64 = skep__from_bits_f64(0xfff8000000001234u);
    for (size_t i = 0; i < ODD_VALUES; i++) {
        const double v = odd_values[i];
        const float f = (float)v;
        const uint32_t left = v == 1.0 ? 0x3f800000u : 0x7fc00000u;  /* pow(1, NaN) is 1 */
        const uint32_t right = v == 0.0 ? 0x3f800000u : 0x7fc00000u; /* pow(NaN, 0) is 1 */
        assert_int_equal(skep__bits_f32(skep_pow_f32(f, nan32)), left);
        assert_int_equal(skep__bits_f32(skep_pow_f32(nan32, f)), right);
        assert_int_equal(skep__bits_f64(skep_pow_f64(v, nan64)), v == 1.0 ? ONE : NOT_A_NUMBER);
        assert_int_equal(skep__bits_f64(skep_pow_f64(nan64, v)), v == 0.0 ? ONE : NOT_A_NUMBER);
        assert_int_equal(skep__bits_f32(skep_atan2_f32(f, nan32)), 0x7fc00000u);
        assert_int_equal(skep__bits_f32(skep_atan2_f32(nan32, f)), 0x7fc00000u);
        assert_int_equal(skep__bits_f64(skep_atan2_f64(v, nan64)), NOT_A_NUMBER);
        assert_int_equal(skep__bits_f64(skep_atan2_f64(nan64, v)), NOT_A_NUMBER);
    }
}

/* ---- Helpers ---- */

static void same_f32(float got, float want, float x)
{
    const uint32_t bits = skep__bits_f32(skep_canonical_f32(want));
    if (skep__bits_f32(got) != bits)
        fail_msg("at %a: %a, not %a", (double)x, (double)got, (double)want);
}

static void test_rounding_f32(void **state)
{
    (void)state;
    for (uint64_t u = 0; u <= UINT32_MAX; u += 5 * STEP_F32) {
        const float x = skep__from_bits_f32((uint32_t)u);
        same_f32(skep_floor_f32(x), floorf(x), x);
        same_f32(skep_ceil_f32(x), ceilf(x), x);
        same_f32(skep_trunc_f32(x), truncf(x), x);
        same_f32(skep_round_f32(x), rintf(x), x);
        same_f32(skep_sqrt_f32(x), sqrtf(x), x);
    }
    for (int i = -4000; i <= 4000; i++) {
        for (int d = -1; d <= 1; d++) {
            float x = (float)i * 0.25f;
            if (d != 0) x = nextafterf(x, d < 0 ? -1e9f : 1e9f);
            same_f32(skep_floor_f32(x), floorf(x), x);
            same_f32(skep_ceil_f32(x), ceilf(x), x);
            same_f32(skep_trunc_f32(x), truncf(x), x);
            same_f32(skep_round_f32(x), rintf(x), x);
        }
    }
}

static void same_f64(double got, double want, double x)
{
    const bool both_nan = want != want && skep__bits_f64(got) == NOT_A_NUMBER;
    if (!both_nan && skep__bits_f64(got) != skep__bits_f64(want))
        fail_msg("at %a: %a, not %a", x, got, want);
}

static void test_rounding_f64(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 400000; n++) {
        /* Any bits, quarters up to 2^54, and numbers between integers. */
        double x = skep__from_bits_f64(checksum_mix(n));
        if (n % 4 == 1) x = (double)(int64_t)checksum_mix(n) * ldexp(1.0, -(int)(n % 65));
        if (n % 4 == 2) x = (double)((int64_t)(n % 4001) - 2000) * 0.25;
        if (n % 4 == 3) x = nextafter((double)((int64_t)(n % 4001) - 2000) * 0.25, 0.0);
        same_f64(skep_floor_f64(x), floor(x), x);
        same_f64(skep_ceil_f64(x), ceil(x), x);
        same_f64(skep_trunc_f64(x), trunc(x), x);
        same_f64(skep_round_f64(x), rint(x), x);
        same_f64(skep_sqrt_f64(x), sqrt(x), x);
    }
}

static void test_min_max_clamp(void **state)
{
    (void)state;
    const float nan32 = skep__from_bits_f32(0x7fc00000u);
    same_f32(skep_min_f32(1.0f, 2.0f), 1.0f, 0.0f);
    same_f32(skep_max_f32(1.0f, 2.0f), 2.0f, 0.0f);
    /* The second wins between zeros and where a NaN is in play, as documented. */
    same_f32(skep_min_f32(-0.0f, 0.0f), 0.0f, 0.0f);
    same_f32(skep_min_f32(0.0f, -0.0f), -0.0f, 0.0f);
    same_f32(skep_max_f32(-0.0f, 0.0f), 0.0f, 0.0f);
    same_f32(skep_max_f32(0.0f, -0.0f), -0.0f, 0.0f);
    same_f32(skep_min_f32(nan32, 3.0f), 3.0f, 0.0f);
    same_f32(skep_min_f32(3.0f, nan32), nan32, 0.0f);
    same_f32(skep_max_f32(nan32, 3.0f), 3.0f, 0.0f);
    same_f32(skep_max_f32(3.0f, nan32), nan32, 0.0f);
    same_f32(skep_clamp_f32(nan32, -1.0f, 1.0f), -1.0f, 0.0f);
    same_f32(skep_clamp_f32(-7.0f, -1.0f, 1.0f), -1.0f, 0.0f);
    same_f32(skep_clamp_f32(7.0f, -1.0f, 1.0f), 1.0f, 0.0f);
    same_f32(skep_clamp_f32(-0.0f, -1.0f, 1.0f), -0.0f, 0.0f);
    same_f32(skep_clamp_f32(-0.0f, 0.0f, 1.0f), 0.0f, 0.0f);
    same_f64(skep_min_f64(-0.0, 0.0), 0.0, 0.0);
    same_f64(skep_max_f64(0.0, -0.0), -0.0, 0.0);
    same_f64(skep_min_f64(NAN_F64, 3.0), 3.0, 0.0);
    same_f64(skep_max_f64(3.0, NAN_F64), NAN_F64, 0.0);
    same_f64(skep_clamp_f64(NAN_F64, -1.0, 1.0), -1.0, 0.0);
    same_f64(skep_clamp_f64(INF_F64, -1.0, 1.0), 1.0, 0.0);
}

static void test_signs_and_nans(void **state)
{
    (void)state;
    static const uint32_t nans[] = {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0xff800001u,
                                    0x7fffffffu};
    for (size_t i = 0; i < sizeof nans / sizeof nans[0]; i++) {
        const float x = skep__from_bits_f32(nans[i]);
        const uint64_t wide = (uint64_t)nans[i] << 32 | 0x7ff0000000000000u | 1u;
        assert_true(skep_is_nan_f32(x));
        assert_int_equal(skep__bits_f32(skep_canonical_f32(x)), 0x7fc00000u);
        assert_int_equal(skep__bits_f32(skep_abs_f32(x)), nans[i] & 0x7fffffffu);
        assert_true(skep_is_nan_f64(skep__from_bits_f64(wide)));
        assert_int_equal(skep__bits_f64(skep_canonical_f64(skep__from_bits_f64(wide))),
                         NOT_A_NUMBER);
    }
    for (size_t i = 0; i < ODD_VALUES; i++) {
        const double x = odd_values[i];
        assert_false(skep_is_nan_f64(x) || skep_is_nan_f32((float)x));
        same_f64(skep_canonical_f64(x), x, x);
        same_f64(skep_abs_f64(x), fabs(x), x);
        same_f64(skep_copysign_f64(x, -0.0), copysign(x, -0.0), x);
        same_f32(skep_canonical_f32((float)x), (float)x, (float)x);
        same_f32(skep_abs_f32((float)x), fabsf((float)x), (float)x);
        same_f32(skep_copysign_f32((float)x, -1.0f), copysignf((float)x, -1.0f), (float)x);
    }
}

/* ---- The same bits ---- */

static void test_checksums(void **state)
{
    (void)state;
    static checksum_columns columns;
    assert_int_equal(checksum_all_f32(&columns), CHECKSUM_F32);
    assert_int_equal(checksum_all_f64(), CHECKSUM_F64);
    assert_true(skep_math_is_exact());
}

/* A loop, which an optimised build vectorises, gives what single calls through a pointer give. */
static void test_loops_equal_calls(void **state)
{
    (void)state;
    static float x[1000];
    static float got[8][1000];
    for (uint32_t i = 0; i < 1000; i++) x[i] = checksum_f32(i);
    for (uint32_t i = 0; i < 1000; i++) got[0][i] = skep_sin_f32(x[i]);
    for (uint32_t i = 0; i < 1000; i++) got[1][i] = skep_cos_f32(x[i]);
    for (uint32_t i = 0; i < 1000; i++) got[2][i] = skep_tan_f32(x[i]);
    for (uint32_t i = 0; i < 1000; i++) got[3][i] = skep_asin_f32(x[i]);
    for (uint32_t i = 0; i < 1000; i++) got[4][i] = skep_acos_f32(x[i]);
    for (uint32_t i = 0; i < 1000; i++) got[5][i] = skep_atan_f32(x[i]);
    for (uint32_t i = 0; i < 1000; i++) got[6][i] = skep_exp_f32(x[i]);
    for (uint32_t i = 0; i < 1000; i++) got[7][i] = skep_log_f32(x[i]);
    for (uint32_t k = 0; k < 8; k++) {
        float (*volatile call)(float) = cases_f32[k].ours;
        for (uint32_t i = 0; i < 1000; i++)
            assert_int_equal(skep__bits_f32(got[k][i]), skep__bits_f32(call(x[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f32_errors),        cmocka_unit_test(test_f32_hard_angles),
        cmocka_unit_test(test_f32_pairs),         cmocka_unit_test(test_sincos),
        cmocka_unit_test(test_f64_errors),        cmocka_unit_test(test_f64_hard_angles),
        cmocka_unit_test(test_f64_near_one),      cmocka_unit_test(test_f64_atan2),
        cmocka_unit_test(test_f64_pow),           cmocka_unit_test(test_exact_results),
        cmocka_unit_test(test_special_cases),     cmocka_unit_test(test_special_pairs),
        cmocka_unit_test(test_pairs_with_nans),   cmocka_unit_test(test_rounding_f32),
        cmocka_unit_test(test_rounding_f64),      cmocka_unit_test(test_min_max_clamp),
        cmocka_unit_test(test_signs_and_nans),    cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_loops_equal_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
