/* SPDX-License-Identifier: MIT */
/* Idle time and its reasons. One walk over a row's zones that count as busy, frame by frame: what
 * is between them is a gap; a gap is cut where a RESPAWN covers it, then by sections, then at the
 * last work of a section. All of it moves forward only, so a row costs what it holds and no more.
 */
#include "trace/trace_analyse.h"

typedef struct idle_walk {
    const skep__timeline *t;
    const skep__timeline_row *row;
    uint32_t row_number;
    skep__trace_idle_fn *fn;
    void *ctx;
    uint32_t *busy; /* zones that keep from idling, and those that say why not */
    uint32_t *respawn;
    uint32_t busy_count;
    uint32_t respawn_count;
    uint32_t busy_at; /* the first that begins behind the time at hand */
    uint32_t respawn_at;
    uint32_t tasks_at;
    double busy_until; /* the latest end of those before */
    double respawn_until;
} idle_walk;

static bool idle_is_busy(const skep__timeline *t, const skep__timeline_row *row, uint32_t zone)
{
    switch ((skep__timeline_kind)row->kind[zone]) {
    case SKEP__KIND_BLOCK:
        return true;
    case SKEP__KIND_LOST:
        return row->thread != 0;
    case SKEP__KIND_RUN:
    case SKEP__KIND_WAKE:
    case SKEP__KIND_VERIFY:
        return row->thread == 0;
    case SKEP__KIND_HOST:
        /* One that the host put around the whole frame says nothing of what is in it. */
        return row->thread != 0 || skep__timeline_tasks_at(t, row->begin[zone]) != SKEP__NONE;
    default:
        return false;
    }
}

static void idle_say(const idle_walk *w, uint32_t reason, double begin, double end)
{
    const skep__trace_idle idle = {w->row_number, reason, begin, end};
    if (begin < end) w->fn(w->ctx, &idle);
}

/* A gap within section number `tasks`. */
static void idle_in_section(const idle_walk *w, uint32_t tasks, double begin, double end)
{
    uint32_t count = 0;
    (void)skep__timeline_works(w->row, tasks, &count);
    if (!count) {
        idle_say(w, w->row->thread ? SKEP__REASON_NOTHING : SKEP__REASON_BARRIER, begin, end);
        return;
    }
    const double last = skep__trace_last_end(w->row, tasks);
    const double cut = last < begin ? begin : last < end ? last : end;
    idle_say(w, SKEP__REASON_QUEUE, begin, cut);
    idle_say(w, SKEP__REASON_BARRIER, cut, end);
}

/* A gap in which nobody was being replaced. */
static void idle_by_section(idle_walk *w, double begin, double end)
{
    const skep__timeline *t = w->t;
    double at = begin;
    while (w->tasks_at < t->tasks_count && at < end) {
        const uint32_t i = w->tasks_at;
        const double until = t->tasks[i].end;
        const double from = t->tasks[i].begin;
        if (from >= end) break;
        if (until <= at) {
            w->tasks_at++;
            continue;
        }
        if (w->row->thread && at < from) idle_say(w, SKEP__REASON_NOTHING, at, from);
        idle_in_section(w, i, at < from ? from : at, until < end ? until : end);
        at = until < end ? until : end;
    }
    if (w->row->thread && at < end) idle_say(w, SKEP__REASON_NOTHING, at, end);
}

/* A gap in a frame. */
static void idle_gap(idle_walk *w, double begin, double end)
{
    const skep__timeline_row *row = w->row;
    double at = begin;
    while (at < end) {
        while (w->respawn_at < w->respawn_count && row->begin[w->respawn[w->respawn_at]] <= at) {
            const double until = row->end[w->respawn[w->respawn_at++]];
            if (until > w->respawn_until) w->respawn_until = until;
        }
        double until = end;
        if (w->respawn_until > at) {
            if (w->respawn_until < end) until = w->respawn_until;
            idle_say(w, SKEP__REASON_RESPAWN, at, until);
        } else {
            if (w->respawn_at < w->respawn_count && row->begin[w->respawn[w->respawn_at]] < end)
                until = row->begin[w->respawn[w->respawn_at]];
            idle_by_section(w, at, until);
        }
        at = until;
    }
}

