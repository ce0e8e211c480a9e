/* SPDX-License-Identifier: MIT */
/* Packed patches: the writer's bytes, the reader, and a verifier that hostile buffers cannot fool.
 * Run with SKEP_SEED=n to repeat the mutations of a seed. */
#include "core/store/patch.h"
#include "core/base/hash.h"
#include "skep/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Gap, (u8, kind), (u64, key), (bool, on)); /* 7 bytes of padding twice */
SKEP_COMPONENT(Flags, (bool, bits, 3));
SKEP_TAG(Hot);
SKEP_EVENT(Hit, (u16, amount));
SKEP_RESOURCE(Score, (u32, points));
SKEP_PREFAB(Egg);

#define BIT(kind) (1u << SKEP_PATCH_##kind)

/* The access table of the job that these buffers are said to come from. */
static const skep_patch_slot slots[] = {
    {&Pos_info, BIT(SET) | BIT(PUT), 0},
    {&Gap_info, BIT(PUT), 0},
    {&Hot_info, BIT(PUT) | BIT(SET), 0},
    {&Hot_info, BIT(REMOVE), 0},
    {&Entity_info, BIT(DESTROY), 0},
    {&Egg_info, BIT(SPAWN), 0},
    {&Hit_info, BIT(EVENT), 0},
    {&Score_info, BIT(RESOURCE), 0},
    {&Pos_info, 0, 0},
    {&Flags_info, BIT(PUT), 0},
};
#define SLOT_COUNT ((uint32_t)(sizeof slots / sizeof slots[0]))

static const skep_entity reserved[] = {
    {0x0000000100000064u}, {0x0000000200000065u}, {0x0000000300000066u}, {0x0000000100000067u}};

static const skep_component *find(void *ctx, uint64_t identity)
{
    static const skep_component *const known[] = {&Pos_info, &Gap_info, &Hot_info, &Score_info};
    (void)ctx;
    for (uint32_t i = 0; i < 4; i++) {
        if (skep__component_identity(known[i]) == identity) return known[i];
    }
    return NULL;
}

static const skep_patch_rules rules = {.slots = slots,
                                       .slot_count = SLOT_COUNT,
                                       .spawn_count = 4,
                                       .spawns = reserved,
                                       .component = find};

#define E1 ((uint64_t)7 << 32 | 9)

/* A buffer under construction. */
typedef struct paper {
    _Alignas(16) uint8_t bytes[4096];
    skep_patch_writer w;
} paper;

static void paper_begin(paper *p, size_t room)
{
    memset(p->bytes, 0xAA, sizeof p->bytes);
    p->w = (skep_patch_writer){p->bytes, p->bytes + room, 0};
}

static size_t paper_used(const paper *p)
{
    return (size_t)(p->w.at - p->bytes);
}

static void push_value(paper *p, skep_patch_kind kind, uint32_t slot, uint64_t e, const void *value)
{
    const skep_component *component = slots[slot].component;
    void *at = skep__patch_push(&p->w, kind, slot, e, component->size);
    if (at) skep__patch_value(at, component, value);
}

static void push_init(paper *p, const skep_component *component, uint64_t e, const void *value)
{
    const uint64_t identity = skep__component_identity(component);
    uint8_t *at = skep__patch_push(&p->w, SKEP_PATCH_INIT, SKEP_PATCH_NO_SLOT, e,
                                   (uint32_t)sizeof identity + component->size);
    if (!at) return;
    memcpy(at, &identity, sizeof identity);
    skep__patch_value(at + sizeof identity, component, value);
}

static void push_text(paper *p, const char *text)
{
    const uint32_t length = (uint32_t)strlen(text);
    void *at = skep__patch_push(&p->w, SKEP_PATCH_LOG, SKEP_PATCH_NO_SLOT, 0, length);
    if (at) memcpy(at, text, length);
}

