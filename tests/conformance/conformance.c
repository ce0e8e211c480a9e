/* SPDX-License-Identifier: MIT */
/* The suite itself. Nearly every test runs a batch on the pool and the same batch by skep_task_run,
 * and asks that all bits are the same. */
#include "tests/conformance/conformance.h"

#include "core/base/random.h"
#include "core/plan/task_run.h"
#include "core/store/patch.h"
#include "port/port.h"
#include "tests/conformance/conformance_jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint32_t all_flags[] = {0, SKEP_BATCH_FORCE, SKEP_BATCH_CHECK,
                                     SKEP_BATCH_FORCE | SKEP_BATCH_CHECK, SKEP_BATCH_RETRY};

/* Runs one plan on the pool, a few times, and plainly, and compares. Returns the pool's batch. */
static lab_batch same_everywhere(lab *l, const lab_plan *plan)
{
    lab reference;
    lab_open(&reference, NULL);
    lab_batch expected = lab_build(&reference, plan);
    lab_run_plainly(&reference, &expected);
    lab_batch got = lab_build(l, plan);
    const uint64_t want = lab_digest(&expected);
    for (uint32_t i = 0; i < 3; i++) {
        lab_run(l, &got);
        assert_int_equal(lab_digest(&got), want);
    }
    lab_close(&reference);
    return got;
}

/* Opens a laboratory for one plan alone. */
static void compare(void **state, lab_plan plan)
{
    for (uint32_t f = 0; f < sizeof all_flags / sizeof all_flags[0]; f++) {
        lab l;
        lab_open(&l, *state);
        plan.flags = all_flags[f];
        (void)same_everywhere(&l, &plan);
        lab_close(&l);
    }
}

static void all_ok(const lab_batch *b)
{
    for (uint32_t t = 0; t < b->batch.task_count; t++) {
        assert_int_equal(b->results[t].result.status, SKEP_OK);
        assert_null(b->results[t].result.cause);
        assert_false(b->results[t].result.writing);
    }
}

/* ---- results -------------------------------------------------------------------------------- */

static void test_mut_and_in(void **state)
{
    compare(state, (lab_plan){.job = &drift, .task_count = 37, .rows_max = 300});
}

static void test_out_and_random(void **state)
{
    compare(state, (lab_plan){.job = &fresh, .task_count = 23, .part_count = 3, .rows_max = 90});
}

static void test_more_tasks_than_workers(void **state)
{
    compare(state, (lab_plan){.job = &drift, .task_count = 1500, .rows_max = 3});
}

static void test_reductions(void **state)
{
    compare(state, (lab_plan){.job = &count, .task_count = 19, .part_count = 2, .rows_max = 200});
}

static void test_unsplit(void **state)
{
    compare(state, (lab_plan){.job = &ledger, .task_count = 1, .part_count = 9, .rows_max = 200});
    compare(state, (lab_plan){.job = &ledger, .task_count = 2}); /* called once without rows */
}

static void test_patches(void **state)
{
    compare(state, (lab_plan){.job = &gossip,
                              .task_count = 31,
                              .part_count = 2,
                              .rows_max = 120,
                              .spawn_count = 64,
                              .patch_bytes = 32768});
}

static void test_in_place(void **state)
{
    const conformance_factory *factory = *state;
    if (factory->protects) skip();
    lab l;
    lab reference;
    lab_plan plan = {.job = &drift, .task_count = 33, .rows_max = 500, .in_place = true};
    lab_open(&l, factory);
    lab_open(&reference, NULL);
    lab_batch expected = lab_build(&reference, &plan);
    lab_batch got = lab_build(&l, &plan);
    assert_int_equal(reference.used, l.used);
    lab_run_plainly(&reference, &expected);
    lab_run(&l, &got);
    all_ok(&got);
    for (uint32_t t = 0; t < plan.task_count; t++) {
        const drift_cols *a = expected.tasks[t]->parts->columns;
        const drift_cols *b = got.tasks[t]->parts->columns;
        const uint32_t n = got.tasks[t]->rows;
        assert_memory_equal(a->place.x, b->place.x, n * sizeof(float));
        assert_memory_equal(a->place.y, b->place.y, n * sizeof(float));
        assert_memory_equal(a->place.z, b->place.z, n * sizeof(double));
    }
    lab_close(&reference);
    lab_close(&l);
}

