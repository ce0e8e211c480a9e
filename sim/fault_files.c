/* SPDX-License-Identifier: MIT */
/* Files of faults: written while the world is still as the task saw it, since its batch has not
 * been committed. A name is taken when the file is whole. */
#include "core/record/fault_file.h"
#include "port/port.h"
#include "sim/sim_internal.h"

#include "skep/recovery.h"

#define FILES_CANARY 0xFA017u
#define FILES_MAX 100u
#define FILES_BYTES_MAX ((uint64_t)1 << 30)
#define FILES_PATH_BYTES 1024u
#define FILES_TOLD_MAX 16u

struct skep__fault_files {
    char folder[FILES_PATH_BYTES];
    char *scene; /* scene_bytes, or NULL */
    size_t scene_bytes;
    const void *data;
    size_t data_bytes;
    uint64_t bytes_max;
    uint64_t bytes; /* written */
    uint32_t file_max;
    uint32_t count;
    uint32_t last;                 /* number of the last file, or of those that were there */
    uint64_t told[FILES_TOLD_MAX]; /* systems of which there is no file */
    uint32_t told_count;
    bool full; /* and that was said */
    bool failed;
};

skep_fault_files_desc skep_fault_files_desc_default(void)
{
    skep_fault_files_desc d;
    memset(&d, 0, sizeof d);
    d.canary = FILES_CANARY;
    d.file_max = FILES_MAX;
    d.bytes_max = FILES_BYTES_MAX;
    return d;
}

/* ---- beginning and ending -------------------------------------------------------------------- */

/* Keeps the largest number of a fault-N.skepr. */
static void files_name(void *ctx, const char *name)
{
    uint32_t *last = ctx;
    uint32_t number = 0;
    if (strncmp(name, "fault-", 6) != 0) return;
    const char *at = name + 6;
    for (; *at >= '0' && *at <= '9' && number < 100000000u; at++)
        number = number * 10u + (uint32_t)(*at - '0');
    if (at != name + 6 && strcmp(at, ".skepr") == 0 && number > *last) *last = number;
}

void skep__fault_files_end(skep_sim *sim)
{
    struct skep__fault_files *f = sim->fault_files;
    if (!f) return;
    skep__free(&sim->allocator, f->scene, f->scene_bytes, 16);
    skep__free(&sim->allocator, f, sizeof *f, 16);
    sim->fault_files = NULL;
}

static skep_status files_open(skep_sim *sim, struct skep__fault_files *f,
                              const skep_fault_files_desc *d)
{
    char why[128];
    memcpy(f->folder, d->folder, strlen(d->folder) + 1);
    f->data = d->data;
    f->data_bytes = d->data_bytes;
    f->file_max = d->file_max ? d->file_max : FILES_MAX;
    f->bytes_max = d->bytes_max ? d->bytes_max : FILES_BYTES_MAX;
    if (d->scene) {
        f->scene_bytes = strlen(d->scene) + 1;
        f->scene = (char *)skep__alloc(&sim->allocator, f->scene_bytes, 16);
        if (!f->scene) return SKEP_NO_MEMORY;
        memcpy(f->scene, d->scene, f->scene_bytes);
    }
    if (skep__port_folder_make(f->folder) &&
        skep__port_folder_list(f->folder, files_name, &f->last))
        return SKEP_OK;
    skep__port_why(why, sizeof why);
    skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: files of faults in %s: %s", sim->title, f->folder,
               why);
    return SKEP_IO;
}

skep_status skep_sim_fault_files(skep_sim *sim, const skep_fault_files_desc *desc)
{
    if (desc->canary != FILES_CANARY || !desc->folder || !desc->folder[0]) return SKEP_ARGUMENT;
    if (strlen(desc->folder) + 64u > FILES_PATH_BYTES) return SKEP_ARGUMENT;
    skep__fault_files_end(sim);
    struct skep__fault_files *f =
        (struct skep__fault_files *)skep__alloc(&sim->allocator, sizeof *f, 16);
    if (!f) return SKEP_NO_MEMORY;
    sim->fault_files = f;
    const skep_status status = files_open(sim, f, desc);
    if (status != SKEP_OK) skep__fault_files_end(sim);
    return status;
}

uint32_t skep_sim_fault_file_count(const skep_sim *sim, uint32_t *last)
{
    const struct skep__fault_files *f = sim->fault_files;
    if (last) *last = f ? f->last : 0;
    return f ? f->count : 0;
}

