/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * A simulation as a program embeds it: frames, the same bits wherever jobs run, faults, files,
 * jobs over somebody's own arrays. */
#include "api/log_lines.h"
#include "skep/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Gun, (f32, wait));
SKEP_COMPONENT(Hp, (f32, hp));
SKEP_COMPONENT(Fly, (f32, left));
SKEP_EVENT(Hit, (f32, amount), (entity, by));
SKEP_RESOURCE(Score, (u32, shots));
SKEP_RESOURCE(Toll, (u32, deaths));
SKEP_TAG(Enemy);
SKEP_PREFAB(Bullet);

/* ---- a small game: things move, guns shoot bullets, bullets hurt their target ------------ */

SKEP_JOB(move, (mut, Pos, pos), (in, Vel, vel))
{
    SKEP_ROWS (i, task) {
        c->pos.x[i] += c->vel.x[i] * task->dt;
        c->pos.y[i] += c->vel.y[i] * task->dt;
    }
}

SKEP_JOB(shoot, (mut, Gun, gun), (in, Pos, pos), (spawn, Bullet, bullet), (sum, Score, score))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->gun.wait[i] -= task->dt;
        if (c->gun.wait[i] > 0.0f) continue;
        c->gun.wait[i] = 0.1f + skep_rand_f32(task, task->entity[i], 0) * 0.2f;
        const skep_entity b = Bullet_new(task, c->bullet);
        Pos_init(task, b, SKEP_LIT(Pos, c->pos.x[i], c->pos.y[i]));
        Vel_init(task, b, SKEP_LIT(Vel, skep_rand_f32(task, b, 0) - 0.5f, 1.0f));
        c->score->shots++;
    }
}

SKEP_JOB(hit, (mut, Fly, fly), (in, Pos, pos), (emit, Hit, hit), (destroy, Entity, gone))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->fly.left[i] -= task->dt;
        if (c->fly.left[i] > 0.0f) continue;
        /* Handles of a world that creates its targets first are easy to guess. */
        const uint32_t target = skep_rand_u32(task, task->entity[i], 1, 500);
        Hit_send(task, c->hit, skep_entity_make(target, 1), SKEP_LIT(Hit, 1.0f, task->entity[i]));
        skep_destroy(task, c->gone, task->entity[i]);
    }
}

SKEP_JOB(hurt, (mut, Hp, hp), (inbox, Hit, hit), (with, Enemy, enemy), (destroy, Entity, gone),
         (sum, Toll, toll))
{
    for (uint32_t i = 0; i < task->n; i++) {
        for (uint32_t k = c->hit.begin[i]; k < c->hit.begin[i + 1]; k++)
            c->hp.hp[i] -= c->hit.amount[k];
        if (c->hp.hp[i] > 0.0f) continue;
        skep_destroy(task, c->gone, task->entity[i]);
        c->toll->deaths++;
    }
}

SKEP_SCENE(game, "Guns, bullets and targets")
{
    const uint32_t n = skep_param_u32(b, "entities", 3000, "how many guns");
    Pos_mut pos;
    Vel_mut vel;
    Gun_mut gun;
    skep_resource(b, SKEP_WITH(Score, 0u));
    skep_prefab(b, Bullet, SKEP_OF(Pos), SKEP_OF(Vel), SKEP_WITH(Fly, 0.3f));
    skep_add(b, "update", &move);
    skep_add(b, "update", &shoot);
    skep_add_when(b, "update", &hurt)->after = "shoot";
    skep_add_when(b, "update", &hit)->before = "hurt";
    (void)skep_create_many(b, 1000, SKEP_OF(Pos), SKEP_WITH(Hp, 2.0f), SKEP_OF(Enemy));
    skep_create_many(b, n, Pos_columns(&pos), Vel_columns(&vel), Gun_columns(&gun));
    for (uint32_t i = 0; i < n; i++) {
        pos.x[i] = skep_init_rand(b) * 100.0f;
        vel.y[i] = skep_init_rand(b) - 0.5f;
        gun.wait[i] = skep_init_rand(b);
    }
}

static skep_sim *open_game(skep_sim_desc d, log_lines *lines)
{
    skep_sim *sim = NULL;
    d.log = log_lines_open(lines);
    const skep_status status = skep_sim_open(&skep_scene_game, &d, &sim);
    if (status != SKEP_OK) log_lines_print(lines);
    assert_int_equal(status, SKEP_OK);
    return sim;
}

