/* SPDX-License-Identifier: MIT */
/* A view and messages made by hand: what it says, in which order, what ends it for good, what only
 * ends the connection, and what it asks to be sent again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/replicate/class_wire.h"
#include "core/replicate/message.h"
#include "skep/view.h"

#define MS 1000000u
#define ROOM 4096u

static const skep_field pos_fields[] = {{"x", SKEP_TYPE_f32, 4, 1, 0},
                                        {"y", SKEP_TYPE_f32, 4, 1, 4}};
static const skep_field other_fields[] = {{"x", SKEP_TYPE_f32, 4, 1, 0},
                                          {"z", SKEP_TYPE_f32, 4, 1, 4}};
static const skep_component pos_info = {"Pos", pos_fields, 2, 8, 4, SKEP_KIND_COMPONENT};
static const skep_component other_info = {"Pos", other_fields, 2, 8, 4, SKEP_KIND_COMPONENT};
static const skep_component steer_info = {"Steer", pos_fields, 1, 4, 4, SKEP_KIND_INPUT};
static const skep_component boom_info = {"Boom", pos_fields, 1, 4, 4, SKEP_KIND_EVENT};
static const int8_t quanta[] = {-4, -4};
static const skep_replica theirs[] = {{&pos_info, quanta}, {&steer_info, NULL}, {&boom_info, NULL}};
static const skep_replica others[] = {{&other_info, NULL}};

static void *heap_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void heap_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    (void)ctx;
    (void)bytes;
    (void)align;
    free(memory);
}

static const skep_allocator heap = {heap_alloc, heap_free, NULL};
static skep_view *view;
static uint64_t now_ns;
static uint8_t room[ROOM];

static void open_view(const skep_replica *replicas, uint32_t count)
{
    skep_view_desc d = skep_view_desc_default();
    d.replicas = replicas;
    d.replica_count = count;
    d.allocator = heap;
    d.token = "secret";
    d.token_bytes = 6;
    now_ns = 1000u * MS;
    assert_int_equal(skep_view_open(&d, &view), SKEP_OK);
    assert_int_equal(skep_view_phase_of(view), SKEP_VIEW_CONNECTING);
    skep_view_connected(view, now_ns);
}

/* The type of the next message, 0 for none. */
static uint32_t said(void)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    const void *bytes = NULL;
    size_t size = 0;
    skep__wire_message m;
    skep_error error;
    if (!skep_view_next(view, now_ns, &bytes, &size)) return 0;
    assert_int_equal(skep__wire_open(&m, bytes, size, SKEP__WIRE_UP, &limits, &error), SKEP_OK);
    return m.header.type;
}

static bool give(const skep__wire_writer *w)
{
    uint8_t *copy = malloc(w->need);
    assert_non_null(copy);
    memcpy(copy, room, w->need);
    const bool goes_on = skep_view_receive(view, copy, w->need, now_ns);
    free(copy);
    return goes_on;
}

static bool welcome(const skep_replica *replicas, uint32_t count, uint32_t tick_hz)
{
    const skep__wire_header h = {.type = SKEP__WIRE_WELCOME};
    const skep__message_welcome clock = {
        .tick_hz = tick_hz, .every = 3, .player = 5, .input_window = 64};
    skep__wire_writer w = {.bytes = room, .bytes_max = ROOM};
    skep__wire_message_begin(&w, &h);
    skep__wire_section_begin(&w, SKEP__WIRE_SECTION_SCHEMA);
    skep__message_put_schema(&w, replicas, count, true);
    skep__wire_section_end(&w);
    skep__wire_section_begin(&w, SKEP__WIRE_SECTION_TOKEN);
    skep__wire_put_bytes(&w, "0123456789abcdef", SKEP__RESUME_BYTES);
    skep__wire_section_end(&w);
    skep__wire_section_begin(&w, SKEP__WIRE_SECTION_CLOCK);
    skep__message_put_welcome(&w, &clock);
    skep__wire_section_end(&w);
    assert_int_equal(skep__wire_message_end(&w), SKEP_OK);
    return give(&w);
}

static bool ack(uint32_t tick, uint32_t previous, uint32_t messages)
{
    const skep__wire_header h = {.type = SKEP__WIRE_ACK, .tick = tick};
    const skep__message_state state = {.previous = previous, .message_count = messages};
    skep__wire_writer w = {.bytes = room, .bytes_max = ROOM};
    skep__wire_message_begin(&w, &h);
    skep__wire_section_begin(&w, SKEP__WIRE_SECTION_STATE);
    skep__message_put_state(&w, &state, NULL, 0);
    skep__wire_section_end(&w);
    assert_int_equal(skep__wire_message_end(&w), SKEP_OK);
    return give(&w);
}

