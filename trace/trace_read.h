/* SPDX-License-Identifier: MIT */
/* A trace file, read: docs/trace-format.md is the law, and a timeline is what a file comes to. It
 * is all flat arrays: a row a thread, on each row its zones in the order of their beginnings, outer
 * before inner, so that everything that is worked out is one walk over them. Times are nanoseconds
 * from the trace's time 0.
 *
 * Bytes may come from anywhere: nothing they hold is believed before it was checked. What is
 * damaged is told in `problems`, and what can be read is there. */
#ifndef SKEP_TRACE_TRACE_READ_H
#define SKEP_TRACE_TRACE_READ_H

#include "trace/trace_memory.h"

#include "core/trace/trace_kinds.inl"

/* No zone, no system, no frame, no section. */
#define SKEP__NONE UINT32_MAX

/* The most rows that a file can have: a thread's number is below it. */
#define SKEP__TIMELINE_ROWS_MAX 4096u

/* The most problems that are kept one by one. */
#define SKEP__TIMELINE_PROBLEMS_MAX 32u

/* Bytes of the file's head and of a section's, of what stands in a THRD before its records, and of
 * a record. */
#define SKEP__TIMELINE_HEAD_BYTES 16u
#define SKEP__TIMELINE_THREAD_BYTES 16u
#define SKEP__TIMELINE_RECORD_BYTES 24u

/* What a checksum begins with. */
#define SKEP__TIMELINE_SUM 0x811C9DC5u

typedef enum skep__timeline_kind {
#define SKEP__TIMELINE_KIND(name, number, ...) SKEP__KIND_##name = number,
    SKEP__TRACE_KINDS(SKEP__TIMELINE_KIND) SKEP__KIND_END
#undef SKEP__TIMELINE_KIND
} skep__timeline_kind;

typedef enum skep__timeline_shape {
    SKEP__SHAPE_UNKNOWN,
    SKEP__SHAPE_ZONE,
    SKEP__SHAPE_MARK,
    SKEP__SHAPE_COUNTER,
    SKEP__SHAPE_DERIVED
} skep__timeline_shape;

/* Why a thread idles. */
typedef enum skep__timeline_reason {
#define SKEP__TIMELINE_REASON(name, number, text) SKEP__REASON_##name = number,
    SKEP__TRACE_REASONS(SKEP__TIMELINE_REASON) SKEP__REASON_COUNT
#undef SKEP__TIMELINE_REASON
} skep__timeline_reason;

/* Flags of a system. */
enum { SKEP__SYSTEM_MAIN = 1, SKEP__SYSTEM_UNSPLIT = 2, SKEP__SYSTEM_HIDDEN = 4 };

/* Something that was wrong with the bytes. */
typedef struct skep__timeline_problem {
    char section[5]; /* its tag, printable; "" for the file itself */
    size_t offset;   /* in the file */
    const char *message;
} skep__timeline_problem;

/* A section of the file as it stands there. */
typedef struct skep__timeline_section {
    uint32_t tag;
    bool good;    /* it is whole, or the part of a thread that is there */
    bool cut;     /* the file ends within it */
    size_t at;    /* of its payload */
    size_t bytes; /* of its payload, those that are there */
} skep__timeline_section;

/* A line of SYST. */
typedef struct skep__timeline_system {
    uint32_t number;
    const char *name;
    const char *stage;
    uint32_t batch;
    uint32_t place;
    uint32_t flags;
} skep__timeline_system;

/* One system waits for another. */
typedef struct skep__timeline_edge {
    uint32_t from;
    uint32_t to;
    const char *why;
} skep__timeline_edge;

/* A pair of texts of the host. */
typedef struct skep__timeline_note {
    const char *key;
    const char *value;
} skep__timeline_note;

/* A name that the host gave to zones. */
typedef struct skep__timeline_name {
    uint32_t number;
    uint32_t order; /* in the file */
    const char *name;
} skep__timeline_name;

