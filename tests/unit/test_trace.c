/* SPDX-License-Identifier: MIT */
/* ctest: threads
 * The tracer: what simulations write, counted against their own reports, and the file that is made
 * of it, taken apart here word by word. */
#include "core/trace/trace.h"
#include "scenes/scenes.h"
#include "skep/sim.h"

#include "support/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define OK(call) assert_int_equal((call), SKEP_OK)
#define THREADS_MAX 4u
/* ThreadSanitizer has nothing to look at without workers, and takes fifteen times as long. */
#ifdef __SANITIZE_THREAD__
#define WORKERS_LEAST 2u
#else
#define WORKERS_LEAST 0u
#endif

/* ---- a file ------------------------------------------------------------------------------------
 */

typedef struct trace_file {
    uint8_t *bytes;
    size_t used, cap;
    size_t refuse_at; /* the writer gives up at so many bytes; 0: never */
} trace_file;

static bool file_take(void *ctx, const void *bytes, size_t count)
{
    trace_file *f = ctx;
    if (f->refuse_at && f->used + count > f->refuse_at) return false;
    if (f->used + count > f->cap) {
        f->cap = 2 * (f->used + count);
        f->bytes = realloc(f->bytes, f->cap);
        assert_non_null(f->bytes);
    }
    memcpy(f->bytes + f->used, bytes, count);
    f->used += count;
    return true;
}

typedef struct trace_ring_seen {
    const uint64_t *records;
    uint32_t count;
    uint64_t lost;
} trace_ring_seen;

/* What a file says, as pointers into it. */
typedef struct trace_seen {
    uint64_t base;
    uint64_t unix_ns;
    uint32_t workers;
    uint32_t frames;
    const char *text;
    size_t text_bytes;
    const uint32_t *host;
    uint32_t host_count;
    const skep__trace_system *systems;
    uint32_t system_count;
    const skep__trace_edge *edges;
    uint32_t edge_count;
    const uint32_t *names;
    uint32_t name_count;
    trace_ring_seen rings[THREADS_MAX];
    uint32_t ring_count;
    bool ended;
} trace_seen;

static void file_section(trace_seen *s, const char *tag, const uint8_t *at, uint64_t bytes)
{
    const void *p = at;
    const uint64_t *words = p;
    const uint32_t *halves = p;
    if (!memcmp(tag, "INFO", 4)) {
        s->base = words[0];
        s->unix_ns = words[2];
        s->workers = halves[10];
        s->frames = halves[11];
    } else if (!memcmp(tag, "TEXT", 4)) {
        s->text = p;
        s->text_bytes = bytes;
    } else if (!memcmp(tag, "HOST", 4)) {
        s->host = p;
        s->host_count = (uint32_t)(bytes / 8);
    } else if (!memcmp(tag, "SYST", 4)) {
        s->systems = p;
        s->system_count = (uint32_t)(bytes / sizeof *s->systems);
    } else if (!memcmp(tag, "EDGE", 4)) {
        s->edges = p;
        s->edge_count = (uint32_t)(bytes / sizeof *s->edges);
    } else if (!memcmp(tag, "NAME", 4)) {
        s->names = p;
        s->name_count = (uint32_t)(bytes / 8);
    } else if (!memcmp(tag, "THRD", 4)) {
        assert_int_equal(halves[0], s->ring_count);
        assert_int_equal((bytes - 16) % 24, 0);
        s->rings[s->ring_count++] =
            (trace_ring_seen){words + 2, (uint32_t)((bytes - 16) / 24), words[1]};
    } else {
        assert_memory_equal(tag, "END ", 4);
        s->ended = true;
    }
}

static void file_read(const trace_file *f, trace_seen *s)
{
    memset(s, 0, sizeof *s);
    assert_memory_equal(f->bytes, "skept\r\n\x1a\1\0\0\0\0\0\0\0", 16);
    size_t at = 16;
    while (at < f->used) {
        assert_false(s->ended);
        uint32_t sum = 0x811C9DC5u, wanted = 0;
        uint64_t bytes = 0;
        memcpy(&wanted, f->bytes + at + 4, 4);
        memcpy(&bytes, f->bytes + at + 8, 8);
        assert_true(bytes <= f->used - at - 16);
        const size_t filled = (bytes + 7) / 8 * 8;
        for (size_t i = 0; i < filled; i += 4) {
            uint32_t word = 0;
            memcpy(&word, f->bytes + at + 16 + i, 4);
            sum = (sum ^ word) * 0x01000193u;
        }
        assert_int_equal(sum, wanted);
        file_section(s, (const char *)f->bytes + at, f->bytes + at + 16, bytes);
        at += 16 + filled;
    }
    assert_int_equal(at, f->used);
    assert_true(s->ended);
}

