/* SPDX-License-Identifier: MIT */
/* Adds a grid to a scene: its resource, and the system that builds it, which declares what the grid
 * keeps, so that the plan puts it behind whoever writes that and before whoever looks. */
#include "core/plan/grid.h"
#include "sim/builder.h"

/* What the building system's run is told. */
typedef struct grid_run_ctx {
    skep_grid_setup setup;
    const skep__helpers *helpers;
} grid_run_ctx;

/* One phase of a build, as a loop of the pool. */
typedef struct grid_phase {
    void (*work)(void *work_ctx, uint32_t index);
    void *work_ctx;
} grid_phase;

static void phase_piece(void *ctx, uint32_t first, uint32_t count)
{
    const grid_phase *const phase = ctx;
    for (uint32_t i = first; i < first + count; i++) phase->work(phase->work_ctx, i);
}

static void phase_share(void *ctx, uint32_t n, void (*work)(void *work_ctx, uint32_t index),
                        void *work_ctx)
{
    grid_phase phase = {work, work_ctx};
    skep_pool_for(ctx, n, 1, phase_piece, &phase);
}

/* Builds the grid, with the pool's workers where they have nothing else to do. */
static skep_status grid_run(void *ctx, skep_world *world, float dt)
{
    const grid_run_ctx *const run = ctx;
    skep_pool *const pool = run->helpers ? run->helpers->idle : NULL;
    (void)dt;
    if (!pool) return skep__grid_build(&run->setup, world, NULL);
    const skep__grid_hands hands = {phase_share, pool, skep_pool_workers(pool) + 1};
    return skep__grid_build(&run->setup, world, &hands);
}

/* What the building system uses: each component once, and the grid. */
static skep_uses uses_of(const skep_grid_desc *grid)
{
    skep_uses uses;
    uint32_t n = 0;
    memset(&uses, 0, sizeof uses);
    for (uint32_t i = 0; i < grid->field_count; i++) {
        uint32_t k = 0;
        while (k < n && uses.of[k].component != grid->fields[i].component) k++;
        if (k < n) continue;
        uses.of[n].component = grid->fields[i].component;
        uses.of[n++].mode = SKEP_MODE_in;
    }
    uses.of[n].component = grid->resource;
    uses.of[n].mode = SKEP_MODE_res_mut;
    return uses;
}

void skep_grid_add(skep_builder *b, const char *stage, const skep_grid_desc *grid, float cell)
{
    const char *const name = grid->resource->name;
    grid_run_ctx *const run = skep__keep_take(b->kept, sizeof *run);
    if (!run) {
        skep__builder_check(b, SKEP_NO_MEMORY, "grid", name);
        return;
    }
    run->setup.grid = grid;
    run->setup.cell = cell;
    run->helpers = b->helpers;
    if (!skep_grid_is_sound(&run->setup)) {
        skep_scene_fail(b, "grid \"%s\": its positions must be f32 fields and its cell, %g, a size",
                        name, (double)cell);
        return;
    }
    skep__builder_run_using(b, stage, name, grid_run, uses_of(grid))->ctx = run;
}
