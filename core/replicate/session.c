/* SPDX-License-Identifier: MIT */
/* Sessions: life, what they hand out, and time-outs. */
#include "core/replicate/session_internal.h"

#define SESSION_ALIGN 16u
#define SESSION_MS ((uint64_t)1000000)

/* ---- queues ---------------------------------------------------------------------------------- */

bool skep__session_push(skep_session *s, skep__packet_list *list, skep__packet *frame)
{
    if (list->first == list->count) list->first = list->count = 0;
    if (!skep__array_grow(&s->p->allocator, (void **)&list->at, &list->cap, list->count + 1u,
                          sizeof *list->at)) {
        skep__packet_drop(s->p, frame);
        return false;
    }
    list->at[list->count++] = frame;
    return true;
}

void skep__session_clear(skep_session *s, skep__packet_list *list)
{
    while (list->first < list->count) skep__packet_drop(s->p, list->at[list->first++]);
    list->first = list->count = 0;
}

static void session_free_list(skep_session *s, skep__packet_list *list)
{
    skep__session_clear(s, list);
    skep__array_free(&s->p->allocator, (void **)&list->at, &list->cap, sizeof *list->at);
}

skep__wire_writer skep__session_paper(const skep_session *s)
{
    return (skep__wire_writer){.bytes = s->p->paper, .bytes_max = s->p->paper_bytes};
}

bool skep__session_say(skep_session *s, skep_status status, const skep__wire_writer *w)
{
    const uint32_t waiting = s->small.count - s->small.first;
    skep__packet *frame = status == SKEP_OK ? skep__packet_make(s->p, s->p->paper, w->need) : NULL;
    if (!frame) return false;
    if (waiting >= SKEP__SESSION_SMALL_MAX) {
        skep__packet_drop(s->p, frame);
        return false; /* of PONGs and the like; the next one says as much */
    }
    return skep__session_push(s, &s->small, frame);
}

void skep__session_events(skep_session *s, skep__packet *frame, const char *why)
{
    if (s->phase != SKEP__SESSION_LIVE) return;
    if (!frame) {
        skep_session_close(s, why);
        return;
    }
    if (s->event_bytes + frame->size > s->p->desc.event_bytes_max) {
        skep_session_close(s, "events: more than event_bytes_max wait for this client");
        return;
    }
    if (!skep__session_push(s, &s->events, skep__packet_hold(frame))) {
        skep_session_close(s, "events: there is no memory for them");
        return;
    }
    s->event_bytes += frame->size;
}

/* ---- life ------------------------------------------------------------------------------------ */

skep_status skep_session_create(skep_publisher *p, uint64_t now_ns, void *ctx,
                                skep_session **session)
{
    *session = NULL;
    if (p->session_count >= p->desc.session_max) return SKEP_LIMIT;
    if (!skep__array_grow(&p->allocator, (void **)&p->sessions, &p->session_cap,
                          p->session_count + 1u, sizeof *p->sessions))
        return SKEP_NO_MEMORY;
    skep_session *s = skep__alloc(&p->allocator, sizeof *s, SESSION_ALIGN);
    if (!s) return SKEP_NO_MEMORY;
    s->p = p;
    s->ctx = ctx;
    s->created_ns = s->heard_ns = s->pinged_ns = s->bucket_ns = now_ns;
    s->bucket = (uint64_t)p->desc.inputs_a_tick * p->desc.input_window * 1000u;
    p->sessions[p->session_count++] = s;
    *session = s;
    return SKEP_OK;
}

/* Events that were not taken yet must not name it. */
static void session_forget_items(skep_session *s)
{
    skep_publisher *p = s->p;
    uint32_t kept = p->item_first;
    for (uint32_t i = p->item_first; i < p->item_count; i++) {
        skep__publish_item item = p->items[i];
        const bool mine = item.event.session == s;
        if (mine) item.event.session = NULL;
        if (mine && item.event.kind == SKEP_PUBLISH_AUTH)
            skep__free(&p->allocator, item.bytes, item.event.size, SESSION_ALIGN);
        else
            p->items[kept++] = item;
    }
    p->item_count = kept;
}

