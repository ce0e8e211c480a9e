/* SPDX-License-Identifier: MIT */
/* One system: its copied description, and what follows from its access table in this world:
 * numbers, what its output may contain, and the handful of facts that decide how its tasks are
 * made. */
#include "core/plan/plan_internal.h"

#include "core/base/bits.h"
#include "core/base/hash.h"

#define SYSTEM_CANARY 0x53595344u

skep_system_desc skep_system_desc_default(void)
{
    skep_system_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.canary = SYSTEM_CANARY;
    return desc;
}

/* ---- copying a description ----------------------------------------------------------------- */

static size_t desc_text_bytes(const char *text)
{
    size_t n = 0;
    while (text[n]) n++;
    return n + 1;
}

static const char *desc_text_copy(uint8_t **at, const char *text)
{
    if (!text) return NULL;
    const size_t bytes = desc_text_bytes(text);
    memcpy(*at, text, bytes);
    const char *copy = (const char *)*at;
    *at += bytes;
    return copy;
}

static size_t desc_bytes(const skep_system_desc *d)
{
    size_t bytes =
        d->access_count * sizeof *d->access + desc_text_bytes(d->name) + desc_text_bytes(d->stage);
    for (uint32_t i = 0; i < SKEP_SYSTEM_EDGE_MAX && d->after[i]; i++) {
        bytes += desc_text_bytes(d->after[i]);
    }
    for (uint32_t i = 0; i < SKEP_SYSTEM_EDGE_MAX && d->before[i]; i++) {
        bytes += desc_text_bytes(d->before[i]);
    }
    return bytes;
}

static void desc_copy(skep_system_desc *d, uint8_t *at)
{
    if (d->access_count) memcpy(at, d->access, d->access_count * sizeof *d->access);
    if (d->access) d->access = (const skep_access *)(const void *)at;
    at += d->access_count * sizeof *d->access;
    d->name = desc_text_copy(&at, d->name);
    d->stage = desc_text_copy(&at, d->stage);
    for (uint32_t i = 0; i < SKEP_SYSTEM_EDGE_MAX && d->after[i]; i++) {
        d->after[i] = desc_text_copy(&at, d->after[i]);
    }
    for (uint32_t i = 0; i < SKEP_SYSTEM_EDGE_MAX && d->before[i]; i++) {
        d->before[i] = desc_text_copy(&at, d->before[i]);
    }
}

skep_status skep__system_make(skep_plan *p, const skep_system_desc *desc, skep__system **made)
{
    if (desc->canary != SYSTEM_CANARY || (!desc->job && !desc->run)) return SKEP_ARGUMENT;
    skep_system_desc d = *desc;
    if (!d.name) d.name = d.job ? d.job->name : NULL;
    if (!d.name || !d.name[0]) return SKEP_ARGUMENT;
    if (!d.stage) d.stage = "update";
    if (!d.access) d.access_count = 0;
    const size_t bytes = desc_bytes(&d);
    skep__system *s = skep__alloc(&p->allocator, sizeof *s, 64);
    uint8_t *memory = skep__alloc(&p->allocator, bytes, 16);
    if (!s || !memory) {
        skep__free(&p->allocator, memory, bytes, 16);
        skep__free(&p->allocator, s, sizeof *s, 64);
        return SKEP_NO_MEMORY;
    }
    desc_copy(&d, memory);
    s->desc = d;
    s->memory = memory;
    s->memory_bytes = bytes;
    s->name = d.name;
    s->job = d.job;
    s->run = d.run != NULL;
    s->every = d.every;
    s->deadline_ns = (uint64_t)d.deadline_ms * 1000000u;
    s->key = skep__hash_string(d.name);
    s->number = p->registered;
    s->access = d.job ? d.job->access : d.access;
    s->access_count = d.job ? d.job->access_count : d.access_count;
    s->everything = !d.job && !d.access;
    *made = s;
    return SKEP_OK;
}

void skep__sets_free(skep_plan *p, skep__system *s)
{
    skep__free(&p->allocator, s->reads, s->set_words * 3 * sizeof *s->reads, 16);
    s->reads = NULL;
    s->set_words = 0;
}

