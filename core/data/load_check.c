/* SPDX-License-Identifier: MIT */
/* Reading a save that anybody may have written. The checksums find accidents; since whoever forges
 * a file can make them right, everything that they protect is verified as well: sizes add up to the
 * byte, numbers are in range, every index is alive once, queued once or retired, bools are 0 or 1.
 * Only memory that the file's own size pays for is taken. */
#include "core/data/load_internal.h"

/* ---- reading -------------------------------------------------------------------------------- */

/* Keeps the first error. */
static bool load_fail(skep__load *l, skep_status code, const char *message, size_t offset)
{
    if (l->error.code == SKEP_OK) l->error = (skep_error){code, message, offset};
    return false;
}

static bool load_corrupt(skep__load *l, const char *message)
{
    return load_fail(l, SKEP_CORRUPT, message, l->at);
}

/* Steps over `n` bytes of the section; their offset goes to *offset. */
static bool load_take(skep__load *l, uint64_t n, size_t *offset)
{
    if (n > l->end - l->at) return load_corrupt(l, "save: a section ends too early");
    *offset = l->at;
    l->at += (size_t)n;
    return true;
}

static bool load_u8(skep__load *l, uint32_t *x)
{
    size_t at = 0;
    if (!load_take(l, 1, &at)) return false;
    *x = l->file[at];
    return true;
}

static bool load_u16(skep__load *l, uint32_t *x)
{
    size_t at = 0;
    if (!load_take(l, 2, &at)) return false;
    *x = (uint32_t)l->file[at] | (uint32_t)l->file[at + 1] << 8;
    return true;
}

static bool load_u32(skep__load *l, uint32_t *x)
{
    size_t at = 0;
    if (!load_take(l, 4, &at)) return false;
    *x = skep__load_u32_at(l, at);
    return true;
}

static bool load_u64(skep__load *l, uint64_t *x)
{
    size_t at = 0;
    if (!load_take(l, 8, &at)) return false;
    *x = skep__load_u64_at(l, at);
    return true;
}

/* Steps to the next multiple of 8; what is stepped over must be zero. */
static bool load_align(skep__load *l, size_t begin)
{
    while ((l->at - begin) % 8u) {
        if (l->at == l->end || l->file[l->at]) return load_corrupt(l, "save: padding is not zero");
        l->at++;
    }
    return true;
}

static bool load_name(skep__load *l, uint32_t bytes, skep__load_name *name)
{
    size_t at = 0;
    if (!load_take(l, bytes, &at)) return false;
    name->text = l->file + at;
    name->bytes = bytes;
    for (uint32_t i = 0; i < bytes; i++)
        if (!name->text[i]) return load_corrupt(l, "save: a name has a zero in it");
    return bytes > 0 || load_corrupt(l, "save: a name is empty");
}

static bool load_same_name(const skep__load_name *name, const char *text)
{
    for (uint32_t i = 0; i < name->bytes; i++)
        if ((uint8_t)text[i] != name->text[i]) return false; /* a shorter text ends in a zero */
    return text[name->bytes] == 0;
}

static bool load_same_names(const skep__load_name *a, const skep__load_name *b)
{
    return a->bytes == b->bytes && memcmp(a->text, b->text, a->bytes) == 0;
}

void skep__load_seek(skep__load *l, skep__save_section section)
{
    l->at = l->offset[section];
    l->end = l->at + l->bytes[section];
}

static bool load_section_end(skep__load *l)
{
    return l->at == l->end || load_corrupt(l, "save: a section is longer than its content");
}

/* ---- header --------------------------------------------------------------------------------- */

static uint64_t load_sum(const uint8_t *bytes, size_t n)
{
    uint64_t h = 0;
    for (size_t at = 0; at < n; at += SKEP__SAVE_PIECE_BYTES) {
        const size_t left = n - at;
        h = skep__save_sum_step(h, bytes + at,
                                left < SKEP__SAVE_PIECE_BYTES ? left : SKEP__SAVE_PIECE_BYTES);
    }
    return skep__save_sum_end(h, n);
}

static bool load_header_sum_fits(const skep__load *l)
{
    uint8_t head[SKEP__SAVE_CONTENT_OFFSET];
    memcpy(head, l->file, sizeof head);
    memset(head + 24, 0, 8);
    return load_sum(head, sizeof head) == skep__load_u64_at(l, 24);
}

