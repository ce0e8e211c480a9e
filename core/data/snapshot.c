/* SPDX-License-Identifier: MIT */
/* Taking, ending and reading snapshots.
 *
 * A snapshot holds one reference to every slot of the world's state:
 *
 *     tables[]   layout (held), row_count, small slot or a range of names[]
 *     names[]    the tables' slot names, one memcpy a table
 *     blobs[]    values of resources, entries of channels; records
 *     keep       pages of the index that were written since (the store fills them in)
 *
 * The counts lie in side arrays by page, so that holding a thousand blocks touches few cache lines.
 * Ended snapshots keep their arrays and wait in a list, last in first out: after warm-up taking one
 * allocates nothing. Another thread ends a snapshot by pushing it onto a stack that only it and the
 * owner touch; the owner takes the whole stack at once, so no element is ever popped under
 * somebody's hands. */
#include "core/data/snapshot_internal.h"

/* ---- the world's data ----------------------------------------------------------------------- */

static void snap_free(skep_world *w, skep_snapshot *s)
{
    const skep_allocator *a = &w->store.allocator;
    skep__array_free(a, (void **)&s->tables, &s->table_cap, sizeof *s->tables);
    skep__array_free(a, (void **)&s->names, &s->name_cap, sizeof *s->names);
    skep__array_free(a, (void **)&s->blobs, &s->blob_cap, sizeof *s->blobs);
    skep__array_free(a, (void **)&s->types, &s->type_cap, sizeof *s->types);
    skep__array_free(a, (void **)&s->keep.pages, &s->keep.page_cap, sizeof *s->keep.pages);
    skep__free(a, s, sizeof *s, 16);
}

/* Frees everything. Snapshots that somebody still has are released as well, so that nothing leaks,
 * but using one after its world is a bug of the caller's. */
static void data_deinit(skep_world *w)
{
    skep__data *d = w->data;
    const skep_allocator *a = &w->store.allocator;
    skep__snapshots_drain(w);
    SKEP_ASSERT(d->live_count == 0);
    while (d->live) skep_snapshot_release(d->live);
    while (d->free) {
        skep_snapshot *s = d->free;
        d->free = s->next;
        snap_free(w, s);
    }
    if (d->apply_deinit) d->apply_deinit(w);
    skep__array_free(a, (void **)&d->prepared, &d->prepared_cap, sizeof *d->prepared);
    skep__array_free(a, (void **)&d->made, &d->made_cap, sizeof(skep__table *));
    skep__array_free(a, (void **)&d->page_sums, &d->page_sum_cap, sizeof *d->page_sums);
    skep__array_free(a, (void **)&d->page_origins, &d->page_origin_cap, sizeof *d->page_origins);
    skep__free(a, d, sizeof *d, 16);
    w->data = NULL;
}

skep__data *skep__data_get(skep_world *w)
{
    if (SKEP_LIKELY(w->data)) return w->data;
    skep__data *d = skep__alloc(&w->store.allocator, sizeof *d, 16);
    if (!d) return NULL;
    d->deinit = data_deinit;
    atomic_init(&d->returned, NULL);
    w->data = d;
    return d;
}

skep_status skep__data_settle(skep_world *w)
{
    const bool between = w->mode == SKEP__WRITE_NOW && !w->firing && !w->running;
    return between ? skep__world_settle(w) : SKEP_OK;
}

/* ---- references ----------------------------------------------------------------------------- */

static void snap_hold_names(skep__arena *a, const uint32_t *names, uint32_t count)
{
    const skep__page *pages = a->pages;
    for (uint32_t i = 0; i < count; i++)
        pages[names[i] >> SKEP__SLOT_BITS].refs[names[i] & SKEP__SLOT_MASK]++;
}

static void snap_drop_names(skep__arena *a, const uint32_t *names, uint32_t count)
{
    const skep__page *pages = a->pages;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *refs = &pages[names[i] >> SKEP__SLOT_BITS].refs[names[i] & SKEP__SLOT_MASK];
        if (SKEP_UNLIKELY(--*refs == 0)) skep__arena_free(a, names[i]);
    }
}

