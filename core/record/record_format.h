/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* The bytes of recordings and fault files (.skepr), version 2, all numbers little-endian.
 *
 *     head      magic 8 | version u32 | content u32 (1: a recording, 2: a fault)
 *     records   kind u32 | 0 u32 | bytes u64 | hash u64 | payload of so many bytes | zeros to 8
 *
 * A record's hash runs over kind, length, payload and the hash before it (the first one's: of the
 * head), so a record that is damaged, missing or out of place is noticed, and what stands before it
 * is good: a program that was killed leaves a file that can be read up to its last whole record.
 *
 *     NOTES      key, 0, value, 0, ...                  scene, params, seed: what the host says
 *     DATA       bytes of the data file that the scene was opened with
 *     NUMBERS    four times: count u32 | 0 u32 | identities u64: component types, channels,
 *                resources, prefabs. Commands and hashes below use such numbers
 *     PLAN       system_count u32 | 0 u32 | for each, in order: batch u32 | name_bytes u32 | name
 *     WORLD      the next bytes of a save
 *     WORLD_END  tick u64: the world is this one from here on
 *     BEGIN      a frame is about to run: tick u64 | time f64 | dt f32 | flags u32 (1: hash) |
 *                hash of the world u64 | command_bytes u32 | command_count u32 | input_count u32 |
 *                0 u32 | commands (patches) | inputs: number u64 | to u64 | source u32 | channel
 *                u32 | value, zeros to 8
 *     END        it has run: tick u64 | flags u32 (1: hashes) | fault_count u32 | hash u64 | of
 *                tables, resources, channels, records, queue u64 each | item_bytes u32 | 0 u32 |
 *                batches: batch u32 | count u32 | count times: item u32 | 0 u32 | hash u64 | faults
 *     CLOSE      tick u64: the recording was ended, not cut off
 *     FAULT      what a job failed at: see core/record/fault_file.h
 *     RANGE      address u64 | bytes as they were there
 *     FAULT_END  count u64 of ranges
 *     HOST       what only the host knows of the frame that follows, in its own words: bytes
 *
 * A fault: frame u64 | until u64 | status, action, block, blocks, row, rows, worker, retry_worker,
 * strikes, strikes_max u32 each | flags u32 (1 retried, 2 fallback, 4 kept) | 0 u32 | system 64 |
 * cause 192.
 *
 * A BEGIN without an END is a frame that crashed the program, where nothing follows it, and one
 * that was given up, where something does. */
/* clang-format on */
#ifndef SKEP_CORE_RECORD_RECORD_FORMAT_H
#define SKEP_CORE_RECORD_RECORD_FORMAT_H

#include "core/base/byte_buffer.h"
#include "core/base/hash.h"
#include "skep/plan.h"
#include "skep/save.h"

#define SKEP__REC_VERSION 2u
#define SKEP__REC_HEAD_BYTES 16u
#define SKEP__REC_RECORD_BYTES 24u

/* What a file holds. */
enum { SKEP__REC_RECORDING = 1, SKEP__REC_FAULT_FILE = 2 };

typedef enum skep__rec_kind {
    SKEP__REC_NOTES = 1,
    SKEP__REC_DATA,
    SKEP__REC_NUMBERS,
    SKEP__REC_PLAN,
    SKEP__REC_WORLD,
    SKEP__REC_WORLD_END,
    SKEP__REC_BEGIN,
    SKEP__REC_END,
    SKEP__REC_CLOSE,
    SKEP__REC_FAULT,
    SKEP__REC_RANGE,
    SKEP__REC_FAULT_END,
    SKEP__REC_HOST
} skep__rec_kind;

#define SKEP__REC_HASHED 1u
#define SKEP__REC_WORLD_PIECE ((size_t)256 << 10)
#define SKEP__REC_FAULT_BYTES 320u

/* The parts of a world whose hashes are kept: kind << 24 | number. */
enum { SKEP__ITEM_ENTITIES, SKEP__ITEM_TYPE, SKEP__ITEM_CHANNEL, SKEP__ITEM_RESOURCE };

