/* SPDX-License-Identifier: MIT */
/* Reading messages that anybody may have written. Each call checks what is left before it reads;
 * the first error stays, and every later call fails, so callers may chain calls and ask once. */
#include "core/replicate/wire.h"

bool skep__wire_type_known(uint32_t type)
{
    return type >= SKEP__WIRE_HELLO && type < SKEP__WIRE_TYPE_END;
}

bool skep__wire_section_known(uint32_t id)
{
    switch (id) {
#define SKEP_WIRE_SECTION(name, value, text) case value:
#include "core/replicate/wire_kinds.inl"
        return true;
    default:
        return false;
    }
}

static bool wire_refuse(skep__wire_reader *r, skep_status code, const char *message, size_t offset)
{
    if (r->error.code == SKEP_OK) r->error = (skep_error){code, message, offset};
    return false;
}

bool skep__wire_fail(skep__wire_reader *r, const char *message, size_t offset)
{
    return wire_refuse(r, SKEP_CORRUPT, message, offset);
}

bool skep__wire_get_bytes(skep__wire_reader *r, size_t n, const uint8_t **bytes)
{
    if (r->error.code != SKEP_OK) return false;
    if (n > r->end - r->at) {
        (void)skep__wire_fail(r, "wire: the bytes end too early", r->at);
        return false; /* said here, where callers would use *bytes otherwise */
    }
    *bytes = r->bytes + r->at;
    r->at += n;
    return true;
}

static bool wire_get_number(skep__wire_reader *r, uint32_t n, uint64_t *x)
{
    const uint8_t *at = NULL;
    if (!skep__wire_get_bytes(r, n, &at)) return false;
    *x = 0;
    for (uint32_t i = 0; i < n; i++) *x |= (uint64_t)at[i] << (8 * i);
    return true;
}

static bool wire_get_small(skep__wire_reader *r, uint32_t n, uint32_t *x)
{
    uint64_t wide = 0;
    if (!wire_get_number(r, n, &wide)) return false;
    *x = (uint32_t)wide;
    return true;
}

bool skep__wire_get_u8(skep__wire_reader *r, uint32_t *x)
{
    return wire_get_small(r, 1, x);
}

bool skep__wire_get_u16(skep__wire_reader *r, uint32_t *x)
{
    return wire_get_small(r, 2, x);
}

bool skep__wire_get_u32(skep__wire_reader *r, uint32_t *x)
{
    return wire_get_small(r, 4, x);
}

bool skep__wire_get_u64(skep__wire_reader *r, uint64_t *x)
{
    return wire_get_number(r, 8, x);
}

/* `bits` is 32 or 64; of the last byte only what is left of them may be set. */
static bool wire_get_varint_of(skep__wire_reader *r, uint32_t bits, uint64_t *x)
{
    const size_t start = r->at;
    uint64_t value = 0;
    if (r->error.code != SKEP_OK) return false;
    for (uint32_t shift = 0; shift < bits; shift += 7) {
        const size_t at = start + shift / 7u;
        if (at == r->end) return skep__wire_fail(r, "wire: a varint ends too early", at);
        const uint32_t byte = r->bytes[at];
        if (bits - shift < 7u && byte >> (bits - shift))
            return skep__wire_fail(r, "wire: a varint is too large", at);
        value |= (uint64_t)(byte & 0x7Fu) << shift;
        if (byte & 0x80u) continue;
        if (byte == 0 && shift)
            return skep__wire_fail(r, "wire: a varint is longer than it needs", at);
        r->at = at + 1;
        *x = value;
        return true;
    }
    return skep__wire_fail(r, "wire: a varint is too long", start);
}

bool skep__wire_get_varint(skep__wire_reader *r, uint32_t *x)
{
    uint64_t wide = 0;
    if (!wire_get_varint_of(r, 32, &wide)) return false;
    *x = (uint32_t)wide;
    return true;
}

bool skep__wire_get_varint64(skep__wire_reader *r, uint64_t *x)
{
    return wire_get_varint_of(r, 64, x);
}

bool skep__wire_get_end(skep__wire_reader *r)
{
    if (r->error.code != SKEP_OK) return false;
    return r->at == r->end ||
           skep__wire_fail(r, "wire: a section is longer than its content", r->at);
}

bool skep__wire_get_ids(skep__wire_reader *r, const skep__wire_limits *limits, uint32_t id_end,
                        skep__wire_ids *list)
{
    const size_t start = r->at;
    uint32_t count = 0;
    if (!skep__wire_get_varint(r, &count)) return false;
    if (count > limits->id_count_max)
        return wire_refuse(r, SKEP_LIMIT, "wire: more ids in a list than id_count_max", start);
    if (count > r->end - r->at)
        return skep__wire_fail(r, "wire: a list has more ids than bytes", start);
    *list = (skep__wire_ids){.left = count, .end = id_end, .next = 0};
    return true;
}

