/* SPDX-License-Identifier: MIT */
/* Prefabs: components and values to spawn from, and children.
 *
 * A child is copied into its parent's list when it is given, with its own children behind it, so
 * that a spawn walks one flat list: parents before children, no recursion, no cycles. */
#include "core/world/world_parts.h"

#define PREFAB_ENTITIES_MAX 64u

/* ---- defining -------------------------------------------------------------------------------- */

/* Room for the parts and their values, so that filling them in cannot fail. */
static bool define_room(skep_world *w, skep__prefab *p, const skep__part_set *set)
{
    const skep_allocator *a = &w->store.allocator;
    size_t bytes = 0;
    for (uint32_t i = 0; i < set->count; i++)
        bytes += skep__align(w->store.types[set->types[i]].info->size, 16);
    return bytes <= UINT32_MAX / 2u && skep__scratch_room(w, set) &&
           skep__array_grow(a, (void **)&p->parts, &p->part_cap, set->count, sizeof *p->parts) &&
           skep__array_grow(a, (void **)&p->values, &p->value_cap, (uint32_t)bytes, 1);
}

skep_status skep_world_prefab_define(skep_world *world, const skep_component *prefab,
                                     const skep_part *parts, size_t part_count)
{
    uint32_t number = 0;
    skep_status status = skep__world_prefab(world, prefab, &number);
    if (status != SKEP_OK) return status;
    skep__part_set set = {.count = 0};
    status = skep__part_set_add(world, &set, parts, part_count);
    if (status != SKEP_OK) return status;
    skep__prefab *p = &world->prefabs[number];
    if (p->defined)
        return skep__world_fail(world, SKEP_EXISTS, "prefab %s is defined already", prefab->name);
    if (!define_room(world, p, &set)) return skep__store_fail(world, SKEP_NO_MEMORY);
    for (uint32_t i = 0; i < set.count; i++) {
        const skep_component *info = world->store.types[set.types[i]].info;
        const void *value = skep__part_value(world, &set, i, 0);
        p->parts[i] = (skep__prefab_part){set.types[i], p->value_bytes};
        if (info->size) memset(p->values + p->value_bytes, 0, info->size);
        if (value) skep__patch_value(p->values + p->value_bytes, info, value);
        p->value_bytes += skep__u32(skep__align(info->size, 16));
    }
    p->part_count = set.count;
    p->defined = true;
    return SKEP_OK;
}

skep_status skep__prefab_number(skep_world *w, const skep_component *prefab, uint32_t *number)
{
    const skep_status status = skep__world_prefab(w, prefab, number);
    if (status != SKEP_OK || w->prefabs[*number].defined) return status;
    return skep__world_fail(w, SKEP_NOT_FOUND, "prefab %s is not defined: skep_world_prefab_define",
                            prefab->name);
}

