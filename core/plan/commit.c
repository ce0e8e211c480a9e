/* SPDX-License-Identifier: MIT */
/* What a batch does to the world, after all its tasks are in and judged.
 *
 *     prepare   own what the commit will write without a slot of its own; resources are written.
 * The last steps that can fail for a single system: it is dropped then, as by any other fault
 *     columns   fresh slots take the place of old ones, in the reverse of the order in which they
 * were taken: so the old slot of the first block is the first to be used again, while it is still
 * in the cache. Slots of dropped systems go back in the same pass handles   unused spawn
 * reservations go back in the order in which they were taken patches   all buffers in the order
 * (system, block, sequence), runs' commands in their place hooks     and the commands that they
 * queue
 *
 * If the patches of a batch do not fit (memory, a limit), they are applied system by system, so
 * that the one that asked for too much loses its patches, and the others do not. Its columns stay:
 * they were in the world before. */
#include "core/plan/plan_internal.h"

#include "core/base/log.h"
#include "core/data/apply.h"
#include "core/plan/task_run.h"

/* ---- one task's output --------------------------------------------------------------------------
 */

/* Finds the component of a first value. Worlds have tens of components, and an output spawns few
 * kinds. */
static const skep_component *rules_component(void *ctx, uint64_t identity)
{
    const skep__store *store = ctx;
    for (uint32_t i = 0; i < store->type_count; i++) {
        if (store->types[i].identity == identity) return store->types[i].info;
    }
    return NULL;
}

static const uint8_t *task_patches(const skep_pool_task *d)
{
    return (const uint8_t *)d->output + d->cells_bytes;
}

static bool bools_good(const skep_field *field, const uint8_t *rows, size_t n)
{
    if (field->type != SKEP_TYPE_bool) return true;
    uint8_t any = 0;
    for (size_t i = 0; i < n * field->count; i++) any |= rows[i];
    return any <= 1;
}

/* Bytes that came from another process may be anything; in a bool that would be undefined behaviour
 * in whoever reads it. Every other type has no bad values. */
static bool output_good(const skep_plan *p, const skep__task *t)
{
    const skep__frame *f = &p->frame;
    for (uint32_t i = 0; i < t->fresh_count; i++) {
        const skep__fresh *r = &f->fresh[t->fresh_first + i];
        const skep__layout *l = p->world->store.tables[r->table]->layout;
        const skep__column *c = &l->columns[r->column];
        const skep_field *field = &p->world->store.types[c->type].info->fields[c->field];
        if (!bools_good(field, r->data, r->bytes / c->bytes)) return false;
    }
    uint32_t cell = 0;
    for (uint32_t i = 0; i < t->system->access_count && cell < t->task->cell_count; i++) {
        const skep__plan_term *term = &t->system->terms[i];
        const skep_task_cell *at = &t->task->cells[cell];
        if (at->column != term->offset) continue;
        cell++;
        const uint8_t *value = (const uint8_t *)t->task->output + at->offset;
        const bool plain = term->info->kind == SKEP_KIND_RESOURCE;
        for (uint32_t k = 0; k < term->info->field_count && plain; k++) {
            const skep_field *field = &term->info->fields[k];
            if (!bools_good(field, value + field->offset, 1)) return false;
        }
    }
    return true;
}

skep_status skep__task_take(skep_plan *p, skep__task *t, const skep_pool_result *result)
{
    const skep_pool_task *d = t->task;
    t->bytes = 0;
    t->spawned = 0;
    if (result->bytes < d->cells_bytes || result->bytes > d->output_bytes) {
        t->cause = "the output has a size that was not asked for";
        return SKEP_ACCESS;
    }
    if (result->output) skep__task_bring_home(d, result);
    const size_t bytes = result->bytes - d->cells_bytes;
    if (SKEP_UNLIKELY(bytes)) {
        const skep_patch_rules rules = {t->system->slots, t->system->access_count,
                                        d->spawn_count,   d->spawns,
                                        rules_component,  &p->world->store};
        skep_error error;
        const skep_status status =
            skep__patch_verify(task_patches(d), bytes, &rules, &t->spawned, &error);
        if (status != SKEP_OK) {
            t->cause = error.message;
            return status == SKEP_LIMIT ? SKEP_LIMIT : SKEP_ACCESS;
        }
    }
    if (result->output && result->status == SKEP_OK && !output_good(p, t)) {
        t->cause = "a bool is neither 0 nor 1";
        return SKEP_ACCESS;
    }
    t->bytes = skep__u32(result->bytes);
    return SKEP_OK;
}

