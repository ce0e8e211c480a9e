/* SPDX-License-Identifier: MIT */
/* `skep trace summary`: where the time of a trace went, as tables for people or one object of JSON.
 * All figures are those of docs/trace-format.md; times are milliseconds in the text, and in JSON
 * nanoseconds with all the digits that they have. */
#include "cli/json.h"
#include "cli/trace_cli.h"
#include "port/port.h"
#include "trace/trace_why.h"

#include <stdlib.h>
#include <string.h>

#define SUMMARY_WORST 3u
#define SUMMARY_NAME_MAX 28

typedef struct summary {
    const skep__cli_trace *file;
    const skep__timeline *t;
    skep__trace_memory m;
    skep__trace_frames frames;
    skep__trace_times times;
    skep__trace_systems systems;
    const skep__trace_system_stats **order; /* by total, the greatest first */
    const skep__trace_thread_stats *threads;
    uint32_t worst; /* frames to tell of */
} summary;

/* ---- working it out ------------------------------------------------------------------------- */

static int summary_compare(const void *a, const void *b)
{
    const skep__trace_system_stats *x = *(const skep__trace_system_stats *const *)a;
    const skep__trace_system_stats *y = *(const skep__trace_system_stats *const *)b;
    if (x->total_ns != y->total_ns) return x->total_ns > y->total_ns ? -1 : 1;
    return x->subject < y->subject ? -1 : x->subject > y->subject;
}

/* False without memory. */
static bool summary_work_out(summary *s, const skep__cli_options *o)
{
    const skep__cli_value *range = &o->value[SKEP__CLI_trace_frames];
    const skep__cli_value *worst = &o->value[SKEP__CLI_trace_worst];
    s->m.allocator = skep__port_allocator();
    s->frames = range->given ? skep__trace_frames_ticks(s->t, range->number, range->last)
                             : skep__trace_frames_all(s->t);
    s->times = skep__trace_times_of(s->t, &s->m, s->frames, s->t->budget_ns);
    s->systems = skep__trace_systems_of(s->t, &s->m, s->frames);
    s->threads = skep__trace_threads_of(s->t, &s->m, s->frames);
    s->order = skep__trace_take(&s->m, s->systems.count, sizeof *s->order);
    s->worst = worst->given ? (uint32_t)worst->number : SUMMARY_WORST;
    if (s->worst > s->frames.count) s->worst = s->frames.count;
    if (s->m.failed) return false;
    for (uint32_t i = 0; i < s->systems.count; i++) s->order[i] = &s->systems.system[i];
    qsort(s->order, s->systems.count, sizeof *s->order, summary_compare);
    return true;
}

static double summary_part(double part, double whole)
{
    return whole > 0.0 ? part / whole : 0.0;
}

static bool summary_put(void *ctx, const void *bytes, size_t count)
{
    return fwrite(bytes, 1, count, ctx) == count;
}

/* ---- for people ----------------------------------------------------------------------------- */

static void text_frames(const summary *s)
{
    const skep__trace_times *x = &s->times;
    const skep__timeline_frame *f = &s->t->frames[s->frames.first];
    char a[32], b[32], c[32];
    printf("  frames      %s: %s to %s\n", skep__cli_thousands(a, s->frames.count),
           skep__cli_thousands(b, f[0].tick), skep__cli_thousands(c, f[s->frames.count - 1].tick));
    printf("  frame time  p50 %.3f ms, p95 %.3f ms, p99 %.3f ms, max %.3f ms\n",
           skep__cli_trace_ms(x->p50_ns), skep__cli_trace_ms(x->p95_ns),
           skep__cli_trace_ms(x->p99_ns), skep__cli_trace_ms(x->max_ns));
    if (s->t->budget_ns)
        printf("  budget      %.2f ms: %s of %s frames took longer\n",
               skep__cli_trace_ms((double)s->t->budget_ns), skep__cli_thousands(a, x->over),
               skep__cli_thousands(b, s->frames.count));
}

/* Where a system's longest zone was. */
static void text_longest(const summary *s, const skep__trace_system_stats *x)
{
    const skep__timeline_row *row = &s->t->rows[x->longest_row];
    const uint32_t zone = x->longest_zone;
    const uint32_t frame = skep__timeline_frame_at(s->t, row->begin[zone]);
    const uint32_t kind = row->kind[zone];
    const uint32_t blocks = kind == SKEP__KIND_BLOCK ? row->low[zone] >> 16 : 1;
    char block[64] = "";
    if (kind == SKEP__KIND_BLOCK || kind == SKEP__KIND_LOST)
        (void)snprintf(block, sizeof block, "block %u%s, ", row->high[zone],
                       blocks > 1 ? " and on" : "");
    printf("  %.3f ms: %s%s", skep__cli_trace_ms(x->longest_ns), block, row->name);
    if (frame != SKEP__NONE) printf(", frame %llu", (unsigned long long)s->t->frames[frame].tick);
    printf("\n");
}

