/* SPDX-License-Identifier: MIT */
/* The inner loops of structural work: one row moved between columns, one hole filled. Inline, since
 * they are a few instructions that everything else waits for; shared by row.c and by apply. */
#ifndef SKEP_CORE_STORE_ROWS_H
#define SKEP_CORE_STORE_ROWS_H

#include "core/store/index.h"
#include "core/store/store.h"

/* As skep__cells_copy4, for any number of columns; offsets in bytes. */
SKEP_NOINLINE void skep__cells_copy4_any(const skep__cell *to, size_t t, const skep__cell *from,
                                         size_t f, uint32_t n);

/* Copies one value of `bytes` between two columns. */
SKEP_INLINE void skep__value_copy(uint8_t *to, uint32_t to_row, const uint8_t *from,
                                  uint32_t from_row, uint32_t bytes)
{
    uint8_t *t = to + (size_t)to_row * bytes;
    const uint8_t *f = from + (size_t)from_row * bytes;
    switch (bytes) {
    case 1:
        *t = *f;
        break;
    case 2:
        memcpy(t, f, 2);
        break;
    case 4:
        memcpy(t, f, 4);
        break;
    case 8:
        memcpy(t, f, 8);
        break;
    default:
        memcpy(t, f, bytes);
        break;
    }
}

/* Copies two columns of 4 bytes, loads in front: a store may alias every later load, so that loads
 * behind it wait. `t` and `f` are byte offsets. */
SKEP_INLINE void skep__pair_copy4(const skep__cell *to, size_t t, const skep__cell *from, size_t f)
{
    uint8_t *const to_a = to[0].data + t, *const to_b = to[1].data + t;
    uint32_t a, b;
    memcpy(&a, from[0].data + f, 4);
    memcpy(&b, from[1].data + f, 4);
    memcpy(to_a, &a, 4);
    memcpy(to_b, &b, 4);
}

/* Copies a row of `n` columns of 4 bytes. Without loops for 2 and 4, what most rows are: a loop's
 * own instructions are as many as the copies. */
SKEP_INLINE void skep__cells_copy4(const skep__cell *to, uint32_t to_row, const skep__cell *from,
                                   uint32_t from_row, uint32_t n)
{
    const size_t t = (size_t)to_row * 4u, f = (size_t)from_row * 4u;
    if (SKEP_LIKELY(n == 2)) {
        skep__pair_copy4(to, t, from, f);
    } else if (SKEP_LIKELY(n == 4)) {
        skep__pair_copy4(to, t, from, f);
        skep__pair_copy4(to + 2, t, from + 2, f);
    } else {
        skep__cells_copy4_any(to, t, from, f, n);
    }
}

/* Copies a value whose `n` fields all have 4 bytes and lie behind each other (skep__type.packed4)
 * into a row. */
SKEP_INLINE void skep__value_put4(const skep__cell *to, uint32_t row, const uint8_t *value,
                                  uint32_t n)
{
    const size_t t = (size_t)row * 4u;
    if (SKEP_LIKELY(n == 2)) {
        uint8_t *const to_a = to[0].data + t, *const to_b = to[1].data + t;
        uint64_t both;
        memcpy(&both, value, 8);
        memcpy(to_a, (const uint8_t *)&both, 4);
        memcpy(to_b, (const uint8_t *)&both + 4, 4);
        return;
    }
    for (uint32_t i = 0; i < n; i++) memcpy(to[i].data + t, value + i * 4u, 4);
}

/* Copies a value from its C struct into a row. */
SKEP_INLINE void skep__value_put(const skep__type *type, const skep__cell *to, uint32_t row,
                                 const void *value)
{
    if (SKEP_LIKELY(type->packed4))
        skep__value_put4(to, row, value, type->packed4);
    else
        skep__value_store(type->info, to, row, value);
}

