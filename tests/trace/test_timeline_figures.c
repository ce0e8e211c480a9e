/* SPDX-License-Identifier: MIT */
/* What is worked out of a trace, against figures worked out by hand: two frames on three threads
 * (tests/support/trace_paper.c), and small ones where a rule of docs/trace-format.md is at stake.
 * Ticks are 2 ns, so that nobody takes one for the other; figures below are ticks times 2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "port/port.h"
#include "support/trace_paper.h"
#include "trace/trace_analyse.h"

#define NEAR 1e-9

typedef struct bed {
    trace_paper paper;
    skep_allocator allocator;
    skep__timeline *t;
    skep__trace_memory m;
} bed;

static bed b;

static void begin(uint32_t threads)
{
    paper_begin(&b.paper, threads, 2.0);
}

static void read_paper(void)
{
    skep_error error;
    b.allocator = skep__port_allocator();
    b.m = (skep__trace_memory){.allocator = b.allocator};
    const size_t size = paper_write(&b.paper);
    assert_int_equal(skep__timeline_read(b.paper.bytes, size, &b.allocator, &b.t, &error), SKEP_OK);
    assert_int_equal(b.t->problem_count, 0);
}

static void two_frames(void)
{
    paper_two_frames(&b.paper);
    read_paper();
}

static void end(void)
{
    assert_false(b.m.failed);
    skep__trace_memory_free(&b.m);
    skep__timeline_free(b.t);
}

static void near(double x, double wanted, const char *what, int line)
{
    const double off = x < wanted ? wanted - x : x - wanted;
    if (!(off <= NEAR)) fail_msg("line %d: %s is %.17g, not %.17g", line, what, x, wanted);
}

#define expect_near(x, wanted) near(x, wanted, #x, __LINE__)
#define expect_ns(x, ticks) near(x, (double)(ticks)*2.0, #x, __LINE__)

/* ---- frames --------------------------------------------------------------------------------- */

static void frames_and_their_times(void **state)
{
    (void)state;
    two_frames();
    assert_int_equal(b.t->frame_count, 2);
    assert_int_equal(b.t->frames[0].tick, 7);
    expect_ns(b.t->frames[1].begin, 1100);
    expect_ns(b.t->frames[1].end, 1400);
    const skep__trace_frames all = skep__trace_frames_all(b.t);
    skep__trace_times times = skep__trace_times_of(b.t, &b.m, all, b.t->budget_ns);
    expect_ns(times.total_ns, 1300);
    expect_ns(times.p50_ns, 300);
    expect_ns(times.p95_ns, 1000);
    expect_ns(times.max_ns, 1000);
    assert_int_equal(times.over, 1);
    assert_int_equal(times.slow, 1);
    assert_int_equal(times.worst[0], 0);
    assert_int_equal(times.worst[1], 1);
    times = skep__trace_times_of(b.t, &b.m, all, 0);
    assert_int_equal(times.over, 0);
    assert_int_equal(times.slow, 1); /* one at least */
    times = skep__trace_times_of(b.t, &b.m, all, 100);
    assert_int_equal(times.slow, 2);
    const skep__trace_frames late = skep__trace_frames_ticks(b.t, 8, 100);
    assert_int_equal(late.first, 1);
    assert_int_equal(late.count, 1);
    assert_int_equal(skep__trace_frames_ticks(b.t, 9, 100).count, 0);
    end();
}

static void the_slowest_percent(void **state)
{
    (void)state;
    begin(1);
    for (uint32_t i = 0; i < 299u; i++)
        paper_frame(&b.paper, (int64_t)i * 1000, (int64_t)i * 1000 + 100 + i, i);
    read_paper();
    const skep__trace_times times = skep__trace_times_of(b.t, &b.m, skep__trace_frames_all(b.t), 0);
    assert_int_equal(times.slow, 2);
    assert_int_equal(times.worst[0], 298);
    assert_int_equal(times.worst[1], 297);
    expect_ns(times.p50_ns, 100 + 149); /* value number 150 of 299 */
    expect_ns(times.p99_ns, 100 + 296); /* 296.01: number 297 */
    end();
}

