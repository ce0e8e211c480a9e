/* SPDX-License-Identifier: MIT */
/* Running a job again over what it failed at: the ranges of the file at their old addresses, output
 * to memory of its own. */
#include "core/record/fault_file.h"
#include "port/port.h"
#include "sim/sim_internal.h"

#include "skep/recovery.h"

#define RUN_TIMEOUT_MS 10000u

struct skep_fault_file {
    skep_allocator allocator;
    const uint8_t *bytes;
    size_t size;
    skep__fault_file *file;
    bool mapped;
};

/* ---- the file -------------------------------------------------------------------------------- */

skep_status skep_fault_file_open(const char *path, skep_fault_file **file, skep_error *error)
{
    const skep_allocator allocator = skep__port_allocator();
    *file = NULL;
    *error = (skep_error){SKEP_NO_MEMORY, skep_status_text(SKEP_NO_MEMORY), 0};
    skep_fault_file *f = (skep_fault_file *)skep__alloc(&allocator, sizeof *f, 16);
    if (!f) return SKEP_NO_MEMORY;
    f->allocator = allocator;
    skep_status status = skep__port_file_map(path, &f->bytes, &f->size);
    if (status != SKEP_OK) {
        const char *why = status == SKEP_NOT_FOUND ? "no such file" : skep_status_text(status);
        *error = (skep_error){status, why, 0};
    } else {
        status = skep__fault_open(&f->allocator, f->bytes, f->size, &f->file, error);
    }
    if (status == SKEP_OK)
        *file = f;
    else
        skep_fault_file_close(f);
    return status;
}

void skep_fault_file_close(skep_fault_file *file)
{
    skep_fault_file *f = file;
    if (!f) return;
    const skep_allocator allocator = f->allocator;
    skep__fault_close(f->file);
    skep__port_file_unmap(f->bytes, f->size);
    skep__free(&allocator, f, sizeof *f, 16);
}

skep_fault_file_info skep_fault_file_info_of(const skep_fault_file *file)
{
    const skep__fault_head *h = skep__fault_head_of(file->file);
    skep_fault_file_info info = {.frame = h->frame,
                                 .status = h->status,
                                 .block = h->block,
                                 .rows = h->rows,
                                 .worker = h->worker};
    skep__fault_range range;
    for (uint32_t i = 0; skep__fault_range_at(file->file, i, &range); i++) info.bytes += range.size;
    memcpy(info.system, h->system, sizeof info.system);
    memcpy(info.executor, h->executor, sizeof info.executor);
    memcpy(info.cause, h->cause, sizeof info.cause);
    return info;
}

const char *skep_fault_file_note(const skep_fault_file *file, const char *key, uint32_t index)
{
    return skep__fault_note(file->file, key, index);
}

const void *skep_fault_file_data(const skep_fault_file *file, size_t *bytes)
{
    return skep__fault_data(file->file, bytes);
}

/* ---- its memory ------------------------------------------------------------------------------ */

