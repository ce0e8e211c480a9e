/* SPDX-License-Identifier: MIT */
/* ctest: timeout=600
 * Saving and loading through the public headers: round trips, programs that have changed since, and
 * bytes that are damaged or forged. The seed is printed; SKEP_SEED=N repeats one, SKEP_ROUNDS=N
 * sets how many mutations are tried. */
#include "skep/save.h"
#include "skep/snapshot.h"
#include "skep/world.h"
#include "support/mix.h"
#include "support/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REGION_BYTES ((size_t)128 << 20)
#define ENTITY_MAX 16384u

typedef struct lab {
    test_region memory;
    skep_world *world;
    uint32_t logged; /* warnings */
    char text[256];  /* the last one */
} lab;

static void on_log(void *ctx, skep_log_level level, const char *text)
{
    lab *l = ctx;
    if (level == SKEP_LOG_WARN) l->logged++;
    strncpy(l->text, text, sizeof l->text - 1);
}

static void lab_open(lab *l)
{
    memset(l, 0, sizeof *l);
    assert_true(test_region_open(&l->memory, REGION_BYTES));
    skep_world_desc d = skep_world_desc_default();
    d.entity_max = ENTITY_MAX;
    d.region = l->memory.region;
    d.allocator = l->memory.allocator;
    d.log = (skep_log){on_log, l};
    assert_int_equal(skep_world_create(&d, &l->world), SKEP_OK);
}

static void lab_close(lab *l)
{
    skep_world_destroy(l->world);
    assert_true(test_region_close(&l->memory));
}

static void check_world(skep_world *w)
{
    if (skep_world_check(w) != SKEP_OK) fail_msg("%s", skep_world_error(w));
}

typedef struct file {
    uint8_t *bytes;
    size_t size;
    size_t cap;
    size_t refuse_at; /* writing gives up here; 0: never */
} file;

static bool file_write(void *ctx, const void *bytes, size_t n)
{
    file *f = ctx;
    if (f->refuse_at && f->size + n > f->refuse_at) return false;
    if (f->size + n > f->cap) {
        f->cap = (f->size + n) * 2;
        f->bytes = realloc(f->bytes, f->cap);
        if (!f->bytes) abort();
    }
    memcpy(f->bytes + f->size, bytes, n);
    f->size += n;
    return true;
}

static file save(skep_world *w)
{
    file f = {0};
    if (skep_save(w, file_write, &f) != SKEP_OK) fail_msg("%s", skep_world_error(w));
    return f;
}

static void load(skep_world *w, const file *f)
{
    skep_load_report report;
    if (skep_load(w, f->bytes, f->size, &report) != SKEP_OK) fail_msg("%s", skep_world_error(w));
    assert_int_equal(report.entity_count, skep_world_entity_count(w));
}

static uint64_t number_of_run(const char *name, uint64_t usual)
{
    const char *text = getenv(name);
    const uint64_t n = text ? strtoull(text, NULL, 10) : usual;
    print_message("%s=%llu\n", name, (unsigned long long)n);
    return n;
}

/* ---- round trips ---- */

/* The loaded world is the saved one, and stays so: both then go the same way. */
static void test_round_trip(void **state)
{
    (void)state;
    lab a;
    lab_open(&a);
    mix *m = malloc(sizeof *m);
    mix *n = malloc(sizeof *n);
    assert_non_null(m);
    assert_non_null(n);
    mix_init(m, a.world, number_of_run("SKEP_SEED", 99));
    assert_true(mix_register(a.world, 0));
    for (uint32_t round = 0; round < 12; round++) {
        m->alive_most = round % 2 ? 100 : 3000;
        assert_true(mix_run(m, round * 300));
        const file f = save(a.world);
        const uint64_t hash = skep_world_hash(a.world);
        lab b;
        lab_open(&b);
        if (round % 3 == 0) assert_true(mix_register(b.world, 0));
        if (round % 3 == 1) assert_true(mix_register(b.world, 3)); /* other numbers */
        if (round % 3 == 2) { /* a world that had other entities and tables before */
            mix_init(n, b.world, round);
            assert_true(mix_register(b.world, 1));
            assert_true(mix_run(n, 500));
            while (n->alive_count)
                assert_int_equal(skep_entity_destroy(b.world, n->alive[--n->alive_count]), SKEP_OK);
        }
        load(b.world, &f);
        check_world(b.world);
        assert_true(skep_world_hash(b.world) == hash);
        *n = *m;
        n->world = b.world;
        const file g = save(b.world);
        if (round % 3 == 0) {
            assert_int_equal(f.size, g.size);
            assert_memory_equal(f.bytes, g.bytes, f.size);
        }
        assert_true(mix_run(m, 500));
        assert_true(mix_run(n, 500));
        assert_true(skep_world_hash(b.world) == skep_world_hash(a.world));
        free(f.bytes);
        free(g.bytes);
        lab_close(&b);
    }
    free(m);
    free(n);
    lab_close(&a);
}

