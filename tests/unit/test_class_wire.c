/* SPDX-License-Identifier: MIT */
/* Messages of view classes: whatever came, left, moved or grew, the reader ends with the writer's
 * state, from any base; cut and mutated messages are refused or give a state that fits together,
 * and never leave memory behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/random.h"
#include "bench/code_cells.h"
#include "core/replicate/class_wire.h"

#define STATES 7u
#define SLOTS_MAX 400u
#define MESSAGE_MAX 65536u

static void *heap_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    return aligned_alloc(align, (bytes + align - 1u) / align * align);
}

static void heap_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    (void)ctx;
    (void)bytes;
    (void)align;
    free(memory);
}

static const skep_allocator heap = {heap_alloc, heap_free, NULL};

static const skep_field pos_fields[] = {{"x", SKEP_TYPE_f32, 4, 1, 0},
                                        {"y", SKEP_TYPE_f32, 4, 1, 4}};
static const skep_field vel_fields[] = {{"x", SKEP_TYPE_f32, 4, 1, 0}};
static const skep_field kind_fields[] = {{"kind", SKEP_TYPE_u8, 1, 1, 0},
                                         {"goal", SKEP_TYPE_entity, 8, 1, 8}};
static const skep_component infos[] = {{"Pos", pos_fields, 2, 8, 4, SKEP_KIND_COMPONENT},
                                       {"Vel", vel_fields, 1, 4, 4, SKEP_KIND_COMPONENT},
                                       {"Kind", kind_fields, 2, 16, 8, SKEP_KIND_COMPONENT},
                                       {"Tag", NULL, 0, 0, 1, SKEP_KIND_COMPONENT}};
static const int8_t sixths[] = {-6, -6};
static const skep_replica replicas[] = {
    {&infos[0], sixths}, {&infos[1], sixths}, {&infos[2], NULL}, {&infos[3], NULL}};
static const skep_rate rates[] = {{&infos[0], 0, &infos[1], 0}};

/* States of a class, each from the one before. */
typedef struct history {
    uint64_t seed;
    uint32_t draw;
    skep__code_pool pool;
    skep__code_layout layout;
    skep__codes states[STATES];
} history;

static uint32_t drawn(history *h, uint32_t below)
{
    return skep__random_below(skep__random(h->seed, 4, 0, 0, h->draw++), below);
}

static void draw_slot(history *h, skep__codes *s, uint32_t slot, uint64_t id)
{
    uint64_t *ids = skep__codes_own_ids(s, slot / 128u, &h->pool);
    int32_t *codes = skep__codes_own_codes(s, slot / 128u, &h->pool);
    assert_true(ids && codes);
    ids[slot % 128u] = id;
    for (uint32_t k = 0; k < h->layout.column_count; k++) {
        const uint32_t x = id ? drawn(h, 1u << 12) : 0u;
        codes[k * 128u + slot % 128u] = code_of(&h->layout.columns[k], x);
    }
}

/* Lets some move, leave, come, and some take the slot of another. */
static void step(history *h, const skep__codes *from, skep__codes *to)
{
    const uint32_t slots = drawn(h, 6) ? drawn(h, SLOTS_MAX) : from->slot_count;
    assert_int_equal(skep__codes_share(from, &h->pool, to), SKEP_OK);
    const uint32_t most = slots > to->slot_count ? slots : to->slot_count;
    assert_int_equal(skep__codes_resize(to, &h->layout, most, &h->pool), SKEP_OK);
    const uint32_t rarity = 1u << drawn(h, 8);
    uint32_t last = 0;
    for (uint32_t slot = 0; slot < most; slot++) {
        const uint64_t id =
            to->ids[slot / 128u] ? skep__block_ids(to->ids[slot / 128u])[slot % 128u] : 0u;
        if (slot >= slots && id) draw_slot(h, to, slot, 0);
        if (slot >= slots) continue;
        const uint64_t other = skep_entity_make(drawn(h, 100000), 1u + drawn(h, 1u << 20)).bits;
        if (drawn(h, rarity) == 0) draw_slot(h, to, slot, drawn(h, 3) ? other : id);
        if (drawn(h, rarity * 4u) == 0) draw_slot(h, to, slot, 0);
        if (skep__block_ids(to->ids[slot / 128u])[slot % 128u]) last = slot + 1u;
    }
    assert_int_equal(skep__codes_resize(to, &h->layout, last, &h->pool), SKEP_OK);
    to->tick = from->tick + 1u;
}

static void make_history(history *h, uint64_t seed)
{
    *h = (history){.seed = seed, .pool = {&heap, 0, SIZE_MAX / 2}};
    const uint64_t components = 1u + drawn(h, 15);
    const skep__code_terms terms = {.replicas = replicas,
                                    .replica_count = 4,
                                    .rates = rates,
                                    .rate_count = 1,
                                    .tick_hz = 60,
                                    .message_down_max = 1u << 20};
    assert_int_equal(skep__code_layout_init(&h->layout, &terms, components, &heap), SKEP_OK);
    const skep__codes empty = {.tick = 9};
    for (uint32_t i = 0; i < STATES; i++) step(h, i ? &h->states[i - 1u] : &empty, &h->states[i]);
}

static void end_history(history *h)
{
    for (uint32_t i = 0; i < STATES; i++) skep__codes_deinit(&h->states[i], &h->pool);
    skep__code_layout_deinit(&h->layout, &heap);
    assert_int_equal(h->pool.bytes_held, 0);
}

