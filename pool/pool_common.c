/* SPDX-License-Identifier: MIT */
/* The parts that local, threads and foreign pools share.
 *
 * A result is kept as a brief of 16 bytes; cause and wanted bytes, which only trouble has, lie
 * elsewhere. Briefs are written by the thread that ran the task and read once by the caller, so
 * every line of them crosses between cores: the public struct of 80 bytes cost five times the
 * lines. */
#include "pool/pool_common.h"

/* ---- looking ahead -------------------------------------------------------------------------- */

/* The lines of each column that are brought in: with fewer the processor still waits for the first
 * ones, with more they are in each other's way. And the rows below which it does not pay. */
#define AHEAD_LINES 8u
#define AHEAD_ROWS 512u

static void ahead_column(const uint8_t *at)
{
    for (uint32_t line = 0; at && line < AHEAD_LINES; line++) SKEP_PREFETCH(at + line * 64u);
}

/* Has the first lines of what a task will read brought in, while the one before it runs: columns
 * lie in blocks of their own, where the processor's own looking ahead begins anew each time. */
static void task_ahead(const skep_pool_task *task, const skep_job *const *jobs)
{
    const skep_job *job = jobs[task->job];
    const skep_task_part *part = task->parts;
    if (task->span || part->n < AHEAD_ROWS) return;
    for (uint32_t w = 0; w < part->write_count; w++) ahead_column(part->writes[w].from);
    for (uint32_t a = 0; a < job->access_count; a++) {
        const skep_access *access = &job->access[a];
        const bool columns = access->mode <= SKEP_MODE_opt;
        for (uint32_t f = 0; columns && f < access->component->field_count; f++) {
            const uint8_t *at = NULL;
            memcpy(&at, (const uint8_t *)part->columns + access->offset + f * sizeof at, sizeof at);
            ahead_column(at);
        }
    }
}

/* ---- on the caller -------------------------------------------------------------------------- */

bool skep__caller_init(skep__caller *caller, const skep_pool_desc *desc)
{
    caller->sample = 0x9E3779B9u;
    caller->ring = skep__trace_ring_of(desc->trace, 0);
    caller->room.scratch_bytes = desc->scratch_bytes;
    if (!desc->scratch_bytes) return true;
    caller->room.scratch = desc->allocator.alloc(desc->allocator.ctx, desc->scratch_bytes, 64);
    return caller->room.scratch != NULL;
}

void skep__caller_deinit(skep__caller *caller, const skep_allocator *allocator)
{
    skep__free(allocator, caller->room.scratch, caller->room.scratch_bytes, 64);
}

bool skep__pool_measures(uint32_t *sample, const skep_pool_batch *batch)
{
    uint32_t x = *sample; /* xorshift32 */
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *sample = x;
    return batch->cost_ns == 0 || x >> 28 == 0;
}

void skep__caller_start(skep__caller *caller, const skep_pool_batch *batch, skep_pool_done done,
                        void *ctx)
{
    SKEP_ASSERT(!caller->batch);
    if (!batch->task_count) return;
    caller->batch = batch;
    caller->done = done;
    caller->ctx = ctx;
    caller->next = 0;
    caller->traced = skep__trace_begin(caller->ring);
}

uint32_t skep__caller_wait(skep__caller *caller, uint64_t until)
{
    const skep_pool_batch *batch = caller->batch;
    if (!batch) return 0;
    const bool measure = caller->next == 0 && skep__pool_measures(&caller->sample, batch);
    const bool clock = measure || until != SKEP_FOREVER;
    uint64_t now = clock ? skep__port_clock_ns() : 0;
    uint64_t at = skep__trace_begin(caller->ring);
    skep_pool_result result = {0};
    for (uint32_t t = caller->next; t < batch->task_count; t++) {
        if (t + 1 < batch->task_count) task_ahead(batch->tasks[t + 1], batch->jobs);
        skep_task_run(batch->tasks[t], batch->jobs, batch->flags, &caller->room, &result);
        at = skep__trace_end(caller->ring, SKEP__TRACE_BLOCK, at,
                             skep__pool_traced(batch->tasks[t]));
        if (clock) {
            const uint64_t then = now;
            now = skep__port_clock_ns();
            result.duration_ns = measure ? now - then : 0;
        }
        result.task = t;
        if (SKEP_UNLIKELY(result.status != SKEP_OK) && caller->results) {
            skep__results_remember(caller->results, batch->tasks[t], 0);
        }
        caller->done(caller->ctx, &result);
        /* Taking patches may last; nothing else does. */
        if (result.bytes != batch->tasks[t]->cells_bytes) at = skep__trace_begin(caller->ring);
        caller->next = t + 1;
        if (now >= until && caller->next < batch->task_count) return batch->task_count - t - 1;
    }
    (void)skep__trace_end(caller->ring, SKEP__TRACE_TASKS, caller->traced,
                          skep__trace_pair(batch->number, batch->task_count));
    caller->batch = NULL;
    return 0;
}

uint64_t skep__pool_until(uint64_t timeout_ns)
{
    if (timeout_ns == SKEP_FOREVER) return SKEP_FOREVER;
    const uint64_t now = skep__port_clock_ns();
    return timeout_ns < SKEP_FOREVER - now ? now + timeout_ns : SKEP_FOREVER;
}

/* ---- results -------------------------------------------------------------------------------- */

