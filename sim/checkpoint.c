/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* Checkpoints of a running simulation.
 *
 *     the caller    IDLE    a frame is due: snapshot, its free queue detached (over some
 *                           frames, if that is long)                             -> WORK
 *     the thread    WORK    writes the file                                      -> DONE
 *     the caller    DONE    takes note, gives the snapshot back, says what was wrong -> IDLE
 *
 * `state` is all that the two share without order: what is written before it changes is read after.
 * The thread runs with the least share of a processor, and is told to end by QUIT. */
/* clang-format on */
#include "core/base/format.h"
#include "core/data/data.h"
#include "sim/checkpoint_file.h"
#include "sim/checkpoint_scene.h"

#include "skep/save.h"

#define CHECKPOINT_CANARY 0xC4EC4u
#define CHECKPOINT_EVERY 600u
#define CHECKPOINT_KEEP 3u
/* What is done after one frame: so many pages of 8 KiB copied, so many handles looked at; 100 us.
 */
#define CHECKPOINT_PAGES 64u
#define CHECKPOINT_MEMBERS 8192u

enum { CHECKPOINT_IDLE, CHECKPOINT_WORK, CHECKPOINT_DONE, CHECKPOINT_QUIT };

struct skep__checkpoint {
    skep_sim *sim;
    char folder[SKEP_CHECKPOINT_PATH_BYTES];
    skep__port_thread thread;
    _Atomic uint32_t state;
    skep__checkpoint_job job; /* the thread's during WORK */
    bool good;                /* what came of it */
    uint64_t took_ns;
    uint64_t took_cpu_ns;
    skep_snapshot *snapshot;  /* being detached; NULL: none */
    skep__detach_place place; /* how far it is */
    uint32_t every;
    uint64_t next_number;
    bool ailing; /* the last one failed, and the log has it */
    bool started;
    skep_checkpoint_stats stats;
};

