/* SPDX-License-Identifier: MIT */
/* Commands name components, events, resources and prefabs by the world's numbers; each is checked
 * before it is queued. */
#include "core/record/frame_inputs.h"

/* What a command's slot names: its component's size, or UINT32_MAX where there is no such number.
 */
static uint32_t command_payload(const skep_world *w, const skep_patch_header *h)
{
    const skep_component *info = NULL;
    switch (h->kind) {
    case SKEP_PATCH_SET:
    case SKEP_PATCH_PUT:
    case SKEP_PATCH_INIT:
        if (h->slot < w->store.type_count) info = w->store.types[h->slot].info;
        break;
    case SKEP_PATCH_REMOVE:
        return h->slot < w->store.type_count ? 0 : UINT32_MAX;
    case SKEP_PATCH_DESTROY:
        return 0;
    case SKEP_PATCH_SPAWN:
        return h->slot < w->prefab_count || h->slot == SKEP_PATCH_NO_SLOT ? 0 : UINT32_MAX;
    case SKEP_PATCH_EVENT:
        if (h->slot < w->channel_count) info = w->channels[h->slot].info;
        break;
    case SKEP_PATCH_RESOURCE:
        if (h->slot < w->resource_count) info = w->resources[h->slot].info;
        break;
    default:
        break;
    }
    return info ? info->size : UINT32_MAX;
}

skep_status skep__commands_play(skep_world *w, skep__rec_cursor *c, uint32_t command_bytes)
{
    skep__rec_cursor own = {skep__rec_take(c, skep__align(command_bytes, 8)), command_bytes, false};
    if (!own.at) return SKEP_CORRUPT;
    while (own.left) {
        skep_patch_header h;
        const uint8_t *head = skep__rec_take(&own, sizeof h);
        if (!head) return SKEP_CORRUPT;
        memcpy(&h, head, sizeof h);
        const uint32_t wanted = command_payload(w, &h);
        const bool buffer = h.kind == SKEP_PATCH_RESOURCE && h.bytes >= wanted;
        if (wanted == UINT32_MAX || (h.bytes != wanted && !buffer)) return SKEP_CORRUPT;
        const uint8_t *payload = skep__rec_take(&own, skep__align(h.bytes, 8));
        if (!payload) return SKEP_CORRUPT;
        const skep_entity e = {h.entity};
        void *to = skep__command_push(w, &w->outside, (skep_patch_kind)h.kind, h.slot, e, h.bytes);
        if (!to) return SKEP_NO_MEMORY;
        memcpy(to, payload, h.bytes);
    }
    return SKEP_OK;
}

skep_status skep__inputs_play(skep_world *w, skep__rec_cursor *c, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t number = skep__rec_u64(c);
        const skep_entity to = {skep__rec_u64(c)};
        const uint32_t source = skep__rec_u32(c);
        const uint32_t channel = skep__rec_u32(c);
        if (c->bad || channel >= w->channel_count) return SKEP_CORRUPT;
        const skep_component *info = w->channels[channel].info;
        if (info->kind != SKEP_KIND_INPUT || w->channels[channel].removed) return SKEP_CORRUPT;
        const uint8_t *value = skep__rec_take(c, skep__align(info->size, 8));
        if (!value) return SKEP_CORRUPT;
        const skep_status status = skep_world_input(w, source, number, to, info, value);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}
