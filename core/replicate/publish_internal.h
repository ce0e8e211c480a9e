/* SPDX-License-Identifier: MIT */
/* The publisher from the inside: views, their classes, messages that many share, players, sessions.
 *
 *     skep_state --> update --> views[mask] --> classes (cell, shape) --> history of codes
 *                                                  |
 *     session: held classes, tick  -->  frame(class, base, older): encoded once, shared
 *
 * A view is a set of components that somebody asked for. Each has its own classes and its own
 * slots, so that what nobody sees costs nothing. */
#ifndef SKEP_CORE_REPLICATE_PUBLISH_INTERNAL_H
#define SKEP_CORE_REPLICATE_PUBLISH_INTERNAL_H

#include "core/replicate/class_wire.h"
#include "core/replicate/message.h"
#include "skep/publish.h"

#define SKEP__PUBLISH_CANARY 0x70756231u
#define SKEP__VIEWS_MAX 8u
/* The class of resources. */
#define SKEP__CLASS_RESOURCES 0u
/* About a second of states: how often a class says its hash. */
#define SKEP__HASH_TICKS 60u

/* ---- a checked description ---------------------------------------------------------------- */

/* Components, and all others, by number; a bit each. */
typedef struct skep__schema {
    uint64_t components;
    uint64_t resources;
    uint64_t events;
    uint64_t inputs;
    skep__schema_hash hash;
    uint32_t place; /* number of the component of places, or SKEP_REPLICA_MAX */
} skep__schema;

/* Fills in defaults and checks a description; the reason of a refusal goes to its log. */
SKEP_NODISCARD skep_status skep__publish_desc_check(skep_publish_desc *desc, skep__schema *schema);

/* ---- what a feed hands over ------------------------------------------------------------------ */

typedef struct skep__state_player {
    uint32_t player;
    int32_t slack;
    uint64_t number;
    skep_entity own;
} skep__state_player;

struct skep_state {
    const skep_allocator *allocator; /* the feed's, whose world outlives the state */
    skep_allocator allocator_copy;
    skep_snapshot *snapshot;
    uint32_t tick;
    bool events_lost; /* more than event_bytes_max */
    uint32_t event_count;
    uint32_t event_bytes, event_cap;
    uint8_t *events; /* as in EVENTS, without the count */
    uint32_t player_count, player_cap;
    skep__state_player *players;
};

/* ---- messages that are shared ------------------------------------------------------------- */

typedef struct skep__packet {
    uint32_t refs;
    uint32_t size;
    size_t whole; /* bytes of the allocation */
} skep__packet;

/* The message, behind the headroom. */
uint8_t *skep__packet_bytes(const skep_publisher *p, const skep__packet *frame);
/* A frame with a copy of a message; NULL without memory. */
skep__packet *skep__packet_make(skep_publisher *p, const void *bytes, size_t size);
skep__packet *skep__packet_hold(skep__packet *frame);
void skep__packet_drop(skep_publisher *p, skep__packet *frame);

/* Encoded messages of the newest state, by base. */
typedef struct skep__packet_cache {
    uint32_t count, cap;
    struct skep__packet_cached {
        uint32_t base;
        bool older;
        skep__packet *frame;
    } * at;
} skep__packet_cache;

/* ---- views and classes ----------------------------------------------------------------------- */

typedef struct skep__view_class {
    uint32_t id;        /* never used twice by one publisher */
    uint32_t layout;    /* of the view's */
    int32_t cell[3];    /* all SKEP__CELL_NONE: everywhere */
    uint32_t used;      /* slots that are taken */
    uint32_t free_hint; /* no word of `taken` below it has a free slot */
    uint32_t taken_cap; /* words of 64 slots */
    uint64_t *taken;
    skep__codes now;     /* as the last update left it */
    bool dirty;          /* changed in this update */
    uint32_t empty_tick; /* since when nobody is in it, 0: somebody is */
    uint32_t history_count, history_cap;
    skep__codes *history; /* oldest first; the newest is as `now` */
    skep__packet_cache frames;
} skep__view_class;

#define SKEP__CELL_NONE INT32_MIN

/* Where an entity sits, by index. */
typedef struct skep__home {
    uint32_t generation; /* 0: nowhere */
    uint32_t class;      /* index in the view's classes + 1 */
    uint32_t slot;
    uint32_t seen; /* the update that saw it last */
} skep__home;

typedef struct skep__view_classes {
    uint64_t components; /* what was asked for; 0: this view is not in use */
    uint32_t users;      /* sessions */
    uint32_t layout_count, layout_cap;
    skep__code_layout *layouts; /* by their components */
    uint32_t class_count, class_cap;
    skep__view_class *classes; /* ids increase */
    uint32_t home_cap;
    skep__home *homes;
    bool filled; /* by an update since it came into use */
} skep__view_classes;

typedef struct skep__published {
    uint32_t tick; /* in which it changed, 0: it has no value */
    uint32_t bytes, cap;
    uint8_t *value; /* as on the wire */
} skep__published;

/* ---- players and events ---------------------------------------------------------------------- */

