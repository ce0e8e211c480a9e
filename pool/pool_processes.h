/* SPDX-License-Identifier: MIT */
/* The pool of processes from inside: the memory that it shares with its children, and what it keeps
 * for itself. Private to pool/.
 *
 *     pool_processes.c        the vtable: batches are begun, waited for, ended
 *     pool_processes_run.c    runs: which child gets which tasks, and what came out of them
 *     pool_processes_seats.c  children: who sits where, who is lost, who comes next
 *     pool_processes_jobs.c   where jobs are in children
 *     pool_processes_child.c  what a child does
 *
 * A child works off a run: tasks first to end - 1 of the batch, one after another. Of what is
 * shared every word has one writer:
 *
 *     order   the host: which run, and below which number tasks may be begun (`span`). It is raised
 *             as results are taken and room for output gets free, and lowered to give tasks to
 *             another child
 *     own     the child: what it has begun (`claim`), which task it is in (`at`), how many are done
 *             (`done`), and a record for each
 *     output  the child: what tasks put out, one behind the other, in a window that goes round and
 *             lies at the end of this memory, where a guard is
 *
 * While output of one system lies there that was not taken yet, no other system's task begins: a
 * job that writes where it may not reaches what its own system put out, at most.
 *
 * So a child can forge nothing but its own progress, and that is all that the host reads of it: the
 * number of the run, which only grows, in the upper half of each word, and in the lower half a
 * number of tasks that must lie between what was taken and what was given. */
#ifndef SKEP_POOL_POOL_PROCESSES_H
#define SKEP_POOL_POOL_PROCESSES_H

#include "core/supervise/supervise.h"
#include "pool/pool_common.h"
#include "port/port_process.h"

/* Results that a child may be ahead of the host. */
#define SKEP__PROCS_RECORDS 256u

/* Of a cause with its ending zero: as much as a fault keeps. */
#define SKEP__PROCS_CAUSE_BYTES 192u

/* Jobs that a child knows, counted once a list of a batch that has them. */
#define SKEP__PROCS_JOBS 4096u

/* Children beside those that sit on seats: one that is ready when another is lost, and the place of
 * one that is on its way out. */
#define SKEP__PROCS_SPARES 2u

/* No child. */
#define SKEP__PROCS_NONE UINT32_MAX

/* The output memory that is used, round and round, where tasks are small: more would only drive
 * other things out of the cache. */
#define SKEP__PROCS_WINDOW ((uint64_t)1 << 20)

/* A batch must cost so much for each sleeping child that it wakes: what both sides spend in the
 * system for it, and what the woken one waits for the processor. */
#define SKEP__PROCS_WAKE_NS 15000u

/* Flags of a run, above SKEP_BATCH_*. */
#define SKEP__PROCS_TIMED ((uint32_t)1 << 16)   /* each task's times are wanted */
#define SKEP__PROCS_CROWDED ((uint32_t)1 << 17) /* there are more who work than processors */

/* ---- shared memory -------------------------------------------------------------------------- */

SKEP_INLINE uint64_t skep__procs_word(uint32_t run, uint32_t task)
{
    return (uint64_t)run << 32 | task;
}

/* What the host says. The first line is what an idle child watches, and nothing else is in it: a
 * line that is watched goes to and fro with each word that is written. */
