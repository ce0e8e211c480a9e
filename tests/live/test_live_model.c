/* SPDX-License-Identifier: MIT */
/* Replication against the simplest thing that can be said of it: once a world is at rest, every
 * view holds exactly what the server has, quantised, in its area. Before the rest, random worlds:
 * entities that come, go, change shape and cross cells, indexes that are used again, and clients
 * that stall, lose messages on the way, connect again, look elsewhere.
 *
 * SKEP_SEED=N runs one seed; SKEP_LIVE_SEEDS=N that many.
 * ctest: timeout=600 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/random.h"
#include "core/replicate/quantum.h"
#include "live_line.h"
#include "skep/job.h"
#include "skep/sim.h"
#include "skep/world.h"

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Body, (u16, hp), (bool, solid), (f64, mass), (i8, small, 3));
SKEP_COMPONENT(Link, (entity, to));
SKEP_TAG(Mark);
SKEP_COMPONENT(Secret, (u32, code));
SKEP_RESOURCE(Score, (u32, blue), (u32, red));
SKEP_EVENT(Hit, (f32, amount), (entity, by));
SKEP_INPUT(Steer, (i16, turn), (u8, fire));

#define CLIENTS 3u
#define FRAME_NS 16666667u
#define CELL 8.0f
#define SPAN 40.0f

static const int8_t pos_quanta[] = {-6, -6};
static const int8_t vel_quanta[] = {-4, -4};
static const skep_replica replicas[] = {
    {&Pos_info, pos_quanta}, {&Vel_info, vel_quanta}, {&Body_info, NULL}, {&Link_info, NULL},
    {&Mark_info, NULL},      {&Score_info, NULL},     {&Hit_info, NULL},  {&Steer_info, NULL}};
static const skep_rate rates[] = {{&Pos_info, 0, &Vel_info, 0}, {&Pos_info, 1, &Vel_info, 1}};

typedef struct client {
    live_line line;
    skep_box area;
    bool up;
    uint32_t hits;      /* events that came */
    uint32_t hits_most; /* that were sent while it could not miss any */
} client;

typedef struct play {
    uint64_t seed;
    uint32_t draw;
    uint64_t now_ns;
    skep_sim *sim;
    skep_world *world;
    skep_feed *feed;
    skep_publisher *publisher;
    bool placed; /* clients may ask for areas */
    uint32_t players;
    uint32_t entity_count;
    skep_entity entities[256];
    client clients[CLIENTS];
} play;

static void *heap_alloc(void *ctx, size_t bytes, size_t align)
{
    size_t *held = ctx;
    *held += bytes;
    return aligned_alloc(align, (bytes + align - 1u) / align * align);
}

static void heap_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    size_t *held = ctx;
    (void)align;
    *held -= bytes;
    free(memory);
}

static size_t heap_held;
static const skep_allocator heap = {heap_alloc, heap_free, &heap_held};

static uint32_t drawn(play *p, uint32_t below)
{
    return skep__random_below(skep__random(p->seed, 4, 0, 0, p->draw++), below);
}

static float drawn_f32(play *p, float from, float to)
{
    return from + (to - from) * skep__random_f32(skep__random(p->seed, 4, 0, 0, p->draw++));
}

static void must(skep_status status)
{
    assert_int_equal(status, SKEP_OK);
}

static void bytes_nobody_guesses(void *ctx, void *bytes, size_t n)
{
    play *p = ctx;
    for (size_t i = 0; i < n; i++) ((uint8_t *)bytes)[i] = (uint8_t)drawn(p, 256);
}

/* ---- the world ------------------------------------------------------------------------------- */

static void change_one(play *p, skep_entity e)
{
    const Pos pos = {drawn_f32(p, -SPAN, SPAN), drawn_f32(p, -SPAN, SPAN)};
    const Vel vel = {drawn_f32(p, -9, 9), drawn_f32(p, -9, 9)};
    const Body body = {(uint16_t)drawn(p, 65536),
                       drawn(p, 2) != 0,
                       (double)drawn_f32(p, -1e9f, 1e9f),
                       {(int8_t)drawn(p, 256), 1, -1}};
    const Link link = {p->entities[drawn(p, p->entity_count)]};
    Pos at;
    switch (drawn(p, 14)) {
    case 0:
        must(Pos_attach(p->world, e, pos));
        break;
    case 1:
        must(Vel_attach(p->world, e, vel));
        break;
    case 2:
        must(Body_attach(p->world, e, body));
        break;
    case 3:
        must(Link_attach(p->world, e, link));
        break;
    case 4:
        must(Mark_attach(p->world, e));
        break;
    case 5:
        must(Secret_attach(p->world, e, (Secret){drawn(p, 100)}));
        break;
    case 6:
        if (drawn(p, 3) == 0) (void)!Pos_detach(p->world, e);
        break;
    case 7:
        if (drawn(p, 2) == 0) (void)!Mark_detach(p->world, e);
        break;
    case 8:
        if (drawn(p, 3) == 0) (void)!Vel_detach(p->world, e);
        break;
    default: /* a little way */
        if (!Pos_of(p->world, e, &at)) break;
        at.x += drawn_f32(p, -1, 1);
        at.y += drawn_f32(p, -1, 1);
        must(Pos_set(p->world, e, at));
        break;
    }
}

