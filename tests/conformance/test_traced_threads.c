/* SPDX-License-Identifier: MIT */
/* ctest: threads, waits
 * Rings of threads that are lost: workers hang, are given up at a deadline and replaced in their
 * slot and their ring, and go on when nobody waits for them any more. All the while somebody copies
 * the rings. What is in them stays whole, in order and complete, and whom the pool gave up writes
 * nothing any more, be the rings still there or not. */
#include "core/trace/trace.h"
#include "port/port.h"
#include "tests/conformance/conformance.h"
#include "tests/conformance/hang.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define WORKERS 3u
#define TASKS 16u
#define ROUNDS 2u
#define LATER 3u  /* batches of a round while the threads of its first one hang */
#define LOST 4u   /* tasks of a round that hang: one block in four */
#define SYSTEM 7u /* as traces know it */
/* Long enough that a busy machine does not take a healthy task for a hung one. */
#define DEADLINE_NS 200000000u

/* ---- jobs and pools -------------------------------------------------------------------------- */

static skep_trace *tracer; /* of the pool that the factory makes */

static skep_pool *make_threads(const conformance_factory *factory, const skep_allocator *allocator,
                               size_t scratch_bytes, const skep_region *region)
{
    skep_pool_desc desc = skep_pool_desc_default();
    skep_pool *pool = NULL;
    (void)region;
    desc.workers = factory->workers;
    desc.allocator = *allocator;
    desc.scratch_bytes = scratch_bytes;
    desc.trace = tracer;
    return skep_pool_create(&desc, &pool) == SKEP_OK ? pool : NULL;
}

static const conformance_factory factory = {"traced threads", WORKERS, true, false, false, 0, 0,
                                            make_threads,     NULL,    NULL};

static skep_trace *trace_open(uint32_t records)
{
    skep_trace_desc d = skep_trace_desc_default();
    skep_trace *trace = NULL;
    d.workers = WORKERS;
    d.records = records;
    d.clock = skep__port_clock_ns;
    d.allocator = skep__port_allocator();
    assert_int_equal(skep_trace_create(&d, &trace), SKEP_OK);
    return trace;
}

static lab_batch build(lab *l, uint32_t count)
{
    const lab_plan plan = {.job = hang_job(), .task_count = count, .rows_max = 8};
    lab_batch b = lab_build(l, &plan);
    for (uint32_t t = 0; t < count; t++) b.tasks[t]->system = SYSTEM;
    return b;
}

/* ---- what is in a ring ----------------------------------------------------------------------- */

typedef struct ring_sum {
    uint64_t blocks; /* zones of each kind that the ring still has */
    uint64_t lost;
    uint64_t respawns;
    uint64_t records;
} ring_sum;

/* Says what is wrong with a record of ring `thread`; NULL: nothing. `end` is the end of the record
 * before, and becomes that of this one. */
static const char *record_wrong(uint32_t thread, const uint64_t *record, uint64_t *end,
                                ring_sum *sum)
{
    const uint32_t kind = (uint32_t)record[1] & 0xffu;
    const uint64_t now = skep__port_clock_ns();
    const uint64_t before = *end;
    *end = record[0] + (record[1] >> 8);
    sum->records++;
    if (!record[0] || *end > now || now - record[0] > 600000000000u) return "its time is none";
    if (*end < before) return "it ended before the one before it";
    if (kind == SKEP__TRACE_BLOCK) {
        sum->blocks++;
        if ((record[2] & 0xffffu) != SYSTEM || record[2] >> 32 >= TASKS) return "it is of no task";
        return NULL;
    }
    /* A pool tries out how long it takes to wake somebody. */
    if (kind == SKEP__TRACE_HOST && record[2] == SKEP__TRACE_NAME_PIECES) return NULL;
    if (thread) return "a worker does not write such";
    if (kind == SKEP__TRACE_LOST) {
        const uint64_t worker = record[2] >> 16 & 0xffffu;
        sum->lost++;
        if ((record[2] & 0xffffu) != SYSTEM || record[2] >> 32 >= TASKS || (record[2] >> 32) % 4)
            return "no such task was lost";
        if (!worker || worker > WORKERS) return "no such worker was lost";
        return record[1] >> 8 < DEADLINE_NS ? "it was lost before its deadline" : NULL;
    }
    if (kind == SKEP__TRACE_RESPAWN) sum->respawns++;
    return kind == SKEP__TRACE_RESPAWN || kind == SKEP__TRACE_TASKS || kind == SKEP__TRACE_WAKE ||
                   kind == SKEP__TRACE_VERIFY
               ? NULL
               : "the caller of a pool does not write such";
}

