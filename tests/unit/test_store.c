/* SPDX-License-Identifier: MIT */
/* The storage from the inside: slots, ownership, the free queue's rules, growth, and what a table
 * costs. */
#include "core/store/index.h"
#include "core/store/layout.h"
#include "core/store/store.h"
#include "support/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

SKEP_COMPONENT(Spot, (f32, x), (f32, y));
SKEP_COMPONENT(Drift, (f32, x), (f32, y));
SKEP_COMPONENT(Heavy, (f64, m, 128));
SKEP_TAG(T0);
SKEP_TAG(T1);
SKEP_TAG(T2);
SKEP_TAG(T3);
SKEP_TAG(T4);
SKEP_TAG(T5);
SKEP_TAG(T6);
SKEP_TAG(T7);
SKEP_TAG(T8);
SKEP_TAG(T9);

typedef struct bed {
    test_region region;
    skep__store store;
} bed;

static int open_bed(void **state)
{
    bed *b = calloc(1, sizeof *b);
    if (!b || !test_region_open(&b->region, (size_t)128 << 20)) return -1;
    *state = b;
    return skep__store_init(&b->store, &b->region.region, &b->region.allocator, 5000) == SKEP_OK
               ? 0
               : -1;
}

static int close_bed(void **state)
{
    bed *b = *state;
    skep__store_deinit(&b->store);
    const bool clean = test_region_close(&b->region);
    free(b);
    return clean ? 0 : -1;
}

/* ---- the arena ------------------------------------------------------------------------------- */

static void test_slots_come_back_last_in_first_out(void **state)
{
    skep__arena *a = &((bed *)*state)->store.arena;
    const uint32_t first = skep__arena_take(a, 4096), second = skep__arena_take(a, 4096);
    assert_int_not_equal(first, 0);
    assert_true(skep__slot_data(a, first) != skep__slot_data(a, second));
    skep__arena_drop(a, first);
    skep__arena_drop(a, second);
    assert_int_equal(skep__arena_take(a, 4096), second);
    assert_int_equal(skep__arena_take(a, 4096), first);
}

static void test_runs_lie_behind_each_other(void **state)
{
    skep__arena *a = &((bed *)*state)->store.arena;
    uint32_t names[8];
    assert_true(skep__arena_take_run(a, 4096, 8, names));
    for (uint32_t i = 1; i < 8; i++) {
        const uint8_t *here = skep__slot_data(a, names[i]);
        const uint8_t *before = skep__slot_data(a, names[i - 1]);
        assert_int_equal(here - before, 4096 + 64);
        assert_int_equal((uintptr_t)here % 64, 0);
    }
}

static void test_large_slots_take_pages_and_give_them_back(void **state)
{
    skep__arena *a = &((bed *)*state)->store.arena;
    const size_t live = a->live_bytes;
    const uint32_t large = skep__arena_take(a, (size_t)5 << 20);
    assert_int_not_equal(large, 0);
    memset(skep__slot_data(a, large), 1, (size_t)5 << 20);
    assert_true(a->live_bytes - live == (size_t)6 << 20);
    const uint32_t pages = a->page_count;
    skep__arena_drop(a, large);
    assert_true(a->live_bytes == live);
    assert_int_not_equal(skep__arena_take(a, (size_t)6 << 20), 0);
    assert_int_equal(a->page_count, pages);
    assert_int_equal(skep__arena_take(a, (size_t)1 << 30), 0);
}

/* ---- the free queue -------------------------------------------------------------------------- */

static skep_entity born(skep__store *s)
{
    skep_entity e = skep_entity_null();
    assert_int_equal(skep__ids_take(s, 1, &e), 1);
    assert_int_equal(skep__row_add(s, 1, e, 1), SKEP_OK);
    return e;
}

static void test_indexes_are_used_again_oldest_first(void **state)
{
    skep__store *s = &((bed *)*state)->store;
    skep_entity e[4];
    for (uint32_t i = 0; i < 4; i++) e[i] = born(s);
    assert_int_equal(skep__row_destroy(s, e[2]), SKEP_OK);
    assert_int_equal(skep__row_destroy(s, e[0]), SKEP_OK);
    assert_int_equal(skep__row_destroy(s, e[0]), SKEP_GONE);
    const skep_entity a = born(s), b = born(s), c = born(s);
    assert_int_equal(skep_entity_index(a), 2);
    assert_int_equal(skep_entity_generation(a), 2);
    assert_int_equal(skep_entity_index(b), 0);
    assert_int_equal(skep_entity_index(c), 4);
    assert_int_equal(skep_entity_generation(c), 1);
}

