/* SPDX-License-Identifier: MIT */
/* Recordings: what frames get and the faults they have is all that decides what they do. */
#include "api/log_lines.h"
#include "skep/recovery.h"
#include "skep/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Ship, (u32, player));
SKEP_INPUT(Steer, (f32, turn), (u8, fire));
SKEP_RESOURCE(Wind, (f32, x));
SKEP_PREFAB(Buoy);

/* Whether the flaky job fails by itself; replaying must not depend on it. */
static bool flaky_fails;
/* Added to what the wind does, to make a replay come out differently. */
static float gust;

SKEP_JOB(steer, (mut, Pos, pos), (inbox, Steer, steer), (with, Ship, ship))
{
    for (uint32_t i = 0; i < task->n; i++)
        for (uint32_t k = c->steer.begin[i]; k < c->steer.begin[i + 1]; k++)
            c->pos.x[i] += c->steer.turn[k] * (c->steer.fire[k] ? 2.0f : 1.0f);
}

SKEP_JOB_WITH(flaky, SKEP_JOB_MAY_FAIL, 0, (mut, Pos, pos), (res, Wind, wind))
{
    if (flaky_fails && task->tick % 7 == 3) {
        skep_fail(task, "a gust from nowhere");
        return;
    }
    for (uint32_t i = 0; i < task->n; i++) c->pos.y[i] += c->wind->x * task->dt + gust;
}

/* The job system of the program around us. While it forks, the program also gets a message, and
 * writes to the world from outside of the frame that runs; when replaying no messages come. */
static skep_pool *pool;
static skep_sim *messaged;
static uint32_t messages;

static void message_fork(void *ctx, void (*work)(void *work_ctx, uint32_t index), void *work_ctx,
                         uint32_t count)
{
    (void)ctx;
    if (messaged) {
        skep_world *world = skep_sim_world(messaged);
        const Pos pos = {(float)++messages, 0.0f};
        const skep_part parts[] = {SKEP_PART(Pos, &pos), SKEP_PART_OF(Ship)};
        const skep_entity old = skep_entity_make(messages % 100, 1);
        assert_int_equal(skep_world_set(world, old, &Ship_info, &(Ship){messages}), SKEP_OK);
        assert_int_equal(skep_world_spawn(world, &Buoy_info, parts, 2, NULL), SKEP_OK);
    }
    for (uint32_t i = 0; i < count; i++) work(work_ctx, i);
}

static void message_join(void *ctx)
{
    (void)ctx;
}

static int open_pool(void **state)
{
    (void)state;
    skep_pool_desc d = skep_pool_desc_default();
    d.workers = 2;
    d.fork = message_fork;
    d.join = message_join;
    return skep_pool_create(&d, &pool) == SKEP_OK ? 0 : -1;
}

static int close_pool(void **state)
{
    (void)state;
    skep_pool_destroy(pool);
    return 0;
}

SKEP_SCENE(ships, "Ships that are steered")
{
    Pos_mut pos;
    Ship_mut ship;
    skep_resource(b, SKEP_WITH(Wind, 0.5f));
    skep_add(b, "update", &steer);
    skep_add(b, "update", &flaky);
    skep_prefab(b, Buoy, SKEP_OF(Pos));
    skep_create_many(b, 100, Pos_columns(&pos), Ship_columns(&ship));
    for (uint32_t i = 0; i < 100; i++) ship.player[i] = i;
}

SKEP_SCENE(others, "Something else")
{
    skep_create(b, SKEP_WITH(Ship, 1u), SKEP_WITH(Pos, 0.0f, 0.0f));
}

static skep_sim *open_ships(const skep_scene *scene, log_lines *lines)
{
    skep_sim *sim = NULL;
    skep_sim_desc d = skep_sim_desc_default();
    d.pool = pool;
    d.grain = 0;
    d.log = log_lines_open(lines);
    const skep_status status = skep_sim_open(scene, &d, &sim);
    if (status != SKEP_OK) log_lines_print(lines);
    assert_int_equal(status, SKEP_OK);
    return sim;
}

