/* SPDX-License-Identifier: MIT */
/* Traces of a run. The tracer's own file is made in memory first, by skep_trace_write, and read
 * back: so a file in any format, and what is said of a slow frame, come the same way as those of
 * `skep trace`.
 *
 * A flight recorder writes to FILE-812.skept for the frame after which it wrote. What happens again
 * and again is written once in as many frames as a file holds, since the files would overlap. */
#include "cli/tracer.h"

#include "cli/trace_cli.h"
#include "port/port.h"
#include "trace/trace_why.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Records of the caller in a frame: skies has about 100, a plan of 200 systems some 600. */
#define TRACER_FRAME_RECORDS 512u
/* 25 MB a thread at most, and 6 MB where nobody knows how long it goes on. */
#define TRACER_RECORDS_MAX ((uint64_t)1 << 20)
#define TRACER_RECORDS_OPEN ((uint64_t)1 << 18)
#define TRACER_TEXTS_A_SECOND 4u
#define TRACER_SECOND_NS 1000000000u
/* Frames that are looked at for a slow one: the median of its blocks is of these. */
#define TRACER_LOOK_BACK 30u

/* Set by the handler, the one thing that a handler may touch; there is no other way to it. */
static atomic_int tracer_signalled;

static void tracer_on_signal(int number)
{
    (void)number;
    atomic_store(&tracer_signalled, 1);
}

/* ---- options -------------------------------------------------------------------------------- */

int skep__cli_tracer_check(const skep__cli_options *o)
{
    const skep__cli_value *v = o->value;
    const char *path = v[SKEP__CLI_trace].text;
    if (v[SKEP__CLI_no_trace].given) {
        const char *with = v[SKEP__CLI_trace].given        ? "--trace"
                           : v[SKEP__CLI_trace_last].given ? "--trace-last"
                           : v[SKEP__CLI_slow_ms].given    ? "--slow-ms"
                                                           : NULL;
        if (with) return skep__cli_fail(o->command, "--no-trace: %s needs the tracer", with);
    }
    if (v[SKEP__CLI_trace_last].given && !path)
        return skep__cli_fail(o->command, "--trace-last: to which file? --trace FILE");
    return path ? skep__cli_trace_check(o->command, "--trace", path) : SKEP__EXIT_OK;
}

void skep__cli_tracer_describe(const skep__cli_options *o, skep_sim_desc *d)
{
    const skep__cli_value *v = o->value;
    d->trace_off = v[SKEP__CLI_no_trace].given;
    if (!v[SKEP__CLI_trace].given) return;
    const uint64_t frames = v[SKEP__CLI_trace_last].given ? v[SKEP__CLI_trace_last].number
                            : v[SKEP__CLI_frames].given   ? v[SKEP__CLI_frames].number
                                                          : 0;
    uint64_t records = frames ? TRACER_RECORDS_MAX : TRACER_RECORDS_OPEN;
    if (frames && frames < TRACER_RECORDS_MAX / TRACER_FRAME_RECORDS)
        records = frames * TRACER_FRAME_RECORDS;
    if (records > d->trace_records) d->trace_records = (uint32_t)records;
}

void skep__cli_tracer_begin(skep__cli_tracer *tracer, const skep__cli_options *o,
                            const skep__cli_scene *scene, skep__cli_live *live)
{
    const skep__cli_value *v = o->value;
    memset(tracer, 0, sizeof *tracer);
    tracer->command = o->command;
    tracer->sim = scene->sim;
    tracer->live = live;
    tracer->path = v[SKEP__CLI_trace].text;
    tracer->last = (uint32_t)v[SKEP__CLI_trace_last].number;
    tracer->faults = skep_sim_fault_total(scene->sim);
    tracer->frame_ns = (uint64_t)((double)scene->dt * 1e9);
    tracer->result.recorder = tracer->last != 0;
    /* Without memory for it, the file does not say what it is of. */
    (void)skep_trace_note(skep_sim_trace(scene->sim), "scene", scene->title);
    (void)skep_trace_note(skep_sim_trace(scene->sim), "executor",
                          skep_sim_executor(scene->sim, NULL));
    if (v[SKEP__CLI_slow_ms].given)
        tracer->result.budget_ns = (uint64_t)(v[SKEP__CLI_slow_ms].real * 1e6 + 0.5);
    if (tracer->last) skep__port_on_user_signal(tracer_on_signal);
}

