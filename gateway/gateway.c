/* SPDX-License-Identifier: MIT */
/* Opening and closing a gateway, and the world's side of it: begin, end. The other side is
 * gateway_loop.c. */
#include "gateway/gateway_internal.h"

#include <stdlib.h>
#include <sys/stat.h>

#define GATEWAY_CANARY 0x67617465u
#define GATEWAY_POLICY                                                                             \
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; "          \
    "connect-src 'self' ws: wss:; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "  \
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

skep_gateway_desc skep_gateway_desc_default(void)
{
    skep_gateway_desc d;
    memset(&d, 0, sizeof d);
    d.canary = GATEWAY_CANARY;
    d.publish = skep_publish_desc_default();
    return d;
}

/* ---- texts ---------------------------------------------------------------------------------- */

/* Keeps a copy of a text while the gateway lives; NULL stays NULL. */
static const char *gateway_keep(skep_gateway *g, const char *text, bool *good)
{
    if (!text) return NULL;
    const size_t bytes = sizeof(skep__piece) + strlen(text) + 1;
    skep__piece *piece = g->allocator.alloc(g->allocator.ctx, bytes, 16);
    if (!piece) {
        *good = false;
        return NULL;
    }
    piece->next = g->pieces;
    piece->bytes = bytes;
    g->pieces = piece;
    char *copy = (char *)(piece + 1);
    memcpy(copy, text, strlen(text) + 1);
    return copy;
}

static void gateway_say(const skep_gateway *g, const char *text, const char *what)
{
    char line[SKEP__HANDOVER_LINE];
    (void)snprintf(line, sizeof line, "gateway: %s%s%s", what ? what : "", what ? ": " : "", text);
    if (g->log.fn) g->log.fn(g->log.ctx, SKEP_LOG_ERROR, line);
}

static skep_status gateway_wrong(const skep_gateway *g, const char *text, const char *what)
{
    gateway_say(g, text, what);
    return SKEP_ARGUMENT;
}

/* ---- the description ------------------------------------------------------------------------ */

static void gateway_default(uint32_t *number, uint32_t fallback)
{
    if (*number == 0) *number = fallback;
}

static void gateway_publisher_said(void *ctx, skep_log_level level, const char *text)
{
    skep_gateway *g = ctx;
    skep__handover_say(&g->handover, level, "%s", text);
}

static void gateway_defaults(skep_gateway *g)
{
    skep_gateway_desc *d = &g->desc;
    if (!d->host) d->host = "127.0.0.1";
    if (!d->path) d->path = "/world";
    if (!d->content_policy) d->content_policy = GATEWAY_POLICY;
    const skep_publish_desc usual = skep_publish_desc_default();
    gateway_default(&d->publish.session_max, usual.session_max);
    gateway_default(&d->publish.message_up_max, usual.message_up_max);
    gateway_default(&d->publish.message_down_max, usual.message_down_max);
    gateway_default(&d->connection_max, d->publish.session_max + 256);
    gateway_default(&d->address_max, 64);
    gateway_default(&d->header_ms, 5000);
    gateway_default(&d->drain_ms, 30000);
    gateway_default(&d->close_ms, 2000);
    if (!d->publish.allocator.alloc) d->publish.allocator = g->allocator;
    if (!d->publish.log.fn) d->publish.log = g->log;
    if (d->publish.headroom < LWS_PRE) d->publish.headroom = LWS_PRE;
    g->feed_desc = d->publish;
    g->wire_desc = d->publish;
    g->wire_desc.log.fn = gateway_publisher_said;
    g->wire_desc.log.ctx = g;
    g->loopback = strncmp(d->host, "127.", 4) == 0 || strcmp(d->host, "::1") == 0 ||
                  strcmp(d->host, "localhost") == 0;
}

static skep_status gateway_check(const skep_gateway *g)
{
    const skep_gateway_desc *d = &g->desc;
    if (d->port > 65535) return gateway_wrong(g, "port is above 65,535", NULL);
    if (d->path[0] != '/') return gateway_wrong(g, "path must begin with a slash", d->path);
    if (d->token && !d->token[0]) return gateway_wrong(g, "the token is empty", NULL);
    if (d->executor && strpbrk(d->executor, "\"\\\r\n"))
        return gateway_wrong(g, "executor is a plain name", d->executor);
    if (!d->tls_cert != !d->tls_key)
        return gateway_wrong(g, "TLS needs a certificate and its key", NULL);
    if (d->mount_count > SKEP__GATEWAY_MOUNTS)
        return gateway_wrong(g, "more than 16 folders", NULL);
    const char *what = NULL;
    if (skep__document_check(g, &what) != SKEP_OK)
        return gateway_wrong(g, what ? "no address for a document" : "more than 8 documents", what);
    const char *const files[2] = {d->tls_cert, d->tls_key};
    for (uint32_t i = 0; i < 2 && files[i]; i++) {
        FILE *file = fopen(files[i], "rb");
        if (!file) {
            gateway_say(g, "it cannot be read", files[i]);
            return SKEP_NOT_FOUND;
        }
        (void)fclose(file);
    }
    return SKEP_OK;
}

