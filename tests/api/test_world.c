/* SPDX-License-Identifier: MIT */
/* The world through its public header: life, entities, components, prefabs, children, resources,
 * events, inputs, hooks and limits. */
#include "skep/world.h"
#include "support/lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct pair {
    uint32_t a;
    uint32_t b;
} pair;

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Mixed, (u8, small), (f64, big), (entity, who), (bool, on), (u16, row, 5));
SKEP_STRUCT(Both, pair, a, b);
SKEP_TAG(Enemy);
SKEP_EVENT(Hit, (f32, amount), (u8, kind));
SKEP_INPUT(Steer, (f32, turn));
SKEP_RESOURCE(Rules, (f32, near), (u8, level));
SKEP_PREFAB(Bullet);
SKEP_PREFAB(Trail);
SKEP_PREFAB(Ship);

#define OK(call) assert_int_equal((call), SKEP_OK)

static int lab_setup(void **state)
{
    static test_lab lab;
    test_lab_open(&lab, 70000);
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

static skep_entity made(skep_world *w)
{
    skep_entity e = skep_entity_null();
    OK(skep_entity_create(w, &e));
    return e;
}

static void said(void *ctx, skep_log_level level, const char *text)
{
    assert_int_equal(level, SKEP_LOG_ERROR);
    strncpy(ctx, text, 199);
}

static void a_bad_description_is_refused(void **state)
{
    char text[200] = "";
    skep_world *w = NULL;
    skep_world_desc d;
    (void)state;
    memset(&d, 0, sizeof d);
    assert_int_equal(skep_world_create(&d, &w), SKEP_ARGUMENT);
    d = skep_world_desc_default();
    d.log.fn = said;
    d.log.ctx = text;
    assert_int_equal(skep_world_create(&d, &w), SKEP_ARGUMENT);
    assert_non_null(strstr(text, "region"));
    assert_null(w);
    skep_world_destroy(NULL);
}

static void values_come_back(void **state)
{
    skep_world *w = world_of(state);
    const skep_entity e = made(w);
    const skep_entity other = made(w);
    const Mixed m = {3, -2.5, other, true, {1, 2, 3, 4, 65535}};
    Mixed back = {0};
    Pos p;
    assert_false(Pos_of(w, e, &p));
    OK(Mixed_attach(w, e, m));
    OK(Pos_attach(w, e, SKEP_LIT(Pos, 1.0f, 2.0f)));
    OK(Enemy_attach(w, e));
    OK(Both_attach(w, e, SKEP_LIT(Both, {7, 8})));
    assert_true(Mixed_of(w, e, &back));
    assert_int_equal(back.small, 3);
    assert_true(back.big == -2.5 && back.on && skep_entity_equal(back.who, other));
    assert_int_equal(back.row[4], 65535);
    OK(Pos_set(w, e, SKEP_LIT(Pos, 5.0f, 6.0f)));
    assert_true(Pos_of(w, e, &p) && p.x == 5.0f && p.y == 6.0f);
    Both both;
    assert_true(Both_of(w, e, &both) && both.v.b == 8);
    assert_true(skep_world_has(w, e, &Enemy_info));
    OK(Enemy_detach(w, e));
    assert_false(skep_world_has(w, e, &Enemy_info));
    OK(Pos_detach(w, e));
    OK(Pos_detach(w, e));
    assert_int_equal(Pos_set(w, e, p), SKEP_NOT_FOUND);
    assert_non_null(strstr(skep_world_error(w), "Pos"));
    assert_true(Mixed_of(w, e, &back) && back.row[0] == 1);
    const Mixed_lookup all = Mixed_lookup_of(w);
    assert_true(Mixed_get(&all, e, &back) && !Mixed_has(&all, other));
    OK(skep_entity_destroy(w, e));
    assert_false(skep_entity_alive(w, e));
    assert_false(Mixed_of(w, e, &back));
    assert_int_equal(Pos_set(w, e, p), SKEP_GONE);
    assert_int_equal(Pos_attach(w, e, p), SKEP_GONE);
    assert_int_equal(Pos_detach(w, e), SKEP_GONE);
    assert_int_equal(skep_entity_destroy(w, e), SKEP_GONE);
    assert_int_equal(skep_entity_destroy(w, skep_entity_null()), SKEP_GONE);
}

static void wrong_descriptions_are_refused(void **state)
{
    skep_world *w = world_of(state);
    const skep_field other_fields[] = {{"x", SKEP_TYPE_f64, 8, 1, 0}};
    const skep_component other = {"Pos", other_fields, 1, 8, 8, SKEP_KIND_COMPONENT};
    const skep_component nameless = {"", NULL, 0, 0, 1, SKEP_KIND_COMPONENT};
    const skep_entity e = made(w);
    const double x = 1;
    OK(skep_world_component(w, &Pos_info));
    OK(skep_world_component(w, &Pos_info));
    assert_int_equal(skep_world_component(w, &other), SKEP_SCHEMA);
    assert_non_null(strstr(skep_world_error(w), "Pos"));
    assert_int_equal(skep_world_add(w, e, &other, &x), SKEP_SCHEMA);
    assert_int_equal(skep_world_component(w, &nameless), SKEP_ARGUMENT);
    assert_int_equal(skep_world_component(w, &Hit_info), SKEP_ARGUMENT);
    assert_int_equal(skep_world_component(w, NULL), SKEP_ARGUMENT);
    assert_false(skep_world_has(w, e, &Bullet_info));
    assert_false(skep_world_get(w, e, &Hit_info, NULL));
    assert_int_equal(skep_world_add(w, e, &Bullet_info, NULL), SKEP_ARGUMENT);
    assert_int_equal(skep_world_set(w, e, &Bullet_info, NULL), SKEP_NOT_FOUND);
    assert_int_equal(skep_world_remove(w, e, &Hit_info), SKEP_ARGUMENT);
}

/* A second description of Pos, as another source file has it. */
static void a_component_is_known_by_its_layout_not_its_address(void **state)
{
    skep_world *w = world_of(state);
    const skep_field fields[] = {{"x", SKEP_TYPE_f32, 4, 1, 0}, {"y", SKEP_TYPE_f32, 4, 1, 4}};
    const skep_component again = {"Pos", fields, 2, 8, 4, SKEP_KIND_COMPONENT};
    const skep_entity e = made(w);
    const float xy[2] = {3, 4};
    Pos p;
    OK(skep_world_add(w, e, &again, xy));
    assert_true(Pos_of(w, e, &p) && p.y == 4.0f);
}

static void handles_can_be_given(void **state)
{
    skep_world *w = world_of(state);
    const skep_entity e = skep_entity_make(1000, 17);
    OK(skep_entity_create_at(w, e));
    assert_true(skep_entity_alive(w, e));
    assert_int_equal(skep_entity_create_at(w, skep_entity_make(1000, 18)), SKEP_EXISTS);
    assert_int_equal(skep_entity_create_at(w, skep_entity_make(70000, 1)), SKEP_LIMIT);
    OK(skep_world_check(w));
    skep_entity first;
    OK(skep_entity_create(w, &first));
    assert_int_equal(skep_entity_index(first), 0);
    OK(skep_entity_destroy(w, e));
    OK(skep_world_check(w));
}

/* Fills to the limit and looks at the text. */
static void entity_max_is_named(void **state)
{
    test_lab small;
    (void)state;
    test_lab_open(&small, 65536);
    skep_world *w = small.world;
    skep_entity e;
    const skep_part pos = SKEP_PART_OF(Pos);
    OK(skep_entity_create_many(w, 65536, &pos, 1, NULL));
    assert_int_equal(skep_entity_create(w, &e), SKEP_LIMIT);
    assert_string_equal(skep_world_error(w), "65,537th entity, entity_max is 65,536: set "
                                             "skep_world_desc.entity_max");
    assert_int_equal(skep_entity_create_many(w, 2, &pos, 1, NULL), SKEP_LIMIT);
    assert_int_equal(skep_world_entity_count(w), 65536);
    test_lab_close(&small);
}

/* ---- many ------------------------------------------------------------------------------------ */

#define MANY 3000u

static void double_it(void *ctx, uint32_t index, void *at)
{
    Vel *v = at;
    assert_true(v->y == 9.0f);
    v->x = (float)(index * 2u);
    ++*(uint32_t *)ctx;
}

static void many_are_made_from_parts(void **state)
{
    skep_world *w = world_of(state);
    static float xs[MANY];
    static skep_entity es[MANY];
    uint32_t calls = 0;
    const Vel vel = {0, 9.0f};
    for (uint32_t i = 0; i < MANY; i++) xs[i] = (float)i;
    Pos_mut pos = {xs, NULL};
    skep_part parts[3] = {Pos_columns(&pos), SKEP_PART(Vel, &vel), SKEP_PART_OF(Enemy)};
    parts[1].fill = double_it;
    parts[1].ctx = &calls;
    OK(skep_entity_create_many(w, MANY, parts, 3, es));
    assert_int_equal(calls, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        Pos p;
        Vel v;
        assert_true(Pos_of(w, es[i], &p) && p.x == (float)i && p.y == 0.0f);
        assert_true(Vel_of(w, es[i], &v) && v.x == (float)(i * 2u) && v.y == 9.0f);
        assert_true(skep_world_has(w, es[i], &Enemy_info));
    }
    parts[2] = parts[0];
    assert_int_equal(skep_entity_create_many(w, 1, parts, 3, NULL), SKEP_ARGUMENT);
    assert_int_equal(skep_world_entity_count(w), MANY);
}

static void many_change_at_once(void **state)
{
    skep_world *w = world_of(state);
    static skep_entity es[MANY];
    static Vel vs[MANY];
    const skep_part pos = SKEP_PART_OF(Pos);
    OK(skep_entity_create_many(w, MANY, &pos, 1, es));
    for (uint32_t i = 0; i < MANY; i++) vs[i].x = (float)i;
    for (uint32_t i = 0; i < MANY; i += 3) OK(Enemy_attach(w, es[i]));
    for (uint32_t i = 0; i < MANY; i += 7) OK(Vel_attach(w, es[i], vs[0]));
    OK(skep_entity_destroy(w, es[10]));
    const uint64_t before = skep_world_dropped(w);
    OK(skep_world_add_many(w, es, MANY, &Vel_info, vs));
    assert_int_equal(skep_world_dropped(w), before + 1);
    for (uint32_t i = 0; i < MANY; i++) {
        Vel v;
        assert_true(Vel_of(w, es[i], &v) ? v.x == (float)i : i == 10);
    }
    OK(skep_world_remove_many(w, es, MANY, &Pos_info));
    for (uint32_t i = 0; i < MANY; i++) assert_false(skep_world_has(w, es[i], &Pos_info));
    OK(skep_world_check(w));
    OK(skep_entity_destroy_many(w, es, MANY));
    assert_int_equal(skep_world_entity_count(w), 0);
}

static void shapes_make_one_after_the_other(void **state)
{
    skep_world *w = world_of(state);
    const skep_component *components[] = {&Vel_info, &Enemy_info, &Pos_info};
    static skep_entity es[MANY];
    skep_shape shape;
    skep_row row;
    OK(skep_shape_init(&shape, w, components, 3));
    for (uint32_t i = 0; i < MANY; i++) {
        OK(skep_shape_create(&shape, &row));
        OK(Vel_fill(&row, 0, SKEP_LIT(Vel, 1.0f, (float)i)));
        OK(Pos_fill(&row, 2, SKEP_LIT(Pos, (float)i, 2.0f)));
        es[i] = row.entity;
        if (i == 20) OK(Both_attach(w, made(w), SKEP_LIT(Both, {1, 2}))); /* a new table */
    }
    for (uint32_t i = 0; i < MANY; i++) {
        Pos p;
        Vel v;
        assert_true(Pos_of(w, es[i], &p) && p.x == (float)i);
        assert_true(Vel_of(w, es[i], &v) && v.y == (float)i);
        assert_true(skep_world_has(w, es[i], &Enemy_info));
    }
    assert_int_equal(skep_shape_init(&shape, w, components, 0), SKEP_ARGUMENT);
}

/* ---- prefabs and children -------------------------------------------------------------------- */

static void prefabs_spawn_copies(void **state)
{
    skep_world *w = world_of(state);
    Vel nine = {9, 0};
    const skep_part parts[2] = {SKEP_PART_OF(Pos), SKEP_PART(Vel, &nine)};
    skep_entity e;
    Pos p = {4, 5};
    Vel v;
    assert_int_equal(skep_world_spawn(w, &Bullet_info, NULL, 0, &e), SKEP_NOT_FOUND);
    OK(skep_world_prefab_define(w, &Bullet_info, parts, 2));
    assert_int_equal(skep_world_prefab_define(w, &Bullet_info, parts, 2), SKEP_EXISTS);
    nine.x = 1; /* values were copied */
    OK(skep_world_spawn(w, &Bullet_info, NULL, 0, &e));
    assert_true(Vel_of(w, e, &v) && v.x == 9.0f);
    const skep_part over[2] = {SKEP_PART(Pos, &p), SKEP_PART_OF(Enemy)};
    OK(skep_world_spawn(w, &Bullet_info, over, 2, &e));
    assert_true(Vel_of(w, e, &v) && v.x == 9.0f);
    assert_true(Pos_of(w, e, &p) && p.y == 5.0f);
    assert_true(skep_world_has(w, e, &Enemy_info));
    skep_entity es[5];
    uint32_t calls = 0;
    nine.y = 9;
    skep_part fill = SKEP_PART(Vel, &nine);
    fill.fill = double_it;
    fill.ctx = &calls;
    OK(skep_world_spawn_many(w, &Bullet_info, 5, &fill, 1, es));
    assert_true(calls == 5 && Vel_of(w, es[4], &v) && v.x == 8.0f);
}

static void ship_define(skep_world *w)
{
    const skep_part ship[2] = {SKEP_PART_OF(Pos), SKEP_PART_OF(Enemy)};
    const skep_part vel = SKEP_PART_OF(Vel);
    const skep_part pos = SKEP_PART_OF(Pos);
    OK(skep_world_prefab_define(w, &Ship_info, ship, 2));
    OK(skep_world_prefab_define(w, &Trail_info, &vel, 1));
    OK(skep_world_prefab_define(w, &Bullet_info, &pos, 1));
    OK(skep_world_prefab_child(w, &Trail_info, &Bullet_info));
    OK(skep_world_prefab_child(w, &Ship_info, &Trail_info));
    OK(skep_world_prefab_child(w, &Ship_info, &Bullet_info));
}

static void prefabs_bring_children(void **state)
{
    skep_world *w = world_of(state);
    skep_entity es[10];
    const skep_entity *children = NULL;
    uint32_t count = 0;
    ship_define(w);
    OK(skep_world_spawn_many(w, &Ship_info, 10, NULL, 0, es));
    assert_int_equal(skep_world_entity_count(w), 40);
    OK(skep_world_check(w));
    for (uint32_t i = 0; i < 10; i++) {
        Parent p;
        assert_int_equal(skep_entity_index(es[i]), i);
        OK(skep_world_children(w, es[i], &children, &count));
        assert_int_equal(count, 2);
        const skep_entity trail = children[0];
        assert_true(skep_world_has(w, trail, &Vel_info));
        assert_true(Parent_of(w, trail, &p) && skep_entity_equal(p.of, es[i]));
        OK(skep_world_children(w, trail, &children, &count));
        assert_int_equal(count, 1);
    }
    OK(skep_entity_destroy(w, es[3]));
    assert_int_equal(skep_world_entity_count(w), 36);
    OK(skep_entity_destroy_many(w, es, 10));
    assert_int_equal(skep_world_entity_count(w), 0);
}

static void parents_take_their_children_along(void **state)
{
    skep_world *w = world_of(state);
    skep_entity es[8];
    const skep_entity *children = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < 8; i++) es[i] = made(w);
    for (uint32_t i = 7; i > 0; i--) OK(Parent_attach(w, es[i], SKEP_LIT(Parent, es[(i - 1) / 2])));
    OK(skep_world_children(w, es[0], &children, &count));
    assert_true(count == 2 && skep_entity_equal(children[0], es[1]));
    assert_true(skep_entity_equal(children[1], es[2]));
    OK(Parent_set(w, es[3], SKEP_LIT(Parent, es[2]))); /* 7 hangs on 3 */
    OK(Parent_detach(w, es[4]));
    OK(skep_entity_destroy(w, es[1]));
    const bool alive[8] = {true, false, true, true, true, true, true, true};
    for (uint32_t i = 0; i < 8; i++) assert_int_equal(skep_entity_alive(w, es[i]), alive[i]);
    OK(skep_entity_destroy(w, es[2]));
    const bool left[8] = {true, false, false, false, true, false, false, false};
    for (uint32_t i = 0; i < 8; i++) assert_int_equal(skep_entity_alive(w, es[i]), left[i]);
    /* An index that comes back has no children of the one before. */
    skep_entity again = made(w);
    OK(Parent_attach(w, es[0], SKEP_LIT(Parent, es[1])));
    OK(skep_world_children(w, again, &children, &count));
    assert_int_equal(count, 0);
}

