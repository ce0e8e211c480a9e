/* SPDX-License-Identifier: MIT */
/* Tables: layouts, the directory of lines, growth, and the cached graph of add and remove.
 *
 * Growth goes 8, 32, 128, 512 rows in one slot, then blocks; row blocks come 1, 1, 2, 4 ... 32 at a
 * time, the slots of one column behind each other. Lines live in the region since jobs look values
 * up through them; when they move, the directories of the table's types follow. */
#include "core/base/hash.h"
#include "core/store/layout.h"
#include "core/store/store.h"

#define SMALL_ROWS_MIN 8u
#define BLOCKS_AT_ONCE_MAX 32u

int32_t skep__layout_find(const skep__layout *l, uint32_t type)
{
    uint32_t low = 0, high = l->type_count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (l->types[middle] < type)
            low = middle + 1;
        else
            high = middle;
    }
    return low < l->type_count && l->types[low] == type ? (int32_t)low : -1;
}

/* ---- the map from sets of types to tables ---------------------------------------------------- */

static uint64_t types_hash(const uint16_t *types, uint32_t count)
{
    uint64_t h = count + 1u;
    for (uint32_t i = 0; i < count; i++) h = skep__hash_mix(h, types[i] + 1u);
    return h;
}

static void map_put(skep__store *s, uint32_t table)
{
    const skep__layout *l = s->tables[table]->layout;
    const uint32_t mask = s->table_map_cap - 1;
    uint32_t at = (uint32_t)types_hash(l->types, l->type_count) & mask;
    while (s->table_map[at]) at = (at + 1) & mask;
    s->table_map[at] = table;
}

static void map_fill(skep__store *s)
{
    memset(s->table_map, 0, s->table_map_cap * sizeof *s->table_map);
    for (uint32_t i = 1; i < s->table_count; i++) map_put(s, i);
}

static uint32_t map_find(const skep__store *s, const uint16_t *types, uint32_t count)
{
    if (s->table_map_cap == 0) return 0;
    const uint32_t mask = s->table_map_cap - 1;
    uint32_t at = (uint32_t)types_hash(types, count) & mask;
    for (; s->table_map[at]; at = (at + 1) & mask) {
        const skep__layout *l = s->tables[s->table_map[at]]->layout;
        if (l->type_count == count && memcmp(l->types, types, count * sizeof *types) == 0)
            return s->table_map[at];
    }
    return 0;
}

/* Gives a type's directory `cap` entries. */
static bool dir_grow(skep__store *s, skep__type *t, uint32_t cap)
{
    const uint32_t slot = skep__arena_take(&s->arena, cap * sizeof(skep__colref));
    if (!slot) return false;
    skep__colref *dir = skep__slot_data(&s->arena, slot);
    memset(dir, 0, cap * sizeof *dir);
    memcpy(dir, t->dir, s->table_cap * sizeof *dir);
    skep__arena_drop(&s->arena, t->dir_slot);
    t->dir_slot = slot;
    t->dir = dir;
    return true;
}

/* Doubles table_cap: the pointer array, the map and every type's directory. Directories that had
 * grown when memory ran out stay larger than they need to be, which nobody sees. */
static skep_status tables_grow(skep__store *s)
{
    const uint32_t cap = s->table_cap ? s->table_cap * 2 : SKEP__TABLES_FIRST;
    if (!skep__array_grow(&s->allocator, (void **)&s->tables, &s->tables_cap, cap,
                          sizeof *s->tables))
        return SKEP_NO_MEMORY;
    uint32_t *map = skep__alloc(&s->allocator, cap * 2 * sizeof *map, 16);
    if (!map) return SKEP_NO_MEMORY;
    for (uint32_t i = 0; i < s->type_count; i++) {
        if (dir_grow(s, &s->types[i], cap)) continue;
        skep__free(&s->allocator, map, cap * 2 * sizeof *map, 16);
        return SKEP_NO_MEMORY;
    }
    skep__free(&s->allocator, s->table_map, s->table_map_cap * sizeof *map, 16);
    s->table_map = map;
    s->table_map_cap = cap * 2;
    s->table_cap = cap;
    map_fill(s);
    return SKEP_OK;
}

/* ---- directories of types -------------------------------------------------------------------- */

