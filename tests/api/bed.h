/* SPDX-License-Identifier: MIT */
/* A test bed: one scene opened on every kind of executor in turn, for tests of what must hold
 * wherever jobs run. */
#ifndef SKEP_TESTS_API_BED_H
#define SKEP_TESTS_API_BED_H

#include "api/log_lines.h"
#include "skep/sim.h"

#include <stdbool.h>
#include <stdint.h>

/* One way to run jobs. */
typedef enum bed_pool {
    BED_OWN,       /* the simulation's own pool */
    BED_FOREIGN,   /* a job system that runs everything at once, last first */
    BED_SHUFFLED,  /* orders from a seed */
    BED_ELSEWHERE, /* the same, with output in the pool's own memory */
    BED_PROCESSES  /* isolated ones */
} bed_pool;

typedef struct bed_executor {
    const char *name;
    bed_pool pool;
    uint32_t workers;
    bool forced; /* --grain 0 */
    bool check;  /* skep_sim_desc.check */
} bed_executor;

/* The executors, local first. */
#define BED_EXECUTORS 9u
extern const bed_executor bed_executors[BED_EXECUTORS];

typedef struct bed {
    const bed_executor *executor;
    skep_pool *pool; /* NULL: the simulation has its own */
    skep_sim *sim;
    skep_world *world;
    log_lines lines;
} bed;

/* Opens a scene (NULL: an empty world) on an executor; fails the test when that fails. The caller
 * closes the bed. */
void bed_open(bed *b, const bed_executor *executor, const skep_scene *scene);

/* As bed_open, with `entity_max`, and with the status that opening must have; with another one than
 * SKEP_OK there is nothing but the log. */
void bed_open_with(bed *b, const bed_executor *executor, const skep_scene *scene,
                   uint32_t entity_max, skep_status expected);

/* Checks the world and closes. */
void bed_close(bed *b);

/* Runs frames of a second each; fails the test where one has a fault. */
void bed_frames(bed *b, uint32_t frames);

/* The report of the last frame. */
const skep_frame_report *bed_report(const bed *b);

/* The i-th entity that an empty world was given. */
skep_entity bed_entity(uint32_t i);

#endif
