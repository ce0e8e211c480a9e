/* SPDX-License-Identifier: MIT */
/* One of everything that a conversation consists of, from HELLO to BYE; see wire_papers.h. */
#include "wire_papers.h"

#include "core/base/hash.h"
#include "core/replicate/class_wire.h"
#include "support/live_bed.h"

#define STATES 3u
#define SLOTS 140u
#define CLASS 3u
#define COMPONENTS 3u /* BedPos and BedVel */

/* Leaves with what did not hold. */
#define EXPECT(x)                                                                                  \
    do {                                                                                           \
        if (!(x)) return #x;                                                                       \
    } while (0)

enum {
    HELLO,
    AUTH,
    WELCOME,
    SUBSCRIBE,
    ACK,
    RESOURCES,
    SNAPSHOT,
    DELTA,
    DELTA_OLDER,
    EVENT,
    INPUT,
    RESYNC,
    PING,
    PONG,
    BYE_AGAIN,
    BYE
};

static const uint8_t token[SKEP__RESUME_BYTES] = {1,  2,  3,  5,  8,   13,  21,  34,
                                                  55, 89, 99, 64, 128, 192, 255, 0};
static const uint32_t held[] = {1, 2, 3, 300};
static const BedPos own_pos = {1.5f, -2.0f};
static const BedScore score = {70000, 3};
static const BedHit hit = {513, {0x0000000200000009u}};
static const BedSteer steer = {-2, 1};

/* ---- states of a class ----------------------------------------------------------------------- */

typedef struct ground {
    skep__code_pool pool;
    skep__code_layout layout;
    skep__codes states[STATES];
} ground;

static int32_t code_of(const skep__wire_column *c, uint64_t x)
{
    const uint32_t unused = 32u - c->bits;
    return c->is_signed ? (int32_t)((uint32_t)x << unused) >> unused
                        : (int32_t)((uint32_t)x << unused >> unused);
}

/* Who sits in a slot: one in ten changes hands from the first state to the second. */
static uint64_t id_of(uint32_t n, uint32_t slot)
{
    const uint64_t draw = skep__hash_u64(slot + 1u);
    if (draw % 11u == 0) return 0;
    if (draw % 10u == 0 && n == 0) return 0;
    if (draw % 10u == 1u && n > 0) return 0;
    const uint32_t lives = draw % 10u == 2u && n > 0 ? 7u : 6u;
    return skep_entity_make(slot * 3u + 1u, lives).bits;
}

/* Evenly moved, by a way that is not its velocity's. */
static void fill(ground *g, uint32_t n)
{
    skep__codes *s = &g->states[n];
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        uint64_t *ids = skep__codes_own_ids(s, slot / 128u, &g->pool);
        int32_t *codes = skep__codes_own_codes(s, slot / 128u, &g->pool);
        const uint64_t id = id_of(n, slot);
        BED_MUST(ids && codes);
        ids[slot % 128u] = id;
        for (uint32_t k = 0; k < g->layout.column_count; k++) {
            const uint64_t draw = skep__hash_u64((uint64_t)(k + 1u) << 32 | slot);
            const uint64_t moved = draw % 3000u + (k < 2u ? n * (draw >> 32 & 511u) : 0u);
            codes[k * 128u + slot % 128u] = id ? code_of(&g->layout.columns[k], moved) : 0;
        }
    }
}

static const char *ground_open(ground *g, const skep_allocator *memory)
{
    memset(g, 0, sizeof *g);
    g->pool = (skep__code_pool){memory, 0, SIZE_MAX / 2u};
    const skep__code_terms terms = {.replicas = live_replicas,
                                    .replica_count = BED_REPLICAS,
                                    .rates = live_rates,
                                    .rate_count = 2,
                                    .tick_hz = 60,
                                    .message_down_max = 1u << 20};
    EXPECT(skep__code_layout_init(&g->layout, &terms, COMPONENTS, memory) == SKEP_OK);
    for (uint32_t n = 0; n < STATES; n++) {
        const skep__codes empty = {0};
        EXPECT(skep__codes_share(n ? &g->states[n - 1u] : &empty, &g->pool, &g->states[n]) ==
               SKEP_OK);
        EXPECT(skep__codes_resize(&g->states[n], &g->layout, SLOTS, &g->pool) == SKEP_OK);
        g->states[n].tick = 10u + n;
        fill(g, n);
    }
    return NULL;
}

