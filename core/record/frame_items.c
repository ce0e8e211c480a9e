/* SPDX-License-Identifier: MIT */
/* What a batch may have changed follows from the access sets of its systems (conflict.c). A right
 * to patches, a `run` without declared access and hooks move rows, so that all components count
 * then; hashes of blocks that nobody wrote are kept with them, so this costs a look at each. */
#include "core/record/frame_items.h"

#include "core/base/bits.h"
#include "core/data/data.h"
#include "core/plan/plan_internal.h"
#include "core/record/record_format.h"

static bool item_bit(const uint64_t *set, uint32_t words, uint32_t bit)
{
    return bit / 64u < words && (set[bit / 64u] >> bit % 64u & 1u);
}

static bool system_ran(const skep__system *s)
{
    return s->outcome != SKEP__OUT_IDLE && s->outcome != SKEP__OUT_DUE;
}

/* Whether a system may move rows: it has a right to change which components some entity has. */
static bool system_moves(const skep_plan *p, const skep__system *s)
{
    if (s->everything) return true;
    for (uint32_t bit = 0; bit <= p->set_types; bit++)
        if (item_bit(s->rights, s->set_words, bit)) return true;
    return false;
}

/* The item's bit in access sets; UINT32_MAX for what is younger than they are. */
static uint32_t item_set_bit(const skep_plan *p, uint32_t item)
{
    const uint32_t number = item & 0xffffffu;
    switch (item >> 24) {
    case SKEP__ITEM_TYPE:
        return number < p->set_types ? skep__set_type(number) : UINT32_MAX;
    case SKEP__ITEM_CHANNEL:
        return number < p->set_channels ? skep__set_channel(p, number) : UINT32_MAX;
    case SKEP__ITEM_RESOURCE:
        return number < p->set_resources ? skep__set_resource(p, number) : UINT32_MAX;
    default:
        return 0;
    }
}

/* Whether the system may have changed the item: by declared writes, or by patches. */
static bool system_changes(const skep_plan *p, const skep__system *s, uint32_t item, bool writes)
{
    const uint32_t bit = item_set_bit(p, item);
    if (s->everything) return true;
    if (writes) return item_bit(s->writes, s->set_words, bit);
    if (item >> 24 == SKEP__ITEM_ENTITIES) return system_moves(p, s);
    if (item_bit(s->rights, s->set_words, bit)) return true;
    return item >> 24 == SKEP__ITEM_TYPE && system_moves(p, s);
}

bool skep__item_known(const skep_plan *p, uint32_t item)
{
    const skep_world *w = p->world;
    const uint32_t counts[] = {1u, w->store.type_count, w->channel_count, w->resource_count};
    return item >> 24 < 4u && (item & 0xffffffu) < counts[item >> 24];
}

uint64_t skep__item_hash(const skep_plan *p, uint32_t item)
{
    const uint32_t number = item & 0xffffffu;
    switch (item >> 24) {
    case SKEP__ITEM_TYPE:
        return skep__hash_type(p->world, number);
    case SKEP__ITEM_CHANNEL:
        return skep__hash_channel(p->world, number);
    case SKEP__ITEM_RESOURCE:
        return skep__hash_resource(p->world, number);
    default:
        return skep__hash_entities(p->world);
    }
}

const char *skep__item_name(const skep_plan *p, uint32_t item)
{
    const skep_world *w = p->world;
    const uint32_t number = item & 0xffffffu;
    switch (item >> 24) {
    case SKEP__ITEM_TYPE:
        return w->store.types[number].info->name;
    case SKEP__ITEM_CHANNEL:
        return w->channels[number].info->name;
    case SKEP__ITEM_RESOURCE:
        return w->resources[number].info->name;
    default:
        return "which entities there are and what they have";
    }
}

bool skep__item_written(const skep_plan *p, uint32_t batch, uint32_t item)
{
    for (uint32_t i = p->batches[batch]; i < p->batches[batch + 1]; i++)
        if (system_ran(p->schedule[i]) && system_changes(p, p->schedule[i], item, true))
            return true;
    return false;
}

