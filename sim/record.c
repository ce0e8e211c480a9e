/* SPDX-License-Identifier: MIT */
/* Recordings: everything that decides what frames do, from one world on.
 *
 *     file  : head | save | numbers | frames | faults
 *     head  : magic, version, lengths of the four, hash of all behind the head
 *     frame : record_frame | commands from outside | inputs (record_input, value) ...
 *
 * All multiples of 8 bytes, little-endian. Commands name components, events, resources and
 * prefabs by the world's numbers, so the file keeps the identities of all numbers, and a
 * replaying world must have given out the same. The bytes may come from anywhere: each length and
 * number is checked before it is used. When the world goes back in time (a loop that rewinds) the
 * recording drops the frames that were undone. */
#include "core/base/hash.h"
#include "core/world/world_internal.h"
#include "port/port.h"
#include "sim/byte_buffer.h"
#include "sim/sim_internal.h"

#include "skep/save.h"

#define RECORD_MAGIC UINT64_C(0x31306365722e6b73) /* "sk.rec01" */
#define RECORD_VERSION 1u

typedef struct record_head {
    uint64_t magic;
    uint32_t version;
    uint32_t fault_bytes; /* of one skep_fault */
    uint64_t save_bytes;
    uint64_t number_bytes;
    uint64_t frame_bytes;
    uint64_t fault_count;
    uint64_t hash;
} record_head;

typedef struct record_frame {
    uint64_t tick;
    double time; /* as given to the frame: negative for the world's own */
    uint64_t hash;
    float dt;
    uint32_t hashed; /* 1: hash was taken */
    uint32_t command_bytes;
    uint32_t command_count;
    uint32_t input_count;
    uint32_t bytes; /* of the frame with all that belongs to it */
} record_frame;

typedef struct record_input {
    uint64_t number;
    uint64_t to;
    uint32_t source;
    uint32_t channel;
} record_input;

struct skep__recording {
    skep__bytes save;
    skep__bytes frames;
    skep__bytes faults; /* skep_fault each */
    size_t last;        /* offset of the newest frame */
    uint64_t next_tick;
    uint32_t hash_every;
    bool open; /* the newest frame has begun and is not over */
    bool lost; /* memory or the limit ran out, or the world jumped ahead */
};

/* ---- making one -------------------------------------------------------------------------- */

void skep_sim_record_end(skep_sim *sim)
{
    struct skep__recording *r = sim->recording;
    if (!r) return;
    skep__bytes_deinit(&r->save);
    skep__bytes_deinit(&r->frames);
    skep__bytes_deinit(&r->faults);
    skep__free(&sim->allocator, r, sizeof *r, 16);
    sim->recording = NULL;
}

skep_status skep_sim_record(skep_sim *sim, uint32_t hash_every)
{
    if (skep_frame_running(sim->plan)) return SKEP_BUSY;
    skep_sim_record_end(sim);
    struct skep__recording *r =
        (struct skep__recording *)skep__alloc(&sim->allocator, sizeof *r, 16);
    if (!r) return SKEP_NO_MEMORY;
    sim->recording = r;
    r->save.allocator = r->frames.allocator = r->faults.allocator = &sim->allocator;
    r->hash_every = hash_every;
    r->next_tick = skep_world_tick(sim->world);
    skep_status status = skep_save(sim->world, skep__bytes_append, &r->save);
    if (status == SKEP_IO) status = SKEP_NO_MEMORY;
    if (status != SKEP_OK) skep_sim_record_end(sim);
    return status;
}

/* The recording goes no further; what it has stays. */
static void record_lose(skep_sim *sim, const char *why)
{
    if (!sim->recording->lost)
        skep__logf(&sim->log, SKEP_LOG_WARN, "%s: the recording ends at frame %llu: %s", sim->title,
                   (unsigned long long)sim->recording->next_tick, why);
    sim->recording->lost = true;
}

