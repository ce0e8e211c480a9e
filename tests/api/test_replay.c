/* SPDX-License-Identifier: MIT */
/* Finding what came out differently: one bit of one field, flipped in mid-run, is named by frame,
 * system and component, wherever the recording was made and wherever it is played.
 * ctest: threads */
#include "api/log_lines.h"
#include "skep/recovery.h"
#include "skep/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <signal.h>

#include <cmocka.h>

SKEP_COMPONENT(Spot, (f32, x), (f32, y));
SKEP_COMPONENT(Pace, (f32, x), (f32, y));
SKEP_COMPONENT(Health, (u32, left));
SKEP_EVENT(Hit, (u32, force));
SKEP_RESOURCE(Total, (f64, sum));
SKEP_PREFAB(Walker);

#define WALKERS 5000u
#define NEVER UINT64_MAX

/* What goes wrong, and in which frame. */
typedef enum flip {
    FLIP_NONE,
    FLIP_SPOT,
    FLIP_HEALTH,
    FLIP_SPAWN,
    FLIP_EVENT,
    FLIP_TOTAL,
    FLIP_RUN,
    FLIP_FAIL
} flip;
static _Atomic uint32_t flip_what;
static _Atomic uint64_t flip_frame = NEVER;

static bool flipped(flip what, uint64_t tick)
{
    return flip_what == (uint32_t)what && flip_frame == tick;
}

static void flip_bit(void *value)
{
    uint32_t bits = 0;
    memcpy(&bits, value, sizeof bits);
    bits ^= 1u; /* the last bit of a float's fraction */
    memcpy(value, &bits, sizeof bits);
}

SKEP_JOB(stride, (mut, Spot, spot), (in, Pace, pace))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->spot.x[i] += c->pace.x[i] * task->dt;
        c->spot.y[i] += c->pace.y[i] * task->dt;
    }
    if (task->block == 2 && flipped(FLIP_SPOT, task->tick)) flip_bit(&c->spot.y[17]);
}

SKEP_JOB(tire, (mut, Health, health))
{
    for (uint32_t i = 0; i < task->n; i++) c->health.left[i] += (uint32_t)task->tick & 1u;
    if (task->block == 1 && flipped(FLIP_HEALTH, task->tick)) flip_bit(&c->health.left[3]);
}

SKEP_JOB_WITH(breed, SKEP_JOB_MAY_FAIL, 2, (in, Health, health), (spawn, Walker, walker),
              (emit, Hit, hit))
{
    if (task->block) return;
    const uint32_t extra = flipped(FLIP_SPAWN, task->tick) ? 1u : 0u;
    if (flipped(FLIP_FAIL, task->tick)) skep_fail(task, "twins");
    if (task->tick % 3 == 0 || extra) {
        const skep_entity e = Walker_new(task, c->walker);
        Spot_init(task, e, SKEP_LIT(Spot, (float)task->tick, 1.0f));
    }
    const uint32_t force = (uint32_t)task->tick + (flipped(FLIP_EVENT, task->tick) ? 1u : 0u);
    Hit_send(task, c->hit, skep_entity_null(), SKEP_LIT(Hit, force));
}

SKEP_JOB(add_up, (in, Spot, spot), (sum, Total, total))
{
    double sum = flipped(FLIP_TOTAL, task->tick) && task->block == 0 ? 0.5 : 0.0;
    for (uint32_t i = 0; i < task->n; i++) sum += (double)c->spot.x[i];
    c->total->sum += sum;
}

static skep_status meddle(void *ctx, skep_world *world, float dt)
{
    (void)ctx;
    (void)dt;
    const skep_entity e = skep_entity_make(40, 1);
    Pace pace;
    if (!skep_world_get(world, e, &Pace_info, &pace)) return SKEP_OK;
    pace.x += flipped(FLIP_RUN, skep_world_tick(world)) ? 0.25f : 0.5f;
    return skep_world_set(world, e, &Pace_info, &pace);
}