static void run_frames(skep_sim *sim, uint32_t frames)
{
    for (uint32_t i = 0; i < frames; i++)
        assert_int_equal(skep_sim_step(sim, 1.0f / 60.0f), SKEP_OK);
}

static uint64_t game_hash(skep_sim_desc d, uint32_t frames)
{
    log_lines lines;
    skep_sim *sim = open_game(d, &lines);
    run_frames(sim, frames);
    const uint64_t hash = skep_sim_hash(sim);
    if (lines.count) log_lines_print(&lines);
    assert_int_equal(lines.count, 0);
    skep_sim_close(sim);
    return hash;
}

static skep_sim_desc desc_with(uint32_t workers, uint32_t grain)
{
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = workers;
    d.grain = grain;
    return d;
}

static void a_game_plays(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim *sim = open_game(desc_with(0, SKEP_GRAIN_AUTO), &lines);
    uint32_t shots = 0;
    uint32_t deaths = 0;
    for (uint32_t i = 0; i < 120; i++) {
        run_frames(sim, 1);
        const Score *score = Score_read(skep_sim_world(sim));
        const Toll *toll = Toll_read(skep_sim_world(sim));
        assert_non_null(score);
        assert_non_null(toll);
        shots += score->shots; /* of this frame */
        deaths += toll->deaths;
    }
    assert_true(shots > 10000);
    assert_true(deaths > 100);
    assert_int_equal(skep_world_tick(skep_sim_world(sim)), 120);
    assert_int_equal(skep_world_check(skep_sim_world(sim)), SKEP_OK);
    const skep_frame_report *report = skep_sim_report(sim);
    assert_int_equal(report->frame, 119);
    assert_int_equal(report->fault_count, 0);
    assert_int_equal(report->systems, 4);
    uint64_t patches = 0;
    uint64_t dropped = 0;
    skep_sim_totals(sim, &patches, &dropped);
    assert_true(patches > shots);
    skep_sim_close(sim);
    skep_sim_close(NULL);
}

static void one_hash_with_any_number_of_workers(void **state)
{
    (void)state;
    const uint64_t alone = game_hash(desc_with(0, SKEP_GRAIN_AUTO), 60);
    const uint32_t workers[] = {0, 1, 2, 4, 8};
    for (uint32_t i = 0; i < 5; i++) assert_true(game_hash(desc_with(workers[i], 0), 60) == alone);
    skep_sim_desc local = desc_with(4, 0);
    local.executor = SKEP_EXECUTOR_LOCAL;
    assert_true(game_hash(local, 60) == alone);
    skep_sim_desc checked = desc_with(2, 0);
    checked.check = true;
    assert_true(game_hash(checked, 60) == alone);
    skep_sim_desc other = desc_with(0, 0);
    other.seed = 2;
    assert_true(game_hash(other, 60) != alone);
    assert_true(game_hash(desc_with(0, 0), 61) != alone);
}

/* ---- somebody else's job system ---------------------------------------------------------- */

static uint32_t fork_calls;

/* Runs everything at once, last index first: as foreign as an order can be. */
static void backward_fork(void *ctx, void (*work)(void *work_ctx, uint32_t index), void *work_ctx,
                          uint32_t count)
{
    (void)ctx;
    fork_calls++;
    for (uint32_t i = count; i-- > 0;) work(work_ctx, i);
}

static void backward_join(void *ctx)
{
    (void)ctx;
}

static void a_foreign_job_system_gives_the_same_hash(void **state)
{
    (void)state;
    const uint64_t alone = game_hash(desc_with(0, SKEP_GRAIN_AUTO), 60);
    skep_pool_desc p = skep_pool_desc_default();
    p.workers = 3;
    p.fork = backward_fork;
    p.join = backward_join;
    skep_pool *pool = NULL;
    assert_int_equal(skep_pool_create(&p, &pool), SKEP_OK);
    fork_calls = 0;
    skep_sim_desc d = desc_with(0, 0);
    d.pool = pool;
    assert_true(game_hash(d, 60) == alone);
    assert_true(fork_calls > 60);
    skep_pool_destroy(pool);
}

/* ---- frames that cannot be run ----------------------------------------------------------- */

static skep_status step_inside(void *ctx, skep_world *world, float dt)
{
    skep_sim **sim = (skep_sim **)ctx;
    (void)world;
    return skep_sim_step(*sim, dt) == SKEP_BUSY ? SKEP_OK : SKEP_FAULT;
}

