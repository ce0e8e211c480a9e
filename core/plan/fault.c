/* SPDX-License-Identifier: MIT */
/* What becomes of failures. Pools only report how tasks ended; all that follows is decided here,
 * from those reports alone, so that it is the same on every host.
 *
 *     a task    full output area: once more with a larger one, no fault. A lost worker, a deadline,
 * a trap, or bad output from another process: once more on another worker. Anything else (a job
 * that says it failed, a limit, a wrong access) would only fail again a system  any failed task
 * drops the whole output of the frame; then its `run` does the work, if it has one over time
 * fault_max faults within fault_frames bring quarantine, each one twice as long as the last. While
 * it lasts only the fallback runs
 *
 * Replay: where a fault was recorded for a system and frame, its job is not run, and the same
 * follows from the record. A job whose fault was healed is run as the second try that it was: it
 * may have crashed at the first, where a process took that, and it may be run in this one now.
 * Faults whose writes were kept happen again by themselves. */
#include "core/plan/plan_internal.h"

#include "core/base/log.h"

#define QUARANTINE_DOUBLINGS 6u

/* ---- tasks ------------------------------------------------------------------------------- */

const char *skep__cause_keep(skep_plan *p, const char *cause)
{
    if (!cause) return "it said nothing";
    size_t length = 0;
    while (length < sizeof((skep_fault *)0)->cause - 1 && cause[length]) length++;
    char *copy = skep__bump_take(p, length + 1);
    if (!copy) return "(no memory for the reason)";
    memcpy(copy, cause, length);
    copy[length] = 0;
    return copy;
}

/* Whether trying once more could end otherwise. */
static bool worth_retry(const skep__task *t, skep_status status, const skep_pool_result *result)
{
    if (t->retried || t->in_place) return false;
    switch (status) {
    case SKEP_CLOSED:
        return true;
    case SKEP_FAULT: /* skep_fail is pure; a trap or a throw may be the worker's fault */
        return !(t->system->job->flags & SKEP_JOB_MAY_FAIL);
    case SKEP_ACCESS:
        return result->output != NULL;
    default:
        return false;
    }
}

/* Whether the task only needs more room. */
static bool only_full(const skep_plan *p, const skep__task *t, const skep_pool_result *result)
{
    if (result->status != SKEP_LIMIT || t->in_place) return false;
    const size_t room = t->task->output_bytes - t->task->cells_bytes;
    return result->bytes_wanted > t->task->output_bytes && room < p->patch_bytes_max;
}

static void hung_note(skep_plan *p, skep__task *t, uint32_t worker)
{
    t->parked = true;
    t->hung_worker = worker;
    for (uint32_t i = 0; i < p->hung_count; i++) {
        if (p->hung[i] == worker) return;
    }
    if (skep__plan_grow(p, &p->hung, &p->hung_cap, p->hung_count + 1, sizeof *p->hung)) {
        p->hung[p->hung_count++] = worker;
    }
}

void skep__task_wants(const skep_plan *p, skep__task *t, const skep_pool_result *result)
{
    const size_t most = p->patch_bytes_max + t->task->cells_bytes;
    t->wanted = skep__u32(result->bytes_wanted < most ? result->bytes_wanted : most);
    t->system->output_hint |= 1; /* so that it is looked at when the batch is over */
}

static void fault_tell(const skep_plan *p, const skep__task *t, const skep_pool_result *result,
                       bool again)
{
    const skep_fault_task fault = {.system = t->system->name,
                                   .task = t->task,
                                   .job = t->system->job,
                                   .result = result,
                                   .cause = t->cause,
                                   .status = (skep_status)t->status,
                                   .in_place = t->in_place,
                                   .again = again};
    p->host.fault_task(p->host.fault_ctx, &fault);
}

