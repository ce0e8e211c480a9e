/* SPDX-License-Identifier: MIT */
/* Entities and their components by call: reading, setting, adding, removing, destroying. Each
 * function tries the short way first, where nothing waits and nobody listens; what is left is in
 * functions of its own, so that the short way stays a few instructions. */
#include "core/world/world_parts.h"

#include "core/store/rows.h"

/* ---- rights ---------------------------------------------------------------------------------- */

static const char *type_name(const skep_world *w, uint32_t type)
{
    return w->store.types[type].info->name;
}

static bool may_read(skep_world *w, uint32_t type)
{
    const struct skep__system_access *a = w->running;
    if (!a) return true;
    if (a->write && type < a->type_words * 64u && (a->write[type / 64u] >> (type % 64u)) & 1u)
        return true;
    return skep__access_check(w, a->read, a->type_words, type, "read", type_name(w, type)) ==
           SKEP_OK;
}

static skep_status may_set(skep_world *w, uint32_t type)
{
    const struct skep__system_access *a = w->running;
    if (SKEP_LIKELY(!a)) return SKEP_OK;
    return skep__access_check(w, a->write, a->type_words, type, "set", type_name(w, type));
}

/* What a `run` spawned itself it may give any component: it is not in storage yet. */
static skep_status may_add(skep_world *w, skep_entity e, uint32_t type)
{
    const struct skep__system_access *a = w->running;
    if (SKEP_LIKELY(!a) || !skep__alive(&w->store, e)) return SKEP_OK;
    return skep__access_check(w, a->add, a->type_words, type, "add", type_name(w, type));
}

static skep_status may_remove(skep_world *w, uint32_t type)
{
    const struct skep__system_access *a = w->running;
    if (SKEP_LIKELY(!a)) return SKEP_OK;
    return skep__access_check(w, a->remove, a->type_words, type, "remove", type_name(w, type));
}

/* Whether a description is a component's; only generic calls can get others. */
static bool is_component(const skep_component *info)
{
    return info && info->kind == SKEP_KIND_COMPONENT;
}

/* ---- reading --------------------------------------------------------------------------------- */

bool skep_entity_alive(skep_world *world, skep_entity entity)
{
    if (SKEP_LIKELY(!world->batch.count)) return skep__alive(&world->store, entity);
    skep__future f;
    skep__future_of(world, entity, SKEP__NO_TYPE, &f);
    return f.alive;
}

/* A value that is still a command is shown as columns of one row. */
static skep__spot spot_shown(skep_world *w, const skep_component *info, const void *value)
{
    static const uint64_t zeros[SKEP_FIELD_BYTES_MAX / 8u];
    for (uint32_t i = 0; i < info->field_count; i++) {
        const uint8_t *at = (const uint8_t *)zeros;
        if (value) at = (const uint8_t *)value + info->fields[i].offset;
        memcpy(&w->shown[i].data, &at, sizeof at); /* a cell's data is not const, the reader's is */
    }
    return (skep__spot){w->shown, 0};
}

skep__spot skep__world_find(skep_world *w, skep_entity e, const skep_component *info)
{
    skep__spot at = {NULL, 0};
    const uint32_t type = skep__known(w, info);
    if (type == SKEP__NO_TYPE || !may_read(w, type)) return at;
    skep__future f;
    skep__future_of(w, e, type, &f);
    if (!f.has) return at;
    if (!f.stored) return spot_shown(w, w->store.types[type].info, f.value);
    at.cell = skep__value_find(&w->store, e, type, &at.row);
    return at;
}

bool skep_world_has(skep_world *world, skep_entity entity, const skep_component *component)
{
    return is_component(component) && skep__spot_of(world, entity, component).cell != NULL;
}

bool skep_world_get(skep_world *world, skep_entity entity, const skep_component *component,
                    void *value)
{
    if (!is_component(component)) return false;
    const skep__spot at = skep__spot_of(world, entity, component);
    if (!at.cell) return false;
    if (component->field_count) skep__value_load(component, at.cell, at.row, value);
    return true;
}

skep_lookup skep_world_lookup(skep_world *world, const skep_component *component)
{
    skep_lookup lookup;
    memset(&lookup, 0, sizeof lookup);
    const uint32_t type = is_component(component) ? skep__known(world, component) : SKEP__NO_TYPE;
    if (type == SKEP__NO_TYPE || !may_read(world, type)) return lookup;
    lookup.index = world->store.index;
    lookup.dir = world->store.types[type].dir;
    lookup.index_count = world->store.queue.index_count;
    return lookup;
}

/* ---- setting --------------------------------------------------------------------------------- */

static skep_status lacks_fail(skep_world *w, skep_entity e, const skep_component *info)
{
    return skep__world_fail(w, SKEP_NOT_FOUND, "entity %u has no %s", skep_entity_index(e),
                            info && info->name ? info->name : "such component");
}

