/* SPDX-License-Identifier: MIT */
/* The difference of two snapshots of one world.
 *
 * Tables of the same id and set of components are compared in place: where a row block has the same
 * ids slot in both, its rows are the same entities, and a column with the same slot is the same
 * without looking. All other rows are looked up by handle in the other snapshot, and neighbours
 * that are neighbours there too make one run, so that a block of which one entity left is still
 * compared column by column. */
#include "core/data/snapshot_internal.h"
#include "core/simd/differ.h"

typedef struct diff {
    const skep_snapshot *a; /* before */
    const skep_snapshot *b; /* after */
    skep_diff_fn fn;
    void *ctx;
    bool stopped;
} diff;

/* A row block of one snapshot. */
typedef struct diff_block {
    const skep__snap_table *table;
    const skep_entity *ids;
    uint32_t block;
    uint32_t rows;
} diff_block;

/* The same `count` entities in both, in rows that lie behind each other. */
typedef struct diff_run {
    diff_block a;
    diff_block b;
    uint32_t a_row;
    uint32_t b_row;
    uint32_t count;
} diff_run;

/* One component's columns of a run: those fields that differ somewhere. */
typedef struct diff_columns {
    const uint8_t *a[SKEP_FIELD_MAX];
    const uint8_t *b[SKEP_FIELD_MAX];
    uint32_t bytes[SKEP_FIELD_MAX];
    uint32_t next[SKEP_FIELD_MAX]; /* the next row that differs, or the number of rows */
    uint32_t count;
} diff_columns;

static diff_block diff_block_at(const skep_snapshot *s, uint32_t table, uint32_t block)
{
    const skep__snap_table *t = &s->tables[table];
    diff_block at = {t, NULL, block, 0};
    if (block >= skep__snap_blocks(t)) return at;
    at.ids = (const skep_entity *)(const void *)skep__snap_cell(s, t, block, 0);
    at.rows = skep__snap_block_rows(t, block);
    return at;
}

/* Rows at the front of a block that are the same entities at the same place in the other snapshot.
 */
static uint32_t diff_shared_rows(const skep_snapshot *other, uint32_t table, const diff_block *at)
{
    if (table >= other->table_count) return 0;
    if (!skep__layout_same_set(other->tables[table].layout, at->table->layout)) return 0;
    const diff_block there = diff_block_at(other, table, at->block);
    return there.ids == at->ids ? skep__min_u32(there.rows, at->rows) : 0;
}

/* Hands one item on. */
static void diff_emit(diff *d, skep_diff_kind kind, const diff_block *at, uint32_t row,
                      uint32_t count)
{
    skep_diff_item item;
    memset(&item, 0, sizeof item);
    item.kind = kind;
    item.count = count;
    item.entity = at->ids + row;
    if (!d->stopped) d->stopped = !d->fn(d->ctx, &item);
}

/* Describes an item of a component from row 0 of a block on; all but REMOVED have the columns of
 * the block, which is one of `after`. */
static void diff_describe(const diff *d, skep_diff_kind kind, const diff_block *at, uint32_t type,
                          skep_diff_item *item)
{
    memset(item, 0, sizeof *item);
    item->kind = kind;
    item->entity = at->ids;
    item->component = d->b->types[type].info;
    if (kind == SKEP_DIFF_REMOVED) return;
    const skep__layout *l = at->table->layout;
    const int32_t position = skep__layout_find(l, type);
    for (uint32_t f = 0; f < item->component->field_count; f++)
        item->column[f] = skep__snap_cell(d->b, at->table, at->block, l->first[position] + f);
}

/* Moves a description on by some rows. */
static void diff_forward(skep_diff_item *item, uint32_t rows)
{
    item->entity += rows;
    if (item->kind == SKEP_DIFF_REMOVED) return;
    for (uint32_t f = 0; f < item->component->field_count; f++) {
        const skep_field *field = &item->component->fields[f];
        item->column[f] =
            (const uint8_t *)item->column[f] + (size_t)rows * field->size * field->count;
    }
}

/* Hands one item of a component on. */
static void diff_emit_component(diff *d, skep_diff_kind kind, const diff_block *at, uint32_t row,
                                uint32_t count, uint32_t type)
{
    skep_diff_item item;
    diff_describe(d, kind, at, type, &item);
    diff_forward(&item, row);
    item.count = count;
    if (!d->stopped) d->stopped = !d->fn(d->ctx, &item);
}