/* Copies a row within one layout, all but the ids. */
SKEP_INLINE void skep__cells_copy(const skep__layout *l, const skep__line *to, uint32_t to_row,
                                  const skep__line *from, uint32_t from_row)
{
    const uint32_t n = l->column_count;
    if (SKEP_LIKELY(l->only4)) {
        skep__cells_copy4(&to->cells[1], to_row, &from->cells[1], from_row, n - 1u);
        return;
    }
    for (uint32_t c = 1; c < n; c++)
        skep__value_copy(to->cells[c].data, to_row, from->cells[c].data, from_row,
                         l->columns[c].bytes);
}

/* Copies a row within one layout, ids included. */
SKEP_INLINE void skep__row_copy(const skep__layout *l, const skep__line *to, uint32_t to_row,
                                const skep__line *from, uint32_t from_row)
{
    memcpy(to->cells[0].data + (size_t)to_row * 8u, from->cells[0].data + (size_t)from_row * 8u, 8);
    skep__cells_copy(l, to, to_row, from, from_row);
}

/* Copies the columns that an edge shares, but the ids. */
SKEP_INLINE void skep__edge_copy_values(const skep__layout *from_layout, const skep__edge *e,
                                        const skep__line *to, uint32_t to_row,
                                        const skep__line *from, uint32_t from_row)
{
    const uint32_t n = e->copy_count;
    if (SKEP_LIKELY(e->direct4)) {
        skep__cells_copy4(&to->cells[1], to_row, &from->cells[1], from_row, n - 1u);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        const uint32_t f = e->from_column[i];
        skep__value_copy(to->cells[e->to_column[i]].data, to_row, from->cells[f].data, from_row,
                         from_layout->columns[f].bytes);
    }
}

/* Copies the columns that an edge shares. */
SKEP_INLINE void skep__edge_copy(const skep__layout *from_layout, const skep__edge *e,
                                 const skep__line *to, uint32_t to_row, const skep__line *from,
                                 uint32_t from_row)
{
    memcpy(to->cells[0].data + (size_t)to_row * 8u, from->cells[0].data + (size_t)from_row * 8u, 8);
    skep__edge_copy_values(from_layout, e, to, to_row, from, from_row);
}

SKEP_INLINE uint64_t skep__id_at(const skep__line *line, uint32_t row)
{
    uint64_t bits = 0;
    memcpy(&bits, line->cells[0].data + (size_t)row * 8u, 8);
    return bits;
}

SKEP_INLINE void skep__id_put(const skep__line *line, uint32_t row, uint64_t bits)
{
    memcpy(line->cells[0].data + (size_t)row * 8u, &bits, 8);
}

/* Where a row is: its line, and its number in there. */
typedef struct skep__place {
    skep__line *line;
    uint32_t row;
} skep__place;

SKEP_INLINE skep__place skep__place_of(const skep__table *t, uint32_t row)
{
    const skep__place place = {skep__line_of(t, row >> t->shift), row & ((1u << t->shift) - 1u)};
    return place;
}

/* A row that is about to go, and the last row of its table, which will take its place. */
typedef struct skep__hole {
    skep__place at, last;
    uint64_t moved; /* handle of the last row */
    uint32_t row;
    uint32_t row_count; /* of the table without it */
} skep__hole;

/* Finds and owns what filling the hole at `row` will write. Dies when the table's lines move. */
SKEP_INLINE skep_status skep__hole_prepare(skep__store *s, skep__table *t, uint32_t row,
                                           skep__hole *hole)
{
    const uint32_t last = t->row_count - 1u;
    hole->row = row;
    hole->row_count = last;
    hole->at = skep__place_of(t, row);
    if (row == last) {
        hole->last = hole->at;
        hole->moved = 0;
        return SKEP_OK;
    }
    hole->last = skep__place_of(t, last);
    hole->moved = skep__id_at(hole->last.line, hole->last.row);
    if (SKEP_UNLIKELY(hole->at.line->epoch != s->epoch) &&
        skep__own_line_slow(s, t, row >> t->shift) != SKEP_OK)
        return SKEP_NO_MEMORY;
    return skep__own_index(s, (uint32_t)hole->moved);
}

