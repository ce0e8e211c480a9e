/* SPDX-License-Identifier: MIT */
/* What traces are written as: trace_event JSON, the viewer's page, a trace file again, and why a
 * frame was slow; and two traces compared, with intervals worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "port/port.h"
#include "support/trace_paper.h"
#include "trace/trace_compare.h"
#include "trace/trace_convert.h"
#include "trace/trace_why.h"

typedef struct text {
    char bytes[65536];
    size_t size;
    size_t room; /* the writer says no beyond it */
} text;

static trace_paper paper, other;
static text out;

static bool take(void *ctx, const void *bytes, size_t count)
{
    text *t = ctx;
    if (t->size + count > t->room) return false;
    memcpy(t->bytes + t->size, bytes, count);
    t->size += count;
    t->bytes[t->size] = 0;
    return true;
}

static text *fresh(void)
{
    memset(&out, 0, sizeof out);
    out.room = sizeof out.bytes - 1u;
    return &out;
}

static skep__timeline *read_of(trace_paper *p)
{
    const skep_allocator a = skep__port_allocator();
    skep__timeline *t = NULL;
    skep_error error;
    const size_t size = paper_write(p);
    assert_int_equal(skep__timeline_read(p->bytes, size, &a, &t, &error), SKEP_OK);
    return t;
}