/* A world that never had a Parent of its own takes loaded children along with their parent. */
static void test_children_loaded(void **state)
{
    (void)state;
    lab a;
    lab b;
    lab_open(&a);
    lab_open(&b);
    skep_entity parent;
    skep_entity child;
    assert_int_equal(skep_entity_create(a.world, &parent), SKEP_OK);
    assert_int_equal(skep_entity_create(a.world, &child), SKEP_OK);
    assert_int_equal(Parent_attach(a.world, child, (Parent){parent}), SKEP_OK);
    file f = save(a.world);
    assert_int_equal(skep_world_component(b.world, &Parent_info), SKEP_OK);
    load(b.world, &f);
    const skep_entity *children = NULL;
    uint32_t count = 0;
    assert_int_equal(skep_world_children(b.world, parent, &children, &count), SKEP_OK);
    assert_int_equal(count, 1);
    assert_true(skep_entity_equal(children[0], child));
    assert_int_equal(skep_entity_destroy(b.world, parent), SKEP_OK);
    assert_false(skep_entity_alive(b.world, child));
    check_world(b.world);
    free(f.bytes);
    lab_close(&a);
    lab_close(&b);
}

static void test_empty_world(void **state)
{
    (void)state;
    lab a;
    lab b;
    lab_open(&a);
    lab_open(&b);
    const file f = save(a.world);
    load(b.world, &f);
    assert_true(skep_world_hash(a.world) == skep_world_hash(b.world));
    skep_save_info info;
    skep_error error;
    assert_int_equal(skep_save_check(f.bytes, f.size, &info, &error), SKEP_OK);
    assert_int_equal(info.version, SKEP_SAVE_VERSION);
    assert_int_equal(info.entity_count, 0);
    assert_int_equal(error.code, SKEP_OK);
    free(f.bytes);
    lab_close(&a);
    lab_close(&b);
}

/* Handles whose generations are used up stay retired, and gaps in the queue stay in order. */
static void test_given_handles(void **state)
{
    (void)state;
    lab a;
    lab b;
    lab_open(&a);
    lab_open(&b);
    const skep_entity last = skep_entity_make(7, SKEP_GENERATION_MAX);
    assert_int_equal(skep_entity_create_at(a.world, last), SKEP_OK);
    assert_int_equal(skep_entity_create_at(a.world, skep_entity_make(3, 40)), SKEP_OK);
    assert_int_equal(skep_entity_destroy(a.world, last), SKEP_OK);
    const file f = save(a.world);
    load(b.world, &f);
    assert_true(skep_world_hash(a.world) == skep_world_hash(b.world));
    for (uint32_t i = 0; i < 9; i++) {
        skep_entity x;
        skep_entity y;
        assert_int_equal(skep_entity_create(a.world, &x), SKEP_OK);
        assert_int_equal(skep_entity_create(b.world, &y), SKEP_OK);
        assert_true(skep_entity_equal(x, y));
        assert_true(skep_entity_index(x) != 7);
    }
    free(f.bytes);
    lab_close(&a);
    lab_close(&b);
}

