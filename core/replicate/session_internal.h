/* SPDX-License-Identifier: MIT */
/* A session from the inside.
 *
 *     HELLO --> CHECK --> READY --> LIVE --> ENDED
 *       |  resume           ^  SUBSCRIBE       ^  from anywhere: BYE, time-outs, hostile bytes
 *       +-------------------+
 *
 * Three queues, all bounded: a few small messages of its own, the events that every client gets,
 * and the rest of the one state that is being handed out. There is never a second state. */
#ifndef SKEP_CORE_REPLICATE_SESSION_INTERNAL_H
#define SKEP_CORE_REPLICATE_SESSION_INTERNAL_H

#include "core/replicate/publish_internal.h"

#define SKEP__SESSION_SMALL_MAX 8u
/* Tokens that a client may try. */
#define SKEP__SESSION_ASKS_MAX 4u

typedef enum skep__session_phase {
    SKEP__SESSION_HELLO, /* nothing came yet */
    SKEP__SESSION_CHECK, /* the embedder is asked, or a token is awaited */
    SKEP__SESSION_READY, /* let in */
    SKEP__SESSION_LIVE,  /* subscribed */
    SKEP__SESSION_ENDED
} skep__session_phase;

/* A class that the client holds. */
typedef struct skep__held {
    uint32_t id;
    uint32_t since; /* the state that brought it whole */
} skep__held;

typedef struct skep__packet_list {
    uint32_t first, count, cap;
    skep__packet **at;
} skep__packet_list;

struct skep_session {
    skep_publisher *p;
    void *ctx;
    skep__session_phase phase;
    const char *reason;
    bool said_bye; /* the client */
    uint32_t asks; /* whether to let it in */
    skep__player *player;
    skep__schema_hash known; /* schema */
    uint64_t created_ns, heard_ns, pinged_ns;
    uint64_t ping_number;
    /* What it sees. */
    skep__view_classes *view;
    skep_box area;
    bool whole;        /* the next state must be */
    uint64_t whole_ns; /* when the last one was */
    uint32_t tick;     /* of the state that was handed out last, 0: none */
    uint32_t tick_before;
    uint32_t held_count, held_cap;
    skep__held *held;
    uint32_t next_count, next_cap; /* held by the state that is being made */
    skep__held *next;
    uint32_t dropped_count, dropped_cap;
    uint32_t *dropped;
    /* What it resumes with. */
    bool resumed;
    /* Inputs. */
    uint64_t bucket_ns;
    uint64_t bucket; /* in thousandths of an input */
    /* What is on its way. */
    skep__packet *current; /* handed out */
    skep__packet_list small;
    skep__packet_list events;
    uint32_t event_bytes;
    skep__packet_list state;
};

/* Adds a frame, whose reference the list takes over. False without memory; it is dropped then. */
bool skep__session_push(skep_session *s, skep__packet_list *list, skep__packet *frame);
/* Drops what a list still holds. */
void skep__session_clear(skep_session *s, skep__packet_list *list);
/* Queues a small message that was written to the publisher's paper. False when it is not. */
bool skep__session_say(skep_session *s, skep_status status, const skep__wire_writer *w);
/* A writer on the publisher's paper. */
skep__wire_writer skep__session_paper(const skep_session *s);

/* Whether there is a state that the client has not got. */
bool skep__session_behind(const skep_session *s);
/* Makes the frames of the next state. Nothing changes where memory is short. */
void skep__session_begin_state(skep_session *s, uint64_t now_ns);

/* Lets the session be a player's, and welcomes it. */
void skep__session_welcome(skep_session *s, skep__player *player, uint64_t now_ns);

#endif
