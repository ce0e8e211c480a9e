/* SPDX-License-Identifier: MIT */
/* Making entities: from prefabs and parts, one or many, at once or as commands; and shapes, the
 * fast way for one after the other. An entity without a prefab is a spawn of prefab 0, Entity,
 * which is empty. */
#include "core/world/world_parts.h"

#include "core/store/rows.h"

/* What is to be made. */
typedef struct spawn_order {
    uint32_t prefab;
    uint32_t n;
    skep_entity *out; /* or NULL */
    skep__part_set set;
} spawn_order;

/* ---- as commands ----------------------------------------------------------------------------- */

/* One spawn, and what the caller says about it. */
static skep_status queue_one(skep_world *w, const spawn_order *o, skep_entity e, uint32_t i)
{
    skep_status status = skep__queue(w, SKEP_PATCH_SPAWN, o->prefab, e, NULL, NULL);
    for (uint32_t part = 0; status == SKEP_OK && part < o->set.count; part++) {
        if (!o->set.parts[part]) continue;
        const uint32_t type = o->set.types[part];
        status = skep__queue(w, SKEP_PATCH_PUT, type, e, w->store.types[type].info,
                             skep__part_value(w, &o->set, part, i));
    }
    return status;
}

/* Spawns from outside get their handles when they are applied, see skep__outside_prepare. */
static skep_status spawn_outside(skep_world *w, const spawn_order *o)
{
    if (o->out) return skep__busy_fail(w, "entities can be made and their handles known");
    const uint32_t used = w->outside.used;
    const uint32_t count = w->outside.count;
    skep_status status = SKEP_OK;
    for (uint32_t i = 0; status == SKEP_OK && i < o->n; i++)
        status = queue_one(w, o, skep_entity_null(), i);
    if (status != SKEP_OK) skep__commands_cut(&w->outside, used, count);
    return status;
}

static skep_status ids_take_all(skep_world *w, skep_entity *out, uint32_t n)
{
    const uint32_t taken = skep__ids_take(&w->store, n, out);
    if (SKEP_LIKELY(taken == n)) return SKEP_OK;
    const skep_status status = w->store.limit ? SKEP_LIMIT : SKEP_NO_MEMORY;
    (void)skep__store_fail(w, status);
    skep__ids_return(&w->store, out, taken);
    return status;
}

static skep_status spawn_later(skep_world *w, const spawn_order *o)
{
    skep_entity *out = o->out ? o->out : skep__list_room(w, o->n);
    if (!out) return skep__store_fail(w, SKEP_NO_MEMORY);
    skep_status status = ids_take_all(w, out, o->n);
    if (status != SKEP_OK) return status;
    const uint32_t used = w->batch.used;
    const uint32_t count = w->batch.count;
    for (uint32_t i = 0; status == SKEP_OK && i < o->n; i++) status = queue_one(w, o, out[i], i);
    if (status != SKEP_OK) {
        skep__commands_cut(&w->batch, used, count);
        skep__ids_return(&w->store, out, o->n);
    }
    return status;
}

/* ---- at once --------------------------------------------------------------------------------- */

/* Roots with children: all handles first, the roots' before the children's, then all room, then the
 * rows. */
static skep_status spawn_families(skep_world *w, const spawn_order *o)
{
    skep__store *s = &w->store;
    const skep__prefab *p = &w->prefabs[o->prefab];
    const uint64_t all = (uint64_t)o->n * (1u + p->child_count);
    if (all > s->entity_max) {
        s->limit = "entity_max";
        return skep__store_fail(w, SKEP_LIMIT);
    }
    skep_entity *handles = skep__list_room(w, (uint32_t)all);
    if (!handles) return skep__store_fail(w, SKEP_NO_MEMORY);
    skep_status status = skep__children_prepare(w, p, o->n);
    uint32_t id = 0;
    if (status == SKEP_OK) {
        status = skep__table_for(s, o->set.types, o->set.count, &id);
        if (status != SKEP_OK) return skep__store_fail(w, status);
        /* The roots' table may be a child's as well. */
        status = skep__rows_prepare(w, s->tables[id], (uint32_t)all);
    }
    if (status == SKEP_OK)
        status = skep__notes_room(w, true, (uint32_t)all * SKEP_CREATE_MAX * (w->hook_count != 0));
    if (status == SKEP_OK) status = ids_take_all(w, handles, (uint32_t)all);
    if (status != SKEP_OK) return status;
    for (uint32_t i = 0; i < o->n; i++) {
        status = skep__now_take(w, &o->set, handles[i], i);
        SKEP_ASSERT(status == SKEP_OK);
        if (o->out) o->out[i] = handles[i];
    }
    for (uint32_t i = 0; i < o->n; i++)
        skep__children_make(w, p, handles[i], handles + o->n + (size_t)i * p->child_count);
    return status;
}