typedef struct skep__procs_order {
    _Alignas(64) _Atomic uint64_t span; /* run, and where it ends for now */
    _Atomic uint32_t kick;              /* futex: counts what a sleeping child should see */
    _Atomic uint32_t pad;
    /* Of the run, and constant while it lasts. Written where it differs from the last one. */
    _Alignas(64) _Atomic uint64_t tasks; /* const skep_pool_task *const *, in the region */
    _Atomic uint64_t window;             /* bytes of the output memory that are in use */
    _Atomic uint32_t first;
    _Atomic uint32_t flags;              /* SKEP_BATCH_*, SKEP__PROCS_* */
    _Atomic uint32_t jobs;               /* of the batch: where they begin in `job` */
    _Atomic uint32_t chunk;              /* the least number of tasks to be taken at a time */
    _Alignas(64) _Atomic uint64_t alarm; /* run and done from which on the bell is to be rung; 0:
                                            the host is awake */
    _Atomic uint32_t cpu;                /* where the host was when it woke this child or slept */
    _Atomic uint32_t rung;               /* what the bell counts when the host is to be woken; 0:
                                            by anybody */
    _Atomic uint32_t spin;               /* pauses before sleep */
    _Atomic uint64_t clock;              /* skep_trace_clock, as an address in children */
    _Atomic uint64_t scratch_offset;     /* in own memory */
    _Atomic uint64_t scratch_bytes;
    _Atomic uint64_t output_bytes;
    _Alignas(64) _Atomic uint64_t job[SKEP__PROCS_JOBS]; /* const skep_job *, likewise */
} skep__procs_order;

/* How a task ended. */
typedef struct skep__procs_record {
    _Atomic uint64_t begin; /* by the clock, where times are wanted */
    _Atomic uint64_t end;
    _Atomic uint32_t bytes;  /* of output used */
    _Atomic uint32_t wanted; /* bytes_wanted, at most UINT32_MAX */
    _Atomic uint32_t status; /* skep_status; above OK there is a cause */
    _Atomic uint32_t pad;
} skep__procs_record;

/* So many tasks of a run have their times in the line that the host watches: small runs need no
 * other. */
#define SKEP__PROCS_TIMES 4u

/* What the child says. The host watches the first line while it waits; the second it reads now and
 * then. */
typedef struct skep__procs_own {
    _Alignas(64) _Atomic uint64_t done; /* run, and tasks below that have ended */
    _Atomic uint64_t odd;    /* run, and tasks below that ended well and put out no patches */
    _Atomic uint32_t asleep; /* it waits for a kick */
    _Atomic uint32_t up;     /* it has begun to live */
    _Atomic uint64_t begin;  /* of the run's first task, by the clock, where times are wanted */
    _Atomic uint64_t end[SKEP__PROCS_TIMES]; /* of the first ones; each begins where one ended */
    _Alignas(64) _Atomic uint64_t claim;     /* run, and tasks below that are begun or done */
    _Atomic uint64_t at;                     /* run, and the task that it is in */
    _Atomic uint64_t at_begin;               /* since when, where times are wanted */
    _Atomic uint64_t output;                 /* where it sees its output memory */
    skep__port_child_trap trap;
    _Alignas(64)
        skep__procs_record record[SKEP__PROCS_RECORDS]; /* of task t at t mod their number */
    char cause[SKEP__PROCS_RECORDS][SKEP__PROCS_CAUSE_BYTES];
} skep__procs_own;

/* The offset of a task's output, after one that ended at `at`: it never goes over the window's end.
 * Both sides count so, each for itself. */
SKEP_INLINE uint64_t skep__procs_place(uint64_t at, uint64_t bytes, uint64_t window)
{
    return (at & (window - 1)) + bytes > window ? (at + window) & ~(window - 1) : at;
}

/* Where that is, from the beginning of the output memory. */
SKEP_INLINE uint64_t skep__procs_offset(uint64_t at, uint64_t window, uint64_t output_bytes)
{
    return output_bytes - window + (at & (window - 1));
}

/* What a child does with its life. */
void skep__procs_child_main(const skep__port_child_view *view);

/* ---- what the host keeps -------------------------------------------------------------------- */

/* A task of the batch, by its index. Who ran it is remembered until the next batch, which may try
 * it once more. */
typedef struct skep__procs_task {
    const skep_pool_task *task; /* only to be compared */
    uint64_t at;                /* of its output, not wrapped; while it is given */
    uint32_t bytes;             /* of its output, a multiple of 64 */
    uint32_t generation;        /* of the worker that ended it */
    uint16_t seat;
    bool failed;
} skep__procs_task;

/* Tasks first to end - 1. */
typedef struct skep__procs_range {
    uint32_t first;
    uint32_t end;
} skep__procs_range;

