/* SPDX-License-Identifier: MIT */
/* The tasks of one system in one batch: which rows, where they are read and where they are written.
 *
 * A part is one row block of one table and one call of the job. Parts are put together to tasks as
 * long as they have at most 1,024 rows, in the order of tables and blocks, so tasks are the same
 * whatever runs them. All that jobs see of this lies in bump memory:
 *
 *     tasks      skep_pool_task each, pointing to a run of parts
 *     parts      skep_task_part each, pointing to its column struct and writes
 *     columns    the job's column struct for each part: a copy of the system's base, which has what
 * is the same for all parts (lookups, resources, rights), with the block's pointers in it
 *
 * A column is written in place when the job can neither fail nor see what it writes, and nobody
 * else holds the block. Everything else is written to fresh slots (blocks of small tables: to bump
 * memory), and commit.c puts those in their place. This loop is what a frame of many tiny systems
 * spends its time in: no table is searched here, and the common part costs a few stores. */
#include "core/plan/plan_internal.h"

/* What building a system carries along. */
typedef struct build_state {
    skep_plan *p;
    skep__system *s;
    skep__store *store;
    skep_task_part *parts;
    uint8_t *columns;
    size_t stride; /* of the column structs */
    skep_pool_task *tasks;
    skep__task *open; /* the task that gets parts */
    uint32_t part;    /* next */
    uint32_t task;
    uint32_t number; /* of the next task within the system */
    bool in_place;
    bool spans;
    bool check;
} build_state;

/* ---- what is the same for all parts ---------------------------------------------------------- */

/* Puts a value into a column struct, whose layout only the job's compiler knows. */
#define BUILD_PUT(cols, at, value) memcpy((cols) + (at), &(value), sizeof(value))

const void *skep__zeros(skep_plan *p, size_t bytes)
{
    skep__frame *f = &p->frame;
    if (f->zeros && f->zeros_bytes >= bytes) return f->zeros;
    const size_t want = bytes > 4352 ? bytes : 4352; /* begins of 1,024 rows, and a value beside */
    void *zeros = skep__bump_take(p, want);
    if (!zeros) return NULL;
    memset(zeros, 0, want);
    f->zeros = zeros;
    f->zeros_bytes = want;
    return zeros;
}

static skep_status base_resource(skep_plan *p, skep__system *s, const skep__plan_term *t)
{
    const skep__blob *value = &p->world->resources[t->number].value;
    const void *at = skep__blob_read(&p->world->store, value);
    if (!at) at = skep__zeros(p, t->info->size);
    if (!at) return SKEP_NO_MEMORY;
    BUILD_PUT(s->base, t->offset, at);
    return SKEP_OK;
}

static skep_status base_term(skep_plan *p, skep__system *s, const skep__plan_term *t)
{
    const skep__store *store = &p->world->store;
    switch (t->mode) {
    case SKEP_MODE_lookup: {
        const skep_lookup at = {store->index, store->types[t->number].dir, store->queue.index_count,
                                0};
        BUILD_PUT(s->base, t->offset, at);
        return SKEP_OK;
    }
    case SKEP_MODE_changed: {
        const uint64_t since = skep__system_record_read(p, s)->last_stamp;
        BUILD_PUT(s->base, t->offset + sizeof(uint64_t), since);
        return SKEP_OK;
    }
    case SKEP_MODE_res:
        return base_resource(p, s, t);
    case SKEP_MODE_events:
        return skep__system_events(p, s, t);
    default:
        return SKEP_OK;
    }
}

/* ---- columns ----------------------------------------------------------------------------------
 */

/* Makes the block's column the table's alone, if it can be without copying; small tables are copied
 * as a whole, which costs less than a detour. */
static bool column_own(const build_state *b, skep__table *t, uint32_t block, uint32_t column)
{
    if (!t->small_slot) return skep__own_alone(b->store, t, block, column);
    skep__cell *cell = &skep__line_of(t, 0)->cells[column];
    if (cell->epoch == b->store->epoch) return true;
    if (SKEP_UNLIKELY(skep__slot_refs(&b->store->arena, t->small_slot) > 1)) {
        return skep__own_cell(b->store, t, block, column) == SKEP_OK;
    }
    *skep__slot_hash(&b->store->arena, t->small_slot) = 0;
    cell->epoch = b->store->epoch;
    return true;
}

