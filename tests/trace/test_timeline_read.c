/* SPDX-License-Identifier: MIT */
/* Reading trace files: what is in a good one, and what is made of one that was cut off, damaged or
 * forged. Whatever the bytes are, what is read can be worked on, and each allocation may fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/random.h"
#include "port/port.h"
#include "support/trace_paper.h"
#include "trace/trace_compare.h"
#include "trace/trace_convert.h"
#include "trace/trace_why.h"

static trace_paper paper;
static uint8_t copy[PAPER_BYTES];

/* Memory that gives out after so many pieces, and counts what is held. */
typedef struct lean {
    uint32_t pieces;
    size_t held;
} lean;

static void *lean_alloc(void *ctx, size_t bytes, size_t align)
{
    lean *l = ctx;
    (void)align;
    if (!l->pieces) return NULL;
    l->pieces--;
    l->held += bytes;
    return malloc(bytes);
}

static void lean_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    lean *l = ctx;
    (void)align;
    if (memory) l->held -= bytes;
    free(memory);
}

static lean held = {UINT32_MAX, 0};

static skep__timeline *read_bytes(const uint8_t *bytes, size_t size, skep_status wanted)
{
    const skep_allocator a = {lean_alloc, lean_free, &held};
    skep__timeline *t = NULL;
    skep_error error;
    const skep_status status = skep__timeline_read(bytes, size, &a, &t, &error);
    assert_int_equal(status, wanted);
    assert_int_equal(t != NULL, status == SKEP_OK);
    if (status != SKEP_OK) {
        assert_non_null(error.message);
        assert_true(error.offset <= size);
        assert_int_equal(error.code, status);
    }
    return t;
}

/* Whether a problem says something. */
static bool tells(const skep__timeline *t, const char *section, const char *message)
{
    for (uint32_t i = 0; i < t->problem_count && i < SKEP__TIMELINE_PROBLEMS_MAX; i++)
        if (strcmp(t->problems[i].section, section) == 0 && strstr(t->problems[i].message, message))
            return true;
    return false;
}

static bool swallow(void *ctx, const void *bytes, size_t count)
{
    (void)bytes;
    *(size_t *)ctx += count;
    return true;
}

/* Everything that is worked out, so that nothing of what was read breaks it. */
static bool work_out(const skep__timeline *t, lean *memory)
{
    skep__trace_memory m = {.allocator = {lean_alloc, lean_free, memory}};
    const skep__trace_frames all = skep__trace_frames_all(t);
    size_t bytes = 0;
    bool good = true;
    (void)skep__trace_times_of(t, &m, all, t->budget_ns);
    const skep__trace_systems s = skep__trace_systems_of(t, &m, all);
    (void)skep__trace_threads_of(t, &m, all);
    (void)skep__trace_spans_of(t, &m, all);
    for (uint32_t i = 0; i < t->frame_count; i++) {
        uint32_t count = 0;
        bool split = false;
        (void)skep__trace_path_of(t, &m, i, &count);
        const skep__trace_help *h = skep__trace_help_of(t, &m, i, &count);
        if (h) (void)skep__trace_advice(t, i, h, count, &split);
        good &= skep__trace_why(t, i, 100, swallow, &bytes) == SKEP_OK;
    }
    if (!m.failed) {
        const skep__trace_compared side = {t, &s, all};
        uint32_t count = 0;
        (void)skep__trace_compare(&side, &side, &m, &count);
    }
    good &= skep__trace_json(t, swallow, &bytes) == SKEP_OK;
    good &= skep__trace_skept(t, swallow, &bytes) == SKEP_OK;
    good &= skep__trace_html(t, "<" SKEP__TRACE_PAGE_MARK ">", 19, swallow, &bytes) == SKEP_OK;
    good &= !m.failed;
    skep__trace_memory_free(&m);
    return good;
}

static void done(skep__timeline *t)
{
    if (t) assert_true(work_out(t, &held));
    skep__timeline_free(t);
    assert_int_equal(held.held, 0);
}

/* ---- good files ----------------------------------------------------------------------------- */

