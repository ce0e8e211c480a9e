/* SPDX-License-Identifier: MIT */
/* What happens to workers. All that is known of one is in its seat; what the host is still to do is
 * a bit of the seat (`wants`), so that what was overtaken by events is taken back and not done: a
 * start that nobody has begun when the pool closes, an end of what has ended by itself. Seats with
 * bits stand in a queue, each at most once; of one seat LOST comes before KILL, KILL before START.
 *
 * Time: work and starts are counted, not dated. `counted_ns` grows with each skep__super_time by
 * what has passed since the one before, or since the work began, but by no more than the host had
 * meant to sleep and a little. So a result that lies unread because the host was busy still counts:
 * only skep__super_time expires anything.
 *
 * The budget: a ring of the times of the last restart_max restarts. One more is allowed when the
 * oldest of them lies outside of the window; that is exact, and costs 8 bytes each. */
#include "core/supervise/supervise.h"

#define SLACK_NS 2000000u
#define DOUBLINGS_MAX 20u

/* What the host is still to do, in this order. */
enum { WANT_LOST = 1, WANT_KILL = 2, WANT_START = 4, WANT_GIVE_UP = 8 };

typedef struct super_seat {
    uint8_t state; /* skep__seat_state */
    uint8_t wants;
    bool queued;
    bool worked;   /* its start was not in vain */
    bool has_done; /* done_work says what */
    bool loading;  /* limit_ns is for that */
    bool failed;   /* LEAVING: counts as a start that failed */
    bool given_up;
    uint8_t lost_cause;
    uint8_t kill_cause;
    uint8_t give_up_cause;
    uint8_t pad;
    uint32_t generation;
    uint32_t failures; /* starts in a row */
    uint32_t lost_generation;
    uint64_t work;
    uint64_t done_work;
    uint64_t lost_work;
    uint64_t limit_ns; /* of what is counted; 0: nothing is */
    uint64_t counted_ns;
    uint64_t from_ns;     /* when it began */
    uint64_t deadline_ns; /* of work that loads */
    uint64_t until_ns;    /* WAITING */
} super_seat;

struct skep__supervisor {
    skep__super_rules rules;
    uint64_t now_ns;
    uint64_t ticked_ns; /* of the last skep__super_time */
    uint64_t restarts;
    uint64_t *restarted; /* times of the last restart_max */
    super_seat *seats;
    uint32_t *queue; /* of seats that want something; a ring of seat_count */
    uint32_t queue_first;
    uint32_t queue_count;
    uint32_t given_up_count;
    uint32_t timed_count; /* seats that are counted or wait */
    uint8_t broken_cause;
    bool broken;
    bool want_broken;
    bool held;
    bool closed;
};

/* ---- life of the machine --------------------------------------------------------------------- */

skep__super_rules skep__super_rules_default(uint32_t seat_count)
{
    return (skep__super_rules){.seat_count = seat_count,
                               .start_tries = 5,
                               .restart_max = 1000,
                               .restart_window_ns = 60000000000u,
                               .start_timeout_ns = 10000000000u,
                               .pause_ns = 10000000u,
                               .tick_max_ns = 100000000u};
}

static uint32_t ring_size(const skep__super_rules *rules)
{
    if (rules->restart_window_ns == UINT64_MAX) return 0;
    return skep__min_u32(rules->restart_max, SKEP__SUPER_RESTARTS_MAX);
}

static size_t seats_at(void)
{
    return skep__align(sizeof(skep__supervisor), 16);
}

size_t skep__supervisor_bytes(const skep__super_rules *rules)
{
    const size_t seats = (size_t)rules->seat_count * (sizeof(super_seat) + sizeof(uint32_t));
    return seats_at() + ring_size(rules) * sizeof(uint64_t) + skep__align(seats, 16);
}

skep__supervisor *skep__supervisor_init(void *memory, const skep__super_rules *rules)
{
    SKEP_ASSERT(rules->seat_count);
    memset(memory, 0, skep__supervisor_bytes(rules));
    skep__supervisor *s = memory;
    s->rules = *rules;
    s->rules.restart_max = skep__min_u32(rules->restart_max, SKEP__SUPER_RESTARTS_MAX);
    s->seats = (void *)((uint8_t *)memory + seats_at());
    s->restarted = (void *)(s->seats + rules->seat_count);
    s->queue = (void *)(s->restarted + ring_size(rules));
    return s;
}

