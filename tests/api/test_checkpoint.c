/* SPDX-License-Identifier: MIT */
/* Checkpoints while a world runs: what is written is the world of one frame, whole, whatever the
 * world does meanwhile.
 * ctest: threads */
#include "api/log_lines.h"
#include "skep/recovery.h"
#include "skep/sim.h"
#include "support/region.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

SKEP_COMPONENT(Place, (f32, x), (f32, y));
SKEP_COMPONENT(Years, (u32, lived), (u32, left));
SKEP_PREFAB(Animal);

SKEP_JOB(roam, (mut, Place, place))
{
    for (uint32_t i = 0; i < task->n; i++)
        c->place.x[i] += skep_rand_f32(task, task->entity[i], 0) * task->dt;
}

/* Entities come and go, so that the index and the free queue change all the time. */
SKEP_JOB(live, (mut, Years, years), (spawn, Animal, animal), (destroy, Entity, self))
{
    for (uint32_t i = 0; i < task->n; i++) {
        if (++c->years.lived[i] < c->years.left[i]) continue;
        const skep_entity young = Animal_new(task, c->animal);
        Years_init(task, young,
                   SKEP_LIT(Years, 0, 3 + skep_rand_u32(task, task->entity[i], 0, 40)));
        skep_destroy(task, c->self, task->entity[i]);
    }
}

SKEP_SCENE(savanna, "Animals that come and go")
{
    Place_mut place;
    Years_mut years;
    const uint32_t n = skep_param_u32(b, "entities", 40000, "how many");
    skep_prefab(b, Animal, SKEP_OF(Place), SKEP_OF(Years));
    skep_add(b, "update", &roam);
    skep_add(b, "update", &live);
    skep_create_many(b, n, Place_columns(&place), Years_columns(&years));
    for (uint32_t i = 0; i < n; i++) {
        place.y[i] = (float)i;
        years.left[i] = 2 + i % 50;
    }
}

SKEP_SCENE(reef, "Another scene, with what savanna has")
{
    Place_mut place;
    skep_add(b, "update", &roam);
    skep_create_many(b, 8, Place_columns(&place));
}

static char folder[256];

static int begin(void **state)
{
    const char *base = getenv("TMPDIR");
    (void)state;
    (void)snprintf(folder, sizeof folder, "%s/skep-checkpoint-%ld", base ? base : "/tmp",
                   (long)getpid());
    return mkdir(folder, 0777);
}

static int end(void **state)
{
    char command[300];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* Opens a scene, or none, with a parameter or none. */
static skep_sim *open_scene(const skep_scene *scene, const char *param, uint32_t workers,
                            log_lines *lines)
{
    skep_sim *sim = NULL;
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = workers;
    d.grain = workers ? 0 : SKEP_GRAIN_AUTO;
    d.log = log_lines_open(lines);
    d.params = &param;
    d.param_count = param != NULL;
    const skep_status status = skep_sim_open(scene, &d, &sim);
    if (status != SKEP_OK) log_lines_print(lines);
    assert_int_equal(status, SKEP_OK);
    return sim;
}

static skep_sim *open_savanna(uint32_t workers, log_lines *lines)
{
    return open_scene(&skep_scene_savanna, NULL, workers, lines);
}

/* Leaves a file's first `bytes` alone. */
static void cut(const char *path, size_t bytes)
{
    static char head[8192];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_true(fread(head, 1, bytes, f) == bytes);
    assert_int_equal(fclose(f), 0);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fwrite(head, 1, bytes, f) == bytes);
    assert_int_equal(fclose(f), 0);
}

static void empty_folder(void)
{
    end(NULL);
    assert_int_equal(mkdir(folder, 0777), 0);
}

/* The hash of what a checkpoint holds. */
static uint64_t hash_of(const char *path)
{
    log_lines lines;
    skep_sim *sim = open_savanna(0, &lines);
    assert_int_equal(skep_sim_load(sim, path), SKEP_OK);
    assert_int_equal(skep_world_check(skep_sim_world(sim)), SKEP_OK);
    const uint64_t hash = skep_sim_hash(sim);
    skep_sim_close(sim);
    return hash;
}