static void rings_of_parents_end(void **state)
{
    skep_world *w = world_of(state);
    skep_entity es[3];
    for (uint32_t i = 0; i < 3; i++) es[i] = made(w);
    for (uint32_t i = 0; i < 3; i++) OK(Parent_attach(w, es[i], SKEP_LIT(Parent, es[(i + 1) % 3])));
    OK(skep_entity_destroy(w, es[1]));
    assert_int_equal(skep_world_entity_count(w), 0);
    const skep_entity own = made(w);
    OK(Parent_attach(w, own, SKEP_LIT(Parent, own)));
    OK(skep_entity_destroy(w, own));
    assert_int_equal(skep_world_entity_count(w), 0);
}

/* ---- resources, events, inputs --------------------------------------------------------------- */

static void resources_keep_values(void **state)
{
    skep_world *w = world_of(state);
    size_t bytes = 1;
    assert_null(Rules_read(w));
    OK(Rules_set(w, SKEP_LIT(Rules, 2.0f, 3)));
    assert_true(Rules_read(w)->near == 2.0f && Rules_read(w)->level == 3);
    Rules *r = Rules_write(w);
    assert_non_null(r);
    r->level = 9;
    assert_int_equal(Rules_read(w)->level, 9);
    uint8_t buffer[100] = {0};
    buffer[99] = 77;
    OK(skep_world_resource_set(w, &Rules_info, buffer, sizeof buffer));
    const uint8_t *back = skep_world_resource_read(w, &Rules_info, &bytes);
    assert_true(bytes == 100 && back[99] == 77);
    assert_int_equal(skep_world_resource_set(w, &Rules_info, buffer, 3), SKEP_ARGUMENT);
    assert_null(skep_world_resource_read(w, &Pos_info, NULL));
}

