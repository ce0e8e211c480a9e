/* SPDX-License-Identifier: MIT */
/* Named cases of replication, each by the id of the defect that somebody else had, and what must
 * hold for slow clients, cut lines, restarts and want of memory; on the small world of live_bed.h.
 * (lightyear #1705 is here as far as it is the view's: predicted samples are test_predict's.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/replicate/wire.h"
#include "skep/snapshot.h"
#include "support/live_bed.h"
#include "support/region.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW_STATES 4000u
#define STRIDE 5u /* of what is tried one by one elsewhere */
#else
#define SLOW_STATES 10000u
#define STRIDE 1u
#endif
#define SLOW_FIRST 2500u /* until all sets of components were there */
#define SETTLE 400u

/* A bed with memory that counts: of the world, of the publisher, and of views. */
typedef struct bench {
    live_bed bed;
    test_region region; /* of the world */
    test_region own;    /* only its allocator */
    test_region views;  /* likewise */
} bench;

static bench the_bench;

static bench *open_bench(uint32_t entities)
{
    bench *t = &the_bench;
    assert_true(test_region_open(&t->region, (size_t)32 << 20));
    assert_true(test_region_open(&t->own, (size_t)2 << 20));
    assert_true(test_region_open(&t->views, (size_t)2 << 20));
    live_bed_open(&t->bed, t->region.region, t->region.allocator, t->own.allocator, entities);
    t->bed.views = t->views.allocator;
    return t;
}

static void close_bench(bench *t)
{
    live_bed_close(&t->bed);
    assert_true(test_region_close(&t->views));
    assert_true(test_region_close(&t->own));
    assert_true(test_region_close(&t->region));
}

/* Takes a description for the publisher, which is made anew. */
static void describe(bench *t, const skep_publish_desc *d)
{
    t->bed.desc = *d;
    live_bed_publisher(&t->bed);
}

static live_link open_link(bench *t)
{
    live_link l = {.bed = &t->bed, .view = live_bed_view(&t->bed)};
    assert_non_null(l.view);
    return l;
}

static void close_link(live_link *l)
{
    live_link_cut(l);
    skep_view_close(l->view);
}

static void frame(bench *t)
{
    assert_int_equal(live_bed_frame(&t->bed), SKEP_OK);
}

/* Connects and takes the first state in. */
static void join(bench *t, live_link *l)
{
    frame(t);
    live_link_connect(l);
    for (uint32_t i = 0; i < 3u; i++) {
        frame(t);
        assert_true(live_link_move(l));
    }
    assert_int_equal(skep_view_phase_of(l->view), SKEP_VIEW_LIVE);
}

static skep_view_stats stats_of(const live_link *l)
{
    return skep_view_stats_of(l->view, l->bed->now_ns);
}

/* ---- messages that a test holds in its hand ------------------------------------------------- */

#define HAND_MAX 512u

typedef struct hand {
    uint32_t count;
    struct hand_message {
        uint8_t *bytes;
        size_t size;
    } at[HAND_MAX];
} hand;

static uint32_t type_of(const hand *h, uint32_t i)
{
    return h->at[i].bytes[3];
}

/* Takes all that a session has. */
static void take(live_link *l, hand *h)
{
    const void *bytes = NULL;
    size_t size = 0;
    while (h->count < HAND_MAX && skep_session_next(l->session, l->bed->now_ns, &bytes, &size)) {
        uint8_t *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, bytes, size);
        h->at[h->count].bytes = copy;
        h->at[h->count++].size = size;
    }
}

static bool give(live_link *l, const hand *h, uint32_t i)
{
    return skep_view_receive(l->view, h->at[i].bytes, h->at[i].size, l->bed->now_ns);
}

static void drop(hand *h)
{
    for (uint32_t i = 0; i < h->count; i++) free(h->at[i].bytes);
    h->count = 0;
}

/* ---- cases of others ------------------------------------------------------------------------- */