/* Drops the frames from `tick` on, and their faults. */
static void record_cut(struct skep__recording *r, uint64_t tick)
{
    size_t at = 0;
    while (at < r->frames.used) {
        const record_frame *f = (const record_frame *)(const void *)(r->frames.data + at);
        if (f->tick >= tick) break;
        r->last = at;
        at += f->bytes;
    }
    r->frames.used = at;
    const skep_fault *faults = (const skep_fault *)(const void *)r->faults.data;
    size_t count = r->faults.used / sizeof *faults;
    while (count && faults[count - 1].frame >= tick) count--;
    r->faults.used = count * sizeof *faults;
    r->next_tick = tick;
}

static bool record_inputs(struct skep__recording *r, skep_world *w)
{
    skep__inputs_sort(w);
    for (uint32_t i = 0; i < w->inputs.count; i++) {
        const skep__input_key *key = &w->inputs.keys[i];
        const skep__input_head *head =
            (const skep__input_head *)(const void *)(w->inputs.bytes + key->at);
        const record_input in = {key->number, head->to, key->source, head->channel};
        if (!skep__bytes_append(&r->frames, &in, sizeof in) ||
            !skep__bytes_append_padded(&r->frames, head + 1, head->bytes))
            return false;
    }
    return true;
}

void skep__record_before(skep_sim *sim, float dt, double time)
{
    struct skep__recording *r = sim->recording;
    skep_world *w = sim->world;
    if (r->lost || skep_frame_running(sim->plan)) return;
    if (r->open) record_cut(r, r->next_tick); /* the last one ended early */
    if (w->tick > r->next_tick) {
        record_lose(sim, "the world jumped ahead");
        return;
    }
    if (w->tick < r->next_tick) record_cut(r, w->tick);
    record_frame f;
    memset(&f, 0, sizeof f);
    f.tick = w->tick;
    f.time = time >= 0.0 ? time : SKEP_TIME_AUTO;
    f.dt = dt;
    f.command_bytes = w->outside.used;
    f.command_count = w->outside.count;
    f.input_count = w->inputs.count;
    const size_t at = r->frames.used;
    r->last = at;
    const bool kept = skep__bytes_append(&r->frames, &f, sizeof f) &&
                      skep__bytes_append_padded(&r->frames, w->outside.bytes, w->outside.used) &&
                      record_inputs(r, w);
    const size_t bytes = r->frames.used - at;
    if (!kept || r->frames.used > SKEP_RECORD_BYTES_MAX || bytes > UINT32_MAX) {
        r->frames.used = at;
        record_lose(sim, kept ? "limit SKEP_RECORD_BYTES_MAX" : "out of memory");
        return;
    }
    ((record_frame *)(void *)(r->frames.data + at))->bytes = (uint32_t)bytes;
    r->open = true;
}

void skep__record_after(skep_sim *sim)
{
    struct skep__recording *r = sim->recording;
    if (r->lost || !r->open) return;
    r->open = false;
    const skep_frame_report *report = &sim->report;
    if (!skep__bytes_append(&r->faults, report->faults,
                            report->fault_count * sizeof *report->faults)) {
        record_cut(r, r->next_tick);
        record_lose(sim, "out of memory");
        return;
    }
    r->next_tick++;
    if (r->hash_every == 0 || r->next_tick % r->hash_every) return;
    record_frame *f = (record_frame *)(void *)(r->frames.data + r->last);
    f->hash = skep_world_hash(sim->world);
    f->hashed = 1;
}

/* ---- numbers ----------------------------------------------------------------------------- */

/* The four kinds of numbers that commands use. */
enum { RECORD_TYPES, RECORD_CHANNELS, RECORD_RESOURCES, RECORD_PREFABS, RECORD_KINDS };

static uint32_t record_count(const skep_world *w, uint32_t kind)
{
    const uint32_t counts[RECORD_KINDS] = {w->store.type_count, w->channel_count, w->resource_count,
                                           w->prefab_count};
    return counts[kind];
}

static uint64_t record_identity(const skep_world *w, uint32_t kind, uint32_t number)
{
    switch (kind) {
    case RECORD_TYPES:
        return w->store.types[number].identity;
    case RECORD_CHANNELS:
        return w->channels[number].identity;
    case RECORD_RESOURCES:
        return w->resources[number].identity;
    default:
        return w->prefabs[number].identity;
    }
}

