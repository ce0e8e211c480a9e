/* SPDX-License-Identifier: MIT */
/* The bytes of patches: what a job of every right puts out, and one record of each kind that only
 * commands use, compared with a file that is checked in and verified. Patches travel between
 * processes and machines. SKEP_GOLDEN_WRITE=1 writes the file anew. */
#include "core/store/patch.h"
#include "skep/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN_FILE "tests/golden/data/patches_v1.hex"
#define BYTES_MAX 2048u

typedef struct serial {
    uint8_t bytes[5];
} serial;

SKEP_COMPONENT(Place, (f32, x), (f64, depth), (i16, cell, 3)); /* padding within and behind */
SKEP_COMPONENT(Link, (entity, to), (bool, tight));
SKEP_STRUCT(Serial, serial, bytes);
SKEP_TAG(Ghost);
SKEP_EVENT(Knock, (u16, times), (f32, force));
SKEP_RESOURCE(Wind, (f32, x), (i8, gusts));
SKEP_PREFAB(Egg);

SKEP_JOB_WITH(everything, 0, 2, (add, Place, place), (add, Link, link), (add, Ghost, ghost),
              (remove, Serial, serial), (destroy, Entity, any), (spawn, Egg, egg),
              (emit, Knock, knock))
{
    const skep_entity e = skep_entity_make(77, 3);
    const serial five = {{1, 2, 3, 4, 5}};
    Place_put(task, c->place, e, SKEP_LIT(Place, 1.5f, -2.25, {1, -1, 300}));
    Link_put(task, c->link, skep_entity_make(78, 1), SKEP_LIT(Link, e, true));
    Ghost_put(task, c->ghost, e);
    Serial_drop(task, c->serial, e);
    skep_destroy(task, c->any, skep_entity_make(79, 2));
    const skep_entity first = Egg_new(task, c->egg);
    Place_init(task, first, SKEP_LIT(Place, 0.5f, 1e300, {0, 0, -32768}));
    skep_logf(task, "laid %u", 1u);
    const skep_entity second = Egg_new(task, c->egg);
    Serial_init(task, second, SKEP_LIT(Serial, five));
    Ghost_init(task, second);
    Link_init(task, second, SKEP_LIT(Link, first, false));
    Knock_send(task, c->knock, skep_entity_null(), SKEP_LIT(Knock, 9, 0.125f));
    Knock_send(task, c->knock, second, SKEP_LIT(Knock, 65535, -0.0f));
}

typedef struct paper {
    _Alignas(16) uint8_t bytes[BYTES_MAX];
    size_t size;
} paper;

static const skep_entity reserved[] = {{0x0000000100000064u}, {0x0000000200000065u}};

static void run_job(paper *p)
{
    static const skep_job *const jobs[] = {&everything};
    const everything_cols columns = {.place = {0},
                                     .link = {1},
                                     .ghost = {2},
                                     .serial = {3},
                                     .any = {4},
                                     .egg = {5},
                                     .knock = {6}};
    const skep_task_part part = {.columns = &columns};
    const skep_task_frame frame = {.tick = 5, .seed = 9, .dt = 0.5f};
    const skep_pool_task task = {.parts = &part,
                                 .frame = &frame,
                                 .spawns = reserved,
                                 .output = p->bytes,
                                 .part_count = 1,
                                 .spawn_count = 2,
                                 .output_bytes = BYTES_MAX / 2};
    const skep_task_room room = {NULL, 0, NULL, NULL};
    skep_pool_result result;
    memset(&result, 0, sizeof result);
    skep_task_run(&task, jobs, 0, &room, &result);
    assert_int_equal(result.status, SKEP_OK);
    p->size = result.bytes;
}

/* The kinds that no job writes: SET and RESOURCE. */
static void add_commands(paper *p)
{
    skep_patch_writer w = {p->bytes + p->size, p->bytes + BYTES_MAX, 0};
    Place place;
    Wind wind;
    memset(&place, 0xEE, sizeof place); /* padding that must not travel */
    memset(&wind, 0xEE, sizeof wind);
    place.x = -1.0f;
    place.depth = 0.5;
    memset(place.cell, 0, sizeof place.cell);
    wind.x = 3.0f;
    wind.gusts = -3;
    void *at = skep__patch_push(&w, SKEP_PATCH_SET, 0, skep_entity_make(5, 1).bits, sizeof place);
    assert_non_null(at);
    skep__patch_value(at, &Place_info, &place);
    at = skep__patch_push(&w, SKEP_PATCH_RESOURCE, 7, 0, sizeof wind);
    assert_non_null(at);
    skep__patch_value(at, &Wind_info, &wind);
    p->size = (size_t)(w.at - p->bytes);
}

