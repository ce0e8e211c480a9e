/* SPDX-License-Identifier: MIT */
/* Runs: which child gets which tasks, and what came out of them.
 *
 * A seat's run are tasks first to end - 1; of these its child knows those below `published`, and
 * those below `taken` were delivered:
 *
 *     first <= taken <= published <= end
 *
 * `published` is as far as there is room for output and records. What is not published yet can be
 * given to another child as it is. What is published, by lowering the span: if the child has
 * claimed more meanwhile, it keeps that much.
 *
 * Nothing that a child writes is looked at twice: each word is read once, checked against the four
 * numbers above, and then used. A word that cannot be is a lie, and ends the child. Output is not
 * checked here at all; it is copied home by whoever takes results, and checked there.
 *
 * Why the child's end of a run is the host's: `done` says that the child has read the last it will
 * read of the batch. Where the host lowered a span below tasks that were never claimed, the child
 * looks at the span once more before it begins anything. */
#include "pool/pool_processes.h"

/* Children that are lost though they were in no task that they had: so many a batch are bad luck.
 * What they had is given out one by one, and if that goes on, it is the task. */
#define UNBLAMED_MAX 3u

static uint64_t ticks_ns(const skep__procs_pool *p, uint64_t ticks)
{
    return (uint64_t)((double)ticks * p->ns_per_tick);
}

const char *skep__procs_cause_keep(skep__procs_pool *p, const char *text)
{
    size_t length = 0;
    while (text[length] && length < SKEP__PROCS_CAUSE_BYTES - 1) length++;
    if (length + 1 > SKEP__PROCS_CAUSES_BYTES - p->cause_used)
        return "(no room for more reasons of one batch)";
    char *kept = p->causes + p->cause_used;
    for (size_t i = 0; i < length; i++) {
        const uint8_t byte = (uint8_t)text[i];
        kept[i] = text[i];
        if (byte < 32 || byte == 127) kept[i] = '?';
    }
    kept[length] = 0;
    p->cause_used += skep__u32(length + 1);
    return kept;
}

bool skep__procs_idle(const skep__procs_pool *p, uint32_t seat)
{
    const skep__procs_seat *s = &p->seats[seat];
    return s->slot != SKEP__PROCS_NONE && !s->run && !s->killed;
}

/* ---- giving --------------------------------------------------------------------------------- */

/* Whether a task can be told of: there is room for its output and record, and what was not taken
 * yet is of its own system. */
static bool run_fits(const skep__procs_pool *p, const skep__procs_seat *s, uint32_t t)
{
    const skep_pool_task *const *tasks = p->batch->tasks;
    const uint64_t used = p->tasks[t].at + p->tasks[t].bytes - p->tasks[s->taken].at;
    return t - s->taken < SKEP__PROCS_RECORDS && used <= s->window &&
           tasks[t]->system_key == tasks[s->taken]->system_key;
}

/* Tells a child of all that it can be told of. */
static void run_publish(skep__procs_pool *p, skep__procs_seat *s)
{
    skep__procs_slot *slot = &p->slots[s->slot];
    uint32_t t = s->published;
    while (t < s->end && run_fits(p, s, t)) t++;
    if (t == s->published) return;
    s->published = t;
    atomic_store(&slot->order->span, skep__procs_word(s->run, t));
    if (!atomic_load(&slot->own->asleep)) return;
    atomic_store_explicit(&slot->order->cpu, skep__port_cpu_current(), memory_order_relaxed);
    atomic_fetch_add(&slot->order->kick, 1);
    skep__port_shared_wake(&slot->order->kick, 1);
}

/* Works out where the outputs of a run will lie. */
static void run_place(skep__procs_pool *p, skep__procs_seat *s)
{
    uint64_t most = 0;
    for (uint32_t t = s->first; t < s->end; t++) {
        if (p->tasks[t].bytes > most) most = p->tasks[t].bytes;
    }
    s->window = most <= SKEP__PROCS_WINDOW / 4 ? SKEP__PROCS_WINDOW : p->output_bytes;
    uint64_t at = 0;
    for (uint32_t t = s->first; t < s->end; t++) {
        at = skep__procs_place(at, p->tasks[t].bytes, s->window);
        p->tasks[t].at = at;
        at += p->tasks[t].bytes;
    }
}