void skep__table_dirs(skep__store *s, const skep__table *t)
{
    for (uint32_t i = 0; i < t->layout->type_count; i++) {
        const uint32_t column = t->layout->first[i] == SKEP__NO_COLUMN ? 0 : t->layout->first[i];
        skep__colref *ref = &s->types[t->layout->types[i]].dir[t->id];
        ref->cells = t->lines + offsetof(skep__line, cells) + column * sizeof(skep__cell);
        ref->stride = t->line_stride;
        ref->shift = t->shift;
    }
}

static void dirs_clear(skep__store *s, const skep__table *t)
{
    for (uint32_t i = 0; i < t->layout->type_count; i++)
        memset(&s->types[t->layout->types[i]].dir[t->id], 0, sizeof(skep__colref));
}

static uint32_t line_stride_of(const skep__layout *l)
{
    return (uint32_t)(sizeof(skep__line) + l->column_count * sizeof(skep__cell));
}

/* Gives the table room for `count` lines. */
static skep_status lines_reserve(skep__store *s, skep__table *t, uint32_t count)
{
    if (count <= t->line_cap) return SKEP_OK;
    uint32_t want = skep__max_u32(count, t->line_cap * 2);
    if (want < 2) want = 1;
    const uint32_t slot = skep__arena_take(&s->arena, (size_t)want * t->line_stride);
    if (!slot) return SKEP_NO_MEMORY;
    uint8_t *lines = skep__slot_data(&s->arena, slot);
    const size_t room = skep__slot_bytes(&s->arena, slot);
    memset(lines, 0, room);
    if (t->lines_slot) {
        memcpy(lines, t->lines, (size_t)t->line_cap * t->line_stride);
        skep__arena_drop(&s->arena, t->lines_slot);
    }
    t->lines = lines;
    t->lines_slot = slot;
    t->line_cap = skep__u32(room / t->line_stride);
    if (t->id) skep__table_dirs(s, t);
    return SKEP_OK;
}

/* ---- growth ---------------------------------------------------------------------------------- */

/* Writes the offsets of the columns of a small slot for `cap` rows; returns its bytes. */
size_t skep__small_offsets(const skep__layout *l, uint32_t cap, uint32_t column, size_t *offset)
{
    const size_t align = cap < 32 ? 16 : 64;
    size_t at = 0;
    for (uint32_t c = 0; c < l->column_count; c++) {
        if (c == column) *offset = at;
        at = skep__align(at + (size_t)l->columns[c].bytes * cap, align);
    }
    return at;
}

void skep__small_point(const skep__store *s, skep__table *t)
{
    uint8_t *data = skep__slot_data(&s->arena, t->small_slot);
    skep__line *line = skep__line_of(t, 0);
    const size_t align = t->row_cap < 32 ? 16 : 64;
    size_t at = 0;
    for (uint32_t c = 0; c < t->layout->column_count; c++) {
        line->cells[c].data = data + at;
        line->cells[c].epoch = s->epoch;
        at = skep__align(at + (size_t)t->layout->columns[c].bytes * t->row_cap, align);
    }
    line->epoch = s->epoch;
}

/* Moves a small table into a slot of `cap` rows, or makes it. */
static skep_status small_grow(skep__store *s, skep__table *t, uint32_t cap)
{
    if (lines_reserve(s, t, 1) != SKEP_OK) return SKEP_NO_MEMORY;
    size_t unused = 0;
    const size_t bytes = skep__small_offsets(t->layout, cap, SKEP__NO_COLUMN, &unused);
    const uint32_t slot = skep__arena_take(&s->arena, bytes);
    if (!slot) return SKEP_NO_MEMORY;
    uint8_t *data = skep__slot_data(&s->arena, slot);
    memset(data, 0, bytes);
    const skep__line *line = skep__line_of(t, 0);
    const size_t align = cap < 32 ? 16 : 64;
    size_t at = 0;
    for (uint32_t c = 0; c < t->layout->column_count; c++) {
        const size_t row = t->layout->columns[c].bytes;
        if (t->row_count) memcpy(data + at, line->cells[c].data, row * t->row_count);
        at = skep__align(at + row * cap, align);
    }
    if (t->small_slot) skep__arena_drop(&s->arena, t->small_slot);
    t->small_slot = slot;
    t->row_cap = cap;
    t->block_count = 1;
    skep__small_point(s, t);
    return SKEP_OK;
}

