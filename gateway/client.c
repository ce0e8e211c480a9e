/* SPDX-License-Identifier: MIT */
/* A view's connection over lws' client: one at a time, made again after a pause that doubles and
 * varies, so that a thousand clients do not come back to a server in the same moment.
 *
 * lws masks what is sent in the sender's buffer, so each message is copied first; they are small.
 */
#include "skep/client.h"

#include "gateway/client_url.h"
#include "gateway/gather.h"
#include "port/port.h"

#include <libwebsockets.h>
#include <signal.h>

#define CLIENT_CANARY 0x636c6965u
#define CLIENT_PROTOCOL "skep.v1"
#define CLIENT_PART 16384u
#define CLIENT_MESSAGE_MAX (((size_t)1 << 20) + 65536)
#define CLIENT_TICK_MS 50u
#define CLIENT_FAREWELL_MS 200u
#define CLIENT_CONNECT_S 10
#define CLIENT_TROUBLE 256u

struct skep_client {
    skep_allocator allocator;
    skep_log log;
    skep_view *view;
    skep__client_url url;
    bool insecure;
    bool connected; /* the WebSocket is open */
    bool said;      /* the trouble was told to the log */
    bool woken;     /* the wait of skep_client_service is over */
    uint32_t retry_min_ms, retry_max_ms;
    uint32_t retry_ms; /* the next pause, before it is varied */
    uint64_t retry_ns; /* when to connect */
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws *wsi; /* of the connection or the attempt; NULL: none */
    struct lws_protocols protocols[2];
    lws_sorted_usec_list_t wake;
    skep__gather down; /* the message that is coming in */
    skep__gather up;   /* LWS_PRE bytes and the message that is sent */
    char trouble[CLIENT_TROUBLE];
};

skep_client_desc skep_client_desc_default(void)
{
    skep_client_desc d;
    memset(&d, 0, sizeof d);
    d.canary = CLIENT_CANARY;
    d.view = skep_view_desc_default();
    return d;
}

static void client_say(skep_client *c, skep_log_level level, const char *text)
{
    char line[CLIENT_TROUBLE + 32];
    (void)snprintf(line, sizeof line, "client: %s", text);
    if (c->log.fn) c->log.fn(c->log.ctx, level, line);
}

/* ---- connecting ----------------------------------------------------------------------------- */

/* A number of [0, 1). */
static double client_chance(skep_client *c)
{
    uint32_t bits = 0;
    (void)lws_get_random(c->context, &bits, sizeof bits);
    return (double)bits / 4294967296.0;
}

/* The connection is gone, or was not made: when to try again. */
static void client_lost(skep_client *c, const char *why)
{
    const uint64_t now = skep__port_clock_ns();
    const bool was = c->connected;
    c->wsi = NULL;
    c->connected = false;
    skep__gather_clear(&c->down, &c->allocator);
    if (skep_view_phase_of(c->view) == SKEP_VIEW_CLOSED && !skep_view_reason(c->view)[0]) return;
    (void)snprintf(c->trouble, sizeof c->trouble, "%s", why);
    if (!c->said || was) client_say(c, SKEP_LOG_WARN, c->trouble);
    c->said = true;
    skep_view_disconnected(c->view, now);
    const double pause_ms = (double)c->retry_ms * (0.5 + client_chance(c));
    c->retry_ns = now + (uint64_t)(pause_ms * 1e6);
    c->retry_ms = c->retry_ms * 2 < c->retry_max_ms ? c->retry_ms * 2 : c->retry_max_ms;
}

static void client_connect(skep_client *c)
{
    struct lws_client_connect_info info;
    memset(&info, 0, sizeof info);
    info.context = c->context;
    info.vhost = c->vhost;
    info.address = c->url.host;
    info.port = (int)c->url.port;
    info.path = c->url.path;
    info.host = c->url.authority;
    info.protocol = CLIENT_PROTOCOL;
    info.local_protocol_name = CLIENT_PROTOCOL;
    info.pwsi = &c->wsi;
    if (c->url.secure) info.ssl_connection = LCCSCF_USE_SSL;
    if (c->url.secure && c->insecure)
        info.ssl_connection |= LCCSCF_ALLOW_SELFSIGNED | LCCSCF_ALLOW_INSECURE |
                               LCCSCF_ALLOW_EXPIRED | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
    c->retry_ns = UINT64_MAX;
    if (!lws_client_connect_via_info(&info) && c->retry_ns == UINT64_MAX)
        client_lost(c, "the attempt to connect failed");
}

