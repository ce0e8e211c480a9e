/* SPDX-License-Identifier: MIT */
/* Random access by handle, and passes over many small tables. */
#include "bench/bench_limit.h"
#include "bench/bench_row.h"
#include "bench/bench_store.h"

#include <stdlib.h>

typedef struct access {
    bench_store b;
    uint32_t n;
    skep_entity *ids; /* in an order that jumps about */
    uint64_t *limit_ids;
    limit_record *records;
    limit_vec *values;
    limit_vec *tables[2];
} access;

static void access_close(void *state)
{
    access *a = state;
    if (!a) return;
    if (a->b.store.tables) skep__bench_store_close(&a->b);
    free(a->ids);
    free(a->limit_ids);
    free(a->records);
    free(a->values);
    free(a);
}

static bool access_fill(access *a, uint32_t table)
{
    uint32_t *order = skep__limit_shuffle(a->n);
    if (!order) return false;
    skep_entity *fresh = calloc(a->n, sizeof *fresh);
    const bool made = fresh && skep__rows_create(&a->b.store, table, a->n, fresh, 1) == SKEP_OK;
    for (uint32_t i = 0; made && i < a->n; i++) {
        a->ids[i] = fresh[order[i]];
        a->limit_ids[i] = UINT64_C(1) << 32 | order[i];
        a->records[i] = (limit_record){1, 1, i};
    }
    free(fresh);
    free(order);
    return made;
}

static void *access_make(const bench_row *row, bool spot)
{
    access *a = calloc(1, sizeof *a);
    if (!a) return NULL;
    a->n = row->n;
    a->ids = calloc(row->n, sizeof *a->ids);
    a->limit_ids = calloc(row->n, sizeof *a->limit_ids);
    a->records = calloc(row->n, sizeof *a->records);
    a->values = calloc(row->n, sizeof *a->values);
    a->tables[1] = a->values;
    if (a->ids && a->limit_ids && a->records && a->values &&
        skep__bench_store_open(&a->b, row->n) &&
        access_fill(a, spot ? a->b.spot_table : a->b.both_table))
        return a;
    access_close(a);
    return NULL;
}

static void *access_open(const bench_row *row)
{
    return access_make(row, false);
}

static void *spot_open(const bench_row *row)
{
    return access_make(row, true);
}

/* Few passes make a lap, so that the clock's own cost is nothing. */
#define PASSES 4u

static bool get_ours(void *state, bench_lap *lap)
{
    access *a = state;
    const skep__store *s = &a->b.store;
    const Pos_lookup pos = {{s->index, s->types[a->b.pos].dir, s->queue.index_count, 0}};
    float sum = 0;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < PASSES; k++)
        for (uint32_t i = 0; i < a->n; i++) {
            Pos p;
            if (Pos_get(&pos, a->ids[i], &p)) sum += p.x;
        }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)PASSES * a->n;
    lap->check = (uint64_t)(double)sum;
    return true;
}

static bool get_limit(void *state, bench_lap *lap)
{
    access *a = state;
    float sum = 0;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < PASSES; k++)
        for (uint32_t i = 0; i < a->n; i++) {
            const uint64_t id = a->limit_ids[i];
            const limit_record *r = &a->records[(uint32_t)id];
            if (r->generation != id >> 32) continue;
            const limit_vec *p = &a->tables[r->table][r->row];
            sum += p->x;
        }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)PASSES * a->n;
    lap->check = (uint64_t)(double)sum;
    return true;
}

static bool set_ours(void *state, bench_lap *lap)
{
    access *a = state;
    skep__store *s = &a->b.store;
    bool done = true;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < PASSES; k++)
        for (uint32_t i = 0; i < a->n; i++) {
            const skep__cell *cell = NULL;
            uint32_t row = 0;
            done &= skep__value_own(s, a->ids[i], a->b.pos, 1, &cell, &row) == SKEP_OK;
            if (!done) return false;
            ((float *)(void *)cell[0].data)[row] = (float)i;
            ((float *)(void *)cell[1].data)[row] = 1;
        }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)PASSES * a->n;
    for (uint32_t i = 0; i < a->n; i += 97) {
        uint32_t row = 0;
        const skep__cell *cell = skep__value_find(s, a->ids[i], a->b.pos, &row);
        lap->check = bench_mix(lap->check, (uint32_t)((float *)(void *)cell[0].data)[row]);
    }
    return done;
}

static bool set_spot_ours(void *state, bench_lap *lap)
{
    access *a = state;
    skep__store *s = &a->b.store;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < PASSES; k++)
        for (uint32_t i = 0; i < a->n; i++) {
            const skep__cell *cell = NULL;
            uint32_t row = 0;
            if (skep__value_own(s, a->ids[i], a->b.spot, 1, &cell, &row) != SKEP_OK) return false;
            ((bench_pair *)(void *)cell->data)[row] = (bench_pair){(float)i, 1};
        }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)PASSES * a->n;
    for (uint32_t i = 0; i < a->n; i += 97) {
        uint32_t row = 0;
        const skep__cell *cell = skep__value_find(s, a->ids[i], a->b.spot, &row);
        lap->check = bench_mix(lap->check, (uint32_t)((bench_pair *)(void *)cell->data)[row].x);
    }
    return true;
}

