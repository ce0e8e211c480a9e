/* SPDX-License-Identifier: MIT */
/* Persistent native threads.
 *
 * Who does what: a batch is cut into one run of units for the caller and each worker that it is
 * worth waking. A run is one word in the worker's own cache line,
 *
 *     begin 32 | end 30 | single 1 | pinned 1
 *
 * which the caller sets while no batch runs and which then only shrinks: its worker claims from the
 * front, whoever has nothing left takes from the back, both by compare-and-swap. So the same rows
 * come back to the same core frame after frame, nobody contends until the end is near, and the
 * caller joins on finished units: what a sleeping or descheduled worker has not claimed, others do.
 *
 * Why a late worker is harmless: it learns about a batch only by a claim that succeeded. From then
 * on the batch cannot end without it, so what it reads of the batch after the claim is current,
 * however old the look was that led to it. There is no generation to check, and no acknowledgement
 * to wait for.
 *
 * A run's line also says what the units are, so a worker needs one line to begin and writes one
 * when it has finished. On the machines at hand a line takes 100 to 200 ns from core to core, and a
 * whole frame's system may take 1,500: whoever has nothing left therefore waits a moment before it
 * takes from another that is at work.
 *
 * Sleeping: a worker pauses `spin` times over its own line, then says so (`asleep`) and looks once
 * more before it waits on the futex; the caller sets the run first and looks at `asleep`
 * afterwards. All four are sequentially consistent, so one of them sees the other. The caller
 * sleeps in the same way, on caller_asleep against the workers' counters. Workers beyond the number
 * of processors never spin.
 *
 * Deadlines: claims are of one task, and the worker marks it in its context before it begins. The
 * caller only watches; when a mark is too old it swaps it for ABANDONED. If the swap succeeds the
 * thread has lost: a new one takes its slot, and when its job returns at last, its own swap back to
 * idle fails and it leaves without a look at the pool, which may be gone by then. That is why the
 * context (marks, scratch) comes from the C heap and belongs to both: the last of them frees it.
 *
 * What follows from a lost thread (another one, a pause after threads that could not be made, no
 * more when too many were replaced) is core/supervise's to say. For it a thread that was given up
 * is gone at once, since it holds nothing of its place any more. Deadlines are not its business
 * here: workers claim tasks by themselves, and their marks say when each began.
 *
 * Tried and dropped: one shared ticket for all (two cores fight over its line at 10 tasks of 140 ns
 * each, and rows wander between caches); thieves that put half a run into their own line (the
 * caller may be setting that line for the next batch at the same time); spinning by
 * compare-and-swap, so that the line arrives ready for the claim (no faster, and slower where cores
 * are far apart). */
#include "pool/pool_common.h"

#include "core/base/log.h"
#include "core/supervise/supervise.h"

#define RUN_SINGLE ((uint64_t)1 << 62) /* claims are of one unit, and timed */
#define RUN_PINNED ((uint64_t)1 << 63) /* only its worker may claim */
#define RUN_END(run) ((uint32_t)((run) >> 32) & SKEP_BATCH_TASKS_MAX)
#define MARK_ABANDONED UINT64_MAX
#define DESTROY_NS 1000000000u
#define GRACE_PAUSES 64u

struct threads_pool;

/* What a thread keeps for itself; outlives the pool when the thread hangs. */
typedef struct threads_context {
    _Atomic uint64_t mark;       /* 0: idle; claim number << 32 | task + 1; or MARK_ABANDONED */
    _Atomic uint64_t started_ns; /* when the marked task began */
    _Atomic uint32_t gone;       /* futex: 1 when the thread touches nothing but this any more */
    _Atomic uint32_t references; /* the pool's and the thread's */
    struct threads_pool *pool;   /* not to be touched once abandoned */
    uint32_t worker;
    uint32_t claims;
    uint32_t spin;
    skep__pool_hand hand;
    skep_task_room room;
    uint64_t traced; /* when the marked task began, by the tracer's clock */
    skep__port_thread thread;
    struct threads_context *next; /* of the pool's abandoned ones; the owner's */
    size_t bytes;
} threads_context;

/* A worker's place in the pool, used by one thread after another; slot 0 is the caller's. The first
 * line is all that a worker needs to see to begin; the second it writes when it has finished. */
typedef struct threads_slot {
    _Alignas(128) _Atomic uint64_t run;
    _Atomic uint32_t asleep; /* futex */
    _Atomic uint32_t quit;
    skep__pool_units units;              /* what the run counts; constant while it is not empty */
    _Alignas(128) _Atomic uint32_t done; /* units finished here since the pool began, modulo 2^32 */
    _Atomic uint32_t busy;               /* written to get the line while the first job runs */
    threads_context *context;            /* the owner's; NULL when no thread could be made */
} threads_slot;

