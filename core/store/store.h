/* SPDX-License-Identifier: MIT */
/* The storage: component types, tables of columns cut into blocks, and the entity index.
 *
 * A table holds the entities with exactly one set of components. Its rows are cut into row blocks;
 * each column of a row block is one arena slot, and all columns of one row block have their cells
 * (pointer, epoch) side by side in one line of the table's directory:
 *
 *     table->lines:  [epoch | ids cell | cell of column 1 | cell of column 2 | ...]   row block 0
 *                    [epoch | ids cell | ...                                      ]   row block 1
 *
 * A small table (below one row block) is one slot that holds all its columns, with one line and one
 * reference; it grows through 8, 32, 128 and 512 rows and then becomes blocks. Column 0 is the ids.
 *
 * The epoch. The epoch is raised by snapshot, restore and hash. A cell whose
 * epoch is the world's is exclusive (nobody else holds the slot) and stamped as changed; any other
 * cell must be owned first (skep__own_cell), which looks at the count, copies if it must, and
 * forgets the cached hash. A line's epoch says the same of all its cells, for structural work.
 *
 * The index is one flat array of records (generation 21, table 17, row 26 bits) that never moves. A
 * dead record has table 0 and the next free index in its row bits, so the free queue, oldest first,
 * lies inside the index. The first write to a page of it after a snapshot hands the old contents to
 * the snapshot.
 *
 * Everything that jobs read (slots, lines, the component directories `dir`, the index) is in the
 * region; the rest is host-private. Only the owner's thread calls this. Every call that can fail
 * leaves things as they were. */
#ifndef SKEP_CORE_STORE_STORE_H
#define SKEP_CORE_STORE_STORE_H

#include "core/base/base.h"
#include "core/store/arena.h"
#include "skep/job.h"

#define SKEP__ROWS_MAX 1024u        /* rows of a block at most */
#define SKEP__ROWS_MIN 32u          /* and at least */
#define SKEP__BLOCK_BYTES_MAX 8192u /* of the widest column, unless that makes too few rows */
#define SKEP__INDEX_PAGE_SHIFT 10u  /* records of an index page: 8 KiB */
#define SKEP__TABLE_MAX 0x1ffffu
#define SKEP__TABLES_FIRST 64u /* table_cap to start with */
#define SKEP__TYPE_MAX 4096u
#define SKEP__NO_COLUMN 0xffffu
#define SKEP__NO_TYPE 0xffffu

/* A component as one world knows it. Its number is its index in store->types. */
typedef struct skep__type {
    const skep_component *info;
    uint64_t identity;
    bool watched;        /* some query asks for `changed`: tables keep a stamp column of it */
    bool noted;          /* hooks, `removed` or Parent need to hear of adds and removes */
    uint8_t field_count; /* info->field_count */
    uint8_t packed4; /* number of fields, where each has 4 bytes and they lie behind each other in
                        the C struct; else 0 */
    uint16_t column_bytes[SKEP_FIELD_MAX];
    skep__colref *dir; /* in the region, store->table_cap entries */
    uint32_t dir_slot; /* arena name of dir */
} skep__type;

/* One column of a table. */
typedef struct skep__column {
    uint16_t bytes; /* a row */
    uint16_t type;  /* component number; SKEP__NO_TYPE for the ids */
    uint8_t field;  /* of the component; 0xff for its stamps */
    uint8_t kind;   /* 0 ids, 1 field, 2 stamps */
    uint16_t pad;
} skep__column;

/* The set of components of a table and what follows from it: shared by tables and snapshots,
 * counted, never changed once made (watching a component makes a new one). */
typedef struct skep__layout {
    uint32_t refs;
    uint32_t type_count;
    uint32_t column_count;
    uint32_t shift;        /* rows a block: 1 << shift */
    uint64_t identity;     /* of the set, whatever the numbers */
    uint16_t *types;       /* type_count numbers, ascending */
    uint16_t *first;       /* first column of each type, SKEP__NO_COLUMN for tags */
    uint16_t *stamps;      /* stamp column of each type, SKEP__NO_COLUMN if unwatched */
    skep__column *columns; /* column_count */
    uint16_t *order;       /* types' positions ordered by identity: the canonical order */
    bool only4;            /* all columns but the ids have 4 bytes */
    bool noted;            /* some type is noted */
    bool stamped;          /* some type is watched */
    uint32_t bytes;        /* of this allocation */
} skep__layout;

