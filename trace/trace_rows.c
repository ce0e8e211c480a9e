/* SPDX-License-Identifier: MIT */
/* From records to rows. A ring's records stand in the order in which they ended; a row has them in
 * the order in which they began, and knows of each which one is around it.
 *
 * Records are looked at twice: to count what each row will hold, and to fill it. LOST and RESPAWN,
 * which the caller writes for a worker, are filled in behind the worker's own, which is where the
 * law says that they were written. Ticks are sorted and nested as the whole numbers that they are;
 * nanoseconds are made of them afterwards, so that no rounding decides what is inside of what. */
#include "trace/trace_read.h"

#include "core/base/bits.h"
#include "core/base/sort.h"

#define ROWS_NS_MAX 4e18 /* 126 years; whatever is made of a time fits 64 bits */
#define ROWS_TICKS_MAX ((int64_t)1 << 62)
#define ROWS_SUBJECTS 65536u
#define ROWS_SUBJECT_WORDS (ROWS_SUBJECTS / 64u)

/* A zone before it has its place. */
typedef struct rows_zone {
    int64_t begin; /* ticks from the trace's time 0 */
    int64_t end;
    uint64_t payload;
    uint32_t kind;
} rows_zone;

/* What one THRD holds, and what its row will. */
typedef struct rows_thread {
    const skep__timeline_section *section;
    uint32_t number;
    uint32_t records;
    uint32_t zones; /* counted, then filled */
    rows_zone *zone;
} rows_thread;

typedef struct rows_state {
    skep__timeline *t;
    skep__trace_memory scratch;
    rows_thread *threads; /* one a row */
    uint32_t mark_count;
    uint32_t value_count;
    bool strange;                             /* a time that cannot be was told of */
    uint16_t row_of[SKEP__TIMELINE_ROWS_MAX]; /* of a thread's number, and 1 more; 0: none */
    uint64_t known[ROWS_SUBJECT_WORDS];       /* a bit for each number of a system */
    uint32_t below[ROWS_SUBJECT_WORDS];       /* bits in the words before */
} rows_state;

/* One record, taken apart. */
typedef struct rows_record {
    rows_zone zone;
    skep__timeline_shape shape;
    uint32_t row; /* that it belongs to */
    bool moved;   /* behind what the row's own thread wrote */
} rows_record;

/* ---- records -------------------------------------------------------------------------------- */

static double rows_ns(const skep__timeline *t, int64_t ticks)
{
    return (double)ticks * t->ns_per_tick;
}

/* Reads a record. False for one of an unknown kind, or of a time that cannot be. */
static bool rows_record_read(rows_state *s, uint32_t row, uint32_t number, rows_record *r)
{
    skep__timeline *t = s->t;
    const size_t offset = s->threads[row].section->at + SKEP__TIMELINE_THREAD_BYTES +
                          (size_t)number * SKEP__TIMELINE_RECORD_BYTES;
    const uint8_t *at = t->bytes + offset;
    const uint64_t word = skep__timeline_u64(at + 8);
    const int64_t ticks = (int64_t)(word >> 8);
    rows_zone *z = &r->zone;
    z->kind = (uint32_t)word & 0xffu;
    z->payload = skep__timeline_u64(at + 16);
    r->shape = skep__timeline_kind_shape(z->kind);
    if (r->shape == SKEP__SHAPE_UNKNOWN || r->shape == SKEP__SHAPE_DERIVED) return false;
    z->begin = (int64_t)(skep__timeline_u64(at) - t->base);
    const bool fits = z->begin >= -ROWS_TICKS_MAX && z->begin <= ROWS_TICKS_MAX - ticks;
    z->end = fits ? z->begin + ticks : z->begin;
    if (!fits || rows_ns(t, z->begin) < -ROWS_NS_MAX || rows_ns(t, z->end) > ROWS_NS_MAX) {
        if (!s->strange)
            skep__timeline_problem_add(t, skep__timeline_tag("THRD"), offset,
                                       "a time that no clock shows; such records are left out");
        s->strange = true;
        return false;
    }
    uint32_t worker = SKEP__NONE;
    if (z->kind == SKEP__KIND_LOST) worker = (uint32_t)(z->payload >> 16) & 0xffffu;
    if (z->kind == SKEP__KIND_RESPAWN) worker = (uint32_t)z->payload & 0xffffu;
    const bool there = worker < SKEP__TIMELINE_ROWS_MAX && s->row_of[worker];
    r->row = there ? s->row_of[worker] - 1u : row;
    r->moved = worker != SKEP__NONE;
    return true;
}

