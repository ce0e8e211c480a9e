/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * Limits of a simulation, each hit once, from below: scratch, patches, what opening asks for, the
 * order of systems, faults that are kept. test_limits.c has those of a world. */
#include "api/log_lines.h"
#include "skep/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Num, (u32, n));
SKEP_EVENT(Ping, (u32, n));

#define OK(call) assert_int_equal((call), SKEP_OK)

SKEP_JOB_WITH(scratchy, SKEP_JOB_MAY_FAIL, 0, (mut, Num, num))
{
    const uint8_t *p = (const uint8_t *)skep_scratch(task, 1000);
    for (uint32_t i = 0; i < task->n; i++) c->num.n[i] += p != NULL;
}

SKEP_JOB(chatty, (in, Pos, pos), (emit, Ping, ping))
{
    for (uint32_t k = 0; k < 100; k++) Ping_send(task, c->ping, task->entity[0], SKEP_LIT(Ping, k));
}

SKEP_SCENE(hungry, "Jobs that need scratch and room for patches")
{
    skep_create(b, SKEP_OF(Num), SKEP_OF(Pos));
    skep_add(b, "update", &scratchy);
    skep_add(b, "update", &chatty);
}

static skep_sim *open_hungry(const skep_sim_desc *desc, log_lines *lines, skep_status expected)
{
    skep_sim *sim = NULL;
    skep_sim_desc d = *desc;
    d.log = log_lines_open(lines);
    const skep_status status = skep_sim_open(&skep_scene_hungry, &d, &sim);
    if (status != expected) log_lines_print(lines);
    assert_int_equal(status, expected);
    return sim;
}

static void test_scratch_and_patch_bytes(void **state)
{
    (void)state;
    static const uint32_t workers[] = {0, 2};
    for (uint32_t k = 0; k < 2; k++) {
        log_lines lines;
        skep_sim_desc d = skep_sim_desc_default();
        d.workers = workers[k];
        d.grain = 0;
        d.scratch_bytes = 960;
        d.patch_bytes_max = 100 * 24 - 64; /* a header and 8 bytes each */
        skep_sim *sim = open_hungry(&d, &lines, SKEP_OK);
        OK(skep_sim_step(sim, 1.0f));
        assert_int_equal(skep_sim_report(sim)->fault_count, 2);
        assert_true(log_lines_have(&lines, "scratch_bytes"));
        assert_true(log_lines_have(&lines, "patch_bytes_max"));
        skep_sim_close(sim);
        d.scratch_bytes = 1024;
        d.patch_bytes_max = 100 * 24;
        sim = open_hungry(&d, &lines, SKEP_OK);
        OK(skep_sim_step(sim, 1.0f));
        assert_int_equal(skep_sim_report(sim)->fault_count, 0);
        assert_int_equal(lines.count, 0);
        skep_sim_close(sim);
    }
}

static void test_limits_of_opening(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = SKEP_WORKERS_MAX + 1;
    (void)open_hungry(&d, &lines, SKEP_LIMIT);
    assert_true(log_lines_have(&lines, "knob workers"));
    d.workers = 0;
    d.region_bytes_max = (size_t)1 << 62;
    (void)open_hungry(&d, &lines, SKEP_NO_MEMORY);
    assert_true(log_lines_have(&lines, "region_bytes_max"));
    d.region_bytes_max = (size_t)2 << 20;
    d.entity_max = 60000000; /* 480 MB of index */
    (void)open_hungry(&d, &lines, SKEP_NO_MEMORY);
    assert_true(log_lines_have(&lines, "bytes"));
    d.entity_max = 0x4000000;
    (void)open_hungry(&d, &lines, SKEP_ARGUMENT);
    assert_true(log_lines_have(&lines, "entity_max"));
}

/* ---- scenes ---------------------------------------------------------------------------------- */

SKEP_SCENE(ordered, "A system with too many before it")
{
    skep_add(b, "update", &scratchy);
    skep_add_when(b, "update", &chatty)->after =
        "a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17";
}

static void test_edges_of_a_system(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim *sim = NULL;
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = 0;
    d.log = log_lines_open(&lines);
    assert_int_equal(skep_sim_open(&skep_scene_ordered, &d, &sim), SKEP_PLAN);
    assert_true(log_lines_have(&lines, "16"));
    assert_true(log_lines_have(&lines, "a17"));
}

/* ---- faults ---------------------------------------------------------------------------------- */

SKEP_JOB_WITH(broken, SKEP_JOB_MAY_FAIL, 0, (mut, Num, num))
{
    skep_fail(task, "broken");
    (void)c->num;
}

SKEP_SCENE(breaks, "A job that always fails")
{
    skep_create(b, SKEP_OF(Num));
    skep_add(b, "update", &broken);
}

static void no_log(void *ctx, skep_log_level level, const char *text)
{
    uint32_t *lines = ctx;
    (void)level;
    (void)text;
    (*lines)++;
}

static void test_faults_that_are_kept(void **state)
{
    (void)state;
    uint32_t lines = 0;
    uint32_t count = 0;
    skep_sim *sim = NULL;
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = 0;
    d.log = (skep_log){no_log, &lines};
    OK(skep_sim_open(&skep_scene_breaks, &d, &sim));
    for (uint32_t f = 0; f < SKEP_FAULT_LOG_MAX + 5; f++) {
        OK(skep_sim_step(sim, 1.0f));
        OK(skep_plan_release(skep_sim_plan(sim), "broken"));
    }
    const skep_fault *faults = skep_sim_faults(sim, &count);
    assert_int_equal(count, SKEP_FAULT_LOG_MAX);
    assert_int_equal(faults[count - 1].frame, SKEP_FAULT_LOG_MAX - 1);
    assert_int_equal(skep_sim_fault_total(sim), SKEP_FAULT_LOG_MAX + 5);
    assert_true(lines >= SKEP_FAULT_LOG_MAX + 5);
    skep_sim_close(sim);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scratch_and_patch_bytes),
        cmocka_unit_test(test_limits_of_opening),
        cmocka_unit_test(test_edges_of_a_system),
        cmocka_unit_test(test_faults_that_are_kept),
    };
    return cmocka_run_group_tests_name("limits of a simulation", tests, NULL, NULL);
}
