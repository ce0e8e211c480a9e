/* SPDX-License-Identifier: MIT */
/* A scene with a mistake of each kind, and with ways to leave its function early, for
 * own_scene_mistakes.test.ts. */
#include "skep/scene.h"

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));

SKEP_JOB(shoot, (mut, Pos, pos))
{
    SKEP_ROWS (i, task) c->pos.x[i] += task->dt;
}

SKEP_JOB(hurt, (in, Pos, pos), (mut, Vel, vel))
{
    SKEP_ROWS (i, task) c->vel.x[i] += c->pos.x[i];
}

SKEP_JOB(flock, (in, Vel, was), (mut, Vel, vel))
{
    SKEP_ROWS (i, task) c->vel.y[i] += c->was.x[i];
}

/* Reads a component by the number of another one's term. */
static skep_status peek(void *ctx, skep_world *world, float dt)
{
    (void)ctx;
    (void)dt;
    skep_query_desc d = skep_query_desc_default();
    d.terms[0] = SKEP_ALL(Pos);
    d.terms[1] = SKEP_ALL(Vel);
    skep_query *q = NULL;
    const skep_status status = skep_query_create(world, &d, &q);
    if (status != SKEP_OK) return status;
    skep_query_iter it = skep_query_begin(q);
    float sum = 0.0f;
    while (skep_query_next(&it)) sum += Vel_read(&it, 0).x[0];
    skep_query_destroy(q);
    return sum == sum ? SKEP_OK : SKEP_FAULT;
}

/* Divides, when told to, by zero. */
static uint32_t divided(uint32_t by)
{
    volatile uint32_t all = 7;
    all = all / by;
    return all;
}

SKEP_SCENE(wrong, "Has mistakes")
{
    const uint32_t n = skep_param_u32(b, "entities", 10, "how many");
    const char *how = skep_param_str(b, "how", "", "mistakes, memory, trap, peek or data");
    Pos_mut pos;
    Vel_mut vel;
    skep_add(b, "update", &shoot);
    if (how[0] == 'p') skep_run(b, "update", "peek", peek);
    if (how[0] == 'm') {
        skep_add_when(b, "update", &hurt)->after = "shot";
        skep_add(b, "update", &flock);
    }
    if (how[0] == 'm' && how[1] == 'e') (void)skep_init_memory(b, (size_t)1 << 30);
    if (how[0] == 't') {
        skep_scene_fail(b, "said before the trap");
        (void)divided(n / 1000);
    }
    if (how[0] == 'd') {
        size_t bytes = 0;
        const char *text = skep_data(b, &bytes);
        if (!text) skep_scene_fail(b, "no data");
        if (text) skep_scene_fail(b, "%u bytes: %s", (unsigned)bytes, text);
    }
    skep_create_many(b, n, Pos_columns(&pos), Vel_columns(&vel));
    for (uint32_t i = 0; i < n; i++) {
        pos.x[i] = 1.0f;
        vel.x[i] = 1.0f;
    }
}
