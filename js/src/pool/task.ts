// SPDX-License-Identifier: MIT
// One call of a job, from `run` to the settling of its promise, and the queue that it waits in:
// higher priority first, first in first out within one. A task settles once; whoever comes second
// (a result after an abort, say) is not heard.

import type { Timed } from '../core/tracer.js';
import type { AnyJob } from '../job.js';
import type { JobAddress } from './protocol.js';

/** How a call is to be made. */
export interface RunOptions {
  /** Aborting takes it from the queue, or ends and replaces the worker that runs it. */
  signal?: AbortSignal | undefined;
  /** Milliseconds that the job may run, loading excluded; 0: any time. */
  deadlineMs?: number | undefined;
  /** Buffers that move into the worker instead of being copied. Such a call is not tried again
   * when its worker is lost, because its input is gone. */
  transfer?: readonly Transferable[] | undefined;
  /** Higher ones run first; 0 by default. */
  priority?: number | undefined;
  /** Not tried again when its worker is lost: the caller does that. @internal */
  once?: boolean | undefined;
  /** Gets when and where it ran. @internal */
  timed?: Timed | undefined;
}

/** A pool's numbers. */
export interface PoolLimits {
  readonly size: number;
  readonly queueMax: number;
  readonly deadlineMs: number;
  readonly startTimeoutMs: number;
  /** 0: any number. */
  readonly restartBudget: number;
}

export interface Task {
  readonly id: number;
  readonly address: JobAddress;
  /** The job itself, where the caller had it. */
  readonly job: AnyJob | undefined;
  readonly columns: boolean;
  /** Of columns a function that cuts the rows out anew for each try. */
  readonly input: unknown;
  readonly transfer: readonly Transferable[] | undefined;
  readonly priority: number;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  readonly once: boolean | undefined;
  readonly timed: Timed | undefined;
  /** Workers that were lost while they ran it. */
  losses: number;
  /** Its place in the queue's heap, -1 outside. */
  place: number;
  settled: boolean;
  /** Takes the task from where it is: set by who has it. */
  cancel: ((reason: unknown) => void) | undefined;
  /** Ends the task, once; later calls do nothing. */
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

function before(a: Task, b: Task): boolean {
  return a.priority !== b.priority ? a.priority > b.priority : a.id < b.id;
}

/** A binary heap that can also give up a task from its middle. */
export class TaskQueue {
  readonly #heap: Task[] = [];

  get length(): number {
    return this.#heap.length;
  }

  peek(): Task | undefined {
    return this.#heap[0];
  }

  push(task: Task): void {
    this.#put(task, this.#heap.length);
    this.#up(task);
  }

  pop(): Task | undefined {
    const first = this.#heap[0];
    if (first) this.remove(first);
    return first;
  }

  remove(task: Task): void {
    const { place } = task;
    if (place < 0 || this.#heap[place] !== task) return;
    task.place = -1;
    const last = this.#heap.pop()!;
    if (last === task) return;
    this.#put(last, place);
    this.#up(last);
    this.#down(last);
  }

  /** Empties the queue, in its order. */
  takeAll(): Task[] {
    const all: Task[] = [];
    for (let task = this.pop(); task; task = this.pop()) all.push(task);
    return all;
  }

  #put(task: Task, place: number): void {
    this.#heap[place] = task;
    task.place = place;
  }

  #up(task: Task): void {
    for (let at = task.place; at > 0;) {
      const parent = (at - 1) >> 1;
      const above = this.#heap[parent]!;
      if (!before(task, above)) return;
      this.#put(above, at);
      this.#put(task, parent);
      at = parent;
    }
  }

  #down(task: Task): void {
    for (let at = task.place; ;) {
      let child = 2 * at + 1;
      if (child >= this.#heap.length) return;
      const right = this.#heap[child + 1];
      if (right && before(right, this.#heap[child]!)) child++;
      const below = this.#heap[child]!;
      if (!before(below, task)) return;
      this.#put(below, at);
      this.#put(task, child);
      at = child;
    }
  }
}
