/* SPDX-License-Identifier: MIT */
/* Commands: patches of the main thread, whose slots are the world's own numbers. `batch` waits for
 * the end of a batch, of a pass of a query or of a round of hooks; `outside` for the next begin. */
#include "core/world/world_parts.h"

#define COMMAND_BYTES_MAX (UINT32_MAX / 2u)

/* Makes room for `bytes` more. */
static bool command_room(skep_world *w, skep__commands *c, size_t bytes)
{
    if (c->used + bytes <= c->cap) return true;
    if (bytes > COMMAND_BYTES_MAX || c->used + bytes > COMMAND_BYTES_MAX) return false;
    return skep__array_grow(&w->store.allocator, (void **)&c->bytes, &c->cap,
                            skep__u32(c->used + bytes), 1);
}

void *skep__command_grow(skep_world *w, skep__commands *c, skep_patch_kind kind, uint32_t slot,
                         skep_entity e, uint32_t bytes)
{
    const size_t whole = sizeof(skep_patch_header) + skep__align(bytes, 8);
    if (!command_room(w, c, whole)) return NULL;
    return skep__command_push(w, c, kind, slot, e, bytes);
}

void skep__commands_clear(skep__commands *c)
{
    skep__commands_cut(c, 0, 0);
}

void skep__commands_cut(skep__commands *c, uint32_t used, uint32_t count)
{
    SKEP_ASSERT(used <= c->used && count <= c->count);
    c->used = used;
    c->count = count;
    c->generation++;
    c->lives = c->lives && used;
}

skep_status skep__queue(skep_world *w, skep_patch_kind kind, uint32_t slot, skep_entity e,
                        const skep_component *info, const void *value)
{
    skep__commands *c = skep__later(w) ? &w->batch : &w->outside;
    const uint32_t bytes = info ? info->size : 0;
    uint8_t *to = skep__command_push(w, c, kind, slot, e, bytes);
    if (SKEP_UNLIKELY(!to)) return skep__store_fail(w, SKEP_NO_MEMORY);
    if (!bytes) return SKEP_OK;
    if (value)
        skep__patch_value(to, info, value);
    else
        memset(to, 0, bytes);
    return SKEP_OK;
}

/* ---- from outside while a frame runs --------------------------------------------------------- */

static uint32_t count_spawns(const skep__commands *c)
{
    uint32_t count = 0;
    size_t at = 0;
    const skep_patch_header *head = NULL;
    const uint8_t *payload = NULL;
    while (skep__patch_next(c->bytes, c->used, &at, &head, &payload))
        count += head->kind == SKEP_PATCH_SPAWN && head->entity == 0;
    return count;
}

/* A spawn from outside was queued without a handle, and its values behind it likewise: which handle
 * it gets is only known once the frame that ran has given its own back. */
skep_status skep__outside_prepare(skep_world *w)
{
    skep__commands *c = &w->outside;
    const uint32_t count = count_spawns(c);
    if (!count) return SKEP_OK;
    skep_entity *handles = skep__list_room(w, count);
    if (!handles) return skep__store_fail(w, SKEP_NO_MEMORY);
    const uint32_t taken = skep__ids_take(&w->store, count, handles);
    if (taken < count) {
        const skep_status status = w->store.limit ? SKEP_LIMIT : SKEP_NO_MEMORY;
        skep__store_fail(w, status);
        skep__ids_return(&w->store, handles, taken);
        return status;
    }
    size_t at = 0;
    skep_entity last = skep_entity_null();
    const skep_patch_header *head = NULL;
    const uint8_t *payload = NULL;
    for (size_t from = 0; skep__patch_next(c->bytes, c->used, &at, &head, &payload); from = at) {
        if (head->entity || head->kind == SKEP_PATCH_EVENT || head->kind == SKEP_PATCH_RESOURCE)
            continue;
        if (head->kind == SKEP_PATCH_SPAWN) last = *handles++;
        skep_patch_header named = *head;
        named.entity = last.bits;
        memcpy(c->bytes + from, &named, sizeof named);
    }
    return SKEP_OK;
}
