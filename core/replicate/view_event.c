/* SPDX-License-Identifier: MIT */
/* Events wait until their moment is shown, oldest first, as C structs in one piece of memory that
 * is moved down when its end is reached. A program that never asks loses the oldest beyond a limit,
 * and is told so once. */
#include "core/replicate/view_internal.h"

static uint32_t event_bytes(const skep_component *info)
{
    return skep__u32(skep__align(sizeof(skep__client_event) + info->size, 16));
}

static void event_drop_first(skep_view *view)
{
    const skep__client_event *first =
        (const skep__client_event *)(const void *)(view->events + view->event_first);
    view->event_first += first->bytes;
    if (view->event_first == view->event_end) view->event_first = view->event_end = 0;
}

static bool event_grow(skep_view *view, uint32_t bytes)
{
    const uint32_t used = view->event_end - view->event_first;
    const uint32_t cap = skep__max_u32(skep__max_u32(view->event_cap * 2u, 4096), used + bytes);
    uint8_t *events = skep__client_alloc(view, cap);
    if (!events) return false;
    if (used) memcpy(events, view->events + view->event_first, used);
    skep__client_free(view, view->events, view->event_cap);
    view->events = events;
    view->event_cap = cap;
    view->event_first = 0;
    view->event_end = used;
    return true;
}

/* Room for an event at the end, or NULL. */
static uint8_t *event_room(skep_view *view, uint32_t bytes)
{
    while (view->event_end != view->event_first &&
           view->event_end - view->event_first + bytes > SKEP__CLIENT_EVENT_BYTES_MAX) {
        event_drop_first(view);
        if (!view->events_lost)
            skep__client_log(view, SKEP_LOG_WARN, "view: events are lost that nobody polls");
        view->events_lost = true;
    }
    const uint32_t used = view->event_end - view->event_first;
    if (view->event_end + bytes > view->event_cap) {
        /* Moving pays only where at least half of it is free. */
        if (used + bytes > view->event_cap / 2u) {
            if (!event_grow(view, bytes)) return NULL;
        } else {
            memmove(view->events, view->events + view->event_first, used);
            view->event_first = 0;
            view->event_end = used;
        }
    }
    uint8_t *at = view->events + view->event_end;
    view->event_end += bytes;
    return at;
}

static bool event_keep(skep_view *view, const skep__message_event *event, uint32_t tick)
{
    const skep_component *info = view->replicas[event->replica].info;
    if (!(view->wanted >> event->replica & 1u)) return true;
    const uint32_t bytes = event_bytes(info);
    uint8_t *at = event_room(view, bytes);
    if (!at) return false;
    const skep__client_event head = {event->to.bits, tick, event->replica, bytes, {0}};
    skep__wire_reader r = {.bytes = event->bytes, .end = event->size};
    memset(at, 0, bytes);
    memcpy(at, &head, sizeof head);
    return skep__message_get_value(&r, info, at + sizeof head);
}

static bool events_get(skep_view *view, uint32_t tick, skep__wire_reader *r)
{
    uint32_t count = 0;
    if (!skep__wire_get_varint(r, &count)) return false;
    for (uint32_t i = 0; i < count; i++) {
        skep__message_event event;
        if (!skep__message_get_event(r, view->replicas, view->replica_count, &event)) return false;
        if (!event_keep(view, &event, tick))
            return skep__wire_fail(r, "view: no memory for events", r->at);
    }
    return skep__wire_get_end(r);
}

/* The bytes are looked at in a first walk, so that nothing is kept of a message that is damaged. */
static bool events_check(const skep_view *view, skep__wire_reader r, skep_error *error)
{
    uint32_t count = 0;
    bool good = skep__wire_get_varint(&r, &count);
    for (uint32_t i = 0; good && i < count; i++) {
        skep__message_event event;
        good = skep__message_get_event(&r, view->replicas, view->replica_count, &event);
    }
    good = good && skep__wire_get_end(&r);
    if (!good) *error = r.error;
    return good;
}

bool skep__client_events(skep_view *view, skep__wire_message *m, skep_error *error)
{
    skep__wire_reader body;
    uint32_t id = 0;
    if (!skep__wire_next(m, &id, &body) || id != SKEP__WIRE_SECTION_EVENTS) {
        *error =
            (skep_error){SKEP_CORRUPT, "view: an EVENT without EVENTS", SKEP__WIRE_HEADER_BYTES};
        return false;
    }
    if (!events_check(view, body, error)) return false;
    if (events_get(view, m->header.tick, &body)) return true;
    *error = body.error;
    return false;
}

bool skep_view_poll(skep_view *view, skep_view_event *event)
{
    if (view->event_first == view->event_end) return false;
    const uint8_t *at = view->events + view->event_first;
    skep__client_event head;
    memcpy(&head, at, sizeof head);
    if (!view->clock.started || (double)head.tick > view->clock.shown) return false;
    event->info = view->replicas[head.replica].info;
    event->to = (skep_entity){head.to};
    event->tick = head.tick;
    event->value = at + sizeof head;
    event_drop_first(view);
    return true;
}
