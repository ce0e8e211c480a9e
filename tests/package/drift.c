/* SPDX-License-Identifier: MIT */
/* A scene of somebody who has skep in his own build: points that drift. */
#include "skep/scene.h"

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));

SKEP_JOB(move, (mut, Pos, pos), (in, Vel, vel))
{
    SKEP_ROWS (i, task) {
        c->pos.x[i] += c->vel.x[i] * task->dt;
        c->pos.y[i] += c->vel.y[i] * task->dt;
    }
}

SKEP_SCENE(drift, "Points that drift")
{
    const uint32_t n = skep_param_u32(b, "entities", 1000, "how many points");
    Pos_mut pos;
    Vel_mut vel;
    skep_add(b, "update", &move);
    skep_create_many(b, n, Pos_columns(&pos), Vel_columns(&vel));
    for (uint32_t i = 0; i < n; i++) {
        pos.x[i] = 0.0f;
        pos.y[i] = 0.0f;
        vel.x[i] = skep_init_rand(b);
        vel.y[i] = 1.0f;
    }
}
