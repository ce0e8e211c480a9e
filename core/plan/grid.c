/* SPDX-License-Identifier: MIT */
/* Building a grid: a counting sort by cell in three passes over the columns.
 *
 *     1. the outermost cells that hold somebody        (reads positions)
 *     2. the key of each row, and how many have it     (reads positions, writes keys)
 *     3. each row to its slot                          (reads all, writes all)
 *
 * The table has a place for every cell between the outermost ones when that is no more than a few
 * times the entities; else each axis is folded to a power of two, and cells that many apart share a
 * place. So one stray entity far away costs speed, never memory. The sort is stable: within a cell
 * the entities keep their storage order, which makes the result a function of the world alone.
 *
 * The passes are loops over plain arrays that compilers vectorise, but for the counting and
 * scattering, where each step depends on the last through memory. Sorting by comparison and hashed
 * lists of cells were not tried: the table of counts fits the second-level cache up to about
 * 100,000 entities. */
#include "core/plan/grid.h"

/* The most places for the cells of so many entities: enough that a place holds less than one of
 * them, and that a world of moderate emptiness need not be folded. A function of their number
 * alone, never of the room, since the order in which a walk meets its neighbours follows from it.
 */
static uint32_t cells_for(uint32_t count)
{
    uint32_t cells = SKEP__GRID_CELLS_MIN;
    while (cells < count && cells < (1u << 26)) cells *= 2;
    return cells * 4u;
}

void skep__grid_init(skep_grid *g, uint32_t axes, float cell, const uint16_t *field_bytes,
                     uint32_t field_count)
{
    SKEP_ASSERT(axes >= 2 && axes <= 3 && field_count >= axes);
    SKEP_ASSERT(field_count <= SKEP_GRID_FIELD_MAX);
    memset(g, 0, sizeof *g);
    g->cell = cell;
    g->inverse = 1.0f / cell;
    g->axes = axes;
    g->field_count = field_count;
    for (uint32_t i = 0; i < field_count; i++) g->field_bytes[i] = field_bytes[i];
}

/* Sums the arrays' bytes in the order in which they lie; writes their places where `g_out` is
 * given. */
static size_t lay_out(const skep_grid *g, uint32_t room, skep_grid *g_out)
{
    const size_t n = room;
    const size_t cells = cells_for(room);
    size_t at = SKEP__GRID_HEAD_BYTES;
    const size_t start = at;
    at = skep__align(at + (cells + 2) * sizeof(uint32_t), 64);
    const size_t entity = at;
    at = skep__align(at + n * sizeof(skep_entity), 64);
    const size_t row = at;
    at = skep__align(at + n * sizeof(uint32_t), 64);
    const size_t keys = at;
    at = skep__align(at + n * sizeof(uint32_t), 64);
    for (uint32_t i = 0; i < g->field_count; i++) {
        if (g_out) g_out->field[i] = (uint32_t)at;
        at = skep__align(at + n * g->field_bytes[i], 64);
    }
    if (!g_out) return at;
    g_out->start = (uint32_t)start;
    g_out->entity = (uint32_t)entity;
    g_out->row = (uint32_t)row;
    g_out->keys = (uint32_t)keys;
    return at;
}

size_t skep__grid_bytes(const skep_grid *g, uint32_t room)
{
    const size_t bytes = lay_out(g, room, NULL);
    return bytes <= UINT32_MAX ? bytes : 0;
}

void skep__grid_lay_out(skep_grid *g, uint32_t room)
{
    lay_out(g, room, g);
    g->room = room;
    g->count = 0;
}

/* ---- pass 1 ---------------------------------------------------------------------------------- */

static void widen(const float *SKEP_RESTRICT at, uint32_t n, float inverse, int32_t *low,
                  int32_t *high)
{
    int32_t min = *low;
    int32_t max = *high;
    for (uint32_t i = 0; i < n; i++) {
        const int32_t c = skep__grid_cell_of(at[i], inverse);
        min = c < min ? c : min;
        max = c > max ? c : max;
    }
    *low = min;
    *high = max;
}