static void play_frames(skep_sim *sim, uint32_t frames)
{
    for (uint32_t i = 0; i < frames; i++) {
        const uint32_t tick = (uint32_t)skep_world_tick(skep_sim_world(sim));
        for (uint32_t k = 0; k < 5; k++) {
            const skep_entity to = skep_entity_make((tick * 13 + k * 7) % 100, 1);
            const Steer steer_by = {(float)k * 0.25f, (uint8_t)(k & 1)};
            assert_int_equal(Steer_post(skep_sim_world(sim), 5 - k, tick, to, steer_by), SKEP_OK);
        }
        assert_int_equal(skep_sim_step(sim, 0.01f + 0.001f * (float)(tick % 3)), SKEP_OK);
    }
}

static const char *record_path(char *path, size_t bytes)
{
    const char *folder = getenv("TMPDIR");
    (void)snprintf(path, bytes, "%s/skep_record_%p", folder ? folder : "/tmp", (void *)path);
    return path;
}

/* Records 60 frames after 10 unrecorded ones and returns the hash that they end with. */
static uint64_t make_recording(const char *path)
{
    log_lines lines;
    flaky_fails = true;
    gust = 0.0f;
    skep_sim *sim = open_ships(&skep_scene_ships, &lines);
    messaged = sim;
    play_frames(sim, 10);
    assert_int_equal(skep_sim_record_save(sim, path), SKEP_NOT_FOUND);
    assert_int_equal(skep_sim_record(sim, 10), SKEP_OK);
    play_frames(sim, 60);
    assert_true(skep_sim_fault_total(sim) == 3);
    assert_int_equal(skep_sim_record_save(sim, path), SKEP_OK);
    const uint64_t hash = skep_sim_hash(sim);
    assert_true(skep_world_entity_count(skep_sim_world(sim)) > 150);
    messaged = NULL;
    skep_sim_close(sim);
    return hash;
}

static void a_replay_is_the_same_to_the_last_bit(void **state)
{
    (void)state;
    char path[256];
    log_lines lines;
    const uint64_t wanted = make_recording(record_path(path, sizeof path));
    flaky_fails = false;
    skep_sim *sim = open_ships(&skep_scene_ships, &lines);
    skep_replay_report report;
    const skep_status status = skep_sim_replay(sim, path, &report);
    if (status != SKEP_OK) log_lines_print(&lines);
    assert_int_equal(status, SKEP_OK);
    assert_true(report.frames == 60);
    assert_true(report.hashes == 6);
    assert_true(report.differs == UINT64_MAX);
    assert_true(skep_sim_hash(sim) == wanted);
    /* The one in frame 3 was before the recording; then came quarantine. */
    assert_true(skep_sim_fault_total(sim) == 2);

    gust = 0.125f;
    assert_int_equal(skep_sim_replay(sim, path, &report), SKEP_OK);
    assert_true(report.differs == 19);
    assert_true(report.frames == 10);
    gust = 0.0f;
    skep_sim_close(sim);
    assert_int_equal(remove(path), 0);
}

/* Going back is another beginning: the world is recorded anew. */
static void a_world_that_goes_back_is_recorded_anew(void **state)
{
    (void)state;
    char path[256];
    log_lines lines;
    flaky_fails = true;
    skep_sim *sim = open_ships(&skep_scene_ships, &lines);
    assert_int_equal(skep_sim_record(sim, 1), SKEP_OK);
    play_frames(sim, 12);
    skep_snapshot *snapshot = NULL;
    assert_int_equal(skep_snapshot_take(skep_sim_world(sim), &snapshot), SKEP_OK);
    play_frames(sim, 20);
    assert_int_equal(skep_world_restore(skep_sim_world(sim), snapshot), SKEP_OK);
    skep_snapshot_release(snapshot);
    for (uint32_t i = 0; i < 8; i++) assert_int_equal(skep_sim_step(sim, 0.5f), SKEP_OK);
    const uint64_t wanted = skep_sim_hash(sim);
    assert_int_equal(skep_sim_record_save(sim, record_path(path, sizeof path)), SKEP_OK);
    skep_sim_close(sim);

    flaky_fails = false;
    sim = open_ships(&skep_scene_ships, &lines);
    skep_replay_report report;
    assert_int_equal(skep_sim_replay(sim, path, &report), SKEP_OK);
    assert_true(report.frames == 40);
    assert_true(report.hashes == 40);
    assert_true(report.differs == UINT64_MAX);
    assert_true(skep_sim_hash(sim) == wanted);
    skep_sim_close(sim);
    assert_int_equal(remove(path), 0);
}