static int text_name_width(const summary *s)
{
    size_t width = 6;
    for (uint32_t i = 0; i < s->systems.count; i++) {
        const size_t n = strlen(s->t->subjects[s->systems.system[i].subject].name);
        if (n > width) width = n;
    }
    return width < SUMMARY_NAME_MAX ? (int)width : SUMMARY_NAME_MAX;
}

static void text_systems(const summary *s)
{
    const int width = text_name_width(s);
    if (!s->systems.count) return;
    printf("\n  %-*s    total ms  share   runs    blocks     p50     p95     p99     max  longest "
           "block\n",
           width, "system");
    for (uint32_t i = 0; i < s->systems.count; i++) {
        const skep__trace_system_stats *x = s->order[i];
        char blocks[32], runs[32];
        printf("  %-*s %11.3f %5.1f%% %6s %9s %7.3f %7.3f %7.3f %7.3f", width,
               s->t->subjects[x->subject].name, skep__cli_trace_ms(x->total_ns),
               100.0 * summary_part(x->total_ns, s->systems.total_ns),
               skep__cli_thousands(runs, x->run_count), skep__cli_thousands(blocks, x->blocks),
               skep__cli_trace_ms(x->p50_ns), skep__cli_trace_ms(x->p95_ns),
               skep__cli_trace_ms(x->p99_ns), skep__cli_trace_ms(x->max_ns));
        text_longest(s, x);
    }
}

static void text_threads(const summary *s)
{
    printf("\n  thread           busy  nothing ready  barrier  queue  respawn\n");
    for (uint32_t r = 0; r < s->t->row_count; r++) {
        const skep__trace_thread_stats *x = &s->threads[r];
        const double total = s->times.total_ns;
        printf("  %-14s %5.1f%%         %5.1f%%   %5.1f%% %5.1f%%   %5.1f%%\n", s->t->rows[r].name,
               x->busy_ns > 0.0 ? 100.0 * x->utilisation : 0.0, /* what was rounded is not -0.0% */
               100.0 * summary_part(x->idle_ns[SKEP__REASON_NOTHING], total),
               100.0 * summary_part(x->idle_ns[SKEP__REASON_BARRIER], total),
               100.0 * summary_part(x->idle_ns[SKEP__REASON_QUEUE], total),
               100.0 * summary_part(x->idle_ns[SKEP__REASON_RESPAWN], total));
    }
}

/* What to try first for a frame. */
static void text_advice(summary *s, uint32_t frame, int digits)
{
    uint32_t count = 0;
    bool split = false;
    const skep__trace_help *help = skep__trace_help_of(s->t, &s->m, frame, &count);
    if (!help) return;
    const uint32_t best = skep__trace_advice(s->t, frame, help, count, &split);
    if (best == SKEP__NONE) return;
    const skep__timeline_frame *f = &s->t->frames[frame];
    printf("    %s %s: %.*f ms of %.*f ms would go\n", split ? "split" : "without",
           s->t->subjects[help[best].subject].name, digits,
           skep__cli_trace_ms(split ? help[best].split_ns : help[best].without_ns), digits,
           skep__cli_trace_ms(f->end - f->begin));
}

static void text_worst(summary *s)
{
    if (s->worst) printf("\n  worst frames, and what they waited for\n");
    for (uint32_t i = 0; i < s->worst; i++) {
        const uint32_t frame = s->times.worst[i];
        const skep__timeline_frame *f = &s->t->frames[frame];
        const uint32_t digits = skep__trace_digits(f->end - f->begin);
        uint32_t segments = 0, steps = 0;
        const skep__trace_segment *path = skep__trace_path_of(s->t, &s->m, frame, &segments);
        const skep__trace_step *step = skep__trace_steps(path, segments, &s->m, &steps);
        printf("  frame %llu, %.*f ms: ", (unsigned long long)f->tick, (int)digits,
               skep__cli_trace_ms(f->end - f->begin));
        if (step && steps) {
            skep__out out = {.writer = summary_put, .ctx = stdout};
            skep__trace_steps_out(s->t, &out, frame, step, steps, digits);
            /* Whether standard output took it is looked at when the command ends. */
            if (skep__out_end(&out) != SKEP_OK) return;
        }
        printf("\n");
        text_advice(s, frame, (int)digits);
    }
}

static void summary_text(summary *s)
{
    char title[256];
    skep__cli_trace_title(s->file, title, sizeof title);
    printf("%s: %s\n", s->file->path, title);
    if (s->frames.count) {
        text_frames(s);
        text_systems(s);
        text_threads(s);
        text_worst(s);
    }
}