/* An id that is used again, with the values that its slot had before, is sent whole. */
static void bitecs_209_a_recycled_id_is_sent_whole(void **state)
{
    bench *t = open_bench(12);
    live_link l = open_link(t);
    live_bed *b = &t->bed;
    (void)state;
    join(t, &l);
    assert_true(live_link_settle(&l, SETTLE));
    const skep_entity old = b->entities[3];
    skep_entity again = {0};
    BedPos pos = {0, 0};
    assert_true(BedPos_of(b->world, old, &pos));
    assert_int_equal(skep_entity_destroy(b->world, old), SKEP_OK);
    skep_entity others[BED_ENTITIES_MAX];
    uint32_t other_count = 0;
    do { /* the oldest free index comes first */
        assert_int_equal(skep_entity_create(b->world, &again), SKEP_OK);
        others[other_count++] = again;
    } while (skep_entity_index(again) != skep_entity_index(old));
    for (uint32_t i = 0; i + 1u < other_count; i++)
        assert_int_equal(skep_entity_destroy(b->world, others[i]), SKEP_OK);
    assert_false(skep_entity_equal(again, old));
    assert_int_equal(BedPos_attach(b->world, again, pos), SKEP_OK);
    b->entities[3] = again;
    assert_true(live_link_settle(&l, 4)); /* by deltas: there is no time for more */
    assert_int_equal(stats_of(&l).resyncs, 0);
    BedPos seen = {0, 0};
    assert_false(skep_view_get(l.view, old, &BedPos_info, NULL));
    assert_true(skep_view_get(l.view, again, &BedPos_info, &seen));
    assert_true(seen.x == pos.x && seen.y == pos.y);
    close_link(&l);
    close_bench(t);
}

/* States that come late, many at once, are all taken in, with what they say of the own entity. */
static void lightyear_1705_late_states_count(void **state)
{
    bench *t = open_bench(12);
    live_link l = open_link(t);
    hand h = {0};
    (void)state;
    join(t, &l);
    const uint64_t before = stats_of(&l).states;
    for (uint32_t i = 0; i < 20u; i++) {
        frame(t);
        take(&l, &h);
    }
    t->bed.now_ns += 400000000u;
    for (uint32_t i = 0; i < h.count; i++) {
        assert_true(give(&l, &h, i));
        const skep_view_own own = skep_view_own_state(l.view);
        assert_int_equal(own.tick, stats_of(&l).tick);
        assert_true(skep_entity_equal(own.entity, t->bed.entities[0]) || own.has == 0);
    }
    assert_int_equal(stats_of(&l).states, before + 20u);
    assert_int_equal(stats_of(&l).resyncs, 0);
    drop(&h);
    assert_true(live_link_settle(&l, SETTLE));
    close_link(&l);
    close_bench(t);
}

/* Any one message of a state that vanishes is noticed, and healed by a whole state. */
static void uws_499_a_gap_is_noticed_and_healed(void **state)
{
    (void)state;
    uint32_t most = 1;
    for (uint32_t lost = 0; lost < most; lost++) {
        bench *t = open_bench(12);
        live_link l = open_link(t);
        hand h = {0};
        t->bed.quiet = true;
        join(t, &l);
        frame(t);
        take(&l, &h);
        most = h.count;
        assert_true(most >= 2u);
        for (uint32_t i = 0; i < h.count; i++)
            if (i != lost) assert_true(give(&l, &h, i));
        drop(&h);
        for (uint32_t i = 0; i < 30u; i++) { /* nothing comes of it but the question */
            frame(t);
            assert_true(live_link_move(&l));
        }
        assert_int_equal(stats_of(&l).resyncs, 1);
        assert_true(live_link_settle(&l, SETTLE));
        assert_int_equal(skep_publisher_stats(t->bed.publisher).wholes_sent, 2);
        close_link(&l);
        close_bench(t);
    }
}

