/* SPDX-License-Identifier: MIT */
/* Systems and frames. JavaScript drives a frame by skep_host_step, which goes on until there is
 * something that only JavaScript can do: call a system's function, run tasks that were handed to
 * it, or wait for workers. */
#include "wasm/host.h"

#include "core/base/random.h"
#include "core/plan/plan_internal.h"
#include "core/plan/task_run.h"

/* ---- JavaScript's jobs ---------------------------------------------------------------------- */

/* Stands where a C job has its function. Columns that JavaScript is to change are `out` beside the
 * same component's `in`, so that it sees old and new values at once; they begin as copies. */
static void job_call(const skep_task *task, const void *columns)
{
    const host_job *job = (const host_job *)(const void *)skep__task_job(task);
    const uint8_t *at = columns;
    for (uint32_t i = 0; i < job->copies; i++) {
        const void *from = NULL;
        void *to = NULL;
        memcpy(&from, at + job->copy[i].from, sizeof from);
        memcpy(&to, at + job->copy[i].to, sizeof to);
        memcpy(to, from, (size_t)task->n * job->copy[i].bytes);
    }
    const char *cause = skep_js_job(job->id, task, columns, HOST_STACK());
    if (cause) skep_fail(task, cause);
}

static skep_status run_in_js(void *ctx, skep_world *world, float dt)
{
    (void)ctx;
    (void)world;
    (void)dt;
    return SKEP_UNSUPPORTED;
}

/* Bytes that a mode takes in the column struct, and their alignment. */
static uint32_t member_bytes(const skep_access *a, uint32_t *align)
{
    const uint32_t pointer = sizeof(void *);
    *align = pointer;
    switch (a->mode) {
    case SKEP_MODE_in:
    case SKEP_MODE_mut:
    case SKEP_MODE_out:
    case SKEP_MODE_opt:
        return a->component->field_count * pointer;
    case SKEP_MODE_lookup:
        return sizeof(skep_lookup);
    case SKEP_MODE_changed:
        *align = 8;
        return 16;
    case SKEP_MODE_inbox:
        return (a->component->field_count + 1) * pointer;
    case SKEP_MODE_events:
        *align = 8;
        return 8 + (a->component->field_count + 1) * pointer;
    default:
        return pointer;
    }
}

/* Reads `count` uses out of io from word `at` on, two words each: component, skep_mode. Lays out
 * the column struct and returns its bytes. */
static uint32_t uses_read(const host *h, uint32_t at, uint32_t count, skep_access *access)
{
    uint32_t offset = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t align = 4;
        const skep_component *c = (const skep_component *)(uintptr_t)h->io[at + 2 * i];
        access[i] = (skep_access){c ? c : &Entity_info, h->io[at + 2 * i + 1], 0};
        const uint32_t bytes = member_bytes(&access[i], &align);
        offset = (uint32_t)skep__align(offset, align);
        access[i].offset = offset;
        offset += bytes;
    }
    return offset ? offset : 4;
}

/* ---- systems -------------------------------------------------------------------------------- */

/* Words of io that describe a system. */
enum {
    SYSTEM_NAME,
    SYSTEM_NAME_BYTES,
    SYSTEM_STAGE,
    SYSTEM_STAGE_BYTES,
    SYSTEM_FLAGS,
    SYSTEM_EVERY,
    SYSTEM_DEADLINE_MS,
    SYSTEM_ID,
    SYSTEM_HAS_RUN,
    SYSTEM_JOB_FLAGS, /* 0xffffffff: no job */
    SYSTEM_SPAWN_MAX,
    SYSTEM_USES, /* number of uses; 0xffffffff: it did not say */
    SYSTEM_AFTER,
    SYSTEM_BEFORE,
    SYSTEM_OVERWRITE, /* `out` columns begin with anything */
    SYSTEM_LISTS      /* the uses, then an address and bytes for each name of after and before */
};

