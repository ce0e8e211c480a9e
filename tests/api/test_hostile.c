/* SPDX-License-Identifier: MIT */
/* ctest: timeout=300, threads
 * What becomes of each kind of fault on each executor, by the scene `hostile`: one table. Where all
 * is healed the world is, to the bit, the one of a run without faults. */
#include "api/log_lines.h"
#include "support/pool_shuffled.h"

#include "skep/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

SKEP_SCENE_DECLARE(hostile);

#define FRAMES 40u

typedef enum where { LOCAL, THREADS, ELSEWHERE, PROCESSES, EXECUTORS } where;

static const char *const where_names[EXECUTORS] = {"local", "threads", "elsewhere", "processes"};

static skep_processes *processes; /* NULL where there are none */

/* What the report says: H healed, S skipped or quarantined; '-': it would end this process, or
 * nobody would notice. */
typedef struct row {
    const char *fault;
    const char *cause; /* part of it */
    skep_status status;
    char action[EXECUTORS + 1];
} row;

static const row rows[] = {
    {"fail", "the moths would not have it", SKEP_FAULT, "SSSS"},
    {"scratch", "scratch_bytes", SKEP_LIMIT, "SSSS"},
    {"spawn", "spawn_max", SKEP_LIMIT, "SSSS"},
    {"undeclared", "patch: the declared access does not allow it", SKEP_ACCESS, "SSHH"},
    {"wrong-size", "patch: the payload has not its component's size", SKEP_ACCESS, "SSHH"},
    {"forged-handle", "patch: this is no entity's handle", SKEP_ACCESS, "SSHH"},
    {"out-of-bounds", "patch: there is no such access entry", SKEP_ACCESS, "SSHH"},
    {"truncated", "patch: the payload has not its component's size", SKEP_ACCESS, "SSHH"},
    {"oversize", "patch: the buffer ends within a payload", SKEP_ACCESS, "SSHH"},
    {"segv", "SIGSEGV, it wrote to address 0x0", SKEP_CLOSED, "---H"},
    {"write-snapshot", "its snapshot, which jobs may only read", SKEP_CLOSED, "---H"},
    {"scribble", "", SKEP_CLOSED, "---H"},
    {"overrun", "past the end of its output", SKEP_CLOSED, "---H"},
    {"exit", "ended itself with exit code 3", SKEP_CLOSED, "---H"},
    {"abort", "aborted itself", SKEP_CLOSED, "---H"},
    {"open-file", "jobs may not call open", SKEP_CLOSED, "---H"},
    {"socket", "jobs may not call socket", SKEP_CLOSED, "---H"},
    {"signal", "jobs may not call kill", SKEP_CLOSED, "---H"},
    {"oom", "it wrote to address 0x0", SKEP_CLOSED, "---H"},
    {"stack", "its stack", SKEP_CLOSED, "---H"},
    {"loop", "deadline: the job took too long", SKEP_CLOSED, "---H"},
};

/* One simulation of the scene, and what on_fault was told. */
typedef struct run {
    skep_sim *sim;
    skep_pool *pool;
    log_lines lines;
    uint32_t told;
    uint32_t actions[5];
    skep_fault last;
    skep_fault kept[64]; /* the first of them */
    skep_status inside;  /* of a step within on_fault */
} run;

static void run_fault(void *ctx, const skep_fault *fault)
{
    run *r = ctx;
    if (r->told < 64) r->kept[r->told] = *fault;
    r->told++;
    r->actions[fault->action]++;
    r->last = *fault;
    if (r->sim) r->inside = skep_sim_step(r->sim, 1.0f);
}

static run *run_open(where at, uint32_t param_count, const char *const *params)
{
    run *r = calloc(1, sizeof *r);
    skep_sim_desc d = skep_sim_desc_default();
    assert_non_null(r);
    d.params = params;
    d.param_count = param_count;
    d.workers = 2;
    d.executor = at == LOCAL       ? SKEP_EXECUTOR_LOCAL
                 : at == PROCESSES ? SKEP_EXECUTOR_PROCESSES
                                   : SKEP_EXECUTOR_THREADS;
    d.processes = processes;
    const bool loops = param_count && !strcmp(params[0], "fault=loop");
    if (at == PROCESSES) d.deadline_ns = loops ? 400000000u : 20000000000u;
    if (at == THREADS) d.grain = 0;
    if (at == ELSEWHERE) d.pool = r->pool = pool_shuffled_create(true, 4711);
    d.log = log_lines_open(&r->lines);
    d.on_fault = run_fault;
    d.on_fault_ctx = r;
    r->inside = SKEP_BUSY;
    const skep_status status = skep_sim_open(&skep_scene_hostile, &d, &r->sim);
    if (status != SKEP_OK) log_lines_print(&r->lines);
    assert_int_equal(status, SKEP_OK);
    return r;
}