_Static_assert(offsetof(threads_slot, units) + sizeof(skep__pool_units) <= 64, "one line");

typedef struct threads_pool {
    skep_pool base;
    /* Read by workers; written at creation, the results' addresses when they grow. */
    threads_slot *slots; /* worker_count + 1 */
    uint32_t worker_count;
    skep__pool_results results;
    /* The owner's. */
    _Alignas(128) skep_allocator allocator;
    skep__caller caller;
    const skep_pool_batch *batch; /* NULL for pieces */
    uint16_t *chosen;             /* the workers that this batch begins with */
    uint32_t *first;              /* of each slot: where its run began */
    threads_context *abandoned;   /* threads whose jobs have not returned, as far as is known */
    uint32_t spin;                /* of workers that may spin */
    uint32_t caller_spin;         /* of the caller */
    uint32_t cores;
    size_t scratch_bytes;
    uint64_t awake_ns; /* a batch that costs less does not pay for workers that are awake */
    uint64_t wake_ns;  /* a batch must cost this for each worker that it wakes */
    uint64_t debt_ns;  /* what ran here, though it would have paid had a worker been awake */
    skep_pool_done done;
    void *ctx;
    skep_trace *trace;
    skep__pool_hand hand; /* the caller's */
    uint64_t traced;      /* when the batch was launched, by the tracer's clock */
    uint64_t deadline_ns;
    uint32_t count;       /* of the batch's units */
    uint32_t own_done;    /* units that the caller finished or wrote off */
    uint32_t done_before; /* sum of the slots' counters when the batch began */
    bool running;
    bool caller_takes; /* the caller works too, and does not only watch */
    bool troubled;     /* a place is empty, or the pool has failed: `failed` */
    bool failed;
    skep__supervisor *supervisor;
    size_t supervisor_bytes;
    uint32_t restart_max;
    skep_log log;
    _Alignas(128) _Atomic uint32_t caller_asleep; /* futex */
    _Atomic uint32_t caller_cpu; /* where the caller was when it last woke somebody */
} threads_pool;

/* ---- claims --------------------------------------------------------------------------------- */

typedef struct threads_claim {
    const skep__pool_units *units;
    uint32_t first;
    uint32_t end;
    bool timed;
} threads_claim;

static bool run_left(uint64_t run)
{
    return (uint32_t)run < RUN_END(run);
}

/* Takes some units of a run: the worker itself from the front, an eighth of what is left; thieves
 * from the back, a quarter, since they come when the batch is nearly over or its worker is not
 * there. */
static bool threads_claim_from(threads_slot *slot, bool own, threads_claim *claim)
{
    uint64_t seen = atomic_load_explicit(&slot->run, memory_order_relaxed);
    for (;;) {
        if (!run_left(seen) || (!own && (seen & RUN_PINNED))) return false;
        const uint32_t begin = (uint32_t)seen;
        const uint32_t end = RUN_END(seen);
        const uint32_t take = seen & RUN_SINGLE ? 1 : 1 + (end - begin) / (own ? 8 : 4);
        const uint64_t next = own ? seen + take : seen - ((uint64_t)take << 32);
        if (atomic_compare_exchange_weak_explicit(&slot->run, &seen, next, memory_order_acquire,
                                                  memory_order_relaxed)) {
            claim->units = &slot->units;
            claim->first = own ? begin : end - take;
            claim->end = claim->first + take;
            claim->timed = (seen & RUN_SINGLE) != 0;
            return true;
        }
    }
}

/* ---- workers -------------------------------------------------------------------------------- */

static void context_release(threads_context *context)
{
    if (atomic_fetch_sub(&context->references, 1) != 1) return;
    const skep_allocator heap = skep__port_allocator();
    skep__free(&heap, context, context->bytes, 64);
}

/* Counts finished units; the caller may be asleep because of them. */
static void worker_finished(threads_pool *p, uint32_t worker, uint32_t count)
{
    atomic_fetch_add(&p->slots[worker].done, count);
    if (atomic_load(&p->caller_asleep) && atomic_exchange(&p->caller_asleep, 0)) {
        skep__port_futex_wake(&p->caller_asleep, 1);
    }
}

/* Runs one task under a deadline. False: it took too long, and nothing may be touched any more.
 * Before the mark everything is looked up that belongs to the batch: from the mark on it may end
 * without us. */
