/* SPDX-License-Identifier: MIT */
/* The laboratory of tests/conformance in wasm: the cases of conformance.c for the pool of a wasm
 * instance, whichever executor of JavaScript drives it. The host's world stays empty; batches lie
 * in its heap and go to its pool, which knows no worlds.
 *
 * JavaScript drives: lab_case_begin(number), then again and again lab_case_step, which looks at the
 * last run and asks for another one by leaving a batch, until there is none. What did not hold is
 * returned as a text. A run is lab_start, the tasks that are handed over, and lab_wait until
 * nothing is left. */
#include "tests/conformance/conformance.h"

#include "core/base/random.h"
#include "port/port.h"
#include "tests/conformance/conformance_jobs.h"
#include "wasm/host.h"

#define LAB_TEXT(x) LAB_TEXT_OF(x)
#define LAB_TEXT_OF(x) #x
/* Leaves a case with what did not hold. */
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) return "line " LAB_TEXT(__LINE__) ": " #condition;                       \
    } while (0)

/* What a case works with. */
typedef struct bench {
    host *h;
    uint32_t workers;
    bool elsewhere; /* output comes from a memory of the worker's own */
    bool open;
    lab l;
    lab reference;
    lab_batch got;
    lab_batch expected;
    uint64_t want;
    lab_batch *run; /* what is to be run before the next step */
    const char *broken;
    uint32_t heap_used;
} bench;

typedef struct lab_case {
    const char *name;
    const char *(*step)(bench *t, const lab_plan *plan, uint32_t stage);
    lab_plan plan;
} lab_case;

static bench the_bench;

/* ---- what the laboratory asks of its host --------------------------------------------------- */

static skep_status region_commit(void *ctx, size_t offset, size_t bytes)
{
    (void)ctx;
    (void)offset;
    (void)bytes;
    return SKEP_OK;
}

skep_status skep__port_region_open(size_t bytes, skep_region *region)
{
    const skep_allocator *a = &the_bench.h->allocator;
    void *memory = a->alloc(a->ctx, bytes, 64);
    if (!memory) return SKEP_NO_MEMORY;
    memset(memory, 0, bytes);
    *region = (skep_region){memory, bytes, region_commit, &the_bench};
    return SKEP_OK;
}

void skep__port_region_close(skep_region *region)
{
    const skep_allocator *a = &the_bench.h->allocator;
    a->free(a->ctx, region->base, region->bytes_max, 64);
}

skep_allocator skep__port_allocator(void)
{
    return the_bench.h->allocator;
}

/* The pool belongs to the host. */
void skep_pool_destroy(skep_pool *pool)
{
    (void)pool;
}

/* ---- comparing ------------------------------------------------------------------------------ */

static void bench_close(bench *t)
{
    if (!t->open) return;
    lab_close(&t->l);
    lab_close(&t->reference);
    t->open = false;
}

static void bench_open(bench *t)
{
    bench_close(t);
    lab_open(&t->l, NULL);
    lab_open(&t->reference, NULL);
    t->open = true;
}

/* Builds a plan's batch twice, and runs one of them plainly. */
static void bench_build(bench *t, const lab_plan *plan)
{
    t->expected = lab_build(&t->reference, plan);
    lab_run_plainly(&t->reference, &t->expected);
    t->want = lab_digest(&t->expected);
    t->got = lab_build(&t->l, plan);
}

/* Three runs of one plan that equal the plain one: stages 0 to 2 ask for them, 1 to 3 look. */
static const char *same(bench *t, const lab_plan *plan, uint32_t stage)
{
    if (stage && stage <= 3) EXPECT(lab_digest(&t->got) == t->want);
    if (!stage) bench_build(t, plan);
    if (stage < 3) t->run = &t->got;
    return NULL;
}

static bool all_ok(const lab_batch *b)
{
    for (uint32_t t = 0; t < b->batch.task_count; t++) {
        const skep_pool_result *r = &b->results[t].result;
        if (r->status != SKEP_OK || r->cause || r->writing) return false;
    }
    return true;
}

static bool cause_has(const skep_pool_result *r, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = r->cause; at && *at; at++)
        if (strncmp(at, word, length) == 0) return true;
    return false;
}

/* ---- results -------------------------------------------------------------------------------- */

static const uint32_t all_flags[] = {0, SKEP_BATCH_FORCE, SKEP_BATCH_CHECK,
                                     SKEP_BATCH_FORCE | SKEP_BATCH_CHECK, SKEP_BATCH_RETRY};