#define FRAMES 150u

/* Waits until so many were written: their thread gets what others leave of the processors, and may
 * not have had its turn while a hundred frames ran. */
static void await_written(skep_sim *sim, uint64_t count)
{
    for (uint32_t ms = 0; skep_sim_checkpoint_stats(sim).written < count; ms++) {
        assert_true(ms < 100000);
        (void)poll(NULL, 0, 1);
    }
}

static void each_is_the_world_of_one_frame(void **state)
{
    static uint64_t hashes[FRAMES + 1u];
    log_lines lines;
    (void)state;
    empty_folder();
    skep_sim *sim = open_savanna(1, &lines);
    skep_checkpoint_desc d = skep_checkpoint_desc_default();
    d.folder = folder;
    d.every = 4;
    d.keep = 1000;
    assert_int_equal(skep_sim_checkpoint(sim, &d), SKEP_OK);
    for (uint32_t i = 1; i <= FRAMES; i++) {
        assert_int_equal(skep_sim_step(sim, 0.1f), SKEP_OK);
        hashes[i] = skep_sim_hash(sim);
        if (i % 50 == 0) await_written(sim, i / 50);
    }
    const skep_checkpoint_stats stats = skep_sim_checkpoint_stats(sim);
    assert_true(stats.failed == 0 && stats.written >= 3);
    assert_true(stats.written + stats.skipped >= FRAMES / 4 - 1);
    assert_true(stats.last_tick % 4 == 0);
    assert_true(stats.caller_ns >= stats.caller_max_ns);
    assert_int_equal(skep_sim_checkpoint_now(sim), SKEP_OK);
    assert_true(skep_sim_checkpoint_stats(sim).last_tick == FRAMES);
    assert_int_equal(skep_sim_checkpoint_now(sim), SKEP_OK); /* nothing new: nothing written */
    const uint64_t written = skep_sim_checkpoint_stats(sim).written;
    skep_sim_close(sim);

    uint64_t found = 0;
    for (uint64_t n = 1; n <= written; n++) {
        for (uint32_t tick = 1; tick <= FRAMES; tick++) {
            char path[512];
            (void)snprintf(path, sizeof path, "%s/checkpoint-%llu-%u.skep", folder,
                           (unsigned long long)n, tick);
            if (access(path, R_OK) != 0) continue;
            assert_true(tick % 4 == 0 || tick == FRAMES);
            assert_true(hash_of(path) == hashes[tick]);
            found++;
        }
    }
    assert_true(found == written);
}

static void going_on_gives_the_same(void **state)
{
    log_lines lines;
    skep_checkpoint_found found;
    (void)state;
    empty_folder();
    skep_sim *sim = open_savanna(0, &lines);
    skep_checkpoint_desc d = skep_checkpoint_desc_default();
    d.folder = folder;
    d.every = 1000000;
    assert_int_equal(skep_sim_resume(sim, folder, &found), SKEP_NOT_FOUND);
    assert_int_equal(skep_sim_checkpoint_now(sim), SKEP_NOT_FOUND);
    assert_int_equal(skep_sim_checkpoint(sim, &d), SKEP_OK);
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(skep_sim_step(sim, 0.1f), SKEP_OK);
        if (i % 4 == 3) assert_int_equal(skep_sim_checkpoint_now(sim), SKEP_OK);
    }
    const uint64_t wanted = skep_sim_hash(sim);
    assert_true(skep_sim_checkpoint_stats(sim).written == 5);
    skep_sim_close(sim);

    /* The newest is damaged, then all are. */
    sim = open_savanna(0, &lines);
    assert_int_equal(skep_sim_resume(sim, folder, &found), SKEP_OK);
    assert_true(found.tick == 20 && found.damaged == 0 && found.entity_count == 40000);
    assert_true(skep_sim_hash(sim) == wanted);
    cut(found.path, 5000);
    assert_int_equal(skep_sim_resume(sim, folder, &found), SKEP_OK);
    assert_true(found.tick == 16 && found.damaged == 1);
    assert_true(log_lines_have(&lines, "checkpoint-5-20.skep: passed over"));
    for (uint32_t i = 0; i < 4; i++) assert_int_equal(skep_sim_step(sim, 0.1f), SKEP_OK);
    assert_true(skep_sim_hash(sim) == wanted);
    for (uint32_t i = 0; i < 2; i++) {
        cut(found.path, 0);
        const skep_status status = skep_sim_resume(sim, folder, &found);
        assert_int_equal(status, i ? SKEP_CORRUPT : SKEP_OK);
    }
    assert_true(found.path[0] == 0 && found.damaged == 3); /* five were written, three are kept */
    skep_sim_close(sim);
}

