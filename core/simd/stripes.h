/* SPDX-License-Identifier: MIT */
/* The inner loop of the block hash, once for every instruction set, all with one result.
 *
 * Input is taken in stripes of 256 bytes: 32 lanes of little-endian u64. Lane j of stripe s meets
 * key 8 s + j, and with x = lane ^ key does
 *
 *     acc[j]     += low32(x) * high32(x)
 *     acc[j ^ 1] += lane
 *
 * The multiply mixes; the plain sum in the neighbour makes sure that a change within one lane
 * always changes the accumulators, also where a factor of the product is zero. Keys move on by
 * eight lanes a stripe, so swapped stripes differ, up to SKEP__STRIPES_MAX stripes; the caller
 * scrambles the accumulators before it starts the keys anew. This order is part of the hash and
 * never changes. */
#ifndef SKEP_CORE_SIMD_STRIPES_H
#define SKEP_CORE_SIMD_STRIPES_H

#include "core/base/base.h"

#define SKEP__STRIPE_LANES 32u
#define SKEP__STRIPE_BYTES 256u
/* Stripes that the keys last for: 4 KiB, a block of 1,024 rows of 4 bytes. */
#define SKEP__STRIPES_MAX 16u
#define SKEP__STRIPE_KEYS 152u

/* Aligned to 64 bytes; 8 * (SKEP__STRIPES_MAX - 1) + SKEP__STRIPE_LANES of them. */
extern const uint64_t skep__stripe_keys[SKEP__STRIPE_KEYS];

/* Adds `count` stripes at `bytes` (any alignment) to the accumulators (aligned to 64 bytes). `keys`
 * is the address of the key of the first stripe's lane 0, eight keys for each stripe since the
 * start. */
typedef void skep__stripes_fn(uint64_t *acc, const uint8_t *bytes, uint32_t count,
                              const uint64_t *keys);

/* The best variant of this machine. It asks the processor once a call (a load and a test), because
 * a remembered answer would be mutable state that every thread shares. */
skep__stripes_fn *skep__stripes_best(void);

/* Variant `index` by name for tests and benches: NULL past the last, and `*usable` says whether
 * this processor can run it. The first is the scalar twin. */
skep__stripes_fn *skep__stripes_variant(uint32_t index, const char **name, bool *usable);

#endif
