/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * The defects D1 to D10 of the data path of the notes that skep grew from, each by its id and on
 * every executor: what went wrong there must hold here. */
#include "api/bed.h"
#include "skep/recovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Foe, (entity, id));
SKEP_COMPONENT(Mark, (u32, n), (entity, by));
SKEP_COMPONENT(Scar, (u32, n));
SKEP_EVENT(Hit, (f32, amount));
SKEP_PREFAB(Young);
SKEP_PREFAB(Litter);
SKEP_RESOURCE(Count, (u32, rows));
SKEP_RESOURCE(Shed, (u32, rows), (f64, x));
SKEP_RESOURCE(Rules, (f32, speed));

#define CROWD 3000u

/* A row of entities at x = 0, 100, 200, ... that fly at one unit a second. */
static void crowd_of(skep_builder *b, uint32_t n)
{
    Pos_mut pos;
    Vel_mut vel;
    skep_create_many(b, n, Pos_columns(&pos), Vel_columns(&vel), SKEP_OF(Mark), SKEP_OF(Foe));
    for (uint32_t i = 0; i < n; i++) {
        pos.x[i] = (float)i * 100.0f;
        vel.x[i] = 1.0f;
    }
}

static Pos pos_of(bed *b, uint32_t i)
{
    Pos p = {-1.0f, -1.0f};
    assert_true(Pos_of(b->world, bed_entity(i), &p));
    return p;
}

static Mark mark_of(bed *b, uint32_t i)
{
    Mark m = {~0u, {0}};
    assert_true(Mark_of(b->world, bed_entity(i), &m));
    return m;
}

/* ---- D1: what is read and written has one row an entity ---------------------------------- */

SKEP_JOB(fly, (mut, Pos, pos), (in, Vel, vel))
{
    for (uint32_t i = 0; i < task->n; i++) c->pos.x[i] += c->vel.x[i] * task->dt;
}

SKEP_JOB(fly_anew, (in, Pos, old), (out, Pos, pos), (in, Vel, vel))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->pos.x[i] = c->old.x[i] + c->vel.x[i] * task->dt;
        c->pos.y[i] = c->old.y[i];
    }
}

SKEP_SCENE(fliers, "Jobs that read and write one component")
{
    crowd_of(b, CROWD);
    skep_add(b, "update", &fly);
    skep_add(b, "late", &fly_anew);
}

static void test_D1_read_and_written_columns_have_one_row_an_entity(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_fliers);
    bed_frames(&b, 1);
    for (uint32_t i = 0; i < CROWD; i++) {
        assert_true(pos_of(&b, i).x == (float)i * 100.0f + 2.0f && pos_of(&b, i).y == 0.0f);
    }
    assert_int_equal(bed_report(&b)->rows, 2 * CROWD);
    bed_close(&b);
}

/* ---- D2: what was not declared is not written --------------------------------------------- */

/* Its right is made up: a slot that is another component's, and one past the table. */
SKEP_JOB(forger, (in, Foe, foe), (mut, Pos, pos))
{
    const Mark_add forged = {task->tick % 2 ? 0u : 77u};
    for (uint32_t i = 0; i < task->n; i++) {
        c->pos.x[i] = -5.0f;
        Mark_put(task, forged, task->entity[i], SKEP_LIT(Mark, 9, {0}));
    }
}

SKEP_SCENE(forgers, "A job that uses a right that nobody gave it")
{
    crowd_of(b, 100);
    skep_add(b, "update", &forger);
    skep_add(b, "late", &fly);
}

static void test_D2_a_job_cannot_patch_what_it_did_not_declare(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_forgers);
    for (uint32_t f = 0; f < 2; f++) {
        assert_int_equal(skep_sim_step(b.sim, 1.0f), SKEP_OK);
        assert_int_equal(bed_report(&b)->fault_count, 1);
        assert_int_equal(bed_report(&b)->faults[0].status, SKEP_ACCESS);
        assert_string_equal(bed_report(&b)->faults[0].system, "forger");
        for (uint32_t i = 0; i < 100; i++) assert_int_equal(mark_of(&b, i).n, 0);
    }
    bed_close(&b);
}

static skep_status meddle(void *ctx, skep_world *world, float dt)
{
    (void)ctx;
    (void)dt;
    return Pos_set(world, bed_entity(3), SKEP_LIT(Pos, 55.0f, 0.0f));
}

