/* SPDX-License-Identifier: MIT */
/* The pool without threads: wait runs everything on the caller. Where a host has no threads, where
 * one wants to step through a job in a debugger, and what all other pools are compared with. */
#include "pool/pool_common.h"

typedef struct local_pool {
    skep_pool base;
    skep__caller caller;
    skep_allocator allocator;
    skep_trace *trace;
} local_pool;

static skep_status local_start(skep_pool *pool, const skep_pool_batch *batch, skep_pool_done done,
                               void *ctx)
{
    skep__caller_start(&((local_pool *)pool)->caller, batch, done, ctx);
    return SKEP_OK;
}

static uint32_t local_wait(skep_pool *pool, uint64_t timeout_ns)
{
    return skep__caller_wait(&((local_pool *)pool)->caller, skep__pool_until(timeout_ns));
}

static uint32_t local_workers(const skep_pool *pool)
{
    (void)pool;
    return 0;
}

static bool local_worker_gone(skep_pool *pool, uint32_t worker)
{
    (void)pool;
    (void)worker;
    return true;
}

static void local_destroy(skep_pool *pool)
{
    local_pool *p = (local_pool *)pool;
    const skep_allocator allocator = p->allocator;
    skep__caller_deinit(&p->caller, &allocator);
    skep_trace_destroy(p->trace);
    skep__free(&allocator, p, sizeof *p, 16);
}

static const skep_pool_vtable local_vtable = {
    .name = "local",
    .start = local_start,
    .wait = local_wait,
    .workers = local_workers,
    .worker_gone = local_worker_gone,
    .destroy = local_destroy,
};

skep_status skep__pool_local_create(const skep_pool_desc *desc, skep_pool **pool)
{
    local_pool *p = skep__alloc(&desc->allocator, sizeof *p, 16);
    if (!p) return SKEP_NO_MEMORY;
    p->base.v = &local_vtable;
    p->allocator = desc->allocator;
    if (!skep__caller_init(&p->caller, desc)) {
        skep__free(&desc->allocator, p, sizeof *p, 16);
        return SKEP_NO_MEMORY;
    }
    p->trace = desc->trace;
    skep__trace_hold(p->trace);
    *pool = &p->base;
    return SKEP_OK;
}
