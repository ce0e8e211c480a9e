/* SPDX-License-Identifier: MIT */
/* Entities: the queue of structural commands that JavaScript fills, spawning, prefabs, and values
 * where JavaScript cannot look or write by itself. */
#include "wasm/host.h"

#include "core/store/rows.h"
#include "core/world/world_parts.h"

/* ---- commands ------------------------------------------------------------------------------- */

enum { COMMAND_ADD = 1, COMMAND_REMOVE, COMMAND_DESTROY, COMMAND_ADD_NEW };

/* Commands of one kind behind each other: the handle of each, and for ADD and ADD_NEW (add, but
 * leave what is there) the C struct, padded to 8. */
typedef struct host_commands {
    uint32_t op;
    const skep_component *component; /* NULL for DESTROY */
    uint32_t count;
    uint32_t stride; /* bytes of one */
} host_commands;

static skep_status command_run(host *h, const host_commands *c, skep_entity e, const void *value)
{
    switch (c->op) {
    case COMMAND_ADD_NEW:
        if (skep_world_has(h->world, e, c->component)) return SKEP_OK;
        return skep_world_add(h->world, e, c->component, value);
    case COMMAND_ADD:
        return skep_world_add(h->world, e, c->component, value);
    case COMMAND_REMOVE:
        return skep_world_remove(h->world, e, c->component);
    default:
        return skep_entity_destroy(h->world, e);
    }
}

/* The component's number where rows can be moved at once, else UINT32_MAX. */
static uint32_t quick_type(host *h, const host_commands *c)
{
    if (c->op == COMMAND_DESTROY || !skep__plain(h->world)) return UINT32_MAX;
    const uint32_t type = skep__known(h->world, c->component);
    return type == SKEP__NO_TYPE || h->world->store.types[type].noted ? UINT32_MAX : type;
}

/* Makes the commands of one head; returns the first failure. */
static skep_status commands_of_one(host *h, const host_commands *c, const uint8_t *at)
{
    skep_status first = SKEP_OK;
    const uint32_t type = quick_type(h, c);
    const bool add = c->op != COMMAND_REMOVE;
    for (uint32_t i = 0; i < c->count; i++, at += c->stride) {
        skep_entity e;
        memcpy(&e, at, sizeof e);
        const void *value = at + sizeof e;
        if (type != UINT32_MAX && skep__row_quick(&h->world->store, e, type, add, value)) continue;
        const skep_status status = command_run(h, c, e, value);
        if (status == SKEP_GONE || status == SKEP_NOT_FOUND)
            h->dropped++;
        else if (status != SKEP_OK && first == SKEP_OK)
            first = host_check(h, status);
    }
    return first;
}

/* Makes `bytes` of commands, in order. Those for entities that are gone are dropped and counted;
 * one that fails otherwise is left out and the rest is made. Returns the first such failure. */
uint32_t HOST_EXPORT(skep_host_commands)(host *h, const uint8_t *at, uint32_t bytes)
{
    const uint8_t *end = at + bytes;
    skep_status first = SKEP_OK;
    while (at < end) {
        const host_commands *c = (const host_commands *)(const void *)at;
        at += sizeof *c;
        const skep_status status = commands_of_one(h, c, at);
        if (first == SKEP_OK) first = status;
        at += (size_t)c->count * c->stride;
    }
    return (uint32_t)first;
}

/* ---- spawning ------------------------------------------------------------------------------- */

/* The most components of a shape that is made without parts, as skep_shape. */
#define SHAPE_MAX 16u

/* Components to spawn with, prepared. */
typedef struct host_shape {
    skep_shape shape;
    uint32_t count;
    const skep_component *components[SKEP_CREATE_MAX];
    uint32_t offsets[SKEP_CREATE_MAX]; /* of each C struct in the values */
    uint32_t packed4[SHAPE_MAX];       /* fields, where all have 4 bytes; else 0 */
} host_shape;

/* Prepares the `count` components whose addresses are in io. Returns the shape, with the offsets of
 * the C structs in io and the bytes of all behind them; NULL on failure. */
