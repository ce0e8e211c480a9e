/* SPDX-License-Identifier: MIT */
/* The supervisor (core/supervise) as a wasm file of its own, for the pools of the npm package,
 * which know neither worlds nor the core. Linked with core/supervise alone it imports nothing. An
 * instance holds one machine, behind its data; memory grows once, for the budget's ring. Times are
 * nanoseconds as f64, whole up to 104 days; what is beyond all time is UINT64_MAX, Infinity there.
 */
#include "core/supervise/supervise.h"

#define EXPORT(name) __attribute__((export_name(#name)))
#define PAGE 65536u

extern uint8_t __heap_base; /* the linker's: where data and stack end */

static skep__supervisor *machine;
static skep__super_action action;

static uint64_t whole(double n)
{
    if (!(n > 0.0)) return 0;
    return n < 0x1p63 ? (uint64_t)n : UINT64_MAX;
}

static double from_whole(uint64_t n)
{
    return n == UINT64_MAX ? __builtin_inf() : (double)n;
}

/* Makes the machine; 0: there is no memory for it. */
EXPORT(open)
uint32_t super_open(uint32_t seat_count, uint32_t start_tries, uint32_t restart_max,
                    double restart_window_ns, double start_timeout_ns, double pause_ns,
                    double tick_max_ns);
uint32_t super_open(uint32_t seat_count, uint32_t start_tries, uint32_t restart_max,
                    double restart_window_ns, double start_timeout_ns, double pause_ns,
                    double tick_max_ns)
{
    skep__super_rules rules = skep__super_rules_default(seat_count);
    rules.start_tries = start_tries;
    rules.restart_max = restart_max;
    rules.restart_window_ns = whole(restart_window_ns);
    rules.start_timeout_ns = whole(start_timeout_ns);
    rules.pause_ns = whole(pause_ns);
    rules.tick_max_ns = whole(tick_max_ns);
    const uintptr_t at = skep__align((uintptr_t)&__heap_base, 16);
    const size_t end = at + skep__supervisor_bytes(&rules);
    const size_t have = __builtin_wasm_memory_size(0) * PAGE;
    if (end > have) {
        const size_t pages = (end - have + PAGE - 1) / PAGE;
        if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX) return 0;
    }
    machine = skep__supervisor_init((void *)at, &rules);
    return 1;
}

EXPORT(begin) void super_begin(double now_ns);
void super_begin(double now_ns)
{
    skep__super_begin(machine, whole(now_ns));
}

EXPORT(up) uint32_t super_up(uint32_t seat, uint32_t generation, double now_ns);
uint32_t super_up(uint32_t seat, uint32_t generation, double now_ns)
{
    return skep__super_up(machine, seat, generation, whole(now_ns));
}

EXPORT(startFailed)
void super_start_failed(uint32_t seat, uint32_t generation, uint32_t final, double now_ns);
void super_start_failed(uint32_t seat, uint32_t generation, uint32_t final, double now_ns)
{
    skep__super_start_failed(machine, seat, generation, final != 0, whole(now_ns));
}

EXPORT(give)
uint32_t super_give(uint32_t seat, double work, double deadline_ns, uint32_t loading,
                    double now_ns);
uint32_t super_give(uint32_t seat, double work, double deadline_ns, uint32_t loading, double now_ns)
{
    return skep__super_give(machine, seat, whole(work), whole(deadline_ns), loading != 0,
                            whole(now_ns));
}

EXPORT(loaded) void super_loaded(uint32_t seat, uint32_t generation, double now_ns);
void super_loaded(uint32_t seat, uint32_t generation, double now_ns)
{
    skep__super_loaded(machine, seat, generation, whole(now_ns));
}

EXPORT(progress) void super_progress(uint32_t seat, uint32_t generation, double now_ns);
void super_progress(uint32_t seat, uint32_t generation, double now_ns)
{
    skep__super_progress(machine, seat, generation, whole(now_ns));
}

EXPORT(worked) void super_worked(uint32_t seat, uint32_t generation);
void super_worked(uint32_t seat, uint32_t generation)
{
    skep__super_worked(machine, seat, generation);
}

EXPORT(done) uint32_t super_done(uint32_t seat, uint32_t generation, double work, double now_ns);
uint32_t super_done(uint32_t seat, uint32_t generation, double work, double now_ns)
{
    return skep__super_done(machine, seat, generation, whole(work), whole(now_ns));
}

EXPORT(replace)
void super_replace(uint32_t seat, uint32_t generation, uint32_t cause, double now_ns);
void super_replace(uint32_t seat, uint32_t generation, uint32_t cause, double now_ns)
{
    skep__super_replace(machine, seat, generation, (skep__super_cause)cause, whole(now_ns));
}

EXPORT(exited) void super_exited(uint32_t seat, uint32_t generation, double now_ns);
void super_exited(uint32_t seat, uint32_t generation, double now_ns)
{
    skep__super_exited(machine, seat, generation, whole(now_ns));
}

EXPORT(time) void super_time(double now_ns, double planned_ns);
void super_time(double now_ns, double planned_ns)
{
    skep__super_time(machine, whole(now_ns), whole(planned_ns));
}

EXPORT(hold) void super_hold(uint32_t held);
void super_hold(uint32_t held)
{
    skep__super_hold(machine, held != 0);
}

EXPORT(close) void super_close(double now_ns);
void super_close(double now_ns)
{
    skep__super_close(machine, whole(now_ns));
}

/* Takes the next action and returns its kind, 0 when there is none; the rest is asked for by the
 * four calls below. */
EXPORT(next) uint32_t super_next(void);
uint32_t super_next(void)
{
    return skep__super_next(machine, &action) ? (uint32_t)action.kind : 0;
}

EXPORT(actionSeat) uint32_t super_action_seat(void);
uint32_t super_action_seat(void)
{
    return action.seat;
}

EXPORT(actionGeneration) uint32_t super_action_generation(void);
uint32_t super_action_generation(void)
{
    return action.generation;
}

EXPORT(actionCause) uint32_t super_action_cause(void);
uint32_t super_action_cause(void)
{
    return action.cause;
}

EXPORT(actionWork) double super_action_work(void);
double super_action_work(void)
{
    return from_whole(action.work);
}

EXPORT(due) double super_due(void);
double super_due(void)
{
    return from_whole(skep__super_due(machine));
}

EXPORT(seat) uint32_t super_seat(uint32_t seat);
uint32_t super_seat(uint32_t seat)
{
    return (uint32_t)skep__super_seat(machine, seat);
}

EXPORT(generation) uint32_t super_generation(uint32_t seat);
uint32_t super_generation(uint32_t seat)
{
    return skep__super_generation(machine, seat);
}

EXPORT(broken) uint32_t super_broken(void);
uint32_t super_broken(void)
{
    return skep__super_broken(machine);
}

EXPORT(live) uint32_t super_live(void);
uint32_t super_live(void)
{
    return skep__super_live(machine);
}
