/* SPDX-License-Identifier: MIT */
/* Channels: events, inputs and what was removed, each type in one blob, oldest first.
 *
 *     entries  [seq | to | value, padded to 8] [seq | to | value] ...     count of them
 *              <- old_count: sent before the current frame ->
 *
 * The end of a frame drops the old ones and makes the rest old, so an entry lives until the end of
 * the frame after the one that sent it. Numbers are given over all channels, so the order across
 * types is kept too. */
#include "core/world/world_parts.h"

#include "core/base/sort.h"

skep_status skep__channel_reserve(skep_world *w, uint32_t channel, uint32_t count)
{
    skep__channel *c = &w->channels[channel];
    const size_t used = (size_t)c->count * c->stride;
    const uint32_t bytes = c->entries.bytes;
    if (!skep__blob_write(&w->store, &c->entries, used + (size_t)count * c->stride))
        return skep__store_fail(w, SKEP_NO_MEMORY);
    c->entries.bytes = bytes;
    return SKEP_OK;
}

skep_status skep__channel_push(skep_world *w, uint32_t channel, skep_entity to, const void *value)
{
    skep__channel *c = &w->channels[channel];
    const size_t at = (size_t)c->count * c->stride;
    uint8_t *data = skep__blob_write(&w->store, &c->entries, at + c->stride);
    if (!data) return skep__store_fail(w, SKEP_NO_MEMORY);
    const skep__entry head = {w->event_seq++, to.bits};
    memcpy(data + at, &head, sizeof head);
    if (!c->removed && c->info->size) {
        memset(data + at + sizeof head, 0, c->stride - sizeof head);
        if (value) skep__patch_value(data + at + sizeof head, c->info, value);
    }
    c->count++;
    return SKEP_OK;
}

/* Drops the oldest `count` entries of a channel. Without memory for the copy that a snapshot needs
 * they stay a frame longer. */
static void channel_drop(skep_world *w, skep__channel *c, uint32_t count)
{
    skep__store *s = &w->store;
    const size_t left = (size_t)(c->count - count) * c->stride;
    if (left) {
        uint8_t *data = skep__blob_write(s, &c->entries, c->entries.bytes);
        if (!data) return;
        memmove(data, data + (size_t)count * c->stride, left);
    } else if (skep__slot_refs(&s->arena, c->entries.slot) > 1) {
        skep__blob_drop(s, &c->entries);
    } else {
        *skep__slot_hash(&s->arena, c->entries.slot) = 0;
    }
    c->entries.bytes = skep__u32(left);
    c->count -= count;
}

void skep__channels_age(skep_world *w)
{
    for (uint32_t i = 0; i < w->channel_count; i++) {
        skep__channel *c = &w->channels[i];
        if (c->old_count) channel_drop(w, c, c->old_count);
        c->old_count = c->count;
    }
}

void skep_world_frame_end(skep_world *world)
{
    skep__channels_age(world);
}

/* The number of an event or input, registered if need be. */
static skep_status channel_number(skep_world *w, const skep_component *info, uint32_t *number)
{
    *number = info ? skep__known(w, info) : SKEP__NO_TYPE;
    const bool message = *number != SKEP__NO_TYPE &&
                         (info->kind == SKEP_KIND_EVENT || info->kind == SKEP_KIND_INPUT);
    return message ? SKEP_OK : skep__world_channel(w, info, false, number);
}

/* ---- events ---------------------------------------------------------------------------------- */

skep_status skep_world_send(skep_world *world, const skep_component *event, skep_entity to,
                            const void *value)
{
    uint32_t number = 0;
    const skep_status status = channel_number(world, event, &number);
    if (status != SKEP_OK) return status;
    if (event->kind != SKEP_KIND_EVENT)
        return skep__world_fail(world, SKEP_ARGUMENT, "%s is an input: skep_world_input",
                                event->name);
    const struct skep__system_access *a = world->running;
    if (a && skep__access_check(world, a->emit, a->channel_words, number, "send", event->name))
        return SKEP_ACCESS;
    if (skep__later(world) || world->mode == SKEP__WRITE_QUEUE)
        return skep__queue(world, SKEP_PATCH_EVENT, number, to, event, value);
    return skep__channel_push(world, number, to, value);
}

