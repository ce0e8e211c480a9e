/* SPDX-License-Identifier: MIT */
/* The frame as a state machine. The host asks what is next and says what ended; nothing here waits.
 *
 *     BATCH  -> tasks are made        -> ISSUE
 *     ISSUE  -> hand them out         -> RUNS
 *     RUNS   -> main-thread systems, one step each; then WAIT until all tasks are in -> SETTLE
 *     SETTLE -> some need another try -> ISSUE, else they are judged -> BACKUP
 *     BACKUP -> fallbacks of those that failed, one step each -> COMMIT
 *     COMMIT -> the batch reaches the world -> BATCH, or END
 *
 * What is due is decided when the frame begins, so enabling a system inside a frame counts from the
 * next one on. Completions may come in any order: nothing but the tasks' own entries is touched by
 * them, and all that follows walks systems and blocks in order. */
#include "core/plan/plan_internal.h"

#include "core/base/log.h"
#include "core/data/apply.h"
#include "core/data/data.h"

static uint32_t batch_first(const skep_plan *p)
{
    return p->batches[p->frame.batch];
}

static uint32_t batch_end(const skep_plan *p)
{
    return p->batches[p->frame.batch + 1];
}

/* ---- beginning --------------------------------------------------------------------------- */

/* Takes the writes that were queued from outside. What cannot be made is dropped as a whole and
 * told: kept, it would stand in the way of every frame to come. */
static void outside_settle(skep_plan *p)
{
    skep_world *w = p->world;
    skep__apply_report report = {0, 0};
    if (!w->outside.used) return;
    skep_status status = skep__outside_prepare(w);
    if (status == SKEP_OK) {
        const skep__apply_buffer buffer = {w->outside.bytes, w->outside.used, NULL};
        status = skep__apply(w, &buffer, 1, &report);
        if (status != SKEP_OK) skep__commands_return(p, &w->outside, 0, w->outside.used);
    }
    if (status != SKEP_OK) {
        report = (skep__apply_report){0, w->outside.count};
        w->dropped += w->outside.count;
        skep__logf(&p->log, SKEP_LOG_ERROR, "%u writes from outside were dropped: %s",
                   w->outside.count, w->error_text);
    }
    skep__commands_clear(&w->outside);
    if (w->note_count) (void)skep__flush(w, &report);
    p->report.patches += report.patches;
    p->report.dropped += report.dropped;
}

/* Decides whether a system runs in this frame. */
static skep_status due_decide(skep_plan *p, skep__system *s)
{
    const uint64_t tick = p->frame.tick;
    const skep__system_record *r = skep__system_record_read(p, s);
    s->outcome = SKEP__OUT_IDLE;
    if (SKEP_UNLIKELY(!r || r->key != s->key)) {
        const skep_status status = skep__record_refind(p, s);
        if (status != SKEP_OK) return status;
        r = skep__system_record_read(p, s);
    }
    if (SKEP_UNLIKELY(r->disabled) || (s->startup && r->started)) return SKEP_OK;
    if (s->every > 1 && tick % s->every) return SKEP_OK;
    s->fallback_only = r->until > tick;
    if (SKEP_UNLIKELY(s->fallback_only) && !(s->job && s->run)) return SKEP_OK;
    s->outcome = SKEP__OUT_DUE;
    p->batch_info[s->batch].due++;
    s->replayed = p->replay_count && !s->fallback_only ? skep__replay_find(p, s) : NULL;
    s->failure.status = SKEP_OK;
    s->failure.blocks = 0;
    s->failure.kept = false;
    s->failure.retried = false;
    p->frame.special |= s->fallback_only || s->replayed;
    s->command_first = 0;
    s->command_end = 0;
    s->task_count = 0;
    s->copied = 0;
    s->in_place = 0;
    return SKEP_OK;
}

static void frame_reset(skep_plan *p, float dt)
{
    skep__frame *f = &p->frame;
    const uint64_t overlaps = p->report.overlaps;
    memset(&p->report, 0, sizeof p->report);
    p->report.overlaps = overlaps;
    p->fault_count = 0;
    f->dt = dt;
    f->tick = p->world->tick;
    f->first_ns = 0;
    f->batch = 0;
    f->running = NULL;
    f->before = NULL;
    f->special = false;
    for (uint32_t b = 0; b < p->batch_count; b++) p->batch_info[b].due = 0;
    while (p->replay_at < p->replay_count && p->replay[p->replay_at].frame < f->tick) {
        p->replay_at++;
    }
}

