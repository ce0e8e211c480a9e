/* SPDX-License-Identifier: MIT */
/* A checkpoint counts once it has its name, and it gets that when all of it is synced: a program or
 * a machine that stops at any moment leaves whole ones, and half of one under another name. Only
 * then may an old one go. */
#include "sim/checkpoint_file.h"

#include "core/base/format.h"
#include "core/data/save_format.h"

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

typedef struct file_state {
    skep__checkpoint_job *job;
    skep__port_out out;
    size_t used; /* of the piece */
    bool first;  /* the first piece has been written; its first block is kept in job->block */
    bool failed; /* and the OS said why */
} file_state;

/* Writes the piece, filled up to whole blocks where the OS wants that. */
static bool write_flush(file_state *w)
{
    skep__checkpoint_job *job = w->job;
    size_t n = w->used;
    if (n == 0) return true;
    if (w->out.direct) {
        const size_t whole = skep__align(n, SKEP__PORT_DIRECT);
        memset(job->piece + n, 0, whole - n);
        n = whole;
    }
    if (!w->first) memcpy(job->block, job->piece, SKEP__PORT_DIRECT);
    w->first = true;
    w->failed = w->failed || !skep__port_out_write(&w->out, job->piece, n);
    job->bytes += w->used;
    w->used = 0;
    return !w->failed;
}

/* Gathers pieces, so that one call of the OS is neither tiny nor long. */
static bool write_some(void *ctx, const void *bytes, size_t n)
{
    file_state *w = ctx;
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

/* Puts the head, which has the checksums, in its place. */
static bool write_head(file_state *w, const uint8_t *head)
{
    uint8_t *block = w->job->block;
    memcpy(block, head, SKEP__SAVE_CONTENT_OFFSET);
    const uint64_t least = w->job->bytes < SKEP__PORT_DIRECT ? w->job->bytes : SKEP__PORT_DIRECT;
    const size_t n = w->out.direct ? SKEP__PORT_DIRECT : (size_t)least;
    const bool good = skep__port_out_write_at(&w->out, 0, block, n) &&
                      (!w->out.direct || skep__port_out_cut(&w->out, w->job->bytes));
    w->failed = w->failed || !good;
    return good;
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
    file_state w = {.job = job};
    uint8_t head[SKEP__SAVE_CONTENT_OFFSET];
    if (!skep__port_out_open_direct(&w.out, path)) return write_fail(job, "making", path);
    const skep_status status = skep__save_snapshot_late(job->snapshot, write_some, &w, head);
    bool good = status == SKEP_OK && write_flush(&w) && write_head(&w, head);
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