static super_seat *seat_of(const skep__supervisor *s, uint32_t seat)
{
    SKEP_ASSERT(seat >= 1 && seat <= s->rules.seat_count);
    return &s->seats[seat - 1];
}

static void clock_set(skep__supervisor *s, uint64_t now_ns)
{
    if (now_ns > s->now_ns) s->now_ns = now_ns;
}

/* ---- seats ----------------------------------------------------------------------------------- */

static void seat_want(skep__supervisor *s, super_seat *seat, uint32_t what)
{
    seat->wants |= (uint8_t)what;
    if (seat->queued) return;
    seat->queued = true;
    uint32_t at = s->queue_first + s->queue_count++;
    if (at >= s->rules.seat_count) at -= s->rules.seat_count;
    s->queue[at] = skep__u32((size_t)(seat - s->seats)) + 1;
}

static bool seat_timed(const super_seat *seat)
{
    return seat->limit_ns || seat->state == SKEP__SEAT_WAITING;
}

/* Changes the state, and what is counted in it; 0: nothing. */
static void seat_set(skep__supervisor *s, super_seat *seat, skep__seat_state state,
                     uint64_t limit_ns)
{
    s->timed_count -= seat_timed(seat);
    seat->state = (uint8_t)state;
    seat->limit_ns = limit_ns;
    seat->counted_ns = 0;
    seat->from_ns = s->now_ns;
    s->timed_count += seat_timed(seat);
}

/* Whether a worker sits there that is not surely gone. */
static bool seat_live(const super_seat *seat)
{
    switch (seat->state) {
    case SKEP__SEAT_STARTING:
        return !(seat->wants & WANT_START);
    case SKEP__SEAT_IDLE:
    case SKEP__SEAT_BUSY:
    case SKEP__SEAT_LEAVING:
        return true;
    default:
        return false;
    }
}

/* Whether a report is of the worker that sits there, and not of one before. */
static bool seat_is(const super_seat *seat, uint32_t generation)
{
    return seat->generation == generation && seat_live(seat);
}

/* Writes off what the worker has. */
static void seat_lose(skep__supervisor *s, super_seat *seat, skep__super_cause cause)
{
    if (seat->state != SKEP__SEAT_BUSY) return;
    SKEP_ASSERT(!(seat->wants & WANT_LOST));
    seat->lost_work = seat->work;
    seat->lost_generation = seat->generation;
    seat->lost_cause = (uint8_t)cause;
    seat->loading = false;
    seat_want(s, seat, WANT_LOST);
}

/* Has the worker ended. Before it was up that is a start that failed. */
static void seat_kill(skep__supervisor *s, super_seat *seat, skep__super_cause cause)
{
    if (!seat_live(seat) || seat->state == SKEP__SEAT_LEAVING) return;
    seat_lose(s, seat, cause);
    seat->failed = seat->state == SKEP__SEAT_STARTING;
    seat->kill_cause = (uint8_t)cause;
    seat_set(s, seat, SKEP__SEAT_LEAVING, 0);
    seat_want(s, seat, WANT_KILL);
}

static void seat_give_up(skep__supervisor *s, super_seat *seat, skep__super_cause cause)
{
    if (seat->given_up) return;
    seat->given_up = true;
    seat->give_up_cause = (uint8_t)cause;
    if (seat_live(seat)) {
        seat_kill(s, seat, cause);
    } else {
        seat->wants &= (uint8_t)~WANT_START;
        seat_set(s, seat, SKEP__SEAT_GIVEN_UP, 0);
    }
    seat_want(s, seat, WANT_GIVE_UP);
    s->given_up_count++;
    if (s->given_up_count < s->rules.seat_count) return;
    s->broken = s->want_broken = true;
    s->broken_cause = (uint8_t)cause;
}

/* ---- starts ---------------------------------------------------------------------------------- */

/* Notes one more restart; false when there were as many as may be. */
static bool budget_take(skep__supervisor *s)
{
    const uint32_t most = s->rules.restart_max;
    if (most && s->restarts >= most) {
        if (s->rules.restart_window_ns == UINT64_MAX) return false;
        const uint64_t oldest = s->restarted[s->restarts % most];
        if (s->now_ns - oldest < s->rules.restart_window_ns) return false;
    }
    const uint32_t ring = ring_size(&s->rules);
    if (ring) s->restarted[s->restarts % ring] = s->now_ns;
    s->restarts++;
    return true;
}

