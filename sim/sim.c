/* SPDX-License-Identifier: MIT */
/* A simulation: a world, its plan and a pool, made together, driven by one blocking call, and
 * taken down in the opposite order.
 *
 * Opening goes through the parts in the order in which they lean on each other, and anything that
 * fails leads to the same closing call, which takes down whatever was made so far. The driver is
 * the loop that skep/plan.h shows: it does what the plan says, and gives the pool's results back
 * to it. */
#include "sim/sim_internal.h"

#include "skep/recovery.h"

#include "port/port.h"

#include <stdio.h>

#define SIM_ENTITY_MAX ((uint32_t)1 << 20)
#define SIM_REGION_BYTES ((size_t)8 << 30)

/* What waking a sleeping worker costs, for explanations only. */
#define SIM_WAKE_NS 3000u

skep_sim_desc skep_sim_desc_default(void)
{
    skep_sim_desc d;
    memset(&d, 0, sizeof d);
    d.canary = SKEP__SIM_CANARY;
    d.workers = SKEP_WORKERS_AUTO;
    d.grain = SKEP_GRAIN_AUTO;
    d.seed = 1;
    return d;
}

static void sim_to_stderr(void *ctx, skep_log_level level, const char *text)
{
    (void)ctx;
    if (level >= SKEP_LOG_INFO) (void)fprintf(stderr, "%s\n", text);
}

skep_log skep__sim_stderr(void)
{
    skep_log log;
    log.fn = sim_to_stderr;
    log.ctx = NULL;
    return log;
}

/* ---- opening and closing ----------------------------------------------------------------- */

static skep_status sim_refuse(const skep_sim *sim, skep_status status, const char *what,
                              const char *knob)
{
    if (status != SKEP_OK)
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: %s: %s%s", sim->title, what,
                   skep_status_text(status), knob);
    return status;
}

static uint32_t sim_entity_max(const skep_sim_desc *d)
{
    return d->entity_max ? d->entity_max : SIM_ENTITY_MAX;
}

static skep_status sim_open_world(skep_sim *sim, const skep_sim_desc *d)
{
    if (d->region) {
        sim->region = *d->region;
    } else {
        const size_t bytes = d->region_bytes_max ? d->region_bytes_max : SIM_REGION_BYTES;
        const skep_status status = sim->processes ? skep_processes_region_open(bytes, &sim->region)
                                                  : skep__port_region_open(bytes, &sim->region);
        if (status != SKEP_OK)
            return sim_refuse(sim, status, "reserving address space", " (knob region_bytes_max)");
        sim->own_region = true;
    }
    skep_world_desc w = skep_world_desc_default();
    w.entity_max = sim_entity_max(d);
    w.seed = d->seed;
    w.region = sim->region;
    w.allocator = sim->allocator;
    w.log = sim->log;
    return sim_refuse(sim, skep_world_create(&w, &sim->world), "making the world", "");
}

/* How many workers the tracer needs rings for: as many as the pool will have. */
static uint32_t sim_workers(const skep_sim_desc *d)
{
    if (d->pool) return skep_pool_workers(d->pool);
    if (d->executor == SKEP_EXECUTOR_LOCAL) return 0;
    const uint32_t cores = skep__port_cpu_count() - (skep__sim_isolates(d) ? 0u : 1u);
    const uint32_t wanted = d->workers == SKEP_WORKERS_AUTO ? cores : d->workers;
    return skep__min_u32(wanted, SKEP_WORKERS_MAX);
}

static skep_status sim_open_trace(skep_sim *sim, const skep_sim_desc *d)
{
    const skep_status status = skep__sim_trace_open(sim, d, sim_workers(d));
    return sim_refuse(sim, status, "making the tracer", " (knob trace_records)");
}