/* Events that nobody takes are bounded; what is over the bound is said, not dropped. */
static void uws_499_too_many_events_end_the_connection(void **state)
{
    bench *t = open_bench(12);
    skep_publish_desc d = t->bed.desc;
    (void)state;
    d.event_bytes_max = 400;
    describe(t, &d);
    live_link l = open_link(t);
    join(t, &l);
    for (uint32_t i = 0; i < 400u && !skep_session_reason(l.session); i++) frame(t);
    assert_non_null(skep_session_reason(l.session));
    assert_non_null(strstr(skep_session_reason(l.session), "event_bytes_max"));
    assert_false(live_link_move(&l));
    assert_int_equal(skep_view_phase_of(l.view), SKEP_VIEW_RECONNECTING);
    t->bed.quiet = true;
    assert_true(live_link_settle(&l, SETTLE));
    close_link(&l);
    close_bench(t);
}

/* ---- G1 to G5 ---------------------------------------------------------------------------------
 */

static void g1_a_late_client_gets_the_newest_not_history(void **state)
{
    bench *t = open_bench(12);
    hand h = {0};
    uint32_t acks = 0;
    (void)state;
    for (uint32_t i = 0; i < 300u; i++) frame(t);
    live_link l = open_link(t);
    live_link_connect(&l);
    live_link_up(&l);
    assert_true(live_link_down(&l));
    live_link_up(&l);
    frame(t); /* the first that knows what it wants to see */
    take(&l, &h);
    for (uint32_t i = 0; i < h.count; i++) {
        acks += type_of(&h, i) == SKEP__WIRE_ACK;
        assert_true(give(&l, &h, i));
        assert_true(type_of(&h, i) != SKEP__WIRE_DELTA);
    }
    assert_int_equal(acks, 1);
    assert_int_equal(stats_of(&l).states, 1);
    assert_int_equal(stats_of(&l).tick, skep_world_tick(t->bed.world));
    drop(&h);
    close_link(&l);
    close_bench(t);
}

/* Posts `count` events whose amounts go on from `first`. */
static void post(bench *t, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(BedHit_post(t->bed.world, skep_entity_null(),
                                     (BedHit){(uint16_t)(first + i), skep_entity_null()}),
                         SKEP_OK);
}

/* Polls all events, whose amounts must go on from `first`; how many there were. */
static uint32_t poll_all(live_link *l, uint32_t first)
{
    skep_view_event event;
    uint32_t count = 0;
    assert_int_equal(skep_view_frame(l->view, l->bed->now_ns + 1000000000u), SKEP_OK);
    while (skep_view_poll(l->view, &event)) {
        assert_int_equal(((const BedHit *)event.value)->amount, first + count);
        count++;
    }
    return count;
}

/* Nothing waits for a round trip: events come while the client says nothing at all. */
static void g2_many_events_are_in_flight(void **state)
{
    bench *t = open_bench(12);
    live_link l = open_link(t);
    (void)state;
    t->bed.quiet = true;
    join(t, &l);
    uint32_t sent = 0;
    uint32_t came = 0;
    for (uint32_t i = 0; i < 20u; i++) {
        post(t, sent, 60);
        sent += 60;
        frame(t);
        assert_true(live_link_down(&l));
        came += poll_all(&l, came);
    }
    frame(t);
    assert_true(live_link_down(&l));
    came += poll_all(&l, came);
    assert_int_equal(came, sent);
    close_link(&l);
    close_bench(t);
}

/* What waits for a client that cannot be sent to comes later, in order, each once. */
static void g3_events_wait_for_a_stalled_client(void **state)
{
    bench *t = open_bench(12);
    live_link l = open_link(t);
    (void)state;
    t->bed.quiet = true;
    join(t, &l);
    for (uint32_t i = 0; i < 100u; i++) {
        post(t, i * 3u, 3);
        frame(t);
    }
    assert_true(live_link_move(&l));
    assert_int_equal(poll_all(&l, 0), 300);
    assert_int_equal(poll_all(&l, 300), 0);
    close_link(&l);
    close_bench(t);
}

