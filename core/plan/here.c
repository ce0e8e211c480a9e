/* SPDX-License-Identifier: MIT */
/* Systems that run where they would be built: on the caller, block by block, without tasks to hand
 * out.
 *
 * A system that cannot fail, puts out no patches and looks at no row but its own leaves the same
 * world whether its blocks are described first and run later, or run at once: nobody in its batch
 * reads what it writes. So where the host lends a room (skep_plan_host.room), and the system is
 * small or there are no workers, one descriptor is filled again and again and its job called; what
 * is written goes in place, or into a block that takes the old one's place at once. The numbers
 * that a job sees (block, part, row) are those that tasks would have had. The rare task that does
 * have something to tell (a log line, a fault) is kept and treated like any other. */
#include "core/plan/plan_internal.h"

#include "core/plan/task_run.h"

#define HERE_MEASURE_MASK                                                                          \
    63u /* every 64th frame it is handed out, so that its cost stays known                         \
         */
#define HERE_LOG_BYTES 256u
#define HERE_HELD_MAX 64u

typedef struct here_state {
    skep_plan *p;
    skep__system *s;
    skep__store *store;
    skep_pool_task *d;
    skep_task_part *parts;
    uint8_t *columns;
    size_t stride;
    const skep__plan_match *based; /* whose pointers the first part's columns hold */
    skep_pool_result result;       /* of the task at hand: worker and durations stay zero */
    uint32_t part_max;
    uint32_t block;
    uint32_t rows; /* of the tasks that ended */
    uint32_t kept_rows;
    uint32_t held_count;
    uint32_t held[HERE_HELD_MAX]; /* old blocks that the task at hand still reads */
} here_state;

bool skep__system_runs_here(const skep_plan *p, const skep__system *s)
{
    const skep__frame *f = &p->frame;
    if (!p->host.room || !s->row_local || s->unsplit || !s->rows || s->stamped) return false;
    if (!f->in_place_allowed || s->copies || s->hears || s->reduces || s->parents) return false;
    if (p->host.batch_flags & SKEP_BATCH_FORCE || p->frame.issue_flags) return false;
    if (!p->host.workers) return true;
    return s->cost_ns && s->cost_ns < p->host.wake_ns && (f->tick & HERE_MEASURE_MASK) != 0;
}

/* Memory for one task of the most parts that a task can have. */
static skep_status here_open(here_state *h)
{
    const uint32_t log =
        h->p->log.fn ? skep__max_u32((uint32_t)skep__align(h->s->output_hint, 16), HERE_LOG_BYTES)
                     : 0;
    h->part_max = skep__min_u32(h->s->part_count, SKEP__ROWS_MAX);
    h->stride = skep__align(h->s->job->cols_size, 16);
    const size_t task_bytes = skep__align(sizeof *h->d, 16);
    const size_t parts_bytes = skep__align(h->part_max * sizeof *h->parts, 16);
    uint8_t *memory =
        skep__bump_take(h->p, task_bytes + parts_bytes + h->part_max * h->stride + log);
    if (!memory) return SKEP_NO_MEMORY;
    h->d = (skep_pool_task *)(void *)memory;
    h->parts = (skep_task_part *)(void *)(memory + task_bytes);
    h->columns = memory + task_bytes + parts_bytes;
    memset(h->d, 0, sizeof *h->d);
    h->d->parts = h->parts;
    h->based = NULL;
    h->d->frame = h->p->frame.shared;
    h->d->system_key = h->s->key;
    h->d->system = h->s->number;
    h->d->job = h->s->job_index;
    h->d->output = log ? h->columns + h->part_max * h->stride : NULL;
    h->d->output_bytes = log;
    return SKEP_OK;
}

/* Lets a task read the old block until it ends, and puts a fresh one in its place. */
static bool column_swap(here_state *h, skep__table *t, uint32_t block, const skep__plan_col *c)
{
    const uint32_t old = t->names[block * t->layout->column_count + c->column];
    if (h->held_count == HERE_HELD_MAX) return false;
    const uint32_t slot = skep__arena_take(&h->store->arena, (size_t)c->bytes << t->shift);
    if (!slot) return false;
    skep__arena_hold(&h->store->arena, old);
    h->held[h->held_count++] = old;
    skep__commit_cell(h->store, t, block, c->column, slot);
    h->s->copied++;
    return true;
}

/* Makes a column writable: in place where it is the table's alone, else in a block of its own. */
static bool column_ready(here_state *h, skep__table *t, uint32_t block, const skep__plan_col *c)
{
    if (!t->small_slot) {
        if (SKEP_LIKELY(h->s->local && skep__own_alone(h->store, t, block, c->column))) {
            h->s->in_place++;
            return true;
        }
        if (c->fresh) return column_swap(h, t, block, c);
    }
    h->s->in_place++;
    return skep__own_cell(h->store, t, block, c->column) == SKEP_OK;
}

