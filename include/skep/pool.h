/* SPDX-License-Identifier: MIT */
/* Pools: where jobs run. A pool gets batches of tasks and says how each one ended; it knows neither
 * worlds nor schedulers. `local` runs everything on the caller, `threads` on persistent native
 * threads, `processes` in isolated processes (skep/processes.h), and a foreign job system can stand
 * in by two callbacks. All pools pass one conformance suite.
 *
 * All that a task points to lies in the world's region, and a task names its job by index, so the
 * same descriptor can be run in another process that maps the region at the same address. Where
 * output goes is the pool's choice: into the arena blocks that the task names, or into memory of
 * the worker's own, which the host copies afterwards (`output` of the result). */
#ifndef SKEP_POOL_H
#define SKEP_POOL_H

#include "skep/job.h"
#include "skep/log.h"
#include "skep/processes.h"
#include "skep/status.h"
#include "skep/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Workers beside the caller: as many as the machine has cores, less one; of processes, whose caller
 * runs nothing, as many as it has cores. */
#define SKEP_WORKERS_AUTO UINT32_MAX

/* The most workers beside the caller. */
#define SKEP_WORKERS_MAX 256u

/* The most tasks of one batch. */
#define SKEP_BATCH_TASKS_MAX 0x3fffffffu

/* The largest output_bytes_max. */
#define SKEP_OUTPUT_BYTES_MAX ((size_t)1 << 30)

/* For skep_pool_vtable.wait: no time limit. */
#define SKEP_FOREVER UINT64_MAX

/* ---- tasks ----------------------------------------------------------------------------------- */

/* A column that a part writes into a block other than the one it came from. */
typedef struct skep_task_write {
    void *to;         /* the arena block's rows */
    const void *from; /* the old rows to copy first (`mut`), or NULL for fresh ones (`out`) */
    uint32_t bytes;   /* of the part's rows */
    uint32_t column;  /* byte offset of the column's pointer in the column struct */
} skep_task_write;

/* A column that a part reads, listed where inputs are checked (SKEP_BATCH_CHECK). */
typedef struct skep_task_read {
    const void *from;
    uint32_t bytes;
    uint32_t access; /* index into the job's access table */
} skep_task_read;

/* One call of a job: a run of rows of one table block. */
typedef struct skep_task_part {
    const skep_entity *entity; /* the rows' handles, NULL for a part without rows */
    const void *columns;       /* the column struct, complete for output in the arena */
    const skep_task_write
        *writes;                 /* write_count entries; columns written in place are not listed */
    const skep_task_read *reads; /* read_count entries, only with SKEP_BATCH_CHECK */
    uint32_t write_count;
    uint32_t read_count;
    uint32_t n;   /* rows */
    uint32_t row; /* number of the first row within the task */
} skep_task_part;

/* Where the pointer of one column of a span is found, and where it goes. */
typedef struct skep_task_span_column {
    uint32_t cell;   /* byte offset in a line of the table's directory */
    uint32_t column; /* byte offset of the column's pointer in the column struct */
} skep_task_span_column;

/* Many blocks of one table in one task, without a part for each: whoever runs it takes the pointers
 * out of the table's directory, which lies in the region. All blocks are full, and what is written
 * is written in place. The job is called once a block, with the numbers that as many tasks would
 * have had. */
typedef struct skep_task_span {
    const uint8_t *line;                  /* the first block's line of the directory */
    const void *base;                     /* the column struct without the table's pointers */
    const skep_task_span_column *columns; /* column_count of them */
    uint32_t column_count;
    uint32_t stride;     /* bytes from line to line */
    uint32_t ids;        /* byte offset of the handles' pointer in a line */
    uint32_t blocks;     /* that the span covers */
    uint32_t block_rows; /* rows of each */
    uint32_t pad;
} skep_task_span;

