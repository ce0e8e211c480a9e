/* SPDX-License-Identifier: MIT */
/* ctest: timeout=900
 * Every scene that ships gives one hash whatever order tasks run and end in: 200 seeds of orders,
 * half of them with output in the pool's own memory, each from the same snapshot of a world that
 * is well under way. A failure prints scene and seed; SKEP_SEED=n runs that seed alone. */
#include "scenes/scenes.h"
#include "skep/sim.h"
#include "support/pool_shuffled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEEDS 200u
#define FRAMES 4u
#define FRAME (1.0f / 60.0f)

typedef struct course {
    const skep_scene *scene;
    const char *params[2];
    uint32_t warm; /* frames before the snapshot */
} course;

/* Enough rows for several tasks a system, and enough frames for events, spawns and deaths. */
static const course courses[] = {
    {&skep_scene_physics, {"entities=5000"}, 2},
    {&skep_scene_flock, {"entities=3000"}, 5},
    {&skep_scene_collide, {"entities=3000"}, 5},
    {&skep_scene_bullets, {"entities=3000"}, 60},
    {&skep_scene_skies, {"entities=3000", "time_scale=600"}, 60},
};

static skep_sim *course_open(const course *c, skep_pool *pool)
{
    skep_sim *sim = NULL;
    skep_sim_desc d = skep_sim_desc_default();
    d.params = c->params;
    d.param_count = c->params[1] ? 2 : 1;
    d.workers = 0;
    d.pool = pool;
    d.seed = 42;
    assert_int_equal(skep_sim_open(c->scene, &d, &sim), SKEP_OK);
    return sim;
}

static void course_frames(skep_sim *sim, uint32_t frames, uint64_t *hashes)
{
    for (uint32_t f = 0; f < frames; f++) {
        assert_int_equal(skep_sim_step(sim, FRAME), SKEP_OK);
        if (hashes) hashes[f] = skep_sim_hash(sim);
    }
    assert_int_equal(skep_sim_fault_total(sim), 0);
}

/* What the frames after the snapshot are on the library's own pool, on the caller. */
static void course_expect(const course *c, uint64_t *hashes)
{
    skep_sim *const sim = course_open(c, NULL);
    course_frames(sim, c->warm, NULL);
    course_frames(sim, FRAMES, hashes);
    for (uint32_t f = 1; f < FRAMES; f++) assert_true(hashes[f] != hashes[f - 1]);
    skep_sim_close(sim);
}

static void course_seed(const course *c, skep_sim *sim, uint64_t seed, const uint64_t *expected)
{
    uint64_t hashes[FRAMES];
    pool_shuffled_seed(skep_sim_pool(sim), seed);
    course_frames(sim, FRAMES, hashes);
    for (uint32_t f = 0; f < FRAMES; f++) {
        if (hashes[f] == expected[f]) continue;
        fail_msg("SKEP_SEED=%llu: %s: frame %u of %u is %016llx, not %016llx",
                 (unsigned long long)seed, c->scene->name, f, FRAMES, (unsigned long long)hashes[f],
                 (unsigned long long)expected[f]);
    }
}

/* Half of the seeds: those whose output goes elsewhere, or the others. */
static void course_half(const course *c, bool elsewhere, uint64_t only, const uint64_t *expected)
{
    skep_pool *const pool = pool_shuffled_create(elsewhere, 1);
    assert_non_null(pool);
    skep_sim *const sim = course_open(c, pool);
    skep_snapshot *start = NULL;
    course_frames(sim, c->warm, NULL);
    assert_int_equal(skep_snapshot_take(skep_sim_world(sim), &start), SKEP_OK);
    for (uint64_t seed = elsewhere ? 1 : 2; seed <= SEEDS; seed += 2) {
        if (only && seed != only) continue;
        assert_int_equal(skep_world_restore(skep_sim_world(sim), start), SKEP_OK);
        course_seed(c, sim, seed, expected);
    }
    const pool_shuffled_counts counts = pool_shuffled_counted(pool);
    assert_true(counts.moved > counts.batches / 2); /* orders were really others */
    skep_snapshot_release(start);
    assert_int_equal(skep_world_check(skep_sim_world(sim)), SKEP_OK);
    skep_sim_close(sim);
    skep_pool_destroy(pool);
}

static void test_every_order_gives_one_hash(void **state)
{
    const course *const c = *state;
    const char *const asked = getenv("SKEP_SEED");
    const uint64_t only = asked ? strtoull(asked, NULL, 10) : 0;
    uint64_t expected[FRAMES];
    course_expect(c, expected);
    course_half(c, false, only, expected);
    course_half(c, true, only, expected);
}

int main(void)
{
    struct CMUnitTest tests[sizeof courses / sizeof courses[0]];
    for (size_t i = 0; i < sizeof courses / sizeof courses[0]; i++) {
        tests[i] = (struct CMUnitTest)cmocka_unit_test(test_every_order_gives_one_hash);
        tests[i].name = courses[i].scene->name;
        tests[i].initial_state = (void *)(uintptr_t)&courses[i];
    }
    return cmocka_run_group_tests_name("shuffle", tests, NULL, NULL);
}