/* Pairs each `out` with the `in` of its component. */
static void job_copies(host_job *job)
{
    for (uint32_t o = 0; o < job->job.access_count; o++) {
        if (job->access[o].mode != SKEP_MODE_out) continue;
        for (uint32_t i = 0; i < job->job.access_count; i++) {
            const skep_component *c = job->access[i].component;
            if (job->access[i].mode != SKEP_MODE_in || c != job->access[o].component) continue;
            for (uint32_t f = 0; f < c->field_count; f++, job->copies++) {
                if (job->copies == sizeof job->copy / sizeof job->copy[0]) return;
                job->copy[job->copies].from = job->access[i].offset + f * (uint32_t)sizeof(void *);
                job->copy[job->copies].to = job->access[o].offset + f * (uint32_t)sizeof(void *);
                job->copy[job->copies].bytes = (uint32_t)c->fields[f].size * c->fields[f].count;
            }
        }
    }
}

static skep_status system_job(host *h, skep_system_desc *d)
{
    const size_t name_bytes = strlen(d->name) + 1;
    host_job *job = h->spare_jobs;
    if (name_bytes > sizeof job->name)
        return host_fail(h, SKEP_ARGUMENT, "system \"%s\": a name has at most %u bytes", d->name,
                         SKEP_SYSTEM_NAME_BYTES - 1u);
    if (job) {
        h->spare_jobs = job->next;
        memset(job, 0, sizeof *job);
    } else {
        job = host_keep(h, sizeof *job);
    }
    if (!job) return SKEP_NO_MEMORY;
    memcpy(job->name, d->name, name_bytes);
    job->id = h->io[SYSTEM_ID];
    job->job.name = job->name;
    job->job.access = job->access;
    job->job.access_count = h->io[SYSTEM_USES];
    job->job.cols_size = uses_read(h, SYSTEM_LISTS, h->io[SYSTEM_USES], job->access);
    job->job.flags = h->io[SYSTEM_JOB_FLAGS];
    job->job.spawn_max = h->io[SYSTEM_SPAWN_MAX];
    job->job.call = job_call;
    if (!h->io[SYSTEM_OVERWRITE]) job_copies(job);
    d->job = &job->job;
    return SKEP_OK;
}

/* Texts that JavaScript hands over end in a zero, and the plan copies them. */
static const char *text_at(const host *h, uint32_t word)
{
    return (const char *)(uintptr_t)h->io[word];
}

static skep_status system_uses(host *h, skep_system_desc *d, skep_access *access)
{
    const uint32_t uses = h->io[SYSTEM_USES];
    if (h->io[SYSTEM_JOB_FLAGS] != UINT32_MAX) return system_job(h, d);
    if (uses == UINT32_MAX) return SKEP_OK;
    (void)uses_read(h, SYSTEM_LISTS, uses, access);
    d->access = access;
    d->access_count = uses;
    return SKEP_OK;
}

/* Adds the system that io describes. Of a job, the byte offsets of its uses in the column struct
 * are in io then, from word 0, and its address behind them. */
