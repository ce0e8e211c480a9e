/* SPDX-License-Identifier: MIT */
/* The client's half of a live world: a read-only copy of what a server publishes, shown smoothly.
 *
 *     skep_view_open(&desc, &view);
 *     skep_view_connected(view, now);            the transport is there: HELLO waits to be sent
 *     while (skep_view_next(view, now, &bytes, &size)) send(bytes, size);
 *     ...
 *     skep_view_receive(view, bytes, size, now);  each binary message
 *     skep_view_frame(view, now);                 once a picture: moves the moment that is shown
 *     skep_view_rows rows = {0};
 *     while (skep_view_each(view, parts, 2, &rows)) draw(rows.count, skep_view_column(...));
 *
 * No call knows a socket. Values are shown a little late, between two states that have come, at a
 * delay that follows how evenly they come. One thread's; times are nanoseconds of one monotonic
 * clock of the host's. What arrives is checked whole before anything of it is kept. */
#ifndef SKEP_VIEW_H
#define SKEP_VIEW_H

#include "skep/publish.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A view of a server's world; see skep_view_open. */
typedef struct skep_view skep_view;

/* Where a view stands. Values never change. */
typedef enum skep_view_phase {
    SKEP_VIEW_CONNECTING = 0,   /* no state has come yet */
    SKEP_VIEW_LIVE = 1,         /* states come */
    SKEP_VIEW_STALE = 2,        /* connected, but none came for a while */
    SKEP_VIEW_RECONNECTING = 3, /* the connection is gone; what was there is still shown */
    SKEP_VIEW_CLOSED = 4        /* ended for good; skep_view_reason says why */
} skep_view_phase;

/* What to open a view with; begin with skep_view_desc_default(). Zero is the default of every
 * member. What it points to is needed while the view lives, except token. */
typedef struct skep_view_desc {
    uint32_t canary;        /* set by skep_view_desc_default */
    uint32_t replica_count; /* of replicas; 0: all components, events and resources of the server,
                               by its own description (skep_view_component finds them) */
    const skep_replica *replicas; /* what the program knows and wants; the server's quanta count,
                                     these are ignored. Inputs that it sends are named here too */
    uint32_t predict_count;       /* of predict */
    const skep_component *const *predict; /* components of the own entity that come unquantised */
    skep_box area;                        /* what to see; axes 0: everything */
    const void *token;                    /* for the server's check */
    size_t token_bytes;                   /* of token, at most 4,096 */
    uint32_t delay_min_ms;                /* the least that is shown late; 0: as measured */
    uint32_t delay_max_ms;                /* the most; 500 */
    uint32_t stale_ms;                    /* without a state until STALE; 2,000 */
    uint32_t silence_ms;      /* without a message until the connection counts as broken; 45,000 */
    uint32_t entity_max;      /* the most entities at one time; 1,048,576 */
    size_t bytes_max;         /* the most memory that it may take; 512 MiB */
    skep_allocator allocator; /* needed */
    skep_log log;             /* reasons of refusals */
} skep_view_desc;

/* Returns the defaults. Any thread. */
SKEP_API skep_view_desc skep_view_desc_default(void);

/* ---- life and connection ----------------------------------------------------------------- */

/* Opens a view, not connected yet. SKEP_ARGUMENT with the reason in the log; SKEP_NO_MEMORY. */
SKEP_API SKEP_NODISCARD skep_status skep_view_open(const skep_view_desc *desc, skep_view **view);

/* Frees a view; NULL is fine. */
SKEP_API void skep_view_close(skep_view *view);

/* Says that a transport was connected, the first time or again: a HELLO waits to be sent, which
 * resumes where there is something to resume. */
SKEP_API void skep_view_connected(skep_view *view, uint64_t now_ns);

/* Says that the transport is gone. The view goes on showing what it has. */
SKEP_API void skep_view_disconnected(skep_view *view, uint64_t now_ns);

/* Takes one binary message from the server. False when the connection is to be closed: phase and
 * reason say whether to connect again (RECONNECTING) or not (CLOSED). */
SKEP_API bool skep_view_receive(skep_view *view, const void *bytes, size_t size, uint64_t now_ns);

/* Gives the next message to be sent; false when there is none. Valid until the view's next call. */
SKEP_API bool skep_view_next(skep_view *view, uint64_t now_ns, const void **bytes, size_t *size);

/* To be called now and then, some ten times a second: pings, and what silence means. False when the
 * connection is to be closed. */
SKEP_API bool skep_view_tick(skep_view *view, uint64_t now_ns);

/* Ends it: a BYE waits to be sent, then the phase is CLOSED. */
SKEP_API void skep_view_leave(skep_view *view);

/* Returns where the view stands. */
SKEP_API skep_view_phase skep_view_phase_of(const skep_view *view);

/* Returns why the phase is what it is, a sentence; empty while all is well. Valid until the next
 * call. */
SKEP_API const char *skep_view_reason(const skep_view *view);

/* ---- what the server publishes ------------------------------------------------------------ */

/* Returns the description of a component, event, resource or input of the server's schema by name,
 * or NULL before the first WELCOME and for unknown names. Where the program named it in replicas,
 * it is the program's own. */
SKEP_API const skep_component *skep_view_component(const skep_view *view, const char *name);

