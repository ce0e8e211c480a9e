/* SPDX-License-Identifier: MIT */
/* Loading a save that was verified: tables, resources, channels and records are made beside the
 * world, index pages are owned, and then all is swapped in at once. What can fail comes before the
 * swap, so a world is never half loaded. Registering stamps for a component is the one thing that a
 * failure may leave behind. */
#include "core/data/load_internal.h"

#include "core/store/index.h"

/* ---- tables --------------------------------------------------------------------------------- */

/* Tables that watch a component in the file watch it here too: `changed` goes on where it was. */
static skep_status load_watch(skep__load *l)
{
    for (uint32_t i = 0; i < l->type_count; i++) {
        const skep__load_item *item = &l->items[i];
        if (!item->stamped || item->number == SKEP__LOAD_NONE) continue;
        const skep_status status = skep__type_watch(&l->world->store, item->number);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

/* Writes the world's numbers of a file table's components, ascending; returns how many are known.
 */
static uint32_t load_set(const skep__load *l, const skep__load_table *t, uint16_t *types)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->type_count; i++) {
        bool stamped = false;
        const uint32_t number = l->items[skep__load_table_type(l, t, i, &stamped)].number;
        if (number == SKEP__LOAD_NONE) continue;
        uint32_t at = count++;
        for (; at > 0 && types[at - 1] > number; at--) types[at] = types[at - 1];
        types[at] = skep__u16(number);
    }
    return count;
}

/* Finds the new table of a set of components, or makes it: two tables of the file are one here when
 * they differed only by components that are unknown. */
static skep_status load_table_for(skep__load *l, const uint16_t *types, uint32_t count,
                                  skep__table **table)
{
    skep__store *s = &l->world->store;
    const uint32_t mask = l->made_map_cap - 1u;
    uint32_t at = (uint32_t)skep__hash_bytes(types, count * sizeof *types, count) & mask;
    for (; l->made_map[at]; at = (at + 1u) & mask) {
        *table = l->made[l->made_map[at] - 1u];
        const skep__layout *known = (*table)->layout;
        if (known->type_count == count &&
            (count == 0 || memcmp(known->types, types, count * sizeof *types) == 0))
            return SKEP_OK;
    }
    skep__layout *layout = NULL;
    skep_status status = skep__layout_make(s, types, count, &layout);
    if (status != SKEP_OK) return status;
    status = skep__table_make(s, layout, table);
    skep__layout_drop(s, layout);
    if (status != SKEP_OK) return status;
    l->made[l->made_count++] = *table;
    l->made_map[at] = l->made_count;
    return SKEP_OK;
}

/* Writes rows of one column behind those that are there, from the file or, without `from`, zeros.
 */
static void load_column(skep__table *t, uint32_t column, const uint8_t *from, uint32_t row_count)
{
    const size_t bytes = t->layout->columns[column].bytes;
    const uint32_t block_rows = 1u << t->shift;
    uint32_t row = t->row_count;
    const uint32_t end = row + row_count;
    while (row < end) {
        const uint32_t at = row & (block_rows - 1u);
        const uint32_t some = skep__min_u32(end - row, block_rows - at);
        uint8_t *to = skep__line_of(t, row >> t->shift)->cells[column].data + at * bytes;
        if (from) {
            memcpy(to, from, some * bytes);
            from += some * bytes;
        } else {
            memset(to, 0, some * bytes);
        }
        row += some;
    }
}

/* Bytes of a column in the file. */
static size_t load_column_bytes(const skep__load_table *from, const skep__load_field *field)
{
    return skep__align((size_t)from->row_count * field->bytes, 8);
}

/* Fills what the file has of one component's fields, and zeros for the others. */
static void load_component(skep__table *t, uint32_t position, const skep__load_item *item,
                           const skep__load_table *from, const uint8_t *columns)
{
    const uint32_t first = t->layout->first[position];
    bool filled[SKEP_FIELD_MAX] = {false};
    for (uint32_t f = 0; f < item->field_count; f++) {
        const skep__load_field *field = &item->fields[f];
        if (field->target != SKEP__LOAD_NONE) {
            load_column(t, first + field->target, columns, from->row_count);
            filled[field->target] = true;
        }
        columns += load_column_bytes(from, field);
    }
    for (uint32_t f = 0; f < item->info->field_count; f++)
        if (!filled[f]) load_column(t, first + f, NULL, from->row_count);
}

