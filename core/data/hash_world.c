/* SPDX-License-Identifier: MIT */
/* The world hash.
 *
 * Everything that has an order (rows of a column, entries of a channel, the free queue) is hashed
 * in that order. Everything that is a set (tables, the columns of one, resources, channels,
 * records) is hashed element by element together with its identity (names and layouts, never
 * numbers), and the finalised hashes are added up: the sum is what a sort by identity would give,
 * without memory, so that hashing cannot fail.
 *
 * Full blocks have their hash in a side array of the arena until they are written; a store that
 * writes in place asks for the block only when the epoch has moved on, so hashing raises the epoch.
 * Tails and small tables are hashed every time.
 *
 * The free queue is a list through the index whose links are random, so walking a long one would
 * cost more than all columns. It is the sum over its members of a hash of (index, generation,
 * next), whichever way they are visited: a short queue is walked, a long one summed by index page,
 * with the sums kept until the page is written.
 *
 * All NaNs are one: a block is searched for them first, which its being read into the cache mostly
 * pays for, and only one that has some is hashed by way of a copy. -0 is not 0. */
#include "core/base/hash.h"
#include "core/data/snapshot_internal.h"

#define HASH_VERSION UINT64_C(0x736b657000000001)
#define HASH_COPY_BYTES 1024u
#define NAN_F32 UINT32_C(0x7fc00000)
#define NAN_F64 UINT64_C(0x7ff8000000000000)

/* ---- values --------------------------------------------------------------------------------- */

/* Whether one of n floats is a NaN: the magnitude's bits are above those of infinity. Integer sums
 * that carry into the sign bit, since every compiler makes vectors of them. */
static bool nan_in_f32(const uint8_t *data, size_t n)
{
    uint32_t carry = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t x;
        memcpy(&x, data + i * 4u, 4);
        carry |= (x & 0x7fffffffu) + 0x007fffffu;
    }
    return carry >> 31;
}

static bool nan_in_f64(const uint8_t *data, size_t n)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t x;
        memcpy(&x, data + i * 8u, 8);
        carry |= (x & UINT64_C(0x7fffffffffffffff)) + UINT64_C(0x000fffffffffffff);
    }
    return carry >> 63;
}

static bool nan_in(uint32_t type, const uint8_t *data, size_t bytes)
{
    if (type == SKEP_TYPE_f32) return nan_in_f32(data, bytes / 4u);
    if (type == SKEP_TYPE_f64) return nan_in_f64(data, bytes / 8u);
    return false;
}

static void nan_make_one(uint32_t type, uint8_t *data, size_t bytes)
{
    const uint32_t one32 = NAN_F32;
    const uint64_t one64 = NAN_F64;
    const size_t step = type == SKEP_TYPE_f32 ? 4u : 8u;
    for (size_t i = 0; i < bytes; i += step) {
        if (!nan_in(type, data + i, step)) continue;
        memcpy(data + i, step == 4u ? (const void *)&one32 : (const void *)&one64, step);
    }
}

/* Hashes values with NaNs, a piece at a time through a copy. That it gives another hash than the
 * straight way does not matter: whether there is a NaN is part of the value. */
static SKEP_NOINLINE uint64_t hash_values_nan(uint32_t type, const uint8_t *data, size_t bytes)
{
    uint64_t copy[HASH_COPY_BYTES / 8u];
    uint64_t h = bytes;
    for (size_t at = 0; at < bytes; at += HASH_COPY_BYTES) {
        const size_t n = bytes - at < HASH_COPY_BYTES ? bytes - at : HASH_COPY_BYTES;
        memcpy(copy, data + at, n);
        nan_make_one(type, (uint8_t *)copy, n);
        h = skep__hash_mix(h, skep__hash_bytes(copy, n, at));
    }
    return skep__hash_u64(h);
}

static uint64_t hash_values(uint32_t type, const uint8_t *data, size_t bytes)
{
    if (SKEP_UNLIKELY(nan_in(type, data, bytes))) return hash_values_nan(type, data, bytes);
    return skep__hash_bytes(data, bytes, type);
}

