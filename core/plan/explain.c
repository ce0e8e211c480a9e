/* SPDX-License-Identifier: MIT */
/* The plan in words: all batches, or why one system runs where it does, what it waits for, what it
 * may run beside, what is copied for it, and who runs it. Nothing here is measured anew: blocks,
 * copies and times are those of the last frame. */
#include "core/plan/plan_internal.h"

#define WHY_MAX 256u

/* A writer with its context. */
typedef struct explain {
    const skep_plan *p;
    skep_plan_writer writer;
    void *ctx;
} explain;

/* ---- what a system does to a thing ----------------------------------------------------------- */

/* "writes Pos", "looks Pos up". */
static void say_use(char *out, size_t max, const skep__plan_term *t)
{
    const char *name = t->info->name;
    switch (t->mode) {
    case SKEP_MODE_mut:
    case SKEP_MODE_out:
    case SKEP_MODE_res_mut:
        (void)skep__format(out, max, "writes %s", name);
        break;
    case SKEP_MODE_lookup:
        (void)skep__format(out, max, "looks %s up", name);
        break;
    case SKEP_MODE_with:
        (void)skep__format(out, max, "asks who has %s", name);
        break;
    case SKEP_MODE_not:
        (void)skep__format(out, max, "asks who lacks %s", name);
        break;
    case SKEP_MODE_changed:
        (void)skep__format(out, max, "asks whose %s changed", name);
        break;
    case SKEP_MODE_add:
    case SKEP_MODE_remove:
    case SKEP_MODE_spawn:
        (void)skep__format(out, max, "%ss %s", skep__mode_name(t->mode), name);
        break;
    case SKEP_MODE_destroy:
        (void)skep__format(out, max, "destroys entities");
        break;
    case SKEP_MODE_emit:
        (void)skep__format(out, max, "sends %s", name);
        break;
    case SKEP_MODE_sum:
    case SKEP_MODE_min:
    case SKEP_MODE_max:
    case SKEP_MODE_fold:
        (void)skep__format(out, max, "reduces into %s", name);
        break;
    default:
        (void)skep__format(out, max, "reads %s", name);
        break;
    }
}

static bool spawns_type(const skep_plan *p, const skep__plan_term *spawn, uint32_t type)
{
    const skep__prefab *root = &p->world->prefabs[spawn->number];
    for (uint32_t c = 0; c <= root->child_count; c++) {
        const skep__prefab *f = c ? &p->world->prefabs[root->children[c - 1].prefab] : root;
        for (uint32_t k = 0; k < f->part_count; k++) {
            if (f->parts[k].type == type) return true;
        }
    }
    return false;
}

static bool is_right(uint32_t mode)
{
    return mode >= SKEP_MODE_add && mode <= SKEP_MODE_emit;
}

static bool is_write(uint32_t mode)
{
    return mode == SKEP_MODE_mut || mode == SKEP_MODE_out || mode == SKEP_MODE_res_mut ||
           mode >= SKEP_MODE_sum;
}

static bool reads_entities(const skep__plan_term *t)
{
    return t->info->kind == SKEP_KIND_COMPONENT ? !is_right(t->mode) : t->mode == SKEP_MODE_inbox;
}

/* Whether two terms are about one thing. */
static bool terms_meet(const skep_plan *p, const skep__plan_term *a, const skep__plan_term *b)
{
    if (a->mode == SKEP_MODE_destroy || b->mode == SKEP_MODE_destroy) {
        const skep__plan_term *other = a->mode == SKEP_MODE_destroy ? b : a;
        return other->mode == SKEP_MODE_destroy || reads_entities(other);
    }
    if (a->mode == SKEP_MODE_spawn && b->info->kind == SKEP_KIND_COMPONENT) {
        return spawns_type(p, a, b->number);
    }
    if (b->mode == SKEP_MODE_spawn && a->info->kind == SKEP_KIND_COMPONENT) {
        return spawns_type(p, b, a->number);
    }
    return a->info->kind == b->info->kind && a->number == b->number;
}