typedef struct skep__player {
    uint32_t number;
    skep_session *session; /* NULL: may come back until gone_ns + resume_ms */
    uint64_t gone_ns;
    uint8_t token[SKEP__RESUME_BYTES];
    bool has_token;
    uint64_t components; /* of the view that it saw */
    uint32_t epoch;      /* in which it saw it */
    uint64_t predicted;
    uint64_t number_received; /* of its last input */
    uint64_t number_base;     /* what its client's numbers begin at: it may have forgotten */
    uint64_t applied;         /* number of the last one that the newest state knows */
    int32_t slack;
    skep_entity own;
    uint32_t own_bytes, own_cap;
    uint8_t *own_values; /* of `predicted`, as in OWN */
} skep__player;

typedef struct skep__publish_item {
    skep_publish_event event;
    uint8_t *bytes; /* owned */
} skep__publish_item;

struct skep_publisher {
    skep_publish_desc desc;
    skep__schema schema;
    skep_allocator allocator;
    skep__wire_limits limits;
    skep__code_pool pool;
    skep__view_classes views[SKEP__VIEWS_MAX];
    skep__published resources[SKEP_REPLICA_MAX];
    skep__packet_cache resource_frames;
    uint32_t class_id_next;
    uint32_t tick;        /* of the newest state, 0: none came */
    uint32_t tick_oldest; /* a base may not be older */
    uint64_t update_ns;
    uint32_t round; /* of updates */
    uint32_t epoch; /* goes up when the world went back */
    uint8_t *paper; /* messages are encoded here first */
    size_t paper_bytes;
    uint8_t *rows; /* codes of one run of rows: columns * 1,024 */
    size_t rows_bytes;
    uint32_t player_count, player_cap;
    skep__player **players;
    uint32_t session_count, session_cap;
    skep_session **sessions;
    uint32_t item_first, item_count, item_cap; /* what happened, oldest first */
    skep__publish_item *items;
    uint8_t *item_bytes; /* of the event that was taken last */
    size_t item_size;
    skep_publish_stats stats;
};

/* Begins and ends the use of a view; NULL when all are in use or memory is short. */
skep__view_classes *skep__view_acquire(skep_publisher *p, uint64_t components);
void skep__view_release(skep_publisher *p, skep__view_classes *view);

/* Frees all that a view holds. */
void skep__view_deinit(skep_publisher *p, skep__view_classes *view);

/* Takes a snapshot's rows into a view. */
SKEP_NODISCARD skep_status skep__view_update(skep_publisher *p, skep__view_classes *view,
                                             const skep_snapshot *snapshot);

/* Forgets all states: the world went back. */
void skep__view_reset(skep_publisher *p, skep__view_classes *view);

/* The class as it was at a tick of the ring, NULL when it was not yet, or is kept no more. */
const skep__codes *skep__class_at(const skep__view_class *c, uint32_t tick);

/* Whether a class may hold something of an area. */
bool skep__class_meets(const skep_publisher *p, const skep__view_class *c, const skep_box *area);

/* The message of a class that leads from a base (0: whole) to the newest state, not held for the
 * caller. `older`: the client has the state of 2 * base - tick too. *frame is NULL where nothing
 * changed. */
SKEP_NODISCARD skep_status skep__class_frame(skep_publisher *p, const skep__view_classes *view,
                                             skep__view_class *c, uint32_t base, bool older,
                                             skep__packet **frame);

/* Takes the resources of a snapshot. */
SKEP_NODISCARD skep_status skep__resources_update(skep_publisher *p, const skep_snapshot *snapshot);
/* As skep__class_frame, of class 0. */
SKEP_NODISCARD skep_status skep__resources_frame(skep_publisher *p, uint32_t base,
                                                 skep__packet **frame);

void skep__packets_clear(skep_publisher *p, skep__packet_cache *cache);
/* The cached frame, or NULL. */
skep__packet *skep__packets_find(const skep__packet_cache *cache, uint32_t base, bool older);
/* Keeps a frame, whose reference the cache takes over. */
SKEP_NODISCARD skep_status skep__packets_add(skep_publisher *p, skep__packet_cache *cache,
                                             uint32_t base, bool older, skep__packet *frame);

skep__player *skep__player_find(const skep_publisher *p, uint32_t number);
void skep__player_free(skep_publisher *p, skep__player *player);
/* Adds what happened; `bytes` are copied. False without memory. */
bool skep__publish_say(skep_publisher *p, const skep_publish_event *event);
/* Lets go of players who did not come back. */
void skep__players_expire(skep_publisher *p, uint64_t now_ns);

/* Hands the events of a state to a session; ends it where they do not fit, or, without a frame,
 * since they are lost: `why` says by what. */
void skep__session_events(skep_session *s, skep__packet *frame, const char *why);
/* Ends a session with a reason, static text. */
void skep__session_end(skep_session *s, const char *reason);
/* Frees a session without a word to its player. */
void skep__session_free(skep_session *s);
/* Says that all its bases are void. */
void skep__session_reset(skep_session *s);

#endif
