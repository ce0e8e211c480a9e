/* SPDX-License-Identifier: MIT */
/* Batches on one shared memory.
 *
 * A batch is published as one word, the ticket:  batch 24 | count 20 | next 20.  Whoever raises
 * `next` by compare-and-swap has claimed a task, and since the batch cannot end without that task,
 * all that it reads of the batch afterwards is current. The number of the batch in the same word
 * keeps a late look at an old ticket from claiming anything.
 *
 * A slot says what its worker does: 0 nothing, BUSY while it claims a task or delivers a result,
 * and while it runs a task that task's number + 1. All changes are compare-and-swaps, but for the
 * host's own: when it loses a worker it swaps in LOST, and whichever came first decides whose
 * result counts. A worker that finds its slot LOST was given up, and touches nothing any more. One
 * that was ended while BUSY may leave a task that nobody works on: when the ticket is used up and
 * no slot is in use, what has no result is lost as well (skep_pool_orphans).
 *
 * Sleeping: a worker looks at the ticket `spin` times, says so (`asleep`), looks once more, and
 * returns to JavaScript, which waits for the word and lets messages in meanwhile. The caller does
 * the same with caller_asleep. Nothing here waits.
 *
 * A task under a deadline runs on workers only, since nobody could end the caller, and so does any
 * where the caller has no core to itself (caller_spin is 0). A second try is
 * pinned to a slot that did not fail the task.
 *
 * A worker's stack ends in canaries, which are looked at behind each task; below them lie the same
 * slot's causes and scratch memory, whose loss harms nobody else. A scene that js/bin/skep_wasm.mjs
 * linked traps before it gets there; canaries are for files that were linked by other means.
 *
 * Tracing: a worker writes each task to its slot's ring before it says that the task has ended, so
 * between frames no thread writes to any ring, and the caller may read them, or put into a slot's
 * ring what that worker did by message. The rings are the host's memory: whatever becomes of a
 * worker, what it wrote is there. */
#include "wasm/pool_wasm.h"

#include "pool/pool_common.h"

#define TICKET_BITS 20u
#define TICKET_MASK ((1u << TICKET_BITS) - 1u)

/* ---- claims --------------------------------------------------------------------------------- */

/* Claims one task for a slot; its place in `order`, or UINT32_MAX. */
static uint32_t pool_claim(wasm_pool *p, uint32_t slot)
{
    uint64_t seen = atomic_load(&p->ticket);
    for (;;) {
        const uint32_t next = (uint32_t)seen & TICKET_MASK;
        const uint32_t count = (uint32_t)(seen >> TICKET_BITS) & TICKET_MASK;
        /* `workers` is of the same batch as the ticket: a frame on the caller alone has none. */
        if (next >= count || slot > p->workers) return UINT32_MAX;
        const uint32_t pinned = atomic_load(&p->pinned);
        if (pinned != UINT32_MAX && pinned != slot) return UINT32_MAX;
        if (atomic_compare_exchange_weak(&p->ticket, &seen, seen + 1)) return next;
    }
}

static bool pool_claimable(const wasm_pool *p)
{
    const uint64_t seen = atomic_load_explicit(&p->ticket, memory_order_relaxed);
    return ((uint32_t)seen & TICKET_MASK) < ((uint32_t)(seen >> TICKET_BITS) & TICKET_MASK);
}

/* Lets about 25 ns pass; always true. WebAssembly has no pause instruction and no clock. Square
 * roots, each of the last one's result, take as long on all processors that matter (12 to 20 cycles
 * each), whatever compiled them, and leave a sibling thread alone. Whoever goes on only if this is
 * true keeps compilers from leaving it out; it has to begin with another `x` each time. */
static bool pause_here(double *x)
{
    double y = *x;
    for (int i = 0; i < 4; i++) y = __builtin_sqrt(y + 1.0);
    *x = y;
    return y > 0.0;
}

/* ---- tracing -------------------------------------------------------------------------------- */

static skep__trace_ring *caller_ring(const wasm_pool *p)
{
    return skep__trace_ring_of(p->trace, 0);
}

/* When the task that a slot is about to run begins: where it follows another at once, when that
 * ended. A worker's clock may be a step behind the caller's, who gave the task out. 0: off. */
static uint64_t task_begins(const wasm_pool *p, wasm_slot *s, const skep__trace_ring *ring)
{
    const uint64_t now = s->traced && atomic_load_explicit(&ring->on, memory_order_relaxed)
                             ? s->traced
                             : skep__trace_begin(ring);
    s->traced = now && now < p->traced ? p->traced : now;
    return s->traced;
}

