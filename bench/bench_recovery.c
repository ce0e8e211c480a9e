/* SPDX-License-Identifier: MIT */
/* What checkpoints and recordings cost a world of a million entities, all of which move. A lap runs
 * frames without and frames with them, one after the other, and says what the second kind took
 * more: so a machine that changes its speed changes it for both. */
#include "bench/bench_row.h"
#include "bench/bench_sim.h"
#include "skep/recovery.h"

#include <stdio.h>
#include <stdlib.h>

#define FRAMES 60u
/* What the bar asks for: one checkpoint in so many frames. */
#define FRAMES_BAR 600u

SKEP_JOB(recovery_move, (mut, Pos, pos), (in, Vel, vel))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->pos.x[i] += c->vel.x[i] * task->dt;
        c->pos.y[i] += c->vel.y[i] * task->dt;
    }
}

typedef struct recovery_row {
    bench_sim b;
    char folder[256];
} recovery_row;

static void recovery_sweep(const recovery_row *s)
{
    char command[320];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", s->folder);
    if (system(command) != 0) (void)fprintf(stderr, "%s is still there\n", s->folder);
}

static void recovery_close(void *state)
{
    recovery_row *s = state;
    skep__bench_sim_close(&s->b);
    recovery_sweep(s);
    free(s);
}

static bool recovery_frames(recovery_row *s, uint32_t frames)
{
    for (uint32_t i = 0; i < frames; i++)
        if (skep_sim_step(s->b.sim, BENCH_DT) != SKEP_OK) return false;
    return true;
}

static void *recovery_open(const bench_row *row)
{
    recovery_row *s = calloc(1, sizeof *s);
    const char *base = getenv("TMPDIR");
    if (!s) return NULL;
    (void)snprintf(s->folder, sizeof s->folder, "%s/skep-bench-%llu", base ? base : "/tmp",
                   (unsigned long long)skep__port_unix_ns());
    const bool made = skep__bench_sim_open(&s->b, row->workers, row->n) &&
                      skep__bench_fill(s->b.world, row->n, true, NULL) &&
                      skep__bench_sim_add(&s->b, &recovery_move, NULL) &&
                      recovery_frames(s, FRAMES / 2u);
    if (made) return s;
    recovery_close(s);
    return NULL;
}

/* ---- checkpoints ----------------------------------------------------------------------------- */

/* What so many frames took. */
typedef struct recovery_cost {
    uint64_t cpu_ns; /* of all threads */
    uint64_t max_ns; /* the longest frame */
} recovery_cost;

/* Runs frames, in the middle of which a checkpoint is due where they are taken at all: laps begin
 * half way between two. */
static bool recovery_run(recovery_row *s, recovery_cost *cost)
{
    const uint64_t begin = skep__port_process_cpu_ns();
    cost->max_ns = 0;
    for (uint32_t i = 0; i < FRAMES; i++) {
        const uint64_t start = skep__port_clock_ns();
        if (!recovery_frames(s, 1)) return false;
        const uint64_t took = skep__port_clock_ns() - start;
        if (took > cost->max_ns) cost->max_ns = took;
    }
    cost->cpu_ns = skep__port_process_cpu_ns() - begin;
    return true;
}

static bool recovery_both(recovery_row *s, recovery_cost *plain, recovery_cost *with)
{
    skep_checkpoint_desc d = skep_checkpoint_desc_default();
    d.folder = s->folder;
    d.every = FRAMES;
    if (!recovery_run(s, plain)) return false;
    if (skep_sim_checkpoint(s->b.sim, &d) != SKEP_OK) return false;
    bool done = recovery_run(s, with);
    /* The rest of the writing counts too. */
    const uint64_t begin = skep__port_process_cpu_ns();
    for (uint32_t i = 0; i < 30000u && !skep_sim_checkpoint_stats(s->b.sim).written; i++)
        skep__bench_sleep_ns(1000000u);
    with->cpu_ns += skep__port_process_cpu_ns() - begin;
    const skep_checkpoint_stats stats = skep_sim_checkpoint_stats(s->b.sim);
    done = done && stats.written == 1u && stats.failed == 0;
    skep_sim_checkpoint_end(s->b.sim);
    return done;
}

/* Thousandths of a percent. */
static bool checkpoint_cpu(void *state, bench_lap *lap)
{
    recovery_cost plain, with;
    if (!recovery_both(state, &plain, &with)) return false;
    const uint64_t more = with.cpu_ns > plain.cpu_ns ? with.cpu_ns - plain.cpu_ns : 0;
    lap->time_ns = more * 100000u / (plain.cpu_ns / FRAMES * FRAMES_BAR);
    lap->ops = 1;
    return true;
}

static bool checkpoint_frame(void *state, bench_lap *lap)
{
    recovery_cost plain, with;
    if (!recovery_both(state, &plain, &with)) return false;
    lap->time_ns = with.max_ns > plain.max_ns ? with.max_ns - plain.max_ns : 0;
    lap->ops = 1;
    return true;
}

/* ---- recordings ------------------------------------------------------------------------------ */

static bool record_plain(void *state, bench_lap *lap)
{
    const uint64_t start = skep__port_clock_ns();
    const bool done = recovery_frames(state, FRAMES);
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = FRAMES;
    return done;
}

static bool record_ours(void *state, bench_lap *lap)
{
    recovery_row *s = state;
    char path[300];
    skep_record_desc d = skep_record_desc_default();
    (void)snprintf(path, sizeof path, "%s/run.skepr", s->folder);
    d.path = path;
    if (!skep__port_folder_make(s->folder)) return false;
    if (skep_sim_record_open(s->b.sim, &d) != SKEP_OK) return false;
    const bool done = record_plain(state, lap);
    return skep_sim_record_end(s->b.sim) == SKEP_OK && done;
}

const bench_row skep__bench_recovery_rows[] = {
    {.name = "checkpoint_1m",
     .about = "processor time that one checkpoint in 600 frames of a million adds",
     .unit = "%",
     .unit_ns = 1000,
     .bar = BENCH_BAR_VALUE,
     .bar_at = 3.0,
     .n = 1000000,
     .workers = 0, /* none that spins, and so spends what nobody counts */
     .open = recovery_open,
     .close = recovery_close,
     .ours = checkpoint_cpu},
    {.name = "checkpoint_1m_frame",
     .about = "how much longer the longest frame is with a checkpoint",
     .unit = "ms",
     .unit_ns = 1e6,
     .bar = BENCH_BAR_VALUE,
     .bar_at = 2.0,
     .n = 1000000,
     .workers = 1,
     .open = recovery_open,
     .close = recovery_close,
     .ours = checkpoint_frame},
    {.name = "record_1m",
     .about = "a frame of a million that is recorded and hashed; not recorded",
     .unit = "ms",
     .unit_ns = 1e6,
     .bar = BENCH_BAR_NONE,
     .n = 1000000,
     .workers = 1,
     .open = recovery_open,
     .close = recovery_close,
     .ours = record_ours,
     .limit = record_plain},
    {.name = "record_10k",
     .about = "the same of ten thousand",
     .unit = "us",
     .unit_ns = 1e3,
     .bar = BENCH_BAR_NONE,
     .n = 10000,
     .workers = 1,
     .open = recovery_open,
     .close = recovery_close,
     .ours = record_ours,
     .limit = record_plain},
    {.name = NULL}};
