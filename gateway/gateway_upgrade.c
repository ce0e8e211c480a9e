/* SPDX-License-Identifier: MIT */
/* Who may become a WebSocket, and who may read documents. Everything is looked at before the
 * upgrade completes, and every refusal is an answer that says why.
 *
 * Browsers let any page open a WebSocket to anywhere and say in Origin which page it was; so Origin
 * must be the gateway's own (what Host says) or one of a list. A name of the attacker's that was
 * pointed at this machine after the page was loaded would be its own Origin and Host; therefore a
 * gateway that only this machine can reach wants to be called localhost, by an address, or by the
 * host of a listed origin. Programs that are no browsers send no Origin; for them there are tokens.
 */
#include "gateway/gateway_internal.h"

#include <strings.h>

#define UPGRADE_TEXT 512u
#define UPGRADE_TOKEN 4096u

/* Compares in time that depends on `given` alone. */
static bool upgrade_same_secret(const char *secret, const void *given, size_t given_bytes)
{
    const unsigned char *a = given;
    const unsigned char *b = (const unsigned char *)secret;
    const size_t bytes = strlen(secret);
    size_t differs = bytes ^ given_bytes;
    for (size_t i = 0, j = 0; i < given_bytes; i++) {
        differs |= (size_t)(a[i] ^ b[j]);
        if (++j >= bytes) j = 0;
    }
    return differs == 0;
}

const char *skep__upgrade_admit(skep__conn *c, const void *token, size_t token_bytes)
{
    const skep_gateway_desc *d = &c->gateway->desc;
    skep_gateway_ask ask;
    ask.address = c->address;
    ask.token = token;
    ask.token_bytes = token_bytes;
    ask.token_good =
        c->admitted || !d->token || (token && upgrade_same_secret(d->token, token, token_bytes));
    if (skep__handover_full(&c->gateway->handover)) return "the server is too busy";
    if (d->check && !c->admitted) return d->check(d->ctx, &ask);
    if (ask.token_good) return NULL;
    return token_bytes ? "the token is not the right one" : "a token is needed";
}

/* ---- Origin and Host ------------------------------------------------------------------------ */

/* The part of an origin or address that Host has too: behind "scheme://". */
static const char *upgrade_host(const char *origin)
{
    const char *host = strstr(origin, "://");
    return host ? host + 3 : origin;
}

static bool upgrade_listed(const skep_gateway_desc *d, const char *origin)
{
    for (uint32_t i = 0; i < d->origin_count; i++)
        if (strcmp(d->origins[i], "*") == 0 || strcasecmp(d->origins[i], origin) == 0) return true;
    return false;
}

static bool upgrade_origin_good(const skep_gateway_desc *d, const char *origin, const char *host)
{
    if (!origin[0] || upgrade_listed(d, origin)) return true;
    const bool web = strncmp(origin, "http://", 7) == 0 || strncmp(origin, "https://", 8) == 0;
    return web && strcasecmp(upgrade_host(origin), host) == 0;
}

/* Whether Host names this machine: "localhost", "127.0.0.1:8080", "[::1]:8080", or a listed one. */
static bool upgrade_host_good(const skep_gateway *g, const char *host)
{
    if (!g->loopback) return true;
    for (uint32_t i = 0; i < g->desc.origin_count; i++) {
        const char *origin = g->desc.origins[i];
        if (strcmp(origin, "*") == 0 || strcasecmp(upgrade_host(origin), host) == 0) return true;
    }
    const size_t name = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    if (name == 9 && strncasecmp(host, "localhost", 9) == 0) return true;
    if (name == 5 && strncmp(host, "[::1]", 5) == 0) return true;
    return strspn(host, "0123456789.") == name && strncmp(host, "127.", 4) == 0;
}

/* ---- the request ---------------------------------------------------------------------------- */

/* Whether a comma-separated header names our subprotocol. */
static bool upgrade_protocol_good(const char *list)
{
    const size_t bytes = strlen(SKEP__PROTOCOL);
    while (*list) {
        list += strspn(list, " \t,");
        const size_t n = strcspn(list, " \t,");
        if (n == bytes && memcmp(list, SKEP__PROTOCOL, n) == 0) return true;
        list += n;
    }
    return false;
}