/* Appends a file table's rows to a new table that has room for them. */
static void load_rows(const skep__load *l, skep__table *t, const skep__load_table *from)
{
    const skep__layout *layout = t->layout;
    const uint8_t *columns = l->file + from->columns;
    load_column(t, 0, l->file + from->ids, from->row_count);
    for (uint32_t i = 0; i < layout->type_count; i++)
        if (layout->stamps[i] != SKEP__NO_COLUMN)
            load_column(t, layout->stamps[i], NULL, from->row_count);
    for (uint32_t i = 0; i < from->type_count; i++) {
        bool stamped = false;
        const skep__load_item *item = &l->items[skep__load_table_type(l, from, i, &stamped)];
        if (item->info) {
            const int32_t position = skep__layout_find(layout, item->number);
            SKEP_ASSERT(position >= 0);
            load_component(t, (uint32_t)position, item, from, columns);
        }
        for (uint32_t f = 0; f < item->field_count; f++)
            columns += load_column_bytes(from, &item->fields[f]);
    }
    for (uint32_t i = 0; i < from->type_count; i++) {
        bool stamped = false;
        const skep__load_item *item = &l->items[skep__load_table_type(l, from, i, &stamped)];
        if (!stamped) continue;
        if (item->info) {
            const int32_t position = skep__layout_find(layout, item->number);
            load_column(t, layout->stamps[position], columns, from->row_count);
        }
        columns += (size_t)from->row_count * 8u;
    }
    t->row_count += from->row_count;
}

static skep_status load_make_tables(skep__load *l)
{
    skep__store *s = &l->world->store;
    l->made_map_cap = 8;
    while (l->made_map_cap < l->table_count * 2u) l->made_map_cap *= 2u;
    l->made = skep__alloc(&s->allocator, l->table_count * sizeof(skep__table *), 16);
    l->made_map = skep__alloc(&s->allocator, l->made_map_cap * sizeof *l->made_map, 16);
    if (!l->made || !l->made_map) return SKEP_NO_MEMORY;
    skep_status status = skep__tables_room(s, l->table_count + 1u);
    skep__load_seek(l, SKEP__SAVE_TABLES);
    skep__load_table from;
    while (status == SKEP_OK && skep__load_table_next(l, &from)) {
        uint16_t types[SKEP__LAYOUT_TYPES_MAX];
        const uint32_t count = load_set(l, &from, types);
        skep__table *t = NULL;
        status = load_table_for(l, types, count, &t);
        if (status == SKEP_OK) status = skep__table_reserve(s, t, from.row_count);
        if (status == SKEP_OK) load_rows(l, t, &from);
    }
    return status;
}

/* ---- resources, channels, records ----------------------------------------------------------- */

/* Writes one value from the file's fields into its C struct, which holds zeros; returns what
 * follows. */
static size_t load_value(const skep__load *l, const skep__load_item *item, size_t at,
                         uint8_t *value)
{
    for (uint32_t f = 0; f < item->field_count; f++) {
        const skep__load_field *field = &item->fields[f];
        if (value && field->target != SKEP__LOAD_NONE)
            memcpy(value + item->info->fields[field->target].offset, l->file + at, field->bytes);
        at += field->bytes;
    }
    return at;
}

static skep_status load_make_resources(skep__load *l)
{
    skep__store *s = &l->world->store;
    const size_t begin = l->offset[SKEP__SAVE_RESOURCES];
    size_t at = begin;
    for (uint32_t i = 0; i < l->resource_count; i++) {
        const skep__load_item *item = &l->items[l->type_count + i];
        const bool present = skep__load_u32_at(l, at) != 0;
        const uint32_t extra = skep__load_u32_at(l, at + 4u);
        at += 8;
        if (!present) continue;
        uint8_t *value = NULL;
        /* A grid speaks of itself by offsets: none is taken from a file, and we write none. */
        if (item->info && item->info->kind != SKEP_KIND_GRID) {
            value = skep__blob_write(s, &l->blobs[i], (size_t)item->info->size + extra);
            if (!value) return SKEP_NO_MEMORY;
            memset(value, 0, item->info->size);
        }
        at = load_value(l, item, at, value);
        if (value && extra) memcpy(value + item->info->size, l->file + at, extra);
        at = begin + skep__align(at + extra - begin, 8);
    }
    return SKEP_OK;
}

