/* SPDX-License-Identifier: MIT */
/* What a child does: it looks at its order, takes some tasks of its run, runs them one after
 * another into its output memory, and says what became of them. All of it happens under seccomp, in
 * memory that the child shares with nobody or with the host alone.
 *
 * Taking tasks: the child says first how far it goes (`claim`), and looks at the span once more;
 * the host lowers the span first, and looks at the claim then. So one of them sees the other: a
 * child that went too far takes its claim back, and a host that came too late raises the span
 * again. Both words are sequentially consistent.
 *
 * The tasks' descriptions lie in the region, which nobody but the host can write. That a task is
 * the child's is known only after the second look: what was read before it may have belonged to
 * another run.
 *
 * A child that has nothing to do stays awake for a moment, unless somebody else needs its
 * processor: the host, or those that still work where there are more of them than processors. */
#include "pool/pool_processes.h"

/* A child's view of itself. */
typedef struct child_self {
    const skep__procs_order *order;
    skep__procs_own *own;
    uint8_t *output;
    _Atomic uint32_t *bell;
    uint64_t output_bytes;
    skep_trace_clock clock;
    skep_task_room room;
    bool crowded;     /* somebody else needs this processor: no spinning */
    bool drowsy;      /* said to be asleep, ahead of it */
    bool rang;        /* the last run ended with a ring: the host has to wake up first */
    uint32_t vain[2]; /* see child_spin; by `rang` */
} child_self;

/* A run as the child knows it. */
typedef struct child_run {
    uint32_t number;
    uint32_t flags;
    uint32_t first;
    uint32_t at; /* the next task */
    uint32_t chunk;
    const skep_pool_task *const *tasks;
    const _Atomic uint64_t *jobs;
    uint64_t window;
    uint64_t place; /* of the next output, not wrapped */
    uint64_t end[SKEP__PROCS_TIMES];
    bool odd; /* some task did not end plainly */
} child_run;

static const void *child_pointer(uint64_t address)
{
    return (const void *)(uintptr_t)address;
}

/* Whether the host was last seen on this processor, and will come back to it. */
static bool child_at_host(const child_self *c)
{
    const uint32_t cpu = skep__port_cpu_current();
    return cpu != UINT32_MAX && cpu == atomic_load_explicit(&c->order->cpu, memory_order_relaxed);
}

/* Says that it sleeps, or that it does not. */
static void child_asleep(child_self *c, bool asleep)
{
    c->drowsy = asleep;
    atomic_store(&c->own->asleep, asleep);
}

/* Counts the end of a run on the bell, and wakes the host if it is the one that the host waits for.
 * Where there are not enough processors only the last one stays awake, to take what comes next. */
static void child_ring(child_self *c, const child_run *run)
{
    const uint32_t rung = atomic_load_explicit(&c->order->rung, memory_order_relaxed);
    const uint32_t count = atomic_fetch_add(c->bell, 1) + 1;
    const uint32_t missing = rung - count; /* forged, at most nobody wakes before `early_ns` */
    const bool wakes = !rung || !missing || missing > SKEP_WORKERS_MAX;
    c->crowded = child_at_host(c) || (!wakes && (run->flags & SKEP__PROCS_CROWDED));
    c->rang = true;
    /* Said now: a host that wakes here comes before this process does. */
    if (c->crowded) child_asleep(c, true);
    if (wakes) skep__port_shared_wake(c->bell, 1);
}

/* ---- tasks ---------------------------------------------------------------------------------- */

/* Copies a cause, which may be static or a job's own. */
static void child_cause(skep__procs_own *own, uint32_t slot, const char *cause)
{
    char *to = own->cause[slot];
    uint32_t length = 0;
    for (; cause && cause[length] && length < SKEP__PROCS_CAUSE_BYTES - 1; length++) {
        to[length] = cause[length];
    }
    to[length] = 0;
}

