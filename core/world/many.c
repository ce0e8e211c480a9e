/* SPDX-License-Identifier: MIT */
/* One change for many entities: all of it or none. First everything is owned and reserved, then the
 * changes are made one by one, along one cached edge as long as the entities come from one table.
 */
#include "core/world/world_parts.h"

/* What is done to each entity. */
typedef struct many_change {
    const skep_component *info;
    uint32_t type;
    bool add;
    const uint8_t *values; /* n C structs, or NULL */
    uint32_t skipped;
} many_change;

static const void *value_at(const many_change *c, uint32_t i)
{
    return c->values ? c->values + (size_t)i * c->info->size : NULL;
}

/* Where one entity goes; its own table when nothing is to be done, 0 when it is gone. */
static skep_status target_of(skep_world *w, const many_change *c, skep_entity e, uint32_t *to)
{
    skep__store *s = &w->store;
    uint32_t row = 0;
    const uint64_t r = skep__record_of(s, e);
    *to = skep__record_table(r);
    if (!r || (skep__value_find(s, e, c->type, &row) != NULL) == c->add) return SKEP_OK;
    skep__edge *edge = NULL;
    const skep_status status = skep__edge_get(s, *to, c->type, c->add, &edge);
    if (status == SKEP_OK) *to = edge->to;
    return status;
}

/* Counts the rows that come to each table. */
static skep_status count_incoming(skep_world *w, many_change *c, const skep_entity *entities,
                                  uint32_t n, uint32_t *moves)
{
    const skep_allocator *a = &w->store.allocator;
    if (w->incoming) memset(w->incoming, 0, w->incoming_cap * sizeof *w->incoming);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t to = 0;
        const skep_status status = target_of(w, c, entities[i], &to);
        if (status != SKEP_OK) return status;
        if (!to) c->skipped++;
        if (to == skep__record_table(skep__record_of(&w->store, entities[i]))) continue;
        if (!skep__array_grow(a, (void **)&w->incoming, &w->incoming_cap, to + 1u,
                              sizeof *w->incoming))
            return SKEP_NO_MEMORY;
        w->incoming[to]++;
        ++*moves;
    }
    return SKEP_OK;
}

/* Owns what one entity's change writes. */
static skep_status own_one(skep_world *w, const many_change *c, skep_entity e)
{
    const skep__cell *cell = NULL;
    uint32_t row = 0;
    if (!skep__alive(&w->store, e)) return SKEP_OK;
    const bool has = skep__value_find(&w->store, e, c->type, &row) != NULL;
    if (has != c->add) return skep__leave_prepare(w, e) ? SKEP_OK : SKEP_NO_MEMORY;
    /* Stamping early is harmless: this change stamps the row with the same number. */
    return c->add ? skep__value_own(&w->store, e, c->type, w->stamp, &cell, &row) : SKEP_OK;
}

static skep_status many_prepare(skep_world *w, many_change *c, const skep_entity *entities,
                                uint32_t n)
{
    uint32_t moves = 0;
    skep_status status = count_incoming(w, c, entities, n, &moves);
    const uint32_t tables = skep__min_u32(w->incoming_cap, w->store.table_count);
    for (uint32_t t = 1; status == SKEP_OK && t < tables; t++)
        if (w->incoming[t]) status = skep__rows_prepare(w, w->store.tables[t], w->incoming[t]);
    if (status == SKEP_OK && w->store.types[c->type].noted)
        status = skep__notes_room(w, c->add, moves);
    if (status == SKEP_OK && !skep__leave_begin(w)) status = SKEP_NO_MEMORY;
    for (uint32_t i = 0; status == SKEP_OK && i < n; i++) status = own_one(w, c, entities[i]);
    return status == SKEP_OK ? status : skep__store_fail(w, status);
}

static skep_status many_now(skep_world *w, many_change *c, const skep_entity *entities, uint32_t n)
{
    skep_status status = skep__type_number(w, c->info, &c->type);
    if (status == SKEP_OK) status = many_prepare(w, c, entities, n);
    if (status != SKEP_OK) return status;
    w->dropped += c->skipped;
    const bool quick = !w->store.types[c->type].noted && c->values;
    for (uint32_t i = 0; i < n; i++) {
        if (quick && c->add)
            status = skep__row_add_type(&w->store, entities[i], c->type, value_at(c, i), w->stamp);
        else if (c->add)
            status = skep__alive(&w->store, entities[i])
                         ? skep__now_put(w, entities[i], c->type, value_at(c, i))
                         : SKEP_GONE;
        else
            status = skep__alive(&w->store, entities[i]) ? skep__now_remove(w, entities[i], c->type)
                                                         : SKEP_GONE;
        SKEP_ASSERT(status == SKEP_OK || status == SKEP_GONE);
    }
    return skep__changed(w);
}

/* Where changes wait: one command each, and none of them when one cannot be queued. */
static skep_status many_later(skep_world *w, many_change *c, const skep_entity *entities,
                              uint32_t n)
{
    skep__commands *to = skep__later(w) ? &w->batch : &w->outside;
    const uint32_t used = to->used;
    const uint32_t count = to->count;
    skep_status status = SKEP_OK;
    for (uint32_t i = 0; status == SKEP_OK && i < n; i++) {
        if (!c->info)
            status = skep_entity_destroy(w, entities[i]);
        else if (c->add)
            status = skep_world_add(w, entities[i], c->info, value_at(c, i));
        else
            status = skep_world_remove(w, entities[i], c->info);
        if (status != SKEP_GONE) continue;
        status = SKEP_OK;
        c->skipped++;
    }
    if (status == SKEP_OK)
        w->dropped += c->skipped;
    else
        skep__commands_cut(to, used, count);
    return status;
}

skep_status skep_world_add_many(skep_world *world, const skep_entity *entities, uint32_t n,
                                const skep_component *component, const void *values)
{
    many_change c = {component, 0, true, values, 0};
    if (skep__plain(world) || !component) return many_now(world, &c, entities, n);
    return many_later(world, &c, entities, n);
}

skep_status skep_world_remove_many(skep_world *world, const skep_entity *entities, uint32_t n,
                                   const skep_component *component)
{
    many_change c = {component, 0, false, NULL, 0};
    if (skep__plain(world) || !component) return many_now(world, &c, entities, n);
    return many_later(world, &c, entities, n);
}

skep_status skep_entity_destroy_many(skep_world *world, const skep_entity *entities, size_t n)
{
    many_change c = {NULL, 0, false, NULL, 0};
    if (n > UINT32_MAX / 2u) return skep__world_fail(world, SKEP_ARGUMENT, "%zu entities", n);
    if (!skep__plain(world)) return many_later(world, &c, entities, (uint32_t)n);
    for (size_t i = 0; i < n; i++) c.skipped += !skep__alive(&world->store, entities[i]);
    const skep_status status = skep__now_destroy(world, entities, (uint32_t)n);
    if (status != SKEP_OK) return status;
    world->dropped += c.skipped;
    return skep__changed(world);
}
