/* SPDX-License-Identifier: MIT */
/* The mixed frame by hand: a struct a component, an array of them a kind of entities, a loop a
 * system. */
#include "bench/bench_frame.h"
#include "bench/bench_row.h"

#include <stdlib.h>
#include <string.h>

#define DT (1.0f / 64.0f)

uint32_t skep__frame_kind(uint32_t i)
{
    uint32_t kind = FRAME_POS | FRAME_VEL | FRAME_MIND;
    if (i >= FRAME_ENTITIES / 2 && i <= FRAME_ENTITIES / 4 * 3) {
        if (i % 7 == 0) kind &= ~(uint32_t)FRAME_POS;
        if (i % 11 == 0) kind &= ~(uint32_t)FRAME_VEL;
        if (i % 13 == 0) kind &= ~(uint32_t)FRAME_MIND;
    }
    return i & 1u ? kind | FRAME_HERO : kind;
}

void skep__frame_entity(uint32_t i, frame_entity *e)
{
    memset(e, 0, sizeof *e);
    for (uint32_t k = 0; k < 4; k++) e->mind.s[k] = (i + 1u) * 0x9e3779b9u + k;
    uint32_t *s = e->mind.s;
    for (uint32_t k = 0; k < 8; k++) (void)frame_random(s);
    e->pos.x = (float)frame_between(s, 0, 420) - 100.0f;
    e->pos.y = (float)frame_between(s, 0, 340) - 100.0f;
    e->vel = (limit_vec){1, 1};
    e->mind.count = (int32_t)(i % 10u);
    const uint32_t dice = frame_between(s, 1, 100);
    e->type = dice <= 3 ? 0 : dice <= 30 ? 2 : 1;
    e->health.most = (int32_t)frame_between(s, 4, 15);
    e->damage.defence = (int32_t)frame_between(s, 2, 8);
    e->damage.attack = e->type ? (int32_t)frame_between(s, 3, 10) : 0;
}

static bool table_open(frame_table *t)
{
    const size_t n = t->count;
    t->count = 0;
    t->pos = calloc(n, sizeof *t->pos);
    t->vel = calloc(n, sizeof *t->vel);
    t->mind = calloc(n, sizeof *t->mind);
    t->type = calloc(n, sizeof *t->type);
    t->health = calloc(n, sizeof *t->health);
    t->damage = calloc(n, sizeof *t->damage);
    t->sprite = calloc(n, 1);
    return n == 0 ||
           (t->pos && t->vel && t->mind && t->type && t->health && t->damage && t->sprite);
}

bool skep__frame_limit_open(frame_limit *f)
{
    memset(f, 0, sizeof *f);
    for (uint32_t i = 0; i < FRAME_ENTITIES; i++) f->table[skep__frame_kind(i)].count++;
    f->picture = calloc(1, sizeof *f->picture);
    bool made = f->picture != NULL;
    for (uint32_t k = 0; k < FRAME_KINDS; k++) made = table_open(&f->table[k]) && made;
    for (uint32_t i = 0; made && i < FRAME_ENTITIES; i++) {
        frame_entity e;
        skep__frame_entity(i, &e);
        frame_table *t = &f->table[skep__frame_kind(i)];
        const uint32_t row = t->count++;
        t->pos[row] = e.pos;
        t->vel[row] = e.vel;
        t->mind[row] = e.mind;
        t->type[row] = e.type;
        t->health[row] = e.health;
        t->damage[row] = e.damage;
    }
    if (!made) skep__frame_limit_close(f);
    return made;
}

void skep__frame_limit_close(frame_limit *f)
{
    for (uint32_t k = 0; k < FRAME_KINDS; k++) {
        frame_table *t = &f->table[k];
        free(t->pos);
        free(t->vel);
        free(t->mind);
        free(t->type);
        free(t->health);
        free(t->damage);
        free(t->sprite);
    }
    free(f->picture);
    memset(f, 0, sizeof *f);
}

/* ---- the systems, over rows first..end of one table ------------------------------------------ */

static void move_rows(frame_table *t, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        t->pos[i].x += t->vel[i].x * DT;
        t->pos[i].y += t->vel[i].y * DT;
    }
}