/* Takes the slots of `count` more row blocks into t->names behind the present ones. */
static bool block_names_take(skep__store *s, skep__table *t, uint32_t first, uint32_t count)
{
    const uint32_t columns = t->layout->column_count;
    uint32_t names[BLOCKS_AT_ONCE_MAX];
    for (uint32_t c = 0; c < columns; c++) {
        const size_t bytes = (size_t)t->layout->columns[c].bytes << t->shift;
        if (!skep__arena_take_run(&s->arena, bytes, count, names)) {
            for (uint32_t b = 0; b < count; b++)
                for (uint32_t k = 0; k < c; k++)
                    skep__arena_drop(&s->arena, t->names[(first + b) * columns + k]);
            return false;
        }
        for (uint32_t b = 0; b < count; b++) t->names[(first + b) * columns + c] = names[b];
    }
    return true;
}

/* Points the lines of fresh row blocks at their slots. */
static void blocks_point(skep__store *s, skep__table *t, uint32_t first, uint32_t count)
{
    const uint32_t columns = t->layout->column_count;
    for (uint32_t b = first; b < first + count; b++) {
        skep__line *line = skep__line_of(t, b);
        line->epoch = s->epoch;
        for (uint32_t c = 0; c < columns; c++) {
            line->cells[c].data = skep__slot_data(&s->arena, t->names[b * columns + c]);
            line->cells[c].epoch = s->epoch;
        }
    }
}

/* Adds row blocks to a table of blocks; the first ones of a small table take over its rows. */
static skep_status blocks_grow(skep__store *s, skep__table *t)
{
    const uint32_t have = t->small_slot ? 0 : t->block_count;
    const uint32_t count = have == 0 ? 1u : skep__min_u32(have, BLOCKS_AT_ONCE_MAX);
    const uint32_t columns = t->layout->column_count;
    if (((uint64_t)(have + count) << t->shift) > SKEP__RECORD_ROW_MASK) {
        s->limit = "row_max: a table has at most 67,108,863 rows";
        return SKEP_LIMIT;
    }
    if (!skep__array_grow(&s->allocator, (void **)&t->names, &t->names_cap,
                          (have + count) * columns, sizeof *t->names))
        return SKEP_NO_MEMORY;
    if (lines_reserve(s, t, have + count) != SKEP_OK) return SKEP_NO_MEMORY;
    if (!block_names_take(s, t, have, count)) return SKEP_NO_MEMORY;
    if (t->small_slot) {
        const skep__line *line = skep__line_of(t, 0);
        for (uint32_t c = 0; c < columns; c++)
            memcpy(skep__slot_data(&s->arena, t->names[c]), line->cells[c].data,
                   (size_t)t->layout->columns[c].bytes * t->row_count);
        skep__arena_drop(&s->arena, t->small_slot);
        t->small_slot = 0;
    }
    t->block_count = have + count;
    t->row_cap = t->block_count << t->shift;
    blocks_point(s, t, have, count);
    return SKEP_OK;
}