/* One that always fails, and comes again at once, is nobody else's business. */
static void g4_what_always_fails_stops_nobody(void **state)
{
    static const uint8_t nonsense[] = "GET / HTTP/1.1";
    bench *t = open_bench(12);
    live_link l = open_link(t);
    (void)state;
    join(t, &l);
    const size_t held = t->own.live_bytes;
    for (uint32_t i = 0; i < 1000u; i++) {
        skep_session *s = NULL;
        const void *bytes = NULL;
        size_t size = 0;
        assert_int_equal(skep_session_create(t->bed.publisher, t->bed.now_ns, NULL, &s), SKEP_OK);
        assert_false(skep_session_receive(s, nonsense, sizeof nonsense, t->bed.now_ns));
        assert_non_null(skep_session_reason(s));
        assert_true(skep_session_next(s, t->bed.now_ns, &bytes, &size));
        assert_int_equal(((const uint8_t *)bytes)[3], SKEP__WIRE_BYE);
        skep_session_destroy(s, t->bed.now_ns);
        if (i % 100u) continue;
        const uint64_t states = stats_of(&l).states;
        frame(t);
        assert_true(live_link_move(&l));
        assert_int_equal(stats_of(&l).states, states + 1u);
    }
    assert_true(t->own.live_bytes < held + 65536u);
    close_link(&l);
    close_bench(t);
}

/* Silence: HELLO that does not come, PING, and the end of a connection that says nothing. */
static void g5_silence_ends(void **state)
{
    bench *t = open_bench(12);
    skep_session *s = NULL;
    const void *bytes = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(skep_session_create(t->bed.publisher, t->bed.now_ns, NULL, &s), SKEP_OK);
    assert_true(skep_session_tick(s, t->bed.now_ns + 4900000000u));
    assert_false(skep_session_tick(s, t->bed.now_ns + 5100000000u));
    assert_non_null(strstr(skep_session_reason(s), "hello_ms"));
    skep_session_destroy(s, t->bed.now_ns);
    live_link l = open_link(t);
    join(t, &l);
    const uint64_t then = t->bed.now_ns;
    assert_true(skep_session_tick(l.session, then + 16000000000u));
    assert_true(skep_session_next(l.session, then, &bytes, &size));
    assert_int_equal(((const uint8_t *)bytes)[3], SKEP__WIRE_PING);
    assert_false(skep_session_tick(l.session, then + 46000000000u));
    assert_non_null(strstr(skep_session_reason(l.session), "drop_ms"));
    close_link(&l);
    close_bench(t);
}

static void g5_limits_are_kept(void **state)
{
    static uint8_t large[70000];
    bench *t = open_bench(12);
    skep_publish_desc d = t->bed.desc;
    skep_session *a = NULL;
    skep_session *b = NULL;
    (void)state;
    d.session_max = 1;
    describe(t, &d);
    assert_int_equal(skep_session_create(t->bed.publisher, t->bed.now_ns, NULL, &a), SKEP_OK);
    assert_int_equal(skep_session_create(t->bed.publisher, t->bed.now_ns, NULL, &b), SKEP_LIMIT);
    assert_null(b);
    assert_false(skep_session_receive(a, large, sizeof large, t->bed.now_ns));
    assert_non_null(skep_session_reason(a));
    skep_session_destroy(a, t->bed.now_ns);
    close_bench(t);
}

/* ---- slow consumers ---------------------------------------------------------------------------
 */

