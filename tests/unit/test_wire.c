/* SPDX-License-Identifier: MIT */
/* Messages: numbers and lists there and back, every limit, every truncation and many mutations of
 * whole messages, and each refusal with its text and offset. Messages that are read lie in memory
 * of exactly their size, so that a sanitizer sees a byte read past their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/base/random.h"
#include "core/replicate/wire.h"

#define MESSAGE_MAX 70000u
#define IDS_MAX 64u

typedef struct dice {
    uint64_t seed;
    uint32_t draw;
} dice;

static uint64_t drawn_u64(dice *d)
{
    return skep__random(d->seed, 7, 0, 0, d->draw++);
}

static uint32_t drawn(dice *d, uint32_t below)
{
    return skep__random_below(drawn_u64(d), below);
}

static skep__wire_reader reader_of(const uint8_t *bytes, size_t n)
{
    return (skep__wire_reader){.bytes = bytes, .end = n};
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void numbers_come_back(void **state)
{
    uint8_t bytes[64];
    dice d = {1, 0};
    (void)state;
    for (uint32_t round = 0; round < 5000; round++) {
        const uint64_t x = drawn_u64(&d) >> drawn(&d, 64);
        skep__wire_writer w = {.bytes = bytes, .bytes_max = sizeof bytes};
        skep__wire_put_varint(&w, x);
        assert_int_equal(w.need, skep__wire_varint_bytes(x));
        skep__wire_put_varint(&w, x & UINT32_MAX);
        skep__wire_put_u8(&w, x & 0xFFu);
        skep__wire_put_u16(&w, x & 0xFFFFu);
        skep__wire_put_u32(&w, (uint32_t)x);
        skep__wire_put_u64(&w, x);
        skep__wire_reader r = reader_of(bytes, w.need);
        uint64_t wide = 0;
        uint32_t n[4] = {0};
        assert_true(skep__wire_get_varint64(&r, &wide) && wide == x);
        assert_true(skep__wire_get_varint(&r, &n[0]) && skep__wire_get_u8(&r, &n[1]) &&
                    skep__wire_get_u16(&r, &n[2]) && skep__wire_get_u32(&r, &n[3]));
        assert_true(n[0] == (uint32_t)x && n[1] == (x & 0xFFu) && n[2] == (x & 0xFFFFu) &&
                    n[3] == (uint32_t)x);
        assert_true(skep__wire_get_u64(&r, &wide) && wide == x);
        assert_true(skep__wire_get_end(&r));
        assert_false(skep__wire_get_u8(&r, &n[0]));
        assert_false(skep__wire_get_end(&r)); /* the error stays */
    }
}

static void expect_bad_varint(const uint8_t *bytes, size_t n, bool wide, const char *message,
                              size_t offset)
{
    skep__wire_reader r = reader_of(bytes, n);
    uint32_t x = 0;
    uint64_t x64 = 0;
    assert_false(wide ? skep__wire_get_varint64(&r, &x64) : skep__wire_get_varint(&r, &x));
    assert_int_equal(r.error.code, SKEP_CORRUPT);
    assert_string_equal(r.error.message, message);
    assert_int_equal(r.error.offset, offset);
    assert_int_equal(r.at, 0);
}

