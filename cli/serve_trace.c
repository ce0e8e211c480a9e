/* SPDX-License-Identifier: MIT */
/* What `skep serve` shows of its tracer: a document with the last two seconds, made twice a second
 * while somebody asks for it, after a frame. So the world's thread pays for it only then, and
 * little: where writing takes longer than a part of the frame's time, or the file gets large, fewer
 * frames are kept. Zones of the host's own show what lies between frames: inputs, publishing, and
 * this. */
#include "cli/serve_trace.h"

#if SKEP_CLI_GATEWAY
#include "port/port.h"
#include "skep_build_info.h"

#include <string.h>

#define TRACE_SECONDS 2.0f
#define TRACE_EVERY_NS UINT64_C(500000000)
#define TRACE_FRAMES_MIN 10u
/* Of the time that a frame has, what writing may take of the processor; and the bytes. */
#define TRACE_PART 16u
#define TRACE_BYTES_MAX ((size_t)1 << 20)
#define TRACE_URL "/trace.skept"

const skep_gateway_document skep__serve_trace_document = {TRACE_URL, "application/x-skep-trace",
                                                          NULL};
const skep_gateway_document skep__serve_trace_missing = {
    TRACE_URL, NULL, "this server keeps no trace: it was started with --no-trace\n"};

void skep__serve_trace_open(skep__serve_trace *t, const skep__cli_scene *scene, uint64_t budget_ns)
{
    char workers[16];
    uint32_t count = 0;
    memset(t, 0, sizeof *t);
    t->sim = scene->sim;
    t->trace = skep_sim_trace(scene->sim);
    t->budget_ns = budget_ns;
    t->limit_ns = (uint64_t)((double)scene->dt * 1e9) / TRACE_PART;
    t->frames_max = (uint32_t)(TRACE_SECONDS / scene->dt + 0.5f);
    t->frames = t->frames_max;
    t->inputs = skep_trace_name(t->trace, "inputs");
    t->publish = skep_trace_name(t->trace, "publish");
    t->write = skep_trace_name(t->trace, "write trace");
    (void)skep_sim_executor(scene->sim, &count);
    (void)snprintf(workers, sizeof workers, "%u", count);
    /* Scene and executor are noted by the run's own tracer. A file without a note is a file. */
    (void)skep_trace_note(t->trace, "workers", workers);
    (void)skep_trace_note(t->trace, "version", SKEP_BUILD_VERSION " " SKEP_BUILD_COMMIT);
}

/* Fewer frames where this was too much, more of them where it was not. */
static void trace_bound(skep__serve_trace *t, uint64_t took_ns)
{
    if (took_ns > t->limit_ns || t->file.used > TRACE_BYTES_MAX)
        t->frames -= t->frames / 4;
    else if (took_ns < t->limit_ns / 2 && t->file.used < TRACE_BYTES_MAX / 2)
        t->frames += t->frames / 8 + 1;
    if (t->frames < TRACE_FRAMES_MIN) t->frames = TRACE_FRAMES_MIN;
    if (t->frames > t->frames_max) t->frames = t->frames_max;
}

static void trace_write(skep__serve_trace *t, skep_gateway *gateway, uint64_t now_ns)
{
    skep_trace_time time;
    const uint64_t cpu = skep__port_thread_cpu_ns();
    const uint64_t began = skep_trace_begin(t->trace);
    skep_sim_trace_time(t->sim, &time);
    time.budget_ns = t->budget_ns;
    t->file.used = 0;
    skep_status status =
        skep_trace_write(t->trace, &time, t->frames, skep__cli_bytes_append, &t->file, NULL);
    if (status == SKEP_OK)
        status = skep_gateway_show(gateway, TRACE_URL, t->file.bytes, t->file.used);
    /* Without memory, or with readers that are all too slow, the last one stays. */
    t->shown = t->shown || status == SKEP_OK;
    skep_trace_end(t->trace, t->write, began);
    /* Not by the clock: a machine that is busy with something else must not lose frames too. */
    const uint64_t took = skep__port_thread_cpu_ns() - cpu;
    trace_bound(t, took);
    t->count++;
    t->took_ns += took;
    if (took > t->took_max_ns) t->took_max_ns = took;
    t->next_ns = now_ns + TRACE_EVERY_NS;
}

static void trace_hide(skep__serve_trace *t, skep_gateway *gateway)
{
    (void)!skep_gateway_show(gateway, TRACE_URL, NULL, 0);
    skep__cli_bytes_free(&t->file);
    t->shown = false;
}

void skep__serve_trace_show(skep__serve_trace *t, skep_gateway *gateway)
{
    if (!t->trace) return;
    if (!skep_gateway_wanted(gateway, TRACE_URL)) {
        if (t->shown) trace_hide(t, gateway);
        return;
    }
    const uint64_t now = skep__port_clock_ns();
    if (!t->shown || now >= t->next_ns) trace_write(t, gateway, now);
}

void skep__serve_trace_close(skep__serve_trace *t)
{
    skep__cli_bytes_free(&t->file);
}

#endif