static skep_status spawn_access(skep_world *w, const spawn_order *o)
{
    const struct skep__system_access *a = w->running;
    if (SKEP_LIKELY(!a)) return SKEP_OK;
    return skep__access_check(w, a->spawn, a->prefab_words, o->prefab, "spawn",
                              w->prefabs[o->prefab].info->name);
}

static skep_status spawn(skep_world *w, spawn_order *o, const skep_part *parts, size_t part_count)
{
    skep_status status = spawn_access(w, o);
    o->set.count = 0;
    if (status == SKEP_OK) status = skep__part_set_prefab(w, &o->set, &w->prefabs[o->prefab]);
    if (status == SKEP_OK) status = skep__part_set_add(w, &o->set, parts, part_count);
    if (status != SKEP_OK || !o->n) return status;
    if (!skep__scratch_room(w, &o->set)) return skep__store_fail(w, SKEP_NO_MEMORY);
    if (skep__later(w)) return spawn_later(w, o);
    if (w->mode == SKEP__WRITE_QUEUE) return spawn_outside(w, o);
    if (w->prefabs[o->prefab].child_count)
        status = spawn_families(w, o);
    else
        status = skep__now_create(w, &o->set, o->n, o->out);
    return status == SKEP_OK ? skep__changed(w) : status;
}

/* ---- public ---------------------------------------------------------------------------------- */

skep_status skep_world_spawn_many(skep_world *world, const skep_component *prefab, uint32_t n,
                                  const skep_part *parts, size_t part_count, skep_entity *entities)
{
    spawn_order o;
    o.n = n;
    o.out = entities;
    const skep_status status = skep__prefab_number(world, prefab, &o.prefab);
    return status == SKEP_OK ? spawn(world, &o, parts, part_count) : status;
}

skep_status skep_world_spawn(skep_world *world, const skep_component *prefab,
                             const skep_part *parts, size_t part_count, skep_entity *entity)
{
    return skep_world_spawn_many(world, prefab, 1, parts, part_count, entity);
}

skep_status skep_entity_create_many(skep_world *world, uint32_t n, const skep_part *parts,
                                    size_t part_count, skep_entity *entities)
{
    spawn_order o;
    o.prefab = 0;
    o.n = n;
    o.out = entities;
    return spawn(world, &o, parts, part_count);
}

skep_status skep_entity_create(skep_world *world, skep_entity *entity)
{
    uint32_t row = 0;
    if (SKEP_UNLIKELY(!skep__plain(world)))
        return skep_entity_create_many(world, 1, NULL, 0, entity);
    const skep_status status =
        skep__row_create(&world->store, world->store.tables[1], entity, &row);
    return SKEP_LIKELY(status == SKEP_OK) ? status : skep__store_fail(world, status);
}

