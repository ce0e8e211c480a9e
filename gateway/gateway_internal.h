/* SPDX-License-Identifier: MIT */
/* The gateway from inside: what its files share. Two threads meet in handover.h and nowhere else;
 * every member of the struct below says whose it is. */
#ifndef SKEP_GATEWAY_GATEWAY_INTERNAL_H
#define SKEP_GATEWAY_GATEWAY_INTERNAL_H

#include "gateway/gather.h"
#include "gateway/handover.h"
#include "port/port.h"

#include <libwebsockets.h>

#define SKEP__PROTOCOL "skep.v1"
#define SKEP__GATEWAY_MOUNTS 16u
#define SKEP__GATEWAY_SCRATCH 16384u
#define SKEP__GATEWAY_SMALL ((size_t)64 << 10)
#define SKEP__GATEWAY_TICK_MS 50u
#define SKEP__ADDRESS_BYTES 48u

/* Where a connection stands. */
typedef enum skep__conn_phase {
    SKEP__CONN_REQUEST, /* a request is to come: the first one, or the next */
    SKEP__CONN_ANSWER,  /* a file or a document is being sent */
    SKEP__CONN_OPEN,    /* a WebSocket with a session */
    SKEP__CONN_ENDING   /* its session has ended, its last messages go out */
} skep__conn_phase;

/* One connection, HTTP or WebSocket; hangs on its lws. The gateway's thread's. */
typedef struct skep__conn {
    struct lws *wsi;
    skep_gateway *gateway;
    struct skep__conn *next, *previous;
    skep_session *session; /* of a WebSocket, until it is closed */
    skep__conn_phase phase;
    bool admitted;      /* its token was checked at the upgrade */
    bool killed;        /* it is to be cut, and was counted */
    uint64_t since_ns;  /* when its phase began */
    uint64_t ticked_ns; /* when its session last looked at the clock */
    uint64_t waits_ns;  /* when it last took a message while more waits; 0: nothing waits */
    const skep__handover_copy *copy; /* of a document that is being sent, or NULL */
    uint32_t copy_of;                /* which document */
    uint32_t copy_at;                /* bytes of it that are out */
    const char *reason;  /* why the gateway ends it, static text; NULL: the session knows */
    uint32_t close_code; /* of WebSocket */
    uint32_t player;     /* 0: not let in */
    skep__gather up;     /* the message that is coming in */
    char address[SKEP__ADDRESS_BYTES];
} skep__conn;

/* A player as the world's thread knows him. */
typedef struct skep__player {
    uint32_t player;
    skep_entity own;
} skep__player;

/* A folder that is served. */
typedef struct skep__mount {
    const char *url; /* without a slash at its end: "" is the root */
    size_t url_bytes;
    const char *folder; /* its real path, without links */
    size_t folder_bytes;
} skep__mount;

/* Texts that a gateway keeps. */
typedef struct skep__piece {
    struct skep__piece *next;
    size_t bytes; /* of this and the text */
} skep__piece;

struct skep_gateway {
    /* ---- constant once it is open ---- */
    skep_gateway_desc desc; /* texts are our own */
    skep_publish_desc feed_desc;
    skep_publish_desc wire_desc;
    skep_allocator allocator;
    skep_log log;
    skep__piece *pieces;
    skep__mount mounts[SKEP__GATEWAY_MOUNTS];
    skep_gateway_document documents[SKEP_GATEWAY_DOCUMENTS_MAX];
    const char *file_headers; /* what every file is sent with */
    const char *url;
    bool loopback; /* only this machine reaches it */
    uint64_t open_ns;
    skep__port_thread thread;

    skep__handover handover;

    /* ---- the world's thread ---- */
    skep_world *world;
    skep_feed *feed;
    skep__handover_box box;
    uint32_t box_at; /* of the box, done with */
    skep__handover_lines lines;
    skep__player *players;
    uint32_t player_count, player_cap;
    uint64_t frame_begin_ns; /* 0: no frame is under way */

    /* ---- the gateway's thread, and before it begins ---- */
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[2];
    skep_publisher *publisher;
    skep__conn *conns;
    uint32_t conn_count;
    uint32_t player_last;
    uint64_t quantise_ns;
    uint64_t turn; /* of sending */
    skep_gateway_stats stats;
    lws_sorted_usec_list_t tick;
    uint64_t tick_ns; /* when it last looked around */
    uint64_t stop_ns; /* 0: it goes on; else when it began to end */
    bool over;        /* the loop is to end */
    uint8_t scratch[LWS_PRE + SKEP__GATEWAY_SCRATCH];
    uint8_t small[LWS_PRE + SKEP__GATEWAY_SMALL]; /* messages that go out together */
};

