/* SPDX-License-Identifier: MIT */
/* Supervision of workers as a pure state machine: who works on what since when, who is given up,
 * when the next one starts, and when it is enough. It knows no process, thread or clock: a host
 * tells it what happened and what time it is, does what it says, and is told which work was lost.
 * What becomes of lost work is the plan's to decide (fault.c). All pools whose workers can be lost
 * use it, natively and in JavaScript, and tests drive it from a seed.
 *
 * Workers sit on seats, 1 to seat_count; each new worker on a seat has the next generation. A seat:
 *
 *     EMPTY -> STARTING -> IDLE <-> BUSY
 *       ^          |         |        |      too long, bad output, lies: KILL, then
 *       |          v         v        v
 *       +------- LEAVING <---+--------+      until the worker is surely gone (exited)
 *       +-> WAITING (a pause after starts that failed) -> STARTING
 *       +-> GIVEN_UP (too many failed starts in a row)
 *
 * The machine as a whole is BROKEN when all seats are given up or more workers were replaced than
 * the budget allows: then every seat is given up, for good. A seat whose last worker still has to
 * go is given up at once, and LEAVING until it has. */
#ifndef SKEP_CORE_SUPERVISE_SUPERVISE_H
#define SKEP_CORE_SUPERVISE_SUPERVISE_H

#include "core/base/base.h"

typedef enum skep__seat_state {
    SKEP__SEAT_EMPTY,
    SKEP__SEAT_WAITING,
    SKEP__SEAT_STARTING,
    SKEP__SEAT_IDLE,
    SKEP__SEAT_BUSY,
    SKEP__SEAT_LEAVING,
    SKEP__SEAT_GIVEN_UP
} skep__seat_state;

/* Why work was lost or a worker ended. */
typedef enum skep__super_cause {
    SKEP__SUPER_NO_CAUSE,
    SKEP__SUPER_CRASHED, /* it ended by itself: signal, exit, thread gone */
    SKEP__SUPER_DEADLINE,
    SKEP__SUPER_BAD_OUTPUT,
    SKEP__SUPER_LIED,        /* reported what it was not given */
    SKEP__SUPER_NOT_STARTED, /* start_timeout_ns was over, or the start failed */
    SKEP__SUPER_NOT_LOADED,  /* start_timeout_ns was over before skep__super_loaded */
    SKEP__SUPER_ABORTED,     /* the host took it away */
    SKEP__SUPER_BUDGET       /* the machine is broken */
} skep__super_cause;

/* The largest restart_max; a larger one counts as this. */
#define SKEP__SUPER_RESTARTS_MAX 65536u

typedef struct skep__super_rules {
    uint32_t seat_count;
    uint32_t start_tries; /* failed starts in a row until a seat is given up; 5 */
    uint32_t restart_max; /* workers replaced within restart_window_ns; 1,000; 0: any number. Each
                             START but a seat's first is one */
    uint32_t pad;
    uint64_t restart_window_ns; /* 60 s; UINT64_MAX: since the beginning */
    uint64_t start_timeout_ns;  /* from START to `up`, and for work to load; 0: any time; 10 s */
    uint64_t pause_ns;          /* after the first failed start; doubled with each; 10 ms */
    uint64_t tick_max_ns; /* due() comes at least so often while something is timed, and at each
                             quarter of its time, so that little is lost when the host asleep cannot
                             be told from a slow worker; 100 ms; 0: when the time is over */
} skep__super_rules;

skep__super_rules skep__super_rules_default(uint32_t seat_count);

/* What the host is to do. */
typedef enum skep__super_do {
    SKEP__SUPER_NOTHING,
    SKEP__SUPER_START,   /* start a worker on `seat` as `generation` */
    SKEP__SUPER_KILL,    /* end the worker of `seat` and `generation`; `exited` reports its end */
    SKEP__SUPER_LOST,    /* `work` of `seat` will not come back, because of `cause` */
    SKEP__SUPER_GIVE_UP, /* no worker will sit there any more, because of `cause` */
    SKEP__SUPER_BROKEN   /* the pool fails; once, after the GIVE_UP of all seats */
} skep__super_do;

typedef struct skep__super_action {
    skep__super_do kind;
    uint32_t seat;
    uint32_t generation;
    uint32_t cause; /* skep__super_cause */
    uint64_t work;  /* LOST */
} skep__super_action;

