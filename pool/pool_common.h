/* SPDX-License-Identifier: MIT */
/* What the pools of this process share: running tasks on the caller, keeping results until they are
 * delivered, and running units of a batch on whatever thread claimed them. Private to pool/. */
#ifndef SKEP_POOL_POOL_COMMON_H
#define SKEP_POOL_POOL_COMMON_H

#include "core/base/base.h"
#include "core/trace/trace.h"
#include "port/port.h"
#include "skep/pool.h"

/* ---- results -------------------------------------------------------------------------------- */

/* What every task's result needs: four of them a cache line, since another core reads them. */
typedef struct skep__pool_brief {
    uint64_t duration_ns;
    uint32_t bytes;
    uint16_t worker;
    uint8_t status;
    uint8_t more; /* SKEP__BRIEF_* */
} skep__pool_brief;

enum {
    SKEP__BRIEF_DETAIL = 1, /* the rest is in the task's detail */
    SKEP__BRIEF_WRITING = 2
};

/* What only troubled results have. */
typedef struct skep__pool_detail {
    const char *cause;
    size_t bytes_wanted;
} skep__pool_detail;

/* The failures that a retry steers clear of. */
#define SKEP__POOL_FAILURES 16u

/* Results of a batch, from the task's end to their delivery in the order of tasks. */
typedef struct skep__pool_results {
    skep__pool_brief *briefs;
    skep__pool_detail *details;
    uint32_t brief_cap;
    uint32_t detail_cap;
    const skep_pool_task *failed[SKEP__POOL_FAILURES]; /* the last ones, only to be compared */
    uint16_t failed_worker[SKEP__POOL_FAILURES];
    uint32_t failed_next;
} skep__pool_results;

/* Makes room for `count` results; false when there is no memory. */
bool skep__results_reserve(skep__pool_results *results, const skep_allocator *allocator,
                           uint32_t count);

/* Frees all. */
void skep__results_deinit(skep__pool_results *results, const skep_allocator *allocator);

/* Keeps one result. Any thread, each task once. */
void skep__results_put(skep__pool_results *results, const skep_pool_result *result);

/* Remembers that a worker failed a task, for later retries. */
void skep__results_remember(skep__pool_results *results, const skep_pool_task *task,
                            uint32_t worker);

/* Delivers all results of a batch, in the order of tasks, and remembers who failed. */
void skep__results_deliver(skep__pool_results *results, const skep_pool_batch *batch,
                           skep_pool_done done, void *ctx);

/* Finds a worker, of 0 to worker_count (`first` is the least), that is not known to have failed one
 * of the batch's tasks. UINT32_MAX when there is none. */
uint32_t skep__results_untainted(const skep__pool_results *results, const skep_pool_batch *batch,
                                 uint32_t first, uint32_t worker_count);

/* ---- on the caller -------------------------------------------------------------------------- */

/* A batch that runs on the caller, and the caller's room. */
typedef struct skep__caller {
    skep_task_room room;
    const skep_pool_batch *batch; /* NULL when none runs here */
    skep_pool_done done;
    void *ctx;
    skep__pool_results *results; /* where failures are remembered, or NULL */
    uint32_t next;               /* the task to run next */
    uint32_t sample;             /* state of the choice which batches are measured */
    skep__trace_ring *ring;      /* the caller's, or NULL */
    uint64_t traced;             /* when the batch was taken, by the tracer's clock */
} skep__caller;

/* Gives the caller its scratch and its ring. False when there is no memory. */
bool skep__caller_init(skep__caller *caller, const skep_pool_desc *desc);

/* Frees it. */
void skep__caller_deinit(skep__caller *caller, const skep_allocator *allocator);

/* Says whether the durations of this batch's tasks are to be taken: where the cost is unknown, and
 * once in 16 batches, at random, so that no rhythm of frames hides one from it. `sample` is the
 * choice's state, not 0. */
bool skep__pool_measures(uint32_t *sample, const skep_pool_batch *batch);

/* Takes a batch that wait will run. */
void skep__caller_start(skep__caller *caller, const skep_pool_batch *batch, skep_pool_done done,
                        void *ctx);

/* Runs and delivers tasks until the clock says `until` (SKEP_FOREVER: all of them); at least one.
 * Returns how many are left. */
uint32_t skep__caller_wait(skep__caller *caller, uint64_t until);

/* The time at which a wait of `timeout_ns` that begins now is over. */
uint64_t skep__pool_until(uint64_t timeout_ns);

/* ---- units ---------------------------------------------------------------------------------- */

/* What threads work off: the tasks of a batch, or the pieces of a skep_pool_for. 48 bytes, so that
 * they fit into a cache line with what tells a worker of them. */
typedef struct skep__pool_units {
    const skep_pool_task *const *tasks; /* NULL: pieces */
    const skep_job *const *jobs;
    void (*work)(void *ctx, uint32_t first, uint32_t count);
    void *ctx;
    uint32_t flags; /* SKEP_BATCH_* */
    uint32_t n;     /* indexes, for pieces */
    uint32_t grain;
    bool measure; /* take durations */
} skep__pool_units;

/* Makes the units of a batch. */
SKEP_INLINE skep__pool_units skep__units_of_batch(const skep_pool_batch *batch, bool measure)
{
    skep__pool_units units = {.tasks = batch->tasks, .jobs = batch->jobs, .flags = batch->flags};
    units.measure = measure;
    return units;
}

/* Who runs units: a number, what it lends to tasks, and where it writes what it did. */
typedef struct skep__pool_hand {
    const skep_task_room *room;
    skep__trace_ring *ring; /* or NULL */
    uint32_t worker;
} skep__pool_hand;

/* Runs the units first to end - 1, and keeps the results of tasks. */
void skep__units_run(const skep__pool_units *units, skep__pool_results *results, uint32_t first,
                     uint32_t end, const skep__pool_hand *hand);

/* What a trace says of a task. */
SKEP_INLINE uint64_t skep__pool_traced(const skep_pool_task *task)
{
    return skep__trace_quarters(task->system, task->span ? task->span->blocks : 1, task->block);
}

/* ---- kinds of pools ------------------------------------------------------------------------- */

/* Creation behind skep_pool_create, which has checked the description and filled in defaults. */
skep_status skep__pool_local_create(const skep_pool_desc *desc, skep_pool **pool);
skep_status skep__pool_threads_create(const skep_pool_desc *desc, skep_pool **pool);
skep_status skep__pool_foreign_create(const skep_pool_desc *desc, skep_pool **pool);
skep_status skep__pool_processes_create(const skep_pool_desc *desc, skep_pool **pool);

/* What a wake-up of a sleeping thread costs where it was not measured. */
#define SKEP__POOL_WAKE_NS 3000u

#endif
