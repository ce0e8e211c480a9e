/* SPDX-License-Identifier: MIT */
/* White-box tests of the world hash: what is kept between two calls, what makes it forget, and what
 * stays out of it. */
#include "core/data/snapshot_internal.h"
#include "skep/world.h"
#include "support/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

SKEP_COMPONENT(F32, (f32, x), (f32, m, 3));
SKEP_COMPONENT(F64, (f64, x));
SKEP_EVENT(Blip, (f32, x), (u8, kind));
SKEP_RESOURCE(Mean, (f64, x), (f32, m, 5));

typedef struct lab {
    test_region memory;
    skep_world *world;
} lab;

static void lab_open(lab *l)
{
    assert_true(test_region_open(&l->memory, (size_t)128 << 20));
    skep_world_desc d = skep_world_desc_default();
    d.entity_max = 1u << 16;
    d.region = l->memory.region;
    d.allocator = l->memory.allocator;
    assert_int_equal(skep_world_create(&d, &l->world), SKEP_OK);
}

static void lab_close(lab *l)
{
    skep_world_destroy(l->world);
    assert_true(test_region_close(&l->memory));
}

static float f32_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

static double f64_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, 8);
    return x;
}

/* A world of 1,500 rows with NaNs of this payload in a full block, in a tail, in an event and a
 * resource. */
static uint64_t hash_with_nans(uint32_t f32_bits, uint64_t f64_bits)
{
    lab l;
    lab_open(&l);
    skep_entity *e = malloc(1500 * sizeof *e);
    assert_non_null(e);
    const skep_part parts[2] = {skep_part_make(&F32_info, NULL), skep_part_make(&F64_info, NULL)};
    assert_int_equal(skep_entity_create_many(l.world, 1500, parts, 2, e), SKEP_OK);
    const float f = f32_of(f32_bits);
    const uint32_t at[4] = {0, 700, 1023, 1400};
    for (uint32_t i = 0; i < 4; i++) {
        const F32 a = {f, {1, f, 2}};
        const F64 b = {f64_of(f64_bits)};
        assert_int_equal(skep_world_set(l.world, e[at[i]], &F32_info, &a), SKEP_OK);
        assert_int_equal(skep_world_set(l.world, e[at[i]], &F64_info, &b), SKEP_OK);
    }
    const Blip blip = {f, 3};
    const Mean mean = {f64_of(f64_bits), {1, 2, f, 4, 5}};
    assert_int_equal(skep_world_send(l.world, &Blip_info, e[3], &blip), SKEP_OK);
    assert_int_equal(skep_world_resource_set(l.world, &Mean_info, &mean, sizeof mean), SKEP_OK);
    const uint64_t h = skep_world_hash(l.world);
    assert_true(h == skep_world_hash(l.world)); /* kept hashes say the same */
    free(e);
    lab_close(&l);
    return h;
}

static void test_nan_is_one(void **state)
{
    (void)state;
    const uint64_t quiet = UINT64_C(0x7ff8000000000000);
    const uint64_t h = hash_with_nans(0x7fc00000u, quiet);
    assert_true(h == hash_with_nans(0xffc00000u, quiet));
    assert_true(h == hash_with_nans(0x7f800001u, quiet));
    assert_true(h == hash_with_nans(0x7fffffffu, UINT64_C(0xffffffffffffffff)));
    assert_true(h == hash_with_nans(0x7fc12345u, UINT64_C(0x7ff0000000000001)));
    /* Infinity is none, and 0 is not -0. */
    assert_true(h != hash_with_nans(0x7f800000u, quiet));
    assert_true(h != hash_with_nans(0x7fc00000u, UINT64_C(0x7ff0000000000000)));
    assert_true(hash_with_nans(0, 0) != hash_with_nans(0x80000000u, 0));
    assert_true(hash_with_nans(0, 0) != hash_with_nans(0, UINT64_C(1) << 63));
}