/* Whether a section holds a thread that is not there yet. */
static bool rows_take_section(rows_state *s, const skep__timeline_section *section)
{
    skep__timeline *t = s->t;
    const char *wrong = NULL;
    if (!section->good || section->tag != skep__timeline_tag("THRD")) return false;
    uint32_t number = SKEP__NONE;
    if (section->bytes < SKEP__TIMELINE_THREAD_BYTES) {
        wrong = "it is too short; left out";
    } else {
        number = skep__timeline_u32(t->bytes + section->at);
        if (number >= SKEP__TIMELINE_ROWS_MAX)
            wrong = "a thread's number that cannot be; left out";
        else if (s->row_of[number])
            wrong = "there is one of its thread already; left out";
    }
    if (wrong) {
        skep__timeline_problem_add(t, section->tag, section->at, wrong);
        return false;
    }
    s->row_of[number] = 1;
    return true;
}

/* By number. */
static int rows_compare_threads(const void *a, const void *b, void *ctx)
{
    const rows_thread *x = a;
    const rows_thread *y = b;
    (void)ctx;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Finds the sections of threads, one a thread. */
static bool rows_find(rows_state *s)
{
    skep__timeline *t = s->t;
    uint32_t most = 0;
    for (uint32_t i = 0; i < t->section_count; i++)
        most += t->sections[i].tag == skep__timeline_tag("THRD");
    s->threads = skep__trace_take(&s->scratch, skep__min_u32(most, SKEP__TIMELINE_ROWS_MAX),
                                  sizeof *s->threads);
    if (!s->threads) return false;
    for (uint32_t i = 0; i < t->section_count; i++) {
        const skep__timeline_section *section = &t->sections[i];
        if (!rows_take_section(s, section)) continue;
        const size_t bytes = section->bytes - SKEP__TIMELINE_THREAD_BYTES;
        if (bytes % SKEP__TIMELINE_RECORD_BYTES && !section->cut)
            skep__timeline_problem_add(t, section->tag, section->at + section->bytes,
                                       "the last record is not whole; left out");
        s->threads[t->row_count++] =
            (rows_thread){.section = section,
                          .number = skep__timeline_u32(t->bytes + section->at),
                          .records = (uint32_t)(bytes / SKEP__TIMELINE_RECORD_BYTES)};
    }
    if (t->row_count)
        skep__sort_items(s->threads, t->row_count, sizeof *s->threads, rows_compare_threads, NULL);
    for (uint32_t i = 0; i < t->row_count; i++) s->row_of[s->threads[i].number] = skep__u16(i + 1u);
    return true;
}

/* Without INFO times are told from the first record on. */
static void rows_base(rows_state *s)
{
    skep__timeline *t = s->t;
    bool first = true;
    if (!t->no_info) return;
    for (uint32_t row = 0; row < t->row_count; row++) {
        const uint8_t *at = t->bytes + s->threads[row].section->at + SKEP__TIMELINE_THREAD_BYTES;
        for (uint32_t i = 0; i < s->threads[row].records; i++) {
            const uint64_t begin = skep__timeline_u64(at + (size_t)i * SKEP__TIMELINE_RECORD_BYTES);
            if (first || begin < t->base) t->base = begin;
            first = false;
        }
    }
}

static void rows_count(rows_state *s)
{
    rows_record r;
    for (uint32_t row = 0; row < s->t->row_count; row++) {
        for (uint32_t i = 0; i < s->threads[row].records; i++) {
            if (!rows_record_read(s, row, i, &r)) continue;
            if (r.shape == SKEP__SHAPE_ZONE) s->threads[r.row].zones++;
            if (r.shape == SKEP__SHAPE_MARK) s->mark_count++;
            if (r.shape == SKEP__SHAPE_COUNTER) s->value_count++;
        }
    }
}

/* Takes a mark or a value where it stands, and a zone when it is the turn of those
 * that are moved or not. */
static void rows_put(rows_state *s, const rows_record *r, bool moved)
{
    skep__timeline *t = s->t;
    const rows_zone *z = &r->zone;
    rows_thread *to = &s->threads[r->row];
    const double at = rows_ns(t, z->begin);
    const uint32_t low = (uint32_t)z->payload;
    const uint32_t high = (uint32_t)(z->payload >> 32);
    if (r->shape == SKEP__SHAPE_ZONE && r->moved == moved) to->zone[to->zones++] = *z;
    if (moved) return;
    if (r->shape == SKEP__SHAPE_MARK)
        t->marks[t->mark_count++] =
            (skep__timeline_mark){r->row, z->kind, at, low, high, SKEP__NONE};
    if (r->shape == SKEP__SHAPE_COUNTER)
        t->values[t->value_count++] = (skep__timeline_value){r->row, z->kind, at, z->payload};
}

static void rows_fill(rows_state *s)
{
    skep__timeline *t = s->t;
    rows_record r;
    t->marks = skep__trace_take(&t->memory, s->mark_count, sizeof *t->marks);
    t->values = skep__trace_take(&t->memory, s->value_count, sizeof *t->values);
    for (uint32_t i = 0; i < t->row_count; i++) {
        rows_thread *thread = &s->threads[i];
        thread->zone = skep__trace_take(&s->scratch, thread->zones, sizeof *thread->zone);
        thread->zones = 0;
    }
    if (t->memory.failed || s->scratch.failed) return;
    for (uint32_t moved = 0; moved < 2u; moved++)
        for (uint32_t row = 0; row < t->row_count; row++)
            for (uint32_t i = 0; i < s->threads[row].records; i++)
                if (rows_record_read(s, row, i, &r)) rows_put(s, &r, moved != 0);
}

/* ---- systems -------------------------------------------------------------------------------- */

/* The place of a number in the list of systems. */
static uint32_t rows_subject(const rows_state *s, uint64_t payload)
{
    const uint32_t number = (uint32_t)payload & 0xffffu;
    const uint64_t before = ((uint64_t)1 << number % 64u) - 1u;
    return s->below[number / 64u] + skep__popcount(s->known[number / 64u] & before);
}

/* Makes the list of all systems that SYST or a record names, by number. */
static void rows_subjects(rows_state *s)
{
    skep__timeline *t = s->t;
    for (uint32_t i = 0; i < t->system_count; i++)
        if (t->systems[i].number < ROWS_SUBJECTS) skep__bit_set(s->known, t->systems[i].number);
    for (uint32_t i = 0; i < t->mark_count; i++) skep__bit_set(s->known, t->marks[i].low & 0xffffu);
    for (uint32_t row = 0; row < t->row_count; row++)
        for (uint32_t i = 0; i < s->threads[row].zones; i++) {
            const rows_zone *z = &s->threads[row].zone[i];
            if (skep__timeline_runs(z->kind))
                skep__bit_set(s->known, (uint32_t)z->payload & 0xffffu);
        }
    uint32_t count = 0;
    for (uint32_t i = 0; i < ROWS_SUBJECT_WORDS; i++) {
        s->below[i] = count;
        count += skep__popcount(s->known[i]);
    }
    t->subjects = skep__trace_take(&t->memory, count, sizeof *t->subjects);
    if (!t->subjects) return;
    t->subject_count = count;
    for (uint32_t i = 0; i < t->system_count; i++) {
        const uint32_t number = t->systems[i].number;
        if (number >= ROWS_SUBJECTS) continue;
        skep__timeline_subject *subject = &t->subjects[rows_subject(s, number)];
        if (subject->line) continue;
        subject->line = &t->systems[i];
        subject->name = t->systems[i].name;
    }
    uint32_t number = skep__bits_next(s->known, ROWS_SUBJECT_WORDS, 0);
    for (uint32_t i = 0; i < count; i++) {
        skep__timeline_subject *subject = &t->subjects[i];
        subject->number = number;
        if (!subject->line) subject->name = skep__trace_numbered(&t->memory, "system", number);
        number = skep__bits_next(s->known, ROWS_SUBJECT_WORDS, number + 1u);
    }
    for (uint32_t i = 0; i < t->mark_count; i++)
        t->marks[i].subject = rows_subject(s, t->marks[i].low);
}

/* ---- sorting -------------------------------------------------------------------------------- */

/* Whether zone a comes before zone b: what began first, then what is longer, then what was written
 * later. No two zones are equal. */
static bool rows_before(const rows_zone *zone, uint32_t a, uint32_t b)
{
    if (zone[a].begin != zone[b].begin) return zone[a].begin < zone[b].begin;
    if (zone[a].end != zone[b].end) return zone[a].end > zone[b].end;
    return a > b;
}

/* Merges the two sorted halves of `from` into `to`. */
static void rows_merge(const rows_zone *zone, const uint32_t *from, uint32_t *to, uint32_t middle,
                       uint32_t end)
{
    uint32_t i = 0;
    uint32_t j = middle;
    uint32_t n = 0;
    while (i < middle && j < end)
        to[n++] = rows_before(zone, from[j], from[i]) ? from[j++] : from[i++];
    memcpy(to + n, from + i, (middle - i) * sizeof *to);
    memcpy(to + n + (middle - i), from + j, (end - j) * sizeof *to);
}

/* Sorts by merging from pairs up; halves that are in order, which is most of them, are copied. */
static uint32_t *rows_sort(skep__trace_memory *scratch, const rows_zone *zone, uint32_t count)
{
    uint32_t *from = skep__trace_take(scratch, count, sizeof *from);
    uint32_t *to = skep__trace_take(scratch, count, sizeof *to);
    if (!from || !to) return NULL;
    for (uint32_t i = 0; i < count; i++) from[i] = i;
    for (size_t width = 1; width < count; width *= 2u) {
        for (size_t at = 0; at < count; at += 2u * width) {
            const size_t rest = count - at;
            const uint32_t middle = (uint32_t)(rest < width ? rest : width);
            const uint32_t end = (uint32_t)(rest < 2u * width ? rest : 2u * width);
            if (middle == end || rows_before(zone, from[at + middle - 1u], from[at + middle]))
                memcpy(to + at, from + at, end * sizeof *to);
            else
                rows_merge(zone, from + at, to + at, middle, end);
        }
        uint32_t *const sorted = to;
        to = from;
        from = sorted;
    }
    return from;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void rows_take(skep__timeline *t, skep__timeline_row *row, uint32_t count)
{
    skep__trace_memory *m = &t->memory;
    row->kind = skep__trace_take(m, count, sizeof *row->kind);
    row->begin = skep__trace_take(m, count, sizeof *row->begin);
    row->end = skep__trace_take(m, count, sizeof *row->end);
    row->self = skep__trace_take(m, count, sizeof *row->self);
    row->low = skep__trace_take(m, count, sizeof *row->low);
    row->high = skep__trace_take(m, count, sizeof *row->high);
    row->depth = skep__trace_take(m, count, sizeof *row->depth);
    row->parent = skep__trace_take(m, count, sizeof *row->parent);
    row->subject = skep__trace_take(m, count, sizeof *row->subject);
}

/* Whether zone `inner`, which comes later in the order, is inside of `outer`: it ends one tick
 * later at most, and was written earlier. */
static bool rows_inside(const rows_zone *zone, uint32_t inner, uint32_t outer)
{
    return zone[inner].end - 1 <= zone[outer].end && inner < outer;
}

/* Finds out what is around each zone. Whoever does not hold the zone at hand holds none that comes
 * after it either, so the zones around form a stack. */
static void rows_nest(skep__trace_memory *scratch, skep__timeline_row *row, const rows_zone *zone,
                      const uint32_t *order)
{
    uint32_t *stack = skep__trace_take(scratch, row->count, sizeof *stack);
    uint32_t depth = 0;
    for (uint32_t i = 0; stack && i < row->count; i++) {
        while (depth && !rows_inside(zone, order[i], order[stack[depth - 1u]])) depth--;
        row->depth[i] = depth;
        row->parent[i] = depth ? stack[depth - 1u] : SKEP__NONE;
        stack[depth++] = i;
    }
}

/* What zones are without those inside of them, counted in ticks. */
static void rows_self(const skep__timeline *t, skep__trace_memory *scratch, skep__timeline_row *row,
                      const rows_zone *zone, const uint32_t *order)
{
    double *ticks = skep__trace_take(scratch, row->count, sizeof *ticks);
    for (uint32_t i = 0; ticks && i < row->count; i++) {
        const double length = (double)(zone[order[i]].end - zone[order[i]].begin);
        ticks[i] = length;
        if (row->parent[i] != SKEP__NONE) ticks[row->parent[i]] -= length;
    }
    for (uint32_t i = 0; ticks && i < row->count; i++)
        row->self[i] = ticks[i] > 0.0 ? ticks[i] * t->ns_per_tick : 0.0;
}

static void rows_make(rows_state *s, uint32_t number)
{
    skep__timeline *t = s->t;
    const rows_thread *from = &s->threads[number];
    skep__timeline_row *row = &t->rows[number];
    skep__trace_memory scratch = {.allocator = s->scratch.allocator};
    const uint8_t *head = t->bytes + from->section->at;
    const char *name = skep__timeline_text(t, skep__timeline_u32(head + 4));
    row->thread = from->number;
    row->lost = skep__timeline_u64(head + 8);
    row->name = name && *name  ? name
                : from->number ? skep__trace_numbered(&t->memory, "worker", from->number)
                               : "caller";
    rows_take(t, row, from->zones);
    const uint32_t *order = rows_sort(&scratch, from->zone, from->zones);
    if (order && !t->memory.failed) {
        row->count = from->zones;
        t->zone_count += from->zones;
        for (uint32_t i = 0; i < row->count; i++) {
            const rows_zone *z = &from->zone[order[i]];
            row->kind[i] = (uint8_t)z->kind;
            row->begin[i] = rows_ns(t, z->begin);
            row->end[i] = rows_ns(t, z->end);
            row->low[i] = (uint32_t)z->payload;
            row->high[i] = (uint32_t)(z->payload >> 32);
            row->subject[i] =
                skep__timeline_runs(z->kind) ? rows_subject(s, z->payload) : SKEP__NONE;
        }
        rows_nest(&scratch, row, from->zone, order);
        rows_self(t, &scratch, row, from->zone, order);
    }
    t->memory.failed |= scratch.failed;
    skep__trace_memory_free(&scratch);
}

/* ---- frames, sections of tasks, works ------------------------------------------------------- */

uint32_t *skep__timeline_of_kind(const skep__timeline_row *row, uint32_t kind,
                                 skep__trace_memory *m, uint32_t *count)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < row->count; i++) n += row->kind[i] == kind;
    uint32_t *list = skep__trace_take(m, n, sizeof *list);
    *count = 0;
    for (uint32_t i = 0, first = 0; list && i < row->count; i++) {
        if (row->kind[i] != kind) continue;
        /* Each goes before those of the same moment, which were longer. */
        if (*count && row->begin[list[*count - 1u]] != row->begin[i]) first = *count;
        memmove(list + first + 1u, list + first, (*count - first) * sizeof *list);
        list[first] = i;
        ++*count;
    }
    return list;
}

