/* SPDX-License-Identifier: MIT */
/* A task that looks entities up needs all rows of the component that it looks at; the others need
 * their own rows. */
#include "core/plan/task_reads.h"

typedef struct reads {
    skep_world *world;
    skep__reads_push *push;
    void *ctx;
} reads;

static bool reads_push(const reads *r, const void *at, size_t bytes)
{
    return !at || !bytes || r->push(r->ctx, at, bytes);
}

static const void *pointer_at(const void *columns, uint32_t offset)
{
    const void *at = NULL;
    memcpy(&at, (const uint8_t *)columns + offset, sizeof at);
    return at;
}

/* All rows of a component, with what leads to them: the entity index, the directory, the lines of
 * its tables. */
static bool lookup_push(const reads *r, const skep_component *c)
{
    const skep__store *s = &r->world->store;
    const uint32_t number = skep__type_find(s, c);
    if (number == SKEP__NO_TYPE) return true;
    const skep__type *type = &s->types[number];
    bool ok = reads_push(r, s->index, s->queue.index_count * sizeof *s->index) &&
              reads_push(r, type->dir, s->table_count * sizeof *type->dir);
    for (uint32_t t = 1; ok && t < s->table_count; t++) {
        const skep__table *table = s->tables[t];
        const int32_t place = table ? skep__layout_find(table->layout, number) : -1;
        if (place < 0 || !table->row_count) continue;
        const uint32_t blocks = skep__table_blocks(table);
        ok = reads_push(r, table->lines, (size_t)blocks * table->line_stride);
        const uint32_t first = table->layout->first[place];
        for (uint32_t b = 0; ok && b < blocks; b++)
            for (uint32_t f = 0; ok && f < type->field_count; f++)
                ok = reads_push(r, skep__line_of(table, b)->cells[first + f].data,
                                (size_t)skep__block_rows(table, b) * type->column_bytes[f]);
    }
    return ok;
}

static bool resource_push(const reads *r, const skep_component *c, const void *at)
{
    size_t bytes = 0;
    const void *value = skep_world_resource_read(r->world, c, &bytes);
    return reads_push(r, at, value == at && bytes ? bytes : c->size);
}

/* The arrays of events beside rows: field by field as many as `count`. */
static bool messages_push(const reads *r, const skep_access *a, const void *columns,
                          uint32_t offset, uint32_t count)
{
    bool ok = true;
    for (uint32_t f = 0; ok && f < a->component->field_count; f++) {
        const skep_field *field = &a->component->fields[f];
        ok = reads_push(r, pointer_at(columns, offset + f * (uint32_t)sizeof(void *)),
                        (size_t)count * field->size * field->count);
    }
    return ok;
}

static bool inbox_push(const reads *r, const skep_access *a, const skep_task_part *part)
{
    const uint32_t *begin = pointer_at(part->columns, a->offset);
    if (!begin) return true;
    return reads_push(r, begin, (part->n + 1u) * sizeof *begin) &&
           messages_push(r, a, part->columns, a->offset + (uint32_t)sizeof(void *), begin[part->n]);
}

static bool events_push(const reads *r, const skep_access *a, const skep_task_part *part)
{
    uint64_t count = 0;
    memcpy(&count, (const uint8_t *)part->columns + a->offset, sizeof count);
    const uint32_t n = (uint32_t)count;
    return reads_push(r, pointer_at(part->columns, a->offset + 8u), n * sizeof(skep_entity)) &&
           messages_push(r, a, part->columns, a->offset + 8u + (uint32_t)sizeof(void *), n);
}

static bool reads_of_access(const reads *r, const skep_access *a, const skep_task_part *part)
{
    switch (a->mode) {
    case SKEP_MODE_in:
    case SKEP_MODE_opt:
        return messages_push(r, a, part->columns, a->offset, part->n);
    case SKEP_MODE_changed:
        return reads_push(r, pointer_at(part->columns, a->offset), part->n * sizeof(uint64_t));
    case SKEP_MODE_res:
        return resource_push(r, a->component, pointer_at(part->columns, a->offset));
    case SKEP_MODE_inbox:
        return inbox_push(r, a, part);
    case SKEP_MODE_events:
        return events_push(r, a, part);
    default:
        return true;
    }
}

static bool reads_of_part(const reads *r, const skep_job *job, const skep_task_part *part)
{
    bool ok = reads_push(r, part->columns, job->cols_size) &&
              reads_push(r, part->entity, part->n * sizeof(skep_entity)) &&
              reads_push(r, part->writes, part->write_count * sizeof *part->writes) &&
              reads_push(r, part->reads, part->read_count * sizeof *part->reads);
    for (uint32_t w = 0; ok && w < part->write_count; w++)
        ok = reads_push(r, part->writes[w].from, part->writes[w].bytes);
    for (uint32_t a = 0; ok && a < job->access_count; a++)
        ok = reads_of_access(r, &job->access[a], part);
    return ok;
}

static bool reads_of_task(const reads *r, const skep_pool_task *task, const skep_job *job)
{
    bool ok = reads_push(r, task, sizeof *task) &&
              reads_push(r, task->frame, sizeof *task->frame) &&
              reads_push(r, task->parts, task->part_count * sizeof *task->parts) &&
              reads_push(r, task->cells, task->cell_count * sizeof *task->cells) &&
              reads_push(r, task->spawns, task->spawn_count * sizeof *task->spawns);
    for (uint32_t c = 0; ok && c < task->cell_count; c++)
        ok = reads_push(r, task->cells[c].from, task->cells[c].bytes);
    for (uint32_t p = 0; ok && p < task->part_count; p++)
        ok = reads_of_part(r, job, &task->parts[p]);
    for (uint32_t a = 0; ok && a < job->access_count; a++)
        if (job->access[a].mode == SKEP_MODE_lookup) ok = lookup_push(r, job->access[a].component);
    return ok;
}

bool skep__task_reads(skep_world *w, const skep_pool_task *task, const skep_job *job,
                      skep__reads_push *push, void *ctx)
{
    const reads r = {w, push, ctx};
    return reads_of_task(&r, task, job);
}
