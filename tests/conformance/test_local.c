/* SPDX-License-Identifier: MIT */
/* The suite for `local`, and for the test pool that protects the region. */
#include "tests/conformance/conformance.h"
#include "tests/conformance/pool_elsewhere.h"

static skep_pool *make_local(const conformance_factory *factory, const skep_allocator *allocator,
                             size_t scratch_bytes, const skep_region *region)
{
    skep_pool_desc desc = skep_pool_desc_default();
    skep_pool *pool = NULL;
    (void)region;
    desc.workers = factory->workers;
    desc.allocator = *allocator;
    desc.scratch_bytes = scratch_bytes;
    return skep_pool_create(&desc, &pool) == SKEP_OK ? pool : NULL;
}

static skep_pool *make_elsewhere(const conformance_factory *factory,
                                 const skep_allocator *allocator, size_t scratch_bytes,
                                 const skep_region *region)
{
    (void)factory;
    return pool_elsewhere_create(allocator, scratch_bytes, region->base, region->bytes_max);
}

int main(void)
{
    const conformance_factory local = {
        .name = "local", .rounds = 10000, .lives = 200, .create = make_local};
    const conformance_factory elsewhere = {.name = "elsewhere",
                                           .protects = true,
                                           .rounds = 2000,
                                           .lives = 200,
                                           .create = make_elsewhere};
    return conformance_run(&local) + conformance_run(&elsewhere);
}
