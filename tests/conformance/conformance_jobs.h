/* SPDX-License-Identifier: MIT */
/* The jobs of the suite. Like any job file this one sees skep/job.h alone. */
#ifndef SKEP_TESTS_CONFORMANCE_CONFORMANCE_JOBS_H
#define SKEP_TESTS_CONFORMANCE_CONFORMANCE_JOBS_H

#include "skep/job.h"

/* As in conformance.h, which this file does not see. */
#ifndef LAB_SCRATCH
#define LAB_SCRATCH 4096u
#endif

SKEP_COMPONENT(Place, (f32, x), (f32, y), (f64, z));
SKEP_COMPONENT(Speed, (f32, x), (f32, y));
SKEP_COMPONENT(Mark, (u8, kind), (u64, key), (bool, on)); /* has padding in its struct */
SKEP_COMPONENT(Grid9, (i16, m, 9));
SKEP_TAG(Hot);
SKEP_EVENT(Bump, (entity, with), (f32, force));
SKEP_RESOURCE(Tally, (u64, n), (f64, sum));
SKEP_PREFAB(Chick);

/* Old values, changed; another column only read. */
SKEP_JOB(drift, (mut, Place, place), (in, Speed, speed))
{
    SKEP_ROWS (i, task) {
        c->place.x[i] += c->speed.x[i] * task->dt;
        c->place.y[i] -= c->speed.y[i];
        c->place.z[i] += (double)task->tick;
    }
}

/* Fresh columns, from all that a task says of itself, and from random numbers. */
SKEP_JOB(fresh, (out, Mark, mark), (out, Grid9, grid), (in, Speed, speed))
{
    for (uint32_t i = 0; i < task->n; i++) {
        const skep_entity e = task->entity[i];
        const uint64_t key = (uint64_t)task->block << 40 | (uint64_t)task->part << 32;
        c->mark.kind[i] = (uint8_t)skep_rand_u32(task, e, 0, 200);
        c->mark.key[i] = (key | (task->row + i)) + 1;
        c->mark.on[i] = skep_rand_f32(task, e, 1) < 0.5f;
        for (uint32_t k = 0; k < 9; k++) {
            c->grid.m[i * 9 + k] = (int16_t)(skep_rand_f64(task, e, 2 + k) * 1000.0);
        }
        c->grid.m[i * 9] = (int16_t)((int)c->speed.x[i] + (int)task->time);
    }
}

/* Every kind of patch, and log lines between them. */
SKEP_JOB_WITH(gossip, 0, 64, (in, Speed, speed), (add, Mark, mark), (remove, Hot, cool),
              (add, Hot, heat), (destroy, Entity, end), (spawn, Chick, chick), (emit, Bump, bump))
{
    for (uint32_t i = 0; i < task->n; i++) {
        const skep_entity e = task->entity[i];
        switch (skep_rand_u32(task, e, 0, 7)) {
        case 0:
            Mark_put(task, c->mark, e, SKEP_LIT(Mark, (uint8_t)i, e.bits, true));
            break;
        case 1:
            Hot_drop(task, c->cool, e);
            break;
        case 2:
            Hot_put(task, c->heat, e);
            break;
        case 3:
            skep_destroy(task, c->end, e);
            break;
        case 4:
            Bump_send(task, c->bump, e, SKEP_LIT(Bump, task->entity[0], c->speed.x[i]));
            break;
        case 5:
            skep_logf(task, "%s %u", "row", i);
            break;
        default:
            break;
        }
        if (i % 8 == 0) {
            const skep_entity own = Chick_new(task, c->chick);
            Place_init(task, own, SKEP_LIT(Place, 1.0f, 2.0f, (double)i));
            Hot_init(task, own);
            Mark_init(task, own, SKEP_LIT(Mark, 3, own.bits, false));
        }
    }
    Bump_send(task, c->bump, skep_entity_null(), SKEP_LIT(Bump, skep_entity_null(), 1.0f));
}

/* A reduction. */
SKEP_JOB(count, (in, Place, place), (sum, Tally, tally))
{
    for (uint32_t i = 0; i < task->n; i++) c->tally->sum += c->place.z[i];
    c->tally->n += task->n;
}

