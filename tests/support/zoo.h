/* SPDX-License-Identifier: MIT */
/* A world whose systems use every access mode, for tests of what must not depend on who runs what,
 * in which order, and with which faults. */
#ifndef SKEP_TESTS_SUPPORT_ZOO_H
#define SKEP_TESTS_SUPPORT_ZOO_H

#include "plan_lab.h"

#include <stdint.h>

/* The names of the zoo's jobs, and their number. */
#define ZOO_JOBS 11u
extern const char *const zoo_jobs[ZOO_JOBS];

/* Adds all systems. With `fallbacks` every second job has a run to fall back on. */
void zoo_systems(plan_lab *l, bool fallbacks);

/* Fills the world: about `n` entities in tables of all sizes, from a seed. */
void zoo_fill(plan_lab *l, uint32_t n, uint64_t seed);

/* What happens between frames: writes, inputs and events from outside, from a seed. */
void zoo_disturb(plan_lab *l, uint64_t seed);

/* The resource that everything ends up in. */
typedef struct zoo_totals {
    uint64_t count;
    float energy;
    int32_t least;
    int32_t most;
    uint32_t heard;
    uint32_t changed;
    uint32_t folds;
    uint64_t fold;
    uint64_t steers;
} zoo_totals;
void zoo_read(plan_lab *l, zoo_totals *totals);

#endif
