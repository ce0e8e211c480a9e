/* SPDX-License-Identifier: MIT */
/* Execute: one source table after the other. Rows are copied out in runs, then the table's holes
 * are filled, lowest hole from the highest survivor, so that the result is the same whoever sent
 * the patches in what batches. Nothing here can fail: prepare owned and reserved it all. */
#include "core/data/apply_internal.h"

/* ---- notes ----------------------------------------------------------------------------------- */

/* Tells of the types that one layout has and the other lacks. `to` NULL: the entity died. */
static void notes_write(skep__apply_state *a, skep_entity e, const skep__layout *from,
                        const skep__layout *to)
{
    for (uint32_t i = 0; from && from->noted && i < from->type_count; i++)
        if (a->w->store.types[from->types[i]].noted &&
            (!to || skep__layout_find(to, from->types[i]) < 0))
            (void)skep__world_note(a->w, e, from->types[i], false);
    for (uint32_t i = 0; to && to->noted && i < to->type_count; i++)
        if (a->w->store.types[to->types[i]].noted &&
            (!from || skep__layout_find(from, to->types[i]) < 0))
            (void)skep__world_note(a->w, e, to->types[i], true);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void parent_tell(const skep__apply_state *a, skep__change c)
{
    if (SKEP_UNLIKELY(skep__change_number(c) == a->w->parent_type))
        skep__children_touch(a->w, skep__change_entity(c));
}

/* Writes one change's value into a row of the table where its entity is now. */
static void value_put(skep__apply_state *a, skep__table *t, uint32_t row, skep__change c)
{
    const uint32_t number = skep__change_number(c);
    const int32_t at = skep__layout_find(t->layout, number);
    if (at < 0) return;
    const skep__line *line = skep__line_of(t, row >> t->shift);
    const uint32_t r = row & ((1u << t->shift) - 1u);
    const skep_component *info = a->w->store.types[number].info;
    if (info->field_count)
        skep__value_store(info, &line->cells[t->layout->first[at]], r, skep__change_value(c));
    if (t->layout->stamps[at] != SKEP__NO_COLUMN)
        memcpy(line->cells[t->layout->stamps[at]].data + (size_t)r * 8u, &a->w->stamp, 8);
    parent_tell(a, c);
}

/* One field of consecutive changes into consecutive rows. */
static void field_put(uint8_t *to, const skep__change *c, uint32_t count, uint32_t offset,
                      uint32_t bytes)
{
    switch (bytes) {
    case 4:
        for (uint32_t i = 0; i < count; i++)
            memcpy(to + i * 4u, skep__change_value(c[i]) + offset, 4);
        break;
    case 8:
        for (uint32_t i = 0; i < count; i++)
            memcpy(to + i * 8u, skep__change_value(c[i]) + offset, 8);
        break;
    default:
        for (uint32_t i = 0; i < count; i++)
            memcpy(to + (size_t)i * bytes, skep__change_value(c[i]) + offset, bytes);
        break;
    }
}

/* The values of consecutive changes of one type into consecutive rows of one block. */
static void values_put(skep__apply_state *a, const skep__layout *l, const skep__line *line,
                       uint32_t row, const skep__change *c, uint32_t count)
{
    const uint32_t number = skep__change_number(*c);
    const int32_t at = skep__layout_find(l, number);
    if (at < 0 || skep__change_kind(*c) == SKEP_PATCH_REMOVE) return;
    const skep_component *info = a->w->store.types[number].info;
    for (uint32_t f = 0; f < info->field_count; f++) {
        const uint32_t column = l->first[at] + f;
        const uint32_t bytes = l->columns[column].bytes;
        field_put(line->cells[column].data + (size_t)row * bytes, c, count, info->fields[f].offset,
                  bytes);
    }
    if (l->stamps[at] != SKEP__NO_COLUMN) {
        uint8_t *stamps = line->cells[l->stamps[at]].data + (size_t)row * 8u;
        for (uint32_t i = 0; i < count; i++) memcpy(stamps + i * 8u, &a->w->stamp, 8);
    }
    for (uint32_t i = 0; SKEP_UNLIKELY(number == a->w->parent_type) && i < count; i++)
        parent_tell(a, c[i]);
}

/* ---- moves ----------------------------------------------------------------------------------- */

/* Copies `count` consecutive rows along an edge, ids included; both sides lie in one block each. */
static void rows_copy(const skep__layout *from_layout, const skep__edge *e, skep__place to,
                      skep__place from, uint32_t count)
{
    if (count < 4) {
        for (uint32_t i = 0; i < count; i++)
            skep__edge_copy(from_layout, e, to.line, to.row + i, from.line, from.row + i);
        return;
    }
    for (uint32_t i = 0; i < e->copy_count; i++) {
        const size_t bytes = from_layout->columns[e->from_column[i]].bytes;
        memcpy(to.line->cells[e->to_column[i]].data + to.row * bytes,
               from.line->cells[e->from_column[i]].data + from.row * bytes, count * bytes);
    }
}

/* Points the records of `count` rows that were just written at their place. */
static void records_point(skep__store *s, const skep__line *line, uint32_t at, uint32_t count,
                          uint32_t table, uint32_t row)
{
    const skep_entity *ids = (const skep_entity *)(const void *)line->cells[0].data + at;
    const uint64_t base = (uint64_t)table << SKEP__RECORD_TABLE_SHIFT | row;
    uint64_t *index = s->index;
    for (uint32_t i = 0; i < count; i++)
        index[(uint32_t)ids[i].bits] =
            (ids[i].bits >> 32) << SKEP__RECORD_GENERATION_SHIFT | (base + i);
}

/* A run along one edge, cut where either side's block ends. */
static void run_move(skep__apply_state *a, const skep__run_of *run)
{
    skep__store *s = &a->w->store;
    const uint64_t key = a->sorted[run->first];
    const skep__change *c = &a->changes[key & SKEP__CHANGE_MASK];
    skep__table *source = s->tables[skep__key_table(key)];
    skep__table *target = s->tables[run->to];
    skep__edge *e = NULL;
    (void)skep__edge_get(s, source->id, skep__change_number(*c),
                         skep__change_kind(*c) != SKEP_PATCH_REMOVE, &e);
    const uint32_t source_mask = (1u << source->shift) - 1u;
    const uint32_t target_mask = (1u << target->shift) - 1u;
    const bool noted = source->layout->noted || target->layout->noted;
    uint32_t row = skep__key_row(key);
    for (uint32_t done = 0; done < run->count;) {
        const uint32_t at = target->row_count;
        uint32_t n = skep__min_u32(run->count - done, source_mask + 1u - (row & source_mask));
        n = skep__min_u32(n, target_mask + 1u - (at & target_mask));
        const skep__place to = {skep__line_of(target, at >> target->shift), at & target_mask};
        const skep__place from = {skep__line_of(source, row >> source->shift), row & source_mask};
        rows_copy(source->layout, e, to, from, n);
        values_put(a, target->layout, to.line, to.row, c + done, n);
        records_point(s, to.line, to.row, n, target->id, at);
        target->row_count += n;
        for (uint32_t i = 0; noted && i < n; i++)
            notes_write(a, skep__change_entity(c[done + i]), source->layout, target->layout);
        row += n;
        done += n;
    }
}

static void run_stay(skep__apply_state *a, const skep__run_of *run)
{
    const uint64_t key = a->sorted[run->first];
    const skep__change *c = &a->changes[key & SKEP__CHANGE_MASK];
    skep__table *t = a->w->store.tables[skep__key_table(key)];
    const uint32_t mask = (1u << t->shift) - 1u;
    uint32_t row = skep__key_row(key);
    for (uint32_t done = 0; done < run->count;) {
        const uint32_t n = skep__min_u32(run->count - done, mask + 1u - (row & mask));
        values_put(a, t->layout, skep__line_of(t, row >> t->shift), row & mask, c + done, n);
        row += n;
        done += n;
    }
}

/* Zeros for a fresh row, stamps of now. */
static void row_zero(const skep__apply_state *a, const skep__table *t, uint32_t row)
{
    const skep__line *line = skep__line_of(t, row >> t->shift);
    const uint32_t at = row & ((1u << t->shift) - 1u);
    for (uint32_t c = 1; c < t->layout->column_count; c++) {
        const size_t bytes = t->layout->columns[c].bytes;
        if (t->layout->columns[c].kind == 2)
            memcpy(line->cells[c].data + at * bytes, &a->w->stamp, 8);
        else
            memset(line->cells[c].data + at * bytes, 0, bytes);
    }
}

static uint32_t row_append(skep__apply_state *a, skep__table *t, skep_entity e)
{
    const uint32_t row = t->row_count++;
    skep__id_put(skep__line_of(t, row >> t->shift), row & ((1u << t->shift) - 1u), e.bits);
    row_zero(a, t, row);
    a->w->store.index[skep_entity_index(e)] =
        skep__record_make(skep_entity_generation(e), t->id, row);
    return row;
}

/* Moves one row to any other table. */
static uint32_t row_transfer(skep__apply_state *a, skep__table *source, uint32_t row,
                             skep__table *target, skep_entity e)
{
    if (a->pair_from != source->layout || a->pair_to != target->layout) {
        a->pair_count =
            skep__columns_shared(source->layout, target->layout, a->from_column, a->to_column);
        a->pair_from = source->layout;
        a->pair_to = target->layout;
    }
    const uint32_t there = row_append(a, target, e);
    const skep__line *from = skep__line_of(source, row >> source->shift);
    const skep__line *to = skep__line_of(target, there >> target->shift);
    for (uint32_t i = 0; i < a->pair_count; i++)
        skep__value_copy(to->cells[a->to_column[i]].data, there & ((1u << target->shift) - 1u),
                         from->cells[a->from_column[i]].data, row & ((1u << source->shift) - 1u),
                         source->layout->columns[a->from_column[i]].bytes);
    return there;
}

static void group_execute(skep__apply_state *a, const skep__run_of *run)
{
    skep__store *s = &a->w->store;
    const uint64_t key = a->sorted[run->first];
    skep__change c = skep__key_change(a, key);
    const skep_entity e = skep__change_entity(c);
    skep__table *target = s->tables[run->to];
    uint32_t row = skep__key_row(key);
    const skep__layout *before = NULL;
    if (skep__change_kind(c) == SKEP_PATCH_SPAWN) {
        const uint32_t prefab = skep__change_number(c);
        row = row_append(a, target, e);
        s->entity_count++;
        if (prefab != SKEP__CHANGE_NO_NUMBER) skep__prefab_fill(a->w, prefab, target, row, 1);
    } else {
        skep__table *source = s->tables[skep__key_table(key)];
        before = source->layout;
        if (source != target) row = row_transfer(a, source, row, target, e);
    }
    for (uint32_t i = run->first; i < run->first + run->count; i++) {
        c = skep__key_change(a, a->sorted[i]);
        const uint32_t kind = skep__change_kind(c);
        if (kind != SKEP_PATCH_SPAWN && kind != SKEP_PATCH_REMOVE) value_put(a, target, row, c);
    }
    if (before != target->layout) notes_write(a, e, before, target->layout);
}

static void run_die(skep__apply_state *a, const skep__run_of *run)
{
    skep__store *s = &a->w->store;
    const uint64_t key = a->sorted[run->first];
    const skep_entity e = skep__change_entity(skep__key_change(a, key));
    const uint32_t table = skep__key_table(key);
    if (table) {
        notes_write(a, e, s->tables[table]->layout, NULL);
        s->entity_count--;
    }
    skep__id_free(s, skep_entity_index(e));
    a->dead[a->dead_count++] = e;
}

/* ---- holes ----------------------------------------------------------------------------------- */

/* Moves surviving rows from the table's end into the holes; gone[0..count) ascend. */
static void holes_fill(skep__store *s, skep__table *t, const uint32_t *gone, uint32_t count)
{
    const uint32_t mask = (1u << t->shift) - 1u;
    const uint32_t rows = t->row_count - count;
    uint32_t tail = t->row_count;
    uint32_t high = count;
    for (uint32_t i = 0; i < count && gone[i] < rows; i++) {
        tail--;
        while (high > 0 && gone[high - 1] == tail) {
            high--;
            tail--;
        }
        const skep__line *to = skep__line_of(t, gone[i] >> t->shift);
        skep__row_copy(t->layout, to, gone[i] & mask, skep__line_of(t, tail >> t->shift),
                       tail & mask);
        records_point(s, to, gone[i] & mask, 1, t->id, gone[i]);
    }
    t->row_count = rows;
}

/* Executes the runs of one table from run `i` on; returns the first run of the next. */
static uint32_t table_execute(skep__apply_state *a, uint32_t i)
{
    const uint32_t table = skep__key_table(a->sorted[a->runs[i].first]);
    uint32_t gone = 0;
    for (; i < a->run_count; i++) {
        const skep__run_of *run = &a->runs[i];
        const uint64_t key = a->sorted[run->first];
        if (skep__key_table(key) != table) break;
        uint32_t rows = table && run->to != table ? 1u : 0u;
        switch ((skep__run_kind)run->kind) {
        case SKEP__RUN_MOVE:
            run_move(a, run);
            rows = run->count;
            break;
        case SKEP__RUN_STAY:
            run_stay(a, run);
            break;
        case SKEP__RUN_DIE:
            run_die(a, run);
            break;
        case SKEP__RUN_GROUP:
            group_execute(a, run);
            break;
        }
        for (uint32_t k = 0; k < rows; k++) a->gone[gone++] = skep__key_row(key) + k;
    }
    if (gone) holes_fill(&a->w->store, a->w->store.tables[table], a->gone, gone);
    return i;
}

/* ---- all else -------------------------------------------------------------------------------- */

static void children_execute(skep__apply_state *a)
{
    skep__store *s = &a->w->store;
    for (uint32_t i = 0; i < a->child_count; i++) {
        const skep__child *child = &a->children[i];
        skep__table *t = s->tables[child->table];
        const uint32_t row = row_append(a, t, child->entity);
        s->entity_count++;
        skep__prefab_fill(a->w, child->prefab, t, row, 1);
        const int32_t at = skep__layout_find(t->layout, a->w->parent_type);
        skep__value_store(s->types[a->w->parent_type].info,
                          &skep__line_of(t, row >> t->shift)->cells[t->layout->first[at]],
                          row & ((1u << t->shift) - 1u), &child->parent);
        skep__children_touch(a->w, child->entity);
        notes_write(a, child->entity, NULL, t->layout);
    }
}

static void others_execute(skep__apply_state *a)
{
    for (uint32_t i = 0; i < a->other_count; i++) {
        const skep__other *o = &a->others[i];
        const uint8_t *value = (const uint8_t *)(o->header + 1);
        if (o->kind == SKEP_PATCH_EVENT) {
            const skep_entity to = {o->header->entity};
            (void)skep__channel_push(a->w, o->number, to, value);
            continue;
        }
        skep__blob *b = &a->w->resources[o->number].value;
        memcpy(skep__slot_data(&a->w->store.arena, b->slot), value, o->header->bytes);
        b->bytes = o->header->bytes;
    }
}

void skep__apply_execute(skep__apply_state *a)
{
    for (uint32_t i = 0; i < a->run_count;) i = table_execute(a, i);
    children_execute(a);
    others_execute(a);
}

/* Destroys what has a destroyed entity as its Parent, and so on. A child that was destroyed itself
 * is gone by then, so cycles end. */
skep_status skep__apply_cascade(skep__apply_state *a)
{
    skep__store *s = &a->w->store;
    for (uint32_t i = 0; i < a->dead_count; i++) {
        const skep_entity *children = NULL;
        uint32_t count = 0;
        skep_status status = skep__children_of(a->w, a->dead[i], &children, &count);
        if (status != SKEP_OK) return status;
        if (!skep__apply_room(a, (void **)&a->dead, &a->dead_cap, a->dead_count + count,
                              sizeof *a->dead))
            return SKEP_NO_MEMORY;
        for (uint32_t k = 0; k < count; k++) {
            const uint64_t r = skep__record_of(s, children[k]);
            if (!r) continue;
            notes_write(a, children[k], s->tables[skep__record_table(r)]->layout, NULL);
            status = skep__row_destroy(s, children[k]);
            if (status != SKEP_OK) return status;
            a->dead[a->dead_count++] = children[k];
        }
    }
    return SKEP_OK;
}
