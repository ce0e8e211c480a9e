// SPDX-License-Identifier: MIT
// The notes' browserWorkers: a map from names to factories of workers that get the bare input by
// postMessage and answer with the bare result. One worker a name is made at the start and kept;
// while all of a name are busy and more is queued, further ones up to the pool's size. An error
// event is the job's failure, and its worker is replaced, since what it would answer later could
// not be told from the next job's result.

import type { Timed } from '../core/tracer.js';
import { SkepError } from '../errors.js';
import { Dispatcher, detailsOf, type Lane } from './dispatch.js';
import { jobFault, toError } from './faults.js';
import { makeLink, type Link } from './link.js';
import type { PoolLimits, Task } from './task.js';
import type { Watch } from './watch.js';

export type WorkerFactories = Readonly<Record<string, () => unknown>>;

class RawLane implements Lane {
  readonly slot: number;
  readonly up = true;
  task: Task | null = null;
  readonly group: RawGroup;
  #link: Link | null = null;
  #answered = false; // loading is over

  constructor(group: RawGroup, slot: number) {
    this.group = group;
    this.slot = slot;
  }

  /** Makes the worker if there is none; throws what the factory throws. */
  open(): Link {
    if (this.#link) return this.#link;
    const link: Link = makeLink(this.group.make(), {
      message: value => this.#answer(value),
      lost: cause => this.#lost(cause),
    });
    this.#link = link;
    this.#answered = false;
    return link;
  }

  begin(task: Task): void {
    let link: Link;
    try {
      link = this.open();
    } catch (error) {
      const fault = jobFault('load', detailsOf(task, this.slot), error);
      return queueMicrotask(() => this.#settle(() => task.reject(fault)));
    }
    const { timed } = task;
    if (timed) {
      timed.thread = this.group.thread;
      timed.began = performance.now();
    }
    link.post(task.input, task.transfer);
    const free = this.#answered ? 0 : this.group.startTimeoutMs;
    this.group.watch.add(task, () => this.#expire(task), free);
  }

  over(task: Task): void {
    this.group.watch.delete(task);
  }

  stop(_cause: Error, task: Task): void {
    this.over(task);
    this.end();
  }

  end(): void {
    void this.#link?.end();
    this.#link = null;
  }

  #expire(task: Task): void {
    this.end();
    this.group.dispatcher.expire(this, task);
  }

  #answer(value: unknown): void {
    const task = this.task;
    this.#answered = true;
    if (task?.timed) this.group.time(task.timed);
    if (task) this.#settle(() => task.resolve(value));
  }

  #lost(cause: Error): void {
    const task = this.task;
    this.end();
    this.group.failed(cause);
    if (task) {
      const fault = jobFault('job', detailsOf(task, this.slot), toError(cause));
      this.#settle(() => task.reject(fault));
    }
  }

  #settle(settle: () => void): void {
    const task = this.task;
    if (task) this.group.dispatcher.done(this, task, settle);
  }
}

/** The workers of one name. */
export class RawGroup {
  readonly dispatcher: Dispatcher;
  readonly make: () => unknown;
  readonly startTimeoutMs: number;
  readonly watch: Watch;
  /** Its row in a trace, */
  readonly thread: number;
  /** and until when there is something on it. */
  #ended = 0;
  /** Told when a worker failed. */
  failed: (cause: Error) => void = () => {};
  readonly #lanes: readonly RawLane[];

  constructor(make: () => unknown, limits: PoolLimits, watch: Watch, thread: number) {
    this.make = make;
    this.thread = thread;
    this.startTimeoutMs = limits.startTimeoutMs;
    this.#lanes = Array.from({ length: limits.size }, (_, i) => new RawLane(this, i + 1));
    this.watch = watch;
    this.dispatcher = new Dispatcher(this.#lanes, limits.queueMax);
  }

  /** Says when a job has ended, as seen from here: such workers tell no times. All of a name share
   * a row, on which one job at a time is shown. */
  time(timed: Timed): void {
    timed.began = Math.max(timed.began, this.#ended);
    timed.ended = this.#ended = performance.now();
  }

  /** Makes the first worker. */
  open(): void {
    this.#lanes[0]!.open();
  }

  end(): void {
    for (const lane of this.#lanes) lane.end();
  }
}

/** The error of a name that nobody has. */
export function unknownName(name: string, names: readonly string[], hint: string): SkepError {
  return new SkepError(
    'E_ARGUMENT',
    `there is no job "${name}" in this pool; known are ` + `${names.join(', ') || 'none'}`,
    { hint },
  );
}
