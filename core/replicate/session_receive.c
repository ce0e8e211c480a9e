/* SPDX-License-Identifier: MIT */
/* What clients say. Any mistake of form ends the session with the reader's own words, so that who
 * writes a client sees what it did; nothing of a message counts before all of it was read. */
#include "core/replicate/session_internal.h"

/* What HELLO says. */
typedef struct session_hello {
    skep__schema_table schema;
    const uint8_t *token;
    size_t token_bytes;
    bool resumes;
    skep__message_resume resume;
} session_hello;

static bool receive_fail(skep_session *s, const skep__wire_reader *r)
{
    skep__session_end(s, r->error.message ? r->error.message : "wire: a message is missing a part");
    return false;
}

static bool receive_token(skep__wire_reader *r, const uint8_t **token, size_t *size)
{
    *size = r->end - r->at;
    if (*size > SKEP__TOKEN_BYTES_MAX)
        return skep__wire_fail(r, "hello: a token has at most 4,096 bytes", r->at);
    return skep__wire_get_bytes(r, *size, token);
}

static bool receive_hello_section(skep_session *s, session_hello *hello, uint32_t id,
                                  skep__wire_reader *r)
{
    skep_status status;
    switch (id) {
    case SKEP__WIRE_SECTION_SCHEMA:
        if (hello->schema.count || hello->schema.hash.low)
            return skep__wire_fail(r, "hello: two schemas", r->at);
        status = skep__message_get_schema(r, &s->p->allocator, &hello->schema);
        if (status == SKEP_OK) return true;
        if (status == SKEP_NO_MEMORY) skep_session_close(s, "there is no memory for a schema");
        return skep__wire_fail(r, "hello: the schema cannot be read", r->at);
    case SKEP__WIRE_SECTION_TOKEN:
        return receive_token(r, &hello->token, &hello->token_bytes);
    case SKEP__WIRE_SECTION_RESUME:
        hello->resumes = true;
        return skep__message_get_resume(r, &s->p->limits, &hello->resume);
    default:
        return skep__wire_fail(r, "hello: a section that does not belong there", r->at);
    }
}

/* Compares all bytes, however early they differ. */
static bool receive_same_token(const uint8_t *a, const uint8_t *b)
{
    uint32_t differs = 0;
    for (uint32_t i = 0; i < SKEP__RESUME_BYTES; i++) differs |= (uint32_t)(a[i] ^ b[i]);
    return differs == 0;
}

static skep__player *receive_resumed(const skep_publisher *p, const uint8_t *token)
{
    skep__player *found = NULL;
    for (uint32_t i = 0; i < p->player_count; i++)
        if (p->players[i]->has_token && receive_same_token(p->players[i]->token, token))
            found = p->players[i];
    return found;
}

/* Takes over what the client says that it holds. What of it is no base any more shows when the next
 * state is made. */
static bool receive_held(skep_session *s, skep__message_resume *resume, uint32_t tick)
{
    const uint32_t count = resume->held.left;
    if (!skep__array_grow(&s->p->allocator, (void **)&s->held, &s->held_cap, count,
                          sizeof *s->held))
        return true; /* the next state is whole then */
    while (resume->held.left) {
        uint32_t id = 0;
        if (!skep__wire_get_id(&resume->ids, &resume->held, &id)) return false;
        s->held[s->held_count++] = (skep__held){id, tick};
    }
    s->tick = tick;
    s->tick_before = 0;
    return skep__wire_get_end(&resume->ids);
}

static bool receive_resume(skep_session *s, session_hello *hello, uint32_t tick, uint64_t now_ns)
{
    const skep_publisher *p = s->p;
    skep__player *player = receive_resumed(p, hello->resume.token);
    if (!player) return false;
    s->resumed = true;
    const bool same_past = player->epoch == p->epoch && tick > 0 && tick <= p->tick;
    if (same_past && !receive_held(s, &hello->resume, tick)) {
        (void)receive_fail(s, &hello->resume.ids);
        return true;
    }
    skep__session_welcome(s, player, now_ns);
    return true;
}

static bool receive_ask(skep_session *s, const uint8_t *token, size_t size)
{
    if (++s->asks > SKEP__SESSION_ASKS_MAX) {
        skep__session_end(s, "auth: more than 4 tokens");
        return false;
    }
    const skep_publish_event event = {
        .kind = SKEP_PUBLISH_AUTH, .session = s, .bytes = token, .size = size};
    if (skep__publish_say(s->p, &event)) return true;
    skep_session_close(s, "there is no memory to check a token");
    return false;
}

