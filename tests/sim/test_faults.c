/* SPDX-License-Identifier: MIT */
/* Faults from seeds: what becomes of them must depend on the reports alone, not on their order; a
 * recorded fault log replays to the same world; whatever fails, what else ran stays as it is.
 * A failure prints its seed; SKEP_SEED=n runs that one alone. */
#include "support/plan_lab.h"
#include "support/zoo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 24u
#define SEEDS 60u
#define LOG_MAX 512u

SKEP_COMPONENT(Num, (u32, n));
SKEP_COMPONENT(Bit, (bool, up));
SKEP_EVENT(Note, (u32, n));
SKEP_RESOURCE(Sum, (u64, n));

static plan_lab *lab_new(const skep_plan_desc *d)
{
    plan_lab *l = malloc(sizeof *l);
    assert_non_null(l);
    plan_lab_open(l, 20000, d);
    return l;
}

static void lab_end(plan_lab *l)
{
    assert_int_equal(skep_world_check(l->world), SKEP_OK);
    plan_lab_close(l);
    free(l);
}

/* ---- random faults --------------------------------------------------------------------------- */

typedef struct chaos {
    plan_lab *lab;
    uint64_t seed;
    uint32_t one_in; /* blocks; 0: nothing fails */
} chaos;

static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* What happens to a block depends on seed, frame, job, block and try; never on when it is asked. */
static void chaos_spoil(void *ctx, const char *job, uint32_t block, uint32_t flags,
                        skep_pool_result *result)
{
    const chaos *c = ctx;
    uint64_t h = mix(c->seed) ^ skep_world_tick(c->lab->world);
    for (const char *at = job; *at; at++) h = mix(h ^ (uint64_t)*at);
    h = mix(h ^ block) + (flags & SKEP_BATCH_RETRY ? 1 : 0);
    h = mix(h);
    if (!c->one_in || h % c->one_in != 0 || result->status == SKEP_LIMIT) return;
    /* These write in place, and nobody can take that back. */
    if (!c->lab->host.elsewhere && (!strcmp(job, "zoo_move") || !strcmp(job, "zoo_wide"))) return;
    static const skep_status kinds[] = {SKEP_CLOSED, SKEP_FAULT, SKEP_ACCESS, SKEP_CLOSED,
                                        SKEP_LIMIT};
    result->status = kinds[(h >> 32) % 5u];
    result->cause = "chaos";
    result->writing = result->status == SKEP_CLOSED && (h >> 40) % 4u == 0;
    if (result->writing) result->worker = 1 + (uint32_t)((h >> 50) % 4u);
    result->bytes_wanted = 0;
}

typedef struct story {
    uint64_t hashes[FRAMES];
    skep_fault faults[LOG_MAX];
    uint32_t fault_count;
    uint32_t actions[5];
} story;

static void workers_gone(plan_lab *l)
{
    uint32_t worker = skep_plan_parked_worker(l->plan, 0);
    for (; worker; worker = skep_plan_parked_worker(l->plan, worker)) {
        skep_plan_worker_gone(l->plan, worker);
    }
}

static void story_frame(plan_lab *l, story *s, uint32_t f)
{
    zoo_disturb(l, f);
    plan_lab_clear(l);
    plan_lab_frame(l, 0.016f);
    s->hashes[f] = skep_world_hash(l->world);
    for (uint32_t i = 0; i < l->report.fault_count && s->fault_count < LOG_MAX; i++) {
        skep_fault *fault = &s->faults[s->fault_count++];
        *fault = l->report.faults[i];
        s->actions[fault->action]++;
        fault->worker = 0; /* who ran it may differ */
        fault->retry_worker = 0;
    }
    if (f % 3 == 2) workers_gone(l);
}

