/* SPDX-License-Identifier: MIT */
/* ctest: timeout=600, threads, waits
 * Jobs that crash, hang, end, eat memory, write where they may not, and forge what the host reads
 * of their worker. Each is reported for its own task, all others are as if it had not been, and a
 * second try without the misbehaviour gives the bits that a good run gives. Then ends from outside,
 * the restart budget, and what is left behind of all that: nothing. */
#include "pool/pool_processes.h"
#include "tests/conformance/isolated.h"
#include "tests/conformance/scarce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* ---- the job -------------------------------------------------------------------------------- */

typedef enum evil {
    EVIL_NONE,
    EVIL_NULL,
    EVIL_SNAPSHOT,
    EVIL_OVERRUN,
    EVIL_LOOP,
    EVIL_EXIT,
    EVIL_EXIT_OK,
    EVIL_ABORT,
    EVIL_STACK,
    EVIL_CALL,       /* a system call that is not allowed */
    EVIL_DONE_FAR,   /* more done than it was given */
    EVIL_DONE_BACK,  /* less than before */
    EVIL_HUGE,       /* a result of 4 GB */
    EVIL_TINY,       /* fewer bytes than its cells have */
    EVIL_STATUS,     /* an end that there is not */
    EVIL_LOST,       /* the end of a lost worker */
    EVIL_CLAIM,      /* as if it had begun more than there is; harmless */
    EVIL_AT,         /* as if it were elsewhere, and then a crash */
    EVIL_ALL,        /* noise over all control words and records, and then a crash */
    EVIL_BELL_NEVER, /* it says that it is awake for ever; harmless */
    EVIL_COUNT
} evil;

SKEP_COMPONENT(Deed, (u32, what));
SKEP_COMPONENT(Total, (u32, v));
SKEP_RESOURCE(Count, (u64, n), (u64, m)); /* no padding: all of it is compared */

static void crash(void)
{
    volatile uintptr_t nowhere = 16; /* hidden from compilers, which would know better */
    *(volatile uint32_t *)nowhere = 1;
}

/* This worker's own memory, by way of its scratch. */
static skep__procs_own *own_of(const skep_task *task)
{
    uint8_t *scratch = skep_scratch(task, 16);
    return (skep__procs_own *)(void *)(scratch - skep__align(sizeof(skep__procs_own), 4096));
}

static uint32_t deep(volatile uint32_t *n)
{
    volatile uint32_t here[256];
    here[0] = *n + 1;
    here[1] = 0;
    return here[0] ? deep(here) + here[1] : 0;
}

/* Writes noise over what the host reads, for ever or until something gives. */
static void noise(skep__procs_own *own)
{
    uint32_t x = 1;
    _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)own;
    for (uint32_t i = 0; i < 200000; i++) {
        x = x * 1664525u + 1013904223u;
        atomic_store_explicit(&words[x % (offsetof(skep__procs_own, cause) / 8)],
                              (uint64_t)x << 32 | (x >> 7), memory_order_relaxed);
    }
}

/* Forges words of the worker's own memory. */
static void forge(const skep_task *task, uint32_t what)
{
    skep__procs_own *own = own_of(task);
    const uint64_t at = atomic_load(&own->at);
    const uint64_t run = at >> 32 << 32;
    skep__procs_record *record = &own->record[(uint32_t)at % SKEP__PROCS_RECORDS];
    switch (what) {
    case EVIL_DONE_FAR:
        atomic_store(&own->done, run | 0xfffffffu);
        break;
    case EVIL_DONE_BACK:
        atomic_store(&own->done, run);
        break;
    case EVIL_CLAIM:
        atomic_store(&own->claim, run | 0xfffffffu);
        return;
    case EVIL_AT:
        atomic_store(&own->at, run | 0xfffffffu);
        crash();
        return;
    case EVIL_ALL:
        noise(own);
        crash();
        return;
    case EVIL_BELL_NEVER:
        atomic_store(&own->asleep, 1);
        return;
    default:
        atomic_store(&record->bytes, what == EVIL_HUGE ? 0xf0000000u : what == EVIL_TINY ? 0 : 16);
        atomic_store(&record->status, what == EVIL_STATUS ? 77
                                      : what == EVIL_LOST ? SKEP_CLOSED
                                                          : 0);
        atomic_store(&own->odd, at);
        atomic_store(&own->done, at + 1);
        break;
    }
    for (volatile uint32_t n = 0;;) n++; /* until the host has seen it */
}

