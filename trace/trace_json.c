/* SPDX-License-Identifier: MIT */
/* trace_event JSON: one event a line. Zones of all rows are merged by their beginnings, each row's
 * in the order that it has; batches and stages come in between the caller's, behind the FRAME that
 * they are in. Times are whole nanoseconds, printed as microseconds, so that what nests still nests
 * in what was printed. */
#include "trace/trace_analyse.h"
#include "trace/trace_convert.h"
#include "trace/trace_out.h"

/* A zone that was printed and may go on. */
typedef struct json_open {
    int64_t begin;
    int64_t end;
    uint32_t zone; /* SKEP__NONE: a batch or a stage */
} json_open;

/* A row on its way. */
typedef struct json_row {
    const skep__timeline_row *row;
    json_open *open;
    uint32_t depth;
    uint32_t zone; /* the next one */
} json_row;

/* What comes next on a row. */
typedef enum json_what { JSON_NOTHING, JSON_ZONE, JSON_STAGE, JSON_BATCH } json_what;

typedef struct json_state {
    const skep__timeline *t;
    skep__out out;
    skep__trace_memory memory;
    skep__trace_spans spans;
    json_row *rows;
    uint32_t *wake; /* the WAKE of each section, or its TASKS */
    uint32_t stage; /* the next ones */
    uint32_t batch;
    uint32_t arrows;
    bool comma;
} json_state;

static int64_t json_ns(double ns)
{
    return (int64_t)(ns < 0.0 ? ns - 0.5 : ns + 0.5);
}

/* Microseconds with three decimals. */
static void json_time(skep__out *out, const char *key, int64_t ns)
{
    const uint64_t size = (uint64_t)(ns < 0 ? -ns : ns);
    skep__out_format(out, ",\"%s\":%s%llu.%03u", key, ns < 0 ? "-" : "",
                     (unsigned long long)(size / 1000u), (unsigned)(size % 1000u));
}

/* Begins an event of a thread. */
static void json_begin(json_state *s, const char *phase, uint32_t thread)
{
    skep__out_format(&s->out, "%s\n{\"ph\":\"%s\",\"pid\":1,\"tid\":%u", s->comma ? "," : "", phase,
                     thread + 1u);
    s->comma = true;
}

static void json_name(json_state *s, const char *name, uint32_t kind)
{
    skep__out_text(&s->out, ",\"name\":");
    skep__out_json(&s->out, name);
    skep__out_format(&s->out, ",\"cat\":\"%s\"", skep__timeline_kind_text(kind));
}

/* The payload by its names: the table's "system 16, blocks 16, block 32" is cut as it says. */
static void json_args(json_state *s, uint32_t kind, uint64_t payload)
{
    uint32_t shift = 0;
    skep__out_text(&s->out, ",\"args\":{");
    for (const char *at = skep__timeline_kind_payload(kind); *at;) {
        uint32_t n = 0;
        uint32_t bits = 0;
        while (at[n] != ' ') n++;
        skep__out_format(&s->out, "%s\"%.*s\":", shift ? "," : "", (int)n, at);
        for (at += n + 1u; *at >= '0' && *at <= '9'; at++)
            bits = bits * 10u + (uint32_t)(*at - '0');
        while (*at == ',' || *at == ' ') at++;
        const uint64_t mask = bits < 64u ? ((uint64_t)1 << bits) - 1u : UINT64_MAX;
        skep__out_format(&s->out, "%llu", (unsigned long long)(payload >> shift & mask));
        shift += bits;
    }
    skep__out_text(&s->out, "}}");
}

/* ---- names ---------------------------------------------------------------------------------- */

static void json_meta(json_state *s, const char *what, uint32_t thread, const char *name)
{
    json_begin(s, "M", thread);
    skep__out_format(&s->out, ",\"name\":\"%s\",\"args\":{\"name\":", what);
    skep__out_json(&s->out, name);
    skep__out_text(&s->out, "}}");
}

static void json_metas(json_state *s)
{
    const char *scene = skep__timeline_noted(s->t, "scene");
    json_meta(s, "process_name", 0, scene && *scene ? scene : "skep");
    for (uint32_t r = 0; r < s->t->row_count; r++) {
        const skep__timeline_row *row = &s->t->rows[r];
        json_meta(s, "thread_name", row->thread, row->name);
        json_begin(s, "M", row->thread);
        skep__out_format(&s->out, ",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":%u}}",
                         row->thread);
    }
}

/* ---- zones ---------------------------------------------------------------------------------- */

/* A span that is due on the caller's row before `zone`, which has not been printed: one that begins
 * earlier, or is as long or longer; but only behind the FRAME that it is in. */
static bool json_due(const json_state *s, const skep__trace_span *span, uint32_t zone)
{
    const skep__timeline_row *row = s->rows[0].row;
    if (s->t->frames[span->frame].zone >= zone) return false;
    if (zone == row->count || span->begin < row->begin[zone]) return true;
    return span->begin == row->begin[zone] && span->end >= row->end[zone];
}

