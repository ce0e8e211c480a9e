/* SPDX-License-Identifier: MIT */
/* A grid in memory, and how it is built from columns: what the world's side (grid_world.c), the
 * query's side (grid_query.c) and the tests share.
 *
 *     head | start of each cell | entities | rows | scratch for building | columns ...
 *
 * All of it is one piece of memory and speaks of itself by offsets, since it lies in a resource
 * that moves and that other processes map. The entities of one cell are neighbours, cells of one
 * row too: the slots of cell k are start[k] to start[k + 1]. */
#ifndef SKEP_CORE_PLAN_GRID_H
#define SKEP_CORE_PLAN_GRID_H

#include "core/base/base.h"
#include "skep/grid.h"

/* Cells beyond this, and NaN, count as the outermost one. */
#define SKEP__GRID_CELL_MAX (1 << 30)

/* The most hands that build one grid; each takes scratch of its own. */
#define SKEP__GRID_HANDS_MAX 4u

/* Fewer entities than this are not worth waking anybody for. */
#define SKEP__GRID_HANDS_ROWS 8192u

/* The smallest table of cells. */
#define SKEP__GRID_CELLS_MIN 64u

struct skep_grid {
    float cell;
    float inverse; /* 1 / cell */
    uint32_t axes;
    uint32_t field_count;
    uint32_t count; /* entities */
    uint32_t cells; /* places of cells: dims multiplied */
    int32_t low[3]; /* the outermost cells that hold somebody */
    int32_t high[3];
    uint32_t
        dims[3]; /* places an axis: all cells from low to high, or a power of two when folded */
    uint32_t mask[3];   /* of a place: all bits, or dims - 1 when folded */
    uint32_t folded;    /* 1: more than one cell may share a place */
    uint32_t room;      /* entities that fit */
    uint32_t cells_max; /* that the table may have, by `count` */
    uint32_t start;     /* byte offsets from the head */
    uint32_t entity;
    uint32_t row;
    uint32_t scratch;        /* while building: the keys of the rows, then a column a hand */
    uint32_t scratch_stride; /* bytes a hand */
    uint32_t hands;          /* that scratch has room for */
    uint32_t field[SKEP_GRID_FIELD_MAX];
    uint16_t field_bytes[SKEP_GRID_FIELD_MAX]; /* a row */
};

/* Some rows that go into the grid: columns side by side. */
typedef struct skep__grid_chunk {
    const skep_entity *entity;
    const void *field[SKEP_GRID_FIELD_MAX];
    uint32_t n;
    uint32_t row; /* number of its first row over all chunks */
} skep__grid_chunk;

/* A place in a source of chunks; all zero is the beginning. What the members count is the source's.
 */
typedef struct skep__grid_place {
    uint32_t table;
    uint32_t block;
    uint32_t row; /* rows given so far */
} skep__grid_place;

/* Where the rows come from. `next` gives the chunk at a place and moves on; false at the end. The
 * build goes over all chunks several times, so that it needs no memory for a list of them. */
typedef struct skep__grid_source {
    bool (*next)(const void *ctx, skep__grid_place *place, skep__grid_chunk *chunk);
    const void *ctx;
} skep__grid_source;

/* Who helps to build: calls `work(work_ctx, 0..n-1)`, at the same time where it likes, and returns
 * when all are done. */
typedef struct skep__grid_hands {
    void (*each)(void *ctx, uint32_t n, void (*work)(void *work_ctx, uint32_t index),
                 void *work_ctx);
    void *ctx;
    uint32_t count; /* hands that there are, the caller included */
} skep__grid_hands;

/* The cell of a coordinate. The same monotone function everywhere, so that what the query asks for
 * and what the build filed can never disagree. */
SKEP_INLINE int32_t skep__grid_cell_of(float at, float inverse)
{
    const float end = (float)SKEP__GRID_CELL_MAX;
    float t = at * inverse;
    t = t > -end ? t : -end;
    t = t < end ? t : end;
    const int32_t c = (int32_t)t;
    return c - ((float)c > t ? 1 : 0);
}

SKEP_INLINE const void *skep__grid_at(const skep_grid *g, uint32_t offset)
{
    return (const uint8_t *)(const void *)g + offset;
}

SKEP_INLINE void *skep__grid_at_mut(skep_grid *g, uint32_t offset)
{
    return (uint8_t *)(void *)g + offset;
}

/* Sets up an empty head. `field_bytes` are the bytes of a row of each field. */
void skep__grid_init(skep_grid *g, uint32_t axes, float cell, const uint16_t *field_bytes,
                     uint32_t field_count);

/* Returns the bytes that a grid of `room` entities takes which so many hands build, or 0 when no
 * grid can be that large. */
size_t skep__grid_bytes(const skep_grid *g, uint32_t room, uint32_t hands);

/* Sets up the arrays behind the head. The memory has skep__grid_bytes for the same arguments. */
void skep__grid_lay_out(skep_grid *g, uint32_t room, uint32_t hands);

/* Builds the grid from `count` rows, no more than its room. The same bits whatever `hands` are;
 * NULL: the caller alone. */
void skep__grid_fill(skep_grid *g, const skep__grid_source *source, uint32_t count,
                     const skep__grid_hands *hands);

/* skep_grid_build with helping hands. */
skep_status skep__grid_build(const skep_grid_setup *setup, skep_world *world,
                             const skep__grid_hands *hands);

#endif