static void misbehave(const skep_task *task, uint32_t what, const uint32_t *in, uint32_t *out)
{
    volatile uint32_t n = 0;
    switch (what) {
    case EVIL_NONE:
        return;
    case EVIL_NULL:
        crash();
        return;
    case EVIL_SNAPSHOT:
        *(volatile uint32_t *)(uintptr_t)in = 1;
        return;
    case EVIL_OVERRUN:
        for (uint32_t i = 0;; i++) ((volatile uint32_t *)out)[i] = i;
    case EVIL_LOOP:
        for (;;) n++;
    case EVIL_EXIT:
        _exit(3);
    case EVIL_EXIT_OK:
        _exit(0);
    case EVIL_ABORT:
        abort();
    case EVIL_STACK:
        out[0] = deep(&n);
        return;
    case EVIL_CALL:
        (void)getppid();
        return;
    default:
        forge(task, what);
    }
}

SKEP_JOB(worker_job, (in, Deed, deed), (out, Total, total), (sum, Count, sum))
{
    misbehave(task, c->deed.what[0], c->deed.what, c->total.v);
    for (uint32_t i = 0; i < task->n; i++) c->total.v[i] = task->block * 1000 + i;
    c->sum->n += task->n;
}

/* ---- the laboratory ------------------------------------------------------------------------- */

#define TASKS 24u
#define CULPRIT 13u
#define DEADLINE_NS 400000000u

static lab_batch build(lab *l, uint32_t count)
{
    const lab_plan plan = {
        .job = &worker_job, .task_count = count, .rows_max = 40, .flags = SKEP_BATCH_FORCE};
    return lab_build(l, &plan);
}

/* What a task shall do. */
static void bid(lab_batch *b, uint32_t task, uint32_t what)
{
    const worker_job_cols *c = b->tasks[task]->parts->columns;
    uint32_t *deed = (uint32_t *)(uintptr_t)c->deed.what;
    for (uint32_t i = 0; i < b->tasks[task]->rows; i++) deed[i] = what;
}

static void bid_all(lab_batch *b, uint32_t what)
{
    for (uint32_t t = 0; t < b->batch.task_count; t++) bid(b, t, what);
}

/* The digest of a good run. */
static uint64_t good_digest(uint32_t count)
{
    lab l;
    lab_open(&l, NULL);
    lab_batch b = build(&l, count);
    bid_all(&b, EVIL_NONE);
    lab_run_plainly(&l, &b);
    const uint64_t digest = lab_digest(&b);
    lab_close(&l);
    return digest;
}

/* Tries one task once more, as the plan does, with a batch of its own. */
static void try_again(lab *l, lab_batch *b, uint32_t task)
{
    lab_batch again = *b;
    const skep_pool_task **tasks = lab_take(l, sizeof *tasks, 16);
    skep_pool_task *one = b->tasks[task];
    tasks[0] = one;
    again.tasks = &one;
    again.batch.tasks = tasks;
    again.batch.task_count = 1;
    again.batch.flags |= SKEP_BATCH_RETRY;
    again.results = lab_take(l, sizeof *again.results, 16);
    lab_run(l, &again);
    assert_int_equal(again.results[0].result.status, SKEP_OK);
    b->results[task] = again.results[0];
}

typedef struct expected {
    evil what;
    const char *cause; /* a piece of it; NULL: nobody notices */
} expected;

