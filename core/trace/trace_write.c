/* SPDX-License-Identifier: MIT */
/* A tracer as a file: docs/trace-format.md.
 *
 * Which records go into it: a ring has lost what was written before its first record, and what was
 * lost ended no later than that one; so from the latest of these ends on all rings are whole, and
 * the first frame of the file is the first that begins there (or later, where fewer are wanted).
 * The caller's ring is copied first, to find it; then ring after ring goes through the same buffer,
 * so that a file costs one ring of memory at most. Rings are copied from their newest record back,
 * twice as far each time, until there is enough: a few frames of a large ring are cheap, which
 * matters to who writes them again and again between frames. Little-endian machines only, as all of
 * skep's files. */
#include "core/trace/trace.h"

#define WRITE_TAG(a, b, c, d)                                                                      \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define WRITE_LEAST 1024u /* records that are copied at first */
#define WRITE_FNV_START 0x811C9DC5u
#define WRITE_FNV_PRIME 0x01000193u

typedef struct write_state {
    skep_trace *t;
    skep_trace_writer writer;
    void *ctx;
    uint64_t *records; /* a ring's copy, behind the head of a THRD */
    uint64_t begin;    /* of the first frame; 0: there is none */
    uint32_t most;     /* records that were enough of the last ring */
    uint32_t frames;
    bool failed;
} write_state;

/* A piece of a section; in the file it is filled up to a multiple of 8 bytes. */
typedef struct write_piece {
    const void *bytes;
    size_t count;
} write_piece;

static uint32_t write_sum(uint32_t sum, const write_piece *piece)
{
    const uint8_t *at = piece->bytes;
    const size_t whole = piece->count & ~(size_t)3;
    uint32_t word = 0;
    for (size_t i = 0; i < whole; i += 4) {
        memcpy(&word, at + i, sizeof word);
        sum = (sum ^ word) * WRITE_FNV_PRIME;
    }
    for (size_t i = whole; i < skep__align(piece->count, 8); i += 4) {
        word = 0;
        if (i < piece->count) memcpy(&word, at + i, piece->count - i);
        sum = (sum ^ word) * WRITE_FNV_PRIME;
    }
    return sum;
}

static void write_bytes(write_state *w, const void *bytes, size_t count)
{
    if (count && !w->failed) w->failed = !w->writer(w->ctx, bytes, count);
}

static void write_section(write_state *w, uint32_t tag, const write_piece *pieces, uint32_t count)
{
    static const uint8_t zeros[8] = {0};
    struct {
        uint32_t tag;
        uint32_t sum;
        uint64_t bytes;
    } head = {tag, WRITE_FNV_START, 0};
    for (uint32_t i = 0; i < count; i++) {
        head.sum = write_sum(head.sum, &pieces[i]);
        head.bytes += skep__align(pieces[i].count, 8);
    }
    write_bytes(w, &head, sizeof head);
    for (uint32_t i = 0; i < count; i++) {
        write_bytes(w, pieces[i].bytes, pieces[i].count);
        write_bytes(w, zeros, (size_t)(0 - pieces[i].count) & 7);
    }
}

/* ---- which records --------------------------------------------------------------------------- */

static uint32_t record_kind(const uint64_t *record)
{
    return (uint32_t)record[1] & 0xffu;
}

static uint64_t record_end(const uint64_t *record)
{
    return record[0] + (record[1] >> 8);
}

/* The end of the first record that another thread's ring still holds, where it has lost some; what
 * it lost ended no later. */
static uint64_t ring_whole_from(const write_state *w, uint32_t thread)
{
    uint64_t first = 0;
    const uint32_t count = skep__trace_ring_copy(&w->t->rings[thread], 1, w->records, &first);
    return first && count ? record_end(w->records) : 0;
}

/* Looks for the first frame among the newest records of the caller's ring. False: farther back
 * there may be one. */
static bool write_choose_of(write_state *w, uint32_t frames, uint64_t whole)
{
    uint64_t first = 0;
    uint32_t n = skep__trace_ring_last(&w->t->rings[0], w->most, w->records, &first);
    const bool all = n < w->most;
    w->begin = 0;
    w->frames = 0;
    while (n > 0 && (!frames || w->frames < frames)) {
        const uint64_t *record = w->records + (size_t)--n * SKEP__TRACE_WORDS;
        if (record_kind(record) != SKEP__TRACE_FRAME) continue;
        if (record[0] < whole) return true;
        w->begin = record[0];
        w->frames++;
    }
    return all || (frames && w->frames == frames);
}

/* Finds the file's first frame. */
static void write_choose(write_state *w, uint32_t frames)
{
    uint64_t whole = 0;
    for (uint32_t i = 0; i < w->t->ring_count; i++) {
        const uint64_t from = ring_whole_from(w, i);
        if (from > whole) whole = from;
    }
    w->most = frames ? WRITE_LEAST : UINT32_MAX;
    while (!write_choose_of(w, frames, whole)) w->most *= 2;
}

/* Copies a thread's records, back to one that ended before the first frame. */
static uint32_t write_copy(write_state *w, uint32_t thread, uint64_t *first)
{
    for (;; w->most *= 2) {
        const uint32_t count =
            skep__trace_ring_last(&w->t->rings[thread], w->most, w->records, first);
        if (count < w->most || record_end(w->records) <= w->begin) return count;
    }
}

static bool record_before(const write_state *w, const uint64_t *record)
{
    return record[0] < w->begin && record_end(record) <= w->begin;
}

/* Drops what ended before the first frame, nearly always the first records; returns how many are
 * left, from `*kept` on. */
