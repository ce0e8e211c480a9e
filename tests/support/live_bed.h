/* SPDX-License-Identifier: MIT */
/* A small live world for tests: a world that moves in a way that is always the same, its feed and
 * publisher, and views that hang on it without a line. All its values are multiples of their
 * quantum, so what a view shows is what the world has, bit by bit. Needs nothing but memory, so
 * that it runs in wasm as well; what must hold traps. */
#ifndef SKEP_TESTS_SUPPORT_LIVE_BED_H
#define SKEP_TESTS_SUPPORT_LIVE_BED_H

#include "core/base/base.h"
#include "skep/job.h"
#include "skep/plan.h"
#include "skep/view.h"
#include "skep/world.h"

SKEP_COMPONENT(BedPos, (f32, x), (f32, y));
SKEP_COMPONENT(BedVel, (f32, x), (f32, y));
SKEP_COMPONENT(BedKind, (u8, kind), (entity, goal));
SKEP_TAG(BedMark);
SKEP_RESOURCE(BedScore, (u32, blue), (u32, red));
SKEP_EVENT(BedHit, (u16, amount), (entity, by));
SKEP_INPUT(BedSteer, (i16, turn), (u8, fire));

#define BED_REPLICAS 7u
#define BED_ENTITIES_MAX 256u
#define BED_FRAME_NS 16666667u

/* Traps, in every build. */
#define BED_MUST(x) ((x) ? (void)0 : SKEP_TRAP())

typedef struct live_bed {
    skep_allocator allocator; /* of the publisher, */
    skep_allocator views;     /* and of views; the same unless a test says so */
    skep_world *world;
    skep_plan *plan;
    skep_feed *feed;
    skep_publisher *publisher;
    skep_publish_desc desc;
    skep_snapshot *start; /* to go back to */
    uint64_t now_ns;
    uint64_t random; /* of resume tokens */
    uint32_t players;
    uint32_t frames; /* since the start */
    bool rests;      /* nothing changes any more */
    bool quiet;      /* nor are there events */
    bool one_player; /* all who come are player 1 */
    uint32_t entity_count;
    skep_entity entities[BED_ENTITIES_MAX];
    uint32_t start_count;
    skep_entity start_entities[BED_ENTITIES_MAX];
    uint64_t inputs; /* that were handed to the feed */
} live_bed;

/* Of these very descriptions: each file that includes this has its own of the same names. */
extern const skep_replica live_replicas[BED_REPLICAS];
extern const skep_rate live_rates[2];

/* Opens a world of `count` entities. `own` is the memory of the publisher and of views. */
void live_bed_open(live_bed *b, skep_region region, skep_allocator world_memory, skep_allocator own,
                   uint32_t count);
void live_bed_close(live_bed *b);

/* Goes back to the state behind live_bed_open, with a publisher of the same description anew. */
void live_bed_restart(live_bed *b);
/* A new publisher for the world as it is: what clients see when a server was started again. */
void live_bed_publisher(live_bed *b);

/* Runs a frame; the publisher gets its state. Returns what the publisher said. */
skep_status live_bed_frame(live_bed *b);
/* Answers what sessions ask and moves inputs; a token that begins with 'n' is refused. */
void live_bed_answer(live_bed *b);

/* A view on the bed, by the bed's memory. */
skep_view *live_bed_view(const live_bed *b);

/* One connection of a view without a line; `session` is NULL while there is none. */
typedef struct live_link {
    live_bed *bed;
    skep_view *view;
    skep_session *session;
    void (*tap)(void *ctx, bool down, const void *bytes,
                size_t size); /* sees every message; NULL */
    void *tap_ctx;
} live_link;

void live_link_connect(live_link *l);
void live_link_cut(live_link *l);
/* Moves what there is, both ways, until nothing is left. Cuts where an end says so; false then. */
bool live_link_move(live_link *l);
/* The halves of it. */
void live_link_up(live_link *l);
bool live_link_down(live_link *l);
/* Lets the world rest, connects again as needed, and goes on until the view is the world, at most
 * `frames`; false when it is not, or the view was closed. */
bool live_link_settle(live_link *l, uint32_t frames);

/* Whether a view shows the world, all of it and nothing else. Moves what it shows by a second. */
bool live_bed_same(live_bed *b, skep_view *view);
/* Reads all that a view shows; a hash of it. */
uint64_t live_bed_look(skep_view *view, uint64_t now_ns);

#endif