static void varints_have_one_form(void **state)
{
    static const uint8_t zero[] = {0x80, 0x00};
    static const uint8_t one[] = {0x81, 0x80, 0x00};
    static const uint8_t cut[] = {0xFF, 0xFF};
    static const uint8_t large[] = {0xFF, 0xFF, 0xFF, 0xFF, 0x10};
    static const uint8_t six[] = {0xFF, 0xFF, 0xFF, 0xFF, 0x8F, 0x01};
    static const uint8_t most[] = {0xFF, 0xFF, 0xFF, 0xFF, 0x0F};
    static const uint8_t eleven[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                     0xFF, 0xFF, 0xFF, 0x81, 0x00};
    static const uint8_t large64[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02};
    uint32_t x = 0;
    (void)state;
    expect_bad_varint(zero, 2, false, "wire: a varint is longer than it needs", 1);
    expect_bad_varint(one, 3, false, "wire: a varint is longer than it needs", 2);
    expect_bad_varint(one, 3, true, "wire: a varint is longer than it needs", 2);
    expect_bad_varint(cut, 2, false, "wire: a varint ends too early", 2);
    expect_bad_varint(cut, 0, false, "wire: a varint ends too early", 0);
    expect_bad_varint(large, 5, false, "wire: a varint is too large", 4);
    expect_bad_varint(six, 6, false, "wire: a varint is too large", 4);
    expect_bad_varint(eleven, 11, true, "wire: a varint is too large", 9);
    expect_bad_varint(large64, 10, true, "wire: a varint is too large", 9);
    skep__wire_reader r = reader_of(most, sizeof most);
    assert_true(skep__wire_get_varint(&r, &x));
    assert_true(x == UINT32_MAX);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void lists_come_back(void **state)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    dice d = {2, 0};
    (void)state;
    for (uint32_t round = 0; round < 3000; round++) {
        uint32_t ids[IDS_MAX];
        uint8_t bytes[IDS_MAX * 5 + 5];
        const uint32_t count = drawn(&d, IDS_MAX + 1u);
        const uint32_t gap = 1u + (1u << drawn(&d, 26) >> 1);
        uint32_t next = round % 7 ? drawn(&d, gap) : UINT32_MAX - count;
        for (uint32_t i = 0; i < count; i++) {
            ids[i] = next;
            next += round % 7 ? 1u + drawn(&d, gap) : 1u;
        }
        skep__wire_writer w = {.bytes = bytes, .bytes_max = sizeof bytes};
        skep__wire_put_ids(&w, ids, count);
        skep__wire_reader r = reader_of(bytes, w.need);
        skep__wire_ids list;
        uint32_t id = 0;
        assert_true(skep__wire_get_ids(&r, &limits, UINT32_MAX, &list));
        assert_int_equal(list.left, count);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(skep__wire_get_id(&r, &list, &id));
            assert_int_equal(id, ids[i]);
        }
        assert_int_equal(list.left, 0);
        assert_true(skep__wire_get_end(&r));
    }
}

static void lists_that_lie_are_refused(void **state)
{
    skep__wire_limits limits = skep__wire_limits_default();
    static const uint8_t four[] = {4, 0, 0, 0};
    static const uint8_t huge[] = {0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0};
    static const uint8_t far[] = {2, 7, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F};
    skep__wire_ids list;
    uint32_t id = 0;
    (void)state;
    skep__wire_reader r = reader_of(four, sizeof four);
    assert_false(skep__wire_get_ids(&r, &limits, 10, &list));
    assert_string_equal(r.error.message, "wire: a list has more ids than bytes");
    r = reader_of(huge, sizeof huge);
    assert_false(skep__wire_get_ids(&r, &limits, 10, &list));
    assert_int_equal(r.error.code, SKEP_LIMIT);
    r = reader_of(far, sizeof far);
    assert_true(skep__wire_get_ids(&r, &limits, UINT32_MAX, &list));
    assert_true(skep__wire_get_id(&r, &list, &id));
    assert_int_equal(id, 7);
    assert_false(skep__wire_get_id(&r, &list, &id));
    assert_string_equal(r.error.message, "wire: an id is out of range");
    assert_int_equal(r.error.offset, 2);
    r = reader_of(far, sizeof far);
    assert_true(skep__wire_get_ids(&r, &limits, 7, &list));
    assert_false(skep__wire_get_id(&r, &list, &id));
    limits.id_count_max = 1;
    r = reader_of(far, sizeof far);
    assert_false(skep__wire_get_ids(&r, &limits, 10, &list));
    assert_string_equal(r.error.message, "wire: more ids in a list than id_count_max");
}

/* ---- messages -------------------------------------------------------------------------------- */

/* A message drawn from a seed: known sections, and some that later versions may have. */
static size_t make_message(dice *d, uint8_t *bytes, size_t max, skep__wire_header *h,
                           uint32_t *known)
{
    static const uint8_t some[] = {0x01, 0x08, 0x81, 0x04, 0xFE, 0x90};
    static const uint8_t noise[400] = {1, 2, 3};
    skep__wire_writer w = {.bytes = bytes, .bytes_max = max};
    const uint32_t count = drawn(d, 9);
    *h = (skep__wire_header){.type = 1u + drawn(d, 13),
                             .flags = drawn(d, 2),
                             .tick = 10u + drawn(d, 1000),
                             .class = drawn(d, UINT32_MAX)};
    if (h->type == SKEP__WIRE_DELTA) h->base = 1u + drawn(d, h->tick - 1u);
    *known = 0;
    skep__wire_message_begin(&w, h);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t id = some[drawn(d, 6)];
        *known += skep__wire_section_known(id);
        skep__wire_section_begin(&w, id);
        skep__wire_put_bytes(&w, noise, drawn(d, 3) ? drawn(d, 20) : drawn(d, 400));
        skep__wire_section_end(&w);
    }
    h->section_count = count;
    if (w.need <= max)
        assert_int_equal(skep__wire_message_end(&w), SKEP_OK);
    else
        assert_int_equal(skep__wire_message_end(&w), SKEP_LIMIT);
    return w.need;
}