static skep_status begin_ready(skep_plan *p, float dt)
{
    if (skep_frame_running(p)) {
        p->report.overlaps++;
        return SKEP_BUSY;
    }
    if (!(dt >= 0.0f)) return SKEP_ARGUMENT;
    const skep_status status = skep_plan_build(p);
    for (uint32_t i = 0; status == SKEP_PLAN && i < p->mistake_count; i++) {
        skep__logf(&p->log, SKEP_LOG_ERROR, "%s", skep_plan_mistake(p, i));
    }
    if (status != SKEP_OK) return status;
    if (p->parked_bytes <= p->parked_bytes_max) return SKEP_OK;
    return skep__world_fail(p->world, SKEP_LIMIT,
                            "%zu bytes wait for hung workers, parked_bytes_max is %zu",
                            p->parked_bytes, p->parked_bytes_max);
}

skep_status skep_frame_begin(skep_plan *plan, float dt, double time)
{
    skep_world *w = plan->world;
    const uint64_t began = skep__trace_begin(plan->ring);
    skep_status status = begin_ready(plan, dt);
    if (status != SKEP_OK) return status;
    skep__snapshots_drain(w);
    frame_reset(plan, dt);
    status = skep__world_settle(w);
    if (status != SKEP_OK) return status;
    outside_settle(plan);
    status = skep__inputs_deliver(w);
    for (uint32_t i = 0; i < plan->system_count && status == SKEP_OK; i++) {
        status = due_decide(plan, plan->systems[i]);
    }
    if (status != SKEP_OK) return status;
    if (time >= 0.0) w->time = time;
    plan->frame.traced_frame = began;
    w->mode = SKEP__WRITE_QUEUE;
    plan->frame.phase = SKEP__PHASE_BATCH;
    return SKEP_OK;
}

bool skep_frame_running(const skep_plan *plan)
{
    return plan->frame.phase != SKEP__PHASE_IDLE;
}

/* ---- a batch ----------------------------------------------------------------------------- */

static bool is_job(const skep__system *s)
{
    return s->outcome == SKEP__OUT_DUE && s->job && !s->fallback_only && !s->replayed;
}

static bool is_run(const skep__system *s)
{
    return s->outcome == SKEP__OUT_DUE && !s->job && !s->replayed;
}

/* Owning a small table that a snapshot holds copies all its columns, to which others may have
 * pointers by then: so all such copies are made before the first task is. */
static void batch_own(skep_plan *p)
{
    const skep__data *data = p->world->data;
    if (!data || !data->live_count) return;
    skep__store *store = &p->world->store;
    for (uint32_t i = batch_first(p); i < batch_end(p); i++) {
        skep__system *s = p->schedule[i];
        if ((!is_job(s) && !is_run(s)) || s->everything) continue;
        if (!s->rows || skep__system_match(p, s) != SKEP_OK) continue;
        for (uint32_t m = 0; m < s->match_count; m++) {
            skep__table *t = store->tables[s->matches[m].table];
            const skep__plan_match *at = &s->matches[m];
            const skep__plan_col *c = &s->cols[at->reads + at->read_count];
            if (!t->small_slot || !t->row_count || !at->write_count) continue;
            (void)skep__own_cell(store, t, 0, c->column); /* what fails here fails again later */
        }
    }
}

/* What the batch's tasks share, and whether they may write in place. */
static skep_status batch_share(skep_plan *p)
{
    skep__frame *f = &p->frame;
    const skep_world *w = p->world;
    const skep__plan_batch *info = &p->batch_info[f->batch];
    f->job_count = info->jobs;
    f->preparing = info->reduces;
    f->judging = f->special;
    f->cost_known = true;
    f->cost_ns = 0;
    f->deadline_ns = info->deadline_ns ? info->deadline_ns : p->host.deadline_ns;
    f->in_place_allowed =
        !p->host.elsewhere && !(p->host.batch_flags & SKEP_BATCH_CHECK) && !f->deadline_ns;
    if (!f->job_count) return SKEP_OK;
    f->shared = skep__bump_take(p, sizeof *f->shared);
    f->jobs = skep__bump_take(p, f->job_count * sizeof *f->jobs);
    if (!f->shared || !f->jobs) return SKEP_NO_MEMORY;
    memcpy(f->jobs, p->jobs + batch_first(p), f->job_count * sizeof *f->jobs);
    *f->shared = (skep_task_frame){w->time, f->tick, w->seed, f->dt, 0};
    return SKEP_OK;
}