static bool worker_run_timed(threads_context *context, const skep__pool_units *units, uint32_t t)
{
    threads_pool *p = context->pool;
    const skep_pool_task *task = units->tasks[t];
    const skep_job *job = units->jobs[task->job];
    const uint32_t flags = units->flags;
    const uint64_t traced = skep__pool_traced(task);
    skep_pool_result result = {0};
    context->claims = (context->claims + 1) & 0x7fffffffu;
    uint64_t mark = (uint64_t)context->claims << 32 | (t + 1);
    const uint64_t started_ns = skep__port_clock_ns();
    context->traced = skep__trace_begin(context->hand.ring);
    atomic_store_explicit(&context->started_ns, started_ns, memory_order_relaxed);
    atomic_store_explicit(&context->mark, mark, memory_order_release);
    skep_task_run_job(task, job, flags, &context->room, &result);
    result.duration_ns = skep__port_clock_ns() - started_ns;
    result.task = t;
    result.worker = context->worker;
    if (!atomic_compare_exchange_strong(&context->mark, &mark, 0)) return false;
    (void)skep__trace_end(context->hand.ring, SKEP__TRACE_BLOCK, context->traced, traced);
    skep__results_put(&p->results, &result);
    return true;
}

/* Runs what was claimed. */
static bool worker_run(threads_context *context, const threads_claim *claim)
{
    if (claim->timed) return worker_run_timed(context, claim->units, claim->first);
    skep__units_run(claim->units, &context->pool->results, claim->first, claim->end,
                    &context->hand);
    return true;
}

/* Works off the own run. False when the thread was abandoned. */
static bool worker_work(threads_context *context)
{
    threads_pool *p = context->pool;
    threads_slot *slot = &p->slots[context->worker];
    threads_claim claim;
    uint32_t count = 0;
    while (threads_claim_from(slot, true, &claim)) {
        if (!count) atomic_store_explicit(&slot->busy, 1, memory_order_relaxed);
        if (!worker_run(context, &claim)) return false;
        count += claim.end - claim.first;
        if (!claim.timed) continue;
        worker_finished(p, context->worker,
                        count); /* at once: the next may be this thread's last */
        count = 0;
    }
    if (count) worker_finished(p, context->worker, count);
    return true;
}

/* Works off what others have left. False when the thread was abandoned. */
static bool worker_help(threads_context *context)
{
    threads_pool *p = context->pool;
    const uint32_t slot_count = p->worker_count + 1;
    threads_claim claim;
    for (uint32_t i = 1; i < slot_count; i++) {
        threads_slot *victim = &p->slots[(context->worker + i) % slot_count];
        while (threads_claim_from(victim, false, &claim)) {
            if (!worker_run(context, &claim)) return false;
            worker_finished(p, context->worker, claim.end - claim.first);
        }
    }
    return true;
}

/* Pauses until there is a run, at most `most` times. */
static bool worker_spin(threads_slot *slot, uint32_t most)
{
    for (uint32_t s = 0; s < most; s++) {
        if (run_left(atomic_load_explicit(&slot->run, memory_order_relaxed))) return true;
        if (atomic_load_explicit(&slot->quit, memory_order_relaxed)) return true;
        skep__port_pause();
    }
    return false;
}

/* Sleeps until there is a run. Says whether it was woken onto the caller's own processor: the
 * scheduler does that at times, and then the caller stands still for as long as this thread spins.
 */
static bool worker_sleep(threads_pool *p, threads_slot *slot)
{
    atomic_store(&slot->asleep, 1);
    while (!run_left(atomic_load(&slot->run)) && !atomic_load(&slot->quit)) {
        /* Woken though the run is empty already: others were faster, and may have some left. */
        if (!atomic_load(&slot->asleep)) break;
        skep__port_futex_wait(&slot->asleep, 1, SKEP__PORT_FOREVER);
    }
    atomic_store(&slot->asleep, 0);
    const uint32_t cpu = skep__port_cpu_current();
    return cpu != UINT32_MAX && cpu == atomic_load_explicit(&p->caller_cpu, memory_order_relaxed);
}

/* A thread's life: its own run, a moment's grace, then what others have left, then patience, then
 * sleep. */
static void worker_live(threads_context *context)
{
    threads_pool *p = context->pool;
    threads_slot *slot = &p->slots[context->worker];
    const uint32_t grace = skep__min_u32(GRACE_PAUSES, context->spin);
    bool crowded = false;
    while (!atomic_load(&slot->quit)) {
        if (!worker_work(context)) return;
        if (!crowded && worker_spin(slot, grace)) continue;
        if (!worker_help(context)) return;
        if (!crowded && worker_spin(slot, context->spin - grace)) continue;
        crowded = worker_sleep(p, slot);
    }
}

static void worker_main(void *arg)
{
    threads_context *context = arg;
    worker_live(context);
    atomic_store(&context->gone, 1);
    skep__port_futex_wake(&context->gone, 1);
    context_release(context);
}

