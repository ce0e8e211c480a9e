/* SPDX-License-Identifier: MIT */
/* ctest: threads timeout=300
 * Storms: so many faults that whatever is wrong one time in a thousand shows. The scene `hostile`
 * does all that a second try heals, in isolated processes, until there were SKEP_STORM faults
 * (2,000 unless it is set; `make storm` says 100,000). No frame may be lost, the world must end as
 * one without faults, to the bit, and nothing may be left over: no process, descriptor or mapping.
 * A second storm is of what threads contain. */
#include "census.h"
#include "port/port.h"

#include "skep/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

SKEP_SCENE_DECLARE(hostile);

#define DEADLINE_MS 250u
#define ENTITIES "entities=8000"
#define TIMES_MAX 200000u
#define TELL_EACH 10000u

static skep_processes *processes; /* NULL where there are none */

/* ---- what a storm was like ------------------------------------------------------------------- */

/* A cause, told by a part of its text. */
typedef struct kind {
    const char *part;
    const char *name;
    uint32_t count;
} kind;

static kind kinds[] = {
    {"it wrote to address 0x0", "wrote to address 0", 0},
    {"its snapshot", "wrote to its snapshot", 0},
    {"past the end of its output", "wrote past its output", 0},
    {"stack", "stack overflowed", 0},
    {"SIGSEGV", "wrote anywhere", 0},
    {"SIGBUS", "wrote anywhere", 0},
    {"aborted", "aborted", 0},
    {"exit code", "ended the process", 0},
    {"openat", "opened a file", 0},
    {"socket", "opened a socket", 0},
    {"kill", "sent a signal", 0},
    {"SIGSYS", "other system calls", 0},
    {"deadline", "deadline", 0},
    {"does not allow", "patch: undeclared", 0},
    {"component's size", "patch: size, cut off", 0},
    {"no entity's handle", "patch: forged handle", 0},
    {"access entry", "patch: out of bounds", 0},
    {"within a payload", "patch: oversize", 0},
    {"", "other", 0},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

typedef struct storm {
    skep_sim *sim;
    char said[1024]; /* the last error */
    uint64_t blocks; /* that failed, which is the number of faults */
    uint32_t lost;   /* faults that were not healed */
    uint32_t frames;
    uint32_t calm_count; /* times of frames without a fault, and with one */
    uint32_t one_count;
    skep_fault worst; /* the last that was not healed */
} storm;

static uint64_t calm_ns[TIMES_MAX], one_ns[TIMES_MAX];

static void storm_fault(void *ctx, const skep_fault *fault)
{
    storm *s = ctx;
    s->blocks += fault->blocks;
    for (size_t i = 0; i < KINDS; i++) {
        if (!strstr(fault->cause, kinds[i].part)) continue;
        kinds[i].count++;
        break;
    }
    if (fault->action == SKEP_FAULT_HEALED) return;
    s->lost++;
    s->worst = *fault;
}

static void storm_log(void *ctx, skep_log_level level, const char *text)
{
    storm *s = ctx;
    if (level == SKEP_LOG_ERROR) (void)snprintf(s->said, sizeof s->said, "%s", text);
}

static void storm_open(storm *s, skep_executor executor, const char *fault, const char *rate,
                       const char *attempts)
{
    const char *params[] = {ENTITIES, fault, rate, attempts};
    skep_sim_desc d = skep_sim_desc_default();
    memset(s, 0, sizeof *s);
    d.params = params;
    d.param_count = 4;
    d.executor = executor;
    d.workers = 2;
    d.processes = executor == SKEP_EXECUTOR_PROCESSES ? processes : NULL;
    d.deadline_ns = executor == SKEP_EXECUTOR_PROCESSES ? DEADLINE_MS * 1000000u : 0;
    d.restart_max = SKEP_RESTARTS_ANY;
    d.trace_off = true;
    d.log.fn = storm_log;
    d.log.ctx = s;
    d.on_fault = storm_fault;
    d.on_fault_ctx = s;
    const skep_status status = skep_sim_open(&skep_scene_hostile, &d, &s->sim);
    if (status != SKEP_OK) print_message("%s\n", s->said);
    assert_int_equal(status, SKEP_OK);
}

static void storm_frame(storm *s)
{
    const uint64_t before = s->blocks, began = skep__port_clock_ns();
    const skep_status status = skep_sim_step(s->sim, 1.0f / 60.0f);
    const uint64_t ns = skep__port_clock_ns() - began;
    s->frames++;
    if (status != SKEP_OK) print_message("%s\n", s->said);
    assert_int_equal(status, SKEP_OK);
    if (s->blocks == before && s->calm_count < TIMES_MAX) calm_ns[s->calm_count++] = ns;
    if (s->blocks == before + 1 && s->one_count < TIMES_MAX) one_ns[s->one_count++] = ns;
    if (skep_plan_quarantined(skep_sim_plan(s->sim), "breed"))
        assert_int_equal(skep_plan_release(skep_sim_plan(s->sim), "breed"), SKEP_OK);
}

static uint64_t storm_close(storm *s)
{
    assert_int_equal(skep_world_tick(skep_sim_world(s->sim)), s->frames);
    assert_int_equal(skep_world_check(skep_sim_world(s->sim)), SKEP_OK);
    const uint64_t hash = skep_sim_hash(s->sim);
    skep_sim_close(s->sim);
    s->sim = NULL;
    return hash;
}

/* ---- figures --------------------------------------------------------------------------------- */

static int order_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static double percentile_us(uint64_t *ns, uint32_t count, uint32_t percent)
{
    if (!count) return 0.0;
    qsort(ns, count, sizeof *ns, order_u64);
    const uint64_t at = (uint64_t)(count - 1) * percent / 100u;
    return (double)ns[at] / 1e3;
}

static void storm_print(const char *where, const storm *s, uint64_t ns, uint64_t hash)
{
    const double calm = percentile_us(calm_ns, s->calm_count, 50);
    print_message("%s: %llu faults in %u frames and %.1f s, %.0f a second; 0 frames lost, hash "
                  "%016llx\n",
                  where, (unsigned long long)s->blocks, s->frames, (double)ns / 1e9,
                  (double)s->blocks / ((double)ns / 1e9), (unsigned long long)hash);
    print_message("  the first cause of each system in each frame:\n");
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].count) print_message("  %8u  %s\n", kinds[i].count, kinds[i].name);
    print_message("  a frame takes %.0f us; with one fault in it, p50 %.0f us more, p90 %.0f us "
                  "more\n",
                  calm, percentile_us(one_ns, s->one_count, 50) - calm,
                  percentile_us(one_ns, s->one_count, 90) - calm);
}