/* A system that could not even be built failed like any other. */
static void build_failed(skep_plan *p, skep__system *s, skep_status status)
{
    for (uint32_t i = 0; i < s->task_count; i++) {
        p->frame.tasks[s->task_first + i].state = SKEP__TASK_FAILED;
    }
    p->frame.judging = true;
    s->outcome = SKEP__OUT_FAILED;
    s->failure.status = status;
    s->failure.cause = "no memory for its tasks: the region is full (bytes_max)";
    s->failure.block = 0;
    s->failure.blocks = 1;
    s->failure.row = 0;
    s->failure.rows = 0;
    s->failure.worker = 0;
}

/* Brings what building a system reads closer: its own hot lines, and those of its first table. */
static void build_prefetch(const skep_plan *p, const skep__system *near, const skep__system *far)
{
    for (size_t at = 0; at < offsetof(skep__system, desc); at += 64) {
        SKEP_PREFETCH((const uint8_t *)far + at);
    }
    if (!near->match_count || near->matches[0].table >= p->world->store.table_count) return;
    const skep__table *t = p->world->store.tables[near->matches[0].table];
    SKEP_PREFETCH(t);
    SKEP_PREFETCH((const uint8_t *)t + 64);
    SKEP_PREFETCH(near->cols);
    SKEP_PREFETCH(near->base);
}

/* Makes a system's tasks, or runs it at once. Of two that follow each other so, the second begins
 * when the first ends: one look at the clock for each. */
static skep_status system_make_tasks(skep_plan *p, skep__system *s)
{
    skep__frame *f = &p->frame;
    if (!skep__system_runs_here(p, s)) {
        f->traced_here = 0;
        return skep__system_build(p, s);
    }
    const uint64_t began = f->traced_here ? f->traced_here : skep__trace_begin(p->ring);
    const skep_status status = skep__system_run_here(p, s);
    const uint64_t what = skep__trace_quarters(s->number, s->blocks, s->row_count);
    f->traced_here = skep__trace_end(p->ring, SKEP__TRACE_SYSTEM, began, what);
    return status;
}

static skep_status batch_build(skep_plan *p)
{
    skep__frame *f = &p->frame;
    const uint32_t end = batch_end(p);
    for (uint32_t i = batch_first(p); i < end; i++) {
        skep__system *s = p->schedule[i];
        build_prefetch(p, p->schedule[i + 1 < end ? i + 1 : i],
                       p->schedule[i + 2 < end ? i + 2 : i]);
        if (!is_job(s)) continue;
        s->cost_sum = 0;
        s->cost_known = true;
        const skep_status status = system_make_tasks(p, s);
        if (SKEP_UNLIKELY(status != SKEP_OK)) {
            build_failed(p, s, status);
            continue;
        }
        s->outcome = SKEP__OUT_DONE;
        f->preparing |= s->stamped;
        f->cost_known &= s->cost_ns || !s->task_count;
        f->cost_ns += s->cost_ns;
        p->report.rows += s->row_count;
    }
    if (!skep__plan_grow(p, &f->issue, &f->issue_cap, f->task_count, sizeof *f->issue)) {
        return SKEP_NO_MEMORY;
    }
    f->issue_count = 0;
    for (uint32_t i = 0; i < f->task_count; i++) {
        if (f->tasks[i].state == SKEP__TASK_OUT) f->issue[f->issue_count++] = i;
    }
    return SKEP_OK;
}

/* What was healed when it was recorded begins with its second try. */
static uint32_t batch_replay_flags(const skep_plan *p)
{
    const uint32_t end = p->batches[p->frame.batch + 1];
    for (uint32_t i = batch_first(p); i < end && p->replay_count; i++)
        if (is_job(p->schedule[i]) && skep__replay_healed(p, p->schedule[i]))
            return SKEP_BATCH_RETRY;
    return 0;
}