/* The frames, without those that begin within another one. */
static void rows_frames(rows_state *s, const skep__timeline_row *row)
{
    skep__timeline *t = s->t;
    uint32_t count = 0;
    uint32_t within = 0;
    double over = -ROWS_NS_MAX;
    const uint32_t *list = skep__timeline_of_kind(row, SKEP__KIND_FRAME, &s->scratch, &count);
    t->frames = skep__trace_take(&t->memory, count, sizeof *t->frames);
    for (uint32_t i = 0; list && t->frames && i < count; i++) {
        const uint32_t zone = list[i];
        /* More than a tick, whatever the two were rounded to. */
        if (row->begin[zone] < over - t->ns_per_tick * 1.5) {
            within++;
            continue;
        }
        over = row->end[zone];
        t->frames[t->frame_count++] =
            (skep__timeline_frame){.tick = (uint64_t)row->high[zone] << 32 | row->low[zone],
                                   .begin = row->begin[zone],
                                   .end = row->end[zone],
                                   .zone = zone};
    }
    if (within)
        skep__timeline_problem_add(t, skep__timeline_tag("THRD"), t->byte_count,
                                   "frames that begin within another one, and are not counted");
}

static void rows_tasks(rows_state *s, const skep__timeline_row *row)
{
    skep__timeline *t = s->t;
    uint32_t count = 0;
    const uint32_t *list = skep__timeline_of_kind(row, SKEP__KIND_TASKS, &s->scratch, &count);
    t->tasks = skep__trace_take(&t->memory, count, sizeof *t->tasks);
    for (uint32_t i = 0; list && t->tasks && i < count; i++) {
        const uint32_t zone = list[i];
        const uint32_t frame = skep__timeline_frame_at(t, row->begin[zone]);
        if (frame == SKEP__NONE) continue;
        skep__timeline_tasks *last = t->tasks_count ? &t->tasks[t->tasks_count - 1u] : NULL;
        if (last && last->end > row->begin[zone]) last->end = row->begin[zone];
        if (!t->frames[frame].section_count++) t->frames[frame].section = t->tasks_count;
        t->tasks[t->tasks_count++] =
            (skep__timeline_tasks){row->begin[zone], row->end[zone], zone, frame};
    }
}