/* Makes everything that the description points to our own. */
static skep_status gateway_copy(skep_gateway *g)
{
    skep_gateway_desc *d = &g->desc;
    bool good = true;
    const char **texts[] = {&d->host,    &d->path,           &d->token,   &d->tls_cert,
                            &d->tls_key, &d->content_policy, &d->executor};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = gateway_keep(g, *texts[i], &good);
    for (uint32_t i = 0; i < d->document_count; i++) {
        g->documents[i].url = gateway_keep(g, d->documents[i].url, &good);
        g->documents[i].type = gateway_keep(g, d->documents[i].type, &good);
        g->documents[i].missing = gateway_keep(g, d->documents[i].missing, &good);
    }
    if (d->origin_count) {
        const size_t bytes = sizeof(skep__piece) + d->origin_count * sizeof(char *);
        skep__piece *piece = g->allocator.alloc(g->allocator.ctx, bytes, 16);
        if (!piece) return SKEP_NO_MEMORY;
        piece->next = g->pieces;
        piece->bytes = bytes;
        g->pieces = piece;
        const char **origins = (const char **)(piece + 1);
        for (uint32_t i = 0; i < d->origin_count; i++)
            origins[i] = gateway_keep(g, d->origins[i], &good);
        d->origins = origins;
    }
    return good ? SKEP_OK : SKEP_NO_MEMORY;
}

static skep_status gateway_mount(skep_gateway *g, const skep_gateway_mount *from, skep__mount *to)
{
    struct stat about;
    bool good = true;
    char url[256];
    size_t n = strlen(from->url);
    while (n && from->url[n - 1] == '/') n--;
    if (from->url[0] != '/' || n >= sizeof url)
        return gateway_wrong(g, "a folder's address must begin with a slash", from->url);
    memcpy(url, from->url, n);
    url[n] = 0;
    char *real = realpath(from->folder, NULL);
    if (!real || stat(real, &about) != 0 || !S_ISDIR(about.st_mode)) {
        gateway_say(g, "there is no such folder", from->folder);
        free(real);
        return SKEP_NOT_FOUND;
    }
    /* The root's own name ends with the slash that every name below it begins with. */
    if (strcmp(real, "/") == 0) real[0] = 0;
    to->url = gateway_keep(g, url, &good);
    to->folder = gateway_keep(g, real, &good);
    to->url_bytes = n;
    to->folder_bytes = strlen(real);
    free(real);
    return good ? SKEP_OK : SKEP_NO_MEMORY;
}

static skep_status gateway_texts(skep_gateway *g)
{
    char text[2048];
    bool good = true;
    const skep_gateway_desc *d = &g->desc;
    for (uint32_t i = 0; i < d->mount_count; i++) {
        const skep_status status = gateway_mount(g, &d->mounts[i], &g->mounts[i]);
        if (status != SKEP_OK) return status;
    }
    const int n = snprintf(text, sizeof text,
                           "cache-control: no-cache\r\n"
                           "content-security-policy: %s\r\n"
                           "cross-origin-opener-policy: same-origin\r\n"
                           "cross-origin-embedder-policy: require-corp\r\n"
                           "cross-origin-resource-policy: same-origin\r\n"
                           "x-content-type-options: nosniff\r\n"
                           "referrer-policy: no-referrer\r\n",
                           d->content_policy);
    if (n < 0 || (size_t)n >= sizeof text || strpbrk(d->content_policy, "\r\n"))
        return gateway_wrong(g, "the content policy is too long", NULL);
    g->file_headers = gateway_keep(g, text, &good);
    return good ? SKEP_OK : SKEP_NO_MEMORY;
}

/* ---- open and close ------------------------------------------------------------------------- */

