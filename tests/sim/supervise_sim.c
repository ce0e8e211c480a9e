/* SPDX-License-Identifier: MIT */
/* Time is virtual: the host sleeps until the next event or the machine's due(), or, when the
 * machine that it runs on sleeps as well, much longer. Hosts are of three manners: one with a timer
 * (as JavaScript), one that looks at the clock after each sleep, and one for which all time counts.
 * Some leave actions for later.
 *
 * The witness believes nothing that the machine says. It knows of each seat which worker is really
 * there, what was given to it and since when, and of the clock how long the host was asleep. */
#include "tests/sim/supervise_sim.h"

#include "core/base/hash.h"
#include "core/supervise/supervise.h"

#define SEATS_MAX 5u
#define WORKS_MAX 24u
#define EVENTS_MAX 256u
#define RESTARTS_MAX 4096u
#define STEPS_MAX 20000u
#define MS 1000000ull
#define NEVER UINT64_MAX

#define RULE(sim, holds, text)                                                                     \
    do {                                                                                           \
        if (!(holds) && !(sim)->wrong) {                                                           \
            (sim)->wrong = "" text " [" #holds "]";                                                \
        }                                                                                          \
    } while (0)

typedef enum event_kind {
    EVENT_UP,
    EVENT_START_FAILED,
    EVENT_LOADED,
    EVENT_PIECE,
    EVENT_DONE,
    EVENT_BAD_OUTPUT,
    EVENT_EXIT,
    EVENT_ABORT, /* the host's own wish */
    EVENT_WORKED,
    EVENT_HOLD,
    EVENT_RELEASE,
    EVENT_CLOSE
} event_kind;

typedef struct event {
    uint64_t at;
    uint64_t work;
    uint32_t kind; /* event_kind */
    uint32_t seat;
    uint32_t generation;
    uint32_t flags; /* START_FAILED: final */
} event;

/* What the witness knows of the worker on a seat. */
typedef struct witness {
    uint32_t generation;
    uint32_t failures;
    bool live, up, killed, busy, worked, failed, final, given_up, loading, held;
    uint64_t work, done_work, deadline_ns;
    uint64_t limit_ns, began_ns, began_slept, began_slack; /* of what is timed now */
    uint64_t not_before;                                   /* of the next start */
} witness;

typedef enum manner { MANNER_TIMER, MANNER_LOOKS, MANNER_ALL_COUNTS } manner;

typedef struct chances { /* of 1,024 */
    uint32_t start_fails, start_exits, start_hangs, slow_start, crash, hang, forge, duplicate,
        bad_output, idle_crash, load, load_hangs, pieces, late, abort, jump, lazy, final;
} chances;

typedef enum work_state { WORK_QUEUED, WORK_GIVEN, WORK_SETTLED } work_state;

typedef struct sim {
    const char *wrong;
    skep__supervisor *machine;
    skep__super_rules rules;
    supervise_sim_seen *seen;
    supervise_sim_tell *tell;
    chances chances;
    manner manner;
    uint64_t random;
    uint64_t digest;
    uint64_t now;
    uint64_t slept; /* by the machine that the host runs on */
    uint64_t slack; /* what deadlines may have been charged for that */
    uint64_t armed; /* the timer: since when, until when */
    uint64_t timer;
    uint64_t deadline_ns;
    uint64_t restarted[RESTARTS_MAX];
    uint32_t restarts;
    uint32_t work_count, settled, given, batch_end;
    uint32_t event_count;
    bool lazy, held, closed, broken;
    uint8_t work_state[WORKS_MAX];
    uint8_t work_tries[WORKS_MAX];
    witness seats[SEATS_MAX + 1];
    event events[EVENTS_MAX];
    _Alignas(16) uint8_t memory[4096];
} sim;

size_t supervise_sim_bytes(void)
{
    return sizeof(sim);
}

/* ---- chance ---------------------------------------------------------------------------------- */

static uint64_t roll(sim *s)
{
    s->random += 0x9E3779B97F4A7C15u;
    return skep__hash_u64(s->random);
}

static uint32_t below(sim *s, uint32_t n)
{
    return (uint32_t)(roll(s) >> 33) % n;
}

