/* SPDX-License-Identifier: MIT */
/* The plan: systems, the order that follows from what they declare, and the frame as a state
 * machine.
 *
 * A plan belongs to one world. Systems are added with what they read and write; from that the plan
 * makes batches: sets of systems that may run at the same time and see the world as it was when the
 * batch began. A frame is driven by a host, since the core never blocks, starts no thread and reads
 * no clock:
 *
 *     skep_frame_begin(plan, dt, SKEP_TIME_AUTO);
 *     while (skep_frame_next(plan, now_ns(), &step) == SKEP_OK && step.kind != SKEP_STEP_END) {
 *         switch (step.kind) {
 *         case SKEP_STEP_TASKS: pool->v->start(pool, step.batch, skep_frame_result, plan); break;
 *         case SKEP_STEP_RUN: skep_frame_run(plan, &step); break;
 *         case SKEP_STEP_WAIT: pool->v->wait(pool, UINT64_MAX); break;
 *         }
 *     }
 *     skep_frame_end(plan, &report);
 *
 * The result of a frame depends on the world, the plan, the inputs and the fault log, never on who
 * ran the tasks, how many workers there were, or which of them finished first. All calls come from
 * the thread that owns the world. */
#ifndef SKEP_PLAN_H
#define SKEP_PLAN_H

#include "skep/job.h"
#include "skep/log.h"
#include "skep/pool.h"
#include "skep/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A world; see skep/world.h. */
typedef struct skep_world skep_world;

/* A plan; see skep_plan_create. */
typedef struct skep_plan skep_plan;

/* The most systems that one `before` or `after` list names. */
#define SKEP_SYSTEM_EDGE_MAX 16u

/* The most bytes of a system's name, with its ending zero. */
#define SKEP_SYSTEM_NAME_BYTES 64u

/* ---- systems ----------------------------------------------------------------------------- */

/* A system on the main thread: sees the world, its own writes and its pending commands. A status
 * other than SKEP_OK is a fault. */
typedef skep_status (*skep_system_run)(void *ctx, skep_world *world, float dt);

/* Folds one block's value of a resource into `into`; called in block order on the main thread. Both
 * are C value structs of `resource`. */
typedef void (*skep_system_fold)(const skep_component *resource, void *into, const void *value);

/* Flags of a system. */
enum {
    SKEP_SYSTEM_DISABLED = 1, /* does not run until it is enabled */
    SKEP_SYSTEM_HIDDEN = 2,   /* the library's own: left out of the overview of skep_plan_explain */
    /* what a failing `run` wrote is swapped back; costs a snapshot a run */
    SKEP_SYSTEM_RUN_MAY_FAIL = 4,
    /* a `run` is not called while no table with rows matches its access */
    SKEP_SYSTEM_SKIP_EMPTY = 8
};

/* What a system is. Begin with skep_system_desc_default(). Texts and arrays are copied, the job is
 * not. */
typedef struct skep_system_desc {
    uint32_t canary;   /* set by skep_system_desc_default */
    uint32_t flags;    /* SKEP_SYSTEM_* */
    const char *name;  /* NULL: the job's name. Unique in the plan, at most 63 bytes */
    const char *stage; /* NULL: "update" */
    const char *after[SKEP_SYSTEM_EDGE_MAX];  /* systems to run after; the first NULL ends it */
    const char *before[SKEP_SYSTEM_EDGE_MAX]; /* systems to run before */
    uint32_t every; /* runs in frames whose tick is a multiple of it; 0 and 1: in every frame */
    uint32_t deadline_ms; /* the most that one of its tasks may take; 0: none of its own */
    const skep_job *job;  /* the pure function, or NULL */
    skep_system_run run; /* on the main thread; beside a job, the fallback for when the job fails */
    void *ctx;           /* for run; borrowed, outlives the system */
    const skep_access
        *access; /* what `run` uses (offsets are ignored); NULL beside a job: what the
                    job declares; NULL alone: anything, so that it conflicts with all */
    uint32_t access_count;
    uint32_t pad;
    skep_system_fold fold; /* for the job's `fold` reductions */
} skep_system_desc;