/* Whether two terms about one thing keep their systems apart. */
static bool terms_clash(const skep__plan_term *a, const skep__plan_term *b)
{
    if (is_write(a->mode) || is_write(b->mode)) return true;
    return is_right(a->mode) != is_right(b->mode);
}

/* ---- waits for ------------------------------------------------------------------------------- */

static void say_conflict(const skep_plan *p, const skep__system *a, const skep__system *b,
                         char *out)
{
    for (uint32_t i = 0; i < a->access_count; i++) {
        for (uint32_t k = 0; k < b->access_count; k++) {
            const skep__plan_term *x = &a->terms[i], *y = &b->terms[k];
            if (!terms_meet(p, x, y) || !terms_clash(x, y)) continue;
            char first[80], second[80];
            say_use(first, sizeof first, x);
            say_use(second, sizeof second, y);
            (void)skep__format(out, WHY_MAX, "%s %s, %s %s", a->name, first, b->name, second);
            return;
        }
    }
    (void)skep__format(out, WHY_MAX, "of what the run of one of them uses");
}

static void say_why(const skep_plan *p, const skep__system *a, const skep__system *b, char *out)
{
    if (skep__plan_edge(p, a, b)) {
        (void)skep__format(out, WHY_MAX, "`after` or `before` says so");
    } else if (a->everything) {
        (void)skep__format(out, WHY_MAX, "%s declares nothing, so all wait for it", a->name);
    } else if (b->everything) {
        (void)skep__format(out, WHY_MAX, "%s declares nothing, so it waits for all", b->name);
    } else {
        say_conflict(p, a, b, out);
    }
}

static void explain_waits(const explain *e, const skep__system *s)
{
    uint32_t width = 7, found = 0;
    char why[WHY_MAX];
    for (uint32_t i = 0; i < s->place; i++) {
        uint32_t length = 0;
        while (e->p->order[i]->name[length]) length++;
        if (length > width) width = length;
    }
    for (uint32_t i = 0; i < s->place; i++) {
        const skep__system *o = e->p->order[i];
        if (o->stage != s->stage) continue;
        if (!skep__systems_conflict(e->p, o, s) && !skep__plan_edge(e->p, o, s)) continue;
        say_why(e->p, o, s, why);
        skep__text_write(e->writer, e->ctx, "  %s%-*s (batch %u) because %s\n",
                         found++ ? "            " : "waits for   ", (int)width, o->name,
                         o->batch + 1, why);
    }
    if (!found) {
        skep__text_write(e->writer, e->ctx, "  waits for   %s\n",
                         s->batch ? "the stages before, nothing in its own" : "nothing");
    }
}

/* ---- for the tracer -------------------------------------------------------------------------- */

/* What a system waits for is told of the batch before its own alone: that is what put it where it
 * is, and all pairs of a large plan would be more than anybody reads. */
static void trace_edges(const skep_plan *p, const skep__system *s)
{
    char why[WHY_MAX];
    for (uint32_t i = p->batches[s->batch - 1]; i < p->batches[s->batch]; i++) {
        const skep__system *o = p->schedule[i];
        if (o->stage != s->stage) continue;
        if (!skep__systems_conflict(p, o, s) && !skep__plan_edge(p, o, s)) continue;
        say_why(p, o, s, why);
        skep__trace_plan_edge(p->host.trace, skep__trace_number(o->number),
                              skep__trace_number(s->number), why);
    }
}

void skep__plan_trace(const skep_plan *p)
{
    if (!p->host.trace) return;
    skep__trace_plan_clear(p->host.trace);
    for (uint32_t i = 0; i < p->system_count; i++) {
        const skep__system *s = p->order[i];
        skep__trace_system line = {
            .number = skep__trace_number(s->number), .batch = s->batch + 1, .place = s->place};
        if (!s->job) line.flags |= SKEP__TRACE_MAIN;
        if (s->unsplit) line.flags |= SKEP__TRACE_UNSPLIT;
        if (s->desc.flags & SKEP_SYSTEM_HIDDEN) line.flags |= SKEP__TRACE_HIDDEN;
        skep__trace_plan_system(p->host.trace, &line, s->name, p->stages[s->stage]);
        if (s->batch) trace_edges(p, s);
    }
}

