/* SPDX-License-Identifier: MIT */
/* ctest: timeout=300, threads
 * Snapshots, restore, differences and the world hash, through the public headers: seeded random
 * changes, with snapshots taken, restored in any order and released all the while. The seed is
 * printed; SKEP_SEED=N repeats one. */
#include "skep/save.h"
#include "skep/snapshot.h"
#include "skep/world.h"
#include "support/mix.h"
#include "support/region.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Late, (u64, n));
SKEP_TAG(Red);
SKEP_EVENT(Ping, (u32, n));
SKEP_RESOURCE(Score, (u32, n));

#define REGION_BYTES ((size_t)256 << 20)

typedef struct lab {
    test_region memory;
    skep_world *world;
} lab;

static void lab_open(lab *l, uint32_t entity_max)
{
    assert_true(test_region_open(&l->memory, REGION_BYTES));
    skep_world_desc d = skep_world_desc_default();
    d.entity_max = entity_max;
    d.seed = 7;
    d.region = l->memory.region;
    d.allocator = l->memory.allocator;
    assert_int_equal(skep_world_create(&d, &l->world), SKEP_OK);
}

static void lab_close(lab *l)
{
    skep_world_destroy(l->world);
    assert_true(test_region_close(&l->memory));
}

static uint64_t seed_of_run(void)
{
    const char *text = getenv("SKEP_SEED");
    const uint64_t seed = text ? strtoull(text, NULL, 10) : 20260718u;
    print_message("seed %llu (SKEP_SEED repeats it)\n", (unsigned long long)seed);
    return seed;
}

static void check_world(skep_world *w)
{
    if (skep_world_check(w) != SKEP_OK) fail_msg("%s", skep_world_error(w));
}

static skep_snapshot *take(skep_world *w)
{
    skep_snapshot *s = NULL;
    if (skep_snapshot_take(w, &s) != SKEP_OK) fail_msg("%s", skep_world_error(w));
    return s;
}

static void restore(skep_world *w, const skep_snapshot *s)
{
    if (skep_world_restore(w, s) != SKEP_OK) fail_msg("%s", skep_world_error(w));
}

/* ---- restore -------------------------------------------------------------------------------- */

#define KEEP_MAX 8u

typedef struct kept {
    skep_snapshot *snapshot;
    uint64_t hash;
    mix driver; /* as it was then */
} kept;

/* Does the same changes twice from one snapshot: handles, rows and queue must come out the same. */
static void replay(mix *m, const kept *k, uint32_t steps)
{
    restore(m->world, k->snapshot);
    *m = k->driver;
    assert_true(mix_run(m, steps));
    const uint64_t first = skep_world_hash(m->world);
    const uint64_t random = m->random;
    restore(m->world, k->snapshot);
    assert_true(skep_world_hash(m->world) == k->hash);
    *m = k->driver;
    assert_true(mix_run(m, steps));
    assert_true(skep_world_hash(m->world) == first);
    assert_true(m->random == random);
}

static void test_restore_random(void **state)
{
    (void)state;
    lab l;
    lab_open(&l, 16384);
    mix *m = malloc(sizeof *m);
    kept *keeps = calloc(KEEP_MAX, sizeof *keeps);
    assert_non_null(m);
    assert_non_null(keeps);
    mix_init(m, l.world, seed_of_run());
    assert_true(mix_register(l.world, 0));
    uint64_t choice = 1;
    for (uint32_t round = 0; round < 400; round++) {
        choice = choice * 6364136223846793005u + 1442695040888963407u;
        kept *k = &keeps[(choice >> 33) % KEEP_MAX];
        const uint32_t what = (uint32_t)(choice >> 40) % 8u;
        m->alive_most = round % 100 < 50 ? 3000 : 200;
        assert_true(mix_run(m, (uint32_t)(choice >> 44) % 120u));
        if (!k->snapshot) {
            k->snapshot = take(l.world);
            k->hash = skep_world_hash(l.world);
            assert_true(skep_snapshot_hash(k->snapshot) == k->hash);
            k->driver = *m;
        } else if (what < 3) {
            restore(l.world, k->snapshot);
            *m = k->driver;
            check_world(l.world);
            assert_true(skep_world_hash(l.world) == k->hash);
        } else if (what < 4) {
            replay(m, k, 60);
        } else if (what < 6) {
            assert_true(skep_snapshot_hash(k->snapshot) == k->hash);
            skep_snapshot_release(k->snapshot);
            k->snapshot = NULL;
        }
        if (round % 10 == 0) check_world(l.world);
    }
    for (uint32_t i = 0; i < KEEP_MAX; i++) skep_snapshot_release(keeps[i].snapshot);
    free(keeps);
    free(m);
    lab_close(&l);
}

