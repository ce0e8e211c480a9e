/* SPDX-License-Identifier: MIT */
/* Players in `skies`: an aircraft of one's own beside the flights, which do not mind. */
#include "skep/sim.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

SKEP_SCENE_DECLARE(skies);
SKEP_COMPONENT(Pos, (f32, x), (f32, y), (f32, z), (f32, alt_ft));
SKEP_INPUT(Steer, (f32, turn), (f32, climb), (f32, throttle), (u16, from));
SKEP_COMPONENT(Pilot, (f32, turn), (f32, climb), (f32, throttle), (u8, flying), (u32, player));
SKEP_COMPONENT(Glide, (f32, x), (f32, y), (f32, z), (f32, kt), (f32, time_scale));
SKEP_COMPONENT(Airport, (u16, index));
SKEP_COMPONENT(Site, (f32, x), (f32, y), (f32, z), (f32, ft), (bytes, iata, 4), (bytes, icao, 8),
               (bytes, country, 4), (bytes, name, 48));
SKEP_COMPONENT(Route, (u16, from), (u16, to));

#define FRAME (1.0f / 60.0f)
#define PARK UINT16_MAX
/* Of the flights alone, whoever else is in the air. */
#define HASH_BEGIN 1469598103934665603ull

static skep_sim *open_skies(bool predict)
{
    static const char *const params[] = {"entities=500"};
    skep_sim *sim = NULL;
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = 0;
    d.params = params;
    d.param_count = 1;
    d.predict = predict;
    assert_int_equal(skep_sim_open(&skep_scene_skies, &d, &sim), SKEP_OK);
    return sim;
}

static void steer(skep_sim *sim, skep_entity own, uint64_t number, Steer value)
{
    assert_int_equal(skep_world_input(skep_sim_world(sim), 1, number, own, &Steer_info, &value),
                     SKEP_OK);
}

static void run(skep_sim *sim, uint32_t frames)
{
    for (uint32_t i = 0; i < frames; i++) assert_int_equal(skep_sim_step(sim, FRAME), SKEP_OK);
    assert_int_equal(skep_sim_fault_total(sim), 0);
}

static Pos pos_of(skep_sim *sim, skep_entity e)
{
    Pos pos = {0.0f, 0.0f, 0.0f, 0.0f};
    assert_true(Pos_of(skep_sim_world(sim), e, &pos));
    return pos;
}

static double angle_between(Pos a, Pos b)
{
    const double x = (double)a.x - (double)b.x;
    const double y = (double)a.y - (double)b.y;
    const double z = (double)a.z - (double)b.z;
    return 2.0 * asin(sqrt(x * x + y * y + z * z) / 2.0);
}

static void mix(uint64_t *hash, const void *bytes, size_t n)
{
    const uint8_t *const b = (const uint8_t *)bytes;
    for (size_t i = 0; i < n; i++) *hash = (*hash ^ b[i]) * 1099511628211ull;
}

static uint64_t hash_of_flights(skep_sim *sim)
{
    uint64_t hash = HASH_BEGIN;
    skep_query_desc q = skep_query_desc_default();
    skep_query *query = NULL;
    q.terms[0] = SKEP_ALL(Pos);
    q.terms[1] = SKEP_ALL(Route);
    assert_int_equal(skep_query_create(skep_sim_world(sim), &q, &query), SKEP_OK);
    skep_query_iter it = skep_query_begin(query);
    while (skep_query_next(&it)) {
        const Pos_in pos = Pos_read(&it, 0);
        mix(&hash, pos.x, it.n * sizeof *pos.x);
        mix(&hash, pos.alt_ft, it.n * sizeof *pos.alt_ft);
    }
    skep_query_destroy(query);
    return hash;
}

static void an_aircraft_stands_until_its_player_takes_off(void **state)
{
    (void)state;
    skep_sim *const sim = open_skies(false);
    const skep_entity own = skep_sim_join(sim, 7);
    Pilot pilot = {0};
    assert_true(Pilot_of(skep_sim_world(sim), own, &pilot));
    assert_int_equal(pilot.player, 7);
    assert_int_equal(pilot.flying, 0);
    const Pos before = pos_of(sim, own);
    run(sim, 10);
    const Pos still = pos_of(sim, own);
    assert_memory_equal(&before, &still, sizeof still);

    steer(sim, own, 1, SKEP_LIT(Steer, 0.0f, 1.0f, 1.0f, 4));
    run(sim, 1);
    const Pos start = pos_of(sim, own);
    run(sim, 120);
    const Pos after = pos_of(sim, own);
    /* 180 knots and 160 more a second, up to 500 in two, 60 times as fast: about 11 miles. */
    const double nm = angle_between(start, after) * 3440.0;
    assert_true(nm > 9.0 && nm < 13.0);
    assert_true(after.alt_ft > start.alt_ft + 3900.0f);
    const double length =
        sqrt((double)after.x * (double)after.x + (double)after.y * (double)after.y +
             (double)after.z * (double)after.z);
    assert_true(fabs(length - 1.0) < 1e-6);

    steer(sim, own, 2, SKEP_LIT(Steer, 0.0f, 0.0f, 0.0f, PARK));
    run(sim, 1);
    const Pos parked = pos_of(sim, own);
    run(sim, 10);
    const Pos later = pos_of(sim, own);
    assert_memory_equal(&parked, &later, sizeof later);
    skep_sim_leave(sim, 7, own);
    assert_false(skep_entity_alive(skep_sim_world(sim), own));
    run(sim, 2);
    skep_sim_close(sim);
}

