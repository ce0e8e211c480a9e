/* SPDX-License-Identifier: MIT */
/* Traces of a run: a file at the end, a flight recorder that writes the last frames when something
 * happens, and a few lines about each slow frame. `skep run` and `skep serve` share it. */
#ifndef SKEP_CLI_TRACER_H
#define SKEP_CLI_TRACER_H

#include "cli/cli.h"

/* The most files that a flight recorder writes in one run. */
#define SKEP__TRACER_FILES_MAX 10u

/* Why a flight recorder writes. */
typedef enum skep__tracer_reason {
    SKEP__TRACER_FAULT,
    SKEP__TRACER_SLOW,
    SKEP__TRACER_SIGNAL,
    SKEP__TRACER_ERROR,
    SKEP__TRACER_REASONS
} skep__tracer_reason;

/* What was written, for the summary of a run. */
typedef struct skep__tracer_result {
    const char *path;     /* the file of --trace; NULL: none was written at the end */
    uint32_t frames;      /* in it */
    uint32_t zones;       /* in it */
    uint32_t files;       /* of the flight recorder */
    uint64_t slow_frames; /* longer than the budget */
    uint64_t budget_ns;   /* 0: none */
    bool recorder;        /* --trace-last was given */
} skep__tracer_result;

/* The traces of one run. */
typedef struct skep__cli_tracer {
    skep__cli_command command;
    skep_sim *sim;
    skep__cli_live *live; /* to be taken away before a line */
    const char *path;
    uint32_t last;     /* frames of the flight recorder; 0: there is none */
    uint64_t frame_ns; /* what a frame simulates: the budget that files name without --slow-ms */
    uint64_t frames;
    uint64_t faults;
    uint64_t next_frame[SKEP__TRACER_REASONS]; /* before which a reason counts no more */
    uint64_t told_ns[4];                       /* when the last lines about a slow frame were */
    uint64_t told;
    uint64_t untold; /* slow frames since, about which there was nothing said */
    bool full;       /* it was said that there are no more files */
    skep__tracer_result result;
} skep__cli_tracer;

/* Looks at the options, before anything is opened: whether they go together, and whether the file
 * can be written. */
int skep__cli_tracer_check(const skep__cli_options *options);

/* Makes the rings as large as the options want them. */
void skep__cli_tracer_describe(const skep__cli_options *options, skep_sim_desc *desc);

/* Begins, when the scene is open and the signals are there. `live` may be NULL. */
void skep__cli_tracer_begin(skep__cli_tracer *tracer, const skep__cli_options *options,
                            const skep__cli_scene *scene, skep__cli_live *live);

/* What a frame may take, for files: that of --slow-ms, else the time that it simulates. */
uint64_t skep__cli_tracer_budget_ns(const skep__cli_tracer *tracer);

/* Tells it that a frame is over. */
void skep__cli_tracer_frame(skep__cli_tracer *tracer);

/* Writes the file of the whole run, or after an error what the flight recorder holds. Returns
 * SKEP__EXIT_FAILED, after saying why, when it could not be written. */
int skep__cli_tracer_end(skep__cli_tracer *tracer, bool error);

#endif
