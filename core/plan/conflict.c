/* SPDX-License-Identifier: MIT */
/* Who must wait for whom. Each system has three sets of bits over all that a world holds: what it
 * reads, what it writes, and what it has a right to change by patches.
 *
 *     bit 0      which entities there are: `destroy` is a right to it, rows and lookups read it
 *     then       a bit a component type, a channel, a resource
 *
 * Two systems conflict when one writes what the other reads, writes or patches, or one patches what
 * the other reads. Patches of two systems never conflict: they are applied in the total order
 * anyway. A spawn is a right to the components of its prefab and of the prefab's children. */
#include "core/plan/plan_internal.h"

#include "core/base/bits.h"

uint32_t skep__set_type(uint32_t type)
{
    return 1 + type;
}

uint32_t skep__set_channel(const skep_plan *p, uint32_t channel)
{
    return 1 + p->set_types + channel;
}

uint32_t skep__set_resource(const skep_plan *p, uint32_t resource)
{
    return 1 + p->set_types + p->set_channels + resource;
}

/* ---- sets --------------------------------------------------------------------------------------
 */

/* Bits of all components that a spawn brings, children of all levels included. */
static void set_prefab(const skep_plan *p, skep__system *s, uint32_t prefab)
{
    const skep__prefab *root = &p->world->prefabs[prefab];
    for (uint32_t c = 0; c <= root->child_count; c++) {
        const skep__prefab *f = c ? &p->world->prefabs[root->children[c - 1].prefab] : root;
        for (uint32_t k = 0; k < f->part_count; k++) {
            skep__bit_set(s->rights, skep__set_type(f->parts[k].type));
        }
    }
    const uint32_t parent = p->world->parent_type;
    if (root->child_count && parent != SKEP__NO_TYPE)
        skep__bit_set(s->rights, skep__set_type(parent));
}

static void set_component(skep__system *s, const skep__plan_term *t)
{
    const uint32_t bit = skep__set_type(t->number);
    switch (t->mode) {
    case SKEP_MODE_mut:
    case SKEP_MODE_out:
        skep__bit_set(s->writes, bit);
        skep__bit_set(s->reads, 0);
        break;
    case SKEP_MODE_add:
    case SKEP_MODE_remove:
        skep__bit_set(s->rights, bit);
        break;
    default:
        skep__bit_set(s->reads, bit);
        skep__bit_set(s->reads, 0);
        break;
    }
}

static void set_term(const skep_plan *p, skep__system *s, const skep__plan_term *t)
{
    switch (t->info->kind) {
    case SKEP_KIND_COMPONENT:
        set_component(s, t);
        break;
    case SKEP_KIND_EVENT:
    case SKEP_KIND_INPUT:
        skep__bit_set(t->mode == SKEP_MODE_emit ? s->rights : s->reads,
                      skep__set_channel(p, t->number));
        if (t->mode == SKEP_MODE_inbox) skep__bit_set(s->reads, 0);
        break;
    case SKEP_KIND_PREFAB:
        if (t->mode == SKEP_MODE_destroy) {
            if (!s->job || !(s->job->flags & SKEP__JOB_LATE)) skep__bit_set(s->rights, 0);
        } else {
            set_prefab(p, s, t->number);
        }
        break;
    default:
        skep__bit_set(t->mode == SKEP_MODE_res ? s->reads : s->writes,
                      skep__set_resource(p, t->number));
        break;
    }
}

static skep_status sets_make(skep_plan *p, skep__system *s)
{
    if (s->set_words != p->set_words) {
        skep__sets_free(p, s);
        s->reads = skep__alloc(&p->allocator, p->set_words * 3 * sizeof *s->reads, 16);
        if (!s->reads) return SKEP_NO_MEMORY;
        s->set_words = p->set_words;
    }
    s->writes = s->reads + p->set_words;
    s->rights = s->writes + p->set_words;
    memset(s->reads, 0, p->set_words * 3 * sizeof *s->reads);
    for (uint32_t i = 0; i < s->access_count; i++) set_term(p, s, &s->terms[i]);
    if (s->fallback_terms) {
        for (uint32_t i = 0; i < s->desc.access_count; i++) set_term(p, s, &s->fallback_terms[i]);
    }
    return skep__system_allow(p, s);
}