static void find_bounds(skep_grid *g, const skep__grid_source *source)
{
    skep__grid_place place = {0};
    skep__grid_chunk chunk;
    for (uint32_t a = 0; a < 3; a++) {
        g->low[a] = a < g->axes ? INT32_MAX : 0;
        g->high[a] = a < g->axes ? INT32_MIN : 0;
    }
    while (source->next(source->ctx, &place, &chunk))
        for (uint32_t a = 0; a < g->axes; a++)
            widen(chunk.field[a], chunk.n, g->inverse, &g->low[a], &g->high[a]);
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Cells of an axis; at most 2^31 + 1. */
static uint32_t span_of(const skep_grid *g, uint32_t axis)
{
    return (uint32_t)g->high[axis] - (uint32_t)g->low[axis] + 1u;
}

/* Gives each axis a power of two: doubles the one that is folded most until the table is large
 * enough. */
static void fold(skep_grid *g)
{
    uint32_t cells = 1;
    g->folded = 1;
    for (uint32_t a = 0; a < 3; a++) g->dims[a] = 1;
    while (cells * 2u <= g->cells_max / 2u) {
        uint32_t most = 0;
        for (uint32_t a = 1; a < 3; a++) {
            const uint64_t folds = (uint64_t)span_of(g, a) * g->dims[most];
            if (folds > (uint64_t)span_of(g, most) * g->dims[a]) most = a;
        }
        g->dims[most] *= 2u;
        cells *= 2u;
    }
    g->cells = cells;
}

static void choose_table(skep_grid *g)
{
    uint64_t cells = 1;
    g->folded = 0;
    for (uint32_t a = 0; a < 3; a++) {
        g->dims[a] = span_of(g, a);
        cells *= g->dims[a];
        if (cells > g->cells_max) {
            fold(g);
            return;
        }
    }
    g->cells = (uint32_t)cells;
}

/* ---- pass 2 ---------------------------------------------------------------------------------- */

/* One axis of a chunk's keys: key = key * dim + place. */
static void add_axis(const float *SKEP_RESTRICT at, uint32_t *SKEP_RESTRICT keys, uint32_t n,
                     const skep_grid *g, uint32_t axis)
{
    const float inverse = g->inverse;
    const uint32_t low = (uint32_t)g->low[axis];
    const uint32_t dim = g->dims[axis];
    const uint32_t mask = g->folded ? dim - 1u : UINT32_MAX;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t cell = (uint32_t)skep__grid_cell_of(at[i], inverse);
        keys[i] = keys[i] * dim + ((cell - low) & mask);
    }
}

/* Writes the keys of all rows and counts them two places ahead, so that the sums of pass 3 leave
 * each cell's start in its own place when the rows are filed. */
static void count_keys(skep_grid *g, const skep__grid_source *source)
{
    uint32_t *const keys = skep__grid_at_mut(g, g->keys);
    uint32_t *const start = skep__grid_at_mut(g, g->start);
    memset(start, 0, ((size_t)g->cells + 2) * sizeof *start);
    memset(keys, 0, (size_t)g->count * sizeof *keys);
    skep__grid_place place = {0};
    skep__grid_chunk chunk;
    while (source->next(source->ctx, &place, &chunk)) {
        uint32_t *const own = keys + chunk.row;
        for (uint32_t a = g->axes; a-- > 0;) add_axis(chunk.field[a], own, chunk.n, g, a);
        for (uint32_t i = 0; i < chunk.n; i++) start[own[i] + 2]++;
    }
}

/* ---- pass 3 ---------------------------------------------------------------------------------- */

static void scatter_4(void *SKEP_RESTRICT to, const void *SKEP_RESTRICT from,
                      const uint32_t *SKEP_RESTRICT slots, uint32_t n)
{
    uint32_t *const out = to;
    const uint32_t *const in = from;
    for (uint32_t i = 0; i < n; i++) out[slots[i]] = in[i];
}

static void scatter_8(void *SKEP_RESTRICT to, const void *SKEP_RESTRICT from,
                      const uint32_t *SKEP_RESTRICT slots, uint32_t n)
{
    uint64_t *const out = to;
    const uint64_t *const in = from;
    for (uint32_t i = 0; i < n; i++) out[slots[i]] = in[i];
}

static void scatter_any(void *to, const void *from, const uint32_t *slots, uint32_t n, size_t bytes)
{
    for (uint32_t i = 0; i < n; i++)
        memcpy((uint8_t *)to + slots[i] * bytes, (const uint8_t *)from + i * bytes, bytes);
}

static void scatter(void *to, const void *from, const uint32_t *slots, uint32_t n, size_t bytes)
{
    if (bytes == 4) {
        scatter_4(to, from, slots, n);
    } else if (bytes == 8) {
        scatter_8(to, from, slots, n);
    } else {
        scatter_any(to, from, slots, n, bytes);
    }
}

static void file_chunk(skep_grid *g, const skep__grid_chunk *chunk)
{
    uint32_t *const slots = (uint32_t *)skep__grid_at_mut(g, g->keys) + chunk->row;
    uint32_t *const next = (uint32_t *)skep__grid_at_mut(g, g->start) + 1;
    uint32_t *const row = skep__grid_at_mut(g, g->row);
    for (uint32_t i = 0; i < chunk->n; i++) {
        const uint32_t slot = next[slots[i]]++;
        slots[i] = slot;
        row[slot] = chunk->row + i;
    }
    scatter_8(skep__grid_at_mut(g, g->entity), chunk->entity, slots, chunk->n);
    for (uint32_t f = 0; f < g->field_count; f++)
        scatter(skep__grid_at_mut(g, g->field[f]), chunk->field[f], slots, chunk->n,
                g->field_bytes[f]);
}

void skep__grid_fill(skep_grid *g, const skep__grid_source *source, uint32_t count)
{
    SKEP_ASSERT(count <= g->room);
    g->count = count;
    if (count == 0) return;
    g->cells_max = cells_for(count);
    find_bounds(g, source);
    choose_table(g);
    count_keys(g, source);
    uint32_t *const start = skep__grid_at_mut(g, g->start);
    uint32_t sum = 0;
    for (uint32_t c = 0; c <= g->cells; c++) {
        sum += start[c + 1];
        start[c + 1] = sum;
    }
    skep__grid_place place = {0};
    skep__grid_chunk chunk;
    while (source->next(source->ctx, &place, &chunk)) file_chunk(g, &chunk);
    SKEP_ASSERT(start[g->cells] == count);
}