uint32_t HOST_EXPORT(skep_host_system)(host *h)
{
    skep_access access[SKEP_ACCESS_MAX];
    skep_system_desc d = skep_system_desc_default();
    const uint32_t uses = h->io[SYSTEM_USES] == UINT32_MAX ? 0 : h->io[SYSTEM_USES];
    const uint32_t after = h->io[SYSTEM_AFTER];
    const uint32_t before = h->io[SYSTEM_BEFORE];
    if (uses > SKEP_ACCESS_MAX || after > SKEP_SYSTEM_EDGE_MAX || before > SKEP_SYSTEM_EDGE_MAX)
        return (uint32_t)host_fail(h, SKEP_LIMIT,
                                   "system \"%s\" has %u entries of access (access_max is %u), "
                                   "after %u and before %u others (edge_max is %u)",
                                   text_at(h, SYSTEM_NAME), uses, SKEP_ACCESS_MAX, after, before,
                                   SKEP_SYSTEM_EDGE_MAX);
    d.name = text_at(h, SYSTEM_NAME);
    d.stage = text_at(h, SYSTEM_STAGE);
    d.flags = h->io[SYSTEM_FLAGS];
    d.every = h->io[SYSTEM_EVERY];
    d.deadline_ms = h->io[SYSTEM_DEADLINE_MS];
    if (h->io[SYSTEM_HAS_RUN]) d.run = run_in_js;
    d.ctx = (void *)(uintptr_t)h->io[SYSTEM_ID];
    const uint32_t lists = SYSTEM_LISTS + 2 * uses;
    for (uint32_t i = 0; i < after; i++) d.after[i] = text_at(h, lists + 2 * i);
    for (uint32_t i = 0; i < before; i++) d.before[i] = text_at(h, lists + 2 * (after + i));
    h->error[0] = 0;
    skep_status status = system_uses(h, &d, access);
    if (status == SKEP_OK) status = skep_plan_add(h->plan, &d);
    if (status != SKEP_OK && h->error[0]) return (uint32_t)status;
    if (status != SKEP_OK) return (uint32_t)host_fail(h, status, "%s", skep_status_text(status));
    for (uint32_t i = 0; d.job && i < uses; i++) h->io[i] = d.job->access[i].offset;
    h->io[uses] = (uint32_t)(uintptr_t)d.job;
    return SKEP_OK;
}

/* Takes back the memory of a job whose system was removed. */
void HOST_EXPORT(skep_host_job_free)(host *h, host_job *job)
{
    job->next = h->spare_jobs;
    h->spare_jobs = job;
}

/* What can be done to a system by name. */
enum { SYSTEM_REMOVE, SYSTEM_ENABLE, SYSTEM_DISABLE, SYSTEM_RELEASE };

/* Removes, enables, disables or releases the system whose name, zero-ended, is at `name`. */
uint32_t HOST_EXPORT(skep_host_system_do)(host *h, const char *name, uint32_t what)
{
    skep_status status;
    switch (what) {
    case SYSTEM_REMOVE:
        status = skep_plan_remove(h->plan, name);
        break;
    case SYSTEM_RELEASE:
        status = skep_plan_release(h->plan, name);
        break;
    default:
        status = skep_plan_enable(h->plan, name, what == SYSTEM_ENABLE);
    }
    if (status == SKEP_OK) return SKEP_OK;
    return (uint32_t)host_fail(h, status, "system \"%s\": %s", name, skep_status_text(status));
}

/* What a system is now: bit 0 enabled, bit 1 in quarantine, its batch above. */
uint32_t HOST_EXPORT(skep_host_system_state)(host *h, const char *name)
{
    return (skep_plan_enabled(h->plan, name) ? 1u : 0u) |
           (skep_plan_quarantined(h->plan, name) ? 2u : 0u) |
           skep_plan_batch_of(h->plan, name) << 2;
}

/* Makes the plan anew with stages of the user's own, whose names are in io, an address and bytes
 * each; before any system was added. */
uint32_t HOST_EXPORT(skep_host_stages)(host *h, uint32_t count)
{
    const char **stages = (const char **)(void *)h->io;
    skep_plan_desc d = skep_plan_desc_default();
    for (uint32_t i = 0; i < count; i++) stages[i] = text_at(h, 2 * i);
    d.log = h->world->log;
    d.stage_count = count;
    d.stages = stages;
    skep_plan *plan = NULL;
    const skep_status status = skep_plan_create(h->world, &d, &plan);
    if (status != SKEP_OK) return (uint32_t)host_check(h, status);
    skep_plan_destroy(h->plan);
    h->plan = plan;
    skep_plan_host_set(h->plan, &h->plan_host);
    return SKEP_OK;
}

/* Builds the plan. With SKEP_PLAN io[0] is the number of mistakes. */
uint32_t HOST_EXPORT(skep_host_build)(host *h)
{
    const skep_status status = skep_plan_build(h->plan);
    h->io[0] = skep_plan_mistake_count(h->plan);
    if (status == SKEP_OK || status == SKEP_PLAN) return (uint32_t)status;
    return (uint32_t)host_check(h, status);
}