static const char *seen_text(const trace_seen *s, uint32_t at)
{
    assert_true(at < s->text_bytes);
    return s->text + at;
}

static uint32_t record_kind(const uint64_t *r)
{
    return r[1] & 0xff;
}

static uint64_t record_end(const uint64_t *r)
{
    return r[0] + (r[1] >> 8);
}

/* ---- simulations -------------------------------------------------------------------------------
 */

static skep_sim *open_scene(const char *name, uint32_t workers, uint32_t grain, uint32_t records)
{
    skep_sim_desc d = skep_sim_desc_default();
    skep_sim *sim = NULL;
    d.workers = workers;
    d.grain = grain;
    d.trace_records = records;
    OK(skep_sim_open(skep__scene_find(name), &d, &sim));
    return sim;
}

static void sim_file(skep_sim *sim, uint32_t frames, trace_file *f, trace_seen *s)
{
    skep_trace_time time;
    uint32_t written = 0;
    skep_sim_trace_time(sim, &time);
    f->used = 0;
    OK(skep_trace_write(skep_sim_trace(sim), &time, frames, file_take, f, &written));
    file_read(f, s);
    assert_int_equal(written, s->frames);
}

#define FRAMES 12u

/* What the records of one frame add up to. */
typedef struct frame_sum {
    uint64_t begin, end, tick;
    uint64_t kinds[256];
    uint64_t blocks; /* of BLOCK and SYSTEM */
    uint64_t copied;
    uint64_t counters[4];
} frame_sum;

static void sum_record(frame_sum *f, const uint64_t *r)
{
    const uint32_t kind = record_kind(r);
    f->kinds[kind]++;
    if (kind == SKEP__TRACE_BLOCK || kind == SKEP__TRACE_SYSTEM) f->blocks += r[2] >> 16 & 0xffff;
    if (kind == SKEP__TRACE_COPIED) f->copied += r[2] >> 32;
    if (kind >= SKEP__TRACE_ENTITIES) f->counters[kind - SKEP__TRACE_ENTITIES] = r[2];
}

/* Adds up each frame's records; every record lies in a frame, or is a counter at its end. */
static uint32_t sum_frames(const trace_seen *s, frame_sum *sums)
{
    uint32_t count = 0;
    memset(sums, 0, FRAMES * sizeof *sums);
    for (uint32_t i = 0; i < s->rings[0].count; i++) {
        const uint64_t *r = s->rings[0].records + 3u * i;
        if (record_kind(r) != SKEP__TRACE_FRAME) continue;
        assert_true(count < FRAMES);
        sums[count].begin = r[0];
        sums[count].end = record_end(r);
        sums[count++].tick = r[2];
    }
    for (uint32_t t = 0; t < s->ring_count; t++) {
        uint64_t last = 0;
        for (uint32_t i = 0; i < s->rings[t].count; i++) {
            const uint64_t *r = s->rings[t].records + 3u * i;
            uint32_t f = 0;
            while (f < count && record_end(r) > sums[f].end) f++;
            assert_true(f < count);
            assert_true(r[0] >= sums[f].begin);
            assert_true(record_end(r) >= last); /* written when they end */
            last = record_end(r);
            sum_record(&sums[f], r);
        }
    }
    return count;
}

/* Zones of one thread lie in one another or apart. */
static void check_nesting(const trace_ring_seen *ring)
{
    for (uint32_t i = 0; i < ring->count; i++) {
        const uint64_t *a = ring->records + 3u * i;
        for (uint32_t k = i + 1; k < ring->count && k < i + 200; k++) {
            const uint64_t *b = ring->records + 3u * k; /* ended later, or at once */
            assert_true(b[0] <= a[0] || b[0] >= record_end(a));
        }
    }
}

