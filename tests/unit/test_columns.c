/* SPDX-License-Identifier: MIT */
/* The COLUMNS codec: round trips of random matrices of every shape, each mode and predictor, every
 * truncation and many mutations, and what a body must not say. Bodies lie in memory of exactly
 * their size, so that a sanitizer sees a byte read past their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/base/random.h"
#include "core/replicate/columns_predict.h"
#include "bench/code_cells.h"

#define SLOTS_MAX 640u
#define COLUMNS_MAX 9u
#define CELLS (COLUMNS_MAX * SLOTS_MAX)
#define BODY_MAX (CELLS * 5u + 4096u)

/* A case drawn from a seed. */
typedef struct columns_case {
    uint64_t seed;
    uint32_t draw;
    skep__wire_column column[COLUMNS_MAX];
    skep__columns c;
    int32_t older[CELLS];
    int32_t base[CELLS];
    int32_t codes[CELLS];
    uint8_t body[BODY_MAX];
    size_t size;
    bool has_base, has_older;
} columns_case;

static uint32_t drawn(columns_case *k, uint32_t below)
{
    return skep__random_below(skep__random(k->seed, 4, 0, 0, k->draw++), below);
}

static void draw_columns(columns_case *k)
{
    static const uint8_t bits[] = {32, 32, 16, 8, 1, 5};
    k->c = (skep__columns){.columns = k->column,
                           .column_count = drawn(k, 8) ? 1u + drawn(k, COLUMNS_MAX) : 0u,
                           .slot_count = drawn(k, 20) ? 1u + drawn(k, SLOTS_MAX) : 0u,
                           .ticks = 1u + drawn(k, 5)};
    for (uint32_t i = 0; i < k->c.column_count; i++) {
        k->column[i] = (skep__wire_column){.bits = bits[drawn(k, 6)],
                                           .is_signed = drawn(k, 2) != 0,
                                           .velocity = SKEP__COLUMNS_NONE};
        /* Odd columns change by the even one before or after them. */
        const uint32_t other = drawn(k, 2) ? i - 1u : i + 1u;
        if (i % 2 == 1 && other < k->c.column_count && drawn(k, 3)) {
            k->column[i].velocity = (uint16_t)other;
            k->column[i].rate_q32 = drawn(k, 3) ? skep__columns_rate(-6, -6, 60)
                                                : skep__random(k->seed, 9, 1, i, 0) >> drawn(k, 64);
        }
    }
}

/* Cells of which about one in `rarity` moves, by up to 2^size. */
static void draw_codes(columns_case *k)
{
    const uint32_t rarity = 1u << drawn(k, 9);
    const uint32_t size = drawn(k, 8) ? drawn(k, 9) : drawn(k, 32);
    const uint32_t way = drawn(k, 3);
    for (uint32_t i = 0; i < k->c.column_count; i++) {
        const skep__wire_column *column = &k->column[i];
        for (uint32_t s = 0; s < k->c.slot_count; s++) {
            const size_t at = code_at(&k->c, i, s);
            const uint64_t x = skep__random(k->seed, 5, i, s, 0);
            const uint32_t step = (uint32_t)(x >> 32) % 64u;
            k->older[at] = code_of(column, (uint32_t)x & (drawn(k, 4) ? 0xFFFFu : ~0u));
            k->base[at] = code_of(column, (uint32_t)k->older[at] + (way ? step : 0u));
            uint32_t code = (uint32_t)k->base[at] + (way == 2 ? step : 0u);
            if (drawn(k, rarity) == 0) code += drawn(k, 1u << size) - (1u << size >> 1);
            k->codes[at] = code_of(column, code);
        }
    }
}