static bool record_numbers(const skep_world *w, skep__bytes *out)
{
    for (uint32_t kind = 0; kind < RECORD_KINDS; kind++) {
        const uint64_t count = record_count(w, kind);
        if (!skep__bytes_append(out, &count, sizeof count)) return false;
        for (uint32_t i = 0; i < count; i++) {
            const uint64_t identity = record_identity(w, kind, i);
            if (!skep__bytes_append(out, &identity, sizeof identity)) return false;
        }
    }
    return true;
}

/* ---- writing one ------------------------------------------------------------------------- */

static bool record_gather(const skep_sim *sim, skep__bytes *out)
{
    const struct skep__recording *r = sim->recording;
    record_head head;
    memset(&head, 0, sizeof head);
    if (!skep__bytes_append(out, &head, sizeof head)) return false;
    if (!skep__bytes_append_padded(out, r->save.data, r->save.used)) return false;
    const size_t numbers = out->used;
    if (!record_numbers(sim->world, out)) return false;
    head.number_bytes = out->used - numbers;
    /* A frame that has begun is not part of it yet. */
    head.frame_bytes = r->open ? r->last : r->frames.used;
    if (!skep__bytes_append(out, r->frames.data, head.frame_bytes)) return false;
    if (!skep__bytes_append_padded(out, r->faults.data, r->faults.used)) return false;
    head.magic = RECORD_MAGIC;
    head.version = RECORD_VERSION;
    head.fault_bytes = (uint32_t)sizeof(skep_fault);
    head.save_bytes = r->save.used;
    head.fault_count = r->faults.used / sizeof(skep_fault);
    head.hash = skep__hash_bytes(out->data + sizeof head, out->used - sizeof head, RECORD_MAGIC);
    memcpy(out->data, &head, sizeof head);
    return true;
}

skep_status skep_sim_record_save(skep_sim *sim, const char *path)
{
    if (!sim->recording) return SKEP_NOT_FOUND;
    skep__bytes out = {&sim->allocator, NULL, 0, 0};
    const bool gathered = record_gather(sim, &out);
    const skep_status status =
        gathered ? skep__port_file_write(path, out.data, out.used) : SKEP_NO_MEMORY;
    skep__bytes_deinit(&out);
    if (status != SKEP_OK)
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: writing the recording to %s: %s", sim->title,
                   path, skep_status_text(status));
    return status;
}

/* ---- playing one ------------------------------------------------------------------------- */

/* A recording's parts, checked as far as lengths go. */
typedef struct record_view {
    const uint8_t *save;
    const uint8_t *numbers;
    const uint8_t *frames;
    const uint8_t *faults;
    record_head head;
    const char *why; /* it is refused */
} record_view;

static skep_status record_refuse(record_view *v, skep_status status, const char *why)
{
    v->why = why;
    return status;
}

static skep_status record_open(record_view *v, const uint8_t *bytes, size_t size)
{
    memset(v, 0, sizeof *v);
    const size_t limit = SKEP_RECORD_BYTES_MAX * 8;
    if (size < sizeof v->head) return record_refuse(v, SKEP_FOREIGN, "it is no recording");
    memcpy(&v->head, bytes, sizeof v->head);
    const record_head *h = &v->head;
    if (h->magic != RECORD_MAGIC) return record_refuse(v, SKEP_FOREIGN, "it is no recording");
    if (h->version != RECORD_VERSION || h->fault_bytes != sizeof(skep_fault))
        return record_refuse(v, SKEP_VERSION, "it is a recording of another version");
    if (h->save_bytes > limit || h->number_bytes > limit || h->frame_bytes > limit ||
        h->fault_count > limit / sizeof(skep_fault) || h->frame_bytes % 8 || h->number_bytes % 8)
        return record_refuse(v, SKEP_CORRUPT, "the recording's head is damaged");
    const size_t save = skep__align((size_t)h->save_bytes, 8);
    const size_t faults = skep__align((size_t)h->fault_count * sizeof(skep_fault), 8);
    if (sizeof *h + save + h->number_bytes + h->frame_bytes + faults != size)
        return record_refuse(v, SKEP_CORRUPT, "the recording's length is wrong");
    if (skep__hash_bytes(bytes + sizeof *h, size - sizeof *h, RECORD_MAGIC) != h->hash)
        return record_refuse(v, SKEP_CORRUPT, "the recording is damaged: its checksum differs");
    v->save = bytes + sizeof *h;
    v->numbers = v->save + save;
    v->frames = v->numbers + h->number_bytes;
    v->faults = v->frames + h->frame_bytes;
    return SKEP_OK;
}

