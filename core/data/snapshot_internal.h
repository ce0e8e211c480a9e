/* SPDX-License-Identifier: MIT */
/* A snapshot's insides and how its rows are read: what restore, diff, hash and save share. */
#ifndef SKEP_CORE_DATA_SNAPSHOT_INTERNAL_H
#define SKEP_CORE_DATA_SNAPSHOT_INTERNAL_H

#include "core/data/data.h"
#include "core/store/layout.h"

/* One table. Tables of blocks have their slots at snapshot->names + names, as skep__table.names
 * lays them out; small ones have one slot; without rows there is neither. */
typedef struct skep__snap_table {
    skep__layout *layout; /* held */
    uint32_t row_count;
    uint32_t block_count; /* row blocks that hold rows, 0 for a small table */
    uint32_t small_slot;
    uint32_t small_cap; /* rows for which the small slot is cut */
    uint32_t names;
    uint32_t shift;
} skep__snap_table;

/* A resource or a channel. */
typedef struct skep__snap_blob {
    const skep_component *info;
    uint64_t identity;
    skep__blob blob;
    uint32_t count; /* of channels, with the next three */
    uint32_t old_count;
    uint32_t stride;
    bool removed;
} skep__snap_blob;

typedef struct skep__snap_type {
    const skep_component *info;
    uint64_t identity;
} skep__snap_type;

struct skep_snapshot {
    skep_snapshot *next; /* in the list of live or free ones */
    skep_snapshot *previous;
    skep_snapshot *returned; /* next in the mailbox */
    skep_world *world;
    const skep__arena *arena;
    const uint64_t *live_index;
    skep__index_keep keep;
    skep__snap_table *tables; /* table_count; 0 is unused, as in the store */
    uint32_t table_count, table_cap;
    uint32_t *names;
    uint32_t name_count, name_cap;
    skep__snap_blob *blobs; /* resources, then channels */
    uint32_t resource_count, channel_count, blob_cap;
    skep__snap_type *types; /* so that a detached snapshot needs nothing of the store */
    uint32_t type_count, type_cap;
    skep__blob records;
    uint32_t record_count;
    uint32_t entity_count;
    skep__free_queue queue;
    uint64_t seed, tick, stamp, event_seq;
    double time;
};

/* Index pages that cover `count` indexes. */
SKEP_INLINE uint32_t skep__index_pages(uint32_t count)
{
    return (count + (1u << SKEP__INDEX_PAGE_SHIFT) - 1u) >> SKEP__INDEX_PAGE_SHIFT;
}

/* The record of an index below queue.index_count as it was. */
SKEP_INLINE uint64_t skep__snap_record_at(const skep_snapshot *s, uint32_t index)
{
    const uint32_t kept = s->keep.pages[index >> SKEP__INDEX_PAGE_SHIFT];
    if (!kept) return s->live_index[index];
    const uint64_t *page = (const uint64_t *)skep__slot_data(s->arena, kept);
    return page[index & ((1u << SKEP__INDEX_PAGE_SHIFT) - 1u)];
}

/* The record of an entity that was alive, else 0. */
SKEP_INLINE uint64_t skep__snap_record_of(const skep_snapshot *s, skep_entity e)
{
    const uint32_t i = skep_entity_index(e);
    if (i >= s->queue.index_count) return 0;
    const uint64_t r = skep__snap_record_at(s, i);
    if ((r >> SKEP__RECORD_GENERATION_SHIFT) != (e.bits >> 32)) return 0;
    return skep__record_table(r) ? r : 0;
}

SKEP_INLINE const uint8_t *skep__snap_blob_read(const skep_snapshot *s, const skep__blob *b)
{
    return b->slot ? (const uint8_t *)skep__slot_data(s->arena, b->slot) : NULL;
}

/* Row blocks that hold rows, small tables included. */
SKEP_INLINE uint32_t skep__snap_blocks(const skep__snap_table *t)
{
    return (t->row_count + (1u << t->shift) - 1u) >> t->shift;
}

SKEP_INLINE uint32_t skep__snap_block_rows(const skep__snap_table *t, uint32_t block)
{
    return skep__min_u32(t->row_count - (block << t->shift), 1u << t->shift);
}

/* The slot that holds one column of a row block: what two snapshots compare. For a small table it
 * is the one slot of all columns. */
SKEP_INLINE uint32_t skep__snap_slot(const skep_snapshot *s, const skep__snap_table *t,
                                     uint32_t block, uint32_t column)
{
    if (t->small_slot) return t->small_slot;
    return s->names[t->names + block * t->layout->column_count + column];
}

/* The first row of one column of a row block. O(columns) for small tables. */
const uint8_t *skep__snap_cell(const skep_snapshot *s, const skep__snap_table *t, uint32_t block,
                               uint32_t column);

/* A component's number in the snapshot, or SKEP__NO_TYPE. */
uint32_t skep__snap_type_find(const skep_snapshot *s, const skep_component *component);

/* Whether two layouts have the same components, stamps aside. */
bool skep__layout_same_set(const skep__layout *a, const skep__layout *b);

/* The hash of one value of a component or one row of it, field by field, NaNs made one. `columns`
 * holds one pointer a field. */
uint64_t skep__hash_struct(const skep_component *info, const uint8_t *value, uint64_t seed);

#endif
