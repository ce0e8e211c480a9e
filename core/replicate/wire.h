/* SPDX-License-Identifier: MIT */
/* Messages between server and client, without a socket: a bounded writer and a strict reader.
 *
 *     header, 20 bytes   magic u16 | version u8 | type u8 | flags u16 | section count u16 |
 *                        tick u32 | base u32 | class u32
 *     section            id u8 | length varint | body
 *
 * All numbers are little-endian. A varint has 7 bits a byte, lowest first, 0x80 on all but the
 * last, and as few bytes as its value needs: at most 5 for u32, 10 for u64. What a writer would not
 * write is refused: longer varints, lengths that do not add up to the byte, lists out of order,
 * unknown flags and types. An unknown section whose id has the bit 0x80 is skipped, any other
 * refuses the message.
 *
 * The reader allocates nothing and reads nothing past the bytes that it was given; numbers are
 * checked against what is left before anybody may size anything by them. It keeps the first error
 * as skep_error, with the byte offset in the whole message. Any thread; a reader or writer is one
 * thread's at a time. */
#ifndef SKEP_CORE_REPLICATE_WIRE_H
#define SKEP_CORE_REPLICATE_WIRE_H

#include "core/base/base.h"

#define SKEP__WIRE_MAGIC 0x6B73u /* "sk" */
#define SKEP__WIRE_VERSION 1u
#define SKEP__WIRE_HEADER_BYTES 20u
#define SKEP__WIRE_SKIP 0x80u
#define SKEP__WIRE_VARINT_BYTES_MAX 5u
#define SKEP__WIRE_VARINT64_BYTES_MAX 10u

/* What the flags say. */
#define SKEP__WIRE_OLDER 0x0001u /* the state before the base helped to predict */
#define SKEP__WIRE_FLAGS SKEP__WIRE_OLDER

typedef enum skep__wire_type {
#define SKEP_WIRE_TYPE(name, value, base, text) SKEP__WIRE_##name = value,
#include "core/replicate/wire_kinds.inl"
    SKEP__WIRE_TYPE_END
} skep__wire_type;

typedef enum skep__wire_section_id {
#define SKEP_WIRE_SECTION(name, value, text) SKEP__WIRE_SECTION_##name = value,
#include "core/replicate/wire_kinds.inl"
} skep__wire_section_id;

/* What a message may ask of its reader. */
typedef struct skep__wire_limits {
    uint32_t up_bytes_max;      /* of a message from a client */
    uint32_t down_bytes_max;    /* of one from the server; view classes are cut to fit */
    uint32_t section_count_max; /* of a message */
    uint32_t id_count_max;      /* of one list of ids */
} skep__wire_limits;

/* 64 KiB up, 1 MiB down, 64 sections, 65,536 ids. */
skep__wire_limits skep__wire_limits_default(void);

/* The header's fields that are not the same for all messages. */
typedef struct skep__wire_header {
    uint32_t type;          /* skep__wire_type */
    uint32_t flags;         /* SKEP__WIRE_OLDER or 0 */
    uint32_t section_count; /* unknown sections included */
    uint32_t tick;
    uint32_t base;  /* the tick that a DELTA builds on, 0 < base < tick; 0 in all other types */
    uint32_t class; /* the view class, 0 where none is meant */
} skep__wire_header;

/* Whether a type, or a section's id, is of this version. */
bool skep__wire_type_known(uint32_t type);
bool skep__wire_section_known(uint32_t id);

/* ---- writing --------------------------------------------------------------------------------- */

/* Writes into the caller's bytes, and counts on when they are full: `need` is what the whole
 * takes. Nothing is written at or past bytes_max. Start with {bytes, bytes_max}; {NULL, 0} only
 * counts. */
typedef struct skep__wire_writer {
    uint8_t *bytes;
    size_t bytes_max;
    size_t need;
    uint32_t section_count; /* of the message that is being written */
    size_t header;          /* where it begins, */
    size_t section;         /* and where the body of its open section does; 0 when none is open */
} skep__wire_writer;

void skep__wire_put_u8(skep__wire_writer *w, uint32_t x);
void skep__wire_put_u16(skep__wire_writer *w, uint32_t x);
void skep__wire_put_u32(skep__wire_writer *w, uint32_t x);
void skep__wire_put_u64(skep__wire_writer *w, uint64_t x);
void skep__wire_put_varint(skep__wire_writer *w, uint64_t x);
void skep__wire_put_bytes(skep__wire_writer *w, const void *bytes, size_t n);