/* Verifies one row of the section table. `content` is where the section must begin. */
static bool load_section(skep__load *l, uint32_t section, size_t content)
{
    static const char *const damaged[SKEP__SAVE_SECTION_COUNT] = {
        "save: the schema is damaged",     "save: the state is damaged",
        "save: the queue is damaged",      "save: the tables are damaged",
        "save: the resources are damaged", "save: the channels are damaged",
        "save: the records are damaged"};
    const size_t row = SKEP__SAVE_HEADER_BYTES + (size_t)section * SKEP__SAVE_SECTION_BYTES;
    const uint64_t bytes = skep__load_u64_at(l, row + 16);
    const bool sound = skep__load_u32_at(l, row) == section && skep__load_u32_at(l, row + 4) == 0 &&
                       skep__load_u64_at(l, row + 8) == content && bytes <= l->size - content &&
                       bytes % 8 == 0;
    if (!sound) return load_fail(l, SKEP_CORRUPT, "save: the section table is wrong", row);
    l->offset[section] = content;
    l->bytes[section] = (size_t)bytes;
    if (load_sum(l->file + content, (size_t)bytes) != skep__load_u64_at(l, row + 24))
        return load_fail(l, SKEP_CORRUPT, damaged[section], content);
    return true;
}

static bool load_state(skep__load *l);

bool skep__load_open(skep__load *l, skep_save_info *info)
{
    const size_t known = l->size < SKEP__SAVE_MAGIC_BYTES ? l->size : SKEP__SAVE_MAGIC_BYTES;
    if (known == 0 || memcmp(l->file, SKEP__SAVE_MAGIC, known) != 0)
        return load_fail(l, SKEP_FOREIGN, "save: this is no file of skep", 0);
    if (l->size < 12) return load_fail(l, SKEP_CORRUPT, "save: the file is cut off", l->size);
    const uint32_t version = skep__load_u32_at(l, 8);
    if (version > SKEP_SAVE_VERSION)
        return load_fail(l, SKEP_VERSION, "save: the file is of a newer version of skep", 8);
    if (l->size < SKEP__SAVE_CONTENT_OFFSET)
        return load_fail(l, SKEP_CORRUPT, "save: the file is cut off", l->size);
    if (!load_header_sum_fits(l))
        return load_fail(l, SKEP_CORRUPT, "save: the header is damaged", 24);
    if (version == 0 || skep__load_u32_at(l, 12) != SKEP__SAVE_SECTION_COUNT)
        return load_fail(l, SKEP_CORRUPT, "save: the header is wrong", 8);
    if (skep__load_u64_at(l, 16) != l->size)
        return load_fail(l, SKEP_CORRUPT, "save: the file has another length than it says", 16);
    size_t content = SKEP__SAVE_CONTENT_OFFSET;
    for (uint32_t i = 0; i < SKEP__SAVE_SECTION_COUNT; i++) {
        if (!load_section(l, i, content)) return false;
        content += l->bytes[i];
    }
    if (content != l->size)
        return load_fail(l, SKEP_CORRUPT, "save: there are bytes behind the end", content);
    if (!load_state(l)) return false;
    if (info) *info = (skep_save_info){version, l->entity_count, l->tick, l->time, l->seed};
    return true;
}

static bool load_state(skep__load *l)
{
    skep__load_seek(l, SKEP__SAVE_STATE);
    uint64_t time = 0;
    const bool read = load_u64(l, &l->seed) && load_u64(l, &l->tick) && load_u64(l, &time) &&
                      load_u64(l, &l->stamp) && load_u64(l, &l->event_seq) &&
                      load_u32(l, &l->entity_count) && load_u32(l, &l->index_count) &&
                      load_u32(l, &l->queue_count) && load_u32(l, &l->table_count);
    if (!read || !load_section_end(l)) return false;
    memcpy(&l->time, &time, sizeof time);
    if ((uint64_t)l->entity_count + l->queue_count > l->index_count)
        return load_corrupt(l, "save: more handles than indexes");
    if (l->table_count == 0 || l->table_count > SKEP__TABLE_MAX - 1u)
        return load_corrupt(l, "save: the number of tables is out of range");
    if (l->stamp == 0 || l->event_seq == 0)
        return load_corrupt(l, "save: a counter that starts at 1 is 0");
    return true;
}

