/* SPDX-License-Identifier: MIT */
/* Two threads that take turns by counters: spinning for as long as a frame's gaps are, then a
 * futex. */
#include "bench/bench_pair.h"

#define SPINS 20000u

static void helper_main(void *arg)
{
    bench_pair_threads *p = arg;
    for (uint32_t seen = 0;; seen++) {
        uint32_t spins = 0;
        while (atomic_load_explicit(&p->forks, memory_order_acquire) == seen) {
            if (++spins < SPINS) {
                skep__port_pause();
                continue;
            }
            atomic_store(&p->sleeping, 1);
            if (atomic_load(&p->forks) == seen)
                (void)skep__port_futex_wait(&p->forks, seen, SKEP__PORT_FOREVER);
            atomic_store(&p->sleeping, 0);
        }
        if (p->quit) return;
        p->fn(p->ctx, 1);
        atomic_fetch_add_explicit(&p->joins, 1, memory_order_release);
    }
}

/* Lets the helper go once more. */
static void fork_one(bench_pair_threads *p)
{
    atomic_fetch_add(&p->forks, 1);
    if (atomic_load(&p->sleeping)) skep__port_futex_wake(&p->forks, 1);
}

bool skep__bench_pair_open(bench_pair_threads *p)
{
    atomic_init(&p->forks, 0);
    atomic_init(&p->joins, 0);
    atomic_init(&p->sleeping, 0);
    p->quit = false;
    return skep__port_thread_create(&p->thread, "bench-pair", helper_main, p);
}

void skep__bench_pair_close(bench_pair_threads *p)
{
    p->quit = true;
    fork_one(p);
    skep__port_thread_join(&p->thread);
}

void skep__bench_pair_run(bench_pair_threads *p, bench_pair_fn *fn, void *ctx)
{
    p->fn = fn;
    p->ctx = ctx;
    fork_one(p);
    fn(ctx, 0);
    const uint32_t forks = atomic_load_explicit(&p->forks, memory_order_relaxed);
    while (atomic_load_explicit(&p->joins, memory_order_acquire) != forks) skep__port_pause();
}
