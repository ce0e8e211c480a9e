/* SPDX-License-Identifier: MIT */
/* The critical path of a frame, and what would make the frame shorter.
 *
 * The caller's time is first cut into pieces, each of the innermost zone there; the path is then
 * walked back from the frame's end: along those pieces, and in a section along the works of the
 * thread whose work ended last. What is walked is written last piece first, and turned round at the
 * end. Every step goes on from where the last one began, so pieces sum up to the frame whatever the
 * records say. */
#include "trace/trace_analyse.h"

#include "core/base/sort.h"

/* ---- the caller's pieces -------------------------------------------------------------------- */

typedef struct path_piece {
    double begin;
    double end;
    uint32_t zone;
} path_piece;

typedef struct path_cut {
    const skep__timeline_row *row;
    path_piece *piece;
    uint32_t *stack; /* zones that have begun */
    bool *work;      /* of each zone: it is a BLOCK or RUN, or inside of one */
    uint32_t first;  /* the frame's own zone */
    uint32_t count;
    uint32_t depth;
    double at;  /* up to where pieces have been made */
    double end; /* of the frame */
} path_cut;

/* Ends the piece of the innermost zone. */
static void cut_to(path_cut *c, double until)
{
    const double end = until < c->end ? until : c->end;
    if (end <= c->at) return;
    const uint32_t zone = c->stack[c->depth - 1u];
    path_piece *last = c->count ? &c->piece[c->count - 1u] : NULL;
    if (last && last->zone == zone)
        last->end = end;
    else
        c->piece[c->count++] = (path_piece){c->at, end, zone};
    c->at = end;
}

/* Ends the pieces of zones that end no later than a moment, but for the frame's. */
static void cut_close(path_cut *c, double until)
{
    while (c->depth > 1u && c->row->end[c->stack[c->depth - 1u]] <= until) {
        cut_to(c, c->row->end[c->stack[c->depth - 1u]]);
        c->depth--;
    }
}

/* Begins a zone's piece, unless it is inside of work, which it does not cut. */
static void cut_open(path_cut *c, uint32_t zone)
{
    const skep__timeline_row *row = c->row;
    const uint32_t parent = row->parent[zone];
    const bool known = zone > c->first && parent != SKEP__NONE && parent >= c->first;
    const bool inside = known && c->work[parent - c->first];
    const uint32_t kind = row->kind[zone];
    c->work[zone - c->first] = inside || kind == SKEP__KIND_BLOCK || kind == SKEP__KIND_RUN;
    if (inside) return;
    cut_close(c, row->begin[zone]);
    if (c->depth) cut_to(c, row->begin[zone]);
    c->stack[c->depth++] = zone;
}

/* Cuts a frame's time into pieces without a gap. */
static bool path_cut_frame(const skep__timeline *t, skep__trace_memory *m, uint32_t frame,
                           path_cut *c)
{
    const skep__timeline_frame *f = &t->frames[frame];
    const skep__timeline_row *row = &t->rows[0];
    uint32_t end = f->zone + 1u;
    while (end < row->count && row->begin[end] < f->end) end++;
    const uint32_t zones = end - f->zone;
    *c = (path_cut){.row = row, .first = f->zone, .at = f->begin, .end = f->end};
    /* Each zone ends a piece where it begins, and where it ends. */
    c->piece = skep__trace_take(m, (size_t)zones * 2u + 1u, sizeof *c->piece);
    c->stack = skep__trace_take(m, zones, sizeof *c->stack);
    c->work = skep__trace_take(m, zones, sizeof *c->work);
    if (!c->piece || !c->stack || !c->work) return false;
    for (uint32_t i = f->zone; i < end; i++) cut_open(c, i);
    cut_close(c, f->end);
    for (; c->depth; c->depth--) cut_to(c, f->end);
    return true;
}

/* ---- the walk ------------------------------------------------------------------------------- */

typedef struct path_walk {
    const skep__timeline *t;
    skep__trace_memory *m;
    path_cut cut;
    uint32_t piece; /* one more than that at hand */
    double at;      /* where the walk is */
    skep__trace_segment *segment;
    uint32_t count;
    uint32_t cap;
} path_walk;