/* Puts a new thread into a slot. */
static bool worker_create(threads_pool *p, uint32_t worker)
{
    const skep_allocator heap = skep__port_allocator();
    const size_t head = skep__align(sizeof(threads_context), 64);
    const size_t bytes = head + p->scratch_bytes;
    threads_context *context = skep__alloc(&heap, bytes, 64);
    if (!context) return false;
    context->bytes = bytes;
    context->pool = p;
    context->worker = worker;
    context->spin = worker < p->cores ? p->spin : 0;
    context->room.scratch = (uint8_t *)context + head;
    context->room.scratch_bytes = p->scratch_bytes;
    context->hand =
        (skep__pool_hand){&context->room, skep__trace_ring_of(p->trace, worker), worker};
    atomic_store(&context->references, 2);
    if (!skep__port_thread_create(&context->thread, "skep worker", worker_main, context)) {
        skep__free(&heap, context, bytes, 64);
        return false;
    }
    p->slots[worker].context = context;
    return true;
}

/* ---- places --------------------------------------------------------------------------------- */

/* The pool fails, and says so. Only a budget makes it: without any thread the caller still does all
 * that has no deadline. */
static void crew_broken(threads_pool *p, uint32_t cause)
{
    if (cause != SKEP__SUPER_BUDGET) return;
    p->troubled = true;
    p->failed = true;
    skep__logf(&p->log, SKEP_LOG_ERROR,
               "threads: the pool has failed: %u workers were replaced within a minute (knob "
               "restart_max), the last because of a deadline; mend the jobs that take so long, or "
               "raise restart_max or the deadline",
               p->restart_max);
}

/* Does what the supervisor wants. A thread that was given up counts as gone. */
static void crew_act(threads_pool *p)
{
    skep__super_action action;
    while (skep__super_next(p->supervisor, &action)) {
        const uint64_t now_ns = skep__port_clock_ns();
        if (action.kind == SKEP__SUPER_BROKEN) {
            crew_broken(p, action.cause);
        } else if (action.kind == SKEP__SUPER_KILL && !p->slots[action.seat].context) {
            skep__super_exited(p->supervisor, action.seat, action.generation, now_ns);
        } else if (action.kind == SKEP__SUPER_START && worker_create(p, action.seat)) {
            (void)skep__super_up(p->supervisor, action.seat, action.generation, now_ns);
        } else if (action.kind == SKEP__SUPER_START) {
            p->troubled = true;
            skep__super_start_failed(p->supervisor, action.seat, action.generation, false, now_ns);
        }
    }
}

/* Fills all places; false when one stays empty. */
static bool crew_create(threads_pool *p)
{
    skep__super_rules rules = skep__super_rules_default(p->worker_count);
    rules.restart_max = p->restart_max;
    rules.start_timeout_ns = 0; /* a thread is there or it is not */
    p->supervisor_bytes = skep__supervisor_bytes(&rules);
    void *memory = skep__alloc(&p->allocator, p->supervisor_bytes, 16);
    if (!memory) return false;
    p->supervisor = skep__supervisor_init(memory, &rules);
    skep__super_begin(p->supervisor, skep__port_clock_ns());
    crew_act(p);
    return !p->troubled;
}

/* Looks whether an empty place can be filled again. False: the pool has failed. */
static bool crew_look(threads_pool *p)
{
    if (p->failed) return false;
    skep__super_time(p->supervisor, skep__port_clock_ns(), UINT64_MAX);
    crew_act(p);
    p->troubled = skep__super_due(p->supervisor) != UINT64_MAX;
    return true;
}

/* ---- joining -------------------------------------------------------------------------------- */

static uint32_t threads_done_sum(const threads_pool *p)
{
    uint32_t sum = 0;
    for (uint32_t w = 1; w <= p->worker_count; w++) sum += atomic_load(&p->slots[w].done);
    return sum;
}

static bool threads_all_done(const threads_pool *p)
{
    return p->own_done + (threads_done_sum(p) - p->done_before) == p->count;
}

/* Runs units on the caller. */
static void caller_run(threads_pool *p, const threads_claim *claim)
{
    skep__units_run(claim->units, &p->results, claim->first, claim->end, &p->hand);
    p->own_done += claim->end - claim->first;
}

/* Takes from one slot until it is empty; false when the time is over before. */
static bool caller_take_from(threads_pool *p, uint32_t victim, uint64_t until)
{
    threads_claim claim;
    while (threads_claim_from(&p->slots[victim], victim == 0, &claim)) {
        caller_run(p, &claim);
        if (until != SKEP_FOREVER && skep__port_clock_ns() >= until) return false;
    }
    return true;
}

/* Takes part until nothing is left to claim; false when the time is over before. First its own run,
 * then those of workers that have not even begun; the others get a moment to end by themselves,
 * since what is left of their rows is in their cache and not in ours. */