static void trouble_is_said_once(void **state)
{
    char elsewhere[300];
    log_lines lines;
    (void)state;
    empty_folder();
    (void)snprintf(elsewhere, sizeof elsewhere, "%s.gone", folder);
    skep_sim *sim = open_savanna(0, &lines);
    skep_checkpoint_desc d = skep_checkpoint_desc_default();
    d.folder = "/dev/null";
    assert_int_equal(skep_sim_checkpoint(sim, &d), SKEP_IO);
    assert_true(log_lines_have(&lines, "/dev/null: Not a directory"));
    d.folder = "";
    assert_int_equal(skep_sim_checkpoint(sim, &d), SKEP_ARGUMENT);
    d.folder = folder;
    assert_int_equal(skep_sim_checkpoint(sim, &d), SKEP_OK);
    assert_int_equal(rename(folder, elsewhere), 0);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(skep_sim_step(sim, 0.1f), SKEP_OK);
        assert_int_equal(skep_sim_checkpoint_now(sim), SKEP_IO);
    }
    assert_true(log_lines_have(&lines, "No such file or directory (the run goes on"));
    assert_false(log_lines_have(&lines, "no checkpoint at frame 2"));
    assert_int_equal(rename(elsewhere, folder), 0);
    assert_int_equal(skep_sim_step(sim, 0.1f), SKEP_OK);
    assert_int_equal(skep_sim_checkpoint_now(sim), SKEP_OK);
    assert_true(log_lines_have(&lines, "checkpoints are written again, at frame 4"));
    const skep_checkpoint_stats stats = skep_sim_checkpoint_stats(sim);
    assert_true(stats.failed == 3 && stats.written == 1);
    skep_sim_close(sim);
}

/* Another scene neither goes on from a folder's checkpoints nor lets them go as older ones. */
static void a_folder_belongs_to_a_scene(void **state)
{
    char file[300];
    log_lines lines;
    skep_checkpoint_found found;
    skep_checkpoint_desc d = skep_checkpoint_desc_default();
    (void)state;
    empty_folder();
    d.folder = folder;
    d.keep = 1;
    skep_sim *sim = open_scene(&skep_scene_savanna, "entities=700", 0, &lines);
    assert_int_equal(skep_sim_checkpoint(sim, &d), SKEP_OK);
    assert_int_equal(skep_sim_checkpoint_now(sim), SKEP_OK);
    skep_sim_close(sim);

    sim = open_scene(&skep_scene_reef, NULL, 0, &lines);
    const uint64_t before = skep_sim_hash(sim);
    assert_int_equal(skep_sim_checkpoint(sim, &d), SKEP_IO);
    assert_true(log_lines_have(&lines, "of the scene \"savanna\"; choose another folder"));
    assert_int_equal(skep_sim_checkpoint_now(sim), SKEP_NOT_FOUND);
    assert_int_equal(skep_sim_resume(sim, folder, &found), SKEP_ARGUMENT);
    assert_true(log_lines_have(&lines, "of the scene \"savanna\"; run that scene"));
    assert_true(skep_sim_hash(sim) == before);
    /* Where nobody says whose they are, they are anybody's. */
    (void)snprintf(file, sizeof file, "%s/scene.txt", folder);
    assert_int_equal(remove(file), 0);
    assert_int_equal(skep_sim_resume(sim, folder, &found), SKEP_OK);
    assert_int_equal(skep_world_entity_count(skep_sim_world(sim)), 700);
    /* And an empty folder is whose run comes last. */
    empty_folder();
    assert_int_equal(skep_sim_checkpoint(sim, &d), SKEP_OK);
    skep_sim_close(sim);

    sim = open_scene(&skep_scene_savanna, "entities=700", 0, &lines);
    assert_int_equal(skep_sim_checkpoint(sim, &d), SKEP_OK);
    assert_int_equal(skep_sim_checkpoint_now(sim), SKEP_OK);
    assert_int_equal(skep_sim_resume(sim, folder, NULL), SKEP_OK);
    assert_int_equal(lines.count, 0);
    skep_sim_close(sim);

    sim = open_scene(&skep_scene_savanna, NULL, 0, &lines);
    assert_int_equal(skep_sim_resume(sim, folder, NULL), SKEP_OK);
    assert_true(log_lines_have(&lines, "with other parameters: entities=700; now: none"));
    assert_int_equal(skep_world_entity_count(skep_sim_world(sim)), 700);
    skep_sim_close(sim);

    sim = open_scene(NULL, NULL, 0, &lines);
    assert_int_equal(skep_sim_resume(sim, folder, NULL), SKEP_OK);
    assert_int_equal(skep_sim_checkpoint(sim, &d), SKEP_OK);
    assert_false(log_lines_have(&lines, "scene"));
    skep_sim_close(sim);
}