uint32_t skep__item_systems(const skep_plan *p, uint32_t batch, uint32_t item, bool writes,
                            char *out, size_t max)
{
    uint32_t count = 0;
    size_t used = 0;
    out[0] = 0;
    for (uint32_t i = p->batches[batch]; i < p->batches[batch + 1]; i++) {
        const skep__system *s = p->schedule[i];
        if (!system_ran(s) || !system_changes(p, s, item, writes)) continue;
        used += skep__format(out + used, max - used, "%s\"%s\"", count ? " or " : "", s->name);
        if (used >= max) used = max - 1;
        count++;
    }
    return count;
}

/* ---- all of a batch -------------------------------------------------------------------------- */

/* The list of a batch's items. */
typedef struct item_list {
    skep__bytes *out;
    uint32_t count; /* of items that were put */
} item_list;

static bool item_put(item_list *list, uint32_t item, uint64_t hash)
{
    skep__bytes *out = list->out;
    list->count++;
    return skep__bytes_u32(out, item) && skep__bytes_u32(out, 0) && skep__bytes_u64(out, hash);
}

static bool put_all_types(const skep_plan *p, skep__bytes *sums, item_list *list)
{
    const skep__store *s = &p->world->store;
    sums->used = 0;
    for (uint32_t i = 0; i < s->type_count; i++)
        if (!skep__bytes_u64(sums, 0)) return false;
    if (!item_put(list, 0, skep__hash_entities(p->world))) return false;
    uint64_t *sum = (uint64_t *)(void *)sums->data;
    if (s->type_count) skep__hash_types(p->world, sum);
    for (uint32_t i = 0; i < s->type_count; i++) {
        const uint32_t item = skep__item_make(SKEP__ITEM_TYPE, i);
        if (s->types[i].field_count && !item_put(list, item, sum[i])) return false;
    }
    return true;
}

/* Whether some system that ran may have changed the item. */
static bool batch_changes(const skep_plan *p, uint32_t batch, uint32_t item, bool any)
{
    for (uint32_t i = p->batches[batch]; i < p->batches[batch + 1]; i++) {
        const skep__system *s = p->schedule[i];
        if (!system_ran(s)) continue;
        if (any || system_changes(p, s, item, true) || system_changes(p, s, item, false))
            return true;
    }
    return false;
}

static bool put_some(const skep_plan *p, uint32_t batch, uint32_t kind, uint32_t number_end,
                     bool any, item_list *list)
{
    for (uint32_t i = 0; i < number_end; i++) {
        const uint32_t item = skep__item_make(kind, i);
        if (!batch_changes(p, batch, item, any)) continue;
        if (!item_put(list, item, skep__item_hash(p, item))) return false;
    }
    return true;
}

bool skep__items_put(skep_plan *p, uint32_t batch, skep__bytes *sums, skep__bytes *out)
{
    const skep_world *w = p->world;
    const size_t head = out->used;
    item_list list = {out, 0};
    bool moves = false, ran = false;
    for (uint32_t i = p->batches[batch]; i < p->batches[batch + 1]; i++) {
        const skep__system *s = p->schedule[i];
        if (!system_ran(s)) continue;
        ran = true;
        moves = moves || system_moves(p, s);
    }
    if (!ran) return true;
    const bool hooks = moves && w->hook_count;
    bool whole = skep__bytes_u32(out, batch) && skep__bytes_u32(out, 0);
    if (whole && moves) whole = put_all_types(p, sums, &list);
    if (whole && !moves)
        whole = put_some(p, batch, SKEP__ITEM_TYPE, w->store.type_count, false, &list);
    whole = whole && put_some(p, batch, SKEP__ITEM_CHANNEL, w->channel_count, hooks, &list) &&
            put_some(p, batch, SKEP__ITEM_RESOURCE, w->resource_count, hooks, &list);
    if (!whole) return false;
    memcpy(out->data + head + 4, &list.count, sizeof list.count);
    skep__epoch_raise(&p->world->store);
    return true;
}
