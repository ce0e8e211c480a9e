/* SPDX-License-Identifier: MIT */
/* A pond for tests of live worlds: ducks that drift, and ships that their players steer. What a
 * ship does depends on nothing but itself, so a client can predict it. */
#include "skep/math.h"
#include "skep/scene.h"

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Ship, (f32, heading), (f32, speed), (u32, player));
SKEP_COMPONENT(Secret, (u32, code));
SKEP_INPUT(Steer, (f32, turn), (u8, horn));
SKEP_EVENT(Toot, (u32, player), (f32, x));
SKEP_RESOURCE(Weather, (f32, wind), (u32, day));

SKEP_JOB(drift, (mut, Pos, pos), (in, Vel, vel))
{
    SKEP_ROWS (i, task) {
        c->pos.x[i] += c->vel.x[i] * task->dt;
        c->pos.y[i] += c->vel.y[i] * task->dt;
    }
}

SKEP_JOB(steer, (mut, Ship, ship), (inbox, Steer, steer))
{
    for (uint32_t i = 0; i < task->n; i++)
        for (uint32_t k = c->steer.begin[i]; k < c->steer.begin[i + 1]; k++)
            c->ship.heading[i] += c->steer.turn[k];
}

SKEP_JOB(sail, (mut, Pos, pos), (in, Ship, ship))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->pos.x[i] += skep_cos_f32(c->ship.heading[i]) * c->ship.speed[i] * task->dt;
        c->pos.y[i] += skep_sin_f32(c->ship.heading[i]) * c->ship.speed[i] * task->dt;
    }
}

SKEP_JOB(horn, (in, Ship, ship), (in, Pos, pos), (inbox, Steer, steer), (emit, Toot, toot))
{
    for (uint32_t i = 0; i < task->n; i++)
        for (uint32_t k = c->steer.begin[i]; k < c->steer.begin[i + 1]; k++)
            if (c->steer.horn[k])
                Toot_send(task, c->toot, skep_entity_null(),
                          SKEP_LIT(Toot, c->ship.player[i], c->pos.x[i]));
}

/* Who joins gets a ship in the middle. */
static skep_entity join(skep_world *world, uint32_t player, void *ctx)
{
    const Pos pos = {100.0f, 50.0f};
    const Ship ship = {.speed = 4.0f, .player = player};
    const skep_part parts[] = {skep_part_make(&Pos_info, &pos), skep_part_make(&Ship_info, &ship)};
    skep_entity own;
    (void)ctx;
    return skep_entity_create_many(world, 1, parts, 2, &own) == SKEP_OK ? own : skep_entity_null();
}

/* What a program may say in place of this by gateway.publish. */
static void declare(skep_builder *b)
{
    skep_publish(b, &Pos_info, "x, y", 1.0f / 64);
    skep_publish(b, &Vel_info, "x, y", 1.0f / 64);
    skep_publish(b, &Ship_info, NULL, 0);
    skep_publish_hide(b, &Secret_info);
    skep_publish_rate(b, &Pos_info, "x, y", &Vel_info, "x, y");
    skep_publish_place(b, &Pos_info, "x, y", 32.0f);
    skep_publish_join(b, join, NULL);
    skep_publish_predict(b, "steer");
    skep_publish_predict(b, "sail");
}

SKEP_SCENE(pond, "ducks drift, ships are steered")
{
    const uint32_t n = skep_param_u32(b, "ducks", 200, "how many ducks");
    skep_add(b, "update", &drift);
    skep_add(b, "update", &steer);
    skep_add(b, "update", &sail);
    skep_add(b, "late", &horn);
    skep_resource(b, SKEP_WITH(Weather, 3.0f, 1));
    declare(b);
    Pos_mut pos;
    Vel_mut vel;
    Secret_mut secret;
    skep_create_many(b, n, Pos_columns(&pos), Vel_columns(&vel), Secret_columns(&secret));
    for (uint32_t i = 0; i < n; i++) {
        pos.x[i] = (float)(i % 20) * 10.0f;
        pos.y[i] = (float)(i / 20) * 10.0f;
        vel.x[i] = i % 3 == 0 ? 1.0f : 0.0f;
        vel.y[i] = i % 5 == 0 ? -0.5f : 0.0f;
        secret.code[i] = i;
    }
}