SKEP_SCENE(walk, "Walkers that tire and breed")
{
    Spot_mut spot;
    Pace_mut pace;
    Health_mut health;
    const uint32_t n = skep_param_u32(b, "entities", WALKERS, "how many");
    skep_resource(b, SKEP_WITH(Total, 0.0));
    skep_add(b, "update", &stride);
    skep_add(b, "update", &tire);
    skep_add(b, "update", &add_up);
    skep_add(b, "late", &breed);
    skep_run_using(b, "late", "meddle", meddle, SKEP_USES(mut, Pace));
    skep_prefab(b, Walker, SKEP_OF(Spot), SKEP_OF(Pace), SKEP_OF(Health));
    skep_create_many(b, n, Spot_columns(&spot), Pace_columns(&pace), Health_columns(&health));
    for (uint32_t i = 0; i < n; i++) {
        spot.x[i] = (float)i;
        pace.x[i] = (float)(i % 7) * 0.5f;
        pace.y[i] = (float)(i % 5) * 0.25f;
        health.left[i] = i;
    }
}

/* ---- support --------------------------------------------------------------------------------- */

static char path[256];

static skep_sim *open_walk(skep_executor executor, uint32_t workers, log_lines *lines)
{
    skep_sim *sim = NULL;
    skep_sim_desc d = skep_sim_desc_default();
    d.executor = executor;
    d.workers = workers;
    d.grain = workers ? 0 : SKEP_GRAIN_AUTO;
    d.log = log_lines_open(lines);
    const skep_status status = skep_sim_open(&skep_scene_walk, &d, &sim);
    if (status != SKEP_OK) log_lines_print(lines);
    assert_int_equal(status, SKEP_OK);
    return sim;
}

static void run_frames(skep_sim *sim, uint32_t frames)
{
    for (uint32_t i = 0; i < frames; i++) assert_int_equal(skep_sim_step(sim, 0.125f), SKEP_OK);
}

static void flip_at(flip what, uint64_t frame)
{
    flip_what = (uint32_t)what;
    flip_frame = frame;
}

/* Records 30 frames to a file, of which one may be flipped. */
static void record(skep_executor executor, uint32_t workers, uint32_t hash_every)
{
    log_lines lines;
    skep_sim *sim = open_walk(executor, workers, &lines);
    skep_record_desc d = skep_record_desc_default();
    d.path = path;
    d.hash_every = hash_every;
    run_frames(sim, 3);
    assert_int_equal(skep_sim_record_open(sim, &d), SKEP_OK);
    run_frames(sim, 30);
    assert_int_equal(skep_sim_record_end(sim), SKEP_OK);
    skep_sim_close(sim);
}

static skep_replay_report play(skep_executor executor, uint32_t workers)
{
    log_lines lines;
    skep_replay_report report;
    skep_sim *sim = open_walk(executor, workers, &lines);
    const skep_status status = skep_sim_replay(sim, path, &report);
    if (status != SKEP_OK) log_lines_print(&lines);
    assert_int_equal(status, SKEP_OK);
    skep_sim_close(sim);
    return report;
}

static int begin(void **state)
{
    const char *folder = getenv("TMPDIR");
    (void)state;
    (void)snprintf(path, sizeof path, "%s/skep_replay_%p.skepr", folder ? folder : "/tmp",
                   (void *)&path);
    flip_at(FLIP_NONE, NEVER);
    return 0;
}