static void snap_hold_blob(skep__store *s, const skep__blob *b)
{
    if (b->slot) skep__arena_hold(&s->arena, b->slot);
}

static void snap_drop_blob(skep__store *s, const skep__blob *b)
{
    if (b->slot) skep__arena_drop(&s->arena, b->slot);
}

/* ---- taking --------------------------------------------------------------------------------- */

/* Names of a table's slots that hold rows. */
static uint32_t snap_name_count(const skep__table *t)
{
    return t->small_slot ? 0 : skep__table_blocks(t) * t->layout->column_count;
}

/* Makes room in the arrays for the world as it is. */
static bool snap_reserve(const skep_world *w, skep_snapshot *s)
{
    const skep__store *store = &w->store;
    const skep_allocator *a = &store->allocator;
    uint64_t names = 0;
    for (uint32_t i = 1; i < store->table_count; i++) names += snap_name_count(store->tables[i]);
    if (names > UINT32_MAX) return false;
    const uint32_t blobs = w->resource_count + w->channel_count;
    const uint32_t pages = skep__index_pages(store->queue.index_count);
    return skep__array_grow(a, (void **)&s->tables, &s->table_cap, store->table_count,
                            sizeof *s->tables) &&
           skep__array_grow(a, (void **)&s->names, &s->name_cap, (uint32_t)names,
                            sizeof *s->names) &&
           skep__array_grow(a, (void **)&s->blobs, &s->blob_cap, blobs, sizeof *s->blobs) &&
           skep__array_grow(a, (void **)&s->types, &s->type_cap, store->type_count,
                            sizeof *s->types) &&
           skep__array_grow(a, (void **)&s->keep.pages, &s->keep.page_cap, pages,
                            sizeof *s->keep.pages);
}

/* Takes an ended snapshot from the pool, or makes one. */
static skep_snapshot *snap_get(skep_world *w)
{
    skep__data *d = w->data;
    skep_snapshot *s = d->free;
    if (s) {
        d->free = s->next;
    } else {
        s = skep__alloc(&w->store.allocator, sizeof *s, 16);
        if (!s) return NULL;
        s->world = w;
        s->arena = &w->store.arena;
    }
    if (snap_reserve(w, s)) return s;
    s->next = d->free;
    d->free = s;
    return NULL;
}

static void snap_take_tables(skep__store *store, skep_snapshot *s)
{
    s->table_count = store->table_count;
    s->name_count = 0;
    for (uint32_t i = 1; i < store->table_count; i++) {
        const skep__table *t = store->tables[i];
        skep__snap_table *to = &s->tables[i];
        to->layout = t->layout;
        t->layout->refs++;
        to->row_count = t->row_count;
        to->shift = t->shift;
        to->small_slot = t->row_count ? t->small_slot : 0;
        to->small_cap = t->row_cap;
        to->names = s->name_count;
        to->block_count = t->small_slot ? 0 : skep__table_blocks(t);
        if (to->small_slot) skep__arena_hold(&store->arena, to->small_slot);
        const uint32_t names = snap_name_count(t);
        if (!names) continue;
        memcpy(s->names + s->name_count, t->names, names * sizeof *s->names);
        snap_hold_names(&store->arena, t->names, names);
        s->name_count += names;
    }
}

static void snap_take_blobs(skep_world *w, skep_snapshot *s)
{
    skep__snap_blob *to = s->blobs;
    for (uint32_t i = 0; i < w->resource_count; i++, to++) {
        const skep__resource *r = &w->resources[i];
        *to = (skep__snap_blob){.info = r->info, .identity = r->identity, .blob = r->value};
        snap_hold_blob(&w->store, &r->value);
    }
    for (uint32_t i = 0; i < w->channel_count; i++, to++) {
        const skep__channel *c = &w->channels[i];
        *to = (skep__snap_blob){c->info,      c->identity, c->entries, c->count,
                                c->old_count, c->stride,   c->removed};
        snap_hold_blob(&w->store, &c->entries);
    }
    s->resource_count = w->resource_count;
    s->channel_count = w->channel_count;
    s->records = w->records;
    s->record_count = w->record_count;
    snap_hold_blob(&w->store, &w->records);
}