/* Three who hardly read, and one who does: memory stays, and the one gets each state. */
static void slow_clients_cost_nothing_and_disturb_nobody(void **state)
{
    bench *t = open_bench(12);
    live_link slow[3];
    live_link good = open_link(t);
    size_t held = 0;
    size_t live = 0;
    (void)state;
    t->bed.quiet = true;
    join(t, &good);
    for (uint32_t i = 0; i < 3u; i++) slow[i] = open_link(t);
    join(t, &slow[0]); /* reads nothing from here on */
    join(t, &slow[1]); /* one message a second */
    live_link_connect(&slow[2]);
    live_link_up(&slow[2]); /* HELLO, and no more */
    for (uint32_t i = 0; i < SLOW_STATES; i++) {
        const void *bytes = NULL;
        size_t size = 0;
        frame(t);
        const uint64_t states = stats_of(&good).states;
        assert_true(live_link_move(&good));
        if (stats_of(&good).states != states + 1u && i) fail_msg("state %u did not come", i);
        if (i % 60u == 0 && skep_session_next(slow[1].session, t->bed.now_ns, &bytes, &size))
            assert_true(skep_view_receive(slow[1].view, bytes, size, t->bed.now_ns));
        const size_t now = skep_publisher_stats(t->bed.publisher).bytes_held;
        if (i < SLOW_FIRST) { /* what it takes; from there on it does not grow */
            held = held > now ? held : now;
            live = live > t->own.live_bytes ? live : t->own.live_bytes;
        } else if (now > held + held / 16u || t->own.live_bytes > live + live / 16u)
            fail_msg("state %u: %zu bytes held, %zu before; %zu allocated, %zu before", i, now,
                     held, t->own.live_bytes, live);
    }
    assert_true(live_link_settle(&slow[0], SETTLE));
    assert_true(live_link_settle(&slow[1], SETTLE));
    for (uint32_t i = 0; i < 3u; i++) close_link(&slow[i]);
    close_link(&good);
    close_bench(t);
}

/* Frames are encoded once for all who have the same base. */
static void encoding_does_not_depend_on_how_many_look(void **state)
{
    static const uint32_t counts[] = {1, 50};
    uint64_t encoded[2];
    uint64_t sent[2];
    (void)state;
    for (uint32_t round = 0; round < 2u; round++) {
        bench *t = open_bench(40);
        live_link links[50];
        const uint32_t count = counts[round];
        for (uint32_t i = 0; i < count; i++) links[i] = open_link(t);
        frame(t);
        for (uint32_t i = 0; i < count; i++) live_link_connect(&links[i]);
        for (uint32_t k = 0; k < 60u; k++) {
            for (uint32_t i = 0; i < count; i++) assert_true(live_link_move(&links[i]));
            frame(t);
        }
        encoded[round] = skep_publisher_stats(t->bed.publisher).frames_encoded;
        sent[round] = skep_publisher_stats(t->bed.publisher).messages_sent;
        for (uint32_t i = 0; i < count; i++) close_link(&links[i]);
        close_bench(t);
    }
    assert_int_equal(encoded[0], encoded[1]);
    assert_true(sent[1] == 50u * sent[0]);
}

/* ---- cuts -------------------------------------------------------------------------------------
 */

/* Delivers messages of a play until `left` is used up, then cuts; false when there was nothing to
 * cut any more. */
static bool play_until(bench *t, live_link *l, uint32_t left)
{
    const void *bytes = NULL;
    size_t size = 0;
    frame(t);
    live_link_connect(l);
    for (uint32_t i = 0; i < 10u; i++) {
        live_link_up(l);
        while (skep_session_next(l->session, t->bed.now_ns, &bytes, &size)) {
            assert_true(skep_view_receive(l->view, bytes, size, t->bed.now_ns));
            if (left-- == 0) return true;
        }
        frame(t);
    }
    return false;
}

static void cut_after_every_message_and_resumed(void **state)
{
    uint32_t k = 0;
    bool was_cut = true;
    (void)state;
    for (; was_cut; k++) {
        bench *t = open_bench(12);
        live_link l = open_link(t);
        was_cut = play_until(t, &l, k);
        live_link_cut(&l);
        frame(t);
        if (!live_link_settle(&l, SETTLE)) fail_msg("cut after message %u", k);
        assert_true(stats_of(&l).reconnects <= 1u);
        close_link(&l);
        close_bench(t);
    }
    assert_true(k > 20u);
}

