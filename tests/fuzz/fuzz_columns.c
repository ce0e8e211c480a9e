/* SPDX-License-Identifier: MIT */
/* Bodies of COLUMNS. The first byte chooses the columns and whether there is a state before the
 * base; base and older are noise of a fixed seed. What is decoded lies within its columns and comes
 * back from an encoder of ours. */
#include "fuzz.h"

#include "bench/code_cells.h"

#define SHAPES 4u
#define COLUMNS_MAX 5u
#define BLOCKS_MAX 8u
#define CELLS_MAX (COLUMNS_MAX * BLOCKS_MAX * SKEP__COLUMNS_BLOCK)
#define BODY_MAX 32768u

static const skep__wire_column moving[] = {{32, true, 2, 71582788},
                                           {16, true, 3, 71582788},
                                           {32, true, SKEP__COLUMNS_NONE, 0},
                                           {32, true, SKEP__COLUMNS_NONE, 0},
                                           {8, false, SKEP__COLUMNS_NONE, 0}};
static const skep__wire_column flag[] = {{1, false, SKEP__COLUMNS_NONE, 0}};
static const skep__wire_column wide[] = {{32, false, SKEP__COLUMNS_NONE, 0},
                                         {31, true, SKEP__COLUMNS_NONE, 0},
                                         {7, true, SKEP__COLUMNS_NONE, 0}};

static const skep__columns shapes[SHAPES] = {
    {moving, 5, 200, 2}, {flag, 1, 1000, 1}, {wide, 3, 1, 7}, {moving, 5, 0, 1}};

static void fill(const skep__columns *c, uint32_t what, uint32_t range, int32_t *cells)
{
    memset(cells, 0, code_count(c) * sizeof *cells);
    for (uint32_t k = 0; k < c->column_count; k++)
        for (uint32_t s = 0; s < c->slot_count; s++) {
            const uint64_t n = skep__hash_u64((uint64_t)what << 40 | (uint64_t)k << 20 | s);
            cells[code_at(c, k, s)] = code_of(&c->columns[k], (uint32_t)(n % range));
        }
}

static void expect_in_range(const skep__columns *c, const int32_t *cells)
{
    for (uint32_t k = 0; k < c->column_count; k++)
        for (uint32_t s = 0; s < code_blocks(c) * SKEP__COLUMNS_BLOCK; s++) {
            const int32_t x = cells[code_at(c, k, s)];
            FUZZ_MUST(s < c->slot_count ? x == code_of(&c->columns[k], (uint32_t)x) : x == 0);
        }
}

uint64_t fuzz_columns(const uint8_t *bytes, size_t size)
{
    static int32_t base[CELLS_MAX], older[CELLS_MAX], got[CELLS_MAX], again[CELLS_MAX];
    static uint8_t body[BODY_MAX];
    const uint32_t how = fuzz_take_byte(&bytes, &size);
    const skep__columns *c = &shapes[how % SHAPES];
    const int32_t *before = how & 4u ? older : NULL;
    fill(c, 1, 5000, base);
    fill(c, 2, 5000, older);
    skep__wire_reader r = {.bytes = bytes, .end = size};
    if (!code_decode(c, base, before, &r, got)) {
        FUZZ_MUST(r.error.message && r.error.offset <= size);
        return skep__hash_u64(r.error.offset);
    }
    expect_in_range(c, got);
    skep__wire_writer w = {.bytes = body, .bytes_max = BODY_MAX};
    code_encode(c, base, before, got, &w);
    FUZZ_MUST(w.need <= BODY_MAX);
    skep__wire_reader ours = {.bytes = body, .end = w.need};
    FUZZ_MUST(code_decode(c, base, before, &ours, again));
    FUZZ_MUST(memcmp(got, again, code_count(c) * sizeof *got) == 0);
    return skep__hash_bytes(got, code_count(c) * sizeof *got, 1);
}

void fuzz_make_columns(fuzz_seed_fn *fn, void *ctx)
{
    static int32_t base[CELLS_MAX], older[CELLS_MAX], codes[CELLS_MAX];
    static uint8_t bytes[BODY_MAX];
    for (uint32_t how = 0; how < 24u; how++) {
        const skep__columns *c = &shapes[how % SHAPES];
        char name[] = "a";
        fill(c, 1, 5000, base);
        fill(c, 2, 5000, older);
        memcpy(codes, base, code_count(c) * sizeof *codes);
        const uint32_t rarity = how < 8u ? 1u : how < 16u ? 3u : 40u;
        for (uint32_t s = 0; s < c->slot_count; s += rarity)
            codes[code_at(c, 0, s)] = code_of(&c->columns[0], (uint32_t)base[s] + s % 9u);
        skep__wire_writer w = {.bytes = bytes + 1, .bytes_max = BODY_MAX - 1u};
        bytes[0] = (uint8_t)(how & 7u);
        code_encode(c, base, how & 4u ? older : NULL, codes, &w);
        FUZZ_MUST(w.need < BODY_MAX);
        name[0] = (char)('a' + how);
        fn(ctx, "columns", name, bytes, w.need + 1u);
    }
}
