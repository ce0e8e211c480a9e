/* SPDX-License-Identifier: MIT */
/* Numbers: which component, prefab, resource or channel of this world a description means.
 *
 * The same component may be described at many addresses (one a source file), so the identity
 * decides; a direct-mapped cache by address answers in one compare. All of them are only ever
 * added, and restoring keeps them, so a number stays what it is. */
#include "core/world/world_parts.h"

/* The fronts that skep/inline.h shows are the real ones. */
_Static_assert(offsetof(skep__type_face, watched) == offsetof(skep__type, watched), "type");
_Static_assert(offsetof(skep__type_face, dir) == offsetof(skep__type, dir), "type");
_Static_assert(offsetof(skep_world, face) == 0, "world");
_Static_assert(offsetof(skep__face, running) == offsetof(skep_world, running), "world");
_Static_assert(offsetof(skep__face, mode) == offsetof(skep_world, mode), "world");
_Static_assert(offsetof(skep__face, iterating) == offsetof(skep_world, iterating), "world");
_Static_assert(offsetof(skep__face, firing) == offsetof(skep_world, firing), "world");
_Static_assert(sizeof(skep__write_mode) == sizeof(uint32_t) && SKEP__WRITE_NOW == 0, "world");

bool skep__same_text(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* A description sound enough to compute its identity. Components are checked further by the store.
 */
static bool info_is_named(const skep_component *info)
{
    return info && info->name && info->name[0] && info->field_count <= SKEP_FIELD_MAX &&
           (info->field_count == 0 || info->fields);
}

/* The kinds that have a number of their own; what is `removed` of a component is found by
 * skep__channel_find. */
static uint32_t number_of(const skep_world *w, const skep_component *info, uint64_t identity)
{
    uint32_t i = 0;
    switch (info->kind) {
    case SKEP_KIND_COMPONENT:
        return skep__type_find(&w->store, info);
    case SKEP_KIND_PREFAB:
        while (i < w->prefab_count && w->prefabs[i].identity != identity) i++;
        return i < w->prefab_count ? i : SKEP__NO_TYPE;
    case SKEP_KIND_EVENT:
    case SKEP_KIND_INPUT:
        while (i < w->channel_count &&
               (w->channels[i].removed || w->channels[i].identity != identity))
            i++;
        return i < w->channel_count ? i : SKEP__NO_TYPE;
    default:
        while (i < w->resource_count && w->resources[i].identity != identity) i++;
        return i < w->resource_count ? i : SKEP__NO_TYPE;
    }
}

uint32_t skep__known_slow(skep_world *w, const skep_component *info)
{
    if (!info_is_named(info)) return SKEP__NO_TYPE;
    const uint32_t number = number_of(w, info, skep__component_identity(info));
    /* What is not known yet may be registered later, so only what is known is remembered. */
    if (number == SKEP__NO_TYPE) return number;
    skep__known_entry *k = skep__known_place(w, info);
    k->info = info;
    k->type = NULL;
    k->number = number;
    k->special = 1;
    if (info->kind != SKEP_KIND_COMPONENT) return number;
    k->type = (const skep__type_face *)(const void *)&w->store.types[number];
    k->special = number == w->parent_type;
    return number;
}

/* The types' array moves when it grows, and `known` points into it. */
static void known_forget(skep_world *w)
{
    memset(w->face.known, 0, sizeof w->face.known);
}

skep__channel *skep__removed_find(skep_world *w, uint32_t type)
{
    const uint64_t identity = w->store.types[type].identity;
    for (uint32_t i = 0; i < w->channel_count; i++)
        if (w->channels[i].removed && w->channels[i].identity == identity) return &w->channels[i];
    return NULL;
}

/* ---- registration ---------------------------------------------------------------------------- */

static skep_status schema_fail(skep_world *w, const char *name)
{
    return skep__world_fail(w, SKEP_SCHEMA, "%s is known with another layout", name);
}

static skep_status info_fail(skep_world *w, const skep_component *info, const char *kind)
{
    const char *name = info && info->name && info->name[0] ? info->name : "(without a name)";
    return skep__world_fail(w, SKEP_ARGUMENT, "%s is not a sound description of a %s", name, kind);
}

/* Commands name what they are about by 16 bits. Components have a limit of their own. */
static skep_status number_room(skep_world *w, uint32_t count, const char *knob, const char *what)
{
    if (count < SKEP__NUMBER_MAX) return SKEP_OK;
    return skep__world_fail(w, SKEP_LIMIT, "%s: a world knows at most %u %s", knob,
                            SKEP__NUMBER_MAX, what);
}

skep_status skep__world_type(skep_world *w, const skep_component *info, uint32_t *number)
{
    if (!info_is_named(info) || info->kind != SKEP_KIND_COMPONENT)
        return info_fail(w, info, "component");
    *number = skep__known(w, info);
    if (*number != SKEP__NO_TYPE) return SKEP_OK;
    const skep_status status = skep__type_add(&w->store, info, number);
    if (status == SKEP_SCHEMA) return schema_fail(w, info->name);
    if (status == SKEP_ARGUMENT) return info_fail(w, info, "component");
    if (status != SKEP_OK) return skep__store_fail(w, status);
    known_forget(w);
    if (w->store.types[*number].identity == skep__component_identity(&Parent_info)) {
        w->parent_type = *number;
        skep__type_note(&w->store, *number);
    }
    return SKEP_OK;
}

skep_status skep__type_number(skep_world *w, const skep_component *info, uint32_t *number)
{
    *number = info ? skep__known(w, info) : SKEP__NO_TYPE;
    if (SKEP_LIKELY(*number != SKEP__NO_TYPE && info->kind == SKEP_KIND_COMPONENT)) return SKEP_OK;
    return skep__world_type(w, info, number);
}

skep_status skep_world_component(skep_world *world, const skep_component *component)
{
    uint32_t number = 0;
    return skep__world_type(world, component, &number);
}

skep_status skep__world_resource(skep_world *w, const skep_component *info, uint32_t *number)
{
    const bool fits =
        info_is_named(info) && (info->kind == SKEP_KIND_RESOURCE || info->kind == SKEP_KIND_GRID);
    if (!fits) return info_fail(w, info, "resource");
    *number = skep__known(w, info);
    if (*number != SKEP__NO_TYPE) return SKEP_OK;
    for (uint32_t i = 0; i < w->resource_count; i++)
        if (skep__same_text(w->resources[i].info->name, info->name))
            return schema_fail(w, info->name);
    const skep_status room = number_room(w, w->resource_count, "resource_max", "resources");
    if (room != SKEP_OK) return room;
    if (!skep__array_grow(&w->store.allocator, (void **)&w->resources, &w->resource_cap,
                          w->resource_count + 1, sizeof *w->resources))
        return skep__store_fail(w, SKEP_NO_MEMORY);
    skep__resource *r = &w->resources[w->resource_count];
    memset(r, 0, sizeof *r);
    r->info = info;
    r->identity = skep__component_identity(info);
    *number = w->resource_count++;
    return SKEP_OK;
}

skep_status skep__world_channel(skep_world *w, const skep_component *info, bool removed,
                                uint32_t *number)
{
    const bool message =
        info_is_named(info) && (info->kind == SKEP_KIND_EVENT || info->kind == SKEP_KIND_INPUT);
    if (removed ? !info_is_named(info) || info->kind != SKEP_KIND_COMPONENT : !message)
        return info_fail(w, info, removed ? "component" : "event or input");
    const uint64_t identity = skep__component_identity(info);
    uint32_t i = 0;
    while (i < w->channel_count &&
           (w->channels[i].removed != removed || w->channels[i].identity != identity))
        i++;
    *number = i;
    if (i < w->channel_count) return SKEP_OK;
    for (i = 0; i < w->channel_count; i++)
        if (w->channels[i].removed == removed && w->channels[i].info->kind == info->kind &&
            skep__same_text(w->channels[i].info->name, info->name))
            return schema_fail(w, info->name);
    const skep_status room = number_room(w, w->channel_count, "event_max", "events and inputs");
    if (room != SKEP_OK) return room;
    if (!skep__array_grow(&w->store.allocator, (void **)&w->channels, &w->channel_cap,
                          w->channel_count + 1, sizeof *w->channels))
        return skep__store_fail(w, SKEP_NO_MEMORY);
    skep__channel *c = &w->channels[w->channel_count];
    memset(c, 0, sizeof *c);
    c->info = info;
    c->identity = identity;
    c->removed = removed;
    c->stride = skep__u32(sizeof(skep__entry) + (removed ? 0 : skep__align(info->size, 8)));
    *number = w->channel_count++;
    return SKEP_OK;
}

skep_status skep__world_prefab(skep_world *w, const skep_component *info, uint32_t *number)
{
    if (!info_is_named(info) || info->kind != SKEP_KIND_PREFAB) return info_fail(w, info, "prefab");
    *number = skep__known(w, info);
    if (*number != SKEP__NO_TYPE) return SKEP_OK;
    const skep_status room = number_room(w, w->prefab_count, "prefab_max", "prefabs");
    if (room != SKEP_OK) return room;
    if (!skep__array_grow(&w->store.allocator, (void **)&w->prefabs, &w->prefab_cap,
                          w->prefab_count + 1, sizeof *w->prefabs))
        return skep__store_fail(w, SKEP_NO_MEMORY);
    skep__prefab *p = &w->prefabs[w->prefab_count];
    memset(p, 0, sizeof *p);
    p->info = info;
    p->identity = skep__component_identity(info);
    *number = w->prefab_count++;
    return SKEP_OK;
}

const skep_component *skep_world_known(const skep_world *world, skep_kind kind, uint32_t index)
{
    SKEP_ASSERT(world);
    switch (kind) {
    case SKEP_KIND_COMPONENT:
        return index < world->store.type_count ? world->store.types[index].info : NULL;
    case SKEP_KIND_RESOURCE:
        for (uint32_t i = 0; i < world->resource_count; i++)
            if (world->resources[i].info->kind == SKEP_KIND_RESOURCE && index-- == 0)
                return world->resources[i].info;
        return NULL;
    case SKEP_KIND_PREFAB:
        return index < world->prefab_count ? world->prefabs[index].info : NULL;
    default:
        return NULL;
    }
}