static void equal_frames_keep_their_order(void **state)
{
    (void)state;
    begin(1);
    for (uint32_t i = 0; i < 5u; i++)
        paper_frame(&b.paper, (int64_t)i * 10, (int64_t)i * 10 + 5, i);
    read_paper();
    const skep__trace_times times = skep__trace_times_of(b.t, &b.m, skep__trace_frames_all(b.t), 0);
    for (uint32_t i = 0; i < 5u; i++) assert_int_equal(times.worst[i], i);
    end();
}

/* With a coarse clock much happens at one moment: what begins where one frame ends and another
 * begins is the later one's; at the last one's end it is still in it. */
static void moments_at_the_edge(void **state)
{
    (void)state;
    begin(1);
    paper_frame(&b.paper, 0, 100, 1);
    paper_zone(&b.paper, 0, SKEP__KIND_COMMIT, (paper_span){100, 100}, 1, 1);
    paper_zone(&b.paper, 0, SKEP__KIND_COMMIT, (paper_span){200, 200}, 1, 1);
    paper_frame(&b.paper, 100, 200, 2);
    paper_zone(&b.paper, 0, SKEP__KIND_COMMIT, (paper_span){201, 201}, 1, 1);
    read_paper();
    assert_int_equal(skep__timeline_frame_at(b.t, 0.0), 0);
    assert_int_equal(skep__timeline_frame_at(b.t, 199.9), 0);
    assert_int_equal(skep__timeline_frame_at(b.t, 200.0), 1);
    assert_int_equal(skep__timeline_frame_at(b.t, 400.0), 1);
    assert_int_equal(skep__timeline_frame_at(b.t, 402.0), SKEP__NONE);
    assert_int_equal(skep__timeline_frame_at(b.t, -2.0), SKEP__NONE);
    end();
}

/* ---- nesting -------------------------------------------------------------------------------- */

static void expect_zone(uint32_t zone, uint32_t kind, uint32_t parent, double self)
{
    const skep__timeline_row *row = &b.t->rows[0];
    assert_int_equal(row->kind[zone], kind);
    assert_int_equal(row->parent[zone], parent);
    assert_int_equal(row->depth[zone], parent == SKEP__NONE ? 0 : row->depth[parent] + 1u);
    expect_ns(row->self[zone], self);
}

static void zones_nest(void **state)
{
    (void)state;
    two_frames();
    assert_int_equal(b.t->row_count, 3);
    assert_int_equal(b.t->rows[0].count, 19 + 5);
    expect_zone(0, SKEP__KIND_FRAME, SKEP__NONE, 1000 - 50 - 400 - 40 - 10 - 300 - 20 - 100 - 10);
    expect_zone(1, SKEP__KIND_SNAPSHOT, 0, 30);
    expect_zone(2, SKEP__KIND_SYSTEM, 1, 20);
    expect_zone(3, SKEP__KIND_TASKS, 0, 400 - 20 - 100 - 60 - 10);
    expect_zone(4, SKEP__KIND_WAKE, 3, 20);
    /* LOST and RESPAWN went to the worker's row. */
    assert_int_equal(b.t->rows[2].count, 3);
    assert_int_equal(b.t->rows[2].kind[1], SKEP__KIND_LOST);
    assert_int_equal(b.t->rows[2].kind[2], SKEP__KIND_RESPAWN);
    assert_string_equal(b.t->rows[0].name, "caller");
    assert_string_equal(b.t->rows[2].name, "worker 2");
    end();
}

