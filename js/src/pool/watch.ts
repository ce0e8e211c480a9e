// SPDX-License-Identifier: MIT
// Deadlines where there is no worker whose life a pool keeps: of jobs in process, of workers that
// know nothing of skep, and of the tasks that wasm gives out itself. Each runs on a seat of a
// supervisor whose worker is there at once again when its time is over.

import { Keeper, MS, RULES, limitNs, nowNs } from './keeper.js';
import { DO, SEAT, makeSupervisor, type Supervisor } from './supervisor.js';
import type { Task } from './task.js';

/** The deadlines of a pool's tasks. */
export class Watch {
  readonly #seats: number;
  readonly #free: number[] = [];
  readonly #taken = new Map<Task, number>();
  readonly #expire: ((() => void) | null)[] = [];
  #keeper: Keeper | null = null;

  /** For at most so many tasks at a time. */
  constructor(seats: number) {
    this.#seats = seats;
  }

  /** Begins to count a task's time; calls `expire` when it is used up, and `free` ms on top. */
  add(task: Task, expire: () => void, free = 0): void {
    if (!(task.deadlineMs > 0)) return;
    const keeper = (this.#keeper ??= this.#open());
    const seat = this.#free.pop()!;
    this.#taken.set(task, seat);
    this.#expire[seat] = expire;
    keeper.machine.give(seat, task.id, limitNs(task.deadlineMs + free), 0, nowNs());
    keeper.act();
  }

  delete(task: Task): void {
    const seat = this.#taken.get(task);
    if (seat === undefined || !this.#keeper) return;
    const { machine } = this.#keeper;
    this.#taken.delete(task);
    this.#expire[seat] = null;
    this.#free.push(seat);
    machine.done(seat, machine.generation(seat), task.id, nowNs());
  }

  /** Ends the timer. */
  end(): void {
    this.#keeper?.end();
    this.#taken.clear();
  }

  #open(): Keeper {
    const keeper = new Keeper(
      { ...RULES, seats: this.#seats },
      {
        start: (seat, generation) => {
          keeper.machine.up(seat, generation, nowNs());
          this.#free.push(seat);
          // Only now: what is told may begin the next task, which needs a seat.
          const expire = this.#expire[seat];
          if (!expire) return;
          this.#expire[seat] = null;
          for (const [task, at] of this.#taken) if (at === seat) this.#taken.delete(task);
          expire();
        },
        kill: seat => keeper.machine.exited(seat, keeper.machine.generation(seat), nowNs()),
        lost: () => {},
        giveUp: () => {},
        broken: () => {},
      },
    );
    keeper.machine.begin(nowNs());
    keeper.act();
    return keeper;
  }
}

/** The deadlines of what workers are seen at, by somebody who looks at all of them every now and
 * then. A look that comes late, because the machine slept or this thread was busy, counts little
 * more than one that is on time. */
export class Looks {
  readonly #machine: Supervisor;
  /** The number of what each worker was last seen at. */
  readonly #work: number[] = [];

  constructor(seats: number) {
    this.#machine = makeSupervisor({ ...RULES, seats });
    this.#machine.begin(nowNs());
    this.#act();
  }

  /** A worker is at something that may take so long, and was not before. */
  begin(seat: number, limitMs: number): void {
    const work = (this.#work[seat] = (this.#work[seat] ?? 0) + 1);
    this.#machine.give(seat, work, limitNs(limitMs), 0, nowNs());
  }

  /** Whether a worker's time is counted. */
  counts(seat: number): boolean {
    return this.#machine.seat(seat) === SEAT.busy;
  }

  /** It is at it no more. */
  end(seat: number): void {
    const machine = this.#machine;
    if (machine.seat(seat) !== SEAT.busy) return;
    machine.done(seat, machine.generation(seat), this.#work[seat]!, nowNs());
  }

  /** The time goes on; `everyMs` is what should have passed since the last look. Returns whose time
   * is over. */
  look(everyMs: number): number[] {
    this.#machine.time(nowNs(), everyMs * MS);
    return this.#act();
  }

  #act(): number[] {
    const machine = this.#machine;
    const over: number[] = [];
    for (let what = machine.next(); what; what = machine.next()) {
      const seat = machine.actionSeat();
      if (what === DO.lost) over.push(seat);
      else if (what === DO.start) machine.up(seat, machine.actionGeneration(), nowNs());
      else if (what === DO.kill) machine.exited(seat, machine.actionGeneration(), nowNs());
    }
    return over;
  }
}
