/* SPDX-License-Identifier: MIT */
/* A millisecond of the laboratory: the server's frames that are due, then what arrives, then what
 * either end has to send. Messages never overtake each other, as on a TCP connection; a cut loses
 * all that are under way. */
#include "live_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *lab_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void lab_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    (void)ctx;
    (void)bytes;
    (void)align;
    free(memory);
}

static void lab_random_bytes(void *ctx, void *bytes, size_t n)
{
    live_lab *l = ctx;
    for (size_t i = 0; i < n; i++) ((uint8_t *)bytes)[i] = (uint8_t)live_lab_random(l, 256);
}

static void lab_log(void *ctx, skep_log_level level, const char *text)
{
    live_lab *l = ctx;
    (void)level;
    strncpy(l->log, text, sizeof l->log - 1);
}

uint32_t live_lab_random(live_lab *l, uint32_t below)
{
    uint64_t x = l->seed * 0x9E3779B97F4A7C15u + ++l->draw * 0xD1B54A32D192ED03u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)((x >> 32) % below);
}

/* ---- the wire -------------------------------------------------------------------------------- */

static void wire_send(live_lab *l, live_wire *w, const void *bytes, size_t size)
{
    uint64_t at = l->now_ns + (uint64_t)l->latency_ms * LIVE_LAB_MS;
    if (l->jitter_ms) at += (uint64_t)live_lab_random(l, l->jitter_ms * 1000u) * 1000u;
    live_wire_send(w, bytes, size, at);
}

/* ---- life ------------------------------------------------------------------------------------ */

void live_lab_view(live_lab *l, const skep_view_desc *view)
{
    skep_view_desc d = *view;
    skep_view_close(l->view);
    d.allocator = l->memory.allocator;
    d.log = (skep_log){lab_log, l};
    assert_int_equal(skep_view_open(&d, &l->view), SKEP_OK);
}

void live_lab_open(live_lab *l, const skep_scene *scene, const skep_publish_desc *publish,
                   const skep_view_desc *view)
{
    memset(l, 0, sizeof *l);
    l->seed = 1;
    l->now_ns = 5000000000u;
    l->frame_ns = l->now_ns;
    l->publish = *publish;
    l->publish.allocator = (skep_allocator){lab_alloc, lab_free, NULL};
    l->publish.random = lab_random_bytes;
    l->publish.random_ctx = l;
    l->tick_hz = publish->tick_hz ? publish->tick_hz : 60u;
    skep_sim_desc d = skep_sim_desc_default();
    d.executor = SKEP_EXECUTOR_LOCAL;
    d.workers = 0;
    d.region_bytes_max = (size_t)256 << 20;
    assert_int_equal(skep_sim_open(scene, &d, &l->server), SKEP_OK);
    assert_int_equal(skep_feed_create(skep_sim_world(l->server), &l->publish, &l->feed), SKEP_OK);
    assert_int_equal(skep_publisher_create(&l->publish, &l->publisher), SKEP_OK);
    assert_true(test_region_open(&l->memory, (size_t)2 << 20));
    live_lab_view(l, view);
}

void live_lab_close(live_lab *l)
{
    live_lab_cut(l);
    skep_view_close(l->view);
    assert_true(test_region_close(&l->memory));
    skep_publisher_destroy(l->publisher);
    skep_feed_destroy(l->feed);
    skep_sim_close(l->server);
}

void live_lab_connect(live_lab *l)
{
    assert_null(l->session);
    assert_int_equal(skep_session_create(l->publisher, l->now_ns, NULL, &l->session), SKEP_OK);
    skep_view_connected(l->view, l->now_ns);
    live_lab_flush(l);
}

void live_lab_cut(live_lab *l)
{
    live_wire_clear(&l->up);
    live_wire_clear(&l->down);
    if (l->session) skep_session_destroy(l->session, l->now_ns);
    l->session = NULL;
    skep_view_disconnected(l->view, l->now_ns);
}

/* ---- time ------------------------------------------------------------------------------------ */

void live_lab_flush(live_lab *l)
{
    const void *bytes = NULL;
    size_t size = 0;
    while (skep_view_next(l->view, l->now_ns, &bytes, &size))
        if (l->session) wire_send(l, &l->up, bytes, size);
}

static void lab_server_events(live_lab *l)
{
    skep_publish_event e;
    while (skep_publisher_poll(l->publisher, &e)) {
        switch (e.kind) {
        case SKEP_PUBLISH_AUTH:
            skep_session_accept(e.session, 7, l->now_ns);
            break;
        case SKEP_PUBLISH_JOIN:
            l->player = e.player;
            assert_int_equal(skep_feed_join(l->feed, e.player), SKEP_OK);
            if (l->joined) l->joined(l, skep_sim_world(l->server), l->ctx);
            break;
        case SKEP_PUBLISH_INPUT:
            assert_int_equal(skep_feed_input(l->feed, &e), SKEP_OK);
            break;
        case SKEP_PUBLISH_LEAVE:
            skep_feed_leave(l->feed, e.player);
            break;
        }
    }
}

static void lab_server_send(live_lab *l)
{
    const void *bytes = NULL;
    size_t size = 0;
    while (l->session && !l->client_stuck &&
           skep_session_next(l->session, l->now_ns, &bytes, &size))
        wire_send(l, &l->down, bytes, size);
}

static void lab_server_frame(live_lab *l)
{
    skep_state *state = NULL;
    lab_server_events(l);
    if (l->turn) l->turn(l, skep_sim_world(l->server), l->ctx);
    assert_int_equal(skep_feed_begin(l->feed), SKEP_OK);
    assert_int_equal(skep_sim_step(l->server, 1.0f / (float)l->tick_hz), SKEP_OK);
    assert_int_equal(skep_feed_end(l->feed, false, &state), SKEP_OK);
    if (state) assert_int_equal(skep_publisher_update(l->publisher, state, l->now_ns), SKEP_OK);
}

static void lab_deliver(live_lab *l)
{
    live_message m;
    while (live_wire_take(&l->up, l->now_ns, &m)) {
        if (l->session && !skep_session_receive(l->session, m.bytes, m.size, l->now_ns)) {
            lab_server_send(l);
            if (skep_session_reason(l->session))
                strncpy(l->log, skep_session_reason(l->session), sizeof l->log - 1);
        }
        free(m.bytes);
        lab_server_events(l);
    }
    while (live_wire_take(&l->down, l->now_ns, &m)) {
        const bool kept = !l->spoil || l->spoil(l, m.bytes, m.size, l->ctx);
        const bool goes_on = !kept || skep_view_receive(l->view, m.bytes, m.size, l->now_ns);
        free(m.bytes);
        if (goes_on) continue;
        live_lab_cut(l);
        return;
    }
}

void live_lab_pass(live_lab *l, uint32_t ms)
{
    for (uint32_t i = 0; i < ms; i++) {
        l->now_ns += LIVE_LAB_MS;
        while (l->frame_ns <= l->now_ns) {
            lab_server_frame(l);
            l->frame_ns += 1000000000u / l->tick_hz;
        }
        lab_deliver(l);
        lab_server_send(l);
        if (l->session) (void)skep_session_tick(l->session, l->now_ns);
        if (!skep_view_tick(l->view, l->now_ns) && l->session) live_lab_cut(l);
        live_lab_flush(l);
    }
}
