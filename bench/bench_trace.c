/* SPDX-License-Identifier: MIT */
/* What the tracer costs: a zone against two bare looks at the clock, a zone while it is off, and
 * the processor time that it adds to `skies`. What it adds to the frames of other rows, those rows
 * have beside them. */
#include "bench/bench_row.h"
#include "bench/bench_sim.h"

#include "core/trace/trace.h"
#include "scenes/scenes.h"

#include <stdlib.h>

#define ZONES 1000000u
#define SKIES_WARM 120u
#define SKIES_PAIRS 60u

/* ---- a zone ---------------------------------------------------------------------------------- */

static void *zone_open(const bench_row *row)
{
    skep_trace_desc d = skep_trace_desc_default();
    skep_trace *trace = NULL;
    (void)row;
    d.clock = skep__port_ticks_best();
    d.allocator = skep__port_allocator();
    return skep_trace_create(&d, &trace) == SKEP_OK ? trace : NULL;
}

static void zone_close(void *state)
{
    skep_trace_destroy(state);
}

static void zones(skep__trace_ring *ring, bench_lap *lap)
{
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < ZONES; i++) {
        const uint64_t began = skep__trace_begin(ring);
        bench_clobber();
        (void)skep__trace_end(ring, SKEP__TRACE_BLOCK, began, i);
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = ZONES;
}

static bool zone_ours(void *state, bench_lap *lap)
{
    zones(skep__trace_ring_of(state, 0), lap);
    return true;
}

static bool zone_off(void *state, bench_lap *lap)
{
    skep_trace_enable(state, false);
    zones(skep__trace_ring_of(state, 0), lap);
    skep_trace_enable(state, true);
    return true;
}

/* The counter itself, without the call, where the compiler knows it. */
static inline uint64_t bare_clock(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return skep__port_ticks_best()();
#endif
}

/* So that no compiler leaves the looks out. */
static volatile uint64_t bench_sink;

static bool zone_limit(void *state, bench_lap *lap)
{
    uint64_t sum = 0;
    (void)state;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t i = 0; i < ZONES; i++) {
        const uint64_t began = bare_clock();
        bench_clobber();
        sum += bare_clock() - began;
    }
    bench_sink = sum;
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = ZONES;
    return true;
}

/* ---- skies ----------------------------------------------------------------------------------- */

static void *skies_open(const bench_row *row)
{
    skep_sim_desc d = skep_sim_desc_default();
    skep_sim *sim = NULL;
    d.workers = row->workers;
    if (skep_sim_open(skep__scene_find("skies"), &d, &sim) != SKEP_OK) return NULL;
    for (uint32_t i = 0; i < SKIES_WARM; i++) (void)skep_sim_step(sim, 1.0f / 60.0f);
    return sim;
}

static void skies_close(void *state)
{
    skep_sim_close(state);
}

/* Frames without and with the tracer in turns, each kind as often first as second; the processor
 * time that the second kind took more, in percent of the first's. Less is zero. */
static bool skies_more(void *state, bench_lap *lap)
{
    uint64_t spent[2] = {0, 0};
    bool done = true;
    for (uint32_t i = 0; i < 2u * SKIES_PAIRS; i++) {
        const uint32_t on = (i ^ (i >> 1)) & 1u;
        skep_trace_enable(skep_sim_trace(state), on != 0);
        const uint64_t start = skep__port_thread_cpu_ns();
        done &= skep_sim_step(state, 1.0f / 60.0f) == SKEP_OK;
        spent[on] += skep__port_thread_cpu_ns() - start;
    }
    const uint64_t more = spent[1] > spent[0] ? spent[1] - spent[0] : 0;
    lap->time_ns = more * 100u * 1000u / spent[0];
    lap->ops = 1;
    return done;
}

const bench_row skep__bench_trace_rows[] = {
    {.name = "trace_zone",
     .about = "a zone: begin, end, a record in the ring; two bare looks at the same clock",
     .unit = "ns",
     .unit_ns = 1,
     .bar = BENCH_BAR_RATIO,
     .bar_at = 1.3,
     .open = zone_open,
     .close = zone_close,
     .ours = zone_ours,
     .limit = zone_limit},
    {.name = "trace_zone_ns",
     .about = "the same zone by itself",
     .unit = "ns",
     .unit_ns = 1,
     .bar = BENCH_BAR_VALUE,
     .bar_at = BENCH_TRACE_NS,
     .open = zone_open,
     .close = zone_close,
     .ours = zone_ours},
    {.name = "trace_zone_off",
     .about = "a zone while the tracer is off",
     .unit = "ns",
     .unit_ns = 1,
     .bar = BENCH_BAR_VALUE,
     .bar_at = 1.0,
     .open = zone_open,
     .close = zone_close,
     .ours = zone_off},
    {.name = "trace_skies",
     .about = "processor time that tracing adds to frames of skies, on and off in turns",
     .unit = "%",
     .unit_ns = 1000,
     .bar = BENCH_BAR_VALUE,
     .bar_at = 0.5,
     .open = skies_open,
     .close = skies_close,
     .ours = skies_more},
    {.name = NULL},
};
