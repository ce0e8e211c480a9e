/* SPDX-License-Identifier: MIT */
/* A heap of size classes. Sizes are rounded up to powers of two, freed memory goes onto its class'
 * list and is used again last in, first out; since the core passes the size to `free` there are no
 * headers. A quarter of the memory is the heap unless somebody says otherwise, the rest the region;
 * `memoryMax` is the knob of both. Page by page the region is handed out once; a second world in
 * the same memory gets pages that must be made zero first, and `top` says which. */
#include "wasm/heap.h"

extern uint8_t __heap_base;

#define HEAP_CLASS_MIN 4u /* 16 bytes */
#define REGION_ALIGN ((size_t)2 << 20)

static uint32_t heap_class(size_t bytes)
{
    uint32_t c = 0;
    while (((size_t)1 << (c + HEAP_CLASS_MIN)) < bytes) c++;
    return c;
}

static void *heap_alloc(void *ctx, size_t bytes, size_t align)
{
    heap *h = ctx;
    if (bytes > (size_t)(h->end - h->at) && bytes > (size_t)1 << 28) return NULL;
    const uint32_t c = heap_class(bytes > align ? bytes : align);
    if (c >= HEAP_CLASSES) return NULL;
    void *memory = h->free[c];
    if (memory) {
        memcpy(&h->free[c], memory, sizeof memory);
        return memory;
    }
    /* Classes of 64 bytes and more are aligned to 64, which is all that anybody asks for but
     * cache-line pairs. */
    const size_t size = (size_t)1 << (c + HEAP_CLASS_MIN);
    const size_t to = align > 64 ? align : size < 64 ? size : 64;
    const uintptr_t at = ((uintptr_t)h->at + to - 1) & ~(uintptr_t)(to - 1);
    if (at > (uintptr_t)h->end || size > (uintptr_t)h->end - at) return NULL;
    h->at = (uint8_t *)(at + size);
    return (void *)at;
}

static void heap_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    heap *h = ctx;
    const uint32_t c = heap_class(bytes > align ? bytes : align);
    memcpy(memory, &h->free[c], sizeof memory);
    h->free[c] = memory;
}

void heap_init(heap *h, size_t bytes, size_t heap_bytes)
{
    const uintptr_t base = (uintptr_t)&__heap_base;
    const uintptr_t split = base + (heap_bytes ? heap_bytes : (bytes - base) / 4);
    const uintptr_t end = (split + REGION_ALIGN - 1) & ~(uintptr_t)(REGION_ALIGN - 1);
    uint8_t *const top = h->top;
    memset(h, 0, sizeof *h);
    h->at = (uint8_t *)((base + 63) & ~(uintptr_t)63);
    h->end = (uint8_t *)(end < bytes ? end : bytes);
    h->region = h->end;
    h->top = top > h->region ? top : h->region;
}

skep_allocator heap_allocator(heap *h)
{
    return (skep_allocator){heap_alloc, heap_free, h};
}

static skep_status heap_commit(void *ctx, size_t offset, size_t bytes)
{
    heap *h = ctx;
    uint8_t *const from = h->region + offset;
    uint8_t *const to = from + bytes;
    if (from < h->top) memset(from, 0, to < h->top ? bytes : (size_t)(h->top - from));
    if (to > h->top) h->top = to;
    return SKEP_OK;
}

skep_region heap_region(heap *h, size_t memory_bytes)
{
    const size_t bytes = (memory_bytes - (size_t)(uintptr_t)h->region) & ~(REGION_ALIGN - 1);
    return (skep_region){h->region, bytes, heap_commit, h};
}