/* ---- beside ---------------------------------------------------------------------------------- */

/* Joins the modes in which `s` has rights to what `o` has rights to as well. */
static uint32_t shared_rights(const skep_plan *p, const skep__system *s, const skep__system *o)
{
    uint32_t modes = 0;
    for (uint32_t i = 0; i < s->access_count; i++) {
        for (uint32_t k = 0; k < o->access_count; k++) {
            const skep__plan_term *x = &s->terms[i], *y = &o->terms[k];
            if (is_right(x->mode) && is_right(y->mode) && terms_meet(p, x, y)) {
                modes |= 1u << x->mode;
            }
        }
    }
    return modes;
}

static const char *shared_read(const skep_plan *p, const skep__system *s, const skep__system *o)
{
    for (uint32_t i = 0; i < s->access_count; i++) {
        for (uint32_t k = 0; k < o->access_count; k++) {
            const skep__plan_term *x = &s->terms[i], *y = &o->terms[k];
            const bool reads = !is_right(x->mode) && !is_write(x->mode);
            if (reads && terms_meet(p, x, y)) return x->info->name;
        }
    }
    return NULL;
}

static void say_beside(const skep_plan *p, const skep__system *s, const skep__system *o, char *out)
{
    const uint32_t modes = shared_rights(p, s, o);
    const char *read = modes ? NULL : shared_read(p, s, o);
    if (read) {
        (void)skep__format(out, WHY_MAX, "both only read %s", read);
        return;
    }
    size_t at = skep__format(out, WHY_MAX, "%s", modes ? "both only " : "nothing in common");
    for (uint32_t m = SKEP_MODE_add, left = modes; left; m++) {
        if (!((left >> m) & 1u)) continue;
        left &= ~(1u << m);
        at += skep__format(out + at, WHY_MAX - at, "%s%s", skep__mode_name(m), left ? " and " : "");
    }
}

/* Systems of the batch, those with one reason together, each told at the first of its kind. */
static void explain_beside(const explain *e, const skep__system *s)
{
    const skep_plan *p = e->p;
    const uint32_t first = p->batches[s->batch], end = p->batches[s->batch + 1];
    char why[WHY_MAX], other[WHY_MAX];
    if (end - first == 1) {
        skep__text_write(e->writer, e->ctx, "  beside      nothing\n");
        return;
    }
    skep__text_write(e->writer, e->ctx, "  beside      ");
    bool any = false;
    for (uint32_t i = first; i < end; i++) {
        if (p->schedule[i] == s) continue;
        say_beside(p, s, p->schedule[i], why);
        bool told = false;
        for (uint32_t k = first; k < i && !told; k++) {
            if (p->schedule[k] == s) continue;
            say_beside(p, s, p->schedule[k], other);
            told = skep__text_equal(why, other);
        }
        if (told) continue;
        skep__text_write(e->writer, e->ctx, "%s%s", any ? "; " : "", p->schedule[i]->name);
        any = true;
        for (uint32_t k = i + 1; k < end; k++) {
            if (p->schedule[k] == s) continue;
            say_beside(p, s, p->schedule[k], other);
            if (skep__text_equal(why, other)) {
                skep__text_write(e->writer, e->ctx, ", %s", p->schedule[k]->name);
            }
        }
        skep__text_write(e->writer, e->ctx, " (%s)", why);
    }
    skep__text_write(e->writer, e->ctx, "\n");
}

/* ---- copies and workers ---------------------------------------------------------------------- */

static const skep__plan_term *find_mode(const skep__system *s, bool write, uint32_t mode)
{
    for (uint32_t i = 0; i < s->access_count; i++) {
        const skep__plan_term *t = &s->terms[i];
        const bool wanted =
            write ? t->mode == SKEP_MODE_mut || t->mode == SKEP_MODE_out : t->mode == mode;
        if (wanted) return t;
    }
    return NULL;
}