/* The last message that came before the cut was not all of it. */
static void cut_within_every_message(void **state)
{
    uint32_t cuts = 0;
    (void)state;
    for (uint32_t k = 0; k < 6u; k++) {
        size_t size = 1;
        for (size_t cut = 0; cut < size; cut += STRIDE + cut / 16u, cuts++) {
            bench *t = open_bench(5);
            live_link l = open_link(t);
            hand h = {0};
            join(t, &l);
            for (uint32_t i = 0; h.count <= k && i < 10u; i++) {
                frame(t);
                take(&l, &h);
            }
            for (uint32_t i = 0; i < k; i++) assert_true(give(&l, &h, i));
            size = h.at[k].size;
            uint8_t *piece = malloc(cut ? cut : 1u);
            assert_non_null(piece);
            memcpy(piece, h.at[k].bytes, cut);
            assert_false(skep_view_receive(l.view, piece, cut, t->bed.now_ns));
            free(piece);
            drop(&h);
            live_link_cut(&l);
            if (!live_link_settle(&l, SETTLE)) fail_msg("message %u cut at byte %zu", k, cut);
            close_link(&l);
            close_bench(t);
        }
    }
    assert_true(cuts > 20u);
}

static void resume_within_the_ring_is_a_delta(void **state)
{
    static const uint32_t away[] = {1, 6, 30};
    (void)state;
    for (uint32_t i = 0; i < 3u; i++) {
        bench *t = open_bench(12);
        live_link l = open_link(t);
        join(t, &l);
        const uint32_t player = skep_view_player(l.view);
        live_link_cut(&l);
        for (uint32_t k = 0; k < away[i]; k++) frame(t);
        live_link_connect(&l);
        assert_true(live_link_move(&l));
        frame(t);
        assert_true(live_link_move(&l));
        const bool within = away[i] < t->bed.desc.ring;
        assert_int_equal(skep_publisher_stats(t->bed.publisher).wholes_sent, within ? 1 : 2);
        assert_int_equal(skep_view_player(l.view), player);
        assert_true(live_link_settle(&l, SETTLE));
        assert_int_equal(stats_of(&l).resyncs, 0);
        close_link(&l);
        close_bench(t);
    }
}

static void a_server_that_began_anew_sends_a_whole(void **state)
{
    bench *t = open_bench(12);
    live_link l = open_link(t);
    (void)state;
    join(t, &l);
    live_link_cut(&l);
    live_bed_publisher(&t->bed);
    assert_true(live_link_settle(&l, SETTLE));
    assert_int_equal(skep_publisher_stats(t->bed.publisher).wholes_sent, 1);
    /* And one whose world began anew too, at a tick that the view was past long ago. */
    live_link_cut(&l);
    live_bed_restart(&t->bed);
    assert_true(live_link_settle(&l, SETTLE));
    assert_int_equal(skep_publisher_stats(t->bed.publisher).wholes_sent, 1);
    close_link(&l);
    close_bench(t);
}

static void a_world_that_goes_back_is_sent_whole_to_all(void **state)
{
    bench *t = open_bench(12);
    live_bed *b = &t->bed;
    live_link links[3];
    (void)state;
    for (uint32_t i = 0; i < 3u; i++) links[i] = open_link(t);
    for (uint32_t i = 0; i < 3u; i++) join(t, &links[i]);
    for (uint32_t i = 0; i < 30u; i++) {
        frame(t);
        for (uint32_t k = 0; k < 3u; k++) assert_true(live_link_move(&links[k]));
    }
    const uint64_t wholes = skep_publisher_stats(b->publisher).wholes_sent;
    assert_int_equal(skep_world_restore(b->world, b->start), SKEP_OK);
    b->entity_count = b->start_count;
    memcpy(b->entities, b->start_entities, sizeof b->entities);
    for (uint32_t i = 0; i < 30u; i++) {
        frame(t);
        for (uint32_t k = 0; k < 3u; k++) assert_true(live_link_move(&links[k]));
    }
    assert_int_equal(skep_publisher_stats(b->publisher).wholes_sent, wholes + 3u);
    for (uint32_t i = 0; i < 3u; i++) assert_true(live_link_settle(&links[i], SETTLE));
    assert_int_equal(stats_of(&links[0]).reconnects, 0);
    for (uint32_t i = 0; i < 3u; i++) close_link(&links[i]);
    close_bench(t);
}