/* Component types are only ever added, so what an earlier use of this snapshot copied still holds.
 */
static void snap_take_types(const skep__store *store, skep_snapshot *s)
{
    for (uint32_t i = s->type_count; i < store->type_count; i++)
        s->types[i] = (skep__snap_type){store->types[i].info, store->types[i].identity};
    s->type_count = store->type_count;
}

static void snap_link(skep_world *w, skep_snapshot *s)
{
    skep__data *d = w->data;
    s->previous = NULL;
    s->next = d->live;
    if (d->live) d->live->previous = s;
    d->live = s;
    d->live_count++;
    skep__index_keep *k = &s->keep;
    k->page_count = skep__index_pages(w->store.queue.index_count);
    k->newer = NULL;
    k->older = w->store.keeps;
    if (k->older) k->older->newer = k;
    w->store.keeps = k;
}

skep_status skep_snapshot_take(skep_world *world, skep_snapshot **snapshot)
{
    SKEP_ASSERT(world && snapshot);
    *snapshot = NULL;
    const skep_status settled = skep__data_settle(world);
    return settled == SKEP_OK ? skep__snapshot_take(world, snapshot) : settled;
}

skep_status skep__snapshot_take(skep_world *w, skep_snapshot **snapshot)
{
    *snapshot = NULL;
    if (!skep__data_get(w)) return skep__world_fail(w, SKEP_NO_MEMORY, "snapshot: no memory");
    skep__snapshots_drain(w);
    skep__queue_mend(&w->store);
    skep_snapshot *s = snap_get(w);
    if (!s) return skep__world_fail(w, SKEP_NO_MEMORY, "snapshot: no memory for its lists");
    snap_take_tables(&w->store, s);
    snap_take_blobs(w, s);
    snap_take_types(&w->store, s);
    s->live_index = w->store.index;
    s->entity_count = w->store.entity_count;
    s->queue = w->store.queue;
    s->seed = w->seed;
    s->tick = w->tick;
    s->stamp = w->stamp;
    s->event_seq = w->event_seq;
    s->time = w->time;
    snap_link(w, s);
    skep__epoch_raise(&w->store);
    *snapshot = s;
    return SKEP_OK;
}

/* ---- ending --------------------------------------------------------------------------------- */

static void snap_drop_tables(skep__store *store, skep_snapshot *s)
{
    for (uint32_t i = 1; i < s->table_count; i++) {
        if (s->tables[i].small_slot) skep__arena_drop(&store->arena, s->tables[i].small_slot);
        skep__layout_drop(store, s->tables[i].layout);
    }
    snap_drop_names(&store->arena, s->names, s->name_count);
}

static void snap_unlink(skep_world *w, skep_snapshot *s)
{
    skep__data *d = w->data;
    if (s->previous)
        s->previous->next = s->next;
    else
        d->live = s->next;
    if (s->next) s->next->previous = s->previous;
    d->live_count--;
    skep__index_keep *k = &s->keep;
    if (k->newer)
        k->newer->older = k->older;
    else
        w->store.keeps = k->older;
    if (k->older) k->older->newer = k->newer;
}

void skep_snapshot_release(skep_snapshot *snapshot)
{
    skep_snapshot *s = snapshot;
    if (!s) return;
    skep_world *w = s->world;
    skep__data *d = w->data;
    SKEP_ASSERT(d && d->live_count > 0);
    snap_unlink(w, s);
    snap_drop_tables(&w->store, s);
    for (uint32_t i = 0; i < s->resource_count + s->channel_count; i++)
        snap_drop_blob(&w->store, &s->blobs[i].blob);
    snap_drop_blob(&w->store, &s->records);
    for (uint32_t p = 0; p < s->keep.page_count; p++) {
        if (!s->keep.pages[p]) continue;
        skep__arena_drop(&w->store.arena, s->keep.pages[p]);
        s->keep.pages[p] = 0;
    }
    s->next = d->free;
    d->free = s;
}