static uint32_t hits_since(skep_world *w, uint64_t since, float *sum)
{
    skep_event_iter it = skep_world_events(w, &Hit_info, since);
    Hit h;
    uint32_t count = 0;
    *sum = 0;
    while (Hit_next(&it, &h)) {
        assert_true(it.seq >= since);
        *sum += h.amount;
        count++;
    }
    return count;
}

static void events_live_for_a_frame_after_theirs(void **state)
{
    skep_world *w = world_of(state);
    const skep_entity e = made(w);
    float sum = 0;
    assert_int_equal(hits_since(w, 0, &sum), 0);
    OK(Hit_post(w, e, SKEP_LIT(Hit, 1.0f, 1)));
    const uint64_t between = skep_world_event_seq(w);
    OK(Hit_post(w, skep_entity_null(), SKEP_LIT(Hit, 2.0f, 1)));
    assert_int_equal(hits_since(w, 0, &sum), 2);
    assert_true(sum == 3.0f);
    assert_int_equal(hits_since(w, between, &sum), 1);
    skep_world_frame_end(w);
    OK(Hit_post(w, e, SKEP_LIT(Hit, 4.0f, 1)));
    assert_int_equal(hits_since(w, 0, &sum), 3);
    skep_world_frame_end(w);
    assert_int_equal(hits_since(w, 0, &sum), 1);
    assert_true(sum == 4.0f);
    skep_world_frame_end(w);
    assert_int_equal(hits_since(w, 0, &sum), 0);
    assert_int_equal(skep_world_send(w, &Steer_info, e, NULL), SKEP_ARGUMENT);
    assert_int_equal(skep_world_send(w, &Pos_info, e, NULL), SKEP_ARGUMENT);
}

