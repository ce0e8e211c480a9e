/* SPDX-License-Identifier: MIT */
/* The publisher: takes states over, keeps messages that many sessions share, and remembers players.
 *
 * What changed in a class since some base is encoded when the first session asks for it, and kept
 * until the next state; all who have that base get the same bytes. A session holds what it has not
 * handed out yet, so a message lives as long as somebody is still to get it. */
#include "core/replicate/publish_internal.h"

#include "core/data/snapshot_internal.h"

#define PUBLISH_ALIGN 16u
#define PUBLISH_BYTES_MAX (SIZE_MAX / 4u)

/* ---- frames ---------------------------------------------------------------------------------- */

uint8_t *skep__packet_bytes(const skep_publisher *p, const skep__packet *frame)
{
    return (uint8_t *)(uintptr_t)(frame + 1) + p->desc.headroom;
}

skep__packet *skep__packet_make(skep_publisher *p, const void *bytes, size_t size)
{
    const size_t whole = sizeof(skep__packet) + p->desc.headroom + size;
    skep__packet *frame = p->allocator.alloc(p->allocator.ctx, whole, PUBLISH_ALIGN);
    if (!frame) return NULL;
    *frame = (skep__packet){.refs = 1, .size = skep__u32(size), .whole = whole};
    memcpy(skep__packet_bytes(p, frame), bytes, size);
    p->pool.bytes_held += whole;
    return frame;
}

skep__packet *skep__packet_hold(skep__packet *frame)
{
    frame->refs++;
    return frame;
}

void skep__packet_drop(skep_publisher *p, skep__packet *frame)
{
    if (!frame || --frame->refs > 0) return;
    p->pool.bytes_held -= frame->whole;
    skep__free(&p->allocator, frame, frame->whole, PUBLISH_ALIGN);
}

void skep__packets_clear(skep_publisher *p, skep__packet_cache *cache)
{
    for (uint32_t i = 0; i < cache->count; i++) skep__packet_drop(p, cache->at[i].frame);
    cache->count = 0;
}

skep__packet *skep__packets_find(const skep__packet_cache *cache, uint32_t base, bool older)
{
    for (uint32_t i = 0; i < cache->count; i++)
        if (cache->at[i].base == base && cache->at[i].older == older) return cache->at[i].frame;
    return NULL;
}

skep_status skep__packets_add(skep_publisher *p, skep__packet_cache *cache, uint32_t base,
                              bool older, skep__packet *frame)
{
    if (!skep__array_grow(&p->allocator, (void **)&cache->at, &cache->cap, cache->count + 1u,
                          sizeof *cache->at)) {
        skep__packet_drop(p, frame);
        return SKEP_NO_MEMORY;
    }
    cache->at[cache->count].base = base;
    cache->at[cache->count].older = older;
    cache->at[cache->count].frame = frame;
    cache->count++;
    p->stats.frames_encoded++;
    p->stats.bytes_encoded += frame->size;
    return SKEP_OK;
}

/* Makes a shared frame of what was encoded. */
static skep_status publish_keep_frame(skep_publisher *p, const skep__wire_writer *w,
                                      skep__packet_cache *cache, uint32_t base, bool older,
                                      skep__packet **frame)
{
    skep__packet *made = skep__packet_make(p, p->paper, w->need);
    if (!made) return SKEP_NO_MEMORY;
    const skep_status status = skep__packets_add(p, cache, base, older, made);
    if (status == SKEP_OK) *frame = made;
    return status;
}

/* One message in about a second says the hash of its class. */
static bool publish_says_hash(const skep_publisher *p, const skep__view_class *c)
{
    const uint32_t states = skep__max_u32(SKEP__HASH_TICKS / p->desc.every, 1u);
    return (p->round + c->id) % states == 0;
}