static uint32_t faults_wanted(void)
{
    const char *asked = getenv("SKEP_STORM");
    return asked ? (uint32_t)strtoul(asked, NULL, 10) : 2000u;
}

/* The world after so many frames without faults. */
static uint64_t calm_hash(uint32_t frames)
{
    storm s;
    storm_open(&s, SKEP_EXECUTOR_THREADS, "fault=none", "rate=0.08", "attempts=first");
    while (s.frames < frames) storm_frame(&s);
    assert_int_equal(s.blocks, 0);
    return storm_close(&s);
}

/* ---- storms ---------------------------------------------------------------------------------- */

static void expect_same(const char *when, const census *before, const census *now)
{
    if (memcmp(before, now, sizeof *now) != 0)
        print_message("%s: %u descriptors, %u mappings, %u processes; were %u, %u, %u\n", when,
                      now->descriptors, now->mappings, now->processes, before->descriptors,
                      before->mappings, before->processes);
    assert_int_equal(now->descriptors, before->descriptors);
    assert_int_equal(now->mappings, before->mappings);
    assert_int_equal(now->processes, before->processes);
}

/* Frames until there were so many faults; of long ones it says from time to time how far it is. */
static void storm_blow(storm *s, uint64_t faults)
{
    uint64_t next = s->blocks + TELL_EACH;
    while (s->blocks < faults) {
        storm_frame(s);
        if (s->blocks >= next) {
            print_message("  %llu faults\n", (unsigned long long)s->blocks);
            next += TELL_EACH;
        }
        if (!s->lost) continue;
        print_message("frame %llu, system %s, block %u: %s\n", (unsigned long long)s->worst.frame,
                      s->worst.system, s->worst.block, s->worst.cause);
        fail();
    }
}

static void processes_survive_a_storm(void **state)
{
    storm s;
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* what jobs do wrong is what a sanitizer looks for */
#endif
    if (!processes) skip();
    const uint32_t wanted = faults_wanted();
    const census before = census_take();
    storm_open(&s, SKEP_EXECUTOR_PROCESSES, "fault=mix", "rate=0.08", "attempts=first");
    storm_blow(&s, wanted / 20u);
    census early = census_take();
    const uint64_t faults_early = s.blocks, began = skep__port_clock_ns();
    storm_blow(&s, faults_early + wanted);
    const uint64_t ns = skep__port_clock_ns() - began;
    census late = census_take();
    /* One may be on its way out, and its successor on its way in. */
    assert_true(late.processes <= early.processes + 2 && early.processes <= late.processes + 2);
    late.processes = early.processes;
    expect_same("within the storm", &early, &late);
    const uint32_t frames = s.frames;
    s.blocks -= faults_early;
    const uint64_t hash = storm_close(&s);
    const census after = census_take();
    expect_same("after the storm", &before, &after);
    storm_print("processes", &s, ns, hash);
    assert_int_equal(hash, calm_hash(frames));
}

/* Faults that a job reports, and bad patches: the same ones everywhere, so the same world. */
static void threads_survive_what_they_contain(void **state)
{
    static const skep_executor where[] = {SKEP_EXECUTOR_THREADS, SKEP_EXECUTOR_LOCAL};
    uint64_t hash[2] = {0, 0}, blocks[2] = {0, 0};
    const uint32_t wanted = faults_wanted();
    uint32_t frames = 0;
    storm s;
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        const uint64_t began = skep__port_clock_ns();
        for (size_t k = 0; k < KINDS; k++) kinds[k].count = 0;
        storm_open(&s, where[i], "fault=mild", "rate=0.2", "attempts=all");
        while (i ? s.frames < frames : s.blocks < wanted) storm_frame(&s);
        frames = s.frames;
        blocks[i] = s.blocks;
        const storm kept = s;
        const uint64_t ns = skep__port_clock_ns() - began;
        hash[i] = storm_close(&s);
        if (!i)
            print_message("threads: %llu faults in %u frames, %.0f a second, 0 frames lost\n",
                          (unsigned long long)kept.blocks, frames,
                          (double)kept.blocks / ((double)ns / 1e9));
    }
    assert_int_equal(hash[0], hash[1]);
    assert_int_equal(blocks[0], blocks[1]);
}

int main(void)
{
    char why[256];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_survive_a_storm),
        cmocka_unit_test(threads_survive_what_they_contain),
    };
    if (skep_processes_available() &&
        skep_processes_start(NULL, &processes, why, sizeof why) != SKEP_OK) {
        (void)fprintf(stderr, "%s\n", why);
        return 1;
    }
    const int failed = cmocka_run_group_tests_name("storm", tests, NULL, NULL);
    skep_processes_end(processes);
    return failed;
}