static void ground_close(ground *g, const skep_allocator *memory)
{
    for (uint32_t n = 0; n < STATES; n++) skep__codes_deinit(&g->states[n], &g->pool);
    skep__code_layout_deinit(&g->layout, memory);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put_hello(skep__wire_writer *w)
{
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_SCHEMA);
    skep__message_put_schema(w, live_replicas, BED_REPLICAS, false);
    skep__wire_section_end(w);
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_TOKEN);
    skep__wire_put_bytes(w, "let me in", 9);
    skep__wire_section_end(w);
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_RESUME);
    skep__message_put_resume(w, token, held, 4);
    skep__wire_section_end(w);
}

static void put_welcome(skep__wire_writer *w)
{
    skep__message_welcome welcome = {60, 3, 7, 64, true, 0, {{0}}};
    BED_MUST(skep__message_rates_set(&welcome, live_replicas, BED_REPLICAS, live_rates, 2));
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_SCHEMA);
    skep__message_put_schema(w, live_replicas, BED_REPLICAS, true);
    skep__wire_section_end(w);
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_TOKEN);
    skep__wire_put_bytes(w, token, SKEP__RESUME_BYTES);
    skep__wire_section_end(w);
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_CLOCK);
    skep__message_put_welcome(w, &welcome);
    skep__wire_section_end(w);
}

static void put_ack(skep__wire_writer *w)
{
    const skep__message_state s = {
        .previous = 9, .message_count = 2, .number = 1u << 20, .slack = -3, .age_us = 1500};
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_STATE);
    skep__message_put_state(w, &s, held, 4);
    skep__wire_section_end(w);
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_OWN);
    skep__wire_put_u64(w, skep_entity_make(9, 2).bits);
    skep__wire_put_u8(w, 1);
    skep__message_put_value(w, &BedPos_info, &own_pos);
    skep__wire_put_u8(w, 0);
    skep__wire_section_end(w);
}

static void put_value(skep__wire_writer *w, uint32_t section, const skep_component *info,
                      const void *value)
{
    uint8_t room[64];
    skep__wire_writer v = {.bytes = room, .bytes_max = sizeof room};
    skep__message_put_value(&v, info, value);
    const skep__message_event event = {5, skep_entity_make(4, 1), room, skep__u32(v.need)};
    const skep__message_input input = {900, 14, 6, room, skep__u32(v.need)};
    skep__wire_section_begin(w, section);
    skep__wire_put_varint(w, 1);
    if (section == SKEP__WIRE_SECTION_RESOURCES) {
        skep__wire_put_varint(w, 4);
        skep__wire_put_bytes(w, room, v.need);
    } else if (section == SKEP__WIRE_SECTION_EVENTS)
        skep__message_put_event(w, &event);
    else
        skep__message_put_input(w, &input);
    skep__wire_section_end(w);
}

static skep_status put_whole(skep__wire_writer *w, uint32_t k)
{
    static const uint32_t types[WIRE_TALK] = {SKEP__WIRE_HELLO,
                                              0,
                                              SKEP__WIRE_WELCOME,
                                              SKEP__WIRE_SUBSCRIBE,
                                              SKEP__WIRE_ACK,
                                              SKEP__WIRE_SNAPSHOT,
                                              0,
                                              0,
                                              0,
                                              SKEP__WIRE_EVENT,
                                              SKEP__WIRE_INPUT};
    const skep__wire_header h = {.type = types[k], .tick = 10};
    const skep__message_interest interest = {3, 1, {2, {-5.0f, 0.5f}, {5.0f, 100.25f}}};
    skep__wire_message_begin(w, &h);
    if (k == HELLO) put_hello(w);
    if (k == WELCOME) put_welcome(w);
    if (k == ACK) put_ack(w);
    if (k == RESOURCES) put_value(w, SKEP__WIRE_SECTION_RESOURCES, &BedScore_info, &score);
    if (k == EVENT) put_value(w, SKEP__WIRE_SECTION_EVENTS, &BedHit_info, &hit);
    if (k == INPUT) put_value(w, SKEP__WIRE_SECTION_INPUTS, &BedSteer_info, &steer);
    if (k == SUBSCRIBE) {
        skep__wire_section_begin(w, SKEP__WIRE_SECTION_INTEREST);
        skep__message_put_interest(w, &interest);
        skep__wire_section_end(w);
    }
    return skep__wire_message_end(w);
}

/* What a message of the class is told from. */
static skep__code_past class_past(const ground *g, uint32_t k)
{
    const uint32_t n = k - SNAPSHOT;
    return (skep__code_past){&g->layout, n ? &g->states[n - 1u] : NULL,
                             k == DELTA_OLDER ? &g->states[0] : NULL};
}