/* Says how a task ended. */
static void child_record(skep__procs_own *own, child_run *run, uint32_t t, uint32_t plain_bytes,
                         const skep_pool_result *result)
{
    const uint32_t slot = t % SKEP__PROCS_RECORDS;
    skep__procs_record *record = &own->record[slot];
    const size_t wanted = result->bytes_wanted < UINT32_MAX ? result->bytes_wanted : UINT32_MAX;
    atomic_store_explicit(&record->bytes, (uint32_t)result->bytes, memory_order_relaxed);
    atomic_store_explicit(&record->wanted, (uint32_t)wanted, memory_order_relaxed);
    atomic_store_explicit(&record->status, (uint32_t)result->status, memory_order_relaxed);
    if (SKEP_UNLIKELY(result->cause != NULL)) child_cause(own, slot, result->cause);
    const bool plain =
        result->status == SKEP_OK && result->bytes == plain_bytes && !result->bytes_wanted;
    if (SKEP_LIKELY(plain) || run->odd) return;
    run->odd = true;
    atomic_store_explicit(&own->odd, skep__procs_word(run->number, t), memory_order_relaxed);
}

/* Notes when a task ended; of the first ones later, since that line is watched. */
static void child_times(const child_self *c, child_run *run, uint32_t t, uint64_t *now)
{
    const uint64_t begin = *now;
    *now = c->clock();
    if (t - run->first < SKEP__PROCS_TIMES) {
        run->end[t - run->first] = *now;
        return;
    }
    skep__procs_record *record = &c->own->record[t % SKEP__PROCS_RECORDS];
    atomic_store_explicit(&record->begin, begin, memory_order_relaxed);
    atomic_store_explicit(&record->end, *now, memory_order_relaxed);
}

static void child_task(child_self *c, child_run *run, uint32_t t, uint64_t *now)
{
    skep__procs_own *own = c->own;
    const skep_pool_task *task = run->tasks[t];
    const skep_job *job =
        child_pointer(atomic_load_explicit(&run->jobs[task->job], memory_order_relaxed));
    const uint64_t bytes = skep_task_layout(task);
    skep_pool_result result = {0};
    run->place = skep__procs_place(run->place, bytes, run->window);
    c->room.elsewhere = c->output + skep__procs_offset(run->place, run->window, c->output_bytes);
    run->place += bytes;
    if (*now) atomic_store_explicit(&own->at_begin, *now, memory_order_relaxed);
    atomic_store_explicit(&own->at, skep__procs_word(run->number, t), memory_order_relaxed);
    skep_task_run_job(task, job, run->flags, &c->room, &result);
    if (*now) child_times(c, run, t, now);
    child_record(own, run, t, task->cells_bytes, &result);
}

/* ---- runs ----------------------------------------------------------------------------------- */

/* Spinning is given up where it was in vain the last times: each time half of it, and once in 16
 * times all of it is tried again. `vain` counts those times, and is 0 once it was not. */
static uint32_t child_spin(uint32_t most, uint32_t vain)
{
    return vain % 16 == 15 ? most : most >> skep__min_u32(vain, 5);
}

/* Waits until there is another span: a moment awake, then asleep. */
static uint64_t child_await(child_self *c, uint64_t seen)
{
    const uint32_t most = atomic_load_explicit(&c->order->spin, memory_order_relaxed);
    uint32_t *vain = &c->vain[c->rang];
    const uint32_t spin = c->crowded ? 0 : child_spin(c->rang ? 2 * most : most, *vain);
    for (uint32_t s = 0; s < spin; s++) {
        const uint64_t span = atomic_load_explicit(&c->order->span, memory_order_acquire);
        if (span != seen) {
            *vain = 0;
            return span;
        }
        skep__port_pause();
    }
    *vain += spin != 0;
    /* A futex needs no more than to read the word, whatever C says of its type. */
    _Atomic uint32_t *kick = (_Atomic uint32_t *)(uintptr_t)&c->order->kick;
    child_asleep(c, true);
    for (;;) {
        const uint32_t kicks = atomic_load(kick);
        const uint64_t span = atomic_load(&c->order->span);
        if (span != seen) {
            child_asleep(c, false);
            c->crowded = child_at_host(c);
            return span;
        }
        (void)skep__port_shared_wait(kick, kicks, SKEP__PORT_FOREVER);
    }
}