static void another_schema_names_component_and_field(void **state)
{
    static const skep_field other_fields[] = {{"x", SKEP_TYPE_f32, 4, 1, 0},
                                              {"y", SKEP_TYPE_f64, 8, 1, 8}};
    static const skep_component other = {"BedPos", other_fields, 2, 16, 8, SKEP_KIND_COMPONENT};
    static const skep_replica mine[] = {{&other, NULL}};
    bench *t = open_bench(12);
    skep_view_desc d = skep_view_desc_default();
    live_link l = {.bed = &t->bed};
    (void)state;
    d.replicas = mine;
    d.replica_count = 1;
    d.allocator = t->own.allocator;
    assert_int_equal(skep_view_open(&d, &l.view), SKEP_OK);
    frame(t);
    live_link_connect(&l);
    assert_false(live_link_move(&l));
    assert_int_equal(skep_view_phase_of(l.view), SKEP_VIEW_CLOSED);
    assert_non_null(strstr(skep_view_reason(l.view), "BedPos"));
    assert_non_null(strstr(skep_view_reason(l.view), "y"));
    close_link(&l);
    close_bench(t);
}

/* A page that was loaded again counts its inputs from 1; they are no old ones. */
static void a_client_that_forgot_may_send(void **state)
{
    const BedSteer steer = {4, 0};
    bench *t = open_bench(12);
    t->bed.one_player = true;
    live_link l = open_link(t);
    (void)state;
    join(t, &l);
    for (uint32_t i = 0; i < 9u; i++) {
        assert_int_not_equal(skep_view_send(l.view, &BedSteer_info, &steer, 0, t->bed.now_ns), 0);
        assert_true(live_link_move(&l));
        frame(t);
    }
    assert_int_equal(t->bed.inputs, 9);
    close_link(&l);
    l = open_link(t);
    join(t, &l);
    assert_int_equal(skep_view_player(l.view), 1);
    assert_int_equal(skep_view_own_state(l.view).number, 0);
    for (uint32_t i = 0; i < 3u; i++) {
        assert_int_equal(skep_view_send(l.view, &BedSteer_info, &steer, 0, t->bed.now_ns), i + 1u);
        assert_true(live_link_move(&l));
        for (uint32_t k = 0; k < 10u; k++) frame(t);
        assert_true(live_link_move(&l));
        assert_int_equal(skep_view_own_state(l.view).number, i + 1u);
    }
    assert_int_equal(t->bed.inputs, 12);
    close_link(&l);
    close_bench(t);
}

/* ---- want of memory ---------------------------------------------------------------------------
 */

/* A short play in which the n-th allocation of one side fails, or all from it on until the play has
 * gone on for a while. Returns whether any failed. */
static bool play_without_memory(bool of_views, uint64_t n, bool once)
{
    const BedSteer steer = {1, 1};
    bench *t = open_bench(6);
    test_region *memory = of_views ? &t->views : &t->own;
    memory->fail_once = once;
    live_link l = open_link(t);
    test_region_fail(memory, n);
    for (uint32_t i = 0; i < 16u; i++) {
        if (i == 9u) live_link_cut(&l);
        live_link_connect(&l);
        (void)live_bed_frame(&t->bed);
        (void)skep_view_send(l.view, &BedSteer_info, &steer, 0, t->bed.now_ns);
        (void)live_link_move(&l);
        (void)live_bed_look(l.view, t->bed.now_ns);
    }
    const bool failed = memory->failed != 0;
    test_region_fail(memory, 0);
    if (!live_link_settle(&l, SETTLE))
        fail_msg("%s, allocation %llu%s: phase %d, %s", of_views ? "view" : "publisher",
                 (unsigned long long)n, once ? "" : " and on", (int)skep_view_phase_of(l.view),
                 skep_view_reason(l.view));
    close_link(&l);
    close_bench(t); /* nothing may be left */
    return failed;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (uint32_t of_views = 0; of_views < 2u; of_views++) {
        uint64_t n = 1;
        while (play_without_memory(of_views, n, true)) n += STRIDE;
        print_message("%llu allocations\n", (unsigned long long)n);
        assert_true(n > 100u);
    }
}