/* Goes back to `begin` by a segment. */
static void walk_to(path_walk *w, uint32_t row, uint32_t zone, const char *what, double begin)
{
    if (begin >= w->at) return;
    skep__trace_segment *last = w->count ? &w->segment[w->count - 1u] : NULL;
    if (last && last->row == row && last->zone == zone && last->what == what) {
        last->begin = begin;
    } else {
        if (w->count == w->cap) {
            const uint32_t cap = w->cap ? w->cap * 2u : 64u;
            skep__trace_segment *grown = skep__trace_take(w->m, cap, sizeof *grown);
            if (!grown) return;
            if (w->count) memcpy(grown, w->segment, w->count * sizeof *grown);
            w->segment = grown;
            w->cap = cap;
        }
        w->segment[w->count++] = (skep__trace_segment){row, zone, what, begin, w->at};
    }
    w->at = begin;
}

/* One behind the last zone that lies in another one. */
static uint32_t walk_inside(const skep__timeline_row *row, uint32_t outer)
{
    uint32_t end = outer + 1u;
    while (end < row->count && row->parent[end] != SKEP__NONE && row->parent[end] >= outer) end++;
    return end;
}

/* Goes back to `stop` along the caller's pieces. In a section (`tasks` is its zone) what is in no
 * zone of it is a gap between works. */
static void walk_caller(path_walk *w, double stop, uint32_t tasks)
{
    const uint32_t end = tasks == SKEP__NONE ? 0u : walk_inside(w->cut.row, tasks);
    while (w->at > stop && w->piece) {
        const path_piece *p = &w->cut.piece[w->piece - 1u];
        if (p->begin >= w->at) {
            w->piece--;
            continue;
        }
        const double begin = p->begin > stop ? p->begin : stop;
        if (tasks != SKEP__NONE && (p->zone <= tasks || p->zone >= end))
            walk_to(w, 0, SKEP__NONE, "claim", begin);
        else
            walk_to(w, 0, p->zone, skep__timeline_zone_name(w->t, w->cut.row, p->zone), begin);
        if (w->at > begin) return; /* without memory nothing goes on */
    }
}

/* Goes back to the section's beginning along a worker's works, from the one on that ended last. */
static void walk_worker(path_walk *w, uint32_t tasks, uint32_t r, double ended)
{
    const skep__timeline_row *row = &w->t->rows[r];
    uint32_t count = 0;
    const uint32_t first = skep__timeline_works(row, tasks, &count);
    uint32_t i = first + count;
    while (i > first && row->end[row->work[i - 1u]] < ended) i--;
    while (i-- > first) {
        const uint32_t zone = row->work[i];
        walk_to(w, r, SKEP__NONE, "claim", row->end[zone]);
        walk_to(w, r, zone, skep__timeline_zone_name(w->t, row, zone), row->begin[zone]);
    }
    walk_to(w, r, SKEP__NONE, "wake", w->t->tasks[tasks].begin);
}

double skep__trace_last_end(const skep__timeline_row *row, uint32_t tasks)
{
    uint32_t count = 0;
    const uint32_t first = skep__timeline_works(row, tasks, &count);
    double last = 0.0;
    for (uint32_t i = first; i < first + count; i++) {
        const double end = row->end[row->work[i]];
        if (i == first || end > last) last = end;
    }
    return last;
}

/* The row whose work in a section ended last; SKEP__NONE without any. */
static uint32_t walk_last(const skep__timeline *t, uint32_t tasks, double *ended)
{
    uint32_t best = SKEP__NONE;
    for (uint32_t r = 0; r < t->row_count; r++) {
        uint32_t count = 0;
        (void)skep__timeline_works(&t->rows[r], tasks, &count);
        if (!count) continue;
        const double last = skep__trace_last_end(&t->rows[r], tasks);
        if (best != SKEP__NONE && last <= *ended) continue;
        best = r;
        *ended = last;
    }
    return best;
}

static void walk_section(path_walk *w, uint32_t tasks)
{
    const skep__timeline *t = w->t;
    const skep__timeline_tasks *s = &t->tasks[tasks];
    double ended = 0.0;
    walk_caller(w, s->end, SKEP__NONE);
    const uint32_t r = walk_last(t, tasks, &ended);
    if (r == SKEP__NONE) {
        walk_caller(w, s->begin, SKEP__NONE);
        return;
    }
    walk_to(w, 0, SKEP__NONE, "join", ended);
    if (t->rows[r].thread)
        walk_worker(w, tasks, r, ended);
    else
        walk_caller(w, s->begin, s->zone);
}

