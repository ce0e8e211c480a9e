/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * The defects of the pools of the notes that skep grew from, as far as threads and `local` can have
 * them, each by its id. P1, P2, P5, P6, P8 and B5 are about processes, modules and clones; the
 * conformance suite has the pools themselves. */
#include "api/log_lines.h"
#include "skep/sim.h"
#include "support/pool_shuffled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Num, (u32, n));
SKEP_COMPONENT(Other, (u32, n));

#define ROWS 3000u
#define DEADLINE_MS 200u

static _Atomic uint32_t gate_open;
static _Atomic uint32_t gate_left;    /* tasks that will hang */
static _Atomic uint32_t gate_waiting; /* tasks that hang */

/* Hangs at the gate, in the middle of its work, as often as it was told to. */
SKEP_JOB(may_hang, (mut, Num, num))
{
    for (uint32_t i = 0; i < task->n; i++) c->num.n[i]++;
    uint32_t left = atomic_load(&gate_left);
    while (left && !atomic_compare_exchange_weak(&gate_left, &left, left - 1)) continue;
    if (!left) return;
    atomic_fetch_add(&gate_waiting, 1);
    while (!atomic_load(&gate_open)) continue;
    atomic_fetch_sub(&gate_waiting, 1);
}

SKEP_JOB(steady, (mut, Other, other))
{
    for (uint32_t i = 0; i < task->n; i++) c->other.n[i]++;
}

SKEP_SCENE(hangs, "A job that hangs, with a deadline, and one that does not")
{
    skep_create_many(b, ROWS, SKEP_OF(Num), SKEP_OF(Other));
    skep_add_when(b, "update", &may_hang)->deadline_ms = DEADLINE_MS;
    skep_add(b, "late", &steady);
}

SKEP_JOB_WITH(angry, SKEP_JOB_MAY_FAIL, 0, (mut, Num, num))
{
    for (uint32_t i = 0; i < task->n; i++) c->num.n[i]++;
    if (task->tick == 2 && task->block == 1) skep_fail(task, "a text that must not be lost");
}

SKEP_SCENE(angers, "A job that fails once")
{
    skep_create_many(b, ROWS, SKEP_OF(Num), SKEP_OF(Other));
    skep_add(b, "update", &angry);
}

static skep_sim *open_on(const skep_scene *scene, uint32_t workers, bool threads, log_lines *lines)
{
    skep_sim *sim = NULL;
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = workers;
    d.executor = threads ? SKEP_EXECUTOR_THREADS : SKEP_EXECUTOR_LOCAL;
    d.grain = 0;
    d.log = log_lines_open(lines);
    assert_int_equal(skep_sim_open(scene, &d, &sim), SKEP_OK);
    return sim;
}

static void expect_numbers(skep_sim *sim, uint32_t num, uint32_t other)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        Num n = {~0u};
        Other o = {~0u};
        const skep_entity e = skep_entity_make(i, 1);
        assert_true(Num_of(skep_sim_world(sim), e, &n) && Other_of(skep_sim_world(sim), e, &o));
        assert_int_equal(n.n, num);
        assert_int_equal(o.n, other);
    }
}

static void gate_close(uint32_t count)
{
    atomic_store(&gate_open, 0);
    atomic_store(&gate_left, count);
    atomic_store(&gate_waiting, 0);
}

static void gate_release(void)
{
    atomic_store(&gate_open, 1);
    while (atomic_load(&gate_waiting)) continue;
}

/* Lets nobody hang over the end of a test, one that failed too. */
static int gate_teardown(void **state)
{
    (void)state;
    gate_release();
    return 0;
}

/* P3: after a worker is lost, what waits is done in the same frame, by the others or by a new one.
 */
static void test_P3_after_a_worker_is_lost_the_frame_goes_on(void **state)
{
    log_lines lines;
    (void)state;
    for (uint32_t workers = 1; workers <= 4; workers *= 4) {
        skep_sim *sim = open_on(&skep_scene_hangs, workers, true, &lines);
        gate_close(1);
        assert_int_equal(skep_sim_step(sim, 1.0f), SKEP_OK);
        assert_int_equal(skep_sim_report(sim)->fault_count, 1);
        assert_int_equal(skep_sim_report(sim)->faults[0].action, SKEP_FAULT_HEALED);
        assert_non_null(strstr(skep_sim_report(sim)->faults[0].cause, "deadline"));
        assert_true(skep_sim_report(sim)->parked_bytes > 0);
        expect_numbers(sim, 1, 1); /* the second try did the block */
        gate_release();
        skep_sim_close(sim);
    }
}

