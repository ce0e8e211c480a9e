/* SPDX-License-Identifier: MIT */
/* The zoo's components and systems; see zoo.h. Animals move, eat, hit and are hit, have young, grow
 * old and die; watchers sum all of that up. */
#include "zoo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(ZooPos, (f32, x), (f32, y));
SKEP_COMPONENT(ZooVel, (f32, x), (f32, y));
SKEP_COMPONENT(ZooAge, (u32, frames));
SKEP_COMPONENT(ZooHp, (f32, hp), (i32, rank));
SKEP_COMPONENT(ZooFoe, (entity, id));
SKEP_COMPONENT(ZooWide, (f32, m, 16), (bool, odd));
SKEP_COMPONENT(ZooScar, (f32, depth));
SKEP_TAG(ZooTired);
SKEP_EVENT(ZooHit, (f32, amount), (entity, by));
SKEP_EVENT(ZooNote, (u32, what));
SKEP_INPUT(ZooSteer, (f32, turn), (u32, who));
SKEP_RESOURCE(ZooRules, (f32, drag), (u32, limit));
SKEP_RESOURCE(ZooSum, (u64, count), (f32, energy));
SKEP_RESOURCE(ZooLeast, (i32, rank));
SKEP_RESOURCE(ZooMost, (i32, rank));
SKEP_RESOURCE(ZooHeard, (u32, hits), (u32, changed));
SKEP_RESOURCE(ZooFold, (u32, blocks), (u64, mixed));
SKEP_RESOURCE(ZooLog, (u64, steers), (u64, notes));
SKEP_PREFAB(ZooYoung);

SKEP_JOB(zoo_move, (mut, ZooPos, pos), (in, ZooVel, vel), (res, ZooRules, rules),
         (not, ZooTired, t))
{
    SKEP_ROWS (i, task) {
        c->pos.x[i] = c->pos.x[i] * c->rules->drag + c->vel.x[i] * task->dt;
        c->pos.y[i] = c->pos.y[i] * c->rules->drag + c->vel.y[i] * task->dt;
    }
}

SKEP_JOB(zoo_turn, (in, ZooVel, old), (out, ZooVel, vel), (inbox, ZooSteer, steer))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->vel.x[i] = -c->old.y[i] + skep_rand_f32(task, task->entity[i], 0);
        c->vel.y[i] = c->old.x[i];
        for (uint32_t k = c->steer.begin[i]; k < c->steer.begin[i + 1]; k++) {
            c->vel.x[i] += c->steer.turn[k] * (float)(c->steer.who[k] + 1);
        }
    }
}

SKEP_JOB(zoo_hit, (in, ZooFoe, foe), (lookup, ZooPos, any), (emit, ZooHit, hit),
         (add, ZooScar, scar), (remove, ZooTired, tired), (opt, ZooHp, hp))
{
    for (uint32_t i = 0; i < task->n; i++) {
        ZooPos at;
        if (!ZooPos_get(&c->any, c->foe.id[i], &at)) continue;
        const float power = c->hp.hp ? c->hp.hp[i] : 1.0f;
        if (skep_rand_u32(task, task->entity[i], 1, 4) == 0) {
            ZooHit_send(task, c->hit, c->foe.id[i],
                        SKEP_LIT(ZooHit, power + at.x, task->entity[i]));
            ZooScar_put(task, c->scar, c->foe.id[i], SKEP_LIT(ZooScar, at.y));
            ZooTired_drop(task, c->tired, task->entity[i]);
        }
    }
}

SKEP_JOB(zoo_hurt, (mut, ZooHp, hp), (inbox, ZooHit, hit), (destroy, Entity, any),
         (emit, ZooNote, note))
{
    for (uint32_t i = 0; i < task->n; i++) {
        for (uint32_t k = c->hit.begin[i]; k < c->hit.begin[i + 1]; k++) {
            c->hp.hp[i] -= c->hit.amount[k] < 3 ? 1.0f : 2.0f;
            c->hp.rank[i]--;
        }
        if (c->hp.hp[i] > 0.0f) continue;
        skep_destroy(task, c->any, task->entity[i]);
        ZooNote_send(task, c->note, skep_entity_null(), SKEP_LIT(ZooNote, i));
    }
}