static void come_and_go(play *p)
{
    if (p->entity_count < 60 && drawn(p, 3) == 0) {
        skep_entity e;
        must(skep_entity_create(p->world, &e));
        p->entities[p->entity_count++] = e;
        if (drawn(p, 6))
            must(Pos_attach(p->world, e,
                            (Pos){drawn_f32(p, -SPAN, SPAN), drawn_f32(p, -SPAN, SPAN)}));
        if (drawn(p, 2)) must(Vel_attach(p->world, e, (Vel){drawn_f32(p, -9, 9), 1}));
    }
    if (p->entity_count > 1 && drawn(p, 5) == 0) {
        const uint32_t i = drawn(p, p->entity_count);
        must(skep_entity_destroy(p->world, p->entities[i]));
        p->entities[i] = p->entities[--p->entity_count];
    }
}

static void change_world(play *p)
{
    const uint32_t changes = drawn(p, 12);
    for (uint32_t i = 0; i < 3; i++) come_and_go(p);
    for (uint32_t i = 0; i < changes && p->entity_count; i++)
        change_one(p, p->entities[drawn(p, p->entity_count)]);
    if (drawn(p, 8) == 0) must(Score_set(p->world, (Score){drawn(p, 9), drawn(p, 9)}));
    if (drawn(p, 4) == 0) {
        must(Hit_post(p->world, skep_entity_null(), (Hit){1.5f, skep_entity_null()}));
        for (uint32_t i = 0; i < CLIENTS; i++) p->clients[i].hits_most++;
    }
}

/* ---- both ends ------------------------------------------------------------------------------- */

static void handle_events(play *p)
{
    skep_publish_event event;
    while (skep_publisher_poll(p->publisher, &event)) switch (event.kind) {
        case SKEP_PUBLISH_AUTH:
            skep_session_accept(event.session, ++p->players, p->now_ns);
            break;
        case SKEP_PUBLISH_JOIN:
            must(skep_feed_join(p->feed, event.player));
            break;
        case SKEP_PUBLISH_INPUT:
            must(skep_feed_input(p->feed, &event));
            break;
        case SKEP_PUBLISH_LEAVE:
            skep_feed_leave(p->feed, event.player);
            break;
        }
}

static void frame(play *p)
{
    skep_state *state = NULL;
    must(skep_feed_begin(p->feed));
    must(skep_sim_step(p->sim, 1.0f / 60.0f));
    must(skep_feed_end(p->feed, drawn(p, 2) != 0, &state));
    if (state) must(skep_publisher_update(p->publisher, state, p->now_ns));
    for (uint32_t i = 0; i < CLIENTS; i++) {
        live_move(&p->clients[i].line, p->now_ns);
        handle_events(p);
    }
    p->now_ns += FRAME_NS;
}

static void take_events(client *c)
{
    skep_view_event event;
    while (skep_view_poll(c->line.view, &event)) {
        assert_ptr_equal(event.info, &Hit_info);
        assert_true(((const Hit *)event.value)->amount == 1.5f);
        c->hits++;
    }
}

static void disturb(play *p, client *c)
{
    if (drawn(p, 6) == 0) live_connect(&c->line, p->now_ns);
    if (drawn(p, 40) == 0) live_cut(&c->line, p->now_ns);
    if (drawn(p, 10) == 0) c->line.stalled = !c->line.stalled;
    if (drawn(p, 30) == 0) c->line.down_max = drawn(p, 3);
    if (drawn(p, 15) == 0) {
        c->area = (skep_box){.axes = drawn(p, 3) ? 2u : 0u};
        for (uint32_t a = 0; a < 2; a++) {
            c->area.low[a] = drawn_f32(p, -SPAN, SPAN * 0.5f);
            c->area.high[a] = c->area.low[a] + drawn_f32(p, 0, SPAN);
        }
        skep_view_area(c->line.view, &c->area);
    }
    if (drawn(p, 3) == 0) must(skep_view_frame(c->line.view, p->now_ns));
    take_events(c);
}