/* Two histories that make their tables in another order: restoring either takes the other's away.
 */
static void test_restore_other_table_order(void **state)
{
    (void)state;
    lab l;
    lab_open(&l, 4096);
    skep_entity e[40];
    for (uint32_t i = 0; i < 40; i++) assert_int_equal(skep_entity_create(l.world, &e[i]), SKEP_OK);
    skep_snapshot *root = take(l.world);
    const uint64_t root_hash = skep_world_hash(l.world);

    assert_int_equal(Pos_attach(l.world, e[0], SKEP_LIT(Pos, 1, 2)), SKEP_OK);
    for (uint32_t i = 1; i < 30; i++)
        assert_int_equal(Vel_attach(l.world, e[i], SKEP_LIT(Vel, 3, (float)i)), SKEP_OK);
    skep_snapshot *left = take(l.world);
    const uint64_t left_hash = skep_world_hash(l.world);

    restore(l.world, root);
    assert_true(skep_world_hash(l.world) == root_hash);
    for (uint32_t i = 1; i < 20; i++) assert_int_equal(Red_attach(l.world, e[i]), SKEP_OK);
    assert_int_equal(Vel_attach(l.world, e[3], SKEP_LIT(Vel, 8, 9)), SKEP_OK);
    assert_int_equal(Late_attach(l.world, e[3], SKEP_LIT(Late, 5)), SKEP_OK);
    skep_snapshot *right = take(l.world);
    const uint64_t right_hash = skep_world_hash(l.world);

    for (uint32_t i = 0; i < 3; i++) {
        restore(l.world, left);
        check_world(l.world);
        assert_true(skep_world_hash(l.world) == left_hash);
        Vel v;
        assert_true(Vel_of(l.world, e[29], &v));
        assert_true(v.y == 29.0f);
        assert_false(skep_world_has(l.world, e[3], &Red_info));
        restore(l.world, right);
        check_world(l.world);
        assert_true(skep_world_hash(l.world) == right_hash);
        assert_true(skep_world_has(l.world, e[3], &Late_info));
        assert_int_equal(Red_detach(l.world, e[3]), SKEP_OK);
        assert_int_equal(skep_entity_destroy(l.world, e[5]), SKEP_OK);
    }
    skep_snapshot_release(root);
    skep_snapshot_release(right);
    restore(l.world, left);
    assert_true(skep_world_hash(l.world) == left_hash);
    skep_snapshot_release(left);
    lab_close(&l);
}

/* Handles come again in the same order after a restore, with the same generations. */
static void test_restore_queue(void **state)
{
    (void)state;
    lab l;
    lab_open(&l, 8192);
    skep_entity e[3000];
    assert_int_equal(skep_entity_create_many(l.world, 3000, NULL, 0, e), SKEP_OK);
    for (uint32_t i = 0; i < 3000; i += 3) {
        assert_int_equal(skep_entity_destroy(l.world, e[(i * 7) % 3000]), SKEP_OK);
    }
    skep_snapshot *s = take(l.world);
    skep_entity first[1500];
    skep_entity again[1500];
    for (uint32_t i = 0; i < 1500; i++)
        assert_int_equal(skep_entity_create(l.world, &first[i]), SKEP_OK);
    restore(l.world, s);
    for (uint32_t i = 0; i < 1500; i++)
        assert_int_equal(skep_entity_create(l.world, &again[i]), SKEP_OK);
    assert_memory_equal(first, again, sizeof first);
    skep_snapshot_release(s);
    lab_close(&l);
}

/* What was registered after the snapshot stays known, and holds nothing. */
static void test_restore_before_registration(void **state)
{
    (void)state;
    lab l;
    lab_open(&l, 1024);
    skep_snapshot *s = take(l.world);
    const uint64_t hash = skep_world_hash(l.world);
    assert_int_equal(Score_set(l.world, SKEP_LIT(Score, 3)), SKEP_OK);
    assert_int_equal(Ping_post(l.world, skep_entity_null(), SKEP_LIT(Ping, 1)), SKEP_OK);
    assert_true(skep_world_hash(l.world) != hash);
    restore(l.world, s);
    assert_true(skep_world_hash(l.world) == hash);
    assert_null(Score_read(l.world));
    skep_event_iter it = skep_world_events(l.world, &Ping_info, 0);
    Ping p;
    assert_false(Ping_next(&it, &p));
    skep_snapshot_release(s);
    lab_close(&l);
}

