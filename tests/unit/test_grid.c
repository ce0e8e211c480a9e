/* SPDX-License-Identifier: MIT */
/* The grid's build and walk against brute force: everybody within reach is met exactly once, nobody
 * who is not in the asked cells is met, and the order is that of storage; dense and folded tables,
 * two and three axes, many chunk cuts, strays, infinities and NaN. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/plan/grid.h"

#define POINTS_MAX 20000u
#define CHUNKS_MAX 64u

/* A grid with what it was built from. */
typedef struct world {
    uint32_t n;
    uint32_t axes;
    float at[3][POINTS_MAX];
    uint8_t mark[POINTS_MAX];
    uint64_t weight[POINTS_MAX];
    skep_entity entity[POINTS_MAX];
    skep_grid *grid;
} world;

static float random_f32(uint64_t *seed)
{
    *seed += 1;
    return (float)(skep__hash_u64(*seed) >> 40) / 16777216.0f;
}

static uint32_t random_below(uint64_t *seed, uint32_t below)
{
    *seed += 1;
    return (uint32_t)(skep__hash_u64(*seed) % below);
}

/* Points cut into chunks of uneven lengths, some empty; a source for the build. */
typedef struct cuts {
    skep__grid_chunk chunks[CHUNKS_MAX];
    uint32_t count;
} cuts;

static bool next_cut(const void *ctx, skep__grid_place *place, skep__grid_chunk *chunk)
{
    const cuts *const all = ctx;
    if (place->block == all->count) return false;
    *chunk = all->chunks[place->block++];
    assert_int_equal(chunk->row, place->row);
    place->row += chunk->n;
    return true;
}

static void cut(const world *w, uint64_t seed, uint32_t pieces, cuts *out)
{
    uint32_t row = 0;
    out->count = pieces;
    for (uint32_t k = 0; k < pieces; k++) {
        const uint32_t left = w->n - row;
        const uint32_t n = k + 1 == pieces ? left : random_below(&seed, left / 2 + 2);
        skep__grid_chunk *const c = &out->chunks[k];
        memset(c, 0, sizeof *c);
        c->n = n < left ? n : left;
        c->row = row;
        c->entity = w->entity + row;
        for (uint32_t a = 0; a < 3 && a < w->axes; a++) c->field[a] = w->at[a] + row;
        c->field[w->axes] = w->mark + row;
        c->field[w->axes + 1] = w->weight + row;
        row += c->n;
    }
}

/* Hands that work in the opposite order, so that nothing can lean on the order. */
static void backwards(void *ctx, uint32_t n, void (*work)(void *work_ctx, uint32_t index),
                      void *work_ctx)
{
    *(uint32_t *)ctx += 1;
    while (n-- > 0) work(work_ctx, n);
}

static uint32_t phases_shared;

static void build_with(world *w, float cell, uint64_t seed, uint32_t pieces, uint32_t spare,
                       uint32_t hand_count)
{
    static cuts pieces_cut;
    const skep__grid_source source = {next_cut, &pieces_cut};
    const uint16_t bytes_2[] = {4, 4, 1, 8};
    const uint16_t bytes_3[] = {4, 4, 4, 1, 8};
    skep_grid head;
    skep__grid_init(&head, w->axes, cell, w->axes == 3 ? bytes_3 : bytes_2, w->axes + 2);
    const size_t bytes = skep__grid_bytes(&head, w->n + spare, hand_count);
    assert_true(bytes > 0);
    free(w->grid);
    w->grid = malloc(bytes + 1);
    assert_non_null(w->grid);
    memset(w->grid, 0xA5, bytes);
    *w->grid = head;
    skep__grid_lay_out(w->grid, w->n + spare, hand_count);
    cut(w, seed, pieces, &pieces_cut);
    const skep__grid_hands hands = {backwards, &phases_shared, hand_count};
    skep__grid_fill(w->grid, &source, w->n, hand_count > 1 ? &hands : NULL);
}

