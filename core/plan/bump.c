/* SPDX-License-Identifier: MIT */
/* Memory that lives as long as a batch and that jobs may read: descriptors, column structs, events
 * gathered for rows, output areas.
 *
 * It comes from arena slots that are kept from frame to frame, taken from the front by moving a
 * pointer. The first slot is small, so that small worlds stay small; each further one is twice as
 * large, up to 1 MiB, or as large as what is asked for. A worker that hangs may still read and
 * write all of it: then the slots are parked, and the next batch begins with fresh ones. */
#include "core/plan/plan_internal.h"

#define BUMP_FIRST 32768u
#define BUMP_LARGEST 1048576u

/* Lets `at` lie in slot number `index`. */
static void bump_enter(skep_plan *p, uint32_t index)
{
    skep__bump *b = &p->frame.bump;
    const skep__arena *a = &p->world->store.arena;
    b->used = index + 1;
    b->at = skep__slot_data(a, b->slots[index]);
    b->end = b->at + skep__slot_bytes(a, b->slots[index]);
}

static bool bump_grow(skep_plan *p, size_t bytes)
{
    skep__bump *b = &p->frame.bump;
    skep__arena *a = &p->world->store.arena;
    if (!skep__plan_grow(p, &b->slots, &b->slot_cap, b->slot_count + 1, sizeof *b->slots)) {
        return false;
    }
    size_t want = BUMP_FIRST;
    for (uint32_t i = 0; i < b->slot_count && want < BUMP_LARGEST; i++) want *= 2;
    if (want < bytes) want = bytes;
    const uint32_t slot = skep__arena_take(a, want);
    if (!slot) return false;
    b->slots[b->slot_count++] = slot;
    return true;
}

static bool bump_next(skep_plan *p, size_t bytes)
{
    skep__bump *b = &p->frame.bump;
    const skep__arena *a = &p->world->store.arena;
    uint32_t next = b->used;
    while (next < b->slot_count && skep__slot_bytes(a, b->slots[next]) < bytes) next++;
    if (next == b->slot_count && !bump_grow(p, bytes)) return false;
    /* What is skipped moves behind, so that a later, smaller request finds it. */
    const uint32_t found = b->slots[next];
    b->slots[next] = b->slots[b->used];
    b->slots[b->used] = found;
    bump_enter(p, b->used);
    return true;
}

SKEP_NOINLINE void *skep__bump_slow(skep_plan *p, size_t bytes)
{
    return bump_next(p, bytes + 64) ? skep__bump_take(p, bytes) : NULL;
}

void skep__bump_reset(skep__bump *b)
{
    b->used = 0;
    b->at = NULL;
    b->end = NULL;
}

void skep__bump_free(skep_plan *p)
{
    skep__bump *b = &p->frame.bump;
    while (b->slot_count > 0) {
        skep__arena_drop(&p->world->store.arena, b->slots[--b->slot_count]);
    }
    skep__bump_reset(b);
    skep__plan_array_free(p, &b->slots, &b->slot_cap, sizeof *b->slots);
}

void skep__park(skep_plan *p, uint32_t slot, uint32_t worker)
{
    p->parked_bytes += skep__slot_bytes(&p->world->store.arena, slot);
    if (!skep__plan_grow(p, &p->parked, &p->parked_cap, p->parked_count + 1, sizeof *p->parked)) {
        return;
    }
    p->parked[p->parked_count++] = (skep__parked){slot, worker};
}

void skep__bump_park(skep_plan *p)
{
    skep__bump *b = &p->frame.bump;
    skep__arena *a = &p->world->store.arena;
    for (uint32_t i = 0; i < b->slot_count; i++) {
        for (uint32_t h = 0; h < p->hung_count; h++) {
            skep__arena_hold(a, b->slots[i]);
            skep__park(p, b->slots[i], p->hung[h]);
        }
        skep__arena_drop(a, b->slots[i]);
    }
    b->slot_count = 0;
    p->hung_count = 0;
    skep__bump_reset(b);
}

uint32_t skep_plan_parked_worker(const skep_plan *plan, uint32_t after)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < plan->parked_count; i++) {
        const uint32_t worker = plan->parked[i].worker;
        if (worker > after && (!next || worker < next)) next = worker;
    }
    return next;
}

void skep_plan_worker_gone(skep_plan *plan, uint32_t worker)
{
    skep__arena *a = &plan->world->store.arena;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < plan->parked_count; i++) {
        const skep__parked k = plan->parked[i];
        if (k.worker != worker) {
            plan->parked[kept++] = k;
            continue;
        }
        plan->parked_bytes -= skep__slot_bytes(a, k.slot);
        skep__arena_drop(a, k.slot);
    }
    plan->parked_count = kept;
}
