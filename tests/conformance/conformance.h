/* SPDX-License-Identifier: MIT */
/* The suite that every executor must pass, over a small laboratory instead of a world: batches of
 * any job, built by its access table over invented columns, all of it in one region.
 *
 * An executor joins by a factory and a file test_<name>.c of a few lines that calls
 * conformance_run. */
#ifndef SKEP_TESTS_CONFORMANCE_CONFORMANCE_H
#define SKEP_TESTS_CONFORMANCE_CONFORMANCE_H

#include "core/base/base.h"
#include "skep/pool.h"

/* How to make the pool under test, and what may be expected of it. */
typedef struct conformance_factory {
    const char *name;
    uint32_t workers; /* what skep_pool_workers must say */
    bool dispatches;  /* SKEP_BATCH_FORCE takes a single task away from the caller */
    bool protects;    /* the region is read-only while a job runs, and output goes elsewhere */
    bool apart;       /* workers are processes: the caller runs nothing */
    uint32_t rounds;  /* of empty batches */
    uint32_t lives;   /* of create and destroy */
    /* Makes a pool over a committed region; NULL when it cannot. */
    skep_pool *(*create)(const struct conformance_factory *factory, const skep_allocator *allocator,
                         size_t scratch_bytes, const skep_region *region);
    /* Where workers need a region of another kind; NULL: the port's. */
    skep_status (*region_open)(size_t bytes_max, skep_region *region);
    void (*region_close)(skep_region *region);
} conformance_factory;

/* Scratch of all pools here; a host whose pools have their own says it to the compiler. */
#ifndef LAB_SCRATCH
#define LAB_SCRATCH 4096u
#endif

/* Runs the whole suite; returns the number of failed tests. */
int conformance_run(const conformance_factory *factory);

/* ---- the laboratory ------------------------------------------------------------------------- */

/* A region with what has been taken from it, and a pool. */
typedef struct lab {
    const conformance_factory *factory;
    skep_region region;
    size_t used;
    skep_pool *pool;
    uint32_t allocations; /* that the pool made, since it was created */
    uint32_t live;        /* allocations that were not freed */
} lab;

/* Opens a laboratory, with a pool when there is a factory, and closes it. */
void lab_open(lab *lab, const conformance_factory *factory);
void lab_close(lab *lab);

/* Instead, where a thread that was lost may still look at its task: the memory is left to it. */
void lab_leave(lab *lab);

/* Makes another pool of the factory, for tests that destroy it. */
skep_pool *lab_pool(lab *lab);

/* Takes zeroed memory of the region. */
void *lab_take(lab *lab, size_t bytes, size_t align);

/* What to build. */
typedef struct lab_plan {
    const skep_job *job;
    uint32_t task_count;
    uint32_t part_count;  /* a task; 0 for 1 */
    uint32_t rows_max;    /* a part has 1 to rows_max rows; 0: one part without rows */
    uint32_t spawn_count; /* a task */
    uint32_t patch_bytes; /* room for patches, a task */
    uint32_t flags;       /* SKEP_BATCH_* */
    bool in_place;
} lab_plan;

/* What a pool delivered for one task. */
typedef struct lab_result {
    skep_pool_result result;
    uint32_t delivered;
} lab_result;

/* A batch with all it needs. */
typedef struct lab_batch {
    skep_pool_batch batch;
    skep_pool_task **tasks;
    const skep_job *job;
    const skep_job **jobs;
    lab_result *results;
    uint32_t delivered;
} lab_batch;

/* Builds a batch; two batches of one plan are equal to the last bit. */
lab_batch lab_build(lab *lab, const lab_plan *plan);

/* Receives results: counts them, and brings home what was written elsewhere. */
void lab_done(void *ctx, const skep_pool_result *result);

/* Runs the batch on the pool and checks that each task was delivered once. */
void lab_run(lab *lab, lab_batch *batch);

/* Runs it by skep_task_run, one task after another: what every pool must equal. */
void lab_run_plainly(lab *lab, lab_batch *batch);

/* A digest of all that the batch produced, in the order of tasks. */
uint64_t lab_digest(const lab_batch *batch);

/* Verifies what a task put out by the rules that a plan makes of its job's access table; `spawned`
 * is the number of spawns then. `known` are the components that patches may name. */
skep_status lab_verify(const lab_batch *batch, uint32_t task, const skep_component *const *known,
                       uint32_t known_count, uint32_t *spawned);

#endif
