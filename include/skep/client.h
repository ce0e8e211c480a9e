/* SPDX-License-Identifier: MIT */
/* A connection for a view (skep/view.h): WebSocket, TLS, and connecting again when it breaks.
 *
 *     desc = skep_client_desc_default();
 *     desc.url = "ws://localhost:8080/";
 *     skep_client_open(&desc, &client);
 *     while (running) {
 *         skep_client_service(client, 16);       sends, receives, connects; waits at most 16 ms
 *         skep_view_frame(skep_client_view(client), now);
 *         ...
 *     }
 *     skep_client_close(client);
 *
 * One thread's, and no thread of its own. Part of the library skep_gateway, which is built where
 * libwebsockets is; skep/skep.h does not include this header. */
#ifndef SKEP_CLIENT_H
#define SKEP_CLIENT_H

#include "skep/view.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A connection with its view; see skep_client_open. */
typedef struct skep_client skep_client;

/* What to open a client with; begin with skep_client_desc_default(). Zero is the default of every
 * member. Texts are needed during skep_client_open only. */
typedef struct skep_client_desc {
    uint32_t canary;       /* set by skep_client_desc_default */
    uint32_t retry_min_ms; /* until it connects again; 250, then more and more, unevenly */
    uint32_t retry_max_ms; /* at most; 10,000 */
    bool insecure;         /* TLS: take any certificate */
    const char *url;       /* ws://HOST:PORT/PATH, or wss, http, https; without a path: /world */
    const char *ca_file;   /* TLS: certificates (PEM) to believe; NULL: those of the system */
    skep_view_desc view;   /* allocator and log may be left zero */
    skep_log log;          /* connected, lost, and why */
} skep_client_desc;

/* Returns the defaults. Any thread. */
SKEP_API skep_client_desc skep_client_desc_default(void);

/* Opens a view and begins to connect it. SKEP_ARGUMENT with the reason in the log, as for a url
 * that is none; SKEP_NO_MEMORY. */
SKEP_API SKEP_NODISCARD skep_status skep_client_open(const skep_client_desc *desc,
                                                     skep_client **client);

/* Says goodbye where it is connected, waits for that a fifth of a second at most, and frees
 * everything with the view; NULL is fine. */
SKEP_API void skep_client_close(skep_client *client);

/* Does what there is to do, and waits for something to do at most `wait_ms`. False once the view is
 * CLOSED. */
SKEP_API bool skep_client_service(skep_client *client, uint32_t wait_ms);

/* Returns the view; it belongs to the client. */
SKEP_API skep_view *skep_client_view(const skep_client *client);

/* Returns nanoseconds of the clock that the view is given, for skep_view_frame. */
SKEP_API uint64_t skep_client_now(const skep_client *client);

/* Returns why the last attempt to connect failed or the last connection broke, a sentence; empty
 * when none did. Valid until the next skep_client_service. */
SKEP_API const char *skep_client_trouble(const skep_client *client);

#ifdef __cplusplus
}
#endif

#endif
