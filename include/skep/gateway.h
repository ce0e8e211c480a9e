/* SPDX-License-Identifier: MIT */
/* A server for a live world: web pages, WebSocket connections and figures, on a thread of its own.
 *
 *     desc = skep_gateway_desc_default();
 *     desc.publish.replicas = ...;               what of the world is published
 *     desc.join = give_ship;                     returns the entity that a new player owns
 *     skep_gateway_open(world, &desc, &gateway);
 *     every frame:
 *         skep_gateway_begin(gateway);           joins, leaves and inputs reach the world
 *         skep_sim_step(sim, dt);
 *         skep_gateway_end(gateway);             every few frames a state goes out
 *     skep_gateway_close(gateway);               BYE to all, in bounded time
 *
 * Everything that depends on a network happens on the gateway's thread: begin and end take a few
 * microseconds whatever the clients do. The gateway owns a feed and a publisher (skep/publish.h)
 * and moves their messages over WebSocket, subprotocol skep.v1, one binary message a frame. It also
 * serves files from folders, GET /healthz (JSON) and GET /metrics (Prometheus).
 *
 * Part of the library skep_gateway, which is built where libwebsockets is; skep/skep.h does not
 * include this header. Calls come from the world's thread unless said otherwise. */
#ifndef SKEP_GATEWAY_H
#define SKEP_GATEWAY_H

#include "skep/publish.h"
#include "skep/world.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A server; see skep_gateway_open. */
typedef struct skep_gateway skep_gateway;

/* Files below a folder, shown below a path. Nothing outside of the folder is ever shown, whatever
 * links in it say, and no file whose name begins with a dot. */
typedef struct skep_gateway_mount {
    const char *url;    /* "/" or "/maps": begins with a slash */
    const char *folder; /* there must be one of this name when the gateway is opened */
} skep_gateway_mount;

/* The most documents of a gateway, and the most bytes of one. */
#define SKEP_GATEWAY_DOCUMENTS_MAX 8u
#define SKEP_GATEWAY_DOCUMENT_BYTES_MAX ((size_t)16 << 20)
/* For so long after somebody asked for a document it counts as wanted. */
#define SKEP_GATEWAY_WANTED_MS 3000u

/* Bytes that the world's thread shows at an address, and replaces as it likes: what a page asks for
 * again and again, such as a trace of the last seconds. Whoever may connect may read it (with a
 * token: `Authorization: Bearer TOKEN`, or ?token=); pages of other servers may not. An ETag tells
 * a client that nothing is new (304); 204 says that nothing is shown yet. */
typedef struct skep_gateway_document {
    const char *url;     /* "/trace.skept": begins with a slash; goes before files of that name */
    const char *type;    /* Content-Type; NULL: as of a file with the url's ending */
    const char *missing; /* there is none, for this reason: a text for people, told with 404;
                            NULL: there is one */
} skep_gateway_document;

/* Somebody who asks to be let in. */
typedef struct skep_gateway_ask {
    const char *address; /* of the other end, as text; behind a proxy the proxy's */
    const void *token;   /* what he showed, or NULL */
    size_t token_bytes;  /* of token */
    bool token_good;     /* it is desc.token, or none is asked for */
} skep_gateway_ask;

/* What to open a gateway with; begin with skep_gateway_desc_default(). Zero is the default of every
 * member unless said otherwise. Texts and lists are needed during skep_gateway_open only; what
 * `publish` points to is needed while the gateway lives. */
typedef struct skep_gateway_desc {
    uint32_t canary;                  /* set by skep_gateway_desc_default */
    uint32_t port;                    /* 0: a free one; skep_gateway_port tells which */
    const char *host;                 /* address to listen at; "127.0.0.1": this machine alone */
    const char *path;                 /* of the WebSocket; "/world" */
    const char *token;                /* that clients must show; NULL: none */
    const char *tls_cert;             /* file with the certificate chain (PEM); NULL: no TLS */
    const char *tls_key;              /* file with its key */
    uint32_t origin_count;            /* of origins */
    uint32_t mount_count;             /* of mounts, at most 16 */
    uint32_t document_count;          /* of documents, at most SKEP_GATEWAY_DOCUMENTS_MAX */
    const char *const *origins;       /* pages that may connect beside the gateway's own, such as
                                         "https://example.org"; "*": all of them */
    const skep_gateway_mount *mounts; /* folders to be served */
    const skep_gateway_document *documents; /* what skep_gateway_show shows */
    const char *content_policy; /* Content-Security-Policy of files; NULL: nothing from other
                                   servers, wasm allowed */
    const char *executor;       /* where the world's jobs run, a name for /healthz such as
                                   "threads"; NULL: not told */
    uint32_t workers;           /* threads beside the world's own, for /healthz too */
    uint32_t connection_max;    /* of all kinds; session_max + 256 */
    uint32_t address_max;       /* connections from one address; 64 */
    uint32_t header_ms;         /* for a request or TLS handshake to come in; 5,000 */
    uint32_t
        drain_ms; /* that a client may take to accept one message; 30,000, then it is cut off */
    uint32_t close_ms; /* that skep_gateway_close waits for farewells; 2,000 */

    /* Returns the entity that a new player is to own, or null. Called by skep_gateway_begin. */
    skep_entity (*join)(void *ctx, skep_world *world, uint32_t player);
    /* Says that a player is gone for good; `own` is what `join` returned. Called by
     * skep_gateway_begin; NULL: the entity is destroyed. */
    void (*leave)(void *ctx, skep_world *world, uint32_t player, skep_entity own);
    /* Returns NULL to let somebody in, else a sentence that says why not (static text). NULL: who
     * shows the token comes in. On the gateway's thread: nothing of the world may be touched. */
    const char *(*check)(void *ctx, const skep_gateway_ask *ask);
    void *ctx;                 /* for the three */
    skep_publish_desc publish; /* what is published; random, allocator and log may be left zero */
    skep_log log;              /* who came and went, and what was refused; lines come by
                                  skep_gateway_begin, open and close, on their thread */
    skep_allocator allocator;  /* all zero: the C heap */
} skep_gateway_desc;