/* Takes memory for a column's new rows and notes it for the commit. */
static uint8_t *column_fresh(build_state *b, const skep__table *t, uint32_t block,
                             const skep__plan_col *c, uint32_t bytes)
{
    skep__frame *f = &b->p->frame;
    uint32_t slot = 0;
    uint8_t *data = NULL;
    if (!skep__plan_grow(b->p, &f->fresh, &f->fresh_cap, f->fresh_count + 1, sizeof *f->fresh)) {
        return NULL;
    }
    if (t->small_slot) {
        data = skep__bump_take(b->p, bytes);
    } else {
        slot = skep__arena_take(&b->store->arena, (size_t)c->bytes << t->shift);
        if (slot) data = skep__slot_data(&b->store->arena, slot);
    }
    if (!data) return NULL;
    const uint32_t task = (uint32_t)(b->open - f->tasks);
    f->fresh[f->fresh_count++] = (skep__fresh){data, t->id, block, c->column, slot, bytes, task};
    b->open->fresh_count++;
    b->s->copied++;
    return data;
}

static skep_status part_writes(build_state *b, const skep__plan_match *m, uint32_t block,
                               skep_task_part *part, uint8_t *cols)
{
    skep__table *t = b->store->tables[m->table];
    skep_task_write *writes = NULL;
    const skep__plan_col *c = &b->s->cols[m->reads + m->read_count];
    for (uint32_t i = 0; i < m->write_count; i++, c++) {
        if (b->in_place && column_own(b, t, block, c->column)) {
            uint8_t *live = skep__line_of(t, block)->cells[c->column].data;
            BUILD_PUT(cols, c->offset, live);
            b->open->in_place = true;
            b->s->in_place++;
            continue;
        }
        if (!writes) writes = skep__bump_take(b->p, m->write_count * sizeof *writes);
        const uint32_t bytes = part->n * c->bytes;
        uint8_t *to = writes ? column_fresh(b, t, block, c, bytes) : NULL;
        if (!to) return SKEP_NO_MEMORY;
        const void *from = c->fresh ? NULL : skep__line_of(t, block)->cells[c->column].data;
        writes[part->write_count++] = (skep_task_write){to, from, bytes, c->offset};
        BUILD_PUT(cols, c->offset, to);
    }
    part->writes = writes;
    return SKEP_OK;
}

/* Lists what the part reads, for checked batches. */
static skep_status part_reads(build_state *b, const skep__plan_match *m, const skep__line *line,
                              skep_task_part *part)
{
    const skep__plan_col *c = &b->s->cols[m->reads];
    skep_task_read *reads = skep__bump_take(b->p, (m->read_count + 1u) * sizeof *reads);
    if (!reads) return SKEP_NO_MEMORY;
    for (uint32_t i = 0; i < m->read_count; i++, c++) {
        reads[i] = (skep_task_read){line->cells[c->column].data, part->n * c->bytes, c->access};
    }
    reads[m->read_count] =
        (skep_task_read){part->entity, part->n * (uint32_t)sizeof(skep_entity), 0};
    part->reads = reads;
    part->read_count = m->read_count + 1u;
    return SKEP_OK;
}

/* ---- tasks ------------------------------------------------------------------------------------
 */

static void task_open(build_state *b)
{
    skep__frame *f = &b->p->frame;
    skep_pool_task *d = &b->tasks[b->task++];
    memset(d, 0, sizeof *d);
    d->parts = &b->parts[b->part];
    d->cells = b->s->cells;
    d->frame = f->shared;
    d->system_key = b->s->key;
    d->system = b->s->number;
    d->job = b->s->job_index;
    d->cell_count = b->s->cell_count;
    d->cells_bytes = b->s->cells_bytes;
    d->block = b->number++;
    b->open = &f->tasks[f->task_count++];
    memset(b->open, 0, sizeof *b->open);
    b->open->task = d;
    b->open->system = b->s;
    b->open->fresh_first = f->fresh_count;
    b->s->task_count++;
}

