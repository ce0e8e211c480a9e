/* SPDX-License-Identifier: MIT */
/* The bytes of the wire, compared with a file that is checked in, and decoded: both ends of a line
 * may be years apart. tests/js/wire_wasm.test.ts does the same in wasm. SKEP_GOLDEN_WRITE=1 writes
 * the file anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire_papers.h"

#define GOLDEN_FILE "tests/golden/data/wire_v1.hex"

static void *heap_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    return aligned_alloc(align, skep__align(bytes, align));
}

static void heap_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    (void)ctx;
    (void)bytes;
    (void)align;
    free(memory);
}

static const skep_allocator heap = {heap_alloc, heap_free, NULL};

static void write_golden(const wire_paper *papers, uint32_t count)
{
    FILE *const f = fopen(GOLDEN_FILE, "w");
    assert_non_null(f);
    for (uint32_t k = 0; k < count; k++) {
        const wire_paper *p = &papers[k];
        assert_true(fprintf(f, "%s%zu\n", k ? "\n" : "", p->size) > 0);
        for (size_t i = 0; i < p->size; i++)
            assert_true(fprintf(f, "%02x%s", p->bytes[i],
                                i % 32 == 31 || i + 1 == p->size ? "\n" : " ") > 0);
    }
    assert_int_equal(fclose(f), 0);
}

static void read_golden(wire_paper *papers, uint32_t count)
{
    FILE *const f = fopen(GOLDEN_FILE, "r");
    if (!f) fail_msg("%s cannot be read; run from the repository's root", GOLDEN_FILE);
    for (uint32_t k = 0; k < count; k++) {
        assert_int_equal(fscanf(f, "%zu", &papers[k].size), 1);
        assert_true(papers[k].size <= WIRE_PAPER_MAX);
        for (size_t i = 0; i < papers[k].size; i++) {
            unsigned byte = 0;
            assert_int_equal(fscanf(f, "%2x", &byte), 1);
            papers[k].bytes[i] = (uint8_t)byte;
        }
    }
    (void)fclose(f);
}

static void the_bytes_stay(void **state)
{
    static wire_paper got[WIRE_PAPERS];
    static wire_paper want[WIRE_PAPERS];
    const char *bad = wire_papers_make(got, &heap);
    (void)state;
    if (bad) fail_msg("%s", bad);
    if (getenv("SKEP_GOLDEN_WRITE")) write_golden(got, WIRE_PAPERS);
    read_golden(want, WIRE_PAPERS);
    for (uint32_t k = 0; k < WIRE_PAPERS; k++) {
        assert_int_equal(got[k].size, want[k].size);
        for (size_t i = 0; i < got[k].size; i++)
            if (got[k].bytes[i] != want[k].bytes[i])
                fail_msg("byte %zu of body %u is %02x, was %02x", i, k, got[k].bytes[i],
                         want[k].bytes[i]);
    }
}

static void the_file_is_decoded(void **state)
{
    static wire_paper papers[WIRE_PAPERS];
    (void)state;
    read_golden(papers, WIRE_PAPERS);
    const char *bad = wire_papers_read(papers, &heap);
    if (bad) fail_msg("%s", bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_stay),
        cmocka_unit_test(the_file_is_decoded),
    };
    return cmocka_run_group_tests_name("wire_golden", tests, NULL, NULL);
}