static skep_status sim_open_pool(skep_sim *sim, const skep_sim_desc *d)
{
    if (d->pool) {
        sim->pool = d->pool;
        return SKEP_OK;
    }
    skep_pool_desc p = skep_pool_desc_default();
    p.workers = d->executor == SKEP_EXECUTOR_LOCAL ? 0 : d->workers;
    p.trace = sim->trace;
    p.log = sim->log;
    p.processes = sim->processes;
    p.region = &sim->region;
    if (d->restart_max) p.restart_max = d->restart_max == SKEP_RESTARTS_ANY ? 0 : d->restart_max;
    p.output_bytes_max += d->patch_bytes_max;
    if (d->scratch_bytes) p.scratch_bytes = d->scratch_bytes;
    p.allocator = sim->allocator;
    const skep_status status = skep_pool_create(&p, &sim->pool);
    sim->own_pool = status == SKEP_OK;
    return sim_refuse(sim, status, "starting the workers", " (knob workers)");
}

static skep_status sim_open_plan(skep_sim *sim, const skep_sim_desc *d)
{
    skep_plan_desc p = skep_plan_desc_default();
    p.log = sim->log;
    if (d->patch_bytes_max) p.patch_bytes_max = d->patch_bytes_max;
    skep_status status = skep_plan_create(sim->world, &p, &sim->plan);
    if (status != SKEP_OK) return sim_refuse(sim, status, "making the plan", "");
    skep_plan_host host;
    memset(&host, 0, sizeof host);
    host.executor = sim->pool->v->name;
    host.elsewhere = sim->pool->v->elsewhere;
    host.workers = skep_pool_workers(sim->pool);
    host.wake_ns = host.workers ? SIM_WAKE_NS : 0;
    if (d->grain == 0) host.batch_flags |= SKEP_BATCH_FORCE;
    if (d->check) host.batch_flags |= SKEP_BATCH_CHECK;
    sim->room.scratch_bytes =
        d->scratch_bytes ? d->scratch_bytes : skep_pool_desc_default().scratch_bytes;
    sim->room.scratch = skep__alloc(&sim->allocator, sim->room.scratch_bytes, 64);
    if (!sim->room.scratch) return sim_refuse(sim, SKEP_NO_MEMORY, "making room for jobs", "");
    host.deadline_ns = skep__sim_deadline(sim, d);
    /* Somebody else's pool may be there to see every task. A job that is not trusted never runs
     * here. */
    if (sim->own_pool && !host.elsewhere) host.room = &sim->room;
    host.trace = sim->trace;
    host.fault_task = skep__fault_files_task;
    host.fault_ctx = sim;
    skep_plan_host_set(sim->plan, &host);
    return SKEP_OK;
}

static skep_status sim_build(skep_sim *sim, const skep_scene *scene, const skep_sim_desc *d)
{
    /* The builder holds a jmp_buf and a thousand bytes of lists: more than a stack frame should. */
    skep_builder *b = (skep_builder *)skep__alloc(&sim->allocator, sizeof *b, 16);
    if (!b) return sim_refuse(sim, SKEP_NO_MEMORY, "building the scene", "");
    skep__builder_desc bd;
    bd.world = sim->world;
    bd.plan = sim->plan;
    bd.allocator = &sim->allocator;
    bd.kept = &sim->kept;
    sim->helpers.idle = sim->pool;
    bd.helpers = &sim->helpers;
    bd.declares = &sim->declares;
    bd.predict = d->predict;
    bd.params = d->params;
    bd.param_count = d->param_count;
    bd.entity_max = sim_entity_max(d);
    bd.seed = d->seed;
    bd.data = d->data;
    bd.data_bytes = d->data_bytes;
    skep__builder_init(b, &bd);
    const skep_status status = skep__builder_build(b, scene);
    skep__mistakes_report(&b->mistakes, sim->title, &sim->log);
    sim->asked = b->asked;
    skep__builder_deinit(b);
    skep__free(&sim->allocator, b, sizeof *b, 16);
    return status;
}