/* What the bits mean, checked once in words: dt, tick, rows, random numbers. */
static void test_values(void **state)
{
    lab l;
    lab_open(&l, *state);
    const lab_plan plan = {.job = &fresh, .task_count = 5, .part_count = 2, .rows_max = 40};
    lab_batch b = lab_build(&l, &plan);
    lab_run(&l, &b);
    all_ok(&b);
    for (uint32_t t = 0; t < 5; t++) {
        const skep_pool_task *task = b.tasks[t];
        const skep_task_part *part = &task->parts[1];
        const fresh_cols *c = part->columns;
        const uint64_t key = (uint64_t)t << 40 | (uint64_t)1 << 32;
        assert_int_equal(c->mark.key[0], (key | part->row) + 1);
        const uint64_t random = skep__random(4711, task->system_key, 77, part->entity[0].bits, 0);
        assert_int_equal(c->mark.kind[0], skep__random_below(random, 200));
    }
    lab_close(&l);
}

/* ---- patches -------------------------------------------------------------------------------- */

/* What jobs write passes the verifier, and spawns take their slice in order. */
static void test_patches_verify(void **state)
{
    lab l;
    lab_open(&l, *state);
    const lab_plan plan = {.job = &gossip,
                           .task_count = 25,
                           .rows_max = 200,
                           .spawn_count = 64,
                           .patch_bytes = 32768,
                           .flags = SKEP_BATCH_FORCE};
    lab_batch b = lab_build(&l, &plan);
    static const skep_component *const known[] = {&Place_info, &Mark_info, &Hot_info};
    lab_run(&l, &b);
    all_ok(&b);
    for (uint32_t t = 0; t < plan.task_count; t++) {
        uint32_t spawned = 0;
        assert_int_equal(lab_verify(&b, t, known, 3, &spawned), SKEP_OK);
        assert_int_equal(spawned, (b.tasks[t]->rows + 7) / 8);
    }
    lab_close(&l);
}

static void test_fail(void **state)
{
    lab l;
    lab_open(&l, *state);
    const lab_plan plan = {.job = &moody, .task_count = 21, .rows_max = 20, .patch_bytes = 256};
    lab_batch b = same_everywhere(&l, &plan);
    for (uint32_t t = 0; t < plan.task_count; t++) {
        const skep_pool_result *r = &b.results[t].result;
        assert_int_equal(r->status, t % 3 ? SKEP_OK : SKEP_FAULT);
        if (t % 3 == 0) assert_string_equal(r->cause, "out of patience");
        assert_int_equal(*(const uint8_t *)b.tasks[t]->output, SKEP_PATCH_LOG);
    }
    lab_close(&l);
}

static void test_forged_right(void **state)
{
    lab l;
    lab_open(&l, *state);
    const lab_plan plan = {.job = &forger, .task_count = 4, .rows_max = 3, .patch_bytes = 256};
    lab_batch b = same_everywhere(&l, &plan);
    for (uint32_t t = 0; t < plan.task_count; t++) {
        assert_int_equal(b.results[t].result.status, SKEP_ACCESS);
        assert_int_equal(b.results[t].result.bytes, 0);
    }
    lab_close(&l);
}

/* ---- limits --------------------------------------------------------------------------------- */

/* A full output area says how much is wanted; exactly that is enough, 8 bytes less are not. */
static void test_output_limit(void **state)
{
    lab_plan plan = {.job = &gossip,
                     .task_count = 9,
                     .rows_max = 60,
                     .spawn_count = 64,
                     .patch_bytes = 64,
                     .flags = SKEP_BATCH_FORCE};
    lab l;
    lab reference;
    lab_open(&l, *state);
    lab_open(&reference, NULL);
    lab_batch small = same_everywhere(&l, &plan);
    plan.patch_bytes = 32768;
    lab_batch ample = lab_build(&reference, &plan);
    lab_run_plainly(&reference, &ample);
    for (uint32_t t = 0; t < plan.task_count; t++) {
        const skep_pool_result *r = &small.results[t].result;
        assert_int_equal(r->status, SKEP_LIMIT);
        assert_non_null(strstr(r->cause, "patch_bytes_max"));
        assert_int_equal(r->bytes_wanted, ample.results[t].result.bytes);
        small.tasks[t]->output_bytes = (uint32_t)r->bytes_wanted;
        small.tasks[t]->output = lab_take(&l, r->bytes_wanted, 64);
    }
    small.batch.flags |= SKEP_BATCH_RETRY;
    lab_run(&l, &small);
    all_ok(&small);
    assert_int_equal(lab_digest(&small), lab_digest(&ample));
    for (uint32_t t = 0; t < plan.task_count; t++) small.tasks[t]->output_bytes -= 8;
    lab_run(&l, &small);
    for (uint32_t t = 0; t < plan.task_count; t++) {
        assert_int_equal(small.results[t].result.status, SKEP_LIMIT);
        assert_int_equal(small.results[t].result.bytes_wanted, ample.results[t].result.bytes);
    }
    lab_close(&reference);
    lab_close(&l);
}

