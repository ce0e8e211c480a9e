/* SPDX-License-Identifier: MIT */
/* Memory for tests: a region and an allocator that count, and fail when they are told to. */
#ifndef SKEP_TESTS_SUPPORT_REGION_H
#define SKEP_TESTS_SUPPORT_REGION_H

#include "skep/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct test_region {
    skep_region region;       /* its ctx is this struct: do not move it */
    skep_allocator allocator; /* likewise */
    void *memory;
    size_t bytes;
    uint64_t calls;    /* allocations and commits so far */
    uint64_t fail_at;  /* the call, counted from 1, that fails, and all after it; 0: none */
    bool fail_once;    /* only that one call fails */
    uint64_t failed;   /* calls that failed */
    size_t live_bytes; /* of the allocator, not yet freed */
    uint64_t live_count;
} test_region;

/* Opens a region of `bytes`, a multiple of 2 MiB. Memory is committed by the system as it is
 * touched. */
bool test_region_open(test_region *r, size_t bytes);

/* Frees it; false when the allocator still has something out. */
bool test_region_close(test_region *r);

/* Counts from here on and fails from the n-th call on; 0: never. */
void test_region_fail(test_region *r, uint64_t n);

#endif