uint64_t skep_world_event_seq(const skep_world *world)
{
    return world->event_seq;
}

skep_event_iter skep_world_events(skep_world *world, const skep_component *event, uint64_t since)
{
    skep_event_iter it;
    memset(&it, 0, sizeof it);
    uint32_t number = 0;
    if (channel_number(world, event, &number) != SKEP_OK) return it;
    const skep__channel *c = &world->channels[number];
    if (!c->count) return it;
    const struct skep__system_access *a = world->running;
    if (a &&
        skep__access_check(world, a->event_read, a->channel_words, number, "read", event->name))
        return it;
    it.next = skep__blob_read(&world->store, &c->entries);
    it.end = it.next + (size_t)c->count * c->stride;
    it.stride = c->stride;
    while (it.next < it.end && ((const skep__entry *)(const void *)it.next)->seq < since)
        it.next += it.stride;
    return it;
}

bool skep_event_next(skep_event_iter *it)
{
    if (it->next == it->end) return false;
    const skep__entry *head = (const skep__entry *)(const void *)it->next;
    it->to.bits = head->to;
    it->seq = head->seq;
    it->value = it->next + sizeof *head;
    it->next += it->stride;
    return true;
}

/* ---- inputs ---------------------------------------------------------------------------------- */

skep_status skep_world_input(skep_world *world, uint32_t source, uint64_t number, skep_entity to,
                             const skep_component *input, const void *value)
{
    uint32_t channel = 0;
    const skep_status status = channel_number(world, input, &channel);
    if (status != SKEP_OK) return status;
    if (input->kind != SKEP_KIND_INPUT)
        return skep__world_fail(world, SKEP_ARGUMENT, "%s is an event: skep_world_send",
                                input->name);
    const skep_allocator *a = &world->store.allocator;
    skep__inputs *in = &world->inputs;
    const uint32_t bytes = skep__u32(sizeof(skep__input_head) + skep__align(input->size, 8));
    if (in->used > UINT32_MAX / 2u ||
        !skep__array_grow(a, (void **)&in->keys, &in->cap, in->count + 1, sizeof *in->keys) ||
        !skep__array_grow(a, (void **)&in->bytes, &in->bytes_cap, in->used + bytes, 1))
        return skep__store_fail(world, SKEP_NO_MEMORY);
    const skep__input_head head = {to.bits, channel, input->size};
    memcpy(in->bytes + in->used, &head, sizeof head);
    memset(in->bytes + in->used + sizeof head, 0, bytes - sizeof head);
    if (value) skep__patch_value(in->bytes + in->used + sizeof head, input, value);
    in->keys[in->count] = (skep__input_key){number, source, in->used, in->count, 0};
    in->count++;
    in->used += bytes;
    return SKEP_OK;
}

static int by_source(const void *a, const void *b, void *ctx)
{
    (void)ctx;
    const skep__input_key *x = a;
    const skep__input_key *y = b;
    if (x->source != y->source) return x->source < y->source ? -1 : 1;
    if (x->number != y->number) return x->number < y->number ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

void skep__inputs_sort(skep_world *w)
{
    if (w->inputs.count > 1)
        skep__sort_items(w->inputs.keys, w->inputs.count, sizeof *w->inputs.keys, by_source, NULL);
}

static const skep__input_head *input_head(const skep__inputs *in, uint32_t i)
{
    return (const skep__input_head *)(const void *)(in->bytes + in->keys[i].at);
}

skep_status skep__inputs_deliver(skep_world *w)
{
    skep__inputs *in = &w->inputs;
    if (!in->count) return SKEP_OK;
    skep__inputs_sort(w);
    for (uint32_t c = 0; c < w->channel_count; c++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < in->count; i++) count += input_head(in, i)->channel == c;
        const skep_status status = count ? skep__channel_reserve(w, c, count) : SKEP_OK;
        if (status != SKEP_OK) return status;
    }
    for (uint32_t i = 0; i < in->count; i++) {
        const skep__input_head *head = input_head(in, i);
        const skep_entity to = {head->to};
        const skep_status status = skep__channel_push(w, head->channel, to, head + 1);
        SKEP_ASSERT(status == SKEP_OK);
        (void)status;
    }
    in->count = 0;
    in->used = 0;
    return SKEP_OK;
}
