/* SPDX-License-Identifier: MIT */
/* Restore: the world becomes what a snapshot says, by swapping slots.
 *
 * First everything that can fail: room in tables for the snapshot's blocks, tables that the world
 * lacks (made beside it), zeroed slots for stamps of components that are watched only since, and
 * copies of index pages for the snapshots that still share them with the live index. Then the
 * change itself, which cannot.
 *
 * A table of the world and one of the snapshot are the same when they have the same id and the same
 * set of components. From the first id on where they are not, the world's tables go and the
 * snapshot's are attached; that happens only between histories that made their tables in another
 * order. Within a table most blocks are the ones that the snapshot holds, and nothing is done for
 * them. Cells that get another slot are stamped with the old epoch, which is then raised: they
 * count as changed, and as shared. */
#include "core/data/snapshot_internal.h"

/* ---- what can fail -------------------------------------------------------------------------- */

/* Slots that were prepared and are not used go back. */
static void restore_unprepare(skep_world *w)
{
    skep__data *d = w->data;
    for (uint32_t i = d->prepared_count; i > 0; i--)
        skep__arena_drop(&w->store.arena, d->prepared[i - 1]);
    for (uint32_t i = d->made_count; i > 0; i--) skep__table_unmake(&w->store, d->made[i - 1]);
    d->prepared_count = 0;
    d->made_count = 0;
}

/* Takes a slot of zeros for later use. */
static bool restore_prepare_slot(skep_world *w, size_t bytes)
{
    skep__data *d = w->data;
    if (!skep__array_grow(&w->store.allocator, (void **)&d->prepared, &d->prepared_cap,
                          d->prepared_count + 1u, sizeof *d->prepared))
        return false;
    const uint32_t slot = skep__arena_take(&w->store.arena, bytes);
    if (!slot) return false;
    memset(skep__slot_data(&w->store.arena, slot), 0, bytes);
    d->prepared[d->prepared_count++] = slot;
    return true;
}

/* Whether two layouts of one set of components have the same columns: whether nothing became
 * watched. */
static bool restore_same_columns(const skep__layout *a, const skep__layout *b)
{
    return a == b || (a->column_count == b->column_count &&
                      memcmp(a->columns, b->columns, a->column_count * sizeof *a->columns) == 0);
}

/* The column of a snapshot's layout that holds what `column` of the present layout holds, or
 * SKEP__NO_COLUMN. Ids and fields are where they were; stamps may have come since. */
static uint32_t restore_source(const skep__layout *from, const skep__layout *to, uint32_t column)
{
    if (to->columns[column].kind != 2) return column;
    const int32_t at = skep__layout_find(from, to->columns[column].type);
    return from->stamps[at];
}

/* Prepares the slots of a table whose layout got stamps since the snapshot. */
static bool restore_prepare_stamps(skep_world *w, const skep__snap_table *from,
                                   const skep__layout *to)
{
    if (from->small_slot) {
        size_t unused = 0;
        const size_t bytes = skep__small_offsets(to, from->small_cap, SKEP__NO_COLUMN, &unused);
        return restore_prepare_slot(w, bytes);
    }
    for (uint32_t b = 0; b < from->block_count; b++) {
        for (uint32_t c = 0; c < to->column_count; c++) {
            if (restore_source(from->layout, to, c) != SKEP__NO_COLUMN) continue;
            if (!restore_prepare_slot(w, (size_t)to->columns[c].bytes << from->shift)) return false;
        }
    }
    return true;
}

/* The first id at which world and snapshot do not have the same table. */
static uint32_t restore_same_until(const skep__store *store, const skep_snapshot *s)
{
    uint32_t i = 1;
    while (i < s->table_count && i < store->table_count &&
           skep__layout_same_set(store->tables[i]->layout, s->tables[i].layout))
        i++;
    return i;
}

/* Makes a table beside the world, with the stamps that its components have by now. */
static skep_status restore_make_table(skep_world *w, const skep__layout *from)
{
    skep__data *d = w->data;
    skep__store *store = &w->store;
    if (!skep__array_grow(&store->allocator, (void **)&d->made, &d->made_cap, d->made_count + 1u,
                          sizeof(skep__table *)))
        return SKEP_NO_MEMORY;
    skep__layout *l = NULL;
    skep_status status = skep__layout_make(store, from->types, from->type_count, &l);
    if (status != SKEP_OK) return status;
    status = skep__table_make(store, l, &d->made[d->made_count]);
    skep__layout_drop(store, l);
    if (status == SKEP_OK) d->made_count++;
    return status;
}

/* Whether the live index page already is what the snapshot keeps: it was copied from there by an
 * earlier restore, and not written since. Going back again and again then costs only the pages that
 * changed. */
static bool restore_page_is_there(const skep_world *w, const skep_snapshot *s, uint32_t page)
{
    const skep__data *d = w->data;
    const uint32_t kept = s->keep.pages[page];
    if (!kept) return true;
    return page < d->page_origin_cap && d->page_origins[page].name == kept &&
           d->page_origins[page].epoch == w->store.index_epoch[page];
}

