/* SPDX-License-Identifier: MIT */
/* The server's half of a live world: what is published, and the sessions of those who watch.
 *
 * Two sides, which may be two threads:
 *
 *     the world's thread                          the wire's thread
 *     skep_feed_begin   deliver inputs    <----   skep_publisher_poll   joins, leaves, inputs
 *     skep_sim_step
 *     skep_feed_end     every N frames    ---->   skep_publisher_update  quantise, once
 *                       a state                   skep_session_next      encode, once a
 *                                                                        (base, view class); send
 *
 * A feed takes snapshots, which costs microseconds; everything else happens on the other side. No
 * call here knows a socket: a gateway moves the bytes of skep_session_receive and
 * skep_session_next over whatever it has, one binary message a frame (docs/protocol.md).
 *
 * Where both sides are one thread, the calls simply follow each other. Times are nanoseconds of one
 * monotonic clock of the host's. */
#ifndef SKEP_PUBLISH_H
#define SKEP_PUBLISH_H

#include "skep/component.h"
#include "skep/id.h"
#include "skep/log.h"
#include "skep/snapshot.h"
#include "skep/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what is published ------------------------------------------------------------------- */

/* In place of the exponent of a quantum: the field is sent as it is. */
#define SKEP_QUANTUM_NONE 127

/* The most components, events, resources and inputs of one schema. */
#define SKEP_REPLICA_MAX 64u

/* One component, event, resource or input that is published. Borrows what it points to. */
typedef struct skep_replica {
    const skep_component *info;
    const int8_t *quanta_log2; /* one a field, of f32 fields only: 2^x, or SKEP_QUANTUM_NONE; NULL:
                                  no field has a quantum */
} skep_replica;

/* One f32 field is the change a second of another: its next value can be told ahead. */
typedef struct skep_rate {
    const skep_component *value; /* the component, */
    uint32_t value_field;        /* its field, with a quantum */
    const skep_component *speed; /* the component of the change, */
    uint32_t speed_field;        /* and its field, with a quantum */
} skep_rate;

/* Where entities are, so that clients may ask for an area. */
typedef struct skep_place {
    const skep_component *component; /* NULL: everybody gets everything */
    uint32_t axes;                   /* 1 to 3 */
    uint32_t field[3];               /* f32 fields of one element */
    float cell;                      /* edge of a cell of the grid, in units of the fields */
} skep_place;

/* A box of places, edges included; `axes` 0 is everything. */
typedef struct skep_box {
    uint32_t axes;
    float low[3];
    float high[3];
} skep_box;

/* What to publish, and limits; begin with skep_publish_desc_default(). Zero is the default of every
 * member unless said otherwise. What it points to is needed while the feed or publisher lives. */
typedef struct skep_publish_desc {
    uint32_t canary;              /* set by skep_publish_desc_default */
    uint32_t replica_count;       /* of replicas, at most SKEP_REPLICA_MAX */
    const skep_replica *replicas; /* what is published; their order is part of the schema */
    uint32_t rate_count;          /* of rates */
    const skep_rate *rates;       /* which fields are the speed of which */
    skep_place place;             /* where entities are */
    uint32_t tick_hz;             /* frames a second of the world; 60 */
    uint32_t every;               /* frames from one state to the next; 3 */
    uint32_t ring;                /* states that a client may still have as its base; 32 */
    uint32_t session_max;         /* 1,024 */
    uint32_t message_up_max;      /* bytes of a message from a client; 65,536 */
    uint32_t message_down_max;    /* of one to it; classes are cut to fit; 1,048,576 */
    uint32_t input_window;        /* ticks ahead that an input may name; 64 */
    uint32_t inputs_a_tick;       /* that a client may send, on average; 2 */
    uint32_t event_bytes_max;     /* of events that wait for one client; 262,144 */
    uint32_t hello_ms;            /* for HELLO and AUTH; 5,000 */
    uint32_t ping_ms;             /* of silence until a PING; 15,000 */
    uint32_t drop_ms;             /* of silence until the end; 45,000 */
    uint32_t resume_ms;           /* that a player whose connection broke is kept; 30,000 */
    size_t headroom; /* writable bytes before every message that skep_session_next gives */
    void (*random)(void *ctx, void *bytes, size_t n); /* needed by publishers: bytes that nobody can
                                                         guess, for resume tokens */
    void *random_ctx;                                 /* for random */
    skep_allocator allocator;                         /* needed */
    skep_log log;                                     /* reasons of refusals */
} skep_publish_desc;

