/* SPDX-License-Identifier: MIT */
/* The geometry and the demand of `skies`: places on a sphere, legs along great circles, and the
 * gravity model that says how often two airports are flown between.
 *
 * A place is a unit vector: x to longitude 0 on the equator, y to 90 degrees east, z to the north
 * pole. Angles are radians; an angle at the earth's centre times SKEP__SKY_EARTH_NM is a way over
 * ground. Everything is pure and built on skep/math.h, so that every host gets the same bits.
 * Single precision is for what a job does each frame: half a unit of it is 0.2 m on the ground. */
#ifndef SKEP_SCENES_SKY_MATH_H
#define SKEP_SCENES_SKY_MATH_H

#include <stdbool.h>
#include <stdint.h>

#include "skep/math.h"

/* One international nautical mile in metres: exact, First International Extraordinary Hydrographic
 * Conference, Monaco 1929. */
#define SKEP__SKY_METRES_PER_NM 1852.0

/* One foot in metres: exact, international yard and pound agreement, 1959. */
#define SKEP__SKY_METRES_PER_FT 0.3048

/* Feet in a nautical mile. */
#define SKEP__SKY_FT_PER_NM (SKEP__SKY_METRES_PER_NM / SKEP__SKY_METRES_PER_FT)

/* The mean radius (2a + b) / 3 of the earth, IUGG's R1 on the GRS 80 ellipsoid, in metres. */
#define SKEP__SKY_EARTH_M 6371008.8

/* The same in nautical miles. */
#define SKEP__SKY_EARTH_NM (SKEP__SKY_EARTH_M / SKEP__SKY_METRES_PER_NM)

/* A full turn. */
#define SKEP__SKY_TURN 6.283185307179586

/* A place on the unit sphere, or a direction. */
typedef struct skep__sky_vec {
    double x;
    double y;
    double z;
} skep__sky_vec;

/* The same in single precision. */
typedef struct skep__sky_vec_f32 {
    float x;
    float y;
    float z;
} skep__sky_vec_f32;

/* A place by its two angles: north and east are positive. */
typedef struct skep__sky_place {
    double lat_rad;
    double lon_rad;
} skep__sky_place;

/* A great circle from `from` on: after an angle s the place is from * cos(s) + toward * sin(s). */
typedef struct skep__sky_leg {
    skep__sky_vec from;
    skep__sky_vec toward; /* a unit vector at right angles to `from` */
    double angle;         /* of the whole leg, 0 to pi */
} skep__sky_leg;

/* Vectors. */

