/* SPDX-License-Identifier: MIT */
/* Trace files made by hand: a test says what is in one, and gets the bytes. Nothing of it is shared
 * with the tracer that writes real ones. */
#ifndef SKEP_TESTS_SUPPORT_TRACE_PAPER_H
#define SKEP_TESTS_SUPPORT_TRACE_PAPER_H

#include "trace/trace_read.h"

#define PAPER_BYTES 65536u
#define PAPER_THREADS 6u
#define PAPER_RECORDS 512u
#define PAPER_TABLE 32u
#define PAPER_TEXTS 1024u
#define PAPER_BASE 5000u /* ticks at time 0 */

typedef struct trace_paper {
    uint8_t bytes[PAPER_BYTES];
    size_t size;
    double ns_per_tick;
    uint64_t base;
    uint64_t budget_ns;
    uint32_t frames; /* that INFO tells of: those that were put */
    uint32_t threads;
    char texts[PAPER_TEXTS];
    uint32_t text_bytes;
    uint32_t systems[PAPER_TABLE][8];
    uint32_t edges[PAPER_TABLE][4];
    uint32_t notes[PAPER_TABLE][2];
    uint32_t names[PAPER_TABLE][2];
    uint32_t system_count;
    uint32_t edge_count;
    uint32_t note_count;
    uint32_t name_count;
    uint64_t records[PAPER_THREADS][PAPER_RECORDS][3];
    uint32_t record_count[PAPER_THREADS];
} trace_paper;

/* Begins an empty one of so many threads. */
void paper_begin(trace_paper *p, uint32_t threads, double ns_per_tick);

/* What the tables hold. */
void paper_system(trace_paper *p, uint32_t number, const char *name, const char *stage,
                  uint32_t batch, uint32_t flags);
void paper_edge(trace_paper *p, uint32_t from, uint32_t to, const char *why);
void paper_note(trace_paper *p, const char *key, const char *value);
void paper_name(trace_paper *p, uint32_t number, const char *name);

/* When a zone was, in ticks from time 0. */
typedef struct paper_span {
    int64_t begin;
    int64_t end;
} paper_span;

/* A record with the payload's halves. */
void paper_zone(trace_paper *p, uint32_t thread, uint32_t kind, paper_span when, uint32_t low,
                uint32_t high);

/* Zones by what they are: a block of a system; a frame; a batch's zone. */
void paper_block(trace_paper *p, uint32_t thread, uint32_t system, int64_t begin, int64_t end,
                 uint32_t block);
void paper_frame(trace_paper *p, int64_t begin, int64_t end, uint64_t tick);

/* Writes the bytes; returns their number. */
size_t paper_write(trace_paper *p);

/* Puts one section behind what is there. */
void paper_section(trace_paper *p, const char *tag, const void *payload, size_t bytes);

/* Makes the checksum of each section right, where the file's lengths make that possible. */
void paper_mend(uint8_t *bytes, size_t size);

/* The trace whose figures tests/trace/test_timeline_figures.c has worked out by hand. */
void paper_two_frames(trace_paper *p);

#endif
