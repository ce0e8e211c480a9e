/* SPDX-License-Identifier: MIT */
/* Measuring: laps of both sides in turns, the median of each, and the ratio of the medians. What a
 * tracer costs is measured the same way, ours against ours with the tracer on. */
#include "bench/bench_row.h"

#include "core/trace/trace.h"

#include <stdlib.h>
#include <string.h>

typedef struct samples {
    double value[BENCH_LAPS];
    uint32_t count;
} samples;

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(samples *s)
{
    qsort(s->value, s->count, sizeof *s->value, by_value);
    const uint32_t half = s->count / 2;
    return s->count & 1u ? s->value[half] : (s->value[half - 1] + s->value[half]) / 2.0;
}

/* Runs a side once; the time of a lap that only warms up is not kept. */
static bool side_run(const bench_row *row, bench_side *side, void *state, samples *into,
                     uint64_t *check)
{
    bench_lap lap = {0, 0.0, 0};
    if (row->warm) {
        if (!side(state, &lap)) return false;
        *check = bench_mix(*check, lap.check);
    }
    if (!side(state, &lap)) return false;
    *check = bench_mix(*check, lap.check);
    if (into) into->value[into->count++] = (double)lap.time_ns / (lap.ops * row->unit_ns);
    return true;
}

static bool bar_reached(const bench_row *row, const bench_result *r)
{
    switch (row->bar) {
    case BENCH_BAR_RATIO:
        return r->ratio <= row->bar_at;
    case BENCH_BAR_FASTER:
        return r->ratio >= row->bar_at;
    case BENCH_BAR_VALUE:
        return r->ours <= row->bar_at;
    case BENCH_BAR_NONE:
        break;
    }
    return true;
}

static void figures(const bench_row *row, samples *ours, samples *limit, bench_result *r)
{
    r->ours = median(ours);
    r->ours_min = ours->value[0];
    r->ours_max = ours->value[ours->count - 1];
    if (row->limit) {
        r->limit = median(limit);
        r->limit_min = limit->value[0];
        r->limit_max = limit->value[limit->count - 1];
        if (row->bar == BENCH_BAR_FASTER)
            r->ratio = r->ours > 0 ? r->limit / r->ours : 0;
        else
            r->ratio = r->limit > 0 ? r->ours / r->limit : 0;
    }
    r->ran = true;
    r->pass = !r->wrong && bar_reached(row, r);
}

static uint64_t records_written(const skep_trace *trace)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < trace->ring_count; i++) {
        sum += atomic_load_explicit(&trace->rings[i].head, memory_order_relaxed);
    }
    return sum;
}

#define TRACED_PAIRS 400u
#define TRACED_PAIRS_LEAST 21u
#define TRACED_NS UINT64_C(1500000000)

/* The value below which a quarter of them lie: what a side takes when nothing disturbs it. */
static double quarter(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return values[count / 4];
}

/* Runs ours once without and once with the tracer; false when it could not. */
static bool pair_run(const bench_row *row, void *state, skep_trace *trace, double *off, double *on,
                     uint64_t *records)
{
    bench_lap lap[2];
    memset(lap, 0, sizeof lap);
    if (!row->ours(state, &lap[0])) return false;
    const uint64_t before = records_written(trace);
    skep_trace_enable(trace, true);
    const bool ran = row->ours(state, &lap[1]);
    skep_trace_enable(trace, false);
    *records = records_written(trace) - before;
    *off = (double)lap[0].time_ns;
    *on = (double)lap[1].time_ns;
    return ran && *records;
}

/* Many short turns without and with the tracer: a record adds nanoseconds to what takes
 * microseconds and moves by a tenth, so it is the undisturbed turns of each kind that are compared.
 */
static void measure_traced(const bench_row *row, void *state, bench_result *r)
{
    static double off[TRACED_PAIRS], on[TRACED_PAIRS];
    double taken_ns = 0;
    uint64_t records = 0;
    uint32_t n = 0;
    while (n < TRACED_PAIRS && (n < TRACED_PAIRS_LEAST || taken_ns < (double)TRACED_NS)) {
        if (!pair_run(row, state, row->trace(state), &off[n], &on[n], &records)) return;
        taken_ns += off[n] + on[n];
        n++;
    }
    const double low = quarter(off, n), high = quarter(on, n);
    samples extra = {{(high - low) / (double)records}, 1};
    figures(r->row, &extra, NULL, r);
}

void skep__bench_measure(const bench_row *row, bench_result *result, bench_result *traced)
{
    samples ours = {{0}, 0}, limit = {{0}, 0};
    uint64_t ours_check = 0, limit_check = 0;
    *result = (bench_result){.row = row};
    void *state = row->open(row);
    if (!state) return;
    bool ran = true;
    for (uint32_t lap = 0; ran && lap < BENCH_LAPS + BENCH_LAPS_WARM; lap++) {
        const bool counts = lap >= BENCH_LAPS_WARM;
        if (row->limit)
            ran = side_run(row, row->limit, state, counts ? &limit : NULL, &limit_check);
        ran = ran && side_run(row, row->ours, state, counts ? &ours : NULL, &ours_check);
    }
    if (ran && row->trace) measure_traced(row, state, traced);
    row->close(state);
    if (!ran) return;
    result->wrong = row->limit && ours_check != limit_check;
    figures(row, &ours, &limit, result);
}
