/* SPDX-License-Identifier: MIT */
/* The bytes of the wire: a COLUMNS body for each mode and predictor, and a whole DELTA, compared
 * with a file that is checked in and decoded. Both ends of a line may be years apart.
 * SKEP_GOLDEN_WRITE=1 writes the file anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/hash.h"
#include "core/replicate/columns_predict.h"
#include "bench/code_cells.h"

#define GOLDEN_FILE "tests/golden/data/wire_v1.hex"
#define SLOTS 200u
#define STRIDE 256u
#define COLUMNS 5u
#define CELLS (COLUMNS * STRIDE)
#define BODY_MAX 4096u
#define MODES 4u
#define BODIES (MODES * (uint32_t)SKEP__COLUMNS_PREDICTOR_END)

/* x, y, their velocities, and a byte. */
static const skep__wire_column columns[COLUMNS] = {{32, true, 2, 71582788},
                                                   {16, true, 3, 71582788},
                                                   {32, true, SKEP__COLUMNS_NONE, 0},
                                                   {32, true, SKEP__COLUMNS_NONE, 0},
                                                   {8, false, SKEP__COLUMNS_NONE, 0}};

static const skep__columns shape = {columns, COLUMNS, SLOTS, 2};

typedef struct matrices {
    int32_t older[CELLS];
    int32_t base[CELLS];
    int32_t codes[CELLS];
} matrices;

typedef struct paper {
    uint8_t bytes[BODY_MAX];
    size_t size;
} paper;

static uint32_t noise(uint32_t k, uint32_t s, uint32_t what)
{
    return (uint32_t)skep__hash_u64((uint64_t)what << 40 | (uint64_t)k << 20 | s);
}

static int32_t in_range(uint32_t k, uint32_t x)
{
    const uint32_t unused = 32u - columns[k].bits;
    return columns[k].is_signed ? (int32_t)(x << unused) >> unused
                                : (int32_t)(x << unused >> unused);
}

static bool disturbed(skep__columns_mode mode, uint32_t s)
{
    switch (mode) {
    case SKEP__COLUMNS_ALL:
        return true;
    case SKEP__COLUMNS_LIST:
        return s % 50u == 7;
    case SKEP__COLUMNS_MASK:
        return s % 4u == 1;
    case SKEP__COLUMNS_NO_CHANGE:
        break;
    }
    return false;
}

/* What `predictor` foretells, disturbed as `mode` wants it, in columns 0, 1 and 4. */
static void make(matrices *m, skep__columns_mode mode, skep__columns_predictor predictor)
{
    static const uint32_t order[COLUMNS] = {2, 3, 0, 1, 4};
    memset(m, 0, sizeof *m);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        const uint32_t k = order[i];
        const skep__columns_step step = skep__columns_step_make(columns[k].rate_q32, shape.ticks);
        for (uint32_t s = 0; s < SLOTS; s++) {
            const size_t at = code_at(&shape, k, s);
            m->base[at] = in_range(k, noise(k, s, 1) % 2000u + 300u);
            m->older[at] = in_range(k, (uint32_t)m->base[at] - 20u - noise(k, s, 2) % 200u);
            const uint32_t speed = columns[k].velocity % COLUMNS;
            const skep__columns_cell cell = {.speed = m->codes + code_at(&shape, speed, s),
                                             .factor = step.factor,
                                             .shift = step.shift};
            uint32_t code = (uint32_t)m->base[at];
            if (predictor == SKEP__COLUMNS_LINE) code = 2u * code - (uint32_t)m->older[at];
            if (predictor == SKEP__COLUMNS_VELOCITY && columns[k].velocity != SKEP__COLUMNS_NONE)
                code += skep__columns_way(&cell, 0);
            if ((k < 2 || k == 4) && disturbed(mode, s)) code += noise(k, s, 3) % 5u + 1u;
            m->codes[at] = in_range(k, code);
        }
    }
}

static void make_bodies(paper *papers)
{
    static matrices m;
    for (uint32_t i = 0; i < BODIES; i++) {
        skep__wire_writer w = {.bytes = papers[i].bytes, .bytes_max = BODY_MAX};
        make(&m, (skep__columns_mode)(i % MODES), (skep__columns_predictor)(i / MODES));
        code_encode(&shape, m.base, m.older, m.codes, &w);
        assert_true(w.need <= BODY_MAX);
        papers[i].size = w.need;
        assert_int_equal(papers[i].bytes[2] & 15u, i % MODES | i / MODES << 2);
    }
}

