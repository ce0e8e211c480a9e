/* SPDX-License-Identifier: MIT */
/* ctest: timeout=120, threads, waits
 * Simulations whose jobs run in isolated processes, by the public face: a zygote of one's own and
 * one for many, deadlines, retries and fallbacks, the budget, and what is said where it cannot be.
 */
#include "api/log_lines.h"
#include "skep/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static skep_processes *zygote; /* forked before anything else */

/* ---- a scene -------------------------------------------------------------------------------- */

SKEP_COMPONENT(Ball, (f32, x), (f32, v));
SKEP_COMPONENT(Told, (u32, what));

enum { GOOD, NULL_WRITE, LOOP, SAY_NO };

SKEP_JOB_WITH(bounce, SKEP_JOB_MAY_FAIL, 0, (mut, Ball, ball), (in, Told, told))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->ball.x[i] += c->ball.v[i] * task->dt;
        volatile uintptr_t nowhere = 8; /* hidden from compilers, which would know better */
        if (c->told.what[i] == NULL_WRITE) *(volatile int *)nowhere = 1;
        if (c->told.what[i] == LOOP) {
            for (volatile uint32_t n = 0;; n++) {
            }
        }
        if (c->told.what[i] == SAY_NO) skep_fail(task, "told to say no");
    }
}

SKEP_JOB(stop, (mut, Told, told))
{
    for (uint32_t i = 0; i < task->n; i++) c->told.what[i] = c->told.what[i];
}

#define BALLS 3000u

SKEP_SCENE(balls, "Balls that do as they are told")
{
    Ball_mut ball;
    skep_create_many(b, BALLS, Ball_columns(&ball), SKEP_OF(Told));
    for (uint32_t i = 0; i < BALLS; i++) {
        ball.x[i] = (float)i;
        ball.v[i] = 1.0f;
    }
    skep_add(b, "update", &bounce);
    skep_add(b, "update", &stop);
}

static skep_sim *open_balls(skep_executor executor, skep_sim_desc *d, log_lines *lines)
{
    skep_sim *sim = NULL;
    d->executor = executor;
    if (executor == SKEP_EXECUTOR_PROCESSES) d->processes = zygote;
    d->log = log_lines_open(lines);
    assert_int_equal(skep_sim_open(&skep_scene_balls, d, &sim), SKEP_OK);
    return sim;
}

/* Tells one ball what to do. */
static void tell(skep_sim *sim, uint32_t i, uint32_t what)
{
    const Told told = {what};
    assert_int_equal(Told_set(skep_sim_world(sim), skep_entity_make(i, 1), told), SKEP_OK);
}

static const skep_frame_report *frame(skep_sim *sim)
{
    assert_int_equal(skep_sim_step(sim, 0.5f), SKEP_OK);
    return skep_sim_report(sim);
}

/* ---- tests ---------------------------------------------------------------------------------- */

/* A crash costs its system the frame, and nothing else; afterwards the world is as if it had been
 * skipped on any other executor. */
static void test_a_crash_is_a_fault(void **state)
{
    log_lines lines;
    log_lines plain_lines;
    (void)state;
    skep_sim_desc d = skep_sim_desc_default();
    skep_sim *sim = open_balls(SKEP_EXECUTOR_PROCESSES, &d, &lines);
    skep_sim_desc plain = skep_sim_desc_default();
    skep_sim *other = open_balls(SKEP_EXECUTOR_LOCAL, &plain, &plain_lines);
    uint32_t workers = 0;
    assert_string_equal(skep_sim_executor(sim, &workers), "processes");
    assert_true(workers >= 1);
    for (uint32_t f = 0; f < 12; f++) {
        const bool bad = f == 5;
        tell(sim, 2500, bad ? NULL_WRITE : GOOD);
        tell(other, 2500, bad ? SAY_NO : GOOD);
        const skep_frame_report *r = frame(sim);
        (void)frame(other);
        assert_int_equal(r->fault_count, bad);
        if (!bad) continue;
        assert_string_equal(r->faults[0].system, "bounce");
        assert_int_equal(r->faults[0].block, 2);
        assert_int_equal(r->faults[0].status, SKEP_CLOSED);
        assert_true(r->faults[0].retried && r->faults[0].worker && r->faults[0].retry_worker);
        assert_non_null(strstr(r->faults[0].cause, "SIGSEGV"));
        assert_int_equal(r->parked_bytes, 0);
    }
    tell(sim, 2500, GOOD);
    tell(other, 2500, GOOD);
    /* What the fault was is part of a world; the rows are the same. */
    for (uint32_t i = 0; i < BALLS; i += 7) {
        Ball a = {0};
        Ball b = {1.0f, 0.0f};
        assert_true(Ball_of(skep_sim_world(sim), skep_entity_make(i, 1), &a));
        assert_true(Ball_of(skep_sim_world(other), skep_entity_make(i, 1), &b));
        assert_true(a.x == b.x && a.v == b.v);
    }
    assert_int_equal(skep_world_check(skep_sim_world(sim)), SKEP_OK);
    skep_sim_close(sim);
    skep_sim_close(other);
}