/* Appends a part to the open task and returns its column struct, filled with the base. */
static uint8_t *part_open(build_state *b, uint32_t n, const skep_entity *entity)
{
    skep_pool_task *d = b->open->task;
    skep_task_part *part = &b->parts[b->part];
    uint8_t *cols = b->columns + b->stride * b->part++;
    memcpy(cols, b->s->base, b->s->job->cols_size);
    *part = (skep_task_part){entity, cols, NULL, NULL, 0, 0, n, d->rows};
    d->part_count++;
    d->rows += n;
    return cols;
}

static skep_status build_block(build_state *b, const skep__plan_match *m, uint32_t block)
{
    const skep__table *t = b->store->tables[m->table];
    const uint32_t n = skep__block_rows(t, block);
    if (!b->open || (!b->s->unsplit && b->open->task->rows + n > SKEP__ROWS_MAX)) task_open(b);
    skep_task_part *part = &b->parts[b->part];
    uint8_t *cols = part_open(b, n, NULL);
    skep_status status = SKEP_OK;
    if (m->write_count) status = part_writes(b, m, block, part, cols);
    /* Owning a small table may have moved it, so that reads come after writes. */
    const skep__line *line = skep__line_of(t, block);
    part->entity = (const skep_entity *)(const void *)line->cells[0].data;
    const skep__plan_col *c = &b->s->cols[m->reads];
    for (uint32_t i = 0; i < m->read_count; i++, c++) {
        const void *at = line->cells[c->column].data;
        BUILD_PUT(cols, c->offset, at);
    }
    if (SKEP_UNLIKELY(b->check) && status == SKEP_OK) status = part_reads(b, m, line, part);
    return status;
}

/* Makes tasks of several blocks each out of the full ones that the table begins with, where that is
 * worth it and allowed; returns the number of blocks they cover. */
static skep_status build_spans(build_state *b, const skep__plan_match *m, uint32_t *covered)
{
    *covered = 0;
    if (!b->spans) return SKEP_OK;
    const uint32_t most = b->store->tables[m->table]->row_count / SKEP__ROWS_MAX;
    const uint32_t each = skep__span_blocks(b->p, most);
    if (each < 2) return SKEP_OK;
    const uint32_t blocks = skep__span_own(b->p, b->s, m);
    for (uint32_t first = 0; first + each <= blocks; first += each) {
        task_open(b);
        skep_pool_task *d = b->open->task;
        d->span = skep__span_make(b->p, b->s, m, first, each);
        if (!d->span) return SKEP_NO_MEMORY;
        d->rows = each * SKEP__ROWS_MAX;
        b->open->in_place = true;
        b->s->in_place += each * m->write_count;
        b->number += each - 1u;
        *covered += each;
    }
    if (*covered) b->open = NULL;
    return SKEP_OK;
}

static skep_status build_rows(build_state *b)
{
    for (uint32_t i = 0; i < b->s->match_count; i++) {
        const skep__plan_match *m = &b->s->matches[i];
        const uint32_t blocks = skep__table_blocks(b->store->tables[m->table]);
        uint32_t block = 0;
        const skep_status spanned = build_spans(b, m, &block);
        if (spanned != SKEP_OK) return spanned;
        for (; block < blocks; block++) {
            const skep_status status = build_block(b, m, block);
            if (status != SKEP_OK) return status;
        }
    }
    return SKEP_OK;
}

/* Lets the column structs of a task point to its cells. */
static void task_point_cells(skep__task *t)
{
    const skep_pool_task *d = t->task;
    for (uint32_t p = 0; p < d->part_count; p++) {
        uint8_t *cols = (uint8_t *)(uintptr_t)d->parts[p].columns;
        for (uint32_t i = 0; i < d->cell_count; i++) {
            uint8_t *cell = (uint8_t *)d->output + d->cells[i].offset;
            BUILD_PUT(cols, d->cells[i].column, cell);
        }
    }
}

