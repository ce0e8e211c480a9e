/* SPDX-License-Identifier: MIT */
/* The limit of fork and join: one helper thread and the caller, a counter each way. */
#ifndef SKEP_BENCH_BENCH_PAIR_H
#define SKEP_BENCH_BENCH_PAIR_H

#include "port/port.h"

/* What both threads do: index is 0 on the caller and 1 on the helper. */
typedef void bench_pair_fn(void *ctx, uint32_t index);

typedef struct bench_pair_threads {
    skep__port_thread thread;
    bench_pair_fn *fn;
    void *ctx;
    bool quit;
    _Alignas(64) _Atomic uint32_t forks;    /* counted up by the caller; the helper waits for it */
    _Alignas(64) _Atomic uint32_t joins;    /* counted up by the helper */
    _Alignas(64) _Atomic uint32_t sleeping; /* the helper sleeps on `forks` */
} bench_pair_threads;

/* Starts the helper; the struct must stay where it is. False when there is no thread. */
bool skep__bench_pair_open(bench_pair_threads *p);
void skep__bench_pair_close(bench_pair_threads *p);

/* Calls fn(ctx, 0) here and fn(ctx, 1) on the helper at the same time; returns when both are done.
 */
void skep__bench_pair_run(bench_pair_threads *p, bench_pair_fn *fn, void *ctx);

#endif