/* Returns a description with nothing set. */
SKEP_API skep_system_desc skep_system_desc_default(void);

/* ---- plans ------------------------------------------------------------------------------- */

/* What to create a plan with; begin with skep_plan_desc_default(). */
typedef struct skep_plan_desc {
    uint32_t canary;           /* set by skep_plan_desc_default */
    uint32_t stage_count;      /* 0: startup, input, update, late, render, cleanup */
    const char *const *stages; /* names in order, copied; systems of "startup" run once a world */
    skep_log log;              /* mistakes and faults */
    size_t patch_bytes_max;    /* the most that one task may put out; 16 MiB by default */
    size_t parked_bytes_max;   /* blocks kept back for workers that may still write; 64 MiB */
    uint32_t fault_max;        /* so many faults ... 3 by default */
    uint32_t fault_frames;     /* ... in so many frames bring quarantine; 60 by default */
    uint32_t release_frames;   /* first quarantine; doubled each time, 64 times that at most; 60 */
    uint32_t pad;
} skep_plan_desc;

/* Returns the defaults. */
SKEP_API skep_plan_desc skep_plan_desc_default(void);

/* Creates a plan for a world that outlives it; it uses the world's allocator. Destroy it with
 * skep_plan_destroy. */
SKEP_API SKEP_NODISCARD skep_status skep_plan_create(skep_world *world, const skep_plan_desc *desc,
                                                     skep_plan **plan);

/* Frees a plan; a running frame is aborted first. The world stays as it is; blocks that are still
 * parked are not used again. NULL is fine. */
SKEP_API void skep_plan_destroy(skep_plan *plan);

/* Adds a system. Mistakes are not looked for here but in skep_plan_build, all at once. SKEP_BUSY
 * while a frame runs, SKEP_ARGUMENT without a name or without both job and run. */
SKEP_API SKEP_NODISCARD skep_status skep_plan_add(skep_plan *plan, const skep_system_desc *desc);

/* Removes a system by name, the one added last where mistakes gave two one name. Its record stays
 * in the world, so that adding it again goes on. SKEP_NOT_FOUND, or SKEP_BUSY while a frame runs.
 */
SKEP_API skep_status skep_plan_remove(skep_plan *plan, const char *name);

/* Enables or disables a system from the next frame on, also from inside one; part of the world's
 * state, so restoring a snapshot brings it back. SKEP_NOT_FOUND, SKEP_PLAN while the plan has
 * mistakes. */
SKEP_API skep_status skep_plan_enable(skep_plan *plan, const char *name, bool enabled);

/* Returns whether a system is enabled; false for an unknown one. */
SKEP_API bool skep_plan_enabled(skep_plan *plan, const char *name);

/* Ends a system's quarantine and forgets its faults. Errors as of skep_plan_enable. */
SKEP_API skep_status skep_plan_release(skep_plan *plan, const char *name);

/* Returns whether a system is in quarantine; false for an unknown one. */
SKEP_API bool skep_plan_quarantined(skep_plan *plan, const char *name);

/* Makes order and batches, if systems were added or removed since; skep_frame_begin does it too.
 * Registers in the world what the systems use. SKEP_PLAN when there are mistakes: see
 * skep_plan_mistake. */
SKEP_API SKEP_NODISCARD skep_status skep_plan_build(skep_plan *plan);

/* Returns the number of mistakes that the last build found. */
SKEP_API uint32_t skep_plan_mistake_count(const skep_plan *plan);

/* Returns one mistake's line, without a line end: system "hurt": after "shot": there is no such
 * system (did you mean "shoot"?). Valid until the next build. `index` is below
 * skep_plan_mistake_count. */
SKEP_API const char *skep_plan_mistake(const skep_plan *plan, uint32_t index);

