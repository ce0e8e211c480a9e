/* SPDX-License-Identifier: MIT */
/* A world for tests; see lab.h. */
#include "lab.h"

#include <stdio.h>
#include <stdlib.h>

#define LAB_REGION_BYTES ((size_t)256 << 20)

static void lab_demand(bool good, const char *what)
{
    if (good) return;
    fprintf(stderr, "test lab: %s\n", what);
    abort();
}

void test_lab_open(test_lab *l, uint32_t entity_max)
{
    lab_demand(test_region_open(&l->memory, LAB_REGION_BYTES), "no region");
    skep_world_desc d = skep_world_desc_default();
    d.entity_max = entity_max;
    d.seed = 7;
    d.region = l->memory.region;
    d.allocator = l->memory.allocator;
    lab_demand(skep_world_create(&d, &l->world) == SKEP_OK, "no world");
}

void test_lab_close(test_lab *l)
{
    const skep_status status = skep_world_check(l->world);
    lab_demand(status == SKEP_OK, skep_world_error(l->world));
    skep_world_destroy(l->world);
    lab_demand(test_region_close(&l->memory), "memory was not freed");
}
