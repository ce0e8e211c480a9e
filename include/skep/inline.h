/* SPDX-License-Identifier: MIT */
/* Private: what skep/world.h and skep/query.h inline into their callers, so that reading a value or
 * stepping to the next block is no call. The structs here are the first members of the library's
 * own, which checks that they agree; nothing of it is for users, and none of it is stable. */
#ifndef SKEP_INLINE_H
#define SKEP_INLINE_H

#include "skep/job.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A world and a query; see skep/world.h and skep/query.h. */
typedef struct skep_world skep_world;
typedef struct skep_query skep_query;

#if defined(__GNUC__) || defined(__clang__)
#define SKEP__LIKELY(x) (__builtin_expect(!!(x), 1))
#else
#define SKEP__LIKELY(x) (x)
#endif

/* ---- worlds ------------------------------------------------------------------------------------
 */

/* The front of a component type. */
typedef struct skep__type_face {
    const skep_component *info;
    uint64_t identity;
    bool watched; /* writes must be stamped */
    bool noted;
    uint8_t field_count;
    uint8_t packed4;
    uint16_t column_bytes[SKEP_FIELD_MAX];
    skep__colref *dir;
} skep__type_face;

/* A description's number, remembered by its address. */
typedef struct skep__known_entry {
    const skep_component *info;
    const skep__type_face *type; /* of a component */
    uint32_t number;
    uint32_t special; /* writing it is more than writing it: Parent */
} skep__known_entry;

#define SKEP__KNOWN_COUNT 32u

/* The front of a world. */
typedef struct skep__face {
    const uint64_t *index;                     /* a record an index; never moves */
    const uint32_t *index_count;               /* of records */
    const uint64_t *epoch;                     /* of what is owned */
    const uint32_t *waiting;                   /* commands whose effect must be seen already */
    const struct skep__system_access *running; /* rights to be asked for */
    uint32_t mode;                             /* 0: writes are made at once */
    uint32_t iterating; /* passes of queries that structural changes must wait for */
    uint32_t firing;    /* hooks that they must wait for */
    uint32_t pad;
    skep__known_entry known[SKEP__KNOWN_COUNT]; /* by address */
} skep__face;

/* Where a value is: the first cell of its component's columns, and the row in it. */
typedef struct skep__spot {
    const skep__cell *cell; /* NULL: nowhere */
    uint32_t row;
} skep__spot;

/* The same as the functions below for every case. */
SKEP_API skep__spot skep__world_find(skep_world *world, skep_entity entity,
                                     const skep_component *component);

/* The place of a description in `known`. */
static inline uint32_t skep__known_at(const skep_component *info)
{
    const uintptr_t a = (uintptr_t)info;
    return (uint32_t)((a >> 4) ^ (a >> 9)) & (SKEP__KNOWN_COUNT - 1u);
}

/* Finds an entity's value in storage. */
static inline skep__spot skep__spot_find(const skep__face *face, const skep__type_face *type,
                                         skep_entity e)
{
    skep_lookup lookup;
    skep__spot at;
    lookup.index = face->index;
    lookup.dir = type->dir;
    lookup.index_count = *face->index_count;
    lookup.pad = 0;
    at.row = 0;
    at.cell = skep__find(&lookup, e, &at.row);
    return at;
}

/* Finds an entity's value; nowhere when it is gone or has none. */
static inline skep__spot skep__spot_of(skep_world *world, skep_entity e, const skep_component *info)
{
    const skep__face *face = (const skep__face *)(const void *)world;
    const skep__known_entry *k = &face->known[skep__known_at(info)];
    if (SKEP__LIKELY(k->info == info && !face->running && !*face->waiting))
        return skep__spot_find(face, k->type, e);
    return skep__world_find(world, e, info);
}

/* Finds it for writing where that takes nothing but writing: its blocks are owned already, and
 * nobody asks what changed. Nowhere in all other cases, which skep_world_set knows. */
static inline skep__spot skep__spot_own(skep_world *world, skep_entity e,
                                        const skep_component *info)
{
    const skep__face *face = (const skep__face *)(const void *)world;
    const skep__known_entry *k = &face->known[skep__known_at(info)];
    skep__spot at;
    at.cell = NULL;
    at.row = 0;
    if (!SKEP__LIKELY(k->info == info && !face->running && !*face->waiting && !face->mode &&
                      !k->special && !k->type->watched))
        return at;
    at = skep__spot_find(face, k->type, e);
    for (uint32_t f = 0; at.cell && f < info->field_count; f++)
        if (!SKEP__LIKELY(at.cell[f].epoch == *face->epoch)) at.cell = NULL;
    return at;
}

/* Adds or sets, or removes, where nothing waits and nobody listens; all else, and what went wrong,
 * is for skep_world_add and skep_world_remove. */
SKEP_API skep_status skep__world_row_add(skep_world *world, skep_entity entity, uint32_t type,
                                         const void *value);
SKEP_API skep_status skep__world_row_remove(skep_world *world, skep_entity entity, uint32_t type);

/* The number of a component whose adding and removing takes no more than that at the moment, or
 * UINT32_MAX. */
static inline uint32_t skep__plain_type(const skep_world *world, const skep_component *info)
{
    const skep__face *face = (const skep__face *)(const void *)world;
    const skep__known_entry *k = &face->known[skep__known_at(info)];
    if (!SKEP__LIKELY(k->info == info && !face->running &&
                      !(face->mode | face->iterating | face->firing) && !k->type->noted))
        return UINT32_MAX;
    return k->number;
}

/* ---- queries -----------------------------------------------------------------------------------
 */

/* The most terms that one query can have. */
#define SKEP_TERM_MAX 16u

/* The front of a table. */
typedef struct skep__table_face {
    const void *layout;
    const uint8_t *lines;
    uint32_t line_stride;
    uint32_t id;
    uint32_t row_count;
    uint32_t row_cap;
    uint32_t block_count;
    uint32_t shift;
} skep__table_face;

/* A table that matches a query, and where the terms' columns are in it; 0xffff: nowhere. */
typedef struct skep__match {
    const skep__table_face *table;
    uint16_t first[SKEP_TERM_MAX];
    uint16_t stamps[SKEP_TERM_MAX];
} skep__match;

/* The first cell of a line. */
#define SKEP__LINE_HEAD 16u

#ifdef __cplusplus
}
#endif

#endif