/* A query of changed rows gives its component stamps; older snapshots have none and must still fit.
 */
static void test_restore_before_watching(void **state)
{
    (void)state;
    lab l;
    lab_open(&l, 8192);
    skep_entity small[20];
    skep_entity large[3000];
    skep_part part = skep_part_make(&Vel_info, NULL);
    assert_int_equal(skep_entity_create_many(l.world, 3000, &part, 1, large), SKEP_OK);
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(skep_entity_create(l.world, &small[i]), SKEP_OK);
        assert_int_equal(Pos_attach(l.world, small[i], SKEP_LIT(Pos, (float)i, 0)), SKEP_OK);
        assert_int_equal(Vel_attach(l.world, small[i], SKEP_LIT(Vel, (float)i, 0)), SKEP_OK);
    }
    skep_snapshot *before = take(l.world);
    const uint64_t hash = skep_world_hash(l.world);
    skep_query_desc d = skep_query_desc_default();
    d.terms[0] = SKEP_CHANGED(Vel);
    skep_query *q = NULL;
    assert_int_equal(skep_query_create(l.world, &d, &q), SKEP_OK);
    assert_true(skep_world_hash(l.world) == hash); /* stamps are not part of it */
    for (uint32_t i = 0; i < 3000; i += 2)
        assert_int_equal(Vel_set(l.world, large[i], SKEP_LIT(Vel, 1, 1)), SKEP_OK);
    assert_int_equal(Pos_detach(l.world, small[3]), SKEP_OK);
    skep_snapshot *after = take(l.world);
    const uint64_t after_hash = skep_world_hash(l.world);
    for (uint32_t i = 0; i < 3; i++) {
        restore(l.world, before);
        check_world(l.world);
        assert_true(skep_world_hash(l.world) == hash);
        assert_true(skep_snapshot_hash(before) == hash);
        assert_int_equal(skep_entity_destroy(l.world, small[i]), SKEP_OK);
        restore(l.world, after);
        check_world(l.world);
        assert_true(skep_world_hash(l.world) == after_hash);
    }
    skep_snapshot_release(before);
    skep_snapshot_release(after);
    skep_query_destroy(q);
    lab_close(&l);
}

/* Watching one component more keeps what the stamps of the others say. */
static void test_watching_keeps_stamps(void **state)
{
    (void)state;
    lab l;
    lab_open(&l, 4096);
    skep_entity e[30];
    const skep_part parts[2] = {skep_part_make(&Pos_info, NULL), skep_part_make(&Vel_info, NULL)};
    assert_int_equal(skep_entity_create_many(l.world, 30, parts, 2, e), SKEP_OK);
    skep_query *q[2] = {NULL, NULL};
    skep_query_desc d = skep_query_desc_default();
    d.terms[0] = SKEP_CHANGED(Vel);
    assert_int_equal(skep_query_create(l.world, &d, &q[0]), SKEP_OK);
    skep_query_iter it = skep_query_begin(q[0]);
    while (skep_query_next(&it)) continue;
    assert_int_equal(Vel_set(l.world, e[4], SKEP_LIT(Vel, 1, 1)), SKEP_OK);
    assert_int_equal(Vel_set(l.world, e[9], SKEP_LIT(Vel, 1, 1)), SKEP_OK);
    d.terms[0] = SKEP_CHANGED(Pos);
    assert_int_equal(skep_query_create(l.world, &d, &q[1]), SKEP_OK);
    uint32_t count = 0;
    it = skep_query_begin(q[0]);
    while (skep_query_next(&it)) count += it.row_count;
    assert_int_equal(count, 2);
    skep_query_destroy(q[0]);
    skep_query_destroy(q[1]);
    lab_close(&l);
}

static void restore_in_hook(void *ctx, skep_world *world, skep_entity entity)
{
    (void)entity;
    skep_snapshot *s = *(skep_snapshot **)ctx;
    assert_int_equal(skep_world_restore(world, s), SKEP_BUSY);
    *(skep_snapshot **)ctx = NULL;
}

