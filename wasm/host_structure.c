/* SPDX-License-Identifier: MIT */
/* Entities: the queue of structural commands that JavaScript fills, spawning, prefabs, and values
 * where JavaScript cannot look or write by itself. */
#include "wasm/host.h"

/* ---- commands ------------------------------------------------------------------------------- */

enum { COMMAND_ADD = 1, COMMAND_REMOVE, COMMAND_DESTROY, COMMAND_SET, COMMAND_ADD_NEW };

/* A command: op, component, entity; for ADD, SET and ADD_NEW (add, but leave what is there) the C
 * struct follows, padded to 8. */
typedef struct host_command {
    uint32_t op;
    const skep_component *component;
    uint32_t low;
    uint32_t high;
} host_command;

static skep_status command_add(host *h, const host_command *c, skep_entity e, const void *value)
{
    const uint32_t type = skep__plain_type(h->world, c->component);
    if (type != UINT32_MAX && skep__world_row_add(h->world, e, type, value) == SKEP_OK)
        return SKEP_OK;
    return skep_world_add(h->world, e, c->component, value);
}

static skep_status command_remove(host *h, const host_command *c, skep_entity e)
{
    const uint32_t type = skep__plain_type(h->world, c->component);
    if (type != UINT32_MAX && skep__world_row_remove(h->world, e, type) == SKEP_OK) return SKEP_OK;
    return skep_world_remove(h->world, e, c->component);
}

static skep_status command_run(host *h, const host_command *c, const void *value)
{
    const skep_entity e = host_entity(c->low, c->high);
    switch (c->op) {
    case COMMAND_ADD_NEW:
        if (skep_world_has(h->world, e, c->component)) return SKEP_OK;
        return command_add(h, c, e, value);
    case COMMAND_ADD:
        return command_add(h, c, e, value);
    case COMMAND_REMOVE:
        return command_remove(h, c, e);
    case COMMAND_DESTROY:
        return skep_entity_destroy(h->world, e);
    default:
        return skep_world_set(h->world, e, c->component, value);
    }
}

/* Makes `bytes` of commands, in order. Those for entities that are gone, or that lack what is to be
 * set, are dropped and counted. On any other failure io[0] is the number of commands that were made
 * before. */
uint32_t HOST_EXPORT(skep_host_commands)(host *h, const uint8_t *at, uint32_t bytes)
{
    const uint8_t *end = at + bytes;
    h->io[0] = 0;
    while (at < end) {
        const host_command *c = (const host_command *)(const void *)at;
        const void *value = at + sizeof *c;
        at += sizeof *c;
        if (c->op != COMMAND_REMOVE && c->op != COMMAND_DESTROY)
            at += skep__align(c->component->size, 8);
        const skep_status status = command_run(h, c, value);
        if (status == SKEP_GONE || status == SKEP_NOT_FOUND) {
            h->dropped++;
        } else if (status != SKEP_OK) {
            return (uint32_t)host_check(h, status);
        }
        h->io[0]++;
    }
    return SKEP_OK;
}

/* ---- spawning ------------------------------------------------------------------------------- */

/* Components to spawn with, prepared. */
typedef struct host_shape {
    skep_shape shape;
    uint32_t count;
    const skep_component *components[SKEP_CREATE_MAX];
    uint32_t offsets[SKEP_CREATE_MAX]; /* of each C struct in the values */
} host_shape;

/* Prepares the `count` components whose addresses are in io. Returns the shape, with the offsets of
 * the C structs in io and the bytes of all behind them; NULL on failure. */
host_shape *HOST_EXPORT(skep_host_shape)(host *h, uint32_t count)
{
    host_shape *s = count <= SKEP_CREATE_MAX ? host_keep(h, sizeof *s) : NULL;
    if (!s) {
        (void)host_fail(h, count <= SKEP_CREATE_MAX ? SKEP_NO_MEMORY : SKEP_LIMIT,
                        "an entity of %u components: at most %u can be spawned at once", count,
                        SKEP_CREATE_MAX);
        return NULL;
    }
    uint32_t offset = 0;
    s->count = count;
    for (uint32_t i = 0; i < count; i++) {
        s->components[i] = (const skep_component *)(uintptr_t)h->io[i];
        s->offsets[i] = offset;
        offset += (uint32_t)skep__align(s->components[i]->size, 8);
    }
    memcpy(h->io, s->offsets, count * sizeof *h->io);
    h->io[count] = offset;
    if (count == 0 || count > 16) return s;
    const skep_status status = skep_shape_init(&s->shape, h->world, s->components, count);
    return host_check(h, status) == SKEP_OK ? s : NULL;
}

static skep_status spawn_fill(const host_shape *s, const skep_row *row, uint32_t i,
                              const uint8_t *value)
{
    const skep_component *c = s->components[i];
    if (!row->cells) return skep__row_fill(row, i, value);
    const skep__cell *cell = row->cells + row->shape->first[i];
    for (uint32_t f = 0; f < c->field_count; f++, cell++) {
        const size_t bytes = (size_t)c->fields[f].size * c->fields[f].count;
        const uint8_t *from = value + c->fields[f].offset;
        uint8_t *to = cell->data + row->row * bytes;
        if (bytes == 4)
            memcpy(to, from, 4);
        else
            memcpy(to, from, bytes);
    }
    return SKEP_OK;
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
    skep_entity e = skep_entity_null();
    skep_status status = SKEP_OK;
    if (s->count == 0) {
        status = skep_entity_create(h->world, &e);
    } else if (s->count > 16) {
        status = spawn_parts(h, s, values, &e);
    } else {
        status = skep_shape_create(&s->shape, &row);
        for (uint32_t i = 0; status == SKEP_OK && i < s->count; i++)
            status = spawn_fill(s, &row, i, values + s->offsets[i]);
        if (status == SKEP_OK) e = row.entity;
    }
    host_put_entity(h, 0, e);
    return (uint32_t)host_check(h, status);
}

/* Reads parts out of io: for each the component, the address of its C struct (0: none) and the
 * address of its pointers to columns (0: none). */
static void parts_read(const host *h, skep_part *parts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t *w = h->io + i * 3u;
        parts[i] = skep_part_make((const skep_component *)(uintptr_t)w[0],
                                  (const void *)(uintptr_t)w[1]);
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
        h, prefab
               ? skep_world_spawn_many(h->world, prefab, n, parts, part_count, entities)
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
    return (uint32_t)host_check(
        h, skep_world_prefab_define(h->world, prefab, parts, part_count));
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

/* The library's own component Parent, registered: its address, or NULL. */
const skep_component *HOST_EXPORT(skep_host_parent)(host *h)
{
    return host_check(h, skep_world_component(h->world, &Parent_info)) == SKEP_OK ? &Parent_info
                                                                                  : NULL;
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