typedef enum skep__procs_slot_state {
    SKEP__PROCS_FREE,    /* nobody */
    SKEP__PROCS_FORKING, /* asked for; not ready yet */
    SKEP__PROCS_READY,   /* waits for a seat */
    SKEP__PROCS_SEATED,
    SKEP__PROCS_ENDING /* ended without a seat */
} skep__procs_slot_state;

/* A child's memory, and who lives in it. */
typedef struct skep__procs_slot {
    skep__procs_order *order;
    skep__procs_own *own;
    const uint8_t *output;
    skep__procs_slot_state state;
    uint32_t seat;
    uint32_t modules; /* what the spawner had opened when it was forked */
} skep__procs_slot;

/* A worker: a place on which children sit one after another. */
typedef struct skep__procs_seat {
    uint32_t slot; /* or NONE */
    uint32_t generation;
    uint32_t run; /* its number; 0: none */
    uint32_t first;
    uint32_t end;       /* of what it has to do */
    uint32_t published; /* of what it knows of */
    uint32_t taken;     /* results below were delivered */
    bool given;         /* the supervisor knows of the run */
    bool worked;        /* the supervisor knows that this child works */
    bool waits;         /* for a child */
    bool killed;        /* its child is being ended */
    uint8_t kill_cause; /* skep__super_cause */
    uint64_t window;
    uint64_t at_seen;  /* `at`, when the supervisor was last told of progress */
    uint64_t empty_at; /* since when a lost child's place is empty, by the tracer's clock */
    uint64_t traced;   /* end of the last block, by the tracer's clock */
    const char *lie;   /* what was impossible, or NULL */
} skep__procs_seat;

/* A list of jobs as some batch has it, and where children find it. */
typedef struct skep__procs_list {
    const skep_job **jobs; /* in `known` of the pool */
    uint32_t count;
    uint32_t at; /* in `job` of an order */
} skep__procs_list;

#define SKEP__PROCS_LISTS 512u

typedef struct skep__procs_pool {
    skep_pool base;
    skep_allocator allocator;
    skep_log log;
    skep_processes *processes;
    skep_region region;
    skep__port_spawner *spawner;
    _Atomic uint32_t *bell;
    uint32_t bell_seen;
    skep__supervisor *super;
    size_t super_bytes;
    skep__procs_seat *seats; /* worker_count + 1; 0 is nobody */
    skep__procs_slot *slots; /* slot_count */
    uint32_t *busy;          /* seats with a run, busy_count of them, in no order */
    uint32_t *chosen;        /* seats that this batch begins with */
    uint32_t worker_count;
    uint32_t slot_count;
    uint32_t busy_count;
    uint32_t cores;
    uint32_t spin;
    uint32_t run; /* the last one's number */
    uint32_t modules;
    uint32_t restart_max;
    size_t output_bytes;
    size_t scratch_bytes;
    size_t scratch_offset; /* in a child's own memory */
    uint64_t now_ns;       /* when the clock was last looked at */
    uint64_t planned_ns;   /* what the next look will have slept */
    uint64_t fork_ns;      /* no spare before */
    uint64_t lives_ns;     /* when the spawner was last seen to live */
    bool forks_due;        /* children may be missing */
    bool broken;
    /* Jobs. */
    skep__procs_list *lists; /* SKEP__PROCS_LISTS */
    const skep_job **known;  /* SKEP__PROCS_JOBS */
    uint64_t *addresses;     /* of those, in children */
    uint32_t list_count;
    uint32_t known_count;
    uint32_t list_last;
    /* The batch. */
    const skep_pool_batch *batch; /* NULL: none */
    skep_pool_done done;
    void *ctx;
    skep__procs_task *tasks;
    skep__procs_range *pending; /* tasks that nobody has */
    uint32_t task_cap;
    uint32_t pending_cap;
    uint32_t pending_count;
    uint32_t task_count; /* of the last batch, too */
    uint32_t left;       /* to be delivered */
    uint32_t jobs_at;
    uint32_t flags;
    uint32_t chunk;
    uint32_t large;    /* tasks that put out too much for a child, and were not reported yet */
    uint32_t unblamed; /* children that were lost in this batch, though in no task */
    uint32_t wait_spin;
    uint64_t early_ns; /* until then nobody needs to be woken before all are done; 0: at any time */
    uint32_t sample;
    bool measure;
    char *causes; /* text of this batch's causes */
    uint32_t cause_used;
    /* Traces. */
    skep_trace *trace;
    skep_trace_clock clock;
    skep__trace_ring *ring; /* the caller's, or NULL */
    uint64_t traced;        /* when the batch was launched, by the tracer's clock */
    uint64_t clock_address; /* in children */
    uint64_t began_ticks;   /* by both clocks, when the pool was made: what a tick is worth */
    uint64_t began_ns;
    double ns_per_tick;
    uint32_t clock_run;                /* the run at which that is worked out again */
    char why[SKEP__PROCS_CAUSE_BYTES]; /* the last child that could not start could not */
} skep__procs_pool;

