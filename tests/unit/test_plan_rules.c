/* SPDX-License-Identifier: MIT */
/* The rules by which systems get their place: order, conflicts, batches; the mistakes that a plan
 * can have, in words; and what it says of itself. Names carry the ids of DEFECTS.md. */
#include "support/plan_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Age, (u32, frames));
SKEP_COMPONENT(Damage, (f32, amount));
SKEP_TAG(Enemy);
SKEP_EVENT(Hit, (f32, amount));
SKEP_RESOURCE(Rules, (f32, near));
SKEP_RESOURCE(Stats, (u64, count), (entity, best));
SKEP_PREFAB(Bullet);
SKEP_PREFAB(Rocket);

/* What these jobs do is of no matter here: they are never run. */
#define IDLE_JOB(name, ...)                                                                        \
    SKEP_JOB(name, __VA_ARGS__)                                                                    \
    {                                                                                              \
        (void)task;                                                                                \
        (void)c;                                                                                   \
    }

IDLE_JOB(write_pos, (mut, Pos, pos))
IDLE_JOB(pos_to_vel, (in, Pos, pos), (mut, Vel, vel))
IDLE_JOB(read_vel, (in, Vel, vel))
IDLE_JOB(read_pos, (in, Pos, pos))
IDLE_JOB(look_pos, (lookup, Pos, any), (mut, Age, age))
IDLE_JOB(write_age, (out, Age, age))
IDLE_JOB(hurt_all, (in, Age, age), (add, Damage, damage), (emit, Hit, hit))
IDLE_JOB(hurt_more, (in, Age, age), (add, Damage, damage))
IDLE_JOB(read_damage, (in, Damage, damage))
IDLE_JOB(hear, (with, Damage, damage), (inbox, Hit, hit))
IDLE_JOB(all_hits, (events, Hit, hit))
IDLE_JOB(kill, (in, Age, age), (destroy, Entity, any))
IDLE_JOB(shoot, (in, Age, age), (spawn, Bullet, bullet))
IDLE_JOB(shoot_rocket, (in, Age, age), (spawn, Rocket, rocket))
IDLE_JOB(no_enemy, (not, Enemy, enemy), (in, Age, age))
IDLE_JOB(tag, (in, Age, age), (add, Enemy, enemy))
IDLE_JOB(rules, (res, Rules, rules))
IDLE_JOB(sum_rules, (in, Age, age), (sum, Rules, rules))

static skep_status nothing(void *ctx, skep_world *world, float dt)
{
    (void)ctx;
    (void)world;
    (void)dt;
    return SKEP_OK;
}

static uint32_t batch_of(plan_lab *l, const char *name)
{
    return skep_plan_batch_of(l->plan, name);
}

static void build(plan_lab *l)
{
    const char *text = plan_lab_mistakes(l, "test");
    assert_string_equal(text, "");
}

static plan_lab *lab_new(void)
{
    plan_lab *l = malloc(sizeof *l);
    assert_non_null(l);
    plan_lab_open(l, 1024, NULL);
    return l;
}

static void lab_end(plan_lab *l)
{
    plan_lab_close(l);
    free(l);
}

/* ---- order and batches ------------------------------------------------------------------- */

static void s1_reader_follows_what_it_depends_on(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "update", &write_pos, NULL);
    plan_lab_job(l, "update", &pos_to_vel, NULL);
    plan_lab_job(l, "update", &read_vel, NULL);
    build(l);
    assert_int_equal(batch_of(l, "write_pos"), 1);
    assert_int_equal(batch_of(l, "pos_to_vel"), 2);
    assert_int_equal(batch_of(l, "read_vel"), 3);
    lab_end(l);
}

static void s2_after_without_shared_data_counts(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "update", &read_pos, "write_age");
    plan_lab_job(l, "update", &write_age, NULL);
    build(l);
    assert_int_equal(batch_of(l, "write_age"), 1);
    assert_int_equal(batch_of(l, "read_pos"), 2);
    lab_end(l);
}