/* One mistake's text. */
const char *HOST_EXPORT(skep_host_mistake)(host *h, uint32_t index)
{
    return skep_plan_mistake(h->plan, index);
}

/* The name of the system at a place of the total order, NULL past the end. */
const char *HOST_EXPORT(skep_host_system_at)(host *h, uint32_t place)
{
    return skep_plan_system_at(h->plan, place);
}

/* Says where tasks run: workers (0: the caller), who can be ended and so have a deadline, whether
 * tasks are handed to JavaScript whole, batch flags, and how long to look before sleeping. */
void HOST_EXPORT(skep_host_executor)(host *h, uint32_t workers, uint32_t deadline_ms,
                                     uint32_t handed, uint32_t flags, uint32_t spin,
                                     uint32_t caller_spin)
{
    h->pool->workers = skep__min_u32(workers, h->pool->slot_count - 1);
    h->pool->handed = handed != 0;
    h->pool->v.elsewhere = handed != 0;
    h->pool->spin = spin;
    h->pool->caller_spin = caller_spin;
    h->plan_host.executor = !workers ? "local" : handed ? "copied" : "workers";
    h->plan_host.elsewhere = handed != 0;
    h->plan_host.workers = h->pool->workers;
    h->plan_host.deadline_ns = workers ? (uint64_t)deadline_ms * 1000000u : 0;
    h->plan_host.batch_flags = flags;
    h->plan_host.wake_ns = workers ? 30000 : 0;
    /* Where somebody could end the one that runs them, systems are handed out as tasks. */
    const bool watched = workers && (deadline_ms || handed);
    h->plan_host.room = watched ? NULL : &h->pool->slots[0].room;
    skep_plan_host_set(h->plan, &h->plan_host);
}

/* Says that no worker can be had any more (1), or that there are some again (0). */
void HOST_EXPORT(skep_host_alone)(host *h, uint32_t alone)
{
    wasm_pool_alone(h->pool, alone != 0);
}

/* Tells workers to leave. */
void HOST_EXPORT(skep_host_quit)(host *h, uint32_t quit)
{
    atomic_store(&h->pool->quit, quit);
}

/* ---- frames --------------------------------------------------------------------------------- */

/* Begins a frame; a `time` below 0 is the world's own. */
static uint32_t frame_begin(host *h, float dt, double time)
{
    if (h->recorder && host_record_before) host_record_before(h, dt, time);
    const skep_status status = skep_frame_begin(h->plan, dt, time);
    if (status == SKEP_OK) return SKEP_OK;
    if (status == SKEP_BUSY) return (uint32_t)host_fail(h, status, "a frame is running");
    if (status == SKEP_ARGUMENT)
        return (uint32_t)host_fail(h, status, "a frame of %g seconds cannot be run", (double)dt);
    return (uint32_t)host_check(h, status);
}

/* What a frame needs next. */
enum {
    STEP_END,    /* it is over */
    STEP_RUN,    /* call the function of system io[0]; io[1]: in place of its job; then _run_done */
    STEP_WAIT,   /* nothing but to wait for workers and handed tasks: io[0] are outstanding */
    STEP_HANDED, /* io[0] tasks were handed over: see skep_host_handed */
    STEP_FAILED  /* io[0] is the status; the frame was given up */
};

static uint32_t step_failed(host *h, skep_status status)
{
    (void)host_check(h, status);
    skep_frame_abort(h->plan);
    if (!wasm_pool_outstanding(h->pool)) skep_plan_worker_gone(h->plan, UINT32_MAX);
    wasm_pool_abandon(h->pool);
    host_trace_settle(h, false);
    h->io[0] = (uint32_t)status;
    return STEP_FAILED;
}