/* Which blocks of a column have a kept hash, one bit a block. */
static uint32_t kept_blocks(const lab *l, const skep__table *t, uint32_t column)
{
    uint32_t kept = 0;
    for (uint32_t b = 0; b < skep__table_blocks(t); b++) {
        const uint32_t name = t->names[b * t->layout->column_count + column];
        if (*skep__slot_hash(&l->world->store.arena, name)) kept |= 1u << b;
    }
    return kept;
}

static void test_kept_until_written(void **state)
{
    (void)state;
    lab l;
    lab_open(&l);
    skep_entity *e = malloc(3500 * sizeof *e);
    assert_non_null(e);
    const skep_part part = skep_part_make(&F64_info, NULL);
    assert_int_equal(skep_entity_create_many(l.world, 3500, &part, 1, e), SKEP_OK);
    const skep__store *s = &l.world->store;
    const skep__table *t = s->tables[skep__record_table(s->index[skep_entity_index(e[0])])];
    assert_int_equal(kept_blocks(&l, t, 1), 0);
    const uint64_t epoch = s->epoch;
    const uint64_t first = skep_world_hash(l.world);
    assert_true(s->epoch > epoch);
    assert_int_equal(kept_blocks(&l, t, 0), 7); /* the tail is hashed each time */
    assert_int_equal(kept_blocks(&l, t, 1), 7);
    assert_int_equal(F64_set(l.world, e[1024], SKEP_LIT(F64, 5)), SKEP_OK);
    assert_int_equal(kept_blocks(&l, t, 0), 7);
    assert_int_equal(kept_blocks(&l, t, 1), 5);
    const uint64_t second = skep_world_hash(l.world);
    assert_true(second != first);
    assert_int_equal(kept_blocks(&l, t, 1), 7);
    /* The block is exclusive and was written in the epoch before: without the raise this write
     * would go straight in, past the kept hash. */
    assert_int_equal(F64_set(l.world, e[1024], SKEP_LIT(F64, 6)), SKEP_OK);
    assert_true(skep_world_hash(l.world) != second);
    assert_int_equal(F64_set(l.world, e[1024], SKEP_LIT(F64, 0)), SKEP_OK);
    assert_true(skep_world_hash(l.world) == first);
    /* A block that stops being full is a tail, and one again later. */
    for (uint32_t i = 3499; i >= 2000; i--)
        assert_int_equal(skep_entity_destroy(l.world, e[i]), SKEP_OK);
    const uint64_t fewer = skep_world_hash(l.world);
    assert_int_equal(skep_entity_create_many(l.world, 1500, &part, 1, e + 2000), SKEP_OK);
    assert_true(skep_world_hash(l.world) != fewer);
    free(e);
    lab_close(&l);
}

static void set_record(skep_world *w, const char *name, uint8_t byte)
{
    uint32_t i = 0;
    assert_int_equal(skep__world_record(w, name, &i), SKEP_OK);
    skep__record *r = skep__record_write(w, i);
    assert_non_null(r);
    r->bytes[10] = byte;
}

/* Records count by name, in whatever order the systems were added; untouched ones do not. */
static void test_records(void **state)
{
    (void)state;
    lab a;
    lab b;
    lab_open(&a);
    lab_open(&b);
    const uint64_t none = skep_world_hash(a.world);
    set_record(a.world, "move", 0);
    assert_true(skep_world_hash(a.world) == none);
    set_record(a.world, "move", 1);
    set_record(a.world, "shoot", 2);
    set_record(b.world, "shoot", 2);
    set_record(b.world, "move", 1);
    assert_true(skep_world_hash(a.world) != none);
    assert_true(skep_world_hash(a.world) == skep_world_hash(b.world));
    set_record(b.world, "move", 2);
    set_record(b.world, "shoot", 1);
    assert_true(skep_world_hash(a.world) != skep_world_hash(b.world));
    lab_close(&a);
    lab_close(&b);
}