static void s3_before_a_writer_is_no_cycle(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "update", &write_pos, NULL);
    skep_system_desc d = skep_system_desc_default();
    d.job = &read_pos;
    d.before[0] = "write_pos";
    plan_lab_add(l, &d);
    build(l);
    assert_int_equal(batch_of(l, "read_pos"), 1);
    assert_int_equal(batch_of(l, "write_pos"), 2);
    assert_string_equal(skep_plan_system_at(l->plan, 0), "read_pos");
    assert_null(skep_plan_system_at(l->plan, 2));
    lab_end(l);
}

static void s4_unknown_after_is_named(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "update", &read_pos, "write_poz");
    plan_lab_job(l, "update", &write_pos, "nobody at all");
    assert_string_equal(
        plan_lab_mistakes(l, "bees.so"),
        "bees.so: 2 mistakes, nothing was run\n"
        "  system \"read_pos\": after \"write_poz\": there is no such system (did you "
        "mean \"write_pos\"?)\n"
        "  system \"write_pos\": after \"nobody at all\": there is no such system\n");
    assert_int_equal(skep_frame_begin(l->plan, 1, SKEP_TIME_AUTO), SKEP_PLAN);
    assert_false(skep_frame_running(l->plan));
    lab_end(l);
}

static void s5_two_systems_of_one_name_are_a_mistake(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "update", &read_pos, NULL);
    plan_lab_job(l, "late", &read_pos, NULL);
    assert_string_equal(
        plan_lab_mistakes(l, "bees"),
        "bees: 1 mistake, nothing was run\n"
        "  system \"read_pos\": there are two systems of this name; give one another\n");
    assert_int_equal(skep_plan_remove(l->plan, "read_pos"), SKEP_OK);
    build(l);
    assert_int_equal(skep_plan_system_count(l->plan), 1);
    assert_int_equal(skep_plan_remove(l->plan, "nothing"), SKEP_NOT_FOUND);
    lab_end(l);
}

static void s6_unknown_stage_is_named(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "updat", &read_pos, NULL);
    plan_lab_job(l, "physics", &write_pos, NULL);
    assert_string_equal(
        plan_lab_mistakes(l, "x"),
        "x: 2 mistakes, nothing was run\n"
        "  system \"read_pos\": stage \"updat\": there is no such stage (did you mean "
        "\"update\"?)\n"
        "  system \"write_pos\": stage \"physics\": there is no such stage\n");
    lab_end(l);
}

static void s7_systems_added_later_are_planned(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "update", &write_pos, NULL);
    plan_lab_frame(l, 1);
    assert_int_equal(l->report.systems, 1);
    plan_lab_job(l, "update", &read_pos, NULL);
    plan_lab_frame(l, 1);
    assert_int_equal(l->report.systems, 2);
    assert_int_equal(batch_of(l, "read_pos"), 2);
    lab_end(l);
}

static void s9_jobs_are_part_of_the_conflicts(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_run(l, "update", "draw", nothing, NULL);
    plan_lab_job(l, "update", &write_pos, NULL);
    plan_lab_job(l, "update", &look_pos, NULL);
    plan_lab_run(l, "update", "more", nothing, NULL);
    build(l);
    assert_int_equal(batch_of(l, "draw"), 1);
    assert_int_equal(batch_of(l, "write_pos"), 2);
    assert_int_equal(batch_of(l, "look_pos"), 3);
    assert_int_equal(batch_of(l, "more"), 4);
    lab_end(l);
}

static void d3_two_writers_never_share_a_batch(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "update", &look_pos, NULL);
    plan_lab_job(l, "update", &write_age, NULL);
    build(l);
    assert_int_equal(batch_of(l, "look_pos"), 1);
    assert_int_equal(batch_of(l, "write_age"), 2);
    lab_end(l);
}

static void rights_wait_for_readers_only(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "update", &hurt_all, NULL);
    plan_lab_job(l, "update", &hurt_more, NULL);
    plan_lab_job(l, "update", &read_damage, NULL);
    plan_lab_job(l, "update", &hear, NULL);
    plan_lab_job(l, "update", &all_hits, NULL);
    plan_lab_job(l, "late", &kill, NULL);
    plan_lab_job(l, "late", &hurt_more, NULL);
    assert_int_equal(skep_plan_build(l->plan), SKEP_PLAN); /* hurt_more twice */
    assert_int_equal(skep_plan_remove(l->plan, "hurt_more"), SKEP_OK);
    plan_lab_job(l, "late", &tag, NULL);
    plan_lab_job(l, "late", &no_enemy, NULL);
    build(l);
    assert_int_equal(batch_of(l, "hurt_all"), 1);
    assert_int_equal(batch_of(l, "hurt_more"), 1);
    assert_int_equal(batch_of(l, "read_damage"), 2);
    assert_int_equal(batch_of(l, "hear"), 2);
    assert_int_equal(batch_of(l, "all_hits"), 2);
    assert_int_equal(batch_of(l, "kill"), 3);
    assert_int_equal(batch_of(l, "tag"), 4); /* reads rows that kill may end */
    assert_int_equal(batch_of(l, "no_enemy"), 5);
    lab_end(l);
}