/* Gives a task an output area with `bytes` for patches. */
static skep_status task_output(skep_plan *p, skep__task *t, size_t bytes)
{
    skep_pool_task *d = t->task;
    const size_t all = skep__align(d->cells_bytes + bytes, 16);
    if (!all) return SKEP_OK;
    d->output = skep__bump_take(p, all);
    if (!d->output) return SKEP_NO_MEMORY;
    d->output_bytes = skep__u32(all);
    task_point_cells(t);
    return SKEP_OK;
}

/* Reserves handles for the spawns of a task; where fewer are left the slice is cut. A job cannot
 * know that its calls for several small tables are one task, so each of them counts as a block. */
static skep_status task_spawns(skep_plan *p, skep__task *t)
{
    skep_pool_task *d = t->task;
    const uint32_t max = t->system->job->spawn_max;
    const uint32_t want = max ? max * (t->system->unsplit ? 1 : d->part_count) : d->rows;
    if (!want) return SKEP_OK;
    skep_entity *spawns = skep__bump_take(p, want * sizeof *spawns);
    if (!spawns) return SKEP_NO_MEMORY;
    d->spawn_count = skep__ids_take(&p->world->store, want, spawns);
    d->spawns = spawns;
    return SKEP_OK;
}

/* Room for a task's first patches, and for the log lines of a job without any: a line that does not
 * fit is lost, and the first one is the one that somebody looks for. */
#define BUILD_PATCH_BYTES 1024u
#define BUILD_LOG_BYTES 256u

