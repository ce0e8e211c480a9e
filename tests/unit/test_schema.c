/* SPDX-License-Identifier: MIT */
/* The hash of a schema: each thing that must change it, and what must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/replicate/schema.h"

static const skep_field place[2] = {{"x", SKEP_TYPE_f32, 4, 1, 0}, {"y", SKEP_TYPE_f32, 4, 1, 4}};

static const int8_t quanta[2] = {-6, SKEP_QUANTUM_NONE};

static skep__schema_hash hash_with(const skep_field *fields, const char *name, const int8_t *log2)
{
    const skep_component info = {name, fields, 2, 8, 4, SKEP_KIND_COMPONENT};
    const skep_component tag = {"Tag", NULL, 0, 0, 1, SKEP_KIND_COMPONENT};
    const skep_replica list[2] = {{&info, log2}, {&tag, NULL}};
    return skep__schema_hash_of(list, 2);
}

static void expect_other(skep__schema_hash a, skep__schema_hash b)
{
    assert_true(a.low != b.low);
    assert_true(a.high != b.high);
}

static void all_that_counts_shows(void **state)
{
    (void)state;
    const skep__schema_hash one = hash_with(place, "Place", quanta);
    skep_field f[2] = {place[0], place[1]};
    f[0].name = "z";
    expect_other(one, hash_with(f, "Place", quanta));
    f[0] = place[1];
    f[1] = place[0];
    expect_other(one, hash_with(f, "Place", quanta));
    memcpy(f, place, sizeof f);
    f[1].type = SKEP_TYPE_i32;
    expect_other(one, hash_with(f, "Place", quanta));
    memcpy(f, place, sizeof f);
    f[1].count = 2;
    expect_other(one, hash_with(f, "Place", quanta));
    expect_other(one, hash_with(place, "Plac", quanta));
    expect_other(one, hash_with(place, "Place", NULL));
    const int8_t finer[2] = {-7, SKEP_QUANTUM_NONE};
    expect_other(one, hash_with(place, "Place", finer));
    expect_other(one, skep__schema_hash_of(NULL, 0));
    memcpy(f, place, sizeof f);
    f[1].offset = 8;
    assert_true(hash_with(f, "Place", quanta).low == one.low);
    const int8_t none[2] = {SKEP_QUANTUM_NONE, SKEP_QUANTUM_NONE};
    assert_true(hash_with(place, "Place", none).low == hash_with(place, "Place", NULL).low);
}

static void order_and_kind_count(void **state)
{
    (void)state;
    const skep_component a = {"A", NULL, 0, 0, 1, SKEP_KIND_COMPONENT};
    const skep_component b = {"B", NULL, 0, 0, 1, SKEP_KIND_COMPONENT};
    const skep_component event = {"A", NULL, 0, 0, 1, SKEP_KIND_EVENT};
    const skep_replica ab[2] = {{&a, NULL}, {&b, NULL}};
    const skep_replica ba[2] = {{&b, NULL}, {&a, NULL}};
    const skep_replica eb[2] = {{&event, NULL}, {&b, NULL}};
    expect_other(skep__schema_hash_of(ab, 2), skep__schema_hash_of(ba, 2));
    expect_other(skep__schema_hash_of(ab, 2), skep__schema_hash_of(eb, 2));
    expect_other(skep__schema_hash_of(ab, 2), skep__schema_hash_of(ab, 1));
}

/* Part of the wire: a change here is another version of it. */
static void bits_are_written_down(void **state)
{
    (void)state;
    const skep__schema_hash one = hash_with(place, "Place", quanta);
    assert_true(one.low == 0x02B5430622ED18E3u);
    assert_true(one.high == 0xAA12F6E8ECC4C858u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_counts_shows),
        cmocka_unit_test(order_and_kind_count),
        cmocka_unit_test(bits_are_written_down),
    };
    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
