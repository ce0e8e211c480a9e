/* SPDX-License-Identifier: MIT */
/* Bodies of messages: all of them there and back, every cut, many mutations, and what each reader
 * refuses. Bytes that are read lie in memory of exactly their size, so that a sanitizer sees a byte
 * read past their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/base/random.h"
#include "core/replicate/message.h"

#define ROOM 8192u

/* ---- a schema -------------------------------------------------------------------------------- */

typedef struct body {
    float x, y;
    bool on[3];
    int64_t far;
    uint16_t small;
    uint8_t raw[5];
    skep_entity other;
    double fine;
} body;

#define FIELD(name, kind, number)                                                                  \
    {                                                                                              \
#name, SKEP_TYPE_##kind, sizeof(skep_##kind), number, 0                                    \
    }

static const skep_field body_fields[] = {
    {"x", SKEP_TYPE_f32, 4, 1, offsetof(body, x)},
    {"y", SKEP_TYPE_f32, 4, 1, offsetof(body, y)},
    {"on", SKEP_TYPE__Bool, 1, 3, offsetof(body, on)},
    {"far", SKEP_TYPE_i64, 8, 1, offsetof(body, far)},
    {"small", SKEP_TYPE_u16, 2, 1, offsetof(body, small)},
    {"raw", SKEP_TYPE_bytes, 1, 5, offsetof(body, raw)},
    {"other", SKEP_TYPE_entity, 8, 1, offsetof(body, other)},
    {"fine", SKEP_TYPE_f64, 8, 1, offsetof(body, fine)},
};
static const skep_field steer_fields[] = {FIELD(angle, f32, 1)};
static const skep_field boom_fields[] = {FIELD(size, u8, 1)};
static const skep_field rules_fields[] = {FIELD(gravity, f32, 3)};

static const skep_component body_info = {"Body",       body_fields,         8,
                                         sizeof(body), sizeof(skep_entity), SKEP_KIND_COMPONENT};
static const skep_component tag_info = {"Tag", NULL, 0, 0, 1, SKEP_KIND_COMPONENT};
static const skep_component steer_info = {"Steer", steer_fields, 1, 4, 4, SKEP_KIND_INPUT};
static const skep_component boom_info = {"Boom", boom_fields, 1, 1, 1, SKEP_KIND_EVENT};
static const skep_component rules_info = {"Rules", rules_fields, 1, 12, 4, SKEP_KIND_RESOURCE};

#define NONE SKEP_QUANTUM_NONE
static const int8_t body_quanta[] = {-6, -6, NONE, NONE, NONE, NONE, NONE, NONE};
#undef NONE

#define COUNT 5u
static const skep_replica schema[COUNT] = {{&body_info, body_quanta},
                                           {&tag_info, NULL},
                                           {&steer_info, NULL},
                                           {&boom_info, NULL},
                                           {&rules_info, NULL}};

/* ---- memory that can refuse ------------------------------------------------------------------ */

typedef struct heap {
    uint32_t allowed;
    uint32_t live;
} heap;

static void *heap_alloc(void *ctx, size_t bytes, size_t align)
{
    heap *h = ctx;
    (void)align;
    if (!h->allowed) return NULL;
    h->allowed--;
    h->live++;
    return malloc(bytes);
}

static void heap_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    heap *h = ctx;
    (void)bytes;
    (void)align;
    h->live--;
    free(memory);
}

/* ---- all bodies ------------------------------------------------------------------------------ */

static uint8_t room[ROOM];

static skep__wire_writer writer(void)
{
    return (skep__wire_writer){.bytes = room, .bytes_max = sizeof room};
}

