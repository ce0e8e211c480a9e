/* SPDX-License-Identifier: MIT */
/* A map that is filled in one go: its room is known before, so that adding cannot fail. A smaller
 * filling uses a smaller part of the array, to be quick to clear and near in the cache. */
#include "core/replicate/view_map.h"

#include "core/base/bits.h"
#include "core/base/hash.h"

bool skep__view_map_begin(skep__view_map *map, uint32_t count, const skep_allocator *allocator)
{
    if (count > UINT32_MAX / 8u) return false;
    const uint32_t size = skep__pow2_up(skep__max_u32(count, 8u) * 2u);
    if (size > map->cap) {
        skep__view_place *places = skep__alloc(allocator, size * sizeof *places, 16);
        if (!places) return false;
        skep__free(allocator, map->places, map->cap * sizeof *map->places, 16);
        map->places = places;
        map->cap = size;
    } else {
        memset(map->places, 0, size * sizeof *map->places);
    }
    map->size = size;
    map->count = 0;
    return true;
}

void skep__view_map_deinit(skep__view_map *map, const skep_allocator *allocator)
{
    skep__free(allocator, map->places, map->cap * sizeof *map->places, 16);
    *map = (skep__view_map){0};
}

/* The place of an entity, or the empty one where it would be. */
static skep__view_place *map_at(const skep__view_map *map, uint64_t entity)
{
    const uint32_t mask = map->size - 1u;
    uint32_t at = (uint32_t)skep__hash_u64(entity) & mask;
    while (map->places[at].entity && map->places[at].entity != entity) at = (at + 1u) & mask;
    return &map->places[at];
}

void skep__view_map_add(skep__view_map *map, uint64_t entity, uint32_t a, uint32_t b)
{
    SKEP_ASSERT(entity && map->count < map->size / 2u);
    skep__view_place *place = map_at(map, entity);
    if (place->entity) return;
    *place = (skep__view_place){entity, a, b};
    map->count++;
}

skep__view_place *skep__view_map_find(const skep__view_map *map, uint64_t entity)
{
    if (!map->count || !entity) return NULL;
    skep__view_place *place = map_at(map, entity);
    return place->entity ? place : NULL;
}
