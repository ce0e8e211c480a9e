/* SPDX-License-Identifier: MIT */
/* From bytes to sections, and from the small sections to tables; trace_rows.c makes rows of the
 * records. First the sections are found and their checksums looked at, so that their order does not
 * matter to whoever reads them; a section that is damaged is left out, and the others are read.
 *
 * Lengths are compared, never added, until they are known to be small. */
#include "trace/trace_read.h"

#include "core/base/sort.h"

#define READ_VERSION 1u
#define READ_INFO_BYTES 48u
#define READ_SYSTEM_BYTES 32u
#define READ_EDGE_BYTES 16u
#define READ_PAIR_BYTES 8u
#define READ_FILE_MAX ((uint64_t)1 << 36)
#define READ_TICK_NS_MAX 1e12

static const uint8_t read_magic[8] = {'s', 'k', 'e', 'p', 't', '\r', '\n', 0x1a};

/* ---- the tables ----------------------------------------------------------------------------- */

typedef struct read_kind {
    const char *text;
    const char *payload;
    skep__timeline_shape shape;
} read_kind;

static const read_kind read_kinds[256] = {
#define READ_KIND(name, number, text, shape, payload, help)                                        \
    [number] = {text, payload, SKEP__SHAPE_##shape},
    SKEP__TRACE_KINDS(READ_KIND)
#undef READ_KIND
};

const char *skep__timeline_kind_text(uint32_t kind)
{
    return kind < 256u && read_kinds[kind].text ? read_kinds[kind].text : "?";
}

const char *skep__timeline_kind_payload(uint32_t kind)
{
    return kind < 256u && read_kinds[kind].payload ? read_kinds[kind].payload : "";
}

skep__timeline_shape skep__timeline_kind_shape(uint32_t kind)
{
    return kind < 256u ? read_kinds[kind].shape : SKEP__SHAPE_UNKNOWN;
}

const char *skep__timeline_reason_text(uint32_t reason)
{
    static const char *const texts[] = {
#define READ_REASON(name, number, text) [number] = (text),
        SKEP__TRACE_REASONS(READ_REASON)
#undef READ_REASON
    };
    const bool known = reason && reason < sizeof texts / sizeof *texts;
    return known ? texts[reason] : "?";
}

const char *skep__timeline_why_text(uint32_t why)
{
    static const char *const texts[] = {
#define READ_WHY(name, number, text) [number] = (text),
        SKEP__TRACE_WHYS(READ_WHY)
#undef READ_WHY
    };
    return why && why < sizeof texts / sizeof *texts ? texts[why] : "?";
}

bool skep__timeline_runs(uint32_t kind)
{
    return kind == SKEP__KIND_SYSTEM || kind == SKEP__KIND_RUN || kind == SKEP__KIND_BLOCK ||
           kind == SKEP__KIND_LOST;
}

/* ---- problems ------------------------------------------------------------------------------- */

void skep__timeline_problem_add(skep__timeline *t, uint32_t tag, size_t offset, const char *message)
{
    const uint32_t at = t->problem_count++;
    if (at >= SKEP__TIMELINE_PROBLEMS_MAX) return;
    skep__timeline_problem *p = &t->problems[at];
    for (uint32_t i = 0; tag && i < 4u; i++) {
        const uint8_t c = (uint8_t)(tag >> 8u * i);
        p->section[i] = '?';
        if (c >= 0x20u && c < 0x7fu) p->section[i] = (char)c;
    }
    p->offset = offset;
    p->message = message;
}

/* ---- sections ------------------------------------------------------------------------------- */

uint32_t skep__timeline_sum_on(uint32_t sum, const uint8_t *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 4) sum = (sum ^ skep__timeline_u32(at + i)) * 0x01000193u;
    return sum;
}