/* A component that the job both writes and wants the old values of. */
static const skep__plan_term *find_overlap(const skep__system *s)
{
    for (uint32_t i = 0; i < s->access_count; i++) {
        const uint32_t mode = s->terms[i].mode;
        if (mode != SKEP_MODE_lookup && mode != SKEP_MODE_in) continue;
        for (uint32_t k = 0; k < s->access_count; k++) {
            const skep__plan_term *t = &s->terms[k];
            const bool writes = t->mode == SKEP_MODE_mut || t->mode == SKEP_MODE_out;
            if (writes && t->number == s->terms[i].number) return &s->terms[i];
        }
    }
    return NULL;
}

static void explain_copies(const explain *e, const skep__system *s)
{
    const skep__plan_term *lookup = find_mode(s, false, SKEP_MODE_lookup);
    const skep__plan_term *overlap = find_overlap(s);
    const uint32_t flags = s->job->flags;
    char why[WHY_MAX];
    if (!find_mode(s, true, 0)) {
        if (lookup) {
            (void)skep__format(why, sizeof why, "%s is not written while looked up",
                               lookup->info->name);
        } else {
            (void)skep__format(why, sizeof why, "it writes no component");
        }
    } else if (overlap) {
        (void)skep__format(why, sizeof why, "%s is written while %s", overlap->info->name,
                           overlap->mode == SKEP_MODE_lookup ? "looked up" : "read");
    } else if (e->p->host.elsewhere) {
        (void)skep__format(why, sizeof why, "the executor writes elsewhere");
    } else if ((flags & SKEP_JOB_MAY_FAIL) || s->copies) {
        (void)skep__format(why, sizeof why,
                           "it may fail, so the old blocks are kept until it is done");
    } else if (s->patches) {
        (void)skep__format(why, sizeof why,
                           "it puts out patches, so it may have to run again with more room");
    } else if (s->desc.deadline_ms) {
        (void)skep__format(why, sizeof why, "it has a deadline, so it may have to run again");
    } else if (s->copied) {
        (void)skep__format(why, sizeof why, "a snapshot holds the old ones; else in place");
    } else {
        (void)skep__format(why, sizeof why, "written in place");
    }
    skep__text_write(e->writer, e->ctx, "  blocks copied: %llu a frame (%s)\n",
                     (unsigned long long)s->copied, why);
}

static void explain_runs_on(const explain *e, const skep__system *s)
{
    const skep_plan_host *h = &e->p->host;
    const double block_us = s->blocks ? (double)s->cost_ns / (double)s->blocks / 1000.0 : 0.0;
    const double wake_us = (double)h->wake_ns / 1000.0;
    char cost[64] = "not measured yet";
    if (s->cost_ns) {
        (void)skep__format(cost, sizeof cost, "%u %s x %.3g us", s->blocks,
                           s->blocks == 1 ? "block" : "blocks", block_us);
    }
    if (!h->workers) {
        skep__text_write(e->writer, e->ctx, "  runs on     the caller: there are no workers (%s)\n",
                         cost);
    } else if (h->batch_flags & SKEP_BATCH_FORCE) {
        skep__text_write(e->writer, e->ctx,
                         "  runs on     %u workers and the caller: --grain 0 (%s)\n", h->workers,
                         cost);
    } else if (s->cost_ns && s->cost_ns < h->wake_ns) {
        skep__text_write(e->writer, e->ctx,
                         "  runs on     the caller: %s is less than a wake-up (%.3g us); --grain 0 "
                         "forces workers\n",
                         cost, wake_us);
    } else {
        skep__text_write(e->writer, e->ctx, "  runs on     %u workers and the caller (%s)\n",
                         h->workers, cost);
    }
}

/* ---- one system ------------------------------------------------------------------------------ */

static const char *explain_parallel(const skep__system *s)
{
    if (!s->job) return "no (main thread)";
    if (s->unsplit) return "no (unsplit)";
    return s->rows ? "yes" : "no (no rows)";
}

/* Blocks as they are now, whether the system ran or not. */
static uint32_t explain_blocks(skep_plan *p, skep__system *s)
{
    if (s->blocks || !s->rows || skep__system_match(p, s) != SKEP_OK) return s->blocks;
    uint32_t blocks = 0, open = SKEP__ROWS_MAX;
    for (uint32_t i = 0; i < s->match_count; i++) {
        const skep__table *t = p->world->store.tables[s->matches[i].table];
        for (uint32_t b = 0; b < skep__table_blocks(t); b++) {
            const uint32_t n = skep__block_rows(t, b);
            const bool fits = open + n <= SKEP__ROWS_MAX;
            blocks += !fits;
            open = fits ? open + n : n;
        }
    }
    return s->unsplit ? 1 : blocks;
}

