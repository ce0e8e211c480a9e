/* SPDX-License-Identifier: MIT */
/* Writing a save (save_format.h has the bytes). The sections' lengths and checksums come first in
 * the file, so every section is written twice: into a sink that only counts and sums, then into the
 * caller's function. A snapshot does not change in between. Nothing is allocated, so that a thread
 * that is not the owner's can save a detached snapshot; a piece of 4 KiB on the stack gathers what
 * is small, and columns pass it by: the caller's function gets them where they lie. */
#include "core/data/save_format.h"

/* What is written without a copy. */
#define DIRECT_BYTES 1024u

typedef struct save_sink {
    skep_write_fn write; /* NULL: count and sum only */
    void *ctx;
    bool sums; /* with `write`: sum as well */
    bool failed;
    uint32_t used; /* of piece */
    uint64_t bytes;
    uint64_t sum;
    uint8_t piece[SKEP__SAVE_PIECE_BYTES];
} save_sink;

/* Passes on whole pieces; the last one of a section may be short. */
static void sink_pass(save_sink *k, const uint8_t *bytes, size_t n)
{
    k->bytes += n;
    if (k->write) {
        if (n && !k->failed) k->failed = !k->write(k->ctx, bytes, n);
        if (!k->sums) return;
    }
    for (size_t at = 0; at < n; at += SKEP__SAVE_PIECE_BYTES) {
        const size_t left = n - at;
        k->sum = skep__save_sum_step(k->sum, bytes + at,
                                     left < SKEP__SAVE_PIECE_BYTES ? left : SKEP__SAVE_PIECE_BYTES);
    }
}

static void sink_end(save_sink *k)
{
    if (k->used) sink_pass(k, k->piece, k->used);
    k->used = 0;
}

static void sink_put(save_sink *k, const void *bytes, size_t n)
{
    const uint8_t *from = bytes;
    SKEP_ASSERT(bytes || !n);
    /* Only checksums depend on where pieces end. */
    if (k->write && !k->sums && n >= DIRECT_BYTES) {
        sink_end(k);
        sink_pass(k, from, n);
        return;
    }
    while (n && !k->failed) {
        if (k->used == 0 && n >= SKEP__SAVE_PIECE_BYTES) {
            const size_t whole = n - n % SKEP__SAVE_PIECE_BYTES;
            sink_pass(k, from, whole);
            from += whole;
            n -= whole;
            continue;
        }
        const size_t room = SKEP__SAVE_PIECE_BYTES - k->used;
        const size_t some = n < room ? n : room;
        memcpy(k->piece + k->used, from, some);
        k->used += (uint32_t)some;
        from += some;
        n -= some;
        if (k->used < SKEP__SAVE_PIECE_BYTES) continue;
        sink_pass(k, k->piece, k->used);
        k->used = 0;
    }
}

static void put_u8(save_sink *k, uint32_t x)
{
    const uint8_t byte = skep__u8(x);
    sink_put(k, &byte, 1);
}

static void put_u16(save_sink *k, uint32_t x)
{
    const uint8_t bytes[2] = {(uint8_t)x, (uint8_t)(x >> 8)};
    sink_put(k, bytes, 2);
}

static void put_u32(save_sink *k, uint32_t x)
{
    uint8_t bytes[4];
    for (uint32_t i = 0; i < 4; i++) bytes[i] = (uint8_t)(x >> (8 * i));
    sink_put(k, bytes, 4);
}

static void put_u64(save_sink *k, uint64_t x)
{
    uint8_t bytes[8];
    for (uint32_t i = 0; i < 8; i++) bytes[i] = (uint8_t)(x >> (8 * i));
    sink_put(k, bytes, 8);
}

/* Zeros up to the next multiple of 8. */
static void put_align(save_sink *k)
{
    static const uint8_t zeros[8] = {0};
    sink_put(k, zeros, (8u - (k->bytes + k->used) % 8u) % 8u);
}

/* ---- sections ------------------------------------------------------------------------------- */

static size_t name_bytes(const char *name)
{
    size_t n = 0;
    while (n <= SKEP__SAVE_NAME_MAX && name[n]) n++;
    return n;
}

static bool names_fit(const skep_component *info)
{
    bool fit = name_bytes(info->name) <= SKEP__SAVE_NAME_MAX;
    for (uint32_t f = 0; f < info->field_count; f++)
        fit = fit && name_bytes(info->fields[f].name) <= SKEP__SAVE_NAME_MAX;
    return fit;
}

