/* SPDX-License-Identifier: MIT */
/* Scenes: what a builder makes of them, and that every mistake is shown, all at once. */
#include "api/log_lines.h"
#include "skep/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Hp, (f32, hp));
SKEP_COMPONENT(Bag, (u16, slots, 3), (entity, owner));
SKEP_TAG(Enemy);
SKEP_RESOURCE(Rules, (f32, near), (u32, lives));
SKEP_PREFAB(Bullet);
SKEP_PREFAB(Trail);

SKEP_JOB(move, (mut, Pos, pos), (in, Vel, vel))
{
    SKEP_ROWS (i, task) {
        c->pos.x[i] += c->vel.x[i] * task->dt;
        c->pos.y[i] += c->vel.y[i] * task->dt;
    }
}

SKEP_JOB(shoot, (mut, Hp, hp))
{
    SKEP_ROWS (i, task) c->hp.hp[i] -= 1.0f;
}

SKEP_JOB(hurt, (mut, Hp, hp))
{
    SKEP_ROWS (i, task) c->hp.hp[i] -= 2.0f;
}

SKEP_JOB(flock, (in, Vel, old), (mut, Vel, vel))
{
    SKEP_ROWS (i, task) c->vel.x[i] = c->old.x[i];
}

static skep_sim *open_scene(const skep_scene *scene, skep_sim_desc d, log_lines *lines)
{
    skep_sim *sim = NULL;
    d.log = log_lines_open(lines);
    const skep_status status = skep_sim_open(scene, &d, &sim);
    if (status != SKEP_OK) log_lines_print(lines);
    assert_int_equal(status, SKEP_OK);
    assert_non_null(sim);
    return sim;
}

static skep_sim_desc desc_local(void)
{
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = 0;
    return d;
}

/* ---- what is built ----------------------------------------------------------------------- */

SKEP_SCENE(bees, "A thousand bees fly straight on")
{
    const uint32_t n = skep_param_u32(b, "entities", 1000, "how many bees");
    Pos_mut pos;
    Vel_mut vel;
    skep_add(b, "update", &move);
    const skep_entity *ids =
        skep_create_many(b, n, Pos_columns(&pos), Vel_columns(&vel), SKEP_OF(Enemy));
    for (uint32_t i = 0; i < n; i++) {
        pos.x[i] = (float)i;
        pos.y[i] = (float)skep_entity_index(ids[i]);
        vel.x[i] = skep_init_rand(b);
        vel.y[i] = 1.0f;
    }
}

static void columns_are_filled_after_the_call(void **state)
{
    (void)state;
    log_lines lines;
    const char *const params[] = {"entities=3000"};
    skep_sim_desc d = desc_local();
    d.params = params;
    d.param_count = 1;
    skep_sim *sim = open_scene(&skep_scene_bees, d, &lines);
    skep_world *world = skep_sim_world(sim);
    assert_int_equal(skep_world_entity_count(world), 3000);

    skep_query_desc q = skep_query_desc_default();
    q.terms[0] = SKEP_ALL(Pos);
    q.terms[1] = SKEP_ALL(Vel);
    q.terms[2] = SKEP_ALL(Enemy);
    skep_query *query = NULL;
    assert_int_equal(skep_query_create(world, &q, &query), SKEP_OK);
    uint32_t seen = 0;
    float sum = 0.0f;
    skep_query_iter it = skep_query_begin(query);
    while (skep_query_next(&it)) {
        const Pos_in pos = Pos_read(&it, 0);
        const Vel_in vel = Vel_read(&it, 1);
        for (uint32_t i = 0; i < it.n; i++, seen++) {
            assert_true(pos.x[i] == (float)seen);
            assert_true(pos.y[i] == (float)skep_entity_index(it.entity[i]));
            assert_true(vel.x[i] >= 0.0f && vel.x[i] < 1.0f);
            assert_true(vel.y[i] == 1.0f);
            sum += vel.x[i];
        }
    }
    assert_int_equal(seen, 3000);
    assert_true(sum > 1350.0f && sum < 1650.0f); /* uniform */
    skep_sim_close(sim);
}

SKEP_SCENE(pieces, "One of everything that a builder makes")
{
    Pos_mut pos;
    skep_resource(b, SKEP_WITH(Rules, 2.5f, 3u));
    skep_prefab(b, Trail, SKEP_WITH(Hp, 0.5f));
    skep_prefab(b, Bullet, SKEP_OF(Pos), SKEP_WITH(Vel, 9.0f, 0.0f), SKEP_OF(Trail));
    const skep_entity one = skep_create(b, SKEP_WITH(Pos, 1.0f, 2.0f), SKEP_OF(Enemy));
    Bag_mut bag;
    skep_create_many(b, 2, Bag_columns(&bag), SKEP_WITH(Hp, 7.0f));
    const skep_entity *shots =
        skep_spawn_many(b, 3, Bullet, Pos_columns(&pos), SKEP_WITH(Hp, 4.0f));
    bag.slots[3] = 11;
    bag.slots[5] = 13;
    bag.owner[0] = one;
    bag.owner[1] = shots[2];
    for (uint32_t i = 0; i < 3; i++) pos.x[i] = 10.0f * (float)(i + 1);
}

