/* SPDX-License-Identifier: MIT */
/* Playing recorded files: the file is mapped and stays so while its recording is open. */
#include "core/record/replayer.h"
#include "port/port.h"
#include "sim/sim_internal.h"

#include "skep/recovery.h"

struct skep_recording {
    skep_allocator allocator;
    const uint8_t *bytes;
    size_t size;
    skep__replayer *replayer;
};

skep_status skep_recording_open(const char *path, skep_recording **recording, skep_error *error)
{
    const skep_allocator allocator = skep__port_allocator();
    *recording = NULL;
    *error = (skep_error){SKEP_NO_MEMORY, skep_status_text(SKEP_NO_MEMORY), 0};
    skep_recording *r = (skep_recording *)skep__alloc(&allocator, sizeof *r, 16);
    if (!r) return SKEP_NO_MEMORY;
    r->allocator = allocator;
    skep_status status = skep__port_file_map(path, &r->bytes, &r->size);
    if (status != SKEP_OK) {
        const char *why = status == SKEP_NOT_FOUND ? "no such file" : skep_status_text(status);
        *error = (skep_error){status, why, 0};
    } else {
        status = skep__replay_open(&r->allocator, r->bytes, r->size, &r->replayer, error);
    }
    if (status == SKEP_OK)
        *recording = r;
    else
        skep_recording_close(r);
    return status;
}

void skep_recording_close(skep_recording *recording)
{
    skep_recording *r = recording;
    if (!r) return;
    const skep_allocator allocator = r->allocator;
    skep__replay_close(r->replayer);
    skep__port_file_unmap(r->bytes, r->size);
    skep__free(&allocator, r, sizeof *r, 16);
}

skep_recording_info skep_recording_info_of(const skep_recording *recording)
{
    const skep__replay_info *i = skep__replay_info_of(recording->replayer);
    return (skep_recording_info){.frames = i->frames,
                                 .first = i->first,
                                 .good = i->good,
                                 .damage = i->damage,
                                 .worlds = i->worlds,
                                 .closed = i->closed,
                                 .unfinished = i->unfinished};
}

const char *skep_recording_note(const skep_recording *recording, const char *key, uint32_t index)
{
    return skep__replay_note(recording->replayer, key, index);
}

const void *skep_recording_data(const skep_recording *recording, size_t *bytes)
{
    return skep__replay_data(recording->replayer, bytes);
}

/* ---- playing --------------------------------------------------------------------------------- */

static void play_report(const skep_recording *r, skep_replay_report *report)
{
    const skep__replay_difference *d = skep__replay_difference_of(r->replayer);
    report->hashes = skep__replay_hashes(r->replayer);
    if (d->what == SKEP__DIFFERS_NOT) return;
    report->differs = d->frame;
    report->since = d->since;
    report->batch = d->batch;
    memcpy(report->system, d->system, sizeof report->system);
    memcpy(report->part, d->part, sizeof report->part);
    (void)skep__replay_text(d, report->text, sizeof report->text);
}

static skep_status play_frames(skep_recording *r, skep_sim *sim, skep_replay_fn fn, void *ctx,
                               skep_replay_report *report)
{
    for (;;) {
        skep__replay_frame f;
        skep_status status = skep__replay_next(r->replayer, &f);
        report->other_plan |= !skep__replay_same_plan(r->replayer);
        if (status != SKEP_OK || f.kind == SKEP__REPLAY_END) return status;
        if (fn && !fn(ctx, f.tick, f.unfinished)) return SKEP_OK;
        status = skep_sim_step_at(sim, f.dt, f.time);
        if (status != SKEP_OK) return status;
        report->frames++;
        if (!skep__replay_done(r->replayer, &sim->report)) return SKEP_OK;
    }
}

skep_status skep_recording_play(skep_recording *recording, skep_sim *sim, skep_replay_fn fn,
                                void *ctx, skep_replay_report *report)
{
    skep_replay_report own;
    if (!report) report = &own;
    memset(report, 0, sizeof *report);
    report->differs = report->since = UINT64_MAX;
    if (skep_frame_running(sim->plan)) return SKEP_BUSY;
    skep_status status = skep__replay_begin(recording->replayer, sim->plan);
    if (status == SKEP_OK) status = play_frames(recording, sim, fn, ctx, report);
    play_report(recording, report);
    skep__replay_leave(recording->replayer);
    if (status == SKEP_SCHEMA)
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: it was recorded from another scene", sim->title);
    else if (status != SKEP_OK)
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: frame %llu of the recording: %s", sim->title,
                   (unsigned long long)skep_world_tick(sim->world), skep_status_text(status));
    return status;
}

skep_status skep_sim_replay(skep_sim *sim, const char *path, skep_replay_report *report)
{
    skep_recording *recording = NULL;
    skep_error error;
    skep_status status = skep_recording_open(path, &recording, &error);
    if (status != SKEP_OK) {
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: %s (byte %zu)", path, error.message,
                   error.offset);
        return status;
    }
    const skep_recording_info info = skep_recording_info_of(recording);
    if (info.damage)
        skep__logf(&sim->log, SKEP_LOG_WARN, "%s: byte %llu: %s; what is before it is played", path,
                   (unsigned long long)info.good, info.damage);
    status = skep_recording_play(recording, sim, NULL, NULL, report);
    skep_recording_close(recording);
    return status;
}