static void test_restore_refused(void **state)
{
    (void)state;
    lab a;
    lab b;
    lab_open(&a, 1024);
    lab_open(&b, 1024);
    skep_snapshot *s = take(a.world);
    assert_int_equal(skep_world_restore(b.world, s), SKEP_ARGUMENT);
    skep_snapshot *told = s;
    assert_int_equal(skep_world_on_add(a.world, &Pos_info, restore_in_hook, &told), SKEP_OK);
    skep_entity e;
    assert_int_equal(skep_entity_create(a.world, &e), SKEP_OK);
    assert_int_equal(Pos_attach(a.world, e, SKEP_LIT(Pos, 1, 2)), SKEP_OK);
    assert_null(told); /* the hook was called, and refused */
    told = s;
    skep_snapshot *with = take(a.world);
    assert_int_equal(Pos_detach(a.world, e), SKEP_OK);
    restore(a.world, with);
    assert_ptr_equal(told, s); /* restoring adds a Pos again, but no hook is told */
    skep_snapshot_release(with);
    skep_snapshot_release(s);
    skep_snapshot_release(NULL);
    lab_close(&a);
    lab_close(&b);
}

/* ---- the hash ------------------------------------------------------------------------------- */

/* Component numbers and padding differ, the hash does not. */
static void test_hash_ignores_numbers(void **state)
{
    (void)state;
    const uint64_t seed = seed_of_run();
    uint64_t hash[3];
    for (uint32_t turn = 0; turn < 3; turn++) {
        lab l;
        lab_open(&l, 16384);
        mix *m = malloc(sizeof *m);
        assert_non_null(m);
        mix_init(m, l.world, seed);
        assert_true(mix_register(l.world, turn * 2));
        assert_true(mix_run(m, 20000));
        hash[turn] = skep_world_hash(l.world);
        free(m);
        lab_close(&l);
    }
    assert_true(hash[0] == hash[1] && hash[0] == hash[2]);
}

/* A table that was large once hashes as one that never was. */
static void test_hash_ignores_capacity(void **state)
{
    (void)state;
    uint64_t hash[2];
    for (uint32_t grown = 0; grown < 2; grown++) {
        lab l;
        lab_open(&l, 8192);
        skep_entity e[2500];
        skep_snapshot *s = take(l.world);
        if (grown) {
            skep_part part = skep_part_make(&Pos_info, NULL);
            assert_int_equal(skep_entity_create_many(l.world, 2500, &part, 1, e), SKEP_OK);
        }
        restore(l.world, s);
        skep_snapshot_release(s);
        for (uint32_t i = 0; i < 30; i++) {
            assert_int_equal(skep_entity_create(l.world, &e[i]), SKEP_OK);
            assert_int_equal(Pos_attach(l.world, e[i], SKEP_LIT(Pos, (float)i, 1)), SKEP_OK);
        }
        hash[grown] = skep_world_hash(l.world);
        lab_close(&l);
    }
    assert_true(hash[0] == hash[1]);
}

/* Everything that belongs to the state changes the hash; writing it back brings it back. */
static void test_hash_sees_everything(void **state)
{
    (void)state;
    lab l;
    lab_open(&l, 8192);
    skep_entity e[2100];
    skep_part part = skep_part_make(&Pos_info, NULL);
    assert_int_equal(skep_entity_create_many(l.world, 2100, &part, 1, e), SKEP_OK);
    const uint64_t hash = skep_world_hash(l.world);
    for (uint32_t i = 0; i < 2100; i += 99) {
        assert_int_equal(Pos_set(l.world, e[i], SKEP_LIT(Pos, 0, -0.0f)), SKEP_OK);
        assert_true(skep_world_hash(l.world) != hash);
        /* In place, in an epoch in which the block's hash is kept. */
        assert_int_equal(Pos_set(l.world, e[i], SKEP_LIT(Pos, 0, 5)), SKEP_OK);
        assert_true(skep_world_hash(l.world) != hash);
        assert_int_equal(Pos_set(l.world, e[i], SKEP_LIT(Pos, 0, 0)), SKEP_OK);
        assert_true(skep_world_hash(l.world) == hash);
    }
    skep_snapshot *s = take(l.world);
    assert_int_equal(skep_entity_destroy(l.world, e[2099]), SKEP_OK);
    assert_true(skep_world_hash(l.world) != hash);
    assert_int_equal(skep_entity_create_many(l.world, 1, &part, 1, e), SKEP_OK);
    assert_true(skep_world_hash(l.world) != hash); /* another generation */
    restore(l.world, s);
    assert_int_equal(Red_attach(l.world, e[7]), SKEP_OK);
    assert_true(skep_world_hash(l.world) != hash);
    assert_int_equal(Red_detach(l.world, e[7]), SKEP_OK);
    assert_true(skep_world_hash(l.world) != hash); /* another row */
    restore(l.world, s);
    assert_true(skep_world_hash(l.world) == hash);
    assert_int_equal(Ping_post(l.world, e[1], SKEP_LIT(Ping, 4)), SKEP_OK);
    assert_true(skep_world_hash(l.world) != hash);
    restore(l.world, s);
    assert_int_equal(Score_set(l.world, SKEP_LIT(Score, 0)), SKEP_OK);
    assert_true(skep_world_hash(l.world) != hash);
    restore(l.world, s);
    assert_true(skep_world_hash(l.world) == hash);
    skep_snapshot_release(s);
    lab_close(&l);
}

