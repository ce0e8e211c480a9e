/* SPDX-License-Identifier: MIT */
/* Taking states in. An ACK opens one as a copy of the state before, less what it drops; each class
 * message that follows replaces or adds a class; with the last of them the state is pushed, whole.
 * Whatever is wrong before that forgets the state in the making and leaves all else as it was: the
 * next whole state heals it, and who calls asks for one.
 *
 * A copy costs a reference a class. Resources and the own entity are written to the second of two
 * `news`, which change places at the end. */
#include "core/replicate/view_internal.h"

static bool state_fail(skep_error *error, skep_status code, const char *message, size_t offset)
{
    *error = (skep_error){code, message, offset};
    return false;
}

/* ---- classes and lists of them --------------------------------------------------------------- */

void skep__client_class_drop(skep_view *view, skep__client_class *class)
{
    if (--class->refs) return;
    skep__codes_deinit(&class->codes, &view->pool);
    skep__client_free(view, class, sizeof *class);
}

static bool state_reserve(skep_view *view, skep__client_state *state, uint32_t count)
{
    if (count <= state->cap) return true;
    const uint32_t cap = skep__max_u32(count, state->cap * 2u);
    skep__client_entry *entries = skep__client_alloc(view, cap * sizeof *entries);
    if (!entries) return false;
    if (state->count) memcpy(entries, state->entries, state->count * sizeof *entries);
    skep__client_free(view, state->entries, state->cap * sizeof *entries);
    state->entries = entries;
    state->cap = cap;
    return true;
}

bool skep__client_state_copy(skep_view *view, const skep__client_state *from,
                             skep__client_state *copy)
{
    *copy = (skep__client_state){.tick = from->tick};
    if (!state_reserve(view, copy, from->count)) return false;
    for (uint32_t i = 0; i < from->count; i++) {
        copy->entries[i] = from->entries[i];
        copy->entries[i].class->refs++;
    }
    copy->count = from->count;
    return true;
}

void skep__client_state_deinit(skep_view *view, skep__client_state *state)
{
    for (uint32_t i = 0; i < state->count; i++)
        skep__client_class_drop(view, state->entries[i].class);
    skep__client_free(view, state->entries, state->cap * sizeof *state->entries);
    *state = (skep__client_state){0};
}

/* The place of a class, or where it would be. */
static uint32_t state_place(const skep__client_state *state, uint32_t id)
{
    uint32_t low = 0;
    uint32_t high = state->count;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2u;
        if (state->entries[mid].id < id)
            low = mid + 1u;
        else
            high = mid;
    }
    return low;
}

static skep__client_class *state_find(const skep__client_state *state, uint32_t id)
{
    const uint32_t at = state_place(state, id);
    return at < state->count && state->entries[at].id == id ? state->entries[at].class : NULL;
}

/* Puts a class in, in place of the one before it; its reference goes over. */
static bool state_put(skep_view *view, skep__client_state *state, uint32_t id,
                      skep__client_class *class)
{
    const uint32_t at = state_place(state, id);
    if (at < state->count && state->entries[at].id == id) {
        skep__client_class_drop(view, state->entries[at].class);
        state->entries[at].class = class;
        return true;
    }
    if (!state_reserve(view, state, state->count + 1u)) return false;
    memmove(state->entries + at + 1u, state->entries + at,
            (state->count - at) * sizeof *state->entries);
    state->entries[at] = (skep__client_entry){id, class};
    state->count++;
    return true;
}

/* ---- the ring -------------------------------------------------------------------------------- */

const skep__client_state *skep__client_newest(const skep_view *view)
{
    return view->state_count ? &view->states[view->state_count - 1u] : NULL;
}

static const skep__client_state *ring_find(const skep_view *view, uint32_t tick)
{
    for (uint32_t i = view->state_count; i-- > 0;)
        if (view->states[i].tick == tick) return &view->states[i];
    return NULL;
}

static void ring_drop_oldest(skep_view *view)
{
    skep__client_state_deinit(view, &view->states[0]);
    view->state_count--;
    memmove(view->states, view->states + 1, view->state_count * sizeof *view->states);
}

void skep__client_states_drop(skep_view *view)
{
    while (view->state_count) ring_drop_oldest(view);
    /* Ticks may come again, with another state: the pair is made anew. */
    view->pair.tick_from = view->pair.tick_to = 0;
}