static int end(void **state)
{
    (void)state;
    (void)remove(path);
    return 0;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void executors_and_workers_do_not_matter(void **state)
{
    (void)state;
    for (uint32_t made = 0; made < 3; made++) {
        record(made ? SKEP_EXECUTOR_THREADS : SKEP_EXECUTOR_LOCAL, made, 1);
        for (uint32_t workers = 0; workers < 4; workers++) {
            const skep_replay_report r =
                play(workers ? SKEP_EXECUTOR_THREADS : SKEP_EXECUTOR_LOCAL, workers);
            assert_string_equal(r.text, "");
            assert_true(r.frames == 30 && r.hashes == 30 && r.differs == UINT64_MAX);
            assert_false(r.other_plan);
        }
    }
}

typedef struct wanted {
    flip what;
    const char *system;
    const char *part;
} wanted;

static const wanted flips[] = {
    {FLIP_SPOT, "\"stride\"", "Spot"},   {FLIP_HEALTH, "\"tire\"", "Health"},
    {FLIP_TOTAL, "\"add_up\"", "Total"}, {FLIP_RUN, "\"meddle\"", "Pace"},
    {FLIP_EVENT, "\"breed\"", "Hit"},    {FLIP_SPAWN, "\"breed\"", "which entities there are"},
};

static void expect_named(const skep_replay_report *r, const wanted *w, uint64_t frame)
{
    if (r->differs != frame || r->since != frame || strcmp(r->system, w->system) != 0 ||
        strncmp(r->part, w->part, strlen(w->part)) != 0 || !strstr(r->text, w->system))
        fail_msg("frame %llu, %s, %s: %s", (unsigned long long)frame, w->system, w->part, r->text);
    assert_true(r->batch >= 1);
    assert_true(r->frames == frame - 3 + 1);
}

static void one_flipped_bit_is_named(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof flips / sizeof flips[0]; i++) {
        const uint64_t frame = 7 + i * 3;
        /* In the recording, and the replay is right; then the other way round. */
        flip_at(flips[i].what, frame);
        record(SKEP_EXECUTOR_THREADS, 2, 1);
        flip_at(FLIP_NONE, NEVER);
        skep_replay_report r = play(SKEP_EXECUTOR_LOCAL, 0);
        expect_named(&r, &flips[i], frame);
        record(SKEP_EXECUTOR_LOCAL, 0, 1);
        flip_at(flips[i].what, frame);
        r = play(SKEP_EXECUTOR_THREADS, 3);
        expect_named(&r, &flips[i], frame);
        flip_at(FLIP_NONE, NEVER);
    }
}

static void what_it_says_is_what_users_read(void **state)
{
    (void)state;
    record(SKEP_EXECUTOR_LOCAL, 0, 1);
    flip_at(FLIP_SPOT, 12);
    skep_replay_report r = play(SKEP_EXECUTOR_LOCAL, 0);
    assert_string_equal(r.text,
                        "frame 12 differs: system \"stride\" (batch 1) wrote Spot differently");
    flip_at(FLIP_FAIL, 9);
    r = play(SKEP_EXECUTOR_LOCAL, 0);
    assert_string_equal(r.text, "frame 9 differs: system \"breed\" failed, as it had not: twins");
    flip_at(FLIP_FAIL, 9);
    record(SKEP_EXECUTOR_LOCAL, 0, 1);
    flip_at(FLIP_NONE, NEVER);
    r = play(SKEP_EXECUTOR_LOCAL, 0);
    assert_true(r.differs == UINT64_MAX && r.frames == 30);
    /* Hashed now and then, it can only say in between. */
    record(SKEP_EXECUTOR_LOCAL, 0, 10);
    flip_at(FLIP_SPOT, 13);
    r = play(SKEP_EXECUTOR_LOCAL, 0);
    assert_true(r.differs == 19 && r.since == 10);
    assert_string_equal(r.text, "frame 19 differs: before it began, the world was another: a frame "
                                "since 10 came out differently, or something wrote between two "
                                "(only some frames were hashed)");
}