/* What was written earlier ended earlier, and holds nothing; ends may be rounded by a tick. */
static void a_tick_is_no_overlap(void **state)
{
    (void)state;
    begin(1);
    paper_zone(&b.paper, 0, SKEP__KIND_SNAPSHOT, (paper_span){0, 10}, 1, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_APPLY, (paper_span){9, 20}, 0, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_COMMIT, (paper_span){9, 19}, 1, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_VERIFY, (paper_span){19, 19}, 0, 0);
    paper_frame(&b.paper, 0, 19, 1);
    read_paper();
    expect_zone(0, SKEP__KIND_FRAME, SKEP__NONE, 0);
    expect_zone(1, SKEP__KIND_SNAPSHOT, 0, 10);
    expect_zone(2, SKEP__KIND_APPLY, 0, 11); /* longer than COMMIT, but written before it */
    expect_zone(3, SKEP__KIND_COMMIT, 0, 10);
    expect_zone(4, SKEP__KIND_VERIFY, 0, 0);
    end();
}

static void equal_zones_nest_as_they_were_written(void **state)
{
    (void)state;
    begin(1);
    paper_zone(&b.paper, 0, SKEP__KIND_APPLY, (paper_span){5, 15}, 0, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_COMMIT, (paper_span){5, 15}, 1, 0);
    paper_frame(&b.paper, 5, 15, 1);
    read_paper();
    expect_zone(0, SKEP__KIND_FRAME, SKEP__NONE, 0);
    expect_zone(1, SKEP__KIND_COMMIT, 0, 0);
    expect_zone(2, SKEP__KIND_APPLY, 1, 10);
    end();
}

/* ---- systems -------------------------------------------------------------------------------- */

static void statistics_of_systems(void **state)
{
    (void)state;
    two_frames();
    const skep__trace_systems s = skep__trace_systems_of(b.t, &b.m, skep__trace_frames_all(b.t));
    assert_int_equal(s.count, 3);
    expect_ns(s.total_ns, 520 + 450 + 140);
    const skep__trace_system_stats *move = &s.system[0];
    assert_string_equal(b.t->subjects[move->subject].name, "move");
    assert_int_equal(move->run_count, 2);
    assert_int_equal(move->blocks, 2 + 1 + 2 + 1 + 1 + 3);
    assert_int_equal(move->copied, 40);
    expect_ns(move->total_ns, 520);
    expect_ns(move->self_ns, 520);
    expect_ns(move->runs_ns[0], 490);
    expect_ns(move->runs_ns[1], 30);
    expect_ns(move->p50_ns, 30);
    expect_ns(move->p95_ns, 490);
    expect_ns(move->max_ns, 490);
    expect_ns(move->longest_ns, 200);
    assert_int_equal(move->longest_row, 1);
    expect_ns(b.t->rows[1].begin[move->longest_zone], 100);
    expect_ns(move->by_row[0], 210);
    expect_ns(move->by_row[1], 310);
    expect_ns(move->by_row[2], 0);
    const skep__trace_system_stats *strike = &s.system[1];
    assert_int_equal(strike->run_count, 2);
    assert_int_equal(strike->blocks, 4);
    expect_ns(strike->total_ns, 450);
    expect_ns(strike->p50_ns, 100);
    expect_ns(strike->by_row[2], 130);
    const skep__trace_system_stats *draw = &s.system[2];
    assert_int_equal(draw->blocks, 0);
    assert_int_equal(draw->run_frame[0], 0);
    expect_ns(draw->total_ns, 140);
    end();
}

static void statistics_of_a_range(void **state)
{
    (void)state;
    two_frames();
    const skep__trace_systems s = skep__trace_systems_of(b.t, &b.m, (skep__trace_frames){1, 1});
    assert_int_equal(s.count, 2);
    assert_int_equal(s.system[0].run_count, 1);
    assert_int_equal(s.system[0].run_frame[0], 1);
    expect_ns(s.system[0].total_ns, 30);
    expect_ns(s.system[1].total_ns, 100);
    end();
}