static void check_scene(const char *name, uint32_t workers, uint32_t grain)
{
    static frame_sum sums[FRAMES];
    skep_frame_report reports[FRAMES];
    trace_file file = {0};
    trace_seen seen;
    skep_sim *sim = open_scene(name, workers, grain, 0);
    for (uint32_t i = 0; i < FRAMES; i++) {
        OK(skep_sim_step(sim, 1.0f / 60.0f));
        reports[i] = *skep_sim_report(sim);
    }
    sim_file(sim, 0, &file, &seen);
    assert_int_equal(seen.frames, FRAMES);
    assert_int_equal(seen.workers, workers);
    assert_int_equal(seen.ring_count, workers + 1);
    assert_int_equal(seen.system_count, skep_plan_system_count(skep_sim_plan(sim)));
    assert_int_equal(sum_frames(&seen, sums), FRAMES);
    assert_true(seen.base == sums[0].begin);
    for (uint32_t i = 0; i < FRAMES; i++) {
        const frame_sum *f = &sums[i];
        const skep_frame_report *r = &reports[i];
        assert_int_equal(f->tick, r->frame);
        assert_int_equal(f->kinds[SKEP__TRACE_FRAME], 1);
        assert_int_equal(f->kinds[SKEP__TRACE_SNAPSHOT], r->batches);
        assert_int_equal(f->kinds[SKEP__TRACE_COMMIT], r->batches);
        assert_int_equal(f->kinds[SKEP__TRACE_FAULT], r->fault_count);
        assert_int_equal(f->copied, r->blocks_copied);
        assert_int_equal(f->counters[1], r->patches);
        assert_int_equal(f->counters[3], r->blocks_copied);
        assert_true(f->blocks >= r->tasks);
        if (grain == 0) assert_int_equal(f->kinds[SKEP__TRACE_SYSTEM], 0);
    }
    for (uint32_t t = 0; t < seen.ring_count; t++) check_nesting(&seen.rings[t]);
    assert_int_equal(sums[FRAMES - 1].counters[0], skep_world_entity_count(skep_sim_world(sim)));
    skep_sim_close(sim);
    free(file.bytes);
}

static void test_every_scene(void **state)
{
    (void)state;
    static const char *const scenes[] = {"skies", "flock", "bullets", "physics", "ship"};
    for (uint32_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
        if (!WORKERS_LEAST) {
            check_scene(scenes[i], 0, SKEP_GRAIN_AUTO);
            check_scene(scenes[i], 0, 0);
        }
        check_scene(scenes[i], 1, SKEP_GRAIN_AUTO);
        check_scene(scenes[i], 3, 0);
    }
}

/* A ring that was overwritten: the file holds whole frames, each with all its records. */
static void test_whole_frames(void **state)
{
    (void)state;
    static frame_sum all[FRAMES], few[FRAMES];
    trace_file file = {0};
    trace_seen seen;
    for (uint32_t workers = WORKERS_LEAST; workers < 3; workers++) {
        skep_sim *large = open_scene("skies", workers, 0, 0);
        skep_sim *small = open_scene("skies", workers, 0, 512);
        for (uint32_t i = 0; i < 40; i++) {
            OK(skep_sim_step(large, 1.0f / 60.0f));
            OK(skep_sim_step(small, 1.0f / 60.0f));
        }
        sim_file(large, 3, &file, &seen);
        assert_int_equal(seen.frames, 3);
        assert_int_equal(sum_frames(&seen, all), 3);
        sim_file(small, 0, &file, &seen);
        assert_true(seen.rings[0].lost > 0);
        const uint32_t count = sum_frames(&seen, few);
        assert_int_equal(count, seen.frames);
        assert_in_range(count, 1, 39);
        const frame_sum *a = &all[2], *b = &few[count - 1];
        assert_int_equal(a->tick, b->tick);
        assert_int_equal(a->kinds[SKEP__TRACE_BLOCK], b->kinds[SKEP__TRACE_BLOCK]);
        assert_int_equal(a->kinds[SKEP__TRACE_COMMIT], b->kinds[SKEP__TRACE_COMMIT]);
        for (uint32_t i = 1; i < count; i++) {
            assert_int_equal(few[i].tick, few[i - 1].tick + 1);
            assert_int_equal(few[i].kinds[SKEP__TRACE_SNAPSHOT], few[i].kinds[SKEP__TRACE_COMMIT]);
        }
        skep_sim_close(large);
        skep_sim_close(small);
    }
    free(file.bytes);
}

