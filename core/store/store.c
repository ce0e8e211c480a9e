/* SPDX-License-Identifier: MIT */
/* The store's life, and ownership: what must happen before a cell or an index page is written.
 *
 * An owned cell belongs to the table alone and has no cached hash. Whoever raises the epoch
 * (snapshot, restore, hash) makes everything unowned at once; the first write of a
 * block then comes here, looks at the count and copies the block only if a snapshot still holds it.
 */
#include "core/store/store.h"

#include "core/store/layout.h"

skep_status skep__store_init(skep__store *s, const skep_region *region,
                             const skep_allocator *allocator, uint32_t entity_max)
{
    memset(s, 0, sizeof *s);
    if (entity_max == 0 || entity_max > SKEP__RECORD_ROW_MASK - 1u) return SKEP_ARGUMENT;
    skep_status status = skep__arena_init(&s->arena, region, allocator);
    if (status != SKEP_OK) return status;
    s->allocator = *allocator;
    s->epoch = 1;
    s->entity_max = entity_max;
    const uint32_t pages =
        (entity_max + (1u << SKEP__INDEX_PAGE_SHIFT) - 1u) >> SKEP__INDEX_PAGE_SHIFT;
    const size_t index_bytes = (size_t)pages << (SKEP__INDEX_PAGE_SHIFT + 3u);
    s->index_slot = skep__arena_take(&s->arena, index_bytes);
    s->index_epoch = skep__alloc(allocator, pages * sizeof *s->index_epoch, 16);
    status = s->index_slot && s->index_epoch ? SKEP_OK : SKEP_NO_MEMORY;
    if (status == SKEP_OK) {
        s->index = skep__slot_data(&s->arena, s->index_slot);
        s->table_count = 1; /* table 0 is nowhere */
        uint32_t empty = 0;
        status = skep__table_for(s, NULL, 0, &empty);
    }
    if (status != SKEP_OK) skep__store_deinit(s);
    return status;
}

void skep__store_deinit(skep__store *s)
{
    skep__tables_free(s);
    const uint32_t pages =
        (s->entity_max + (1u << SKEP__INDEX_PAGE_SHIFT) - 1u) >> SKEP__INDEX_PAGE_SHIFT;
    skep__free(&s->allocator, s->index_epoch, pages * sizeof *s->index_epoch, 16);
    skep__free(&s->allocator, s->table_map, s->table_map_cap * sizeof *s->table_map, 16);
    if (s->tables)
        skep__array_free(&s->allocator, (void **)&s->tables, &s->tables_cap, sizeof *s->tables);
    if (s->types)
        skep__array_free(&s->allocator, (void **)&s->types, &s->type_cap, sizeof *s->types);
    if (s->arena.pages) skep__arena_deinit(&s->arena);
    memset(s, 0, sizeof *s);
}

/* ---- ownership ------------------------------------------------------------------------------- */

static skep_status own_small(skep__store *s, skep__table *t)
{
    if (skep__slot_refs(&s->arena, t->small_slot) > 1) {
        const size_t bytes = skep__slot_bytes(&s->arena, t->small_slot);
        const uint32_t slot = skep__arena_take(&s->arena, bytes);
        if (!slot) return SKEP_NO_MEMORY;
        memcpy(skep__slot_data(&s->arena, slot), skep__slot_data(&s->arena, t->small_slot), bytes);
        skep__arena_drop(&s->arena, t->small_slot);
        t->small_slot = slot;
        skep__small_point(s, t);
        return SKEP_OK;
    }
    *skep__slot_hash(&s->arena, t->small_slot) = 0;
    skep__line *line = skep__line_of(t, 0);
    for (uint32_t c = 0; c < t->layout->column_count; c++) line->cells[c].epoch = s->epoch;
    line->epoch = s->epoch;
    return SKEP_OK;
}

skep_status skep__own_cell_slow(skep__store *s, skep__table *t, uint32_t block, uint32_t column)
{
    if (t->small_slot) return own_small(s, t);
    skep__cell *cell = &skep__line_of(t, block)->cells[column];
    if (cell->epoch == s->epoch) return SKEP_OK;
    uint32_t *name = &t->names[block * t->layout->column_count + column];
    if (skep__slot_refs(&s->arena, *name) > 1) {
        const size_t bytes = (size_t)t->layout->columns[column].bytes << t->shift;
        const uint32_t copy = skep__arena_take(&s->arena, bytes);
        if (!copy) return SKEP_NO_MEMORY;
        uint8_t *data = skep__slot_data(&s->arena, copy);
        memcpy(data, cell->data, bytes);
        skep__arena_drop(&s->arena, *name);
        *name = copy;
        cell->data = data;
    }
    *skep__slot_hash(&s->arena, *name) = 0;
    cell->epoch = s->epoch;
    return SKEP_OK;
}

skep_status skep__own_line_slow(skep__store *s, skep__table *t, uint32_t block)
{
    if (t->small_slot) return own_small(s, t);
    for (uint32_t c = 0; c < t->layout->column_count; c++)
        if (skep__own_cell_slow(s, t, block, c) != SKEP_OK) return SKEP_NO_MEMORY;
    skep__line_of(t, block)->epoch = s->epoch;
    return SKEP_OK;
}

bool skep__cell_alone(const skep__store *s, const skep__table *t, uint32_t block, uint32_t column)
{
    const uint32_t name =
        t->small_slot ? t->small_slot : t->names[block * t->layout->column_count + column];
    return skep__slot_refs(&s->arena, name) == 1;
}

void skep__commit_cell(skep__store *s, skep__table *t, uint32_t block, uint32_t column,
                       uint32_t name)
{
    SKEP_ASSERT(!t->small_slot && skep__slot_refs(&s->arena, name) == 1);
    uint32_t *place = &t->names[block * t->layout->column_count + column];
    skep__arena_drop(&s->arena, *place);
    *place = name;
    *skep__slot_hash(&s->arena, name) = 0;
    skep__cell *cell = &skep__line_of(t, block)->cells[column];
    cell->data = skep__slot_data(&s->arena, name);
    cell->epoch = s->epoch;
}

/* The first write to an index page after a snapshot: its contents go to every snapshot, newest
 * first, that does not have them yet. A snapshot that has them was served by an earlier write, and
 * so were all older ones. */
skep_status skep__own_index_slow(skep__store *s, uint32_t page)
{
    uint32_t copy = 0;
    for (skep__index_keep *k = s->keeps; k; k = k->older) {
        if (page >= k->page_count) continue;
        if (k->pages[page]) break;
        if (copy) {
            skep__arena_hold(&s->arena, copy);
        } else {
            const size_t bytes = sizeof(uint64_t) << SKEP__INDEX_PAGE_SHIFT;
            copy = skep__arena_take(&s->arena, bytes);
            if (!copy) return SKEP_NO_MEMORY;
            memcpy(skep__slot_data(&s->arena, copy),
                   s->index + ((size_t)page << SKEP__INDEX_PAGE_SHIFT), bytes);
        }
        k->pages[page] = copy;
    }
    s->index_epoch[page] = s->epoch;
    return SKEP_OK;
}