/* Runs the zoo with chaos in one order; `replay` gives faults of another run instead of chaos. */
static void story_run(uint64_t seed, uint64_t order, bool elsewhere, const story *replay, story *s)
{
    plan_lab *l = lab_new(NULL);
    chaos c = {l, seed, replay ? 0 : 12};
    memset(s, 0, sizeof *s);
    l->spoil = chaos_spoil;
    l->spoil_ctx = &c;
    l->shuffled = order != 0;
    l->random = order;
    l->early = order % 2;
    l->host.elsewhere = elsewhere;
    zoo_fill(l, 1500, seed);
    zoo_systems(l, true);
    if (replay) {
        assert_int_equal(skep_plan_replay(l->plan, replay->faults, replay->fault_count), SKEP_OK);
    }
    for (uint32_t f = 0; f < FRAMES; f++) story_frame(l, s, f);
    workers_gone(l);
    lab_end(l);
}

static bool same_hashes(const story *a, const story *b, uint64_t seed, const char *what)
{
    for (uint32_t f = 0; f < FRAMES; f++) {
        if (a->hashes[f] == b->hashes[f]) continue;
        print_message("SKEP_SEED=%llu: %s: frame %u differs\n", (unsigned long long)seed, what, f);
        return false;
    }
    return true;
}

/* The faults of a story without the healed ones, which a replay does not have. */
static uint32_t unhealed(const story *s, skep_fault *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->fault_count; i++) {
        if (s->faults[i].action != SKEP_FAULT_HEALED) out[n++] = s->faults[i];
    }
    return n;
}

static void seed_story(uint64_t seed, uint32_t *actions)
{
    static story plain, other;
    static skep_fault a[LOG_MAX], b[LOG_MAX];
    const bool elsewhere = seed % 2 == 1;
    story_run(seed, 0, elsewhere, NULL, &plain);
    for (uint32_t i = 0; i < 5; i++) actions[i] += plain.actions[i];
    for (uint64_t order = 1; order <= 2; order++) {
        story_run(seed, mix(seed) + order, elsewhere, NULL, &other);
        assert_true(same_hashes(&plain, &other, seed, "another order"));
        assert_int_equal(plain.fault_count, other.fault_count);
        assert_memory_equal(plain.faults, other.faults, plain.fault_count * sizeof *plain.faults);
    }
    story_run(seed, 0, elsewhere, &plain, &other);
    assert_true(same_hashes(&plain, &other, seed, "replay"));
    const uint32_t n = unhealed(&plain, a);
    assert_int_equal(unhealed(&other, b), n);
    assert_memory_equal(a, b, n * sizeof *a);
}

static void seeds_give_one_world_and_replay(void **state)
{
    (void)state;
    const char *one = getenv("SKEP_SEED");
    uint32_t actions[5] = {0};
    if (one) {
        seed_story(strtoull(one, NULL, 10), actions);
        return;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++) seed_story(seed, actions);
    assert_true(actions[SKEP_FAULT_HEALED] > 0);
    assert_true(actions[SKEP_FAULT_FALLBACK] > 0);
    assert_true(actions[SKEP_FAULT_SKIPPED] > 0);
    assert_true(actions[SKEP_FAULT_QUARANTINED] > 0);
    assert_int_equal(actions[SKEP_FAULT_KEPT], 0);
}

/* ---- one fault at a time ------------------------------------------------------------------------
 */

SKEP_JOB(bump, (mut, Num, num), (emit, Note, note))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->num.n[i]++;
        if (i == 0) Note_send(task, c->note, skep_entity_null(), SKEP_LIT(Note, c->num.n[i]));
    }
}

SKEP_JOB(other_bump, (mut, Bit, bit), (emit, Note, note))
{
    for (uint32_t i = 0; i < task->n; i++) c->bit.up[i] = !c->bit.up[i];
    (void)c->note;
}

SKEP_JOB(count_notes, (events, Note, notes), (sum, Sum, sum))
{
    c->sum->n += c->notes.count;
    (void)task;
}

/* Says how often a block of `job` fails, and how. */
typedef struct trap {
    const char *job;
    uint32_t block;
    uint32_t left; /* so many times */
    skep_status status;
    bool writing;
    uint32_t fell; /* so often */
    plan_lab *lab; /* with `held`: notes where hung tasks write */
    void *held[64];
    uint32_t held_count;
} trap;

