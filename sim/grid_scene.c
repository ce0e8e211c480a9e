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
    const char *const name = grid->resource->name;
    skep_grid_setup *const setup = skep__keep_take(b->kept, sizeof *setup);
    if (!setup) {
        skep__builder_check(b, SKEP_NO_MEMORY, "grid", name);
        return;
    }
    setup->grid = grid;
    setup->cell = cell;
    if (!skep_grid_is_sound(setup)) {
        skep_scene_fail(b, "grid \"%s\": its positions must be f32 fields and its cell, %g, a size",
                        name, (double)cell);
        return;
    }
    skep__builder_run_using(b, stage, name, skep_grid_build, uses_of(grid))->ctx = setup;
}
