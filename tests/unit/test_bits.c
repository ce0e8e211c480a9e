/* SPDX-License-Identifier: MIT */
/* Bit counting against loops over the bits, and bit sets against arrays of bools. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/base/bits.h"
#include "core/base/hash.h"

static void expect_counts(uint64_t x)
{
    uint32_t count = 0;
    uint32_t lowest = 64;
    uint32_t highest = 64;
    for (uint32_t i = 0; i < 64; i++) {
        if (!(x >> i & 1u)) continue;
        count++;
        if (lowest == 64) lowest = i;
        highest = i;
    }
    assert_int_equal(skep__popcount(x), count);
    assert_int_equal(skep__popcount_plain(x), count);
    if (!x) return;
    assert_int_equal(skep__bit_lowest(x), lowest);
    assert_int_equal(skep__bit_highest(x), highest);
}

static void counts_match_a_loop(void **state)
{
    (void)state;
    expect_counts(0);
    expect_counts(UINT64_MAX);
    for (uint32_t i = 0; i < 64; i++) expect_counts((uint64_t)1 << i);
    for (uint64_t i = 0; i < 20000; i++) {
        const uint64_t r = skep__hash_u64(i);
        expect_counts(r >> i % 64);
        expect_counts(r << i % 64);
    }
}

static void sizes_round_up(void **state)
{
    (void)state;
    assert_int_equal(skep__bits_words(0), 0);
    assert_int_equal(skep__bits_words(1), 1);
    assert_int_equal(skep__bits_words(64), 1);
    assert_int_equal(skep__bits_words(65), 2);
    assert_int_equal(skep__bits_words(UINT32_MAX), 1u << 26);
    for (uint32_t n = 1; n < 5000; n++) {
        const uint32_t up = skep__pow2_up(n);
        assert_true(up >= n && up / 2 < n && skep__popcount(up) == 1);
    }
    assert_true(skep__pow2_up(0x80000000u) == 0x80000000u);
    assert_true(skep__pow2_up(0x40000001u) == 0x80000000u);
}

#define WORDS (BITS / 64u)
#define BITS 256u

static void expect_same(const uint64_t *set, const bool *model)
{
    uint32_t count = 0;
    uint32_t next = skep__bits_next(set, WORDS, 0);
    for (uint32_t i = 0; i < BITS; i++) {
        assert_int_equal(skep__bit_test(set, i), model[i]);
        if (!model[i]) continue;
        count++;
        assert_int_equal(next, i);
        next = skep__bits_next(set, WORDS, i + 1);
    }
    assert_int_equal(next, BITS);
    assert_int_equal(skep__bits_count(set, WORDS), count);
    assert_int_equal(skep__bits_next(set, WORDS, BITS + 70), BITS);
}

static void set_matches_bools(void **state)
{
    (void)state;
    uint64_t set[WORDS] = {0};
    bool model[BITS] = {0};
    expect_same(set, model);
    for (uint32_t step = 0; step < 3000; step++) {
        const uint64_t r = skep__hash_u64(step);
        const uint32_t i = (uint32_t)(r % BITS);
        /* First fuller, then emptier. */
        const bool on = (r >> 32) % 8 < (step < 1500 ? 6u : 2u);
        if (on) {
            skep__bit_set(set, i);
        } else {
            skep__bit_clear(set, i);
        }
        model[i] = on;
        if (step % 16 == 0) expect_same(set, model);
    }
}

static void sets_compare(void **state)
{
    (void)state;
    uint64_t many[WORDS] = {0};
    uint64_t one[WORDS] = {0};
    assert_true(skep__bits_contain(many, one, WORDS));
    assert_false(skep__bits_overlap(many, one, WORDS));
    for (uint32_t i = 0; i < BITS; i++) {
        skep__bit_set(one, i);
        assert_false(skep__bits_contain(many, one, WORDS));
        assert_false(skep__bits_overlap(many, one, WORDS));
        skep__bit_set(many, i);
        skep__bit_set(many, (i + 77) % BITS);
        assert_true(skep__bits_contain(many, one, WORDS));
        assert_false(skep__bits_contain(one, many, WORDS));
        assert_true(skep__bits_overlap(many, one, WORDS));
        memset(many, 0, sizeof many);
        memset(one, 0, sizeof one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_match_a_loop),
        cmocka_unit_test(sizes_round_up),
        cmocka_unit_test(set_matches_bools),
        cmocka_unit_test(sets_compare),
    };
    return cmocka_run_group_tests_name("bits", tests, NULL, NULL);
}
