/* SPDX-License-Identifier: MIT */
/* The heap, counted. */
#include "tests/conformance/scarce.h"

#include "port/port.h"

static void *scarce_alloc(void *ctx, size_t bytes, size_t align)
{
    scarce *s = ctx;
    const skep_allocator heap = skep__port_allocator();
    if (!s->left) return NULL;
    s->left--;
    s->live++;
    return heap.alloc(heap.ctx, bytes, align);
}

static void scarce_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    scarce *s = ctx;
    const skep_allocator heap = skep__port_allocator();
    s->live--;
    heap.free(heap.ctx, memory, bytes, align);
}

skep_allocator scarce_allocator(scarce *s)
{
    return (skep_allocator){scarce_alloc, scarce_free, s};
}
