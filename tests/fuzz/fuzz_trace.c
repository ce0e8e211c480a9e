/* SPDX-License-Identifier: MIT */
/* Trace files, and all that is worked out of them. So that mutations get past the checksums, the
 * first byte may ask for them to be made right again. Whatever the bytes are: a frame's critical
 * path covers the frame, nobody idles for longer than there was time, and what was read is read
 * again from the file that is written of it. */
#include "fuzz.h"

#include "support/trace_paper.h"
#include "trace/trace_compare.h"
#include "trace/trace_convert.h"
#include "trace/trace_why.h"

#define FRAMES_MAX 4u

typedef struct pile {
    uint64_t hash;
    uint8_t *bytes; /* NULL: the hash is all that is wanted */
    size_t size;
    size_t room;
} pile;

static uint64_t mix_f64(uint64_t h, double x)
{
    uint64_t bits = 0;
    memcpy(&bits, &x, 8);
    return skep__hash_mix(h, bits);
}

/* Byte by byte, so that it does not matter in which pieces they come. */
static bool pile_take(void *ctx, const void *bytes, size_t count)
{
    pile *p = ctx;
    const uint8_t *at = bytes;
    for (size_t i = 0; i < count; i++) p->hash = (p->hash ^ at[i]) * 0x100000001b3u;
    if (p->bytes) {
        FUZZ_MUST(p->size + count <= p->room);
        memcpy(p->bytes + p->size, bytes, count);
    }
    p->size += count;
    return true;
}

static uint64_t run_frame(const skep__timeline *t, skep__trace_memory *m, uint32_t frame)
{
    const skep__timeline_frame *f = &t->frames[frame];
    uint32_t count = 0;
    bool split = false;
    double at = f->begin;
    uint64_t h = 1;
    const skep__trace_segment *s = skep__trace_path_of(t, m, frame, &count);
    for (uint32_t i = 0; i < count; i++) {
        FUZZ_MUST(s[i].begin == at && s[i].end > at && s[i].row < t->row_count);
        at = s[i].end;
        h = mix_f64(skep__hash_mix(h, s[i].zone), at);
    }
    FUZZ_MUST(at == f->end);
    const skep__trace_help *help = skep__trace_help_of(t, m, frame, &count);
    for (uint32_t i = 0; i < count; i++) {
        FUZZ_MUST(help[i].without_ns >= 0.0 && help[i].split_ns >= 0.0);
        h = mix_f64(mix_f64(h, help[i].without_ns), help[i].split_ns);
    }
    h = skep__hash_mix(h, skep__trace_advice(t, frame, help, count, &split));
    pile why = {.hash = h};
    FUZZ_MUST(skep__trace_why(t, frame, 1000, pile_take, &why) == SKEP_OK);
    return why.hash;
}

static uint64_t run_range(const skep__timeline *t, skep__trace_memory *m)
{
    const skep__trace_frames all = skep__trace_frames_all(t);
    const skep__trace_systems s = skep__trace_systems_of(t, m, all);
    const skep__trace_thread_stats *idle = skep__trace_threads_of(t, m, all);
    const skep__trace_times times = skep__trace_times_of(t, m, all, t->budget_ns);
    uint64_t h = mix_f64(times.over, times.p95_ns);
    for (uint32_t i = 0; i < s.count; i++) {
        const skep__trace_system_stats *x = &s.system[i];
        FUZZ_MUST(x->run_count && x->run_count <= t->frame_count);
        FUZZ_MUST(x->p50_ns <= x->p99_ns && x->p99_ns <= x->max_ns);
        h = mix_f64(mix_f64(h, x->p50_ns), x->total_ns);
        h = skep__hash_mix(h, x->blocks + x->copied);
    }
    const double nearly = times.total_ns * (1.0 + 1e-9) + 1.0;
    for (uint32_t r = 0; r < t->row_count; r++) {
        FUZZ_MUST(idle[r].busy_ns >= -nearly * 1e-9 - 1.0 && idle[r].busy_ns <= nearly);
        for (uint32_t i = 0; i < SKEP__REASON_COUNT; i++) h = mix_f64(h, idle[r].idle_ns[i]);
    }
    const skep__trace_compared side = {t, &s, all};
    uint32_t count = 0;
    const skep__trace_comparison *c = skep__trace_compare(&side, &side, m, &count);
    for (uint32_t i = 0; i < count; i++) {
        FUZZ_MUST(!c[i].clear && c[i].only == SKEP__SIDE_BOTH);
        h = mix_f64(mix_f64(h, c[i].p99.high), c[i].share.high);
    }
    return h;
}

static uint64_t run_timeline(const skep__timeline *t)
{
    skep__trace_memory m = {.allocator = fuzz_memory()};
    uint64_t h = run_range(t, &m);
    for (uint32_t i = 0; i < t->frame_count && i < FRAMES_MAX; i++)
        h = skep__hash_mix(h, run_frame(t, &m, i));
    pile json = {.hash = h};
    FUZZ_MUST(skep__trace_json(t, pile_take, &json) == SKEP_OK);
    FUZZ_MUST(!m.failed);
    skep__trace_memory_free(&m);
    return json.hash;
}

