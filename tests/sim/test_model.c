/* SPDX-License-Identifier: MIT */
/* ctest: timeout=900
 * Seeded random sequences against a naive model: immediate calls, batches of patches, queries,
 * snapshots and restores, with a full comparison after every round and a hash comparison of the
 * same operations run twice.
 *
 * The seed is printed. SKEP_SEED=N repeats one, SKEP_ROUNDS=N sets how many rounds (a round is 40
 * operations). */
#include "core/data/apply.h"
#include "core/world/world_internal.h"
#include "model.h"
#include "skep/snapshot.h"
#include "support/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROUND_OPS 40u
#define KEEP_MAX 4u

typedef struct kept {
    skep_snapshot *snapshot;
    model *m; /* as it was then; memory of the lab's */
    uint64_t hash;
} kept;

typedef struct lab {
    skep_world *w;
    model *m;
    uint64_t random;
    uint32_t numbers[MODEL_COMPONENTS];
    kept keeps[KEEP_MAX];
    uint64_t ops;
} lab;

static uint64_t next_random(lab *l)
{
    l->random ^= l->random << 13;
    l->random ^= l->random >> 7;
    l->random ^= l->random << 17;
    return l->random * 0x2545F4914F6CDD1Du;
}

static uint32_t below(lab *l, uint32_t n)
{
    return (uint32_t)((next_random(l) >> 33) % n);
}

/* Mostly a living entity, sometimes one that died, sometimes null. */
static skep_entity pick(lab *l)
{
    if (l->m->count == 0 || below(l, 50) == 0) return skep_entity_null();
    for (uint32_t tries = 0; tries < 4; tries++) {
        const model_entity *e = &l->m->entity[below(l, l->m->count)];
        if (e->alive || tries == 3) return e->handle;
    }
    return skep_entity_null();
}

/* ---- comparison ------------------------------------------------------------------------------ */

static void compare_entity(lab *l, const model_entity *e)
{
    assert_int_equal(skep_entity_alive(l->w, e->handle), e->alive);
    for (uint32_t c = 0; c < MODEL_COMPONENTS; c++) {
        const skep_component *info = model_info(c);
        const bool has = e->alive && (e->mask >> c & 1u);
        uint8_t value[MODEL_VALUE_BYTES] = {0};
        assert_int_equal(skep_world_has(l->w, e->handle, info), has);
        assert_int_equal(skep_world_get(l->w, e->handle, info, info->size ? value : NULL), has);
        if (!has) continue;
        for (uint32_t f = 0; f < info->field_count; f++)
            assert_memory_equal(value + info->fields[f].offset,
                                e->value[c] + info->fields[f].offset,
                                (size_t)info->fields[f].size * info->fields[f].count);
    }
}

static void compare_query(lab *l, uint32_t all, uint32_t none)
{
    skep_query_desc d = skep_query_desc_default();
    uint32_t terms = 0;
    for (uint32_t c = 0; c < MODEL_COMPONENTS; c++) {
        if (all >> c & 1u) d.terms[terms++] = skep_term_make(model_info(c), SKEP_TERM_ALL);
        if (none >> c & 1u) d.terms[terms++] = skep_term_make(model_info(c), SKEP_TERM_NONE);
    }
    skep_query *q = NULL;
    assert_int_equal(skep_query_create(l->w, &d, &q), SKEP_OK);
    uint64_t sum = 0, want = 0;
    uint32_t count = 0, want_count = 0;
    skep_query_iter it = skep_query_begin(q);
    while (skep_query_next(&it))
        for (uint32_t i = 0; i < it.n; i++, count++) sum += it.entity[i].bits * 31u;
    for (uint32_t i = 0; i < l->m->count; i++) {
        const model_entity *e = &l->m->entity[i];
        if (!e->alive || (e->mask & all) != all || (e->mask & none)) continue;
        want += e->handle.bits * 31u;
        want_count++;
    }
    assert_int_equal(count, want_count);
    assert_true(sum == want);
    skep_query_destroy(q);
}

