/* SPDX-License-Identifier: MIT */
/* Structural work: creating, destroying, adding and removing, one entity at a time and many at
 * once. */
#include "bench/bench_limit.h"
#include "bench/bench_row.h"
#include "bench/bench_store.h"

#include <stdlib.h>

typedef struct structure {
    bench_store b;
    limit_store limit;
    skep_entity *ids;
    uint32_t *limit_ids;
    float *columns[4];
    uint32_t n;
} structure;

static void structure_close(void *state)
{
    structure *s = state;
    if (!s) return;
    if (s->b.store.tables) skep__bench_store_close(&s->b);
    skep__limit_close(&s->limit);
    for (uint32_t i = 0; i < 4; i++) free(s->columns[i]);
    free(s->ids);
    free(s->limit_ids);
    free(s);
}

static structure *structure_make(const bench_row *row)
{
    structure *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->n = row->n;
    s->ids = calloc(row->n, sizeof *s->ids);
    s->limit_ids = calloc(row->n, sizeof *s->limit_ids);
    bool made = s->ids && s->limit_ids;
    for (uint32_t i = 0; i < 4; i++) {
        s->columns[i] = calloc(row->n, sizeof(float));
        made = made && s->columns[i];
        for (uint32_t k = 0; made && k < row->n; k++) s->columns[i][k] = (float)((k + i) & 1023u);
    }
    if (made) return s;
    structure_close(s);
    return NULL;
}

/* With room for all rows on both sides. */
static void *structure_open(const bench_row *row)
{
    structure *s = structure_make(row);
    if (s && skep__bench_store_open(&s->b, row->n) && skep__limit_open(&s->limit, row->n)) return s;
    structure_close(s);
    return NULL;
}

/* What both sides must agree on: every position, summed. */
static uint64_t limit_sum(const limit_table *t)
{
    double sum = 0;
    for (uint32_t i = 0; i < t->count; i++) sum += (double)t->pos[i].x * 3.0 + (double)t->pos[i].y;
    return (uint64_t)sum + t->count;
}

static uint64_t ours_sum(const skep__store *s, uint32_t table)
{
    const skep__table *t = s->tables[table];
    double sum = 0;
    for (uint32_t b = 0; b < skep__table_blocks(t); b++) {
        const skep__line *line = skep__line_of(t, b);
        const float *x = (const float *)(const void *)line->cells[1].data;
        const float *y = (const float *)(const void *)line->cells[2].data;
        for (uint32_t i = 0; i < skep__block_rows(t, b); i++)
            sum += (double)x[i] * 3.0 + (double)y[i];
    }
    return (uint64_t)sum + t->row_count;
}

/* ---- add and remove
 * -------------------------------------------------------------------------------- */

SKEP_INLINE bool ours_create(bench_store *b, uint32_t table, float x, float y, float vx, float vy,
                             skep_entity *e)
{
    skep__table *t = b->store.tables[table];
    uint32_t row = 0;
    if (SKEP_UNLIKELY(skep__row_create(&b->store, t, e, &row) != SKEP_OK)) return false;
    const skep__cell *cell = skep__line_of(t, row >> t->shift)->cells;
    const uint32_t at = row & ((1u << t->shift) - 1u);
    ((float *)(void *)cell[1].data)[at] = x;
    ((float *)(void *)cell[2].data)[at] = y;
    if (table != b->both_table) return true;
    ((float *)(void *)cell[3].data)[at] = vx;
    ((float *)(void *)cell[4].data)[at] = vy;
    return true;
}

static void *addrem_open(const bench_row *row)
{
    structure *s = structure_open(row);
    if (!s) return NULL;
    for (uint32_t i = 0; i < s->n; i++) {
        const float x = (float)i;
        if (!ours_create(&s->b, s->b.pos_table, x, 0, 0, 0, &s->ids[i])) {
            structure_close(s);
            return NULL;
        }
        s->limit.table[0].pos[i] = (limit_vec){x, 0};
        s->limit.table[0].entity[i] = i;
        s->limit.records[i] = (limit_record){1, 0, i};
    }
    s->limit.table[0].count = s->n;
    return s;
}

static bool addrem_ours(void *state, bench_lap *lap)
{
    structure *s = state;
    skep__store *store = &s->b.store;
    const Vel vel = {1, 1};
    bool done = true;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < s->n; i++)
        done &= skep__row_add_type(store, s->ids[i], s->b.vel, &vel, 1) == SKEP_OK;
    for (uint32_t i = 0; i < s->n; i++)
        done &= skep__row_remove_type(store, s->ids[i], s->b.vel) == SKEP_OK;
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = 2.0 * s->n;
    lap->check = ours_sum(store, s->b.pos_table);
    return done;
}

static bool addrem_limit(void *state, bench_lap *lap)
{
    structure *s = state;
    const limit_vec vel = {1, 1};
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < s->n; i++) skep__limit_add(&s->limit, i, vel);
    for (uint32_t i = 0; i < s->n; i++) skep__limit_remove(&s->limit, i);
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = 2.0 * s->n;
    lap->check = limit_sum(&s->limit.table[0]);
    return true;
}

/* ---- create and destroy
 * ---------------------------------------------------------------------------- */

static bool churn_ours(void *state, bench_lap *lap)
{
    structure *s = state;
    bool done = true;
    uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < s->n; i++)
        done &= ours_create(&s->b, s->b.both_table, (float)i, 0, 1, 1, &s->ids[i]);
    lap->time_ns = skep__port_clock_ns() - start;
    lap->check = ours_sum(&s->b.store, s->b.both_table);
    start = skep__port_clock_ns();
    for (uint32_t i = 0; i < s->n; i++)
        done &= skep__row_destroy(&s->b.store, s->ids[i]) == SKEP_OK;
    lap->time_ns += skep__port_clock_ns() - start;
    lap->ops = s->n;
    lap->check += s->b.store.entity_count;
    return done;
}