static void run_frames(run *r, uint32_t frames)
{
    for (uint32_t f = 0; f < frames; f++) {
        const uint32_t before = r->told;
        assert_int_equal(skep_sim_step(r->sim, 1.0f / 60.0f), SKEP_OK);
        assert_int_equal(r->told - before, skep_sim_report(r->sim)->fault_count);
    }
    assert_int_equal(skep_world_tick(skep_sim_world(r->sim)), frames);
    assert_int_equal(r->inside, SKEP_BUSY);
}

/* Closes, and returns the world's hash. */
static uint64_t run_close(run *r)
{
    assert_int_equal(r->told, skep_sim_fault_total(r->sim));
    assert_int_equal(skep_world_check(skep_sim_world(r->sim)), SKEP_OK);
    const uint64_t hash = skep_sim_hash(r->sim);
    skep_sim_close(r->sim);
    skep_pool_destroy(r->pool);
    free(r);
    return hash;
}

static uint64_t plain_hash(void)
{
    run *r = run_open(LOCAL, 0, NULL);
    run_frames(r, FRAMES);
    assert_int_equal(r->told, 0);
    return run_close(r);
}

/* A sanitizer finds what a job does in its own process, and says it in its own words. */
static bool can_check(const row *w, where at)
{
    if (w->action[at] == '-') return false;
    if (at != PROCESSES) return true;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    if (w->status == SKEP_CLOSED) return false;
#endif
    return processes != NULL;
}

static void row_check(const row *w, where at, uint64_t plain)
{
    char fault[40];
    (void)snprintf(fault, sizeof fault, "fault=%s", w->fault);
    const bool slow = !strcmp(w->fault, "loop");
    const char *params[] = {fault, slow ? "rate=0.002" : "rate=0.012"};
    run *r = run_open(at, 2, params);
    run_frames(r, FRAMES);
    const bool heals = w->action[at] == 'H';
    const uint32_t lost = r->actions[SKEP_FAULT_SKIPPED] + r->actions[SKEP_FAULT_QUARANTINED];
    const uint32_t told = r->told, healed = r->actions[SKEP_FAULT_HEALED];
    const skep_fault last = r->last;
    const uint64_t hash = run_close(r);
    if (!told || !strstr(last.cause, w->cause) || last.status != (uint32_t)w->status)
        print_message("%s, %s: %u faults, \"%s\"\n", where_names[at], w->fault, told, last.cause);
    assert_true(told > 0);
    assert_non_null(strstr(last.cause, w->cause));
    assert_int_equal(last.status, w->status);
    if (w->status != SKEP_CLOSED) assert_string_equal(last.system, "breed");
    if (at == PROCESSES) assert_true(last.worker == 1 || last.worker == 2);
    assert_true(last.block < 4);
    assert_int_equal(last.retried, heals);
    assert_int_equal(heals ? healed : lost, told);
    assert_int_equal(hash == plain, heals);
}

static void the_report_says_what_became_of_each_fault(void **state)
{
    (void)state;
    const uint64_t plain = plain_hash();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int at = 0; at < EXECUTORS; at++)
            if (can_check(&rows[i], (where)at)) row_check(&rows[i], (where)at, plain);
}

/* It may come back, to a world that does not listen any more. On `local` nobody could end it. */
static void a_job_that_does_not_come_back_is_given_up(void **state)
{
    const char *params[] = {"fault=loop", "rate=0.004", "turns=31", "deadline_ms=600"};
    (void)state;
#if defined(__SANITIZE_THREAD__)
    skip(); /* what it reads may be used again meanwhile: a race that does no harm, but is one */
#endif
    run *plain = run_open(LOCAL, 0, NULL);
    run_frames(plain, 12);
    const uint64_t want = run_close(plain);
    run *r = run_open(THREADS, 4, params);
    run_frames(r, 12);
    assert_true(r->told > 0);
    assert_int_equal(r->actions[SKEP_FAULT_HEALED], r->told);
    assert_non_null(strstr(r->last.cause, "deadline"));
    assert_true(r->last.retried && r->last.worker != 0);
    assert_int_equal(run_close(r), want);
}

