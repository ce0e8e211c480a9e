/* SPDX-License-Identifier: MIT */
/* Runs one task: prepares what the job may write, calls it part by part, and says how it went. The
 * calls that a job may make (random numbers, scratch, log, patches) are here too, since all of them
 * write to the running task's state, a skep__run on the stack of whoever runs it.
 *
 * Three ways to write, in the order of their cost:
 *     in place    the column struct points at the world's own block; nothing to do
 *     to a block  the column struct points at a fresh block; `mut` rows are copied there first
 *     elsewhere   the worker's own memory gets everything; the column struct is copied and its
 * pointers are set here, because only the worker knows where its memory is A task of one part in
 * place is the most frequent by far, and costs about as much as the stores that fill skep_task: so
 * a run is not zeroed as a whole, and the random key and the identities of components are worked
 * out at the first call that needs them.
 *
 * Checked runs (SKEP_BATCH_CHECK) fill `out` rows with a pattern that no sane job writes. A job
 * that does not touch a row leaves it there. Since any pattern of 4 bytes is a value that somebody
 * may compute once in a while, a suspect task is run again with another pattern before it is
 * blamed; that is allowed, because a job is pure, and possible unless some column was written in
 * place. */
#include "core/plan/task_run.h"

#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/store/patch.h"

/* How many components' identities a run remembers. */
#define TASK_IDENTITIES 4u

struct skep__run {
    const skep_pool_task *task;
    const skep_job *job;
    const skep_task_room *room;
    uint8_t *base; /* of the output area, in the arena or elsewhere; NULL without one */
    skep_patch_writer writer;
    const char *cause;
    size_t scratch_used;
    uint32_t spawned;
    uint32_t flags; /* SKEP_BATCH_* */
    skep_status status;
    bool full;  /* a patch did not fit */
    bool keyed; /* `key` is made */
    uint8_t identity_count;
    uint8_t identity_next; /* the entry to be replaced next */
    skep__random_key key;
    const skep_component *identity_of[TASK_IDENTITIES];
    uint64_t identities[TASK_IDENTITIES];
};

/* ---- what a job may call --------------------------------------------------------------------- */

/* The first thing that goes wrong is what is reported: what follows often follows from it. */
static void task_blame(struct skep__run *run, skep_status status, const char *cause)
{
    if (run->status != SKEP_OK) return;
    run->status = status;
    run->cause = cause;
}

static uint64_t task_random(const skep_task *task, skep_entity entity, uint32_t draw)
{
    struct skep__run *run = task->run;
    if (!run->keyed) {
        const skep_task_frame *frame = run->task->frame;
        run->key = skep__random_key_make(frame->seed, run->task->system_key, frame->tick);
        run->keyed = true;
    }
    return skep__random_at(run->key, entity.bits, draw);
}

float skep_rand_f32(const skep_task *task, skep_entity entity, uint32_t draw)
{
    return skep__random_f32(task_random(task, entity, draw));
}

double skep_rand_f64(const skep_task *task, skep_entity entity, uint32_t draw)
{
    return skep__random_f64(task_random(task, entity, draw));
}

uint32_t skep_rand_u32(const skep_task *task, skep_entity entity, uint32_t draw, uint32_t below)
{
    return skep__random_below(task_random(task, entity, draw), below);
}

void *skep_scratch(const skep_task *task, size_t bytes)
{
    struct skep__run *run = task->run;
    const size_t left = run->room->scratch_bytes - run->scratch_used;
    if (bytes > left || skep__align(bytes, 16) > left) {
        /* A fault even when the job could do without: how much scratch a worker has must not change
         * what the world becomes. */
        task_blame(run, SKEP_LIMIT, "the job needs more scratch: raise scratch_bytes");
        return NULL;
    }
    void *memory = (uint8_t *)run->room->scratch + run->scratch_used;
    run->scratch_used += skep__align(bytes, 16);
    if (bytes) memset(memory, 0, bytes);
    return memory;
}

void skep_fail(const skep_task *task, const char *text)
{
    task_blame(task->run, SKEP_FAULT, text ? text : "the job failed without saying why");
}

bool skep__task_again(const skep_task *task)
{
    return (task->run->flags & SKEP_BATCH_RETRY) != 0;
}

