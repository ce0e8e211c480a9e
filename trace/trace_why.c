/* SPDX-License-Identifier: MIT */
/* Why a frame was slow:
 *
 *     slow: frame 812 took 11.42 ms (budget 8.33 ms)
 *       critical path  snapshot 0.02 > wake 0.05 (worker 1) > strike 8.10 (worker 1) > commit 0.41
 *       longest block  strike, block 7, worker 1: 8.10 ms; half of its blocks take less than ...
 *       idle           caller: barrier 7.90 ms; worker 2: nothing ready 3.10 ms, queue 0.20 ms
 *       blocks copied  40 by move: a snapshot still holds the old ones
 *       would help     splitting strike over 3 threads: 5.40 ms shorter; without it: 8.00 ms
 *
 * A line that has nothing to say is left out. */
#include "trace/trace_why.h"

#include "core/base/sort.h"

#define WHY_STEPS 6u
#define WHY_THREADS 4u
#define WHY_COPIES 3u
#define WHY_BLOCKS_FEW 3u
#define WHY_MS_SHORT 1e6

typedef struct why_state {
    const skep__timeline *t;
    skep__trace_memory memory;
    skep__out out;
    uint32_t frame;
    uint32_t digits;
} why_state;

static double why_ms(double ns)
{
    return ns / 1e6;
}

uint32_t skep__trace_digits(double frame_ns)
{
    return frame_ns < WHY_MS_SHORT ? 3u : 2u;
}

/* ---- the path ------------------------------------------------------------------------------- */

skep__trace_step *skep__trace_steps(const skep__trace_segment *segment, uint32_t segment_count,
                                    skep__trace_memory *m, uint32_t *count)
{
    skep__trace_step *step = skep__trace_take(m, segment_count, sizeof *step);
    *count = 0;
    for (uint32_t i = 0; step && i < segment_count; i++) {
        const skep__trace_segment *s = &segment[i];
        uint32_t k = 0;
        while (k < *count &&
               (step[k].row != s->row || skep__timeline_text_compare(step[k].what, s->what) != 0))
            k++;
        if (k == *count) step[(*count)++] = (skep__trace_step){s->what, s->row, 0.0};
        step[k].ns += s->end - s->begin;
    }
    return step;
}

/* Which steps are told of by name: the longest, as far as they show at all. Returns how many. */
static uint32_t steps_choose(const skep__trace_step *step, uint32_t count, double unit,
                             uint32_t *chosen)
{
    uint32_t n = 0;
    for (; n < WHY_STEPS; n++) {
        uint32_t best = SKEP__NONE;
        for (uint32_t i = 0; i < count; i++) {
            bool taken = step[i].ns < unit / 2.0;
            for (uint32_t k = 0; k < n; k++) taken |= chosen[k] == i;
            if (!taken && (best == SKEP__NONE || step[i].ns > step[best].ns)) best = i;
        }
        if (best == SKEP__NONE) break;
        chosen[n] = best;
    }
    return n;
}

static int64_t steps_units(double ns, double unit)
{
    return (int64_t)(ns / unit + 0.5);
}

static void steps_number(skep__out *out, int64_t units, uint32_t digits)
{
    const double scale = digits == 3u ? 1000.0 : 100.0;
    skep__out_format(out, "%.*f", (int)digits, (double)units / scale);
}

void skep__trace_steps_out(const skep__timeline *t, skep__out *out, uint32_t frame,
                           const skep__trace_step *step, uint32_t count, uint32_t digits)
{
    const double unit = digits == 3u ? 1e3 : 1e4;
    const skep__timeline_frame *f = &t->frames[frame];
    uint32_t chosen[WHY_STEPS];
    int64_t units[WHY_STEPS];
    const uint32_t n = steps_choose(step, count, unit, chosen);
    int64_t rest = steps_units(f->end - f->begin, unit);
    for (uint32_t k = 0; k < n; k++) {
        units[k] = steps_units(step[chosen[k]].ns, unit);
        rest -= units[k];
    }
    /* What rounding left over goes to the others, or to the longest, where nobody sees it. */
    if (n && (n == count || rest < 0)) {
        units[0] += rest;
        rest = 0;
    }
    bool first = true;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = 0;
        while (k < n && chosen[k] != i) k++;
        if (k == n) continue;
        skep__out_text(out, first ? "" : " > ");
        skep__out_text(out, step[i].what);
        skep__out_text(out, " ");
        steps_number(out, units[k], digits);
        first = false;
        if (!t->rows[step[i].row].thread) continue;
        skep__out_text(out, " (");
        skep__out_text(out, t->rows[step[i].row].name);
        skep__out_text(out, ")");
    }
    if (n == count) return;
    skep__out_format(out, "%s%u %s ", first ? "" : " > ", count - n,
                     count - n == 1u ? "other" : "others");
    steps_number(out, rest, digits);
}

