/* SPDX-License-Identifier: MIT */
/* Memory is asked for as parts come, twice as much each time: a frame's header, which may promise
 * anything, allocates nothing. */
#include "gateway/gather.h"

skep_status skep__gather_add(skep__gather *g, const skep_allocator *allocator, const void *bytes,
                             size_t size, size_t max)
{
    if (size > max || g->used > max - size) return SKEP_LIMIT;
    if (size > g->cap - g->used) {
        size_t cap = g->cap ? g->cap : 512;
        while (cap - g->used < size) cap *= 2;
        uint8_t *more = allocator->alloc(allocator->ctx, cap, 16);
        if (!more) return SKEP_NO_MEMORY;
        if (g->used) memcpy(more, g->bytes, g->used);
        if (g->bytes) allocator->free(allocator->ctx, g->bytes, g->cap, 16);
        g->bytes = more;
        g->cap = cap;
    }
    if (size) memcpy(g->bytes + g->used, bytes, size);
    g->used += size;
    return SKEP_OK;
}

void skep__gather_clear(skep__gather *g, const skep_allocator *allocator)
{
    if (g->cap > SKEP__GATHER_KEEP) skep__gather_deinit(g, allocator);
    g->used = 0;
}

void skep__gather_deinit(skep__gather *g, const skep_allocator *allocator)
{
    if (g->bytes) allocator->free(allocator->ctx, g->bytes, g->cap, 16);
    memset(g, 0, sizeof *g);
}