static void systems_without_a_name(void **state)
{
    (void)state;
    begin(1);
    paper_system(&b.paper, 4, "", "x", 1, 0);
    paper_system(&b.paper, 5, "first", "x", 1, 0);
    paper_system(&b.paper, 5, "second", "x", 1, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_SYSTEM, (paper_span){0, 1}, 4u | 1u << 16, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_SYSTEM, (paper_span){1, 2}, 5u | 1u << 16, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_SYSTEM, (paper_span){2, 3}, 77u | 1u << 16, 0);
    paper_frame(&b.paper, 0, 10, 1);
    read_paper();
    assert_int_equal(b.t->subject_count, 3);
    assert_string_equal(b.t->subjects[0].name, "system 4");
    assert_string_equal(b.t->subjects[1].name, "first");
    assert_string_equal(b.t->subjects[2].name, "system 77");
    assert_null(b.t->subjects[2].line);
    end();
}

/* ---- idle time ------------------------------------------------------------------------------ */

static void expect_idle(const skep__trace_thread_stats *s, double nothing, double barrier,
                        double queue, double respawn)
{
    expect_ns(s->idle_ns[SKEP__REASON_NOTHING], nothing);
    expect_ns(s->idle_ns[SKEP__REASON_BARRIER], barrier);
    expect_ns(s->idle_ns[SKEP__REASON_QUEUE], queue);
    expect_ns(s->idle_ns[SKEP__REASON_RESPAWN], respawn);
}

static void idle_time_has_its_reason(void **state)
{
    (void)state;
    two_frames();
    const skep__trace_thread_stats *s =
        skep__trace_threads_of(b.t, &b.m, (skep__trace_frames){0, 1});
    expect_idle(&s[0], 0, 180 + 10 + 140 + 10, 20 + 10, 0);
    expect_idle(&s[1], 60 + 50 + 190, 30 + 30, 40 + 20 + 30, 0);
    expect_idle(&s[2], 60 + 400 + 50 + 190, 250, 20, 0);
    expect_ns(s[1].busy_ns, 550);
    expect_near(s[1].utilisation, 0.55);
    expect_near(s[2].utilisation, 0.03);
    s = skep__trace_threads_of(b.t, &b.m, skep__trace_frames_all(b.t));
    expect_idle(&s[0], 0, 340, 30, 0);
    expect_idle(&s[1], 300 + 300, 60, 90, 0);
    expect_idle(&s[2], 700 + 150, 250, 20, 50);
    expect_ns(s[0].idle_ns[SKEP__REASON_OUTSIDE], 0);
    expect_ns(s[1].idle_ns[SKEP__REASON_OUTSIDE], 100);
    expect_ns(s[2].busy_ns, 30 + 100);
    end();
}

/* A HOST zone around the frame leaves the caller idle; one within a section does not. */
static void host_zones_and_idle_time(void **state)
{
    (void)state;
    begin(2);
    paper_zone(&b.paper, 0, SKEP__KIND_HOST, (paper_span){40, 60}, 1, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_TASKS, (paper_span){10, 90}, 1, 1);
    paper_frame(&b.paper, 0, 100, 1);
    paper_zone(&b.paper, 0, SKEP__KIND_HOST, (paper_span){-10, 110}, 1, 0);
    paper_zone(&b.paper, 1, SKEP__KIND_HOST, (paper_span){20, 30}, 1, 0);
    read_paper();
    const skep__trace_thread_stats *s =
        skep__trace_threads_of(b.t, &b.m, skep__trace_frames_all(b.t));
    expect_idle(&s[0], 0, 30 + 30, 0, 0);
    expect_idle(&s[1], 90, 0, 0, 0); /* no work in the section: nothing was ready */
    expect_near(s[1].utilisation, 0.1);
    end();
}

static void a_worker_away_is_no_worker_at_a_barrier(void **state)
{
    (void)state;
    begin(2);
    paper_zone(&b.paper, 0, SKEP__KIND_LOST, (paper_span){20, 50}, 1u | 1u << 16, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_RESPAWN, (paper_span){50, 70}, 1, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_TASKS, (paper_span){10, 90}, 1, 1);
    paper_frame(&b.paper, 0, 100, 1);
    read_paper();
    const skep__trace_thread_stats *s =
        skep__trace_threads_of(b.t, &b.m, skep__trace_frames_all(b.t));
    expect_idle(&s[1], 20, 20, 10, 20);
    end();
}