host_shape *HOST_EXPORT(skep_host_shape)(host *h, uint32_t count)
{
    host_shape *s = count <= SKEP_CREATE_MAX ? host_keep(h, sizeof *s) : NULL;
    if (!s) {
        (void)host_fail(h, count <= SKEP_CREATE_MAX ? SKEP_NO_MEMORY : SKEP_LIMIT,
                        "an entity of %u components: create_max is %u: add the others afterwards",
                        count, SKEP_CREATE_MAX);
        h->io[0] = count <= SKEP_CREATE_MAX ? SKEP_NO_MEMORY : SKEP_LIMIT;
        return NULL;
    }
    uint32_t offset = 0;
    s->count = count;
    for (uint32_t i = 0; i < count; i++) {
        s->components[i] = (const skep_component *)(uintptr_t)h->io[i];
        s->offsets[i] = offset;
        offset += (uint32_t)skep__align(s->components[i]->size, 8);
    }
    if (count && count <= SHAPE_MAX) {
        const skep_status status = skep_shape_init(&s->shape, h->world, s->components, count);
        h->io[0] = (uint32_t)host_check(h, status);
        if (status != SKEP_OK) return NULL;
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t type = skep__known(h->world, s->components[i]);
            s->packed4[i] = h->world->store.types[type].packed4;
        }
    }
    memcpy(h->io, s->offsets, count * sizeof *h->io);
    h->io[count] = offset;
    return s;
}

/* Fills the row with the C structs at `values`. */
static skep_status spawn_fill(const host_shape *s, const skep_row *row, const uint8_t *values)
{
    skep_status status = SKEP_OK;
    for (uint32_t i = 0; i < s->count && status == SKEP_OK; i++) {
        const uint8_t *value = values + s->offsets[i];
        if (!row->cells)
            status = skep__row_fill(row, i, value);
        else if (s->packed4[i])
            skep__value_put4(row->cells + s->shape.first[i], row->row, value, s->packed4[i]);
        else
            skep__value_store(s->components[i], row->cells + s->shape.first[i], row->row, value);
    }
    return status;
}

static skep_status spawn_parts(host *h, const host_shape *s, const uint8_t *values, skep_entity *e)
{
    skep_part parts[SKEP_CREATE_MAX];
    for (uint32_t i = 0; i < s->count; i++)
        parts[i] = skep_part_make(s->components[i], values + s->offsets[i]);
    return skep_entity_create_many(h->world, 1, parts, s->count, e);
}

/* Creates an entity of a shape with the C structs at `values`; its handle is io[0] and io[1]. */
uint32_t HOST_EXPORT(skep_host_spawn)(host *h, host_shape *s, const uint8_t *values)
{
    skep_row row;
    skep_status status = SKEP_OK;
    if (s->count == 0) {
        status = skep_entity_create(h->world, &row.entity);
    } else if (s->count > SHAPE_MAX || !skep__plain(h->world)) {
        status = spawn_parts(h, s, values, &row.entity); /* all or nothing, where that can fail */
    } else {
        status = skep_shape_create(&s->shape, &row);
        if (status == SKEP_OK) status = spawn_fill(s, &row, values);
    }
    if (status != SKEP_OK) return (uint32_t)host_check(h, status);
    host_put_entity(h, 0, row.entity);
    return SKEP_OK;
}

/* Reads parts out of io: for each the component, the address of its C struct (0: none) and the
 * address of its pointers to columns (0: none). */
static void parts_read(const host *h, skep_part *parts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t *w = h->io + i * 3u;
        parts[i] =
            skep_part_make((const skep_component *)(uintptr_t)w[0], (const void *)(uintptr_t)w[1]);
        parts[i].columns = (void *)(uintptr_t)w[2];
    }
}

/* Creates n entities, from a prefab where one is given, with the parts in io; their handles go to
 * `entities`, where that is not NULL. All or nothing. */
uint32_t HOST_EXPORT(skep_host_create_many)(host *h, const skep_component *prefab, uint32_t n,
                                            uint32_t part_count, skep_entity *entities)
{
    skep_part parts[SKEP_CREATE_MAX];
    if (part_count > SKEP_CREATE_MAX)
        return (uint32_t)host_fail(h, SKEP_LIMIT, "%u parts: one call takes %u", part_count,
                                   SKEP_CREATE_MAX);
    parts_read(h, parts, part_count);
    return (uint32_t)host_check(
        h, prefab ? skep_world_spawn_many(h->world, prefab, n, parts, part_count, entities)
                  : skep_entity_create_many(h->world, n, parts, part_count, entities));
}