/* The gaps between busy zones from `begin` to `end`. */
static void idle_between(idle_walk *w, double begin, double end, bool frame)
{
    const skep__timeline_row *row = w->row;
    double at = begin;
    while (at < end) {
        while (w->busy_at < w->busy_count && row->begin[w->busy[w->busy_at]] <= at) {
            const double until = row->end[w->busy[w->busy_at++]];
            if (until > w->busy_until) w->busy_until = until;
        }
        if (w->busy_until > at) {
            at = w->busy_until;
            continue;
        }
        double until = end;
        if (w->busy_at < w->busy_count && row->begin[w->busy[w->busy_at]] < end)
            until = row->begin[w->busy[w->busy_at]];
        if (frame)
            idle_gap(w, at, until);
        else if (row->thread)
            idle_say(w, SKEP__REASON_OUTSIDE, at, until);
        at = until;
    }
}

static bool idle_lists(idle_walk *w, skep__trace_memory *scratch)
{
    const skep__timeline_row *row = w->row;
    w->busy = skep__trace_take(scratch, row->count, sizeof *w->busy);
    w->respawn = skep__trace_take(scratch, row->count, sizeof *w->respawn);
    if (!w->busy || !w->respawn) return false;
    for (uint32_t i = 0; i < row->count; i++) {
        if (idle_is_busy(w->t, row, i)) w->busy[w->busy_count++] = i;
        if (row->kind[i] == SKEP__KIND_RESPAWN && row->thread) w->respawn[w->respawn_count++] = i;
    }
    return true;
}

void skep__trace_idle_of(const skep__timeline *t, skep__trace_memory *m, uint32_t row,
                         skep__trace_frames frames, skep__trace_idle_fn *fn, void *ctx)
{
    idle_walk w = {.t = t, .row = &t->rows[row], .row_number = row, .fn = fn, .ctx = ctx};
    skep__trace_memory scratch = {.allocator = m->allocator};
    if (frames.count && idle_lists(&w, &scratch)) {
        double at = t->frames[frames.first].begin;
        w.busy_until = at;
        w.respawn_until = at;
        for (uint32_t i = 0; i < frames.count; i++) {
            const skep__timeline_frame *f = &t->frames[frames.first + i];
            if (f->begin > at) {
                idle_between(&w, at, f->begin, false);
                at = f->begin;
            }
            idle_between(&w, at, f->end, true);
            if (f->end > at) at = f->end;
        }
    }
    m->failed |= scratch.failed;
    skep__trace_memory_free(&scratch);
}

/* ---- threads -------------------------------------------------------------------------------- */

static void threads_add(void *ctx, const skep__trace_idle *idle)
{
    skep__trace_thread_stats *s = ctx;
    s->idle_ns[idle->reason] += idle->end - idle->begin;
}

skep__trace_thread_stats *skep__trace_threads_of(const skep__timeline *t, skep__trace_memory *m,
                                                 skep__trace_frames frames)
{
    skep__trace_thread_stats *stats = skep__trace_take(m, t->row_count, sizeof *stats);
    double total = 0.0;
    for (uint32_t i = 0; i < frames.count; i++)
        total += t->frames[frames.first + i].end - t->frames[frames.first + i].begin;
    for (uint32_t r = 0; stats && r < t->row_count; r++) {
        skep__trace_thread_stats *s = &stats[r];
        skep__trace_idle_of(t, m, r, frames, threads_add, s);
        s->busy_ns = total - s->idle_ns[SKEP__REASON_NOTHING] - s->idle_ns[SKEP__REASON_BARRIER] -
                     s->idle_ns[SKEP__REASON_QUEUE] - s->idle_ns[SKEP__REASON_RESPAWN];
        s->utilisation = total > 0.0 ? s->busy_ns / total : 0.0;
    }
    return stats;
}