/* Notes the first column of the one part of the task that just ran. */
static void trap_hold(trap *t, const skep_pool_result *result)
{
    const skep_pool_task *task = t->lab->batch->tasks[result->task];
    assert_true(t->held_count < 64);
    memcpy(&t->held[t->held_count++], task->parts[0].columns, sizeof(void *));
}

static void trap_spoil(void *ctx, const char *job, uint32_t block, uint32_t flags,
                       skep_pool_result *result)
{
    trap *t = ctx;
    (void)flags;
    if (!t->left || strcmp(job, t->job) != 0 || block != t->block) return;
    t->left--;
    t->fell++;
    if (t->lab && t->writing) trap_hold(t, result);
    result->status = t->status;
    result->cause = "a trap";
    result->writing = t->writing;
    result->worker = 2;
}

static void nums(plan_lab *l, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        skep_entity e;
        assert_int_equal(skep_entity_create(l->world, &e), SKEP_OK);
        assert_int_equal(Num_attach(l->world, e, SKEP_LIT(Num, 0)), SKEP_OK);
        assert_int_equal(Bit_attach(l->world, e, SKEP_LIT(Bit, false)), SKEP_OK);
    }
}

static void expect_nums(plan_lab *l, uint32_t n, uint32_t value)
{
    for (uint32_t i = 0; i < n; i++) {
        Num num = {~0u};
        assert_true(Num_of(l->world, skep_entity_make(i, 1), &num));
        if (num.n != value) print_message("row %u\n", i);
        assert_int_equal(num.n, value);
    }
}

static skep_status bump_run(void *ctx, skep_world *world, float dt)
{
    uint32_t *ran = ctx;
    (void)dt;
    (*ran)++;
    for (uint32_t i = 0; i < 3000; i++) {
        if (Num_set(world, skep_entity_make(i, 1), SKEP_LIT(Num, 1000)) != SKEP_OK)
            return SKEP_FAULT;
    }
    return SKEP_OK;
}

/* D5: a failing job drops its whole output; what runs beside it is not disturbed, and nothing of it
 * comes later. */
static void d5_a_failing_block_drops_the_whole_system(void **state)
{
    (void)state;
    plan_lab *l = lab_new(NULL);
    trap t = {"bump", 1, 1, SKEP_LIMIT, false, 0, NULL, {NULL}, 0};
    nums(l, 3000);
    plan_lab_job(l, "update", &bump, NULL);
    plan_lab_job(l, "update", &other_bump, NULL);
    plan_lab_job(l, "late", &count_notes, NULL);
    l->spoil = trap_spoil;
    l->spoil_ctx = &t;
    l->shuffled = true;
    plan_lab_frame(l, 1);
    expect_nums(l, 3000, 0);
    Bit bit = {false};
    assert_true(Bit_of(l->world, skep_entity_make(2999, 1), &bit));
    assert_true(bit.up);
    assert_int_equal(Sum_read(l->world)->n, 0);
    assert_int_equal(l->report.fault_count, 1);
    const skep_fault *f = &l->report.faults[0];
    assert_string_equal(f->system, "bump");
    assert_int_equal(f->block, 1);
    assert_int_equal(f->row, 1024);
    assert_int_equal(f->rows, 1024);
    assert_int_equal(f->action, SKEP_FAULT_SKIPPED);
    assert_int_equal(f->strikes, 1);
    for (uint32_t i = 1; i <= 3; i++) {
        plan_lab_frame(l, 1);
        expect_nums(l, 3000, i);
        assert_int_equal(Sum_read(l->world)->n, 3);
        assert_int_equal(l->report.fault_count, 0);
    }
    lab_end(l);
}

