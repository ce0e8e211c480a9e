/* SPDX-License-Identifier: MIT */
/* The plan's insides, shared by the files of core/plan.
 *
 * Three lives. What a system is (description, terms, access sets, place and batch) is made when the
 * plan is built and stays until systems change. What a system remembers of the world's past (last
 * run, faults, quarantine) lies in the world's records, so that snapshots hold it. What a batch
 * needs lives in the frame's bump memory, in the region, since jobs read it; it is thrown away when
 * the next batch begins.
 *
 *     plan.c       life, adding, removing, enabling       plan_record.c what the world's records
 * mean plan_system.c one system's terms, registration      plan_mistakes.c texts of what is wrong
 *     order.c      stages, edges, total order, cycles     conflict.c access sets and batches
 *     match.c      which tables, which columns            build.c    tasks of a batch
 *     inbox.c      events for rows                        cells.c    resources and reductions
 *     commit.c     what a batch does to the world         fault.c    what becomes of failures
 *     frame.c      the state machine                      explain.c  texts of the plan */
#ifndef SKEP_CORE_PLAN_INTERNAL_H
#define SKEP_CORE_PLAN_INTERNAL_H

#include "core/base/format.h"
#include "core/trace/trace.h"
#include "core/world/world_internal.h"
#include "skep/plan.h"
#include "skep/snapshot.h"

/* A flag of jobs: what the job destroys is there for all that read it in the same batch, so that
 * the right to it orders nobody. */
#define SKEP__JOB_LATE (1u << 29)

#define SKEP__FAULT_TICKS 8u /* the most that fault_max can be */
#define SKEP__PLAN_NONE UINT32_MAX

/* ---- systems --------------------------------------------------------------------------------- */

/* One access entry, resolved. */
typedef struct skep__plan_term {
    const skep_component *info;
    uint32_t mode;   /* skep_mode */
    uint32_t number; /* in the world: type, channel, resource or prefab, by the component's kind */
    uint32_t offset; /* in the job's column struct */
    uint32_t pad;
} skep__plan_term;

/* One pointer of a job's column struct, and the table column that it points to. */
typedef struct skep__plan_col {
    uint32_t offset; /* in the column struct */
    uint16_t column;
    uint16_t bytes; /* a row */
    uint16_t access;
    bool fresh; /* `out`: no old values */
    uint8_t pad;
} skep__plan_col;

/* What a system does with one table. */
typedef struct skep__plan_match {
    uint32_t table;
    uint32_t row_base; /* rows of the system in the tables before, in this batch */
    uint32_t part_base;
    uint32_t reads; /* first in system->cols; writes follow reads, stamps follow writes */
    uint16_t read_count;
    uint16_t write_count;
    uint16_t stamp_count; /* stamp columns of watched components that the system writes */
    uint16_t pad;
} skep__plan_match;

/* Where a system stands in the running frame. */
typedef enum skep__outcome {
    SKEP__OUT_IDLE,   /* not due */
    SKEP__OUT_DUE,    /* to be run */
    SKEP__OUT_DONE,   /* to be committed, unless one of its tasks turns out to have failed */
    SKEP__OUT_FAILED, /* its output is dropped; a fallback may follow */
    SKEP__OUT_BACKED  /* its output is dropped, its fallback did the work */
} skep__outcome;

/* The first failure of a system in a batch, in block order. */
typedef struct skep__plan_failure {
    skep_status status; /* SKEP_OK: none */
    const char *cause;  /* static, the plan's or in bump memory */
    uint32_t block;
    uint32_t blocks;
    uint32_t row;
    uint32_t rows;
    uint32_t worker;
    uint32_t retry_worker;
    bool retried;
    bool kept; /* it wrote in place and cannot be dropped */
} skep__plan_failure;

