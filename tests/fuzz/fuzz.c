/* SPDX-License-Identifier: MIT */
/* The list of targets, how inputs are cut into messages, and mutations of them. */
#include "fuzz.h"

#include "core/base/random.h"

const fuzz_target fuzz_targets[FUZZ_TARGETS] = {
    {"wire", fuzz_wire, 20},       {"columns", fuzz_columns, 10}, {"class", fuzz_class, 10},
    {"message", fuzz_message, 20}, {"session", fuzz_session, 1},  {"view", fuzz_view, 1},
    {"save", fuzz_save, 4},        {"patch", fuzz_patch, 20},     {"trace", fuzz_trace, 4},
    {"record", fuzz_record, 4},    {"fault", fuzz_fault, 20}};

uint32_t fuzz_take_byte(const uint8_t **bytes, size_t *size)
{
    if (*size == 0) return 0;
    const uint32_t x = **bytes;
    ++*bytes;
    --*size;
    return x;
}

bool fuzz_next(fuzz_records *r, uint8_t **message, size_t *size)
{
    if (r->end - r->at < 2u) return false;
    size_t n = r->bytes[r->at] | (size_t)r->bytes[r->at + 1u] << 8;
    r->at += 2u;
    if (n > r->end - r->at) n = r->end - r->at;
    const skep_allocator memory = fuzz_memory();
    *message = memory.alloc(memory.ctx, n ? n : 1u, 1);
    FUZZ_MUST(*message);
    memcpy(*message, r->bytes + r->at, n);
    r->at += n;
    *size = n;
    return true;
}

void fuzz_free(uint8_t *message, size_t size)
{
    const skep_allocator memory = fuzz_memory();
    memory.free(memory.ctx, message, size ? size : 1u, 1);
}

void fuzz_make_corpus(fuzz_seed_fn *fn, void *ctx)
{
    fuzz_make_columns(fn, ctx);
    fuzz_make_class(fn, ctx);
    fuzz_make_message(fn, ctx);
    fuzz_make_live(fn, ctx);
    fuzz_make_store(fn, ctx);
    fuzz_make_trace(fn, ctx);
    fuzz_make_record(fn, ctx);
}

/* ---- mutations ------------------------------------------------------------------------------- */

typedef struct draw {
    uint64_t seed;
    uint32_t round;
    uint32_t count;
} draw;

static uint32_t drawn(draw *d, size_t below)
{
    return skep__random_below(skep__random(d->seed, 21, d->round, 0, d->count++),
                              skep__u32(below ? below : 1u));
}

static size_t mutate_once(draw *d, uint8_t *bytes, size_t size, size_t room)
{
    static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff, 12, 64, 128};
    const size_t at = drawn(d, size);
    const size_t n = 1u + drawn(d, size - at < 16u ? size - at : 16u);
    switch (drawn(d, 8)) {
    case 0: /* cut */
        return drawn(d, size + 1u);
    case 1: /* a piece is gone */
        if (n > size - at) return size;
        memmove(bytes + at, bytes + at + n, size - at - n);
        return size - n;
    case 2: /* a piece comes twice */
        if (size + n > room || n > size - at) return size;
        memmove(bytes + at + n, bytes + at, size - at);
        return size + n;
    case 3:
        bytes[at] = edges[drawn(d, sizeof edges)];
        return size;
    case 4:
        bytes[at] = (uint8_t)(bytes[at] + (drawn(d, 2) ? 1u : 255u));
        return size;
    case 5:
        bytes[at] = (uint8_t)drawn(d, 256);
        return size;
    default:
        bytes[at] ^= (uint8_t)(1u << drawn(d, 8));
        return size;
    }
}

size_t fuzz_mutate(uint64_t seed, uint32_t round, uint8_t *bytes, size_t size, size_t room)
{
    draw d = {seed, round, 0};
    for (uint32_t i = 1u + drawn(&d, 3); i && size; i--) size = mutate_once(&d, bytes, size, room);
    return size;
}