skep_status skep__class_frame(skep_publisher *p, const skep__view_classes *view,
                              skep__view_class *c, uint32_t base, bool older, skep__packet **frame)
{
    const skep__codes *now = &c->history[c->history_count - 1u];
    const skep__codes *from = base ? skep__class_at(c, base) : NULL;
    *frame = NULL;
    SKEP_ASSERT(c->history_count > 0 && (!base || from));
    if (from == now) return SKEP_OK;
    const uint32_t older_tick = older && 2u * base > p->tick ? 2u * base - p->tick : 0u;
    const skep__codes *before =
        older_tick >= p->tick_oldest && older_tick ? skep__class_at(c, older_tick) : NULL;
    *frame = skep__packets_find(&c->frames, base, before != NULL);
    if (*frame) return SKEP_OK;
    skep__wire_writer w = {.bytes = p->paper, .bytes_max = p->paper_bytes};
    const skep__class_message message = {
        .class_id = c->id, .tick = p->tick, .base_tick = base, .hash = publish_says_hash(p, c)};
    const skep__code_past past = {&view->layouts[c->layout], from, before};
    const skep_status status = skep__class_encode(&message, &past, now, &p->pool, &w);
    if (status != SKEP_OK) return status;
    return publish_keep_frame(p, &w, &c->frames, base, before != NULL, frame);
}

/* ---- resources ------------------------------------------------------------------------------- */

static const skep__snap_blob *publish_find_resource(const skep_snapshot *s,
                                                    const skep_component *info)
{
    /* The world may know it by a description of somebody else's. */
    const uint64_t identity = skep__component_identity(info);
    for (uint32_t i = 0; i < s->resource_count; i++)
        if (s->blobs[i].identity == identity && s->blobs[i].blob.bytes >= info->size)
            return &s->blobs[i];
    return NULL;
}

static skep_status publish_take_resource(skep_publisher *p, uint32_t number,
                                         const skep_snapshot *snapshot)
{
    const skep_component *info = p->desc.replicas[number].info;
    skep__published *r = &p->resources[number];
    const skep__snap_blob *blob = publish_find_resource(snapshot, info);
    const uint32_t bytes = skep__message_value_bytes(info);
    if (!blob) return SKEP_OK;
    if (!skep__array_grow(&p->allocator, (void **)&r->value, &r->cap, bytes, 1))
        return SKEP_NO_MEMORY;
    skep__wire_writer w = {.bytes = p->paper, .bytes_max = p->paper_bytes};
    if (bytes > p->paper_bytes) return SKEP_LIMIT;
    skep__message_put_value(&w, info, skep__snap_blob_read(snapshot, &blob->blob));
    if (r->tick && r->bytes == bytes && memcmp(r->value, p->paper, bytes) == 0) return SKEP_OK;
    memcpy(r->value, p->paper, bytes);
    r->bytes = bytes;
    r->tick = p->tick;
    return SKEP_OK;
}

skep_status skep__resources_update(skep_publisher *p, const skep_snapshot *snapshot)
{
    skep__packets_clear(p, &p->resource_frames);
    for (uint32_t i = 0; i < p->desc.replica_count; i++) {
        if (!(p->schema.resources >> i & 1u)) continue;
        const skep_status status = publish_take_resource(p, i, snapshot);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

static uint32_t publish_count_resources(const skep_publisher *p, uint32_t base)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->desc.replica_count; i++)
        count += p->resources[i].tick > base ? 1u : 0u;
    return count;
}

skep_status skep__resources_frame(skep_publisher *p, uint32_t base, skep__packet **frame)
{
    const uint32_t count = publish_count_resources(p, base);
    *frame = count ? skep__packets_find(&p->resource_frames, base, false) : NULL;
    if (!count || *frame) return SKEP_OK;
    const skep__wire_header header = {.type = base ? SKEP__WIRE_DELTA : SKEP__WIRE_SNAPSHOT,
                                      .tick = p->tick,
                                      .base = base,
                                      .class = SKEP__CLASS_RESOURCES};
    skep__wire_writer w = {.bytes = p->paper, .bytes_max = p->paper_bytes};
    skep__wire_message_begin(&w, &header);
    skep__wire_section_begin(&w, SKEP__WIRE_SECTION_RESOURCES);
    skep__wire_put_varint(&w, count);
    for (uint32_t i = 0; i < p->desc.replica_count; i++) {
        if (p->resources[i].tick <= base) continue;
        skep__wire_put_varint(&w, i);
        skep__wire_put_bytes(&w, p->resources[i].value, p->resources[i].bytes);
    }
    skep__wire_section_end(&w);
    const skep_status status = skep__wire_message_end(&w);
    if (status != SKEP_OK) return status;
    return publish_keep_frame(p, &w, &p->resource_frames, base, false, frame);
}

