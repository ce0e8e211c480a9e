/* SPDX-License-Identifier: MIT */
/* What a row of the bench is, and the figures that come out of it.
 *
 * A row has two sides that do the same work: ours, and a limit written by hand over plain arrays.
 * The runner calls them in turns, so that a machine which changes its speed changes it for both,
 * and compares what they computed, so that no compiler can remove the work and no side can cheat.
 */
#ifndef SKEP_BENCH_BENCH_ROW_H
#define SKEP_BENCH_BENCH_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One lap of one side: what it took, for how many operations, and what it computed. */
typedef struct bench_lap {
    uint64_t time_ns;
    double ops;
    uint64_t check;
} bench_lap;

/* Runs one lap; false when it could not (out of memory, a frame that failed). */
typedef bool bench_side(void *state, bench_lap *lap);

/* What the bar says of a row. */
typedef enum bench_bar {
    BENCH_BAR_NONE,
    BENCH_BAR_RATIO,  /* ours / limit, at most */
    BENCH_BAR_FASTER, /* limit / ours, at least: ours on two threads against ours on one */
    BENCH_BAR_VALUE   /* ours in the row's unit, at most */
} bench_bar;

typedef struct bench_row {
    const char *name;
    const char *about; /* what one operation is, and what the limit is */
    const char *unit;
    double unit_ns; /* nanoseconds a unit; 1 too where the unit is no time */
    bench_bar bar;
    double bar_at;
    uint32_t n;       /* for open: the row's size */
    uint32_t workers; /* for open: threads beside the caller */
    bool warm;        /* an untimed lap before each timed one, where two sides evict each other */
    void *(*open)(const struct bench_row *row); /* NULL: no memory, or not on this machine */
    void (*close)(void *state);
    bench_side *ours;
    bench_side *limit; /* or NULL: the bar is a value */
    /* The tracer of what `ours` runs, switched off: then a second row says what it costs a record
     * when it is on. NULL: there is none. */
    struct skep_trace *(*trace)(void *state);
} bench_row;

/* The figures of one row, in the row's unit. */
typedef struct bench_result {
    const bench_row *row;
    double ours, ours_min, ours_max; /* ours and limit are medians */
    double limit, limit_min, limit_max;
    double ratio; /* as the bar means it: ours / limit, or limit / ours; 0 without a limit */
    bool ran;
    bool wrong; /* both sides ran and computed different things */
    bool pass;
} bench_result;

/* Laps of each side that count, and those before that do not. */
#define BENCH_LAPS 11u
#define BENCH_LAPS_WARM 2u

/* What tracing may cost, nanoseconds a record. */
#define BENCH_TRACE_NS 25.0

/* Measures one row. Where it has a tracer, `traced`, whose row is filled in, gets its second row:
 * what one record adds to ours. */
void skep__bench_measure(const bench_row *row, bench_result *result, bench_result *traced);

/* The rows by file, in the order in which they are printed; each list ends in a row without a name.
 */
extern const bench_row skep__bench_iterate_rows[];
extern const bench_row skep__bench_structure_rows[];
extern const bench_row skep__bench_access_rows[];
extern const bench_row skep__bench_snapshot_rows[];
extern const bench_row skep__bench_recovery_rows[];
extern const bench_row skep__bench_frame_rows[];
extern const bench_row skep__bench_tiny_rows[];
extern const bench_row skep__bench_trace_rows[];
extern const bench_row skep__bench_replicate_rows[];
extern const bench_row skep__bench_live_rows[];
extern const bench_row skep__bench_gateway_rows[];
extern const bench_row skep__bench_processes_rows[];

/* Keeps the compiler from seeing through a value or from keeping memory in registers. */
static inline void bench_clobber(void)
{
#if defined(__GNUC__) || defined(__clang__)
    __asm__ volatile("" ::: "memory");
#endif
}

/* Mixes a number into a check value. */
static inline uint64_t bench_mix(uint64_t check, uint64_t value)
{
    return (check ^ value) * UINT64_C(0x9e3779b97f4a7c15) + (check >> 29);
}

#endif
