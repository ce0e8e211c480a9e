/* SPDX-License-Identifier: MIT */
/* Sine, cosine and tangent of f64 for skep/math.h.
 *
 * An angle is first reduced to [-pi/4, pi/4] as head and tail, with the number of quarter turns
 * taken out. Up to 2^20 that is Cody and Waite's way: multiples of pi/2, which is cut into pieces
 * of 33 bits so that the products are exact. Beyond, it is Payne and Hanek's (Radian reduction for
 * trigonometric functions, 1983): of the product of the 53-bit integer and the bits of 2/pi, only
 * the 192 bits around the point are computed. Then come minimax polynomials from
 * tools/math_constants.py. Sine and cosine are kept as head and tail until the last rounding, so
 * that the tangent can divide them. */
#include "core/base/math_dd.h"

/* An angle in [-pi/4, pi/4] (a little more on the Cody-Waite way) and the quarter turns before it.
 */
typedef struct skep__angle {
    skep__dd rest;
    uint64_t quarters; /* only the low two bits count */
} skep__angle;

/* The 128-bit product of two 64-bit numbers, in halves, since C17 has no wider type. */
static uint64_t angle_multiply_wide(uint64_t a, uint64_t b, uint64_t *low)
{
    const uint64_t mask = 0xffffffffu;
    const uint64_t ll = (a & mask) * (b & mask);
    const uint64_t lh = (a & mask) * (b >> 32);
    const uint64_t hl = (a >> 32) * (b & mask);
    const uint64_t hh = (a >> 32) * (b >> 32);
    const uint64_t middle = (ll >> 32) + (lh & mask) + (hl & mask);
    *low = (ll & mask) | (middle << 32);
    return hh + (lh >> 32) + (hl >> 32) + (middle >> 32);
}

/* 64 bits of 2/pi from a bit position in the table, which starts with 64 zero bits. */
static uint64_t angle_two_over_pi(uint32_t position)
{
    const uint32_t word = position / 64;
    const uint32_t shift = position % 64;
    const uint64_t high = skep__math_two_over_pi[word] << shift;
    return shift == 0 ? high : high | (skep__math_two_over_pi[word + 1] >> (64 - shift));
}

/* The sum of three 64-bit words below the binary point, most significant first. All pieces have one
 * sign and shrink, so adding them one after another loses nothing that counts. */
static skep__dd angle_fraction(const uint64_t w[3])
{
    skep__dd sum = {0.0, 0.0};
    double unit = 0x1p-32;
    for (int i = 0; i < 6; i++) {
        const uint64_t half = i % 2 == 0 ? w[i / 2] >> 32 : w[i / 2] & 0xffffffffu;
        const skep__dd next = skep__dd_sum(sum.head, (double)half * unit);
        sum.head = next.head;
        sum.tail += next.tail;
        unit *= 0x1p-32;
    }
    return skep__dd_sum_ordered(sum.head, sum.tail);
}

/* Payne and Hanek's reduction of a finite a >= 2^20. With a = m 2^e, bits of 2/pi above weight
 * 2^(1-e) make whole turns; the next 192 leave an error below m 2^-190, and no f64 comes closer
 * than about 2^-62 to a multiple of a quarter turn. */
static skep__angle angle_reduce_huge(double a)
{
    const uint64_t u = skep__bits_f64(a);
    const uint64_t m = (u & 0xfffffffffffffu) | 0x10000000000000u;
    const uint32_t position = (uint32_t)(u >> 52) - 1075u + 62u;
    uint64_t low1;
    uint64_t w[3];
    const uint64_t high2 = angle_multiply_wide(m, angle_two_over_pi(position + 128), &w[2]);
    const uint64_t high1 = angle_multiply_wide(m, angle_two_over_pi(position + 64), &low1);
    w[1] = high2 + low1;
    w[0] = m * angle_two_over_pi(position) + high1 + (w[1] < low1 ? 1u : 0u);
    skep__angle angle;
    angle.quarters = w[0] >> 62;
    w[0] = (w[0] << 2) | (w[1] >> 62);
    w[1] = (w[1] << 2) | (w[2] >> 62);
    w[2] <<= 2;
    const uint64_t above = w[0] >> 63; /* more than half a quarter: count down from the next one */
    angle.quarters += above;
    if (above) {
        w[2] = ~w[2] + 1u;
        w[1] = ~w[1] + (w[2] == 0 ? 1u : 0u);
        w[0] = ~w[0] + (w[1] == 0 && w[2] == 0 ? 1u : 0u);
    }
    const skep__dd f = angle_fraction(w);
    const skep__dd p = skep__dd_product(f.head, 0x1.921fb54442d18p+0);
    const double tail = p.tail + (f.head * 0x1.1a62633145c07p-54 + f.tail * 0x1.921fb54442d18p+0);
    const double sign = above ? -1.0 : 1.0;
    angle.rest = skep__dd_sum_ordered(sign * p.head, sign * tail);
    return angle;
}

/* Cody and Waite's reduction of a in (pi/4, 2^20): n has at most 20 bits, each piece 33. */
static skep__angle angle_reduce_moderate(double a)
{
    const double t = a * 0x1.45f306dc9c883p-1 + SKEP__MAGIC_F64;
    const double n = t - SKEP__MAGIC_F64;
    const double first = a - n * 0x1.921fb544p+0;
    const skep__dd second = skep__dd_sum(first, -(n * 0x1.0b4611a6p-34));
    const skep__dd third = skep__dd_sum(second.head, -(n * 0x1.3198a2ep-69));
    const double tail = (second.tail + third.tail) - n * 0x1.b839a252049c1p-104;
    skep__angle angle;
    angle.rest = skep__dd_sum(third.head, tail);
    angle.quarters = skep__bits_f64(t);
    return angle;
}

