/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * Memory that runs out: every allocation fails in turn, and so does every page of the region.
 * Nothing crashes, nothing leaks, and what fails says so. And a frame asks for none, once the
 * world has warmed up. */
#include "api/log_lines.h"
#include "skep/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Hp, (f32, hp));
SKEP_COMPONENT(Mark, (u32, by));
SKEP_EVENT(Hit, (f32, amount));
SKEP_RESOURCE(Sum, (f32, x));
SKEP_PREFAB(Spark);

SKEP_JOB(drift, (mut, Pos, pos), (sum, Sum, sum))
{
    for (uint32_t i = 0; i < task->n; i++) c->sum->x += c->pos.x[i] += task->dt;
}

/* As many in every frame, so that a warm world has seen all that it will ever need. */
SKEP_JOB(spark, (in, Pos, pos), (not, Hp, lasting), (spawn, Spark, sparks), (emit, Hit, hit),
         (add, Mark, mark))
{
    for (uint32_t i = 0; i < task->n; i++) {
        if ((skep_entity_index(task->entity[i]) + task->tick) % 40 != 0) continue;
        const skep_entity e = Spark_new(task, c->sparks);
        Pos_init(task, e, SKEP_LIT(Pos, c->pos.x[i], 0.0f));
        Hit_send(task, c->hit, task->entity[i], SKEP_LIT(Hit, 0.5f));
        Mark_put(task, c->mark, task->entity[i], SKEP_LIT(Mark, (uint32_t)task->tick));
    }
}

SKEP_JOB(fade, (mut, Hp, hp), (inbox, Hit, hit), (destroy, Entity, gone))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->hp.hp[i] -= 1.0f + (float)(c->hit.begin[i + 1] - c->hit.begin[i]);
        if (c->hp.hp[i] <= 0.0f) skep_destroy(task, c->gone, task->entity[i]);
    }
}

SKEP_SCENE(sparks, "Everything that needs memory")
{
    Pos_mut pos;
    const uint32_t n = skep_param_u32(b, "entities", 600, "how many");
    skep_resource(b, SKEP_WITH(Sum, 0.0f));
    skep_prefab(b, Spark, SKEP_OF(Pos), SKEP_WITH(Hp, 30.0f));
    skep_add(b, "update", &drift);
    skep_add_when(b, "update", &spark)->after = "drift";
    skep_add(b, "late", &fade);
    skep_create_many(b, n, Pos_columns(&pos));
    for (uint32_t i = 0; i < n; i++) pos.x[i] = (float)i;
}

/* ---- an allocator that counts, and fails when told to ------------------------------------ */

typedef struct meter {
    uint64_t calls;
    uint64_t
        fail_at; /* the number of the call that fails, and all after it if `for_good`; 0: none */
    size_t in_use;
    bool for_good;
} meter;

static bool meter_fails(meter *m)
{
    m->calls++;
    if (m->fail_at == 0) return false;
    return m->for_good ? m->calls >= m->fail_at : m->calls == m->fail_at;
}

static void *meter_alloc(void *ctx, size_t bytes, size_t align)
{
    meter *m = (meter *)ctx;
    if (meter_fails(m)) return NULL;
    void *memory = aligned_alloc(align, (bytes + align - 1) / align * align);
    if (!memory) return NULL;
    memset(memory, 0xa5, bytes);
    m->in_use += bytes;
    return memory;
}

static void meter_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    meter *m = (meter *)ctx;
    (void)align;
    if (!memory) return;
    m->in_use -= bytes;
    free(memory);
}

/* A region over plain memory whose pages can be refused too. */
#define REGION_PAGE ((size_t)2 << 20)
#define REGION_BYTES ((size_t)64 << 20)

static uint8_t *region_base;

static skep_status region_commit(void *ctx, size_t offset, size_t bytes)
{
    meter *m = (meter *)ctx;
    if (meter_fails(m)) return SKEP_NO_MEMORY;
    memset(region_base + offset, 0, bytes);
    return SKEP_OK;
}

static int open_region(void **state)
{
    (void)state;
    region_base = (uint8_t *)aligned_alloc(REGION_PAGE, REGION_BYTES);
    return region_base ? 0 : -1;
}