/* ---- for programs --------------------------------------------------------------------------- */

static void json_ns(skep__json *j, const char *key, double ns)
{
    skep__json_f64(j, key, ns, 17);
}

static void json_range(skep__json *j, const summary *s)
{
    const skep__trace_times *x = &s->times;
    const skep__timeline_frame *f = s->t->frames ? &s->t->frames[s->frames.first] : NULL;
    skep__json_open(j, "frames", '{');
    skep__json_u64(j, "count", s->frames.count);
    if (s->frames.count && f) {
        skep__json_u64(j, "first_tick", f[0].tick);
        skep__json_u64(j, "last_tick", f[s->frames.count - 1].tick);
    }
    json_ns(j, "total_ns", x->total_ns);
    json_ns(j, "p50_ns", x->p50_ns);
    json_ns(j, "p95_ns", x->p95_ns);
    json_ns(j, "p99_ns", x->p99_ns);
    json_ns(j, "max_ns", x->max_ns);
    skep__json_u64(j, "over_budget", x->over);
    skep__json_u64(j, "slow", x->slow);
    skep__json_close(j, '}');
}

static void json_longest(skep__json *j, const summary *s, const skep__trace_system_stats *x)
{
    const skep__timeline_row *row = &s->t->rows[x->longest_row];
    const uint32_t zone = x->longest_zone;
    const uint32_t kind = row->kind[zone];
    const uint32_t frame = skep__timeline_frame_at(s->t, row->begin[zone]);
    skep__json_open(j, "longest", '{');
    json_ns(j, "ns", x->longest_ns);
    skep__json_u64(j, "thread", row->thread);
    skep__json_text(j, "kind", skep__timeline_kind_text(kind));
    if (kind == SKEP__KIND_BLOCK || kind == SKEP__KIND_LOST)
        skep__json_u64(j, "block", row->high[zone]);
    else
        skep__json_null(j, "block");
    if (frame != SKEP__NONE) skep__json_u64(j, "tick", s->t->frames[frame].tick);
    skep__json_close(j, '}');
}

static void json_systems(skep__json *j, const summary *s)
{
    skep__json_open(j, "systems", '[');
    for (uint32_t i = 0; i < s->systems.count; i++) {
        const skep__trace_system_stats *x = s->order[i];
        const skep__timeline_subject *subject = &s->t->subjects[x->subject];
        skep__json_open(j, NULL, '{');
        skep__json_text(j, "system", subject->name);
        skep__json_u64(j, "number", subject->number);
        skep__json_text(j, "stage", subject->line ? subject->line->stage : NULL);
        skep__json_u64(j, "runs", x->run_count);
        skep__json_u64(j, "blocks", x->blocks);
        skep__json_u64(j, "copied", x->copied);
        json_ns(j, "total_ns", x->total_ns);
        json_ns(j, "self_ns", x->self_ns);
        skep__json_f64(j, "share", summary_part(x->total_ns, s->systems.total_ns), 17);
        json_ns(j, "p50_ns", x->p50_ns);
        json_ns(j, "p95_ns", x->p95_ns);
        json_ns(j, "p99_ns", x->p99_ns);
        json_ns(j, "max_ns", x->max_ns);
        json_longest(j, s, x);
        skep__json_open(j, "by_thread_ns", '[');
        for (uint32_t r = 0; r < s->t->row_count; r++) json_ns(j, NULL, x->by_row[r]);
        skep__json_close(j, ']');
        skep__json_close(j, '}');
    }
    skep__json_close(j, ']');
}

static void json_threads(skep__json *j, const summary *s)
{
    skep__json_open(j, "threads", '[');
    for (uint32_t r = 0; r < s->t->row_count; r++) {
        const skep__trace_thread_stats *x = &s->threads[r];
        skep__json_open(j, NULL, '{');
        skep__json_u64(j, "thread", s->t->rows[r].thread);
        skep__json_text(j, "name", s->t->rows[r].name);
        skep__json_u64(j, "lost", s->t->rows[r].lost);
        skep__json_f64(j, "utilisation", x->utilisation, 17);
        json_ns(j, "busy_ns", x->busy_ns);
        skep__json_open(j, "idle_ns", '{');
        for (uint32_t i = 1; i < SKEP__REASON_COUNT; i++)
            json_ns(j, skep__timeline_reason_text(i), x->idle_ns[i]);
        skep__json_close(j, '}');
        skep__json_close(j, '}');
    }
    skep__json_close(j, ']');
}

