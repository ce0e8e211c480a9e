/* SPDX-License-Identifier: MIT */
/* A C scene whose job goes wrong in one tick, in the way that the parameter `how` says, beside one
 * that does not. */
#include "skep/scene.h"

SKEP_COMPONENT(Place, (f32, x));
SKEP_COMPONENT(Count, (u32, n));
SKEP_COMPONENT(Fault, (u32, how), (u32, tick));

enum { HOW_NOTHING, HOW_TRAP, HOW_DIVIDE, HOW_RANGE, HOW_STACK, HOW_LOOP, HOW_MEDDLE };

static uint32_t deep(volatile uint32_t *depth)
{
    volatile uint32_t room[64];
    room[0] = ++*depth;
    return room[0] < UINT32_MAX ? deep(depth) + room[0] : 0;
}

static void go_wrong(uint32_t how, uint32_t zero)
{
    volatile uint32_t at = how;
    switch (how) {
    case HOW_TRAP:
        __builtin_trap();
    case HOW_DIVIDE:
        at = 7u / (zero & at & 64u);
        break;
    case HOW_RANGE:
        at = *(volatile uint32_t *)(uintptr_t)0xfffffff0u;
        break;
    case HOW_STACK:
        at = deep(&at);
        break;
    case HOW_LOOP:
        while (at) continue;
        break;
    default:
        break;
    }
}

SKEP_JOB(walk, (mut, Place, place), (in, Fault, fault))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->place.x[i] += 1.0f;
        if (i != task->n / 2 || task->tick != c->fault.tick[i]) continue;
        if (c->fault.how[i] == HOW_MEDDLE) *(uint32_t *)(uintptr_t)&c->fault.tick[i] = 99;
        go_wrong(c->fault.how[i], c->fault.tick[i]);
    }
}

SKEP_JOB(tally, (mut, Count, count))
{
    SKEP_ROWS (i, task) c->count.n[i]++;
}

SKEP_SCENE(faulty, "One job goes wrong, one does not")
{
    const uint32_t n = skep_param_u32(b, "entities", 3000, "how many");
    const uint32_t how =
        skep_param_u32(b, "how", 0, "1 trap, 2 divide, 3 range, 4 stack, 5 loop, 6 meddle");
    const uint32_t tick = skep_param_u32(b, "tick", 1, "when");
    skep_add(b, "update", &walk);
    skep_add(b, "update", &tally);
    skep_create_many(b, n, SKEP_OF(Place), SKEP_OF(Count), SKEP_WITH(Fault, how, tick));
}
