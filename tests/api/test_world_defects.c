/* SPDX-License-Identifier: MIT */
/* The defects W1 to W9, D4 and D7 of the notes that skep grew from, each by its id: what went wrong
 * there must hold here. */
#include "skep/world.h"
#include "support/lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Target, (entity, of), (f32, weight));
SKEP_COMPONENT(Mark, (u32, n));

#define OK(call) assert_int_equal((call), SKEP_OK)
#define CROWD 2500u

static int lab_setup(void **state)
{
    static test_lab lab;
    test_lab_open(&lab, 65536 + 1);
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

static void crowd_make(skep_world *w, skep_entity *es, uint32_t n)
{
    const skep_part parts[2] = {SKEP_PART_OF(Pos), SKEP_PART_OF(Vel)};
    OK(skep_entity_create_many(w, n, parts, 2, es));
    for (uint32_t i = 0; i < n; i++) OK(Pos_set(w, es[i], SKEP_LIT(Pos, (float)i, 0.0f)));
}

static skep_query *query_make(skep_world *w, skep_term first, skep_term second)
{
    skep_query *q = NULL;
    skep_query_desc d = skep_query_desc_default();
    d.terms[0] = first;
    d.terms[1] = second;
    OK(skep_query_create(w, &d, &q));
    return q;
}

static const skep_term no_term = {NULL, SKEP_TERM_ALL};

/* Every row is met exactly once, whatever is destroyed, added and created on the way. */
static void test_W1_destroying_while_iterating_skips_no_row(void **state)
{
    skep_world *w = world_of(state);
    static skep_entity es[CROWD];
    static uint8_t met[CROWD * 2];
    crowd_make(w, es, CROWD);
    skep_query *q = query_make(w, SKEP_ALL(Pos), no_term);
    skep_query_iter it = skep_query_begin(q);
    uint32_t seen = 0;
    while (skep_query_next(&it)) {
        const Pos_in pos = Pos_read(&it, 0);
        for (uint32_t i = 0; i < it.n; i++) {
            const uint32_t n = (uint32_t)pos.x[i];
            assert_int_equal(met[n]++, 0);
            seen++;
            if (n % 2) OK(skep_entity_destroy(w, it.entity[i]));
            if (n % 2) assert_false(skep_entity_alive(w, it.entity[i]));
            /* An entity before or behind, of this block or another one, alive or not. */
            const skep_status far = skep_world_add(w, es[(n + 1000) % CROWD], &Mark_info, &n);
            assert_true(far == SKEP_OK || far == SKEP_GONE);
            skep_entity fresh;
            if (n % 100 == 0) OK(skep_entity_create(w, &fresh));
            if (n % 100 == 0) assert_true(skep_entity_alive(w, fresh));
        }
    }
    OK(it.status);
    assert_int_equal(seen, CROWD);
    assert_int_equal(skep_world_entity_count(w), CROWD / 2 + CROWD / 100);
    for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(skep_entity_alive(w, es[i]), i % 2 == 0);
}

static void test_W2_the_65537th_entity_is_another_one(void **state)
{
    skep_world *w = world_of(state);
    static skep_entity es[65537];
    const skep_part mark = SKEP_PART_OF(Mark);
    OK(skep_entity_create_many(w, 65537, &mark, 1, es));
    for (uint32_t i = 0; i < 65537; i++) OK(Mark_set(w, es[i], SKEP_LIT(Mark, i)));
    Mark m;
    assert_true(Mark_of(w, es[0], &m) && m.n == 0);
    assert_true(Mark_of(w, es[65536], &m) && m.n == 65536);
    assert_false(skep_entity_equal(es[0], es[65536]));
}

/* What waits for the end of a pass has its handle at once, and can be given components. */
static void test_W3_a_commands_create_returns_a_real_handle(void **state)
{
    skep_world *w = world_of(state);
    skep_entity es[10];
    skep_entity fresh[10] = {{0}};
    crowd_make(w, es, 10);
    skep_query *q = query_make(w, SKEP_ALL(Pos), no_term);
    skep_query_iter it = skep_query_begin(q);
    while (skep_query_next(&it)) {
        for (uint32_t i = 0; i < it.n; i++) {
            OK(skep_entity_create(w, &fresh[i]));
            assert_false(skep_entity_is_null(fresh[i]));
            OK(Mark_attach(w, fresh[i], SKEP_LIT(Mark, i)));
            OK(Mark_set(w, fresh[i], SKEP_LIT(Mark, i + 1)));
            Mark m;
            assert_true(Mark_of(w, fresh[i], &m) && m.n == i + 1);
        }
    }
    for (uint32_t i = 0; i < 10; i++) {
        Mark m;
        assert_true(Mark_of(w, fresh[i], &m) && m.n == i + 1);
    }
}

/* Counts the entities that a query with a CHANGED term shows, and which one was the last. */
static uint32_t changed_count(skep_query *q, skep_entity *last)
{
    skep_query_iter it = skep_query_begin(q);
    uint32_t count = 0;
    while (skep_query_next(&it)) {
        for (uint32_t i = 0; i < it.row_count; i++) *last = it.entity[it.rows[i]];
        count += it.row_count;
    }
    OK(it.status);
    return count;
}

static void test_W4_a_write_between_frames_is_changed(void **state)
{
    skep_world *w = world_of(state);
    skep_entity es[100];
    skep_entity last = skep_entity_null();
    crowd_make(w, es, 100);
    skep_query *q = query_make(w, SKEP_CHANGED(Pos), no_term);
    (void)changed_count(q, &last);
    assert_int_equal(changed_count(q, &last), 0);
    OK(Pos_set(w, es[42], SKEP_LIT(Pos, 1.0f, 1.0f)));
    assert_int_equal(changed_count(q, &last), 1);
    assert_true(skep_entity_equal(last, es[42]));
    assert_int_equal(changed_count(q, &last), 0);
}

static void test_W5_moving_a_row_does_not_count_as_changed(void **state)
{
    skep_world *w = world_of(state);
    skep_entity es[100];
    skep_entity last = skep_entity_null();
    crowd_make(w, es, 100);
    skep_query *q = query_make(w, SKEP_CHANGED(Pos), no_term);
    (void)changed_count(q, &last);
    OK(skep_entity_destroy(w, es[3])); /* the last row fills the hole */
    OK(Mark_attach(w, es[50], SKEP_LIT(Mark, 1)));
    OK(Vel_detach(w, es[51]));
    assert_int_equal(changed_count(q, &last), 0);
}

static void test_W6_a_component_that_a_table_lacks_has_no_columns(void **state)
{
    skep_world *w = world_of(state);
    skep_entity es[10];
    crowd_make(w, es, 10);
    OK(Mark_attach(w, es[4], SKEP_LIT(Mark, 44)));
    skep_query *q = query_make(w, SKEP_ALL(Pos), SKEP_OPTIONAL(Mark));
    skep_query_iter it = skep_query_begin(q);
    uint32_t without = 0;
    uint32_t with = 0;
    while (skep_query_next(&it)) {
        const Mark_in mark = Mark_read(&it, 1);
        const Mark_mut same = Mark_write(&it, 1);
        assert_true((mark.n == NULL) == (same.n == NULL));
        if (mark.n)
            with += mark.n[0] == 44 ? it.n : 100;
        else
            without += it.n;
    }
    OK(it.status);
    assert_true(with == 1 && without == 9);
}

static void test_W7_destroying_one_entity_reverts_no_other(void **state)
{
    skep_world *w = world_of(state);
    skep_entity es[100];
    crowd_make(w, es, 100);
    for (uint32_t i = 0; i < 100; i++) OK(Pos_set(w, es[i], SKEP_LIT(Pos, 1000.0f + (float)i, 1)));
    for (uint32_t i = 0; i < 100; i += 3) OK(skep_entity_destroy(w, es[i]));
    for (uint32_t i = 0; i < 100; i++) {
        Pos p;
        if (i % 3) assert_true(Pos_of(w, es[i], &p) && p.x == 1000.0f + (float)i);
    }
}

static void test_W8_set_then_add_keeps_the_set(void **state)
{
    skep_world *w = world_of(state);
    skep_entity es[3];
    Pos p;
    crowd_make(w, es, 3);
    OK(Pos_set(w, es[1], SKEP_LIT(Pos, 77.0f, 1.0f)));
    OK(Mark_attach(w, es[1], SKEP_LIT(Mark, 5)));
    assert_true(Pos_of(w, es[1], &p) && p.x == 77.0f);
    /* The same where both wait, or where one does. */
    skep_query *q = query_make(w, SKEP_ALL(Pos), no_term);
    skep_query_iter it = skep_query_begin(q);
    assert_true(skep_query_next(&it));
    OK(Pos_set(w, es[2], SKEP_LIT(Pos, 78.0f, 1.0f)));
    OK(Mark_attach(w, es[2], SKEP_LIT(Mark, 6)));
    OK(Mark_set(w, es[2], SKEP_LIT(Mark, 7)));
    OK(Vel_detach(w, es[2]));
    OK(skep_query_end(&it));
    Mark m;
    assert_true(Pos_of(w, es[2], &p) && p.x == 78.0f);
    assert_true(Mark_of(w, es[2], &m) && m.n == 7);
}

static void test_W9_after_a_destroy_the_right_entity_is_changed(void **state)
{
    skep_world *w = world_of(state);
    skep_entity es[100];
    skep_entity last = skep_entity_null();
    crowd_make(w, es, 100);
    skep_query *q = query_make(w, SKEP_CHANGED(Pos), no_term);
    (void)changed_count(q, &last);
    OK(Pos_set(w, es[99], SKEP_LIT(Pos, 5.0f, 5.0f)));
    OK(skep_entity_destroy(w, es[0])); /* 99 moves into row 0 */
    assert_int_equal(changed_count(q, &last), 1);
    assert_true(skep_entity_equal(last, es[99]));
}

static void test_D4_what_is_gone_is_skipped_and_the_rest_is_done(void **state)
{
    skep_world *w = world_of(state);
    skep_entity es[10];
    const Mark marks[10] = {{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}};
    crowd_make(w, es, 10);
    OK(skep_entity_destroy(w, es[4]));
    OK(skep_world_add_many(w, es, 10, &Mark_info, marks));
    assert_int_equal(skep_world_dropped(w), 1);
    Mark m = {0};
    for (uint32_t i = 0; i < 10; i++) assert_true(Mark_of(w, es[i], &m) ? m.n == i : i == 4);
    /* Waiting commands: a set of what was removed, of what was destroyed, and of what is well. */
    skep_query *q = query_make(w, SKEP_ALL(Pos), no_term);
    skep_query_iter it = skep_query_begin(q);
    assert_true(skep_query_next(&it));
    OK(Mark_detach(w, es[5]));
    assert_int_equal(Mark_set(w, es[5], m), SKEP_NOT_FOUND);
    OK(skep_entity_destroy(w, es[6]));
    assert_int_equal(Mark_set(w, es[6], m), SKEP_GONE);
    assert_int_equal(Mark_attach(w, es[6], m), SKEP_GONE);
    OK(Mark_attach(w, es[7], SKEP_LIT(Mark, 70)));
    OK(skep_query_end(&it));
    assert_true(Mark_of(w, es[7], &m) && m.n == 70);
    assert_false(skep_world_has(w, es[5], &Mark_info));
    assert_int_equal(skep_world_entity_count(w), 8);
}

static void test_D7_null_and_zeros_can_be_written(void **state)
{
    skep_world *w = world_of(state);
    skep_entity es[2];
    Target t;
    crowd_make(w, es, 2);
    OK(Target_attach(w, es[0], SKEP_LIT(Target, es[1], 1.5f)));
    OK(Target_set(w, es[0], SKEP_LIT(Target, skep_entity_null(), 2.5f)));
    assert_true(Target_of(w, es[0], &t) && skep_entity_is_null(t.of) && t.weight == 2.5f);
    OK(skep_world_set(w, es[0], &Target_info, NULL));
    assert_true(Target_of(w, es[0], &t) && t.weight == 0.0f);
    OK(Target_set(w, es[0], SKEP_LIT(Target, es[1], 3.5f)));
    OK(skep_world_add(w, es[0], &Target_info, NULL));
    assert_true(Target_of(w, es[0], &t) && skep_entity_is_null(t.of) && t.weight == 0.0f);
    OK(skep_world_add(w, es[1], &Target_info, NULL));
    assert_true(Target_of(w, es[1], &t) && t.weight == 0.0f);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, lab_setup, lab_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_W1_destroying_while_iterating_skips_no_row),
        TEST(test_W2_the_65537th_entity_is_another_one),
        TEST(test_W3_a_commands_create_returns_a_real_handle),
        TEST(test_W4_a_write_between_frames_is_changed),
        TEST(test_W5_moving_a_row_does_not_count_as_changed),
        TEST(test_W6_a_component_that_a_table_lacks_has_no_columns),
        TEST(test_W7_destroying_one_entity_reverts_no_other),
        TEST(test_W8_set_then_add_keeps_the_set),
        TEST(test_W9_after_a_destroy_the_right_entity_is_changed),
        TEST(test_D4_what_is_gone_is_skipped_and_the_rest_is_done),
        TEST(test_D7_null_and_zeros_can_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
