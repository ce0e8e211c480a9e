/* SPDX-License-Identifier: MIT */
/* The mixed frame as six jobs and a system of the main thread, against the same by hand: on one
 * thread, and on two, where the hand-written one runs all six systems over one half each and needs
 * one fork. */
#include "bench/bench_frame.h"
#include "bench/bench_pair.h"
#include "bench/bench_row.h"
#include "bench/bench_sim.h"

#include <stdlib.h>

#define FRAMES 10u

SKEP_COMPONENT(Mind, (i32, count), (f64, sum), (u32, flag), (u32, s, 4), (u32, last));
SKEP_COMPONENT(Player, (i32, type));
SKEP_COMPONENT(Health, (i32, points), (i32, most), (i32, status));
SKEP_COMPONENT(Damage, (i32, attack), (i32, defence));
SKEP_COMPONENT(Sprite, (u8, c));

typedef struct frame_row {
    bench_sim b;
    skep_query *drawn;
    frame_picture *picture;
    frame_limit limit;
    bench_pair_threads pair;
    bool paired;
} frame_row;

/* ---- the systems ----------------------------------------------------------------------------- */

SKEP_JOB(drift, (mut, Pos, pos), (in, Vel, vel))
{
    SKEP_ROWS (i, task) {
        c->pos.x[i] += c->vel.x[i] * task->dt;
        c->pos.y[i] += c->vel.y[i] * task->dt;
    }
}

SKEP_JOB(think, (mut, Mind, mind))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->mind.count[i] = (c->mind.count[i] + 1) % 1000000;
        c->mind.sum[i] += 0.0001 * (double)task->dt;
        c->mind.flag[i] = !c->mind.flag[i];
        c->mind.last[i] = frame_random(&c->mind.s[(size_t)i * 4u]);
    }
}

SKEP_JOB(turn, (in, Pos, pos), (mut, Vel, vel), (mut, Mind, mind))
{
    for (uint32_t i = 0; i < task->n; i++) {
        if (c->mind.count[i] % 10 != 0) continue;
        uint32_t *s = &c->mind.s[(size_t)i * 4u];
        if (c->pos.x[i] > c->pos.y[i]) {
            c->vel.x[i] = (float)frame_between(s, 3, 19) - 10.0f;
            c->vel.y[i] = (float)frame_between(s, 0, 5);
        } else {
            c->vel.x[i] = (float)frame_between(s, 0, 5);
            c->vel.y[i] = (float)frame_between(s, 3, 19) - 10.0f;
        }
    }
}

SKEP_JOB(heal, (mut, Health, health))
{
    SKEP_ROWS (i, task) {
        const int32_t points = c->health.points[i], most = c->health.most[i];
        const int32_t status = c->health.status[i];
        const bool dies = points <= 0 && status != 1;
        const bool rises = !dies && status == 1 && points == 0;
        const bool full = !dies && !rises && points >= most && status != 2;
        c->health.points[i] = dies ? 0 : rises || full ? most : points;
        c->health.status[i] = dies ? 1 : rises ? 0 : 2;
    }
}

SKEP_JOB(hurt, (mut, Health, health), (in, Damage, damage))
{
    SKEP_ROWS (i, task) {
        const int32_t hit = c->damage.attack[i] - c->damage.defence[i];
        const int32_t points = c->health.points[i];
        const int32_t left = points > hit ? points - hit : 0;
        c->health.points[i] = points > 0 && hit > 0 ? left : points;
    }
}

SKEP_JOB(dress, (out, Sprite, sprite), (in, Player, player), (in, Health, health))
{
    for (uint32_t i = 0; i < task->n; i++)
        c->sprite.c[i] = (uint8_t)frame_sprite(c->player.type[i], c->health.status[i]);
}