static const uint8_t token[SKEP__RESUME_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
static const uint32_t held[] = {0, 3, 4, 700};

static void fill_body(body *value)
{
    memset(value, 0, sizeof *value);
    value->x = 1.5f;
    value->y = -2.25f;
    value->on[1] = true;
    value->far = -123456789012345;
    value->small = 65535;
    memcpy(value->raw, "abcde", 5);
    value->other = skep_entity_make(17, 3);
    value->fine = 0.1;
}

enum { SCHEMA, HASH, RESUME, WELCOME, INTEREST, STATE, OWN, INPUT, EVENT, PING, KINDS };

static void put_values(skep__wire_writer *w, uint32_t kind)
{
    const float angle = 0.5f;
    const skep__message_input input = {
        .number = 900, .tick = 12, .replica = 2, .bytes = (const uint8_t *)&angle, .size = 4};
    const skep__message_event event = {3, skep_entity_make(4, 1), token, 1};
    body value;
    fill_body(&value);
    if (kind == INPUT) skep__message_put_input(w, &input);
    if (kind == EVENT) skep__message_put_event(w, &event);
    if (kind != OWN) return;
    skep__wire_put_u64(w, skep_entity_make(9, 2).bits);
    skep__wire_put_u8(w, 1);
    skep__message_put_value(w, &body_info, &value);
    skep__wire_put_u8(w, 0);
}

/* Writes a body of a kind; its bytes. */
static size_t put(uint32_t kind)
{
    const skep__message_welcome welcome = {60, 3, 7, 64, true, 2, {{0, 0, 0, 1}, {4, 0, 0, 1}}};
    const skep__message_interest interest = {3, 1, {2, {-5.0f, 0.0f}, {5.0f, 0.0f}}};
    const skep__message_state state = {
        .previous = 57, .message_count = 300, .number = 1u << 20, .slack = -3, .age_us = 1500};
    skep__wire_writer w = writer();
    if (kind == SCHEMA || kind == HASH)
        skep__message_put_schema(&w, schema, COUNT, kind == SCHEMA);
    else if (kind == RESUME)
        skep__message_put_resume(&w, token, held, 4);
    else if (kind == WELCOME)
        skep__message_put_welcome(&w, &welcome);
    else if (kind == INTEREST)
        skep__message_put_interest(&w, &interest);
    else if (kind == STATE)
        skep__message_put_state(&w, &state, held, 4);
    else if (kind == PING) {
        skep__wire_put_varint(&w, 77);
        skep__wire_put_varint(&w, 1234567);
    } else
        put_values(&w, kind);
    assert_true(w.need <= w.bytes_max);
    return w.need;
}

typedef struct parts {
    skep__schema_table table;
    skep__message_resume resume;
    skep__message_welcome welcome;
    skep__message_interest interest;
    skep__message_state state;
    skep__message_own own;
    skep__message_input input;
    skep__message_event event;
    uint64_t number;
    uint32_t since_us;
} parts;

static bool get(uint32_t kind, skep__wire_reader *r, parts *p)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    heap h = {100, 0};
    const skep_allocator allocator = {heap_alloc, heap_free, &h};
    memset(p, 0, sizeof *p);
    switch (kind) {
    case SCHEMA:
    case HASH: {
        const bool ok = skep__message_get_schema(r, &allocator, &p->table) == SKEP_OK;
        assert_int_equal(ok, r->error.code == SKEP_OK);
        assert_int_equal(h.live, ok && kind == SCHEMA);
        skep__schema_table_deinit(&p->table, &allocator);
        assert_int_equal(h.live, 0);
        return ok;
    }
    case RESUME:
        return skep__message_get_resume(r, &limits, &p->resume);
    case WELCOME:
        return skep__message_get_welcome(r, &p->welcome);
    case INTEREST:
        return skep__message_get_interest(r, schema, COUNT, &p->interest);
    case STATE:
        return skep__message_get_state(r, &limits, &p->state);
    case OWN:
        return skep__message_get_own(r, schema, COUNT, 3, &p->own);
    case INPUT:
        return skep__message_get_input(r, schema, COUNT, 900, &p->input);
    case EVENT:
        return skep__message_get_event(r, schema, COUNT, &p->event);
    default:
        return skep__message_get_ping(r, &p->number, &p->since_us);
    }
}