static void build(world *w, float cell, uint64_t seed, uint32_t pieces, uint32_t spare)
{
    build_with(w, cell, seed, pieces, spare, 1);
}

static void scatter_points(world *w, uint32_t n, uint32_t axes, float side, uint64_t *seed)
{
    w->n = n;
    w->axes = axes;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t a = 0; a < 3; a++) w->at[a][i] = (random_f32(seed) - 0.5f) * side;
        w->mark[i] = (uint8_t)i;
        w->weight[i] = skep__hash_u64(i);
        w->entity[i] = skep_entity_make(i * 3u, 1u + i % 7u);
    }
}

/* A raw walk meets everybody that a plain one meets, nobody twice, and whom else it likes. */
static void expect_raw_meets_more(const world *w, const float *at, float r, const uint8_t *met)
{
    static uint8_t raw[POINTS_MAX];
    skep_near near;
    skep_near_iter it = skep_grid_near3(w->grid, at[0], at[1], w->axes == 3 ? at[2] : 0.0f, r);
    memset(raw, 0, w->n);
    while (skep_grid_next_raw(w->grid, &it, &near))
        for (uint32_t k = 0; k < near.n; k++) assert_int_equal(raw[near.row[k]]++, 0);
    for (uint32_t i = 0; i < w->n; i++) assert_true(raw[i] >= met[i]);
}

/* Walks around a point; counts how often each point was met, and checks what the runs show of it.
 */
static void walk(const world *w, const float *at, float r, uint8_t *met)
{
    skep_near near;
    skep_near_iter it = w->axes == 3 ? skep_grid_near3(w->grid, at[0], at[1], at[2], r)
                                     : skep_grid_near(w->grid, at[0], at[1], r);
    memset(met, 0, w->n);
    while (skep_grid_next(w->grid, &it, &near)) {
        assert_true(near.n > 0);
        assert_true((near.z != NULL) == (w->axes == 3));
        for (uint32_t k = 0; k < near.n; k++) {
            const uint32_t i = near.row[k];
            assert_true(i < w->n);
            assert_true(met[i] < 255);
            met[i]++;
            assert_memory_equal(&near.x[k], &w->at[0][i], 4);
            assert_memory_equal(&near.y[k], &w->at[1][i], 4);
            if (near.z) assert_memory_equal(&near.z[k], &w->at[2][i], 4);
            assert_true(skep_entity_equal(near.entity[k], w->entity[i]));
            assert_int_equal(SKEP_NEAR(near, 0, uint8_t)[k], w->mark[i]);
            assert_true(SKEP_NEAR(near, 1, uint64_t)[k] == w->weight[i]);
        }
    }
}

/* Everybody within `r` on each axis is met once; who is met lies in a cell that the square touches.
 */
static void expect_met(const world *w, const float *at, float r, float cell, const uint8_t *met)
{
    for (uint32_t i = 0; i < w->n; i++) {
        bool within = true;
        bool touched = true;
        for (uint32_t a = 0; a < 3 && a < w->axes; a++) {
            const double far = fabs((double)w->at[a][i] - (double)at[a]);
            within = within && far <= (double)r;
            touched = touched && far <= ((double)r + (double)cell) * 1.0001;
        }
        if (met[i] > 1 || (within && met[i] != 1) || (met[i] && !touched))
            fail_msg("point %u met %u times, within %d", i, met[i], within);
    }
}

static void expect_walks(world *w, float cell, float side, uint32_t walks, uint64_t *seed)
{
    static uint8_t met[POINTS_MAX];
    for (uint32_t k = 0; k < walks; k++) {
        const float reach[] = {0.0f, cell * 0.5f, cell, cell * 3.7f, side};
        float at[3];
        for (uint32_t a = 0; a < 3; a++) at[a] = (random_f32(seed) - 0.5f) * side * 1.2f;
        /* Half of the walks begin at a point, so that distance 0 and cell borders are met. */
        const uint32_t i = random_below(seed, w->n);
        if (k % 2)
            for (uint32_t a = 0; a < 3; a++) at[a] = w->at[a][i];
        const float r = reach[k % 5];
        walk(w, at, r, met);
        expect_met(w, at, r, cell, met);
        expect_raw_meets_more(w, at, r, met);
    }
}