static skep_status load_make_channels(skep__load *l)
{
    skep__store *s = &l->world->store;
    const size_t begin = l->offset[SKEP__SAVE_CHANNELS];
    size_t at = begin;
    for (uint32_t i = 0; i < l->channel_count; i++) {
        const uint32_t known = l->resource_count + i;
        const skep__load_item *item = &l->items[l->type_count + known];
        const uint32_t count = skep__load_u32_at(l, at);
        at += 8;
        uint8_t *entry = NULL;
        const size_t stride = item->info ? l->world->channels[item->number].stride : 0;
        if (item->info && count) {
            entry = skep__blob_write(s, &l->blobs[known], count * stride);
            if (!entry) return SKEP_NO_MEMORY;
            memset(entry, 0, count * stride);
        }
        for (uint32_t k = 0; k < count; k++) {
            if (entry) memcpy(entry, l->file + at, sizeof(skep__entry));
            at = load_value(l, item, at + sizeof(skep__entry),
                            entry ? entry + sizeof(skep__entry) : NULL);
            if (entry) entry += stride;
        }
        at = begin + skep__align(at - begin, 8);
    }
    return SKEP_OK;
}

/* Records keep their places, since the plan knows them by number; those of systems that are not
 * here yet come behind. */
static skep_status load_make_records(skep__load *l)
{
    skep_world *w = l->world;
    const uint32_t from_count = l->record_count;
    const size_t most = ((size_t)w->record_count + from_count) * sizeof(skep__record);
    l->record_count = w->record_count;
    if (most == 0) return SKEP_OK;
    uint8_t *to = skep__blob_write(&w->store, &l->records, most);
    if (!to) return SKEP_NO_MEMORY;
    const size_t old = (size_t)w->record_count * sizeof(skep__record);
    if (old) memcpy(to, skep__blob_read(&w->store, &w->records), old);
    const uint8_t *from = l->file + l->offset[SKEP__SAVE_RECORDS] + 8u;
    for (uint32_t i = 0; i < from_count; i++, from += sizeof(skep__record)) {
        uint32_t k = 0;
        while (k < l->record_count &&
               memcmp(to + k * sizeof(skep__record), from, SKEP__RECORD_NAME_BYTES) != 0)
            k++;
        if (k == l->record_count) l->record_count++;
        memcpy(to + k * sizeof(skep__record), from, sizeof(skep__record));
    }
    l->records.bytes = skep__u32(l->record_count * sizeof(skep__record));
    return SKEP_OK;
}

/* ---- the swap ------------------------------------------------------------------------------- */

static skep_status load_prepare(skep__load *l)
{
    skep__store *s = &l->world->store;
    const uint32_t blobs = l->resource_count + l->channel_count;
    if (blobs) l->blobs = skep__alloc(&s->allocator, blobs * sizeof *l->blobs, 16);
    if (blobs && !l->blobs) return SKEP_NO_MEMORY;
    if (!skep__children_expect(l->world)) return SKEP_NO_MEMORY;
    skep_status status = load_watch(l);
    if (status == SKEP_OK) status = load_make_tables(l);
    if (status == SKEP_OK) status = load_make_resources(l);
    if (status == SKEP_OK) status = load_make_channels(l);
    if (status == SKEP_OK) status = load_make_records(l);
    for (uint32_t p = 0; p < skep__index_pages(l->index_count) && status == SKEP_OK; p++)
        status = skep__own_index(s, p << SKEP__INDEX_PAGE_SHIFT);
    return status;
}