bool skep__wire_get_id(skep__wire_reader *r, skep__wire_ids *list, uint32_t *id)
{
    const size_t start = r->at;
    uint32_t gap = 0;
    SKEP_ASSERT(list->left);
    if (!skep__wire_get_varint(r, &gap)) return false;
    if (list->next + gap >= list->end)
        return skep__wire_fail(r, "wire: an id is out of range", start);
    *id = (uint32_t)(list->next + gap);
    list->next += (uint64_t)gap + 1u;
    list->left--;
    return true;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* Whether messages of a known type are told from a base. */
static bool wire_bases(uint32_t type)
{
    static const bool bases[SKEP__WIRE_TYPE_END] = {
#define SKEP_WIRE_TYPE(name, value, base, text) [value] = (base) != 0,
#include "core/replicate/wire_kinds.inl"
    };
    SKEP_ASSERT(type < SKEP__WIRE_TYPE_END);
    return bases[type];
}

static bool wire_get_header(skep__wire_reader *r, skep__wire_header *h)
{
    uint32_t magic = 0;
    uint32_t version = 0;
    const bool whole = skep__wire_get_u16(r, &magic) && skep__wire_get_u8(r, &version) &&
                       skep__wire_get_u8(r, &h->type) && skep__wire_get_u16(r, &h->flags) &&
                       skep__wire_get_u16(r, &h->section_count) &&
                       skep__wire_get_u32(r, &h->tick) && skep__wire_get_u32(r, &h->base) &&
                       skep__wire_get_u32(r, &h->class);
    if (!whole) return false;
    if (magic != SKEP__WIRE_MAGIC)
        return wire_refuse(r, SKEP_FOREIGN, "wire: this is no message of skep", 0);
    if (version != SKEP__WIRE_VERSION)
        return wire_refuse(r, SKEP_VERSION, "wire: the message has another version", 2);
    if (!skep__wire_type_known(h->type))
        return skep__wire_fail(r, "wire: the message has an unknown type", 3);
    if (h->flags & ~SKEP__WIRE_FLAGS)
        return skep__wire_fail(r, "wire: the message has an unknown flag", 4);
    if (wire_bases(h->type) ? h->base == 0 || h->base >= h->tick : h->base != 0)
        return skep__wire_fail(r, "wire: the base does not fit type and tick", 12);
    return true;
}

/* Reads a section's head and steps over its body, which is left in `body`. */
static bool wire_get_section(skep__wire_reader *r, uint32_t *id, skep__wire_reader *body)
{
    const size_t start = r->at;
    uint32_t length = 0;
    const uint8_t *bytes = NULL;
    if (!skep__wire_get_u8(r, id)) return false;
    if (!skep__wire_section_known(*id) && !(*id & SKEP__WIRE_SKIP))
        return skep__wire_fail(r, "wire: an unknown section that must not be skipped", start);
    if (!skep__wire_get_varint(r, &length) || !skep__wire_get_bytes(r, length, &bytes))
        return false;
    *body = (skep__wire_reader){.bytes = r->bytes, .at = r->at - length, .end = r->at};
    return true;
}

static bool wire_check(skep__wire_message *m, const skep__wire_limits *limits)
{
    skep__wire_reader *r = &m->reader;
    skep__wire_reader body;
    uint32_t id = 0;
    if (!wire_get_header(r, &m->header)) return false;
    if (m->header.section_count > limits->section_count_max)
        return wire_refuse(r, SKEP_LIMIT, "wire: more sections than section_count_max", 6);
    for (uint32_t i = 0; i < m->header.section_count; i++)
        if (!wire_get_section(r, &id, &body)) return false;
    return r->at == r->end ||
           skep__wire_fail(r, "wire: bytes are left after the last section", r->at);
}

skep_status skep__wire_open(skep__wire_message *m, const void *bytes, size_t size,
                            skep__wire_way way, const skep__wire_limits *limits, skep_error *error)
{
    const size_t max = way == SKEP__WIRE_UP ? limits->up_bytes_max : limits->down_bytes_max;
    SKEP_ASSERT(bytes || !size);
    *m = (skep__wire_message){.reader = {.bytes = bytes, .end = size}};
    if (size > max)
        (void)wire_refuse(&m->reader, SKEP_LIMIT,
                          way == SKEP__WIRE_UP ? "wire: the message is longer than up_bytes_max"
                                               : "wire: the message is longer than down_bytes_max",
                          max);
    else if (wire_check(m, limits))
        m->left = m->header.section_count;
    m->reader.at = SKEP__WIRE_HEADER_BYTES;
    *error = m->reader.error;
    return error->code;
}

bool skep__wire_next(skep__wire_message *m, uint32_t *id, skep__wire_reader *body)
{
    while (m->left) {
        m->left--;
        if (!wire_get_section(&m->reader, id, body)) return false; /* was checked: cannot be */
        if (skep__wire_section_known(*id)) return true;
    }
    return false;
}
