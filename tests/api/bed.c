/* SPDX-License-Identifier: MIT */
/* See bed.h. */
#include "api/bed.h"

#include "support/pool_shuffled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

const bed_executor bed_executors[BED_EXECUTORS] = {
    {"local", BED_OWN, 0, false, false},
    {"threads 0", BED_OWN, 0, true, false},
    {"threads 1", BED_OWN, 1, true, false},
    {"threads 4", BED_OWN, 4, true, false},
    {"threads 2, checked", BED_OWN, 2, true, true},
    {"foreign", BED_FOREIGN, 3, true, false},
    {"shuffled", BED_SHUFFLED, 0, true, false},
    {"elsewhere", BED_ELSEWHERE, 0, true, false},
    {"processes", BED_PROCESSES, 2, true, false},
};

static void bed_fork(void *ctx, void (*work)(void *work_ctx, uint32_t index), void *work_ctx,
                     uint32_t count)
{
    (void)ctx;
    for (uint32_t i = count; i-- > 0;) work(work_ctx, i);
}

static void bed_join(void *ctx)
{
    (void)ctx;
}

static skep_pool *bed_pool_of(const bed_executor *executor)
{
    skep_pool *pool = NULL;
    skep_pool_desc d = skep_pool_desc_default();
    switch (executor->pool) {
    case BED_OWN:
    case BED_PROCESSES:
        return NULL;
    case BED_FOREIGN:
        d.workers = executor->workers;
        d.fork = bed_fork;
        d.join = bed_join;
        assert_int_equal(skep_pool_create(&d, &pool), SKEP_OK);
        break;
    case BED_SHUFFLED:
    case BED_ELSEWHERE:
        pool = pool_shuffled_create(executor->pool == BED_ELSEWHERE, 20261);
        break;
    }
    assert_non_null(pool);
    return pool;
}

void bed_open_with(bed *b, const bed_executor *executor, const skep_scene *scene,
                   uint32_t entity_max, skep_status expected)
{
    skep_sim_desc d = skep_sim_desc_default();
    memset(b, 0, sizeof *b);
    b->executor = executor;
    b->pool = bed_pool_of(executor);
    d.pool = b->pool;
    d.workers = executor->workers;
    if (executor->forced) {
        d.grain = 0;
        d.executor = SKEP_EXECUTOR_THREADS;
    }
    if (executor->pool == BED_PROCESSES) d.executor = SKEP_EXECUTOR_PROCESSES;
    d.check = executor->check;
    d.entity_max = entity_max;
    d.log = log_lines_open(&b->lines);
    const skep_status status = skep_sim_open(scene, &d, &b->sim);
    if (status != expected) log_lines_print(&b->lines);
    assert_int_equal(status, expected);
    assert_true((b->sim != NULL) == (status == SKEP_OK));
    if (b->sim) b->world = skep_sim_world(b->sim);
}

void bed_open(bed *b, const bed_executor *executor, const skep_scene *scene)
{
    bed_open_with(b, executor, scene, 200000, SKEP_OK);
}

void bed_close(bed *b)
{
    if (b->sim) assert_int_equal(skep_world_check(b->world), SKEP_OK);
    skep_sim_close(b->sim);
    skep_pool_destroy(b->pool);
    memset(b, 0, sizeof *b);
}

void bed_frames(bed *b, uint32_t frames)
{
    for (uint32_t f = 0; f < frames; f++) {
        assert_int_equal(skep_sim_step(b->sim, 1.0f), SKEP_OK);
        if (bed_report(b)->fault_count) log_lines_print(&b->lines);
        assert_int_equal(bed_report(b)->fault_count, 0);
    }
}

const skep_frame_report *bed_report(const bed *b)
{
    return skep_sim_report(b->sim);
}

skep_entity bed_entity(uint32_t i)
{
    return skep_entity_make(i, 1);
}