/* The file's numbers have names, and say who waits for whom. */
static void test_names(void **state)
{
    (void)state;
    trace_file file = {0};
    trace_seen s;
    skep_sim *sim = open_scene("skies", 0, SKEP_GRAIN_AUTO, 0);
    skep_trace *trace = skep_sim_trace(sim);
    OK(skep_trace_note(trace, "scene", "bees"));
    OK(skep_trace_note(trace, "executor", "local"));
    OK(skep_trace_note(trace, "scene", "skies"));
    const uint32_t draw = skep_trace_name(trace, "draw");
    assert_int_not_equal(draw, 0);
    assert_int_equal(skep_trace_name(trace, "draw"), draw);
    assert_int_equal(skep_trace_name(trace, ""), 0);
    OK(skep_sim_step(sim, 1.0f / 60.0f));
    const uint64_t began = skep_trace_begin(trace);
    skep_trace_end(trace, draw, began);
    sim_file(sim, 0, &file, &s);
    assert_int_equal(s.host_count, 2);
    assert_string_equal(seen_text(&s, s.host[0]), "scene");
    assert_string_equal(seen_text(&s, s.host[1]), "skies");
    assert_string_equal(seen_text(&s, s.host[3]), "local");
    assert_int_equal(s.names[2 * (s.name_count - 1)], draw);
    assert_string_equal(seen_text(&s, s.names[2 * s.name_count - 1]), "draw");
    const uint64_t *last = s.rings[0].records + 3u * (s.rings[0].count - 1);
    assert_int_equal(record_kind(last), SKEP__TRACE_HOST);
    assert_int_equal(last[2], draw);
    const skep_plan *plan = skep_sim_plan(sim);
    for (uint32_t i = 0; i < s.system_count; i++) {
        const char *name = skep_plan_system_at(plan, s.systems[i].place);
        assert_string_equal(seen_text(&s, s.systems[i].name), name);
        assert_int_equal(s.systems[i].batch, skep_plan_batch_of(plan, name));
        assert_true(seen_text(&s, s.systems[i].stage)[0] != 0);
    }
    assert_true(s.edge_count > 0);
    assert_non_null(strstr(seen_text(&s, s.edges[0].why), "writes"));
    skep_sim_close(sim);
    free(file.bytes);
}

/* ---- the tracer alone ----------------------------------------------------------------------- */

static uint64_t ticks_now;

static uint64_t ticks(void)
{
    return ++ticks_now;
}

static skep_trace_desc plain_desc(const skep_allocator *allocator)
{
    skep_trace_desc d = skep_trace_desc_default();
    d.workers = 2;
    d.records = 100;
    d.clock = ticks;
    d.allocator = *allocator;
    return d;
}

static void test_on_and_off(void **state)
{
    (void)state;
    test_region r;
    assert_true(test_region_open(&r, (size_t)2 << 20));
    const skep_trace_desc d = plain_desc(&r.allocator);
    skep_trace *trace = NULL;
    OK(skep_trace_create(&d, &trace));
    assert_int_equal(trace->records, 128);
    assert_true(skep_trace_enabled(trace));
    skep__trace_ring *ring = &trace->rings[2];
    assert_ptr_equal(skep__trace_ring_of(trace, 2), ring);
    assert_int_equal(skep__trace_begin(NULL), 0);
    skep_trace_enable(trace, false);
    assert_int_equal(skep__trace_begin(ring), 0);
    assert_int_equal(skep__trace_end(ring, SKEP__TRACE_BLOCK, 0, 1), 0);
    skep__trace_at(ring, SKEP__TRACE_FAULT, 0, 1);
    assert_int_equal(atomic_load(&ring->head), 0);
    skep_trace_enable(trace, true);
    const uint64_t began = skep__trace_begin(ring);
    (void)skep__trace_end(ring, SKEP__TRACE_BLOCK, began, 7);
    uint64_t records[128 * 3], first = 9;
    assert_int_equal(skep__trace_ring_copy(ring, UINT32_MAX, records, &first), 1);
    assert_int_equal(first, 0);
    assert_int_equal(records[0], began);
    assert_int_equal(records[1], 1u << 8 | SKEP__TRACE_BLOCK);
    assert_int_equal(records[2], 7);
    for (uint64_t i = 0; i < 1000; i++) skep__trace_at(ring, SKEP__TRACE_FAULT, 1 + i, i);
    assert_int_equal(skep__trace_ring_copy(ring, UINT32_MAX, records, &first), 127);
    assert_int_equal(first, 1001 - 127);
    for (uint64_t i = 0; i < 127; i++) assert_int_equal(records[3 * i + 2], 873 + i);
    assert_int_equal(skep__trace_ring_copy(ring, 2, records, &first), 2);
    assert_int_equal(records[5], 874);
    assert_null(skep__trace_ring_of(trace, 3));
    assert_null(skep__trace_ring_of(NULL, 0));
    skep_trace_destroy(trace);
    assert_true(test_region_close(&r));
}