static void a_lost_worker_is_made_good_by_a_second_try(void **state)
{
    (void)state;
    plan_lab *l = lab_new(NULL);
    trap t = {"bump", 2, 1, SKEP_CLOSED, false, 0, NULL, {NULL}, 0};
    nums(l, 3000);
    plan_lab_job(l, "update", &bump, NULL);
    l->spoil = trap_spoil;
    l->spoil_ctx = &t;
    for (uint32_t i = 1; i <= 5; i++) {
        t.left = 1;
        plan_lab_frame(l, 1);
        expect_nums(l, 3000, i);
        assert_int_equal(l->report.retries, 1);
        assert_int_equal(l->report.fault_count, 1);
        assert_int_equal(l->report.faults[0].action, SKEP_FAULT_HEALED);
        assert_true(l->report.faults[0].retried);
    }
    assert_false(skep_plan_quarantined(l->plan, "bump")); /* healed ones do not count */
    lab_end(l);
}

static void what_the_job_says_is_not_tried_again(void **state)
{
    (void)state;
    plan_lab *l = lab_new(NULL);
    trap t = {"zoo_heal", 0, 9, SKEP_FAULT, false, 0, NULL, {NULL}, 0};
    zoo_fill(l, 500, 1);
    zoo_systems(l, false);
    l->spoil = trap_spoil;
    l->spoil_ctx = &t;
    plan_lab_frame(l, 0.016f);
    plan_lab_frame(l, 0.016f);
    assert_int_equal(l->report.retries, 0); /* MAY_FAIL and FAULT: skep_fail, which is pure */
    assert_int_equal(l->report.fault_count, 1);
    t.job = "zoo_hurt";
    plan_lab_frame(l, 0.016f);
    assert_int_equal(l->report.retries, 1); /* a trap may be the worker's fault */
    lab_end(l);
}

static void the_fallback_does_the_work(void **state)
{
    (void)state;
    plan_lab *l = lab_new(NULL);
    trap t = {"bump", 1, 2, SKEP_CLOSED, false, 0, NULL, {NULL}, 0};
    uint32_t ran = 0;
    nums(l, 3000);
    skep_system_desc d = skep_system_desc_default();
    d.job = &bump;
    d.run = bump_run;
    d.ctx = &ran;
    plan_lab_add(l, &d);
    l->spoil = trap_spoil;
    l->spoil_ctx = &t;
    plan_lab_frame(l, 1);
    assert_int_equal(ran, 1);
    expect_nums(l, 3000, 1000);
    assert_int_equal(l->report.faults[0].action, SKEP_FAULT_FALLBACK);
    assert_true(l->report.faults[0].fallback);
    plan_lab_frame(l, 1);
    assert_int_equal(ran, 1);
    expect_nums(l, 3000, 1001);
    lab_end(l);
}

static void three_faults_bring_a_growing_quarantine(void **state)
{
    (void)state;
    skep_plan_desc d = skep_plan_desc_default();
    d.fault_frames = 10;
    d.release_frames = 4;
    plan_lab *l = lab_new(&d);
    trap t = {"bump", 0, 3, SKEP_LIMIT, false, 0, NULL, {NULL}, 0};
    nums(l, 100);
    plan_lab_job(l, "update", &bump, NULL);
    l->spoil = trap_spoil;
    l->spoil_ctx = &t;
    for (uint32_t i = 0; i < 3; i++) plan_lab_frame(l, 1);
    assert_int_equal(l->report.faults[0].action, SKEP_FAULT_QUARANTINED);
    assert_int_equal(l->report.faults[0].until, 7); /* frames 3 to 6 */
    assert_true(skep_plan_quarantined(l->plan, "bump"));
    for (uint32_t i = 0; i < 4; i++) plan_lab_frame(l, 1);
    expect_nums(l, 100, 0);
    assert_int_equal(l->report.fault_count, 0);
    plan_lab_frame(l, 1);
    expect_nums(l, 100, 1);
    t.left = 3;
    for (uint32_t i = 0; i < 3; i++) plan_lab_frame(l, 1);
    assert_int_equal(l->report.faults[0].until, 11 + 8); /* twice as long */
    assert_int_equal(skep_plan_release(l->plan, "bump"), SKEP_OK);
    assert_false(skep_plan_quarantined(l->plan, "bump"));
    plan_lab_frame(l, 1);
    expect_nums(l, 100, 2);
    lab_end(l);
}

