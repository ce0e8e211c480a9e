/* SPDX-License-Identifier: MIT */
/* The world's life, its errors, and what of it can be read off. */
#include "core/world/world_parts.h"

#include "core/base/format.h"

#define ENTITY_MAX_DEFAULT (1u << 20)

/* ---- errors ---------------------------------------------------------------------------------- */

skep_status skep__world_fail(skep_world *w, skep_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    skep__vformat(w->error_text, sizeof w->error_text, format, args);
    va_end(args);
    return status;
}

/* Writes a number with commas between its thousands. */
static void thousands(char out[16], uint32_t n)
{
    char digits[12];
    const size_t length = skep__format(digits, sizeof digits, "%u", n);
    size_t to = 0;
    for (size_t i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) out[to++] = ',';
        out[to++] = digits[i];
    }
    out[to] = 0;
}

static const char *ordinal(uint32_t n)
{
    if (n % 100 >= 11 && n % 100 <= 13) return "th";
    if (n % 10 == 1) return "st";
    if (n % 10 == 2) return "nd";
    return n % 10 == 3 ? "rd" : "th";
}

static skep_status entity_limit(skep_world *w)
{
    char next[16];
    char most[16];
    const uint32_t max = w->store.entity_max;
    thousands(next, max + 1u);
    thousands(most, max);
    return skep__world_fail(w, SKEP_LIMIT,
                            "%s%s entity, entity_max is %s: set skep_world_desc.entity_max", next,
                            ordinal(max + 1u), most);
}

skep_status skep__store_fail(skep_world *w, skep_status status)
{
    const char *limit = w->store.limit;
    if (status == SKEP_LIMIT && limit && skep__same_text(limit, "entity_max"))
        return entity_limit(w);
    if (status == SKEP_LIMIT) return skep__world_fail(w, status, "%s", limit ? limit : "a limit");
    if (status == SKEP_NO_MEMORY)
        return skep__world_fail(w, status,
                                "out of memory: the allocator or the region refused (%zu bytes, "
                                "skep_world_desc.region.bytes_max)",
                                w->store.arena.region.bytes_max);
    return skep__world_fail(w, status, "%s", skep_status_text(status));
}

skep_status skep__gone_fail(skep_world *w, skep_entity e)
{
    return skep__world_fail(w, SKEP_GONE, "entity %u (generation %u) is gone", skep_entity_index(e),
                            skep_entity_generation(e));
}

skep_status skep__busy_fail(skep_world *w, const char *what)
{
    return skep__world_fail(
        w, SKEP_BUSY, "a frame is running: %s between frames, or inside a system's run", what);
}

const char *skep_world_error(const skep_world *world)
{
    return world->error_text;
}

skep_status skep__access_check(skep_world *w, const uint64_t *set, uint32_t words, uint32_t number,
                               const char *right, const char *name)
{
    const bool declared = set && number < words * 64u && (set[number / 64u] >> (number % 64u)) & 1u;
    if (SKEP_LIKELY(declared)) return SKEP_OK;
    return skep__world_fail(w, SKEP_ACCESS, "system \"%s\" did not declare that it may %s %s",
                            w->running->system, right, name);
}

/* ---- life ------------------------------------------------------------------------------------ */

skep_world_desc skep_world_desc_default(void)
{
    skep_world_desc d;
    memset(&d, 0, sizeof d);
    d.canary = SKEP__DESC_CANARY;
    d.entity_max = ENTITY_MAX_DEFAULT;
    return d;
}

static const char *desc_mistake(const skep_world_desc *d)
{
    if (d->canary != SKEP__DESC_CANARY) return "begin with skep_world_desc_default()";
    if (!d->region.base || !d->region.commit)
        return "skep_world_desc.region is missing: skep/sim.h opens one";
    if (!d->allocator.alloc || !d->allocator.free) return "skep_world_desc.allocator is missing";
    return NULL;
}

static skep_status world_init(skep_world *w, const skep_world_desc *desc)
{
    const uint32_t entity_max = desc->entity_max ? desc->entity_max : ENTITY_MAX_DEFAULT;
    skep_status status = skep__store_init(&w->store, &desc->region, &desc->allocator, entity_max);
    if (status != SKEP_OK) return status;
    w->face.index = w->store.index;
    w->face.index_count = &w->store.queue.index_count;
    w->face.epoch = &w->store.epoch;
    w->face.waiting = &w->batch.count;
    w->log = desc->log;
    w->seed = desc->seed;
    w->stamp = 1;
    w->event_seq = 1;
    w->parent_type = SKEP__NO_TYPE;
    uint32_t entity = 0;
    status = skep__world_prefab(w, &Entity_info, &entity);
    if (status != SKEP_OK) {
        skep__store_deinit(&w->store);
        return status;
    }
    SKEP_ASSERT(entity == 0);
    w->prefabs[0].defined = true;
    return SKEP_OK;
}

