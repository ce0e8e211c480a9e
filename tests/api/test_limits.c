/* SPDX-License-Identifier: MIT */
/* ctest: timeout=900
 * Every limit that a header or a message names is hit once, from below: one less works, one more
 * says which knob it was and changes nothing. Limits that other tests hit: hook_rounds
 * (test_world), those of a simulation (test_limits_sim), spawn_max and patch_bytes_max of frames
 * (test_frame), parked_bytes_max (test_faults), rewind_max and catch_up_max (test_sim_loop),
 * entity_max of a load (test_save), SKEP_GENERATION_MAX (test_store), access entries and names of
 * systems (test_plan_rules). */
#include "api/log_lines.h"
#include "skep/save.h"
#include "skep/sim.h"
#include "support/lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Num, (u32, n));
SKEP_COMPONENT(Wide, (u8, m, 2048));
SKEP_TAG(Flag);
SKEP_PREFAB(Seed);
SKEP_PREFAB(Leaf);

#define OK(call) assert_int_equal((call), SKEP_OK)

/* Descriptions made while the test runs, with names of their own. */
typedef struct made_component {
    char name[16];
    skep_field fields[SKEP_FIELD_MAX + 1];
    char field_names[SKEP_FIELD_MAX + 1][16];
    skep_component info;
} made_component;

static void make_component(made_component *c, uint32_t number, uint32_t field_count)
{
    memset(c, 0, sizeof *c);
    (void)snprintf(c->name, sizeof c->name, "C%u", number);
    for (uint32_t i = 0; i < field_count; i++) {
        (void)snprintf(c->field_names[i], sizeof c->field_names[i], "f%u", i);
        c->fields[i] = (skep_field){c->field_names[i], SKEP_TYPE_u8, 1, 1, i};
    }
    c->info.name = c->name;
    c->info.fields = field_count ? c->fields : NULL;
    c->info.field_count = field_count;
    c->info.size = field_count;
    c->info.align = 1;
    c->info.kind = SKEP_KIND_COMPONENT;
}

static made_component *make_components(uint32_t count, uint32_t field_count)
{
    made_component *c = calloc(count, sizeof *c);
    assert_non_null(c);
    for (uint32_t i = 0; i < count; i++) make_component(&c[i], i, field_count);
    return c;
}

static void expect_error(skep_world *w, const char *text)
{
    if (!strstr(skep_world_error(w), text)) fail_msg("\"%s\"", skep_world_error(w));
}

static skep_entity made(skep_world *w)
{
    skep_entity e = skep_entity_null();
    OK(skep_entity_create(w, &e));
    return e;
}

/* ---- entities ----------------------------------------------------------------------------------
 */

static void test_entity_max_of_every_way_to_create(void **state)
{
    (void)state;
    test_lab l;
    test_lab_open(&l, 10);
    skep_world *w = l.world;
    const skep_part part = SKEP_PART_OF(Pos);
    OK(skep_world_prefab_define(w, &Leaf_info, &part, 1));
    OK(skep_world_prefab_define(w, &Seed_info, &part, 1));
    OK(skep_world_prefab_child(w, &Seed_info, &Leaf_info));
    OK(skep_entity_create_many(w, 9, &part, 1, NULL));
    const uint64_t before = skep_world_hash(w);
    skep_entity e = skep_entity_null();
    assert_int_equal(skep_entity_create_many(w, 2, &part, 1, NULL), SKEP_LIMIT);
    expect_error(w, "entity_max");
    assert_int_equal(skep_world_spawn_many(w, &Leaf_info, 2, NULL, 0, NULL), SKEP_LIMIT);
    expect_error(w, "entity_max");
    assert_int_equal(skep_world_spawn(w, &Seed_info, NULL, 0, &e), SKEP_LIMIT);
    expect_error(w, "entity_max");
    assert_int_equal(skep_entity_create_at(w, skep_entity_make(10, 1)), SKEP_LIMIT);
    expect_error(w, "entity_max");
    assert_true(skep_world_hash(w) == before);
    OK(skep_world_spawn(w, &Leaf_info, NULL, 0, &e));
    assert_int_equal(skep_entity_create(w, &e), SKEP_LIMIT);
    expect_error(w, "11th entity, entity_max is 10: set skep_world_desc.entity_max");
    test_lab_close(&l);
}

