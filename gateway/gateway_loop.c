/* SPDX-License-Identifier: MIT */
/* The gateway's thread: lws' own loop over poll(2), woken by the world's thread when a state is
 * there, and a look around 20 times a second.
 *
 * Not lws' loop over libuv, which takes over the process' signals. lws sets SIGPIPE aside for the
 * whole process when it is made; that is put back, since this thread gets no signals at all.
 *
 * A connection is known from the moment it is accepted, before TLS and before its first byte, so
 * that what says nothing is bounded in number and time. lws has time-outs of its own, in seconds;
 * ours come first. */
#include "gateway/gateway_internal.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>

/* What the system may hold for one connection, and how much of it may wait before the socket no
 * longer counts as writable: a state is made when the one before is nearly out. */
#define LOOP_SEND_BYTES (256 << 10)
#define LOOP_UNSENT_BYTES (16 << 10)
#define LOOP_PART 4096u
/* A session's own look at the clock, which costs a look at all players. */
#define LOOP_SESSION_MS 250u

/* ---- connections ---------------------------------------------------------------------------- */

void skep__conn_kill(skep__conn *c)
{
    if (c->killed) return;
    c->killed = true;
    c->gateway->stats.dropped++;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static uint32_t loop_same_address(const skep_gateway *g, const char *address)
{
    uint32_t count = 0;
    for (const skep__conn *c = g->conns; c; c = c->next) count += strcmp(c->address, address) == 0;
    return count;
}

static void loop_socket_options(struct lws *wsi)
{
    const int fd = lws_get_socket_fd(wsi);
    const int room = LOOP_SEND_BYTES, unsent = LOOP_UNSENT_BYTES, yes = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
#ifdef TCP_NOTSENT_LOWAT
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
#else
    (void)unsent;
#endif
}

/* A connection was accepted. Nonzero: it is closed again. */
static int loop_accept(skep_gateway *g, struct lws *wsi)
{
    char address[SKEP__ADDRESS_BYTES] = "";
    (void)lws_get_peer_simple(wsi, address, sizeof address);
    /* Its IPv4 form is what people know. */
    const char *shown = strncmp(address, "::ffff:", 7) == 0 ? address + 7 : address;
    const char *reason = g->stop_ns                                ? "the server is shutting down"
                         : g->conn_count >= g->desc.connection_max ? "too many connections"
                         : loop_same_address(g, shown) >= g->desc.address_max
                             ? "too many connections from this address"
                             : NULL;
    skep__conn *c = reason ? NULL : g->allocator.alloc(g->allocator.ctx, sizeof *c, 16);
    if (!c) {
        g->stats.refused++;
        skep__handover_say(&g->handover, SKEP_LOG_WARN, "refused: %s: %s", shown,
                           reason ? reason : "out of memory");
        return -1;
    }
    memset(c, 0, sizeof *c);
    memcpy(c->address, shown, strlen(shown) + 1);
    c->gateway = g;
    c->wsi = wsi;
    c->since_ns = skep__port_clock_ns();
    c->next = g->conns;
    if (g->conns) g->conns->previous = c;
    g->conns = c;
    g->conn_count++;
    lws_set_opaque_user_data(wsi, c);
    loop_socket_options(wsi);
    return 0;
}

static void loop_forget(skep_gateway *g, skep__conn *c)
{
    skep__socket_gone(c);
    skep__document_forget(c);
    skep__gather_deinit(&c->up, &g->allocator);
    if (c->previous) c->previous->next = c->next;
    if (c->next) c->next->previous = c->previous;
    if (g->conns == c) g->conns = c->next;
    g->conn_count--;
    g->allocator.free(g->allocator.ctx, c, sizeof *c, 16);
}

/* ---- now and then --------------------------------------------------------------------------- */

static void loop_look(skep__conn *c, uint64_t now_ns)
{
    skep_gateway *g = c->gateway;
    const uint64_t since_ms = (now_ns - c->since_ns) / 1000000u;
    if (c->phase == SKEP__CONN_REQUEST && since_ms > g->desc.header_ms) skep__conn_kill(c);
    if (c->phase == SKEP__CONN_ENDING && since_ms > g->desc.close_ms) skep__conn_kill(c);
    if (c->copy && (now_ns - c->waits_ns) / 1000000u > g->desc.drain_ms) skep__conn_kill(c);
    if (!c->session || c->killed) return;
    const bool due = (now_ns - c->ticked_ns) / 1000000u >= LOOP_SESSION_MS;
    if (due) c->ticked_ns = now_ns;
    if (due && c->phase == SKEP__CONN_OPEN && !skep_session_tick(c->session, now_ns))
        skep__socket_end(c, LWS_CLOSE_STATUS_POLICY_VIOLATION, skep_session_reason(c->session));
    if (c->waits_ns && (now_ns - c->waits_ns) / 1000000u > g->desc.drain_ms) {
        c->reason = "it does not read what it is sent";
        skep__conn_kill(c);
    }
    skep__socket_ask(c, now_ns);
}

static void loop_figures(skep_gateway *g)
{
    const skep_gateway_stats s = skep__figures_wire(g);
    skep__handover_lock(&g->handover);
    g->handover.wire = s;
    skep__handover_unlock(&g->handover);
}

/* lws waits in whole milliseconds and turns without waiting for the rest of one; so its clock is
 * only there for when the world is silent, and is set anew at each look. */
static void loop_due(lws_sorted_usec_list_t *tick);

static void loop_tick(skep_gateway *g, uint64_t now)
{
    g->tick_ns = now;
    for (skep__conn *c = g->conns; c; c = c->next) loop_look(c, now);
    skep__document_look(g);
    skep__socket_events(g, now);
    loop_figures(g);
    if (g->stop_ns) g->over = !g->conns || (now - g->stop_ns) / 1000000u > g->desc.close_ms;
    lws_sul_schedule(g->context, 0, &g->tick, loop_due,
                     (lws_usec_t)SKEP__GATEWAY_TICK_MS * 2 * LWS_US_PER_MS);
}

static void loop_due(lws_sorted_usec_list_t *tick)
{
    loop_tick(lws_container_of(tick, skep_gateway, tick), skep__port_clock_ns());
}

/* ---- the world's thread called -------------------------------------------------------------- */

static void loop_states(skep_gateway *g, skep_state **states, uint32_t count)
{
    if (count == 0) return;
    uint64_t now = skep__port_clock_ns();
    const uint64_t begin = skep__port_thread_cpu_ns();
    for (uint32_t i = 0; i < count; i++) {
        const skep_status status = skep_publisher_update(g->publisher, states[i], now);
        if (status != SKEP_OK)
            skep__handover_say(&g->handover, SKEP_LOG_ERROR, "a state could not be published: %s",
                               skep_status_text(status));
    }
    g->quantise_ns += skep__port_thread_cpu_ns() - begin;
    now = skep__port_clock_ns();
    for (skep__conn *c = g->conns; c; c = c->next)
        if (c->phase == SKEP__CONN_OPEN) skep__socket_ask(c, now);
}

static void loop_stop(skep_gateway *g)
{
    if (g->stop_ns) return;
    g->stop_ns = skep__port_clock_ns();
    for (skep__conn *c = g->conns; c; c = c->next) {
        if (c->session)
            skep__socket_end(c, LWS_CLOSE_STATUS_GOINGAWAY, "the server is shutting down");
        else
            skep__conn_kill(c);
    }
    lws_sul_schedule(g->context, 0, &g->tick, loop_due, 1);
}

static void loop_called(skep_gateway *g)
{
    skep_state *states[SKEP__HANDOVER_STATES];
    bool stop = false;
    const uint32_t count = skep__handover_take(&g->handover, states, &stop);
    loop_states(g, states, count);
    if (stop) loop_stop(g);
    const uint64_t now = skep__port_clock_ns();
    if ((now - g->tick_ns) / 1000000u >= SKEP__GATEWAY_TICK_MS) loop_tick(g, now);
}

/* ---- lws ------------------------------------------------------------------------------------ */

/* Everything that belongs to one connection. */
static int loop_conn(skep__conn *c, enum lws_callback_reasons reason, const void *in, size_t size)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return skep__http_request(c, in, size);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return skep__document_writable(c);
    case LWS_CALLBACK_HTTP_FILE_COMPLETION:
        c->phase = SKEP__CONN_REQUEST;
        c->since_ns = skep__port_clock_ns();
        return lws_http_transaction_completed(c->wsi) ? -1 : 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return skep__upgrade_check(c, in);
    case LWS_CALLBACK_ESTABLISHED:
        return skep__socket_open(c);
    case LWS_CALLBACK_RECEIVE:
        return skep__socket_receive(c, in, size);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return skep__socket_writable(c);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (size != 1) return 0; /* a code has two bytes */
        lws_close_reason(c->wsi, LWS_CLOSE_STATUS_PROTOCOL_ERR, NULL, 0);
        return -1;
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL: /* closing begins, whoever wanted it */
    case LWS_CALLBACK_CLOSED:
        skep__socket_gone(c);
        return 0;
    default:
        return 0;
    }
}