static void why_head(why_state *w, const char *head)
{
    skep__out_format(&w->out, "  %-13s  ", head);
}

static void why_path(why_state *w)
{
    uint32_t segments = 0;
    uint32_t steps = 0;
    const skep__trace_segment *segment = skep__trace_path_of(w->t, &w->memory, w->frame, &segments);
    const skep__trace_step *step = skep__trace_steps(segment, segments, &w->memory, &steps);
    if (!step || !steps) return;
    why_head(w, "critical path");
    skep__trace_steps_out(w->t, &w->out, w->frame, step, steps, w->digits);
    skep__out_text(&w->out, " ms\n");
}

/* ---- the longest block ---------------------------------------------------------------------- */

/* The median of the durations of a system's BLOCK zones, in all of the trace; 0 for a few. */
static double why_median(why_state *w, uint32_t subject)
{
    const skep__timeline *t = w->t;
    uint32_t count = 0;
    for (uint32_t r = 0; r < t->row_count; r++)
        for (uint32_t i = 0; i < t->rows[r].count; i++)
            count += t->rows[r].kind[i] == SKEP__KIND_BLOCK && t->rows[r].subject[i] == subject;
    double *ns = skep__trace_take(&w->memory, count, sizeof *ns);
    if (!ns || count < WHY_BLOCKS_FEW) return 0.0;
    count = 0;
    for (uint32_t r = 0; r < t->row_count; r++) {
        const skep__timeline_row *row = &t->rows[r];
        for (uint32_t i = 0; i < row->count; i++)
            if (row->kind[i] == SKEP__KIND_BLOCK && row->subject[i] == subject)
                ns[count++] = row->end[i] - row->begin[i];
    }
    skep__trace_sort(&w->memory, ns, count);
    return skep__trace_rank(ns, count, 50);
}

static void why_block(why_state *w)
{
    const skep__timeline *t = w->t;
    const skep__timeline_row *at = NULL;
    uint32_t zone = 0;
    double longest = 0.0;
    for (uint32_t r = 0; r < t->row_count; r++) {
        const skep__timeline_row *row = &t->rows[r];
        for (uint32_t i = 0; i < row->count; i++) {
            if (!skep__timeline_runs(row->kind[i]) || row->end[i] - row->begin[i] <= longest ||
                skep__timeline_frame_at(t, row->begin[i]) != w->frame)
                continue;
            at = row;
            zone = i;
            longest = row->end[i] - row->begin[i];
        }
    }
    if (!at) return;
    const uint32_t kind = at->kind[zone];
    const uint32_t blocks = kind == SKEP__KIND_BLOCK ? at->low[zone] >> 16 : 1u;
    const bool block = kind == SKEP__KIND_BLOCK || kind == SKEP__KIND_LOST;
    why_head(w, block ? "longest block" : "longest run");
    skep__out_text(&w->out, skep__timeline_zone_name(t, at, zone));
    if (block && blocks > 1u)
        skep__out_format(&w->out, ", blocks %u to %llu", at->high[zone],
                         (unsigned long long)at->high[zone] + blocks - 1u);
    else if (block)
        skep__out_format(&w->out, ", block %u", at->high[zone]);
    skep__out_text(&w->out, ", ");
    skep__out_text(&w->out, at->name);
    skep__out_format(&w->out, ": %.*f ms", (int)w->digits, why_ms(longest));
    const double median = block ? why_median(w, at->subject[zone]) : 0.0;
    if (median > 0.0)
        skep__out_format(&w->out, "; half of its blocks take less than %.*f ms", (int)w->digits,
                         why_ms(median));
    skep__out_text(&w->out, "\n");
}