static bool chance(sim *s, uint32_t of_1024)
{
    return below(s, 1024) < of_1024;
}

/* Never, now and then, or often. */
static uint32_t some(sim *s, uint32_t often)
{
    const uint32_t kind = below(s, 4);
    return kind < 2 ? 0 : kind == 2 ? 1 + often / 8 : often;
}

static uint64_t one_of(sim *s, const uint64_t *choices, uint32_t count)
{
    return choices[below(s, count)];
}

static void note(sim *s, uint64_t a, uint64_t b)
{
    s->digest = skep__hash_u64(s->digest ^ a) + skep__hash_u64(b + 0x632BE59BD9B4E019u);
}

static void plan_event(sim *s, event_kind kind, uint32_t seat, uint64_t work, uint64_t in_ns)
{
    if (s->event_count == EVENTS_MAX) return; /* lost on its way, which only makes matters worse */
    event *e = &s->events[s->event_count++];
    *e = (event){.at = s->now + in_ns,
                 .kind = (uint32_t)kind,
                 .seat = seat,
                 .work = work,
                 .generation = s->seats[seat].generation};
}

/* ---- what the witness holds ------------------------------------------------------------------ */

static void time_begins(sim *s, witness *w, uint64_t limit_ns)
{
    w->limit_ns = limit_ns;
    w->began_ns = s->now;
    w->began_slept = s->slept;
    w->began_slack = s->slack;
    w->held = s->held;
}

static uint64_t time_awake(const sim *s, const witness *w)
{
    return (s->now - w->began_ns) - (s->slept - w->began_slept);
}

/* Something was called too long. */
static void check_expired(sim *s, const witness *w, uint64_t limit_ns)
{
    const uint64_t passed = s->now - w->began_ns;
    const uint64_t awake = time_awake(s, w);
    RULE(s, !s->held, "expired while held");
    RULE(s, limit_ns && passed >= limit_ns, "expired before its time");
    if (s->manner != MANNER_ALL_COUNTS) {
        RULE(s, awake + s->slack - w->began_slack >= limit_ns, "time asleep used up a deadline");
    }
    if (!w->held && s->slept == w->began_slept) {
        RULE(s, passed <= limit_ns + 1, "expired after its time");
    }
}

/* The machine has just been told the time: nothing is there that should have expired. */
static void check_overdue(sim *s)
{
    for (uint32_t i = 1; i <= s->rules.seat_count; i++) {
        const witness *w = &s->seats[i];
        if (!w->live || w->killed || !w->limit_ns || w->held || s->held) continue;
        const bool all = s->manner == MANNER_ALL_COUNTS;
        const uint64_t counts = all ? s->now - w->began_ns : time_awake(s, w);
        RULE(s, counts < w->limit_ns, "did not expire in time");
    }
}

static uint32_t restarts_within(const sim *s)
{
    if (s->rules.restart_window_ns == UINT64_MAX) return s->restarts;
    uint32_t count = 0;
    for (uint32_t i = s->restarts; i > 0; i--) {
        if (s->now - s->restarted[i - 1] >= s->rules.restart_window_ns) break;
        count++;
    }
    return count;
}

static void check_restart(sim *s)
{
    const bool some_left = !s->rules.restart_max || restarts_within(s) < s->rules.restart_max;
    RULE(s, some_left, "more restarts than the budget");
    if (s->restarts < RESTARTS_MAX) s->restarted[s->restarts++] = s->now;
}

static void check_live(sim *s)
{
    uint32_t live = 0;
    for (uint32_t i = 1; i <= s->rules.seat_count; i++) live += s->seats[i].live;
    RULE(s, skep__super_live(s->machine) == live, "counts workers wrongly");
    RULE(s, skep__super_broken(s->machine) || !s->broken, "was broken once");
}

/* ---- the batch ------------------------------------------------------------------------------- */

static uint32_t work_index(uint64_t number)
{
    return (uint32_t)(number & 0xff);
}

static void work_settle(sim *s, uint32_t index)
{
    RULE(s, s->work_state[index] != WORK_SETTLED, "work was settled twice");
    s->work_state[index] = WORK_SETTLED;
    s->settled++;
}

