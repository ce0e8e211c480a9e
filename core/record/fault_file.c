/* SPDX-License-Identifier: MIT */
/* The ranges that a task reads are listed first, sorted, and those that overlap become one: parts
 * share pages of zeros, lookups share the index. */
#include "core/record/fault_file.h"

#include "core/base/sort.h"
#include "core/plan/task_reads.h"

typedef struct span {
    uint64_t from;
    uint64_t end;
} span;

/* ---- writing --------------------------------------------------------------------------------- */

static bool spans_push(void *ctx, const void *at, size_t bytes)
{
    const uint64_t from = (uint64_t)(uintptr_t)at;
    const span one = {from, from + bytes};
    return skep__bytes_append(ctx, &one, sizeof one);
}

static int span_order(const void *a, const void *b, void *ctx)
{
    const span *x = a, *y = b;
    (void)ctx;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* Sorts by address, and joins what overlaps or touches; returns how many are left. */
static size_t spans_join(span *a, size_t count)
{
    skep__sort_items(a, skep__u32(count), sizeof *a, span_order, NULL);
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (left && a[i].from <= a[left - 1].end) {
            if (a[i].end > a[left - 1].end) a[left - 1].end = a[i].end;
            continue;
        }
        a[left++] = a[i];
    }
    return left;
}

static bool fault_put_text(skep__bytes *out, const char *text, size_t bytes)
{
    char copy[192] = "";
    (void)skep__format(copy, bytes, "%s", text ? text : "");
    return skep__bytes_append(out, copy, bytes);
}

static bool fault_put_head(skep__rec_writer *w, const skep_plan *p, const skep_fault_task *f,
                           const skep__fault_notes *n)
{
    skep__bytes *out = &w->out;
    const uint32_t words[] = {(uint32_t)f->status,
                              f->task->block,
                              f->result->worker,
                              f->task->rows,
                              n->flags,
                              f->job->cols_size,
                              sizeof(void *),
                              0};
    const bool whole =
        skep__rec_begin(w, SKEP__REC_FAULT) && skep__bytes_u64(out, (uint64_t)(uintptr_t)f->task) &&
        skep__bytes_u64(out, p->frame.tick) && skep__bytes_u64(out, f->result->duration_ns) &&
        skep__bytes_u64(out, n->scratch_bytes) && skep__bytes_append(out, words, sizeof words) &&
        fault_put_text(out, f->system, SKEP_SYSTEM_NAME_BYTES) &&
        fault_put_text(out, f->job->name, SKEP_SYSTEM_NAME_BYTES) &&
        fault_put_text(out, n->executor, 32) && fault_put_text(out, f->cause, 192);
    return skep__rec_end(w, whole);
}

static bool fault_put_ranges(skep__rec_writer *w, const span *a, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const void *at = (const void *)(uintptr_t)a[i].from;
        const bool whole = skep__rec_begin(w, SKEP__REC_RANGE) &&
                           skep__bytes_u64(&w->out, a[i].from) &&
                           skep__bytes_append(&w->out, at, (size_t)(a[i].end - a[i].from));
        if (!skep__rec_end(w, whole)) return false;
    }
    const bool whole = skep__rec_begin(w, SKEP__REC_FAULT_END) && skep__bytes_u64(&w->out, count);
    return skep__rec_end(w, whole);
}

static bool fault_put_file(skep__rec_writer *w, const skep_plan *p, const skep_fault_task *f,
                           const skep__fault_notes *n, const span *a, size_t count)
{
    if (!skep__rec_open(w, SKEP__REC_FAULT_FILE)) return false;
    if (!skep__rec_notes(w, n->notes, n->note_count)) return false;
    if (!skep__rec_data(w, n->data, n->data_bytes)) return false;
    return fault_put_head(w, p, f, n) && fault_put_ranges(w, a, count);
}