/* Writes a task that ran; returns its end. */
static uint64_t task_ended(skep__trace_ring *ring, const skep_pool_task *task, uint64_t began)
{
    uint64_t end = ring->clock();
    if (end < began) end = began;
    skep__trace_put(ring, SKEP__TRACE_BLOCK, began, end, skep__pool_traced(task));
    return end;
}

/* Cuts a worker's last task off where, by its clock, it ended after the batch did. */
static void ring_cut(const skep__trace_ring *ring, uint64_t end)
{
    const uint64_t head = atomic_load(&ring->head);
    _Atomic uint64_t *word = ring->words + ((head - 1) & ring->mask) * SKEP__TRACE_WORDS;
    if (!head) return;
    const uint64_t began = atomic_load(&word[0]);
    const uint64_t what = atomic_load(&word[1]);
    if (began + (what >> 8) <= end) return;
    const uint64_t begin = began < end ? began : end;
    atomic_store(&word[0], begin);
    atomic_store(&word[1], (end - begin) << 8 | (what & 0xffu));
}

uint64_t wasm_pool_joined(wasm_pool *p)
{
    if (!p->traced || wasm_pool_outstanding(p)) return 0;
    skep__trace_ring *ring = caller_ring(p);
    const uint64_t end = skep__trace_end(ring, SKEP__TRACE_TASKS, p->traced, p->traced_what);
    p->traced = 0;
    for (uint32_t w = 1; w <= p->workers && skep__trace_ring_of(p->trace, w); w++)
        ring_cut(skep__trace_ring_of(p->trace, w), end);
    return end;
}

uint64_t wasm_pool_within(const wasm_pool *p, uint64_t time)
{
    const uint64_t now = caller_ring(p)->clock();
    if (time < p->traced) return p->traced;
    return time < now ? time : now;
}

void wasm_pool_empty(wasm_pool *p, uint32_t slot)
{
    p->slots[slot].empty = skep__trace_begin(caller_ring(p));
}

void wasm_pool_filled(wasm_pool *p, uint32_t slot, uint64_t time)
{
    if (slot >= p->slot_count || !p->slots[slot].empty) return;
    const uint64_t began = p->slots[slot].empty;
    p->slots[slot].empty = 0;
    if (!time) time = caller_ring(p)->clock();
    skep__trace_put(caller_ring(p), SKEP__TRACE_RESPAWN, began, time > began ? time : began, slot);
}

void wasm_pool_lost(const wasm_pool *p, const skep_pool_task *task, uint32_t slot, uint64_t began)
{
    uint64_t lost = slot < p->slot_count ? p->slots[slot].empty : 0;
    if (!lost) lost = skep__trace_begin(caller_ring(p));
    if (!lost) return;
    const uint64_t begin = began && began < lost ? began : lost;
    skep__trace_put(caller_ring(p), SKEP__TRACE_LOST, begin, lost,
                    skep__trace_quarters(task->system, slot, task->block));
}

void wasm_pool_trace(wasm_pool *p, skep_trace *trace)
{
    p->trace = trace;
    p->traced = 0;
    for (uint32_t i = 0; i < p->slot_count; i++) p->slots[i].traced = p->slots[i].empty = 0;
}

/* ---- running -------------------------------------------------------------------------------- */

static void wake_word(_Atomic uint32_t *word)
{
    __builtin_wasm_memory_atomic_notify((int *)word, 0x7fffffff);
}

static void pool_finish(wasm_pool *p, uint32_t t, const skep_pool_result *result)
{
    p->results[t].result = *result;
    atomic_store(&p->results[t].put, 1);
    const uint32_t finished = atomic_fetch_add(&p->finished, 1) + 1;
    if (finished == p->shared_count && atomic_load(&p->caller_asleep) &&
        atomic_exchange(&p->caller_asleep, 0)) {
        wake_word(&p->caller_asleep);
    }
}

/* Swaps the slot's state. False: the worker was given up meanwhile. */
static bool slot_swap(wasm_slot *s, uint32_t from, uint32_t to)
{
    return atomic_compare_exchange_strong(&s->task, &from, to);
}

/* Sixteen words at the stack's end, a cache line and a word apart: an array that reaches down there
 * meets one, and so does a recursion that writes one word a frame, whatever the frame's size. */