/* ---- one file -------------------------------------------------------------------------------- */

/* Says once a system that there is no file, and why. */
static void files_none(skep_sim *sim, const skep_fault_task *fault, const char *why)
{
    struct skep__fault_files *f = sim->fault_files;
    const uint64_t key = fault->task->system_key;
    for (uint32_t i = 0; i < f->told_count; i++)
        if (f->told[i] == key) return;
    if (f->told_count < FILES_TOLD_MAX) f->told[f->told_count++] = key;
    skep__logf(&sim->log, SKEP_LOG_WARN, "no fault file of system \"%s\": %s", fault->system, why);
}

static bool files_write_bytes(void *out, const void *bytes, size_t n)
{
    return skep__port_out_write((skep__port_out *)out, bytes, n);
}

static skep_status files_fill(skep_sim *sim, const skep_fault_task *fault, skep__port_out *file,
                              uint64_t *bytes)
{
    const struct skep__fault_files *f = sim->fault_files;
    skep__rec_note notes[SKEP__NOTES_MAX];
    char numbers[3][24];
    const uint64_t left = f->bytes < f->bytes_max ? f->bytes_max - f->bytes : 0;
    const skep__fault_notes n = {.notes = notes,
                                 .note_count = skep__sim_notes(sim, f->scene, numbers, notes),
                                 .flags = sim->plan->host.batch_flags & SKEP_BATCH_CHECK,
                                 .data = f->data,
                                 .data_bytes = f->data_bytes,
                                 .scratch_bytes = sim->room.scratch_bytes,
                                 .executor = sim->plan->host.executor,
                                 .bytes_max = left};
    skep__rec_writer out = {
        .write = files_write_bytes, .ctx = file, .out.allocator = &sim->allocator};
    const skep_status status = skep__fault_write(sim->plan, fault, &n, &out);
    *bytes = out.bytes;
    skep__rec_close(&out);
    return status;
}

/* Writes it under a temporary name first. */
static skep_status files_write(skep_sim *sim, const skep_fault_task *fault, char *path, char *why,
                               size_t why_bytes)
{
    struct skep__fault_files *f = sim->fault_files;
    char temporary[FILES_PATH_BYTES + 8u];
    skep__port_out out;
    uint64_t bytes = 0;
    (void)skep__format(path, FILES_PATH_BYTES, "%s/fault-%u.skepr", f->folder, f->last + 1u);
    (void)skep__format(temporary, sizeof temporary, "%s.tmp", path);
    bool good = skep__port_out_open(&out, temporary);
    if (!good) skep__port_why(why, why_bytes);
    if (!good) return SKEP_IO;
    skep_status status = files_fill(sim, fault, &out, &bytes);
    if (status == SKEP_IO) skep__port_why(why, why_bytes);
    good =
        skep__port_out_close(&out) && status == SKEP_OK && skep__port_file_rename(temporary, path);
    if (!good && status == SKEP_OK) skep__port_why(why, why_bytes);
    if (!good) (void)skep__port_file_remove(temporary);
    if (!good) return status == SKEP_OK ? SKEP_IO : status;
    f->bytes += bytes;
    f->count++;
    f->last++;
    return SKEP_OK;
}

void skep__fault_files_task(void *ctx, const skep_fault_task *fault)
{
    skep_sim *sim = ctx;
    struct skep__fault_files *f = sim->fault_files;
    char path[FILES_PATH_BYTES], why[128] = "";
    if (!f || f->full || f->failed) return;
    if (fault->in_place || fault->task->span) {
        files_none(sim, fault,
                   "it wrote in place, so what it read is gone (declare SKEP_JOB_MAY_FAIL or a "
                   "deadline, or run it elsewhere)");
        return;
    }
    if (f->count == f->file_max) {
        f->full = true;
        skep__logf(&sim->log, SKEP_LOG_WARN, "no more fault files: %u were written (knob file_max)",
                   f->count);
        return;
    }
    const skep_status status = files_write(sim, fault, path, why, sizeof why);
    if (status == SKEP_OK) {
        skep__logf(&sim->log, SKEP_LOG_INFO, "what it failed at is in %s: skep replay %s", path,
                   path);
    } else if (status == SKEP_LIMIT) {
        files_none(sim, fault, "all that it read is too much (knob bytes_max)");
    } else {
        f->failed = true;
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: %s; no more fault files are written", path,
                   why[0] ? why : skep_status_text(status));
    }
}