static const expected deeds[] = {
    {EVIL_NULL, "SIGSEGV"},
    {EVIL_SNAPSHOT, "its snapshot, which jobs may only read"},
    {EVIL_OVERRUN, "past the end of its output"},
    {EVIL_LOOP, "deadline"},
    {EVIL_EXIT, "exit code 3"},
    {EVIL_EXIT_OK, "exit code 0"},
    {EVIL_ABORT, "abort"},
    {EVIL_STACK, "stack"},
    {EVIL_CALL, "SIGSYS"},
    {EVIL_DONE_FAR, "lied"},
    {EVIL_DONE_BACK, ""}, /* nobody notices where nothing was taken yet: then it is too late */
    /* Nothing is taken from a worker that is in a task: where it has more to do, and never comes
     * back from this one, its time is over before its lie is found out. */
    {EVIL_HUGE, ""},
    {EVIL_TINY, ""},
    {EVIL_STATUS, ""},
    {EVIL_LOST, ""},
    {EVIL_CLAIM, NULL},
    {EVIL_AT, "SIGSEGV"},
    {EVIL_ALL, ""},
    {EVIL_BELL_NEVER, NULL},
};

/* One task of many does it; then it does not, and all is well. */
static void misdeed(lab *l, lab_batch *b, const expected *e, uint64_t want)
{
    bid(b, CULPRIT, e->what);
    lab_run(l, b);
    for (uint32_t t = 0; t < TASKS; t++) {
        const skep_pool_result *r = &b->results[t].result;
        const bool culprit = t == CULPRIT && e->cause;
        if (r->status != (culprit ? SKEP_CLOSED : SKEP_OK)) {
            fail_msg("deed %d: task %u: status %d, %s", (int)e->what, t, (int)r->status,
                     r->cause ? r->cause : "-");
        }
        assert_false(r->writing);
        assert_true(r->worker >= 1 && r->worker <= l->factory->workers);
        if (culprit && !strstr(r->cause, e->cause)) {
            fail_msg("deed %d: \"%s\" has no \"%s\"", (int)e->what, r->cause, e->cause);
        }
    }
    bid(b, CULPRIT, EVIL_NONE);
    if (e->cause) try_again(l, b, CULPRIT);
    assert_int_equal(lab_digest(b), want);
}

static void test_misdeeds(void **state)
{
    const uint64_t want = good_digest(TASKS);
    lab l;
    lab_open(&l, *state);
    lab_batch b = build(&l, TASKS);
    b.batch.deadline_ns = DEADLINE_NS;
    bid_all(&b, EVIL_NONE);
    for (uint32_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
        if (SANITIZED && (deeds[i].what == EVIL_STACK || deeds[i].what == EVIL_ABORT)) continue;
        misdeed(&l, &b, &deeds[i], want);
    }
    lab_close(&l);
}

/* Many at once: each task does something else, then all behave. */
static uint32_t storm(lab *l, lab_batch *b, uint32_t rounds, uint64_t want)
{
    static const uint32_t quick[] = {EVIL_NULL, EVIL_SNAPSHOT, EVIL_EXIT, EVIL_CALL,
                                     EVIL_HUGE, EVIL_AT,       EVIL_ALL,  EVIL_DONE_FAR};
    uint32_t x = 7;
    uint32_t lost = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        bid_all(b, EVIL_NONE);
        for (uint32_t i = 0; i < 4; i++) {
            x = x * 1664525u + 1013904223u;
            bid(b, (x >> 8) % TASKS, quick[(x >> 24) % 8]);
        }
        lab_run(l, b);
        for (uint32_t t = 0; t < TASKS; t++) {
            const worker_job_cols *c = b->tasks[t]->parts->columns;
            const bool bad = c->deed.what[0] != EVIL_NONE;
            assert_int_equal(b->results[t].result.status, bad ? SKEP_CLOSED : SKEP_OK);
            bid(b, t, EVIL_NONE);
            lost += bad;
            if (bad) try_again(l, b, t);
        }
        assert_int_equal(lab_digest(b), want);
    }
    return lost;
}