uint64_t skep__hash_struct(const skep_component *info, const uint8_t *value, uint64_t seed)
{
    uint64_t h = seed;
    for (uint32_t f = 0; f < info->field_count; f++) {
        const skep_field *field = &info->fields[f];
        const size_t bytes = (size_t)field->size * field->count;
        if (bytes > 8u) {
            h = skep__hash_mix(h, hash_values(field->type, value + field->offset, bytes));
            continue;
        }
        uint64_t x = 0;
        memcpy(&x, value + field->offset, bytes);
        if (nan_in(field->type, value + field->offset, bytes))
            nan_make_one(field->type, (uint8_t *)&x, bytes);
        h = skep__hash_mix(h, x);
    }
    return h;
}

/* ---- tables --------------------------------------------------------------------------------- */

/* A table of a world or of a snapshot. */
typedef struct hash_table {
    const skep__layout *layout;
    const skep__arena *arena;
    const uint32_t *names;  /* of a table of blocks */
    const skep__line *line; /* of a small table of the world; NULL in a snapshot's */
    uint32_t small_slot;
    uint32_t small_cap;
    uint32_t row_count;
    uint32_t shift;
} hash_table;

static const uint8_t *hash_small_column(const hash_table *t, uint32_t column)
{
    if (t->line) return t->line->cells[column].data;
    size_t offset = 0;
    skep__small_offsets(t->layout, t->small_cap, column, &offset);
    return (const uint8_t *)skep__slot_data(t->arena, t->small_slot) + offset;
}

/* Hash of a full block: kept with the slot until it is written. */
static uint64_t hash_block(const skep__arena *arena, uint32_t name, uint32_t type, size_t bytes)
{
    uint64_t *kept = skep__slot_hash(arena, name);
    if (SKEP_LIKELY(*kept)) return *kept;
    const uint64_t h = hash_values(type, skep__slot_data(arena, name), bytes);
    *kept = h ? h : 1u;
    return *kept;
}

/* A small table has less than one block of rows: it hashes like the tail of a table of blocks,
 * since which of the two a table is depends on its past. */
static uint64_t hash_column(const hash_table *t, uint32_t column, uint32_t type)
{
    const size_t row_bytes = t->layout->columns[column].bytes;
    const uint32_t full = t->names ? t->row_count >> t->shift : 0u;
    const uint32_t rest = t->row_count - (full << t->shift);
    const uint32_t columns = t->layout->column_count;
    uint64_t h = full;
    for (uint32_t b = 0; b < full; b++) {
        const uint32_t name = t->names[(size_t)b * columns + column];
        h = skep__hash_mix(h, hash_block(t->arena, name, type, row_bytes << t->shift));
    }
    if (!rest) return h;
    const uint8_t *tail = t->names ? skep__slot_data(t->arena, t->names[full * columns + column])
                                   : hash_small_column(t, column);
    return skep__hash_mix(h, hash_values(type, tail, row_bytes * rest));
}

static uint64_t hash_of_table(const hash_table *t, const skep__type *types)
{
    const skep__layout *l = t->layout;
    uint64_t sum = 0;
    for (uint32_t c = 1; c < l->column_count; c++) {
        const skep__column *column = &l->columns[c];
        if (column->kind != 1) continue;
        const skep__type *type = &types[column->type];
        const uint64_t h = hash_column(t, c, type->info->fields[column->field].type);
        sum += skep__hash_u64(skep__hash_mix(skep__hash_mix(type->identity, column->field), h));
    }
    uint64_t h = skep__hash_mix(l->identity, t->row_count);
    h = skep__hash_mix(h, hash_column(t, 0, SKEP_TYPE_entity));
    return skep__hash_u64(skep__hash_mix(h, sum));
}

static hash_table hash_view(const skep__store *s, const skep__table *t)
{
    return (hash_table){.layout = t->layout,
                        .arena = &s->arena,
                        .names = t->small_slot ? NULL : t->names,
                        .line = t->small_slot ? skep__line_of(t, 0) : NULL,
                        .row_count = t->row_count,
                        .shift = t->shift};
}

static uint64_t hash_world_tables(const skep__store *s)
{
    uint64_t sum = 0;
    for (uint32_t i = 1; i < s->table_count; i++) {
        const skep__table *t = s->tables[i];
        if (!t->row_count) continue;
        const hash_table view = hash_view(s, t);
        sum += hash_of_table(&view, s->types);
    }
    return sum;
}

