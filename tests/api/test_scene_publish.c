/* SPDX-License-Identifier: MIT */
/* What a scene declares for live worlds: what servers get of it, and its mistakes. */
#include "api/log_lines.h"
#include "skep/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Ship, (f32, course), (u16, kind));
SKEP_COMPONENT(Secret, (u32, plan));
SKEP_COMPONENT(Name, (bytes, text, 16));
SKEP_TAG(Afloat);
SKEP_INPUT(Steer, (f32, turn));
SKEP_EVENT(Sunk, (entity, ship));
SKEP_RESOURCE(Wind, (f32, x), (f32, y));
SKEP_PREFAB(Buoy);

SKEP_JOB(steer, (mut, Ship, ship), (inbox, Steer, steer))
{
    for (uint32_t i = 0; i < task->n; i++)
        for (uint32_t k = c->steer.begin[i]; k < c->steer.begin[i + 1]; k++)
            c->ship.course[i] += c->steer.turn[k];
}

SKEP_JOB(sail, (mut, Pos, pos), (in, Vel, vel), (with, Afloat, afloat), (res, Wind, wind))
{
    SKEP_ROWS (i, task) {
        c->pos.x[i] += c->vel.x[i] * task->dt + c->wind->x;
        c->pos.y[i] += c->vel.y[i] * task->dt + c->wind->y;
    }
}

SKEP_JOB(plot, (in, Secret, secret), (emit, Sunk, sunk))
{
    for (uint32_t i = 0; i < task->n; i++)
        if (c->secret.plan[i] == 1)
            Sunk_send(task, c->sunk, skep_entity_null(), SKEP_LIT(Sunk, task->entity[i]));
}

static skep_status open_scene(const skep_scene *scene, bool predict, log_lines *lines,
                              skep_sim **sim)
{
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = 0;
    d.predict = predict;
    d.log = log_lines_open(lines);
    return skep_sim_open(scene, &d, sim);
}

static void add_systems(skep_builder *b)
{
    skep_add(b, "update", &steer);
    skep_add_when(b, "update", &sail)->after = "steer, plot";
    skep_add(b, "update", &plot);
    skep_prefab(b, Buoy, SKEP_OF(Pos));
    skep_create(b, SKEP_OF(Pos), SKEP_OF(Vel), SKEP_WITH(Secret, 7u));
    skep_resource(b, SKEP_WITH(Wind, 3.0f, 4.0f));
}

static const skep_replica *find(const skep_publish_desc *d, const char *name)
{
    for (uint32_t i = 0; i < d->replica_count; i++)
        if (strcmp(d->replicas[i].info->name, name) == 0) return &d->replicas[i];
    return NULL;
}

/* ---- without declarations ------------------------------------------------------------------ */

SKEP_SCENE(plain, "Says nothing of what is published")
{
    add_systems(b);
}

static void everything_is_published_as_it_is(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim *sim = NULL;
    skep_publish_desc d;
    memset(&d, 0, sizeof d);
    assert_int_equal(open_scene(&skep_scene_plain, false, &lines, &sim), SKEP_OK);
    assert_int_equal(skep_sim_publish_desc(sim, &d), SKEP_OK);
    static const char *const names[] = {"Pos",    "Vel",   "Ship", "Secret",
                                        "Afloat", "Steer", "Sunk", "Wind"};
    for (uint32_t i = 0; i < 8; i++) {
        assert_non_null(find(&d, names[i]));
        assert_null(find(&d, names[i])->quanta_log2);
    }
    assert_null(find(&d, "Buoy"));
    assert_int_equal(d.replica_count, 8);
    assert_int_equal(d.rate_count, 0);
    assert_null(d.place.component);
    assert_non_null(d.allocator.alloc);
    assert_true(skep_entity_is_null(skep_sim_join(sim, 1)));
    assert_null(skep_sim_predicted(sim, 0));
    assert_null(skep_sim_predicted_component(sim, 0));
    skep_sim_close(sim);
}

/* ---- with all of them ---------------------------------------------------------------------- */

static uint32_t left_player;

static skep_entity join(skep_world *world, uint32_t player, void *ctx)
{
    skep_entity e = skep_entity_null();
    assert_ptr_equal(ctx, &left_player);
    if (skep_entity_create(world, &e) != SKEP_OK) return e;
    const Ship ship = {(float)player, 1};
    assert_int_equal(Ship_attach(world, e, ship), SKEP_OK);
    return e;
}