static bool receive_hello(skep_session *s, skep__wire_message *m, uint64_t now_ns)
{
    session_hello hello = {.resumes = false};
    skep__wire_reader body;
    uint32_t id = 0;
    bool good = true;
    if (s->phase != SKEP__SESSION_HELLO) {
        skep__session_end(s, "hello: it came already");
        return false;
    }
    while (good && skep__wire_next(m, &id, &body))
        good = receive_hello_section(s, &hello, id, &body);
    s->known = hello.schema.hash;
    skep__schema_table_deinit(&hello.schema, &s->p->allocator);
    if (!good) return receive_fail(s, &body);
    s->phase = SKEP__SESSION_CHECK;
    if (hello.resumes && receive_resume(s, &hello, m->header.tick, now_ns))
        return s->phase != SKEP__SESSION_ENDED;
    return receive_ask(s, hello.token, hello.token_bytes);
}

static bool receive_auth(skep_session *s, skep__wire_message *m)
{
    skep__wire_reader body;
    uint32_t id = 0;
    const uint8_t *token = NULL;
    size_t size = 0;
    if (s->phase != SKEP__SESSION_CHECK) {
        skep__session_end(s, "auth: it belongs behind HELLO");
        return false;
    }
    if (!skep__wire_next(m, &id, &body) || id != SKEP__WIRE_SECTION_TOKEN) {
        skep__session_end(s, "auth: the token is missing");
        return false;
    }
    if (!receive_token(&body, &token, &size)) return receive_fail(s, &body);
    return receive_ask(s, token, size);
}

static bool receive_subscribe(skep_session *s, skep__wire_message *m)
{
    const skep_publish_desc *d = &s->p->desc;
    skep__message_interest interest;
    skep__wire_reader body;
    uint32_t id = 0;
    if (s->phase < SKEP__SESSION_READY) {
        skep__session_end(s, "subscribe: WELCOME comes first");
        return false;
    }
    if (!skep__wire_next(m, &id, &body) || id != SKEP__WIRE_SECTION_INTEREST) {
        skep__session_end(s, "subscribe: the interest is missing");
        return false;
    }
    if (!skep__message_get_interest(&body, d->replicas, d->replica_count, &interest))
        return receive_fail(s, &body);
    if (!s->view || s->view->components != interest.components) {
        skep__view_classes *view = skep__view_acquire(s->p, interest.components);
        if (!view) {
            skep_session_close(s, "subscribe: more than 8 sets of components are watched already, "
                                  "or there is no memory for one more");
            return false;
        }
        if (s->view) {
            skep__view_release(s->p, s->view);
            s->whole = true;
        }
        s->view = view;
    }
    s->area = interest.area;
    s->player->components = interest.components;
    s->player->predicted = interest.predicted;
    s->player->epoch = s->p->epoch;
    s->phase = SKEP__SESSION_LIVE;
    return true;
}

/* Whether one more input is within the rate. */
static bool receive_in_rate(skep_session *s, uint64_t now_ns)
{
    const skep_publish_desc *d = &s->p->desc;
    const uint64_t most = (uint64_t)d->inputs_a_tick * d->input_window * 1000u;
    const uint64_t passed_us = (now_ns - s->bucket_ns) / 1000u;
    const uint64_t more = passed_us * d->inputs_a_tick * d->tick_hz / 1000u;
    if (more) {
        s->bucket = s->bucket + more < most ? s->bucket + more : most;
        s->bucket_ns = now_ns;
    }
    if (s->bucket < 1000u) return false;
    s->bucket -= 1000u;
    return true;
}

/* The tick that an input is for, as near as the window allows. */
static uint32_t receive_tick(const skep_session *s, uint32_t tick, uint64_t now_ns)
{
    const skep_publisher *p = s->p;
    const uint64_t since = (now_ns - p->update_ns) / 1000000u * p->desc.tick_hz / 1000u;
    const uint64_t last = (uint64_t)p->tick + since + p->desc.input_window;
    return tick > last ? (uint32_t)last : tick;
}

