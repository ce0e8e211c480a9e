/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * Pools and tasks by their public headers alone, as a program would use them that has its own
 * arrays and its own scheduler: creation and its mistakes, skep_pool_for, and one task run by hand,
 * into its blocks and elsewhere. What all pools have in common is tested by tests/conformance. */
#include "skep/job.h"
#include "skep/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

SKEP_COMPONENT(Pos, (f32, x), (f64, y));
SKEP_COMPONENT(Vel, (f32, x));
SKEP_COMPONENT(Seen, (u32, n));
SKEP_EVENT(Ping, (u32, n));
SKEP_RESOURCE(Sum, (u64, rows));

SKEP_JOB(step, (mut, Pos, pos), (in, Vel, vel), (out, Seen, seen), (emit, Ping, send),
         (sum, Sum, sum))
{
    uint32_t *copy = (uint32_t *)skep_scratch(task, task->n * sizeof *copy);
    if (!copy) return;
    for (uint32_t i = 0; i < task->n; i++) {
        c->pos.x[i] += c->vel.x[i] * task->dt;
        c->pos.y[i] += task->time + (double)task->tick;
        copy[i] += task->row + i;
        c->seen.n[i] = copy[i];
    }
    Ping_send(task, c->send, task->entity[0], SKEP_LIT(Ping, task->block));
    skep_logf(task, "%u rows", task->n);
    c->sum->rows += task->n;
}

/* ---- creation ----------------------------------------------------------------------------- */

static void no_fork(void *ctx, void (*work)(void *work_ctx, uint32_t index), void *work_ctx,
                    uint32_t count)
{
    (void)ctx;
    for (uint32_t i = 0; i < count; i++) work(work_ctx, i);
}

static void no_join(void *ctx)
{
    (void)ctx;
}

static void *no_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    (void)bytes;
    (void)align;
    return NULL;
}

static void no_free(void *ctx, void *memory, size_t bytes, size_t align)
{
    (void)ctx;
    (void)memory;
    (void)bytes;
    (void)align;
}

static void test_create_refuses_mistakes(void **state)
{
    (void)state;
    skep_pool *pool = (skep_pool *)(uintptr_t)1;
    skep_pool_desc desc;
    memset(&desc, 0, sizeof desc);
    assert_int_equal(skep_pool_create(&desc, &pool), SKEP_ARGUMENT); /* nobody initialised it */
    assert_null(pool);
    assert_int_equal(skep_pool_create(NULL, &pool), SKEP_ARGUMENT);
    desc = skep_pool_desc_default();
    desc.fork = no_fork;
    assert_int_equal(skep_pool_create(&desc, &pool), SKEP_ARGUMENT);
    desc = skep_pool_desc_default();
    desc.join = no_join;
    assert_int_equal(skep_pool_create(&desc, &pool), SKEP_ARGUMENT);
    desc = skep_pool_desc_default();
    desc.allocator.alloc = no_alloc;
    assert_int_equal(skep_pool_create(&desc, &pool), SKEP_ARGUMENT);
    desc = skep_pool_desc_default();
    desc.workers = SKEP_WORKERS_MAX + 1;
    assert_int_equal(skep_pool_create(&desc, &pool), SKEP_LIMIT);
    desc = skep_pool_desc_default();
    desc.scratch_bytes = SIZE_MAX;
    assert_int_equal(skep_pool_create(&desc, &pool), SKEP_NO_MEMORY);
    desc = skep_pool_desc_default();
    desc.allocator = (skep_allocator){no_alloc, no_free, NULL};
    for (uint32_t workers = 0; workers < 3; workers++) {
        desc.workers = workers;
        desc.fork = workers == 2 ? no_fork : NULL;
        desc.join = workers == 2 ? no_join : NULL;
        assert_int_equal(skep_pool_create(&desc, &pool), SKEP_NO_MEMORY);
    }
    assert_null(pool);
    skep_pool_destroy(NULL);
}

static skep_pool *open_pool(uint32_t workers, bool foreign)
{
    skep_pool *pool = NULL;
    skep_pool_desc desc = skep_pool_desc_default();
    desc.workers = workers;
    if (foreign) desc.fork = no_fork;
    if (foreign) desc.join = no_join;
    assert_int_equal(skep_pool_create(&desc, &pool), SKEP_OK);
    return pool;
}

static void test_kinds(void **state)
{
    (void)state;
    skep_pool *pool = open_pool(0, false);
    assert_string_equal(pool->v->name, "local");
    assert_int_equal(skep_pool_workers(pool), 0);
    skep_pool_destroy(pool);
    pool = open_pool(3, false);
    assert_string_equal(pool->v->name, "threads");
    assert_int_equal(skep_pool_workers(pool), 3);
    assert_false(pool->v->killable);
    assert_false(pool->v->elsewhere);
    skep_pool_destroy(pool);
    pool = open_pool(3, true);
    assert_string_equal(pool->v->name, "foreign");
    assert_int_equal(skep_pool_workers(pool), 3);
    skep_pool_destroy(pool);
    pool = open_pool(SKEP_WORKERS_AUTO, false);
    assert_true(skep_pool_workers(pool) < SKEP_WORKERS_MAX + 1);
    skep_pool_destroy(pool);
}

