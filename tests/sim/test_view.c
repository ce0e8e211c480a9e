/* SPDX-License-Identifier: MIT */
/* ctest: timeout=300
 * A view against a real publisher, on a clock of the test's own: what is shown lies where things
 * were at the moment that is shown, nobody flickers, and the connection heals. */
#include "support/live_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Info, (u32, number), (bool, odd), (f64, fine), (u8, kind));
SKEP_TAG(Lit);
SKEP_EVENT(Boom, (u32, number));
SKEP_RESOURCE(Clock, (u32, tick), (f32, warmth));

#define SHIPS 300u
#define STEP_MS 16u

SKEP_SCENE(sea, "Ships that go straight on")
{
    (void)b;
}

/* ---- what the server does -------------------------------------------------------------------- */

typedef struct sea_state {
    skep_entity ships[SHIPS];
    uint32_t count;
    bool lights; /* some gain and lose a tag */
    bool booms;
    bool comings; /* some leave and others come */
    uint32_t mute;
} sea_state;

static void ship_at(uint32_t i, double tick, Pos *pos, Vel *vel)
{
    vel->x = (float)(i % 13) * 2.0f - 12.0f;
    vel->y = (float)(i % 7) * 3.0f - 9.0f;
    pos->x = (float)((double)(i % 40) * 10.0 + (double)vel->x * tick / 60.0);
    const uint32_t line = i / 40;
    pos->y = (float)(line * 10.0 + (double)vel->y * tick / 60.0);
}

static skep_entity make_ship(skep_world *world, uint32_t i)
{
    skep_entity e;
    Pos pos;
    Vel vel;
    const Info info = {i, i % 2 != 0, i * 0.1, (uint8_t)i};
    ship_at(i, (double)skep_world_tick(world) + 1.0, &pos, &vel);
    assert_int_equal(skep_entity_create(world, &e), SKEP_OK);
    assert_int_equal(Pos_attach(world, e, pos), SKEP_OK);
    assert_int_equal(Vel_attach(world, e, vel), SKEP_OK);
    assert_int_equal(Info_attach(world, e, info), SKEP_OK);
    return e;
}

static void sea_changes(sea_state *s, skep_world *world, uint32_t tick)
{
    const uint32_t i = tick * 7u % SHIPS;
    if (s->lights && skep_world_has(world, s->ships[i], &Lit_info))
        assert_int_equal(skep_world_remove(world, s->ships[i], &Lit_info), SKEP_OK);
    else if (s->lights)
        assert_int_equal(skep_world_add(world, s->ships[i], &Lit_info, NULL), SKEP_OK);
    if (s->comings && tick % 3 == 0) {
        assert_int_equal(skep_entity_destroy(world, s->ships[i]), SKEP_OK);
        s->ships[i] = make_ship(world, i);
    }
    const Boom boom = {tick};
    if (s->booms) assert_int_equal(skep_world_send(world, &Boom_info, s->ships[0], &boom), SKEP_OK);
}

static void sea_turn(live_lab *l, skep_world *world, void *ctx)
{
    sea_state *s = ctx;
    const uint32_t tick = (uint32_t)skep_world_tick(world) + 1u;
    const Clock clock = {tick, 20.5f};
    (void)l;
    for (; s->count < SHIPS; s->count++) s->ships[s->count] = make_ship(world, s->count);
    for (uint32_t i = 0; i < SHIPS; i++) {
        Pos pos;
        Vel vel;
        ship_at(i, tick, &pos, &vel);
        assert_int_equal(skep_world_set(world, s->ships[i], &Pos_info, &pos), SKEP_OK);
    }
    sea_changes(s, world, tick);
    assert_int_equal(Clock_set(world, clock), SKEP_OK);
}

/* ---- the bed --------------------------------------------------------------------------------- */

static const int8_t pos_quanta[] = {-6, -6};
static const skep_replica replicas[] = {{&Pos_info, pos_quanta}, {&Vel_info, pos_quanta},
                                        {&Info_info, NULL},      {&Lit_info, NULL},
                                        {&Boom_info, NULL},      {&Clock_info, NULL}};
static const skep_rate rates[] = {{&Pos_info, 0, &Vel_info, 0}, {&Pos_info, 1, &Vel_info, 1}};

static live_lab lab;
static sea_state sea;

