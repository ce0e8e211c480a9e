/* SPDX-License-Identifier: MIT */
/* A map from entities to two numbers each, for the few moments at which a view must look somebody
 * up: filled in one go, then asked. Open addressing over one array, at most half full. */
#ifndef SKEP_CORE_REPLICATE_VIEW_MAP_H
#define SKEP_CORE_REPLICATE_VIEW_MAP_H

#include "core/base/base.h"

typedef struct skep__view_place {
    uint64_t entity; /* 0: empty */
    uint32_t a;
    uint32_t b;
} skep__view_place;

typedef struct skep__view_map {
    uint32_t cap;  /* of places, a power of two or 0 */
    uint32_t size; /* that are in use now, a power of two */
    uint32_t count;
    skep__view_place *places;
} skep__view_map;

/* Empties the map and makes room for `count` entities. False without memory: as it was. */
bool skep__view_map_begin(skep__view_map *map, uint32_t count, const skep_allocator *allocator);
void skep__view_map_deinit(skep__view_map *map, const skep_allocator *allocator);

/* Adds an entity (not null); who is there already stays as he is. */
void skep__view_map_add(skep__view_map *map, uint64_t entity, uint32_t a, uint32_t b);

/* Where an entity is, or NULL. */
skep__view_place *skep__view_map_find(const skep__view_map *map, uint64_t entity);

#endif
