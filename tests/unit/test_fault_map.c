/* SPDX-License-Identifier: MIT */
/* Where a file of a fault may have its memory put: anywhere but at NULL, whoever runs it. */
#define _GNU_SOURCE 1 /* for mkdtemp */
#include "core/record/fault_file.h"
#include "core/record/record_format.h"
#include "port/port.h"
#include "skep/recovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const char words[16] = "what it has read";

static bool file_write(void *ctx, const void *bytes, size_t n)
{
    return fwrite(bytes, 1, n, (FILE *)ctx) == n;
}

/* A whole file of a task that read one range, opened. */
static skep_fault_file *file_with(uint64_t address)
{
    const skep_allocator heap = skep__port_allocator();
    const uint64_t numbers[] = {address, 1u, 0u, 65536u};
    const uint32_t small[] = {13u, 3u, 1u, 1024u, 0u, 48u, 8u, 0u};
    static const char texts[64 + 64 + 32 + 192] = "job";
    char folder[] = "/tmp/skep-fault-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/fault.skepr", folder);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    skep__rec_writer w = {.write = file_write, .ctx = out, .out.allocator = &heap};
    assert_true(skep__rec_open(&w, SKEP__REC_FAULT_FILE));
    assert_true(skep__rec_begin(&w, SKEP__REC_FAULT));
    assert_true(skep__bytes_append(&w.out, numbers, sizeof numbers));
    assert_true(skep__bytes_append(&w.out, small, sizeof small));
    assert_true(skep__bytes_append(&w.out, texts, sizeof texts));
    assert_true(skep__rec_end(&w, true));
    assert_true(skep__rec_begin(&w, SKEP__REC_RANGE));
    assert_true(skep__bytes_u64(&w.out, address));
    assert_true(skep__bytes_append(&w.out, words, sizeof words));
    assert_true(skep__rec_end(&w, true));
    assert_true(skep__rec_begin(&w, SKEP__REC_FAULT_END));
    assert_true(skep__bytes_u64(&w.out, 1));
    assert_true(skep__rec_end(&w, true));
    skep__rec_close(&w);
    assert_int_equal(fclose(out), 0);
    skep_fault_file *file = NULL;
    skep_error error;
    assert_int_equal(skep_fault_file_open(path, &file, &error), SKEP_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    return file;
}

static void memory_comes_where_it_was(void **state)
{
    (void)state;
    const size_t page = skep__port_page_bytes();
    uint8_t *free_page = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(free_page != MAP_FAILED);
    skep_fault_file *file = file_with((uint64_t)(uintptr_t)free_page + 8);
    assert_int_equal(skep_fault_file_map(file), SKEP_EXISTS);
    skep_fault_file_close(file);
    file = file_with((uint64_t)(uintptr_t)free_page + 8);
    assert_int_equal(munmap(free_page, page), 0);
    assert_int_equal(skep_fault_file_map(file), SKEP_OK);
    assert_memory_equal(free_page + 8, words, sizeof words);
    assert_int_equal(skep_fault_file_map(file), SKEP_ARGUMENT);
    assert_int_equal(munmap(free_page, page), 0);
    skep_fault_file_close(file);
}

static void the_page_of_null_stays_empty(void **state)
{
    (void)state;
    static const uint64_t addresses[] = {0, 8, 4080};
    for (uint32_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        skep_fault_file *file = file_with(addresses[i]);
        assert_int_equal(skep_fault_file_map(file), SKEP_CORRUPT);
        skep_fault_file_close(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_comes_where_it_was),
        cmocka_unit_test(the_page_of_null_stays_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