/* A piece of a task's own output that jobs reach through a pointer in the column struct: reductions
 * and `res_mut`. Its bytes lie at `offset` of the output area; `from` holds what they start with.
 */
typedef struct skep_task_cell {
    const void *from;
    uint32_t bytes;
    uint32_t offset; /* in the output area, a multiple of 16 */
    uint32_t column; /* byte offset of the pointer in the column struct */
    uint32_t pad;
} skep_task_cell;

/* What all tasks of a batch share. */
typedef struct skep_task_frame {
    double time;
    uint64_t tick;
    uint64_t seed;
    float dt;
    uint32_t pad;
} skep_task_frame;

/* One task: a job over one or more parts. Constant while the batch runs. */
typedef struct skep_pool_task {
    const skep_task_part *parts;  /* part_count entries */
    const skep_task_span *span;   /* instead of parts: many blocks of one table; else NULL */
    const skep_task_cell *cells;  /* cell_count entries */
    const skep_task_frame *frame; /* what all tasks of the batch share */
    const skep_entity *spawns;    /* handles that the task may give to its spawns, in order */
    void *output;        /* output area in the arena: cells, then patches; NULL when unused */
    uint64_t system_key; /* hash of the system's name, for random numbers */
    uint32_t job;        /* index into the batch's jobs */
    uint32_t part_count;
    uint32_t cell_count;
    uint32_t spawn_count;
    uint32_t
        cells_bytes; /* of the output area that the cells take, a multiple of 16; patches follow */
    uint32_t output_bytes; /* size of the output area */
    uint32_t block;        /* number of the task within its system */
    uint32_t rows;         /* of all parts */
    uint32_t system;       /* the system's number, for traces */
    uint32_t pad;
} skep_pool_task;

/* Flags of a batch. */
enum {
    SKEP_BATCH_FORCE = 1, /* hand tasks to workers however small the batch is (--grain 0) */
    SKEP_BATCH_CHECK = 2, /* poison `out` columns, check that each row was written, and that no job
                             changed its input */
    SKEP_BATCH_RETRY = 4 /* these tasks failed before: run them on a worker that did not fail any of
                            them, if there is one */
};

/* A batch of tasks that may run in any order and at the same time. Constant, and alive until its
 * last completion was delivered. */
typedef struct skep_pool_batch {
    const skep_pool_task *const *tasks; /* task_count pointers */
    const skep_job *const *jobs;        /* job_count pointers */
    uint32_t task_count;
    uint32_t job_count;
    uint64_t cost_ns;     /* what all tasks took last time together, 0 where unknown */
    uint64_t deadline_ns; /* the most that one task may take, 0 for no deadline. `threads` runs all
                             tasks of such a batch on workers, since nobody could end one on the
                             caller; `local` and foreign pools cannot enforce it */
    uint32_t flags;       /* SKEP_BATCH_* */
    uint32_t number;      /* of the plan's batch, from 1, for traces */
} skep_pool_batch;

/* How a task ended. `status` is SKEP_OK; SKEP_FAULT: the job failed; SKEP_LIMIT: the output area or
 * scratch was too small, or spawn_max was passed; SKEP_ACCESS: it changed its input, used a right
 * that it did not declare, or left an `out` row unwritten; SKEP_CLOSED: the worker was lost. */
typedef struct skep_pool_result {
    uint32_t task;        /* index into the batch */
    skep_status status;   /* see above */
    const char *cause;    /* static or job's text, NULL for SKEP_OK */
    const void *output;   /* NULL: columns are in the arena blocks and patches in the task's output
                             area. Else worker's memory, valid during the call, that holds that in
                             the layout of skep_task_layout */
    size_t bytes;         /* of output used: cells and patches, with any status but SKEP_CLOSED */
    size_t bytes_wanted;  /* with SKEP_LIMIT for a full output area: the output_bytes that the task
                             needs. With SKEP_OK: what it would take with the log lines that did not
                             fit. Else 0 */
    uint64_t duration_ns; /* 0 where it was not measured */
    uint32_t worker;      /* 0: the caller; workers count from 1 */
    bool writing; /* the task may still read its descriptor and write to its blocks and output:
                     leave all of them alone until worker_gone */
} skep_pool_result;