typedef struct skep__line {
    uint64_t epoch;
    uint64_t pad;
    skep__cell cells[]; /* column_count */
} skep__line;

/* Where to go when one type is added or removed, with the plan of the copy. */
typedef struct skep__edge {
    uint32_t key; /* type << 1 | add */
    uint32_t to;  /* table id */
    uint32_t copy_count;
    bool direct4; /* columns 1..copy_count-1 have 4 bytes and keep their place; column 0 is the ids
                   */
    uint16_t *from_column; /* copy_count pairs; pair 0 is the ids */
    uint16_t *to_column;
    uint32_t new_first; /* first column of the added type in `to`, SKEP__NO_COLUMN for tags */
    uint32_t new_stamp;
} skep__edge;

typedef struct skep__table {
    skep__layout *layout;
    uint8_t *lines; /* in the region; line of row block b at lines + b * line_stride */
    uint32_t line_stride;
    uint32_t id;
    uint32_t row_count;
    uint32_t row_cap;
    uint32_t block_count; /* row blocks that exist; 1 for a small table */
    uint32_t shift; /* layout->shift; for a small table too, since its rows are below one block */
    uint32_t small_slot; /* name of a small table's slot, 0 for a table of blocks */
    uint32_t lines_slot; /* arena name of lines */
    uint32_t line_cap;   /* lines that fit */
    uint32_t names_cap;
    uint32_t *names;   /* [block * column_count + column] of a table of blocks, host-private */
    skep__edge *edges; /* edge_count, unordered */
    uint32_t edge_count;
    uint32_t edge_cap;
} skep__table;

/* What a snapshot keeps of the index: the old contents of each page written since, 0 where the live
 * page still is what it was. Kept in a list, newest first. */
typedef struct skep__index_keep {
    struct skep__index_keep *older;
    struct skep__index_keep *newer;
    uint32_t *pages; /* page_count arena names */
    uint32_t page_count;
    uint32_t page_cap;
} skep__index_keep;

/* The index's four integers. */
typedef struct skep__free_queue {
    uint32_t head;
    uint32_t tail;
    uint32_t count;       /* of dead indexes in the queue */
    uint32_t index_count; /* indexes ever used */
} skep__free_queue;

/* The last edge that moved a row, with what moving the next one needs side by side. */
typedef struct skep__edge_kept {
    uint64_t key; /* see skep__edge_key; 0: none, and the rest is stale */
    skep__edge *edge;
    skep__table *source;
    skep__table *target;
    uint64_t source_bits; /* table bits of a record */
    uint64_t target_bits;
    bool quick;     /* all columns have 4 bytes, and what is copied keeps its place */
    uint8_t copied; /* columns that both tables have */
    uint8_t held;   /* columns of the source */
    uint8_t added;  /* columns of the new type */
    uint32_t first; /* of those */
} skep__edge_kept;

typedef struct skep__store {
    skep__arena arena;
    skep_allocator allocator;
    uint64_t epoch; /* starts at 1 */
    skep__type *types;
    uint32_t type_count;
    uint32_t type_cap;
    skep__table **tables; /* table_count; 0 is NULL (nowhere), 1 is the table without components */
    uint32_t table_count;
    uint32_t table_cap;    /* ids that fit into the directories */
    uint32_t tables_cap;   /* of the array `tables` */
    uint64_t *index;       /* entity_max records, in the region */
    uint64_t *index_epoch; /* a page */
    uint32_t index_slot;
    uint32_t entity_max;
    uint32_t entity_count; /* alive */
    skep__free_queue queue;
    bool queue_stale; /* create_at took an index out of the middle; see skep__queue_mend */
    skep__index_keep *keeps;
    uint64_t table_generation; /* raised when a table is made, removed or changes its layout */
    uint32_t *table_map;       /* hash table: layout identity -> table id */
    uint32_t table_map_cap;
    skep__edge_kept edge; /* the last edge that moved a row */
    const char *limit;    /* after SKEP_LIMIT or SKEP_NO_MEMORY: static text that names the knob */
} skep__store;

/* ---- life ------------------------------------------------------------------------------------ */

skep_status skep__store_init(skep__store *s, const skep_region *region,
                             const skep_allocator *allocator, uint32_t entity_max);