/* It is given once more, and then no more. */
static void work_lost(sim *s, uint32_t index)
{
    RULE(s, s->work_state[index] == WORK_GIVEN, "work was lost that nobody had");
    if (s->work_tries[index] < 2 && !s->closed && !s->broken) {
        s->work_state[index] = WORK_QUEUED;
        s->seen->retries++;
    } else {
        work_settle(s, index);
        s->seen->failed_works++;
    }
}

static void works_end(sim *s)
{
    for (uint32_t i = 0; i < s->work_count; i++) {
        if (s->work_state[i] == WORK_QUEUED) work_settle(s, i);
    }
}

/* What a worker will do with its work. */
static void work_play(sim *s, uint32_t seat, uint64_t number, bool loading)
{
    const chances *c = &s->chances;
    const uint64_t takes = 1 + below(s, 6) * MS + below(s, 999999);
    uint64_t in = 0;
    if (loading) {
        if (chance(s, c->load_hangs)) return;
        in += below(s, 20) * MS;
        plan_event(s, EVENT_LOADED, seat, number, in);
    }
    if (chance(s, c->pieces)) {
        for (uint32_t i = below(s, 4); i > 0; i--) {
            in += below(s, 5) * MS;
            plan_event(s, EVENT_PIECE, seat, number, in);
        }
    }
    in += takes;
    if (chance(s, c->hang)) {
        s->seen->hangs++;
    } else if (chance(s, c->crash)) {
        plan_event(s, EVENT_EXIT, seat, 0, in);
    } else if (chance(s, c->bad_output)) {
        plan_event(s, EVENT_BAD_OUTPUT, seat, number, in);
    } else {
        if (chance(s, c->forge)) plan_event(s, EVENT_DONE, seat, number + 256 * 77, in / 2);
        plan_event(s, EVENT_DONE, seat, number, in);
        if (chance(s, c->duplicate)) plan_event(s, EVENT_DONE, seat, number, in + below(s, 1000));
        if (chance(s, c->idle_crash)) plan_event(s, EVENT_EXIT, seat, 0, in + below(s, 2000000));
    }
    if (chance(s, c->abort)) plan_event(s, EVENT_ABORT, seat, number, below(s, 8) * MS);
    /* What nothing else would end the host does. */
    const bool timed = s->deadline_ns && (!loading || s->rules.start_timeout_ns);
    if (!timed) plan_event(s, EVENT_ABORT, seat, number, 300 * MS);
}

static void work_give(sim *s, uint32_t seat, uint32_t index)
{
    witness *w = &s->seats[seat];
    const uint64_t number = ++s->given * 256ull + index;
    const uint64_t deadline_ns = chance(s, 900) ? s->deadline_ns : 0;
    const bool loading = chance(s, s->chances.load);
    const bool taken = skep__super_give(s->machine, seat, number, deadline_ns, loading, s->now);
    RULE(s, taken == (w->live && w->up && !w->busy && !w->killed), "took work and should not");
    if (!taken) return;
    s->work_state[index] = WORK_GIVEN;
    s->work_tries[index]++;
    w->busy = true;
    w->work = number;
    w->loading = loading;
    w->deadline_ns = deadline_ns;
    time_begins(s, w, loading ? s->rules.start_timeout_ns : deadline_ns);
    note(s, 100 + seat, number);
    if (s->tell) s->tell("  give", s->now, seat, w->generation, number);
    s->seen->loads += loading;
    work_play(s, seat, number, loading);
    if (!deadline_ns) plan_event(s, EVENT_ABORT, seat, number, 300 * MS);
}

static void works_give(sim *s)
{
    uint32_t seat = 1;
    for (uint32_t i = 0; i < s->work_count; i++) {
        if (s->work_state[i] != WORK_QUEUED) continue;
        while (seat <= s->rules.seat_count &&
               skep__super_seat(s->machine, seat) != SKEP__SEAT_IDLE) {
            seat++;
        }
        if (seat > s->rules.seat_count) return;
        work_give(s, seat, i);
    }
}

/* ---- actions --------------------------------------------------------------------------------- */