static void seat_start(skep__supervisor *s, super_seat *seat)
{
    if (seat->generation && !budget_take(s)) {
        for (uint32_t i = 0; i < s->rules.seat_count; i++) {
            if (&s->seats[i] == seat) seat_set(s, seat, SKEP__SEAT_EMPTY, 0);
            seat_give_up(s, &s->seats[i], SKEP__SUPER_BUDGET);
        }
        return;
    }
    seat->generation++;
    seat->worked = false;
    seat->has_done = false;
    seat->failed = false;
    seat_set(s, seat, SKEP__SEAT_STARTING, s->rules.start_timeout_ns);
    seat_want(s, seat, WANT_START);
}

static void seat_start_failed(skep__supervisor *s, super_seat *seat, bool final)
{
    seat->failures++;
    seat_set(s, seat, SKEP__SEAT_EMPTY, 0);
    if (final || seat->failures >= s->rules.start_tries) {
        seat_give_up(s, seat, SKEP__SUPER_NOT_STARTED);
        return;
    }
    const uint32_t doublings = skep__min_u32(seat->failures - 1, DOUBLINGS_MAX);
    seat->until_ns = s->now_ns + (s->rules.pause_ns << doublings);
    seat_set(s, seat, SKEP__SEAT_WAITING, 0);
}

/* The worker is gone: what comes next. */
static void seat_vacate(skep__supervisor *s, super_seat *seat, bool final)
{
    seat->wants &= (uint8_t)~WANT_KILL;
    if (seat->given_up) {
        seat_set(s, seat, SKEP__SEAT_GIVEN_UP, 0);
    } else if (s->closed) {
        seat_set(s, seat, SKEP__SEAT_EMPTY, 0);
    } else if (seat->failed) {
        seat_start_failed(s, seat, final);
    } else {
        seat_start(s, seat);
    }
}

/* ---- what happened --------------------------------------------------------------------------- */

void skep__super_begin(skep__supervisor *s, uint64_t now_ns)
{
    clock_set(s, now_ns);
    for (uint32_t i = 0; i < s->rules.seat_count && !s->closed; i++) {
        super_seat *seat = &s->seats[i];
        if (seat->state == SKEP__SEAT_EMPTY) seat_start(s, seat);
    }
}

bool skep__super_up(skep__supervisor *s, uint32_t seat, uint32_t generation, uint64_t now_ns)
{
    super_seat *e = seat_of(s, seat);
    clock_set(s, now_ns);
    if (!seat_is(e, generation) || e->state != SKEP__SEAT_STARTING) return false;
    seat_set(s, e, SKEP__SEAT_IDLE, 0);
    return true;
}

void skep__super_start_failed(skep__supervisor *s, uint32_t seat, uint32_t generation, bool final,
                              uint64_t now_ns)
{
    super_seat *e = seat_of(s, seat);
    clock_set(s, now_ns);
    if (!seat_is(e, generation)) return;
    if (e->state == SKEP__SEAT_STARTING) e->failed = true;
    if (e->state == SKEP__SEAT_STARTING || e->state == SKEP__SEAT_LEAVING) {
        seat_vacate(s, e, final);
    }
}

bool skep__super_give(skep__supervisor *s, uint32_t seat, uint64_t work, uint64_t deadline_ns,
                      bool loading, uint64_t now_ns)
{
    super_seat *e = seat_of(s, seat);
    clock_set(s, now_ns);
    if (e->state != SKEP__SEAT_IDLE) return false;
    SKEP_ASSERT(!e->has_done || e->done_work != work);
    e->work = work;
    e->loading = loading;
    e->deadline_ns = deadline_ns;
    seat_set(s, e, SKEP__SEAT_BUSY, loading ? s->rules.start_timeout_ns : deadline_ns);
    return true;
}

/* Counts the time of what a busy worker does anew. */
static void seat_recount(skep__supervisor *s, super_seat *seat)
{
    seat->loading = false;
    seat_set(s, seat, SKEP__SEAT_BUSY, seat->deadline_ns);
}

void skep__super_loaded(skep__supervisor *s, uint32_t seat, uint32_t generation, uint64_t now_ns)
{
    super_seat *e = seat_of(s, seat);
    clock_set(s, now_ns);
    if (!seat_is(e, generation) || e->state != SKEP__SEAT_BUSY || !e->loading) return;
    seat_recount(s, e);
}