static uint8_t message[MESSAGE_MAX];

/* base and older as indexes, -1 for none */
static skep__code_past past_of(const history *h, int base, int older)
{
    return (skep__code_past){&h->layout, base < 0 ? NULL : &h->states[base],
                             older < 0 ? NULL : &h->states[older]};
}

static size_t encode(history *h, int base, int older, uint32_t now)
{
    skep__wire_writer w = {.bytes = message, .bytes_max = sizeof message};
    const skep__code_past past = past_of(h, base, older);
    const skep__class_message m = {3, h->states[now].tick, past.base ? past.base->tick : 0, true};
    assert_int_equal(skep__class_encode(&m, &past, &h->states[now], &h->pool, &w), SKEP_OK);
    return w.need;
}

static skep_status decode(history *h, const skep__code_past *past, const uint8_t *bytes, size_t n,
                          skep__codes *now, skep_error *error)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    skep__wire_message m;
    const skep_status status = skep__wire_open(&m, bytes, n, SKEP__WIRE_DOWN, &limits, error);
    if (status != SKEP_OK) return status;
    const uint32_t type = past->base ? SKEP__WIRE_DELTA : SKEP__WIRE_SNAPSHOT;
    if (m.header.type != type) return SKEP_CORRUPT;
    return skep__class_decode(past, &m, &h->pool, now, error);
}

static bool same(const skep__codes *a, const skep__codes *b)
{
    if (a->slot_count != b->slot_count || a->block_count != b->block_count) return false;
    for (uint32_t i = 0; i < a->block_count; i++)
        if (memcmp(a->ids[i] + 1, b->ids[i] + 1, a->ids[i]->bytes) != 0 ||
            memcmp(a->codes[i] + 1, b->codes[i] + 1, a->codes[i]->bytes) != 0)
            return false;
    return true;
}

static void every_base_leads_to_the_state(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        history h;
        make_history(&h, seed);
        for (uint32_t now = 0; now < STATES; now++)
            for (int base = -1; base < (int)now; base++) {
                const int before = 2 * base - (int)now;
                const int older = base >= 0 && before >= 0 && drawn(&h, 3) ? before : -1;
                const size_t n = encode(&h, base, older, now);
                skep__codes got = {0};
                skep_error error = {0};
                const skep__code_past past = past_of(&h, base, older);
                const skep_status status = decode(&h, &past, message, n, &got, &error);
                if (status != SKEP_OK)
                    fail_msg("seed %llu: %d -> %u: %s at %zu", (unsigned long long)seed, base, now,
                             error.message, error.offset);
                assert_true(same(&got, &h.states[now]));
                skep__codes_deinit(&got, &h.pool);
            }
        end_history(&h);
    }
}

static void what_is_broken_does_no_harm(void **state)
{
    uint32_t refused = 0;
    uint32_t taken = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 120; seed++) {
        history h;
        make_history(&h, seed);
        const int base = (int)drawn(&h, STATES) - 1;
        const uint32_t now = (uint32_t)(base + 1) < STATES ? (uint32_t)(base + 1) : STATES - 1u;
        const int from = base == (int)now ? base - 1 : base;
        const size_t n = encode(&h, from, -1, now);
        const skep__code_past past = past_of(&h, from, -1);
        uint8_t *bytes = malloc(n);
        assert_non_null(bytes);
        for (uint32_t round = 0; round < 150; round++) {
            skep__codes got = {0};
            skep_error error = {0};
            size_t size = n;
            memcpy(bytes, message, n);
            if (round % 3 == 0)
                size = drawn(&h, (uint32_t)n);
            else
                for (uint32_t i = 1u + drawn(&h, 3); i; i--)
                    bytes[20u + drawn(&h, (uint32_t)n - 20u)] ^= (uint8_t)(1u << drawn(&h, 8));
            if (decode(&h, &past, bytes, size, &got, &error) == SKEP_OK) {
                taken++;
                skep__codes_deinit(&got, &h.pool);
            } else {
                refused++;
                assert_int_equal(got.block_cap, 0);
            }
        }
        free(bytes);
        end_history(&h);
    }
    print_message("%u refused, %u taken\n", refused, taken);
    assert_true(refused > 10000 && taken < 1000);
}

/* Memory ends after so many pieces; nothing is lost. */
static void no_memory_is_a_status(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        history h;
        make_history(&h, seed);
        const size_t n = encode(&h, 1, 0, 2);
        const skep__code_past past = past_of(&h, 1, 0);
        const size_t held = h.pool.bytes_held;
        for (size_t more = 0; more < 60000; more += 997) {
            skep__codes got = {0};
            skep_error error = {0};
            h.pool.bytes_max = held + more;
            const skep_status status = decode(&h, &past, message, n, &got, &error);
            assert_true(status == SKEP_OK || status == SKEP_NO_MEMORY);
            if (status == SKEP_OK) skep__codes_deinit(&got, &h.pool);
            assert_int_equal(h.pool.bytes_held, held);
        }
        end_history(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_base_leads_to_the_state),
        cmocka_unit_test(what_is_broken_does_no_harm),
        cmocka_unit_test(no_memory_is_a_status),
    };
    return cmocka_run_group_tests_name("class_wire", tests, NULL, NULL);
}
