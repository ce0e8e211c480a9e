/* SPDX-License-Identifier: MIT */
/* Layouts of view classes, and their states in counted blocks. A block that somebody else holds is
 * copied before it is written; the copy forgets the hash. Blocks come straight from the allocator:
 * hosts have one that keeps freed pieces, and a pool of our own was no faster with glibc. */
#include "core/replicate/codes.h"

#include "core/base/hash.h"

#define CODES_ALIGN 16u

/* ---- layouts --------------------------------------------------------------------------------- */

/* What one code of SPAWN and COLUMNS takes at most, with the widths of its block in proportion. */
#define CODES_WORST_BITS(bits) ((bits) + 1u)
/* What a slot takes at most beside its codes: its place in SPAWN, index and generation. */
#define CODES_SLOT_BYTES 20u
/* Kept free for header, section heads, components and hash. */
#define CODES_MESSAGE_BYTES 512u

static uint32_t layout_field_codes(const skep_field *field)
{
    return field->count * (field->size == 8 ? 2u : 1u);
}

/* Counts fields' elements and columns. */
static void layout_count(const skep_replica *replicas, uint32_t count, skep__code_layout *layout)
{
    for (uint32_t r = 0; r < count; r++) {
        if (!(layout->components >> r & 1u)) continue;
        for (uint32_t f = 0; f < replicas[r].info->field_count; f++) {
            const skep_field *field = &replicas[r].info->fields[f];
            layout->field_count += field->count;
            layout->column_count += layout_field_codes(field);
        }
    }
}

static bool layout_fill_component(skep__code_layout *layout, const skep_replica *replica,
                                  uint32_t number)
{
    for (uint32_t f = 0; f < replica->info->field_count; f++) {
        const skep_field *field = &replica->info->fields[f];
        skep__quantum quantum;
        if (!skep__quantum_make(field->type, skep__replica_quantum(replica, f), &quantum))
            return false;
        for (uint32_t e = 0; e < field->count; e++) {
            layout->fields[layout->field_count++] =
                (skep__code_field){.quantum = quantum,
                                   .column = skep__u16(layout->column_count),
                                   .replica = skep__u8(number),
                                   .field = skep__u8(f),
                                   .element = skep__u16(e)};
            for (uint32_t k = 0; k < quantum.code_count; k++)
                layout->columns[layout->column_count++] =
                    (skep__wire_column){.bits = quantum.code_bits,
                                        .is_signed = quantum.code_is_signed,
                                        .velocity = SKEP__COLUMNS_NONE};
        }
    }
    return true;
}

static const skep__code_field *layout_find(const skep__code_layout *layout,
                                           const skep_replica *replicas, const skep_component *info,
                                           uint32_t field)
{
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const skep__code_field *f = &layout->fields[i];
        if (replicas[f->replica].info == info && f->field == field && f->element == 0) return f;
    }
    return NULL;
}

/* Velocities that both ends have; the others are not of this class. */
static void layout_rates(skep__code_layout *layout, const skep__code_terms *terms)
{
    for (uint32_t i = 0; i < terms->rate_count; i++) {
        const skep_rate *rate = &terms->rates[i];
        const skep__code_field *value =
            layout_find(layout, terms->replicas, rate->value, rate->value_field);
        const skep__code_field *speed =
            layout_find(layout, terms->replicas, rate->speed, rate->speed_field);
        if (!value || !speed || value == speed || value->quantum.log2 == SKEP_QUANTUM_NONE ||
            speed->quantum.log2 == SKEP_QUANTUM_NONE ||
            layout->columns[speed->column].velocity != SKEP__COLUMNS_NONE)
            continue;
        layout->columns[value->column].velocity = speed->column;
        layout->columns[value->column].rate_q32 =
            skep__columns_rate(value->quantum.log2, speed->quantum.log2, terms->tick_hz);
    }
}

/* As many slots, in whole blocks, as surely fit into one message: once in SPAWN, once in COLUMNS.
 */
static uint32_t layout_slot_max(const skep__code_layout *layout, uint32_t message_max)
{
    size_t bits = (size_t)8u * CODES_SLOT_BYTES;
    for (uint32_t k = 0; k < layout->column_count; k++)
        bits += (size_t)2 * CODES_WORST_BITS(layout->columns[k].bits);
    if (message_max < CODES_MESSAGE_BYTES) return 0;
    const size_t slots = (size_t)(message_max - CODES_MESSAGE_BYTES) * 8u / bits;
    const size_t most = slots < 65536u ? slots : 65536u;
    return skep__u32(most) / SKEP__COLUMNS_BLOCK * SKEP__COLUMNS_BLOCK;
}

