/* SPDX-License-Identifier: MIT */
/* Recordings and files of faults. So that mutations get past the checksums, the first byte may ask
 * for them to be made right again. Whatever a recording says: a world that plays it fits together,
 * and what was refused left nothing to the next frame. */
#include "fuzz.h"

#include "core/record/fault_file.h"
#include "core/record/recorder.h"
#include "core/record/replayer.h"
#include "support/live_bed.h"

#define FRAMES_MAX 24u
#define REGION 3u

static skep_world *world;
static skep_plan *plan;
static skep_snapshot *start;
static uint32_t fails_at; /* a frame, from 1, in which the system fails while seeds are made */

/* Moves all, counts in a resource, and says so. */
static skep_status turn(void *ctx, skep_world *w, float dt)
{
    (void)ctx;
    const skep_query_desc d = skep_query_desc_default();
    skep_query *all = NULL;
    BedScore score = {0, 0};
    if (fails_at && skep_world_tick(w) + 1u == fails_at) return SKEP_FAULT;
    if (skep_query_create(w, &d, &all) != SKEP_OK) return SKEP_NO_MEMORY;
    skep_query_iter it = skep_query_begin(all);
    while (skep_query_next(&it)) {
        for (uint32_t i = 0; i < it.n; i++) {
            BedPos pos;
            if (!skep_world_get(w, it.entity[i], live_replicas[0].info, &pos)) continue;
            pos.x += dt;
            score.blue++;
            if (skep_world_set(w, it.entity[i], live_replicas[0].info, &pos) != SKEP_OK) break;
        }
    }
    skep_query_destroy(all);
    const BedHit hit = {1, skep_entity_null()};
    const skep_status status = BedHit_post(w, skep_entity_null(), hit);
    return status == SKEP_OK ? BedScore_set(w, score) : status;
}

static void begin(void)
{
    if (!world) {
        skep_world_desc d = skep_world_desc_default();
        skep_plan_desc pd = skep_plan_desc_default();
        skep_system_desc s = skep_system_desc_default();
        d.entity_max = 512;
        d.region = fuzz_region(REGION);
        d.allocator = fuzz_world_memory();
        FUZZ_MUST(skep_world_create(&d, &world) == SKEP_OK);
        for (uint32_t i = 0; i < 4u; i++)
            FUZZ_MUST(skep_world_component(world, live_replicas[i].info) == SKEP_OK);
        FUZZ_MUST(BedScore_set(world, (BedScore){1, 2}) == SKEP_OK);
        FUZZ_MUST(BedSteer_post(world, 1, 1, skep_entity_null(), (BedSteer){1, 0}) == SKEP_OK);
        FUZZ_MUST(skep_plan_create(world, &pd, &plan) == SKEP_OK);
        s.name = "turn";
        s.run = turn;
        s.flags = SKEP_SYSTEM_RUN_MAY_FAIL;
        FUZZ_MUST(skep_plan_add(plan, &s) == SKEP_OK);
        FUZZ_MUST(skep_plan_build(plan) == SKEP_OK);
        FUZZ_MUST(skep_frame_begin(plan, 0.0f, SKEP_TIME_AUTO) == SKEP_OK);
        skep_frame_abort(plan);
        FUZZ_MUST(skep_snapshot_take(world, &start) == SKEP_OK);
    }
    FUZZ_MUST(skep_world_restore(world, start) == SKEP_OK);
    fails_at = 0;
}

/* Runs a frame, which has main-thread systems only. */
static skep_status run_frame(float dt, double time, skep_frame_report *report)
{
    skep_status status = skep_frame_begin(plan, dt, time);
    if (status != SKEP_OK) return status;
    for (;;) {
        skep_step step;
        status = skep_frame_next(plan, 0, &step);
        if (status != SKEP_OK) break;
        if (step.kind == SKEP_STEP_END) return skep_frame_end(plan, report);
        FUZZ_MUST(step.kind == SKEP_STEP_RUN);
        status = skep_frame_run(plan, &step);
        if (status != SKEP_OK) break;
    }
    skep_frame_abort(plan);
    return status;
}

/* Makes the checksums of records right, as far as their lengths make sense. */
static void mend(uint8_t *bytes, size_t size)
{
    if (size < SKEP__REC_HEAD_BYTES) return;
    uint64_t chain = skep__hash_bytes(bytes, SKEP__REC_HEAD_BYTES, 2);
    size_t at = SKEP__REC_HEAD_BYTES;
    while (size - at >= SKEP__REC_RECORD_BYTES) {
        uint64_t n = 0;
        uint32_t kind = 0;
        memcpy(&kind, bytes + at, 4);
        memcpy(&n, bytes + at + 8, 8);
        const size_t left = size - at - SKEP__REC_RECORD_BYTES;
        if (n > left || skep__align((size_t)n, 8) > left) return;
        chain = skep__rec_sum(chain, kind, bytes + at + SKEP__REC_RECORD_BYTES, (size_t)n);
        memcpy(bytes + at + 16, &chain, 8);
        at += SKEP__REC_RECORD_BYTES + skep__align((size_t)n, 8);
    }
}