static skep_publish_desc publish_desc(void)
{
    skep_publish_desc d = skep_publish_desc_default();
    d.replica_count = sizeof replicas / sizeof *replicas;
    d.replicas = replicas;
    d.rate_count = 2;
    d.rates = rates;
    d.place = (skep_place){.component = &Pos_info, .axes = 2, .field = {0, 1}, .cell = 20.0f};
    return d;
}

static skep_view_desc view_desc(void)
{
    skep_view_desc d = skep_view_desc_default();
    d.replica_count = sizeof replicas / sizeof *replicas;
    d.replicas = replicas;
    return d;
}

static void open_sea(void)
{
    const skep_publish_desc publish = publish_desc();
    const skep_view_desc view = view_desc();
    memset(&sea, 0, sizeof sea);
    live_lab_open(&lab, &skep_scene_sea, &publish, &view);
    lab.turn = sea_turn;
    lab.ctx = &sea;
    lab.latency_ms = 30;
    live_lab_pass(&lab, 200);
    live_lab_connect(&lab);
}

/* Checks that all that is shown lies where it was at the shown moment, and how many there are. */
static uint32_t check_positions(float leeway)
{
    const skep_view_stats stats = skep_view_stats_of(lab.view, lab.now_ns);
    const skep_component *const parts[] = {&Pos_info, &Info_info};
    skep_view_rows rows = {0};
    uint32_t count = 0;
    while (skep_view_each(lab.view, parts, 2, &rows)) {
        const float *x = skep_view_column(lab.view, &rows, &Pos_info, 0);
        const float *y = skep_view_column(lab.view, &rows, &Pos_info, 1);
        const uint32_t *number = skep_view_column(lab.view, &rows, &Info_info, 0);
        if (!x || !y || !number) {
            fail();
            return 0;
        }
        for (uint32_t i = 0; i < rows.count; i++) {
            Pos pos;
            Vel vel;
            ship_at(number[i], stats.shown_tick, &pos, &vel);
            assert_true(x[i] - pos.x < leeway && pos.x - x[i] < leeway);
            assert_true(y[i] - pos.y < leeway && pos.y - y[i] < leeway);
        }
        count += rows.count;
    }
    return count;
}

/* A quantum and a half, for the value and for what lies between two of them. */
#define NEAR (1.6f / 64.0f)
/* Who is about to leave waits where he was seen last. */
#define NEAR_LEAVING 0.75f

static void picture(void)
{
    live_lab_pass(&lab, STEP_MS);
    assert_int_equal(skep_view_frame(lab.view, lab.now_ns), SKEP_OK);
}

