/* SPDX-License-Identifier: MIT */
/* Messages of view classes. The first byte chooses the components, the second the base: none for a
 * SNAPSHOT, or one of two states of a fixed seed, with or without the one before. A message that is
 * refused leaves base and memory as they were; one that is taken gives a state that fits together
 * and comes back from an encoder of ours. */
#include "fuzz.h"

#include "core/base/random.h"
#include "bench/code_cells.h"
#include "core/replicate/class_wire.h"
#include "support/live_bed.h"

#define STATES 3u
#define SETS 4u
#define MESSAGE_MAX 65536u

static const uint64_t sets[SETS] = {1, 3, 15, 12};

typedef struct ground {
    bool made;
    skep__code_layout layout;
    skep__codes states[STATES];
} ground;

static ground grounds[SETS];
static skep_allocator memory;
static skep__code_pool pool;
static uint8_t message[MESSAGE_MAX];

static uint32_t drawn(uint32_t *count, uint32_t below)
{
    return skep__random_below(skep__random(5, 22, 0, 0, (*count)++), below);
}

static void put_slot(ground *g, skep__codes *s, uint32_t slot, uint64_t id, uint32_t *count)
{
    uint64_t *ids = skep__codes_own_ids(s, slot / 128u, &pool);
    int32_t *codes = skep__codes_own_codes(s, slot / 128u, &pool);
    FUZZ_MUST(ids && codes);
    ids[slot % 128u] = id;
    for (uint32_t k = 0; k < g->layout.column_count; k++) {
        const uint32_t x = id ? drawn(count, 1u << 12) : 0u;
        codes[k * 128u + slot % 128u] = code_of(&g->layout.columns[k], x);
    }
}

/* Some move, some leave, some take the slot of another. */
static void step(ground *g, uint32_t n, uint32_t *count)
{
    static const skep__codes empty = {.tick = 9};
    skep__codes *s = &g->states[n];
    const skep__codes *from = n ? &g->states[n - 1u] : &empty;
    const uint32_t slots = 150;
    FUZZ_MUST(skep__codes_share(from, &pool, s) == SKEP_OK);
    FUZZ_MUST(skep__codes_resize(s, &g->layout, slots, &pool) == SKEP_OK);
    for (uint32_t slot = 0; slot < slots; slot++) {
        const uint64_t id = skep__block_ids(s->ids[slot / 128u])[slot % 128u];
        const uint32_t index = drawn(count, 1000);
        const uint64_t other = skep_entity_make(index, 1u + drawn(count, 9)).bits;
        if (n == 0 || drawn(count, 6) == 0) put_slot(g, s, slot, id ? id : other, count);
        if (n && slot + 1u < slots && drawn(count, 12) == 0) put_slot(g, s, slot, 0, count);
        if (n && drawn(count, 12) == 0) put_slot(g, s, slot, other, count);
    }
    s->tick = from->tick + 1u;
}

static ground *ground_of(uint32_t set)
{
    ground *g = &grounds[set];
    uint32_t count = 0;
    if (g->made) return g;
    memory = fuzz_memory();
    pool.allocator = &memory;
    pool.bytes_max = SIZE_MAX / 2u;
    const skep__code_terms terms = {.replicas = live_replicas,
                                    .replica_count = BED_REPLICAS,
                                    .rates = live_rates,
                                    .rate_count = sets[set] & 2u ? 2u : 0u,
                                    .tick_hz = 60,
                                    .message_down_max = 1u << 20};
    FUZZ_MUST(skep__code_layout_init(&g->layout, &terms, sets[set], &memory) == SKEP_OK);
    for (uint32_t i = 0; i < STATES; i++) step(g, i, &count);
    g->made = true;
    return g;
}