static bool caller_take_part(threads_pool *p, uint64_t until)
{
    if (!p->caller_takes) return true;
    if (!caller_take_from(p, 0, until)) return false;
    for (uint32_t w = 1; w <= p->worker_count; w++) {
        const uint64_t run = atomic_load_explicit(&p->slots[w].run, memory_order_relaxed);
        if (run_left(run) && (uint32_t)run == p->first[w] && !caller_take_from(p, w, until)) {
            return false;
        }
    }
    for (uint32_t s = 0; s < skep__min_u32(GRACE_PAUSES, p->spin); s++) {
        if (threads_all_done(p)) return true;
        skep__port_pause();
    }
    for (uint32_t w = 1; w <= p->worker_count; w++) {
        if (!caller_take_from(p, w, until)) return false;
    }
    return true;
}

/* Ends a batch that the pool fails in: what nobody has claimed is reported as lost. */
static void caller_drop(threads_pool *p)
{
    threads_claim claim;
    for (uint32_t s = 0; s <= p->worker_count; s++) {
        while (threads_claim_from(&p->slots[s], true, &claim)) {
            for (uint32_t t = claim.first; t < claim.end; t++) {
                const skep_pool_result result = {
                    .task = t, .status = SKEP_CLOSED, .cause = "the pool has failed (restart_max)"};
                skep__results_put(&p->results, &result);
            }
            p->own_done += claim.end - claim.first;
        }
    }
}

/* Gives a thread up: reports its task, and lets a new thread go on in its slot. Where the system
 * has no thread left, the caller does what the slot still holds. */
static void caller_give_up(threads_pool *p, uint32_t worker, uint32_t task, uint64_t age_ns)
{
    threads_slot *slot = &p->slots[worker];
    threads_context *context = slot->context;
    const skep_pool_result result = {.task = task,
                                     .status = SKEP_CLOSED,
                                     .cause = "deadline: the job took too long",
                                     .duration_ns = age_ns,
                                     .worker = worker,
                                     .writing = true};
    threads_claim claim;
    skep__results_put(&p->results, &result);
    p->own_done++;
    const skep_pool_task *lost = p->batch->tasks[task];
    const uint64_t empty = skep__trace_end(p->hand.ring, SKEP__TRACE_LOST, context->traced,
                                           skep__trace_quarters(lost->system, worker, lost->block));
    skep__port_thread_detach(&context->thread);
    context->next = p->abandoned;
    p->abandoned = context;
    slot->context = NULL;
    skep__super_replace(p->supervisor, worker, skep__super_generation(p->supervisor, worker),
                        SKEP__SUPER_DEADLINE, skep__port_clock_ns());
    crew_act(p);
    (void)skep__trace_end(p->hand.ring, SKEP__TRACE_RESPAWN, empty, worker);
    if (p->failed) {
        caller_drop(p);
    } else if (!slot->context) {
        while (threads_claim_from(slot, true, &claim)) caller_run(p, &claim);
    }
}

/* Looks for tasks over their deadline. Returns the time until the next may be. */
static uint64_t caller_watch(threads_pool *p)
{
    const uint64_t now = skep__port_clock_ns();
    uint64_t next_ns = p->deadline_ns;
    for (uint32_t w = 1; w <= p->worker_count; w++) {
        threads_context *context = p->slots[w].context;
        if (!context) continue;
        uint64_t mark = atomic_load_explicit(&context->mark, memory_order_acquire);
        if (!mark) continue;
        /* The mark names one claim. If the swap below finds it unchanged, this is that claim's
         * time. */
        const uint64_t began = atomic_load_explicit(&context->started_ns, memory_order_relaxed);
        const uint64_t age_ns = began < now ? now - began : 0;
        if (age_ns < p->deadline_ns) {
            if (p->deadline_ns - age_ns < next_ns) next_ns = p->deadline_ns - age_ns;
        } else if (atomic_compare_exchange_strong(&context->mark, &mark, MARK_ABANDONED)) {
            caller_give_up(p, w, (uint32_t)mark - 1, age_ns);
        }
    }
    return next_ns;
}

/* Waits for what workers have claimed; false when the time is over before. */
static bool caller_join(threads_pool *p, uint64_t until)
{
    for (;;) {
        for (uint32_t s = 0; s <= p->caller_spin; s++) {
            if (threads_all_done(p)) return true;
            skep__port_pause();
        }
        uint64_t limit_ns = SKEP__PORT_FOREVER;
        if (p->deadline_ns) limit_ns = caller_watch(p);
        if (until != SKEP_FOREVER) {
            const uint64_t now = skep__port_clock_ns();
            if (now >= until) return threads_all_done(p);
            if (until - now < limit_ns) limit_ns = until - now;
        }
        atomic_store(&p->caller_asleep, 1);
        if (!threads_all_done(p)) skep__port_futex_wait(&p->caller_asleep, 1, limit_ns);
        atomic_store(&p->caller_asleep, 0);
    }
}

/* ---- starting ------------------------------------------------------------------------------- */