/* Writes what differs: a word that stays the same leaves its line in the child's cache. */
static void order_u64(_Atomic uint64_t *word, uint64_t value)
{
    if (atomic_load_explicit(word, memory_order_relaxed) == value) return;
    atomic_store_explicit(word, value, memory_order_relaxed);
}

static void order_u32(_Atomic uint32_t *word, uint32_t value)
{
    if (atomic_load_explicit(word, memory_order_relaxed) == value) return;
    atomic_store_explicit(word, value, memory_order_relaxed);
}

void skep__procs_assign(skep__procs_pool *p, uint32_t seat, skep__procs_range range)
{
    skep__procs_seat *s = &p->seats[seat];
    SKEP_ASSERT(skep__procs_idle(p, seat) && range.first < range.end);
    skep__procs_order *order = p->slots[s->slot].order;
    if (++p->run == 0) p->run = 1;
    s->run = p->run;
    s->first = s->taken = s->published = range.first;
    s->end = range.end;
    s->given = false;
    s->at_seen = 0;
    s->lie = NULL;
    run_place(p, s);
    p->busy[p->busy_count++] = seat;
    order_u64(&order->tasks, (uint64_t)(uintptr_t)p->batch->tasks);
    order_u64(&order->window, s->window);
    order_u32(&order->first, s->first);
    order_u32(&order->flags, p->flags);
    order_u32(&order->jobs, p->jobs_at);
    order_u32(&order->chunk, p->chunk);
    run_publish(p, s);
}

/* ---- taking back ---------------------------------------------------------------------------- */

/* How many tasks of a run may be given to a thief: those that its child has not begun. A run that
 * sleeps still goes to somebody who is awake, and to nobody else: it would only be taken to and
 * fro. What the child says is not to be relied on yet. */
static uint32_t run_spare(const skep__procs_pool *p, const skep__procs_seat *s, bool thief_awake)
{
    const skep__procs_own *own = p->slots[s->slot].own;
    const uint64_t word = atomic_load_explicit(&own->claim, memory_order_relaxed);
    const bool begun = word >> 32 == s->run;
    const bool sleeps = atomic_load_explicit(&own->asleep, memory_order_relaxed) == 1;
    const uint32_t claim = begun ? (uint32_t)word : s->first;
    if (!begun && !(thief_awake && sleeps)) return 0;
    return claim < s->end ? s->end - skep__max_u32(claim, s->taken) : 0;
}

/* Takes up to `want` tasks from the end of a run. */
static skep__procs_range run_take_back(skep__procs_pool *p, skep__procs_seat *s, uint32_t want)
{
    skep__procs_slot *slot = &p->slots[s->slot];
    skep__procs_range range = {s->end - want, s->end};
    if (range.first < s->published) {
        atomic_store(&slot->order->span, skep__procs_word(s->run, range.first));
        const uint64_t word = atomic_load(&slot->own->claim);
        uint32_t claim = word >> 32 == s->run ? (uint32_t)word : s->first;
        if (claim > s->published) claim = s->published; /* a lie: it will be found out */
        if (claim > range.first) {
            range.first = claim;
            atomic_store(&slot->order->span, skep__procs_word(s->run, claim));
            /* It may have taken its claim back, and gone to sleep. */
            atomic_fetch_add(&slot->order->kick, 1);
            if (atomic_load(&slot->own->asleep)) skep__port_shared_wake(&slot->order->kick, 1);
        }
        s->published = range.first;
    }
    s->end = range.first;
    return range;
}

/* A run that is over. */
static void run_over(skep__procs_pool *p, uint32_t seat)
{
    skep__procs_seat *s = &p->seats[seat];
    if (s->given) {
        const uint32_t generation = s->generation;
        (void)skep__super_done(p->super, seat, generation, s->run, p->now_ns);
    } else if (!s->worked) {
        skep__super_worked(p->super, seat, s->generation);
    }
    s->worked = true;
    s->given = false;
    s->run = 0;
    for (uint32_t i = 0; i < p->busy_count; i++) {
        if (p->busy[i] != seat) continue;
        p->busy[i] = p->busy[--p->busy_count];
        return;
    }
}