/* What to make of a report of a worker. */
typedef enum skep__super_verdict {
    SKEP__SUPER_TAKE,      /* it is its work, and its time was not over */
    SKEP__SUPER_STALE,     /* of a worker, or work, that was written off: drop it */
    SKEP__SUPER_DUPLICATE, /* what it had done last, once more: drop it */
    SKEP__SUPER_FORGED     /* not given to it: drop it; the worker is being replaced as a liar */
} skep__super_verdict;

typedef struct skep__supervisor skep__supervisor;

/* Bytes that a machine takes, and making one in them (aligned to 16): nothing is allocated. All
 * seats are EMPTY; skep__super_begin starts them. */
size_t skep__supervisor_bytes(const skep__super_rules *rules);
skep__supervisor *skep__supervisor_init(void *memory, const skep__super_rules *rules);

/* ---- what happened. A `now_ns` that goes back counts as the last one ------------------------- */

void skep__super_begin(skep__supervisor *s, uint64_t now_ns);
/* A worker is there and idle. False: it is not the one that is expected. */
bool skep__super_up(skep__supervisor *s, uint32_t seat, uint32_t generation, uint64_t now_ns);
/* A worker could not be started, or is gone before it was up. `final`: trying again is in vain. */
void skep__super_start_failed(skep__supervisor *s, uint32_t seat, uint32_t generation, bool final,
                              uint64_t now_ns);
/* An idle worker gets work, which may take deadline_ns (0: any time). A worker never gets the same
 * number twice. `loading`: its time begins only with skep__super_loaded, for which there are
 * start_timeout_ns. False: the seat is not idle. */
bool skep__super_give(skep__supervisor *s, uint32_t seat, uint64_t work, uint64_t deadline_ns,
                      bool loading, uint64_t now_ns);
void skep__super_loaded(skep__supervisor *s, uint32_t seat, uint32_t generation, uint64_t now_ns);
/* The next piece of the same work begins: its time begins anew. */
void skep__super_progress(skep__supervisor *s, uint32_t seat, uint32_t generation, uint64_t now_ns);
/* The worker has finished something that the machine was not told of: its start was not in vain. */
void skep__super_worked(skep__supervisor *s, uint32_t seat, uint32_t generation);
/* A worker says that work is done; with TAKE the seat is idle again. */
skep__super_verdict skep__super_done(skep__supervisor *s, uint32_t seat, uint32_t generation,
                                     uint64_t work, uint64_t now_ns);
/* The host wants the worker replaced (bad output, lies, abort): LOST for what it has, and KILL. */
void skep__super_replace(skep__supervisor *s, uint32_t seat, uint32_t generation,
                         skep__super_cause cause, uint64_t now_ns);
/* The worker is surely gone, by itself or killed. One that ended by itself while it was busy, or
 * had worked, is replaced at once; else it counts as a failed start. */
void skep__super_exited(skep__supervisor *s, uint32_t seat, uint32_t generation, uint64_t now_ns);
/* Time has passed: expires deadlines and starts, ends pauses. `planned_ns` is what the host meant
 * to sleep: of longer times only a quarter more and 2 ms count against deadlines, so that neither a
 * machine that slept nor a stopped process nor a busy host uses up a job's time. UINT64_MAX: all
 * counts. A host that sets a timer anew before it has gone off calls this first, with what the old
 * one was set for: else the time until then counts as overslept. */
void skep__super_time(skep__supervisor *s, uint64_t now_ns, uint64_t planned_ns);
/* While held (a debugger is attached) no deadline expires. */
void skep__super_hold(skep__supervisor *s, bool held);
/* The pool ends: no more starts; LOST for all that is at work, KILL for all that live. */
void skep__super_close(skep__supervisor *s, uint64_t now_ns);

/* ---- what to do ----------------------------------------------------------------------------- */

/* Takes the next action, in order; false when there is none. */
bool skep__super_next(skep__supervisor *s, skep__super_action *action);
/* When skep__super_time is to be called at the latest; UINT64_MAX: no need. */
uint64_t skep__super_due(const skep__supervisor *s);

skep__seat_state skep__super_seat(const skep__supervisor *s, uint32_t seat);
uint32_t skep__super_generation(const skep__supervisor *s, uint32_t seat);
/* The work of a BUSY seat. */
uint64_t skep__super_work(const skep__supervisor *s, uint32_t seat);
/* Whether the pool has failed, and how many workers were replaced so far. */
bool skep__super_broken(const skep__supervisor *s);
uint64_t skep__super_restarts(const skep__supervisor *s);
/* Workers that were started and are not surely gone. */
uint32_t skep__super_live(const skep__supervisor *s);

#endif