static bool churn_limit(void *state, bench_lap *lap)
{
    structure *s = state;
    limit_table *t = &s->limit.table[1];
    uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < s->n; i++)
        s->limit_ids[i] = limit_create(&s->limit, (limit_vec){(float)i, 0}, (limit_vec){1, 1});
    lap->time_ns = skep__port_clock_ns() - start;
    lap->check = limit_sum(t);
    start = skep__port_clock_ns();
    for (uint32_t i = 0; i < s->n; i++) limit_destroy(&s->limit, s->limit_ids[i]);
    lap->time_ns += skep__port_clock_ns() - start;
    lap->ops = s->n;
    lap->check += t->count;
    return true;
}

/* ---- a million, from nothing
 * ------------------------------------------------------------------------- */

static void *create_open(const bench_row *row)
{
    return structure_make(row);
}

static bool create_one_ours(void *state, bench_lap *lap)
{
    structure *s = state;
    if (!skep__bench_store_open(&s->b, s->n)) return false;
    bool done = true;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < s->n; i++)
        done &= ours_create(&s->b, s->b.both_table, s->columns[0][i], s->columns[1][i],
                            s->columns[2][i], s->columns[3][i], &s->ids[i]);
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = s->n;
    lap->check = ours_sum(&s->b.store, s->b.both_table);
    skep__bench_store_close(&s->b);
    return done;
}

static bool create_one_limit(void *state, bench_lap *lap)
{
    structure *s = state;
    if (!skep__limit_open(&s->limit, 0)) return false;
    limit_table *t = &s->limit.table[1];
    bool done = true;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < s->n; i++) {
        if (t->count == t->cap) done &= skep__limit_grow_table(t, true);
        if (s->limit.record_count == s->limit.record_cap)
            done &= skep__limit_grow_records(&s->limit);
        if (!done) return false;
        s->limit_ids[i] = limit_create(&s->limit, (limit_vec){s->columns[0][i], s->columns[1][i]},
                                       (limit_vec){s->columns[2][i], s->columns[3][i]});
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = s->n;
    lap->check = limit_sum(t);
    skep__limit_close(&s->limit);
    return true;
}

static bool create_bulk_ours(void *state, bench_lap *lap)
{
    structure *s = state;
    if (!skep__bench_store_open(&s->b, s->n)) return false;
    skep__store *store = &s->b.store;
    const skep__table *t = store->tables[s->b.both_table];
    const uint64_t start = skep__port_clock_ns();
    bool done = skep__rows_create(store, s->b.both_table, s->n, NULL, 1) == SKEP_OK;
    for (uint32_t b = 0; done && b < skep__table_blocks(t); b++) {
        const skep__line *line = skep__line_of(t, b);
        const size_t bytes = skep__block_rows(t, b) * sizeof(float);
        for (uint32_t c = 0; c < 4; c++)
            memcpy(line->cells[c + 1].data, s->columns[c] + ((size_t)b << t->shift), bytes);
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = s->n;
    lap->check = ours_sum(store, s->b.both_table);
    skep__bench_store_close(&s->b);
    return done;
}

/* Writes all that the limit's table is, in as few passes as there are arrays. */
static bool create_bulk_limit(void *state, bench_lap *lap)
{
    structure *s = state;
    if (!skep__limit_open(&s->limit, 0)) return false;
    limit_table *t = &s->limit.table[1];
    const uint64_t start = skep__port_clock_ns();
    t->pos = malloc(s->n * sizeof *t->pos);
    t->vel = malloc(s->n * sizeof *t->vel);
    t->entity = malloc(s->n * sizeof *t->entity);
    s->limit.records = malloc(s->n * sizeof *s->limit.records);
    if (!t->pos || !t->vel || !t->entity || !s->limit.records) return false;
    for (uint32_t i = 0; i < s->n; i++) t->pos[i] = (limit_vec){s->columns[0][i], s->columns[1][i]};
    for (uint32_t i = 0; i < s->n; i++) t->vel[i] = (limit_vec){s->columns[2][i], s->columns[3][i]};
    for (uint32_t i = 0; i < s->n; i++) {
        t->entity[i] = i;
        s->limit.records[i] = (limit_record){1, 1, i};
    }
    t->count = s->n;
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = s->n;
    lap->check = limit_sum(t);
    skep__limit_close(&s->limit);
    return true;
}

const bench_row skep__bench_structure_rows[] = {
    {"addrem_imm_100k", "add or remove Vel, at once; a hand-written table with swapped rows", "ns",
     1, BENCH_BAR_RATIO, 2.8, 100000, 0, false, addrem_open, structure_close, addrem_ours,
     addrem_limit},
    {"create_destroy_100k", "create one with Pos and Vel, destroy it later; hand-written", "ns", 1,
     BENCH_BAR_RATIO, 4.2, 100000, 0, false, structure_open, structure_close, churn_ours,
     churn_limit},
    {"create_1m_one", "create one of a million in fresh memory; arrays that double", "ns", 1,
     BENCH_BAR_RATIO, 1.3, 1000000, 0, false, create_open, structure_close, create_one_ours,
     create_one_limit},
    {"create_1m_bulk", "create one of a million in one call; arrays of the right size", "ns", 1,
     BENCH_BAR_RATIO, 1.3, 1000000, 0, false, create_open, structure_close, create_bulk_ours,
     create_bulk_limit},
    {NULL, NULL, NULL, 0, BENCH_BAR_NONE, 0, 0, 0, false, NULL, NULL, NULL, NULL},
};
