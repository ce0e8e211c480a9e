/* SPDX-License-Identifier: MIT */
/* What a process has: descriptors, mappings, descendants. Counted in /proc, to find what leaks. */
#ifndef SKEP_TESTS_STORM_CENSUS_H
#define SKEP_TESTS_STORM_CENSUS_H

#include <stdint.h>

typedef struct census {
    uint32_t descriptors;
    uint32_t mappings;  /* of files and shared memory; the heap's come and go */
    uint32_t processes; /* below this one, dead ones that nobody waited for included */
} census;

census census_take(void);

#endif
