/* SPDX-License-Identifier: MIT */
/* The connection of a view, as a machine without a socket.
 *
 *     connected --> HELLO --> WELCOME --> SUBSCRIBE --> states ...        phase LIVE
 *         ^                                               | nothing for stale_ms: STALE
 *         |                                               | a state that cannot be taken: RESYNC
 *         +----- disconnected, silence, a damaged message: RECONNECTING
 *                                                         | BYE for good, another schema: CLOSED
 *
 * What is to be sent is a set of flags and a queue of inputs; skep_view_next makes one message of
 * the first of them. So nothing piles up while a transport cannot send. */
#include "core/base/format.h"
#include "core/replicate/view_internal.h"

#define CONNECT_RESYNC_NS 1000000000u
#define CONNECT_PING_NS 1000000000u
#define CONNECT_MS 1000000u

void skep_view_connected(skep_view *view, uint64_t now_ns)
{
    if (view->phase == SKEP_VIEW_CLOSED) return;
    (void)skep__client_break(view, "");
    if (view->was_welcomed) view->stats.reconnects++;
    view->connected = true;
    view->hello_waits = true;
    view->heard_ns = now_ns;
    view->ping_next_ns = now_ns;
    view->resync_ns = 0;
}

void skep_view_disconnected(skep_view *view, uint64_t now_ns)
{
    (void)now_ns;
    if (view->phase == SKEP_VIEW_CLOSED || !view->connected) return;
    if (view->bye_waits)
        (void)skep__client_end(view, "");
    else
        (void)skep__client_break(view, "view: the connection is gone");
}

void skep_view_leave(skep_view *view)
{
    if (view->phase == SKEP_VIEW_CLOSED) return;
    if (!view->connected)
        (void)skep__client_end(view, "");
    else
        view->bye_waits = true;
}

/* ---- what comes ------------------------------------------------------------------------------ */

/* A message that nobody should have sent ends the connection. */
static bool connect_refuse(skep_view *view, const skep_error *error)
{
    char text[SKEP__CLIENT_REASON_BYTES];
    (void)skep__format(text, sizeof text, "%s (byte %zu of a message)", error->message,
                       error->offset);
    return error->code == SKEP_VERSION || error->code == SKEP_FOREIGN
               ? skep__client_end(view, text)
               : skep__client_break(view, text);
}

static bool connect_refuse_text(skep_view *view, const char *message)
{
    const skep_error error = {SKEP_CORRUPT, message, 3};
    return connect_refuse(view, &error);
}

/* A state that could not be taken in: the next one is to be whole, unless that cannot help. */
static bool connect_resync(skep_view *view, const skep_error *error)
{
    if (error->code == SKEP_LIMIT) return skep__client_end(view, error->message);
    if (!view->resync_waits) skep__client_log(view, SKEP_LOG_WARN, error->message);
    view->resync_waits = true;
    return true;
}

/* The sections of a WELCOME. */
typedef struct connect_welcome {
    skep__schema_table table;
    skep__message_welcome clock;
    const uint8_t *token;
    uint32_t seen; /* a bit a section, by its id */
} connect_welcome;

static bool welcome_get_section(skep_view *view, connect_welcome *w, uint32_t id,
                                skep__wire_reader *body)
{
    if (id >= 32 || w->seen >> id & 1u)
        return skep__wire_fail(body, "view: a WELCOME with an unknown section", body->at);
    w->seen |= 1u << id;
    switch (id) {
    case SKEP__WIRE_SECTION_SCHEMA:
        return skep__message_get_schema(body, &view->allocator, &w->table) == SKEP_OK ||
               skep__wire_fail(body, "view: no memory for the schema", body->at);
    case SKEP__WIRE_SECTION_TOKEN:
        return skep__wire_get_bytes(body, SKEP__RESUME_BYTES, &w->token) &&
               skep__wire_get_end(body);
    case SKEP__WIRE_SECTION_CLOCK:
        return skep__message_get_welcome(body, &w->clock);
    default:
        return skep__wire_fail(body, "view: a WELCOME with an unknown section", body->at);
    }
}

static bool welcome_get(skep_view *view, skep__wire_message *m, connect_welcome *w)
{
    const uint32_t all = 1u << SKEP__WIRE_SECTION_SCHEMA | 1u << SKEP__WIRE_SECTION_TOKEN |
                         1u << SKEP__WIRE_SECTION_CLOCK;
    skep__wire_reader body;
    uint32_t id = 0;
    while (skep__wire_next(m, &id, &body))
        if (!welcome_get_section(view, w, id, &body)) return connect_refuse(view, &body.error);
    if (w->seen != all) return connect_refuse_text(view, "view: a WELCOME lacks a section");
    return skep__client_schema(view, &w->table, &w->clock);
}