void skep__task_fail(skep_plan *p, skep__task *t, skep_status status,
                     const skep_pool_result *result)
{
    if (result->writing) hung_note(p, t, result->worker);
    if (only_full(p, t, result)) {
        skep__task_wants(p, t, result);
        t->state = SKEP__TASK_FULL;
        return;
    }
    const bool again = worth_retry(t, status, result);
    if (t->retried) {
        t->retry_worker = result->worker;
    } else {
        t->status = skep__u8(status);
        t->worker = result->worker;
        t->cause = skep__cause_keep(p, t->cause ? t->cause : result->cause);
        if (p->host.fault_task) fault_tell(p, t, result, again);
    }
    t->retried |= again;
    t->state = again ? SKEP__TASK_LOST : SKEP__TASK_FAILED;
}

/* ---- systems ----------------------------------------------------------------------------- */

/* Fills a failure from one task, unless an earlier block did. */
static void failure_note(skep__plan_failure *failure, const skep__task *t, uint32_t row)
{
    failure->blocks++;
    if (failure->blocks > 1) return;
    failure->status = (skep_status)t->status;
    failure->cause = t->cause;
    failure->block = t->task->block;
    failure->row = row;
    failure->rows = t->task->rows;
    failure->worker = t->worker;
    failure->retry_worker = t->retry_worker;
    failure->retried = t->retried;
}

static void judge_tasks(skep_plan *p, skep__system *s)
{
    bool in_place = false;
    uint32_t row = 0;
    for (uint32_t i = 0; i < s->task_count; i++) {
        const skep__task *t = &p->frame.tasks[s->task_first + i];
        if (t->bytes > t->task->cells_bytes) skep__task_log(p, t);
        in_place |= t->in_place;
        if (t->state != SKEP__TASK_DONE) failure_note(&s->failure, t, row + t->row_base);
        row += t->task->rows;
    }
    if (!s->failure.blocks) return;
    s->outcome = SKEP__OUT_FAILED;
    if (!in_place) return;
    s->failure.kept = true;
    s->copies = true;
}

/* What was recorded happens again. */
static void judge_replayed(skep__system *s)
{
    const skep_fault *r = s->replayed;
    s->outcome = SKEP__OUT_FAILED;
    s->failure = (skep__plan_failure){
        .status = (skep_status)r->status,
        .cause = r->cause,
        .block = r->block,
        .blocks = r->blocks,
        .row = r->row,
        .rows = r->rows,
        .worker = r->worker,
        .retry_worker = r->retry_worker,
        .retried = r->retried,
    };
}

void skep__batch_judge(skep_plan *p)
{
    const uint32_t first = p->batches[p->frame.batch], end = p->batches[p->frame.batch + 1];
    for (uint32_t i = first; i < end; i++) {
        skep__system *s = p->schedule[i];
        if (s->outcome == SKEP__OUT_DONE && s->job) {
            judge_tasks(p, s);
        } else if (s->outcome == SKEP__OUT_DUE && s->replayed) {
            judge_replayed(s);
        }
    }
}

/* ---- records and report ------------------------------------------------------------------ */

/* Notes one more fault of a system and returns how many lie within the window. */
static uint32_t fault_strike(const skep_plan *p, skep__system_record *r, uint64_t tick)
{
    for (uint32_t i = SKEP__FAULT_TICKS - 1; i > 0; i--) r->faults[i] = r->faults[i - 1];
    r->faults[0] = tick + 1;
    uint32_t strikes = 0;
    for (uint32_t i = 0; i < SKEP__FAULT_TICKS; i++) {
        strikes += r->faults[i] && tick + 1 - r->faults[i] < p->fault_frames;
    }
    return strikes;
}

static void quarantine(const skep_plan *p, skep__system_record *r, uint64_t tick)
{
    const uint32_t doublings = skep__min_u32(r->quarantines, QUARANTINE_DOUBLINGS);
    r->until = tick + 1 + ((uint64_t)p->release_frames << doublings);
    r->quarantines++;
    memset(r->faults, 0, sizeof r->faults);
}

