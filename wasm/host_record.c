/* SPDX-License-Identifier: MIT */
/* Recordings of what frames get, and playing them: core/record for JavaScript, which takes the
 * bytes as they come (HOST_SINK), and runs the frames of a replay as it runs all others. */
#include "core/record/recorder.h"
#include "core/record/replayer.h"
#include "wasm/host.h"

#define RECORD_NOTES_MAX 256u

/* ---- making one ------------------------------------------------------------------------------ */

static bool record_bytes(void *ctx, const void *bytes, size_t n)
{
    (void)ctx;
    return !skep_js_job(HOST_SINK, (const skep_task *)bytes, (const void *)(uintptr_t)n, NULL);
}

/* Begins a recording from the world as it is. In io are notes, the addresses of a key and of its
 * value each. `every`-th frames are hashed; the world may be recorded anew `world_max` - 1 times.
 */
uint32_t HOST_EXPORT(skep_host_record_open)(host *h, uint32_t every, uint32_t world_max,
                                            uint32_t note_count)
{
    skep__rec_note notes[RECORD_NOTES_MAX];
    if (h->recorder) return (uint32_t)host_fail(h, SKEP_BUSY, "the world is being recorded");
    if (note_count >= RECORD_NOTES_MAX)
        return (uint32_t)host_fail(h, SKEP_LIMIT, "more than %u notes", RECORD_NOTES_MAX - 1u);
    for (uint32_t i = 0; i < note_count; i++)
        notes[i] = (skep__rec_note){(const char *)(uintptr_t)h->io[2 * i],
                                    (const char *)(uintptr_t)h->io[2 * i + 1]};
    char seed[24];
    (void)skep__format(seed, sizeof seed, "%llu", (unsigned long long)h->world->seed);
    notes[note_count++] = (skep__rec_note){"seed", seed};
    const skep__recorder_desc d = {.plan = h->plan,
                                   .write = record_bytes,
                                   .notes = notes,
                                   .note_count = note_count,
                                   .world_max = world_max,
                                   .hash_every = every};
    const skep_status status = skep__recorder_open(&d, &h->recorder);
    if (status == SKEP_IO) return (uint32_t)host_fail(h, status, "the recording's writer gave up");
    return (uint32_t)host_check(h, status);
}

/* Keeps what JavaScript alone knows of the coming frame. */
void HOST_EXPORT(skep_host_record_host)(host *h, const void *bytes, uint32_t n)
{
    if (h->recorder) skep__recorder_host(h->recorder, bytes, n);
}

void host_record_before(host *h, float dt, double time)
{
    skep__recorder_before(h->recorder, dt, time);
}

void host_record_after(host *h)
{
    skep__recorder_after(h->recorder, &h->report);
}

/* Why the recording ended by itself: the address of a text, NULL while it goes on. */
const char *HOST_EXPORT(skep_host_record_lost)(const host *h)
{
    return h->recorder ? skep__recorder_lost(h->recorder) : NULL;
}

/* Ends it. */
void HOST_EXPORT(skep_host_record_close)(host *h)
{
    skep__recorder_close(h->recorder);
    h->recorder = NULL;
}

/* ---- playing one ----------------------------------------------------------------------------- */

/* Looks at a recording, whose bytes stay where they are. io[0..1] frames, [2..3] tick of the first,
 * [4] worlds, [5] closed, [6] unfinished, [7] address of a text that says what is damaged, or 0,
 * [8] bytes that are good; on failure [0] is the byte at which reading stopped. */
uint32_t HOST_EXPORT(skep_host_replay_open)(host *h, const void *bytes, uint32_t n)
{
    skep_error error;
    memset(&error, 0, sizeof error);
    if (h->replayer) return (uint32_t)host_fail(h, SKEP_BUSY, "a recording is being played");
    const skep_status status = skep__replay_open(&h->allocator, bytes, n, &h->replayer, &error);
    h->io[0] = (uint32_t)error.offset;
    if (status != SKEP_OK)
        return (uint32_t)host_fail(h, status, "%s (byte %u)", error.message, h->io[0]);
    const skep__replay_info *info = skep__replay_info_of(h->replayer);
    host_put_u64(h, 0, info->frames);
    host_put_u64(h, 2, info->first);
    h->io[4] = info->worlds;
    h->io[5] = info->closed;
    h->io[6] = info->unfinished;
    h->io[7] = (uint32_t)(uintptr_t)info->damage;
    h->io[8] = skep__u32(info->good);
    return SKEP_OK;
}

static uint32_t replay_status(host *h, skep_status status)
{
    if (status == SKEP_SCHEMA)
        return (uint32_t)host_fail(h, status,
                                   "it was recorded from a world of other components, "
                                   "or ones that were defined in another order");
    if (status == SKEP_CORRUPT)
        return (uint32_t)host_fail(h, status, "a frame of the recording makes no sense");
    return (uint32_t)host_check(h, status);
}

/* Takes the world to the recording's beginning. */
uint32_t HOST_EXPORT(skep_host_replay_begin)(host *h)
{
    return replay_status(h, skep__replay_begin(h->replayer, h->plan));
}

/* Gives the world what the next frame got: io[0] 1 for a frame, 0 at the end, [1] dt as a float,
 * [2..3] time as a double, [4..5] tick, [6] it never ended, [7] the world is one that was recorded
 * anew, [8] the systems are the same. */
uint32_t HOST_EXPORT(skep_host_replay_next)(host *h)
{
    skep__replay_frame f;
    const skep_status status = skep__replay_next(h->replayer, &f);
    h->io[0] = f.kind == SKEP__REPLAY_FRAME;
    memcpy(&h->io[1], &f.dt, sizeof f.dt);
    memcpy(&h->io[2], &f.time, sizeof f.time);
    host_put_u64(h, 4, f.tick);
    h->io[6] = f.unfinished;
    h->io[7] = f.world;
    h->io[8] = skep__replay_same_plan(h->replayer);
    return status == SKEP_OK ? SKEP_OK : replay_status(h, status);
}

/* Takes the end of that frame. 1: it came out the same, 0: it did not. */
uint32_t HOST_EXPORT(skep_host_replay_done)(host *h)
{
    return skep__replay_done(h->replayer, &h->report);
}

/* What came of it: io[0..1] hashes compared, [2] skep__replay_what, [3] batch, [4..5] frame,
 * [6..7] the first frame in which it may have come about, [8] address of the component's name or
 * the like, [9] of the systems' names, quoted, [10] and [11] address and bytes of it all as
 * users read it. */
void HOST_EXPORT(skep_host_replay_report)(host *h)
{
    const skep__replay_difference *d = skep__replay_difference_of(h->replayer);
    char *text = (char *)(h->io + 16);
    const size_t length = skep__replay_text(d, text, 1024);
    host_put_u64(h, 0, skep__replay_hashes(h->replayer));
    h->io[2] = (uint32_t)d->what;
    h->io[3] = d->batch;
    host_put_u64(h, 4, d->frame);
    host_put_u64(h, 6, d->since);
    h->io[8] = (uint32_t)(uintptr_t)d->part;
    h->io[9] = (uint32_t)(uintptr_t)d->system;
    h->io[10] = (uint32_t)(uintptr_t)text;
    h->io[11] = skep__u32(length < 1024 ? length : 1023);
}

/* Ends playing; the world stays as it is. */
void HOST_EXPORT(skep_host_replay_close)(host *h)
{
    skep__replay_close(h->replayer);
    h->replayer = NULL;
}