/* ---- batches -------------------------------------------------------------------------------- */

static void batches_and_stages(void **state)
{
    (void)state;
    two_frames();
    const skep__trace_spans s = skep__trace_spans_of(b.t, &b.m, skep__trace_frames_all(b.t));
    const int64_t ends[] = {0, 500, 830, 940};
    assert_int_equal(s.batch_count, 4);
    for (uint32_t i = 0; i < 3u; i++) {
        assert_int_equal(s.batch[i].batch, i + 1u);
        expect_ns(s.batch[i].begin, ends[i]);
        expect_ns(s.batch[i].end, ends[i + 1u]);
    }
    assert_int_equal(s.batch[3].frame, 1);
    expect_ns(s.batch[3].begin, 1100);
    assert_int_equal(s.stage_count, 3);
    assert_string_equal(s.stage[0].stage, "update");
    expect_ns(s.stage[0].begin, 0);
    expect_ns(s.stage[0].end, 830);
    assert_string_equal(s.stage[1].stage, "late");
    expect_ns(s.stage[2].end, 1160);
    expect_ns(skep__trace_queue_ns(b.t, &b.t->rows[1], 0), 40);
    end();
}

static void batches_that_the_plan_lost(void **state)
{
    (void)state;
    begin(1);
    paper_system(&b.paper, 1, "a", "update", 1, 0);
    paper_system(&b.paper, 2, "b", "update", 3, 0);
    for (uint32_t i = 0; i < 3u; i++)
        paper_zone(&b.paper, 0, SKEP__KIND_COMMIT,
                   (paper_span){10 * (int64_t)i, 10 * (int64_t)i + 5}, i + 1u, 1);
    paper_frame(&b.paper, 0, 100, 1);
    read_paper();
    const skep__trace_spans s = skep__trace_spans_of(b.t, &b.m, skep__trace_frames_all(b.t));
    assert_int_equal(s.batch_count, 3);
    assert_string_equal(s.batch[1].stage, "");
    assert_int_equal(s.stage_count, 2);
    expect_ns(s.stage[0].end, 5);
    expect_ns(s.stage[1].begin, 15);
    end();
}

/* ---- critical path -------------------------------------------------------------------------- */

typedef struct step {
    uint32_t row;
    int64_t begin;
    const char *what;
    bool gap;
} step;

static void expect_path(uint32_t frame, const step *steps, uint32_t count)
{
    uint32_t n = 0;
    const skep__trace_segment *s = skep__trace_path_of(b.t, &b.m, frame, &n);
    assert_int_equal(n, count);
    double sum = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        assert_string_equal(s[i].what, steps[i].what);
        assert_int_equal(s[i].row, steps[i].row);
        expect_ns(s[i].begin, steps[i].begin);
        assert_int_equal(s[i].zone == SKEP__NONE, steps[i].gap);
        if (i) assert_true(s[i].begin == s[i - 1u].end);
        sum += s[i].end - s[i].begin;
    }
    assert_true(s[n - 1u].end == b.t->frames[frame].end);
    assert_true(sum == b.t->frames[frame].end - b.t->frames[frame].begin);
}

#define EXPECT_PATH(frame, steps) expect_path(frame, steps, sizeof(steps) / sizeof *(steps))

static void critical_paths(void **state)
{
    (void)state;
    two_frames();
    const step first[] = {
        {0, 0, "frame", false},      {0, 10, "snapshot", false}, {0, 20, "move", false},
        {0, 40, "snapshot", false},  {1, 60, "wake", true},      {1, 100, "move", false},
        {1, 300, "claim", true},     {1, 320, "move", false},    {0, 430, "join", true},
        {0, 460, "commit", false},   {0, 470, "apply", false},   {0, 490, "commit", false},
        {0, 500, "snapshot", false}, {1, 510, "wake", true},     {1, 540, "strike", false},
        {0, 780, "join", true},      {0, 810, "commit", false},  {0, 830, "draw", false},
        {0, 930, "commit", false},   {0, 940, "frame", false},
    };
    const step second[] = {
        {0, 1100, "snapshot", false}, {0, 1110, "move", false},  {0, 1140, "snapshot", false},
        {0, 1150, "commit", false},   {0, 1160, "frame", false}, {0, 1360, "publish", false},
        {0, 1380, "frame", false},
    };
    EXPECT_PATH(0, first);
    EXPECT_PATH(1, second);
    end();
}