static void test_entities_of_a_spawn(void **state)
{
    (void)state;
    test_lab l;
    test_lab_open(&l, 1000);
    skep_world *w = l.world;
    OK(skep_world_prefab_define(w, &Leaf_info, NULL, 0));
    OK(skep_world_prefab_define(w, &Seed_info, NULL, 0));
    for (uint32_t i = 1; i < 64; i++) OK(skep_world_prefab_child(w, &Seed_info, &Leaf_info));
    assert_int_equal(skep_world_prefab_child(w, &Seed_info, &Leaf_info), SKEP_LIMIT);
    expect_error(w, "at most 64 entities a spawn");
    OK(skep_world_spawn(w, &Seed_info, NULL, 0, NULL));
    assert_int_equal(skep_world_entity_count(w), 64);
    test_lab_close(&l);
}

/* Bytes of a save. */
typedef struct pile {
    uint8_t bytes[1 << 20];
    size_t size;
} pile;

static bool write_pile(void *ctx, const void *bytes, size_t n)
{
    pile *p = ctx;
    if (n > sizeof p->bytes - p->size) return false;
    memcpy(p->bytes + p->size, bytes, n);
    p->size += n;
    return true;
}

/* ---- components ---------------------------------------------------------------------------------
 */

static void test_component_max(void **state)
{
    (void)state;
    test_lab l;
    test_lab_open(&l, 100);
    made_component *c = make_components(4100, 0);
    uint32_t known = 0;
    skep_status status = SKEP_OK;
    while (known < 4100 && status == SKEP_OK) {
        status = skep_world_component(l.world, &c[known].info);
        known += status == SKEP_OK;
    }
    assert_int_equal(status, SKEP_LIMIT);
    assert_int_equal(known, 4096);
    expect_error(l.world, "component_max");
    assert_int_equal(skep_world_add(l.world, made(l.world), &c[4099].info, NULL), SKEP_LIMIT);
    OK(skep_world_add(l.world, made(l.world), &c[4095].info, NULL));
    test_lab_close(&l);
    free(c);
}

/* Resources, prefabs and events have numbers too. */
static void test_resources_prefabs_and_events(void **state)
{
    (void)state;
    static const uint32_t kinds[] = {SKEP_KIND_RESOURCE, SKEP_KIND_PREFAB, SKEP_KIND_EVENT};
    static const char *const knobs[] = {"resource_max", "prefab_max", "event_max"};
    made_component *c = make_components(4100, 1);
    for (uint32_t k = 0; k < 3; k++) {
        test_lab l;
        test_lab_open(&l, 10);
        uint32_t known = 0;
        skep_status status = SKEP_OK;
        while (known < 4100 && status == SKEP_OK) {
            skep_component *info = &c[known].info;
            info->kind = kinds[k];
            if (k == 0) status = skep_world_resource_set(l.world, info, NULL, info->size);
            if (k == 1) status = skep_world_prefab_define(l.world, info, NULL, 0);
            if (k == 2) status = skep_world_send(l.world, info, skep_entity_null(), info->name);
            known += status == SKEP_OK;
        }
        assert_int_equal(status, SKEP_LIMIT);
        assert_int_equal(known, k == 1 ? 4095 : 4096); /* prefab 0 is Entity */
        expect_error(l.world, knobs[k]);
        test_lab_close(&l);
    }
    free(c);
}

static void test_components_and_fields_of_an_entity(void **state)
{
    (void)state;
    test_lab l;
    test_lab_open(&l, 100);
    made_component *tags = make_components(300, 0);
    const skep_entity e = made(l.world);
    uint32_t count = 0;
    skep_status status = SKEP_OK;
    while (count < 300 && status == SKEP_OK) {
        status = skep_world_add(l.world, e, &tags[count].info, NULL);
        count += status == SKEP_OK;
    }
    assert_int_equal(status, SKEP_LIMIT);
    expect_error(l.world, "an entity has at most 255 components");
    assert_int_equal(count, 255);
    for (uint32_t i = 0; i < count; i++) assert_true(skep_world_has(l.world, e, &tags[i].info));
    OK(skep_world_remove(l.world, e, &tags[3].info));
    OK(skep_world_add(l.world, e, &tags[299].info, NULL));
    /* What an entity can have a save can have. */
    static pile p;
    test_lab other;
    test_lab_open(&other, 100);
    for (uint32_t i = 0; i < 300; i++) OK(skep_world_component(other.world, &tags[i].info));
    OK(skep_save(l.world, write_pile, &p));
    OK(skep_load(other.world, p.bytes, p.size, NULL));
    assert_true(skep_world_hash(other.world) == skep_world_hash(l.world));
    test_lab_close(&other);
    test_lab_close(&l);
    free(tags);

    test_lab_open(&l, 100);
    made_component *wide = make_components(80, SKEP_FIELD_MAX);
    const skep_entity f = made(l.world);
    for (count = 0, status = SKEP_OK; count < 80 && status == SKEP_OK;) {
        status = skep_world_add(l.world, f, &wide[count].info, NULL);
        count += status == SKEP_OK;
    }
    assert_int_equal(status, SKEP_LIMIT);
    expect_error(l.world, "1,024 fields");
    assert_true(count == 63 || count == 64); /* ids are a column too */
    for (uint32_t i = 0; i < count; i++) assert_true(skep_world_has(l.world, f, &wide[i].info));
    test_lab_close(&l);
    free(wide);
}

