/* SPDX-License-Identifier: MIT */
/* Children: who sits where, who is lost, who comes next. What is to be done is decided by the
 * machine of core/supervise; here it is told what happened, and what it says is done to the
 * spawner's children.
 *
 * A worker is a seat, a child lives in a slot; there are more slots than seats, so that a child is
 * ready when another is lost (forking takes longer than all the rest), and the lost one's memory
 * may wait until it is surely gone. A seat's START takes a ready child at once and asks for the
 * next one, which comes while the batch goes on.
 *
 * The machine is told of runs late: only when the caller has spun for a while without a result.
 * What ends before costs no look at the clock, and cannot have been too long. A child that was lost
 * before that is reported as given and ended in one. */
#include "pool/pool_processes.h"

#include "core/base/log.h"

/* Between two tries to have a spare child, after one that failed. */
#define SPARE_PAUSE_NS 100000000u

/* However long nothing is due, one looks whether the spawner still lives. */
#define SLEEP_MAX_NS 100000000u

/* What lies beside a child's output, if it can be known. */
#define GUARD_BYTES ((uint64_t)1 << 20)

/* ---- slots and seats ------------------------------------------------------------------------ */

/* Asks for a child. False: the spawner is gone. */
static bool slot_fork(skep__procs_pool *p, uint32_t slot)
{
    skep__procs_slot *s = &p->slots[slot];
    skep__procs_own *own = s->own;
    atomic_store(&own->done, 0);
    atomic_store(&own->odd, 0);
    atomic_store(&own->asleep, 0);
    atomic_store(&own->up, 0);
    atomic_store(&own->claim, 0);
    atomic_store(&own->at, 0);
    atomic_store(&own->at_begin, 0);
    atomic_store(&own->output, 0);
    memset(&own->trap, 0, sizeof own->trap);
    /* What the one before has filled beside the usual window is given back. */
    skep__port_shared_drop((void *)(uintptr_t)s->output, p->output_bytes - SKEP__PROCS_WINDOW);
    skep__procs_order_fill(p, s);
    s->modules = p->modules;
    if (!skep__port_child_fork(p->spawner, slot)) return false;
    s->state = SKEP__PROCS_FORKING;
    return true;
}

/* Puts ready children on seats that wait for one. */
static void seats_fill(skep__procs_pool *p)
{
    uint32_t seat = 1;
    for (uint32_t i = 0; i < p->slot_count; i++) {
        skep__procs_slot *slot = &p->slots[i];
        if (slot->state != SKEP__PROCS_READY) continue;
        while (seat <= p->worker_count && !p->seats[seat].waits) seat++;
        if (seat > p->worker_count) return;
        skep__procs_seat *s = &p->seats[seat];
        slot->state = SKEP__PROCS_SEATED;
        slot->seat = seat;
        s->slot = i;
        s->waits = false;
        s->killed = false;
        s->worked = false;
        /* Workers without a core of their own would take one from the others, or from the host. */
        atomic_store(&slot->order->spin, seat < p->cores ? p->spin : p->spin / 16);
        (void)skep__super_up(p->super, seat, s->generation, p->now_ns);
        if (s->empty_at && p->ring) {
            s->traced = skep__trace_end(p->ring, SKEP__TRACE_RESPAWN, s->empty_at, seat);
        }
        s->empty_at = 0;
    }
}

void skep__procs_fork(skep__procs_pool *p)
{
    p->forks_due = false;
    if (p->broken) return;
    uint32_t want = p->now_ns >= p->fork_ns ? 1 : 0;
    for (uint32_t seat = 1; seat <= p->worker_count; seat++) want += p->seats[seat].waits;
    for (uint32_t i = 0; i < p->slot_count; i++) {
        const skep__procs_slot_state state = p->slots[i].state;
        if (state == SKEP__PROCS_FORKING || state == SKEP__PROCS_READY) want -= want ? 1 : 0;
    }
    for (uint32_t i = 0; i < p->slot_count && want; i++) {
        if (p->slots[i].state != SKEP__PROCS_FREE) continue;
        if (!slot_fork(p, i)) return;
        want--;
    }
}

/* Ends a child that sits nowhere. */
static void slot_end(skep__procs_pool *p, uint32_t slot)
{
    skep__port_child_kill(p->spawner, slot);
    p->slots[slot].state = SKEP__PROCS_ENDING;
}