/* ---- players and what happened --------------------------------------------------------------- */

skep__player *skep__player_find(const skep_publisher *p, uint32_t number)
{
    for (uint32_t i = 0; i < p->player_count; i++)
        if (p->players[i]->number == number) return p->players[i];
    return NULL;
}

void skep__player_free(skep_publisher *p, skep__player *player)
{
    uint32_t i = 0;
    while (i < p->player_count && p->players[i] != player) i++;
    SKEP_ASSERT(i < p->player_count);
    memmove(p->players + i, p->players + i + 1u, (p->player_count - i - 1u) * sizeof *p->players);
    p->player_count--;
    skep__array_free(&p->allocator, (void **)&player->own_values, &player->own_cap, 1);
    skep__free(&p->allocator, player, sizeof *player, PUBLISH_ALIGN);
}

bool skep__publish_say(skep_publisher *p, const skep_publish_event *event)
{
    if (p->item_first == p->item_count) p->item_first = p->item_count = 0;
    if (!skep__array_grow(&p->allocator, (void **)&p->items, &p->item_cap, p->item_count + 1u,
                          sizeof *p->items))
        return false;
    skep__publish_item *item = &p->items[p->item_count];
    *item = (skep__publish_item){.event = *event};
    if (event->size) {
        item->bytes = p->allocator.alloc(p->allocator.ctx, event->size, PUBLISH_ALIGN);
        if (!item->bytes) return false;
        memcpy(item->bytes, event->bytes, event->size);
    }
    item->event.bytes = item->bytes;
    p->item_count++;
    return true;
}

bool skep_publisher_poll(skep_publisher *p, skep_publish_event *event)
{
    skep__free(&p->allocator, p->item_bytes, p->item_size, PUBLISH_ALIGN);
    p->item_bytes = NULL;
    p->item_size = 0;
    if (p->item_first == p->item_count) return false;
    const skep__publish_item *item = &p->items[p->item_first++];
    p->item_bytes = item->bytes;
    p->item_size = item->event.size;
    *event = item->event;
    return true;
}

/* Says that a player is gone, and forgets him. */
static void publish_leave(skep_publisher *p, skep__player *player)
{
    const skep_publish_event event = {.kind = SKEP_PUBLISH_LEAVE, .player = player->number};
    if (!skep__publish_say(p, &event)) return; /* again next time */
    skep__player_free(p, player);
}

void skep__players_expire(skep_publisher *p, uint64_t now_ns)
{
    const uint64_t most = (uint64_t)p->desc.resume_ms * 1000000u;
    for (uint32_t i = p->player_count; i > 0; i--) {
        skep__player *player = p->players[i - 1u];
        if (!player->session && (!player->has_token || now_ns - player->gone_ns > most))
            publish_leave(p, player);
    }
}

/* What a player is told of his own entity: its predicted components as they are. */
static skep_status publish_take_own(skep_publisher *p, skep__player *player,
                                    const skep_snapshot *snapshot)
{
    skep__wire_writer w = {.bytes = p->paper, .bytes_max = p->paper_bytes};
    player->own_bytes = 0;
    if (!skep_snapshot_alive(snapshot, player->own)) player->own = skep_entity_null();
    if (!player->predicted || skep_entity_is_null(player->own)) return SKEP_OK;
    for (uint32_t r = 0; r < p->desc.replica_count; r++) {
        if (!(player->predicted >> r & 1u)) continue;
        const skep_component *info = p->desc.replicas[r].info;
        uint8_t *value = p->paper + p->paper_bytes; /* room for a struct is kept behind the paper */
        const bool has = skep_snapshot_get(snapshot, player->own, info, info->size ? value : NULL);
        skep__wire_put_u8(&w, has);
        if (has) skep__message_put_value(&w, info, value);
    }
    if (w.need > p->paper_bytes) return SKEP_LIMIT;
    if (!skep__array_grow(&p->allocator, (void **)&player->own_values, &player->own_cap,
                          skep__u32(w.need), 1))
        return SKEP_NO_MEMORY;
    memcpy(player->own_values, p->paper, w.need);
    player->own_bytes = skep__u32(w.need);
    return SKEP_OK;
}

