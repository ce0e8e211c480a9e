/* SPDX-License-Identifier: MIT */
/* Queries through the public header: which tables match, what changed, what was removed, and what a
 * pass may do. */
#include "skep/snapshot.h"
#include "skep/world.h"
#include "support/lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Hp, (u32, left));
SKEP_TAG(Red);
SKEP_TAG(Blue);

#define OK(call) assert_int_equal((call), SKEP_OK)
#define CROWD 5000u

static int lab_setup(void **state)
{
    static test_lab lab;
    test_lab_open(&lab, 100000);
    *state = &lab;
    return 0;
}

static int lab_teardown(void **state)
{
    test_lab_close(*state);
    return 0;
}

static skep_world *world_of(void **state)
{
    return ((test_lab *)*state)->world;
}

static skep_query *query_of(skep_world *w, const skep_term *terms, uint32_t n)
{
    skep_query *q = NULL;
    skep_query_desc d = skep_query_desc_default();
    for (uint32_t i = 0; i < n; i++) d.terms[i] = terms[i];
    OK(skep_query_create(w, &d, &q));
    return q;
}

/* Entity i has Pos; Vel where i % 2; Red where i % 3 == 0; Blue where i % 5 == 0; Hp = i where i %
 * 7 == 0. */
static void crowd_make(skep_world *w, skep_entity *es)
{
    const skep_part pos = SKEP_PART_OF(Pos);
    OK(skep_entity_create_many(w, CROWD, &pos, 1, es));
    for (uint32_t i = 0; i < CROWD; i++) {
        OK(Pos_set(w, es[i], SKEP_LIT(Pos, (float)i, 0.0f)));
        if (i % 2) OK(Vel_attach(w, es[i], SKEP_LIT(Vel, 1.0f, 2.0f)));
        if (i % 3 == 0) OK(Red_attach(w, es[i]));
        if (i % 5 == 0) OK(Blue_attach(w, es[i]));
        if (i % 7 == 0) OK(Hp_attach(w, es[i], SKEP_LIT(Hp, i)));
    }
}

static uint32_t rows_of(skep_query *q)
{
    skep_query_iter it = skep_query_begin(q);
    uint32_t n = 0;
    while (skep_query_next(&it)) n += it.rows ? it.row_count : it.n;
    OK(it.status);
    return n;
}

static void terms_choose_tables(void **state)
{
    skep_world *w = world_of(state);
    static skep_entity es[CROWD];
    uint32_t expect[4] = {0};
    crowd_make(w, es);
    for (uint32_t i = 0; i < CROWD; i++) {
        expect[0] += i % 2 != 0;
        expect[1] += i % 2 && i % 3;
        expect[2] += i % 3 == 0 || i % 5 == 0;
        expect[3] += i % 7 == 0 && (i % 3 == 0 || i % 5 == 0) && i % 2 == 0;
    }
    skep_query *all = query_of(w, NULL, 0);
    skep_query *both = query_of(w, (skep_term[]){SKEP_ALL(Pos), SKEP_ALL(Vel)}, 2);
    skep_query *none = query_of(w, (skep_term[]){SKEP_ALL(Vel), SKEP_NONE(Red)}, 2);
    skep_query *any = query_of(w, (skep_term[]){SKEP_ANY(Red), SKEP_ANY(Blue)}, 2);
    skep_query *mix =
        query_of(w, (skep_term[]){SKEP_ANY(Red), SKEP_ALL(Hp), SKEP_ANY(Blue), SKEP_NONE(Vel)}, 4);
    assert_int_equal(rows_of(all), CROWD);
    assert_int_equal(rows_of(both), expect[0]);
    assert_int_equal(rows_of(none), expect[1]);
    assert_int_equal(rows_of(any), expect[2]);
    assert_int_equal(rows_of(mix), expect[3]);
    assert_int_equal(skep_query_count(mix), expect[3]);
    /* A table made later is found. */
    skep_entity e;
    OK(skep_entity_create(w, &e));
    OK(Blue_attach(w, e));
    OK(Red_attach(w, e));
    assert_int_equal(rows_of(any), expect[2] + 1);
    skep_query_destroy(any);
    skep_query_destroy(NULL);
}

static void columns_are_read_and_written(void **state)
{
    skep_world *w = world_of(state);
    static skep_entity es[CROWD];
    crowd_make(w, es);
    skep_query *q = query_of(w, (skep_term[]){SKEP_ALL(Pos), SKEP_ALL(Vel), SKEP_OPTIONAL(Hp)}, 3);
    skep_query_iter it = skep_query_begin(q);
    while (skep_query_next(&it)) {
        const Pos_mut pos = Pos_write(&it, 0);
        const Vel_in vel = Vel_read(&it, 1);
        const Hp_mut hp = Hp_write(&it, 2);
        assert_non_null(pos.x);
        for (uint32_t i = 0; i < it.n; i++) {
            assert_true(pos.x[i] == (float)skep_entity_index(it.entity[i]));
            pos.x[i] += vel.x[i];
            pos.y[i] += vel.y[i];
            if (hp.left) hp.left[i]++;
        }
    }
    OK(it.status);
    assert_false(skep_query_next(&it));
    OK(skep_query_end(&it));
    for (uint32_t i = 0; i < CROWD; i++) {
        Pos p = {0.0f, 0.0f};
        Hp h = {0};
        assert_true(Pos_of(w, es[i], &p));
        assert_true(p.x == (float)(i + i % 2) && p.y == (float)(i % 2) * 2.0f);
        if (i % 7 == 0) assert_true(Hp_of(w, es[i], &h) && h.left == i + i % 2);
    }
}

