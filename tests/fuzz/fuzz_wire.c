/* SPDX-License-Identifier: MIT */
/* Messages: opened, and all their sections walked with every reader of numbers. The first byte says
 * who sent it. */
#include "fuzz.h"

#include "core/replicate/wire.h"

/* What a section's bytes say as numbers, as far as they do. */
static uint64_t walk_numbers(skep__wire_reader r)
{
    uint64_t hash = 0;
    uint32_t x = 0;
    uint64_t y = 0;
    skep__wire_reader other = r;
    while (skep__wire_get_varint(&r, &x)) hash = skep__hash_u64(hash ^ x);
    FUZZ_MUST(r.at <= r.end && r.error.offset <= r.end);
    while (skep__wire_get_varint64(&other, &y)) hash = skep__hash_u64(hash ^ y);
    FUZZ_MUST(other.at <= other.end);
    return hash;
}

static uint64_t walk_ids(skep__wire_reader r, const skep__wire_limits *limits)
{
    uint64_t hash = 0;
    skep__wire_ids list;
    uint32_t before = 0;
    uint32_t id = 0;
    bool first = true;
    if (!skep__wire_get_ids(&r, limits, 100000, &list)) return r.error.offset;
    FUZZ_MUST(list.left <= r.end - r.at);
    while (list.left && skep__wire_get_id(&r, &list, &id)) {
        FUZZ_MUST(id < 100000 && (first || id > before));
        before = id;
        first = false;
        hash = skep__hash_u64(hash ^ id);
    }
    (void)skep__wire_get_end(&r);
    return hash;
}

uint64_t fuzz_wire(const uint8_t *bytes, size_t size)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    const skep__wire_way way = fuzz_take_byte(&bytes, &size) & 1u ? SKEP__WIRE_DOWN : SKEP__WIRE_UP;
    skep__wire_message m;
    skep__wire_reader body;
    skep_error error = {SKEP_OK, NULL, 0};
    uint32_t id = 0;
    uint32_t sections = 0;
    const skep_status status = skep__wire_open(&m, bytes, size, way, &limits, &error);
    uint64_t hash = skep__hash_u64((uint64_t)status << 32 | error.offset);
    if (status != SKEP_OK) {
        FUZZ_MUST(error.message && error.offset <= size && error.code == status);
        return hash;
    }
    FUZZ_MUST(skep__wire_type_known(m.header.type));
    hash = skep__hash_u64(hash ^ m.header.tick) ^ m.header.class ^ m.header.type;
    while (skep__wire_next(&m, &id, &body)) {
        FUZZ_MUST(skep__wire_section_known(id) && body.at <= body.end && body.end <= size);
        hash = skep__hash_u64(hash ^ id ^ walk_numbers(body) ^ walk_ids(body, &limits));
        sections++;
    }
    FUZZ_MUST(sections <= m.header.section_count && m.header.section_count <= 64u);
    return hash;
}
