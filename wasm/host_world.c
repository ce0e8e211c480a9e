/* SPDX-License-Identifier: MIT */
/* The world of a host, its plan and its pool. A module without this file serves views alone. */
#include "wasm/host.h"

skep_status host_check(host *h, skep_status status)
{
    if (status == SKEP_OK) return status;
    const char *why = skep_world_error(h->world);
    return host_fail(h, status, "%s", why && *why ? why : skep_status_text(status));
}

/* Where JavaScript looks without a call; host_layout's order is core/layout.ts' as well. */
static void host_layout(host *h)
{
    const skep_world *w = h->world;
    const uint32_t words[] = {
        SKEP_OK,
        (uint32_t)(uintptr_t)&w->store.types,
        sizeof(skep__type),
        offsetof(skep__type, dir),
        (uint32_t)(uintptr_t)&w->store.index,
        (uint32_t)(uintptr_t)&w->store.queue.index_count,
        (uint32_t)(uintptr_t)&w->store.epoch,
        (uint32_t)(uintptr_t)&w->mode,
        (uint32_t)(uintptr_t)&w->batch.count,
        (uint32_t)(uintptr_t)&w->running,
        (uint32_t)(uintptr_t)&w->store.entity_count,
        (uint32_t)(uintptr_t)&w->tick,
        (uint32_t)(uintptr_t)&w->time,
        (uint32_t)(uintptr_t)h->pool,
        (uint32_t)(uintptr_t)h->pool->slots,
        sizeof(wasm_slot),
        (uint32_t)(uintptr_t)&h->pool->caller_asleep,
        (uint32_t)(uintptr_t)&h->pool->ticket,
        (uint32_t)(uintptr_t)&w->store.table_generation,
        offsetof(skep__type, watched),
        (uint32_t)(uintptr_t)h->log,
        (uint32_t)(uintptr_t)&h->log_used,
        (uint32_t)(uintptr_t)h->heap->region,
        (uint32_t)(uintptr_t)&h->heap->at,
    };
    _Static_assert(sizeof words == HOST_LAYOUT_WORDS * sizeof *words, "as host_layout_bare says");
    memcpy(h->io, words, sizeof words);
}

static skep_status open_world(host *h, size_t memory_bytes)
{
    skep_world_desc d = skep_world_desc_default();
    d.entity_max = h->entity_max;
    d.seed = h->seed;
    d.region = heap_region(h->heap, memory_bytes);
    d.allocator = h->allocator;
    d.log = host_logger(h);
    const skep_status status = skep_world_create(&d, &h->world);
    if (status == SKEP_OK) return status;
    return host_fail(h, status,
                     "a world of %u entities does not fit into a memory of %zu MiB: raise "
                     "memoryMax",
                     h->entity_max, memory_bytes >> 20);
}

static void guard(const skep_pool_task *task, const skep_job *job, uint32_t flags,
                  const skep_task_room *room, skep_pool_result *result)
{
    skep_js_guard(task, job, flags, room, result, HOST_STACK());
}

static skep_status open_parts(host *h, size_t memory_bytes, uint32_t workers_max)
{
    skep_status status = open_world(h, memory_bytes);
    if (status != SKEP_OK) return status;
    h->pool = wasm_pool_create(&h->allocator, workers_max, guard);
    skep_plan_desc d = skep_plan_desc_default();
    d.log = host_logger(h);
    status = h->pool ? skep_plan_create(h->world, &d, &h->plan) : SKEP_NO_MEMORY;
    if (status != SKEP_OK) return host_fail(h, status, "no memory for the plan: raise memoryMax");
    h->plan_host.room = &h->pool->slots[0].room;
    skep_plan_host_set(h->plan, &h->plan_host);
    return SKEP_OK;
}

skep_status host_world_open(host *h, size_t memory_bytes, uint32_t workers_max)
{
    const skep_status status = open_parts(h, memory_bytes, workers_max);
    if (status == SKEP_OK) host_layout(h);
    return status;
}

skep_status host_world_define(host *h, const skep_component *c)
{
    uint32_t number = 0;
    const skep_status status = host_check(h, skep__world_type(h->world, c, &number));
    h->io[0] = number;
    return status;
}
