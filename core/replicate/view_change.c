/* SPDX-License-Identifier: MIT */
/* What is not as it was in the picture before: sets of components, told from the classes of two
 * states by the blocks that they do not share, and values, by comparing the rows of two pictures.
 */
#include "core/replicate/view_internal.h"

/* ---- components ------------------------------------------------------------------------------ */

/* For the two walks: who left a place, then who came to one. */
typedef struct change_walk {
    skep_view *view;
    const skep__client_state *state;
} change_walk;

static uint64_t change_set(const change_walk *w, uint32_t entry)
{
    return w->view->layouts[w->state->entries[entry].class->layout].code.components;
}

static void change_gone(void *ctx, uint64_t entity, uint32_t entry, uint32_t slot)
{
    const change_walk *w = ctx;
    skep_view *view = w->view;
    (void)slot;
    skep__view_map_add(&view->moved, entity, view->change_count, 0);
    view->changes[view->change_count++] = (skep_view_change){{entity}, change_set(w, entry), 0};
}

static void change_come(void *ctx, uint64_t entity, uint32_t entry, uint32_t slot)
{
    const change_walk *w = ctx;
    skep_view *view = w->view;
    const skep__view_place *place = skep__view_map_find(&view->moved, entity);
    (void)slot;
    if (place)
        view->changes[place->a].after = change_set(w, entry);
    else
        view->changes[view->change_count++] = (skep_view_change){{entity}, 0, change_set(w, entry)};
}

bool skep__client_changes_find(skep_view *view, const skep__client_state *before,
                               const skep__client_state *after)
{
    const uint32_t gone = skep__client_moved(after, before, NULL, NULL);
    const uint32_t come = skep__client_moved(before, after, NULL, NULL);
    if (!skep__array_grow(&view->allocator, (void **)&view->changes, &view->change_cap, gone + come,
                          sizeof *view->changes) ||
        !skep__view_map_begin(&view->moved, gone, &view->allocator))
        return false;
    change_walk old = {view, before};
    change_walk now = {view, after};
    view->change_count = 0;
    (void)skep__client_moved(after, before, change_gone, &old);
    (void)skep__client_moved(before, after, change_come, &now);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < view->change_count; i++)
        if (view->changes[i].before != view->changes[i].after)
            view->changes[kept++] = view->changes[i];
    view->change_count = kept;
    return true;
}

const skep_view_change *skep_view_changes(const skep_view *view, uint32_t *count)
{
    *count = view->change_count;
    return view->changes;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* The columns of one component in one layout. */
typedef struct change_columns {
    const skep__client_field *fields;
    uint32_t count;
} change_columns;

static change_columns change_columns_of(const skep__client_layout *layout, uint32_t number)
{
    change_columns c = {NULL, 0};
    for (uint32_t i = 0; i < layout->field_count; i++) {
        if (layout->fields[i].replica != number) continue;
        if (!c.count) c.fields = &layout->fields[i];
        c.count++;
    }
    return c;
}

static bool change_row_differs(const skep__client_table *a, change_columns in_a, uint32_t row_a,
                               const skep__client_table *b, change_columns in_b, uint32_t row_b)
{
    for (uint32_t i = 0; i < in_a.count; i++) {
        const size_t bytes = in_a.fields[i].row_bytes;
        if (memcmp(skep__client_column(a, &in_a.fields[i]) + row_a * bytes,
                   skep__client_column(b, &in_b.fields[i]) + row_b * bytes, bytes) != 0)
            return true;
    }
    return false;
}

static bool change_same_place(const skep__client_picture *before, uint32_t table, uint32_t row,
                              uint64_t entity)
{
    if (table >= before->table_count || row >= before->tables[table].row_count) return false;
    return ((const uint64_t *)(const void *)before->tables[table].memory)[row] == entity;
}

/* Adds those of one table whose values differ. */
static uint32_t change_table(skep_view *view, uint32_t number, uint32_t t, uint32_t count)
{
    const skep__client_picture *before = &view->pictures[view->shown ^ 1u];
    const skep__client_table *table = &view->pictures[view->shown].tables[t];
    const change_columns columns = change_columns_of(&view->layouts[t], number);
    const uint64_t *ids = (const uint64_t *)(const void *)table->memory;
    for (uint32_t row = 0; row < table->row_count; row++) {
        uint32_t was_t = t;
        uint32_t was_row = row;
        if (!change_same_place(before, t, row, ids[row]) &&
            !skep__client_find(view, before, ids[row], &was_t, &was_row))
            continue;
        const skep__client_layout *was = &view->layouts[was_t];
        if (!(was->code.components >> number & 1u)) continue;
        if (change_row_differs(table, columns, row, &before->tables[was_t],
                               was_t == t ? columns : change_columns_of(was, number), was_row))
            view->changed[count++].bits = ids[row];
    }
    return count;
}

const skep_entity *skep_view_changed(skep_view *view, const skep_component *component,
                                     uint32_t *count)
{
    const uint32_t number = skep__client_number(view, component);
    const skep__client_picture *picture = &view->pictures[view->shown];
    *count = 0;
    if (number == SKEP_REPLICA_MAX) return NULL;
    if (!skep__array_grow(&view->allocator, (void **)&view->changed, &view->changed_cap,
                          picture->entity_count, sizeof *view->changed))
        return NULL;
    for (uint32_t t = 0; t < picture->table_count; t++)
        if (view->layouts[t].code.components >> number & 1u)
            *count = change_table(view, number, t, *count);
    return view->changed;
}
