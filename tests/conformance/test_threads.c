/* SPDX-License-Identifier: MIT */
/* ctest: timeout=900, threads, waits
 * The suite for `threads` with 1, 2, 4 and 8 workers, and what only threads have: deadlines, hung
 * workers that are replaced, retries on another worker, allocations that fail. */
#include "tests/conformance/conformance.h"
#include "tests/conformance/hang.h"
#include "tests/conformance/scarce.h"

#include "port/port.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static skep_pool *make_threads(const conformance_factory *factory, const skep_allocator *allocator,
                               size_t scratch_bytes, const skep_region *region)
{
    skep_pool_desc desc = skep_pool_desc_default();
    skep_pool *pool = NULL;
    (void)region;
    desc.workers = factory->workers;
    desc.allocator = *allocator;
    desc.scratch_bytes = scratch_bytes;
    return skep_pool_create(&desc, &pool) == SKEP_OK ? pool : NULL;
}

static const conformance_factory factories[] = {
    {"threads 1", 1, true, false, false, 10000, 200, make_threads, NULL, NULL},
    {"threads 2", 2, true, false, false, 10000, 200, make_threads, NULL, NULL},
    {"threads 4", 4, true, false, false, 10000, 100, make_threads, NULL, NULL},
    {"threads 8", 8, true, false, false, 10000, 50, make_threads, NULL, NULL},
};

/* ---- jobs that look outside, which is what the tests below are about ------------------------ */

SKEP_JOB_WITH(always_fails, SKEP_JOB_MAY_FAIL, 0, (out, Number, number))
{
    for (uint32_t i = 0; i < task->n; i++) c->number.v[i] = task->block;
    skep_fail(task, "no");
}

/* Long enough that a busy machine does not take a healthy task for a hung one. */
#define DEADLINE_NS 200000000u

/* Opens the gate, and waits until nobody hangs any more and the lost workers are gone. */
static void hang_end(skep_pool *pool, uint32_t worker_count, uint32_t count)
{
    hang_release(count);
    for (uint32_t w = 1; w <= worker_count; w++) {
        while (!pool->v->worker_gone(pool, w)) skep__port_yield();
    }
}

/* A batch with hung tasks ends; they are reported, the others are done, and the pool lives on. */
static void test_hung_workers_are_replaced(void **state)
{
    const conformance_factory *factory = *state;
    lab l;
    lab_open(&l, factory);
    const lab_plan plan = {.job = hang_job(), .task_count = 16, .rows_max = 8};
    lab_batch b = lab_build(&l, &plan);
    lab_batch after = lab_build(&l, &plan); /* since the first one's blocks are parked meanwhile */
    b.batch.deadline_ns = DEADLINE_NS;
    for (uint32_t round = 0; round < 2; round++) {
        hang_reset(4);
        lab_run(&l, &b);
        uint32_t lost = 0;
        for (uint32_t t = 0; t < plan.task_count; t++) {
            const skep_pool_result *r = &b.results[t].result;
            assert_true(r->worker != 0);
            assert_int_equal(r->status, t % 4 ? SKEP_OK : SKEP_CLOSED);
            assert_int_equal(r->writing, t % 4 == 0);
            if (t % 4) continue;
            lost++;
            assert_non_null(strstr(r->cause, "deadline"));
            assert_true(r->duration_ns >= DEADLINE_NS);
            assert_false(l.pool->v->worker_gone(l.pool, r->worker));
        }
        assert_int_equal(lost, 4);
        /* The pool goes on while the old threads still hang. */
        for (uint32_t i = 0; i < 3; i++) {
            after.batch.deadline_ns = i == 1 ? 0 : DEADLINE_NS * 50;
            after.batch.flags = i == 0 ? 0 : i == 1 ? SKEP_BATCH_FORCE : SKEP_BATCH_RETRY;
            lab_run(&l, &after);
            for (uint32_t t = 0; t < plan.task_count; t++) {
                assert_int_equal(after.results[t].result.status, SKEP_OK);
            }
        }
        hang_end(l.pool, factory->workers, 4);
    }
    lab_close(&l);
}

/* How often something is tried that a busy machine may hold up. */
#define TRIES 5u

