/* SPDX-License-Identifier: MIT */
/* What targets need of a machine with an operating system, and the entries of libFuzzer, which
 * brings its own main; SKEP_FUZZ names the target then. */
#include "fuzz.h"

#include "support/region.h"

#include <stdio.h>
#include <stdlib.h>

#define REGIONS 4u
#define REGION_BYTES ((size_t)32 << 20)

static size_t held;

_Noreturn void fuzz_fail(const char *what, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

static void *exact_alloc(void *ctx, size_t bytes, size_t align)
{
    size_t *count = ctx;
    /* Of exactly this size, so that a sanitizer sees who reads past it. */
    void *p = align <= 16u ? malloc(bytes) : aligned_alloc(align, skep__align(bytes, align));
    if (p) *count += bytes;
    return p;
}

static void exact_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    size_t *count = ctx;
    (void)align;
    if (memory) *count -= bytes;
    free(memory);
}

skep_allocator fuzz_memory(void)
{
    return (skep_allocator){exact_alloc, exact_free, &held};
}

skep_allocator fuzz_world_memory(void)
{
    static size_t stays;
    return (skep_allocator){exact_alloc, exact_free, &stays};
}

size_t fuzz_memory_held(void)
{
    return held;
}

skep_region fuzz_region(uint32_t number)
{
    static test_region regions[REGIONS];
    if (!regions[number].memory) FUZZ_MUST(test_region_open(&regions[number], REGION_BYTES));
    return regions[number].region;
}

/* ---- libFuzzer ------------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const fuzz_target *target;
    for (uint32_t i = 0; !target && i < FUZZ_TARGETS; i++) {
        const char *name = getenv("SKEP_FUZZ");
        if (name && strcmp(fuzz_targets[i].name, name) == 0) target = &fuzz_targets[i];
    }
    FUZZ_MUST(target);
    (void)target->run(bytes, size);
    return 0;
}
