/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * The defects W1 to W9 of the world of the notes that skep grew from, as far as jobs can meet them,
 * each by its id and on every executor. test_world_defects.c has them for the main thread. */
#include "api/bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x));
SKEP_COMPONENT(Seen, (u32, n));
SKEP_COMPONENT(Mark, (u32, n));
SKEP_COMPONENT(Self, (entity, id));
SKEP_COMPONENT(Young, (entity, parent), (u32, greeted));
SKEP_EVENT(Hello, (u32, n));
SKEP_RESOURCE(Met, (u32, rows), (u64, indexes));
SKEP_PREFAB(Egg);

#define CROWD 2500u

static void crowd_of(skep_builder *b, uint32_t n)
{
    Pos_mut pos;
    skep_create_many(b, n, Pos_columns(&pos), SKEP_OF(Seen));
    for (uint32_t i = 0; i < n; i++) pos.x[i] = (float)i;
}

static uint32_t seen_of(bed *b, uint32_t i)
{
    Seen s = {~0u};
    assert_true(Seen_of(b->world, bed_entity(i), &s));
    return s.n;
}

/* ---- W1: destroying while iterating ---------------------------------------------------------- */

/* Destroys odd rows, its neighbours' too, and goes on over its own. */
SKEP_JOB(cull, (in, Pos, pos), (mut, Seen, seen), (destroy, Entity, any), (sum, Met, met))
{
    for (uint32_t i = 0; i < task->n; i++) {
        const uint32_t index = skep_entity_index(task->entity[i]);
        c->met->rows++;
        c->met->indexes += index;
        c->seen.n[i] += 1 + (uint32_t)c->pos.x[i];
        if (index % 2) skep_destroy(task, c->any, task->entity[i]);
        if (index % 2 == 0 && i + 1 < task->n) skep_destroy(task, c->any, task->entity[i + 1]);
    }
}

SKEP_SCENE(culls, "A job that destroys the rows it walks over")
{
    crowd_of(b, CROWD);
    skep_add(b, "update", &cull);
}

static void test_W1_destroying_while_iterating_skips_no_row(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_culls);
    bed_frames(&b, 1);
    assert_int_equal(Met_read(b.world)->rows, CROWD);
    assert_int_equal(Met_read(b.world)->indexes, (uint64_t)CROWD * (CROWD - 1) / 2);
    assert_int_equal(skep_world_entity_count(b.world), CROWD / 2);
    for (uint32_t i = 0; i < CROWD; i++) {
        assert_true(skep_entity_alive(b.world, bed_entity(i)) == (i % 2 == 0));
        if (i % 2 == 0) assert_int_equal(seen_of(&b, i), i + 1);
    }
    bed_close(&b);
}

/* ---- W2: more than 65,536 entities ------------------------------------------------------------
 */

SKEP_JOB(know_self, (out, Self, self))
{
    for (uint32_t i = 0; i < task->n; i++) c->self.id[i] = task->entity[i];
}

SKEP_SCENE(many, "More entities than 16 bits can number")
{
    skep_create_many(b, 70000, SKEP_OF(Self));
    skep_add(b, "update", &know_self);
}

static void test_W2_the_65537th_entity_is_another_one(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_many);
    bed_frames(&b, 1);
    for (uint32_t i = 0; i < 70000; i++) {
        Self s = {{0}};
        assert_true(Self_of(b.world, bed_entity(i), &s));
        assert_true(skep_entity_equal(s.id, bed_entity(i)) && skep_entity_index(s.id) == i);
    }
    bed_close(&b);
}

/* ---- W3: what is created has its handle at once ------------------------------------------------
 */

/* Gives the new one a component, tells it hello, and writes its handle down. */
SKEP_JOB(lay, (in, Pos, pos), (spawn, Egg, egg), (emit, Hello, hello), (add, Self, self))
{
    for (uint32_t i = 0; i < task->n; i += 2) {
        const skep_entity e = Egg_new(task, c->egg);
        Young_init(task, e, SKEP_LIT(Young, task->entity[i], 0));
        Hello_send(task, c->hello, e, SKEP_LIT(Hello, (uint32_t)c->pos.x[i]));
        Self_put(task, c->self, task->entity[i], SKEP_LIT(Self, e));
    }
}

SKEP_JOB(hear, (mut, Young, young), (inbox, Hello, hello))
{
    for (uint32_t i = 0; i < task->n; i++)
        for (uint32_t k = c->hello.begin[i]; k < c->hello.begin[i + 1]; k++)
            c->young.greeted[i] += c->hello.n[k] + 1;
}