static bool connect_welcome_in(skep_view *view, skep__wire_message *m, uint64_t now_ns)
{
    connect_welcome w = {0};
    if (view->welcomed) return connect_refuse_text(view, "view: a second WELCOME");
    const bool good = welcome_get(view, m, &w);
    skep__schema_table_deinit(&w.table, &view->allocator);
    if (!good) return false;
    memcpy(view->resume, w.token, SKEP__RESUME_BYTES);
    view->welcomed = true;
    view->was_welcomed = true;
    view->subscribe_waits = true;
    view->state_ns = now_ns;
    return true;
}

static bool connect_bye(skep_view *view, skep__wire_message *m)
{
    char text[SKEP__REASON_BYTES_MAX + 1u];
    skep__wire_reader body = {0};
    uint32_t id = 0;
    size_t n = 0;
    if (skep__wire_next(m, &id, &body) && id == SKEP__WIRE_SECTION_REASON)
        for (; body.at + n < body.end && n < SKEP__REASON_BYTES_MAX; n++) {
            const uint8_t letter = body.bytes[body.at + n];
            text[n] = (char)(letter < 0x20u ? ' ' : letter);
        }
    text[n] = 0;
    return m->header.class ? skep__client_break(view, text) : skep__client_end(view, text);
}

static bool connect_ping(skep_view *view, skep__wire_message *m, uint64_t now_ns)
{
    skep__wire_reader body;
    uint64_t number = 0;
    uint32_t since_us = 0;
    uint32_t id = 0;
    if (!skep__wire_next(m, &id, &body) || id != SKEP__WIRE_SECTION_CLOCK)
        return connect_refuse_text(view, "view: a PING or PONG without CLOCK");
    if (!skep__message_get_ping(&body, &number, &since_us))
        return connect_refuse(view, &body.error);
    if (m->header.type == SKEP__WIRE_PING) {
        view->pong_number = number;
        view->pong_waits = true;
    } else if (view->ping_ns && number == view->ping_number) {
        skep__client_clock_pong(view, now_ns - view->ping_ns);
        view->ping_ns = 0;
    }
    return true;
}

static bool connect_dispatch(skep_view *view, skep__wire_message *m, uint64_t now_ns)
{
    skep_error error = {0};
    switch (m->header.type) {
    case SKEP__WIRE_WELCOME:
        return connect_welcome_in(view, m, now_ns);
    case SKEP__WIRE_BYE:
        return connect_bye(view, m);
    case SKEP__WIRE_PING:
    case SKEP__WIRE_PONG:
        return connect_ping(view, m, now_ns);
    default:
        break;
    }
    if (!view->welcomed) return connect_refuse_text(view, "view: a message before WELCOME");
    switch (m->header.type) {
    case SKEP__WIRE_ACK:
        return skep__client_ack(view, m, now_ns, &error) || connect_resync(view, &error);
    case SKEP__WIRE_SNAPSHOT:
    case SKEP__WIRE_DELTA:
        return skep__client_class_message(view, m, &error) || connect_resync(view, &error);
    case SKEP__WIRE_EVENT:
        return skep__client_events(view, m, &error) || connect_refuse(view, &error);
    default:
        return connect_refuse_text(view, "view: a message that only a client sends");
    }
}

bool skep_view_receive(skep_view *view, const void *bytes, size_t size, uint64_t now_ns)
{
    skep__wire_message m;
    skep_error error;
    if (view->phase == SKEP_VIEW_CLOSED || !view->connected) return false;
    if (skep__wire_open(&m, bytes, size, SKEP__WIRE_DOWN, &view->limits, &error) != SKEP_OK)
        return connect_refuse(view, &error);
    view->heard_ns = now_ns;
    view->stats.messages_received++;
    view->stats.bytes_received += size;
    const uint64_t states = view->stats.states;
    if (!connect_dispatch(view, &m, now_ns)) return false;
    if (view->stats.states != states) {
        view->phase = SKEP_VIEW_LIVE;
        view->reason[0] = 0;
        if (!view->next.previous) view->resync_waits = false; /* this was the whole one */
    }
    return true;
}

/* ---- what goes ------------------------------------------------------------------------------- */