/* Chooses at most `want` workers, those of low numbers first, and at most `wake` that sleep. */
static uint32_t threads_choose(threads_pool *p, uint32_t want, uint64_t wake)
{
    uint32_t count = 0;
    for (uint32_t w = 1; w <= p->worker_count && count < want; w++) {
        if (!p->slots[w].context) continue;
        if (atomic_load_explicit(&p->slots[w].asleep, memory_order_relaxed)) {
            if (!wake) continue;
            wake--;
        }
        p->chosen[count++] = (uint16_t)w;
    }
    return count;
}

/* Divides the units among the caller, if it takes part, and the chosen workers, and wakes who
 * sleeps. The runs are all set before anybody is woken: a wake-up costs the caller more than a
 * whole small batch. */
static void threads_launch(threads_pool *p, const skep__pool_units *units, uint32_t count,
                           uint32_t chosen_count, uint64_t flags)
{
    const uint32_t hands = chosen_count + (p->caller_takes ? 1 : 0);
    uint32_t first = 0;
    uint32_t woken = 0;
    p->traced = skep__trace_begin(p->hand.ring);
    p->count = count;
    p->own_done = 0;
    p->running = true;
    for (uint32_t h = 0; h < hands; h++) {
        const uint32_t end = (uint32_t)((uint64_t)count * (h + 1) / hands);
        const uint32_t c = p->caller_takes ? h - 1 : h; /* wraps for the caller's own */
        const uint32_t s = c == UINT32_MAX ? 0 : p->chosen[c];
        p->slots[s].units = *units;
        p->first[s] = first;
        atomic_store(&p->slots[s].run, (uint64_t)end << 32 | first | flags);
        first = end;
    }
    for (uint32_t c = 0; c < chosen_count; c++) {
        threads_slot *slot = &p->slots[p->chosen[c]];
        if (!atomic_load(&slot->asleep) || !atomic_exchange(&slot->asleep, 0)) continue;
        atomic_store_explicit(&p->caller_cpu, skep__port_cpu_current(), memory_order_relaxed);
        skep__port_futex_wake(&slot->asleep, 1);
        woken++;
    }
    (void)skep__trace_end(p->hand.ring, SKEP__TRACE_WAKE, p->traced,
                          skep__trace_quarters(chosen_count, woken, count));
}

/* How many workers a batch of known cost is worth that the caller could do alone as well. Sleeping
 * workers are woken for what lasts longer than their waking, and when what has run here for want of
 * them adds up to as much: then it was wrong to let them sleep, and more of the kind is likely to
 * come. */
static uint32_t threads_worth(threads_pool *p, const skep_pool_batch *batch)
{
    if (batch->cost_ns < p->awake_ns) return 0;
    const uint64_t worth = batch->cost_ns / p->awake_ns;
    const uint32_t most = skep__min_u32(batch->task_count, p->cores) - 1;
    uint64_t wake = batch->cost_ns / p->wake_ns;
    if (!wake && p->debt_ns >= p->wake_ns) wake = 1;
    const uint32_t count = threads_choose(p, worth < most ? (uint32_t)worth : most, wake);
    p->debt_ns = count ? 0 : p->debt_ns + batch->cost_ns;
    return count;
}

/* Chooses who shall run a batch; 0: the caller alone. Sets `flags` of the runs and caller_takes. */
static uint32_t threads_plan(threads_pool *p, const skep_pool_batch *batch, uint64_t *flags)
{
    const uint32_t n = batch->task_count;
    *flags = batch->deadline_ns ? RUN_SINGLE : 0;
    p->caller_takes = !batch->deadline_ns;
    if (batch->flags & SKEP_BATCH_RETRY) {
        const uint32_t least = p->caller_takes ? 0 : 1;
        const uint32_t w = skep__results_untainted(&p->results, batch, least, p->worker_count);
        if (w == 0) return 0;
        if (w != UINT32_MAX && p->slots[w].context) {
            p->caller_takes = false;
            *flags |= RUN_PINNED;
            p->chosen[0] = (uint16_t)w;
            return 1;
        }
    }
    if (batch->deadline_ns) return threads_choose(p, n, p->worker_count);
    if (batch->flags & SKEP_BATCH_FORCE) {
        p->caller_takes = n > 1;
        return threads_choose(p, n > 1 ? n - 1 : 1, p->worker_count);
    }
    if (n == 1) return 0;
    if (batch->cost_ns) return threads_worth(p, batch);
    return threads_choose(p, skep__min_u32(n, p->cores) - 1, p->worker_count);
}

