/* SPDX-License-Identifier: MIT */
/* Text on its way to a writer: a small buffer, so that a whole file is never in memory. */
#ifndef SKEP_TRACE_TRACE_OUT_H
#define SKEP_TRACE_TRACE_OUT_H

#include "core/base/format.h"
#include "skep/trace.h"

/* All zero but writer and ctx to begin with; skep__out_end sends the rest. */
typedef struct skep__out {
    skep_trace_writer writer;
    void *ctx;
    bool failed; /* the writer wanted no more */
    uint32_t used;
    char buffer[8192];
} skep__out;

/* Bytes as they are. */
void skep__out_bytes(skep__out *out, const void *bytes, size_t count);

/* A text ended by a zero. */
void skep__out_text(skep__out *out, const char *text);

/* By skep__format, 512 bytes at most. */
void skep__out_format(skep__out *out, const char *format, ...) SKEP__PRINTF(2, 3);

/* A text as JSON has it, with its quotes. Bytes that are no UTF-8 become U+FFFD. */
void skep__out_json(skep__out *out, const char *text);

/* Sends what is left. SKEP_IO when the writer gave false. */
SKEP_NODISCARD skep_status skep__out_end(skep__out *out);

#endif
