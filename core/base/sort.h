/* SPDX-License-Identifier: MIT */
/* Sorting: a radix sort for the many keys of a flush, and a sort by comparison for small cold
 * arrays. */
#ifndef SKEP_CORE_BASE_SORT_H
#define SKEP_CORE_BASE_SORT_H

#include "core/base/base.h"

/* Sorts `n` keys by (key & varying), stably, and returns where they ended up: `keys` or `scratch`,
 * which has room for n as well; the other holds leftovers. `varying` has a bit for each in which
 * keys may differ (the OR of key ^ first key); bits that the order need not look at are left out of
 * it. Costs one pass for each digit of up to 11 bits that has a varying bit, and 8 KiB of stack. */
uint64_t *skep__sort_u64(uint64_t *keys, uint64_t *scratch, uint32_t n, uint64_t varying);

/* Below, equal or above zero as `a` comes before, with or after `b`. */
typedef int skep__compare_fn(const void *a, const void *b, void *ctx);

/* Sorts `count` items of `item_bytes` each in place, in O(n log n) at worst, without recursion or
 * memory of its own. Not stable: where equal items can be told apart, make the comparison total. */
void skep__sort_items(void *items, uint32_t count, size_t item_bytes, skep__compare_fn *compare,
                      void *ctx);

#endif