static void canaries_put(uint8_t *stack)
{
    const uint32_t canary = WASM_CANARY;
    for (uint32_t i = 0; i < WASM_CANARY_COUNT; i++)
        memcpy(stack + (size_t)i * WASM_CANARY_STEP, &canary, sizeof canary);
}

static bool canaries_live(const uint8_t *stack)
{
    uint32_t differs = 0;
    for (uint32_t i = 0; i < WASM_CANARY_COUNT; i++) {
        uint32_t word = 0;
        memcpy(&word, stack + (size_t)i * WASM_CANARY_STEP, sizeof word);
        differs |= word ^ WASM_CANARY;
    }
    return !differs;
}

/* Runs one claimed task. False: the worker was given up meanwhile. */
static bool pool_run(wasm_pool *p, uint32_t slot, uint32_t at)
{
    wasm_slot *s = &p->slots[slot];
    const skep_pool_batch *batch = p->current;
    const uint32_t t = p->order[at];
    const skep_pool_task *task = batch->tasks[t];
    const skep_job *job = batch->jobs[task->job];
    skep_pool_result result;
    memset(&result, 0, sizeof result);
    result.task = t;
    result.worker = slot;
    skep__trace_ring *ring = skep__trace_ring_of(p->trace, slot);
    const uint64_t began = ring ? task_begins(p, s, ring) : 0;
    atomic_fetch_add(&s->serial, 1);
    if (!slot_swap(s, WASM_SLOT_BUSY, t + 1)) return false;
    skep_task_run_job(task, job, batch->flags, &s->room, &result);
    result.output = NULL;
    if (s->stack && !canaries_live(s->stack)) {
        canaries_put(s->stack);
        result.status = SKEP_FAULT;
        result.cause = "stack overflow: the job needs more than a worker's stack of 256 KiB, and "
                       "wrote over what lies below it";
    }
    /* A throw may be the worker's fault; only workers are tried twice, the caller is not. */
    if (slot && result.status == SKEP_FAULT && (job->flags & WASM_JOB_JS))
        result.status = SKEP_CLOSED;
    if (!slot_swap(s, t + 1, WASM_SLOT_BUSY)) return false;
    if (began) s->traced = task_ended(ring, task, began);
    pool_finish(p, t, &result);
    return true;
}

/* What a worker does until there is nothing to do: 0 go to sleep, 1 the pool ends, 2 given up. */
__attribute__((export_name("skep_worker_run"))) uint32_t skep_worker_run(wasm_pool *p,
                                                                         uint32_t slot)
{
    wasm_slot *s = &p->slots[slot];
    for (;;) {
        double x = 2.0;
        uint32_t look = 0;
        while (look < p->spin && !pool_claimable(p) && pause_here(&x)) look++;
        if (look) s->traced = 0;
        if (atomic_load(&p->quit)) return 1;
        if (!slot_swap(s, 0, WASM_SLOT_BUSY)) return 2;
        const uint32_t at = pool_claim(p, slot);
        if (at != UINT32_MAX && !pool_run(p, slot, at)) return 2;
        if (!slot_swap(s, WASM_SLOT_BUSY, 0)) return 2;
        if (at != UINT32_MAX) continue;
        s->traced = 0;
        atomic_store(&s->asleep, 1);
        const uint32_t pinned = atomic_load(&p->pinned);
        const bool mine = (pinned == UINT32_MAX || pinned == slot) && slot <= p->workers;
        if (!(pool_claimable(p) && mine) && !atomic_load(&p->quit)) return 0;
        atomic_store(&s->asleep, 0);
    }
}

/* ---- the caller ----------------------------------------------------------------------------- */

static void pool_remember(wasm_pool *p, const skep_pool_task *task, uint32_t slot)
{
    const uint32_t at = p->failed_next++ % 16u;
    p->failed[at] = task;
    p->failed_slot[at] = slot;
}

static bool pool_tainted(const wasm_pool *p, uint32_t slot)
{
    for (uint32_t f = 0; f < 16u; f++) {
        if (!p->failed[f] || p->failed_slot[f] != slot) continue;
        for (uint32_t t = 0; t < p->batch->task_count; t++)
            if (p->batch->tasks[t] == p->failed[f]) return true;
    }
    return false;
}

