/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * The defects S1 to S13 of the scheduler of the notes that skep grew from, each by its id and on
 * every executor: what went wrong there must hold here. */
#include "api/bed.h"
#include "support/pool_shuffled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Ex, (u32, n));
SKEP_COMPONENT(Wy, (u32, n));
SKEP_COMPONENT(Zed, (u32, n));
SKEP_COMPONENT(Place, (u64, thread));
SKEP_COMPONENT(Rare, (u32, n));
SKEP_COMPONENT(Chain, (u32, n));
SKEP_RESOURCE(Runs, (u32, n));

#define CROWD 2500u

static const skep_entity *crowd_of(skep_builder *b)
{
    return skep_create_many(b, CROWD, SKEP_WITH(Ex, 1u), SKEP_OF(Wy), SKEP_OF(Zed));
}

static uint32_t batch_of(const bed *b, const char *system)
{
    return skep_plan_batch_of(skep_sim_plan(b->sim), system);
}

static Wy wy_of(bed *b, uint32_t i)
{
    Wy y = {~0u};
    assert_true(Wy_of(b->world, bed_entity(i), &y));
    return y;
}

static Zed zed_of(bed *b, uint32_t i)
{
    Zed z = {~0u};
    assert_true(Zed_of(b->world, bed_entity(i), &z));
    return z;
}

/* ---- S1: a reader comes after what it depends on, through others too ------------------------- */

SKEP_JOB(write_x, (mut, Ex, x))
{
    for (uint32_t i = 0; i < task->n; i++) c->x.n[i] *= 3;
}

SKEP_JOB(x_to_y, (in, Ex, x), (mut, Wy, y))
{
    for (uint32_t i = 0; i < task->n; i++) c->y.n[i] = c->x.n[i] + 1;
}

SKEP_JOB(y_to_z, (in, Wy, y), (mut, Zed, z))
{
    for (uint32_t i = 0; i < task->n; i++) c->z.n[i] = c->y.n[i] * 10;
}

SKEP_SCENE(chain, "x, then y from x, then z from y")
{
    crowd_of(b);
    skep_add(b, "update", &write_x);
    skep_add(b, "update", &x_to_y);
    skep_add(b, "update", &y_to_z);
}

static void test_S1_a_reader_waits_for_all_that_it_depends_on(void **state)
{
    bed b;
    uint32_t x = 1;
    bed_open(&b, *state, &skep_scene_chain);
    assert_int_equal(batch_of(&b, "write_x"), 1);
    assert_int_equal(batch_of(&b, "x_to_y"), 2);
    assert_int_equal(batch_of(&b, "y_to_z"), 3);
    for (uint32_t f = 0; f < 3; f++) {
        x *= 3;
        bed_frames(&b, 1);
        for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(zed_of(&b, i).n, (x + 1) * 10);
    }
    bed_close(&b);
}

/* ---- S2: `after` counts without shared data -------------------------------------------------- */

static _Atomic uint32_t clock_now;

SKEP_JOB(late_y, (out, Wy, y))
{
    const uint32_t now = atomic_fetch_add(&clock_now, 1);
    for (uint32_t i = 0; i < task->n; i++) c->y.n[i] = now;
}

SKEP_JOB(early_z, (out, Zed, z))
{
    const uint32_t now = atomic_fetch_add(&clock_now, 1);
    for (uint32_t i = 0; i < task->n; i++) c->z.n[i] = now;
}

SKEP_SCENE(order, "Two systems with nothing in common but an order")
{
    crowd_of(b);
    skep_add_when(b, "update", &late_y)->after = "early_z";
    skep_add(b, "update", &early_z);
}

static void test_S2_after_counts_without_shared_data(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_order);
    assert_true(batch_of(&b, "early_z") < batch_of(&b, "late_y"));
    for (uint32_t f = 0; f < 3; f++) {
        uint32_t last_z = 0;
        uint32_t first_y = UINT32_MAX;
        bed_frames(&b, 1);
        for (uint32_t i = 0; i < CROWD; i++) {
            if (zed_of(&b, i).n > last_z) last_z = zed_of(&b, i).n;
            if (wy_of(&b, i).n < first_y) first_y = wy_of(&b, i).n;
        }
        /* Each process has a clock_now of its own. */
        if (b.executor->pool != BED_PROCESSES) assert_true(last_z < first_y);
    }
    bed_close(&b);
}

/* ---- S3: `before` a writer is no cycle ------------------------------------------------------- */

SKEP_SCENE(before, "A reader that comes before the writer")
{
    crowd_of(b);
    skep_add(b, "update", &write_x);
    skep_add_when(b, "update", &x_to_y)->before = "write_x";
}