void skep__task_log(skep_plan *p, const skep__task *t)
{
    const uint8_t *buffer = task_patches(t->task);
    const size_t bytes = t->bytes > t->task->cells_bytes ? t->bytes - t->task->cells_bytes : 0;
    if (!bytes || !p->log.fn) return;
    size_t at = 0;
    const skep_patch_header *head = NULL;
    const uint8_t *payload = NULL;
    while (skep__patch_next(buffer, bytes, &at, &head, &payload)) {
        if (head->kind != SKEP_PATCH_LOG) continue;
        skep__logf(&p->log, SKEP_LOG_INFO, "%s, block %u: %.*s", t->system->name, t->task->block,
                   (int)head->bytes, (const char *)payload);
    }
}

/* ---- preparing --------------------------------------------------------------------------- */

static bool system_lives(const skep__system *s)
{
    return s->outcome == SKEP__OUT_DONE;
}

/* Owns the stamp columns of watched components that the system wrote. */
static skep_status stamps_own(skep_plan *p, const skep__system *s, const skep__plan_match *m)
{
    skep__store *store = &p->world->store;
    skep__table *t = store->tables[m->table];
    const skep__plan_col *c = &s->cols[m->reads + m->read_count + m->write_count];
    for (uint32_t i = 0; i < m->stamp_count; i++, c++) {
        for (uint32_t block = 0; block < skep__table_blocks(t); block++) {
            const skep_status status = skep__own_cell(store, t, block, c->column);
            if (status != SKEP_OK) return status;
        }
    }
    return SKEP_OK;
}

static void stamps_fill(const skep_plan *p, const skep__system *s, const skep__plan_match *m)
{
    const skep__store *store = &p->world->store;
    const skep__table *t = store->tables[m->table];
    const skep__plan_col *c = &s->cols[m->reads + m->read_count + m->write_count];
    for (uint32_t i = 0; i < m->stamp_count; i++, c++) {
        for (uint32_t block = 0; block < skep__table_blocks(t); block++) {
            uint64_t *stamps = (uint64_t *)(void *)skep__line_of(t, block)->cells[c->column].data;
            const uint32_t n = skep__block_rows(t, block);
            for (uint32_t row = 0; row < n; row++) stamps[row] = p->world->stamp;
        }
    }
}

