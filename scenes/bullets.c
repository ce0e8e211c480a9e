/* SPDX-License-Identifier: MIT */
/* Guns shoot at targets: spawning, events that add up, destroying, and spawning again.
 *
 * A gun aims at the nearest target in range and spawns a bullet. A bullet that is near a target
 * sends it a Hit and is gone; two hits in one frame both arrive. A target without health left tells
 * the gun that hit it hardest, is gone, and another appears elsewhere, so there are always as many
 * targets. */
#include "skep/grid.h"
#include "skep/math.h"
#include "skep/scene.h"

#define RANGE 30.0f        /* how far a gun sees, in metres */
#define HIT_RADIUS 0.75f   /* how near a bullet must come */
#define BULLET_SPEED 40.0f /* metres a second: less than a hit radius in a frame at 60 Hz */
#define BULLET_LIFE 1.0f   /* seconds */
#define HEALTH 3.0f

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Gun, (f32, wait), (u32, kills));
SKEP_COMPONENT(Shot, (f32, damage), (f32, life), (entity, by));
SKEP_COMPONENT(Hp, (f32, hp));
SKEP_EVENT(Hit, (f32, amount), (entity, by));
SKEP_EVENT(Killed, (entity, target));
SKEP_RESOURCE(Arena, (f32, side));
SKEP_RESOURCE(Score, (u64, hits), (u64, kills));
SKEP_PREFAB(Bullet);
SKEP_PREFAB(Target);
SKEP_GRID(Targets, 2, (Pos, x), (Pos, y), (Hp, hp)); /* only targets have health */

/* The nearest target around a point. */
typedef struct found {
    skep_entity entity; /* null: nobody */
    float dx, dy, d2;
} found;

static found nearest(const skep_grid *targets, float x, float y, float r)
{
    found best = {skep_entity_null(), 0.0f, 0.0f, r * r};
    skep_near near;
    skep_near_iter it = skep_grid_near(targets, x, y, r);
    while (skep_grid_next(targets, &it, &near)) {
        for (uint32_t k = 0; k < near.n; k++) {
            const float dx = near.x[k] - x;
            const float dy = near.y[k] - y;
            const float d2 = dx * dx + dy * dy;
            if (d2 >= best.d2) continue;
            best.entity = near.entity[k];
            best.dx = dx;
            best.dy = dy;
            best.d2 = d2;
        }
    }
    return best;
}

SKEP_JOB(shoot, (mut, Gun, gun), (in, Pos, pos), (res, Targets, targets), (spawn, Bullet, bullet))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->gun.wait[i] -= task->dt;
        if (c->gun.wait[i] > 0.0f) continue;
        const float x = c->pos.x[i];
        const float y = c->pos.y[i];
        const found at = nearest(c->targets, x, y, RANGE);
        if (skep_entity_is_null(at.entity)) continue;
        const skep_entity own = task->entity[i];
        c->gun.wait[i] = 0.5f + skep_rand_f32(task, own, 0);
        const float speed = BULLET_SPEED / (skep_sqrt_f32(at.d2) + 1e-6f);
        const float miss = (skep_rand_f32(task, own, 1) - 0.5f) * 0.2f;
        const skep_entity shot = Bullet_new(task, c->bullet);
        Pos_init(task, shot, SKEP_LIT(Pos, x, y));
        Vel_init(task, shot,
                 SKEP_LIT(Vel, (at.dx - at.dy * miss) * speed, (at.dy + at.dx * miss) * speed));
        Shot_init(task, shot, SKEP_LIT(Shot, 0.5f + skep_rand_f32(task, own, 2), BULLET_LIFE, own));
    }
}

SKEP_JOB(fly, (mut, Pos, pos), (in, Vel, vel), (mut, Shot, shot))
{
    SKEP_ROWS (i, task) {
        c->pos.x[i] += c->vel.x[i] * task->dt;
        c->pos.y[i] += c->vel.y[i] * task->dt;
        c->shot.life[i] -= task->dt;
    }
}