/* What a pass writes must not reach a snapshot, and comes back with it. */
static void a_pass_copies_what_a_snapshot_holds(void **state)
{
    skep_world *w = world_of(state);
    static skep_entity es[CROWD];
    skep_snapshot *before = NULL;
    crowd_make(w, es);
    OK(skep_snapshot_take(w, &before));
    skep_query *q = query_of(w, (skep_term[]){SKEP_ALL(Pos)}, 1);
    skep_query_iter it = skep_query_begin(q);
    while (skep_query_next(&it)) {
        const Pos_mut pos = Pos_write(&it, 0);
        for (uint32_t i = 0; i < it.n; i++) pos.x[i] = -1.0f;
    }
    Pos p;
    assert_true(Pos_of(w, es[77], &p) && p.x == -1.0f);
    OK(skep_world_restore(w, before));
    assert_true(Pos_of(w, es[77], &p) && p.x == 77.0f);
    skep_snapshot_release(before);
}

static void changed_rows(skep_query *q, uint8_t *marks)
{
    memset(marks, 0, CROWD);
    skep_query_iter it = skep_query_begin(q);
    while (skep_query_next(&it)) {
        assert_true(it.row_count > 0 && it.row_count <= it.n);
        for (uint32_t i = 0; i < it.row_count; i++)
            marks[skep_entity_index(it.entity[it.rows[i]])]++;
    }
    OK(it.status);
}

static void changed_is_exact_by_row(void **state)
{
    skep_world *w = world_of(state);
    static skep_entity es[CROWD];
    static uint8_t marks[CROWD];
    crowd_make(w, es);
    skep_query *pos = query_of(w, (skep_term[]){SKEP_CHANGED(Pos)}, 1);
    skep_query *either = query_of(w, (skep_term[]){SKEP_CHANGED(Pos), SKEP_CHANGED(Vel)}, 2);
    changed_rows(pos, marks);
    changed_rows(either, marks);
    for (uint32_t i = 0; i < CROWD; i += 11) OK(Pos_set(w, es[i], SKEP_LIT(Pos, 1.0f, 1.0f)));
    for (uint32_t i = 1; i < CROWD; i += 26) OK(Vel_set(w, es[i], SKEP_LIT(Vel, 1.0f, 1.0f)));
    for (uint32_t i = 0; i < CROWD; i += 13) OK(skep_world_remove(w, es[i], &Red_info));
    changed_rows(pos, marks);
    for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(marks[i], i % 11 == 0);
    changed_rows(pos, marks);
    for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(marks[i], 0);
    changed_rows(either, marks);
    for (uint32_t i = 0; i < CROWD; i++)
        assert_int_equal(marks[i], i % 2 && (i % 11 == 0 || i % 26 == 1));
    /* What a pass itself writes is news for the next one. */
    skep_query *write = query_of(w, (skep_term[]){SKEP_ALL(Hp), SKEP_ALL(Pos)}, 2);
    skep_query_iter it = skep_query_begin(write);
    while (skep_query_next(&it)) assert_non_null(Pos_write(&it, 1).x);
    changed_rows(pos, marks);
    for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(marks[i], i % 7 == 0);
    const uint64_t now = skep_query_since(pos);
    skep_query_since_set(pos, 0);
    changed_rows(pos, marks);
    for (uint32_t i = 0; i < CROWD; i += 7) assert_int_equal(marks[i], 1);
    skep_query_since_set(pos, now);
    changed_rows(pos, marks);
    for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(marks[i], 0);
}

/* Adding is writing; a query made before the component had any rows sees them. */
static void what_is_added_is_changed(void **state)
{
    skep_world *w = world_of(state);
    skep_entity e;
    static uint8_t marks[CROWD];
    skep_query *q = query_of(w, (skep_term[]){SKEP_CHANGED(Hp)}, 1);
    changed_rows(q, marks);
    OK(skep_entity_create(w, &e));
    OK(Hp_attach(w, e, SKEP_LIT(Hp, 1)));
    changed_rows(q, marks);
    assert_int_equal(marks[skep_entity_index(e)], 1);
    changed_rows(q, marks);
    assert_int_equal(marks[skep_entity_index(e)], 0);
    const skep_part hp = SKEP_PART_OF(Hp);
    OK(skep_entity_create_many(w, 1, &hp, 1, &e));
    changed_rows(q, marks);
    assert_int_equal(marks[skep_entity_index(e)], 1);
}

