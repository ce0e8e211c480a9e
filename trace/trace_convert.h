/* SPDX-License-Identifier: MIT */
/* A timeline as other files: trace_event JSON, the viewer's page, and a trace file again. All are
 * streamed to a writer. */
#ifndef SKEP_TRACE_TRACE_CONVERT_H
#define SKEP_TRACE_TRACE_CONVERT_H

#include "skep/trace.h"
#include "trace/trace_read.h"

/* What stands in the viewer's page for the trace; exactly once. */
#define SKEP__TRACE_PAGE_MARK "SKEP_TRACE_BASE64"

/* Writes trace_event JSON, docs/trace-format.md. SKEP_NO_MEMORY; SKEP_IO when the writer gave
 * false, here and below. */
SKEP_NODISCARD skep_status skep__trace_json(const skep__timeline *t, skep_trace_writer writer,
                                            void *ctx);

/* Writes the viewer's page with the trace in it. SKEP_UNSUPPORTED when `page` is none: this build
 * has no viewer. */
SKEP_NODISCARD skep_status skep__trace_html(const skep__timeline *t, const void *page,
                                            size_t page_bytes, skep_trace_writer writer, void *ctx);

/* Writes the trace again, without what was damaged: the same bytes for a good file. */
SKEP_NODISCARD skep_status skep__trace_skept(const skep__timeline *t, skep_trace_writer writer,
                                             void *ctx);

#endif
