/* SPDX-License-Identifier: MIT */
/* A pool on somebody else's job system: fork runs a function for each index somewhere, join waits.
 *
 * One index is forked for each hand that is worth having, not one a task: an index owns a room, so
 * no room is ever looked for, and the hands share the tasks out among themselves by one counter. It
 * does not matter whether the indexes run at the same time, one after another, or on the caller
 * within join. Their threads are not ours, so deadlines cannot be enforced, and nobody is ever
 * replaced. */
#include "pool/pool_common.h"

typedef struct foreign_pool {
    skep_pool base;
    skep_allocator allocator;
    skep__caller caller; /* also lends index 0 its room */
    skep__pool_results results;
    skep_trace *trace;
    uint64_t traced; /* when the batch was forked, by the tracer's clock */
    skep_pool_fork fork;
    skep_pool_join join;
    void *fork_ctx;
    skep_task_room *rooms; /* worker_count + 1; the scratch of the first is the caller's */
    uint32_t worker_count;
    uint32_t chunk; /* units a claim */
    skep__pool_units units;
    const skep_pool_batch *batch;
    uint32_t count; /* of units */
    skep_pool_done done;
    void *ctx;
    bool forked;                         /* a fork was not joined yet */
    _Alignas(128) _Atomic uint32_t next; /* unit */
} foreign_pool;

static void foreign_hand(void *work_ctx, uint32_t index)
{
    foreign_pool *p = work_ctx;
    const uint32_t count = p->count;
    /* Index 0 need not be the caller, who may be at a system's run meanwhile. */
    const skep__pool_hand hand = {&p->rooms[index], skep__trace_ring_of(p->trace, index + 1),
                                  index};
    for (;;) {
        const uint32_t first = atomic_fetch_add_explicit(&p->next, p->chunk, memory_order_relaxed);
        if (first >= count) return;
        skep__units_run(&p->units, &p->results, first, skep__min_u32(first + p->chunk, count),
                        &hand);
    }
}

static void foreign_fork_units(foreign_pool *p, uint32_t count)
{
    const uint32_t hands = skep__min_u32(count, p->worker_count + 1);
    p->count = count;
    p->chunk = skep__max_u32(1, count / (8 * hands));
    atomic_store(&p->next, 0);
    p->forked = true;
    p->traced = skep__trace_begin(p->caller.ring);
    p->fork(p->fork_ctx, foreign_hand, p, hands);
}

static void foreign_join_units(foreign_pool *p)
{
    p->join(p->fork_ctx);
    p->forked = false;
}

/* Small batches stay here: what a foreign wake-up costs is unknown, but it is not less than our
 * own. */
static bool foreign_worth(const skep_pool_batch *batch)
{
    if (batch->flags & SKEP_BATCH_FORCE) return true;
    if (batch->task_count == 1) return false;
    return batch->cost_ns == 0 || batch->cost_ns >= SKEP__POOL_WAKE_NS;
}

static skep_status foreign_start(skep_pool *pool, const skep_pool_batch *batch, skep_pool_done done,
                                 void *ctx)
{
    foreign_pool *p = (foreign_pool *)pool;
    SKEP_ASSERT(!p->forked && !p->caller.batch);
    if (batch->task_count > SKEP_BATCH_TASKS_MAX) return SKEP_LIMIT;
    if (!batch->task_count) return SKEP_OK;
    if (!foreign_worth(batch)) {
        skep__caller_start(&p->caller, batch, done, ctx);
        return SKEP_OK;
    }
    if (!skep__results_reserve(&p->results, &p->allocator, batch->task_count)) {
        return SKEP_NO_MEMORY;
    }
    p->done = done;
    p->ctx = ctx;
    p->batch = batch;
    p->units = skep__units_of_batch(batch, skep__pool_measures(&p->caller.sample, batch));
    foreign_fork_units(p, batch->task_count);
    return SKEP_OK;
}