static void compare(lab *l)
{
    assert_int_equal(skep_world_entity_count(l->w), l->m->alive_count);
    if (skep_world_check(l->w) != SKEP_OK) fail_msg("%s", skep_world_error(l->w));
    for (uint32_t i = 0; i < l->m->count; i++) compare_entity(l, &l->m->entity[i]);
    compare_query(l, 1u << below(l, MODEL_COMPONENTS), 0);
    const uint32_t all = 1u << below(l, MODEL_COMPONENTS);
    compare_query(l, all, (1u << below(l, MODEL_COMPONENTS)) & ~all);
}

/* ---- operations ------------------------------------------------------------------------------ */

static void op_create(lab *l)
{
    skep_entity e = skep_entity_null();
    if (l->m->count == MODEL_ENTITY_MAX) return;
    assert_int_equal(skep_entity_create(l->w, &e), SKEP_OK);
    model_born(l->m, e);
}

static void op_create_many(lab *l)
{
    skep_entity made[200];
    uint8_t value[MODEL_VALUE_BYTES];
    const uint32_t n = 1u + below(l, 200);
    const uint32_t c = below(l, MODEL_COMPONENTS);
    if (l->m->count + n > MODEL_ENTITY_MAX) return;
    model_value(c, next_random(l), pick(l), value);
    const skep_part part = skep_part_make(model_info(c), model_info(c)->size ? value : NULL);
    assert_int_equal(skep_entity_create_many(l->w, n, &part, 1, made), SKEP_OK);
    for (uint32_t i = 0; i < n; i++) {
        model_born(l->m, made[i]);
        model_change(l->m, made[i], MODEL_PUT, c, value);
    }
}

static void op_destroy(lab *l)
{
    const skep_entity e = pick(l);
    const bool was = model_change(l->m, e, MODEL_DESTROY, 0, NULL);
    assert_int_equal(skep_entity_destroy(l->w, e), was ? SKEP_OK : SKEP_GONE);
    if (was) model_cascade(l->m, &e, 1);
}

static void op_change(lab *l)
{
    uint8_t value[MODEL_VALUE_BYTES];
    const skep_entity e = pick(l);
    const uint32_t c = below(l, MODEL_COMPONENTS);
    const uint32_t what = below(l, 3);
    const model_entity *at = model_find(l->m, e);
    const bool alive = at && at->alive;
    model_value(c, next_random(l), pick(l), value);
    const void *given = model_info(c)->size ? value : NULL;
    const bool done = model_change(l->m, e,
                                   what == 0   ? MODEL_SET
                                   : what == 1 ? MODEL_PUT
                                               : MODEL_REMOVE,
                                   c, value);
    skep_status status = SKEP_OK;
    if (what == 0)
        status = skep_world_set(l->w, e, model_info(c), given);
    else if (what == 1)
        status = skep_world_add(l->w, e, model_info(c), given);
    else
        status = skep_world_remove(l->w, e, model_info(c));
    const skep_status lacking = what == 0 ? SKEP_NOT_FOUND : SKEP_OK;
    assert_int_equal(status, !alive ? SKEP_GONE : done ? SKEP_OK : lacking);
}

static void op_destroy_many(lab *l)
{
    skep_entity list[60];
    const uint32_t n = 1u + below(l, 60);
    for (uint32_t i = 0; i < n; i++) list[i] = pick(l);
    assert_int_equal(skep_entity_destroy_many(l->w, list, n), SKEP_OK);
    uint32_t dead = 0;
    for (uint32_t i = 0; i < n; i++)
        if (model_change(l->m, list[i], MODEL_DESTROY, 0, NULL)) list[dead++] = list[i];
    model_cascade(l->m, list, dead);
}

/* ---- a batch of patches ---------------------------------------------------------------------- */

typedef struct batch {
    uint8_t bytes[65536];
    skep_patch_writer writer;
    skep_entity dead[400];
    uint32_t dead_count;
    skep_entity spawned[64];
    uint32_t spawn_count;
    uint32_t dropped;
} batch;