SKEP_JOB_WITH(zoo_breed, 0, 6, (mut, ZooAge, age), (with, ZooPos, p), (in, ZooPos, pos),
              (spawn, ZooYoung, young))
{
    uint32_t born = 0;
    for (uint32_t i = 0; i < task->n; i++) {
        c->age.frames[i]++;
        if (born == 6 || skep_rand_u32(task, task->entity[i], 2, 50) != 0) continue;
        const skep_entity e = ZooYoung_new(task, c->young);
        ZooPos_init(task, e, SKEP_LIT(ZooPos, c->pos.x[i], c->pos.y[i]));
        if (born & 1u) ZooFoe_init(task, e, SKEP_LIT(ZooFoe, task->entity[i]));
        born++;
    }
}

SKEP_JOB(zoo_rest, (in, ZooAge, age), (not, ZooTired, no), (add, ZooTired, tired),
         (destroy, Entity, any))
{
    for (uint32_t i = 0; i < task->n; i++) {
        if (skep_rand_u32(task, task->entity[i], 0, 20) == 0)
            ZooTired_put(task, c->tired, task->entity[i]);
        if (c->age.frames[i] > 40) skep_destroy(task, c->any, task->entity[i]);
    }
}

SKEP_JOB(zoo_wide, (mut, ZooWide, wide), (in, ZooPos, pos))
{
    for (uint32_t i = 0; i < task->n; i++) {
        for (uint32_t k = 0; k < 16; k++) c->wide.m[i * 16 + k] += c->pos.x[i] * (float)k;
        c->wide.odd[i] = !c->wide.odd[i];
    }
}

SKEP_JOB(zoo_sum, (in, ZooPos, pos), (opt, ZooHp, hp), (sum, ZooSum, sum), (min, ZooLeast, least),
         (max, ZooMost, most), (fold, ZooFold, fold))
{
    c->fold->blocks++;
    c->fold->mixed += task->block * 31u + task->n;
    for (uint32_t i = 0; i < task->n; i++) {
        c->sum->count++;
        c->sum->energy += c->pos.x[i] * 0.1f + c->pos.y[i];
        if (!c->hp.rank) continue;
        if (c->hp.rank[i] < c->least->rank) c->least->rank = c->hp.rank[i];
        if (c->hp.rank[i] > c->most->rank) c->most->rank = c->hp.rank[i];
    }
}

SKEP_JOB(zoo_watch, (changed, ZooHp, changed), (in, ZooHp, hp), (inbox, ZooHit, hit),
         (sum, ZooHeard, sum))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->sum->changed += ZooHp_changed_at(&c->changed, i);
        c->sum->hits += c->hit.begin[i + 1] - c->hit.begin[i];
    }
}

SKEP_JOB_WITH(zoo_log, SKEP_JOB_UNSPLIT, 0, (events, ZooSteer, steer), (events, ZooNote, note),
              (res_mut, ZooLog, log))
{
    for (uint32_t k = 0; k < c->steer.count; k++) {
        c->log->steers = c->log->steers * 31u + c->steer.who[k] + c->steer.to[k].bits;
    }
    c->log->notes += c->note.count;
    (void)task;
}

SKEP_JOB_WITH(zoo_heal, SKEP_JOB_MAY_FAIL, 0, (mut, ZooScar, scar))
{
    for (uint32_t i = 0; i < task->n; i++) c->scar.depth[i] *= 0.5f;
}

const char *const zoo_jobs[ZOO_JOBS] = {"zoo_move",  "zoo_turn", "zoo_hit",  "zoo_hurt",
                                        "zoo_breed", "zoo_rest", "zoo_wide", "zoo_sum",
                                        "zoo_watch", "zoo_log",  "zoo_heal"};