static void test_storm(void **state)
{
    const uint64_t want = good_digest(TASKS);
    lab l;
    lab_open(&l, *state);
    skep_pool_destroy(l.pool);
    l.pool = isolated_pool(&l, 0, NULL);
    assert_non_null(l.pool);
    lab_batch b = build(&l, TASKS);
    b.batch.deadline_ns = DEADLINE_NS;
    const uint32_t descriptors = isolated_descriptors();
    const uint32_t mappings = isolated_mappings();
    (void)storm(&l, &b, SANITIZED ? 2 : 10, want);
    assert_int_equal(isolated_descriptors(), descriptors);
    /* The heap may have grown; sanitizers have shadows of all that was. */
    if (!SANITIZED) assert_in_range(isolated_mappings(), 0, mappings + 2);
    lab_close(&l);
}

/* What the rings hold after a storm: each task that a worker ended, in order and one after another;
 * in the caller's, who was lost and when somebody came. */
static void check_ring(skep_trace *trace, uint32_t thread, uint64_t *records, uint32_t *counts)
{
    uint64_t first = 0;
    uint64_t end = 0;
    const uint32_t count =
        skep__trace_ring_copy(skep__trace_ring_of(trace, thread), 1u << 15, records, &first);
    assert_int_equal(first, 0);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t *r = records + (size_t)i * SKEP__TRACE_WORDS;
        const uint32_t kind = (uint32_t)r[1] & 0xffu;
        assert_true(kind < SKEP__TRACE_KIND_END);
        counts[kind]++;
        if (thread) assert_int_equal(kind, SKEP__TRACE_BLOCK);
        if (thread) assert_true(r[0] >= end);
        assert_true(r[0] + (r[1] >> 8) >= end);
        end = r[0] + (r[1] >> 8);
    }
    assert_true(end <= skep__port_clock_ns());
}

static void test_traced(void **state)
{
    const uint64_t want = good_digest(TASKS);
    const uint32_t rounds = SANITIZED ? 1 : 4;
    const skep_allocator heap = skep__port_allocator();
    skep_trace_desc d = skep_trace_desc_default();
    skep_trace *trace = NULL;
    uint32_t counts[SKEP__TRACE_KIND_END] = {0};
    lab l;
    lab_open(&l, *state);
    skep_pool_destroy(l.pool);
    d.workers = l.factory->workers;
    d.records = 1u << 15;
    d.clock = skep__port_clock_ns;
    d.allocator = heap;
    assert_int_equal(skep_trace_create(&d, &trace), SKEP_OK);
    l.pool = isolated_pool(&l, 0, trace);
    assert_non_null(l.pool);
    lab_batch b = build(&l, TASKS);
    b.batch.deadline_ns = DEADLINE_NS;
    const uint32_t lost = storm(&l, &b, rounds, want);
    const size_t bytes = ((size_t)1 << 15) * SKEP__TRACE_WORDS * sizeof(uint64_t);
    uint64_t *records = heap.alloc(heap.ctx, bytes, 16);
    assert_non_null(records);
    for (uint32_t w = 0; w <= l.factory->workers; w++) check_ring(trace, w, records, counts);
    heap.free(heap.ctx, records, bytes, 16);
    assert_int_equal(counts[SKEP__TRACE_LOST], lost);
    assert_int_equal(counts[SKEP__TRACE_BLOCK], rounds * TASKS);
    assert_in_range(counts[SKEP__TRACE_RESPAWN], lost - 1, 3 * lost);
    lab_close(&l);
    skep_trace_destroy(trace);
}

/* Waits until so many are called so, and says who. One look decides: a worker begins with its
 * spawner's name, so the next may find another number. */
static void await_pids(const char *name, uint32_t count, pid_t *pids)
{
    _Atomic uint32_t never = 0;
    uint32_t found = isolated_find(name, pids, count);
    for (uint32_t i = 0; i < 500 && found != count; i++) {
        skep__port_futex_wait(&never, 0, 10000000);
        found = isolated_find(name, pids, count);
    }
    assert_int_equal(found, count);
}

static void await(const char *name, uint32_t count)
{
    pid_t pids[16];
    assert_true(count <= 16);
    await_pids(name, count, pids);
}