static skep_status draw(void *ctx, skep_world *world, float dt)
{
    frame_row *s = ctx;
    (void)world;
    (void)dt;
    skep_query_iter it = skep_query_begin(s->drawn);
    while (skep_query_next(&it)) {
        const Pos_in pos = Pos_read(&it, 0);
        const Sprite_in sprite = Sprite_read(&it, 1);
        if (!pos.x || !sprite.c) continue; /* cannot be: only optional terms have no columns */
        for (uint32_t i = 0; i < it.n; i++)
            frame_plot(s->picture, pos.x[i], pos.y[i], (char)sprite.c[i]);
    }
    return it.status;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Fills component after component of `n` rows from the hand-written table. */
static void columns_fill(const frame_table *t, Mind_mut *mind, Health_mut *health,
                         Damage_mut *damage)
{
    for (uint32_t i = 0; i < t->count; i++) {
        mind->count[i] = t->mind[i].count;
        memcpy(&mind->s[(size_t)i * 4u], t->mind[i].s, sizeof t->mind[i].s);
        health->most[i] = t->health[i].most;
        damage->attack[i] = t->damage[i].attack;
        damage->defence[i] = t->damage[i].defence;
    }
}

/* Creates the entities of one kind, in the order of the hand-written table. */
static bool kind_create(skep_world *world, const frame_table *t, uint32_t kind)
{
    const size_t n = t->count;
    float *floats = calloc(n * 4u, sizeof *floats);
    uint32_t *ints = calloc(n * 12u, sizeof *ints);
    double *sums = calloc(n, sizeof *sums);
    if (!floats || !ints || !sums) {
        free(floats);
        free(ints);
        free(sums);
        return false;
    }
    int32_t *const signs = (int32_t *)(void *)ints;
    Pos_mut pos = {floats, floats + n};
    Vel_mut vel = {floats + 2u * n, floats + 3u * n};
    Mind_mut mind = {signs, sums, ints + n, ints + 2u * n, ints + 6u * n};
    Player_mut player = {t->type};
    Health_mut health = {signs + 7u * n, signs + 8u * n, signs + 9u * n};
    Damage_mut damage = {signs + 10u * n, signs + 11u * n};
    for (size_t i = 0; i < n; i++) {
        pos.x[i] = t->pos[i].x;
        pos.y[i] = t->pos[i].y;
        vel.x[i] = t->vel[i].x;
        vel.y[i] = t->vel[i].y;
    }
    columns_fill(t, &mind, &health, &damage);
    skep_part parts[8];
    size_t count = 0;
    if (kind & FRAME_POS) parts[count++] = Pos_columns(&pos);
    if (kind & FRAME_VEL) parts[count++] = Vel_columns(&vel);
    if (kind & FRAME_MIND) parts[count++] = Mind_columns(&mind);
    if (kind & FRAME_HERO) {
        parts[count++] = Player_columns(&player);
        parts[count++] = Health_columns(&health);
        parts[count++] = Damage_columns(&damage);
        parts[count++] = SKEP_PART_OF(Sprite);
    }
    const skep_status status = skep_entity_create_many(world, t->count, parts, count, NULL);
    free(floats);
    free(ints);
    free(sums);
    return status == SKEP_OK;
}

static bool systems_add(frame_row *s)
{
    const skep_job *const jobs[] = {&drift, &think, &turn, &heal, &hurt, &dress};
    for (uint32_t i = 0; i < 6; i++)
        if (!skep__bench_sim_add(&s->b, jobs[i], NULL)) return false;
    skep_query_desc d = skep_query_desc_default();
    d.terms[0] = SKEP_ALL(Pos);
    d.terms[1] = SKEP_ALL(Sprite);
    return skep_query_create(s->b.world, &d, &s->drawn) == SKEP_OK &&
           skep__bench_sim_run(&s->b, "draw", draw, s);
}

static void frame_close(void *state)
{
    frame_row *s = state;
    if (s->paired) skep__bench_pair_close(&s->pair);
    skep_query_destroy(s->drawn);
    skep__bench_sim_close(&s->b);
    skep__frame_limit_close(&s->limit);
    free(s->picture);
    free(s);
}

static void *frame_open(const bench_row *row)
{
    frame_row *s = aligned_alloc(64, skep__align(sizeof *s, 64));
    if (!s) return NULL;
    memset(s, 0, sizeof *s);
    s->picture = calloc(1, sizeof *s->picture);
    bool made = s->picture && skep__frame_limit_open(&s->limit) &&
                skep__bench_sim_open(&s->b, row->workers, FRAME_ENTITIES);
    for (uint32_t k = 0; made && k < FRAME_KINDS; k++)
        if (s->limit.table[k].count) made = kind_create(s->b.world, &s->limit.table[k], k);
    made = made && systems_add(s);
    if (made && row->workers) made = s->paired = skep__bench_pair_open(&s->pair);
    if (made) return s;
    frame_close(s);
    return NULL;
}

/* ---- laps ------------------------------------------------------------------------------------ */

static bool frame_ours(void *state, bench_lap *lap)
{
    frame_row *s = state;
    bool done = true;
    bench_rest();
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < FRAMES; i++) done &= skep_sim_step(s->b.sim, BENCH_DT) == SKEP_OK;
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = FRAMES;
    lap->check = bench_mix(skep__frame_picture_check(s->picture),
                           (uint64_t)(int64_t)(skep__bench_pos_sum(s->b.world, NULL) * 16.0));
    return done;
}

static bool frame_limit_1t(void *state, bench_lap *lap)
{
    frame_row *s = state;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < FRAMES; i++) {
        skep__frame_limit_part(&s->limit, 0, 1);
        skep__frame_limit_draw(&s->limit);
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = FRAMES;
    lap->check = skep__frame_limit_check(&s->limit);
    return true;
}

static void half(void *ctx, uint32_t index)
{
    skep__frame_limit_part(ctx, index, 2);
}

static bool frame_limit_2t(void *state, bench_lap *lap)
{
    frame_row *s = state;
    bench_rest();
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < FRAMES; i++) {
        skep__bench_pair_run(&s->pair, half, &s->limit);
        skep__frame_limit_draw(&s->limit);
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = FRAMES;
    lap->check = skep__frame_limit_check(&s->limit);
    return true;
}

static skep_trace *frame_trace(void *state)
{
    return skep_sim_trace(((frame_row *)state)->b.sim);
}

const bench_row skep__bench_frame_rows[] = {
    {.name = "frame7_65k_1t",
     .about = "a frame of 7 systems over 65,536 entities, 1 thread; the same loops over arrays",
     .unit = "us",
     .unit_ns = 1000,
     .bar = BENCH_BAR_RATIO,
     .bar_at = 1.1,
     .n = FRAME_ENTITIES,
     .open = frame_open,
     .close = frame_close,
     .ours = frame_ours,
     .limit = frame_limit_1t,
     .trace = frame_trace},
    {.name = "frame7_65k_2t",
     .about = "the same on 2 threads; by hand with one fork a frame",
     .unit = "us",
     .unit_ns = 1000,
     .bar = BENCH_BAR_RATIO,
     .bar_at = 1.1,
     .n = FRAME_ENTITIES,
     .workers = 1,
     .open = frame_open,
     .close = frame_close,
     .ours = frame_ours,
     .limit = frame_limit_2t,
     .trace = frame_trace},
    {.name = NULL},
};
