/* SPDX-License-Identifier: MIT */
/* Isolated processes: jobs that are not trusted. See include/skep/processes.h for what is promised,
 * pool_processes.h for the memory that is shared.
 *
 * The caller runs no job. It divides a batch into runs, one a child, and takes what one has done
 * while others go on. From a child that is in a task nothing is taken: that task may write over
 * what earlier ones left in the child's memory, and what a child had that crashes is run once more.
 * (With results taken beside the work, a storm with 5,330 wild writes ended with another hash;
 * without, one with 5,334 did not.) Where the host has nothing to take it spins for a moment, and
 * then sleeps on the bell. Whoever is done early gets half of what the slowest has not begun.
 *
 * An empty batch costs two cache lines: the child's order, with all that it needs to begin, and the
 * first line of its own memory, where a task that ended well and put out no patches needs no more
 * than to be counted.
 *
 * Tried and dropped: runs of which the host takes tasks by compare-and-swap from a word that the
 * child claims from too, as threads do (a third line for each batch, and a word that two may write
 * has to be believed); a second try on the same child (its memory may be damaged); ringing for each
 * task (a sleeping host was woken 60 times a batch). */
#include "pool/pool_processes.h"

#include "core/base/log.h"

/* A batch that costs less does not pay for another child that is awake. */
#define AWAKE_NS 1000u

/* Children that have so much to do each will not be done while the host spins. */
#define LONG_NS 50000u

/* Pauses before tasks are taken from one that is at work. */
#define PATIENCE_PAUSES 64u

/* Marks a task that no child has memory for. */
#define TOO_LARGE UINT32_MAX

/* How long creating waits for the first child. */
#define FIRST_NS 10000000000u

/* ---- beginning a batch ---------------------------------------------------------------------- */

static bool batch_reserve(skep__procs_pool *p, uint32_t count)
{
    void *tasks = p->tasks;
    void *pending = p->pending;
    const uint32_t ranges = count + p->worker_count + 4;
    bool ok = skep__array_grow(&p->allocator, &tasks, &p->task_cap, count, sizeof *p->tasks);
    p->tasks = tasks;
    ok = ok &&
         skep__array_grow(&p->allocator, &pending, &p->pending_cap, ranges, sizeof *p->pending);
    p->pending = pending;
    return ok;
}

/* What children are to read must be where they see it. */
static bool batch_in_region(const skep__procs_pool *p, const skep_pool_batch *batch)
{
    const uintptr_t base = (uintptr_t)p->region.base;
    const uintptr_t tasks = (uintptr_t)batch->tasks;
    return tasks >= base && tasks - base < p->region.bytes_max;
}

/* Has children replaced that failed what is tried once more: what they ran may have damaged them.
 * Retries are in the order of the batch that they failed in. */
static void batch_untaint(skep__procs_pool *p, const skep_pool_batch *batch)
{
    uint32_t at = 0;
    for (uint32_t t = 0; t < batch->task_count; t++) {
        while (at < p->task_count && p->tasks[at].task != batch->tasks[t]) at++;
        if (at == p->task_count) return;
        const skep__procs_task *ran = &p->tasks[at];
        const skep__procs_seat *s = &p->seats[ran->seat];
        if (!ran->failed || !ran->seat || s->slot == SKEP__PROCS_NONE || s->killed) continue;
        if (s->generation != ran->generation) continue;
        skep__procs_replace(p, ran->seat, SKEP__SUPER_BAD_OUTPUT);
    }
}

/* The worth of a clock's tick, better with time. */
static void batch_clock(skep__procs_pool *p)
{
    if (p->clock == skep__port_clock_ns || p->run < p->clock_run) return;
    p->clock_run = p->run + 256;
    const uint64_t ticks = p->clock() - p->began_ticks;
    if (ticks) p->ns_per_tick = (double)(skep__port_clock_ns() - p->began_ns) / (double)ticks;
}

/* Chooses at most `want` seats, and at most `wake` of which the child sleeps; the first ones first,
 * so that the same rows come back to the same child. */