/* ---- the pool alone ----------------------------------------------------------------------- */

static void add_up(void *ctx, uint32_t first, uint32_t count)
{
    _Atomic uint64_t *sum = ctx;
    uint64_t own = 0;
    for (uint32_t i = first; i < first + count; i++) own += i;
    atomic_fetch_add(sum, own);
}

static void test_pool_for_adds_up(void **state)
{
    (void)state;
    static const uint32_t grains[] = {0, 1, 100, 99991};
    for (uint32_t p = 0; p < 3; p++) {
        skep_pool *pool = open_pool(p ? 2 : 0, p == 2);
        for (uint32_t g = 0; g < 4; g++) {
            _Atomic uint64_t sum = 0;
            skep_pool_for(pool, 100000, grains[g], add_up, &sum);
            assert_int_equal(atomic_load(&sum), (uint64_t)100000 * 99999 / 2);
        }
        skep_pool_destroy(pool);
    }
}

/* ---- one task by hand --------------------------------------------------------------------- */

enum { ROWS = 50 };

/* A task of two parts over plain arrays. */
typedef struct bench {
    float old_x[2][ROWS], new_x[2][ROWS], vel_x[2][ROWS];
    double old_y[2][ROWS], new_y[2][ROWS];
    uint32_t new_n[2][ROWS];
    skep_entity entity[2][ROWS];
    step_cols columns[2];
    skep_task_write writes[2][3];
    skep_task_part parts[2];
    Sum zero;
    skep_task_cell cell;
    skep_task_frame frame;
    skep_pool_task task;
    _Alignas(16) uint8_t output[256];
    const skep_job *jobs[1];
} bench;

static void bench_init(bench *b)
{
    memset(b, 0, sizeof *b);
    b->jobs[0] = &step;
    b->frame = (skep_task_frame){.time = 1.25, .tick = 10, .seed = 3, .dt = 0.25f};
    b->cell = (skep_task_cell){&b->zero, sizeof(Sum), 0, (uint32_t)offsetof(step_cols, sum), 0};
    for (uint32_t p = 0; p < 2; p++) {
        const uint32_t n = p ? 20 : ROWS;
        for (uint32_t i = 0; i < n; i++) {
            b->old_x[p][i] = (float)i;
            b->old_y[p][i] = (double)(i * 2);
            b->vel_x[p][i] = (float)(p + 1);
            b->entity[p][i] = skep_entity_make(p * 100 + i, 1);
        }
        b->columns[p] = (step_cols){{b->new_x[p], b->new_y[p]},
                                    {b->vel_x[p]},
                                    {b->new_n[p]},
                                    {3},
                                    (Sum *)(void *)b->output};
        b->writes[p][0] = (skep_task_write){b->new_x[p], b->old_x[p], n * 4,
                                            (uint32_t)offsetof(step_cols, pos.x)};
        b->writes[p][1] = (skep_task_write){b->new_y[p], b->old_y[p], n * 8,
                                            (uint32_t)offsetof(step_cols, pos.y)};
        b->writes[p][2] =
            (skep_task_write){b->new_n[p], NULL, n * 4, (uint32_t)offsetof(step_cols, seen.n)};
        b->parts[p] = (skep_task_part){.entity = b->entity[p],
                                       .columns = &b->columns[p],
                                       .writes = b->writes[p],
                                       .write_count = 3,
                                       .n = n,
                                       .row = p ? ROWS : 0};
    }
    b->task = (skep_pool_task){.parts = b->parts,
                               .cells = &b->cell,
                               .frame = &b->frame,
                               .output = b->output,
                               .part_count = 2,
                               .cell_count = 1,
                               .cells_bytes = 16,
                               .output_bytes = sizeof b->output,
                               .block = 6,
                               .rows = ROWS + 20};
}

/* Checks the columns of one part. */
static void check_columns(const bench *b, uint32_t p, const float *x, const double *y,
                          const uint32_t *number)
{
    for (uint32_t i = 0; i < b->parts[p].n; i++) {
        assert_true(x[i] == (float)i + (float)(p + 1) * 0.25f);
        assert_true(y[i] == (double)(i * 2) + 11.25);
        assert_int_equal(number[i], b->parts[p].row + i);
    }
}

/* Checks the reduction and the patches: an event of 16 + 8 and a line of 16 + 8 bytes, a part each.
 */
static void check_output(const uint8_t *output, size_t bytes)
{
    assert_int_equal(((const Sum *)(const void *)output)->rows, ROWS + 20);
    assert_int_equal(bytes, 16 + 2 * (16 + 8 + 16 + 8));
    assert_memory_equal(output + 16 + 24 + 16, "50 rows", 8);
    assert_memory_equal(output + 16 + 48 + 24 + 16, "20 rows", 8);
}

