/* SPDX-License-Identifier: MIT */
/* Opens and closes the store of bench_store.h. */
#include "bench/bench_store.h"

static bool types_add(bench_store *b)
{
    skep__store *s = &b->store;
    if (skep__type_add(s, &Pos_info, &b->pos) != SKEP_OK) return false;
    if (skep__type_add(s, &Vel_info, &b->vel) != SKEP_OK) return false;
    if (skep__type_add(s, &Spot_info, &b->spot) != SKEP_OK) return false;
    const uint16_t both[2] = {(uint16_t)b->pos, (uint16_t)b->vel};
    const uint16_t spot[1] = {(uint16_t)b->spot};
    return skep__table_for(s, both, 1, &b->pos_table) == SKEP_OK &&
           skep__table_for(s, both, 2, &b->both_table) == SKEP_OK &&
           skep__table_for(s, spot, 1, &b->spot_table) == SKEP_OK;
}

bool skep__bench_store_open(bench_store *b, uint32_t entity_max)
{
    memset(b, 0, sizeof *b);
    const skep_allocator allocator = skep__port_allocator();
    if (skep__port_region_open((size_t)1 << 30, &b->region) != SKEP_OK) return false;
    if (skep__store_init(&b->store, &b->region, &allocator, entity_max) != SKEP_OK) {
        skep__port_region_close(&b->region);
        return false;
    }
    if (types_add(b)) return true;
    skep__bench_store_close(b);
    return false;
}

void skep__bench_store_close(bench_store *b)
{
    skep__store_deinit(&b->store);
    skep__port_region_close(&b->region);
}