/* P4: a lost worker is given nothing any more; as many as before go on. */
static void test_P4_a_lost_worker_gets_no_more_work(void **state)
{
    log_lines lines;
    (void)state;
    skep_sim *sim = open_on(&skep_scene_hangs, 2, true, &lines);
    gate_close(2);
    assert_int_equal(skep_sim_step(sim, 1.0f), SKEP_OK);
    expect_numbers(sim, 1, 1);
    for (uint32_t f = 2; f < 20; f++) {
        assert_int_equal(skep_sim_step(sim, 1.0f), SKEP_OK);
        assert_int_equal(skep_sim_report(sim)->fault_count, 0);
        expect_numbers(sim, f, f);
        assert_int_equal(atomic_load(&gate_waiting), 2); /* they hang all the while */
        assert_int_equal(skep_pool_workers(skep_sim_pool(sim)), 2);
    }
    assert_true(skep_sim_report(sim)->parked_bytes > 0);
    gate_release();
    uint32_t waited = 0;
    do {
        assert_int_equal(skep_sim_step(sim, 1.0f), SKEP_OK);
    } while (skep_sim_report(sim)->parked_bytes && ++waited < 100000);
    assert_int_equal(skep_sim_report(sim)->parked_bytes, 0);
    skep_sim_close(sim);
}

/* P7: closing ends, whatever hangs; and who hangs may go on afterwards, over memory that is left to
 * it. */
static void test_P7_closing_with_a_hung_job_ends(void **state)
{
    log_lines lines;
    (void)state;
    for (uint32_t hung = 0; hung <= 2; hung++) {
        skep_sim *sim = open_on(&skep_scene_hangs, 2, true, &lines);
        gate_close(hung);
        assert_int_equal(skep_sim_step(sim, 1.0f), SKEP_OK);
        assert_int_equal(skep_sim_report(sim)->fault_count, hung > 0);
        assert_int_equal(atomic_load(&gate_waiting), hung);
        expect_numbers(sim, 1, 1);
        skep_sim_close(sim);
        assert_int_equal(atomic_load(&gate_waiting), hung);
        gate_release();
    }
}

/* The same with a pool that outlives the simulation. */
static void test_P7_a_given_pool_outlives_a_hung_job(void **state)
{
    log_lines lines;
    (void)state;
    skep_pool_desc d = skep_pool_desc_default();
    skep_pool *pool = NULL;
    d.workers = 2;
    assert_int_equal(skep_pool_create(&d, &pool), SKEP_OK);
    for (uint32_t round = 0; round < 3; round++) {
        skep_sim_desc s = skep_sim_desc_default();
        skep_sim *sim = NULL;
        s.pool = pool;
        s.grain = 0;
        s.log = log_lines_open(&lines);
        assert_int_equal(skep_sim_open(&skep_scene_hangs, &s, &sim), SKEP_OK);
        gate_close(round < 2);
        assert_int_equal(skep_sim_step(sim, 1.0f), SKEP_OK);
        assert_int_equal(atomic_load(&gate_waiting), round < 2);
        expect_numbers(sim, 1, 1);
        skep_sim_close(sim);
        gate_release();
    }
    skep_pool_destroy(pool);
}

/* P9: what went wrong is told with all that is known of it. */
static void test_P9_a_fault_keeps_its_text_and_place(void **state)
{
    log_lines lines;
    (void)state;
    for (uint32_t workers = 0; workers <= 2; workers++) {
        skep_sim *sim = open_on(&skep_scene_angers, workers, workers != 0, &lines);
        for (uint32_t f = 0; f < 4; f++) assert_int_equal(skep_sim_step(sim, 1.0f), SKEP_OK);
        uint32_t count = 0;
        const skep_fault *faults = skep_sim_faults(sim, &count);
        assert_int_equal(count, 1);
        assert_string_equal(faults[0].cause, "a text that must not be lost");
        assert_string_equal(faults[0].system, "angry");
        assert_int_equal(faults[0].status, SKEP_FAULT);
        assert_int_equal(faults[0].frame, 2);
        assert_int_equal(faults[0].block, 1);
        assert_int_equal(faults[0].row, 1024);
        assert_true(faults[0].worker <= workers);
        assert_true(log_lines_have(&lines, "a text that must not be lost"));
        expect_numbers(sim, 3, 0);
        skep_sim_close(sim);
    }
}