/* Moves the last row into the hole; all is owned. */
SKEP_INLINE void skep__hole_fill(skep__store *s, skep__table *t, const skep__hole *hole)
{
    t->row_count = hole->row_count;
    if (hole->row == hole->row_count) return;
    s->index[(uint32_t)hole->moved] = (hole->moved >> 32) << SKEP__RECORD_GENERATION_SHIFT |
                                      (uint64_t)t->id << SKEP__RECORD_TABLE_SHIFT | hole->row;
    skep__id_put(hole->at.line, hole->at.row, hole->moved);
    skep__cells_copy(t->layout, hole->at.line, hole->at.row, hole->last.line, hole->last.row);
}

/* Points an entity's record at a row; its page is owned. */
SKEP_INLINE void skep__record_point(skep__store *s, uint32_t index, uint32_t table, uint32_t row)
{
    s->index[index] =
        (s->index[index] & ~SKEP__RECORD_LOW) | ((uint64_t)table << SKEP__RECORD_TABLE_SHIFT) | row;
}

/* ---- one type added or removed --------------------------------------------------------------- */

/* What the kept edge is found by: the record's table bits and the change. An edge that leads back
 * to its own table is never kept, so that who finds one there knows that the row moves. */
SKEP_INLINE uint64_t skep__edge_key(uint64_t r, uint32_t type, bool add)
{
    const uint64_t table = (uint64_t)SKEP__RECORD_TABLE_MASK << SKEP__RECORD_TABLE_SHIFT;
    return (r & table) | (uint64_t)(type << 1) | (add ? 1u : 0u);
}

/* Copies 4-byte columns, a few of them. */
SKEP_INLINE void skep__quick_copy(const skep__cell *to, size_t t, const skep__cell *from, size_t f,
                                  uint32_t n)
{
    if (SKEP_LIKELY(n == 2)) {
        skep__pair_copy4(to, t, from, f);
        return;
    }
    for (uint32_t i = 0; i < n; i++) memcpy(to[i].data + t, from[i].data + f, 4);
}

/* Copies the `held` 4-byte columns of a row within one table. */
SKEP_INLINE void skep__held_copy(skep__place to, skep__place from, uint32_t held)
{
    const size_t t = (size_t)to.row * 4u, f = (size_t)from.row * 4u;
    skep__quick_copy(&to.line->cells[1], t, &from.line->cells[1], f, held == 4 ? 2 : held);
    if (held == 4) skep__pair_copy4(&to.line->cells[3], t, &from.line->cells[3], f);
}

/* Moves an entity along the kept edge and writes `value` to what it adds, where that is the edge
 * asked for, there is room, and all that is written is owned. Else nothing is done and false
 * returned: the slow way finds out why. Without any call, so that nothing is spilled around one:
 * that is half of what the slow way takes. */
SKEP_INLINE bool skep__row_quick(skep__store *s, skep_entity e, uint32_t type, bool add,
                                 const void *value)
{
    const uint32_t index = (uint32_t)e.bits;
    if (SKEP_UNLIKELY(index >= s->queue.index_count)) return false;
    const uint64_t r = s->index[index];
    if (SKEP_UNLIKELY((r >> SKEP__RECORD_GENERATION_SHIFT) != (e.bits >> 32))) return false;
    const skep__edge_kept *kept = &s->edge;
    if (SKEP_UNLIKELY(skep__edge_key(r, type, add) != kept->key || !kept->quick)) return false;
    skep__table *source = kept->source;
    skep__table *target = kept->target;
    const uint64_t epoch = s->epoch;
    const uint32_t last = source->row_count - 1u;
    const uint32_t row = skep__record_row(r);
    const uint32_t to = target->row_count;
    const skep__place here = skep__place_of(source, row);
    const skep__place tail = skep__place_of(source, last);
    const uint64_t moved = skep__id_at(tail.line, tail.row);
    const skep__place there = skep__place_of(target, to);
    if (SKEP_UNLIKELY(to == target->row_cap)) return false;
    if (SKEP_UNLIKELY((there.line->epoch ^ epoch) | (here.line->epoch ^ epoch) |
                      (s->index_epoch[index >> SKEP__INDEX_PAGE_SHIFT] ^ epoch) |
                      (s->index_epoch[(uint32_t)moved >> SKEP__INDEX_PAGE_SHIFT] ^ epoch)))
        return false;
    target->row_count = to + 1u;
    source->row_count = last;
    s->index[index] = (r & ~SKEP__RECORD_LOW) | kept->target_bits | to;
    skep__id_put(there.line, there.row, e.bits);
    const size_t h = (size_t)here.row * 4u, t = (size_t)there.row * 4u;
    if (add) skep__value_put4(&there.line->cells[kept->first], there.row, value, kept->added);
    skep__quick_copy(&there.line->cells[1], t, &here.line->cells[1], h, kept->copied);
    if (row == last) return true;
    s->index[(uint32_t)moved] =
        (moved >> 32) << SKEP__RECORD_GENERATION_SHIFT | kept->source_bits | row;
    skep__id_put(here.line, here.row, moved);
    skep__held_copy(here, tail, kept->held);
    return true;
}

