/* SPDX-License-Identifier: MIT */
/* A WebSocket and its session: bytes in, bytes out, and how it ends.
 *
 * Out: a message is asked for only when the socket can take one, so a client that is slow gets the
 * newest state when it is ready. The publisher's buffer is shared by all who get the same bytes;
 * lws writes the frame's header into the headroom before them, the same header for everybody. What
 * the system does not take at once lws copies: at most one message a connection, and until it is
 * gone nothing more is asked for.
 *
 * In: lws gives parts of at most SOCKET_PART bytes; a text message is refused by its first. */
#include "gateway/gateway_internal.h"

/* What one turn may send to one client, so that others get theirs. */
#define SOCKET_TURN_BYTES ((size_t)256 << 10)
/* Messages up to this are gathered. */
#define SOCKET_SMALL ((size_t)16 << 10)
/* One turn of so many is measured; a prime, so that it is not always the same client's. */
#define SOCKET_MEASURED 7u
#define SOCKET_CLOSE_TEXT 120u

/* ---- ends ----------------------------------------------------------------------------------- */

/* Tells lws with which code and reason to close. The result makes it do so. */
static int socket_close(skep__conn *c)
{
    unsigned char text[SOCKET_CLOSE_TEXT];
    const char *reason = c->reason    ? c->reason
                         : c->session ? skep_session_reason(c->session)
                                      : NULL;
    size_t n = reason ? strlen(reason) : 0;
    if (n > sizeof text) n = sizeof text;
    /* Not in the middle of a character. */
    while (n && reason[n] && ((unsigned char)reason[n] & 0xc0) == 0x80) n--;
    memcpy(text, reason ? reason : "", n);
    lws_close_reason(c->wsi, (enum lws_close_status)c->close_code, text, n);
    return -1;
}

/* The session has ended or is to: what it still has goes out, then the socket is closed. */
static void socket_ending(skep__conn *c, uint32_t code, uint64_t now_ns)
{
    if (c->phase == SKEP__CONN_ENDING) return;
    c->phase = SKEP__CONN_ENDING;
    c->since_ns = now_ns;
    c->close_code = code;
    lws_callback_on_writable(c->wsi);
}

void skep__socket_end(skep__conn *c, uint32_t code, const char *reason)
{
    if (c->phase == SKEP__CONN_ENDING) return;
    if (!c->reason) c->reason = reason;
    const bool again =
        code == LWS_CLOSE_STATUS_GOINGAWAY || code == LWS_CLOSE_STATUS_UNEXPECTED_CONDITION;
    if (again)
        skep_session_close(c->session, reason);
    else
        skep_session_refuse(c->session, reason);
    socket_ending(c, code, skep__port_clock_ns());
}

/* ---- what the publisher tells --------------------------------------------------------------- */

static void socket_auth(skep_gateway *g, const skep_publish_event *e, uint64_t now_ns)
{
    skep__conn *c = skep_session_ctx(e->session);
    const char *reason = skep__upgrade_admit(c, e->bytes, e->size);
    if (!reason) {
        skep_session_accept(e->session, ++g->player_last, now_ns);
        return;
    }
    g->stats.refused++;
    skep__handover_say(&g->handover, SKEP_LOG_WARN, "refused: %s: %s", c->address, reason);
    skep__socket_end(c, LWS_CLOSE_STATUS_POLICY_VIOLATION, reason);
}

static void socket_join(skep_gateway *g, const skep_publish_event *e)
{
    skep__conn *c = e->session ? skep_session_ctx(e->session) : NULL;
    if (c) c->player = e->player;
    skep__handover_say(&g->handover, SKEP_LOG_INFO, "join: player %u from %s", e->player,
                       c ? c->address : "a connection that is gone");
}