static void expect_text(const char *wanted)
{
    if (!strstr(out.bytes, wanted)) fail_msg("no\n%s\nin\n%s", wanted, out.bytes);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void second_frame_as_json(void **state)
{
    (void)state;
    static const char wanted[] =
        "{\"traceEvents\":[\n"
        "{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"by "
        "\\\"hand\\\"\"}},\n"
        "{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"name\":\"thread_name\",\"args\":{\"name\":\"caller\"}}"
        ","
        "\n"
        "{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":"
        "0}"
        "},\n"
        "{\"ph\":\"M\",\"pid\":1,\"tid\":2,\"name\":\"thread_name\",\"args\":{\"name\":\"worker "
        "1\"}"
        "},\n"
        "{\"ph\":\"M\",\"pid\":1,\"tid\":2,\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":"
        "1}"
        "},\n"
        "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":0.000,\"dur\":0.200,\"name\":\"frame\",\"cat\":"
        "\"frame\",\"args\":{\"tick\":4294967305}},\n"
        "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":0.000,\"dur\":0.160,\"name\":\"update\",\"cat\":"
        "\"stage\",\"args\":{}},\n"
        "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":0.000,\"dur\":0.159,\"name\":\"batch 1\",\"cat\":"
        "\"batch\",\"args\":{}},\n"
        "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":0.020,\"dur\":0.100,\"name\":\"tasks\",\"cat\":"
        "\"tasks\",\"args\":{\"batch\":1,\"tasks\":1}},\n"
        "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":0.022,\"dur\":0.004,\"name\":\"wake\",\"cat\":"
        "\"wake\",\"args\":{\"workers\":1,\"woken\":1,\"tasks\":1}},\n"
        "{\"ph\":\"X\",\"pid\":1,\"tid\":2,\"ts\":0.040,\"dur\":0.020,\"name\":\"move\",\"cat\":"
        "\"block\",\"args\":{\"system\":1,\"blocks\":1,\"block\":5}},\n"
        "{\"ph\":\"X\",\"pid\":1,\"tid\":2,\"ts\":0.070,\"dur\":0.001,\"name\":\"move\",\"cat\":"
        "\"block\",\"args\":{\"system\":1,\"blocks\":1,\"block\":6}},\n"
        "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":0.140,\"dur\":0.018,\"name\":\"commit\",\"cat\":"
        "\"commit\",\"args\":{\"batch\":1,\"systems\":1}},\n"
        "{\"ph\":\"C\",\"pid\":1,\"tid\":1,\"ts\":0.190,\"name\":\"entities\","
        "\"args\":{\"value\":12884901890}},\n"
        "{\"ph\":\"i\",\"pid\":1,\"tid\":1,\"ts\":0.150,\"s\":\"t\",\"name\":\"copied\",\"cat\":"
        "\"copied\",\"args\":{\"system\":1,\"why\":2,\"blocks\":3}},\n"
        "{\"ph\":\"i\",\"pid\":1,\"tid\":1,\"ts\":0.152,\"s\":\"p\",\"name\":\"fault\",\"cat\":"
        "\"fault\",\"args\":{\"system\":1,\"worker\":1,\"action\":2,\"status\":13,\"blocks\":7}},\n"
        "{\"ph\":\"s\",\"pid\":1,\"tid\":1,\"ts\":0.022,\"id\":1,\"name\":\"dispatch\",\"cat\":"
        "\"flow\"},\n"
        "{\"ph\":\"f\",\"pid\":1,\"tid\":2,\"ts\":0.040,\"id\":1,\"name\":\"dispatch\",\"cat\":"
        "\"flow\",\"bp\":\"e\"},\n"
        "{\"ph\":\"s\",\"pid\":1,\"tid\":2,\"ts\":0.070,\"id\":2,\"name\":\"result\",\"cat\":"
        "\"flow\"},\n"
        "{\"ph\":\"f\",\"pid\":1,\"tid\":1,\"ts\":0.140,\"id\":2,\"name\":\"result\",\"cat\":"
        "\"flow\",\"bp\":\"e\"}\n]}\n";
    paper_begin(&paper, 2, 2.0);
    paper_note(&paper, "scene", "by \"hand\"");
    paper_system(&paper, 1, "move", "update", 1, 0);
    paper_zone(&paper, 0, SKEP__KIND_WAKE, (paper_span){11, 13}, 1u | 1u << 16, 1);
    paper_zone(&paper, 0, SKEP__KIND_TASKS, (paper_span){10, 60}, 1, 1);
    paper_zone(&paper, 0, SKEP__KIND_COPIED, (paper_span){75, 75}, 1u | 2u << 16, 3);
    paper_zone(&paper, 0, SKEP__KIND_FAULT, (paper_span){76, 76}, 1u | 1u << 16,
               2u | 13u << 8 | 7u << 16);
    paper_zone(&paper, 0, SKEP__KIND_COMMIT, (paper_span){70, 80}, 1, 1);
    paper_zone(&paper, 0, SKEP__KIND_ENTITIES, (paper_span){95, 95}, 2, 3);
    paper_frame(&paper, 0, 100, (uint64_t)1 << 32 | 9u);
    paper_block(&paper, 1, 1, 20, 30, 5);
    paper_block(&paper, 1, 1, 35, 35, 6);
    skep__timeline *t = read_of(&paper);
    assert_int_equal(skep__trace_json(t, take, fresh()), SKEP_OK);
    assert_string_equal(out.bytes, wanted);
    skep__timeline_free(t);
}

/* By rounding, a zone reaches beyond what it is in, and one begins before its neighbour's end: they
 * are moved, so that no end falls on another end or beginning. */
static void rounding_is_cut(void **state)
{
    (void)state;
    paper_begin(&paper, 1, 1000.0);
    paper_zone(&paper, 0, SKEP__KIND_APPLY, (paper_span){0, 4}, 0, 0);
    paper_zone(&paper, 0, SKEP__KIND_VERIFY, (paper_span){3, 11}, 0, 0);
    paper_frame(&paper, 0, 10, 1);
    paper_frame(&paper, -10, -5, 0);
    skep__timeline *t = read_of(&paper);
    assert_int_equal(t->rows[0].parent[3], 1);
    assert_int_equal(skep__trace_json(t, take, fresh()), SKEP_OK);
    expect_text("\"ts\":-10.000,\"dur\":5.000,\"name\":\"frame\"");
    expect_text("\"ts\":0.000,\"dur\":10.000,\"name\":\"frame\"");
    expect_text("\"ts\":0.000,\"dur\":4.000,\"name\":\"apply\"");
    expect_text("\"ts\":4.001,\"dur\":5.998,\"name\":\"verify\"");
    skep__timeline_free(t);
}

static void texts_that_are_none(void **state)
{
    (void)state;
    paper_begin(&paper, 1, 1.0);
    paper_system(&paper, 1, "a\xff\"\\\n\xc3\xa9", "s", 1, 0);
    paper_zone(&paper, 0, SKEP__KIND_SYSTEM, (paper_span){0, 1}, 1u | 1u << 16, 0);
    paper_frame(&paper, 0, 10, 1);
    skep__timeline *t = read_of(&paper);
    assert_int_equal(skep__trace_json(t, take, fresh()), SKEP_OK);
    expect_text("\"name\":\"a\\ufffd\\\"\\\\\\u000a\xc3\xa9\"");
    skep__timeline_free(t);
}

static void a_writer_that_is_full(void **state)
{
    (void)state;
    paper_two_frames(&paper);
    skep__timeline *t = read_of(&paper);
    static const char page[] = "<html>" SKEP__TRACE_PAGE_MARK;
    for (size_t room = 0; room < 2u; room++) {
        fresh()->room = room;
        assert_int_equal(skep__trace_json(t, take, &out), SKEP_IO);
        assert_int_equal(skep__trace_skept(t, take, &out), SKEP_IO);
        assert_int_equal(skep__trace_html(t, page, sizeof page - 1u, take, &out), SKEP_IO);
        assert_int_equal(skep__trace_why(t, 0, 0, take, &out), SKEP_IO);
    }
    skep__timeline_free(t);
}

/* ---- the page, and the file again ----------------------------------------------------------- */

static void the_page_holds_the_file(void **state)
{
    (void)state;
    paper_begin(&paper, 1, 1.0);
    skep__timeline *t = read_of(&paper);
    static const char page[] = "<p>" SKEP__TRACE_PAGE_MARK "</p>";
    assert_int_equal(skep__trace_html(t, page, sizeof page - 1u, take, fresh()), SKEP_OK);
    /* "skept\r\n\x1a" and version 1. */
    assert_memory_equal(out.bytes, "<p>c2tlcHQNChoBAAAA", 19);
    assert_int_equal(out.size, 7u + (paper.size + 2u) / 3u * 4u);
    assert_memory_equal(out.bytes + out.size - 4u, "</p>", 4);
    assert_int_equal(skep__trace_html(t, "", 0, take, fresh()), SKEP_UNSUPPORTED);
    assert_int_equal(skep__trace_html(t, "no mark", 7, take, fresh()), SKEP_UNSUPPORTED);
    static const char twice[] = SKEP__TRACE_PAGE_MARK SKEP__TRACE_PAGE_MARK;
    assert_int_equal(skep__trace_html(t, twice, sizeof twice - 1u, take, fresh()),
                     SKEP_UNSUPPORTED);
    assert_int_equal(out.size, 0);
    skep__timeline_free(t);
}

static void base64_of_all_lengths(void **state)
{
    (void)state;
    static const char page[] = SKEP__TRACE_PAGE_MARK;
    static const char *const wanted[] = {"AP8=", "AP8Q", "AP8QgA=="};
    static const uint8_t bytes[] = {0, 255, 16, 128};
    for (uint32_t i = 0; i < 3u; i++) {
        skep__timeline t = {.bytes = bytes, .byte_count = 2u + i};
        assert_int_equal(skep__trace_html(&t, page, sizeof page - 1u, take, fresh()), SKEP_OK);
        assert_string_equal(out.bytes, wanted[i]);
    }
}

static void the_same_file_again(void **state)
{
    (void)state;
    paper_two_frames(&paper);
    paper.size -= 16;
    paper_section(&paper, "WHAT", "unknown", 7);
    paper_section(&paper, "END ", NULL, 0);
    const skep_allocator a = skep__port_allocator();
    skep__timeline *t = NULL;
    skep_error error;
    assert_int_equal(skep__timeline_read(paper.bytes, paper.size, &a, &t, &error), SKEP_OK);
    assert_int_equal(skep__trace_skept(t, take, fresh()), SKEP_OK);
    assert_int_equal(out.size, paper.size);
    assert_memory_equal(out.bytes, paper.bytes, paper.size);
    skep__timeline_free(t);
}

/* Without what was damaged, and of what was cut off the whole records. */
static void a_damaged_file_made_whole(void **state)
{
    (void)state;
    const skep_allocator a = skep__port_allocator();
    skep__timeline *t = NULL;
    skep_error error;
    paper_two_frames(&paper);
    assert_int_equal(skep__timeline_read(paper.bytes, paper.size, &a, &t, &error), SKEP_OK);
    const size_t notes = t->sections[2].at;
    const size_t last = t->sections[8].at;
    skep__timeline_free(t);
    paper.bytes[notes] ^= 64u;
    assert_int_equal(skep__timeline_read(paper.bytes, last + 16 + 24 + 5, &a, &t, &error), SKEP_OK);
    const uint32_t zones = t->zone_count;
    assert_true(t->problem_count > 1u);
    assert_int_equal(skep__trace_skept(t, take, fresh()), SKEP_OK);
    skep__timeline_free(t);
    assert_int_equal(skep__timeline_read((const uint8_t *)out.bytes, out.size, &a, &t, &error),
                     SKEP_OK);
    assert_int_equal(t->problem_count, 0);
    assert_int_equal(t->zone_count, zones);
    assert_int_equal(t->note_count, 0);
    assert_int_equal(t->system_count, 3);
    skep__timeline_free(t);
}

/* ---- why ------------------------------------------------------------------------------------ */

/* The two frames, a thousand times as long. */
static skep__timeline *slow_frames(void)
{
    paper_two_frames(&paper);
    paper.ns_per_tick = 10000.0;
    return read_of(&paper);
}

static void why_a_frame_was_slow(void **state)
{
    (void)state;
    skep__timeline *t = slow_frames();
    assert_int_equal(skep__trace_why(t, 0, 8330000, take, fresh()), SKEP_OK);
    assert_string_equal(
        out.bytes,
        "slow: frame 7 took 10.00 ms (budget 8.33 ms)\n"
        "  critical path  frame 0.70 > wake 0.70 (worker 1) > move 3.10 (worker 1) > join 0.60 > "
        "strike 2.40 (worker 1) > draw 1.00 > 5 others 1.50 ms\n"
        "  longest block  strike, block 1, worker 1: 2.40 ms; half of its blocks take less than "
        "0.80 ms\n"
        "  idle           caller: barrier 3.40 ms, queue 0.30 ms; worker 1: nothing ready 3.00 "
        "ms, queue 0.90 ms, barrier 0.60 ms; worker 2: nothing ready 7.00 ms, barrier 2.50 ms, "
        "queue 0.20 ms\n"
        "  would help     splitting move over 3 threads: 1.67 ms shorter; without it: 3.30 ms\n");
    assert_int_equal(skep__trace_why(t, 1, 0, take, fresh()), SKEP_OK);
    assert_string_equal(
        out.bytes,
        "slow: frame 8 took 3.00 ms\n"
        "  critical path  snapshot 0.20 > move 0.30 > commit 0.10 > frame 2.20 > publish 0.20 ms\n"
        "  longest block  strike, block 9, worker 2: 1.00 ms; half of its blocks take less than "
        "0.80 ms\n"
        "  idle           worker 1: nothing ready 3.00 ms; worker 2: nothing ready 1.50 ms, "
        "respawn 0.50 ms\n"
        "  blocks copied  40 by move: a snapshot still holds the old ones\n"
        "  faults         1 by strike\n"
        "  would help     splitting move over 3 threads: 0.20 ms shorter; without it: 0.30 ms\n");
    skep__timeline_free(t);
}

/* The sum of all that the line of the path says, in its last decimals. */
static long path_units(void)
{
    long sum = 0;
    const char *at = strstr(out.bytes, "critical path");
    for (const char *end = strchr(at, '\n'); at < end; at++) {
        if (*at != '.') continue;
        const char *from = at;
        while (from[-1] >= '0' && from[-1] <= '9') from--;
        long number = strtol(from, NULL, 10);
        for (at++; *at >= '0' && *at <= '9'; at++) number = number * 10 + (*at - '0');
        sum += number;
    }
    return sum;
}

/* What is written adds up to the frame, whatever rounding makes of the parts. */
static void the_path_adds_up(void **state)
{
    (void)state;
    paper_begin(&paper, 1, 1.0);
    for (uint32_t i = 0; i < 9u; i++)
        paper_zone(&paper, 0, SKEP__KIND_SYSTEM,
                   (paper_span){100 * (int64_t)i, 100 * (int64_t)i + 33 + i}, i | 1u << 16, 0);
    paper_frame(&paper, 0, 1000, 1);
    for (uint32_t scale = 0; scale < 200u; scale++) {
        paper.ns_per_tick = 5.0 + 171.7 * scale;
        skep__timeline *t = read_of(&paper);
        const double ns = 1000.0 * paper.ns_per_tick;
        assert_int_equal(skep__trace_why(t, 0, 0, take, fresh()), SKEP_OK);
        assert_int_equal(path_units(), (long)(ns / (ns < 1e6 ? 1e3 : 1e4) + 0.5));
        skep__timeline_free(t);
    }
}

static void little_to_say(void **state)
{
    (void)state;
    paper_begin(&paper, 1, 1.0);
    paper_frame(&paper, 0, 500000, 3);
    skep__timeline *t = read_of(&paper);
    assert_int_equal(skep__trace_why(t, 0, 0, take, fresh()), SKEP_OK);
    assert_string_equal(out.bytes, "slow: frame 3 took 0.500 ms\n"
                                   "  critical path  frame 0.500 ms\n");
    skep__timeline_free(t);
}

/* ---- comparison ----------------------------------------------------------------------------- */

/* A trace of frames in each of which system n takes runs[n][frame] ticks, if any. */
static void frames_of(trace_paper *p, const char *const *names, const uint32_t (*runs)[16],
                      uint32_t systems)
{
    paper_begin(p, 1, 1.0);
    for (uint32_t s = 0; s < systems; s++) paper_system(p, s + 1u, names[s], "x", 1, 0);
    for (uint32_t i = 0; i < 16u; i++) {
        int64_t at = (int64_t)i * 1000;
        for (uint32_t s = 0; s < systems; s++) {
            if (!runs[s][i]) continue;
            paper_zone(p, 0, SKEP__KIND_SYSTEM, (paper_span){at, at + runs[s][i]},
                       (s + 1u) | 1u << 16, 0);
            at += runs[s][i];
        }
        paper_frame(p, (int64_t)i * 1000, (int64_t)i * 1000 + 900, i);
    }
}

static void expect_change(const skep__trace_change *c, double a, double b, double low, double high)
{
    const double x[4] = {c->a, c->b, c->low, c->high};
    const double y[4] = {a, b, low, high};
    for (uint32_t i = 0; i < 4u; i++)
        if (x[i] - y[i] > 1e-6 || y[i] - x[i] > 1e-6) fail_msg("%.9g, not %.9g", x[i], y[i]);
}

static void two_traces_compared(void **state)
{
    (void)state;
    static const char *const in_a[] = {"rise", "fall", "only a", "same"};
    static const char *const in_b[] = {"fall", "only b", "rise", "few", "same"};
    uint32_t a[4][16] = {0};
    uint32_t b[5][16] = {0};
    for (uint32_t i = 0; i < 16u; i++) {
        a[0][i] = 1u + i;
        a[1][i] = 16u - i;
        b[2][i] = 11u + i;
        b[0][i] = 16u - i;
    }
    a[2][3] = 5;
    b[1][3] = 5;
    a[3][0] = b[4][0] = 4;
    frames_of(&paper, in_a, (const uint32_t(*)[16])a, 4);
    frames_of(&other, in_b, (const uint32_t(*)[16])b, 5);
    skep__timeline *ta = read_of(&paper);
    skep__timeline *tb = read_of(&other);
    skep__trace_memory m = {.allocator = skep__port_allocator()};
    const skep__trace_systems sa = skep__trace_systems_of(ta, &m, skep__trace_frames_all(ta));
    const skep__trace_systems sb = skep__trace_systems_of(tb, &m, skep__trace_frames_all(tb));
    const skep__trace_compared ca = {ta, &sa, skep__trace_frames_all(ta)};
    const skep__trace_compared cb = {tb, &sb, skep__trace_frames_all(tb)};
    uint32_t count = 0;
    const skep__trace_comparison *c = skep__trace_compare(&ca, &cb, &m, &count);
    assert_int_equal(count, 5);
    /* 16 values, q = 0.5: d = 1.96 * 2 = 3.92, L is number 5 and U number 12 of each side, z s =
     * 3.5, and the two together 3.5 sqrt 2. q = 0.99: both are the last. */
    assert_string_equal(c[0].system, "rise");
    assert_true(c[0].clear && c[0].p50.known);
    expect_change(&c[0].p50, 8, 18, 10 - 4.949747468, 10 + 4.949747468);
    expect_change(&c[0].p99, 16, 26, 10, 10);
    assert_string_equal(c[1].system, "fall");
    assert_false(c[1].clear);
    assert_string_equal(c[2].system, "same");
    assert_false(c[2].p50.known); /* one run */
    assert_true(c[2].share.known);
    assert_string_equal(c[3].system, "only a");
    assert_int_equal(c[3].only, SKEP__SIDE_A);
    assert_string_equal(c[4].system, "only b");
    assert_int_equal(c[4].only, SKEP__SIDE_B);
    assert_null(c[4].in_a);
    skep__trace_memory_free(&m);
    skep__timeline_free(ta);
    skep__timeline_free(tb);
}

/* x = 1..16 beside 16..1: r = 1/2, e = x - 8.5, sum of squares 340, s = sqrt(340 / 240) / 17. */
static void shares_have_an_interval(void **state)
{
    (void)state;
    static const char *const names[] = {"one", "two"};
    uint32_t runs[2][16];
    for (uint32_t i = 0; i < 16u; i++) {
        runs[0][i] = 1u + i;
        runs[1][i] = 16u - i;
    }
    frames_of(&paper, names, (const uint32_t(*)[16])runs, 2);
    skep__timeline *t = read_of(&paper);
    skep__trace_memory m = {.allocator = skep__port_allocator()};
    const skep__trace_systems s = skep__trace_systems_of(t, &m, skep__trace_frames_all(t));
    const skep__trace_compared side = {t, &s, skep__trace_frames_all(t)};
    uint32_t count = 0;
    const skep__trace_comparison *c = skep__trace_compare(&side, &side, &m, &count);
    assert_int_equal(count, 2);
    const double reach = 1.96 * 1.4142135624 * 0.07001400421;
    expect_change(&c[0].share, 0.5, 0.5, -reach, reach);
    assert_false(c[0].clear);
    assert_string_equal(c[0].system, "one");
    skep__trace_memory_free(&m);
    skep__timeline_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_frame_as_json),    cmocka_unit_test(rounding_is_cut),
        cmocka_unit_test(texts_that_are_none),     cmocka_unit_test(a_writer_that_is_full),
        cmocka_unit_test(the_page_holds_the_file), cmocka_unit_test(base64_of_all_lengths),
        cmocka_unit_test(the_same_file_again),     cmocka_unit_test(a_damaged_file_made_whole),
        cmocka_unit_test(why_a_frame_was_slow),    cmocka_unit_test(the_path_adds_up),
        cmocka_unit_test(little_to_say),           cmocka_unit_test(two_traces_compared),
        cmocka_unit_test(shares_have_an_interval),
    };
    return cmocka_run_group_tests_name("timeline_texts", tests, NULL, NULL);
}
