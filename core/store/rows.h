/* SPDX-License-Identifier: MIT */
/* The inner loops of structural work: one row moved between columns, one hole filled. Inline, since they are a
 * few instructions that everything else waits for; shared by row.c and by apply. */
#ifndef SKEP_CORE_STORE_ROWS_H
#define SKEP_CORE_STORE_ROWS_H

#include "core/store/index.h"
#include "core/store/store.h"

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

SKEP_INLINE void skep__copy4(const skep__cell *to, uint32_t to_row, const skep__cell *from,
                             uint32_t from_row)
{
    memcpy(to->data + (size_t)to_row * 4u, from->data + (size_t)from_row * 4u, 4);
}

/* Copies a row within one layout, ids included. */
SKEP_INLINE void skep__row_copy(const skep__layout *l, const skep__line *to, uint32_t to_row,
                                const skep__line *from, uint32_t from_row)
{
    memcpy(to->cells[0].data + (size_t)to_row * 8u, from->cells[0].data + (size_t)from_row * 8u, 8);
    const uint32_t n = l->column_count;
    if (SKEP_LIKELY(l->only4)) {
        for (uint32_t c = 1; c < n; c++)
            skep__copy4(&to->cells[c], to_row, &from->cells[c], from_row);
        return;
    }
    for (uint32_t c = 1; c < n; c++)
        skep__value_copy(to->cells[c].data, to_row, from->cells[c].data, from_row,
                         l->columns[c].bytes);
}

/* Copies the columns that an edge shares. */
SKEP_INLINE void skep__edge_copy(const skep__layout *from_layout, const skep__edge *e,
                                 const skep__line *to, uint32_t to_row, const skep__line *from,
                                 uint32_t from_row)
{
    memcpy(to->cells[0].data + (size_t)to_row * 8u, from->cells[0].data + (size_t)from_row * 8u, 8);
    const uint32_t n = e->copy_count;
    if (SKEP_LIKELY(e->direct4)) {
        for (uint32_t c = 1; c < n; c++)
            skep__copy4(&to->cells[c], to_row, &from->cells[c], from_row);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        const uint32_t f = e->from_column[i];
        skep__value_copy(to->cells[e->to_column[i]].data, to_row, from->cells[f].data, from_row,
                         from_layout->columns[f].bytes);
    }
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

/* Owns what filling the hole at `row` by the last row will write. */
SKEP_INLINE skep_status skep__hole_prepare(skep__store *s, skep__table *t, uint32_t row)
{
    const uint32_t last = t->row_count - 1u;
    if (row == last) return SKEP_OK;
    const uint32_t mask = (1u << t->shift) - 1u;
    const uint64_t moved = skep__id_at(skep__line_of(t, last >> t->shift), last & mask);
    if (SKEP_UNLIKELY(skep__own_line(s, t, row >> t->shift) != SKEP_OK)) return SKEP_NO_MEMORY;
    return skep__own_index(s, (uint32_t)moved);
}

/* Moves the last row into the hole at `row`; all is owned. */
SKEP_INLINE void skep__hole_fill(skep__store *s, skep__table *t, uint32_t row)
{
    const uint32_t last = --t->row_count;
    if (row == last) return;
    const uint32_t mask = (1u << t->shift) - 1u;
    const skep__line *from = skep__line_of(t, last >> t->shift);
    const skep__line *to = skep__line_of(t, row >> t->shift);
    skep__row_copy(t->layout, to, row & mask, from, last & mask);
    uint64_t *r = &s->index[(uint32_t)skep__id_at(to, row & mask)];
    *r = (*r & ~(uint64_t)SKEP__RECORD_ROW_MASK) | row;
}

/* Points an entity's record at a row; its page is owned. */
SKEP_INLINE void skep__record_point(skep__store *s, uint32_t index, uint32_t table, uint32_t row)
{
    s->index[index] = (s->index[index] & ~SKEP__RECORD_LOW) |
                      ((uint64_t)table << SKEP__RECORD_TABLE_SHIFT) | row;
}

#endif