/* Begins the next batch that has something to do; there may be none. */
static skep_status batch_begin(skep_plan *p)
{
    skep__frame *f = &p->frame;
    skep_world *w = p->world;
    while (f->batch < p->batch_count && !p->batch_info[f->batch].due) f->batch++;
    if (f->batch == p->batch_count) {
        f->phase = SKEP__PHASE_END;
        return SKEP_OK;
    }
    f->stamp = w->stamp++;
    f->event_seq = w->event_seq;
    f->task_count = 0;
    f->fresh_count = 0;
    f->zeros = NULL;
    f->issue_flags = batch_replay_flags(p);
    skep__bump_reset(&f->bump);
    p->report.batches++;
    const uint64_t began = skep__trace_begin(p->ring);
    f->traced_here = began;
    batch_own(p);
    skep_status status = batch_share(p);
    if (status == SKEP_OK) status = batch_build(p);
    (void)skep__trace_end(p->ring, SKEP__TRACE_SNAPSHOT, began,
                          skep__trace_pair(f->batch + 1, f->issue_count));
    f->system = batch_first(p);
    f->phase = f->issue_count ? SKEP__PHASE_ISSUE : SKEP__PHASE_RUNS;
    return status;
}

/* ---- handing out ------------------------------------------------------------------------- */

static skep_status issue(skep_plan *p, skep_step *step)
{
    skep__frame *f = &p->frame;
    const uint32_t n = f->issue_count;
    const skep_pool_task **tasks = skep__bump_take(p, n * sizeof *tasks);
    if (!tasks) return SKEP_NO_MEMORY;
    for (uint32_t i = 0; i < n; i++) {
        skep__task *t = &f->tasks[f->issue[i]];
        tasks[i] = t->task;
        t->state = SKEP__TASK_OUT;
        t->waiting = true;
    }
    f->pool = (skep_pool_batch){
        .tasks = tasks,
        .jobs = f->jobs,
        .task_count = n,
        .job_count = f->job_count,
        .cost_ns = f->cost_known ? f->cost_ns : 0,
        .deadline_ns = f->deadline_ns,
        .flags = p->host.batch_flags | f->issue_flags,
        .number = f->batch + 1,
    };
    f->outstanding = n;
    p->report.tasks += n;
    step->kind = SKEP_STEP_TASKS;
    step->batch = &f->pool;
    step->stage = p->schedule[batch_first(p)]->stage;
    f->phase = SKEP__PHASE_RUNS;
    return SKEP_OK;
}

/* Prepares second tries. A task that finds no memory for one has failed. */
static void collect_again(skep_plan *p)
{
    skep__frame *f = &p->frame;
    f->issue_count = 0;
    f->issue_flags = 0;
    f->cost_known = false;
    for (uint32_t i = 0; i < f->task_count && f->judging; i++) {
        skep__task *t = &f->tasks[i];
        if (SKEP_LIKELY(t->state != SKEP__TASK_FULL && t->state != SKEP__TASK_LOST)) continue;
        const bool full = t->state == SKEP__TASK_FULL;
        if (skep__task_rebuild(p, t) != SKEP_OK) {
            t->state = SKEP__TASK_FAILED;
            t->status = SKEP_NO_MEMORY;
            if (full)
                t->cause = "no memory for a larger output area: the region is full (bytes_max)";
            continue;
        }
        if (full) {
            p->report.reruns++;
        } else {
            p->report.retries++;
        }
        /* A second try that needs more room stays one. */
        if (t->retried) f->issue_flags = SKEP_BATCH_RETRY;
        f->issue[f->issue_count++] = i;
    }
}

/* ---- main-thread systems ----------------------------------------------------------------- */

static skep_status run_start(skep_plan *p, skep__system *s, bool fallback, skep_step *step)
{
    skep__frame *f = &p->frame;
    skep_world *w = p->world;
    if (s->desc.flags & SKEP_SYSTEM_RUN_MAY_FAIL) {
        const skep_status status = skep_snapshot_take(w, &f->before);
        if (status != SKEP_OK) return status;
    }
    f->running = s;
    f->fallback = fallback;
    s->command_first = w->batch.used;
    s->command_end = w->batch.used;
    w->mode = SKEP__WRITE_BATCH;
    w->running = s->everything ? NULL : &s->allowed;
    step->kind = SKEP_STEP_RUN;
    step->fallback = fallback;
    step->system = s->name;
    step->run = s->desc.run;
    step->ctx = s->desc.ctx;
    step->dt = f->dt;
    step->stage = s->stage;
    f->traced_run = skep__trace_begin(p->ring);
    return SKEP_OK;
}

