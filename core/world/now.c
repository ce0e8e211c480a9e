/* SPDX-License-Identifier: MIT */
/* Immediate changes. Each makes room and owns everything that it will write first, and changes the
 * world only when nothing can fail any more. Who listens (hooks, `removed`, the cache of children)
 * is told on the way; the hooks themselves are called by whoever called this. */
#include "core/world/world_parts.h"

/* ---- room ------------------------------------------------------------------------------------ */

skep_status skep__rows_prepare(skep_world *w, skep__table *t, uint32_t extra)
{
    skep__store *s = &w->store;
    skep_status status = skep__table_reserve(s, t, extra);
    if (!extra) return SKEP_OK;
    const uint32_t last = (t->row_count + extra - 1u) >> t->shift;
    for (uint32_t b = t->row_count >> t->shift; status == SKEP_OK && b <= last; b++)
        status = skep__own_line(s, t, b);
    return status == SKEP_OK ? status : skep__store_fail(w, status);
}

bool skep__leave_begin(skep_world *w)
{
    const uint32_t count = w->store.table_count;
    if (!skep__array_grow(&w->store.allocator, (void **)&w->leaving, &w->leaving_cap, count,
                          sizeof *w->leaving))
        return false;
    memset(w->leaving, 0, count * sizeof *w->leaving);
    return true;
}

/* As many rows as leave a table are moved from its end, at most, whatever the order. */
bool skep__leave_prepare(skep_world *w, skep_entity e)
{
    skep__store *s = &w->store;
    const uint64_t r = skep__record_of(s, e);
    const uint32_t id = skep__record_table(r);
    skep__table *t = s->tables[id];
    if (w->leaving[id] < t->row_count) w->leaving[id]++;
    const uint32_t tail = t->row_count - w->leaving[id];
    const void *ids = skep__line_of(t, tail >> t->shift)->cells[0].data;
    const skep_entity moved = ((const skep_entity *)ids)[tail & ((1u << t->shift) - 1u)];
    return skep__own_line(s, t, skep__record_row(r) >> t->shift) == SKEP_OK &&
           skep__own_line(s, t, tail >> t->shift) == SKEP_OK &&
           skep__own_index(s, skep_entity_index(e)) == SKEP_OK &&
           skep__own_index(s, skep_entity_index(moved)) == SKEP_OK;
}

/* The most notes that `count` entities of a layout give when they come or go. */
static uint32_t note_count(const skep__layout *l, uint32_t count)
{
    return l->noted ? l->type_count * count : 0;
}

/* Tells who listens that an entity came or went with all its components. There is room. */
static void layout_note(skep_world *w, const skep__layout *l, skep_entity e, bool added)
{
    if (SKEP_LIKELY(!l->noted)) return;
    for (uint32_t i = 0; i < l->type_count; i++) {
        const uint32_t type = l->types[i];
        if (!w->store.types[type].noted) continue;
        const skep_status status = skep__world_note(w, e, type, added);
        SKEP_ASSERT(status == SKEP_OK);
        (void)status;
        if (added && type == w->parent_type) skep__children_touch(w, e);
    }
}

/* ---- creating -------------------------------------------------------------------------------- */

skep_status skep__now_create(skep_world *w, const skep__part_set *set, uint32_t n, skep_entity *out)
{
    skep__store *s = &w->store;
    uint32_t id = 0;
    skep_status status = skep__table_for(s, set->types, set->count, &id);
    if (status != SKEP_OK) return skep__store_fail(w, status);
    status = skep__notes_room(w, true, note_count(s->tables[id]->layout, n));
    if (status != SKEP_OK) return status;
    if (!skep__scratch_room(w, set)) return skep__store_fail(w, SKEP_NO_MEMORY);
    status = skep__rows_create(s, id, n, out, w->stamp);
    if (status != SKEP_OK) return skep__store_fail(w, status);
    skep__table *t = s->tables[id];
    const uint32_t first = t->row_count - n;
    skep__part_set_fill(w, set, t, first, 0, n);
    if (SKEP_LIKELY(!t->layout->noted)) return SKEP_OK;
    for (uint32_t row = first; row < t->row_count; row++) {
        const void *ids = skep__line_of(t, row >> t->shift)->cells[0].data;
        layout_note(w, t->layout, ((const skep_entity *)ids)[row & ((1u << t->shift) - 1u)], true);
    }
    return SKEP_OK;
}

