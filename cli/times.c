/* SPDX-License-Identifier: MIT */
/* Frame times of a run that may last for days: counts in buckets, 128 to each doubling, so that a
 * percentile is right within 0.4 percent and 60 KiB hold any number of frames.
 *
 *     ns      0 .. 127    128 .. 255   256 .. 511   512 .. 1023   ...
 *     bucket  0 .. 127    128 .. 255   256 .. 383   384 .. 511    ...
 *     width   1           1            2            4 */
#include "cli/cli.h"

#define TIMES_STEP 128u
#define TIMES_STEP_LOG 7u

static uint32_t times_shift(uint64_t ns)
{
    uint32_t shift = 0;
    while (ns >> shift >= 2 * TIMES_STEP) shift++;
    return shift;
}

void skep__cli_times_add(skep__cli_times *times, uint64_t ns)
{
    const uint32_t shift = times_shift(ns);
    const uint32_t bucket = shift * TIMES_STEP + (uint32_t)(ns >> shift);
    times->buckets[bucket]++;
    times->count++;
    if (ns > times->max_ns) times->max_ns = ns;
}

double skep__cli_times_ms(const skep__cli_times *times, double percent)
{
    const double wanted = (double)times->count * percent / 100.0;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < SKEP__TIMES_BUCKETS; i++) {
        seen += times->buckets[i];
        if (seen == 0 || (double)seen < wanted) continue;
        const uint32_t shift = i < 2 * TIMES_STEP ? 0 : (i >> TIMES_STEP_LOG) - 1;
        const uint64_t low = (uint64_t)(i - shift * TIMES_STEP) << shift;
        const double middle = (double)low + (double)(((uint64_t)1 << shift) - 1) / 2.0;
        const double max = (double)times->max_ns;
        return (middle < max ? middle : max) / 1e6;
    }
    return 0.0;
}
