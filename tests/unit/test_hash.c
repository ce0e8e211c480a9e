/* SPDX-License-Identifier: MIT */
/* The block hash and its relatives: every variant against the scalar twin, the changes that must
 * show, no byte read past the end, and values written down so that the format cannot drift unseen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/random.h"
#include "core/simd/differ.h"
#include "core/simd/stripes.h"

#define BYTES_MAX 20000u

static _Alignas(64) uint8_t bytes[BYTES_MAX + 64];

/* Fills the buffer with the same noise everywhere. */
static void fill(uint64_t seed)
{
    for (uint32_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)skep__random(seed, 1, 2, i, 3);
    }
}

static void keys_are_what_the_comment_says(void **state)
{
    (void)state;
    uint64_t x = 0x736B6570u;
    for (uint32_t i = 0; i < SKEP__STRIPE_KEYS; i++) {
        assert_true(skep__stripe_keys[i] == skep__hash_u64(x));
        x += 0x9E3779B97F4A7C15u;
    }
    for (uint32_t i = 0; i < SKEP__STRIPE_KEYS; i++) {
        for (uint32_t j = 0; j < i; j++) {
            const uint64_t differ = skep__stripe_keys[i] ^ skep__stripe_keys[j];
            assert_true((uint32_t)differ != 0 && differ >> 32 != 0);
        }
    }
}

static void expect_variants_agree(const uint8_t *at, size_t n, uint64_t seed)
{
    const uint64_t expected = skep__hash_bytes(at, n, seed);
    uint64_t twin = 0;
    assert_true(skep__hash_bytes_by(0, at, n, seed, &twin));
    assert_true(twin == expected);
    const char *name = NULL;
    bool usable = false;
    for (uint32_t v = 1; skep__stripes_variant(v, &name, &usable); v++) {
        uint64_t hash = 0;
        if (!usable) continue;
        assert_true(skep__hash_bytes_by(v, at, n, seed, &hash));
        if (hash != expected) fail_msg("%s differs at %zu bytes", name, n);
    }
}

static void variants_agree(void **state)
{
    (void)state;
    const char *name = NULL;
    bool usable = false;
    for (uint32_t v = 0; skep__stripes_variant(v, &name, &usable); v++) {
        print_message("variant %s: %s\n", name, usable ? "tested" : "not on this processor");
    }
    fill(7);
    for (size_t n = 0; n <= 1100; n++) expect_variants_agree(bytes + n % 64, n, n);
    for (size_t n = 1100; n <= BYTES_MAX; n += 251) expect_variants_agree(bytes + n % 64, n, 5);
    for (size_t n = 4096 - 2; n <= 4096 + 2; n++) expect_variants_agree(bytes, n, 1);
    /* The greatest factors, where a product with a sign would go wrong. */
    memset(bytes, 0xFF, sizeof bytes);
    expect_variants_agree(bytes, 8192, 0);
    for (uint32_t i = 0; i < 4096; i++) {
        bytes[i] = (uint8_t)(~skep__stripe_keys[(i / 256) * 8 + i % 256 / 8] >> (8 * (i % 8)));
    }
    expect_variants_agree(bytes, 4096, 0);
}

static void expect_flips_show(size_t n)
{
    const uint64_t before = skep__hash_bytes(bytes, n, 0);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const uint64_t after = skep__hash_bytes(bytes, n, 0);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (after == before) fail_msg("bit %zu of %zu bytes does not count", bit, n);
    }
}

static void every_bit_counts(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 3, 8, 100, 256, 300, 4096, 4100, 9000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(bytes, 0, sizeof bytes);
        expect_flips_show(sizes[i]);
        fill(i);
        expect_flips_show(sizes[i]);
    }
    /* The data that make a factor of the product 0 or 1: only the plain sum sees the other half. */
    for (uint32_t small = 0; small < 2; small++) {
        for (uint32_t i = 0; i < 512; i++) {
            const uint64_t lane = skep__stripe_keys[i / 32 * 8 + i % 32] ^ small;
            memcpy(bytes + (size_t)8 * i, &lane, 8);
        }
        expect_flips_show(4096);
        for (uint32_t i = 0; i < 512; i++) {
            const uint64_t key = skep__stripe_keys[i / 32 * 8 + i % 32];
            const uint64_t lane = key ^ ((uint64_t)small << 32);
            memcpy(bytes + (size_t)8 * i, &lane, 8);
        }
        expect_flips_show(4096);
    }
}

/* A flipped input bit should flip each output bit half of the time. */
static void flips_avalanche(void **state)
{
    (void)state;
    uint32_t flips[64] = {0};
    const uint32_t count = 8192;
    fill(11);
    const uint64_t before = skep__hash_bytes(bytes, 2048, 0);
    for (uint32_t i = 0; i < count; i++) {
        bytes[i / 4] ^= (uint8_t)(1u << i % 8);
        const uint64_t differ = before ^ skep__hash_bytes(bytes, 2048, 0);
        bytes[i / 4] ^= (uint8_t)(1u << i % 8);
        for (uint32_t b = 0; b < 64; b++) flips[b] += (uint32_t)(differ >> b & 1u);
    }
    for (uint32_t b = 0; b < 64; b++) assert_in_range(flips[b], count * 46 / 100, count * 54 / 100);
}

