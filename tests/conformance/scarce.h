/* SPDX-License-Identifier: MIT */
/* An allocator that has only so much to give, for tests in which each allocation fails in turn. */
#ifndef SKEP_TESTS_CONFORMANCE_SCARCE_H
#define SKEP_TESTS_CONFORMANCE_SCARCE_H

#include "core/base/base.h"

typedef struct scarce {
    uint32_t left; /* allocations that will succeed */
    uint32_t live; /* that were not freed */
} scarce;

/* An allocator over the C heap that counts in `s`, which outlives it. */
skep_allocator scarce_allocator(scarce *s);

#endif