static skep_status build_outputs(build_state *b)
{
    skep__system *s = b->s;
    const uint32_t log = b->p->log.fn ? BUILD_LOG_BYTES : 0;
    const uint32_t hint = skep__max_u32(s->output_hint, s->patches ? BUILD_PATCH_BYTES : log);
    if (!hint && !s->reduces) return SKEP_OK;
    for (uint32_t i = 0; i < s->task_count; i++) {
        skep__task *t = &b->p->frame.tasks[s->task_first + i];
        skep_status status = task_output(b->p, t, hint);
        if (status == SKEP_OK && s->spawns) status = task_spawns(b->p, t);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

/* ---- one system ---------------------------------------------------------------------------------
 */

/* Counts rows and parts, and where each table's begin. */
static void build_count(skep_plan *p, skep__system *s)
{
    s->row_count = 0;
    s->part_count = 0;
    if (!s->rows) return;
    for (uint32_t i = 0; i < s->match_count; i++) {
        skep__plan_match *m = &s->matches[i];
        const skep__table *t = p->world->store.tables[m->table];
        m->row_base = s->row_count;
        m->part_base = s->part_count;
        s->row_count += t->row_count;
        s->part_count += skep__table_blocks(t);
    }
}

static skep_status build_memory(build_state *b, uint32_t parts)
{
    skep__frame *f = &b->p->frame;
    b->stride = skep__align(b->s->job->cols_size, 16);
    const size_t tasks_bytes = skep__align((b->s->unsplit ? 1 : parts) * sizeof *b->tasks, 16);
    const size_t parts_bytes = skep__align(parts * sizeof *b->parts, 16);
    uint8_t *memory = skep__bump_take(b->p, tasks_bytes + parts_bytes + parts * b->stride);
    if (!memory ||
        !skep__plan_grow(b->p, &f->tasks, &f->task_cap, f->task_count + parts, sizeof *f->tasks)) {
        return SKEP_NO_MEMORY;
    }
    b->tasks = (skep_pool_task *)(void *)memory;
    b->parts = (skep_task_part *)(void *)(memory + tasks_bytes);
    b->columns = memory + tasks_bytes + parts_bytes;
    return SKEP_OK;
}

skep_status skep__system_prepare(skep_plan *p, skep__system *s)
{
    skep_status status = s->rows ? skep__system_match(p, s) : SKEP_OK;
    for (uint32_t i = 0; s->live_base && i < s->access_count && status == SKEP_OK; i++) {
        status = base_term(p, s, &s->terms[i]);
    }
    if (status == SKEP_OK && s->reduces) status = skep__system_cells(p, s);
    if (status == SKEP_OK) build_count(p, s);
    return status;
}

static skep_status build_prepare(build_state *b)
{
    const skep__system *s = b->s;
    const skep_status status = skep__system_prepare(b->p, b->s);
    if (status != SKEP_OK) return status;
    if (s->rows && !s->unsplit && !s->part_count) return SKEP_OK;
    return build_memory(b, skep__max_u32(s->part_count, 1));
}

skep_status skep__system_build(skep_plan *p, skep__system *s)
{
    skep__frame *f = &p->frame;
    build_state b = {.p = p, .s = s, .store = &p->world->store};
    b.check = (p->host.batch_flags & SKEP_BATCH_CHECK) != 0;
    b.in_place = s->local && !s->copies && f->in_place_allowed;
    b.spans = skep__span_allowed(p, s);
    s->task_first = f->task_count;
    s->task_count = 0;
    s->cells = NULL;
    s->cell_count = 0;
    s->cells_bytes = 0;
    s->copied = 0;
    s->in_place = 0;
    skep_status status = build_prepare(&b);
    if (status != SKEP_OK) return status;
    if (s->part_count) {
        status = build_rows(&b);
    } else if (!s->rows || s->unsplit) {
        task_open(&b);
        (void)part_open(&b, 0, NULL);
    }
    if (status == SKEP_OK) status = build_outputs(&b);
    if (status == SKEP_OK && s->hears && s->task_count) {
        status = skep__system_inbox(p, s, b.parts, b.part);
    }
    s->blocks = s->task_count;
    return status;
}

/* ---- once more ---------------------------------------------------------------------------------
 */

/* Gives each write of a task new memory and lets column structs and the commit know. A worker that
 * may still run has the old descriptors: they are left as they are, and copied. */
static skep_status task_renew(skep_plan *p, skep__task *t)
{
    skep__frame *f = &p->frame;
    skep__store *store = &p->world->store;
    const size_t stride = skep__align(t->system->job->cols_size, 16);
    const uint32_t count = t->task->part_count;
    skep_pool_task *d = skep__bump_take(p, sizeof *d);
    skep_task_part *parts = skep__bump_take(p, count * sizeof *parts);
    uint8_t *columns = skep__bump_take(p, count * stride);
    if (!d || !parts || !columns) return SKEP_NO_MEMORY;
    memcpy(d, t->task, sizeof *d);
    memcpy(parts, d->parts, count * sizeof *parts);
    d->parts = parts;
    uint32_t fresh = t->fresh_first;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *cols = columns + i * stride;
        memcpy(cols, parts[i].columns, t->system->job->cols_size);
        parts[i].columns = cols;
        skep_task_write *writes = skep__bump_take(p, (parts[i].write_count + 1u) * sizeof *writes);
        if (!writes) return SKEP_NO_MEMORY;
        for (uint32_t w = 0; w < parts[i].write_count; w++, fresh++) {
            skep__fresh *r = &f->fresh[fresh];
            writes[w] = parts[i].writes[w];
            const uint32_t slot =
                r->slot ? skep__arena_take(&store->arena, skep__slot_bytes(&store->arena, r->slot))
                        : 0;
            uint8_t *data = r->slot ? NULL : skep__bump_take(p, r->bytes);
            if (slot) data = skep__slot_data(&store->arena, slot);
            if (!data) return SKEP_NO_MEMORY;
            if (r->slot) skep__park(p, r->slot, t->hung_worker);
            r->slot = slot;
            r->data = data;
            writes[w].to = data;
            BUILD_PUT(cols, writes[w].column, data);
        }
        parts[i].writes = writes;
    }
    t->task = d;
    return SKEP_OK;
}

skep_status skep__task_rebuild(skep_plan *p, skep__task *t)
{
    if (t->parked) {
        const skep_status status = task_renew(p, t);
        if (status != SKEP_OK) return status;
        t->parked = false;
    }
    size_t bytes = t->task->output_bytes - t->task->cells_bytes;
    if (t->state == SKEP__TASK_FULL) {
        const size_t wanted = t->wanted - skep__min_u32(t->wanted, t->task->cells_bytes);
        bytes = skep__align(wanted + wanted / 4, 256);
        if (bytes > p->patch_bytes_max) bytes = p->patch_bytes_max;
    }
    return bytes || t->task->cells_bytes ? task_output(p, t, bytes) : SKEP_OK;
}