/* What the program writes by direct calls is no input, and yet a replay has it. */
static void what_is_written_between_frames_is_there(void **state)
{
    (void)state;
    char path[256];
    log_lines lines;
    flaky_fails = false;
    skep_sim *sim = open_ships(&skep_scene_ships, &lines);
    assert_int_equal(skep_sim_record(sim, 1), SKEP_OK);
    play_frames(sim, 5);
    skep_world *world = skep_sim_world(sim);
    const skep_part parts[] = {SKEP_PART_OF(Ship)};
    skep_entity joined;
    assert_int_equal(skep_world_spawn(world, &Buoy_info, parts, 1, &joined), SKEP_OK);
    play_frames(sim, 5);
    assert_int_equal(skep_world_set(world, joined, &Ship_info, &(Ship){99}), SKEP_OK);
    play_frames(sim, 5);
    const uint64_t wanted = skep_sim_hash(sim);
    assert_int_equal(skep_sim_record_save(sim, record_path(path, sizeof path)), SKEP_OK);
    skep_sim_close(sim);

    skep_recording *recording = NULL;
    skep_replay_report report;
    skep_error error;
    assert_int_equal(skep_recording_open(path, &recording, &error), SKEP_OK);
    assert_int_equal(skep_recording_info_of(recording).worlds, 3);
    sim = open_ships(&skep_scene_ships, &lines);
    assert_int_equal(skep_recording_play(recording, sim, NULL, NULL, &report), SKEP_OK);
    assert_true(report.frames == 15 && report.differs == UINT64_MAX);
    assert_true(skep_sim_hash(sim) == wanted);
    skep_sim_close(sim);
    skep_recording_close(recording);

    /* More often than a recording can follow. */
    sim = open_ships(&skep_scene_ships, &lines);
    assert_int_equal(skep_sim_record(sim, 1), SKEP_OK);
    for (uint32_t i = 0; i < SKEP_RECORD_WORLDS_MAX + 5u; i++) {
        assert_int_equal(Wind_set(skep_sim_world(sim), (Wind){(float)i}), SKEP_OK);
        assert_int_equal(skep_sim_step(sim, 0.1f), SKEP_OK);
    }
    bool going_on = true;
    assert_true(skep_sim_record_bytes(sim, &going_on) > 0 && !going_on);
    assert_true(log_lines_have(&lines, "limit SKEP_RECORD_WORLDS_MAX"));
    assert_int_equal(skep_sim_record_save(sim, path), SKEP_OK);
    assert_int_equal(skep_sim_replay(sim, path, &report), SKEP_OK);
    /* The first world is that before all of them. */
    assert_true(report.frames == SKEP_RECORD_WORLDS_MAX - 1u && report.differs == UINT64_MAX);
    skep_sim_close(sim);
    assert_int_equal(remove(path), 0);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static uint8_t whole[1 << 20];
static size_t whole_bytes;

static void read_whole(const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    whole_bytes = fread(whole, 1, sizeof whole, f);
    assert_int_equal(fclose(f), 0);
    assert_true(whole_bytes > 1000 && whole_bytes < sizeof whole);
}

static void write_part(const char *path, size_t bytes)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(whole, 1, bytes, f), bytes);
    assert_int_equal(fclose(f), 0);
}

/* Where each record ends. */
static uint32_t record_ends(size_t *ends, uint32_t max)
{
    uint32_t count = 0;
    size_t at = 16;
    while (at < whole_bytes) {
        uint64_t bytes = 0;
        memcpy(&bytes, whole + at + 8, sizeof bytes);
        at += 24 + ((size_t)bytes + 7) / 8 * 8;
        assert_true(count < max);
        ends[count++] = at;
    }
    assert_true(at == whole_bytes);
    return count;
}