static void do_start(sim *s, const skep__super_action *a)
{
    witness *w = &s->seats[a->seat];
    const chances *c = &s->chances;
    RULE(s, !w->live, "two live workers on a seat");
    RULE(s, !w->given_up && !s->broken && !s->closed, "a start after the end");
    RULE(s, a->generation == w->generation + 1, "generations do not count");
    RULE(s, s->now >= w->not_before, "no pause after a failed start");
    RULE(s, w->failures < s->rules.start_tries, "too many tries");
    if (w->generation && !s->lazy) check_restart(s);
    s->seen->starts++;
    w->generation = a->generation;
    w->live = true;
    w->up = w->killed = w->busy = w->worked = w->failed = w->loading = false;
    w->done_work = NEVER;
    time_begins(s, w, s->rules.start_timeout_ns);
    w->held |= s->lazy; /* it may have been wanted for a while */
    if (chance(s, c->start_fails)) {
        plan_event(s, EVENT_START_FAILED, a->seat, 0, below(s, 2) * MS);
        s->events[s->event_count - 1].flags = chance(s, c->final);
        return;
    }
    if (chance(s, c->start_exits)) {
        plan_event(s, EVENT_EXIT, a->seat, 0, below(s, 5) * MS);
        return;
    }
    if (chance(s, c->forge)) plan_event(s, EVENT_DONE, a->seat, 5, below(s, 3) * MS);
    if (!chance(s, c->start_hangs)) {
        const uint32_t most = chance(s, c->slow_start) ? 200 : 4;
        plan_event(s, EVENT_UP, a->seat, 0, below(s, most) * MS);
    } else if (!s->rules.start_timeout_ns) {
        plan_event(s, EVENT_ABORT, a->seat, 0, 300 * MS);
    }
    if (chance(s, c->idle_crash)) plan_event(s, EVENT_EXIT, a->seat, 0, below(s, 30) * MS);
}

static void do_kill(sim *s, const skep__super_action *a)
{
    witness *w = &s->seats[a->seat];
    RULE(s, w->live && a->generation == w->generation, "kills who is not there");
    RULE(s, !w->killed, "kills twice");
    RULE(s, !w->busy, "kills before it writes off");
    w->killed = true;
    w->failed = !w->up;
    if (a->cause == SKEP__SUPER_NOT_STARTED) {
        s->seen->not_started++;
        if (!s->lazy) check_expired(s, w, s->rules.start_timeout_ns);
    }
    w->limit_ns = 0;
    plan_event(s, EVENT_EXIT, a->seat, 0, chance(s, s->chances.late) ? 90 * MS : below(s, 3) * MS);
}

static void do_lost(sim *s, const skep__super_action *a)
{
    witness *w = &s->seats[a->seat];
    RULE(s, w->busy && w->work == a->work && w->generation == a->generation,
         "lost what it did not have");
    if (a->cause == SKEP__SUPER_DEADLINE) {
        s->seen->deadlines++;
        RULE(s, !w->loading, "a deadline while loading");
        check_expired(s, w, w->deadline_ns);
    } else if (a->cause == SKEP__SUPER_NOT_LOADED) {
        s->seen->not_loaded++;
        RULE(s, w->loading, "was loaded");
        check_expired(s, w, s->rules.start_timeout_ns);
    }
    w->busy = false;
    w->limit_ns = 0;
    work_lost(s, work_index(a->work));
}

static void do_give_up(sim *s, const skep__super_action *a)
{
    witness *w = &s->seats[a->seat];
    RULE(s, !w->given_up, "given up twice");
    RULE(s, !s->broken, "given up after the end");
    if (a->cause == SKEP__SUPER_NOT_STARTED) {
        RULE(s, w->failures >= s->rules.start_tries || w->final, "given up too soon");
    } else {
        RULE(s, a->cause == SKEP__SUPER_BUDGET, "given up for no reason");
    }
    w->given_up = true;
    s->seen->give_ups++;
}

