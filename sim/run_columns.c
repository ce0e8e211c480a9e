/* SPDX-License-Identifier: MIT */
/* One job over somebody's arrays: the same tasks that a plan would make of a world's blocks, made
 * of runs of 1,024 rows of plain arrays. Columns are written in place: the tasks list no writes,
 * so whatever runs them hands the pointers through.
 *
 *     one allocation: [tasks][task pointers][parts][column structs, one a task] */
#include "core/base/hash.h"
#include "port/port.h"
#include "sim/sim_internal.h"

#define RUN_ROWS 1024u

typedef struct run_columns {
    const skep_job *job;
    const skep_part_list *list;
    uint32_t n;
    uint32_t task_count;
    size_t cols_bytes; /* of one column struct, aligned */
    skep_pool_task *tasks;
    const skep_pool_task **pointers;
    skep_task_part *parts;
    uint8_t *cols;
    skep_task_frame frame;
    skep_status status; /* the first that was not SKEP_OK */
    uint32_t status_task;
} run_columns;

/* The arrays given for a component, by address or by name and size, since each file that declares
 * one has a description of its own. */
static const skep_part *run_find(const skep_part_list *list, const skep_component *c)
{
    for (uint32_t i = 0; i < SKEP_LIST_MAX && list->of[i].component; i++) {
        const skep_component *have = list->of[i].component;
        if (have == c || (have->size == c->size && strcmp(have->name, c->name) == 0))
            return &list->of[i];
    }
    return NULL;
}

/* Whether the job can be run without a world on these arrays. */
static bool run_possible(const skep_job *job, const skep_part_list *list)
{
    for (uint32_t i = 0; i < job->access_count; i++) {
        const skep_component *c = job->access[i].component;
        const skep_part *part = run_find(list, c);
        switch (job->access[i].mode) {
        case SKEP_MODE_in:
        case SKEP_MODE_mut:
        case SKEP_MODE_out:
            if (!part || !part->columns) return false;
            break;
        case SKEP_MODE_opt:
            break;
        case SKEP_MODE_with:
            if (!part) return false;
            break;
        case SKEP_MODE_not:
            if (part) return false;
            break;
        default:
            return false;
        }
    }
    return true;
}

/* Fills a task's column struct with pointers to its rows. */
static void run_point(const run_columns *r, uint8_t *cols, uint32_t first)
{
    for (uint32_t i = 0; i < r->job->access_count; i++) {
        const skep_access *a = &r->job->access[i];
        const skep_part *part = run_find(r->list, a->component);
        if (a->mode == SKEP_MODE_with || a->mode == SKEP_MODE_not || !part || !part->columns)
            continue;
        uint8_t *const *from = (uint8_t *const *)part->columns;
        for (uint32_t f = 0; f < a->component->field_count; f++) {
            const skep_field *field = &a->component->fields[f];
            uint8_t *at = from[f] + (size_t)first * field->size * field->count;
            memcpy(cols + a->offset + f * sizeof at, &at, sizeof at);
        }
    }
}

static void run_prepare(run_columns *r, uint32_t index)
{
    const uint32_t first = index * RUN_ROWS;
    uint8_t *cols = r->cols + index * r->cols_bytes;
    run_point(r, cols, first);
    skep_task_part *part = &r->parts[index];
    part->columns = cols;
    part->n = skep__min_u32(r->n - first, RUN_ROWS);
    skep_pool_task *task = &r->tasks[index];
    task->parts = part;
    task->part_count = 1;
    task->frame = &r->frame;
    task->system_key = skep__hash_string(r->job->name);
    task->block = index;
    task->rows = part->n;
    r->pointers[index] = task;
}

static void run_done(void *ctx, const skep_pool_result *result)
{
    run_columns *r = (run_columns *)ctx;
    if (result->status == SKEP_OK || result->task > r->status_task) return;
    r->status = result->status;
    r->status_task = result->task;
}

static skep_status run_on_pool(run_columns *r, skep_pool *pool)
{
    const skep_job *const jobs[] = {r->job};
    skep_pool_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.tasks = r->pointers;
    batch.jobs = jobs;
    batch.task_count = r->task_count;
    batch.job_count = 1;
    const skep_status status = pool->v->start(pool, &batch, run_done, r);
    if (status != SKEP_OK) return status;
    while (pool->v->wait(pool, UINT64_MAX) != 0) continue;
    return r->status;
}

/* On the caller: with a small scratch of its own. */
static skep_status run_here(run_columns *r)
{
    _Alignas(16) uint8_t scratch[4096];
    const skep_job *const jobs[] = {r->job};
    skep_task_room room;
    room.scratch = scratch;
    room.scratch_bytes = sizeof scratch;
    room.elsewhere = NULL;
    room.guard = NULL;
    for (uint32_t i = 0; i < r->task_count; i++) {
        skep_pool_result result;
        memset(&result, 0, sizeof result);
        result.task = i;
        skep_task_run(r->pointers[i], jobs, 0, &room, &result);
        run_done(r, &result);
    }
    return r->status;
}

skep_status skep__run_columns(skep_pool *pool, const skep_job *job, uint32_t n, float dt,
                              skep_part_list list)
{
    if (job->flags & SKEP_JOB_UNSPLIT || !run_possible(job, &list)) return SKEP_ARGUMENT;
    if (n == 0) return SKEP_OK;
    run_columns r;
    memset(&r, 0, sizeof r);
    r.job = job;
    r.list = &list;
    r.n = n;
    r.task_count = (n - 1) / RUN_ROWS + 1;
    r.cols_bytes = skep__align(job->cols_size, 16);
    r.frame.dt = dt;
    r.status_task = UINT32_MAX;
    const size_t each =
        sizeof(skep_pool_task) + sizeof(skep_task_part) + sizeof(void *) + r.cols_bytes;
    const skep_allocator allocator = skep__port_allocator();
    uint8_t *memory = (uint8_t *)skep__alloc(&allocator, each * r.task_count, 64);
    if (!memory) return SKEP_NO_MEMORY;
    r.tasks = (skep_pool_task *)(void *)memory;
    r.parts = (skep_task_part *)(void *)(r.tasks + r.task_count);
    r.cols = (uint8_t *)(r.parts + r.task_count);
    r.pointers = (const skep_pool_task **)(void *)(r.cols + r.task_count * r.cols_bytes);
    for (uint32_t i = 0; i < r.task_count; i++) run_prepare(&r, i);
    const skep_status status = pool ? run_on_pool(&r, pool) : run_here(&r);
    skep__free(&allocator, memory, each * r.task_count, 64);
    return status;
}