static void until_live(void)
{
    for (uint32_t i = 0; i < 200 && skep_view_phase_of(lab.view) != SKEP_VIEW_LIVE; i++)
        live_lab_pass(&lab, 5);
    assert_int_equal(skep_view_phase_of(lab.view), SKEP_VIEW_LIVE);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void things_are_where_they_were(void **state)
{
    (void)state;
    open_sea();
    sea.lights = true;
    lab.jitter_ms = 15;
    until_live();
    uint32_t moved = 0;
    double before = 0;
    for (uint32_t i = 0; i < 600; i++) {
        picture();
        uint32_t count = 0;
        const skep_view_change *changes = skep_view_changes(lab.view, &count);
        const skep_view_stats stats = skep_view_stats_of(lab.view, lab.now_ns);
        assert_true(stats.shown_tick >= before);
        before = stats.shown_tick;
        if (i < 60) continue;
        assert_int_equal(check_positions(NEAR), SHIPS);
        for (uint32_t k = 0; k < count; k++) assert_true(changes[k].before && changes[k].after);
        moved += count;
        skep_view_changed(lab.view, &Pos_info, &count);
        assert_true(count > SHIPS / 2);
        skep_view_changed(lab.view, &Info_info, &count);
        assert_int_equal(count, 0);
        assert_true(stats.delay_ms > 45.0f && stats.delay_ms < 100.0f);
        assert_true(stats.server_tick > stats.shown_tick);
    }
    assert_true(moved > 400); /* lights that went on or off */
    live_lab_close(&lab);
}

static void values_are_whole(void **state)
{
    (void)state;
    open_sea();
    until_live();
    for (uint32_t i = 0; i < 20; i++) picture();
    for (uint32_t i = 0; i < SHIPS; i++) {
        Info info;
        memset(&info, 0xEE, sizeof info);
        assert_true(skep_view_get(lab.view, sea.ships[i], &Info_info, &info));
        assert_int_equal(info.number, i);
        assert_int_equal(info.odd, i % 2 != 0);
        assert_int_equal(info.kind, (uint8_t)i);
        assert_true(info.fine == i * 0.1);
        assert_false(skep_view_get(lab.view, sea.ships[i], &Lit_info, NULL));
    }
    const Clock *clock = skep_view_resource(lab.view, &Clock_info);
    assert_non_null(clock);
    assert_int_equal(clock->tick, skep_view_stats_of(lab.view, 0).tick);
    assert_true(clock->warmth == 20.5f);
    assert_int_equal(skep_view_player(lab.view), 7);
    live_lab_close(&lab);
}

static void who_comes_and_goes_is_told(void **state)
{
    (void)state;
    static bool shown[65536];
    memset(shown, 0, sizeof shown);
    open_sea();
    sea.comings = sea.lights = true;
    until_live();
    uint32_t came = 0;
    for (uint32_t i = 0; i < 400; i++) {
        uint32_t count = 0;
        picture();
        const skep_view_change *changes = skep_view_changes(lab.view, &count);
        for (uint32_t k = 0; k < count; k++) {
            /* Indexes come again at once: so a generation is part of the place. */
            const skep_entity e = changes[k].entity;
            const uint32_t at =
                (skep_entity_index(e) * 31u + skep_entity_generation(e) * 1021u) % 65536u;
            assert_int_equal(shown[at], changes[k].before != 0);
            shown[at] = changes[k].after != 0;
            came += !changes[k].before;
        }
        assert_int_equal(check_positions(NEAR_LEAVING), SHIPS);
        uint32_t all = 0;
        for (uint32_t k = 0; k < 65536; k++) all += shown[k];
        assert_int_equal(all, SHIPS);
    }
    assert_true(came > SHIPS + 100);
    live_lab_close(&lab);
}

static void events_come_once_in_order(void **state)
{
    (void)state;
    open_sea();
    sea.booms = true;
    until_live();
    uint32_t next = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < 200; i++) {
        skep_view_event e;
        picture();
        while (skep_view_poll(lab.view, &e)) {
            const Boom *boom = e.value;
            assert_ptr_equal(e.info, &Boom_info);
            assert_int_equal(e.to.bits, sea.ships[0].bits);
            if (next) assert_int_equal(boom->number, next);
            next = boom->number + 1;
            assert_true((double)e.tick <= skep_view_stats_of(lab.view, lab.now_ns).shown_tick);
            count++;
        }
    }
    assert_true(count > 150);
    live_lab_close(&lab);
}

static void an_area_shows_less(void **state)
{
    (void)state;
    const skep_box west = {2, {-1000.0f, -1000.0f}, {150.0f, 1000.0f}};
    const skep_box all = {0};
    open_sea();
    until_live();
    for (uint32_t i = 0; i < 30; i++) picture();
    skep_view_area(lab.view, &west);
    for (uint32_t i = 0; i < 30; i++) picture();
    const uint32_t some = check_positions(NEAR);
    assert_true(some > 50 && some < SHIPS - 50);
    skep_view_area(lab.view, &all);
    for (uint32_t i = 0; i < 30; i++) picture();
    assert_int_equal(check_positions(NEAR), SHIPS);
    live_lab_close(&lab);
}

static void a_short_break_is_resumed(void **state)
{
    (void)state;
    open_sea();
    sea.lights = true;
    until_live();
    for (uint32_t round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < 30; i++) picture();
        const uint64_t wholes = skep_publisher_stats(lab.publisher).wholes_sent;
        live_lab_cut(&lab);
        assert_int_equal(skep_view_phase_of(lab.view), SKEP_VIEW_RECONNECTING);
        for (uint32_t i = 0; i < 20; i++) picture();
        assert_int_equal(skep_view_stats_of(lab.view, lab.now_ns).entity_count, SHIPS);
        live_lab_connect(&lab);
        until_live();
        for (uint32_t i = 0; i < 120; i++) picture();
        assert_int_equal(check_positions(NEAR), SHIPS);
        assert_int_equal(skep_publisher_stats(lab.publisher).wholes_sent, wholes);
    }
    assert_int_equal(skep_view_stats_of(lab.view, lab.now_ns).reconnects, 4);
    assert_int_equal(skep_view_stats_of(lab.view, lab.now_ns).resyncs, 0);
    live_lab_close(&lab);
}