static uint32_t records_cut(const write_state *w, uint32_t count, uint64_t **kept)
{
    uint64_t *from = w->records;
    const uint64_t *end = from + (size_t)count * SKEP__TRACE_WORDS;
    while (from < end && record_before(w, from)) from += SKEP__TRACE_WORDS;
    uint64_t *to = from;
    *kept = from;
    for (; from < end; from += SKEP__TRACE_WORDS) {
        if (record_before(w, from)) continue;
        if (to < from) memcpy(to, from, SKEP__TRACE_WORDS * sizeof *from);
        to += SKEP__TRACE_WORDS;
    }
    return (uint32_t)((size_t)(to - *kept) / SKEP__TRACE_WORDS);
}

/* ---- sections -------------------------------------------------------------------------------- */

static void write_info(write_state *w, const skep_trace_time *time)
{
    struct {
        uint64_t base;
        double ns_per_tick;
        uint64_t unix_ns;
        uint64_t step_ns;
        uint64_t budget_ns;
        uint32_t workers;
        uint32_t frames;
    } info = {time->base,      time->ns_per_tick,    time->unix_ns, time->step_ns,
              time->budget_ns, w->t->ring_count - 1, w->frames};
    /* The first frame begins at time 0. */
    if (w->begin) {
        const int64_t later = (int64_t)(w->begin - time->base);
        info.base = w->begin;
        if (info.unix_ns) info.unix_ns += (uint64_t)(int64_t)((double)later * time->ns_per_tick);
    }
    write_section(w, WRITE_TAG('I', 'N', 'F', 'O'), &(write_piece){&info, sizeof info}, 1);
}

/* Texts of the plan come first, then the host's, whose offsets move up by the former's length. */
static uint32_t write_texts(write_state *w)
{
    const skep__trace_texts *plan = &w->t->plan_texts;
    const skep__trace_texts *host = &w->t->host_texts;
    const write_piece empty = {"", 1};
    const write_piece pieces[2] = {plan->used ? (write_piece){plan->bytes, plan->used} : empty,
                                   host->used ? (write_piece){host->bytes, host->used} : empty};
    write_section(w, WRITE_TAG('T', 'E', 'X', 'T'), pieces, 2);
    return (uint32_t)skep__align(pieces[0].count, 8);
}

/* Writes pairs, through the records' buffer, with texts where they are in the file. */
static void write_pairs(write_state *w, uint32_t tag, const skep__trace_pair2 *pairs,
                        uint32_t count, bool keys, uint32_t move)
{
    skep__trace_pair2 moved[64];
    skep__trace_pair2 *to = count <= 64 ? moved : (skep__trace_pair2 *)(void *)w->records;
    for (uint32_t i = 0; i < count; i++) {
        to[i].key = pairs[i].key + (keys ? move : 0);
        to[i].value = pairs[i].value + move;
    }
    write_section(w, tag, &(write_piece){to, count * sizeof *to}, 1);
}

static void write_thread(write_state *w, uint32_t thread)
{
    struct {
        uint32_t number;
        uint32_t name;
        uint64_t lost;
    } head = {thread, 0, 0};
    uint64_t first = 0;
    const uint32_t copied = write_copy(w, thread, &first);
    uint64_t *records = NULL;
    const uint32_t count = records_cut(w, copied, &records);
    head.lost = first + (copied - count);
    const write_piece pieces[2] = {{&head, sizeof head},
                                   {records, (size_t)count * SKEP__TRACE_WORDS * sizeof *records}};
    write_section(w, WRITE_TAG('T', 'H', 'R', 'D'), pieces, 2);
}

static void write_sections(write_state *w, const skep_trace_time *time)
{
    static const uint8_t head[16] = {'s', 'k', 'e', 'p', 't', '\r', '\n', 0x1a, 1};
    const skep_trace *t = w->t;
    write_bytes(w, head, sizeof head);
    write_info(w, time);
    const uint32_t move = write_texts(w);
    write_pairs(w, WRITE_TAG('H', 'O', 'S', 'T'), t->notes, t->note_count, true, move);
    write_section(w, WRITE_TAG('S', 'Y', 'S', 'T'),
                  &(write_piece){t->systems, t->system_count * sizeof *t->systems}, 1);
    write_section(w, WRITE_TAG('E', 'D', 'G', 'E'),
                  &(write_piece){t->edges, t->edge_count * sizeof *t->edges}, 1);
    write_pairs(w, WRITE_TAG('N', 'A', 'M', 'E'), t->names, t->name_count, false, move);
    for (uint32_t i = 0; i < t->ring_count && !w->failed; i++) write_thread(w, i);
    write_section(w, WRITE_TAG('E', 'N', 'D', ' '), NULL, 0);
}

skep_status skep_trace_write(skep_trace *trace, const skep_trace_time *time, uint32_t frames,
                             skep_trace_writer writer, void *ctx, uint32_t *frames_written)
{
    if (!(time->ns_per_tick > 0.0)) return SKEP_ARGUMENT;
    const size_t words =
        (size_t)skep__max_u32(trace->records, SKEP_TRACE_NAMES_MAX) * SKEP__TRACE_WORDS;
    write_state w = {.t = trace, .writer = writer, .ctx = ctx};
    w.records = trace->allocator.alloc(trace->allocator.ctx, words * sizeof *w.records, 16);
    if (!w.records) return SKEP_NO_MEMORY;
    write_choose(&w, frames);
    write_sections(&w, time);
    skep__free(&trace->allocator, w.records, words * sizeof *w.records, 16);
    if (frames_written) *frames_written = w.frames;
    return w.failed ? SKEP_IO : SKEP_OK;
}