bool skep__results_reserve(skep__pool_results *results, const skep_allocator *allocator,
                           uint32_t count)
{
    void *briefs = results->briefs;
    void *details = results->details;
    bool ok =
        skep__array_grow(allocator, &briefs, &results->brief_cap, count, sizeof(skep__pool_brief));
    ok = ok && skep__array_grow(allocator, &details, &results->detail_cap, count,
                                sizeof(skep__pool_detail));
    results->briefs = briefs;
    results->details = details;
    return ok;
}

void skep__results_deinit(skep__pool_results *results, const skep_allocator *allocator)
{
    skep__free(allocator, results->briefs, results->brief_cap * sizeof(skep__pool_brief), 16);
    skep__free(allocator, results->details, results->detail_cap * sizeof(skep__pool_detail), 16);
}

void skep__results_put(skep__pool_results *results, const skep_pool_result *result)
{
    skep__pool_brief *brief = &results->briefs[result->task];
    uint32_t more = result->writing ? SKEP__BRIEF_WRITING : 0u;
    if (SKEP_UNLIKELY(result->cause || result->bytes_wanted)) {
        more |= SKEP__BRIEF_DETAIL;
        results->details[result->task] = (skep__pool_detail){result->cause, result->bytes_wanted};
    }
    const skep__pool_brief now = {.duration_ns = result->duration_ns,
                                  .bytes = skep__u32(result->bytes),
                                  .worker = skep__u16(result->worker),
                                  .status = skep__u8(result->status),
                                  .more = skep__u8(more)};
    if (memcmp(brief, &now, sizeof now) != 0) *brief = now;
}

void skep__results_remember(skep__pool_results *results, const skep_pool_task *task,
                            uint32_t worker)
{
    const uint32_t at = results->failed_next++ % SKEP__POOL_FAILURES;
    results->failed[at] = task;
    results->failed_worker[at] = skep__u16(worker);
}

void skep__results_deliver(skep__pool_results *results, const skep_pool_batch *batch,
                           skep_pool_done done, void *ctx)
{
    skep_pool_result result = {0};
    for (uint32_t t = 0; t < batch->task_count; t++) {
        const skep__pool_brief *brief = &results->briefs[t];
        result.task = t;
        result.status = (skep_status)brief->status;
        result.bytes = brief->bytes;
        result.duration_ns = brief->duration_ns;
        result.worker = brief->worker;
        result.writing = (brief->more & SKEP__BRIEF_WRITING) != 0;
        result.cause = NULL;
        result.bytes_wanted = 0;
        if (SKEP_UNLIKELY(brief->more & SKEP__BRIEF_DETAIL)) {
            result.cause = results->details[t].cause;
            result.bytes_wanted = results->details[t].bytes_wanted;
            /* A lost worker was replaced: its number is a new worker's now. */
            if (result.status != SKEP_OK && result.status != SKEP_CLOSED) {
                skep__results_remember(results, batch->tasks[t], brief->worker);
            }
        }
        done(ctx, &result);
    }
}

/* Says whether `worker` failed one of the batch's tasks, as far as is remembered. */
static bool results_tainted(const skep__pool_results *results, const skep_pool_batch *batch,
                            uint32_t worker)
{
    for (uint32_t f = 0; f < SKEP__POOL_FAILURES; f++) {
        if (!results->failed[f] || results->failed_worker[f] != worker) continue;
        for (uint32_t t = 0; t < batch->task_count; t++) {
            if (batch->tasks[t] == results->failed[f]) return true;
        }
    }
    return false;
}

uint32_t skep__results_untainted(const skep__pool_results *results, const skep_pool_batch *batch,
                                 uint32_t first, uint32_t worker_count)
{
    for (uint32_t w = first; w <= worker_count; w++) {
        if (!results_tainted(results, batch, w)) return w;
    }
    return UINT32_MAX;
}

/* ---- units ---------------------------------------------------------------------------------- */

static void units_run_tasks(const skep__pool_units *units, skep__pool_results *results,
                            uint32_t first, uint32_t end, const skep__pool_hand *hand)
{
    uint64_t now = units->measure ? skep__port_clock_ns() : 0;
    uint64_t at = skep__trace_begin(hand->ring);
    skep_pool_result result = {0};
    result.worker = hand->worker;
    for (uint32_t t = first; t < end; t++) {
        if (t + 1 < end) task_ahead(units->tasks[t + 1], units->jobs);
        skep_task_run(units->tasks[t], units->jobs, units->flags, hand->room, &result);
        at = skep__trace_end(hand->ring, SKEP__TRACE_BLOCK, at, skep__pool_traced(units->tasks[t]));
        if (units->measure) {
            const uint64_t then = now;
            now = skep__port_clock_ns();
            result.duration_ns = now - then;
        }
        result.task = t;
        skep__results_put(results, &result);
    }
}

void skep__units_run(const skep__pool_units *units, skep__pool_results *results, uint32_t first,
                     uint32_t end, const skep__pool_hand *hand)
{
    if (units->tasks) {
        units_run_tasks(units, results, first, end, hand);
        return;
    }
    const uint64_t began = skep__trace_begin(hand->ring);
    for (uint32_t u = first; u < end; u++) {
        const uint32_t at = u * units->grain; /* below n */
        units->work(units->ctx, at, skep__min_u32(units->grain, units->n - at));
    }
    (void)skep__trace_end(hand->ring, SKEP__TRACE_HOST, began, SKEP__TRACE_NAME_PIECES);
}