/* ---- what the supervisor says --------------------------------------------------------------- */

static void do_kill(skep__procs_pool *p, const skep__super_action *action)
{
    skep__procs_seat *s = &p->seats[action->seat];
    if (s->slot != SKEP__PROCS_NONE) {
        s->killed = true;
        s->kill_cause = skep__u8(action->cause);
        skep__port_child_kill(p->spawner, s->slot);
        return;
    }
    /* It never got a child: one that is being forked, if any, takes too long. */
    s->waits = false;
    for (uint32_t i = 0; i < p->slot_count; i++) {
        if (p->slots[i].state != SKEP__PROCS_FORKING) continue;
        slot_end(p, i);
        break;
    }
    skep__super_exited(p->super, action->seat, action->generation, p->now_ns);
}

static void do_break(skep__procs_pool *p, uint32_t cause)
{
    p->broken = true;
    for (uint32_t i = 0; i < p->slot_count; i++) {
        const skep__procs_slot_state state = p->slots[i].state;
        if (state == SKEP__PROCS_READY || state == SKEP__PROCS_FORKING) slot_end(p, i);
    }
    if (cause == SKEP__SUPER_BUDGET) {
        skep__logf(&p->log, SKEP_LOG_ERROR,
                   "processes: the pool has failed: more than restart_max, %u, workers were "
                   "replaced within a minute; mend or disable the jobs that the faults name, or "
                   "raise restart_max (--restart-budget)",
                   p->restart_max);
    } else {
        skep__logf(&p->log, SKEP_LOG_ERROR,
                   "processes: the pool has failed: no worker could be "
                   "started%s%s",
                   p->why[0] ? ": " : "", p->why);
    }
}

/* Does what the machine says, until it says nothing more. */
static void supervisor_obey(skep__procs_pool *p)
{
    skep__super_action action;
    while (skep__super_next(p->super, &action)) {
        skep__procs_seat *s = &p->seats[action.seat];
        switch (action.kind) {
        case SKEP__SUPER_START:
            s->generation = action.generation;
            s->waits = true;
            seats_fill(p);
            break;
        case SKEP__SUPER_KILL:
            do_kill(p, &action);
            break;
        case SKEP__SUPER_GIVE_UP:
            s->waits = false;
            break;
        case SKEP__SUPER_BROKEN:
            do_break(p, action.cause);
            break;
        default: /* LOST: what becomes of its work is settled when its child is surely gone */
            break;
        }
    }
    p->forks_due = true;
}

void skep__procs_replace(skep__procs_pool *p, uint32_t seat, skep__super_cause cause)
{
    skep__procs_seat *s = &p->seats[seat];
    if (s->run && !s->given) {
        s->given = skep__super_give(p->super, seat, s->run, 0, false, p->now_ns);
    }
    skep__super_replace(p->super, seat, s->generation, cause, p->now_ns);
    supervisor_obey(p);
}

/* ---- ends ----------------------------------------------------------------------------------- */

/* What lies at an address that a child touched; NULL: who knows. */
static const char *address_text(const skep__procs_pool *p, const skep__procs_own *own,
                                uint64_t address)
{
    const uint64_t base = (uint64_t)(uintptr_t)p->region.base;
    const uint64_t output = atomic_load(&own->output);
    if (address >= base && address - base < p->region.bytes_max) {
        return "its snapshot, which jobs may only read";
    }
    if (!output) return NULL;
    const uint64_t end = output + p->output_bytes;
    if (address >= end && address - end < GUARD_BYTES) return "past the end of its output";
    if (address < output && output - address <= GUARD_BYTES) return "before its output";
    return NULL;
}

/* Says why a child is gone. */
static const char *end_text(const skep__procs_pool *p, const skep__procs_seat *s, int how,
                            char *out, size_t max)
{
    const skep__procs_own *own = p->slots[s->slot].own;
    if (s->lie) {
        (void)skep__format(out, max, "the worker lied, and was ended: %s", s->lie);
    } else if (s->killed && s->kill_cause == SKEP__SUPER_DEADLINE) {
        return "deadline: the job took too long";
    } else if (s->killed) {
        return "the worker was ended";
    } else {
        skep__port_child_trap trap;
        memset(&trap, 0, sizeof trap);
        trap.address = own->trap.address;
        trap.syscall = own->trap.syscall;
        trap.access = own->trap.access;
        atomic_store(&trap.signal, atomic_load(&own->trap.signal));
        return skep__port_child_end_text(how, &trap, address_text(p, own, trap.address), out, max);
    }
    return out;
}