/* A line that does not fit is lost, and fails nothing. */
static void test_log_without_room(void **state)
{
    lab l;
    lab_open(&l, *state);
    const lab_plan plan = {.job = &moody, .task_count = 3, .rows_max = 2, .patch_bytes = 32};
    lab_batch b = same_everywhere(&l, &plan);
    assert_int_equal(b.results[1].result.status, SKEP_OK);
    assert_int_equal(b.results[1].result.bytes, 32);
    assert_int_equal(b.results[1].result.bytes_wanted, 32 + 56);
    assert_int_equal(*(const uint8_t *)b.tasks[1]->output, SKEP_PATCH_EVENT);
    lab_close(&l);
}

static void test_spawn_limit(void **state)
{
    lab l;
    lab_open(&l, *state);
    lab_plan plan = {.job = &brood, .task_count = 5, .spawn_count = 8, .patch_bytes = 4096};
    lab_batch b = same_everywhere(&l, &plan);
    for (uint32_t t = 0; t < plan.task_count; t++) {
        assert_int_equal(b.results[t].result.status, SKEP_LIMIT);
        assert_non_null(strstr(b.results[t].result.cause, "spawn_max"));
        assert_int_equal(b.results[t].result.bytes_wanted, 0);
        /* Ten were tried; the eight that were given are all that is in the output. */
        assert_int_equal(b.results[t].result.bytes, 8 * (16 + 16 + 8 + sizeof(Place)));
    }
    plan.spawn_count = 5; /* the world ran out, and cut the slice */
    b = same_everywhere(&l, &plan);
    assert_non_null(strstr(b.results[0].result.cause, "entity_max"));
    plan.spawn_count = 10;
    b = same_everywhere(&l, &plan);
    all_ok(&b);
    lab_close(&l);
}

static void test_scratch(void **state)
{
    lab l;
    lab_open(&l, *state);
    const lab_plan plan = {
        .job = &scribble, .task_count = 30, .rows_max = 1, .flags = SKEP_BATCH_FORCE};
    lab_batch b = same_everywhere(&l, &plan);
    for (uint32_t t = 0; t < plan.task_count; t++) {
        const skep_pool_result *r = &b.results[t].result;
        assert_int_equal(((const Tally *)b.tasks[t]->output)->n, 1000000);
        assert_int_equal(r->status, t % 3 == 2 ? SKEP_LIMIT : SKEP_OK);
        if (t % 3 == 2) assert_non_null(strstr(r->cause, "scratch_bytes"));
        assert_int_equal(r->bytes_wanted, 0);
    }
    lab_close(&l);
}

/* ---- checked runs --------------------------------------------------------------------------- */

static void test_check_unwritten(void **state)
{
    lab l;
    lab_open(&l, *state);
    lab_plan plan = {.job = &lazy, .task_count = 6, .rows_max = 40, .flags = SKEP_BATCH_CHECK};
    lab_batch b = lab_build(&l, &plan);
    lab_run(&l, &b);
    for (uint32_t t = 0; t < plan.task_count; t++) {
        const bool lapsed = (t == 1 || t == 2) && b.tasks[t]->rows > 2;
        assert_int_equal(b.results[t].result.status, lapsed ? SKEP_ACCESS : SKEP_OK);
        if (lapsed) assert_string_equal(b.results[t].result.cause, "an `out` row was not written");
    }
    assert_int_equal(b.results[1].result.status, SKEP_ACCESS);
    b.batch.flags = 0;
    lab_run(&l, &b);
    all_ok(&b);
    lab_close(&l);
}

/* A value that happens to be the pattern is not held against the job, and its patches come once. */
static void test_check_coincidence(void **state)
{
    lab l;
    lab_open(&l, *state);
    const lab_plan plan = {.job = &unlucky,
                           .task_count = 6,
                           .rows_max = 40,
                           .patch_bytes = 256,
                           .flags = SKEP_BATCH_CHECK};
    lab_batch b = lab_build(&l, &plan);
    lab_run(&l, &b);
    all_ok(&b);
    for (uint32_t t = 0; t < plan.task_count; t++) {
        assert_int_equal(b.results[t].result.bytes, 16 + sizeof(Bump));
    }
    lab_close(&l);
}

