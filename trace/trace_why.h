/* SPDX-License-Identifier: MIT */
/* Why a frame was slow, in a few lines for people, and the pieces of them that other texts use. */
#ifndef SKEP_TRACE_TRACE_WHY_H
#define SKEP_TRACE_TRACE_WHY_H

#include "trace/trace_analyse.h"
#include "trace/trace_out.h"

/* All segments of a path that have one name and one thread. */
typedef struct skep__trace_step {
    const char *what;
    uint32_t row;
    double ns;
} skep__trace_step;

/* Puts a path's segments together, in the order in which they first come. */
skep__trace_step *skep__trace_steps(const skep__trace_segment *segment, uint32_t segment_count,
                                    skep__trace_memory *m, uint32_t *count);

/* Writes "snapshot 0.02 > strike 8.10 (worker 1) > 7 others 0.31": the longest steps by name, in
 * milliseconds; what is written adds up to the frame as `digits` decimals show it. */
void skep__trace_steps_out(const skep__timeline *t, skep__out *out, uint32_t frame,
                           const skep__trace_step *step, uint32_t count, uint32_t digits);

/* Decimals for milliseconds of a frame that is this long. */
uint32_t skep__trace_digits(double frame_ns);

/* Writes why frame number `frame` took as long as it did: several lines that begin with "slow:".
 * `budget_ns` 0: none. SKEP_NO_MEMORY; SKEP_IO when the writer gave false. */
SKEP_NODISCARD skep_status skep__trace_why(const skep__timeline *t, uint32_t frame,
                                           uint64_t budget_ns, skep_trace_writer writer, void *ctx);

#endif
