/* SPDX-License-Identifier: MIT */
/* Structural work: creating, destroying, adding and removing, one entity at a time, in bulk, and as
 * commands of a frame. */
#include "bench/bench_limit.h"
#include "bench/bench_row.h"
#include "bench/bench_sim.h"

#include <stdlib.h>

typedef struct structure {
    bench_sim b;
    skep_entity *ids;
    limit_store limit;
    uint32_t *limit_ids;
    float *columns[4];
    uint32_t n;
    bool attach; /* what the next frame's commands do */
} structure;

static void structure_close(void *state)
{
    structure *s = state;
    if (!s) return;
    skep__bench_sim_close(&s->b);
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
    if (s && skep__bench_sim_open(&s->b, 0, row->n) && skep__limit_open(&s->limit, row->n))
        return s;
    structure_close(s);
    return NULL;
}

/* What both sides must agree on: every position, summed. */
static uint64_t limit_check(const limit_table *t)
{
    double sum = 0;
    for (uint32_t i = 0; i < t->count; i++) sum += (double)t->pos[i].x * 3.0 + (double)t->pos[i].y;
    return (uint64_t)sum + t->count;
}

/* ---- add and remove -------------------------------------------------------------------------- */

/* All entities have a position alone, on both sides. */
static void *addrem_open(const bench_row *row)
{
    structure *s = structure_open(row);
    if (!s) return NULL;
    if (!skep__bench_fill(s->b.world, s->n, false, s->ids)) {
        structure_close(s);
        return NULL;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        s->limit.table[0].pos[i] = (limit_vec){(float)(i & 1023u), 0};
        s->limit.table[0].entity[i] = i;
        s->limit.records[i] = (limit_record){1, 0, i};
    }
    s->limit.table[0].count = s->n;
    return s;
}

static bool addrem_ours(void *state, bench_lap *lap)
{
    structure *s = state;
    const Vel vel = {1, 1};
    bool done = true;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < s->n; i++) done &= Vel_attach(s->b.world, s->ids[i], vel) == SKEP_OK;
    for (uint32_t i = 0; i < s->n; i++) done &= Vel_detach(s->b.world, s->ids[i]) == SKEP_OK;
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = 2.0 * s->n;
    lap->check = skep__bench_pos_check(s->b.world);
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
    lap->check = limit_check(&s->limit.table[0]);
    return true;
}

/* ---- the same as commands -------------------------------------------------------------------- */

/* A system of the main thread: what it asks for is made when its batch ends. */
static skep_status commands_run(void *ctx, skep_world *world, float dt)
{
    structure *s = ctx;
    const Vel vel = {1, 1};
    (void)dt;
    skep_status status = SKEP_OK;
    for (uint32_t i = 0; status == SKEP_OK && i < s->n; i++)
        status = s->attach ? Vel_attach(world, s->ids[i], vel) : Vel_detach(world, s->ids[i]);
    return status;
}

static void *deferred_open(const bench_row *row)
{
    structure *s = addrem_open(row);
    if (!s || skep__bench_sim_run(&s->b, "commands", commands_run, s)) return s;
    structure_close(s);
    return NULL;
}

/* A job: what it asks for travels as patches. */
SKEP_JOB(attach, (in, Pos, pos), (not, Vel, without), (add, Vel, vel))
{
    for (uint32_t i = 0; i < task->n; i++)
        Vel_put(task, c->vel, task->entity[i], SKEP_LIT(Vel, 1, 1));
}

SKEP_JOB(detach, (with, Vel, has), (remove, Vel, vel))
{
    for (uint32_t i = 0; i < task->n; i++) Vel_drop(task, c->vel, task->entity[i]);
}

/* Both jobs run in each frame: the first one's patches are made when its batch ends, before the
 * other. */
static void *patches_open(const bench_row *row)
{
    structure *s = addrem_open(row);
    if (s && skep__bench_sim_add(&s->b, &attach, NULL) && skep__bench_sim_add(&s->b, &detach, NULL))
        return s;
    structure_close(s);
    return NULL;
}

static bool deferred_ours(void *state, bench_lap *lap)
{
    structure *s = state;
    bool done = true;
    const uint64_t start = skep__port_clock_ns();
    s->attach = true;
    done &= skep_sim_step(s->b.sim, BENCH_DT) == SKEP_OK;
    s->attach = false;
    done &= skep_sim_step(s->b.sim, BENCH_DT) == SKEP_OK;
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = 2.0 * s->n;
    lap->check = skep__bench_pos_check(s->b.world);
    return done;
}

