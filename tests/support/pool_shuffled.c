/* SPDX-License-Identifier: MIT */
/* See pool_shuffled.h. A batch is run when it is started or when it is waited for, as the seed
 * says, so that main-thread systems of the batch come after its tasks or before them. Every task
 * that writes elsewhere has memory of its own until it is delivered. */
#include "pool_shuffled.h"

#include <stdlib.h>
#include <string.h>

#define SCRATCH_BYTES 65536u

/* A task that ran and waits for its delivery. */
typedef struct shuffled_task {
    skep_pool_result result;
    void *output;
} shuffled_task;

typedef struct shuffled_pool {
    skep_pool base;
    skep_pool_vtable vtable;
    uint64_t random;
    pool_shuffled_counts counts;
    const skep_pool_batch *batch;
    skep_pool_done done;
    void *ctx;
    shuffled_task *tasks; /* as many as the largest batch so far had */
    uint32_t *order;
    uint32_t capacity;
    uint32_t delivered;
    bool ran;
    _Alignas(16) uint8_t scratch[SCRATCH_BYTES];
} shuffled_pool;

static uint32_t shuffled_below(shuffled_pool *p, uint32_t n)
{
    uint64_t x = p->random += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((x ^ (x >> 31)) % n);
}

static void shuffled_order(shuffled_pool *p)
{
    const uint32_t n = p->batch->task_count;
    for (uint32_t i = 0; i < n; i++) p->order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        const uint32_t k = shuffled_below(p, i);
        const uint32_t swap = p->order[i - 1];
        p->order[i - 1] = p->order[k];
        p->order[k] = swap;
    }
}

static void shuffled_run_one(shuffled_pool *p, uint32_t index)
{
    const skep_pool_task *task = p->batch->tasks[index];
    shuffled_task *t = &p->tasks[index];
    skep_task_room room = {p->scratch, SCRATCH_BYTES, NULL, NULL};
    memset(t, 0, sizeof *t);
    t->result.task = index;
    t->result.status = SKEP_CLOSED;
    if (p->vtable.elsewhere) {
        const size_t bytes = (skep_task_layout(task) + 63) / 64 * 64 + 64;
        t->output = aligned_alloc(64, bytes);
        if (!t->output) return;
        memset(t->output, (int)shuffled_below(p, 256), bytes);
        room.elsewhere = t->output;
    }
    skep_task_run(task, p->batch->jobs, p->batch->flags, &room, &t->result);
    t->result.task = index;
    t->result.duration_ns = 1 + shuffled_below(p, 5000);
}

static void shuffled_run(shuffled_pool *p)
{
    shuffled_order(p);
    for (uint32_t i = 0; i < p->batch->task_count; i++) shuffled_run_one(p, p->order[i]);
    shuffled_order(p);
    p->ran = true;
}

static uint32_t shuffled_jobs(const skep_pool_batch *batch)
{
    uint32_t count = 0;
    for (uint32_t j = 0; j < batch->job_count; j++) {
        bool used = false;
        for (uint32_t t = 0; t < batch->task_count; t++) used |= batch->tasks[t]->job == j;
        count += used;
    }
    return count;
}

static bool shuffled_reserve(shuffled_pool *p, uint32_t count)
{
    if (count <= p->capacity) return true;
    free(p->tasks);
    free(p->order);
    p->tasks = calloc(count, sizeof *p->tasks);
    p->order = calloc(count, sizeof *p->order);
    p->capacity = p->tasks && p->order ? count : 0;
    return p->capacity != 0;
}

static skep_status shuffled_start(skep_pool *pool, const skep_pool_batch *batch,
                                  skep_pool_done done, void *ctx)
{
    shuffled_pool *p = (shuffled_pool *)pool;
    if (!shuffled_reserve(p, batch->task_count)) return SKEP_NO_MEMORY;
    const uint32_t jobs = shuffled_jobs(batch);
    p->batch = batch;
    p->done = done;
    p->ctx = ctx;
    p->delivered = 0;
    p->ran = false;
    p->counts.batches++;
    p->counts.tasks += batch->task_count;
    if (jobs > p->counts.jobs_most) p->counts.jobs_most = jobs;
    if (shuffled_below(p, 2)) shuffled_run(p);
    return SKEP_OK;
}

static uint32_t shuffled_wait(skep_pool *pool, uint64_t timeout_ns)
{
    shuffled_pool *p = (shuffled_pool *)pool;
    if (!p->batch) return 0;
    if (!p->ran) shuffled_run(p);
    const uint32_t count = p->batch->task_count;
    while (p->delivered < count) {
        const uint32_t index = p->order[p->delivered];
        shuffled_task *t = &p->tasks[index];
        p->counts.moved += index != p->delivered;
        if (++p->delivered == count) p->batch = NULL;
        p->done(p->ctx, &t->result);
        free(t->output);
        t->output = NULL;
        if (timeout_ns != SKEP_FOREVER) break;
    }
    return count - p->delivered;
}

static uint32_t shuffled_workers(const skep_pool *pool)
{
    (void)pool;
    return 0;
}

static bool shuffled_worker_gone(skep_pool *pool, uint32_t worker)
{
    (void)pool;
    (void)worker;
    return true;
}

static void shuffled_destroy(skep_pool *pool)
{
    shuffled_pool *p = (shuffled_pool *)pool;
    for (uint32_t i = 0; p->batch && p->ran && i < p->batch->task_count; i++) {
        free(p->tasks[i].output);
    }
    free(p->tasks);
    free(p->order);
    free(p);
}

skep_pool *pool_shuffled_create(bool elsewhere, uint64_t seed)
{
    shuffled_pool *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->vtable.name = elsewhere ? "shuffled elsewhere" : "shuffled";
    p->vtable.elsewhere = elsewhere;
    p->vtable.start = shuffled_start;
    p->vtable.wait = shuffled_wait;
    p->vtable.workers = shuffled_workers;
    p->vtable.worker_gone = shuffled_worker_gone;
    p->vtable.destroy = shuffled_destroy;
    p->base.v = &p->vtable;
    p->random = seed;
    return &p->base;
}

void pool_shuffled_seed(skep_pool *pool, uint64_t seed)
{
    ((shuffled_pool *)pool)->random = seed;
}

pool_shuffled_counts pool_shuffled_counted(const skep_pool *pool)
{
    return ((const shuffled_pool *)pool)->counts;
}