/* A file that is still being written, as a kill would leave it. */
static void a_file_grows_with_the_frames(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 20];
    log_lines lines;
    skep_sim *sim = open_walk(SKEP_EXECUTOR_LOCAL, 0, &lines);
    skep_record_desc d = skep_record_desc_default();
    d.path = path;
    d.scene = "somewhere/walk.so";
    d.data = "a,b\n1,2\n";
    d.data_bytes = 8;
    assert_int_equal(skep_sim_record_open(sim, &d), SKEP_OK);
    uint64_t before = 0;
    for (uint32_t i = 0; i < 10; i++) {
        skep_recording *recording = NULL;
        skep_error error;
        run_frames(sim, 1);
        assert_int_equal(skep_recording_open(path, &recording, &error), SKEP_OK);
        const skep_recording_info info = skep_recording_info_of(recording);
        assert_true(info.frames == i + 1u && !info.damage && !info.closed && !info.unfinished);
        assert_true(info.good > before);
        assert_true(info.good == skep_sim_record_bytes(sim, NULL));
        before = info.good;
        size_t n = 0;
        assert_string_equal(skep_recording_note(recording, "scene", 0), "somewhere/walk.so");
        assert_string_equal(skep_recording_note(recording, "seed", 0), "1");
        assert_null(skep_recording_note(recording, "param", 0));
        assert_memory_equal(skep_recording_data(recording, &n), "a,b\n1,2\n", 8);
        assert_true(n == 8);
        skep_recording_close(recording);
    }
    /* The frame that was running when somebody pulled the plug. */
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    assert_int_equal(fclose(f), 0);
    assert_true(n == before);
    size_t at = 16, last = 16;
    while (at < n) {
        uint64_t length = 0;
        memcpy(&length, bytes + at + 8, sizeof length);
        last = at;
        at += 24 + ((size_t)length + 7) / 8 * 8;
    }
    assert_int_equal(skep_sim_record_end(sim), SKEP_OK);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, last, f), last);
    assert_int_equal(fclose(f), 0);
    skep_sim_close(sim);
    const skep_replay_report r = play(SKEP_EXECUTOR_LOCAL, 0);
    assert_true(r.frames == 10 && r.hashes == 9 && r.differs == UINT64_MAX);
}

static void a_disk_that_is_full_ends_the_recording_alone(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim *sim = open_walk(SKEP_EXECUTOR_LOCAL, 0, &lines);
    skep_record_desc d = skep_record_desc_default();
    d.path = "/dev/full";
    assert_int_equal(skep_sim_record_open(sim, &d), SKEP_IO);
    assert_true(log_lines_have(&lines, "No space left on device"));
    d.path = "/no/such/folder/file";
    assert_int_equal(skep_sim_record_open(sim, &d), SKEP_IO);
    assert_true(log_lines_have(&lines, "/no/such/folder/file: No such file or directory"));
    assert_true(skep_sim_record_bytes(sim, NULL) == 0);

    struct rlimit old, less;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    d.path = path;
    d.hash_every = 0;
    assert_int_equal(skep_sim_record_open(sim, &d), SKEP_OK);
    less = old;
    less.rlim_cur = (rlim_t)skep_sim_record_bytes(sim, NULL) + 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
    run_frames(sim, 20);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    bool going_on = true;
    (void)skep_sim_record_bytes(sim, &going_on);
    assert_false(going_on);
    assert_true(log_lines_have(&lines, "the recording ends at frame"));
    assert_true(log_lines_have(&lines, "File too large"));
    assert_int_equal(skep_sim_record_end(sim), SKEP_IO);
    skep_sim_close(sim);
    const skep_replay_report r = play(SKEP_EXECUTOR_LOCAL, 0);
    assert_true(r.frames > 0 && r.frames < 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(executors_and_workers_do_not_matter),
        cmocka_unit_test(one_flipped_bit_is_named),
        cmocka_unit_test(what_it_says_is_what_users_read),
        cmocka_unit_test(a_file_grows_with_the_frames),
        cmocka_unit_test(a_disk_that_is_full_ends_the_recording_alone),
    };
    return cmocka_run_group_tests_name("replay", tests, begin, end);
}