/* Where the parts of an output in worker's memory lie: [cells and patches: output_bytes][each write
 * of each part in turn, each aligned to 64]. Returns the size of all of it. */
SKEP_API size_t skep_task_layout(const skep_pool_task *task);

struct skep_task_room;

/* Runs a task in the place of skep_task_run_job, which calls it with its own arguments: for hosts
 * that can catch a job's trap. It ends in skep_task_run_direct, or fills `result` itself. */
typedef void skep_task_guard(const skep_pool_task *task, const skep_job *job, uint32_t flags,
                             const struct skep_task_room *room, skep_pool_result *result);

/* What a worker lends to the tasks it runs. */
typedef struct skep_task_room {
    void *scratch;        /* for skep_scratch, aligned to 16 */
    size_t scratch_bytes; /* knob scratch_bytes */
    void *elsewhere; /* NULL: write into the arena. Else memory of skep_task_layout bytes, aligned
                        to 64, that gets all output */
    skep_task_guard *guard; /* NULL: jobs are called straight */
} skep_task_room;

/* Runs one task on the calling thread, and fills status, cause, output, bytes and bytes_wanted of
 * `result`. What every pool calls; it neither allocates, locks nor reads a clock. */
SKEP_API void skep_task_run(const skep_pool_task *task, const skep_job *const *jobs, uint32_t flags,
                            const skep_task_room *room, skep_pool_result *result);

/* As skep_task_run_job, without asking the room's guard: what a guard calls. */
SKEP_API void skep_task_run_direct(const skep_pool_task *task, const skep_job *job, uint32_t flags,
                                   const skep_task_room *room, skep_pool_result *result);

/* As skep_task_run, for a caller that has looked the task's job up already. */
SKEP_API void skep_task_run_job(const skep_pool_task *task, const skep_job *job, uint32_t flags,
                                const skep_task_room *room, skep_pool_result *result);

/* ---- pools ----------------------------------------------------------------------------------- */

/* A pool; see skep_pool_create. */
typedef struct skep_pool skep_pool;

/* Takes one result. Called on the thread that calls skep_pool_wait, once a task, in any order. */
typedef void (*skep_pool_done)(void *ctx, const skep_pool_result *result);

/* What a kind of pool can do; see pool/. All calls come from the pool's owner thread. */
typedef struct skep_pool_vtable {
    const char *name; /* "local", "threads", ... */
    bool elsewhere;   /* output goes to worker's memory: nothing is ever written in place */
    bool killable;    /* a hung worker can be killed and its blocks used again at once */
    /* Starts a batch. One batch runs at a time. */
    skep_status (*start)(skep_pool *pool, const skep_pool_batch *batch, skep_pool_done done,
                         void *ctx);
    /* Takes part in the batch and delivers results, until the last one or `timeout_ns` is over (it
     * runs at least one task, if it runs any on this thread). Returns the number of tasks that are
     * still to be delivered. `done` must not start a batch. */
    uint32_t (*wait)(skep_pool *pool, uint64_t timeout_ns);
    /* Number of workers beside the caller. */
    uint32_t (*workers)(const skep_pool *pool);
    /* Says whether all that results called `writing` at this worker's number are surely gone. */
    bool (*worker_gone)(skep_pool *pool, uint32_t worker);
    /* Ends all workers in bounded time and frees the pool. A batch that still runs is dropped
     * without further results. */
    void (*destroy)(skep_pool *pool);
    /* What skep_pool_for calls: `count` pieces of at most `grain` (not 0) indexes. NULL: the caller
     * does all of them. */
    void (*each)(skep_pool *pool, uint32_t n, uint32_t grain, uint32_t count,
                 void (*work)(void *ctx, uint32_t first, uint32_t count), void *ctx);
} skep_pool_vtable;