skep_status skep_entity_create_at(skep_world *world, skep_entity entity)
{
    if (world->mode != SKEP__WRITE_NOW || skep__later(world))
        return skep__busy_fail(world, "an entity can be created at a handle");
    skep__table *t = world->store.tables[1];
    skep_status status = skep__rows_prepare(world, t, 1);
    if (status != SKEP_OK) return status;
    status = skep__id_claim(&world->store, entity);
    if (status == SKEP_OK) status = skep__row_add(&world->store, 1, entity, world->stamp);
    if (status == SKEP_OK) {
        skep__children_forget(world); /* somebody may have named this handle before */
        return SKEP_OK;
    }
    if (status == SKEP_EXISTS)
        return skep__world_fail(world, status, "index %u is alive", skep_entity_index(entity));
    return skep__store_fail(world, status);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static skep_status shape_resolve(skep_shape *shape)
{
    skep_world *w = shape->world;
    skep_part parts[sizeof shape->components / sizeof shape->components[0]];
    for (uint32_t i = 0; i < shape->count; i++)
        parts[i] = skep_part_make(shape->components[i], NULL);
    skep__part_set set = {.count = 0};
    skep_status status = skep__part_set_add(w, &set, parts, shape->count);
    if (status != SKEP_OK) return status;
    status = skep__table_for(&w->store, set.types, set.count, &shape->table);
    if (status != SKEP_OK) return skep__store_fail(w, status);
    const skep__layout *l = w->store.tables[shape->table]->layout;
    for (uint32_t i = 0; i < shape->count; i++) {
        const int32_t at = skep__layout_find(l, skep__known(w, shape->components[i]));
        SKEP_ASSERT(at >= 0);
        const uint16_t first = l->first[at];
        shape->first[i] = first == SKEP__NO_COLUMN ? 0 : first;
    }
    shape->generation = w->store.table_generation;
    return SKEP_OK;
}

skep_status skep_shape_init(skep_shape *shape, skep_world *world,
                            const skep_component *const *components, size_t count)
{
    const size_t most = sizeof shape->components / sizeof shape->components[0];
    if (count == 0 || count > most)
        return skep__world_fail(world, SKEP_ARGUMENT, "a shape has 1 to %zu components", most);
    memset(shape, 0, sizeof *shape);
    shape->world = world;
    shape->count = skep__u32(count);
    for (size_t i = 0; i < count; i++) shape->components[i] = components[i];
    return shape_resolve(shape);
}

/* Where the row cannot be handed out: commands, or hooks that may move it. */
static SKEP_NOINLINE skep_status shape_create_slow(skep_shape *shape, skep_row *row)
{
    skep_world *w = shape->world;
    skep_part parts[sizeof shape->components / sizeof shape->components[0]];
    for (uint32_t i = 0; i < shape->count; i++)
        parts[i] = skep_part_make(shape->components[i], NULL);
    row->cells = NULL;
    row->shape = shape;
    row->row = 0;
    return skep_entity_create_many(w, 1, parts, shape->count, &row->entity);
}

#if SKEP_ASSERTS
/* What is not filled shows. */
static void row_poison(const skep__table *t, const skep__line *line, uint32_t row)
{
    for (uint32_t c = 1; c < t->layout->column_count; c++) {
        const size_t bytes = t->layout->columns[c].bytes;
        memset(line->cells[c].data + row * bytes, 0xA5, bytes);
    }
}
#endif

static SKEP_NOINLINE skep_status shape_create_any(skep_shape *shape, skep_row *row)
{
    skep_world *w = shape->world;
    skep__store *s = &w->store;
    if (SKEP_UNLIKELY(shape->generation != s->table_generation)) {
        const skep_status status = shape_resolve(shape);
        if (status != SKEP_OK) return status;
    }
    skep__table *t = s->tables[shape->table];
    if (SKEP_UNLIKELY(!skep__plain(w) || t->layout->noted || t->layout->stamped))
        return shape_create_slow(shape, row);
    uint32_t at = 0;
    const skep_status status = skep__row_create(s, t, &row->entity, &at);
    if (SKEP_UNLIKELY(status != SKEP_OK)) return skep__store_fail(w, status);
    const skep__line *line = skep__line_of(t, at >> t->shift);
    row->cells = line->cells;
    row->shape = shape;
    row->row = at & ((1u << t->shift) - 1u);
#if SKEP_ASSERTS
    row_poison(t, line, row->row);
#endif
    return SKEP_OK;
}

/* The short way has no call in it, so that it has nothing to keep. */
skep_status skep_shape_create(skep_shape *shape, skep_row *row)
{
    if (SKEP_ASSERTS) return shape_create_any(shape, row);
    skep_world *w = shape->world;
    skep__store *s = &w->store;
    if (SKEP_UNLIKELY(shape->generation != s->table_generation || !skep__plain(w)))
        return shape_create_any(shape, row);
    skep__table *t = s->tables[shape->table];
    skep__place there;
    if (SKEP_UNLIKELY(t->layout->noted || t->layout->stamped ||
                      !skep__row_quick_create(s, t, &row->entity, &there)))
        return shape_create_any(shape, row);
    row->cells = there.line->cells;
    row->shape = shape;
    row->row = there.row;
    return SKEP_OK;
}

skep_status skep__row_fill(const skep_row *row, uint32_t part, const void *value)
{
    return skep_world_add(row->shape->world, row->entity, row->shape->components[part], value);
}