/* ---- main-thread systems ----------------------------------------------------------------------
 */

static void fold_mix(const skep_component *resource, void *into, const void *value)
{
    ZooFold *to = into;
    const ZooFold *from = value;
    assert_string_equal(resource->name, "ZooFold");
    to->blocks += from->blocks;
    to->mixed = to->mixed * 1099511628211u + from->mixed;
}

static skep_status keeper_rules(void *ctx, skep_world *world, float dt)
{
    ZooRules *rules = ZooRules_write(world);
    (void)ctx;
    if (!rules) return SKEP_NO_MEMORY;
    rules->drag = 0.99f - dt * 0.001f;
    rules->limit++;
    return SKEP_OK;
}

/* Brings a few new animals, sees them at once, takes some away again, and writes to what is there.
 */
static skep_status keeper_care(void *ctx, skep_world *world, float dt)
{
    skep_entity made[3];
    (void)ctx;
    (void)dt;
    for (uint32_t i = 0; i < 3; i++) {
        if (skep_world_spawn(world, &ZooYoung_info, NULL, 0, &made[i]) != SKEP_OK)
            return SKEP_FAULT;
        if (!skep_entity_alive(world, made[i])) return SKEP_FAULT;
        if (ZooFoe_attach(world, made[i], SKEP_LIT(ZooFoe, made[0])) != SKEP_OK) return SKEP_FAULT;
    }
    if (skep_entity_destroy(world, made[1]) != SKEP_OK) return SKEP_FAULT;
    if (skep_entity_alive(world, made[1])) return SKEP_FAULT;
    return SKEP_OK;
}

static skep_status keeper_nothing(void *ctx, skep_world *world, float dt)
{
    (void)ctx;
    (void)world;
    (void)dt;
    return SKEP_OK;
}

/* ---- putting it together -----------------------------------------------------------------------
 */

static void zoo_job(plan_lab *l, const char *stage, const skep_job *job, bool fallback)
{
    skep_system_desc d = skep_system_desc_default();
    d.stage = stage;
    d.job = job;
    d.run = fallback ? keeper_nothing : NULL;
    d.fold = fold_mix;
    plan_lab_add(l, &d);
}

void zoo_systems(plan_lab *l, bool fallbacks)
{
    static const skep_access rules[] = {{&ZooRules_info, SKEP_MODE_res_mut, 0}};
    skep_system_desc d = skep_system_desc_default();
    d.name = "keeper_rules";
    d.run = keeper_rules;
    d.stage = "input";
    d.access = rules;
    d.access_count = 1;
    plan_lab_add(l, &d);
    zoo_job(l, "input", &zoo_turn, fallbacks);
    zoo_job(l, "update", &zoo_move, false);
    zoo_job(l, "update", &zoo_hit, fallbacks);
    zoo_job(l, "update", &zoo_hurt, false);
    zoo_job(l, "update", &zoo_breed, fallbacks);
    zoo_job(l, "update", &zoo_rest, false);
    zoo_job(l, "update", &zoo_wide, fallbacks);
    zoo_job(l, "late", &zoo_heal, false);
    zoo_job(l, "late", &zoo_sum, fallbacks);
    zoo_job(l, "late", &zoo_watch, false);
    zoo_job(l, "late", &zoo_log, fallbacks);
    plan_lab_run(l, "cleanup", "keeper_care", keeper_care, NULL);
}

