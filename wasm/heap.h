/* SPDX-License-Identifier: MIT */
/* Where the memory of a wasm instance goes: [stack | data | heap | region]. The heap is what only
 * the owner of the world uses, the region what jobs read. Both are cut off the one memory, which
 * never grows. */
#ifndef SKEP_WASM_HEAP_H
#define SKEP_WASM_HEAP_H

#include "core/base/base.h"

#define HEAP_CLASSES 28u /* powers of two from 16 bytes up */

typedef struct heap {
    uint8_t *at;  /* fresh memory */
    uint8_t *end; /* of the heap, where the region begins */
    uint8_t *top; /* how far the region was ever used: beyond it all is zero */
    uint8_t *region;
    void *free[HEAP_CLASSES]; /* a list a class, linked through the first word */
} heap;

/* Divides a memory of `bytes` bytes, of which some heap_bytes are the heap (0: a quarter); what an
 * earlier world left in it is forgotten. */
void heap_init(heap *h, size_t bytes, size_t heap_bytes);

/* An allocator over the heap. */
skep_allocator heap_allocator(heap *h);

/* The region behind it. */
skep_region heap_region(heap *h, size_t memory_bytes);

#endif
