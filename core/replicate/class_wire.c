/* SPDX-License-Identifier: MIT */
/* Writing messages of view classes (class_wire.h). Who left and who came is found by the ids blocks
 * that base and state do not share. */
#include "core/replicate/class_wire.h"

#include "core/replicate/class_ground.h"

/* Who left and who came. */
typedef struct class_moves {
    uint32_t gone_count;
    uint32_t gone_cap;
    uint32_t *gone; /* increasing */
    uint32_t come_count;
    skep__class_spawn spawn; /* who came */
} class_moves;

static bool class_ids_differ(const skep__codes *base, const skep__codes *now, uint32_t b)
{
    const bool in_base = base && b < base->block_count;
    const bool in_now = b < now->block_count;
    return !in_base || !in_now || base->ids[b] != now->ids[b];
}

/* Counts who left and came; with `slots`, also lists who came. */
static bool class_moves_find(class_moves *moves, const skep__codes *base, const skep__codes *now,
                             uint32_t *slots, const skep_allocator *allocator)
{
    const uint32_t base_blocks = base ? base->block_count : 0u;
    const uint32_t blocks = skep__max_u32(base_blocks, now->block_count);
    moves->gone_count = 0;
    moves->come_count = 0;
    for (uint32_t b = 0; b < blocks; b++) {
        if (!class_ids_differ(base, now, b)) continue;
        if (!skep__array_grow(allocator, (void **)&moves->gone, &moves->gone_cap,
                              moves->gone_count + SKEP__COLUMNS_BLOCK, sizeof *moves->gone))
            return false;
        for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++) {
            const uint32_t slot = b * SKEP__COLUMNS_BLOCK + i;
            const uint64_t was = skep__codes_id(base, slot);
            const uint64_t is = skep__codes_id(now, slot);
            if (was && !is) moves->gone[moves->gone_count++] = slot;
            if (!is || is == was) continue;
            if (slots) slots[moves->come_count] = slot;
            moves->come_count++;
        }
    }
    return true;
}

static void class_gather(const skep__code_layout *layout, const skep__codes *now,
                         const skep__class_spawn *spawn)
{
    for (uint32_t j = 0; j < spawn->count; j++) {
        const uint32_t slot = spawn->slots[j];
        const int32_t *from =
            skep__block_codes(now->codes[slot / SKEP__COLUMNS_BLOCK]) + slot % SKEP__COLUMNS_BLOCK;
        int32_t *to =
            skep__block_codes(spawn->blocks[j / SKEP__COLUMNS_BLOCK]) + j % SKEP__COLUMNS_BLOCK;
        for (uint32_t k = 0; k < layout->column_count; k++)
            to[(size_t)k * SKEP__COLUMNS_BLOCK] = from[(size_t)k * SKEP__COLUMNS_BLOCK];
    }
}

static void class_put_spawn(const skep__code_layout *layout, const skep__codes *now,
                            const skep__class_spawn *spawn, const int32_t **blocks,
                            skep__wire_writer *w)
{
    uint32_t before = 0;
    const skep__columns c = {.columns = layout->columns,
                             .column_count = layout->column_count,
                             .slot_count = spawn->count,
                             .ticks = 1};
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_SPAWN);
    skep__wire_put_ids(w, spawn->slots, spawn->count);
    for (uint32_t j = 0; j < spawn->count; j++) {
        const uint64_t id = skep__codes_id(now, spawn->slots[j]);
        const uint32_t index = (uint32_t)id;
        const int64_t step = (int64_t)index - (int64_t)before;
        skep__wire_put_varint(w, (uint64_t)step << 1 ^ (step < 0 ? UINT64_MAX : 0u));
        skep__wire_put_varint(w, id >> 32);
        before = index;
    }
    for (uint32_t b = 0; b < spawn->block_count; b++)
        blocks[b] = skep__block_codes(spawn->blocks[b]);
    skep__columns_encode(&c, NULL, NULL, blocks, w);
    skep__wire_section_end(w);
}