static uint8_t *copy_of(const uint8_t **bytes, size_t *size)
{
    const skep_allocator memory = fuzz_memory();
    const bool forged = fuzz_take_byte(bytes, size) & 1u;
    uint8_t *copy = memory.alloc(memory.ctx, *size ? *size : 1u, 8);
    FUZZ_MUST(copy);
    if (*size) memcpy(copy, *bytes, *size);
    if (forged) mend(copy, *size);
    return copy;
}

/* ---- recordings ------------------------------------------------------------------------------ */

static uint64_t play(skep__replayer *r)
{
    uint64_t h = 0;
    skep_status status = skep__replay_begin(r, plan);
    for (uint32_t i = 0; status == SKEP_OK && i < FRAMES_MAX; i++) {
        skep__replay_frame f;
        skep_frame_report report;
        status = skep__replay_next(r, &f);
        if (status != SKEP_OK || f.kind == SKEP__REPLAY_END) break;
        status = run_frame(f.dt, f.time, &report);
        if (status == SKEP_OK && !skep__replay_done(r, &report)) break;
    }
    FUZZ_MUST(skep_world_check(world) == SKEP_OK);
    FUZZ_MUST(!world->outside.used && !world->inputs.count);
    const skep__replay_difference *d = skep__replay_difference_of(r);
    char text[64];
    FUZZ_MUST(skep__replay_text(d, text, sizeof text) > 0);
    h = skep__hash_mix(h, skep_world_hash(world));
    h = skep__hash_mix(h, d->frame);
    h = skep__hash_mix(h, (uint64_t)d->what << 32 | d->batch);
    return skep__hash_mix(h, (uint64_t)status);
}

uint64_t fuzz_record(const uint8_t *bytes, size_t size)
{
    const skep_allocator memory = fuzz_memory();
    const size_t before = fuzz_memory_held();
    skep__replayer *r = NULL;
    skep_error error;
    begin();
    uint8_t *copy = copy_of(&bytes, &size);
    const skep_status status = skep__replay_open(&memory, copy, size, &r, &error);
    FUZZ_MUST(status == SKEP_OK || (error.message && error.offset <= size));
    uint64_t hash = (uint64_t)status << 32 | (status == SKEP_OK ? 0u : error.offset);
    if (r) {
        const skep__replay_info *info = skep__replay_info_of(r);
        FUZZ_MUST(info->good <= size && info->worlds);
        const char *scene = skep__replay_note(r, "scene", 0);
        hash = skep__hash_mix(hash, info->frames + info->good + (scene ? 1u : 0u));
        hash = skep__hash_mix(hash, play(r));
    }
    skep__replay_close(r);
    memory.free(memory.ctx, copy, size ? size : 1u, 8);
    FUZZ_MUST(fuzz_memory_held() == before);
    return skep__hash_u64(hash);
}

/* ---- files of faults ------------------------------------------------------------------------- */

uint64_t fuzz_fault(const uint8_t *bytes, size_t size)
{
    const skep_allocator memory = fuzz_memory();
    const size_t before = fuzz_memory_held();
    skep__fault_file *f = NULL;
    skep__fault_range range;
    skep_error error;
    uint8_t *copy = copy_of(&bytes, &size);
    const skep_status status = skep__fault_open(&memory, copy, size, &f, &error);
    FUZZ_MUST(status == SKEP_OK || error.message);
    uint64_t hash = (uint64_t)status;
    uint64_t last = 0;
    for (uint32_t i = 0; f && skep__fault_range_at(f, i, &range); i++) {
        FUZZ_MUST(range.size && (!i || range.address > last));
        FUZZ_MUST(range.bytes >= copy && range.bytes + range.size <= copy + size);
        last = range.address + range.size;
        hash = skep__hash_mix(hash, range.address ^ range.size);
        hash = skep__hash_mix(hash, range.bytes[range.size - 1u]);
    }
    if (f) {
        const skep__fault_head *h = skep__fault_head_of(f);
        hash = skep__hash_mix(hash, h->frame ^ h->block);
        hash = skep__hash_mix(hash, skep__hash_string(h->system));
        hash = skep__hash_mix(hash, skep__hash_string(h->cause));
    }
    skep__fault_close(f);
    memory.free(memory.ctx, copy, size ? size : 1u, 8);
    FUZZ_MUST(fuzz_memory_held() == before);
    return skep__hash_u64(hash);
}

/* ---- the corpus ------------------------------------------------------------------------------ */

typedef struct paper {
    uint8_t bytes[40960];
    size_t size;
} paper;

