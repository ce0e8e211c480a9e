/* SPDX-License-Identifier: MIT */
/* The plan's life: creating, adding and removing systems, building, and what the host says of
 * itself.
 *
 * A build runs lazily, when the first call after a change needs it. It looks at all systems and
 * notes every mistake before it gives up, so that one reading of the list is enough; only a plan
 * without mistakes gets batches. */
#include "core/plan/plan_internal.h"

#include "core/data/apply.h"

#define PLAN_CANARY 0x504C414Eu
#define PLAN_STAGES 6u
#define PLAN_STAGE_MAX 64u

static const char plan_stages[PLAN_STAGES][SKEP_SYSTEM_NAME_BYTES] = {
    "startup", "input", "update", "late", "render", "cleanup"};

skep_plan_desc skep_plan_desc_default(void)
{
    skep_plan_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.canary = PLAN_CANARY;
    desc.patch_bytes_max = (size_t)16 << 20;
    desc.parked_bytes_max = (size_t)64 << 20;
    desc.fault_max = 3;
    desc.fault_frames = 60;
    desc.release_frames = 60;
    return desc;
}

static skep_status stages_copy(skep_plan *p, const skep_plan_desc *desc)
{
    const uint32_t count = desc->stage_count ? desc->stage_count : PLAN_STAGES;
    if (count > PLAN_STAGE_MAX) return SKEP_ARGUMENT;
    p->stages = skep__alloc(&p->allocator, count * sizeof *p->stages, 16);
    if (!p->stages) return SKEP_NO_MEMORY;
    p->stage_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const char *name = desc->stage_count ? desc->stages[i] : plan_stages[i];
        const size_t length = skep__format(p->stages[i], sizeof p->stages[i], "%s", name);
        if (length == 0 || length >= sizeof p->stages[i]) return SKEP_ARGUMENT;
    }
    return SKEP_OK;
}

skep_status skep_plan_create(skep_world *world, const skep_plan_desc *desc, skep_plan **plan)
{
    *plan = NULL;
    if (desc->canary != PLAN_CANARY || desc->fault_max > SKEP__FAULT_TICKS) return SKEP_ARGUMENT;
    const skep_allocator *a = &world->store.allocator;
    skep_plan *p = skep__alloc(a, sizeof *p, 64);
    if (!p) return SKEP_NO_MEMORY;
    p->world = world;
    p->allocator = *a;
    p->log = desc->log;
    p->patch_bytes_max = desc->patch_bytes_max;
    p->parked_bytes_max = desc->parked_bytes_max;
    p->fault_max = desc->fault_max ? desc->fault_max : 3;
    p->fault_frames = desc->fault_frames ? desc->fault_frames : 60;
    p->release_frames = desc->release_frames ? desc->release_frames : 60;
    p->host.executor = "local";
    const skep_status status = stages_copy(p, desc);
    if (status != SKEP_OK) {
        skep_plan_destroy(p);
        return status;
    }
    *plan = p;
    return SKEP_OK;
}

static void plan_free_arrays(skep_plan *p)
{
    skep__frame *f = &p->frame;
    skep__plan_array_free(p, &f->tasks, &f->task_cap, sizeof *f->tasks);
    skep__plan_array_free(p, &f->fresh, &f->fresh_cap, sizeof *f->fresh);
    skep__plan_array_free(p, &f->issue, &f->issue_cap, sizeof *f->issue);
    skep__plan_array_free(p, &p->systems, &p->system_cap, sizeof *p->systems);
    skep__plan_array_free(p, &p->order, &p->order_cap, sizeof *p->order);
    skep__plan_array_free(p, &p->schedule, &p->schedule_cap, sizeof *p->schedule);
    skep__plan_array_free(p, &p->batches, &p->batch_cap, sizeof *p->batches);
    skep__plan_array_free(p, &p->batch_info, &p->batch_info_cap, sizeof *p->batch_info);
    skep__plan_array_free(p, &p->jobs, &p->jobs_cap, sizeof *p->jobs);
    skep__plan_array_free(p, &p->edges, &p->edge_cap, sizeof *p->edges);
    skep__plan_array_free(p, &p->uses, &p->use_cap, sizeof *p->uses);
    skep__plan_array_free(p, &p->marks, &p->mark_cap, sizeof *p->marks);
    skep__plan_array_free(p, &p->mistakes.bytes, &p->mistakes.cap, 1);
    skep__plan_array_free(p, &p->faults, &p->fault_cap, sizeof *p->faults);
    skep__plan_array_free(p, &p->replay, &p->replay_cap, sizeof *p->replay);
    skep__plan_array_free(p, &p->hung, &p->hung_cap, sizeof *p->hung);
    skep__plan_array_free(p, &p->parked, &p->parked_cap, sizeof *p->parked);
    skep__plan_array_free(p, &p->match_of, &p->match_of_cap, sizeof *p->match_of);
    skep__plan_array_free(p, &p->sort, &p->sort_cap, sizeof *p->sort);
    skep__plan_array_free(p, &p->buffers, &p->buffer_cap, sizeof(skep__apply_buffer));
    skep__plan_array_free(p, &p->unused, &p->unused_cap, sizeof *p->unused);
    skep__plan_array_free(p, &p->fold, &p->fold_cap, 1);
}

void skep_plan_destroy(skep_plan *plan)
{
    if (!plan) return;
    skep_plan *p = plan;
    skep_frame_abort(p);
    /* Nobody said that the workers of parked blocks are gone: their blocks are used no more. */
    for (uint32_t i = 0; i < p->system_count; i++) skep__system_free(p, p->systems[i]);
    skep__bump_free(p);
    plan_free_arrays(p);
    const skep_allocator a = p->allocator;
    skep__free(&a, p->stages, p->stage_count * sizeof *p->stages, 16);
    skep__free(&a, p, sizeof *p, 64);
}

