/* SPDX-License-Identifier: MIT */
/* A job that needs as much stack as it is told, beside one that has nothing to do with it, for
 * own_scene_stack.test.ts. */
#include "skep/scene.h"

SKEP_COMPONENT(Pos, (f32, x));
SKEP_COMPONENT(Dig, (u32, depth), (u32, sum));

/* One call takes 256 bytes of stack and a little more, and writes and reads all of them. */
__attribute__((noinline)) static uint32_t fall(uint32_t depth)
{
    volatile uint32_t room[64];
    for (uint32_t i = 0; i < 64; i++) room[i] = depth + i;
    const uint32_t below = depth ? fall(depth - 1) : 0;
    return below * 3 + room[depth % 64];
}

/* Takes a place on the stack that is larger than all of it. */
__attribute__((noinline)) static uint32_t leap(uint32_t depth)
{
    volatile uint32_t room[300000];
    room[depth] = depth;
    return room[depth];
}

/* It says that it may fail, so it never writes in place, and what it did is dropped everywhere. */
SKEP_JOB_WITH(dig, SKEP_JOB_MAY_FAIL, 0, (mut, Dig, dig))
{
    SKEP_ROWS (i, task) {
        const uint32_t depth = c->dig.depth[i];
        c->dig.sum[i] = depth >= 1000000 ? leap(depth % 300000) : fall(depth);
    }
}

SKEP_JOB(walk, (mut, Pos, pos))
{
    SKEP_ROWS (i, task) c->pos.x[i] += task->dt;
}

SKEP_SCENE(deep, "Falls as deep as it is told")
{
    const uint32_t depth = skep_param_u32(b, "depth", 10, "calls within one another");
    skep_add(b, "update", &dig);
    skep_add(b, "update", &walk);
    Dig_mut dig_columns;
    Pos_mut pos;
    skep_create_many(b, 4, Dig_columns(&dig_columns), Pos_columns(&pos));
    for (uint32_t i = 0; i < 4; i++) {
        dig_columns.depth[i] = i == 2 ? depth : 10;
        pos.x[i] = (float)i;
    }
}