static uint32_t step_end(host *h)
{
    host_trace_settle(h, true);
    const skep_status status = skep_frame_end(h->plan, &h->report);
    if (status != SKEP_OK) return step_failed(h, status);
    h->patches += h->report.patches;
    h->dropped += h->report.dropped;
    if (h->recorder && host_record_after) host_record_after(h);
    return STEP_END;
}

/* Does what C can do of a step. UINT32_MAX: the frame goes on here. */
static uint32_t step_do(host *h)
{
    skep_pool *pool = &h->pool->base;
    skep_status status = SKEP_OK;
    switch (h->step.kind) {
    case SKEP_STEP_TASKS:
        status = pool->v->start(pool, h->step.batch, skep_frame_result, h->plan);
        if (status != SKEP_OK) return step_failed(h, status);
        h->io[0] = h->pool->handed_left;
        return h->pool->handed_left ? STEP_HANDED : UINT32_MAX;
    case SKEP_STEP_RUN:
        if (h->step.run == run_in_js) {
            h->io[0] = (uint32_t)(uintptr_t)h->step.ctx;
            h->io[1] = h->step.fallback;
            return STEP_RUN;
        }
        status = skep_frame_run(h->plan, &h->step);
        return status == SKEP_OK ? UINT32_MAX : step_failed(h, status);
    case SKEP_STEP_WAIT:
        h->io[0] = pool->v->wait(pool, 0);
        return h->io[0] ? STEP_WAIT : UINT32_MAX;
    case SKEP_STEP_END:
        break;
    }
    return step_end(h);
}

/* Goes on with the frame. Returns STEP_*. */
uint32_t HOST_EXPORT(skep_host_step)(host *h)
{
    /* Where JavaScript ran the last tasks, this is when the batch is seen to be over. */
    (void)wasm_pool_joined(h->pool);
    for (;;) {
        const skep_status status = skep_frame_next(h->plan, 0, &h->step);
        if (status != SKEP_OK) return step_failed(h, status);
        const uint32_t step = step_do(h);
        if (step != UINT32_MAX) return step;
    }
}

/* Begins a frame and takes its first step, which is all that a frame without JavaScript's jobs
 * takes. Returns STEP_*, or -1 where the frame could not begin: then io[0] is the status. */
int32_t HOST_EXPORT(skep_host_frame)(host *h, float dt, double time)
{
    const uint32_t status = frame_begin(h, dt, time);
    h->io[0] = status;
    return status == SKEP_OK ? (int32_t)skep_host_step(h) : -1;
}

/* Takes the end of a system's function: SKEP_OK, or another status and why. Also after a trap in a
 * system's C function. */
uint32_t HOST_EXPORT(skep_host_run_done)(host *h, uint32_t status, const char *cause)
{
    return (uint32_t)host_check(h, skep_frame_run_done(h->plan, (skep_status)status, cause));
}

/* Gives a frame up. */
void HOST_EXPORT(skep_host_abort)(host *h)
{
    (void)step_failed(h, SKEP_CLOSED);
}

/* Says that a worker's thread is surely gone. */
void HOST_EXPORT(skep_host_gone)(host *h, uint32_t worker)
{
    skep_plan_worker_gone(h->plan, worker);
}

/* ---- handed tasks --------------------------------------------------------------------------- */

/* The i-th of the tasks that were handed over when the batch began: returns its address; io[0] its
 * number for skep_host_deliver, io[1] the address of its job, io[2] JavaScript's number of the job
 * (0xffffffff: a C job), io[3] the batch's flags. */
const skep_pool_task *HOST_EXPORT(skep_host_handed)(host *h, uint32_t i)
{
    const skep_pool_batch *batch = h->pool->batch;
    const uint32_t t = h->pool->order[h->pool->shared_count + i];
    const skep_pool_task *task = batch->tasks[t];
    const skep_job *job = batch->jobs[task->job];
    h->io[0] = t;
    h->io[1] = (uint32_t)(uintptr_t)job;
    h->io[2] = job->call == job_call ? ((const host_job *)(const void *)job)->id : UINT32_MAX;
    h->io[3] = batch->flags;
    return task;
}