static void class_put_class(const skep__code_layout *layout, const skep__codes *now, bool whole,
                            skep__wire_writer *w)
{
    uint32_t ids[SKEP_REPLICA_MAX];
    uint32_t count = 0;
    for (uint32_t r = 0; r < SKEP_REPLICA_MAX; r++)
        if (layout->components >> r & 1u) ids[count++] = r;
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_CLASS);
    skep__wire_put_varint(w, now->slot_count);
    if (whole) skep__wire_put_ids(w, ids, count);
    skep__wire_section_end(w);
}

/* Everything between the header and the end. */
static skep_status class_put(const skep__code_past *past, const skep__codes *now, uint32_t ticks,
                             const class_moves *moves, skep__code_pool *pool, skep__wire_writer *w)
{
    const skep__code_layout *layout = past->layout;
    const skep__class_spawn *spawn = &moves->spawn;
    skep__class_ground ground;
    const skep_status status = skep__class_ground_init(&ground, past, now, spawn, pool);
    if (status != SKEP_OK) return status;
    class_put_class(layout, now, past->base == NULL, w);
    if (moves->gone_count) {
        skep__wire_section_begin(w, SKEP__WIRE_SECTION_DESPAWN);
        skep__wire_put_ids(w, moves->gone, moves->gone_count);
        skep__wire_section_end(w);
    }
    /* There are at most as many blocks of who came as there are blocks. */
    if (spawn->count) class_put_spawn(layout, now, spawn, ground.now_codes, w);
    for (uint32_t b = 0; b < now->block_count; b++)
        ground.now_codes[b] = skep__block_codes(now->codes[b]);
    const skep__columns c = {.columns = layout->columns,
                             .column_count = layout->column_count,
                             .slot_count = now->slot_count,
                             .ticks = ticks};
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_COLUMNS);
    skep__columns_encode(&c, ground.base_codes, ground.older_codes, ground.now_codes, w);
    skep__wire_section_end(w);
    skep__class_ground_deinit(&ground, pool);
    return SKEP_OK;
}

skep_status skep__class_encode(const skep__class_message *message, const skep__code_past *past,
                               const skep__codes *now, skep__code_pool *pool, skep__wire_writer *w)
{
    const skep__codes *base = past->base;
    const uint32_t tick = message->tick, base_tick = message->base_tick;
    SKEP_ASSERT(base ? base_tick > 0 && base_tick < tick : !base_tick && !past->older);
    class_moves moves = {0};
    skep__class_spawn *spawn = &moves.spawn;
    const skep__wire_header header = {.type = base ? SKEP__WIRE_DELTA : SKEP__WIRE_SNAPSHOT,
                                      .flags = past->older ? SKEP__WIRE_OLDER : 0u,
                                      .tick = tick,
                                      .base = base_tick,
                                      .class = message->class_id};
    skep_status status = SKEP_NO_MEMORY;
    if (!class_moves_find(&moves, base, now, NULL, pool->allocator)) goto done;
    status = skep__class_spawn_init(spawn, moves.come_count, past->layout, pool);
    if (status != SKEP_OK) goto done;
    spawn->count = moves.come_count;
    (void)class_moves_find(&moves, base, now, spawn->slots, pool->allocator); /* has its room */
    class_gather(past->layout, now, spawn);
    skep__wire_message_begin(w, &header);
    status = class_put(past, now, base ? tick - base_tick : 1u, &moves, pool, w);
    if (status != SKEP_OK) goto done;
    if (message->hash) {
        skep__wire_section_begin(w, SKEP__WIRE_SECTION_HASH);
        skep__wire_put_u64(w, skep__codes_hash(now));
        skep__wire_section_end(w);
    }
    status = skep__wire_message_end(w);
done:
    skep__class_spawn_deinit(spawn, pool);
    skep__array_free(pool->allocator, (void **)&moves.gone, &moves.gone_cap, sizeof *moves.gone);
    return status;
}
