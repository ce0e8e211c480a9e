/* SPDX-License-Identifier: MIT */
/* Rows one at a time, and created in bulk. Every call owns all that it will write before it writes
 * anything, so that running out of memory leaves no trace. */
#include "core/store/rows.h"

#include "core/store/layout.h"

void skep__cells_copy4_any(const skep__cell *to, size_t t, const skep__cell *from, size_t f,
                           uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) memcpy(to[i].data + t, from[i].data + f, 4);
}

/* Fills a fresh row with zeros, stamps with `stamp`. */
static void row_clear(const skep__layout *l, const skep__line *line, uint32_t row, uint32_t count,
                      uint64_t stamp)
{
    for (uint32_t c = 1; c < l->column_count; c++) {
        const size_t bytes = l->columns[c].bytes;
        uint8_t *at = line->cells[c].data + row * bytes;
        if (l->columns[c].kind == 2) {
            for (uint32_t i = 0; i < count; i++) memcpy(at + i * 8u, &stamp, 8);
        } else {
            memset(at, 0, bytes * count);
        }
    }
}

/* Room for one more row, its line owned. */
SKEP_INLINE skep_status row_prepare(skep__store *s, skep__table *t)
{
    if (SKEP_UNLIKELY(t->row_count == t->row_cap)) {
        const skep_status status = skep__table_reserve(s, t, 1);
        if (status != SKEP_OK) return status;
    }
    return skep__own_line(s, t, t->row_count >> t->shift);
}

skep_status skep__row_add(skep__store *s, uint32_t table, skep_entity e, uint64_t stamp)
{
    skep__table *t = s->tables[table];
    const skep_status status = row_prepare(s, t);
    if (status != SKEP_OK) return status;
    const uint32_t index = skep_entity_index(e);
    if (skep__own_index(s, index) != SKEP_OK) return SKEP_NO_MEMORY;
    const uint32_t row = t->row_count++;
    const uint32_t at = row & ((1u << t->shift) - 1u);
    const skep__line *line = skep__line_of(t, row >> t->shift);
    skep__id_put(line, at, e.bits);
    row_clear(t->layout, line, at, 1, stamp);
    s->index[index] = skep__record_make(skep_entity_generation(e), table, row);
    s->entity_count++;
    return SKEP_OK;
}

SKEP_NOINLINE static skep_status row_create_slow(skep__store *s, skep__table *t, skep_entity *e,
                                                 uint32_t *row)
{
    skep_status status = row_prepare(s, t);
    if (status != SKEP_OK) return status;
    if (skep__ids_take(s, 1, e) == 0) return s->limit ? SKEP_LIMIT : SKEP_NO_MEMORY;
    const uint32_t at = t->row_count++;
    *row = at;
    skep__id_put(skep__line_of(t, at >> t->shift), at & ((1u << t->shift) - 1u), e->bits);
    s->index[skep_entity_index(*e)] = skep__record_make(skep_entity_generation(*e), t->id, at);
    s->entity_count++;
    return SKEP_OK;
}

skep_status skep__row_create(skep__store *s, skep__table *t, skep_entity *e, uint32_t *row)
{
    skep__place there;
    *row = t->row_count;
    if (SKEP_LIKELY(skep__row_quick_create(s, t, e, &there))) return SKEP_OK;
    return row_create_slow(s, t, e, row);
}

static SKEP_NOINLINE skep_status row_destroy_slow(skep__store *s, skep_entity e)
{
    const uint64_t r = skep__record_of(s, e);
    if (SKEP_UNLIKELY(!r)) return SKEP_GONE;
    skep__table *t = s->tables[skep__record_table(r)];
    const uint32_t index = skep_entity_index(e);
    skep__hole hole;
    if (SKEP_UNLIKELY(skep__hole_prepare(s, t, skep__record_row(r), &hole) != SKEP_OK ||
                      skep__id_free_prepare(s, index) != SKEP_OK))
        return SKEP_NO_MEMORY;
    skep__hole_fill(s, t, &hole);
    skep__id_free(s, index);
    s->entity_count--;
    return SKEP_OK;
}

