/* SPDX-License-Identifier: MIT */
/* A world with a bit of everything, changed at random from a seed: for tests of what holds for any
 * world (snapshots, hashes, saves, differences). The whole struct can be copied, so that a test can
 * go back in time together with its world and do the same again. */
#ifndef SKEP_TESTS_SUPPORT_MIX_H
#define SKEP_TESTS_SUPPORT_MIX_H

#include "skep/world.h"

#include <stdbool.h>
#include <stdint.h>

#define MIX_ALIVE_MAX 6000u
#define MIX_COMPONENTS 6u

/* A changing world's driver. */
typedef struct mix {
    skep_world *world;
    uint64_t random;
    uint32_t alive_count;
    uint32_t alive_most; /* destroys more than it creates from here on */
    skep_entity alive[MIX_ALIVE_MAX];
} mix;

/* The components that mix uses: two floats, an array, a tag, one with padding and a bool, a byte
 * struct, an entity. */
extern const skep_component *const mix_components[MIX_COMPONENTS];

/* Registers components, an event and a resource; `turn` rotates the order of the components, and so
 * their numbers. */
bool mix_register(skep_world *world, uint32_t turn);

void mix_init(mix *m, skep_world *world, uint64_t seed);

/* Makes `steps` changes; false when one was refused. */
bool mix_run(mix *m, uint32_t steps);

/* A random number of the driver. */
uint64_t mix_random(mix *m);

/* Fills a random value of a component; what is padding holds `padding`. */
void mix_value(mix *m, uint32_t component, uint8_t padding, void *value);

/* Bytes that the largest value takes. */
#define MIX_VALUE_BYTES 96u

#endif