static void a_frame_inside_of_a_frame_is_the_running_one(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim *sim = NULL;
    skep_sim_desc d = desc_with(0, SKEP_GRAIN_AUTO);
    d.log = log_lines_open(&lines);
    assert_int_equal(skep_sim_open(NULL, &d, &sim), SKEP_OK);
    skep_system_desc s = skep_system_desc_default();
    s.name = "inside";
    s.run = step_inside;
    s.ctx = &sim;
    assert_int_equal(skep_plan_add(skep_sim_plan(sim), &s), SKEP_OK);
    run_frames(sim, 3);
    assert_int_equal(skep_sim_report(sim)->fault_count, 0);
    assert_int_equal(skep_sim_report(sim)->overlaps, 3);
    assert_int_equal(skep_world_tick(skep_sim_world(sim)), 3);
    skep_sim_close(sim);
}

static void times_that_are_none_are_refused(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim *sim = open_game(desc_with(0, SKEP_GRAIN_AUTO), &lines);
    const uint64_t before = skep_sim_hash(sim);
    assert_int_equal(skep_sim_step(sim, -1.0f), SKEP_ARGUMENT);
    assert_int_equal(skep_sim_step(sim, strtof("nan", NULL)), SKEP_ARGUMENT);
    assert_int_equal(skep_sim_step(sim, strtof("inf", NULL)), SKEP_ARGUMENT);
    assert_int_equal(lines.count, 3);
    assert_true(skep_sim_hash(sim) == before);
    assert_int_equal(skep_sim_step_at(sim, 0.0f, 12.5), SKEP_OK);
    skep_sim_close(sim);
}

/* ---- faults ------------------------------------------------------------------------------ */

SKEP_JOB_WITH(fussy, SKEP_JOB_MAY_FAIL, 0, (mut, Pos, pos))
{
    for (uint32_t i = 0; i < task->n; i++) c->pos.x[i] = -1.0f;
    if (task->tick % 2) skep_fail(task, "odd frames are not for me");
}

SKEP_SCENE(fussy_scene, "A job that fails in every other frame")
{
    Pos_mut pos;
    skep_add(b, "update", &fussy);
    skep_create_many(b, 1500, Pos_columns(&pos));
}

static void faults_are_kept(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim *sim = NULL;
    skep_sim_desc d = desc_with(1, 0);
    d.log = log_lines_open(&lines);
    assert_int_equal(skep_sim_open(&skep_scene_fussy_scene, &d, &sim), SKEP_OK);
    run_frames(sim, 4);
    uint32_t count = 0;
    const skep_fault *faults = skep_sim_faults(sim, &count);
    assert_int_equal(count, 2);
    assert_true(skep_sim_fault_total(sim) == 2);
    assert_true(faults[0].frame == 1 && faults[1].frame == 3);
    assert_string_equal(faults[0].system, "fussy");
    assert_string_equal(faults[0].cause, "odd frames are not for me");
    assert_int_equal(faults[0].block, 0);
    assert_true(log_lines_have(&lines, "odd frames are not for me"));
    skep_sim_close(sim);
}

SKEP_JOB(chat, (in, Pos, pos))
{
    for (uint32_t k = 0; k < 7 && task->tick; k++)
        skep_logf(task, "line %u of %u rows, and some more to fill it: %064d", k, task->n, 0);
    skep_logf(task, "frame %u", (unsigned)task->tick);
}

SKEP_SCENE(chatty, "A job that has no patches but much to say")
{
    skep_add(b, "update", &chat);
    skep_create(b, SKEP_WITH(Pos, 1.0f, 2.0f));
}

static void lines_of_jobs_reach_the_log(void **state)
{
    (void)state;
    log_lines lines;
    skep_sim *sim = NULL;
    skep_sim_desc d = desc_with(0, SKEP_GRAIN_AUTO);
    d.log = log_lines_open(&lines);
    assert_int_equal(skep_sim_open(&skep_scene_chatty, &d, &sim), SKEP_OK);
    run_frames(sim, 1);
    assert_int_equal(lines.count, 1);
    assert_string_equal(lines.text[0], "chat, block 0: frame 0");
    /* What does not fit makes room for the next frame. */
    run_frames(sim, 1);
    assert_true(lines.count < 1 + 8);
    lines.count = 0;
    run_frames(sim, 3);
    assert_int_equal(lines.count, 3 * 8);
    assert_true(log_lines_have(&lines, "line 6 of 1 rows"));
    assert_int_equal(skep_sim_report(sim)->fault_count, 0);
    skep_sim_close(sim);
}