/* Copies a ring and looks at all of it; returns what is wrong with it. */
static const char *ring_wrong(uint32_t thread, uint32_t most, uint64_t *records, ring_sum *sum)
{
    uint64_t first = 0;
    uint64_t end = 0;
    const char *wrong = NULL;
    const uint32_t count =
        skep__trace_ring_copy(skep__trace_ring_of(tracer, thread), most, records, &first);
    for (uint32_t i = 0; i < count && !wrong; i++) {
        wrong = record_wrong(thread, records + (size_t)i * SKEP__TRACE_WORDS, &end, sum);
    }
    return wrong;
}

/* Copies rings while they are written, for as long as it is told to. */
typedef struct onlooker {
    uint32_t records; /* of a ring */
    uint64_t *copy;
    _Atomic uint32_t stop;
    const char *wrong;
    ring_sum sum;
    skep__port_thread thread;
} onlooker;

static void look_on(void *arg)
{
    onlooker *o = arg;
    while (!atomic_load(&o->stop) && !o->wrong) {
        for (uint32_t t = 0; t <= WORKERS && !o->wrong; t++) {
            o->wrong = ring_wrong(t, o->records, o->copy, &o->sum);
        }
        skep__port_futex_wait(&o->stop, 0, 50000); /* others want the processor, too */
    }
}

static void onlooker_begin(onlooker *o, uint32_t records)
{
    const skep_allocator heap = skep__port_allocator();
    *o = (onlooker){.records = records};
    o->copy = heap.alloc(heap.ctx, records * SKEP__TRACE_WORDS * sizeof(uint64_t), 16);
    assert_non_null(o->copy);
    assert_true(skep__port_thread_create(&o->thread, "onlooker", look_on, o));
}

static void onlooker_end(onlooker *o)
{
    const skep_allocator heap = skep__port_allocator();
    atomic_store(&o->stop, 1);
    skep__port_futex_wake(&o->stop, 1);
    skep__port_thread_join(&o->thread);
    heap.free(heap.ctx, o->copy, o->records * SKEP__TRACE_WORDS * sizeof(uint64_t), 16);
    if (o->wrong) fail_msg("a record, copied while rings are written: %s", o->wrong);
    assert_true(o->sum.records > 0);
}