/* One of everything. */
static void write_all(paper *p)
{
    const Pos pos = {1.5f, -2.0f};
    const Hit hit = {513};
    const Score score = {77};
    const Flags flags = {{true, false, true}};
    Gap gap;
    memset(&gap, 0xEE, sizeof gap); /* padding that must not travel */
    gap.kind = 5;
    gap.key = 0x0102030405060708u;
    gap.on = true;
    push_value(p, SKEP_PATCH_SET, 0, E1, &pos);
    push_value(p, SKEP_PATCH_PUT, 1, E1, &gap);
    push_value(p, SKEP_PATCH_PUT, 2, E1, NULL);
    (void)skep__patch_push(&p->w, SKEP_PATCH_REMOVE, 3, E1, 0);
    (void)skep__patch_push(&p->w, SKEP_PATCH_DESTROY, 4, E1, 0);
    (void)skep__patch_push(&p->w, SKEP_PATCH_SPAWN, 5, reserved[0].bits, 0);
    push_init(p, &Pos_info, reserved[0].bits, &pos);
    push_text(p, "hello");
    (void)skep__patch_push(&p->w, SKEP_PATCH_SPAWN, 5, reserved[1].bits, 0);
    push_init(p, &Hot_info, reserved[0].bits, NULL);
    push_init(p, &Gap_info, reserved[1].bits, &gap);
    push_value(p, SKEP_PATCH_EVENT, 6, 0, &hit);
    push_value(p, SKEP_PATCH_EVENT, 6, E1, &hit);
    push_value(p, SKEP_PATCH_RESOURCE, 7, 0, &score);
    push_value(p, SKEP_PATCH_PUT, 9, E1, &flags);
}

static skep_status verify(const uint8_t *bytes, size_t n, uint32_t *spawned, skep_error *error)
{
    *error = (skep_error){SKEP_BUSY, "untouched", 999};
    const skep_status status = skep__patch_verify(bytes, n, &rules, spawned, error);
    assert_int_equal(error->code, status);
    assert_int_equal(error->message == NULL, status == SKEP_OK);
    assert_true(error->offset <= n);
    return status;
}

/* ---- writer and reader -------------------------------------------------------------------- */

static void test_golden_bytes(void **state)
{
    (void)state;
    static const uint8_t golden[] = {
        1,   0,   0,    0,    8,   0, 0, 0,    9, 0, 0, 0, 7, 0, 0, 0, /* SET, slot 0 */
        0,   0,   0xC0, 0x3F, 0,   0, 0, 0xC0,                         /* 1.5, -2 */
        2,   0,   1,    0,    24,  0, 0, 0,    9, 0, 0, 0, 7, 0, 0, 0, /* PUT, slot 1 */
        5,   0,   0,    0,    0,   0, 0, 0,                            /* kind, padding */
        8,   7,   6,    5,    4,   3, 2, 1,                            /* key */
        1,   0,   0,    0,    0,   0, 0, 0,                            /* on, padding */
        9,   0,   0xFF, 0xFF, 5,   0, 0, 0,    0, 0, 0, 0, 0, 0, 0, 0, /* LOG */
        'h', 'e', 'l',  'l',  'o', 0, 0, 0,    4, 0, 4, 0, 0, 0, 0, 0,
        9,   0,   0,    0,    7,   0, 0, 0, /* DESTROY, slot 4 */
    };
    const Pos pos = {1.5f, -2.0f};
    Gap gap;
    memset(&gap, 0xEE, sizeof gap);
    gap.kind = 5;
    gap.key = 0x0102030405060708u;
    gap.on = true;
    paper p;
    paper_begin(&p, sizeof p.bytes);
    push_value(&p, SKEP_PATCH_SET, 0, E1, &pos);
    push_value(&p, SKEP_PATCH_PUT, 1, E1, &gap);
    push_text(&p, "hello");
    (void)skep__patch_push(&p.w, SKEP_PATCH_DESTROY, 4, E1, 0);
    assert_int_equal(paper_used(&p), sizeof golden);
    assert_memory_equal(p.bytes, golden, sizeof golden);
    assert_int_equal(p.w.wanted, sizeof golden);
    assert_int_equal(p.bytes[sizeof golden], 0xAA);
}