/* Runs the next `take` tasks and says so. */
static void child_take(child_self *c, child_run *run, uint32_t take)
{
    if (SKEP_UNLIKELY(c->drowsy)) child_asleep(c, false);
    const uint32_t end = run->at + take;
    const uint32_t begun = run->at - run->first;
    const uint64_t began = run->flags & SKEP__PROCS_TIMED ? c->clock() : 0;
    uint64_t now = began;
    for (uint32_t t = run->at; t < end; t++) child_task(c, run, t, &now);
    run->at = end;
    if (began && begun < SKEP__PROCS_TIMES) {
        const uint32_t most = skep__min_u32(end - run->first, SKEP__PROCS_TIMES);
        if (!begun) atomic_store_explicit(&c->own->begin, began, memory_order_relaxed);
        for (uint32_t i = begun; i < most; i++) {
            atomic_store_explicit(&c->own->end[i], run->end[i], memory_order_relaxed);
        }
    }
    const uint64_t word = skep__procs_word(run->number, end);
    atomic_store(&c->own->done, word);
    const uint64_t alarm = atomic_load(&c->order->alarm);
    c->rang = false;
    if (SKEP_UNLIKELY(alarm && alarm <= word && alarm >> 32 == run->number)) child_ring(c, run);
}

static void child_begin(const child_self *c, child_run *run, uint64_t span)
{
    const skep__procs_order *order = c->order;
    run->number = (uint32_t)(span >> 32);
    run->flags = atomic_load_explicit(&order->flags, memory_order_relaxed);
    run->first = run->at = atomic_load_explicit(&order->first, memory_order_relaxed);
    run->chunk = atomic_load_explicit(&order->chunk, memory_order_relaxed);
    run->tasks = child_pointer(atomic_load_explicit(&order->tasks, memory_order_relaxed));
    run->jobs = order->job + atomic_load_explicit(&order->jobs, memory_order_relaxed);
    run->window = atomic_load_explicit(&order->window, memory_order_relaxed);
    run->place = 0;
    run->odd = false;
}

/* Works a run off. Returns the span of the next one. */
static uint64_t child_work(child_self *c, uint64_t span)
{
    child_run run;
    child_begin(c, &run, span);
    while (span >> 32 == run.number) {
        const uint32_t end = (uint32_t)span;
        if (run.at >= end) {
            span = child_await(c, span);
            continue;
        }
        uint32_t take = 1 + (end - run.at) / 8;
        if (take < run.chunk) take = skep__min_u32(run.chunk, end - run.at);
        atomic_store(&c->own->claim, skep__procs_word(run.number, run.at + take));
        span = atomic_load(&c->order->span);
        if (span >> 32 != run.number) break;
        if (run.at + take > (uint32_t)span) {
            atomic_store(&c->own->claim, skep__procs_word(run.number, run.at));
            continue;
        }
        child_take(c, &run, take);
        span = atomic_load_explicit(&c->order->span, memory_order_acquire);
    }
    return span;
}

void skep__procs_child_main(const skep__port_child_view *view)
{
    const skep__procs_order *order = view->order;
    child_self c = {.order = order, .own = view->own, .output = view->output, .bell = view->bell};
    const uintptr_t clock = (uintptr_t)atomic_load(&order->clock);
    memcpy(&c.clock, &clock, sizeof c.clock);
    c.room.scratch = (uint8_t *)view->own + atomic_load(&order->scratch_offset);
    c.room.scratch_bytes = atomic_load(&order->scratch_bytes);
    c.output_bytes = atomic_load(&order->output_bytes);
    atomic_store(&c.own->output, (uint64_t)(uintptr_t)view->output);
    atomic_store(&c.own->up, 1);
    atomic_fetch_add(c.bell, 1);
    skep__port_shared_wake(c.bell, 1);
    uint64_t span = atomic_load(&order->span);
    for (;;) {
        while (span >> 32 == 0) span = child_await(&c, span);
        span = child_work(&c, span);
    }
}