/* More than restart_max in a minute: the pool says so once, and runs nothing any more. */
static void test_budget(void **state)
{
    lab l;
    lab_open(&l, *state);
    skep_pool_destroy(l.pool);
    l.pool = isolated_pool(&l, 5, NULL);
    assert_non_null(l.pool);
    lab_batch b = build(&l, TASKS);
    bid_all(&b, EVIL_NULL);
    lab_run(&l, &b); /* ends all the same, and reports each task once */
    for (uint32_t t = 0; t < TASKS; t++) {
        assert_int_equal(b.results[t].result.status, SKEP_CLOSED);
        assert_non_null(b.results[t].result.cause);
    }
    assert_non_null(strstr(isolated_log(), "restart_max, 5"));
    assert_null(strchr(strchr(isolated_log(), '\n') + 1, '\n'));
    assert_int_equal(l.pool->v->start(l.pool, &b.batch, lab_done, &b), SKEP_CLOSED);
    assert_int_equal(l.pool->v->wait(l.pool, SKEP_FOREVER), 0);
    await("skep worker", 0);
    lab_close(&l);
}

/* ---- from outside --------------------------------------------------------------------------- */

/* Kills whatever is called so, again and again, while batches run. */
typedef struct killer {
    const char *name;
    _Atomic uint32_t stop;
    _Atomic uint32_t kills;
    skep__port_thread thread;
} killer;

static void kill_on(void *arg)
{
    killer *k = arg;
    while (!atomic_load(&k->stop)) {
        pid_t pids[16];
        const uint32_t count = isolated_find(k->name, pids, 16);
        for (uint32_t i = 0; i < count && i < 16; i++) {
            if ((i + atomic_load(&k->kills)) % 2) continue;
            isolated_kill(pids[i]);
        }
        atomic_fetch_add(&k->kills, 1);
        skep__port_futex_wait(&k->stop, 0, 3000000);
    }
}

/* Tasks that were lost are tried again, as often as it takes. */
static void heal(lab *l, lab_batch *b)
{
    for (uint32_t t = 0; t < b->batch.task_count; t++) {
        for (uint32_t tries = 0; b->results[t].result.status == SKEP_CLOSED; tries++) {
            assert_true(tries < 100);
            lab_batch again = *b;
            const skep_pool_task **tasks = lab_take(l, sizeof *tasks, 16);
            skep_pool_task *one = b->tasks[t];
            tasks[0] = one;
            again.tasks = &one;
            again.batch.tasks = tasks;
            again.batch.task_count = 1;
            again.results = lab_take(l, sizeof *again.results, 16);
            lab_run(l, &again);
            b->results[t] = again.results[0];
        }
    }
}

static void killed_from_outside(const conformance_factory *factory, const char *name,
                                uint32_t rounds)
{
    const uint64_t want = good_digest(200);
    lab l;
    killer k = {.name = name};
    lab_open(&l, factory);
    skep_pool_destroy(l.pool);
    l.pool = isolated_pool(&l, 0, NULL);
    assert_non_null(l.pool);
    lab_batch b = build(&l, 200);
    bid_all(&b, EVIL_NONE);
    assert_true(skep__port_thread_create(&k.thread, "killer", kill_on, &k));
    for (uint32_t i = 0; i < rounds || atomic_load(&k.kills) < 3; i++) {
        const size_t used = l.used;
        lab_run(&l, &b);
        heal(&l, &b);
        l.used = used;
        assert_int_equal(lab_digest(&b), want);
    }
    atomic_store(&k.stop, 1);
    skep__port_futex_wake(&k.stop, 1);
    skep__port_thread_join(&k.thread);
    lab_close(&l);
}

static void test_workers_killed(void **state)
{
    killed_from_outside(*state, "skep worker", 300);
}