/* Identities are part of saves and of the wire: these numbers never change. */
static void test_golden_identities(void **state)
{
    (void)state;
    static const skep_field fields_y[] = {{"x", SKEP_TYPE_f32, 4, 1, 0},
                                          {"z", SKEP_TYPE_f32, 4, 1, 4}};
    skep_component other = Pos_info;
    const uint64_t pos = skep__component_identity(&Pos_info);
    assert_int_equal(pos, 0x2D003A11D182153Du);
    assert_int_equal(skep__component_identity(&Hot_info), 0xFA1EE9ECA7C25ED3u);
    other.fields = fields_y;
    assert_true(skep__component_identity(&other) != pos);
    other = Pos_info;
    other.name = "Pot";
    assert_true(skep__component_identity(&other) != pos);
    other = Pos_info;
    other.kind = SKEP_KIND_EVENT;
    assert_true(skep__component_identity(&other) != pos);
    other = Pos_info;
    other.field_count = 1;
    assert_true(skep__component_identity(&other) != pos);
    char name[] = "Pos"; /* another address */
    other = Pos_info;
    other.name = name;
    assert_int_equal(skep__component_identity(&other), pos);
}

static void test_writer_stops_at_its_end(void **state)
{
    (void)state;
    paper full;
    paper p;
    paper_begin(&p, 0);
    paper_begin(&full, sizeof full.bytes);
    write_all(&full);
    for (size_t room = 0; room <= paper_used(&full); room += 4) {
        paper_begin(&p, room);
        write_all(&p);
        assert_int_equal(p.w.wanted, paper_used(&full));
        for (size_t i = room; i < sizeof p.bytes; i++) assert_int_equal(p.bytes[i], 0xAA);
        /* What is there is a prefix, but for log lines, which may be missing. */
        if (room < 24 + 16 + 24) assert_memory_equal(p.bytes, full.bytes, paper_used(&p));
        assert_int_equal(p.w.at <= p.w.end, 1);
    }
    assert_int_equal(paper_used(&p), paper_used(&full));
}

static void test_nothing_follows_what_did_not_fit(void **state)
{
    (void)state;
    const Pos pos = {0};
    paper p;
    paper_begin(&p, 40);
    push_text(&p, "a line that is longer than forty bytes");
    assert_int_equal(paper_used(&p), 0);
    push_value(&p, SKEP_PATCH_SET, 0, E1, &pos); /* fits: a lost line does not count */
    assert_int_equal(paper_used(&p), 24);
    push_value(&p, SKEP_PATCH_SET, 0, E1, &pos); /* does not */
    assert_int_equal(paper_used(&p), 24);
    (void)skep__patch_push(&p.w, SKEP_PATCH_REMOVE, 3, E1, 0); /* would */
    push_text(&p, "");
    assert_int_equal(paper_used(&p), 24);
    assert_int_equal(p.w.wanted, 16 + 40 + 24 + 24 + 16 + 16);
}

static void test_reader_returns_what_was_written(void **state)
{
    (void)state;
    static const uint8_t kinds[] = {SKEP_PATCH_SET,    SKEP_PATCH_PUT,      SKEP_PATCH_PUT,
                                    SKEP_PATCH_REMOVE, SKEP_PATCH_DESTROY,  SKEP_PATCH_SPAWN,
                                    SKEP_PATCH_INIT,   SKEP_PATCH_LOG,      SKEP_PATCH_SPAWN,
                                    SKEP_PATCH_INIT,   SKEP_PATCH_INIT,     SKEP_PATCH_EVENT,
                                    SKEP_PATCH_EVENT,  SKEP_PATCH_RESOURCE, SKEP_PATCH_PUT};
    paper p;
    paper_begin(&p, sizeof p.bytes);
    write_all(&p);
    size_t offset = 0;
    const skep_patch_header *h = NULL;
    const uint8_t *payload = NULL;
    uint32_t count = 0;
    while (skep__patch_next(p.bytes, paper_used(&p), &offset, &h, &payload)) {
        assert_true(count < sizeof kinds);
        assert_int_equal(h->kind, kinds[count]);
        if (count == 7) assert_memory_equal(payload, "hello", h->bytes);
        count++;
    }
    assert_int_equal(count, sizeof kinds);
    assert_int_equal(offset, paper_used(&p));
    assert_false(skep__patch_next(p.bytes, 0, &(size_t){0}, &h, &payload));
}

