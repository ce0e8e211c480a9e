/* SPDX-License-Identifier: MIT */
/* What a state consists of for one client: ACK, the resources that changed, and each class in its
 * area that changed, from the base that the client has. Both the held and the view's classes are in
 * the order of their ids, so one walk over both finds who is new and who is dropped. */
#include "core/replicate/session_internal.h"

/* Between two whole states for a client that asks for them. */
#define STATE_WHOLE_NS ((uint64_t)250000000)

/* Whether a whole state came so lately that the next one waits. Time is that of the newest state,
 * so that the answer only changes when there is a newer one. */
static bool state_waits(const skep_session *s)
{
    return s->whole && s->whole_ns && s->p->update_ns - s->whole_ns < STATE_WHOLE_NS;
}

bool skep__session_behind(const skep_session *s)
{
    return s->phase == SKEP__SESSION_LIVE && s->view && s->view->filled && s->p->tick != 0 &&
           s->p->tick != s->tick && !state_waits(s);
}

static bool state_keep(skep_session *s, uint32_t id, uint32_t since)
{
    if (!skep__array_grow(&s->p->allocator, (void **)&s->next, &s->next_cap, s->next_count + 1u,
                          sizeof *s->next))
        return false;
    s->next[s->next_count++] = (skep__held){id, since};
    return true;
}

static bool state_drop(skep_session *s, uint32_t id)
{
    if (!skep__array_grow(&s->p->allocator, (void **)&s->dropped, &s->dropped_cap,
                          s->dropped_count + 1u, sizeof *s->dropped))
        return false;
    s->dropped[s->dropped_count++] = id;
    return true;
}

/* Adds the frame of one class; `since` is 0 for one that the client does not hold. */
static bool state_add_class(skep_session *s, skep__view_class *c, uint32_t base, uint32_t since)
{
    skep_publisher *p = s->p;
    const bool holds = since != 0 && skep__class_at(c, base) != NULL;
    const bool older = holds && 2u * base == p->tick + s->tick_before && since <= s->tick_before;
    skep__packet *frame = NULL;
    if (skep__class_frame(p, s->view, c, holds ? base : 0u, older, &frame) != SKEP_OK) return false;
    if (frame && !skep__session_push(s, &s->state, skep__packet_hold(frame))) return false;
    return state_keep(s, c->id, holds ? since : p->tick);
}

static bool state_classes(skep_session *s, uint32_t base)
{
    uint32_t h = 0;
    for (uint32_t i = 0; i < s->view->class_count; i++) {
        skep__view_class *c = &s->view->classes[i];
        for (; h < s->held_count && s->held[h].id < c->id; h++)
            if (base && !state_drop(s, s->held[h].id)) return false;
        const bool held = base && h < s->held_count && s->held[h].id == c->id;
        const uint32_t since = held ? s->held[h].since : 0u;
        h += held;
        const bool sees = skep__class_meets(s->p, c, &s->area);
        if (!sees && held && !state_drop(s, c->id)) return false;
        if (!sees || (!held && c->used == 0)) continue;
        if (!state_add_class(s, c, base, since)) return false;
    }
    for (; base && h < s->held_count; h++)
        if (!state_drop(s, s->held[h].id)) return false;
    return true;
}

static skep__packet *state_ack(skep_session *s, uint32_t base, uint64_t now_ns)
{
    const skep_publisher *p = s->p;
    const uint64_t age_us = (now_ns - p->update_ns) / 1000u;
    const skep__player *player = s->player;
    const skep__wire_header header = {.type = SKEP__WIRE_ACK, .tick = p->tick};
    const skep__message_state state = {.previous = base,
                                       .message_count = s->state.count - s->state.first,
                                       .number = player->applied > player->number_base
                                                     ? player->applied - player->number_base
                                                     : 0u,
                                       .slack = player->slack,
                                       .age_us = (uint32_t)(age_us < 1u << 30 ? age_us : 1u << 30)};
    skep__wire_writer w = skep__session_paper(s);
    skep__wire_message_begin(&w, &header);
    skep__wire_section_begin(&w, SKEP__WIRE_SECTION_STATE);
    skep__message_put_state(&w, &state, s->dropped, s->dropped_count);
    skep__wire_section_end(&w);
    if (!skep_entity_is_null(s->player->own)) {
        skep__wire_section_begin(&w, SKEP__WIRE_SECTION_OWN);
        skep__wire_put_u64(&w, s->player->own.bits);
        skep__wire_put_bytes(&w, s->player->own_values, s->player->own_bytes);
        skep__wire_section_end(&w);
    }
    if (skep__wire_message_end(&w) != SKEP_OK) return NULL;
    return skep__packet_make(s->p, p->paper, w.need);
}

/* Puts ACK before what it announces. */
static bool state_put_first(skep_session *s, skep__packet *ack)
{
    if (!ack || !skep__session_push(s, &s->state, ack)) return false;
    for (uint32_t i = s->state.count - 1u; i > s->state.first; i--)
        s->state.at[i] = s->state.at[i - 1u];
    s->state.at[s->state.first] = ack;
    return true;
}

static bool state_make(skep_session *s, uint32_t base, uint64_t now_ns)
{
    skep__packet *resources = NULL;
    s->next_count = 0;
    s->dropped_count = 0;
    if (skep__resources_frame(s->p, base, &resources) != SKEP_OK) return false;
    if (resources && !skep__session_push(s, &s->state, skep__packet_hold(resources))) return false;
    return state_classes(s, base) && state_put_first(s, state_ack(s, base, now_ns));
}

void skep__session_begin_state(skep_session *s, uint64_t now_ns)
{
    skep_publisher *p = s->p;
    const bool whole = s->whole || s->tick < p->tick_oldest || s->tick > p->tick;
    const uint32_t base = whole ? 0u : s->tick;
    skep__session_clear(s, &s->state);
    if (!state_make(s, base, now_ns)) {
        skep__session_clear(s, &s->state);
        return;
    }
    skep__held *held = s->held;
    const uint32_t cap = s->held_cap;
    s->held = s->next;
    s->held_cap = s->next_cap;
    s->held_count = s->next_count;
    s->next = held;
    s->next_cap = cap;
    s->tick_before = base;
    s->tick = p->tick;
    s->whole = false;
    if (whole) s->whole_ns = p->update_ns;
    if (whole) p->stats.wholes_sent++;
}
