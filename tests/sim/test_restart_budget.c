/* SPDX-License-Identifier: MIT */
/* ctest: threads, waits
 * A job that always hangs uses up the restart budget of a simulation's threads: its step fails, and
 * says how to mend it; without a budget it is quarantined as any other. */
#include "port/port.h"
#include "skep/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x));

static _Atomic uint32_t gate_open;

SKEP_JOB(stuck, (mut, Pos, pos))
{
    for (uint32_t i = 0; i < task->n; i++) c->pos.x[i] += 1.0f;
    while (!atomic_load(&gate_open)) skep__port_futex_wait(&gate_open, 0, 1000000);
}

SKEP_SCENE(hangs, "One job that does not return")
{
    Pos_mut pos;
    skep_create_many(b, 2000, Pos_columns(&pos));
    skep_add_when(b, "update", &stuck)->deadline_ms = 40;
}

/* Counts the lines that name the knob. */
static void note_log(void *ctx, skep_log_level level, const char *text)
{
    *(uint32_t *)ctx += level == SKEP_LOG_ERROR && strstr(text, "knob restart_max");
}

static skep_sim *open_hangs(uint32_t restart_max, uint32_t *lines)
{
    skep_sim_desc d = skep_sim_desc_default();
    skep_sim *sim = NULL;
    d.log = (skep_log){.fn = note_log, .ctx = lines};
    d.workers = 2;
    d.restart_max = restart_max;
    atomic_store(&gate_open, 0);
    assert_int_equal(skep_sim_open(&skep_scene_hangs, &d, &sim), SKEP_OK);
    return sim;
}

/* Lets the hung threads go on, and closes when they are gone: a world that is closed before is
 * theirs to read, and then ThreadSanitizer sees who cleans it. */
static void close_hangs(skep_sim *sim)
{
    skep_pool *pool = skep_sim_pool(sim);
    atomic_store(&gate_open, 1);
    for (uint32_t w = 1; w <= skep_pool_workers(pool); w++) {
        while (!pool->v->worker_gone(pool, w)) skep__port_yield();
    }
    skep_sim_close(sim);
}

static void test_the_step_fails(void **state)
{
    (void)state;
    uint32_t lines = 0;
    skep_sim *sim = open_hangs(3, &lines);
    skep_status status = SKEP_OK;
    for (uint32_t i = 0; i < 3 && status == SKEP_OK; i++) status = skep_sim_step(sim, 0.1f);
    assert_int_equal(status, SKEP_CLOSED);
    assert_int_equal(lines, 1);
    assert_int_equal(skep_sim_step(sim, 0.1f), SKEP_CLOSED);
    assert_int_equal(lines, 1);
    close_hangs(sim);
}

static void test_any_number(void **state)
{
    (void)state;
    uint32_t lines = 0;
    skep_sim *sim = open_hangs(SKEP_RESTARTS_ANY, &lines);
    for (uint32_t i = 0; i < 4; i++) assert_int_equal(skep_sim_step(sim, 0.1f), SKEP_OK);
    assert_int_equal(lines, 0);
    uint32_t count = 0;
    (void)skep_sim_faults(sim, &count);
    assert_true(count > 0);
    close_hangs(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_step_fails),
        cmocka_unit_test(test_any_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
