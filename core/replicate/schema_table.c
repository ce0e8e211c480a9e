/* SPDX-License-Identifier: MIT */
/* A schema on the wire, and what is made of one that came. Reading takes two walks over the same
 * bytes: the first checks all of them and counts names and fields, so that one piece of memory can
 * be sized by what is there; the second fills it and cannot fail. The piece, from its start:
 *
 *     replicas | components | fields | quanta | names, each with a zero at its end
 *
 * Offsets inside of C structs do not go over the wire: here fields lie behind each other, each at a
 * multiple of its element's size. */
#include "core/base/format.h"
#include "core/replicate/message.h"

static const uint8_t schema_type_bytes[] = {0,
#define SKEP_TYPE_ROW(name, value, size, text) size,
                                            SKEP_TYPE_TABLE(SKEP_TYPE_ROW)
#undef SKEP_TYPE_ROW
};

static const char *const schema_type_names[] = {"",
#define SKEP_TYPE_ROW(name, value, size, text) text,
                                                SKEP_TYPE_TABLE(SKEP_TYPE_ROW)
#undef SKEP_TYPE_ROW
};

/* ---- writing --------------------------------------------------------------------------------- */

static void schema_put_name(skep__wire_writer *w, const char *name)
{
    size_t n = 0;
    while (name[n]) n++;
    SKEP_ASSERT(n >= 1 && n <= UINT8_MAX);
    skep__wire_put_varint(w, n);
    skep__wire_put_bytes(w, name, n);
}

static void schema_put_replica(skep__wire_writer *w, const skep_replica *replica)
{
    const skep_component *info = replica->info;
    skep__wire_put_u8(w, info->kind);
    schema_put_name(w, info->name);
    skep__wire_put_varint(w, info->field_count);
    for (uint32_t f = 0; f < info->field_count; f++) {
        const int32_t quantum = skep__replica_quantum(replica, f);
        schema_put_name(w, info->fields[f].name);
        skep__wire_put_u8(w, info->fields[f].type);
        skep__wire_put_varint(w, info->fields[f].count);
        skep__wire_put_u8(w, (uint8_t)quantum);
    }
}

void skep__message_put_schema(skep__wire_writer *w, const skep_replica *replicas, uint32_t count,
                              bool table)
{
    const skep__schema_hash hash = skep__schema_hash_of(replicas, count);
    SKEP_ASSERT(!table || (count >= 1 && count <= SKEP_REPLICA_MAX));
    skep__wire_put_u64(w, hash.low);
    skep__wire_put_u64(w, hash.high);
    skep__wire_put_u8(w, table);
    if (!table) return;
    skep__wire_put_varint(w, count);
    for (uint32_t i = 0; i < count; i++) schema_put_replica(w, &replicas[i]);
}

/* ---- reading: first walk --------------------------------------------------------------------- */

/* A name where it lies. */
typedef struct schema_name {
    const uint8_t *bytes;
    uint32_t length;
    uint32_t kind; /* of a component; 0 of a field */
} schema_name;

/* What the first walk found. */
typedef struct schema_sizes {
    uint32_t fields;
    uint32_t name_bytes; /* with their zeros */
} schema_sizes;

/* A field as it came. */
typedef struct schema_field {
    schema_name name;
    uint32_t type;
    uint32_t count;
    int8_t quantum;
} schema_field;

static bool schema_get_name(skep__wire_reader *r, schema_name *name)
{
    const size_t start = r->at;
    if (!skep__wire_get_varint(r, &name->length)) return false;
    if (!name->length || name->length > UINT8_MAX)
        return skep__wire_fail(r, "schema: a name has no letters or too many", start);
    if (!skep__wire_get_bytes(r, name->length, &name->bytes)) return false;
    for (uint32_t i = 0; i < name->length; i++)
        if (name->bytes[i] < 0x20u)
            return skep__wire_fail(r, "schema: a name has a control character", start);
    return true;
}

/* Whether the last of `count` names is among those before it. */
static bool schema_named_before(const schema_name *names, uint32_t count)
{
    const schema_name *last = &names[count - 1u];
    for (uint32_t i = 0; i + 1 < count; i++)
        if (names[i].kind == last->kind && names[i].length == last->length &&
            memcmp(names[i].bytes, last->bytes, last->length) == 0)
            return true;
    return false;
}