static void think_rows(frame_table *t, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        frame_mind *m = &t->mind[i];
        m->count = (m->count + 1) % 1000000;
        m->sum += 0.0001 * (double)DT;
        m->flag = !m->flag;
        m->last = frame_random(m->s);
    }
}

static void turn_rows(frame_table *t, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        frame_mind *m = &t->mind[i];
        if (m->count % 10 != 0) continue;
        if (t->pos[i].x > t->pos[i].y) {
            t->vel[i].x = (float)frame_between(m->s, 3, 19) - 10.0f;
            t->vel[i].y = (float)frame_between(m->s, 0, 5);
        } else {
            t->vel[i].x = (float)frame_between(m->s, 0, 5);
            t->vel[i].y = (float)frame_between(m->s, 3, 19) - 10.0f;
        }
    }
}

static void heal_rows(frame_table *t, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        frame_health *h = &t->health[i];
        if (h->points <= 0 && h->status != 1) {
            h->points = 0;
            h->status = 1;
        } else if (h->status == 1 && h->points == 0) {
            h->points = h->most;
            h->status = 0;
        } else if (h->points >= h->most && h->status != 2) {
            h->points = h->most;
            h->status = 2;
        } else {
            h->status = 2;
        }
    }
}

static void hurt_rows(frame_table *t, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        const int32_t hit = t->damage[i].attack - t->damage[i].defence;
        if (t->health[i].points <= 0 || hit <= 0) continue;
        const int32_t left = t->health[i].points - hit;
        t->health[i].points = left > 0 ? left : 0;
    }
}

static void sprite_rows(frame_table *t, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        t->sprite[i] = frame_sprite(t->type[i], t->health[i].status);
}

/* ---- the frame ------------------------------------------------------------------------------- */

typedef struct frame_system {
    void (*rows)(frame_table *t, uint32_t first, uint32_t end);
    uint32_t needs;
} frame_system;

static const frame_system systems[6] = {
    {move_rows, FRAME_POS | FRAME_VEL},
    {think_rows, FRAME_MIND},
    {turn_rows, FRAME_POS | FRAME_VEL | FRAME_MIND},
    {heal_rows, FRAME_HERO},
    {hurt_rows, FRAME_HERO},
    {sprite_rows, FRAME_HERO},
};

void skep__frame_limit_part(frame_limit *f, uint32_t index, uint32_t count)
{
    for (uint32_t s = 0; s < 6; s++)
        for (uint32_t k = 0; k < FRAME_KINDS; k++) {
            if ((k & systems[s].needs) != systems[s].needs) continue;
            frame_table *t = &f->table[k];
            const uint32_t first = (uint32_t)((uint64_t)t->count * index / count);
            const uint32_t end = (uint32_t)((uint64_t)t->count * (index + 1) / count);
            systems[s].rows(t, first, end);
        }
}

void skep__frame_limit_draw(frame_limit *f)
{
    for (uint32_t k = 0; k < FRAME_KINDS; k++) {
        const uint32_t needs = FRAME_POS | FRAME_HERO;
        if ((k & needs) != needs) continue;
        const frame_table *t = &f->table[k];
        for (uint32_t i = 0; i < t->count; i++)
            frame_plot(f->picture, t->pos[i].x, t->pos[i].y, t->sprite[i]);
    }
}

uint64_t skep__frame_picture_check(const frame_picture *picture)
{
    uint64_t check = 0;
    for (size_t i = 0; i < sizeof picture->pixel; i++)
        check = bench_mix(check, (uint64_t)picture->pixel[i]);
    return check;
}

uint64_t skep__frame_limit_check(const frame_limit *f)
{
    double sum = 0;
    for (uint32_t k = 0; k < FRAME_KINDS; k++) {
        const frame_table *t = &f->table[k];
        for (uint32_t i = 0; i < t->count && (k & FRAME_POS); i++)
            sum += (double)t->pos[i].x * 3.0 + (double)t->pos[i].y;
    }
    return bench_mix(skep__frame_picture_check(f->picture), (uint64_t)(int64_t)(sum * 16.0));
}