/* Stamps come along: what a query saw as changed stays as it was. */
static void test_stamps(void **state)
{
    (void)state;
    lab a;
    lab b;
    lab_open(&a);
    lab_open(&b);
    skep_query_desc d = skep_query_desc_default();
    d.terms[0] = skep_term_make(mix_components[0], SKEP_TERM_CHANGED);
    skep_query *q = NULL;
    assert_int_equal(skep_query_create(a.world, &d, &q), SKEP_OK);
    mix *m = malloc(sizeof *m);
    assert_non_null(m);
    mix_init(m, a.world, 4);
    assert_true(mix_register(a.world, 0));
    assert_true(mix_run(m, 3000));
    const file f = save(a.world);
    assert_true(mix_register(b.world, 0));
    load(b.world, &f);
    check_world(b.world);
    const file g = save(b.world);
    assert_int_equal(f.size, g.size);
    assert_memory_equal(f.bytes, g.bytes, f.size);
    skep_query_destroy(q);
    free(f.bytes);
    free(g.bytes);
    free(m);
    lab_close(&a);
    lab_close(&b);
}

/* ---- programs that have changed since ---- */

/* Components by hand, since two of one name cannot be declared in one file. */
static const skep_field ship_then_fields[] = {{"x", SKEP_TYPE_f32, 4, 1, 0},
                                              {"fuel", SKEP_TYPE_u32, 4, 1, 4},
                                              {"name", SKEP_TYPE_bytes, 1, 6, 8},
                                              {"ready", SKEP_TYPE_bool, 1, 1, 14}};
static const skep_field ship_now_fields[] = {{"name", SKEP_TYPE_bytes, 1, 6, 0},
                                             {"armour", SKEP_TYPE_f64, 8, 2, 8},
                                             {"x", SKEP_TYPE_f32, 4, 1, 24}};
static const skep_field ship_type_fields[] = {{"x", SKEP_TYPE_f64, 8, 1, 0}};
static const skep_field ship_count_fields[] = {{"name", SKEP_TYPE_bytes, 1, 7, 0}};
static const skep_component ship_then = {"Ship", ship_then_fields, 4, 16, 4, SKEP_KIND_COMPONENT};
static const skep_component ship_now = {"Ship", ship_now_fields, 3, 32, 8, SKEP_KIND_COMPONENT};
static const skep_component ship_type = {"Ship", ship_type_fields, 1, 8, 8, SKEP_KIND_COMPONENT};
static const skep_component ship_count = {"Ship", ship_count_fields, 1, 7, 1, SKEP_KIND_COMPONENT};
static const skep_component old_tag = {"Old", NULL, 0, 0, 1, SKEP_KIND_COMPONENT};
static const skep_field horn_then_fields[] = {{"pitch", SKEP_TYPE_u16, 2, 1, 0},
                                              {"long", SKEP_TYPE_u8, 1, 1, 2}};
static const skep_field horn_now_fields[] = {{"pitch", SKEP_TYPE_u16, 2, 1, 8},
                                             {"who", SKEP_TYPE_entity, 8, 1, 0}};
static const skep_component horn_then = {"Horn", horn_then_fields, 2, 4, 2, SKEP_KIND_EVENT};
static const skep_component horn_now = {"Horn", horn_now_fields, 2, 16, 8, SKEP_KIND_EVENT};
static const skep_component sea_then = {"Sea", horn_then_fields, 2, 4, 2, SKEP_KIND_RESOURCE};
static const skep_component sea_now = {"Sea", horn_now_fields, 2, 16, 8, SKEP_KIND_RESOURCE};

static const uint8_t ship_name[6] = {'v', 'i', 'c', 't', 'o', 'r'};

/* A value struct of horn_now. */
typedef struct horn_value {
    skep_entity who;
    uint16_t pitch;
    uint16_t rest[3];
} horn_value;