static void every_cut_is_refused(void **unused)
{
    (void)unused;
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        const size_t n = put(kind);
        for (size_t cut = 0; cut < n; cut++) {
            uint8_t *copy = malloc(cut ? cut : 1u);
            assert_non_null(copy);
            memcpy(copy, room, cut);
            skep__wire_reader r = {.bytes = copy, .end = cut};
            parts p;
            assert_false(get(kind, &r, &p));
            assert_int_not_equal(r.error.code, SKEP_OK);
            assert_true(r.error.message && r.error.offset <= cut);
            free(copy);
        }
        skep__wire_reader r = {.bytes = room, .end = n + 1u};
        parts p;
        room[n] = 0;
        const bool single = kind == INPUT || kind == EVENT; /* others may follow */
        assert_int_equal(get(kind, &r, &p), single);
    }
}

static void mutations_are_read_or_refused(void **unused)
{
    (void)unused;
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        for (uint32_t round = 0; round < 20000; round++) {
            const size_t n = put(kind);
            const uint32_t flips = 1u + round % 3u;
            for (uint32_t i = 0; i < flips; i++) {
                const uint64_t draw = skep__random(3, kind, round, i, 0);
                room[draw % n] ^= (uint8_t)(1u << (draw >> 32) % 8u);
            }
            uint8_t *copy = malloc(n);
            assert_non_null(copy);
            memcpy(copy, room, n);
            skep__wire_reader r = {.bytes = copy, .end = n};
            parts p;
            const bool ok = get(kind, &r, &p);
            assert_int_equal(ok, r.error.code == SKEP_OK);
            free(copy);
        }
    }
}

static void expect_ids(skep__wire_ids list, skep__wire_reader ids)
{
    uint32_t id = 0;
    assert_int_equal(list.left, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(skep__wire_get_id(&ids, &list, &id));
        assert_int_equal(id, held[i]);
    }
}

static parts there_and_back(uint32_t kind)
{
    parts p;
    skep__wire_reader r = {.bytes = room, .end = put(kind)};
    assert_true(get(kind, &r, &p));
    assert_int_equal(r.at, r.end);
    return p;
}

static void bodies_come_back(void **unused)
{
    (void)unused;
    parts p = there_and_back(RESUME);
    assert_memory_equal(p.resume.token, token, sizeof token);
    expect_ids(p.resume.held, p.resume.ids);
    p = there_and_back(WELCOME);
    assert_int_equal(p.welcome.tick_hz, 60);
    assert_int_equal(p.welcome.every, 3);
    assert_int_equal(p.welcome.player, 7);
    assert_int_equal(p.welcome.input_window, 64);
    assert_true(p.welcome.resumed);
    skep_rate rates[2];
    assert_true(skep__message_rates_get(&p.welcome, schema, COUNT, rates));
    assert_ptr_equal(rates[1].value, &rules_info);
    assert_int_equal(rates[1].speed_field, 1);
    skep__message_welcome again = {0};
    assert_true(skep__message_rates_set(&again, schema, COUNT, rates, 2));
    assert_memory_equal(again.rates, p.welcome.rates, sizeof again.rates);
    rates[0].value_field = 8;
    assert_false(skep__message_rates_set(&again, schema, COUNT, rates, 2));
    p.welcome.rates[1].speed = COUNT;
    assert_false(skep__message_rates_get(&p.welcome, schema, COUNT, rates));
    p = there_and_back(INTEREST);
    assert_int_equal(p.interest.components, 3);
    assert_int_equal(p.interest.predicted, 1);
    assert_int_equal(p.interest.area.axes, 2);
    assert_true(p.interest.area.low[0] == -5.0f && p.interest.area.high[0] == 5.0f);
    p = there_and_back(STATE);
    assert_int_equal(p.state.previous, 57);
    assert_int_equal(p.state.message_count, 300);
    assert_int_equal(p.state.number, 1u << 20);
    assert_int_equal(p.state.slack, -3);
    assert_int_equal(p.state.age_us, 1500);
    expect_ids(p.state.dropped, p.state.ids);
    p = there_and_back(INPUT);
    assert_int_equal(p.input.number, 900);
    assert_int_equal(p.input.tick, 12);
    assert_int_equal(p.input.replica, 2);
    assert_int_equal(p.input.size, 4);
    p = there_and_back(EVENT);
    assert_int_equal(p.event.replica, 3);
    assert_int_equal(skep_entity_index(p.event.to), 4);
    assert_int_equal(*p.event.bytes, 1);
    p = there_and_back(PING);
    assert_int_equal(p.number, 77);
    assert_int_equal(p.since_us, 1234567);
}

