/* SPDX-License-Identifier: MIT */
/* Statistics of frames and systems, batches and stages. What a hostile file can ask for stays in
 * proportion to it: runs are counted, not laid out as a table of systems by frames. */
#include "trace/trace_analyse.h"

#include "core/base/sort.h"

/* ---- frames and values ---------------------------------------------------------------------- */

skep__trace_frames skep__trace_frames_all(const skep__timeline *t)
{
    return (skep__trace_frames){0, t->frame_count};
}

skep__trace_frames skep__trace_frames_ticks(const skep__timeline *t, uint64_t low, uint64_t high)
{
    skep__trace_frames range = {0, 0};
    for (uint32_t i = 0; i < t->frame_count; i++) {
        if (t->frames[i].tick < low || t->frames[i].tick > high) continue;
        if (!range.count) range.first = i;
        range.count = i + 1u - range.first;
    }
    return range;
}

void skep__trace_sort(skep__trace_memory *m, double *values, uint32_t count)
{
    /* Doubles that are not below 0 are in the order of their bits. */
    uint64_t *keys = skep__trace_take(m, count, sizeof *keys);
    uint64_t *scratch = skep__trace_take(m, count, sizeof *scratch);
    uint64_t varying = 0;
    if (!keys || !scratch || !count) return;
    memcpy(keys, values, count * sizeof *keys);
    for (uint32_t i = 0; i < count; i++) varying |= keys[i] ^ keys[0];
    memcpy(values, skep__sort_u64(keys, scratch, count, varying), count * sizeof *keys);
}

double skep__trace_rank(const double *sorted, uint32_t count, uint32_t percent)
{
    if (!count) return 0.0;
    const uint64_t rank = ((uint64_t)count * percent + 99u) / 100u;
    return sorted[rank ? rank - 1u : 0u];
}

static double analyse_duration(const skep__timeline *t, uint32_t frame)
{
    return t->frames[frame].end - t->frames[frame].begin;
}

typedef struct analyse_worst {
    double ns;
    uint32_t frame;
} analyse_worst;

/* Longest first; of equal ones the earlier first. */
static int analyse_compare_worst(const void *a, const void *b, void *ctx)
{
    const analyse_worst *x = a;
    const analyse_worst *y = b;
    (void)ctx;
    if (x->ns != y->ns) return x->ns > y->ns ? -1 : 1;
    return x->frame < y->frame ? -1 : x->frame > y->frame;
}

static uint32_t *times_worst(const skep__timeline *t, skep__trace_memory *m,
                             skep__trace_frames frames)
{
    analyse_worst *worst = skep__trace_take(m, frames.count, sizeof *worst);
    uint32_t *list = skep__trace_take(m, frames.count, sizeof *list);
    if (!worst || !list) return NULL;
    for (uint32_t i = 0; i < frames.count; i++)
        worst[i] = (analyse_worst){analyse_duration(t, frames.first + i), frames.first + i};
    if (frames.count)
        skep__sort_items(worst, frames.count, sizeof *worst, analyse_compare_worst, NULL);
    for (uint32_t i = 0; i < frames.count; i++) list[i] = worst[i].frame;
    return list;
}

skep__trace_times skep__trace_times_of(const skep__timeline *t, skep__trace_memory *m,
                                       skep__trace_frames frames, uint64_t budget_ns)
{
    skep__trace_times times = {0};
    double *sorted = skep__trace_take(m, frames.count, sizeof *sorted);
    times.worst = times_worst(t, m, frames);
    if (!sorted || !times.worst) return times;
    for (uint32_t i = 0; i < frames.count; i++) {
        sorted[i] = analyse_duration(t, frames.first + i);
        times.total_ns += sorted[i];
        if (budget_ns && sorted[i] > (double)budget_ns) times.over++;
    }
    skep__trace_sort(m, sorted, frames.count);
    times.p50_ns = skep__trace_rank(sorted, frames.count, 50);
    times.p95_ns = skep__trace_rank(sorted, frames.count, 95);
    times.p99_ns = skep__trace_rank(sorted, frames.count, 99);
    times.max_ns = skep__trace_rank(sorted, frames.count, 100);
    times.slow = budget_ns ? times.over : frames.count / 100u;
    if (!budget_ns && !times.slow && frames.count) times.slow = 1;
    return times;
}

/* ---- systems -------------------------------------------------------------------------------- */

/* Zones that run systems, put together by system, in the order of rows and then of time. */
typedef struct analyse_entries {
    uint64_t *key; /* frame above, index of `ns` below */
    double *ns;
    uint32_t *first; /* of each subject, and one more: the end of the last */
    uint32_t *used;
} analyse_entries;

static bool analyse_within(skep__trace_frames frames, uint32_t frame)
{
    return frame != SKEP__NONE && frame - frames.first < frames.count;
}

static bool analyse_counts(const skep__timeline *t, const skep__timeline_row *row, uint32_t zone,
                           skep__trace_frames frames, uint32_t *frame)
{
    if (!skep__timeline_runs(row->kind[zone])) return false;
    *frame = skep__timeline_frame_at(t, row->begin[zone]);
    return analyse_within(frames, *frame);
}