/* The slot that a second try is for, or UINT32_MAX where none is better than another. */
static uint32_t pool_pin(const wasm_pool *p)
{
    if (!(p->batch->flags & SKEP_BATCH_RETRY)) return UINT32_MAX;
    for (uint32_t w = p->takes ? 0 : 1; w <= p->workers; w++)
        if ((!w || atomic_load(&p->slots[w].up)) && !pool_tainted(p, w)) return w;
    return UINT32_MAX;
}

static bool pool_room(wasm_pool *p, uint32_t count)
{
    void *order = p->order;
    void *results = p->results;
    const bool ok =
        skep__array_grow(&p->allocator, &order, &p->order_cap, count, sizeof *p->order) &&
        skep__array_grow(&p->allocator, &results, &p->result_cap, count, sizeof *p->results);
    p->order = order;
    p->results = results;
    return ok;
}

/* Sorts the tasks into those for workers and those for JavaScript. */
static void pool_divide(wasm_pool *p, const skep_pool_batch *batch)
{
    uint32_t shared = 0;
    uint32_t handed = batch->task_count;
    for (uint32_t t = 0; t < batch->task_count; t++) {
        const skep_job *job = batch->jobs[batch->tasks[t]->job];
        if (p->handed || (job->flags & WASM_JOB_HANDED))
            p->order[--handed] = t;
        else
            p->order[shared++] = t;
        atomic_store_explicit(&p->results[t].put, 0, memory_order_relaxed);
    }
    p->shared_count = shared;
    p->handed_left = batch->task_count - shared;
}

/* Wakes as many workers as there are tasks; awake ones count. Beside tasks of JavaScript's own,
 * which may keep some of them busy, it wakes all. Returns what a trace says of it. */
static uint64_t pool_wake(wasm_pool *p)
{
    const uint32_t pinned = atomic_load(&p->pinned);
    const uint32_t want = p->handed_left ? p->slot_count : p->shared_count;
    uint32_t found = 0;
    uint32_t woken = 0;
    for (uint32_t w = 1; w <= p->workers && found < want; w++) {
        wasm_slot *s = &p->slots[w];
        if (!atomic_load(&s->up) || (pinned != UINT32_MAX && pinned != w)) continue;
        found++;
        if (!atomic_load(&s->asleep) || !atomic_exchange(&s->asleep, 0)) continue;
        wake_word(&s->asleep);
        woken++;
    }
    return skep__trace_quarters(found, woken, p->shared_count);
}

static skep_status pool_start(skep_pool *pool, const skep_pool_batch *batch, skep_pool_done done,
                              void *ctx)
{
    wasm_pool *p = (wasm_pool *)pool;
    SKEP_ASSERT(!p->batch);
    if (batch->task_count > TICKET_MASK) return SKEP_LIMIT;
    if (!batch->task_count) return SKEP_OK;
    if (!pool_room(p, batch->task_count)) return SKEP_NO_MEMORY;
    p->batch = batch;
    p->current = batch;
    p->done = done;
    p->ctx = ctx;
    pool_divide(p, batch);
    const bool watched = batch->deadline_ns || (batch->flags & SKEP_BATCH_FORCE);
    p->takes = !p->workers || p->alone || (!watched && p->caller_spin);
    atomic_store(&p->pinned, pool_pin(p));
    atomic_store(&p->finished, 0);
    atomic_store(&p->caller_asleep, 0);
    p->traced = skep__trace_begin(caller_ring(p));
    p->traced_what = skep__trace_pair(batch->number, batch->task_count);
    const uint64_t number = (atomic_load(&p->ticket) >> (2 * TICKET_BITS)) + 1;
    atomic_store(&p->ticket,
                 number << (2 * TICKET_BITS) | (uint64_t)p->shared_count << TICKET_BITS);
    /* What the caller is done with before a sleeping worker would be there is not worth one. */
    if (!p->workers || (p->takes && p->shared_count == 1)) return SKEP_OK;
    const uint64_t woken = pool_wake(p);
    if ((uint32_t)woken) (void)skep__trace_end(caller_ring(p), SKEP__TRACE_WAKE, p->traced, woken);
    return SKEP_OK;
}

static void pool_settle(wasm_pool *p)
{
    const uint32_t count = p->shared_count;
    p->shared_count = 0;
    if (!p->handed_left && !count) return;
    const uint64_t began = p->handed_left ? skep__trace_begin(caller_ring(p)) : wasm_pool_joined(p);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t t = p->order[i];
        const skep_pool_result result = p->results[t].result;
        if (result.status != SKEP_OK) pool_remember(p, p->batch->tasks[t], result.worker);
        p->done(p->ctx, &result);
    }
    (void)skep__trace_end(caller_ring(p), SKEP__TRACE_VERIFY, began, count);
    if (!p->handed_left) p->batch = NULL;
}