/* ---- reading -------------------------------------------------------------------------------- */

static void test_reading(void **state)
{
    (void)state;
    lab l;
    lab_open(&l, 8192);
    skep_entity e[2500];
    skep_part parts[2] = {skep_part_make(&Pos_info, NULL), skep_part_make(&Red_info, NULL)};
    assert_int_equal(skep_entity_create_many(l.world, 2500, parts, 2, e), SKEP_OK);
    for (uint32_t i = 0; i < 2500; i++)
        assert_int_equal(Pos_set(l.world, e[i], SKEP_LIT(Pos, (float)i, 1)), SKEP_OK);
    assert_int_equal(Vel_attach(l.world, e[5], SKEP_LIT(Vel, 2, 3)), SKEP_OK);
    skep_snapshot *s = take(l.world);
    for (uint32_t i = 0; i < 2500; i++) {
        assert_int_equal(Pos_set(l.world, e[i], SKEP_LIT(Pos, -1, -1)), SKEP_OK);
        if (i % 2) assert_int_equal(skep_entity_destroy(l.world, e[i]), SKEP_OK);
    }
    assert_int_equal(skep_snapshot_entity_count(s), 2500);
    assert_true(skep_snapshot_tick(s) == 0 && skep_snapshot_time(s) == 0);
    for (uint32_t i = 0; i < 2500; i++) {
        Pos p;
        assert_true(skep_snapshot_alive(s, e[i]));
        assert_true(skep_snapshot_get(s, e[i], &Pos_info, &p));
        assert_true(p.x == (float)i && p.y == 1.0f);
        assert_true(skep_snapshot_get(s, e[i], &Vel_info, NULL) == (i == 5));
        assert_false(skep_snapshot_get(s, e[i], &Late_info, NULL));
    }
    assert_false(skep_snapshot_alive(s, skep_entity_null()));
    assert_false(skep_snapshot_alive(s, skep_entity_make(4000, 1)));
    const skep_component *all[2] = {&Red_info, &Pos_info};
    skep_snapshot_rows rows = {0};
    uint32_t count = 0;
    while (skep_snapshot_next(s, all, 2, &rows)) {
        const float *x = skep_snapshot_column(s, &rows, &Pos_info, 0);
        for (uint32_t i = 0; i < rows.count; i++) {
            Pos p;
            assert_true(skep_snapshot_get(s, rows.entity[i], &Pos_info, &p));
            assert_true(p.x == x[i]);
        }
        count += rows.count;
        assert_null(skep_snapshot_column(s, &rows, &Late_info, 0));
        assert_null(skep_snapshot_column(s, &rows, &Pos_info, 2));
    }
    assert_int_equal(count, 2500);
    skep_snapshot_release(s);
    lab_close(&l);
}

/* ---- differences ---------------------------------------------------------------------------- */

/* One entity of the naive copy that a difference is applied to. */
typedef struct copy_entity {
    skep_entity handle; /* null: not alive */
    bool has[MIX_COMPONENTS];
    uint8_t value[MIX_COMPONENTS][MIX_VALUE_BYTES];
} copy_entity;

#define COPY_MAX 16384u