static skep_status gateway_listen(skep_gateway *g)
{
    char text[256];
    bool good = true;
    const skep_gateway_desc *d = &g->desc;
    const skep_status status = skep__loop_open(g);
    if (status == SKEP_IO) {
        (void)snprintf(text, sizeof text,
                       "it cannot listen at %s, port %u: another program has it, the address is "
                       "not this machine's, or TLS files are wrong",
                       d->host, d->port);
        gateway_say(g, text, NULL);
    }
    if (status != SKEP_OK) return status;
    g->desc.port = (uint32_t)lws_get_vhost_listen_port(g->vhost);
    const bool any = strcmp(d->host, "0.0.0.0") == 0 || strcmp(d->host, "::") == 0;
    const bool six = strchr(d->host, ':') != NULL;
    (void)snprintf(text, sizeof text, "%s://%s%s%s:%u/", d->tls_cert ? "https" : "http",
                   six && !any ? "[" : "",
                   g->loopback && !six ? "localhost"
                   : any               ? "localhost"
                                       : d->host,
                   six && !any ? "]" : "", g->desc.port);
    g->url = gateway_keep(g, text, &good);
    return good ? SKEP_OK : SKEP_NO_MEMORY;
}

static void gateway_free(skep_gateway *g)
{
    skep_state *states[SKEP__HANDOVER_STATES];
    bool stop = false;
    skep_publisher_destroy(g->publisher);
    const uint32_t count = skep__handover_take(&g->handover, states, &stop);
    for (uint32_t i = 0; i < count; i++) skep_state_drop(states[i]);
    skep__handover_tell(&g->handover, &g->lines, &g->log);
    skep__handover_deinit(&g->handover);
    skep_feed_destroy(g->feed);
    const skep_allocator a = g->allocator;
    skep__array_free(&a, (void **)&g->box.bytes, &g->box.cap, 1);
    skep__array_free(&a, (void **)&g->players, &g->player_cap, sizeof *g->players);
    for (skep__piece *piece = g->pieces; piece;) {
        skep__piece *next = piece->next;
        a.free(a.ctx, piece, piece->bytes, 16);
        piece = next;
    }
    a.free(a.ctx, g, sizeof *g, 16);
}

static skep_status gateway_start(skep_gateway *g)
{
    gateway_defaults(g);
    skep_status status = gateway_check(g);
    if (status == SKEP_OK) status = gateway_texts(g);
    if (status == SKEP_OK) status = gateway_copy(g);
    if (status == SKEP_OK) status = skep_feed_create(g->world, &g->feed_desc, &g->feed);
    if (status == SKEP_OK) status = gateway_listen(g);
    if (status != SKEP_OK) return status;
    g->open_ns = skep__port_clock_ns();
    if (skep__port_thread_create(&g->thread, "skep-gateway", skep__loop_run, g)) return SKEP_OK;
    gateway_say(g, "the system has no thread left", NULL);
    return SKEP_LIMIT;
}

skep_status skep_gateway_open(skep_world *world, const skep_gateway_desc *desc,
                              skep_gateway **gateway)
{
    *gateway = NULL;
    if (!world || !desc || desc->canary != GATEWAY_CANARY) return SKEP_ARGUMENT;
    const skep_allocator a = desc->allocator.alloc ? desc->allocator : skep__port_allocator();
    skep_gateway *g = a.alloc(a.ctx, sizeof *g, 16);
    if (!g) return SKEP_NO_MEMORY;
    memset(g, 0, sizeof *g);
    g->allocator = a;
    g->desc = *desc;
    g->log = desc->log;
    g->world = world;
    skep__handover_init(&g->handover, &a);
    const skep_status status = gateway_start(g);
    if (status == SKEP_OK) {
        *gateway = g;
        return SKEP_OK;
    }
    skep__loop_close(g);
    gateway_free(g);
    return status;
}

void skep_gateway_close(skep_gateway *gateway)
{
    if (!gateway) return;
    /* Behind the lock, since the thread frees the context once it has seen the wish to stop. */
    skep__handover_lock(&gateway->handover);
    gateway->handover.stop = true;
    lws_cancel_service(gateway->context);
    skep__handover_unlock(&gateway->handover);
    skep__port_thread_join(&gateway->thread);
    gateway_free(gateway);
}

/* ---- frames --------------------------------------------------------------------------------- */

static skep__player *gateway_player(skep_gateway *g, uint32_t player)
{
    for (uint32_t i = 0; i < g->player_count; i++)
        if (g->players[i].player == player) return &g->players[i];
    return NULL;
}