SKEP_SCENE(meddlers, "A main-thread system that declares one thing and writes another")
{
    crowd_of(b, 100);
    skep_run_using(b, "update", "meddle", meddle, SKEP_USES(mut, Vel), SKEP_USES(in, Pos));
}

static void test_D2_a_run_cannot_write_what_it_did_not_declare(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_meddlers);
    assert_int_equal(skep_sim_step(b.sim, 1.0f), SKEP_OK);
    assert_int_equal(bed_report(&b)->fault_count, 1);
    assert_non_null(strstr(bed_report(&b)->faults[0].cause, "Pos"));
    assert_true(pos_of(&b, 3).x == 300.0f);
    bed_close(&b);
}

/* ---- D3: two writers ---------------------------------------------------------------------- */

SKEP_JOB(plus, (mut, Pos, pos))
{
    for (uint32_t i = 0; i < task->n; i++) c->pos.x[i] += 1.0f;
}

SKEP_JOB(twice, (mut, Pos, pos))
{
    for (uint32_t i = 0; i < task->n; i++) c->pos.x[i] *= 2.0f;
}

SKEP_JOB(mark_one, (in, Vel, vel), (add, Mark, mark))
{
    for (uint32_t i = 0; i < task->n; i++)
        Mark_put(task, c->mark, task->entity[i], SKEP_LIT(Mark, 1, {0}));
}

SKEP_JOB(mark_two, (in, Vel, vel), (add, Mark, mark))
{
    for (uint32_t i = 0; i < task->n; i += 2)
        Mark_put(task, c->mark, task->entity[i], SKEP_LIT(Mark, 2, {0}));
}

SKEP_SCENE(writers, "Two systems that write one component, and two that patch one")
{
    crowd_of(b, CROWD);
    skep_add(b, "update", &plus);
    skep_add(b, "update", &twice);
    skep_add(b, "late", &mark_one);
    skep_add(b, "late", &mark_two);
}

static void test_D3_two_writers_write_one_after_the_other(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_writers);
    bed_frames(&b, 2);
    for (uint32_t i = 0; i < CROWD; i++) {
        assert_true(pos_of(&b, i).x == ((float)i * 100.0f + 1.0f) * 4.0f + 2.0f);
        assert_int_equal(mark_of(&b, i).n, i % 2 ? 1 : 2);
    }
    assert_int_equal(skep_plan_batch_of(skep_sim_plan(b.sim), "plus"), 1);
    assert_int_equal(skep_plan_batch_of(skep_sim_plan(b.sim), "twice"), 2);
    bed_close(&b);
}

/* ---- D4: patches for who is gone ---------------------------------------------------------- */

SKEP_JOB(strike, (in, Foe, foe), (add, Mark, mark), (emit, Hit, hit))
{
    for (uint32_t i = 0; i < task->n; i++) {
        Hit_send(task, c->hit, c->foe.id[i], SKEP_LIT(Hit, 1.0f));
        Mark_put(task, c->mark, c->foe.id[i], SKEP_LIT(Mark, 7, task->entity[i]));
    }
}

SKEP_SCENE(strikers, "Jobs that patch entities that are gone")
{
    crowd_of(b, CROWD);
    skep_add(b, "update", &strike);
}

static void test_D4_patches_for_who_is_gone_lose_no_others(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_strikers);
    /* Each strikes the next one; the last two, one that never was, and nobody's handle. */
    for (uint32_t i = 0; i < CROWD; i++) {
        const uint32_t foe = i + 2 < CROWD ? i + 1 : CROWD + 50;
        assert_int_equal(Foe_set(b.world, bed_entity(i), SKEP_LIT(Foe, bed_entity(foe))), SKEP_OK);
    }
    assert_int_equal(skep_entity_destroy(b.world, bed_entity(0)), SKEP_OK);
    for (uint32_t i = 5; i < CROWD; i += 10)
        assert_int_equal(skep_entity_destroy(b.world, bed_entity(i)), SKEP_OK);
    bed_frames(&b, 1);
    uint32_t gone = 0;
    for (uint32_t i = 0; i < CROWD; i++) {
        if (!skep_entity_alive(b.world, bed_entity(i))) continue;
        const uint32_t foe = i + 2 < CROWD ? i + 1 : CROWD + 50;
        if (!skep_entity_alive(b.world, bed_entity(foe))) gone++;
        if (foe < CROWD && skep_entity_alive(b.world, bed_entity(foe)))
            assert_int_equal(mark_of(&b, foe).n, 7);
    }
    assert_true(gone > CROWD / 20);
    assert_int_equal(bed_report(&b)->dropped, 2 * gone); /* the mark and the event */
    bed_close(&b);
}

