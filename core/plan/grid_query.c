/* SPDX-License-Identifier: MIT */
/* Reading a grid. A walk goes row of cells by row of cells; the cells of a row are neighbours in
 * memory, so a row is one run, or two where it wraps around the end of a folded table. In a folded
 * table strangers from far cells lie between: they are skipped by their own position, which is
 * exact, and splits the run. */
#include "core/plan/grid.h"

/* How much further than `r` a walk must look, so that rounding loses nobody at exactly that
 * distance. */
static float slack_of(float at, float r)
{
    return ((at < 0.0f ? -at : at) + r) * 2.4e-7f;
}

/* Sets the asked cells of one axis; false when nobody is there. */
static bool ask_axis(const skep_grid *g, skep_near_iter *it, uint32_t axis, float at, float r)
{
    const float slack = slack_of(at, r);
    const int32_t low = skep__grid_cell_of(at - r - slack, g->inverse);
    const int32_t high = skep__grid_cell_of(at + r + slack, g->inverse);
    it->low[axis] = low > g->low[axis] ? low : g->low[axis];
    it->high[axis] = high < g->high[axis] ? high : g->high[axis];
    return it->low[axis] <= it->high[axis];
}

/* How many places of an axis the asked cells take: each place once, however many cells share it. */
static uint32_t places(const skep_grid *g, const skep_near_iter *it, uint32_t axis)
{
    const uint32_t cells = (uint32_t)it->high[axis] - (uint32_t)it->low[axis] + 1u;
    return cells < g->dims[axis] ? cells : g->dims[axis];
}

static skep_near_iter nobody(void)
{
    skep_near_iter it;
    memset(&it, 0, sizeof it);
    return it;
}

static skep_near_iter ask(const skep_grid *g, const float *at, uint32_t axes, float r)
{
    skep_near_iter it = nobody();
    if (g->count == 0 || !(r >= 0.0f)) return it;
    for (uint32_t a = 0; a < 3; a++) {
        it.low[a] = g->low[a];
        it.high[a] = g->high[a];
        if (a < axes && a < g->axes && !ask_axis(g, &it, a, at[a], r)) return nobody();
    }
    it.rows = places(g, &it, 1) * places(g, &it, 2);
    return it;
}

skep_near_iter skep_grid_near(const skep_grid *grid, float x, float y, float r)
{
    const float at[2] = {x, y};
    return ask(grid, at, 2, r);
}

skep_near_iter skep_grid_near3(const skep_grid *grid, float x, float y, float z, float r)
{
    const float at[3] = {x, y, z};
    return ask(grid, at, 3, r);
}

/* The place of a cell along one axis; dims is a power of two where the table is folded. */
static uint32_t place_of(const skep_grid *g, uint32_t axis, uint32_t cell)
{
    const uint32_t place = cell - (uint32_t)g->low[axis];
    return g->folded ? place & (g->dims[axis] - 1u) : place;
}

/* Opens the next row of cells: its slots, in one or two pieces. */
static void open_row(const skep_grid *g, skep_near_iter *it)
{
    const uint32_t across = places(g, it, 1);
    const uint32_t y = place_of(g, 1, (uint32_t)it->low[1] + it->row % across);
    const uint32_t z = place_of(g, 2, (uint32_t)it->low[2] + it->row / across);
    const uint32_t line = (z * g->dims[1] + y) * g->dims[0];
    const uint32_t first = place_of(g, 0, (uint32_t)it->low[0]);
    const uint32_t count = places(g, it, 0);
    const uint32_t to_end = g->dims[0] - first;
    const uint32_t straight = count < to_end ? count : to_end;
    const uint32_t *const start = skep__grid_at(g, g->start);
    it->from = start[line + first];
    it->to = start[line + first + straight];
    it->wrapped_from = start[line];
    it->wrapped_to = start[line + (count - straight)];
    it->row++;
}

/* Whether the entity of a slot is in one of the asked cells itself. */
static bool asked_for(const skep_grid *g, const skep_near_iter *it, uint32_t slot)
{
    for (uint32_t a = 0; a < g->axes; a++) {
        const float *const at = skep__grid_at(g, g->field[a]);
        const int32_t cell = skep__grid_cell_of(at[slot], g->inverse);
        if (cell < it->low[a] || cell > it->high[a]) return false;
    }
    return true;
}

/* Takes the first run off the slots that are left of this row; 0 when only strangers were left. */
static uint32_t take_run(const skep_grid *g, skep_near_iter *it, uint32_t *first)
{
    uint32_t from = it->from;
    uint32_t end = it->to;
    if (g->folded) {
        while (from < it->to && !asked_for(g, it, from)) from++;
        end = from;
        while (end < it->to && asked_for(g, it, end)) end++;
    }
    it->from = end;
    *first = from;
    return end - from;
}

static void show_run(const skep_grid *g, uint32_t first, uint32_t n, skep_near *near)
{
    near->n = n;
    near->pad = 0;
    near->entity = (const skep_entity *)skep__grid_at(g, g->entity) + first;
    near->row = (const uint32_t *)skep__grid_at(g, g->row) + first;
    near->x = (const float *)skep__grid_at(g, g->field[0]) + first;
    near->y = (const float *)skep__grid_at(g, g->field[1]) + first;
    near->z = g->axes == 3 ? (const float *)skep__grid_at(g, g->field[2]) + first : NULL;
    for (uint32_t i = g->axes; i < g->field_count; i++)
        near->columns[i - g->axes] = skep__grid_at(g, g->field[i] + first * g->field_bytes[i]);
}

bool skep_grid_next(const skep_grid *grid, skep_near_iter *it, skep_near *near)
{
    for (;;) {
        while (it->from < it->to) {
            uint32_t first = 0;
            const uint32_t n = take_run(grid, it, &first);
            if (n == 0) continue;
            show_run(grid, first, n, near);
            return true;
        }
        if (it->wrapped_from < it->wrapped_to) {
            it->from = it->wrapped_from;
            it->to = it->wrapped_to;
            it->wrapped_from = it->wrapped_to;
        } else if (it->row < it->rows) {
            open_row(grid, it);
        } else {
            return false;
        }
    }
}

uint32_t skep_grid_count(const skep_grid *grid)
{
    return grid->count;
}

float skep_grid_cell(const skep_grid *grid)
{
    return grid->cell;
}