static int loop_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                         size_t size)
{
    (void)user;
    struct lws_context *context = wsi ? lws_get_context(wsi) : NULL;
    skep_gateway *g = context ? lws_context_user(context) : NULL;
    if (!g || !g->publisher) return 0; /* it is being made or destroyed */
    if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED) {
        loop_called(g);
        return 0;
    }
    if (reason == LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED) return loop_accept(g, wsi);
    skep__conn *c = lws_get_opaque_user_data(wsi);
    if (!c) return 0;
    if (reason != LWS_CALLBACK_WSI_DESTROY) return loop_conn(c, reason, in, size);
    lws_set_opaque_user_data(wsi, NULL);
    loop_forget(g, c);
    return 0;
}

static void loop_random(void *ctx, void *bytes, size_t n)
{
    skep_gateway *g = ctx;
    if (lws_get_random(g->context, bytes, n) != n) SKEP_TRAP();
}

static void loop_describe(skep_gateway *g, struct lws_context_creation_info *info)
{
    const skep_gateway_desc *d = &g->desc;
    g->protocols[0].name = SKEP__PROTOCOL;
    g->protocols[0].callback = loop_callback;
    g->protocols[0].per_session_data_size = 1; /* without any, lws does not tell of all ends */
    g->protocols[0].rx_buffer_size = LOOP_PART;
    g->protocols[0].tx_packet_size = g->wire_desc.message_down_max + LWS_PRE;
    memset(info, 0, sizeof *info);
    info->port = (int)d->port;
    info->iface = d->host;
    info->protocols = g->protocols;
    info->user = g;
    info->gid = -1;
    info->uid = -1;
    info->pt_serv_buf_size = SKEP__GATEWAY_SCRATCH;
    info->timeout_secs = 5;
    info->keepalive_timeout = 5;
    info->timeout_secs_ah_idle = 10;
    info->vhost_name = "skep";
    info->server_string = "skep";
    info->alpn = "http/1.1";
    info->options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_VALIDATE_UTF8 |
                    LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
                    LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME;
    if (!strchr(d->host, ':')) info->options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    if (d->tls_cert) {
        info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info->ssl_cert_filepath = d->tls_cert;
        info->ssl_private_key_filepath = d->tls_key;
    }
}