static skep_status threads_start(skep_pool *pool, const skep_pool_batch *batch, skep_pool_done done,
                                 void *ctx)
{
    threads_pool *p = (threads_pool *)pool;
    uint64_t flags = 0;
    SKEP_ASSERT(!p->running && !p->caller.batch);
    if (batch->task_count > SKEP_BATCH_TASKS_MAX) return SKEP_LIMIT;
    if (!batch->task_count) return SKEP_OK;
    if (SKEP_UNLIKELY(p->troubled) && !crew_look(p)) return SKEP_CLOSED;
    const uint32_t chosen_count = threads_plan(p, batch, &flags);
    if (!chosen_count) {
        skep__caller_start(&p->caller, batch, done, ctx);
        return SKEP_OK;
    }
    if (!skep__results_reserve(&p->results, &p->allocator, batch->task_count)) {
        return SKEP_NO_MEMORY;
    }
    p->done = done;
    p->ctx = ctx;
    p->deadline_ns = batch->deadline_ns;
    p->batch = batch;
    const skep__pool_units units =
        skep__units_of_batch(batch, skep__pool_measures(&p->caller.sample, batch));
    threads_launch(p, &units, batch->task_count, chosen_count, flags);
    return SKEP_OK;
}

/* Ends the batch's books. */
static void threads_settle(threads_pool *p)
{
    p->done_before = threads_done_sum(p);
    p->running = false;
}

static uint32_t threads_wait(skep_pool *pool, uint64_t timeout_ns)
{
    threads_pool *p = (threads_pool *)pool;
    const uint64_t until = skep__pool_until(timeout_ns);
    if (p->caller.batch) return skep__caller_wait(&p->caller, until);
    if (!p->running) return 0;
    if (!caller_take_part(p, until) || !caller_join(p, until)) return p->count;
    const uint64_t joined = skep__trace_end(p->hand.ring, SKEP__TRACE_TASKS, p->traced,
                                            skep__trace_pair(p->batch->number, p->count));
    skep__results_deliver(&p->results, p->batch, p->done, p->ctx);
    (void)skep__trace_end(p->hand.ring, SKEP__TRACE_VERIFY, joined, p->count);
    threads_settle(p);
    return 0;
}

static void threads_each(skep_pool *pool, uint32_t n, uint32_t grain, uint32_t count,
                         void (*work)(void *ctx, uint32_t first, uint32_t count), void *ctx)
{
    threads_pool *p = (threads_pool *)pool;
    SKEP_ASSERT(!p->running && !p->caller.batch);
    p->caller_takes = true;
    p->deadline_ns = 0;
    const skep__pool_units units = {.work = work, .ctx = ctx, .n = n, .grain = grain};
    threads_launch(p, &units, count, threads_choose(p, count - 1, p->worker_count), 0);
    caller_take_part(p, SKEP_FOREVER);
    caller_join(p, SKEP_FOREVER);
    threads_settle(p);
}

/* ---- life ----------------------------------------------------------------------------------- */

static uint32_t threads_workers(const skep_pool *pool)
{
    return ((const threads_pool *)pool)->worker_count;
}

static bool threads_worker_gone(skep_pool *pool, uint32_t worker)
{
    threads_pool *p = (threads_pool *)pool;
    bool all = true;
    for (threads_context **at = &p->abandoned; *at;) {
        threads_context *context = *at;
        if (context->worker == worker && atomic_load(&context->gone)) {
            *at = context->next;
            context_release(context);
            continue;
        }
        if (context->worker == worker) all = false;
        at = &context->next;
    }
    return all;
}

/* Tells all threads to end, and waits for each until `until`. False when one did not. */
static bool threads_end(threads_pool *p, uint64_t until)
{
    bool all = true;
    for (uint32_t w = 0; w <= p->worker_count; w++) {
        threads_slot *slot = &p->slots[w];
        atomic_store(&slot->run, 0); /* what nobody has claimed yet is dropped */
        atomic_store(&slot->quit, 1);
        atomic_store(&slot->asleep, 0);
        skep__port_futex_wake(&slot->asleep, 1);
    }
    for (uint32_t w = 1; w <= p->worker_count; w++) {
        threads_context *context = p->slots[w].context;
        if (!context) continue;
        uint64_t now = skep__port_clock_ns();
        while (!atomic_load(&context->gone) && now < until) {
            skep__port_futex_wait(&context->gone, 0, until - now);
            now = skep__port_clock_ns();
        }
        if (atomic_load(&context->gone)) {
            skep__port_thread_join(&context->thread);
        } else {
            skep__port_thread_detach(&context->thread);
            all = false;
        }
        context_release(context);
    }
    return all;
}

static void threads_free(threads_pool *p)
{
    const skep_allocator a = p->allocator;
    const size_t slot_count = (size_t)p->worker_count + 1;
    skep__results_deinit(&p->results, &a);
    skep__caller_deinit(&p->caller, &a);
    skep_trace_destroy(p->trace);
    skep__free(&a, p->supervisor, p->supervisor_bytes, 16);
    skep__free(&a, p->chosen, slot_count * sizeof *p->chosen, 16);
    skep__free(&a, p->first, slot_count * sizeof *p->first, 16);
    skep__free(&a, p->slots, slot_count * sizeof *p->slots, 128);
    skep__free(&a, p, sizeof *p, 128);
}