/* Whole class 1 with one entity at x, 2. */
static bool class_message(uint32_t tick, int32_t x)
{
    skep__code_layout layout;
    skep__code_pool pool = {.allocator = &heap, .bytes_max = 1u << 20};
    skep__codes codes = {0};
    skep__wire_writer w = {.bytes = room, .bytes_max = ROOM};
    const skep__code_terms terms = {
        .replicas = theirs, .replica_count = 3, .tick_hz = 60, .message_down_max = 1u << 20};
    assert_int_equal(skep__code_layout_init(&layout, &terms, 1, &heap), SKEP_OK);
    assert_int_equal(skep__codes_resize(&codes, &layout, 1, &pool), SKEP_OK);
    *skep__codes_own_ids(&codes, 0, &pool) = skep_entity_make(9, 1).bits;
    int32_t *column = skep__codes_own_codes(&codes, 0, &pool);
    column[0] = x * 16;
    column[SKEP__COLUMNS_BLOCK] = 2 * 16;
    const skep__class_message message = {.class_id = 1, .tick = tick, .hash = true};
    const skep__code_past past = {.layout = &layout};
    assert_int_equal(skep__class_encode(&message, &past, &codes, &pool, &w), SKEP_OK);
    skep__codes_deinit(&codes, &pool);
    skep__code_layout_deinit(&layout, &heap);
    assert_int_equal(pool.bytes_held, 0);
    return give(&w);
}

static bool bye(bool again, const char *reason)
{
    skep__wire_writer w = {.bytes = room, .bytes_max = ROOM};
    assert_int_equal(skep__message_bye(&w, 1, again, reason), SKEP_OK);
    return give(&w);
}

static void live(void)
{
    assert_int_equal(said(), SKEP__WIRE_HELLO);
    assert_true(welcome(theirs, 3, 60));
    assert_int_equal(said(), SKEP__WIRE_SUBSCRIBE);
    assert_true(ack(10, 0, 1));
    assert_int_equal(skep_view_phase_of(view), SKEP_VIEW_CONNECTING);
    assert_true(class_message(10, 4));
    assert_int_equal(skep_view_phase_of(view), SKEP_VIEW_LIVE);
}