void skep__system_free(skep_plan *p, skep__system *s)
{
    const skep_allocator *a = &p->allocator;
    skep__sets_free(p, s);
    skep__free(a, s->allowed_words, s->allowed_count * sizeof *s->allowed_words, 16);
    skep__free(a, s->fallback_terms, s->desc.access_count * sizeof *s->fallback_terms, 16);
    skep__plan_array_free(p, &s->matches, &s->match_cap, sizeof *s->matches);
    skep__plan_array_free(p, &s->cols, &s->col_cap, sizeof *s->cols);
    if (s->job) skep__free(a, s->base, s->job->cols_size, 16);
    skep__free(a, s->memory, s->memory_bytes, 16);
    skep__free(a, s, sizeof *s, 64);
}

/* ---- resolving ----------------------------------------------------------------------------- */

skep__system *skep__system_find(const skep_plan *p, const char *name)
{
    for (uint32_t i = p->system_count; i > 0; i--) {
        if (skep__text_equal(p->systems[i - 1]->name, name)) return p->systems[i - 1];
    }
    return NULL;
}

bool skep__is_entity(const skep_component *info)
{
    return info->kind == SKEP_KIND_PREFAB && skep__text_equal(info->name, Entity_info.name);
}

uint32_t skep__prefab_find(const skep_world *w, const skep_component *info)
{
    const uint64_t identity = skep__component_identity(info);
    for (uint32_t i = 0; i < w->prefab_count; i++) {
        if (w->prefabs[i].identity == identity) return i;
    }
    return SKEP__PLAN_NONE;
}

bool skep__mode_fits(uint32_t mode, uint32_t kind)
{
    switch (mode) {
    case SKEP_MODE_res:
        return kind == SKEP_KIND_RESOURCE || kind == SKEP_KIND_GRID;
    case SKEP_MODE_res_mut:
    case SKEP_MODE_sum:
    case SKEP_MODE_min:
    case SKEP_MODE_max:
    case SKEP_MODE_fold:
        return kind == SKEP_KIND_RESOURCE || (kind == SKEP_KIND_GRID && mode == SKEP_MODE_res_mut);
    case SKEP_MODE_inbox:
    case SKEP_MODE_events:
        return kind == SKEP_KIND_EVENT || kind == SKEP_KIND_INPUT;
    case SKEP_MODE_emit:
        return kind == SKEP_KIND_EVENT;
    case SKEP_MODE_spawn:
    case SKEP_MODE_destroy:
        return kind == SKEP_KIND_PREFAB;
    default:
        return kind == SKEP_KIND_COMPONENT;
    }
}

/* Registers what a term uses and finds its number. */
static skep_status term_register(skep_plan *p, skep__plan_term *t)
{
    skep_world *w = p->world;
    switch (t->info->kind) {
    case SKEP_KIND_COMPONENT: {
        const skep_status status = skep__world_type(w, t->info, &t->number);
        if (status != SKEP_OK || t->mode != SKEP_MODE_changed) return status;
        return skep__type_watch(&w->store, t->number);
    }
    case SKEP_KIND_EVENT:
    case SKEP_KIND_INPUT:
        return skep__world_channel(w, t->info, false, &t->number);
    case SKEP_KIND_RESOURCE:
    case SKEP_KIND_GRID:
        return skep__world_resource(w, t->info, &t->number);
    default:
        /* One without definition was complained about; Entity needs none. */
        if (skep__is_entity(t->info)) return skep__world_prefab(w, t->info, &t->number);
        t->number = skep__prefab_find(w, t->info);
        return SKEP_OK;
    }
}

/* Patch kinds that an access entry allows, as bits. */
static uint32_t mode_patches(uint32_t mode)
{
    switch (mode) {
    case SKEP_MODE_add:
        return 1u << SKEP_PATCH_PUT | 1u << SKEP_PATCH_SET;
    case SKEP_MODE_remove:
        return 1u << SKEP_PATCH_REMOVE;
    case SKEP_MODE_spawn:
        return 1u << SKEP_PATCH_SPAWN;
    case SKEP_MODE_destroy:
        return 1u << SKEP_PATCH_DESTROY;
    case SKEP_MODE_emit:
        return 1u << SKEP_PATCH_EVENT;
    default:
        return 0;
    }
}