void skep__client_next_drop(skep_view *view)
{
    skep__client_state_deinit(view, &view->next.state);
    view->next.open = false;
    view->next.left = 0;
}

/* The state is complete: it becomes the newest. */
static bool next_push(skep_view *view, skep_error *error)
{
    skep__client_next *next = &view->next;
    const skep__client_news news = view->news[0];
    uint64_t entities = 0;
    for (uint32_t i = 0; i < next->state.count; i++)
        entities += next->state.entries[i].class->entity_count;
    if (entities > view->desc.entity_max) {
        skep__client_next_drop(view);
        return state_fail(error, SKEP_LIMIT, "view: more entities than entity_max", 0);
    }
    /* A world that went back begins anew: its old states are of no use to anybody. */
    if (!next->previous && view->state_count &&
        next->state.tick <= skep__client_newest(view)->tick) {
        skep__client_states_drop(view);
        skep__client_clock_reset(view);
    }
    /* A server that was not resumed may have begun anew as well. */
    if (!next->previous && !view->stated) skep__client_clock_reset(view);
    if (view->state_count == SKEP__CLIENT_STATES) ring_drop_oldest(view);
    view->states[view->state_count++] = next->state;
    view->news[0] = view->news[1];
    view->news[1] = news;
    next->state = (skep__client_state){0};
    next->open = false;
    view->stats.states++;
    view->stated = true;
    view->state_ns = next->arrived_ns;
    skep__client_clock_state(view, skep__client_newest(view)->tick, next->age_us, next->arrived_ns);
    return true;
}

/* ---- ACK ------------------------------------------------------------------------------------- */

/* Drops the classes of a list that came; each must be there. */
static bool next_drop_classes(skep_view *view, skep__message_state *m, skep_error *error)
{
    skep__client_state *state = &view->next.state;
    uint32_t kept = 0;
    uint32_t at = 0;
    bool known = true;
    while (m->dropped.left) {
        uint32_t id = 0;
        if (!skep__wire_get_id(&m->ids, &m->dropped, &id)) break; /* was checked: cannot be */
        while (at < state->count && state->entries[at].id < id)
            state->entries[kept++] = state->entries[at++];
        if (at < state->count && state->entries[at].id == id)
            skep__client_class_drop(view, state->entries[at++].class);
        else
            known = false;
    }
    while (at < state->count) state->entries[kept++] = state->entries[at++];
    state->count = kept;
    return known || state_fail(error, SKEP_CORRUPT, "view: a class is dropped that is not there",
                               SKEP__WIRE_HEADER_BYTES);
}

static bool ack_get_state(skep_view *view, skep__wire_message *m, skep__message_state *state,
                          skep_error *error)
{
    skep__wire_reader body;
    uint32_t id = 0;
    if (!skep__wire_next(m, &id, &body) || id != SKEP__WIRE_SECTION_STATE)
        return state_fail(error, SKEP_CORRUPT, "view: an ACK without STATE",
                          SKEP__WIRE_HEADER_BYTES);
    if (skep__message_get_state(&body, &view->limits, state)) return true;
    *error = body.error;
    return false;
}

/* Keeps the own values in the order of desc.predict, one behind the other. */
static void ack_keep_own(const skep_view *view, const skep__message_own *own, uint64_t predicted,
                         skep__client_news *news)
{
    const uint8_t *at[SKEP_REPLICA_MAX] = {0};
    const uint8_t *value = own->values;
    for (uint32_t i = 0; i < view->replica_count; i++) {
        if (!(predicted >> i & 1u)) continue;
        value++; /* the flag */
        if (!(own->has >> i & 1u)) continue;
        at[i] = value;
        value += skep__message_value_bytes(view->replicas[i].info);
    }
    for (uint32_t i = 0; i < view->desc.predict_count; i++) {
        const uint32_t number = view->predict[i];
        if (!at[number]) continue;
        const uint32_t bytes = skep__message_value_bytes(view->replicas[number].info);
        if (bytes) memcpy(news->own_bytes + news->own_size, at[number], bytes);
        news->own_size += bytes;
        news->own_has |= (uint64_t)1 << i;
    }
}