/* ---- what must hold at rest ------------------------------------------------------------------ */

static float quantised(float x, int32_t log2)
{
    const float quantum = log2 == -6 ? 1.0f / 64 : 1.0f / 16;
    return (float)skep__quantum_code_plain(x, log2) * quantum;
}

#define WHERE "seed %llu, client %u, entity %llx: "
#define AT (unsigned long long)p->seed, n, (unsigned long long)e.bits

static void expect_values(play *p, uint32_t n, skep_entity e)
{
    skep_view *view = p->clients[n].line.view;
    Pos pos = {0}, pos_seen = {0};
    Vel vel = {0}, vel_seen = {0};
    Body body = {0}, body_seen = {0};
    Link link = {0}, link_seen = {0};
    const bool has_pos = Pos_of(p->world, e, &pos);
    const bool has_vel = Vel_of(p->world, e, &vel);
    const bool has_body = Body_of(p->world, e, &body);
    const bool has_link = Link_of(p->world, e, &link);
    if (skep_view_get(view, e, &Pos_info, &pos_seen) != has_pos ||
        skep_view_get(view, e, &Vel_info, &vel_seen) != has_vel ||
        skep_view_get(view, e, &Body_info, &body_seen) != has_body ||
        skep_view_get(view, e, &Link_info, &link_seen) != has_link ||
        skep_view_get(view, e, &Mark_info, NULL) != skep_world_has(p->world, e, &Mark_info))
        fail_msg(WHERE "other components", AT);
    if (has_pos && (pos_seen.x != quantised(pos.x, -6) || pos_seen.y != quantised(pos.y, -6)))
        fail_msg(WHERE "Pos is %g %g, not %g %g", AT, (double)pos_seen.x, (double)pos_seen.y,
                 (double)pos.x, (double)pos.y);
    if (has_vel && (vel_seen.x != quantised(vel.x, -4) || vel_seen.y != quantised(vel.y, -4)))
        fail_msg(WHERE "Vel differs", AT);
    if (has_body && (body.hp != body_seen.hp || body.solid != body_seen.solid ||
                     body.mass != body_seen.mass || memcmp(body.small, body_seen.small, 3) != 0))
        fail_msg(WHERE "Body differs", AT);
    if (has_link && !skep_entity_equal(link.to, link_seen.to)) fail_msg(WHERE "Link differs", AT);
}

static bool shown(skep_view *view, skep_entity e)
{
    return skep_view_get(view, e, &Pos_info, NULL) || skep_view_get(view, e, &Vel_info, NULL) ||
           skep_view_get(view, e, &Body_info, NULL) || skep_view_get(view, e, &Link_info, NULL) ||
           skep_view_get(view, e, &Mark_info, NULL);
}

static bool published(play *p, skep_entity e)
{
    return skep_world_has(p->world, e, &Pos_info) || skep_world_has(p->world, e, &Vel_info) ||
           skep_world_has(p->world, e, &Body_info) || skep_world_has(p->world, e, &Link_info) ||
           skep_world_has(p->world, e, &Mark_info);
}

/* Whether an entity is within the area grown by `more` on all sides. */
static bool within(play *p, const skep_box *area, skep_entity e, float more)
{
    Pos pos;
    if (!p->placed || area->axes == 0 || !Pos_of(p->world, e, &pos)) return true;
    return pos.x >= area->low[0] - more && pos.x <= area->high[0] + more &&
           pos.y >= area->low[1] - more && pos.y <= area->high[1] + more;
}

static void expect_view(play *p, uint32_t n)
{
    client *c = &p->clients[n];
    skep_view *view = c->line.view;
    skep_view_rows rows = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->entity_count; i++) {
        const skep_entity e = p->entities[i];
        const bool sees = shown(view, e);
        if (sees && !published(p, e)) fail_msg(WHERE "is seen, has nothing", AT);
        if (!sees && published(p, e) && within(p, &c->area, e, 0))
            fail_msg(WHERE "is not seen", AT);
        if (sees && !within(p, &c->area, e, CELL * 1.13f)) fail_msg(WHERE "is not in the area", AT);
        if (sees) expect_values(p, n, e);
        count += sees;
    }
    while (skep_view_each(view, NULL, 0, &rows)) count -= rows.count;
    if (count) fail_msg("seed %llu, client %u: it shows others", (unsigned long long)p->seed, n);
    const Score *score = skep_view_resource(view, &Score_info);
    const Score *truth = Score_read(p->world);
    if (truth && (!score || score->blue != truth->blue || score->red != truth->red))
        fail_msg("seed %llu, client %u: another Score", (unsigned long long)p->seed, n);
}