/* 1,500 ships, of which every third also has the tag that later programs lack. */
static file save_ships(skep_entity *ships)
{
    lab l;
    lab_open(&l);
    for (uint32_t i = 0; i < 1500; i++) {
        uint8_t value[16] = {0};
        const float x = (float)i;
        memcpy(value, &x, 4);
        memcpy(value + 8, ship_name, sizeof ship_name);
        value[14] = 1;
        assert_int_equal(skep_entity_create(l.world, &ships[i]), SKEP_OK);
        assert_int_equal(skep_world_add(l.world, ships[i], &ship_then, value), SKEP_OK);
        if (i % 3 == 0)
            assert_int_equal(skep_world_add(l.world, ships[i], &old_tag, NULL), SKEP_OK);
    }
    const uint16_t horn[2] = {440, 1};
    assert_int_equal(skep_world_send(l.world, &horn_then, ships[2], horn), SKEP_OK);
    assert_int_equal(skep_world_resource_set(l.world, &sea_then, horn, sizeof horn), SKEP_OK);
    const file f = save(l.world);
    lab_close(&l);
    return f;
}

static void test_schema_grown(void **state)
{
    (void)state;
    skep_entity *ships = calloc(1500, sizeof *ships);
    assert_non_null(ships);
    const file f = save_ships(ships);
    lab l;
    lab_open(&l);
    assert_int_equal(skep_world_component(l.world, &ship_now), SKEP_OK);
    horn_value horn = {skep_entity_make(9, 9), 1, {0}};
    assert_int_equal(skep_world_send(l.world, &horn_now, skep_entity_null(), &horn), SKEP_OK);
    assert_int_equal(skep_world_resource_set(l.world, &sea_now, &horn, sizeof horn), SKEP_OK);
    skep_load_report report;
    assert_int_equal(skep_load(l.world, f.bytes, f.size, &report), SKEP_OK);
    check_world(l.world);
    assert_int_equal(report.entity_count, 1500);
    assert_int_equal(report.components_dropped, 1); /* Old */
    assert_int_equal(report.fields_dropped, 4);     /* fuel, ready, and long twice */
    assert_int_equal(report.fields_added, 3);       /* armour, and who twice */
    assert_int_equal(l.logged, 5);
    for (uint32_t i = 0; i < 1500; i++) {
        uint8_t value[32];
        float x = -1;
        double armour[2] = {-1, -1};
        assert_true(skep_world_get(l.world, ships[i], &ship_now, value));
        memcpy(&x, value + 24, 4);
        memcpy(armour, value + 8, 16);
        assert_true(x == (float)i && armour[0] == 0 && armour[1] == 0);
        assert_memory_equal(value, ship_name, sizeof ship_name);
        assert_false(skep_world_has(l.world, ships[i], &old_tag));
    }
    skep_event_iter it = skep_world_events(l.world, &horn_now, 0);
    assert_true(skep_event_next(&it));
    assert_true(skep_entity_equal(it.to, ships[2]));
    memcpy(&horn, it.value, sizeof horn);
    assert_int_equal(horn.pitch, 440);
    assert_true(skep_entity_is_null(horn.who));
    assert_false(skep_event_next(&it));
    size_t bytes = 0;
    const void *sea = skep_world_resource_read(l.world, &sea_now, &bytes);
    assert_int_equal(bytes, sizeof horn);
    memcpy(&horn, sea, sizeof horn);
    assert_int_equal(horn.pitch, 440);
    lab_close(&l);
    free(f.bytes);
    free(ships);
}

/* A field that has another type or length here is refused, and named. */
static void test_schema_refused(void **state)
{
    (void)state;
    skep_entity *ships = calloc(1500, sizeof *ships);
    assert_non_null(ships);
    const file f = save_ships(ships);
    const skep_component *wrong[2] = {&ship_type, &ship_count};
    const char *field[2] = {"x", "name"};
    for (uint32_t i = 0; i < 2; i++) {
        lab l;
        lab_open(&l);
        assert_int_equal(skep_world_component(l.world, wrong[i]), SKEP_OK);
        const uint64_t hash = skep_world_hash(l.world);
        skep_load_report report;
        assert_int_equal(skep_load(l.world, f.bytes, f.size, &report), SKEP_SCHEMA);
        assert_string_equal(report.component, "Ship");
        assert_string_equal(report.field, field[i]);
        assert_int_equal(report.error.code, SKEP_SCHEMA);
        assert_non_null(strstr(skep_world_error(l.world), "Ship."));
        assert_true(skep_world_hash(l.world) == hash);
        lab_close(&l);
    }
    free(f.bytes);
    free(ships);
}