/* One call a part, one value for all of them. */
SKEP_JOB_WITH(ledger, SKEP_JOB_UNSPLIT, 0, (in, Place, place), (res_mut, Tally, tally))
{
    c->tally->n = c->tally->n * 31 + task->n + task->part * 1000 + task->parts;
    for (uint32_t i = 0; i < task->n; i++) c->tally->sum += (double)c->place.x[i];
}

/* Scratch: zeroed, aligned, separate, and all of it again for the next task. */
SKEP_JOB(scribble, (in, Speed, speed), (sum, Tally, tally))
{
    uint8_t *a = (uint8_t *)skep_scratch(task, 1000);
    uint8_t *b = (uint8_t *)skep_scratch(task, 24);
    uint8_t *rest = (uint8_t *)skep_scratch(task, LAB_SCRATCH - 1008 - 32);
    if (!a || !b || !rest || (uintptr_t)a % 16 || (uintptr_t)b % 16) return;
    uint32_t dirty = 0;
    for (uint32_t i = 0; i < 1000; i++) dirty += a[i];
    for (uint32_t i = 0; i < 24; i++) dirty += b[i];
    for (uint32_t i = 0; i < LAB_SCRATCH - 1008 - 32; i++) dirty += rest[i];
    for (uint32_t i = 0; i < 1000; i++) a[i] = 0xff;
    for (uint32_t i = 0; i < 24; i++) b[i] = 0xee;
    for (uint32_t i = 0; i < LAB_SCRATCH - 1008 - 32; i++) rest[i] = 0xdd;
    c->tally->n = dirty + (b >= a + 1000 && rest >= b + 24 ? 1000000u : 0u);
    if (task->block % 3 == 2) (void)skep_scratch(task, 1);
}

/* Fails in every third task, with work done before and after. */
SKEP_JOB_WITH(moody, SKEP_JOB_MAY_FAIL, 0, (mut, Place, place), (emit, Bump, bump))
{
    skep_logf(task, "task %u says more than its event does", task->block);
    c->place.x[0] = 1.0f;
    if (task->block % 3 == 0) skep_fail(task, "out of patience");
    Bump_send(task, c->bump, task->entity[0], SKEP_LIT(Bump, task->entity[0], 2.0f));
    if (task->block % 6 == 0) skep_fail(task, "a second reason");
}

/* Spawns ten, however many it may. */
SKEP_JOB_WITH(brood, 0, 8, (in, Speed, speed), (spawn, Chick, chick))
{
    for (uint32_t i = 0; i < 10; i++) {
        const skep_entity own = Chick_new(task, c->chick);
        Place_init(task, own, SKEP_LIT(Place, 0.0f, 0.0f, (double)i));
    }
}

/* Leaves the third row of tasks 1 and 2 unwritten. */
SKEP_JOB(lazy, (out, Speed, speed))
{
    for (uint32_t i = 0; i < task->n; i++) {
        if (i == 2 && (task->block == 1 || task->block == 2)) continue;
        c->speed.x[i] = 1.0f;
        c->speed.y[i] = 2.0f;
    }
}

SKEP_COMPONENT(Code, (u32, v));

/* Writes, honestly, what the first check fills unwritten rows with. */
SKEP_JOB(unlucky, (out, Code, code), (emit, Bump, bump))
{
    for (uint32_t i = 0; i < task->n; i++) c->code.v[i] = 0x7FA5C3E1u;
    Bump_send(task, c->bump, skep_entity_null(), SKEP_LIT(Bump, skep_entity_null(), 1.0f));
}

/* Writes to its input behind the compiler's back. */
SKEP_JOB(vandal, (in, Speed, speed), (out, Code, code))
{
    for (uint32_t i = 0; i < task->n; i++) c->code.v[i] = i;
    if (task->block == 1) *(float *)(uintptr_t)c->speed.y += 1.0f;
}

/* Uses a right that it never got. */
SKEP_JOB(forger, (in, Speed, speed), (add, Hot, heat))
{
    Mark_put(task, SKEP_LIT(Mark_add, 7000), task->entity[0], SKEP_LIT(Mark, 1, 1, true));
    Hot_drop(task, SKEP_LIT(Hot_remove, c->heat.slot), task->entity[0]);
}

/* Nothing at all. */
SKEP_JOB(idle, (with, Hot, hot))
{
}

#endif