static void what_is_in_a_file(void **state)
{
    (void)state;
    paper_two_frames(&paper);
    skep__timeline *t = read_bytes(paper.bytes, paper.size, SKEP_OK);
    assert_int_equal(t->problem_count, 0);
    assert_int_equal(t->budget_ns, 1500);
    assert_int_equal(t->workers, 2);
    assert_int_equal(t->info_frames, 2);
    assert_int_equal(t->system_count, 3);
    assert_string_equal(t->systems[1].name, "strike");
    assert_string_equal(t->systems[1].stage, "update");
    assert_int_equal(t->systems[1].batch, 2);
    assert_int_equal(t->systems[1].flags, SKEP__SYSTEM_UNSPLIT);
    assert_int_equal(t->edge_count, 1);
    assert_string_equal(t->edges[0].why, "move writes Pos, strike reads it");
    assert_string_equal(skep__timeline_noted(t, "scene"), "by hand");
    assert_null(skep__timeline_noted(t, "host"));
    assert_int_equal(t->mark_count, 2);
    assert_int_equal(t->marks[0].kind, SKEP__KIND_COPIED);
    assert_int_equal(t->marks[0].high, 40);
    assert_int_equal(t->value_count, 2);
    assert_int_equal(t->values[1].value, 1001);
    assert_true(t->values[1].at == 1390.0 * 2.0);
    assert_int_equal(t->section_count, 6 + 3 + 1);
    done(t);
}

static void a_file_of_nothing(void **state)
{
    (void)state;
    paper_begin(&paper, 1, 1.0);
    skep__timeline *t = read_bytes(paper.bytes, paper_write(&paper), SKEP_OK);
    assert_int_equal(t->problem_count, 0);
    assert_int_equal(t->frame_count, 0);
    done(t);
}

static void sections_that_nobody_knows(void **state)
{
    (void)state;
    paper_two_frames(&paper);
    paper.size -= 16; /* END */
    paper_section(&paper, "WHAT", "is this?", 8);
    paper_section(&paper, "END ", NULL, 0);
    skep__timeline *t = read_bytes(paper.bytes, paper.size, SKEP_OK);
    assert_int_equal(t->problem_count, 0);
    assert_int_equal(t->frame_count, 2);
    done(t);
}

static void kinds_that_nobody_knows(void **state)
{
    (void)state;
    paper_begin(&paper, 1, 1.0);
    paper_zone(&paper, 0, 0, (paper_span){1, 2}, 0, 0);
    paper_zone(&paper, 0, 200, (paper_span){1, 2}, 0, 0);
    paper_zone(&paper, 0, SKEP__KIND_IDLE, (paper_span){1, 2}, 0, 0);
    paper_frame(&paper, 0, 3, 1);
    skep__timeline *t = read_bytes(paper.bytes, paper_write(&paper), SKEP_OK);
    assert_int_equal(t->problem_count, 0);
    assert_int_equal(t->zone_count, 1);
    done(t);
}

/* ---- no trace, another version -------------------------------------------------------------- */

static void no_trace(void **state)
{
    (void)state;
    paper_two_frames(&paper);
    (void)read_bytes(paper.bytes, 0, SKEP_FOREIGN);
    (void)read_bytes((const uint8_t *)"hello, this is a text", 21, SKEP_FOREIGN);
    (void)read_bytes(paper.bytes, 7, SKEP_FOREIGN);
    (void)read_bytes(paper.bytes, 15, SKEP_CORRUPT);
    paper.bytes[8] = 2;
    (void)read_bytes(paper.bytes, paper.size, SKEP_VERSION);
    paper.bytes[8] = 0;
    (void)read_bytes(paper.bytes, paper.size, SKEP_VERSION);
    paper.bytes[8] = 1;
    paper.bytes[5] = '\n'; /* as a text mode makes of it */
    (void)read_bytes(paper.bytes, paper.size, SKEP_FOREIGN);
}

/* ---- cut off -------------------------------------------------------------------------------- */

/* At each byte: something is said, and what came before is there. */
static void cut_off_at_each_byte(void **state)
{
    (void)state;
    paper_two_frames(&paper);
    uint32_t frames = 0;
    for (size_t size = 16; size < paper.size; size++) {
        skep__timeline *t = read_bytes(paper.bytes, size, SKEP_OK);
        assert_true(tells(t, "", "cut off"));
        assert_true(t->frame_count >= frames);
        frames = t->frame_count;
        done(t);
    }
    assert_int_equal(frames, 2);
}

