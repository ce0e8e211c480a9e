/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * What passes between the world's thread and the gateway's: nothing is lost, nothing comes twice,
 * everything has its limit; and the pieces that need no socket. */
#include "gateway/client_url.h"
#include "gateway/gather.h"
#include "gateway/handover.h"
#include "port/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ITEMS 20000u

typedef struct storm {
    skep__handover h;
    skep_allocator allocator;
    _Atomic uint32_t done;
    uint32_t states_given; /* by the world's thread */
    uint32_t states_taken; /* by the gateway's */
    uint64_t sum_put;
} storm;

/* States are only passed on here, so any address does. */
static skep_state *state_of(uint32_t number)
{
    return (skep_state *)(uintptr_t)(number * 16u);
}

static void storm_wire(void *arg)
{
    storm *s = arg;
    skep_state *states[SKEP__HANDOVER_STATES];
    bool stop = false;
    uint32_t last = 0;
    for (uint32_t i = 0; i < ITEMS; i++) {
        uint8_t bytes[40];
        memset(bytes, (int)(i & 255u), sizeof bytes);
        const skep__handover_item item = {
            .number = i + 1u, .kind = SKEP_PUBLISH_INPUT, .player = 1 + i % 7u, .size = i % 40u};
        while (!skep__handover_put(&s->h, &item, bytes)) skep__port_yield();
        s->sum_put += item.number;
        if (i % 64u == 0) skep__handover_say(&s->h, SKEP_LOG_INFO, "line %u", i);
        if (i % 32u) continue;
        const uint32_t count = skep__handover_take(&s->h, states, &stop);
        for (uint32_t k = 0; k < count; k++) {
            const uint32_t number = (uint32_t)((uintptr_t)states[k] / 16u);
            if (number <= last) abort();
            last = number;
        }
        s->states_taken += count;
    }
    atomic_store(&s->done, 1);
}

static void count_line(void *ctx, skep_log_level level, const char *text)
{
    (void)level;
    (void)text;
    (*(uint32_t *)ctx)++;
}

/* Reads one box: numbers must follow each other, and bytes be those that were put in. */
static void storm_read(skep__handover_box *box, uint64_t *last)
{
    for (uint32_t at = 0; at < box->used;) {
        skep__handover_item item;
        memcpy(&item, box->bytes + at, sizeof item);
        assert_true(item.number == *last + 1);
        for (uint32_t i = 0; i < item.size; i++)
            assert_int_equal(box->bytes[at + sizeof item + i], (item.number - 1) & 255u);
        *last = item.number;
        at += (uint32_t)sizeof item + ((item.size + 7u) & ~7u);
    }
    box->used = 0;
}

static void two_threads_lose_nothing(void **state)
{
    (void)state;
    storm *s = calloc(1, sizeof *s);
    skep__handover_lines *lines = calloc(1, sizeof *lines);
    skep__handover_box box = {0};
    skep__port_thread thread;
    uint64_t last = 0;
    uint32_t told = 0;
    const skep_log log = {count_line, &told};
    assert_non_null(s);
    assert_non_null(lines);
    s->allocator = skep__port_allocator();
    skep__handover_init(&s->h, &s->allocator);
    assert_true(skep__port_thread_create(&thread, "wire", storm_wire, s));
    bool more = true;
    while (more) {
        more = !atomic_load(&s->done);
        skep__handover_swap(&s->h, &box);
        storm_read(&box, &last);
        skep__handover_tell(&s->h, lines, &log);
        if (skep__handover_give(&s->h, state_of(s->states_given + 1u))) s->states_given++;
    }
    skep__port_thread_join(&thread);
    assert_true(last == ITEMS);
    assert_true(told > 0);
    skep_state *states[SKEP__HANDOVER_STATES];
    bool stop = false;
    s->states_taken += skep__handover_take(&s->h, states, &stop);
    assert_int_equal(s->states_taken, s->states_given);
    assert_false(stop);
    skep__handover_deinit(&s->h);
    s->allocator.free(s->allocator.ctx, box.bytes, box.cap, 16);
    free(lines);
    free(s);
}