skep_checkpoint_desc skep_checkpoint_desc_default(void)
{
    skep_checkpoint_desc d;
    memset(&d, 0, sizeof d);
    d.canary = CHECKPOINT_CANARY;
    d.every = CHECKPOINT_EVERY;
    d.keep = CHECKPOINT_KEEP;
    return d;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void checkpoint_thread(void *arg)
{
    struct skep__checkpoint *c = arg;
    skep__port_thread_quiet();
    skep__port_thread_idle();
    for (;;) {
        const uint32_t state = atomic_load_explicit(&c->state, memory_order_acquire);
        if (state == CHECKPOINT_QUIT) return;
        if (state != CHECKPOINT_WORK) {
            (void)skep__port_futex_wait(&c->state, state, SKEP__PORT_FOREVER);
            continue;
        }
        const uint64_t began = skep__port_clock_ns();
        const uint64_t began_cpu = skep__port_thread_cpu_ns();
        c->good = skep__checkpoint_write(&c->job);
        c->took_ns = skep__port_clock_ns() - began;
        c->took_cpu_ns = skep__port_thread_cpu_ns() - began_cpu;
        atomic_store_explicit(&c->state, CHECKPOINT_DONE, memory_order_release);
        skep__port_futex_wake(&c->state, 1);
    }
}

/* ---- the caller ------------------------------------------------------------------------------ */

static void checkpoint_say(struct skep__checkpoint *c, const char *why)
{
    c->stats.failed++;
    if (!c->ailing)
        skep__logf(
            &c->sim->log, SKEP_LOG_ERROR,
            "%s: no checkpoint at frame %llu: %s (the run goes on, and the next one is tried)",
            c->sim->title, (unsigned long long)c->job.tick, why);
    c->ailing = true;
}

/* Takes note of one that is done. */
static void checkpoint_collect(struct skep__checkpoint *c)
{
    if (atomic_load_explicit(&c->state, memory_order_acquire) != CHECKPOINT_DONE) return;
    skep_snapshot_release(c->snapshot);
    c->snapshot = NULL;
    atomic_store_explicit(&c->state, CHECKPOINT_IDLE, memory_order_relaxed);
    if (!c->good) {
        checkpoint_say(c, c->job.why);
        return;
    }
    if (c->ailing)
        skep__logf(&c->sim->log, SKEP_LOG_INFO, "%s: checkpoints are written again, at frame %llu",
                   c->sim->title, (unsigned long long)c->job.tick);
    c->ailing = false;
    c->stats.written++;
    c->stats.last_tick = c->job.tick;
    c->stats.last_bytes = c->job.bytes;
    c->stats.last_ns = c->took_ns;
    c->stats.last_cpu_ns = c->took_cpu_ns;
}

static void checkpoint_drop(struct skep__checkpoint *c, const char *why)
{
    skep_snapshot_release(c->snapshot);
    c->snapshot = NULL;
    checkpoint_say(c, why);
}

/* Detaches a part of the snapshot, and hands it over when that was the last one. */
static void checkpoint_detach(struct skep__checkpoint *c, uint32_t pages, uint32_t members)
{
    bool done = false;
    const skep_status status =
        skep__snapshot_detach_save(c->snapshot, pages, members, &c->place, &done);
    if (status != SKEP_OK) {
        checkpoint_drop(c, "the region is full (knob region_bytes_max)");
        return;
    }
    if (!done) return;
    c->job.snapshot = c->snapshot;
    c->job.number = c->next_number++;
    atomic_store_explicit(&c->state, CHECKPOINT_WORK, memory_order_release);
    skep__port_futex_wake(&c->state, 1);
}

static void checkpoint_take(struct skep__checkpoint *c)
{
    memset(&c->place, 0, sizeof c->place);
    c->job.tick = skep_world_tick(c->sim->world);
    if (skep_snapshot_take(c->sim->world, &c->snapshot) == SKEP_OK) return;
    c->snapshot = NULL;
    checkpoint_say(c, "no memory for a snapshot");
}

/* Whether one is being detached or written. */
static bool checkpoint_busy(const struct skep__checkpoint *c)
{
    return c->snapshot != NULL;
}

static bool checkpoint_working(struct skep__checkpoint *c)
{
    return atomic_load_explicit(&c->state, memory_order_acquire) == CHECKPOINT_WORK;
}

void skep__checkpoint_after(skep_sim *sim)
{
    struct skep__checkpoint *c = sim->checkpoint;
    const bool due = skep_world_tick(sim->world) % c->every == 0;
    if (!due && !checkpoint_busy(c)) return;
    const uint64_t began = skep__port_clock_ns();
    checkpoint_collect(c);
    if (due && checkpoint_busy(c)) c->stats.skipped++;
    if (due && !checkpoint_busy(c)) checkpoint_take(c);
    if (checkpoint_busy(c) && !checkpoint_working(c))
        checkpoint_detach(c, CHECKPOINT_PAGES, CHECKPOINT_MEMBERS);
    const uint64_t took = skep__port_clock_ns() - began;
    c->stats.caller_ns += took;
    if (took > c->stats.caller_max_ns) c->stats.caller_max_ns = took;
}

/* ---- beginning and ending -------------------------------------------------------------------- */

static skep_status checkpoint_folder(struct skep__checkpoint *c)
{
    char why[128];
    skep__checkpoint_list list = {0, 0, 0};
    if (skep__port_folder_make(c->folder) && skep__checkpoint_list_of(c->folder, &list)) {
        skep__checkpoint_sweep(c->folder);
        c->next_number = list.number + 1u;
        return skep__checkpoint_claim(c->sim, c->folder, list.number > 0);
    }
    skep__port_why(why, sizeof why);
    skep__logf(&c->sim->log, SKEP_LOG_ERROR, "%s: checkpoints in %s: %s", c->sim->title, c->folder,
               why);
    return SKEP_IO;
}

static skep_status checkpoint_start(struct skep__checkpoint *c)
{
    skep_status status = checkpoint_folder(c);
    if (status != SKEP_OK) return status;
    /* One large page: the OS looks up and holds one for each write instead of hundreds, and one
     * write asks the disk a quarter as often as 512 KiB would. */
    c->job.block = skep__port_reserve(SKEP__PORT_PAGE);
    if (!c->job.block || skep__port_commit(c->job.block, SKEP__PORT_PAGE) != SKEP_OK)
        return SKEP_NO_MEMORY;
    c->job.piece = c->job.block + SKEP__PORT_DIRECT;
    c->job.piece_bytes = SKEP__PORT_PAGE - SKEP__PORT_DIRECT;
    c->started = skep__port_thread_create(&c->thread, "skep-checkpoint", checkpoint_thread, c);
    return c->started ? SKEP_OK : SKEP_NO_MEMORY;
}

skep_status skep_sim_checkpoint(skep_sim *sim, const skep_checkpoint_desc *desc)
{
    if (desc->canary != CHECKPOINT_CANARY || !desc->folder || !desc->folder[0])
        return SKEP_ARGUMENT;
    if (strlen(desc->folder) + 64u > SKEP_CHECKPOINT_PATH_BYTES) return SKEP_ARGUMENT;
    skep_sim_checkpoint_end(sim);
    struct skep__checkpoint *c = skep__alloc(&sim->allocator, sizeof *c, 64);
    if (!c) return SKEP_NO_MEMORY;
    sim->checkpoint = c;
    c->sim = sim;
    memcpy(c->folder, desc->folder, strlen(desc->folder) + 1);
    c->job.folder = c->folder;
    c->every = desc->every ? desc->every : CHECKPOINT_EVERY;
    c->job.keep = desc->keep ? desc->keep : CHECKPOINT_KEEP;
    c->stats.last_tick = UINT64_MAX;
    atomic_init(&c->state, CHECKPOINT_IDLE);
    const skep_status status = checkpoint_start(c);
    if (status != SKEP_OK) skep_sim_checkpoint_end(sim);
    return status;
}

/* Waits while the thread works. */
static void checkpoint_wait(struct skep__checkpoint *c)
{
    while (checkpoint_working(c))
        (void)skep__port_futex_wait(&c->state, CHECKPOINT_WORK, SKEP__PORT_FOREVER);
    checkpoint_collect(c);
}

skep_status skep_sim_checkpoint_now(skep_sim *sim)
{
    struct skep__checkpoint *c = sim->checkpoint;
    if (!c) return SKEP_NOT_FOUND;
    if (skep_frame_running(sim->plan)) return SKEP_BUSY;
    if (checkpoint_busy(c) && !checkpoint_working(c)) checkpoint_detach(c, UINT32_MAX, UINT32_MAX);
    checkpoint_wait(c);
    if (c->stats.last_tick == skep_world_tick(sim->world)) return SKEP_OK;
    const uint64_t failed = c->stats.failed;
    checkpoint_take(c);
    if (checkpoint_busy(c)) checkpoint_detach(c, UINT32_MAX, UINT32_MAX);
    checkpoint_wait(c);
    return c->stats.failed == failed ? SKEP_OK : SKEP_IO;
}

skep_checkpoint_stats skep_sim_checkpoint_stats(skep_sim *sim)
{
    if (sim->checkpoint) {
        checkpoint_collect(sim->checkpoint);
        return sim->checkpoint->stats;
    }
    return (skep_checkpoint_stats){.last_tick = UINT64_MAX};
}

void skep_sim_checkpoint_end(skep_sim *sim)
{
    struct skep__checkpoint *c = sim->checkpoint;
    if (!c) return;
    if (c->started) {
        checkpoint_wait(c);
        atomic_store_explicit(&c->state, CHECKPOINT_QUIT, memory_order_release);
        skep__port_futex_wake(&c->state, 1);
        skep__port_thread_join(&c->thread);
    }
    skep_snapshot_release(c->snapshot);
    skep__port_release(c->job.block, SKEP__PORT_PAGE);
    skep__free(&sim->allocator, c, sizeof *c, 64);
    sim->checkpoint = NULL;
}

/* ---- resuming -------------------------------------------------------------------------------- */

/* Looks at one file; SKEP_CORRUPT for any that cannot serve. */
static skep_status find_check(const char *path, const skep_log *log, skep_checkpoint_found *found)
{
    const uint8_t *bytes = NULL;
    size_t size = 0;
    skep_save_info info;
    skep_error error = {SKEP_OK, NULL, 0};
    skep_status status = skep__port_file_map(path, &bytes, &size);
    if (status == SKEP_OK) {
        status = skep_save_check(bytes, size, &info, &error);
        skep__port_file_unmap(bytes, size);
    }
    if (status == SKEP_OK) {
        found->tick = info.tick;
        found->seed = info.seed;
        found->entity_count = info.entity_count;
        return SKEP_OK;
    }
    if (error.message)
        skep__logf(log, SKEP_LOG_WARN, "%s: passed over: %s (byte %zu)", path, error.message,
                   error.offset);
    else
        skep__logf(log, SKEP_LOG_WARN, "%s: passed over: %s", path, skep_status_text(status));
    found->damaged++;
    return SKEP_CORRUPT;
}

skep_status skep_checkpoint_find(const char *folder, const skep_log *log,
                                 skep_checkpoint_found *found)
{
    skep__checkpoint_list list = {0, 0, 0};
    memset(found, 0, sizeof *found);
    for (;;) {
        if (!skep__checkpoint_list_of(folder, &list) || !list.number) {
            found->path[0] = 0;
            return found->damaged ? SKEP_CORRUPT : SKEP_NOT_FOUND;
        }
        list.below = list.number;
        if (!skep__checkpoint_path(found->path, folder, list.number, list.tick, false))
            return SKEP_IO;
        if (find_check(found->path, log, found) == SKEP_OK) return SKEP_OK;
    }
}

skep_status skep_sim_resume_found(skep_sim *sim, const skep_checkpoint_found *found)
{
    char folder[SKEP_CHECKPOINT_PATH_BYTES];
    const char *slash = strrchr(found->path, '/');
    if (!slash) return SKEP_ARGUMENT;
    if (skep_frame_running(sim->plan)) return SKEP_BUSY;
    (void)skep__format(folder, sizeof folder, "%.*s", (int)(slash - found->path), found->path);
    const skep_status status = skep__checkpoint_fits(sim, folder);
    return status == SKEP_OK ? skep_sim_load(sim, found->path) : status;
}

skep_status skep_sim_resume(skep_sim *sim, const char *folder, skep_checkpoint_found *found)
{
    skep_checkpoint_found own;
    if (!found) found = &own;
    if (skep_frame_running(sim->plan)) return SKEP_BUSY;
    const skep_status status = skep_checkpoint_find(folder, &sim->log, found);
    return status == SKEP_OK ? skep_sim_resume_found(sim, found) : status;
}