/* ---- verifier ----------------------------------------------------------------------------- */

static void test_verifier_accepts(void **state)
{
    (void)state;
    paper p;
    skep_error error;
    uint32_t spawned = 7;
    paper_begin(&p, sizeof p.bytes);
    write_all(&p);
    assert_int_equal(verify(p.bytes, paper_used(&p), &spawned, &error), SKEP_OK);
    assert_int_equal(spawned, 2);
    assert_int_equal(verify(p.bytes, 0, &spawned, &error), SKEP_OK);
    assert_int_equal(verify(NULL, 0, &spawned, &error), SKEP_OK);
    assert_int_equal(spawned, 0);
}

/* Every end but one between records is refused. */
static void test_verifier_refuses_cuts(void **state)
{
    (void)state;
    paper p;
    skep_error error;
    uint32_t spawned = 0;
    paper_begin(&p, sizeof p.bytes);
    write_all(&p);
    size_t ends[32] = {0};
    uint32_t end_count = 1;
    size_t offset = 0;
    const skep_patch_header *h = NULL;
    const uint8_t *payload = NULL;
    while (skep__patch_next(p.bytes, paper_used(&p), &offset, &h, &payload))
        ends[end_count++] = offset;
    uint32_t next = 0;
    for (size_t n = 0; n <= paper_used(&p); n++) {
        uint8_t *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, p.bytes, n);
        const skep_status status = verify(copy, n, &spawned, &error);
        if (n == ends[next]) {
            assert_int_equal(status, SKEP_OK);
            next++;
        } else {
            assert_int_equal(status, SKEP_CORRUPT);
            assert_int_equal(error.offset, ends[next - 1]);
        }
        free(copy);
    }
    assert_int_equal(next, end_count);
}

/* One record, and what is wrong with it. */
typedef struct wrong {
    skep_patch_header header;
    uint8_t payload[32];
    skep_status status;
    uint32_t offset;
} wrong;