static void a_turn_leads_back(void **state)
{
    (void)state;
    skep_sim *const sim = open_skies(false);
    const skep_entity own = skep_sim_join(sim, 1);
    Glide before = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
    Glide after = before;
    steer(sim, own, 1, SKEP_LIT(Steer, 1.0f, 0.0f, 0.0f, 100));
    run(sim, 1);
    assert_true(Glide_of(skep_sim_world(sim), own, &before));
    const Pos start = pos_of(sim, own);
    run(sim, 419); /* 7 seconds of 0.9 radians: one turn but for a hundredth */
    assert_true(Glide_of(skep_sim_world(sim), own, &after));
    assert_true(angle_between(start, pos_of(sim, own)) * 3440.0 < 1.0);
    const float cosine = before.x * after.x + before.y * after.y + before.z * after.z;
    assert_true(cosine > 0.995f);
    skep_sim_close(sim);
}

static void flights_do_not_mind(void **state)
{
    (void)state;
    skep_sim *const alone = open_skies(false);
    skep_sim *const shared = open_skies(false);
    const skep_entity own = skep_sim_join(shared, 3);
    steer(shared, own, 1, SKEP_LIT(Steer, 0.1f, 1.0f, 1.0f, 1));
    run(alone, 240);
    run(shared, 240);
    assert_true(hash_of_flights(alone) == hash_of_flights(shared));
    skep_sim_close(alone);
    skep_sim_close(shared);
}

static void what_no_player_should_send_does_no_harm(void **state)
{
    (void)state;
    skep_sim *const sim = open_skies(false);
    const skep_entity own = skep_sim_join(sim, 1);
    steer(sim, own, 1, SKEP_LIT(Steer, 0.0f, 1.0f, 1.0f, 9));
    steer(sim, own, 2, SKEP_LIT(Steer, NAN, INFINITY, -1e30f, 60000));
    run(sim, 60);
    const Pos pos = pos_of(sim, own);
    assert_true(isfinite(pos.x) && isfinite(pos.y) && isfinite(pos.z) && isfinite(pos.alt_ft));
    assert_true(pos.alt_ft <= 45000.0f);
    steer(sim, skep_entity_null(), 3, SKEP_LIT(Steer, 0.0f, 1.0f, 1.0f, 9));
    run(sim, 1);
    skep_sim_close(sim);
}

static void a_client_predicts_the_same_bits(void **state)
{
    (void)state;
    skep_sim *const server = open_skies(false);
    skep_sim *const client = open_skies(true);
    skep_world *const world = skep_sim_world(client);
    assert_int_equal(skep_plan_system_count(skep_sim_plan(client)), 2);
    assert_int_equal(skep_world_entity_count(world), 0);
    const skep_entity own = skep_sim_join(server, 5);
    const skep_entity copy = skep_sim_join(client, 5);
    for (uint32_t i = 0; i < 600; i++) {
        const float turn = (float)((int32_t)(i * 7u % 21u) - 10) / 10.0f;
        const Steer s = {turn, -turn, (float)(i % 5u) / 4.0f, i == 0 ? 50 : 0};
        steer(server, own, i + 1, s);
        steer(client, copy, i + 1, s);
        run(server, 1);
        run(client, 1);
        const Pos a = pos_of(server, own);
        const Pos b = pos_of(client, copy);
        assert_memory_equal(&a, &b, sizeof a);
    }
    skep_sim_close(server);
    skep_sim_close(client);
}

static void clients_learn_what_they_show(void **state)
{
    (void)state;
    skep_sim *const sim = open_skies(false);
    skep_publish_desc d;
    memset(&d, 0, sizeof d);
    assert_int_equal(skep_sim_publish_desc(sim, &d), SKEP_OK);
    static const char *const shown[] = {"Pos",   "Cruise", "Route", "Alert", "Airport", "Site",
                                        "Pilot", "Glide",  "Steer", "Rules", "Traffic", "Stats"};
    uint32_t found = 0;
    for (uint32_t i = 0; i < d.replica_count; i++)
        for (uint32_t k = 0; k < sizeof shown / sizeof shown[0]; k++)
            found += strcmp(d.replicas[i].info->name, shown[k]) == 0;
    assert_int_equal(found, sizeof shown / sizeof shown[0]);
    assert_int_equal(d.replica_count, found);
    assert_string_equal(d.place.component->name, "Pos");
    assert_string_equal(skep_sim_predicted(sim, 0), "pilot");

    skep_query_desc q = skep_query_desc_default();
    skep_query *query = NULL;
    q.terms[0] = SKEP_ALL(Site);
    q.terms[1] = SKEP_ALL(Airport);
    assert_int_equal(skep_query_create(skep_sim_world(sim), &q, &query), SKEP_OK);
    skep_query_iter it = skep_query_begin(query);
    bool heathrow = false;
    uint32_t count = 0;
    while (skep_query_next(&it)) {
        const Site_in site = Site_read(&it, 0);
        for (uint32_t i = 0; site.iata && i < it.n; i++, count++)
            if (memcmp(site.iata + (size_t)i * 4, "LHR", 4) == 0)
                heathrow = strstr((const char *)site.name + (size_t)i * 48, "Heathrow") != NULL;
    }
    assert_int_equal(count, 512);
    assert_true(heathrow);
    skep_query_destroy(query);
    skep_sim_close(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_aircraft_stands_until_its_player_takes_off),
        cmocka_unit_test(a_turn_leads_back),
        cmocka_unit_test(flights_do_not_mind),
        cmocka_unit_test(what_no_player_should_send_does_no_harm),
        cmocka_unit_test(a_client_predicts_the_same_bits),
        cmocka_unit_test(clients_learn_what_they_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