SKEP_SCENE(eggs, "A job that uses what it just spawned")
{
    crowd_of(b, CROWD);
    skep_prefab(b, Egg, SKEP_OF(Young));
    skep_add_when(b, "update", &lay)->every = 100;
    skep_add(b, "late", &hear);
}

static void test_W3_a_spawn_returns_a_real_handle(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_eggs);
    bed_frames(&b, 2);
    uint32_t eggs = 0;
    for (uint32_t i = 0; i < CROWD; i++) {
        Self s = {{0}};
        Young y = {{0}, 0};
        if (!Self_of(b.world, bed_entity(i), &s)) continue;
        eggs++;
        assert_false(skep_entity_is_null(s.id));
        assert_true(Young_of(b.world, s.id, &y));
        assert_true(skep_entity_equal(y.parent, bed_entity(i)));
        assert_int_equal(y.greeted, i + 1);
    }
    assert_int_equal(eggs, CROWD / 2);
    assert_int_equal(skep_world_entity_count(b.world), CROWD + eggs);
    bed_close(&b);
}

/* ---- W4, W5, W9: changed is what was written, and nothing else ------------------------------- */

SKEP_JOB(watch, (changed, Pos, pos), (mut, Seen, seen))
{
    for (uint32_t i = 0; i < task->n; i++) c->seen.n[i] += Pos_changed_at(&c->pos, i);
}

SKEP_SCENE(watchers, "A job that counts how often each row was written")
{
    crowd_of(b, CROWD);
    skep_add(b, "update", &watch);
}

/* Opens, and counts from zero. */
static void watch_open(bed *b, void **state)
{
    bed_open(b, *state, &skep_scene_watchers);
    bed_frames(b, 1);
    for (uint32_t i = 0; i < CROWD; i++)
        assert_int_equal(Seen_set(b->world, bed_entity(i), SKEP_LIT(Seen, 0)), SKEP_OK);
    bed_frames(b, 1);
    for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(seen_of(b, i), 0);
}

static void test_W4_a_write_between_frames_is_changed_once(void **state)
{
    bed b;
    watch_open(&b, state);
    assert_int_equal(Pos_set(b.world, bed_entity(1500), SKEP_LIT(Pos, -1.0f)), SKEP_OK);
    bed_frames(&b, 3);
    for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(seen_of(&b, i), i == 1500);
    bed_close(&b);
}

static void test_W5_moving_rows_changes_nothing(void **state)
{
    bed b;
    watch_open(&b, state);
    for (uint32_t i = 0; i < 1000; i += 3)
        assert_int_equal(skep_entity_destroy(b.world, bed_entity(i)), SKEP_OK);
    for (uint32_t i = 1; i < 1000; i += 3)
        assert_int_equal(Mark_attach(b.world, bed_entity(i), SKEP_LIT(Mark, i)), SKEP_OK);
    bed_frames(&b, 2);
    for (uint32_t i = 0; i < CROWD; i++) {
        if (i < 1000 && i % 3 == 0) continue;
        assert_int_equal(seen_of(&b, i), 0);
    }
    bed_close(&b);
}

static void test_W9_after_a_destroy_the_right_entity_is_changed(void **state)
{
    bed b;
    watch_open(&b, state);
    const uint32_t last = CROWD - 1;
    assert_int_equal(Pos_set(b.world, bed_entity(last), SKEP_LIT(Pos, -1.0f)), SKEP_OK);
    assert_int_equal(skep_entity_destroy(b.world, bed_entity(0)), SKEP_OK); /* last fills row 0 */
    bed_frames(&b, 2);
    for (uint32_t i = 1; i < CROWD; i++) assert_int_equal(seen_of(&b, i), i == last);
    bed_close(&b);
}

/* ---- W6: a component that a table lacks ------------------------------------------------------ */

SKEP_JOB(ask, (opt, Mark, mark), (mut, Seen, seen))
{
    for (uint32_t i = 0; i < task->n; i++) c->seen.n[i] = c->mark.n ? c->mark.n[i] : 7777;
}

SKEP_SCENE(asking, "A job over tables with and without a component")
{
    crowd_of(b, CROWD);
    skep_add(b, "update", &ask);
}

