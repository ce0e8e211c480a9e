/* SPDX-License-Identifier: MIT */
/* The world's side: holds inputs until their tick, collects events, and takes states.
 *
 * Inputs that wait lie in one array, in the order in which they came; those of a tick go to the
 * world in that order, and the world sorts them by player and number. An input that came too late
 * goes with the next frame; its slack says so to the player. */
#include "core/replicate/publish_internal.h"

#include "skep/world.h"

#define FEED_ALIGN 16u

typedef struct feed_input {
    uint32_t player;
    uint32_t tick;
    uint64_t number;
    uint32_t replica;
    int32_t slack;
    uint8_t *value; /* its C struct */
} feed_input;

struct skep_feed {
    skep_world *world;
    skep_publish_desc desc;
    skep__schema schema;
    skep_allocator allocator;
    uint32_t player_count, player_cap;
    skep__state_player *players;
    uint32_t input_count, input_cap;
    feed_input *inputs;
    uint64_t event_seq; /* the first that was not collected */
    uint32_t event_count;
    uint32_t event_bytes, event_cap;
    uint8_t *events;
    bool events_lost;
    uint64_t state_tick; /* of the last state */
};

/* ---- life ------------------------------------------------------------------------------------ */

static skep_status feed_register(skep_feed *feed)
{
    for (uint32_t r = 0; r < feed->desc.replica_count; r++) {
        if (!(feed->schema.components >> r & 1u)) continue;
        const skep_status status = skep_world_component(feed->world, feed->desc.replicas[r].info);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

skep_status skep_feed_create(skep_world *world, const skep_publish_desc *desc, skep_feed **feed)
{
    skep_publish_desc d = *desc;
    skep__schema schema;
    *feed = NULL;
    skep_status status = skep__publish_desc_check(&d, &schema);
    if (status != SKEP_OK) return status;
    skep_feed *f = skep__alloc(&d.allocator, sizeof *f, FEED_ALIGN);
    if (!f) return SKEP_NO_MEMORY;
    f->world = world;
    f->desc = d;
    f->schema = schema;
    f->allocator = d.allocator;
    f->event_seq = skep_world_event_seq(world);
    status = feed_register(f);
    if (status == SKEP_OK)
        *feed = f;
    else
        skep_feed_destroy(f);
    return status;
}

static void feed_free_value(skep_feed *f, const feed_input *input)
{
    skep__free(&f->allocator, input->value, f->desc.replicas[input->replica].info->size,
               FEED_ALIGN);
}

void skep_feed_destroy(skep_feed *f)
{
    if (!f) return;
    const skep_allocator allocator = f->allocator;
    for (uint32_t i = 0; i < f->input_count; i++) feed_free_value(f, &f->inputs[i]);
    skep__array_free(&allocator, (void **)&f->players, &f->player_cap, sizeof *f->players);
    skep__array_free(&allocator, (void **)&f->inputs, &f->input_cap, sizeof *f->inputs);
    skep__array_free(&allocator, (void **)&f->events, &f->event_cap, 1);
    skep__free(&allocator, f, sizeof *f, FEED_ALIGN);
}

/* ---- players --------------------------------------------------------------------------------- */

static skep__state_player *feed_player(const skep_feed *f, uint32_t player)
{
    for (uint32_t i = 0; i < f->player_count; i++)
        if (f->players[i].player == player) return &f->players[i];
    return NULL;
}

skep_status skep_feed_join(skep_feed *f, uint32_t player)
{
    if (player == 0) return SKEP_ARGUMENT;
    if (feed_player(f, player)) return SKEP_EXISTS;
    if (!skep__array_grow(&f->allocator, (void **)&f->players, &f->player_cap, f->player_count + 1u,
                          sizeof *f->players))
        return SKEP_NO_MEMORY;
    f->players[f->player_count++] = (skep__state_player){.player = player};
    return SKEP_OK;
}

void skep_feed_leave(skep_feed *f, uint32_t player)
{
    skep__state_player *p = feed_player(f, player);
    uint32_t kept = 0;
    if (!p) return;
    *p = f->players[--f->player_count];
    for (uint32_t i = 0; i < f->input_count; i++)
        if (f->inputs[i].player == player)
            feed_free_value(f, &f->inputs[i]);
        else
            f->inputs[kept++] = f->inputs[i];
    f->input_count = kept;
}

skep_status skep_feed_own(skep_feed *f, uint32_t player, skep_entity entity)
{
    skep__state_player *p = feed_player(f, player);
    if (!p) return SKEP_NOT_FOUND;
    p->own = entity;
    return SKEP_OK;
}

skep_status skep_feed_input(skep_feed *f, const skep_publish_event *event)
{
    const uint32_t replica = event->replica;
    if (!feed_player(f, event->player)) return SKEP_OK;
    if (replica >= f->desc.replica_count || !(f->schema.inputs >> replica & 1u))
        return SKEP_ARGUMENT;
    const skep_component *info = f->desc.replicas[replica].info;
    skep__wire_reader r = {.bytes = event->bytes, .end = event->size};
    if (!skep__array_grow(&f->allocator, (void **)&f->inputs, &f->input_cap, f->input_count + 1u,
                          sizeof *f->inputs))
        return SKEP_NO_MEMORY;
    feed_input input = {
        .player = event->player, .tick = event->tick, .number = event->number, .replica = replica};
    input.slack = (int32_t)(event->tick - (uint32_t)(skep_world_tick(f->world) + 1u));
    if (info->size) {
        input.value = skep__alloc(&f->allocator, info->size, FEED_ALIGN);
        if (!input.value) return SKEP_NO_MEMORY;
        if (!skep__message_get_value(&r, info, input.value) || !skep__wire_get_end(&r)) {
            feed_free_value(f, &input);
            return SKEP_ARGUMENT;
        }
    }
    f->inputs[f->input_count++] = input;
    return SKEP_OK;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static skep_status feed_give(skep_feed *f, const feed_input *input)
{
    skep__state_player *p = feed_player(f, input->player);
    skep_status status = SKEP_OK;
    if (!skep_entity_is_null(p->own))
        status = skep_world_input(f->world, input->player, input->number, p->own,
                                  f->desc.replicas[input->replica].info, input->value);
    /* An entity that is gone is no error of the frame's. */
    if (status == SKEP_GONE) status = SKEP_OK;
    if (status != SKEP_OK) return status;
    if (input->number > p->number) {
        p->number = input->number;
        p->slack = input->slack;
    }
    return SKEP_OK;
}

skep_status skep_feed_begin(skep_feed *f)
{
    const uint32_t tick = (uint32_t)(skep_world_tick(f->world) + 1u);
    skep_status status = SKEP_OK;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < f->input_count; i++) {
        const feed_input input = f->inputs[i];
        const bool due = (int32_t)(input.tick - tick) <= 0 && status == SKEP_OK;
        if (due) status = feed_give(f, &input);
        if (due && status == SKEP_OK)
            feed_free_value(f, &input);
        else
            f->inputs[kept++] = input;
    }
    f->input_count = kept;
    return status;
}

static bool feed_put_event(skep_feed *f, const skep__message_event *event)
{
    const uint32_t most = event->size + 32u;
    if (f->event_bytes + most > f->desc.event_bytes_max) return false;
    if (!skep__array_grow(&f->allocator, (void **)&f->events, &f->event_cap, f->event_bytes + most,
                          1))
        return false;
    skep__wire_writer w = {.bytes = f->events + f->event_bytes, .bytes_max = most};
    skep__message_put_event(&w, event);
    SKEP_ASSERT(w.need <= most);
    f->event_bytes += skep__u32(w.need);
    f->event_count++;
    return true;
}

/* Writes one event's value to the wire's form. */
static bool feed_collect_one(skep_feed *f, uint32_t replica, const skep_event_iter *it)
{
    const skep_component *info = f->desc.replicas[replica].info;
    uint8_t value[2048];
    skep__wire_writer w = {.bytes = value, .bytes_max = sizeof value};
    if (info->field_count) skep__message_put_value(&w, info, it->value);
    const skep__message_event event = {
        .replica = replica, .to = it->to, .bytes = value, .size = skep__u32(w.need)};
    return w.need <= sizeof value && feed_put_event(f, &event);
}

static void feed_collect(skep_feed *f)
{
    for (uint32_t r = 0; r < f->desc.replica_count; r++) {
        if (!(f->schema.events >> r & 1u)) continue;
        skep_event_iter it = skep_world_events(f->world, f->desc.replicas[r].info, f->event_seq);
        while (skep_event_next(&it))
            if (!feed_collect_one(f, r, &it)) f->events_lost = true;
    }
    f->event_seq = skep_world_event_seq(f->world);
}

/* Moves what was collected into a state. */
static skep_status feed_fill(skep_feed *f, skep_state *state)
{
    if (f->player_count &&
        !skep__array_grow(state->allocator, (void **)&state->players, &state->player_cap,
                          f->player_count, sizeof *state->players))
        return SKEP_NO_MEMORY;
    if (f->player_count) memcpy(state->players, f->players, f->player_count * sizeof *f->players);
    state->player_count = f->player_count;
    state->events = f->events;
    state->event_cap = f->event_cap;
    state->event_bytes = f->event_bytes;
    state->event_count = f->event_count;
    state->events_lost = f->events_lost;
    f->events = NULL;
    f->event_cap = f->event_bytes = f->event_count = 0;
    f->events_lost = false;
    return SKEP_OK;
}

static skep_status feed_take(skep_feed *f, bool detach, skep_state **out)
{
    skep_state *state = skep__alloc(&f->allocator, sizeof *state, FEED_ALIGN);
    if (!state) return SKEP_NO_MEMORY;
    state->allocator_copy = f->allocator;
    state->allocator = &state->allocator_copy;
    state->tick = (uint32_t)skep_world_tick(f->world);
    skep_status status = skep_snapshot_take(f->world, &state->snapshot);
    if (status == SKEP_OK && detach) status = skep_snapshot_detach(state->snapshot);
    if (status == SKEP_OK) status = feed_fill(f, state);
    if (status == SKEP_OK)
        *out = state;
    else
        skep_state_drop(state);
    return status;
}

skep_status skep_feed_end(skep_feed *f, bool detach, skep_state **state)
{
    const uint64_t tick = skep_world_tick(f->world);
    *state = NULL;
    feed_collect(f);
    const bool went_back = tick < f->state_tick;
    if (tick == 0 || (!went_back && tick - f->state_tick < f->desc.every)) return SKEP_OK;
    const skep_status status = feed_take(f, detach, state);
    if (status == SKEP_OK) f->state_tick = tick;
    return status;
}

void skep_state_drop(skep_state *state)
{
    if (!state) return;
    const skep_allocator allocator = state->allocator_copy;
    if (state->snapshot) skep_snapshot_return(state->snapshot);
    skep__array_free(&allocator, (void **)&state->events, &state->event_cap, 1);
    skep__array_free(&allocator, (void **)&state->players, &state->player_cap,
                     sizeof *state->players);
    skep__free(&allocator, state, sizeof *state, FEED_ALIGN);
}