static void pieces_check_bags(skep_world *world)
{
    skep_query_desc q = skep_query_desc_default();
    q.terms[0] = SKEP_ALL(Bag);
    q.terms[1] = SKEP_ALL(Hp);
    skep_query *query = NULL;
    assert_int_equal(skep_query_create(world, &q, &query), SKEP_OK);
    skep_query_iter it = skep_query_begin(query);
    assert_true(skep_query_next(&it));
    assert_int_equal(it.n, 2);
    const Bag_in bag = Bag_read(&it, 0);
    const Hp_in hp = Hp_read(&it, 1);
    assert_int_equal(bag.slots[0], 0);
    assert_int_equal(bag.slots[3], 11);
    assert_int_equal(bag.slots[5], 13);
    assert_true(hp.hp[0] == 7.0f && hp.hp[1] == 7.0f);
    Pos p = {0.0f, 0.0f};
    assert_true(Pos_of(world, bag.owner[0], &p));
    assert_true(p.x == 1.0f && p.y == 2.0f);
    assert_true(Pos_of(world, bag.owner[1], &p));
    assert_true(p.x == 30.0f && p.y == 0.0f);
    Vel v = {0.0f, 0.0f};
    assert_true(Vel_of(world, bag.owner[1], &v));
    assert_true(v.x == 9.0f);
    Hp h = {0.0f};
    assert_true(Hp_of(world, bag.owner[1], &h));
    assert_true(h.hp == 4.0f);
    const skep_entity *children = NULL;
    uint32_t count = 0;
    assert_int_equal(skep_world_children(world, bag.owner[1], &children, &count), SKEP_OK);
    assert_int_equal(count, 1);
    assert_true(Hp_of(world, children[0], &h));
    assert_true(h.hp == 0.5f);
    assert_false(skep_query_next(&it));
}

static void every_kind_of_thing_can_be_made(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim *sim = open_scene(&skep_scene_pieces, desc_local(), &lines);
    skep_world *world = skep_sim_world(sim);
    const Rules *rules = Rules_read(world);
    assert_non_null(rules);
    assert_true(rules->near == 2.5f);
    assert_int_equal(rules->lives, 3);
    assert_int_equal(skep_world_entity_count(world), 1 + 2 + 3 + 3);
    pieces_check_bags(world);
    assert_int_equal(lines.count, 0);
    skep_sim_close(sim);
}

static uint32_t run_calls;

static skep_status count_run(void *ctx, skep_world *world, float dt)
{
    (void)ctx;
    (void)dt;
    run_calls++;
    skep_entity e;
    return skep_entity_create(world, &e);
}

static skep_status read_run(void *ctx, skep_world *world, float dt)
{
    (void)dt;
    uint32_t *seen = (uint32_t *)ctx;
    *seen = (uint32_t)skep_world_entity_count(world);
    return SKEP_OK;
}

static uint32_t read_seen;

SKEP_SCENE(order, "Systems of every kind, in an order that they say")
{
    skep_add_when(b, "update", &hurt)->after = "shoot, move";
    skep_add(b, "update", &shoot);
    skep_when *again = skep_add_when(b, "update", &shoot);
    again->name = "shoot twice";
    again->before = "shoot";
    again->every = 2;
    skep_add(b, "update", &move);
    skep_run(b, "startup", "count", count_run);
    skep_run_using(b, "late", "read", read_run, SKEP_USES(in, Pos), SKEP_USES(res, Rules))->ctx =
        &read_seen;
    skep_create(b, SKEP_WITH(Hp, 100.0f));
}