/* ---- D5: one fails, the others do not ----------------------------------------------------- */

SKEP_JOB_WITH(moody, SKEP_JOB_MAY_FAIL, 0, (mut, Vel, vel), (add, Mark, mark))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->vel.y[i] += 1.0f;
        Mark_put(task, c->mark, task->entity[i], SKEP_LIT(Mark, 5, {0}));
    }
    if (task->tick == 1 && task->block == 1) skep_fail(task, "not today");
}

SKEP_SCENE(moods, "One job fails while another runs beside it")
{
    crowd_of(b, CROWD);
    skep_add(b, "update", &moody);
    skep_add(b, "update", &plus);
}

static void test_D5_a_failing_job_disturbs_no_other_and_leaves_nothing(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_moods);
    for (uint32_t f = 0; f < 4; f++) {
        assert_int_equal(skep_sim_step(b.sim, 1.0f), SKEP_OK);
        assert_int_equal(bed_report(&b)->fault_count, f == 1);
        for (uint32_t i = 0; i < CROWD; i++) {
            Vel v = {-1.0f, -1.0f};
            assert_true(Vel_of(b.world, bed_entity(i), &v));
            assert_true(v.y == (float)(f < 1 ? f + 1 : f)); /* nothing of frame 1, then or later */
            assert_true(pos_of(&b, i).x == (float)i * 100.0f + (float)(f + 1));
        }
    }
    const skep_fault *fault = skep_sim_faults(b.sim, &(uint32_t){0});
    assert_string_equal(fault->cause, "not today");
    assert_int_equal(fault->block, 1);
    bed_close(&b);
}

/* Its patches do not fit into the world: they are dropped and it says so; the columns were in the
 * world before, which a replay has to know. */
SKEP_JOB(breed, (mut, Scar, scar), (spawn, Litter, litter))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->scar.n[i]++;
        if (task->tick > 0) (void)Litter_new(task, c->litter);
    }
}

SKEP_SCENE(litters, "More young than there is room for, once their own are counted")
{
    skep_prefab(b, Young, SKEP_OF(Foe));
    skep_prefab(b, Litter, SKEP_OF(Foe), SKEP_OF(Young));
    skep_create_many(b, 6, SKEP_OF(Scar));
    skep_add(b, "update", &breed);
    skep_add(b, "late", &plus);
}

static void test_D5_patches_that_do_not_fit_are_told_and_replayed(void **state)
{
    bed b;
    uint64_t hashes[6];
    skep_replay_report replay;
    char path[64];
    bed_open_with(&b, *state, &skep_scene_litters, 13, SKEP_OK);
    assert_int_equal(skep_sim_record(b.sim, 1), SKEP_OK);
    for (uint32_t f = 0; f < 6; f++) {
        assert_int_equal(skep_sim_step(b.sim, 1.0f), SKEP_OK);
        hashes[f] = skep_sim_hash(b.sim);
        assert_int_equal(bed_report(&b)->fault_count, f > 0 && f < 4);
        assert_int_equal(skep_world_entity_count(b.world), 6);
        if (f == 0 || f > 3) continue;
        assert_int_equal(bed_report(&b)->faults[0].status, SKEP_LIMIT);
        assert_int_equal(bed_report(&b)->faults[0].action,
                         f < 3 ? SKEP_FAULT_KEPT : SKEP_FAULT_QUARANTINED);
        assert_true(bed_report(&b)->faults[0].kept);
        assert_non_null(strstr(bed_report(&b)->faults[0].cause, "entity_max is 13"));
        Scar s = {0};
        assert_true(Scar_of(b.world, bed_entity(0), &s) && s.n == f + 1);
    }
    (void)snprintf(path, sizeof path, "test_defects_data_%p.record", (void *)&b);
    assert_int_equal(skep_sim_record_save(b.sim, path), SKEP_OK);
    skep_sim_record_end(b.sim);
    assert_int_equal(skep_sim_replay(b.sim, path, &replay), SKEP_OK);
    assert_true(replay.frames == 6 && replay.hashes == 6 && replay.differs == UINT64_MAX);
    assert_true(skep_sim_hash(b.sim) == hashes[5]);
    assert_int_equal(remove(path), 0);
    bed_close(&b);
}