/* ---- schema --------------------------------------------------------------------------------- */

static const uint8_t load_type_bytes[] = {0,
#define SKEP_TYPE_ROW(name, value, size, text) size,
                                          SKEP_TYPE_TABLE(SKEP_TYPE_ROW)
#undef SKEP_TYPE_ROW
};

static bool load_field(skep__load *l, skep__load_item *item, uint32_t number)
{
    skep__load_field *field = &item->fields[number];
    uint32_t name_bytes = 0;
    if (!load_u8(l, &field->type) || !load_u8(l, &name_bytes) || !load_u16(l, &field->count) ||
        !load_name(l, name_bytes, &field->name))
        return false;
    if (field->type == 0 || field->type >= sizeof load_type_bytes)
        return load_corrupt(l, "save: a field has an unknown type");
    field->bytes = load_type_bytes[field->type] * field->count;
    field->target = SKEP__LOAD_NONE;
    if (field->bytes == 0 || field->bytes > SKEP_FIELD_BYTES_MAX)
        return load_corrupt(l, "save: a field has a size out of range");
    for (uint32_t f = 0; f < number; f++)
        if (load_same_names(&item->fields[f].name, &field->name))
            return load_corrupt(l, "save: two fields have one name");
    item->bytes += field->bytes;
    return true;
}

/* Whether a kind may stand at this place of the schema. */
static bool load_kind_fits(const skep__load *l, const skep__load_item *item)
{
    const uint32_t number = skep__u32((size_t)(item - l->items));
    if (number < l->type_count) return item->kind == SKEP_KIND_COMPONENT && !item->removed;
    if (number < l->type_count + l->resource_count)
        return (item->kind == SKEP_KIND_RESOURCE || item->kind == SKEP_KIND_GRID) && !item->removed;
    if (item->removed) return item->kind == SKEP_KIND_COMPONENT && item->field_count == 0;
    return item->kind == SKEP_KIND_EVENT || item->kind == SKEP_KIND_INPUT;
}

static bool load_item(skep__load *l, skep__load_item *item)
{
    uint32_t flags = 0;
    uint32_t name_bytes = 0;
    item->offset = l->at;
    item->number = SKEP__LOAD_NONE;
    if (!load_u8(l, &item->kind) || !load_u8(l, &flags) || !load_u8(l, &name_bytes) ||
        !load_u8(l, &item->field_count) || !load_name(l, name_bytes, &item->name))
        return false;
    item->removed = flags == SKEP__SAVE_REMOVED;
    if (flags > SKEP__SAVE_REMOVED || item->field_count > SKEP_FIELD_MAX ||
        !load_kind_fits(l, item))
        return load_corrupt(l, "save: a description is wrong");
    for (uint32_t f = 0; f < item->field_count; f++)
        if (!load_field(l, item, f)) return false;
    return true;
}

/* Whether no two items of one list have the same name; channels also differ by kind. */
static bool load_names_differ(skep__load *l, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        for (uint32_t j = first; j < i; j++) {
            const skep__load_item *a = &l->items[i];
            const skep__load_item *b = &l->items[j];
            if (a->kind == b->kind && load_same_names(&a->name, &b->name))
                return load_fail(l, SKEP_CORRUPT, "save: two descriptions have one name",
                                 a->offset);
        }
    }
    return true;
}

static bool load_schema(skep__load *l)
{
    skep__load_seek(l, SKEP__SAVE_SCHEMA);
    const size_t begin = l->at;
    uint32_t zero = 0;
    if (!load_u32(l, &l->type_count) || !load_u32(l, &l->resource_count) ||
        !load_u32(l, &l->channel_count) || !load_u32(l, &zero))
        return false;
    const uint64_t count = (uint64_t)l->type_count + l->resource_count + l->channel_count;
    if (zero || l->type_count > SKEP__TYPE_MAX || count > 4u * SKEP__TYPE_MAX ||
        count * 5u > l->end - l->at) {
        l->type_count = l->resource_count = l->channel_count = 0;
        return load_corrupt(l, "save: the number of descriptions is out of range");
    }
    if (count) {
        l->items = skep__alloc(&l->world->store.allocator, (size_t)count * sizeof *l->items, 16);
        if (!l->items) return load_fail(l, SKEP_NO_MEMORY, "load: no memory", l->at);
    }
    for (uint32_t i = 0; i < (uint32_t)count; i++)
        if (!load_item(l, &l->items[i])) return false;
    return load_align(l, begin) && load_section_end(l) && load_names_differ(l, 0, l->type_count) &&
           load_names_differ(l, l->type_count, l->resource_count) &&
           load_names_differ(l, l->type_count + l->resource_count, l->channel_count);
}