/* A loop is ended at the deadline; the frame ends, and closing does too. */
static void test_a_loop_is_ended(void **state)
{
    log_lines lines;
    (void)state;
    skep_sim_desc d = skep_sim_desc_default();
    d.deadline_ns = 150000000u;
    skep_sim *sim = open_balls(SKEP_EXECUTOR_PROCESSES, &d, &lines);
    tell(sim, 10, LOOP);
    const skep_frame_report *r = frame(sim);
    assert_int_equal(r->fault_count, 1);
    assert_non_null(strstr(r->faults[0].cause, "deadline"));
    tell(sim, 10, GOOD);
    assert_int_equal(frame(sim)->fault_count, 0);
    skep_sim_close(sim);
}

/* What a job says itself is what it said, and is tried once. */
static void test_what_jobs_say(void **state)
{
    log_lines lines;
    (void)state;
    skep_sim_desc d = skep_sim_desc_default();
    skep_sim *sim = open_balls(SKEP_EXECUTOR_PROCESSES, &d, &lines);
    tell(sim, 10, SAY_NO);
    const skep_frame_report *r = frame(sim);
    assert_int_equal(r->fault_count, 1);
    assert_string_equal(r->faults[0].cause, "told to say no");
    assert_int_equal(r->faults[0].status, SKEP_FAULT);
    assert_false(r->faults[0].retried);
    skep_sim_close(sim);
}

/* Past its budget the pool fails loudly: the frame ends early, and so does each one after it. */
static void test_the_budget(void **state)
{
    log_lines lines;
    (void)state;
    skep_sim_desc d = skep_sim_desc_default();
    d.restart_max = 4;
    skep_sim *sim = open_balls(SKEP_EXECUTOR_PROCESSES, &d, &lines);
    skep_status status = SKEP_OK;
    for (uint32_t f = 0; f < 20 && status == SKEP_OK; f++) {
        (void)skep_plan_release(skep_sim_plan(sim), "bounce");
        tell(sim, 10, NULL_WRITE);
        status = skep_sim_step(sim, 0.5f);
    }
    assert_int_equal(status, SKEP_CLOSED);
    assert_true(log_lines_have(&lines, "restart_max, 4"));
    assert_int_equal(skep_sim_step(sim, 0.5f), SKEP_CLOSED);
    assert_int_equal(skep_world_check(skep_sim_world(sim)), SKEP_OK);
    skep_sim_close(sim);
}

/* Many simulations of one zygote live side by side. */
static void test_many_of_one_zygote(void **state)
{
    log_lines lines[3];
    skep_sim *sims[3];
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        skep_sim_desc d = skep_sim_desc_default();
        d.workers = 1;
        sims[i] = open_balls(SKEP_EXECUTOR_PROCESSES, &d, &lines[i]);
    }
    for (uint32_t f = 0; f < 5; f++) {
        for (uint32_t i = 0; i < 3; i++) assert_int_equal(frame(sims[i])->fault_count, 0);
    }
    assert_true(skep_sim_hash(sims[0]) == skep_sim_hash(sims[1]));
    skep_sim_close(sims[0]);
    assert_int_equal(frame(sims[2])->fault_count, 0);
    skep_sim_close(sims[2]);
    skep_sim_close(sims[1]);
}

/* A program that has threads already must have brought a zygote, and is told so. */
static void test_too_late_for_a_zygote(void **state)
{
    log_lines lines;
    skep_sim *threads = NULL;
    skep_sim *sim = NULL;
    (void)state;
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = 2;
    d.executor = SKEP_EXECUTOR_THREADS;
    assert_int_equal(skep_sim_open(&skep_scene_balls, &d, &threads), SKEP_OK);
    d.executor = SKEP_EXECUTOR_PROCESSES;
    d.log = log_lines_open(&lines);
    assert_int_equal(skep_sim_open(&skep_scene_balls, &d, &sim), SKEP_BUSY);
    assert_null(sim);
    assert_true(log_lines_have(&lines, "skep_processes_start"));
    d.workers = 0;
    d.processes = zygote;
    assert_int_equal(skep_sim_open(&skep_scene_balls, &d, &sim), SKEP_ARGUMENT);
    assert_true(log_lines_have(&lines, "knob workers"));
    skep_sim_close(threads);
}

int main(void)
{
    char why[256];
    if (!skep_processes_available()) return 0;
    if (skep_processes_start(NULL, &zygote, why, sizeof why) != SKEP_OK) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_crash_is_a_fault), cmocka_unit_test(test_a_loop_is_ended),
        cmocka_unit_test(test_what_jobs_say),      cmocka_unit_test(test_the_budget),
        cmocka_unit_test(test_many_of_one_zygote), cmocka_unit_test(test_too_late_for_a_zygote),
    };
    const int failed = cmocka_run_group_tests_name("sim_processes", tests, NULL, NULL);
    skep_processes_end(zygote);
    return failed;
}