/* ---- hooks ----------------------------------------------------------------------------------- */

typedef struct heard {
    skep_entity last;
    uint32_t adds;
    uint32_t removes;
} heard;

static void on_add(void *ctx, skep_world *w, skep_entity e)
{
    heard *h = ctx;
    h->adds++;
    h->last = e;
    if (skep_entity_alive(w, e)) OK(Vel_attach(w, e, SKEP_LIT(Vel, 1.0f, 0.0f)));
    Vel v;
    assert_true(!skep_entity_alive(w, e) || Vel_of(w, e, &v));
}

static void on_remove(void *ctx, skep_world *w, skep_entity e)
{
    (void)w;
    ((heard *)ctx)->removes++;
    ((heard *)ctx)->last = e;
}

static void hooks_are_told_and_may_change(void **state)
{
    skep_world *w = world_of(state);
    heard h = {{0}, 0, 0};
    skep_entity es[4];
    const skep_entity e = made(w);
    OK(skep_world_on_add(w, &Pos_info, on_add, &h));
    OK(skep_world_on_remove(w, &Pos_info, on_remove, &h));
    OK(Pos_attach(w, e, SKEP_LIT(Pos, 1.0f, 1.0f)));
    assert_int_equal(h.adds, 1);
    assert_true(skep_world_has(w, e, &Vel_info));
    OK(Pos_attach(w, e, SKEP_LIT(Pos, 2.0f, 1.0f))); /* sets */
    assert_int_equal(h.adds, 1);
    const skep_part pos = SKEP_PART_OF(Pos);
    OK(skep_entity_create_many(w, 4, &pos, 1, es));
    assert_int_equal(h.adds, 5);
    for (uint32_t i = 0; i < 4; i++) assert_true(skep_world_has(w, es[i], &Vel_info));
    OK(Pos_detach(w, e));
    assert_int_equal(h.removes, 1);
    OK(skep_entity_destroy(w, es[2]));
    assert_int_equal(h.removes, 2);
    assert_true(skep_entity_equal(h.last, es[2]));
    OK(skep_world_remove_many(w, es, 4, &Pos_info));
    assert_int_equal(h.removes, 5);
    skep_world_unhook(w, on_add, &h);
    OK(Pos_attach(w, e, SKEP_LIT(Pos, 1.0f, 1.0f)));
    assert_int_equal(h.adds, 5);
}