static uint32_t batch_choose(const skep__procs_pool *p, uint32_t *chosen, uint32_t want,
                             uint64_t wake)
{
    uint32_t count = 0;
    uint32_t first = 0;
    for (uint32_t seat = 1; seat <= p->worker_count && count < want; seat++) {
        if (!skep__procs_idle(p, seat)) continue;
        if (!first) first = seat;
        const skep__procs_own *own = p->slots[p->seats[seat].slot].own;
        if (atomic_load_explicit(&own->asleep, memory_order_relaxed)) {
            if (!wake) continue;
            wake--;
        }
        chosen[count++] = seat;
    }
    if (!count && first) chosen[count++] = first;
    return count;
}

static uint32_t batch_hands(const skep__procs_pool *p, const skep_pool_batch *batch)
{
    const uint32_t most = skep__min_u32(batch->task_count, p->worker_count);
    if (!batch->cost_ns || (batch->flags & SKEP_BATCH_FORCE)) {
        return batch_choose(p, p->chosen, most, most);
    }
    const uint64_t worth = batch->cost_ns / AWAKE_NS;
    const uint32_t want = worth < most ? skep__max_u32((uint32_t)worth, 1) : most;
    return batch_choose(p, p->chosen, want, batch->cost_ns / SKEP__PROCS_WAKE_NS);
}

/* Decides how long to look for results before sleeping, and who wakes the host then. */
static void batch_patience(skep__procs_pool *p, uint32_t hands)
{
    const uint64_t cost_ns = p->batch->cost_ns / skep__max_u32(hands, 1);
    const bool lasts = cost_ns > LONG_NS;
    p->early_ns = 0;
    if (lasts && hands > 1) p->early_ns = skep__port_clock_ns() + cost_ns + cost_ns / 4;
    p->wait_spin = p->flags & SKEP__PROCS_CROWDED ? p->spin / 16 : p->spin;
    if (lasts) p->wait_spin = 0;
}

static uint32_t batch_weight(const skep_pool_task *task)
{
    return task->rows + 64;
}

/* Divides the batch among the chosen seats by their rows. */
static void batch_divide(skep__procs_pool *p, uint32_t hands)
{
    const skep_pool_task *const *tasks = p->batch->tasks;
    const uint32_t n = p->batch->task_count;
    uint64_t whole = 0;
    uint64_t sum = 0;
    uint32_t t = 0;
    for (uint32_t i = 0; hands > 1 && i < n; i++) whole += batch_weight(tasks[i]);
    for (uint32_t h = 0; h < hands && t < n; h++) {
        const uint32_t first = t;
        const uint32_t rest = hands - h - 1; /* each of them gets at least one */
        if (!rest) t = n;
        while (t < n && (t == first || (n - t > rest && sum * hands < whole * (h + 1)))) {
            sum += batch_weight(tasks[t++]);
        }
        skep__procs_assign(p, p->chosen[h], (skep__procs_range){first, t});
    }
}

/* Leaves all to be divided later: nobody is there, or some tasks can run nowhere. */
static void batch_hold(skep__procs_pool *p)
{
    const uint32_t n = p->batch->task_count;
    uint32_t end = n;
    for (uint32_t t = n; t > 0; t--) {
        const bool large = p->tasks[t - 1].bytes == TOO_LARGE;
        if (!large && t > 1) continue;
        const uint32_t first = large ? t : t - 1;
        if (first < end) p->pending[p->pending_count++] = (skep__procs_range){first, end};
        end = t - 1;
    }
}

/* Works out what tasks put out; how many put out more than a child has room for. */
static uint32_t batch_sizes(skep__procs_pool *p, const skep_pool_batch *batch)
{
    uint32_t large = 0;
    for (uint32_t t = 0; t < batch->task_count; t++) {
        const size_t bytes = skep_task_layout(batch->tasks[t]);
        const bool fits = bytes <= p->output_bytes;
        large += !fits;
        p->tasks[t].task = NULL;
        p->tasks[t].bytes = fits ? skep__u32(bytes) : TOO_LARGE;
    }
    return large;
}