static void test_S3_before_on_a_reader_is_no_cycle(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_before);
    uint32_t x = 1;
    for (uint32_t f = 0; f < 3; f++) {
        bed_frames(&b, 1);
        for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(wy_of(&b, i).n, x + 1);
        x *= 3;
    }
    bed_close(&b);
}

/* ---- S4, S5, S6: mistakes are told by name --------------------------------------------------- */

SKEP_SCENE(mistakes, "Names and stages that are not there, and a name that is there twice")
{
    crowd_of(b);
    skep_add_when(b, "update", &write_x)->after = "write_why";
    skep_add_when(b, "update", &x_to_y)->before = "write_z";
    skep_add(b, "updtae", &y_to_z);
    skep_add(b, "update", &early_z);
    skep_add(b, "late", &early_z);
}

static void expect_line(bed *b, const char *text)
{
    if (!log_lines_have(&b->lines, text)) log_lines_print(&b->lines);
    assert_true(log_lines_have(&b->lines, text));
}

static void test_S4_an_unknown_name_is_told(void **state)
{
    bed b;
    bed_open_with(&b, *state, &skep_scene_mistakes, 10000, SKEP_PLAN);
    expect_line(&b, "system \"write_x\": after \"write_why\": there is no such system");
    expect_line(&b, "system \"x_to_y\": before \"write_z\": there is no such system");
    bed_close(&b);
}

static void test_S5_two_systems_of_one_name_are_told(void **state)
{
    bed b;
    bed_open_with(&b, *state, &skep_scene_mistakes, 10000, SKEP_PLAN);
    expect_line(&b, "system \"early_z\": there are two systems of this name");
    bed_close(&b);
}

static void test_S6_an_unknown_stage_is_told(void **state)
{
    bed b;
    bed_open_with(&b, *state, &skep_scene_mistakes, 10000, SKEP_PLAN);
    expect_line(&b, "system \"y_to_z\": stage \"updtae\": there is no such stage (did you mean "
                    "\"update\"?)");
    bed_close(&b);
}

/* ---- S7: what is added later runs --------------------------------------------------------------
 */

static void test_S7_a_system_added_after_frames_runs(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_before);
    bed_frames(&b, 2);
    skep_system_desc d = skep_system_desc_default();
    d.job = &y_to_z;
    d.after[0] = "x_to_y";
    assert_int_equal(skep_plan_add(skep_sim_plan(b.sim), &d), SKEP_OK);
    bed_frames(&b, 1);
    for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(zed_of(&b, i).n, (9 + 1) * 10);
    assert_int_equal(skep_plan_remove(skep_sim_plan(b.sim), "y_to_z"), SKEP_OK);
    bed_frames(&b, 2);
    for (uint32_t i = 0; i < CROWD; i++) {
        assert_int_equal(wy_of(&b, i).n, 81 + 1);
        assert_int_equal(zed_of(&b, i).n, (9 + 1) * 10);
    }
    bed_close(&b);
}

/* ---- S8: startup runs once ----------------------------------------------------------------------
 */

SKEP_SCENE(starts, "A system of the stage startup")
{
    crowd_of(b);
    skep_add(b, "startup", &write_x);
    skep_add(b, "update", &x_to_y);
}

static void test_S8_startup_runs_in_the_first_frame_alone(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_starts);
    for (uint32_t f = 0; f < 4; f++) {
        bed_frames(&b, 1);
        assert_int_equal(bed_report(&b)->systems, f ? 1 : 2);
        for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(wy_of(&b, i).n, 3 + 1);
    }
    bed_close(&b);
}

/* ---- S9: jobs and main-thread systems wait for each other ---------------------------------------
 */

static skep_status add_seven(void *ctx, skep_world *world, float dt)
{
    (void)ctx;
    (void)dt;
    for (uint32_t i = 0; i < CROWD; i++) {
        Ex x = {0};
        if (!Ex_of(world, bed_entity(i), &x)) return SKEP_FAULT;
        if (Ex_set(world, bed_entity(i), SKEP_LIT(Ex, x.n + 7)) != SKEP_OK) return SKEP_FAULT;
    }
    return SKEP_OK;
}

SKEP_SCENE(conflicts, "A main-thread system between jobs that use the same")
{
    crowd_of(b);
    skep_add(b, "update", &write_x);
    skep_run_using(b, "update", "add_seven", add_seven, SKEP_USES(mut, Ex));
    skep_add(b, "update", &x_to_y);
    skep_run(b, "update", "add_again", add_seven);
    skep_add(b, "update", &y_to_z);
}

static void test_S9_jobs_are_part_of_the_conflicts(void **state)
{
    bed b;
    uint32_t x = 1;
    bed_open(&b, *state, &skep_scene_conflicts);
    for (uint32_t f = 0; f < 3; f++) {
        bed_frames(&b, 1);
        x = x * 3 + 7;
        for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(zed_of(&b, i).n, (x + 1) * 10);
        x += 7;
    }
    bed_close(&b);
}