skep_status skep__now_take(skep_world *w, const skep__part_set *set, skep_entity taken,
                           uint32_t number)
{
    skep__store *s = &w->store;
    uint32_t id = 0;
    skep_status status = skep__table_for(s, set->types, set->count, &id);
    if (status != SKEP_OK) return skep__store_fail(w, status);
    status = skep__notes_room(w, true, note_count(s->tables[id]->layout, 1));
    if (status != SKEP_OK) return status;
    if (!skep__scratch_room(w, set)) return skep__store_fail(w, SKEP_NO_MEMORY);
    status = skep__row_add(s, id, taken, w->stamp);
    if (status != SKEP_OK) return skep__store_fail(w, status);
    skep__table *t = s->tables[id];
    skep__part_set_fill(w, set, t, t->row_count - 1u, number, 1);
    layout_note(w, t->layout, taken, true);
    return SKEP_OK;
}

/* ---- one component --------------------------------------------------------------------------- */

skep_status skep__now_set(skep_world *w, skep_entity e, uint32_t type, const void *value)
{
    const skep__type *known = &w->store.types[type];
    const skep__cell *cell = NULL;
    uint32_t row = 0;
    const skep_status status = skep__value_own(&w->store, e, type, w->stamp, &cell, &row);
    if (SKEP_UNLIKELY(status != SKEP_OK)) {
        if (status == SKEP_GONE) return skep__gone_fail(w, e);
        if (status != SKEP_NOT_FOUND) return skep__store_fail(w, status);
        return skep__world_fail(w, status, "entity %u has no %s", skep_entity_index(e),
                                known->info->name);
    }
    if (value) {
        skep__value_store(known->info, cell, row, value);
    } else {
        for (uint32_t f = 0; f < known->info->field_count; f++)
            memset(cell[f].data + (size_t)row * known->column_bytes[f], 0, known->column_bytes[f]);
    }
    if (SKEP_UNLIKELY(type == w->parent_type)) skep__children_touch(w, e);
    return SKEP_OK;
}

skep_status skep__now_put(skep_world *w, skep_entity e, uint32_t type, const void *value)
{
    skep__store *s = &w->store;
    uint32_t row = 0;
    if (SKEP_UNLIKELY(!skep__alive(s, e))) return skep__gone_fail(w, e);
    if (skep__value_find(s, e, type, &row)) return skep__now_set(w, e, type, value);
    skep_status status = skep__notes_room(w, true, s->types[type].noted);
    if (status != SKEP_OK) return status;
    status = skep__row_add_type(s, e, type, value, w->stamp);
    if (status != SKEP_OK) return skep__store_fail(w, status);
    if (SKEP_LIKELY(!s->types[type].noted)) return SKEP_OK;
    if (type == w->parent_type) skep__children_touch(w, e);
    return skep__world_note(w, e, type, true);
}

skep_status skep__now_remove(skep_world *w, skep_entity e, uint32_t type)
{
    skep__store *s = &w->store;
    uint32_t row = 0;
    if (SKEP_UNLIKELY(!skep__alive(s, e))) return skep__gone_fail(w, e);
    if (!skep__value_find(s, e, type, &row)) return SKEP_OK;
    skep_status status = skep__notes_room(w, false, s->types[type].noted);
    if (status != SKEP_OK) return status;
    status = skep__row_remove_type(s, e, type);
    if (status != SKEP_OK) return skep__store_fail(w, status);
    if (SKEP_LIKELY(!s->types[type].noted)) return SKEP_OK;
    return skep__world_note(w, e, type, false);
}

/* ---- destroying ------------------------------------------------------------------------------ */

/* Owns what destroying these living entities writes; the free queue runs through their records. */
static skep_status destroy_prepare(skep_world *w, const skep_entity *entities, uint32_t n)
{
    skep__store *s = &w->store;
    uint32_t notes = 0;
    bool good =
        skep__leave_begin(w) && (!s->queue.count || skep__own_index(s, s->queue.tail) == SKEP_OK);
    for (uint32_t i = 0; good && i < n; i++) {
        good = skep__leave_prepare(w, entities[i]);
        const uint64_t r = skep__record_of(s, entities[i]);
        notes += note_count(s->tables[skep__record_table(r)]->layout, 1);
    }
    return good ? skep__notes_room(w, false, notes) : skep__store_fail(w, SKEP_NO_MEMORY);
}

static void destroy_one(skep_world *w, skep_entity e)
{
    skep__store *s = &w->store;
    const skep__table *t = s->tables[skep__record_table(skep__record_of(s, e))];
    const skep_status status = skep__row_destroy(s, e);
    SKEP_ASSERT(status == SKEP_OK);
    (void)status;
    layout_note(w, t->layout, e, false);
}

skep_status skep__now_destroy(skep_world *w, const skep_entity *entities, uint32_t n)
{
    const skep_entity *all = NULL;
    uint32_t count = 0;
    skep_status status = skep__children_below(w, entities, n, &all, &count);
    if (status == SKEP_OK) status = destroy_prepare(w, all, count);
    if (status != SKEP_OK) return status;
    for (uint32_t i = 0; i < count; i++) destroy_one(w, all[i]);
    return SKEP_OK;
}
