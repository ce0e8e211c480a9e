/* SPDX-License-Identifier: MIT */
/* ctest: timeout=600, threads, waits
 * The suite for `processes` with 1, 2 and 4 workers. */
#include "tests/conformance/conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static skep_processes *zygote; /* forked first thing */

static skep_pool *make_processes(const conformance_factory *factory,
                                 const skep_allocator *allocator, size_t scratch_bytes,
                                 const skep_region *region)
{
    skep_pool_desc desc = skep_pool_desc_default();
    skep_pool *pool = NULL;
    desc.workers = factory->workers;
    desc.allocator = *allocator;
    desc.scratch_bytes = scratch_bytes;
    desc.processes = zygote;
    desc.region = region;
    return skep_pool_create(&desc, &pool) == SKEP_OK ? pool : NULL;
}

#define FACTORY(title, count, many)                                                                \
    {                                                                                              \
        .name = title, .workers = count, .dispatches = true, .protects = true, .apart = true,      \
        .rounds = 10000, .lives = many, .create = make_processes,                                  \
        .region_open = skep_processes_region_open, .region_close = skep_processes_region_close     \
    }

static const conformance_factory factories[] = {
    FACTORY("processes 1", 1, 20),
    FACTORY("processes 2", 2, 20),
    FACTORY("processes 4", 4, 10),
};

int main(void)
{
    char why[256];
    int failed = 0;
    if (skep_processes_start(NULL, &zygote, why, sizeof why) != SKEP_OK) {
        (void)fprintf(stderr, "%s\n", why);
        return 1;
    }
    for (size_t i = 0; i < sizeof factories / sizeof factories[0]; i++) {
        failed += conformance_run(&factories[i]);
    }
    skep_processes_end(zygote);
    return failed;
}