/* Owns a value for writing; *cell is NULL where a command must do it. */
static skep_status own(skep_world *w, skep_entity e, uint32_t type, const skep__cell **cell,
                       uint32_t *row)
{
    const skep_component *info = w->store.types[type].info;
    const bool in_place = may_set(w, type) == SKEP_OK;
    if (!in_place && may_add(w, e, type) != SKEP_OK) return SKEP_ACCESS;
    if (w->mode == SKEP__WRITE_QUEUE && !w->firing) return SKEP_OK;
    if (w->batch.count || !in_place) {
        skep__future f;
        skep__future_of(w, e, type, &f);
        if (!f.alive) return skep__gone_fail(w, e);
        if (!f.has) return lacks_fail(w, e, info);
        if (!f.stored || !in_place) return SKEP_OK;
    }
    const skep_status status = skep__value_own(&w->store, e, type, w->stamp, cell, row);
    if (status == SKEP_GONE) return skep__gone_fail(w, e);
    if (status == SKEP_NOT_FOUND) return lacks_fail(w, e, info);
    if (status != SKEP_OK) return skep__store_fail(w, status);
    if (type == w->parent_type) skep__children_touch(w, e);
    return SKEP_OK;
}

skep_status skep_world_set(skep_world *world, skep_entity entity, const skep_component *component,
                           const void *value)
{
    const skep__cell *cell = NULL;
    uint32_t row = 0;
    const uint32_t type = is_component(component) ? skep__known(world, component) : SKEP__NO_TYPE;
    if (type == SKEP__NO_TYPE) return lacks_fail(world, entity, component);
    const skep_status status = own(world, entity, type, &cell, &row);
    if (status != SKEP_OK) return status;
    if (!cell) return skep__queue(world, SKEP_PATCH_SET, type, entity, component, value);
    for (uint32_t f = 0; !value && f < component->field_count; f++) {
        const size_t bytes = world->store.types[type].column_bytes[f];
        memset(cell[f].data + row * bytes, 0, bytes);
    }
    if (value) skep__value_store(component, cell, row, value);
    return SKEP_OK;
}

/* ---- adding and removing --------------------------------------------------------------------- */

skep_status skep__world_row_add(skep_world *world, skep_entity entity, uint32_t type,
                                const void *value)
{
    return skep__row_add_type(&world->store, entity, type, value, world->stamp);
}

skep_status skep__world_row_remove(skep_world *world, skep_entity entity, uint32_t type)
{
    return skep__row_remove_type(&world->store, entity, type);
}

/* Whether the entity will be alive; commands are asked only where one of them could have changed
 * that. */
static bool will_be_alive(skep_world *w, skep_entity e)
{
    return w->batch.lives ? skep_entity_alive(w, e) : skep__alive(&w->store, e);
}

/* Queues a PUT of 8 bytes or a REMOVE where that takes nothing but writing it down: the plain
 * `run`. */
SKEP_INLINE bool queue_quick(skep_world *w, skep_patch_kind kind, uint32_t type, skep_entity e,
                             const void *value)
{
    if (w->mode != SKEP__WRITE_BATCH || w->running || w->batch.lives || !skep__alive(&w->store, e))
        return false;
    uint8_t *to = skep__command_push(w, &w->batch, kind, type, e, value ? 8u : 0u);
    if (to && value) memcpy(to, value, 8);
    return to != NULL;
}

static SKEP_NOINLINE skep_status value_add_slow(skep_world *w, skep_entity e,
                                                const skep_component *component, const void *value)
{
    uint32_t type = 0;
    skep_status status = skep__type_number(w, component, &type);
    if (status != SKEP_OK) return status;
    if (may_add(w, e, type) != SKEP_OK) {
        /* Setting what is there needs no more than the right to set. */
        uint32_t row = 0;
        const bool has = skep__value_find(&w->store, e, type, &row) != NULL;
        if (!has || may_set(w, type) != SKEP_OK) return SKEP_ACCESS;
        return skep_world_set(w, e, component, value);
    }
    if (skep__later(w)) {
        if (!will_be_alive(w, e)) return skep__gone_fail(w, e);
        return skep__queue(w, SKEP_PATCH_PUT, type, e, component, value);
    }
    if (w->mode == SKEP__WRITE_QUEUE)
        return skep__queue(w, SKEP_PATCH_PUT, type, e, component, value);
    status = skep__now_put(w, e, type, value);
    return status == SKEP_OK ? skep__changed(w) : status;
}

static SKEP_NOINLINE skep_status add_any(skep_world *world, skep_entity entity,
                                         const skep_component *component, const void *value)
{
    const uint32_t type = is_component(component) ? skep__known(world, component) : SKEP__NO_TYPE;
    if (SKEP_LIKELY(type != SKEP__NO_TYPE && value && skep__plain(world) &&
                    !world->store.types[type].noted)) {
        const skep_status status =
            skep__row_add_type(&world->store, entity, type, value, world->stamp);
        if (SKEP_LIKELY(status == SKEP_OK)) return status;
        if (status == SKEP_GONE) return skep__gone_fail(world, entity);
        return skep__store_fail(world, status);
    }
    if (type != SKEP__NO_TYPE && value && world->store.types[type].packed4 == 2 &&
        queue_quick(world, SKEP_PATCH_PUT, type, entity, value))
        return SKEP_OK;
    return value_add_slow(world, entity, component, value);
}