static void records_before_the_cut(void **state)
{
    (void)state;
    paper_two_frames(&paper);
    skep__timeline *whole = read_bytes(paper.bytes, paper.size, SKEP_OK);
    const size_t first = whole->sections[6].at;
    done(whole);
    /* The first frame's records but the last, and half of that. */
    skep__timeline *t = read_bytes(paper.bytes, first + 16 + 19 * 24 + 12, SKEP_OK);
    assert_true(tells(t, "THRD", "records before that are kept"));
    assert_true(tells(t, "", "threads that it says"));
    assert_int_equal(t->frame_count, 0);
    assert_int_equal(t->rows[0].count, 18);
    assert_string_equal(t->subjects[0].name, "move");
    done(t);
    t = read_bytes(paper.bytes, first + 16 + 20 * 24 + 12, SKEP_OK);
    assert_int_equal(t->frame_count, 1);
    done(t);
}

/* ---- damaged -------------------------------------------------------------------------------- */

static void one_bit_anywhere(void **state)
{
    (void)state;
    paper_two_frames(&paper);
    skep__timeline *whole = read_bytes(paper.bytes, paper.size, SKEP_OK);
    const size_t text_length = whole->sections[1].at - 8u;
    done(whole);
    for (size_t at = 16; at < paper.size; at++) {
        /* A zero more or less behind the last text is none that anybody sees. */
        if (at == text_length) continue;
        memcpy(copy, paper.bytes, paper.size);
        copy[at] ^= (uint8_t)(1u << at % 8u);
        skep__timeline *t = read_bytes(copy, paper.size, SKEP_OK);
        /* A tag that nobody knows is no damage by itself: the section is missing then. */
        assert_true(t->problem_count > 0 || t->system_count == 0 || t->note_count == 0 ||
                    t->edge_count == 0 || t->name_count == 0 || t->text == NULL);
        done(t);
    }
}

static void the_others_are_shown(void **state)
{
    (void)state;
    static const char *const tags[] = {"INFO", "TEXT", "HOST", "SYST", "EDGE", "NAME"};
    for (uint32_t i = 0; i < 6u; i++) {
        paper_two_frames(&paper);
        skep__timeline *t = read_bytes(paper.bytes, paper.size, SKEP_OK);
        const size_t at = t->sections[i].at;
        done(t);
        paper.bytes[at] ^= 1u;
        t = read_bytes(paper.bytes, paper.size, SKEP_OK);
        assert_true(tells(t, tags[i], "damaged"));
        assert_int_equal(t->frame_count, 2);
        assert_int_equal(t->row_count, 3);
        done(t);
    }
}

/* A length that is damaged leads nowhere; the next section is found all the same. */
static void a_damaged_length(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {0, 8, 1000, 1u << 20, UINT64_MAX, UINT64_MAX - 15u};
    for (uint32_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        paper_two_frames(&paper);
        memcpy(paper.bytes + 16 + 8, &lengths[i], 8);
        skep__timeline *t = read_bytes(paper.bytes, paper.size, SKEP_OK);
        assert_true(tells(t, "INFO", "damaged"));
        assert_true(tells(t, "INFO", "ticks"));
        assert_int_equal(t->system_count, 3);
        assert_int_equal(t->frame_count, 2);
        assert_true(t->frames[0].end == 1000.0); /* ticks now, from the first record on */
        assert_false(tells(t, "", "cut off"));
        done(t);
    }
}