void skep__session_free(skep_session *s)
{
    skep_publisher *p = s->p;
    uint32_t i = 0;
    while (i < p->session_count && p->sessions[i] != s) i++;
    SKEP_ASSERT(i < p->session_count);
    p->sessions[i] = p->sessions[--p->session_count];
    session_forget_items(s);
    if (s->view) skep__view_release(p, s->view);
    if (s->player && s->player->session == s) s->player->session = NULL;
    skep__packet_drop(p, s->current);
    session_free_list(s, &s->small);
    session_free_list(s, &s->events);
    session_free_list(s, &s->state);
    skep__array_free(&p->allocator, (void **)&s->held, &s->held_cap, sizeof *s->held);
    skep__array_free(&p->allocator, (void **)&s->next, &s->next_cap, sizeof *s->next);
    skep__array_free(&p->allocator, (void **)&s->dropped, &s->dropped_cap, sizeof *s->dropped);
    skep__free(&p->allocator, s, sizeof *s, SESSION_ALIGN);
}

void skep_session_destroy(skep_session *s, uint64_t now_ns)
{
    if (!s) return;
    skep_publisher *p = s->p;
    if (s->player && s->player->session == s) {
        s->player->gone_ns = now_ns;
        if (s->said_bye) s->player->has_token = false;
    }
    skep__session_free(s);
    skep__players_expire(p, now_ns);
}

void *skep_session_ctx(const skep_session *s)
{
    return s->ctx;
}

uint32_t skep_session_player(const skep_session *s)
{
    return s->player ? s->player->number : 0u;
}

bool skep_session_left(const skep_session *s)
{
    return s->said_bye;
}

const char *skep_session_reason(const skep_session *s)
{
    return s->phase == SKEP__SESSION_ENDED ? s->reason : NULL;
}

static void session_end(skep_session *s, const char *reason, bool again)
{
    if (s->phase == SKEP__SESSION_ENDED) return;
    s->phase = SKEP__SESSION_ENDED;
    s->reason = reason;
    skep__session_clear(s, &s->state);
    skep__session_clear(s, &s->events);
    skep__session_clear(s, &s->small);
    s->event_bytes = 0;
    if (s->said_bye) return;
    skep__wire_writer w = skep__session_paper(s);
    const skep_status status = skep__message_bye(&w, s->p->tick, again, reason);
    (void)skep__session_say(s, status, &w);
}

void skep__session_end(skep_session *s, const char *reason)
{
    session_end(s, reason, false);
}

void skep_session_refuse(skep_session *s, const char *reason)
{
    session_end(s, reason, false);
}

void skep_session_close(skep_session *s, const char *reason)
{
    session_end(s, reason, true);
}

void skep__session_reset(skep_session *s)
{
    s->tick = 0;
    s->whole = true;
    s->held_count = 0;
}

/* ---- letting in ------------------------------------------------------------------------------ */

static skep_status session_put_welcome(skep_session *s, skep__wire_writer *w)
{
    const skep_publish_desc *d = &s->p->desc;
    const skep__wire_header header = {.type = SKEP__WIRE_WELCOME, .tick = s->p->tick};
    const skep__schema_hash *hash = &s->p->schema.hash;
    const bool knows = s->known.low == hash->low && s->known.high == hash->high;
    skep__message_welcome welcome = {.tick_hz = d->tick_hz,
                                     .every = d->every,
                                     .player = s->player->number,
                                     .input_window = d->input_window,
                                     .resumed = s->resumed};
    if (!skep__message_rates_set(&welcome, d->replicas, d->replica_count, d->rates, d->rate_count))
        return SKEP_LIMIT;
    skep__wire_message_begin(w, &header);
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_SCHEMA);
    skep__message_put_schema(w, d->replicas, d->replica_count, !knows);
    skep__wire_section_end(w);
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_TOKEN);
    skep__wire_put_bytes(w, s->player->token, SKEP__RESUME_BYTES);
    skep__wire_section_end(w);
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_CLOCK);
    skep__message_put_welcome(w, &welcome);
    skep__wire_section_end(w);
    return skep__wire_message_end(w);
}

