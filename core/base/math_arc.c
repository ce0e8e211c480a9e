/* SPDX-License-Identifier: MIT */
/* Arc tangent, arc sine and arc cosine of f64 for skep/math.h: one kernel, the angle of a point.
 *
 * The quotient low/high of the point's sides lies near some i/16, and the tangent of the angle
 * between is (low - c high) / (high + c low) with c = i/16: at most 1/32, for a short polynomial.
 * All of that is done in double-double, and atan(i/16) comes from a table. Arc sine and arc cosine
 * are the angles of the point (sqrt(1 - x x), x), whose second side has a tail too. */
#include "core/base/math_dd.h"

/* Pi and its half, with their tails. */
static const skep__dd math_pi = {0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53};
static const skep__dd math_half_pi = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};

/* b - a, where b is not the smaller. */
static skep__dd dd_less(skep__dd b, skep__dd a)
{
    const skep__dd d = skep__dd_sum(b.head, -a.head);
    return skep__dd_sum_ordered(d.head, d.tail + (b.tail - a.tail));
}

/* The angle of low/high, 2^-60 <= low/high <= 1, both within 2^-400 to 2^400 but for their ratio.
 */
static skep__dd angle_flat(skep__dd low, skep__dd high)
{
    const int32_t i = (int32_t)(low.head / high.head * 16.0 + 0.5);
    const double c = (double)i * 0.0625;
    const skep__dd ch = skep__dd_product(c, high.head);
    const skep__dd cl = skep__dd_product(c, low.head);
    /* low is within 1/32 high of c high, so this difference is exact for i > 0, and for 0 too. */
    const double n = low.head - ch.head;
    const skep__dd over = skep__dd_sum(n, (low.tail - c * high.tail) - ch.tail);
    const skep__dd d = skep__dd_sum_ordered(high.head, cl.head);
    const skep__dd under =
        skep__dd_sum_ordered(d.head, d.tail + (cl.tail + (high.tail + c * low.tail)));
    const skep__dd t = skep__dd_quotient(over, under);
    /* atan(t) = t + t z A(z), z = t t; error 2^-70. */
    const double z = t.head * t.head;
    const double a =
        ((-0x1.72558fffddf5fp-4 * z + 0x1.c71b83cac5cb5p-4) * z - 0x1.2492490e6b2eep-3) * (z * z) +
        (0x1.9999999997e49p-3 * z - 0x1.5555555555555p-2);
    const skep__dd sum = skep__dd_sum(skep__math_atan[i].head, t.head);
    const double tail = sum.tail + ((skep__math_atan[i].tail + t.tail) + t.head * (z * a));
    return skep__dd_sum_ordered(sum.head, tail);
}

/* The angle of the point (x, y), both at least zero and not both infinite. */
static skep__dd angle_of(skep__dd y, skep__dd x)
{
    const bool steep = y.head > x.head;
    skep__dd high = steep ? y : x;
    skep__dd low = steep ? x : y;
    skep__dd flat = {0.0, 0.0};
    if (low.head <= high.head * 0x1p-60) {
        /* Here atan(t) rounds to t, and the quotient itself may be subnormal. */
        flat.head = high.head > 0.0 ? low.head / high.head : 0.0;
    } else {
        double scale = 1.0;
        if (high.head > 0x1p+300) scale = 0x1p-700;
        if (high.head < 0x1p-300) scale = 0x1p+700;
        high.head *= scale;
        high.tail *= scale;
        low.head *= scale;
        low.tail *= scale;
        flat = angle_flat(low, high);
    }
    return steep ? dd_less(math_half_pi, flat) : flat;
}

/* A value without a tail. */
static skep__dd dd_plain(double x)
{
    const skep__dd r = {x, 0.0};
    return r;
}

/* The angle of a point in the right half plane mirrored to the left where asked. */
static double angle_turned(skep__dd angle, bool left)
{
    return left ? dd_less(math_pi, angle).head : angle.head;
}

double skep_atan2_f64(double y, double x)
{
    if (skep_is_nan_f64(x) || skep_is_nan_f64(y)) return skep__from_bits_f64(SKEP__NAN_BITS_F64);
    double ax = skep_abs_f64(x);
    double ay = skep_abs_f64(y);
    if (ax > DBL_MAX && ay > DBL_MAX) {
        ax = 1.0;
        ay = 1.0;
    }
    const skep__dd right = angle_of(dd_plain(ay), dd_plain(ax));
    return skep_copysign_f64(angle_turned(right, skep__bits_f64(x) >> 63 != 0), y);
}

double skep_atan_f64(double x)
{
    if (skep_is_nan_f64(x)) return skep__from_bits_f64(SKEP__NAN_BITS_F64);
    return skep_copysign_f64(angle_of(dd_plain(skep_abs_f64(x)), dd_plain(1.0)).head, x);
}

/* sqrt(1 - a a) for a in [0, 1], with its tail. */
static skep__dd angle_other_side(double a)
{
    const skep__dd square = skep__dd_product(a, a);
    const skep__dd d = skep__dd_sum_ordered(1.0, -square.head);
    const skep__dd rest = skep__dd_sum(d.head, d.tail - square.tail);
    const double root = skep_sqrt_f64(rest.head);
    if (!(root > 0.0)) return dd_plain(0.0);
    const skep__dd back = skep__dd_product(root, root);
    const double tail = (((rest.head - back.head) - back.tail) + rest.tail) / (2.0 * root);
    return skep__dd_sum_ordered(root, tail);
}

double skep_asin_f64(double x)
{
    const double a = skep_abs_f64(x);
    if (!(a <= 1.0)) return skep__from_bits_f64(SKEP__NAN_BITS_F64);
    if (a < 0x1p-27) return x; /* x + x^3/6 rounds to x */
    return skep_copysign_f64(angle_of(dd_plain(a), angle_other_side(a)).head, x);
}

double skep_acos_f64(double x)
{
    const double a = skep_abs_f64(x);
    if (!(a <= 1.0)) return skep__from_bits_f64(SKEP__NAN_BITS_F64);
    return angle_turned(angle_of(angle_other_side(a), dd_plain(a)), skep__bits_f64(x) >> 63 != 0);
}
