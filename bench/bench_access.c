/* SPDX-License-Identifier: MIT */
/* Random access by handle, and passes over many small tables. */
#include "bench/bench_limit.h"
#include "bench/bench_row.h"
#include "bench/bench_sim.h"

#include <stdlib.h>

typedef struct bench_pair {
    float x, y;
} bench_pair;
SKEP_STRUCT(Spot, bench_pair, x, y);

typedef struct access {
    bench_sim b;
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
    skep__bench_sim_close(&a->b);
    free(a->ids);
    free(a->limit_ids);
    skep__bench_give(a->records, a->n * sizeof *a->records);
    skep__bench_give(a->values, a->n * sizeof *a->values);
    free(a);
}

/* Entities with Pos, Vel and a struct, and the order in which they are met. */
static bool access_fill(access *a)
{
    uint32_t *order = skep__limit_shuffle(a->n);
    skep_entity *fresh = calloc(a->n, sizeof *fresh);
    const Pos pos = {1, 0};
    const skep_part parts[3] = {SKEP_PART(Pos, &pos), SKEP_PART_OF(Vel), SKEP_PART_OF(Spot)};
    const bool made =
        order && fresh && skep_entity_create_many(a->b.world, a->n, parts, 3, fresh) == SKEP_OK;
    for (uint32_t i = 0; made && i < a->n; i++) {
        a->ids[i] = fresh[order[i]];
        a->limit_ids[i] = UINT64_C(1) << 32 | order[i];
        a->records[i] = (limit_record){1, 1, i};
        a->values[i] = (limit_vec){pos.x, pos.y};
    }
    free(fresh);
    free(order);
    return made;
}

static void *access_open(const bench_row *row)
{
    access *a = calloc(1, sizeof *a);
    if (!a) return NULL;
    a->n = row->n;
    a->ids = calloc(row->n, sizeof *a->ids);
    a->limit_ids = calloc(row->n, sizeof *a->limit_ids);
    a->records = skep__bench_take(row->n * sizeof *a->records);
    a->values = skep__bench_take(row->n * sizeof *a->values);
    a->tables[1] = a->values;
    if (a->ids && a->limit_ids && a->records && a->values &&
        skep__bench_sim_open(&a->b, 0, row->n) && access_fill(a))
        return a;
    access_close(a);
    return NULL;
}

/* A few passes make a lap, so that the clock's own cost is nothing. */
#define PASSES 4u

static bool get_ours(void *state, bench_lap *lap)
{
    access *a = state;
    const Pos_lookup pos = Pos_lookup_of(a->b.world);
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
            sum += a->tables[r->table][r->row].x;
        }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)PASSES * a->n;
    lap->check = (uint64_t)(double)sum;
    return true;
}

static bool set_ours(void *state, bench_lap *lap)
{
    access *a = state;
    bool done = true;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < PASSES; k++)
        for (uint32_t i = 0; i < a->n; i++)
            done &= Pos_set(a->b.world, a->ids[i], SKEP_LIT(Pos, (float)i, 1)) == SKEP_OK;
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)PASSES * a->n;
    for (uint32_t i = 0; i < a->n; i += 97) {
        Pos p = {0, 0};
        done &= Pos_of(a->b.world, a->ids[i], &p);
        lap->check = bench_mix(lap->check, (uint32_t)p.x);
    }
    return done;
}

static bool set_struct_ours(void *state, bench_lap *lap)
{
    access *a = state;
    bool done = true;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < PASSES; k++)
        for (uint32_t i = 0; i < a->n; i++)
            done &= Spot_set(a->b.world, a->ids[i], SKEP_LIT(Spot, {(float)i, 1})) == SKEP_OK;
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)PASSES * a->n;
    for (uint32_t i = 0; i < a->n; i += 97) {
        Spot spot = {{0, 0}};
        done &= Spot_of(a->b.world, a->ids[i], &spot);
        lap->check = bench_mix(lap->check, (uint32_t)spot.v.x);
    }
    return done;
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

/* ---- 26 tables of 20 ------------------------------------------------------------------------- */

#define TABLES 26u
#define TABLE_ROWS 20u
#define TABLE_PASSES 2000u
#define FACTOR 1.0000001f