/* Frees what was made beside the world and is not in it by now. */
static void load_discard(skep__load *l)
{
    skep__store *s = &l->world->store;
    const uint32_t blobs = l->resource_count + l->channel_count;
    for (uint32_t i = l->made_count; i > 0; i--) skep__table_unmake(s, l->made[i - 1]);
    for (uint32_t i = 0; l->blobs && i < blobs; i++) skep__blob_drop(s, &l->blobs[i]);
    skep__blob_drop(s, &l->records);
    skep__free(&s->allocator, l->blobs, blobs * sizeof *l->blobs, 16);
    skep__free(&s->allocator, l->made, l->table_count * sizeof(skep__table *), 16);
    skep__free(&s->allocator, l->made_map, l->made_map_cap * sizeof *l->made_map, 16);
}

static void load_index_table(skep__store *s, const skep__table *t)
{
    for (uint32_t row = 0; row < t->row_count; row++) {
        const uint32_t block = row >> t->shift;
        uint64_t bits = 0;
        memcpy(&bits,
               skep__line_of(t, block)->cells[0].data + (size_t)(row - (block << t->shift)) * 8u,
               8);
        s->index[(uint32_t)bits] = skep__record_make((uint32_t)(bits >> 32), t->id, row);
    }
}

/* Points the index at the new rows and queues the free ones; what is neither is retired, record 0.
 */
static void load_index(skep__load *l)
{
    skep__store *s = &l->world->store;
    const uint32_t pages = skep__index_pages(l->index_count);
    if (pages) memset(s->index, 0, ((size_t)pages << SKEP__INDEX_PAGE_SHIFT) * sizeof *s->index);
    for (uint32_t i = 1; i < s->table_count; i++) load_index_table(s, s->tables[i]);
    memset(&s->queue, 0, sizeof s->queue);
    s->queue.index_count = l->index_count;
    s->queue_stale = false;
    s->entity_count = l->entity_count;
    for (uint32_t i = 0; i < l->queue_count; i++) {
        const uint64_t bits = skep__load_u64_at(l, l->offset[SKEP__SAVE_QUEUE] + (size_t)i * 8u);
        /* Freeing raises the generation: begin one below the one that the handle will have. */
        s->index[(uint32_t)bits] = skep__record_make((uint32_t)(bits >> 32) - 1u, 0, 0);
        skep__id_free(s, (uint32_t)bits);
    }
}

static void load_swap_blob(skep__store *s, skep__blob *to, skep__blob *from)
{
    skep__blob_drop(s, to);
    *to = *from;
    memset(from, 0, sizeof *from);
}

static void load_swap_blobs(skep__load *l)
{
    skep_world *w = l->world;
    skep__store *s = &w->store;
    for (uint32_t i = 0; i < w->channel_count; i++) {
        skep__blob_drop(s, &w->channels[i].entries);
        w->channels[i].count = 0;
        w->channels[i].old_count = 0;
    }
    for (uint32_t i = 0; i < l->resource_count; i++) {
        const skep__load_item *item = &l->items[l->type_count + i];
        if (item->info) load_swap_blob(s, &w->resources[item->number].value, &l->blobs[i]);
    }
    size_t at = l->offset[SKEP__SAVE_CHANNELS];
    for (uint32_t i = 0; i < l->channel_count; i++) {
        const skep__load_item *item = &l->items[l->type_count + l->resource_count + i];
        const uint32_t count = skep__load_u32_at(l, at);
        const uint32_t old_count = skep__load_u32_at(l, at + 4u);
        at += 8u + skep__align((size_t)count * (sizeof(skep__entry) + item->bytes), 8);
        if (!item->info) continue;
        skep__channel *c = &w->channels[item->number];
        load_swap_blob(s, &c->entries, &l->blobs[l->resource_count + i]);
        c->count = count;
        c->old_count = old_count;
    }
    load_swap_blob(s, &w->records, &l->records);
    w->record_count = l->record_count;
}

static void load_commit(skep__load *l)
{
    skep_world *w = l->world;
    skep__store *s = &w->store;
    while (s->table_count > 1) skep__table_pop(s);
    for (uint32_t i = 0; i < l->made_count; i++) skep__table_attach(s, l->made[i]);
    l->made_count = 0;
    load_index(l);
    load_swap_blobs(l);
    w->seed = l->seed;
    w->tick = l->tick;
    w->time = l->time;
    w->stamp = l->stamp;
    w->event_seq = l->event_seq;
    skep__children_forget(w);
    skep__epoch_raise(s);
}