void skep__super_progress(skep__supervisor *s, uint32_t seat, uint32_t generation, uint64_t now_ns)
{
    super_seat *e = seat_of(s, seat);
    clock_set(s, now_ns);
    if (!seat_is(e, generation) || e->state != SKEP__SEAT_BUSY) return;
    e->worked = true;
    e->failures = 0;
    seat_recount(s, e);
}

void skep__super_worked(skep__supervisor *s, uint32_t seat, uint32_t generation)
{
    super_seat *e = seat_of(s, seat);
    if (!seat_is(e, generation)) return;
    if (e->state != SKEP__SEAT_IDLE && e->state != SKEP__SEAT_BUSY) return;
    e->worked = true;
    e->failures = 0;
}

skep__super_verdict skep__super_done(skep__supervisor *s, uint32_t seat, uint32_t generation,
                                     uint64_t work, uint64_t now_ns)
{
    super_seat *e = seat_of(s, seat);
    clock_set(s, now_ns);
    if (!seat_is(e, generation) || e->state == SKEP__SEAT_LEAVING) return SKEP__SUPER_STALE;
    if (e->state == SKEP__SEAT_BUSY && e->work == work) {
        e->worked = true;
        e->failures = 0;
        e->has_done = true;
        e->done_work = work;
        e->loading = false;
        seat_set(s, e, SKEP__SEAT_IDLE, 0);
        return SKEP__SUPER_TAKE;
    }
    if (e->has_done && e->done_work == work) return SKEP__SUPER_DUPLICATE;
    seat_kill(s, e, SKEP__SUPER_LIED);
    return SKEP__SUPER_FORGED;
}

void skep__super_replace(skep__supervisor *s, uint32_t seat, uint32_t generation,
                         skep__super_cause cause, uint64_t now_ns)
{
    super_seat *e = seat_of(s, seat);
    clock_set(s, now_ns);
    if (seat_is(e, generation)) seat_kill(s, e, cause);
}

void skep__super_exited(skep__supervisor *s, uint32_t seat, uint32_t generation, uint64_t now_ns)
{
    super_seat *e = seat_of(s, seat);
    clock_set(s, now_ns);
    if (!seat_is(e, generation)) return;
    if (e->state == SKEP__SEAT_BUSY) {
        e->worked = true; /* it had got so far */
        e->failures = 0;
    }
    if (e->state != SKEP__SEAT_LEAVING) e->failed = !e->worked;
    seat_lose(s, e, SKEP__SUPER_CRASHED);
    seat_vacate(s, e, false);
}

/* Too long. */
static void seat_expire(skep__supervisor *s, super_seat *seat)
{
    if (s->held) {
        seat->counted_ns = 0;
        return;
    }
    skep__super_cause cause = SKEP__SUPER_DEADLINE;
    if (seat->state == SKEP__SEAT_STARTING) cause = SKEP__SUPER_NOT_STARTED;
    if (seat->loading) cause = SKEP__SUPER_NOT_LOADED;
    if (seat->wants & WANT_START) { /* nobody has begun it: then it is no worker's fault */
        seat->counted_ns = 0;
        return;
    }
    seat_kill(s, seat, cause);
}

static void seat_time(skep__supervisor *s, super_seat *seat, uint64_t counts_ns)
{
    if (seat->state == SKEP__SEAT_WAITING) {
        if (s->now_ns >= seat->until_ns) seat_start(s, seat);
        return;
    }
    if (!seat->limit_ns) return;
    const uint64_t from = seat->from_ns > s->ticked_ns ? seat->from_ns : s->ticked_ns;
    const uint64_t passed = s->now_ns - from;
    seat->counted_ns += passed < counts_ns ? passed : counts_ns;
    if (seat->counted_ns >= seat->limit_ns) seat_expire(s, seat);
}

void skep__super_time(skep__supervisor *s, uint64_t now_ns, uint64_t planned_ns)
{
    clock_set(s, now_ns);
    const uint64_t more = planned_ns / 4 + SLACK_NS;
    const uint64_t counts = planned_ns > UINT64_MAX - more ? UINT64_MAX : planned_ns + more;
    for (uint32_t i = 0; i < s->rules.seat_count && s->timed_count; i++) {
        seat_time(s, &s->seats[i], counts);
    }
    s->ticked_ns = s->now_ns;
}