static uint32_t component_number(const skep_component *component)
{
    uint32_t i = 0;
    while (mix_components[i] != component) i++;
    return i;
}

/* Writes row `row` of an item's columns into a C struct whose padding is zero. */
static void copy_value(const skep_diff_item *item, uint32_t row, uint8_t *value)
{
    memset(value, 0, MIX_VALUE_BYTES);
    if (!item->component) fail_msg("an item without its component");
    for (uint32_t f = 0; item->component && f < item->component->field_count; f++) {
        const skep_field *field = &item->component->fields[f];
        const size_t bytes = (size_t)field->size * field->count;
        memcpy(value + field->offset, (const uint8_t *)item->column[f] + row * bytes, bytes);
    }
}

static bool copy_apply(void *ctx, const skep_diff_item *item)
{
    copy_entity *copy = ctx;
    assert_true(item->count > 0);
    for (uint32_t i = 0; i < item->count; i++) {
        copy_entity *c = &copy[skep_entity_index(item->entity[i])];
        const uint32_t number = item->component ? component_number(item->component) : 0;
        if (item->kind == SKEP_DIFF_SPAWNED) {
            assert_true(skep_entity_is_null(c->handle));
            memset(c, 0, sizeof *c);
            c->handle = item->entity[i];
            continue;
        }
        assert_true(skep_entity_equal(c->handle, item->entity[i]));
        if (item->kind == SKEP_DIFF_DESPAWNED) {
            memset(c, 0, sizeof *c);
            continue;
        }
        assert_true(c->has[number] == (item->kind != SKEP_DIFF_ADDED));
        c->has[number] = item->kind != SKEP_DIFF_REMOVED;
        uint8_t value[MIX_VALUE_BYTES] = {0};
        if (c->has[number]) copy_value(item, i, value);
        /* An item that changes nothing would be a lie. */
        if (item->kind == SKEP_DIFF_CHANGED)
            assert_memory_not_equal(value, c->value[number], MIX_VALUE_BYTES);
        memcpy(c->value[number], value, MIX_VALUE_BYTES);
    }
    return true;
}

/* Compares the copy with what a snapshot says of every index. */
static void copy_check(const copy_entity *copy, const skep_snapshot *s)
{
    uint32_t alive = 0;
    for (uint32_t i = 0; i < COPY_MAX; i++) {
        if (skep_entity_is_null(copy[i].handle)) continue;
        alive++;
        assert_true(skep_snapshot_alive(s, copy[i].handle));
        for (uint32_t k = 0; k < MIX_COMPONENTS; k++) {
            uint8_t value[MIX_VALUE_BYTES] = {0};
            const bool has = skep_snapshot_get(s, copy[i].handle, mix_components[k], value);
            assert_true(has == copy[i].has[k]);
            if (has) assert_memory_equal(value, copy[i].value[k], MIX_VALUE_BYTES);
        }
    }
    assert_int_equal(alive, skep_snapshot_entity_count(s));
}

static bool count_items(void *ctx, const skep_diff_item *item)
{
    (void)item;
    return ++*(uint32_t *)ctx < 3;
}

static void test_diff_random(void **state)
{
    (void)state;
    lab l;
    lab_open(&l, COPY_MAX);
    mix *m = malloc(sizeof *m);
    copy_entity *copy = calloc(COPY_MAX, sizeof *copy);
    assert_non_null(m);
    assert_non_null(copy);
    mix_init(m, l.world, seed_of_run() + 1);
    assert_true(mix_register(l.world, 0));
    skep_snapshot *root = take(l.world);
    mix first = *m;
    skep_snapshot *last = root;
    for (uint32_t round = 0; round < 40; round++) {
        m->alive_most = round % 20 < 10 ? 3000 : 300;
        assert_true(mix_run(m, round % 4 == 3 ? 10 : 400));
        if (round == 20) { /* another line of time: its tables are in another order */
            restore(l.world, root);
            *m = first;
            m->random += 17;
            assert_true(mix_run(m, 3000));
        }
        skep_snapshot *next = take(l.world);
        assert_int_equal(skep_diff(last, next, copy_apply, copy), SKEP_OK);
        copy_check(copy, next);
        uint32_t items = 0;
        assert_int_equal(skep_diff(next, next, count_items, &items), SKEP_OK);
        assert_int_equal(items, 0);
        if (last != root) skep_snapshot_release(last);
        last = next;
    }
    uint32_t items = 0;
    assert_int_equal(skep_diff(root, last, count_items, &items), SKEP_OK);
    assert_int_equal(items, 3); /* stopped where it was told to */
    skep_snapshot_release(last);
    skep_snapshot_release(root);
    free(copy);
    free(m);
    lab_close(&l);
}