/* ---- reporting ------------------------------------------------------------------------------ */

/* Copies a name into a report, cut where it is too long. */
static void load_report_name(char *to, const skep__load_name *name)
{
    const uint32_t n = skep__min_u32(name->bytes, SKEP_LOAD_NAME_BYTES - 1u);
    memcpy(to, name->text, n);
    to[n] = 0;
}

/* Says what was left out. */
static void load_log(const skep__load *l)
{
    const skep_log *log = &l->world->log;
    for (uint32_t i = 0; i < skep__load_item_count(l); i++) {
        const skep__load_item *item = &l->items[i];
        char name[SKEP_LOAD_NAME_BYTES];
        char field[SKEP_LOAD_NAME_BYTES];
        load_report_name(name, &item->name);
        if (!item->info)
            skep__logf(log, SKEP_LOG_WARN,
                       "load: \"%s\" is unknown here; what the save has of it "
                       "was dropped",
                       name);
        for (uint32_t f = 0; item->info && f < item->field_count; f++) {
            if (item->fields[f].target != SKEP__LOAD_NONE) continue;
            load_report_name(field, &item->fields[f].name);
            skep__logf(log, SKEP_LOG_WARN,
                       "load: \"%s\" has no field \"%s\" here; its values were "
                       "dropped",
                       name, field);
        }
    }
}

static void load_report(const skep__load *l, skep_load_report *report)
{
    report->error = l->error;
    report->fields_dropped = l->fields_dropped;
    report->fields_added = l->fields_added;
    if (l->error.code == SKEP_OK) report->entity_count = l->entity_count;
    for (uint32_t i = 0; l->items && i < skep__load_item_count(l); i++)
        if (l->items[i].name.bytes && !l->items[i].info) report->components_dropped++;
    if (l->refused) load_report_name(report->component, &l->refused->name);
    if (l->refused_field) load_report_name(report->field, &l->refused_field->name);
}

static const char *load_no_room(const skep__store *s, skep_status status)
{
    if (status == SKEP_LIMIT && s->limit) return s->limit;
    return "load: the region or the allocator has no room for the save";
}

/* Keeps the reason as the world's error text. */
static skep_status load_refuse(const skep__load *l, const skep_load_report *report)
{
    skep_world *w = l->world;
    if (l->error.code == SKEP_SCHEMA)
        return skep__world_fail(w, SKEP_SCHEMA,
                                "load: %s.%s has another type or count here than in the save",
                                report->component, report->field);
    return skep__world_fail(w, l->error.code, "%s (byte %zu)", l->error.message, l->error.offset);
}

skep_status skep_load(skep_world *world, const void *bytes, size_t size, skep_load_report *report)
{
    skep_world *w = world;
    skep_load_report own;
    if (!report) report = &own;
    memset(report, 0, sizeof *report);
    if (w->mode != SKEP__WRITE_NOW || w->firing || w->running)
        return skep__world_fail(w, SKEP_BUSY, "load: a frame is running");
    const skep_status settled = skep__data_settle(w);
    if (settled != SKEP_OK) return settled;
    if (w->store.entity_count)
        return skep__world_fail(w, SKEP_ARGUMENT, "load: the world has living entities");
    skep__load l;
    memset(&l, 0, sizeof l);
    l.world = w;
    l.file = bytes;
    l.size = size;
    skep_status status = skep__load_open(&l, NULL) ? skep__load_check(&l) : l.error.code;
    if (status == SKEP_OK) {
        status = load_prepare(&l);
        if (status == SKEP_OK) load_commit(&l);
        if (status != SKEP_OK) l.error = (skep_error){status, load_no_room(&w->store, status), 0};
        load_discard(&l);
    }
    load_report(&l, report);
    if (status == SKEP_OK)
        load_log(&l);
    else
        status = load_refuse(&l, report);
    skep__load_free(&l);
    return status;
}