/* The child of a seat is gone: first what it had is settled, then somebody else may come. */
static void seat_ended(skep__procs_pool *p, uint32_t seat, int how)
{
    skep__procs_seat *s = &p->seats[seat];
    char text[SKEP__PROCS_CAUSE_BYTES];
    const bool killed = s->killed;
    s->killed = true; /* nothing more is given to it */
    if (s->run && !s->lie) (void)skep__procs_collect_seat(p, seat);
    s->killed = killed;
    const char *cause = end_text(p, s, how, text, sizeof text);
    if (s->run && !s->given) (void)skep__super_give(p->super, seat, s->run, 0, false, p->now_ns);
    if (p->ring && p->traced) s->empty_at = skep__trace_begin(p->ring);
    skep__super_exited(p->super, seat, s->generation, p->now_ns);
    skep__procs_settle(p, seat, cause);
    p->slots[s->slot].state = SKEP__PROCS_FREE;
    s->slot = SKEP__PROCS_NONE;
    s->lie = NULL;
    s->killed = false;
}

/* A child says that a signal is its end. It takes a while to be gone, and nothing that it can still
 * do counts: so it is as good as gone, and its memory is used again only when it is. Should it have
 * lied, it is ended here. */
static void seat_dies(skep__procs_pool *p, uint32_t seat, uint32_t signal)
{
    const uint32_t slot = p->seats[seat].slot;
    seat_ended(p, seat, (int)(signal & 0x7fu));
    slot_end(p, slot);
}

/* A child that never was up. */
static void start_failed(skep__procs_pool *p, uint32_t slot, skep__port_child_state state, int how)
{
    p->slots[slot].state = SKEP__PROCS_FREE;
    if (state == SKEP__CHILD_FAILED) {
        (void)skep__format(p->why, sizeof p->why, "the system has no process left (ulimit -u)");
    } else {
        (void)skep__port_child_end_text(how, NULL, NULL, p->why, sizeof p->why);
    }
    p->fork_ns = p->now_ns + SPARE_PAUSE_NS;
    for (uint32_t seat = 1; seat <= p->worker_count; seat++) {
        skep__procs_seat *s = &p->seats[seat];
        if (!s->waits) continue;
        s->waits = false;
        if (skep__super_seat(p->super, seat) == SKEP__SEAT_STARTING) {
            skep__super_start_failed(p->super, seat, s->generation, false, p->now_ns);
        } else { /* the one before was ended for a newer module */
            skep__super_exited(p->super, seat, s->generation, p->now_ns);
        }
        return;
    }
}

/* ---- looking -------------------------------------------------------------------------------- */

static void slot_look(skep__procs_pool *p, uint32_t i)
{
    skep__procs_slot *slot = &p->slots[i];
    uint32_t generation = 0;
    int how = 0;
    if (slot->state == SKEP__PROCS_FREE) return;
    const skep__port_child_state state = skep__port_child_look(p->spawner, i, &generation, &how);
    const bool ended = state == SKEP__CHILD_ENDED || state == SKEP__CHILD_FAILED;
    if (slot->state == SKEP__PROCS_FORKING) {
        if (ended) {
            start_failed(p, i, state, how);
        } else if (state == SKEP__CHILD_LIVES && atomic_load(&slot->own->up)) {
            slot->state = SKEP__PROCS_READY;
        }
        return;
    }
    if (slot->state == SKEP__PROCS_SEATED && state == SKEP__CHILD_LIVES) {
        const uint32_t signal = atomic_load(&slot->own->trap.signal);
        if (SKEP_UNLIKELY(signal)) seat_dies(p, slot->seat, signal);
        return;
    }
    if (!ended) return;
    if (slot->state == SKEP__PROCS_SEATED) {
        seat_ended(p, slot->seat, how);
    } else {
        slot->state = SKEP__PROCS_FREE;
    }
}

static void slots_look(skep__procs_pool *p)
{
    p->bell_seen = atomic_load(p->bell);
    for (uint32_t i = 0; i < p->slot_count; i++) slot_look(p, i);
    seats_fill(p);
    supervisor_obey(p);
}