void skep__store_deinit(skep__store *s);

/* ---- types ----------------------------------------------------------------------------------- */

/* Registers a component, or finds it by identity. SKEP_SCHEMA when one of the same name and another
 * layout is known, SKEP_ARGUMENT for a description that breaks a rule. */
skep_status skep__type_add(skep__store *s, const skep_component *info, uint32_t *number);

/* Returns a number or SKEP__NO_TYPE. By address first, then by identity; O(1). */
uint32_t skep__type_find(const skep__store *s, const skep_component *info);

/* Makes every table of the type keep stamps from now on; rows start with stamp 0. */
skep_status skep__type_watch(skep__store *s, uint32_t number);

/* Sets `noted` for the type and the layouts that have it. */
void skep__type_note(skep__store *s, uint32_t number);

/* ---- tables ---------------------------------------------------------------------------------- */

/* Finds or makes the table of a sorted set of types. */
skep_status skep__table_for(skep__store *s, const uint16_t *types, uint32_t type_count,
                            uint32_t *table);

/* Finds or makes the edge of adding or removing a type. Adding what is there, or removing what is
 * not, leads back to the table itself. The pointer dies with the next edge of that table. */
skep_status skep__edge_get(skep__store *s, uint32_t table, uint32_t type, bool add,
                           skep__edge **edge);

/* Makes room for rows up to row_count + extra. */
skep_status skep__table_reserve(skep__store *s, skep__table *t, uint32_t extra);

/* Position of a type in a layout, or -1. O(log types). */
int32_t skep__layout_find(const skep__layout *l, uint32_t type);

/* Holds and drops layouts; snapshots do. */
void skep__layout_drop(skep__store *s, skep__layout *l);

/* Frees a table's rows and the table itself; its id must be the last one. For restore. */
void skep__table_pop(skep__store *s);

/* Makes a table of a layout at id table_count, for restore. */
skep_status skep__table_push(skep__store *s, skep__layout *l, uint32_t *table);

SKEP_INLINE skep__line *skep__line_of(const skep__table *t, uint32_t block)
{
    return (skep__line *)(void *)(t->lines + (size_t)block * t->line_stride);
}

/* Row blocks that hold rows. */
SKEP_INLINE uint32_t skep__table_blocks(const skep__table *t)
{
    return (t->row_count + (1u << t->shift) - 1u) >> t->shift;
}

/* Rows in one of them. */
SKEP_INLINE uint32_t skep__block_rows(const skep__table *t, uint32_t block)
{
    return skep__min_u32(t->row_count - (block << t->shift), 1u << t->shift);
}

/* ---- ownership ------------------------------------------------------------------------------- */

SKEP_INLINE void skep__epoch_raise(skep__store *s)
{
    s->epoch++;
}

/* Slow paths: see the head of this file. */
SKEP_NOINLINE skep_status skep__own_cell_slow(skep__store *s, skep__table *t, uint32_t block,
                                              uint32_t column);
SKEP_NOINLINE skep_status skep__own_line_slow(skep__store *s, skep__table *t, uint32_t block);
SKEP_NOINLINE skep_status skep__own_index_slow(skep__store *s, uint32_t page);

/* Makes one column of a row block writable. */
SKEP_INLINE skep_status skep__own_cell(skep__store *s, skep__table *t, uint32_t block,
                                       uint32_t column)
{
    if (SKEP_LIKELY(skep__line_of(t, block)->cells[column].epoch == s->epoch)) return SKEP_OK;
    return skep__own_cell_slow(s, t, block, column);
}

/* As skep__own_cell where nothing needs to be copied, inline: what a frame does for each block that
 * its jobs write in place. False, with nothing changed, for a small table or a block that somebody
 * else holds. */
SKEP_INLINE bool skep__own_alone(const skep__store *s, const skep__table *t, uint32_t block,
                                 uint32_t column)
{
    skep__cell *cell = &skep__line_of(t, block)->cells[column];
    if (cell->epoch == s->epoch) return true;
    if (SKEP_UNLIKELY(t->small_slot)) return false;
    const uint32_t name = t->names[block * t->layout->column_count + column];
    const skep__page *page = skep__page_of(&s->arena, name);
    const uint32_t slot = name & SKEP__SLOT_MASK;
    if (page->refs[slot] != 1) return false;
    if (page->hashes[slot]) page->hashes[slot] = 0; /* not to dirty a line of hashes each frame */
    cell->epoch = s->epoch;
    return true;
}