static void rights_wait_for_readers_before_them(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "update", &read_damage, NULL);
    plan_lab_job(l, "update", &hurt_more, NULL);
    plan_lab_job(l, "update", &all_hits, NULL);
    plan_lab_job(l, "update", &hurt_all, NULL);
    build(l);
    assert_int_equal(batch_of(l, "read_damage"), 1);
    assert_int_equal(batch_of(l, "all_hits"), 1);
    assert_int_equal(batch_of(l, "hurt_more"), 2);
    assert_int_equal(batch_of(l, "hurt_all"), 2);
    lab_end(l);
}

static void spawning_waits_for_readers_of_what_is_spawned(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    const Pos at = {1, 2};
    const skep_part parts[] = {SKEP_PART(Pos, &at), SKEP_PART_OF(Enemy)};
    assert_int_equal(skep_world_prefab_define(l->world, &Bullet_info, parts, 2), SKEP_OK);
    plan_lab_job(l, "update", &shoot, NULL);
    plan_lab_job(l, "update", &read_vel, NULL);
    plan_lab_job(l, "update", &read_pos, NULL);
    plan_lab_job(l, "update", &no_enemy, NULL);
    build(l);
    assert_int_equal(batch_of(l, "shoot"), 1);
    assert_int_equal(batch_of(l, "read_vel"), 1);
    assert_int_equal(batch_of(l, "read_pos"), 2);
    assert_int_equal(batch_of(l, "no_enemy"), 2);
    lab_end(l);
}

static void resources_and_stages_order(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "late", &read_pos, NULL);
    plan_lab_job(l, "update", &rules, NULL);
    plan_lab_job(l, "update", &sum_rules, NULL);
    plan_lab_job(l, "input", &read_vel, NULL);
    build(l);
    assert_int_equal(batch_of(l, "read_vel"), 1);
    assert_int_equal(batch_of(l, "rules"), 2);
    assert_int_equal(batch_of(l, "sum_rules"), 3);
    assert_int_equal(batch_of(l, "read_pos"), 4);
    assert_int_equal(skep_plan_batch_count(l->plan), 4);
    lab_end(l);
}

static void own_stages_replace_the_usual(void **state)
{
    (void)state;
    static const char *const stages[] = {"first", "second"};
    skep_plan_desc d = skep_plan_desc_default();
    d.stages = stages;
    d.stage_count = 2;
    plan_lab *l = malloc(sizeof *l);
    assert_non_null(l);
    plan_lab_open(l, 64, &d);
    plan_lab_job(l, "second", &read_pos, NULL);
    plan_lab_job(l, "first", &read_vel, NULL);
    build(l);
    assert_string_equal(skep_plan_system_at(l->plan, 0), "read_vel");
    lab_end(l);
}

static void declared_runs_conflict_by_what_they_declare(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    const skep_access uses[] = {{&Vel_info, SKEP_MODE_mut, 0}, {&Rules_info, SKEP_MODE_res_mut, 0}};
    skep_system_desc d = skep_system_desc_default();
    d.name = "steer";
    d.run = nothing;
    d.access = uses;
    d.access_count = 2;
    plan_lab_add(l, &d);
    plan_lab_job(l, "update", &read_pos, NULL);
    plan_lab_job(l, "update", &read_vel, NULL);
    plan_lab_job(l, "update", &rules, NULL);
    build(l);
    assert_int_equal(batch_of(l, "steer"), 1);
    assert_int_equal(batch_of(l, "read_pos"), 1);
    assert_int_equal(batch_of(l, "read_vel"), 2);
    assert_int_equal(batch_of(l, "rules"), 2);
    lab_end(l);
}

