/* SPDX-License-Identifier: MIT */
/* trace_event JSON: one event a line. Its readers add up times in double precision, and what ends
 * at one moment ends in any order for them; so each row is laid out first, in whole nanoseconds, so
 * that no end falls on another end or beginning. Then the zones of all rows are merged by their
 * beginnings. Batches and stages come in between the caller's, behind the FRAME that they are in.
 */
#include "trace/trace_analyse.h"
#include "trace/trace_convert.h"
#include "trace/trace_out.h"

/* A batch or a stage. */
typedef struct json_span {
    const skep__trace_span *span;
    uint32_t kind;
} json_span;

/* A zone or a span that has begun, on its way through a row. */
typedef struct json_open {
    int64_t begin;
    int64_t end;
    int64_t roof; /* where it ends, but for what is moved: what begins behind that is not in it */
    int64_t last; /* the end of the last one in it */
    uint32_t item;
} json_open;

/* A row laid out. Its items are its zones and, from row->count on, its spans. */
typedef struct json_row {
    const skep__timeline_row *row;
    uint32_t *order; /* items, outer before inner */
    int64_t *begin;  /* of each item */
    int64_t *end;
    uint32_t count;
    uint32_t next; /* the next one to print */
} json_row;

typedef struct json_state {
    const skep__timeline *t;
    skep__out out;
    skep__trace_memory memory;
    json_span *spans;
    json_row *rows;
    uint32_t *wake;   /* the WAKE of each section, or its TASKS */
    uint32_t *commit; /* all COMMIT zones */
    uint32_t commit_count;
    uint32_t span_count;
    uint32_t arrows;
    bool comma;
} json_state;

