/* SPDX-License-Identifier: MIT */
/* Reading messages of view classes, which anybody may have written. The new state begins as the
 * base with all blocks shared; ids are changed first, then the ground is made of them, and COLUMNS
 * leads from there to the new codes. The caller's state is only touched when all of it was right.
 */
#include "core/replicate/class_ground.h"
#include "core/replicate/class_wire.h"

/* What is read into. */
typedef struct class_reading {
    skep__code_past past;
    skep__code_pool *pool;
    skep__wire_limits limits;
    skep__codes now;
    skep__class_spawn spawn;
    skep__class_ground ground;
    uint32_t ticks;
    bool whole;
    bool grounded;
    bool no_memory;
} class_reading;

static bool class_no_memory(class_reading *c, skep__wire_reader *r)
{
    c->no_memory = true;
    return skep__wire_fail(r, "class: there is no memory for it", r->at);
}

static bool class_get_components(skep__wire_reader *r, uint32_t replica_count, uint64_t *components)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    skep__wire_ids list;
    *components = 0;
    if (!skep__wire_get_ids(r, &limits, replica_count, &list)) return false;
    while (list.left) {
        uint32_t id = 0;
        if (!skep__wire_get_id(r, &list, &id)) return false;
        *components |= (uint64_t)1 << id;
    }
    return *components != 0 || skep__wire_fail(r, "class: it has no components", r->at);
}

bool skep__class_components(const skep__wire_message *m, uint32_t replica_count,
                            uint64_t *components, skep_error *error)
{
    skep__wire_message copy = *m;
    skep__wire_reader body;
    uint32_t id = 0;
    uint32_t slot_count = 0;
    SKEP_ASSERT(replica_count <= SKEP_REPLICA_MAX);
    if (!skep__wire_next(&copy, &id, &body) || id != SKEP__WIRE_SECTION_CLASS) {
        *error = (skep_error){SKEP_CORRUPT, "class: the first section is not CLASS", m->reader.at};
        return false;
    }
    const bool good = skep__wire_get_varint(&body, &slot_count) &&
                      class_get_components(&body, replica_count, components);
    if (!good) *error = body.error;
    return good;
}

static bool class_get_class(class_reading *c, skep__wire_reader *r)
{
    uint32_t slot_count = 0;
    uint64_t components = 0;
    const size_t start = r->at;
    if (!skep__wire_get_varint(r, &slot_count)) return false;
    if (slot_count > c->past.layout->slot_max)
        return skep__wire_fail(r, "class: more slots than fit into a message", start);
    if (c->whole) {
        if (!class_get_components(r, SKEP_REPLICA_MAX, &components)) return false;
        if (components != c->past.layout->components)
            return skep__wire_fail(r, "class: it has other components than before", start);
    }
    if (c->past.base && skep__codes_share(c->past.base, c->pool, &c->now) != SKEP_OK)
        return class_no_memory(c, r);
    c->now.slot_count = slot_count;
    return skep__wire_get_end(r);
}

static bool class_get_despawn(class_reading *c, skep__wire_reader *r)
{
    skep__wire_ids list;
    const uint32_t slot_end = c->past.base ? c->past.base->slot_count : 0u;
    if (!skep__wire_get_ids(r, &c->limits, slot_end, &list)) return false;
    while (list.left) {
        uint32_t slot = 0;
        const size_t start = r->at;
        if (!skep__wire_get_id(r, &list, &slot)) return false;
        if (!skep__codes_id(&c->now, slot))
            return skep__wire_fail(r, "class: it frees a slot that is free", start);
        uint64_t *ids = skep__codes_own_ids(&c->now, slot / SKEP__COLUMNS_BLOCK, c->pool);
        if (!ids) return class_no_memory(c, r);
        ids[slot % SKEP__COLUMNS_BLOCK] = 0;
    }
    return skep__wire_get_end(r);
}

