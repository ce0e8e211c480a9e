/* SPDX-License-Identifier: MIT */
/* Most blocks of most ticks have the same ids as in the base: they are shared as they are. Only
 * where somebody came or left is a block copied and put right, slot by slot. */
#include "core/replicate/class_ground.h"

#define GROUND_ALIGN 16u
#define GROUND_ARRAYS 5u

skep_status skep__class_spawn_init(skep__class_spawn *spawn, uint32_t count,
                                   const skep__code_layout *layout, skep__code_pool *pool)
{
    const uint32_t bytes = layout->column_count * SKEP__COLUMNS_BLOCK * skep__u32(sizeof(int32_t));
    const uint32_t block_count = (count + SKEP__COLUMNS_BLOCK - 1u) / SKEP__COLUMNS_BLOCK;
    *spawn = (skep__class_spawn){0};
    if (!skep__array_grow(pool->allocator, (void **)&spawn->slots, &spawn->slot_cap, count,
                          sizeof *spawn->slots) ||
        !skep__array_grow(pool->allocator, (void **)&spawn->blocks, &spawn->block_cap, block_count,
                          sizeof *spawn->blocks)) {
        skep__class_spawn_deinit(spawn, pool);
        return SKEP_NO_MEMORY;
    }
    while (spawn->block_count < block_count) {
        skep__code_block *block = skep__block_make(pool, bytes);
        if (!block) {
            skep__class_spawn_deinit(spawn, pool);
            return SKEP_NO_MEMORY;
        }
        spawn->blocks[spawn->block_count++] = block;
    }
    return SKEP_OK;
}

void skep__class_spawn_deinit(skep__class_spawn *spawn, skep__code_pool *pool)
{
    for (uint32_t b = 0; b < spawn->block_count; b++) skep__block_drop(pool, spawn->blocks[b]);
    skep__array_free(pool->allocator, (void **)&spawn->slots, &spawn->slot_cap,
                     sizeof *spawn->slots);
    skep__array_free(pool->allocator, (void **)&spawn->blocks, &spawn->block_cap,
                     sizeof *spawn->blocks);
    *spawn = (skep__class_spawn){0};
}

/* What block `b` of the ground is made from. */
typedef struct ground_block {
    const skep__code_past *past;
    const uint64_t *ids;       /* now */
    const uint64_t *ids_base;  /* NULL: nobody */
    const uint64_t *ids_older; /* NULL: nobody */
    const skep__class_spawn *spawn;
    uint32_t first; /* of spawn's slots, the first in this block */
} ground_block;

static void ground_copy_slot(const ground_block *g, int32_t *to, uint32_t i, const int32_t *from,
                             uint32_t j)
{
    for (uint32_t k = 0; k < g->past->layout->column_count; k++)
        to[(size_t)k * SKEP__COLUMNS_BLOCK + i] =
            from ? from[(size_t)k * SKEP__COLUMNS_BLOCK + j] : 0;
}

/* Puts a slot of `to` right for whom it held in `ids`; `kept` is what the slot has otherwise. */
static void ground_put_right(const ground_block *g, int32_t *base, int32_t *older)
{
    uint32_t next = g->first;
    for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++) {
        const uint64_t id = g->ids[i];
        const uint64_t id_base = g->ids_base ? g->ids_base[i] : 0u;
        const uint64_t id_older = g->ids_older ? g->ids_older[i] : 0u;
        const int32_t *from = NULL;
        uint32_t at = 0;
        if (id && id != id_base) {
            from = skep__block_codes(g->spawn->blocks[next / SKEP__COLUMNS_BLOCK]);
            at = next % SKEP__COLUMNS_BLOCK;
            next++;
        }
        if (id != id_base) ground_copy_slot(g, base, i, from, at);
        if (older && (id != id_base || id != id_older)) ground_copy_slot(g, older, i, base, i);
    }
}