/* ---- idle time ------------------------------------------------------------------------------ */

/* What a thread idles, of the reasons that show: each at least so long. */
static double why_idle_ns(const skep__trace_thread_stats *s, double least)
{
    double ns = 0.0;
    for (uint32_t i = 0; i < SKEP__REASON_OUTSIDE; i++)
        if (s->idle_ns[i] >= least) ns += s->idle_ns[i];
    return ns;
}

/* Writes one thread's reasons, the longest first. */
static void why_reasons(why_state *w, const skep__trace_thread_stats *s, double least)
{
    bool told[SKEP__REASON_COUNT] = {0};
    bool first = true;
    for (;;) {
        uint32_t best = SKEP__NONE;
        for (uint32_t i = 0; i < SKEP__REASON_OUTSIDE; i++)
            if (!told[i] && s->idle_ns[i] >= least &&
                (best == SKEP__NONE || s->idle_ns[i] > s->idle_ns[best]))
                best = i;
        if (best == SKEP__NONE) return;
        told[best] = true;
        skep__out_format(&w->out, "%s%s %.*f ms", first ? "" : ", ",
                         skep__timeline_reason_text(best), (int)w->digits,
                         why_ms(s->idle_ns[best]));
        first = false;
    }
}

static void why_idle(why_state *w)
{
    const skep__timeline *t = w->t;
    const skep__trace_frames frame = {w->frame, 1};
    const double least = w->digits == 3u ? 5e2 : 5e3; /* what shows */
    const skep__trace_thread_stats *s = skep__trace_threads_of(t, &w->memory, frame);
    bool *chosen = skep__trace_take(&w->memory, t->row_count, sizeof *chosen);
    uint32_t threads = 0;
    if (!s || !chosen) return;
    for (uint32_t n = 0; n < WHY_THREADS; n++) {
        uint32_t best = SKEP__NONE;
        for (uint32_t r = 0; r < t->row_count; r++)
            if (!chosen[r] && why_idle_ns(&s[r], least) > 0.0 &&
                (best == SKEP__NONE || why_idle_ns(&s[r], least) > why_idle_ns(&s[best], least)))
                best = r;
        if (best == SKEP__NONE) break;
        chosen[best] = true;
        threads++;
    }
    if (!threads) return;
    why_head(w, "idle");
    double rest = 0.0;
    uint32_t others = 0;
    bool first = true;
    for (uint32_t r = 0; r < t->row_count; r++) {
        if (!chosen[r]) {
            others += why_idle_ns(&s[r], least) > 0.0;
            rest += why_idle_ns(&s[r], least);
            continue;
        }
        skep__out_text(&w->out, first ? "" : "; ");
        skep__out_text(&w->out, t->rows[r].name);
        skep__out_text(&w->out, ": ");
        why_reasons(w, &s[r], least);
        first = false;
    }
    if (others)
        skep__out_format(&w->out, "; %u more: %.*f ms", others, (int)w->digits, why_ms(rest));
    skep__out_text(&w->out, "\n");
}

/* ---- blocks copied, faults ------------------------------------------------------------------ */

typedef struct why_copies {
    uint64_t blocks;
    uint32_t subject;
    uint32_t why;
} why_copies;

/* The most blocks first. */
static int why_compare_copies(const void *a, const void *b, void *ctx)
{
    const why_copies *x = a;
    const why_copies *y = b;
    (void)ctx;
    if (x->blocks != y->blocks) return x->blocks > y->blocks ? -1 : 1;
    if (x->subject != y->subject) return x->subject < y->subject ? -1 : 1;
    return x->why < y->why ? -1 : x->why > y->why;
}