static void a_long_break_begins_anew(void **state)
{
    (void)state;
    open_sea();
    until_live();
    for (uint32_t i = 0; i < 30; i++) picture();
    live_lab_cut(&lab);
    live_lab_pass(&lab, 40000); /* beyond resume_ms and the ring */
    live_lab_connect(&lab);
    until_live();
    uint32_t left = 0;
    for (uint32_t i = 0; i < 60; i++) {
        uint32_t count = 0;
        picture();
        const skep_view_change *changes = skep_view_changes(lab.view, &count);
        for (uint32_t k = 0; k < count; k++) left += !changes[k].after;
    }
    assert_int_equal(check_positions(NEAR), SHIPS);
    assert_int_equal(left, 0); /* other classes, but the same ships */
    live_lab_close(&lab);
}

static void a_slow_client_skips(void **state)
{
    (void)state;
    open_sea();
    until_live();
    for (uint32_t i = 0; i < 300; i++) {
        lab.client_stuck = i % 9 != 0;
        picture();
    }
    assert_int_equal(check_positions(NEAR), SHIPS);
    assert_int_equal(skep_view_stats_of(lab.view, lab.now_ns).resyncs, 0);
    live_lab_close(&lab);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static bool lose_some(live_lab *l, uint8_t *bytes, size_t size, void *ctx)
{
    (void)size;
    (void)ctx;
    /* Class messages and ACKs; what is lost on a real wire ends the connection. */
    const bool of_a_state = bytes[3] == 5 || bytes[3] == 6 || bytes[3] == 8;
    return !of_a_state || live_lab_random(l, 400) != 0;
}

static bool flip_some(live_lab *l, uint8_t *bytes, size_t size, void *ctx)
{
    (void)ctx;
    if (size > 60 && live_lab_random(l, 100) == 0)
        bytes[20 + live_lab_random(l, (uint32_t)size - 20u)] ^=
            (uint8_t)(1u << live_lab_random(l, 8));
    return true;
}

static void what_is_lost_is_asked_for(void **state)
{
    (void)state;
    open_sea();
    sea.lights = sea.comings = true;
    until_live();
    lab.spoil = lose_some;
    for (uint32_t i = 0; i < 700; i++) picture();
    lab.spoil = NULL;
    for (uint32_t i = 0; i < 200; i++) picture();
    assert_int_equal(check_positions(NEAR_LEAVING), SHIPS);
    const skep_view_stats stats = skep_view_stats_of(lab.view, lab.now_ns);
    assert_true(stats.resyncs > 5);
    assert_true(stats.resyncs <= 2200u * STEP_MS / 1000u + 1u); /* at most one a second */
    live_lab_close(&lab);
}

static void damage_never_stays(void **state)
{
    (void)state;
    open_sea();
    sea.lights = sea.comings = sea.booms = true;
    until_live();
    lab.spoil = flip_some;
    for (uint32_t i = 0; i < 600; i++) {
        picture();
        if (skep_view_phase_of(lab.view) == SKEP_VIEW_CLOSED) {
            const skep_view_desc view = view_desc();
            live_lab_view(&lab, &view);
        }
        if (!lab.session) live_lab_connect(&lab);
    }
    lab.spoil = NULL;
    for (uint32_t i = 0; i < 400; i++) {
        if (!lab.session) live_lab_connect(&lab);
        picture();
    }
    assert_int_equal(check_positions(NEAR_LEAVING), SHIPS);
    live_lab_close(&lab);
}

static void no_memory_is_no_end(void **state)
{
    (void)state;
    for (uint32_t n = 1; n < 900; n += 1 + n / 3) {
        open_sea();
        sea.lights = true;
        test_region_fail(&lab.memory, n);
        lab.memory.fail_once = true;
        for (uint32_t i = 0; i < 60; i++) {
            live_lab_pass(&lab, STEP_MS);
            if (!lab.session) live_lab_connect(&lab);
            (void)!skep_view_frame(lab.view, lab.now_ns);
        }
        test_region_fail(&lab.memory, 0);
        for (uint32_t i = 0; i < 100; i++) picture();
        assert_int_equal(check_positions(NEAR), SHIPS);
        live_lab_close(&lab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(things_are_where_they_were), cmocka_unit_test(values_are_whole),
        cmocka_unit_test(who_comes_and_goes_is_told), cmocka_unit_test(events_come_once_in_order),
        cmocka_unit_test(an_area_shows_less),         cmocka_unit_test(a_short_break_is_resumed),
        cmocka_unit_test(a_long_break_begins_anew),   cmocka_unit_test(a_slow_client_skips),
        cmocka_unit_test(what_is_lost_is_asked_for),  cmocka_unit_test(damage_never_stays),
        cmocka_unit_test(no_memory_is_no_end),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