/* The bit of a tag that a file has once at most; 0 for others. */
static uint32_t read_single(uint32_t tag)
{
    static const char *const tags[] = {"INFO", "TEXT", "HOST", "SYST", "EDGE", "NAME"};
    for (uint32_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (tag == skep__timeline_tag(tags[i])) return 1u << i;
    return 0;
}

static bool read_known(uint32_t tag)
{
    return read_single(tag) || tag == skep__timeline_tag("THRD") ||
           tag == skep__timeline_tag("END ");
}

/* What a section at an offset would be; there is room for a head. */
static skep__timeline_section read_at(const skep__timeline *t, size_t at)
{
    skep__timeline_section s = {.tag = skep__timeline_u32(t->bytes + at)};
    const uint64_t bytes = skep__timeline_u64(t->bytes + at + 8);
    const size_t most = t->byte_count - at - SKEP__TIMELINE_HEAD_BYTES;
    s.at = at + SKEP__TIMELINE_HEAD_BYTES;
    /* Compared without the filling first: with it a huge number could come round to a small one. */
    s.cut = bytes > most || skep__align((size_t)bytes, 8) > most;
    s.bytes = bytes > most ? most : (size_t)bytes;
    s.good = !s.cut &&
             skep__timeline_sum_on(SKEP__TIMELINE_SUM, t->bytes + s.at, skep__align(s.bytes, 8)) ==
                 skep__timeline_u32(t->bytes + at + 4);
    return s;
}

/* The next section of a known tag that is whole, or the file's end. What is read for that is
 * bounded by `budget`, whatever the file holds. */
static size_t read_sound(const skep__timeline *t, size_t from, uint64_t *budget)
{
    size_t at = from;
    for (; at + SKEP__TIMELINE_HEAD_BYTES <= t->byte_count; at += 8) {
        if (!read_known(skep__timeline_u32(t->bytes + at))) continue;
        const uint64_t bytes = skep__timeline_u64(t->bytes + at + 8);
        if (bytes > t->byte_count - at) continue;
        if (bytes + 8u > *budget) break;
        *budget -= bytes + 8u;
        if (read_at(t, at).good) return at;
    }
    return t->byte_count;
}

static bool read_section_add(skep__timeline *t, uint32_t *cap, const skep__timeline_section *s)
{
    if (t->section_count == *cap) {
        const uint32_t wanted = *cap ? *cap * 2u : 16u;
        skep__timeline_section *grown = skep__trace_take(&t->memory, wanted, sizeof *grown);
        if (!grown) return false;
        if (t->section_count) memcpy(grown, t->sections, t->section_count * sizeof *grown);
        t->sections = grown;
        *cap = wanted;
    }
    t->sections[t->section_count++] = *s;
    return true;
}

/* Goes on behind a section that cannot be used as it is. Of a thread's that the file ends within
 * the records are kept. */
static size_t read_damaged(skep__timeline *t, skep__timeline_section *s, uint64_t *budget)
{
    const size_t head = s->at - SKEP__TIMELINE_HEAD_BYTES;
    const size_t next = read_sound(t, head + 8u, budget);
    s->good = s->cut && next == t->byte_count && s->tag == skep__timeline_tag("THRD") &&
              s->bytes >= SKEP__TIMELINE_THREAD_BYTES;
    skep__timeline_problem_add(t, s->tag, head,
                               s->good ? "the file ends within it; its records before that are kept"
                               : s->cut ? "it is damaged, or the file ends within it; left out"
                                        : "its checksum is wrong: it is damaged, and left out");
    return next;
}

/* Finds all sections. */
static void read_sections(skep__timeline *t)
{
    uint64_t budget = t->byte_count;
    size_t at = SKEP__TIMELINE_HEAD_BYTES;
    uint32_t cap = 0;
    uint32_t seen = 0;
    bool ended = false;
    while (!ended && t->byte_count - at >= SKEP__TIMELINE_HEAD_BYTES) {
        skep__timeline_section s = read_at(t, at);
        const uint32_t single = read_single(s.tag);
        if (!s.good) {
            at = read_damaged(t, &s, &budget);
        } else {
            at = s.at + skep__align(s.bytes, 8);
            ended = s.tag == skep__timeline_tag("END ");
            if (seen & single) {
                skep__timeline_problem_add(t, s.tag, s.at - SKEP__TIMELINE_HEAD_BYTES,
                                           "there is one already; left out");
                s.good = false;
            }
            seen |= single;
        }
        if (!read_section_add(t, &cap, &s)) return;
    }
    if (ended && at < t->byte_count)
        skep__timeline_problem_add(t, 0, at, "something follows behind the end");
    if (!ended)
        skep__timeline_problem_add(t, 0, t->byte_count, "the file was cut off: it has no end");
}

/* The section of a tag, where there is a good one. */
static const skep__timeline_section *read_find(const skep__timeline *t, const char *tag)
{
    for (uint32_t i = 0; i < t->section_count; i++)
        if (t->sections[i].good && t->sections[i].tag == skep__timeline_tag(tag))
            return &t->sections[i];
    return NULL;
}

/* ---- the small sections --------------------------------------------------------------------- */

/* Without INFO, or without a length of its ticks, times are ticks. */
static void read_info(skep__timeline *t)
{
    const skep__timeline_section *s = read_find(t, "INFO");
    const uint32_t tag = skep__timeline_tag("INFO");
    t->ns_per_tick = 1.0;
    if (!s || s->bytes < READ_INFO_BYTES) {
        t->no_info = true;
        skep__timeline_problem_add(t, tag, s ? s->at : SKEP__TIMELINE_HEAD_BYTES,
                                   "it is missing: times are ticks, from the first record on");
        return;
    }
    const uint8_t *at = t->bytes + s->at;
    const uint64_t bits = skep__timeline_u64(at + 8);
    double tick = 0.0;
    memcpy(&tick, &bits, 8);
    t->base = skep__timeline_u64(at);
    t->unix_ns = skep__timeline_u64(at + 16);
    t->step_ns = skep__timeline_u64(at + 24);
    t->budget_ns = skep__timeline_u64(at + 32);
    t->workers = skep__timeline_u32(at + 40);
    t->info_frames = skep__timeline_u32(at + 44);
    if (tick > 0.0 && tick < READ_TICK_NS_MAX)
        t->ns_per_tick = tick;
    else
        skep__timeline_problem_add(t, tag, s->at + 8u, "a tick of no length: times are ticks");
}

static void read_text(skep__timeline *t)
{
    const skep__timeline_section *s = read_find(t, "TEXT");
    if (!s) return;
    t->text = skep__trace_text(&t->memory, (const char *)t->bytes + s->at, s->bytes);
    t->text_bytes = s->bytes;
    if (s->bytes && t->bytes[s->at + s->bytes - 1u] != 0)
        skep__timeline_problem_add(t, s->tag, s->at + s->bytes, "the last text has no end");
}

const char *skep__timeline_text(const skep__timeline *t, uint32_t offset)
{
    return t->text && offset < t->text_bytes ? t->text + offset : NULL;
}

/* A section as a table of entries. */
typedef struct read_table {
    const uint8_t *at;
    size_t offset;
    uint32_t tag;
    uint32_t count;
    bool lost_text; /* was told of */
} read_table;

static read_table read_entries(skep__timeline *t, const char *tag, uint32_t entry_bytes)
{
    read_table table = {.tag = skep__timeline_tag(tag)};
    const skep__timeline_section *s = read_find(t, tag);
    if (!s) return table;
    table.at = t->bytes + s->at;
    table.offset = s->at;
    table.count = (uint32_t)(s->bytes / entry_bytes);
    if (s->bytes % entry_bytes)
        skep__timeline_problem_add(t, table.tag, s->at + s->bytes - s->bytes % entry_bytes,
                                   "the last entry is not whole, and left out");
    return table;
}

/* The text that a word of a table points to; "" where there is none, which is told of once. */
static const char *read_word(skep__timeline *t, read_table *table, const uint8_t *at)
{
    const char *text = skep__timeline_text(t, skep__timeline_u32(at));
    if (text) return text;
    if (!table->lost_text)
        skep__timeline_problem_add(t, table->tag, table->offset + (size_t)(at - table->at),
                                   "a text that TEXT does not have");
    table->lost_text = true;
    return "";
}

static void read_notes(skep__timeline *t)
{
    read_table table = read_entries(t, "HOST", READ_PAIR_BYTES);
    t->notes = skep__trace_take(&t->memory, table.count, sizeof *t->notes);
    for (uint32_t i = 0; t->notes && i < table.count; i++) {
        const uint8_t *at = table.at + (size_t)i * READ_PAIR_BYTES;
        const char *key = read_word(t, &table, at);
        t->notes[i] = (skep__timeline_note){key, read_word(t, &table, at + 4)};
        t->note_count++;
    }
}

static void read_systems(skep__timeline *t)
{
    read_table table = read_entries(t, "SYST", READ_SYSTEM_BYTES);
    t->systems = skep__trace_take(&t->memory, table.count, sizeof *t->systems);
    for (uint32_t i = 0; t->systems && i < table.count; i++) {
        const uint8_t *at = table.at + (size_t)i * READ_SYSTEM_BYTES;
        skep__timeline_system *s = &t->systems[i];
        s->number = skep__timeline_u32(at);
        s->name = read_word(t, &table, at + 4);
        if (!*s->name) s->name = skep__trace_numbered(&t->memory, "system", s->number);
        s->stage = read_word(t, &table, at + 8);
        s->batch = skep__timeline_u32(at + 12);
        s->place = skep__timeline_u32(at + 16);
        s->flags = skep__timeline_u32(at + 20);
        t->system_count++;
    }
}

static void read_edges(skep__timeline *t)
{
    read_table table = read_entries(t, "EDGE", READ_EDGE_BYTES);
    t->edges = skep__trace_take(&t->memory, table.count, sizeof *t->edges);
    for (uint32_t i = 0; t->edges && i < table.count; i++) {
        const uint8_t *at = table.at + (size_t)i * READ_EDGE_BYTES;
        t->edges[i] = (skep__timeline_edge){skep__timeline_u32(at), skep__timeline_u32(at + 4),
                                            read_word(t, &table, at + 8)};
        t->edge_count++;
    }
}

/* By number; of one number the last of the file comes first, which is the one that counts. */
static int read_compare_names(const void *a, const void *b, void *ctx)
{
    const skep__timeline_name *x = a;
    const skep__timeline_name *y = b;
    (void)ctx;
    if (x->number != y->number) return x->number < y->number ? -1 : 1;
    return x->order > y->order ? -1 : x->order < y->order;
}

static void read_names(skep__timeline *t)
{
    read_table table = read_entries(t, "NAME", READ_PAIR_BYTES);
    t->names = skep__trace_take(&t->memory, table.count, sizeof *t->names);
    for (uint32_t i = 0; t->names && i < table.count; i++) {
        const uint8_t *at = table.at + (size_t)i * READ_PAIR_BYTES;
        t->names[i] =
            (skep__timeline_name){skep__timeline_u32(at), i, read_word(t, &table, at + 4)};
        t->name_count++;
    }
    if (t->name_count)
        skep__sort_items(t->names, t->name_count, sizeof *t->names, read_compare_names, NULL);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static skep_status read_error(skep_error *error, skep_status code, const char *message,
                              size_t offset)
{
    *error = (skep_error){code, message, offset};
    return code;
}

/* Looks at the first bytes. */
static skep_status read_head(const uint8_t *bytes, size_t count, skep_error *error)
{
    if (count < sizeof read_magic || memcmp(bytes, read_magic, sizeof read_magic) != 0)
        return read_error(error, SKEP_FOREIGN,
                          "it is no trace: it does not begin as .skept files do", 0);
    if (count < SKEP__TIMELINE_HEAD_BYTES)
        return read_error(error, SKEP_CORRUPT, "it was cut off within its first bytes", count);
    const uint32_t version = skep__timeline_u32(bytes + 8);
    if (version > READ_VERSION)
        return read_error(error, SKEP_VERSION,
                          "its format is newer than this skep, which reads version 1", 8);
    if (version < READ_VERSION)
        return read_error(error, SKEP_VERSION, "its format has a version that never was", 8);
    if ((uint64_t)count > READ_FILE_MAX)
        return read_error(error, SKEP_LIMIT, "it is larger than 64 GiB", 0);
    return read_error(error, SKEP_OK, NULL, 0);
}

static skep_status read_all(skep__timeline *t, skep_error *error)
{
    if (skep__timeline_u32(t->bytes + 12) != 0)
        skep__timeline_problem_add(t, 0, 12, "a number that should be 0");
    read_sections(t);
    read_info(t);
    read_text(t);
    read_notes(t);
    read_systems(t);
    read_edges(t);
    read_names(t);
    skep__timeline_rows(t);
    if (t->memory.failed)
        return read_error(error, SKEP_NO_MEMORY, "there is not enough memory for it", 0);
    return SKEP_OK;
}

skep_status skep__timeline_read(const uint8_t *bytes, size_t count, const skep_allocator *allocator,
                                skep__timeline **timeline, skep_error *error)
{
    *timeline = NULL;
    skep_status status = read_head(bytes, count, error);
    if (status != SKEP_OK) return status;
    skep__timeline *t = skep__alloc(allocator, sizeof *t, 16);
    if (!t) return read_error(error, SKEP_NO_MEMORY, "there is not enough memory for it", 0);
    t->memory.allocator = *allocator;
    t->bytes = bytes;
    t->byte_count = count;
    status = read_all(t, error);
    if (status == SKEP_OK)
        *timeline = t;
    else
        skep__timeline_free(t);
    return status;
}

void skep__timeline_free(skep__timeline *timeline)
{
    if (!timeline) return;
    const skep_allocator allocator = timeline->memory.allocator;
    skep__trace_memory_free(&timeline->memory);
    skep__free(&allocator, timeline, sizeof *timeline, 16);
}

/* ---- looking up ----------------------------------------------------------------------------- */

const char *skep__timeline_noted(const skep__timeline *t, const char *key)
{
    const char *found = NULL;
    for (uint32_t i = 0; i < t->note_count; i++)
        if (skep__timeline_text_compare(t->notes[i].key, key) == 0) found = t->notes[i].value;
    return found;
}

/* The name of a number. */
static const char *read_name(const skep__timeline *t, uint32_t number)
{
    uint32_t low = 0;
    uint32_t high = t->name_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2u;
        if (t->names[middle].number < number)
            low = middle + 1u;
        else
            high = middle;
    }
    return low < t->name_count && t->names[low].number == number ? t->names[low].name : "";
}

const char *skep__timeline_zone_name(const skep__timeline *t, const skep__timeline_row *row,
                                     uint32_t zone)
{
    const uint32_t kind = row->kind[zone];
    if (row->subject[zone] != SKEP__NONE) return t->subjects[row->subject[zone]].name;
    const char *name = kind == SKEP__KIND_HOST ? read_name(t, row->low[zone] & 0xffffu) : "";
    return *name ? name : skep__timeline_kind_text(kind);
}