static void batch_patch(lab *l, batch *b, model_op op, uint32_t c, skep_entity e, const void *value)
{
    static const skep_patch_kind kinds[] = {SKEP_PATCH_SET,     SKEP_PATCH_PUT,   SKEP_PATCH_REMOVE,
                                            SKEP_PATCH_DESTROY, SKEP_PATCH_SPAWN, SKEP_PATCH_INIT};
    const bool valued = op == MODEL_SET || op == MODEL_PUT || op == MODEL_INIT;
    const uint32_t bytes = valued ? model_info(c)->size : 0;
    const uint32_t slot =
        op == MODEL_DESTROY || op == MODEL_SPAWN ? SKEP_PATCH_NO_SLOT : l->numbers[c];
    void *at = skep__patch_push(&b->writer, op == MODEL_INIT ? SKEP_PATCH_PUT : kinds[op], slot,
                                e.bits, bytes);
    assert_non_null(at);
    if (bytes) memcpy(at, value, bytes);
    if (!model_change(l->m, e, op, c, value))
        b->dropped++;
    else if (op == MODEL_DESTROY)
        b->dead[b->dead_count++] = e;
}

static void batch_random(lab *l, batch *b)
{
    static const model_op ops[] = {MODEL_SET,    MODEL_PUT,    MODEL_PUT,    MODEL_PUT,
                                   MODEL_REMOVE, MODEL_REMOVE, MODEL_DESTROY};
    uint8_t value[MODEL_VALUE_BYTES];
    const uint32_t c = below(l, MODEL_COMPONENTS);
    const bool fresh = b->spawn_count && below(l, 4) == 0;
    const skep_entity e = fresh ? b->spawned[below(l, b->spawn_count)] : pick(l);
    model_value(c, next_random(l), pick(l), value);
    batch_patch(l, b, ops[below(l, 7)], c, e, value);
}

/* The same patch over many entities in row order, which apply moves as runs. */
static void batch_sweep(lab *l, batch *b)
{
    uint8_t value[MODEL_VALUE_BYTES];
    const uint32_t c = below(l, MODEL_COMPONENTS);
    const model_op op = below(l, 2) ? MODEL_PUT : MODEL_REMOVE;
    const uint32_t first = below(l, l->m->count + 1u);
    for (uint32_t i = 0; i < 300 && first + i < l->m->count; i++) {
        const model_entity *e = &l->m->entity[first + i];
        if (!e->alive) continue;
        model_value(c, next_random(l), pick(l), value);
        batch_patch(l, b, op, c, e->handle, value);
    }
}

static void op_batch(lab *l)
{
    static batch b;
    memset(&b, 0, sizeof b);
    b.writer.at = b.bytes;
    b.writer.end = b.bytes + sizeof b.bytes;
    const uint32_t spawns = below(l, 20);
    if (l->m->count + spawns > MODEL_ENTITY_MAX) return;
    b.spawn_count = skep__ids_take(&l->w->store, spawns, b.spawned);
    assert_int_equal(b.spawn_count, spawns);
    for (uint32_t i = 0; i < spawns; i++) batch_patch(l, &b, MODEL_SPAWN, 0, b.spawned[i], NULL);
    if (below(l, 3) == 0) batch_sweep(l, &b);
    for (uint32_t n = below(l, 60); n > 0; n--) batch_random(l, &b);
    if (below(l, 5) == 0) batch_sweep(l, &b);
    const skep__apply_buffer buffer = {b.bytes, (size_t)(b.writer.at - b.bytes), NULL};
    skep__apply_report report = {0, 0};
    assert_int_equal(skep__apply(l->w, &buffer, 1, &report), SKEP_OK);
    assert_int_equal(report.dropped, b.dropped);
    model_cascade(l->m, b.dead, b.dead_count);
}

/* ---- snapshots ------------------------------------------------------------------------------- */

static void keep_drop(kept *k)
{
    skep_snapshot_release(k->snapshot);
    k->snapshot = NULL;
}

static void op_snapshot(lab *l)
{
    kept *k = &l->keeps[below(l, KEEP_MAX)];
    keep_drop(k);
    assert_int_equal(skep_snapshot_take(l->w, &k->snapshot), SKEP_OK);
    memcpy(k->m, l->m, sizeof *k->m);
    k->hash = skep_world_hash(l->w);
}

