/* SPDX-License-Identifier: MIT */
/* Builds batches from access tables and runs them; see conformance.h. Every column holds small
 * numbers made from its place, so that all arithmetic on them is exact. */
#include "tests/conformance/conformance.h"

#include "core/base/hash.h"
#include "core/plan/task_run.h"
#include "core/store/patch.h"
#include "port/port.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LAB_BYTES ((size_t)16 << 20)

/* ---- life ----------------------------------------------------------------------------------- */

static void *lab_alloc(void *ctx, size_t bytes, size_t align)
{
    lab *l = ctx;
    const skep_allocator heap = skep__port_allocator();
    l->allocations++;
    l->live++;
    return heap.alloc(heap.ctx, bytes, align);
}

static void lab_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    lab *l = ctx;
    const skep_allocator heap = skep__port_allocator();
    l->live--;
    heap.free(heap.ctx, memory, bytes, align);
}

skep_pool *lab_pool(lab *l)
{
    const skep_allocator allocator = {lab_alloc, lab_free, l};
    skep_pool *pool = l->factory->create(l->factory, &allocator, LAB_SCRATCH, &l->region);
    assert_non_null(pool);
    assert_int_equal(skep_pool_workers(pool), l->factory->workers);
    return pool;
}

void lab_open(lab *l, const conformance_factory *factory)
{
    memset(l, 0, sizeof *l);
    l->factory = factory;
    const bool own = factory && factory->region_open;
    const skep_status status = own ? factory->region_open(LAB_BYTES, &l->region)
                                   : skep__port_region_open(LAB_BYTES, &l->region);
    assert_int_equal(status, SKEP_OK);
    assert_int_equal(l->region.commit(l->region.ctx, 0, LAB_BYTES), SKEP_OK);
    if (factory) l->pool = lab_pool(l);
}

void lab_close(lab *l)
{
    skep_pool_destroy(l->pool);
    assert_int_equal(l->live, 0);
    if (l->factory && l->factory->region_close) {
        l->factory->region_close(&l->region);
    } else {
        skep__port_region_close(&l->region);
    }
}

void lab_leave(lab *l)
{
    assert_null(l->pool);
    l->region = (skep_region){0};
}

void *lab_take(lab *l, size_t bytes, size_t align)
{
    l->used = skep__align(l->used, align);
    void *memory = (uint8_t *)l->region.base + l->used;
    l->used += bytes;
    assert_true(l->used <= LAB_BYTES);
    return memory;
}

/* ---- building ------------------------------------------------------------------------------- */

/* Fills a column with small numbers of the field's type. */
static void lab_fill(void *column, const skep_field *field, uint32_t rows, uint64_t key)
{
    const uint32_t count = rows * field->count;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t number = (uint32_t)(skep__hash_u64(key + i) % 1000);
        if (field->type == SKEP_TYPE_f32) {
            ((float *)column)[i] = (float)number;
        } else if (field->type == SKEP_TYPE_f64) {
            ((double *)column)[i] = (double)number;
        } else {
            memcpy((uint8_t *)column + (size_t)i * field->size, &number,
                   field->size < 4 ? field->size : 4);
        }
    }
}

/* What building one part needs at hand. */
typedef struct lab_site {
    lab *lab;
    const lab_plan *plan;
    uint8_t *columns;
    skep_task_write *writes;
    skep_task_read *reads;
    uint32_t write_count;
    uint32_t read_count;
    uint32_t rows;
    uint64_t key;
} lab_site;

static void lab_column(lab_site *s, uint32_t a, uint32_t f)
{
    const skep_access *access = &s->plan->job->access[a];
    const skep_field *field = &access->component->fields[f];
    const uint32_t bytes = s->rows * field->size * field->count;
    const uint32_t at = access->offset + f * (uint32_t)sizeof(void *);
    uint8_t *old = lab_take(s->lab, bytes, 64);
    uint8_t *seen = old;
    lab_fill(old, field, s->rows, s->key + (uint64_t)a * 7919 + (uint64_t)f * 104729);
    if (access->mode == SKEP_MODE_in) {
        s->reads[s->read_count++] = (skep_task_read){old, bytes, a};
    } else if (!s->plan->in_place) {
        seen = lab_take(s->lab, bytes, 64);
        s->writes[s->write_count++] =
            (skep_task_write){seen, access->mode == SKEP_MODE_mut ? old : NULL, bytes, at};
    }
    memcpy(s->columns + at, &seen, sizeof seen);
}