SKEP_JOB(strike, (in, Pos, pos), (in, Shot, shot), (res, Targets, targets), (emit, Hit, hit),
         (destroy, Entity, end))
{
    for (uint32_t i = 0; i < task->n; i++) {
        const found at = nearest(c->targets, c->pos.x[i], c->pos.y[i], HIT_RADIUS);
        const bool hits = !skep_entity_is_null(at.entity);
        if (hits)
            Hit_send(task, c->hit, at.entity, SKEP_LIT(Hit, c->shot.damage[i], c->shot.by[i]));
        if (hits || c->shot.life[i] <= 0.0f) skep_destroy(task, c->end, task->entity[i]);
    }
}

/* Puts another target somewhere; its prefab says how healthy it is. */
static void appear(const skep_task *task, Target_spawn target, skep_entity former, float side)
{
    const skep_entity fresh = Target_new(task, target);
    const float x = skep_rand_f32(task, former, 0) * side;
    const float y = skep_rand_f32(task, former, 1) * side;
    Pos_init(task, fresh, SKEP_LIT(Pos, x, y));
}

SKEP_JOB(hurt, (mut, Hp, hp), (inbox, Hit, hit), (res, Arena, arena), (emit, Killed, killed),
         (spawn, Target, target), (destroy, Entity, end))
{
    for (uint32_t i = 0; i < task->n; i++) {
        float hardest = 0.0f;
        skep_entity by = skep_entity_null();
        for (uint32_t k = c->hit.begin[i]; k < c->hit.begin[i + 1]; k++) {
            c->hp.hp[i] -= c->hit.amount[k];
            if (c->hit.amount[k] <= hardest) continue;
            hardest = c->hit.amount[k];
            by = c->hit.by[k];
        }
        if (c->hp.hp[i] > 0.0f) continue;
        const skep_entity own = task->entity[i];
        Killed_send(task, c->killed, by, SKEP_LIT(Killed, own));
        skep_destroy(task, c->end, own);
        appear(task, c->target, own, c->arena->side);
    }
}

SKEP_JOB(boast, (mut, Gun, gun), (inbox, Killed, killed))
{
    for (uint32_t i = 0; i < task->n; i++)
        c->gun.kills[i] += c->killed.begin[i + 1] - c->killed.begin[i];
}

SKEP_JOB_WITH(score, SKEP_JOB_UNSPLIT, 0, (events, Hit, hits), (events, Killed, killed),
              (res_mut, Score, score))
{
    c->score->hits += c->hits.count;
    c->score->kills += c->killed.count;
}

SKEP_SCENE(bullets, "Guns that shoot at targets, hits that add up")
{
    const uint32_t n = skep_param_u32(b, "entities", 4000, "how many guns and targets together");
    const uint32_t guns = n / 2;
    const float side = skep_sqrt_f32((float)n) * 6.0f;
    Pos_mut at;
    Gun_mut gun;
    Pos_mut target;

    skep_prefab(b, Bullet, SKEP_OF(Pos), SKEP_OF(Vel), SKEP_OF(Shot));
    skep_prefab(b, Target, SKEP_OF(Pos), SKEP_WITH(Hp, HEALTH));
    skep_resource(b, SKEP_WITH(Arena, side));
    skep_grid_add(b, "update", &Targets, 8.0f);
    skep_add(b, "update", &shoot);
    skep_add(b, "update", &fly);
    skep_add(b, "update", &strike);
    skep_add(b, "update", &hurt);
    skep_add(b, "update", &boast);
    skep_add(b, "late", &score);

    skep_create_many(b, guns, Pos_columns(&at), Gun_columns(&gun));
    for (uint32_t i = 0; i < guns; i++) {
        at.x[i] = skep_init_rand(b) * side;
        at.y[i] = skep_init_rand(b) * side;
        gun.wait[i] = skep_init_rand(b);
    }
    skep_spawn_many(b, n - guns, Target, Pos_columns(&target));
    for (uint32_t i = 0; i < n - guns; i++) {
        target.x[i] = skep_init_rand(b) * side;
        target.y[i] = skep_init_rand(b) * side;
    }
}
