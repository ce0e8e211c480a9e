/* SPDX-License-Identifier: MIT */
/* Reading a grid. A walk goes row of cells by row of cells; the cells of a row are neighbours in
 * memory, so a row is one run, or two where it wraps around the end of a folded table. In a folded
 * table strangers from far cells lie between: they are skipped by their own position, which splits
 * the run. */
#include "core/plan/grid.h"

/* How much further than `r` a walk must look, so that rounding loses nobody at exactly that
 * distance. */
static float slack_of(float at, float r)
{
    return ((at < 0.0f ? -at : at) + r) * 2.4e-7f;
}

/* Sets the places of one axis: each once, however many cells share it. */
static void ask_axis(const skep_grid *g, skep_near_iter *it, uint32_t axis, float at, float r)
{
    const float slack = slack_of(at, r);
    const int32_t low = skep__grid_cell_of(at - r - slack, g->inverse);
    const int32_t high = skep__grid_cell_of(at + r + slack, g->inverse);
    const int32_t from = low > g->low[axis] ? low : g->low[axis];
    const int32_t to = high < g->high[axis] ? high : g->high[axis];
    const uint32_t cells = from <= to ? (uint32_t)to - (uint32_t)from + 1u : 0u;
    it->at[axis] = at;
    it->reach[axis] = r + g->cell;
    it->first[axis] = ((uint32_t)from - (uint32_t)g->low[axis]) & g->mask[axis];
    it->count[axis] = cells < g->dims[axis] ? cells : g->dims[axis];
}

/* An axis that is not looked at: all of it. */
static void ask_all(const skep_grid *g, skep_near_iter *it, uint32_t axis)
{
    it->at[axis] = 0.0f;
    it->reach[axis] = 1.0f / 0.0f;
    it->first[axis] = 0;
    it->count[axis] = g->dims[axis];
}

static void ask_nobody(skep_near_iter *it)
{
    memset(it, 0, sizeof *it);
}

/* Readies the first row, and leaves nothing to walk when an axis has nobody. */
static void begin(const skep_grid *g, skep_near_iter *it, float r)
{
    it->y = 0;
    it->z = 0;
    it->from = 0;
    it->to = 0;
    it->wrapped_from = 0;
    it->wrapped_to = 0;
    const bool some = it->count[0] && it->count[1] && it->count[2];
    if (!some || !(r >= 0.0f) || g->count == 0) ask_nobody(it);
}

skep_near_iter skep_grid_near(const skep_grid *grid, float x, float y, float r)
{
    skep_near_iter it;
    ask_axis(grid, &it, 0, x, r);
    ask_axis(grid, &it, 1, y, r);
    ask_all(grid, &it, 2);
    begin(grid, &it, r);
    return it;
}

skep_near_iter skep_grid_near3(const skep_grid *grid, float x, float y, float z, float r)
{
    skep_near_iter it;
    ask_axis(grid, &it, 0, x, r);
    ask_axis(grid, &it, 1, y, r);
    if (grid->axes == 3) {
        ask_axis(grid, &it, 2, z, r);
    } else {
        ask_all(grid, &it, 2);
    }
    begin(grid, &it, r);
    return it;
}

/* Opens the next row of cells: its slots, in one or two pieces. */
static void open_row(const skep_grid *g, skep_near_iter *it)
{
    const uint32_t y = (it->first[1] + it->y) & g->mask[1];
    const uint32_t z = (it->first[2] + it->z) & g->mask[2];
    const uint32_t to_end = g->dims[0] - it->first[0];
    const uint32_t straight = it->count[0] < to_end ? it->count[0] : to_end;
    const uint32_t *const start =
        (const uint32_t *)skep__grid_at(g, g->start) + (z * g->dims[1] + y) * g->dims[0];
    it->from = start[it->first[0]];
    it->to = start[it->first[0] + straight];
    it->wrapped_from = start[0];
    it->wrapped_to = start[it->count[0] - straight];
    if (++it->y == it->count[1]) {
        it->y = 0;
        it->z++;
    }
}

/* 1 when a coordinate is within reach of the point, else 0. */
static uint32_t within(float at, float point, float reach)
{
    const float far = at - point;
    return (far < 0.0f ? -far : far) <= reach;
}

/* Whether the entity of a slot is near the point, and not a stranger that shares a place with the
 * cells around it. No early way out: what the axes say is as random as can be, and a branch would
 * be mispredicted. */
static bool asked_for(const skep_grid *g, const skep_near_iter *it, uint32_t slot)
{
    const float *const x = skep__grid_at(g, g->field[0]);
    const float *const y = skep__grid_at(g, g->field[1]);
    const float *const z = skep__grid_at(g, g->field[g->axes - 1u]);
    const uint32_t third = g->axes - 1u; /* y once more in a grid of two axes */
    return (within(x[slot], it->at[0], it->reach[0]) & within(y[slot], it->at[1], it->reach[1]) &
            within(z[slot], it->at[third], it->reach[third])) != 0;
}

/* Takes the first run without strangers off the slots that are left of this row; 0 when only
 * strangers were left. */
static uint32_t take_run(const skep_grid *g, skep_near_iter *it, uint32_t *first)
{
    uint32_t from = it->from;
    while (from < it->to && !asked_for(g, it, from)) from++;
    uint32_t end = from;
    while (end < it->to && asked_for(g, it, end)) end++;
    it->from = end;
    *first = from;
    return end - from;
}

/* Moves on to slots that are left; false at the end of the walk. */
static bool find_slots(const skep_grid *g, skep_near_iter *it)
{
    while (it->from >= it->to) {
        if (it->wrapped_from < it->wrapped_to) {
            it->from = it->wrapped_from;
            it->to = it->wrapped_to;
            it->wrapped_from = it->wrapped_to;
        } else if (it->z < it->count[2]) {
            open_row(g, it);
        } else {
            return false;
        }
    }
    return true;
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

bool skep_grid_next_raw(const skep_grid *grid, skep_near_iter *it, skep_near *near)
{
    if (!find_slots(grid, it)) return false;
    show_run(grid, it->from, it->to - it->from, near);
    it->from = it->to;
    return true;
}

bool skep_grid_next(const skep_grid *grid, skep_near_iter *it, skep_near *near)
{
    if (!grid->folded) return skep_grid_next_raw(grid, it, near);
    while (find_slots(grid, it)) {
        uint32_t first = 0;
        const uint32_t n = take_run(grid, it, &first);
        if (n == 0) continue;
        show_run(grid, first, n, near);
        return true;
    }
    return false;
}

uint32_t skep_grid_count(const skep_grid *grid)
{
    return grid->count;
}

float skep_grid_cell(const skep_grid *grid)
{
    return grid->cell;
}