static bool schema_get_field(skep__wire_reader *r, schema_field *field)
{
    const size_t start = r->at;
    uint32_t quantum = 0;
    skep__quantum q;
    if (!schema_get_name(r, &field->name) || !skep__wire_get_u8(r, &field->type) ||
        !skep__wire_get_varint(r, &field->count) || !skep__wire_get_u8(r, &quantum))
        return false;
    field->name.kind = 0;
    field->quantum = (int8_t)(uint8_t)quantum;
    if (!skep__quantum_make(field->type, field->quantum, &q))
        return skep__wire_fail(r, "schema: a field of unknown type, or with a quantum it cannot be",
                               start);
    if (!field->count || field->count > SKEP_FIELD_BYTES_MAX / schema_type_bytes[field->type])
        return skep__wire_fail(r, "schema: a field has no elements or too many", start);
    return true;
}

/* Kind, name and field count. */
static bool schema_get_head(skep__wire_reader *r, schema_name *name, uint32_t *field_count)
{
    const size_t start = r->at;
    if (!skep__wire_get_u8(r, &name->kind) || !schema_get_name(r, name) ||
        !skep__wire_get_varint(r, field_count))
        return false;
    if (name->kind > SKEP_KIND_INPUT)
        return skep__wire_fail(r, "schema: a thing of a kind that is not published", start);
    return *field_count <= SKEP_FIELD_MAX ||
           skep__wire_fail(r, "schema: a component has too many fields", start);
}

static bool schema_check_replica(skep__wire_reader *r, schema_name *name, schema_sizes *sizes)
{
    schema_name names[SKEP_FIELD_MAX];
    uint32_t field_count = 0;
    if (!schema_get_head(r, name, &field_count)) return false;
    sizes->name_bytes += name->length + 1u;
    sizes->fields += field_count;
    for (uint32_t f = 0; f < field_count; f++) {
        const size_t start = r->at;
        schema_field field;
        if (!schema_get_field(r, &field)) return false;
        names[f] = field.name;
        sizes->name_bytes += field.name.length + 1u;
        if (schema_named_before(names, f + 1u))
            return skep__wire_fail(r, "schema: two fields have one name", start);
    }
    return true;
}

static bool schema_check(skep__wire_reader *r, uint32_t count, schema_sizes *sizes)
{
    schema_name names[SKEP_REPLICA_MAX];
    for (uint32_t i = 0; i < count; i++) {
        const size_t start = r->at;
        if (!schema_check_replica(r, &names[i], sizes)) return false;
        if (schema_named_before(names, i + 1u))
            return skep__wire_fail(r, "schema: two things of a kind have one name", start);
    }
    return skep__wire_get_end(r);
}

/* ---- reading: second walk -------------------------------------------------------------------- */

/* The parts of the one piece of memory, each where the next thing goes. */
typedef struct schema_room {
    skep_component *components;
    skep_field *fields;
    int8_t *quanta;
    char *names;
} schema_room;

static const char *schema_keep_name(schema_room *room, const schema_name *name)
{
    char *kept = room->names;
    memcpy(kept, name->bytes, name->length);
    kept[name->length] = 0;
    room->names += name->length + 1u;
    return kept;
}

/* The walk before saw these bytes, so nothing is asked again. */
static void schema_keep_replica(skep__wire_reader *r, schema_room *room, skep_replica *replica)
{
    skep_component *info = room->components++;
    schema_name name;
    uint32_t offset = 0;
    uint32_t align = 1;
    (void)schema_get_head(r, &name, &info->field_count);
    info->kind = name.kind;
    info->name = schema_keep_name(room, &name);
    info->fields = info->field_count ? room->fields : NULL;
    *replica = (skep_replica){info, info->field_count ? room->quanta : NULL};
    for (uint32_t f = 0; f < info->field_count; f++) {
        schema_field field;
        (void)schema_get_field(r, &field);
        const uint32_t size = schema_type_bytes[field.type];
        offset = skep__u32(skep__align(offset, size));
        align = skep__max_u32(align, size);
        *room->fields++ = (skep_field){.name = schema_keep_name(room, &field.name),
                                       .type = (uint8_t)field.type,
                                       .size = (uint8_t)size,
                                       .count = (uint16_t)field.count,
                                       .offset = offset};
        *room->quanta++ = field.quantum;
        offset += size * field.count;
    }
    info->size = skep__u32(skep__align(offset, align));
    info->align = align;
}

static bool schema_room_make(const skep_allocator *allocator, skep__schema_table *table,
                             const schema_sizes *sizes, schema_room *room)
{
    const size_t components = table->count * sizeof *table->replicas;
    const size_t fields = components + table->count * sizeof *room->components;
    const size_t quanta = fields + sizes->fields * sizeof *room->fields;
    table->memory_bytes = quanta + sizes->fields + sizes->name_bytes;
    table->memory = skep__alloc(allocator, table->memory_bytes, 16);
    if (!table->memory) return false;
    uint8_t *at = table->memory;
    table->replicas = table->memory;
    room->components = (skep_component *)(void *)(at + components);
    room->fields = (skep_field *)(void *)(at + fields);
    room->quanta = (int8_t *)(at + quanta);
    room->names = (char *)(at + quanta + sizes->fields);
    return true;
}

