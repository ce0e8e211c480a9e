/* SPDX-License-Identifier: MIT */
/* The total order: stage by stage, inside a stage a topological sort of the explicit edges, in
 * which the one that was registered first goes first wherever there is a choice. Since conflicts
 * follow this order, only explicit edges can form a cycle. Sizes are hundreds of systems, so
 * everything here is a plain loop over all of them. */
#include "core/plan/plan_internal.h"

/* ---- stages and edges ----------------------------------------------------------------------- */

static const char *stage_name_at(const void *ctx, uint32_t i)
{
    return ((const skep_plan *)ctx)->stages[i];
}

static const char *system_name_at(const void *ctx, uint32_t i)
{
    return ((const skep_plan *)ctx)->systems[i]->name;
}

static void order_stage(skep_plan *p, skep__system *s)
{
    for (s->stage = 0; s->stage < p->stage_count; s->stage++) {
        if (skep__text_equal(p->stages[s->stage], s->desc.stage)) {
            s->startup = skep__text_equal(s->desc.stage, "startup");
            return;
        }
    }
    const char *near = skep__text_nearest(s->desc.stage, stage_name_at, p, p->stage_count);
    if (near) {
        skep__plan_mistake(
            p, "system \"%s\": stage \"%s\": there is no such stage (did you mean \"%s\"?)",
            s->name, s->desc.stage, near);
    } else {
        skep__plan_mistake(p, "system \"%s\": stage \"%s\": there is no such stage", s->name,
                           s->desc.stage);
    }
}

static void order_unknown(skep_plan *p, const skep__system *s, const char *word, const char *name)
{
    const char *near = skep__text_nearest(name, system_name_at, p, p->system_count);
    if (near) {
        skep__plan_mistake(
            p, "system \"%s\": %s \"%s\": there is no such system (did you mean \"%s\"?)", s->name,
            word, name, near);
    } else {
        skep__plan_mistake(p, "system \"%s\": %s \"%s\": there is no such system", s->name, word,
                           name);
    }
}

static uint32_t system_index(const skep_plan *p, const skep__system *s)
{
    uint32_t i = 0;
    while (p->systems[i] != s) i++;
    return i;
}

/* Notes the edge of one name. Across stages it is either true anyway or impossible. */
static skep_status order_edge(skep_plan *p, const skep__system *s, const char *name, bool after)
{
    const char *word = after ? "after" : "before";
    const skep__system *other = skep__system_find(p, name);
    if (!other) {
        order_unknown(p, s, word, name);
        return SKEP_OK;
    }
    const skep__system *first = after ? other : s, *second = after ? s : other;
    if (first->stage > second->stage && first->stage < p->stage_count) {
        skep__plan_mistake(p, "system \"%s\": %s \"%s\": stage \"%s\" comes %s stage \"%s\"",
                           s->name, word, name, other->desc.stage, after ? "after" : "before",
                           s->desc.stage);
        return SKEP_OK;
    }
    if (first->stage != second->stage) return SKEP_OK;
    if (!skep__plan_grow(p, &p->edges, &p->edge_cap, p->edge_count * 2 + 2, sizeof *p->edges)) {
        return SKEP_NO_MEMORY;
    }
    p->edges[p->edge_count * 2] = system_index(p, first);
    p->edges[p->edge_count * 2 + 1] = system_index(p, second);
    p->edge_count++;
    return SKEP_OK;
}

static skep_status order_edges(skep_plan *p, const skep__system *s)
{
    skep_status status = SKEP_OK;
    for (uint32_t i = 0; i < SKEP_SYSTEM_EDGE_MAX && s->desc.after[i] && status == SKEP_OK; i++) {
        status = order_edge(p, s, s->desc.after[i], true);
    }
    for (uint32_t i = 0; i < SKEP_SYSTEM_EDGE_MAX && s->desc.before[i] && status == SKEP_OK; i++) {
        status = order_edge(p, s, s->desc.before[i], false);
    }
    return status;
}

static void order_name(skep_plan *p, uint32_t i)
{
    const char *name = p->systems[i]->name;
    uint32_t length = 0;
    while (name[length]) length++;
    if (length >= SKEP_SYSTEM_NAME_BYTES) {
        skep__plan_mistake(p, "system \"%s\": the name is longer than %u bytes", name,
                           SKEP_SYSTEM_NAME_BYTES - 1);
    }
    uint32_t same = 0;
    for (uint32_t k = 0; k < i; k++) same += skep__text_equal(p->systems[k]->name, name);
    if (same == 1) {
        skep__plan_mistake(p, "system \"%s\": there are two systems of this name; give one another",
                           name);
    }
}