/* `removed`: a channel that lists from whom a component was removed; its entries have no fields. */
static void put_description(save_sink *k, const skep_component *info, bool removed)
{
    const size_t name = name_bytes(info->name);
    const uint32_t fields = removed ? 0 : info->field_count;
    put_u8(k, info->kind);
    put_u8(k, removed ? SKEP__SAVE_REMOVED : 0u);
    put_u8(k, skep__u32(name));
    put_u8(k, fields);
    sink_put(k, info->name, name);
    for (uint32_t f = 0; f < fields; f++) {
        const skep_field *field = &info->fields[f];
        const size_t bytes = name_bytes(field->name);
        put_u8(k, field->type);
        put_u8(k, skep__u32(bytes));
        put_u16(k, field->count);
        sink_put(k, field->name, bytes);
    }
}

static void put_schema(save_sink *k, const skep_snapshot *s)
{
    put_u32(k, s->type_count);
    put_u32(k, s->resource_count);
    put_u32(k, s->channel_count);
    put_u32(k, 0);
    for (uint32_t i = 0; i < s->type_count; i++) put_description(k, s->types[i].info, false);
    for (uint32_t i = 0; i < s->resource_count + s->channel_count; i++)
        put_description(k, s->blobs[i].info, s->blobs[i].removed);
    put_align(k);
}

static void put_state(save_sink *k, const skep_snapshot *s)
{
    uint64_t time = 0;
    memcpy(&time, &s->time, sizeof time);
    put_u64(k, s->seed);
    put_u64(k, s->tick);
    put_u64(k, time);
    put_u64(k, s->stamp);
    put_u64(k, s->event_seq);
    put_u32(k, s->entity_count);
    put_u32(k, s->queue.index_count);
    put_u32(k, s->queue.count);
    put_u32(k, s->table_count - 1u);
}

static void put_queue(save_sink *k, const skep_snapshot *s)
{
    uint64_t some[64];
    uint32_t at = s->queue.head;
    for (uint32_t i = 0; i < s->queue.count; i++) {
        const uint64_t r = skep__snap_record_at(s, at);
        some[i % 64u] = skep_entity_make(at, skep__record_generation(r)).bits;
        if (i % 64u == 63u) sink_put(k, some, sizeof some);
        at = skep__record_row(r);
    }
    sink_put(k, some, s->queue.count % 64u * sizeof *some);
}

static void put_column(save_sink *k, const skep_snapshot *s, const skep__snap_table *t,
                       uint32_t column)
{
    const size_t row_bytes = t->layout->columns[column].bytes;
    for (uint32_t b = 0; b < skep__snap_blocks(t); b++)
        sink_put(k, skep__snap_cell(s, t, b, column), row_bytes * skep__snap_block_rows(t, b));
    put_align(k);
}

static void put_table_head(save_sink *k, const skep__snap_table *t)
{
    const skep__layout *l = t->layout;
    put_u32(k, l->type_count);
    put_u32(k, t->row_count);
    for (uint32_t i = 0; i < l->type_count; i++)
        put_u16(k, l->types[i] | (l->stamps[i] == SKEP__NO_COLUMN ? 0u : SKEP__SAVE_STAMPED));
    put_align(k);
}

static void put_table(save_sink *k, const skep_snapshot *s, const skep__snap_table *t)
{
    put_table_head(k, t);
    for (uint32_t c = 0; c < t->layout->column_count; c++) put_column(k, s, t, c);
}

static void put_fields(save_sink *k, const skep_component *info, const uint8_t *value)
{
    for (uint32_t f = 0; f < info->field_count; f++)
        sink_put(k, value + info->fields[f].offset,
                 (size_t)info->fields[f].size * info->fields[f].count);
}

static void put_resource(save_sink *k, const skep_snapshot *s, const skep__snap_blob *r)
{
    const bool derived = r->info->kind == SKEP_KIND_GRID; /* built anew before it is used */
    const uint8_t *value = derived ? NULL : skep__snap_blob_read(s, &r->blob);
    const uint32_t extra =
        value && r->blob.bytes > r->info->size ? r->blob.bytes - r->info->size : 0u;
    put_u32(k, value ? 1u : 0u);
    put_u32(k, extra);
    if (!value) return;
    put_fields(k, r->info, value);
    if (extra) sink_put(k, value + r->info->size, extra);
    put_align(k);
}

static void put_channel(save_sink *k, const skep_snapshot *s, const skep__snap_blob *c)
{
    const uint8_t *entries = skep__snap_blob_read(s, &c->blob);
    put_u32(k, c->count);
    put_u32(k, c->old_count);
    for (uint32_t i = 0; i < c->count; i++) {
        const uint8_t *at = entries + (size_t)i * c->stride;
        skep__entry entry;
        memcpy(&entry, at, sizeof entry);
        put_u64(k, entry.seq);
        put_u64(k, entry.to);
        if (!c->removed) put_fields(k, c->info, at + sizeof entry);
    }
    put_align(k);
}