skep_status skep__row_destroy(skep__store *s, skep_entity e)
{
    const uint64_t r = skep__record_of(s, e);
    if (SKEP_LIKELY(r && skep__row_quick_destroy(s, e, r))) return SKEP_OK;
    return row_destroy_slow(s, e);
}

skep_status skep__row_move(skep__store *s, skep_entity e, uint32_t to, uint64_t stamp)
{
    const uint64_t r = skep__record_of(s, e);
    if (!r) return SKEP_GONE;
    if (skep__record_table(r) == to) return SKEP_OK;
    skep__table *source = s->tables[skep__record_table(r)];
    skep__table *target = s->tables[to];
    const uint32_t row = skep__record_row(r);
    const skep_status status = row_prepare(s, target);
    if (status != SKEP_OK) return status;
    skep__hole hole;
    if (skep__hole_prepare(s, source, row, &hole) != SKEP_OK ||
        skep__own_index(s, skep_entity_index(e)) != SKEP_OK)
        return SKEP_NO_MEMORY;
    const uint32_t at = target->row_count++;
    const uint32_t mask = (1u << target->shift) - 1u;
    const skep__line *there = skep__line_of(target, at >> target->shift);
    const skep__line *here = skep__line_of(source, row >> source->shift);
    row_clear(target->layout, there, at & mask, 1, stamp);
    uint16_t from_column[SKEP__LAYOUT_COLUMNS_MAX];
    uint16_t to_column[SKEP__LAYOUT_COLUMNS_MAX];
    const uint32_t count =
        skep__columns_shared(source->layout, target->layout, from_column, to_column);
    for (uint32_t i = 0; i < count; i++)
        skep__value_copy(there->cells[to_column[i]].data, at & mask,
                         here->cells[from_column[i]].data, row & ((1u << source->shift) - 1u),
                         source->layout->columns[from_column[i]].bytes);
    skep__record_point(s, skep_entity_index(e), to, at);
    skep__hole_fill(s, source, &hole);
    return SKEP_OK;
}

/* ---- one type added or removed --------------------------------------------------------------- */

/* Finds the edge the slow way; it is the kept one afterwards, unless it leads nowhere. */
SKEP_NOINLINE static skep_status edge_find(skep__store *s, uint64_t r, uint32_t type, bool add)
{
    skep__edge *edge = NULL;
    const uint32_t table = skep__record_table(r);
    const skep_status status = skep__edge_get(s, table, type, add, &edge);
    if (status != SKEP_OK || edge->to == table) return status;
    skep__edge_kept *kept = &s->edge;
    const skep__type *t = &s->types[type];
    kept->key = skep__edge_key(r, type, add);
    kept->edge = edge;
    kept->source = s->tables[table];
    kept->target = s->tables[edge->to];
    kept->source_bits = (uint64_t)table << SKEP__RECORD_TABLE_SHIFT;
    kept->target_bits = (uint64_t)edge->to << SKEP__RECORD_TABLE_SHIFT;
    const uint32_t held = kept->source->layout->column_count - 1u;
    kept->quick = edge->direct4 && kept->source->layout->only4 && held <= UINT8_MAX &&
                  edge->new_stamp == SKEP__NO_COLUMN && t->packed4 == t->field_count && !t->noted;
    kept->copied = (uint8_t)(edge->copy_count - 1u);
    kept->held = (uint8_t)held;
    kept->added = edge->new_first == SKEP__NO_COLUMN ? 0 : t->packed4;
    kept->first = edge->new_first == SKEP__NO_COLUMN ? 0 : edge->new_first;
    return SKEP_OK;
}