/* Ends a pool whose only worker was lost. Returns what the end took. */
static uint64_t outlived(const conformance_factory *factory)
{
    lab l;
    lab_open(&l, factory);
    const lab_plan plan = {.job = hang_job(), .task_count = 1, .rows_max = 8};
    lab_batch b = lab_build(&l, &plan);
    b.batch.deadline_ns = DEADLINE_NS;
    hang_reset(1);
    lab_run(&l, &b);
    assert_int_equal(b.results[0].result.status, SKEP_CLOSED);
    const uint64_t began = skep__port_clock_ns();
    skep_pool_destroy(l.pool);
    const uint64_t took = skep__port_clock_ns() - began;
    l.pool = NULL;
    assert_int_equal(l.live, 0);
    hang_release(1);
    lab_leave(&l);
    return took;
}

/* The pool may die first: the hung thread owns all that it touches on its way out. Nobody gives it
 * the second that threads at work are given to come back. */
static void test_hung_worker_outlives_the_pool(void **state)
{
    uint32_t n = 0;
    while (n < TRIES && outlived(*state) >= 900000000u) n++;
    assert_true(n < TRIES);
}

static void note_log(void *ctx, skep_log_level level, const char *text)
{
    assert_int_equal(level, SKEP_LOG_ERROR);
    assert_non_null(strstr(text, "restart_max"));
    ++*(uint32_t *)ctx;
}

/* Three workers may be replaced: the pool fails at the fourth that hangs, says so once, starts
 * nothing any more, and ends all the same. The batch that it fails in is delivered as a whole. */
static void test_restart_budget(void **state)
{
    const conformance_factory *factory = *state;
    lab l;
    lab_open(&l, NULL);
    l.factory = factory;
    uint32_t lines = 0;
    skep_pool_desc desc = skep_pool_desc_default();
    assert_int_equal(desc.restart_max, 1000);
    desc.workers = factory->workers;
    desc.restart_max = 3;
    desc.log = (skep_log){.fn = note_log, .ctx = &lines};
    assert_int_equal(skep_pool_create(&desc, &l.pool), SKEP_OK);
    const lab_plan plan = {.job = hang_job(), .task_count = 16, .rows_max = 8};
    lab_batch b = lab_build(&l, &plan);
    b.batch.deadline_ns = DEADLINE_NS;
    hang_reset(4);
    lab_run(&l, &b);
    uint32_t hangs = 0, dropped = 0;
    for (uint32_t t = 0; t < plan.task_count; t++) {
        const skep_pool_result *r = &b.results[t].result;
        if (r->status == SKEP_OK) continue;
        assert_int_equal(r->status, SKEP_CLOSED);
        const bool hang = strstr(r->cause, "deadline") != NULL;
        assert_int_equal(r->writing, hang);
        if (!hang) assert_non_null(strstr(r->cause, "restart_max"));
        hangs += hang;
        dropped += !hang;
    }
    assert_int_equal(hangs, 4);
    assert_true(dropped <= 12);
    assert_int_equal(lines, 1);
    for (uint32_t i = 0; i < 2; i++) {
        b.batch.deadline_ns = i ? 0 : DEADLINE_NS;
        assert_int_equal(l.pool->v->start(l.pool, &b.batch, lab_done, &b), SKEP_CLOSED);
        assert_int_equal(l.pool->v->wait(l.pool, SKEP_FOREVER), 0);
    }
    skep_pool_destroy(l.pool); /* while they hang */
    l.pool = NULL;
    assert_int_equal(lines, 1);
    hang_release(4);
    lab_leave(&l);
}

/* A deadline that nobody misses changes nothing. */
static void test_deadline_kept(void **state)
{
    lab l;
    lab_open(&l, *state);
    const lab_plan plan = {.job = hang_job(), .task_count = 300, .rows_max = 8};
    lab_batch b = lab_build(&l, &plan);
    hang_reset(0);
    b.batch.deadline_ns = 60000000000u;
    lab_run(&l, &b);
    const uint64_t want = lab_digest(&b);
    b.batch.deadline_ns = 0;
    lab_run(&l, &b);
    assert_int_equal(lab_digest(&b), want);
    assert_int_equal(b.results[7].result.status, SKEP_OK);
    lab_close(&l);
}

/* Memory that is never given back, for a pool that is left behind with its thread. */
static _Alignas(128) uint8_t attic[1 << 20];
static size_t attic_used;

static void *attic_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    attic_used = skep__align(attic_used, align);
    uint8_t *memory = attic + attic_used;
    attic_used += bytes;
    return attic_used <= sizeof attic ? memory : NULL;
}

static void attic_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    (void)ctx;
    (void)memory;
    (void)bytes;
    (void)align;
}

