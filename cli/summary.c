/* SPDX-License-Identifier: MIT */
/* What a run came to, as a small table for people or one line of JSON for programs. */
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/tracer.h"

#include <string.h>

#define SUMMARY_FAULTS 5u

const char *skep__cli_action(uint32_t action)
{
    switch ((skep_fault_action)action) {
    case SKEP_FAULT_HEALED:
        return "healed";
    case SKEP_FAULT_FALLBACK:
        return "fallback";
    case SKEP_FAULT_SKIPPED:
        return "skipped";
    case SKEP_FAULT_QUARANTINED:
        return "quarantined";
    case SKEP_FAULT_KEPT:
        return "kept";
    }
    return "unknown";
}

static double summary_seconds(const skep__cli_result *r)
{
    return (double)r->wall_ns / 1e9;
}

/* Simulated time by time on the wall; 0 without either. */
static double summary_real_time(const skep__cli_result *r)
{
    return r->wall_ns ? (double)r->frames * (double)r->scene->dt / summary_seconds(r) : 0.0;
}

/* ---- for people ----------------------------------------------------------------------------- */

/* How many faults there were, and what became of them; of the first ones, where not all were kept.
 */
static void summary_fault_counts(const skep_fault *faults, uint32_t count, uint64_t total)
{
    char number[32];
    printf("  faults      %s%s", skep__cli_thousands(number, total), count < total ? "" : ":");
    if (count < total) printf("; of the first %s:", skep__cli_thousands(number, count));
    const char *comma = "";
    for (uint32_t action = SKEP_FAULT_HEALED; action <= SKEP_FAULT_KEPT; action++) {
        uint32_t of = 0;
        for (uint32_t i = 0; i < count; i++) of += faults[i].action == action;
        if (!of) continue;
        printf("%s %s %s", comma, skep__cli_thousands(number, of), skep__cli_action(action));
        comma = ",";
    }
    printf("\n");
}

static void summary_faults(const skep__cli_result *r)
{
    uint32_t count = 0;
    char number[32];
    const skep_fault *faults = skep_sim_faults(r->scene->sim, &count);
    const uint64_t total = skep_sim_fault_total(r->scene->sim);
    if (total == 0) {
        printf("  faults      none\n");
        return;
    }
    summary_fault_counts(faults, count, total);
    for (uint32_t i = 0; i < count && i < SUMMARY_FAULTS; i++)
        printf("    frame %llu  %s: %s (%s)\n", (unsigned long long)faults[i].frame,
               faults[i].system, faults[i].cause, skep__cli_action(faults[i].action));
    if (total > SUMMARY_FAULTS)
        printf("    and %s more\n", skep__cli_thousands(number, total - SUMMARY_FAULTS));
}

static void summary_traces(const skep__cli_result *r)
{
    const skep__tracer_result *x = r->traced;
    char a[32], b[32];
    if (x->budget_ns)
        printf("  slow        %s of %s frames took longer than %g ms\n",
               skep__cli_thousands(a, x->slow_frames), skep__cli_thousands(b, r->frames),
               (double)x->budget_ns / 1e6);
    if (x->path)
        printf("  trace       %s, %s %s, %s zones\n", x->path, skep__cli_thousands(a, x->frames),
               x->frames == 1 ? "frame" : "frames", skep__cli_thousands(b, x->zones));
    if (x->recorder)
        printf("  recorded    %u %s of the flight recorder\n", x->files,
               x->files == 1 ? "file" : "files");
}

static void summary_recovery(const skep__cli_result *r)
{
    const skep__cli_recovery *x = r->recovery;
    char a[32], b[32], c[32];
    if (x->checkpoints) {
        printf("  checkpoints %s in %s, %s left out, %s failed",
               skep__cli_thousands(a, x->stats.written), x->checkpoints,
               skep__cli_thousands(b, x->stats.skipped), skep__cli_thousands(c, x->stats.failed));
        if (x->stats.written)
            printf("; newest at frame %s, %s bytes", skep__cli_thousands(a, x->stats.last_tick),
                   skep__cli_thousands(b, x->stats.last_bytes));
        printf("\n");
    }
    if (x->record)
        printf("  recording   %s, %s bytes%s\n", x->record, skep__cli_thousands(a, x->record_bytes),
               x->record_whole ? "" : ", ended early");
}

void skep__cli_summary(const skep__cli_result *r)
{
    static const char *const ends[] = {"", ", stopped", ", ended by an error"};
    const skep__cli_times *t = r->times;
    char a[32], b[32];
    const double seconds = summary_seconds(r);
    printf("%s: %s %s after frame %s%s\n", r->scene->title, skep__cli_thousands(a, r->entities),
           r->entities == 1 ? "entity" : "entities", skep__cli_thousands(b, r->tick), ends[r->end]);
    printf("  hash        %016llx\n", (unsigned long long)r->hash);
    if (r->frames) {
        printf("  frames      %s in %.2f s, %s a second, %.2f times real time\n",
               skep__cli_thousands(a, r->frames), seconds,
               skep__cli_thousands(b, (uint64_t)((double)r->frames / seconds + 0.5)),
               summary_real_time(r));
        printf("  frame time  p50 %.3f ms, p99 %.3f ms, max %.3f ms\n", skep__cli_times_ms(t, 50),
               skep__cli_times_ms(t, 99), (double)t->max_ns / 1e6);
    }
    if (r->lost_ns)
        printf("  given up    %.2f s, too slow for real time\n", (double)r->lost_ns / 1e9);
    printf("  executor    %s, %u %s beside the caller, seed %llu\n", r->executor, r->workers,
           r->workers == 1 ? "worker" : "workers", (unsigned long long)r->scene->seed);
    printf("  patches     %s applied, %s dropped\n", skep__cli_thousands(a, r->patches),
           skep__cli_thousands(b, r->dropped));
    summary_faults(r);
    summary_traces(r);
    summary_recovery(r);
    if (r->saved) printf("  saved       %s\n", r->saved);
}