/* Makes all columns of a row block writable. */
SKEP_INLINE skep_status skep__own_line(skep__store *s, skep__table *t, uint32_t block)
{
    if (SKEP_LIKELY(skep__line_of(t, block)->epoch == s->epoch)) return SKEP_OK;
    return skep__own_line_slow(s, t, block);
}

/* Makes the index page of an index writable. */
SKEP_INLINE skep_status skep__own_index(skep__store *s, uint32_t index)
{
    const uint32_t page = index >> SKEP__INDEX_PAGE_SHIFT;
    if (SKEP_LIKELY(s->index_epoch[page] == s->epoch)) return SKEP_OK;
    return skep__own_index_slow(s, page);
}

/* Puts a freshly written slot in the place of a column of a row block of a table of blocks: the
 * commit of a column. The table takes over the caller's reference to `name`; the old slot is
 * dropped. */
void skep__commit_cell(skep__store *s, skep__table *t, uint32_t block, uint32_t column,
                       uint32_t name);

/* Whether the block's column is held by the table alone (it may then be written in place). */
bool skep__cell_alone(const skep__store *s, const skep__table *t, uint32_t block, uint32_t column);

/* ---- records --------------------------------------------------------------------------------- */

#define SKEP__RECORD_LOW ((UINT64_C(1) << SKEP__RECORD_GENERATION_SHIFT) - 1u)

SKEP_INLINE uint32_t skep__record_generation(uint64_t r)
{
    return (uint32_t)(r >> SKEP__RECORD_GENERATION_SHIFT);
}

SKEP_INLINE uint32_t skep__record_table(uint64_t r)
{
    return (uint32_t)(r >> SKEP__RECORD_TABLE_SHIFT) & SKEP__RECORD_TABLE_MASK;
}

SKEP_INLINE uint32_t skep__record_row(uint64_t r)
{
    return (uint32_t)r & SKEP__RECORD_ROW_MASK;
}

SKEP_INLINE uint64_t skep__record_make(uint32_t generation, uint32_t table, uint32_t row)
{
    return ((uint64_t)generation << SKEP__RECORD_GENERATION_SHIFT) |
           ((uint64_t)table << SKEP__RECORD_TABLE_SHIFT) | row;
}

/* The record of a living entity, or 0 when the handle is null, unborn or gone. */
SKEP_INLINE uint64_t skep__record_of(const skep__store *s, skep_entity e)
{
    const uint32_t i = (uint32_t)e.bits;
    if (SKEP_UNLIKELY(i >= s->queue.index_count)) return 0;
    const uint64_t r = s->index[i];
    if (SKEP_UNLIKELY((r >> SKEP__RECORD_GENERATION_SHIFT) != (e.bits >> 32))) return 0;
    return skep__record_table(r) ? r : 0;
}

SKEP_INLINE bool skep__alive(const skep__store *s, skep_entity e)
{
    return skep__record_of(s, e) != 0;
}

/* ---- handles --------------------------------------------------------------------------------- */

/* Takes up to n handles from the free queue, oldest first, then fresh ones. They are not alive
 * until a row is made for them. Returns how many (fewer at entity_max, or without memory). */
uint32_t skep__ids_take(skep__store *s, uint32_t n, skep_entity *out);

/* Gives back taken handles that were not used, in the order in which they were taken: to the front
 * of the queue, as if they had never been taken; fresh ones lower index_count again, except those
 * below a used fresh index, which join the queue's end in index order. Cannot fail after
 * skep__ids_take. */
void skep__ids_return(skep__store *s, const skep_entity *unused, uint32_t n);

/* Puts the queue into index order after create_at took an index out of it. Anyone who needs the
 * queue's order (hash, save, take) calls it. */
void skep__queue_mend(skep__store *s);

/* Takes one given handle: its index must not be alive. For load and view worlds. */
skep_status skep__id_claim(skep__store *s, skep_entity e);

/* ---- rows, one at a time --------------------------------------------------------------------- */

/* Appends a row for a taken handle. Its columns hold zeros, stamps hold `stamp`. */
skep_status skep__row_add(skep__store *s, uint32_t table, skep_entity e, uint64_t stamp);

