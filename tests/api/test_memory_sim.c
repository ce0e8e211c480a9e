/* SPDX-License-Identifier: MIT */
/* ctest: timeout=900
 * Every allocation in turn fails once, over a life of a simulation with all that lies around its
 * frames: a plan that is changed, explained and replayed, a loop with rewinding, a recording that
 * is saved and played, saving and loading, a difference. Each step says that there was no memory,
 * leaves a sound world, and succeeds when it is asked again; nothing leaks. test_sim_memory and
 * test_frame_memory have the frames themselves. */
#include "api/log_lines.h"
#include "skep/recovery.h"
#include "skep/sim.h"
#include "support/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Mark, (u32, n));
SKEP_EVENT(Note, (u32, n));
SKEP_INPUT(Key, (u32, code));
SKEP_RESOURCE(Sum, (f32, x));
SKEP_TAG(Hot);

SKEP_JOB(drift, (mut, Pos, pos), (sum, Sum, sum), (inbox, Key, key), (emit, Note, note))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->pos.x[i] += task->dt + (float)(c->key.begin[i + 1] - c->key.begin[i]);
        c->sum->x += c->pos.x[i];
        if (i % 100 == 0) Note_send(task, c->note, task->entity[i], SKEP_LIT(Note, i));
    }
}

SKEP_JOB(mark, (in, Pos, pos), (inbox, Note, note), (add, Mark, mark))
{
    for (uint32_t i = 0; i < task->n; i++)
        if (c->note.begin[i + 1] > c->note.begin[i])
            Mark_put(task, c->mark, task->entity[i], SKEP_LIT(Mark, (uint32_t)c->pos.x[i]));
}

SKEP_JOB(late_comer, (changed, Mark, mark), (mut, Mark, again), (add, Hot, hot))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->again.n[i]++;
        if (Mark_changed_at(&c->mark, i)) Hot_put(task, c->hot, task->entity[i]);
    }
}

SKEP_SCENE(quiet, "A bit of everything")
{
    Pos_mut pos;
    const uint32_t n = skep_param_u32(b, "entities", 1500, "how many");
    skep_resource(b, SKEP_WITH(Sum, 0.0f));
    skep_add(b, "update", &drift);
    skep_add_when(b, "late", &mark)->after = "drift";
    skep_create_many(b, n, Pos_columns(&pos));
    for (uint32_t i = 0; i < n; i++) pos.x[i] = skep_init_rand(b);
}

/* ---- the life ---------------------------------------------------------------------------------
 */

typedef struct life {
    test_region memory;
    log_lines lines;
    skep_sim *sim;
    skep_loop *loop;
    skep_snapshot *before;
    skep_snapshot *after;
    char save[64];
    char record[64];
    uint64_t frames_hash;
    size_t explained;
} life;

typedef skep_status life_step(life *l);

static skep_status life_open(life *l)
{
    static const char *const params[] = {"entities=1400"};
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = 0;
    d.entity_max = 20000;
    d.params = params;
    d.param_count = 1;
    d.region = &l->memory.region;
    d.allocator = l->memory.allocator;
    d.log = log_lines_open(&l->lines);
    return skep_sim_open(&skep_scene_quiet, &d, &l->sim);
}

static skep_status life_frame(life *l)
{
    return skep_sim_step(l->sim, 0.1f);
}

static skep_status life_input(life *l)
{
    return Key_post(skep_sim_world(l->sim), 1, 1, skep_entity_make(5, 1), SKEP_LIT(Key, 7));
}

static skep_status life_snapshot(life *l)
{
    return skep_snapshot_take(skep_sim_world(l->sim), l->before ? &l->after : &l->before);
}

static skep_status life_add(life *l)
{
    skep_system_desc d = skep_system_desc_default();
    d.job = &late_comer;
    d.stage = "render";
    d.after[0] = "mark";
    return skep_plan_add(skep_sim_plan(l->sim), &d);
}

static skep_status life_build(life *l)
{
    return skep_plan_build(skep_sim_plan(l->sim));
}

static void count_text(void *ctx, const char *text)
{
    life *l = ctx;
    l->explained += strlen(text);
}

static skep_status life_explain(life *l)
{
    l->explained = 0;
    const skep_status status =
        skep_plan_explain(skep_sim_plan(l->sim), "late_comer", count_text, l);
    assert_true(status != SKEP_OK || l->explained > 50);
    return status;
}

static skep_status life_loop(life *l)
{
    skep_loop_desc d = skep_loop_desc_default();
    d.rewind_max = 3;
    return skep_loop_create(l->sim, &d, &l->loop);
}

static skep_status life_loop_step(life *l)
{
    return skep_loop_step(l->loop);
}

/* A frame that ended early is no frame to go back to. */
static skep_status life_rewind(life *l)
{
    const uint32_t frames = skep_loop_rewindable(l->loop);
    assert_true(frames >= 1);
    return skep_loop_rewind(l->loop, frames < 2 ? frames : 2);
}

static skep_status life_record(life *l)
{
    return skep_sim_record(l->sim, 1);
}

static skep_status life_record_save(life *l)
{
    return skep_sim_record_save(l->sim, l->record);
}