static void test_numbers_of_the_world(void **state)
{
    (void)state;
    lab l;
    lab_open(&l);
    uint64_t hash[4];
    hash[0] = skep_world_hash(l.world);
    l.world->tick++;
    hash[1] = skep_world_hash(l.world);
    l.world->seed++;
    hash[2] = skep_world_hash(l.world);
    l.world->time += 1e-300;
    hash[3] = skep_world_hash(l.world);
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t k = 0; k < i; k++) assert_true(hash[i] != hash[k]);
    const uint64_t epoch = l.world->store.epoch;
    l.world->store.epoch += 1000;
    l.world->stamp += 5;
    assert_true(skep_world_hash(l.world) == hash[3]);
    assert_true(l.world->store.epoch > epoch);
    lab_close(&l);
}

/* A long free queue is summed by index page and kept; every way to change it is seen. */
static void test_long_queue(void **state)
{
    (void)state;
    lab l;
    lab_open(&l);
    const uint32_t n = 20000;
    skep_entity *e = malloc(n * sizeof *e);
    assert_non_null(e);
    assert_int_equal(skep_entity_create_many(l.world, n, NULL, 0, e), SKEP_OK);
    for (uint32_t i = 0; i < n; i += 2)
        assert_int_equal(skep_entity_destroy(l.world, e[(i * 7u) % n]), SKEP_OK);
    assert_true(l.world->store.queue.count == n / 2);
    skep_snapshot *s = NULL;
    assert_int_equal(skep_snapshot_take(l.world, &s), SKEP_OK);
    const uint64_t hash = skep_world_hash(l.world);
    assert_true(skep_snapshot_hash(s) == hash);
    skep_entity a;
    skep_entity b;
    assert_int_equal(skep_entity_create(l.world, &a), SKEP_OK);
    assert_true(skep_world_hash(l.world) != hash);
    assert_int_equal(skep_entity_create(l.world, &b), SKEP_OK);
    assert_int_equal(skep_entity_destroy(l.world, b), SKEP_OK);
    assert_int_equal(skep_entity_destroy(l.world, a), SKEP_OK);
    const uint64_t one_way = skep_world_hash(l.world);
    assert_int_equal(skep_world_restore(l.world, s), SKEP_OK);
    assert_true(skep_world_hash(l.world) == hash);
    assert_int_equal(skep_entity_create(l.world, &a), SKEP_OK);
    assert_int_equal(skep_entity_create(l.world, &b), SKEP_OK);
    assert_int_equal(skep_entity_destroy(l.world, a), SKEP_OK);
    assert_int_equal(skep_entity_destroy(l.world, b), SKEP_OK);
    assert_true(skep_world_hash(l.world) != one_way); /* the same members in another order */
    /* Without memory for the sums the hash is the same. */
    const uint64_t now = skep_world_hash(l.world);
    skep__data *d = l.world->data;
    skep__array_free(&l.world->store.allocator, (void **)&d->page_sums, &d->page_sum_cap,
                     sizeof *d->page_sums);
    test_region_fail(&l.memory, 1);
    assert_true(skep_world_hash(l.world) == now);
    test_region_fail(&l.memory, 0);
    skep_snapshot_release(s);
    free(e);
    lab_close(&l);
}

/* The bits are part of recordings: they are the same on every machine, and change only with a new
 * version. */
static void test_bits(void **state)
{
    (void)state;
    lab l;
    lab_open(&l);
    const uint64_t empty = skep_world_hash(l.world);
    assert_true(empty == UINT64_C(0x5509e47463e60179));
    assert_true(hash_with_nans(0x7fc00000u, UINT64_C(0x7ff8000000000000)) ==
                UINT64_C(0xcad9b5e7e35d4cbb));
    lab_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nan_is_one), cmocka_unit_test(test_kept_until_written),
        cmocka_unit_test(test_records),    cmocka_unit_test(test_numbers_of_the_world),
        cmocka_unit_test(test_long_queue), cmocka_unit_test(test_bits),
    };
    return cmocka_run_group_tests_name("hash_world", tests, NULL, NULL);
}