void skep__socket_events(skep_gateway *g, uint64_t now_ns)
{
    skep_publish_event e;
    while (skep_publisher_poll(g->publisher, &e)) {
        skep__handover_item item;
        memset(&item, 0, sizeof item);
        item.kind = (uint32_t)e.kind;
        item.player = e.player;
        if (e.kind == SKEP_PUBLISH_AUTH) {
            socket_auth(g, &e, now_ns);
            continue;
        }
        if (e.kind == SKEP_PUBLISH_INPUT) {
            item.number = e.number;
            item.tick = e.tick;
            item.replica = e.replica;
            item.size = skep__u32(e.size);
        } else if (e.kind == SKEP_PUBLISH_JOIN) {
            socket_join(g, &e);
        } else {
            skep__handover_say(&g->handover, SKEP_LOG_INFO, "gone: player %u", e.player);
        }
        if (skep__handover_put(&g->handover, &item, e.bytes)) continue;
        g->stats.inputs_lost++;
        if (e.kind == SKEP_PUBLISH_JOIN && e.session)
            skep__socket_end(skep_session_ctx(e.session), LWS_CLOSE_STATUS_UNEXPECTED_CONDITION,
                             "the server is out of memory");
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

int skep__socket_open(skep__conn *c)
{
    skep_gateway *g = c->gateway;
    const uint64_t now = skep__port_clock_ns();
    c->phase = SKEP__CONN_OPEN;
    c->since_ns = now;
    c->close_code = LWS_CLOSE_STATUS_NORMAL;
    const skep_status status = skep_session_create(g->publisher, now, c, &c->session);
    if (status != SKEP_OK) {
        c->session = NULL;
        c->reason = "the server is full";
        c->close_code = 1013; /* try again later */
        g->stats.refused++;
        skep__handover_say(&g->handover, SKEP_LOG_WARN, "refused: %s: %s", c->address, c->reason);
        return socket_close(c);
    }
    skep__socket_ask(c, now);
    return 0;
}

void skep__socket_gone(skep__conn *c)
{
    skep_gateway *g = c->gateway;
    if (!c->session) return;
    const uint64_t now = skep__port_clock_ns();
    const char *reason = c->reason ? c->reason : skep_session_reason(c->session);
    if (!reason) reason = "the connection is gone";
    if (c->player)
        skep__handover_say(&g->handover, SKEP_LOG_INFO, "leave: player %u from %s: %s", c->player,
                           c->address, reason);
    else
        skep__handover_say(&g->handover, SKEP_LOG_INFO, "leave: %s: %s", c->address, reason);
    skep_session *session = c->session;
    c->session = NULL;
    if (c->phase != SKEP__CONN_ENDING) c->since_ns = now;
    c->phase = SKEP__CONN_ENDING;
    skep_session_destroy(session, now);
    skep__socket_events(g, now);
}

/* ---- in ------------------------------------------------------------------------------------- */

/* A whole message has come. */
static void socket_message(skep__conn *c)
{
    const uint64_t now = skep__port_clock_ns();
    const bool goes_on = skep_session_receive(c->session, c->up.bytes, c->up.used, now);
    skep__gather_clear(&c->up, &c->gateway->allocator);
    skep__socket_events(c->gateway, now);
    if (!c->player && skep_session_player(c->session)) {
        c->player = skep_session_player(c->session);
        skep__handover_say(&c->gateway->handover, SKEP_LOG_INFO, "back: player %u from %s",
                           c->player, c->address);
    }
    if (!goes_on) {
        const bool left = skep_session_left(c->session);
        socket_ending(c, left ? LWS_CLOSE_STATUS_NORMAL : LWS_CLOSE_STATUS_POLICY_VIOLATION, now);
    }
    skep__socket_ask(c, now);
}

int skep__socket_receive(skep__conn *c, const uint8_t *bytes, size_t size)
{
    if (!c->session) return -1;
    if (c->phase != SKEP__CONN_OPEN) return 0;
    if (!lws_frame_is_binary(c->wsi)) {
        skep__socket_end(c, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "messages must be binary");
        return 0;
    }
    const skep_publish_desc *d = &c->gateway->wire_desc;
    const skep_status status =
        skep__gather_add(&c->up, &c->gateway->allocator, bytes, size, d->message_up_max);
    if (status == SKEP_LIMIT) {
        skep__socket_end(c, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "the message is too long");
        return 0;
    }
    if (status != SKEP_OK) return -1;
    if (lws_is_final_fragment(c->wsi) && lws_remaining_packet_payload(c->wsi) == 0)
        socket_message(c);
    return 0;
}

/* ---- out ------------------------------------------------------------------------------------ */

void skep__socket_ask(skep__conn *c, uint64_t now_ns)
{
    if (!c->session) return;
    const bool wants = skep_session_wants(c->session);
    if (wants && !c->waits_ns) c->waits_ns = now_ns;
    if (wants || c->phase == SKEP__CONN_ENDING) lws_callback_on_writable(c->wsi);
}

/* The headroom before a message may be written to, by the publisher's word. */
static unsigned char *socket_writable_bytes(const void *bytes)
{
    return (unsigned char *)(uintptr_t)bytes;
}

/* Writes the head of a whole binary frame and returns its length. */
static size_t socket_head(uint8_t *to, size_t size)
{
    to[0] = 0x82;
    if (size < 126) {
        to[1] = (uint8_t)size;
        return 2;
    }
    to[1] = 126;
    to[2] = (uint8_t)(size >> 8);
    to[3] = (uint8_t)size;
    return 4;
}

/* Processor time where this turn is one of those that are measured: the clock is a call of the
 * system, so one of a few turns stands for all. Time of day would count whoever is woken, too. */
static uint64_t socket_clock(const skep_gateway *g)
{
    return g->turn % SOCKET_MEASURED == 0 ? skep__port_thread_cpu_ns() : 0;
}

/* Hands bytes to lws; frames that were made here go out as they are. False: the socket is broken.
 */
static bool socket_write(skep__conn *c, unsigned char *bytes, size_t size,
                         enum lws_write_protocol how)
{
    const uint64_t begin = socket_clock(c->gateway);
    const int n = size ? lws_write(c->wsi, bytes, size, how) : 0;
    c->gateway->stats.send_ns += (socket_clock(c->gateway) - begin) * SOCKET_MEASURED;
    return n >= 0 && (size_t)n >= size;
}

/* Takes the next message. */
static bool socket_next(skep__conn *c, uint64_t now_ns, const void **bytes, size_t *size)
{
    const uint64_t begin = socket_clock(c->gateway);
    const bool more = skep_session_next(c->session, now_ns, bytes, size);
    c->gateway->stats.encode_ns += (socket_clock(c->gateway) - begin) * SOCKET_MEASURED;
    return more;
}

/* Sends what the session has until the system takes no more. False: the socket is broken. */
static bool socket_send(skep__conn *c)
{
    unsigned char *small = c->gateway->small + LWS_PRE;
    const void *bytes = NULL;
    size_t size = 0, used = 0, sent = 0;
    bool more = true, good = true;
    const uint64_t now = skep__port_clock_ns();
    c->gateway->turn++;
    while (good && more && sent < SOCKET_TURN_BYTES && !lws_partial_buffered(c->wsi)) {
        more = socket_next(c, now, &bytes, &size);
        const bool large = more && size > SOCKET_SMALL;
        if (!more || large || used + size + 4 > SKEP__GATEWAY_SMALL) {
            good = socket_write(c, small, used, LWS_WRITE_HTTP);
            used = 0;
        }
        if (!more) break;
        sent += size;
        if (large) {
            good = good && socket_write(c, socket_writable_bytes(bytes), size, LWS_WRITE_BINARY);
            continue;
        }
        used += socket_head(small + used, size);
        memcpy(small + used, bytes, size);
        used += size;
    }
    good = good && socket_write(c, small, used, LWS_WRITE_HTTP);
    const bool waits = lws_partial_buffered(c->wsi) || skep_session_wants(c->session);
    c->waits_ns = waits ? now : 0;
    return good;
}

int skep__socket_writable(skep__conn *c)
{
    if (!c->session || c->killed) return -1;
    if (!socket_send(c)) return -1;
    /* Asking for more may have ended the session: a queue of events ran over. */
    if (c->phase == SKEP__CONN_OPEN && skep_session_reason(c->session))
        socket_ending(c, LWS_CLOSE_STATUS_POLICY_VIOLATION, skep__port_clock_ns());
    if (c->waits_ns) {
        lws_callback_on_writable(c->wsi);
        return 0;
    }
    return c->phase == SKEP__CONN_ENDING ? socket_close(c) : 0;
}