/* ---- what it means in this world ------------------------------------------------------------ */

/* Finds the item's fields among those of the component here; a field of another type or count is
 * refused. */
static bool load_match_fields(skep__load *l, skep__load_item *item)
{
    const skep_component *info = item->info;
    uint32_t found = 0;
    for (uint32_t f = 0; f < item->field_count; f++) {
        skep__load_field *field = &item->fields[f];
        for (uint32_t i = 0; i < info->field_count; i++) {
            if (!load_same_name(&field->name, info->fields[i].name)) continue;
            if (info->fields[i].type != field->type || info->fields[i].count != field->count) {
                l->refused = item;
                l->refused_field = field;
                return load_fail(l, SKEP_SCHEMA, "load: a field has another type or count here",
                                 item->offset);
            }
            field->target = i;
            found++;
        }
        if (field->target == SKEP__LOAD_NONE) l->fields_dropped++;
    }
    if (!item->removed) l->fields_added += info->field_count - found;
    return true;
}

static void load_find_type(const skep__load *l, skep__load_item *item)
{
    const skep__store *s = &l->world->store;
    for (uint32_t i = 0; i < s->type_count; i++) {
        if (!load_same_name(&item->name, s->types[i].info->name)) continue;
        item->number = i;
        item->info = s->types[i].info;
    }
}

static void load_find_resource(const skep__load *l, skep__load_item *item)
{
    const skep_world *w = l->world;
    for (uint32_t i = 0; i < w->resource_count; i++) {
        const skep__resource *r = &w->resources[i];
        if (r->info->kind != item->kind || !load_same_name(&item->name, r->info->name)) continue;
        item->number = i;
        item->info = r->info;
    }
}

static void load_find_channel(const skep__load *l, skep__load_item *item)
{
    const skep_world *w = l->world;
    for (uint32_t i = 0; i < w->channel_count; i++) {
        const skep__channel *c = &w->channels[i];
        if (c->removed != item->removed || c->info->kind != item->kind) continue;
        if (!load_same_name(&item->name, c->info->name)) continue;
        item->number = i;
        item->info = c->info;
    }
}

static bool load_match(skep__load *l)
{
    for (uint32_t i = 0; i < skep__load_item_count(l); i++) {
        skep__load_item *item = &l->items[i];
        if (i < l->type_count)
            load_find_type(l, item);
        else if (i < l->type_count + l->resource_count)
            load_find_resource(l, item);
        else
            load_find_channel(l, item);
        if (item->info && !load_match_fields(l, item)) return false;
    }
    return true;
}

/* ---- values --------------------------------------------------------------------------------- */

/* Steps over the rows of one field; bools must be 0 or 1, since anything else is undefined in a
 * job. */
static bool load_values(skep__load *l, const skep__load_field *field, uint64_t rows)
{
    size_t at = 0;
    if (!load_take(l, rows * field->bytes, &at)) return false;
    if (field->type != SKEP_TYPE_bool) return true;
    for (; at < l->at; at++)
        if (l->file[at] > 1)
            return load_fail(l, SKEP_CORRUPT, "save: a bool is neither 0 nor 1", at);
    return true;
}

/* Marks an index as used; each may be only once. */
static bool load_handle(skep__load *l, size_t offset)
{
    const uint64_t bits = skep__load_u64_at(l, offset);
    const uint32_t index = (uint32_t)bits;
    const uint64_t generation = bits >> 32;
    if (index >= l->index_count || generation == 0 || generation > SKEP_GENERATION_MAX)
        return load_fail(l, SKEP_CORRUPT, "save: a handle is out of range", offset);
    const uint64_t bit = (uint64_t)1 << (index % 64u);
    if (l->seen[index / 64u] & bit)
        return load_fail(l, SKEP_CORRUPT, "save: an index is used twice", offset);
    l->seen[index / 64u] |= bit;
    return true;
}