static bool mode_in(uint32_t mode, uint32_t set)
{
    return mode < 32 && ((set >> mode) & 1u);
}

#define MODE(m) (1u << SKEP_MODE_##m)
#define SYSTEM_ROW_MODES                                                                           \
    (MODE(in) | MODE(mut) | MODE(out) | MODE(opt) | MODE(with) | MODE(not ) | MODE(changed) |      \
     MODE(inbox))
#define SYSTEM_CELL_MODES (MODE(res_mut) | MODE(sum) | MODE(min) | MODE(max) | MODE(fold))
#define SYSTEM_LIVE_MODES (MODE(lookup) | MODE(changed) | MODE(res) | MODE(events))
#define SYSTEM_OLD_MODES (MODE(in) | MODE(lookup) | MODE(opt))
#define SYSTEM_WRITE_MODES (MODE(mut) | MODE(out))

/* What one term says of its system. */
static void term_flags(skep_plan *p, skep__system *s, const skep__plan_term *t)
{
    s->rows |= mode_in(t->mode, SYSTEM_ROW_MODES);
    s->patches |= mode_patches(t->mode) != 0;
    s->spawns |= t->mode == SKEP_MODE_spawn;
    s->hears |= t->mode == SKEP_MODE_inbox;
    s->live_base |= mode_in(t->mode, SYSTEM_LIVE_MODES);
    s->reduces |= mode_in(t->mode, SYSTEM_CELL_MODES);
    if (!mode_in(t->mode, SYSTEM_WRITE_MODES)) return;
    if (t->info->kind == SKEP_KIND_COMPONENT && t->number == p->world->parent_type) {
        s->parents = true;
    }
}

/* Whether what the job writes is nothing of which it also wants the old values: then it may be
 * written in place. */
static bool writes_apart(const skep__system *s, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!mode_in(s->terms[i].mode, SYSTEM_WRITE_MODES)) continue;
        for (uint32_t k = 0; k < count; k++) {
            const skep__plan_term *t = &s->terms[k];
            if (!mode_in(t->mode, SYSTEM_OLD_MODES)) continue;
            if (t->info->kind == SKEP_KIND_COMPONENT && t->number == s->terms[i].number)
                return false;
        }
    }
    return true;
}

/* Whether the job looks up, in any row, what it writes. */
static bool looks_up_own(const skep__system *s, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (s->terms[i].mode != SKEP_MODE_lookup) continue;
        for (uint32_t k = 0; k < count; k++) {
            const skep__plan_term *t = &s->terms[k];
            if (mode_in(t->mode, SYSTEM_WRITE_MODES) && t->number == s->terms[i].number)
                return true;
        }
    }
    return false;
}

static bool watches_own(const skep__system *s, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (s->terms[i].mode != SKEP_MODE_changed) continue;
        for (uint32_t k = 0; k < count; k++) {
            const skep__plan_term *t = &s->terms[k];
            if (mode_in(t->mode, SYSTEM_WRITE_MODES) && t->number == s->terms[i].number)
                return true;
        }
    }
    return false;
}

static void flags_clear(skep__system *s)
{
    s->rows = s->patches = s->spawns = s->own_watch = s->live_base = false;
    s->hears = s->reduces = s->parents = s->local = s->row_local = s->unsplit = false;
    s->generation = 0; /* of tables: match again */
}

/* Remembers where a resource or channel is. */
static skep_status use_note(skep_plan *p, const skep__plan_term *t)
{
    const bool wanders = t->info->kind != SKEP_KIND_COMPONENT && t->info->kind != SKEP_KIND_PREFAB;
    if (!wanders) return SKEP_OK;
    if (!skep__plan_grow(p, &p->uses, &p->use_cap, p->use_count + 1, sizeof *p->uses)) {
        return SKEP_NO_MEMORY;
    }
    p->uses[p->use_count++] =
        (skep__plan_use){skep__component_identity(t->info), t->number, t->info->kind};
    return SKEP_OK;
}