static void swap(size_t a, size_t b, size_t n)
{
    uint8_t held[256];
    memcpy(held, bytes + a, n);
    memcpy(bytes + a, bytes + b, n);
    memcpy(bytes + b, held, n);
}

static void expect_swaps_show(size_t n, size_t piece)
{
    const uint64_t before = skep__hash_bytes(bytes, n, 0);
    for (size_t a = 0; a + piece <= n; a += piece) {
        for (size_t b = a + piece; b + piece <= n; b += piece) {
            if (!memcmp(bytes + a, bytes + b, piece)) continue;
            swap(a, b, piece);
            const uint64_t after = skep__hash_bytes(bytes, n, 0);
            swap(a, b, piece);
            if (after == before) fail_msg("pieces of %zu at %zu and %zu swap unseen", piece, a, b);
        }
    }
}

static void swapped_pieces_differ(void **state)
{
    (void)state;
    fill(3);
    expect_swaps_show(16384, 256); /* stripes, within a group and across */
    expect_swaps_show(4096, 64);
    expect_swaps_show(4096, 8);
    expect_swaps_show(1024, 4);
    /* What worlds hold: floats that differ in few bits. */
    for (uint32_t i = 0; i < 2048; i++) {
        const float f = 1.0f + (float)(i % 7);
        memcpy(bytes + (size_t)4 * i, &f, 4);
    }
    expect_swaps_show(2048, 4);
    expect_swaps_show(8192, 256);
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void expect_distinct(uint64_t *hashes, uint32_t count)
{
    qsort(hashes, count, sizeof *hashes, compare_u64);
    for (uint32_t i = 1; i < count; i++) assert_true(hashes[i] != hashes[i - 1]);
}

static void lengths_and_seeds_differ(void **state)
{
    (void)state;
    static uint64_t hashes[40000];
    uint32_t count = 0;
    memset(bytes, 0, sizeof bytes);
    for (size_t n = 0; n < BYTES_MAX; n++) hashes[count++] = skep__hash_bytes(bytes, n, 0);
    for (uint64_t seed = 1; seed < 10000; seed++) {
        hashes[count++] = skep__hash_bytes(bytes, 100, seed);
    }
    expect_distinct(hashes, count);
}

/* Small numbers in two places, the kind of input that weak mixing confuses. */
static void sparse_blocks_differ(void **state)
{
    (void)state;
    static uint64_t hashes[40000];
    uint32_t count = 0;
    memset(bytes, 0, sizeof bytes);
    for (uint32_t a = 0; a < 4096; a += 52) {
        for (uint32_t b = a + 4; b < 4096; b += 124) {
            for (uint32_t v = 1; v < 9; v++) {
                bytes[a] = (uint8_t)v;
                bytes[b] = (uint8_t)(9 - v);
                if (count < 40000) hashes[count++] = skep__hash_bytes(bytes, 4096, 0);
                bytes[a] = 0;
                bytes[b] = 0;
            }
        }
    }
    assert_true(count > 5000);
    expect_distinct(hashes, count);
}

/* The block ends where its memory does; what is read past it, AddressSanitizer reports. Bytes
 * around it do not count, and neither does its alignment. */
static void reads_what_it_should(void **state)
{
    (void)state;
    for (size_t n = 1; n < 600; n += 7) {
        fill(n);
        const uint64_t expected = skep__hash_bytes(bytes, n, 0);
        for (size_t shift = 0; shift < 9; shift++) {
            uint8_t *const own = malloc(n + shift);
            assert_non_null(own);
            memset(own, 0xA5, n + shift);
            memcpy(own + shift, bytes, n);
            assert_true(skep__hash_bytes(own + shift, n, 0) == expected);
            free(own);
        }
    }
    assert_true(skep__hash_bytes(NULL, 0, 0) != 0);
}

static void mix_depends_on_order(void **state)
{
    (void)state;
    static uint64_t hashes[40000];
    uint32_t count = 0;
    for (uint64_t a = 0; a < 150; a++) {
        for (uint64_t b = 0; b < 150; b++)
            hashes[count++] = skep__hash_mix(skep__hash_mix(0, a), b);
    }
    for (uint64_t a = 0; a < 15000; a++) hashes[count++] = skep__hash_mix(a << 40, 77);
    expect_distinct(hashes, count);
    for (uint64_t a = 1; a < 1000; a++) {
        assert_true(skep__hash_mix(a, 0) != skep__hash_mix(0, a));
        assert_true(skep__hash_mix(a, 5) != a);
    }
}

/* A step of the chain and the finaliser together spread each bit of both arguments. */
static void mix_avalanches(void **state)
{
    (void)state;
    const uint32_t samples = 2048;
    for (uint32_t bit = 0; bit < 128; bit++) {
        uint32_t flips[64] = {0};
        for (uint32_t i = 0; i < samples; i++) {
            const uint64_t h = skep__hash_u64(i);
            const uint64_t flip = (uint64_t)1 << bit % 64;
            const uint64_t one = skep__hash_mix(h, i);
            const uint64_t two =
                bit < 64 ? skep__hash_mix(h, i ^ flip) : skep__hash_mix(h ^ flip, i);
            const uint64_t differ = skep__hash_u64(one) ^ skep__hash_u64(two);
            for (uint32_t b = 0; b < 64; b++) flips[b] += (uint32_t)(differ >> b & 1u);
        }
        /* 5.6 standard deviations */
        for (uint32_t b = 0; b < 64; b++) assert_in_range(flips[b], 1024 - 128, 1024 + 128);
    }
}

static void folds_agree(void **state)
{
    (void)state;
    static const uint64_t edge[] = {0, 1, 0xFFFFFFFFu, 0x100000000u, UINT64_MAX, UINT64_MAX - 1};
    for (uint32_t i = 0; i < 6; i++) {
        for (uint32_t j = 0; j < 6; j++) {
            assert_true(skep__mul_fold(edge[i], edge[j]) == skep__mul_fold_parts(edge[i], edge[j]));
        }
    }
    assert_true(skep__mul_fold_parts(UINT64_MAX, UINT64_MAX) == ((UINT64_MAX - 1) ^ 1u));
    for (uint64_t i = 0; i < 100000; i++) {
        const uint64_t a = skep__hash_u64(i) >> i % 64;
        const uint64_t b = skep__hash_u64(~i) >> i / 64 % 64;
        assert_true(skep__mul_fold(a, b) == skep__mul_fold_parts(a, b));
    }
}

static void strings_are_their_bytes(void **state)
{
    (void)state;
    assert_true(skep__hash_string("") == skep__hash_bytes(NULL, 0, 0));
    assert_true(skep__hash_string("Position") == skep__hash_bytes("Position", 8, 0));
    assert_true(skep__hash_string("Position") != skep__hash_string("position"));
}

static void expect_golden(uint64_t hash, uint64_t golden)
{
    if (hash != golden) fail_msg("0x%016llX", (unsigned long long)hash);
}

/* Changing any of these changes saved files, recordings and every published world hash. */
static void golden_values(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7u + i / 256u);
    expect_golden(skep__hash_bytes(bytes, 0, 0), 0xA1F463D65F4AE051u);
    expect_golden(skep__hash_bytes(bytes, 1, 0), 0x47EBE95D718F2D01u);
    expect_golden(skep__hash_bytes(bytes, 255, 1), 0xD695D0CAB685C7E0u);
    expect_golden(skep__hash_bytes(bytes, 4096, 0), 0x20A610DB320D99FCu);
    expect_golden(skep__hash_bytes(bytes, 10000, 42), 0x8D3ED2ECDF9981FAu);
    expect_golden(skep__hash_u64(0), 0xE220A8397B1DCDAFu);
    expect_golden(skep__hash_mix(1, 2), 0x98EEEF1F23231854u);
    expect_golden(skep__hash_string("skep"), 0xA3B502C7ACF868A6u);
}