/* Lets columns go where their velocities take them, but for about one cell in `rarity`. */
static void draw_ways(columns_case *k)
{
    const uint32_t rarity = 1u << drawn(k, 12);
    for (uint32_t i = 0; i < k->c.column_count; i++) {
        const skep__wire_column *column = &k->column[i];
        if (column->velocity == SKEP__COLUMNS_NONE) continue;
        const skep__columns_step step = skep__columns_step_make(column->rate_q32, k->c.ticks);
        const skep__columns_cell cell = {.speed = k->codes +
                                                  (size_t)column->velocity * SKEP__COLUMNS_BLOCK,
                                         .base = k->base + (size_t)i * SKEP__COLUMNS_BLOCK,
                                         .factor = step.factor,
                                         .shift = step.shift};
        uint32_t way[SKEP__COLUMNS_BLOCK];
        skep__columns_predict(&cell, SKEP__COLUMNS_VELOCITY, way);
        for (uint32_t s = 0; s < SKEP__COLUMNS_BLOCK && s < k->c.slot_count; s++) {
            const uint32_t off = drawn(k, rarity) ? 0u : drawn(k, 3);
            k->codes[code_at(&k->c, i, s)] = code_of(column, way[s] + off);
        }
    }
}

static skep__wire_reader reader_of(const uint8_t *bytes, size_t n)
{
    return (skep__wire_reader){.bytes = bytes, .end = n};
}

static void encode_case(columns_case *k)
{
    skep__wire_writer w = {.bytes = k->body, .bytes_max = BODY_MAX};
    code_encode(&k->c, k->has_base ? k->base : NULL, k->has_older ? k->older : NULL, k->codes, &w);
    assert_true(w.need <= BODY_MAX);
    k->size = w.need;
}

static void make_case(columns_case *k, uint64_t seed)
{
    memset(k, 0, sizeof *k);
    k->seed = seed;
    draw_columns(k);
    draw_codes(k);
    k->has_base = drawn(k, 8) != 0;
    if (k->has_base && drawn(k, 3) == 0) draw_ways(k);
    k->has_older = k->has_base && drawn(k, 2);
    assert_true(skep__columns_valid(&k->c));
    encode_case(k);
}

static bool decode(const columns_case *k, const uint8_t *body, size_t n, int32_t *out,
                   skep_error *error)
{
    skep__wire_reader r = reader_of(body, n);
    const bool good =
        code_decode(&k->c, k->has_base ? k->base : NULL, k->has_older ? k->older : NULL, &r, out);
    *error = r.error;
    assert_true(good == (r.error.code == SKEP_OK));
    assert_true(good ? r.at == n : r.error.message && r.error.offset <= n);
    return good;
}

static int32_t *cells_of(const columns_case *k)
{
    int32_t *out = malloc((code_count(&k->c) + 1u) * sizeof *out);
    assert_non_null(out);
    return out;
}

static void expect_back(const columns_case *k)
{
    skep_error error;
    int32_t *out = cells_of(k);
    uint8_t *body = malloc(k->size);
    assert_non_null(body);
    memcpy(body, k->body, k->size);
    if (!decode(k, body, k->size, out, &error))
        fail_msg("seed %llu: %s at %zu", (unsigned long long)k->seed, error.message, error.offset);
    if (memcmp(out, k->codes, code_count(&k->c) * sizeof *out) != 0)
        fail_msg("seed %llu: other codes", (unsigned long long)k->seed);
    free(body);
    free(out);
}

static columns_case one;

static void what_is_written_is_read(void **state)
{
    uint32_t seen[4][SKEP__COLUMNS_PREDICTOR_END] = {{0}};
    (void)state;
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        make_case(&one, seed);
        expect_back(&one);
        const uint8_t first = one.body[skep__wire_varint_bytes(one.c.slot_count)];
        if (one.c.slot_count) seen[first & 3u][first >> 2 & 3u]++;
    }
    for (uint32_t mode = 0; mode < 4; mode++)
        for (uint32_t p = 0; p < SKEP__COLUMNS_PREDICTOR_END; p++) assert_true(seen[mode][p] > 0);
}

