/* SPDX-License-Identifier: MIT */
/* Random changes to a world; see mix.h. */
#include "mix.h"

#include <string.h>

typedef struct mix_raw {
    uint8_t bytes[24];
} mix_raw;

SKEP_COMPONENT(MixPos, (f32, x), (f32, y));
SKEP_COMPONENT(MixArray, (f32, m, 9), (i16, k, 3));
SKEP_TAG(MixTag);
SKEP_COMPONENT(MixPadded, (bool, on), (f64, heat), (u8, level), (u32, serial));
SKEP_STRUCT(MixRaw, mix_raw, bytes);
SKEP_COMPONENT(MixLink, (entity, to));
SKEP_EVENT(MixHit, (f32, amount), (u8, kind), (entity, by));
SKEP_RESOURCE(MixRules, (f32, near), (u8, level), (f64, far));

const skep_component *const mix_components[MIX_COMPONENTS] = {
    &MixPos_info, &MixArray_info, &MixTag_info, &MixPadded_info, &MixRaw_info, &MixLink_info};

uint64_t mix_random(mix *m)
{
    uint64_t x = m->random += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static uint32_t below(mix *m, uint32_t n)
{
    return (uint32_t)(mix_random(m) % n);
}

/* Resources and events are known once they were set and sent. */
bool mix_register(skep_world *world, uint32_t turn)
{
    for (uint32_t i = 0; i < MIX_COMPONENTS; i++)
        if (skep_world_component(world, mix_components[(i + turn) % MIX_COMPONENTS]) != SKEP_OK)
            return false;
    const MixHit none = {0};
    return skep_world_resource_set(world, &MixRules_info, NULL, sizeof(MixRules)) == SKEP_OK &&
           skep_world_send(world, &MixHit_info, skep_entity_null(), &none) == SKEP_OK;
}

void mix_init(mix *m, skep_world *world, uint64_t seed)
{
    memset(m, 0, sizeof *m);
    m->world = world;
    m->random = seed;
    m->alive_most = 3000;
}

static float some_float(mix *m)
{
    if (below(m, 64) == 0) {
        const uint32_t nan = 0x7fc00000u | below(m, 1000);
        float x;
        memcpy(&x, &nan, 4);
        return x;
    }
    return (float)below(m, 2000) * 0.5f - 500.0f;
}

static skep_entity some_entity(mix *m)
{
    return m->alive_count ? m->alive[below(m, m->alive_count)] : skep_entity_null();
}

void mix_value(mix *m, uint32_t component, uint8_t padding, void *value)
{
    memset(value, padding, MIX_VALUE_BYTES);
    if (component == 0) {
        MixPos *p = value;
        p->x = some_float(m);
        p->y = some_float(m);
    } else if (component == 1) {
        MixArray *a = value;
        for (uint32_t i = 0; i < 9; i++) a->m[i] = some_float(m);
        for (uint32_t i = 0; i < 3; i++) a->k[i] = (int16_t)below(m, 3000);
    } else if (component == 3) {
        MixPadded *p = value;
        p->on = below(m, 2) == 1;
        p->heat = below(m, 32) ? (double)below(m, 100) : -0.0;
        p->level = (uint8_t)below(m, 256);
        p->serial = below(m, 100000);
    } else if (component == 4) {
        MixRaw *r = value;
        for (uint32_t i = 0; i < sizeof r->v.bytes; i++) r->v.bytes[i] = (uint8_t)below(m, 256);
    } else if (component == 5) {
        MixLink *l = value;
        l->to = some_entity(m);
    }
}

static bool burst(mix *m)
{
    float x[300];
    float y[300];
    const uint32_t n = 100 + below(m, 201);
    if (m->alive_count + n > MIX_ALIVE_MAX) return true;
    for (uint32_t i = 0; i < n; i++) {
        x[i] = some_float(m);
        y[i] = some_float(m);
    }
    MixPos_mut pos = {x, y};
    const skep_part parts[2] = {MixPos_columns(&pos), skep_part_make(&MixTag_info, NULL)};
    if (skep_entity_create_many(m->world, n, parts, 1u + below(m, 2), m->alive + m->alive_count) !=
        SKEP_OK)
        return false;
    m->alive_count += n;
    return true;
}

static bool destroy(mix *m)
{
    const uint32_t at = below(m, m->alive_count);
    const skep_entity e = m->alive[at];
    m->alive[at] = m->alive[--m->alive_count];
    return skep_entity_destroy(m->world, e) == SKEP_OK;
}

static bool say(mix *m)
{
    MixHit hit;
    memset(&hit, 0xcc, sizeof hit);
    hit.amount = some_float(m);
    hit.kind = (uint8_t)below(m, 256);
    hit.by = some_entity(m);
    return MixHit_post(m->world, below(m, 2) ? some_entity(m) : skep_entity_null(), hit) == SKEP_OK;
}

/* Sets the resource, now and then with bytes behind it. */
static bool rule(mix *m)
{
    union {
        MixRules rules;
        uint8_t bytes[sizeof(MixRules) + 16];
    } value;
    memset(&value, (int)below(m, 256), sizeof value);
    value.rules.near = some_float(m);
    value.rules.level = (uint8_t)below(m, 256);
    value.rules.far = (double)below(m, 1000);
    const size_t bytes = sizeof(MixRules) + (below(m, 2) ? 16u : 0u);
    return skep_world_resource_set(m->world, &MixRules_info, &value, bytes) == SKEP_OK;
}

static bool step(mix *m)
{
    union {
        uint64_t align;
        uint8_t bytes[MIX_VALUE_BYTES];
    } value;
    const uint32_t what = below(m, 100);
    if (what < 1) return burst(m);
    if (what < 4) return say(m);
    if (what < 5) return rule(m);
    if (what < 6) {
        skep_world_frame_end(m->world);
        return true;
    }
    const bool crowded = m->alive_count >= m->alive_most;
    if (what < 20 && !crowded) {
        const bool made = skep_entity_create(m->world, &m->alive[m->alive_count]) == SKEP_OK;
        m->alive_count += made ? 1u : 0u;
        return made;
    }
    if (!m->alive_count) return true;
    if (what < 30) return destroy(m);
    const skep_entity e = some_entity(m);
    const uint32_t component = below(m, MIX_COMPONENTS);
    if (what < 50) return skep_world_remove(m->world, e, mix_components[component]) == SKEP_OK;
    mix_value(m, component, (uint8_t)what, &value);
    return skep_world_add(m->world, e, mix_components[component], &value) == SKEP_OK;
}

bool mix_run(mix *m, uint32_t steps)
{
    for (uint32_t i = 0; i < steps; i++)
        if (!step(m)) return false;
    return true;
}