static void systems_run_when_and_where_they_say(void **state)
{
    (void)state;
    log_lines lines;
    run_calls = 0;
    read_seen = 0;
    skep_sim *sim = open_scene(&skep_scene_order, desc_local(), &lines);
    skep_plan *plan = skep_sim_plan(sim);
    const char *const wanted[] = {"count", "shoot twice", "shoot", "move", "hurt", "read"};
    assert_int_equal(skep_plan_system_count(plan), 6);
    for (uint32_t i = 0; i < 6; i++) assert_string_equal(skep_plan_system_at(plan, i), wanted[i]);
    for (uint32_t i = 0; i < 4; i++) assert_int_equal(skep_sim_step(sim, 0.5f), SKEP_OK);
    assert_int_equal(run_calls, 1);
    assert_int_equal(read_seen, 2);
    skep_query_desc q = skep_query_desc_default();
    q.terms[0] = SKEP_ALL(Hp);
    skep_query *query = NULL;
    assert_int_equal(skep_query_create(skep_sim_world(sim), &q, &query), SKEP_OK);
    skep_query_iter it = skep_query_begin(query);
    assert_true(skep_query_next(&it));
    /* Four frames of 1 + 2, and twice one more. */
    assert_true(Hp_read(&it, 0).hp[0] == 100.0f - 12.0f - 2.0f);
    skep_query_end(&it);
    skep_sim_close(sim);
}

/* ---- mistakes ---------------------------------------------------------------------------- */

static void refused(const skep_scene *scene, skep_sim_desc d, skep_status wanted, log_lines *lines)
{
    skep_sim *sim = NULL;
    d.log = log_lines_open(lines);
    assert_int_equal(skep_sim_open(scene, &d, &sim), wanted);
    assert_null(sim);
    assert_true(lines->count > 0);
}

SKEP_SCENE(bad, "Two mistakes")
{
    skep_add(b, "update", &shoot);
    skep_add_when(b, "update", &hurt)->after = "shot";
    skep_add(b, "update", &flock);
}

static void all_mistakes_are_shown_at_once(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim_desc d = desc_local();
    d.title = "bees.so";
    refused(&skep_scene_bad, d, SKEP_PLAN, &lines);
    assert_int_equal(lines.count, 3);
    assert_string_equal(lines.text[0], "bees.so: 2 mistakes, nothing was run");
    assert_true(log_lines_have(&lines, "  system \"hurt\": after \"shot\": there is no such system "
                                       "(did you mean \"shoot\"?)"));
    assert_true(log_lines_have(&lines, "  system \"flock\": Vel is both `in` and `mut`; `mut` "
                                       "already holds the old values"));
}

SKEP_SCENE(worse, "Mistakes of every layer together")
{
    const uint32_t n = skep_param_u32(b, "boids", 10, "how many boids");
    (void)skep_param_f32(b, "speed", 1.0f, "how fast");
    skep_add(b, "updat", &move);
    skep_run(b, "update", "nothing", NULL);
    Pos_mut pos;
    skep_create_many(b, n, Pos_columns(&pos));
    pos.x[n - 1] = 1.0f;
    skep_scene_fail(b, "line %u of the data: %s", 3u, "no number");
}

static void mistakes_of_all_layers_come_together(void **state)
{
    (void)state;
    log_lines lines;
    const char *const params[] = {"boid=3", "speed=fast", "novalue"};
    skep_sim_desc d = desc_local();
    d.params = params;
    d.param_count = 3;
    refused(&skep_scene_worse, d, SKEP_PLAN, &lines);
    assert_int_equal(lines.count, 7);
    assert_string_equal(lines.text[0], "worse: 6 mistakes, nothing was run");
    assert_true(log_lines_have(&lines, "parameter \"novalue\": write it as name=value"));
    assert_true(log_lines_have(&lines, "parameter \"speed\": \"fast\" is no finite number"));
    assert_true(log_lines_have(
        &lines, "parameter \"boid\": the scene has none of this name (did you mean \"boids\"?)"));
    assert_true(log_lines_have(&lines, "system \"nothing\": it has no function"));
    assert_true(log_lines_have(&lines, "line 3 of the data: no number"));
    assert_true(log_lines_have(&lines, "\"updat\""));
}

static void a_limit_names_its_knob(void **state)
{
    (void)state;
    log_lines lines;
    const char *const params[] = {"entities=4000000000"};
    skep_sim_desc d = desc_local();
    d.entity_max = 1000;
    d.params = params;
    d.param_count = 1;
    refused(&skep_scene_bees, d, SKEP_PLAN, &lines);
    assert_true(log_lines_have(&lines, "entity_max"));
}

static void another_abi_is_refused(void **state)
{
    (void)state;
    log_lines lines;
    skep_scene old = skep_scene_bees;
    old.abi = SKEP_ABI + 1;
    refused(&old, desc_local(), SKEP_VERSION, &lines);
    skep_sim_desc d;
    memset(&d, 0, sizeof d);
    skep_sim *sim = NULL;
    assert_int_equal(skep_sim_open(&skep_scene_bees, &d, &sim), SKEP_ARGUMENT);
    assert_null(sim);
}

/* ---- parameters and data ----------------------------------------------------------------- */

typedef struct taken {
    uint32_t u;
    float f;
    double d;
    const char *s;
    const char *none;
    const char *data;
    size_t data_bytes;
} taken;

