/* SPDX-License-Identifier: MIT */
/* Ships that players steer, among buoys: the world of docs/tutorial-ship.md. */
#include "skep/math.h"
#include "skep/scene.h"

#define SEA 500.0f /* metres from the middle to the shore */

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Ship, (f32, turn), (f32, sail), (f32, course), (f32, speed));
SKEP_TAG(Buoy);
SKEP_INPUT(Steer, (f32, turn), (f32, sail)); /* -1 to 1, and 0 to 1 */

/* The last word counts until the next. */
SKEP_JOB(steer, (mut, Ship, ship), (inbox, Steer, steer))
{
    for (uint32_t i = 0; i < task->n; i++) {
        for (uint32_t k = c->steer.begin[i]; k < c->steer.begin[i + 1]; k++) {
            c->ship.turn[i] = skep_clamp_f32(c->steer.turn[k], -1.0f, 1.0f);
            c->ship.sail[i] = skep_clamp_f32(c->steer.sail[k], 0.0f, 1.0f);
        }
    }
}

SKEP_JOB(sail, (mut, Pos, pos), (mut, Ship, ship))
{
    SKEP_ROWS (i, task) {
        const float course = c->ship.course[i] + c->ship.turn[i] * task->dt;
        const float speed =
            c->ship.speed[i] + (c->ship.sail[i] * 30.0f - c->ship.speed[i]) * task->dt;
        const float x = c->pos.x[i] + skep_sin_f32(course) * speed * task->dt;
        const float y = c->pos.y[i] + skep_cos_f32(course) * speed * task->dt;
        c->ship.course[i] = course;
        c->ship.speed[i] = speed;
        c->pos.x[i] = skep_clamp_f32(x, -SEA, SEA);
        c->pos.y[i] = skep_clamp_f32(y, -SEA, SEA);
    }
}

/* Who joins gets a ship in the middle. */
static skep_entity join(skep_world *world, uint32_t player, void *ctx)
{
    const Pos pos = {(float)(player % 8) * 20.0f - 70.0f, 0.0f};
    const skep_part parts[] = {skep_part_make(&Pos_info, &pos), SKEP_OF(Ship)};
    skep_entity ship;
    (void)ctx;
    return skep_entity_create_many(world, 1, parts, 2, &ship) == SKEP_OK ? ship
                                                                         : skep_entity_null();
}

SKEP_SCENE(ship, "Ships that players steer among buoys")
{
    const uint32_t n = skep_param_u32(b, "entities", 40, "how many buoys");
    Pos_mut pos;
    skep_add(b, "input", &steer);
    skep_add(b, "update", &sail);
    skep_create_many(b, n, Pos_columns(&pos), SKEP_OF(Buoy));
    for (uint32_t i = 0; i < n; i++) {
        pos.x[i] = (skep_init_rand(b) * 2.0f - 1.0f) * SEA;
        pos.y[i] = (skep_init_rand(b) * 2.0f - 1.0f) * SEA;
    }
    skep_publish(b, &Pos_info, "x, y", 1.0f / 64);
    skep_publish(b, &Ship_info, "course, speed", 1.0f / 256);
    skep_publish_join(b, join, NULL);
    skep_publish_predict(b, "steer");
    skep_publish_predict(b, "sail");
}