static skep_status sim_open_parts(skep_sim *sim, const skep_scene *scene, const skep_sim_desc *d)
{
    skep_status status = skep__sim_processes_open(sim, d);
    if (status == SKEP_OK) status = sim_open_world(sim, d);
    if (status == SKEP_OK) status = sim_open_trace(sim, d);
    if (status == SKEP_OK) status = sim_open_pool(sim, d);
    if (status == SKEP_OK) status = sim_open_plan(sim, d);
    if (status == SKEP_OK) status = sim_build(sim, scene, d);
    return status;
}

/* What can be said before anything is made. */
static skep_status sim_check(const skep_scene *scene, const skep_sim_desc *d, const skep_log *log)
{
    if (d->canary != SKEP__SIM_CANARY || (d->param_count && !d->params)) {
        skep__logf(log, SKEP_LOG_ERROR,
                   "skep_sim_open: begin the description with skep_sim_desc_default()");
        return SKEP_ARGUMENT;
    }
    if (!d->allocator.alloc != !d->allocator.free) {
        skep__logf(log, SKEP_LOG_ERROR, "skep_sim_open: the allocator lacks a function");
        return SKEP_ARGUMENT;
    }
    if (scene && scene->abi != SKEP_ABI) {
        skep__logf(log, SKEP_LOG_ERROR,
                   "%s: built against version %u of the scene interface, this is version %u: "
                   "build it again",
                   d->title ? d->title : "scene", scene->abi, SKEP_ABI);
        return SKEP_VERSION;
    }
    return SKEP_OK;
}

skep_status skep_sim_open(const skep_scene *scene, const skep_sim_desc *desc, skep_sim **sim)
{
    *sim = NULL;
    const skep_log log =
        desc->canary == SKEP__SIM_CANARY && desc->log.fn ? desc->log : skep__sim_stderr();
    skep_status status = sim_check(scene, desc, &log);
    if (status != SKEP_OK) return status;
    const skep_allocator allocator =
        desc->allocator.alloc ? desc->allocator : skep__port_allocator();
    skep_sim *s = (skep_sim *)skep__alloc(&allocator, sizeof *s, 16);
    if (!s) {
        skep__logf(&log, SKEP_LOG_ERROR, "skep_sim_open: %s", skep_status_text(SKEP_NO_MEMORY));
        return SKEP_NO_MEMORY;
    }
    s->allocator = allocator;
    s->log = log;
    s->on_fault = desc->on_fault;
    s->on_fault_ctx = desc->on_fault_ctx;
    s->kept.allocator = &s->allocator;
    const char *title = desc->title ? desc->title : scene ? scene->name : "simulation";
    s->title = skep__keep_text(&s->kept, title, strlen(title));
    if (!s->title) s->title = "simulation";
    if (scene) s->scene = skep__keep_text(&s->kept, scene->name, strlen(scene->name));
    status = sim_open_parts(s, scene, desc);
    if (status != SKEP_OK) {
        skep_sim_close(s);
        return status;
    }
    *sim = s;
    return SKEP_OK;
}

/* Blocks of hung workers are used again once their worker is surely gone. */
static void sim_unpark(skep_sim *sim)
{
    if (!sim->pool->v->worker_gone) return;
    for (uint32_t w = skep_plan_parked_worker(sim->plan, 0); w && w != UINT32_MAX;
         w = skep_plan_parked_worker(sim->plan, w))
        if (sim->pool->v->worker_gone(sim->pool, w)) skep_plan_worker_gone(sim->plan, w);
}

/* Whether a worker that was given up may still write to the region. */
static bool sim_hung(skep_sim *sim)
{
    if (!sim->plan) return false;
    sim_unpark(sim);
    return skep_plan_parked_worker(sim->plan, 0) != 0;
}