SKEP_COMPONENT(Load, (f32, v));
SKEP_TAG(M0);
SKEP_TAG(M1);
SKEP_TAG(M2);
SKEP_TAG(M3);
SKEP_TAG(M4);

typedef struct many {
    bench_sim b;
    skep_query *query;
    float *limit[TABLES];
} many;

static void many_close(void *state)
{
    many *m = state;
    if (!m) return;
    skep_query_destroy(m->query);
    skep__bench_sim_close(&m->b);
    for (uint32_t i = 0; i < TABLES; i++) free(m->limit[i]);
    free(m);
}

/* Table i has the tags whose bits are set in i + 1: as many sets of components as there are tables.
 */
static bool many_fill(many *m)
{
    const skep_component *const tags[] = {&M0_info, &M1_info, &M2_info, &M3_info, &M4_info};
    const Load one = {1};
    for (uint32_t i = 0; i < TABLES; i++) {
        skep_part parts[6] = {SKEP_PART(Load, &one)};
        size_t count = 1;
        for (uint32_t k = 0; k < 5; k++)
            if ((i + 1) >> k & 1u) parts[count++] = skep_part_make(tags[k], NULL);
        if (skep_entity_create_many(m->b.world, TABLE_ROWS, parts, count, NULL) != SKEP_OK)
            return false;
        m->limit[i] = malloc(TABLE_ROWS * sizeof(float));
        if (!m->limit[i]) return false;
        for (uint32_t k = 0; k < TABLE_ROWS; k++) m->limit[i][k] = one.v;
    }
    skep_query_desc d = skep_query_desc_default();
    d.terms[0] = SKEP_ALL(Load);
    return skep_query_create(m->b.world, &d, &m->query) == SKEP_OK;
}

static void *many_open(const bench_row *row)
{
    many *m = calloc(1, sizeof *m);
    if (m && skep__bench_sim_open(&m->b, 0, row->n) && many_fill(m)) return m;
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
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < TABLE_PASSES; k++) {
        skep_query_iter it = skep_query_begin(m->query);
        while (skep_query_next(&it)) {
            const Load_mut load = Load_write(&it, 0);
            if (!load.v) return false;
            for (uint32_t r = 0; r < it.n; r++) load.v[r] *= FACTOR;
        }
        bench_clobber();
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = TABLE_PASSES;
    skep_query_iter it = skep_query_begin(m->query);
    while (skep_query_next(&it))
        for (uint32_t r = 0; r < it.n; r++) lap->check += float_bits(Load_read(&it, 0).v[r]);
    return true;
}

static bool many_limit(void *state, bench_lap *lap)
{
    many *m = state;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t k = 0; k < TABLE_PASSES; k++) {
        for (uint32_t i = 0; i < TABLES; i++) {
            float *v = m->limit[i];
            for (uint32_t r = 0; r < TABLE_ROWS; r++) v[r] *= FACTOR;
        }
        bench_clobber();
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = TABLE_PASSES;
    for (uint32_t i = 0; i < TABLES; i++)
        for (uint32_t r = 0; r < TABLE_ROWS; r++) lap->check += float_bits(m->limit[i][r]);
    return true;
}

#define ACCESS(id, what, at, mine, by)                                                             \
    {                                                                                              \
        .name = id, .about = what, .unit = "ns", .unit_ns = 1, .bar = BENCH_BAR_RATIO,             \
        .bar_at = at, .n = 100000, .warm = true, .open = access_open, .close = access_close,       \
        .ours = mine, .limit = by                                                                  \
    }

const bench_row skep__bench_access_rows[] = {
    ACCESS("get_100k", "Pos.x of an entity by its handle, in random order; checked records", 2.0,
           get_ours, get_limit),
    ACCESS("set_100k", "write Pos of an entity by its handle, in random order; checked records",
           3.0, set_ours, set_limit),
    ACCESS("set_struct_100k", "the same with a component of one column", 2.5, set_struct_ours,
           set_limit),
    {.name = "tables_26x20",
     .about = "a query's pass over 26 tables of 20 entities; a pass over 26 arrays",
     .unit = "ns",
     .unit_ns = 1,
     .bar = BENCH_BAR_RATIO,
     .bar_at = 2.9,
     .n = 4096,
     .open = many_open,
     .close = many_close,
     .ours = many_ours,
     .limit = many_limit},
    {.name = NULL},
};