/* ---- one created or destroyed ------------------------------------------------------------------
 */

/* Takes a handle and appends a row, whose columns hold anything, where there is room and all that
 * is written is owned; else nothing is done. As skep__row_quick, without any call. */
SKEP_INLINE bool skep__row_quick_create(skep__store *s, skep__table *t, skep_entity *e,
                                        skep__place *there)
{
    const uint32_t at = t->row_count;
    const bool queued = s->queue.count != 0;
    const uint32_t index = queued ? s->queue.head : s->queue.index_count;
    *there = skep__place_of(t, at);
    if (SKEP_UNLIKELY(at == t->row_cap || index >= s->entity_max || s->queue_stale ||
                      there->line->epoch != s->epoch ||
                      s->index_epoch[index >> SKEP__INDEX_PAGE_SHIFT] != s->epoch))
        return false;
    uint32_t generation = 1;
    if (queued) {
        generation = skep__record_generation(s->index[index]);
        s->queue.head = skep__record_row(s->index[index]);
        s->queue.count--;
    } else {
        s->queue.index_count = index + 1u;
    }
    t->row_count = at + 1u;
    s->entity_count++;
    s->index[index] = skep__record_make(generation, t->id, at);
    *e = skep_entity_make(index, generation);
    skep__id_put(there->line, there->row, e->bits);
    return true;
}

/* Removes a living entity of record `r` and queues its index, where all that is written is owned
 * and all columns have 4 bytes; else nothing is done. */
SKEP_INLINE bool skep__row_quick_destroy(skep__store *s, skep_entity e, uint64_t r)
{
    skep__table *t = s->tables[skep__record_table(r)];
    const uint32_t index = (uint32_t)e.bits;
    const uint64_t epoch = s->epoch;
    const uint32_t row = skep__record_row(r), last = t->row_count - 1u;
    const skep__place here = skep__place_of(t, row);
    const skep__place tail = skep__place_of(t, last);
    const uint64_t moved = skep__id_at(tail.line, tail.row);
    const uint32_t end = s->queue.count ? s->queue.tail : index;
    if (SKEP_UNLIKELY(!t->layout->only4 || (e.bits >> 32) == SKEP_GENERATION_MAX)) return false;
    if (SKEP_UNLIKELY((here.line->epoch ^ epoch) |
                      (s->index_epoch[index >> SKEP__INDEX_PAGE_SHIFT] ^ epoch) |
                      (s->index_epoch[end >> SKEP__INDEX_PAGE_SHIFT] ^ epoch) |
                      (s->index_epoch[(uint32_t)moved >> SKEP__INDEX_PAGE_SHIFT] ^ epoch)))
        return false;
    t->row_count = last;
    s->entity_count--;
    if (row != last) {
        s->index[(uint32_t)moved] = (moved >> 32) << SKEP__RECORD_GENERATION_SHIFT |
                                    (uint64_t)t->id << SKEP__RECORD_TABLE_SHIFT | row;
        skep__id_put(here.line, here.row, moved);
        skep__held_copy(here, tail, t->layout->column_count - 1u);
    }
    skep__queue_push(s, index, (uint32_t)(e.bits >> 32) + 1u);
    return true;
}

#endif
