/* SPDX-License-Identifier: MIT */
/* What is wrong with a plan, in words: every mistake is found in one go and is one line that names
 * the system, the thing, and where it can be told, what was meant. */
#include "core/plan/plan_internal.h"

#define MISTAKE_MAX 1000u

void skep__plan_mistake(skep_plan *p, const char *format, ...)
{
    char line[MISTAKE_MAX];
    va_list args;
    va_start(args, format);
    (void)skep__vformat(line, sizeof line, format, args);
    va_end(args);
    p->mistake_count++;
    skep__text_add(p, &p->mistakes, "%s", line);
}

const char *skep__mode_name(uint32_t mode)
{
    switch (mode) {
#define PLAN_MODE_NAME(name, value)                                                                \
    case SKEP_MODE_##name:                                                                         \
        return #name;
        SKEP_MODE_TABLE(PLAN_MODE_NAME)
#undef PLAN_MODE_NAME
    default:
        return "?";
    }
}

const char *skep__kind_name(uint32_t kind)
{
    switch (kind) {
    case SKEP_KIND_COMPONENT:
        return "a component";
    case SKEP_KIND_EVENT:
        return "an event";
    case SKEP_KIND_RESOURCE:
        return "a resource";
    case SKEP_KIND_INPUT:
        return "an input";
    case SKEP_KIND_PREFAB:
        return "a prefab";
    case SKEP_KIND_GRID:
        return "a grid";
    default:
        return "nothing known";
    }
}

static const char *mode_wants(uint32_t mode)
{
    static const struct {
        uint32_t kind;
        const char *text;
    } wants[] = {{SKEP_KIND_RESOURCE, "a resource"},
                 {SKEP_KIND_EVENT, "an event"},
                 {SKEP_KIND_PREFAB, "a prefab"},
                 {SKEP_KIND_COMPONENT, "a component"}};
    for (uint32_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
        if (skep__mode_fits(mode, wants[i].kind)) return wants[i].text;
    }
    return "a mode that exists";
}

/* ---- one access entry ---------------------------------------------------------------------- */

/* Entity, number 0, is nothing that anybody would misspell. */
static const char *prefab_name_at(const void *ctx, uint32_t i)
{
    return ((const skep_world *)ctx)->prefabs[i + 1].info->name;
}

static void check_prefab(skep_plan *p, const skep__system *s, const skep_component *info)
{
    const skep_world *w = p->world;
    const uint32_t known = skep__prefab_find(w, info);
    if (known != SKEP__PLAN_NONE && w->prefabs[known].defined) return;
    const char *near = skep__text_nearest(info->name, prefab_name_at, w, w->prefab_count - 1);
    if (near) {
        skep__plan_mistake(p,
                           "system \"%s\": spawns %s: there is no such prefab (did you mean %s?)",
                           s->name, info->name, near);
    } else {
        skep__plan_mistake(p, "system \"%s\": spawns %s: there is no such prefab", s->name,
                           info->name);
    }
}

static void check_reduction(skep_plan *p, const skep__system *s, const skep_access *a)
{
    const char *field = NULL;
    if (a->mode == SKEP_MODE_fold) {
        if (!s->desc.fold) {
            skep__plan_mistake(p, "system \"%s\": `fold` of %s needs a fold function", s->name,
                               a->component->name);
        }
    } else if (!skep__reducible(a->component, &field)) {
        skep__plan_mistake(p, "system \"%s\": `%s` of %s: its field \"%s\" is no number", s->name,
                           skep__mode_name(a->mode), a->component->name, field);
    }
}

static bool job_has_rows(const skep_job *job)
{
    for (uint32_t i = 0; i < job->access_count; i++) {
        const uint32_t mode = job->access[i].mode;
        if (mode >= SKEP_MODE_in && mode <= SKEP_MODE_not) return true;
        if (mode == SKEP_MODE_changed || mode == SKEP_MODE_inbox) return true;
    }
    return false;
}

static void check_spawn(skep_plan *p, const skep__system *s, const skep_access *a)
{
    check_prefab(p, s, a->component);
    if (!s->job || s->job->spawn_max || job_has_rows(s->job)) return;
    skep__plan_mistake(p, "system \"%s\": spawns %s without rows: say how many by spawn_max",
                       s->name, a->component->name);
}