static void make_message(paper *p)
{
    static matrices m;
    static const uint32_t gone[] = {3, 4, 90, 4000000000u};
    const skep__wire_header h = {
        .type = SKEP__WIRE_DELTA, .flags = 0, .tick = 70000, .base = 69998, .class = 12};
    skep__wire_writer w = {.bytes = p->bytes, .bytes_max = BODY_MAX};
    make(&m, SKEP__COLUMNS_MASK, SKEP__COLUMNS_VELOCITY);
    skep__wire_message_begin(&w, &h);
    skep__wire_section_begin(&w, SKEP__WIRE_SECTION_DESPAWN);
    skep__wire_put_ids(&w, gone, 4);
    skep__wire_section_end(&w);
    skep__wire_section_begin(&w, SKEP__WIRE_SECTION_COLUMNS);
    code_encode(&shape, m.base, m.older, m.codes, &w);
    skep__wire_section_end(&w);
    skep__wire_section_begin(&w, SKEP__WIRE_SECTION_HASH);
    skep__wire_put_u64(&w, 0x0123456789ABCDEFu);
    skep__wire_section_end(&w);
    assert_int_equal(skep__wire_message_end(&w), SKEP_OK);
    p->size = w.need;
}

/* ---- the file -------------------------------------------------------------------------------- */

static void write_golden(const paper *papers, uint32_t count)
{
    FILE *const f = fopen(GOLDEN_FILE, "w");
    assert_non_null(f);
    for (uint32_t k = 0; k < count; k++) {
        const paper *p = &papers[k];
        assert_true(fprintf(f, "%s%zu\n", k ? "\n" : "", p->size) > 0);
        for (size_t i = 0; i < p->size; i++)
            assert_true(fprintf(f, "%02x%s", p->bytes[i],
                                i % 32 == 31 || i + 1 == p->size ? "\n" : " ") > 0);
    }
    assert_int_equal(fclose(f), 0);
}

static void read_golden(paper *papers, uint32_t count)
{
    FILE *const f = fopen(GOLDEN_FILE, "r");
    if (!f) fail_msg("%s cannot be read; run from the repository's root", GOLDEN_FILE);
    for (uint32_t k = 0; k < count; k++) {
        assert_int_equal(fscanf(f, "%zu", &papers[k].size), 1);
        assert_true(papers[k].size <= BODY_MAX);
        for (size_t i = 0; i < papers[k].size; i++) {
            unsigned byte = 0;
            assert_int_equal(fscanf(f, "%2x", &byte), 1);
            papers[k].bytes[i] = (uint8_t)byte;
        }
    }
    (void)fclose(f);
}

static void the_bytes_stay(void **state)
{
    static paper got[BODIES + 1u];
    static paper want[BODIES + 1u];
    (void)state;
    make_bodies(got);
    make_message(&got[BODIES]);
    if (getenv("SKEP_GOLDEN_WRITE")) write_golden(got, BODIES + 1u);
    read_golden(want, BODIES + 1u);
    for (uint32_t k = 0; k <= BODIES; k++) {
        assert_int_equal(got[k].size, want[k].size);
        for (size_t i = 0; i < got[k].size; i++)
            if (got[k].bytes[i] != want[k].bytes[i])
                fail_msg("byte %zu of body %u is %02x, was %02x", i, k, got[k].bytes[i],
                         want[k].bytes[i]);
    }
}

static void the_file_is_decoded(void **state)
{
    static paper papers[BODIES + 1u];
    static matrices m;
    static int32_t out[CELLS];
    const skep__wire_limits limits = skep__wire_limits_default();
    (void)state;
    read_golden(papers, BODIES + 1u);
    for (uint32_t i = 0; i < BODIES; i++) {
        skep__wire_reader r = {.bytes = papers[i].bytes, .end = papers[i].size};
        make(&m, (skep__columns_mode)(i % MODES), (skep__columns_predictor)(i / MODES));
        assert_true(code_decode(&shape, m.base, m.older, &r, out));
        assert_memory_equal(out, m.codes, sizeof out);
    }
    skep__wire_message message;
    skep__wire_reader body;
    skep_error error;
    uint32_t id = 0;
    const paper *p = &papers[BODIES];
    assert_int_equal(skep__wire_open(&message, p->bytes, p->size, SKEP__WIRE_DOWN, &limits, &error),
                     SKEP_OK);
    make(&m, SKEP__COLUMNS_MASK, SKEP__COLUMNS_VELOCITY);
    while (skep__wire_next(&message, &id, &body))
        if (id == SKEP__WIRE_SECTION_COLUMNS)
            assert_true(code_decode(&shape, m.base, m.older, &body, out));
    assert_memory_equal(out, m.codes, sizeof out);
    assert_int_equal(id, SKEP__WIRE_SECTION_HASH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_stay),
        cmocka_unit_test(the_file_is_decoded),
    };
    return cmocka_run_group_tests_name("wire_golden", tests, NULL, NULL);
}
