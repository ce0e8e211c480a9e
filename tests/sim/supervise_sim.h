/* SPDX-License-Identifier: MIT */
/* A crew of workers that do all that workers can do wrong, a host that supervises them by
 * core/supervise on a clock of its own, and a witness that says whether the machine kept its word.
 * Freestanding, since the wasm machine of the npm package is driven by it as well. */
#ifndef SKEP_TESTS_SIM_SUPERVISE_SIM_H
#define SKEP_TESTS_SIM_SUPERVISE_SIM_H

#include <stddef.h>
#include <stdint.h>

/* What has happened in all runs, so that a test can see that everything does. */
typedef struct supervise_sim_seen {
    uint64_t starts, start_failures, exits_starting, exits_idle, exits_busy, hangs;
    uint64_t taken, stale, duplicates, forged, bad_outputs, aborts, loads, pieces;
    uint64_t deadlines, not_started, not_loaded, retries, failed_works;
    uint64_t give_ups, broken_budget, broken_starts, closes_early, jumps, holds;
} supervise_sim_seen;

/* Bytes of a simulation, aligned to 16. */
size_t supervise_sim_bytes(void);

/* Is told each event and action: what, of which seat and generation, and about which work; `now_ns`
 * is the virtual time. */
typedef void supervise_sim_tell(const char *what, uint64_t now_ns, uint32_t seat,
                                uint32_t generation, uint64_t work);

/* Runs one seed to its end. `tell` may be NULL. Returns what the machine did wrong, a static text,
 * or NULL. `digest` becomes a hash of all events and actions and what it was. */
const char *supervise_sim_run(void *memory, uint64_t seed, uint64_t *digest,
                              supervise_sim_seen *seen, supervise_sim_tell *tell);

#endif