static void removed_lists_what_lost_it(void **state)
{
    skep_world *w = world_of(state);
    skep_entity es[6];
    const skep_entity *lost = NULL;
    uint32_t n = 9;
    const skep_part hp = SKEP_PART_OF(Hp);
    OK(skep_entity_create_many(w, 6, &hp, 1, es));
    skep_query *q = query_of(w, (skep_term[]){SKEP_REMOVED(Hp), SKEP_OPTIONAL(Hp)}, 2);
    OK(skep_query_removed(q, 0, &lost, &n));
    assert_int_equal(n, 0);
    assert_int_equal(skep_query_removed(q, 1, &lost, &n), SKEP_ARGUMENT);
    OK(Hp_detach(w, es[4]));
    OK(skep_entity_destroy(w, es[2]));
    OK(Hp_attach(w, es[4], SKEP_LIT(Hp, 1)));
    OK(skep_query_removed(q, 0, &lost, &n));
    assert_true(n == 2 && skep_entity_equal(lost[0], es[4]) && skep_entity_equal(lost[1], es[2]));
    OK(skep_query_removed(q, 0, &lost, &n));
    assert_int_equal(n, 0);
    OK(Hp_detach(w, es[5]));
    skep_world_frame_end(w);
    skep_world_frame_end(w);
    OK(skep_query_removed(q, 0, &lost, &n));
    assert_int_equal(n, 0);
}

/* Passes may be nested and left early; what waits is made when the last one ends. */
static void passes_nest(void **state)
{
    skep_world *w = world_of(state);
    static skep_entity es[CROWD];
    crowd_make(w, es);
    skep_query *q = query_of(w, (skep_term[]){SKEP_ALL(Hp)}, 1);
    const uint64_t hps = skep_query_count(q);
    skep_query_iter outer = skep_query_begin(q);
    assert_true(skep_query_next(&outer));
    const skep_entity first = outer.entity[0];
    skep_query_iter inner = skep_query_begin(q);
    uint32_t n = 0;
    while (skep_query_next(&inner)) {
        for (uint32_t i = 0; i < inner.n; i++) OK(Hp_detach(w, inner.entity[i]));
        n += inner.n;
    }
    assert_int_equal(n, hps);
    assert_int_equal(skep_query_count(q), hps);
    assert_false(skep_world_has(w, first, &Hp_info));
    OK(skep_query_end(&outer));
    OK(skep_query_end(&outer));
    assert_int_equal(skep_query_count(q), 0);
}

/* A destroy that waits takes children along for those who ask, at once. */
static void waiting_destroys_reach_children(void **state)
{
    skep_world *w = world_of(state);
    skep_entity es[5];
    for (uint32_t i = 0; i < 5; i++) OK(skep_entity_create(w, &es[i]));
    for (uint32_t i = 1; i < 4; i++) OK(Parent_attach(w, es[i], SKEP_LIT(Parent, es[i - 1])));
    skep_query *q = query_of(w, NULL, 0);
    skep_query_iter it = skep_query_begin(q);
    assert_true(skep_query_next(&it));
    OK(Parent_attach(w, es[4], SKEP_LIT(Parent, es[3])));
    OK(Parent_detach(w, es[2]));
    OK(skep_entity_destroy(w, es[0]));
    const bool alive[5] = {false, false, true, true, true};
    for (uint32_t i = 0; i < 5; i++) assert_int_equal(skep_entity_alive(w, es[i]), alive[i]);
    OK(skep_entity_destroy(w, es[3]));
    assert_false(skep_entity_alive(w, es[4]));
    assert_int_equal(Hp_attach(w, es[4], SKEP_LIT(Hp, 1)), SKEP_GONE);
    OK(skep_query_end(&it));
    const bool left[5] = {false, false, true, false, false};
    for (uint32_t i = 0; i < 5; i++) assert_int_equal(skep_entity_alive(w, es[i]), left[i]);
    assert_int_equal(skep_world_entity_count(w), 1);
}

static void mistakes_are_statuses(void **state)
{
    skep_world *w = world_of(state);
    skep_query *q = NULL;
    skep_query_desc d;
    memset(&d, 0, sizeof d);
    assert_int_equal(skep_query_create(w, &d, &q), SKEP_ARGUMENT);
    d = skep_query_desc_default();
    const skep_component event = {"Boom", NULL, 0, 0, 1, SKEP_KIND_EVENT};
    d.terms[0] = skep_term_make(&event, SKEP_TERM_ALL);
    assert_int_equal(skep_query_create(w, &d, &q), SKEP_ARGUMENT);
    assert_null(q);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, lab_setup, lab_teardown)
    const struct CMUnitTest tests[] = {
        TEST(terms_choose_tables),
        TEST(columns_are_read_and_written),
        TEST(a_pass_copies_what_a_snapshot_holds),
        TEST(changed_is_exact_by_row),
        TEST(what_is_added_is_changed),
        TEST(removed_lists_what_lost_it),
        TEST(passes_nest),
        TEST(waiting_destroys_reach_children),
        TEST(mistakes_are_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