/* Bytes that a varint takes, 1 to 10. */
uint32_t skep__wire_varint_bytes(uint64_t x);

/* A list of strictly increasing ids: their count, the first, and the gaps less one. */
void skep__wire_put_ids(skep__wire_writer *w, const uint32_t *ids, uint32_t count);

/* Steps over `n` bytes that the caller fills in himself: where to, or NULL when they do not fit. */
uint8_t *skep__wire_reserve(skep__wire_writer *w, size_t n);

/* Begins a message; header->section_count is ignored and filled in at the end. */
void skep__wire_message_begin(skep__wire_writer *w, const skep__wire_header *header);

/* SKEP_LIMIT when it did not fit: w->need says how many bytes would do, and what was written is no
 * message. */
SKEP_NODISCARD skep_status skep__wire_message_end(skep__wire_writer *w);

/* Begins and ends a section. The length stands before the body, so a body of 128 bytes or more
 * moves by one to four bytes at its end. */
void skep__wire_section_begin(skep__wire_writer *w, uint32_t id);
void skep__wire_section_end(skep__wire_writer *w);

/* ---- reading --------------------------------------------------------------------------------- */

/* Reads bytes [at, end) of a message. Every call returns false, and changes nothing but the error,
 * once one has failed. Borrows the bytes. */
typedef struct skep__wire_reader {
    const uint8_t *bytes; /* of the whole message, so that offsets are its */
    size_t at;
    size_t end;
    skep_error error; /* the first */
} skep__wire_reader;

/* Keeps an error at a byte unless there is one already; returns false. */
bool skep__wire_fail(skep__wire_reader *r, const char *message, size_t offset);

bool skep__wire_get_u8(skep__wire_reader *r, uint32_t *x);
bool skep__wire_get_u16(skep__wire_reader *r, uint32_t *x);
bool skep__wire_get_u32(skep__wire_reader *r, uint32_t *x);
bool skep__wire_get_u64(skep__wire_reader *r, uint64_t *x);
bool skep__wire_get_varint(skep__wire_reader *r, uint32_t *x);
bool skep__wire_get_varint64(skep__wire_reader *r, uint64_t *x);

/* The next `n` bytes where they lie; they live as long as the message. */
bool skep__wire_get_bytes(skep__wire_reader *r, size_t n, const uint8_t **bytes);

/* Fails unless all bytes were read. */
bool skep__wire_get_end(skep__wire_reader *r);

/* A walk over a list of ids. */
typedef struct skep__wire_ids {
    uint32_t left;
    uint32_t end;  /* ids are below */
    uint64_t next; /* the lowest that the next id may be */
} skep__wire_ids;

/* Begins a list: at most `count_max` ids below `id_end`. A count that the bytes left cannot hold is
 * refused here, so `list->left` elements may be allocated. */
bool skep__wire_get_ids(skep__wire_reader *r, const skep__wire_limits *limits, uint32_t id_end,
                        skep__wire_ids *list);

/* The next id, each above the last. Not at the end of the list (list->left is 0 there). */
bool skep__wire_get_id(skep__wire_reader *r, skep__wire_ids *list, uint32_t *id);

/* A message whose header and sections were checked. */
typedef struct skep__wire_message {
    skep__wire_header header;
    skep__wire_reader reader; /* before the next section */
    uint32_t left;            /* sections that were not looked at */
} skep__wire_message;

/* Who sent it, so which of the two lengths is its limit. */
typedef enum skep__wire_way { SKEP__WIRE_UP, SKEP__WIRE_DOWN } skep__wire_way;

/* Checks a whole message but for the bodies of its sections: length, header, ids, and that the
 * sections' lengths add up to the last byte. SKEP_LIMIT, SKEP_FOREIGN (not of this protocol),
 * SKEP_VERSION or SKEP_CORRUPT, with text and offset in `error`. Costs a few nanoseconds a
 * section. */
SKEP_NODISCARD skep_status skep__wire_open(skep__wire_message *m, const void *bytes, size_t size,
                                           skep__wire_way way, const skep__wire_limits *limits,
                                           skep_error *error);

/* Steps to the next known section and gives its id and a reader of its body; false past the last.
 */
bool skep__wire_next(skep__wire_message *m, uint32_t *id, skep__wire_reader *body);

#endif