/* ---- values --------------------------------------------------------------------------------- */

/* The first byte from `at` on in which two columns differ, or `n`. */
static size_t diff_bytes(const uint8_t *a, const uint8_t *b, size_t at, size_t n)
{
    while (at + SKEP__DIFFER_BYTES <= n && !skep__differ(a + at, b + at)) at += SKEP__DIFFER_BYTES;
    for (; at + 8 <= n; at += 8) {
        uint64_t x;
        uint64_t y;
        memcpy(&x, a + at, sizeof x);
        memcpy(&y, b + at, sizeof y);
        if (x != y) break;
    }
    while (at < n && a[at] == b[at]) at++;
    return at;
}

/* The first row from `row` on in which column i differs, or `rows`. */
static uint32_t diff_next(const diff_columns *columns, uint32_t i, uint32_t row, uint32_t rows)
{
    const size_t bytes = columns->bytes[i];
    const size_t n = bytes * rows;
    const size_t at = diff_bytes(columns->a[i], columns->b[i], bytes * row, n);
    return at == n ? rows : skep__u32(bytes == 4 ? at / 4 : bytes == 8 ? at / 8 : at / bytes);
}

/* Collects the fields of a component that differ in a run. */
static void diff_columns_find(const diff *d, const diff_run *run, uint32_t a_first,
                              uint32_t b_first, uint32_t field_count, diff_columns *columns)
{
    columns->count = 0;
    for (uint32_t f = 0; f < field_count; f++) {
        const uint32_t bytes = run->b.table->layout->columns[b_first + f].bytes;
        const uint8_t *a = skep__snap_cell(d->a, run->a.table, run->a.block, a_first + f);
        const uint8_t *b = skep__snap_cell(d->b, run->b.table, run->b.block, b_first + f);
        const uint32_t i = columns->count;
        columns->a[i] = a + (size_t)run->a_row * bytes;
        columns->b[i] = b + (size_t)run->b_row * bytes;
        columns->bytes[i] = bytes;
        if (columns->a[i] == columns->b[i]) continue;
        columns->next[i] = diff_next(columns, i, 0, run->count);
        if (columns->next[i] < run->count) columns->count++;
    }
}

/* Leaves `row` behind; returns the next one in which some column differs, or `rows`. */
static uint32_t diff_advance(diff_columns *columns, uint32_t row, uint32_t rows)
{
    uint32_t next = rows;
    for (uint32_t i = 0; i < columns->count; i++) {
        if (columns->next[i] == row) columns->next[i] = diff_next(columns, i, row + 1u, rows);
        next = skep__min_u32(next, columns->next[i]);
    }
    return next;
}

/* Reports the rows of a run whose values of one component differ. Equal stretches are skipped
 * column by column, so that each is looked at once. */
static void diff_component(diff *d, const diff_run *run, uint32_t a_position, uint32_t b_position)
{
    const uint32_t type = run->b.table->layout->types[b_position];
    const uint32_t field_count = d->b->types[type].info->field_count;
    if (field_count == 0) return;
    diff_columns columns;
    diff_columns_find(d, run, run->a.table->layout->first[a_position],
                      run->b.table->layout->first[b_position], field_count, &columns);
    uint32_t row = diff_advance(&columns, UINT32_MAX, run->count);
    if (row == run->count) return;
    skep_diff_item item;
    diff_describe(d, SKEP_DIFF_CHANGED, &run->b, type, &item);
    for (uint32_t at = 0; row < run->count && !d->stopped;) {
        uint32_t end = row;
        uint32_t next = row;
        while (next == end && end < run->count) next = diff_advance(&columns, end++, run->count);
        diff_forward(&item, run->b_row + row - at);
        at = run->b_row + row;
        item.count = end - row;
        d->stopped = !d->fn(d->ctx, &item);
        row = next;
    }
}

