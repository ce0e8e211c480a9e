/* SPDX-License-Identifier: MIT */
/* Values: between C structs and columns, and watching a component, which gives its rows stamps. */
#include "core/store/layout.h"
#include "core/store/rows.h"

void skep__value_load(const skep_component *info, const skep__cell *cell, uint32_t row, void *value)
{
    uint8_t *v = value;
    for (uint32_t f = 0; f < info->field_count; f++) {
        const skep_field *field = &info->fields[f];
        skep__value_copy(v + field->offset, 0, cell[f].data, row,
                         (uint32_t)field->size * field->count);
    }
}

void skep__value_store(const skep_component *info, const skep__cell *cell, uint32_t row,
                       const void *value)
{
    const uint8_t *v = value;
    for (uint32_t f = 0; f < info->field_count; f++) {
        const skep_field *field = &info->fields[f];
        skep__value_copy(cell[f].data, row, v + field->offset, 0,
                         (uint32_t)field->size * field->count);
    }
}

static skep_status stamp_row(skep__store *s, skep__table *t, uint32_t type, uint32_t row,
                             uint64_t stamp)
{
    const int32_t at = skep__layout_find(t->layout, type);
    const uint32_t column = t->layout->stamps[at];
    if (skep__own_cell(s, t, row >> t->shift, column) != SKEP_OK) return SKEP_NO_MEMORY;
    uint8_t *stamps = skep__line_of(t, row >> t->shift)->cells[column].data;
    memcpy(stamps + (size_t)(row & ((1u << t->shift) - 1u)) * 8u, &stamp, 8);
    return SKEP_OK;
}

skep_status skep__value_own_slow(skep__store *s, skep_entity e, uint32_t type, uint64_t stamp,
                                 const skep__cell **cell, uint32_t *row)
{
    const uint64_t r = skep__record_of(s, e);
    if (!r) return SKEP_GONE;
    *cell = skep__value_find(s, e, type, row);
    if (!*cell) return SKEP_NOT_FOUND;
    skep__table *t = s->tables[skep__record_table(r)];
    const uint32_t at = skep__record_row(r);
    const uint32_t fields = s->types[type].info->field_count;
    for (uint32_t f = 0; f < fields; f++) {
        if ((*cell)[f].epoch == s->epoch) continue;
        const int32_t place = skep__layout_find(t->layout, type);
        if (skep__own_cell_slow(s, t, at >> t->shift, t->layout->first[place] + f) != SKEP_OK)
            return SKEP_NO_MEMORY;
    }
    return s->types[type].watched ? stamp_row(s, t, type, at, stamp) : SKEP_OK;
}

/* Where a column of the new layout was in the old one of the same types; stamps may be new. */
static uint32_t restamp_source(const skep__layout *old, const skep__layout *now, uint32_t column)
{
    if (now->columns[column].kind != 2) return column;
    return old->stamps[skep__layout_find(old, now->columns[column].type)];
}

/* Gives a table the layout that its types now have: old columns keep their slots, stamps start at
 * 0. The table is made anew beside the old one and swapped in, so that a failure leaves everything
 * as it was. */
static skep_status table_restamp(skep__store *s, uint32_t id)
{
    skep__table *old = s->tables[id];
    skep__layout *l = NULL;
    skep_status status = skep__layout_make(s, old->layout->types, old->layout->type_count, &l);
    if (status != SKEP_OK) return status;
    uint32_t made = 0;
    status = skep__table_push(s, l, &made);
    skep__layout_drop(s, l);
    if (status != SKEP_OK) return status;
    skep__table *fresh = s->tables[made];
    status = skep__table_reserve(s, fresh, old->row_count);
    if (status != SKEP_OK) {
        skep__table_pop(s);
        skep__table_dirs(s, old);
        return status;
    }
    const uint32_t mask = (1u << fresh->shift) - 1u;
    SKEP_ASSERT(fresh->shift == old->shift);
    for (uint32_t row = 0; row < old->row_count;) {
        const uint32_t count = skep__min_u32(old->row_count - row, mask + 1u - (row & mask));
        const skep__line *from = skep__line_of(old, row >> old->shift);
        const skep__line *to = skep__line_of(fresh, row >> fresh->shift);
        for (uint32_t c = 0; c < l->column_count; c++) {
            const size_t bytes = l->columns[c].bytes;
            const uint32_t source = restamp_source(old->layout, l, c);
            if (source != SKEP__NO_COLUMN)
                memcpy(to->cells[c].data, from->cells[source].data, bytes * count);
            else
                memset(to->cells[c].data, 0, bytes * count);
        }
        row += count;
    }
    fresh->row_count = old->row_count;
    skep__table_swap(s, id, made);
    return SKEP_OK;
}

skep_status skep__type_watch(skep__store *s, uint32_t number)
{
    if (s->types[number].watched) return SKEP_OK;
    s->types[number].watched = true;
    const uint32_t count = s->table_count;
    for (uint32_t i = 1; i < count; i++) {
        if (skep__layout_find(s->tables[i]->layout, number) < 0) continue;
        const skep_status status = table_restamp(s, i);
        if (status == SKEP_OK) continue;
        /* Tables that have the stamps already keep them: nobody reads stamps of an unwatched type.
         */
        s->types[number].watched = false;
        return status;
    }
    return SKEP_OK;
}