typedef struct skep__system {
    /* What every frame looks at comes first, in few cache lines: with a hundred tiny systems,
     * reading this struct is a good part of what a frame costs. */
    const char *name;
    const skep_job *job;
    uint64_t key;        /* hash of the name */
    uint64_t generation; /* of the tables that matches were made for */
    skep__plan_match *matches;
    skep__plan_col *cols;
    uint8_t *base; /* column struct with all that is the same for every part; cols_size bytes */
    uint64_t deadline_ns;

    uint32_t match_count;
    uint32_t record; /* in the world */
    uint32_t every;
    uint32_t output_hint; /* bytes of patches that a task is given */
    uint8_t outcome;      /* skep__outcome, of the running frame */
    bool fallback_only;   /* in quarantine: only its fallback runs */
    bool cost_known;      /* all tasks that ended were measured */
    bool startup;         /* runs once a world */
    bool run;             /* has one, as system or as fallback */
    bool everything;      /* a run without declared access */
    bool rows;            /* the job has row terms */
    bool unsplit;
    bool patches;   /* has a right to put out patches */
    bool local;     /* may be written in place as far as the job is concerned */
    bool row_local; /* cannot fail, puts out no patches, looks at no row but its own */
    bool live_base; /* has terms whose place in the base changes from batch to batch */
    bool own_watch; /* has `changed` terms of components that it writes */
    bool hears;     /* has inbox terms */
    bool reduces;   /* has cells: reductions or res_mut */
    bool spawns;
    bool parents; /* writes the Parent column */
    bool copies;  /* was found to fail after writing in place */
    bool stamped; /* writes watched components in some table */
    uint8_t pad[5];
    uint32_t task_first, task_count;
    uint32_t job_index; /* in the pool batch */

    uint32_t row_count;
    uint32_t part_count;
    uint32_t cell_count;
    uint32_t cells_bytes;
    skep_task_cell *cells;      /* shared by its tasks, in bump memory */
    const skep_fault *replayed; /* what was recorded of it for this frame */
    uint64_t cost_sum;          /* of the tasks that ended */
    uint64_t cost_ns;           /* all tasks of the last run; 0: not measured */
    uint32_t blocks;            /* tasks of the last run */
    uint32_t copied;            /* column blocks of the last run written elsewhere */
    uint32_t in_place;
    uint32_t command_first, command_end; /* bytes of world->batch that its run queued */
    uint32_t stage;
    skep__plan_failure failure;

    /* What it is. */
    skep_system_desc desc; /* its texts and arrays lie in `memory` */
    void *memory;
    size_t memory_bytes;
    const skep_access *access; /* of the job, or of the run of a system without one */
    uint32_t access_count;
    uint32_t number;                 /* order of registration */
    skep__plan_term *fallback_terms; /* of desc.access beside a job, desc.access_count; else NULL */
    struct skep__system_access allowed; /* what its run may do in the world */
    uint64_t *allowed_words;
    uint32_t allowed_count;

    /* Made by a build. */
    uint32_t place; /* in the total order */
    uint32_t batch;
    uint32_t set_words; /* of each access set, as allocated */
    uint64_t *reads;    /* access sets, see conflict.c: one allocation */
    uint64_t *writes;
    uint64_t *rights;
    uint32_t match_cap, col_count, col_cap;
    skep__plan_term terms[SKEP_ACCESS_MAX];
    uint32_t numbers[SKEP_ACCESS_MAX]; /* slot -> world number, for apply */
    skep_patch_slot slots[SKEP_ACCESS_MAX];
} skep__system;

/* What the bytes of a system's record mean. */
typedef struct skep__system_record {
    uint64_t key;        /* of the system's name; 0: the system was never registered */
    uint64_t last_stamp; /* rows with greater stamps are changed */
    uint64_t last_seq;   /* events with greater numbers are new */
    uint64_t last_tick;  /* 1 + the tick of its last run, 0: never ran */
    uint64_t until;      /* in quarantine below this tick */
    uint64_t faults[SKEP__FAULT_TICKS]; /* 1 + ticks of its last faults, newest first; 0: none */
    uint32_t quarantines;               /* so many so far: the next is longer */
    uint8_t pad;
    uint8_t disabled;
    uint8_t started; /* of the stage startup: it ran */
    uint8_t pad2;
} skep__system_record;