skep__trace_segment *skep__trace_path_of(const skep__timeline *t, skep__trace_memory *m,
                                         uint32_t frame, uint32_t *count)
{
    const skep__timeline_frame *f = &t->frames[frame];
    skep__trace_memory scratch = {.allocator = m->allocator};
    path_walk w = {.t = t, .m = m, .at = f->end};
    *count = 0;
    if (path_cut_frame(t, &scratch, frame, &w.cut)) {
        w.piece = w.cut.count;
        for (uint32_t i = f->section_count; i-- > 0;) walk_section(&w, f->section + i);
        walk_caller(&w, f->begin, SKEP__NONE);
    }
    m->failed |= scratch.failed;
    skep__trace_memory_free(&scratch);
    for (uint32_t i = 0; i < w.count / 2u; i++) {
        const skep__trace_segment held = w.segment[i];
        w.segment[i] = w.segment[w.count - 1u - i];
        w.segment[w.count - 1u - i] = held;
    }
    *count = w.count;
    return w.segment;
}

/* ---- what would help ------------------------------------------------------------------------ */

/* What a thread does of a system in a section. */
typedef struct help_part {
    uint32_t subject;
    uint32_t row;
    double ns;
} help_part;

/* All that a thread does in a section. */
typedef struct help_load {
    uint32_t row;
    double ns;
} help_load;

typedef struct help_state {
    const skep__timeline *t;
    skep__trace_help *help; /* one a subject */
    bool *there;            /* of each subject: it is in the frame */
    bool *mine;             /* of each row: the system at hand is on it */
    double *row_ns;         /* load of each row */
    help_load *load;        /* the same, the greatest first */
    help_part *part;        /* by subject, then by row */
    uint32_t part_count;
    double sum_ns; /* of all loads */
} help_state;

static int help_compare_parts(const void *a, const void *b, void *ctx)
{
    const help_part *x = a;
    const help_part *y = b;
    (void)ctx;
    if (x->subject != y->subject) return x->subject < y->subject ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int help_compare_loads(const void *a, const void *b, void *ctx)
{
    const help_load *x = a;
    const help_load *y = b;
    (void)ctx;
    if (x->ns != y->ns) return x->ns > y->ns ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Adds up the works of a section: by thread, and by thread and system. */
static bool help_loads(help_state *h, skep__trace_memory *scratch, uint32_t tasks)
{
    const skep__timeline *t = h->t;
    uint32_t works = 0;
    uint32_t count = 0;
    for (uint32_t r = 0; r < t->row_count; r++) {
        (void)skep__timeline_works(&t->rows[r], tasks, &count);
        works += count;
    }
    h->part = skep__trace_take(scratch, works, sizeof *h->part);
    if (!h->part) return false;
    h->part_count = 0;
    h->sum_ns = 0.0;
    for (uint32_t r = 0; r < t->row_count; r++) {
        const skep__timeline_row *row = &t->rows[r];
        const uint32_t first = skep__timeline_works(row, tasks, &count);
        h->row_ns[r] = 0.0;
        for (uint32_t i = first; i < first + count; i++) {
            const uint32_t zone = row->work[i];
            const double ns = row->end[zone] - row->begin[zone];
            h->row_ns[r] += ns;
            h->part[h->part_count++] = (help_part){row->subject[zone], r, ns};
        }
        h->load[r] = (help_load){r, h->row_ns[r]};
        h->sum_ns += h->row_ns[r];
    }
    if (!works) return false;
    skep__sort_items(h->load, t->row_count, sizeof *h->load, help_compare_loads, NULL);
    skep__sort_items(h->part, h->part_count, sizeof *h->part, help_compare_parts, NULL);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < h->part_count; i++) {
        help_part *last = kept ? &h->part[kept - 1u] : NULL;
        if (last && help_compare_parts(last, &h->part[i], NULL) == 0)
            last->ns += h->part[i].ns;
        else
            h->part[kept++] = h->part[i];
    }
    h->part_count = kept;
    return true;
}

/* The most that any thread has to do when one system falls away, whose parts are `count` from
 * `part` on: of the threads without a part, the first in the order of loads has the most. */
static double help_rest(help_state *h, const help_part *part, uint32_t count)
{
    double most = 0.0;
    uint32_t i = 0;
    for (uint32_t k = 0; k < count; k++) {
        const double rest = h->row_ns[part[k].row] - part[k].ns;
        if (rest > most) most = rest;
        h->mine[part[k].row] = true;
    }
    while (i < h->t->row_count && h->mine[h->load[i].row]) i++;
    if (i < h->t->row_count && h->load[i].ns > most) most = h->load[i].ns;
    for (uint32_t k = 0; k < count; k++) h->mine[part[k].row] = false;
    return most;
}

static void help_section(help_state *h, skep__trace_memory *scratch, uint32_t tasks)
{
    if (!help_loads(h, scratch, tasks)) return;
    const double most = h->load[0].ns;
    const double even = h->sum_ns / (double)h->t->row_count;
    for (uint32_t at = 0, count = 0; at < h->part_count; at += count) {
        const help_part *part = &h->part[at];
        count = 1;
        while (at + count < h->part_count && part[count].subject == part->subject) count++;
        const double rest = help_rest(h, part, count);
        const double split = most - (rest > even ? rest : even);
        skep__trace_help *help = &h->help[part->subject];
        help->without_ns += most - rest;
        if (split > 0.0) help->split_ns += split;
    }
}

/* Zones that run systems outside of sections. */
static void help_alone(help_state *h, uint32_t frame, const skep__timeline_row *row)
{
    const skep__timeline_frame *f = &h->t->frames[frame];
    const double threads = (double)h->t->row_count;
    uint32_t low = 0;
    uint32_t high = row->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2u;
        if (row->begin[middle] < f->begin)
            low = middle + 1u;
        else
            high = middle;
    }
    for (uint32_t i = low; i < row->count && row->begin[i] <= f->end; i++) {
        const uint32_t kind = row->kind[i];
        if (!skep__timeline_runs(kind)) continue;
        if (skep__timeline_frame_at(h->t, row->begin[i]) != frame) continue;
        h->there[row->subject[i]] = true;
        if (kind != SKEP__KIND_SYSTEM && kind != SKEP__KIND_RUN) continue;
        if (skep__timeline_tasks_at(h->t, row->begin[i]) != SKEP__NONE) continue;
        const double ns = row->end[i] - row->begin[i];
        h->help[row->subject[i]].without_ns += ns;
        h->help[row->subject[i]].split_ns += ns - ns / threads;
    }
}