/* Destroying while a job hangs for good, without deadline: bounded all the same. */
static void test_destroy_is_bounded(void **state)
{
    const conformance_factory *factory = *state;
    const skep_allocator allocator = {attic_alloc, attic_free, NULL};
    lab l;
    lab_open(&l, NULL);
    l.factory = factory;
    l.pool = factory->create(factory, &allocator, LAB_SCRATCH, &l.region);
    assert_non_null(l.pool);
    const lab_plan plan = {
        .job = hang_job(), .task_count = 1, .rows_max = 8, .flags = SKEP_BATCH_FORCE};
    lab_batch b = lab_build(&l, &plan);
    hang_reset(1);
    assert_int_equal(l.pool->v->start(l.pool, &b.batch, lab_done, &b), SKEP_OK);
    assert_int_equal(l.pool->v->wait(l.pool, 2000000), 1);
    while (atomic_load(&hang_left)) skep__port_yield();
    skep_pool_destroy(l.pool); /* comes back, though the job does not */
    l.pool = NULL;
    assert_int_equal(atomic_load(&hung), 0);
    assert_int_equal(b.delivered, 0);
    hang_release(1);
    lab_leave(&l);
}

/* Who failed a task is not asked again, when there is somebody else. */
static void test_retry_goes_elsewhere(void **state)
{
    const conformance_factory *factory = *state;
    lab l;
    lab_open(&l, factory);
    const lab_plan plan = {.job = &always_fails, .task_count = 1, .rows_max = 8};
    lab_batch b = lab_build(&l, &plan);
    uint32_t seen[9] = {0};
    for (uint32_t i = 0; i <= factory->workers; i++) {
        b.batch.flags = i ? SKEP_BATCH_RETRY : SKEP_BATCH_FORCE;
        lab_run(&l, &b);
        assert_int_equal(b.results[0].result.status, SKEP_FAULT);
        seen[b.results[0].result.worker]++;
    }
    for (uint32_t w = 0; w <= factory->workers; w++) assert_int_equal(seen[w], 1);
    lab_run(&l, &b); /* all have failed it: anybody does */
    assert_int_equal(b.results[0].result.status, SKEP_FAULT);
    lab_close(&l);
}

/* ---- memory --------------------------------------------------------------------------------- */

/* Every allocation of creation and of the first large batch fails in turn; nothing is lost, and the
 * pool works when there is memory again. */
static void test_allocations_fail(void **state)
{
    const conformance_factory *factory = *state;
    lab l;
    lab_open(&l, NULL);
    l.factory = factory;
    const lab_plan plan = {
        .job = hang_job(), .task_count = 600, .rows_max = 1, .flags = SKEP_BATCH_FORCE};
    lab_batch b = lab_build(&l, &plan);
    uint32_t created = 0;
    uint32_t refused = 0;
    hang_reset(0);
    for (uint32_t budget = 0; budget < 10; budget++) {
        scarce s = {budget, 0};
        const skep_allocator allocator = scarce_allocator(&s);
        l.pool = factory->create(factory, &allocator, LAB_SCRATCH, &l.region);
        if (!l.pool) {
            assert_int_equal(s.live, 0);
            refused++;
            continue;
        }
        created++;
        const skep_status status = l.pool->v->start(l.pool, &b.batch, lab_done, &b);
        if (status != SKEP_OK) {
            assert_int_equal(status, SKEP_NO_MEMORY);
            assert_int_equal(l.pool->v->wait(l.pool, SKEP_FOREVER), 0);
        } else {
            assert_int_equal(l.pool->v->wait(l.pool, SKEP_FOREVER), 0);
        }
        s.left = 100;
        lab_run(&l, &b);
        skep_pool_destroy(l.pool);
        l.pool = NULL;
        assert_int_equal(s.live, 0);
    }
    assert_true(created >= 2 && refused >= 3);
    lab_close(&l);
}

int main(void)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof factories / sizeof factories[0]; i++) {
        struct CMUnitTest tests[] = {
            cmocka_unit_test(test_hung_workers_are_replaced),
            cmocka_unit_test(test_hung_worker_outlives_the_pool),
            cmocka_unit_test(test_restart_budget),
            cmocka_unit_test(test_deadline_kept),
            cmocka_unit_test(test_destroy_is_bounded),
            cmocka_unit_test(test_retry_goes_elsewhere),
            cmocka_unit_test(test_allocations_fail),
        };
        for (size_t t = 0; t < sizeof tests / sizeof tests[0]; t++) {
            tests[t].initial_state = (void *)(uintptr_t)&factories[i];
        }
        failed += conformance_run(&factories[i]);
        failed += cmocka_run_group_tests_name(factories[i].name, tests, NULL, NULL);
    }
    return failed;
}