static float shown_x(void)
{
    float pos[2] = {0};
    assert_int_equal(skep_view_frame(view, now_ns), SKEP_OK);
    assert_true(skep_view_get(view, skep_entity_make(9, 1), &pos_info, pos));
    assert_true(pos[1] == 2.0f);
    return pos[0];
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void a_connection_in_order(void **state)
{
    (void)state;
    open_view(theirs, 3);
    assert_false(skep_view_send(view, &steer_info, &(float){1}, 0, now_ns));
    live();
    assert_int_equal(said(), 0);
    assert_true(shown_x() == 4.0f);
    assert_int_equal(skep_view_player(view), 5);
    assert_ptr_equal(skep_view_component(view, "Pos"), &pos_info);
    assert_int_equal(skep_view_send(view, &steer_info, &(float){1}, 0, now_ns), 1);
    assert_int_equal(skep_view_send(view, &steer_info, &(float){1}, 0, now_ns), 2);
    assert_int_equal(said(), SKEP__WIRE_INPUT);
    assert_int_equal(said(), 0);
    assert_true(skep_view_tick(view, now_ns));
    assert_int_equal(said(), SKEP__WIRE_PING);
    now_ns += 2500u * MS;
    assert_true(skep_view_tick(view, now_ns));
    assert_int_equal(skep_view_phase_of(view), SKEP_VIEW_STALE);
    now_ns += 60000u * (uint64_t)MS;
    assert_false(skep_view_tick(view, now_ns));
    assert_int_equal(skep_view_phase_of(view), SKEP_VIEW_RECONNECTING);
    assert_true(shown_x() == 4.0f);
    skep_view_connected(view, now_ns);
    assert_int_equal(said(), SKEP__WIRE_HELLO);
    skep_view_leave(view);
    assert_int_equal(said(), SKEP__WIRE_BYE);
    assert_int_equal(skep_view_phase_of(view), SKEP_VIEW_CLOSED);
    assert_int_equal(said(), 0);
    skep_view_close(view);
}

static void a_mismatch_names_the_field(void **state)
{
    (void)state;
    open_view(others, 1);
    assert_false(welcome(theirs, 3, 60));
    assert_int_equal(skep_view_phase_of(view), SKEP_VIEW_CLOSED);
    assert_string_equal(skep_view_reason(view), "Pos.z: the server has Pos.y in its place");
    skep_view_close(view);
    open_view(theirs, 3);
    assert_false(welcome(others, 1, 60));
    assert_int_equal(skep_view_phase_of(view), SKEP_VIEW_CLOSED);
    skep_view_close(view);
    open_view(theirs, 3);
    assert_false(welcome(theirs, 2, 60));
    assert_string_equal(skep_view_reason(view), "Boom: the server does not publish it");
    skep_view_close(view);
    /* The server's own description does where the program has none. */
    open_view(NULL, 0);
    live();
    const skep_component *info = skep_view_component(view, "Pos");
    assert_non_null(info);
    float pos[2];
    assert_int_equal(skep_view_frame(view, now_ns), SKEP_OK);
    assert_true(skep_view_get(view, skep_entity_make(9, 1), info, pos));
    assert_true(shown_x() == 4.0f); /* a description of the same form does as well */
    skep_view_disconnected(view, now_ns);
    skep_view_connected(view, now_ns);
    assert_false(welcome(theirs, 3, 30)); /* it runs at another pace now */
    assert_int_equal(skep_view_phase_of(view), SKEP_VIEW_CLOSED);
    skep_view_close(view);
}

static void byes_say_whether_to_come_back(void **state)
{
    (void)state;
    open_view(theirs, 3);
    live();
    assert_false(bye(true, "the server restarts"));
    assert_int_equal(skep_view_phase_of(view), SKEP_VIEW_RECONNECTING);
    assert_string_equal(skep_view_reason(view), "the server restarts");
    skep_view_connected(view, now_ns);
    assert_false(bye(false, "another\nconnection"));
    assert_int_equal(skep_view_phase_of(view), SKEP_VIEW_CLOSED);
    assert_string_equal(skep_view_reason(view), "another connection");
    skep_view_connected(view, now_ns);
    assert_int_equal(said(), 0);
    skep_view_close(view);
}

static void what_does_not_belong_is_refused(void **state)
{
    (void)state;
    skep__wire_writer w = {.bytes = room, .bytes_max = ROOM};
    open_view(theirs, 3);
    assert_false(ack(10, 0, 0)); /* before WELCOME */
    assert_int_equal(skep_view_phase_of(view), SKEP_VIEW_CONNECTING);
    skep_view_connected(view, now_ns);
    live();
    assert_int_equal(skep__message_resync(&w, 1), SKEP_OK);
    assert_false(give(&w)); /* only clients say that */
    assert_int_equal(skep_view_phase_of(view), SKEP_VIEW_RECONNECTING);
    skep_view_connected(view, now_ns);
    assert_true(welcome(theirs, 3, 60));
    assert_false(welcome(theirs, 3, 60));
    skep_view_connected(view, now_ns);
    w = (skep__wire_writer){.bytes = room, .bytes_max = ROOM};
    assert_int_equal(skep__message_ping(&w, SKEP__WIRE_PING, 1, 2, 3), SKEP_OK);
    room[2] = 9;
    assert_false(give(&w)); /* another version cannot heal */
    assert_int_equal(skep_view_phase_of(view), SKEP_VIEW_CLOSED);
    skep_view_close(view);
}

static void gaps_are_asked_for(void **state)
{
    (void)state;
    open_view(theirs, 3);
    live();
    assert_true(ack(16, 13, 1)); /* on a state that did not come */
    assert_true(class_message(16, 5));
    assert_int_equal(said(), SKEP__WIRE_RESYNC);
    assert_int_equal(said(), 0);
    assert_true(ack(19, 16, 0));
    assert_int_equal(said(), 0); /* not twice a second */
    now_ns += 1000u * MS;
    assert_int_equal(said(), SKEP__WIRE_RESYNC);
    assert_int_equal(skep_view_stats_of(view, now_ns).tick, 10);
    assert_true(ack(22, 0, 1));
    assert_true(class_message(22, 6));
    now_ns += 1000u * MS;
    assert_int_equal(said(), 0);
    assert_int_equal(skep_view_stats_of(view, now_ns).tick, 22);
    assert_int_equal(skep_view_stats_of(view, now_ns).resyncs, 2);
    assert_true(shown_x() == 6.0f);
    /* A class of another tick, one too many, and one twice is as good as once more. */
    assert_true(ack(25, 22, 1));
    assert_true(class_message(24, 7));
    assert_int_equal(said(), SKEP__WIRE_RESYNC);
    assert_true(class_message(25, 7));
    assert_int_equal(skep_view_stats_of(view, now_ns).tick, 22);
    skep_view_close(view);
}

/* A world that went back is shown from where it is now. */
static void a_world_may_go_back(void **state)
{
    (void)state;
    open_view(theirs, 3);
    live();
    for (uint32_t i = 0; i < 40; i++) {
        now_ns += 50u * MS;
        assert_true(ack(13 + 3 * i, 10 + 3 * i, 1));
        assert_true(class_message(13 + 3 * i, (int32_t)i));
        (void)shown_x();
    }
    assert_true(ack(10, 0, 1));
    assert_true(class_message(10, 77));
    assert_true(shown_x() == 77.0f);
    skep_view_close(view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_in_order),
        cmocka_unit_test(a_mismatch_names_the_field),
        cmocka_unit_test(byes_say_whether_to_come_back),
        cmocka_unit_test(what_does_not_belong_is_refused),
        cmocka_unit_test(gaps_are_asked_for),
        cmocka_unit_test(a_world_may_go_back),
    };
    return cmocka_run_group_tests_name("view_messages", tests, NULL, NULL);
}