/* Moves a row along the kept edge; returns the new place. All or nothing. */
SKEP_INLINE skep_status edge_move(skep__store *s, uint64_t r, uint32_t index, skep__place *there)
{
    skep__table *source = s->edge.source;
    skep__table *target = s->edge.target;
    const skep__edge *e = s->edge.edge;
    const uint32_t row = target->row_count;
    if (SKEP_UNLIKELY(row == target->row_cap)) {
        const skep_status status = skep__table_reserve(s, target, 1);
        if (status != SKEP_OK) return status;
    }
    *there = skep__place_of(target, row);
    if (SKEP_UNLIKELY(there->line->epoch != s->epoch) &&
        skep__own_line_slow(s, target, row >> target->shift) != SKEP_OK)
        return SKEP_NO_MEMORY;
    skep__hole hole;
    if (SKEP_UNLIKELY(skep__hole_prepare(s, source, skep__record_row(r), &hole) != SKEP_OK ||
                      skep__own_index(s, index) != SKEP_OK))
        return SKEP_NO_MEMORY;
    target->row_count = row + 1u;
    s->index[index] = (r & ~SKEP__RECORD_LOW) | (uint64_t)e->to << SKEP__RECORD_TABLE_SHIFT | row;
    skep__id_put(there->line, there->row, (r >> SKEP__RECORD_GENERATION_SHIFT) << 32 | index);
    skep__edge_copy_values(source->layout, e, there->line, there->row, hole.at.line, hole.at.row);
    skep__hole_fill(s, source, &hole);
    return SKEP_OK;
}

static skep_status value_write(skep__store *s, skep_entity e, uint32_t type, const void *value,
                               uint64_t stamp)
{
    const skep__cell *cell = NULL;
    uint32_t row = 0;
    if (!s->types[type].info->field_count || !value) return SKEP_OK;
    const skep_status status = skep__value_own(s, e, type, stamp, &cell, &row);
    if (status == SKEP_OK) skep__value_store(s->types[type].info, cell, row, value);
    return status;
}

/* Writes the first value of a row; NULL writes zeros. */
SKEP_INLINE void value_fill(const skep__type *type, const skep__cell *cell, uint32_t row,
                            const void *value)
{
    if (SKEP_LIKELY(value != NULL)) {
        skep__value_put(type, cell, row, value);
        return;
    }
    for (uint32_t f = 0; f < type->info->field_count; f++)
        memset(cell[f].data + (size_t)row * type->column_bytes[f], 0, type->column_bytes[f]);
}

static SKEP_NOINLINE skep_status add_slow(skep__store *s, skep_entity e, uint32_t type,
                                          const void *value, uint64_t stamp)
{
    const uint64_t r = skep__record_of(s, e);
    if (SKEP_UNLIKELY(!r)) return SKEP_GONE;
    const uint64_t key = skep__edge_key(r, type, true);
    if (SKEP_UNLIKELY(key != s->edge.key)) {
        const skep_status found = edge_find(s, r, type, true);
        if (found != SKEP_OK) return found;
        if (key != s->edge.key) return value_write(s, e, type, value, stamp);
    }
    skep__place there;
    const skep_status status = edge_move(s, r, skep_entity_index(e), &there);
    if (SKEP_UNLIKELY(status != SKEP_OK)) return status;
    const skep__edge *edge = s->edge.edge;
    if (SKEP_LIKELY(edge->new_first != SKEP__NO_COLUMN))
        value_fill(&s->types[type], &there.line->cells[edge->new_first], there.row, value);
    if (SKEP_UNLIKELY(edge->new_stamp != SKEP__NO_COLUMN))
        memcpy(there.line->cells[edge->new_stamp].data + (size_t)there.row * 8u, &stamp, 8);
    return SKEP_OK;
}

static SKEP_NOINLINE skep_status remove_slow(skep__store *s, skep_entity e, uint32_t type)
{
    const uint64_t r = skep__record_of(s, e);
    if (SKEP_UNLIKELY(!r)) return SKEP_GONE;
    const uint64_t key = skep__edge_key(r, type, false);
    if (SKEP_UNLIKELY(key != s->edge.key)) {
        const skep_status found = edge_find(s, r, type, false);
        if (found != SKEP_OK) return found;
        if (key != s->edge.key) return SKEP_NOT_FOUND;
    }
    skep__place there;
    return edge_move(s, r, skep_entity_index(e), &there);
}

skep_status skep__row_add_type(skep__store *s, skep_entity e, uint32_t type, const void *value,
                               uint64_t stamp)
{
    if (SKEP_LIKELY(value && skep__row_quick(s, e, type, true, value))) return SKEP_OK;
    return add_slow(s, e, type, value, stamp);
}

