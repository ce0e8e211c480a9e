/* SPDX-License-Identifier: MIT */
/* Prepare: room for all rows that will come, and ownership of all that will be written. After it
 * nothing can fail. Owning copies blocks that snapshots hold and changes no value, so a failure
 * here leaves the world as it was. */
#include "core/data/apply_internal.h"

bool skep__apply_has_parents(const skep_world *w)
{
    if (w->parent_type == SKEP__NO_TYPE) return false;
    const skep__type *t = &w->store.types[w->parent_type];
    for (uint32_t i = 1; i < w->store.table_count; i++)
        if (t->dir[i].cells && w->store.tables[i]->row_count) return true;
    return false;
}

/* ---- children of prefabs --------------------------------------------------------------------- */

static skep_status child_push(skep__apply_state *a, uint32_t prefab, skep_entity parent)
{
    skep__child child = {{0}, parent, prefab, 0};
    if (skep__prefab_table(a->w, prefab, &child.table) != SKEP_OK) return SKEP_NO_MEMORY;
    skep__store *s = &a->w->store;
    if (skep__layout_find(s->tables[child.table]->layout, a->w->parent_type) < 0) {
        skep__edge *e = NULL;
        const skep_status status = skep__edge_get(s, child.table, a->w->parent_type, true, &e);
        if (status != SKEP_OK) return status;
        child.table = e->to;
    }
    if (!skep__apply_room(a, (void **)&a->children, &a->child_cap, a->child_count + 1,
                          sizeof *a->children))
        return SKEP_NO_MEMORY;
    if (skep__ids_take(s, 1, &child.entity) == 0)
        return skep__world_fail(a->w, s->limit ? SKEP_LIMIT : SKEP_NO_MEMORY,
                                "entity_max is %u: no room for the children of a prefab",
                                s->entity_max);
    a->children[a->child_count++] = child;
    return SKEP_OK;
}