/* ---- frames ---------------------------------------------------------------------------------- */

/* Memory of the frame: arena slots that are kept, used from the front. */
typedef struct skep__bump {
    uint8_t *at;
    uint8_t *end;
    uint32_t *slots;
    uint32_t slot_count, slot_cap;
    uint32_t used; /* slots in use, the last of which `at` lies in */
    uint32_t pad;
} skep__bump;

/* A column block that is written to memory of its own until the batch commits. */
typedef struct skep__fresh {
    uint8_t *data;
    uint32_t table;
    uint32_t block;
    uint32_t column;
    uint32_t slot; /* arena name; 0: bump memory, to be copied into a small table */
    uint32_t bytes;
    uint32_t task; /* number in frame->tasks */
} skep__fresh;

typedef enum skep__task_state {
    SKEP__TASK_OUT,   /* to be handed out, or running */
    SKEP__TASK_DONE,  /* verified */
    SKEP__TASK_FULL,  /* its output area was too small: once more with a larger one */
    SKEP__TASK_LOST,  /* to be tried once more */
    SKEP__TASK_FAILED /* for good */
} skep__task_state;

/* One task as the plan sees it; the descriptor that pools see is in bump memory. */
typedef struct skep__task {
    skep_pool_task *task;
    const char *cause; /* of the last failure, in bump memory or static */
    skep__system *system;
    uint32_t bytes;       /* output used */
    uint32_t wanted;      /* with FULL, or when log lines did not fit */
    uint32_t fresh_first; /* in frame->fresh */
    uint32_t row_base;    /* rows of the system before the task that have no entry here */
    uint32_t fresh_count;
    uint32_t spawned;
    uint32_t worker;       /* of the first failure */
    uint32_t retry_worker; /* of the second try */
    uint32_t hung_worker;  /* that may still write to its blocks, where `parked` */
    uint8_t status;        /* skep_status of the first failure */
    uint8_t state;         /* skep__task_state */
    bool in_place;         /* some column is written in place: it cannot be run again */
    bool retried;
    bool parked;  /* something still writes to its blocks */
    bool waiting; /* handed out, not ended */
} skep__task;

/* A slot kept back until a worker is surely gone. */
typedef struct skep__parked {
    uint32_t slot;
    uint32_t worker;
} skep__parked;

typedef enum skep__phase {
    SKEP__PHASE_IDLE,
    SKEP__PHASE_BATCH,  /* begin the next batch */
    SKEP__PHASE_ISSUE,  /* hand out frame->issue */
    SKEP__PHASE_RUNS,   /* main-thread systems, then wait */
    SKEP__PHASE_SETTLE, /* all tasks are in */
    SKEP__PHASE_BACKUP, /* fallbacks */
    SKEP__PHASE_COMMIT,
    SKEP__PHASE_END
} skep__phase;