/* A system as records know it. */
typedef struct skep__timeline_subject {
    uint32_t number;
    const char *name;
    const skep__timeline_system *line; /* of SYST, or NULL */
} skep__timeline_subject;

/* The zones of one thread; LOST and RESPAWN are with their worker's. */
typedef struct skep__timeline_row {
    uint32_t thread; /* 0: the caller */
    uint32_t count;
    uint32_t work_count;
    const char *name;
    uint64_t lost; /* records before those of the file, which are not in it */
    uint8_t *kind;
    double *begin;
    double *end;
    double *self;  /* duration less that of the zones directly inside */
    uint32_t *low; /* the payload's halves */
    uint32_t *high;
    uint32_t *depth;        /* zones around it */
    uint32_t *parent;       /* the innermost of them, or SKEP__NONE */
    uint32_t *subject;      /* the system, an index of `subjects`, or SKEP__NONE */
    uint32_t *work;         /* zones that are work in a section, work_count of them */
    uint32_t *work_section; /* the section of each, in rising order */
} skep__timeline_row;

/* A moment: FAULT or COPIED. */
typedef struct skep__timeline_mark {
    uint32_t row;
    uint32_t kind;
    double at;
    uint32_t low;
    uint32_t high;
    uint32_t subject;
} skep__timeline_mark;

/* A value of a counter at a moment. */
typedef struct skep__timeline_value {
    uint32_t row;
    uint32_t kind;
    double at;
    uint64_t value;
} skep__timeline_value;

/* A frame: a FRAME zone of row 0. */
typedef struct skep__timeline_frame {
    uint64_t tick;
    double begin;
    double end;
    uint32_t zone;
    uint32_t section; /* its first one, if it has any */
    uint32_t section_count;
} skep__timeline_frame;

/* A span in which tasks are out: a TASKS zone of row 0, in a frame. */
typedef struct skep__timeline_tasks {
    double begin;
    double end; /* or where the next one begins */
    uint32_t zone;
    uint32_t frame;
} skep__timeline_tasks;

/* A trace file, read. Texts are UTF-8 as far as the file's are. */
typedef struct skep__timeline {
    skep__trace_memory memory;
    const uint8_t *bytes; /* the file; borrowed */
    size_t byte_count;

    uint64_t base;
    double ns_per_tick;
    uint64_t unix_ns;
    uint64_t step_ns;
    uint64_t budget_ns;   /* 0: none */
    uint32_t workers;     /* as INFO says */
    uint32_t info_frames; /* likewise */
    bool no_info;         /* it is missing, so times are ticks */

    skep__timeline_section *sections;
    skep__timeline_system *systems;
    skep__timeline_edge *edges;
    skep__timeline_note *notes;
    skep__timeline_name *names;
    skep__timeline_subject *subjects; /* by number */
    skep__timeline_row *rows;         /* by thread; the caller's may be missing */
    skep__timeline_mark *marks;       /* row by row, as written */
    skep__timeline_value *values;     /* likewise */
    skep__timeline_frame *frames;
    skep__timeline_tasks *tasks; /* by beginning */
    uint32_t section_count;
    uint32_t system_count;
    uint32_t edge_count;
    uint32_t note_count;
    uint32_t name_count;
    uint32_t subject_count;
    uint32_t row_count;
    uint32_t mark_count;
    uint32_t value_count;
    uint32_t frame_count;
    uint32_t tasks_count;
    uint32_t zone_count; /* of all rows */

    skep__timeline_problem problems[SKEP__TIMELINE_PROBLEMS_MAX];
    uint32_t problem_count; /* may be more than are kept */
    const char *text;       /* TEXT, with a zero behind it */
    size_t text_bytes;
} skep__timeline;

/* Reads a trace. `bytes` must stay while the timeline does. SKEP_OK where there is something to be
 * seen, with or without problems; SKEP_FOREIGN: no trace; SKEP_VERSION: of another version;
 * SKEP_CORRUPT: it ends within its first bytes; SKEP_LIMIT, SKEP_NO_MEMORY. `error` says the same
 * in words. Free the timeline with skep__timeline_free when it was SKEP_OK. */