/* ---- messages ------------------------------------------------------------------------------- */

static int client_send(skep_client *c)
{
    const void *bytes = NULL;
    size_t size = 0;
    if (!skep_view_next(c->view, skep__port_clock_ns(), &bytes, &size))
        return skep_view_phase_of(c->view) == SKEP_VIEW_CLOSED ? -1 : 0;
    static const uint8_t room[LWS_PRE];
    skep__gather_clear(&c->up, &c->allocator);
    if (skep__gather_add(&c->up, &c->allocator, room, LWS_PRE, CLIENT_MESSAGE_MAX) != SKEP_OK ||
        skep__gather_add(&c->up, &c->allocator, bytes, size, CLIENT_MESSAGE_MAX) != SKEP_OK)
        return -1;
    if (lws_write(c->wsi, c->up.bytes + LWS_PRE, size, LWS_WRITE_BINARY) < 0) return -1;
    lws_callback_on_writable(c->wsi);
    return 0;
}

static int client_receive(skep_client *c, const void *bytes, size_t size)
{
    if (!lws_frame_is_binary(c->wsi)) return -1;
    if (skep__gather_add(&c->down, &c->allocator, bytes, size, CLIENT_MESSAGE_MAX) != SKEP_OK)
        return -1;
    if (!lws_is_final_fragment(c->wsi) || lws_remaining_packet_payload(c->wsi) != 0) return 0;
    const bool goes_on =
        skep_view_receive(c->view, c->down.bytes, c->down.used, skep__port_clock_ns());
    skep__gather_clear(&c->down, &c->allocator);
    if (skep_view_phase_of(c->view) == SKEP_VIEW_LIVE) c->retry_ms = c->retry_min_ms;
    lws_callback_on_writable(c->wsi);
    return goes_on ? 0 : -1;
}

static int client_established(skep_client *c)
{
    c->connected = true;
    c->said = false;
    c->trouble[0] = 0;
    client_say(c, SKEP_LOG_INFO, "connected");
    skep_view_connected(c->view, skep__port_clock_ns());
    lws_callback_on_writable(c->wsi);
    return 0;
}

static int client_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                           size_t size)
{
    (void)user;
    struct lws_context *context = wsi ? lws_get_context(wsi) : NULL;
    skep_client *c = context ? lws_context_user(context) : NULL;
    if (!c || !c->view) return 0;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        client_lost(c, in ? (const char *)in : "the server could not be reached");
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        return client_established(c);
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return client_receive(c, in, size);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return client_send(c);
    case LWS_CALLBACK_CLIENT_CLOSED: {
        const char *why = skep_view_reason(c->view);
        client_lost(c, why && why[0] ? why : "the connection was lost");
        return 0;
    }
    default:
        return 0;
    }
}

/* ---- open and close ------------------------------------------------------------------------- */

static bool client_make(skep_client *c, const char *ca_file)
{
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    c->protocols[0].name = CLIENT_PROTOCOL;
    c->protocols[0].callback = client_callback;
    c->protocols[0].rx_buffer_size = CLIENT_PART;
    c->protocols[0].tx_packet_size = CLIENT_MESSAGE_MAX;
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = c->protocols;
    info.user = c;
    info.gid = -1;
    info.uid = -1;
    info.pt_serv_buf_size = CLIENT_PART;
    info.connect_timeout_secs = CLIENT_CONNECT_S;
    info.vhost_name = "skep";
    info.client_ssl_ca_filepath = ca_file;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    if (c->url.secure) info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    lws_set_log_level(0, NULL);
#ifdef SIGPIPE
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
#endif
    c->context = lws_create_context(&info);
    if (c->context) c->vhost = lws_create_vhost(c->context, &info);
#ifdef SIGPIPE
    if (before != SIG_ERR) (void)signal(SIGPIPE, before);
#endif
    return c->vhost != NULL;
}