static void finds_everybody(uint32_t axes, float side, float cell, uint32_t folded)
{
    static world w;
    static const uint32_t sizes[] = {1, 2, 17, 300, 4000};
    uint64_t seed = 77;
    for (uint32_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        scatter_points(&w, sizes[k], axes, side, &seed);
        build(&w, cell, seed, 1 + k * 9, k);
        assert_int_equal(skep_grid_count(w.grid), sizes[k]);
        if (sizes[k] > 2) assert_int_equal(w.grid->folded, folded);
        expect_walks(&w, cell, side, 60, &seed);
    }
    free(w.grid);
    w.grid = NULL;
}

static void dense_tables(void **state)
{
    (void)state;
    finds_everybody(2, 100.0f, 10.0f, 0);
    finds_everybody(3, 100.0f, 20.0f, 0);
}

static void folded_tables(void **state)
{
    (void)state;
    finds_everybody(2, 1.0e6f, 10.0f, 1);
    finds_everybody(3, 1.0e6f, 7.0f, 1);
    finds_everybody(2, 3000.0f, 5.0f, 1);
}

/* Cell borders, whole numbers, -0: points on a lattice whose step is the cell. */
static void lattices(void **state)
{
    static world w;
    static uint8_t met[POINTS_MAX];
    (void)state;
    w.n = 0;
    w.axes = 2;
    for (int32_t y = -20; y < 20; y++)
        for (int32_t x = -20; x < 20; x++) {
            const uint32_t i = w.n++;
            w.at[0][i] = (float)x * 0.1f;
            w.at[1][i] = (float)y * 0.1f;
            w.mark[i] = (uint8_t)i;
            w.weight[i] = i;
            w.entity[i] = skep_entity_make(i, 1);
        }
    w.at[0][3] = -0.0f;
    build(&w, 0.1f, 1, 20, 0);
    for (uint32_t i = 0; i < w.n; i++) {
        const float at[3] = {w.at[0][i], w.at[1][i], 0.0f};
        walk(&w, at, 0.1f, met);
        expect_met(&w, at, 0.1f, 0.1f, met);
        walk(&w, at, 0.0f, met);
        expect_met(&w, at, 0.0f, 0.1f, met);
    }
    free(w.grid);
    w.grid = NULL;
}

/* One stray, an infinity or a NaN folds the table and must not lose, double or invent anybody. */
static void strays(void **state)
{
    static world w;
    static uint8_t met[POINTS_MAX];
    static const float stray[] = {1.0e30f, -1.0e30f, 3.0e9f, INFINITY, -INFINITY, NAN};
    uint64_t seed = 5;
    (void)state;
    for (uint32_t k = 0; k < sizeof stray / sizeof stray[0]; k++) {
        scatter_points(&w, 500, 2, 50.0f, &seed);
        w.at[k % 2][123] = stray[k];
        build(&w, 2.0f, seed, 7, 3);
        const float everywhere[3] = {0.0f, 0.0f, 0.0f};
        walk(&w, everywhere, INFINITY, met);
        /* A NaN is near nobody. */
        for (uint32_t i = 0; i < w.n; i++)
            assert_int_equal(met[i], i == 123 && isnan(stray[k]) ? 0 : 1);
        for (uint32_t q = 0; q < 40; q++) {
            const float at[3] = {w.at[0][q], w.at[1][q], 0.0f};
            walk(&w, at, 3.0f, met);
            expect_met(&w, at, 3.0f, 2.0f, met);
            assert_int_equal(met[123], 0);
        }
    }
    free(w.grid);
    w.grid = NULL;
}

/* The order of a walk, and so the sums a job makes of it, follow from the points alone: not from
 * how the columns are cut into chunks nor from how much room the grid has. */