/* ---- refusals ---- */

static void expect(const file *f, size_t size, skep_status status)
{
    lab l;
    lab_open(&l);
    skep_load_report report;
    assert_int_equal(skep_load(l.world, f->bytes, size, &report), status);
    assert_int_equal(report.error.code, status);
    assert_true(status == SKEP_OK || report.error.message != NULL);
    assert_true(report.error.offset <= f->size);
    skep_error error;
    assert_int_equal(skep_save_check(f->bytes, size, NULL, &error), status);
    lab_close(&l);
}

static void test_refusals(void **state)
{
    (void)state;
    lab l;
    lab_open(&l);
    mix *m = malloc(sizeof *m);
    assert_non_null(m);
    mix_init(m, l.world, 8);
    assert_true(mix_register(l.world, 0));
    assert_true(mix_run(m, 400));
    file f = save(l.world);
    expect(&f, f.size, SKEP_OK);
    expect(&f, 0, SKEP_FOREIGN);
    expect(&f, 5, SKEP_CORRUPT);
    expect(&f, 100, SKEP_CORRUPT);
    expect(&f, f.size - 1, SKEP_CORRUPT);
    expect(&f, f.size - 8, SKEP_CORRUPT);
    file_write(&f, "more", 4);
    expect(&f, f.size, SKEP_CORRUPT);
    f.size -= 4;
    f.bytes[8] = 2; /* the version */
    expect(&f, f.size, SKEP_VERSION);
    f.bytes[8] = 1;
    f.bytes[1] = 'T';
    expect(&f, f.size, SKEP_FOREIGN);
    f.bytes[1] = 'S';
    expect(&f, f.size, SKEP_OK);

    const uint64_t hash = skep_world_hash(l.world);
    assert_int_equal(skep_load(l.world, f.bytes, f.size, NULL), SKEP_ARGUMENT);
    assert_true(skep_world_hash(l.world) == hash);
    file short_disk = {.refuse_at = f.size / 2};
    assert_int_equal(skep_save(l.world, file_write, &short_disk), SKEP_IO);
    free(short_disk.bytes);
    free(f.bytes);
    free(m);
    lab_close(&l);
}

/* A world with too few indexes names its limit. */
static void test_limit(void **state)
{
    (void)state;
    lab a;
    lab_open(&a);
    assert_int_equal(skep_entity_create_at(a.world, skep_entity_make(5000, 1)), SKEP_OK);
    const file f = save(a.world);
    test_region memory;
    assert_true(test_region_open(&memory, REGION_BYTES));
    skep_world_desc d = skep_world_desc_default();
    d.entity_max = 5000;
    d.region = memory.region;
    d.allocator = memory.allocator;
    skep_world *w = NULL;
    assert_int_equal(skep_world_create(&d, &w), SKEP_OK);
    assert_int_equal(skep_load(w, f.bytes, f.size, NULL), SKEP_LIMIT);
    assert_non_null(strstr(skep_world_error(w), "entity_max"));
    skep_world_destroy(w);
    assert_true(test_region_close(&memory));
    free(f.bytes);
    lab_close(&a);
}