static bool help_take(help_state *h, skep__trace_memory *scratch)
{
    const skep__timeline *t = h->t;
    h->help = skep__trace_take(scratch, t->subject_count, sizeof *h->help);
    h->there = skep__trace_take(scratch, t->subject_count, sizeof *h->there);
    h->mine = skep__trace_take(scratch, t->row_count, sizeof *h->mine);
    h->row_ns = skep__trace_take(scratch, t->row_count, sizeof *h->row_ns);
    h->load = skep__trace_take(scratch, t->row_count, sizeof *h->load);
    return h->help && h->there && h->mine && h->row_ns && h->load;
}

skep__trace_help *skep__trace_help_of(const skep__timeline *t, skep__trace_memory *m,
                                      uint32_t frame, uint32_t *count)
{
    skep__trace_memory scratch = {.allocator = m->allocator};
    help_state h = {.t = t};
    skep__trace_help *list = NULL;
    const skep__timeline_frame *f = &t->frames[frame];
    *count = 0;
    if (help_take(&h, &scratch)) {
        for (uint32_t i = 0; i < f->section_count; i++) help_section(&h, &scratch, f->section + i);
        for (uint32_t r = 0; r < t->row_count; r++) help_alone(&h, frame, &t->rows[r]);
        uint32_t there = 0;
        for (uint32_t i = 0; i < t->subject_count; i++) there += h.there[i];
        list = skep__trace_take(m, there, sizeof *list);
    }
    for (uint32_t i = 0; list && i < t->subject_count; i++) {
        if (!h.there[i]) continue;
        list[*count] = h.help[i];
        list[(*count)++].subject = i;
    }
    m->failed |= scratch.failed;
    skep__trace_memory_free(&scratch);
    return list;
}

uint32_t skep__trace_advice(const skep__timeline *t, uint32_t frame, const skep__trace_help *help,
                            uint32_t count, bool *split)
{
    const double duration = t->frames[frame].end - t->frames[frame].begin;
    uint32_t best_split = 0;
    uint32_t best_without = 0;
    *split = false;
    if (!count) return SKEP__NONE;
    for (uint32_t i = 1; i < count; i++) {
        if (help[i].split_ns > help[best_split].split_ns) best_split = i;
        if (help[i].without_ns > help[best_without].without_ns) best_without = i;
    }
    *split = t->row_count > 1u && help[best_split].split_ns >= duration * 0.01;
    if (*split) return best_split;
    return help[best_without].without_ns > 0.0 ? best_without : SKEP__NONE;
}