/* Joins without a limit: the foreign join has none. */
static uint32_t foreign_wait(skep_pool *pool, uint64_t timeout_ns)
{
    foreign_pool *p = (foreign_pool *)pool;
    if (p->caller.batch) return skep__caller_wait(&p->caller, skep__pool_until(timeout_ns));
    if (!p->forked) return 0;
    p->join(p->fork_ctx);
    const uint64_t joined =
        skep__trace_end(p->caller.ring, SKEP__TRACE_TASKS, p->traced,
                        skep__trace_pair(p->batch->number, p->batch->task_count));
    skep__results_deliver(&p->results, p->batch, p->done, p->ctx);
    (void)skep__trace_end(p->caller.ring, SKEP__TRACE_VERIFY, joined, p->batch->task_count);
    p->forked = false;
    return 0;
}

static void foreign_each(skep_pool *pool, uint32_t n, uint32_t grain, uint32_t count,
                         void (*work)(void *ctx, uint32_t first, uint32_t count), void *ctx)
{
    foreign_pool *p = (foreign_pool *)pool;
    SKEP_ASSERT(!p->forked && !p->caller.batch);
    p->units = (skep__pool_units){.work = work, .ctx = ctx, .n = n, .grain = grain};
    foreign_fork_units(p, count);
    foreign_join_units(p);
}

static uint32_t foreign_workers(const skep_pool *pool)
{
    return ((const foreign_pool *)pool)->worker_count;
}

static bool foreign_worker_gone(skep_pool *pool, uint32_t worker)
{
    (void)pool;
    (void)worker;
    return true;
}

static void foreign_destroy(skep_pool *pool)
{
    foreign_pool *p = (foreign_pool *)pool;
    const skep_allocator a = p->allocator;
    const size_t room_count = (size_t)p->worker_count + 1;
    if (p->forked) foreign_join_units(p);
    for (size_t r = 1; p->rooms && r < room_count; r++) {
        skep__free(&a, p->rooms[r].scratch, p->rooms[r].scratch_bytes, 64);
    }
    skep__free(&a, p->rooms, room_count * sizeof *p->rooms, 16);
    skep__results_deinit(&p->results, &a);
    skep__caller_deinit(&p->caller, &a);
    skep_trace_destroy(p->trace);
    skep__free(&a, p, sizeof *p, 128);
}

static const skep_pool_vtable foreign_vtable = {
    .name = "foreign",
    .start = foreign_start,
    .wait = foreign_wait,
    .workers = foreign_workers,
    .worker_gone = foreign_worker_gone,
    .destroy = foreign_destroy,
    .each = foreign_each,
};

/* Gives every index its scratch. */
static bool foreign_rooms(foreign_pool *p, size_t scratch_bytes)
{
    const size_t room_count = (size_t)p->worker_count + 1;
    p->rooms = skep__alloc(&p->allocator, room_count * sizeof *p->rooms, 16);
    if (!p->rooms) return false;
    p->rooms[0] = p->caller.room;
    for (size_t r = 1; r < room_count; r++) {
        p->rooms[r].scratch = p->allocator.alloc(p->allocator.ctx, scratch_bytes, 64);
        if (!p->rooms[r].scratch) return false;
        p->rooms[r].scratch_bytes = scratch_bytes;
    }
    return true;
}

skep_status skep__pool_foreign_create(const skep_pool_desc *desc, skep_pool **pool)
{
    foreign_pool *p = skep__alloc(&desc->allocator, sizeof *p, 128);
    if (!p) return SKEP_NO_MEMORY;
    p->base.v = &foreign_vtable;
    p->allocator = desc->allocator;
    p->fork = desc->fork;
    p->join = desc->join;
    p->fork_ctx = desc->ctx;
    p->worker_count = desc->workers;
    p->trace = desc->trace;
    skep__trace_hold(p->trace);
    if (!skep__caller_init(&p->caller, desc) || !foreign_rooms(p, desc->scratch_bytes) ||
        !skep__results_reserve(&p->results, &p->allocator, 256)) {
        foreign_destroy(&p->base);
        return SKEP_NO_MEMORY;
    }
    *pool = &p->base;
    return SKEP_OK;
}