static void small_buffers_only_count(void **state)
{
    static uint8_t room[BODY_MAX];
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        make_case(&one, seed);
        const size_t some = one.size > 400 ? 400 : one.size;
        for (size_t max = 0; max <= some; max++) {
            skep__wire_writer w = {.bytes = room, .bytes_max = max};
            memset(room, 0xEE, sizeof room);
            code_encode(&one.c, one.has_base ? one.base : NULL, one.has_older ? one.older : NULL,
                        one.codes, &w);
            assert_int_equal(w.need, one.size);
            assert_int_equal(room[max], 0xEE);
        }
    }
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        make_case(&one, seed);
        int32_t *out = cells_of(&one);
        const size_t step = one.size > 700 ? 13 : 1;
        for (size_t n = 0; n < one.size; n += step) {
            skep_error error;
            uint8_t *body = malloc(n ? n : 1u);
            assert_non_null(body);
            memcpy(body, one.body, n);
            if (decode(&one, body, n, out, &error))
                fail_msg("seed %llu: cut to %zu", (unsigned long long)seed, n);
            assert_int_equal(error.code, SKEP_CORRUPT);
            free(body);
        }
        one.body[one.size] = 0;
        skep_error error;
        assert_false(decode(&one, one.body, one.size + 1u, out, &error));
        assert_int_equal(error.offset, one.size);
        free(out);
    }
}

/* Whatever is decoded is in its column's range, and padding stays zero. */
static void expect_ranges(const columns_case *k, const int32_t *out)
{
    for (uint32_t i = 0; i < k->c.column_count; i++)
        for (uint32_t s = 0; s < code_blocks(&k->c) * SKEP__COLUMNS_BLOCK; s++) {
            const int32_t code = out[code_at(&k->c, i, s)];
            assert_int_equal(code, code_of(&k->column[i], (uint32_t)code));
            assert_true(s < k->c.slot_count || code == 0);
        }
}

static void mutations_do_no_harm(void **state)
{
    uint32_t refused = 0;
    uint32_t taken = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        make_case(&one, seed);
        int32_t *out = cells_of(&one);
        uint8_t *body = malloc(one.size);
        assert_non_null(body);
        for (uint32_t round = 0; round < 40; round++) {
            skep_error error;
            memcpy(body, one.body, one.size);
            const uint32_t flips = 1u + drawn(&one, 4);
            for (uint32_t i = 0; i < flips; i++) {
                const uint32_t bit = drawn(&one, (uint32_t)one.size * 8u);
                body[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
            if (decode(&one, body, one.size, out, &error)) {
                expect_ranges(&one, out);
                taken++;
            } else {
                refused++;
            }
        }
        free(body);
        free(out);
    }
    print_message("%u refused, %u decoded\n", refused, taken);
    assert_true(refused > 1000);
}

static void noise_does_no_harm(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        make_case(&one, seed);
        int32_t *out = cells_of(&one);
        for (uint32_t round = 0; round < 40; round++) {
            skep_error error;
            const size_t n = 2u + drawn(&one, 600);
            uint8_t *body = malloc(n);
            assert_non_null(body);
            for (size_t i = 0; i < n; i++) body[i] = (uint8_t)drawn(&one, 256);
            skep__wire_writer w = {.bytes = body, .bytes_max = n};
            skep__wire_put_varint(&w, one.c.slot_count);
            if (decode(&one, body, n, out, &error)) expect_ranges(&one, out);
            free(body);
        }
        free(out);
    }
}

/* ---- bodies by hand -------------------------------------------------------------------------- */

static const skep__wire_column two_columns[2] = {{8, false, SKEP__COLUMNS_NONE, 0},
                                                 {32, true, SKEP__COLUMNS_NONE, 0}};

static void expect_refused(const uint8_t *body, size_t n, const char *message, size_t offset)
{
    const skep__columns c = {two_columns, 2, 100, 1};
    int32_t out[256];
    skep__wire_reader r = reader_of(body, n);
    assert_false(code_decode(&c, NULL, NULL, &r, out));
    assert_string_equal(r.error.message, message);
    assert_int_equal(r.error.offset, offset);
}