void skep__super_hold(skep__supervisor *s, bool held)
{
    s->held = held;
}

void skep__super_close(skep__supervisor *s, uint64_t now_ns)
{
    clock_set(s, now_ns);
    s->closed = true;
    for (uint32_t i = 0; i < s->rules.seat_count; i++) {
        super_seat *seat = &s->seats[i];
        if (seat_live(seat)) {
            seat_kill(s, seat, SKEP__SUPER_ABORTED);
        } else if (!seat->given_up) {
            seat->wants &= (uint8_t)~WANT_START;
            seat_set(s, seat, SKEP__SEAT_EMPTY, 0);
        }
    }
}

/* ---- what to do ------------------------------------------------------------------------------ */

/* Fills in the first thing that a seat wants, and crosses it off. */
static void seat_next(super_seat *seat, skep__super_action *action)
{
    action->generation = seat->generation;
    if (seat->wants & WANT_LOST) {
        seat->wants &= (uint8_t)~WANT_LOST;
        action->kind = SKEP__SUPER_LOST;
        action->generation = seat->lost_generation;
        action->cause = seat->lost_cause;
        action->work = seat->lost_work;
    } else if (seat->wants & WANT_KILL) {
        seat->wants &= (uint8_t)~WANT_KILL;
        action->kind = SKEP__SUPER_KILL;
        action->cause = seat->kill_cause;
    } else if (seat->wants & WANT_START) {
        seat->wants &= (uint8_t)~WANT_START;
        action->kind = SKEP__SUPER_START;
    } else {
        seat->wants &= (uint8_t)~WANT_GIVE_UP;
        action->kind = SKEP__SUPER_GIVE_UP;
        action->cause = seat->give_up_cause;
    }
}

bool skep__super_next(skep__supervisor *s, skep__super_action *action)
{
    memset(action, 0, sizeof *action);
    while (s->queue_count) {
        const uint32_t number = s->queue[s->queue_first];
        super_seat *seat = seat_of(s, number);
        if (seat->wants) {
            action->seat = number;
            seat_next(seat, action);
            return true;
        }
        seat->queued = false;
        s->queue_count--;
        if (++s->queue_first == s->rules.seat_count) s->queue_first = 0;
    }
    if (!s->want_broken) return false;
    s->want_broken = false;
    action->kind = SKEP__SUPER_BROKEN;
    action->cause = s->broken_cause;
    return true;
}

/* When a seat has to be looked at. */
static uint64_t seat_due(const skep__supervisor *s, const super_seat *seat)
{
    if (seat->state == SKEP__SEAT_WAITING) return seat->until_ns;
    if (!seat->limit_ns) return UINT64_MAX;
    const uint64_t from = seat->from_ns > s->ticked_ns ? seat->from_ns : s->ticked_ns;
    uint64_t step = seat->limit_ns - seat->counted_ns;
    if (s->rules.tick_max_ns) {
        if (step > s->rules.tick_max_ns) step = s->rules.tick_max_ns;
        if (step > seat->limit_ns / 4 + 1) step = seat->limit_ns / 4 + 1;
    }
    return step < UINT64_MAX - from ? from + step : UINT64_MAX;
}

uint64_t skep__super_due(const skep__supervisor *s)
{
    uint64_t due = UINT64_MAX;
    for (uint32_t i = 0; i < s->rules.seat_count && s->timed_count; i++) {
        const uint64_t seat = seat_due(s, &s->seats[i]);
        if (seat < due) due = seat;
    }
    return due;
}

skep__seat_state skep__super_seat(const skep__supervisor *s, uint32_t seat)
{
    return (skep__seat_state)seat_of(s, seat)->state;
}

uint32_t skep__super_generation(const skep__supervisor *s, uint32_t seat)
{
    return seat_of(s, seat)->generation;
}

uint64_t skep__super_work(const skep__supervisor *s, uint32_t seat)
{
    return seat_of(s, seat)->work;
}

bool skep__super_broken(const skep__supervisor *s)
{
    return s->broken;
}

uint64_t skep__super_restarts(const skep__supervisor *s)
{
    return s->restarts;
}

uint32_t skep__super_live(const skep__supervisor *s)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < s->rules.seat_count; i++) live += seat_live(&s->seats[i]);
    return live;
}