static void test_misuse(void **state)
{
    (void)state;
    test_region r;
    assert_true(test_region_open(&r, (size_t)2 << 20));
    skep_trace *trace = NULL;
    skep_trace_desc d = plain_desc(&r.allocator);
    d.clock = NULL;
    assert_int_equal(skep_trace_create(&d, &trace), SKEP_ARGUMENT);
    d = plain_desc(&r.allocator);
    d.canary = 0;
    assert_int_equal(skep_trace_create(&d, &trace), SKEP_ARGUMENT);
    d = plain_desc(&r.allocator);
    d.records = SKEP_TRACE_RECORDS_MAX + 1;
    assert_int_equal(skep_trace_create(&d, &trace), SKEP_LIMIT);
    assert_null(trace);
    d = plain_desc(&r.allocator);
    OK(skep_trace_create(&d, &trace));
    char name[16];
    for (uint32_t i = 0; i < SKEP_TRACE_NAMES_MAX - 1; i++) {
        (void)snprintf(name, sizeof name, "zone %u", i);
        assert_int_not_equal(skep_trace_name(trace, name), 0);
    }
    assert_int_equal(skep_trace_name(trace, "one more"), 0);
    trace_file file = {0};
    skep_trace_time time = {0};
    assert_int_equal(skep_trace_write(trace, &time, 0, file_take, &file, NULL), SKEP_ARGUMENT);
    time.ns_per_tick = 1.0;
    file.refuse_at = 100;
    assert_int_equal(skep_trace_write(trace, &time, 0, file_take, &file, NULL), SKEP_IO);
    /* Without frames it holds all that there is. */
    file = (trace_file){.bytes = file.bytes, .cap = file.cap};
    skep_trace_end(trace, 1, skep_trace_begin(trace));
    OK(skep_trace_write(trace, &time, 5, file_take, &file, NULL));
    trace_seen seen;
    file_read(&file, &seen);
    assert_int_equal(seen.frames, 0);
    assert_int_equal(seen.rings[0].count, 1);
    assert_int_equal(seen.name_count, SKEP_TRACE_NAMES_MAX);
    free(file.bytes);
    skep_trace_destroy(trace);
    skep_trace_destroy(NULL);
    assert_true(test_region_close(&r));
}

/* Every allocation fails in turn: a status, and nothing is left behind or half there. */
static void test_no_memory(void **state)
{
    (void)state;
    for (uint64_t fail = 1;; fail++) {
        test_region r;
        assert_true(test_region_open(&r, (size_t)2 << 20));
        test_region_fail(&r, fail);
        const skep_trace_desc d = plain_desc(&r.allocator);
        skep_trace *trace = NULL;
        trace_file file = {0};
        const skep_trace_time time = {.ns_per_tick = 1.0};
        skep_status status = skep_trace_create(&d, &trace);
        if (status == SKEP_OK) {
            const skep__trace_system system = {.number = 1, .batch = 1};
            skep__trace_plan_system(trace, &system, "move", "update");
            skep__trace_plan_edge(trace, 1, 1, "it waits for itself");
            status = skep_trace_note(trace, "scene", "bees");
            (void)skep_trace_name(trace, "draw");
            const skep_status wrote = skep_trace_write(trace, &time, 0, file_take, &file, NULL);
            trace_seen seen;
            if (wrote == SKEP_OK) file_read(&file, &seen);
            if (status == SKEP_OK) status = wrote;
        }
        skep_trace_destroy(trace);
        free(file.bytes);
        const bool failed = r.failed != 0;
        assert_true(test_region_close(&r));
        if (!failed) {
            OK(status);
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_scene), cmocka_unit_test(test_whole_frames),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_on_and_off),
        cmocka_unit_test(test_misuse),      cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
