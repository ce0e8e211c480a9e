/* SPDX-License-Identifier: MIT */
/* Codes of a view class as one array, block after block, for tests and benches of their codec. */
#ifndef SKEP_BENCH_CODE_CELLS_H
#define SKEP_BENCH_CODE_CELLS_H

#include "core/replicate/columns.h"

#define CODE_BLOCKS_MAX 128u

/* Pointers to the blocks of an array. */
typedef struct code_cells {
    const int32_t *blocks[CODE_BLOCKS_MAX];
} code_cells;

/* Where the code of slot `s` in column `k` is. */
static inline size_t code_at(const skep__columns *c, uint32_t k, uint32_t s)
{
    return ((size_t)(s / SKEP__COLUMNS_BLOCK) * c->column_count + k) * SKEP__COLUMNS_BLOCK +
           s % SKEP__COLUMNS_BLOCK;
}

/* A code of a column: as many bits of `x` as it has. */
static inline int32_t code_of(const skep__wire_column *column, uint32_t x)
{
    const uint32_t unused = 32u - column->bits;
    return column->is_signed ? (int32_t)(x << unused) >> unused : (int32_t)(x << unused >> unused);
}

static inline uint32_t code_blocks(const skep__columns *c)
{
    return (c->slot_count + SKEP__COLUMNS_BLOCK - 1u) / SKEP__COLUMNS_BLOCK;
}

/* Codes of all blocks, those behind the last slot included. */
static inline size_t code_count(const skep__columns *c)
{
    return (size_t)code_blocks(c) * c->column_count * SKEP__COLUMNS_BLOCK;
}

/* The blocks of `cells`, or NULL for NULL. */
static inline skep__code_blocks code_blocks_of(code_cells *to, const skep__columns *c,
                                               const int32_t *cells)
{
    if (!cells) return NULL;
    for (uint32_t b = 0; b < code_blocks(c); b++)
        to->blocks[b] = cells + (size_t)b * c->column_count * SKEP__COLUMNS_BLOCK;
    return to->blocks;
}

/* Where a decoder writes to. */
typedef struct code_target {
    int32_t *cells;
    size_t block; /* codes of a block */
} code_target;

static inline int32_t *code_make(void *ctx, uint32_t b)
{
    const code_target *target = ctx;
    return target->cells + b * target->block;
}

static inline void code_encode(const skep__columns *c, const int32_t *base, const int32_t *older,
                               const int32_t *codes, skep__wire_writer *w)
{
    code_cells b, o, n;
    skep__columns_encode(c, code_blocks_of(&b, c, base), code_blocks_of(&o, c, older),
                         code_blocks_of(&n, c, codes), w);
}

/* Decodes into `codes`, which begin as the base. */
static inline bool code_decode(const skep__columns *c, const int32_t *base, const int32_t *older,
                               skep__wire_reader *r, int32_t *codes)
{
    code_cells b, o;
    code_target target = {codes, (size_t)c->column_count * SKEP__COLUMNS_BLOCK};
    if (base && code_count(c)) memcpy(codes, base, code_count(c) * sizeof *codes);
    if (!base && code_count(c)) memset(codes, 0, code_count(c) * sizeof *codes);
    return skep__columns_decode(c, code_blocks_of(&b, c, base), code_blocks_of(&o, c, older), r,
                                code_make, &target);
}

#endif
