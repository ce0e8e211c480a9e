/* SPDX-License-Identifier: MIT */
/* The tracer from inside: rings, and the names that go with their numbers. Who runs jobs asks for
 * its thread's ring once and writes to it; the plan says what its systems are called. Nobody else
 * knows more of a tracer than include/skep/trace.h. */
#ifndef SKEP_CORE_TRACE_TRACE_H
#define SKEP_CORE_TRACE_TRACE_H

#include "core/trace/trace_ring.h"

/* The name of zones that are pieces of a skep_pool_for. */
#define SKEP__TRACE_NAME_PIECES 1u

/* Flags of a system. */
enum { SKEP__TRACE_MAIN = 1, SKEP__TRACE_UNSPLIT = 2, SKEP__TRACE_HIDDEN = 4 };

/* Texts one after the other, each with its zero; the first one is empty. */
typedef struct skep__trace_texts {
    char *bytes;
    uint32_t used, cap;
} skep__trace_texts;

/* A line of the file's SYST, with text offsets in the tracer's plan texts. */
typedef struct skep__trace_system {
    uint32_t number;
    uint32_t name;
    uint32_t stage;
    uint32_t batch; /* from 1 */
    uint32_t place;
    uint32_t flags;
    uint32_t pad[2];
} skep__trace_system;

/* A line of EDGE, likewise. */
typedef struct skep__trace_edge {
    uint32_t from;
    uint32_t to;
    uint32_t why;
    uint32_t pad;
} skep__trace_edge;

/* Two words of the file: a pair of texts, or a number and a text. */
typedef struct skep__trace_pair2 {
    uint32_t key;
    uint32_t value;
} skep__trace_pair2;

struct skep_trace {
    skep_allocator allocator;
    uint32_t references;     /* its creator's, and those of pools whose threads write to it */
    skep__trace_ring *rings; /* ring_count: the caller's, then the workers' */
    uint32_t ring_count;
    uint32_t records; /* of each */
    skep__trace_texts host_texts;
    skep__trace_texts plan_texts;
    skep__trace_pair2 *names; /* number, host text */
    skep__trace_pair2 *notes; /* host texts */
    skep__trace_system *systems;
    skep__trace_edge *edges;
    uint32_t name_count, name_cap;
    uint32_t note_count, note_cap;
    uint32_t system_count, system_cap;
    uint32_t edge_count, edge_cap;
};

/* Keeps the tracer until another skep_trace_destroy; NULL is fine. A pool that must leave a thread
 * behind never gives its reference back. */
SKEP_INLINE void skep__trace_hold(skep_trace *trace)
{
    if (trace) trace->references++;
}

/* The ring of a thread, 0: the caller. NULL without a tracer or such a thread. */
SKEP_INLINE skep__trace_ring *skep__trace_ring_of(skep_trace *trace, uint32_t thread)
{
    return trace && thread < trace->ring_count ? &trace->rings[thread] : NULL;
}

/* Forgets the plan, to have it described anew. */
void skep__trace_plan_clear(skep_trace *trace);

/* Describes a system, or that one waits for another. Without memory it is left out: then the trace
 * has a number in place of a name. */
void skep__trace_plan_system(skep_trace *trace, const skep__trace_system *system, const char *name,
                             const char *stage);
void skep__trace_plan_edge(skep_trace *trace, uint32_t from, uint32_t to, const char *why);

/* The number by which a system is known in records. */
SKEP_INLINE uint32_t skep__trace_number(uint32_t number)
{
    return skep__min_u32(number, 0xffffu);
}

#endif