/* The next main-thread system of the batch, or waiting, or done. One that may fail is not run
 * beside tasks: its snapshot would hold blocks that they are writing. */
static skep_status next_run(skep_plan *p, skep_step *step)
{
    skep__frame *f = &p->frame;
    if (!p->batch_info[f->batch].runs) f->system = batch_end(p);
    for (; f->system < batch_end(p); f->system++) {
        skep__system *s = p->schedule[f->system];
        if (!is_run(s)) continue;
        if ((s->desc.flags & SKEP_SYSTEM_SKIP_EMPTY) && !skep__system_matches_rows(p, s)) {
            s->outcome = SKEP__OUT_IDLE;
            continue;
        }
        if ((s->desc.flags & SKEP_SYSTEM_RUN_MAY_FAIL) && f->outstanding) break;
        f->system++;
        return run_start(p, s, false, step);
    }
    if (f->outstanding) {
        step->kind = SKEP_STEP_WAIT;
    } else if (f->system == batch_end(p)) {
        f->phase = SKEP__PHASE_SETTLE;
    }
    return SKEP_OK;
}

static bool wants_fallback(const skep__system *s)
{
    if (!s->job || !s->run) return false;
    if (s->outcome == SKEP__OUT_DUE) return s->fallback_only;
    if (s->outcome != SKEP__OUT_FAILED || s->failure.kept) return false;
    return !s->replayed || s->replayed->fallback;
}

static skep_status next_fallback(skep_plan *p, skep_step *step)
{
    skep__frame *f = &p->frame;
    if (!f->judging) f->system = batch_end(p);
    for (; f->system < batch_end(p); f->system++) {
        skep__system *s = p->schedule[f->system];
        if (!wants_fallback(s)) continue;
        f->system++;
        return run_start(p, s, true, step);
    }
    f->phase = SKEP__PHASE_COMMIT;
    return SKEP_OK;
}

/* Takes back what a failed run queued, and what it wrote if that was kept for the purpose. */
static skep_status run_undo(skep_plan *p, const skep__system *s)
{
    skep_world *w = p->world;
    skep__commands *c = &w->batch;
    skep_status status = SKEP_OK;
    if (p->frame.before) {
        status = skep__restore(w, p->frame.before);
    } else {
        skep__commands_return(p, c, s->command_first, c->used);
    }
    size_t at = s->command_first;
    const skep_patch_header *head = NULL;
    const uint8_t *payload = NULL;
    while (skep__patch_next(c->bytes, c->used, &at, &head, &payload)) c->count--;
    c->used = s->command_first;
    c->generation++;
    return status;
}

skep_status skep_frame_run_done(skep_plan *plan, skep_status status, const char *cause)
{
    skep__frame *f = &plan->frame;
    skep_world *w = plan->world;
    skep__system *s = f->running;
    if (!s) return SKEP_ARGUMENT;
    skep_status result = SKEP_OK;
    (void)skep__trace_end(plan->ring, SKEP__TRACE_RUN, f->traced_run,
                          skep__trace_quarters(s->number, f->fallback, 0));
    w->mode = SKEP__WRITE_QUEUE;
    w->running = NULL;
    if (status != SKEP_OK) {
        if (!f->fallback || s->fallback_only) {
            s->failure = (skep__plan_failure){.status = status, .block = UINT32_MAX, .blocks = 1};
            s->failure.cause = skep__cause_keep(plan, cause ? cause : skep_status_text(status));
        }
        f->judging = true;
        s->outcome = SKEP__OUT_FAILED;
        result = run_undo(plan, s);
    } else {
        s->outcome = f->fallback ? SKEP__OUT_BACKED : SKEP__OUT_DONE;
    }
    s->command_end = w->batch.used;
    if (f->before) skep_snapshot_release(f->before);
    f->before = NULL;
    f->running = NULL;
    return result;
}