static void fault_fill(const skep_plan *p, const skep__system *s, skep_fault *fault)
{
    const skep__plan_failure *e = &s->failure;
    memset(fault, 0, sizeof *fault);
    fault->frame = p->frame.tick;
    (void)skep__format(fault->system, sizeof fault->system, "%s", s->name);
    (void)skep__format(fault->cause, sizeof fault->cause, "%s", e->cause ? e->cause : "");
    fault->status = (uint32_t)e->status;
    fault->block = e->block;
    fault->blocks = e->blocks;
    fault->row = e->row;
    fault->rows = e->rows;
    fault->worker = e->worker;
    fault->retry_worker = e->retry_worker;
    fault->retried = e->retried;
    fault->kept = e->kept;
    fault->strikes_max = p->fault_max;
    fault->fallback = s->outcome == SKEP__OUT_BACKED;
}

static skep_status fault_push(skep_plan *p, const skep__system *s, const skep_fault *fault)
{
    if (!skep__plan_grow(p, &p->faults, &p->fault_cap, p->fault_count + 1, sizeof *p->faults)) {
        return SKEP_NO_MEMORY;
    }
    p->faults[p->fault_count++] = *fault;
    const uint32_t what =
        fault->action | fault->status << 8 | skep__min_u32(fault->blocks, 0xffffu) << 16;
    skep__trace_at(p->ring, SKEP__TRACE_FAULT, skep__trace_begin(p->ring),
                   skep__trace_quarters(s->number, fault->worker, what));
    if (!p->log.fn) return SKEP_OK;
    char text[SKEP__LOG_TEXT_MAX];
    (void)skep_fault_text(fault, p->host.executor, text, sizeof text);
    const bool healed = fault->action == SKEP_FAULT_HEALED;
    skep__logf(&p->log, healed ? SKEP_LOG_WARN : SKEP_LOG_ERROR, "%s", text);
    return SKEP_OK;
}

/* Enters the tasks that a second try healed, as one fault. */
static skep_status healed_push(skep_plan *p, skep__system *s)
{
    skep__plan_failure healed = {0};
    uint32_t row = 0;
    for (uint32_t i = 0; i < s->task_count; i++) {
        const skep__task *t = &p->frame.tasks[s->task_first + i];
        if (t->retried && t->state == SKEP__TASK_DONE) failure_note(&healed, t, row);
        row += t->task->rows;
    }
    if (!healed.blocks) return SKEP_OK;
    const skep__plan_failure failure = s->failure;
    skep_fault fault;
    s->failure = healed;
    fault_fill(p, s, &fault);
    s->failure = failure;
    fault.action = SKEP_FAULT_HEALED;
    fault.fallback = false;
    return fault_push(p, s, &fault);
}

static skep_status failure_push(skep_plan *p, skep__system *s)
{
    skep__system_record *r = skep__system_record_write(p, s);
    if (!r) return SKEP_NO_MEMORY;
    skep_fault fault;
    fault_fill(p, s, &fault);
    fault.strikes = fault_strike(p, r, fault.frame);
    fault.action = fault.fallback ? SKEP_FAULT_FALLBACK : SKEP_FAULT_SKIPPED;
    if (s->failure.kept) fault.action = SKEP_FAULT_KEPT;
    if (fault.strikes >= p->fault_max) {
        quarantine(p, r, fault.frame);
        fault.until = r->until;
        fault.action = SKEP_FAULT_QUARANTINED;
    }
    return fault_push(p, s, &fault);
}

skep_status skep__system_faults(skep_plan *p, skep__system *s)
{
    skep_status status = SKEP_OK;
    if (p->report.retries && s->task_count) status = healed_push(p, s);
    if (status == SKEP_OK && s->failure.status != SKEP_OK) status = failure_push(p, s);
    return status;
}

/* ---- replay ------------------------------------------------------------------------------ */

skep_status skep_plan_replay(skep_plan *plan, const skep_fault *faults, uint32_t count)
{
    if (skep_frame_running(plan)) return SKEP_BUSY;
    if (!skep__plan_grow(plan, &plan->replay, &plan->replay_cap, count, sizeof *plan->replay)) {
        return SKEP_NO_MEMORY;
    }
    if (count) memcpy(plan->replay, faults, count * sizeof *faults);
    plan->replay_count = count;
    plan->replay_at = 0;
    return SKEP_OK;
}