uint64_t skep__cli_tracer_budget_ns(const skep__cli_tracer *tracer)
{
    return tracer->result.budget_ns ? tracer->result.budget_ns : tracer->frame_ns;
}

/* ---- what the rings hold -------------------------------------------------------------------- */

/* A trace in memory, and its timeline. */
typedef struct tracer_copy {
    skep__cli_bytes file;
    skep__timeline *timeline;
} tracer_copy;

static void copy_end(tracer_copy *c)
{
    skep__timeline_free(c->timeline);
    skep__cli_bytes_free(&c->file);
}

/* Takes the last frames (0: all) out of the rings. Without memory the timeline is NULL. */
static void copy_begin(const skep__cli_tracer *tracer, uint32_t frames, tracer_copy *c)
{
    const skep_allocator allocator = skep__port_allocator();
    skep_trace_time time;
    skep_error error;
    memset(c, 0, sizeof *c);
    skep_sim_trace_time(tracer->sim, &time);
    time.budget_ns = skep__cli_tracer_budget_ns(tracer);
    if (skep_trace_write(skep_sim_trace(tracer->sim), &time, frames, skep__cli_bytes_append,
                         &c->file, NULL) == SKEP_OK)
        (void)!skep__timeline_read(c->file.bytes, c->file.used, &allocator, &c->timeline, &error);
}

/* ---- files ---------------------------------------------------------------------------------- */

/* The file of a recorder: the frame's number goes before the ending. NULL without memory. */
static char *tracer_name(const char *path, uint64_t tick)
{
    const char *dot = strrchr(path, '.');
    const size_t bytes = strlen(path) + 24;
    char *name = malloc(bytes);
    if (name)
        (void)snprintf(name, bytes, "%.*s-%llu%s", (int)(dot - path), path,
                       (unsigned long long)tick, dot);
    return name;
}

/* Says what was written. */
static void tracer_say(const skep__cli_tracer *tracer, const char *path, const skep__timeline *t,
                       uint64_t wanted, const char *after)
{
    char frames[32], all[32], zones[32], of[48] = "";
    const bool less = t->frame_count < wanted;
    if (less) (void)snprintf(of, sizeof of, " of %s", skep__cli_thousands(all, wanted));
    if (tracer->live) skep__cli_live_clear(tracer->live);
    (void)fprintf(stderr, "skep %s: trace %s: %s%s%s %s, %s zones%s\n",
                  skep__cli_command_word(tracer->command), path, less ? "the last " : "",
                  skep__cli_thousands(frames, t->frame_count), of, wanted == 1 ? "frame" : "frames",
                  skep__cli_thousands(zones, t->zone_count), after);
}

/* Writes the last frames (0: all) to a file and says so; for a recorder with the last one's number
 * in its name, and with what came before: ", after a fault". False after saying why not. */
static bool tracer_file(skep__cli_tracer *tracer, uint32_t frames, const char *after)
{
    const char *error = skep_status_text(SKEP_NO_MEMORY);
    tracer_copy c;
    copy_begin(tracer, frames, &c);
    const skep__timeline *t = c.timeline;
    char *name = NULL;
    if (t && tracer->last)
        name = tracer_name(tracer->path, t->frame_count ? t->frames[t->frame_count - 1].tick : 0);
    const char *path = name ? name : tracer->path;
    const bool good = t && (name || !tracer->last) && skep__cli_trace_write(t, path, &error);
    if (good) {
        tracer_say(tracer, path, t, frames && frames < tracer->frames ? frames : tracer->frames,
                   after);
        tracer->result.frames = t->frame_count;
        tracer->result.zones = t->zone_count;
    } else {
        if (tracer->live) skep__cli_live_clear(tracer->live);
        (void)skep__cli_fail(tracer->command, "trace %s: %s", path, error);
    }
    free(name);
    copy_end(&c);
    return good;
}

/* Whether a reason counts: in as many frames as a file holds it does so once. */
static bool tracer_due(const skep__cli_tracer *tracer, skep__tracer_reason reason)
{
    return tracer->frames >= tracer->next_frame[reason];
}