/* Every pool begins with its vtable. */
struct skep_pool {
    const skep_pool_vtable *v;
};

/* Runs `work(work_ctx, 0..count-1)` somewhere, in any order, at the same time where it likes. */
typedef void (*skep_pool_fork)(void *ctx, void (*work)(void *work_ctx, uint32_t index),
                               void *work_ctx, uint32_t count);
/* Returns when all that the last fork started has ended. */
typedef void (*skep_pool_join)(void *ctx);

/* What to create a pool with; begin with skep_pool_desc_default(). */
typedef struct skep_pool_desc {
    uint32_t canary;      /* set by skep_pool_desc_default */
    uint32_t workers;     /* beside the caller; 0: everything runs on the caller (`local`), and with
                             processes SKEP_ARGUMENT */
    size_t scratch_bytes; /* a worker, for skep_scratch; 64 KiB by default */
    uint32_t spin;        /* pauses before a thread sleeps; about 2,000 by default */
    uint32_t pad;
    skep_pool_fork fork; /* with join: a foreign job system does the work instead of own threads */
    skep_pool_join join; /* both or none */
    void *ctx;           /* for fork and join */
    skep_allocator allocator;  /* all zero: the host's default */
    skep_processes *processes; /* workers are processes of this zygote, and the caller runs nothing;
                                  NULL: threads */
    const skep_region *region; /* with processes: all that tasks point to, from
                                  skep_processes_region_open */
    uint32_t restart_max;      /* workers replaced within a minute before the pool fails; 1,000 by
                                  default, 0: any number */
    uint32_t pad2;
    size_t output_bytes_max; /* with processes: the most that one task may put out, columns and
                                patches together; rounded up to a power of two; 256 MiB by default.
                                Address space, used as needed */
    skep_log log;            /* why a pool could not be made, or failed; without fn: nowhere */
    skep_trace *trace; /* where its threads write what they do, with a ring for each; NULL: nowhere.
                          Kept until the pool is destroyed. A foreign pool's index i writes to
                          the ring of worker i + 1: give the tracer one worker more */
} skep_pool_desc;

/* Returns the defaults: SKEP_WORKERS_AUTO, own threads. */
SKEP_API skep_pool_desc skep_pool_desc_default(void);

/* Creates a pool: of processes where there is a zygote, the foreign one with fork, `local` when
 * there are no workers, else `threads`. Any thread; the creating thread becomes the owner.
 * SKEP_LIMIT for more than SKEP_WORKERS_MAX workers or SKEP_OUTPUT_BYTES_MAX, SKEP_ARGUMENT,
 * SKEP_NO_MEMORY when memory, threads or processes run out; with processes SKEP_CLOSED or
 * SKEP_UNSUPPORTED too, with the reason in the log. */
SKEP_API SKEP_NODISCARD skep_status skep_pool_create(const skep_pool_desc *desc, skep_pool **pool);

/* Ends the workers in bounded time (a second) and frees the pool; NULL is fine. A thread whose job
 * does not return by then is left behind, with the memory that it may touch; a process is killed.
 */
SKEP_API void skep_pool_destroy(skep_pool *pool);

/* Returns the number of workers beside the caller. */
SKEP_API uint32_t skep_pool_workers(const skep_pool *pool);

/* The pool alone: calls `work(ctx, first, count)` over pieces of [0, n) of at most `grain` indexes
 * (0: n divided among all), on all workers and the caller, and returns when all are done. Owner's
 * thread, and not while a batch runs. */
SKEP_API void skep_pool_for(skep_pool *pool, uint32_t n, uint32_t grain,
                            void (*work)(void *ctx, uint32_t first, uint32_t count), void *ctx);

#ifdef __cplusplus
}
#endif

#endif