static skep_status put_class(ground *g, skep__wire_writer *w, uint32_t k)
{
    const uint32_t n = k - SNAPSHOT;
    const skep__class_message message = {CLASS, 10u + n, n ? 9u + n : 0u, true};
    const skep__code_past past = class_past(g, k);
    return skep__class_encode(&message, &past, &g->states[n], &g->pool, w);
}

static skep_status put(ground *g, skep__wire_writer *w, uint32_t k)
{
    switch (k) {
    case AUTH:
        return skep__message_auth(w, "let me in", 9);
    case SNAPSHOT:
    case DELTA:
    case DELTA_OLDER:
        return put_class(g, w, k);
    case RESYNC:
        return skep__message_resync(w, 12);
    case PING:
        return skep__message_ping(w, SKEP__WIRE_PING, 12, 77, 0);
    case PONG:
        return skep__message_ping(w, SKEP__WIRE_PONG, 12, 77, 123456);
    case BYE_AGAIN:
        return skep__message_bye(w, 12, true, "the server is closing");
    case BYE:
        return skep__message_bye(w, 12, false, "the token is not known");
    default:
        return put_whole(w, k);
    }
}

const char *wire_talk_make(wire_paper *papers, const skep_allocator *memory)
{
    ground g;
    const char *bad = ground_open(&g, memory);
    for (uint32_t k = 0; !bad && k < WIRE_TALK; k++) {
        skep__wire_writer w = {.bytes = papers[k].bytes, .bytes_max = WIRE_PAPER_MAX};
        if (put(&g, &w, k) != SKEP_OK) bad = "a message is not written";
        papers[k].size = w.need;
    }
    ground_close(&g, memory);
    return bad;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Opens a message and steps to a section. */
static bool find(const wire_paper *p, skep__wire_message *m, uint32_t section,
                 skep__wire_reader *body)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    skep_error error;
    uint32_t id = 0;
    if (skep__wire_open(m, p->bytes, p->size, SKEP__WIRE_DOWN, &limits, &error) != SKEP_OK)
        return false;
    while (skep__wire_next(m, &id, body))
        if (id == section) return true;
    return section == 0;
}

static const char *read_greeting(const wire_paper *papers, const skep_allocator *memory)
{
    const skep__schema_hash hash = skep__schema_hash_of(live_replicas, BED_REPLICAS);
    const skep__wire_limits limits = skep__wire_limits_default();
    skep__wire_message m;
    skep__wire_reader r;
    skep__schema_table table = {0};
    skep__message_resume resume;
    skep__message_welcome welcome;
    skep__message_interest interest;
    EXPECT(find(&papers[HELLO], &m, SKEP__WIRE_SECTION_SCHEMA, &r) && m.header.tick == 10);
    EXPECT(skep__message_get_schema(&r, memory, &table) == SKEP_OK && !table.count);
    EXPECT(table.hash.low == hash.low && table.hash.high == hash.high);
    EXPECT(find(&papers[HELLO], &m, SKEP__WIRE_SECTION_RESUME, &r));
    EXPECT(skep__message_get_resume(&r, &limits, &resume) && resume.held.left == 4);
    EXPECT(memcmp(resume.token, token, sizeof token) == 0);
    EXPECT(find(&papers[AUTH], &m, SKEP__WIRE_SECTION_TOKEN, &r) && r.end - r.at == 9);
    EXPECT(find(&papers[WELCOME], &m, SKEP__WIRE_SECTION_SCHEMA, &r));
    EXPECT(skep__message_get_schema(&r, memory, &table) == SKEP_OK);
    const bool same = table.count == BED_REPLICAS && table.hash.low == hash.low;
    skep__schema_table_deinit(&table, memory);
    EXPECT(same);
    EXPECT(find(&papers[WELCOME], &m, SKEP__WIRE_SECTION_CLOCK, &r));
    EXPECT(skep__message_get_welcome(&r, &welcome) && welcome.player == 7 && welcome.every == 3);
    EXPECT(welcome.rate_count == 2 && welcome.resumed && welcome.input_window == 64);
    EXPECT(find(&papers[SUBSCRIBE], &m, SKEP__WIRE_SECTION_INTEREST, &r));
    EXPECT(skep__message_get_interest(&r, live_replicas, BED_REPLICAS, &interest));
    EXPECT(interest.components == 3 && interest.area.high[1] == 100.25f);
    return NULL;
}