uint64_t skep__hash_entities(const skep_world *w)
{
    const skep__store *s = &w->store;
    uint64_t sum = 0;
    for (uint32_t i = 1; i < s->table_count; i++) {
        const skep__table *t = s->tables[i];
        if (!t->row_count) continue;
        const hash_table view = hash_view(s, t);
        const uint64_t h = skep__hash_mix(t->layout->identity, t->row_count);
        sum += skep__hash_u64(skep__hash_mix(h, hash_column(&view, 0, SKEP_TYPE_entity)));
    }
    return sum;
}

/* Adds one column's hash to its component's. */
static void hash_type_add(const skep__store *s, const hash_table *view, uint32_t column,
                          uint64_t *sum)
{
    const skep__column *c = &view->layout->columns[column];
    const uint64_t h = hash_column(view, column, s->types[c->type].info->fields[c->field].type);
    *sum += skep__hash_u64(skep__hash_mix(skep__hash_mix(view->layout->identity, c->field), h));
}

uint64_t skep__hash_type(const skep_world *w, uint32_t type)
{
    const skep__store *s = &w->store;
    uint64_t sum = 0;
    for (uint32_t i = 1; i < s->table_count; i++) {
        const skep__table *t = s->tables[i];
        const int32_t place = t->row_count ? skep__layout_find(t->layout, type) : -1;
        if (place < 0) continue;
        const hash_table view = hash_view(s, t);
        for (uint32_t f = 0; f < s->types[type].field_count; f++)
            hash_type_add(s, &view, t->layout->first[place] + f, &sum);
    }
    return sum;
}

void skep__hash_types(const skep_world *w, uint64_t *sums)
{
    const skep__store *s = &w->store;
    memset(sums, 0, s->type_count * sizeof *sums);
    for (uint32_t i = 1; i < s->table_count; i++) {
        const skep__table *t = s->tables[i];
        if (!t->row_count) continue;
        const hash_table view = hash_view(s, t);
        for (uint32_t c = 1; c < t->layout->column_count; c++)
            if (t->layout->columns[c].kind == 1)
                hash_type_add(s, &view, c, &sums[t->layout->columns[c].type]);
    }
}

static uint64_t hash_snapshot_tables(const skep_snapshot *s)
{
    uint64_t sum = 0;
    for (uint32_t i = 1; i < s->table_count; i++) {
        const skep__snap_table *t = &s->tables[i];
        if (!t->row_count) continue;
        const hash_table view = {.layout = t->layout,
                                 .arena = s->arena,
                                 .names = t->small_slot ? NULL : s->names + t->names,
                                 .small_slot = t->small_slot,
                                 .small_cap = t->small_cap,
                                 .row_count = t->row_count,
                                 .shift = t->shift};
        sum += hash_of_table(&view, s->world->store.types);
    }
    return sum;
}

/* ---- resources, channels, records ----------------------------------------------------------- */

/* A resource that was never set is as good as unknown. What lies behind the struct of a buffer is
 * bytes. A grid follows from the rest of the world, and stays out as it does from saves. */
static uint64_t hash_resource(const skep_component *info, uint64_t identity, const uint8_t *value,
                              uint32_t bytes)
{
    if (!value || info->kind == SKEP_KIND_GRID) return 0;
    uint64_t h = skep__hash_struct(info, value, skep__hash_mix(identity, bytes));
    if (bytes > info->size)
        h = skep__hash_mix(h, skep__hash_bytes(value + info->size, bytes - info->size, 1));
    return skep__hash_u64(h);
}

/* Pending events and inputs. What is kept for queries of removed components depends on which of
 * them exist, as stamps do, and stays out like those. */
static uint64_t hash_channel(const skep__channel *c, const uint8_t *entries)
{
    if (c->removed || !c->count) return 0;
    uint64_t h = skep__hash_mix(skep__hash_mix(c->identity, c->count), c->old_count);
    for (uint32_t i = 0; i < c->count; i++) {
        const uint8_t *at = entries + (size_t)i * c->stride;
        skep__entry entry;
        memcpy(&entry, at, sizeof entry);
        h = skep__hash_mix(skep__hash_mix(h, entry.seq), entry.to);
        h = skep__hash_struct(c->info, at + sizeof entry, h);
    }
    return skep__hash_u64(h);
}

