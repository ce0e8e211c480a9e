/* SPDX-License-Identifier: MIT */
/* Slots by size class over pages of 2 MiB; arena.h draws the layout.
 *
 * A class hands out freed slots first, last in first out: the link to the next free slot lies in
 * the slot's own first bytes. Runs for column extents prefer fresh slots, which lie behind each
 * other. Pages stay with their class for good (a page a class is the most that is lost); large
 * allocations give their pages back. Builds with asserts fill freed slots with 0xdd, so that a
 * reader of a freed block is found. */
#include "core/store/arena.h"

#define PAYLOAD_MAX ((size_t)1 << 20) /* larger ones take whole pages */
#define STAGGER_MIN 2048u /* from here on a slot's stride is 64 bytes more than its size */
#define STAGGER_MAX 131072u

static const uint32_t payloads[] = {256,   512,   768,   1024,   1536,   2048,   3072,
                                    4096,  6144,  8192,  12288,  16384,  24576,  32768,
                                    49152, 65536, 98304, 131072, 262144, 524288, 1048576};

static uint32_t page_of_name(uint32_t name)
{
    return name >> SKEP__SLOT_BITS;
}

skep_status skep__arena_init(skep__arena *a, const skep_region *region,
                             const skep_allocator *allocator)
{
    memset(a, 0, sizeof *a);
    if (!region->base || ((uintptr_t)region->base & (SKEP__PAGE_BYTES - 1))) return SKEP_ARGUMENT;
    a->region = *region;
    a->allocator = *allocator;
    a->page_cap = skep__u32(region->bytes_max >> SKEP__PAGE_SHIFT);
    if (a->page_cap == 0) return SKEP_ARGUMENT;
    if (a->page_cap > UINT32_MAX >> SKEP__SLOT_BITS) a->page_cap = UINT32_MAX >> SKEP__SLOT_BITS;
    a->pages = skep__alloc(allocator, a->page_cap * sizeof *a->pages, 16);
    if (!a->pages) return SKEP_NO_MEMORY;
    a->class_count = sizeof payloads / sizeof payloads[0];
    for (uint32_t i = 0; i < a->class_count; i++) {
        const uint32_t bytes = payloads[i];
        a->classes[i].bytes = bytes;
        a->classes[i].stride = bytes >= STAGGER_MIN && bytes <= STAGGER_MAX ? bytes + 64 : bytes;
    }
    /* A class at a time: unrolled by units, this kept clang 14 busy for ever at -march=znver3. */
    uint32_t units = 1;
    for (uint32_t i = 0; units < sizeof a->class_of; i++) {
        const uint32_t most = payloads[i] / 256u;
        for (; units <= most && units < sizeof a->class_of; units++)
            a->class_of[units] = skep__u8(i);
    }
    return SKEP_OK;
}

static void page_release(skep__arena *a, skep__page *p)
{
    skep__free(&a->allocator, p->refs, p->slot_count * sizeof *p->refs, 16);
    skep__free(&a->allocator, p->hashes, p->slot_count * sizeof *p->hashes, 16);
    p->refs = NULL;
    p->hashes = NULL;
    p->slot_count = 0;
    p->pages = 0;
}

void skep__arena_deinit(skep__arena *a)
{
    for (uint32_t i = 0; i < a->page_count; i++) page_release(a, &a->pages[i]);
    skep__free(&a->allocator, a->pages, a->page_cap * sizeof *a->pages, 16);
    memset(a, 0, sizeof *a);
}

/* Finds `count` free pages in a row below page_count, or commits new ones. Returns page_cap without
 * any. */
static uint32_t pages_find(skep__arena *a, uint32_t count)
{
    uint32_t run = 0;
    for (uint32_t i = 0; a->free_pages >= count && i < a->page_count; i++) {
        const bool is_free = a->pages[i].slot_count == 0 && a->pages[i].pages == 0;
        run = is_free ? run + 1 : 0;
        if (run == count) {
            a->free_pages -= count;
            return i + 1 - count;
        }
    }
    if (count > a->page_cap - a->page_count) return a->page_cap;
    const uint32_t first = a->page_count;
    const size_t offset = (size_t)first << SKEP__PAGE_SHIFT;
    const size_t bytes = (size_t)count << SKEP__PAGE_SHIFT;
    if (a->region.commit && a->region.commit(a->region.ctx, offset, bytes) != SKEP_OK)
        return a->page_cap;
    for (uint32_t i = first; i < first + count; i++)
        a->pages[i].base = (uint8_t *)a->region.base + ((size_t)i << SKEP__PAGE_SHIFT);
    a->page_count += count;
    return first;
}

/* Gives page `page` slots of a stride. False without host memory; the page stays free. */
static bool page_cut(skep__arena *a, uint32_t page, uint32_t stride, uint32_t slots)
{
    skep__page *p = &a->pages[page];
    p->refs = skep__alloc(&a->allocator, slots * sizeof *p->refs, 16);
    p->hashes = skep__alloc(&a->allocator, slots * sizeof *p->hashes, 16);
    p->slot_count = slots;
    p->slot_bytes = stride;
    p->used = 0;
    if (p->refs && p->hashes) return true;
    page_release(a, p);
    a->free_pages++;
    return false;
}

static void class_push(skep__arena *a, skep__class *c, uint32_t name)
{
    memcpy(skep__slot_data(a, name), &c->free, sizeof c->free);
    c->free = name;
    c->free_count++;
}

static uint32_t class_fresh_left(const skep__arena *a, const skep__class *c)
{
    return c->has_page ? a->pages[c->page].slot_count - c->next_slot : 0;
}