/* The component's number where it is known by this address, and changes are made at once. Without a
 * call, so that what leads to the quick ways has nothing to keep. */
SKEP_INLINE uint32_t quick_number(skep_world *w, const skep_component *component)
{
    const skep__known_entry *k = skep__known_place(w, component);
    return SKEP_LIKELY(k->info == component && k->type && skep__plain(w)) ? k->number
                                                                          : SKEP__NO_TYPE;
}

skep_status skep_world_add(skep_world *world, skep_entity entity, const skep_component *component,
                           const void *value)
{
    const uint32_t type = quick_number(world, component);
    if (SKEP_LIKELY(type != SKEP__NO_TYPE && value &&
                    skep__row_quick(&world->store, entity, type, true, value)))
        return SKEP_OK;
    return add_any(world, entity, component, value);
}

static SKEP_NOINLINE skep_status value_remove_slow(skep_world *w, skep_entity e,
                                                   const skep_component *component)
{
    uint32_t type = 0;
    skep_status status = skep__type_number(w, component, &type);
    if (status == SKEP_OK) status = may_remove(w, type);
    if (status != SKEP_OK) return status;
    if (skep__later(w)) {
        if (!will_be_alive(w, e)) return skep__gone_fail(w, e);
        return skep__queue(w, SKEP_PATCH_REMOVE, type, e, NULL, NULL);
    }
    if (w->mode == SKEP__WRITE_QUEUE) return skep__queue(w, SKEP_PATCH_REMOVE, type, e, NULL, NULL);
    status = skep__now_remove(w, e, type);
    return status == SKEP_OK ? skep__changed(w) : status;
}

static SKEP_NOINLINE skep_status remove_any(skep_world *world, skep_entity entity,
                                            const skep_component *component)
{
    const uint32_t type = is_component(component) ? skep__known(world, component) : SKEP__NO_TYPE;
    if (SKEP_LIKELY(type != SKEP__NO_TYPE && skep__plain(world) &&
                    !world->store.types[type].noted)) {
        const skep_status status = skep__row_remove_type(&world->store, entity, type);
        if (SKEP_LIKELY(status == SKEP_OK)) return status;
    }
    if (type != SKEP__NO_TYPE && queue_quick(world, SKEP_PATCH_REMOVE, type, entity, NULL))
        return SKEP_OK;
    return value_remove_slow(world, entity, component);
}

skep_status skep_world_remove(skep_world *world, skep_entity entity,
                              const skep_component *component)
{
    const uint32_t type = quick_number(world, component);
    if (SKEP_LIKELY(type != SKEP__NO_TYPE &&
                    skep__row_quick(&world->store, entity, type, false, NULL)))
        return SKEP_OK;
    return remove_any(world, entity, component);
}

/* ---- destroying ------------------------------------------------------------------------------ */

static SKEP_NOINLINE skep_status value_destroy_slow(skep_world *w, skep_entity e)
{
    const struct skep__system_access *a = w->running;
    if (a && !a->destroy)
        return skep__world_fail(w, SKEP_ACCESS,
                                "system \"%s\" did not declare that it may destroy entities",
                                a->system);
    if (skep__later(w)) {
        if (!will_be_alive(w, e)) return skep__gone_fail(w, e);
        return skep__queue(w, SKEP_PATCH_DESTROY, SKEP_PATCH_NO_SLOT, e, NULL, NULL);
    }
    if (w->mode == SKEP__WRITE_QUEUE)
        return skep__queue(w, SKEP_PATCH_DESTROY, SKEP_PATCH_NO_SLOT, e, NULL, NULL);
    if (!skep__alive(&w->store, e)) return skep__gone_fail(w, e);
    const skep_status status = skep__now_destroy(w, &e, 1);
    return status == SKEP_OK ? skep__changed(w) : status;
}

static SKEP_NOINLINE skep_status destroy_any(skep_world *world, skep_entity entity)
{
    skep__store *s = &world->store;
    const uint64_t r = skep__record_of(s, entity);
    if (SKEP_LIKELY(r && skep__plain(world) && !skep__children_any(world, entity) &&
                    !s->tables[skep__record_table(r)]->layout->noted)) {
        const skep_status status = skep__row_destroy(s, entity);
        return SKEP_LIKELY(status == SKEP_OK) ? status : skep__store_fail(world, status);
    }
    return value_destroy_slow(world, entity);
}

/* The short way, without a call: there are no children in this world, and nobody listens. */
skep_status skep_entity_destroy(skep_world *world, skep_entity entity)
{
    skep__store *s = &world->store;
    const uint64_t r = skep__record_of(s, entity);
    if (SKEP_LIKELY(r && skep__plain(world) && !world->children &&
                    !s->tables[skep__record_table(r)]->layout->noted &&
                    skep__row_quick_destroy(s, entity, r)))
        return SKEP_OK;
    return destroy_any(world, entity);
}