SKEP_NODISCARD skep_status skep__timeline_read(const uint8_t *bytes, size_t count,
                                               const skep_allocator *allocator,
                                               skep__timeline **timeline, skep_error *error);

/* Frees a timeline. NULL is fine. */
void skep__timeline_free(skep__timeline *timeline);

/* The text of a kind, "queue wait"; "?" for a number that is none. */
const char *skep__timeline_kind_text(uint32_t kind);

/* The payload of a kind as the table has it, "system 16, blocks 16, block 32". */
const char *skep__timeline_kind_payload(uint32_t kind);

/* How a kind is shaped. */
skep__timeline_shape skep__timeline_kind_shape(uint32_t kind);

/* The text of a reason to idle. */
const char *skep__timeline_reason_text(uint32_t reason);

/* Why blocks were copied; "?" for a number that is none. */
const char *skep__timeline_why_text(uint32_t why);

/* What the host noted under a key, or NULL. */
const char *skep__timeline_noted(const skep__timeline *t, const char *key);

/* What a zone is called: its system's name, the host's name for it, or its kind's text. */
const char *skep__timeline_zone_name(const skep__timeline *t, const skep__timeline_row *row,
                                     uint32_t zone);

/* Whether a zone's kind runs a system: SYSTEM, RUN, BLOCK or LOST. */
bool skep__timeline_runs(uint32_t kind);

/* The frame that a moment is in, or SKEP__NONE. */
uint32_t skep__timeline_frame_at(const skep__timeline *t, double at);

/* The section of tasks that a moment is in, or SKEP__NONE. */
uint32_t skep__timeline_tasks_at(const skep__timeline *t, double at);

/* Zones of a kind in the order in which they ended, `count` of them: of those that begin at one
 * moment, which with a coarse clock several do, the row has the longest first. */
uint32_t *skep__timeline_of_kind(const skep__timeline_row *row, uint32_t kind,
                                 skep__trace_memory *m, uint32_t *count);

/* Works of a row in a section: its first, an index of row->work; `count` gets their number. */
uint32_t skep__timeline_works(const skep__timeline_row *row, uint32_t tasks, uint32_t *count);

/* ---- between files of this folder ----------------------------------------------------------- */

/* Notes a problem; `tag` 0: of the file itself. */
void skep__timeline_problem_add(skep__timeline *t, uint32_t tag, size_t offset,
                                const char *message);

/* Makes rows, marks, values, frames and sections of the records (trace_rows.c). */
void skep__timeline_rows(skep__timeline *t);

/* A number of the file. */
SKEP_INLINE uint32_t skep__timeline_u32(const uint8_t *at)
{
    uint32_t x = 0;
    memcpy(&x, at, 4);
    return x;
}

SKEP_INLINE uint64_t skep__timeline_u64(const uint8_t *at)
{
    uint64_t x = 0;
    memcpy(&x, at, 8);
    return x;
}

SKEP_INLINE uint32_t skep__timeline_tag(const char *four)
{
    return skep__timeline_u32((const uint8_t *)four);
}

/* The bytes of a text before its zero. */
SKEP_INLINE size_t skep__timeline_text_bytes(const char *text)
{
    size_t n = 0;
    while (text[n]) n++;
    return n;
}

/* Below, equal or above 0 as a text comes before, with or after another, by its bytes. */
SKEP_INLINE int skep__timeline_text_compare(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (int)(unsigned char)*a - (int)(unsigned char)*b;
}

/* The text at an offset of TEXT; NULL when there is none. */
const char *skep__timeline_text(const skep__timeline *t, uint32_t offset);

/* Goes on with a checksum, over a multiple of 4 bytes. */
uint32_t skep__timeline_sum_on(uint32_t sum, const uint8_t *at, size_t bytes);

#endif
