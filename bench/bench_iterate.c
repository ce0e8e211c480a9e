/* SPDX-License-Identifier: MIT */
/* Iteration: whole frames of a simulation whose one job is `pos += vel * dt`, against loops over
 * plain arrays; on one thread, on two, and with a snapshot of the last frame kept. */
#include "bench/bench_limit.h"
#include "bench/bench_row.h"
#include "bench/bench_sim.h"

#include <stdlib.h>

typedef struct iterate {
    bench_sim one;  /* without workers */
    bench_sim more; /* with them; only where the row asks for it */
    skep_snapshot *kept;
    uint32_t n;
    uint32_t passes;
    limit_vec *pos, *vel, *other;
} iterate;

SKEP_JOB(move, (mut, Pos, pos), (in, Vel, vel))
{
    SKEP_ROWS (i, task) {
        c->pos.x[i] += c->vel.x[i] * task->dt;
        c->pos.y[i] += c->vel.y[i] * task->dt;
    }
}

static void iterate_close(void *state)
{
    iterate *s = state;
    skep_snapshot_release(s->kept);
    skep__bench_sim_close(&s->one);
    skep__bench_sim_close(&s->more);
    skep__bench_give(s->pos, s->n * sizeof *s->pos);
    skep__bench_give(s->vel, s->n * sizeof *s->vel);
    skep__bench_give(s->other, s->n * sizeof *s->other);
    free(s);
}

static bool sim_open(bench_sim *b, uint32_t workers, uint32_t n)
{
    return skep__bench_sim_open(b, workers, n) && skep__bench_sim_add(b, &move, NULL) &&
           skep__bench_fill(b->world, n, true, NULL);
}

static void *iterate_open(const bench_row *row)
{
    iterate *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->n = row->n;
    s->passes = 4000000u / row->n;
    s->pos = skep__bench_take(row->n * sizeof *s->pos);
    s->vel = skep__bench_take(row->n * sizeof *s->vel);
    s->other = skep__bench_take(row->n * sizeof *s->other);
    bool made = s->pos && s->vel && s->other && sim_open(&s->one, 0, row->n);
    if (row->workers) made = made && sim_open(&s->more, row->workers, row->n);
    for (uint32_t i = 0; made && i < row->n; i++) {
        s->pos[i] = (limit_vec){(float)(i & 1023u), 0};
        s->vel[i] = (limit_vec){1, 1};
    }
    if (made) return s;
    iterate_close(s);
    return NULL;
}

/* ---- in place -------------------------------------------------------------------------------- */

static bool frames(bench_sim *b, const iterate *s, bench_lap *lap)
{
    bool done = true;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < s->passes; k++) done &= skep_sim_step(b->sim, BENCH_DT) == SKEP_OK;
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)s->passes * s->n;
    lap->check = skep__bench_pos_check(b->world);
    return done;
}

static bool iterate_ours(void *state, bench_lap *lap)
{
    iterate *s = state;
    return frames(&s->one, s, lap);
}

static bool iterate_more(void *state, bench_lap *lap)
{
    iterate *s = state;
    return frames(&s->more, s, lap);
}

SKEP_NOINLINE static void move_pairs(limit_vec *restrict pos, const limit_vec *restrict vel,
                                     uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        pos[i].x += vel[i].x * BENCH_DT;
        pos[i].y += vel[i].y * BENCH_DT;
    }
}

static uint64_t pairs_check(const limit_vec *pos, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) sum += (double)pos[i].x * 3.0 + (double)pos[i].y;
    return (uint64_t)sum + n;
}

static bool iterate_limit(void *state, bench_lap *lap)
{
    iterate *s = state;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < s->passes; k++) move_pairs(s->pos, s->vel, s->n);
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)s->passes * s->n;
    lap->check = pairs_check(s->pos, s->n);
    return true;
}

/* ---- with the last frame kept ---------------------------------------------------------------- */

static bool keep_ours(void *state, bench_lap *lap)
{
    iterate *s = state;
    bool done = true;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; done && k < s->passes; k++) {
        skep_snapshot *last = s->kept;
        done &= skep_snapshot_take(s->one.world, &s->kept) == SKEP_OK;
        skep_snapshot_release(last);
        done &= skep_sim_step(s->one.sim, BENCH_DT) == SKEP_OK;
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)s->passes * s->n;
    lap->check = skep__bench_pos_check(s->one.world);
    return done;
}

SKEP_NOINLINE static void move_across(limit_vec *restrict to, const limit_vec *restrict from,
                                      const limit_vec *restrict vel, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        to[i].x = from[i].x + vel[i].x * BENCH_DT;
        to[i].y = from[i].y + vel[i].y * BENCH_DT;
    }
}

/* Two buffers by turns: what keeping the last frame costs by hand. */
static bool keep_limit(void *state, bench_lap *lap)
{
    iterate *s = state;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < s->passes; k++) {
        limit_vec *last = s->pos;
        move_across(s->other, last, s->vel, s->n);
        s->pos = s->other;
        s->other = last;
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)s->passes * s->n;
    lap->check = pairs_check(s->pos, s->n);
    return true;
}

static skep_trace *iterate_one_trace(void *state)
{
    return skep_sim_trace(((iterate *)state)->one.sim);
}

static skep_trace *iterate_more_trace(void *state)
{
    return skep_sim_trace(((iterate *)state)->more.sim);
}

#define ITERATE(id, at, size)                                                                      \
    {                                                                                              \
        .name = "iter_" id,                                                                        \
        .about = "pos += vel * dt of one entity, whole frames, 1 thread; a loop over two arrays",  \
        .unit = "ns", .unit_ns = 1, .bar = BENCH_BAR_RATIO, .bar_at = at, .n = size,               \
        .open = iterate_open, .close = iterate_close, .ours = iterate_ours,                        \
        .limit = iterate_limit, .trace = iterate_one_trace                                         \
    }
#define ITERATE_2T(id, at, size)                                                                   \
    {                                                                                              \
        .name = "iter_2t_" id, .about = "the same on 2 threads; ours on 1 thread", .unit = "ns",   \
        .unit_ns = 1, .bar = BENCH_BAR_FASTER, .bar_at = at, .n = size, .workers = 1,              \
        .open = iterate_open, .close = iterate_close, .ours = iterate_more, .limit = iterate_ours, \
        .trace = iterate_more_trace                                                                \
    }
#define KEEP(id, at, size, by, what)                                                               \
    {                                                                                              \
        .name = "keep_" id, .about = "the same with a snapshot of the last frame kept; " what,     \
        .unit = "ns", .unit_ns = 1, .bar = BENCH_BAR_RATIO, .bar_at = at, .n = size,               \
        .open = iterate_open, .close = iterate_close, .ours = keep_ours, .limit = by               \
    }

const bench_row skep__bench_iterate_rows[] = {
    ITERATE("10k", 1.15, 10000),
    ITERATE("100k", 1.15, 100000),
    ITERATE("1m", 1.15, 1000000),
    ITERATE_2T("10k", 1.4, 10000),
    ITERATE_2T("100k", 1.7, 100000),
    ITERATE_2T("1m", 1.7, 1000000),
    KEEP("10k", 1.6, 10000, iterate_limit, "a loop in place"),
    KEEP("100k", 1.6, 100000, iterate_limit, "a loop in place"),
    KEEP("1m", 1.0, 1000000, keep_limit, "a loop between two buffers"),
    {.name = NULL},
};