static void expect_fits(const ground *g, const skep__codes *s)
{
    FUZZ_MUST(s->slot_count <= g->layout.slot_max);
    FUZZ_MUST(s->block_count == (s->slot_count + 127u) / 128u);
    for (uint32_t slot = 0; slot < s->block_count * 128u; slot++) {
        const uint64_t id = skep__block_ids(s->ids[slot / 128u])[slot % 128u];
        FUZZ_MUST(slot < s->slot_count || id == 0);
        for (uint32_t k = 0; id == 0 && k < g->layout.column_count; k++)
            FUZZ_MUST(skep__block_codes(s->codes[slot / 128u])[k * 128u + slot % 128u] == 0);
    }
}

static skep_status decode(ground *g, const uint8_t *bytes, size_t size, uint32_t how,
                          skep__codes *now, skep_error *error)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    skep__wire_message m;
    const skep__codes *base = how ? &g->states[how & 1u] : NULL;
    const skep_status status = skep__wire_open(&m, bytes, size, SKEP__WIRE_DOWN, &limits, error);
    if (status != SKEP_OK) return status;
    if (m.header.type != (base ? SKEP__WIRE_DELTA : SKEP__WIRE_SNAPSHOT)) return SKEP_CORRUPT;
    if (base && (m.header.base != base->tick || m.header.tick <= base->tick)) return SKEP_CORRUPT;
    const bool older = how == 3u && m.header.tick == g->states[2].tick;
    const skep__code_past past = {&g->layout, base, older ? &g->states[0] : NULL};
    return skep__class_decode(&past, &m, &pool, now, error);
}

static size_t encode(ground *g, uint32_t how, const skep__codes *now, uint32_t tick)
{
    skep__wire_writer w = {.bytes = message, .bytes_max = MESSAGE_MAX};
    const skep__codes *base = how ? &g->states[how & 1u] : NULL;
    const skep__class_message m = {3, tick, base ? base->tick : 0u, true};
    const skep__code_past past = {&g->layout, base, how == 3u ? &g->states[0] : NULL};
    const skep_status status = skep__class_encode(&m, &past, now, &pool, &w);
    FUZZ_MUST(status == SKEP_OK || status == SKEP_LIMIT);
    return status == SKEP_OK ? w.need : 0u;
}

/* `how`: 0 a SNAPSHOT; 1 from state 1, 2 from state 0, 3 from state 1 with state 0 before it. */
uint64_t fuzz_class(const uint8_t *bytes, size_t size)
{
    ground *g = ground_of(fuzz_take_byte(&bytes, &size) % SETS);
    const uint32_t how = fuzz_take_byte(&bytes, &size) % 4u;
    const size_t held = pool.bytes_held;
    skep__codes now = {0};
    skep__codes again = {0};
    skep_error error = {SKEP_OK, NULL, 0};
    if (decode(g, bytes, size, how, &now, &error) != SKEP_OK) {
        FUZZ_MUST(now.block_cap == 0 && now.slot_count == 0 && pool.bytes_held == held);
        return skep__hash_u64(error.offset);
    }
    expect_fits(g, &now);
    const uint64_t hash = skep__codes_hash(&now);
    const uint32_t tick = g->states[1].tick + 1u;
    const size_t n = encode(g, how, &now, tick);
    if (n) {
        FUZZ_MUST(decode(g, message, n, how, &again, &error) == SKEP_OK);
        FUZZ_MUST(skep__codes_hash(&again) == hash);
        skep__codes_deinit(&again, &pool);
    }
    skep__codes_deinit(&now, &pool);
    FUZZ_MUST(pool.bytes_held == held);
    return hash;
}

void fuzz_make_class(fuzz_seed_fn *fn, void *ctx)
{
    static uint8_t bytes[MESSAGE_MAX + 2u];
    for (uint32_t i = 0; i < SETS * 4u; i++) {
        ground *g = ground_of(i / 4u);
        const uint32_t how = i % 4u;
        char name[] = "00";
        const size_t n = encode(g, how, &g->states[2], g->states[2].tick);
        bytes[0] = (uint8_t)(i / 4u);
        bytes[1] = (uint8_t)how;
        memcpy(bytes + 2, message, n);
        name[0] = (char)('0' + i / 4u);
        name[1] = (char)('0' + how);
        fn(ctx, "class", name, bytes, n + 2u);
    }
}
