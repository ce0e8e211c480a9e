/* SPDX-License-Identifier: MIT */
/* What a task reads, as ranges of memory: for workers that have none in common with this one. They
 * get these bytes at the same addresses of a memory of their own, so every pointer in them holds
 * there as well. A task that looks entities up needs all rows of the component that it looks at;
 * the others need their own rows. */
#include "wasm/host.h"

#include "core/plan/plan_internal.h"

static bool range_push(host *h, const void *at, size_t bytes)
{
    if (!at || !bytes) return true;
    uint32_t *w = host_buffer_push(h, &h->list, 2 * sizeof *w);
    if (!w) return false;
    w[0] = (uint32_t)(uintptr_t)at;
    w[1] = skep__u32(bytes);
    return true;
}

static const void *pointer_at(const void *columns, uint32_t offset)
{
    const void *at = NULL;
    memcpy(&at, (const uint8_t *)columns + offset, sizeof at);
    return at;
}

/* All rows of a component, with what leads to them: the entity index, the directory, the lines of
 * its tables. */
static bool lookup_push(host *h, const skep_component *c)
{
    const skep__store *s = &h->world->store;
    const uint32_t number = skep__type_find(s, c);
    if (number == SKEP__NO_TYPE) return true;
    const skep__type *type = &s->types[number];
    bool ok = range_push(h, s->index, s->queue.index_count * sizeof *s->index) &&
              range_push(h, type->dir, s->table_count * sizeof *type->dir);
    for (uint32_t t = 1; ok && t < s->table_count; t++) {
        const skep__table *table = s->tables[t];
        const int32_t place = table ? skep__layout_find(table->layout, number) : -1;
        if (place < 0 || !table->row_count) continue;
        const uint32_t blocks = skep__table_blocks(table);
        ok = range_push(h, table->lines, (size_t)blocks * table->line_stride);
        const uint32_t first = table->layout->first[place];
        for (uint32_t b = 0; ok && b < blocks; b++)
            for (uint32_t f = 0; ok && f < type->field_count; f++)
                ok = range_push(h, skep__line_of(table, b)->cells[first + f].data,
                                (size_t)skep__block_rows(table, b) * type->column_bytes[f]);
    }
    return ok;
}

static bool resource_push(host *h, const skep_component *c, const void *at)
{
    size_t bytes = 0;
    const void *value = skep_world_resource_read(h->world, c, &bytes);
    return range_push(h, at, value == at && bytes ? bytes : c->size);
}

/* The arrays of events beside rows: field by field as many as `count`. */
static bool messages_push(host *h, const skep_access *a, const void *columns, uint32_t offset,
                          uint32_t count)
{
    bool ok = true;
    for (uint32_t f = 0; ok && f < a->component->field_count; f++) {
        const skep_field *field = &a->component->fields[f];
        ok = range_push(h, pointer_at(columns, offset + f * (uint32_t)sizeof(void *)),
                        (size_t)count * field->size * field->count);
    }
    return ok;
}

static bool inbox_push(host *h, const skep_access *a, const skep_task_part *part)
{
    const uint32_t *begin = pointer_at(part->columns, a->offset);
    if (!begin) return true;
    return range_push(h, begin, (part->n + 1u) * sizeof *begin) &&
           messages_push(h, a, part->columns, a->offset + (uint32_t)sizeof(void *), begin[part->n]);
}

static bool events_push(host *h, const skep_access *a, const skep_task_part *part)
{
    uint64_t count = 0;
    memcpy(&count, (const uint8_t *)part->columns + a->offset, sizeof count);
    const uint32_t n = (uint32_t)count;
    return range_push(h, pointer_at(part->columns, a->offset + 8u), n * sizeof(skep_entity)) &&
           messages_push(h, a, part->columns, a->offset + 8u + (uint32_t)sizeof(void *), n);
}

static bool access_push(host *h, const skep_access *a, const skep_task_part *part)
{
    switch (a->mode) {
    case SKEP_MODE_in:
    case SKEP_MODE_opt:
        return messages_push(h, a, part->columns, a->offset, part->n);
    case SKEP_MODE_changed:
        return range_push(h, pointer_at(part->columns, a->offset), part->n * sizeof(uint64_t));
    case SKEP_MODE_res:
        return resource_push(h, a->component, pointer_at(part->columns, a->offset));
    case SKEP_MODE_inbox:
        return inbox_push(h, a, part);
    case SKEP_MODE_events:
        return events_push(h, a, part);
    default:
        return true;
    }
}

static bool part_push(host *h, const skep_job *job, const skep_task_part *part)
{
    bool ok = range_push(h, part->columns, job->cols_size) &&
              range_push(h, part->entity, part->n * sizeof(skep_entity)) &&
              range_push(h, part->writes, part->write_count * sizeof *part->writes) &&
              range_push(h, part->reads, part->read_count * sizeof *part->reads);
    for (uint32_t w = 0; ok && w < part->write_count; w++)
        ok = range_push(h, part->writes[w].from, part->writes[w].bytes);
    for (uint32_t a = 0; ok && a < job->access_count; a++)
        ok = access_push(h, &job->access[a], part);
    return ok;
}

static bool task_push(host *h, const skep_pool_task *task, const skep_job *job)
{
    bool ok = range_push(h, task, sizeof *task) &&
              range_push(h, task->frame, sizeof *task->frame) &&
              range_push(h, task->parts, task->part_count * sizeof *task->parts) &&
              range_push(h, task->cells, task->cell_count * sizeof *task->cells) &&
              range_push(h, task->spawns, task->spawn_count * sizeof *task->spawns);
    for (uint32_t c = 0; ok && c < task->cell_count; c++)
        ok = range_push(h, task->cells[c].from, task->cells[c].bytes);
    for (uint32_t p = 0; ok && p < task->part_count; p++) ok = part_push(h, job, &task->parts[p]);
    for (uint32_t a = 0; ok && a < job->access_count; a++)
        if (job->access[a].mode == SKEP_MODE_lookup) ok = lookup_push(h, job->access[a].component);
    return ok;
}

/* Lists what a task reads: io[0] the address of the list, io[1] the number of ranges (address,
 * bytes). */
uint32_t HOST_EXPORT(skep_host_task_ranges)(host *h, const skep_pool_task *task,
                                            const skep_job *job)
{
    h->list.used = 0;
    if (!task_push(h, task, job))
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