skep_status skep_fault_file_map(skep_fault_file *file)
{
    skep__fault_range range;
    const uint64_t page = skep__port_page_bytes();
    uint64_t mapped = 0; /* end of the last mapping */
    if (file->mapped) return SKEP_ARGUMENT;
    file->mapped = true;
    for (uint32_t i = 0; skep__fault_range_at(file->file, i, &range); i++) {
        const uint64_t end = (range.address + range.size + page - 1) / page * page;
        uint64_t from = range.address / page * page;
        if (range.address < page) return SKEP_CORRUPT; /* NULL must go on to crash */
        if (end < range.address) return SKEP_EXISTS;   /* in the last page that there is */
        if (from < mapped) from = mapped;              /* ranges may share a page */
        if (from < end && !skep__port_map_at(from, (size_t)(end - from))) return SKEP_EXISTS;
        if (end > mapped) mapped = end;
        memcpy((void *)(uintptr_t)range.address, range.bytes, range.size);
    }
    /* As in a worker that is a process: a job that writes to what it reads crashes. */
    for (uint32_t i = 0; skep__fault_range_at(file->file, i, &range); i++) {
        const uint64_t from = range.address / page * page;
        const uint64_t end = (range.address + range.size + page - 1) / page * page;
        if (!skep__port_protect((void *)(uintptr_t)from, (size_t)(end - from), false))
            return SKEP_NO_MEMORY;
    }
    return SKEP_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct run_state {
    const skep_pool_task *task;
    const skep_job *job;
    const skep_allocator *allocator;
    uint32_t flags;
    skep_task_room room;
} run_state;

/* What comes out of a child. */
typedef struct run_result {
    uint32_t status;
    char cause[192];
} run_result;

/* All that looks into the task happens here: what a file says may lead anywhere. */
static void run_job(void *ctx, void *shared)
{
    run_state *r = ctx;
    run_result *out = shared;
    skep_pool_result result;
    memset(&result, 0, sizeof result);
    const size_t output = skep_task_layout(r->task) + 64u;
    const size_t scratch = r->room.scratch_bytes + 16u;
    r->room.elsewhere = skep__alloc(r->allocator, output, 64);
    r->room.scratch = skep__alloc(r->allocator, scratch, 64);
    result.status = SKEP_NO_MEMORY;
    if (r->room.elsewhere && r->room.scratch)
        skep_task_run_job(r->task, r->job, r->flags, &r->room, &result);
    out->status = (uint32_t)result.status;
    if (result.status != SKEP_OK)
        (void)skep__format(out->cause, sizeof out->cause, "%s",
                           result.cause ? result.cause : skep_status_text(result.status));
    skep__free(r->allocator, r->room.elsewhere, output, 64);
    skep__free(r->allocator, r->room.scratch, scratch, 64);
}

/* Whether two causes say the same: crashes by their signal, since addresses may be by chance. */
static bool run_same(const char *then, const char *now)
{
    if (strncmp(then, "crashed: ", 9) != 0 || strncmp(now, "crashed: ", 9) != 0)
        return strcmp(then, now) == 0;
    const size_t n = strcspn(then + 9, ",");
    return n == strcspn(now + 9, ",") && memcmp(then + 9, now + 9, n) == 0;
}

static void run_judge(const skep__fault_head *h, const skep__port_try_end *end,
                      const run_result *result, skep_fault_outcome *o)
{
    if (!end || end->returned) {
        o->status = (skep_status)result->status;
        memcpy(o->cause, result->cause, sizeof o->cause);
    } else {
        o->status = SKEP_CLOSED;
        skep__port_try_text(end, o->cause, sizeof o->cause);
    }
    o->cause[sizeof o->cause - 1] = 0;
    o->same = (uint32_t)o->status == h->status && run_same(h->cause, o->cause);
    /* A deadline is told by whoever waited, in words of its own. */
    if (end && end->late && h->status == SKEP_CLOSED)
        o->same = strstr(h->cause, "deadline") != NULL;
}

/* Whether the whole task was kept, for a machine like this one. */
static bool run_has_task(const skep_fault_file *file, const skep__fault_head *h)
{
    skep__fault_range r;
    for (uint32_t i = 0; skep__fault_range_at(file->file, i, &r); i++) {
        if (h->task < r.address || h->task - r.address >= r.size) continue;
        return r.size - (h->task - r.address) >= sizeof(skep_pool_task) && h->task % 8u == 0;
    }
    return false;
}

static skep_status rerun_find(const skep_fault_file *file, const skep_sim *sim, run_state *r)
{
    const skep__fault_head *h = skep__fault_head_of(file->file);
    const skep__system *s = skep__system_find(sim->plan, h->system);
    if (!file->mapped) return SKEP_ARGUMENT;
    if (!s || !s->job) return SKEP_NOT_FOUND;
    if (s->job->cols_size != h->cols_size || h->pointer_bytes != sizeof(void *)) return SKEP_SCHEMA;
    if (!run_has_task(file, h)) return SKEP_CORRUPT;
    r->job = s->job;
    r->task = (const skep_pool_task *)(uintptr_t)h->task;
    r->flags = h->flags;
    r->room.scratch_bytes = (size_t)h->scratch_bytes;
    r->allocator = &sim->allocator;
    return SKEP_OK;
}

skep_status skep_fault_file_run(const skep_fault_file *file, skep_sim *sim, bool here,
                                uint32_t timeout_ms, skep_fault_outcome *outcome)
{
    run_state r;
    run_result result;
    skep__port_try_end end;
    memset(&r, 0, sizeof r);
    memset(&result, 0, sizeof result);
    memset(outcome, 0, sizeof *outcome);
    const skep_status status = rerun_find(file, sim, &r);
    if (status != SKEP_OK) return status;
    bool ran = true;
    if (here)
        run_job(&r, &result);
    else
        ran = skep__port_try(run_job, &r, &result, sizeof result,
                             (uint64_t)(timeout_ms ? timeout_ms : RUN_TIMEOUT_MS) * 1000000u, &end);
    if (!ran) return SKEP_NO_MEMORY;
    run_judge(skep__fault_head_of(file->file), here ? NULL : &end, &result, outcome);
    return SKEP_OK;
}