/* ---- a play ---------------------------------------------------------------------------------- */

static void play_open_client(play *p, uint32_t n)
{
    client *c = &p->clients[n];
    static const skep_component *const predicted[] = {&Pos_info};
    skep_view_desc d = skep_view_desc_default();
    d.replicas = replicas;
    d.replica_count = 8;
    d.predict = predicted;
    d.predict_count = 1;
    d.allocator = heap;
    must(skep_view_open(&d, &c->line.view));
    c->line.publisher = p->publisher;
    c->line.seed = p->seed + n;
    c->line.delay_ns = drawn(p, 3) * 20000000u;
    c->line.jitter_ns = drawn(p, 2) * 30000000u;
}

static void play_open(play *p, uint64_t seed)
{
    skep_sim_desc sd = skep_sim_desc_default();
    skep_publish_desc d = skep_publish_desc_default();
    memset(p, 0, sizeof *p);
    p->seed = seed;
    p->now_ns = 1000000000u;
    sd.workers = 0;
    sd.region_bytes_max = (size_t)64 << 20;
    sd.entity_max = 1024;
    must(skep_sim_open(NULL, &sd, &p->sim));
    p->world = skep_sim_world(p->sim);
    d.replicas = replicas;
    d.replica_count = 8;
    d.rates = rates;
    d.rate_count = 2;
    d.every = 1u + drawn(p, 3);
    d.ring = 2u + drawn(p, 10);
    d.resume_ms = 1000;
    p->placed = drawn(p, 3) != 0;
    if (p->placed) d.place = (skep_place){&Pos_info, 2, {0, 1}, CELL};
    d.message_down_max = drawn(p, 4) ? 0u : 65536u;
    d.random = bytes_nobody_guesses;
    d.random_ctx = p;
    d.allocator = heap;
    must(skep_feed_create(p->world, &d, &p->feed));
    must(skep_publisher_create(&d, &p->publisher));
    for (uint32_t i = 0; i < CLIENTS; i++) play_open_client(p, i);
}

static void play_close(play *p)
{
    for (uint32_t i = 0; i < CLIENTS; i++) {
        live_end(&p->clients[i].line, p->now_ns);
        skep_view_close(p->clients[i].line.view);
    }
    skep_publisher_destroy(p->publisher);
    skep_feed_destroy(p->feed);
    skep_sim_close(p->sim);
    assert_int_equal(heap_held, 0);
}

static play one;

static void play_seed(uint64_t seed)
{
    play *p = &one;
    play_open(p, seed);
    const uint32_t frames = 20u + drawn(p, 60);
    for (uint32_t i = 0; i < frames; i++) {
        if (drawn(p, 10)) change_world(p);
        for (uint32_t k = 0; k < CLIENTS; k++) disturb(p, &p->clients[k]);
        frame(p);
    }
    for (uint32_t i = 0; i < 70; i++) {
        for (uint32_t k = 0; k < CLIENTS; k++) {
            p->clients[k].line.stalled = false;
            p->clients[k].line.down_max = 0;
            live_connect(&p->clients[k].line, p->now_ns);
            take_events(&p->clients[k]);
        }
        frame(p);
    }
    for (uint32_t k = 0; k < CLIENTS; k++) {
        skep_view *view = p->clients[k].line.view;
        if (skep_view_phase_of(view) != SKEP_VIEW_LIVE)
            fail_msg("seed %llu, client %u: phase %d, %s", (unsigned long long)seed, k,
                     (int)skep_view_phase_of(view), skep_view_reason(view));
        must(skep_view_frame(p->clients[k].line.view, p->now_ns + 1000000000u));
        expect_view(p, k);
        take_events(&p->clients[k]);
        assert_true(p->clients[k].hits <= p->clients[k].hits_most);
    }
    play_close(p);
}

static void views_at_rest_are_the_world(void **state)
{
    const char *one_seed = getenv("SKEP_SEED");
    const char *many = getenv("SKEP_LIVE_SEEDS");
    const uint64_t first = one_seed ? strtoull(one_seed, NULL, 10) : 1u;
    const uint64_t count = one_seed ? 1u : many ? strtoull(many, NULL, 10) : 300u;
    (void)state;
    for (uint64_t seed = first; seed < first + count; seed++) play_seed(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_at_rest_are_the_world),
    };
    return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