uint32_t wasm_pool_outstanding(const wasm_pool *p)
{
    return p->shared_count + p->handed_left;
}

/* Takes part, looks for the end for a moment, and delivers when all is done. */
static uint32_t pool_wait(skep_pool *pool, uint64_t timeout_ns)
{
    wasm_pool *p = (wasm_pool *)pool;
    (void)timeout_ns;
    if (!p->shared_count) return p->handed_left;
    p->slots[0].traced = 0;
    while (p->takes) {
        const uint32_t at = pool_claim(p, 0);
        if (at == UINT32_MAX) break;
        atomic_store(&p->slots[0].task, WASM_SLOT_BUSY);
        (void)pool_run(p, 0, at);
        atomic_store(&p->slots[0].task, 0);
    }
    double x = 2.0;
    for (uint32_t look = 0; look < p->caller_spin && pause_here(&x); look++)
        if (atomic_load_explicit(&p->finished, memory_order_relaxed) == p->shared_count) break;
    if (atomic_load(&p->finished) == p->shared_count) pool_settle(p);
    return wasm_pool_outstanding(p);
}

void wasm_pool_deliver(wasm_pool *p, const skep_pool_result *result)
{
    SKEP_ASSERT(p->batch && p->handed_left);
    if (result->status != SKEP_OK) pool_remember(p, p->batch->tasks[result->task], result->worker);
    p->handed_left--;
    const uint64_t began = skep__trace_begin(caller_ring(p));
    p->done(p->ctx, result);
    (void)skep__trace_end(caller_ring(p), SKEP__TRACE_VERIFY, began, 1);
    if (!wasm_pool_outstanding(p)) p->batch = NULL;
}

/* Whether the workers' part of the batch is over, and still to be delivered. A batch may have none:
 * then its end comes from JavaScript, and there is nothing to go on for. */
__attribute__((export_name("skep_pool_idle"))) uint32_t skep_pool_idle(const wasm_pool *p)
{
    return p->shared_count && atomic_load(&p->finished) == p->shared_count;
}

/* ---- lost workers --------------------------------------------------------------------------- */

/* Lets whoever is there run what was meant for one worker. */
static void pool_unpin(wasm_pool *p)
{
    atomic_store(&p->pinned, UINT32_MAX);
    if (p->batch && pool_claimable(p)) pool_wake(p);
}

/* Says that a slot's worker is lost: its task ends with `cause`. `writing`: the thread may go on
 * for a while. Returns whether there was a task. */
__attribute__((export_name("skep_worker_lost"))) uint32_t skep_worker_lost(wasm_pool *p,
                                                                           uint32_t slot,
                                                                           const char *cause,
                                                                           uint32_t writing)
{
    wasm_slot *s = &p->slots[slot];
    const uint32_t mark = atomic_exchange(&s->task, WASM_SLOT_LOST);
    atomic_store(&s->up, 0);
    atomic_store(&s->asleep, 0);
    const bool ran = mark && mark != WASM_SLOT_LOST && mark != WASM_SLOT_BUSY && p->batch;
    wasm_pool_empty(p, slot);
    if (ran) {
        wasm_pool_lost(p, p->batch->tasks[mark - 1], slot, s->traced);
        skep_pool_result result;
        memset(&result, 0, sizeof result);
        result.task = mark - 1;
        result.status = SKEP_CLOSED;
        result.cause = cause;
        result.worker = slot;
        result.writing = writing != 0;
        pool_finish(p, result.task, &result);
    }
    if (atomic_load(&p->pinned) == slot) pool_unpin(p);
    return ran;
}

/* Ends tasks that were claimed by a worker which was ended before it could say so, or after it had
 * said so and before it was counted. Returns how many had no result; UINT32_MAX where that cannot
 * be told yet, because other workers are at it. */