/* Every allocation of a load fails in turn; the world is as it was. */
static void test_allocation_failure(void **state)
{
    (void)state;
    lab a;
    lab_open(&a);
    mix *m = malloc(sizeof *m);
    assert_non_null(m);
    mix_init(m, a.world, 21);
    assert_true(mix_register(a.world, 0));
    assert_true(mix_run(m, 3000));
    const file f = save(a.world);
    const uint64_t full = skep_world_hash(a.world);
    skep_status status = SKEP_NO_MEMORY;
    uint64_t n = 1;
    for (; status != SKEP_OK; n++) {
        lab b;
        lab_open(&b);
        assert_true(mix_register(b.world, 2));
        const uint64_t hash = skep_world_hash(b.world);
        test_region_fail(&b.memory, n);
        status = skep_load(b.world, f.bytes, f.size, NULL);
        test_region_fail(&b.memory, 0);
        check_world(b.world);
        assert_true(status == SKEP_OK || status == SKEP_NO_MEMORY);
        assert_true(skep_world_hash(b.world) == (status == SKEP_OK ? full : hash));
        if (status != SKEP_OK && n % 5 == 0) load(b.world, &f); /* and it still can */
        lab_close(&b);
    }
    assert_true(n > 20);
    free(f.bytes);
    free(m);
    lab_close(&a);
}

/* ---- mutations ---- */

static uint64_t next(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random * 0x2545F4914F6CDD1Du;
}

/* Damages a copy of a save: flipped bits, other bytes, a piece cut off, moved or doubled. Returns
 * its size. */
static size_t damage(const file *f, uint8_t *to, uint64_t *random)
{
    memcpy(to, f->bytes, f->size);
    size_t size = f->size;
    const uint64_t kind = next(random) % 8;
    const size_t at = (size_t)(next(random) % f->size);
    if (kind == 0) {
        size = at;
    } else if (kind == 1) {
        const size_t n = (size_t)(next(random) % (f->size - at)) + 1;
        memmove(to + at, to + (size_t)(next(random) % (f->size - n + 1)), n);
    } else if (kind == 2) {
        to[at] = (uint8_t)next(random);
    } else {
        const uint64_t flips = kind == 3 ? 1 + next(random) % 20 : 1;
        for (uint64_t i = 0; i < flips; i++)
            to[next(random) % f->size] ^= (uint8_t)(1u << (next(random) % 8));
    }
    return size;
}

static void test_mutations(void **state)
{
    (void)state;
    lab a;
    lab_open(&a);
    mix *m = malloc(sizeof *m);
    assert_non_null(m);
    mix_init(m, a.world, 77);
    assert_true(mix_register(a.world, 0));
    assert_true(mix_run(m, 150));
    const file f = save(a.world);
    uint64_t random = number_of_run("SKEP_SEED", 4242) | 1u;
    const uint64_t rounds = number_of_run("SKEP_ROUNDS", 20000);
    lab b;
    lab_open(&b);
    assert_true(mix_register(b.world, 0));
    const uint64_t hash = skep_world_hash(b.world);
    for (uint64_t i = 0; i < rounds; i++) {
        uint8_t *bad = malloc(f.size);
        assert_non_null(bad);
        const size_t size = damage(&f, bad, &random);
        if (size == f.size && memcmp(bad, f.bytes, size) == 0) {
            free(bad);
            continue;
        }
        uint8_t *exact = malloc(size ? size : 1); /* so that reading past it is seen */
        assert_non_null(exact);
        memcpy(exact, bad, size);
        free(bad);
        const skep_status status = skep_load(b.world, exact, size, NULL);
        free(exact);
        if (status != SKEP_CORRUPT && status != SKEP_FOREIGN && status != SKEP_VERSION)
            fail_msg("mutation %llu was not refused: %d", (unsigned long long)i, (int)status);
        if (i % 500 == 0) assert_true(skep_world_hash(b.world) == hash);
    }
    assert_true(skep_world_hash(b.world) == hash);
    load(b.world, &f);
    assert_true(skep_world_hash(b.world) == skep_world_hash(a.world));
    free(f.bytes);
    free(m);
    lab_close(&a);
    lab_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_children_loaded),
        cmocka_unit_test(test_empty_world),    cmocka_unit_test(test_given_handles),
        cmocka_unit_test(test_stamps),         cmocka_unit_test(test_schema_grown),
        cmocka_unit_test(test_schema_refused), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_limit),          cmocka_unit_test(test_allocation_failure),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests_name("save", tests, NULL, NULL);
}