/* Compares under all flags, in a laboratory of its own each. */
static const char *compare(bench *t, const lab_plan *plan, uint32_t stage)
{
    const uint32_t f = stage / 3;
    lab_plan now = *plan;
    if (stage) EXPECT(lab_digest(&t->got) == t->want);
    if (f == sizeof all_flags / sizeof all_flags[0]) return NULL;
    now.flags = all_flags[f];
    if (stage % 3 == 0) {
        bench_open(t);
        bench_build(t, &now);
    }
    t->run = &t->got;
    return NULL;
}

static const char *in_place(bench *t, const lab_plan *plan, uint32_t stage)
{
    if (t->elsewhere) return NULL; /* what is written in place does not come back */
    if (!stage) {
        bench_build(t, plan);
        EXPECT(t->reference.used == t->l.used);
        t->run = &t->got;
        return NULL;
    }
    EXPECT(all_ok(&t->got));
    for (uint32_t i = 0; i < plan->task_count; i++) {
        const drift_cols *a = t->expected.tasks[i]->parts->columns;
        const drift_cols *b = t->got.tasks[i]->parts->columns;
        const uint32_t n = t->got.tasks[i]->rows;
        EXPECT(memcmp(a->place.x, b->place.x, n * sizeof(float)) == 0);
        EXPECT(memcmp(a->place.y, b->place.y, n * sizeof(float)) == 0);
        EXPECT(memcmp(a->place.z, b->place.z, n * sizeof(double)) == 0);
    }
    return NULL;
}

static const char *values(bench *t, const lab_plan *plan, uint32_t stage)
{
    const char *bad = same(t, plan, stage);
    if (bad || stage < 3) return bad;
    EXPECT(all_ok(&t->got));
    for (uint32_t i = 0; i < plan->task_count; i++) {
        const skep_pool_task *task = t->got.tasks[i];
        const skep_task_part *part = &task->parts[1];
        const fresh_cols *c = part->columns;
        const uint64_t key = (uint64_t)i << 40 | (uint64_t)1 << 32;
        const uint64_t random = skep__random(4711, task->system_key, 77, part->entity[0].bits, 0);
        EXPECT(c->mark.key[0] == (key | part->row) + 1);
        EXPECT(c->mark.kind[0] == skep__random_below(random, 200));
    }
    return NULL;
}

/* ---- patches -------------------------------------------------------------------------------- */

static const char *patches_verify(bench *t, const lab_plan *plan, uint32_t stage)
{
    static const skep_component *const known[] = {&Place_info, &Mark_info, &Hot_info};
    const char *bad = same(t, plan, stage);
    if (bad || stage < 3) return bad;
    EXPECT(all_ok(&t->got));
    for (uint32_t i = 0; i < plan->task_count; i++) {
        uint32_t spawned = 0;
        EXPECT(lab_verify(&t->got, i, known, 3, &spawned) == SKEP_OK);
        EXPECT(spawned == (t->got.tasks[i]->rows + 7) / 8);
    }
    return NULL;
}

static const char *fail(bench *t, const lab_plan *plan, uint32_t stage)
{
    const char *bad = same(t, plan, stage);
    if (bad || stage < 3) return bad;
    for (uint32_t i = 0; i < plan->task_count; i++) {
        const skep_pool_result *r = &t->got.results[i].result;
        EXPECT(r->status == (i % 3 ? SKEP_OK : SKEP_FAULT));
        EXPECT(i % 3 || strcmp(r->cause, "out of patience") == 0);
        EXPECT(*(const uint8_t *)t->got.tasks[i]->output == SKEP_PATCH_LOG);
    }
    return NULL;
}

static const char *forged_right(bench *t, const lab_plan *plan, uint32_t stage)
{
    const char *bad = same(t, plan, stage);
    if (bad || stage < 3) return bad;
    for (uint32_t i = 0; i < plan->task_count; i++) {
        EXPECT(t->got.results[i].result.status == SKEP_ACCESS);
        EXPECT(t->got.results[i].result.bytes == 0);
    }
    return NULL;
}

/* ---- limits --------------------------------------------------------------------------------- */

/* Gives each task the output area that it wanted. */
static const char *enlarge(bench *t, const lab_batch *ample)
{
    for (uint32_t i = 0; i < t->got.batch.task_count; i++) {
        const skep_pool_result *r = &t->got.results[i].result;
        EXPECT(r->status == SKEP_LIMIT);
        EXPECT(cause_has(r, "patch_bytes_max"));
        EXPECT(r->bytes_wanted == ample->results[i].result.bytes);
        t->got.tasks[i]->output_bytes = (uint32_t)r->bytes_wanted;
        t->got.tasks[i]->output = lab_take(&t->l, r->bytes_wanted, 64);
    }
    return NULL;
}