static void values_come_back(void **unused)
{
    (void)unused;
    body sent;
    body got;
    const parts p = there_and_back(OWN);
    fill_body(&sent);
    memset(&got, 0, sizeof got);
    assert_int_equal(p.own.has, 1);
    assert_int_equal(skep_entity_index(p.own.entity), 9);
    assert_int_equal(p.own.size, skep__message_value_bytes(&body_info) + 2u);
    skep__wire_reader r = {.bytes = p.own.values, .at = 1, .end = p.own.size};
    assert_true(skep__message_get_value(&r, &body_info, &got));
    assert_memory_equal(&sent, &got, sizeof got);
    room[8 + 1 + 8 + 2] = 2; /* the last of `on` */
    r = (skep__wire_reader){.bytes = room, .at = 9, .end = ROOM};
    assert_false(skep__message_get_value(&r, &body_info, NULL));
    assert_string_equal(r.error.message, "message: a bool is not 0 or 1");
    assert_int_equal(r.error.offset, 19);
}

/* ---- the schema ------------------------------------------------------------------------------ */

static void expect_field(const skep_field *mine, const skep_field *theirs)
{
    assert_string_equal(mine->name, theirs->name);
    assert_int_equal(mine->type, theirs->type);
    assert_int_equal(mine->size, theirs->size);
    assert_int_equal(mine->count, theirs->count);
}

static void schemas_come_back(void **unused)
{
    (void)unused;
    heap h = {1, 0};
    const skep_allocator allocator = {heap_alloc, heap_free, &h};
    skep__schema_table table;
    skep__wire_reader r = {.bytes = room, .end = put(SCHEMA)};
    assert_int_equal(skep__message_get_schema(&r, &allocator, &table), SKEP_OK);
    memset(room, 0xEE, sizeof room); /* nothing is borrowed */
    assert_int_equal(table.count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        const skep_component *mine = schema[i].info;
        const skep_component *theirs = table.replicas[i].info;
        char text[100];
        assert_string_equal(mine->name, theirs->name);
        assert_int_equal(mine->kind, theirs->kind);
        assert_int_equal(mine->field_count, theirs->field_count);
        for (uint32_t f = 0; f < mine->field_count; f++) {
            expect_field(&mine->fields[f], &theirs->fields[f]);
            assert_int_equal(mine->fields[f].offset, theirs->fields[f].offset);
            assert_int_equal(skep__replica_quantum(&schema[i], f),
                             skep__replica_quantum(&table.replicas[i], f));
        }
        assert_int_equal(mine->size, theirs->size);
        assert_int_equal(mine->align, theirs->align);
        assert_null(skep__schema_mismatch(mine, theirs, text, sizeof text));
    }
    const skep__schema_hash hash = skep__schema_hash_of(table.replicas, table.count);
    assert_true(hash.low == table.hash.low && hash.high == table.hash.high);
    skep__schema_table_deinit(&table, &allocator);
    assert_int_equal(h.live, 0);
    r = (skep__wire_reader){.bytes = room, .end = put(SCHEMA)};
    assert_int_equal(skep__message_get_schema(&r, &allocator, &table), SKEP_NO_MEMORY);
    r = (skep__wire_reader){.bytes = room, .end = put(HASH)};
    assert_int_equal(skep__message_get_schema(&r, &allocator, &table), SKEP_OK);
    assert_int_equal(table.count, 0);
    assert_true(hash.low == table.hash.low && hash.high == table.hash.high);
}

