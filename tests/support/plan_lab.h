/* SPDX-License-Identifier: MIT */
/* A world, a plan and a scripted host: tasks are run and their ends delivered in an order drawn
 * from a seed, in the arena or in memory of the host's own, and failures can be put in anywhere. */
#ifndef SKEP_TESTS_SUPPORT_PLAN_LAB_H
#define SKEP_TESTS_SUPPORT_PLAN_LAB_H

#include "lab.h"
#include "skep/plan.h"
#include "skep/snapshot.h"

#include <stdbool.h>
#include <stdint.h>

#define PLAN_LAB_TASKS 4096u
#define PLAN_LAB_TEXT 16384u

/* May change how a task ended, after it ran. `job` names it; `block` is its number. */
typedef void plan_lab_spoil(void *ctx, const char *job, uint32_t block, uint32_t flags,
                            skep_pool_result *result);

typedef struct plan_lab {
    test_lab lab;
    skep_world *world; /* lab.world */
    skep_plan *plan;
    skep_plan_host host;
    uint64_t random; /* of the order */
    bool shuffled;   /* else tasks end in the order of the batch */
    bool early;      /* ends are delivered before the batch's main-thread systems, else after */
    plan_lab_spoil *spoil;
    void *spoil_ctx;
    uint64_t duration_ns; /* that every task reports */
    size_t scratch_bytes;
    uint32_t batches; /* handed out so far */
    uint32_t largest; /* tasks of the largest batch */
    const skep_pool_batch *batch;
    uint32_t open[PLAN_LAB_TASKS]; /* tasks of the batch that did not end */
    uint32_t open_count;
    char text[PLAN_LAB_TEXT]; /* what writers and the log got */
    size_t text_used;
    skep_frame_report report; /* of the last frame */
} plan_lab;

/* Opens a world for `entity_max` entities with a plan; `desc` NULL: the defaults. */
void plan_lab_open(plan_lab *l, uint32_t entity_max, const skep_plan_desc *desc);
void plan_lab_close(plan_lab *l);

/* Adds a job or a run to a stage, with optional name of a system to come after. */
void plan_lab_job(plan_lab *l, const char *stage, const skep_job *job, const char *after);
void plan_lab_run(plan_lab *l, const char *stage, const char *name, skep_system_run run, void *ctx);

/* Adds any description; fails the test when it is refused. */
void plan_lab_add(plan_lab *l, const skep_system_desc *desc);

/* Runs a frame to its end; fails the test when a call fails. */
void plan_lab_frame(plan_lab *l, float dt);

/* Takes a batch of which the test got the step itself; plan_lab_drive runs it then. */
void plan_lab_take(plan_lab *l, const skep_pool_batch *batch);

/* Drives a frame that has begun to its end. */
void plan_lab_drive(plan_lab *l);

/* A random number below n. */
uint32_t plan_lab_random(plan_lab *l, uint32_t n);

/* Collects a writer's or log's text in l->text, and empties it. */
void plan_lab_write(void *ctx, const char *text);
void plan_lab_clear(plan_lab *l);

/* The plan's mistakes, or its explanation of a system (NULL: all), in l->text. */
const char *plan_lab_mistakes(plan_lab *l, const char *title);
const char *plan_lab_explain(plan_lab *l, const char *system);

#endif