/* Returns the schema of the server in its order, with quanta; the count is 0 before WELCOME. */
SKEP_API const skep_replica *skep_view_schema(const skep_view *view, uint32_t *count);

/* ---- wishes ------------------------------------------------------------------------------- */

/* Asks for another area. The server answers with the next state. */
SKEP_API void skep_view_area(skep_view *view, const skep_box *area);

/* Sends an input of a type that the schema has, for the tick that the server will be in when it
 * arrives, or for `tick` where that is not 0. Returns its number, 0 when it could not be sent: not
 * live, or SKEP_LIMIT of the inputs that wait (256). */
SKEP_API uint64_t skep_view_send(skep_view *view, const skep_component *input, const void *value,
                                 uint32_t tick, uint64_t now_ns);

/* ---- what is shown ------------------------------------------------------------------------- */

/* Moves the moment that is shown to `now`, makes its rows, and finds what entered and left since
 * the last call. SKEP_NO_MEMORY: the picture stays as it was. */
SKEP_API SKEP_NODISCARD skep_status skep_view_frame(skep_view *view, uint64_t now_ns);

/* A run of entities with the same components, and where the next one is. Set it to zero to begin.
 */
typedef struct skep_view_rows {
    const skep_entity *entity; /* `count` handles of the server's; valid until the next frame */
    uint32_t count;            /* rows of the run */
    uint32_t table;            /* private */
    uint32_t resume;           /* private */
} skep_view_rows;

/* Finds the next run of shown entities that have all of the given components. */
SKEP_API bool skep_view_each(const skep_view *view, const skep_component *const *all,
                             uint32_t all_count, skep_view_rows *rows);

/* Returns the values of a field in a run, as skep_snapshot_column does. */
SKEP_API const void *skep_view_column(const skep_view *view, const skep_view_rows *rows,
                                      const skep_component *component, uint32_t field);

/* Copies the shown value of an entity's component into its C struct (NULL: only asks). False when
 * it is not shown or lacks it. */
SKEP_API bool skep_view_get(skep_view *view, skep_entity entity, const skep_component *component,
                            void *value);

/* One entity whose set of components changed from the picture before to this one. */
typedef struct skep_view_change {
    skep_entity entity;
    uint64_t before; /* components by their place in the schema, a bit each; 0: it was not there */
    uint64_t after;  /* 0: it is gone */
} skep_view_change;

/* Returns the changes of the last frame; valid until the next. */
SKEP_API const skep_view_change *skep_view_changes(const skep_view *view, uint32_t *count);

/* Returns entities whose shown values of a component differ from those of the picture before, and
 * their count; valid until the next frame. Linear in what is shown. */
SKEP_API const skep_entity *skep_view_changed(skep_view *view, const skep_component *component,
                                              uint32_t *count);

/* One event that came. */
typedef struct skep_view_event {
    const skep_component *info; /* its type */
    skep_entity to;             /* null: to all */
    uint32_t tick;              /* the frame that it happened in, or one shortly after */
    const void *value;          /* its C struct; valid until the next call */
} skep_view_event;

/* Takes the oldest event whose moment is shown; false when there is none. */
SKEP_API bool skep_view_poll(skep_view *view, skep_view_event *event);

/* Returns a resource's value in its newest state, as its C struct; NULL before it came. */
SKEP_API const void *skep_view_resource(const skep_view *view, const skep_component *resource);

/* ---- the own entity ------------------------------------------------------------------------- */

/* Returns the player that the server took this client for; 0 before WELCOME. */
SKEP_API uint32_t skep_view_player(const skep_view *view);

/* What the server said last of the own entity. */
typedef struct skep_view_own {
    skep_entity entity;   /* null: there is none */
    uint32_t tick;        /* of the state */
    uint64_t number;      /* the last input that the server applied */
    int32_t slack;        /* ticks by which that input came early; below 0: late */
    uint64_t has;         /* predicted components that it has, by their place in desc.predict */
    const uint8_t *bytes; /* their values as on the wire, one after the other; valid until the next
                             call of skep_view_receive */
    size_t size;          /* of bytes */
} skep_view_own;

/* Returns it; all zero before the first state. */
SKEP_API skep_view_own skep_view_own_state(const skep_view *view);

/* ---- figures -------------------------------------------------------------------------------- */

/* What a view knows of its connection. */
typedef struct skep_view_stats {
    uint64_t bytes_received;    /* of messages */
    uint64_t messages_received; /* of all types */
    uint64_t states;            /* that were taken in */
    uint64_t resyncs;           /* that were asked for */
    uint64_t reconnects;        /* after the first connection */
    uint64_t bytes_held;        /* by states and pictures */
    uint32_t tick;              /* of the newest state */
    uint32_t entity_count;      /* shown */
    uint32_t tick_hz;           /* of the server; 0 before WELCOME */
    uint32_t every;             /* of its ticks from state to state */
    float delay_ms;             /* between the newest that could be shown and what is */
    float jitter_ms;            /* how unevenly states come */
    float rtt_ms;               /* of PING and PONG; 0: unknown */
    double shown_tick;          /* the moment that is shown, in ticks of the server */
    double server_tick;         /* where the server is now, as far as can be known */
} skep_view_stats;

/* Returns the figures. */
SKEP_API skep_view_stats skep_view_stats_of(const skep_view *view, uint64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif
