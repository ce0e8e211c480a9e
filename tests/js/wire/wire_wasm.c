/* SPDX-License-Identifier: MIT */
/* The golden messages of the wire and the fuzz targets in wasm: JavaScript brings the bytes of the
 * checked-in files, and compares what comes of them with what native builds said. */
#include "fuzz/fuzz.h"
#include "golden/wire_papers.h"
#include "wasm/heap.h"

#define WIRE_EXPORT(name) __attribute__((export_name(#name))) name
#define INPUT_MAX 65536u
#define REGIONS 4u
#define REGION_BYTES ((size_t)32 << 20)

static heap memory;
static skep_region whole;
static size_t held;
static uint8_t input[INPUT_MAX];
static wire_paper papers[WIRE_PAPERS];
static const char *broken = "";
static uint64_t digest;

/* ---- what targets ask of their host ---------------------------------------------------------- */

_Noreturn void fuzz_fail(const char *what, const char *file, int line)
{
    (void)file;
    (void)line;
    broken = what;
    __builtin_trap();
}

static void *counted_alloc(void *ctx, size_t bytes, size_t align)
{
    const skep_allocator a = heap_allocator(&memory);
    size_t *count = ctx;
    void *p = a.alloc(a.ctx, bytes, align);
    if (p) *count += bytes;
    return p;
}

static void counted_free(void *ctx, void *p, size_t bytes, size_t align)
{
    const skep_allocator a = heap_allocator(&memory);
    size_t *count = ctx;
    if (!p) return;
    *count -= bytes;
    a.free(a.ctx, p, bytes, align);
}

skep_allocator fuzz_memory(void)
{
    return (skep_allocator){counted_alloc, counted_free, &held};
}

size_t fuzz_memory_held(void)
{
    return held;
}

skep_allocator fuzz_world_memory(void)
{
    static size_t stays;
    return (skep_allocator){counted_alloc, counted_free, &stays};
}

/* The memory is fresh, and each region is opened once. */
static skep_status region_commit(void *ctx, size_t offset, size_t bytes)
{
    (void)ctx;
    return offset + bytes <= REGION_BYTES ? SKEP_OK : SKEP_NO_MEMORY;
}

skep_region fuzz_region(uint32_t number)
{
    uint8_t *base = (uint8_t *)whole.base + number * REGION_BYTES;
    return (skep_region){base, REGION_BYTES, region_commit, &whole};
}

/* ---- what JavaScript calls ------------------------------------------------------------------ */

/* Divides the memory; to be called first. Returns whether there is enough of it. */
bool WIRE_EXPORT(wire_start)(size_t memory_bytes)
{
    heap_init(&memory, memory_bytes, 0);
    whole = heap_region(&memory, memory_bytes);
    return whole.bytes_max >= REGIONS * REGION_BYTES;
}

/* What did not hold when a call trapped. */
const char *WIRE_EXPORT(wire_broken)(void)
{
    return broken;
}

const char *WIRE_EXPORT(wire_target)(uint32_t number)
{
    return number < FUZZ_TARGETS ? fuzz_targets[number].name : NULL;
}

/* Where inputs go. */
uint8_t *WIRE_EXPORT(wire_input)(void)
{
    return input;
}

/* Runs a target over the first bytes of the input, in memory of exactly their size. Returns the
 * address of its digest. */
const uint64_t *WIRE_EXPORT(wire_run)(uint32_t target, size_t size)
{
    const skep_allocator a = fuzz_world_memory();
    uint8_t *copy = a.alloc(a.ctx, size ? size : 1u, 1);
    FUZZ_MUST(copy);
    memcpy(copy, input, size);
    digest = fuzz_targets[target].run(copy, size);
    a.free(a.ctx, copy, size ? size : 1u, 1);
    return &digest;
}

/* Makes all golden messages; NULL, or what did not go. */
const char *WIRE_EXPORT(wire_make)(void)
{
    const skep_allocator a = fuzz_memory();
    return wire_papers_make(papers, &a);
}

/* Reads the messages that JavaScript put there; NULL, or what did not fit. */
const char *WIRE_EXPORT(wire_read)(void)
{
    const skep_allocator a = fuzz_memory();
    return wire_papers_read(papers, &a);
}

/* One message: its bytes lie there. */
uint8_t *WIRE_EXPORT(wire_paper_bytes)(uint32_t number)
{
    return number < WIRE_PAPERS ? papers[number].bytes : NULL;
}

size_t WIRE_EXPORT(wire_paper_size)(uint32_t number)
{
    return papers[number].size;
}

void WIRE_EXPORT(wire_paper_put)(uint32_t number, size_t size)
{
    papers[number].size = size;
}
