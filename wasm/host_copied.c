/* SPDX-License-Identifier: MIT */
/* What a task reads, as ranges of memory: for workers that have none in common with this one. They
 * get these bytes at the same addresses of a memory of their own. */
#include "wasm/host.h"

#include "core/plan/task_reads.h"

static bool range_push(void *ctx, const void *at, size_t bytes)
{
    host *h = ctx;
    if (!at || !bytes) return true;
    uint32_t *w = host_buffer_push(h, &h->list, 2 * sizeof *w);
    if (!w) return false;
    w[0] = (uint32_t)(uintptr_t)at;
    w[1] = skep__u32(bytes);
    return true;
}

/* Lists what a task reads: io[0] the address of the list, io[1] the number of ranges (address,
 * bytes). */
uint32_t HOST_EXPORT(skep_host_task_ranges)(host *h, const skep_pool_task *task,
                                            const skep_job *job)
{
    h->list.used = 0;
    if (!skep__task_reads(h->world, task, job, range_push, h))
        return (uint32_t)host_fail(h, SKEP_NO_MEMORY, "no memory to list a task: raise memoryMax");
    h->io[0] = (uint32_t)(uintptr_t)h->list.data;
    h->io[1] = h->list.used / 8u;
    return SKEP_OK;
}

static bool component_push(host *h, const skep_component *c)
{
    bool ok = range_push(h, c, sizeof *c) && range_push(h, c->name, strlen(c->name) + 1) &&
              range_push(h, c->fields, c->field_count * sizeof *c->fields);
    for (uint32_t f = 0; ok && f < c->field_count; f++)
        ok = range_push(h, c->fields[f].name, strlen(c->fields[f].name) + 1);
    return ok;
}

/* Lists the description of a job that JavaScript registered: its struct, its access table and the
 * components that it names. What is part of the module is there already. */
uint32_t HOST_EXPORT(skep_host_job_ranges)(host *h, const host_job *job)
{
    h->list.used = 0;
    bool ok =
        range_push(h, job, sizeof *job) && range_push(h, job->job.name, strlen(job->job.name) + 1);
    for (uint32_t a = 0; ok && a < job->job.access_count; a++)
        ok = component_push(h, job->access[a].component);
    if (!ok) return (uint32_t)host_fail(h, SKEP_NO_MEMORY, "no memory: raise memoryMax");
    h->io[0] = (uint32_t)(uintptr_t)h->list.data;
    h->io[1] = h->list.used / 8u;
    return SKEP_OK;
}
