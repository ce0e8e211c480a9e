/* SPDX-License-Identifier: MIT */
/* A simulation's tracer: made with the port's cheapest clock, whose ticks are measured against the
 * port's nanoseconds over the life of the simulation, so that the longer it runs the better they
 * are known. */
#include "core/base/byte_buffer.h"
#include "sim/sim_internal.h"

#include "port/port.h"

/* Two looks at a clock are some 50 ns apart: over 10 ms that is an error of 5 in a million. */
#define TRACE_MEASURE_NS 10000000u

skep_status skep__sim_trace_open(skep_sim *sim, const skep_sim_desc *desc, uint32_t workers)
{
    skep_trace_desc d = skep_trace_desc_default();
    d.workers = workers;
    if (desc->trace_records) d.records = desc->trace_records;
    d.off = desc->trace_off;
    d.clock = skep__port_ticks_best();
    d.allocator = sim->allocator;
    sim->trace_ns = skep__port_clock_ns();
    sim->trace_ticks = d.clock();
    sim->trace_unix_ns = skep__port_unix_ns();
    return skep_trace_create(&d, &sim->trace);
}

skep_trace *skep_sim_trace(const skep_sim *sim)
{
    return sim->trace;
}

void skep_sim_trace_time(const skep_sim *sim, skep_trace_time *time)
{
    skep__port_ticks *clock = skep__port_ticks_best();
    uint64_t ns = skep__port_clock_ns();
    while (clock != skep__port_clock_ns && ns - sim->trace_ns < TRACE_MEASURE_NS) {
        ns = skep__port_clock_ns();
    }
    const uint64_t ticks = clock() - sim->trace_ticks;
    memset(time, 0, sizeof *time);
    time->base = sim->trace_ticks;
    time->ns_per_tick =
        clock == skep__port_clock_ns ? 1.0 : (double)(ns - sim->trace_ns) / (double)ticks;
    time->unix_ns = sim->trace_unix_ns;
}

skep_status skep_sim_trace_save(skep_sim *sim, const char *path, uint32_t frames, uint32_t *written)
{
    if (skep_frame_running(sim->plan)) return SKEP_BUSY;
    skep_trace_time time;
    skep_sim_trace_time(sim, &time);
    skep__bytes b = {&sim->allocator, NULL, 0, 0};
    skep_status status =
        skep_trace_write(sim->trace, &time, frames, skep__bytes_append, &b, written);
    if (status == SKEP_IO) status = SKEP_NO_MEMORY; /* it is the buffer that gave up */
    if (status == SKEP_OK) status = skep__port_file_write(path, b.data, b.used);
    skep__bytes_deinit(&b);
    if (status != SKEP_OK)
        skep__logf(&sim->log, SKEP_LOG_ERROR, "%s: writing the trace to %s: %s", sim->title, path,
                   skep_status_text(status));
    return status;
}