/* Takes handles for all that the spawned prefabs bring along. */
static skep_status children_take(skep__apply_state *a)
{
    for (uint32_t i = 0; i < a->change_count; i++) {
        const skep__change c = a->changes[i];
        const uint32_t prefab = skep__change_number(c);
        if (skep__change_kind(c) != SKEP_PATCH_SPAWN || prefab == SKEP__CHANGE_NO_NUMBER) continue;
        const skep__prefab *p = &a->w->prefabs[prefab];
        const uint32_t first = a->child_count;
        for (uint32_t k = 0; k < p->child_count; k++) {
            const skep__prefab_node *node = &p->children[k];
            const skep_entity parent = node->parent ? a->children[first + node->parent - 1u].entity
                                                    : skep__change_entity(c);
            const skep_status status = child_push(a, node->prefab, parent);
            if (status != SKEP_OK) return status;
        }
    }
    return SKEP_OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Makes room in every table that rows will come to, and owns their lines. */
static skep_status incoming_prepare(skep__apply_state *a)
{
    skep__store *s = &a->w->store;
    for (uint32_t i = 0; i < a->child_count; i++) {
        const uint32_t table = a->children[i].table;
        if (!skep__apply_room(a, (void **)&a->incoming, &a->incoming_cap, s->table_count,
                              sizeof *a->incoming))
            return SKEP_NO_MEMORY;
        a->incoming[table]++;
    }
    const uint32_t count = skep__min_u32(a->incoming_cap, s->table_count);
    for (uint32_t i = 1; i < count; i++) {
        const uint32_t rows = a->incoming[i];
        if (!rows) continue;
        skep__table *t = s->tables[i];
        const skep_status status = skep__table_reserve(s, t, rows);
        if (status != SKEP_OK) return status;
        const uint32_t last = (t->row_count + rows - 1u) >> t->shift;
        for (uint32_t b = t->row_count >> t->shift; b <= last; b++)
            if (skep__own_line(s, t, b) != SKEP_OK) return SKEP_NO_MEMORY;
        if (t->layout->noted) a->note_most += rows * t->layout->type_count;
    }
    return SKEP_OK;
}

/* Owns every index page where there are at least as many changes as pages; else they are owned one
 * by one. */
static skep_status pages_prepare(skep__apply_state *a)
{
    skep__store *s = &a->w->store;
    const uint32_t used = s->queue.index_count;
    const uint32_t pages = (used + (1u << SKEP__INDEX_PAGE_SHIFT) - 1u) >> SKEP__INDEX_PAGE_SHIFT;
    a->pages_owned = a->change_count >= pages;
    if (!a->pages_owned) return SKEP_OK;
    for (uint32_t i = 0; i < pages; i++)
        if (skep__own_index(s, i << SKEP__INDEX_PAGE_SHIFT) != SKEP_OK) return SKEP_NO_MEMORY;
    return SKEP_OK;
}

static skep_status index_prepare(skep__apply_state *a, skep_entity e)
{
    return a->pages_owned ? SKEP_OK : skep__own_index(&a->w->store, skep_entity_index(e));
}

/* Owns the columns, and stamps, of the types that the changes of a row name. */
static skep_status values_prepare(skep__apply_state *a, skep__table *t, uint32_t block,
                                  const skep__run_of *run)
{
    skep__store *s = &a->w->store;
    const uint32_t keys = run->kind == SKEP__RUN_STAY ? 1u : run->count;
    for (uint32_t i = run->first; i < run->first + keys; i++) {
        const uint32_t number = skep__change_number(skep__key_change(a, a->sorted[i]));
        const int32_t at = skep__layout_find(t->layout, number);
        if (at < 0) continue;
        const uint32_t fields = s->types[number].info->field_count;
        for (uint32_t f = 0; f < fields; f++)
            if (skep__own_cell(s, t, block, t->layout->first[at] + f) != SKEP_OK)
                return SKEP_NO_MEMORY;
        const uint32_t stamps = t->layout->stamps[at];
        if (stamps != SKEP__NO_COLUMN && skep__own_cell(s, t, block, stamps) != SKEP_OK)
            return SKEP_NO_MEMORY;
    }
    return SKEP_OK;
}

/* Owns what one run writes in its source table: lines of holes, or columns of values. */
static skep_status run_own(skep__apply_state *a, const skep__run_of *run)
{
    skep__store *s = &a->w->store;
    const uint64_t key = a->sorted[run->first];
    skep__table *t = s->tables[skep__key_table(key)];
    const uint32_t row = skep__key_row(key);
    const bool one = run->kind == SKEP__RUN_GROUP || run->kind == SKEP__RUN_DIE;
    const uint32_t rows = one ? 1u : run->count;
    const bool leaves = run->to != t->id;
    for (uint32_t b = row >> t->shift; b <= (row + rows - 1u) >> t->shift; b++) {
        const skep_status status = leaves ? skep__own_line(s, t, b) : values_prepare(a, t, b, run);
        if (status != SKEP_OK) return status;
    }
    if (!leaves) return SKEP_OK;
    if (t->layout->noted) a->note_most += rows * t->layout->type_count;
    for (uint32_t i = 0; i < rows && !a->pages_owned; i++) {
        const skep__change c = skep__key_change(a, a->sorted[run->first + i]);
        if (index_prepare(a, skep__change_entity(c)) != SKEP_OK) return SKEP_NO_MEMORY;
    }
    if (run->to != 0) return SKEP_OK;
    return skep__id_free_prepare(s,
                                 skep_entity_index(skep__change_entity(skep__key_change(a, key))));
}

/* Owns the records of the rows at a table's end, which will fill `holes` holes. */
static skep_status tail_prepare(skep__apply_state *a, const skep__table *t, uint32_t holes)
{
    const uint32_t first = t->row_count - skep__min_u32(holes, t->row_count);
    for (uint32_t row = first; row < t->row_count && !a->pages_owned; row++) {
        const skep__line *line = skep__line_of(t, row >> t->shift);
        const skep_entity e = {skep__id_at(line, row & ((1u << t->shift) - 1u))};
        if (index_prepare(a, e) != SKEP_OK) return SKEP_NO_MEMORY;
    }
    return SKEP_OK;
}

static skep_status runs_prepare(skep__apply_state *a)
{
    uint32_t table = 0, leaving = 0;
    for (uint32_t i = 0; i < a->run_count; i++) {
        const skep__run_of *run = &a->runs[i];
        const uint32_t here = skep__key_table(a->sorted[run->first]);
        if (here == 0) { /* spawned: ids_take owned its page once, the epoch may have been raised */
            const skep__change c = skep__key_change(a, a->sorted[run->first]);
            const uint32_t index = skep_entity_index(skep__change_entity(c));
            if (skep__own_index(&a->w->store, index) != SKEP_OK ||
                skep__id_free_prepare(&a->w->store, index) != SKEP_OK)
                return SKEP_NO_MEMORY;
            continue;
        }
        if (here != table) leaving = 0;
        table = here;
        if (run_own(a, run) != SKEP_OK) return SKEP_NO_MEMORY;
        const bool one = run->kind == SKEP__RUN_GROUP || run->kind == SKEP__RUN_DIE;
        if (run->to != here) leaving += one ? 1u : run->count;
        const bool last =
            i + 1 == a->run_count || skep__key_table(a->sorted[a->runs[i + 1].first]) != here;
        if (last && tail_prepare(a, a->w->store.tables[here], leaving) != SKEP_OK)
            return SKEP_NO_MEMORY;
        if (!skep__apply_room(a, (void **)&a->gone, &a->gone_cap, leaving, sizeof *a->gone))
            return SKEP_NO_MEMORY;
    }
    return SKEP_OK;
}

/* ---- all else -------------------------------------------------------------------------------- */

/* Room for events and ownership of resources. */
static skep_status others_prepare(skep__apply_state *a)
{
    skep_world *w = a->w;
    for (uint32_t c = 0; c < w->channel_count; c++) {
        uint32_t count = w->channels[c].removed ? a->note_most : 0;
        for (uint32_t i = 0; i < a->other_count; i++)
            count += a->others[i].kind == SKEP_PATCH_EVENT && a->others[i].number == c;
        if (count && skep__channel_reserve(w, c, count) != SKEP_OK) return SKEP_NO_MEMORY;
    }
    for (uint32_t i = 0; i < a->other_count; i++) {
        if (a->others[i].kind != SKEP_PATCH_RESOURCE) continue;
        skep__blob *b = &w->resources[a->others[i].number].value;
        const uint32_t bytes = skep__max_u32(b->bytes, a->others[i].header->bytes);
        if (!skep__blob_write(&w->store, b, bytes)) return SKEP_NO_MEMORY;
    }
    if (w->hook_count == 0) return SKEP_OK;
    return skep__apply_room(a, (void **)&w->notes, &w->note_cap, w->note_count + a->note_most,
                            sizeof *w->notes)
               ? SKEP_OK
               : SKEP_NO_MEMORY;
}

/* Room for the plan of columns that two layouts share: at most as many as one layout can have. */
static skep_status pair_prepare(skep__apply_state *a)
{
    if (a->from_column) return SKEP_OK;
    const size_t bytes = 2u * SKEP__LAYOUT_COLUMNS_MAX * sizeof *a->from_column;
    a->from_column = skep__alloc(&a->w->store.allocator, bytes, 16);
    if (!a->from_column) return SKEP_NO_MEMORY;
    a->to_column = a->from_column + SKEP__LAYOUT_COLUMNS_MAX;
    return SKEP_OK;
}

skep_status skep__apply_prepare(skep__apply_state *a)
{
    a->note_most = 0;
    a->pair_from = NULL;
    skep_status status = pair_prepare(a);
    if (status == SKEP_OK) status = children_take(a);
    if (status == SKEP_OK) status = incoming_prepare(a);
    if (status == SKEP_OK) status = pages_prepare(a);
    if (status == SKEP_OK) status = runs_prepare(a);
    if (status == SKEP_OK) status = others_prepare(a);
    if (status == SKEP_OK && a->any_destroy &&
        !skep__apply_room(a, (void **)&a->dead, &a->dead_cap, a->change_count, sizeof *a->dead))
        status = SKEP_NO_MEMORY;
    return status;
}