/* Comparing 64 bytes sees each bit of them, at any alignment, and none beside them. */
static void differences_are_seen(void **state)
{
    (void)state;
    static uint8_t other[SKEP__DIFFER_BYTES + 16];
    fill(7);
    for (uint32_t shift = 0; shift < 8; shift++) {
        memcpy(other, bytes, sizeof other);
        other[shift + SKEP__DIFFER_BYTES] ^= 1;
        if (shift) other[shift - 1] ^= 1;
        assert_false(skep__differ(bytes + shift, other + shift));
        assert_false(skep__differ_scalar(bytes + shift, other + shift));
        for (uint32_t bit = 0; bit < SKEP__DIFFER_BYTES * 8u; bit++) {
            other[shift + bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_true(skep__differ(bytes + shift, other + shift));
            assert_true(skep__differ_scalar(bytes + shift, other + shift));
            other[shift + bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_what_the_comment_says),
        cmocka_unit_test(variants_agree),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(flips_avalanche),
        cmocka_unit_test(swapped_pieces_differ),
        cmocka_unit_test(lengths_and_seeds_differ),
        cmocka_unit_test(sparse_blocks_differ),
        cmocka_unit_test(reads_what_it_should),
        cmocka_unit_test(mix_depends_on_order),
        cmocka_unit_test(mix_avalanches),
        cmocka_unit_test(folds_agree),
        cmocka_unit_test(strings_are_their_bytes),
        cmocka_unit_test(golden_values),
        cmocka_unit_test(differences_are_seen),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