static bool rows_is_work(const skep__timeline_row *row, uint32_t zone)
{
    const uint32_t kind = row->kind[zone];
    return kind == SKEP__KIND_BLOCK || kind == SKEP__KIND_LOST ||
           (kind == SKEP__KIND_RUN && row->thread == 0);
}

static void rows_works(skep__timeline *t, skep__timeline_row *row)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < row->count; i++) count += rows_is_work(row, i);
    row->work = skep__trace_take(&t->memory, count, sizeof *row->work);
    row->work_section = skep__trace_take(&t->memory, count, sizeof *row->work_section);
    if (!row->work || !row->work_section) return;
    for (uint32_t i = 0; i < row->count; i++) {
        if (!rows_is_work(row, i)) continue;
        const uint32_t tasks = skep__timeline_tasks_at(t, row->begin[i]);
        if (tasks == SKEP__NONE) continue;
        row->work[row->work_count] = i;
        row->work_section[row->work_count++] = tasks;
    }
}

/* What was cut off or damaged may have held frames. */
static void rows_check_frames(skep__timeline *t)
{
    if (t->no_info) return;
    if (t->frame_count != t->info_frames)
        skep__timeline_problem_add(t, 0, t->byte_count, "it has not the frames that it says");
    if (t->row_count != (uint64_t)t->workers + 1u)
        skep__timeline_problem_add(t, 0, t->byte_count, "it has not the threads that it says");
}