static void op_restore(lab *l)
{
    const kept *k = &l->keeps[below(l, KEEP_MAX)];
    if (!k->snapshot) return;
    assert_int_equal(skep_world_restore(l->w, k->snapshot), SKEP_OK);
    memcpy(l->m, k->m, sizeof *l->m);
    assert_true(skep_world_hash(l->w) == k->hash);
}

static void op_any(lab *l)
{
    const uint32_t what = below(l, 100);
    l->ops++;
    if (what < 12)
        op_create(l);
    else if (what < 16)
        op_create_many(l);
    else if (what < 24)
        op_destroy(l);
    else if (what < 74)
        op_change(l);
    else if (what < 76)
        op_destroy_many(l);
    else if (what < 96)
        op_batch(l);
    else if (what < 98)
        op_snapshot(l);
    else
        op_restore(l);
}

/* ---- the test -------------------------------------------------------------------------------- */

static void lab_open(lab *l, uint64_t seed, test_region *region)
{
    memset(l, 0, sizeof *l);
    l->random = seed * 2u + 1u;
    skep_world_desc d = skep_world_desc_default();
    d.region = region->region;
    d.allocator = region->allocator;
    d.entity_max = 20000;
    d.seed = seed;
    assert_int_equal(skep_world_create(&d, &l->w), SKEP_OK);
    l->m = calloc(1 + KEEP_MAX, sizeof *l->m);
    assert_non_null(l->m);
    for (uint32_t i = 0; i < KEEP_MAX; i++) l->keeps[i].m = l->m + 1 + i;
    for (uint32_t c = 0; c < MODEL_COMPONENTS; c++)
        assert_int_equal(skep__world_type(l->w, model_info(c), &l->numbers[c]), SKEP_OK);
}

static void lab_close(lab *l)
{
    for (uint32_t i = 0; i < KEEP_MAX; i++) keep_drop(&l->keeps[i]);
    skep_world_destroy(l->w);
    free(l->m);
}

/* Runs a round twice from one snapshot: the same operations must give the same world, free queue
 * included. */
static void round_twice(lab *l)
{
    skep_snapshot *before = NULL;
    assert_int_equal(skep_snapshot_take(l->w, &before), SKEP_OK);
    model *m = malloc(sizeof *m);
    assert_non_null(m);
    memcpy(m, l->m, sizeof *m);
    const uint64_t random = l->random;
    for (uint32_t i = 0; i < 10; i++) op_batch(l);
    for (uint32_t i = 0; i < 10; i++) op_change(l);
    const uint64_t hash = skep_world_hash(l->w);
    assert_int_equal(skep_world_restore(l->w, before), SKEP_OK);
    memcpy(l->m, m, sizeof *m);
    l->random = random;
    for (uint32_t i = 0; i < 10; i++) op_batch(l);
    for (uint32_t i = 0; i < 10; i++) op_change(l);
    assert_true(skep_world_hash(l->w) == hash);
    skep_snapshot_release(before);
    free(m);
}

static uint64_t setting(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : fallback;
}

static void test_random_sequences_match_the_model(void **state)
{
    (void)state;
    const uint64_t first = setting("SKEP_SEED", 1);
    const uint64_t rounds = setting("SKEP_ROUNDS", 40);
    const uint64_t seeds = getenv("SKEP_SEED") ? 1 : 8;
    uint64_t ops = 0;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        printf("seed %llu (repeat: SKEP_SEED=%llu)\n", (unsigned long long)seed,
               (unsigned long long)seed);
        fflush(stdout);
        test_region region;
        assert_true(test_region_open(&region, (size_t)256 << 20));
        lab l;
        lab_open(&l, seed, &region);
        for (uint64_t r = 0; r < rounds; r++) {
            for (uint32_t i = 0; i < ROUND_OPS; i++) op_any(&l);
            if (r % 8 == 7) round_twice(&l);
            compare(&l);
        }
        ops += l.ops;
        lab_close(&l);
        assert_true(test_region_close(&region));
    }
    printf("%llu operations\n", (unsigned long long)ops);
    if (!getenv("SKEP_SEED") && !getenv("SKEP_ROUNDS")) assert_true(ops >= 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_sequences_match_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
