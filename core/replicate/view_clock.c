/* SPDX-License-Identifier: MIT */
/* Which moment of the server is shown, and where the server is now; all in its ticks.
 *
 * The lateness of a state is its arrival, in ticks of the client's clock, less its own tick: a
 * constant that nobody knows, plus what the way took. The least of the last 64 stands for a way
 * without hindrance; how much later the others came, but for the worst twentieth, is the jitter.
 * What is shown lies behind the newest possible state by the step between states and the jitter, so
 * that nearly always the next state is there before it is needed.
 *
 * The moment moves with the clock, and makes good in half a second where it should be, by going
 * slower or faster. It never goes back, and waits at the newest state when nothing came. */
#include "core/replicate/view_internal.h"

/* Added to the jitter: pictures are not drawn at the moment at which a state comes. */
#define CLOCK_MARGIN_MS 4.0
/* Off by more than this many seconds, the moment jumps. */
#define CLOCK_JUMP_S 1.0
/* The moment comes to where it should be by a part of the way that takes this long for all of it,
 */
#define CLOCK_BEND_S 0.5
/* and is held back by this part of its speed at most, and hurried by all of it. */
#define CLOCK_HELD_BACK 0.25

static double clock_min(double a, double b)
{
    return a < b ? a : b;
}

static double clock_max(double a, double b)
{
    return a > b ? a : b;
}

/* Ticks of the server that passed on the client's clock since it began to count. */
static double clock_passed(const skep_view *view, uint64_t now_ns)
{
    return (double)(int64_t)(now_ns - view->clock.zero_ns) * 1e-9 * view->welcome.tick_hz;
}

void skep__client_clock_reset(skep_view *view)
{
    const skep__client_clock before = view->clock;
    skep__client_clock *c = &view->clock;
    *c = (skep__client_clock){0};
    memcpy(c->pings_ns, before.pings_ns, sizeof c->pings_ns);
    c->ping_count = before.ping_count;
    c->ping_next = before.ping_next;
    c->rtt_ns = before.rtt_ns;
}

/* What all but a twentieth of the arrivals are later than the least. */
static double clock_jitter(const skep__client_clock *c)
{
    double late[SKEP__CLIENT_ARRIVALS / 16u + 1u] = {0}; /* the worst, falling */
    const uint32_t kept = c->arrival_count / 20u + 1u;
    for (uint32_t i = 0; i < c->arrival_count; i++) {
        double x = c->arrivals[i].late - c->late_least;
        for (uint32_t k = 0; k < kept; k++) {
            if (x <= late[k]) continue;
            const double pushed = late[k];
            late[k] = x;
            x = pushed;
        }
    }
    return late[kept - 1u];
}

/* The step between states: the server's, or more where this client gets fewer. */
static double clock_step(const skep_view *view)
{
    const skep__client_clock *c = &view->clock;
    const double every = view->welcome.every;
    if (view->state_count < 4) return every;
    const uint32_t first = view->states[view->state_count - 4u].tick;
    const double mean = (double)(skep__client_newest(view)->tick - first) / 3.0;
    const double step = clock_max(every, mean);
    return c->step > 0.0 ? c->step + (step - c->step) * 0.2 : step;
}

static void clock_measure(skep_view *view)
{
    skep__client_clock *c = &view->clock;
    c->late_least = c->arrivals[0].late;
    c->early_least = c->arrivals[0].early;
    for (uint32_t i = 1; i < c->arrival_count; i++) {
        c->late_least = clock_min(c->late_least, c->arrivals[i].late);
        c->early_least = clock_min(c->early_least, c->arrivals[i].early);
    }
    c->jitter = clock_jitter(c);
    c->step = clock_step(view);
}

/* How late to show; grows fast, shrinks slowly. */
static void clock_delay(skep_view *view)
{
    skep__client_clock *c = &view->clock;
    const double ms = view->welcome.tick_hz * 1e-3;
    double want = c->step + c->jitter + CLOCK_MARGIN_MS * ms;
    want = clock_max(want, view->desc.delay_min_ms * ms);
    want = clock_min(want, view->desc.delay_max_ms * ms);
    if (!c->started)
        c->delay = want;
    else
        c->delay += (want - c->delay) * (want > c->delay ? 0.25 : 0.02);
}

void skep__client_clock_state(skep_view *view, uint32_t tick, uint32_t age_us, uint64_t now_ns)
{
    skep__client_clock *c = &view->clock;
    if (!c->started) c->zero_ns = now_ns;
    const double late = clock_passed(view, now_ns) - tick;
    const double age = age_us * 1e-6 * view->welcome.tick_hz;
    c->arrivals[c->arrival_next] =
        (skep__client_arrival){.late = late, .early = late - age, .tick = tick};
    c->arrival_next = (c->arrival_next + 1u) % SKEP__CLIENT_ARRIVALS;
    if (c->arrival_count < SKEP__CLIENT_ARRIVALS) c->arrival_count++;
    clock_measure(view);
    clock_delay(view);
    if (c->started) return;
    c->started = true;
    c->shown = tick - c->delay;
    c->shown_ns = now_ns;
}

void skep__client_clock_pong(skep_view *view, uint64_t rtt_ns)
{
    skep__client_clock *c = &view->clock;
    c->pings_ns[c->ping_next] = (double)rtt_ns;
    c->ping_next = (c->ping_next + 1u) % SKEP__CLIENT_PINGS;
    if (c->ping_count < SKEP__CLIENT_PINGS) c->ping_count++;
    c->rtt_ns = c->pings_ns[0];
    for (uint32_t i = 1; i < c->ping_count; i++) c->rtt_ns = clock_min(c->rtt_ns, c->pings_ns[i]);
}

void skep__client_clock_advance(skep_view *view, uint64_t now_ns)
{
    skep__client_clock *c = &view->clock;
    if (!c->started || !view->state_count) return;
    const double hz = view->welcome.tick_hz;
    const double target = clock_passed(view, now_ns) - c->late_least - c->delay;
    const double step = clock_max(0.0, (double)(int64_t)(now_ns - c->shown_ns) * 1e-9 * hz);
    const double off = target - c->shown - step;
    const double bend = off * clock_min(1.0, step / (CLOCK_BEND_S * hz));
    double moved = step + clock_min(clock_max(bend, -CLOCK_HELD_BACK * step), step);
    if (off > CLOCK_JUMP_S * hz) moved = step + off;
    c->shown_ns = now_ns;
    c->shown = clock_max(c->shown, clock_min(c->shown + moved, skep__client_newest(view)->tick));
}

double skep__client_clock_server(const skep_view *view, uint64_t now_ns)
{
    const skep__client_clock *c = &view->clock;
    if (!c->started) return 0.0;
    const double way = c->rtt_ns * 0.5e-9 * view->welcome.tick_hz;
    return clock_passed(view, now_ns) - c->early_least + way;
}