typedef struct seen {
    uint32_t items;
    uint32_t entities;
    skep_diff_kind kind;
    const skep_component *component;
} seen;

static bool see(void *ctx, const skep_diff_item *item)
{
    seen *s = ctx;
    s->items++;
    s->entities += item->count;
    s->kind = item->kind;
    s->component = item->component;
    return true;
}

/* What is reported is exactly what changed: one row range for neighbours, nothing for a write of
 * the same. */
static void test_diff_exact(void **state)
{
    (void)state;
    lab l;
    lab_open(&l, 8192);
    skep_entity e[3000];
    skep_part parts[2] = {skep_part_make(&Pos_info, NULL), skep_part_make(&Vel_info, NULL)};
    assert_int_equal(skep_entity_create_many(l.world, 3000, parts, 2, e), SKEP_OK);
    skep_snapshot *a = take(l.world);
    for (uint32_t i = 1500; i < 1510; i++) {
        assert_int_equal(Vel_set(l.world, e[i], SKEP_LIT(Vel, 1, 0)), SKEP_OK);
        assert_int_equal(Pos_set(l.world, e[i], SKEP_LIT(Pos, 0, 0)), SKEP_OK);
    }
    skep_snapshot *b = take(l.world);
    seen s = {0};
    assert_int_equal(skep_diff(a, b, see, &s), SKEP_OK);
    assert_int_equal(s.items, 1);
    assert_int_equal(s.entities, 10);
    assert_int_equal(s.kind, SKEP_DIFF_CHANGED);
    assert_ptr_equal(s.component, &Vel_info);
    assert_int_equal(skep_entity_destroy(l.world, e[10]),
                     SKEP_OK); /* the last row moves into its place */
    skep_snapshot *c = take(l.world);
    s = (seen){0};
    assert_int_equal(skep_diff(b, c, see, &s), SKEP_OK);
    assert_int_equal(s.items, 1);
    assert_int_equal(s.kind, SKEP_DIFF_DESPAWNED);
    lab other;
    lab_open(&other, 1024);
    skep_snapshot *foreign = take(other.world);
    assert_int_equal(skep_diff(a, foreign, see, &s), SKEP_ARGUMENT);
    skep_snapshot_release(foreign);
    lab_close(&other);
    skep_snapshot_release(a);
    skep_snapshot_release(c);
    skep_snapshot_release(b);
    lab_close(&l);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void test_no_allocation_when_warm(void **state)
{
    (void)state;
    lab l;
    lab_open(&l, 16384);
    mix *m = malloc(sizeof *m);
    assert_non_null(m);
    mix_init(m, l.world, 3);
    assert_true(mix_run(m, 5000));
    skep_snapshot *s[4];
    for (uint32_t i = 0; i < 4; i++) s[i] = take(l.world);
    restore(l.world, s[0]);
    for (uint32_t i = 0; i < 4; i++) skep_snapshot_release(s[i]);
    (void)skep_world_hash(l.world);
    const uint64_t calls = l.memory.calls;
    for (uint32_t round = 0; round < 10; round++) {
        for (uint32_t i = 0; i < 4; i++) s[i] = take(l.world);
        (void)skep_world_hash(l.world);
        restore(l.world, s[1]);
        for (uint32_t i = 0; i < 4; i++) skep_snapshot_release(s[3 - i]);
    }
    assert_true(l.memory.calls == calls);
    free(m);
    lab_close(&l);
}

/* Every allocation of take, detach and restore fails in turn; the world is as it was, and works
 * afterwards. */
static void test_allocation_failure(void **state)
{
    (void)state;
    lab l;
    lab_open(&l, 16384);
    mix *m = malloc(sizeof *m);
    assert_non_null(m);
    mix_init(m, l.world, 11);
    assert_true(mix_register(l.world, 0));
    skep_snapshot *root = take(l.world);
    assert_true(mix_run(m, 3000));
    const uint64_t left_hash = skep_world_hash(l.world);
    skep_snapshot *left = NULL;
    for (uint64_t n = 1; !left; n++) {
        test_region_fail(&l.memory, n);
        const skep_status status = skep_snapshot_take(l.world, &left);
        assert_true(status == (left ? SKEP_OK : SKEP_NO_MEMORY));
        test_region_fail(&l.memory, 0);
        assert_true(skep_world_hash(l.world) == left_hash);
    }
    /* Another line of time, whose tables all have to go and to be made. */
    restore(l.world, root);
    m->random = 12;
    m->alive_count = 0;
    assert_true(mix_run(m, 3000));
    const uint64_t right_hash = skep_world_hash(l.world);
    skep_status status = SKEP_NO_MEMORY;
    for (uint64_t n = 1; status != SKEP_OK; n++) {
        test_region_fail(&l.memory, n);
        status = skep_snapshot_detach(left);
        if (status == SKEP_OK) status = skep_world_restore(l.world, left);
        test_region_fail(&l.memory, 0);
        check_world(l.world);
        assert_true(skep_world_hash(l.world) == (status == SKEP_OK ? left_hash : right_hash));
        assert_true(status == SKEP_OK || status == SKEP_NO_MEMORY);
    }
    skep_snapshot_release(left);
    skep_snapshot_release(root);
    free(m);
    lab_close(&l);
}

/* ---- other threads -------------------------------------------------------------------------- */

typedef struct sum {
    uint64_t bytes;
    uint64_t hash;
} sum;

static bool sum_bytes(void *ctx, const void *bytes, size_t n)
{
    sum *s = ctx;
    const uint8_t *from = bytes;
    for (size_t i = 0; i < n; i++) s->hash = (s->hash ^ from[i]) * 0x100000001b3u;
    s->bytes += n;
    return true;
}

typedef struct saver {
    skep_snapshot *snapshot;
    sum result;
    skep_status status;
} saver;

static void *save_in_thread(void *argument)
{
    saver *s = argument;
    s->status = skep_save_snapshot(s->snapshot, sum_bytes, &s->result);
    skep_snapshot_return(s->snapshot);
    return NULL;
}

/* Other threads save while the world runs on; they write what was there when the snapshot was
 * taken. */
static void test_save_in_other_threads(void **state)
{
    (void)state;
    lab l;
    lab_open(&l, 16384);
    mix *m = malloc(sizeof *m);
    assert_non_null(m);
    mix_init(m, l.world, 5);
    assert_true(mix_run(m, 4000));
    for (uint32_t round = 0; round < 12; round++) {
        saver savers[3];
        pthread_t threads[3];
        sum expected[3];
        for (uint32_t i = 0; i < 3; i++) {
            memset(&savers[i], 0, sizeof savers[i]);
            memset(&expected[i], 0, sizeof expected[i]);
            savers[i].snapshot = take(l.world);
            assert_int_equal(skep_save_snapshot(savers[i].snapshot, sum_bytes, &expected[i]),
                             SKEP_OK);
            assert_int_equal(skep_snapshot_detach(savers[i].snapshot), SKEP_OK);
            assert_int_equal(pthread_create(&threads[i], NULL, save_in_thread, &savers[i]), 0);
            assert_true(mix_run(m, 300));
            if (i == 1) assert_int_equal(skep_world_component(l.world, &Late_info), SKEP_OK);
        }
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            assert_int_equal(savers[i].status, SKEP_OK);
            assert_true(savers[i].result.bytes == expected[i].bytes);
            assert_true(savers[i].result.hash == expected[i].hash);
        }
    }
    check_world(l.world);
    free(m);
    lab_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restore_random),
        cmocka_unit_test(test_restore_other_table_order),
        cmocka_unit_test(test_restore_queue),
        cmocka_unit_test(test_restore_before_registration),
        cmocka_unit_test(test_restore_before_watching),
        cmocka_unit_test(test_watching_keeps_stamps),
        cmocka_unit_test(test_restore_refused),
        cmocka_unit_test(test_hash_ignores_numbers),
        cmocka_unit_test(test_hash_ignores_capacity),
        cmocka_unit_test(test_hash_sees_everything),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_diff_random),
        cmocka_unit_test(test_diff_exact),
        cmocka_unit_test(test_no_allocation_when_warm),
        cmocka_unit_test(test_allocation_failure),
        cmocka_unit_test(test_save_in_other_threads),
    };
    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