static void order_follows_from_points(void **state)
{
    static world w;
    static uint32_t first[POINTS_MAX];
    uint64_t seed = 9;
    (void)state;
    scatter_points(&w, 3000, 2, 9000.0f, &seed);
    for (uint32_t round = 0; round < 12; round++) {
        build(&w, 10.0f, round, 1 + round * 5, round * 400);
        assert_int_equal(w.grid->folded, 1);
        uint32_t n = 0;
        skep_near near;
        skep_near_iter it = skep_grid_near(w.grid, 100.0f, -300.0f, 2000.0f);
        while (skep_grid_next(w.grid, &it, &near))
            for (uint32_t k = 0; k < near.n; k++, n++) {
                if (round == 0) first[n] = near.row[k];
                assert_int_equal(first[n], near.row[k]);
            }
        assert_true(n > 100);
    }
    free(w.grid);
    w.grid = NULL;
}

static void cells_keep_storage_order(void **state)
{
    static world w;
    uint64_t seed = 3;
    (void)state;
    scatter_points(&w, 2000, 2, 100.0f, &seed);
    for (uint32_t i = 0; i < w.n; i++) w.at[0][i] = w.at[1][i] = 1.0f;
    build(&w, 10.0f, 4, 13, 0);
    skep_near near;
    skep_near_iter it = skep_grid_near(w.grid, 1.0f, 1.0f, 0.0f);
    assert_true(skep_grid_next(w.grid, &it, &near));
    assert_int_equal(near.n, 2000);
    for (uint32_t k = 0; k < near.n; k++) assert_int_equal(near.row[k], k);
    assert_false(skep_grid_next(w.grid, &it, &near));
    free(w.grid);
    w.grid = NULL;
}

static void empty_grids_and_odd_questions(void **state)
{
    static world w;
    skep_grid zero;
    skep_near near;
    uint64_t seed = 8;
    (void)state;
    memset(&zero, 0, sizeof zero);
    skep_near_iter it = skep_grid_near(&zero, 0.0f, 0.0f, 1.0f);
    assert_false(skep_grid_next(&zero, &it, &near));
    scatter_points(&w, 100, 2, 10.0f, &seed);
    build(&w, 1.0f, 1, 3, 0);
    it = skep_grid_near(w.grid, 0.0f, 0.0f, -1.0f);
    assert_false(skep_grid_next(w.grid, &it, &near));
    it = skep_grid_near(w.grid, 0.0f, 0.0f, NAN);
    assert_false(skep_grid_next(w.grid, &it, &near));
    it = skep_grid_near(w.grid, 500.0f, 0.0f, 1.0f);
    assert_false(skep_grid_next(w.grid, &it, &near));
    w.n = 0;
    build(&w, 1.0f, 1, 1, 0);
    it = skep_grid_near(w.grid, 0.0f, 0.0f, 100.0f);
    assert_false(skep_grid_next(w.grid, &it, &near));
    assert_true(skep_grid_cell(w.grid) == 1.0f);
    free(w.grid);
    w.grid = NULL;
}

/* Points of the unit sphere, most of them around the poles and along the date line. */
static void scatter_on_sphere(world *w, uint32_t n, uint64_t *seed)
{
    scatter_points(w, n, 3, 1.0f, seed);
    for (uint32_t i = 0; i < n; i++) {
        const double pi = 3.14159265358979323846;
        double lat = asin((double)random_f32(seed) * 2.0 - 1.0);
        double lon = ((double)random_f32(seed) * 2.0 - 1.0) * pi;
        const double small = ((double)random_f32(seed) - 0.5) * 0.02;
        if (i % 4 == 0) lat = i % 8 ? pi / 2.0 - fabs(small) : fabs(small) - pi / 2.0;
        if (i % 4 == 1) lon = small > 0.0 ? pi - small : -pi - small;
        if (i % 8 == 1) lat = ((double)random_f32(seed) - 0.5) * 0.3;
        w->at[0][i] = (float)(cos(lat) * cos(lon));
        w->at[1][i] = (float)(cos(lat) * sin(lon));
        w->at[2][i] = (float)sin(lat);
    }
}