static void put_section(save_sink *k, const skep_snapshot *s, skep__save_section section)
{
    switch (section) {
    case SKEP__SAVE_SCHEMA:
        put_schema(k, s);
        break;
    case SKEP__SAVE_STATE:
        put_state(k, s);
        break;
    case SKEP__SAVE_QUEUE:
        put_queue(k, s);
        break;
    case SKEP__SAVE_TABLES:
        for (uint32_t i = 1; i < s->table_count; i++) put_table(k, s, &s->tables[i]);
        break;
    case SKEP__SAVE_RESOURCES:
        for (uint32_t i = 0; i < s->resource_count; i++) put_resource(k, s, &s->blobs[i]);
        break;
    case SKEP__SAVE_CHANNELS:
        for (uint32_t i = 0; i < s->channel_count; i++)
            put_channel(k, s, &s->blobs[s->resource_count + i]);
        break;
    case SKEP__SAVE_RECORDS:
        put_u32(k, s->record_count);
        put_u32(k, 0);
        if (s->record_count)
            sink_put(k, skep__snap_blob_read(s, &s->records),
                     (size_t)s->record_count * sizeof(skep__record));
        break;
    case SKEP__SAVE_SECTION_COUNT:
        break;
    }
    sink_end(k);
}

/* ---- the file ------------------------------------------------------------------------------- */

static void put_header(save_sink *k, const uint64_t *bytes, const uint64_t *sums, uint64_t checksum)
{
    uint64_t offset = SKEP__SAVE_CONTENT_OFFSET;
    uint64_t total = offset;
    for (uint32_t i = 0; i < SKEP__SAVE_SECTION_COUNT; i++) total += bytes[i];
    sink_put(k, SKEP__SAVE_MAGIC, SKEP__SAVE_MAGIC_BYTES);
    put_u32(k, SKEP_SAVE_VERSION);
    put_u32(k, SKEP__SAVE_SECTION_COUNT);
    put_u64(k, total);
    put_u64(k, checksum);
    for (uint32_t i = 0; i < SKEP__SAVE_SECTION_COUNT; i++) {
        put_u32(k, i);
        put_u32(k, 0);
        put_u64(k, offset);
        put_u64(k, bytes[i]);
        put_u64(k, sums[i]);
        offset += bytes[i];
    }
    sink_end(k);
}

static void sink_begin(save_sink *k, skep_write_fn write, void *ctx)
{
    k->write = write;
    k->ctx = ctx;
    k->sums = false;
    k->failed = false;
    k->used = 0;
    k->bytes = 0;
    k->sum = 0;
}

static bool snapshot_names_fit(const skep_snapshot *s)
{
    bool fit = true;
    for (uint32_t i = 0; i < s->type_count; i++) fit = fit && names_fit(s->types[i].info);
    for (uint32_t i = 0; i < s->resource_count + s->channel_count; i++)
        fit = fit && names_fit(s->blobs[i].info);
    return fit;
}

/* What was summed up so far, and where that goes on. */
struct skep__save_steps {
    skep_allocator allocator;
    const skep_snapshot *snapshot;
    uint32_t section, table, column, block;
    bool headed; /* the head of the table at hand was put */
    uint64_t bytes[SKEP__SAVE_SECTION_COUNT];
    uint64_t sums[SKEP__SAVE_SECTION_COUNT];
    save_sink sink;
};

static void steps_init(skep__save_steps *s, const skep_snapshot *snapshot)
{
    s->snapshot = snapshot;
    s->section = 0;
    s->table = 1;
    s->column = s->block = 0;
    s->headed = false;
    sink_begin(&s->sink, NULL, NULL);
}

/* Goes on with the column at hand. False: the budget is used up before its end. */
static bool column_sum(skep__save_steps *s, const skep__snap_table *t, uint64_t end)
{
    save_sink *k = &s->sink;
    const size_t row_bytes = t->layout->columns[s->column].bytes;
    for (; s->block < skep__snap_blocks(t); s->block++) {
        if (k->bytes >= end) return false;
        sink_put(k, skep__snap_cell(s->snapshot, t, s->block, s->column),
                 row_bytes * skep__snap_block_rows(t, s->block));
    }
    put_align(k);
    s->block = 0;
    return true;
}

/* The same with the tables' section. */
static bool tables_sum(skep__save_steps *s, uint64_t end)
{
    for (; s->table < s->snapshot->table_count; s->table++) {
        const skep__snap_table *t = &s->snapshot->tables[s->table];
        if (!s->headed) put_table_head(&s->sink, t);
        s->headed = true;
        for (; s->column < t->layout->column_count; s->column++)
            if (!column_sum(s, t, end)) return false;
        s->column = 0;
        s->headed = false;
    }
    sink_end(&s->sink);
    return true;
}