/* Whether what was recorded can be done to the system without running it. */
static bool replayable(const skep__system *s, const skep_fault *fault)
{
    if (fault->action == SKEP_FAULT_HEALED || fault->kept) return false;
    if (s->job) return true;
    return (s->desc.flags & SKEP_SYSTEM_RUN_MAY_FAIL) != 0;
}

const skep_fault *skep__replay_find(const skep_plan *p, const skep__system *s)
{
    for (uint32_t i = p->replay_at; i < p->replay_count; i++) {
        const skep_fault *fault = &p->replay[i];
        if (fault->frame > p->frame.tick) return NULL;
        if (fault->frame < p->frame.tick || !skep__text_equal(fault->system, s->name)) continue;
        if (replayable(s, fault)) return fault;
    }
    return NULL;
}

bool skep__replay_healed(const skep_plan *p, const skep__system *s)
{
    for (uint32_t i = p->replay_at; i < p->replay_count; i++) {
        const skep_fault *fault = &p->replay[i];
        if (fault->frame > p->frame.tick) return false;
        if (fault->frame == p->frame.tick && fault->action == SKEP_FAULT_HEALED &&
            skep__text_equal(fault->system, s->name)) {
            return true;
        }
    }
    return false;
}

/* ---- text -------------------------------------------------------------------------------- */

static size_t fault_head(const skep_fault *f, const char *executor, char *out, size_t max)
{
    if (f->block == UINT32_MAX) {
        return skep__format(out, max, "fault: system \"%s\", frame %llu, its run on the caller\n",
                            f->system, (unsigned long long)f->frame);
    }
    char rows[48] = "";
    if (f->rows) {
        (void)skep__format(rows, sizeof rows, " (entities %u..%u)", f->row, f->row + f->rows - 1);
    }
    char more[32] = "";
    if (f->blocks > 1) (void)skep__format(more, sizeof more, " and %u more", f->blocks - 1);
    char worker[24] = "the caller";
    if (f->worker) (void)skep__format(worker, sizeof worker, "worker %u", f->worker);
    return skep__format(
        out, max, "fault: system \"%s\", frame %llu, block %u%s%s, %s, executor %s\n", f->system,
        (unsigned long long)f->frame, f->block, rows, more, worker, executor);
}

static size_t fault_end(const skep_fault *f, char *out, size_t max)
{
    const char *ran = f->fallback ? "its run did the work" : "skipped";
    switch (f->action) {
    case SKEP_FAULT_HEALED:
        return skep__format(out, max, "the second try succeeded; nothing was lost");
    case SKEP_FAULT_QUARANTINED:
        return skep__format(out, max, "%s; quarantined until frame %llu", ran,
                            (unsigned long long)f->until);
    case SKEP_FAULT_KEPT:
        return skep__format(out, max, "its patches were dropped (%u of %u before quarantine)",
                            f->strikes, f->strikes_max);
    default:
        return skep__format(out, max, "%s (%u of %u before quarantine)", ran, f->strikes,
                            f->strikes_max);
    }
}

size_t skep_fault_text(const skep_fault *fault, const char *executor, char *out, size_t max)
{
    char head[256], tried[96] = "", end[128];
    const bool healed = fault->action == SKEP_FAULT_HEALED;
    (void)fault_head(fault, executor ? executor : "local", head, sizeof head);
    (void)fault_end(fault, end, sizeof end);
    if (fault->retried && !healed) {
        char worker[24] = "the caller";
        if (fault->retry_worker) {
            (void)skep__format(worker, sizeof worker, "worker %u", fault->retry_worker);
        }
        (void)skep__format(tried, sizeof tried, "tried once more on %s: failed again; ", worker);
    }
    const char *writes = fault->kept ? "what it wrote to columns stays; "
                                     : "its writes of this frame were dropped; ";
    return skep__format(out, max, "%s  %s\n  %s%s%s", head, fault->cause, healed ? "" : writes,
                        tried, end);
}