/* A full output area says how much is wanted; exactly that is enough, 8 bytes less are not. */
static const char *output_limit(bench *t, const lab_plan *plan, uint32_t stage)
{
    const char *bad = same(t, plan, stage);
    if (bad || stage < 3) return bad;
    lab_batch *ample = &t->expected;
    t->run = &t->got;
    if (stage == 3) {
        lab_plan large = *plan;
        large.patch_bytes = 32768;
        *ample = lab_build(&t->reference, &large);
        lab_run_plainly(&t->reference, ample);
        t->got.batch.flags |= SKEP_BATCH_RETRY;
        return enlarge(t, ample);
    }
    if (stage == 4) {
        EXPECT(all_ok(&t->got));
        EXPECT(lab_digest(&t->got) == lab_digest(ample));
        for (uint32_t i = 0; i < plan->task_count; i++) t->got.tasks[i]->output_bytes -= 8;
        return NULL;
    }
    t->run = NULL;
    for (uint32_t i = 0; i < plan->task_count; i++) {
        EXPECT(t->got.results[i].result.status == SKEP_LIMIT);
        EXPECT(t->got.results[i].result.bytes_wanted == ample->results[i].result.bytes);
    }
    return NULL;
}

/* A line that does not fit is lost, and fails nothing. */
static const char *log_without_room(bench *t, const lab_plan *plan, uint32_t stage)
{
    const char *bad = same(t, plan, stage);
    if (bad || stage < 3) return bad;
    const skep_pool_result *r = &t->got.results[1].result;
    EXPECT(r->status == SKEP_OK);
    EXPECT(r->bytes == 32);
    EXPECT(r->bytes_wanted == 32 + 56);
    EXPECT(*(const uint8_t *)t->got.tasks[1]->output == SKEP_PATCH_EVENT);
    return NULL;
}

static const char *spawn_limit(bench *t, const lab_plan *plan, uint32_t stage)
{
    static const uint32_t slices[] = {8, 5, 10};
    const uint32_t slice = slices[stage / 4 < 3 ? stage / 4 : 2];
    lab_plan now = *plan;
    now.spawn_count = slice;
    const char *bad = same(t, &now, stage % 4);
    if (bad || stage % 4 < 3) return bad;
    for (uint32_t i = 0; i < plan->task_count; i++) {
        const skep_pool_result *r = &t->got.results[i].result;
        EXPECT(r->status == (slice == 10 ? SKEP_OK : SKEP_LIMIT));
        EXPECT(slice != 8 || cause_has(r, "spawn_max"));
        EXPECT(slice != 5 || cause_has(r, "entity_max")); /* the world cut the slice */
        EXPECT(r->bytes_wanted == 0);
        /* Those that were given are all that is in the output. */
        EXPECT(r->bytes == slice * (16 + 16 + 8 + sizeof(Place)));
    }
    if (slice != 10) t->run = &t->got;
    return NULL;
}

static const char *scratch(bench *t, const lab_plan *plan, uint32_t stage)
{
    const char *bad = same(t, plan, stage);
    if (bad || stage < 3) return bad;
    for (uint32_t i = 0; i < plan->task_count; i++) {
        const skep_pool_result *r = &t->got.results[i].result;
        EXPECT(((const Tally *)t->got.tasks[i]->output)->n == 1000000);
        EXPECT(r->status == (i % 3 == 2 ? SKEP_LIMIT : SKEP_OK));
        EXPECT(i % 3 != 2 || cause_has(r, "scratch_bytes"));
        EXPECT(r->bytes_wanted == 0);
    }
    return NULL;
}

/* ---- checked runs --------------------------------------------------------------------------- */

static const char *check_unwritten(bench *t, const lab_plan *plan, uint32_t stage)
{
    if (!stage) bench_build(t, plan);
    if (stage < 2) t->run = &t->got;
    for (uint32_t i = 0; stage == 1 && i < plan->task_count; i++) {
        const skep_pool_result *r = &t->got.results[i].result;
        const bool lapsed = (i == 1 || i == 2) && t->got.tasks[i]->rows > 2;
        EXPECT(r->status == (lapsed ? SKEP_ACCESS : SKEP_OK));
        EXPECT(!lapsed || strcmp(r->cause, "an `out` row was not written") == 0);
        EXPECT(i != 1 || lapsed);
    }
    if (stage == 1) t->got.batch.flags = 0;
    EXPECT(stage < 2 || all_ok(&t->got));
    return NULL;
}