/* The seat that has most to spare for a thief; 0: none has. */
static uint32_t balance_victim(const skep__procs_pool *p, bool awake, uint32_t *most)
{
    uint32_t victim = 0;
    *most = 0;
    for (uint32_t i = 0; i < p->busy_count; i++) {
        const skep__procs_seat *s = &p->seats[p->busy[i]];
        const uint32_t left = s->killed ? 0 : run_spare(p, s, awake);
        if (left <= *most) continue;
        *most = left;
        victim = p->busy[i];
    }
    return victim;
}

/* Whether half of so many tasks are worth waking somebody. */
static bool balance_pays(const skep__procs_pool *p, uint32_t left)
{
    const skep_pool_batch *batch = p->batch;
    if (!batch->cost_ns) return true;
    return batch->cost_ns / batch->task_count * left >= 2 * SKEP__PROCS_WAKE_NS;
}

/* Finds tasks for an idle seat: what nobody has, else half of what somebody has not begun. */
static bool balance_range(skep__procs_pool *p, uint32_t thief, skep__procs_range *range)
{
    if (p->pending_count) {
        *range = p->pending[--p->pending_count];
        return true;
    }
    const skep__procs_own *own = p->slots[p->seats[thief].slot].own;
    const bool awake = !atomic_load_explicit(&own->asleep, memory_order_relaxed);
    uint32_t left = 0;
    const uint32_t victim = balance_victim(p, awake, &left);
    if (!victim || (!awake && !balance_pays(p, left))) return false;
    skep__procs_seat *s = &p->seats[victim];
    *range = run_take_back(p, s, (left + 1) / 2);
    if (s->taken == s->end) run_over(p, victim);
    return range->first < range->end;
}

bool skep__procs_balance(skep__procs_pool *p)
{
    bool some = false;
    if (p->broken) return false;
    for (uint32_t seat = 1; seat <= p->worker_count; seat++) {
        if (!p->pending_count && !p->busy_count) return some;
        skep__procs_range range;
        if (!skep__procs_idle(p, seat)) continue;
        if (!balance_range(p, seat, &range)) continue;
        skep__procs_assign(p, seat, range);
        some = true;
    }
    return some;
}

/* ---- results -------------------------------------------------------------------------------- */

/* A result of task t, that the plan gets. */
static void result_deliver(skep__procs_pool *p, uint32_t seat, const skep_pool_result *result)
{
    skep__procs_task *task = &p->tasks[result->task];
    task->task = p->batch->tasks[result->task];
    task->seat = (uint16_t)seat;
    task->generation = p->seats[seat].generation;
    const bool full = result->status == SKEP_LIMIT && result->bytes_wanted;
    task->failed = !full;
    SKEP_ASSERT(p->left);
    p->left--;
    p->done(p->ctx, result);
}

/* What a record says, read once. False, with a lie, when it cannot be. */
static bool record_read(skep__procs_pool *p, skep__procs_seat *s, uint32_t t,
                        skep_pool_result *result)
{
    const skep_pool_task *task = p->batch->tasks[t];
    const uint32_t at = t % SKEP__PROCS_RECORDS;
    skep__procs_own *own = p->slots[s->slot].own;
    const skep__procs_record *record = &own->record[at];
    const uint32_t status = atomic_load_explicit(&record->status, memory_order_relaxed);
    result->bytes = atomic_load_explicit(&record->bytes, memory_order_relaxed);
    result->bytes_wanted = atomic_load_explicit(&record->wanted, memory_order_relaxed);
    result->status = SKEP_OK;
    if (result->bytes > task->output_bytes || result->bytes < task->cells_bytes) {
        s->lie = "it reported more or less output than a task can have";
        return false;
    }
    if (status == SKEP_OK) return true;
    if (status != SKEP_FAULT && status != SKEP_LIMIT && status != SKEP_ACCESS) {
        s->lie = "it reported an end that no task can have";
        return false;
    }
    char text[SKEP__PROCS_CAUSE_BYTES];
    memcpy(text, own->cause[at], sizeof text);
    text[sizeof text - 1] = 0;
    result->status = (skep_status)status;
    result->cause = skep__procs_cause_keep(p, text);
    return true;
}

