/* SPDX-License-Identifier: MIT */
/* A frame's record is passed on before the frame runs, so that one that crashes the program can be
 * run again; its hashes and faults follow when it is over. Batches are hashed as they reach the
 * world: that is when only their systems can have changed it. */
#include "core/record/recorder.h"

#include "core/data/data.h"
#include "core/record/frame_items.h"
#include "core/record/numbers.h"

struct skep__recorder {
    skep_allocator allocator;
    skep_world *world;
    skep_plan *plan;
    skep__rec_writer out;
    skep__bytes items; /* of the running frame's batches */
    skep__bytes sums;
    skep__plan_watcher watcher;
    uint64_t next_tick; /* of the frame to come */
    uint64_t last_hash; /* after the last frame, where `last_hashed` */
    uint64_t numbers;   /* what the last NUMBERS and PLAN were made of */
    uint64_t systems;
    uint32_t hash_every;
    uint32_t worlds; /* written, world_max at most */
    uint32_t world_max;
    bool last_hashed;
    bool open;     /* a frame has begun and is not over */
    bool sampling; /* that frame is hashed */
    bool items_lost;
};

/* ---- the world, numbers, the plan ------------------------------------------------------------ */

/* Takes pieces of a save: full ones are passed on. */
static bool world_piece(void *ctx, const void *bytes, size_t n)
{
    skep__recorder *r = ctx;
    const uint8_t *at = bytes;
    while (n) {
        const size_t room = SKEP__REC_WORLD_PIECE + SKEP__REC_RECORD_BYTES - r->out.out.used;
        const size_t some = n < room ? n : room;
        if (!skep__bytes_append(&r->out.out, at, some)) return false;
        at += some;
        n -= some;
        if (some < room) continue;
        if (!skep__rec_end(&r->out, true) || !skep__rec_begin(&r->out, SKEP__REC_WORLD))
            return false;
    }
    return true;
}

static skep_status put_world(skep__recorder *r)
{
    r->worlds++;
    if (!skep__rec_begin(&r->out, SKEP__REC_WORLD)) return r->out.status;
    const skep_status status = skep_save(r->world, world_piece, r);
    if (status == SKEP_IO) return r->out.why ? r->out.status : SKEP_NO_MEMORY;
    if (status != SKEP_OK) return status;
    bool whole = skep__rec_end(&r->out, true) && skep__rec_begin(&r->out, SKEP__REC_WORLD_END);
    whole = whole && skep__bytes_u64(&r->out.out, r->world->tick);
    return skep__rec_end(&r->out, whole) ? SKEP_OK : r->out.status;
}

static bool put_numbers(skep__recorder *r)
{
    const uint64_t sum = skep__numbers_sum(r->world);
    if (sum == r->numbers) return true;
    r->numbers = sum;
    const bool whole =
        skep__rec_begin(&r->out, SKEP__REC_NUMBERS) && skep__numbers_put(r->world, &r->out.out);
    return skep__rec_end(&r->out, whole);
}