/* A record of nothing but zeros belongs to a system that never ran. */
static uint64_t hash_records(const uint8_t *records, uint32_t count)
{
    static const uint8_t zeros[SKEP__RECORD_BYTES];
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *at = records + (size_t)i * sizeof(skep__record);
        if (memcmp(at + SKEP__RECORD_NAME_BYTES, zeros, sizeof zeros) == 0) continue;
        sum += skep__hash_u64(skep__hash_bytes(at, sizeof(skep__record), 2));
    }
    return sum;
}

/* ---- the free queue ------------------------------------------------------------------------- */

SKEP_INLINE uint64_t hash_dead(uint32_t index, uint64_t record)
{
    return skep__hash_u64(record ^ (index * UINT64_C(0x9E3779B97F4A7C15)));
}

/* Sums the dead records of `count` indexes from `first` on. Retired indexes have record 0. */
static skep__page_sum hash_page(const uint64_t *records, uint32_t first, uint32_t count)
{
    skep__page_sum page = {0, 0, 0};
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t r = records[i];
        if (skep__record_table(r) != 0 || r == 0) continue;
        page.sum += hash_dead(first + i, r);
        page.count++;
    }
    return page;
}

static uint32_t hash_page_rows(uint32_t page, uint32_t index_count)
{
    const uint32_t first = page << SKEP__INDEX_PAGE_SHIFT;
    return skep__min_u32(index_count - first, 1u << SKEP__INDEX_PAGE_SHIFT);
}

/* Sums all pages of the live index, those that were not written since last time from memory. */
static uint64_t hash_pages_live(skep_world *w, uint64_t *count)
{
    skep__store *s = &w->store;
    const uint32_t pages = skep__index_pages(s->queue.index_count);
    skep__data *d = skep__data_get(w);
    const bool keep = d && skep__array_grow(&s->allocator, (void **)&d->page_sums, &d->page_sum_cap,
                                            pages, sizeof *d->page_sums);
    uint64_t sum = 0;
    for (uint32_t p = 0; p < pages; p++) {
        const uint64_t epoch = s->index_epoch[p] + 1u;
        skep__page_sum page = {0, 0, 0};
        if (keep) page = d->page_sums[p];
        if (page.epoch != epoch) {
            const uint32_t first = p << SKEP__INDEX_PAGE_SHIFT;
            page = hash_page(s->index + first, first, hash_page_rows(p, s->queue.index_count));
            page.epoch = epoch;
            if (keep) d->page_sums[p] = page;
        }
        sum += page.sum;
        *count += page.count;
    }
    return sum;
}

static uint64_t hash_pages_snapshot(const skep_snapshot *s, uint64_t *count)
{
    uint64_t sum = 0;
    for (uint32_t p = 0; p < skep__index_pages(s->queue.index_count); p++) {
        const uint32_t first = p << SKEP__INDEX_PAGE_SHIFT;
        const uint64_t *records = s->live_index + first;
        if (s->keep.pages[p])
            records = (const uint64_t *)skep__slot_data(s->arena, s->keep.pages[p]);
        const skep__page_sum page =
            hash_page(records, first, hash_page_rows(p, s->queue.index_count));
        sum += page.sum;
        *count += page.count;
    }
    return sum;
}

static uint64_t hash_walk(const skep_world *w, const skep_snapshot *s, const skep__free_queue *q)
{
    uint64_t sum = 0;
    uint32_t at = q->head;
    for (uint32_t i = 0; i < q->count; i++) {
        const uint64_t r = s ? skep__snap_record_at(s, at) : w->store.index[at];
        sum += hash_dead(at, r);
        at = skep__record_row(r);
    }
    return sum;
}

/* Of a world, or of a snapshot where there is one. Indexes that were taken and not yet used (a
 * frame is running) are dead but not in the queue; then only walking it tells. */