skep_status skep_world_prefab_child(skep_world *world, const skep_component *prefab,
                                    const skep_component *child)
{
    uint32_t number = 0;
    uint32_t below = 0;
    uint32_t parent_type = 0;
    skep_status status = skep__prefab_number(world, prefab, &number);
    if (status == SKEP_OK) status = skep__prefab_number(world, child, &below);
    if (status == SKEP_OK) status = skep__type_number(world, &Parent_info, &parent_type);
    if (status != SKEP_OK) return status;
    skep__prefab *p = &world->prefabs[number];
    const skep__prefab *c = &world->prefabs[below];
    const uint32_t count = c->child_count + 1u;
    if (p->child_count + count >= PREFAB_ENTITIES_MAX || number == 0)
        return skep__world_fail(world, number ? SKEP_LIMIT : SKEP_ARGUMENT,
                                "prefab %s: at most %u entities a spawn", prefab->name,
                                PREFAB_ENTITIES_MAX);
    if (!skep__array_grow(&world->store.allocator, (void **)&p->children, &p->child_cap,
                          p->child_count + count, sizeof *p->children))
        return skep__store_fail(world, SKEP_NO_MEMORY);
    const uint32_t first = p->child_count;
    p->children[first] = (skep__prefab_node){below, 0};
    for (uint32_t i = 0; i < count - 1u; i++) {
        const skep__prefab_node *n = &c->children[i];
        p->children[first + 1u + i] = (skep__prefab_node){n->prefab, n->parent + first + 1u};
    }
    p->child_count += count;
    return SKEP_OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

skep_status skep__prefab_table(skep_world *w, uint32_t prefab, uint32_t *table)
{
    skep__prefab *p = &w->prefabs[prefab];
    if (SKEP_UNLIKELY(p->table_generation != w->store.table_generation || !p->table)) {
        skep__part_set set = {.count = 0};
        skep_status status = skep__part_set_prefab(w, &set, p);
        if (status == SKEP_OK) status = skep__table_for(&w->store, set.types, set.count, &p->table);
        if (status != SKEP_OK) {
            p->table = 0;
            return skep__store_fail(w, status);
        }
        p->table_generation = w->store.table_generation;
    }
    *table = p->table;
    return SKEP_OK;
}

void skep__prefab_fill(skep_world *w, uint32_t prefab, skep__table *t, uint32_t first_row,
                       uint32_t count)
{
    skep__part_set set = {.count = 0};
    const skep_status status = skep__part_set_prefab(w, &set, &w->prefabs[prefab]);
    SKEP_ASSERT(status == SKEP_OK);
    (void)status;
    skep__part_set_fill(w, &set, t, first_row, 0, count);
}

/* A child's types are its prefab's and Parent. */
static skep_status child_set(skep_world *w, uint32_t prefab, const skep_part *parent,
                             skep__part_set *set)
{
    set->count = 0;
    const skep_status status = skep__part_set_prefab(w, set, &w->prefabs[prefab]);
    return status == SKEP_OK ? skep__part_set_add(w, set, parent, 1) : status;
}

skep_status skep__children_prepare(skep_world *w, const skep__prefab *p, uint32_t times)
{
    skep_entity none = skep_entity_null();
    const skep_part parent = skep_part_make(&Parent_info, &none);
    uint32_t notes = 0;
    for (uint32_t i = 0; i < p->child_count; i++) {
        skep__part_set set;
        uint32_t id = 0;
        skep_status status = child_set(w, p->children[i].prefab, &parent, &set);
        if (status != SKEP_OK) return status;
        status = skep__table_for(&w->store, set.types, set.count, &id);
        if (status != SKEP_OK) return skep__store_fail(w, status);
        if (!skep__scratch_room(w, &set)) return skep__store_fail(w, SKEP_NO_MEMORY);
        /* All children may share one table, so each asks for all. */
        status = skep__rows_prepare(w, w->store.tables[id], p->child_count * times);
        if (status != SKEP_OK) return status;
        notes += set.count * times;
    }
    return skep__notes_room(w, true, notes);
}

void skep__children_make(skep_world *w, const skep__prefab *p, skep_entity root,
                         const skep_entity *handles)
{
    for (uint32_t i = 0; i < p->child_count; i++) {
        const skep__prefab_node *n = &p->children[i];
        const skep_entity of = n->parent ? handles[n->parent - 1u] : root;
        const skep_part parent = skep_part_make(&Parent_info, &of);
        skep__part_set set;
        skep_status status = child_set(w, n->prefab, &parent, &set);
        if (status == SKEP_OK) status = skep__now_take(w, &set, handles[i], 0);
        SKEP_ASSERT(status == SKEP_OK);
        (void)status;
    }
}

skep_status skep__prefab_children(skep_world *w, uint32_t prefab, skep_entity root)
{
    const skep__prefab *p = &w->prefabs[prefab];
    if (SKEP_LIKELY(!p->child_count)) return SKEP_OK;
    skep_entity handles[PREFAB_ENTITIES_MAX];
    const skep_status status = skep__children_prepare(w, p, 1);
    if (status != SKEP_OK) return status;
    const uint32_t taken = skep__ids_take(&w->store, p->child_count, handles);
    if (taken < p->child_count) {
        const skep_status why = w->store.limit ? SKEP_LIMIT : SKEP_NO_MEMORY;
        (void)skep__store_fail(w, why);
        skep__ids_return(&w->store, handles, taken);
        return why;
    }
    skep__children_make(w, p, root, handles);
    return SKEP_OK;
}