static bool entries_take(const skep__timeline *t, skep__trace_memory *m, skep__trace_frames frames,
                         analyse_entries *e)
{
    uint32_t frame = 0;
    e->first = skep__trace_take(m, (size_t)t->subject_count + 1u, sizeof *e->first);
    e->used = skep__trace_take(m, t->subject_count, sizeof *e->used);
    if (!e->first || !e->used) return false;
    for (uint32_t r = 0; r < t->row_count; r++)
        for (uint32_t i = 0; i < t->rows[r].count; i++)
            if (analyse_counts(t, &t->rows[r], i, frames, &frame))
                e->first[t->rows[r].subject[i] + 1u]++;
    for (uint32_t i = 0; i < t->subject_count; i++) e->first[i + 1u] += e->first[i];
    const uint32_t count = e->first[t->subject_count];
    e->key = skep__trace_take(m, count, sizeof *e->key);
    e->ns = skep__trace_take(m, count, sizeof *e->ns);
    return e->key && e->ns;
}

/* Blocks of a zone. */
static uint32_t analyse_blocks(const skep__timeline_row *row, uint32_t zone)
{
    switch ((skep__timeline_kind)row->kind[zone]) {
    case SKEP__KIND_SYSTEM:
    case SKEP__KIND_BLOCK:
        return row->low[zone] >> 16;
    case SKEP__KIND_LOST:
        return 1;
    default:
        return 0;
    }
}

static void entries_add(const skep__timeline *t, analyse_entries *e, skep__trace_system_stats *s,
                        uint32_t r, uint32_t zone, uint32_t frame)
{
    const skep__timeline_row *row = &t->rows[r];
    const double ns = row->end[zone] - row->begin[zone];
    const uint32_t subject = row->subject[zone];
    const uint32_t at = e->first[subject] + e->used[subject]++;
    e->key[at] = (uint64_t)frame << 32 | at;
    e->ns[at] = ns;
    if (e->used[subject] == 1u || ns > s->longest_ns) {
        s->longest_ns = ns;
        s->longest_row = r;
        s->longest_zone = zone;
    }
    s->blocks += analyse_blocks(row, zone);
    s->total_ns += ns;
    s->self_ns += row->self[zone];
    s->by_row[r] += ns;
}

/* Adds up a system's zones frame by frame. */
static void system_runs(skep__trace_memory *m, skep__trace_memory *scratch, analyse_entries *e,
                        skep__trace_system_stats *s)
{
    const uint32_t count = e->used[s->subject];
    uint64_t *other = skep__trace_take(scratch, count, sizeof *other);
    if (!other) return;
    const uint64_t *key =
        skep__sort_u64(e->key + e->first[s->subject], other, count, (uint64_t)UINT32_MAX << 32);
    uint32_t runs = 0;
    for (uint32_t i = 0; i < count; i++) runs += !i || key[i] >> 32 != key[i - 1u] >> 32;
    s->runs_ns = skep__trace_take(m, runs, sizeof *s->runs_ns);
    s->run_frame = skep__trace_take(m, runs, sizeof *s->run_frame);
    double *sorted = skep__trace_take(scratch, runs, sizeof *sorted);
    if (!s->runs_ns || !s->run_frame || !sorted) return;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t frame = (uint32_t)(key[i] >> 32);
        if (!s->run_count || s->run_frame[s->run_count - 1u] != frame)
            s->run_frame[s->run_count++] = frame;
        s->runs_ns[s->run_count - 1u] += e->ns[(uint32_t)key[i]];
    }
    memcpy(sorted, s->runs_ns, runs * sizeof *sorted);
    skep__trace_sort(scratch, sorted, runs);
    s->p50_ns = skep__trace_rank(sorted, runs, 50);
    s->p95_ns = skep__trace_rank(sorted, runs, 95);
    s->p99_ns = skep__trace_rank(sorted, runs, 99);
    s->max_ns = skep__trace_rank(sorted, runs, 100);
}

/* Makes the list of those that ran; `of` gets each subject's place in it. */
static skep__trace_systems systems_list(const skep__timeline *t, skep__trace_memory *m,
                                        const analyse_entries *e, uint32_t *of)
{
    skep__trace_systems s = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->subject_count; i++) count += e->first[i] != e->first[i + 1u];
    s.system = skep__trace_take(m, count, sizeof *s.system);
    for (uint32_t i = 0; s.system && i < t->subject_count; i++) {
        of[i] = SKEP__NONE;
        if (e->first[i] == e->first[i + 1u]) continue;
        of[i] = s.count;
        s.system[s.count].subject = i;
        s.system[s.count].by_row = skep__trace_take(m, t->row_count, sizeof(double));
        s.count++;
    }
    return s;
}

