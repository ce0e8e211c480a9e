/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * The fixed-step loop: bounded catch-up, pause, single steps, going back in time. */
#include "api/log_lines.h"
#include "skep/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Life, (u32, left));
SKEP_PREFAB(Spark);

SKEP_JOB(drift, (mut, Pos, pos))
{
    SKEP_ROWS (i, task) c->pos.x[i] += task->dt;
}

SKEP_JOB(spark, (in, Pos, pos), (not, Life, grown), (spawn, Spark, sparks))
{
    for (uint32_t i = 0; i < task->n; i++) {
        if (skep_rand_u32(task, task->entity[i], 0, 20)) continue;
        const skep_entity e = Spark_new(task, c->sparks);
        Pos_init(task, e, SKEP_LIT(Pos, c->pos.x[i], skep_rand_f32(task, e, 1)));
    }
}

SKEP_JOB(die, (mut, Life, life), (destroy, Entity, gone))
{
    for (uint32_t i = 0; i < task->n; i++)
        if (--c->life.left[i] == 0) skep_destroy(task, c->gone, task->entity[i]);
}

SKEP_SCENE(sparks, "Sparks that are born and die")
{
    skep_add(b, "update", &drift);
    skep_add(b, "update", &spark);
    skep_add(b, "late", &die);
    skep_prefab(b, Spark, SKEP_OF(Pos), SKEP_WITH(Life, 9u));
    (void)skep_create_many(b, 2000, SKEP_WITH(Pos, 1.0f, 2.0f));
}

typedef struct fixture {
    log_lines lines;
    skep_sim *sim;
    skep_loop *loop;
} fixture;

static fixture fix;

static int set_up(void **state)
{
    (void)state;
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = 1;
    d.grain = 0;
    d.log = log_lines_open(&fix.lines);
    if (skep_sim_open(&skep_scene_sparks, &d, &fix.sim) != SKEP_OK) return -1;
    skep_loop_desc l = skep_loop_desc_default();
    l.hz = 50.0;
    l.catch_up_max = 4;
    l.rewind_max = 10;
    return skep_loop_create(fix.sim, &l, &fix.loop) == SKEP_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    skep_loop_destroy(fix.loop);
    skep_sim_close(fix.sim);
    return 0;
}

static uint64_t tick(void)
{
    return skep_world_tick(skep_sim_world(fix.sim));
}

#define MS ((uint64_t)1000000)

static void time_becomes_frames(void **state)
{
    (void)state;
    uint32_t frames = 9;
    assert_true(skep_loop_dt(fix.loop) == 0.02f);
    assert_int_equal(skep_loop_advance(fix.loop, 19 * MS, &frames), SKEP_OK);
    assert_int_equal(frames, 0);
    assert_true(skep_loop_alpha(fix.loop) == 0.95);
    assert_int_equal(skep_loop_advance(fix.loop, 6 * MS, &frames), SKEP_OK);
    assert_int_equal(frames, 1);
    assert_true(skep_loop_alpha(fix.loop) == 0.25);
    assert_int_equal(skep_loop_advance(fix.loop, 75 * MS, NULL), SKEP_OK);
    assert_true(tick() == 5);
    assert_true(skep_loop_alpha(fix.loop) == 0.0);
    assert_true(skep_loop_lost_ns(fix.loop) == 0);
}

static void catching_up_is_bounded(void **state)
{
    (void)state;
    uint32_t frames = 0;
    assert_int_equal(skep_loop_advance(fix.loop, 1005 * MS, &frames), SKEP_OK);
    assert_int_equal(frames, 4);
    assert_true(skep_loop_lost_ns(fix.loop) == 920 * MS);
    assert_true(skep_loop_alpha(fix.loop) == 0.25);
    assert_int_equal(skep_loop_advance(fix.loop, UINT64_MAX, &frames), SKEP_OK);
    assert_int_equal(frames, 4);
    assert_true(tick() == 8);
    assert_true(skep_loop_alpha(fix.loop) < 1.0);
}