#define REFUSED(message, offset, ...)                                                              \
    expect_refused((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}),         \
                   "columns: " message, offset)

static void bodies_that_must_not_be(void **state)
{
    (void)state;
    REFUSED("the class has another number of slots", 0, 101, 0x00);
    REFUSED("an unknown predictor", 1, 100, 0x0C);
    REFUSED("no column has a velocity", 1, 100, 0x04);
    REFUSED("there is no base before the base", 1, 100, 0x08);
    REFUSED("more blocks than the class has", 1, 100, 0x10);
    REFUSED("a mode byte has extra bits", 1, 100, 0x11, 0);
    REFUSED("a mode byte has extra bits", 1, 100, 0x13, 0);
    REFUSED("a mode byte has extra bits", 1, 100, 0xC2, 0);
    REFUSED("which slots changed is cut off or out of order", 2, 100, 0x12, 0x83, 0x01, 0);
    REFUSED("which slots changed is cut off or out of order", 2, 100, 0x02, 100, 0);
    REFUSED("which slots changed is cut off or out of order", 2, 100, 0x03, 1, 0, 0);
    REFUSED("which slots changed is cut off or out of order", 2, 100, 0x03, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 3, 0);
    REFUSED("which slots changed is cut off or out of order", 2, 100, 0x03, 1, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0x10, 0, 0, 0, 3, 0);
    REFUSED("a block with changes changes nothing", 2, 100, 0x02, 0x05, 0x00);
    REFUSED("a width is more than its column has", 2, 100, 0x02, 0x85, 0x08, 0, 0);
    REFUSED("a block ends within its widths", 2, 100, 0x02, 0x80);
    REFUSED("a block ends within its residuals", 2, 100, 0x01, 0x01);
    /* index 5, widths 1 and 0, residual 1, one bit of padding set */
    REFUSED("bits are set behind a block", 2, 100, 0x02, 0x85, 0xC0);
}

static void numbers_that_do_not_fit(void **state)
{
    (void)state;
    skep__wire_column column[3] = {
        {32, true, 1, 5}, {32, true, SKEP__COLUMNS_NONE, 0}, {1, 0, 1, 1}};
    skep__columns c = {column, 3, 128, 1};
    assert_true(skep__columns_valid(&c));
    column[1].velocity = 2;
    assert_false(skep__columns_valid(&c));
    column[1].velocity = 3;
    assert_false(skep__columns_valid(&c));
    column[1].velocity = SKEP__COLUMNS_NONE;
    column[1].bits = 33;
    assert_false(skep__columns_valid(&c));
    column[1].bits = 0;
    assert_false(skep__columns_valid(&c));
    column[1].bits = 32;
    c.column_count = SKEP__COLUMNS_MAX + 1u;
    assert_false(skep__columns_valid(&c));
}

/* A world at rest is a byte for 16 blocks; one cell that moves is a few. */
static void rest_is_cheap(void **state)
{
    static int32_t base[2 * 12800];
    static int32_t codes[2 * 12800];
    uint8_t body[64];
    (void)state;
    const skep__columns c = {two_columns, 2, 12800, 1};
    skep__wire_writer w = {.bytes = body, .bytes_max = sizeof body};
    code_encode(&c, base, NULL, codes, &w);
    assert_int_equal(w.need, 2 + 7);
    codes[code_at(&c, 1, 777)] = -5;
    w = (skep__wire_writer){.bytes = body, .bytes_max = sizeof body};
    code_encode(&c, base, NULL, codes, &w);
    assert_int_equal(w.need, 2 + 7 + 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read), cmocka_unit_test(small_buffers_only_count),
        cmocka_unit_test(every_cut_is_refused),    cmocka_unit_test(mutations_do_no_harm),
        cmocka_unit_test(noise_does_no_harm),      cmocka_unit_test(bodies_that_must_not_be),
        cmocka_unit_test(numbers_that_do_not_fit), cmocka_unit_test(rest_is_cheap),
    };
    return cmocka_run_group_tests_name("columns", tests, NULL, NULL);
}