static bool put_plan(skep__recorder *r)
{
    if (skep_plan_build(r->plan) != SKEP_OK) return true; /* the frame will say why not */
    const uint64_t sum = skep__systems_sum(r->plan);
    if (sum == r->systems) return true;
    r->systems = sum;
    const bool whole =
        skep__rec_begin(&r->out, SKEP__REC_PLAN) && skep__systems_put(r->plan, &r->out.out);
    return skep__rec_end(&r->out, whole);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void recorder_lose(skep__recorder *r, const char *why)
{
    if (r->out.why) return;
    r->out.status = SKEP_LIMIT;
    r->out.why = why;
}

/* Records the world anew where it is not the one that the last frame left. */
static bool before_world(skep__recorder *r, const uint64_t *hash)
{
    const bool same = r->world->tick == r->next_tick && !r->open &&
                      (!r->last_hashed || !hash || *hash == r->last_hash);
    r->open = false;
    if (same) return true;
    if (r->worlds >= r->world_max) {
        recorder_lose(r, "the world is written to between frames too often (limit "
                         "SKEP_RECORD_WORLDS_MAX)");
        return false;
    }
    if (put_world(r) != SKEP_OK) recorder_lose(r, "no memory for a copy of the world");
    r->next_tick = r->world->tick;
    return !r->out.why;
}

static bool put_inputs(const skep_world *w, skep__bytes *out)
{
    for (uint32_t i = 0; i < w->inputs.count; i++) {
        const skep__input_key *key = &w->inputs.keys[i];
        const skep__input_head *head =
            (const skep__input_head *)(const void *)(w->inputs.bytes + key->at);
        const bool whole = skep__bytes_u64(out, key->number) && skep__bytes_u64(out, head->to) &&
                           skep__bytes_u32(out, key->source) &&
                           skep__bytes_u32(out, head->channel) &&
                           skep__bytes_append_padded(out, head + 1, head->bytes);
        if (!whole) return false;
    }
    return true;
}

static bool put_begin(skep__recorder *r, float dt, double time, const uint64_t *hash)
{
    skep_world *w = r->world;
    skep__bytes *out = &r->out.out;
    uint64_t time_bits = 0;
    uint32_t dt_bits = 0;
    const double given = time >= 0.0 ? time : SKEP_TIME_AUTO;
    memcpy(&time_bits, &given, sizeof time_bits);
    memcpy(&dt_bits, &dt, sizeof dt_bits);
    skep__inputs_sort(w);
    if (!skep__rec_begin(&r->out, SKEP__REC_BEGIN)) return false;
    const bool whole =
        skep__bytes_u64(out, w->tick) && skep__bytes_u64(out, time_bits) &&
        skep__bytes_u32(out, dt_bits) && skep__bytes_u32(out, hash ? SKEP__REC_HASHED : 0u) &&
        skep__bytes_u64(out, hash ? *hash : 0u) && skep__bytes_u32(out, w->outside.used) &&
        skep__bytes_u32(out, w->outside.count) && skep__bytes_u32(out, w->inputs.count) &&
        skep__bytes_u32(out, 0) &&
        skep__bytes_append_padded(out, w->outside.bytes, w->outside.used) && put_inputs(w, out);
    return skep__rec_end(&r->out, whole);
}

void skep__recorder_before(skep__recorder *r, float dt, double time)
{
    if (r->out.why || skep_frame_running(r->plan) || !(dt >= 0.0f)) return;
    const uint64_t number = r->world->tick + 1u;
    uint64_t hash = 0;
    r->sampling = r->hash_every && number % r->hash_every == 0;
    r->items.used = 0;
    r->items_lost = false;
    if (r->sampling) hash = skep_world_hash(r->world);
    const uint64_t *known = r->sampling ? &hash : NULL;
    if (!before_world(r, known) || !put_numbers(r) || !put_plan(r)) return;
    r->open = put_begin(r, dt, time, known);
}

static void recorder_batch(void *ctx, uint32_t batch)
{
    skep__recorder *r = ctx;
    if (r->out.why || !r->open || !r->sampling || r->items_lost) return;
    r->items_lost = !skep__items_put(r->plan, batch, &r->sums, &r->items);
}

static bool put_end(skep__recorder *r, const skep_frame_report *report)
{
    skep__bytes *out = &r->out.out;
    skep__hash_parts parts = {0, 0, 0, 0, 0};
    r->last_hash = r->sampling ? skep__hash_world(r->world, &parts) : 0;
    r->last_hashed = r->sampling;
    if (!skep__rec_begin(&r->out, SKEP__REC_END)) return false;
    const uint64_t words[] = {r->last_hash,   parts.tables,  parts.resources,
                              parts.channels, parts.records, parts.queue};
    bool whole = skep__bytes_u64(out, report->frame) &&
                 skep__bytes_u32(out, r->sampling ? SKEP__REC_HASHED : 0u) &&
                 skep__bytes_u32(out, report->fault_count) &&
                 skep__bytes_append(out, words, sizeof words) &&
                 skep__bytes_u32(out, (uint32_t)r->items.used) && skep__bytes_u32(out, 0) &&
                 skep__bytes_append(out, r->items.data, r->items.used);
    for (uint32_t i = 0; i < report->fault_count && whole; i++)
        whole = skep__rec_fault_put(out, &report->faults[i]);
    return skep__rec_end(&r->out, whole && !r->items_lost && r->items.used <= UINT32_MAX);
}

void skep__recorder_after(skep__recorder *r, const skep_frame_report *report)
{
    if (r->out.why || !r->open) return;
    r->open = false;
    r->next_tick = r->world->tick;
    (void)put_end(r, report);
}

void skep__recorder_host(skep__recorder *r, const void *bytes, size_t n)
{
    if (r->out.why || r->open || !skep__rec_begin(&r->out, SKEP__REC_HOST)) return;
    (void)skep__rec_end(&r->out, skep__bytes_append(&r->out.out, bytes, n));
}

/* ---- life ------------------------------------------------------------------------------------ */

static skep_status recorder_begin(skep__recorder *r, const skep__recorder_desc *d)
{
    const bool good = skep__rec_open(&r->out, SKEP__REC_RECORDING) &&
                      skep__rec_notes(&r->out, d->notes, d->note_count) &&
                      skep__rec_data(&r->out, d->data, d->data_bytes) && put_numbers(r) &&
                      put_plan(r);
    return good ? put_world(r) : r->out.status;
}

skep_status skep__recorder_open(const skep__recorder_desc *desc, skep__recorder **recorder)
{
    const skep_allocator *a = &desc->plan->allocator;
    *recorder = NULL;
    if (skep_frame_running(desc->plan)) return SKEP_BUSY;
    skep__recorder *r = skep__alloc(a, sizeof *r, 16);
    if (!r) return SKEP_NO_MEMORY;
    r->allocator = *a;
    r->plan = desc->plan;
    r->world = desc->plan->world;
    r->out.write = desc->write;
    r->out.ctx = desc->ctx;
    r->out.out.allocator = r->items.allocator = r->sums.allocator = &r->allocator;
    r->hash_every = desc->hash_every;
    r->world_max = desc->world_max;
    r->next_tick = r->world->tick;
    r->watcher.batch = recorder_batch;
    r->watcher.ctx = r;
    skep__plan_watch(r->plan, &r->watcher);
    const skep_status status = recorder_begin(r, desc);
    if (status == SKEP_OK)
        *recorder = r;
    else
        skep__recorder_close(r);
    if (status != SKEP_OK || !r->hash_every) return status;
    r->last_hash = skep_world_hash(r->world);
    r->last_hashed = true;
    return SKEP_OK;
}

const char *skep__recorder_lost(const skep__recorder *recorder)
{
    return recorder->out.why;
}

uint64_t skep__recorder_bytes(const skep__recorder *recorder)
{
    return recorder->out.bytes;
}

void skep__recorder_close(skep__recorder *r)
{
    if (!r) return;
    const skep_allocator a = r->allocator;
    if (!r->out.why && skep__rec_begin(&r->out, SKEP__REC_CLOSE))
        (void)skep__rec_end(&r->out, skep__bytes_u64(&r->out.out, r->world->tick));
    skep__plan_unwatch(r->plan, &r->watcher);
    skep__rec_close(&r->out);
    skep__bytes_deinit(&r->items);
    skep__bytes_deinit(&r->sums);
    skep__free(&a, r, sizeof *r, 16);
}
