/* SPDX-License-Identifier: MIT */
/* Iteration: `pos += vel * dt` over field columns, block by block, against plain arrays. */
#include "bench/bench_limit.h"
#include "bench/bench_row.h"
#include "bench/bench_store.h"

#include <stdlib.h>

#define DT (1.0f / 64.0f)

typedef struct iterate {
    bench_store b;
    uint32_t n;
    uint32_t passes;
    limit_vec *pos, *vel;
} iterate;

static void iterate_close(void *state)
{
    iterate *s = state;
    if (!s) return;
    if (s->b.store.tables) skep__bench_store_close(&s->b);
    free(s->pos);
    free(s->vel);
    free(s);
}

static bool iterate_fill(iterate *s)
{
    skep__store *store = &s->b.store;
    if (skep__rows_create(store, s->b.both_table, s->n, NULL, 1) != SKEP_OK) return false;
    const skep__table *t = store->tables[s->b.both_table];
    for (uint32_t i = 0; i < s->n; i++) {
        const skep__cell *cell = skep__line_of(t, i >> t->shift)->cells;
        const uint32_t at = i & ((1u << t->shift) - 1u);
        s->pos[i] = (limit_vec){(float)(i & 1023u), 0};
        s->vel[i] = (limit_vec){1, 1};
        ((float *)(void *)cell[1].data)[at] = s->pos[i].x;
        ((float *)(void *)cell[2].data)[at] = 0;
        ((float *)(void *)cell[3].data)[at] = 1;
        ((float *)(void *)cell[4].data)[at] = 1;
    }
    return true;
}

static void *iterate_open(const bench_row *row)
{
    iterate *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->n = row->n;
    s->passes = 5000000u / row->n;
    const size_t bytes = (row->n * sizeof *s->pos + 63u) & ~(size_t)63u;
    s->pos = aligned_alloc(64, bytes);
    s->vel = aligned_alloc(64, bytes);
    if (s->pos && s->vel && skep__bench_store_open(&s->b, row->n) && iterate_fill(s)) return s;
    iterate_close(s);
    return NULL;
}

SKEP_NOINLINE static void move_fields(float *restrict x, float *restrict y,
                                      const float *restrict vx, const float *restrict vy,
                                      uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        x[i] += vx[i] * DT;
        y[i] += vy[i] * DT;
    }
}

SKEP_NOINLINE static void move_pairs(limit_vec *restrict pos, const limit_vec *restrict vel,
                                     uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        pos[i].x += vel[i].x * DT;
        pos[i].y += vel[i].y * DT;
    }
}

static bool iterate_ours(void *state, bench_lap *lap)
{
    iterate *s = state;
    skep__store *store = &s->b.store;
    skep__table *t = store->tables[s->b.both_table];
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < s->passes; k++) {
        skep__epoch_raise(store);
        for (uint32_t b = 0; b < skep__table_blocks(t); b++) {
            if (skep__own_cell(store, t, b, 1) != SKEP_OK) return false;
            if (skep__own_cell(store, t, b, 2) != SKEP_OK) return false;
            const skep__cell *cell = skep__line_of(t, b)->cells;
            move_fields((float *)(void *)cell[1].data, (float *)(void *)cell[2].data,
                        (const float *)(void *)cell[3].data, (const float *)(void *)cell[4].data,
                        skep__block_rows(t, b));
        }
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)s->passes * s->n;
    lap->check = (uint64_t)(double)((float *)(void *)skep__line_of(t, 0)->cells[1].data)[7];
    return true;
}

static bool iterate_limit(void *state, bench_lap *lap)
{
    iterate *s = state;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < s->passes; k++) move_pairs(s->pos, s->vel, s->n);
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)s->passes * s->n;
    lap->check = (uint64_t)(double)s->pos[7].x;
    return true;
}

const bench_row skep__bench_iterate_rows[] = {
    {"iter_10k", "pos += vel * dt of one entity, 1 thread; two plain arrays", "ns", 1,
     BENCH_BAR_RATIO, 1.15, 10000, 0, false, iterate_open, iterate_close, iterate_ours,
     iterate_limit},
    {"iter_100k", "pos += vel * dt of one entity, 1 thread; two plain arrays", "ns", 1,
     BENCH_BAR_RATIO, 1.15, 100000, 0, false, iterate_open, iterate_close, iterate_ours,
     iterate_limit},
    {"iter_1m", "pos += vel * dt of one entity, 1 thread; two plain arrays", "ns", 1,
     BENCH_BAR_RATIO, 1.15, 1000000, 0, false, iterate_open, iterate_close, iterate_ours,
     iterate_limit},
    {NULL, NULL, NULL, 0, BENCH_BAR_NONE, 0, 0, 0, false, NULL, NULL, NULL, NULL},
};