static void do_broken(sim *s, const skep__super_action *a)
{
    RULE(s, !s->broken, "broken twice");
    s->broken = true;
    uint32_t wanted = 0; /* at the same moment, and taken back */
    for (uint32_t i = 1; i <= s->rules.seat_count; i++) {
        RULE(s, s->seats[i].given_up, "broken, but a seat is not given up");
        wanted += skep__super_generation(s->machine, i) - s->seats[i].generation;
    }
    if (a->cause == SKEP__SUPER_BUDGET) {
        s->seen->broken_budget++;
        const bool used_up = restarts_within(s) + wanted >= s->rules.restart_max;
        RULE(s, s->lazy || (s->rules.restart_max && used_up), "broken within the budget");
    } else {
        s->seen->broken_starts++;
    }
    works_end(s);
}

static void act(sim *s, const skep__super_action *a)
{
    static const char *const names[] = {"", "  START", "  KILL", "  LOST", "  GIVE UP", "  BROKEN"};
    if (s->tell) s->tell(names[a->kind], s->now, a->seat, a->generation, a->work);
    note(s, (uint64_t)a->kind << 32 | a->seat << 16 | a->cause, a->work);
    note(s, a->generation, skep__super_due(s->machine));
    switch (a->kind) {
    case SKEP__SUPER_START:
        do_start(s, a);
        break;
    case SKEP__SUPER_KILL:
        do_kill(s, a);
        break;
    case SKEP__SUPER_LOST:
        do_lost(s, a);
        break;
    case SKEP__SUPER_GIVE_UP:
        do_give_up(s, a);
        break;
    case SKEP__SUPER_BROKEN:
        do_broken(s, a);
        break;
    default:
        RULE(s, false, "does what is not there");
    }
}

static void act_all(sim *s)
{
    skep__super_action action;
    while (!s->wrong && skep__super_next(s->machine, &action)) act(s, &action);
    check_live(s);
}

/* Somebody is to act, or time is to pass, or all is over. */
static void check_progress(sim *s)
{
    if (s->event_count || skep__super_due(s->machine) != NEVER) return;
    act_all(s);
    if (s->event_count || skep__super_due(s->machine) != NEVER) return;
    RULE(s, s->settled == s->work_count, "nothing can happen, but work waits");
    RULE(s, !s->closed || !skep__super_live(s->machine), "nothing can happen, but a worker lives");
}

/* ---- events ---------------------------------------------------------------------------------- */

static void worker_worked(witness *w)
{
    w->worked = true;
    w->failures = 0;
}

/* The seat is free; the witness works out what must come of it. */
static void worker_gone(sim *s, witness *w, bool failed, bool final)
{
    w->live = w->busy = false;
    w->limit_ns = 0;
    w->not_before = 0;
    if (!failed || w->given_up || s->closed) return;
    w->failures++;
    w->final |= final;
    w->not_before = s->now + (s->rules.pause_ns << (w->failures - 1));
}

static void on_exit(sim *s, const event *e)
{
    witness *w = &s->seats[e->seat];
    const bool its = w->live && e->generation == w->generation;
    if (s->lazy && its && skep__super_seat(s->machine, e->seat) == SKEP__SEAT_LEAVING) {
        w->killed = true; /* as good as */
        w->failed = !w->up;
    }
    if (its && w->busy && !w->killed) {
        s->seen->exits_busy++;
        worker_worked(w);
    } else if (its && !w->killed) {
        s->seen->exits_starting += !w->up;
        s->seen->exits_idle += w->up;
    }
    const bool failed = w->killed ? w->failed : !w->worked;
    skep__super_exited(s->machine, e->seat, e->generation, s->now);
    if (!its) return;
    const bool busy = w->busy;
    worker_gone(s, w, failed, false);
    w->busy = busy; /* until LOST says so */
}

static void on_start_failed(sim *s, const event *e)
{
    witness *w = &s->seats[e->seat];
    const bool its = w->live && e->generation == w->generation && (!w->up || w->killed);
    skep__super_start_failed(s->machine, e->seat, e->generation, e->flags != 0, s->now);
    if (!its) return;
    s->seen->start_failures++;
    worker_gone(s, w, w->killed ? w->failed : true, e->flags != 0);
}