/* The file that is written again has what was read, and no more damage in its sections. */
static uint64_t run_again(const skep__timeline *t)
{
    const skep_allocator memory = fuzz_memory();
    const size_t room = t->byte_count + SKEP__TIMELINE_HEAD_BYTES * 2u;
    pile p = {.bytes = memory.alloc(memory.ctx, room, 8), .room = room};
    skep__timeline *again = NULL;
    skep_error error;
    FUZZ_MUST(p.bytes);
    FUZZ_MUST(skep__trace_skept(t, pile_take, &p) == SKEP_OK);
    FUZZ_MUST(skep__timeline_read(p.bytes, p.size, &memory, &again, &error) == SKEP_OK);
    FUZZ_MUST(again->zone_count == t->zone_count && again->frame_count == t->frame_count);
    FUZZ_MUST(again->problem_count <= t->problem_count);
    skep__timeline_free(again);
    memory.free(memory.ctx, p.bytes, room, 8);
    return p.hash;
}

uint64_t fuzz_trace(const uint8_t *bytes, size_t size)
{
    const skep_allocator memory = fuzz_memory();
    const size_t before = fuzz_memory_held();
    const bool forged = fuzz_take_byte(&bytes, &size) & 1u;
    uint8_t *copy = memory.alloc(memory.ctx, size ? size : 1u, 8);
    skep__timeline *t = NULL;
    skep_error error;
    FUZZ_MUST(copy);
    if (size) memcpy(copy, bytes, size);
    if (forged) paper_mend(copy, size);
    const skep_status status = skep__timeline_read(copy, size, &memory, &t, &error);
    FUZZ_MUST(error.offset <= size && error.code == status);
    uint64_t hash = (uint64_t)status << 32 | error.offset;
    if (t) hash = skep__hash_mix(run_timeline(t), run_again(t));
    if (t) hash = skep__hash_mix(hash, t->problem_count);
    skep__timeline_free(t);
    memory.free(memory.ctx, copy, size ? size : 1u, 8);
    FUZZ_MUST(fuzz_memory_held() == before);
    return skep__hash_u64(hash);
}

/* ---- the corpus ----------------------------------------------------------------------------- */

/* Frames of two sections on three threads, some of them odd. */
static void make_many(trace_paper *p)
{
    paper_begin(p, 3, 0.41);
    paper_system(p, 1, "move", "update", 1, 0);
    paper_system(p, 9, "draw", "late", 2, SKEP__SYSTEM_MAIN);
    paper_name(p, 1, "publish");
    for (uint32_t i = 0; i < 12u; i++) {
        const int64_t at = (int64_t)i * 1000;
        paper_block(p, 0, 1, at + 20, at + 60 + i, 0);
        paper_zone(p, 0, SKEP__KIND_TASKS, (paper_span){at + 10, at + 90}, 1, 3);
        paper_zone(p, 0, SKEP__KIND_COMMIT, (paper_span){at + 90, at + 99}, 1, 1);
        paper_zone(p, 0, SKEP__KIND_RUN, (paper_span){at + 110, at + 160}, 9, 0);
        paper_zone(p, 0, SKEP__KIND_TASKS, (paper_span){at + 105, at + 200}, 2, 2);
        paper_zone(p, 0, SKEP__KIND_COMMIT, (paper_span){at + 200, at + 210}, 2, 1);
        paper_zone(p, 0, SKEP__KIND_COPIED, (paper_span){at + 205, at + 205}, 1u | (i % 6u) << 16,
                   i);
        paper_zone(p, 0, SKEP__KIND_PATCHES, (paper_span){at + 299, at + 299}, i, 0);
        if (i == 5u)
            paper_zone(p, 0, SKEP__KIND_LOST, (paper_span){at + 30, at + 80}, 1u | 2u << 16, 4);
        if (i == 5u) paper_zone(p, 0, SKEP__KIND_RESPAWN, (paper_span){at + 80, at + 120}, 2, 0);
        paper_frame(p, at, at + 300, 100u + i);
        paper_zone(p, 0, SKEP__KIND_HOST, (paper_span){at + 400, at + 500}, 1, 0);
        for (uint32_t w = 1; w < 3u; w++) {
            paper_block(p, w, 1, at + 30, at + 70 + w, w);
            paper_block(p, w, 9, at + 120 + w, at + 180, w);
        }
    }
}

void fuzz_make_trace(fuzz_seed_fn *fn, void *ctx)
{
    static trace_paper p;
    static uint8_t seed[PAPER_BYTES + 1u];
    /* Nothing, two frames, many, and the same cut off. */
    for (uint32_t i = 0; i < 4u; i++) {
        char name[] = "a";
        if (i == 0u)
            paper_begin(&p, 1, 1.0);
        else if (i == 1u)
            paper_two_frames(&p);
        else
            make_many(&p);
        const size_t size = paper_write(&p);
        const size_t cut = i == 3u ? 900u : 0u;
        name[0] = (char)('a' + i);
        seed[0] = i != 3u;
        memcpy(seed + 1, p.bytes, size);
        fn(ctx, "trace", name, seed, 1u + size - cut);
    }
}