/* Every allocation of a short life with checkpoints and a recording fails in turn. */
static bool short_life(uint64_t fail_at)
{
    static test_region memory;
    char record[300];
    log_lines lines;
    skep_sim *sim = NULL;
    skep_sim_desc s = skep_sim_desc_default();
    skep_checkpoint_desc c = skep_checkpoint_desc_default();
    skep_record_desc r = skep_record_desc_default();
    const char *params[] = {"entities=1500"};
    memset(&memory, 0, sizeof memory);
    assert_true(test_region_open(&memory, (size_t)64 << 20));
    memory.fail_once = true;
    s.workers = 0;
    s.params = params;
    s.param_count = 1;
    s.log = log_lines_open(&lines);
    s.region = &memory.region;
    s.allocator = memory.allocator;
    (void)snprintf(record, sizeof record, "%s/life.skepr", folder);
    c.folder = folder;
    c.every = 3;
    r.path = record;
    assert_int_equal(skep_sim_open(&skep_scene_savanna, &s, &sim), SKEP_OK);
    test_region_fail(&memory, fail_at);
    skep_status status = skep_sim_checkpoint(sim, &c);
    assert_true(status == SKEP_OK || (status == SKEP_NO_MEMORY && memory.failed));
    status = skep_sim_record_open(sim, &r);
    assert_true(status == SKEP_OK || (status == SKEP_NO_MEMORY && memory.failed));
    for (uint32_t i = 0; i < 10; i++) {
        status = skep_sim_step(sim, 0.1f);
        assert_true(status == SKEP_OK || memory.failed);
    }
    status = skep_sim_checkpoint_now(sim);
    assert_true(status == SKEP_OK || memory.failed);
    assert_int_equal(skep_world_check(skep_sim_world(sim)), SKEP_OK);
    const bool failed = memory.failed > 0;
    skep_sim_close(sim);
    assert_true(test_region_close(&memory));
    return failed;
}

static void every_allocation_fails_in_turn(void **state)
{
    (void)state;
    empty_folder();
    assert_false(short_life(0));
    uint64_t n = 0;
    do n++;
    while (short_life(n));
    print_message("%llu allocations failed\n", (unsigned long long)(n - 1));
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_the_world_of_one_frame),
        cmocka_unit_test(going_on_gives_the_same),
        cmocka_unit_test(trouble_is_said_once),
        cmocka_unit_test(a_folder_belongs_to_a_scene),
        cmocka_unit_test(every_allocation_fails_in_turn),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, begin, end);
}