static bool ack_get_own(skep_view *view, skep__wire_message *m, skep__client_news *news,
                        skep_error *error)
{
    skep__wire_reader body;
    uint32_t id = 0;
    uint64_t predicted = 0;
    skep__message_own own;
    news->entity = skep_entity_null();
    news->own_has = 0;
    news->own_size = 0;
    if (!skep__wire_next(m, &id, &body)) return true;
    for (uint32_t i = 0; i < view->desc.predict_count; i++)
        predicted |= (uint64_t)1 << view->predict[i];
    if (id != SKEP__WIRE_SECTION_OWN)
        return state_fail(error, SKEP_CORRUPT, "view: an ACK has an unknown section", body.at);
    if (!skep__message_get_own(&body, view->replicas, view->replica_count, predicted, &own)) {
        *error = body.error;
        return false;
    }
    news->entity = own.entity;
    ack_keep_own(view, &own, predicted, news);
    return !skep__wire_next(m, &id, &body) ||
           state_fail(error, SKEP_CORRUPT, "view: an ACK has too many sections", body.at);
}

/* The base of a state, if it is one that is kept. */
static bool next_begin(skep_view *view, uint32_t tick, uint32_t previous, skep_error *error)
{
    const skep__client_state *newest = skep__client_newest(view);
    skep__client_state *state = &view->next.state;
    if (previous && (!newest || newest->tick != previous || tick <= previous))
        return state_fail(error, SKEP_CORRUPT, "view: a state builds on one that is not here", 8);
    if (previous && !skep__client_state_copy(view, newest, state))
        return state_fail(error, SKEP_NO_MEMORY, "view: no memory for a state", 0);
    state->tick = tick;
    return true;
}

bool skep__client_ack(skep_view *view, skep__wire_message *m, uint64_t now_ns, skep_error *error)
{
    skep__client_next *next = &view->next;
    skep__client_news *news = &view->news[1];
    skep__message_state state;
    const bool cut = next->open;
    skep__client_next_drop(view);
    if (cut)
        return state_fail(error, SKEP_CORRUPT, "view: a state began before the last one ended", 3);
    if (!m->header.tick) return state_fail(error, SKEP_CORRUPT, "view: a state of no tick", 8);
    if (!ack_get_state(view, m, &state, error) || !ack_get_own(view, m, news, error)) return false;
    next->left = state.message_count;
    if (!next_begin(view, m->header.tick, state.previous, error) ||
        !next_drop_classes(view, &state, error)) {
        /* What follows still belongs to it, and is passed over. */
        const uint32_t left = next->left;
        skep__client_next_drop(view);
        next->left = left;
        return false;
    }
    next->open = true;
    next->previous = state.previous;
    next->age_us = state.age_us;
    next->arrived_ns = now_ns;
    news->number = state.number;
    news->slack = state.slack;
    news->resource_has = state.previous ? view->news[0].resource_has : 0;
    if (state.previous) memcpy(news->resources, view->news[0].resources, view->resource_bytes);
    return next->left ? true : next_push(view, error);
}

/* ---- class messages -------------------------------------------------------------------------- */

static bool resources_get(skep_view *view, skep__wire_reader *r, skep__client_news *news)
{
    uint32_t count = 0;
    if (!skep__wire_get_varint(r, &count)) return false;
    for (uint32_t i = 0; i < count; i++) {
        const size_t start = r->at;
        uint32_t number = 0;
        if (!skep__wire_get_varint(r, &number)) return false;
        if (number >= view->replica_count ||
            view->replicas[number].info->kind != SKEP_KIND_RESOURCE)
            return skep__wire_fail(r, "view: what is no resource", start);
        if (!skep__message_get_value(r, view->replicas[number].info,
                                     news->resources + view->resource_at[number]))
            return false;
        news->resource_has |= (uint64_t)1 << number;
    }
    return skep__wire_get_end(r);
}

/* Class 0: RESOURCES alone; a CLASS beside them says nothing. */
static bool next_resources(skep_view *view, skep__wire_message *m, skep_error *error)
{
    skep__wire_reader body;
    uint32_t id = 0;
    while (skep__wire_next(m, &id, &body)) {
        if (id == SKEP__WIRE_SECTION_CLASS) continue;
        if (id != SKEP__WIRE_SECTION_RESOURCES)
            return state_fail(error, SKEP_CORRUPT, "view: resources with an unknown section",
                              body.at);
        if (resources_get(view, &body, &view->news[1])) continue;
        *error = body.error;
        return false;
    }
    return true;
}