static int close_region(void **state)
{
    (void)state;
    free(region_base);
    return 0;
}

static skep_sim_desc desc_on(meter *m, skep_region *region, log_lines *lines)
{
    skep_sim_desc d = skep_sim_desc_default();
    d.workers = 0;
    d.entity_max = 20000;
    d.allocator.alloc = meter_alloc;
    d.allocator.free = meter_free;
    d.allocator.ctx = m;
    d.log = log_lines_open(lines);
    region->base = region_base;
    region->bytes_max = REGION_BYTES;
    region->commit = region_commit;
    region->ctx = m;
    d.region = region;
    return d;
}

/* ---- every allocation in turn ------------------------------------------------------------ */

/* Opens, runs some frames, saves nothing, closes. Returns whether anything was refused. */
static bool run_once(meter *m)
{
    log_lines lines;
    skep_region region;
    skep_sim_desc d = desc_on(m, &region, &lines);
    skep_sim *sim = NULL;
    bool refused = false;
    const skep_status status = skep_sim_open(&skep_scene_sparks, &d, &sim);
    if (status != SKEP_OK) {
        assert_null(sim);
        assert_true(lines.count > 0);
        refused = true;
    } else {
        for (uint32_t i = 0; i < 6; i++) {
            const skep_status frame = skep_sim_step(sim, 0.1f);
            assert_true(frame == SKEP_OK || frame == SKEP_NO_MEMORY || frame == SKEP_LIMIT);
            refused |= frame != SKEP_OK || skep_sim_report(sim)->fault_count > 0;
        }
        /* With memory again the world is whole and goes on. */
        m->fail_at = 0;
        assert_int_equal(skep_world_check(skep_sim_world(sim)), SKEP_OK);
        assert_int_equal(skep_sim_step(sim, 0.1f), SKEP_OK);
        assert_int_equal(skep_world_check(skep_sim_world(sim)), SKEP_OK);
        skep_sim_close(sim);
    }
    assert_int_equal(m->in_use, 0);
    return refused;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    meter all = {0, 0, 0, false};
    assert_false(run_once(&all));
    assert_true(all.calls > 50);
    uint32_t refused = 0;
    for (uint64_t at = 1; at <= all.calls; at++) {
        meter once = {0, at, 0, false};
        refused += run_once(&once);
        meter ever = {0, at, 0, true};
        refused += run_once(&ever);
    }
    /* Some allocations have a second way (a smaller page, next frame); most have none. */
    assert_true(refused > all.calls);
}

/* ---- after warm-up ----------------------------------------------------------------------- */

static void warm_frames(uint32_t workers, uint32_t rewind_max)
{
    meter m = {0, 0, 0, false};
    log_lines lines;
    skep_region region;
    skep_sim_desc d = desc_on(&m, &region, &lines);
    d.workers = workers;
    d.grain = 0;
    skep_sim *sim = NULL;
    assert_int_equal(skep_sim_open(&skep_scene_sparks, &d, &sim), SKEP_OK);
    skep_loop_desc l = skep_loop_desc_default();
    skep_loop *loop = NULL;
    l.hz = 100.0;
    l.rewind_max = rewind_max;
    assert_int_equal(skep_loop_create(sim, &l, &loop), SKEP_OK);
    for (uint32_t i = 0; i < 200; i++) assert_int_equal(skep_loop_step(loop), SKEP_OK);
    const uint64_t calls = m.calls;
    for (uint32_t i = 0; i < 100; i++) assert_int_equal(skep_loop_step(loop), SKEP_OK);
    assert_int_equal(m.calls, calls);
    assert_true(skep_sim_report(sim)->patches > 0);
    skep_loop_destroy(loop);
    skep_sim_close(sim);
    assert_int_equal(m.in_use, 0);
}

static void a_warm_frame_allocates_nothing(void **state)
{
    (void)state;
    warm_frames(0, 0);
    warm_frames(2, 0);
    warm_frames(0, 4);
    warm_frames(1, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_warm_frame_allocates_nothing),
    };
    return cmocka_run_group_tests_name("sim_memory", tests, open_region, close_region);
}