/* One part: its entities, column struct, writes and reads. */
static void lab_part(lab_site *s, skep_task_part *part)
{
    const skep_job *job = s->plan->job;
    skep_entity *entities = lab_take(s->lab, s->rows * sizeof *entities, 64);
    for (uint32_t i = 0; i < s->rows; i++) {
        entities[i] = skep_entity_make((uint32_t)(s->key * 4096) + i, 1 + i % 3);
    }
    s->columns = lab_take(s->lab, job->cols_size, 16);
    s->writes = lab_take(s->lab, sizeof *s->writes * job->access_count * SKEP_FIELD_MAX, 16);
    s->reads = lab_take(s->lab, sizeof *s->reads * job->access_count * SKEP_FIELD_MAX, 16);
    s->write_count = 0;
    s->read_count = 0;
    for (uint32_t a = 0; a < job->access_count; a++) {
        const skep_access *access = &job->access[a];
        if (access->mode <= SKEP_MODE_out) {
            for (uint32_t f = 0; f < access->component->field_count; f++) lab_column(s, a, f);
        } else if (access->mode >= SKEP_MODE_add && access->mode <= SKEP_MODE_emit) {
            memcpy(s->columns + access->offset, &a, sizeof a);
        }
    }
    *part = (skep_task_part){.entity = s->rows ? entities : NULL,
                             .columns = s->columns,
                             .writes = s->writes,
                             .reads = s->reads,
                             .write_count = s->write_count,
                             .read_count = s->read_count,
                             .n = s->rows};
}

/* Finds the job's reductions and gives them their places in front of the patches. */
static void lab_cells(lab *l, const lab_plan *plan, skep_pool_task *task)
{
    skep_task_cell *cells = lab_take(l, sizeof *cells * plan->job->access_count, 16);
    task->cells = cells;
    for (uint32_t a = 0; a < plan->job->access_count; a++) {
        const skep_access *access = &plan->job->access[a];
        if (access->mode < SKEP_MODE_sum && access->mode != SKEP_MODE_res_mut) continue;
        const uint32_t bytes = access->component->size;
        cells[task->cell_count++] =
            (skep_task_cell){lab_take(l, bytes, 16), bytes, task->cells_bytes, access->offset, 0};
        task->cells_bytes += (uint32_t)skep__align(bytes, 16);
    }
    task->output_bytes = task->cells_bytes + plan->patch_bytes;
    if (task->output_bytes) task->output = lab_take(l, task->output_bytes, 64);
}

/* The pointers of cells lie in every part's column struct. */
static void lab_point_at_cells(const skep_pool_task *task)
{
    for (uint32_t p = 0; p < task->part_count; p++) {
        uint8_t *columns = (uint8_t *)(uintptr_t)task->parts[p].columns;
        for (uint32_t c = 0; c < task->cell_count; c++) {
            void *at = (uint8_t *)task->output + task->cells[c].offset;
            memcpy(columns + task->cells[c].column, &at, sizeof at);
        }
    }
}

static skep_pool_task *lab_task(lab *l, const lab_plan *plan, const skep_task_frame *frame,
                                uint32_t number)
{
    skep_pool_task *task = lab_take(l, sizeof *task, 64);
    const uint32_t part_count = plan->part_count ? plan->part_count : 1;
    skep_task_part *parts = lab_take(l, sizeof *parts * part_count, 64);
    skep_entity *spawns = lab_take(l, sizeof *spawns * plan->spawn_count, 64);
    *task = (skep_pool_task){.parts = parts, .frame = frame, .part_count = part_count};
    for (uint32_t i = 0; i < plan->spawn_count; i++) {
        spawns[i] = skep_entity_make(1000000 + number * 1000 + i * 7 % 1000, 5);
    }
    task->spawns = spawns;
    task->spawn_count = plan->spawn_count;
    task->block = number;
    task->system_key = skep__hash_string(plan->job->name);
    lab_cells(l, plan, task);
    for (uint32_t p = 0; p < part_count; p++) {
        lab_site site = {.lab = l, .plan = plan, .key = (uint64_t)number * 64 + p + 1};
        if (plan->rows_max) site.rows = 1 + (uint32_t)(skep__hash_u64(site.key) % plan->rows_max);
        lab_part(&site, &parts[p]);
        parts[p].row = task->rows;
        task->rows += site.rows;
    }
    lab_point_at_cells(task);
    return task;
}

lab_batch lab_build(lab *l, const lab_plan *plan)
{
    lab_batch b = {.job = plan->job};
    skep_task_frame *frame = lab_take(l, sizeof *frame, 64);
    *frame = (skep_task_frame){.time = 2.5, .tick = 77, .seed = 4711, .dt = 0.5f};
    b.tasks = lab_take(l, sizeof *b.tasks * (plan->task_count + 1), 64);
    b.jobs = lab_take(l, sizeof *b.jobs, 64);
    b.jobs[0] = plan->job;
    for (uint32_t t = 0; t < plan->task_count; t++) b.tasks[t] = lab_task(l, plan, frame, t);
    b.results = lab_take(l, sizeof *b.results * (plan->task_count + 1), 64);
    b.batch = (skep_pool_batch){.tasks = (const skep_pool_task *const *)b.tasks,
                                .jobs = b.jobs,
                                .task_count = plan->task_count,
                                .job_count = 1,
                                .flags = plan->flags};
    return b;
}