static void leave(skep_world *world, uint32_t player, skep_entity own, void *ctx)
{
    *(uint32_t *)ctx = player;
    assert_int_equal(skep_entity_destroy(world, own), SKEP_OK);
}

SKEP_SCENE(full, "Declares all that can be")
{
    skep_publish(b, &Pos_info, "x, y", 1.0f / 64);
    skep_publish(b, &Vel_info, "x,y", 0.125f);
    skep_publish(b, &Ship_info, "course", 2.0f);
    skep_publish(b, &Ship_info, "course", 0.0f);
    skep_publish(b, &Name_info, NULL, 0.0f);
    skep_publish_hide(b, &Secret_info);
    skep_publish_hide(b, &Sunk_info);
    skep_publish_place(b, &Pos_info, "x, y", 32.0f);
    skep_publish_rate(b, &Pos_info, "x, y", &Vel_info, "x, y");
    skep_publish_join(b, join, &left_player);
    skep_publish_leave(b, leave, &left_player);
    skep_publish_predict(b, "steer");
    skep_publish_predict(b, "sail");
    skep_publish_predict(b, "steer");
    add_systems(b);
}

static void declarations_reach_the_host(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim *sim = NULL;
    skep_publish_desc d;
    skep_publish_desc again;
    memset(&d, 0, sizeof d);
    memset(&again, 0, sizeof again);
    assert_int_equal(open_scene(&skep_scene_full, false, &lines, &sim), SKEP_OK);
    assert_int_equal(skep_sim_publish_desc(sim, &d), SKEP_OK);
    assert_int_equal(d.replica_count, 7);
    assert_int_equal(find(&d, "Pos")->quanta_log2[0], -6);
    assert_int_equal(find(&d, "Pos")->quanta_log2[1], -6);
    assert_int_equal(find(&d, "Vel")->quanta_log2[1], -3);
    assert_null(find(&d, "Ship")->quanta_log2);
    assert_non_null(find(&d, "Name"));
    assert_null(find(&d, "Secret"));
    assert_null(find(&d, "Sunk"));
    assert_ptr_equal(d.place.component, &Pos_info);
    assert_int_equal(d.place.axes, 2);
    assert_int_equal(d.place.field[1], 1);
    assert_true(d.place.cell == 32.0f);
    assert_int_equal(d.rate_count, 2);
    assert_ptr_equal(d.rates[1].value, &Pos_info);
    assert_int_equal(d.rates[1].value_field, 1);
    assert_ptr_equal(d.rates[1].speed, &Vel_info);
    assert_int_equal(skep_sim_publish_desc(sim, &again), SKEP_OK);
    assert_ptr_equal(again.replicas, d.replicas);
    assert_string_equal(skep_sim_predicted(sim, 0), "steer");
    assert_string_equal(skep_sim_predicted(sim, 1), "sail");
    assert_null(skep_sim_predicted(sim, 2));
    static const char *const used[] = {"Ship", "Pos", "Vel", "Afloat"};
    for (uint32_t i = 0; i < 4; i++)
        assert_string_equal(skep_sim_predicted_component(sim, i)->name, used[i]);
    assert_null(skep_sim_predicted_component(sim, 4));
    skep_sim_close(sim);
}

static void players_come_and_go_as_the_scene_says(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim *sim = NULL;
    Ship ship = {0};
    assert_int_equal(open_scene(&skep_scene_full, false, &lines, &sim), SKEP_OK);
    const skep_entity own = skep_sim_join(sim, 42);
    assert_true(Ship_of(skep_sim_world(sim), own, &ship));
    assert_true(ship.course == 42.0f);
    skep_sim_leave(sim, 42, own);
    assert_int_equal(left_player, 42);
    assert_false(skep_entity_alive(skep_sim_world(sim), own));
    skep_sim_close(sim);

    assert_int_equal(open_scene(&skep_scene_plain, false, &lines, &sim), SKEP_OK);
    skep_entity e;
    assert_int_equal(skep_entity_create(skep_sim_world(sim), &e), SKEP_OK);
    skep_sim_leave(sim, 1, e);
    skep_sim_leave(sim, 1, e);
    assert_false(skep_entity_alive(skep_sim_world(sim), e));
    skep_sim_close(sim);
}