/* ---- runs: pool_processes_run.c ------------------------------------------------------------- */

/* Gives tasks to a seat that has a child and no run. */
void skep__procs_assign(skep__procs_pool *p, uint32_t seat, skep__procs_range range);

/* Takes what children have done, and delivers it. Returns whether there was something. */
bool skep__procs_collect(skep__procs_pool *p);

/* The same for one seat. */
bool skep__procs_collect_seat(skep__procs_pool *p, uint32_t seat);

/* Gives tasks that nobody has, or that others have not begun, to seats without a run. Returns
 * whether somebody got some. */
bool skep__procs_balance(skep__procs_pool *p);

/* Puts what a seat has not delivered back among what nobody has, but for the task that it was in,
 * which is reported lost with `cause`. Its child is surely gone. */
void skep__procs_settle(skep__procs_pool *p, uint32_t seat, const char *cause);

/* Reports all tasks that nobody has as lost. */
void skep__procs_fail_pending(skep__procs_pool *p, const char *cause);

/* Whether a seat could take a run. */
bool skep__procs_idle(const skep__procs_pool *p, uint32_t seat);

/* Bytes of cause texts, a batch. */
#define SKEP__PROCS_CAUSES_BYTES 16384u

/* Keeps a text for as long as the batch's results may be looked at. */
const char *skep__procs_cause_keep(skep__procs_pool *p, const char *text);

/* ---- children: pool_processes_seats.c ------------------------------------------------------- */

/* Opens a spawner and finds its memory. */
skep_status skep__procs_open(skep__procs_pool *p);

/* Looks at what has become of children, if the bell was rung since the last time, and does what the
 * supervisor says. */
void skep__procs_look(skep__procs_pool *p);

/* The same, rung or not, and tells the supervisor the time. */
void skep__procs_tick(skep__procs_pool *p, uint64_t now_ns);

/* Asks for as many children as seats wait for, and a spare one; after what is more urgent. */
void skep__procs_fork(skep__procs_pool *p);

/* Sleeps until somebody rings, until `until`, or until the supervisor wants the time. */
void skep__procs_sleep(skep__procs_pool *p, uint64_t until);

/* Has a child replaced: it lied, or failed what is tried once more. */
void skep__procs_replace(skep__procs_pool *p, uint32_t seat, skep__super_cause cause);

/* Where the spawner is gone, or answers no more, starts another one; false where it is there, or
 * cannot be had again (then the pool is broken). */
bool skep__procs_revive(skep__procs_pool *p);

/* Has children that do not know the newest module replaced. */
void skep__procs_renew(skep__procs_pool *p);

/* Ends all. */
void skep__procs_close(skep__procs_pool *p);

/* ---- jobs: pool_processes_jobs.c ------------------------------------------------------------ */

/* Finds where children have the batch's jobs, in p->jobs_at. */
skep_status skep__procs_jobs(skep__procs_pool *p, const skep_pool_batch *batch);

/* Writes what is constant, and all jobs that are known, into a child's order. */
void skep__procs_order_fill(const skep__procs_pool *p, skep__procs_slot *slot);

#endif