/* Fills part `i` of the task with one block. */
static bool part_fill(here_state *h, uint32_t i, const skep__plan_match *m, uint32_t block,
                      uint32_t n)
{
    skep__table *t = h->store->tables[m->table];
    uint8_t *cols = h->columns + h->stride * i;
    skep_task_part *part = &h->parts[i];
    const skep__line *line = skep__line_of(t, block);
    const skep__plan_col *c = &h->s->cols[m->reads];
    /* Another block of the same table overwrites all that the last one wrote. */
    if (i || h->based != m) memcpy(cols, h->s->base, h->s->job->cols_size);
    h->based = i ? NULL : m;
    for (uint32_t k = 0; k < m->read_count && !t->small_slot; k++) {
        memcpy(cols + c[k].offset, &line->cells[c[k].column].data, sizeof(void *));
    }
    const skep__plan_col *w = c + m->read_count;
    for (uint32_t k = 0; k < m->write_count; k++) {
        if (SKEP_UNLIKELY(!column_ready(h, t, block, &w[k]))) return false;
        memcpy(cols + w[k].offset, &line->cells[w[k].column].data, sizeof(void *));
    }
    /* Owning a small table may have moved all of it. */
    for (uint32_t k = 0; k < m->read_count && t->small_slot; k++) {
        memcpy(cols + c[k].offset, &line->cells[c[k].column].data, sizeof(void *));
    }
    const skep_entity *entity = (const skep_entity *)(const void *)line->cells[0].data;
    *part = (skep_task_part){entity, cols, NULL, NULL, 0, 0, n, h->d->rows};
    h->d->part_count++;
    h->d->rows += n;
    return true;
}

/* Keeps a task that had something to tell, and goes on with a new descriptor. */
static skep_status here_keep(here_state *h, const skep_pool_result *result)
{
    skep__frame *f = &h->p->frame;
    if (!skep__plan_grow(h->p, &f->tasks, &f->task_cap, f->task_count + 1, sizeof *f->tasks)) {
        return SKEP_NO_MEMORY;
    }
    skep__task *t = &f->tasks[f->task_count++];
    memset(t, 0, sizeof *t);
    t->task = h->d;
    t->system = h->s;
    t->in_place = true;
    t->row_base = h->rows - h->kept_rows; /* of the rows of tasks that were not kept */
    h->kept_rows += h->d->rows;
    h->s->task_count++;
    skep__task_ended(h->p, t, result);
    return here_open(h);
}

/* Runs the task that was filled. */
static skep_status here_run(here_state *h)
{
    const skep_pool_result *result = &h->result;
    h->d->block = h->block++;
    skep_task_run_job(h->d, h->s->job, 0, h->p->host.room, &h->result);
    while (h->held_count) skep__arena_drop(&h->store->arena, h->held[--h->held_count]);
    h->p->report.tasks++;
    if (SKEP_UNLIKELY(result->status != SKEP_OK || result->bytes || result->bytes_wanted)) {
        const uint32_t rows = h->d->rows;
        const skep_status status = here_keep(h, result);
        h->rows += rows;
        return status;
    }
    h->rows += h->d->rows;
    h->d->part_count = 0;
    h->d->rows = 0;
    return SKEP_OK;
}

/* Runs the table's full blocks that can be written in place, as one; returns their number. */
static skep_status here_span(here_state *h, const skep__plan_match *m, uint32_t *blocks)
{
    *blocks = h->s->local ? skep__span_own(h->p, h->s, m) : 0;
    if (*blocks < 2) {
        *blocks = 0;
        return SKEP_OK;
    }
    skep_status status = h->d->part_count ? here_run(h) : SKEP_OK;
    if (status != SKEP_OK) return status;
    h->d->span = skep__span_make(h->p, h->s, m, 0, *blocks);
    if (!h->d->span) return SKEP_NO_MEMORY;
    h->d->rows = *blocks * SKEP__ROWS_MAX;
    h->s->in_place += *blocks * m->write_count;
    status = here_run(h);
    h->d->span = NULL;
    h->block += *blocks - 1u;
    h->p->report.tasks += *blocks - 1u;
    return status;
}

static skep_status here_rows(here_state *h)
{
    for (uint32_t i = 0; i < h->s->match_count; i++) {
        const skep__plan_match *m = &h->s->matches[i];
        const skep__table *t = h->store->tables[m->table];
        const uint32_t blocks = skep__table_blocks(t);
        uint32_t block = 0;
        const skep_status ran = here_span(h, m, &block);
        if (ran != SKEP_OK) return ran;
        for (; block < blocks; block++) {
            const uint32_t n = skep__block_rows(t, block);
            if (h->d->part_count && h->d->rows + n > SKEP__ROWS_MAX) {
                const skep_status status = here_run(h);
                if (status != SKEP_OK) return status;
            }
            if (!part_fill(h, h->d->part_count, m, block, n)) return SKEP_NO_MEMORY;
        }
    }
    return h->d->part_count ? here_run(h) : SKEP_OK;
}

skep_status skep__system_run_here(skep_plan *p, skep__system *s)
{
    here_state h;
    h.p = p;
    h.s = s;
    h.store = &p->world->store;
    h.block = 0;
    h.rows = 0;
    h.kept_rows = 0;
    h.held_count = 0;
    memset(&h.result, 0, sizeof h.result);
    s->task_first = p->frame.task_count;
    s->task_count = 0;
    s->cells = NULL;
    s->cell_count = 0;
    s->cells_bytes = 0;
    s->copied = 0;
    s->in_place = 0;
    s->cost_known = false;
    skep_status status = skep__system_prepare(p, s);
    if (status == SKEP_OK && s->part_count) {
        status = here_open(&h);
        if (status == SKEP_OK) status = here_rows(&h);
        while (h.held_count) skep__arena_drop(&h.store->arena, h.held[--h.held_count]);
    }
    s->blocks = h.block;
    return status;
}