static void expect_refused(uint32_t kind, size_t at, uint8_t value, const char *message)
{
    const size_t n = put(kind);
    parts p;
    assert_true(at < n);
    room[at] = value;
    skep__wire_reader r = {.bytes = room, .end = n};
    assert_false(get(kind, &r, &p));
    assert_string_equal(r.error.message, message);
}

static void readers_say_what_is_wrong(void **unused)
{
    (void)unused;
    /* hash 16, flag, count, kind, "Body" with its length, 8 fields, "x" with its length, type */
    expect_refused(SCHEMA, 16, 2, "schema: the flag is not 0 or 1");
    expect_refused(SCHEMA, 17, 0, "schema: nothing is published, or too much");
    expect_refused(SCHEMA, 17, 65, "schema: nothing is published, or too much");
    expect_refused(SCHEMA, 18, SKEP_KIND_PREFAB, "schema: a thing of a kind that is not published");
    expect_refused(SCHEMA, 19, 0, "schema: a name has no letters or too many");
    expect_refused(SCHEMA, 20, 0, "schema: a name has a control character");
    expect_refused(SCHEMA, 24, 17, "schema: a component has too many fields");
    expect_refused(SCHEMA, 26, 'y', "schema: two fields have one name");
    expect_refused(SCHEMA, 27, SKEP_TYPE_i32,
                   "schema: a field of unknown type, or with a quantum it cannot be");
    expect_refused(SCHEMA, 28, 0, "schema: a field has no elements or too many");
    expect_refused(SCHEMA, 0, 1, "schema: the table does not have the hash before it");
    expect_refused(SCHEMA, 20, 'b', "schema: the table does not have the hash before it");
    expect_refused(WELCOME, 0, 0, "message: a number is out of range");
    expect_refused(WELCOME, 2, 0, "message: a number is out of range");
    expect_refused(WELCOME, 4, 2, "message: a flag is not 0 or 1");
    expect_refused(INTEREST, 1, 2, "message: what is asked for is no component");
    expect_refused(INTEREST, 5, 4, "message: an area has more than 3 axes");
    expect_refused(INTEREST, 9, 0x42, "message: an area ends before it begins");
    expect_refused(STATE, 0, 0, "message: a whole state drops classes");
    expect_refused(OWN, 8, 2, "message: a flag is not 0 or 1");
    expect_refused(INPUT, 0, 0x83, "message: an input's number is out of order");
    expect_refused(INPUT, 3, 3, "message: a type of another kind");
    expect_refused(INPUT, 3, 5, "message: a type that the schema does not have");
    expect_refused(EVENT, 0, 2, "message: a type of another kind");
}

static void expect_mismatch(const skep_component *mine, const skep_component *theirs,
                            const char *expected)
{
    char text[200];
    const char *said = skep__schema_mismatch(mine, theirs, text, sizeof text);
    assert_non_null(said);
    assert_string_equal(said, expected);
}

