/* SPDX-License-Identifier: MIT */
/* The pool of a wasm instance: workers are instances of the same module on the same memory, made
 * and ended by the JavaScript around it. Private to wasm/. */
#ifndef SKEP_WASM_POOL_WASM_H
#define SKEP_WASM_POOL_WASM_H

#include "core/base/base.h"
#include "core/trace/trace.h"
#include "skep/pool.h"

#include <stdatomic.h>

/* Flags of jobs that only this host knows. */
#define WASM_JOB_JS (1u << 30)     /* the function is JavaScript, called where the task runs */
#define WASM_JOB_HANDED (1u << 31) /* the host's JavaScript runs the whole task its own way */

#define WASM_SLOT_LOST UINT32_MAX
#define WASM_SLOT_BUSY (UINT32_MAX - 1u)
#define WASM_CAUSE_BYTES 8192u
#define WASM_STACK_BYTES ((size_t)256 << 10)
#define WASM_CANARY 0x5AFE57ACu
#define WASM_CANARY_COUNT 16u
#define WASM_CANARY_STEP 68u /* bytes from one to the next: a cache line and a word */

/* A worker's place, used by one worker after another; slot 0 is the caller's. JavaScript reads the
 * first six words. */
typedef struct wasm_slot {
    _Alignas(128) _Atomic uint32_t task; /* number + 1 of the task that runs; or WASM_SLOT_* */
    _Atomic uint32_t serial;             /* tasks begun so far */
    _Atomic uint32_t asleep;             /* futex: 1 while the worker waits for a batch */
    _Atomic uint32_t up;                 /* a worker serves this slot */
    char *causes;                        /* WASM_CAUSE_BYTES for what JavaScript has to say */
    uint8_t *stack;                      /* WASM_STACK_BYTES, growing down; NULL in slot 0.
                                          * Below it lie the slot's own causes and scratch. */
    skep_task_room room;
    uint64_t traced; /* by the tracer's clock: when the task that runs began or, where the next one
                        follows at once, the last one ended; 0: look again */
    uint64_t empty;  /* when the slot lost its worker; 0: it did not */
} wasm_slot;

typedef struct wasm_result {
    skep_pool_result result;
    _Atomic uint32_t put; /* 1: `result` is complete */
    uint32_t pad;
} wasm_result;

typedef struct wasm_pool {
    skep_pool base;
    skep_pool_vtable v; /* a copy, since `elsewhere` is the executor's */
    skep_allocator allocator;
    wasm_slot *slots; /* slot_count */
    uint32_t slot_count;
    uint32_t workers;     /* that the executor has; 0: all runs on the caller */
    uint32_t spin;        /* looks at the ticket before a worker sleeps */
    uint32_t caller_spin; /* the caller's at the end of a batch; 0: it has no core to itself, and
                           * leaves all tasks to workers */
    bool handed;          /* the host's JavaScript runs every task (columns are copied out) */
    bool alone;           /* no worker can be had any more: the caller does all */
    const skep_pool_batch *batch; /* NULL: none */
    const skep_pool_batch
        *current; /* the last one, for workers: it is never NULL once there was one */
    skep_pool_done done;
    void *ctx;
    uint32_t *order; /* numbers of tasks: those for workers, then those for JavaScript */
    uint32_t order_cap;
    wasm_result *results; /* a task */
    uint32_t result_cap;
    uint32_t shared_count;            /* tasks for workers; 0 once they were delivered */
    uint32_t handed_left;             /* tasks that JavaScript has not delivered */
    bool takes;                       /* the caller takes part */
    const skep_pool_task *failed[16]; /* the last ones, only to be compared */
    uint32_t failed_slot[16];
    uint32_t failed_next;
    skep_trace *trace;    /* or NULL; a ring for the caller and each slot that is used */
    uint64_t traced;      /* when the batch was given out, by the tracer's clock; 0: not traced */
    uint64_t traced_what; /* what will be said of it */
    _Alignas(128) _Atomic uint64_t ticket; /* batch 24 | count 20 | next 20 */
    _Atomic uint32_t pinned;               /* the only slot that may claim; UINT32_MAX: all */
    _Atomic uint32_t quit;
    _Alignas(128) _Atomic uint32_t finished;
    _Alignas(128) _Atomic uint32_t caller_asleep; /* futex */
} wasm_pool;

/* Makes a pool with room for so many workers; `guard` runs each task. NULL without memory. */
wasm_pool *wasm_pool_create(const skep_allocator *allocator, uint32_t workers_max,
                            skep_task_guard *guard);

/* Tasks that are still to be delivered. */
uint32_t wasm_pool_outstanding(const wasm_pool *p);

/* Lets go of the batch: nobody claims a task of it any more. What ran when it was called must have
 * been ended by skep_worker_lost before. */
void wasm_pool_abandon(wasm_pool *p);

/* Says that no worker can be had any more, or that there are some again. */
void wasm_pool_alone(wasm_pool *p, bool alone);

/* Delivers one task that JavaScript ran. */
void wasm_pool_deliver(wasm_pool *p, const skep_pool_result *result);

/* Has all threads write what they do to a tracer, or NULL; between frames. */
void wasm_pool_trace(wasm_pool *p, skep_trace *trace);

/* Where a batch is over, and its end was not yet written: writes it, and returns when it was. */
uint64_t wasm_pool_joined(wasm_pool *p);

/* The time, no earlier than the running batch was given out and no later than now: the clock of
 * another thread may be a step ahead of the caller's, or behind it. */
uint64_t wasm_pool_within(const wasm_pool *p, uint64_t time);

/* Notes that a slot has no worker, */
void wasm_pool_empty(wasm_pool *p, uint32_t slot);

/* and that it has one again since `time`; 0: since now. Nothing where it had one all along. */
void wasm_pool_filled(wasm_pool *p, uint32_t slot, uint64_t time);

/* Writes that a task was lost with a slot's worker, which had begun it then; 0: nobody knows, so it
 * is given no time. */
void wasm_pool_lost(const wasm_pool *p, const skep_pool_task *task, uint32_t slot, uint64_t began);

#endif
