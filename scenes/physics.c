/* SPDX-License-Identifier: MIT */
/* Particles that fly straight on: the smallest scene, and the one that iteration is measured by. */
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

SKEP_SCENE(physics, "Particles that fly straight on")
{
    const uint32_t n = skep_param_u32(b, "entities", 10000, "how many particles");
    Pos_mut pos;
    Vel_mut vel;
    skep_add(b, "update", &move);
    skep_create_many(b, n, Pos_columns(&pos), Vel_columns(&vel));
    for (uint32_t i = 0; i < n; i++) {
        pos.x[i] = skep_init_rand(b) * 100.0f;
        pos.y[i] = skep_init_rand(b) * 100.0f;
        vel.x[i] = skep_init_rand(b) - 0.5f;
        vel.y[i] = skep_init_rand(b) - 0.5f;
    }
}