static skep_status publish_take_players(skep_publisher *p, const skep_state *state)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < p->player_count; i++) {
        skep__player *player = p->players[i];
        player->own = skep_entity_null();
        /* Both lists have much the same order: look on from where the last one was. */
        for (uint32_t k = 0; k < state->player_count; k++) {
            const uint32_t j = next < state->player_count ? next : 0;
            next = j + 1u;
            if (state->players[j].player != player->number) continue;
            player->own = state->players[j].own;
            player->applied = state->players[j].number;
            player->slack = state->players[j].slack;
            break;
        }
        const skep_status status = publish_take_own(p, player, state->snapshot);
        if (status != SKEP_OK) return status;
    }
    return SKEP_OK;
}

/* ---- states ---------------------------------------------------------------------------------- */

/* The world went back: nothing that anybody has is a base any more. */
static void publish_reset(skep_publisher *p)
{
    p->epoch++;
    for (uint32_t i = 0; i < SKEP__VIEWS_MAX; i++)
        if (p->views[i].components) skep__view_reset(p, &p->views[i]);
    for (uint32_t i = 0; i < p->session_count; i++) skep__session_reset(p->sessions[i]);
    for (uint32_t i = 0; i < p->desc.replica_count; i++) p->resources[i].tick = 0;
    p->tick_oldest = 0;
}

static skep_status publish_events(skep_publisher *p, const skep_state *state)
{
    const skep__wire_header header = {.type = SKEP__WIRE_EVENT, .tick = state->tick};
    if (state->event_count == 0 && !state->events_lost) return SKEP_OK;
    skep__wire_writer w = {.bytes = p->paper, .bytes_max = p->paper_bytes};
    skep__wire_message_begin(&w, &header);
    skep__wire_section_begin(&w, SKEP__WIRE_SECTION_EVENTS);
    skep__wire_put_varint(&w, state->event_count);
    skep__wire_put_bytes(&w, state->events, state->event_bytes);
    skep__wire_section_end(&w);
    const bool lost = skep__wire_message_end(&w) != SKEP_OK || state->events_lost;
    skep__packet *frame = lost ? NULL : skep__packet_make(p, p->paper, w.need);
    const char *why = lost ? "events: more than event_bytes_max between two states"
                           : "events: there is no memory for them";
    for (uint32_t i = 0; i < p->session_count; i++)
        skep__session_events(p->sessions[i], frame, why);
    skep__packet_drop(p, frame);
    return lost || frame ? SKEP_OK : SKEP_NO_MEMORY;
}

static skep_status publish_take(skep_publisher *p, const skep_state *state)
{
    const uint32_t span = p->desc.ring * p->desc.every;
    if (state->tick < p->tick) publish_reset(p);
    p->tick = state->tick;
    p->round++;
    p->tick_oldest = skep__max_u32(p->tick_oldest, p->tick > span ? p->tick - span : 1u);
    skep_status status = publish_events(p, state);
    if (status == SKEP_OK) status = publish_take_players(p, state);
    if (status == SKEP_OK) status = skep__resources_update(p, state->snapshot);
    for (uint32_t i = 0; i < SKEP__VIEWS_MAX && status == SKEP_OK; i++)
        if (p->views[i].components && p->views[i].users)
            status = skep__view_update(p, &p->views[i], state->snapshot);
        else if (p->views[i].components)
            skep__view_deinit(p, &p->views[i]);
    return status;
}