/* ---- mistakes ------------------------------------------------------------------------------- */

static void cycles_name_their_systems(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "update", &read_pos, "read_vel");
    plan_lab_job(l, "update", &write_pos, "read_pos");
    plan_lab_job(l, "update", &read_vel, "write_pos");
    plan_lab_job(l, "update", &write_age, "read_vel");
    plan_lab_job(l, "late", &rules, "rules");
    assert_string_equal(
        plan_lab_mistakes(l, "x"),
        "x: 2 mistakes, nothing was run\n"
        "  systems \"write_pos\", \"read_vel\", \"read_pos\": each is to run before the "
        "next, and the last before the first: a cycle\n"
        "  systems \"rules\": each is to run before the next, and the last before the "
        "first: a cycle\n");
    lab_end(l);
}

static void after_a_later_stage_is_a_mistake(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "update", &read_pos, "rules");
    plan_lab_job(l, "render", &rules, NULL);
    assert_string_equal(
        plan_lab_mistakes(l, "x"),
        "x: 1 mistake, nothing was run\n"
        "  system \"read_pos\": after \"rules\": stage \"render\" comes after stage "
        "\"update\"\n");
    lab_end(l);
}

IDLE_JOB(flock, (in, Vel, old), (mut, Vel, vel))
IDLE_JOB(fine, (in, Vel, old), (out, Vel, vel))
IDLE_JOB(both, (mut, Vel, a), (out, Vel, b))
IDLE_JOB(twice, (in, Vel, a), (in, Vel, b))
IDLE_JOB(never, (in, Vel, a), (not, Vel, b))
IDLE_JOB(split, (in, Vel, a), (res_mut, Rules, rules))
IDLE_JOB(folds, (in, Vel, a), (fold, Stats, stats))
IDLE_JOB(sums, (in, Vel, a), (sum, Stats, stats))
IDLE_JOB(sum_max, (in, Vel, a), (sum, Rules, s), (max, Rules, m))
IDLE_JOB(rowless, (res, Rules, rules), (spawn, Entity, any))

static void access_mistakes_are_told_at_once(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "update", &flock, NULL);
    plan_lab_job(l, "update", &fine, NULL);
    plan_lab_job(l, "update", &both, NULL);
    plan_lab_job(l, "update", &twice, NULL);
    plan_lab_job(l, "update", &never, NULL);
    plan_lab_job(l, "update", &split, NULL);
    plan_lab_job(l, "update", &folds, NULL);
    plan_lab_job(l, "update", &sums, NULL);
    plan_lab_job(l, "update", &sum_max, NULL);
    plan_lab_job(l, "update", &rowless, NULL);
    plan_lab_job(l, "update", &shoot, NULL);
    plan_lab_job(l, "update", &shoot_rocket, NULL);
    assert_int_equal(skep_world_prefab_define(l->world, &Rocket_info, NULL, 0), SKEP_OK);
    assert_string_equal(
        plan_lab_mistakes(l, "bees.so"),
        "bees.so: 10 mistakes, nothing was run\n"
        "  system \"flock\": Vel is both `in` and `mut`; `mut` already holds the old values\n"
        "  system \"both\": Vel is both `mut` and `out`; it can be one of them\n"
        "  system \"twice\": Vel is `in` twice\n"
        "  system \"never\": Vel is both `in` and `not`; no entity is both\n"
        "  system \"split\": `res_mut` of Rules needs SKEP_JOB_UNSPLIT, or a reduction: blocks run "
        "at "
        "the same time\n"
        "  system \"folds\": `fold` of Stats needs a fold function\n"
        "  system \"sums\": `sum` of Stats: its field \"best\" is no number\n"
        "  system \"sum_max\": Rules is both `sum` and `max`; it can be written once\n"
        "  system \"rowless\": spawns Entity without rows: say how many by spawn_max\n"
        "  system \"shoot\": spawns Bullet: there is no such prefab\n");
    lab_end(l);
}

