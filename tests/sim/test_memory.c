/* SPDX-License-Identifier: MIT */
/* ctest: timeout=900
 * Every allocation in turn fails once. Whatever call it hits must say so, leave the world exactly
 * as it was (same hash, all invariants), and succeed when called again; the end is the same as
 * without any failure. */
#include "core/data/apply.h"
#include "core/world/world_internal.h"
#include "model.h"
#include "skep/snapshot.h"
#include "support/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

SKEP_COMPONENT(Place, (f32, x), (f32, y));
SKEP_COMPONENT(Speed, (f32, x), (f32, y));
SKEP_COMPONENT(Wide, (f64, m, 64));
SKEP_TAG(Flag);
SKEP_EVENT(Ping, (u32, n));
SKEP_RESOURCE(Score, (u64, points));
SKEP_PREFAB(Pair);
SKEP_PREFAB(Half);

#define CROWD 2600u

typedef struct script {
    test_region region;
    skep_world *w;
    skep_entity crowd[CROWD];
    skep_entity one;
    skep_snapshot *kept;
    skep_query *query;
} script;

typedef skep_status step_fn(script *s);

static skep_status step_one(script *s)
{
    return skep_entity_create(s->w, &s->one);
}

static skep_status step_crowd(script *s)
{
    const Place place = {1.0f, 2.0f};
    const skep_part part = skep_part_make(&Place_info, &place);
    return skep_entity_create_many(s->w, CROWD, &part, 1, s->crowd);
}

static skep_status step_add(script *s)
{
    const Wide wide = {{1.0}};
    return skep_world_add(s->w, s->crowd[7], &Wide_info, &wide);
}

static skep_status step_snapshot(script *s)
{
    return skep_snapshot_take(s->w, &s->kept);
}

static skep_status step_set(script *s)
{
    const Place place = {9.0f, 9.0f};
    return skep_world_set(s->w, s->crowd[11], &Place_info, &place);
}

static skep_status step_add_many(script *s)
{
    return skep_world_add_many(s->w, s->crowd, 1500, &Speed_info, NULL);
}

static skep_status step_remove_many(script *s)
{
    return skep_world_remove_many(s->w, s->crowd + 100, 700, &Speed_info);
}

static skep_status step_destroy(script *s)
{
    return skep_entity_destroy(s->w, s->crowd[20]);
}

static skep_status step_parent(script *s)
{
    const Parent parent = {s->crowd[30]};
    return skep_world_add(s->w, s->crowd[31], &Parent_info, &parent);
}

static skep_status step_cascade(script *s)
{
    return skep_entity_destroy(s->w, s->crowd[30]);
}

static skep_status step_prefab(script *s)
{
    const Speed speed = {3.0f, 4.0f};
    const skep_part parts[] = {skep_part_make(&Speed_info, &speed),
                               skep_part_make(&Flag_info, NULL)};
    return skep_world_prefab_define(s->w, &Pair_info, parts, 2);
}

static skep_status step_half(script *s)
{
    const skep_part part = skep_part_make(&Flag_info, NULL);
    return skep_world_prefab_define(s->w, &Half_info, &part, 1);
}

static skep_status step_child(script *s)
{
    return skep_world_prefab_child(s->w, &Pair_info, &Half_info);
}

static skep_status step_spawn(script *s)
{
    skep_entity e;
    return skep_world_spawn(s->w, &Pair_info, NULL, 0, &e);
}

static skep_status step_event(script *s)
{
    const Ping ping = {5};
    return skep_world_send(s->w, &Ping_info, s->crowd[3], &ping);
}

static skep_status step_resource(script *s)
{
    const Score score = {77};
    return skep_world_resource_set(s->w, &Score_info, &score, sizeof score);
}

static skep_status step_query(script *s)
{
    skep_query_desc d = skep_query_desc_default();
    d.terms[0] = SKEP_ALL(Place);
    d.terms[1] = SKEP_CHANGED(Speed);
    d.terms[2] = SKEP_REMOVED(Flag);
    return skep_query_create(s->w, &d, &s->query);
}

/* A batch of patches of many kinds. The handles of its spawns are taken before and given back on
 * failure, as the plan does. */