/* Adds up the frame's marks of a kind by system, and by why for COPIED. */
static why_copies *why_marks(why_state *w, uint32_t kind, uint32_t *count)
{
    const skep__timeline *t = w->t;
    why_copies *list = skep__trace_take(&w->memory, t->mark_count, sizeof *list);
    *count = 0;
    for (uint32_t i = 0; list && i < t->mark_count; i++) {
        const skep__timeline_mark *k = &t->marks[i];
        if (k->kind != kind || skep__timeline_frame_at(t, k->at) != w->frame) continue;
        const uint32_t why = kind == SKEP__KIND_COPIED ? k->low >> 16 : 0u;
        uint32_t n = 0;
        while (n < *count && (list[n].subject != k->subject || list[n].why != why)) n++;
        if (n == *count) list[(*count)++] = (why_copies){0, k->subject, why};
        list[n].blocks += kind == SKEP__KIND_COPIED ? k->high : 1u;
    }
    if (*count) skep__sort_items(list, *count, sizeof *list, why_compare_copies, NULL);
    return list;
}

static void why_marks_out(why_state *w, uint32_t kind, const char *head)
{
    uint32_t count = 0;
    const why_copies *list = why_marks(w, kind, &count);
    if (!list || !count) return;
    why_head(w, head);
    for (uint32_t i = 0; i < count && i < WHY_COPIES; i++) {
        skep__out_format(&w->out, "%s%llu by ", i ? "; " : "", (unsigned long long)list[i].blocks);
        skep__out_text(&w->out, w->t->subjects[list[i].subject].name);
        if (kind != SKEP__KIND_COPIED) continue;
        skep__out_text(&w->out, ": ");
        skep__out_text(&w->out, skep__timeline_why_text(list[i].why));
    }
    uint64_t rest = 0;
    for (uint32_t i = WHY_COPIES; i < count; i++) rest += list[i].blocks;
    if (rest) skep__out_format(&w->out, "; %llu more", (unsigned long long)rest);
    skep__out_text(&w->out, "\n");
}

/* ---- advice --------------------------------------------------------------------------------- */

static void why_help(why_state *w)
{
    uint32_t count = 0;
    bool split = false;
    const skep__trace_help *help = skep__trace_help_of(w->t, &w->memory, w->frame, &count);
    if (!help) return;
    const uint32_t best = skep__trace_advice(w->t, w->frame, help, count, &split);
    if (best == SKEP__NONE) return;
    why_head(w, "would help");
    skep__out_text(&w->out, split ? "splitting " : "without ");
    skep__out_text(&w->out, w->t->subjects[help[best].subject].name);
    if (split)
        skep__out_format(&w->out, " over %u threads: %.*f ms shorter; without it: %.*f ms\n",
                         w->t->row_count, (int)w->digits, why_ms(help[best].split_ns),
                         (int)w->digits, why_ms(help[best].without_ns));
    else
        skep__out_format(&w->out, ": %.*f ms shorter\n", (int)w->digits,
                         why_ms(help[best].without_ns));
}

skep_status skep__trace_why(const skep__timeline *t, uint32_t frame, uint64_t budget_ns,
                            skep_trace_writer writer, void *ctx)
{
    why_state *w = skep__alloc(&t->memory.allocator, sizeof *w, 16);
    if (!w) return SKEP_NO_MEMORY;
    const double duration = t->frames[frame].end - t->frames[frame].begin;
    w->t = t;
    w->memory.allocator = t->memory.allocator;
    w->out.writer = writer;
    w->out.ctx = ctx;
    w->frame = frame;
    w->digits = skep__trace_digits(duration);
    skep__out_format(&w->out, "slow: frame %llu took %.*f ms",
                     (unsigned long long)t->frames[frame].tick, (int)w->digits, why_ms(duration));
    if (budget_ns)
        skep__out_format(&w->out, " (budget %.*f ms)", (int)w->digits, why_ms((double)budget_ns));
    skep__out_text(&w->out, "\n");
    why_path(w);
    why_block(w);
    why_idle(w);
    why_marks_out(w, SKEP__KIND_COPIED, "blocks copied");
    why_marks_out(w, SKEP__KIND_FAULT, "faults");
    why_help(w);
    const bool failed = w->memory.failed;
    const skep_status status = skep__out_end(&w->out);
    skep__trace_memory_free(&w->memory);
    skep__free(&t->memory.allocator, w, sizeof *w, 16);
    return failed ? SKEP_NO_MEMORY : status;
}