/* Reports what became of entities that were alive in both. */
static void diff_kept(diff *d, const diff_run *run)
{
    const skep__layout *a = run->a.table->layout;
    const skep__layout *b = run->b.table->layout;
    for (uint32_t i = 0; i < a->type_count && !d->stopped; i++) {
        if (skep__layout_find(b, a->types[i]) >= 0) continue;
        diff_emit_component(d, SKEP_DIFF_REMOVED, &run->b, run->b_row, run->count, a->types[i]);
    }
    for (uint32_t i = 0; i < b->type_count && !d->stopped; i++) {
        const int32_t before = skep__layout_find(a, b->types[i]);
        if (before >= 0)
            diff_component(d, run, (uint32_t)before, i);
        else
            diff_emit_component(d, SKEP_DIFF_ADDED, &run->b, run->b_row, run->count, b->types[i]);
    }
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* Where an entity of the one snapshot is in the other: its record, 0 when it is not alive there. */
static uint64_t diff_record(const skep_snapshot *s, const diff_block *at, uint32_t row)
{
    return skep__snap_record_of(s, at->ids[row]);
}

/* Whether the entity with record r is `count` rows behind the one with record `first`, in its row
 * block. */
static bool diff_follows(uint64_t first, uint64_t r, uint32_t count, uint32_t shift)
{
    if (skep__record_table(first) != skep__record_table(r)) return false;
    const uint32_t row = skep__record_row(first);
    return skep__record_row(r) == row + count && (row + count) >> shift == row >> shift;
}

/* Reports the run of rows of `after` that begins at `row`; returns its length. */
static uint32_t diff_rows(diff *d, const diff_block *at, uint32_t row)
{
    const uint64_t first = diff_record(d->a, at, row);
    uint32_t count = 1;
    if (!first) {
        while (row + count < at->rows && !diff_record(d->a, at, row + count)) count++;
        diff_emit(d, SKEP_DIFF_SPAWNED, at, row, count);
        const skep__layout *l = at->table->layout;
        for (uint32_t i = 0; i < l->type_count && !d->stopped; i++)
            diff_emit_component(d, SKEP_DIFF_ADDED, at, row, count, l->types[i]);
        return count;
    }
    const uint32_t table = skep__record_table(first);
    const uint32_t shift = d->a->tables[table].shift;
    while (row + count < at->rows &&
           diff_follows(first, diff_record(d->a, at, row + count), count, shift))
        count++;
    const uint32_t a_row = skep__record_row(first);
    const diff_run run = {diff_block_at(d->a, table, a_row >> shift), *at,
                          a_row & ((1u << shift) - 1u), row, count};
    diff_kept(d, &run);
    return count;
}

static void diff_after(diff *d, uint32_t table, uint32_t block)
{
    const diff_block at = diff_block_at(d->b, table, block);
    const uint32_t shared = diff_shared_rows(d->a, table, &at);
    if (shared && !at.table->small_slot) {
        const diff_run run = {diff_block_at(d->a, table, block), at, 0, 0, shared};
        diff_kept(d, &run);
    }
    for (uint32_t row = shared; row < at.rows && !d->stopped;) row += diff_rows(d, &at, row);
}

static void diff_before(diff *d, uint32_t table, uint32_t block)
{
    const diff_block at = diff_block_at(d->a, table, block);
    uint32_t row = diff_shared_rows(d->b, table, &at);
    while (row < at.rows && !d->stopped) {
        uint32_t end = row;
        while (end < at.rows && !diff_record(d->b, &at, end)) end++;
        if (end > row) diff_emit(d, SKEP_DIFF_DESPAWNED, &at, row, end - row);
        row = end + 1u;
    }
}

skep_status skep_diff(const skep_snapshot *before, const skep_snapshot *after, skep_diff_fn fn,
                      void *ctx)
{
    SKEP_ASSERT(before && after && fn);
    if (before->world != after->world) return SKEP_ARGUMENT;
    diff d = {before, after, fn, ctx, false};
    if (before == after) return SKEP_OK;
    for (uint32_t t = 1; t < before->table_count; t++)
        for (uint32_t b = 0; b < skep__snap_blocks(&before->tables[t]) && !d.stopped; b++)
            diff_before(&d, t, b);
    for (uint32_t t = 1; t < after->table_count; t++)
        for (uint32_t b = 0; b < skep__snap_blocks(&after->tables[t]) && !d.stopped; b++)
            diff_after(&d, t, b);
    return SKEP_OK;
}