/* ---- D6: structure changes after the batch ------------------------------------------------- */

SKEP_JOB(count, (in, Pos, pos), (sum, Count, count))
{
    c->count->rows += task->n;
}

SKEP_JOB(scar, (in, Pos, pos), (add, Scar, scar), (sum, Count, count))
{
    c->count->rows += task->n;
    for (uint32_t i = 0; i < task->n; i += 2)
        Scar_put(task, c->scar, task->entity[i], SKEP_LIT(Scar, (uint32_t)c->pos.x[i]));
}

SKEP_JOB(shed, (in, Pos, pos), (remove, Vel, vel), (sum, Shed, shed))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->shed->rows++;
        c->shed->x += (double)c->pos.x[i];
        if (c->pos.x[i] >= 100000.0f) Vel_drop(task, c->vel, task->entity[i]);
    }
}

SKEP_SCENE(changes, "Systems of one batch that move each other's rows to other tables")
{
    crowd_of(b, CROWD);
    skep_add(b, "update", &scar);
    skep_add(b, "update", &shed);
}

static void test_D6_structure_changes_when_the_batch_is_over(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_changes);
    skep_plan *plan = skep_sim_plan(b.sim);
    assert_int_equal(skep_plan_batch_of(plan, "scar"), skep_plan_batch_of(plan, "shed"));
    for (uint32_t f = 0; f < 2; f++) {
        bed_frames(&b, 1);
        assert_int_equal(Count_read(b.world)->rows, CROWD);
        assert_int_equal(Shed_read(b.world)->rows, CROWD);
        assert_true(Shed_read(b.world)->x == 50.0 * CROWD * (CROWD - 1));
    }
    for (uint32_t i = 0; i < CROWD; i++) {
        Scar s = {i * 100};
        assert_true(pos_of(&b, i).x == (float)i * 100.0f);
        assert_true(skep_world_has(b.world, bed_entity(i), &Vel_info) == (i < 1000));
        if (Scar_of(b.world, bed_entity(i), &s)) assert_int_equal(s.n, i * 100);
    }
    bed_close(&b);
}

/* ---- D7: zeros and null can be written ------------------------------------------------------ */

SKEP_JOB(point, (in, Vel, vel), (add, Foe, foe), (add, Mark, mark))
{
    for (uint32_t i = 0; i < task->n; i++) {
        const bool none = (task->tick + i) % 2 == 1;
        const skep_entity to = none ? skep_entity_null() : task->entity[i];
        Foe_put(task, c->foe, task->entity[i], SKEP_LIT(Foe, to));
        Mark_put(task, c->mark, task->entity[i], SKEP_LIT(Mark, none ? 0u : 8u, to));
    }
}

SKEP_SCENE(points, "A job that writes null, or not")
{
    crowd_of(b, CROWD);
    skep_add(b, "update", &point);
}

static void test_D7_null_and_zeros_replace_what_was(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_points);
    for (uint32_t f = 0; f < 3; f++) {
        bed_frames(&b, 1);
        for (uint32_t i = 0; i < CROWD; i++) {
            const bool none = (f + i % 1024) % 2 == 1; /* rows are counted in each block */
            Foe foe = {{1}};
            assert_true(Foe_of(b.world, bed_entity(i), &foe));
            assert_true(skep_entity_is_null(foe.id) == none);
            assert_int_equal(mark_of(&b, i).n, none ? 0 : 8);
        }
    }
    bed_close(&b);
}

/* ---- D8: rows of what matches, and only those ------------------------------------------------ */

SKEP_JOB(tell, (in, Pos, pos), (opt, Scar, scar), (mut, Mark, mark))
{
    for (uint32_t i = 0; i < task->n; i++) c->mark.n[i] = c->scar.n ? 100 + c->scar.n[i] : 1;
}

SKEP_JOB(no_rows, (sum, Count, count))
{
    c->count->rows += 1 + task->n;
}

SKEP_SCENE(tales, "Jobs with optional columns, and without rows")
{
    crowd_of(b, CROWD);
    skep_add(b, "update", &tell);
    skep_add(b, "update", &no_rows);
}

