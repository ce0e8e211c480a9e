/* SPDX-License-Identifier: MIT */
/* All decoders over the corpus that is checked in, and over seeded mutations of it. What each input
 * comes to is compared with corpus/digests.txt, here and in wasm (tests/js/wire_wasm.test.ts).
 * SKEP_FUZZ_WRITE=1 writes corpus and digests anew from real messages; SKEP_FUZZ_ROUNDS=N sets how
 * many mutations there are of each input; SKEP_FUZZ=name and SKEP_FUZZ_FILE=path run one input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz.h"

#define CORPUS "tests/fuzz/corpus"
#define DIGESTS CORPUS "/digests.txt"
#define INPUT_MAX 65536u
#define PATH_MAX_BYTES 512u

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS_USUAL 4u
#else
#define ROUNDS_USUAL 40u
#endif

/* ---- files ----------------------------------------------------------------------------------- */

/* Reads a file; its size, or -1. */
static long read_file(const char *path, uint8_t *bytes, size_t room)
{
    FILE *const f = fopen(path, "rb");
    if (!f) return -1;
    const size_t n = fread(bytes, 1, room, f);
    (void)fclose(f);
    return (long)n;
}

static void write_seed(void *ctx, const char *target, const char *name, const uint8_t *bytes,
                       size_t size)
{
    char path[PATH_MAX_BYTES];
    FILE *const list = ctx;
    assert_true(snprintf(path, sizeof path, CORPUS "/%s/%s", target, name) < (int)sizeof path);
    FILE *const f = fopen(path, "wb");
    if (!f) fail_msg("%s cannot be written: is its folder there?", path);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    assert_true(fprintf(list, "%s/%s\n", target, name) > 0);
}

static const fuzz_target *target_of(const char *path)
{
    for (uint32_t i = 0; i < FUZZ_TARGETS; i++) {
        const size_t n = strlen(fuzz_targets[i].name);
        if (strncmp(fuzz_targets[i].name, path, n) == 0 && path[n] == '/') return &fuzz_targets[i];
    }
    fail_msg("%s is of no target", path);
    return NULL;
}

/* One line of digests.txt. */
typedef struct entry {
    char path[64];
    unsigned long long digest;
} entry;

static entry entries[1024];
static uint32_t entry_count;

static void read_entries(bool with_digests)
{
    FILE *const f = fopen(DIGESTS, "r");
    if (!f) fail_msg(DIGESTS " cannot be read; run from the repository's root");
    entry_count = 0;
    while (entry_count < 1024u && fscanf(f, "%63s", entries[entry_count].path) == 1) {
        if (with_digests) assert_int_equal(fscanf(f, "%llx", &entries[entry_count].digest), 1);
        entry_count++;
    }
    (void)fclose(f);
    assert_true(entry_count > 50u);
}

/* Runs a target over bytes in memory of exactly their size. */
static uint64_t run_exact(const fuzz_target *target, const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1u);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    const uint64_t digest = target->run(copy, size);
    free(copy);
    return digest;
}

static size_t read_input(const entry *e, uint8_t *bytes)
{
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, CORPUS "/%s", e->path);
    const long n = read_file(path, bytes, INPUT_MAX);
    if (n < 0) fail_msg("%s cannot be read", path);
    return (size_t)n;
}

static uint64_t run_entry(const entry *e)
{
    static uint8_t bytes[INPUT_MAX];
    return run_exact(target_of(e->path), bytes, read_input(e, bytes));
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void write_corpus(void)
{
    FILE *f = fopen(DIGESTS, "w");
    if (!f) fail_msg(DIGESTS " cannot be written");
    fuzz_make_corpus(write_seed, f);
    assert_int_equal(fclose(f), 0);
    read_entries(false);
    f = fopen(DIGESTS, "w");
    assert_non_null(f);
    for (uint32_t i = 0; i < entry_count; i++)
        assert_true(fprintf(f, "%s %016llx\n", entries[i].path,
                            (unsigned long long)run_entry(&entries[i])) > 0);
    assert_int_equal(fclose(f), 0);
}

static void the_corpus_comes_to_the_same(void **state)
{
    (void)state;
    if (getenv("SKEP_FUZZ_WRITE")) write_corpus();
    read_entries(true);
    for (uint32_t i = 0; i < entry_count; i++) {
        const unsigned long long digest = run_entry(&entries[i]);
        if (digest != entries[i].digest)
            fail_msg("%s comes to %016llx, was %016llx", entries[i].path, digest,
                     entries[i].digest);
    }
}

/* The input at hand, kept for whoever looks into a crash. */
static void say_input(const entry *e, uint32_t round)
{
    static char text[128];
    (void)snprintf(text, sizeof text, "%s, mutation %u", e->path, round);
    if (getenv("SKEP_FUZZ_TALK")) (void)fprintf(stderr, "%s\n", text);
}

static void mutations_do_no_harm(void **state)
{
    static uint8_t bytes[INPUT_MAX];
    static uint8_t changed[INPUT_MAX];
    const char *asked = getenv("SKEP_FUZZ_ROUNDS");
    const uint32_t usual = asked ? (uint32_t)strtoul(asked, NULL, 10) : ROUNDS_USUAL;
    uint32_t runs = 0;
    (void)state;
    read_entries(true);
    for (uint32_t i = 0; i < entry_count; i++) {
        const fuzz_target *target = target_of(entries[i].path);
        const size_t size = read_input(&entries[i], bytes);
        for (uint32_t round = 0; round < usual * target->weight; round++, runs++) {
            memcpy(changed, bytes, size);
            const size_t n = fuzz_mutate(i, round, changed, size, INPUT_MAX);
            say_input(&entries[i], round);
            (void)run_exact(target, changed, n);
        }
    }
    print_message("%u mutations; SKEP_FUZZ_TALK=1 names each\n", runs);
}

static void one_input(void **state)
{
    static uint8_t bytes[INPUT_MAX];
    const char *name = getenv("SKEP_FUZZ");
    const char *path = getenv("SKEP_FUZZ_FILE");
    (void)state;
    if (!name || !path) return;
    const long n = read_file(path, bytes, sizeof bytes);
    assert_true(n >= 0);
    for (uint32_t i = 0; i < FUZZ_TARGETS; i++)
        if (strcmp(fuzz_targets[i].name, name) == 0)
            (void)run_exact(&fuzz_targets[i], bytes, (size_t)n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_input),
        cmocka_unit_test(the_corpus_comes_to_the_same),
        cmocka_unit_test(mutations_do_no_harm),
    };
    return cmocka_run_group_tests_name("fuzz", tests, NULL, NULL);
}