skep_status skep_frame_run(skep_plan *plan, const skep_step *step)
{
    skep_world *w = plan->world;
    if (step->kind != SKEP_STEP_RUN || !plan->frame.running) return SKEP_ARGUMENT;
    w->error_text[0] = 0;
    const skep_status status = step->run(step->ctx, w, step->dt);
    const char *cause = w->error_text[0] ? w->error_text : NULL;
    return skep_frame_run_done(plan, status, cause);
}

/* ---- completions ------------------------------------------------------------------------- */

static bool too_late(const skep__task *t, const skep_pool_result *result)
{
    const uint64_t deadline = t->system->deadline_ns;
    return deadline && result->duration_ns > deadline;
}

void skep__task_ended(skep_plan *plan, skep__task *t, const skep_pool_result *result)
{
    skep__frame *f = &plan->frame;
    t->system->cost_sum += result->duration_ns;
    t->system->cost_known &= result->duration_ns != 0;
    const char *first_cause = t->retried ? t->cause : NULL; /* the second try's is not kept */
    t->cause = NULL;
    t->bytes = 0;
    skep_status status = result->status;
    if (SKEP_LIKELY(status == SKEP_OK)) {
        const bool plain = !result->output && result->bytes == t->task->cells_bytes;
        if (SKEP_LIKELY(plain)) {
            t->bytes = t->task->cells_bytes;
            t->spawned = 0;
        } else {
            status = skep__task_take(plan, t, result);
        }
        if (SKEP_UNLIKELY(status == SKEP_OK && too_late(t, result))) {
            status = SKEP_CLOSED;
            t->cause = "it took longer than its deadline";
        }
        if (SKEP_UNLIKELY(result->bytes_wanted)) skep__task_wants(plan, t, result);
    } else if (status != SKEP_CLOSED && skep__task_take(plan, t, result) == SKEP_OK) {
        t->cause = NULL; /* taken for its log lines only */
    }
    if (SKEP_LIKELY(status == SKEP_OK)) {
        t->state = SKEP__TASK_DONE;
        t->cause = first_cause;
        f->judging |= t->bytes > t->task->cells_bytes && !t->system->patches; /* log lines */
        return;
    }
    f->judging = true;
    if (result->status != SKEP_OK) t->cause = NULL;
    if (t->retried) t->cause = first_cause;
    skep__task_fail(plan, t, status, result);
}

skep_status skep_frame_task_done(skep_plan *plan, const skep_pool_result *result)
{
    skep__frame *f = &plan->frame;
    if (!f->outstanding || result->task >= f->issue_count) return SKEP_ARGUMENT;
    skep__task *t = &f->tasks[f->issue[result->task]];
    if (!t->waiting) return SKEP_ARGUMENT;
    t->waiting = false;
    f->outstanding--;
    skep__task_ended(plan, t, result);
    return SKEP_OK;
}

void skep_frame_result(void *plan, const skep_pool_result *result)
{
    const skep_status status = skep_frame_task_done(plan, result);
    SKEP_ASSERT(status == SKEP_OK);
    (void)status;
}

/* ---- the machine ------------------------------------------------------------------------- */

static skep_status settle(skep_plan *p)
{
    skep__frame *f = &p->frame;
    collect_again(p);
    if (f->issue_count) {
        f->phase = SKEP__PHASE_ISSUE;
        return SKEP_OK;
    }
    if (f->judging || (p->log.fn && p->batch_info[f->batch].patches)) skep__batch_judge(p);
    f->system = batch_first(p);
    f->phase = SKEP__PHASE_BACKUP;
    return SKEP_OK;
}

static skep_status commit(skep_plan *p)
{
    skep__frame *f = &p->frame;
    const uint64_t began = skep__trace_begin(p->ring);
    const skep_status status = skep__batch_commit(p);
    if (SKEP_UNLIKELY(p->hung_count)) skep__bump_park(p);
    (void)skep__trace_end(p->ring, SKEP__TRACE_COMMIT, began,
                          skep__trace_pair(f->batch + 1, p->batch_info[f->batch].due));
    for (skep__plan_watcher *w = p->watchers; w && status == SKEP_OK; w = w->next)
        w->batch(w->ctx, f->batch);
    f->batch++;
    f->phase = SKEP__PHASE_BATCH;
    return status;
}

