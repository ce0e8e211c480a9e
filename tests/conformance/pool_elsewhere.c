/* SPDX-License-Identifier: MIT */
/* See pool_elsewhere.h. Tasks run one after another on the caller, the last first, since nothing
 * may depend on the order in which they end. */
#include "tests/conformance/pool_elsewhere.h"

#include "core/base/base.h"
#include "port/port.h"

typedef struct elsewhere_pool {
    skep_pool base;
    skep_allocator allocator;
    void *region;
    size_t region_bytes;
    skep_task_room room;
    size_t elsewhere_bytes;
    const skep_pool_batch *batch;
    skep_pool_done done;
    void *ctx;
    uint32_t left;
} elsewhere_pool;

/* Grows the worker's output memory to what the largest task of the batch needs. */
static bool elsewhere_reserve(elsewhere_pool *p, const skep_pool_batch *batch)
{
    size_t need = 0;
    for (uint32_t t = 0; t < batch->task_count; t++) {
        const size_t bytes = skep_task_layout(batch->tasks[t]);
        if (bytes > need) need = bytes;
    }
    if (need <= p->elsewhere_bytes) return true;
    need = skep__align(need, 64);
    skep__free(&p->allocator, p->room.elsewhere, p->elsewhere_bytes, 64);
    p->room.elsewhere = skep__alloc(&p->allocator, need, 64);
    p->elsewhere_bytes = p->room.elsewhere ? need : 0;
    return p->room.elsewhere != NULL;
}

static skep_status elsewhere_start(skep_pool *pool, const skep_pool_batch *batch,
                                   skep_pool_done done, void *ctx)
{
    elsewhere_pool *p = (elsewhere_pool *)pool;
    if (!elsewhere_reserve(p, batch)) return SKEP_NO_MEMORY;
    p->batch = batch;
    p->done = done;
    p->ctx = ctx;
    p->left = batch->task_count;
    return SKEP_OK;
}

static uint32_t elsewhere_wait(skep_pool *pool, uint64_t timeout_ns)
{
    elsewhere_pool *p = (elsewhere_pool *)pool;
    while (p->left) {
        skep_pool_result result = {.task = p->left - 1};
        if (!skep__port_protect(p->region, p->region_bytes, false)) SKEP_TRAP();
        skep_task_run(p->batch->tasks[result.task], p->batch->jobs, p->batch->flags, &p->room,
                      &result);
        if (!skep__port_protect(p->region, p->region_bytes, true)) SKEP_TRAP();
        p->left--;
        p->done(p->ctx, &result);
        if (timeout_ns != SKEP_FOREVER) break;
    }
    return p->left;
}

static uint32_t elsewhere_workers(const skep_pool *pool)
{
    (void)pool;
    return 0;
}

static bool elsewhere_worker_gone(skep_pool *pool, uint32_t worker)
{
    (void)pool;
    (void)worker;
    return true;
}

static void elsewhere_destroy(skep_pool *pool)
{
    elsewhere_pool *p = (elsewhere_pool *)pool;
    const skep_allocator a = p->allocator;
    skep__free(&a, p->room.elsewhere, p->elsewhere_bytes, 64);
    skep__free(&a, p->room.scratch, p->room.scratch_bytes, 64);
    skep__free(&a, p, sizeof *p, 16);
}

static const skep_pool_vtable elsewhere_vtable = {
    .name = "elsewhere",
    .elsewhere = true,
    .start = elsewhere_start,
    .wait = elsewhere_wait,
    .workers = elsewhere_workers,
    .worker_gone = elsewhere_worker_gone,
    .destroy = elsewhere_destroy,
};

skep_pool *pool_elsewhere_create(const skep_allocator *allocator, size_t scratch_bytes, void *base,
                                 size_t bytes)
{
    elsewhere_pool *p = skep__alloc(allocator, sizeof *p, 16);
    if (!p) return NULL;
    p->base.v = &elsewhere_vtable;
    p->allocator = *allocator;
    p->region = base;
    p->region_bytes = bytes;
    p->room.scratch_bytes = scratch_bytes;
    p->room.scratch = skep__alloc(allocator, scratch_bytes, 64);
    /* Never NULL, which would mean the arena. */
    p->elsewhere_bytes = 64;
    p->room.elsewhere = skep__alloc(allocator, p->elsewhere_bytes, 64);
    if (p->room.scratch && p->room.elsewhere) return &p->base;
    elsewhere_destroy(&p->base);
    return NULL;
}