/* Whatever is cut off, what is before it plays. */
static void a_recording_that_was_cut_off_plays_up_to_there(void **state)
{
    (void)state;
    char path[256];
    log_lines lines;
    static size_t ends[1024];
    (void)make_recording(record_path(path, sizeof path));
    read_whole(path);
    const uint32_t count = record_ends(ends, 1024);
    assert_true(count > 120);
    skep_sim *sim = open_ships(&skep_scene_ships, &lines);
    uint64_t last = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t past = 0; past < 2; past++) {
            const size_t size = ends[i] + (past ? 9 : 0);
            if (size > whole_bytes) continue;
            skep_replay_report report;
            write_part(path, size);
            const skep_status status = skep_sim_replay(sim, path, &report);
            if (status == SKEP_CORRUPT) continue; /* not even the world is there */
            assert_int_equal(status, SKEP_OK);
            assert_true(report.frames >= last && report.differs == UINT64_MAX);
            last = report.frames;
        }
    }
    assert_true(last == 60);
    assert_true(log_lines_have(&lines, "it ends within a record"));
    skep_sim_close(sim);
    assert_int_equal(remove(path), 0);
}

static void damaged_bits_are_noticed_wherever_they_are(void **state)
{
    (void)state;
    char path[256];
    log_lines lines;
    flaky_fails = true;
    skep_sim *sim = open_ships(&skep_scene_ships, &lines);
    assert_int_equal(skep_sim_record(sim, 1), SKEP_OK);
    play_frames(sim, 2);
    assert_int_equal(skep_sim_record_save(sim, record_path(path, sizeof path)), SKEP_OK);
    read_whole(path);
    uint32_t refused = 0, shorter = 0;
    for (size_t at = 0; at < whole_bytes; at += at < 64 ? 1 : 7) {
        skep_recording *recording = NULL;
        skep_error error;
        whole[at] ^= (uint8_t)(1u << at % 8);
        write_part(path, whole_bytes);
        whole[at] ^= (uint8_t)(1u << at % 8);
        const skep_status status = skep_recording_open(path, &recording, &error);
        if (status != SKEP_OK) {
            assert_true(error.message && !recording);
            refused++;
            continue;
        }
        const skep_recording_info info = skep_recording_info_of(recording);
        assert_true(info.damage && info.good <= at && info.frames < 3);
        shorter++;
        skep_recording_close(recording);
    }
    assert_true(refused > 64 && shorter > 20);
    skep_sim_close(sim);
    assert_int_equal(remove(path), 0);
}

static void foreign_recordings_are_refused(void **state)
{
    (void)state;
    char path[256];
    log_lines lines;
    (void)make_recording(record_path(path, sizeof path));
    skep_sim *sim = open_ships(&skep_scene_others, &lines);
    const uint64_t before = skep_sim_hash(sim);
    assert_int_equal(skep_sim_replay(sim, path, NULL), SKEP_SCHEMA);
    assert_true(log_lines_have(&lines, "another scene"));
    assert_true(skep_sim_hash(sim) == before);
    read_whole(path);
    whole[8] = 1;
    write_part(path, whole_bytes);
    assert_int_equal(skep_sim_replay(sim, path, NULL), SKEP_VERSION);
    write_part(path, 15);
    assert_int_equal(skep_sim_replay(sim, path, NULL), SKEP_FOREIGN);
    assert_int_equal(skep_sim_save(sim, path), SKEP_OK);
    assert_int_equal(skep_sim_replay(sim, path, NULL), SKEP_FOREIGN);
    assert_int_equal(remove(path), 0);
    assert_int_equal(skep_sim_replay(sim, path, NULL), SKEP_NOT_FOUND);
    skep_sim_close(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replay_is_the_same_to_the_last_bit),
        cmocka_unit_test(a_world_that_goes_back_is_recorded_anew),
        cmocka_unit_test(what_is_written_between_frames_is_there),
        cmocka_unit_test(a_recording_that_was_cut_off_plays_up_to_there),
        cmocka_unit_test(damaged_bits_are_noticed_wherever_they_are),
        cmocka_unit_test(foreign_recordings_are_refused),
    };
    return cmocka_run_group_tests_name("sim_record", tests, open_pool, close_pool);
}