static skep_status batch_check(skep__procs_pool *p, const skep_pool_batch *batch)
{
    if (p->broken) return SKEP_CLOSED;
    if (batch->task_count > SKEP_BATCH_TASKS_MAX) return SKEP_LIMIT;
    if (!batch_in_region(p, batch)) {
        skep__logf(&p->log, SKEP_LOG_ERROR,
                   "processes: the batch does not lie in the pool's region");
        return SKEP_ARGUMENT;
    }
    return batch_reserve(p, batch->task_count) ? SKEP_OK : SKEP_NO_MEMORY;
}

static skep_status procs_start(skep_pool *pool, const skep_pool_batch *batch, skep_pool_done done,
                               void *ctx)
{
    skep__procs_pool *p = (skep__procs_pool *)pool;
    SKEP_ASSERT(!p->batch);
    if (!batch->task_count) return SKEP_OK;
    skep_status status = batch_check(p, batch);
    if (status != SKEP_OK) return status;
    skep__procs_look(p);
    if (SKEP_UNLIKELY(batch->flags & SKEP_BATCH_RETRY)) batch_untaint(p, batch);
    status = skep__procs_jobs(p, batch);
    if (status != SKEP_OK) return status;
    p->batch = batch;
    p->done = done;
    p->ctx = ctx;
    p->task_count = p->left = batch->task_count;
    p->pending_count = 0;
    p->cause_used = 0;
    p->unblamed = 0;
    p->measure = skep__pool_measures(&p->sample, batch) || batch->deadline_ns;
    p->traced = skep__trace_begin(p->ring);
    p->flags = batch->flags | (p->traced || p->measure ? SKEP__PROCS_TIMED : 0u);
    if (p->measure) batch_clock(p);
    p->large = batch_sizes(p, batch);
    const uint32_t hands = p->large ? 0 : batch_hands(p, batch);
    const bool cheap = batch->cost_ns && batch->cost_ns / batch->task_count < AWAKE_NS;
    p->chunk = cheap || hands == 1 ? 4 : 1;
    if (hands >= p->cores) p->flags |= SKEP__PROCS_CROWDED;
    if (hands) {
        batch_divide(p, hands);
    } else {
        batch_hold(p);
    }
    batch_patience(p, hands);
    if (SKEP_UNLIKELY(p->forks_due)) skep__procs_fork(p);
    (void)skep__trace_end(p->ring, SKEP__TRACE_WAKE, p->traced,
                          skep__trace_quarters(hands, 0, batch->task_count));
    return SKEP_OK;
}

/* ---- waiting -------------------------------------------------------------------------------- */

/* Reports tasks that put out more than a child has room for. */
static void wait_large(skep__procs_pool *p)
{
    for (uint32_t t = 0; t < p->task_count && p->large; t++) {
        if (p->tasks[t].bytes != TOO_LARGE) continue;
        const skep_pool_result result = {
            .task = t,
            .status = SKEP_LIMIT,
            .cause = "the task may put out more than a worker has room for: raise "
                     "output_bytes_max, or give it fewer rows",
            .bytes = p->batch->tasks[t]->cells_bytes,
        };
        p->large--;
        p->left--;
        p->tasks[t].bytes = 0;
        p->done(p->ctx, &result);
    }
}

/* The last task has been taken. */
static void wait_end(skep__procs_pool *p)
{
    (void)skep__trace_end(p->ring, SKEP__TRACE_TASKS, p->traced,
                          skep__trace_pair(p->batch->number, p->task_count));
    p->batch = NULL;
}