static void make_paper(paper *p)
{
    memset(p, 0xAA, sizeof *p);
    run_job(p);
    add_commands(p);
}

static void write_golden(const paper *p)
{
    FILE *const f = fopen(GOLDEN_FILE, "w");
    assert_non_null(f);
    for (size_t i = 0; i < p->size; i++)
        assert_true(fprintf(f, "%02x%s", p->bytes[i], i % 16 == 15 ? "\n" : " ") > 0);
    assert_true(p->size % 16 == 0 || fputc('\n', f) != EOF);
    assert_int_equal(fclose(f), 0);
}

static void read_golden(paper *p)
{
    FILE *const f = fopen(GOLDEN_FILE, "r");
    unsigned byte = 0;
    if (!f) fail_msg("%s cannot be read; run from the repository's root", GOLDEN_FILE);
    p->size = 0;
    while (fscanf(f, "%2x", &byte) == 1) {
        assert_true(p->size < BYTES_MAX);
        p->bytes[p->size++] = (uint8_t)byte;
    }
    (void)fclose(f);
}

static void test_patch_bytes(void **state)
{
    static paper got;
    static paper want;
    (void)state;
    make_paper(&got);
    if (getenv("SKEP_GOLDEN_WRITE")) write_golden(&got);
    read_golden(&want);
    assert_int_equal(got.size, want.size);
    for (size_t i = 0; i < got.size; i++)
        if (got.bytes[i] != want.bytes[i])
            fail_msg("byte %zu is %02x, was %02x", i, got.bytes[i], want.bytes[i]);
}

static const skep_component *find(void *ctx, uint64_t identity)
{
    static const skep_component *const known[] = {&Place_info, &Link_info, &Serial_info,
                                                  &Ghost_info};
    (void)ctx;
    for (uint32_t i = 0; i < 4; i++)
        if (skep__component_identity(known[i]) == identity) return known[i];
    return NULL;
}

/* What is in the file is what the verifier takes, with every kind in it. */
static void test_the_file_is_verified(void **state)
{
    static const skep_patch_slot slots[] = {
        {&Place_info, 1u << SKEP_PATCH_PUT | 1u << SKEP_PATCH_SET, 0},
        {&Link_info, 1u << SKEP_PATCH_PUT, 0},
        {&Ghost_info, 1u << SKEP_PATCH_PUT, 0},
        {&Serial_info, 1u << SKEP_PATCH_REMOVE, 0},
        {&Entity_info, 1u << SKEP_PATCH_DESTROY, 0},
        {&Egg_info, 1u << SKEP_PATCH_SPAWN, 0},
        {&Knock_info, 1u << SKEP_PATCH_EVENT, 0},
        {&Wind_info, 1u << SKEP_PATCH_RESOURCE, 0}};
    const skep_patch_rules rules = {
        .slots = slots, .slot_count = 8, .spawn_count = 2, .spawns = reserved, .component = find};
    static paper p;
    uint32_t spawned = 0;
    uint32_t kinds = 0;
    size_t at = 0;
    const skep_patch_header *h = NULL;
    const uint8_t *payload = NULL;
    skep_error error;
    (void)state;
    read_golden(&p);
    assert_int_equal(skep__patch_verify(p.bytes, p.size, &rules, &spawned, &error), SKEP_OK);
    assert_int_equal(spawned, 2);
    while (skep__patch_next(p.bytes, p.size, &at, &h, &payload)) kinds |= 1u << h->kind;
    uint32_t all = 0;
#define SKEP_PATCH(name, value, slot, text) all |= 1u << (value);
#include "core/store/patch_kinds.inl"
#undef SKEP_PATCH
    assert_int_equal(kinds, all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patch_bytes),
        cmocka_unit_test(test_the_file_is_verified),
    };
    return cmocka_run_group_tests_name("patch_golden", tests, NULL, NULL);
}