skep__trace_systems skep__trace_systems_of(const skep__timeline *t, skep__trace_memory *m,
                                           skep__trace_frames frames)
{
    skep__trace_systems none = {0};
    skep__trace_memory scratch = {.allocator = m->allocator};
    analyse_entries e = {0};
    uint32_t *of = skep__trace_take(&scratch, t->subject_count, sizeof *of);
    uint32_t frame = 0;
    skep__trace_systems s = none;
    if (of && entries_take(t, &scratch, frames, &e)) s = systems_list(t, m, &e, of);
    if (m->failed || scratch.failed) s = none;
    for (uint32_t r = 0; s.count && r < t->row_count; r++)
        for (uint32_t i = 0; i < t->rows[r].count; i++)
            if (analyse_counts(t, &t->rows[r], i, frames, &frame))
                entries_add(t, &e, &s.system[of[t->rows[r].subject[i]]], r, i, frame);
    for (uint32_t i = 0; s.count && i < t->mark_count; i++) {
        const skep__timeline_mark *k = &t->marks[i];
        if (k->kind == SKEP__KIND_COPIED && of[k->subject] != SKEP__NONE &&
            analyse_within(frames, skep__timeline_frame_at(t, k->at)))
            s.system[of[k->subject]].copied += k->high;
    }
    for (uint32_t i = 0; i < s.count; i++) {
        system_runs(m, &scratch, &e, &s.system[i]);
        s.total_ns += s.system[i].total_ns;
    }
    m->failed |= scratch.failed;
    skep__trace_memory_free(&scratch);
    return s;
}

/* ---- batches and stages --------------------------------------------------------------------- */

/* Lines of SYST by batch, those of one batch as they stand: batch above, line below. */
static uint64_t *spans_lines(const skep__timeline *t, skep__trace_memory *scratch)
{
    uint64_t *keys = skep__trace_take(scratch, t->system_count, sizeof *keys);
    uint64_t *other = skep__trace_take(scratch, t->system_count, sizeof *other);
    if (!keys || !other) return NULL;
    for (uint32_t i = 0; i < t->system_count; i++)
        keys[i] = (uint64_t)t->systems[i].batch << 32 | i;
    return skep__sort_u64(keys, other, t->system_count, (uint64_t)UINT32_MAX << 32);
}

/* The stage of a batch's first system. */
static const char *span_stage(const skep__timeline *t, const uint64_t *lines, uint32_t batch)
{
    uint32_t low = 0;
    uint32_t high = t->system_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2u;
        if (lines[middle] >> 32 < batch)
            low = middle + 1u;
        else
            high = middle;
    }
    const bool there = low < t->system_count && lines[low] >> 32 == batch;
    return there ? t->systems[(uint32_t)lines[low]].stage : "";
}

static void spans_add(skep__trace_spans *s, const skep__trace_span *batch)
{
    skep__trace_span *last = s->stage_count ? &s->stage[s->stage_count - 1u] : NULL;
    const skep__trace_span *before = s->batch_count ? &s->batch[s->batch_count - 1u] : NULL;
    const bool next = last && before && before->frame == batch->frame && *batch->stage &&
                      skep__timeline_text_compare(before->stage, batch->stage) == 0;
    if (next)
        last->end = batch->end;
    else if (*batch->stage)
        s->stage[s->stage_count++] = *batch;
    s->batch[s->batch_count++] = *batch;
}

/* The frame's COMMIT zones end batches, one after the other. */
static void spans_fill(const skep__timeline *t, const uint64_t *lines, const uint32_t *commit,
                       uint32_t count, skep__trace_frames frames, skep__trace_spans *s)
{
    const skep__timeline_row *row = &t->rows[0];
    uint32_t in = SKEP__NONE;
    double begin = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t zone = commit[i];
        const uint32_t frame = skep__timeline_frame_at(t, row->begin[zone]);
        if (!analyse_within(frames, frame)) continue;
        if (frame != in) begin = t->frames[frame].begin;
        in = frame;
        const double end = row->end[zone];
        const skep__trace_span batch = {span_stage(t, lines, row->low[zone]), row->low[zone], frame,
                                        begin < end ? begin : end, end};
        spans_add(s, &batch);
        begin = end;
    }
}

skep__trace_spans skep__trace_spans_of(const skep__timeline *t, skep__trace_memory *m,
                                       skep__trace_frames frames)
{
    skep__trace_spans s = {0};
    if (!frames.count) return s;
    skep__trace_memory scratch = {.allocator = m->allocator};
    uint32_t count = 0;
    const uint32_t *commit =
        skep__timeline_of_kind(&t->rows[0], SKEP__KIND_COMMIT, &scratch, &count);
    const uint64_t *lines = spans_lines(t, &scratch);
    s.batch = skep__trace_take(m, count, sizeof *s.batch);
    s.stage = skep__trace_take(m, count, sizeof *s.stage);
    if (s.batch && s.stage && lines && commit) spans_fill(t, lines, commit, count, frames, &s);
    m->failed |= scratch.failed;
    skep__trace_memory_free(&scratch);
    return s;
}

double skep__trace_queue_ns(const skep__timeline *t, const skep__timeline_row *row, uint32_t zone)
{
    const uint32_t tasks = skep__timeline_tasks_at(t, row->begin[zone]);
    return tasks == SKEP__NONE ? 0.0 : row->begin[zone] - t->tasks[tasks].begin;
}