/* A value that happens to be the pattern is not held against the job, and its patches come once. */
static const char *check_coincidence(bench *t, const lab_plan *plan, uint32_t stage)
{
    const char *bad = same(t, plan, stage);
    if (bad || stage < 3) return bad;
    EXPECT(all_ok(&t->got));
    for (uint32_t i = 0; i < plan->task_count; i++)
        EXPECT(t->got.results[i].result.bytes == 16 + sizeof(Bump));
    return NULL;
}

/* Elsewhere it is the worker's copy that is changed, and the job is named all the same. */
static const char *check_input(bench *t, const lab_plan *plan, uint32_t stage)
{
    if (!stage) {
        bench_build(t, plan);
        t->run = &t->got;
        return NULL;
    }
    const lab_result *r = t->got.results;
    EXPECT(r[0].result.status == SKEP_OK);
    EXPECT(r[1].result.status == SKEP_ACCESS);
    EXPECT(strcmp(r[1].result.cause, "the job changed its input") == 0);
    EXPECT(r[2].result.status == SKEP_OK);
    return NULL;
}

/* ---- batches -------------------------------------------------------------------------------- */

static const char *empty_batches(bench *t, const lab_plan *plan, uint32_t stage)
{
    if (!stage) bench_build(t, plan);
    if (stage == 240) return NULL;
    t->got.batch.task_count = stage % 8;
    t->got.batch.flags = stage % 3 ? SKEP_BATCH_FORCE : 0;
    t->got.batch.cost_ns = stage % 5 * 1000;
    t->run = &t->got;
    return NULL;
}

/* After the first batches no memory is taken. */
static const char *no_allocation(bench *t, const lab_plan *plan, uint32_t stage)
{
    const uint32_t used = (uint32_t)(uintptr_t)t->h->heap->at;
    if (!stage) bench_build(t, plan);
    if (stage == 3) t->heap_used = used;
    if (stage == 20) EXPECT(used == t->heap_used);
    if (stage < 20) t->run = &t->got;
    return NULL;
}

static const char *single_forced_task(bench *t, const lab_plan *plan, uint32_t stage)
{
    const char *bad = same(t, plan, stage);
    if (bad || stage < 3) return bad;
    /* Not forced, it is whoever looks first: the caller, or a worker that is awake. */
    const bool forced = t->got.batch.flags & SKEP_BATCH_FORCE;
    if (forced && t->workers) EXPECT(t->got.results[0].result.worker != 0);
    if (!t->workers) EXPECT(t->got.results[0].result.worker == 0);
    EXPECT(lab_digest(&t->got) == t->want);
    t->got.batch.flags ^= SKEP_BATCH_FORCE;
    if (stage < 60) t->run = &t->got;
    return NULL;
}

/* ---- traps and hangs ------------------------------------------------------------------------ */

/* Does what the plain run may not do, in the second of three tasks. */
SKEP_JOB(trapper, (mut, Place, place))
{
    for (uint32_t i = 0; i < task->n; i++) c->place.x[i] += 1.0f;
    if (task->block % 3 == 1) __builtin_trap();
}

/* A trap is the task's fault, and the worker goes on. */
static const char *trap(bench *t, const lab_plan *plan, uint32_t stage)
{
    if (!stage) t->got = lab_build(&t->l, plan);
    for (uint32_t i = 0; stage && i < plan->task_count; i++) {
        const skep_pool_result *r = &t->got.results[i].result;
        EXPECT(r->status == (i % 3 == 1 ? SKEP_FAULT : SKEP_OK));
        EXPECT(i % 3 != 1 || cause_has(r, "unreachable"));
        EXPECT(i % 3 != 1 || (!r->bytes && !r->writing));
    }
    if (stage < 5) t->run = &t->got;
    return NULL;
}

static volatile uint32_t hung;

/* The first time, one task never ends. */
SKEP_JOB(sleeper, (mut, Place, place))
{
    for (uint32_t i = 0; i < task->n; i++) c->place.y[i] += 1.0f;
    while (task->block == 2 && c->place.z[0] >= 0.0 && !hung) continue;
}