/* Numbers of this world must mean what they meant; there may be more of them on either side. */
static bool record_same_numbers(const record_view *v, const skep_world *w)
{
    size_t at = 0;
    for (uint32_t kind = 0; kind < RECORD_KINDS; kind++) {
        uint64_t count = 0;
        if (v->head.number_bytes - at < sizeof count) return false;
        memcpy(&count, v->numbers + at, sizeof count);
        at += sizeof count;
        if (count > (v->head.number_bytes - at) / sizeof count) return false;
        for (uint32_t i = 0; i < count && i < record_count(w, kind); i++) {
            uint64_t identity = 0;
            memcpy(&identity, v->numbers + at + i * sizeof identity, sizeof identity);
            if (identity != record_identity(w, kind, i)) return false;
        }
        at += count * sizeof count;
    }
    return at == v->head.number_bytes;
}

/* What a command's slot names: its component's size, or UINT32_MAX where there is no such number.
 */
static uint32_t record_payload(const skep_world *w, const skep_patch_header *h)
{
    const skep_component *info = NULL;
    switch (h->kind) {
    case SKEP_PATCH_SET:
    case SKEP_PATCH_PUT:
    case SKEP_PATCH_INIT:
        if (h->slot < w->store.type_count) info = w->store.types[h->slot].info;
        break;
    case SKEP_PATCH_REMOVE:
        return h->slot < w->store.type_count ? 0 : UINT32_MAX;
    case SKEP_PATCH_DESTROY:
        return 0;
    case SKEP_PATCH_SPAWN:
        return h->slot < w->prefab_count || h->slot == SKEP_PATCH_NO_SLOT ? 0 : UINT32_MAX;
    case SKEP_PATCH_EVENT:
        if (h->slot < w->channel_count) info = w->channels[h->slot].info;
        break;
    case SKEP_PATCH_RESOURCE:
        if (h->slot < w->resource_count) info = w->resources[h->slot].info;
        break;
    default:
        break;
    }
    return info ? info->size : UINT32_MAX;
}

/* Checks one command at `at` and returns its whole length, 0 for a bad one. */
static size_t record_command_bytes(const skep_world *w, const uint8_t *at, size_t left)
{
    skep_patch_header h;
    if (left < sizeof h) return 0;
    memcpy(&h, at, sizeof h);
    const uint32_t wanted = record_payload(w, &h);
    const bool buffer = h.kind == SKEP_PATCH_RESOURCE && h.bytes >= wanted;
    if (wanted == UINT32_MAX || (h.bytes != wanted && !buffer)) return 0;
    const size_t bytes = sizeof h + skep__align(h.bytes, 8);
    return bytes <= left ? bytes : 0;
}

static bool record_play_commands(skep_world *w, const uint8_t *bytes, const record_frame *f)
{
    size_t at = 0;
    while (at < f->command_bytes) {
        const size_t length = record_command_bytes(w, bytes + at, f->command_bytes - at);
        if (!length) return false;
        skep_patch_header h;
        memcpy(&h, bytes + at, sizeof h);
        const skep_entity e = {h.entity};
        void *to = skep__command_push(w, &w->outside, (skep_patch_kind)h.kind, h.slot, e, h.bytes);
        if (!to) return false;
        memcpy(to, bytes + at + sizeof h, h.bytes);
        at += length;
    }
    return true;
}

/* Gives the frame its inputs; `at` moves behind them. */
static bool record_play_inputs(skep_world *w, const uint8_t **at, const uint8_t *end,
                               uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        record_input in;
        if ((size_t)(end - *at) < sizeof in) return false;
        memcpy(&in, *at, sizeof in);
        *at += sizeof in;
        if (in.channel >= w->channel_count) return false;
        const skep_component *info = w->channels[in.channel].info;
        const size_t bytes = skep__align(info->size, 8);
        if (info->kind != SKEP_KIND_INPUT || (size_t)(end - *at) < bytes) return false;
        const skep_entity to = {in.to};
        if (skep_world_input(w, in.source, in.number, to, info, *at) != SKEP_OK) return false;
        *at += bytes;
    }
    return true;
}