static void test_handles_given_back_were_never_taken(void **state)
{
    skep__store *s = &((bed *)*state)->store;
    skep_entity e[6];
    for (uint32_t i = 0; i < 6; i++) e[i] = born(s);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(skep__row_destroy(s, e[i]), SKEP_OK);
    const skep__free_queue before = s->queue;
    skep_entity taken[8]; /* 0 1 2 from the queue, 6 7 8 9 10 fresh */
    assert_int_equal(skep__ids_take(s, 8, taken), 8);
    assert_false(skep__alive(s, taken[0]));
    skep__ids_return(s, taken, 8);
    assert_memory_equal(&before, &s->queue, sizeof before);
    /* Used: 1 of the queue and 8 of the fresh. 0 and 2 go back to the front, 9 and 10 were never
     * used, 6 and 7 lie below a used one and join the end in index order. */
    assert_int_equal(skep__ids_take(s, 8, taken), 8);
    assert_int_equal(skep__row_add(s, 1, taken[1], 1), SKEP_OK);
    assert_int_equal(skep__row_add(s, 1, taken[5], 1), SKEP_OK);
    const skep_entity unused[] = {taken[0], taken[2], taken[3], taken[4], taken[6], taken[7]};
    skep__ids_return(s, unused, 6);
    assert_int_equal(s->queue.index_count, 9);
    const uint32_t want[] = {0, 2, 6, 7, 9};
    for (uint32_t i = 0; i < 5; i++) assert_int_equal(skep_entity_index(born(s)), want[i]);
}

static void test_a_given_handle_can_be_claimed_once(void **state)
{
    skep__store *s = &((bed *)*state)->store;
    const skep_entity e = skep_entity_make(7, 33);
    assert_int_equal(skep__id_claim(s, e), SKEP_OK);
    assert_int_equal(skep__row_add(s, 1, e, 1), SKEP_OK);
    assert_int_equal(skep__id_claim(s, skep_entity_make(7, 34)), SKEP_EXISTS);
    assert_int_equal(skep__id_claim(s, skep_entity_make(5000, 1)), SKEP_LIMIT);
    assert_int_equal(skep__id_claim(s, skep_entity_null()), SKEP_ARGUMENT);
    assert_true(skep__alive(s, e));
    for (uint32_t i = 0; i < 7; i++) assert_int_equal(skep_entity_index(born(s)), i);
    assert_int_equal(skep_entity_index(born(s)), 8);
}

static void test_an_index_retires_after_its_last_generation(void **state)
{
    skep__store *s = &((bed *)*state)->store;
    const skep_entity last = skep_entity_make(0, SKEP_GENERATION_MAX);
    assert_int_equal(skep__id_claim(s, last), SKEP_OK);
    assert_int_equal(skep__row_add(s, 1, last, 1), SKEP_OK);
    assert_int_equal(skep__row_destroy(s, last), SKEP_OK);
    assert_false(skep__alive(s, last));
    assert_false(skep__alive(s, skep_entity_null()));
    assert_int_equal(skep_entity_index(born(s)), 1);
}

static void test_W2_one_entity_too_many_is_a_limit_and_no_alias(void **state)
{
    skep__store *s = &((bed *)*state)->store;
    static skep_entity all[5001];
    assert_int_equal(skep__ids_take(s, 5001, all), 5000);
    assert_string_equal(s->limit, "entity_max");
    skep__ids_return(s, all, 5000);
    assert_int_equal(skep__rows_create(s, 1, 5001, NULL, 1), SKEP_LIMIT);
    assert_int_equal(s->entity_count, 0);
    assert_int_equal(skep__rows_create(s, 1, 5000, NULL, 1), SKEP_OK);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static uint32_t table_of(skep__store *s, const skep_component *const *infos, uint32_t count)
{
    uint16_t types[16];
    uint32_t table = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = 0;
        assert_int_equal(skep__type_add(s, infos[i], &number), SKEP_OK);
        uint32_t at = i;
        for (; at > 0 && types[at - 1] > number; at--) types[at] = types[at - 1];
        types[at] = (uint16_t)number;
    }
    assert_int_equal(skep__table_for(s, types, count, &table), SKEP_OK);
    return table;
}

