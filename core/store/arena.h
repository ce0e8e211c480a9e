/* SPDX-License-Identifier: MIT */
/* The arena: reference-counted slots in the region that the host gave.
 *
 * The region is cut into pages of 2 MiB. A page holds slots of one size class, from 256 bytes up,
 * or is part of a large allocation of whole pages. A slot has a 32-bit name: page << 13 | slot.
 * Reference counts and cached hashes lie in side arrays of the page, in host-private memory, so
 * that taking a reference to a thousand blocks touches a few cache lines and never the blocks.
 * Freed slots are used again last in, first out: what was just read is still in the cache. Sizes of
 * 2 KiB and more get a stride of 64 bytes above their size, so that equal rows of many columns do
 * not fall onto one cache set. Only the owner of the world calls any of this. Name 0 is none: page
 * 0 holds the region's head. */
#ifndef SKEP_CORE_STORE_ARENA_H
#define SKEP_CORE_STORE_ARENA_H

#include "core/base/base.h"

#define SKEP__PAGE_SHIFT 21u
#define SKEP__PAGE_BYTES ((size_t)1 << SKEP__PAGE_SHIFT)
#define SKEP__SLOT_BITS 13u
#define SKEP__SLOT_MASK ((1u << SKEP__SLOT_BITS) - 1u)
#define SKEP__CLASS_COUNT 64u

typedef struct skep__page {
    uint8_t *base;
    uint32_t *refs;      /* a count a slot */
    uint64_t *hashes;    /* cached hash a slot, 0: none */
    uint32_t slot_bytes; /* stride */
    uint32_t slot_count; /* 0: the page is free or inside a large allocation */
    uint32_t pages;      /* of a large allocation, at its first page */
    uint32_t used;       /* slots in use */
    uint32_t class_index;
} skep__page;

typedef struct skep__class {
    uint32_t free; /* name of the last freed slot, 0: none */
    uint32_t free_count;
    bool has_page;
    uint32_t page;      /* page that fresh slots come from */
    uint32_t next_slot; /* next fresh slot of that page */
    uint32_t bytes;     /* payload */
    uint32_t stride;
} skep__class;

typedef struct skep__arena {
    skep_region region;
    skep_allocator allocator;
    skep__page *pages;   /* page_cap entries */
    uint32_t page_cap;   /* pages of the region */
    uint32_t page_count; /* pages committed so far, from the front */
    uint32_t free_pages; /* pages below page_count that are free */
    uint32_t class_count;
    skep__class classes[SKEP__CLASS_COUNT];
    uint8_t class_of[33]; /* class index by bytes in units of 256, rounded up, to 8 KiB */
    size_t live_bytes;    /* strides of the slots in use */
} skep__arena;

skep_status skep__arena_init(skep__arena *a, const skep_region *region,
                             const skep_allocator *allocator);
void skep__arena_deinit(skep__arena *a);

/* Takes one slot of at least `bytes`, with one reference; its contents are anything. Returns its
 * name, or 0 when the region is full. More than half a page takes whole pages. O(1). */
uint32_t skep__arena_take(skep__arena *a, size_t bytes);

/* Takes `count` slots that lie behind each other where it can. Returns false, with nothing taken,
 * when the region is full. */
bool skep__arena_take_run(skep__arena *a, size_t bytes, uint32_t count, uint32_t *names);

/* Frees a slot whose last reference went; use skep__arena_drop. */
void skep__arena_free(skep__arena *a, uint32_t name);

/* Makes sure that `count` slots of `bytes` can be taken without the region running out. */
bool skep__arena_reserve(skep__arena *a, size_t bytes, uint32_t count);

SKEP_INLINE skep__page *skep__page_of(const skep__arena *a, uint32_t name)
{
    return &a->pages[name >> SKEP__SLOT_BITS];
}

SKEP_INLINE void *skep__slot_data(const skep__arena *a, uint32_t name)
{
    const skep__page *p = skep__page_of(a, name);
    return p->base + (size_t)(name & SKEP__SLOT_MASK) * p->slot_bytes;
}

/* Usable bytes of a slot. */
size_t skep__slot_bytes(const skep__arena *a, uint32_t name);

SKEP_INLINE uint32_t skep__slot_refs(const skep__arena *a, uint32_t name)
{
    return skep__page_of(a, name)->refs[name & SKEP__SLOT_MASK];
}

SKEP_INLINE void skep__arena_hold(skep__arena *a, uint32_t name)
{
    skep__page_of(a, name)->refs[name & SKEP__SLOT_MASK]++;
}

SKEP_INLINE void skep__arena_drop(skep__arena *a, uint32_t name)
{
    uint32_t *refs = &skep__page_of(a, name)->refs[name & SKEP__SLOT_MASK];
    if (--*refs == 0) skep__arena_free(a, name);
}

SKEP_INLINE uint64_t *skep__slot_hash(const skep__arena *a, uint32_t name)
{
    return &skep__page_of(a, name)->hashes[name & SKEP__SLOT_MASK];
}

#endif
