/* SPDX-License-Identifier: MIT */
/* A spatial grid: who is near, in a job.
 *
 * A grid sorts the entities that have some components into cells of one size, and keeps their
 * positions, handles and any further columns packed cell by cell, so that a job which looks around
 * reads a few runs of plain arrays instead of looking every neighbour up:
 *
 *     SKEP_GRID(Near, 2, (Pos, x), (Pos, y), (Vel, x));      the positions first, then what else
 *
 *     SKEP_JOB(steer, (in, Pos, pos), (mut, Vel, vel), (res, Near, grid))
 *     {
 *         for (uint32_t i = 0; i < task->n; i++) {
 *             skep_near near;
 *             skep_near_iter it = skep_grid_near(c->grid, c->pos.x[i], c->pos.y[i], 10.0f);
 *             while (skep_grid_next(c->grid, &it, &near))
 *                 for (uint32_t k = 0; k < near.n; k++) ... near.x[k], near.entity[k] ...
 *         }
 *     }
 *
 *     skep_grid_add(b, "update", &Near, 10.0f);              in the scene, before the systems that
 * look
 *
 * The world needs no bounds: where it is too wide for a table of all its cells, far cells share a
 * place and are told apart while reading. A grid is a resource that is built anew, from the values
 * as they are at that point of the frame; it has the same bits whoever built it. */
#ifndef SKEP_GRID_H
#define SKEP_GRID_H

#include "skep/job.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- in jobs --------------------------------------------------------------------------------- */

/* The most fields that one grid keeps, its positions included. */
#define SKEP_GRID_FIELD_MAX 12u

/* A grid, as jobs see it: (res, Near, grid) gives `const skep_grid *`. Constant while a job runs.
 */
typedef struct skep_grid skep_grid;

/* A run of entities of neighbouring cells: arrays of n, valid as long as the grid is. */
typedef struct skep_near {
    uint32_t n;
    uint32_t pad;
    const skep_entity *entity;
    const uint32_t *row; /* numbers in storage order over all that the grid holds, from 0 */
    const float *x;      /* positions */
    const float *y;
    const float *z;                           /* NULL in a grid of two axes */
    const void *columns[SKEP_GRID_FIELD_MAX]; /* the fields after the positions, in their order */
} skep_near;

/* A walk over the cells around a point. All of it is private. */
typedef struct skep_near_iter {
    float at[3];           /* the point */
    float reach[3];        /* who is further away on an axis is a stranger that shares a place */
    uint32_t first[3];     /* of the places on each axis */
    uint32_t count[3];     /* of them; 0 where there is nobody */
    uint32_t y;            /* the next row of places */
    uint32_t z;            /* the layer that it is in */
    uint32_t from;         /* slots that are left of this row, */
    uint32_t to;           /* up to this one */
    uint32_t wrapped_from; /* the same of its other end, where it wraps around */
    uint32_t wrapped_to;   /* up to this one */
} skep_near_iter;

/* Starts a walk over the cells around a point: it meets everybody who is at most `r` away on each
 * axis, each of them once, and nobody who is more than `r` and a cell away. The caller looks at the
 * distance. `r` may be greater than a cell; a negative one meets nobody, and so does a point that
 * is no number. In a grid of three axes z is not looked at. Any thread; O(1). */
SKEP_API skep_near_iter skep_grid_near(const skep_grid *grid, float x, float y, float r);

/* As skep_grid_near in a grid of three axes; in one of two, z is not looked at. */
SKEP_API skep_near_iter skep_grid_near3(const skep_grid *grid, float x, float y, float z, float r);

/* Gives the next run, which is not empty; false when there is none. Runs come in the order of the
 * cells, and a cell's entities in storage order, whoever built the grid. Any thread. */
SKEP_API bool skep_grid_next(const skep_grid *grid, skep_near_iter *it, skep_near *near);

/* As skep_grid_next, for callers that look at every distance anyway: runs may also hold strangers
 * from far away whose cells share a place with those around the point. Where the world is wide and
 * empty a walk is two to three times as fast without telling them apart. */
SKEP_API bool skep_grid_next_raw(const skep_grid *grid, skep_near_iter *it, skep_near *near);

/* The i-th field after the positions as an array of a C type: SKEP_NEAR(near, 0, float)[k]. */
#define SKEP_NEAR(near, i, type) ((const type *)(near).columns[i])