/* ---- for programs --------------------------------------------------------------------------- */

static void summary_json_faults(skep__json *j, const skep__cli_result *r)
{
    uint32_t count = 0;
    const skep_fault *faults = skep_sim_faults(r->scene->sim, &count);
    skep__json_open(j, "faults", '[');
    for (uint32_t i = 0; i < count; i++) {
        const skep_fault *f = &faults[i];
        skep__json_open(j, NULL, '{');
        skep__json_u64(j, "frame", f->frame);
        skep__json_text(j, "system", f->system);
        if (f->block == UINT32_MAX)
            skep__json_null(j, "block");
        else
            skep__json_u64(j, "block", f->block);
        skep__json_u64(j, "worker", f->worker);
        skep__json_text(j, "cause", f->cause);
        skep__json_text(j, "action", skep__cli_action(f->action));
        skep__json_close(j, '}');
    }
    skep__json_close(j, ']');
    skep__json_u64(j, "fault_total", skep_sim_fault_total(r->scene->sim));
}

static void summary_json_traces(skep__json *j, const skep__tracer_result *x)
{
    if (x->path) {
        skep__json_open(j, "trace", '{');
        skep__json_text(j, "file", x->path);
        skep__json_u64(j, "frames", x->frames);
        skep__json_u64(j, "zones", x->zones);
        skep__json_close(j, '}');
    } else {
        skep__json_null(j, "trace");
    }
    skep__json_u64(j, "trace_files", x->files);
    if (x->budget_ns)
        skep__json_u64(j, "slow_frames", x->slow_frames);
    else
        skep__json_null(j, "slow_frames");
}

static void summary_json_recovery(skep__json *j, const skep__cli_result *r)
{
    const skep__cli_recovery *x = r->recovery;
    const skep_checkpoint_found *from = &r->scene->resumed;
    skep__json_text(j, "resumed", from->path[0] ? from->path : NULL);
    if (x->checkpoints) {
        skep__json_open(j, "checkpoints", '{');
        skep__json_text(j, "folder", x->checkpoints);
        skep__json_u64(j, "written", x->stats.written);
        skep__json_u64(j, "skipped", x->stats.skipped);
        skep__json_u64(j, "failed", x->stats.failed);
        skep__json_f64(j, "caller_max_ms", (double)x->stats.caller_max_ns / 1e6, 6);
        skep__json_close(j, '}');
    } else {
        skep__json_null(j, "checkpoints");
    }
    if (x->record) {
        skep__json_open(j, "recording", '{');
        skep__json_text(j, "file", x->record);
        skep__json_u64(j, "bytes", x->record_bytes);
        skep__json_bool(j, "whole", x->record_whole);
        skep__json_close(j, '}');
    } else {
        skep__json_null(j, "recording");
    }
}

void skep__cli_summary_json(const skep__cli_result *r)
{
    static const char *const ends[] = {"frames", "signal", "error"};
    skep__json j = {stdout, false};
    char hash[24];
    (void)snprintf(hash, sizeof hash, "%016llx", (unsigned long long)r->hash);
    skep__json_open(&j, NULL, '{');
    skep__json_text(&j, "scene", r->scene->title);
    skep__json_text(&j, "executor", r->executor);
    skep__json_u64(&j, "workers", r->workers);
    skep__json_u64(&j, "seed", r->scene->seed);
    skep__json_u64(&j, "frames", r->frames);
    skep__json_u64(&j, "tick", r->tick);
    skep__json_u64(&j, "entities", r->entities);
    skep__json_text(&j, "hash", hash);
    skep__json_f64(&j, "dt", (double)r->scene->dt, 9);
    skep__json_f64(&j, "seconds", summary_seconds(r), 6);
    skep__json_f64(&j, "real_time", summary_real_time(r), 6);
    skep__json_open(&j, "frame_ms", '{');
    skep__json_f64(&j, "p50", skep__cli_times_ms(r->times, 50), 6);
    skep__json_f64(&j, "p99", skep__cli_times_ms(r->times, 99), 6);
    skep__json_f64(&j, "max", (double)r->times->max_ns / 1e6, 6);
    skep__json_close(&j, '}');
    skep__json_u64(&j, "patches", r->patches);
    skep__json_u64(&j, "dropped", r->dropped);
    summary_json_faults(&j, r);
    summary_json_traces(&j, r->traced);
    summary_json_recovery(&j, r);
    skep__json_text(&j, "saved", r->saved);
    skep__json_text(&j, "end", ends[r->end]);
    skep__json_close(&j, '}');
    (void)fputc('\n', stdout);
}
