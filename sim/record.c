/* SPDX-License-Identifier: MIT */
/* Recordings of a simulation: where the recorder's bytes go, and what is noted beside them so that
 * `skep replay` can open the same scene. */
#include "core/base/format.h"
#include "core/record/recorder.h"
#include "port/port.h"
#include "sim/sim_internal.h"

#include "skep/recovery.h"

#define RECORD_CANARY 0x5EC02Du

struct skep__recording {
    skep__recorder *recorder;
    skep__bytes bytes; /* in memory */
    skep__port_out file;
    uint64_t next; /* tick of the frame to come, for messages */
    char why[128]; /* bytes found no place */
    bool to_file;
    bool told; /* that it ended by itself */
};

skep_record_desc skep_record_desc_default(void)
{
    skep_record_desc d;
    memset(&d, 0, sizeof d);
    d.canary = RECORD_CANARY;
    d.hash_every = 1;
    return d;
}

/* ---- where bytes go -------------------------------------------------------------------------- */

static bool record_write(void *ctx, const void *bytes, size_t n)
{
    struct skep__recording *r = ctx;
    if (!r->to_file) {
        const bool room = r->bytes.used + n <= SKEP_RECORD_BYTES_MAX;
        if (room && skep__bytes_append(&r->bytes, bytes, n)) return true;
        (void)skep__format(r->why, sizeof r->why, "%s",
                           room ? "out of memory" : "limit SKEP_RECORD_BYTES_MAX");
        return false;
    }
    if (skep__port_out_write(&r->file, bytes, n)) return true;
    skep__port_why(r->why, sizeof r->why);
    return false;
}

/* Says once that the recording has ended by itself, and why. */
static void record_tell(skep_sim *sim)
{
    struct skep__recording *r = sim->recording;
    const char *why = r->recorder ? skep__recorder_lost(r->recorder) : NULL;
    if (!why || r->told) return;
    r->told = true;
    if (r->why[0]) why = r->why;
    skep__logf(&sim->log, SKEP_LOG_WARN, "%s: the recording ends at frame %llu: %s", sim->title,
               (unsigned long long)r->next, why);
}

/* ---- making one ------------------------------------------------------------------------------ */

uint32_t skep__sim_notes(const skep_sim *sim, const char *scene, char numbers[3][24],
                         skep__rec_note *notes)
{
    uint32_t count = 0;
    (void)skep__format(numbers[0], 24, "%llu", (unsigned long long)sim->world->seed);
    (void)skep__format(numbers[1], 24, "%u", sim->world->store.entity_max);
    (void)skep__format(numbers[2], 24, "%llu", (unsigned long long)sim->region.bytes_max);
    notes[count++] = (skep__rec_note){"scene", scene ? scene : sim->scene};
    notes[count++] = (skep__rec_note){"seed", numbers[0]};
    notes[count++] = (skep__rec_note){"entity_max", numbers[1]};
    notes[count++] = (skep__rec_note){"region_bytes_max", numbers[2]};
    for (const skep__asked *a = sim->asked; a && count + 2u <= SKEP__NOTES_MAX; a = a->next) {
        if (!a->given) continue;
        notes[count++] = (skep__rec_note){"param", a->name};
        notes[count++] = (skep__rec_note){"value", a->value ? a->value : ""};
    }
    return count;
}

static skep_status record_start(skep_sim *sim, const skep_record_desc *d)
{
    struct skep__recording *r = sim->recording;
    skep__rec_note notes[SKEP__NOTES_MAX];
    char numbers[3][24];
    const uint32_t count = skep__sim_notes(sim, d->scene, numbers, notes);
    const skep__recorder_desc rd = {.plan = sim->plan,
                                    .write = record_write,
                                    .ctx = r,
                                    .notes = notes,
                                    .note_count = count,
                                    .data = d->data,
                                    .data_bytes = d->data_bytes,
                                    .world_max = SKEP_RECORD_WORLDS_MAX,
                                    .hash_every = d->hash_every};
    r->next = sim->world->tick;
    return skep__recorder_open(&rd, &r->recorder);
}

skep_status skep_sim_record_open(skep_sim *sim, const skep_record_desc *desc)
{
    if (desc->canary != RECORD_CANARY) return SKEP_ARGUMENT;
    if (skep_frame_running(sim->plan)) return SKEP_BUSY;
    (void)skep_sim_record_end(sim);
    struct skep__recording *r =
        (struct skep__recording *)skep__alloc(&sim->allocator, sizeof *r, 16);
    if (!r) return SKEP_NO_MEMORY;
    sim->recording = r;
    r->bytes.allocator = &sim->allocator;
    skep_status status = SKEP_OK;
    if (desc->path) {
        r->to_file = skep__port_out_open(&r->file, desc->path);
        if (!r->to_file) skep__port_why(r->why, sizeof r->why);
        if (!r->to_file) status = SKEP_IO;
    }
    if (status == SKEP_OK) status = record_start(sim, desc);
    if (status == SKEP_OK) return SKEP_OK;
    if (status == SKEP_IO && !desc->path) status = SKEP_NO_MEMORY; /* it is the buffer */
    skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: recording%s%s: %s", sim->title,
               desc->path ? " to " : "", desc->path ? desc->path : "",
               r->why[0] ? r->why : skep_status_text(status));
    (void)skep_sim_record_end(sim);
    return status;
}

skep_status skep_sim_record(skep_sim *sim, uint32_t hash_every)
{
    skep_record_desc d = skep_record_desc_default();
    d.hash_every = hash_every;
    return skep_sim_record_open(sim, &d);
}

void skep__record_before(skep_sim *sim, float dt, double time)
{
    struct skep__recording *r = sim->recording;
    r->next = sim->world->tick;
    skep__recorder_before(r->recorder, dt, time);
    record_tell(sim);
}

void skep__record_after(skep_sim *sim)
{
    skep__recorder_after(sim->recording->recorder, &sim->report);
    record_tell(sim);
}

/* ---- what became of it ----------------------------------------------------------------------- */

uint64_t skep_sim_record_bytes(const skep_sim *sim, bool *going_on)
{
    const struct skep__recording *r = sim->recording;
    if (going_on) *going_on = r && !skep__recorder_lost(r->recorder);
    return r ? skep__recorder_bytes(r->recorder) : 0;
}

skep_status skep_sim_record_save(skep_sim *sim, const char *path)
{
    const struct skep__recording *r = sim->recording;
    if (!r || r->to_file) return SKEP_NOT_FOUND;
    const skep_status status = skep__port_file_write(path, r->bytes.data, r->bytes.used);
    if (status != SKEP_OK)
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: writing the recording to %s: %s", sim->title,
                   path, skep_status_text(status));
    return status;
}

skep_status skep_sim_record_end(skep_sim *sim)
{
    struct skep__recording *r = sim->recording;
    skep_status status = SKEP_OK;
    if (!r) return SKEP_OK;
    skep__recorder_close(r->recorder);
    if (r->to_file) {
        const bool synced = skep__port_out_sync(&r->file);
        const bool closed = skep__port_out_close(&r->file);
        if (!synced || !closed || r->why[0]) status = SKEP_IO;
    }
    skep__bytes_deinit(&r->bytes);
    skep__free(&sim->allocator, r, sizeof *r, 16);
    sim->recording = NULL;
    return status;
}
