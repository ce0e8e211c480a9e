/* SPDX-License-Identifier: MIT */
/* A C scene whose job may fail, and does so in one tick in the way that the parameter `how` says:
 * it says so, asks for more scratch than there is, uses a right that it made up, or spawns more
 * than it may. Beside it one that does not. */
#include "skep/scene.h"

SKEP_COMPONENT(Spot, (f32, x));
SKEP_COMPONENT(Count, (u32, n));
SKEP_COMPONENT(Fault, (u32, how), (u32, tick));
SKEP_PREFAB(Child);

enum { HOW_NOTHING, HOW_FAIL, HOW_SCRATCH, HOW_RIGHT, HOW_SPAWN, HOW_FLOOD };

static void go_wrong(const skep_task *task, Spot_add add, Child_spawn spawn, uint32_t how)
{
    const Spot spot = {1.0f};
    const Spot_add made_up = {add.slot + 40u};
    switch (how) {
    case HOW_FAIL:
        skep_fail(task, "said so on purpose");
        break;
    case HOW_SCRATCH:
        (void)skep_scratch(task, (size_t)1 << 24);
        break;
    case HOW_RIGHT:
        Spot_put(task, made_up, task->entity[0], spot);
        break;
    case HOW_SPAWN:
        for (uint32_t i = 0; i < 5; i++) (void)Child_new(task, spawn);
        break;
    case HOW_FLOOD:
        for (uint32_t i = 0; i < 2000000; i++) Spot_put(task, add, task->entity[0], spot);
        break;
    default:
        break;
    }
}

SKEP_JOB_WITH(walk, SKEP_JOB_MAY_FAIL, 2, (mut, Spot, spot), (in, Fault, fault),
              (add, Spot, put_spot), (spawn, Child, child))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->spot.x[i] += 1.0f;
        if (i == task->n / 2 && task->tick == c->fault.tick[i])
            go_wrong(task, c->put_spot, c->child, c->fault.how[i]);
    }
}

SKEP_JOB(tally, (mut, Count, count))
{
    SKEP_ROWS (i, task) c->count.n[i]++;
}

SKEP_SCENE(refuse, "One job fails by the rules, one does not")
{
    const uint32_t n = skep_param_u32(b, "entities", 3000, "how many");
    const uint32_t how =
        skep_param_u32(b, "how", 0, "1 fail, 2 scratch, 3 right, 4 spawn, 5 flood");
    const uint32_t tick = skep_param_u32(b, "tick", 1, "when");
    skep_prefab(b, Child, SKEP_OF(Count));
    skep_add(b, "update", &walk);
    skep_add(b, "update", &tally);
    skep_create_many(b, n, SKEP_OF(Spot), SKEP_OF(Count), SKEP_WITH(Fault, how, tick));
}
