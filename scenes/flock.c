/* SPDX-License-Identifier: MIT */
/* Boids: each bird keeps away from the nearest, flies as its neighbours fly, and stays with them.
 *
 * Who is near comes from a grid, which is built anew each frame from the positions. The job `steer`
 * reads everybody's old velocity there and writes its own new one, so no bird sees a half-done
 * flock. */
#include "skep/grid.h"
#include "skep/math.h"
#include "skep/scene.h"

/* Distances in metres, speeds in metres a second. */
#define SIGHT 5.0f      /* how far a bird looks */
#define ELBOW 1.5f      /* how near is too near */
#define SPEED_MIN 4.0f  /* a bird that stalls falls */
#define SPEED_MAX 12.0f /* and none is faster */

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_RESOURCE(Sky, (f32, half_side)); /* birds turn back at its edge */
SKEP_GRID(Birds, 2, (Pos, x), (Pos, y), (Vel, x), (Vel, y));

/* What a bird sees around it. */
typedef struct sight {
    float away_x, away_y; /* from those too near, the nearer the stronger */
    float vel_x, vel_y;   /* sums over `count` neighbours */
    float to_x, to_y;
    float count;
} sight;

/* Adds a run of birds to what the one at (x, y) sees. It meets itself too, at no distance: that
 * adds nothing but its own velocity. */
static void look_at(sight *s, const skep_near *near, float x, float y)
{
    const float *const vx = SKEP_NEAR(*near, 0, float);
    const float *const vy = SKEP_NEAR(*near, 1, float);
    for (uint32_t k = 0; k < near->n; k++) {
        const float dx = near->x[k] - x;
        const float dy = near->y[k] - y;
        const float d2 = dx * dx + dy * dy;
        if (d2 > SIGHT * SIGHT) continue;
        const float push = d2 < ELBOW * ELBOW ? 1.0f - d2 / (ELBOW * ELBOW) : 0.0f;
        s->away_x -= dx * push;
        s->away_y -= dy * push;
        s->vel_x += vx[k];
        s->vel_y += vy[k];
        s->to_x += dx;
        s->to_y += dy;
        s->count += 1.0f;
    }
}

/* How hard a bird turns back, 0 inside of the sky. */
static float turn_back(float at, float half_side)
{
    return at > half_side ? half_side - at : (at < -half_side ? -half_side - at : 0.0f);
}

SKEP_JOB(steer, (in, Pos, pos), (mut, Vel, vel), (res, Birds, birds), (res, Sky, sky))
{
    for (uint32_t i = 0; i < task->n; i++) {
        const float x = c->pos.x[i];
        const float y = c->pos.y[i];
        sight s = {0};
        skep_near near;
        skep_near_iter it = skep_grid_near(c->birds, x, y, SIGHT);
        while (skep_grid_next(c->birds, &it, &near)) look_at(&s, &near, x, y);

        float vx = c->vel.x[i];
        float vy = c->vel.y[i];
        const float each = 1.0f / s.count;
        const float ax = s.away_x * 8.0f + (s.vel_x * each - vx) * 1.2f + s.to_x * each * 0.5f;
        const float ay = s.away_y * 8.0f + (s.vel_y * each - vy) * 1.2f + s.to_y * each * 0.5f;
        vx += (ax + turn_back(x, c->sky->half_side)) * task->dt;
        vy += (ay + turn_back(y, c->sky->half_side)) * task->dt;

        const float speed = skep_sqrt_f32(vx * vx + vy * vy) + 1e-6f;
        const float wanted = skep_clamp_f32(speed, SPEED_MIN, SPEED_MAX);
        c->vel.x[i] = vx * (wanted / speed);
        c->vel.y[i] = vy * (wanted / speed);
    }
}

SKEP_JOB(fly, (mut, Pos, pos), (in, Vel, vel))
{
    SKEP_ROWS (i, task) {
        c->pos.x[i] += c->vel.x[i] * task->dt;
        c->pos.y[i] += c->vel.y[i] * task->dt;
    }
}

SKEP_SCENE(flock, "Birds that flock by looking at their neighbours")
{
    const uint32_t n = skep_param_u32(b, "entities", 4000, "how many birds");
    const float half_side = skep_sqrt_f32((float)n) * 1.2f; /* about a bird on 6 square metres */
    Pos_mut pos;
    Vel_mut vel;

    skep_resource(b, SKEP_WITH(Sky, half_side));
    skep_grid_add(b, "update", &Birds, SIGHT);
    skep_add(b, "update", &steer);
    skep_add(b, "update", &fly);

    skep_create_many(b, n, Pos_columns(&pos), Vel_columns(&vel));
    for (uint32_t i = 0; i < n; i++) {
        float s = 0.0f;
        float c = 0.0f;
        skep_sincos_f32(skep_init_rand(b) * 6.2831853f, &s, &c);
        pos.x[i] = (skep_init_rand(b) * 2.0f - 1.0f) * half_side;
        pos.y[i] = (skep_init_rand(b) * 2.0f - 1.0f) * half_side;
        vel.x[i] = c * 8.0f;
        vel.y[i] = s * 8.0f;
    }
}