static void test_spawner_killed(void **state)
{
    const conformance_factory *factory = *state;
    const uint64_t want = good_digest(TASKS);
    lab l;
    lab_open(&l, factory);
    lab_batch b = build(&l, TASKS);
    bid_all(&b, EVIL_NONE);
    for (uint32_t i = 0; i < 3; i++) {
        const size_t said = strlen(isolated_log());
        pid_t pid = 0;
        await_pids("skep spawner", 1, &pid);
        isolated_kill(pid);
        /* Workers die with it, sooner or later; that is when it is missed. */
        for (uint32_t n = 0; !strstr(isolated_log() + said, "ended from outside"); n++) {
            const size_t used = l.used;
            assert_true(n < 100000);
            lab_run(&l, &b);
            heal(&l, &b);
            l.used = used;
            assert_int_equal(lab_digest(&b), want);
        }
    }
    lab_close(&l);
}

/* What workers have not been told of yet. */
SKEP_JOB(another_job, (in, Deed, deed), (out, Total, total))
{
    for (uint32_t i = 0; i < task->n; i++) c->total.v[i] = c->deed.what[i] + 1u;
}

/* A spawner that is on its way out is still a process, for as long as others have the processor:
 * it answers no more, and may not be waited for. */
static void test_spawner_silent(void **state)
{
    const isolated_fds before = isolated_sockets();
    lab l;
    lab_open(&l, *state);
    lab_batch b = build(&l, TASKS);
    bid_all(&b, EVIL_NONE);
    lab_run(&l, &b);
    pid_t pid = 0;
    await_pids("skep spawner", 1, &pid);
    isolated_stop(pid);
    assert_int_equal(isolated_silence(&before), 1);
    const lab_plan plan = {
        .job = &another_job, .task_count = TASKS, .rows_max = 40, .flags = SKEP_BATCH_FORCE};
    lab_batch other = lab_build(&l, &plan);
    lab_run(&l, &other);
    for (uint32_t t = 0; t < TASKS; t++) assert_int_equal(other.results[t].result.status, SKEP_OK);
    assert_non_null(strstr(isolated_log(), "ended from outside"));
    lab_close(&l);
    await("skep spawner", 0);
}

/* Destroying while a job hangs, with nobody waiting for it. */
static void test_close_while_hanging(void **state)
{
    lab l;
    lab_open(&l, *state);
    lab_batch b = build(&l, TASKS);
    bid_all(&b, EVIL_LOOP);
    assert_int_equal(l.pool->v->start(l.pool, &b.batch, lab_done, &b), SKEP_OK);
    assert_int_equal(l.pool->v->wait(l.pool, 20000000), TASKS);
    lab_close(&l); /* comes back, though the jobs would not */
    await("skep worker", 0);
    await("skep spawner", 0);
}

/* ---- memory --------------------------------------------------------------------------------- */

/* Every allocation of creation and of the first large batch fails in turn. */
static void test_allocations_fail(void **state)
{
    const conformance_factory *factory = *state;
    lab l;
    lab_open(&l, factory);
    skep_pool_destroy(l.pool);
    lab_batch b = build(&l, 600);
    bid_all(&b, EVIL_NONE);
    uint32_t created = 0;
    for (uint32_t budget = 0; created < 4; budget++) {
        scarce s = {budget, 0};
        const skep_allocator allocator = scarce_allocator(&s);
        l.pool = factory->create(factory, &allocator, LAB_SCRATCH, &l.region);
        if (l.pool) {
            created++;
            const skep_status status = l.pool->v->start(l.pool, &b.batch, lab_done, &b);
            assert_true(status == SKEP_OK || status == SKEP_NO_MEMORY);
            assert_int_equal(l.pool->v->wait(l.pool, SKEP_FOREVER), 0);
            s.left = 100;
            lab_run(&l, &b);
        }
        skep_pool_destroy(l.pool);
        l.pool = NULL;
        assert_int_equal(s.live, 0);
        assert_true(budget < 40);
    }
    lab_close(&l);
}

