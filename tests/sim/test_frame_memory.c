/* SPDX-License-Identifier: MIT */
/* Every allocation of a frame fails in turn, once or from then on: the frame says so or reports
 * faults, the world stays sound, and goes on when there is memory again. */
#include "support/plan_lab.h"
#include "support/zoo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POINTS_MAX 4000u

static void deliver(plan_lab *l, const skep_pool_batch *batch)
{
    static uint8_t scratch[256];
    const skep_task_room room = {scratch, sizeof scratch, NULL, NULL};
    for (uint32_t i = 0; i < batch->task_count; i++) {
        skep_pool_result result;
        memset(&result, 0, sizeof result);
        skep_task_run(batch->tasks[i], batch->jobs, batch->flags, &room, &result);
        result.task = i;
        assert_int_equal(skep_frame_task_done(l->plan, &result), SKEP_OK);
    }
}

/* Runs a frame as far as it gets; returns the status that stopped it. */
static skep_status try_frame(plan_lab *l)
{
    skep_step step;
    skep_status status = skep_frame_begin(l->plan, 0.016f, SKEP_TIME_AUTO);
    if (status != SKEP_OK) {
        assert_false(skep_frame_running(l->plan));
        return status;
    }
    while ((status = skep_frame_next(l->plan, 0, &step)) == SKEP_OK) {
        if (step.kind == SKEP_STEP_END) return skep_frame_end(l->plan, &l->report);
        if (step.kind == SKEP_STEP_TASKS) deliver(l, step.batch);
        if (step.kind == SKEP_STEP_RUN) {
            const skep_status done = skep_frame_run(l->plan, &step);
            if (done != SKEP_OK) status = done;
        }
        if (status != SKEP_OK) break;
    }
    skep_frame_abort(l->plan);
    assert_false(skep_frame_running(l->plan));
    return status;
}

/* Fails the n-th allocation of a world's first frames; false when there were fewer. */
static bool fail_at(uint32_t n, bool once, uint32_t *stopped, uint32_t *faults)
{
    plan_lab *l = malloc(sizeof *l);
    assert_non_null(l);
    plan_lab_open(l, 20000, NULL);
    zoo_fill(l, 300, 5);
    zoo_systems(l, true);
    zoo_disturb(l, 1);
    skep_snapshot *kept = NULL;
    if (n % 2) assert_int_equal(skep_snapshot_take(l->world, &kept), SKEP_OK);
    l->lab.memory.fail_once = once;
    test_region_fail(&l->lab.memory, n);
    for (uint32_t f = 0; f < 3; f++) {
        const skep_status status = try_frame(l);
        *stopped += status != SKEP_OK;
        if (status == SKEP_OK) *faults += l->report.fault_count;
    }
    const bool failed = l->lab.memory.failed > 0;
    test_region_fail(&l->lab.memory, 0);
    if (skep_world_check(l->world) != SKEP_OK) {
        print_message("allocation %u, once %d: %s\n", n, once, skep_world_error(l->world));
        fail();
    }
    skep_snapshot_release(kept);
    for (uint32_t f = 0; f < 2; f++) plan_lab_frame(l, 0.016f);
    plan_lab_close(l);
    free(l);
    return failed;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    uint32_t stopped = 0, faults = 0, points = 0;
    for (uint32_t once = 0; once < 2; once++) {
        uint32_t n = 1;
        while (n < POINTS_MAX && fail_at(n, once, &stopped, &faults)) n++;
        assert_true(n < POINTS_MAX);
        points += n - 1;
    }
    assert_true(points > 60);
    assert_true(stopped > 10); /* some stop a frame */
    assert_true(faults > 0);   /* and some only a system */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