/* How far each ring is. */
static void heads_of(uint64_t *heads)
{
    for (uint32_t t = 0; t <= WORKERS; t++) {
        heads[t] = atomic_load(&skep__trace_ring_of(tracer, t)->head);
    }
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* A batch that loses workers, batches after it, and the return of the lost. */
static void lose_workers(lab *l, lab_batch *first, lab_batch *later)
{
    uint64_t before[WORKERS + 1];
    uint64_t after[WORKERS + 1];
    hang_reset(LOST);
    lab_run(l, first);
    for (uint32_t t = 0; t < TASKS; t++) {
        assert_int_equal(first->results[t].result.status, t % 4 ? SKEP_OK : SKEP_CLOSED);
    }
    for (uint32_t i = 0; i < LATER; i++) {
        later->batch.deadline_ns = i == 1 ? 0 : DEADLINE_NS * 50;
        later->batch.flags = i == 1 ? SKEP_BATCH_FORCE : 0;
        lab_run(l, later);
    }
    heads_of(before);
    hang_release(LOST);
    for (uint32_t w = 1; w <= WORKERS; w++) {
        while (!l->pool->v->worker_gone(l->pool, w)) skep__port_yield();
    }
    heads_of(after);
    assert_memory_equal(before, after, sizeof before);
}

/* Loses workers over and over; what the rings hold in the end is checked and summed up. */
static ring_sum lose_and_sum(uint32_t records)
{
    const skep_allocator heap = skep__port_allocator();
    ring_sum sum = {0};
    lab l;
    onlooker o;
    tracer = trace_open(records);
    lab_open(&l, &factory);
    lab_batch first = build(&l, TASKS);
    lab_batch later = build(&l, TASKS); /* since the first one's blocks are parked meanwhile */
    first.batch.deadline_ns = DEADLINE_NS;
    onlooker_begin(&o, records);
    for (uint32_t round = 0; round < ROUNDS; round++) lose_workers(&l, &first, &later);
    onlooker_end(&o);
    uint64_t *copy = heap.alloc(heap.ctx, records * SKEP__TRACE_WORDS * sizeof *copy, 16);
    assert_non_null(copy);
    for (uint32_t t = 0; t <= WORKERS; t++) {
        const uint64_t head = atomic_load(&skep__trace_ring_of(tracer, t)->head);
        const uint64_t had = sum.records;
        const char *wrong = ring_wrong(t, records, copy, &sum);
        if (wrong) fail_msg("ring %u: %s", t, wrong);
        /* Of a ring that went round, all but the place that is written next. */
        assert_int_equal(sum.records - had, head < records ? head : records - 1);
    }
    heap.free(heap.ctx, copy, records * SKEP__TRACE_WORDS * sizeof *copy, 16);
    lab_close(&l);
    skep_trace_destroy(tracer);
    return sum;
}

/* Rings that have room for all: each task is there once, done or lost, and so is each new thread.
 */
static void test_nothing_is_missing(void **state)
{
    (void)state;
    const ring_sum sum = lose_and_sum(1024);
    assert_int_equal(sum.lost, ROUNDS * LOST);
    assert_int_equal(sum.respawns, ROUNDS * LOST);
    assert_int_equal(sum.blocks, ROUNDS * (TASKS - LOST + LATER * TASKS));
}

/* The smallest rings go round, by threads that took the places of some that hang. Under a deadline
 * the caller runs nothing itself. */
static void test_rings_go_round(void **state)
{
    (void)state;
    lab l;
    onlooker o;
    uint64_t heads[WORKERS + 1];
    tracer = trace_open(SKEP_TRACE_RECORDS_MIN);
    lab_open(&l, &factory);
    lab_batch first = build(&l, TASKS);
    lab_batch later = build(&l, TASKS);
    first.batch.deadline_ns = DEADLINE_NS;
    later.batch.deadline_ns = DEADLINE_NS * 50;
    hang_reset(LOST);
    onlooker_begin(&o, SKEP_TRACE_RECORDS_MIN);
    lab_run(&l, &first);
    for (uint32_t i = 0; i < 100; i++) lab_run(&l, &later);
    hang_release(LOST);
    for (uint32_t i = 0; i < 100; i++) lab_run(&l, &later);
    onlooker_end(&o);
    heads_of(heads);
    uint64_t most = 0;
    for (uint32_t w = 1; w <= WORKERS; w++) most = heads[w] > most ? heads[w] : most;
    assert_true(most > (uint64_t)2 * SKEP_TRACE_RECORDS_MIN);
    for (uint32_t w = 1; w <= WORKERS; w++) {
        while (!l.pool->v->worker_gone(l.pool, w)) skep__port_yield();
    }
    lab_close(&l);
    skep_trace_destroy(tracer);
}

/* The pool and the tracer may die first: a thread that was given up looks at neither. */
static void test_lost_worker_outlives_the_rings(void **state)
{
    (void)state;
    lab l;
    tracer = trace_open(SKEP_TRACE_RECORDS_MIN);
    lab_open(&l, &factory);
    lab_batch b = build(&l, 1);
    b.batch.deadline_ns = DEADLINE_NS;
    hang_reset(1);
    lab_run(&l, &b);
    assert_int_equal(b.results[0].result.status, SKEP_CLOSED);
    skep_pool_destroy(l.pool);
    skep_trace_destroy(tracer);
    l.pool = NULL;
    assert_int_equal(l.live, 0);
    hang_release(1);
    lab_leave(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_missing),
        cmocka_unit_test(test_rings_go_round),
        cmocka_unit_test(test_lost_worker_outlives_the_rings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