/* Brings the number of blocks to what CLASS said, once DESPAWN was done. */
static bool class_resize(class_reading *c, skep__wire_reader *r)
{
    const uint32_t base_slots = c->past.base ? c->past.base->slot_count : 0u;
    for (uint32_t slot = c->now.slot_count; slot < base_slots; slot++)
        if (skep__codes_id(&c->now, slot))
            return skep__wire_fail(r, "class: a slot behind the last is taken", r->at);
    if (skep__codes_resize(&c->now, c->past.layout, c->now.slot_count, c->pool) != SKEP_OK)
        return class_no_memory(c, r);
    return true;
}

static bool class_get_entity(class_reading *c, skep__wire_reader *r, uint32_t slot,
                             uint32_t *before)
{
    uint64_t step = 0;
    uint32_t generation = 0;
    const size_t start = r->at;
    if (!skep__wire_get_varint64(r, &step) || !skep__wire_get_varint(r, &generation)) return false;
    const uint32_t index = (uint32_t)(*before + (step >> 1 ^ (0u - (step & 1u))));
    if (step >> 33 || generation == 0 || generation > SKEP_GENERATION_MAX)
        return skep__wire_fail(r, "class: a handle that no entity can have", start);
    const uint64_t id = skep_entity_make(index, generation).bits;
    if (skep__codes_id(&c->now, slot) == id)
        return skep__wire_fail(r, "class: somebody comes who was there", start);
    uint64_t *ids = skep__codes_own_ids(&c->now, slot / SKEP__COLUMNS_BLOCK, c->pool);
    if (!ids) return class_no_memory(c, r);
    ids[slot % SKEP__COLUMNS_BLOCK] = id;
    *before = index;
    return true;
}

static int32_t *class_spawn_block(void *ctx, uint32_t b)
{
    const class_reading *c = ctx;
    return skep__block_codes(c->spawn.blocks[b]);
}

static bool class_get_spawn(class_reading *c, skep__wire_reader *r)
{
    skep__wire_ids list;
    uint32_t before = 0;
    if (!skep__wire_get_ids(r, &c->limits, c->now.slot_count, &list)) return false;
    if (skep__class_spawn_init(&c->spawn, list.left, c->past.layout, c->pool) != SKEP_OK)
        return class_no_memory(c, r);
    while (list.left)
        if (!skep__wire_get_id(r, &list, &c->spawn.slots[c->spawn.count++])) return false;
    for (uint32_t j = 0; j < c->spawn.count; j++)
        if (!class_get_entity(c, r, c->spawn.slots[j], &before)) return false;
    const skep__columns columns = {.columns = c->past.layout->columns,
                                   .column_count = c->past.layout->column_count,
                                   .slot_count = c->spawn.count,
                                   .ticks = 1};
    return skep__columns_decode(&columns, NULL, NULL, r, class_spawn_block, c);
}

/* Replaces a block of codes by one of its own, which COLUMNS fills. */
static int32_t *class_make_block(void *ctx, uint32_t b)
{
    class_reading *c = ctx;
    skep__code_block *block = skep__block_make(c->pool, c->now.codes[b]->bytes);
    if (!block) {
        c->no_memory = true;
        return NULL;
    }
    skep__block_drop(c->pool, c->now.codes[b]);
    c->now.codes[b] = block;
    return skep__block_codes(block);
}

static bool class_get_columns(class_reading *c, skep__wire_reader *r)
{
    const uint32_t slot_count = c->now.slot_count;
    if (slot_count && !skep__codes_id(&c->now, slot_count - 1u))
        return skep__wire_fail(r, "class: the last slot is free", r->at);
    if (skep__class_ground_init(&c->ground, &c->past, &c->now, &c->spawn, c->pool) != SKEP_OK)
        return class_no_memory(c, r);
    c->grounded = true;
    for (uint32_t b = 0; b < c->now.block_count; b++) {
        skep__block_drop(c->pool, c->now.codes[b]);
        c->now.codes[b] = skep__block_hold(c->ground.base[b]);
    }
    const skep__columns columns = {.columns = c->past.layout->columns,
                                   .column_count = c->past.layout->column_count,
                                   .slot_count = slot_count,
                                   .ticks = c->ticks};
    return skep__columns_decode(&columns, c->ground.base_codes, c->ground.older_codes, r,
                                class_make_block, c);
}

/* Free slots have no codes: otherwise what a hostile server puts there would be in the hash only.
 */