static void all_allocations_may_fail_for_a_while(void **state)
{
    (void)state;
    for (uint32_t of_views = 0; of_views < 2u; of_views++)
        for (uint64_t n = 1; play_without_memory(of_views, n, false);) n += 1u + n / 16u;
}

/* An event comes, or the connection ends with a reason. */
static void no_event_vanishes_without_memory(void **state)
{
    bool failed = true;
    (void)state;
    for (uint64_t n = 1; failed; n++) { /* of the publisher */
        bench *t = open_bench(6);
        live_link l = open_link(t);
        t->bed.quiet = true;
        join(t, &l);
        assert_int_equal(poll_all(&l, 0), 0);
        post(t, 0, 1);
        t->own.fail_once = true;
        test_region_fail(&t->own, n);
        (void)live_bed_frame(&t->bed);
        (void)live_link_move(&l);
        failed = t->own.failed != 0;
        test_region_fail(&t->own, 0);
        const bool open = l.session != NULL;
        for (uint32_t i = 0; open && i < 30u; i++) { /* a whole state may have to wait */
            frame(t);
            (void)live_link_move(&l);
        }
        if (open && poll_all(&l, 0) != 1u) fail_msg("allocation %llu", (unsigned long long)n);
        assert_true(open || skep_view_reason(l.view)[0]);
        close_link(&l);
        close_bench(t);
    }
}

static void making_without_memory_is_a_status(void **state)
{
    bench *t = open_bench(6);
    (void)state;
    for (uint32_t n = 1; n < 10u; n++) {
        skep_publisher *publisher = NULL;
        skep_view *view = NULL;
        const size_t live = t->own.live_bytes;
        test_region_fail(&t->own, n);
        const skep_status status = skep_publisher_create(&t->bed.desc, &publisher);
        assert_true(status == SKEP_OK || (status == SKEP_NO_MEMORY && !publisher));
        skep_publisher_destroy(publisher);
        test_region_fail(&t->own, n);
        view = live_bed_view(&t->bed);
        skep_view_close(view);
        test_region_fail(&t->own, 0);
        assert_int_equal(t->own.live_bytes, live);
    }
    close_bench(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bitecs_209_a_recycled_id_is_sent_whole),
        cmocka_unit_test(lightyear_1705_late_states_count),
        cmocka_unit_test(uws_499_a_gap_is_noticed_and_healed),
        cmocka_unit_test(uws_499_too_many_events_end_the_connection),
        cmocka_unit_test(g1_a_late_client_gets_the_newest_not_history),
        cmocka_unit_test(g2_many_events_are_in_flight),
        cmocka_unit_test(g3_events_wait_for_a_stalled_client),
        cmocka_unit_test(g4_what_always_fails_stops_nobody),
        cmocka_unit_test(g5_silence_ends),
        cmocka_unit_test(g5_limits_are_kept),
        cmocka_unit_test(slow_clients_cost_nothing_and_disturb_nobody),
        cmocka_unit_test(encoding_does_not_depend_on_how_many_look),
        cmocka_unit_test(cut_after_every_message_and_resumed),
        cmocka_unit_test(cut_within_every_message),
        cmocka_unit_test(resume_within_the_ring_is_a_delta),
        cmocka_unit_test(a_server_that_began_anew_sends_a_whole),
        cmocka_unit_test(a_world_that_goes_back_is_sent_whole_to_all),
        cmocka_unit_test(another_schema_names_component_and_field),
        cmocka_unit_test(a_client_that_forgot_may_send),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(no_event_vanishes_without_memory),
        cmocka_unit_test(all_allocations_may_fail_for_a_while),
        cmocka_unit_test(making_without_memory_is_a_status),
    };
    return cmocka_run_group_tests_name("live_cases", tests, NULL, NULL);
}
