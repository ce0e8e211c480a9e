/* SPDX-License-Identifier: MIT */
/* What a frame costs that has next to nothing to do: tiny systems, fork and join, and allocations.
 */
#include "bench/bench_pair.h"
#include "bench/bench_row.h"
#include "bench/bench_sim.h"

#include <stdio.h>
#include <stdlib.h>

#define FRAMES 2000u
#define TINY_ENTITIES 2u
#define TINY_MANY 100u

typedef struct tiny {
    bench_sim b;
    uint32_t frames;
} tiny;

SKEP_JOB(nudge, (mut, Pos, pos))
{
    SKEP_ROWS (i, task) c->pos.x[i] += 1.0f;
}

static void tiny_close(void *state)
{
    tiny *s = state;
    skep__bench_sim_close(&s->b);
    free(s);
}

/* n systems that all write the same component of two entities: as many batches as systems. */
static void *tiny_open(const bench_row *row)
{
    tiny *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->frames = FRAMES / row->n;
    bool made = skep__bench_sim_open(&s->b, row->workers, 1024) &&
                skep__bench_fill(s->b.world, TINY_ENTITIES, false, NULL);
    for (uint32_t i = 0; made && i < row->n; i++) {
        char name[16];
        snprintf(name, sizeof name, "tiny%u", i);
        made = skep__bench_sim_add(&s->b, &nudge, name);
    }
    if (made) return s;
    tiny_close(s);
    return NULL;
}

static bool tiny_ours(void *state, bench_lap *lap)
{
    tiny *s = state;
    bool done = true;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < s->frames; i++) done &= skep_sim_step(s->b.sim, BENCH_DT) == SKEP_OK;
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = s->frames;
    return done;
}

/* ---- allocations ----------------------------------------------------------------------------- */

#define ALLOC_FRAMES 64u

SKEP_EVENT(Ping, (u32, n));

SKEP_JOB(speed_up, (with, Pos, has), (not, Vel, without), (add, Vel, vel), (emit, Ping, ping))
{
    for (uint32_t i = 0; i < task->n; i++) {
        if (task->entity[i].bits % 3u != task->tick % 3u) continue;
        Vel_put(task, c->vel, task->entity[i], SKEP_LIT(Vel, 1, 1));
        Ping_send(task, c->ping, task->entity[i], SKEP_LIT(Ping, i));
    }
}

SKEP_JOB(glide, (mut, Pos, pos), (in, Vel, vel), (inbox, Ping, ping))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->pos.x[i] += c->vel.x[i] * task->dt;
        c->pos.y[i] += (float)(c->ping.begin[i + 1] - c->ping.begin[i]);
    }
}

SKEP_JOB(slow_down, (with, Vel, has), (remove, Vel, vel), (destroy, Entity, end),
         (spawn, Entity, start))
{
    for (uint32_t i = 0; i < task->n; i++) {
        Vel_drop(task, c->vel, task->entity[i]);
        if (task->entity[i].bits % 16u != task->tick % 16u) continue;
        const skep_entity fresh = skep_spawn(task, c->start);
        Pos_init(task, fresh, SKEP_LIT(Pos, 1, 2));
        skep_destroy(task, c->end, task->entity[i]);
    }
}

/* Components come and go, events are sent and read, entities are born and die; a snapshot of the
 * last frame is kept. */
static void *alloc_open(const bench_row *row)
{
    tiny *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    if (skep__bench_sim_open(&s->b, row->workers, 4 * row->n) &&
        skep__bench_fill(s->b.world, row->n, false, NULL) &&
        skep__bench_sim_add(&s->b, &speed_up, NULL) && skep__bench_sim_add(&s->b, &glide, NULL) &&
        skep__bench_sim_add(&s->b, &slow_down, NULL))
        return s;
    tiny_close(s);
    return NULL;
}

static bool alloc_ours(void *state, bench_lap *lap)
{
    tiny *s = state;
    bool done = true;
    skep_snapshot *kept = NULL;
    const uint64_t before = s->b.heap.takes;
    for (uint32_t i = 0; i < ALLOC_FRAMES; i++) {
        skep_snapshot *last = kept;
        done &= skep_snapshot_take(s->b.world, &kept) == SKEP_OK;
        skep_snapshot_release(last);
        done &= skep_sim_step(s->b.sim, BENCH_DT) == SKEP_OK;
    }
    skep_snapshot_release(kept);
    lap->time_ns = s->b.heap.takes - before;
    lap->ops = ALLOC_FRAMES;
    return done;
}

/* ---- fork and join --------------------------------------------------------------------------- */

#define FORKS 2000u
#define FORKS_ASLEEP 16u

typedef struct forks {
    bench_pair_threads pair;
    bool paired;
    skep_pool *pool;
    skep_trace *trace;
    skep_task_part part;
    skep_task_frame frame;
    skep_pool_task task[2];
    const skep_pool_task *tasks[2];
    const skep_job *jobs[1];
    skep_pool_batch batch;
    uint32_t done;
} forks;

SKEP_JOB(nothing, (with, Pos, has))
{
}