/* The caller's work ended last, at the same time as a worker's: along the caller. */
static void along_the_caller_on_a_tie(void **state)
{
    (void)state;
    begin(3);
    paper_system(&b.paper, 1, "move", "update", 1, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_WAKE, (paper_span){10, 15}, 2, 3);
    paper_zone(&b.paper, 0, SKEP__KIND_HOST, (paper_span){25, 30}, 0, 0);
    paper_block(&b.paper, 0, 1, 20, 40, 0);
    paper_block(&b.paper, 0, 1, 50, 70, 1);
    paper_zone(&b.paper, 0, SKEP__KIND_VERIFY, (paper_span){80, 90}, 3, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_TASKS, (paper_span){10, 100}, 1, 3);
    paper_frame(&b.paper, 0, 110, 1);
    paper_block(&b.paper, 1, 1, 20, 70, 2);
    paper_block(&b.paper, 2, 1, 20, 70, 3);
    read_paper();
    const step steps[] = {
        {0, 0, "frame", false}, {0, 10, "wake", false},   {0, 15, "claim", true},
        {0, 20, "move", false}, {0, 40, "claim", true},   {0, 50, "move", false},
        {0, 70, "join", true},  {0, 100, "frame", false},
    };
    EXPECT_PATH(0, steps);
    end();
}

/* Of two workers the lower number. A work that ends behind its section ends with it. */
static void along_the_lower_worker_on_a_tie(void **state)
{
    (void)state;
    begin(3);
    paper_zone(&b.paper, 0, SKEP__KIND_TASKS, (paper_span){10, 50}, 1, 3);
    paper_frame(&b.paper, 0, 60, 1);
    paper_block(&b.paper, 1, 1, 10, 55, 0);
    paper_block(&b.paper, 2, 1, 20, 55, 1);
    read_paper();
    const step steps[] = {
        {0, 0, "frame", false}, {1, 10, "system 1", false}, {0, 50, "frame", false}};
    EXPECT_PATH(0, steps);
    end();
}

/* Nobody worked: the caller's own zones. Zones of no length leave no trace. */
static void a_section_without_work(void **state)
{
    (void)state;
    begin(2);
    paper_zone(&b.paper, 0, SKEP__KIND_WAKE, (paper_span){10, 20}, 2, 3);
    paper_zone(&b.paper, 0, SKEP__KIND_VERIFY, (paper_span){30, 30}, 0, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_TASKS, (paper_span){10, 50}, 1, 3);
    paper_zone(&b.paper, 0, SKEP__KIND_TASKS, (paper_span){50, 50}, 2, 3);
    paper_frame(&b.paper, 0, 60, 1);
    read_paper();
    const step steps[] = {{0, 0, "frame", false},
                          {0, 10, "wake", false},
                          {0, 20, "tasks", false},
                          {0, 50, "frame", false}};
    EXPECT_PATH(0, steps);
    end();
}

static void zones_in_a_run_are_its_own(void **state)
{
    (void)state;
    begin(1);
    paper_zone(&b.paper, 0, SKEP__KIND_HOST, (paper_span){20, 30}, 1, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_RUN, (paper_span){10, 40}, 9, 0);
    paper_zone(&b.paper, 0, SKEP__KIND_HOST, (paper_span){50, 60}, 7, 0);
    paper_frame(&b.paper, 0, 100, 1);
    read_paper();
    const step steps[] = {{0, 0, "frame", false},
                          {0, 10, "system 9", false},
                          {0, 40, "frame", false},
                          {0, 50, "host", false},
                          {0, 60, "frame", false}};
    EXPECT_PATH(0, steps);
    end();
}

