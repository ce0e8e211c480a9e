/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * The zoo on real threads: the same hash for any number of workers, main-thread systems running
 * beside the tasks. */
#include "support/plan_lab.h"
#include "support/zoo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 12u

static void pool_frame(plan_lab *l, skep_pool *pool)
{
    skep_step step;
    assert_int_equal(skep_frame_begin(l->plan, 0.016f, SKEP_TIME_AUTO), SKEP_OK);
    for (;;) {
        assert_int_equal(skep_frame_next(l->plan, 0, &step), SKEP_OK);
        if (step.kind == SKEP_STEP_END) break;
        if (step.kind == SKEP_STEP_TASKS) {
            const skep_status status = pool->v->start(pool, step.batch, skep_frame_result, l->plan);
            assert_int_equal(status, SKEP_OK);
        } else if (step.kind == SKEP_STEP_RUN) {
            assert_int_equal(skep_frame_run(l->plan, &step), SKEP_OK);
        } else {
            assert_int_equal(pool->v->wait(pool, UINT64_MAX), 0);
        }
    }
    assert_int_equal(skep_frame_end(l->plan, &l->report), SKEP_OK);
    if (l->report.fault_count) print_message("%s", l->text);
    assert_int_equal(l->report.fault_count, 0);
}

static void zoo_on(uint32_t workers, bool keep, uint64_t *hashes)
{
    plan_lab *l = malloc(sizeof *l);
    assert_non_null(l);
    plan_lab_open(l, 20000, NULL);
    zoo_fill(l, 3000, 11);
    zoo_systems(l, false);
    skep_pool_desc d = skep_pool_desc_default();
    d.workers = workers;
    skep_pool *pool = NULL;
    assert_int_equal(skep_pool_create(&d, &pool), SKEP_OK);
    l->host.workers = skep_pool_workers(pool);
    l->host.elsewhere = pool->v->elsewhere;
    l->host.batch_flags = SKEP_BATCH_FORCE;
    skep_plan_host_set(l->plan, &l->host);
    skep_snapshot *kept = NULL;
    for (uint32_t f = 0; f < FRAMES; f++) {
        skep_snapshot *now = NULL;
        if (keep) assert_int_equal(skep_snapshot_take(l->world, &now), SKEP_OK);
        skep_snapshot_release(kept);
        kept = now;
        zoo_disturb(l, f);
        pool_frame(l, pool);
        hashes[f] = skep_world_hash(l->world);
    }
    skep_snapshot_release(kept);
    skep_pool_destroy(pool);
    plan_lab_close(l);
    free(l);
}

static void any_number_of_workers_gives_the_same_hash(void **state)
{
    (void)state;
    static const uint32_t workers[] = {1, 2, 4, 8};
    uint64_t alone[FRAMES], many[FRAMES];
    zoo_on(0, false, alone);
    for (uint32_t w = 0; w < sizeof workers / sizeof workers[0]; w++) {
        for (uint32_t keep = 0; keep < 2; keep++) {
            zoo_on(workers[w], keep, many);
            assert_memory_equal(many, alone, sizeof alone);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_workers_gives_the_same_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
