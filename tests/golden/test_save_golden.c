/* SPDX-License-Identifier: MIT */
/* The bytes of a save, version 1: a small world with a bit of everything is saved and compared with
 * a file that is checked in, and that file is loaded. A build that can no longer read it, or writes
 * something else under the same version, fails here. SKEP_GOLDEN_WRITE=1 writes the file anew. */
#include "core/world/world_internal.h"
#include "skep/save.h"
#include "skep/world.h"
#include "support/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN_FILE "tests/golden/data/save_v1.bin"
#define GOLDEN_HASH UINT64_C(0x146d20a588008fc4)
#define FILE_MAX 8192u

typedef struct serial {
    uint8_t bytes[5];
} serial;

SKEP_COMPONENT(Place, (f32, x), (f64, depth), (i16, cell, 2));
SKEP_COMPONENT(State, (bool, on), (u8, level), (u64, count), (entity, owner));
SKEP_STRUCT(Serial, serial, bytes);
SKEP_TAG(Ghost);
SKEP_EVENT(Knock, (u16, times), (f32, force));
SKEP_RESOURCE(Wind, (f32, x), (f32, y), (i8, gusts));

typedef struct lab {
    test_region memory;
    skep_world *world;
} lab;

typedef struct file {
    uint8_t bytes[FILE_MAX];
    size_t size;
} file;

static bool file_write(void *ctx, const void *bytes, size_t n)
{
    file *f = ctx;
    if (n > FILE_MAX - f->size) return false;
    memcpy(f->bytes + f->size, bytes, n);
    f->size += n;
    return true;
}

static void lab_open(lab *l)
{
    assert_true(test_region_open(&l->memory, (size_t)64 << 20));
    skep_world_desc d = skep_world_desc_default();
    d.entity_max = 4096;
    d.seed = 2026;
    d.region = l->memory.region;
    d.allocator = l->memory.allocator;
    assert_int_equal(skep_world_create(&d, &l->world), SKEP_OK);
}

static void lab_close(lab *l)
{
    skep_world_destroy(l->world);
    assert_true(test_region_close(&l->memory));
}

/* Makes a component, event and resource known. */
static void know(skep_world *w)
{
    assert_int_equal(skep_world_component(w, &Place_info), SKEP_OK);
    assert_int_equal(skep_world_component(w, &State_info), SKEP_OK);
    assert_int_equal(skep_world_component(w, &Serial_info), SKEP_OK);
    assert_int_equal(skep_world_component(w, &Ghost_info), SKEP_OK);
    assert_int_equal(Knock_post(w, skep_entity_null(), SKEP_LIT(Knock, 1, 2)), SKEP_OK);
    assert_int_equal(Wind_set(w, SKEP_LIT(Wind, 1, 2, 3)), SKEP_OK);
}

static void fill(skep_world *w)
{
    skep_entity e[12];
    know(w);
    for (uint32_t i = 0; i < 12; i++) {
        assert_int_equal(skep_entity_create(w, &e[i]), SKEP_OK);
        const Place p = {(float)i * 0.25f, -1.5 * i, {(int16_t)i, (int16_t)-i}};
        const State s = {i % 2 == 1, (uint8_t)(i * 20), UINT64_C(1) << (i * 5), e[i / 2]};
        const Serial r = {{{1, 2, 3, 4, (uint8_t)i}}};
        assert_int_equal(Place_attach(w, e[i], p), SKEP_OK);
        if (i % 2) assert_int_equal(State_attach(w, e[i], s), SKEP_OK);
        if (i % 3 == 0) assert_int_equal(Serial_attach(w, e[i], r), SKEP_OK);
        if (i % 4 == 0) assert_int_equal(Ghost_attach(w, e[i]), SKEP_OK);
    }
    assert_int_equal(skep_entity_destroy(w, e[7]), SKEP_OK);
    assert_int_equal(skep_entity_destroy(w, e[2]), SKEP_OK);
    assert_int_equal(skep_entity_destroy(w, e[9]), SKEP_OK);
    assert_int_equal(skep_entity_create(w, &e[7]), SKEP_OK);
    assert_int_equal(Knock_post(w, e[3], SKEP_LIT(Knock, 7, 0.5f)), SKEP_OK);
    uint32_t record = 0;
    assert_int_equal(skep__world_record(w, "drift", &record), SKEP_OK);
    skep__record_write(w, record)->bytes[0] = 9;
    w->tick = 77;
    w->time = 1.25;
}

static void read_golden(file *f)
{
    FILE *in = fopen(GOLDEN_FILE, "rb");
    if (!in) fail_msg("%s cannot be read; run from the repository's root", GOLDEN_FILE);
    f->size = fread(f->bytes, 1, FILE_MAX, in);
    (void)fclose(in);
}

static void test_bytes(void **state)
{
    (void)state;
    lab l;
    lab_open(&l);
    fill(l.world);
    file f = {{0}, 0};
    assert_int_equal(skep_save(l.world, file_write, &f), SKEP_OK);
    if (getenv("SKEP_GOLDEN_WRITE")) {
        FILE *out = fopen(GOLDEN_FILE, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(f.bytes, 1, f.size, out), f.size);
        assert_int_equal(fclose(out), 0);
        print_message("hash %016llx\n", (unsigned long long)skep_world_hash(l.world));
    }
    file golden = {{0}, 0};
    read_golden(&golden);
    assert_int_equal(f.size, golden.size);
    for (size_t i = 0; i < f.size; i++)
        if (f.bytes[i] != golden.bytes[i])
            fail_msg("byte %zu is %02x, was %02x", i, f.bytes[i], golden.bytes[i]);
    assert_true(skep_world_hash(l.world) == GOLDEN_HASH);
    lab_close(&l);
}

static void test_load(void **state)
{
    (void)state;
    lab l;
    lab_open(&l);
    know(l.world);
    file golden = {{0}, 0};
    read_golden(&golden);
    skep_save_info info;
    assert_int_equal(skep_save_check(golden.bytes, golden.size, &info, NULL), SKEP_OK);
    assert_int_equal(info.version, 1);
    assert_int_equal(info.tick, 77);
    assert_int_equal(info.seed, 2026);
    assert_int_equal(info.entity_count, 10);
    assert_true(info.time == 1.25);
    assert_int_equal(skep_load(l.world, golden.bytes, golden.size, NULL), SKEP_OK);
    assert_int_equal(skep_world_check(l.world), SKEP_OK);
    assert_true(skep_world_hash(l.world) == GOLDEN_HASH);
    State s = {false, 0, 0, {0}};
    assert_true(State_of(l.world, skep_entity_make(3, 1), &s));
    assert_true(s.on && s.level == 60 && s.count == 1u << 15);
    assert_int_equal(skep_entity_index(s.owner), 1);
    file again = {{0}, 0};
    assert_int_equal(skep_save(l.world, file_write, &again), SKEP_OK);
    assert_int_equal(again.size, golden.size);
    assert_memory_equal(again.bytes, golden.bytes, golden.size);
    lab_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_load),
    };
    return cmocka_run_group_tests_name("save_golden", tests, NULL, NULL);
}