static void what_is_there_twice(void **state)
{
    (void)state;
    paper_two_frames(&paper);
    paper.size -= 16;
    paper_section(&paper, "SYST", NULL, 0);
    uint64_t thread[2] = {1, 0};
    paper_section(&paper, "THRD", thread, 16);
    thread[0] = 99999;
    paper_section(&paper, "THRD", thread, 16);
    paper_section(&paper, "THRD", thread, 8);
    paper_section(&paper, "END ", NULL, 0);
    paper_section(&paper, "MORE", NULL, 0);
    skep__timeline *t = read_bytes(paper.bytes, paper.size, SKEP_OK);
    assert_int_equal(t->system_count, 3);
    assert_int_equal(t->row_count, 3);
    assert_int_equal(t->rows[1].count, 3);
    assert_true(tells(t, "SYST", "one already"));
    assert_true(tells(t, "THRD", "of its thread already"));
    assert_true(tells(t, "THRD", "cannot be"));
    assert_true(tells(t, "THRD", "too short"));
    assert_true(tells(t, "", "behind the end"));
    done(t);
}

static void forged_tables(void **state)
{
    (void)state;
    uint32_t line[8] = {1, 4000000000u, 77777, 1, 0, 0, 0, 0};
    paper_begin(&paper, 1, 1.0);
    paper_frame(&paper, 0, 10, 1);
    paper_zone(&paper, 0, SKEP__KIND_SYSTEM, (paper_span){11, 12}, 1, 0);
    (void)paper_write(&paper);
    paper.size = 16;
    uint8_t info[48];
    memcpy(info, paper.bytes + 32, 48);
    const double ticks[] = {0.0, -1.0, 1e300};
    for (uint32_t i = 0; i < 3u; i++) {
        memcpy(info + 8, &ticks[i], 8);
        paper.size = 16;
        paper_section(&paper, "INFO", info, 48);
        paper_section(&paper, "TEXT", "\0no end", 7);
        paper_section(&paper, "SYST", line, 32);
        paper_section(&paper, "EDGE", line, 20);
        paper_section(&paper, "END ", NULL, 0);
        skep__timeline *t = read_bytes(paper.bytes, paper.size, SKEP_OK);
        assert_true(tells(t, "INFO", "no length"));
        assert_true(tells(t, "TEXT", "no end"));
        assert_true(tells(t, "SYST", "TEXT does not have"));
        assert_true(tells(t, "EDGE", "not whole"));
        assert_true(tells(t, "", "frames that it says"));
        assert_string_equal(t->systems[0].name, "system 1");
        assert_string_equal(t->systems[0].stage, "");
        done(t);
    }
}

static void times_that_cannot_be(void **state)
{
    (void)state;
    paper_begin(&paper, 1, 1000.0);
    paper_zone(&paper, 0, SKEP__KIND_APPLY, (paper_span){INT64_MIN + 1, INT64_MIN + 2}, 0, 0);
    paper_zone(&paper, 0, SKEP__KIND_APPLY, (paper_span){(int64_t)1 << 61, ((int64_t)1 << 61) + 9},
               0, 0);
    paper_frame(&paper, 0, 10, 1);
    skep__timeline *t = read_bytes(paper.bytes, paper_write(&paper), SKEP_OK);
    assert_true(tells(t, "THRD", "no clock"));
    assert_int_equal(t->zone_count, 1);
    assert_int_equal(t->frame_count, 1);
    done(t);
}

static void frames_in_frames(void **state)
{
    (void)state;
    paper_begin(&paper, 1, 1.0);
    paper_frame(&paper, 10, 20, 2);
    paper_frame(&paper, 0, 100, 1);
    paper_frame(&paper, 99, 120, 3); /* by a tick: no overlap */
    paper_frame(&paper, 118, 130, 4);
    skep__timeline *t = read_bytes(paper.bytes, paper_write(&paper), SKEP_OK);
    assert_true(tells(t, "THRD", "within another"));
    assert_int_equal(t->frame_count, 2);
    assert_int_equal(t->frames[1].tick, 3);
    done(t);
}

/* LOST of a worker that has no row stays where it was written. */
static void nobody_s_zones(void **state)
{
    (void)state;
    paper_begin(&paper, 2, 1.0);
    paper_zone(&paper, 0, SKEP__KIND_LOST, (paper_span){1, 2}, 7u | 9u << 16, 0);
    paper_zone(&paper, 0, SKEP__KIND_LOST, (paper_span){1, 2}, 7u | 1u << 16, 0);
    paper_zone(&paper, 0, SKEP__KIND_RESPAWN, (paper_span){2, 3}, 65535, 0);
    paper_frame(&paper, 0, 10, 1);
    skep__timeline *t = read_bytes(paper.bytes, paper_write(&paper), SKEP_OK);
    assert_int_equal(t->rows[0].count, 3);
    assert_int_equal(t->rows[1].count, 1);
    done(t);
}