void skep__session_welcome(skep_session *s, skep__player *player, uint64_t now_ns)
{
    skep_publisher *p = s->p;
    if (player->session && player->session != s) {
        skep_session *other = player->session;
        skep__session_end(other, "the player came again over another connection");
        other->player = NULL;
    }
    player->session = s;
    s->player = player;
    s->phase = SKEP__SESSION_READY;
    s->heard_ns = now_ns;
    p->desc.random(p->desc.random_ctx, player->token, SKEP__RESUME_BYTES);
    player->has_token = true;
    skep__wire_writer w = skep__session_paper(s);
    const skep_status status = session_put_welcome(s, &w);
    if (!skep__session_say(s, status, &w))
        skep_session_close(s, "there is no memory for a WELCOME");
}

void skep_session_accept(skep_session *s, uint32_t number, uint64_t now_ns)
{
    skep_publisher *p = s->p;
    SKEP_ASSERT(number != 0);
    if (s->phase != SKEP__SESSION_CHECK) return;
    skep__player *player = skep__player_find(p, number);
    if (player) {
        player->number_base = player->number_received;
        skep__session_welcome(s, player, now_ns);
        return;
    }
    player = skep__alloc(&p->allocator, sizeof *player, SESSION_ALIGN);
    const bool room = skep__array_grow(&p->allocator, (void **)&p->players, &p->player_cap,
                                       p->player_count + 1u, sizeof *p->players);
    const skep_publish_event event = {.kind = SKEP_PUBLISH_JOIN, .player = number, .session = s};
    if (!player || !room || !skep__publish_say(p, &event)) {
        skep__free(&p->allocator, player, sizeof *player, SESSION_ALIGN);
        skep_session_close(s, "there is no memory for another player");
        return;
    }
    player->number = number;
    p->players[p->player_count++] = player;
    skep__session_welcome(s, player, now_ns);
}

/* ---- handing out ----------------------------------------------------------------------------- */

static bool session_list_has(const skep__packet_list *list)
{
    return list->first < list->count;
}

bool skep_session_wants(const skep_session *s)
{
    return session_list_has(&s->small) || session_list_has(&s->state) ||
           session_list_has(&s->events) || skep__session_behind(s);
}

static skep__packet *session_pop(skep__packet_list *list)
{
    return session_list_has(list) ? list->at[list->first++] : NULL;
}

static skep__packet *session_take(skep_session *s, uint64_t now_ns)
{
    skep__packet *frame = session_pop(&s->small);
    if (!frame) frame = session_pop(&s->state);
    if (frame) return frame;
    frame = session_pop(&s->events);
    if (frame) {
        s->event_bytes -= frame->size;
        return frame;
    }
    if (skep__session_behind(s)) skep__session_begin_state(s, now_ns);
    return session_pop(&s->state);
}

bool skep_session_next(skep_session *s, uint64_t now_ns, const void **bytes, size_t *size)
{
    skep__packet_drop(s->p, s->current);
    s->current = session_take(s, now_ns);
    if (!s->current) return false;
    *bytes = skep__packet_bytes(s->p, s->current);
    *size = s->current->size;
    s->p->stats.messages_sent++;
    s->p->stats.bytes_sent += *size;
    return true;
}

bool skep_session_tick(skep_session *s, uint64_t now_ns)
{
    const skep_publish_desc *d = &s->p->desc;
    skep__players_expire(s->p, now_ns);
    if (s->phase == SKEP__SESSION_ENDED) return false;
    if (s->phase < SKEP__SESSION_READY && now_ns - s->created_ns > d->hello_ms * SESSION_MS) {
        skep_session_close(s, "no HELLO, or no token, came in time (hello_ms)");
        return false;
    }
    if (now_ns - s->heard_ns > d->drop_ms * SESSION_MS) {
        skep_session_close(s, "nothing came for too long (drop_ms)");
        return false;
    }
    if (now_ns - s->heard_ns > d->ping_ms * SESSION_MS &&
        now_ns - s->pinged_ns > d->ping_ms * SESSION_MS) {
        skep__wire_writer w = skep__session_paper(s);
        const skep_status status =
            skep__message_ping(&w, SKEP__WIRE_PING, s->p->tick, ++s->ping_number, 0);
        s->pinged_ns = now_ns;
        (void)skep__session_say(s, status, &w);
    }
    return true;
}
