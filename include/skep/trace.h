/* SPDX-License-Identifier: MIT */
/* The tracer: where each microsecond of a frame went. Every thread that runs jobs writes what it
 * did, 24 bytes at the end of each zone, into a ring of its own that overwrites its oldest records;
 * the rings are always on, and are read when somebody asks: after a fault, a slow frame, or at the
 * end of a run.
 *
 *     skep_sim_desc d = skep_sim_desc_default();             ... the rings are there
 *     skep_sim_step(sim, dt);                                ... and filled
 *     skep_sim_trace_save(sim, "out.skept", 120);            the last 120 frames
 *
 * `skep trace convert out.skept out.html` makes a page of it, docs/tracing.md reads one, and
 * docs/trace-format.md is the file format. A zone costs two looks at the clock and three stores, 25
 * ns at most where the clock is the processor's; nothing while tracing is off but a test. */
#ifndef SKEP_TRACE_H
#define SKEP_TRACE_H

#include "skep/log.h"
#include "skep/status.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A tracer: one ring a thread, and the names of what is in them. See skep_trace_create. */
typedef struct skep_trace skep_trace;

/* The least and the most records of one ring. */
#define SKEP_TRACE_RECORDS_MIN 64u
#define SKEP_TRACE_RECORDS_MAX ((uint32_t)1 << 24)

/* The most names that a host can give to zones of its own. */
#define SKEP_TRACE_NAMES_MAX 1024u

/* A clock: any count that grows evenly, the same on all threads. Called from every thread. */
typedef uint64_t (*skep_trace_clock)(void);

/* What to create a tracer with; begin with skep_trace_desc_default(). */
typedef struct skep_trace_desc {
    uint32_t canary;        /* set by skep_trace_desc_default */
    uint32_t workers;       /* threads beside the caller */
    uint32_t records;       /* of each ring, 24 bytes each; rounded up to a power of two; 65,536 by
                               default */
    bool off;               /* begins switched off */
    skep_trace_clock clock; /* must be set */
    skep_allocator allocator; /* must be set */
} skep_trace_desc;

/* How the clock's ticks are to be understood; filled in by whoever knows the clock. */
typedef struct skep_trace_time {
    uint64_t base;      /* ticks at the trace's time 0 */
    double ns_per_tick; /* above 0 */
    uint64_t unix_ns;   /* since 1970 at time 0; 0 where unknown */
    uint64_t step_ns;   /* by which the clock advances; 0: less than a tick */
    uint64_t budget_ns; /* of a frame, for whoever looks; 0: none */
} skep_trace_time;

/* Returns the defaults. */
SKEP_API skep_trace_desc skep_trace_desc_default(void);

/* Creates a tracer; destroy it with skep_trace_destroy. SKEP_ARGUMENT without clock or allocator,
 * SKEP_LIMIT for more than SKEP_TRACE_RECORDS_MAX records, SKEP_NO_MEMORY. */
SKEP_API SKEP_NODISCARD skep_status skep_trace_create(const skep_trace_desc *desc,
                                                      skep_trace **trace);

/* Frees a tracer; where a pool still has it, when that is destroyed. NULL is fine. */
SKEP_API void skep_trace_destroy(skep_trace *trace);

/* Switches all rings on or off; what is in them stays. Any thread; a zone that has begun may still
 * be written. */
SKEP_API void skep_trace_enable(skep_trace *trace, bool on);

/* Returns whether the rings are on. */
SKEP_API bool skep_trace_enabled(const skep_trace *trace);

/* Returns the number of a name for zones of the host's own ("draw", "publish"); the same name gives
 * the same number. 0, which is no name, without memory or past SKEP_TRACE_NAMES_MAX. Copied. The
 * caller's thread. */
SKEP_API uint32_t skep_trace_name(skep_trace *trace, const char *name);

/* Begins a zone of the host's own: returns the time, 0 while the tracer is off or NULL. The
 * caller's thread. */
SKEP_API uint64_t skep_trace_begin(skep_trace *trace);

/* Ends a zone that began at `begin`; nothing for 0. `name` is from skep_trace_name. The caller's
 * thread; zones of one thread nest. */
SKEP_API void skep_trace_end(skep_trace *trace, uint32_t name, uint64_t begin);

/* Keeps a pair of texts for the file, such as "scene" and "skies"; the last of one key counts.
 * Copied. SKEP_LIMIT past SKEP_TRACE_NAMES_MAX of them, SKEP_NO_MEMORY. The caller's thread. */
SKEP_API skep_status skep_trace_note(skep_trace *trace, const char *key, const char *value);

/* Takes a piece of a file. False ends the writing. */
typedef bool (*skep_trace_writer)(void *ctx, const void *bytes, size_t count);

/* Writes the last `frames` whole frames that the rings hold (0: all) as a file in the format of
 * docs/trace-format.md. `time` says what the clock's ticks mean. Fills the number of frames written
 * (may be NULL). The caller's thread, between frames; workers may write their rings meanwhile. It
 * allocates as much as one ring while it runs. SKEP_NO_MEMORY, or SKEP_IO when the writer gave
 * false. */
SKEP_API SKEP_NODISCARD skep_status skep_trace_write(skep_trace *trace, const skep_trace_time *time,
                                                     uint32_t frames, skep_trace_writer writer,
                                                     void *ctx, uint32_t *frames_written);

#ifdef __cplusplus
}
#endif

#endif
