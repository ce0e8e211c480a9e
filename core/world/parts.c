/* SPDX-License-Identifier: MIT */
/* Sets of parts: the components that entities are made with, sorted by number, and where each value
 * comes from: what the caller says (columns, a function of the index, one value), else what the
 * prefab says, else zeros. */
#include "core/world/world_parts.h"

static skep_status set_insert(skep_world *w, skep__part_set *set, uint32_t type, uint32_t *at)
{
    uint32_t i = 0;
    while (i < set->count && set->types[i] < type) i++;
    *at = i;
    if (i < set->count && set->types[i] == type) return SKEP_OK;
    if (set->count == SKEP_CREATE_MAX)
        return skep__world_fail(w, SKEP_LIMIT, "more than SKEP_CREATE_MAX (%u) components",
                                SKEP_CREATE_MAX);
    for (uint32_t k = set->count; k > i; k--) {
        set->types[k] = set->types[k - 1];
        set->values[k] = set->values[k - 1];
        set->parts[k] = set->parts[k - 1];
    }
    set->types[i] = skep__u16(type);
    set->values[i] = NULL;
    set->parts[i] = NULL;
    set->count++;
    return SKEP_OK;
}

skep_status skep__part_set_prefab(skep_world *w, skep__part_set *set, const skep__prefab *prefab)
{
    for (uint32_t i = 0; i < prefab->part_count; i++) {
        uint32_t at = 0;
        const skep_status status = set_insert(w, set, prefab->parts[i].type, &at);
        if (status != SKEP_OK) return status;
        set->values[at] = prefab->values + prefab->parts[i].value;
    }
    return SKEP_OK;
}

skep_status skep__part_set_add(skep_world *w, skep__part_set *set, const skep_part *parts,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t type = 0;
        uint32_t at = 0;
        skep_status status = skep__type_number(w, parts[i].component, &type);
        if (status == SKEP_OK) status = set_insert(w, set, type, &at);
        if (status != SKEP_OK) return status;
        if (set->parts[at])
            return skep__world_fail(w, SKEP_ARGUMENT, "%s is given twice",
                                    parts[i].component->name);
        set->parts[at] = &parts[i];
    }
    return SKEP_OK;
}

bool skep__scratch_room(skep_world *w, const skep__part_set *set)
{
    uint32_t bytes = 16;
    for (uint32_t i = 0; i < set->count; i++)
        bytes = skep__max_u32(bytes, w->store.types[set->types[i]].info->size);
    return skep__array_grow(&w->store.allocator, (void **)&w->scratch, &w->scratch_cap, bytes, 1);
}

/* The pointer to a field's rows in a column struct, which is one pointer a field. */
static const uint8_t *column_of(const skep_part *part, uint32_t field)
{
    const uint8_t *column = NULL;
    memcpy(&column, (const uint8_t *)part->columns + field * sizeof column, sizeof column);
    return column;
}

/* What is the same for all entities, or NULL for zeros. */
static const void *part_constant(const skep__part_set *set, uint32_t part)
{
    const skep_part *p = set->parts[part];
    return p && p->value ? p->value : set->values[part];
}

const void *skep__part_value(skep_world *w, const skep__part_set *set, uint32_t part, uint32_t i)
{
    const skep_component *info = w->store.types[set->types[part]].info;
    const skep_part *p = set->parts[part];
    const void *constant = part_constant(set, part);
    if (!p || (!p->fill && !p->columns)) return constant;
    if (constant)
        memcpy(w->scratch, constant, info->size);
    else
        memset(w->scratch, 0, info->size);
    if (!p->columns) {
        p->fill(p->ctx, i, w->scratch);
        return w->scratch;
    }
    for (uint32_t f = 0; f < info->field_count; f++) {
        const size_t bytes = (size_t)info->fields[f].size * info->fields[f].count;
        const uint8_t *column = column_of(p, f);
        if (column) memcpy(w->scratch + info->fields[f].offset, column + i * bytes, bytes);
    }
    return w->scratch;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Writes one value into `count` rows of a column: by doubling what is there. */
static void column_repeat(uint8_t *to, const void *value, size_t bytes, uint32_t count)
{
    memcpy(to, value, bytes);
    size_t done = bytes;
    const size_t all = bytes * count;
    while (done < all) {
        const size_t more = done < all - done ? done : all - done;
        memcpy(to + done, to, more);
        done += more;
    }
}

/* Rows of one row block, and which of the entities they are. */
typedef struct part_rows {
    const skep__cell *cells; /* of the part's fields */
    uint32_t row;            /* the first, */
    uint32_t first;          /* its entity's number, */
    uint32_t count;          /* and how many follow each other */
} part_rows;

/* One part's rows in one row block. */
static void part_fill_block(skep_world *w, const skep__part_set *set, uint32_t part,
                            const part_rows *rows)
{
    const uint32_t row = rows->row, first = rows->first, count = rows->count;
    const skep_component *info = w->store.types[set->types[part]].info;
    const skep_part *p = set->parts[part];
    const void *constant = part_constant(set, part);
    if (p && p->fill && !p->columns) {
        for (uint32_t i = 0; i < count; i++)
            skep__value_store(info, rows->cells, row + i,
                              skep__part_value(w, set, part, first + i));
        return;
    }
    for (uint32_t f = 0; f < info->field_count; f++) {
        const size_t bytes = (size_t)info->fields[f].size * info->fields[f].count;
        uint8_t *to = rows->cells[f].data + row * bytes;
        const uint8_t *column = p && p->columns ? column_of(p, f) : NULL;
        if (column)
            memcpy(to, column + first * bytes, bytes * count);
        else if (constant)
            column_repeat(to, (const uint8_t *)constant + info->fields[f].offset, bytes, count);
    }
}

void skep__part_set_fill(skep_world *w, const skep__part_set *set, skep__table *t,
                         uint32_t first_row, uint32_t number, uint32_t count)
{
    const uint32_t rows = 1u << t->shift;
    for (uint32_t part = 0; part < set->count; part++) {
        const int32_t place = skep__layout_find(t->layout, set->types[part]);
        const uint32_t column = place < 0 ? SKEP__NO_COLUMN : t->layout->first[place];
        if (column == SKEP__NO_COLUMN) continue;
        for (uint32_t done = 0; done < count;) {
            const uint32_t row = (first_row + done) & (rows - 1u);
            const uint32_t n = skep__min_u32(count - done, rows - row);
            const skep__line *line = skep__line_of(t, (first_row + done) >> t->shift);
            part_fill_block(w, set, part,
                            &(part_rows){&line->cells[column], row, number + done, n});
            done += n;
        }
    }
}
