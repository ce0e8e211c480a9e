/* SPDX-License-Identifier: MIT */
/* ctest: timeout=600
 * Saves that were forged: changed at random, or at chosen places, with all checksums made right
 * again. Each is either refused with a reason and an offset, or loads into a world whose invariants
 * hold. The seed is printed; SKEP_SEED=N repeats one, SKEP_ROUNDS=N sets how many are tried. */
#include "core/data/save_format.h"
#include "support/mix.h"
#include "support/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct file {
    uint8_t *bytes;
    size_t size;
    size_t cap;
} file;

static bool file_write(void *ctx, const void *bytes, size_t n)
{
    file *f = ctx;
    if (f->size + n > f->cap) {
        f->cap = (f->size + n) * 2;
        f->bytes = realloc(f->bytes, f->cap);
        if (!f->bytes) abort();
    }
    memcpy(f->bytes + f->size, bytes, n);
    f->size += n;
    return true;
}

typedef struct lab {
    test_region memory;
    skep_world *world;
} lab;

static void lab_open(lab *l)
{
    assert_true(test_region_open(&l->memory, (size_t)64 << 20));
    skep_world_desc d = skep_world_desc_default();
    d.entity_max = 8192;
    d.region = l->memory.region;
    d.allocator = l->memory.allocator;
    assert_int_equal(skep_world_create(&d, &l->world), SKEP_OK);
    assert_true(mix_register(l->world, 0));
}

static void lab_close(lab *l)
{
    skep_world_destroy(l->world);
    assert_true(test_region_close(&l->memory));
}

static uint64_t number_of_run(const char *name, uint64_t usual)
{
    const char *text = getenv(name);
    const uint64_t n = text ? strtoull(text, NULL, 10) : usual;
    print_message("%s=%llu\n", name, (unsigned long long)n);
    return n;
}

static uint64_t next(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random * 0x2545F4914F6CDD1Du;
}

static uint64_t u64_at(const file *f, size_t at)
{
    uint64_t x;
    memcpy(&x, f->bytes + at, 8);
    return x;
}

static void u64_put(file *f, size_t at, uint64_t x)
{
    memcpy(f->bytes + at, &x, 8);
}

static void u32_put(file *f, size_t at, uint32_t x)
{
    memcpy(f->bytes + at, &x, 4);
}

static uint64_t sum_of(const uint8_t *bytes, size_t n)
{
    uint64_t h = 0;
    for (size_t at = 0; at < n; at += SKEP__SAVE_PIECE_BYTES) {
        const size_t left = n - at;
        h = skep__save_sum_step(h, bytes + at,
                                left < SKEP__SAVE_PIECE_BYTES ? left : SKEP__SAVE_PIECE_BYTES);
    }
    return skep__save_sum_end(h, n);
}

/* Makes all checksums right, where the section table makes that possible. */
static void forge(file *f)
{
    if (f->size < SKEP__SAVE_CONTENT_OFFSET) return;
    u64_put(f, 16, f->size);
    for (uint32_t i = 0; i < SKEP__SAVE_SECTION_COUNT; i++) {
        const size_t row = SKEP__SAVE_HEADER_BYTES + (size_t)i * SKEP__SAVE_SECTION_BYTES;
        const uint64_t offset = u64_at(f, row + 8);
        const uint64_t bytes = u64_at(f, row + 16);
        if (offset > f->size || bytes > f->size - offset) continue;
        u64_put(f, row + 24, sum_of(f->bytes + offset, (size_t)bytes));
    }
    u64_put(f, 24, 0);
    u64_put(f, 24, sum_of(f->bytes, SKEP__SAVE_CONTENT_OFFSET));
}

static size_t section_at(const file *f, skep__save_section section)
{
    return (size_t)u64_at(f,
                          SKEP__SAVE_HEADER_BYTES + (size_t)section * SKEP__SAVE_SECTION_BYTES + 8);
}

static size_t section_bytes(const file *f, skep__save_section section)
{
    return (size_t)u64_at(f, SKEP__SAVE_HEADER_BYTES + (size_t)section * SKEP__SAVE_SECTION_BYTES +
                                 16);
}

static file copy_of(const file *f)
{
    file c = {malloc(f->size), f->size, f->size};
    assert_non_null(c.bytes);
    memcpy(c.bytes, f->bytes, f->size);
    return c;
}