static void old_faults_are_forgotten(void **state)
{
    (void)state;
    skep_plan_desc d = skep_plan_desc_default();
    d.fault_frames = 5;
    plan_lab *l = lab_new(&d);
    trap t = {"bump", 0, 0, SKEP_LIMIT, false, 0, NULL, {NULL}, 0};
    nums(l, 10);
    plan_lab_job(l, "update", &bump, NULL);
    l->spoil = trap_spoil;
    l->spoil_ctx = &t;
    for (uint32_t i = 0; i < 12; i++) {
        t.left = i % 3 == 0;
        plan_lab_frame(l, 1);
        if (i % 3 == 0) assert_true(l->report.faults[0].strikes <= 2);
    }
    assert_int_equal(t.fell, 4);
    assert_false(skep_plan_quarantined(l->plan, "bump"));
    lab_end(l);
}

static void quarantine_leaves_the_fallback_running(void **state)
{
    (void)state;
    plan_lab *l = lab_new(NULL);
    trap t = {"bump", 0, 3, SKEP_LIMIT, false, 0, NULL, {NULL}, 0};
    uint32_t ran = 0;
    nums(l, 3000);
    skep_system_desc d = skep_system_desc_default();
    d.job = &bump;
    d.run = bump_run;
    d.ctx = &ran;
    plan_lab_add(l, &d);
    l->spoil = trap_spoil;
    l->spoil_ctx = &t;
    for (uint32_t i = 0; i < 8; i++) plan_lab_frame(l, 1);
    assert_true(skep_plan_quarantined(l->plan, "bump"));
    assert_int_equal(ran, 8);
    assert_int_equal(l->report.tasks, 0);
    assert_int_equal(l->report.systems, 1);
    lab_end(l);
}

static void a_missed_deadline_is_a_fault(void **state)
{
    (void)state;
    plan_lab *l = lab_new(NULL);
    nums(l, 10);
    skep_system_desc d = skep_system_desc_default();
    d.job = &bump;
    d.deadline_ms = 2;
    plan_lab_add(l, &d);
    l->duration_ns = 2000001;
    plan_lab_frame(l, 1);
    assert_int_equal(l->report.retries, 1);
    assert_int_equal(l->report.fault_count, 1);
    assert_string_equal(l->report.faults[0].cause, "it took longer than its deadline");
    expect_nums(l, 10, 0);
    l->duration_ns = 2000000;
    plan_lab_frame(l, 1);
    expect_nums(l, 10, 1);
    lab_end(l);
}

/* ---- hung workers ---------------------------------------------------------------------------- */

static void blocks_of_a_hung_worker_wait_until_it_is_gone(void **state)
{
    (void)state;
    skep_plan_desc d = skep_plan_desc_default();
    d.parked_bytes_max = 200000;
    plan_lab *l = lab_new(&d);
    trap t = {"bump", 1, 0, SKEP_CLOSED, true, 0, NULL, {NULL}, 0};
    nums(l, 3000);
    plan_lab_job(l, "update", &bump, NULL);
    l->spoil = trap_spoil;
    l->spoil_ctx = &t;
    uint32_t frames = 0;
    skep_status status = SKEP_OK;
    while (status == SKEP_OK && frames < 100) {
        t.left = 1;
        plan_lab_frame(l, 1);
        expect_nums(l, 3000, ++frames); /* the second try had blocks of its own */
        assert_true(l->report.parked_bytes > 0);
        status = skep_frame_begin(l->plan, 1, SKEP_TIME_AUTO);
        if (status == SKEP_OK) skep_frame_abort(l->plan);
    }
    assert_int_equal(status, SKEP_LIMIT);
    assert_non_null(strstr(skep_world_error(l->world), "parked_bytes_max"));
    assert_int_equal(skep_plan_parked_worker(l->plan, 0), 2);
    assert_int_equal(skep_plan_parked_worker(l->plan, 2), 0);
    skep_plan_worker_gone(l->plan, 2);
    plan_lab_frame(l, 1);
    assert_int_equal(l->report.parked_bytes, 0);
    expect_nums(l, 3000, frames + 1);
    lab_end(l);
}