static void what_is_known_can_be_listed(void **state)
{
    skep_world *w = world_of(state);
    assert_null(skep_world_known(w, SKEP_KIND_COMPONENT, 0));
    OK(skep_world_component(w, &Vel_info));
    OK(skep_world_component(w, &Enemy_info));
    assert_null(skep_world_known(w, SKEP_KIND_RESOURCE, 0));
    const Rules rules = {1.0f, 2};
    OK(skep_world_resource_set(w, &Rules_info, &rules, sizeof rules));
    assert_ptr_equal(skep_world_known(w, SKEP_KIND_COMPONENT, 0), &Vel_info);
    assert_ptr_equal(skep_world_known(w, SKEP_KIND_COMPONENT, 1), &Enemy_info);
    assert_null(skep_world_known(w, SKEP_KIND_COMPONENT, 2));
    assert_ptr_equal(skep_world_known(w, SKEP_KIND_RESOURCE, 0), &Rules_info);
    assert_null(skep_world_known(w, SKEP_KIND_RESOURCE, 1));
    assert_null(skep_world_known(w, SKEP_KIND_EVENT, 0));
}

static void again(void *ctx, skep_world *w, skep_entity e)
{
    (void)ctx;
    OK(skep_world_has(w, e, &Enemy_info) ? Enemy_detach(w, e) : Enemy_attach(w, e));
}

static void hooks_that_never_end_are_stopped(void **state)
{
    skep_world *w = world_of(state);
    const skep_entity e = made(w);
    OK(skep_world_on_add(w, &Enemy_info, again, NULL));
    OK(skep_world_on_remove(w, &Enemy_info, again, NULL));
    assert_int_equal(Enemy_attach(w, e), SKEP_LIMIT);
    assert_non_null(strstr(skep_world_error(w), "hook_rounds"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, lab_setup, lab_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_bad_description_is_refused),
        TEST(values_come_back),
        TEST(wrong_descriptions_are_refused),
        TEST(a_component_is_known_by_its_layout_not_its_address),
        TEST(handles_can_be_given),
        TEST(entity_max_is_named),
        TEST(many_are_made_from_parts),
        TEST(many_change_at_once),
        TEST(shapes_make_one_after_the_other),
        TEST(prefabs_spawn_copies),
        TEST(prefabs_bring_children),
        TEST(parents_take_their_children_along),
        TEST(rings_of_parents_end),
        TEST(resources_keep_values),
        TEST(events_live_for_a_frame_after_theirs),
        TEST(hooks_are_told_and_may_change),
        TEST(hooks_that_never_end_are_stopped),
        TEST(what_is_known_can_be_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