/* ---- files ------------------------------------------------------------------------------- */

static const char *temporary(const char *name, char *path, size_t bytes)
{
    const char *folder = getenv("TMPDIR");
    (void)snprintf(path, bytes, "%s/skep_%s_%p", folder ? folder : "/tmp", name, (void *)path);
    return path;
}

static void flip_byte(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    const int byte = fgetc(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_true(fputc(byte ^ 0x40, f) != EOF);
    assert_int_equal(fclose(f), 0);
}

static void a_saved_world_goes_on_as_if_nothing_happened(void **state)
{
    (void)state;
    char path[256];
    log_lines lines;
    skep_sim *sim = open_game(desc_with(0, SKEP_GRAIN_AUTO), &lines);
    run_frames(sim, 30);
    const uint64_t at_save = skep_sim_hash(sim);
    assert_int_equal(skep_sim_save(sim, temporary("save", path, sizeof path)), SKEP_OK);
    run_frames(sim, 30);
    const uint64_t wanted = skep_sim_hash(sim);
    skep_sim_close(sim);

    sim = open_game(desc_with(2, 0), &lines);
    run_frames(sim, 7); /* a world that is elsewhere already */
    const skep_status status = skep_sim_load(sim, path);
    if (status != SKEP_OK) log_lines_print(&lines);
    assert_int_equal(status, SKEP_OK);
    assert_true(skep_sim_hash(sim) == at_save);
    run_frames(sim, 30);
    assert_true(skep_sim_hash(sim) == wanted);

    flip_byte(path, 5000);
    assert_int_equal(skep_sim_load(sim, path), SKEP_CORRUPT);
    assert_true(log_lines_have(&lines, path));
    assert_true(skep_sim_hash(sim) == wanted);
    assert_int_equal(remove(path), 0);
    assert_int_equal(skep_sim_load(sim, path), SKEP_NOT_FOUND);
    skep_sim_close(sim);
}

/* ---- jobs over arrays -------------------------------------------------------------------- */

#define ARRAY_ROWS 5000u

static void a_job_runs_over_arrays(void **state)
{
    (void)state;
    static float px[ARRAY_ROWS], py[ARRAY_ROWS], vx[ARRAY_ROWS], vy[ARRAY_ROWS];
    Pos_mut pos = {px, py};
    Vel_mut vel = {vx, vy};
    for (uint32_t i = 0; i < ARRAY_ROWS; i++) {
        vx[i] = (float)i;
        vy[i] = 1.0f;
    }
    skep_pool_desc p = skep_pool_desc_default();
    p.workers = 2;
    skep_pool *pool = NULL;
    assert_int_equal(skep_pool_create(&p, &pool), SKEP_OK);
    skep_pool *const pools[] = {NULL, pool};
    for (uint32_t k = 0; k < 2; k++) {
        assert_int_equal(skep_run_columns(pools[k], &move, ARRAY_ROWS, 0.5f, Pos_columns(&pos),
                                          Vel_columns(&vel)),
                         SKEP_OK);
        for (uint32_t i = 0; i < ARRAY_ROWS; i++) {
            assert_true(px[i] == (float)i * 0.5f * (float)(k + 1));
            assert_true(py[i] == 0.5f * (float)(k + 1));
        }
    }
    assert_int_equal(skep_run_columns(NULL, &move, 0, 0.5f, Pos_columns(&pos), Vel_columns(&vel)),
                     SKEP_OK);
    assert_int_equal(skep_run_columns(NULL, &move, 9, 0.5f, Pos_columns(&pos)), SKEP_ARGUMENT);
    assert_int_equal(skep_run_columns(NULL, &hit, 9, 0.5f, Pos_columns(&pos)), SKEP_ARGUMENT);
    skep_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_game_plays),
        cmocka_unit_test(one_hash_with_any_number_of_workers),
        cmocka_unit_test(a_foreign_job_system_gives_the_same_hash),
        cmocka_unit_test(a_frame_inside_of_a_frame_is_the_running_one),
        cmocka_unit_test(times_that_are_none_are_refused),
        cmocka_unit_test(faults_are_kept),
        cmocka_unit_test(lines_of_jobs_reach_the_log),
        cmocka_unit_test(a_saved_world_goes_on_as_if_nothing_happened),
        cmocka_unit_test(a_job_runs_over_arrays),
    };
    return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