static json_what json_next(const json_state *s, uint32_t r, double *begin)
{
    const json_row *j = &s->rows[r];
    if (r == 0 && s->stage < s->spans.stage_count) {
        const skep__trace_span *stage = &s->spans.stage[s->stage];
        const bool first =
            s->batch == s->spans.batch_count || stage->begin <= s->spans.batch[s->batch].begin;
        *begin = stage->begin;
        if (first && json_due(s, stage, j->zone)) return JSON_STAGE;
    }
    if (r == 0 && s->batch < s->spans.batch_count) {
        *begin = s->spans.batch[s->batch].begin;
        if (json_due(s, &s->spans.batch[s->batch], j->zone)) return JSON_BATCH;
    }
    if (j->zone == j->row->count) return JSON_NOTHING;
    *begin = j->row->begin[j->zone];
    return JSON_ZONE;
}

/* Whether a zone is inside of one that was printed. Of two zones the row knows; they were printed
 * in its order, so the one that is less deep is around. */
static bool json_inside(const json_row *j, const json_open *outer, uint32_t zone, int64_t begin)
{
    if (outer->zone == SKEP__NONE || zone == SKEP__NONE) return outer->end > begin;
    return j->row->depth[outer->zone] < j->row->depth[zone];
}

/* Begins an X. By rounding, a zone may reach beyond the one around it, and begin before its
 * neighbour's end: it is cut there. */
static void json_zone(json_state *s, json_row *j, uint32_t zone, double begin, double end)
{
    int64_t b = json_ns(begin);
    int64_t e = json_ns(end);
    while (j->depth && !json_inside(j, &j->open[j->depth - 1u], zone, b)) {
        const int64_t over = j->open[--j->depth].end;
        if (b < over) b = over;
    }
    if (j->depth) {
        const json_open *outer = &j->open[j->depth - 1u];
        if (b < outer->begin) b = outer->begin;
        if (b > outer->end) b = outer->end;
        if (e > outer->end) e = outer->end;
    }
    if (e < b) e = b;
    j->open[j->depth++] = (json_open){b, e, zone};
    json_begin(s, "X", j->row->thread);
    json_time(&s->out, "ts", b);
    json_time(&s->out, "dur", e - b);
}

static void json_put(json_state *s, uint32_t r, json_what what)
{
    json_row *j = &s->rows[r];
    const skep__trace_span *span = NULL;
    char name[32];
    if (what == JSON_STAGE) span = &s->spans.stage[s->stage++];
    if (what == JSON_BATCH) span = &s->spans.batch[s->batch++];
    if (span) {
        json_zone(s, j, SKEP__NONE, span->begin, span->end);
        (void)skep__format(name, sizeof name, "batch %u", span->batch);
        const bool stage = what == JSON_STAGE;
        json_name(s, stage ? span->stage : name, stage ? SKEP__KIND_STAGE : SKEP__KIND_BATCH);
        skep__out_text(&s->out, ",\"args\":{}}");
        return;
    }
    const uint32_t zone = j->zone++;
    json_zone(s, j, zone, j->row->begin[zone], j->row->end[zone]);
    json_name(s, skep__timeline_zone_name(s->t, j->row, zone), j->row->kind[zone]);
    json_args(s, j->row->kind[zone], (uint64_t)j->row->high[zone] << 32 | j->row->low[zone]);
}

static void json_zones(json_state *s)
{
    for (;;) {
        uint32_t best = SKEP__NONE;
        json_what what = JSON_NOTHING;
        double first = 0.0;
        for (uint32_t r = 0; r < s->t->row_count; r++) {
            double begin = 0.0;
            const json_what next = json_next(s, r, &begin);
            if (next == JSON_NOTHING || (best != SKEP__NONE && begin >= first)) continue;
            best = r;
            what = next;
            first = begin;
        }
        if (best == SKEP__NONE || s->out.failed) return;
        json_put(s, best, what);
    }
}

/* ---- moments -------------------------------------------------------------------------------- */

static void json_marks(json_state *s)
{
    const skep__timeline *t = s->t;
    for (uint32_t i = 0; i < t->value_count; i++) {
        const skep__timeline_value *v = &t->values[i];
        json_begin(s, "C", t->rows[v->row].thread);
        json_time(&s->out, "ts", json_ns(v->at));
        json_name(s, skep__timeline_kind_text(v->kind), v->kind);
        json_args(s, v->kind, v->value);
    }
    for (uint32_t i = 0; i < t->mark_count; i++) {
        const skep__timeline_mark *k = &t->marks[i];
        json_begin(s, "i", t->rows[k->row].thread);
        json_time(&s->out, "ts", json_ns(k->at));
        skep__out_text(&s->out, k->kind == SKEP__KIND_FAULT ? ",\"s\":\"p\"" : ",\"s\":\"t\"");
        json_name(s, skep__timeline_kind_text(k->kind), k->kind);
        json_args(s, k->kind, (uint64_t)k->high << 32 | k->low);
    }
}

/* ---- arrows --------------------------------------------------------------------------------- */

