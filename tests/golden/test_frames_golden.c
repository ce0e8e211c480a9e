/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * The hashes of each scene's frames: what frame 1, 10 and 60 are with two seeds, kept in a file. A
 * change of them is a change of what saves, recordings and other machines make of a world, and must
 * be meant. SKEP_GOLDEN_WRITE=1 writes the file anew. */
#include "scenes/scenes.h"
#include "skep/sim.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN_FILE "tests/golden/data/frames_v1.txt"
#define ROWS_MAX 64u
#define FRAME (1.0f / 60.0f)

static const uint32_t frame_counts[] = {1, 10, 60};
static const uint64_t seeds[] = {1, 20261};
#define COUNTS (sizeof frame_counts / sizeof frame_counts[0])
#define SEEDS (sizeof seeds / sizeof seeds[0])

/* One line of the file. */
typedef struct golden_row {
    char scene[32];
    uint64_t seed;
    uint32_t frames;
    uint64_t hash;
} golden_row;

typedef struct golden_table {
    golden_row rows[ROWS_MAX];
    uint32_t count;
} golden_table;

static skep_sim *open_scene(const skep_scene *scene, uint64_t seed, uint32_t workers,
                            skep_executor executor)
{
    static const char *const params[] = {"entities=1500", "time_scale=600"};
    skep_sim *sim = NULL;
    skep_sim_desc d = skep_sim_desc_default();
    d.params = params;
    d.param_count = strcmp(scene->name, "skies") == 0 ? 2 : 1;
    d.seed = seed;
    d.workers = workers;
    d.executor = executor;
    d.grain = workers ? 0 : SKEP_GRAIN_AUTO;
    assert_int_equal(skep_sim_open(scene, &d, &sim), SKEP_OK);
    return sim;
}

static void scene_rows(const skep_scene *scene, uint64_t seed, uint32_t workers,
                       skep_executor executor, golden_table *t)
{
    skep_sim *const sim = open_scene(scene, seed, workers, executor);
    uint32_t frame = 0;
    for (uint32_t k = 0; k < COUNTS; k++) {
        for (; frame < frame_counts[k]; frame++)
            assert_int_equal(skep_sim_step(sim, FRAME), SKEP_OK);
        assert_true(t->count < ROWS_MAX);
        golden_row *const row = &t->rows[t->count++];
        (void)snprintf(row->scene, sizeof row->scene, "%s", scene->name);
        row->seed = seed;
        row->frames = frame;
        row->hash = skep_sim_hash(sim);
    }
    assert_int_equal(skep_sim_fault_total(sim), 0);
    skep_sim_close(sim);
}

static void make_table(uint32_t workers, skep_executor executor, golden_table *t)
{
    t->count = 0;
    for (uint32_t i = 0; skep__scene_at(i); i++)
        for (uint32_t s = 0; s < SEEDS; s++)
            scene_rows(skep__scene_at(i), seeds[s], workers, executor, t);
}

static void write_table(const golden_table *t)
{
    FILE *const f = fopen(GOLDEN_FILE, "w");
    assert_non_null(f);
    assert_true(fprintf(f, "scene seed frames hash\n") > 0);
    for (uint32_t i = 0; i < t->count; i++) {
        const golden_row *const r = &t->rows[i];
        assert_true(fprintf(f, "%s %" PRIu64 " %" PRIu32 " %016" PRIx64 "\n", r->scene, r->seed,
                            r->frames, r->hash) > 0);
    }
    assert_int_equal(fclose(f), 0);
}

static void read_table(golden_table *t)
{
    char line[128];
    FILE *const f = fopen(GOLDEN_FILE, "r");
    if (!f) fail_msg("%s cannot be read; run from the repository's root", GOLDEN_FILE);
    t->count = 0;
    assert_non_null(fgets(line, sizeof line, f)); /* the head */
    while (fgets(line, sizeof line, f)) {
        golden_row *const r = &t->rows[t->count++];
        assert_true(t->count < ROWS_MAX);
        assert_int_equal(sscanf(line, "%31s %" SCNu64 " %" SCNu32 " %" SCNx64, r->scene, &r->seed,
                                &r->frames, &r->hash),
                         4);
    }
    (void)fclose(f);
}

static void expect_table(const golden_table *got, const golden_table *want, uint32_t workers)
{
    uint32_t others = 0;
    for (uint32_t i = 0; i < got->count && i < want->count; i++) {
        const golden_row *const g = &got->rows[i];
        const golden_row *const w = &want->rows[i];
        assert_string_equal(g->scene, w->scene);
        assert_true(g->seed == w->seed && g->frames == w->frames);
        if (g->hash == w->hash) continue;
        print_message("%s, seed %" PRIu64 ", %u frames, %u workers: %016" PRIx64 ", was %016" PRIx64
                      "\n",
                      g->scene, g->seed, g->frames, workers, g->hash, w->hash);
        others++;
    }
    assert_int_equal(others, 0);
    assert_int_equal(got->count, want->count);
}

static void test_frame_hashes(void **state)
{
    static golden_table got;
    static golden_table want;
    (void)state;
    make_table(0, SKEP_EXECUTOR_AUTO, &got);
    if (getenv("SKEP_GOLDEN_WRITE")) write_table(&got);
    read_table(&want);
    expect_table(&got, &want, 0);
    make_table(2, SKEP_EXECUTOR_AUTO, &got);
    expect_table(&got, &want, 2);
    if (!skep_processes_available()) return;
    make_table(2, SKEP_EXECUTOR_PROCESSES, &got);
    expect_table(&got, &want, 2);
}

/* No two worlds of the table are the same. */
static void test_all_hashes_differ(void **state)
{
    static golden_table t;
    (void)state;
    read_table(&t);
    assert_true(t.count >= 5 * SEEDS * COUNTS);
    for (uint32_t i = 0; i < t.count; i++)
        for (uint32_t k = 0; k < i; k++) assert_true(t.rows[i].hash != t.rows[k].hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_hashes),
        cmocka_unit_test(test_all_hashes_differ),
    };
    return cmocka_run_group_tests_name("frames_golden", tests, NULL, NULL);
}