typedef struct skep__frame {
    skep__phase phase;
    uint32_t batch;        /* the running one */
    uint32_t system;       /* place in the schedule of the next run or fallback */
    uint32_t outstanding;  /* tasks handed out and not ended */
    skep__system *running; /* whose run executes */
    skep_snapshot *before; /* of that run, when it may fail */
    bool fallback;         /* that run is a fallback */
    float dt;
    uint64_t tick;
    uint64_t stamp;     /* when the batch began: what its systems see is not younger */
    uint64_t event_seq; /* the same of events */
    uint64_t first_ns;  /* of the frame */
    skep__bump bump;
    skep_task_frame *shared;
    skep__task *tasks;
    uint32_t task_count, task_cap;
    skep__fresh *fresh;
    uint32_t fresh_count, fresh_cap;
    uint32_t *issue; /* index in the pool batch -> number in tasks */
    uint32_t issue_count, issue_cap;
    uint32_t issue_flags; /* SKEP_BATCH_RETRY for second tries */
    skep_pool_batch pool;
    const skep_job **jobs; /* of the batch, in bump memory */
    uint32_t job_count;
    bool in_place_allowed;
    bool preparing;   /* some system of the batch has stamps or cells to be written */
    bool special;     /* some system of the frame has only its fallback, or a recorded fault */
    bool judging;     /* something in the batch did not simply succeed, or logs */
    bool cost_known;  /* all tasks of the batch were measured last time */
    uint64_t cost_ns; /* what they took together */
    uint64_t deadline_ns;
    const void *zeros; /* zeroed bump memory that parts without events share */
    size_t zeros_bytes;
    /* By the tracer's clock, 0 while it is off: when the frame and the running run began, and when
     * the last system that ran at once ended, if that was just now. */
    uint64_t traced_frame;
    uint64_t traced_run;
    uint64_t traced_here;
} skep__frame;

/* A growing text; pieces end in zeros. */
typedef struct skep__text {
    char *bytes;
    uint32_t used, cap;
    bool lost; /* there was no memory for all of it */
} skep__text;

/* What the systems of a batch have in common, so that a frame skips the steps that none of them
 * needs. */
typedef struct skep__plan_batch {
    uint32_t due;  /* systems that run in this frame */
    uint32_t jobs; /* systems with a job */
    uint64_t deadline_ns;
    bool runs; /* some system runs on the main thread */
    bool spawns;
    bool patches;
    bool reduces;
    uint8_t pad[4];
} skep__plan_batch;

/* What a plan expects of a world's resource or channel at a number; restoring may take some away.
 */
typedef struct skep__plan_use {
    uint64_t identity;
    uint32_t number;
    uint32_t kind;
} skep__plan_use;

/* Somebody who is told what frames do; lives as long as it is in the list. */
typedef struct skep__plan_watcher {
    struct skep__plan_watcher *next;
    void (*batch)(void *ctx, uint32_t batch); /* this one, from 0, has reached the world */
    void *ctx;
} skep__plan_watcher;

struct skep_plan {
    skep_world *world;
    skep_allocator allocator;
    skep_log log;
    size_t patch_bytes_max;
    size_t parked_bytes_max;
    uint32_t fault_max;
    uint32_t fault_frames;
    uint32_t release_frames;
    uint32_t stage_count;
    char (*stages)[SKEP_SYSTEM_NAME_BYTES];
    skep_plan_host host;

    skep__system **systems; /* by registration */
    uint32_t system_count, system_cap;
    skep__system **order;    /* the total order; system_count */
    skep__system **schedule; /* by batch, then place */
    uint32_t *batches;       /* first of each batch in the schedule; batch_count + 1 */
    uint32_t *edges;         /* pairs of numbers in systems: from before to */
    skep__plan_batch *batch_info;
    const skep_job **jobs; /* of each batch's jobs, where its systems begin in the schedule */
    skep__plan_use *uses;
    uint64_t *marks; /* scratch of the build: a word a system */
    uint32_t batch_count;
    uint32_t batch_info_cap, jobs_cap;
    uint32_t order_cap, schedule_cap, batch_cap;
    uint32_t edge_count, edge_cap;
    uint32_t use_count, use_cap;
    uint32_t mark_cap;
    uint32_t registered; /* so many systems were ever added */
    uint32_t set_words;  /* of an access set, made for */
    uint32_t set_types;  /* so many component types, */
    uint32_t set_channels;
    uint32_t set_resources;
    uint32_t mistake_count;
    skep__text mistakes;
    bool built;

