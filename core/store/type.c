/* SPDX-License-Identifier: MIT */
/* Component types of one world: registered once, found by address or identity, with a directory in
 * the region that says for each table where the component's columns begin. */
#include "core/store/patch.h"
#include "core/store/store.h"

static bool same_text(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static const uint8_t type_sizes[] = {0,
#define SKEP_TYPE_ROW(name, value, size, text) size,
                                     SKEP_TYPE_TABLE(SKEP_TYPE_ROW)
#undef SKEP_TYPE_ROW
};

/* A description is sound when every field has a known type, its size, and room in the value struct.
 */
static bool info_is_sound(const skep_component *info)
{
    if (!info || !info->name || !info->name[0]) return false;
    if (info->field_count > SKEP_FIELD_MAX || (info->field_count && !info->fields)) return false;
    for (uint32_t i = 0; i < info->field_count; i++) {
        const skep_field *f = &info->fields[i];
        if (!f->name || f->type == 0 || f->type >= sizeof type_sizes) return false;
        if (f->size != type_sizes[f->type] || f->count == 0) return false;
        const uint32_t bytes = (uint32_t)f->size * f->count;
        if (bytes > SKEP_FIELD_BYTES_MAX || f->offset + bytes > info->size) return false;
    }
    return true;
}

uint32_t skep__type_find(const skep__store *s, const skep_component *info)
{
    for (uint32_t i = 0; i < s->type_count; i++)
        if (s->types[i].info == info) return i;
    if (!info_is_sound(info)) return SKEP__NO_TYPE;
    const uint64_t identity = skep__component_identity(info);
    for (uint32_t i = 0; i < s->type_count; i++)
        if (s->types[i].identity == identity) return i;
    return SKEP__NO_TYPE;
}

skep_status skep__type_add(skep__store *s, const skep_component *info, uint32_t *number)
{
    if (!info_is_sound(info)) return SKEP_ARGUMENT;
    *number = skep__type_find(s, info);
    if (*number != SKEP__NO_TYPE) return SKEP_OK;
    for (uint32_t i = 0; i < s->type_count; i++)
        if (same_text(s->types[i].info->name, info->name)) return SKEP_SCHEMA;
    if (s->type_count == SKEP__TYPE_MAX) {
        s->limit = "component_max: a world knows at most 4,096 components";
        return SKEP_LIMIT;
    }
    if (!skep__array_grow(&s->allocator, (void **)&s->types, &s->type_cap, s->type_count + 1,
                          sizeof *s->types))
        return SKEP_NO_MEMORY;
    skep__type *t = &s->types[s->type_count];
    memset(t, 0, sizeof *t);
    t->dir_slot = skep__arena_take(&s->arena, s->table_cap * sizeof *t->dir);
    if (!t->dir_slot) return SKEP_NO_MEMORY;
    t->dir = skep__slot_data(&s->arena, t->dir_slot);
    memset(t->dir, 0, s->table_cap * sizeof *t->dir);
    t->info = info;
    t->identity = skep__component_identity(info);
    t->field_count = skep__u8(info->field_count);
    bool packed4 = true;
    for (uint32_t i = 0; i < info->field_count; i++) {
        t->column_bytes[i] = skep__u16((size_t)info->fields[i].size * info->fields[i].count);
        packed4 &= t->column_bytes[i] == 4 && info->fields[i].offset == i * 4u;
    }
    t->packed4 = packed4 ? skep__u8(info->field_count) : 0;
    *number = s->type_count++;
    return SKEP_OK;
}

void skep__type_note(skep__store *s, uint32_t number)
{
    s->types[number].noted = true;
    s->edge.key = 0; /* its quick way tells nobody */
    for (uint32_t i = 1; i < s->table_count; i++) {
        skep__layout *l = s->tables[i]->layout;
        if (skep__layout_find(l, number) >= 0) l->noted = true;
    }
}