static skep_status step_batch(script *s)
{
    static uint8_t bytes[65536];
    uint32_t speed = 0, flag = 0, pair = 0, ping = 0;
    if (skep__world_type(s->w, &Speed_info, &speed) != SKEP_OK ||
        skep__world_type(s->w, &Flag_info, &flag) != SKEP_OK ||
        skep__world_prefab(s->w, &Pair_info, &pair) != SKEP_OK ||
        skep__world_channel(s->w, &Ping_info, false, &ping) != SKEP_OK)
        return SKEP_NO_MEMORY;
    skep_entity spawns[4];
    const uint32_t taken = skep__ids_take(&s->w->store, 4, spawns);
    skep_patch_writer writer = {bytes, bytes + sizeof bytes, 0};
    for (uint32_t i = 0; i < taken; i++)
        (void)skep__patch_push(&writer, SKEP_PATCH_SPAWN, pair, spawns[i].bits, 0);
    for (uint32_t i = 0; i < 400; i++) {
        const Speed value = {(float)i, 1.0f};
        void *at = skep__patch_push(&writer, SKEP_PATCH_PUT, speed, s->crowd[40 + i * 3].bits,
                                    sizeof value);
        memcpy(at, &value, sizeof value);
        if (i % 5 == 0)
            (void)skep__patch_push(&writer, SKEP_PATCH_PUT, flag, s->crowd[40 + i * 3].bits, 0);
        if (i % 7 == 0)
            (void)skep__patch_push(&writer, SKEP_PATCH_DESTROY, SKEP_PATCH_NO_SLOT,
                                   s->crowd[41 + i * 3].bits, 0);
    }
    const Ping value = {6};
    memcpy(skep__patch_push(&writer, SKEP_PATCH_EVENT, ping, 0, sizeof value), &value,
           sizeof value);
    const skep__apply_buffer buffer = {bytes, (size_t)(writer.at - bytes), NULL};
    skep__apply_report report = {0, 0};
    const skep_status status = taken == 4 ? skep__apply(s->w, &buffer, 1, &report) : SKEP_NO_MEMORY;
    if (status != SKEP_OK) skep__ids_return(&s->w->store, spawns, taken);
    return status;
}

static skep_status step_restore(script *s)
{
    return skep_world_restore(s->w, s->kept);
}

static step_fn *const steps[] = {
    step_one,      step_crowd,       step_query,   step_add,    step_snapshot, step_set,
    step_add_many, step_remove_many, step_destroy, step_parent, step_cascade,  step_prefab,
    step_half,     step_child,       step_spawn,   step_event,  step_resource, step_batch,
    step_restore,  step_add_many,    step_batch,
};

/* Runs the script; the fail_at-th allocation fails once. Returns the last hash. */
static uint64_t script_run(script *s, uint64_t fail_at, uint64_t *calls, uint64_t *failed)
{
    memset(s, 0, sizeof *s);
    assert_true(test_region_open(&s->region, (size_t)64 << 20));
    skep_world_desc d = skep_world_desc_default();
    d.region = s->region.region;
    d.allocator = s->region.allocator;
    d.entity_max = 50000;
    s->region.fail_once = true;
    s->region.fail_at = fail_at;
    skep_status status = skep_world_create(&d, &s->w);
    if (status == SKEP_NO_MEMORY) status = skep_world_create(&d, &s->w);
    assert_int_equal(status, SKEP_OK);
    for (uint32_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const uint64_t armed = s->region.fail_at;
        s->region.fail_at = 0;
        const uint64_t counted = s->region.calls;
        const uint64_t before = skep_world_hash(s->w);
        s->region.calls = counted;
        s->region.fail_at = armed;
        status = steps[i](s);
        if (status == SKEP_OK) continue;
        s->region.fail_at = 0;
        if (status != SKEP_NO_MEMORY)
            fail_msg("step %u: status %d: %s", i, (int)status, skep_world_error(s->w));
        if (skep_world_check(s->w) != SKEP_OK) fail_msg("step %u: %s", i, skep_world_error(s->w));
        if (skep_world_hash(s->w) != before)
            fail_msg("step %u left a trace at allocation %llu", i, (unsigned long long)fail_at);
        status = steps[i](s);
        if (status != SKEP_OK) fail_msg("step %u again: %s", i, skep_world_error(s->w));
    }
    *calls = s->region.calls;
    *failed = s->region.failed;
    assert_int_equal(skep_world_check(s->w), SKEP_OK);
    const uint64_t hash = skep_world_hash(s->w);
    skep_snapshot_release(s->kept);
    skep_world_destroy(s->w);
    assert_true(test_region_close(&s->region));
    return hash;
}

static void test_every_allocation_fails_in_turn(void **state)
{
    (void)state;
    static script s;
    uint64_t calls = 0, failed = 0, total = 0;
    const uint64_t hash = script_run(&s, 0, &calls, &failed);
    for (uint64_t n = 1;; n++) {
        uint64_t seen = 0;
        const uint64_t again = script_run(&s, n, &seen, &failed);
        assert_true(again == hash);
        if (!failed) break;
        total++;
    }
    printf("%llu allocations failed, one at a time\n", (unsigned long long)total);
    assert_true(total > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_fails_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