static skep_status gateway_join(skep_gateway *g, uint32_t player)
{
    if (!skep__array_grow(&g->allocator, (void **)&g->players, &g->player_cap, g->player_count + 1,
                          sizeof *g->players))
        return SKEP_NO_MEMORY;
    const skep_status status = skep_feed_join(g->feed, player);
    if (status != SKEP_OK) return status == SKEP_EXISTS ? SKEP_OK : status;
    skep__player *p = &g->players[g->player_count++];
    p->player = player;
    p->own = skep_entity_null();
    if (g->desc.join) p->own = g->desc.join(g->desc.ctx, g->world, player);
    (void)skep_feed_own(g->feed, player, p->own);
    return SKEP_OK;
}

static void gateway_leave(skep_gateway *g, uint32_t player)
{
    skep__player *p = gateway_player(g, player);
    skep_feed_leave(g->feed, player);
    if (!p) return;
    const skep_entity own = p->own;
    *p = g->players[--g->player_count];
    if (g->desc.leave)
        g->desc.leave(g->desc.ctx, g->world, player, own);
    else if (g->desc.join)
        (void)!skep_entity_destroy(g->world, own);
}

static skep_status gateway_item(skep_gateway *g, const skep__handover_item *item,
                                const uint8_t *bytes)
{
    switch (item->kind) {
    case SKEP_PUBLISH_JOIN:
        return gateway_join(g, item->player);
    case SKEP_PUBLISH_LEAVE:
        gateway_leave(g, item->player);
        return SKEP_OK;
    default: {
        const skep_publish_event input = {.kind = SKEP_PUBLISH_INPUT,
                                          .player = item->player,
                                          .bytes = bytes,
                                          .size = item->size,
                                          .number = item->number,
                                          .tick = item->tick,
                                          .replica = item->replica};
        return skep_feed_input(g->feed, &input);
    }
    }
}

skep_status skep_gateway_begin(skep_gateway *gateway)
{
    skep_gateway *g = gateway;
    skep__handover_tell(&g->handover, &g->lines, &g->log);
    if (g->box.used == 0) skep__handover_swap(&g->handover, &g->box);
    while (g->box_at < g->box.used) {
        skep__handover_item item;
        memcpy(&item, g->box.bytes + g->box_at, sizeof item);
        const uint8_t *bytes = g->box.bytes + g->box_at + sizeof item;
        const skep_status status = gateway_item(g, &item, bytes);
        if (status != SKEP_OK) return status;
        g->box_at += (uint32_t)sizeof item + ((item.size + 7u) & ~7u);
    }
    g->box.used = 0;
    g->box_at = 0;
    const skep_status status = skep_feed_begin(g->feed);
    g->frame_begin_ns = skep__port_clock_ns();
    return status;
}

skep_status skep_gateway_end(skep_gateway *gateway)
{
    skep_gateway *g = gateway;
    const uint64_t now = skep__port_clock_ns();
    const uint64_t frame = g->frame_begin_ns ? now - g->frame_begin_ns : 0;
    g->frame_begin_ns = 0;
    skep_state *state = NULL;
    const skep_status status = skep_feed_end(g->feed, true, &state);
    const bool lost = state && !skep__handover_give(&g->handover, state);
    if (lost) skep_state_drop(state);
    skep__handover_lock(&g->handover);
    skep_gateway_stats *s = &g->handover.world;
    s->frames++;
    s->frame_ns += frame;
    if (frame > s->frame_max_ns) s->frame_max_ns = frame;
    s->states_lost += lost;
    s->players = g->player_count;
    g->handover.frame_end_ns = now;
    skep__handover_unlock(&g->handover);
    if (state && !lost) lws_cancel_service(g->context);
    return status;
}

/* ---- the rest ------------------------------------------------------------------------------- */

skep_status skep_gateway_own(skep_gateway *gateway, uint32_t player, skep_entity entity)
{
    skep__player *p = gateway_player(gateway, player);
    if (p) p->own = entity;
    return skep_feed_own(gateway->feed, player, entity);
}

uint32_t skep_gateway_port(const skep_gateway *gateway)
{
    return gateway->desc.port;
}

const char *skep_gateway_url(const skep_gateway *gateway)
{
    return gateway->url;
}

skep_gateway_stats skep_gateway_stats_of(skep_gateway *gateway)
{
    skep__handover *h = &gateway->handover;
    skep__handover_lock(h);
    skep_gateway_stats s = h->wire;
    skep__figures_world(&s, &h->world);
    skep__handover_unlock(h);
    return s;
}