static uint32_t procs_wait(skep_pool *pool, uint64_t timeout_ns)
{
    skep__procs_pool *p = (skep__procs_pool *)pool;
    if (!p->batch) return 0;
    const uint64_t until = skep__pool_until(timeout_ns);
    const uint32_t grace = skep__min_u32(PATIENCE_PAUSES, p->wait_spin);
    if (SKEP_UNLIKELY(p->large)) wait_large(p);
    for (uint32_t spun = 0; p->left; spun++) {
        skep__procs_look(p);
        if (SKEP_UNLIKELY(p->broken)) {
            skep__procs_fail_pending(p, "the pool of processes has failed: see the log");
        }
        if (skep__procs_collect(p)) spun = 0;
        if (!p->left) break;
        if ((spun >= grace || p->pending_count) && skep__procs_balance(p)) spun = 0;
        if (SKEP_UNLIKELY(p->forks_due)) skep__procs_fork(p);
        if (spun < p->wait_spin && until == SKEP_FOREVER) {
            skep__port_pause();
            continue;
        }
        const uint64_t now_ns = skep__port_clock_ns();
        if (now_ns >= until) return p->left;
        if (spun < p->wait_spin) continue;
        skep__procs_tick(p, now_ns);
        skep__procs_sleep(p, until);
    }
    wait_end(p);
    return 0;
}

/* ---- life ----------------------------------------------------------------------------------- */

static uint32_t procs_workers(const skep_pool *pool)
{
    return ((const skep__procs_pool *)pool)->worker_count;
}

/* A worker that was given up is surely gone before it is reported. */
static bool procs_worker_gone(skep_pool *pool, uint32_t worker)
{
    (void)pool;
    (void)worker;
    return true;
}

static void procs_free(skep__procs_pool *p)
{
    const skep_allocator a = p->allocator;
    const size_t seats = (size_t)p->worker_count + 1;
    skep_trace_destroy(p->trace);
    skep__free(&a, p->seats, seats * sizeof *p->seats, 16);
    skep__free(&a, p->busy, seats * sizeof *p->busy, 16);
    skep__free(&a, p->chosen, seats * sizeof *p->chosen, 16);
    skep__free(&a, p->slots, p->slot_count * sizeof *p->slots, 16);
    skep__free(&a, p->lists, SKEP__PROCS_LISTS * sizeof *p->lists, 16);
    skep__free(&a, p->known, SKEP__PROCS_JOBS * sizeof *p->known, 16);
    skep__free(&a, p->addresses, SKEP__PROCS_JOBS * sizeof *p->addresses, 16);
    skep__free(&a, p->causes, SKEP__PROCS_CAUSES_BYTES, 16);
    skep__free(&a, p->super, p->super_bytes, 16);
    skep__free(&a, p->tasks, p->task_cap * sizeof *p->tasks, 16);
    skep__free(&a, p->pending, p->pending_cap * sizeof *p->pending, 16);
    skep__free(&a, p, sizeof *p, 16);
}

static void procs_destroy(skep_pool *pool)
{
    skep__procs_pool *p = (skep__procs_pool *)pool;
    skep__procs_close(p);
    procs_free(p);
}

static const skep_pool_vtable procs_vtable = {
    .name = "processes",
    .elsewhere = true,
    .killable = true,
    .start = procs_start,
    .wait = procs_wait,
    .workers = procs_workers,
    .worker_gone = procs_worker_gone,
    .destroy = procs_destroy,
};

/* The memory of all that is known of children. */
static bool procs_alloc(skep__procs_pool *p)
{
    const size_t seats = (size_t)p->worker_count + 1;
    skep__super_rules rules = skep__super_rules_default(p->worker_count);
    rules.restart_max = p->restart_max;
    p->super_bytes = skep__supervisor_bytes(&rules);
    void *super = skep__alloc(&p->allocator, p->super_bytes, 16);
    p->seats = skep__alloc(&p->allocator, seats * sizeof *p->seats, 16);
    p->busy = skep__alloc(&p->allocator, seats * sizeof *p->busy, 16);
    p->chosen = skep__alloc(&p->allocator, seats * sizeof *p->chosen, 16);
    p->slots = skep__alloc(&p->allocator, p->slot_count * sizeof *p->slots, 16);
    p->lists = skep__alloc(&p->allocator, SKEP__PROCS_LISTS * sizeof *p->lists, 16);
    p->known = skep__alloc(&p->allocator, SKEP__PROCS_JOBS * sizeof *p->known, 16);
    p->addresses = skep__alloc(&p->allocator, SKEP__PROCS_JOBS * sizeof *p->addresses, 16);
    p->causes = skep__alloc(&p->allocator, SKEP__PROCS_CAUSES_BYTES, 16);
    if (super) p->super = skep__supervisor_init(super, &rules);
    for (size_t seat = 0; p->seats && seat < seats; seat++) p->seats[seat].slot = SKEP__PROCS_NONE;
    return super && p->seats && p->busy && p->chosen && p->slots && p->lists && p->known &&
           p->addresses && p->causes && batch_reserve(p, 256);
}