    skep__frame frame;
    skep_fault *faults; /* of the running or last frame */
    skep_fault *replay; /* recorded ones still to come */
    uint32_t *hung;     /* workers that may still read and write what this batch gave them */
    skep__parked *parked;
    size_t parked_bytes;
    uint32_t *match_of;  /* table -> match of the system at hand + 1, all zero between uses */
    uint64_t *sort;      /* keys of inboxes, twice */
    void *buffers;       /* of apply */
    skep_entity *unused; /* handles to be given back */
    uint8_t *fold;       /* a reduction's value */
    uint32_t fault_count, fault_cap;
    uint32_t replay_count, replay_cap, replay_at;
    uint32_t hung_count, hung_cap;
    uint32_t parked_count, parked_cap;
    uint32_t match_of_cap, sort_cap, buffer_cap;
    uint32_t unused_count, unused_cap;
    uint32_t fold_cap;
    skep__trace_ring *ring; /* the calling thread's, or NULL */
    skep__plan_watcher *watchers;
    skep_frame_report report;
};

/* Puts a watcher into the list, or takes it out of it. */
void skep__plan_watch(skep_plan *p, skep__plan_watcher *watcher);
void skep__plan_unwatch(skep_plan *p, skep__plan_watcher *watcher);

/* ---- plan_text.c ----------------------------------------------------------------------------- */

SKEP_NOINLINE bool skep__plan_grow_slow(skep_plan *p, void *array, uint32_t *cap, uint32_t need,
                                        size_t element_bytes);

/* Appends formatted text and a zero; a text that does not fit in memory marks `lost`. */
void skep__text_add(skep_plan *p, skep__text *t, const char *format, ...) SKEP__PRINTF(3, 4);

/* Hands formatted text to a writer; at most 1,023 bytes a call. */
void skep__text_write(skep_plan_writer writer, void *ctx, const char *format, ...)
    SKEP__PRINTF(3, 4);

bool skep__text_equal(const char *a, const char *b);

/* Returns which of `count` names, fetched by `at`, is nearest to `name` and near enough to be
 * meant, or NULL. */
const char *skep__text_nearest(const char *name, const char *(*at)(const void *ctx, uint32_t i),
                               const void *ctx, uint32_t count);

/* ---- plan_mistakes.c ------------------------------------------------------------------------- */

/* Adds one mistake's line. */
void skep__plan_mistake(skep_plan *p, const char *format, ...) SKEP__PRINTF(2, 3);

/* Finds the mistakes that lie in one system alone. */
void skep__mistakes_of_system(skep_plan *p, const skep__system *s);

const char *skep__mode_name(uint32_t mode);
const char *skep__kind_name(uint32_t kind);

/* ---- plan_system.c --------------------------------------------------------------------------- */

skep_status skep__system_make(skep_plan *p, const skep_system_desc *desc, skep__system **made);
void skep__system_free(skep_plan *p, skep__system *s);

/* Frees what a build made of access sets. */
void skep__sets_free(skep_plan *p, skep__system *s);

/* Whether the world's resources and channels still are where the plan found them. */
bool skep__uses_check(const skep_plan *p);

/* Makes the sets that the world checks a run's writes against. */
skep_status skep__system_allow(skep_plan *p, skep__system *s);

/* Registers what the system uses, and derives all that its description alone decides. */
skep_status skep__system_resolve(skep_plan *p, skep__system *s);

skep__system *skep__system_find(const skep_plan *p, const char *name);

/* The prefab number of a description, or SKEP__PLAN_NONE. */
uint32_t skep__prefab_find(const skep_world *w, const skep_component *info);

/* Whether things of a kind can be used in a mode. */
bool skep__mode_fits(uint32_t mode, uint32_t kind);

/* Whether a description is the built-in Entity. */
bool skep__is_entity(const skep_component *info);

/* ---- order.c, conflict.c --------------------------------------------------------------------- */

/* Looks at all systems: stages, explicit edges, access; resolves them. Mistakes are noted. */
skep_status skep__plan_look(skep_plan *p);

/* Makes the total order. Cycles are noted as mistakes. */
skep_status skep__plan_order(skep_plan *p);

/* Makes the access sets, then the batches. */
skep_status skep__plan_batches(skep_plan *p);

