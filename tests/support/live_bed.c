/* SPDX-License-Identifier: MIT */
/* The world of live_bed.h and how views are moved on it. */
#include "live_bed.h"

#include "core/base/hash.h"
#include "skep/snapshot.h"

static const int8_t quanta[] = {-6, -6};
const skep_replica live_replicas[BED_REPLICAS] = {
    {&BedPos_info, quanta}, {&BedVel_info, quanta}, {&BedKind_info, NULL}, {&BedMark_info, NULL},
    {&BedScore_info, NULL}, {&BedHit_info, NULL},   {&BedSteer_info, NULL}};
const skep_rate live_rates[2] = {{&BedPos_info, 0, &BedVel_info, 0},
                                 {&BedPos_info, 1, &BedVel_info, 1}};
static const skep_component *const predicted[] = {&BedPos_info};

static uint64_t noise(uint64_t a, uint64_t b)
{
    return skep__hash_u64(a << 32 | b);
}

/* ---- the world ------------------------------------------------------------------------------- */

static void bed_spawn(live_bed *b)
{
    const uint64_t n = noise(b->frames, b->entity_count + 1u);
    skep_entity e;
    if (b->entity_count == BED_ENTITIES_MAX) return;
    BED_MUST(skep_entity_create(b->world, &e) == SKEP_OK);
    const BedPos pos = {(float)(int32_t)(n % 4096u) / 64.0f, (float)(int32_t)(n >> 12 & 63u)};
    const BedVel vel = {(float)((int32_t)(n >> 20 & 15u) - 8), (float)((int32_t)(n >> 24 & 3u))};
    BED_MUST(BedPos_attach(b->world, e, pos) == SKEP_OK);
    if (n >> 30 & 3u) BED_MUST(BedVel_attach(b->world, e, vel) == SKEP_OK);
    if ((n >> 33 & 3u) == 0) {
        const BedKind kind = {(uint8_t)(n >> 40), e};
        BED_MUST(BedKind_attach(b->world, e, kind) == SKEP_OK);
    }
    if ((n >> 36 & 3u) == 0) BED_MUST(BedMark_attach(b->world, e) == SKEP_OK);
    b->entities[b->entity_count++] = e;
}

static void bed_change_one(live_bed *b, uint32_t i)
{
    const skep_entity e = b->entities[i];
    const uint64_t n = noise(b->frames, 1000u + i);
    BedPos pos;
    BedVel vel;
    if (n % 4u == 0 || !BedPos_of(b->world, e, &pos)) return;
    if (!BedVel_of(b->world, e, &vel)) vel = (BedVel){0, 0};
    pos.x += vel.x * 0.25f;
    pos.y += vel.y * 0.25f + (float)(n >> 8 & 1u) / 64.0f;
    BED_MUST(BedPos_set(b->world, e, pos) == SKEP_OK);
}