/* Whatever a hung worker writes to the blocks it had, it does not reach the world: both tries hang
 * here. */
static void late_writes_of_a_hung_worker_go_nowhere(void **state)
{
    (void)state;
    skep_plan_desc d = skep_plan_desc_default();
    d.fault_max = 8;
    plan_lab *l = lab_new(&d);
    trap t = {"bump", 1, 0, SKEP_CLOSED, true, 0, l, {NULL}, 0};
    nums(l, 3000);
    plan_lab_job(l, "update", &bump, NULL);
    l->spoil = trap_spoil;
    l->spoil_ctx = &t;
    uint32_t done = 0;
    for (uint32_t frame = 0; frame < 12; frame++) {
        t.left = frame % 3 ? 0 : 2;
        done += frame % 3 != 0;
        plan_lab_frame(l, 1);
        for (uint32_t i = 0; i < t.held_count; i++)
            memset(t.held[i], 0xEE, 1024 * sizeof(uint32_t));
        expect_nums(l, 3000, done);
        assert_int_equal(skep_world_check(l->world), SKEP_OK);
    }
    assert_int_equal(t.fell, 8);
    t.writing = false;
    skep_plan_worker_gone(l->plan, 2);
    plan_lab_frame(l, 1);
    expect_nums(l, 3000, done + 1);
    lab_end(l);
}

/* ---- forged output --------------------------------------------------------------------------- */

typedef enum forgery {
    FORGE_NOTHING,
    FORGE_KIND,
    FORGE_SLOT,
    FORGE_SIZE,
    FORGE_BOOL,
    FORGE_LONG,
    FORGE_COUNT
} forgery;

/* Changes what came from another process. Notes are the first patches of a bump task; bits are the
 * only column of other_bump. */
static void forge_spoil(void *ctx, const char *job, uint32_t block, uint32_t flags,
                        skep_pool_result *result)
{
    const forgery *what = ctx;
    uint8_t *bytes = (uint8_t *)(uintptr_t)result->output;
    const bool is_bump = strcmp(job, "bump") == 0;
    (void)block;
    (void)flags;
    switch (*what) {
    case FORGE_KIND:
        if (is_bump) bytes[0] = 4; /* destroy */
        break;
    case FORGE_SLOT:
        if (is_bump) bytes[2] = 0; /* the Num column */
        break;
    case FORGE_SIZE:
        if (is_bump) result->bytes -= 4;
        break;
    case FORGE_BOOL:
        if (!is_bump) memset(bytes + 1024, 2, 16); /* behind the output area of 1,024 bytes */
        break;
    case FORGE_LONG:
        if (is_bump) result->bytes = (size_t)1 << 40;
        break;
    default:
        break;
    }
}

/* D2: what a job did not declare cannot reach the world, whatever came back. */
static void d2_forged_output_is_refused(void **state)
{
    (void)state;
    plan_lab *l = lab_new(NULL);
    forgery what = FORGE_NOTHING;
    nums(l, 100);
    plan_lab_job(l, "update", &bump, NULL);
    plan_lab_job(l, "update", &other_bump, NULL);
    l->spoil = forge_spoil;
    l->spoil_ctx = &what;
    l->host.elsewhere = true;
    plan_lab_frame(l, 1);
    expect_nums(l, 100, 1);
    for (what = FORGE_KIND; what < FORGE_COUNT; what++) {
        assert_int_equal(skep_plan_release(l->plan, "bump"), SKEP_OK);
        plan_lab_frame(l, 1);
        assert_int_equal(l->report.fault_count, 1);
        assert_int_equal(l->report.faults[0].status, SKEP_ACCESS);
        assert_int_equal(l->report.retries, 1);
        assert_string_equal(l->report.faults[0].system, what == FORGE_BOOL ? "other_bump" : "bump");
        expect_nums(l, 100, what == FORGE_BOOL || what == FORGE_LONG ? 2 : 1);
        assert_int_equal(skep_world_entity_count(l->world), 100);
    }
    lab_end(l);
}

/* ---- kept ------------------------------------------------------------------------------------ */