/* Gives the class one more page; what was left of the last one goes to the free list. */
static bool class_grow(skep__arena *a, skep__class *c)
{
    const uint32_t page = pages_find(a, 1);
    if (page == a->page_cap) return false;
    if (!page_cut(a, page, c->stride, (uint32_t)(SKEP__PAGE_BYTES / c->stride))) return false;
    a->pages[page].class_index = (uint32_t)(c - a->classes);
    while (class_fresh_left(a, c)) class_push(a, c, (c->page << SKEP__SLOT_BITS) | c->next_slot++);
    c->has_page = true;
    c->page = page;
    c->next_slot = page == 0 ? 1 : 0; /* name 0 is none */
    return true;
}

static skep__class *class_for(skep__arena *a, size_t bytes)
{
    const size_t units = (bytes + 255u) >> 8;
    if (SKEP_LIKELY(units < sizeof a->class_of)) return &a->classes[a->class_of[units]];
    uint32_t i = 0;
    while (a->classes[i].bytes < bytes) i++;
    return &a->classes[i];
}

static uint32_t slot_begin(skep__arena *a, uint32_t name)
{
    skep__page *p = skep__page_of(a, name);
    const uint32_t slot = name & SKEP__SLOT_MASK;
    SKEP_ASSERT(p->refs[slot] == 0);
    p->refs[slot] = 1;
    p->hashes[slot] = 0;
    p->used++;
    a->live_bytes += p->pages ? (size_t)p->pages << SKEP__PAGE_SHIFT : p->slot_bytes;
    return name;
}

static uint32_t class_fresh(skep__arena *a, skep__class *c)
{
    return slot_begin(a, (c->page << SKEP__SLOT_BITS) | c->next_slot++);
}

static uint32_t class_pop(skep__arena *a, skep__class *c)
{
    const uint32_t name = c->free;
    memcpy(&c->free, skep__slot_data(a, name), sizeof c->free);
    c->free_count--;
    return slot_begin(a, name);
}

static uint32_t large_take(skep__arena *a, size_t bytes)
{
    const uint32_t count =
        skep__u32((bytes + SKEP__PAGE_BYTES - 1) >> SKEP__PAGE_SHIFT) + (a->page_count == 0);
    const uint32_t page = pages_find(a, count);
    if (page == a->page_cap) return 0;
    if (!page_cut(a, page, 0, 1)) {
        a->free_pages += count - 1;
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) a->pages[page + i].pages = count;
    if (page > 0) return slot_begin(a, page << SKEP__SLOT_BITS);
    /* The very first page would be called 0: begin behind it. */
    page_release(a, &a->pages[0]);
    a->free_pages++;
    if (!page_cut(a, 1, 0, 1)) {
        for (uint32_t i = 1; i < count; i++) a->pages[i].pages = 0;
        a->free_pages += count - 1;
        return 0;
    }
    for (uint32_t i = 1; i < count; i++) a->pages[i].pages = count - 1;
    return slot_begin(a, 1u << SKEP__SLOT_BITS);
}

uint32_t skep__arena_take(skep__arena *a, size_t bytes)
{
    if (bytes > PAYLOAD_MAX) return large_take(a, bytes);
    skep__class *c = class_for(a, bytes);
    if (SKEP_LIKELY(c->free)) return class_pop(a, c);
    if (class_fresh_left(a, c) == 0 && !class_grow(a, c)) return 0;
    return class_fresh(a, c);
}

bool skep__arena_take_run(skep__arena *a, size_t bytes, uint32_t count, uint32_t *names)
{
    SKEP_ASSERT(bytes <= PAYLOAD_MAX);
    skep__class *c = class_for(a, bytes);
    const bool fresh_first = c->free_count < count;
    for (uint32_t i = 0; i < count; i++) {
        if (c->free && !(fresh_first && class_fresh_left(a, c))) {
            names[i] = class_pop(a, c);
            continue;
        }
        if (class_fresh_left(a, c) == 0 && !class_grow(a, c)) {
            while (i > 0) skep__arena_drop(a, names[--i]);
            return false;
        }
        names[i] = class_fresh(a, c);
    }
    return true;
}

bool skep__arena_reserve(skep__arena *a, size_t bytes, uint32_t count)
{
    if (bytes > PAYLOAD_MAX) return true;
    skep__class *c = class_for(a, bytes);
    while (c->free_count + class_fresh_left(a, c) < count)
        if (!class_grow(a, c)) return false;
    return true;
}

size_t skep__slot_bytes(const skep__arena *a, uint32_t name)
{
    const skep__page *p = skep__page_of(a, name);
    if (p->pages) return (size_t)p->pages << SKEP__PAGE_SHIFT;
    const bool staggered = (p->slot_bytes & 255u) != 0;
    return staggered ? p->slot_bytes - 64u : p->slot_bytes;
}

void skep__arena_free(skep__arena *a, uint32_t name)
{
    const uint32_t page = page_of_name(name);
    skep__page *p = &a->pages[page];
    SKEP_ASSERT(p->refs[name & SKEP__SLOT_MASK] == 0);
    p->used--;
    if (p->pages) {
        const uint32_t count = p->pages;
        a->live_bytes -= (size_t)count << SKEP__PAGE_SHIFT;
        page_release(a, p);
        for (uint32_t i = 0; i < count; i++) a->pages[page + i].pages = 0;
        a->free_pages += count;
        return;
    }
    a->live_bytes -= p->slot_bytes;
    if (SKEP_ASSERTS) memset(skep__slot_data(a, name), 0xdd, p->slot_bytes);
    class_push(a, &a->classes[p->class_index], name);
}