static void wrong_kinds_are_named(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    static const skep_access uses[] = {{&Hit_info, SKEP_MODE_in, 0},
                                       {&Pos_info, SKEP_MODE_inbox, 0},
                                       {&Pos_info, SKEP_MODE_spawn, 0},
                                       {&Rules_info, SKEP_MODE_lookup, 0},
                                       {&Vel_info, 99, 0}};
    skep_system_desc d = skep_system_desc_default();
    d.name = "odd";
    d.run = nothing;
    d.access = uses;
    d.access_count = 5;
    plan_lab_add(l, &d);
    assert_string_equal(plan_lab_mistakes(l, "x"),
                        "x: 5 mistakes, nothing was run\n"
                        "  system \"odd\": Hit is an event; `in` wants a component\n"
                        "  system \"odd\": Pos is a component; `inbox` wants an event\n"
                        "  system \"odd\": Pos is a component; `spawn` wants a prefab\n"
                        "  system \"odd\": Rules is a resource; `lookup` wants a component\n"
                        "  system \"odd\": Vel: 99 is no access mode\n");
    lab_end(l);
}

static void too_many_and_too_long(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    skep_access uses[SKEP_ACCESS_MAX + 1];
    for (uint32_t i = 0; i <= SKEP_ACCESS_MAX; i++) {
        uses[i] = (skep_access){&Pos_info, SKEP_MODE_lookup, 0};
    }
    skep_system_desc d = skep_system_desc_default();
    d.name = "greedy";
    d.run = nothing;
    d.access = uses;
    d.access_count = SKEP_ACCESS_MAX + 1;
    plan_lab_add(l, &d);
    d.access = NULL;
    d.name = "a name that is a good deal longer than any system's name may ever be";
    plan_lab_add(l, &d);
    const char *text = plan_lab_mistakes(l, "x");
    assert_non_null(strstr(text, "system \"greedy\": 25 access entries; at most 24 are allowed\n"));
    assert_non_null(strstr(text, "the name is longer than 63 bytes\n"));
    lab_end(l);
}

static const skep_field other_fields[] = {{"x", SKEP_TYPE_f64, 8, 1, 0}};
static const skep_component other_pos = {"Pos", other_fields, 1, 8, 8, SKEP_KIND_COMPONENT};

static void another_layout_is_a_mistake(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "update", &read_pos, NULL);
    const skep_access uses[] = {{&other_pos, SKEP_MODE_in, 0}};
    skep_system_desc d = skep_system_desc_default();
    d.name = "other";
    d.run = nothing;
    d.access = uses;
    d.access_count = 1;
    plan_lab_add(l, &d);
    assert_string_equal(plan_lab_mistakes(l, "x"),
                        "x: 1 mistake, nothing was run\n"
                        "  system \"other\": Pos is known with another layout\n");
    lab_end(l);
}

static void bad_descriptions_are_refused(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    skep_system_desc d = skep_system_desc_default();
    assert_int_equal(skep_plan_add(l->plan, &d), SKEP_ARGUMENT); /* neither job nor run */
    d.run = nothing;
    assert_int_equal(skep_plan_add(l->plan, &d), SKEP_ARGUMENT); /* no name */
    d.name = "x";
    d.canary = 0;
    assert_int_equal(skep_plan_add(l->plan, &d), SKEP_ARGUMENT);
    skep_plan_desc p = skep_plan_desc_default();
    skep_plan *plan = NULL;
    p.fault_max = 9;
    assert_int_equal(skep_plan_create(l->world, &p, &plan), SKEP_ARGUMENT);
    assert_null(plan);
    lab_end(l);
}

/* ---- explain ----------------------------------------------------------------------------------
 */

static void explains_the_whole_plan(void **state)
{
    (void)state;
    plan_lab *l = lab_new();
    plan_lab_job(l, "update", &write_pos, NULL);
    plan_lab_job(l, "update", &look_pos, NULL);
    plan_lab_job(l, "update", &hurt_more, NULL);
    plan_lab_run(l, "render", "draw", nothing, NULL);
    assert_string_equal(plan_lab_explain(l, NULL), "4 systems in 4 batches\n"
                                                   "batch 1, stage update\n"
                                                   "  write_pos writes Pos\n"
                                                   "batch 2, stage update\n"
                                                   "  look_pos  looks Pos up, writes Age\n"
                                                   "batch 3, stage update\n"
                                                   "  hurt_more reads Age, adds Damage\n"
                                                   "batch 4, stage render\n"
                                                   "  draw      main thread, uses anything\n");
    assert_string_equal(plan_lab_explain(l, "drow"),
                        "system \"drow\": there is no such system (did you mean \"draw\"?)\n");
    lab_end(l);
}