/* Under a deadline the worker is ended and replaced; the other tasks' results are not touched. */
static const char *hang(bench *t, const lab_plan *plan, uint32_t stage)
{
    if (!t->workers) return NULL; /* nobody could end the caller */
    if (!stage) t->got = lab_build(&t->l, plan);
    for (uint32_t i = 0; stage == 1 && i < plan->task_count; i++) {
        const skep_pool_result *r = &t->got.results[i].result;
        EXPECT(r->status == (i == 2 ? SKEP_CLOSED : SKEP_OK));
        EXPECT(i != 2 || cause_has(r, "deadline"));
    }
    EXPECT(stage < 2 || all_ok(&t->got));
    /* Of a worker that has a memory of its own the flag is out of reach: it is given other values.
     */
    hung = stage > 0;
    for (uint32_t i = 0; stage == 1 && i < plan->task_count; i++) {
        const skep_task_part *part = t->got.tasks[i]->parts;
        memset((void *)(uintptr_t)part->writes[2].from, 0xff, part->writes[2].bytes);
    }
    if (stage < 6) t->run = &t->got;
    return NULL;
}

/* ---- skep_pool_for -------------------------------------------------------------------------- */

typedef struct tally_for {
    uint32_t calls;
    uint32_t grain;
    uint32_t n;
    bool bad;
    uint8_t seen[5000];
} tally_for;

static void count_for(void *ctx, uint32_t first, uint32_t n)
{
    tally_for *t = ctx;
    t->calls++;
    t->bad = t->bad || (t->grain && n > t->grain) || first + n > t->n;
    for (uint32_t i = first; i < first + n; i++) t->seen[i]++;
}

static const char *pool_for(bench *t, const lab_plan *plan, uint32_t stage)
{
    static const uint32_t ns[] = {0, 1, 2, 7, 100, 1024, 5000};
    static const uint32_t grains[] = {0, 1, 3, 64, 5000, UINT32_MAX};
    tally_for *tally = lab_take(&t->l, sizeof *tally, 64);
    (void)plan;
    (void)stage;
    for (uint32_t i = 0; i < 42; i++) {
        memset(tally, 0, sizeof *tally);
        tally->n = ns[i % 7];
        tally->grain = grains[i / 7];
        skep_pool_for(&t->h->pool->base, tally->n, tally->grain, count_for, tally);
        EXPECT(!tally->bad);
        for (uint32_t k = 0; k < 5000; k++) EXPECT(tally->seen[k] == (k < tally->n));
        if (!tally->grain) continue;
        EXPECT(tally->calls == tally->n / tally->grain + (tally->n % tally->grain != 0));
    }
    return NULL;
}

/* ---- all ------------------------------------------------------------------------------------ */

static const lab_case cases[] = {
    {"mut_and_in", compare, {.job = &drift, .task_count = 37, .rows_max = 300}},
    {"out_and_random", compare, {.job = &fresh, .task_count = 23, .part_count = 3, .rows_max = 90}},
    {"more_tasks_than_workers", compare, {.job = &drift, .task_count = 700, .rows_max = 3}},
    {"reductions", compare, {.job = &count, .task_count = 19, .part_count = 2, .rows_max = 200}},
    {"unsplit", compare, {.job = &ledger, .task_count = 1, .part_count = 9, .rows_max = 200}},
    {"unsplit", compare, {.job = &ledger, .task_count = 2}}, /* called once without rows */
    {"patches",
     compare,
     {.job = &gossip,
      .task_count = 31,
      .part_count = 2,
      .rows_max = 120,
      .spawn_count = 64,
      .patch_bytes = 32768}},
    {"in_place", in_place, {.job = &drift, .task_count = 33, .rows_max = 500, .in_place = true}},
    {"values", values, {.job = &fresh, .task_count = 5, .part_count = 2, .rows_max = 40}},
    {"patches_verify",
     patches_verify,
     {.job = &gossip,
      .task_count = 25,
      .rows_max = 200,
      .spawn_count = 64,
      .patch_bytes = 32768,
      .flags = SKEP_BATCH_FORCE}},
    {"fail", fail, {.job = &moody, .task_count = 21, .rows_max = 20, .patch_bytes = 256}},
    {"forged_right",
     forged_right,
     {.job = &forger, .task_count = 4, .rows_max = 3, .patch_bytes = 256}},
    {"output_limit",
     output_limit,
     {.job = &gossip,
      .task_count = 9,
      .rows_max = 60,
      .spawn_count = 64,
      .patch_bytes = 64,
      .flags = SKEP_BATCH_FORCE}},
    {"log_without_room",
     log_without_room,
     {.job = &moody, .task_count = 3, .rows_max = 2, .patch_bytes = 32}},
    {"spawn_limit", spawn_limit, {.job = &brood, .task_count = 5, .patch_bytes = 4096}},
    {"scratch",
     scratch,
     {.job = &scribble, .task_count = 30, .rows_max = 1, .flags = SKEP_BATCH_FORCE}},
    {"check_unwritten",
     check_unwritten,
     {.job = &lazy, .task_count = 6, .rows_max = 40, .flags = SKEP_BATCH_CHECK}},
    {"check_coincidence",
     check_coincidence,
     {.job = &unlucky,
      .task_count = 6,
      .rows_max = 40,
      .patch_bytes = 256,
      .flags = SKEP_BATCH_CHECK}},
    {"check_input",
     check_input,
     {.job = &vandal, .task_count = 3, .rows_max = 20, .flags = SKEP_BATCH_CHECK}},
    {"empty_batches", empty_batches, {.job = &idle, .task_count = 7, .rows_max = 2}},
    {"no_allocation",
     no_allocation,
     {.job = &drift, .task_count = 200, .rows_max = 4, .flags = SKEP_BATCH_FORCE}},
    {"single_forced_task",
     single_forced_task,
     {.job = &drift, .task_count = 1, .rows_max = 9, .flags = SKEP_BATCH_FORCE}},
    {"pool_for", pool_for, {0}},
    {"trap", trap, {.job = &trapper, .task_count = 20, .rows_max = 5, .flags = SKEP_BATCH_FORCE}},
    {"hang", hang, {.job = &sleeper, .task_count = 9, .rows_max = 5, .flags = SKEP_BATCH_FORCE}},
};