/* The key of a task's random numbers: io[0] to io[3]. */
void HOST_EXPORT(skep_host_task_key)(host *h, const skep_pool_task *task)
{
    const skep_task_frame *f = task->frame;
    const skep__random_key key = skep__random_key_make(f->seed, task->system_key, f->tick);
    host_put_u64(h, 0, key.a);
    host_put_u64(h, 2, key.b);
}

/* Milliseconds that a task of the batch may take, 0: its system does not say. */
uint32_t HOST_EXPORT(skep_host_task_deadline)(const host *h, uint32_t t)
{
    const skep__frame *f = &h->plan->frame;
    if (!skep_frame_running(h->plan) || t >= f->issue_count) return 0;
    return f->tasks[f->issue[t]].system->desc.deadline_ms;
}

/* Gathers a column of all parts of a task: the pointer at `column` of each part's struct, or its
 * handles where that is 0xffffffff. */
void HOST_EXPORT(skep_task_gather)(const skep_pool_task *task, uint32_t column, uint32_t row_bytes,
                                   uint8_t *to)
{
    for (uint32_t p = 0; p < task->part_count; p++) {
        const skep_task_part *part = &task->parts[p];
        const void *from = part->entity;
        if (column != UINT32_MAX)
            memcpy(&from, (const uint8_t *)part->columns + column, sizeof from);
        memcpy(to, from, (size_t)part->n * row_bytes);
        to += (size_t)part->n * row_bytes;
    }
}

/* The way back: to the blocks that the pointers at `column` name. */
void HOST_EXPORT(skep_task_scatter)(const skep_pool_task *task, uint32_t column, uint32_t row_bytes,
                                    const uint8_t *from)
{
    for (uint32_t p = 0; p < task->part_count; p++) {
        const skep_task_part *part = &task->parts[p];
        void *to = NULL;
        memcpy(&to, (const uint8_t *)part->columns + column, sizeof to);
        memcpy(to, from, (size_t)part->n * row_bytes);
        from += (size_t)part->n * row_bytes;
    }
}

/* Delivers a handed task. `output` NULL: what it wrote is in its own blocks and output area. */
void HOST_EXPORT(skep_host_deliver)(host *h, uint32_t t, uint32_t status, const char *cause,
                                    const void *output, uint32_t bytes, uint32_t wanted,
                                    uint32_t worker)
{
    skep_pool_result result;
    memset(&result, 0, sizeof result);
    result.task = t;
    result.status = (skep_status)status;
    result.cause = cause;
    result.output = output;
    result.bytes = bytes;
    result.bytes_wanted = wanted;
    result.worker = worker;
    wasm_pool_deliver(h->pool, &result);
}

/* ---- what jobs call from JavaScript --------------------------------------------------------- */

/* Runs a task: what env.guard calls. */
void HOST_EXPORT(skep_task_direct)(const skep_pool_task *task, const skep_job *job, uint32_t flags,
                                   const skep_task_room *room, skep_pool_result *result)
{
    skep_task_run_direct(task, job, flags, room, result);
}

/* Bytes of a task's output elsewhere. */
uint32_t HOST_EXPORT(skep_task_bytes)(const skep_pool_task *task)
{
    return skep__u32(skep_task_layout(task));
}

/* Spawns by the right in `slot`; the handle goes to `out`. */
void HOST_EXPORT(skep_job_spawn)(const skep_task *task, uint32_t slot, skep_entity *out)
{
    *out = skep__spawn(task, slot);
}

/* Adds or sets the C struct at `value` by the right in `slot`. */
void HOST_EXPORT(skep_job_put)(const skep_task *task, uint32_t slot, uint32_t low, uint32_t high,
                               const void *value)
{
    skep__put(task, slot, host_entity(low, high), value);
}

/* Removes by the right in `slot`. */
void HOST_EXPORT(skep_job_drop)(const skep_task *task, uint32_t slot, uint32_t low, uint32_t high)
{
    skep__drop(task, slot, host_entity(low, high));
}