void skep_snapshot_return(skep_snapshot *snapshot)
{
    if (!snapshot) return;
    skep__data *d = snapshot->world->data;
    skep_snapshot *top = atomic_load_explicit(&d->returned, memory_order_relaxed);
    do {
        snapshot->returned = top;
    } while (!atomic_compare_exchange_weak_explicit(&d->returned, &top, snapshot,
                                                    memory_order_release, memory_order_relaxed));
}

void skep__snapshots_drain(skep_world *w)
{
    skep__data *d = w->data;
    if (!d || !atomic_load_explicit(&d->returned, memory_order_relaxed)) return;
    skep_snapshot *s = atomic_exchange_explicit(&d->returned, NULL, memory_order_acquire);
    while (s) {
        skep_snapshot *next = s->returned;
        skep_snapshot_release(s);
        s = next;
    }
}

/* Gives one page's contents to the snapshot and to all older ones that still share it with the live
 * index, as the first write to it would. */
static bool snap_detach_page(skep__store *store, skep_snapshot *s, uint32_t page)
{
    const size_t bytes = sizeof(uint64_t) << SKEP__INDEX_PAGE_SHIFT;
    const uint32_t copy = skep__arena_take(&store->arena, bytes);
    if (!copy) return false;
    memcpy(skep__slot_data(&store->arena, copy),
           store->index + ((size_t)page << SKEP__INDEX_PAGE_SHIFT), bytes);
    for (skep__index_keep *k = &s->keep; k; k = k->older) {
        if (page >= k->page_count || k->pages[page]) continue;
        skep__arena_hold(&store->arena, copy);
        k->pages[page] = copy;
    }
    skep__arena_drop(&store->arena, copy);
    return true;
}

skep_status skep_snapshot_detach(skep_snapshot *snapshot)
{
    skep_world *w = snapshot->world;
    for (uint32_t p = 0; p < snapshot->keep.page_count; p++) {
        if (snapshot->keep.pages[p] || snap_detach_page(&w->store, snapshot, p)) continue;
        return skep__world_fail(w, SKEP_NO_MEMORY, "snapshot: the region is full");
    }
    return SKEP_OK;
}

skep_status skep__snapshot_detach_save(skep_snapshot *s, uint32_t pages, uint32_t members,
                                       skep__detach_place *place, bool *done)
{
    skep_world *w = s->world;
    *done = false;
    if (place->done == 0) place->at = s->queue.head;
    for (; place->done < s->queue.count; place->done++) {
        const uint32_t page = place->at >> SKEP__INDEX_PAGE_SHIFT;
        if (members-- == 0) return SKEP_OK;
        if (!s->keep.pages[page]) {
            if (pages-- == 0) return SKEP_OK;
            if (!snap_detach_page(&w->store, s, page))
                return skep__world_fail(w, SKEP_NO_MEMORY, "snapshot: the region is full");
        }
        place->at = skep__record_row(skep__snap_record_at(s, place->at));
    }
    *done = true;
    return SKEP_OK;
}

/* ---- reading -------------------------------------------------------------------------------- */

uint64_t skep_snapshot_tick(const skep_snapshot *snapshot)
{
    return snapshot->tick;
}

double skep_snapshot_time(const skep_snapshot *snapshot)
{
    return snapshot->time;
}

uint32_t skep_snapshot_entity_count(const skep_snapshot *snapshot)
{
    return snapshot->entity_count;
}

bool skep_snapshot_alive(const skep_snapshot *snapshot, skep_entity entity)
{
    return skep__snap_record_of(snapshot, entity) != 0;
}