/* A copy of a block, or zeros where there is none. */
static skep__code_block *ground_copy(const skep__code_layout *layout, const skep__codes *of,
                                     uint32_t b, skep__code_pool *pool)
{
    const uint32_t bytes = layout->column_count * SKEP__COLUMNS_BLOCK * skep__u32(sizeof(int32_t));
    skep__code_block *copy = skep__block_make(pool, bytes);
    if (copy && of && b < of->block_count) memcpy(copy + 1, of->codes[b] + 1, bytes);
    return copy;
}

static const uint64_t *ground_ids(const skep__codes *codes, uint32_t b)
{
    return codes && b < codes->block_count ? skep__block_ids(codes->ids[b]) : NULL;
}

/* Whether somebody in block `b` is another than in `was`. */
static bool ground_differs(const skep__codes *was, const skep__codes *now, uint32_t b)
{
    const uint64_t *ids = ground_ids(was, b);
    if (!ids) return true;
    if (was->ids[b] == now->ids[b]) return false;
    return memcmp(ids, skep__block_ids(now->ids[b]), SKEP__COLUMNS_BLOCK * sizeof *ids) != 0;
}

static bool ground_block_init(skep__class_ground *ground, ground_block *g, uint32_t b,
                              const skep__codes *now, skep__code_pool *pool)
{
    const skep__code_layout *layout = g->past->layout;
    const skep__codes *base = g->past->base, *older = g->past->older;
    const bool base_differs = ground_differs(base, now, b);
    const bool older_differs = older && (base_differs || ground_differs(older, now, b));
    ground->base[b] =
        base_differs ? ground_copy(layout, base, b, pool) : skep__block_hold(base->codes[b]);
    if (!ground->base[b]) return false;
    ground->base_codes[b] = skep__block_codes(ground->base[b]);
    if (older) {
        ground->older[b] =
            older_differs ? ground_copy(layout, older, b, pool) : skep__block_hold(older->codes[b]);
        if (!ground->older[b]) return false;
        ground->older_codes[b] = skep__block_codes(ground->older[b]);
    }
    if (!base_differs && !older_differs) return true;
    g->ids = ground_ids(now, b);
    g->ids_base = ground_ids(base, b);
    g->ids_older = ground_ids(older, b);
    ground_put_right(g, skep__block_codes(ground->base[b]),
                     older_differs ? skep__block_codes(ground->older[b]) : NULL);
    return true;
}

skep_status skep__class_ground_init(skep__class_ground *ground, const skep__code_past *past,
                                    const skep__codes *now, const skep__class_spawn *spawn,
                                    skep__code_pool *pool)
{
    const uint32_t n = skep__max_u32(now->block_count, 1u);
    const size_t row = n * sizeof(void *);
    *ground = (skep__class_ground){.cap = n};
    uint8_t *memory = skep__alloc(pool->allocator, GROUND_ARRAYS * row, GROUND_ALIGN);
    if (!memory) return SKEP_NO_MEMORY;
    ground->base = (skep__code_block **)(void *)memory;
    ground->older = (skep__code_block **)(void *)(memory + row);
    ground->base_codes = (const int32_t **)(void *)(memory + 2 * row);
    ground->older_codes = past->older ? (const int32_t **)(void *)(memory + 3 * row) : NULL;
    ground->now_codes = (const int32_t **)(void *)(memory + 4 * row);
    ground_block g = {.past = past, .spawn = spawn};
    for (uint32_t b = 0; b < now->block_count; b++) {
        ground->block_count = b + 1u;
        while (g.first < spawn->count && spawn->slots[g.first] < b * SKEP__COLUMNS_BLOCK) g.first++;
        if (!ground_block_init(ground, &g, b, now, pool)) {
            skep__class_ground_deinit(ground, pool);
            return SKEP_NO_MEMORY;
        }
    }
    return SKEP_OK;
}

void skep__class_ground_deinit(skep__class_ground *ground, skep__code_pool *pool)
{
    for (uint32_t b = 0; b < ground->block_count; b++) {
        skep__block_drop(pool, ground->base[b]);
        skep__block_drop(pool, ground->older[b]);
    }
    skep__free(pool->allocator, ground->base, GROUND_ARRAYS * ground->cap * sizeof(void *),
               GROUND_ALIGN);
    *ground = (skep__class_ground){0};
}