/* Whether b must follow a because of what they use. */
bool skep__systems_conflict(const skep_plan *p, const skep__system *a, const skep__system *b);

/* Whether the plan has the explicit edge a before b. */
bool skep__plan_edge(const skep_plan *p, const skep__system *a, const skep__system *b);

/* A bit of an access set: 0 is "which entities there are", then types, channels and resources. */
uint32_t skep__set_type(uint32_t type);
uint32_t skep__set_channel(const skep_plan *p, uint32_t channel);
uint32_t skep__set_resource(const skep_plan *p, uint32_t resource);

/* ---- explain.c ------------------------------------------------------------------------------- */

/* Gives the tracer, if there is one, the names of all systems, their batches, and why each waits
 * for those of the batch before its own. */
void skep__plan_trace(const skep_plan *p);

/* ---- plan_record.c --------------------------------------------------------------------------- */

/* Finds or makes the records of all systems. */
skep_status skep__records_make(skep_plan *p);

/* Finds a system's record again, after the world was restored or loaded. */
skep_status skep__record_refind(skep_plan *p, skep__system *s);

/* A system's record, or NULL when the world has none at its place. */
SKEP_INLINE const skep__system_record *skep__system_record_read(const skep_plan *p,
                                                                const skep__system *s)
{
    const skep_world *w = p->world;
    if (SKEP_UNLIKELY(s->record >= w->record_count)) return NULL;
    const skep__record *all = (const void *)skep__slot_data(&w->store.arena, w->records.slot);
    return (const skep__system_record *)(const void *)all[s->record].bytes;
}

skep__system_record *skep__system_record_write(skep_plan *p, const skep__system *s);

/* ---- match.c --------------------------------------------------------------------------------- */

/* Brings a system's list of tables up to date. */
skep_status skep__system_match(skep_plan *p, skep__system *s);

/* Whether some table that the system matches has rows. */
bool skep__system_matches_rows(skep_plan *p, skep__system *s);

/* ---- bump.c ---------------------------------------------------------------------------------- */

SKEP_NOINLINE void *skep__bump_slow(skep_plan *p, size_t bytes);

/* Takes memory, 64-byte aligned where `bytes` is 64 or more, else 16. NULL without memory. */
SKEP_INLINE void *skep__bump_take(skep_plan *p, size_t bytes)
{
    skep__bump *b = &p->frame.bump;
    const size_t align = bytes >= 64 ? 64 : 16;
    const size_t pad = (size_t)(0 - (uintptr_t)b->at) & (align - 1);
    if (SKEP_UNLIKELY((size_t)(b->end - b->at) < pad + bytes)) return skep__bump_slow(p, bytes);
    void *taken = b->at + pad;
    b->at += pad + bytes;
    return taken;
}

void skep__bump_reset(skep__bump *b);
void skep__bump_free(skep_plan *p);

/* Keeps a slot back until the worker is gone; without memory for that it is lost for good. */
void skep__park(skep_plan *p, uint32_t slot, uint32_t worker);

/* Parks all bump memory for each of the workers that hung; the next batch begins with none. */
void skep__bump_park(skep_plan *p);

/* ---- build.c, inbox.c, cells.c --------------------------------------------------------------- */

/* Makes the tasks of a system; a failure is the system's fault, not the frame's. */
skep_status skep__system_prepare(skep_plan *p, skep__system *s);

/* Spans, see span.c: whether a system may have them; how many blocks from the first on are full and
 * may now be written in place; how many of so many blocks make a task, below 2 for none; and one
 * span, NULL without memory. */
bool skep__span_allowed(const skep_plan *p, const skep__system *s);
uint32_t skep__span_own(skep_plan *p, const skep__system *s, const skep__plan_match *m);
uint32_t skep__span_blocks(const skep_plan *p, uint32_t blocks);
const skep_task_span *skep__span_make(skep_plan *p, const skep__system *s,
                                      const skep__plan_match *m, uint32_t first, uint32_t blocks);