/* With `attempts=all` the second try fails too. */
static void what_fails_twice_is_dropped(void **state)
{
    const char *params[] = {"fault=bad-patch", "rate=0.012", "attempts=all"};
    (void)state;
    uint64_t hash[EXECUTORS];
    for (int at = 0; at < EXECUTORS - !processes; at++) {
        run *r = run_open((where)at, 3, params);
        run_frames(r, FRAMES);
        assert_true(r->told > 0);
        assert_int_equal(r->actions[SKEP_FAULT_HEALED], 0);
        assert_int_equal(r->last.retried, at >= ELSEWHERE);
        hash[at] = run_close(r);
    }
    for (int at = 1; at < EXECUTORS - !processes; at++) assert_int_equal(hash[at], hash[0]);
}

/* Three faults in a row, then sixty frames of rest; release ends them early. */
static void quarantine_and_release_are_told(void **state)
{
    const char *params[] = {"fault=fail", "rate=1"};
    (void)state;
    for (int at = 0; at < EXECUTORS - !processes; at++) {
        run *r = run_open((where)at, 2, params);
        skep_plan *plan = skep_sim_plan(r->sim);
        run_frames(r, 3);
        assert_int_equal(r->actions[SKEP_FAULT_SKIPPED], 2);
        assert_int_equal(r->actions[SKEP_FAULT_QUARANTINED], 1);
        assert_int_equal(r->last.until, 63);
        assert_int_equal(r->last.blocks, 4);
        assert_true(skep_plan_quarantined(plan, "breed"));
        for (uint32_t f = 0; f < 20; f++) assert_int_equal(skep_sim_step(r->sim, 0.01f), SKEP_OK);
        assert_int_equal(r->told, 3);
        assert_int_equal(skep_plan_release(plan, "breed"), SKEP_OK);
        assert_int_equal(skep_sim_step(r->sim, 0.01f), SKEP_OK);
        assert_int_equal(r->told, 4);
        assert_int_equal(r->last.action, SKEP_FAULT_SKIPPED);
        assert_int_equal(r->last.strikes, 1);
        (void)run_close(r);
    }
}

static void the_fallback_is_told(void **state)
{
    const char *params[] = {"fault=scratch", "rate=0.012", "fallback=1"};
    (void)state;
    uint64_t hash[EXECUTORS];
    for (int at = 0; at < EXECUTORS - !processes; at++) {
        run *r = run_open((where)at, 3, params);
        run_frames(r, FRAMES);
        assert_true(r->actions[SKEP_FAULT_FALLBACK] > 0);
        assert_int_equal(r->actions[SKEP_FAULT_SKIPPED], 0);
        hash[at] = run_close(r);
    }
    for (int at = 1; at < EXECUTORS - !processes; at++) assert_int_equal(hash[at], hash[0]);
}

/* A job that crashed in a process, and was healed, must not crash the program that plays the
 * recording: there it begins with its second try. */
static void what_was_healed_is_played_back_in_process(void **state)
{
    const char *params[] = {"fault=segv", "rate=0.02"};
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#endif
    if (!processes) skip();
    run *recorded = run_open(PROCESSES, 2, params);
    run_frames(recorded, FRAMES);
    assert_true(recorded->told > 2 && recorded->told <= 64);
    for (int at = LOCAL; at <= ELSEWHERE; at++) {
        run *r = run_open((where)at, 2, params);
        skep_plan *plan = skep_sim_plan(r->sim);
        assert_int_equal(skep_plan_replay(plan, recorded->kept, recorded->told), SKEP_OK);
        run_frames(r, FRAMES);
        assert_int_equal(r->told, 0);
        assert_int_equal(run_close(r), plain_hash());
    }
    assert_int_equal(run_close(recorded), plain_hash());
}

int main(void)
{
    char why[256];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_report_says_what_became_of_each_fault),
        cmocka_unit_test(a_job_that_does_not_come_back_is_given_up),
        cmocka_unit_test(what_fails_twice_is_dropped),
        cmocka_unit_test(quarantine_and_release_are_told),
        cmocka_unit_test(the_fallback_is_told),
        cmocka_unit_test(what_was_healed_is_played_back_in_process),
    };
    if (skep_processes_available() &&
        skep_processes_start(NULL, &processes, why, sizeof why) != SKEP_OK) {
        (void)fprintf(stderr, "%s\n", why);
        return 1;
    }
    const int failed = cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
    skep_processes_end(processes);
    return failed;
}