void skep_logf(const skep_task *task, const char *format, ...)
{
    char text[SKEP__LOG_TEXT_MAX];
    va_list args;
    va_start(args, format);
    size_t length = skep__vformat(text, sizeof text, format, args);
    va_end(args);
    if (length >= sizeof text) length = sizeof text - 1;
    /* A line that does not fit is lost but for its size in bytes_wanted: it must not fail a task.
     */
    void *payload = skep__patch_push(&task->run->writer, SKEP_PATCH_LOG, SKEP_PATCH_NO_SLOT, 0,
                                     skep__u32(length));
    if (payload) memcpy(payload, text, length);
}

/* Appends a patch of the run's own. NULL where it does not fit: the task will be run again with
 * more. */
static void *task_push(struct skep__run *run, skep_patch_kind kind, uint32_t slot, uint64_t entity,
                       uint32_t bytes)
{
    void *payload = skep__patch_push(&run->writer, kind, slot, entity, bytes);
    if (SKEP_UNLIKELY(!payload)) run->full = true;
    return payload;
}

/* Rights come with the column struct. One that a job made up itself must not lead outside the
 * table. */
static const skep_access *task_right(struct skep__run *run, uint32_t slot, skep_mode mode)
{
    const skep_job *job = run->job;
    if (SKEP_LIKELY(slot < job->access_count && job->access[slot].mode == (uint32_t)mode)) {
        return &job->access[slot];
    }
    task_blame(run, SKEP_ACCESS, "the job used a right that it did not declare");
    return NULL;
}

/* Appends a patch with a whole value. */
static void task_push_value(struct skep__run *run, skep_patch_kind kind, uint32_t slot,
                            uint64_t entity, const void *value)
{
    const skep_component *component = run->job->access[slot].component;
    void *payload = task_push(run, kind, slot, entity, component->size);
    if (payload && component->size) skep__patch_value(payload, component, value);
}

void skep__put(const skep_task *task, uint32_t slot, skep_entity e, const void *value)
{
    struct skep__run *run = task->run;
    if (!task_right(run, slot, SKEP_MODE_add) || !e.bits) return;
    task_push_value(run, SKEP_PATCH_PUT, slot, e.bits, value);
}

void skep__drop(const skep_task *task, uint32_t slot, skep_entity e)
{
    struct skep__run *run = task->run;
    if (!task_right(run, slot, SKEP_MODE_remove) || !e.bits) return;
    (void)task_push(run, SKEP_PATCH_REMOVE, slot, e.bits, 0);
}

void skep__destroy(const skep_task *task, uint32_t slot, skep_entity e)
{
    struct skep__run *run = task->run;
    if (!task_right(run, slot, SKEP_MODE_destroy) || !e.bits) return;
    (void)task_push(run, SKEP_PATCH_DESTROY, slot, e.bits, 0);
}

void skep__send(const skep_task *task, uint32_t slot, skep_entity to, const void *value)
{
    struct skep__run *run = task->run;
    if (!task_right(run, slot, SKEP_MODE_emit)) return;
    task_push_value(run, SKEP_PATCH_EVENT, slot, to.bits, value);
}

skep_entity skep__spawn(const skep_task *task, uint32_t slot)
{
    struct skep__run *run = task->run;
    if (!task_right(run, slot, SKEP_MODE_spawn)) return skep_entity_null();
    if (SKEP_UNLIKELY(run->spawned == run->task->spawn_count)) {
        const uint32_t asked = run->job->spawn_max ? run->job->spawn_max : run->task->rows;
        /* A slice smaller than the job asked for was cut, because the world ran out of handles. */
        task_blame(run, SKEP_LIMIT,
                   run->spawned < asked ? "the world has no entity left to spawn: raise entity_max"
                                        : "the job spawned more than its spawn_max");
        return skep_entity_null();
    }
    const skep_entity e = run->task->spawns[run->spawned++];
    (void)task_push(run, SKEP_PATCH_SPAWN, slot, e.bits, 0);
    return e;
}

/* Hashing names costs more than the patch itself, so a run remembers a few. */
static uint64_t task_identity(struct skep__run *run, const skep_component *component)
{
    for (uint32_t i = 0; i < run->identity_count; i++) {
        if (run->identity_of[i] == component) return run->identities[i];
    }
    const uint64_t identity = skep__component_identity(component);
    const uint8_t at = run->identity_next;
    run->identity_of[at] = component;
    run->identities[at] = identity;
    if (run->identity_count < TASK_IDENTITIES) run->identity_count++;
    run->identity_next = skep__u8((at + 1u) % TASK_IDENTITIES);
    return identity;
}

