/* SPDX-License-Identifier: MIT */
/* Documents: bytes that the world's thread shows, sent in parts to whoever asks.
 *
 * What is sent is a version that stays as it is (handover.h); the connection holds it until its
 * last part is out. Parts go through the gateway's scratch buffer, since lws may write before what
 * it sends, and others read the same bytes. */
#include "gateway/gateway_internal.h"

#define DOCUMENT_TAG 48u

/* ---- the world's thread ---------------------------------------------------------------------- */

uint32_t skep__document_find(const skep_gateway *g, const char *uri)
{
    for (uint32_t i = 0; i < g->desc.document_count; i++)
        if (strcmp(g->documents[i].url, uri) == 0) return i;
    return SKEP_GATEWAY_DOCUMENTS_MAX;
}

bool skep_gateway_wanted(const skep_gateway *gateway, const char *url)
{
    const uint32_t i = skep__document_find(gateway, url);
    if (i == SKEP_GATEWAY_DOCUMENTS_MAX) return false;
    const uint64_t asked =
        atomic_load_explicit(&gateway->handover.documents[i].asked_ns, memory_order_relaxed);
    if (asked == 0) return false;
    const uint64_t now = skep__port_clock_ns();
    return now < asked || (now - asked) / 1000000u < SKEP_GATEWAY_WANTED_MS;
}

skep_status skep_gateway_show(skep_gateway *gateway, const char *url, const void *bytes,
                              size_t count)
{
    const uint32_t i = skep__document_find(gateway, url);
    if (i == SKEP_GATEWAY_DOCUMENTS_MAX) return SKEP_NOT_FOUND;
    if (count > SKEP_GATEWAY_DOCUMENT_BYTES_MAX) return SKEP_LIMIT;
    return skep__handover_show(&gateway->handover, &gateway->handover.documents[i], bytes,
                               (uint32_t)count);
}

/* ---- the description ------------------------------------------------------------------------ */

skep_status skep__document_check(const skep_gateway *g, const char **what)
{
    const skep_gateway_desc *d = &g->desc;
    *what = NULL;
    if (d->document_count > SKEP_GATEWAY_DOCUMENTS_MAX) return SKEP_ARGUMENT;
    for (uint32_t i = 0; i < d->document_count; i++) {
        const char *url = d->documents[i].url;
        *what = url ? url : "NULL";
        bool good = url && url[0] == '/' && url[1] && strcmp(url, d->path) != 0 &&
                    strcmp(url, "/healthz") != 0 && strcmp(url, "/metrics") != 0;
        for (uint32_t k = 0; k < i; k++) good = good && strcmp(url, d->documents[k].url) != 0;
        if (!good) return SKEP_ARGUMENT;
    }
    return SKEP_OK;
}

/* ---- the gateway's thread -------------------------------------------------------------------- */

void skep__document_forget(skep__conn *c)
{
    skep__handover *h = &c->gateway->handover;
    if (c->copy) skep__handover_done(h, &h->documents[c->copy_of], c->copy);
    c->copy = NULL;
}

void skep__document_look(skep_gateway *g)
{
    for (uint32_t i = 0; i < g->desc.document_count; i++) {
        const uint64_t oldest = skep__handover_crowded(&g->handover, &g->handover.documents[i]);
        for (skep__conn *c = g->conns; oldest && c; c = c->next)
            if (c->copy && c->copy_of == i && c->copy->number == oldest) skep__conn_kill(c);
    }
}

int skep__document_writable(skep__conn *c)
{
    if (!c->copy) return 0;
    unsigned char *part = c->gateway->scratch + LWS_PRE;
    const uint32_t rest = c->copy->used - c->copy_at;
    const uint32_t count = rest < SKEP__GATEWAY_SCRATCH ? rest : SKEP__GATEWAY_SCRATCH;
    const bool last = count == rest;
    memcpy(part, c->copy->bytes + c->copy_at, count);
    c->copy_at += count;
    c->waits_ns = skep__port_clock_ns();
    /* What the system does not take at once lws keeps, and asks no sooner for more. */
    if (lws_write(c->wsi, part, count, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0) return -1;
    if (!last) {
        lws_callback_on_writable(c->wsi);
        return 0;
    }
    skep__document_forget(c);
    c->phase = SKEP__CONN_REQUEST;
    c->since_ns = c->waits_ns;
    c->waits_ns = 0;
    return skep__http_done(c, true);
}

/* Begins to send what the connection holds. */
static int document_send(skep__conn *c, const char *type, const char *tag)
{
    const bool head = lws_hdr_total_length(c->wsi, WSI_TOKEN_HEAD_URI) > 0;
    const bool good = skep__http_head(c, 200, type, tag, c->copy->used);
    c->since_ns = skep__port_clock_ns();
    if (head || !good) {
        skep__document_forget(c);
        return skep__http_done(c, good);
    }
    c->phase = SKEP__CONN_ANSWER;
    c->waits_ns = c->since_ns;
    c->copy_at = 0;
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0); /* drain_ms counts */
    lws_callback_on_writable(c->wsi);
    return 0;
}

int skep__document_request(skep__conn *c, uint32_t document)
{
    skep_gateway *g = c->gateway;
    char tag[DOCUMENT_TAG], known[DOCUMENT_TAG] = "";
    const skep_gateway_document *about = &g->documents[document];
    skep__handover_document *d = &g->handover.documents[document];
    const int refused = skep__upgrade_reader(c);
    if (refused) return skep__http_done(c, refused > 0);
    if (about->missing) return skep__http_text(c, 404, about->missing);
    atomic_store_explicit(&d->asked_ns, skep__port_clock_ns(), memory_order_relaxed);
    c->copy = skep__handover_read(&g->handover, d);
    c->copy_of = document;
    const char *type = about->type ? about->type : skep__http_type_of(about->url);
    if (!c->copy) return skep__http_done(c, skep__http_answer(c, 204, type, "", 0));
    (void)snprintf(tag, sizeof tag, "\"%llx-%llx\"", (unsigned long long)g->open_ns,
                   (unsigned long long)c->copy->number);
    if (lws_hdr_copy(c->wsi, known, (int)sizeof known, WSI_TOKEN_HTTP_IF_NONE_MATCH) <= 0 ||
        strcmp(known, tag) != 0)
        return document_send(c, type, tag);
    skep__document_forget(c);
    return skep__http_done(c, skep__http_answer(c, 304, type, "", 0));
}