/* ---- gateway_loop.c ----------------------------------------------------------------------- */

/* Makes what listens. SKEP_IO when the port cannot be had. */
skep_status skep__loop_open(skep_gateway *g);

/* Ends it where no thread was started. */
void skep__loop_close(skep_gateway *g);

/* What the thread runs; `arg` is the gateway. */
void skep__loop_run(void *arg);

/* Cuts a connection at the next turn of the loop. */
void skep__conn_kill(skep__conn *c);

/* ---- gateway_http.c ------------------------------------------------------------------------- */

/* Answers a request for a file or a figure; the result is lws' own. */
int skep__http_request(skep__conn *c, const char *uri, size_t uri_bytes);

/* Sends a whole answer. `body` may be what the scratch holds behind LWS_PRE. False: hang up. */
bool skep__http_answer(skep__conn *c, uint32_t status, const char *type, const char *body,
                       size_t body_bytes);

/* The same for a text; the result is lws' own. */
int skep__http_text(skep__conn *c, uint32_t status, const char *text);

/* Sends the head of an answer; `tag` is its ETag, or NULL. False: hang up. */
bool skep__http_head(skep__conn *c, uint32_t status, const char *type, const char *tag,
                     size_t body_bytes);

/* Ends an answer: the connection waits for the next request, or where `good` is false is closed.
 * The result is lws' own. */
int skep__http_done(skep__conn *c, bool good);

/* The Content-Type of a name with an ending. */
const char *skep__http_type_of(const char *path);

/* ---- gateway_document.c --------------------------------------------------------------------- */

/* Looks at the description's documents; SKEP_ARGUMENT where one makes no sense. */
skep_status skep__document_check(const skep_gateway *g, const char **what);

/* Finds a document by its address; SKEP_GATEWAY_DOCUMENTS_MAX: there is none. */
uint32_t skep__document_find(const skep_gateway *g, const char *uri);

/* Answers a request for a document; sends its next part; the results are lws' own. */
int skep__document_request(skep__conn *c, uint32_t document);
int skep__document_writable(skep__conn *c);

/* The connection is gone or done with its document. */
void skep__document_forget(skep__conn *c);

/* Cuts those off who keep new versions from being shown. */
void skep__document_look(skep_gateway *g);

/* ---- gateway_figures.c ---------------------------------------------------------------------- */

/* Writes /healthz and /metrics into `out` and returns the length. `good` is false where the world
 * stands still. */
size_t skep__figures_health(skep_gateway *g, char *out, size_t max, bool *good);
size_t skep__figures_metrics(skep_gateway *g, char *out, size_t max);

/* What the gateway's thread counts, as of now; on that thread. */
skep_gateway_stats skep__figures_wire(const skep_gateway *g);

/* Puts in what the world's thread counts. */
void skep__figures_world(skep_gateway_stats *s, const skep_gateway_stats *world);

/* ---- gateway_upgrade.c ---------------------------------------------------------------------- */

/* Looks at a request to become a WebSocket: 0 lets it, 1: it was answered with a refusal, -1: hang
 * up. */
int skep__upgrade_check(skep__conn *c, const char *what);

/* Looks at a request to read a document: 0 lets it, 1: it was answered with a refusal, -1: hang up.
 */
int skep__upgrade_reader(skep__conn *c);

/* Asks the embedder or compares the token; NULL lets in, else the reason. */
const char *skep__upgrade_admit(skep__conn *c, const void *token, size_t token_bytes);

/* ---- gateway_socket.c ----------------------------------------------------------------------- */

/* A WebSocket is open, got a part of a message, can be written to, is gone. Results are lws' own.
 */
int skep__socket_open(skep__conn *c);
int skep__socket_receive(skep__conn *c, const uint8_t *bytes, size_t size);
int skep__socket_writable(skep__conn *c);
void skep__socket_gone(skep__conn *c);

/* Ends a session with a reason (static text) and a code of WebSocket. After 1001 and 1011 the
 * client may come back by itself. */
void skep__socket_end(skep__conn *c, uint32_t code, const char *reason);

/* Asks for the socket to be writable where its session has something to send or to end. */
void skep__socket_ask(skep__conn *c, uint64_t now_ns);

/* Hands what the publisher has to tell to the world's thread. */
void skep__socket_events(skep_gateway *g, uint64_t now_ns);

#endif