static bool patches_ours(void *state, bench_lap *lap)
{
    structure *s = state;
    const uint64_t start = skep__port_clock_ns();
    const bool done = skep_sim_step(s->b.sim, BENCH_DT) == SKEP_OK;
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = 2.0 * s->n;
    lap->check = skep__bench_pos_check(s->b.world);
    return done;
}

/* The whole table at once: two copies and a pass over the records each way. */
static void table_move(limit_store *s, uint32_t from, uint32_t to)
{
    limit_table *a = &s->table[from], *b = &s->table[to];
    const uint32_t n = a->count;
    memcpy(b->pos, a->pos, n * sizeof *a->pos);
    memcpy(b->entity, a->entity, n * sizeof *a->entity);
    for (uint32_t i = 0; b->vel && i < n; i++) b->vel[i] = (limit_vec){1, 1};
    for (uint32_t i = 0; i < n; i++) {
        limit_record *r = &s->records[b->entity[i]];
        r->table = to;
        r->row = i;
    }
    b->count = n;
    a->count = 0;
    bench_clobber();
}

static bool deferred_limit(void *state, bench_lap *lap)
{
    structure *s = state;
    const uint64_t start = skep__port_clock_ns();
    table_move(&s->limit, 0, 1);
    table_move(&s->limit, 1, 0);
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = 2.0 * s->n;
    lap->check = limit_check(&s->limit.table[0]);
    return true;
}

/* ---- create and destroy ---------------------------------------------------------------------- */

static skep_status shape_init(skep_shape *shape, skep_world *world)
{
    const skep_component *const both[2] = {&Pos_info, &Vel_info};
    return skep_shape_init(shape, world, both, 2);
}

SKEP_INLINE bool ours_create(skep_shape *shape, Pos pos, Vel vel, skep_entity *e)
{
    skep_row row;
    if (SKEP_UNLIKELY(skep_shape_create(shape, &row) != SKEP_OK)) return false;
    *e = row.entity;
    return Pos_fill(&row, 0, pos) == SKEP_OK && Vel_fill(&row, 1, vel) == SKEP_OK;
}

static bool churn_ours(void *state, bench_lap *lap)
{
    structure *s = state;
    skep_shape shape;
    if (shape_init(&shape, s->b.world) != SKEP_OK) return false;
    bool done = true;
    uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < s->n; i++) {
        const Pos pos = {(float)i, 0};
        const Vel vel = {1, 1};
        done &= ours_create(&shape, pos, vel, &s->ids[i]);
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->check = skep__bench_pos_check(s->b.world);
    start = skep__port_clock_ns();
    for (uint32_t i = 0; i < s->n; i++)
        done &= skep_entity_destroy(s->b.world, s->ids[i]) == SKEP_OK;
    lap->time_ns += skep__port_clock_ns() - start;
    lap->ops = s->n;
    lap->check += skep_world_entity_count(s->b.world);
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
    lap->check = limit_check(t);
    start = skep__port_clock_ns();
    for (uint32_t i = 0; i < s->n; i++) limit_destroy(&s->limit, s->limit_ids[i]);
    lap->time_ns += skep__port_clock_ns() - start;
    lap->ops = s->n;
    lap->check += t->count;
    return true;
}

/* ---- a million, from nothing ----------------------------------------------------------------- */

static void *create_open(const bench_row *row)
{
    return structure_make(row);
}

static bool create_one_ours(void *state, bench_lap *lap)
{
    structure *s = state;
    skep_shape shape;
    if (!skep__bench_sim_open(&s->b, 0, s->n)) return false;
    if (shape_init(&shape, s->b.world) != SKEP_OK) return false;
    bool done = true;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < s->n; i++) {
        const Pos pos = {s->columns[0][i], s->columns[1][i]};
        const Vel vel = {s->columns[2][i], s->columns[3][i]};
        done &= ours_create(&shape, pos, vel, &s->ids[i]);
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = s->n;
    lap->check = skep__bench_pos_check(s->b.world);
    skep__bench_sim_close(&s->b);
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
    lap->check = limit_check(t);
    skep__limit_close(&s->limit);
    return true;
}