/* A task that puts out more than a worker has room for is no worker's fault. */
static void test_too_large(void **state)
{
    const conformance_factory *factory = *state;
    lab l;
    lab_open(&l, factory);
    lab_batch b = build(&l, 9);
    bid_all(&b, EVIL_NONE);
    b.tasks[4]->output_bytes = (uint32_t)300 << 20;
    b.tasks[8]->output_bytes = (uint32_t)300 << 20;
    lab_run(&l, &b);
    for (uint32_t t = 0; t < 9; t++) {
        const skep_pool_result *r = &b.results[t].result;
        assert_int_equal(r->status, t % 4 || !t ? SKEP_OK : SKEP_LIMIT);
        if (r->status != SKEP_OK) assert_non_null(strstr(r->cause, "output_bytes_max"));
    }
    lab_close(&l);
}

/* Pools come and go, and leave nothing. */
static void test_nothing_is_left(void **state)
{
    const conformance_factory *factory = *state;
    uint32_t descriptors = 0;
    uint32_t mappings = 0;
    const uint32_t lives = SANITIZED ? 10 : factory->workers == 2 ? 200 : 20;
    for (uint32_t i = 0; i < lives; i++) {
        lab l;
        lab_open(&l, factory);
        lab_batch b = build(&l, 3);
        bid_all(&b, EVIL_NONE);
        lab_run(&l, &b);
        lab_close(&l);
        if (i == 1) {
            descriptors = isolated_descriptors();
            mappings = isolated_mappings();
        }
    }
    assert_int_equal(isolated_descriptors(), descriptors);
    if (!SANITIZED) assert_in_range(isolated_mappings(), 0, mappings + 2);
    await("skep worker", 0);
    await("skep spawner", 0);
    assert_int_equal(isolated_find("skep zygote", NULL, 0), 1);
}

/* The last of all: without the zygote a pool goes on, until it needs a new spawner. */
static void test_zygote_killed(void **state)
{
    lab l;
    lab_open(&l, *state);
    lab_batch b = build(&l, TASKS);
    bid_all(&b, EVIL_NONE);
    pid_t pid = 0;
    assert_int_equal(isolated_find("skep zygote", &pid, 1), 1);
    isolated_kill(pid);
    bool closed = false;
    for (uint32_t i = 0; !closed; i++) {
        assert_true(i < 100000);
        memset(b.results, 0, sizeof *b.results * TASKS);
        b.delivered = 0;
        const skep_status status = l.pool->v->start(l.pool, &b.batch, lab_done, &b);
        closed = status == SKEP_CLOSED;
        if (closed) break;
        assert_int_equal(status, SKEP_OK);
        assert_int_equal(l.pool->v->wait(l.pool, SKEP_FOREVER), 0);
        assert_int_equal(b.delivered, TASKS);
    }
    lab_close(&l);
}

int main(void)
{
    if (!isolated_begin()) return 1;
    int failed = 0;
    static const uint32_t workers[] = {1, 2, 4};
    for (uint32_t i = 0; i < 3; i++) {
        const conformance_factory *factory = isolated_factory(workers[i]);
        void *with = (void *)(uintptr_t)factory;
        const struct CMUnitTest tests[] = {
            {"misdeeds", test_misdeeds, NULL, NULL, with},
            {"storm", test_storm, NULL, NULL, with},
            {"traced", test_traced, NULL, NULL, with},
            {"budget", test_budget, NULL, NULL, with},
            {"workers killed", test_workers_killed, NULL, NULL, with},
            {"spawner killed", test_spawner_killed, NULL, NULL, with},
            {"spawner silent", test_spawner_silent, NULL, NULL, with},
            {"close while hanging", test_close_while_hanging, NULL, NULL, with},
            {"allocations fail", test_allocations_fail, NULL, NULL, with},
            {"too large", test_too_large, NULL, NULL, with},
            {"nothing is left", test_nothing_is_left, NULL, NULL, with},
        };
        failed += cmocka_run_group_tests_name(factory->name, tests, NULL, NULL);
    }
    const struct CMUnitTest last[] = {
        {"zygote killed", test_zygote_killed, NULL, NULL, (void *)(uintptr_t)isolated_factory(2)},
    };
    failed += cmocka_run_group_tests_name("without a zygote", last, NULL, NULL);
    isolated_end();
    return failed;
}