skep_status skep__plan_look(skep_plan *p)
{
    skep_status status = SKEP_OK;
    p->edge_count = 0;
    for (uint32_t i = 0; i < p->system_count; i++) order_stage(p, p->systems[i]);
    for (uint32_t i = 0; i < p->system_count && status == SKEP_OK; i++) {
        order_name(p, i);
        status = order_edges(p, p->systems[i]);
        skep__mistakes_of_system(p, p->systems[i]);
        if (status == SKEP_OK) status = skep__system_resolve(p, p->systems[i]);
    }
    return status;
}

bool skep__plan_edge(const skep_plan *p, const skep__system *a, const skep__system *b)
{
    for (uint32_t e = 0; e < p->edge_count; e++) {
        if (p->systems[p->edges[e * 2]] == a && p->systems[p->edges[e * 2 + 1]] == b) return true;
    }
    return false;
}

/* ---- cycles ---------------------------------------------------------------------------------- */

#define MARK_PLACED UINT64_MAX

/* A system that must run before `i`, and that the sort could not place either. */
static uint32_t order_blocker(const skep_plan *p, uint32_t i)
{
    for (uint32_t e = 0; e < p->edge_count; e++) {
        const uint32_t from = p->edges[e * 2];
        if (p->edges[e * 2 + 1] == i && p->marks[from] != MARK_PLACED) return from;
    }
    SKEP_ASSERT(false);
    return i;
}

/* Writes the cycle that leads through `start` in the order in which it claims to run. Walking along
 * blockers goes backwards, so the names are collected from the end. */
static void order_name_cycle(skep_plan *p, uint32_t start)
{
    char names[512];
    size_t at = sizeof names - 1;
    names[at] = 0;
    uint32_t i = start;
    do {
        char piece[SKEP_SYSTEM_NAME_BYTES + 8];
        size_t length = skep__format(piece, sizeof piece, "\"%s\"%s", p->systems[i]->name,
                                     i == start ? "" : ", ");
        if (length >= sizeof piece) length = sizeof piece - 1;
        if (length + 5 > at) {
            memcpy(names + at - 5, "..., ", 5);
            at -= 5;
            break;
        }
        memcpy(names + at - length, piece, length);
        at -= length;
        i = order_blocker(p, i);
    } while (i != start);
    skep__plan_mistake(p,
                       "systems %s: each is to run before the next, and the last before the first: "
                       "a cycle",
                       names + at);
}

/* Every system that could not be placed leads backwards into a cycle; each cycle is told once. A
 * walk marks its systems with its number; meeting the own mark closes a cycle. */
static void order_cycles(skep_plan *p)
{
    uint64_t walk = 1;
    for (uint32_t first = 0; first < p->system_count; first++, walk++) {
        uint32_t i = first;
        while (p->marks[i] == 0) {
            p->marks[i] = walk;
            i = order_blocker(p, i);
        }
        if (p->marks[i] == walk) order_name_cycle(p, i);
    }
}

/* ---- the sort ---------------------------------------------------------------------------------
 */

static bool order_free(const skep_plan *p, uint32_t i)
{
    for (uint32_t e = 0; e < p->edge_count; e++) {
        if (p->edges[e * 2 + 1] == i && p->marks[p->edges[e * 2]] != MARK_PLACED) return false;
    }
    return true;
}

/* The next system of a stage: the first registered one whose predecessors are all placed. */
static uint32_t order_pick(const skep_plan *p, uint32_t stage)
{
    for (uint32_t i = 0; i < p->system_count; i++) {
        const bool open = p->systems[i]->stage == stage && p->marks[i] != MARK_PLACED;
        if (open && order_free(p, i)) return i;
    }
    return p->system_count;
}

skep_status skep__plan_order(skep_plan *p)
{
    const uint32_t n = p->system_count;
    if (!skep__plan_grow(p, &p->order, &p->order_cap, n, sizeof *p->order) ||
        !skep__plan_grow(p, &p->marks, &p->mark_cap, n, sizeof *p->marks)) {
        return SKEP_NO_MEMORY;
    }
    if (n) memset(p->marks, 0, n * sizeof *p->marks);
    uint32_t placed = 0;
    for (uint32_t stage = 0; stage <= p->stage_count; stage++) {
        for (uint32_t i = order_pick(p, stage); i < n; i = order_pick(p, stage)) {
            p->systems[i]->place = placed;
            p->order[placed++] = p->systems[i];
            p->marks[i] = MARK_PLACED;
        }
    }
    if (placed < n) order_cycles(p);
    return SKEP_OK;
}