bool skep__systems_conflict(const skep_plan *p, const skep__system *a, const skep__system *b)
{
    if (a->everything || b->everything) return true;
    for (uint32_t w = 0; w < p->set_words; w++) {
        const uint64_t a_any = a->reads[w] | a->writes[w] | a->rights[w];
        const uint64_t b_any = b->reads[w] | b->writes[w] | b->rights[w];
        const uint64_t clash = (a->writes[w] & b_any) | (b->writes[w] & a_any) |
                               (a->rights[w] & b->reads[w]) | (b->rights[w] & a->reads[w]);
        if (clash) return true;
    }
    return false;
}

/* ---- batches -----------------------------------------------------------------------------------
 */

/* Each system goes into the first batch after all those that it must follow. */
static uint32_t batches_of_stage(skep_plan *p, uint32_t first, uint32_t end, uint32_t base)
{
    uint32_t top = base;
    for (uint32_t i = first; i < end; i++) {
        skep__system *s = p->order[i];
        s->batch = base;
        for (uint32_t k = first; k < i; k++) {
            const skep__system *o = p->order[k];
            if (o->batch < s->batch) continue;
            if (skep__systems_conflict(p, o, s) || skep__plan_edge(p, o, s))
                s->batch = o->batch + 1;
        }
        top = skep__max_u32(top, s->batch + 1);
    }
    return top;
}

#define DEADLINE_DEFAULT_NS 1000000000u /* of systems without one, beside some that have one */

/* Adds up what a batch's systems need. */
static void batch_describe(skep_plan *p, uint32_t b)
{
    skep__plan_batch *info = &p->batch_info[b];
    bool plain = false;
    memset(info, 0, sizeof *info);
    for (uint32_t i = p->batches[b]; i < p->batches[b + 1]; i++) {
        skep__system *s = p->schedule[i];
        info->runs |= !s->job;
        if (!s->job) continue;
        p->jobs[p->batches[b] + info->jobs] = s->job;
        s->job_index = info->jobs++;
        info->spawns |= s->spawns;
        info->patches |= s->patches;
        info->reduces |= s->reduces;
        plain |= s->deadline_ns == 0;
        if (s->deadline_ns > info->deadline_ns) info->deadline_ns = s->deadline_ns;
    }
    if (info->deadline_ns && plain && info->deadline_ns < DEADLINE_DEFAULT_NS) {
        info->deadline_ns = DEADLINE_DEFAULT_NS;
    }
}

static skep_status schedule_make(skep_plan *p)
{
    const uint32_t n = p->system_count, batches = p->batch_count;
    if (!skep__plan_grow(p, &p->schedule, &p->schedule_cap, n, sizeof *p->schedule) ||
        !skep__plan_grow(p, &p->jobs, &p->jobs_cap, n, sizeof *p->jobs) ||
        !skep__plan_grow(p, &p->batches, &p->batch_cap, batches + 1, sizeof *p->batches) ||
        !skep__plan_grow(p, &p->batch_info, &p->batch_info_cap, batches, sizeof *p->batch_info)) {
        return SKEP_NO_MEMORY;
    }
    uint32_t at = 0;
    for (uint32_t b = 0; b < batches; b++) {
        p->batches[b] = at;
        for (uint32_t i = 0; i < n; i++) {
            if (p->order[i]->batch == b) p->schedule[at++] = p->order[i];
        }
    }
    p->batches[batches] = at;
    for (uint32_t b = 0; b < batches; b++) batch_describe(p, b);
    return SKEP_OK;
}

skep_status skep__plan_batches(skep_plan *p)
{
    const skep_world *w = p->world;
    p->set_types = w->store.type_count;
    p->set_channels = w->channel_count;
    p->set_resources = w->resource_count;
    p->set_words = skep__bits_words(1 + p->set_types + p->set_channels + p->set_resources);
    for (uint32_t i = 0; i < p->system_count; i++) {
        const skep_status status = sets_make(p, p->systems[i]);
        if (status != SKEP_OK) return status;
    }
    p->batch_count = 0;
    uint32_t first = 0;
    while (first < p->system_count) {
        uint32_t end = first;
        while (end < p->system_count && p->order[end]->stage == p->order[first]->stage) end++;
        p->batch_count = batches_of_stage(p, first, end, p->batch_count);
        first = end;
    }
    return schedule_make(p);
}