static void check_access(skep_plan *p, const skep__system *s, const skep_access *a)
{
    const char *name = a->component->name, *mode = skep__mode_name(a->mode);
    if (a->mode < SKEP_MODE_in || a->mode > SKEP_MODE_fold) {
        skep__plan_mistake(p, "system \"%s\": %s: %u is no access mode", s->name, name, a->mode);
        return;
    }
    if (!skep__mode_fits(a->mode, a->component->kind)) {
        skep__plan_mistake(p, "system \"%s\": %s is %s; `%s` wants %s", s->name, name,
                           skep__kind_name(a->component->kind), mode, mode_wants(a->mode));
        return;
    }
    switch (a->mode) {
    case SKEP_MODE_res_mut:
        if (s->job && !(s->job->flags & SKEP_JOB_UNSPLIT)) {
            skep__plan_mistake(p,
                               "system \"%s\": `res_mut` of %s needs SKEP_JOB_UNSPLIT, or a "
                               "reduction: blocks run at the same time",
                               s->name, name);
        }
        break;
    case SKEP_MODE_sum:
    case SKEP_MODE_min:
    case SKEP_MODE_max:
    case SKEP_MODE_fold:
        check_reduction(p, s, a);
        break;
    case SKEP_MODE_spawn:
        check_spawn(p, s, a);
        break;
    case SKEP_MODE_destroy:
        if (!skep__is_entity(a->component)) {
            skep__plan_mistake(p, "system \"%s\": `destroy` is of Entity, not of %s", s->name,
                               name);
        }
        break;
    default:
        break;
    }
}

/* ---- pairs of entries ----------------------------------------------------------------------- */

static bool same_thing(const skep_access *a, const skep_access *b)
{
    if (a->component == b->component) return true;
    return a->component->kind == b->component->kind &&
           skep__text_equal(a->component->name, b->component->name);
}

static bool is_column_mode(uint32_t mode)
{
    return mode >= SKEP_MODE_in && mode <= SKEP_MODE_opt;
}

static bool is_cell_mode(uint32_t mode)
{
    return mode == SKEP_MODE_res_mut || mode >= SKEP_MODE_sum;
}

static void check_columns(skep_plan *p, const skep__system *s, const char *name, uint32_t low,
                          uint32_t high)
{
    if (low == high) {
        skep__plan_mistake(p, "system \"%s\": %s is `%s` twice", s->name, name,
                           skep__mode_name(low));
    } else if (low == SKEP_MODE_in && high == SKEP_MODE_mut) {
        skep__plan_mistake(p,
                           "system \"%s\": %s is both `in` and `mut`; `mut` already holds the old "
                           "values",
                           s->name, name);
    } else if (low != SKEP_MODE_in || high != SKEP_MODE_out) {
        skep__plan_mistake(p, "system \"%s\": %s is both `%s` and `%s`; it can be one of them",
                           s->name, name, skep__mode_name(low), skep__mode_name(high));
    }
}

static void check_pair(skep_plan *p, const skep__system *s, const skep_access *a,
                       const skep_access *b)
{
    const uint32_t low = skep__min_u32(a->mode, b->mode), high = skep__max_u32(a->mode, b->mode);
    const char *name = a->component->name;
    if (is_column_mode(low) && is_column_mode(high)) {
        if (s->job) check_columns(p, s, name, low, high);
    } else if (is_cell_mode(low) && is_cell_mode(high)) {
        skep__plan_mistake(p, "system \"%s\": %s is both `%s` and `%s`; it can be written once",
                           s->name, name, skep__mode_name(low), skep__mode_name(high));
    } else if ((high == SKEP_MODE_not && low != SKEP_MODE_opt && low != high) ||
               (low == SKEP_MODE_not && high == SKEP_MODE_changed)) {
        const uint32_t other = low == SKEP_MODE_not ? high : low;
        skep__plan_mistake(p, "system \"%s\": %s is both `%s` and `not`; no entity is both",
                           s->name, name, skep__mode_name(other));
    }
}

static void check_table(skep_plan *p, const skep__system *s, const skep_access *access,
                        uint32_t count)
{
    if (count > SKEP_ACCESS_MAX) {
        skep__plan_mistake(p, "system \"%s\": %u access entries; at most %u are allowed", s->name,
                           count, SKEP_ACCESS_MAX);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        check_access(p, s, &access[i]);
        for (uint32_t k = i + 1; k < count; k++) {
            if (same_thing(&access[i], &access[k])) check_pair(p, s, &access[i], &access[k]);
        }
    }
}

void skep__mistakes_of_system(skep_plan *p, const skep__system *s)
{
    check_table(p, s, s->access, s->access_count);
    if (s->job && s->desc.access) check_table(p, s, s->desc.access, s->desc.access_count);
}

/* ---- what users see ------------------------------------------------------------------------- */

uint32_t skep_plan_mistake_count(const skep_plan *plan)
{
    return plan->mistake_count;
}

const char *skep_plan_mistake(const skep_plan *plan, uint32_t index)
{
    const skep__text *t = &plan->mistakes;
    uint32_t at = 0;
    for (; at < t->used && index > 0; at++) index -= t->bytes[at] == 0;
    return at < t->used ? t->bytes + at : "out of memory while mistakes were collected";
}

void skep_plan_mistakes(const skep_plan *plan, const char *title, skep_plan_writer writer,
                        void *ctx)
{
    const uint32_t count = plan->mistake_count;
    if (!count) return;
    skep__text_write(writer, ctx, "%s: %u %s, nothing was run\n", title, count,
                     count == 1 ? "mistake" : "mistakes");
    for (uint32_t i = 0; i < count; i++) {
        skep__text_write(writer, ctx, "  %s\n", skep_plan_mistake(plan, i));
    }
}