/* Writes the task into the worker's ring, at times that are in order whatever the child says, and
 * says how long it took. */
static uint64_t record_trace(skep__procs_pool *p, uint32_t seat, uint32_t t, uint64_t now)
{
    skep__procs_seat *s = &p->seats[seat];
    const skep__procs_own *own = p->slots[s->slot].own;
    const skep__procs_record *record = &own->record[t % SKEP__PROCS_RECORDS];
    const uint32_t i = t - s->first;
    const bool few = i < SKEP__PROCS_TIMES;
    const _Atomic uint64_t *from = !few ? &record->begin : i ? &own->end[i - 1] : &own->begin;
    const _Atomic uint64_t *to = few ? &own->end[i] : &record->end;
    uint64_t begin = atomic_load_explicit(from, memory_order_relaxed);
    uint64_t end = atomic_load_explicit(to, memory_order_relaxed);
    if (begin < s->traced) begin = s->traced;
    if (begin < p->traced) begin = p->traced;
    if (begin > now) begin = now;
    if (end > now) end = now;
    if (end < begin) end = begin;
    s->traced = end;
    skep__trace_ring *ring = p->traced ? skep__trace_ring_of(p->trace, seat) : NULL;
    if (ring) {
        skep__trace_put(ring, SKEP__TRACE_BLOCK, begin, end, skep__pool_traced(p->batch->tasks[t]));
    }
    return end - begin;
}

/* Tasks below `end` have ended. */
static void run_take(skep__procs_pool *p, uint32_t seat, uint32_t end)
{
    skep__procs_seat *s = &p->seats[seat];
    const skep__procs_slot *slot = &p->slots[s->slot];
    const uint64_t word = atomic_load_explicit(&slot->own->odd, memory_order_relaxed);
    const uint32_t odd = word >> 32 == s->run ? (uint32_t)word : UINT32_MAX;
    const bool timed = (p->flags & SKEP__PROCS_TIMED) != 0;
    const uint64_t now = timed ? p->clock() : 0;
    skep_pool_result result = {.worker = seat};
    while (s->taken < end) {
        const uint32_t t = s->taken;
        result.task = t;
        result.cause = NULL;
        result.bytes = p->batch->tasks[t]->cells_bytes;
        result.bytes_wanted = 0;
        if (SKEP_UNLIKELY(t >= odd) && !record_read(p, s, t, &result)) return;
        if (SKEP_LIKELY(t < odd)) result.status = SKEP_OK;
        result.output = NULL;
        if (p->tasks[t].bytes) {
            result.output =
                slot->output + skep__procs_offset(p->tasks[t].at, s->window, p->output_bytes);
        }
        result.duration_ns = 0;
        if (timed) {
            const uint64_t ticks = record_trace(p, seat, t, now);
            if (p->measure) result.duration_ns = ticks_ns(p, ticks) + 1;
        }
        s->taken = t + 1;
        result_deliver(p, seat, &result);
    }
}

/* How far the child of a run is; what it says is checked. */
static uint32_t run_reported(const skep__procs_pool *p, skep__procs_seat *s)
{
    const uint64_t word = atomic_load_explicit(&p->slots[s->slot].own->done, memory_order_acquire);
    if (SKEP_LIKELY(word >> 32 != s->run)) return s->taken;
    const uint32_t done = (uint32_t)word;
    if (SKEP_LIKELY(done >= s->taken && done <= s->published)) return done;
    s->lie = "it reported tasks as done that it was not given, or once more";
    return s->taken;
}