static void test_verifier_refuses_wrong_records(void **state)
{
    (void)state;
    static const wrong wrongs[] = {
        {{0, 0, 0, 8, E1}, {0}, SKEP_CORRUPT, 0},                  /* no kind 0 */
        {{10, 0, 0, 8, E1}, {0}, SKEP_CORRUPT, 0},                 /* no kind 10 */
        {{255, 0, 0, 8, E1}, {0}, SKEP_CORRUPT, 0},                /* no kind 255 */
        {{SKEP_PATCH_SET, 1, 0, 8, E1}, {0}, SKEP_CORRUPT, 0},     /* flags */
        {{SKEP_PATCH_SET, 0, 10, 8, E1}, {0}, SKEP_ACCESS, 0},     /* no such slot */
        {{SKEP_PATCH_SET, 0, 0xFFFF, 8, E1}, {0}, SKEP_ACCESS, 0}, /* no slot */
        {{SKEP_PATCH_SET, 0, 8, 8, E1}, {0}, SKEP_ACCESS, 0},      /* allows nothing */
        {{SKEP_PATCH_REMOVE, 0, 0, 0, E1}, {0}, SKEP_ACCESS, 0},   /* allows no REMOVE */
        {{SKEP_PATCH_DESTROY, 0, 3, 0, E1}, {0}, SKEP_ACCESS, 0},  /* allows no DESTROY */
        {{SKEP_PATCH_EVENT, 0, 0, 8, E1}, {0}, SKEP_ACCESS, 0},    /* no event */
        {{SKEP_PATCH_SET, 0, 0, 4, E1}, {0}, SKEP_CORRUPT, 0},     /* too short */
        {{SKEP_PATCH_SET, 0, 0, 16, E1}, {0}, SKEP_CORRUPT, 0},    /* too long */
        {{SKEP_PATCH_REMOVE, 0, 3, 8, E1}, {0}, SKEP_CORRUPT, 0},  /* has no payload */
        {{SKEP_PATCH_DESTROY, 0, 4, 1, E1}, {0}, SKEP_CORRUPT, 0}, /* has no payload */
        {{SKEP_PATCH_SET, 0, 0, 8, 0}, {0}, SKEP_CORRUPT, 0},      /* null */
        {{SKEP_PATCH_SET, 0, 0, 8, 9}, {0}, SKEP_CORRUPT, 0},      /* generation 0 */
        {{SKEP_PATCH_SET, 0, 0, 8, (uint64_t)1 << 53 | 9}, {0}, SKEP_CORRUPT, 0},
        {{SKEP_PATCH_LOG, 0, 0xFFFF, 0, E1}, {0}, SKEP_CORRUPT, 0}, /* a log line is nobody's */
        {{SKEP_PATCH_LOG, 0, 3, 0, 0}, {0}, SKEP_CORRUPT, 0},
        {{SKEP_PATCH_RESOURCE, 0, 7, 4, E1}, {0}, SKEP_CORRUPT, 0},
        {{SKEP_PATCH_SPAWN, 0, 5, 0, E1}, {0}, SKEP_ACCESS, 0}, /* not reserved */
        {{SKEP_PATCH_SPAWN, 0, 5, 0, (uint64_t)2 << 32 | 0x65}, {0}, SKEP_ACCESS, 0}, /* order */
        {{SKEP_PATCH_INIT, 0, 0xFFFF, 16, (uint64_t)1 << 32 | 0x64}, {0}, SKEP_ACCESS, 0},
        {{SKEP_PATCH_INIT, 0, 0, 16, (uint64_t)1 << 32 | 0x64}, {0}, SKEP_ACCESS, 0},
        {{SKEP_PATCH_INIT, 0, 0xFFFF, 4, (uint64_t)1 << 32 | 0x64}, {0}, SKEP_CORRUPT, 0},
        {{SKEP_PATCH_PUT, 0, 1, 24, E1}, {5, 1}, SKEP_CORRUPT, 17},      /* padding in the value */
        {{SKEP_PATCH_PUT, 0, 1, 24, E1}, {[17] = 1}, SKEP_CORRUPT, 33},  /* padding at its end */
        {{SKEP_PATCH_PUT, 0, 1, 24, E1}, {[16] = 2}, SKEP_CORRUPT, 32},  /* a bool that is 2 */
        {{SKEP_PATCH_PUT, 0, 9, 3, E1}, {1, 1, 2}, SKEP_CORRUPT, 16},    /* in an array of bools */
        {{SKEP_PATCH_PUT, 0, 9, 3, E1}, {[3] = 1}, SKEP_CORRUPT, 19},    /* padding behind it */
        {{SKEP_PATCH_SET, 0, 0, 0xFFFFFFF0u, E1}, {0}, SKEP_CORRUPT, 0}, /* far past the end */
        {{SKEP_PATCH_SET, 0, 0, 0xFFFFFFFFu, E1}, {0}, SKEP_CORRUPT, 0},
    };
    for (uint32_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        const wrong *x = &wrongs[i];
        skep_error error;
        uint32_t spawned = 0;
        const size_t n = 16 + (x->header.bytes > 32 ? 32 : skep__align(x->header.bytes, 8));
        uint8_t *bytes = malloc(n);
        assert_non_null(bytes);
        memcpy(bytes, &x->header, 16);
        memcpy(bytes + 16, x->payload, n - 16);
        if (verify(bytes, n, &spawned, &error) != x->status) fail_msg("record %u", i);
        if (error.offset != x->offset) fail_msg("offset of record %u: %zu", i, error.offset);
        free(bytes);
    }
}