skep_status skep__table_reserve(skep__store *s, skep__table *t, uint32_t extra)
{
    if (extra > SKEP__RECORD_ROW_MASK - t->row_count) {
        s->limit = "row_max: a table has at most 67,108,863 rows";
        return SKEP_LIMIT;
    }
    const uint32_t want = t->row_count + extra;
    while (t->row_cap < want) {
        const bool small = t->block_count == 0 || t->small_slot;
        uint32_t cap = t->row_cap ? t->row_cap : SMALL_ROWS_MIN;
        while (small && cap < want) cap *= 4;
        const skep_status status =
            small && cap < 1u << t->shift ? small_grow(s, t, cap) : blocks_grow(s, t);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

/* ---- making and removing tables -------------------------------------------------------------- */

skep_status skep__tables_room(skep__store *s, uint32_t count)
{
    if (count > SKEP__TABLE_MAX) {
        s->limit = "table_max: a world has at most 131,071 sets of components";
        return SKEP_LIMIT;
    }
    while (s->table_cap < count)
        if (tables_grow(s) != SKEP_OK) return SKEP_NO_MEMORY;
    return SKEP_OK;
}

skep_status skep__table_room(skep__store *s, skep__table *t, uint32_t block_count)
{
    const uint32_t names = block_count * t->layout->column_count;
    if (!skep__array_grow(&s->allocator, (void **)&t->names, &t->names_cap, names,
                          sizeof *t->names))
        return SKEP_NO_MEMORY;
    return lines_reserve(s, t, block_count);
}

skep_status skep__table_make(skep__store *s, skep__layout *l, skep__table **table)
{
    skep__table *t = skep__alloc(&s->allocator, sizeof *t, 16);
    if (!t) return SKEP_NO_MEMORY;
    t->layout = l;
    t->shift = l->shift;
    t->line_stride = line_stride_of(l);
    l->refs++;
    if (lines_reserve(s, t, 1) != SKEP_OK) {
        skep__table_unmake(s, t);
        return SKEP_NO_MEMORY;
    }
    *table = t;
    return SKEP_OK;
}

void skep__table_unmake(skep__store *s, skep__table *t)
{
    skep__table_drop_rows(s, t);
    if (t->lines_slot) skep__arena_drop(&s->arena, t->lines_slot);
    skep__array_free(&s->allocator, (void **)&t->names, &t->names_cap, sizeof *t->names);
    skep__layout_drop(s, t->layout);
    skep__free(&s->allocator, t, sizeof *t, 16);
}

void skep__table_attach(skep__store *s, skep__table *t)
{
    SKEP_ASSERT(t->id == 0 && s->table_count < s->table_cap);
    t->id = s->table_count;
    s->tables[t->id] = t;
    s->table_count++;
    s->table_generation++;
    skep__table_dirs(s, t);
    map_put(s, t->id);
}

skep_status skep__table_push(skep__store *s, skep__layout *l, uint32_t *table)
{
    skep_status status = skep__tables_room(s, s->table_count + 1u);
    skep__table *t = NULL;
    if (status == SKEP_OK) status = skep__table_make(s, l, &t);
    if (status != SKEP_OK) return status;
    skep__table_attach(s, t);
    *table = t->id;
    return SKEP_OK;
}

skep_status skep__table_for(skep__store *s, const uint16_t *types, uint32_t type_count,
                            uint32_t *table)
{
    *table = map_find(s, types, type_count);
    if (*table) return SKEP_OK;
    skep__layout *l = NULL;
    skep_status status = skep__layout_make(s, types, type_count, &l);
    if (status != SKEP_OK) return status;
    status = skep__table_push(s, l, table);
    skep__layout_drop(s, l);
    return status;
}

void skep__table_drop_rows(skep__store *s, skep__table *t)
{
    if (t->small_slot) {
        skep__arena_drop(&s->arena, t->small_slot);
    } else {
        const uint32_t count = t->block_count * t->layout->column_count;
        for (uint32_t i = count; i > 0; i--) skep__arena_drop(&s->arena, t->names[i - 1]);
    }
    t->small_slot = 0;
    t->block_count = 0;
    t->row_count = 0;
    t->row_cap = 0;
}

static void edges_free(skep__store *s, skep__table *t)
{
    for (uint32_t i = 0; i < t->edge_count; i++)
        skep__free(&s->allocator, t->edges[i].from_column,
                   2u * t->edges[i].copy_count * sizeof(uint16_t), 16);
    skep__array_free(&s->allocator, (void **)&t->edges, &t->edge_cap, sizeof *t->edges);
    t->edge_count = 0;
}

void skep__edges_forget(skep__store *s)
{
    for (uint32_t i = 1; i < s->table_count; i++) edges_free(s, s->tables[i]);
    s->edge.key = 0;
}

/* Removes the last table, but not from the map. */
static void table_pop_only(skep__store *s)
{
    SKEP_ASSERT(s->table_count > 1);
    skep__table *t = s->tables[s->table_count - 1];
    edges_free(s, t);
    dirs_clear(s, t);
    skep__table_unmake(s, t);
    s->tables[--s->table_count] = NULL;
    s->table_generation++;
}

void skep__table_pop(skep__store *s)
{
    skep__edges_forget(s);
    table_pop_only(s);
    map_fill(s);
}

void skep__tables_free(skep__store *s)
{
    while (s->table_count > 1) table_pop_only(s);
    s->edge.key = 0;
}

void skep__table_swap(skep__store *s, uint32_t id, uint32_t last)
{
    SKEP_ASSERT(last + 1u == s->table_count && id < last);
    skep__table *old = s->tables[id];
    skep__table *fresh = s->tables[last];
    skep__edges_forget(s);
    dirs_clear(s, fresh);
    s->tables[last] = NULL;
    s->table_count--;
    s->tables[id] = fresh;
    fresh->id = id;
    skep__table_dirs(s, fresh);
    skep__table_unmake(s, old);
    s->table_generation++;
    map_fill(s);
}

/* ---- edges ----------------------------------------------------------------------------------- */

/* Writes the copy plan from one layout to another: pairs of columns that hold the same thing. */
uint32_t skep__columns_shared(const skep__layout *from, const skep__layout *to,
                              uint16_t *from_column, uint16_t *to_column)
{
    uint32_t count = 0;
    from_column[count] = 0;
    to_column[count++] = 0;
    for (uint32_t i = 0; i < from->type_count; i++) {
        const int32_t there = skep__layout_find(to, from->types[i]);
        if (there < 0 || from->first[i] == SKEP__NO_COLUMN) continue;
        const uint32_t end = i + 1 < from->type_count ? SKEP__NO_COLUMN : from->column_count;
        for (uint32_t c = from->first[i]; c < from->column_count && c < end; c++) {
            if (from->columns[c].type != from->types[i] || from->columns[c].kind != 1) break;
            from_column[count] = skep__u16(c);
            to_column[count++] = skep__u16(to->first[there] + (c - from->first[i]));
        }
    }
    for (uint32_t i = 0; from->stamped && i < from->type_count; i++) {
        const int32_t there = skep__layout_find(to, from->types[i]);
        if (there < 0 || from->stamps[i] == SKEP__NO_COLUMN) continue;
        if (to->stamps[there] == SKEP__NO_COLUMN) continue;
        from_column[count] = from->stamps[i];
        to_column[count++] = to->stamps[there];
    }
    return count;
}

static skep_status edge_make(skep__store *s, uint32_t table, uint32_t type, bool add, skep__edge *e)
{
    const skep__layout *from = s->tables[table]->layout;
    uint16_t types[SKEP__LAYOUT_TYPES_MAX];
    uint32_t count = 0;
    const skep_status named = skep__layout_change(s, from, type, add, types, &count);
    if (named != SKEP_OK) return named;
    const skep_status status = skep__table_for(s, types, count, &e->to);
    if (status != SKEP_OK) return status;
    const skep__layout *to = s->tables[e->to]->layout;
    e->key = type << 1 | (add ? 1u : 0u);
    const uint32_t most = skep__min_u32(from->column_count, to->column_count);
    uint16_t *pairs = skep__alloc(&s->allocator, 2u * most * sizeof *pairs, 16);
    if (!pairs) return SKEP_NO_MEMORY;
    e->from_column = pairs;
    e->to_column = pairs + most;
    e->copy_count = skep__columns_shared(from, to, e->from_column, e->to_column);
    SKEP_ASSERT(e->copy_count == most);
    e->direct4 = true;
    for (uint32_t i = 1; i < e->copy_count; i++)
        e->direct4 &= from->columns[e->from_column[i]].bytes == 4 && e->from_column[i] == i &&
                      e->to_column[i] == i;
    const int32_t there = skep__layout_find(to, type);
    e->new_first = add && there >= 0 ? to->first[there] : SKEP__NO_COLUMN;
    e->new_stamp = add && there >= 0 ? to->stamps[there] : SKEP__NO_COLUMN;
    return SKEP_OK;
}

skep_status skep__edge_get(skep__store *s, uint32_t table, uint32_t type, bool add,
                           skep__edge **edge)
{
    skep__table *t = s->tables[table];
    const uint32_t key = type << 1 | (add ? 1u : 0u);
    for (uint32_t i = 0; i < t->edge_count; i++) {
        if (t->edges[i].key != key) continue;
        *edge = &t->edges[i];
        return SKEP_OK;
    }
    skep__edge made;
    memset(&made, 0, sizeof made);
    const skep_status status = edge_make(s, table, type, add, &made);
    if (status != SKEP_OK) return status;
    if (!skep__array_grow(&s->allocator, (void **)&t->edges, &t->edge_cap, t->edge_count + 1,
                          sizeof *t->edges)) {
        skep__free(&s->allocator, made.from_column, 2u * made.copy_count * sizeof(uint16_t), 16);
        return SKEP_NO_MEMORY;
    }
    s->edge.key = 0; /* the array may have moved */
    t->edges[t->edge_count] = made;
    *edge = &t->edges[t->edge_count++];
    return SKEP_OK;
}