/* The classes that can be named as held: those of the newest state, or none where their ids would
 * not fit into a message. */
static uint32_t connect_held(const skep_view *view)
{
    const skep__client_state *newest = skep__client_newest(view);
    if (!newest || newest->count > view->limits.id_count_max) return 0;
    const size_t most = (size_t)newest->count * SKEP__WIRE_VARINT_BYTES_MAX;
    return most <= view->limits.up_bytes_max / 2u ? newest->count : 0;
}

static bool connect_put_resume(skep_view *view, skep__wire_writer *w)
{
    const skep__client_state *newest = skep__client_newest(view);
    const uint32_t count = connect_held(view);
    uint32_t *held = count ? skep__client_alloc(view, count * sizeof *held) : NULL;
    if (count && !held) return false;
    for (uint32_t i = 0; i < count; i++) held[i] = newest->entries[i].id;
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_RESUME);
    skep__message_put_resume(w, view->resume, held, count);
    skep__wire_section_end(w);
    skep__client_free(view, held, count * sizeof *held);
    return true;
}

static skep_status connect_hello(skep_view *view, skep__wire_writer *w)
{
    const uint32_t tick = connect_held(view) ? skep__client_newest(view)->tick : 0;
    const skep__wire_header h = {.type = SKEP__WIRE_HELLO, .tick = tick};
    const bool known = view->replica_count != 0;
    skep__wire_message_begin(w, &h);
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_SCHEMA);
    skep__message_put_schema(w, known ? view->replicas : view->desc.replicas,
                             known ? view->replica_count : view->desc.replica_count, false);
    skep__wire_section_end(w);
    if (view->desc.token_bytes) {
        skep__wire_section_begin(w, SKEP__WIRE_SECTION_TOKEN);
        skep__wire_put_bytes(w, view->token, view->desc.token_bytes);
        skep__wire_section_end(w);
    }
    if (view->was_welcomed && !connect_put_resume(view, w)) return SKEP_NO_MEMORY;
    return skep__wire_message_end(w);
}

static skep_status connect_subscribe(const skep_view *view, skep__wire_writer *w)
{
    const skep__wire_header h = {.type = SKEP__WIRE_SUBSCRIBE};
    skep__message_interest interest = {.area = view->desc.area};
    for (uint32_t i = 0; i < view->replica_count; i++)
        if (view->replicas[i].info->kind == SKEP_KIND_COMPONENT)
            interest.components |= view->wanted & (uint64_t)1 << i;
    for (uint32_t i = 0; i < view->desc.predict_count; i++)
        interest.predicted |= (uint64_t)1 << view->predict[i];
    interest.components |= interest.predicted;
    if (!interest.components) return SKEP_NOT_FOUND;
    skep__wire_message_begin(w, &h);
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_INTEREST);
    skep__message_put_interest(w, &interest);
    skep__wire_section_end(w);
    return skep__wire_message_end(w);
}

static skep_status connect_inputs(skep_view *view, skep__wire_writer *w, uint32_t *count)
{
    const skep__wire_header h = {.type = SKEP__WIRE_INPUT};
    const size_t most = view->limits.up_bytes_max - 1024u;
    size_t bytes = 0;
    *count = 0;
    while (*count < view->input_count && *count < SKEP__MESSAGE_INPUTS_MAX && bytes < most / 2u)
        bytes += view->inputs[(view->input_first + (*count)++) % SKEP__CLIENT_INPUTS_MAX].size;
    skep__wire_message_begin(w, &h);
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_INPUTS);
    skep__wire_put_varint(w, *count);
    for (uint32_t i = 0; i < *count; i++) {
        const uint32_t at = (view->input_first + i) % SKEP__CLIENT_INPUTS_MAX;
        const skep__client_input *in = &view->inputs[at];
        const skep__message_input m = {.number = in->number,
                                       .tick = in->tick,
                                       .replica = in->replica,
                                       .bytes =
                                           view->input_values + (size_t)at * view->input_value_max,
                                       .size = in->size};
        skep__message_put_input(w, &m);
    }
    skep__wire_section_end(w);
    return skep__wire_message_end(w);
}

/* Which message is the next one. */
static uint32_t connect_next_type(const skep_view *view, uint64_t now_ns)
{
    if (!view->connected) return 0;
    if (view->bye_waits) return SKEP__WIRE_BYE;
    if (view->hello_waits) return SKEP__WIRE_HELLO;
    if (view->pong_waits) return SKEP__WIRE_PONG;
    if (!view->welcomed) return 0;
    if (view->subscribe_waits) return SKEP__WIRE_SUBSCRIBE;
    if (view->resync_waits && (!view->resync_ns || now_ns - view->resync_ns >= CONNECT_RESYNC_NS))
        return SKEP__WIRE_RESYNC;
    if (view->ping_waits) return SKEP__WIRE_PING;
    return view->input_count ? SKEP__WIRE_INPUT : 0;
}

