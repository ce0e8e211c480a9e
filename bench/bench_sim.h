/* SPDX-License-Identifier: MIT */
/* Simulations and worlds for the rows, opened through the public calls that every user has, and
 * counted: their host memory and their region are wrapped. */
#ifndef SKEP_BENCH_BENCH_SIM_H
#define SKEP_BENCH_BENCH_SIM_H

#include "skep/sim.h"
#include "skep/world.h"

#include "core/base/base.h"
#include "port/port.h"

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));

/* The frame of all rows, in seconds: a power of two, so that both sides round alike. */
#define BENCH_DT (1.0f / 64.0f)

/* What a simulation took from its host. */
typedef struct bench_heap {
    skep_allocator below;
    skep_region region; /* below */
    uint64_t takes;     /* allocations and commits of the region so far */
    size_t bytes;       /* in use from the allocator */
} bench_heap;

typedef struct bench_sim {
    skep_sim *sim;
    skep_world *world; /* the simulation's */
    bench_heap heap;
    skep_region region;
} bench_sim;

/* Opens a simulation without a scene. What it has to say goes to standard error. */
bool skep__bench_sim_open(bench_sim *b, uint32_t workers, uint32_t entity_max);
void skep__bench_sim_close(bench_sim *b);

/* Adds a job under a name; NULL: its own. */
bool skep__bench_sim_add(bench_sim *b, const skep_job *job, const char *name);

/* Adds a system of the main thread that may do anything. */
bool skep__bench_sim_run(bench_sim *b, const char *name, skep_system_run run, void *ctx);

/* Creates n entities with Pos (i & 1023, 0) and, where `vel` says so, Vel (1, 1); `ids` may be
 * NULL. */
bool skep__bench_fill(skep_world *world, uint32_t n, bool vel, skep_entity *ids);

/* The sum of 3 x + y over all positions, in table and row order, and how many (may be NULL). */
double skep__bench_pos_sum(skep_world *world, uint64_t *count);

/* A check value over the positions of all entities, in table and row order. */
uint64_t skep__bench_pos_check(skep_world *world);

/* Sleeps without spinning. */
void skep__bench_sleep_ns(uint64_t time_ns);

/* Lets threads that spin for the other side's work go to sleep. */
static inline void bench_rest(void)
{
    skep__bench_sleep_ns(UINT64_C(3000000));
}

#endif