bool skep__save_sum(skep__save_steps *s, uint64_t budget)
{
    save_sink *k = &s->sink;
    const uint64_t end = budget < UINT64_MAX - k->bytes ? k->bytes + budget : UINT64_MAX;
    for (; s->section < SKEP__SAVE_SECTION_COUNT; s->section++) {
        if (s->section != SKEP__SAVE_TABLES)
            put_section(k, s->snapshot, (skep__save_section)s->section);
        else if (!tables_sum(s, end))
            return false;
        s->bytes[s->section] = k->bytes;
        s->sums[s->section] = skep__save_sum_end(k->sum, k->bytes);
        SKEP_ASSERT(k->bytes % 8 == 0);
        sink_begin(k, NULL, NULL);
    }
    return true;
}

/* Puts the header, whose checksum is that of itself without one. */
static void put_whole_header(save_sink *k, const uint64_t *bytes, const uint64_t *sums,
                             skep_write_fn write, void *ctx)
{
    sink_begin(k, NULL, NULL);
    put_header(k, bytes, sums, 0);
    const uint64_t checksum = skep__save_sum_end(k->sum, k->bytes);
    sink_begin(k, write, ctx);
    put_header(k, bytes, sums, checksum);
}

skep_status skep__save_put(skep__save_steps *s, skep_write_fn write, void *ctx)
{
    save_sink *k = &s->sink;
    SKEP_ASSERT(s->section == SKEP__SAVE_SECTION_COUNT);
    put_whole_header(k, s->bytes, s->sums, write, ctx);
    for (uint32_t i = 0; i < SKEP__SAVE_SECTION_COUNT && !k->failed; i++)
        put_section(k, s->snapshot, (skep__save_section)i);
    return k->failed ? SKEP_IO : SKEP_OK;
}

skep_status skep__save_begin(const skep_allocator *allocator, const skep_snapshot *snapshot,
                             skep__save_steps **steps)
{
    *steps = NULL;
    if (!snapshot_names_fit(snapshot)) return SKEP_LIMIT;
    skep__save_steps *s = (skep__save_steps *)skep__alloc(allocator, sizeof *s, 16);
    if (!s) return SKEP_NO_MEMORY;
    s->allocator = *allocator;
    steps_init(s, snapshot);
    *steps = s;
    return SKEP_OK;
}

void skep__save_end(skep__save_steps *s)
{
    if (!s) return;
    const skep_allocator a = s->allocator;
    skep__free(&a, s, sizeof *s, 16);
}

skep_status skep_save_snapshot(const skep_snapshot *snapshot, skep_write_fn write, void *ctx)
{
    SKEP_ASSERT(snapshot && write);
    if (!snapshot_names_fit(snapshot)) return SKEP_LIMIT;
    skep__save_steps s;
    steps_init(&s, snapshot);
    (void)skep__save_sum(&s, UINT64_MAX);
    return skep__save_put(&s, write, ctx);
}

typedef struct save_head {
    uint8_t *bytes;
    size_t used;
} save_head;

static bool head_write(void *ctx, const void *bytes, size_t n)
{
    save_head *h = ctx;
    if (n > SKEP__SAVE_CONTENT_OFFSET - h->used) return false;
    memcpy(h->bytes + h->used, bytes, n);
    h->used += n;
    return true;
}

skep_status skep__save_snapshot_late(const skep_snapshot *snapshot, skep_write_fn write, void *ctx,
                                     uint8_t *head)
{
    if (!snapshot_names_fit(snapshot)) return SKEP_LIMIT;
    uint64_t bytes[SKEP__SAVE_SECTION_COUNT];
    uint64_t sums[SKEP__SAVE_SECTION_COUNT];
    save_sink k;
    save_head h = {head, 0};
    memset(head, 0, SKEP__SAVE_CONTENT_OFFSET);
    sink_begin(&k, write, ctx);
    sink_put(&k, head, SKEP__SAVE_CONTENT_OFFSET);
    sink_end(&k);
    if (k.failed) return SKEP_IO;
    for (uint32_t i = 0; i < SKEP__SAVE_SECTION_COUNT; i++) {
        sink_begin(&k, write, ctx);
        k.sums = true;
        put_section(&k, snapshot, (skep__save_section)i);
        if (k.failed) return SKEP_IO;
        bytes[i] = k.bytes;
        sums[i] = skep__save_sum_end(k.sum, k.bytes);
    }
    put_whole_header(&k, bytes, sums, head_write, &h);
    return k.failed ? SKEP_IO : SKEP_OK;
}

skep_status skep_save(skep_world *world, skep_write_fn write, void *ctx)
{
    skep_snapshot *s = NULL;
    skep_status status = skep_snapshot_take(world, &s);
    if (status != SKEP_OK) return status;
    status = skep_save_snapshot(s, write, ctx);
    skep_snapshot_release(s);
    if (status == SKEP_LIMIT)
        return skep__world_fail(world, status, "save: a name is longer than 255 bytes");
    if (status == SKEP_IO) return skep__world_fail(world, status, "save: writing failed");
    return status;
}