/* Takes pieces of a text; each ends in a zero, lines end in "\n". */
typedef void (*skep_plan_writer)(void *ctx, const char *text);

/* Writes all mistakes as users read them, under "TITLE: 2 mistakes, nothing was run". Nothing when
 * there are none. */
SKEP_API void skep_plan_mistakes(const skep_plan *plan, const char *title, skep_plan_writer writer,
                                 void *ctx);

/* Explains the plan: all batches when `system` is NULL, else why this system runs where it does.
 * Builds first. SKEP_PLAN with mistakes, SKEP_NOT_FOUND for an unknown name (the writer gets a line
 * that says so, with what may have been meant). */
SKEP_API skep_status skep_plan_explain(skep_plan *plan, const char *system, skep_plan_writer writer,
                                       void *ctx);

/* Returns the number of systems, or of batches, of the last build. */
SKEP_API uint32_t skep_plan_system_count(const skep_plan *plan);
/* See skep_plan_system_count. */
SKEP_API uint32_t skep_plan_batch_count(const skep_plan *plan);

/* Returns the batch of a system (from 1), 0 for an unknown one. */
SKEP_API uint32_t skep_plan_batch_of(const skep_plan *plan, const char *system);

/* Returns the name of the system at a place of the total order, NULL past the end. Borrowed until
 * the plan is changed. */
SKEP_API const char *skep_plan_system_at(const skep_plan *plan, uint32_t place);

/* ---- what the host says of itself -------------------------------------------------------- */

/* A task that failed, before anything of its batch has reached the world. */
typedef struct skep_fault_task {
    const char *system;
    const skep_pool_task *task;
    const skep_job *job;
    const skep_pool_result *result;
    const char *cause;  /* what the report will say */
    skep_status status; /* likewise */
    bool in_place; /* it wrote to the world's own blocks, so what it read is no longer as it was */
    bool again;    /* it will be tried once more */
    bool pad[2];
} skep_fault_task;

/* Is told of the first failure of each task; must not change the world. On the thread that drives
 * the frame. */
typedef void (*skep_fault_task_fn)(void *ctx, const skep_fault_task *fault);

/* What the plan may know of where tasks run. None of it changes results. */
typedef struct skep_plan_host {
    const char *executor; /* name for messages; NULL: "local" */
    bool elsewhere;       /* skep_pool_vtable.elsewhere: nothing is written in place */
    bool pad[3];
    uint32_t workers;     /* beside the caller, for skep_plan_explain */
    uint32_t batch_flags; /* SKEP_BATCH_FORCE, SKEP_BATCH_CHECK: put into every batch */
    uint32_t pad2;
    uint64_t deadline_ns; /* the most that one task may take where no system of its batch says so;
                             0: none. For hosts that can end a worker */
    uint64_t wake_ns;     /* what waking a worker costs, for skep_plan_explain; 0: not known */
    const skep_task_room *room; /* what the calling thread lends to jobs; with it small systems that
                                   cannot fail run inside skep_frame_next, which then takes as long
                                   as they do. Borrowed; NULL: every task is handed out */
    skep_trace *trace; /* gets what the plan does, in the calling thread's ring, and the names of
                          its systems. Borrowed; NULL: nowhere */
    skep_fault_task_fn fault_task; /* may be NULL */
    void *fault_ctx;               /* for fault_task */
} skep_plan_host;

/* Says where tasks run from the next frame on. Until then: the caller, nothing in flags, no trace.
 */
SKEP_API void skep_plan_host_set(skep_plan *plan, const skep_plan_host *host);

/* ---- faults ------------------------------------------------------------------------------ */

/* What became of a system that failed in a frame. */
typedef enum skep_fault_action {
    SKEP_FAULT_HEALED,      /* the second try succeeded; nothing was lost, and it does not count */
    SKEP_FAULT_FALLBACK,    /* its output was dropped and its `run` did the work */
    SKEP_FAULT_SKIPPED,     /* its output was dropped */
    SKEP_FAULT_QUARANTINED, /* the same, and it will not run for a while; `fallback` says whether
                               its run did the work */
    SKEP_FAULT_KEPT /* a job that never said it could fail did so after writing in place, or its
                       patches did not fit into the world: what it wrote to columns stays. One that
                       wrote in place writes to fresh blocks from now on */
} skep_fault_action;