void skep_sim_close(skep_sim *sim)
{
    if (!sim) return;
    const skep_allocator allocator = sim->allocator;
    const bool left_behind = sim_hung(sim);
    /* The pool goes first: its workers may still read what the plan and the world own. */
    if (sim->own_pool) skep_pool_destroy(sim->pool);
    (void)skep_sim_record_end(sim);
    skep_sim_checkpoint_end(sim);
    skep__fault_files_end(sim);
    skep_plan_destroy(sim->plan);
    skep_world_destroy(sim->world);
    skep_trace_destroy(sim->trace);
    if (sim->own_region && sim->processes)
        skep_processes_region_close(&sim->region);
    else if (sim->own_region && !left_behind)
        skep__port_region_close(&sim->region);
    if (sim->own_processes) skep_processes_end(sim->processes);
    if (left_behind)
        skep__logf(&sim->log, SKEP_LOG_WARN,
                   "%s: a job hangs, or goes on after its deadline: what it may touch stays in "
                   "memory",
                   sim->title);
    skep__free(&allocator, sim->room.scratch, sim->room.scratch_bytes, 64);
    skep__free(&allocator, sim->faults, sim->fault_cap * sizeof *sim->faults, 16);
    skep__keep_deinit(&sim->kept);
    skep__free(&allocator, sim, sizeof *sim, 16);
}

/* ---- running ----------------------------------------------------------------------------- */

/* Keeps the frame's faults; without memory they are counted only. */
static void sim_keep_faults(skep_sim *sim)
{
    const uint32_t count = sim->report.fault_count;
    sim->fault_total += count;
    const uint32_t room = SKEP_FAULT_LOG_MAX - sim->fault_count;
    const uint32_t kept = skep__min_u32(count, room);
    if (kept == 0) return;
    void *array = sim->faults;
    const bool grown = skep__array_grow(&sim->allocator, &array, &sim->fault_cap,
                                        sim->fault_count + kept, sizeof *sim->faults);
    sim->faults = (skep_fault *)array;
    if (!grown) return;
    memcpy(sim->faults + sim->fault_count, sim->report.faults, kept * sizeof *sim->faults);
    sim->fault_count += kept;
}

/* Tells whoever wants to know; a frame that the callback asks for is refused. */
static void sim_tell_faults(skep_sim *sim)
{
    if (!sim->on_fault) return;
    sim->telling = true;
    for (uint32_t i = 0; i < sim->report.fault_count; i++)
        sim->on_fault(sim->on_fault_ctx, &sim->report.faults[i]);
    sim->telling = false;
}

/* Does one step. A pool that cannot start a batch fails its frame. */
static skep_status sim_do(skep_sim *sim, const skep_step *step)
{
    switch (step->kind) {
    case SKEP_STEP_TASKS:
        sim->helpers.idle = NULL;
        return sim->pool->v->start(sim->pool, step->batch, skep_frame_result, sim->plan);
    case SKEP_STEP_RUN:
        return skep_frame_run(sim->plan, step);
    case SKEP_STEP_WAIT:
        if (sim->pool->v->wait(sim->pool, UINT64_MAX) == 0) sim->helpers.idle = sim->pool;
        return SKEP_OK;
    case SKEP_STEP_END:
        break;
    }
    return SKEP_OK;
}

/* Looking at the clock costs as much as a tiny system, so the plan is told one time for the whole
 * frame, and the report gets what the frame took here. */
static skep_status sim_drive(skep_sim *sim, uint64_t began_ns)
{
    for (;;) {
        skep_step step;
        skep_status status = skep_frame_next(sim->plan, began_ns, &step);
        if (status == SKEP_OK && step.kind == SKEP_STEP_END) return SKEP_OK;
        if (status == SKEP_OK) status = sim_do(sim, &step);
        if (status != SKEP_OK) return status;
    }
}