static skep_status loop_make(skep_gateway *g)
{
    struct lws_context_creation_info info;
    loop_describe(g, &info);
    g->context = lws_create_context(&info);
    if (!g->context) return SKEP_NO_MEMORY;
    g->vhost = lws_create_vhost(g->context, &info);
    if (!g->vhost) return SKEP_IO;
    g->wire_desc.random = g->wire_desc.random ? g->wire_desc.random : loop_random;
    if (g->wire_desc.random == loop_random) g->wire_desc.random_ctx = g;
    return skep_publisher_create(&g->wire_desc, &g->publisher);
}

skep_status skep__loop_open(skep_gateway *g)
{
    /* lws writes to standard error; what matters we say ourselves. */
    lws_set_log_level(0, NULL);
#ifdef SIGPIPE
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
#endif
    const skep_status status = loop_make(g);
#ifdef SIGPIPE
    if (before != SIG_ERR) (void)signal(SIGPIPE, before);
#endif
    return status;
}

void skep__loop_close(skep_gateway *g)
{
    if (g->context) lws_context_destroy(g->context);
    g->context = NULL;
}

/* lws gave up. The world's thread may still want to wake it, so what there is stays until the end.
 */
static void loop_failed(skep_gateway *g)
{
    _Atomic uint32_t nobody_wakes_us = 0;
    skep_state *states[SKEP__HANDOVER_STATES];
    bool stop = false;
    skep__handover_say(&g->handover, SKEP_LOG_ERROR, "the gateway's loop has failed");
    while (!stop) {
        const uint32_t count = skep__handover_take(&g->handover, states, &stop);
        for (uint32_t i = 0; i < count; i++) skep_state_drop(states[i]);
        (void)skep__port_futex_wait(&nobody_wakes_us, 0, UINT64_C(50000000));
    }
}

void skep__loop_run(void *arg)
{
    skep_gateway *g = arg;
    skep__port_thread_quiet();
    lws_sul_schedule(g->context, 0, &g->tick, loop_due, 1);
    while (!g->over && lws_service(g->context, 0) >= 0) {
    }
    lws_sul_cancel(&g->tick);
    if (!g->over) loop_failed(g);
    lws_context_destroy(g->context);
    SKEP_ASSERT(!g->conns);
}