static bool is_pair(const world *w, uint32_t i, uint32_t k, float chord)
{
    const float dx = w->at[0][k] - w->at[0][i];
    const float dy = w->at[1][k] - w->at[1][i];
    const float dz = w->at[2][k] - w->at[2][i];
    return i != k && dx * dx + dy * dy + dz * dz <= chord * chord;
}

/* Who is within 5 nautical miles on the earth: the same pairs as by brute force, everywhere on it.
 */
static void sphere_has_no_holes(void **state)
{
    static world w;
    const float nm = 1.0f / 3440.07f;
    uint64_t seed = 21;
    uint32_t pairs_of_pole = 0;
    uint32_t pairs_of_date_line = 0;
    (void)state;
    scatter_on_sphere(&w, 2000, &seed);
    build(&w, 20.0f * nm, 3, 9, 0);
    for (uint32_t i = 0; i < w.n; i++) {
        uint32_t met = 0;
        uint32_t expected = 0;
        skep_near near;
        skep_near_iter it = skep_grid_near3(w.grid, w.at[0][i], w.at[1][i], w.at[2][i], 5.0f * nm);
        while (skep_grid_next(w.grid, &it, &near))
            for (uint32_t k = 0; k < near.n; k++) met += is_pair(&w, i, near.row[k], 5.0f * nm);
        for (uint32_t k = 0; k < w.n; k++) expected += is_pair(&w, i, k, 5.0f * nm);
        assert_int_equal(met, expected);
        pairs_of_pole += i % 4 == 0 ? expected : 0;
        pairs_of_date_line += i % 8 == 1 ? expected : 0;
    }
    assert_true(pairs_of_pole > 20);
    assert_true(pairs_of_date_line > 5);
    free(w.grid);
    w.grid = NULL;
}

/* Any number of hands makes the same grid, byte for byte of what a walk can see. */
static void hands_change_nothing(void **state)
{
    static world one;
    static world many;
    uint64_t seed = 31;
    (void)state;
    for (uint32_t hand_count = 2; hand_count <= SKEP__GRID_HANDS_MAX; hand_count++) {
        for (uint32_t pieces = 1; pieces <= 41; pieces += 10) {
            uint64_t again = seed;
            const uint32_t axes = 2 + pieces / 10 % 2;
            scatter_points(&one, POINTS_MAX, axes, 3000.0f, &seed);
            scatter_points(&many, POINTS_MAX, axes, 3000.0f, &again);
            build(&one, 10.0f, pieces, 1, 0);
            phases_shared = 0;
            build_with(&many, 10.0f, pieces, pieces, 0, hand_count);
            assert_true(pieces == 1 || phases_shared == 3);
            assert_int_equal(one.grid->cells, many.grid->cells);
            for (uint32_t f = 0; f < one.grid->field_count; f++)
                assert_memory_equal(skep__grid_at(one.grid, one.grid->field[f]),
                                    skep__grid_at(many.grid, many.grid->field[f]),
                                    (size_t)one.n * one.grid->field_bytes[f]);
            assert_memory_equal(skep__grid_at(one.grid, one.grid->entity),
                                skep__grid_at(many.grid, many.grid->entity), one.n * 8u);
            assert_memory_equal(skep__grid_at(one.grid, one.grid->row),
                                skep__grid_at(many.grid, many.grid->row), one.n * 4u);
            assert_memory_equal(skep__grid_at(one.grid, one.grid->start),
                                skep__grid_at(many.grid, many.grid->start),
                                (one.grid->cells + 1u) * 4u);
        }
    }
    free(one.grid);
    free(many.grid);
    one.grid = many.grid = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_tables),
        cmocka_unit_test(folded_tables),
        cmocka_unit_test(lattices),
        cmocka_unit_test(strays),
        cmocka_unit_test(order_follows_from_points),
        cmocka_unit_test(cells_keep_storage_order),
        cmocka_unit_test(sphere_has_no_holes),
        cmocka_unit_test(hands_change_nothing),
        cmocka_unit_test(empty_grids_and_odd_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