/* Destroys by the right in `slot`. */
void HOST_EXPORT(skep_job_destroy)(const skep_task *task, uint32_t slot, uint32_t low,
                                   uint32_t high)
{
    skep__destroy(task, slot, host_entity(low, high));
}

/* Gives what the task spawned a first value. */
void HOST_EXPORT(skep_job_init)(const skep_task *task, const skep_component *component,
                                uint32_t low, uint32_t high, const void *value)
{
    skep__init(task, component, host_entity(low, high), value);
}

/* Sends the event at `value` by the right in `slot`. */
void HOST_EXPORT(skep_job_send)(const skep_task *task, uint32_t slot, uint32_t low, uint32_t high,
                                const void *value)
{
    skep__send(task, slot, host_entity(low, high), value);
}

/* A random number of [0, 1). */
double HOST_EXPORT(skep_job_random)(const skep_task *task, uint32_t low, uint32_t high,
                                    uint32_t draw)
{
    return skep_rand_f64(task, host_entity(low, high), draw);
}

/* ---- reports -------------------------------------------------------------------------------- */

/* Fills io with the last frame's report, a number a pair of words, in the order of FrameReport. */
void HOST_EXPORT(skep_host_report)(host *h)
{
    const skep_frame_report *r = &h->report;
    const uint64_t numbers[] = {r->frame,        r->batches,         r->systems, r->tasks,
                                r->reruns,       r->retries,         r->rows,    r->blocks_copied,
                                r->patches,      r->blocks_in_place, r->dropped, r->overlaps,
                                r->parked_bytes, r->fault_count,     h->patches, h->dropped};
    for (uint32_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        host_put_u64(h, 2 * i, numbers[i]);
}

/* Describes a fault of the last frame in io: frame, action, status, block, blocks, row, rows,
 * worker, retry worker, strikes, strikes_max, until (2), retried, fallback, kept, the addresses of
 * the system's name and of the cause. */
void HOST_EXPORT(skep_host_fault)(host *h, uint32_t index)
{
    const skep_fault *f = &h->report.faults[index];
    const uint32_t words[] = {
        (uint32_t)f->frame,
        f->action,
        f->status,
        f->block,
        f->blocks,
        f->row,
        f->rows,
        f->worker,
        f->retry_worker,
        f->strikes,
        f->strikes_max,
        (uint32_t)f->until,
        (uint32_t)(f->until >> 32),
        f->retried,
        f->fallback,
        f->kept,
        (uint32_t)(uintptr_t)f->system,
        (uint32_t)(uintptr_t)f->cause,
    };
    memcpy(h->io, words, sizeof words);
}

/* A fault as users read it, behind these words of io, since memory may be what it is about: io[0]
 * its address, io[1] its bytes. */
void HOST_EXPORT(skep_host_fault_text)(host *h, uint32_t index, const char *executor)
{
    char *text = (char *)(h->io + 2);
    const size_t length = skep_fault_text(&h->report.faults[index], executor, text, 1024);
    h->io[0] = (uint32_t)(uintptr_t)text;
    h->io[1] = skep__u32(length < 1024 ? length : 1023);
}

/* What became of a system in the running or last frame: 0 not due, 1 due, 2 its output counts, 3 it
 * failed, 4 its `run` did the work. For what JavaScript applies by itself after a batch. */
uint32_t HOST_EXPORT(skep_host_outcome)(host *h, const char *name)
{
    const skep__system *s = skep__system_find(h->plan, name);
    return s ? s->outcome : 0;
}

/* Whether all that a system does in the running frame has reached the world, or never will: its
 * batch is over. */
uint32_t HOST_EXPORT(skep_host_committed)(host *h, const char *name)
{
    const skep__system *s = skep__system_find(h->plan, name);
    if (!s || !skep_frame_running(h->plan)) return 1;
    return s->batch < h->plan->frame.batch || h->plan->frame.phase == SKEP__PHASE_END;
}