static uint64_t zoo_random(uint64_t *seed)
{
    *seed += 0x9E3779B97F4A7C15u;
    uint64_t x = *seed;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static skep_entity zoo_animal(plan_lab *l, uint64_t *seed, skep_entity foe)
{
    const uint64_t kind = zoo_random(seed);
    const float x = (float)(zoo_random(seed) % 1000u) * 0.01f;
    skep_entity e;
    assert_int_equal(skep_entity_create(l->world, &e), SKEP_OK);
    assert_int_equal(ZooPos_attach(l->world, e, SKEP_LIT(ZooPos, x, -x)), SKEP_OK);
    assert_int_equal(ZooVel_attach(l->world, e, SKEP_LIT(ZooVel, 1.0f - x, 0.5f)), SKEP_OK);
    if (kind % 4u)
        assert_int_equal(ZooAge_attach(l->world, e, SKEP_LIT(ZooAge, (uint32_t)(kind % 20u))),
                         SKEP_OK);
    if (kind % 3u) {
        const int32_t rank = (int32_t)(kind % 100u) - 50;
        assert_int_equal(ZooHp_attach(l->world, e, SKEP_LIT(ZooHp, 2.0f + x, rank)), SKEP_OK);
    }
    if (kind % 5u == 0) {
        const ZooWide wide = {{x, 1.0f}, true};
        assert_int_equal(ZooWide_attach(l->world, e, wide), SKEP_OK);
    }
    if (kind % 2u) assert_int_equal(ZooFoe_attach(l->world, e, SKEP_LIT(ZooFoe, foe)), SKEP_OK);
    if (kind % 64u == 0) {
        assert_int_equal(skep_world_add(l->world, e, &ZooTired_info, NULL), SKEP_OK);
    }
    return e;
}

void zoo_fill(plan_lab *l, uint32_t n, uint64_t seed)
{
    const ZooHp hp = {3.0f, 7};
    const skep_part parts[] = {SKEP_PART_OF(ZooPos), SKEP_PART_OF(ZooAge), SKEP_PART(ZooHp, &hp)};
    assert_int_equal(skep_world_prefab_define(l->world, &ZooYoung_info, parts, 3), SKEP_OK);
    assert_int_equal(ZooRules_set(l->world, SKEP_LIT(ZooRules, 0.98f, 0)), SKEP_OK);
    skep_entity foe = skep_entity_null();
    for (uint32_t i = 0; i < n; i++) {
        const skep_entity e = zoo_animal(l, &seed, foe);
        if (i % 3u == 0) foe = e;
    }
}

void zoo_disturb(plan_lab *l, uint64_t seed)
{
    const skep_entity e = skep_entity_make((uint32_t)(zoo_random(&seed) % 64u), 1);
    for (uint32_t i = 0; i < 4; i++) {
        const uint32_t source = (uint32_t)(zoo_random(&seed) % 3u);
        const ZooSteer steer = {(float)i, source};
        assert_int_equal(ZooSteer_post(l->world, source, 10 - i, i ? e : skep_entity_null(), steer),
                         SKEP_OK);
    }
    if (skep_entity_alive(l->world, e)) {
        assert_int_equal(ZooHp_attach(l->world, e, SKEP_LIT(ZooHp, 9.0f, 50)), SKEP_OK);
    }
    assert_int_equal(ZooNote_post(l->world, skep_entity_null(), SKEP_LIT(ZooNote, 1)), SKEP_OK);
}

void zoo_read(plan_lab *l, zoo_totals *totals)
{
    memset(totals, 0, sizeof *totals);
    const ZooSum *sum = ZooSum_read(l->world);
    const ZooLeast *least = ZooLeast_read(l->world);
    const ZooMost *most = ZooMost_read(l->world);
    const ZooHeard *heard = ZooHeard_read(l->world);
    const ZooFold *fold = ZooFold_read(l->world);
    const ZooLog *log = ZooLog_read(l->world);
    if (sum) totals->count = sum->count;
    if (sum) totals->energy = sum->energy;
    if (least) totals->least = least->rank;
    if (most) totals->most = most->rank;
    if (heard) totals->heard = heard->hits;
    if (heard) totals->changed = heard->changed;
    if (fold) totals->folds = fold->blocks;
    if (fold) totals->fold = fold->mixed;
    if (log) totals->steers = log->steers;
}