/* ---- systems ------------------------------------------------------------------------------- */

skep_status skep_plan_add(skep_plan *plan, const skep_system_desc *desc)
{
    if (skep_frame_running(plan)) return SKEP_BUSY;
    if (!skep__plan_grow(plan, &plan->systems, &plan->system_cap, plan->system_count + 1,
                         sizeof *plan->systems)) {
        return SKEP_NO_MEMORY;
    }
    skep__system *s = NULL;
    const skep_status status = skep__system_make(plan, desc, &s);
    if (status != SKEP_OK) return status;
    plan->systems[plan->system_count++] = s;
    plan->registered++;
    plan->built = false;
    return SKEP_OK;
}

skep_status skep_plan_remove(skep_plan *plan, const char *name)
{
    if (skep_frame_running(plan)) return SKEP_BUSY;
    skep__system *s = skep__system_find(plan, name);
    if (!s) return SKEP_NOT_FOUND;
    uint32_t at = plan->system_count - 1;
    while (plan->systems[at] != s) at--;
    for (uint32_t i = at; i + 1 < plan->system_count; i++) plan->systems[i] = plan->systems[i + 1];
    plan->system_count--;
    plan->built = false;
    skep__system_free(plan, s);
    return SKEP_OK;
}

/* ---- building ------------------------------------------------------------------------------ */

/* The order and the schedule hold systems, some of which may be gone: nobody looks before the next
 * build has gone through. */
static skep_status plan_make(skep_plan *p)
{
    p->mistakes.used = 0;
    p->mistakes.lost = false;
    p->mistake_count = 0;
    p->batch_count = 0;
    p->use_count = 0;
    skep_status status = skep__plan_look(p);
    if (status == SKEP_OK) status = skep__plan_order(p);
    if (status != SKEP_OK) return status;
    if (p->mistake_count) return SKEP_PLAN;
    status = skep__plan_batches(p);
    return status == SKEP_OK ? skep__records_make(p) : status;
}

skep_status skep_plan_build(skep_plan *plan)
{
    if (plan->built && skep__uses_check(plan)) return SKEP_OK;
    if (skep_frame_running(plan)) return SKEP_BUSY;
    plan->built = false;
    const skep_status status = plan_make(plan);
    plan->built = status == SKEP_OK;
    if (status != SKEP_OK) plan->batch_count = 0;
    if (status == SKEP_OK) skep__plan_trace(plan);
    return status;
}

uint32_t skep_plan_system_count(const skep_plan *plan)
{
    return plan->built ? plan->system_count : 0;
}

uint32_t skep_plan_batch_count(const skep_plan *plan)
{
    return plan->batch_count;
}

uint32_t skep_plan_batch_of(const skep_plan *plan, const char *system)
{
    const skep__system *s = plan->built ? skep__system_find(plan, system) : NULL;
    return s ? s->batch + 1 : 0;
}

const char *skep_plan_system_at(const skep_plan *plan, uint32_t place)
{
    return place < skep_plan_system_count(plan) ? plan->order[place]->name : NULL;
}

void skep_plan_host_set(skep_plan *plan, const skep_plan_host *host)
{
    const bool told = plan->host.trace == host->trace;
    plan->host = *host;
    if (!host->executor) plan->host.executor = "local";
    plan->ring = skep__trace_ring_of(host->trace, 0);
    if (plan->built && !told) skep__plan_trace(plan);
}

/* ---- what systems remember ------------------------------------------------------------------ */

/* Finds a system whose record may be looked at. */
static skep_status plan_known(skep_plan *p, const char *name, skep__system **s)
{
    if (!skep_frame_running(p)) {
        const skep_status status = skep_plan_build(p);
        if (status != SKEP_OK) return status;
    }
    *s = skep__system_find(p, name);
    return *s ? skep__record_refind(p, *s) : SKEP_NOT_FOUND;
}

skep_status skep_plan_enable(skep_plan *plan, const char *name, bool enabled)
{
    skep__system *s = NULL;
    const skep_status status = plan_known(plan, name, &s);
    if (status != SKEP_OK) return status;
    skep__system_record *r = skep__system_record_write(plan, s);
    if (!r) return SKEP_NO_MEMORY;
    r->disabled = !enabled;
    return SKEP_OK;
}

bool skep_plan_enabled(skep_plan *plan, const char *name)
{
    skep__system *s = NULL;
    if (plan_known(plan, name, &s) != SKEP_OK) return false;
    return !skep__system_record_read(plan, s)->disabled;
}

skep_status skep_plan_release(skep_plan *plan, const char *name)
{
    skep__system *s = NULL;
    const skep_status status = plan_known(plan, name, &s);
    if (status != SKEP_OK) return status;
    skep__system_record *r = skep__system_record_write(plan, s);
    if (!r) return SKEP_NO_MEMORY;
    r->until = 0;
    r->quarantines = 0;
    memset(r->faults, 0, sizeof r->faults);
    return SKEP_OK;
}

bool skep_plan_quarantined(skep_plan *plan, const char *name)
{
    skep__system *s = NULL;
    if (plan_known(plan, name, &s) != SKEP_OK) return false;
    return skep__system_record_read(plan, s)->until > plan->world->tick;
}

/* ---- watchers ---------------------------------------------------------------------------- */

void skep__plan_watch(skep_plan *p, skep__plan_watcher *watcher)
{
    watcher->next = p->watchers;
    p->watchers = watcher;
}

void skep__plan_unwatch(skep_plan *p, skep__plan_watcher *watcher)
{
    skep__plan_watcher **at = &p->watchers;
    while (*at && *at != watcher) at = &(*at)->next;
    if (*at) *at = watcher->next;
}