/* Owns the index pages that will be written. */
static skep_status restore_prepare_index(skep_world *w, const skep_snapshot *s)
{
    skep__data *d = w->data;
    const uint32_t pages = s->keep.page_count;
    if (!skep__array_grow(&w->store.allocator, (void **)&d->page_origins, &d->page_origin_cap,
                          pages, sizeof *d->page_origins))
        return SKEP_NO_MEMORY;
    for (uint32_t p = 0; p < pages; p++) {
        if (restore_page_is_there(w, s, p)) continue;
        const skep_status status = skep__own_index(&w->store, p << SKEP__INDEX_PAGE_SHIFT);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

/* Prepares all that the change will need. On failure nothing has changed that anybody sees. */
static skep_status restore_prepare(skep_world *w, const skep_snapshot *s, uint32_t same)
{
    skep__data *d = w->data;
    skep__store *store = &w->store;
    skep_status status = skep__tables_room(store, s->table_count);
    for (uint32_t i = 1; i < s->table_count && status == SKEP_OK; i++) {
        const skep__snap_table *from = &s->tables[i];
        if (i >= same) status = restore_make_table(w, from->layout);
        if (status != SKEP_OK) break;
        skep__table *t = i < same ? store->tables[i] : d->made[i - same];
        if (from->block_count) status = skep__table_room(store, t, from->block_count);
        if (status == SKEP_OK && !restore_same_columns(t->layout, from->layout) &&
            !restore_prepare_stamps(w, from, t->layout))
            status = SKEP_NO_MEMORY;
    }
    return status == SKEP_OK ? restore_prepare_index(w, s) : status;
}

/* ---- what cannot ---------------------------------------------------------------------------- */

/* Copies a small slot of the snapshot into the prepared one of a layout with more stamps. */
static void restore_copy_small(const skep_snapshot *s, const skep__snap_table *from,
                               const skep__layout *to, uint8_t *data)
{
    for (uint32_t c = 0; c < to->column_count; c++) {
        const uint32_t source = restore_source(from->layout, to, c);
        if (source == SKEP__NO_COLUMN) continue;
        size_t at = 0;
        skep__small_offsets(to, from->small_cap, c, &at);
        memcpy(data + at, skep__snap_cell(s, from, 0, source),
               (size_t)to->columns[c].bytes * from->row_count);
    }
}

/* Gives a table the snapshot's small slot, or the prepared one where stamps have come. */
static void restore_small(skep__store *store, skep__table *t, const skep_snapshot *s,
                          const skep__snap_table *from, const uint32_t *prepared)
{
    uint32_t slot = from->small_slot;
    if (!prepared) {
        if (t->small_slot == slot) return;
        skep__arena_hold(&store->arena, slot);
    } else {
        slot = prepared[0];
        restore_copy_small(s, from, t->layout, skep__slot_data(&store->arena, slot));
    }
    skep__table_drop_rows(store, t);
    t->small_slot = slot;
    t->row_cap = from->small_cap;
    t->block_count = 1;
    skep__small_point(store, t);
}

/* Puts one row block's slots in place. Returns how many prepared slots it used. */
static uint32_t restore_block(skep__store *store, skep__table *t, const skep_snapshot *s,
                              const skep__snap_table *from, uint32_t block,
                              const uint32_t *prepared)
{
    skep__arena *a = &store->arena;
    const uint32_t columns = t->layout->column_count;
    const bool same = from->layout->column_count == columns;
    const bool fresh = block >= t->block_count; /* the table has no slots there yet */
    const uint32_t *names = s->names + from->names + (size_t)block * from->layout->column_count;
    uint32_t *mine = t->names + (size_t)block * columns;
    skep__line *line = skep__line_of(t, block);
    uint32_t used = 0;
    for (uint32_t c = 0; c < columns; c++) {
        const uint32_t source = same ? c : restore_source(from->layout, t->layout, c);
        const bool has = source != SKEP__NO_COLUMN;
        const uint32_t name = has ? names[source] : prepared[used++];
        if (!fresh && mine[c] == name) continue;
        if (has) skep__arena_hold(a, name);
        if (!fresh) skep__arena_drop(a, mine[c]);
        mine[c] = name;
        line->cells[c].data = skep__slot_data(a, name);
        line->cells[c].epoch = store->epoch;
    }
    if (fresh) line->epoch = store->epoch;
    return used;
}

/* Gives a table the snapshot's rows. Returns how many prepared slots it used. */
static uint32_t restore_table(skep__store *store, skep__table *t, const skep_snapshot *s,
                              const skep__snap_table *from, uint32_t *prepared)
{
    uint32_t used = 0;
    if (from->small_slot) {
        used = restore_same_columns(t->layout, from->layout) ? 0u : 1u;
        restore_small(store, t, s, from, used ? prepared : NULL);
    } else if (from->block_count) {
        if (t->small_slot) skep__table_drop_rows(store, t);
        for (uint32_t b = 0; b < from->block_count; b++)
            used += restore_block(store, t, s, from, b, prepared + used);
        t->block_count = skep__max_u32(t->block_count, from->block_count);
        t->row_cap = t->block_count << t->shift;
    }
    t->row_count = from->row_count;
    return used;
}

static void restore_tables(skep_world *w, const skep_snapshot *s, uint32_t same)
{
    skep__data *d = w->data;
    skep__store *store = &w->store;
    while (store->table_count > same) skep__table_pop(store);
    for (uint32_t i = 0; i < d->made_count; i++) skep__table_attach(store, d->made[i]);
    d->made_count = 0;
    uint32_t none = 0; /* an address to count from where nothing was prepared */
    uint32_t *prepared = d->prepared ? d->prepared : &none;
    uint32_t used = 0;
    for (uint32_t i = 1; i < s->table_count; i++)
        used += restore_table(store, store->tables[i], s, &s->tables[i], prepared + used);
    SKEP_ASSERT(used == d->prepared_count && store->table_count == s->table_count);
    d->prepared_count = 0;
}

static void restore_index(skep_world *w, const skep_snapshot *s)
{
    skep__store *store = &w->store;
    skep__data *d = w->data;
    const size_t bytes = sizeof(uint64_t) << SKEP__INDEX_PAGE_SHIFT;
    for (uint32_t p = 0; p < s->keep.page_count; p++) {
        if (restore_page_is_there(w, s, p)) continue;
        SKEP_ASSERT(store->index_epoch[p] == store->epoch);
        memcpy(store->index + ((size_t)p << SKEP__INDEX_PAGE_SHIFT),
               skep__slot_data(&store->arena, s->keep.pages[p]), bytes);
        d->page_origins[p] = (skep__page_origin){store->epoch, s->keep.pages[p], 0};
    }
    store->queue = s->queue;
    store->queue_stale = false;
    store->entity_count = s->entity_count;
}

static void restore_blob(skep__store *store, skep__blob *to, const skep__blob *from)
{
    if (to->slot != from->slot) {
        if (from->slot) skep__arena_hold(&store->arena, from->slot);
        if (to->slot) skep__arena_drop(&store->arena, to->slot);
    }
    *to = *from;
    to->epoch = 0; /* shared with the snapshot, in whatever epoch it was taken */
}

/* Resources and channels that were registered since become what they were before: never set, and
 * empty. */
static void restore_blobs(skep_world *w, const skep_snapshot *s)
{
    skep__store *store = &w->store;
    for (uint32_t i = 0; i < w->resource_count; i++) {
        skep__blob *value = &w->resources[i].value;
        if (i < s->resource_count)
            restore_blob(store, value, &s->blobs[i].blob);
        else
            skep__blob_drop(store, value);
    }
    for (uint32_t i = 0; i < w->channel_count; i++) {
        skep__channel *c = &w->channels[i];
        const bool known = i < s->channel_count;
        const skep__snap_blob *from = known ? &s->blobs[s->resource_count + i] : NULL;
        if (from)
            restore_blob(store, &c->entries, &from->blob);
        else
            skep__blob_drop(store, &c->entries);
        c->count = from ? from->count : 0;
        c->old_count = from ? from->old_count : 0;
    }
    restore_blob(store, &w->records, &s->records);
    w->record_count = s->record_count;
}

skep_status skep_world_restore(skep_world *world, const skep_snapshot *snapshot)
{
    skep_world *w = world;
    const skep_snapshot *s = snapshot;
    SKEP_ASSERT(w && s);
    if (s->world != w)
        return skep__world_fail(w, SKEP_ARGUMENT, "restore: the snapshot is of another world");
    if (w->mode != SKEP__WRITE_NOW || w->firing || w->running)
        return skep__world_fail(w, SKEP_BUSY, "restore: a frame is running");
    const skep_status settled = skep__data_settle(w);
    if (settled != SKEP_OK) return settled;
    return skep__restore(w, s);
}

skep_status skep__restore(skep_world *w, const skep_snapshot *s)
{
    skep__snapshots_drain(w);
    const uint32_t same = restore_same_until(&w->store, s);
    const skep_status status = restore_prepare(w, s, same);
    if (status != SKEP_OK) {
        restore_unprepare(w);
        return skep__world_fail(w, status, "restore: %s",
                                status == SKEP_LIMIT ? w->store.limit : "the region is full");
    }
    restore_tables(w, s, same);
    restore_index(w, s);
    restore_blobs(w, s);
    w->seed = s->seed;
    w->tick = s->tick;
    w->time = s->time;
    w->stamp = s->stamp;
    w->event_seq = s->event_seq;
    skep__children_forget(w);
    skep__epoch_raise(&w->store);
    return SKEP_OK;
}
