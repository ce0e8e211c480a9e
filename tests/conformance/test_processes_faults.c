/* SPDX-License-Identifier: MIT */
/* ctest: timeout=300, threads, waits
 * Jobs that crash, hang, end, eat memory, write where they may not, and forge what the host reads
 * of their worker. Each is reported for its own task, all others are as if it had not been, and a
 * second try without the misbehaviour gives the bits that a good run gives. Then ends from outside,
 * the restart budget, and what is left behind of all that: nothing. */
#include "pool/pool_processes.h"
#include "tests/conformance/isolated.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
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
    *(volatile uint32_t *)(uintptr_t)16 = 1;
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
    {EVIL_HUGE, "lied"},
    {EVIL_TINY, "lied"},
    {EVIL_STATUS, "lied"},
    {EVIL_LOST, "lied"},
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

int main(void)
{
    if (!isolated_begin()) return 1;
    int failed = 0;
    static const uint32_t workers[] = {1, 2, 4};
    for (uint32_t i = 0; i < 3; i++) {
        const conformance_factory *factory = isolated_factory(workers[i]);
        const struct CMUnitTest tests[] = {
            {"misdeeds", test_misdeeds, NULL, NULL, (void *)(uintptr_t)factory},
        };
        failed += cmocka_run_group_tests_name(factory->name, tests, NULL, NULL);
    }
    isolated_end();
    return failed;
}