static bool load_queue(skep__load *l)
{
    skep__load_seek(l, SKEP__SAVE_QUEUE);
    if (l->bytes[SKEP__SAVE_QUEUE] != (uint64_t)l->queue_count * 8u)
        return load_corrupt(l, "save: the queue has another length than its count");
    for (uint32_t i = 0; i < l->queue_count; i++)
        if (!load_handle(l, l->at + (size_t)i * 8u)) return false;
    return true;
}

/* ---- tables --------------------------------------------------------------------------------- */

uint32_t skep__load_table_type(const skep__load *l, const skep__load_table *t, uint32_t i,
                               bool *stamped)
{
    const uint8_t *p = l->file + t->types + (size_t)i * 2u;
    const uint32_t x = (uint32_t)p[0] | (uint32_t)p[1] << 8;
    *stamped = (x & SKEP__SAVE_STAMPED) != 0;
    return x & ~SKEP__SAVE_STAMPED;
}

/* Verifies the types of a table: known, ascending. Notes which have stamps. */
static bool load_table_types(skep__load *l, const skep__load_table *t)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < t->type_count; i++) {
        bool stamped = false;
        const uint32_t type = skep__load_table_type(l, t, i, &stamped);
        if (type >= l->type_count || (i > 0 && type <= last))
            return load_fail(l, SKEP_CORRUPT, "save: a table's components are wrong", t->types);
        if (stamped) l->items[type].stamped = true;
        last = type;
    }
    return true;
}

bool skep__load_table_next(skep__load *l, skep__load_table *t)
{
    if (l->at == l->end) return false;
    const size_t begin = l->at;
    if (!load_u32(l, &t->type_count) || !load_u32(l, &t->row_count)) return false;
    if (t->type_count >= SKEP__LAYOUT_TYPES_MAX || t->row_count > SKEP__RECORD_ROW_MASK)
        return load_corrupt(l, "save: a table is larger than tables can be");
    if (!load_take(l, (uint64_t)t->type_count * 2u, &t->types) || !load_align(l, begin) ||
        !load_table_types(l, t) || !load_take(l, (uint64_t)t->row_count * 8u, &t->ids))
        return false;
    t->columns = l->at;
    uint32_t stamps = 0;
    for (uint32_t i = 0; i < t->type_count; i++) {
        bool stamped = false;
        const skep__load_item *item = &l->items[skep__load_table_type(l, t, i, &stamped)];
        stamps += stamped ? 1u : 0u;
        for (uint32_t f = 0; f < item->field_count; f++)
            if (!load_values(l, &item->fields[f], t->row_count) || !load_align(l, begin))
                return false;
    }
    size_t at = 0;
    if (!load_take(l, (uint64_t)t->row_count * 8u * stamps, &at)) return false;
    for (; at < l->at; at += 8u)
        if (skep__load_u64_at(l, at) > l->stamp)
            return load_fail(l, SKEP_CORRUPT, "save: a stamp is of the future", at);
    return true;
}

static bool load_tables(skep__load *l)
{
    skep__load_seek(l, SKEP__SAVE_TABLES);
    uint64_t rows = 0;
    uint32_t tables = 0;
    skep__load_table t;
    while (skep__load_table_next(l, &t)) {
        if ((tables == 0) != (t.type_count == 0))
            return load_fail(l, SKEP_CORRUPT, "save: the first table alone has no components",
                             t.types);
        for (uint32_t i = 0; i < t.row_count; i++)
            if (!load_handle(l, t.ids + (size_t)i * 8u)) return false;
        rows += t.row_count;
        tables++;
    }
    if (l->error.code != SKEP_OK) return false;
    if (tables != l->table_count || rows != l->entity_count)
        return load_corrupt(l, "save: the tables are not as many as their count");
    return true;
}

/* ---- resources, channels, records ----------------------------------------------------------- */

static bool load_fields(skep__load *l, const skep__load_item *item)
{
    for (uint32_t f = 0; f < item->field_count; f++)
        if (!load_values(l, &item->fields[f], 1)) return false;
    return true;
}