static uint32_t codes_count(const skep__codes *codes)
{
    uint32_t count = 0;
    for (uint32_t b = 0; b < codes->block_count; b++) {
        const uint64_t *ids = skep__block_ids(codes->ids[b]);
        for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++) count += ids[i] != 0;
    }
    return count;
}

/* The layout of the class that a message is of, new or known; *base where it builds on one. */
static bool class_layout(skep_view *view, const skep__wire_message *m,
                         const skep__client_class **base, uint32_t *layout, skep_error *error)
{
    uint64_t components = 0;
    *base = NULL;
    if (m->header.type == SKEP__WIRE_DELTA) {
        *base = state_find(&view->next.state, m->header.class);
        if (!*base || m->header.base != view->next.previous)
            return state_fail(error, SKEP_CORRUPT, "view: a class builds on one that is not here",
                              12);
        *layout = (*base)->layout;
        return true;
    }
    if (!skep__class_components(m, view->replica_count, &components, error)) return false;
    for (uint32_t i = 0; i < view->replica_count; i++)
        if (components >> i & 1u && view->replicas[i].info->kind != SKEP_KIND_COMPONENT)
            return state_fail(error, SKEP_CORRUPT, "view: a class of what is no component",
                              SKEP__WIRE_HEADER_BYTES);
    const skep_status status = skep__client_layout_of(view, components, layout);
    return status == SKEP_OK ||
           state_fail(error, status,
                      status == SKEP_LIMIT
                          ? "view: a class of too many columns, or too many sets of components"
                          : "view: no memory for a class",
                      0);
}

/* The class as it was as long before the base as the message is after it. */
static const skep__codes *class_older(const skep_view *view, const skep__wire_message *m,
                                      uint32_t layout)
{
    const uint32_t gap = m->header.tick - m->header.base;
    if (!m->header.base || gap >= m->header.base) return NULL;
    const skep__client_state *state = ring_find(view, m->header.base - gap);
    const skep__client_class *class = state ? state_find(state, m->header.class) : NULL;
    return class && class->layout == layout ? &class->codes : NULL;
}

static bool next_class(skep_view *view, skep__wire_message *m, skep_error *error)
{
    const skep__client_class *base = NULL;
    uint32_t layout = 0;
    if (!class_layout(view, m, &base, &layout, error)) return false;
    skep__client_class *class = skep__client_alloc(view, sizeof *class);
    if (!class) return state_fail(error, SKEP_NO_MEMORY, "view: no memory for a class", 0);
    *class = (skep__client_class){.refs = 1, .layout = layout};
    *error = (skep_error){0};
    const skep__code_past past = {&view->layouts[layout].code, base ? &base->codes : NULL,
                                  class_older(view, m, layout)};
    if (skep__class_decode(&past, m, &view->pool, &class->codes, error) != SKEP_OK) {
        skep__client_free(view, class, sizeof *class);
        return false;
    }
    class->entity_count = codes_count(&class->codes);
    if (state_put(view, &view->next.state, m->header.class, class)) return true;
    skep__client_class_drop(view, class);
    return state_fail(error, SKEP_NO_MEMORY, "view: no memory for a class", 0);
}

bool skep__client_class_message(skep_view *view, skep__wire_message *m, skep_error *error)
{
    skep__client_next *next = &view->next;
    if (!next->left)
        return state_fail(error, SKEP_CORRUPT, "view: a class that belongs to no state", 3);
    next->left--;
    if (!next->open) return true; /* of a state that was given up */
    bool good = false;
    if (m->header.tick != next->state.tick)
        good = state_fail(error, SKEP_CORRUPT, "view: a class of another state", 8);
    else if (m->header.class)
        good = next_class(view, m, error);
    else
        good = next_resources(view, m, error);
    if (!good) {
        const uint32_t left = next->left;
        skep__client_next_drop(view);
        next->left = left;
        return false;
    }
    return next->left ? true : next_push(view, error);
}