skep_status skep__row_remove_type(skep__store *s, skep_entity e, uint32_t type)
{
    if (SKEP_LIKELY(skep__row_quick(s, e, type, false, NULL))) return SKEP_OK;
    return remove_slow(s, e, type);
}

/* ---- many ------------------------------------------------------------------------------------ */

/* Takes handles for one row block: from the queue one by one, then fresh ones in a plain loop. */
static bool block_ids_take(skep__store *s, skep__table *t, uint32_t row, uint32_t count,
                           skep_entity *ids)
{
    const uint32_t queued = skep__min_u32(s->queue.count, count);
    if (skep__ids_take(s, queued, ids) < queued) return false;
    uint32_t done = queued;
    for (uint32_t i = 0; i < queued; i++)
        s->index[skep_entity_index(ids[i])] =
            skep__record_make(skep_entity_generation(ids[i]), t->id, row + i);
    while (done < count) {
        const uint32_t first = s->queue.index_count;
        const uint32_t page_end = (first | ((1u << SKEP__INDEX_PAGE_SHIFT) - 1u)) + 1u;
        const uint32_t run = skep__min_u32(page_end - first, count - done);
        if (skep__own_index(s, first) != SKEP_OK) return false;
        uint64_t *records = &s->index[first];
        const uint64_t base = skep__record_make(1, t->id, row + done);
        for (uint32_t i = 0; i < run; i++) {
            records[i] = base + i;
            ids[done + i].bits = (UINT64_C(1) << 32) + first + i;
        }
        s->queue.index_count += run;
        done += run;
    }
    return true;
}

/* Owns the pages of all indexes that creating n entities will take. */
static skep_status rows_prepare(skep__store *s, skep__table *t, uint32_t n)
{
    skep__queue_mend(s);
    const uint32_t fresh = n - skep__min_u32(n, s->queue.count);
    if (fresh > s->entity_max - s->queue.index_count) {
        s->limit = "entity_max";
        return SKEP_LIMIT;
    }
    const skep_status status = skep__table_reserve(s, t, n);
    if (status != SKEP_OK) return status;
    const uint32_t last = (t->row_count + n - 1u) >> t->shift;
    for (uint32_t b = t->row_count >> t->shift; b <= last; b++)
        if (skep__own_line(s, t, b) != SKEP_OK) return SKEP_NO_MEMORY;
    uint32_t index = s->queue.head;
    for (uint32_t i = 0; i < n - fresh; i++) {
        if (skep__own_index(s, index) != SKEP_OK) return SKEP_NO_MEMORY;
        index = skep__record_row(s->index[index]);
    }
    for (uint32_t i = 0; i < fresh; i += 1u << SKEP__INDEX_PAGE_SHIFT)
        if (skep__own_index(s, s->queue.index_count + i) != SKEP_OK) return SKEP_NO_MEMORY;
    return fresh ? skep__own_index(s, s->queue.index_count + fresh - 1u) : SKEP_OK;
}

skep_status skep__rows_create(skep__store *s, uint32_t table, uint32_t n, skep_entity *out,
                              uint64_t stamp)
{
    if (n == 0) return SKEP_OK;
    skep__table *t = s->tables[table];
    const skep_status status = rows_prepare(s, t, n);
    if (status != SKEP_OK) return status;
    for (uint32_t done = 0; done < n;) {
        const uint32_t at = t->row_count & ((1u << t->shift) - 1u);
        const uint32_t room = t->small_slot ? n - done : (1u << t->shift) - at;
        const uint32_t count = skep__min_u32(room, n - done);
        const skep__line *line = skep__line_of(t, t->row_count >> t->shift);
        skep_entity *ids = (skep_entity *)(void *)line->cells[0].data + at;
        const bool taken = block_ids_take(s, t, t->row_count, count, ids);
        SKEP_ASSERT(taken); /* all was prepared */
        (void)taken;
        row_clear(t->layout, line, at, count, stamp);
        if (out) memcpy(out + done, ids, count * sizeof *ids);
        t->row_count += count;
        s->entity_count += count;
        done += count;
    }
    return SKEP_OK;
}