bool skep__uses_check(const skep_plan *p)
{
    const skep_world *w = p->world;
    for (uint32_t i = 0; i < p->use_count; i++) {
        const skep__plan_use *u = &p->uses[i];
        const bool channel = u->kind == SKEP_KIND_EVENT || u->kind == SKEP_KIND_INPUT;
        if (u->number >= (channel ? w->channel_count : w->resource_count)) return false;
        const uint64_t there =
            channel ? w->channels[u->number].identity : w->resources[u->number].identity;
        if (there != u->identity) return false;
    }
    return true;
}

static skep_status term_resolve(skep_plan *p, const skep__system *s, const skep_access *a,
                                skep__plan_term *t)
{
    *t = (skep__plan_term){a->component, a->mode, SKEP__PLAN_NONE, a->offset, 0};
    if (!skep__mode_fits(a->mode, a->component->kind)) return SKEP_OK; /* a mistake already */
    const skep_status status = term_register(p, t);
    if (status == SKEP_SCHEMA || status == SKEP_ARGUMENT) {
        skep__plan_mistake(p, "system \"%s\": %s", s->name, p->world->error_text);
        return SKEP_OK;
    }
    return status == SKEP_OK ? use_note(p, t) : status;
}

/* The fallback's own access. */
static skep_status fallback_resolve(skep_plan *p, skep__system *s)
{
    const uint32_t count = s->desc.access_count;
    if (!count || count > SKEP_ACCESS_MAX) return SKEP_OK;
    if (!s->fallback_terms) {
        s->fallback_terms = skep__alloc(&p->allocator, count * sizeof *s->fallback_terms, 16);
        if (!s->fallback_terms) return SKEP_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        const skep_status status = term_resolve(p, s, &s->desc.access[i], &s->fallback_terms[i]);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

/* What a right is in a column struct: the number of its access entry. */
static void base_rights(skep__system *s)
{
    memset(s->base, 0, s->job->cols_size);
    for (uint32_t i = 0; i < s->access_count; i++) {
        const uint32_t mode = s->terms[i].mode;
        if (!mode_patches(mode) && mode != SKEP_MODE_with && mode != SKEP_MODE_not) continue;
        memcpy(s->base + s->terms[i].offset, &i, sizeof i);
    }
}

skep_status skep__system_resolve(skep_plan *p, skep__system *s)
{
    const skep_job *job = s->job;
    const uint32_t count = s->access_count;
    flags_clear(s);
    if (count > SKEP_ACCESS_MAX) return SKEP_OK; /* a mistake already */
    for (uint32_t i = 0; i < count; i++) {
        const skep_access *a = &s->access[i];
        const skep_status status = term_resolve(p, s, a, &s->terms[i]);
        if (status != SKEP_OK) return status;
        s->slots[i] = (skep_patch_slot){a->component, mode_patches(a->mode), 0};
        s->numbers[i] = s->terms[i].number;
        term_flags(p, s, &s->terms[i]);
    }
    s->own_watch = watches_own(s, count);
    if (!job) return SKEP_OK;
    s->unsplit = (job->flags & SKEP_JOB_UNSPLIT) != 0;
    s->row_local = !(job->flags & SKEP_JOB_MAY_FAIL) && !s->patches && !s->desc.deadline_ms &&
                   !looks_up_own(s, count);
    s->local = s->row_local && writes_apart(s, count);
    if (!s->base) s->base = skep__alloc(&p->allocator, job->cols_size, 16);
    if (!s->base) return SKEP_NO_MEMORY;
    base_rights(s);
    return fallback_resolve(p, s);
}

/* ---- what a run may do ----------------------------------------------------------------------- */

enum {
    ALLOW_READ,
    ALLOW_WRITE,
    ALLOW_ADD,
    ALLOW_REMOVE,
    ALLOW_RES,
    ALLOW_RES_MUT,
    ALLOW_EVENT,
    ALLOW_EMIT,
    ALLOW_SPAWN,
    ALLOW_SETS
};

static void allow_term(struct skep__system_access *a, uint64_t *const *sets,
                       const skep__plan_term *t)
{
    switch (t->mode) {
    case SKEP_MODE_mut:
    case SKEP_MODE_out:
        skep__bit_set(sets[ALLOW_READ], t->number);
        skep__bit_set(sets[ALLOW_WRITE], t->number);
        break;
    case SKEP_MODE_add:
        skep__bit_set(sets[ALLOW_ADD], t->number);
        break;
    case SKEP_MODE_remove:
        skep__bit_set(sets[ALLOW_REMOVE], t->number);
        break;
    case SKEP_MODE_res:
        skep__bit_set(sets[ALLOW_RES], t->number);
        break;
    case SKEP_MODE_inbox:
    case SKEP_MODE_events:
        skep__bit_set(sets[ALLOW_EVENT], t->number);
        break;
    case SKEP_MODE_emit:
        skep__bit_set(sets[ALLOW_EMIT], t->number);
        break;
    case SKEP_MODE_spawn:
        skep__bit_set(sets[ALLOW_SPAWN], t->number);
        break;
    case SKEP_MODE_destroy:
        a->destroy = true;
        break;
    default:
        if (t->info->kind == SKEP_KIND_COMPONENT) {
            skep__bit_set(sets[ALLOW_READ], t->number);
        } else {
            skep__bit_set(sets[ALLOW_RES], t->number);
            skep__bit_set(sets[ALLOW_RES_MUT], t->number);
        }
        break;
    }
}

/* Cuts one allocation into the sets. */
static skep_status allow_room(skep_plan *p, skep__system *s, uint64_t **sets)
{
    const skep_world *w = p->world;
    const uint32_t types = skep__bits_words(w->store.type_count);
    const uint32_t resources = skep__bits_words(w->resource_count);
    const uint32_t channels = skep__bits_words(w->channel_count);
    const uint32_t prefabs = skep__bits_words(w->prefab_count);
    const uint32_t count = 4 * types + 2 * resources + 2 * channels + prefabs;
    skep__free(&p->allocator, s->allowed_words, s->allowed_count * sizeof *s->allowed_words, 16);
    s->allowed_count = 0;
    s->allowed_words = skep__alloc(&p->allocator, count * sizeof *s->allowed_words, 16);
    if (!s->allowed_words) return SKEP_NO_MEMORY;
    s->allowed_count = count;
    uint64_t *at = s->allowed_words;
    for (uint32_t i = 0; i < ALLOW_SETS; i++) {
        sets[i] = at;
        if (i < ALLOW_RES) {
            at += types;
        } else if (i < ALLOW_EVENT) {
            at += resources;
        } else {
            at += i < ALLOW_SPAWN ? channels : prefabs;
        }
    }
    struct skep__system_access *a = &s->allowed;
    a->type_words = types;
    a->resource_words = resources;
    a->channel_words = channels;
    a->prefab_words = prefabs;
    return SKEP_OK;
}

skep_status skep__system_allow(skep_plan *p, skep__system *s)
{
    if (!s->desc.run || s->everything) return SKEP_OK;
    uint64_t *sets[ALLOW_SETS];
    const skep_status status = allow_room(p, s, sets);
    if (status != SKEP_OK) return status;
    struct skep__system_access *a = &s->allowed;
    a->system = s->name;
    a->destroy = false;
    a->read = sets[ALLOW_READ];
    a->write = sets[ALLOW_WRITE];
    a->add = sets[ALLOW_ADD];
    a->remove = sets[ALLOW_REMOVE];
    a->resource_read = sets[ALLOW_RES];
    a->resource_write = sets[ALLOW_RES_MUT];
    a->event_read = sets[ALLOW_EVENT];
    a->emit = sets[ALLOW_EMIT];
    a->spawn = sets[ALLOW_SPAWN];
    const bool own = s->fallback_terms != NULL;
    const skep__plan_term *terms = own ? s->fallback_terms : s->terms;
    const uint32_t count = own ? s->desc.access_count : s->access_count;
    for (uint32_t i = 0; i < count; i++) allow_term(a, sets, &terms[i]);
    return SKEP_OK;
}