/* A recording that ran out of memory holds what came before. */
static skep_status life_replay(life *l)
{
    skep_replay_report report;
    memset(&report, 0, sizeof report);
    const skep_status status = skep_sim_replay(l->sim, l->record, &report);
    if (status != SKEP_OK) return status;
    assert_true(report.frames == 2 || l->memory.failed > 0);
    assert_true(report.hashes == report.frames || l->memory.failed > 0);
    assert_true(report.differs == UINT64_MAX || l->memory.failed > 0);
    return SKEP_OK;
}

static skep_status life_save(life *l)
{
    return skep_sim_save(l->sim, l->save);
}

static skep_status life_load(life *l)
{
    return skep_sim_load(l->sim, l->save);
}

static skep_status life_faults(life *l)
{
    skep_fault fault;
    memset(&fault, 0, sizeof fault);
    fault.frame = skep_world_tick(skep_sim_world(l->sim));
    fault.action = SKEP_FAULT_SKIPPED;
    fault.status = SKEP_FAULT;
    strcpy(fault.system, "drift");
    strcpy(fault.cause, "recorded");
    return skep_plan_replay(skep_sim_plan(l->sim), &fault, 1);
}

static bool count_items(void *ctx, const skep_diff_item *item)
{
    uint32_t *count = ctx;
    *count += item->count;
    return true;
}

static skep_status life_diff(life *l)
{
    uint32_t count = 0;
    const skep_status status = skep_diff(l->before, l->after, count_items, &count);
    assert_true(status != SKEP_OK || count >= 1400);
    return status;
}

static life_step *const steps[] = {
    life_open,      life_frame,     life_input,     life_frame,  life_snapshot,  life_frame,
    life_snapshot,  life_diff,      life_add,       life_build,  life_explain,   life_frame,
    life_loop,      life_loop_step, life_loop_step, life_input,  life_loop_step, life_rewind,
    life_loop_step, life_record,    life_frame,     life_input,  life_frame,     life_record_save,
    life_save,      life_frame,     life_load,      life_replay, life_faults,    life_frame,
    life_frame,     life_save,
};
#define STEPS (sizeof steps / sizeof steps[0])

static void life_step_again(life *l, size_t step, skep_status status, uint64_t fail_at)
{
    l->memory.fail_at = 0;
    /* A scene's mistakes are told at once, and lack of memory may be one of them. */
    const bool told = step == 0 && status == SKEP_PLAN && log_lines_have(&l->lines, "memory");
    if (status != SKEP_NO_MEMORY && !told)
        fail_msg("step %zu, allocation %llu: status %d", step, (unsigned long long)fail_at,
                 (int)status);
    if (l->sim && skep_world_check(skep_sim_world(l->sim)) != SKEP_OK)
        fail_msg("step %zu, allocation %llu: %s", step, (unsigned long long)fail_at,
                 skep_world_error(skep_sim_world(l->sim)));
    status = steps[step](l);
    if (status == SKEP_OK) return;
    log_lines_print(&l->lines);
    fail_msg("step %zu, allocation %llu, again: status %d", step, (unsigned long long)fail_at,
             (int)status);
}

/* Lives once; the fail_at-th allocation fails. Returns whether there was one. */
static bool live(life *l, uint64_t fail_at, uint32_t *told)
{
    memset(l, 0, sizeof *l);
    (void)snprintf(l->save, sizeof l->save, "test_memory_sim.save");
    (void)snprintf(l->record, sizeof l->record, "test_memory_sim.record");
    assert_true(test_region_open(&l->memory, (size_t)64 << 20));
    l->memory.fail_once = true;
    test_region_fail(&l->memory, fail_at);
    for (size_t i = 0; i < STEPS; i++) {
        const skep_status status = steps[i](l);
        if (status == SKEP_OK) continue;
        (*told)++;
        life_step_again(l, i, status, fail_at);
    }
    const bool failed = l->memory.failed > 0;
    if (!failed) l->frames_hash = skep_sim_hash(l->sim);
    assert_int_equal(skep_world_check(skep_sim_world(l->sim)), SKEP_OK);
    skep_loop_destroy(l->loop);
    skep_snapshot_release(l->before);
    skep_snapshot_release(l->after);
    skep_sim_close(l->sim);
    if (!test_region_close(&l->memory))
        fail_msg("allocation %llu: memory was not freed", (unsigned long long)fail_at);
    (void)remove(l->save);
    (void)remove(l->record);
    return failed;
}

static void test_every_allocation_of_a_life_fails_in_turn(void **state)
{
    static life l;
    uint32_t told = 0;
    uint64_t n = 0;
    (void)state;
    assert_false(live(&l, 0, &told));
    assert_int_equal(told, 0);
    do n++;
    while (live(&l, n, &told));
    print_message("%llu allocations failed, %u steps said so\n", (unsigned long long)(n - 1), told);
    assert_true(n > 100);
    assert_true(told > n / 2); /* the rest had a second way */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_of_a_life_fails_in_turn),
    };
    return cmocka_run_group_tests_name("memory_sim", tests, NULL, NULL);
}