static void on_done(sim *s, const event *e)
{
    witness *w = &s->seats[e->seat];
    const bool its = w->live && e->generation == w->generation && !w->killed;
    const bool has = its && w->busy && w->work == e->work;
    const bool had = its && w->up && w->done_work == e->work;
    const skep__super_verdict verdict =
        skep__super_done(s->machine, e->seat, e->generation, e->work, s->now);
    note(s, 300, verdict);
    if (s->lazy && verdict == SKEP__SUPER_STALE) return; /* written off, and not said yet */
    skep__super_verdict right = SKEP__SUPER_FORGED;
    if (!its) right = SKEP__SUPER_STALE;
    if (had) right = SKEP__SUPER_DUPLICATE;
    if (has) right = SKEP__SUPER_TAKE;
    RULE(s, verdict == right, "takes a report for what it is not");
    s->seen->stale += verdict == SKEP__SUPER_STALE;
    s->seen->duplicates += verdict == SKEP__SUPER_DUPLICATE;
    s->seen->forged += verdict == SKEP__SUPER_FORGED;
    if (verdict != SKEP__SUPER_TAKE) return;
    s->seen->taken++;
    worker_worked(w);
    w->busy = false;
    w->done_work = e->work;
    w->limit_ns = 0;
    work_settle(s, work_index(e->work));
}

/* Whether the host still believes in the worker that an event is of, and in its work. */
static bool holds_work(const witness *w, const event *e)
{
    return w->live && !w->killed && w->busy && w->generation == e->generation && w->work == e->work;
}

static void on_piece(sim *s, const event *e)
{
    witness *w = &s->seats[e->seat];
    if (!holds_work(w, e)) return;
    if (e->kind == EVENT_LOADED) {
        skep__super_loaded(s->machine, e->seat, e->generation, s->now);
        if (!w->loading) return;
    } else {
        skep__super_progress(s->machine, e->seat, e->generation, s->now);
        if (skep__super_seat(s->machine, e->seat) != SKEP__SEAT_BUSY) return; /* lazy */
        worker_worked(w);
        s->seen->pieces++;
    }
    w->loading = false;
    time_begins(s, w, w->deadline_ns);
}

/* The host has had enough of a worker. */
static void on_replace(sim *s, const event *e)
{
    witness *w = &s->seats[e->seat];
    const bool starting = !e->work && w->live && !w->up && w->generation == e->generation;
    if (!starting && !holds_work(w, e)) return;
    const bool bad = e->kind == EVENT_BAD_OUTPUT;
    s->seen->bad_outputs += bad;
    s->seen->aborts += !bad;
    skep__super_replace(s->machine, e->seat, e->generation,
                        bad ? SKEP__SUPER_BAD_OUTPUT : SKEP__SUPER_ABORTED, s->now);
}

static void on_up(sim *s, const event *e)
{
    witness *w = &s->seats[e->seat];
    const bool right = w->live && !w->up && !w->killed && e->generation == w->generation;
    const bool up = skep__super_up(s->machine, e->seat, e->generation, s->now);
    RULE(s, up == right || (s->lazy && !up), "a worker is up that is not, or the reverse");
    if (!up) return;
    w->up = true;
    w->limit_ns = 0;
    if (chance(s, 100)) plan_event(s, EVENT_WORKED, e->seat, 0, below(s, 2) * MS);
}

static void on_worked(sim *s, const event *e)
{
    witness *w = &s->seats[e->seat];
    skep__super_worked(s->machine, e->seat, e->generation);
    const bool its = w->live && w->up && !w->killed && e->generation == w->generation;
    if (its && skep__super_seat(s->machine, e->seat) != SKEP__SEAT_LEAVING) worker_worked(w);
}

static void on_hold(sim *s, bool held)
{
    skep__super_hold(s->machine, held);
    s->held = held;
    s->seen->holds += held;
    for (uint32_t i = 1; i <= s->rules.seat_count; i++) s->seats[i].held |= held;
}

static void on_close(sim *s)
{
    if (s->closed) return;
    s->seen->closes_early += s->settled < s->work_count;
    s->closed = true;
    skep__super_close(s->machine, s->now);
    works_end(s);
}