/* B4: the way in process does the work, with the same bits as all others. */
static void test_B4_local_does_what_threads_do(void **state)
{
    log_lines lines;
    uint64_t hashes[2] = {0, 0};
    (void)state;
    gate_close(0);
    for (uint32_t k = 0; k < 2; k++) {
        skep_sim *sim = open_on(&skep_scene_hangs, 3 * k, k == 1, &lines);
        for (uint32_t f = 0; f < 5; f++) assert_int_equal(skep_sim_step(sim, 1.0f), SKEP_OK);
        assert_string_equal(skep_sim_executor(sim, NULL), k ? "threads" : "local");
        expect_numbers(sim, 5, 5);
        assert_int_equal(skep_sim_report(sim)->tasks, 6);
        hashes[k] = skep_sim_hash(sim);
        skep_sim_close(sim);
    }
    assert_true(hashes[0] == hashes[1]);
}

/* ---- a pool that cannot start -------------------------------------------------------------- */

typedef struct lame_pool {
    skep_pool base;
    skep_pool_vtable vtable;
    skep_pool *inner;
    bool fails;
} lame_pool;

static skep_status lame_start(skep_pool *pool, const skep_pool_batch *batch, skep_pool_done done,
                              void *ctx)
{
    lame_pool *p = (lame_pool *)pool;
    return p->fails ? SKEP_NO_MEMORY : p->inner->v->start(p->inner, batch, done, ctx);
}

static uint32_t lame_wait(skep_pool *pool, uint64_t timeout_ns)
{
    lame_pool *p = (lame_pool *)pool;
    return p->inner->v->wait(p->inner, timeout_ns);
}

static uint32_t lame_workers(const skep_pool *pool)
{
    (void)pool;
    return 0;
}

/* A frame whose batch could not be started ends with the reason, and nothing stays parked. */
static void test_a_pool_that_cannot_start_fails_the_frame_alone(void **state)
{
    log_lines lines;
    lame_pool lame;
    skep_sim *sim = NULL;
    (void)state;
    memset(&lame, 0, sizeof lame);
    lame.inner = pool_shuffled_create(false, 7);
    assert_non_null(lame.inner);
    lame.vtable.name = "lame";
    lame.vtable.start = lame_start;
    lame.vtable.wait = lame_wait;
    lame.vtable.workers = lame_workers;
    lame.base.v = &lame.vtable;
    skep_sim_desc d = skep_sim_desc_default();
    d.pool = &lame.base;
    d.log = log_lines_open(&lines);
    gate_close(0);
    assert_int_equal(skep_sim_open(&skep_scene_hangs, &d, &sim), SKEP_OK);
    for (uint32_t f = 1; f <= 3; f++) {
        lame.fails = true;
        assert_int_equal(skep_sim_step(sim, 1.0f), SKEP_NO_MEMORY);
        assert_true(log_lines_have(&lines, "ended early"));
        assert_int_equal(skep_world_check(skep_sim_world(sim)), SKEP_OK);
        expect_numbers(sim, f - 1, f - 1);
        lame.fails = false;
        assert_int_equal(skep_sim_step(sim, 1.0f), SKEP_OK);
        expect_numbers(sim, f, f);
        assert_int_equal(skep_sim_report(sim)->parked_bytes, 0);
    }
    skep_sim_close(sim);
    skep_pool_destroy(lame.inner);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, gate_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_P3_after_a_worker_is_lost_the_frame_goes_on),
        TEST(test_P4_a_lost_worker_gets_no_more_work),
        TEST(test_P7_closing_with_a_hung_job_ends),
        TEST(test_P7_a_given_pool_outlives_a_hung_job),
        TEST(test_P9_a_fault_keeps_its_text_and_place),
        TEST(test_B4_local_does_what_threads_do),
        TEST(test_a_pool_that_cannot_start_fails_the_frame_alone),
    };
    return cmocka_run_group_tests_name("defects_pool", tests, NULL, NULL);
}