IDLE_JOB(strike, (in, Pos, pos), (lookup, Pos, any), (add, Damage, damage), (emit, Hit, hit))
IDLE_JOB(score, (in, Age, age), (emit, Hit, hit), (add, Damage, damage))

static void fill_rows(plan_lab *l, uint32_t n)
{
    const skep_part parts[] = {SKEP_PART_OF(Pos), SKEP_PART_OF(Age)};
    assert_int_equal(skep_world_prefab_define(l->world, &Rocket_info, parts, 2), SKEP_OK);
    assert_int_equal(skep_world_spawn_many(l->world, &Rocket_info, n, NULL, 0, NULL), SKEP_OK);
}

static void explains_why_one_system_waits(void **state)
{
    (void)state;
    plan_lab *l = malloc(sizeof *l);
    assert_non_null(l);
    plan_lab_open(l, 20000, NULL);
    fill_rows(l, 12 * 1024);
    plan_lab_job(l, "update", &write_pos, NULL);
    plan_lab_job(l, "update", &strike, NULL);
    plan_lab_job(l, "update", &score, "write_pos");
    plan_lab_job(l, "update", &hurt_more, "write_pos");
    plan_lab_job(l, "update", &rules, "write_pos");
    l->host.workers = 2;
    l->host.wake_ns = 3000;
    l->duration_ns = 200;
    plan_lab_frame(l, 1);
    assert_string_equal(
        plan_lab_explain(l, "strike"),
        "strike   stage update, batch 2 of 2, 12 blocks, parallel over blocks: yes\n"
        "  waits for   write_pos (batch 1) because write_pos writes Pos, strike reads Pos\n"
        "  beside      score (both only add and emit); hurt_more (both only add); rules (nothing "
        "in "
        "common)\n"
        "  blocks copied: 0 a frame (Pos is not written while looked up)\n"
        "  runs on     the caller: 12 blocks x 0.2 us is less than a wake-up (3 us); --grain 0 "
        "forces "
        "workers\n");
    assert_string_equal(
        plan_lab_explain(l, "write_pos"),
        "write_pos   stage update, batch 1 of 2, 12 blocks, parallel over blocks: yes\n"
        "  waits for   nothing\n"
        "  beside      nothing\n"
        "  blocks copied: 0 a frame (written in place)\n"
        "  runs on     the caller: 12 blocks x 0.2 us is less than a wake-up (3 us); --grain 0 "
        "forces "
        "workers\n");
    lab_end(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s1_reader_follows_what_it_depends_on),
        cmocka_unit_test(s2_after_without_shared_data_counts),
        cmocka_unit_test(s3_before_a_writer_is_no_cycle),
        cmocka_unit_test(s4_unknown_after_is_named),
        cmocka_unit_test(s5_two_systems_of_one_name_are_a_mistake),
        cmocka_unit_test(s6_unknown_stage_is_named),
        cmocka_unit_test(s7_systems_added_later_are_planned),
        cmocka_unit_test(s9_jobs_are_part_of_the_conflicts),
        cmocka_unit_test(d3_two_writers_never_share_a_batch),
        cmocka_unit_test(rights_wait_for_readers_only),
        cmocka_unit_test(rights_wait_for_readers_before_them),
        cmocka_unit_test(spawning_waits_for_readers_of_what_is_spawned),
        cmocka_unit_test(resources_and_stages_order),
        cmocka_unit_test(own_stages_replace_the_usual),
        cmocka_unit_test(declared_runs_conflict_by_what_they_declare),
        cmocka_unit_test(cycles_name_their_systems),
        cmocka_unit_test(after_a_later_stage_is_a_mistake),
        cmocka_unit_test(access_mistakes_are_told_at_once),
        cmocka_unit_test(wrong_kinds_are_named),
        cmocka_unit_test(too_many_and_too_long),
        cmocka_unit_test(another_layout_is_a_mistake),
        cmocka_unit_test(bad_descriptions_are_refused),
        cmocka_unit_test(explains_the_whole_plan),
        cmocka_unit_test(explains_why_one_system_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
