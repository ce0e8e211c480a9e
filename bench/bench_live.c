/* SPDX-License-Identifier: MIT */
/* A live world from end to end: skies with 20,000 flights, its publisher, and views that get its
 * states as bytes, in one process and without a socket.
 *
 *     live_state    a state: find each flight's slot, quantise, encode once, per entity (the codec
 *                   alone is wire_encode_10k)
 *     live_clients  the same for 200 clients who have the same base; limit: for one
 *     live_join     a client that comes new: encode all, take it in, show it
 *     live_view     take a state in and show it, per entity
 *     live_frame    CPU time of 60 frames that publish every third; limit: that do not */
#include "bench/bench_row.h"
#include "bench/bench_sim.h"
#include "core/base/hash.h"
#include "scenes/scenes.h"
#include "skep/view.h"

#include <stdlib.h>

#define LIVE_FLIGHTS "entities=20000"
#define LIVE_CLIENTS 200u
#define LIVE_STATES 20u
#define LIVE_DT (1.0f / 60.0f)

typedef struct live_client {
    skep_session *session;
    skep_view *view;
} live_client;

typedef struct live_row {
    skep_sim *sim;
    skep_feed *feed;
    skep_publisher *publisher;
    skep_allocator heap;
    live_client clients[LIVE_CLIENTS];
    uint32_t client_count;
    uint32_t players;
    uint64_t now_ns; /* of the world that the row plays, not of the clock */
    uint64_t random;
    uint64_t spent_ns;
} live_row;

static void live_random(void *ctx, void *bytes, size_t n)
{
    live_row *s = ctx;
    for (size_t i = 0; i < n; i++) ((uint8_t *)bytes)[i] = (uint8_t)skep__hash_u64(s->random++);
}

/* ---- both ends ------------------------------------------------------------------------------- */

static bool live_events(live_row *s)
{
    skep_publish_event event;
    bool done = true;
    while (skep_publisher_poll(s->publisher, &event)) {
        if (event.kind == SKEP_PUBLISH_AUTH)
            skep_session_accept(event.session, ++s->players, s->now_ns);
        if (event.kind == SKEP_PUBLISH_JOIN)
            done = done && skep_feed_join(s->feed, event.player) == SKEP_OK;
        if (event.kind == SKEP_PUBLISH_LEAVE) skep_feed_leave(s->feed, event.player);
    }
    return done;
}

/* Moves all that both ends have to say; only the first `views` clients read it. */
static bool live_move(live_row *s, live_client *c, bool reads)
{
    const void *bytes = NULL;
    size_t size = 0;
    while (skep_view_next(c->view, s->now_ns, &bytes, &size))
        if (!skep_session_receive(c->session, bytes, size, s->now_ns)) return false;
    if (!live_events(s)) return false;
    while (skep_session_next(c->session, s->now_ns, &bytes, &size))
        if (reads && !skep_view_receive(c->view, bytes, size, s->now_ns)) return false;
    return true;
}

static bool live_step(live_row *s, skep_state **state)
{
    *state = NULL;
    if (skep_feed_begin(s->feed) != SKEP_OK || skep_sim_step(s->sim, LIVE_DT) != SKEP_OK)
        return false;
    s->now_ns += 16666667u;
    return skep_feed_end(s->feed, false, state) == SKEP_OK;
}

/* Runs frames until there is a state. */
static bool live_next_state(live_row *s, skep_state **state)
{
    *state = NULL;
    while (!*state)
        if (!live_step(s, state)) return false;
    return true;
}

static bool live_connect(live_row *s, live_client *c)
{
    skep_view_desc d = skep_view_desc_default();
    d.allocator = s->heap;
    if (skep_view_open(&d, &c->view) != SKEP_OK ||
        skep_session_create(s->publisher, s->now_ns, NULL, &c->session) != SKEP_OK)
        return false;
    skep_view_connected(c->view, s->now_ns);
    /* HELLO and WELCOME, then SUBSCRIBE. */
    for (uint32_t round = 0; round < 2; round++)
        if (!live_move(s, c, true)) return false;
    return true;
}