static skep_status schema_get_table(skep__wire_reader *r, const skep_allocator *allocator,
                                    skep__schema_table *table)
{
    const size_t start = r->at;
    schema_sizes sizes = {0};
    schema_room room;
    if (!skep__wire_get_varint(r, &table->count)) return r->error.code;
    if (!table->count || table->count > SKEP_REPLICA_MAX) {
        (void)skep__wire_fail(r, "schema: nothing is published, or too much", start);
        return r->error.code;
    }
    skep__wire_reader again = *r;
    if (!schema_check(r, table->count, &sizes)) return r->error.code;
    if (!schema_room_make(allocator, table, &sizes, &room)) return SKEP_NO_MEMORY;
    for (uint32_t i = 0; i < table->count; i++)
        schema_keep_replica(&again, &room, &table->replicas[i]);
    const skep__schema_hash hash = skep__schema_hash_of(table->replicas, table->count);
    if (hash.low == table->hash.low && hash.high == table->hash.high) return SKEP_OK;
    (void)skep__wire_fail(r, "schema: the table does not have the hash before it", start);
    return r->error.code;
}

skep_status skep__message_get_schema(skep__wire_reader *r, const skep_allocator *allocator,
                                     skep__schema_table *table)
{
    skep__schema_table made = {0};
    uint32_t flag = 0;
    *table = made;
    if (!skep__wire_get_u64(r, &made.hash.low) || !skep__wire_get_u64(r, &made.hash.high))
        return r->error.code;
    const size_t at = r->at;
    if (!skep__wire_get_u8(r, &flag)) return r->error.code;
    if (flag > 1) (void)skep__wire_fail(r, "schema: the flag is not 0 or 1", at);
    const skep_status status = flag == 1               ? schema_get_table(r, allocator, &made)
                               : skep__wire_get_end(r) ? SKEP_OK
                                                       : r->error.code;
    if (status == SKEP_OK)
        *table = made;
    else
        skep__schema_table_deinit(&made, allocator);
    return status;
}

void skep__schema_table_deinit(skep__schema_table *table, const skep_allocator *allocator)
{
    skep__free(allocator, table->memory, table->memory_bytes, 16);
    *table = (skep__schema_table){0};
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool schema_same_text(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static const char *schema_kind_name(uint32_t kind)
{
    switch (kind) {
    case SKEP_KIND_COMPONENT:
        return "component";
    case SKEP_KIND_EVENT:
        return "event";
    case SKEP_KIND_RESOURCE:
        return "resource";
    case SKEP_KIND_INPUT:
        return "input";
    default:
        return "thing";
    }
}

static const char *schema_type_name(const skep_field *field)
{
    return field->type < sizeof schema_type_bytes ? schema_type_names[field->type] : "unknown";
}

const char *skep__schema_mismatch(const skep_component *mine, const skep_component *theirs,
                                  char *text, size_t text_bytes)
{
    const uint32_t shared = skep__min_u32(mine->field_count, theirs->field_count);
    for (uint32_t f = 0; f < shared; f++) {
        const skep_field *a = &mine->fields[f];
        const skep_field *b = &theirs->fields[f];
        if (!schema_same_text(a->name, b->name)) {
            (void)skep__format(text, text_bytes, "%s.%s: the server has %s.%s in its place",
                               mine->name, a->name, theirs->name, b->name);
            return text;
        }
        if (a->type != b->type || a->count != b->count) {
            (void)skep__format(text, text_bytes, "%s.%s: %s[%u] here, %s[%u] at the server",
                               mine->name, a->name, schema_type_name(a), (unsigned)a->count,
                               schema_type_name(b), (unsigned)b->count);
            return text;
        }
    }
    if (mine->field_count != theirs->field_count) {
        const bool more = mine->field_count > shared;
        (void)skep__format(text, text_bytes, "%s.%s: only %s has this field", mine->name,
                           (more ? mine : theirs)->fields[shared].name,
                           more ? "this program" : "the server");
        return text;
    }
    if (mine->kind == theirs->kind) return NULL;
    (void)skep__format(text, text_bytes, "%s: %s here, %s at the server", mine->name,
                       schema_kind_name(mine->kind), schema_kind_name(theirs->kind));
    return text;
}
