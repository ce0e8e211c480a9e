/* SPDX-License-Identifier: MIT */
/* What is worked out of a timeline, all of it as docs/trace-format.md says: statistics of systems
 * and threads, idle time with its reasons, batches and stages, the critical path of a frame, and
 * what would make it shorter. Results lie in the memory that is handed in; after the last call look
 * at its `failed`. */
#ifndef SKEP_TRACE_TRACE_ANALYSE_H
#define SKEP_TRACE_TRACE_ANALYSE_H

#include "trace/trace_read.h"

/* Frames that follow one another: indices of timeline->frames. */
typedef struct skep__trace_frames {
    uint32_t first;
    uint32_t count;
} skep__trace_frames;

/* All of them. */
skep__trace_frames skep__trace_frames_all(const skep__timeline *t);

/* From the first whose tick is within [low, high] to the last one. None: a count of 0. */
skep__trace_frames skep__trace_frames_ticks(const skep__timeline *t, uint64_t low, uint64_t high);

/* ---- values --------------------------------------------------------------------------------- */

/* Sorts values that are not below 0. */
void skep__trace_sort(skep__trace_memory *m, double *values, uint32_t count);

/* The percentile of sorted values by nearest rank; 0 without any. */
double skep__trace_rank(const double *sorted, uint32_t count, uint32_t percent);

/* ---- frames --------------------------------------------------------------------------------- */

/* How long frames took. */
typedef struct skep__trace_times {
    double total_ns;
    double p50_ns;
    double p95_ns;
    double p99_ns;
    double max_ns;
    uint32_t over;   /* frames that took longer than the budget; 0 without one */
    uint32_t slow;   /* frames that are called slow: those over the budget, or the slowest 1% */
    uint32_t *worst; /* all of the frames, the longest first */
} skep__trace_times;

/* `budget_ns` 0: none. */
skep__trace_times skep__trace_times_of(const skep__timeline *t, skep__trace_memory *m,
                                       skep__trace_frames frames, uint64_t budget_ns);

/* ---- systems -------------------------------------------------------------------------------- */

/* One system over a range of frames. */
typedef struct skep__trace_system_stats {
    uint32_t subject; /* an index of timeline->subjects */
    uint32_t run_count;
    uint64_t blocks;
    uint64_t copied; /* blocks */
    double total_ns;
    double self_ns;
    double p50_ns;
    double p95_ns;
    double p99_ns;
    double max_ns;
    double longest_ns; /* of one zone */
    uint32_t longest_row;
    uint32_t longest_zone;
    double *by_row;      /* as many as the timeline has rows */
    double *runs_ns;     /* in the order of frames */
    uint32_t *run_frame; /* the frame of each */
} skep__trace_system_stats;

/* All systems that ran, by number. */
typedef struct skep__trace_systems {
    skep__trace_system_stats *system;
    uint32_t count;
    double total_ns; /* of all */
} skep__trace_systems;

skep__trace_systems skep__trace_systems_of(const skep__timeline *t, skep__trace_memory *m,
                                           skep__trace_frames frames);

/* ---- threads -------------------------------------------------------------------------------- */

/* A stretch in which a thread idles. */
typedef struct skep__trace_idle {
    uint32_t row;
    uint32_t reason;
    double begin;
    double end;
} skep__trace_idle;

/* Takes stretches, in the order of time. */
typedef void skep__trace_idle_fn(void *ctx, const skep__trace_idle *idle);

/* Goes over what a row idles from the first frame's beginning to the last one's end. */
void skep__trace_idle_of(const skep__timeline *t, skep__trace_memory *m, uint32_t row,
                         skep__trace_frames frames, skep__trace_idle_fn *fn, void *ctx);

/* One thread over a range of frames. */
typedef struct skep__trace_thread_stats {
    double busy_ns;
    double idle_ns[SKEP__REASON_COUNT]; /* by reason; that between frames is in neither sum */
    double utilisation;                 /* 0 to 1 */
} skep__trace_thread_stats;

/* One a row. */
skep__trace_thread_stats *skep__trace_threads_of(const skep__timeline *t, skep__trace_memory *m,
                                                 skep__trace_frames frames);

/* ---- batches and stages --------------------------------------------------------------------- */

/* A batch, or batches of one stage: on the caller's row. */
typedef struct skep__trace_span {
    const char *stage; /* "" where it is unknown */
    uint32_t batch;    /* of a stage: the first one */
    uint32_t frame;
    double begin;
    double end;
} skep__trace_span;

typedef struct skep__trace_spans {
    skep__trace_span *batch;
    skep__trace_span *stage;
    uint32_t batch_count;
    uint32_t stage_count;
} skep__trace_spans;

/* In the order of time. */
skep__trace_spans skep__trace_spans_of(const skep__timeline *t, skep__trace_memory *m,
                                       skep__trace_frames frames);

/* How long a BLOCK waited since it could have been claimed; 0 outside of sections. */
double skep__trace_queue_ns(const skep__timeline *t, const skep__timeline_row *row, uint32_t zone);

/* When the last of a row's works in a section ended; 0 without any. */
double skep__trace_last_end(const skep__timeline_row *row, uint32_t tasks);

/* ---- one frame ------------------------------------------------------------------------------ */

/* A piece of a frame's critical path. */
typedef struct skep__trace_segment {
    uint32_t row;
    uint32_t zone; /* SKEP__NONE where it is a gap: "join", "claim", "wake" */
    const char *what;
    double begin;
    double end;
} skep__trace_segment;

/* The path in the order of time, from the frame's beginning to its end without a gap. */
skep__trace_segment *skep__trace_path_of(const skep__timeline *t, skep__trace_memory *m,
                                         uint32_t frame, uint32_t *count);

/* How much shorter a frame would be. */
typedef struct skep__trace_help {
    uint32_t subject;
    double without_ns; /* if the system took no time */
    double split_ns;   /* if its work were spread evenly over all threads */
} skep__trace_help;

/* What would help a frame, for each system in it, by number. */
skep__trace_help *skep__trace_help_of(const skep__timeline *t, skep__trace_memory *m,
                                      uint32_t frame, uint32_t *count);

/* The piece of advice to give first: the index of a help, or SKEP__NONE when there is none.
 * `split`: whether it is to split the system. */
uint32_t skep__trace_advice(const skep__timeline *t, uint32_t frame, const skep__trace_help *help,
                            uint32_t count, bool *split);

#endif