SKEP_JOB(greedy, (mut, Num, num))
{
    for (uint32_t i = 0; i < task->n; i++) c->num.n[i]++;
    (void)skep_scratch(task, 1 << 20);
}

static void a_fault_in_place_is_told_and_ends_writing_in_place(void **state)
{
    (void)state;
    plan_lab *l = lab_new(NULL);
    nums(l, 100);
    plan_lab_job(l, "update", &greedy, NULL);
    plan_lab_frame(l, 1);
    assert_int_equal(l->report.faults[0].action, SKEP_FAULT_KEPT);
    assert_non_null(strstr(l->report.faults[0].cause, "scratch_bytes"));
    expect_nums(l, 100, 1);
    plan_lab_frame(l, 1);
    assert_int_equal(l->report.faults[0].action, SKEP_FAULT_SKIPPED);
    expect_nums(l, 100, 1);
    lab_end(l);
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void faults_read_well(void **state)
{
    (void)state;
    char text[512];
    skep_fault f;
    memset(&f, 0, sizeof f);
    f.frame = 812;
    strcpy(f.system, "steer");
    strcpy(f.cause, "the wheel came off");
    f.block = 7;
    f.blocks = 1;
    f.row = 7168;
    f.rows = 1024;
    f.worker = 2;
    f.retry_worker = 1;
    f.retried = true;
    f.strikes = 1;
    f.strikes_max = 3;
    f.action = SKEP_FAULT_SKIPPED;
    const size_t n = skep_fault_text(&f, "node", text, sizeof text);
    assert_int_equal(n, strlen(text));
    assert_string_equal(
        text, "fault: system \"steer\", frame 812, block 7 (entities 7168..8191), worker 2, "
              "executor node\n"
              "  the wheel came off\n"
              "  its writes of this frame were dropped; tried once more on worker 1: failed "
              "again; skipped (1 of 3 before quarantine)");
    f.action = SKEP_FAULT_HEALED;
    f.blocks = 3;
    f.worker = 0;
    (void)skep_fault_text(&f, NULL, text, sizeof text);
    assert_string_equal(text,
                        "fault: system \"steer\", frame 812, block 7 (entities 7168..8191) and 2 "
                        "more, the caller, executor local\n"
                        "  the wheel came off\n"
                        "  the second try succeeded; nothing was lost");
    f.action = SKEP_FAULT_QUARANTINED;
    f.block = UINT32_MAX;
    f.retried = false;
    f.until = 900;
    f.fallback = true;
    (void)skep_fault_text(&f, NULL, text, sizeof text);
    assert_string_equal(
        text, "fault: system \"steer\", frame 812, its run on the caller\n"
              "  the wheel came off\n"
              "  its writes of this frame were dropped; its run did the work; quarantined "
              "until frame 900");
    assert_int_equal(skep_fault_text(&f, NULL, text, 10),
                     strlen("fault: system \"steer\", frame 812, its "
                            "run on the caller\n  the wheel came off\n"
                            "  its writes of this frame were dropped; "
                            "its run did the work; quarantined until "
                            "frame 900"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d5_a_failing_block_drops_the_whole_system),
        cmocka_unit_test(a_lost_worker_is_made_good_by_a_second_try),
        cmocka_unit_test(what_the_job_says_is_not_tried_again),
        cmocka_unit_test(the_fallback_does_the_work),
        cmocka_unit_test(three_faults_bring_a_growing_quarantine),
        cmocka_unit_test(old_faults_are_forgotten),
        cmocka_unit_test(quarantine_leaves_the_fallback_running),
        cmocka_unit_test(a_missed_deadline_is_a_fault),
        cmocka_unit_test(blocks_of_a_hung_worker_wait_until_it_is_gone),
        cmocka_unit_test(late_writes_of_a_hung_worker_go_nowhere),
        cmocka_unit_test(d2_forged_output_is_refused),
        cmocka_unit_test(a_fault_in_place_is_told_and_ends_writing_in_place),
        cmocka_unit_test(faults_read_well),
        cmocka_unit_test(seeds_give_one_world_and_replay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
