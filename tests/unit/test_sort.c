/* SPDX-License-Identifier: MIT */
/* The radix sort against a stable sort of the C library's kind, over sizes on both sides of every
 * threshold and many patterns of varying bits; the heap sort over items of odd sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/sort.h"

#define KEYS_MAX 70000u

typedef struct model_key {
    uint64_t key;
    uint64_t varying;
    uint32_t place;
} model_key;

static uint64_t keys[KEYS_MAX];
static uint64_t scratch[KEYS_MAX];
static model_key model[KEYS_MAX];

/* By the varying bits, then by place: what stable means. */
static int compare_model(const void *a, const void *b)
{
    const model_key *const x = a;
    const model_key *const y = b;
    const uint64_t kx = x->key & x->varying;
    const uint64_t ky = y->key & y->varying;
    if (kx != ky) return kx < ky ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static void expect_sorted(uint32_t n, uint64_t bits, uint64_t varying, uint64_t seed)
{
    for (uint32_t i = 0; i < n; i++) {
        keys[i] = (skep__hash_u64(seed + i) & bits) | (0x5A5A5A5A5A5A5A5Au & ~bits);
        model[i] = (model_key){.key = keys[i], .varying = varying, .place = i};
    }
    qsort(model, n, sizeof *model, compare_model);
    const uint64_t *const sorted = skep__sort_u64(keys, scratch, n, varying);
    assert_true(sorted == keys || sorted == scratch);
    for (uint32_t i = 0; i < n; i++) {
        if (sorted[i] != model[i].key)
            fail_msg("n %u bits %llx at %u", n, (unsigned long long)bits, i);
    }
}

static void radix_matches_a_stable_sort(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 1, 2, 3, 31, 32, 33, 100, 511, 512, 513, 2048, 5000};
    static const uint64_t bits[] = {UINT64_MAX,
                                    0,
                                    1,
                                    0x7FF,
                                    0x800,
                                    0x8000000000000000u,
                                    0xFFF00000FFFu,
                                    0x0101010101010101,
                                    0x3FFC00u,
                                    0xFFFFFFFF,
                                    3};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (size_t b = 0; b < sizeof bits / sizeof *bits; b++) {
            expect_sorted(sizes[s], bits[b], bits[b], s * 1000 + b);
            /* More than varies may be named. */
            expect_sorted(sizes[s], bits[b], bits[b] | 0xF0F0, s * 1000 + b);
            /* Bits that differ but are not to be looked at, below, above and between. */
            expect_sorted(sizes[s], UINT64_MAX, bits[b], s * 1000 + b);
        }
    }
    expect_sorted(KEYS_MAX, UINT64_MAX, UINT64_MAX, 9);
    expect_sorted(KEYS_MAX, UINT64_MAX, ~(uint64_t)0x1FFFFF, 9);
}

static void radix_sorts_random_masks(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 400; i++) {
        const uint64_t r = skep__hash_u64(i);
        const uint64_t varying = skep__hash_u64(r) & skep__hash_u64(~r);
        expect_sorted((uint32_t)(r % 1500), UINT64_MAX, varying, i);
    }
}

static void nothing_varies_moves_nothing(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++) keys[i] = 100 - i;
    assert_ptr_equal(skep__sort_u64(keys, scratch, 100, 0), keys);
    for (uint32_t i = 0; i < 100; i++) assert_true(keys[i] == 100 - i);
}

/* Compares the first four bytes, and counts how often it is asked. */
static int compare_first(const void *a, const void *b, void *ctx)
{
    uint32_t x;
    uint32_t y;
    memcpy(&x, a, 4);
    memcpy(&y, b, 4);
    ++*(uint32_t *)ctx;
    return x < y ? -1 : x > y;
}

/* Items carry their number in all their bytes, so that a torn item shows. */
static void expect_items_sorted(uint32_t count, uint32_t item_bytes, uint32_t range)
{
    static uint8_t items[300 * 200];
    uint32_t asked = 0;
    uint64_t sum_before = 0;
    uint64_t sum_after = 0;
    assert_true((size_t)count * item_bytes <= sizeof items);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t value = (uint32_t)(skep__hash_u64(i) % range);
        uint8_t *const item = items + (size_t)i * item_bytes;
        memset(item, (int)(value & 0xFFu), item_bytes);
        memcpy(item, &value, 4);
        sum_before += skep__hash_u64(value);
    }
    skep__sort_items(items, count, item_bytes, compare_first, &asked);
    uint32_t last = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *const item = items + (size_t)i * item_bytes;
        uint32_t value;
        memcpy(&value, item, 4);
        assert_true(value >= last);
        for (uint32_t b = 4; b < item_bytes; b++) assert_int_equal(item[b], value & 0xFFu);
        last = value;
        sum_after += skep__hash_u64(value);
    }
    assert_true(sum_before == sum_after);
    assert_true(asked <= 2 * 9 * count + 2); /* 2 n log2 n: no bad case */
}

static void items_of_any_size_sort(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {4, 8, 12, 63, 64, 65, 130, 200};
    for (uint32_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (uint32_t count = 0; count < 40; count++) expect_items_sorted(count, sizes[s], 1000000);
        expect_items_sorted(300, sizes[s], 1000000);
        expect_items_sorted(300, sizes[s], 5);
        expect_items_sorted(300, sizes[s], 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(radix_matches_a_stable_sort),
        cmocka_unit_test(radix_sorts_random_masks),
        cmocka_unit_test(nothing_varies_moves_nothing),
        cmocka_unit_test(items_of_any_size_sort),
    };
    return cmocka_run_group_tests_name("sort", tests, NULL, NULL);
}