/* Reduces a finite a >= 0. */
static skep__angle angle_reduce(double a)
{
    if (a >= 0x1p+20) return angle_reduce_huge(a);
    if (a > 0x1.921fb54442d18p-1) return angle_reduce_moderate(a);
    const skep__angle angle = {{a, 0.0}, 0};
    return angle;
}

/* sin(r) = r + r z S(z), z = r r; error 2^-63. The first term of S, nearly -1/6, is not small, so
 * it is taken in three: with u, the upper 16 bits of r, 5/32 u u u is exact; 1/96 u u u is small;
 * and (r r r - u u u) / 6 is smaller still. */
static skep__dd angle_sin(skep__dd r)
{
    const double z = r.head * r.head;
    const double zz = z * z;
    const double s = ((0x1.6108b2a9d92cfp-33 - 0x1.9f703089ab181p-41 * z) * zz +
                      (0x1.71de3a32a8d96p-19 - 0x1.ae642ad4dbfa8p-26 * z)) *
                         z -
                     0x1.a01a019ffdba1p-13;
    const double fifth = r.head * zz * (0x1.1111111111067p-7 + z * s);
    const double u = skep__from_bits_f64(skep__bits_f64(r.head) & 0xffffffe000000000u);
    const double v = r.head - u;
    const double cube = u * u * u;
    const double cube_rest = 0.5 * (v * (u * u + v * (u + v * 0x1.5555555555555p-2)));
    const skep__dd head = skep__dd_sum_ordered(r.head, -(0.15625 * cube));
    const double tail = (head.tail - (0x1.5555555555550p-7 * cube + cube_rest)) +
                        (fifth + r.tail * (1.0 - 0.5 * z));
    return skep__dd_sum_ordered(head.head, tail);
}

/* cos(r) = 1 - z/2 + z z C(z), error 2^-64; z/2 is taken off in two exact steps, for it is not
 * small. */
static skep__dd angle_cos(skep__dd r)
{
    const double z = r.head * r.head;
    const double zz = z * z;
    const double c = ((-0x1.8fb091b61597ap-37 * z + 0x1.1ee9f0453d7e3p-29) * zz +
                      (-0x1.27e4f8116c894p-22 * z + 0x1.a01a019cbe0a3p-16)) *
                         zz +
                     (-0x1.6c16c16c15217p-10 * z + 0x1.555555555554cp-5);
    const double upper = skep__dd_upper(r.head);
    const double half = 0.5 * (upper * upper);
    const double half_rest = 0.5 * ((r.head - upper) * (r.head + upper));
    const double head = 1.0 - half;
    const double tail = ((1.0 - head) - half) - half_rest + (zz * c - r.head * r.tail);
    return skep__dd_sum_ordered(head, tail);
}

/* The sine of an angle so many quarter turns further on. */
static double angle_sin_at(const skep__angle *angle, uint64_t more)
{
    const uint64_t q = angle->quarters + more;
    const double v = (q & 1u) != 0 ? angle_cos(angle->rest).head : angle_sin(angle->rest).head;
    return (q & 2u) != 0 ? -v : v;
}

double skep_sin_f64(double x)
{
    const double a = skep_abs_f64(x);
    if (!(a <= DBL_MAX)) return skep__from_bits_f64(SKEP__NAN_BITS_F64);
    if (a < 0x1p-27) return x; /* x - x^3/6 rounds to x */
    const skep__angle angle = angle_reduce(a);
    const double s = angle_sin_at(&angle, 0);
    return skep__bits_f64(x) >> 63 ? -s : s;
}

double skep_cos_f64(double x)
{
    const double a = skep_abs_f64(x);
    if (!(a <= DBL_MAX)) return skep__from_bits_f64(SKEP__NAN_BITS_F64);
    const skep__angle angle = angle_reduce(a);
    return angle_sin_at(&angle, 1);
}

void skep_sincos_f64(double x, double *sin_out, double *cos_out)
{
    const double a = skep_abs_f64(x);
    if (!(a <= DBL_MAX)) {
        *sin_out = skep__from_bits_f64(SKEP__NAN_BITS_F64);
        *cos_out = *sin_out;
        return;
    }
    const skep__angle angle = angle_reduce(a);
    const double s = a < 0x1p-27 ? a : angle_sin_at(&angle, 0);
    *sin_out = skep__bits_f64(x) >> 63 ? -s : s;
    *cos_out = angle_sin_at(&angle, 1);
}

double skep_tan_f64(double x)
{
    const double a = skep_abs_f64(x);
    if (!(a <= DBL_MAX)) return skep__from_bits_f64(SKEP__NAN_BITS_F64);
    if (a < 0x1p-27) return x; /* x + x^3/3 rounds to x */
    const skep__angle angle = angle_reduce(a);
    const skep__dd s = angle_sin(angle.rest);
    const skep__dd c = angle_cos(angle.rest);
    const bool odd = (angle.quarters & 1u) != 0;
    const double t = odd ? -skep__dd_quotient(c, s).head : skep__dd_quotient(s, c).head;
    return skep__bits_f64(x) >> 63 ? -t : t;
}