/* ---- S10: one pool for all ------------------------------------------------------------------- */

/* The address of a thread's own variable names the thread. */
static _Thread_local char thread_own;

SKEP_JOB(where, (out, Place, place))
{
    for (uint32_t i = 0; i < task->n; i++) c->place.thread[i] = (uint64_t)(uintptr_t)&thread_own;
}

SKEP_JOB(where_too, (out, Chain, chain), (in, Ex, x))
{
    for (uint32_t i = 0; i < task->n; i++) c->chain.n[i] = c->x.n[i];
}

SKEP_SCENE(places, "Two jobs of one batch")
{
    skep_create_many(b, 4 * CROWD, SKEP_OF(Place), SKEP_OF(Chain), SKEP_WITH(Ex, 5u));
    skep_add(b, "update", &where);
    skep_add(b, "update", &where_too);
}

/* Notes the threads that the last frame ran on; returns how many were seen in all. */
static uint32_t note_threads(bed *b, uint64_t *threads, uint32_t count)
{
    for (uint32_t i = 0; i < 4 * CROWD; i += 16) {
        Place p = {0};
        uint32_t at = 0;
        assert_true(Place_of(b->world, bed_entity(i), &p));
        while (at < count && threads[at] != p.thread) at++;
        if (at < count) continue;
        assert_true(count < 64);
        threads[count++] = p.thread;
    }
    return count;
}

static void test_S10_all_jobs_share_one_pool(void **state)
{
    bed b;
    uint64_t threads[64];
    uint32_t count = 0;
    uint32_t workers = 0;
    bed_open(&b, *state, &skep_scene_places);
    const skep_pool *const pool = skep_sim_pool(b.sim);
    (void)skep_sim_executor(b.sim, &workers);
    for (uint32_t f = 0; f < 10; f++) {
        bed_frames(&b, 1);
        assert_int_equal(bed_report(&b)->batches, 1);
        assert_true(skep_sim_pool(b.sim) == pool);
        if (b.executor->pool == BED_PROCESSES) continue; /* all have the same addresses */
        count = note_threads(&b, threads, count);
        assert_true(count >= 1 && count <= workers + 1);
    }
    if (b.executor->pool == BED_SHUFFLED || b.executor->pool == BED_ELSEWHERE) {
        assert_int_equal(pool_shuffled_counted(pool).jobs_most, 2);
        assert_int_equal(pool_shuffled_counted(pool).batches, 10);
    }
    bed_close(&b);
}

/* ---- S11: nothing to do, nothing called ------------------------------------------------------ */

static skep_status count_run(void *ctx, skep_world *world, float dt)
{
    Runs *runs = Runs_write(world);
    (void)ctx;
    (void)dt;
    if (!runs) return SKEP_NO_MEMORY;
    runs->n++;
    return SKEP_OK;
}

SKEP_JOB(rarely, (mut, Rare, rare))
{
    atomic_fetch_add(&clock_now, 1);
    for (uint32_t i = 0; i < task->n; i++) c->rare.n[i]++;
}

SKEP_SCENE(empties, "Systems that have no rows at first")
{
    crowd_of(b);
    skep_resource(b, SKEP_WITH(Runs, 0u));
    skep_add(b, "update", &rarely);
    skep_run_using(b, "late", "count_run", count_run, SKEP_USES(in, Rare), SKEP_USES(res_mut, Runs))
        ->flags = SKEP_SYSTEM_SKIP_EMPTY;
}

static void test_S11_systems_without_rows_are_skipped(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_empties);
    const uint32_t before = atomic_load(&clock_now);
    bed_frames(&b, 2);
    assert_int_equal(Runs_read(b.world)->n, 0);
    assert_int_equal(bed_report(&b)->tasks, 0);
    assert_int_equal(atomic_load(&clock_now), before);
    assert_int_equal(Rare_attach(b.world, bed_entity(7), SKEP_LIT(Rare, 4)), SKEP_OK);
    bed_frames(&b, 2);
    Rare rare = {0};
    assert_true(Rare_of(b.world, bed_entity(7), &rare));
    assert_int_equal(rare.n, 6);
    assert_int_equal(Runs_read(b.world)->n, 2);
    assert_int_equal(Rare_detach(b.world, bed_entity(7)), SKEP_OK);
    bed_frames(&b, 1);
    assert_int_equal(Runs_read(b.world)->n, 2);
    bed_close(&b);
}

/* ---- S12: a frame within a frame ------------------------------------------------------------- */

static skep_status step_inside(void *ctx, skep_world *world, float dt)
{
    skep_sim *const *sim = ctx;
    (void)world;
    for (uint32_t i = 0; i < 3; i++)
        if (skep_sim_step(*sim, dt) != SKEP_BUSY) return SKEP_FAULT;
    return SKEP_OK;
}

