/* SPDX-License-Identifier: MIT */
/* Where jobs are in children. A batch names its jobs by index, and its list of jobs is the same
 * frame after frame; so a child gets each list once, and a run says where it begins in the child's
 * order. A job that was there when the zygote was forked is where it is here; of others the spawner
 * opens the file, and children that were forked before are replaced. All this happens before a
 * batch is handed out, and so counts against no deadline. */
#include "pool/pool_processes.h"

#include "core/base/log.h"

static bool list_equal(const skep__procs_list *list, const skep_pool_batch *batch)
{
    return list->count == batch->job_count &&
           memcmp(list->jobs, batch->jobs, list->count * sizeof *list->jobs) == 0;
}

/* Finds a list; frames go through theirs in order, so the one behind the last is likely. */
static const skep__procs_list *list_find(skep__procs_pool *p, const skep_pool_batch *batch)
{
    for (uint32_t i = 0; i < p->list_count; i++) {
        const uint32_t at = (p->list_last + 1 + i) % p->list_count;
        if (!list_equal(&p->lists[at], batch)) continue;
        p->list_last = at;
        return &p->lists[at];
    }
    return NULL;
}

/* Finds where children have one job; 0 after saying why they cannot. */
static uint64_t job_address(skep__procs_pool *p, const skep_job *job)
{
    for (uint32_t i = 0; i < p->known_count; i++) {
        if (p->known[i] == job) return p->addresses[i];
    }
    char text[256] = "";
    bool loaded = false;
    const void *at = skep__port_spawner_address(p->spawner, job, &loaded, text, sizeof text);
    if (!at) {
        skep__logf(&p->log, SKEP_LOG_ERROR, "processes: the job \"%s\" cannot run in workers: %s",
                   job->name, text);
    }
    if (loaded) p->modules++;
    return (uint64_t)(uintptr_t)at;
}

/* Makes a list, and gives it to all children. */
static skep_status list_make(skep__procs_pool *p, const skep_pool_batch *batch)
{
    if (batch->job_count > SKEP__PROCS_JOBS) {
        skep__logf(&p->log, SKEP_LOG_ERROR, "processes: a batch has at most %u jobs",
                   SKEP__PROCS_JOBS);
        return SKEP_LIMIT;
    }
    if (p->list_count == SKEP__PROCS_LISTS ||
        batch->job_count > SKEP__PROCS_JOBS - p->known_count) {
        p->list_count = 0;
        p->known_count = 0;
    }
    const uint32_t at = p->known_count;
    for (uint32_t i = 0; i < batch->job_count; i++) {
        const uint64_t address = job_address(p, batch->jobs[i]);
        if (!address) {
            p->known_count = at;
            return SKEP_UNSUPPORTED;
        }
        p->known[at + i] = batch->jobs[i];
        p->addresses[at + i] = address;
        p->known_count = at + i + 1;
    }
    for (uint32_t s = 0; s < p->slot_count; s++) {
        for (uint32_t i = at; i < p->known_count; i++) {
            atomic_store_explicit(&p->slots[s].order->job[i], p->addresses[i],
                                  memory_order_relaxed);
        }
    }
    p->list_last = p->list_count++;
    p->lists[p->list_last] = (skep__procs_list){p->known + at, batch->job_count, at};
    return SKEP_OK;
}

skep_status skep__procs_jobs(skep__procs_pool *p, const skep_pool_batch *batch)
{
    const skep__procs_list *list = list_find(p, batch);
    if (SKEP_UNLIKELY(!list)) {
        const uint32_t modules = p->modules;
        skep_status status = list_make(p, batch);
        if (status != SKEP_OK && skep__procs_revive(p)) status = list_make(p, batch);
        if (p->broken) return SKEP_CLOSED;
        if (status != SKEP_OK) return status;
        if (p->modules != modules) skep__procs_renew(p);
        list = &p->lists[p->list_last];
    }
    p->jobs_at = list->at;
    return SKEP_OK;
}

void skep__procs_order_fill(const skep__procs_pool *p, skep__procs_slot *slot)
{
    skep__procs_order *order = slot->order;
    atomic_store(&order->span, 0);
    atomic_store(&order->alarm, 0);
    atomic_store(&order->cpu, UINT32_MAX);
    atomic_store(&order->spin, 0);
    atomic_store(&order->clock, p->clock_address);
    atomic_store(&order->scratch_offset, p->scratch_offset);
    atomic_store(&order->scratch_bytes, p->scratch_bytes);
    atomic_store(&order->output_bytes, p->output_bytes);
    for (uint32_t i = 0; i < p->known_count; i++) {
        atomic_store_explicit(&order->job[i], p->addresses[i], memory_order_relaxed);
    }
}