/* Starts the children, and waits until there is one. */
static skep_status procs_begin(skep__procs_pool *p)
{
    p->now_ns = skep__port_clock_ns();
    const uint64_t limit = p->now_ns + FIRST_NS;
    skep_status status = skep__procs_open(p);
    if (status != SKEP_OK) return status;
    skep__super_begin(p->super, p->now_ns);
    while (!p->broken && p->now_ns < limit) {
        skep__procs_tick(p, skep__port_clock_ns());
        for (uint32_t seat = 1; seat <= p->worker_count; seat++) {
            if (skep__procs_idle(p, seat)) return SKEP_OK;
        }
        skep__procs_sleep(p, limit);
    }
    if (!p->broken) {
        skep__logf(&p->log, SKEP_LOG_ERROR, "processes: no worker came to life within 10 seconds");
    }
    return SKEP_NO_MEMORY;
}

static skep_status procs_wrong(const skep_pool_desc *desc)
{
    if (!desc->region || !desc->region->base) {
        skep__logf(&desc->log, SKEP_LOG_ERROR,
                   "processes: the pool needs the region that jobs read: open one with "
                   "skep_processes_region_open");
        return SKEP_ARGUMENT;
    }
    if (!desc->workers) {
        skep__logf(&desc->log, SKEP_LOG_ERROR,
                   "processes: the caller runs no jobs, so at least one worker is needed (knob "
                   "workers)");
        return SKEP_ARGUMENT;
    }
    return SKEP_OK;
}

skep_status skep__pool_processes_create(const skep_pool_desc *desc, skep_pool **pool)
{
    skep_status status = procs_wrong(desc);
    if (status != SKEP_OK) return status;
    skep__procs_pool *p = skep__alloc(&desc->allocator, sizeof *p, 16);
    if (!p) return SKEP_NO_MEMORY;
    p->base.v = &procs_vtable;
    p->allocator = desc->allocator;
    p->log = desc->log;
    p->processes = desc->processes;
    p->region = *desc->region;
    p->worker_count = desc->workers;
    p->slot_count = desc->workers + SKEP__PROCS_SPARES;
    p->restart_max = desc->restart_max;
    p->output_bytes = (size_t)1 << 21;
    while (p->output_bytes < desc->output_bytes_max) p->output_bytes *= 2;
    p->scratch_bytes = desc->scratch_bytes;
    p->scratch_offset = skep__align(sizeof(skep__procs_own), 4096);
    p->cores = skep__port_cpu_count();
    p->spin = p->cores > 1 ? desc->spin : 0;
    p->sample = 0x9E3779B9u;
    p->trace = desc->trace;
    skep__trace_hold(p->trace);
    p->ring = skep__trace_ring_of(desc->trace, 0);
    p->clock = p->ring ? p->ring->clock : skep__port_ticks_best();
    p->ns_per_tick = 1;
    p->began_ns = skep__port_clock_ns();
    p->began_ticks = p->clock();
    status = procs_alloc(p) ? procs_begin(p) : SKEP_NO_MEMORY;
    if (status != SKEP_OK) {
        procs_destroy(&p->base);
        return status;
    }
    *pool = &p->base;
    return SKEP_OK;
}