static void happen(sim *s, const event *e)
{
    static const char *const names[] = {"up",     "start failed", "loaded",  "piece",
                                        "done",   "bad output",   "exit",    "abort",
                                        "worked", "hold",         "release", "close"};
    if (s->tell) s->tell(names[e->kind], s->now, e->seat, e->generation, e->work);
    note(s, 200 + e->kind, s->now);
    note(s, e->seat << 16 | e->generation, e->work);
    switch ((event_kind)e->kind) {
    case EVENT_UP:
        on_up(s, e);
        break;
    case EVENT_START_FAILED:
        on_start_failed(s, e);
        break;
    case EVENT_LOADED:
    case EVENT_PIECE:
        on_piece(s, e);
        break;
    case EVENT_DONE:
        on_done(s, e);
        break;
    case EVENT_BAD_OUTPUT:
    case EVENT_ABORT:
        on_replace(s, e);
        break;
    case EVENT_EXIT:
        on_exit(s, e);
        break;
    case EVENT_WORKED:
        on_worked(s, e);
        break;
    case EVENT_HOLD:
    case EVENT_RELEASE:
        on_hold(s, e->kind == EVENT_HOLD);
        break;
    case EVENT_CLOSE:
        on_close(s);
        break;
    }
}

/* ---- the host -------------------------------------------------------------------------------- */

static void look_at_clock(sim *s, uint64_t planned_ns)
{
    if (s->manner == MANNER_ALL_COUNTS) planned_ns = UINT64_MAX;
    skep__super_time(s->machine, s->now, planned_ns);
    if (s->tell) s->tell("time", s->now, 0, 0, planned_ns);
    act_all(s);
    check_overdue(s);
}

/* Sets the timer where it has to be; what an earlier one has counted is told first. */
static void timer_set(sim *s)
{
    const uint64_t due = skep__super_due(s->machine);
    if (s->manner != MANNER_TIMER || due >= s->timer) return;
    if (s->timer != NEVER) look_at_clock(s, s->timer - s->armed);
    s->armed = s->now;
    s->timer = skep__super_due(s->machine);
}

/* A seat that pauses is looked at when its pause is over, and starts then. */
static void check_pauses(sim *s)
{
    const uint64_t due = skep__super_due(s->machine);
    for (uint32_t i = 1; i <= s->rules.seat_count && !s->closed; i++) {
        const witness *w = &s->seats[i];
        if (w->live || w->given_up || !w->generation || s->lazy) continue;
        RULE(s, s->now <= w->not_before && due <= w->not_before, "sleeps longer than a pause");
    }
}

static uint32_t event_first(const sim *s)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < s->event_count; i++) {
        if (s->events[i].at < s->events[first].at) first = i;
    }
    return first;
}

/* Sleeps until `until`, or longer. `planned_ns` is what deadlines may be charged for at most. */
static void sleep_until(sim *s, uint64_t until, uint64_t planned_ns)
{
    if (until > s->now) s->now = until;
    if (!chance(s, s->chances.jump)) return;
    const uint64_t jump = (1 + below(s, 1000)) * MS * (1 + below(s, 20) * below(s, 20));
    s->now += jump;
    s->slept += jump;
    s->slack += planned_ns + planned_ns / 4 + 2 * MS;
    s->seen->jumps++;
}

/* One sleep of a host and what it wakes for. */
static void host_turn(sim *s)
{
    timer_set(s);
    if (s->slept == 0) check_pauses(s);
    const uint32_t first = event_first(s);
    const uint64_t event_at = s->event_count ? s->events[first].at : NEVER;
    const bool timer = s->manner == MANNER_TIMER;
    const uint64_t due = timer ? s->timer : skep__super_due(s->machine);
    const uint64_t until = event_at < due ? event_at : due;
    if (until == NEVER) return;
    const uint64_t since = timer ? s->armed : s->now;
    const uint64_t planned_ns = due == NEVER ? 0 : due > since ? due - since : 0;
    sleep_until(s, until, planned_ns);
    const bool event_now = s->event_count && s->events[first].at <= s->now;
    if (event_now && (timer || chance(s, 512))) { /* before or after the clock */
        const event e = s->events[first];
        s->events[first] = s->events[--s->event_count];
        happen(s, &e);
        if (!s->lazy || chance(s, 512)) act_all(s);
    }
    if (!timer) {
        if (due != NEVER) look_at_clock(s, planned_ns);
    } else if (s->now >= s->timer && !(s->event_count && s->events[event_first(s)].at <= s->now)) {
        s->timer = NEVER;
        look_at_clock(s, planned_ns);
    }
}