SKEP_INLINE uint32_t skep__item_make(uint32_t kind, uint32_t number)
{
    return kind << 24 | number;
}

/* The hash of a record behind one with hash `chain`; the payload is padded with zeros. */
uint64_t skep__rec_sum(uint64_t chain, uint32_t kind, const uint8_t *payload, size_t bytes);

/* ---- writing -------------------------------------------------------------------------------- */

/* One file being written, a whole record at a time. */
typedef struct skep__rec_writer {
    skep_write_fn write;
    void *ctx;
    skep__bytes out; /* the record at hand: head and payload; its allocator is set by the owner */
    uint64_t chain;
    uint64_t bytes;     /* written so far */
    uint32_t kind;      /* of the record at hand */
    skep_status status; /* SKEP_NO_MEMORY or SKEP_IO: nothing more is written, */
    const char *why;    /* for this reason */
} skep__rec_writer;

/* Writes the head. False when that failed, as all below; then `why` says why. */
bool skep__rec_open(skep__rec_writer *w, uint32_t content);
/* Begins a record; its payload is appended to w->out. */
bool skep__rec_begin(skep__rec_writer *w, skep__rec_kind kind);
/* Ends it and hands it over. `whole` false: something of it found no memory. */
bool skep__rec_end(skep__rec_writer *w, bool whole);
void skep__rec_close(skep__rec_writer *w);

/* One thing to remember beside what frames do. */
typedef struct skep__rec_note {
    const char *key;
    const char *value; /* NULL: left out */
} skep__rec_note;

bool skep__rec_notes(skep__rec_writer *w, const skep__rec_note *notes, uint32_t count);

/* Writes the DATA record; true, with nothing done, where there is none. */
bool skep__rec_data(skep__rec_writer *w, const void *data, size_t bytes);

/* Appends a fault. */
bool skep__rec_fault_put(skep__bytes *out, const skep_fault *fault);

/* ---- reading -------------------------------------------------------------------------------- */

/* A file being read, whose bytes may be anything. */
typedef struct skep__rec_reader {
    const uint8_t *bytes;
    size_t size;
    size_t at; /* of the next record */
    uint64_t chain;
    const char *why; /* there are no more records, although the file goes on */
} skep__rec_reader;

typedef struct skep__rec_record {
    uint32_t kind;
    const uint8_t *payload;
    size_t bytes;
} skep__rec_record;

/* Looks at the head. */
skep_status skep__rec_read(skep__rec_reader *r, const void *bytes, size_t size, uint32_t content,
                           skep_error *error);
/* Takes the next record, whose hash is right; false at the end, and at damage. */
bool skep__rec_next(skep__rec_reader *r, skep__rec_record *record);

/* What is left of a payload. Reading past its end gives zeros and marks it bad. */
typedef struct skep__rec_cursor {
    const uint8_t *at;
    size_t left;
    bool bad;
} skep__rec_cursor;

SKEP_INLINE const uint8_t *skep__rec_take(skep__rec_cursor *c, size_t n)
{
    if (n > c->left) {
        c->bad = true;
        return NULL;
    }
    const uint8_t *at = c->at;
    c->at += n;
    c->left -= n;
    return at;
}

SKEP_INLINE uint32_t skep__rec_u32(skep__rec_cursor *c)
{
    uint32_t x = 0;
    const uint8_t *at = skep__rec_take(c, sizeof x);
    if (at) memcpy(&x, at, sizeof x);
    return x;
}

SKEP_INLINE uint64_t skep__rec_u64(skep__rec_cursor *c)
{
    uint64_t x = 0;
    const uint8_t *at = skep__rec_take(c, sizeof x);
    if (at) memcpy(&x, at, sizeof x);
    return x;
}

/* Reads a fault; its texts end. */
void skep__rec_fault_get(skep__rec_cursor *c, skep_fault *fault);

/* The value of a note in a payload of NOTES, or NULL. `index` says which of several. */
const char *skep__rec_note_find(const uint8_t *payload, size_t bytes, const char *key,
                                uint32_t index);

#endif