/* Owns what a task's writes to small tables will be copied over. */
static skep_status small_own(skep_plan *p, const skep__task *t)
{
    skep__store *store = &p->world->store;
    for (uint32_t i = 0; i < t->fresh_count; i++) {
        const skep__fresh *r = &p->frame.fresh[t->fresh_first + i];
        if (r->slot) continue;
        const skep_status status =
            skep__own_cell(store, store->tables[r->table], r->block, r->column);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

static skep_status system_prepare(skep_plan *p, skep__system *s)
{
    skep_status status = SKEP_OK;
    for (uint32_t i = 0; i < s->task_count && status == SKEP_OK; i++) {
        const skep__task *t = &p->frame.tasks[s->task_first + i];
        if (t->fresh_count) status = small_own(p, t);
    }
    for (uint32_t i = 0; s->stamped && i < s->match_count && status == SKEP_OK; i++) {
        if (s->matches[i].stamp_count) status = stamps_own(p, s, &s->matches[i]);
    }
    if (status == SKEP_OK && s->reduces) status = skep__system_reduce(p, s);
    return status;
}

static void batch_prepare(skep_plan *p)
{
    const uint32_t first = p->batches[p->frame.batch], end = p->batches[p->frame.batch + 1];
    for (uint32_t i = first; i < end; i++) {
        skep__system *s = p->schedule[i];
        if (!system_lives(s) || !s->job) continue;
        if (SKEP_LIKELY(system_prepare(p, s) == SKEP_OK)) continue;
        p->frame.judging = true;
        s->outcome = SKEP__OUT_FAILED;
        s->failure.status = SKEP_NO_MEMORY;
        s->failure.cause = "no memory to take over what it wrote: the region is full (bytes_max)";
    }
}

/* ---- columns and handles ----------------------------------------------------------------- */

/* Puts all fresh columns in their place or drops them, last taken first. */
static void columns_settle(skep_plan *p, bool all_dropped)
{
    skep__frame *f = &p->frame;
    skep__store *store = &p->world->store;
    for (uint32_t i = f->fresh_count; i > 0; i--) {
        const skep__fresh *r = &f->fresh[i - 1];
        const skep__task *t = &f->tasks[r->task];
        if (!all_dropped && system_lives(t->system)) {
            skep__table *table = store->tables[r->table];
            if (r->slot) {
                skep__commit_cell(store, table, r->block, r->column, r->slot);
            } else {
                memcpy(skep__line_of(table, r->block)->cells[r->column].data, r->data, r->bytes);
            }
        } else if (r->slot && t->parked) {
            skep__park(p, r->slot, t->hung_worker);
        } else if (r->slot) {
            skep__arena_drop(&store->arena, r->slot);
        }
    }
    f->fresh_count = 0;
}

/* Collects the handles that a task took and did not use. */
static bool handles_of(skep_plan *p, const skep__task *t, bool all_dropped)
{
    const skep_pool_task *d = t->task;
    const uint32_t used = !all_dropped && system_lives(t->system) ? t->spawned : 0;
    const uint32_t count = d->spawn_count - used;
    if (!count) return true;
    if (!skep__plan_grow(p, &p->unused, &p->unused_cap, p->unused_count + count,
                         sizeof *p->unused)) {
        return false;
    }
    memcpy(p->unused + p->unused_count, d->spawns + used, count * sizeof *p->unused);
    p->unused_count += count;
    return true;
}

/* Gives unused handles back. Without memory for the list they stay dead and unused: a leak of
 * indexes, no danger. */
static void handles_settle(skep_plan *p, bool all_dropped)
{
    const skep__frame *f = &p->frame;
    p->unused_count = 0;
    for (uint32_t i = 0; i < f->task_count; i++) {
        if (!handles_of(p, &f->tasks[i], all_dropped)) break;
    }
    if (p->unused_count) skep__ids_return(&p->world->store, p->unused, p->unused_count);
}

/* ---- patches ----------------------------------------------------------------------------- */

static bool buffer_add(skep_plan *p, uint32_t *count, const skep__apply_buffer *buffer)
{
    if (!buffer->size) return true;
    if (!skep__plan_grow(p, &p->buffers, &p->buffer_cap, *count + 1, sizeof *buffer)) return false;
    ((skep__apply_buffer *)p->buffers)[(*count)++] = *buffer;
    return true;
}

/* Lists what one system put out: its tasks' patches or its run's commands. */
static bool buffers_of(skep_plan *p, const skep__system *s, uint32_t *count)
{
    bool fits = true;
    if (s->outcome == SKEP__OUT_DONE && s->job) {
        for (uint32_t i = 0; i < s->task_count && fits && s->patches; i++) {
            const skep__task *t = &p->frame.tasks[s->task_first + i];
            const skep__apply_buffer b = {task_patches(t->task), t->bytes - t->task->cells_bytes,
                                          s->numbers};
            fits = buffer_add(p, count, &b);
        }
    }
    const uint32_t bytes = s->command_end - s->command_first;
    if (fits && bytes) {
        const skep__apply_buffer b = {p->world->batch.bytes + s->command_first, bytes, NULL};
        fits = buffer_add(p, count, &b);
    }
    return fits;
}

static skep_status apply_listed(skep_plan *p, uint32_t count)
{
    skep__apply_report report = {0, 0};
    if (!count) return SKEP_OK;
    const skep_status status = skep__apply(p->world, p->buffers, count, &report);
    if (status != SKEP_OK) return status;
    p->report.patches += report.patches;
    p->report.dropped += report.dropped;
    return SKEP_OK;
}

/* Handles of spawns that will not happen after all. */
static void spawns_return(skep_plan *p, const skep__system *s)
{
    for (uint32_t i = s->task_count; i > 0 && s->job; i--) {
        const skep__task *t = &p->frame.tasks[s->task_first + i - 1];
        if (t->spawned) skep__ids_return(&p->world->store, t->task->spawns, t->spawned);
    }
    skep__commands_return(p, &p->world->batch, s->command_first, s->command_end);
}

/* Whether a job wrote to columns or resources, which are in the world already. */
static bool system_wrote(const skep__system *s)
{
    for (uint32_t i = 0; i < s->access_count && s->task_count; i++) {
        switch (s->terms[i].mode) {
        case SKEP_MODE_mut:
        case SKEP_MODE_out:
        case SKEP_MODE_res_mut:
        case SKEP_MODE_sum:
        case SKEP_MODE_min:
        case SKEP_MODE_max:
        case SKEP_MODE_fold:
            return true;
        default:
            break;
        }
    }
    return false;
}

/* One system at a time, so that only the one whose patches do not fit loses them. What it wrote
 * stays, so a replay has to run it again: it is `kept`. */
static void patches_apart(skep_plan *p)
{
    const uint32_t first = p->batches[p->frame.batch], end = p->batches[p->frame.batch + 1];
    for (uint32_t i = first; i < end; i++) {
        skep__system *s = p->schedule[i];
        uint32_t count = 0;
        skep_status status = buffers_of(p, s, &count) ? SKEP_OK : SKEP_NO_MEMORY;
        if (status == SKEP_OK) status = apply_listed(p, count);
        if (status == SKEP_OK) continue;
        spawns_return(p, s);
        p->frame.judging = true;
        s->outcome = SKEP__OUT_FAILED;
        const char *why = p->world->error_text[0] ? p->world->error_text : skep_status_text(status);
        s->failure = (skep__plan_failure){.status = status,
                                          .kept = system_wrote(s),
                                          .cause = skep__cause_keep(p, why),
                                          .block = s->job ? 0 : UINT32_MAX,
                                          .blocks = s->job ? s->task_count : 1,
                                          .rows = s->task_count ? s->row_count : 0};
    }
}

static void patches_settle(skep_plan *p)
{
    const uint32_t first = p->batches[p->frame.batch], end = p->batches[p->frame.batch + 1];
    uint32_t count = 0;
    bool fits = true;
    p->world->error_text[0] = 0;
    for (uint32_t i = first; i < end && fits; i++) fits = buffers_of(p, p->schedule[i], &count);
    const uint64_t began = count ? skep__trace_begin(p->ring) : 0;
    const uint64_t patches = p->report.patches, dropped = p->report.dropped;
    if (!fits || apply_listed(p, count) != SKEP_OK) patches_apart(p);
    if (p->world->batch.used) skep__commands_clear(&p->world->batch);
    (void)skep__trace_end(p->ring, SKEP__TRACE_APPLY, began,
                          skep__trace_pair((uint32_t)(p->report.patches - patches),
                                           (uint32_t)(p->report.dropped - dropped)));
}

static void hooks_settle(skep_plan *p)
{
    skep_world *w = p->world;
    if (!w->note_count && !w->batch.used) return;
    skep__apply_report report = {0, 0};
    w->stamp++; /* what hooks change counts as written after all that this batch saw */
    const skep_status status = skep__flush(w, &report);
    p->report.patches += report.patches;
    p->report.dropped += report.dropped;
    if (status == SKEP_OK) return;
    skep__logf(&p->log, SKEP_LOG_ERROR, "hooks: %s", w->error_text);
    if (w->batch.used) skep__commands_clear(&w->batch);
}

/* ---- the batch --------------------------------------------------------------------------- */

/* Patch memory for the next frame: what was needed, and a quarter more. Falls slowly. */
static void hint_settle(const skep_plan *p, skep__system *s)
{
    uint32_t need = 0;
    for (uint32_t i = 0; i < s->task_count; i++) {
        const skep__task *t = &p->frame.tasks[s->task_first + i];
        const uint32_t used = skep__max_u32(t->bytes, t->wanted);
        need = skep__max_u32(need, used - skep__min_u32(used, t->task->cells_bytes));
    }
    if (need > s->output_hint) {
        s->output_hint = (uint32_t)skep__align(need + need / 4, 256);
    } else if (need < s->output_hint / 8) {
        s->output_hint /= 2;
    }
}

/* Says why column blocks of a system were written to fresh ones. */
static void copies_trace(const skep_plan *p, const skep__system *s)
{
    const skep__frame *f = &p->frame;
    skep__trace_why why = SKEP__TRACE_WHY_HELD;
    if (!s->local || s->copies) {
        why = SKEP__TRACE_WHY_MAY_FAIL;
    } else if (p->host.elsewhere) {
        why = SKEP__TRACE_WHY_ELSEWHERE;
    } else if (p->host.batch_flags & SKEP_BATCH_CHECK) {
        why = SKEP__TRACE_WHY_CHECK;
    } else if (f->deadline_ns) {
        why = SKEP__TRACE_WHY_DEADLINE;
    }
    skep__trace_at(p->ring, SKEP__TRACE_COPIED, skep__trace_begin(p->ring),
                   skep__trace_quarters(s->number, (uint32_t)why, s->copied));
}

static skep_status system_settle(skep_plan *p, skep__system *s)
{
    const skep__frame *f = &p->frame;
    const bool ran = s->outcome == SKEP__OUT_DONE || s->outcome == SKEP__OUT_BACKED;
    if (s->outcome == SKEP__OUT_DONE && s->job) {
        if (s->cost_known && s->task_count) s->cost_ns = s->cost_sum;
        if (s->output_hint || s->patches || f->judging) hint_settle(p, s);
        if (s->parents && s->task_count) skep__children_forget(p->world);
    }
    if (s->copied) copies_trace(p, s);
    p->report.blocks_copied += s->copied;
    p->report.blocks_in_place += s->in_place;
    if (ran) {
        skep__system_record *r = skep__system_record_write(p, s);
        if (!r) return SKEP_NO_MEMORY;
        r->last_stamp = s->own_watch ? p->world->stamp : f->stamp;
        r->last_seq = f->event_seq - 1;
        r->last_tick = f->tick + 1;
        r->started = 1;
        p->report.systems++;
    }
    return SKEP_OK;
}

/* Stamps the rows that systems had for writing. */
static void stamps_settle(const skep_plan *p)
{
    const uint32_t first = p->batches[p->frame.batch], end = p->batches[p->frame.batch + 1];
    for (uint32_t i = first; i < end; i++) {
        const skep__system *s = p->schedule[i];
        if (!s->stamped || !system_lives(s) || !s->task_count) continue;
        for (uint32_t m = 0; m < s->match_count; m++) {
            if (s->matches[m].stamp_count) stamps_fill(p, s, &s->matches[m]);
        }
    }
}

skep_status skep__batch_commit(skep_plan *p)
{
    skep__frame *f = &p->frame;
    const uint32_t first = p->batches[f->batch], end = p->batches[f->batch + 1];
    const skep__plan_batch *info = &p->batch_info[f->batch];
    skep_status status = SKEP_OK;
    if (f->fresh_count || f->preparing) batch_prepare(p);
    if (f->fresh_count) columns_settle(p, false);
    if (f->preparing) stamps_settle(p);
    if (info->spawns) handles_settle(p, false);
    if (info->patches || p->world->batch.used) patches_settle(p);
    for (uint32_t i = first; i < end && status == SKEP_OK; i++) {
        skep__system *s = p->schedule[i];
        if (s->outcome == SKEP__OUT_IDLE) continue;
        status = system_settle(p, s);
        if (status == SKEP_OK && f->judging) status = skep__system_faults(p, s);
    }
    hooks_settle(p);
    f->task_count = 0;
    return status;
}

void skep__batch_drop(skep_plan *p)
{
    skep__frame *f = &p->frame;
    columns_settle(p, true);
    handles_settle(p, true);
    skep__commands_return(p, &p->world->batch, 0, p->world->batch.used);
    if (p->world->batch.used) skep__commands_clear(&p->world->batch);
    f->task_count = 0;
}

void skep__commands_return(skep_plan *p, const skep__commands *c, uint32_t first, uint32_t end)
{
    size_t at = first;
    const skep_patch_header *head = NULL;
    const uint8_t *payload = NULL;
    p->unused_count = 0;
    while (skep__patch_next(c->bytes, end, &at, &head, &payload)) {
        if (head->kind != SKEP_PATCH_SPAWN || !head->entity) continue;
        if (!skep__plan_grow(p, &p->unused, &p->unused_cap, p->unused_count + 1,
                             sizeof *p->unused)) {
            break;
        }
        p->unused[p->unused_count++] = (skep_entity){head->entity};
    }
    if (p->unused_count) skep__ids_return(&p->world->store, p->unused, p->unused_count);
}
