/* SPDX-License-Identifier: MIT */
/* A store of its own for rows that measure the storage without a world around it. */
#ifndef SKEP_BENCH_BENCH_STORE_H
#define SKEP_BENCH_BENCH_STORE_H

#include "core/store/store.h"
#include "port/port.h"

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));

typedef struct bench_pair {
    float x, y;
} bench_pair;
SKEP_STRUCT(Spot, bench_pair);

typedef struct bench_store {
    skep__store store;
    skep_region region;
    uint32_t pos, vel, spot; /* type numbers */
    uint32_t pos_table, both_table, spot_table;
} bench_store;

bool skep__bench_store_open(bench_store *b, uint32_t entity_max);
void skep__bench_store_close(bench_store *b);

#endif