static void threads_destroy(skep_pool *pool)
{
    threads_pool *p = (threads_pool *)pool;
    const bool all = !p->slots || threads_end(p, skep__port_clock_ns() + DESTROY_NS);
    while (p->abandoned) {
        threads_context *context = p->abandoned;
        p->abandoned = context->next;
        context_release(context);
    }
    /* A job without deadline that never returned: its thread may still write results some day. */
    if (all) threads_free(p);
}

static const skep_pool_vtable threads_vtable = {
    .name = "threads",
    .start = threads_start,
    .wait = threads_wait,
    .workers = threads_workers,
    .worker_gone = threads_worker_gone,
    .destroy = threads_destroy,
    .each = threads_each,
};

static void tune_nothing(void *ctx, uint32_t first, uint32_t count)
{
    (void)ctx;
    (void)first;
    (void)count;
}

/* The time from giving worker 1 an empty unit to seeing it done. */
static uint64_t tune_round_trip(threads_pool *p)
{
    const skep__pool_units units = {.work = tune_nothing, .n = 1, .grain = 1};
    p->caller_takes = false;
    p->chosen[0] = 1;
    const uint64_t began = skep__port_clock_ns();
    threads_launch(p, &units, 1, 1, 0);
    caller_join(p, SKEP_FOREVER);
    const uint64_t took = skep__port_clock_ns() - began;
    threads_settle(p);
    return took;
}

static uint64_t tune_clamp(uint64_t ns, uint64_t least, uint64_t most)
{
    return ns < least ? least : ns > most ? most : ns;
}

/* Measures from which cost on workers pay: awake, when half the work is worth more than the round
 * trip; asleep, when the work lasts until the woken thread is there. The best of a few, since other
 * programs disturb; clamped, in case they disturb them all. */
static void threads_tune(threads_pool *p)
{
    uint64_t awake_ns = UINT64_MAX;
    uint64_t wake_ns = UINT64_MAX;
    for (uint32_t i = 0; i < 64; i++) {
        const uint64_t ns = tune_round_trip(p);
        if (ns < awake_ns) awake_ns = ns;
    }
    for (uint32_t i = 0; i < 3; i++) {
        const uint64_t until = skep__port_clock_ns() + 500000;
        while (!atomic_load(&p->slots[1].asleep) && skep__port_clock_ns() < until) {
            skep__port_pause();
        }
        if (!atomic_load(&p->slots[1].asleep)) break;
        const uint64_t ns = tune_round_trip(p);
        if (ns < wake_ns) wake_ns = ns;
    }
    p->awake_ns = tune_clamp(2 * awake_ns, 300, 2000);
    p->wake_ns = wake_ns == UINT64_MAX ? SKEP__POOL_WAKE_NS : tune_clamp(wake_ns, 1500, 50000);
}

skep_status skep__pool_threads_create(const skep_pool_desc *desc, skep_pool **pool)
{
    threads_pool *p = skep__alloc(&desc->allocator, sizeof *p, 128);
    if (!p) return SKEP_NO_MEMORY;
    const size_t slot_count = (size_t)desc->workers + 1;
    p->base.v = &threads_vtable;
    p->allocator = desc->allocator;
    p->worker_count = desc->workers;
    p->scratch_bytes = desc->scratch_bytes;
    p->caller.results = &p->results;
    p->trace = desc->trace;
    skep__trace_hold(p->trace);
    p->hand = (skep__pool_hand){&p->caller.room, skep__trace_ring_of(desc->trace, 0), 0};
    p->cores = skep__port_cpu_count();
    p->restart_max = desc->restart_max;
    p->log = desc->log;
    p->spin = p->cores > 1 ? desc->spin : 0;
    /* Where workers have no core of their own, the caller's spinning would take one from them. */
    p->caller_spin = desc->workers < p->cores ? p->spin : p->spin / 16;
    p->slots = skep__alloc(&p->allocator, slot_count * sizeof *p->slots, 128);
    p->chosen = skep__alloc(&p->allocator, slot_count * sizeof *p->chosen, 16);
    p->first = skep__alloc(&p->allocator, slot_count * sizeof *p->first, 16);
    bool ok = p->slots && p->chosen && p->first && skep__caller_init(&p->caller, desc) &&
              skep__results_reserve(&p->results, &p->allocator, 256);
    if (!ok || !crew_create(p)) {
        threads_destroy(&p->base);
        return SKEP_NO_MEMORY;
    }
    threads_tune(p);
    *pool = &p->base;
    return SKEP_OK;
}