static void test_D8_optional_columns_are_there_or_null(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_tales);
    for (uint32_t f = 0; f < 2; f++) {
        for (uint32_t i = f; i < CROWD; i += 7)
            assert_int_equal(Scar_attach(b.world, bed_entity(i), SKEP_LIT(Scar, i)), SKEP_OK);
        bed_frames(&b, 1);
        for (uint32_t i = 0; i < CROWD; i++) {
            const bool scarred = i % 7 == 0 || (f == 1 && i % 7 == 1);
            assert_int_equal(mark_of(&b, i).n, scarred ? 100 + i : 1);
        }
        assert_int_equal(Count_read(b.world)->rows, 1); /* once, without rows */
    }
    bed_close(&b);
}

/* ---- D9: jobs are pure in process too ---------------------------------------------------------
 */

SKEP_JOB(vandal, (in, Vel, vel), (mut, Mark, mark))
{
    float *old = (float *)(uintptr_t)c->vel.x;
    for (uint32_t i = 0; i < task->n; i++) c->mark.n[i] = 3;
    old[0] += 9.0f; /* another value each time that it is tried */
}

SKEP_SCENE(vandals, "A job that writes to its input")
{
    crowd_of(b, 50);
    skep_add(b, "update", &vandal);
}

static void test_D9_a_write_to_the_input_is_caught_where_it_is_checked(void **state)
{
    bed_executor executor = *(const bed_executor *)*state;
    executor.check = true;
    bed b;
    bed_open(&b, &executor, &skep_scene_vandals);
    assert_int_equal(skep_sim_step(b.sim, 1.0f), SKEP_OK);
    assert_int_equal(bed_report(&b)->fault_count, 1);
    /* Where memory is protected it does not even get to be caught. */
    const skep_status status = b.executor->pool == BED_PROCESSES ? SKEP_CLOSED : SKEP_ACCESS;
    assert_int_equal(bed_report(&b)->faults[0].status, status);
    assert_int_equal(mark_of(&b, 0).n, 0);
    bed_close(&b);
}

/* ---- D10: resources reach jobs -----------------------------------------------------------------
 */

SKEP_JOB(obey, (mut, Pos, pos), (res, Rules, rules))
{
    for (uint32_t i = 0; i < task->n; i++) c->pos.y[i] = c->rules->speed + (float)i * 0.0f;
}

static skep_status rule(void *ctx, skep_world *world, float dt)
{
    Rules *rules = Rules_write(world);
    (void)ctx;
    if (!rules) return SKEP_NO_MEMORY;
    rules->speed += dt;
    return SKEP_OK;
}

SKEP_SCENE(laws, "A resource that changes in every frame")
{
    crowd_of(b, CROWD);
    skep_resource(b, SKEP_WITH(Rules, 10.0f));
    skep_run_using(b, "input", "rule", rule, SKEP_USES(res_mut, Rules));
    skep_add(b, "update", &obey);
}

static void test_D10_jobs_see_a_resource_as_it_is_now(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_laws);
    for (uint32_t f = 1; f <= 3; f++) {
        bed_frames(&b, 1);
        for (uint32_t i = 0; i < CROWD; i++) assert_true(pos_of(&b, i).y == 10.0f + (float)f);
    }
    bed_close(&b);
}

int main(void)
{
    int failed = 0;
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_D1_read_and_written_columns_have_one_row_an_entity),
        cmocka_unit_test(test_D2_a_job_cannot_patch_what_it_did_not_declare),
        cmocka_unit_test(test_D2_a_run_cannot_write_what_it_did_not_declare),
        cmocka_unit_test(test_D3_two_writers_write_one_after_the_other),
        cmocka_unit_test(test_D4_patches_for_who_is_gone_lose_no_others),
        cmocka_unit_test(test_D5_a_failing_job_disturbs_no_other_and_leaves_nothing),
        cmocka_unit_test(test_D5_patches_that_do_not_fit_are_told_and_replayed),
        cmocka_unit_test(test_D6_structure_changes_when_the_batch_is_over),
        cmocka_unit_test(test_D7_null_and_zeros_replace_what_was),
        cmocka_unit_test(test_D8_optional_columns_are_there_or_null),
        cmocka_unit_test(test_D9_a_write_to_the_input_is_caught_where_it_is_checked),
        cmocka_unit_test(test_D10_jobs_see_a_resource_as_it_is_now),
    };
    for (uint32_t e = 0; e < BED_EXECUTORS; e++) {
        printf("on %s\n", bed_executors[e].name);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
            tests[i].initial_state = (void *)(uintptr_t)&bed_executors[e];
        failed += cmocka_run_group_tests_name(bed_executors[e].name, tests, NULL, NULL);
    }
    return failed;
}