static skep_status client_start(skep_client *c, const skep_client_desc *desc)
{
    skep_view_desc view = desc->view;
    if (!view.allocator.alloc) view.allocator = c->allocator;
    if (!view.log.fn) view.log = c->log;
    const char *wrong = skep__client_url_read(desc->url, &c->url);
    if (wrong) {
        client_say(c, SKEP_LOG_ERROR, wrong);
        return SKEP_ARGUMENT;
    }
    const skep_status status = skep_view_open(&view, &c->view);
    if (status != SKEP_OK) return status;
    /* lws goes on without a file that it cannot read. */
    FILE *file = desc->ca_file ? fopen(desc->ca_file, "rb") : NULL;
    if (file) (void)fclose(file);
    if ((desc->ca_file && !file) || !client_make(c, desc->ca_file)) {
        client_say(c, SKEP_LOG_ERROR,
                   "no connections can be made; is the file of certificates right?");
        return SKEP_ARGUMENT;
    }
    return SKEP_OK;
}

static void client_free(skep_client *c)
{
    const skep_allocator a = c->allocator;
    skep_view *view = c->view;
    c->view = NULL; /* what lws still calls finds nothing */
    if (c->context) lws_context_destroy(c->context);
    skep_view_close(view);
    skep__gather_deinit(&c->down, &a);
    skep__gather_deinit(&c->up, &a);
    a.free(a.ctx, c, sizeof *c, 16);
}

skep_status skep_client_open(const skep_client_desc *desc, skep_client **client)
{
    *client = NULL;
    if (!desc || desc->canary != CLIENT_CANARY || !desc->url) return SKEP_ARGUMENT;
    const skep_allocator a =
        desc->view.allocator.alloc ? desc->view.allocator : skep__port_allocator();
    skep_client *c = a.alloc(a.ctx, sizeof *c, 16);
    if (!c) return SKEP_NO_MEMORY;
    memset(c, 0, sizeof *c);
    c->allocator = a;
    c->log = desc->log;
    c->insecure = desc->insecure;
    c->retry_min_ms = desc->retry_min_ms ? desc->retry_min_ms : 250;
    c->retry_max_ms = desc->retry_max_ms ? desc->retry_max_ms : 10000;
    c->retry_ms = c->retry_min_ms;
    const skep_status status = client_start(c, desc);
    if (status != SKEP_OK) {
        client_free(c);
        return status;
    }
    *client = c;
    return SKEP_OK;
}

void skep_client_close(skep_client *client)
{
    if (!client) return;
    if (client->connected) {
        const uint64_t end = skep__port_clock_ns() + (uint64_t)CLIENT_FAREWELL_MS * 1000000u;
        skep_view_leave(client->view);
        lws_callback_on_writable(client->wsi);
        while (client->connected && skep__port_clock_ns() < end)
            (void)skep_client_service(client, 10);
    }
    client_free(client);
}

/* ---- service -------------------------------------------------------------------------------- */

static void client_woken(lws_sorted_usec_list_t *wake)
{
    lws_container_of(wake, skep_client, wake)->woken = true;
}

/* What is due by the clock. */
static void client_look(skep_client *c)
{
    const uint64_t now = skep__port_clock_ns();
    const bool closed = skep_view_phase_of(c->view) == SKEP_VIEW_CLOSED;
    if (!c->wsi && now >= c->retry_ns && !closed) client_connect(c);
    if (!c->connected) return;
    if (!skep_view_tick(c->view, now))
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    lws_callback_on_writable(c->wsi);
}

bool skep_client_service(skep_client *client, uint32_t wait_ms)
{
    skep_client *c = client;
    client_look(c);
    c->woken = false;
    const uint32_t most = wait_ms < CLIENT_TICK_MS ? wait_ms : CLIENT_TICK_MS;
    const uint64_t end = skep__port_clock_ns() + (uint64_t)wait_ms * 1000000u;
    lws_sul_schedule(c->context, 0, &c->wake, client_woken, (lws_usec_t)most * LWS_US_PER_MS + 1);
    while (!c->woken) {
        if (lws_service(c->context, 0) < 0) break;
        /* lws would turn without waiting for the rest of a millisecond. */
        if (skep__port_clock_ns() + 1000000u >= end) break;
    }
    lws_sul_cancel(&c->wake);
    return skep_view_phase_of(c->view) != SKEP_VIEW_CLOSED;
}

skep_view *skep_client_view(const skep_client *client)
{
    return client->view;
}

uint64_t skep_client_now(const skep_client *client)
{
    (void)client;
    return skep__port_clock_ns();
}

const char *skep_client_trouble(const skep_client *client)
{
    return client->trouble;
}
