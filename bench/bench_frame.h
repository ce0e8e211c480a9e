/* SPDX-License-Identifier: MIT */
/* The mixed frame: what its entities are, on both sides. Seven systems over 65,536 entities of
 * sixteen kinds: move, count and draw random numbers, turn, heal, hurt, choose a sprite, draw. */
#ifndef SKEP_BENCH_BENCH_FRAME_H
#define SKEP_BENCH_BENCH_FRAME_H

#include "bench/bench_limit.h"

#include <stddef.h>

#define FRAME_ENTITIES 65536u
#define FRAME_KINDS 16u
#define FRAME_WIDTH 320
#define FRAME_HEIGHT 240

/* What a kind has: the bits of its number. */
enum { FRAME_POS = 1, FRAME_VEL = 2, FRAME_MIND = 4, FRAME_HERO = 8 };

typedef struct frame_mind {
    int32_t count;
    double sum;
    uint32_t flag;
    uint32_t s[4];
    uint32_t last;
} frame_mind;

typedef struct frame_health {
    int32_t points, most, status; /* status 0: fresh, 1: dead, 2: alive */
} frame_health;

typedef struct frame_damage {
    int32_t attack, defence;
} frame_damage;

/* One entity as it begins; a hero has type, health, damage and sprite too. */
typedef struct frame_entity {
    limit_vec pos, vel;
    frame_mind mind;
    int32_t type;
    frame_health health;
    frame_damage damage;
} frame_entity;

/* The picture that the last system draws. */
typedef struct frame_picture {
    char pixel[FRAME_WIDTH * FRAME_HEIGHT];
} frame_picture;

/* The entities of one kind in plain arrays. */
typedef struct frame_table {
    uint32_t count;
    limit_vec *pos, *vel;
    frame_mind *mind;
    int32_t *type;
    frame_health *health;
    frame_damage *damage;
    char *sprite;
} frame_table;

typedef struct frame_limit {
    frame_table table[FRAME_KINDS];
    frame_picture *picture;
} frame_limit;

bool skep__frame_limit_open(frame_limit *f);
void skep__frame_limit_close(frame_limit *f);

/* Runs the first six systems over part `index` of `count` of all rows; the last one draws
 * everything. */
void skep__frame_limit_part(frame_limit *f, uint32_t index, uint32_t count);
void skep__frame_limit_draw(frame_limit *f);
uint64_t skep__frame_limit_check(const frame_limit *f);

/* Kind and start of entity i. */
uint32_t skep__frame_kind(uint32_t i);
void skep__frame_entity(uint32_t i, frame_entity *e);

/* A check value of a picture. */
uint64_t skep__frame_picture_check(const frame_picture *picture);

static inline uint32_t frame_turn(uint32_t x, uint32_t by)
{
    return (x << by) | (x >> (32u - by));
}

/* The next random number of xoshiro128**. */
static inline uint32_t frame_random(uint32_t *s)
{
    const uint32_t result = frame_turn(s[1] * 5u, 7) * 9u;
    const uint32_t shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = frame_turn(s[3], 11);
    return result;
}

/* A random number of low..high. */
static inline uint32_t frame_between(uint32_t *s, uint32_t low, uint32_t high)
{
    return frame_random(s) % (high - low + 1u) + low;
}

/* The sprite of a hero. */
static inline char frame_sprite(int32_t type, int32_t status)
{
    if (status == 1) return '|';
    if (status == 0) return '_';
    return type == 2 ? '@' : type == 1 ? 'k' : 'h';
}

/* Draws one sprite. */
static inline void frame_plot(frame_picture *picture, float x, float y, char sprite)
{
    const int column = (int)x, row = (int)y;
    if (column < 0 || column >= FRAME_WIDTH || row < 0 || row >= FRAME_HEIGHT) return;
    picture->pixel[column + row * FRAME_WIDTH] = sprite;
}

#endif
