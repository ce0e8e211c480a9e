/* SPDX-License-Identifier: MIT */
/* Measuring: laps of both sides in turns, the median of each, and the ratio of the medians. */
#include "bench/bench_row.h"

#include <stdlib.h>

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

void skep__bench_measure(const bench_row *row, bench_result *result)
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
    row->close(state);
    if (!ran) return;
    result->wrong = row->limit && ours_check != limit_check;
    figures(row, &ours, &limit, result);
}
