/* SPDX-License-Identifier: MIT */
/* The seeds of tests/sim/test_supervise.c as a wasm file that takes the machine from its host: so
 * tests/js/supervisor.test.ts drives the one that the npm package has. */
#include "tests/sim/supervise_sim.h"

#define EXPORT(name) __attribute__((export_name(#name)))

/* More than a simulation takes; the host asks. */
static _Alignas(16) uint8_t memory[1 << 17];

EXPORT(simBytes) uint32_t sim_bytes(void);
uint32_t sim_bytes(void)
{
    const size_t bytes = supervise_sim_bytes();
    return bytes <= sizeof memory ? (uint32_t)bytes : 0;
}

static uint64_t digest;

/* Of all seeds since the last call. */
EXPORT(simDigest) uint64_t sim_digest(void);
uint64_t sim_digest(void)
{
    return digest;
}

/* Runs a seed; returns what was wrong, a text, or 0. */
EXPORT(simRun) const char *sim_run(uint32_t seed);
const char *sim_run(uint32_t seed)
{
    supervise_sim_seen seen = {0};
    uint64_t own = 0;
    const char *wrong = supervise_sim_run(memory, seed, &own, &seen, NULL);
    digest = digest * 31 + own;
    return wrong;
}
