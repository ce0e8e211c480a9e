/* SPDX-License-Identifier: MIT */
/* Writing messages. One rule makes the bounds simple: `need` only grows, so once something did not
 * fit, nothing later does either, and what was written before it stays as it is. */
#include "core/replicate/wire.h"

#include "core/base/bits.h"

skep__wire_limits skep__wire_limits_default(void)
{
    const skep__wire_limits limits = {.up_bytes_max = 65536,
                                      .down_bytes_max = 1048576,
                                      .section_count_max = 64,
                                      .id_count_max = 65536};
    return limits;
}

uint8_t *skep__wire_reserve(skep__wire_writer *w, size_t n)
{
    const size_t at = w->need;
    w->need += n;
    return at <= w->bytes_max && n <= w->bytes_max - at ? w->bytes + at : NULL;
}

static void wire_put_number(skep__wire_writer *w, uint64_t x, uint32_t n)
{
    uint8_t *at = skep__wire_reserve(w, n);
    for (uint32_t i = 0; at && i < n; i++) at[i] = (uint8_t)(x >> (8 * i));
}

void skep__wire_put_u8(skep__wire_writer *w, uint32_t x)
{
    SKEP_ASSERT(x <= UINT8_MAX);
    wire_put_number(w, x, 1);
}

void skep__wire_put_u16(skep__wire_writer *w, uint32_t x)
{
    SKEP_ASSERT(x <= UINT16_MAX);
    wire_put_number(w, x, 2);
}

void skep__wire_put_u32(skep__wire_writer *w, uint32_t x)
{
    wire_put_number(w, x, 4);
}

void skep__wire_put_u64(skep__wire_writer *w, uint64_t x)
{
    wire_put_number(w, x, 8);
}

uint32_t skep__wire_varint_bytes(uint64_t x)
{
    return skep__bit_highest(x | 1u) / 7u + 1u;
}

static void wire_varint_at(uint8_t *at, uint64_t x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        at[i] = (uint8_t)((x & 0x7Fu) | (i + 1 < n ? 0x80u : 0u));
        x >>= 7;
    }
}

void skep__wire_put_varint(skep__wire_writer *w, uint64_t x)
{
    const uint32_t n = skep__wire_varint_bytes(x);
    uint8_t *at = skep__wire_reserve(w, n);
    if (at) wire_varint_at(at, x, n);
}

void skep__wire_put_bytes(skep__wire_writer *w, const void *bytes, size_t n)
{
    uint8_t *at = skep__wire_reserve(w, n);
    if (at && n) memcpy(at, bytes, n);
}

void skep__wire_put_ids(skep__wire_writer *w, const uint32_t *ids, uint32_t count)
{
    uint32_t next = 0;
    skep__wire_put_varint(w, count);
    for (uint32_t i = 0; i < count; i++) {
        SKEP_ASSERT(i == 0 || ids[i] > ids[i - 1]);
        skep__wire_put_varint(w, ids[i] - next);
        next = ids[i] + 1u;
    }
}

void skep__wire_message_begin(skep__wire_writer *w, const skep__wire_header *header)
{
    SKEP_ASSERT(skep__wire_type_known(header->type) && (header->flags & ~SKEP__WIRE_FLAGS) == 0);
    w->header = w->need;
    w->section_count = 0;
    w->section = 0;
    skep__wire_put_u16(w, SKEP__WIRE_MAGIC);
    skep__wire_put_u8(w, SKEP__WIRE_VERSION);
    skep__wire_put_u8(w, header->type);
    skep__wire_put_u16(w, header->flags);
    skep__wire_put_u16(w, 0);
    skep__wire_put_u32(w, header->tick);
    skep__wire_put_u32(w, header->base);
    skep__wire_put_u32(w, header->class);
}

skep_status skep__wire_message_end(skep__wire_writer *w)
{
    SKEP_ASSERT(w->section == 0 && w->section_count <= UINT16_MAX);
    if (w->need > w->bytes_max) return SKEP_LIMIT;
    uint8_t *at = w->bytes + w->header + 6;
    at[0] = (uint8_t)w->section_count;
    at[1] = (uint8_t)(w->section_count >> 8);
    return SKEP_OK;
}

void skep__wire_section_begin(skep__wire_writer *w, uint32_t id)
{
    SKEP_ASSERT(w->section == 0);
    skep__wire_put_u8(w, id);
    skep__wire_put_u8(w, 0); /* the length, when it is short */
    w->section = w->need;
    w->section_count++;
}

void skep__wire_section_end(skep__wire_writer *w)
{
    SKEP_ASSERT(w->section != 0);
    const size_t body = w->section;
    const size_t length = w->need - body;
    const uint32_t n = skep__wire_varint_bytes(length);
    w->section = 0;
    if (!skep__wire_reserve(w, n - 1u)) return;
    uint8_t *at = w->bytes + body;
    if (n > 1 && length) memmove(at + n - 1u, at, length);
    wire_varint_at(at - 1, length, n);
}