void skep__timeline_rows(skep__timeline *t)
{
    rows_state *s = skep__alloc(&t->memory.allocator, sizeof *s, 16);
    if (!s) {
        t->memory.failed = true;
        return;
    }
    s->t = t;
    s->scratch.allocator = t->memory.allocator;
    if (rows_find(s)) {
        rows_base(s);
        rows_count(s);
        rows_fill(s);
    }
    t->rows = skep__trace_take(&t->memory, t->row_count, sizeof *t->rows);
    if (!t->memory.failed && !s->scratch.failed) rows_subjects(s);
    for (uint32_t i = 0; i < t->row_count && !t->memory.failed && !s->scratch.failed; i++)
        rows_make(s, i);
    if (!t->memory.failed && !s->scratch.failed) {
        const bool caller = t->row_count && t->rows[0].thread == 0;
        if (caller) rows_frames(s, t->rows);
        if (caller && !t->memory.failed) rows_tasks(s, t->rows);
        for (uint32_t i = 0; i < t->row_count && !t->memory.failed; i++) rows_works(t, &t->rows[i]);
        rows_check_frames(t);
    }
    t->memory.failed |= s->scratch.failed;
    skep__trace_memory_free(&s->scratch);
    skep__free(&t->memory.allocator, s, sizeof *s, 16);
}

/* ---- looking up ----------------------------------------------------------------------------- */

uint32_t skep__timeline_frame_at(const skep__timeline *t, double at)
{
    uint32_t low = 0;
    uint32_t high = t->frame_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2u;
        if (t->frames[middle].begin <= at)
            low = middle + 1u;
        else
            high = middle;
    }
    return low && at <= t->frames[low - 1u].end ? low - 1u : SKEP__NONE;
}

uint32_t skep__timeline_tasks_at(const skep__timeline *t, double at)
{
    uint32_t low = 0;
    uint32_t high = t->tasks_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2u;
        if (t->tasks[middle].begin <= at)
            low = middle + 1u;
        else
            high = middle;
    }
    return low && at <= t->tasks[low - 1u].end ? low - 1u : SKEP__NONE;
}

uint32_t skep__timeline_works(const skep__timeline_row *row, uint32_t tasks, uint32_t *count)
{
    uint32_t low = 0;
    uint32_t high = row->work_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2u;
        if (row->work_section[middle] < tasks)
            low = middle + 1u;
        else
            high = middle;
    }
    uint32_t end = low;
    while (end < row->work_count && row->work_section[end] == tasks) end++;
    *count = end - low;
    return low;
}