static bool create_bulk_ours(void *state, bench_lap *lap)
{
    structure *s = state;
    if (!skep__bench_sim_open(&s->b, 0, s->n)) return false;
    Pos_mut pos = {s->columns[0], s->columns[1]};
    Vel_mut vel = {s->columns[2], s->columns[3]};
    const skep_part parts[2] = {Pos_columns(&pos), Vel_columns(&vel)};
    const uint64_t start = skep__port_clock_ns();
    const bool done = skep_entity_create_many(s->b.world, s->n, parts, 2, NULL) == SKEP_OK;
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = s->n;
    lap->check = skep__bench_pos_check(s->b.world);
    skep__bench_sim_close(&s->b);
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
    lap->check = limit_check(t);
    skep__limit_close(&s->limit);
    return true;
}

/* ---- memory of many small tables ------------------------------------------------------------- */

#define TABLES 1000u
#define TAGS 10u

SKEP_TAG(T0);
SKEP_TAG(T1);
SKEP_TAG(T2);
SKEP_TAG(T3);
SKEP_TAG(T4);
SKEP_TAG(T5);
SKEP_TAG(T6);
SKEP_TAG(T7);
SKEP_TAG(T8);
SKEP_TAG(T9);

/* Creates entity i with Pos, Vel and the tags whose bits are set in i + 1: each has its own table.
 */
static bool tables_create(skep_world *world)
{
    static const skep_component *const tags[TAGS] = {&T0_info, &T1_info, &T2_info, &T3_info,
                                                     &T4_info, &T5_info, &T6_info, &T7_info,
                                                     &T8_info, &T9_info};
    for (uint32_t i = 0; i < TABLES; i++) {
        skep_part parts[TAGS + 2] = {SKEP_PART_OF(Pos), SKEP_PART_OF(Vel)};
        size_t count = 2;
        for (uint32_t k = 0; k < TAGS; k++)
            if ((i + 1) >> k & 1u) parts[count++] = skep_part_make(tags[k], NULL);
        if (skep_entity_create_many(world, 1, parts, count, NULL) != SKEP_OK) return false;
    }
    return true;
}

/* All that the tables made the world take, in its region and from the allocator. */
static bool tables_ours(void *state, bench_lap *lap)
{
    structure *s = state;
    if (!skep__bench_sim_open(&s->b, 0, s->n)) return false;
    const size_t before = skep_world_bytes(s->b.world) + s->b.heap.bytes;
    const bool done = tables_create(s->b.world);
    lap->time_ns = skep_world_bytes(s->b.world) + s->b.heap.bytes - before;
    lap->ops = 1;
    skep__bench_sim_close(&s->b);
    return done;
}

#define STRUCTURE(id, what, at, size, opens, mine, by)                                             \
    {                                                                                              \
        .name = id, .about = what, .unit = "ns", .unit_ns = 1, .bar = BENCH_BAR_RATIO,             \
        .bar_at = at, .n = size, .open = opens, .close = structure_close, .ours = mine,            \
        .limit = by                                                                                \
    }

const bench_row skep__bench_structure_rows[] = {
    STRUCTURE("addrem_imm_100k", "add or remove Vel at once; a hand-written table, swapped rows",
              2.8, 100000, addrem_open, addrem_ours, addrem_limit),
    STRUCTURE("addrem_deferred_100k", "the same as commands of a system; the table copied whole",
              9.0, 100000, deferred_open, deferred_ours, deferred_limit),
    {.name = "addrem_patches_100k",
     .about = "the same as patches of jobs, written, checked and applied; no bar of its own",
     .unit = "ns",
     .unit_ns = 1,
     .bar = BENCH_BAR_NONE,
     .n = 100000,
     .open = patches_open,
     .close = structure_close,
     .ours = patches_ours,
     .limit = deferred_limit},
    STRUCTURE("create_destroy_100k", "create one with Pos and Vel, destroy it later; hand-written",
              4.2, 100000, structure_open, churn_ours, churn_limit),
    STRUCTURE("create_1m_one", "create one of a million in fresh memory; arrays that double", 1.3,
              1000000, create_open, create_one_ours, create_one_limit),
    STRUCTURE("create_1m_bulk", "create one of a million in one call; arrays of the right size",
              1.3, 1000000, create_open, create_bulk_ours, create_bulk_limit),
    {.name = "tables_1000_bytes",
     .about = "bytes that 1,000 tables of one entity take, slots and host memory",
     .unit = "bytes",
     .unit_ns = 1,
     .bar = BENCH_BAR_VALUE,
     .bar_at = 2 << 20,
     .n = 4096,
     .open = create_open,
     .close = structure_close,
     .ours = tables_ours},
    {.name = NULL},
};