static void queues_have_limits(void **state)
{
    (void)state;
    skep__handover *h = calloc(1, sizeof *h);
    assert_non_null(h);
    const skep_allocator a = skep__port_allocator();
    skep__handover_init(h, &a);
    uint32_t given = 0;
    while (skep__handover_give(h, state_of(given + 1u))) given++;
    assert_int_equal(given, SKEP__HANDOVER_STATES);
    skep_state *states[SKEP__HANDOVER_STATES];
    bool stop = false;
    assert_int_equal(skep__handover_take(h, states, &stop), given);
    static const uint8_t bytes[1000];
    skep__handover_item item = {.kind = SKEP_PUBLISH_INPUT, .player = 1, .size = sizeof bytes};
    uint32_t inputs = 0;
    while (skep__handover_put(h, &item, bytes)) inputs++;
    assert_in_range(inputs, 900, 1100);
    assert_true(skep__handover_full(h));
    item.kind = SKEP_PUBLISH_LEAVE;
    item.size = 0;
    assert_true(skep__handover_put(h, &item, NULL));
    skep__handover_box box = {0};
    skep__handover_swap(h, &box);
    assert_false(skep__handover_full(h));
    a.free(a.ctx, box.bytes, box.cap, 16);
    skep__handover_deinit(h);
    free(h);
}

#define VERSIONS 20000u
#define VERSION_BYTES 3000u

/* Reads documents while they are replaced: a version is one all through, and newer ones come. */
static void read_versions(void *arg)
{
    storm *s = arg;
    uint64_t last = 0;
    while (last < VERSIONS) {
        const skep__handover_copy *copy = skep__handover_read(&s->h, &s->h.documents[1]);
        if (!copy) continue;
        if (copy->number < last || copy->used != VERSION_BYTES) abort();
        for (uint32_t i = 0; i < copy->used; i++)
            if (copy->bytes[i] != (copy->number & 255u)) abort();
        last = copy->number;
        skep__handover_done(&s->h, &s->h.documents[1], copy);
    }
    atomic_store(&s->done, 1);
}

static void versions_stay_while_they_are_read(void **state)
{
    (void)state;
    static uint8_t bytes[VERSION_BYTES];
    skep__port_thread thread;
    storm *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->allocator = skep__port_allocator();
    skep__handover_init(&s->h, &s->allocator);
    assert_true(skep__port_thread_create(&thread, "wire", read_versions, s));
    for (uint32_t i = 1; i <= VERSIONS; i++) {
        memset(bytes, (int)(i & 255u), sizeof bytes);
        assert_int_equal(skep__handover_show(&s->h, &s->h.documents[1], bytes, sizeof bytes),
                         SKEP_OK);
    }
    skep__port_thread_join(&thread);
    assert_int_equal(atomic_load(&s->done), 1);
    assert_null(skep__handover_read(&s->h, &s->h.documents[0]));
    skep__handover_deinit(&s->h);
    free(s);
}

static void versions_are_bounded(void **state)
{
    (void)state;
    static const uint8_t bytes[100] = {1, 2, 3};
    const skep__handover_copy *held[SKEP__HANDOVER_COPIES];
    const skep_allocator a = skep__port_allocator();
    skep__handover *h = calloc(1, sizeof *h);
    assert_non_null(h);
    skep__handover_init(h, &a);
    skep__handover_document *d = &h->documents[0];
    assert_int_equal(skep__handover_show(h, d, NULL, 0), SKEP_OK);
    for (uint32_t i = 0; i < SKEP__HANDOVER_COPIES; i++) {
        assert_int_equal(skep__handover_show(h, d, bytes, i + 1), SKEP_OK);
        held[i] = skep__handover_read(h, d);
        assert_int_equal(held[i]->number, i + 1);
    }
    assert_int_equal(skep__handover_crowded(h, d), 0);
    assert_int_equal(skep__handover_show(h, d, bytes, 50), SKEP_LIMIT);
    assert_int_equal(skep__handover_crowded(h, d), 1);
    assert_int_equal(skep__handover_crowded(h, d), 0);
    /* The one that is shown is nobody's to make room for. */
    skep__handover_done(h, d, held[7]);
    assert_int_equal(skep__handover_show(h, d, bytes, 50), SKEP_LIMIT);
    skep__handover_done(h, d, held[0]);
    assert_int_equal(skep__handover_show(h, d, bytes, 50), SKEP_OK);
    assert_int_equal(skep__handover_crowded(h, d), 2);
    /* Hidden: what is read stays, the rest is given back. */
    assert_int_equal(skep__handover_show(h, d, NULL, 0), SKEP_OK);
    assert_null(skep__handover_read(h, d));
    assert_null(d->copies[0].bytes);
    assert_int_equal(held[3]->used, 4);
    assert_memory_equal(held[3]->bytes, bytes, 4);
    for (uint32_t i = 1; i < 7; i++) skep__handover_done(h, d, held[i]);
    assert_int_equal(skep__handover_show(h, d, NULL, 0), SKEP_OK);
    for (uint32_t i = 0; i < SKEP__HANDOVER_COPIES; i++) assert_null(d->copies[i].bytes);
    skep__handover_deinit(h);
    free(h);
}