static const lab_case *the_case;

/* The name of a case, NULL past the last. */
const char *HOST_EXPORT(lab_case_name)(uint32_t number)
{
    return number < sizeof cases / sizeof cases[0] ? cases[number].name : NULL;
}

/* Begins a case on a host whose executor has so many workers. */
void HOST_EXPORT(lab_case_begin)(host *h, uint32_t number, uint32_t workers, uint32_t elsewhere)
{
    bench *t = &the_bench;
    t->h = h;
    t->workers = workers;
    t->elsewhere = elsewhere != 0;
    t->broken = NULL;
    the_case = &cases[number];
    bench_open(t);
}

/* Looks at the last run and asks for the next. Returns what did not hold, or NULL. */
const char *HOST_EXPORT(lab_case_step)(uint32_t stage)
{
    bench *t = &the_bench;
    t->run = NULL;
    return t->broken ? t->broken : the_case->step(t, &the_case->plan, stage);
}

/* Whether a run is asked for. */
uint32_t HOST_EXPORT(lab_case_runs)(void)
{
    return the_bench.run != NULL;
}

void HOST_EXPORT(lab_case_end)(void)
{
    bench_close(&the_bench);
}

/* ---- running -------------------------------------------------------------------------------- */

/* Starts the batch; returns the number of tasks that are handed over, UINT32_MAX when it could not
 * be started. */
uint32_t HOST_EXPORT(lab_start)(void)
{
    lab_batch *b = the_bench.run;
    skep_pool *pool = &the_bench.h->pool->base;
    memset(b->results, 0, sizeof *b->results * b->batch.task_count);
    b->delivered = 0;
    if (pool->v->start(pool, &b->batch, lab_done, b) != SKEP_OK) return UINT32_MAX;
    return the_bench.h->pool->handed_left;
}

/* What holds of all results when nothing is left. */
static const char *delivered(const bench *t, const lab_batch *b)
{
    for (uint32_t i = 0; i < b->batch.task_count; i++) {
        EXPECT(b->results[i].delivered == 1);
        EXPECT(b->results[i].result.worker <= t->workers);
    }
    return NULL;
}

/* Takes part, and returns what is left. What is not left was delivered. */
uint32_t HOST_EXPORT(lab_wait)(void)
{
    bench *t = &the_bench;
    lab_batch *b = t->run;
    skep_pool *pool = &t->h->pool->base;
    const uint32_t left = pool->v->wait(pool, 0);
    if (b->delivered != b->batch.task_count - left) t->broken = "delivered is not what is not left";
    if (!left && !t->broken) t->broken = delivered(t, b);
    return left;
}

/* Gives up the batch that runs. */
void HOST_EXPORT(lab_abandon)(void)
{
    wasm_pool *p = the_bench.h->pool;
    p->batch = NULL;
    p->shared_count = 0;
    p->handed_left = 0;
}