void skep__init(const skep_task *task, const skep_component *component, skep_entity e,
                const void *value)
{
    struct skep__run *run = task->run;
    if (!e.bits) return;
    const uint64_t identity = task_identity(run, component);
    uint8_t *payload = task_push(run, SKEP_PATCH_INIT, SKEP_PATCH_NO_SLOT, e.bits,
                                 skep__u32(sizeof identity + component->size));
    if (!payload) return;
    memcpy(payload, &identity, sizeof identity);
    if (component->size) skep__patch_value(payload + sizeof identity, component, value);
}

/* ---- running --------------------------------------------------------------------------------- */

/* Sets the run to its beginning; a checked task may begin twice. */
static void task_begin(struct skep__run *run)
{
    const skep_pool_task *task = run->task;
    run->cause = NULL;
    run->scratch_used = 0;
    run->spawned = 0;
    run->status = SKEP_OK;
    run->full = false;
    run->keyed = false;
    run->identity_count = 0;
    run->identity_next = 0;
    run->writer = (skep_patch_writer){NULL, NULL, 0};
    if (!run->base) return;
    SKEP_ASSERT(task->cells_bytes % 16 == 0 && task->cells_bytes <= task->output_bytes);
    run->writer.at = run->base + task->cells_bytes;
    run->writer.end = run->base + task->output_bytes;
    for (uint32_t i = 0; i < task->cell_count; i++) {
        const skep_task_cell *cell = &task->cells[i];
        memcpy(run->base + cell->offset, cell->from, cell->bytes);
    }
}

/* Fills in what jobs see. */
SKEP_INLINE void task_describe(skep_task *view, struct skep__run *run, uint32_t p)
{
    const skep_pool_task *task = run->task;
    const skep_task_frame *frame = task->frame;
    const skep_task_part *part = &task->parts[p];
    view->n = part->n;
    view->dt = frame->dt;
    view->time = frame->time;
    view->tick = frame->tick;
    view->entity = part->entity;
    view->block = task->block;
    view->part = p;
    view->parts = task->part_count;
    view->row = part->row;
    view->run = run;
}

/* Calls the job for each block of a span. A block's pointers come out of the table's directory. */
static void task_span(struct skep__run *run)
{
    const skep_pool_task *task = run->task;
    const skep_task_span *span = task->span;
    uint64_t columns[SKEP__COLS_BYTES_MAX / 8u];
    uint8_t *bytes = (uint8_t *)columns;
    const uint8_t *line = span->line;
    skep_task view;
    memcpy(bytes, span->base, run->job->cols_size);
    view.n = span->block_rows;
    view.dt = task->frame->dt;
    view.time = task->frame->time;
    view.tick = task->frame->tick;
    view.part = 0;
    view.parts = 1;
    view.row = 0;
    view.run = run;
    for (uint32_t b = 0; b < span->blocks; b++, line += span->stride) {
        for (uint32_t i = 0; i < span->column_count; i++) {
            memcpy(bytes + span->columns[i].column, line + span->columns[i].cell, sizeof(void *));
        }
        memcpy(&view.entity, line + span->ids, sizeof(void *));
        view.block = task->block + b;
        run->scratch_used = 0;
        run->job->call(&view, bytes);
    }
}

/* All output goes into the arena, and nobody checks. */
static void task_parts(struct skep__run *run)
{
    const skep_pool_task *task = run->task;
    skep_task view;
    for (uint32_t p = 0; p < task->part_count; p++) {
        const skep_task_part *part = &task->parts[p];
        for (uint32_t w = 0; w < part->write_count; w++) {
            const skep_task_write *write = &part->writes[w];
            if (write->from) memcpy(write->to, write->from, write->bytes);
        }
        task_describe(&view, run, p);
        run->job->call(&view, part->columns);
    }
}

/* ---- elsewhere, and checked ------------------------------------------------------------------ */

/* A part that is run the slow way: its own column struct, and where its writes go. */
typedef struct task_slow {
    uint64_t columns[SKEP__COLS_BYTES_MAX / 8u];
    size_t offset;    /* of the next written column, elsewhere */
    uint32_t pattern; /* of unwritten rows; 0 when nothing is checked */
    bool suspect;     /* a row holds the pattern */
} task_slow;

