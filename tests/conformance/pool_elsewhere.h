/* SPDX-License-Identifier: MIT */
/* A pool for tests that behaves like an isolated worker within one process: all output goes to
 * memory of its own, and the region is read-only while a job runs, so a job that writes into the
 * snapshot dies. */
#ifndef SKEP_TESTS_CONFORMANCE_POOL_ELSEWHERE_H
#define SKEP_TESTS_CONFORMANCE_POOL_ELSEWHERE_H

#include "skep/pool.h"

/* Creates it for the committed memory [base, base + bytes), multiples of 4 KiB. NULL without
 * memory. */
skep_pool *pool_elsewhere_create(const skep_allocator *allocator, size_t scratch_bytes, void *base,
                                 size_t bytes);

#endif
