/* SPDX-License-Identifier: MIT */
/* The scripted host; see plan_lab.h. Output elsewhere is filled with another pattern each time, so
 * that nobody can lean on what it held. */
#include "plan_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SCRATCH_MAX 65536u

static void lab_log(void *ctx, skep_log_level level, const char *text)
{
    (void)level;
    plan_lab_write(ctx, text);
    plan_lab_write(ctx, "\n");
}

void plan_lab_open(plan_lab *l, uint32_t entity_max, const skep_plan_desc *desc)
{
    memset(l, 0, sizeof *l);
    test_lab_open(&l->lab, entity_max);
    l->world = l->lab.world;
    l->random = 1;
    l->scratch_bytes = SCRATCH_MAX;
    skep_plan_desc d = desc ? *desc : skep_plan_desc_default();
    d.log = (skep_log){lab_log, l};
    assert_int_equal(skep_plan_create(l->world, &d, &l->plan), SKEP_OK);
}

void plan_lab_close(plan_lab *l)
{
    skep_plan_destroy(l->plan);
    test_lab_close(&l->lab);
}

void plan_lab_add(plan_lab *l, const skep_system_desc *desc)
{
    assert_int_equal(skep_plan_add(l->plan, desc), SKEP_OK);
}

void plan_lab_job(plan_lab *l, const char *stage, const skep_job *job, const char *after)
{
    skep_system_desc d = skep_system_desc_default();
    d.stage = stage;
    d.job = job;
    d.after[0] = after;
    plan_lab_add(l, &d);
}

void plan_lab_run(plan_lab *l, const char *stage, const char *name, skep_system_run run, void *ctx)
{
    skep_system_desc d = skep_system_desc_default();
    d.stage = stage;
    d.name = name;
    d.run = run;
    d.ctx = ctx;
    plan_lab_add(l, &d);
}

uint32_t plan_lab_random(plan_lab *l, uint32_t n)
{
    l->random += 0x9E3779B97F4A7C15u;
    uint64_t x = l->random;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return n ? (uint32_t)((x ^ (x >> 31)) % n) : 0;
}

/* Runs one task of the batch and delivers its end. */
static void lab_task(plan_lab *l, uint32_t task)
{
    _Alignas(64) static uint8_t scratch[SCRATCH_MAX];
    const skep_pool_task *t = l->batch->tasks[task];
    skep_task_room room = {scratch, l->scratch_bytes, NULL, NULL};
    skep_pool_result result;
    memset(&result, 0, sizeof result);
    if (l->host.elsewhere) {
        const size_t bytes = (skep_task_layout(t) + 63) / 64 * 64 + 64;
        room.elsewhere = aligned_alloc(64, bytes);
        assert_non_null(room.elsewhere);
        memset(room.elsewhere, (int)plan_lab_random(l, 256), bytes);
    }
    skep_task_run(t, l->batch->jobs, l->batch->flags, &room, &result);
    result.task = task;
    result.duration_ns = l->duration_ns;
    result.worker = plan_lab_random(l, 3);
    if (l->spoil) {
        l->spoil(l->spoil_ctx, l->batch->jobs[t->job]->name, t->block, l->batch->flags, &result);
    }
    assert_int_equal(skep_frame_task_done(l->plan, &result), SKEP_OK);
    assert_int_equal(skep_frame_task_done(l->plan, &result), SKEP_ARGUMENT); /* once a task */
    free(room.elsewhere);
}

static void lab_deliver(plan_lab *l, uint32_t count)
{
    while (count-- > 0 && l->open_count > 0) {
        const uint32_t at = l->shuffled ? plan_lab_random(l, l->open_count) : 0;
        const uint32_t task = l->open[at];
        l->open_count--;
        for (uint32_t i = at; i < l->open_count; i++) l->open[i] = l->open[i + 1];
        lab_task(l, task);
    }
}

void plan_lab_take(plan_lab *l, const skep_pool_batch *batch)
{
    assert_true(batch->task_count > 0 && batch->task_count <= PLAN_LAB_TASKS);
    l->batch = batch;
    l->batches++;
    if (batch->task_count > l->largest) l->largest = batch->task_count;
    l->open_count = batch->task_count;
    for (uint32_t i = 0; i < batch->task_count; i++) l->open[i] = i;
    if (l->early)
        lab_deliver(l, l->shuffled ? plan_lab_random(l, l->open_count + 1) : l->open_count);
}

void plan_lab_drive(plan_lab *l)
{
    skep_step step;
    uint64_t now = 1;
    for (;;) {
        assert_int_equal(skep_frame_next(l->plan, now++, &step), SKEP_OK);
        switch (step.kind) {
        case SKEP_STEP_TASKS:
            plan_lab_take(l, step.batch);
            break;
        case SKEP_STEP_RUN:
            assert_int_equal(skep_frame_run(l->plan, &step), SKEP_OK);
            break;
        case SKEP_STEP_WAIT:
            assert_true(l->open_count > 0);
            lab_deliver(l, l->shuffled ? 1 + plan_lab_random(l, l->open_count) : l->open_count);
            break;
        case SKEP_STEP_END:
            assert_int_equal(skep_frame_end(l->plan, &l->report), SKEP_OK);
            return;
        }
    }
}

void plan_lab_frame(plan_lab *l, float dt)
{
    skep_plan_host_set(l->plan, &l->host);
    const skep_status status = skep_frame_begin(l->plan, dt, SKEP_TIME_AUTO);
    if (status != SKEP_OK) print_message("%s\n%s\n", l->text, skep_world_error(l->world));
    assert_int_equal(status, SKEP_OK);
    plan_lab_drive(l);
}

void plan_lab_write(void *ctx, const char *text)
{
    plan_lab *l = ctx;
    const size_t length = strlen(text);
    if (l->text_used + length >= sizeof l->text) return;
    memcpy(l->text + l->text_used, text, length + 1);
    l->text_used += length;
}

void plan_lab_clear(plan_lab *l)
{
    l->text_used = 0;
    l->text[0] = 0;
}

const char *plan_lab_mistakes(plan_lab *l, const char *title)
{
    plan_lab_clear(l);
    const skep_status status = skep_plan_build(l->plan);
    skep_plan_mistakes(l->plan, title, plan_lab_write, l);
    assert_int_equal(status, skep_plan_mistake_count(l->plan) ? SKEP_PLAN : SKEP_OK);
    return l->text;
}

const char *plan_lab_explain(plan_lab *l, const char *system)
{
    plan_lab_clear(l);
    (void)skep_plan_explain(l->plan, system, plan_lab_write, l);
    return l->text;
}