typedef struct json_end {
    uint32_t thread;
    int64_t ns;
} json_end;

static void json_arrow(json_state *s, const char *name, json_end from, json_end to)
{
    const uint32_t id = ++s->arrows;
    json_begin(s, "s", from.thread);
    json_time(&s->out, "ts", from.ns < to.ns ? from.ns : to.ns);
    skep__out_format(&s->out, ",\"id\":%u,\"name\":\"%s\",\"cat\":\"flow\"}", id, name);
    json_begin(s, "f", to.thread);
    json_time(&s->out, "ts", to.ns);
    skep__out_format(&s->out, ",\"id\":%u,\"name\":\"%s\",\"cat\":\"flow\",\"bp\":\"e\"}", id,
                     name);
}

/* The first WAKE in each section, else its TASKS zone. */
static void json_wakes(json_state *s)
{
    const skep__timeline *t = s->t;
    s->wake = skep__trace_take(&s->memory, t->tasks_count, sizeof *s->wake);
    for (uint32_t i = 0; s->wake && i < t->tasks_count; i++) s->wake[i] = t->tasks[i].zone;
    for (uint32_t i = 0; s->wake && t->tasks_count && i < t->rows[0].count; i++) {
        if (t->rows[0].kind[i] != SKEP__KIND_WAKE) continue;
        const uint32_t tasks = skep__timeline_tasks_at(t, t->rows[0].begin[i]);
        if (tasks != SKEP__NONE && s->wake[tasks] == t->tasks[tasks].zone) s->wake[tasks] = i;
    }
}

/* The COMMIT that follows a section; SKEP__NONE when its frame has none. `*at` moves on along the
 * caller's row from section to section. */
static uint32_t json_commit(const skep__timeline *t, uint32_t tasks, uint32_t *at)
{
    const skep__timeline_row *row = &t->rows[0];
    const skep__timeline_tasks *s = &t->tasks[tasks];
    uint32_t i = *at > s->zone ? *at : s->zone;
    while (i < row->count && (row->kind[i] != SKEP__KIND_COMMIT || row->begin[i] < s->end)) i++;
    *at = i;
    if (i == row->count) return SKEP__NONE;
    return skep__timeline_frame_at(t, row->begin[i]) == s->frame ? i : SKEP__NONE;
}

static void json_arrows_of(json_state *s, uint32_t tasks, uint32_t commit)
{
    const skep__timeline *t = s->t;
    const json_end wake = {0, json_ns(t->rows[0].begin[s->wake[tasks]])};
    for (uint32_t r = 0; r < t->row_count; r++) {
        const skep__timeline_row *row = &t->rows[r];
        uint32_t count = 0;
        const uint32_t first = skep__timeline_works(row, tasks, &count);
        if (!row->thread || !count) continue;
        const uint32_t last = row->work[first + count - 1u];
        const int64_t begin = json_ns(row->begin[last]);
        const int64_t end = json_ns(row->end[last]);
        json_arrow(s, "dispatch", wake,
                   (json_end){row->thread, json_ns(row->begin[row->work[first]])});
        if (commit != SKEP__NONE)
            json_arrow(s, "result", (json_end){row->thread, end > begin ? end - 1 : begin},
                       (json_end){0, json_ns(t->rows[0].begin[commit])});
    }
}

static void json_arrows(json_state *s)
{
    uint32_t at = 0;
    json_wakes(s);
    for (uint32_t i = 0; s->wake && i < s->t->tasks_count; i++)
        json_arrows_of(s, i, json_commit(s->t, i, &at));
}

/* ---- the whole ------------------------------------------------------------------------------ */

static bool json_rows(json_state *s)
{
    const skep__timeline *t = s->t;
    s->rows = skep__trace_take(&s->memory, t->row_count, sizeof *s->rows);
    if (!s->rows) return false;
    for (uint32_t r = 0; r < t->row_count; r++) {
        /* Zones that overlap are cut, so any number may be inside of one another. */
        const size_t most = (size_t)t->rows[r].count + s->spans.batch_count + s->spans.stage_count;
        s->rows[r].row = &t->rows[r];
        s->rows[r].open = skep__trace_take(&s->memory, most, sizeof(json_open));
        if (!s->rows[r].open) return false;
    }
    return true;
}

skep_status skep__trace_json(const skep__timeline *t, skep_trace_writer writer, void *ctx)
{
    json_state s = {.t = t, .memory = {.allocator = t->memory.allocator}};
    s.out.writer = writer;
    s.out.ctx = ctx;
    s.spans = skep__trace_spans_of(t, &s.memory, skep__trace_frames_all(t));
    skep__out_text(&s.out, "{\"traceEvents\":[");
    if (json_rows(&s)) {
        json_metas(&s);
        json_zones(&s);
        json_marks(&s);
        json_arrows(&s);
    }
    skep__out_text(&s.out, "\n]}\n");
    const bool failed = s.memory.failed;
    skep__trace_memory_free(&s.memory);
    const skep_status status = skep__out_end(&s.out);
    return failed ? SKEP_NO_MEMORY : status;
}