static void test_a_small_table_grows_into_blocks(void **state)
{
    skep__store *s = &((bed *)*state)->store;
    const skep_component *const infos[] = {&Spot_info, &Drift_info};
    const uint32_t id = table_of(s, infos, 2);
    const uint32_t caps[] = {8, 8, 32, 32, 128, 128, 512, 512, 1024, 2048};
    const uint32_t at[] = {1, 8, 9, 32, 33, 128, 129, 512, 513, 1025};
    skep__table *t = s->tables[id];
    uint32_t next = 0;
    for (uint32_t i = 1; i <= 1100; i++) {
        skep_entity e;
        uint32_t row = 0;
        assert_int_equal(skep__row_create(s, t, &e, &row), SKEP_OK);
        const skep__line *line = skep__line_of(t, row >> t->shift);
        const Spot spot = {(float)i, (float)-(int)i};
        skep__value_store(&Spot_info, &line->cells[1], row & 1023, &spot);
        if (next < 10 && i == at[next]) assert_int_equal(t->row_cap, caps[next++]);
    }
    assert_int_equal(next, 10);
    assert_int_equal(t->small_slot, 0);
    for (uint32_t i = 0; i < 1100; i++) {
        Spot spot;
        skep__value_load(&Spot_info, &skep__line_of(t, i >> 10)->cells[1], i & 1023, &spot);
        assert_true(spot.x == (float)(i + 1) && spot.y == -(float)(i + 1));
    }
}

static void test_wide_columns_get_fewer_rows(void **state)
{
    skep__store *s = &((bed *)*state)->store;
    const skep_component *const heavy[] = {&Heavy_info};
    const skep_component *const spot[] = {&Spot_info};
    assert_int_equal(1u << s->tables[table_of(s, heavy, 1)]->shift, 32);
    assert_int_equal(1u << s->tables[table_of(s, spot, 1)]->shift, 1024);
}

/* A slot that a reader holds is copied before it is written, and only then. */
static void test_a_held_block_is_copied_before_it_is_written(void **state)
{
    skep__store *s = &((bed *)*state)->store;
    const skep_component *const infos[] = {&Spot_info};
    const uint32_t id = table_of(s, infos, 1);
    assert_int_equal(skep__rows_create(s, id, 1500, NULL, 1), SKEP_OK);
    skep__table *t = s->tables[id];
    const uint32_t name = t->names[1];
    const uint8_t *old = skep__line_of(t, 0)->cells[1].data;
    skep__epoch_raise(s);
    assert_int_equal(skep__own_cell(s, t, 0, 1), SKEP_OK);
    assert_ptr_equal(skep__line_of(t, 0)->cells[1].data, old);
    skep__arena_hold(&s->arena, name);
    skep__epoch_raise(s);
    assert_false(skep__cell_alone(s, t, 0, 1));
    *skep__slot_hash(&s->arena, name) = 99;
    assert_int_equal(skep__own_cell(s, t, 0, 1), SKEP_OK);
    assert_ptr_not_equal(skep__line_of(t, 0)->cells[1].data, old);
    assert_int_equal(*skep__slot_hash(&s->arena, t->names[1]), 0);
    assert_int_equal(*skep__slot_hash(&s->arena, name), 99);
    assert_int_equal(skep__slot_refs(&s->arena, name), 1);
    skep__arena_drop(&s->arena, name);
}

static void test_edges_lead_there_and_back(void **state)
{
    skep__store *s = &((bed *)*state)->store;
    const skep_component *const infos[] = {&Spot_info};
    const uint32_t id = table_of(s, infos, 1);
    uint32_t drift = 0, heavy = 0;
    assert_int_equal(skep__type_add(s, &Drift_info, &drift), SKEP_OK);
    assert_int_equal(skep__type_add(s, &Heavy_info, &heavy), SKEP_OK);
    skep__edge *e = NULL;
    assert_int_equal(skep__edge_get(s, id, drift, true, &e), SKEP_OK);
    const uint32_t there = e->to;
    assert_int_not_equal(there, id);
    assert_int_equal(skep__edge_get(s, there, drift, false, &e), SKEP_OK);
    assert_int_equal(e->to, id);
    assert_int_equal(skep__edge_get(s, there, drift, true, &e), SKEP_OK);
    assert_int_equal(e->to, there);
    assert_int_equal(skep__edge_get(s, id, heavy, false, &e), SKEP_OK);
    assert_int_equal(e->to, id);
}

