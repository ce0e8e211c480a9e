/* SPDX-License-Identifier: MIT */
/* ctest: timeout=300
 * Prediction against a real publisher: a steered flight of 10,000 ticks without a correction, what
 * a correction does, its cap, inputs that come late, and an own entity that dies. */
#include "support/live_lab.h"

#include "skep/math.h"
#include "skep/predict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Ship, (f32, heading), (f32, speed), (u32, shots));
SKEP_COMPONENT(Power, (f32, factor));
SKEP_INPUT(Steer, (f32, turn), (bool, fire));
SKEP_TAG(Shell);
SKEP_PREFAB(Shot);

#define QUANTUM_FREE SKEP_QUANTUM_NONE

SKEP_JOB(steer, (mut, Ship, ship), (inbox, Steer, steer), (in, Pos, pos), (spawn, Shot, shot))
{
    SKEP_ROWS (i, task) {
        for (uint32_t k = c->steer.begin[i]; k < c->steer.begin[i + 1]; k++) {
            c->ship.heading[i] += c->steer.turn[k];
            if (!c->steer.fire[k]) continue;
            c->ship.shots[i]++;
            const skep_entity e = Shot_new(task, c->shot);
            Pos_init(task, e, SKEP_LIT(Pos, c->pos.x[i], c->pos.y[i]));
        }
    }
}

SKEP_JOB(fly, (mut, Pos, pos), (in, Ship, ship), (in, Power, power))
{
    SKEP_ROWS (i, task) {
        float sine, cosine;
        skep_sincos_f32(c->ship.heading[i], &sine, &cosine);
        c->pos.x[i] += cosine * c->ship.speed[i] * c->power.factor[i] * task->dt;
        c->pos.y[i] += sine * c->ship.speed[i] * c->power.factor[i] * task->dt;
    }
}

SKEP_SCENE(flight, "Ships that are steered")
{
    skep_prefab(b, Shot, SKEP_OF(Pos), SKEP_OF(Shell));
    skep_add(b, "update", &steer);
    skep_add_when(b, "update", &fly)->after = "steer";
}

/* ---- the bed --------------------------------------------------------------------------------- */

static const int8_t pos_quanta[] = {-4, -4};
static const int8_t ship_quanta[] = {-6, -6, QUANTUM_FREE};
static const skep_replica replicas[] = {{&Pos_info, pos_quanta},
                                        {&Ship_info, ship_quanta},
                                        {&Power_info, NULL},
                                        {&Shell_info, NULL},
                                        {&Steer_info, NULL}};
static const skep_component *const predicted[] = {&Ship_info, &Pos_info};

static live_lab lab;
static skep_sim *small;
static skep_predict *predict;
static skep_entity ship;
static uint32_t turns; /* inputs so far */
static uint32_t replayed_most;

static void joined(live_lab *l, skep_world *world, void *ctx)
{
    const Ship value = {0.3f, 40.0f, 0};
    const Power power = {1.0f};
    (void)ctx;
    assert_int_equal(skep_entity_create(world, &ship), SKEP_OK);
    assert_int_equal(Pos_attach(world, ship, SKEP_LIT(Pos, 3.14159f, 2.71828f)), SKEP_OK);
    assert_int_equal(Ship_attach(world, ship, value), SKEP_OK);
    assert_int_equal(Power_attach(world, ship, power), SKEP_OK);
    assert_int_equal(skep_feed_own(l->feed, l->player, ship), SKEP_OK);
}

static void open_flight(void)
{
    skep_publish_desc publish = skep_publish_desc_default();
    skep_view_desc view = skep_view_desc_default();
    publish.replica_count = view.replica_count = sizeof replicas / sizeof *replicas;
    publish.replicas = view.replicas = replicas;
    view.predict = predicted;
    view.predict_count = 2;
    live_lab_open(&lab, &skep_scene_flight, &publish, &view);
    lab.joined = joined;
    lab.latency_ms = 40;
    skep_sim_desc d = skep_sim_desc_default();
    d.executor = SKEP_EXECUTOR_LOCAL;
    d.region_bytes_max = (size_t)256 << 20;
    assert_int_equal(skep_sim_open(&skep_scene_flight, &d, &small), SKEP_OK);
    skep_predict_desc p = skep_predict_desc_default();
    p.view = lab.view;
    p.world = skep_sim_world(small);
    p.allocator = lab.memory.allocator;
    assert_int_equal(skep_predict_open(&p, &predict), SKEP_OK);
    turns = 0;
    replayed_most = 0;
    live_lab_pass(&lab, 100);
    live_lab_connect(&lab);
}

static void close_flight(void)
{
    skep_predict_close(predict);
    skep_sim_close(small);
    live_lab_close(&lab);
}

