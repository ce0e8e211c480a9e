/* SPDX-License-Identifier: MIT */
/* Playing a recording: gives frames what they got then, and compares what comes out. The bytes may
 * be anything; each length and number is checked before it is used.
 *
 *     skep__replay_open(&allocator, bytes, size, &replayer, &error)    all records looked at
 *     skep__replay_begin(replayer, plan)
 *     while (skep__replay_next(replayer, &frame) == SKEP_OK && frame.kind == SKEP__REPLAY_FRAME) {
 *         run the frame with frame.dt and frame.time;
 *         if (!skep__replay_done(replayer, &report)) break;            it differs
 *     }
 *     skep__replay_close(replayer)
 *
 * Faults happen as they were recorded instead of failing again (skep_plan_replay). A batch whose
 * hashes are known is compared when it reaches the world, so the first difference names the frame,
 * the batch, what differs and who may have written it. */
#ifndef SKEP_CORE_RECORD_REPLAYER_H
#define SKEP_CORE_RECORD_REPLAYER_H

#include "core/plan/plan_internal.h"
#include "core/record/record_format.h"

typedef struct skep__replayer skep__replayer;

/* What a recording holds. */
typedef struct skep__replay_info {
    uint64_t frames;    /* that can be played, the unfinished one included */
    uint64_t first;     /* tick of the first; 0 without frames */
    uint32_t worlds;    /* at least 1 */
    bool closed;        /* it was ended, not cut off */
    bool unfinished;    /* the last frame began and never ended */
    const char *damage; /* why nothing is read behind `good`, or NULL: a static text */
    size_t good;        /* bytes */
} skep__replay_info;

typedef enum skep__replay_kind { SKEP__REPLAY_END, SKEP__REPLAY_FRAME } skep__replay_kind;

typedef struct skep__replay_frame {
    skep__replay_kind kind;
    float dt;
    double time; /* as given to the frame: negative for the world's own */
    uint64_t tick;
    bool unfinished;
    bool world; /* it begins with a world that was recorded anew */
} skep__replay_frame;

/* What a difference is about. */
typedef enum skep__replay_what {
    SKEP__DIFFERS_NOT,
    SKEP__DIFFERS_BEFORE, /* the world, before the frame began */
    SKEP__DIFFERS_FAULT,  /* a system failed that had not, or the other way round */
    SKEP__DIFFERS_BATCH,  /* what a batch wrote */
    SKEP__DIFFERS_AFTER   /* the world after the frame, and nothing that a batch wrote */
} skep__replay_what;

/* The first difference. */
typedef struct skep__replay_difference {
    skep__replay_what what;
    uint32_t batch; /* BATCH: from 1 */
    uint64_t frame; /* tick */
    uint64_t
        since; /* the first frame in which it may have come about; `frame` where all are hashed */
    uint32_t others;  /* BATCH: so many more components and the like differ in it */
    uint32_t systems; /* number of names in `system` */
    bool written;     /* BATCH: the system writes it by declaration; else by patches */
    char part[96];    /* BATCH: component, resource or event; AFTER: a part of the world */
    char system[256]; /* BATCH, FAULT: "move", or "move" or "hurt" */
    char cause[192];  /* FAULT: what it failed at now; empty: it did not fail now */
} skep__replay_difference;

/* Looks at all records. The bytes stay where they are until the replayer is closed. SKEP_FOREIGN,
 * SKEP_VERSION; SKEP_CORRUPT where not even a world is whole; SKEP_NO_MEMORY. */
SKEP_NODISCARD skep_status skep__replay_open(const skep_allocator *allocator, const void *bytes,
                                             size_t size, skep__replayer **replayer,
                                             skep_error *error);

/* What is in it. */
const skep__replay_info *skep__replay_info_of(const skep__replayer *replayer);
/* A note by its key, and of several with one key the one with this index; NULL when there is none.
 */
const char *skep__replay_note(const skep__replayer *replayer, const char *key, uint32_t index);
/* The data file's bytes, or NULL. */
const uint8_t *skep__replay_data(const skep__replayer *replayer, size_t *bytes);

/* Takes the plan's world to the recording's beginning. SKEP_SCHEMA for another scene; errors of
 * skep_load: the world is as it was. Between frames. */
SKEP_NODISCARD skep_status skep__replay_begin(skep__replayer *replayer, skep_plan *plan);
/* Whether the plan's systems are those that were recorded. */
bool skep__replay_same_plan(const skep__replayer *replayer);

/* Gives the world what the next frame got. SKEP_CORRUPT for what makes no sense, SKEP_NO_MEMORY. */
SKEP_NODISCARD skep_status skep__replay_next(skep__replayer *replayer, skep__replay_frame *frame);
/* Takes the end of that frame. False at the first difference. */
bool skep__replay_done(skep__replayer *replayer, const skep_frame_report *report);

/* The first difference, or one that says SKEP__DIFFERS_NOT. */
const skep__replay_difference *skep__replay_difference_of(const skep__replayer *replayer);
/* Writes it as users read it; returns the length of the whole text. */
size_t skep__replay_text(const skep__replay_difference *difference, char *out, size_t max);

/* Returns how many hashes of worlds were compared. */
uint64_t skep__replay_hashes(const skep__replayer *replayer);

/* Leaves the plan; the world stays as it is. */
void skep__replay_leave(skep__replayer *replayer);
/* Leaves the plan, and frees all. NULL is fine. */
void skep__replay_close(skep__replayer *replayer);

#endif