skep_status skep__code_layout_init(skep__code_layout *layout, const skep__code_terms *terms,
                                   uint64_t components, const skep_allocator *allocator)
{
    SKEP_ASSERT(components != 0 && terms->tick_hz != 0);
    *layout = (skep__code_layout){.components = components};
    layout_count(terms->replicas, terms->replica_count, layout);
    if (layout->column_count > SKEP__COLUMNS_MAX) return SKEP_LIMIT;
    const size_t fields = skep__align(layout->field_count * sizeof *layout->fields, CODES_ALIGN);
    layout->memory_bytes =
        fields + layout->column_count * sizeof *layout->columns + sizeof *layout->columns;
    layout->memory = skep__alloc(allocator, layout->memory_bytes, CODES_ALIGN);
    if (!layout->memory) return SKEP_NO_MEMORY;
    layout->fields = (skep__code_field *)layout->memory;
    layout->columns = (skep__wire_column *)(void *)((uint8_t *)layout->memory + fields);
    layout->field_count = 0;
    layout->column_count = 0;
    bool good = true;
    for (uint32_t r = 0; r < terms->replica_count; r++)
        if (components >> r & 1u)
            good = layout_fill_component(layout, &terms->replicas[r], r) && good;
    layout_rates(layout, terms);
    layout->slot_max = layout_slot_max(layout, terms->message_down_max);
    if (good && layout->slot_max > 0) return SKEP_OK;
    skep__code_layout_deinit(layout, allocator);
    return SKEP_LIMIT;
}

void skep__code_layout_deinit(skep__code_layout *layout, const skep_allocator *allocator)
{
    skep__free(allocator, layout->memory, layout->memory_bytes, CODES_ALIGN);
    *layout = (skep__code_layout){0};
}

/* ---- blocks ---------------------------------------------------------------------------------- */

skep__code_block *skep__block_make(skep__code_pool *pool, uint32_t bytes)
{
    const size_t whole = sizeof(skep__code_block) + bytes;
    if (whole > pool->bytes_max - pool->bytes_held) return NULL;
    skep__code_block *block = skep__alloc(pool->allocator, whole, CODES_ALIGN);
    if (!block) return NULL;
    block->refs = 1;
    block->bytes = bytes;
    pool->bytes_held += whole;
    return block;
}

skep__code_block *skep__block_hold(skep__code_block *block)
{
    SKEP_ASSERT(block->refs > 0);
    block->refs++;
    return block;
}

void skep__block_drop(skep__code_pool *pool, skep__code_block *block)
{
    if (!block || --block->refs > 0) return;
    const size_t whole = sizeof(skep__code_block) + block->bytes;
    SKEP_ASSERT(pool->bytes_held >= whole);
    pool->bytes_held -= whole;
    skep__free(pool->allocator, block, whole, CODES_ALIGN);
}

/* Makes *block its holder's own, to be written. False without memory. */
static bool block_own(skep__code_pool *pool, skep__code_block **block)
{
    if ((*block)->refs > 1) {
        skep__code_block *copy = skep__block_make(pool, (*block)->bytes);
        if (!copy) return false;
        memcpy(copy + 1, *block + 1, copy->bytes);
        skep__block_drop(pool, *block);
        *block = copy;
    }
    (*block)->hash = 0;
    return true;
}

/* ---- states ---------------------------------------------------------------------------------- */

/* ids and codes are two halves of one array, so that one allocation holds both. */
static bool codes_reserve(skep__codes *codes, uint32_t block_count, skep__code_pool *pool)
{
    if (block_count <= codes->block_cap) return true;
    const uint32_t cap = skep__max_u32(block_count, codes->block_cap * 2u);
    const size_t bytes = (size_t)2 * cap * sizeof *codes->ids;
    if (bytes > pool->bytes_max - pool->bytes_held) return false;
    skep__code_block **ids = skep__alloc(pool->allocator, bytes, CODES_ALIGN);
    if (!ids) return false;
    pool->bytes_held += bytes;
    for (uint32_t b = 0; b < codes->block_count; b++) {
        ids[b] = codes->ids[b];
        ids[cap + b] = codes->codes[b];
    }
    const size_t old = (size_t)2 * codes->block_cap * sizeof *codes->ids;
    skep__free(pool->allocator, codes->ids, old, CODES_ALIGN);
    pool->bytes_held -= old;
    codes->ids = ids;
    codes->codes = ids + cap;
    codes->block_cap = cap;
    return true;
}