static void forks_close(void *state)
{
    forks *s = state;
    if (s->paired) skep__bench_pair_close(&s->pair);
    skep_pool_destroy(s->pool);
    skep_trace_destroy(s->trace);
    free(s);
}

static void *forks_open(const bench_row *row)
{
    forks *s = aligned_alloc(64, skep__align(sizeof *s, 64));
    if (!s) return NULL;
    memset(s, 0, sizeof *s);
    skep_pool_desc d = skep_pool_desc_default();
    skep_trace_desc t = skep_trace_desc_default();
    t.workers = row->workers;
    t.off = true;
    t.clock = skep__port_ticks_best();
    t.allocator = skep__port_allocator();
    d.workers = row->workers;
    s->paired = skep__bench_pair_open(&s->pair);
    if (skep_trace_create(&t, &s->trace) == SKEP_OK) d.trace = s->trace;
    if (!s->paired || !d.trace || skep_pool_create(&d, &s->pool) != SKEP_OK) {
        s->pool = NULL;
        forks_close(s);
        return NULL;
    }
    s->jobs[0] = &nothing;
    for (uint32_t i = 0; i < 2; i++) {
        s->task[i].parts = &s->part;
        s->task[i].part_count = 1;
        s->task[i].frame = &s->frame;
        s->task[i].block = i;
        s->tasks[i] = &s->task[i];
    }
    s->batch.tasks = s->tasks;
    s->batch.jobs = s->jobs;
    s->batch.task_count = 2;
    s->batch.job_count = 1;
    s->batch.flags = SKEP_BATCH_FORCE;
    return s;
}

static void fork_done(void *ctx, const skep_pool_result *result)
{
    forks *s = ctx;
    s->done += result->status == SKEP_OK;
}

static bool fork_join(forks *s)
{
    s->done = 0;
    if (s->pool->v->start(s->pool, &s->batch, fork_done, s) != SKEP_OK) return false;
    while (s->pool->v->wait(s->pool, SKEP_FOREVER)) {
    }
    return s->done == 2;
}

static void pair_nothing(void *ctx, uint32_t index)
{
    (void)ctx;
    (void)index;
}

static bool forks_ours(void *state, bench_lap *lap)
{
    forks *s = state;
    bench_rest();
    bool done = fork_join(s);
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < FORKS; i++) done &= fork_join(s);
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = FORKS;
    return done;
}

static bool forks_limit(void *state, bench_lap *lap)
{
    forks *s = state;
    bench_rest();
    skep__bench_pair_run(&s->pair, pair_nothing, NULL);
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < FORKS; i++) skep__bench_pair_run(&s->pair, pair_nothing, NULL);
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = FORKS;
    return true;
}

static bool forks_asleep_ours(void *state, bench_lap *lap)
{
    forks *s = state;
    bool done = true;
    for (uint32_t i = 0; i < FORKS_ASLEEP; i++) {
        skep__bench_sleep_ns(1000000u);
        const uint64_t start = skep__port_clock_ns();
        done &= fork_join(s);
        lap->time_ns += skep__port_clock_ns() - start;
    }
    lap->ops = FORKS_ASLEEP;
    return done;
}

static skep_trace *tiny_trace(void *state)
{
    return skep_sim_trace(((tiny *)state)->b.sim);
}

static skep_trace *forks_trace(void *state)
{
    return ((forks *)state)->trace;
}

#define TINY(id, what, at, count, threads)                                                         \
    {                                                                                              \
        .name = id, .about = what, .unit = "us", .unit_ns = 1000, .bar = BENCH_BAR_VALUE,          \
        .bar_at = at, .n = count, .workers = threads, .open = tiny_open, .close = tiny_close,      \
        .ours = tiny_ours, .trace = tiny_trace                                                     \
    }
#define FORK(id, what, at, mine, by)                                                               \
    {                                                                                              \
        .name = id, .about = what, .unit = "us", .unit_ns = 1000, .bar = BENCH_BAR_VALUE,          \
        .bar_at = at, .workers = 1, .open = forks_open, .close = forks_close, .ours = mine,        \
        .limit = by, .trace = forks_trace                                                          \
    }

const bench_row skep__bench_tiny_rows[] = {
    TINY("tiny_1", "a frame with one job over two entities", 0.15, 1, 0),
    TINY("tiny_1_2w", "the same with two workers", 1.0, 1, 2),
    TINY("tiny_100", "a frame with 100 jobs that wait for each other", 10.0, TINY_MANY, 0),
    TINY("tiny_100_2w", "the same with two workers", 10.0, TINY_MANY, 2),
    FORK("forkjoin", "two empty tasks on two threads, within a frame; two counters", 1.0,
         forks_ours, forks_limit),
    FORK("forkjoin_asleep", "the same after 1 ms without work", 15.0, forks_asleep_ours, NULL),
    {.name = "alloc_frame",
     .about = "allocations of a frame with patches, events, births, deaths and a snapshot",
     .unit = "count",
     .unit_ns = 1,
     .bar = BENCH_BAR_VALUE,
     .bar_at = 0,
     .n = 4096,
     .workers = 1,
     .open = alloc_open,
     .close = tiny_close,
     .ours = alloc_ours},
    {.name = NULL},
};