static void test_check_input(void **state)
{
    const conformance_factory *factory = *state;
    if (factory->protects) skip(); /* there the job dies at the write */
    lab l;
    lab_open(&l, factory);
    const lab_plan plan = {
        .job = &vandal, .task_count = 3, .rows_max = 20, .flags = SKEP_BATCH_CHECK};
    lab_batch b = lab_build(&l, &plan);
    lab_run(&l, &b);
    assert_int_equal(b.results[0].result.status, SKEP_OK);
    assert_int_equal(b.results[1].result.status, SKEP_ACCESS);
    assert_string_equal(b.results[1].result.cause, "the job changed its input");
    assert_int_equal(b.results[2].result.status, SKEP_OK);
    lab_close(&l);
}

/* ---- batches -------------------------------------------------------------------------------- */

static void test_empty_batches(void **state)
{
    const conformance_factory *factory = *state;
    lab l;
    lab_open(&l, factory);
    lab_plan plan = {.job = &idle, .task_count = 7, .rows_max = 2};
    lab_batch b = lab_build(&l, &plan);
    for (uint32_t i = 0; i < factory->rounds; i++) {
        b.batch.task_count = i % 8;
        b.batch.flags = i % 3 ? SKEP_BATCH_FORCE : 0;
        b.batch.cost_ns = i % 5 * 1000;
        lab_run(&l, &b);
    }
    lab_close(&l);
}

/* After the first batches neither start nor wait allocates. */
static void test_no_allocation(void **state)
{
    lab l;
    lab_open(&l, *state);
    const lab_plan plan = {
        .job = &drift, .task_count = 400, .rows_max = 4, .flags = SKEP_BATCH_FORCE};
    lab_batch b = lab_build(&l, &plan);
    lab_run(&l, &b);
    const uint32_t before = l.allocations;
    for (uint32_t i = 0; i < 50; i++) lab_run(&l, &b);
    assert_int_equal(l.allocations, before);
    lab_close(&l);
}

static void test_single_forced_task(void **state)
{
    const conformance_factory *factory = *state;
    lab l;
    lab_open(&l, factory);
    const lab_plan plan = {
        .job = &drift, .task_count = 1, .rows_max = 9, .flags = SKEP_BATCH_FORCE};
    lab_batch b = same_everywhere(&l, &plan);
    for (uint32_t i = 0; i < 100; i++) {
        lab_run(&l, &b);
        if (factory->dispatches) assert_true(b.results[0].result.worker != 0);
        b.batch.flags = 0;
        lab_run(&l, &b);
        assert_int_equal(b.results[0].result.worker != 0, factory->apart);
        b.batch.flags = SKEP_BATCH_FORCE;
    }
    lab_close(&l);
}

/* Waiting in small steps ends too, and delivers everything once. */
static void test_wait_in_steps(void **state)
{
    lab l;
    lab_open(&l, *state);
    const lab_plan plan = {
        .job = &drift, .task_count = 60, .rows_max = 50, .flags = SKEP_BATCH_FORCE};
    lab_batch b = same_everywhere(&l, &plan);
    const uint64_t want = lab_digest(&b);
    memset(b.results, 0, sizeof *b.results * plan.task_count);
    b.delivered = 0;
    assert_int_equal(l.pool->v->start(l.pool, &b.batch, lab_done, &b), SKEP_OK);
    uint32_t left = plan.task_count;
    for (uint32_t i = 0; left; i++) {
        left = l.pool->v->wait(l.pool, i % 2 ? 1000 : 0);
        assert_int_equal(b.delivered, plan.task_count - left);
    }
    assert_int_equal(l.pool->v->wait(l.pool, 0), 0);
    assert_int_equal(lab_digest(&b), want);
    lab_close(&l);
}

static void test_durations(void **state)
{
    const conformance_factory *factory = *state;
    if (factory->protects) skip();
    lab l;
    lab_open(&l, factory);
    const lab_plan plan = {.job = &fresh, .task_count = 8, .rows_max = 400};
    lab_batch b = lab_build(&l, &plan);
    lab_run(&l, &b); /* cost unknown: all are measured */
    for (uint32_t t = 0; t < plan.task_count; t++) {
        assert_true(b.results[t].result.duration_ns > 0);
        assert_true(b.results[t].result.duration_ns < 60000000000u);
    }
    lab_close(&l);
}