void skep__procs_look(skep__procs_pool *p)
{
    if (SKEP_UNLIKELY(!p->spawner)) return;
    if (SKEP_LIKELY(atomic_load_explicit(p->bell, memory_order_acquire) == p->bell_seen)) return;
    p->now_ns = skep__port_clock_ns();
    slots_look(p);
}

/* Tells the machine of runs, and how far they are. A child may claim progress, but no more often
 * than it has tasks. */
static void seat_tell(skep__procs_pool *p, uint32_t seat)
{
    skep__procs_seat *s = &p->seats[seat];
    if (s->killed) return;
    const uint64_t at = atomic_load_explicit(&p->slots[s->slot].own->at, memory_order_relaxed);
    const bool on = at >> 32 == s->run && at > s->at_seen && (uint32_t)at < s->published;
    if (on) s->at_seen = at;
    if (!s->given) {
        const uint64_t deadline_ns = p->batch->deadline_ns;
        s->given = skep__super_give(p->super, seat, s->run, deadline_ns, false, p->now_ns);
    } else if (on) {
        skep__super_progress(p->super, seat, s->generation, p->now_ns);
    }
}

/* The spawner is gone, or is ended here since it answers no more, and with it its children: they
 * die with it, and could write to nothing that counts if they did not. Another one takes its place.
 */
static void spawner_replace(skep__procs_pool *p)
{
    skep__logf(&p->log, SKEP_LOG_ERROR,
               "processes: the workers' parent was ended from outside; "
               "starting another one");
    for (uint32_t i = 0; i < p->slot_count; i++) {
        skep__procs_slot *slot = &p->slots[i];
        if (slot->state == SKEP__PROCS_SEATED) {
            p->seats[slot->seat].killed = true;
            p->seats[slot->seat].kill_cause = SKEP__SUPER_ABORTED;
            seat_ended(p, slot->seat, 0);
        }
        slot->state = SKEP__PROCS_FREE;
    }
    skep__port_spawner_close(p->spawner);
    p->spawner = NULL;
    if (skep__procs_open(p) == SKEP_OK) {
        supervisor_obey(p);
        return;
    }
    p->broken = true;
}

bool skep__procs_revive(skep__procs_pool *p)
{
    if (!p->spawner || skep__port_spawner_lives(p->spawner)) return false;
    p->now_ns = skep__port_clock_ns();
    spawner_replace(p);
    return p->spawner != NULL;
}

void skep__procs_tick(skep__procs_pool *p, uint64_t now_ns)
{
    p->now_ns = now_ns;
    if (!p->spawner) return;
    for (uint32_t i = 0; i < p->busy_count; i++) seat_tell(p, p->busy[i]);
    /* After each sleep, since what was planned for the next says nothing of this one. */
    const bool due = skep__super_due(p->super) <= now_ns;
    if (due && p->batch && p->batch->deadline_ns) skep__super_hold(p->super, skep__port_traced());
    if (due || p->planned_ns) skep__super_time(p->super, now_ns, p->planned_ns);
    p->planned_ns = 0;
    if (now_ns - p->lives_ns > SLEEP_MAX_NS) {
        p->lives_ns = now_ns;
        if (!skep__port_spawner_lives(p->spawner)) {
            spawner_replace(p);
            if (!p->spawner) return;
        }
    }
    slots_look(p);
    skep__procs_fork(p);
}

/* ---- sleeping ------------------------------------------------------------------------------- */

/* The host wants to be woken at the end of all that the child knows: nothing is taken before. While
 * all may still be done at about the same time the last one is early enough. Whoever else rings
 * wakes the host in any case, and then all is counted anew. */
static void alarm_set(const skep__procs_pool *p, uint32_t seat)
{
    const skep__procs_seat *s = &p->seats[seat];
    skep__procs_order *order = p->slots[s->slot].order;
    const bool early = p->now_ns < p->early_ns && s->published == s->end;
    const uint32_t rung = early ? p->bell_seen + p->busy_count : 0;
    atomic_store_explicit(&order->rung, rung, memory_order_relaxed);
    atomic_store_explicit(&order->cpu, skep__port_cpu_current(), memory_order_relaxed);
    atomic_store(&order->alarm, skep__procs_word(s->run, s->published));
}

