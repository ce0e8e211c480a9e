/* SPDX-License-Identifier: MIT */
/* Layouts: what follows from a set of components. Columns are the ids, then each type's fields in
 * the order of the types' numbers, then the stamps of watched types, so that watching one changes
 * no other column. */
#include "core/store/layout.h"

#include "core/base/hash.h"

static uint32_t layout_shift(const skep__column *columns, uint32_t count)
{
    uint32_t widest = 8;
    for (uint32_t i = 0; i < count; i++) widest = skep__max_u32(widest, columns[i].bytes);
    uint32_t shift = 10;
    while (shift > 5 && ((size_t)widest << shift) > SKEP__BLOCK_BYTES_MAX) shift--;
    return shift;
}

/* Orders the positions of the types by identity: the order that hash and save use in every world.
 */
static void order_fill(const skep__store *s, skep__layout *l)
{
    for (uint32_t i = 0; i < l->type_count; i++) {
        uint32_t at = i;
        const uint64_t identity = s->types[l->types[i]].identity;
        for (; at > 0 && s->types[l->types[l->order[at - 1]]].identity > identity; at--)
            l->order[at] = l->order[at - 1];
        l->order[at] = skep__u16(i);
    }
    l->identity = l->type_count + 1u;
    for (uint32_t i = 0; i < l->type_count; i++)
        l->identity = skep__hash_mix(l->identity, s->types[l->types[l->order[i]]].identity);
}

static void columns_fill(const skep__store *s, skep__layout *l)
{
    uint32_t at = 0;
    l->columns[at++] = (skep__column){8, SKEP__NO_TYPE, 0, 0, 0};
    for (uint32_t i = 0; i < l->type_count; i++) {
        const skep__type *t = &s->types[l->types[i]];
        l->first[i] = t->info->field_count ? skep__u16(at) : SKEP__NO_COLUMN;
        l->stamps[i] = SKEP__NO_COLUMN;
        l->noted |= t->noted;
        for (uint32_t f = 0; f < t->info->field_count; f++)
            l->columns[at++] = (skep__column){t->column_bytes[f], l->types[i], skep__u8(f), 1, 0};
    }
    for (uint32_t i = 0; i < l->type_count; i++) {
        if (!s->types[l->types[i]].watched) continue;
        l->stamped = true;
        l->stamps[i] = skep__u16(at);
        l->columns[at++] = (skep__column){8, l->types[i], 0xff, 2, 0};
    }
    SKEP_ASSERT(at == l->column_count);
    l->only4 = true;
    for (uint32_t c = 1; c < at; c++) l->only4 &= l->columns[c].bytes == 4;
}

skep_status skep__layout_make(skep__store *s, const uint16_t *types, uint32_t type_count,
                              skep__layout **layout)
{
    uint32_t columns = 1;
    for (uint32_t i = 0; i < type_count; i++) {
        SKEP_ASSERT(i == 0 || types[i - 1] < types[i]);
        const skep__type *t = &s->types[types[i]];
        columns += t->info->field_count + (t->watched ? 1u : 0u);
    }
    if (columns > SKEP__LAYOUT_COLUMNS_MAX) {
        s->limit = "the components of one entity have more than 1,024 fields";
        return SKEP_LIMIT;
    }
    const size_t bytes =
        sizeof(skep__layout) + columns * sizeof(skep__column) + 4u * type_count * sizeof(uint16_t);
    skep__layout *l = skep__alloc(&s->allocator, bytes, 16);
    if (!l) return SKEP_NO_MEMORY;
    l->refs = 1;
    l->bytes = skep__u32(bytes);
    l->type_count = type_count;
    l->column_count = columns;
    l->columns = (skep__column *)(void *)(l + 1);
    l->types = (uint16_t *)(void *)(l->columns + columns);
    l->first = l->types + type_count;
    l->stamps = l->first + type_count;
    l->order = l->stamps + type_count;
    if (type_count) memcpy(l->types, types, type_count * sizeof *types);
    columns_fill(s, l);
    order_fill(s, l);
    l->shift = layout_shift(l->columns, columns);
    *layout = l;
    return SKEP_OK;
}

void skep__layout_drop(skep__store *s, skep__layout *l)
{
    SKEP_ASSERT(l->refs > 0);
    if (--l->refs == 0) skep__free(&s->allocator, l, l->bytes, 16);
}

skep_status skep__layout_change(skep__store *s, const skep__layout *from, uint32_t type, bool add,
                                uint16_t *types, uint32_t *count)
{
    if (add && from->type_count + 1 >= SKEP__LAYOUT_TYPES_MAX) {
        s->limit = "an entity has at most 255 components";
        return SKEP_LIMIT;
    }
    uint32_t n = 0;
    bool placed = !add;
    for (uint32_t i = 0; i < from->type_count; i++) {
        const uint16_t here = from->types[i];
        if (!placed && type < here) types[n++] = skep__u16(type);
        placed |= type <= here;
        if (add || here != type) types[n++] = here;
    }
    if (!placed) types[n++] = skep__u16(type);
    *count = n;
    return SKEP_OK;
}