/* Returns the defaults. Any thread. */
SKEP_API skep_publish_desc skep_publish_desc_default(void);

/* ---- events --------------------------------------------------------------------------------- */

/* The server's end of one connection. Lives on its publisher's thread. */
typedef struct skep_session skep_session;

/* What happened to players and sessions. */
typedef enum skep_publish_event_kind {
    SKEP_PUBLISH_AUTH,  /* a session asks to be let in: answer skep_session_accept or _refuse */
    SKEP_PUBLISH_JOIN,  /* a player is there: skep_feed_join, skep_feed_own */
    SKEP_PUBLISH_INPUT, /* skep_feed_input */
    SKEP_PUBLISH_LEAVE  /* a player is gone, resuming included: skep_feed_leave */
} skep_publish_event_kind;

/* One event, in order. */
typedef struct skep_publish_event {
    skep_publish_event_kind kind; /* what happened */
    uint32_t player;              /* of JOIN, INPUT, LEAVE */
    skep_session *session;        /* of AUTH and JOIN */
    const void *bytes; /* AUTH: the token; INPUT: the value as on the wire; valid until the next
                          call of the publisher */
    size_t size;       /* of bytes */
    uint64_t number;   /* INPUT: the client's number, */
    uint32_t tick;     /* the tick that it is for, */
    uint32_t replica;  /* and its place in the schema */
} skep_publish_event;

/* ---- the world's side --------------------------------------------------------------------- */

/* Collects what a world publishes. Lives beside it, on its owner's thread; so for all its calls. */
typedef struct skep_feed skep_feed;

/* One state on its way to the publisher: a snapshot, the events since the last one, and what is
 * known of each player. */
typedef struct skep_state skep_state;

/* Makes a feed of a world. Registers what is published. SKEP_ARGUMENT, with the reason in the log,
 * for a description that does not fit together; SKEP_NO_MEMORY. */
SKEP_API SKEP_NODISCARD skep_status skep_feed_create(skep_world *world,
                                                     const skep_publish_desc *desc,
                                                     skep_feed **feed);

/* Frees a feed; NULL is fine. States that it gave out must have been consumed. */
SKEP_API void skep_feed_destroy(skep_feed *feed);

/* Adds a player, who may send inputs from now on. Numbers are the embedder's, never 0 and not used
 * twice. SKEP_NO_MEMORY, SKEP_EXISTS. */
SKEP_API SKEP_NODISCARD skep_status skep_feed_join(skep_feed *feed, uint32_t player);

/* Forgets a player and what waits from him; unknown ones are ignored. */
SKEP_API void skep_feed_leave(skep_feed *feed, uint32_t player);

/* Says which entity is a player's own: his inputs go to it, and he gets its predicted components
 * without quantum. Null takes it back. SKEP_NOT_FOUND for a player that is not there. */
SKEP_API skep_status skep_feed_own(skep_feed *feed, uint32_t player, skep_entity entity);

/* Keeps a copy of an INPUT event until the frame of its tick begins (the next one, when that has
 * passed). Its bytes are as on the wire, checked by the session that gave them. Ignored for unknown
 * players. SKEP_NO_MEMORY. */
SKEP_API skep_status skep_feed_input(skep_feed *feed, const skep_publish_event *input);

/* Before a frame: gives the world the inputs that are due. */
SKEP_API SKEP_NODISCARD skep_status skep_feed_begin(skep_feed *feed);

/* After a frame: collects its events, and every `every` frames takes a state, to be handed to
 * skep_publisher_update, which consumes it; NULL in *state between. A state that the publisher has
 * not consumed yet is no hindrance. Where the publisher is on another thread, `detach` must be
 * true. SKEP_NO_MEMORY leaves the feed as it was. Costs microseconds, and where a snapshot is held,
 * the world copies a block before it first writes to it. */
SKEP_API SKEP_NODISCARD skep_status skep_feed_end(skep_feed *feed, bool detach, skep_state **state);

/* Throws a state away. Any thread. */
SKEP_API void skep_state_drop(skep_state *state);

/* ---- the wire's side ----------------------------------------------------------------------- */

/* Keeps the last states as codes, by view classes. One thread's. */
typedef struct skep_publisher skep_publisher;

/* Makes a publisher; `desc` is the feed's. */
SKEP_API SKEP_NODISCARD skep_status skep_publisher_create(const skep_publish_desc *desc,
                                                          skep_publisher **publisher);

