/* SPDX-License-Identifier: MIT */
/* A scene of one's own: fireflies that circle and blink. Build it against the installed package
 * (see CMakeLists.txt beside it), then: skep run own.so --frames 600 --entities 5000 --param
 * pull=2 */
#include "skep/scene.h"

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Glow, (f32, phase), (f32, light));
SKEP_RESOURCE(Air, (f32, pull));

/* Pulls every firefly to the middle, so that it circles around it. */
SKEP_JOB(circle, (in, Pos, pos), (mut, Vel, vel), (res, Air, air))
{
    const float pull = c->air->pull * task->dt;
    SKEP_ROWS (i, task) {
        c->vel.x[i] -= c->pos.x[i] * pull;
        c->vel.y[i] -= c->pos.y[i] * pull;
    }
}

SKEP_JOB(move, (mut, Pos, pos), (in, Vel, vel))
{
    SKEP_ROWS (i, task) {
        c->pos.x[i] += c->vel.x[i] * task->dt;
        c->pos.y[i] += c->vel.y[i] * task->dt;
    }
}

/* Lights up at the turn of each second of its own clock. */
SKEP_JOB(blink, (mut, Glow, glow))
{
    SKEP_ROWS (i, task) {
        const float phase = c->glow.phase[i] + task->dt;
        c->glow.phase[i] = phase >= 1.0f ? phase - 1.0f : phase;
        c->glow.light[i] = c->glow.phase[i] < 0.2f ? 1.0f : 0.0f;
    }
}

SKEP_SCENE(own, "Fireflies circle and blink")
{
    const uint32_t n = skep_param_u32(b, "entities", 2000, "how many fireflies");
    skep_resource(b, SKEP_WITH(Air, skep_param_f32(b, "pull", 1.0f, "how hard the middle pulls")));
    skep_add(b, "update", &circle);
    skep_add_when(b, "update", &move)->after = "circle";
    skep_add(b, "update", &blink);

    Pos_mut pos;
    Vel_mut vel;
    Glow_mut glow;
    skep_create_many(b, n, Pos_columns(&pos), Vel_columns(&vel), Glow_columns(&glow));
    for (uint32_t i = 0; i < n; i++) {
        pos.x[i] = skep_init_rand(b) * 20.0f - 10.0f;
        pos.y[i] = skep_init_rand(b) * 20.0f - 10.0f;
        vel.x[i] = skep_init_rand(b) - 0.5f;
        vel.y[i] = skep_init_rand(b) - 0.5f;
        glow.phase[i] = skep_init_rand(b);
    }
}