/* A save of a small world in which everything occurs: `ops` changes. */
static file some_save(uint32_t ops)
{
    lab l;
    lab_open(&l);
    mix *m = malloc(sizeof *m);
    assert_non_null(m);
    mix_init(m, l.world, 31);
    skep_query_desc d = skep_query_desc_default();
    d.terms[0] = skep_term_make(mix_components[0], SKEP_TERM_CHANGED);
    skep_query *changed = NULL; /* so that there are stamps */
    assert_int_equal(skep_query_create(l.world, &d, &changed), SKEP_OK);
    m->alive_most = 60;
    assert_true(mix_run(m, ops));
    uint32_t record = 0;
    assert_int_equal(skep__world_record(l.world, "move", &record), SKEP_OK);
    skep__record_write(l.world, record)->bytes[3] = 7;
    file f = {0};
    assert_int_equal(skep_save(l.world, file_write, &f), SKEP_OK);
    free(m);
    lab_close(&l);
    return f;
}

/* Loads into a world of its own; a world that took the bytes must be sound and must work. */
static skep_status try_load(const file *f)
{
    lab l;
    lab_open(&l);
    const uint64_t hash = skep_world_hash(l.world);
    skep_load_report report;
    const skep_status status = skep_load(l.world, f->bytes, f->size, &report);
    assert_int_equal(report.error.code, status);
    if (skep_world_check(l.world) != SKEP_OK) fail_msg("%s", skep_world_error(l.world));
    if (status != SKEP_OK) {
        assert_non_null(report.error.message);
        assert_true(report.error.offset <= f->size);
        assert_true(skep_world_hash(l.world) == hash);
    } else {
        file again = {0};
        assert_int_equal(skep_save(l.world, file_write, &again), SKEP_OK);
        free(again.bytes);
        skep_entity e;
        for (uint32_t i = 0; i < 5; i++) {
            const skep_status made = skep_entity_create(l.world, &e);
            assert_true(made == SKEP_OK || made == SKEP_LIMIT);
        }
        assert_int_equal(skep_world_check(l.world), SKEP_OK);
    }
    lab_close(&l);
    return status;
}

static void test_random(void **state)
{
    (void)state;
    const file f = some_save(400);
    uint64_t random = number_of_run("SKEP_SEED", 7) | 1u;
    const uint64_t rounds = number_of_run("SKEP_ROUNDS", 4000);
    uint32_t taken = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        file bad = copy_of(&f);
        const uint64_t edits = 1 + next(&random) % 3;
        for (uint64_t k = 0; k < edits; k++) {
            /* Mostly where the structure is, seldom in the middle of values. */
            const skep__save_section s =
                (skep__save_section)(next(&random) % SKEP__SAVE_SECTION_COUNT);
            const size_t bytes = section_bytes(&bad, s);
            size_t at = next(&random) % 8 == 0 ? (size_t)(next(&random) % f.size)
                        : bytes                ? section_at(&bad, s) + next(&random) % bytes
                                               : 40;
            if (at >= bad.size) at = bad.size - 1;
            const uint64_t how = next(&random) % 3;
            if (how == 0)
                bad.bytes[at] ^= (uint8_t)(1u << (next(&random) % 8));
            else if (how == 1)
                bad.bytes[at] = (uint8_t)next(&random);
            else if (at + 4 <= bad.size)
                u32_put(&bad, at, (uint32_t)(UINT32_MAX >> (next(&random) % 32)));
        }
        forge(&bad);
        taken += try_load(&bad) == SKEP_OK ? 1u : 0u;
        free(bad.bytes);
    }
    print_message("%u of %llu were taken\n", taken, (unsigned long long)rounds);
    assert_true(taken > 0 && taken < rounds);
    free(f.bytes);
}

/* Changes one number at one place, makes the checksums right and expects a refusal. */
static void refuse_u32(const file *f, skep__save_section section, size_t at, uint32_t x)
{
    file bad = copy_of(f);
    u32_put(&bad, section_at(f, section) + at, x);
    forge(&bad);
    const skep_status status = try_load(&bad);
    if (status == SKEP_OK) fail_msg("section %d: %u at %zu was taken", (int)section, x, at);
    free(bad.bytes);
}