/* Writes a message; *inputs is how many it holds. */
static skep_status connect_write(skep_view *view, uint32_t type, skep__wire_writer *w,
                                 uint32_t *inputs)
{
    const uint32_t tick = view->state_count ? skep__client_newest(view)->tick : 0;
    *inputs = 0;
    switch (type) {
    case SKEP__WIRE_BYE:
        return skep__message_bye(w, tick, false, "the client left");
    case SKEP__WIRE_HELLO:
        return connect_hello(view, w);
    case SKEP__WIRE_PONG:
        return skep__message_ping(w, type, tick, view->pong_number, 0);
    case SKEP__WIRE_SUBSCRIBE:
        return connect_subscribe(view, w);
    case SKEP__WIRE_RESYNC:
        return skep__message_resync(w, tick);
    case SKEP__WIRE_PING:
        return skep__message_ping(w, type, tick, view->ping_number + 1u, 0);
    default:
        return connect_inputs(view, w, inputs);
    }
}

/* A message was made: what asked for it is done. */
static void connect_wrote(skep_view *view, uint32_t type, uint32_t inputs, uint64_t now_ns)
{
    switch (type) {
    case SKEP__WIRE_BYE:
        (void)skep__client_end(view, "");
        break;
    case SKEP__WIRE_HELLO:
        view->hello_waits = false;
        break;
    case SKEP__WIRE_PONG:
        view->pong_waits = false;
        break;
    case SKEP__WIRE_SUBSCRIBE:
        view->subscribe_waits = false;
        break;
    case SKEP__WIRE_RESYNC:
        view->resync_ns = now_ns;
        view->stats.resyncs++;
        break;
    case SKEP__WIRE_PING:
        view->ping_waits = false;
        view->ping_number++;
        view->ping_ns = now_ns;
        break;
    default:
        view->input_first = (view->input_first + inputs) % SKEP__CLIENT_INPUTS_MAX;
        view->input_count -= inputs;
    }
}

/* Writes into `out`, which grows to what is needed. */
static skep_status connect_make(skep_view *view, uint32_t type, size_t *size, uint32_t *inputs)
{
    for (;;) {
        skep__wire_writer w = {.bytes = view->out, .bytes_max = view->out_bytes};
        const skep_status status = connect_write(view, type, &w, inputs);
        *size = w.need;
        if (status != SKEP_LIMIT) return status;
        if (w.need > view->limits.up_bytes_max) return SKEP_LIMIT;
        const size_t bytes = skep__align(w.need, 4096);
        uint8_t *out = skep__client_alloc(view, bytes);
        if (!out) return SKEP_NO_MEMORY;
        skep__client_free(view, view->out, view->out_bytes);
        view->out = out;
        view->out_bytes = bytes;
    }
}

bool skep_view_next(skep_view *view, uint64_t now_ns, const void **bytes, size_t *size)
{
    uint32_t inputs = 0;
    const uint32_t type = connect_next_type(view, now_ns);
    if (!type) return false;
    const skep_status status = connect_make(view, type, size, &inputs);
    if (status == SKEP_NO_MEMORY) return false;
    connect_wrote(view, type, inputs, now_ns);
    if (status != SKEP_OK) return false;
    *bytes = view->out;
    return true;
}

/* ---- time ------------------------------------------------------------------------------------ */

bool skep_view_tick(skep_view *view, uint64_t now_ns)
{
    if (view->phase == SKEP_VIEW_CLOSED || !view->connected) return false;
    if (now_ns - view->heard_ns >= (uint64_t)view->desc.silence_ms * CONNECT_MS)
        return skep__client_break(view, "view: nothing came from the server for too long");
    if (view->phase == SKEP_VIEW_LIVE &&
        now_ns - view->state_ns >= (uint64_t)view->desc.stale_ms * CONNECT_MS)
        view->phase = SKEP_VIEW_STALE;
    if (view->welcomed && now_ns - view->ping_next_ns < (uint64_t)1 << 63) {
        view->ping_waits = true;
        view->ping_next_ns = now_ns + CONNECT_PING_NS;
    }
    return true;
}