static bool receive_input(skep_session *s, skep__wire_reader *r, uint64_t now_ns)
{
    const skep_publish_desc *d = &s->p->desc;
    skep__message_input input;
    if (!skep__message_get_input(r, d->replicas, d->replica_count, 1, &input)) return false;
    if (input.number > UINT64_MAX - s->player->number_base)
        return skep__wire_fail(r, "input: a number that is too large", r->at);
    input.number += s->player->number_base;
    /* One that came before the connection broke is not taken twice. */
    if (input.number <= s->player->number_received) return true;
    if (!receive_in_rate(s, now_ns)) {
        s->p->stats.inputs_refused++;
        return skep__wire_fail(r, "input: more than inputs_a_tick", r->at);
    }
    const skep_publish_event event = {.kind = SKEP_PUBLISH_INPUT,
                                      .player = s->player->number,
                                      .bytes = input.bytes,
                                      .size = input.size,
                                      .number = input.number,
                                      .tick = receive_tick(s, input.tick, now_ns),
                                      .replica = input.replica};
    if (!skep__publish_say(s->p, &event)) {
        skep_session_close(s, "input: there is no memory for it");
        return false;
    }
    s->player->number_received = input.number;
    s->p->stats.inputs_received++;
    return true;
}

/* Whether all inputs of a message have their form, before the first of them counts. */
static bool receive_inputs_check(const skep_session *s, skep__wire_reader *r, uint32_t count)
{
    const skep_publish_desc *d = &s->p->desc;
    skep__message_input input = {0};
    for (uint32_t i = 0; i < count; i++)
        if (!skep__message_get_input(r, d->replicas, d->replica_count, input.number + 1u, &input))
            return false;
    return skep__wire_get_end(r);
}

static bool receive_inputs(skep_session *s, skep__wire_message *m, uint64_t now_ns)
{
    skep__wire_reader body;
    uint32_t id = 0;
    uint32_t count = 0;
    if (s->phase != SKEP__SESSION_LIVE) {
        skep__session_end(s, "input: SUBSCRIBE comes first");
        return false;
    }
    if (!skep__wire_next(m, &id, &body) || id != SKEP__WIRE_SECTION_INPUTS) {
        skep__session_end(s, "input: the inputs are missing");
        return false;
    }
    if (!skep__wire_get_varint(&body, &count)) return receive_fail(s, &body);
    if (count > SKEP__MESSAGE_INPUTS_MAX) {
        skep__session_end(s, "input: more than 64 in a message");
        return false;
    }
    skep__wire_reader all = body;
    if (!receive_inputs_check(s, &all, count)) return receive_fail(s, &all);
    for (uint32_t i = 0; i < count; i++)
        if (!receive_input(s, &body, now_ns)) return receive_fail(s, &body);
    return true;
}

static bool receive_ping(skep_session *s, skep__wire_message *m, uint64_t now_ns)
{
    skep__wire_reader body;
    uint32_t id = 0;
    uint64_t number = 0;
    uint32_t since = 0;
    if (!skep__wire_next(m, &id, &body) || id != SKEP__WIRE_SECTION_CLOCK) {
        skep__session_end(s, "ping: its number is missing");
        return false;
    }
    if (!skep__message_get_ping(&body, &number, &since)) return receive_fail(s, &body);
    if (m->header.type == SKEP__WIRE_PONG) return true;
    const uint64_t since_us = (now_ns - s->p->update_ns) / 1000u;
    const uint32_t most = 1u << 30;
    skep__wire_writer w = skep__session_paper(s);
    const skep_status status = skep__message_ping(&w, SKEP__WIRE_PONG, s->p->tick, number,
                                                  since_us < most ? (uint32_t)since_us : most);
    (void)skep__session_say(s, status, &w);
    return true;
}

bool skep_session_receive(skep_session *s, const void *bytes, size_t size, uint64_t now_ns)
{
    skep__wire_message m;
    skep_error error = {SKEP_OK, NULL, 0};
    if (s->phase == SKEP__SESSION_ENDED) return false;
    if (skep__wire_open(&m, bytes, size, SKEP__WIRE_UP, &s->p->limits, &error) != SKEP_OK) {
        skep__session_end(s, error.message);
        return false;
    }
    s->heard_ns = now_ns;
    switch (m.header.type) {
    case SKEP__WIRE_HELLO:
        return receive_hello(s, &m, now_ns);
    case SKEP__WIRE_AUTH:
        return receive_auth(s, &m);
    case SKEP__WIRE_SUBSCRIBE:
        return receive_subscribe(s, &m);
    case SKEP__WIRE_INPUT:
        return receive_inputs(s, &m, now_ns);
    case SKEP__WIRE_RESYNC:
        s->whole = true;
        s->tick = 0;
        return true;
    case SKEP__WIRE_PING:
    case SKEP__WIRE_PONG:
        return receive_ping(s, &m, now_ns);
    case SKEP__WIRE_BYE:
        s->said_bye = true;
        skep__session_end(s, "the client left");
        return false;
    default:
        skep__session_end(s, "wire: a message that only servers send");
        return false;
    }
}
