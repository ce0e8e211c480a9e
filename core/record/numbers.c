/* SPDX-License-Identifier: MIT */
/* The four kinds of numbers that a world gives out, and the plan's systems, as records. */
#include "core/record/numbers.h"

enum { NUMBER_TYPES, NUMBER_CHANNELS, NUMBER_RESOURCES, NUMBER_PREFABS, NUMBER_KINDS };

static uint32_t number_count(const skep_world *w, uint32_t kind)
{
    const uint32_t counts[NUMBER_KINDS] = {w->store.type_count, w->channel_count, w->resource_count,
                                           w->prefab_count};
    return counts[kind];
}

static uint64_t number_identity(const skep_world *w, uint32_t kind, uint32_t number)
{
    switch (kind) {
    case NUMBER_TYPES:
        return w->store.types[number].identity;
    case NUMBER_CHANNELS:
        return w->channels[number].identity;
    case NUMBER_RESOURCES:
        return w->resources[number].identity;
    default:
        return w->prefabs[number].identity;
    }
}

uint64_t skep__numbers_sum(const skep_world *w)
{
    uint64_t h = NUMBER_KINDS;
    for (uint32_t kind = 0; kind < NUMBER_KINDS; kind++) {
        h = skep__hash_mix(h, number_count(w, kind));
        for (uint32_t i = 0; i < number_count(w, kind); i++)
            h = skep__hash_mix(h, number_identity(w, kind, i));
    }
    return h;
}

bool skep__numbers_put(const skep_world *w, skep__bytes *out)
{
    for (uint32_t kind = 0; kind < NUMBER_KINDS; kind++) {
        const uint32_t count = number_count(w, kind);
        if (!skep__bytes_u32(out, count) || !skep__bytes_u32(out, 0)) return false;
        for (uint32_t i = 0; i < count; i++)
            if (!skep__bytes_u64(out, number_identity(w, kind, i))) return false;
    }
    return true;
}

bool skep__numbers_same(const skep_world *w, const uint8_t *payload, size_t bytes)
{
    skep__rec_cursor c = {payload, bytes, false};
    for (uint32_t kind = 0; kind < NUMBER_KINDS; kind++) {
        const uint32_t count = skep__rec_u32(&c);
        (void)skep__rec_u32(&c);
        if (count > c.left / sizeof(uint64_t)) return false;
        for (uint32_t i = 0; i < count; i++) {
            const uint64_t identity = skep__rec_u64(&c);
            if (i < number_count(w, kind) && identity != number_identity(w, kind, i)) return false;
        }
    }
    return !c.bad && c.left == 0;
}

/* ---- systems --------------------------------------------------------------------------------- */

static size_t system_name_bytes(const char *name)
{
    size_t n = 0;
    while (name[n]) n++;
    return n;
}

uint64_t skep__systems_sum(const skep_plan *p)
{
    uint64_t h = p->system_count;
    for (uint32_t i = 0; i < p->system_count; i++)
        h = skep__hash_mix(skep__hash_mix(h, p->schedule[i]->key), p->schedule[i]->batch);
    return h;
}

bool skep__systems_put(const skep_plan *p, skep__bytes *out)
{
    bool whole = skep__bytes_u32(out, p->system_count) && skep__bytes_u32(out, 0);
    for (uint32_t i = 0; i < p->system_count && whole; i++) {
        const skep__system *s = p->schedule[i];
        const size_t n = system_name_bytes(s->name);
        whole = skep__bytes_u32(out, s->batch) && skep__bytes_u32(out, skep__u32(n)) &&
                skep__bytes_append(out, s->name, n);
    }
    return whole;
}

bool skep__systems_same(const skep_plan *p, const uint8_t *payload, size_t bytes)
{
    skep__rec_cursor c = {payload, bytes, false};
    const uint32_t count = skep__rec_u32(&c);
    (void)skep__rec_u32(&c);
    if (count != p->system_count) return false;
    for (uint32_t i = 0; i < count; i++) {
        const skep__system *s = p->schedule[i];
        const uint32_t batch = skep__rec_u32(&c);
        const uint32_t n = skep__rec_u32(&c);
        const uint8_t *name = skep__rec_take(&c, n);
        if (!name || batch != s->batch || n != system_name_bytes(s->name)) return false;
        if (memcmp(name, s->name, n) != 0) return false;
    }
    return !c.bad && c.left == 0;
}
