/* SPDX-License-Identifier: MIT */
/* A scene to which things happen, for the tests of checkpoints and replay: a bit flips, the program
 * crashes, a job fails or crashes. What is to happen comes from the environment, which is no input
 * of a frame, so that a replay can be spared it. Built as a module by the tests themselves. */
#include "skep/scene.h"

#include <stdlib.h>

SKEP_COMPONENT(Spot, (f32, x), (f32, y));
SKEP_COMPONENT(Fuel, (u32, left));
SKEP_RESOURCE(Mood, (u32, fail_at), (u32, crash_at));
SKEP_PREFAB(Spark);

#define NEVER 0xffffffffu

static unsigned flip_at = NEVER;
static unsigned crash_at = NEVER;
static unsigned job_crash_at = NEVER;

static unsigned frame_of(const char *name)
{
    const char *text = getenv(name);
    return text ? (unsigned)strtoul(text, NULL, 10) : NEVER;
}

static int *nowhere(void)
{
    static int *volatile at;
    return at;
}

SKEP_JOB(drift, (mut, Spot, spot))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->spot.x[i] += (skep_rand_f32(task, task->entity[i], 0) - 0.5f) * task->dt;
        c->spot.y[i] += (skep_rand_f32(task, task->entity[i], 1) - 0.5f) * task->dt;
    }
    if (task->tick != flip_at || task->block != 0) return;
    union {
        float real;
        uint32_t bits;
    } value = {c->spot.x[5]};
    value.bits ^= 1u;
    c->spot.x[5] = value.real;
}

SKEP_JOB_WITH(burn, SKEP_JOB_MAY_FAIL, 1, (mut, Fuel, fuel), (in, Spot, spot), (res, Mood, mood),
              (spawn, Spark, spark))
{
    for (uint32_t i = 0; i < task->n; i++) c->fuel.left[i] += c->spot.x[i] > 0.0f ? 1u : 2u;
    if (task->block != 0) return;
    if (task->tick == job_crash_at || task->tick == c->mood->crash_at) *nowhere() = 1;
    if (task->tick == c->mood->fail_at) skep_fail(task, "out of fuel");
    if (task->tick % 16 == 3) {
        const skep_entity e = Spark_new(task, c->spark);
        Spot_init(task, e, SKEP_LIT(Spot, (float)task->tick, 0.0f));
    }
}

static skep_status trip(void *ctx, skep_world *world, float dt)
{
    (void)ctx;
    (void)dt;
    if (skep_world_tick(world) == crash_at) *nowhere() = 1;
    return SKEP_OK;
}

SKEP_SCENE(mishap, "Things that happen, for tests")
{
    Spot_mut spot;
    Fuel_mut fuel;
    const uint32_t n = skep_param_u32(b, "entities", 3000, "how many");
    const uint32_t fail_at = skep_param_u32(b, "fail_at", NEVER, "frame in which a job fails");
    const uint32_t crash = skep_param_u32(b, "crash_at", NEVER, "frame in which a job crashes");
    size_t bytes = 0;
    const char *data = skep_data(b, &bytes);
    flip_at = frame_of("SKEP_TEST_FLIP");
    crash_at = frame_of("SKEP_TEST_CRASH");
    job_crash_at = frame_of("SKEP_TEST_CRASH_JOB");
    skep_resource(b, SKEP_WITH(Mood, fail_at, crash));
    skep_prefab(b, Spark, SKEP_OF(Spot), SKEP_OF(Fuel));
    skep_add(b, "update", &drift);
    skep_add(b, "update", &burn);
    skep_run_using(b, "late", "trip", trip, SKEP_USES(in, Spot));
    skep_create_many(b, n, Spot_columns(&spot), Fuel_columns(&fuel));
    for (uint32_t i = 0; i < n; i++) spot.x[i] = (float)(data ? bytes : 0u) + (float)(i % 64u);
}