static void test_chosen(void **state)
{
    (void)state;
    const file f = some_save(2000);
    assert_int_equal(try_load(&f), SKEP_OK);
    refuse_u32(&f, SKEP__SAVE_SCHEMA, 0, 7);
    refuse_u32(&f, SKEP__SAVE_SCHEMA, 0, UINT32_MAX);
    refuse_u32(&f, SKEP__SAVE_SCHEMA, 8, UINT32_MAX);
    refuse_u32(&f, SKEP__SAVE_SCHEMA, 12, 1);
    refuse_u32(&f, SKEP__SAVE_STATE, 24, 0);    /* stamp */
    refuse_u32(&f, SKEP__SAVE_STATE, 32, 0);    /* event_seq */
    refuse_u32(&f, SKEP__SAVE_STATE, 40, 1);    /* entity_count */
    refuse_u32(&f, SKEP__SAVE_STATE, 44, 1);    /* index_count */
    refuse_u32(&f, SKEP__SAVE_STATE, 44, 8193); /* more than entity_max */
    refuse_u32(&f, SKEP__SAVE_STATE, 48, 0);    /* queue_count */
    refuse_u32(&f, SKEP__SAVE_STATE, 52, 0);    /* table_count */
    refuse_u32(&f, SKEP__SAVE_STATE, 52, UINT32_MAX);
    refuse_u32(&f, SKEP__SAVE_QUEUE, 0, 8000);      /* an index that is not */
    refuse_u32(&f, SKEP__SAVE_QUEUE, 4, 0);         /* generation 0 */
    refuse_u32(&f, SKEP__SAVE_QUEUE, 4, 1u << 21);  /* above the greatest */
    refuse_u32(&f, SKEP__SAVE_TABLES, 0, 1);        /* the first table has no components */
    refuse_u32(&f, SKEP__SAVE_TABLES, 4, 1u << 26); /* rows */
    refuse_u32(&f, SKEP__SAVE_RESOURCES, 0, 2);
    refuse_u32(&f, SKEP__SAVE_RESOURCES, 4, UINT32_MAX);
    refuse_u32(&f, SKEP__SAVE_CHANNELS, 0, UINT32_MAX);
    refuse_u32(&f, SKEP__SAVE_CHANNELS, 4, UINT32_MAX);
    refuse_u32(&f, SKEP__SAVE_RECORDS, 0, 2);
    refuse_u32(&f, SKEP__SAVE_RECORDS, 4, 1);
    refuse_u32(&f, SKEP__SAVE_RECORDS, 8, 0); /* a record without a name */
    /* The same index twice: the second handle of the queue is the first. */
    file bad = copy_of(&f);
    u64_put(&bad, section_at(&f, SKEP__SAVE_QUEUE) + 8,
            u64_at(&f, section_at(&f, SKEP__SAVE_QUEUE)));
    forge(&bad);
    assert_int_equal(try_load(&bad), SKEP_CORRUPT);
    free(bad.bytes);
    free(f.bytes);
}

/* A section that claims to be shorter or longer than it is, with all else moved to fit. */
static void test_lengths(void **state)
{
    (void)state;
    const file f = some_save(300);
    for (uint32_t s = 0; s < SKEP__SAVE_SECTION_COUNT; s++) {
        const size_t end =
            section_at(&f, (skep__save_section)s) + section_bytes(&f, (skep__save_section)s);
        for (int longer = 0; longer < 2; longer++) {
            if (!longer && section_bytes(&f, (skep__save_section)s) < 8) continue;
            file bad = {malloc(f.size + 8), 0, f.size + 8};
            assert_non_null(bad.bytes);
            const size_t kept = longer ? end : end - 8;
            memcpy(bad.bytes, f.bytes, kept);
            if (longer) memset(bad.bytes + end, 0, 8);
            const size_t to = longer ? end + 8 : end - 8;
            memcpy(bad.bytes + to, f.bytes + end, f.size - end);
            bad.size = to + (f.size - end);
            for (uint32_t i = s; i < SKEP__SAVE_SECTION_COUNT; i++) {
                const size_t row = SKEP__SAVE_HEADER_BYTES + (size_t)i * SKEP__SAVE_SECTION_BYTES;
                const uint64_t by = longer ? 8u : (uint64_t)-8;
                if (i > s) u64_put(&bad, row + 8, u64_at(&bad, row + 8) + by);
                if (i == s) u64_put(&bad, row + 16, u64_at(&bad, row + 16) + by);
            }
            forge(&bad);
            const skep_status status = try_load(&bad);
            if (status != SKEP_CORRUPT)
                fail_msg("section %u, %s: status %d", s, longer ? "longer" : "shorter",
                         (int)status);
            free(bad.bytes);
        }
    }
    free(f.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_chosen),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests_name("load_forged", tests, NULL, NULL);
}