/* ---- one seed -------------------------------------------------------------------------------- */

static void choose_rules(sim *s)
{
    static const uint64_t windows[] = {20 * MS, 300 * MS, 5000 * MS, UINT64_MAX};
    static const uint64_t starts[] = {0, 40 * MS, 150 * MS};
    static const uint64_t ticks[] = {0, 3 * MS, 100 * MS};
    static const uint64_t deadlines[] = {0, 2 * MS + 7, 12 * MS, 80 * MS};
    static const uint64_t budgets[] = {0, 1, 2, 5, 20};
    s->rules = skep__super_rules_default(1 + below(s, SEATS_MAX));
    s->rules.start_tries = 1 + below(s, 5);
    s->rules.restart_max = (uint32_t)one_of(s, budgets, 5);
    s->rules.restart_window_ns = one_of(s, windows, 4);
    s->rules.start_timeout_ns = one_of(s, starts, 3);
    s->rules.pause_ns = below(s, 12) * MS;
    s->rules.tick_max_ns = one_of(s, ticks, 3);
    s->deadline_ns = one_of(s, deadlines, 4);
    s->manner = (manner)below(s, 3);
    s->work_count = below(s, WORKS_MAX + 1);
}

static void choose_chances(sim *s)
{
    chances *c = &s->chances;
    c->start_fails = some(s, 600);
    c->start_exits = some(s, 300);
    c->start_hangs = some(s, 300);
    c->slow_start = some(s, 500);
    c->crash = some(s, 400);
    c->hang = some(s, 300);
    c->forge = some(s, 200);
    c->duplicate = some(s, 500);
    c->bad_output = some(s, 300);
    c->idle_crash = some(s, 200);
    c->load = some(s, 700);
    c->load_hangs = some(s, 200);
    c->pieces = some(s, 700);
    c->late = some(s, 500);
    c->abort = some(s, 200);
    c->jump = some(s, 60);
    c->final = some(s, 200);
    s->lazy = chance(s, 100);
}

static void begin(sim *s, uint64_t seed, supervise_sim_seen *seen, supervise_sim_tell *tell)
{
    memset(s, 0, sizeof *s);
    s->random = skep__hash_u64(seed);
    s->seen = seen;
    s->tell = tell;
    s->timer = NEVER;
    s->now = below(s, 1000) * MS;
    choose_rules(s);
    choose_chances(s);
    RULE(s, skep__supervisor_bytes(&s->rules) <= sizeof s->memory, "takes too much memory");
    if (s->wrong) return;
    s->machine = skep__supervisor_init(s->memory, &s->rules);
    skep__super_begin(s->machine, s->now);
    if (chance(s, 200)) {
        const uint64_t at = below(s, 40) * MS;
        plan_event(s, EVENT_HOLD, 1, 0, at);
        plan_event(s, EVENT_RELEASE, 1, 0, at + below(s, 300) * MS);
    }
    plan_event(s, EVENT_CLOSE, 1, 0, chance(s, 300) ? below(s, 60) * MS : 20000 * MS);
    act_all(s);
}

const char *supervise_sim_run(void *memory, uint64_t seed, uint64_t *digest,
                              supervise_sim_seen *seen, supervise_sim_tell *tell)
{
    sim *s = memory;
    begin(s, seed, seen, tell);
    uint32_t steps = 0;
    while (!s->wrong && (s->event_count || skep__super_due(s->machine) != NEVER)) {
        if (!s->closed && !s->broken) works_give(s);
        host_turn(s);
        if (s->settled == s->work_count && !s->closed && chance(s, 64)) {
            plan_event(s, EVENT_CLOSE, 1, 0, 0);
        }
        check_live(s);
        check_progress(s);
        RULE(s, ++steps < STEPS_MAX, "there is no end");
    }
    act_all(s);
    RULE(s, s->settled == s->work_count, "work was not settled");
    RULE(s, s->closed && !skep__super_live(s->machine), "close does not end");
    *digest = s->digest;
    return s->wrong;
}
