/* SPDX-License-Identifier: MIT */
/* Spans: many full blocks of one table as one task.
 *
 * A full block is always a task of its own, so a run of them needs no descriptions: their pointers
 * already lie side by side in the table's directory, which jobs' workers can read. Only systems
 * that write in place and have nothing to tell are run so. What a job sees (block, rows) is what
 * single tasks would show it. */
#include "core/plan/plan_internal.h"

#define SPAN_TASKS 8u /* a thread, so that none waits long for the last one */

bool skep__span_allowed(const skep_plan *p, const skep__system *s)
{
    return p->host.room && p->frame.in_place_allowed && s->local && !s->copies && s->rows &&
           !s->unsplit && !s->stamped && !s->hears && !s->reduces && !s->parents;
}

uint32_t skep__span_own(skep_plan *p, const skep__system *s, const skep__plan_match *m)
{
    skep__store *store = &p->world->store;
    skep__table *t = store->tables[m->table];
    if (t->small_slot || (1u << t->shift) != SKEP__ROWS_MAX) return 0;
    const uint32_t full = t->row_count >> t->shift;
    const skep__plan_col *c = &s->cols[m->reads + m->read_count];
    for (uint32_t block = 0; block < full; block++) {
        for (uint32_t i = 0; i < m->write_count; i++) {
            if (!skep__own_alone(store, t, block, c[i].column)) return block;
        }
    }
    return full;
}

uint32_t skep__span_blocks(const skep_plan *p, uint32_t blocks)
{
    return blocks / ((p->host.workers + 1u) * SPAN_TASKS);
}

const skep_task_span *skep__span_make(skep_plan *p, const skep__system *s,
                                      const skep__plan_match *m, uint32_t first, uint32_t blocks)
{
    const skep__table *t = p->world->store.tables[m->table];
    const uint32_t count = (uint32_t)m->read_count + m->write_count;
    skep_task_span *span = skep__bump_take(p, sizeof *span);
    skep_task_span_column *columns = skep__bump_take(p, (count + 1u) * sizeof *columns);
    uint8_t *base = skep__bump_take(p, s->job->cols_size);
    if (!span || !columns || !base) return NULL;
    memcpy(base, s->base, s->job->cols_size);
    const skep__plan_col *c = &s->cols[m->reads];
    const uint32_t cells = (uint32_t)(offsetof(skep__line, cells) + offsetof(skep__cell, data));
    for (uint32_t i = 0; i < count; i++) {
        columns[i].cell = cells + c[i].column * (uint32_t)sizeof(skep__cell);
        columns[i].column = c[i].offset;
    }
    span->line = (const uint8_t *)skep__line_of(t, first);
    span->base = base;
    span->columns = columns;
    span->column_count = count;
    span->stride = t->line_stride;
    span->ids = cells;
    span->blocks = blocks;
    span->block_rows = 1u << t->shift;
    span->pad = 0;
    return span;
}