/* Returns the defaults. Any thread. */
SKEP_API skep_gateway_desc skep_gateway_desc_default(void);

/* Opens a gateway over a world that outlives it: listens, and starts the thread. SKEP_ARGUMENT,
 * SKEP_NOT_FOUND (a folder or file), SKEP_IO (the port is taken), SKEP_NO_MEMORY; the log says
 * which and why. */
SKEP_API SKEP_NODISCARD skep_status skep_gateway_open(skep_world *world,
                                                      const skep_gateway_desc *desc,
                                                      skep_gateway **gateway);

/* Says goodbye to all clients, waits for that at most close_ms, and frees everything; NULL is fine.
 */
SKEP_API void skep_gateway_close(skep_gateway *gateway);

/* Before a frame: takes joins, leaves and inputs over, and gives the world those inputs that are
 * due. SKEP_NO_MEMORY: what was not taken over waits for the next call. */
SKEP_API SKEP_NODISCARD skep_status skep_gateway_begin(skep_gateway *gateway);

/* After a frame: hands a state over where one is due. As skep_feed_end. */
SKEP_API SKEP_NODISCARD skep_status skep_gateway_end(skep_gateway *gateway);

/* Says which entity a player owns from now on; see skep_feed_own. */
SKEP_API skep_status skep_gateway_own(skep_gateway *gateway, uint32_t player, skep_entity entity);

/* Returns whether somebody who may asked for a document in the last SKEP_GATEWAY_WANTED_MS, so that
 * it is made only when somebody looks. Two atomic reads and the clock. False where there is no such
 * document. */
SKEP_API bool skep_gateway_wanted(const skep_gateway *gateway, const char *url);

/* Shows a document in place of the last one: `bytes` are copied, and whoever is being sent an older
 * version gets that one to its end. NULL shows none from now on, and gives memory back. Eight
 * versions exist at most; where slow readers have them all, who reads the oldest is cut off.
 * SKEP_NOT_FOUND, SKEP_NO_MEMORY, SKEP_LIMIT for more than SKEP_GATEWAY_DOCUMENT_BYTES_MAX or while
 * all versions are being read: then the last one stays. Costs the copy. */
SKEP_API SKEP_NODISCARD skep_status skep_gateway_show(skep_gateway *gateway, const char *url,
                                                      const void *bytes, size_t count);

/* Returns the port that it listens at. Any thread. */
SKEP_API uint32_t skep_gateway_port(const skep_gateway *gateway);

/* Returns the address of its pages, "http://localhost:8080/"; valid while it lives. Any thread. */
SKEP_API const char *skep_gateway_url(const skep_gateway *gateway);

/* What a gateway did since it was opened. */
typedef struct skep_gateway_stats {
    skep_publish_stats publish; /* of sessions and states; quantise_ns is measured */
    uint64_t frames;            /* that were ended */
    uint64_t frame_ns;          /* from the end of begin to the beginning of end, all of them */
    uint64_t frame_max_ns;      /* the longest of them */
    uint64_t states_lost;       /* that the gateway's thread was too late for */
    uint64_t requests;          /* of HTTP, upgrades included */
    uint64_t refused;           /* connections and upgrades that were turned away */
    uint64_t dropped;           /* connections that were cut: time-outs, did not read */
    uint64_t inputs_lost;       /* that the world's thread was too late for */
    uint64_t encode_ns;         /* processor time of the gateway's thread: encoding messages, */
    uint64_t send_ns;           /* handing them to the system (both from samples), */
    uint64_t cpu_ns;            /* and all of it */
    uint32_t connections;       /* of all kinds, now */
    uint32_t players;           /* known to the world, now */
} skep_gateway_stats;

/* Returns figures at most a tenth of a second old. Any thread. */
SKEP_API skep_gateway_stats skep_gateway_stats_of(skep_gateway *gateway);

#ifdef __cplusplus
}
#endif

#endif