/* Takes a handle and appends a row whose columns hold anything; the line is owned, so the caller
 * fills them: skep__line_of(t, row >> t->shift), row & mask. For speed. */
skep_status skep__row_create(skep__store *s, skep__table *t, skep_entity *e, uint32_t *row);

/* Removes a living entity's row (the last row takes its place) and queues its index. */
skep_status skep__row_destroy(skep__store *s, skep_entity e);

/* Moves a living entity to another table; columns that both have are copied, new ones hold zeros
 * and, for stamps, `stamp`. */
skep_status skep__row_move(skep__store *s, skep_entity e, uint32_t to, uint64_t stamp);

/* Adds or removes one type of a living entity, the fast way: one edge, one copy. `value` is the C
 * value struct, NULL for zeros. Adding what is there writes the value. */
skep_status skep__row_add_type(skep__store *s, skep_entity e, uint32_t type, const void *value,
                               uint64_t stamp);
skep_status skep__row_remove_type(skep__store *s, skep_entity e, uint32_t type);

/* Creates n entities in one table; columns hold zeros. `out` may be NULL. All or nothing. The rows
 * are the last n of the table. */
skep_status skep__rows_create(skep__store *s, uint32_t table, uint32_t n, skep_entity *out,
                              uint64_t stamp);

/* ---- values ---------------------------------------------------------------------------------- */

/* Returns the first cell of the type's columns for an entity and its row in the block; NULL when it
 * is gone or lacks the type. Tags: the line's ids cell. */
SKEP_INLINE const skep__cell *skep__value_find(const skep__store *s, skep_entity e, uint32_t type,
                                               uint32_t *row)
{
    const uint64_t r = skep__record_of(s, e);
    if (SKEP_UNLIKELY(!r)) return NULL;
    const skep__colref *ref = &s->types[type].dir[skep__record_table(r)];
    if (SKEP_UNLIKELY(!ref->cells)) return NULL;
    const uint32_t at = skep__record_row(r);
    *row = at & ((1u << ref->shift) - 1u);
    return (const skep__cell *)(const void *)(ref->cells +
                                              (size_t)(at >> ref->shift) * ref->stride);
}

/* Copies a value between its C struct and the columns at a row. `cell` is the type's first. */
void skep__value_load(const skep_component *info, const skep__cell *cell, uint32_t row,
                      void *value);
void skep__value_store(const skep_component *info, const skep__cell *cell, uint32_t row,
                       const void *value);

/* Owns the type's columns of the entity's block, for writing; SKEP_GONE, SKEP_NOT_FOUND or
 * SKEP_NO_MEMORY. Stamps the row where the type is watched. */
SKEP_NOINLINE skep_status skep__value_own_slow(skep__store *s, skep_entity e, uint32_t type,
                                               uint64_t stamp, const skep__cell **cell,
                                               uint32_t *row);

/* skep__value_own_slow where all is owned already: a tail call in the other case keeps what is
 * inlined free of spills. */
SKEP_INLINE skep_status skep__value_own(skep__store *s, skep_entity e, uint32_t type,
                                        uint64_t stamp, const skep__cell **cell, uint32_t *row)
{
    const uint32_t i = (uint32_t)e.bits;
    const skep__type *known = &s->types[type];
    if (SKEP_UNLIKELY(i >= s->queue.index_count)) return SKEP_GONE;
    const uint64_t r = s->index[i];
    if (SKEP_UNLIKELY((r >> SKEP__RECORD_GENERATION_SHIFT) != (e.bits >> 32))) return SKEP_GONE;
    const skep__colref *ref = &known->dir[skep__record_table(r)];
    if (SKEP_UNLIKELY(!ref->cells)) return skep__value_own_slow(s, e, type, stamp, cell, row);
    const uint32_t at = skep__record_row(r);
    const skep__cell *first =
        (const skep__cell *)(const void *)(ref->cells + (size_t)(at >> ref->shift) * ref->stride);
    const uint64_t epoch = s->epoch;
    uint64_t stale = known->watched;
    for (uint32_t f = 0; f < known->field_count; f++) stale |= first[f].epoch ^ epoch;
    if (SKEP_UNLIKELY(stale)) return skep__value_own_slow(s, e, type, stamp, cell, row);
    *cell = first;
    *row = at & ((1u << ref->shift) - 1u);
    return SKEP_OK;
}

#endif
