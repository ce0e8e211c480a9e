/* SPDX-License-Identifier: MIT */
/* Supervision from seeds, on a virtual clock: see supervise_sim.c for what happens and what is
 * checked. SKEP_SEED=N runs one seed and tells of it, SKEP_SUPERVISE_SEEDS=N that many. */
#include "tests/sim/supervise_sim.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS 20000u
#define DIGEST_SEEDS 1000u
/* Of the first 1,000 seeds; the wasm machine has the same, tests/js/supervisor.test.ts. */
#define DIGEST 0x833C25E437BC382Aull

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void tell(const char *what, uint64_t now_ns, uint32_t seat, uint32_t generation,
                 uint64_t work)
{
    print_message("%13.6f ms  %-14s seat %u, worker %u, %" PRIu64 "\n", (double)now_ns / 1e6, what,
                  seat, generation, work);
}

static void run(void *memory, uint64_t seed, uint64_t *digest, supervise_sim_seen *seen,
                supervise_sim_tell *to)
{
    uint64_t own = 0;
    const char *wrong = supervise_sim_run(memory, seed, &own, seen, to);
    if (wrong) {
        fail_msg("seed %" PRIu64 ": %s\nrun it again: SKEP_SEED=%" PRIu64
                 " build/release/tests/test_sim_supervise",
                 seed, wrong, seed);
    }
    *digest = *digest * 31 + own;
}

/* Nothing that can happen did not. */
static void check_seen(const supervise_sim_seen *seen, uint64_t seeds)
{
    const uint64_t *counts = (const uint64_t *)(const void *)seen;
    for (size_t i = 0; i < sizeof *seen / sizeof *counts; i++) {
        if (counts[i] * 1000 < seeds) {
            fail_msg("count %zu of supervise_sim_seen is %" PRIu64 " of %" PRIu64 " seeds", i,
                     counts[i], seeds);
        }
    }
}

static void test_seeds(void **state)
{
    (void)state;
    void *memory = malloc(supervise_sim_bytes());
    assert_non_null(memory);
    supervise_sim_seen seen;
    memset(&seen, 0, sizeof seen);
    uint64_t digest = 0;
    const char *one = getenv("SKEP_SEED");
    if (one) {
        run(memory, strtoull(one, NULL, 0), &digest, &seen, tell);
    } else {
        const uint64_t seeds = number_of("SKEP_SUPERVISE_SEEDS", SEEDS);
        for (uint64_t seed = 0; seed < seeds; seed++) {
            if (seed == DIGEST_SEEDS) {
                print_message("digest of the first %u seeds: 0x%016" PRIX64 "\n", DIGEST_SEEDS,
                              digest);
                assert_true(digest == DIGEST);
            }
            run(memory, seed, &digest, &seen, NULL);
        }
        check_seen(&seen, seeds);
    }
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_seeds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