static void test_fields_of_a_component(void **state)
{
    (void)state;
    test_lab l;
    test_lab_open(&l, 100);
    made_component c[3];
    make_component(&c[0], 0, SKEP_FIELD_MAX);
    OK(skep_world_component(l.world, &c[0].info));
    make_component(&c[1], 1, SKEP_FIELD_MAX + 1);
    assert_int_equal(skep_world_component(l.world, &c[1].info), SKEP_ARGUMENT);
    expect_error(l.world, "C1");
    OK(skep_world_component(l.world, &Wide_info)); /* SKEP_FIELD_BYTES_MAX */
    make_component(&c[2], 2, 1);
    c[2].fields[0].count = SKEP_FIELD_BYTES_MAX + 1;
    c[2].info.size = SKEP_FIELD_BYTES_MAX + 1;
    assert_int_equal(skep_world_component(l.world, &c[2].info), SKEP_ARGUMENT);
    expect_error(l.world, "C2");
    test_lab_close(&l);
}

static void test_parts_of_a_call(void **state)
{
    (void)state;
    test_lab l;
    test_lab_open(&l, 100);
    made_component *tags = make_components(SKEP_CREATE_MAX + 1, 0);
    skep_part parts[SKEP_CREATE_MAX + 1];
    for (uint32_t i = 0; i <= SKEP_CREATE_MAX; i++) parts[i] = skep_part_make(&tags[i].info, NULL);
    assert_int_equal(skep_entity_create_many(l.world, 1, parts, SKEP_CREATE_MAX + 1, NULL),
                     SKEP_LIMIT);
    expect_error(l.world, "SKEP_CREATE_MAX (64)");
    assert_int_equal(skep_world_entity_count(l.world), 0);
    OK(skep_entity_create_many(l.world, 1, parts, SKEP_CREATE_MAX, NULL));
    test_lab_close(&l);
    free(tags);
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* Walks one entity through all sets of 17 tags, each step adding or removing one. */
static void test_table_max(void **state)
{
    (void)state;
    test_lab l;
    test_lab_open(&l, 100);
    made_component *tags = make_components(18, 0);
    const skep_entity e = made(l.world);
    skep_status status = SKEP_OK;
    uint32_t has = 0;
    uint32_t steps = 1;
    for (; steps < 1u << 17 && status == SKEP_OK; steps++) {
        uint32_t bit = 0;
        while (!(steps >> bit & 1u)) bit++;
        status = has >> bit & 1u ? skep_world_remove(l.world, e, &tags[bit].info)
                                 : skep_world_add(l.world, e, &tags[bit].info, NULL);
        has ^= status == SKEP_OK ? 1u << bit : 0;
    }
    /* One table of none of them is there from the start. */
    if (status == SKEP_OK) status = skep_world_add(l.world, e, &tags[17].info, NULL);
    assert_int_equal(status, SKEP_LIMIT);
    expect_error(l.world, "table_max");
    assert_true(steps > 131060);
    for (uint32_t bit = 0; bit < 17; bit++)
        assert_true(skep_world_has(l.world, e, &tags[bit].info) == (has >> bit & 1u));
    test_lab_close(&l);
    free(tags);
}

/* ---- commands -------------------------------------------------------------------------------- */

#define COMMANDS 2097152u
#define FLAGGED 65536u

typedef struct flood {
    uint32_t commands;
    skep_status status;
} flood;

/* Queues as many commands as it was told, over and over the same entities. */
static skep_status flood_run(void *ctx, skep_world *world, float dt)
{
    flood *f = ctx;
    (void)dt;
    f->status = SKEP_OK;
    for (uint32_t i = 0; i < f->commands && f->status == SKEP_OK; i++) {
        const Num num = {i};
        f->status = skep_world_add(world, skep_entity_make(i % FLAGGED, 1), &Num_info, &num);
    }
    return f->status;
}

static void test_command_max(void **state)
{
    (void)state;
    log_lines lines;
    flood f = {COMMANDS, SKEP_OK};
    skep_sim *sim = NULL;
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = 0;
    d.log = log_lines_open(&lines);
    OK(skep_sim_open(NULL, &d, &sim));
    skep_system_desc s = skep_system_desc_default();
    s.name = "flood";
    s.run = flood_run;
    s.ctx = &f;
    OK(skep_plan_add(skep_sim_plan(sim), &s));
    OK(skep_entity_create_many(skep_sim_world(sim), FLAGGED, NULL, 0, NULL));
    OK(skep_sim_step(sim, 1.0f));
    OK(f.status);
    assert_int_equal(skep_sim_report(sim)->fault_count, 0);
    Num num = {0};
    assert_true(Num_of(skep_sim_world(sim), skep_entity_make(0, 1), &num));
    assert_int_equal(num.n, COMMANDS - FLAGGED);
    const skep_entity first = skep_entity_make(0, 1);
    OK(Num_detach(skep_sim_world(sim), first));
    f.commands = COMMANDS + 1;
    OK(skep_sim_step(sim, 1.0f));
    assert_int_equal(skep_sim_report(sim)->fault_count, 1);
    if (!strstr(skep_sim_report(sim)->faults[0].cause, "command_max"))
        fail_msg("\"%s\"", skep_sim_report(sim)->faults[0].cause);
    assert_false(skep_world_has(skep_sim_world(sim), first, &Num_info));
    OK(skep_world_check(skep_sim_world(sim)));
    skep_sim_close(sim);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void test_region_bytes_max(void **state)
{
    (void)state;
    test_region r;
    skep_world *w = NULL;
    skep_world_desc d = skep_world_desc_default();
    assert_true(test_region_open(&r, (size_t)32 << 20));
    d.entity_max = 100000;
    d.region = r.region;
    d.allocator = r.allocator;
    OK(skep_world_create(&d, &w));
    const skep_part part = SKEP_PART_OF(Wide); /* 2 KiB each */
    assert_int_equal(skep_entity_create_many(w, 20000, &part, 1, NULL), SKEP_NO_MEMORY);
    expect_error(w, "bytes_max");
    assert_int_equal(skep_world_entity_count(w), 0);
    OK(skep_entity_create_many(w, 5000, &part, 1, NULL));
    OK(skep_world_check(w));
    skep_world_destroy(w);
    assert_true(test_region_close(&r));
}

/* ---- saves ----------------------------------------------------------------------------------- */

static bool write_nothing(void *ctx, const void *bytes, size_t n)
{
    size_t *total = ctx;
    (void)bytes;
    *total += n;
    return true;
}

static void test_names_in_a_save(void **state)
{
    (void)state;
    static char name[257];
    size_t total = 0;
    for (uint32_t longer = 0; longer < 2; longer++) {
        test_lab l;
        test_lab_open(&l, 10);
        memset(name, 'n', 255 + longer);
        skep_component tag = {name, NULL, 0, 0, 1, SKEP_KIND_COMPONENT};
        OK(skep_world_add(l.world, made(l.world), &tag, NULL));
        assert_int_equal(skep_save(l.world, write_nothing, &total), longer ? SKEP_LIMIT : SKEP_OK);
        test_lab_close(&l);
    }
    assert_true(total > 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entity_max_of_every_way_to_create),
        cmocka_unit_test(test_entities_of_a_spawn),
        cmocka_unit_test(test_component_max),
        cmocka_unit_test(test_resources_prefabs_and_events),
        cmocka_unit_test(test_components_and_fields_of_an_entity),
        cmocka_unit_test(test_fields_of_a_component),
        cmocka_unit_test(test_parts_of_a_call),
        cmocka_unit_test(test_table_max),
        cmocka_unit_test(test_command_max),
        cmocka_unit_test(test_region_bytes_max),
        cmocka_unit_test(test_names_in_a_save),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
