// SPDX-License-Identifier: MIT
// What a pool does for its supervisor: tells it the time, and does what it wants. One timer is set
// where the machine has something to count; a tick that comes late counts little more than one that
// is on time, so neither a machine that slept, nor a process that was stopped, nor a caller that
// kept its own thread busy uses a job's time up. While Node's inspector is open nothing expires.

import { after, afterMessages, debuggerOpen } from './env.js';
import { DO, makeSupervisor, type Supervisor, type SupervisorRules } from './supervisor.js';

/** What the machine wants of a pool; see skep__super_do. */
export interface Kept {
  start(seat: number, generation: number): void;
  /** Ends the worker; then the machine is told that it is gone. */
  kill(seat: number, cause: number): void;
  lost(seat: number, work: number, cause: number): void;
  giveUp(seat: number, cause: number): void;
  broken(cause: number): void;
}

/** Nanoseconds of the machine's clock in a millisecond. */
export const MS = 1e6;
const TICK_MIN_MS = 1;

/** The machine's rules where a pool says nothing. */
export const RULES: Omit<SupervisorRules, 'seats'> = {
  startTries: 5,
  restartMax: 0,
  restartWindowNs: 60_000 * MS,
  startTimeoutNs: 0,
  pauseNs: 10 * MS,
  tickMaxNs: 100 * MS,
};

/** Now, by the machine's clock. */
export function nowNs(): number {
  return performance.now() * MS;
}

/** Milliseconds that may be no limit at all, as the machine takes them. */
export function limitNs(ms: number): number {
  return ms > 0 ? ms * MS : 0;
}

export class Keeper {
  readonly machine: Supervisor;
  readonly #kept: Kept;
  #stop: (() => void) | null = null;
  /** What the timer is set for; -Infinity: it has gone off, and messages come first. */
  #dueNs = Infinity;
  /** And when it should go off, from its setting on. */
  #plannedNs = 0;
  #ended = false;

  constructor(rules: SupervisorRules, kept: Kept) {
    this.machine = makeSupervisor(rules);
    this.#kept = kept;
  }

  /** Does what the machine wants, after it was told something. */
  act(): void {
    const { machine } = this;
    const kept = this.#kept;
    for (let what = machine.next(); what && !this.#ended; what = machine.next()) {
      const seat = machine.actionSeat();
      const cause = machine.actionCause();
      if (what === DO.start) kept.start(seat, machine.actionGeneration());
      else if (what === DO.kill) kept.kill(seat, cause);
      else if (what === DO.lost) kept.lost(seat, machine.actionWork(), cause);
      else if (what === DO.giveUp) kept.giveUp(seat, cause);
      else kept.broken(cause);
    }
    this.#arm();
  }

  /** Nothing is started, ended or told any more. */
  end(): void {
    this.#ended = true;
    this.#stop?.();
    this.#stop = null;
    this.machine.close(nowNs());
  }

  // An idle pool's timer ends at its first tick without tasks, and not with each task's end, so
  // that short jobs neither make nor clear timers.
  #arm(): void {
    if (this.#ended || this.machine.due() >= this.#dueNs) return;
    const now = nowNs();
    if (this.#stop) {
      if (now >= this.#dueNs) return; // it is about to go off
      this.#stop();
      this.machine.time(now, this.#plannedNs); // too early for anything to expire
    }
    this.#dueNs = this.machine.due();
    const ms = Math.max(TICK_MIN_MS, (this.#dueNs - now) / MS);
    this.#plannedNs = ms * MS;
    this.#stop = after(ms, () => this.#tick());
  }

  // A result that has arrived, but was not delivered because this thread was busy, still counts.
  #tick(): void {
    const now = nowNs();
    this.#stop = null;
    this.#dueNs = -Infinity;
    afterMessages(() => {
      this.#dueNs = Infinity;
      if (this.#ended) return;
      this.machine.hold(debuggerOpen() ? 1 : 0);
      this.machine.time(now, this.#plannedNs);
      this.act();
    });
  }
}
