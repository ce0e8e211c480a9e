/* SPDX-License-Identifier: MIT */
/* A pool, made of the public interface alone, that runs the tasks of a batch in one order and
 * delivers their ends in another, both drawn from a seed. Output goes into the arena, or into
 * memory that is the pool's own and held something else before. */
#ifndef SKEP_TESTS_SUPPORT_POOL_SHUFFLED_H
#define SKEP_TESTS_SUPPORT_POOL_SHUFFLED_H

#include "skep/pool.h"

#include <stdbool.h>
#include <stdint.h>

/* What the pool did so far. */
typedef struct pool_shuffled_counts {
    uint32_t batches;
    uint32_t tasks;
    uint32_t jobs_most; /* different systems in one batch, at most */
    uint32_t moved;     /* tasks that were not delivered at their own place */
} pool_shuffled_counts;

/* Makes the pool; with `elsewhere` nothing is ever written in place. NULL without memory. */
skep_pool *pool_shuffled_create(bool elsewhere, uint64_t seed);

/* Orders from here on follow from this seed. */
void pool_shuffled_seed(skep_pool *pool, uint64_t seed);

pool_shuffled_counts pool_shuffled_counted(const skep_pool *pool);

#endif