static bool paper_write(void *ctx, const void *bytes, size_t n)
{
    paper *p = ctx;
    FUZZ_MUST(p->size + n <= sizeof p->bytes);
    memcpy(p->bytes + p->size, bytes, n);
    p->size += n;
    return true;
}

static void make_recording(paper *p, uint32_t frames)
{
    const skep__rec_note notes[] = {{"scene", "bed"}, {"seed", "1"}, {"param", "a"}, {"value", ""}};
    skep__recorder *r = NULL;
    begin();
    for (uint32_t i = 0; i < 5u; i++) {
        const BedPos pos = {(float)i, 0.5f};
        const skep_part parts[] = {SKEP_PART(BedPos, &pos)};
        FUZZ_MUST(skep_world_spawn(world, &Entity_info, parts, 1, NULL) == SKEP_OK);
    }
    p->bytes[0] = 1; /* checksums are made right */
    p->size = 1;
    const skep__recorder_desc d = {.plan = plan,
                                   .write = paper_write,
                                   .ctx = p,
                                   .notes = notes,
                                   .note_count = 4,
                                   .data = "x,y\n",
                                   .data_bytes = 4,
                                   .world_max = 3,
                                   .hash_every = 1};
    FUZZ_MUST(skep__recorder_open(&d, &r) == SKEP_OK);
    for (uint32_t i = 0; i < frames; i++) {
        skep_frame_report report;
        if (i == 2u) fails_at = 3u;
        if (i == 4u) FUZZ_MUST(BedScore_set(world, (BedScore){9, 9}) == SKEP_OK);
        FUZZ_MUST(BedSteer_post(world, 1, i, skep_entity_null(), (BedSteer){(int16_t)i, 1}) ==
                  SKEP_OK);
        skep__recorder_before(r, 0.5f, SKEP_TIME_AUTO);
        FUZZ_MUST(run_frame(0.5f, SKEP_TIME_AUTO, &report) == SKEP_OK);
        skep__recorder_after(r, &report);
    }
    FUZZ_MUST(!skep__recorder_lost(r));
    skep__recorder_close(r);
}

/* What is made is a recording that plays to its end: mutations begin with something. */
static void must_play(const paper *p, uint64_t frames)
{
    const skep_allocator memory = fuzz_memory();
    skep__replayer *r = NULL;
    skep_error error;
    begin();
    FUZZ_MUST(skep__replay_open(&memory, p->bytes + 1, p->size - 1u, &r, &error) == SKEP_OK);
    (void)play(r);
    FUZZ_MUST(skep__replay_info_of(r)->frames == frames && skep__replay_info_of(r)->worlds == 2u);
    FUZZ_MUST(skep__replay_hashes(r) == frames);
    FUZZ_MUST(skep__replay_difference_of(r)->what == SKEP__DIFFERS_NOT);
    skep__replay_close(r);
}

static void make_fault(paper *p)
{
    const skep_allocator memory = fuzz_memory();
    skep__rec_writer w = {.write = paper_write, .ctx = p, .out.allocator = &memory};
    const skep__rec_note note = {"scene", "bed"};
    const uint64_t words[] = {0x10008u, 12u, 0u, 65536u};
    const uint32_t small[] = {13u, 3u, 1u, 1024u, 0u, 48u, 8u, 0u};
    static const char texts[64 + 64 + 32 + 192] = "burn";
    p->bytes[0] = 1;
    p->size = 1;
    FUZZ_MUST(skep__rec_open(&w, SKEP__REC_FAULT_FILE) && skep__rec_notes(&w, &note, 1));
    FUZZ_MUST(skep__rec_begin(&w, SKEP__REC_FAULT) &&
              skep__bytes_append(&w.out, words, sizeof words) &&
              skep__bytes_append(&w.out, small, sizeof small) &&
              skep__bytes_append(&w.out, texts, sizeof texts) && skep__rec_end(&w, true));
    for (uint64_t i = 1; i < 4u; i++)
        FUZZ_MUST(skep__rec_begin(&w, SKEP__REC_RANGE) && skep__bytes_u64(&w.out, i * 0x10000u) &&
                  skep__bytes_append(&w.out, texts, (size_t)i * 33u) && skep__rec_end(&w, true));
    FUZZ_MUST(skep__rec_begin(&w, SKEP__REC_FAULT_END) && skep__bytes_u64(&w.out, 3) &&
              skep__rec_end(&w, true));
    skep__rec_close(&w);
}

void fuzz_make_record(fuzz_seed_fn *fn, void *ctx)
{
    static paper p;
    make_recording(&p, 0);
    fn(ctx, "record", "a", p.bytes, p.size);
    make_recording(&p, 6);
    must_play(&p, 6);
    fn(ctx, "record", "b", p.bytes, p.size);
    fn(ctx, "record", "c", p.bytes, p.size - 300u);
    make_fault(&p);
    fn(ctx, "fault", "a", p.bytes, p.size);
}