static bool alarm_due(const skep__procs_pool *p, uint32_t seat)
{
    const skep__procs_seat *s = &p->seats[seat];
    const uint64_t done = atomic_load(&p->slots[s->slot].own->done);
    const uint64_t alarm =
        atomic_load_explicit(&p->slots[s->slot].order->alarm, memory_order_relaxed);
    return done >> 32 == s->run && done >= alarm;
}

void skep__procs_sleep(skep__procs_pool *p, uint64_t until)
{
    bool due = false;
    uint64_t limit = p->now_ns + SLEEP_MAX_NS;
    if (!p->spawner) return;
    const uint64_t super = skep__super_due(p->super);
    if (super < limit) limit = super;
    if (until < limit) limit = until;
    if (p->now_ns < p->early_ns && p->early_ns < limit) limit = p->early_ns;
    for (uint32_t i = 0; i < p->busy_count; i++) alarm_set(p, p->busy[i]);
    for (uint32_t i = 0; i < p->busy_count; i++) due |= alarm_due(p, p->busy[i]);
    if (!due && limit > p->now_ns) {
        p->planned_ns = limit - p->now_ns;
        (void)skep__port_shared_wait(p->bell, p->bell_seen, p->planned_ns);
    }
    for (uint32_t i = 0; i < p->busy_count; i++) {
        atomic_store_explicit(&p->slots[p->seats[p->busy[i]].slot].order->alarm, 0,
                              memory_order_relaxed);
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

skep_status skep__procs_open(skep__procs_pool *p)
{
    const size_t page = skep__port_page_bytes();
    char text[256] = "";
    skep__port_spawner_desc d = {.processes = p->processes,
                                 .region = &p->region,
                                 .order_bytes = skep__align(sizeof(skep__procs_order), page),
                                 .own_bytes =
                                     skep__align(p->scratch_offset + p->scratch_bytes, page),
                                 .output_bytes = p->output_bytes,
                                 .trap_offset = offsetof(skep__procs_own, trap),
                                 .child_max = p->slot_count,
                                 .child_main = skep__procs_child_main};
    bool loaded = false;
    const void *clock = NULL;
    memcpy(&clock, &p->clock, sizeof clock);
    skep_status status = skep__port_spawner_open(&d, &p->spawner, text, sizeof text);
    if (status == SKEP_OK) {
        const void *at = skep__port_spawner_address(p->spawner, clock, &loaded, text, sizeof text);
        p->clock_address = (uint64_t)(uintptr_t)at;
        if (!at) status = SKEP_UNSUPPORTED;
    }
    if (status != SKEP_OK) {
        skep__logf(&p->log, SKEP_LOG_ERROR, "processes: no workers: %s",
                   text[0] ? text : skep_status_text(status));
        skep__port_spawner_close(p->spawner);
        p->spawner = NULL;
        return status;
    }
    p->bell = skep__port_spawner_bell(p->spawner);
    p->bell_seen = atomic_load(p->bell);
    for (uint32_t i = 0; i < p->slot_count; i++) {
        const skep__port_child_memory memory = skep__port_child_memory_of(p->spawner, i);
        p->slots[i].order = memory.order;
        p->slots[i].own = memory.own;
        p->slots[i].output = memory.output;
        p->slots[i].state = SKEP__PROCS_FREE;
    }
    /* What children know is another spawner's. */
    p->list_count = 0;
    p->known_count = 0;
    p->lives_ns = p->now_ns;
    return SKEP_OK;
}

void skep__procs_renew(skep__procs_pool *p)
{
    SKEP_ASSERT(!p->busy_count);
    for (uint32_t i = 0; i < p->slot_count; i++) {
        skep__procs_slot *slot = &p->slots[i];
        if (slot->state == SKEP__PROCS_FREE || slot->state == SKEP__PROCS_ENDING) continue;
        if (slot->modules == p->modules) continue;
        if (slot->state == SKEP__PROCS_SEATED) {
            skep__procs_seat *s = &p->seats[slot->seat];
            if (s->killed) continue; /* it is on its way out */
            s->slot = SKEP__PROCS_NONE;
            s->waits = true;
        }
        slot_end(p, i);
    }
    skep__procs_fork(p);
}

void skep__procs_close(skep__procs_pool *p)
{
    skep__port_spawner_close(p->spawner);
    p->spawner = NULL;
}