static void task_set_pointer(task_slow *slow, uint32_t column, void *to)
{
    memcpy((uint8_t *)slow->columns + column, &to, sizeof to);
}

/* Where a write of this part goes; `offset` walks along. */
static void *task_target(const struct skep__run *run, const skep_task_write *write, size_t *offset)
{
    if (!run->room->elsewhere) return write->to;
    void *to = (uint8_t *)run->room->elsewhere + *offset;
    *offset = skep__layout_next(*offset, write);
    return to;
}

static void task_poison(uint8_t *to, uint32_t bytes, uint32_t pattern)
{
    for (uint32_t i = 0; i < bytes; i++) to[i] = (uint8_t)(pattern >> (i % 4u * 8u));
}

/* Says whether some row of at least 4 bytes still is as it was poisoned. */
static bool task_unwritten(const uint8_t *rows, uint32_t bytes, uint32_t n, uint32_t pattern)
{
    const uint32_t row_bytes = n ? bytes / n : 0;
    if (row_bytes < 4) return false;
    for (uint32_t r = 0; r < n; r++) {
        uint32_t same = 0;
        for (uint32_t i = r * row_bytes; i < (r + 1) * row_bytes; i++) {
            same += rows[i] == (uint8_t)(pattern >> (i % 4u * 8u));
        }
        if (same == row_bytes) return true;
    }
    return false;
}

/* Copies or poisons what the part writes; elsewhere, its column struct gets the pointers. */
static const void *task_slow_begin(struct skep__run *run, task_slow *slow,
                                   const skep_task_part *part)
{
    size_t offset = slow->offset;
    if (run->room->elsewhere) {
        memcpy(slow->columns, part->columns, run->job->cols_size);
        for (uint32_t i = 0; i < run->task->cell_count; i++) {
            const skep_task_cell *cell = &run->task->cells[i];
            task_set_pointer(slow, cell->column, run->base + cell->offset);
        }
    }
    for (uint32_t w = 0; w < part->write_count; w++) {
        const skep_task_write *write = &part->writes[w];
        void *to = task_target(run, write, &offset);
        if (run->room->elsewhere) task_set_pointer(slow, write->column, to);
        if (write->from) {
            memcpy(to, write->from, write->bytes);
        } else if (slow->pattern) {
            task_poison(to, write->bytes, slow->pattern);
        }
    }
    return run->room->elsewhere ? slow->columns : part->columns;
}

/* Looks for unwritten rows, and moves on to where the next part's writes go. */
static void task_slow_end(struct skep__run *run, task_slow *slow, const skep_task_part *part)
{
    for (uint32_t w = 0; w < part->write_count; w++) {
        const skep_task_write *write = &part->writes[w];
        const void *to = task_target(run, write, &slow->offset);
        if (!slow->pattern || write->from || slow->suspect) continue;
        slow->suspect = task_unwritten(to, write->bytes, part->n, slow->pattern);
    }
}

static uint64_t task_read_hash(const skep_task_part *part)
{
    uint64_t h = 0;
    for (uint32_t r = 0; r < part->read_count; r++) {
        h = skep__hash_mix(h, skep__hash_bytes(part->reads[r].from, part->reads[r].bytes, r));
    }
    return h;
}

static void task_slow_parts(struct skep__run *run, task_slow *slow)
{
    const skep_pool_task *task = run->task;
    skep_task view;
    slow->offset = skep__layout_first(task);
    slow->suspect = false;
    for (uint32_t p = 0; p < task->part_count; p++) {
        const skep_task_part *part = &task->parts[p];
        const void *columns = task_slow_begin(run, slow, part);
        const uint64_t before = slow->pattern ? task_read_hash(part) : 0;
        task_describe(&view, run, p);
        run->job->call(&view, columns);
        task_slow_end(run, slow, part);
        if (!slow->pattern || task_read_hash(part) == before) continue;
        run->status = SKEP_ACCESS; /* graver than anything that the job may have said itself */
        run->cause = "the job changed its input";
        return;
    }
}

/* Says whether all columns that the job writes are listed, so that the task can be run once more.
 */