static bool load_resources(skep__load *l)
{
    skep__load_seek(l, SKEP__SAVE_RESOURCES);
    const size_t begin = l->at;
    for (uint32_t i = 0; i < l->resource_count; i++) {
        uint32_t present = 0;
        uint32_t extra = 0;
        size_t at = 0;
        if (!load_u32(l, &present) || !load_u32(l, &extra)) return false;
        const bool derived = l->items[l->type_count + i].kind == SKEP_KIND_GRID;
        if (present > 1 || (!present && extra) || (derived && present))
            return load_corrupt(l, "save: a resource is neither there nor not");
        if (!present) continue;
        if (!load_fields(l, &l->items[l->type_count + i]) || !load_take(l, extra, &at) ||
            !load_align(l, begin))
            return false;
    }
    return load_section_end(l);
}

static bool load_entries(skep__load *l, const skep__load_item *item, uint32_t count)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t seq = 0;
        uint64_t to = 0;
        if (!load_u64(l, &seq) || !load_u64(l, &to) || !load_fields(l, item)) return false;
        if (seq <= last || seq >= l->event_seq)
            return load_corrupt(l, "save: an event's number is out of order");
        last = seq;
    }
    return true;
}

static bool load_channels(skep__load *l)
{
    skep__load_seek(l, SKEP__SAVE_CHANNELS);
    const size_t begin = l->at;
    if (!l->items) return load_section_end(l);
    const skep__load_item *items = l->items + l->type_count + l->resource_count;
    for (uint32_t i = 0; i < l->channel_count; i++) {
        uint32_t count = 0;
        uint32_t old_count = 0;
        if (!load_u32(l, &count) || !load_u32(l, &old_count)) return false;
        if (old_count > count) return load_corrupt(l, "save: a channel has more old than all");
        if (!load_entries(l, &items[i], count) || !load_align(l, begin)) return false;
    }
    return load_section_end(l);
}

static bool load_records(skep__load *l)
{
    skep__load_seek(l, SKEP__SAVE_RECORDS);
    uint32_t count = 0;
    uint32_t zero = 0;
    size_t at = 0;
    if (!load_u32(l, &count) || !load_u32(l, &zero)) return false;
    if (zero || !load_take(l, (uint64_t)count * sizeof(skep__record), &at) || !load_section_end(l))
        return load_corrupt(l, "save: the records have another length than their count");
    for (uint32_t i = 0; i < count; i++, at += sizeof(skep__record)) {
        const bool named = l->file[at] != 0 && l->file[at + SKEP__RECORD_NAME_BYTES - 1u] == 0;
        if (!named) return load_fail(l, SKEP_CORRUPT, "save: a record has no name", at);
    }
    l->record_count = count;
    return true;
}

/* ---- all of it ------------------------------------------------------------------------------ */

void skep__load_free(skep__load *l)
{
    const skep_allocator *a = &l->world->store.allocator;
    skep__free(a, l->items, (size_t)skep__load_item_count(l) * sizeof *l->items, 16);
    skep__free(a, l->seen, ((size_t)l->index_count / 64u + 1u) * 8u, 16);
    l->items = NULL;
    l->seen = NULL;
}

skep_status skep__load_check(skep__load *l)
{
    const skep__store *s = &l->world->store;
    if (!load_schema(l)) return l->error.code;
    if (l->index_count > s->entity_max) {
        load_fail(l, SKEP_LIMIT, "load: the save has more indexes than entity_max",
                  l->offset[SKEP__SAVE_STATE]);
        return l->error.code;
    }
    l->seen = skep__alloc(&s->allocator, ((size_t)l->index_count / 64u + 1u) * 8u, 16);
    if (!l->seen) {
        load_fail(l, SKEP_NO_MEMORY, "load: no memory", 0);
        return l->error.code;
    }
    const bool sound = load_queue(l) && load_tables(l) && load_resources(l) && load_channels(l) &&
                       load_records(l) && load_match(l);
    return sound ? SKEP_OK : l->error.code;
}

skep_status skep_save_check(const void *bytes, size_t size, skep_save_info *info, skep_error *error)
{
    skep__load l;
    memset(&l, 0, sizeof l);
    l.file = bytes;
    l.size = size;
    const bool sound = skep__load_open(&l, info);
    SKEP_ASSERT(sound == (l.error.code == SKEP_OK));
    if (error) *error = l.error;
    return sound ? SKEP_OK : l.error.code;
}