static void test_verifier_counts_spawns(void **state)
{
    (void)state;
    const Pos pos = {1, 2};
    paper p;
    skep_error error;
    uint32_t spawned = 0;
    paper_begin(&p, sizeof p.bytes);
    for (uint32_t i = 0; i < 4; i++) {
        (void)skep__patch_push(&p.w, SKEP_PATCH_SPAWN, 5, reserved[i].bits, 0);
    }
    /* First values in any order, and twice. */
    static const uint32_t order[] = {0, 1, 2, 3, 2, 0, 3, 1, 1};
    for (uint32_t i = 0; i < 9; i++) push_init(&p, &Pos_info, reserved[order[i]].bits, &pos);
    assert_int_equal(verify(p.bytes, paper_used(&p), &spawned, &error), SKEP_OK);
    assert_int_equal(spawned, 4);
    (void)skep__patch_push(&p.w, SKEP_PATCH_SPAWN, 5, reserved[0].bits, 0);
    assert_int_equal(verify(p.bytes, paper_used(&p), &spawned, &error), SKEP_LIMIT);
    assert_int_equal(spawned, 0);
    assert_non_null(strstr(error.message, "spawn_max"));
    /* A resource or an unknown thing is no first value. */
    const Score score = {3};
    paper_begin(&p, sizeof p.bytes);
    (void)skep__patch_push(&p.w, SKEP_PATCH_SPAWN, 5, reserved[0].bits, 0);
    push_init(&p, &Score_info, reserved[0].bits, &score);
    assert_int_equal(verify(p.bytes, paper_used(&p), &spawned, &error), SKEP_NOT_FOUND);
    assert_int_equal(error.offset, 16);
    paper_begin(&p, sizeof p.bytes);
    (void)skep__patch_push(&p.w, SKEP_PATCH_SPAWN, 5, reserved[0].bits, 0);
    push_init(&p, &Flags_info, reserved[0].bits, &(Flags){{0}});
    assert_int_equal(verify(p.bytes, paper_used(&p), &spawned, &error), SKEP_NOT_FOUND);
}

static void test_log_length(void **state)
{
    (void)state;
    paper p;
    skep_error error;
    uint32_t spawned = 0;
    for (uint32_t n = SKEP__PATCH_LOG_MAX - 1; n <= SKEP__PATCH_LOG_MAX + 1; n++) {
        paper_begin(&p, sizeof p.bytes);
        memset(skep__patch_push(&p.w, SKEP_PATCH_LOG, SKEP_PATCH_NO_SLOT, 0, n), 'x', n);
        assert_int_equal(verify(p.bytes, paper_used(&p), &spawned, &error),
                         n <= SKEP__PATCH_LOG_MAX ? SKEP_OK : SKEP_CORRUPT);
    }
}

/* ---- mutations ---------------------------------------------------------------------------- */

typedef struct dice {
    uint64_t seed;
    uint64_t n;
} dice;

static uint32_t roll(dice *d, uint32_t sides)
{
    return (uint32_t)(skep__hash_u64(d->seed * 0x9E3779B97F4A7C15u + d->n++) >> 33) % sides;
}

/* What an accepted buffer must be, said once more and differently. */
static void check_accepted(const uint8_t *bytes, size_t n, uint32_t spawned)
{
    uint32_t spawns = 0;
    size_t at = 0;
    while (at < n) {
        skep_patch_header h;
        assert_true(n - at >= 16);
        memcpy(&h, bytes + at, 16);
        assert_true(h.kind >= 1 && h.kind <= 9 && h.flags == 0);
        assert_true(h.entity >> 53 == 0);
        if (h.kind == SKEP_PATCH_SPAWN) assert_true(h.entity == reserved[spawns++].bits);
        if (h.kind != SKEP_PATCH_LOG && h.kind != SKEP_PATCH_INIT) {
            assert_true(h.slot < SLOT_COUNT);
            assert_true((slots[h.slot].kinds & 1u << h.kind) != 0);
            assert_true(h.bytes == 0 || h.bytes == slots[h.slot].component->size);
        }
        at += 16 + (h.bytes + 7) / 8 * 8;
        for (size_t i = at - (8 - h.bytes % 8) % 8; i < at; i++) assert_int_equal(bytes[i], 0);
    }
    assert_true(at == n);
    assert_int_equal(spawns, spawned);
}

