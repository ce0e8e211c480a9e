/* SPDX-License-Identifier: MIT */
/* The counter-based random numbers: uniform by chi-square along each of their counters, every input
 * bit reaching every output bit, no correlation between neighbours, and values that are written
 * down. All seeds are fixed, so a failure is a change of the numbers and never bad luck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/bits.h"
#include "core/base/random.h"

#define COUNT (1u << 18)

enum counter { SEED, SYSTEM, TICK, ENTITY, DRAW, COUNTERS };

static const char *const counter_name[COUNTERS] = {"seed", "system", "tick", "entity", "draw"};

/* The number at a point of the five counters. */
static uint64_t at(const uint64_t point[COUNTERS])
{
    return skep__random(point[SEED], point[SYSTEM], point[TICK], point[ENTITY],
                        (uint32_t)point[DRAW]);
}

/* The i-th number when one counter goes up and the others stay at small values, as they do in use.
 */
static uint64_t along(enum counter counter, uint64_t i)
{
    uint64_t point[COUNTERS] = {1, 2, 3, ((uint64_t)1 << 32) | 4, 0};
    point[counter] += i;
    return at(point);
}

/* Chi-square of 256 cells is within 255 +- 5.5 standard deviations of 22.6. */
static void expect_even(const uint32_t cells[256], uint32_t count, const char *what)
{
    const double expected = count / 256.0;
    double sum = 0;
    for (uint32_t i = 0; i < 256; i++) {
        const double d = cells[i] - expected;
        sum += d * d / expected;
    }
    if (!(sum > 131 && sum < 379)) fail_msg("%s: chi-square %.1f", what, sum);
}

static void every_byte_is_uniform(void **state)
{
    (void)state;
    for (enum counter c = SEED; c < COUNTERS; c++) {
        static uint32_t cells[8][256];
        memset(cells, 0, sizeof cells);
        for (uint32_t i = 0; i < COUNT; i++) {
            const uint64_t r = along(c, i);
            for (uint32_t b = 0; b < 8; b++) cells[b][r >> 8 * b & 0xFFu]++;
        }
        for (uint32_t b = 0; b < 8; b++) expect_even(cells[b], COUNT, counter_name[c]);
    }
}

/* Four bits of a number beside four bits of its neighbour: all 256 pairs equally often. */
static void neighbours_are_independent(void **state)
{
    (void)state;
    for (enum counter c = SEED; c < COUNTERS; c++) {
        for (uint32_t shift = 0; shift < 64; shift += 4) {
            uint32_t cells[256] = {0};
            uint64_t before = along(c, 0);
            for (uint32_t i = 1; i <= COUNT / 8; i++) {
                const uint64_t r = along(c, i);
                cells[(before >> shift & 15u) << 4 | (r >> shift & 15u)]++;
                before = r;
            }
            expect_even(cells, COUNT / 8, counter_name[c]);
        }
    }
}

/* How often each output bit flips among 4,096 points when one input bit does: within 5.6 standard
 * deviations (of 32) of half. */
static void expect_avalanche(enum counter counter, uint32_t bit)
{
    uint32_t flips[64] = {0};
    for (uint32_t i = 0; i < 4096; i++) {
        uint64_t point[COUNTERS] = {5, 0xABCDEF, i % 64, i, i % 7};
        const uint64_t before = at(point);
        point[counter] ^= (uint64_t)1 << bit;
        const uint64_t differ = before ^ at(point);
        for (uint32_t b = 0; b < 64; b++) flips[b] += (uint32_t)(differ >> b & 1u);
    }
    for (uint32_t b = 0; b < 64; b++) {
        if (flips[b] >= 2048 - 180 && flips[b] <= 2048 + 180) continue;
        fail_msg("%s bit %u to bit %u: %u of 4096", counter_name[counter], bit, b, flips[b]);
    }
}