typedef struct heard {
    uint32_t lines;
    char last[SKEP__HANDOVER_LINE];
} heard;

static void hear(void *ctx, skep_log_level level, const char *text)
{
    heard *h = ctx;
    (void)level;
    h->lines++;
    (void)snprintf(h->last, sizeof h->last, "%s", text);
}

static void lines_are_bounded_and_clean(void **state)
{
    (void)state;
    skep__handover *h = calloc(1, sizeof *h);
    skep__handover_lines *lines = calloc(1, sizeof *lines);
    heard got = {0};
    const skep_log log = {hear, &got};
    const skep_allocator a = skep__port_allocator();
    assert_non_null(h);
    assert_non_null(lines);
    skep__handover_init(h, &a);
    skep__handover_say(h, SKEP_LOG_WARN, "a name\r\n\x1b[2Jof %s", "theirs");
    skep__handover_tell(h, lines, &log);
    assert_string_equal(got.last, "a name???[2Jof theirs");
    got.lines = 0;
    for (uint32_t i = 0; i < 5000; i++) skep__handover_say(h, SKEP_LOG_INFO, "line number %u", i);
    skep__handover_tell(h, lines, &log);
    assert_in_range(got.lines, 500, 2000);
    assert_non_null(strstr(got.last, "more lines were left out"));
    skep__handover_deinit(h);
    free(lines);
    free(h);
}

static void messages_are_gathered_up_to_a_limit(void **state)
{
    (void)state;
    static uint8_t bytes[9000];
    const skep_allocator a = skep__port_allocator();
    skep__gather g = {0};
    for (uint32_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7u);
    for (uint32_t i = 0; i < 9; i++)
        assert_int_equal(skep__gather_add(&g, &a, bytes + i * 1000u, 1000, 9000), SKEP_OK);
    assert_int_equal(g.used, 9000);
    assert_memory_equal(g.bytes, bytes, 9000);
    assert_int_equal(skep__gather_add(&g, &a, bytes, 1, 9000), SKEP_LIMIT);
    assert_int_equal(skep__gather_add(&g, &a, bytes, SIZE_MAX, 9000), SKEP_LIMIT);
    skep__gather_clear(&g, &a);
    assert_null(g.bytes);
    assert_int_equal(skep__gather_add(&g, &a, bytes, 0, 10), SKEP_OK);
    skep__gather_deinit(&g, &a);
}

typedef struct address {
    const char *text;
    const char *authority; /* NULL: it is none */
    const char *path;
    bool secure;
} address;

static void addresses_are_read(void **state)
{
    (void)state;
    static const address all[] = {
        {"ws://localhost:8080", "localhost:8080", "/world", false},
        {"http://localhost:8080/", "localhost:8080", "/world", false},
        {"localhost:8080", "localhost:8080", "/world", false},
        {"wss://a.example/live?token=x#y", "a.example:443", "/live?token=x", true},
        {"https://a.example?token=x", "a.example:443", "/world?token=x", true},
        {"ws://[::1]:9/", "[::1]:9", "/world", false},
        {"ftp://a.example/", NULL, NULL, false},
        {"ws://", NULL, NULL, false},
        {"ws://a:0/", NULL, NULL, false},
        {"ws://a:65536/", NULL, NULL, false},
        {"ws://a:99999999999999999999/", NULL, NULL, false},
        {"ws://a:1x/", NULL, NULL, false},
        {"ws://[::1/", NULL, NULL, false},
        {"ws://a b/", NULL, NULL, false},
        {"ws://a\r\nHost: b/", NULL, NULL, false},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        skep__client_url url;
        const char *wrong = skep__client_url_read(all[i].text, &url);
        if (!all[i].authority) {
            assert_non_null(wrong);
            continue;
        }
        assert_null(wrong);
        assert_string_equal(url.authority, all[i].authority);
        assert_string_equal(url.path, all[i].path);
        assert_int_equal(url.secure, all[i].secure);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_threads_lose_nothing),
        cmocka_unit_test(queues_have_limits),
        cmocka_unit_test(versions_stay_while_they_are_read),
        cmocka_unit_test(versions_are_bounded),
        cmocka_unit_test(lines_are_bounded_and_clean),
        cmocka_unit_test(messages_are_gathered_up_to_a_limit),
        cmocka_unit_test(addresses_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