static bool task_repeatable(const struct skep__run *run)
{
    uint32_t written = 0;
    for (uint32_t a = 0; a < run->job->access_count; a++) {
        const skep_access *access = &run->job->access[a];
        if (access->mode != SKEP_MODE_mut && access->mode != SKEP_MODE_out) continue;
        written += access->component->field_count;
    }
    for (uint32_t p = 0; p < run->task->part_count; p++) {
        if (run->task->parts[p].write_count != written) return false;
    }
    return true;
}

/* Elsewhere or checked or both. In a frame of its own, so that the fast way does not pay for its
 * stack. */
static SKEP_NOINLINE void task_slowly(struct skep__run *run, uint32_t flags)
{
    task_slow slow;
    SKEP_ASSERT(run->job->cols_size <= sizeof slow.columns);
    /* As floats the patterns are a NaN and a huge number; both are far outside of sane integers. */
    slow.pattern = flags & SKEP_BATCH_CHECK ? 0x7FA5C3E1u : 0;
    task_slow_parts(run, &slow);
    if (!slow.suspect || run->status != SKEP_OK) return;
    if (task_repeatable(run)) {
        task_begin(run);
        slow.pattern = 0x7A96D2B4u;
        task_slow_parts(run, &slow);
    }
    if (slow.suspect) task_blame(run, SKEP_ACCESS, "an `out` row was not written");
}

/* ---- the public face ------------------------------------------------------------------------- */

size_t skep_task_layout(const skep_pool_task *task)
{
    size_t offset = skep__layout_first(task);
    for (uint32_t p = 0; p < task->part_count; p++) {
        const skep_task_part *part = &task->parts[p];
        for (uint32_t w = 0; w < part->write_count; w++) {
            offset = skep__layout_next(offset, &part->writes[w]);
        }
    }
    return offset;
}

void skep_task_run(const skep_pool_task *task, const skep_job *const *jobs, uint32_t flags,
                   const skep_task_room *room, skep_pool_result *result)
{
    skep_task_run_job(task, jobs[task->job], flags, room, result);
}

void skep_task_run_job(const skep_pool_task *task, const skep_job *job, uint32_t flags,
                       const skep_task_room *room, skep_pool_result *result)
{
    if (SKEP_UNLIKELY(room->guard != NULL)) {
        room->guard(task, job, flags, room, result);
        return;
    }
    skep_task_run_direct(task, job, flags, room, result);
}

void skep_task_run_direct(const skep_pool_task *task, const skep_job *job, uint32_t flags,
                          const skep_task_room *room, skep_pool_result *result)
{
    struct skep__run run;
    run.task = task;
    run.job = job;
    run.room = room;
    run.flags = flags;
    run.base = room->elsewhere && task->output_bytes ? room->elsewhere : task->output;
    task_begin(&run);
    if (SKEP_LIKELY(!room->elsewhere && !(flags & SKEP_BATCH_CHECK))) {
        if (task->span) {
            task_span(&run);
        } else {
            task_parts(&run);
        }
    } else {
        task_slowly(&run, flags);
    }
    result->output = room->elsewhere;
    result->bytes = run.base ? (size_t)(run.writer.at - run.base) : 0;
    result->bytes_wanted = 0;
    const size_t patch_bytes = run.base ? result->bytes - task->cells_bytes : 0;
    if (SKEP_UNLIKELY(run.writer.wanted != patch_bytes && run.status == SKEP_OK)) {
        if (run.full)
            task_blame(&run, SKEP_LIMIT, "the output area is full: raise patch_bytes_max");
        result->bytes_wanted = task->cells_bytes + run.writer.wanted;
    }
    result->status = run.status;
    result->cause = run.cause;
}

const skep_job *skep__task_job(const skep_task *task)
{
    return task->run->job;
}

void skep__task_bring_home(const skep_pool_task *task, const skep_pool_result *result)
{
    const uint8_t *from = result->output;
    if (!from) return;
    if (result->bytes) memcpy(task->output, from, result->bytes);
    if (result->status != SKEP_OK) return;
    size_t offset = skep__layout_first(task);
    for (uint32_t p = 0; p < task->part_count; p++) {
        const skep_task_part *part = &task->parts[p];
        for (uint32_t w = 0; w < part->write_count; w++) {
            memcpy(part->writes[w].to, from + offset, part->writes[w].bytes);
            offset = skep__layout_next(offset, &part->writes[w]);
        }
    }
}
