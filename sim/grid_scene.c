/* SPDX-License-Identifier: MIT */
/* Adds a grid to a scene: its resource, and the system that builds it, which declares what the grid
 * keeps, so that the plan puts it behind whoever writes that and before whoever looks. */
#include "sim/builder.h"
#include "skep/grid.h"

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
    const skep_status status = skep_grid_create(b->world, grid, cell);
    if (status == SKEP_ARGUMENT) {
        skep_scene_fail(b, "grid \"%s\": positions are f32 fields, and %g must be a size",
                        grid->resource->name, (double)cell);
        return;
    }
    skep__builder_check(b, status, "grid", grid->resource->name);
    if (status != SKEP_OK) return;
    skep_when *const when = skep__builder_run_using(b, stage, grid->resource->name,
                                                    skep_grid_build, uses_of(grid));
    /* The description is constant; a run's context is not, so the cast goes by way of a number. */
    when->ctx = (void *)(uintptr_t)grid;
}
