/* SPDX-License-Identifier: MIT */
/* Balls that collide with those near, and are pulled by all, in a closed box.
 *
 * Near and far are two ways to look at the same balls. Collisions need the very neighbours: they
 * come from a grid. Gravity fades with distance, so far balls count by the sum of their coarse
 * cell: each block of balls adds up its own masses, and the plan combines these sums in block
 * order. */
#include "skep/grid.h"
#include "skep/math.h"
#include "skep/scene.h"

#define RADIUS_MAX 1.0f
#define COARSE 8 /* cells a side of the coarse mass field */
#define COARSE_CELLS 64

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Ball, (f32, radius), (f32, mass));
SKEP_RESOURCE(Box, (f32, side), (f32, gravity));
SKEP_RESOURCE(Masses, (f32, m, COARSE_CELLS), (f32, mx, COARSE_CELLS), (f32, my, COARSE_CELLS));
SKEP_RESOURCE(Energy, (f64, motion), (f64, x), (f64, y)); /* of the last frame, and its momentum */
SKEP_GRID(Balls, 2, (Pos, x), (Pos, y), (Vel, x), (Vel, y), (Ball, radius), (Ball, mass));

/* The coarse cell of a coordinate along one axis; balls are always inside of the box. */
static uint32_t coarse_of(float at, float side)
{
    const float cell = skep_clamp_f32(at / side * (float)COARSE, 0.0f, (float)COARSE - 1.0f);
    return (uint32_t)cell;
}

SKEP_JOB(weigh, (in, Pos, pos), (in, Ball, ball), (res, Box, box), (sum, Masses, masses))
{
    const float side = c->box->side;
    for (uint32_t i = 0; i < task->n; i++) {
        const uint32_t k = coarse_of(c->pos.y[i], side) * COARSE + coarse_of(c->pos.x[i], side);
        c->masses->m[k] += c->ball.mass[i];
        c->masses->mx[k] += c->ball.mass[i] * c->pos.x[i];
        c->masses->my[k] += c->ball.mass[i] * c->pos.y[i];
    }
}

/* One ball, and what a frame changes of its velocity. */
typedef struct body {
    float x, y, vx, vy;
    float radius, mass;
    float add_x, add_y;
} body;

/* Adds the elastic pushes of a run of balls: of those that touch and approach. Both partners
 * compute the same push, one of them negated, so momentum is kept. */
static void bump_into(body *a, const skep_near *near)
{
    const float *const vx = SKEP_NEAR(*near, 0, float);
    const float *const vy = SKEP_NEAR(*near, 1, float);
    const float *const radius = SKEP_NEAR(*near, 2, float);
    const float *const mass = SKEP_NEAR(*near, 3, float);
    for (uint32_t k = 0; k < near->n; k++) {
        const float dx = near->x[k] - a->x;
        const float dy = near->y[k] - a->y;
        const float reach = radius[k] + a->radius;
        const float d2 = dx * dx + dy * dy;
        if (d2 >= reach * reach || d2 == 0.0f) continue;
        const float approach = (vx[k] - a->vx) * dx + (vy[k] - a->vy) * dy;
        if (approach >= 0.0f) continue;
        const float push = 2.0f * mass[k] / (mass[k] + a->mass) * (approach / d2);
        a->add_x += push * dx;
        a->add_y += push * dy;
    }
}

SKEP_JOB(bump, (in, Pos, pos), (in, Ball, ball), (mut, Vel, vel), (res, Balls, balls))
{
    for (uint32_t i = 0; i < task->n; i++) {
        body a = {c->pos.x[i], c->pos.y[i], c->vel.x[i], c->vel.y[i], 0.0f, 0.0f, 0.0f, 0.0f};
        a.radius = c->ball.radius[i];
        a.mass = c->ball.mass[i];
        skep_near near;
        skep_near_iter it = skep_grid_near(c->balls, a.x, a.y, a.radius + RADIUS_MAX);
        while (skep_grid_next(c->balls, &it, &near)) bump_into(&a, &near);
        c->vel.x[i] = a.vx + a.add_x;
        c->vel.y[i] = a.vy + a.add_y;
    }
}

