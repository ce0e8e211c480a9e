/* SPDX-License-Identifier: MIT */
/* Pages and figures over HTTP.
 *
 * A path is looked up in two steps: the mount with the longest matching address, then the real path
 * of what it names, which must lie below the mount's own; so neither ".." nor a link leads out.
 * Names that begin with a dot are not shown at all. lws sends files by itself, in parts; everything
 * else is small and goes out at once, through the gateway's one scratch buffer. */
#include "gateway/gateway_internal.h"

#include <stdlib.h>
#include <sys/stat.h>

#define HTTP_PATH_MAX 4096u
#define HTTP_HEAD_BYTES 2048u

typedef struct http_type {
    const char *ending;
    const char *type;
} http_type;

static const http_type http_types[] = {
    {"html", "text/html; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"geojson", "application/geo+json"},
    {"webmanifest", "application/manifest+json"},
    {"wasm", "application/wasm"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"ico", "image/x-icon"},
    {"woff2", "font/woff2"},
    {"mp3", "audio/mpeg"},
    {"ogg", "audio/ogg"},
    {"wav", "audio/wav"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
    {"pdf", "application/pdf"},
};

const char *skep__http_type_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    for (size_t i = 0; dot && i < sizeof http_types / sizeof http_types[0]; i++)
        if (strcmp(dot + 1, http_types[i].ending) == 0) return http_types[i].type;
    return "application/octet-stream";
}

/* ---- small answers -------------------------------------------------------------------------- */

static bool http_header(struct lws *wsi, const char *name, const char *value, unsigned char **at,
                        unsigned char *end)
{
    return lws_add_http_header_by_name(wsi, (const unsigned char *)name,
                                       (const unsigned char *)value, (int)strlen(value), at,
                                       end) == 0;
}

bool skep__http_head(skep__conn *c, uint32_t status, const char *type, const char *tag,
                     size_t body_bytes)
{
    unsigned char head[LWS_PRE + HTTP_HEAD_BYTES];
    unsigned char *begin = head + LWS_PRE, *at = begin, *end = head + sizeof head;
    struct lws *wsi = c->wsi;
    bool good =
        lws_add_http_header_status(wsi, status, &at, end) == 0 &&
        http_header(wsi, "content-type:", type, &at, end) &&
        (status == 204 || lws_add_http_header_content_length(wsi, body_bytes, &at, end) == 0) &&
        http_header(wsi, "cache-control:", "no-store", &at, end) &&
        http_header(wsi, "x-content-type-options:", "nosniff", &at, end);
    if (good && status == 426)
        good = http_header(wsi, "sec-websocket-version:", "13", &at, end) &&
               http_header(wsi, "upgrade:", "websocket", &at, end);
    if (good && tag)
        good = http_header(wsi, "etag:", tag, &at, end) &&
               http_header(wsi, "cross-origin-resource-policy:", "same-origin", &at, end);
    if (good && status == 401) good = http_header(wsi, "www-authenticate:", "Bearer", &at, end);
    if (good && status == 405) good = http_header(wsi, "allow:", "GET, HEAD", &at, end);
    return good && lws_finalize_write_http_header(wsi, begin, &at, end) == 0;
}

bool skep__http_answer(skep__conn *c, uint32_t status, const char *type, const char *body,
                       size_t body_bytes)
{
    unsigned char *text = c->gateway->scratch + LWS_PRE;
    SKEP_ASSERT(body_bytes <= SKEP__GATEWAY_SCRATCH);
    memmove(text, body, body_bytes);
    c->phase = SKEP__CONN_REQUEST;
    c->since_ns = skep__port_clock_ns();
    if (!skep__http_head(c, status, type, NULL, body_bytes)) return false;
    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_HEAD_URI) > 0) return true;
    return lws_write(c->wsi, text, body_bytes, LWS_WRITE_HTTP_FINAL) >= 0;
}

int skep__http_done(skep__conn *c, bool good)
{
    return !good || lws_http_transaction_completed(c->wsi) ? -1 : 0;
}