static skep_status advance(skep_plan *p, skep_step *step)
{
    switch (p->frame.phase) {
    case SKEP__PHASE_BATCH:
        return batch_begin(p);
    case SKEP__PHASE_ISSUE:
        return issue(p, step);
    case SKEP__PHASE_RUNS:
        return next_run(p, step);
    case SKEP__PHASE_SETTLE:
        return settle(p);
    case SKEP__PHASE_BACKUP:
        return next_fallback(p, step);
    case SKEP__PHASE_COMMIT:
        return commit(p);
    default:
        step->kind = SKEP_STEP_END;
        return SKEP_OK;
    }
}

/* No kind at all: the machine goes on. */
#define STEP_OPEN ((skep_step_kind)0x7f)

skep_status skep_frame_next(skep_plan *plan, uint64_t now_ns, skep_step *step)
{
    skep__frame *f = &plan->frame;
    if (f->phase == SKEP__PHASE_IDLE) return SKEP_ARGUMENT;
    if (f->running) return SKEP_BUSY;
    if (!f->first_ns) f->first_ns = now_ns;
    plan->report.time_ns = now_ns - f->first_ns;
    memset(step, 0, sizeof *step);
    step->kind = STEP_OPEN;
    skep_status status = SKEP_OK;
    while (status == SKEP_OK && step->kind == STEP_OPEN) status = advance(plan, step);
    return status;
}

/* Writes the frame and its counters. */
static void frame_trace(const skep_plan *p)
{
    const skep_world *w = p->world;
    const uint64_t end =
        skep__trace_end(p->ring, SKEP__TRACE_FRAME, p->frame.traced_frame, p->frame.tick);
    skep__trace_at(p->ring, SKEP__TRACE_ENTITIES, end, skep_world_entity_count(w));
    skep__trace_at(p->ring, SKEP__TRACE_PATCHES, end, p->report.patches);
    skep__trace_at(p->ring, SKEP__TRACE_BYTES, end, w->store.arena.live_bytes);
    skep__trace_at(p->ring, SKEP__TRACE_BLOCKS_COPIED, end, p->report.blocks_copied);
}

skep_status skep_frame_end(skep_plan *plan, skep_frame_report *report)
{
    skep__frame *f = &plan->frame;
    skep_world *w = plan->world;
    if (f->phase != SKEP__PHASE_END) return SKEP_ARGUMENT;
    SKEP_ASSERT(!f->outstanding && !f->running && !w->batch.used);
    skep__channels_age(w);
    w->tick++;
    w->time += (double)f->dt;
    w->stamp++; /* what is written between frames is younger than all that systems saw */
    w->mode = SKEP__WRITE_NOW;
    f->phase = SKEP__PHASE_IDLE;
    plan->report.frame = f->tick;
    plan->report.faults = plan->faults;
    plan->report.fault_count = plan->fault_count;
    plan->report.parked_bytes = plan->parked_bytes;
    frame_trace(plan);
    if (report) *report = plan->report;
    return SKEP_OK;
}

/* Parks what tasks that nobody waits for any more may still write to. */
static void abandon(skep_plan *p)
{
    skep__frame *f = &p->frame;
    if (!f->outstanding) return;
    for (uint32_t i = 0; i < f->task_count; i++) {
        skep__task *t = &f->tasks[i];
        if (!t->waiting) continue;
        t->parked = true;
        t->hung_worker = UINT32_MAX;
    }
    if (skep__plan_grow(p, &p->hung, &p->hung_cap, p->hung_count + 1, sizeof *p->hung)) {
        p->hung[p->hung_count++] = UINT32_MAX;
    }
    f->outstanding = 0;
}

void skep_frame_abort(skep_plan *plan)
{
    skep__frame *f = &plan->frame;
    skep_world *w = plan->world;
    if (f->phase == SKEP__PHASE_IDLE) return;
    if (f->running) (void)skep_frame_run_done(plan, SKEP_CLOSED, "the frame was given up");
    abandon(plan);
    skep__batch_drop(plan);
    if (plan->hung_count) skep__bump_park(plan);
    w->mode = SKEP__WRITE_NOW;
    w->running = NULL;
    w->stamp++;
    f->phase = SKEP__PHASE_IDLE;
}