static void mismatches_name_the_field(void **unused)
{
    (void)unused;
    skep_field fields[9];
    skep_component theirs = body_info;
    memcpy(fields, body_fields, sizeof body_fields);
    theirs.fields = fields;
    fields[1].name = "z";
    expect_mismatch(&body_info, &theirs, "Body.y: the server has Body.z in its place");
    fields[1] = body_fields[1];
    fields[5].count = 6;
    expect_mismatch(&body_info, &theirs, "Body.raw: bytes[5] here, bytes[6] at the server");
    fields[5] = body_fields[5];
    fields[4].type = SKEP_TYPE_i16;
    expect_mismatch(&body_info, &theirs, "Body.small: u16[1] here, i16[1] at the server");
    fields[4] = body_fields[4];
    fields[8] = (skep_field){"more", SKEP_TYPE_u8, 1, 1, 0};
    theirs.field_count = 9;
    expect_mismatch(&body_info, &theirs, "Body.more: only the server has this field");
    theirs.field_count = 7;
    expect_mismatch(&body_info, &theirs, "Body.fine: only this program has this field");
    theirs.field_count = 8;
    theirs.kind = SKEP_KIND_EVENT;
    expect_mismatch(&body_info, &theirs, "Body: component here, event at the server");
    theirs.kind = SKEP_KIND_COMPONENT;
    fields[2].offset = 400; /* no matter of the wire */
    char text[8];
    assert_null(skep__schema_mismatch(&body_info, &theirs, text, sizeof text));
}

/* ---- whole messages -------------------------------------------------------------------------- */

static skep__wire_reader opened(size_t n, uint32_t type, uint32_t tick, uint32_t section)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    skep__wire_message m;
    skep__wire_reader body_of = {0};
    skep_error error;
    uint32_t id = 0;
    assert_int_equal(skep__wire_open(&m, room, n, SKEP__WIRE_UP, &limits, &error), SKEP_OK);
    assert_int_equal(m.header.type, type);
    assert_int_equal(m.header.tick, tick);
    assert_int_equal(skep__wire_next(&m, &id, &body_of), section != 0);
    if (section) assert_int_equal(id, section);
    return body_of;
}

static void whole_messages_open(void **unused)
{
    (void)unused;
    uint64_t number = 0;
    uint32_t since_us = 0;
    char reason[300];
    skep__wire_writer w = writer();
    assert_int_equal(skep__message_ping(&w, SKEP__WIRE_PONG, 5, 88, 99), SKEP_OK);
    skep__wire_reader r = opened(w.need, SKEP__WIRE_PONG, 5, SKEP__WIRE_SECTION_CLOCK);
    assert_true(skep__message_get_ping(&r, &number, &since_us));
    assert_int_equal(number, 88);
    assert_int_equal(since_us, 99);
    w = writer();
    assert_int_equal(skep__message_resync(&w, 6), SKEP_OK);
    (void)opened(w.need, SKEP__WIRE_RESYNC, 6, 0);
    w = writer();
    assert_int_equal(skep__message_auth(&w, "let me in", 9), SKEP_OK);
    r = opened(w.need, SKEP__WIRE_AUTH, 0, SKEP__WIRE_SECTION_TOKEN);
    assert_int_equal(r.end - r.at, 9);
    w = writer();
    assert_int_equal(skep__message_bye(&w, 7, false, "done"), SKEP_OK);
    r = opened(w.need, SKEP__WIRE_BYE, 7, SKEP__WIRE_SECTION_REASON);
    assert_memory_equal(r.bytes + r.at, "done", 4);
    /* Cut before a character that would be cut in two. */
    memset(reason, 'a', sizeof reason);
    memcpy(reason + 199, "\xC3\xA4", 2);
    reason[299] = 0;
    w = writer();
    assert_int_equal(skep__message_bye(&w, 7, false, reason), SKEP_OK);
    r = opened(w.need, SKEP__WIRE_BYE, 7, SKEP__WIRE_SECTION_REASON);
    assert_int_equal(r.end - r.at, 199);
    w = (skep__wire_writer){.bytes = room, .bytes_max = 20};
    assert_int_equal(skep__message_bye(&w, 7, false, "done"), SKEP_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_come_back),
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(mutations_are_read_or_refused),
        cmocka_unit_test(schemas_come_back),
        cmocka_unit_test(readers_say_what_is_wrong),
        cmocka_unit_test(mismatches_name_the_field),
        cmocka_unit_test(whole_messages_open),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