static bool class_free_slots_are_zero(const class_reading *c)
{
    for (uint32_t b = 0; b < c->now.block_count; b++) {
        if (c->now.codes[b] == c->ground.base[b]) continue;
        const uint64_t *ids = skep__block_ids(c->now.ids[b]);
        const int32_t *codes = skep__block_codes(c->now.codes[b]);
        for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++) {
            if (ids[i]) continue;
            for (uint32_t k = 0; k < c->past.layout->column_count; k++)
                if (codes[(size_t)k * SKEP__COLUMNS_BLOCK + i]) return false;
        }
    }
    return true;
}

static bool class_get_hash(const class_reading *c, skep__wire_reader *r)
{
    uint64_t hash = 0;
    const size_t start = r->at;
    if (!skep__wire_get_u64(r, &hash)) return false;
    if (hash != skep__codes_hash(&c->now))
        return skep__wire_fail(r, "class: it is not as it should be by its hash", start);
    return skep__wire_get_end(r);
}

/* Sections come in the order of their ids, CLASS and COLUMNS always. */
static bool class_get_section(class_reading *c, uint32_t id, uint32_t before, skep__wire_reader *r)
{
    const bool first = before == 0;
    if (id <= before || first != (id == SKEP__WIRE_SECTION_CLASS))
        return skep__wire_fail(r, "class: a section is out of order", r->at);
    if (before <= SKEP__WIRE_SECTION_DESPAWN && id > SKEP__WIRE_SECTION_DESPAWN &&
        !class_resize(c, r))
        return false;
    switch (id) {
    case SKEP__WIRE_SECTION_CLASS:
        return class_get_class(c, r);
    case SKEP__WIRE_SECTION_DESPAWN:
        return class_get_despawn(c, r);
    case SKEP__WIRE_SECTION_SPAWN:
        return class_get_spawn(c, r);
    case SKEP__WIRE_SECTION_COLUMNS:
        if (!class_get_columns(c, r)) return false;
        return class_free_slots_are_zero(c) ||
               skep__wire_fail(r, "class: a free slot has codes", r->at);
    case SKEP__WIRE_SECTION_HASH:
        return c->grounded ? class_get_hash(c, r)
                           : skep__wire_fail(r, "class: COLUMNS is missing", r->at);
    default:
        return skep__wire_fail(r, "class: a section that no class has", r->at);
    }
}

static bool class_get_sections(class_reading *c, skep__wire_message *m, skep_error *error)
{
    skep__wire_reader body;
    uint32_t id = 0;
    uint32_t before = 0;
    while (skep__wire_next(m, &id, &body)) {
        if (!class_get_section(c, id, before, &body)) {
            *error = body.error;
            return false;
        }
        before = id;
    }
    if (!c->grounded)
        *error = (skep_error){SKEP_CORRUPT, "class: COLUMNS is missing", m->reader.at};
    return c->grounded;
}

skep_status skep__class_decode(const skep__code_past *past, skep__wire_message *m,
                               skep__code_pool *pool, skep__codes *now, skep_error *error)
{
    const bool by_older = (m->header.flags & SKEP__WIRE_OLDER) != 0;
    class_reading c = {.past = *past,
                       .pool = pool,
                       .limits = skep__wire_limits_default(),
                       .whole = m->header.type == SKEP__WIRE_SNAPSHOT,
                       .ticks = past->base ? m->header.tick - m->header.base : 1u};
    bool good = false;
    SKEP_ASSERT(c.whole == (past->base == NULL));
    if (!by_older) c.past.older = NULL;
    if (by_older && !past->older)
        *error = (skep_error){SKEP_CORRUPT, "class: it needs a state that is not kept", 4};
    else
        good = class_get_sections(&c, m, error);
    if (c.grounded) skep__class_ground_deinit(&c.ground, pool);
    skep__class_spawn_deinit(&c.spawn, pool);
    if (!good) {
        skep__codes_deinit(&c.now, pool);
        if (c.no_memory) error->code = SKEP_NO_MEMORY;
        return error->code;
    }
    c.now.tick = m->header.tick;
    *now = c.now;
    return SKEP_OK;
}