static bool set_limit(void *state, bench_lap *lap)
{
    access *a = state;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < PASSES; k++) {
        for (uint32_t i = 0; i < a->n; i++) {
            const uint64_t id = a->limit_ids[i];
            const limit_record *r = &a->records[(uint32_t)id];
            if (r->generation != id >> 32) continue;
            a->tables[r->table][r->row] = (limit_vec){(float)i, 1};
        }
        bench_clobber();
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)PASSES * a->n;
    for (uint32_t i = 0; i < a->n; i += 97)
        lap->check = bench_mix(lap->check, (uint32_t)a->values[(uint32_t)a->limit_ids[i]].x);
    return true;
}

/* ---- 26 tables of 20
 * ------------------------------------------------------------------------------- */

#define TABLES 26u
#define TABLE_ROWS 20u
#define TABLE_PASSES 2000u

SKEP_COMPONENT(Load, (f32, v));
SKEP_TAG(M0);
SKEP_TAG(M1);
SKEP_TAG(M2);
SKEP_TAG(M3);
SKEP_TAG(M4);

typedef struct many {
    bench_store b;
    uint32_t load;
    uint32_t tables[TABLES];
    float *limit[TABLES];
} many;

static void many_close(void *state)
{
    many *m = state;
    if (!m) return;
    if (m->b.store.tables) skep__bench_store_close(&m->b);
    for (uint32_t i = 0; i < TABLES; i++) free(m->limit[i]);
    free(m);
}

/* Table i has the tags whose bits are set in i + 1: as many sets of components as there are tables.
 */
static bool many_fill(many *m)
{
    skep__store *s = &m->b.store;
    const skep_component *const tags[] = {&M0_info, &M1_info, &M2_info, &M3_info, &M4_info};
    uint32_t tag[5];
    if (skep__type_add(s, &Load_info, &m->load) != SKEP_OK) return false;
    for (uint32_t i = 0; i < 5; i++)
        if (skep__type_add(s, tags[i], &tag[i]) != SKEP_OK) return false;
    for (uint32_t i = 0; i < TABLES; i++) {
        uint16_t set[6] = {(uint16_t)m->load};
        uint32_t count = 1;
        for (uint32_t k = 0; k < 5; k++)
            if ((i + 1) >> k & 1u) set[count++] = (uint16_t)tag[k];
        if (skep__table_for(s, set, count, &m->tables[i]) != SKEP_OK) return false;
        if (skep__rows_create(s, m->tables[i], TABLE_ROWS, NULL, 1) != SKEP_OK) return false;
        m->limit[i] = calloc(TABLE_ROWS, sizeof(float));
        if (!m->limit[i]) return false;
        float *ours = (float *)(void *)skep__line_of(s->tables[m->tables[i]], 0)->cells[1].data;
        for (uint32_t k = 0; k < TABLE_ROWS; k++) ours[k] = m->limit[i][k] = 1;
    }
    return true;
}

static void *many_open(const bench_row *row)
{
    many *m = calloc(1, sizeof *m);
    if (m && skep__bench_store_open(&m->b, row->n) && many_fill(m)) return m;
    many_close(m);
    return NULL;
}

static uint64_t float_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static bool many_ours(void *state, bench_lap *lap)
{
    many *m = state;
    skep__store *s = &m->b.store;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < TABLE_PASSES; k++) {
        skep__epoch_raise(s);
        for (uint32_t i = 0; i < TABLES; i++) {
            skep__table *t = s->tables[m->tables[i]];
            for (uint32_t b = 0; b < skep__table_blocks(t); b++) {
                if (skep__own_cell(s, t, b, 1) != SKEP_OK) return false;
                float *v = (float *)(void *)skep__line_of(t, b)->cells[1].data;
                const uint32_t n = skep__block_rows(t, b);
                for (uint32_t r = 0; r < n; r++) v[r] *= 1.0000001f;
            }
        }
        bench_clobber();
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = TABLE_PASSES;
    for (uint32_t i = 0; i < TABLES; i++)
        lap->check = bench_mix(
            lap->check,
            float_bits(
                ((float *)(void *)skep__line_of(s->tables[m->tables[i]], 0)->cells[1].data)[3]));
    return true;
}

static bool many_limit(void *state, bench_lap *lap)
{
    many *m = state;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < TABLE_PASSES; k++) {
        for (uint32_t i = 0; i < TABLES; i++) {
            float *v = m->limit[i];
            for (uint32_t r = 0; r < TABLE_ROWS; r++) v[r] *= 1.0000001f;
        }
        bench_clobber();
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = TABLE_PASSES;
    for (uint32_t i = 0; i < TABLES; i++)
        lap->check = bench_mix(lap->check, float_bits(m->limit[i][3]));
    return true;
}

const bench_row skep__bench_access_rows[] = {
    {"get_100k", "read Pos of an entity by its handle, in random order; checked records", "ns", 1,
     BENCH_BAR_RATIO, 2, 100000, 0, true, access_open, access_close, get_ours, get_limit},
    {"set_100k", "write Pos of an entity by its handle, in random order; checked records", "ns", 1,
     BENCH_BAR_RATIO, 3, 100000, 0, true, access_open, access_close, set_ours, set_limit},
    {"set_struct_100k", "the same with a component of one column", "ns", 1, BENCH_BAR_RATIO, 2.5,
     100000, 0, true, spot_open, access_close, set_spot_ours, set_limit},
    {"tables_26x20", "a pass over 26 tables of 20 entities; 26 arrays", "ns", 1, BENCH_BAR_RATIO,
     2.9, 4096, 0, false, many_open, many_close, many_ours, many_limit},
    {NULL, NULL, NULL, 0, BENCH_BAR_NONE, 0, 0, 0, false, NULL, NULL, NULL, NULL},
};