static void bed_change(live_bed *b)
{
    for (uint32_t i = 0; i < b->entity_count; i++) bed_change_one(b, i);
    if (b->frames % 3u == 0) bed_spawn(b);
    if (b->frames % 3u == 1 && b->entity_count > 4u) {
        const uint32_t i = (uint32_t)(noise(b->frames, 7) % b->entity_count);
        BED_MUST(skep_entity_destroy(b->world, b->entities[i]) == SKEP_OK);
        b->entities[i] = b->entities[--b->entity_count];
    }
    if (b->frames % 4u == 0)
        BED_MUST(BedScore_set(b->world, (BedScore){b->frames, b->entity_count}) == SKEP_OK);
    if (b->frames % 4u == 2 && !b->quiet)
        BED_MUST(BedHit_post(b->world, skep_entity_null(),
                             (BedHit){(uint16_t)b->frames, b->entities[0]}) == SKEP_OK);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void bed_random(void *ctx, void *bytes, size_t n)
{
    live_bed *b = ctx;
    for (size_t i = 0; i < n; i++) ((uint8_t *)bytes)[i] = (uint8_t)noise(99, b->random++);
}

void live_bed_publisher(live_bed *b)
{
    skep_publish_event event;
    if (b->publisher) {
        while (skep_publisher_poll(b->publisher, &event))
            if (event.kind == SKEP_PUBLISH_LEAVE) skep_feed_leave(b->feed, event.player);
        skep_publisher_destroy(b->publisher);
    }
    for (uint32_t i = 1; i <= b->players; i++) skep_feed_leave(b->feed, i);
    BED_MUST(skep_publisher_create(&b->desc, &b->publisher) == SKEP_OK);
}

void live_bed_open(live_bed *b, skep_region region, skep_allocator world_memory, skep_allocator own,
                   uint32_t count)
{
    memset(b, 0, sizeof *b);
    b->allocator = own;
    b->views = own;
    b->now_ns = 1000000000u;
    skep_world_desc wd = skep_world_desc_default();
    wd.entity_max = BED_ENTITIES_MAX * 2u;
    wd.region = region;
    wd.allocator = world_memory;
    BED_MUST(skep_world_create(&wd, &b->world) == SKEP_OK);
    skep_plan_desc pd = skep_plan_desc_default();
    BED_MUST(skep_plan_create(b->world, &pd, &b->plan) == SKEP_OK);
    b->desc = skep_publish_desc_default();
    b->desc.replicas = live_replicas;
    b->desc.replica_count = BED_REPLICAS;
    b->desc.rates = live_rates;
    b->desc.rate_count = 2;
    b->desc.every = 1;
    b->desc.ring = 8;
    b->desc.message_down_max = 65536;
    b->desc.random = bed_random;
    b->desc.random_ctx = b;
    b->desc.allocator = world_memory;
    BED_MUST(skep_feed_create(b->world, &b->desc, &b->feed) == SKEP_OK);
    b->desc.allocator = own;
    while (b->entity_count < count) bed_spawn(b);
    BED_MUST(skep_snapshot_take(b->world, &b->start) == SKEP_OK);
    b->start_count = b->entity_count;
    memcpy(b->start_entities, b->entities, sizeof b->entities);
    live_bed_publisher(b);
}

void live_bed_close(live_bed *b)
{
    skep_publisher_destroy(b->publisher);
    skep_feed_destroy(b->feed);
    skep_snapshot_release(b->start);
    skep_plan_destroy(b->plan);
    skep_world_destroy(b->world);
}

void live_bed_restart(live_bed *b)
{
    BED_MUST(skep_world_restore(b->world, b->start) == SKEP_OK);
    b->entity_count = b->start_count;
    memcpy(b->entities, b->start_entities, sizeof b->entities);
    b->frames = 0;
    b->rests = false;
    b->random = 0;
    b->now_ns = 1000000000u;
    live_bed_publisher(b);
    b->players = 0;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void bed_step(live_bed *b)
{
    skep_step step;
    BED_MUST(skep_frame_begin(b->plan, 1.0f / 64.0f, SKEP_TIME_AUTO) == SKEP_OK);
    do BED_MUST(skep_frame_next(b->plan, 0, &step) == SKEP_OK);
    while (step.kind != SKEP_STEP_END);
    BED_MUST(skep_frame_end(b->plan, NULL) == SKEP_OK);
}

skep_status live_bed_frame(live_bed *b)
{
    skep_state *state = NULL;
    BED_MUST(skep_feed_begin(b->feed) == SKEP_OK);
    b->frames++;
    if (!b->rests) bed_change(b);
    bed_step(b);
    BED_MUST(skep_feed_end(b->feed, false, &state) == SKEP_OK);
    b->now_ns += BED_FRAME_NS;
    return state ? skep_publisher_update(b->publisher, state, b->now_ns) : SKEP_OK;
}

void live_bed_answer(live_bed *b)
{
    skep_publish_event event;
    while (skep_publisher_poll(b->publisher, &event)) switch (event.kind) {
        case SKEP_PUBLISH_AUTH:
            if (event.size && *(const char *)event.bytes == 'n')
                skep_session_refuse(event.session, "the token is not known");
            else
                skep_session_accept(event.session, b->one_player ? 1u : ++b->players, b->now_ns);
            break;
        case SKEP_PUBLISH_JOIN:
            BED_MUST(skep_feed_join(b->feed, event.player) == SKEP_OK);
            (void)skep_feed_own(b->feed, event.player, b->entities[0]);
            break;
        case SKEP_PUBLISH_INPUT:
            BED_MUST(skep_feed_input(b->feed, &event) == SKEP_OK);
            b->inputs++;
            break;
        case SKEP_PUBLISH_LEAVE:
            skep_feed_leave(b->feed, event.player);
            break;
        }
}

/* ---- views ----------------------------------------------------------------------------------- */

skep_view *live_bed_view(const live_bed *b)
{
    skep_view *view = NULL;
    skep_view_desc d = skep_view_desc_default();
    d.replicas = live_replicas;
    d.replica_count = BED_REPLICAS;
    d.predict = predicted;
    d.predict_count = 1;
    d.bytes_max = (size_t)64 << 20;
    d.allocator = b->views;
    return skep_view_open(&d, &view) == SKEP_OK ? view : NULL;
}

void live_link_connect(live_link *l)
{
    if (l->session || skep_view_phase_of(l->view) == SKEP_VIEW_CLOSED) return;
    if (skep_session_create(l->bed->publisher, l->bed->now_ns, l, &l->session) != SKEP_OK) return;
    skep_view_connected(l->view, l->bed->now_ns);
}

void live_link_cut(live_link *l)
{
    if (l->session) skep_session_destroy(l->session, l->bed->now_ns);
    l->session = NULL;
    skep_view_disconnected(l->view, l->bed->now_ns);
}

void live_link_up(live_link *l)
{
    const void *bytes = NULL;
    size_t size = 0;
    while (l->session && skep_view_next(l->view, l->bed->now_ns, &bytes, &size)) {
        if (l->tap) l->tap(l->tap_ctx, false, bytes, size);
        (void)skep_session_receive(l->session, bytes, size, l->bed->now_ns);
    }
    live_bed_answer(l->bed);
}

bool live_link_down(live_link *l)
{
    const void *bytes = NULL;
    size_t size = 0;
    while (l->session && skep_session_next(l->session, l->bed->now_ns, &bytes, &size)) {
        if (l->tap) l->tap(l->tap_ctx, true, bytes, size);
        if (!skep_view_receive(l->view, bytes, size, l->bed->now_ns)) return false;
    }
    return l->session != NULL && !skep_session_reason(l->session);
}

bool live_link_move(live_link *l)
{
    bool open = l->session != NULL && skep_view_tick(l->view, l->bed->now_ns) &&
                skep_session_tick(l->session, l->bed->now_ns);
    for (uint32_t i = 0; open && i < 3u; i++) {
        live_link_up(l);
        open = live_link_down(l);
    }
    if (!open && l->session) live_link_cut(l);
    return open;
}

bool live_link_settle(live_link *l, uint32_t frames)
{
    l->bed->rests = true;
    for (uint32_t i = 0; i < frames; i++) {
        live_link_connect(l);
        if (live_bed_frame(l->bed) != SKEP_OK) continue;
        if (!live_link_move(l) && skep_view_phase_of(l->view) == SKEP_VIEW_CLOSED) return false;
        if (i % 4u == 3u && skep_view_phase_of(l->view) == SKEP_VIEW_LIVE &&
            live_bed_same(l->bed, l->view))
            return true;
    }
    return false;
}

/* ---- looking --------------------------------------------------------------------------------- */

static bool same_entity(live_bed *b, skep_view *view, skep_entity e)
{
    BedPos pos = {0, 0}, pos_seen = {0, 0};
    BedVel vel = {0, 0}, vel_seen = {0, 0};
    BedKind kind = {0}, kind_seen = {0};
    return BedPos_of(b->world, e, &pos) == skep_view_get(view, e, &BedPos_info, &pos_seen) &&
           BedVel_of(b->world, e, &vel) == skep_view_get(view, e, &BedVel_info, &vel_seen) &&
           BedKind_of(b->world, e, &kind) == skep_view_get(view, e, &BedKind_info, &kind_seen) &&
           skep_world_has(b->world, e, &BedMark_info) ==
               skep_view_get(view, e, &BedMark_info, NULL) &&
           pos.x == pos_seen.x && pos.y == pos_seen.y && vel.x == vel_seen.x &&
           vel.y == vel_seen.y && kind.kind == kind_seen.kind &&
           skep_entity_equal(kind.goal, kind_seen.goal);
}

bool live_bed_same(live_bed *b, skep_view *view)
{
    skep_view_rows rows = {0};
    uint32_t count = 0;
    if (skep_view_frame(view, b->now_ns + 1000000000u) != SKEP_OK) return false;
    while (skep_view_each(view, NULL, 0, &rows)) count += rows.count;
    if (count != b->entity_count) return false;
    for (uint32_t i = 0; i < count; i++)
        if (!same_entity(b, view, b->entities[i])) return false;
    const BedScore *truth = BedScore_read(b->world);
    const BedScore *seen = skep_view_resource(view, &BedScore_info);
    return !truth || (seen && seen->blue == truth->blue && seen->red == truth->red);
}

static uint64_t look_rows(skep_view *view, const skep_replica *schema, uint32_t count)
{
    uint64_t hash = 0;
    for (uint32_t c = 0; c < count; c++) {
        const skep_component *info = schema[c].info;
        skep_view_rows rows = {0};
        if (info->kind != SKEP_KIND_COMPONENT) continue;
        while (skep_view_each(view, &info, 1, &rows))
            for (uint32_t f = 0; f < info->field_count; f++) {
                const void *column = skep_view_column(view, &rows, info, f);
                const size_t bytes =
                    (size_t)rows.count * info->fields[f].size * info->fields[f].count;
                BED_MUST(column);
                hash = skep__hash_u64(hash ^ skep__hash_bytes(column, bytes, 1));
            }
    }
    return hash;
}

uint64_t live_bed_look(skep_view *view, uint64_t now_ns)
{
    skep_view_event event;
    uint32_t count = 0;
    const skep_replica *schema = skep_view_schema(view, &count);
    if (skep_view_frame(view, now_ns) != SKEP_OK) return 0;
    uint64_t hash = look_rows(view, schema, count);
    while (skep_view_poll(view, &event)) hash = skep__hash_u64(hash ^ event.tick);
    for (uint32_t c = 0; c < count; c++)
        if (schema[c].info->kind == SKEP_KIND_RESOURCE)
            (void)skep_view_resource(view, schema[c].info);
    const skep_view_own own = skep_view_own_state(view);
    if (own.size) hash = skep__hash_u64(hash ^ skep__hash_bytes(own.bytes, own.size, 2));
    const skep_view_change *changes = skep_view_changes(view, &count);
    for (uint32_t i = 0; i < count; i++) hash = skep__hash_u64(hash ^ changes[i].entity.bits);
    return hash;
}
