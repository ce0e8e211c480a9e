/* SPDX-License-Identifier: MIT */
/* Real time for commands that run frames, and the wish to stop. */
#include "cli/cli.h"
#include "port/port.h"

#include <signal.h>

#define PACE_CATCH_UP 5u
/* Sleeps are this long at most, so that the live line and a signal that another thread took are
 * seen. */
#define PACE_SLEEP_NS 50000000u

/* ---- frames --------------------------------------------------------------------------------- */

void skep__cli_pace_begin(skep__cli_pace *pace, double dt, uint64_t now_ns)
{
    pace->due_ns = now_ns;
    pace->step_ns = (uint64_t)(dt * 1e9 + 0.5);
    pace->lost_ns = 0;
}

/* How long it is until the next frame; 0: it is due, and the one after it is set. */
static uint64_t pace_rest(skep__cli_pace *pace, uint64_t now_ns)
{
    if (now_ns < pace->due_ns) return pace->due_ns - now_ns;
    const uint64_t late = now_ns - pace->due_ns;
    if (late > PACE_CATCH_UP * pace->step_ns) {
        const uint64_t lost = late - PACE_CATCH_UP * pace->step_ns;
        pace->lost_ns += lost;
        pace->due_ns += lost;
    }
    pace->due_ns += pace->step_ns;
    return 0;
}

static void pace_sleep(uint64_t rest_ns)
{
    _Atomic uint32_t nobody_wakes_us = 0;
    (void)skep__port_futex_wait(&nobody_wakes_us, 0,
                                rest_ns < PACE_SLEEP_NS ? rest_ns : PACE_SLEEP_NS);
}

bool skep__cli_pace_wait(skep__cli_pace *pace, const skep__cli_live *live, skep__cli_show *show,
                         void *ctx)
{
    for (;;) {
        if (skep__cli_stopped()) return false;
        const uint64_t now = skep__port_clock_ns();
        const uint64_t rest = pace_rest(pace, now);
        if (rest == 0) return true;
        if (skep__cli_live_due(live, now)) show(ctx, now);
        pace_sleep(rest);
    }
}

/* ---- signals -------------------------------------------------------------------------------- */

/* Set by the handler, the one thing that a handler may touch; there is no other way to it. */
static atomic_int pace_stopped;

/* The second signal has its usual effect, for when a job never returns. */
static void pace_on_signal(int number)
{
    atomic_store(&pace_stopped, 1);
    (void)signal(number, SIG_DFL);
}

void skep__cli_stop_signals(void)
{
    /* A shell starts background jobs with SIGINT ignored; that is to stay so. */
    if (signal(SIGINT, pace_on_signal) == SIG_IGN) (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, pace_on_signal);
}

bool skep__cli_stopped(void)
{
    return atomic_load(&pace_stopped) != 0;
}
