/* SPDX-License-Identifier: MIT */
/* A checkpoint counts once it has its name, and it gets that when all of it is synced: a program or
 * a machine that stops at any moment leaves whole ones, and half of one under another name. Only
 * then may an old one go. */
#include "sim/checkpoint_file.h"

#include "core/base/format.h"

#include "skep/save.h"

#define FILE_PREFIX "checkpoint-"
#define FILE_ENDING ".skep"

/* ---- names ----------------------------------------------------------------------------------- */

bool skep__checkpoint_path(char *out, const char *folder, uint64_t number, uint64_t tick,
                           bool temporary)
{
    const size_t n = skep__format(
        out, SKEP_CHECKPOINT_PATH_BYTES, "%s/" FILE_PREFIX "%llu-%llu" FILE_ENDING "%s", folder,
        (unsigned long long)number, (unsigned long long)tick, temporary ? ".tmp" : "");
    return n < SKEP_CHECKPOINT_PATH_BYTES;
}

/* Reads digits; NULL where there are none, or too many. */
static const char *name_number(const char *at, uint64_t *number)
{
    const char *first = at;
    for (*number = 0; *at >= '0' && *at <= '9'; at++) {
        if (at - first == 18) return NULL;
        *number = *number * 10u + (uint64_t)(*at - '0');
    }
    return at == first ? NULL : at;
}

/* Reads a name; `ending` is what follows the numbers. */
static bool name_read(const char *name, const char *ending, uint64_t *number, uint64_t *tick)
{
    const size_t prefix = sizeof FILE_PREFIX - 1;
    if (strncmp(name, FILE_PREFIX, prefix) != 0) return false;
    const char *at = name_number(name + prefix, number);
    if (!at || *at != '-') return false;
    at = name_number(at + 1, tick);
    return at && *number > 0 && strcmp(at, ending) == 0;
}

static void list_name(void *ctx, const char *name)
{
    skep__checkpoint_list *list = ctx;
    uint64_t number = 0, tick = 0;
    if (!name_read(name, FILE_ENDING, &number, &tick) || number <= list->number) return;
    if (list->below && number >= list->below) return;
    list->number = number;
    list->tick = tick;
}

bool skep__checkpoint_list_of(const char *folder, skep__checkpoint_list *list)
{
    list->number = 0;
    return skep__port_folder_list(folder, list_name, list);
}

static void sweep_name(void *ctx, const char *name)
{
    char path[SKEP_CHECKPOINT_PATH_BYTES];
    uint64_t number = 0, tick = 0;
    const char *folder = ctx;
    if (!name_read(name, FILE_ENDING ".tmp", &number, &tick)) return;
    if (skep__checkpoint_path(path, folder, number, tick, true)) (void)skep__port_file_remove(path);
}

void skep__checkpoint_sweep(const char *folder)
{
    char copy[SKEP_CHECKPOINT_PATH_BYTES];
    (void)skep__format(copy, sizeof copy, "%s", folder);
    (void)skep__port_folder_list(folder, sweep_name, copy);
}

/* Removes all but the newest `keep`, one look at the folder for each. */
static void prune(const char *folder, uint32_t keep)
{
    skep__checkpoint_list list = {0, 0, 0};
    for (uint32_t i = 0;; i++) {
        char path[SKEP_CHECKPOINT_PATH_BYTES];
        if (!skep__checkpoint_list_of(folder, &list) || !list.number) return;
        list.below = list.number;
        if (i < keep) continue;
        if (!skep__checkpoint_path(path, folder, list.number, list.tick, false)) return;
        if (!skep__port_file_remove(path)) return;
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct write_state {
    skep__checkpoint_job *job;
    skep__port_out out;
    size_t used; /* of the piece */
    bool failed; /* and the OS said why */
} write_state;

static bool write_out(write_state *w, const void *bytes, size_t n)
{
    w->failed = w->failed || !skep__port_out_write(&w->out, bytes, n);
    w->job->bytes += n;
    return !w->failed;
}

static bool write_flush(write_state *w)
{
    const size_t n = w->used;
    w->used = 0;
    return n == 0 || write_out(w, w->job->piece, n);
}

/* Gathers pieces, so that one call of the OS is neither tiny nor long. */
static bool write_some(void *ctx, const void *bytes, size_t n)
{
    write_state *w = ctx;
    const uint8_t *from = bytes;
    while (n) {
        const size_t room = w->job->piece_bytes - w->used;
        const size_t some = n < room ? n : room;
        memcpy(w->job->piece + w->used, from, some);
        w->used += some;
        from += some;
        n -= some;
        if (w->used == w->job->piece_bytes && !write_flush(w)) return false;
    }
    return true;
}

static bool write_fail(skep__checkpoint_job *job, const char *what, const char *path)
{
    char why[128];
    skep__port_why(why, sizeof why);
    (void)skep__format(job->why, sizeof job->why, "%s %s: %s", what, path, why);
    return false;
}

/* Writes all of the file; it is closed in any case. */
static bool write_file(skep__checkpoint_job *job, const char *path)
{
    write_state w = {.job = job};
    if (!skep__port_out_open(&w.out, path)) return write_fail(job, "making", path);
    const skep_status status = skep_save_snapshot(job->snapshot, write_some, &w);
    bool good = status == SKEP_OK && write_flush(&w);
    if (!good && w.failed) (void)write_fail(job, "writing", path);
    if (!good && !w.failed)
        (void)skep__format(job->why, sizeof job->why, "writing %s: %s", path,
                           skep_status_text(status));
    if (good && !skep__port_out_sync(&w.out)) good = write_fail(job, "syncing", path);
    if (!skep__port_out_close(&w.out) && good) good = write_fail(job, "closing", path);
    return good;
}

bool skep__checkpoint_write(skep__checkpoint_job *job)
{
    char path[SKEP_CHECKPOINT_PATH_BYTES], temporary[SKEP_CHECKPOINT_PATH_BYTES];
    job->bytes = 0;
    job->why[0] = 0;
    if (!skep__checkpoint_path(path, job->folder, job->number, job->tick, false) ||
        !skep__checkpoint_path(temporary, job->folder, job->number, job->tick, true)) {
        (void)skep__format(job->why, sizeof job->why, "the folder's path is too long");
        return false;
    }
    bool good = write_file(job, temporary);
    if (good && !skep__port_file_rename(temporary, path))
        good = write_fail(job, "renaming", temporary);
    if (!good) {
        (void)skep__port_file_remove(temporary);
        return false;
    }
    if (!skep__port_folder_sync(job->folder)) return write_fail(job, "syncing", job->folder);
    prune(job->folder, job->keep);
    return true;
}