static void a_world_to_predict_in_has_the_predicted_systems_alone(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim *sim = NULL;
    Pos pos = {0.0f, 0.0f};
    skep_entity e;
    assert_int_equal(open_scene(&skep_scene_full, true, &lines, &sim), SKEP_OK);
    skep_world *const world = skep_sim_world(sim);
    assert_int_equal(skep_world_entity_count(world), 0);
    assert_int_equal(skep_plan_system_count(skep_sim_plan(sim)), 2);
    assert_string_equal(skep_plan_system_at(skep_sim_plan(sim), 0), "steer");
    assert_string_equal(skep_plan_system_at(skep_sim_plan(sim), 1), "sail");
    assert_int_equal(skep_entity_create(world, &e), SKEP_OK);
    assert_int_equal(Pos_attach(world, e, pos), SKEP_OK);
    assert_int_equal(Vel_attach(world, e, SKEP_LIT(Vel, 2.0f, 0.0f)), SKEP_OK);
    assert_int_equal(Afloat_attach(world, e), SKEP_OK);
    assert_int_equal(skep_sim_step(sim, 0.5f), SKEP_OK);
    assert_true(Pos_of(world, e, &pos));
    assert_true(pos.x == 4.0f && pos.y == 4.0f);
    skep_sim_close(sim);
}

/* ---- mistakes ------------------------------------------------------------------------------ */

SKEP_SCENE(wrong, "One of every mistake")
{
    skep_publish(b, &Pos_info, "xx", 0.5f);
    skep_publish(b, &Pos_info, "x", 0.01f);
    skep_publish(b, &Pos_info, "x", 48.5f);
    skep_publish(b, &Pos_info, "x", -1.0f);
    skep_publish(b, &Ship_info, "kind", 0.5f);
    skep_publish(b, &Buoy_info, NULL, 0.0f);
    skep_publish(b, &Secret_info, NULL, 0.0f);
    skep_publish_hide(b, &Secret_info);
    skep_publish_hide(b, &Vel_info);
    skep_publish_place(b, &Pos_info, "x, y", 0.0f);
    skep_publish_place(b, &Name_info, "text", 1.0f);
    skep_publish_place(b, &Pos_info, "x", 1.0f);
    skep_publish_rate(b, &Pos_info, "x", &Vel_info, "x, y");
    skep_publish_rate(b, &Pos_info, "y", &Vel_info, "y");
    skep_publish_predict(b, "ster");
    skep_publish_predict(b, "sail");
    add_systems(b);
}

static void mistakes_are_collected(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim *sim = NULL;
    static const char *const wanted[] = {
        "publish Pos: it has no field \"xx\" (did you mean \"x\"?)",
        ("publish Pos: a quantum is a power of two from 2^-32 to 2^31, which 0.01 is not; the "
         "nearest is 1.0f / 128"),
        "which 48.5 is not; the nearest is 64",
        "publish Pos: a quantum of -1 is none; it is a power of two",
        "publish Ship.kind: it must be f32 for this",
        "publish Buoy: a prefab is never published",
        "publish Secret: it is hidden as well",
        "publish Pos as the place: its cell must be above 0",
        "publish Name.text: it must be f32 for this",
        "publish Pos as the place: there is a place already",
        "publish Vel as the rate of Pos: 2 fields for 1",
        "publish Vel.y as the rate of Pos.y: the value has no quantum",
        "predict \"ster\": there is no such system (did you mean \"steer\"?)",
        "predict \"sail\": it uses Vel, which is hidden from the clients that are to run it",
    };
    assert_int_equal(open_scene(&skep_scene_wrong, false, &lines, &sim), SKEP_PLAN);
    assert_null(sim);
    for (uint32_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (!log_lines_have(&lines, wanted[i])) {
            log_lines_print(&lines);
            fail_msg("missing: %s", wanted[i]);
        }
    }
    assert_int_equal(lines.count, 1 + sizeof wanted / sizeof wanted[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_published_as_it_is),
        cmocka_unit_test(declarations_reach_the_host),
        cmocka_unit_test(players_come_and_go_as_the_scene_says),
        cmocka_unit_test(a_world_to_predict_in_has_the_predicted_systems_alone),
        cmocka_unit_test(mistakes_are_collected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
