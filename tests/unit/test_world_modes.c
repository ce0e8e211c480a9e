/* SPDX-License-Identifier: MIT */
/* What a write does inside a `run`, from outside while a frame runs, and with declared access;
 * inputs in their order; records; and the overlay without memory. White box: the modes are the
 * plan's to set. */
#include "core/data/apply.h"
#include "core/world/world_parts.h"
#include "support/lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Hp, (u32, left));
SKEP_TAG(Red);
SKEP_EVENT(Hit, (u32, n));
SKEP_EVENT(Miss, (u32, n));
SKEP_INPUT(Steer, (u32, n));
SKEP_INPUT(Fire, (u32, n), (u8, gun));
SKEP_RESOURCE(Rules, (u32, n));
SKEP_RESOURCE(Other, (u32, n));
SKEP_PREFAB(Bullet);

#define OK(call) assert_int_equal((call), SKEP_OK)

static int lab_setup(void **state)
{
    static test_lab lab;
    test_lab_open(&lab, 4096);
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

static void flush(skep_world *w)
{
    skep__apply_report report = {0, 0};
    w->running = NULL;
    OK(skep__flush(w, &report));
    w->mode = SKEP__WRITE_NOW;
    OK(skep_world_check(w));
}

static void a_run_sees_its_own_commands(void **state)
{
    skep_world *w = world_of(state);
    skep_entity a;
    skep_entity b;
    skep_entity c;
    Pos p = {0};
    Hp h;
    const Pos start = {7, 8};
    const skep_part part = SKEP_PART(Pos, &start);
    OK(skep_world_prefab_define(w, &Bullet_info, &part, 1));
    OK(skep_entity_create_many(w, 1, &part, 1, &a));
    OK(skep_entity_create_many(w, 1, &part, 1, &c));
    w->mode = SKEP__WRITE_BATCH;
    OK(Pos_set(w, a, SKEP_LIT(Pos, 1.0f, 1.0f))); /* in place */
    assert_int_equal(w->batch.count, 0);
    OK(Hp_attach(w, a, SKEP_LIT(Hp, 5)));
    assert_int_equal(w->batch.count, 1);
    assert_true(Hp_of(w, a, &h) && h.left == 5);
    OK(Hp_set(w, a, SKEP_LIT(Hp, 6)));
    assert_true(Hp_of(w, a, &h) && h.left == 6);
    assert_false(skep__value_find(&w->store, a, skep__known(w, &Hp_info), &(uint32_t){0}) != NULL);
    OK(skep_world_spawn(w, &Bullet_info, NULL, 0, &b));
    assert_true(skep_entity_alive(w, b) && Pos_of(w, b, &p) && p.y == 8.0f);
    OK(Pos_set(w, b, SKEP_LIT(Pos, 3.0f, 3.0f)));
    assert_true(Pos_of(w, b, &p) && p.y == 3.0f);
    OK(skep_world_set(w, b, &Pos_info, NULL));
    assert_true(Pos_of(w, b, &p) && p.y == 0.0f);
    OK(Red_attach(w, b));
    assert_true(skep_world_has(w, b, &Red_info));
    OK(Pos_detach(w, a));
    assert_false(Pos_of(w, a, &p));
    assert_int_equal(Pos_set(w, a, p), SKEP_NOT_FOUND);
    OK(skep_entity_destroy(w, c));
    assert_false(skep_entity_alive(w, c) || Pos_of(w, c, &p));
    assert_int_equal(skep_entity_destroy(w, c), SKEP_GONE);
    OK(Rules_set(w, SKEP_LIT(Rules, 4)));
    assert_int_equal(Rules_read(w)->n, 4);
    OK(Hit_post(w, a, SKEP_LIT(Hit, 9)));
    flush(w);
    assert_false(skep_world_has(w, a, &Pos_info));
    assert_true(Hp_of(w, a, &h) && h.left == 6);
    assert_true(Pos_of(w, b, &p) && p.y == 0.0f && skep_world_has(w, b, &Red_info));
    assert_false(skep_entity_alive(w, c));
    skep_event_iter it = skep_world_events(w, &Hit_info, 0);
    Hit hit;
    assert_true(Hit_next(&it, &hit) && hit.n == 9 && skep_entity_equal(it.to, a));
}

/* The same answers when there is no memory for chains. */
static void the_overlay_does_without_memory(void **state)
{
    test_lab *lab = *state;
    skep_world *w = lab->world;
    skep_entity es[40];
    const Pos start = {7, 8};
    const skep_part part = SKEP_PART(Pos, &start);
    OK(skep_entity_create_many(w, 40, &part, 1, es));
    OK(Parent_attach(w, es[30], SKEP_LIT(Parent, es[2])));
    w->mode = SKEP__WRITE_BATCH;
    for (uint32_t i = 0; i < 40; i++) {
        if (!skep_entity_alive(w, es[i])) continue;
        if (i % 3 == 0) OK(Hp_attach(w, es[i], SKEP_LIT(Hp, i)));
        if (i % 4 == 0) OK(Pos_detach(w, es[i]));
        if (i % 5 == 2) OK(skep_entity_destroy(w, es[i]));
        if (i % 6 == 0 && skep_entity_alive(w, es[i])) OK(Hp_set(w, es[i], SKEP_LIT(Hp, 100 + i)));
    }
    bool alive[2][40];
    uint32_t left[2][40] = {{0}};
    bool pos[2][40];
    for (uint32_t round = 0; round < 2; round++) {
        skep__overlay_free(w);
        if (round == 1) test_region_fail(&lab->memory, 1);
        for (uint32_t i = 0; i < 40; i++) {
            Hp h = {0};
            alive[round][i] = skep_entity_alive(w, es[i]);
            if (Hp_of(w, es[i], &h)) left[round][i] = h.left + 1;
            pos[round][i] = skep_world_has(w, es[i], &Pos_info);
        }
    }
    assert_true(lab->memory.failed > 0);
    test_region_fail(&lab->memory, 0);
    assert_memory_equal(alive[0], alive[1], sizeof alive[0]);
    assert_memory_equal(left[0], left[1], sizeof left[0]);
    assert_memory_equal(pos[0], pos[1], sizeof pos[0]);
    assert_false(alive[1][30]); /* with its parent */
    flush(w);
    for (uint32_t i = 0; i < 40; i++) {
        Hp h = {0};
        assert_int_equal(skep_entity_alive(w, es[i]), alive[0][i]);
        assert_int_equal(Hp_of(w, es[i], &h) ? h.left + 1 : 0, left[0][i]);
    }
}

static void commands_can_be_taken_back(void **state)
{
    skep_world *w = world_of(state);
    skep_entity e;
    OK(skep_entity_create(w, &e));
    w->mode = SKEP__WRITE_BATCH;
    OK(Hp_attach(w, e, SKEP_LIT(Hp, 1)));
    const uint32_t used = w->batch.used;
    Hp h;
    OK(Red_attach(w, e));
    OK(Hp_set(w, e, SKEP_LIT(Hp, 2)));
    assert_true(skep_world_has(w, e, &Red_info));
    skep__commands_cut(&w->batch, used, 1);
    assert_false(skep_world_has(w, e, &Red_info));
    assert_true(Hp_of(w, e, &h) && h.left == 1);
    flush(w);
    assert_true(Hp_of(w, e, &h) && h.left == 1);
}

/* ---- from outside ---------------------------------------------------------------------------- */

static void writes_from_outside_wait(void **state)
{
    skep_world *w = world_of(state);
    const Hp nine = {9};
    const skep_part part = SKEP_PART(Hp, &nine);
    skep_entity e;
    skep_entity handle;
    OK(skep_world_prefab_define(w, &Bullet_info, NULL, 0));
    OK(skep_entity_create_many(w, 1, &part, 1, &e));
    w->mode = SKEP__WRITE_QUEUE;
    OK(Hp_set(w, e, SKEP_LIT(Hp, 1)));
    OK(Pos_attach(w, e, SKEP_LIT(Pos, 1.0f, 2.0f)));
    OK(Rules_set(w, SKEP_LIT(Rules, 3)));
    OK(Hit_post(w, e, SKEP_LIT(Hit, 4)));
    assert_int_equal(skep_world_spawn(w, &Bullet_info, &part, 1, &handle), SKEP_BUSY);
    assert_int_equal(skep_entity_create(w, &handle), SKEP_BUSY);
    assert_int_equal(skep_entity_create_at(w, e), SKEP_BUSY);
    assert_null(Rules_write(w));
    OK(skep_world_spawn_many(w, &Bullet_info, 3, &part, 1, NULL));
    Hp h;
    assert_true(Hp_of(w, e, &h) && h.left == 9);
    assert_false(skep_world_has(w, e, &Pos_info));
    assert_null(Rules_read(w));
    OK(skep__outside_prepare(w));
    const skep__apply_buffer buffer = {w->outside.bytes, w->outside.used, NULL};
    skep__apply_report report = {0, 0};
    OK(skep__apply(w, &buffer, 1, &report));
    skep__commands_clear(&w->outside);
    w->mode = SKEP__WRITE_NOW;
    assert_int_equal(report.dropped, 0);
    assert_true(Hp_of(w, e, &h) && h.left == 1);
    assert_true(skep_world_has(w, e, &Pos_info));
    assert_int_equal(Rules_read(w)->n, 3);
    assert_int_equal(skep_world_entity_count(w), 4);
    assert_true(Hp_of(w, skep_entity_make(3, 1), &h) && h.left == 9);
}

/* ---- access ---------------------------------------------------------------------------------- */

static void undeclared_access_is_refused(void **state)
{
    skep_world *w = world_of(state);
    skep_entity e;
    Pos p = {1, 1};
    Hp h = {1};
    uint32_t pos = 0;
    uint32_t hp = 0;
    uint32_t channel = 0;
    uint32_t rules = 0;
    const skep_part parts[2] = {SKEP_PART(Pos, &p), SKEP_PART(Hp, &h)};
    OK(skep_entity_create_many(w, 1, parts, 2, &e));
    OK(skep__world_type(w, &Pos_info, &pos));
    OK(skep__world_type(w, &Hp_info, &hp));
    OK(skep__world_channel(w, &Hit_info, false, &channel));
    OK(skep__world_resource(w, &Rules_info, &rules));
    const uint64_t read = UINT64_C(1) << hp;
    const uint64_t write = UINT64_C(1) << pos;
    const uint64_t emit = UINT64_C(1) << channel;
    const uint64_t resource = UINT64_C(1) << rules;
    const struct skep__system_access access = {.system = "guard",
                                               .read = &read,
                                               .write = &write,
                                               .resource_write = &resource,
                                               .emit = &emit,
                                               .type_words = 1,
                                               .resource_words = 1,
                                               .channel_words = 1};
    w->mode = SKEP__WRITE_BATCH;
    w->running = &access;
    assert_true(Pos_of(w, e, &p) && Hp_of(w, e, &h));
    OK(Pos_set(w, e, p));
    assert_int_equal(Hp_set(w, e, h), SKEP_ACCESS);
    assert_non_null(strstr(skep_world_error(w), "\"guard\""));
    assert_non_null(strstr(skep_world_error(w), "Hp"));
    OK(Pos_attach(w, e, p)); /* sets what is there */
    assert_int_equal(Red_attach(w, e), SKEP_ACCESS);
    assert_int_equal(Pos_detach(w, e), SKEP_ACCESS);
    assert_int_equal(skep_entity_destroy(w, e), SKEP_ACCESS);
    assert_int_equal(skep_entity_create(w, &e), SKEP_ACCESS);
    OK(Hit_post(w, e, SKEP_LIT(Hit, 1)));
    assert_int_equal(Miss_post(w, e, SKEP_LIT(Miss, 1)), SKEP_ACCESS);
    OK(Rules_set(w, SKEP_LIT(Rules, 1)));
    assert_int_equal(Other_set(w, SKEP_LIT(Other, 1)), SKEP_ACCESS);
    assert_null(Other_read(w));
    skep_query *q = NULL;
    skep_query_desc d = skep_query_desc_default();
    d.terms[0] = SKEP_ALL(Pos);
    d.terms[1] = SKEP_ALL(Hp);
    OK(skep_query_create(w, &d, &q));
    skep_query_iter it = skep_query_begin(q);
    assert_true(skep_query_next(&it));
    assert_non_null(Pos_write(&it, 0).x);
    assert_null(Hp_write(&it, 1).left);
    assert_int_equal(it.status, SKEP_ACCESS);
    (void)skep_query_end(&it);
    d.terms[2] = SKEP_NONE(Red);
    assert_int_equal(skep_query_create(w, &d, &q), SKEP_ACCESS);
    flush(w);
}

/* ---- inputs, records ------------------------------------------------------------------------- */

static void inputs_arrive_by_source_and_number(void **state)
{
    test_lab *lab = *state;
    skep_world *w = lab->world;
    const uint32_t sources[6] = {3, 1, 2, 1, 3, 1};
    const uint32_t numbers[6] = {1, 2, 1, 1, 0, 1};
    const uint32_t order[6] = {3, 5, 1, 2, 4, 0}; /* 3 and 5 are alike: as they came */
    for (uint32_t i = 0; i < 6; i++) {
        if (i % 2)
            OK(Steer_post(w, sources[i], numbers[i], skep_entity_null(), SKEP_LIT(Steer, i)));
        else
            OK(Fire_post(w, sources[i], numbers[i], skep_entity_null(), SKEP_LIT(Fire, i, 1)));
    }
    test_region_fail(&lab->memory, 1);
    (void)skep__inputs_deliver(w); /* whether or not it needed memory, all or nothing */
    test_region_fail(&lab->memory, 0);
    if (w->inputs.count) assert_int_equal(w->event_seq, 1);
    OK(skep__inputs_deliver(w));
    OK(skep__inputs_deliver(w));
    uint32_t seen = 0;
    for (uint32_t kind = 0; kind < 2; kind++) {
        const skep_component *info = kind ? &Steer_info : &Fire_info;
        skep_event_iter it = skep_world_events(w, info, 0);
        while (skep_event_next(&it)) {
            uint32_t n = 0;
            memcpy(&n, it.value, sizeof n);
            assert_int_equal(n, order[it.seq - 1]);
            seen++;
        }
    }
    assert_int_equal(seen, 6);
}

static void records_are_found_by_name(void **state)
{
    skep_world *w = world_of(state);
    uint32_t a = 9;
    uint32_t b = 9;
    uint32_t again = 9;
    char name[80];
    OK(skep__world_record(w, "move", &a));
    OK(skep__world_record(w, "moved", &b));
    skep__record_write(w, a)->bytes[3] = 42;
    OK(skep__world_record(w, "move", &again));
    assert_true(a == 0 && b == 1 && again == 0);
    assert_int_equal(skep__record_read(w, 0)->bytes[3], 42);
    assert_int_equal(skep__record_read(w, 1)->bytes[3], 0);
    memset(name, 'x', sizeof name);
    name[79] = 0;
    assert_int_equal(skep__world_record(w, name, &a), SKEP_ARGUMENT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, lab_setup, lab_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_run_sees_its_own_commands),  TEST(the_overlay_does_without_memory),
        TEST(commands_can_be_taken_back),   TEST(writes_from_outside_wait),
        TEST(undeclared_access_is_refused), TEST(inputs_arrive_by_source_and_number),
        TEST(records_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