/* Whether the system is run at once on the caller, and doing so: see here.c. */
bool skep__system_runs_here(const skep_plan *p, const skep__system *s);
skep_status skep__system_run_here(skep_plan *p, skep__system *s);

/* Takes the end of a task into its entry: state, output, what went wrong. */
void skep__task_ended(skep_plan *p, skep__task *t, const skep_pool_result *result);

skep_status skep__system_build(skep_plan *p, skep__system *s);

/* Makes a task that was handed out once ready for another time: a larger output area, and blocks of
 * its own where the old ones are parked. */
skep_status skep__task_rebuild(skep_plan *p, skep__task *t);

/* Returns at least `bytes` of zeros that jobs may read, shared by all who ask; NULL without memory.
 */
const void *skep__zeros(skep_plan *p, size_t bytes);

/* Fills the new events of an `events` term into the system's base. */
skep_status skep__system_events(skep_plan *p, skep__system *s, const skep__plan_term *t);

/* Fills the events of all `inbox` terms into the column structs of the system's parts. */
skep_status skep__system_inbox(skep_plan *p, skep__system *s, const skep_task_part *parts,
                               uint32_t part_count);

/* Makes the system's cells. */
skep_status skep__system_cells(skep_plan *p, skep__system *s);

/* Whether a field's type can be summed and compared. */
bool skep__reducible(const skep_component *info, const char **field);

/* Writes what the tasks reduced, and res_mut, to the world's resources. */
skep_status skep__system_reduce(skep_plan *p, skep__system *s);

/* ---- commit.c -------------------------------------------------------------------------------- */

/* Does to the world what the batch's systems put out. */
skep_status skep__batch_commit(skep_plan *p);

/* Undoes the batch: nothing of it reaches the world. */
void skep__batch_drop(skep_plan *p);

/* Gives back the handles of spawns among a range of commands that is thrown away. */
void skep__commands_return(skep_plan *p, const skep__commands *c, uint32_t first, uint32_t end);

/* Takes the output of a task that says it succeeded: copies it home, verifies it. */
skep_status skep__task_take(skep_plan *p, skep__task *t, const skep_pool_result *result);

/* Sends the log lines of a task's output to the log. */
void skep__task_log(skep_plan *p, const skep__task *t);

/* ---- fault.c --------------------------------------------------------------------------------- */

/* Notes that a task's output area was too small. */
void skep__task_wants(const skep_plan *p, skep__task *t, const skep_pool_result *result);

/* Notes how a task ended badly, and decides whether it is tried again. */
void skep__task_fail(skep_plan *p, skep__task *t, skep_status status,
                     const skep_pool_result *result);

/* Judges all systems of the batch after their tasks are in: failures, healed faults. */
void skep__batch_judge(skep_plan *p);

/* Enters what went wrong with a system, and what was healed, into records and report. */
skep_status skep__system_faults(skep_plan *p, skep__system *s);

/* Finds what was recorded of a system for the running frame. */
const skep_fault *skep__replay_find(const skep_plan *p, const skep__system *s);

/* Whether a fault of the system was recorded for the running frame that a second try healed. */
bool skep__replay_healed(const skep_plan *p, const skep__system *s);

/* Copies a text into bump memory; a static one where there is none left. */
const char *skep__cause_keep(skep_plan *p, const char *cause);

/* ---- inline ---------------------------------------------------------------------------------- */

/* Makes room for `need` elements in a host-private array; `array` is the address of its pointer. */
SKEP_INLINE bool skep__plan_grow(skep_plan *p, void *array, uint32_t *cap, uint32_t need,
                                 size_t element_bytes)
{
    if (SKEP_LIKELY(need <= *cap)) return true;
    return skep__plan_grow_slow(p, array, cap, need, element_bytes);
}

/* Frees such an array. */
void skep__plan_array_free(skep_plan *p, void *array, uint32_t *cap, size_t element_bytes);

#endif
