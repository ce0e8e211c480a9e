// SPDX-License-Identifier: MIT
// Hands queued tasks to lanes (a worker's slot, or a place in process), one at a time each, and
// takes them back: done, expired, aborted, or lost with their worker. A lost task goes back to its
// place in the queue once. Whatever happens, a free lane gets the next task at once.

import { DeadlineError, JobError, LimitError, type JobErrorDetails } from '../errors.js';
import { cloneFault, describe, findUncloneable } from './faults.js';
import { TaskQueue, type Task } from './task.js';

/** Something that runs one task at a time. */
export interface Lane {
  /** The worker's slot; 0 is the caller's thread. */
  readonly slot: number;
  /** It could take a task. */
  readonly up: boolean;
  task: Task | null;
  /** Begins a task; throws when its input cannot be cloned. */
  begin(task: Task): void;
  /** A task that ran there has ended, or is not waited for any more. */
  over(task: Task): void;
  /** Gets rid of whatever runs, which was this task. */
  stop(cause: Error, task: Task): void;
}

/** Where a task failed. */
export function detailsOf(task: Task, slot: number): JobErrorDetails {
  return { system: task.address.name, worker: slot, retried: task.losses > 0 };
}

function lostError(task: Task, slot: number, cause: Error): JobError {
  const moved = task.losses < 2; // its input went with the worker
  return new JobError(
    `job "${task.address.name}": worker ${slot} was lost while it ran`
      + `${moved ? '' : ', as was the one before'}: ${describe(cause)}`,
    { ...detailsOf(task, slot), retried: !moved },
    {
      code: 'E_WORKER_LOST',
      cause,
      hint:
        moved && !task.once
          ? 'not tried again, because its input was transferred'
          : 'the job ends its worker (process.exit, memory, an error outside of its promise)',
    },
  );
}

export class Dispatcher {
  readonly queue = new TaskQueue();
  readonly #lanes: readonly Lane[];
  readonly #queueMax: number;
  #onIdle: (() => void) | null = null;

  constructor(lanes: readonly Lane[], queueMax: number) {
    this.#lanes = lanes;
    this.#queueMax = queueMax;
  }

  submit(task: Task): void {
    if (this.queue.length >= this.#queueMax && !this.#idleLane()) {
      return task.reject(
        new LimitError(
          `limit: queued job ${this.queue.length + 1}, queueMax is ` + `${this.#queueMax}`,
          'queueMax',
          this.#queueMax,
          this.queue.length + 1,
          { hint: 'createPortablePool({ queueMax: ... }), or wait for earlier runs' },
        ),
      );
    }
    this.#enqueue(task);
    this.drain();
  }

  /** Gives tasks to idle lanes. */
  drain(): void {
    while (this.queue.length) {
      const lane = this.#idleLane();
      if (!lane) return;
      this.#begin(lane, this.queue.pop()!);
    }
    if (this.#onIdle && this.#lanes.every(lane => !lane.task)) this.#onIdle();
  }

  /** A lane's task has ended by itself: the next one begins, then `settle` tells the caller. */
  done(lane: Lane, task: Task, settle: () => void): void {
    lane.task = null;
    lane.over(task);
    this.drain();
    settle();
  }

  /** A lane lost its worker: its task is tried once more. */
  lost(lane: Lane, cause: Error): void {
    const task = lane.task;
    if (!task) return;
    lane.task = null;
    task.losses++;
    const last = task.losses > 1 || task.once || task.transfer?.length;
    if (last) task.reject(lostError(task, lane.slot, cause));
    else this.#enqueue(task);
    this.drain();
  }

  /** Takes a task from its lane, and rejects it. What runs there is ended by somebody else. */
  drop(lane: Lane, task: Task, error: unknown): void {
    if (lane.task !== task) return;
    lane.task = null;
    task.reject(error);
    this.drain();
  }

  /** Takes a task from its lane, ends what it did there, and rejects it. */
  evict(lane: Lane, task: Task, error: unknown, cause: Error): void {
    if (lane.task !== task) return;
    lane.task = null;
    task.reject(error);
    lane.stop(cause, task);
    this.drain();
  }

  /** Rejects all that wait, and all that runs, which goes on unheard until its worker is ended. */
  rejectAll(makeError: (task: Task) => Error): void {
    const waiting = this.queue.takeAll();
    for (const lane of this.#lanes) {
      const { task } = lane;
      if (!task) continue;
      lane.task = null;
      lane.over(task);
      task.reject(makeError(task));
    }
    for (const task of waiting) task.reject(makeError(task));
    this.drain();
  }

  /** Resolves when nothing waits or runs. */
  idle(): Promise<void> {
    return new Promise(resolve => {
      this.#onIdle = resolve;
      this.drain();
    });
  }

  #idleLane(): Lane | undefined {
    for (const lane of this.#lanes) if (lane.up && !lane.task) return lane;
    return undefined;
  }

  #enqueue(task: Task): void {
    this.queue.push(task);
    task.cancel = reason => {
      this.queue.remove(task);
      task.reject(reason);
      this.drain();
    };
  }

  #begin(lane: Lane, task: Task): void {
    lane.task = task;
    task.cancel = reason =>
      this.evict(lane, task, reason, new Error(`job "${task.address.name}" was aborted`));
    try {
      lane.begin(task);
    } catch (error) {
      lane.task = null;
      task.reject(cloneFault('input', detailsOf(task, 0), error, findUncloneable(task.input)));
    }
  }

  /** Rejects a task that ran too long, and returns with what. */
  expire(lane: Lane, task: Task): DeadlineError {
    const name = task.address.name;
    const ms = task.deadlineMs;
    const text = `job "${name}" ran longer than its deadline of ${ms} ms`;
    const where = lane.slot ? ` on worker ${lane.slot}, which was replaced` : '';
    const cause = new JobError(text, detailsOf(task, lane.slot), { code: 'E_DEADLINE' });
    const error = new DeadlineError(text + where, ms, {
      cause,
      hint: 'run(job, input, { deadlineMs }) raises it, 0 takes it away',
    });
    this.drop(lane, task, error);
    return error;
  }
}