static void live_disconnect(live_row *s, live_client *c)
{
    skep_session_destroy(c->session, s->now_ns);
    skep_view_close(c->view);
    *c = (live_client){NULL, NULL};
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void live_row_close(void *state)
{
    live_row *s = state;
    for (uint32_t i = 0; i < s->client_count; i++) live_disconnect(s, &s->clients[i]);
    skep_publisher_destroy(s->publisher);
    skep_feed_destroy(s->feed);
    skep_sim_close(s->sim);
    free(s);
}

static bool live_open(live_row *s, uint32_t client_count)
{
    static const char *const params[] = {LIVE_FLIGHTS};
    skep_sim_desc sd = skep_sim_desc_default();
    skep_publish_desc d = skep_publish_desc_default();
    sd.workers = 0;
    sd.params = params;
    sd.param_count = 1;
    d.random = live_random;
    d.random_ctx = s;
    s->heap = skep__port_allocator();
    d.allocator = s->heap;
    if (skep_sim_open(&skep_scene_skies, &sd, &s->sim) != SKEP_OK ||
        skep_sim_publish_desc(s->sim, &d) != SKEP_OK ||
        skep_feed_create(skep_sim_world(s->sim), &d, &s->feed) != SKEP_OK ||
        skep_publisher_create(&d, &s->publisher) != SKEP_OK)
        return false;
    for (; s->client_count < client_count; s->client_count++)
        if (!live_connect(s, &s->clients[s->client_count])) return false;
    for (uint32_t i = 0; i < 3; i++) {
        skep_state *state = NULL;
        if (!live_next_state(s, &state)) return false;
        if (skep_publisher_update(s->publisher, state, s->now_ns) != SKEP_OK) return false;
        for (uint32_t k = 0; k < s->client_count; k++)
            if (!live_move(s, &s->clients[k], true)) return false;
    }
    return true;
}

/* row->n: clients. */
static void *live_row_open(const bench_row *row)
{
    live_row *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->now_ns = 1000000000u;
    if (live_open(s, row->n)) return s;
    live_row_close(s);
    return NULL;
}

static double live_entities(const live_row *s)
{
    return skep_publisher_stats(s->publisher).entity_count;
}

/* What the wire's thread does for `clients` of them, frames and reading not counted. */
static bool live_states(live_row *s, uint32_t clients, bool reads, bench_lap *lap)
{
    for (uint32_t t = 0; t < LIVE_STATES; t++) {
        skep_state *state = NULL;
        if (!live_next_state(s, &state)) return false;
        const uint64_t start = skep__port_clock_ns();
        if (skep_publisher_update(s->publisher, state, s->now_ns) != SKEP_OK) return false;
        for (uint32_t k = 0; k < clients; k++)
            if (!live_move(s, &s->clients[k], reads)) return false;
        lap->time_ns += skep__port_clock_ns() - start;
        lap->ops += live_entities(s);
    }
    return true;
}

static bool live_state_ours(void *state, bench_lap *lap)
{
    return live_states(state, 1, false, lap);
}

static bool live_clients_ours(void *state, bench_lap *lap)
{
    live_row *s = state;
    return live_states(s, s->client_count, false, lap);
}

static bool live_join_ours(void *state, bench_lap *lap)
{
    live_row *s = state;
    live_client c;
    skep_state *next = NULL;
    if (!live_next_state(s, &next)) return false;
    if (skep_publisher_update(s->publisher, next, s->now_ns) != SKEP_OK) return false;
    const uint64_t start = skep__port_clock_ns();
    bool done = live_connect(s, &c) && live_move(s, &c, true);
    done = done && skep_view_frame(c.view, s->now_ns) == SKEP_OK;
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = 1;
    const uint32_t shown = skep_view_stats_of(c.view, s->now_ns).entity_count;
    live_disconnect(s, &c);
    return done && shown >= 20000;
}

static bool live_view_ours(void *state, bench_lap *lap)
{
    live_row *s = state;
    live_client *c = &s->clients[0];
    for (uint32_t t = 0; t < LIVE_STATES; t++) {
        skep_state *next = NULL;
        const void *bytes = NULL;
        size_t size = 0;
        if (!live_next_state(s, &next)) return false;
        if (skep_publisher_update(s->publisher, next, s->now_ns) != SKEP_OK) return false;
        while (skep_session_next(c->session, s->now_ns, &bytes, &size)) {
            const uint64_t start = skep__port_clock_ns();
            if (!skep_view_receive(c->view, bytes, size, s->now_ns)) return false;
            lap->time_ns += skep__port_clock_ns() - start;
        }
        const uint64_t start = skep__port_clock_ns();
        if (skep_view_frame(c->view, s->now_ns) != SKEP_OK) return false;
        lap->time_ns += skep__port_clock_ns() - start;
        lap->ops += live_entities(s);
    }
    return true;
}

static bool live_frame_ours(void *state, bench_lap *lap)
{
    live_row *s = state;
    for (uint32_t i = 0; i < 60; i++) {
        skep_state *next = NULL;
        const uint64_t start = skep__port_clock_ns();
        if (!live_step(s, &next)) return false;
        lap->time_ns += skep__port_clock_ns() - start;
        /* The other thread's work. */
        if (next && skep_publisher_update(s->publisher, next, s->now_ns) != SKEP_OK) return false;
        for (uint32_t k = 0; next && k < s->client_count; k++)
            if (!live_move(s, &s->clients[k], false)) return false;
        lap->ops++;
    }
    return true;
}

static bool live_frame_limit(void *state, bench_lap *lap)
{
    const live_row *s = state;
    for (uint32_t i = 0; i < 60; i++) {
        const uint64_t start = skep__port_clock_ns();
        if (skep_sim_step(s->sim, LIVE_DT) != SKEP_OK) return false;
        lap->time_ns += skep__port_clock_ns() - start;
        lap->ops++;
    }
    return true;
}

#define LIVE_ROW(id, what, of, ns, kind, at, clients, mine, other)                                 \
    {                                                                                              \
        .name = id, .about = what, .unit = of, .unit_ns = ns, .bar = kind, .bar_at = at,           \
        .n = clients, .open = live_row_open, .close = live_row_close, .ours = mine, .limit = other \
    }

const bench_row skep__bench_live_rows[] = {
    LIVE_ROW("live_state", "a state of skies for one client, an entity", "ns", 1, BENCH_BAR_NONE, 0,
             1, live_state_ours, NULL),
    LIVE_ROW("live_clients", "the same for 200 clients; one", "ns", 1, BENCH_BAR_NONE, 0,
             LIVE_CLIENTS, live_clients_ours, live_state_ours),
    LIVE_ROW("live_join", "20,000 flights for a client that comes new", "ms", 1e6, BENCH_BAR_VALUE,
             100, 1, live_join_ours, NULL),
    LIVE_ROW("live_view", "take a state in and show it, an entity", "ns", 1, BENCH_BAR_NONE, 0, 1,
             live_view_ours, NULL),
    LIVE_ROW("live_frame", "a frame of skies with 200 clients; without", "us", 1e3, BENCH_BAR_RATIO,
             1.1, LIVE_CLIENTS, live_frame_ours, live_frame_limit),
    {.name = NULL},
};