static void test_W6_a_component_that_a_table_lacks_is_null(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_asking);
    for (uint32_t i = 0; i < CROWD; i += 5)
        assert_int_equal(Mark_attach(b.world, bed_entity(i), SKEP_LIT(Mark, i)), SKEP_OK);
    bed_frames(&b, 1);
    for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(seen_of(&b, i), i % 5 ? 7777 : i);
    bed_close(&b);
}

/* ---- W7, W8: no patch takes another one back ------------------------------------------------- */

SKEP_JOB(walk, (mut, Pos, pos))
{
    for (uint32_t i = 0; i < task->n; i++) c->pos.x[i] += 1000.0f;
}

SKEP_JOB(take_thirds, (in, Seen, seen), (destroy, Entity, any), (add, Pos, pos), (add, Mark, mark))
{
    for (uint32_t i = 0; i < task->n; i++) {
        const uint32_t index = skep_entity_index(task->entity[i]);
        if (index % 3 == 0) skep_destroy(task, c->any, task->entity[i]);
        if (index % 3 == 1) Pos_put(task, c->pos, task->entity[i], SKEP_LIT(Pos, -5.0f));
        if (index % 3) Mark_put(task, c->mark, task->entity[i], SKEP_LIT(Mark, index));
    }
    (void)c->seen;
}

SKEP_SCENE(thirds, "Rows that are written, set, added to and destroyed in one frame")
{
    crowd_of(b, CROWD);
    skep_add(b, "update", &walk);
    skep_add(b, "late", &take_thirds);
}

static void expect_thirds(bed *b)
{
    for (uint32_t i = 0; i < CROWD; i++) {
        Pos p = {0.0f};
        Mark m = {0};
        assert_true(skep_entity_alive(b->world, bed_entity(i)) == (i % 3 != 0));
        if (i % 3 == 0) continue;
        assert_true(Pos_of(b->world, bed_entity(i), &p) && Mark_of(b->world, bed_entity(i), &m));
        assert_true(p.x == (i % 3 == 1 ? -5.0f : (float)i + 1000.0f));
        assert_int_equal(m.n, i);
    }
}

static void test_W7_destroying_one_entity_reverts_no_other(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_thirds);
    bed_frames(&b, 1);
    expect_thirds(&b);
    /* And on the main thread, over what jobs wrote. */
    for (uint32_t i = 2; i < CROWD; i += 6)
        assert_int_equal(skep_entity_destroy(b.world, bed_entity(i)), SKEP_OK);
    for (uint32_t i = 5; i < CROWD; i += 6) {
        Pos p = {0.0f};
        assert_true(Pos_of(b.world, bed_entity(i), &p) && p.x == (float)i + 1000.0f);
    }
    bed_close(&b);
}

static void test_W8_set_then_add_keeps_the_set(void **state)
{
    bed b;
    bed_open(&b, *state, &skep_scene_thirds);
    skep_snapshot *kept = NULL; /* so that the set has to copy its block */
    assert_int_equal(skep_snapshot_take(b.world, &kept), SKEP_OK);
    assert_int_equal(Pos_set(b.world, bed_entity(2), SKEP_LIT(Pos, 2.0f)), SKEP_OK);
    assert_int_equal(Mark_attach(b.world, bed_entity(2), SKEP_LIT(Mark, 9)), SKEP_OK);
    bed_frames(&b, 1);
    expect_thirds(&b);
    skep_snapshot_release(kept);
    bed_close(&b);
}

int main(void)
{
    int failed = 0;
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_W1_destroying_while_iterating_skips_no_row),
        cmocka_unit_test(test_W2_the_65537th_entity_is_another_one),
        cmocka_unit_test(test_W3_a_spawn_returns_a_real_handle),
        cmocka_unit_test(test_W4_a_write_between_frames_is_changed_once),
        cmocka_unit_test(test_W5_moving_rows_changes_nothing),
        cmocka_unit_test(test_W6_a_component_that_a_table_lacks_is_null),
        cmocka_unit_test(test_W7_destroying_one_entity_reverts_no_other),
        cmocka_unit_test(test_W8_set_then_add_keeps_the_set),
        cmocka_unit_test(test_W9_after_a_destroy_the_right_entity_is_changed),
    };
    for (uint32_t e = 0; e < BED_EXECUTORS; e++) {
        printf("on %s\n", bed_executors[e].name);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
            tests[i].initial_state = (void *)(uintptr_t)&bed_executors[e];
        failed += cmocka_run_group_tests_name(bed_executors[e].name, tests, NULL, NULL);
    }
    return failed;
}