static void a_clock_drives_it_and_a_pause_stops_it(void **state)
{
    (void)state;
    uint32_t frames = 0;
    assert_int_equal(skep_loop_advance_to(fix.loop, 5000 * MS, &frames), SKEP_OK);
    assert_int_equal(frames, 0);
    assert_int_equal(skep_loop_advance_to(fix.loop, 5040 * MS, &frames), SKEP_OK);
    assert_int_equal(frames, 2);
    skep_loop_pause(fix.loop, true);
    assert_true(skep_loop_paused(fix.loop));
    assert_int_equal(skep_loop_advance_to(fix.loop, 9000 * MS, &frames), SKEP_OK);
    assert_int_equal(frames, 0);
    assert_int_equal(skep_loop_step(fix.loop), SKEP_OK);
    assert_true(tick() == 3);
    skep_loop_pause(fix.loop, false);
    assert_int_equal(skep_loop_advance_to(fix.loop, 9020 * MS, &frames), SKEP_OK);
    assert_int_equal(frames, 1);
    assert_int_equal(skep_loop_advance_to(fix.loop, 100 * MS, &frames), SKEP_OK);
    assert_int_equal(frames, 0);
    assert_true(skep_loop_lost_ns(fix.loop) == 0);
}

static void rewinding_brings_every_bit_back(void **state)
{
    (void)state;
    uint64_t hash[21];
    hash[0] = skep_sim_hash(fix.sim);
    for (uint32_t i = 1; i <= 20; i++) {
        assert_int_equal(skep_loop_step(fix.loop), SKEP_OK);
        hash[i] = skep_sim_hash(fix.sim);
        assert_true(hash[i] != hash[i - 1]);
    }
    assert_int_equal(skep_loop_rewindable(fix.loop), 10);
    assert_int_equal(skep_loop_rewind(fix.loop, 11), SKEP_LIMIT);
    assert_true(log_lines_have(&fix.lines, "rewind_max"));
    assert_true(skep_sim_hash(fix.sim) == hash[20]);
    assert_int_equal(skep_loop_rewind(fix.loop, 4), SKEP_OK);
    assert_true(skep_sim_hash(fix.sim) == hash[16]);
    assert_int_equal(skep_loop_rewindable(fix.loop), 6);
    assert_int_equal(skep_loop_rewind(fix.loop, 6), SKEP_OK);
    assert_true(skep_sim_hash(fix.sim) == hash[10]);
    assert_int_equal(skep_loop_rewind(fix.loop, 0), SKEP_OK);
    assert_int_equal(skep_world_check(skep_sim_world(fix.sim)), SKEP_OK);
    for (uint32_t i = 11; i <= 20; i++) {
        assert_int_equal(skep_loop_step(fix.loop), SKEP_OK);
        assert_true(skep_sim_hash(fix.sim) == hash[i]);
    }
}

static void the_frame_before_is_there_to_draw_between(void **state)
{
    (void)state;
    assert_null(skep_loop_previous(fix.loop));
    assert_int_equal(skep_loop_step(fix.loop), SKEP_OK);
    assert_int_equal(skep_loop_step(fix.loop), SKEP_OK);
    const skep_snapshot *before = skep_loop_previous(fix.loop);
    assert_non_null(before);
    assert_true(skep_snapshot_tick(before) == 1);
    const skep_component *all[] = {&Pos_info};
    skep_snapshot_rows rows;
    memset(&rows, 0, sizeof rows);
    assert_true(skep_snapshot_next(before, all, 1, &rows));
    Pos then = {0.0f, 0.0f};
    Pos now = {0.0f, 0.0f};
    assert_true(skep_snapshot_get(before, rows.entity[0], &Pos_info, &then));
    assert_true(Pos_of(skep_sim_world(fix.sim), rows.entity[0], &now));
    assert_true(now.x == then.x + 0.02f);
}

static void rates_that_are_none_are_refused(void **state)
{
    (void)state;
    const double bad[] = {0.0, -1.0, 1e6};
    for (uint32_t i = 0; i < 3; i++) {
        skep_loop_desc l = skep_loop_desc_default();
        skep_loop *loop = NULL;
        l.hz = bad[i];
        assert_int_equal(skep_loop_create(fix.sim, &l, &loop), SKEP_ARGUMENT);
        assert_null(loop);
    }
    skep_loop_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(time_becomes_frames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(catching_up_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_clock_drives_it_and_a_pause_stops_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rewinding_brings_every_bit_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_frame_before_is_there_to_draw_between, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(rates_that_are_none_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("sim_loop", tests, NULL, NULL);
}