/* ---- what would help ------------------------------------------------------------------------ */

static void what_would_help(void **state)
{
    (void)state;
    two_frames();
    uint32_t count = 0;
    bool split = false;
    const skep__trace_help *h = skep__trace_help_of(b.t, &b.m, 0, &count);
    assert_int_equal(count, 3);
    expect_ns(h[0].without_ns, 310 + 20);
    expect_ns(h[0].split_ns, (310 - 470.0 / 3) + (20 - 20.0 / 3));
    expect_ns(h[1].without_ns, 240 - 40);
    expect_ns(h[1].split_ns, 240 - 390.0 / 3);
    expect_ns(h[2].without_ns, 100);
    expect_ns(h[2].split_ns, 100 - 100.0 / 3);
    assert_int_equal(skep__trace_advice(b.t, 0, h, count, &split), 0);
    assert_true(split);
    h = skep__trace_help_of(b.t, &b.m, 1, &count);
    assert_int_equal(count, 2); /* LOST outside of a section: nothing to be had */
    expect_ns(h[0].without_ns, 30);
    expect_ns(h[1].without_ns, 0);
    end();
}

/* With one thread, or where a split saves less than 1% of the frame, the system without which it
 * would be shortest. */
static void without_where_no_split_helps(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 2u; threads++) {
        uint32_t count = 0;
        bool split = true;
        begin(threads);
        paper_zone(&b.paper, 0, SKEP__KIND_SYSTEM, (paper_span){0, 9}, 1u | 1u << 16, 0);
        paper_zone(&b.paper, 0, SKEP__KIND_SYSTEM, (paper_span){10, 24}, 2u | 1u << 16, 0);
        paper_frame(&b.paper, 0, 1000, 1);
        read_paper();
        const skep__trace_help *h = skep__trace_help_of(b.t, &b.m, 0, &count);
        assert_int_equal(count, 2);
        assert_int_equal(skep__trace_advice(b.t, 0, h, count, &split), 1);
        assert_false(split);
        end();
    }
}

static void no_advice_without_systems(void **state)
{
    (void)state;
    uint32_t count = 9;
    bool split = true;
    begin(1);
    paper_frame(&b.paper, 0, 1000, 1);
    read_paper();
    const skep__trace_help *h = skep__trace_help_of(b.t, &b.m, 0, &count);
    assert_int_equal(count, 0);
    assert_int_equal(skep__trace_advice(b.t, 0, h, count, &split), SKEP__NONE);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_and_their_times),
        cmocka_unit_test(the_slowest_percent),
        cmocka_unit_test(equal_frames_keep_their_order),
        cmocka_unit_test(moments_at_the_edge),
        cmocka_unit_test(zones_nest),
        cmocka_unit_test(a_tick_is_no_overlap),
        cmocka_unit_test(equal_zones_nest_as_they_were_written),
        cmocka_unit_test(statistics_of_systems),
        cmocka_unit_test(statistics_of_a_range),
        cmocka_unit_test(systems_without_a_name),
        cmocka_unit_test(idle_time_has_its_reason),
        cmocka_unit_test(host_zones_and_idle_time),
        cmocka_unit_test(a_worker_away_is_no_worker_at_a_barrier),
        cmocka_unit_test(batches_and_stages),
        cmocka_unit_test(batches_that_the_plan_lost),
        cmocka_unit_test(critical_paths),
        cmocka_unit_test(along_the_caller_on_a_tie),
        cmocka_unit_test(along_the_lower_worker_on_a_tie),
        cmocka_unit_test(a_section_without_work),
        cmocka_unit_test(zones_in_a_run_are_its_own),
        cmocka_unit_test(what_would_help),
        cmocka_unit_test(without_where_no_split_helps),
        cmocka_unit_test(no_advice_without_systems),
    };
    return cmocka_run_group_tests_name("timeline_figures", tests, NULL, NULL);
}