/* Opens a copy in memory of its own and walks it; the status. */
static skep_status walk(const uint8_t *bytes, size_t n, const skep__wire_limits *limits,
                        skep__wire_header *h, uint32_t *known, skep_error *error)
{
    skep__wire_message m;
    skep__wire_reader body;
    uint32_t id = 0;
    uint8_t *copy = malloc(n ? n : 1u);
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    const skep_status status = skep__wire_open(&m, copy, n, SKEP__WIRE_DOWN, limits, error);
    *h = m.header;
    *known = 0;
    size_t end = SKEP__WIRE_HEADER_BYTES;
    while (skep__wire_next(&m, &id, &body)) {
        const uint8_t *content = NULL;
        assert_int_equal(status, SKEP_OK);
        assert_true(body.at >= end + 2 && body.end <= n && body.at <= body.end);
        end = body.end;
        assert_true(skep__wire_get_bytes(&body, body.end - body.at, &content));
        assert_true(skep__wire_get_end(&body));
        ++*known;
    }
    assert_true(status == SKEP_OK ? !error->message : error->message && error->offset <= n);
    free(copy);
    return status;
}

static uint8_t message[MESSAGE_MAX];

static void messages_come_back(void **state)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    (void)state;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        dice d = {seed, 0};
        skep__wire_header sent;
        skep__wire_header got;
        uint32_t sent_known = 0;
        uint32_t got_known = 0;
        skep_error error;
        const size_t n = make_message(&d, message, sizeof message, &sent, &sent_known);
        assert_int_equal(walk(message, n, &limits, &got, &got_known, &error), SKEP_OK);
        assert_memory_equal(&sent, &got, sizeof sent);
        assert_int_equal(sent_known, got_known);
        const uint32_t flips = 1u + drawn(&d, 3);
        for (uint32_t i = 0; i < flips; i++)
            message[drawn(&d, (uint32_t)n)] ^= (uint8_t)(1u << drawn(&d, 8));
        (void)!walk(message, n, &limits, &got, &got_known, &error);
    }
}

static void every_cut_is_refused(void **state)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        dice d = {seed, 0};
        skep__wire_header h;
        uint32_t known = 0;
        skep_error error;
        const size_t n = make_message(&d, message, sizeof message, &h, &known);
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(walk(message, cut, &limits, &h, &known, &error), SKEP_CORRUPT);
        message[n] = 0;
        assert_int_equal(walk(message, n + 1u, &limits, &h, &known, &error), SKEP_CORRUPT);
        assert_string_equal(error.message, "wire: bytes are left after the last section");
        assert_int_equal(error.offset, n);
    }
}

static void small_buffers_only_count(void **state)
{
    static uint8_t room[4096];
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        dice d = {seed, 0};
        skep__wire_header h;
        uint32_t known = 0;
        const size_t n = make_message(&d, message, sizeof message, &h, &known);
        assert_true(n < sizeof room);
        for (size_t max = 0; max < n; max++) {
            d.draw = 0;
            memset(room, 0xEE, sizeof room);
            assert_int_equal(make_message(&d, room, max, &h, &known), n);
            assert_int_equal(room[max], 0xEE);
        }
        d.draw = 0;
        assert_int_equal(make_message(&d, room, n, &h, &known), n);
        assert_memory_equal(room, message, n);
    }
}

static void expect_refused(const uint8_t *bytes, size_t n, skep_status code, const char *text,
                           size_t offset)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    skep__wire_header h;
    uint32_t known = 0;
    skep_error error;
    assert_int_equal(walk(bytes, n, &limits, &h, &known, &error), code);
    assert_string_equal(error.message, text);
    assert_int_equal(error.offset, offset);
}

