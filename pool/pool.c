/* SPDX-License-Identifier: MIT */
/* The public calls of skep/pool.h that are the same for every kind of pool. */
#include "pool/pool_common.h"

/* "skep", so that a description nobody initialised is noticed. */
#define POOL_CANARY 0x70656b73u

skep_pool_desc skep_pool_desc_default(void)
{
    skep_pool_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.canary = POOL_CANARY;
    desc.workers = SKEP_WORKERS_AUTO;
    desc.scratch_bytes = (size_t)64 << 10;
    desc.spin = 2000;
    desc.restart_max = 1000;
    desc.output_bytes_max = (size_t)256 << 20;
    return desc;
}

skep_status skep_pool_create(const skep_pool_desc *desc, skep_pool **pool)
{
    *pool = NULL;
    if (!desc || desc->canary != POOL_CANARY || !desc->fork != !desc->join) return SKEP_ARGUMENT;
    if (!desc->allocator.alloc != !desc->allocator.free) return SKEP_ARGUMENT;
    const skep_pool_desc defaults = skep_pool_desc_default();
    skep_pool_desc full = *desc;
    if (!full.scratch_bytes) full.scratch_bytes = defaults.scratch_bytes;
    if (full.scratch_bytes > SIZE_MAX / 2) return SKEP_NO_MEMORY;
    full.scratch_bytes = skep__align(full.scratch_bytes, 64);
    if (!full.spin) full.spin = defaults.spin;
    if (!full.allocator.alloc) full.allocator = skep__port_allocator();
    if (full.workers == SKEP_WORKERS_AUTO) {
        /* The caller of processes runs no job. */
        const uint32_t own = full.processes ? 0 : 1;
        full.workers = skep__min_u32(skep__port_cpu_count() - own, SKEP_WORKERS_MAX);
    }
    if (full.workers > SKEP_WORKERS_MAX) return SKEP_LIMIT;
    if (!full.output_bytes_max) full.output_bytes_max = defaults.output_bytes_max;
    if (full.processes && full.output_bytes_max > SKEP_OUTPUT_BYTES_MAX) return SKEP_LIMIT;
    if (full.processes) return skep__pool_processes_create(&full, pool);
    if (full.fork) return skep__pool_foreign_create(&full, pool);
    if (!full.workers) return skep__pool_local_create(&full, pool);
    return skep__pool_threads_create(&full, pool);
}

void skep_pool_destroy(skep_pool *pool)
{
    if (pool) pool->v->destroy(pool);
}

uint32_t skep_pool_workers(const skep_pool *pool)
{
    return pool->v->workers(pool);
}

void skep_pool_for(skep_pool *pool, uint32_t n, uint32_t grain,
                   void (*work)(void *ctx, uint32_t first, uint32_t count), void *ctx)
{
    if (!n) return;
    const uint32_t hands = skep_pool_workers(pool) + 1;
    const uint32_t most = SKEP_BATCH_TASKS_MAX;
    uint32_t piece = grain ? grain : n / hands + (n % hands != 0);
    piece = skep__max_u32(piece, n / most + (n % most != 0));
    const uint32_t count = n / piece + (n % piece != 0);
    if (count > 1 && hands > 1 && pool->v->each) {
        pool->v->each(pool, n, piece, count, work, ctx);
        return;
    }
    for (uint32_t at = 0; at < n;) {
        const uint32_t now = skep__min_u32(piece, n - at);
        work(ctx, at, now);
        at += now;
    }
}