/* Copies a header; an empty text where there is none, false where it is too long. */
static bool upgrade_header(struct lws *wsi, enum lws_token_indexes token, char *text)
{
    text[0] = 0;
    return lws_hdr_total_length(wsi, token) < (int)UPGRADE_TEXT &&
           lws_hdr_copy(wsi, text, (int)UPGRADE_TEXT, token) >= 0;
}

static int upgrade_refuse(skep__conn *c, uint32_t status, const char *reason)
{
    skep_gateway *g = c->gateway;
    g->stats.refused++;
    skep__handover_say(&g->handover, SKEP_LOG_WARN, "refused: %s: %s", c->address, reason);
    return skep__http_answer(c, status, "text/plain", reason, strlen(reason)) ? 1 : -1;
}

/* Whether Host is missing or names another machine: then the result is not 0. */
static int upgrade_host_check(skep__conn *c, char *host)
{
    char line[2 * UPGRADE_TEXT];
    if (!upgrade_header(c->wsi, WSI_TOKEN_HOST, host) || !host[0])
        return upgrade_refuse(c, 400, "Host is missing or too long");
    if (upgrade_host_good(c->gateway, host)) return 0;
    (void)snprintf(line, sizeof line, "the host \"%s\" is not this machine (--origin adds it)",
                   host);
    return upgrade_refuse(c, 403, line);
}

int skep__upgrade_reader(skep__conn *c)
{
    char host[UPGRADE_TEXT], text[UPGRADE_TOKEN];
    const int refused = upgrade_host_check(c, host);
    if (refused) return refused;
    const char *token = NULL;
    const int bytes = lws_hdr_copy(c->wsi, text, (int)sizeof text, WSI_TOKEN_HTTP_AUTHORIZATION);
    if (bytes > 0 && strncasecmp(text, "Bearer ", 7) == 0)
        token = text + 7 + strspn(text + 7, " ");
    else
        token = lws_get_urlarg_by_name(c->wsi, "token=", text, (int)sizeof text);
    const char *reason = skep__upgrade_admit(c, token, token ? strlen(token) : 0);
    return reason ? upgrade_refuse(c, 401, reason) : 0;
}

/* The token of the address, where it has one. */
static int upgrade_token(skep__conn *c)
{
    char text[UPGRADE_TOKEN];
    const char *token = lws_get_urlarg_by_name(c->wsi, "token=", text, (int)sizeof text);
    if (!token) return 0;
    const char *reason = skep__upgrade_admit(c, token, strlen(token));
    if (reason) return upgrade_refuse(c, 401, reason);
    c->admitted = true;
    return 0;
}

int skep__upgrade_check(skep__conn *c, const char *what)
{
    skep_gateway *g = c->gateway;
    char host[UPGRADE_TEXT], origin[UPGRADE_TEXT], text[UPGRADE_TEXT], line[2 * UPGRADE_TEXT];
    char *uri = NULL;
    int uri_bytes = 0;
    g->stats.requests++;
    if (strcasecmp(what, "websocket") != 0 || g->stop_ns) return -1;
    if (lws_http_get_uri_and_method(c->wsi, &uri, &uri_bytes) != LWSHUMETH_GET || !uri)
        return upgrade_refuse(c, 405, "a WebSocket begins with GET");
    if (strcmp(uri, g->desc.path) != 0) return upgrade_refuse(c, 404, "no WebSocket is here");
    const int refused = upgrade_host_check(c, host);
    if (refused) return refused;
    if (!upgrade_header(c->wsi, WSI_TOKEN_ORIGIN, origin))
        return upgrade_refuse(c, 403, "Origin is too long");
    if (!upgrade_origin_good(&g->desc, origin, host)) {
        (void)snprintf(line, sizeof line, "the origin \"%s\" is not allowed (--origin adds it)",
                       origin);
        return upgrade_refuse(c, 403, line);
    }
    if (!upgrade_header(c->wsi, WSI_TOKEN_VERSION, text) || strcmp(text, "13") != 0)
        return upgrade_refuse(c, 426, "Sec-WebSocket-Version must be 13");
    if (!upgrade_header(c->wsi, WSI_TOKEN_KEY, text) || strlen(text) != 24)
        return upgrade_refuse(c, 400, "Sec-WebSocket-Key is missing or wrong");
    if (!upgrade_header(c->wsi, WSI_TOKEN_PROTOCOL, text) || !upgrade_protocol_good(text))
        return upgrade_refuse(c, 400, "the subprotocol must be " SKEP__PROTOCOL);
    return upgrade_token(c);
}