static void test_S12_a_frame_within_a_frame_is_the_running_one(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_chain);
    skep_system_desc d = skep_system_desc_default();
    d.name = "inside";
    d.run = step_inside;
    d.ctx = &b.sim;
    assert_int_equal(skep_plan_add(skep_sim_plan(b.sim), &d), SKEP_OK);
    bed_frames(&b, 4);
    assert_int_equal(bed_report(&b)->overlaps, 12);
    assert_int_equal(skep_world_tick(b.world), 4);
    for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(zed_of(&b, i).n, (81 + 1) * 10);
    bed_close(&b);
}

/* ---- S13: what fails at the end of a batch ends no world ------------------------------------- */

/* One that is added takes itself away and brings the other, which does the same: more than any
 * batch has rounds for. */
static void chain_on(void *ctx, skep_world *world, skep_entity entity)
{
    skep_status *const status = ctx;
    const bool chain = skep_world_has(world, entity, &Chain_info);
    const skep_component *const from = chain ? &Chain_info : &Rare_info;
    *status = skep_world_remove(world, entity, from);
    if (*status == SKEP_OK)
        *status = skep_world_add(world, entity, chain ? &Rare_info : &Chain_info, NULL);
}

SKEP_JOB(start_chain, (in, Ex, x), (add, Chain, chain))
{
    if (task->block == 0) Chain_put(task, c->chain, task->entity[0], SKEP_LIT(Chain, c->x.n[0]));
}

SKEP_SCENE(chains, "A patch that sets off hooks without end")
{
    crowd_of(b);
    skep_add(b, "update", &start_chain);
    skep_add(b, "late", &x_to_y);
}

static void test_S13_a_failing_apply_leaves_a_world_that_goes_on(void **state)
{
    bed b;
    skep_status queued = SKEP_ARGUMENT;
    bed_open(&b, *state, &skep_scene_chains);
    assert_int_equal(skep_world_on_add(b.world, &Chain_info, chain_on, &queued), SKEP_OK);
    assert_int_equal(skep_world_on_add(b.world, &Rare_info, chain_on, &queued), SKEP_OK);
    assert_int_equal(skep_sim_step(b.sim, 1.0f), SKEP_OK); /* the frame goes on without them */
    expect_line(&b, "hook_rounds");
    assert_int_equal(queued, SKEP_OK);
    /* The world is not inside of the frame any more: writes are immediate, snapshots can be taken,
     * frames run. */
    skep_entity e = skep_entity_null();
    assert_int_equal(skep_world_tick(b.world), 1);
    assert_int_equal(skep_entity_create(b.world, &e), SKEP_OK);
    assert_true(skep_entity_alive(b.world, e));
    assert_int_equal(skep_world_check(b.world), SKEP_OK);
    skep_snapshot *snapshot = NULL;
    assert_int_equal(skep_snapshot_take(b.world, &snapshot), SKEP_OK);
    assert_int_equal(skep_world_restore(b.world, snapshot), SKEP_OK);
    skep_snapshot_release(snapshot);
    skep_world_unhook(b.world, chain_on, &queued);
    bed_frames(&b, 2);
    assert_int_equal(skep_world_tick(b.world), 3);
    for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(wy_of(&b, i).n, 2);
    bed_close(&b);
}

int main(void)
{
    int failed = 0;
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_S1_a_reader_waits_for_all_that_it_depends_on),
        cmocka_unit_test(test_S2_after_counts_without_shared_data),
        cmocka_unit_test(test_S3_before_on_a_reader_is_no_cycle),
        cmocka_unit_test(test_S4_an_unknown_name_is_told),
        cmocka_unit_test(test_S5_two_systems_of_one_name_are_told),
        cmocka_unit_test(test_S6_an_unknown_stage_is_told),
        cmocka_unit_test(test_S7_a_system_added_after_frames_runs),
        cmocka_unit_test(test_S8_startup_runs_in_the_first_frame_alone),
        cmocka_unit_test(test_S9_jobs_are_part_of_the_conflicts),
        cmocka_unit_test(test_S10_all_jobs_share_one_pool),
        cmocka_unit_test(test_S11_systems_without_rows_are_skipped),
        cmocka_unit_test(test_S12_a_frame_within_a_frame_is_the_running_one),
        cmocka_unit_test(test_S13_a_failing_apply_leaves_a_world_that_goes_on),
    };
    for (uint32_t e = 0; e < BED_EXECUTORS; e++) {
        printf("on %s\n", bed_executors[e].name);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
            tests[i].initial_state = (void *)(uintptr_t)&bed_executors[e];
        failed += cmocka_run_group_tests_name(bed_executors[e].name, tests, NULL, NULL);
    }
    return failed;
}