skep_status skep_world_create(const skep_world_desc *desc, skep_world **world)
{
    *world = NULL;
    const char *mistake = desc_mistake(desc);
    if (mistake) {
        const skep_log *log = desc->canary == SKEP__DESC_CANARY ? &desc->log : NULL;
        skep__logf(log, SKEP_LOG_ERROR, "skep_world_create: %s", mistake);
        return SKEP_ARGUMENT;
    }
    skep_world *w = skep__alloc(&desc->allocator, sizeof *w, 64);
    skep_status status = w ? world_init(w, desc) : SKEP_NO_MEMORY;
    if (status != SKEP_OK) {
        skep__logf(&desc->log, SKEP_LOG_ERROR,
                   "skep_world_create: %s (entity_max %u, region of %zu bytes)",
                   skep_status_text(status), desc->entity_max, desc->region.bytes_max);
        skep__free(&desc->allocator, w, sizeof *w, 64);
        return status;
    }
    *world = w;
    return SKEP_OK;
}

static void prefabs_free(skep_world *w)
{
    const skep_allocator *a = &w->store.allocator;
    for (uint32_t i = 0; i < w->prefab_count; i++) {
        skep__prefab *p = &w->prefabs[i];
        skep__array_free(a, (void **)&p->parts, &p->part_cap, sizeof *p->parts);
        skep__array_free(a, (void **)&p->values, &p->value_cap, 1);
        skep__array_free(a, (void **)&p->children, &p->child_cap, sizeof *p->children);
    }
    skep__array_free(a, (void **)&w->prefabs, &w->prefab_cap, sizeof *w->prefabs);
}

static void state_free(skep_world *w)
{
    const skep_allocator *a = &w->store.allocator;
    for (uint32_t i = 0; i < w->resource_count; i++)
        skep__blob_drop(&w->store, &w->resources[i].value);
    for (uint32_t i = 0; i < w->channel_count; i++)
        skep__blob_drop(&w->store, &w->channels[i].entries);
    skep__blob_drop(&w->store, &w->records);
    skep__array_free(a, (void **)&w->resources, &w->resource_cap, sizeof *w->resources);
    skep__array_free(a, (void **)&w->channels, &w->channel_cap, sizeof *w->channels);
}

void skep_world_destroy(skep_world *world)
{
    if (!world) return;
    const skep_allocator a = world->store.allocator;
    if (world->data) ((const skep__data_head *)world->data)->deinit(world);
    skep__queries_free(world);
    skep__children_free(world);
    skep__overlay_free(world);
    prefabs_free(world);
    state_free(world);
    skep__array_free(&a, (void **)&world->hooks, &world->hook_cap, sizeof *world->hooks);
    skep__array_free(&a, (void **)&world->notes, &world->note_cap, sizeof *world->notes);
    skep__array_free(&a, (void **)&world->batch.bytes, &world->batch.cap, 1);
    skep__array_free(&a, (void **)&world->outside.bytes, &world->outside.cap, 1);
    skep__array_free(&a, (void **)&world->inputs.keys, &world->inputs.cap,
                     sizeof *world->inputs.keys);
    skep__array_free(&a, (void **)&world->inputs.bytes, &world->inputs.bytes_cap, 1);
    skep__array_free(&a, (void **)&world->list, &world->list_cap, sizeof *world->list);
    skep__array_free(&a, (void **)&world->leaving, &world->leaving_cap, sizeof *world->leaving);
    skep__array_free(&a, (void **)&world->incoming, &world->incoming_cap, sizeof *world->incoming);
    skep__array_free(&a, (void **)&world->scratch, &world->scratch_cap, 1);
    skep__store_deinit(&world->store);
    skep__free(&a, world, sizeof *world, 64);
}

/* ---- what can be read off -------------------------------------------------------------------- */

uint32_t skep_world_entity_count(const skep_world *world)
{
    return world->store.entity_count;
}

uint64_t skep_world_tick(const skep_world *world)
{
    return world->tick;
}

double skep_world_time(const skep_world *world)
{
    return world->time;
}

size_t skep_world_bytes(const skep_world *world)
{
    return world->store.arena.live_bytes;
}

uint64_t skep_world_dropped(const skep_world *world)
{
    return world->dropped;
}

skep_entity *skep__list_room(skep_world *w, uint32_t count)
{
    const skep_allocator *a = &w->store.allocator;
    if (!skep__array_grow(a, (void **)&w->list, &w->list_cap, count, sizeof *w->list)) return NULL;
    return w->list;
}