static void every_bit_avalanches(void **state)
{
    (void)state;
    static const uint32_t bits[COUNTERS] = {64, 64, 64, 53, 32};
    for (enum counter c = SEED; c < COUNTERS; c++) {
        for (uint32_t bit = 0; bit < bits[c]; bit++) expect_avalanche(c, bit);
    }
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* 2^20 numbers over a box of all five counters: a repetition has a chance of one in 30 million. */
static void no_point_repeats_another(void **state)
{
    (void)state;
    uint64_t *const all = malloc(sizeof *all << 20);
    assert_non_null(all);
    for (uint32_t i = 0; i < 1u << 20; i++) {
        const uint64_t point[COUNTERS] = {i & 15u, i >> 4 & 15u, i >> 8 & 15u, i >> 12 & 15u,
                                          i >> 16};
        all[i] = at(point);
    }
    qsort(all, (size_t)1 << 20, sizeof *all, compare_u64);
    for (uint32_t i = 1; i < 1u << 20; i++) assert_true(all[i] != all[i - 1]);
    free(all);
}

/* The half and the full period of a bad generator show as a mean of common bits that is not 32. */
static void distant_numbers_share_half_their_bits(void **state)
{
    (void)state;
    for (enum counter c = SEED; c < COUNTERS; c++) {
        for (uint32_t distance = 1; distance < 1u << 31; distance *= 2) {
            uint64_t differ = 0;
            for (uint32_t i = 0; i < 4096; i++) {
                differ += skep__popcount(along(c, i) ^ along(c, i + distance));
            }
            /* sums of 4096 x 64 fair bits: sigma 256 */
            assert_in_range(differ, 4096 * 32 - 1400, 4096 * 32 + 1400);
        }
    }
}

static void parts_make_the_whole(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        const skep__random_key key = skep__random_key_make(i, i * 3, i * 5);
        const uint64_t r = skep__random_at(key, i * 7, (uint32_t)i);
        assert_true(r == skep__random(i, i * 3, i * 5, i * 7, (uint32_t)i));
    }
}

static void fractions_stay_in_range(void **state)
{
    (void)state;
    assert_true(skep__random_f32(0) == 0.0f);
    assert_true(skep__random_f64(0) == 0.0);
    assert_true(skep__random_f32(UINT64_MAX) == 1.0f - 0x1p-24f);
    assert_true(skep__random_f64(UINT64_MAX) == 1.0 - 0x1p-53);
    assert_true(skep__random_f32((uint64_t)1 << 63) == 0.5f);
    assert_true(skep__random_f64((uint64_t)1 << 63) == 0.5);
    double sum32 = 0;
    double sum64 = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        const uint64_t r = along(ENTITY, i);
        const double f = (double)skep__random_f32(r);
        const double d = skep__random_f64(r);
        assert_true(f >= 0 && f < 1 && d >= 0 && d < 1);
        assert_true(d >= f && d - f < 0x1p-24);
        sum32 += f;
        sum64 += d;
    }
    /* sigma of the mean: 0.289 / 512 */
    assert_true(sum32 / COUNT > 0.497 && sum32 / COUNT < 0.503);
    assert_true(sum64 / COUNT > 0.497 && sum64 / COUNT < 0.503);
}

static void below_is_exact_and_even(void **state)
{
    (void)state;
    assert_int_equal(skep__random_below(UINT64_MAX, 0), 0);
    assert_int_equal(skep__random_below(UINT64_MAX, 1), 0);
    assert_int_equal(skep__random_below(0, UINT32_MAX), 0);
    assert_int_equal(skep__random_below(UINT64_MAX, UINT32_MAX), UINT32_MAX - 1u);
    /* The bounds of a third are where exact arithmetic puts them. */
    assert_int_equal(skep__random_below(0x5555555555555555u, 3), 0);
    assert_int_equal(skep__random_below(0x5555555555555556u, 3), 1);
    assert_int_equal(skep__random_below(0xAAAAAAAAAAAAAAAAu, 3), 1);
    assert_int_equal(skep__random_below(0xAAAAAAAAAAAAAAABu, 3), 2);
    uint32_t cells[256] = {0};
    for (uint32_t i = 0; i < COUNT; i++) cells[skep__random_below(along(DRAW, i), 256 * 3) / 3]++;
    expect_even(cells, COUNT, "below");
}

static void golden_values(void **state)
{
    (void)state;
    assert_true(skep__random(0, 0, 0, 0, 0) == 0xD4ABB7C8A9794E79u);
    assert_true(skep__random(1, 2, 3, 4, 5) == 0x86CA449C7F8E451Fu);
    assert_true(skep__random(42, 0xDEADBEEF, 1000, 0x500000007u, UINT32_MAX) ==
                0x6156CF6D472CB601u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_uniform),
        cmocka_unit_test(neighbours_are_independent),
        cmocka_unit_test(every_bit_avalanches),
        cmocka_unit_test(no_point_repeats_another),
        cmocka_unit_test(distant_numbers_share_half_their_bits),
        cmocka_unit_test(parts_make_the_whole),
        cmocka_unit_test(fractions_stay_in_range),
        cmocka_unit_test(below_is_exact_and_even),
        cmocka_unit_test(golden_values),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