/* ---- lives ---------------------------------------------------------------------------------- */

static void test_create_and_destroy(void **state)
{
    const conformance_factory *factory = *state;
    lab l;
    lab_open(&l, factory);
    const lab_plan plan = {
        .job = &drift, .task_count = 5, .rows_max = 9, .flags = SKEP_BATCH_FORCE};
    lab_batch b = lab_build(&l, &plan);
    for (uint32_t i = 0; i < factory->lives; i++) {
        skep_pool_destroy(l.pool);
        l.pool = lab_pool(&l);
        if (i % 2) lab_run(&l, &b); /* used once, or never */
    }
    lab_close(&l);
}

/* Asleep, and with a batch that nobody waited for. */
static void test_destroy_asleep_and_busy(void **state)
{
    lab l;
    lab_open(&l, *state);
    const lab_plan plan = {
        .job = &drift, .task_count = 200, .rows_max = 300, .flags = SKEP_BATCH_FORCE};
    lab_batch b = lab_build(&l, &plan);
    _Atomic uint32_t word = 0;
    for (uint32_t i = 0; i < 5; i++) {
        lab_run(&l, &b);
        skep__port_futex_wait(&word, 0, 3000000);
        skep_pool_destroy(l.pool);
        l.pool = lab_pool(&l);
        assert_int_equal(l.pool->v->start(l.pool, &b.batch, lab_done, &b), SKEP_OK);
        skep_pool_destroy(l.pool);
        l.pool = lab_pool(&l);
    }
    lab_close(&l);
}

/* ---- skep_pool_for -------------------------------------------------------------------------- */

typedef struct tally_for {
    _Atomic uint32_t calls;
    uint32_t grain;
    uint32_t n;
    uint8_t seen[5000];
} tally_for;

static void count_for(void *ctx, uint32_t first, uint32_t n)
{
    tally_for *t = ctx;
    atomic_fetch_add(&t->calls, 1);
    if (t->grain && n > t->grain) abort();
    if (first + n > t->n) abort();
    for (uint32_t i = first; i < first + n; i++) t->seen[i]++;
}

static void test_pool_for(void **state)
{
    static const uint32_t ns[] = {0, 1, 2, 7, 100, 1024, 5000};
    static const uint32_t grains[] = {0, 1, 3, 64, 5000, UINT32_MAX};
    lab l;
    tally_for *t = calloc(1, sizeof *t);
    assert_non_null(t);
    lab_open(&l, *state);
    for (uint32_t i = 0; i < 42; i++) {
        memset(t, 0, sizeof *t);
        t->n = ns[i % 7];
        t->grain = grains[i / 7];
        skep_pool_for(l.pool, t->n, t->grain, count_for, t);
        for (uint32_t k = 0; k < 5000; k++) assert_int_equal(t->seen[k], k < t->n);
        if (t->grain) assert_int_equal(t->calls, t->n / t->grain + (t->n % t->grain != 0));
    }
    lab_close(&l);
    free(t);
}

/* ---- all ------------------------------------------------------------------------------------ */

int conformance_run(const conformance_factory *factory)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mut_and_in),
        cmocka_unit_test(test_out_and_random),
        cmocka_unit_test(test_more_tasks_than_workers),
        cmocka_unit_test(test_reductions),
        cmocka_unit_test(test_unsplit),
        cmocka_unit_test(test_patches),
        cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_patches_verify),
        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_forged_right),
        cmocka_unit_test(test_output_limit),
        cmocka_unit_test(test_log_without_room),
        cmocka_unit_test(test_spawn_limit),
        cmocka_unit_test(test_scratch),
        cmocka_unit_test(test_check_unwritten),
        cmocka_unit_test(test_check_coincidence),
        cmocka_unit_test(test_check_input),
        cmocka_unit_test(test_empty_batches),
        cmocka_unit_test(test_no_allocation),
        cmocka_unit_test(test_single_forced_task),
        cmocka_unit_test(test_wait_in_steps),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_create_and_destroy),
        cmocka_unit_test(test_destroy_asleep_and_busy),
        cmocka_unit_test(test_pool_for),
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        tests[i].initial_state = (void *)(uintptr_t)factory;
    }
    return cmocka_run_group_tests_name(factory->name, tests, NULL, NULL);
}
