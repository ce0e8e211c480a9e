/* SPDX-License-Identifier: MIT */
/* Memory for tests; see region.h. The region comes from the system as reserved pages, so that a
 * large one costs nothing until it is used. */
#define _GNU_SOURCE 1 /* for MAP_NORESERVE */
#include "region.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE ((size_t)2 << 20)

static bool refuses(test_region *r)
{
    r->calls++;
    if (!r->fail_at || r->calls < r->fail_at) return false;
    if (r->fail_once && r->calls > r->fail_at) return false;
    r->failed++;
    return true;
}

static void *test_alloc(void *ctx, size_t bytes, size_t align)
{
    test_region *r = ctx;
    if (refuses(r)) return NULL;
    const size_t step = align < 16 ? 16 : align;
    void *p = aligned_alloc(step, (bytes + step - 1) / step * step);
    if (!p) return NULL;
    memset(p, 0xa7, bytes); /* nobody may lean on zeros */
    r->live_bytes += bytes;
    r->live_count++;
    return p;
}

static void test_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    test_region *r = ctx;
    (void)align;
    r->live_bytes -= bytes;
    r->live_count--;
    free(memory);
}

static skep_status test_commit(void *ctx, size_t offset, size_t bytes)
{
    test_region *r = ctx;
    if (refuses(r)) return SKEP_NO_MEMORY;
    return offset + bytes <= r->region.bytes_max ? SKEP_OK : SKEP_NO_MEMORY;
}

bool test_region_open(test_region *r, size_t bytes)
{
    memset(r, 0, sizeof *r);
    r->bytes = bytes + PAGE;
    r->memory = mmap(NULL, r->bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (r->memory == MAP_FAILED) return false;
    const uintptr_t base = ((uintptr_t)r->memory + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
    r->region = (skep_region){(void *)base, bytes, test_commit, r};
    r->allocator = (skep_allocator){test_alloc, test_free, r};
    return true;
}

bool test_region_close(test_region *r)
{
    munmap(r->memory, r->bytes);
    return r->live_count == 0 && r->live_bytes == 0;
}

void test_region_fail(test_region *r, uint64_t n)
{
    r->calls = 0;
    r->failed = 0;
    r->fail_at = n;
}