const uint8_t *skep__snap_cell(const skep_snapshot *s, const skep__snap_table *t, uint32_t block,
                               uint32_t column)
{
    const uint8_t *data = skep__slot_data(s->arena, skep__snap_slot(s, t, block, column));
    size_t offset = 0;
    if (t->small_slot) skep__small_offsets(t->layout, t->small_cap, column, &offset);
    return data + offset;
}

uint32_t skep__snap_type_find(const skep_snapshot *s, const skep_component *component)
{
    for (uint32_t i = 0; i < s->type_count; i++)
        if (s->types[i].info == component) return i;
    const uint64_t identity = skep__component_identity(component);
    for (uint32_t i = 0; i < s->type_count; i++)
        if (s->types[i].identity == identity) return i;
    return SKEP__NO_TYPE;
}

bool skep__layout_same_set(const skep__layout *a, const skep__layout *b)
{
    return a == b || (a->type_count == b->type_count &&
                      (a->type_count == 0 ||
                       memcmp(a->types, b->types, a->type_count * sizeof *a->types) == 0));
}

bool skep_snapshot_get(const skep_snapshot *snapshot, skep_entity entity,
                       const skep_component *component, void *value)
{
    const uint64_t r = skep__snap_record_of(snapshot, entity);
    if (!r) return false;
    const skep__snap_table *t = &snapshot->tables[skep__record_table(r)];
    const uint32_t type = skep__snap_type_find(snapshot, component);
    const int32_t at = type == SKEP__NO_TYPE ? -1 : skep__layout_find(t->layout, type);
    if (at < 0) return false;
    const uint32_t block = skep__record_row(r) >> t->shift;
    const uint32_t row = skep__record_row(r) & ((1u << t->shift) - 1u);
    for (uint32_t f = 0; value && f < component->field_count; f++) {
        const uint32_t column = t->layout->first[at] + f;
        const size_t bytes = t->layout->columns[column].bytes;
        memcpy((uint8_t *)value + component->fields[f].offset,
               skep__snap_cell(snapshot, t, block, column) + row * bytes, bytes);
    }
    return true;
}

/* Whether a table has all the types. */
static bool snap_has_all(const skep__snap_table *t, const uint32_t *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (types[i] == SKEP__NO_TYPE || skep__layout_find(t->layout, types[i]) < 0) return false;
    return true;
}

bool skep_snapshot_next(const skep_snapshot *snapshot, const skep_component *const *all,
                        uint32_t all_count, skep_snapshot_rows *rows)
{
    uint32_t types[SKEP__LAYOUT_TYPES_MAX];
    if (all_count > SKEP__LAYOUT_TYPES_MAX) return false;
    for (uint32_t i = 0; i < all_count; i++) types[i] = skep__snap_type_find(snapshot, all[i]);
    uint32_t table = rows->resume ? rows->table : 1u;
    uint32_t block = rows->resume ? rows->block + 1u : 0u;
    for (; table < snapshot->table_count; table++, block = 0) {
        const skep__snap_table *t = &snapshot->tables[table];
        if (block >= skep__snap_blocks(t) || !snap_has_all(t, types, all_count)) continue;
        rows->table = table;
        rows->block = block;
        rows->resume = 1;
        rows->count = skep__snap_block_rows(t, block);
        rows->entity = (const skep_entity *)(const void *)skep__snap_cell(snapshot, t, block, 0);
        return true;
    }
    return false;
}

const void *skep_snapshot_column(const skep_snapshot *snapshot, const skep_snapshot_rows *rows,
                                 const skep_component *component, uint32_t field)
{
    if (rows->table >= snapshot->table_count || field >= component->field_count) return NULL;
    const skep__snap_table *t = &snapshot->tables[rows->table];
    const uint32_t type = skep__snap_type_find(snapshot, component);
    const int32_t at = type == SKEP__NO_TYPE ? -1 : skep__layout_find(t->layout, type);
    if (at < 0 || rows->block >= skep__snap_blocks(t)) return NULL;
    return skep__snap_cell(snapshot, t, rows->block, t->layout->first[at] + field);
}