/* One fault: one system in one frame. A value; also what a recording keeps and skep_plan_replay
 * takes. */
typedef struct skep_fault {
    uint64_t frame;                      /* the tick of the frame */
    char system[SKEP_SYSTEM_NAME_BYTES]; /* its name */
    char cause[192];                     /* of the first block that failed, in block order */
    uint32_t status;                     /* skep_status of that block */
    uint32_t action;                     /* skep_fault_action */
    uint32_t block;                      /* number of that block; UINT32_MAX for a `run` */
    uint32_t blocks;                     /* blocks that failed */
    uint32_t row;          /* first row of the block, counted over the system's rows */
    uint32_t rows;         /* rows of the block */
    uint32_t worker;       /* that ran it; 0: the caller */
    uint32_t retry_worker; /* that tried once more, where `retried` */
    uint32_t strikes;      /* faults within the window, this one included */
    uint32_t strikes_max;  /* knob fault_max */
    uint64_t until;        /* quarantined until this tick, 0: not */
    bool retried;          /* a second try was made */
    bool fallback;         /* its `run` did the work */
    bool kept;             /* what it wrote to columns stays: see SKEP_FAULT_KEPT */
    bool pad[5];
} skep_fault;

/* Writes a fault as users read it, three lines without a last line end, into `out` (at most `max`
 * bytes with the ending zero), and returns the length of the whole text. `executor` NULL: "local".
 */
SKEP_API size_t skep_fault_text(const skep_fault *fault, const char *executor, char *out,
                                size_t max);

/* Gives the faults that happened when the coming frames were recorded, ordered by frame; copied. A
 * system with a recorded fault in a frame does not run there: what was recorded happens to it at
 * once. Entries of frames that are over are ignored. `count` 0 ends replaying. SKEP_BUSY while a
 * frame runs. */
SKEP_API SKEP_NODISCARD skep_status skep_plan_replay(skep_plan *plan, const skep_fault *faults,
                                                     uint32_t count);

/* ---- the frame --------------------------------------------------------------------------- */

/* What the host is to do next. */
typedef enum skep_step_kind {
    SKEP_STEP_TASKS, /* start `batch` on the pool; every task's end goes to skep_frame_task_done */
    SKEP_STEP_RUN,   /* call `run` here, then skep_frame_run_done (skep_frame_run does both) */
    SKEP_STEP_WAIT,  /* nothing but to wait until tasks that were started have ended */
    SKEP_STEP_END    /* call skep_frame_end */
} skep_step_kind;

/* One step; what it points to is valid until the step is done. */
typedef struct skep_step {
    skep_step_kind kind; /* what to do */
    bool fallback;       /* RUN: in place of a job that failed */
    bool pad[3];
    const skep_pool_batch *batch; /* TASKS; lives until its last task_done */
    const char *system;           /* RUN: whose */
    skep_system_run run;          /* RUN */
    void *ctx;                    /* RUN: for run */
    float dt;                     /* RUN: for run */
    uint32_t stage;               /* place of the stage; TASKS and RUN */
} skep_step;

/* What a frame did. */
typedef struct skep_frame_report {
    uint64_t frame;           /* its tick */
    const skep_fault *faults; /* fault_count, in the total order; valid until the next begin */
    uint32_t fault_count;
    uint32_t batches;         /* that had something to do */
    uint32_t systems;         /* that ran, fallbacks included */
    uint32_t tasks;           /* handed out, second tries included */
    uint32_t reruns;          /* tasks run again with a larger output area; no fault */
    uint32_t retries;         /* tasks tried once more after a fault */
    uint64_t rows;            /* of all tasks */
    uint64_t blocks_copied;   /* column blocks written to fresh blocks */
    uint64_t blocks_in_place; /* column blocks written in place */
    uint64_t patches;         /* applied, commands included */
    uint64_t dropped;         /* patches and commands for entities that were gone */
    uint64_t overlaps; /* skep_frame_begin calls while a frame ran, since the plan was created */
    uint64_t parked_bytes; /* blocks kept back for workers that may still write */
    uint64_t time_ns;      /* between the first and the last skep_frame_next, by the host's clock */
} skep_frame_report;