static uint64_t hash_queue(skep_world *w, const skep_snapshot *s)
{
    const skep__free_queue *q = s ? &s->queue : &w->store.queue;
    uint64_t sum = 0;
    uint64_t count = 0;
    const bool walk = q->count <= q->index_count / 128u;
    if (!walk) sum = s ? hash_pages_snapshot(s, &count) : hash_pages_live(w, &count);
    if (walk || count != q->count) sum = hash_walk(w, s, q);
    uint64_t h = skep__hash_mix(q->index_count, q->count);
    h = skep__hash_mix(h, q->count ? q->head : 0u);
    return skep__hash_mix(h, sum);
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* The parts that are hashes already, and the plain numbers. */
typedef struct hash_parts {
    uint64_t seed, tick;
    double time;
    uint64_t entity_count;
    uint64_t tables, resources, channels, records, queue;
} hash_parts;

static uint64_t hash_finish(const hash_parts *p)
{
    uint64_t time = 0;
    memcpy(&time, &p->time, sizeof time);
    if (p->time != p->time) time = NAN_F64;
    uint64_t h = skep__hash_mix(HASH_VERSION, p->seed);
    h = skep__hash_mix(h, p->tick);
    h = skep__hash_mix(h, time);
    h = skep__hash_mix(h, p->entity_count);
    h = skep__hash_mix(h, p->tables);
    h = skep__hash_mix(h, p->resources);
    h = skep__hash_mix(h, p->channels);
    h = skep__hash_mix(h, p->records);
    return skep__hash_u64(skep__hash_mix(h, p->queue));
}

uint64_t skep__hash_resource(const skep_world *w, uint32_t number)
{
    const skep__resource *r = &w->resources[number];
    const uint8_t *value = skep__blob_read(&w->store, &r->value);
    return hash_resource(r->info, r->identity, value, r->value.bytes);
}

uint64_t skep__hash_channel(const skep_world *w, uint32_t number)
{
    const skep__channel *c = &w->channels[number];
    return hash_channel(c, skep__blob_read(&w->store, &c->entries));
}

uint64_t skep_world_hash(skep_world *world)
{
    return skep__hash_world(world, NULL);
}

uint64_t skep__hash_world(skep_world *w, skep__hash_parts *parts)
{
    SKEP_ASSERT(w);
    skep__store *s = &w->store;
    const skep_status settled = skep__data_settle(w);
    (void)settled; /* out of memory: what waits is not part of the state yet */
    skep__queue_mend(s);
    hash_parts p = {.seed = w->seed,
                    .tick = w->tick,
                    .time = w->time,
                    .entity_count = s->entity_count,
                    .tables = hash_world_tables(s)};
    for (uint32_t i = 0; i < w->resource_count; i++) p.resources += skep__hash_resource(w, i);
    for (uint32_t i = 0; i < w->channel_count; i++) p.channels += skep__hash_channel(w, i);
    p.records = hash_records(skep__blob_read(s, &w->records), w->record_count);
    p.queue = hash_queue(w, NULL);
    skep__epoch_raise(s);
    if (parts) *parts = (skep__hash_parts){p.tables, p.resources, p.channels, p.records, p.queue};
    return hash_finish(&p);
}

uint64_t skep_snapshot_hash(const skep_snapshot *snapshot)
{
    const skep_snapshot *s = snapshot;
    SKEP_ASSERT(s);
    hash_parts p = {.seed = s->seed,
                    .tick = s->tick,
                    .time = s->time,
                    .entity_count = s->entity_count,
                    .tables = hash_snapshot_tables(s)};
    for (uint32_t i = 0; i < s->resource_count; i++) {
        const skep__snap_blob *r = &s->blobs[i];
        p.resources +=
            hash_resource(r->info, r->identity, skep__snap_blob_read(s, &r->blob), r->blob.bytes);
    }
    for (uint32_t i = 0; i < s->channel_count; i++) {
        const skep__snap_blob *b = &s->blobs[s->resource_count + i];
        const skep__channel c = {.info = b->info,
                                 .identity = b->identity,
                                 .removed = b->removed,
                                 .stride = b->stride,
                                 .count = b->count,
                                 .old_count = b->old_count};
        p.channels += hash_channel(&c, skep__snap_blob_read(s, &b->blob));
    }
    p.records = hash_records(skep__snap_blob_read(s, &s->records), s->record_count);
    p.queue = hash_queue(s->world, s);
    return hash_finish(&p);
}