int skep__http_text(skep__conn *c, uint32_t status, const char *text)
{
    return skep__http_done(
        c, skep__http_answer(c, status, "text/plain; charset=utf-8", text, strlen(text)));
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Whether a path has nothing that no file of ours has: names that begin with a dot, backslashes,
 * control characters. */
static bool http_path_good(const char *path)
{
    for (const char *p = path; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\\') return false;
        if (*p == '/' && p[1] == '.') return false;
    }
    return true;
}

static const skep__mount *http_mount(const skep_gateway *g, const char *uri)
{
    const skep__mount *best = NULL;
    for (uint32_t i = 0; i < g->desc.mount_count; i++) {
        const skep__mount *m = &g->mounts[i];
        const bool under = strncmp(uri, m->url, m->url_bytes) == 0 &&
                           (uri[m->url_bytes] == '/' || uri[m->url_bytes] == 0);
        if (under && (!best || m->url_bytes > best->url_bytes)) best = m;
    }
    return best;
}

/* Finds the file that an address means, as a real path in `path`. */
static bool http_find(const skep__mount *m, const char *rest, char *path, struct stat *about)
{
    char wanted[HTTP_PATH_MAX];
    const int n = snprintf(wanted, sizeof wanted, "%s%s", m->folder, rest);
    if (n < 0 || (size_t)n >= sizeof wanted) return false;
    char *real = realpath(wanted, NULL);
    if (!real) return false;
    const size_t bytes = strlen(real);
    const bool inside = bytes < HTTP_PATH_MAX && strncmp(real, m->folder, m->folder_bytes) == 0 &&
                        (real[m->folder_bytes] == '/' || real[m->folder_bytes] == 0);
    if (inside) memcpy(path, real, bytes + 1);
    free(real);
    return inside && stat(path, about) == 0;
}

/* Sends a file, or says that the browser has it already. */
static int http_file(skep__conn *c, const char *path, const struct stat *about)
{
    char tag[64], known[64] = "";
    char *headers = (char *)c->gateway->scratch;
    const size_t max = sizeof c->gateway->scratch;
    (void)snprintf(tag, sizeof tag, "\"%llx-%llx%09lx\"", (unsigned long long)about->st_size,
                   (unsigned long long)about->st_mtim.tv_sec, (long)about->st_mtim.tv_nsec);
    const int n = snprintf(headers, max, "%setag: %s\r\n", c->gateway->file_headers, tag);
    if (n < 0 || (size_t)n >= max) return -1;
    if (lws_hdr_copy(c->wsi, known, (int)sizeof known, WSI_TOKEN_HTTP_IF_NONE_MATCH) > 0 &&
        strcmp(known, tag) == 0)
        return skep__http_done(c, skep__http_answer(c, 304, skep__http_type_of(path), "", 0));
    const bool head = lws_hdr_total_length(c->wsi, WSI_TOKEN_HEAD_URI) > 0;
    c->phase = head ? SKEP__CONN_REQUEST : SKEP__CONN_ANSWER;
    c->since_ns = skep__port_clock_ns();
    const int sent = lws_serve_http_file(c->wsi, path, skep__http_type_of(path), headers, n);
    if (sent == 0) return 0;
    c->phase = SKEP__CONN_REQUEST;
    return skep__http_done(c, sent > 0);
}

/* A folder without a slash at the end of its name: links of its page would lead elsewhere. */
static int http_redirect(skep__conn *c, const char *uri)
{
    unsigned char head[LWS_PRE + HTTP_HEAD_BYTES];
    unsigned char *begin = head + LWS_PRE, *at = begin, *end = head + sizeof head;
    char to[1024];
    if ((size_t)snprintf(to, sizeof to, "%s/", uri) >= sizeof to || to[1] == '/')
        return skep__http_text(c, 404, "there is no such file\n");
    c->since_ns = skep__port_clock_ns();
    const bool good = lws_add_http_header_status(c->wsi, 301, &at, end) == 0 &&
                      http_header(c->wsi, "location:", to, &at, end) &&
                      lws_add_http_header_content_length(c->wsi, 0, &at, end) == 0 &&
                      lws_finalize_write_http_header(c->wsi, begin, &at, end) == 0;
    return skep__http_done(c, good);
}

static int http_page(skep__conn *c, const char *uri)
{
    char path[HTTP_PATH_MAX], rest[HTTP_PATH_MAX];
    struct stat about;
    const skep__mount *m = http_path_good(uri) ? http_mount(c->gateway, uri) : NULL;
    if (!m || !http_find(m, uri + m->url_bytes, path, &about))
        return skep__http_text(c, 404, "there is no such file\n");
    if (S_ISDIR(about.st_mode)) {
        if (uri[strlen(uri) - 1] != '/') return http_redirect(c, uri);
        (void)snprintf(rest, sizeof rest, "%sindex.html", uri + m->url_bytes);
        if (!http_find(m, rest, path, &about))
            return skep__http_text(c, 404, "there is no page here\n");
    }
    if (!S_ISREG(about.st_mode)) return skep__http_text(c, 404, "there is no such file\n");
    return http_file(c, path, &about);
}

/* ---- requests ------------------------------------------------------------------------------- */

static int http_figures(skep__conn *c, bool metrics)
{
    skep_gateway *g = c->gateway;
    char *text = (char *)g->scratch + LWS_PRE;
    bool good = true;
    const size_t n = metrics ? skep__figures_metrics(g, text, SKEP__GATEWAY_SCRATCH)
                             : skep__figures_health(g, text, SKEP__GATEWAY_SCRATCH, &good);
    const char *type = metrics ? "text/plain; version=0.0.4; charset=utf-8" : "application/json";
    return skep__http_done(c, skep__http_answer(c, good ? 200 : 503, type, text, n));
}

int skep__http_request(skep__conn *c, const char *uri, size_t uri_bytes)
{
    skep_gateway *g = c->gateway;
    g->stats.requests++;
    const bool get = lws_hdr_total_length(c->wsi, WSI_TOKEN_GET_URI) > 0;
    if (!get && lws_hdr_total_length(c->wsi, WSI_TOKEN_HEAD_URI) <= 0) {
        /* What else there is to read of it is not looked at. */
        (void)skep__http_text(c, 405, "only GET and HEAD\n");
        return -1;
    }
    if (strlen(uri) != uri_bytes || uri[0] != '/')
        return skep__http_text(c, 400, "a strange address\n");
    if (strcmp(uri, "/healthz") == 0) return http_figures(c, false);
    if (strcmp(uri, "/metrics") == 0) return http_figures(c, true);
    const uint32_t document = skep__document_find(g, uri);
    if (document < SKEP_GATEWAY_DOCUMENTS_MAX) return skep__document_request(c, document);
    if (strcmp(uri, g->desc.path) == 0)
        return skep__http_text(c, 426, "this is a WebSocket, subprotocol " SKEP__PROTOCOL "\n");
    if (g->desc.mount_count == 0 && strcmp(uri, "/") == 0)
        return skep__http_text(c, 200, "skep is here; it serves a live world, and no pages\n");
    return http_page(c, uri);
}
