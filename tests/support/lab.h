/* SPDX-License-Identifier: MIT */
/* A world for tests on memory that counts and fails. */
#ifndef SKEP_TESTS_SUPPORT_LAB_H
#define SKEP_TESTS_SUPPORT_LAB_H

#include "region.h"
#include "skep/world.h"

typedef struct test_lab {
    test_region memory;
    skep_world *world;
} test_lab;

/* Opens a world for `entity_max` entities. Ends the test process when that fails. */
void test_lab_open(test_lab *l, uint32_t entity_max);

/* Checks the world, destroys it and ends the test process when it was damaged or leaks. */
void test_lab_close(test_lab *l);

#endif
