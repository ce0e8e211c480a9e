/* SPDX-License-Identifier: MIT */
/* What encoder and decoder of columns share: predictions, zigzag and ranges of codes, as loops over
 * one block of one column that compilers make vectors of. All of it is u32 arithmetic, which wraps;
 * a shift to the right of a negative number keeps its sign on every compiler that we build with. */
#ifndef SKEP_CORE_REPLICATE_COLUMNS_PREDICT_H
#define SKEP_CORE_REPLICATE_COLUMNS_PREDICT_H

#include "core/replicate/columns.h"

/* One block of one column, ready to be predicted. The pointers go to 128 codes each. */
typedef struct skep__columns_cell {
    const int32_t *base;
    const int32_t *older; /* of predictor line */
    const int32_t *speed; /* of predictor velocity: the new codes of its column */
    uint32_t factor;      /* what a code of speed is worth: factor / 2^shift */
    uint32_t shift;
} skep__columns_cell;

/* A column's rate times ticks, as a factor of at most 13 bits: products of velocities below 2^18
 * fit in 32 bits, and what is greater only predicts badly. */
typedef struct skep__columns_step {
    uint32_t factor;
    uint32_t shift;
} skep__columns_step;

skep__columns_step skep__columns_step_make(uint64_t rate_q32, uint32_t ticks);

/* How far slot `i` of the block goes by its velocity. */
SKEP_INLINE uint32_t skep__columns_way(const skep__columns_cell *cell, uint32_t i)
{
    const uint32_t half = 1u << cell->shift >> 1;
    return (uint32_t)((int32_t)((uint32_t)cell->speed[i] * cell->factor + half) >> cell->shift);
}

/* Fills `predicted` for one block of one column. */
SKEP_INLINE void skep__columns_predict(const skep__columns_cell *cell,
                                       skep__columns_predictor predictor,
                                       uint32_t *restrict predicted)
{
    const int32_t *restrict base = cell->base;
    if (predictor == SKEP__COLUMNS_LINE) {
        const int32_t *restrict older = cell->older;
        for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++)
            predicted[i] = 2u * (uint32_t)base[i] - (uint32_t)older[i];
    } else if (predictor == SKEP__COLUMNS_VELOCITY && cell->speed) {
        for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++)
            predicted[i] = (uint32_t)base[i] + skep__columns_way(cell, i);
    } else {
        for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++) predicted[i] = (uint32_t)base[i];
    }
}

/* Small differences of either sign as small numbers. */
SKEP_INLINE uint32_t skep__columns_zigzag(int32_t x)
{
    return (uint32_t)x << 1 ^ (uint32_t)(x >> 31);
}

SKEP_INLINE uint32_t skep__columns_unzigzag(uint32_t z)
{
    return z >> 1 ^ (0u - (z & 1u));
}

/* The cells of block `b` of column `k`, or zeros where there are no blocks. */
const int32_t *skep__columns_at(skep__code_blocks blocks, uint32_t k, uint32_t b);

#endif