bool skep__procs_collect_seat(skep__procs_pool *p, uint32_t seat)
{
    skep__procs_seat *s = &p->seats[seat];
    const uint32_t done = run_reported(p, s);
    /* While it is in a task, that task may write over what lies untaken in its memory. */
    const bool some = done != s->taken && done == s->published;
    if (some) {
        const uint64_t began = skep__trace_begin(p->ring);
        const uint32_t count = done - s->taken;
        run_take(p, seat, done);
        (void)skep__trace_end(p->ring, SKEP__TRACE_VERIFY, began, count);
    }
    if (SKEP_UNLIKELY(s->lie != NULL) && !s->killed) {
        skep__procs_replace(p, seat, SKEP__SUPER_LIED);
        return true;
    }
    if (!some) return false;
    if (s->taken == s->end) {
        run_over(p, seat);
    } else if (!s->killed) {
        run_publish(p, s);
    }
    return true;
}

bool skep__procs_collect(skep__procs_pool *p)
{
    bool some = false;
    for (uint32_t i = 0; i < p->busy_count;) {
        const uint32_t seat = p->busy[i];
        if (!p->seats[seat].killed) some |= skep__procs_collect_seat(p, seat);
        if (i < p->busy_count && p->busy[i] == seat) i++;
    }
    return some;
}

/* ---- what was lost -------------------------------------------------------------------------- */

static void pending_add(skep__procs_pool *p, uint32_t first, uint32_t end)
{
    if (first == end) return;
    SKEP_ASSERT(p->pending_count < p->pending_cap);
    p->pending[p->pending_count++] = (skep__procs_range){first, end};
}

static void lost_deliver(skep__procs_pool *p, uint32_t seat, uint32_t t, const char *cause,
                         uint64_t duration_ns)
{
    const skep_pool_result result = {.task = t,
                                     .status = SKEP_CLOSED,
                                     .cause = cause,
                                     .duration_ns = duration_ns,
                                     .worker = seat};
    result_deliver(p, seat, &result);
}

/* Reports the task that a lost child was in. */
static void settle_blame(skep__procs_pool *p, uint32_t seat, uint32_t t, const char *cause)
{
    skep__procs_seat *s = &p->seats[seat];
    const uint64_t now = p->clock();
    uint64_t begin = atomic_load_explicit(&p->slots[s->slot].own->at_begin, memory_order_relaxed);
    if (!(p->flags & SKEP__PROCS_TIMED) || begin < s->traced) begin = s->traced;
    if (begin < p->traced) begin = p->traced;
    if (!begin || begin > now) begin = now;
    const skep_pool_task *task = p->batch->tasks[t];
    if (p->ring && p->traced) {
        s->empty_at = skep__trace_end(p->ring, SKEP__TRACE_LOST, begin,
                                      skep__trace_quarters(task->system, seat, task->block));
    }
    lost_deliver(p, seat, t, skep__procs_cause_keep(p, cause), ticks_ns(p, now - begin));
}

void skep__procs_settle(skep__procs_pool *p, uint32_t seat, const char *cause)
{
    skep__procs_seat *s = &p->seats[seat];
    if (!s->run) return;
    const uint32_t first = s->taken;
    const uint32_t end = s->end;
    const uint64_t word = atomic_load_explicit(&p->slots[s->slot].own->at, memory_order_relaxed);
    uint32_t at = (uint32_t)word;
    bool in = word >> 32 == s->run && at >= first && at < s->published;
    if (!in && end - first == 1 && p->unblamed >= UNBLAMED_MAX) {
        in = true;
        at = first;
    }
    if (in) {
        pending_add(p, at + 1, end);
        pending_add(p, first, at);
        settle_blame(p, seat, at, cause);
    } else {
        p->unblamed++;
        for (uint32_t t = end; t > first; t--) pending_add(p, t - 1, t);
    }
    s->given = false; /* the supervisor was told */
    s->worked = true;
    run_over(p, seat);
}

void skep__procs_fail_pending(skep__procs_pool *p, const char *cause)
{
    while (p->pending_count) {
        const skep__procs_range range = p->pending[--p->pending_count];
        for (uint32_t t = range.first; t < range.end; t++) lost_deliver(p, 0, t, cause, 0);
    }
}