static const char *read_values(const wire_paper *papers)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    skep__wire_message m;
    skep__wire_reader r;
    skep__message_state s;
    skep__message_own own;
    skep__message_event event;
    skep__message_input input;
    BedScore got_score = {0};
    BedPos pos = {0, 0};
    uint32_t count = 0;
    uint32_t replica = 0;
    EXPECT(find(&papers[ACK], &m, SKEP__WIRE_SECTION_STATE, &r));
    EXPECT(skep__message_get_state(&r, &limits, &s) && s.previous == 9 && s.slack == -3);
    EXPECT(s.number == 1u << 20 && s.age_us == 1500 && s.dropped.left == 4);
    EXPECT(find(&papers[ACK], &m, SKEP__WIRE_SECTION_OWN, &r));
    EXPECT(skep__message_get_own(&r, live_replicas, BED_REPLICAS, 3, &own) && own.has == 1);
    memcpy(&pos, own.values + 1, sizeof pos);
    EXPECT(pos.x == own_pos.x && pos.y == own_pos.y);
    EXPECT(find(&papers[RESOURCES], &m, SKEP__WIRE_SECTION_RESOURCES, &r));
    EXPECT(skep__wire_get_varint(&r, &count) && skep__wire_get_varint(&r, &replica));
    EXPECT(count == 1 && replica == 4 && skep__message_get_value(&r, &BedScore_info, &got_score));
    EXPECT(got_score.blue == score.blue && got_score.red == score.red);
    EXPECT(find(&papers[EVENT], &m, SKEP__WIRE_SECTION_EVENTS, &r));
    EXPECT(skep__wire_get_varint(&r, &count) && count == 1);
    EXPECT(skep__message_get_event(&r, live_replicas, BED_REPLICAS, &event));
    EXPECT(event.replica == 5 && event.bytes[0] == 1 && event.bytes[1] == 2);
    EXPECT(find(&papers[INPUT], &m, SKEP__WIRE_SECTION_INPUTS, &r));
    EXPECT(skep__wire_get_varint(&r, &count) && count == 1);
    EXPECT(skep__message_get_input(&r, live_replicas, BED_REPLICAS, 1, &input));
    EXPECT(input.number == 900 && input.tick == 14 && input.bytes[0] == 254);
    return NULL;
}

static const char *read_rest(const wire_paper *papers)
{
    skep__wire_message m;
    skep__wire_reader r;
    uint64_t number = 0;
    uint32_t since_us = 0;
    EXPECT(find(&papers[RESYNC], &m, 0, &r) && m.header.type == SKEP__WIRE_RESYNC);
    EXPECT(find(&papers[PING], &m, SKEP__WIRE_SECTION_CLOCK, &r));
    EXPECT(skep__message_get_ping(&r, &number, &since_us) && number == 77 && since_us == 0);
    EXPECT(find(&papers[PONG], &m, SKEP__WIRE_SECTION_CLOCK, &r));
    EXPECT(skep__message_get_ping(&r, &number, &since_us) && since_us == 123456);
    EXPECT(find(&papers[BYE_AGAIN], &m, SKEP__WIRE_SECTION_REASON, &r) && m.header.class == 1);
    EXPECT(r.end - r.at == 21 && memcmp(r.bytes + r.at, "the server is closing", 21) == 0);
    EXPECT(find(&papers[BYE], &m, SKEP__WIRE_SECTION_REASON, &r) && m.header.class == 0);
    return NULL;
}

static const char *read_class(ground *g, const wire_paper *p, uint32_t k)
{
    const uint32_t n = k - SNAPSHOT;
    const skep__wire_limits limits = skep__wire_limits_default();
    skep__wire_message m;
    skep__codes got = {0};
    skep_error error = {SKEP_OK, NULL, 0};
    EXPECT(skep__wire_open(&m, p->bytes, p->size, SKEP__WIRE_DOWN, &limits, &error) == SKEP_OK);
    EXPECT(m.header.class == CLASS && m.header.tick == 10u + n);
    EXPECT(m.header.flags == (k == DELTA_OLDER ? SKEP__WIRE_OLDER : 0u));
    const skep__code_past past = class_past(g, k);
    EXPECT(skep__class_decode(&past, &m, &g->pool, &got, &error) == SKEP_OK);
    const bool same = skep__codes_hash(&got) == skep__codes_hash(&g->states[n]);
    skep__codes_deinit(&got, &g->pool);
    EXPECT(same);
    return NULL;
}

const char *wire_talk_read(const wire_paper *papers, const skep_allocator *memory)
{
    ground g;
    const char *bad = ground_open(&g, memory);
    for (uint32_t k = SNAPSHOT; !bad && k <= DELTA_OLDER; k++) bad = read_class(&g, &papers[k], k);
    ground_close(&g, memory);
    if (!bad) bad = read_greeting(papers, memory);
    if (!bad) bad = read_values(papers);
    return bad ? bad : read_rest(papers);
}