/* Writes what the recorder holds, as long as there are files left. False when it could not. */
static bool tracer_record(skep__cli_tracer *tracer, skep__tracer_reason reason, const char *after)
{
    tracer->next_frame[reason] = tracer->frames + tracer->last;
    if (tracer->result.files == SKEP__TRACER_FILES_MAX) {
        if (tracer->full) return true;
        if (tracer->live) skep__cli_live_clear(tracer->live);
        (void)skep__cli_fail(tracer->command,
                             "--trace-last: %u files are written, and that is enough; no more are",
                             SKEP__TRACER_FILES_MAX);
        tracer->full = true;
        return true;
    }
    const bool good = tracer_file(tracer, tracer->last, after);
    tracer->result.files += good;
    return good;
}

/* ---- slow frames ---------------------------------------------------------------------------- */

static bool tracer_put(void *ctx, const void *bytes, size_t count)
{
    return fwrite(bytes, 1, count, ctx) == count;
}

/* Says why the last frame was slow, a few times a second at most. */
static void tracer_tell(skep__cli_tracer *tracer)
{
    const uint64_t now = skep__port_clock_ns();
    uint64_t *slot = &tracer->told_ns[tracer->told % TRACER_TEXTS_A_SECOND];
    if (tracer->told >= TRACER_TEXTS_A_SECOND && now - *slot < TRACER_SECOND_NS) {
        tracer->untold++;
        return;
    }
    tracer_copy c;
    copy_begin(tracer, TRACER_LOOK_BACK, &c);
    if (tracer->live) skep__cli_live_clear(tracer->live);
    if (tracer->untold) {
        char number[32];
        (void)fprintf(stderr, "slow: %s more since then\n",
                      skep__cli_thousands(number, tracer->untold));
    }
    const uint32_t frames = c.timeline ? c.timeline->frame_count : 0;
    if (frames && skep__trace_why(c.timeline, frames - 1, tracer->result.budget_ns, tracer_put,
                                  stderr) == SKEP_OK)
        (void)fflush(stderr);
    copy_end(&c);
    *slot = now;
    tracer->told++;
    tracer->untold = 0;
}

/* ---- the run -------------------------------------------------------------------------------- */

void skep__cli_tracer_frame(skep__cli_tracer *tracer)
{
    const uint64_t ns = skep_sim_report(tracer->sim)->time_ns;
    const uint64_t faults = skep_sim_fault_total(tracer->sim);
    const bool failed = faults != tracer->faults;
    const bool slow = tracer->result.budget_ns && ns > tracer->result.budget_ns;
    tracer->faults = faults;
    tracer->frames++;
    if (slow) {
        tracer->result.slow_frames++;
        tracer_tell(tracer);
    }
    if (!tracer->last) return;
    char after[64];
    (void)snprintf(after, sizeof after, ", after a frame of %.2f ms", (double)ns / 1e6);
    /* One file is enough for all that happened in one frame. */
    if (failed && tracer_due(tracer, SKEP__TRACER_FAULT))
        (void)tracer_record(tracer, SKEP__TRACER_FAULT, ", after a fault");
    else if (slow && tracer_due(tracer, SKEP__TRACER_SLOW))
        (void)tracer_record(tracer, SKEP__TRACER_SLOW, after);
    else if (tracer_due(tracer, SKEP__TRACER_SIGNAL) && atomic_exchange(&tracer_signalled, 0))
        (void)tracer_record(tracer, SKEP__TRACER_SIGNAL, ", after a signal");
}

int skep__cli_tracer_end(skep__cli_tracer *tracer, bool error)
{
    bool good = true;
    if (!tracer->path) return SKEP__EXIT_OK;
    if (!tracer->last) {
        good = tracer_file(tracer, 0, "");
        if (good) tracer->result.path = tracer->path;
    } else if (error && tracer_due(tracer, SKEP__TRACER_ERROR)) {
        good = tracer_record(tracer, SKEP__TRACER_ERROR, ", after an error");
    }
    return good ? SKEP__EXIT_OK : SKEP__EXIT_FAILED;
}