static void explain_system(const explain *e, skep_plan *p, skep__system *s)
{
    const uint32_t blocks = explain_blocks(p, s);
    skep__text_write(e->writer, e->ctx,
                     "%s   stage %s, batch %u of %u, %u %s, parallel over blocks: %s\n", s->name,
                     p->stages[s->stage], s->batch + 1, p->batch_count, blocks,
                     blocks == 1 ? "block" : "blocks", explain_parallel(s));
    explain_waits(e, s);
    explain_beside(e, s);
    if (s->job) {
        explain_copies(e, s);
        explain_runs_on(e, s);
    } else {
        skep__text_write(e->writer, e->ctx,
                         "  runs on     the main thread, beside the batch's jobs\n");
    }
}

/* ---- all
 * -----------------------------------------------------------------------------------------------
 */

static void explain_line(const explain *e, const skep__system *s, uint32_t width)
{
    skep__text_write(e->writer, e->ctx, "  %-*s ", (int)width, s->name);
    if (!s->job) skep__text_write(e->writer, e->ctx, "main thread, ");
    if (s->desc.every > 1) skep__text_write(e->writer, e->ctx, "every %u frames, ", s->desc.every);
    if (s->everything) skep__text_write(e->writer, e->ctx, "uses anything");
    for (uint32_t i = 0; i < s->access_count && !s->everything; i++) {
        char use[80];
        say_use(use, sizeof use, &s->terms[i]);
        skep__text_write(e->writer, e->ctx, "%s%s", i ? ", " : "", use);
    }
    skep__text_write(e->writer, e->ctx, "\n");
}

static void explain_all(const explain *e)
{
    const skep_plan *p = e->p;
    uint32_t width = 0, shown = 0;
    for (uint32_t i = 0; i < p->system_count; i++) {
        uint32_t length = 0;
        while (p->order[i]->name[length]) length++;
        if (p->order[i]->desc.flags & SKEP_SYSTEM_HIDDEN) continue;
        width = skep__max_u32(width, length);
        shown++;
    }
    skep__text_write(e->writer, e->ctx, "%u %s in %u %s\n", shown,
                     shown == 1 ? "system" : "systems", p->batch_count,
                     p->batch_count == 1 ? "batch" : "batches");
    for (uint32_t b = 0; b < p->batch_count; b++) {
        const char *stage = p->stages[p->schedule[p->batches[b]]->stage];
        skep__text_write(e->writer, e->ctx, "batch %u, stage %s\n", b + 1, stage);
        for (uint32_t i = p->batches[b]; i < p->batches[b + 1]; i++) {
            if (p->schedule[i]->desc.flags & SKEP_SYSTEM_HIDDEN) continue;
            explain_line(e, p->schedule[i], width);
        }
    }
}

static const char *explain_name_at(const void *ctx, uint32_t i)
{
    return ((const skep_plan *)ctx)->systems[i]->name;
}

skep_status skep_plan_explain(skep_plan *plan, const char *system, skep_plan_writer writer,
                              void *ctx)
{
    const explain e = {plan, writer, ctx};
    const skep_status status = skep_plan_build(plan);
    if (status != SKEP_OK) return status;
    if (!system) {
        explain_all(&e);
        return SKEP_OK;
    }
    skep__system *s = skep__system_find(plan, system);
    if (s) {
        explain_system(&e, plan, s);
        return SKEP_OK;
    }
    const char *near = skep__text_nearest(system, explain_name_at, plan, plan->system_count);
    if (near) {
        skep__text_write(writer, ctx,
                         "system \"%s\": there is no such system (did you mean \"%s\"?)\n", system,
                         near);
    } else {
        skep__text_write(writer, ctx, "system \"%s\": there is no such system\n", system);
    }
    return SKEP_NOT_FOUND;
}