static taken took;

SKEP_SCENE(params, "Takes every kind of parameter")
{
    took.u = skep_param_u32(b, "u", 7, "a whole number");
    took.f = skep_param_f32(b, "f", 0.5f, "a number");
    took.d = skep_param_f64(b, "d", 0.25, "a finer number");
    took.s = skep_param_str(b, "s", "none", "a text");
    took.none = skep_param_str(b, "none", NULL, "a text that may be missing");
    took.data = skep_data(b, &took.data_bytes);
}

static void parameters_are_read(void **state)
{
    (void)state;
    log_lines lines;
    const char *const params[] = {"u=1", "u=4294967295", "f=-1.5e3", "d=0.1", "s=a=b"};
    skep_sim_desc d = desc_local();
    d.params = params;
    d.param_count = 5;
    d.data = "name,lat\n";
    d.data_bytes = 9;
    skep_sim *sim = open_scene(&skep_scene_params, d, &lines);
    assert_true(took.u == 4294967295u);
    assert_true(took.f == -1500.0f);
    assert_true(took.d == 0.1);
    assert_string_equal(took.s, "a=b");
    assert_null(took.none);
    assert_int_equal(took.data_bytes, 9);
    skep_param p;
    assert_true(skep_sim_param(sim, 0, &p));
    assert_string_equal(p.name, "u");
    assert_string_equal(p.value, "4294967295");
    assert_string_equal(p.help, "a whole number");
    assert_true(p.given);
    assert_true(skep_sim_param(sim, 4, &p));
    assert_string_equal(p.type, "text");
    assert_false(p.given);
    assert_false(skep_sim_param(sim, 5, &p));
    skep_sim_close(sim);

    sim = open_scene(&skep_scene_params, desc_local(), &lines);
    assert_int_equal(took.u, 7);
    assert_true(took.f == 0.5f && took.d == 0.25);
    assert_string_equal(took.s, "none");
    assert_null(took.data);
    assert_true(skep_sim_param(sim, 1, &p));
    assert_string_equal(p.value, "0.5");
    skep_sim_close(sim);
}

static void numbers_that_are_none_are_refused(void **state)
{
    (void)state;
    const char *const bad[] = {"u=-1",  "u=4294967296", "u=1.5", "u=",      "u=0x10", "f=1e39",
                               "f=nan", "f=inf",        "f=1e",  "d=1e999", "d=--1",  "d=1 "};
    for (uint32_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        log_lines lines;
        skep_sim_desc d = desc_local();
        d.params = &bad[i];
        d.param_count = 1;
        refused(&skep_scene_params, d, SKEP_PLAN, &lines);
        assert_true(log_lines_have(&lines, "parameter \""));
    }
}

static void the_seed_alone_decides_random_numbers(void **state)
{
    (void)state;
    uint64_t hash[3];
    for (uint32_t i = 0; i < 3; i++) {
        log_lines lines;
        skep_sim_desc d = desc_local();
        d.seed = i < 2 ? 5 : 6;
        skep_sim *sim = open_scene(&skep_scene_bees, d, &lines);
        hash[i] = skep_sim_hash(sim);
        skep_sim_close(sim);
    }
    assert_true(hash[0] == hash[1]);
    assert_true(hash[0] != hash[2]);
}

static void a_file_that_is_no_scene_is_refused(void **state)
{
    (void)state;
    char text[256];
    skep_scene_file *file = NULL;
    assert_int_equal(skep_scene_file_open("no such file.so", &file, text, sizeof text),
                     SKEP_NOT_FOUND);
    assert_null(file);
    assert_string_equal(text, "no such file.so: no such file");
    assert_int_equal(skep_scene_file_open("CMakeLists.txt", &file, text, sizeof text),
                     SKEP_FOREIGN);
    assert_null(file);
    assert_non_null(strstr(text, "no scene module"));
    skep_scene_file_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_filled_after_the_call),
        cmocka_unit_test(every_kind_of_thing_can_be_made),
        cmocka_unit_test(systems_run_when_and_where_they_say),
        cmocka_unit_test(all_mistakes_are_shown_at_once),
        cmocka_unit_test(mistakes_of_all_layers_come_together),
        cmocka_unit_test(a_limit_names_its_knob),
        cmocka_unit_test(another_abi_is_refused),
        cmocka_unit_test(parameters_are_read),
        cmocka_unit_test(numbers_that_are_none_are_refused),
        cmocka_unit_test(the_seed_alone_decides_random_numbers),
        cmocka_unit_test(a_file_that_is_no_scene_is_refused),
    };
    return cmocka_run_group_tests_name("scene", tests, NULL, NULL);
}