static void test_a_task_by_hand(void **state)
{
    (void)state;
    static _Alignas(16) uint8_t scratch[320];
    const skep_task_room room = {scratch, sizeof scratch, NULL, NULL};
    skep_pool_result result = {0};
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    bench_init(b);
    skep_task_run(&b->task, b->jobs, 0, &room, &result);
    assert_int_equal(result.status, SKEP_OK);
    assert_null(result.output);
    for (uint32_t p = 0; p < 2; p++) check_columns(b, p, b->new_x[p], b->new_y[p], b->new_n[p]);
    check_output(b->output, result.bytes);
    assert_true(b->old_x[0][1] == 1.0f);
    free(b);
}

/* Elsewhere, everything lies as the header says: output, then each write, each aligned to 64. */
static void test_a_task_elsewhere(void **state)
{
    (void)state;
    static _Alignas(16) uint8_t scratch[320];
    static _Alignas(64) uint8_t memory[4096];
    const skep_task_room room = {scratch, sizeof scratch, memory, NULL};
    skep_pool_result result = {0};
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    bench_init(b);
    const size_t layout = 256 + 256 + 448 + 256 + 128 + 192 + 128;
    assert_int_equal(skep_task_layout(&b->task), layout);
    memset(memory, 0x5A, sizeof memory);
    skep_task_run(&b->task, b->jobs, SKEP_BATCH_CHECK, &room, &result);
    assert_int_equal(result.status, SKEP_OK);
    assert_ptr_equal(result.output, memory);
    check_output(memory, result.bytes);
    const uint8_t *second = memory + 256 + 256 + 448 + 256;
    check_columns(b, 0, (const float *)(const void *)(memory + 256),
                  (const double *)(const void *)(memory + 512),
                  (const uint32_t *)(const void *)(memory + 960));
    check_columns(b, 1, (const float *)(const void *)second,
                  (const double *)(const void *)(second + 128),
                  (const uint32_t *)(const void *)(second + 320));
    for (size_t i = layout; i < sizeof memory; i++) assert_int_equal(memory[i], 0x5A);
    for (uint32_t i = 0; i < ROWS; i++) assert_true(b->new_x[0][i] == 0.0f);
    for (uint32_t i = 0; i < sizeof b->output; i++) assert_int_equal(b->output[i], 0);
    free(b);
}

/* ---- random numbers ----------------------------------------------------------------------- */

SKEP_COMPONENT(Draws, (u32, small), (f32, f), (f64, d));

SKEP_JOB(draw, (out, Draws, draws))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->draws.small[i] = skep_rand_u32(task, task->entity[i], i % 4, 10);
        c->draws.f[i] = skep_rand_f32(task, task->entity[i], 100);
        c->draws.d[i] = skep_rand_f64(task, task->entity[i], 100);
    }
    if (skep_rand_u32(task, task->entity[0], 0, 0) != 0) skep_fail(task, "below nothing");
}

static void run_draw(skep_entity *entities, uint64_t tick, uint64_t system_key, uint32_t *small,
                     float *f, double *d)
{
    const draw_cols columns = {{small, f, d}};
    const skep_task_part part = {.entity = entities, .columns = &columns, .n = 2000};
    const skep_task_frame frame = {.tick = tick, .seed = 9};
    const skep_pool_task task = {
        .parts = &part, .frame = &frame, .system_key = system_key, .part_count = 1, .rows = 2000};
    const skep_job *jobs[] = {&draw};
    const skep_task_room room = {0};
    skep_pool_result result = {0};
    skep_task_run(&task, jobs, 0, &room, &result);
    assert_int_equal(result.status, SKEP_OK);
}

static void test_random_numbers(void **state)
{
    (void)state;
    static skep_entity entities[2000];
    static uint32_t small[3][2000];
    static float f[3][2000];
    static double d[3][2000];
    for (uint32_t i = 0; i < 2000; i++) entities[i] = skep_entity_make(i, 1);
    run_draw(entities, 5, 1, small[0], f[0], d[0]);
    run_draw(entities, 5, 1, small[1], f[1], d[1]);
    assert_memory_equal(small[0], small[1], sizeof small[0]);
    assert_memory_equal(f[0], f[1], sizeof f[0]);
    assert_memory_equal(d[0], d[1], sizeof d[0]);
    run_draw(entities, 6, 1, small[1], f[1], d[1]);
    run_draw(entities, 5, 2, small[2], f[2], d[2]);
    uint32_t bins[10] = {0};
    uint32_t same = 0;
    double mean = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        assert_true(small[0][i] < 10 && f[0][i] >= 0 && f[0][i] < 1 && d[0][i] >= 0 && d[0][i] < 1);
        bins[small[0][i]]++;
        mean += d[0][i] / 2000;
        same += d[0][i] == d[1][i] || d[0][i] == d[2][i];
    }
    assert_int_equal(same, 0);
    assert_true(mean > 0.47 && mean < 0.53);
    for (uint32_t i = 0; i < 10; i++) assert_in_range(bins[i], 140, 260);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_refuses_mistakes), cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_pool_for_adds_up),        cmocka_unit_test(test_a_task_by_hand),
        cmocka_unit_test(test_a_task_elsewhere),        cmocka_unit_test(test_random_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