static void codes_cut(skep__codes *codes, uint32_t block_count, skep__code_pool *pool)
{
    while (codes->block_count > block_count) {
        codes->block_count--;
        skep__block_drop(pool, codes->ids[codes->block_count]);
        skep__block_drop(pool, codes->codes[codes->block_count]);
    }
}

void skep__codes_deinit(skep__codes *codes, skep__code_pool *pool)
{
    const size_t bytes = (size_t)2 * codes->block_cap * sizeof *codes->ids;
    codes_cut(codes, 0, pool);
    skep__free(pool->allocator, codes->ids, bytes, CODES_ALIGN);
    pool->bytes_held -= bytes;
    *codes = (skep__codes){0};
}

skep_status skep__codes_share(const skep__codes *from, skep__code_pool *pool, skep__codes *copy)
{
    *copy = (skep__codes){.tick = from->tick};
    if (!codes_reserve(copy, from->block_count, pool)) return SKEP_NO_MEMORY;
    for (uint32_t b = 0; b < from->block_count; b++) {
        copy->ids[b] = skep__block_hold(from->ids[b]);
        copy->codes[b] = skep__block_hold(from->codes[b]);
    }
    copy->block_count = from->block_count;
    copy->slot_count = from->slot_count;
    return SKEP_OK;
}

skep_status skep__codes_resize(skep__codes *codes, const skep__code_layout *layout,
                               uint32_t slot_count, skep__code_pool *pool)
{
    const uint32_t block_count = (slot_count + SKEP__COLUMNS_BLOCK - 1u) / SKEP__COLUMNS_BLOCK;
    const uint32_t row = SKEP__COLUMNS_BLOCK * skep__u32(sizeof(int32_t));
    const uint32_t was = codes->block_count;
    codes_cut(codes, block_count, pool);
    if (!codes_reserve(codes, block_count, pool)) return SKEP_NO_MEMORY;
    while (codes->block_count < block_count) {
        skep__code_block *ids = skep__block_make(pool, SKEP__COLUMNS_BLOCK * 8u);
        skep__code_block *block = skep__block_make(pool, layout->column_count * row);
        codes->ids[codes->block_count] = ids;
        codes->codes[codes->block_count] = block;
        if (!ids || !block) {
            skep__block_drop(pool, ids);
            skep__block_drop(pool, block);
            codes_cut(codes, skep__min_u32(was, block_count), pool);
            return SKEP_NO_MEMORY;
        }
        codes->block_count++;
    }
    codes->slot_count = slot_count;
    return SKEP_OK;
}

uint64_t *skep__codes_own_ids(skep__codes *codes, uint32_t b, skep__code_pool *pool)
{
    SKEP_ASSERT(b < codes->block_count);
    return block_own(pool, &codes->ids[b]) ? skep__block_ids(codes->ids[b]) : NULL;
}

int32_t *skep__codes_own_codes(skep__codes *codes, uint32_t b, skep__code_pool *pool)
{
    SKEP_ASSERT(b < codes->block_count);
    return block_own(pool, &codes->codes[b]) ? skep__block_codes(codes->codes[b]) : NULL;
}

/* 0 says unknown, so a hash that is 0 becomes 1. */
static uint64_t block_hash(skep__code_block *block)
{
    if (block->hash == 0) {
        const uint64_t h = skep__hash_bytes(block + 1, block->bytes, 0x6B636F6C62u);
        block->hash = h ? h : 1u;
    }
    return block->hash;
}

uint64_t skep__codes_hash(const skep__codes *codes)
{
    uint64_t h = skep__hash_u64(codes->slot_count);
    for (uint32_t b = 0; b < codes->block_count; b++) {
        h = skep__hash_mix(h, block_hash(codes->ids[b]));
        h = skep__hash_mix(h, block_hash(codes->codes[b]));
    }
    return h;
}