static void test_another_layout_of_a_name_is_refused(void **state)
{
    static const skep_field fields[] = {{"x", SKEP_TYPE_f64, 8, 1, 0}};
    static const skep_component other = {"Spot", fields, 1, 8, 8, SKEP_KIND_COMPONENT};
    static const skep_field bad_fields[] = {{"x", SKEP_TYPE_f64, 4, 1, 0}};
    static const skep_component bad = {"Bad", bad_fields, 1, 8, 8, SKEP_KIND_COMPONENT};
    skep__store *s = &((bed *)*state)->store;
    uint32_t number = 0, again = 0;
    assert_int_equal(skep__type_add(s, &Spot_info, &number), SKEP_OK);
    assert_int_equal(skep__type_add(s, &other, &again), SKEP_SCHEMA);
    assert_int_equal(skep__type_add(s, &bad, &again), SKEP_ARGUMENT);
    static skep_component twin; /* the same description at another address is the same component */
    twin = Spot_info;
    assert_int_equal(skep__type_add(s, &twin, &again), SKEP_OK);
    assert_int_equal(number, again);
}

static void test_watching_gives_rows_stamps(void **state)
{
    skep__store *s = &((bed *)*state)->store;
    const skep_component *const infos[] = {&Spot_info};
    const uint32_t id = table_of(s, infos, 1);
    static skep_entity e[1500];
    uint32_t spot = 0, row = 0;
    assert_int_equal(skep__rows_create(s, id, 1500, e, 1), SKEP_OK);
    assert_int_equal(skep__type_add(s, &Spot_info, &spot), SKEP_OK);
    const skep__cell *cell = NULL;
    assert_int_equal(skep__value_own(s, e[1200], spot, 5, &cell, &row), SKEP_OK);
    const Spot value = {4.0f, 2.0f};
    skep__value_store(&Spot_info, cell, row, &value);
    assert_int_equal(skep__type_watch(s, spot), SKEP_OK);
    assert_int_equal(skep__value_own(s, e[3], spot, 9, &cell, &row), SKEP_OK);
    const skep__table *t = s->tables[id];
    const uint32_t column = t->layout->stamps[0];
    const uint64_t *stamps =
        (const uint64_t *)(const void *)skep__line_of(t, 0)->cells[column].data;
    assert_int_equal(stamps[3], 9);
    assert_int_equal(stamps[4], 0);
    Spot kept;
    cell = skep__value_find(s, e[1200], spot, &row);
    assert_non_null(cell);
    skep__value_load(&Spot_info, cell, row, &kept);
    assert_true(kept.x == 4.0f && kept.y == 2.0f);
}

/* The bar: 1,000 tables of one entity in at most 2 MiB of slots and table structs. */
static void test_a_thousand_tables_fit_into_two_mebibytes(void **state)
{
    bed *b = *state;
    skep__store *s = &b->store;
    const skep_component *const tags[] = {&T0_info, &T1_info, &T2_info, &T3_info, &T4_info,
                                          &T5_info, &T6_info, &T7_info, &T8_info, &T9_info};
    const size_t before = s->arena.live_bytes + b->region.live_bytes - s->arena.page_count;
    const uint32_t pages = s->arena.page_count;
    for (uint32_t i = 1; i <= 1000; i++) {
        const skep_component *infos[12] = {&Spot_info, &Drift_info};
        uint32_t count = 2;
        for (uint32_t k = 0; k < 10; k++)
            if (i >> k & 1u) infos[count++] = tags[k];
        assert_int_equal(skep__rows_create(s, table_of(s, infos, count), 1, NULL, 1), SKEP_OK);
    }
    size_t side = 0; /* counts and hashes of pages are there whether slots are used or not */
    for (uint32_t i = pages; i < s->arena.page_count; i++)
        side += s->arena.pages[i].slot_count * 12u;
    const size_t bytes =
        s->arena.live_bytes + b->region.live_bytes - s->arena.page_count - before - side;
    printf("1,000 tables of one entity: %zu bytes each\n", bytes / 1000);
    assert_true(bytes <= (size_t)2 << 20);
}

#define BED(f) cmocka_unit_test_setup_teardown(f, open_bed, close_bed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BED(test_slots_come_back_last_in_first_out),
        BED(test_runs_lie_behind_each_other),
        BED(test_large_slots_take_pages_and_give_them_back),
        BED(test_indexes_are_used_again_oldest_first),
        BED(test_handles_given_back_were_never_taken),
        BED(test_a_given_handle_can_be_claimed_once),
        BED(test_an_index_retires_after_its_last_generation),
        BED(test_W2_one_entity_too_many_is_a_limit_and_no_alias),
        BED(test_a_small_table_grows_into_blocks),
        BED(test_wide_columns_get_fewer_rows),
        BED(test_a_held_block_is_copied_before_it_is_written),
        BED(test_edges_lead_there_and_back),
        BED(test_another_layout_of_a_name_is_refused),
        BED(test_watching_gives_rows_stamps),
        BED(test_a_thousand_tables_fit_into_two_mebibytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