/* Returns the product of two vectors that tells their angle's cosine. */
static inline double skep__sky_dot(skep__sky_vec a, skep__sky_vec b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

/* Returns the vector at right angles to both; its length tells the sine of their angle. */
static inline skep__sky_vec skep__sky_cross(skep__sky_vec a, skep__sky_vec b)
{
    const skep__sky_vec r = {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
    return r;
}

/* Returns the length of a vector. */
static inline double skep__sky_length(skep__sky_vec v)
{
    return skep_sqrt_f64(skep__sky_dot(v, v));
}

/* Returns a * p + b * q. */
static inline skep__sky_vec skep__sky_blend(skep__sky_vec a, double p, skep__sky_vec b, double q)
{
    const skep__sky_vec r = {a.x * p + b.x * q, a.y * p + b.y * q, a.z * p + b.z * q};
    return r;
}

/* Returns a vector in single precision. */
static inline skep__sky_vec_f32 skep__sky_to_f32(skep__sky_vec v)
{
    const skep__sky_vec_f32 r = {(float)v.x, (float)v.y, (float)v.z};
    return r;
}

/* Places. */

/* Returns the unit vector of a place. */
static inline skep__sky_vec skep__sky_vec_of(skep__sky_place place)
{
    const double c = skep_cos_f64(place.lat_rad);
    const skep__sky_vec r = {c * skep_cos_f64(place.lon_rad), c * skep_sin_f64(place.lon_rad),
                             skep_sin_f64(place.lat_rad)};
    return r;
}

/* Returns the two angles of a vector of any length but 0. At a pole the longitude is arbitrary. */
static inline skep__sky_place skep__sky_place_of(skep__sky_vec v)
{
    const skep__sky_place r = {skep_atan2_f64(v.z, skep_sqrt_f64(v.x * v.x + v.y * v.y)),
                               skep_atan2_f64(v.y, v.x)};
    return r;
}

/* Returns the angle between two places, 0 to pi. By sine and cosine together, so that near places
 * and places on opposite sides are as exact as any; an arc cosine loses half the digits there. */
static inline double skep__sky_angle(skep__sky_vec a, skep__sky_vec b)
{
    return skep_atan2_f64(skep__sky_length(skep__sky_cross(a, b)), skep__sky_dot(a, b));
}

/* Returns the way over ground between two places in nautical miles. */
static inline double skep__sky_distance_nm(skep__sky_vec a, skep__sky_vec b)
{
    return skep__sky_angle(a, b) * SKEP__SKY_EARTH_NM;
}

/* Returns the straight line through the earth between two places that are `arc_nm` apart over
 * ground: what two positions in space are compared by. At 5 NM the two differ by less than a part
 * in 10^7. */
static inline double skep__sky_chord_nm(double arc_nm)
{
    return 2.0 * SKEP__SKY_EARTH_NM * skep_sin_f64(arc_nm / (2.0 * SKEP__SKY_EARTH_NM));
}

/* Legs. */

/* Returns some unit vector at right angles to a unit vector. */
static inline skep__sky_vec skep__sky_any_normal(skep__sky_vec v)
{
    /* Of the axes, x or z is surely not parallel to v. */
    const bool near_x = v.x * v.x > 0.5;
    const skep__sky_vec axis = {near_x ? 0.0 : 1.0, 0.0, near_x ? 1.0 : 0.0};
    const skep__sky_vec n = skep__sky_cross(v, axis);
    const skep__sky_vec zero = {0.0, 0.0, 0.0};
    return skep__sky_blend(n, 1.0 / skep__sky_length(n), zero, 0.0);
}

/* Returns the great circle from one place to another. Between a place and itself or its opposite
 * every direction is as good; the leg then takes one of them. */
static inline skep__sky_leg skep__sky_leg_between(skep__sky_vec from, skep__sky_vec to)
{
    /* What is left of `to` without its part along `from`. By two cross products the result stands
     * at right angles to `from` to the last bit or two, however near the places are. */
    const skep__sky_vec rest = skep__sky_cross(skep__sky_cross(from, to), from);
    const double length = skep__sky_length(rest);
    const skep__sky_vec zero = {0.0, 0.0, 0.0};
    skep__sky_leg leg;
    leg.from = from;
    leg.angle = skep__sky_angle(from, to);
    leg.toward = length > 1e-12 ? skep__sky_blend(rest, 1.0 / length, zero, 0.0)
                                : skep__sky_any_normal(from);
    return leg;
}

/* Returns the place after an angle along the leg; beyond its end the circle goes on. */
static inline skep__sky_vec skep__sky_leg_at(const skep__sky_leg *leg, double angle)
{
    return skep__sky_blend(leg->from, skep_cos_f64(angle), leg->toward, skep_sin_f64(angle));
}

/* Returns the direction of travel, a unit vector, after an angle along the leg. */
static inline skep__sky_vec skep__sky_leg_heading(const skep__sky_leg *leg, double angle)
{
    return skep__sky_blend(leg->toward, skep_cos_f64(angle), leg->from, -skep_sin_f64(angle));
}

/* Returns the place after an angle in single precision: what a job computes for each flight. */
static inline skep__sky_vec_f32 skep__sky_along_f32(skep__sky_vec_f32 from,
                                                    skep__sky_vec_f32 toward, float angle)
{
    float s = 0.0f;
    float c = 0.0f;
    skep_sincos_f32(angle, &s, &c);
    const skep__sky_vec_f32 r = {from.x * c + toward.x * s, from.y * c + toward.y * s,
                                 from.z * c + toward.z * s};
    return r;
}

/* Where somebody flies freely: a place, and at right angles to it the direction of travel. */
typedef struct skep__sky_course_f32 {
    skep__sky_vec_f32 at;
    skep__sky_vec_f32 ahead;
} skep__sky_course_f32;

/* Returns a * p + b * q, made a unit vector again. */
static inline skep__sky_vec_f32 skep__sky_blend_f32(skep__sky_vec_f32 a, float p,
                                                    skep__sky_vec_f32 b, float q)
{
    const skep__sky_vec_f32 v = {a.x * p + b.x * q, a.y * p + b.y * q, a.z * p + b.z * q};
    const float k = 1.0f / skep_sqrt_f32(v.x * v.x + v.y * v.y + v.z * v.z);
    const skep__sky_vec_f32 r = {v.x * k, v.y * k, v.z * k};
    return r;
}

/* Returns the course after a turn to the right by one angle and a way straight on by another; both
 * at most a radian. What rounding takes from the right angle is put back each time, so that many
 * steps add up to no error but that of the place. */
static inline skep__sky_course_f32 skep__sky_steer_f32(skep__sky_course_f32 c, float right,
                                                       float way)
{
    float s = 0.0f;
    float k = 0.0f;
    const skep__sky_vec_f32 side = {c.ahead.y * c.at.z - c.ahead.z * c.at.y,
                                    c.ahead.z * c.at.x - c.ahead.x * c.at.z,
                                    c.ahead.x * c.at.y - c.ahead.y * c.at.x};
    skep_sincos_f32(right, &s, &k);
    const skep__sky_vec_f32 turned = skep__sky_blend_f32(c.ahead, k, side, s);
    skep_sincos_f32(way, &s, &k);
    skep__sky_course_f32 r;
    r.at = skep__sky_blend_f32(c.at, k, turned, s);
    const skep__sky_vec_f32 ahead = skep__sky_blend_f32(turned, k, c.at, -s);
    const float slip = ahead.x * r.at.x + ahead.y * r.at.y + ahead.z * r.at.z;
    r.ahead = skep__sky_blend_f32(ahead, 1.0f, r.at, -slip);
    return r;
}

/* Returns the place at a share of the way between two places, 0 to 1, at an even speed. */
static inline skep__sky_vec skep__sky_slerp(skep__sky_vec a, skep__sky_vec b, double share)
{
    const skep__sky_leg leg = skep__sky_leg_between(a, b);
    return skep__sky_leg_at(&leg, leg.angle * share);
}

/* Returns the course of a direction at a place: clockwise from north, 0 up to a turn. At a pole,
 * where every direction is south or north, it is counted from the meridian of longitude 0. */
static inline double skep__sky_course(skep__sky_vec at, skep__sky_vec direction)
{
    const bool pole = at.x * at.x + at.y * at.y < 1e-24;
    const skep__sky_vec east = {pole ? 0.0 : -at.y, pole ? 1.0 : at.x, 0.0};
    const skep__sky_vec north = skep__sky_cross(at, east);
    const double course =
        skep_atan2_f64(skep__sky_dot(direction, east), skep__sky_dot(direction, north));
    return course < 0.0 ? course + SKEP__SKY_TURN : course;
}

/* Returns the course on which the leg from `a` to `b` begins. */
static inline double skep__sky_initial_course(skep__sky_vec a, skep__sky_vec b)
{
    return skep__sky_course(a, skep__sky_leg_between(a, b).toward);
}

/* Demand: a gravity model. The traffic from i to j is weight i * weight j * decay(distance). */

/* A large airport draws as much traffic as so many medium ones. Chosen, not measured: the file
 * knows sizes, not passengers. */
#define SKEP__SKY_LARGE_WEIGHT 8.0

/* No flight is shorter: airports this near are reached by road. */
#define SKEP__SKY_LEG_MIN_NM 80.0

/* Where the pull of distance has halved. */
#define SKEP__SKY_DECAY_NM 600.0

/* The airports of the model, arrays of `count`. */
typedef struct skep__sky_demand {
    const skep__sky_vec *at;
    const double *weight;
    uint32_t count;
} skep__sky_demand;

/* Returns how much traffic an airport draws; without scheduled service none. */
static inline double skep__sky_weight(bool large, bool scheduled)
{
    return scheduled ? (large ? SKEP__SKY_LARGE_WEIGHT : 1.0) : 0.0;
}

/* Returns the share of traffic that a distance leaves: flat near zero, then falling with its cube.
 * Over the 512 airports that skep__airports_pick gives first, the mean flight is 767 NM long and
 * one in forty longer than 3,000; with gravity's square they would be 1,399 NM and one in eight. A
 * ratio and no power, for speed and for the same bits. */
static inline double skep__sky_decay(double distance_nm)
{
    const double d = distance_nm / SKEP__SKY_DECAY_NM;
    return distance_nm < SKEP__SKY_LEG_MIN_NM ? 0.0 : 1.0 / (1.0 + d * d * d);
}

/* Turns weights, 0 or more, into running sums scaled to 32 bits, for skep__sky_sample. Returns the
 * sum of the weights; when it is 0 there is nothing to sample and the table is all zeros. */
static inline double skep__sky_cumulate(const double *weights, uint32_t n, uint32_t *cumulative)
{
    double total = 0.0;
    double sum = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        total += weights[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        /* The same sums in the same order: the last one is total itself, so the table ends with
         * UINT32_MAX exactly. */
        sum += weights[i];
        cumulative[i] = total > 0.0 ? (uint32_t)(sum / total * (double)UINT32_MAX) : 0u;
    }
    return total;
}

/* Returns the first index whose running sum is above `random`, any 32 bits: each index as often as
 * its weight says, never one of weight 0. The table must not be all zeros. Cost: log2(n) steps. */
static inline uint32_t skep__sky_sample(const uint32_t *cumulative, uint32_t n, uint32_t random)
{
    const uint32_t r = random == UINT32_MAX ? UINT32_MAX - 1u : random;
    uint32_t low = 0;
    uint32_t high = n;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2u;
        if (cumulative[middle] > r) {
            high = middle;
        } else {
            low = middle + 1u;
        }
    }
    return low;
}

/* Writes the table of destinations from one airport, `count` entries; `scratch` has room for as
 * many. Returns the traffic that leaves it, to be cumulated over all airports into the table of
 * origins; 0 when it has no destination, and then it must not be sampled. Cost: one angle for each
 * airport. */
static inline double skep__sky_destinations(const skep__sky_demand *demand, uint32_t origin,
                                            double *scratch, uint32_t *cumulative)
{
    for (uint32_t i = 0; i < demand->count; i++) {
        const double nm = skep__sky_distance_nm(demand->at[origin], demand->at[i]);
        scratch[i] = i == origin ? 0.0 : demand->weight[i] * skep__sky_decay(nm);
    }
    return demand->weight[origin] * skep__sky_cumulate(scratch, demand->count, cumulative);
}

#endif