/* 16 ms: messages, steps of the small world, a picture. */
static void picture(bool steering)
{
    live_lab_pass(&lab, 16);
    const uint64_t replayed = skep_predict_stats_of(predict).replayed;
    if (steering) {
        const Steer value = {(float)(turns % 17) * 0.01f - 0.08f, turns % 50 == 0};
        turns += skep_predict_send(predict, &Steer_info, &value, lab.now_ns) != 0;
    }
    while (skep_predict_next(predict, lab.now_ns)) {
        assert_int_equal(skep_sim_step(small, 1.0f / 60.0f), SKEP_OK);
        skep_predict_stepped(predict);
    }
    const uint64_t again = skep_predict_stats_of(predict).replayed - replayed;
    if (again > replayed_most) replayed_most = (uint32_t)again;
    assert_int_equal(skep_view_frame(lab.view, lab.now_ns), SKEP_OK);
    skep_predict_show(predict, lab.now_ns);
    live_lab_flush(&lab);
}

static void settle(void)
{
    for (uint32_t i = 0; i < 120; i++) picture(i > 60);
    assert_false(skep_entity_is_null(skep_predict_local(predict)));
}

static Pos shown(void)
{
    Pos pos = {0};
    assert_true(skep_view_get(lab.view, ship, &Pos_info, &pos));
    return pos;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void a_steered_flight_is_never_corrected(void **state)
{
    (void)state;
    open_flight();
    settle();
    const skep_predict_stats before = skep_predict_stats_of(predict);
    while (skep_predict_stats_of(predict).ticks - before.ticks < 10000) picture(true);
    const skep_predict_stats after = skep_predict_stats_of(predict);
    assert_int_equal(after.corrections, before.corrections);
    assert_int_equal(after.replayed, before.replayed);
    assert_true(after.compared - before.compared > 3000);
    assert_int_equal(after.skipped, before.skipped);
    Ship value = {0};
    assert_true(Ship_of(skep_sim_world(small), skep_predict_local(predict), &value));
    assert_true(value.shots > 150); /* the inputs did something */
    close_flight();
}

/* With as much jitter as the lead allows, prediction is as good; with more, it heals. */
static void an_uneven_wire_is_healed(void **state)
{
    (void)state;
    open_flight();
    lab.jitter_ms = 60;
    settle();
    for (uint32_t i = 0; i < 3000; i++) picture(true);
    lab.jitter_ms = 0;
    for (uint32_t i = 0; i < 60; i++) picture(false);
    const skep_predict_stats before = skep_predict_stats_of(predict);
    for (uint32_t i = 0; i < 300; i++) picture(true);
    assert_int_equal(skep_predict_stats_of(predict).corrections, before.corrections);
    assert_true(before.compared > 900);
    assert_true(before.corrections < before.compared / 10);
    close_flight();
}

static float distance(const Pos *a, const Pos *b)
{
    const float x = a->x > b->x ? a->x - b->x : b->x - a->x;
    const float y = a->y > b->y ? a->y - b->y : b->y - a->y;
    return x > y ? x : y;
}

static void a_correction_glides(void **state)
{
    (void)state;
    open_flight();
    settle();
    for (uint32_t round = 0; round < 10; round++) {
        for (uint32_t i = 0; i < 60; i++) picture(true);
        const skep_predict_stats before = skep_predict_stats_of(predict);
        Pos pos = {0};
        assert_true(Pos_of(skep_sim_world(lab.server), ship, &pos));
        pos.x += 5.0f; /* a push that nobody could foresee */
        assert_int_equal(skep_world_set(skep_sim_world(lab.server), ship, &Pos_info, &pos),
                         SKEP_OK);
        Pos last = shown();
        float most = 0;
        float error = 0;
        for (uint32_t i = 0; i < 60; i++) {
            picture(true);
            const Pos next = shown();
            const float step = distance(&next, &last);
            const skep_predict_stats now = skep_predict_stats_of(predict);
            last = next;
            if (step > most) most = step;
            if (now.error > error) error = now.error;
        }
        const skep_predict_stats after = skep_predict_stats_of(predict);
        assert_int_equal(after.corrections, before.corrections + 1);
        assert_true(error > 2.0f && error < 5.5f);
        /* A picture's own way is 0.7; 5 units in 120 ms are at most 1.5 times 0.7 more. */
        assert_true(most < 2.2f);
        assert_true(after.error == 0.0f);
        assert_true(after.replayed - before.replayed <= 20);
    }
    assert_true(replayed_most <= 12);
    close_flight();
}

static void a_replay_has_a_cap(void **state)
{
    (void)state;
    open_flight();
    lab.latency_ms = 200; /* some 26 ticks to replay */
    settle();
    for (uint32_t i = 0; i < 200; i++) picture(true);
    const skep_predict_stats before = skep_predict_stats_of(predict);
    Pos pos = {0};
    assert_true(Pos_of(skep_sim_world(lab.server), ship, &pos));
    pos.y -= 3.0f;
    assert_int_equal(skep_world_set(skep_sim_world(lab.server), ship, &Pos_info, &pos), SKEP_OK);
    for (uint32_t i = 0; i < 100; i++) picture(true);
    const skep_predict_stats after = skep_predict_stats_of(predict);
    assert_true(after.replayed - before.replayed > 12);
    assert_true(replayed_most <= 12);
    assert_true(after.corrections - before.corrections >= 1);
    const uint64_t corrections = after.corrections;
    for (uint32_t i = 0; i < 200; i++) picture(true);
    assert_int_equal(skep_predict_stats_of(predict).corrections, corrections);
    close_flight();
}

/* What is not predicted comes quantised, and counts from the server's tick on. */
static void other_components_follow(void **state)
{
    (void)state;
    open_flight();
    settle();
    const Power power = {1.75f};
    Power here = {0};
    assert_int_equal(skep_world_set(skep_sim_world(lab.server), ship, &Power_info, &power),
                     SKEP_OK);
    for (uint32_t i = 0; i < 60; i++) picture(true);
    assert_true(Power_of(skep_sim_world(small), skep_predict_local(predict), &here));
    assert_true(here.factor == 1.75f);
    const skep_predict_stats before = skep_predict_stats_of(predict);
    for (uint32_t i = 0; i < 300; i++) picture(true);
    assert_int_equal(skep_predict_stats_of(predict).corrections, before.corrections);
    close_flight();
}

static void a_new_ship_begins_anew(void **state)
{
    (void)state;
    open_flight();
    settle();
    skep_world *world = skep_sim_world(lab.server);
    assert_int_equal(skep_entity_destroy(world, ship), SKEP_OK);
    for (uint32_t i = 0; i < 60; i++) picture(true);
    assert_true(skep_entity_is_null(skep_predict_local(predict)));
    joined(&lab, world, NULL);
    for (uint32_t i = 0; i < 60; i++) picture(true);
    assert_false(skep_entity_is_null(skep_predict_local(predict)));
    const skep_predict_stats before = skep_predict_stats_of(predict);
    for (uint32_t i = 0; i < 300; i++) picture(true);
    assert_int_equal(skep_predict_stats_of(predict).corrections, before.corrections);
    assert_true(skep_predict_stats_of(predict).compared > before.compared + 80);
    close_flight();
}

static void a_break_is_survived(void **state)
{
    (void)state;
    open_flight();
    settle();
    for (uint32_t round = 0; round < 5; round++) {
        live_lab_cut(&lab);
        for (uint32_t i = 0; i < 30 + round * 40; i++) picture(true);
        live_lab_connect(&lab);
        for (uint32_t i = 0; i < 120; i++) picture(true);
        const skep_predict_stats before = skep_predict_stats_of(predict);
        for (uint32_t i = 0; i < 200; i++) picture(true);
        assert_int_equal(skep_predict_stats_of(predict).corrections, before.corrections);
        assert_true(skep_predict_stats_of(predict).compared > before.compared + 50);
    }
    close_flight();
}

static void no_memory_is_no_end(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 700; n += 1 + n / 6) {
        open_flight();
        test_region_fail(&lab.memory, n);
        lab.memory.fail_once = true;
        for (uint32_t i = 0; i < 60; i++) {
            if (!lab.session) live_lab_connect(&lab);
            live_lab_pass(&lab, 16);
            const Steer value = {0.01f, i % 10 == 0};
            (void)skep_predict_send(predict, &Steer_info, &value, lab.now_ns);
            while (skep_predict_next(predict, lab.now_ns)) {
                assert_int_equal(skep_sim_step(small, 1.0f / 60.0f), SKEP_OK);
                skep_predict_stepped(predict);
            }
            (void)!skep_view_frame(lab.view, lab.now_ns);
            skep_predict_show(predict, lab.now_ns);
        }
        test_region_fail(&lab.memory, 0);
        settle();
        const skep_predict_stats before = skep_predict_stats_of(predict);
        for (uint32_t i = 0; i < 60; i++) picture(true);
        const skep_predict_stats after = skep_predict_stats_of(predict);
        assert_int_equal(after.corrections, before.corrections);
        assert_true(after.compared > before.compared + 15);
        close_flight();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steered_flight_is_never_corrected),
        cmocka_unit_test(an_uneven_wire_is_healed),
        cmocka_unit_test(a_correction_glides),
        cmocka_unit_test(a_replay_has_a_cap),
        cmocka_unit_test(other_components_follow),
        cmocka_unit_test(a_new_ship_begins_anew),
        cmocka_unit_test(a_break_is_survived),
        cmocka_unit_test(no_memory_is_no_end),
    };
    return cmocka_run_group_tests_name("predict", tests, NULL, NULL);
}
