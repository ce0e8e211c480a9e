// SPDX-License-Identifier: MIT
// Deadlines of running tasks. Time is counted in ticks of at most a quarter of the deadline, and a
// tick that comes late counts little more than one that is on time: so neither a machine that
// slept, nor a process that was stopped, nor a caller that kept its own thread busy uses a job's
// time up, while a job that loops for ever always comes to its end. While Node's inspector is open
// nothing expires.

import { after, afterMessages, debuggerOpen } from './env.js';
import type { Task } from './task.js';

const TICK_MAX_MS = 100;
const TICK_MIN_MS = 1;

export class Watch {
  readonly #tasks = new Map<Task, () => void>();
  #stop: (() => void) | null = null;
  #armedAt = 0;
  #planned = 0;

  /** Begins to count a task's time; calls `expire` when it is used up, and `free` ms on top. */
  add(task: Task, expire: () => void, free = 0): void {
    if (!(task.deadlineMs > 0)) return;
    task.counted = -free;
    task.countedFrom = performance.now();
    this.#tasks.set(task, expire);
    const tick = this.#tickOf(task);
    if (!this.#stop) this.#arm(tick);
    else if (this.#armedAt + this.#planned > task.countedFrom + tick) this.#tick();
  }

  delete(task: Task): void {
    this.#tasks.delete(task);
  }

  /** Ends the timer. */
  end(): void {
    this.#tasks.clear();
    this.#stop?.();
    this.#stop = null;
  }

  #tickOf(task: Task): number {
    const left = Math.min(task.deadlineMs - task.counted, task.deadlineMs / 4, TICK_MAX_MS);
    return Math.max(TICK_MIN_MS, left);
  }

  #arm(ms: number): void {
    this.#stop?.();
    this.#armedAt = performance.now();
    this.#planned = ms;
    this.#stop = after(ms, () => this.#tick());
  }

  // An idle pool's timer ends at its first tick without tasks, and not with each task's end, so
  // that short jobs neither make nor clear timers.
  #tick(): void {
    const now = performance.now();
    const counts = this.#planned * 1.25 + 2;
    let next = TICK_MAX_MS;
    for (const [task, expire] of this.#tasks) {
      task.counted += Math.min(now - Math.max(task.countedFrom, this.#armedAt), counts);
      if (task.counted >= task.deadlineMs) this.#expire(task, expire);
      next = Math.min(next, this.#tickOf(task));
    }
    this.#stop?.();
    this.#stop = null;
    if (this.#tasks.size) this.#arm(next);
  }

  // A result that has arrived, but was not delivered because this thread was busy, still counts.
  #expire(task: Task, expire: () => void): void {
    if (debuggerOpen()) {
      task.counted = 0;
      return;
    }
    afterMessages(() => {
      if (this.#tasks.get(task) === expire && this.#tasks.delete(task)) expire();
    });
  }
}