/* The pull of one coarse cell on all balls of the task: a point mass at its centre of mass,
 * softened inside of the cell's own size. */
static void pull_to(const skep_task *task, Pos_in pos, Vel_mut vel, const Masses *all,
                    uint32_t cell, const Box *box)
{
    const float m = all->m[cell];
    const float x = all->mx[cell] / m;
    const float y = all->my[cell] / m;
    const float soft = box->side / (float)COARSE;
    const float strength = box->gravity * m * task->dt;
    SKEP_ROWS (i, task) {
        const float dx = x - pos.x[i];
        const float dy = y - pos.y[i];
        const float d2 = dx * dx + dy * dy + soft * soft;
        const float pull = strength / (d2 * skep_sqrt_f32(d2));
        vel.x[i] += dx * pull;
        vel.y[i] += dy * pull;
    }
}

SKEP_JOB(pull, (in, Pos, pos), (mut, Vel, vel), (res, Masses, masses), (res, Box, box))
{
    if (c->box->gravity == 0.0f) return;
    for (uint32_t k = 0; k < COARSE_CELLS; k++)
        if (c->masses->m[k] > 0.0f) pull_to(task, c->pos, c->vel, c->masses, k, c->box);
}

/* Moves along one axis and turns around at a wall. */
static void glide(float *at, float *speed, float dt, float side)
{
    const float to = *at + *speed * dt;
    const bool out = (to < 0.0f && *speed < 0.0f) || (to > side && *speed > 0.0f);
    *speed = out ? -*speed : *speed;
    *at = skep_clamp_f32(to, 0.0f, side);
}

SKEP_JOB(drift, (mut, Pos, pos), (mut, Vel, vel), (res, Box, box))
{
    SKEP_ROWS (i, task) {
        glide(&c->pos.x[i], &c->vel.x[i], task->dt, c->box->side);
        glide(&c->pos.y[i], &c->vel.y[i], task->dt, c->box->side);
    }
}

SKEP_JOB(measure, (in, Vel, vel), (in, Ball, ball), (sum, Energy, energy))
{
    for (uint32_t i = 0; i < task->n; i++) {
        const double m = (double)c->ball.mass[i];
        const double x = (double)c->vel.x[i];
        const double y = (double)c->vel.y[i];
        c->energy->motion += 0.5 * m * (x * x + y * y);
        c->energy->x += m * x;
        c->energy->y += m * y;
    }
}

SKEP_SCENE(collide, "Balls that collide near and attract far")
{
    const uint32_t n = skep_param_u32(b, "entities", 5000, "how many balls");
    const float gravity = skep_param_f32(b, "gravity", 0.05f, "how strongly mass attracts");
    const float side = skep_sqrt_f32((float)n) * 3.0f;
    Pos_mut pos;
    Vel_mut vel;
    Ball_mut ball;

    skep_resource(b, SKEP_WITH(Box, side, gravity));
    skep_add(b, "update", &weigh);
    skep_grid_add(b, "update", &Balls, 2.0f * RADIUS_MAX);
    skep_add(b, "update", &bump);
    skep_add(b, "update", &pull);
    skep_add(b, "update", &drift);
    skep_add(b, "late", &measure);

    skep_create_many(b, n, Pos_columns(&pos), Vel_columns(&vel), Ball_columns(&ball));
    for (uint32_t i = 0; i < n; i++) {
        const float radius = RADIUS_MAX * (0.4f + 0.6f * skep_init_rand(b));
        ball.radius[i] = radius;
        ball.mass[i] = radius * radius;
        pos.x[i] = skep_init_rand(b) * side;
        pos.y[i] = skep_init_rand(b) * side;
        vel.x[i] = (skep_init_rand(b) - 0.5f) * 10.0f;
        vel.y[i] = (skep_init_rand(b) - 0.5f) * 10.0f;
    }
}