__attribute__((export_name("skep_pool_orphans"))) uint32_t skep_pool_orphans(wasm_pool *p,
                                                                             const char *cause,
                                                                             uint32_t worker)
{
    uint32_t count = 0;
    if (!p->batch || !p->shared_count) return 0;
    if (pool_claimable(p)) return UINT32_MAX;
    for (uint32_t w = 0; w < p->slot_count; w++) {
        const uint32_t mark = atomic_load(&p->slots[w].task);
        if (mark && mark != WASM_SLOT_LOST) return UINT32_MAX;
    }
    for (uint32_t i = 0; i < p->shared_count; i++) {
        const uint32_t t = p->order[i];
        if (atomic_load(&p->results[t].put)) continue;
        skep_pool_result *result = &p->results[t].result;
        memset(result, 0, sizeof *result);
        result->task = t;
        result->status = SKEP_CLOSED;
        result->cause = cause;
        result->worker = worker;
        result->writing = true;
        atomic_store(&p->results[t].put, 1);
        wasm_pool_lost(p, p->batch->tasks[t], worker, 0);
        count++;
    }
    atomic_store(&p->finished, p->shared_count);
    return count;
}

/* Says whether workers can be had. Without any the caller does all. */
void wasm_pool_alone(wasm_pool *p, bool alone)
{
    p->alone = alone;
    if (!alone) return;
    if (p->batch) p->takes = true;
    pool_unpin(p);
}

void wasm_pool_abandon(wasm_pool *p)
{
    uint64_t seen = atomic_load(&p->ticket);
    uint64_t used = 0;
    do {
        const uint64_t count = seen >> TICKET_BITS & TICKET_MASK;
        used = (seen & ~(uint64_t)TICKET_MASK) | count;
    } while (!atomic_compare_exchange_weak(&p->ticket, &seen, used));
    p->batch = NULL;
    p->shared_count = 0;
    p->handed_left = 0;
    p->traced = 0;
}

/* Lets a new worker serve a slot: its stack and marks are as new. */
__attribute__((export_name("skep_worker_up"))) void skep_worker_up(wasm_pool *p, uint32_t slot)
{
    wasm_slot *s = &p->slots[slot];
    atomic_store(&s->task, 0);
    atomic_store(&s->asleep, 0);
    canaries_put(s->stack);
    s->traced = 0;
    wasm_pool_filled(p, slot, 0);
    atomic_store(&s->up, 1);
}

/* ---- life ----------------------------------------------------------------------------------- */

static uint32_t pool_workers(const skep_pool *pool)
{
    return ((const wasm_pool *)pool)->workers;
}

static void pool_nothing(skep_pool *pool)
{
    (void)pool;
}

static bool slot_init(wasm_pool *p, uint32_t slot, skep_task_guard *guard)
{
    wasm_slot *s = &p->slots[slot];
    const skep_allocator *a = &p->allocator;
    s->room.scratch_bytes = (size_t)64 << 10;
    s->room.scratch = a->alloc(a->ctx, s->room.scratch_bytes, 64);
    s->room.guard = guard;
    s->causes = a->alloc(a->ctx, WASM_CAUSE_BYTES, 64);
    s->stack = slot ? a->alloc(a->ctx, WASM_STACK_BYTES, 64) : NULL;
    return s->room.scratch && s->causes && (s->stack || !slot);
}

wasm_pool *wasm_pool_create(const skep_allocator *allocator, uint32_t workers_max,
                            skep_task_guard *guard)
{
    wasm_pool *p = skep__alloc(allocator, sizeof *p, 128);
    if (!p) return NULL;
    p->allocator = *allocator;
    p->v = (skep_pool_vtable){.name = "local", .start = pool_start, .wait = pool_wait};
    p->v.workers = pool_workers;
    p->v.destroy = pool_nothing;
    p->base.v = &p->v;
    p->slot_count = workers_max + 1;
    p->slots = skep__alloc(allocator, p->slot_count * sizeof *p->slots, 128);
    bool ok = p->slots != NULL;
    for (uint32_t s = 0; ok && s < p->slot_count; s++) ok = slot_init(p, s, guard);
    atomic_store(&p->pinned, UINT32_MAX);
    return ok ? p : NULL;
}

/* ---- the public calls that a scene's grid makes --------------------------------------------- */

uint32_t skep_pool_workers(const skep_pool *pool)
{
    return pool->v->workers(pool);
}

void skep_pool_for(skep_pool *pool, uint32_t n, uint32_t grain,
                   void (*work)(void *ctx, uint32_t first, uint32_t count), void *ctx)
{
    const uint32_t each = grain ? grain : n;
    (void)pool; /* its workers run tasks only */
    for (uint32_t first = 0; first < n; first += each)
        work(ctx, first, n - first < each ? n - first : each);
}