/* The nearest whole number, of two the greater one. */
static int64_t json_ns(double ns)
{
    const int64_t whole = (int64_t)(ns + 0.5);
    return (double)whole > ns + 0.5 ? whole - 1 : whole;
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

/* ---- zones, laid out ------------------------------------------------------------------------ */

/* Stages and batches in one list: a stage before the batch that it begins with. */
static bool json_spans(json_state *s)
{
    const skep__trace_spans spans =
        skep__trace_spans_of(s->t, &s->memory, skep__trace_frames_all(s->t));
    uint32_t stage = 0;
    s->spans = skep__trace_take(&s->memory, (size_t)spans.batch_count + spans.stage_count,
                                sizeof *s->spans);
    if (s->memory.failed) return false;
    for (uint32_t i = 0; i < spans.batch_count; i++) {
        const skep__trace_span *batch = &spans.batch[i];
        while (stage < spans.stage_count && spans.stage[stage].frame == batch->frame &&
               spans.stage[stage].begin <= batch->begin)
            s->spans[s->span_count++] = (json_span){&spans.stage[stage++], SKEP__KIND_STAGE};
        s->spans[s->span_count++] = (json_span){batch, SKEP__KIND_BATCH};
    }
    return true;
}

/* Zones that have begun, the innermost last. */
typedef struct json_nest {
    json_row *j;
    json_open *open;
    uint32_t depth;
    int64_t last; /* the end of the last one that was in none */
} json_nest;

/* Whether what is open holds an item that begins so: a zone what is inside of it, a span what it
 * touches. */
static bool json_holds(const json_nest *n, const json_open *outer, uint32_t item, int64_t begin)
{
    const skep__timeline_row *row = n->j->row;
    if (begin > outer->roof) return false;
    if (outer->item >= row->count || item >= row->count) return begin < outer->roof;
    while (item != SKEP__NONE && item > outer->item) item = row->parent[item];
    return item == outer->item;
}

/* Ends the innermost: behind what was in it. */
static void json_pop(json_nest *n)
{
    const json_open *o = &n->open[--n->depth];
    const int64_t end = o->end > o->last ? o->end : o->last + 1;
    n->j->end[o->item] = end;
    if (n->depth)
        n->open[n->depth - 1u].last = end;
    else
        n->last = end;
}

static int64_t json_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t json_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void json_add(json_nest *n, uint32_t item, double from, double to)
{
    const int64_t first = json_ns(from);
    const int64_t last = json_ns(to);
    while (n->depth && !json_holds(n, &n->open[n->depth - 1u], item, first)) json_pop(n);
    const json_open *outer = n->depth ? &n->open[n->depth - 1u] : NULL;
    json_open o = {.item = item, .roof = last, .last = INT64_MIN};
    o.begin = json_max(first, (outer ? outer->last : n->last) + 1);
    if (outer) o.begin = json_max(o.begin, outer->begin);
    o.end = json_max(o.begin + 1, outer ? json_min(last, outer->end - 1) : last);
    if (outer) o.roof = json_min(last, outer->roof);
    n->j->begin[item] = o.begin;
    n->j->order[n->j->count++] = item;
    n->open[n->depth++] = o;
}

/* Says when a row's zones and spans begin and end. Spans come before zones of the same beginning,
 * but behind the frame that they are in. */
static bool json_lay_out(json_state *s, json_row *j, uint32_t span_count)
{
    const skep__timeline_row *row = j->row;
    skep__trace_memory scratch = {.allocator = s->memory.allocator};
    const size_t items = (size_t)row->count + span_count;
    json_nest n = {.j = j, .last = INT64_MIN};
    uint32_t span = 0;
    n.open = skep__trace_take(&scratch, items, sizeof *n.open);
    j->order = skep__trace_take(&s->memory, items, sizeof *j->order);
    j->begin = skep__trace_take(&s->memory, items, sizeof *j->begin);
    j->end = skep__trace_take(&s->memory, items, sizeof *j->end);
    s->memory.failed |= scratch.failed;
    for (uint32_t i = 0; !s->memory.failed && i <= row->count; i++) {
        for (; span < span_count; span++) {
            const skep__trace_span *x = s->spans[span].span;
            const bool due =
                i == row->count || (i > s->t->frames[x->frame].zone && x->begin <= row->begin[i]);
            if (!due) break;
            json_add(&n, row->count + span, x->begin, x->end);
        }
        if (i < row->count) json_add(&n, i, row->begin[i], row->end[i]);
    }
    while (n.depth) json_pop(&n);
    skep__trace_memory_free(&scratch);
    return !s->memory.failed;
}

static bool json_rows(json_state *s)
{
    s->rows = skep__trace_take(&s->memory, s->t->row_count, sizeof *s->rows);
    if (!s->rows || !json_spans(s)) return false;
    for (uint32_t r = 0; r < s->t->row_count; r++) {
        s->rows[r].row = &s->t->rows[r];
        if (!json_lay_out(s, &s->rows[r], r == 0 ? s->span_count : 0u)) return false;
    }
    return true;
}

/* ---- zones, printed ------------------------------------------------------------------------- */

static void json_item(json_state *s, const json_row *j, uint32_t item)
{
    char name[32];
    json_begin(s, "X", j->row->thread);
    json_time(&s->out, "ts", j->begin[item]);
    json_time(&s->out, "dur", j->end[item] - j->begin[item]);
    if (item < j->row->count) {
        json_name(s, skep__timeline_zone_name(s->t, j->row, item), j->row->kind[item]);
        json_args(s, j->row->kind[item], (uint64_t)j->row->high[item] << 32 | j->row->low[item]);
        return;
    }
    const json_span *span = &s->spans[item - j->row->count];
    (void)skep__format(name, sizeof name, "batch %u", span->span->batch);
    json_name(s, span->kind == SKEP__KIND_STAGE ? span->span->stage : name, span->kind);
    skep__out_text(&s->out, ",\"args\":{}}");
}

/* The zones of all rows, by their beginnings. */
static void json_zones(json_state *s)
{
    for (;;) {
        json_row *best = NULL;
        for (uint32_t r = 0; r < s->t->row_count; r++) {
            json_row *j = &s->rows[r];
            if (j->next == j->count) continue;
            if (!best || j->begin[j->order[j->next]] < best->begin[best->order[best->next]])
                best = j;
        }
        if (!best || s->out.failed) return;
        json_item(s, best, best->order[best->next++]);
    }
}

/* ---- moments -------------------------------------------------------------------------------- */

static void json_marks(json_state *s)
{
    const skep__timeline *t = s->t;
    for (uint32_t i = 0; i < t->value_count; i++) {
        const skep__timeline_value *v = &t->values[i];
        json_begin(s, "C", 0);
        json_time(&s->out, "ts", json_ns(v->at));
        skep__out_format(&s->out, ",\"name\":\"%s\"", skep__timeline_kind_text(v->kind));
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
 * list of commits from section to section. */
static uint32_t json_commit(const json_state *s, uint32_t tasks, uint32_t *at)
{
    const skep__timeline_row *row = &s->t->rows[0];
    const skep__timeline_tasks *section = &s->t->tasks[tasks];
    while (*at < s->commit_count && row->begin[s->commit[*at]] < section->end) ++*at;
    if (*at == s->commit_count) return SKEP__NONE;
    const uint32_t zone = s->commit[*at];
    return skep__timeline_frame_at(s->t, row->begin[zone]) == section->frame ? zone : SKEP__NONE;
}

/* Of works in a section the one that ended last, of several the last. */
static uint32_t json_last(const skep__timeline_row *row, uint32_t first, uint32_t count)
{
    uint32_t last = row->work[first];
    for (uint32_t i = first; i < first + count; i++)
        if (row->end[row->work[i]] >= row->end[last]) last = row->work[i];
    return last;
}

static void json_arrows_of(json_state *s, uint32_t tasks, uint32_t commit)
{
    const skep__timeline *t = s->t;
    const json_end wake = {0, s->rows[0].begin[s->wake[tasks]]};
    for (uint32_t r = 0; r < t->row_count; r++) {
        const skep__timeline_row *row = &t->rows[r];
        uint32_t count = 0;
        const uint32_t first = skep__timeline_works(row, tasks, &count);
        if (!row->thread || !count) continue;
        const json_row *j = &s->rows[r];
        const uint32_t last = json_last(row, first, count);
        const int64_t end = j->end[last] > j->begin[last] ? j->end[last] - 1 : j->begin[last];
        json_arrow(s, "dispatch", wake, (json_end){row->thread, j->begin[row->work[first]]});
        if (commit != SKEP__NONE)
            json_arrow(s, "result", (json_end){row->thread, end},
                       (json_end){0, s->rows[0].begin[commit]});
    }
}

static void json_arrows(json_state *s)
{
    uint32_t at = 0;
    if (!s->t->tasks_count) return;
    json_wakes(s);
    s->commit =
        skep__timeline_of_kind(&s->t->rows[0], SKEP__KIND_COMMIT, &s->memory, &s->commit_count);
    for (uint32_t i = 0; s->wake && s->commit && i < s->t->tasks_count; i++)
        json_arrows_of(s, i, json_commit(s, i, &at));
}

/* ---- the whole ------------------------------------------------------------------------------ */

skep_status skep__trace_json(const skep__timeline *t, skep_trace_writer writer, void *ctx)
{
    json_state s = {.t = t, .memory = {.allocator = t->memory.allocator}};
    s.out.writer = writer;
    s.out.ctx = ctx;
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
