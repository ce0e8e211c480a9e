/* SPDX-License-Identifier: MIT */
/* Two traces compared, system by system: docs/trace-format.md, "Two traces compared". */
#ifndef SKEP_TRACE_TRACE_COMPARE_H
#define SKEP_TRACE_TRACE_COMPARE_H

#include "trace/trace_analyse.h"

/* A figure in both traces, and the interval of 95% around what it changed by. */
typedef struct skep__trace_change {
    double a;
    double b;
    double low;  /* of b - a */
    double high; /* likewise */
    bool known;  /* there were values enough for an interval */
} skep__trace_change;

/* Which trace has a system. */
typedef enum skep__trace_side { SKEP__SIDE_BOTH, SKEP__SIDE_A, SKEP__SIDE_B } skep__trace_side;

/* One system; what a trace does not have is 0. */
typedef struct skep__trace_comparison {
    const char *system;
    skep__trace_side only;
    const skep__trace_system_stats *in_a; /* or NULL */
    const skep__trace_system_stats *in_b;
    skep__trace_change p50; /* nanoseconds */
    skep__trace_change p99;
    skep__trace_change share; /* of the time of all systems, 0 to 1 */
    bool clear;               /* p50 rose, and its interval does not hold 0 */
} skep__trace_comparison;

/* A trace as one side of a comparison. */
typedef struct skep__trace_compared {
    const skep__timeline *timeline;
    const skep__trace_systems *systems;
    skep__trace_frames frames; /* that the systems' figures are of */
} skep__trace_compared;

/* The list, those that clearly rose first. */
skep__trace_comparison *skep__trace_compare(const skep__trace_compared *a,
                                            const skep__trace_compared *b, skep__trace_memory *m,
                                            uint32_t *count);

#endif