/* Frees a publisher and its sessions; NULL is fine. */
SKEP_API void skep_publisher_destroy(skep_publisher *publisher);

/* Takes a state over, quantises what changed in it, and returns its snapshot to the world's
 * mailbox. The state is consumed whatever comes back. Sessions that are free to send have something
 * now: ask skep_session_wants. SKEP_NO_MEMORY or SKEP_LIMIT: clients stay at the state before. */
SKEP_API SKEP_NODISCARD skep_status skep_publisher_update(skep_publisher *publisher,
                                                          skep_state *state, uint64_t now_ns);

/* Takes the oldest event; false when there is none. */
SKEP_API bool skep_publisher_poll(skep_publisher *publisher, skep_publish_event *event);

/* What a publisher did since it was made. */
typedef struct skep_publish_stats {
    uint64_t states;          /* that were consumed */
    uint64_t quantise_ns;     /* unknown here, 0: the host measures around the calls */
    uint64_t frames_encoded;  /* messages that were encoded, each once for all who share it */
    uint64_t bytes_encoded;   /* of those */
    uint64_t messages_sent;   /* that sessions gave out */
    uint64_t bytes_sent;      /* of those */
    uint64_t wholes_sent;     /* whole states that sessions began */
    uint64_t inputs_received; /* that reached an event */
    uint64_t inputs_refused;  /* over the rate, out of the window, of a wrong type */
    uint32_t tick;            /* of the last state */
    uint32_t entity_count;    /* published, in the last state */
    uint32_t class_count;
    uint32_t session_count; /* connected */
    uint32_t player_count;  /* those who may still resume included */
    size_t bytes_held;      /* by states, messages and sessions */
} skep_publish_stats;

/* Returns the figures. */
SKEP_API skep_publish_stats skep_publisher_stats(const skep_publisher *publisher);

/* ---- one connection ------------------------------------------------------------------------ */

/* Begins a session for a connection that was just made. `ctx` is the gateway's own. SKEP_LIMIT
 * names session_max; SKEP_NO_MEMORY. */
SKEP_API SKEP_NODISCARD skep_status skep_session_create(skep_publisher *publisher, uint64_t now_ns,
                                                        void *ctx, skep_session **session);

/* Ends a session whose connection is gone. Its player stays for resume_ms unless the session ended
 * by BYE. Messages that skep_session_next gave are the session's no more. */
SKEP_API void skep_session_destroy(skep_session *session, uint64_t now_ns);

/* Returns the gateway's own pointer. */
SKEP_API void *skep_session_ctx(const skep_session *session);

/* Returns the player, 0 before it was accepted. */
SKEP_API uint32_t skep_session_player(const skep_session *session);

/* Lets a session in as a player (never 0). A player that is connected already keeps the older
 * session out: that one ends with a reason. */
SKEP_API void skep_session_accept(skep_session *session, uint32_t player, uint64_t now_ns);

/* Ends a session with BYE and a reason, static text: the client must not come back by itself. */
SKEP_API void skep_session_refuse(skep_session *session, const char *reason);

/* As skep_session_refuse, but the client may come back: the server is closing, say. */
SKEP_API void skep_session_close(skep_session *session, const char *reason);

/* Takes one binary message from the client. Hostile bytes end the session: its last message is a
 * BYE with the reason. Returns false once the session has ended: send what skep_session_next still
 * gives, then close. */
SKEP_API bool skep_session_receive(skep_session *session, const void *bytes, size_t size,
                                   uint64_t now_ns);

/* Returns whether skep_session_next has something: ask for the socket to be writable then. */
SKEP_API bool skep_session_wants(const skep_session *session);

/* Gives the next message when the socket can take one, else do not call: a client that is slow gets
 * the newest state when it is ready for it, never a queue of old ones. The bytes are shared by many
 * sessions, with `headroom` bytes before them that may be overwritten, and stay until this
 * session's next call of skep_session_next or its end. False when there is none. */
SKEP_API bool skep_session_next(skep_session *session, uint64_t now_ns, const void **bytes,
                                size_t *size);

/* To be called now and then, at least once a second: pings, time-outs. False once the session has
 * ended. */
SKEP_API bool skep_session_tick(skep_session *session, uint64_t now_ns);

/* Returns whether the client ended the session itself, by BYE. */
SKEP_API bool skep_session_left(const skep_session *session);

/* Returns the reason why a session ended, a sentence; NULL while it goes on. */
SKEP_API const char *skep_session_reason(const skep_session *session);

#ifdef __cplusplus
}
#endif

#endif
