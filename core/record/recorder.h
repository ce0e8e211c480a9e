/* SPDX-License-Identifier: MIT */
/* Recording: everything that decides what frames do, from one world on, as a file that grows while
 * they run (record_format.h). No files here: bytes go to a callback, a whole record at a time, and
 * what was passed on is a recording that can be played, whatever happens next.
 *
 *     skep__recorder_open(&desc, &recorder)       the world as it is
 *     skep__recorder_before(recorder, dt, time)   before skep_frame_begin
 *     skep__recorder_after(recorder, &report)     after skep_frame_end
 *     skep__recorder_close(recorder)
 *
 * What is written to the world between frames is no frame's input. Where a frame begins with
 * another world than the last one left (its hash tells, where frames are hashed, or its tick), the
 * world is recorded anew: so going back in time, loading and spawning a player are all part of it.
 */
#ifndef SKEP_CORE_RECORD_RECORDER_H
#define SKEP_CORE_RECORD_RECORDER_H

#include "core/plan/plan_internal.h"
#include "core/record/record_format.h"

typedef struct skep__recorder_desc {
    skep_plan *plan;             /* and its world; both outlive the recorder */
    skep_write_fn write;         /* gets the bytes; false gives the recording up */
    void *ctx;                   /* for write */
    const skep__rec_note *notes; /* note_count, written once */
    const void *data;            /* of the data file that the scene was opened with, or NULL */
    size_t data_bytes;
    uint32_t note_count;
    uint32_t world_max;  /* the most worlds; SKEP_RECORD_WORLDS_MAX for natives */
    uint32_t hash_every; /* hashes of frames whose tick, counted from 1, is a multiple; 0: none */
} skep__recorder_desc;

typedef struct skep__recorder skep__recorder;

/* Begins with the world as it is, between frames. SKEP_NO_MEMORY, SKEP_IO when `write` gave up, or
 * what skep_save gives. */
SKEP_NODISCARD skep_status skep__recorder_open(const skep__recorder_desc *desc,
                                               skep__recorder **recorder);

/* Notes what a frame is about to get, and what came of it. When either finds that the recording
 * cannot go on, it ends where it is good: skep__recorder_lost. */
void skep__recorder_before(skep__recorder *recorder, float dt, double time);
void skep__recorder_after(skep__recorder *recorder, const skep_frame_report *report);

/* Keeps bytes of the host's own in front of the coming frame; whoever plays it finds them there by
 * reading the file. Between frames. */
void skep__recorder_host(skep__recorder *recorder, const void *bytes, size_t n);

/* Returns why the recording ended by itself, a static text; NULL while it goes on. */
const char *skep__recorder_lost(const skep__recorder *recorder);

/* Returns the bytes passed on so far. */
uint64_t skep__recorder_bytes(const skep__recorder *recorder);

/* Ends the recording. NULL is fine. */
void skep__recorder_close(skep__recorder *recorder);

#endif