/* Changes a few bytes, cuts, repeats or swaps pieces. Returns the new length, at most 4,096. */
static size_t mutate(dice *d, uint8_t *bytes, size_t n)
{
    const uint32_t changes = 1 + roll(d, 4);
    for (uint32_t c = 0; c < changes && n; c++) {
        const size_t at = roll(d, (uint32_t)n);
        const size_t piece = at / 8 * 8;
        switch (roll(d, 7)) {
        case 0:
            bytes[at] = (uint8_t)roll(d, 256);
            break;
        case 1:
            bytes[at] ^= (uint8_t)(1u << roll(d, 8));
            break;
        case 2:
            bytes[at] = (uint8_t)roll(d, 11); /* kinds and slots are small numbers */
            break;
        case 3:
            n = roll(d, 2) ? at : piece;
            break;
        case 4: { /* a piece of 8 bytes goes missing */
            const size_t rest = n - piece > 8 ? n - piece - 8 : 0;
            memmove(bytes + piece, bytes + piece + (n - piece - rest), rest);
            n = piece + rest;
            break;
        }
        case 5: /* the beginning once more, at the end */
            if (n + piece <= 4096) memcpy(bytes + n, bytes, piece);
            if (n + piece <= 4096) n += piece;
            break;
        default:
            if (piece + 16 <= n)
                memcpy(bytes + piece, bytes + roll(d, (uint32_t)(n / 8 - 1)) * 8, 8);
            break;
        }
    }
    return n;
}

static void test_mutations(void **state)
{
    (void)state;
    const char *asked = getenv("SKEP_SEED");
    const uint64_t seed = asked ? strtoull(asked, NULL, 0) : 2026;
    uint32_t accepted = 0;
    paper p;
    paper_begin(&p, sizeof p.bytes);
    write_all(&p);
    uint8_t scratch[4096 + 8];
    printf("seed %llu: SKEP_SEED=%llu repeats it\n", (unsigned long long)seed,
           (unsigned long long)seed);
    for (uint32_t i = 0; i < 200000; i++) {
        dice d = {seed, (uint64_t)i << 20};
        memcpy(scratch, p.bytes, sizeof p.bytes);
        const size_t n = mutate(&d, scratch, paper_used(&p));
        const size_t shift = roll(&d, 8); /* a hostile buffer may lie anywhere */
        uint8_t *copy = malloc(n + shift + 1);
        assert_non_null(copy);
        uint8_t *at = copy + shift + (n ? 0 : 1);
        memcpy(at, scratch, n);
        skep_error error;
        uint32_t spawned = 0;
        if (verify(at, n, &spawned, &error) == SKEP_OK) {
            accepted++;
            check_accepted(at, n, spawned);
        }
        free(copy);
    }
    /* Some mutations hit payloads only, so a verifier that accepts none is broken as well. */
    assert_in_range(accepted, 1000, 190000);
    printf("%u of 200000 mutated buffers were valid\n", accepted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_bytes),
        cmocka_unit_test(test_golden_identities),
        cmocka_unit_test(test_writer_stops_at_its_end),
        cmocka_unit_test(test_nothing_follows_what_did_not_fit),
        cmocka_unit_test(test_reader_returns_what_was_written),
        cmocka_unit_test(test_verifier_accepts),
        cmocka_unit_test(test_verifier_refuses_cuts),
        cmocka_unit_test(test_verifier_refuses_wrong_records),
        cmocka_unit_test(test_verifier_counts_spawns),
        cmocka_unit_test(test_log_length),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
