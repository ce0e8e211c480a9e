/* SPDX-License-Identifier: MIT */
/* What passes between the world's thread and the gateway's. All of it lies behind one small lock
 * that is held for copies of a few hundred bytes, never for a call into anything else; so neither
 * side waits for what the other does. Every queue has a limit. */
#ifndef SKEP_GATEWAY_HANDOVER_H
#define SKEP_GATEWAY_HANDOVER_H

#include "skep/gateway.h"

#include <stdatomic.h>

/* States that may wait for the gateway's thread: two seconds of them at 60 frames and every third.
 */
#define SKEP__HANDOVER_STATES 40u
/* Bytes of inputs that may wait for the world's thread. */
#define SKEP__HANDOVER_BYTES ((uint32_t)1 << 20)
/* Bytes of log lines that may wait. */
#define SKEP__HANDOVER_LOG 16384u
#define SKEP__HANDOVER_LINE 512u
/* Versions of a document that may be read at once, the one that is shown among them. */
#define SKEP__HANDOVER_COPIES 8u

/* One thing for the world's thread; an input's bytes follow it. */
typedef struct skep__handover_item {
    uint64_t number;
    uint32_t kind; /* skep_publish_event_kind */
    uint32_t player;
    uint32_t tick;
    uint32_t replica;
    uint32_t size; /* of the bytes, without what aligns the next item to 8 */
    uint32_t pad;
} skep__handover_item;

/* Items one after the other. */
typedef struct skep__handover_box {
    uint8_t *bytes;
    uint32_t used;
    uint32_t cap;
} skep__handover_box;

/* Lines, each a level (one byte) and a text ended by a zero. */
typedef struct skep__handover_lines {
    char text[SKEP__HANDOVER_LOG];
    uint32_t used;
    uint32_t lost;
} skep__handover_lines;

/* One version of a document. Who reads one and which is shown lies behind the lock; the bytes are
 * the world's thread's while it fills a version, and everybody's to read once it is shown. */
typedef struct skep__handover_copy {
    uint8_t *bytes;
    uint32_t used;
    uint32_t cap;
    uint32_t readers;
    uint64_t number; /* of the version */
} skep__handover_copy;

typedef struct skep__handover_document {
    skep__handover_copy copies[SKEP__HANDOVER_COPIES];
    skep__handover_copy *shown; /* NULL: none */
    uint64_t number;            /* of the last version */
    bool crowded;               /* a version found no place: who reads the oldest is to go */
    _Atomic uint64_t asked_ns;  /* when somebody last asked; 0: nobody ever did */
} skep__handover_document;

/* The two sides' meeting point. */
typedef struct skep__handover {
    _Atomic uint32_t lock;
    skep_allocator allocator;
    bool stop; /* the gateway's thread is to end */
    uint32_t state_count;
    skep_state *states[SKEP__HANDOVER_STATES]; /* oldest first */
    skep__handover_box box;                    /* filled by the gateway's thread */
    skep__handover_lines lines;                /* likewise */
    skep_gateway_stats wire;                   /* what the gateway's thread counts */
    skep_gateway_stats world;                  /* what the world's thread counts */
    uint64_t frame_end_ns;                     /* when the last frame ended */
    skep__handover_document documents[SKEP_GATEWAY_DOCUMENTS_MAX];
} skep__handover;

void skep__handover_init(skep__handover *h, const skep_allocator *allocator);

/* Frees the box and the documents; states must have been taken. */
void skep__handover_deinit(skep__handover *h);

void skep__handover_lock(skep__handover *h);
void skep__handover_unlock(skep__handover *h);

/* The world's thread gives a state. False: too many wait, and it is still the caller's. */
bool skep__handover_give(skep__handover *h, skep_state *state);

/* The gateway's thread takes all states, into room for SKEP__HANDOVER_STATES; returns how many, and
 * whether to stop. */
uint32_t skep__handover_take(skep__handover *h, skep_state **states, bool *stop);

/* The gateway's thread puts an item in. Inputs are refused where too much waits (false), joins and
 * leaves only for lack of memory. */
bool skep__handover_put(skep__handover *h, const skep__handover_item *item, const void *bytes);

/* Returns whether so much waits that nobody new should be let in. */
bool skep__handover_full(skep__handover *h);

/* The world's thread swaps an empty box for the full one. */
void skep__handover_swap(skep__handover *h, skep__handover_box *box);

/* Adds a line, formatted as printf does; where there is no room it is counted. Either thread. */
void skep__handover_say(skep__handover *h, skep_log_level level, const char *format, ...)
#if defined(__GNUC__) || defined(__clang__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* The world's thread shows a document's next version; without bytes it shows none, and gives the
 * memory back that nobody reads. SKEP_NO_MEMORY, or SKEP_LIMIT while all other copies are being
 * read. */
skep_status skep__handover_show(skep__handover *h, skep__handover_document *document,
                                const void *bytes, uint32_t count);

/* The gateway's thread begins to read the version that is shown; NULL where there is none. It stays
 * as it is until skep__handover_done. */
const skep__handover_copy *skep__handover_read(skep__handover *h,
                                               skep__handover_document *document);
void skep__handover_done(skep__handover *h, skep__handover_document *document,
                         const skep__handover_copy *copy);

/* Returns the number of the oldest version that is still being read where another one found no
 * place since the last call; else 0. */
uint64_t skep__handover_crowded(skep__handover *h, skep__handover_document *document);

/* The world's thread hands the lines that wait to the log; `lines` is room for them. */
void skep__handover_tell(skep__handover *h, skep__handover_lines *lines, const skep_log *log);

#endif
