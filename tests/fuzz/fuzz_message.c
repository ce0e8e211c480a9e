/* SPDX-License-Identifier: MIT */
/* The bodies of messages. The first byte chooses the reader; what it takes must be what our writer
 * makes of it, byte by byte: there is one way to say a thing. */
#include "fuzz.h"

#include "core/replicate/message.h"
#include "support/live_bed.h"

#define ROOM 65536u

enum { SCHEMA, RESUME, WELCOME, INTEREST, STATE, OWN, INPUT, EVENT, PING, VALUE, KINDS };

static uint8_t room[ROOM];

static void put_ids(skep__wire_writer *w, skep__wire_ids list, skep__wire_reader r)
{
    static uint32_t ids[ROOM];
    uint32_t count = 0;
    while (list.left && skep__wire_get_id(&r, &list, &ids[count])) count++;
    skep__wire_put_ids(w, ids, count);
}

/* Reads lists of ids as who uses them does; false when they are no lists. */
static bool ids_good(skep__wire_ids list, skep__wire_reader r)
{
    uint32_t id = 0;
    while (list.left)
        if (!skep__wire_get_id(&r, &list, &id)) return false;
    return true;
}

static bool through_schema(skep__wire_reader *r, skep__wire_writer *w)
{
    const skep_allocator memory = fuzz_memory();
    const size_t held = fuzz_memory_held();
    skep__schema_table table = {0};
    const bool good = skep__message_get_schema(r, &memory, &table) == SKEP_OK;
    if (good && table.count)
        skep__message_put_schema(w, table.replicas, table.count, true);
    else if (good)
        w->need = SIZE_MAX; /* a hash alone: of what, nobody knows */
    for (uint32_t i = 0; good && i < table.count; i++) {
        char text[256];
        const skep_component *theirs = table.replicas[i].info;
        FUZZ_MUST(!skep__schema_mismatch(theirs, theirs, text, sizeof text));
        (void)skep__schema_mismatch(&BedPos_info, theirs, text, sizeof text);
    }
    skep__schema_table_deinit(&table, &memory);
    FUZZ_MUST(fuzz_memory_held() == held);
    return good;
}

static bool through_lists(uint32_t kind, skep__wire_reader *r, skep__wire_writer *w)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    skep__message_resume resume;
    skep__message_state state;
    if (kind == RESUME) {
        if (!skep__message_get_resume(r, &limits, &resume) || !ids_good(resume.held, resume.ids))
            return false;
        skep__wire_put_bytes(w, resume.token, SKEP__RESUME_BYTES);
        put_ids(w, resume.held, resume.ids);
        return true;
    }
    if (!skep__message_get_state(r, &limits, &state)) return false;
    static uint32_t ids[ROOM];
    uint32_t count = 0;
    while (state.dropped.left && skep__wire_get_id(&state.ids, &state.dropped, &ids[count]))
        count++;
    skep__message_put_state(w, &state, ids, count);
    return true;
}

static bool through_value(uint32_t kind, skep__wire_reader *r, skep__wire_writer *w)
{
    const uint64_t predicted = 7;
    skep__message_own own;
    skep__message_input input;
    skep__message_event event;
    BedKind value = {0};
    switch (kind) {
    case OWN:
        if (!skep__message_get_own(r, live_replicas, BED_REPLICAS, predicted, &own)) return false;
        skep__wire_put_u64(w, own.entity.bits);
        skep__wire_put_bytes(w, own.values, own.size);
        return true;
    case INPUT:
        if (!skep__message_get_input(r, live_replicas, BED_REPLICAS, 1, &input)) return false;
        skep__message_put_input(w, &input);
        return true;
    case EVENT:
        if (!skep__message_get_event(r, live_replicas, BED_REPLICAS, &event)) return false;
        skep__message_put_event(w, &event);
        return true;
    default:
        if (!skep__message_get_value(r, &BedKind_info, &value)) return false;
        skep__message_put_value(w, &BedKind_info, &value);
        return true;
    }
}

