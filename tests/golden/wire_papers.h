/* SPDX-License-Identifier: MIT */
/* The messages of which data/wire_v1.hex keeps the bytes: bodies of COLUMNS in each mode and with
 * each predictor, a DELTA, and one of everything that a conversation consists of. Without a file
 * and without libc, so that wasm makes and reads the same. */
#ifndef SKEP_TESTS_GOLDEN_WIRE_PAPERS_H
#define SKEP_TESTS_GOLDEN_WIRE_PAPERS_H

#include "core/base/base.h"

#define WIRE_PAPER_MAX 4096u
#define WIRE_BODIES 12u
#define WIRE_TALK 16u
#define WIRE_PAPERS (WIRE_BODIES + 1u + WIRE_TALK)

typedef struct wire_paper {
    uint8_t bytes[WIRE_PAPER_MAX];
    size_t size;
} wire_paper;

/* Writes all WIRE_PAPERS; what did not go, or NULL. */
const char *wire_papers_make(wire_paper *papers, const skep_allocator *memory);

/* Reads all, and compares with what they were made from; what differs, or NULL. */
const char *wire_papers_read(const wire_paper *papers, const skep_allocator *memory);

/* The halves: COLUMNS and the DELTA of fixed columns; the conversation. */
const char *wire_bodies_make(wire_paper *papers);
const char *wire_bodies_read(const wire_paper *papers);
const char *wire_talk_make(wire_paper *papers, const skep_allocator *memory);
const char *wire_talk_read(const wire_paper *papers, const skep_allocator *memory);

#endif
