/* SPDX-License-Identifier: MIT */
/* The document /trace.skept of `skep serve`. */
#ifndef SKEP_CLI_SERVE_TRACE_H
#define SKEP_CLI_SERVE_TRACE_H

#include "cli/cli.h"

#if SKEP_CLI_GATEWAY
#include "skep/gateway.h"

/* All zero: there is no tracer, and the calls do nothing. */
typedef struct skep__serve_trace {
    skep_sim *sim;
    skep_trace *trace;
    uint64_t budget_ns; /* of a frame */
    uint64_t limit_ns;  /* what writing may take of the processor */
    uint64_t next_ns;   /* when to write again */
    uint32_t frames;    /* to write, at most frames_max */
    uint32_t frames_max;
    uint32_t inputs, publish, write; /* names of zones */
    bool shown;
    skep__cli_bytes file;
    uint64_t count;       /* files that were written, */
    uint64_t took_ns;     /* the processor's time for them, */
    uint64_t took_max_ns; /* and for one */
} skep__serve_trace;

/* The document with a tracer, and without. */
extern const skep_gateway_document skep__serve_trace_document;
extern const skep_gateway_document skep__serve_trace_missing;

/* Names the scene and the host's zones in the trace. `budget_ns` is that of a frame. */
void skep__serve_trace_open(skep__serve_trace *t, const skep__cli_scene *scene, uint64_t budget_ns);

/* After a frame: brings the document up to date where somebody wants it. */
void skep__serve_trace_show(skep__serve_trace *t, skep_gateway *gateway);

void skep__serve_trace_close(skep__serve_trace *t);

#endif
#endif