skep_status skep_sim_step_at(skep_sim *sim, float dt, double time)
{
    if (!(dt >= 0.0f) || dt > 3.4e38f) {
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: a frame of %g seconds cannot be run", sim->title,
                   (double)dt);
        return SKEP_ARGUMENT;
    }
    if (sim->telling) return SKEP_BUSY;
    sim_unpark(sim);
    if (sim->recording) skep__record_before(sim, dt, time);
    const uint64_t began_ns = skep__port_clock_ns();
    skep_status status = skep_frame_begin(sim->plan, dt, time);
    if (status != SKEP_OK) return status;
    status = sim_drive(sim, began_ns);
    if (status == SKEP_OK) status = skep_frame_end(sim->plan, &sim->report);
    sim->report.time_ns = skep__port_clock_ns() - began_ns;
    if (status != SKEP_OK) {
        const char *why = skep_world_error(sim->world);
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: frame %llu ended early: %s: %s", sim->title,
                   (unsigned long long)skep_world_tick(sim->world), skep_status_text(status),
                   why ? why : "");
        /* What was started ends first; then nobody can write to what is given up. */
        const uint32_t running = sim->pool->v->wait(sim->pool, SKEP_FOREVER);
        skep_frame_abort(sim->plan);
        if (!running) skep_plan_worker_gone(sim->plan, UINT32_MAX);
        return status;
    }
    sim->patches += sim->report.patches;
    sim->dropped += sim->report.dropped;
    sim_keep_faults(sim);
    if (sim->recording) skep__record_after(sim);
    if (sim->report.fault_count) sim_tell_faults(sim);
    if (sim->checkpoint) skep__checkpoint_after(sim);
    return SKEP_OK;
}

skep_status skep_sim_step(skep_sim *sim, float dt)
{
    return skep_sim_step_at(sim, dt, SKEP_TIME_AUTO);
}

/* ---- looking ----------------------------------------------------------------------------- */

const skep_frame_report *skep_sim_report(const skep_sim *sim)
{
    return &sim->report;
}

skep_world *skep_sim_world(const skep_sim *sim)
{
    return sim->world;
}

skep_plan *skep_sim_plan(const skep_sim *sim)
{
    return sim->plan;
}

skep_pool *skep_sim_pool(const skep_sim *sim)
{
    return sim->pool;
}

const char *skep_sim_executor(const skep_sim *sim, uint32_t *workers)
{
    if (workers) *workers = skep_pool_workers(sim->pool);
    return sim->pool->v->name;
}

uint64_t skep_sim_hash(skep_sim *sim)
{
    return skep_world_hash(sim->world);
}

const skep_fault *skep_sim_faults(const skep_sim *sim, uint32_t *count)
{
    *count = sim->fault_count;
    return sim->faults;
}

uint64_t skep_sim_fault_total(const skep_sim *sim)
{
    return sim->fault_total;
}

void skep_sim_totals(const skep_sim *sim, uint64_t *patches, uint64_t *dropped)
{
    if (patches) *patches = sim->patches;
    if (dropped) *dropped = sim->dropped;
}

bool skep_sim_param(const skep_sim *sim, uint32_t index, skep_param *param)
{
    const skep__asked *a = sim->asked;
    for (; a && index; index--) a = a->next;
    if (!a) return false;
    param->name = a->name;
    param->help = a->help;
    param->type = a->type;
    param->value = a->value ? a->value : "";
    param->given = a->given;
    return true;
}

/* ---- live worlds ------------------------------------------------------------------------- */

skep_status skep_sim_publish_desc(skep_sim *sim, skep_publish_desc *desc)
{
    const skep_status status =
        skep__declares_fill(&sim->declares, &sim->kept, sim->world, &sim->log, desc);
    if (status != SKEP_OK) return status;
    if (!desc->allocator.alloc) desc->allocator = sim->allocator;
    if (!desc->log.fn) desc->log = sim->log;
    return SKEP_OK;
}

skep_entity skep_sim_join(skep_sim *sim, uint32_t player)
{
    return skep__declares_join(&sim->declares, sim->world, player);
}

void skep_sim_leave(skep_sim *sim, uint32_t player, skep_entity own)
{
    skep__declares_leave(&sim->declares, sim->world, player, own);
}

const char *skep_sim_predicted(const skep_sim *sim, uint32_t index)
{
    return index < sim->declares.predicted_count ? sim->declares.predicted[index] : NULL;
}

const skep_component *skep_sim_predicted_component(const skep_sim *sim, uint32_t index)
{
    return index < sim->declares.used_count ? sim->declares.used[index] : NULL;
}