/* Returns how many entities a grid holds. Any thread. */
SKEP_API uint32_t skep_grid_count(const skep_grid *grid);

/* Returns the side of a cell. Any thread. */
SKEP_API float skep_grid_cell(const skep_grid *grid);

/* ---- declaring ------------------------------------------------------------------------------- */

/* A field that a grid keeps. */
typedef struct skep_grid_field {
    const skep_component *component;
    uint32_t offset; /* of the field in the component's C struct */
    uint32_t pad;
} skep_grid_field;

/* What a grid holds. Made by SKEP_GRID, constant. */
typedef struct skep_grid_desc {
    const skep_component *resource; /* its name */
    const skep_grid_field *fields;  /* field_count of them, the positions first */
    uint32_t field_count;           /* `axes` to SKEP_GRID_FIELD_MAX */
    uint32_t axes;                  /* 2 or 3 */
} skep_grid_desc;

/* The bytes of a grid's head, which is the value of its resource; what is behind it is a buffer. */
#define SKEP__GRID_HEAD_BYTES 256u

/* Declares a grid over the entities that have all of the components named: SKEP_GRID(Near, 2, (Pos,
 * x), (Pos, y), (Vel, x)). The first `axis_count` fields, 2 or 3, are the positions and must be
 * f32. Gives Near, the description for skep_grid_add, and Near_res for jobs. */
#define SKEP_GRID(G, axis_count, ...)                                                              \
    SKEP_UNUSED static const skep_field G##_fields[] = {                                           \
        {"grid", (uint8_t)SKEP_TYPE_bytes, 1u, (uint16_t)SKEP__GRID_HEAD_BYTES, 0u}};              \
    SKEP_UNUSED static const skep_component G##_info = {                                           \
        #G, G##_fields, 1u, SKEP__GRID_HEAD_BYTES, 8u, SKEP_KIND_GRID};                            \
    SKEP_UNUSED static const skep_grid_field G##__grid_fields[] = {                                \
        SKEP__EACH(SKEP__GRID_FIELD, G, __VA_ARGS__)};                                             \
    SKEP_UNUSED static const skep_grid_desc G = {                                                  \
        &G##_info, G##__grid_fields,                                                               \
        (uint32_t)(sizeof G##__grid_fields / sizeof G##__grid_fields[0]), axis_count};             \
    typedef const skep_grid *G##_res

#define SKEP__GRID_FIELD(G, p) SKEP__GRID_FIELD_ p
#define SKEP__GRID_FIELD_(C, x) {&C##_info, (uint32_t)offsetof(C, x), 0u},

/* ---- building -------------------------------------------------------------------------------- */

/* A scene's builder; see skep/scene.h. */
typedef struct skep_builder skep_builder;

/* A world; see skep/world.h. */
typedef struct skep_world skep_world;

/* Adds a system that builds the grid at this point of the stage: after the systems added before
 * that write what it keeps, before those that use it. It has the grid's name. `cell` is the side of
 * a cell, in units of the positions: about the distance that is asked for most often is a good
 * start. */
SKEP_API void skep_grid_add(skep_builder *b, const char *stage, const skep_grid_desc *grid,
                            float cell);

/* A grid and the side of its cells: what skep_grid_build is told. */
typedef struct skep_grid_setup {
    const skep_grid_desc *grid;
    float cell;
} skep_grid_setup;

/* Without a scene: builds the grid now, in O(entities). It has the shape of skep_system_run, for a
 * system of one's own whose access is `in` for the components and `res_mut` for the grid; `ctx` is
 * a skep_grid_setup. SKEP_ARGUMENT when the description breaks a rule or `cell` is no size,
 * SKEP_NO_MEMORY. */
SKEP_API SKEP_NODISCARD skep_status skep_grid_build(void *ctx, skep_world *world, float dt);

/* Returns whether skep_grid_build can do with this: positions are f32 fields, every field is one of
 * its component's, `cell` is a positive finite number. */
SKEP_API bool skep_grid_is_sound(const skep_grid_setup *setup);

/* Returns the grid as it was built last, for the main thread; NULL before skep_grid_create. Valid
 * until it is built again. */
SKEP_API const skep_grid *skep_grid_read(skep_world *world, const skep_grid_desc *grid);

#ifdef __cplusplus
}
#endif

#endif