/* For skep_frame_begin: time is the sum of all dt. */
#define SKEP_TIME_AUTO (-1.0)

/* Begins a frame of `dt` seconds: applies what was queued from outside. `time` is what systems see
 * as the time, in seconds; SKEP_TIME_AUTO (any negative number, or NaN): the world's own, the sum
 * of all dt before. SKEP_BUSY while a frame runs: that one goes on, and the call is counted.
 * SKEP_PLAN with mistakes (they go to the log). SKEP_LIMIT while more than parked_bytes_max is
 * parked. */
SKEP_API SKEP_NODISCARD skep_status skep_frame_begin(skep_plan *plan, float dt, double time);

/* Returns whether a frame runs. */
SKEP_API bool skep_frame_running(const skep_plan *plan);

/* Says what to do next. `now_ns` is the host's clock, 0 where it has none; only the report shows
 * it. SKEP_ARGUMENT when no frame runs; SKEP_BUSY while the run of the last step is not done.
 * SKEP_NO_MEMORY or SKEP_LIMIT when not even the bookkeeping fits: call skep_frame_abort. */
SKEP_API SKEP_NODISCARD skep_status skep_frame_next(skep_plan *plan, uint64_t now_ns,
                                                    skep_step *step);

/* Takes the end of one task of the last SKEP_STEP_TASKS, in any order; verifies its output. What
 * `result` points to is needed during the call only. SKEP_ARGUMENT for a task that is not running.
 */
SKEP_API skep_status skep_frame_task_done(skep_plan *plan, const skep_pool_result *result);

/* skep_frame_task_done in the shape of skep_pool_done; `plan` is the skep_plan. */
SKEP_API void skep_frame_result(void *plan, const skep_pool_result *result);

/* Takes the end of the last SKEP_STEP_RUN. With a status other than SKEP_OK its commands are
 * dropped, and with SKEP_SYSTEM_RUN_MAY_FAIL what it wrote is swapped back. `cause` may be NULL; it
 * is copied. */
SKEP_API skep_status skep_frame_run_done(skep_plan *plan, skep_status status, const char *cause);

/* Calls the step's run and takes its end, for native hosts. */
SKEP_API skep_status skep_frame_run(skep_plan *plan, const skep_step *step);

/* Ends the frame after SKEP_STEP_END: the tick goes up, old events go. Fills `report` (may be
 * NULL). SKEP_ARGUMENT before SKEP_STEP_END. */
SKEP_API skep_status skep_frame_end(skep_plan *plan, skep_frame_report *report);

/* Gives up a frame: what its finished batches did stays, the running batch leaves no trace, and the
 * tick stays. Tasks that are still running are taken for lost, their blocks parked under `worker`
 * UINT32_MAX. No frame: nothing happens. */
SKEP_API void skep_frame_abort(skep_plan *plan);

/* ---- parked blocks ----------------------------------------------------------------------- */

/* Returns a worker whose blocks are parked, or 0 when there is none with a number above `after`.
 * For the host, to ask the pool's worker_gone about each. */
SKEP_API uint32_t skep_plan_parked_worker(const skep_plan *plan, uint32_t after);

/* Says that a worker is surely gone: its parked blocks are used again. UINT32_MAX: all workers of
 * an aborted frame. */
SKEP_API void skep_plan_worker_gone(skep_plan *plan, uint32_t worker);

#ifdef __cplusplus
}
#endif

#endif
