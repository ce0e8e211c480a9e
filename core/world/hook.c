/* SPDX-License-Identifier: MIT */
/* Hooks, and what was removed: who is told that entities gain and lose components.
 *
 * Changes leave notes, in order; the hooks are called when the whole change is done, so a hook
 * never sees half of it. What a hook changes is queued, made after the round, and tells the hooks
 * again. */
#include "core/world/world_parts.h"

static bool hook_listens(const skep_world *w, uint32_t type, bool added)
{
    for (uint32_t i = 0; i < w->hook_count; i++)
        if (w->hooks[i].type == type && w->hooks[i].added == added) return true;
    return false;
}

skep_status skep__notes_room(skep_world *w, bool added, uint32_t count)
{
    if (SKEP_LIKELY(!count)) return SKEP_OK;
    if (w->hook_count && !skep__array_grow(&w->store.allocator, (void **)&w->notes, &w->note_cap,
                                           w->note_count + count, sizeof *w->notes))
        return skep__store_fail(w, SKEP_NO_MEMORY);
    for (uint32_t i = 0; !added && i < w->channel_count; i++) {
        if (!w->channels[i].removed) continue;
        const skep_status status = skep__channel_reserve(w, i, count);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

skep_status skep__world_note(skep_world *w, skep_entity e, uint32_t type, bool added)
{
    const uint64_t identity = w->store.types[type].identity;
    for (uint32_t i = 0; !added && i < w->channel_count; i++) {
        if (!w->channels[i].removed || w->channels[i].identity != identity) continue;
        const skep_status status = skep__channel_push(w, i, e, NULL);
        if (status != SKEP_OK) return status;
    }
    if (!hook_listens(w, type, added)) return SKEP_OK;
    if (!skep__array_grow(&w->store.allocator, (void **)&w->notes, &w->note_cap, w->note_count + 1,
                          sizeof *w->notes))
        return skep__store_fail(w, SKEP_NO_MEMORY);
    w->notes[w->note_count++] = (skep__note){e, type, added};
    return SKEP_OK;
}

void skep__world_fire(skep_world *w)
{
    if (w->firing) return;
    w->firing = 1;
    for (uint32_t i = 0; i < w->note_count; i++) {
        const skep__note note = w->notes[i];
        for (uint32_t k = 0; k < w->hook_count; k++) {
            const skep__hook hook = w->hooks[k];
            if (hook.type == note.type && hook.added == note.added)
                hook.call(hook.ctx, w, note.entity);
        }
    }
    w->note_count = 0;
    w->firing = 0;
}

/* ---- what waited ----------------------------------------------------------------------------- */

/* Makes one command that waited. What is gone or lacks what is set is dropped and counted. */
static skep_status replay_one(skep_world *w, const skep_patch_header *head, const uint8_t *payload)
{
    const skep_entity e = {head->entity};
    switch (head->kind) {
    case SKEP_PATCH_SET:
        return skep__now_set(w, e, head->slot, payload);
    case SKEP_PATCH_PUT:
        return skep__now_put(w, e, head->slot, payload);
    case SKEP_PATCH_REMOVE:
        return skep__now_remove(w, e, head->slot);
    case SKEP_PATCH_DESTROY:
        return skep__alive(&w->store, e) ? skep__now_destroy(w, &e, 1) : SKEP_GONE;
    case SKEP_PATCH_SPAWN: {
        skep__part_set set = {.count = 0};
        skep_status status = skep__part_set_prefab(w, &set, &w->prefabs[head->slot]);
        if (status == SKEP_OK) status = skep__now_take(w, &set, e, 0);
        return status == SKEP_OK ? skep__prefab_children(w, head->slot, e) : status;
    }
    case SKEP_PATCH_EVENT:
        return skep__channel_push(w, head->slot, e, payload);
    case SKEP_PATCH_RESOURCE: {
        uint8_t *to = skep__blob_write(&w->store, &w->resources[head->slot].value, head->bytes);
        if (!to) return skep__store_fail(w, SKEP_NO_MEMORY);
        memcpy(to, payload, head->bytes);
        return SKEP_OK;
    }
    default:
        return SKEP_OK;
    }
}

/* Makes all that waits. A command that fails for want of memory is left out and the rest is made:
 * what a hook or a pass asked for earlier stands on its own. Returns the first such failure. */
static skep_status replay(skep_world *w)
{
    skep__commands now = w->batch;
    skep_status first = SKEP_OK;
    w->batch = (skep__commands){.generation = now.generation + 1u};
    size_t at = 0;
    const skep_patch_header *head = NULL;
    const uint8_t *payload = NULL;
    while (skep__patch_next(now.bytes, now.used, &at, &head, &payload)) {
        const skep_status status = replay_one(w, head, payload);
        if (status == SKEP_GONE || status == SKEP_NOT_FOUND)
            w->dropped++;
        else if (status != SKEP_OK && first == SKEP_OK)
            first = status;
    }
    skep__commands_clear(&now);
    SKEP_ASSERT(w->batch.used == 0);
    now.generation = w->batch.generation + 1u;
    w->batch = now;
    return first;
}

skep_status skep__world_settle(skep_world *w)
{
    if (w->firing || w->mode != SKEP__WRITE_NOW) return SKEP_OK;
    skep_status first = SKEP_OK;
    w->iterating = 0;
    for (uint32_t round = 0; w->batch.used || w->note_count; round++) {
        if (round == SKEP__HOOK_ROUNDS) {
            skep__commands_clear(&w->batch);
            w->note_count = 0;
            return skep__world_fail(
                w, SKEP_LIMIT, "hook_rounds: hooks queued commands %u times in a row, and still do",
                SKEP__HOOK_ROUNDS);
        }
        const skep_status status = w->batch.used ? replay(w) : SKEP_OK;
        if (first == SKEP_OK) first = status;
        skep__world_fire(w);
    }
    return first;
}

/* ---- registering ----------------------------------------------------------------------------- */

static skep_status hook_add(skep_world *w, const skep_component *component, bool added,
                            const skep__hook *like)
{
    uint32_t type = 0;
    const skep_status status = skep__type_number(w, component, &type);
    if (status != SKEP_OK) return status;
    if (!like->call) return skep__world_fail(w, SKEP_ARGUMENT, "a hook without a function");
    if (!skep__array_grow(&w->store.allocator, (void **)&w->hooks, &w->hook_cap, w->hook_count + 1,
                          sizeof *w->hooks))
        return skep__store_fail(w, SKEP_NO_MEMORY);
    skep__type_note(&w->store, type);
    w->hooks[w->hook_count++] = (skep__hook){type, added, like->call, like->ctx};
    return SKEP_OK;
}

skep_status skep_world_on_add(skep_world *world, const skep_component *component, skep_hook_fn *fn,
                              void *ctx)
{
    return hook_add(world, component, true, &(skep__hook){.call = fn, .ctx = ctx});
}

skep_status skep_world_on_remove(skep_world *world, const skep_component *component,
                                 skep_hook_fn *fn, void *ctx)
{
    return hook_add(world, component, false, &(skep__hook){.call = fn, .ctx = ctx});
}

void skep_world_unhook(skep_world *world, skep_hook_fn *fn, void *ctx)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < world->hook_count; i++) {
        const skep__hook *h = &world->hooks[i];
        if (h->call != fn || h->ctx != ctx) world->hooks[kept++] = *h;
    }
    world->hook_count = kept;
}