/* ---- running -------------------------------------------------------------------------------- */

void lab_done(void *ctx, const skep_pool_result *result)
{
    lab_batch *b = ctx;
    assert_true(result->task < b->batch.task_count);
    lab_result *r = &b->results[result->task];
    r->result = *result;
    r->delivered++;
    b->delivered++;
    if (result->output) skep__task_bring_home(b->tasks[result->task], result);
}

static void lab_forget(lab_batch *b)
{
    memset(b->results, 0, sizeof *b->results * b->batch.task_count);
    b->delivered = 0;
}

void lab_run(lab *l, lab_batch *b)
{
    lab_forget(b);
    assert_int_equal(l->pool->v->start(l->pool, &b->batch, lab_done, b), SKEP_OK);
    assert_int_equal(l->pool->v->wait(l->pool, SKEP_FOREVER), 0);
    assert_int_equal(b->delivered, b->batch.task_count);
    for (uint32_t t = 0; t < b->batch.task_count; t++) {
        assert_int_equal(b->results[t].delivered, 1);
        assert_true(b->results[t].result.worker <= l->factory->workers);
    }
}

void lab_run_plainly(lab *l, lab_batch *b)
{
    static _Alignas(64) uint8_t scratch[LAB_SCRATCH];
    const skep_task_room room = {scratch, sizeof scratch, NULL, NULL};
    (void)l;
    lab_forget(b);
    for (uint32_t t = 0; t < b->batch.task_count; t++) {
        skep_pool_result result = {.task = t};
        skep_task_run(b->tasks[t], b->jobs, b->batch.flags, &room, &result);
        lab_done(b, &result);
    }
}

static uint64_t lab_digest_task(const skep_pool_task *task, const skep_pool_result *result,
                                uint64_t h)
{
    h = skep__hash_mix(h, (uint64_t)result->status);
    h = skep__hash_mix(h, result->bytes_wanted);
    if (result->cause) h = skep__hash_mix(h, skep__hash_string(result->cause));
    if (result->bytes) h = skep__hash_mix(h, skep__hash_bytes(task->output, result->bytes, 1));
    if (result->status != SKEP_OK) return h;
    for (uint32_t p = 0; p < task->part_count; p++) {
        const skep_task_part *part = &task->parts[p];
        for (uint32_t w = 0; w < part->write_count; w++) {
            h = skep__hash_mix(h, skep__hash_bytes(part->writes[w].to, part->writes[w].bytes, w));
        }
    }
    return h;
}

uint64_t lab_digest(const lab_batch *b)
{
    uint64_t h = 0;
    for (uint32_t t = 0; t < b->batch.task_count; t++) {
        h = lab_digest_task(b->tasks[t], &b->results[t].result, h);
    }
    return h;
}

/* ---- patches -------------------------------------------------------------------------------- */

typedef struct lab_known {
    const skep_component *const *components;
    uint32_t count;
} lab_known;

static const skep_component *find_component(void *ctx, uint64_t identity)
{
    const lab_known *known = ctx;
    for (uint32_t i = 0; i < known->count; i++) {
        if (skep__component_identity(known->components[i]) == identity) return known->components[i];
    }
    return NULL;
}

/* The kinds of patches that a right allows. */
static uint32_t kinds_of(uint32_t mode)
{
    switch (mode) {
    case SKEP_MODE_add:
        return 1u << SKEP_PATCH_PUT | 1u << SKEP_PATCH_SET;
    case SKEP_MODE_remove:
        return 1u << SKEP_PATCH_REMOVE;
    case SKEP_MODE_destroy:
        return 1u << SKEP_PATCH_DESTROY;
    case SKEP_MODE_spawn:
        return 1u << SKEP_PATCH_SPAWN;
    case SKEP_MODE_emit:
        return 1u << SKEP_PATCH_EVENT;
    default:
        return 0;
    }
}

skep_status lab_verify(const lab_batch *b, uint32_t t, const skep_component *const *known,
                       uint32_t known_count, uint32_t *spawned)
{
    const skep_pool_task *task = b->tasks[t];
    lab_known all = {known, known_count};
    skep_patch_slot slots[SKEP_ACCESS_MAX];
    skep_error error;
    for (uint32_t a = 0; a < b->job->access_count; a++) {
        const skep_access *access = &b->job->access[a];
        slots[a] = (skep_patch_slot){access->component, kinds_of(access->mode), 0};
    }
    const skep_patch_rules rules = {.slots = slots,
                                    .slot_count = b->job->access_count,
                                    .spawns = task->spawns,
                                    .spawn_count = task->spawn_count,
                                    .component = find_component,
                                    .ctx = &all};
    return skep__patch_verify((const uint8_t *)task->output + task->cells_bytes,
                              b->results[t].result.bytes - task->cells_bytes, &rules, spawned,
                              &error);
}