static void refusals_say_what_and_where(void **state)
{
    /* A PING at tick 9 with an empty HASH, of which a byte is changed. */
    static const uint8_t good[22] = {0x73, 0x6B, 1, 10, 0, 0, 1, 0, 9, 0,    0,
                                     0,    0,    0, 0,  0, 0, 0, 0, 0, 0x81, 0};
    static const struct {
        uint8_t at, value;
        skep_status code;
        const char *text;
        size_t offset;
    } cases[] = {
        {0, 0, SKEP_FOREIGN, "wire: this is no message of skep", 0},
        {2, 2, SKEP_VERSION, "wire: the message has another version", 2},
        {3, 0, SKEP_CORRUPT, "wire: the message has an unknown type", 3},
        {3, 14, SKEP_CORRUPT, "wire: the message has an unknown type", 3},
        {4, 2, SKEP_CORRUPT, "wire: the message has an unknown flag", 4},
        {5, 128, SKEP_CORRUPT, "wire: the message has an unknown flag", 4},
        {6, 65, SKEP_LIMIT, "wire: more sections than section_count_max", 6},
        {6, 0, SKEP_CORRUPT, "wire: bytes are left after the last section", 20},
        {6, 2, SKEP_CORRUPT, "wire: the bytes end too early", 22},
        {12, 1, SKEP_CORRUPT, "wire: the base does not fit type and tick", 12},
        {3, 6, SKEP_CORRUPT, "wire: the base does not fit type and tick", 12}, /* a DELTA from 0 */
        {20, 0x7F, SKEP_CORRUPT, "wire: an unknown section that must not be skipped", 20},
        {20, 0, SKEP_CORRUPT, "wire: an unknown section that must not be skipped", 20},
        {21, 1, SKEP_CORRUPT, "wire: the bytes end too early", 22},
        {21, 0x80, SKEP_CORRUPT, "wire: a varint ends too early", 22},
    };
    const skep__wire_limits limits = skep__wire_limits_default();
    skep__wire_header h;
    uint32_t known = 0;
    skep_error error;
    (void)state;
    assert_int_equal(walk(good, sizeof good, &limits, &h, &known, &error), SKEP_OK);
    assert_int_equal(known, 1);
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[sizeof good];
        memcpy(bytes, good, sizeof good);
        bytes[cases[i].at] = cases[i].value;
        expect_refused(bytes, sizeof bytes, cases[i].code, cases[i].text, cases[i].offset);
    }
    uint8_t bytes[sizeof good];
    memcpy(bytes, good, sizeof good);
    bytes[3] = SKEP__WIRE_DELTA;
    bytes[12] = 9; /* its own tick */
    expect_refused(bytes, sizeof bytes, SKEP_CORRUPT, "wire: the base does not fit type and tick",
                   12);
    bytes[12] = 8;
    assert_int_equal(walk(bytes, sizeof bytes, &limits, &h, &known, &error), SKEP_OK);
    bytes[20] = 0xFF; /* unknown, skipped */
    assert_int_equal(walk(bytes, sizeof bytes, &limits, &h, &known, &error), SKEP_OK);
    assert_int_equal(known, 0);
}

static void lengths_have_limits(void **state)
{
    skep__wire_limits limits = skep__wire_limits_default();
    skep__wire_writer w = {.bytes = message, .bytes_max = sizeof message};
    const skep__wire_header h = {.type = SKEP__WIRE_PING};
    skep__wire_message m;
    skep_error error;
    (void)state;
    skep__wire_message_begin(&w, &h);
    skep__wire_section_begin(&w, SKEP__WIRE_SECTION_TOKEN);
    (void)skep__wire_reserve(&w, 65536 - SKEP__WIRE_HEADER_BYTES - 4);
    skep__wire_section_end(&w);
    assert_int_equal(skep__wire_message_end(&w), SKEP_OK);
    assert_int_equal(w.need, 65536);
    assert_int_equal(skep__wire_open(&m, message, w.need, SKEP__WIRE_UP, &limits, &error), SKEP_OK);
    limits.up_bytes_max = 65535;
    assert_int_equal(skep__wire_open(&m, message, w.need, SKEP__WIRE_UP, &limits, &error),
                     SKEP_LIMIT);
    assert_string_equal(error.message, "wire: the message is longer than up_bytes_max");
    assert_int_equal(error.offset, 65535);
    limits.down_bytes_max = 65536;
    assert_int_equal(skep__wire_open(&m, message, w.need, SKEP__WIRE_DOWN, &limits, &error),
                     SKEP_OK);
    limits.down_bytes_max = 65535;
    assert_int_equal(skep__wire_open(&m, message, w.need, SKEP__WIRE_DOWN, &limits, &error),
                     SKEP_LIMIT);
    assert_string_equal(error.message, "wire: the message is longer than down_bytes_max");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back),        cmocka_unit_test(varints_have_one_form),
        cmocka_unit_test(lists_come_back),          cmocka_unit_test(lists_that_lie_are_refused),
        cmocka_unit_test(messages_come_back),       cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(small_buffers_only_count), cmocka_unit_test(refusals_say_what_and_where),
        cmocka_unit_test(lengths_have_limits),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