skep_status skep__fault_write(skep_plan *p, const skep_fault_task *f, const skep__fault_notes *n,
                              skep__rec_writer *out)
{
    skep__bytes list = {.allocator = &p->allocator};
    skep_status status = SKEP_NO_MEMORY;
    if (skep__task_reads(p->world, f->task, f->job, spans_push, &list)) {
        span *all = (span *)(void *)list.data;
        const size_t count = spans_join(all, list.used / sizeof *all);
        uint64_t bytes = 0;
        for (size_t i = 0; i < count; i++) bytes += all[i].end - all[i].from;
        status = SKEP_LIMIT;
        if (bytes <= n->bytes_max)
            status = fault_put_file(out, p, f, n, all, count) ? SKEP_OK : out->status;
    }
    skep__bytes_deinit(&list);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct skep__fault_file {
    skep_allocator allocator;
    skep__fault_head head;
    skep__rec_record notes, data;
    skep__fault_range *ranges;
    uint32_t range_count, range_cap;
    bool headed, ended;
};

static void fault_get_text(skep__rec_cursor *c, char *out, size_t bytes)
{
    const uint8_t *at = skep__rec_take(c, bytes);
    if (at) memcpy(out, at, bytes - 1);
}

static bool read_head(skep__fault_file *f, const skep__rec_record *record)
{
    skep__rec_cursor c = {record->payload, record->bytes, false};
    skep__fault_head *h = &f->head;
    h->task = skep__rec_u64(&c);
    h->frame = skep__rec_u64(&c);
    h->duration_ns = skep__rec_u64(&c);
    h->scratch_bytes = skep__rec_u64(&c);
    h->status = skep__rec_u32(&c);
    h->block = skep__rec_u32(&c);
    h->worker = skep__rec_u32(&c);
    h->rows = skep__rec_u32(&c);
    h->flags = skep__rec_u32(&c);
    h->cols_size = skep__rec_u32(&c);
    h->pointer_bytes = skep__rec_u32(&c);
    (void)skep__rec_u32(&c);
    fault_get_text(&c, h->system, sizeof h->system);
    fault_get_text(&c, h->job, sizeof h->job);
    fault_get_text(&c, h->executor, sizeof h->executor);
    fault_get_text(&c, h->cause, sizeof h->cause);
    f->headed = !c.bad;
    return f->headed;
}

static bool read_range(skep__fault_file *f, const skep__rec_record *record)
{
    skep__rec_cursor c = {record->payload, record->bytes, false};
    const uint64_t address = skep__rec_u64(&c);
    const skep__fault_range *last = f->range_count ? &f->ranges[f->range_count - 1u] : NULL;
    if (c.bad || !c.left || address > UINT64_MAX - c.left) return false;
    if (last && address <= last->address + last->size) return false;
    if (!skep__array_grow(&f->allocator, (void **)&f->ranges, &f->range_cap, f->range_count + 1u,
                          sizeof *f->ranges))
        return false;
    f->ranges[f->range_count++] = (skep__fault_range){address, c.at, c.left};
    return true;
}

static bool read_record(skep__fault_file *f, const skep__rec_record *record)
{
    skep__rec_cursor c = {record->payload, record->bytes, false};
    switch (record->kind) {
    case SKEP__REC_NOTES:
        f->notes = *record;
        return true;
    case SKEP__REC_DATA:
        f->data = *record;
        return true;
    case SKEP__REC_FAULT:
        return !f->headed && read_head(f, record);
    case SKEP__REC_RANGE:
        return f->headed && !f->ended && read_range(f, record);
    case SKEP__REC_FAULT_END:
        f->ended = skep__rec_u64(&c) == f->range_count;
        return f->ended;
    default:
        return false;
    }
}

/* Whether the task's own description is there. */
static bool has_task(const skep__fault_file *f)
{
    for (uint32_t i = 0; i < f->range_count; i++) {
        const skep__fault_range *r = &f->ranges[i];
        if (f->head.task >= r->address && f->head.task - r->address < r->size) return true;
    }
    return false;
}

static skep_status fault_read(skep__fault_file *f, const void *bytes, size_t size,
                              skep_error *error)
{
    skep__rec_reader in;
    skep__rec_record record;
    const skep_status status = skep__rec_read(&in, bytes, size, SKEP__REC_FAULT_FILE, error);
    if (status != SKEP_OK) return status;
    while (skep__rec_next(&in, &record)) {
        if (read_record(f, &record)) continue;
        *error = (skep_error){SKEP_CORRUPT, "a record makes no sense, or there is no memory for it",
                              in.at};
        return SKEP_CORRUPT;
    }
    if (f->ended && has_task(f)) return SKEP_OK;
    *error = (skep_error){SKEP_CORRUPT, in.why ? in.why : "it is not whole", in.at};
    return SKEP_CORRUPT;
}

skep_status skep__fault_open(const skep_allocator *allocator, const void *bytes, size_t size,
                             skep__fault_file **file, skep_error *error)
{
    *file = NULL;
    *error = (skep_error){SKEP_NO_MEMORY, "no memory for a list of its ranges", 0};
    skep__fault_file *f = skep__alloc(allocator, sizeof *f, 16);
    if (!f) return SKEP_NO_MEMORY;
    f->allocator = *allocator;
    const skep_status status = fault_read(f, bytes, size, error);
    if (status == SKEP_OK)
        *file = f;
    else
        skep__fault_close(f);
    return status;
}

void skep__fault_close(skep__fault_file *f)
{
    if (!f) return;
    const skep_allocator a = f->allocator;
    skep__array_free(&a, (void **)&f->ranges, &f->range_cap, sizeof *f->ranges);
    skep__free(&a, f, sizeof *f, 16);
}

const skep__fault_head *skep__fault_head_of(const skep__fault_file *file)
{
    return &file->head;
}

bool skep__fault_range_at(const skep__fault_file *file, uint32_t index, skep__fault_range *range)
{
    if (index >= file->range_count) return false;
    *range = file->ranges[index];
    return true;
}

const char *skep__fault_note(const skep__fault_file *file, const char *key, uint32_t index)
{
    return skep__rec_note_find(file->notes.payload, file->notes.bytes, key, index);
}

const uint8_t *skep__fault_data(const skep__fault_file *file, size_t *bytes)
{
    *bytes = file->data.bytes;
    return file->data.payload;
}