skep_status skep_publisher_update(skep_publisher *p, skep_state *state, uint64_t now_ns)
{
    skep_status status = SKEP_OK;
    if (state->tick != p->tick) {
        status = publish_take(p, state);
        p->update_ns = now_ns;
        p->stats.states++;
        p->stats.entity_count = skep_snapshot_entity_count(state->snapshot);
        /* What a failed update left is no state that anybody may build on. */
        if (status != SKEP_OK) publish_reset(p);
        if (status != SKEP_OK && p->desc.log.fn)
            p->desc.log.fn(p->desc.log.ctx, SKEP_LOG_ERROR,
                           status == SKEP_LIMIT
                               ? "publish: an entity has more than 256 elements in all that is "
                                 "published of it, or a value is larger than message_down_max"
                               : "publish: there is no memory for a state");
    }
    skep_state_drop(state);
    skep__players_expire(p, now_ns);
    return status;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* The largest C struct of what is published. */
static size_t publish_struct_max(const skep_publish_desc *d)
{
    size_t most = 0;
    for (uint32_t r = 0; r < d->replica_count; r++)
        if (d->replicas[r].info->size > most) most = d->replicas[r].info->size;
    return most;
}

skep_status skep_publisher_create(const skep_publish_desc *desc, skep_publisher **publisher)
{
    skep_publish_desc d = *desc;
    skep__schema schema;
    *publisher = NULL;
    const skep_status status = skep__publish_desc_check(&d, &schema);
    if (status != SKEP_OK) return status;
    if (!d.random) {
        if (d.log.fn)
            d.log.fn(d.log.ctx, SKEP_LOG_ERROR,
                     "publish: random: a publisher needs bytes that nobody can guess");
        return SKEP_ARGUMENT;
    }
    skep_publisher *p = skep__alloc(&d.allocator, sizeof *p, PUBLISH_ALIGN);
    if (!p) return SKEP_NO_MEMORY;
    p->desc = d;
    p->schema = schema;
    p->allocator = d.allocator;
    p->limits = skep__wire_limits_default();
    p->limits.up_bytes_max = d.message_up_max;
    p->limits.down_bytes_max = d.message_down_max;
    p->pool = (skep__code_pool){.allocator = &p->allocator, .bytes_max = PUBLISH_BYTES_MAX};
    p->class_id_next = SKEP__CLASS_RESOURCES + 1u;
    p->paper_bytes = skep__align(d.message_down_max, PUBLISH_ALIGN);
    p->paper = skep__alloc(&d.allocator, p->paper_bytes + publish_struct_max(&d), PUBLISH_ALIGN);
    if (!p->paper) {
        skep__free(&d.allocator, p, sizeof *p, PUBLISH_ALIGN);
        return SKEP_NO_MEMORY;
    }
    *publisher = p;
    return SKEP_OK;
}

void skep_publisher_destroy(skep_publisher *p)
{
    if (!p) return;
    const skep_allocator allocator = p->allocator;
    skep_publish_event event;
    while (p->session_count) skep__session_free(p->sessions[p->session_count - 1u]);
    while (p->player_count) skep__player_free(p, p->players[p->player_count - 1u]);
    while (skep_publisher_poll(p, &event)) continue;
    for (uint32_t i = 0; i < SKEP__VIEWS_MAX; i++) skep__view_deinit(p, &p->views[i]);
    for (uint32_t i = 0; i < SKEP_REPLICA_MAX; i++)
        skep__array_free(&allocator, (void **)&p->resources[i].value, &p->resources[i].cap, 1);
    skep__packets_clear(p, &p->resource_frames);
    skep__array_free(&allocator, (void **)&p->resource_frames.at, &p->resource_frames.cap,
                     sizeof *p->resource_frames.at);
    skep__array_free(&allocator, (void **)&p->sessions, &p->session_cap, sizeof *p->sessions);
    skep__array_free(&allocator, (void **)&p->players, &p->player_cap, sizeof *p->players);
    skep__array_free(&allocator, (void **)&p->items, &p->item_cap, sizeof *p->items);
    skep__free(&allocator, p->rows, p->rows_bytes, 64);
    SKEP_ASSERT(p->pool.bytes_held == 0);
    skep__free(&allocator, p->paper, p->paper_bytes + publish_struct_max(&p->desc), PUBLISH_ALIGN);
    skep__free(&allocator, p, sizeof *p, PUBLISH_ALIGN);
}

skep_publish_stats skep_publisher_stats(const skep_publisher *p)
{
    skep_publish_stats stats = p->stats;
    stats.tick = p->tick;
    stats.session_count = p->session_count;
    stats.player_count = p->player_count;
    stats.bytes_held = p->pool.bytes_held + p->paper_bytes + p->rows_bytes;
    for (uint32_t i = 0; i < SKEP__VIEWS_MAX; i++) stats.class_count += p->views[i].class_count;
    return stats;
}