static void json_helps(skep__json *j, summary *s, uint32_t frame)
{
    uint32_t count = 0;
    bool split = false;
    const skep__trace_help *help = skep__trace_help_of(s->t, &s->m, frame, &count);
    const uint32_t best = help ? skep__trace_advice(s->t, frame, help, count, &split) : SKEP__NONE;
    skep__json_open(j, "help", '[');
    for (uint32_t i = 0; help && i < count; i++) {
        skep__json_open(j, NULL, '{');
        skep__json_text(j, "system", s->t->subjects[help[i].subject].name);
        skep__json_u64(j, "number", s->t->subjects[help[i].subject].number);
        json_ns(j, "without_ns", help[i].without_ns);
        json_ns(j, "split_ns", help[i].split_ns);
        skep__json_close(j, '}');
    }
    skep__json_close(j, ']');
    if (best == SKEP__NONE) {
        skep__json_null(j, "advice");
        return;
    }
    skep__json_open(j, "advice", '{');
    skep__json_text(j, "system", s->t->subjects[help[best].subject].name);
    skep__json_u64(j, "number", s->t->subjects[help[best].subject].number);
    skep__json_text(j, "do", split ? "split" : "without");
    json_ns(j, "saves_ns", split ? help[best].split_ns : help[best].without_ns);
    skep__json_close(j, '}');
}

static void json_worst(skep__json *j, summary *s)
{
    skep__json_open(j, "worst", '[');
    for (uint32_t i = 0; i < s->worst; i++) {
        const uint32_t frame = s->times.worst[i];
        const skep__timeline_frame *f = &s->t->frames[frame];
        uint32_t count = 0;
        const skep__trace_segment *path = skep__trace_path_of(s->t, &s->m, frame, &count);
        skep__json_open(j, NULL, '{');
        skep__json_u64(j, "tick", f->tick);
        json_ns(j, "begin_ns", f->begin);
        json_ns(j, "ns", f->end - f->begin);
        skep__json_open(j, "path", '[');
        for (uint32_t k = 0; path && k < count; k++) {
            skep__json_open(j, NULL, '{');
            skep__json_text(j, "what", path[k].what);
            skep__json_u64(j, "thread", s->t->rows[path[k].row].thread);
            json_ns(j, "begin_ns", path[k].begin);
            json_ns(j, "end_ns", path[k].end);
            skep__json_close(j, '}');
        }
        skep__json_close(j, ']');
        json_helps(j, s, frame);
        skep__json_close(j, '}');
    }
    skep__json_close(j, ']');
}

static void json_problems(skep__json *j, const skep__timeline *t)
{
    skep__json_open(j, "problems", '[');
    for (uint32_t i = 0; i < t->problem_count && i < SKEP__TIMELINE_PROBLEMS_MAX; i++) {
        skep__json_open(j, NULL, '{');
        skep__json_text(j, "section", t->problems[i].section);
        skep__json_u64(j, "byte", t->problems[i].offset);
        skep__json_text(j, "what", t->problems[i].message);
        skep__json_close(j, '}');
    }
    skep__json_close(j, ']');
}

static void summary_json(summary *s)
{
    skep__json j = {stdout, false};
    skep__json_open(&j, NULL, '{');
    skep__json_text(&j, "file", s->file->path);
    skep__json_text(&j, "scene", skep__timeline_noted(s->t, "scene"));
    skep__json_u64(&j, "zones", s->t->zone_count);
    skep__json_u64(&j, "step_ns", s->t->step_ns);
    skep__json_u64(&j, "budget_ns", s->t->budget_ns);
    json_problems(&j, s->t);
    json_range(&j, s);
    json_systems(&j, s);
    json_threads(&j, s);
    json_worst(&j, s);
    skep__json_close(&j, '}');
    (void)fputc('\n', stdout);
}

/* ---- the command ---------------------------------------------------------------------------- */

static int summary_of(const skep__cli_trace *file, const skep__cli_options *o)
{
    summary s = {.file = file, .t = file->timeline};
    int code = SKEP__EXIT_OK;
    if (!summary_work_out(&s, o)) {
        (void)skep__cli_fail(o->command, "%s", skep_status_text(SKEP_NO_MEMORY));
        code = SKEP__EXIT_FAILED;
    } else if (o->value[SKEP__CLI_trace_frames].given && !s.frames.count) {
        code = skep__cli_fail(o->command, "%s: no frame is among %s", file->path,
                              o->value[SKEP__CLI_trace_frames].text);
    } else if (o->value[SKEP__CLI_trace_json].given) {
        summary_json(&s);
    } else {
        summary_text(&s);
    }
    skep__trace_memory_free(&s.m);
    return code;
}

int skep__cli_trace_summary(const skep__cli_options *options)
{
    skep__cli_trace file;
    int code = skep__cli_trace_open(&file, options->command, options->words[0]);
    if (code != SKEP__EXIT_OK) return code;
    code = summary_of(&file, options);
    const int damaged = skep__cli_trace_close(&file);
    return code == SKEP__EXIT_OK ? damaged : code;
}