static void problems_are_counted(void **state)
{
    (void)state;
    paper_begin(&paper, 1, 1.0);
    (void)paper_write(&paper);
    paper.size -= 16;
    for (uint32_t i = 0; i < 100u; i++) paper_section(&paper, "SYST", NULL, 0);
    paper_section(&paper, "END ", NULL, 0);
    skep__timeline *t = read_bytes(paper.bytes, paper.size, SKEP_OK);
    assert_int_equal(t->problem_count, 100);
    done(t);
}

/* ---- random damage, memory ------------------------------------------------------------------ */

/* Anything in the records, checksums right: rows that no tracer writes. */
static void records_of_noise(void **state)
{
    (void)state;
    uint32_t draw = 0;
    for (uint32_t round = 0; round < 400u; round++) {
        paper_begin(&paper, 3, round % 3u ? 1.5 : 1e6);
        for (uint32_t i = 0; i < 90u; i++) {
            const uint64_t x = skep__random(11, 1, round, i, draw++);
            const int64_t from = (int64_t)(x % 200u);
            paper_zone(&paper, (uint32_t)(x >> 8) % 3u, (uint32_t)(x >> 16) % 21u,
                       (paper_span){from, from + (int64_t)(x >> 24) % 60},
                       (uint32_t)(x >> 32) & 0x000f000fu, (uint32_t)(x >> 60));
        }
        skep__timeline *t = read_bytes(paper.bytes, paper_write(&paper), SKEP_OK);
        for (uint32_t i = 0; i < t->frame_count; i++) {
            skep__trace_memory m = {.allocator = skep__port_allocator()};
            uint32_t count = 0;
            const skep__trace_segment *s = skep__trace_path_of(t, &m, i, &count);
            double at = t->frames[i].begin;
            for (uint32_t k = 0; k < count; k++) {
                assert_true(s[k].begin == at && s[k].end > at);
                at = s[k].end;
            }
            assert_true(at == t->frames[i].end);
            const skep__trace_thread_stats *idle =
                skep__trace_threads_of(t, &m, (skep__trace_frames){i, 1});
            for (uint32_t r = 0; r < t->row_count; r++)
                assert_true(idle[r].utilisation > -1e-9 && idle[r].utilisation < 1.0 + 1e-9);
            skep__trace_memory_free(&m);
        }
        done(t);
    }
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    paper_two_frames(&paper);
    uint32_t pieces = 0;
    for (;; pieces++) {
        lean l = {pieces, 0};
        const skep_allocator a = {lean_alloc, lean_free, &l};
        skep__timeline *t = NULL;
        skep_error error;
        const skep_status status = skep__timeline_read(paper.bytes, paper.size, &a, &t, &error);
        assert_true(status == SKEP_OK || status == SKEP_NO_MEMORY);
        const bool good = t && work_out(t, &l);
        skep__timeline_free(t);
        assert_int_equal(l.held, 0);
        if (good) break;
    }
    assert_true(pieces > 100u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_a_file),
        cmocka_unit_test(a_file_of_nothing),
        cmocka_unit_test(sections_that_nobody_knows),
        cmocka_unit_test(kinds_that_nobody_knows),
        cmocka_unit_test(no_trace),
        cmocka_unit_test(cut_off_at_each_byte),
        cmocka_unit_test(records_before_the_cut),
        cmocka_unit_test(one_bit_anywhere),
        cmocka_unit_test(the_others_are_shown),
        cmocka_unit_test(a_damaged_length),
        cmocka_unit_test(what_is_there_twice),
        cmocka_unit_test(forged_tables),
        cmocka_unit_test(times_that_cannot_be),
        cmocka_unit_test(frames_in_frames),
        cmocka_unit_test(nobody_s_zones),
        cmocka_unit_test(problems_are_counted),
        cmocka_unit_test(records_of_noise),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("timeline_read", tests, NULL, NULL);
}