/* Defines a prefab of the parts in io. */
uint32_t HOST_EXPORT(skep_host_prefab)(host *h, const skep_component *prefab, uint32_t part_count)
{
    skep_part parts[SKEP_CREATE_MAX];
    if (part_count > SKEP_CREATE_MAX)
        return (uint32_t)host_fail(h, SKEP_LIMIT, "prefab %s has %u parts, it may have %u",
                                   prefab->name, part_count, SKEP_CREATE_MAX);
    parts_read(h, parts, part_count);
    return (uint32_t)host_check(h, skep_world_prefab_define(h->world, prefab, parts, part_count));
}

/* Gives a prefab a child. */
uint32_t HOST_EXPORT(skep_host_prefab_child)(host *h, const skep_component *prefab,
                                             const skep_component *child)
{
    return (uint32_t)host_check(h, skep_world_prefab_child(h->world, prefab, child));
}

/* ---- values --------------------------------------------------------------------------------- */

/* Whether the entity is alive, with what waits taken into account. */
uint32_t HOST_EXPORT(skep_host_alive)(host *h, uint32_t low, uint32_t high)
{
    return skep_entity_alive(h->world, host_entity(low, high)) ? 1 : 0;
}

/* Whether it has the component. */
uint32_t HOST_EXPORT(skep_host_has)(host *h, uint32_t low, uint32_t high, const skep_component *c)
{
    return skep_world_has(h->world, host_entity(low, high), c) ? 1 : 0;
}

/* Copies a value, the C struct, to `value`. 0: gone, or has none. */
uint32_t HOST_EXPORT(skep_host_get)(host *h, uint32_t low, uint32_t high, const skep_component *c,
                                    void *value)
{
    return skep_world_get(h->world, host_entity(low, high), c, c->size ? value : NULL) ? 1 : 0;
}

/* Sets a value that the entity has. */
uint32_t HOST_EXPORT(skep_host_set)(host *h, uint32_t low, uint32_t high, const skep_component *c,
                                    const void *value)
{
    return (uint32_t)host_check(h, skep_world_set(h->world, host_entity(low, high), c, value));
}

/* Lists an entity's children: io[0] the address of their handles, io[1] their number. */
uint32_t HOST_EXPORT(skep_host_children)(host *h, uint32_t low, uint32_t high)
{
    const skep_entity *children = NULL;
    uint32_t count = 0;
    const skep_status status =
        skep_world_children(h->world, host_entity(low, high), &children, &count);
    h->io[0] = (uint32_t)(uintptr_t)children;
    h->io[1] = count;
    return (uint32_t)host_check(h, status);
}

/* ---- hooks ---------------------------------------------------------------------------------- */

static void hook_seen(void *ctx, skep_world *world, skep_entity entity)
{
    const host_hook *hook = ctx;
    uint32_t *w = host_buffer_push(hook->host, &hook->host->hooks, 3 * sizeof *w);
    (void)world;
    if (!w) return;
    w[0] = (uint32_t)entity.bits;
    w[1] = (uint32_t)(entity.bits >> 32);
    w[2] = hook->id;
}

/* Notes from now on when an entity gets or loses the component, under a number. */
uint32_t HOST_EXPORT(skep_host_hook)(host *h, const skep_component *c, uint32_t added, uint32_t id)
{
    host_hook *hook = host_keep(h, sizeof *hook);
    if (!hook) return (uint32_t)host_fail(h, SKEP_NO_MEMORY, "no memory: raise memoryMax");
    *hook = (host_hook){h, id};
    return (uint32_t)host_check(h, added ? skep_world_on_add(h->world, c, hook_seen, hook)
                                         : skep_world_on_remove(h->world, c, hook_seen, hook));
}

/* Takes what hooks have seen: io[0] its address, io[1] the number of entries of three words. */
void HOST_EXPORT(skep_host_hooks)(host *h)
{
    h->io[0] = (uint32_t)(uintptr_t)h->hooks.data;
    h->io[1] = h->hooks.used / 12u;
    h->hooks.used = 0;
}

/* Holds changes back, as a pass of a query does, while JavaScript's hooks run. */
void HOST_EXPORT(skep_host_hold)(host *h)
{
    h->world->iterating++;
}

/* Makes what they changed. */
uint32_t HOST_EXPORT(skep_host_let_go)(host *h)
{
    skep_world *w = h->world;
    if (w->iterating) w->iterating--;
    return (uint32_t)(w->iterating ? SKEP_OK : host_check(h, skep__world_settle(w)));
}