/* Reads one frame and gives the world what it got. Returns behind it, NULL for damage. */
static const uint8_t *record_play_frame(skep_world *w, const uint8_t *at, const uint8_t *end,
                                        record_frame *f)
{
    if ((size_t)(end - at) < sizeof *f) return NULL;
    memcpy(f, at, sizeof *f);
    at += sizeof *f;
    const size_t commands = skep__align(f->command_bytes, 8);
    if (f->tick != w->tick || (size_t)(end - at) < commands) return NULL;
    if (!record_play_commands(w, at, f)) return NULL;
    at += commands;
    return record_play_inputs(w, &at, end, f->input_count) ? at : NULL;
}

static skep_status record_play(skep_sim *sim, const record_view *v, skep_replay_report *report)
{
    const uint8_t *at = v->frames;
    const uint8_t *end = v->frames + v->head.frame_bytes;
    while (at < end) {
        record_frame f;
        at = record_play_frame(sim->world, at, end, &f);
        if (!at) return SKEP_CORRUPT;
        const skep_status status = skep_sim_step_at(sim, f.dt, f.time);
        if (status != SKEP_OK) return status;
        report->frames++;
        if (!f.hashed) continue;
        report->hashes++;
        if (skep_world_hash(sim->world) == f.hash) continue;
        report->differs = f.tick;
        return SKEP_OK;
    }
    return SKEP_OK;
}

/* The recorded faults as the plan takes them: texts are made to end. */
static skep_status record_give_faults(skep_sim *sim, const record_view *v)
{
    const uint32_t count = (uint32_t)v->head.fault_count;
    if (count == 0) return skep_plan_replay(sim->plan, NULL, 0);
    const size_t bytes = count * sizeof(skep_fault);
    skep_fault *faults = (skep_fault *)skep__alloc(&sim->allocator, bytes, 16);
    if (!faults) return SKEP_NO_MEMORY;
    memcpy(faults, v->faults, bytes);
    for (uint32_t i = 0; i < count; i++) {
        faults[i].system[sizeof faults[i].system - 1] = 0;
        faults[i].cause[sizeof faults[i].cause - 1] = 0;
    }
    const skep_status status = skep_plan_replay(sim->plan, faults, count);
    skep__free(&sim->allocator, faults, bytes, 16);
    return status;
}

static skep_status record_replay(skep_sim *sim, const char *path, const uint8_t *bytes, size_t size,
                                 skep_replay_report *report)
{
    record_view v;
    skep_status status = record_open(&v, bytes, size);
    if (status == SKEP_OK && !record_same_numbers(&v, sim->world))
        status = record_refuse(&v, SKEP_SCHEMA, "it was recorded from another scene");
    if (status != SKEP_OK) {
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: %s", path, v.why);
        return status;
    }
    status = skep__sim_load_bytes(sim, path, v.save, (size_t)v.head.save_bytes);
    if (status != SKEP_OK) return status;
    status = record_give_faults(sim, &v);
    if (status == SKEP_OK) status = record_play(sim, &v, report);
    const skep_status ended = skep_plan_replay(sim->plan, NULL, 0);
    if (status == SKEP_OK) status = ended;
    if (status != SKEP_OK)
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: frame %llu: %s", path,
                   (unsigned long long)skep_world_tick(sim->world), skep_status_text(status));
    return status;
}

skep_status skep_sim_replay(skep_sim *sim, const char *path, skep_replay_report *report)
{
    skep_replay_report own;
    if (!report) report = &own;
    memset(report, 0, sizeof *report);
    report->differs = UINT64_MAX;
    if (skep_frame_running(sim->plan)) return SKEP_BUSY;
    const uint8_t *bytes = NULL;
    size_t size = 0;
    skep_status status = skep__sim_map(sim, path, &bytes, &size);
    if (status != SKEP_OK) return status;
    status = record_replay(sim, path, bytes, size, report);
    skep__port_file_unmap(bytes, size);
    return status;
}