static bool through(uint32_t kind, skep__wire_reader *r, skep__wire_writer *w)
{
    skep__message_welcome welcome;
    skep__message_interest interest;
    uint64_t number = 0;
    uint32_t since_us = 0;
    switch (kind) {
    case SCHEMA:
        return through_schema(r, w);
    case WELCOME:
        if (!skep__message_get_welcome(r, &welcome)) return false;
        skep__message_put_welcome(w, &welcome);
        return true;
    case INTEREST:
        if (!skep__message_get_interest(r, live_replicas, BED_REPLICAS, &interest)) return false;
        skep__message_put_interest(w, &interest);
        return true;
    case PING:
        if (!skep__message_get_ping(r, &number, &since_us)) return false;
        skep__wire_put_varint(w, number);
        skep__wire_put_varint(w, since_us);
        return true;
    case RESUME:
    case STATE:
        return through_lists(kind, r, w);
    default:
        return through_value(kind, r, w);
    }
}

uint64_t fuzz_message(const uint8_t *bytes, size_t size)
{
    const uint32_t kind = fuzz_take_byte(&bytes, &size) % KINDS;
    skep__wire_reader r = {.bytes = bytes, .end = size};
    skep__wire_writer w = {.bytes = room, .bytes_max = ROOM};
    if (size > ROOM / 2u) return 0;
    if (!through(kind, &r, &w)) {
        FUZZ_MUST(r.error.offset <= size);
        return skep__hash_u64(r.error.offset);
    }
    FUZZ_MUST(r.at <= size);
    if (w.need == SIZE_MAX) return 1;
    FUZZ_MUST(w.need == r.at && memcmp(room, bytes, w.need) == 0);
    return skep__hash_bytes(room, w.need, kind);
}

/* ---- seeds ----------------------------------------------------------------------------------- */

static void seed(fuzz_seed_fn *fn, void *ctx, uint32_t kind, const skep__wire_writer *w)
{
    static const char *const names[KINDS] = {"schema", "resume", "welcome", "interest", "state",
                                             "own",    "input",  "event",   "ping",     "value"};
    static uint8_t bytes[ROOM + 1u];
    bytes[0] = (uint8_t)kind;
    memcpy(bytes + 1, room, w->need);
    fn(ctx, "message", names[kind], bytes, w->need + 1u);
}

static void put_seed(uint32_t kind, skep__wire_writer *w)
{
    static const uint8_t token[SKEP__RESUME_BYTES] = {1, 2, 3, 250};
    static const uint32_t ids[] = {0, 3, 4, 700};
    static const uint8_t steer[] = {5, 0, 1};
    static const uint8_t hit[] = {9, 0, 1, 0, 0, 0, 2, 0, 0, 0};
    const skep__message_welcome welcome = {60, 3, 7, 64, true, 1, {{0, 0, 1, 0}}};
    const skep__message_interest interest = {7, 1, {2, {-5.0f, 0.0f}, {5.0f, 0.0f}}};
    const skep__message_state state = {
        .previous = 57, .message_count = 300, .number = 1u << 20, .slack = -3, .age_us = 1500};
    const skep__message_input input = {900, 12, 6, steer, 3};
    const skep__message_event event = {5, skep_entity_make(4, 1), hit, 10};
    const BedPos pos = {1.5f, -2.0f};
    const BedKind value = {3, skep_entity_make(9, 2)};
    if (kind == SCHEMA) skep__message_put_schema(w, live_replicas, BED_REPLICAS, true);
    if (kind == RESUME) skep__message_put_resume(w, token, ids, 4);
    if (kind == WELCOME) skep__message_put_welcome(w, &welcome);
    if (kind == INTEREST) skep__message_put_interest(w, &interest);
    if (kind == STATE) skep__message_put_state(w, &state, ids, 4);
    if (kind == INPUT) skep__message_put_input(w, &input);
    if (kind == EVENT) skep__message_put_event(w, &event);
    if (kind == VALUE) skep__message_put_value(w, &BedKind_info, &value);
    if (kind == PING) skep__wire_put_varint(w, 77);
    if (kind == PING) skep__wire_put_varint(w, 123456);
    if (kind != OWN) return;
    skep__wire_put_u64(w, skep_entity_make(9, 2).bits);
    skep__wire_put_u8(w, 1);
    skep__message_put_value(w, &BedPos_info, &pos);
    skep__wire_put_u8(w, 0);
    skep__wire_put_u8(w, 1);
    skep__message_put_value(w, &BedKind_info, &value);
}

void fuzz_make_message(fuzz_seed_fn *fn, void *ctx)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        skep__wire_writer w = {.bytes = room, .bytes_max = ROOM};
        put_seed(kind, &w);
        seed(fn, ctx, kind, &w);
    }
}
