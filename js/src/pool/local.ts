// SPDX-License-Identifier: MIT
// Jobs in process: the fallback where there are no workers. The same queue, errors and purity as
// with workers: input and output are cloned, so a job cannot reach its caller's objects. What runs
// cannot be stopped: an abort or an explicit deadline settles the promise, and what the job does
// afterwards is not heard.

import { Dispatcher, detailsOf, type Lane } from './dispatch.js';
import { cloneFault, findUncloneable, jobFault } from './faults.js';
import type { FaultStage } from './protocol.js';
import { callJob, fetchJob } from './registry.js';
import type { PoolLimits, Task } from './task.js';
import type { Watch } from './watch.js';

class LocalLane implements Lane {
  readonly slot = 0;
  readonly up = true;
  task: Task | null = null;
  readonly crew: LocalCrew;
  #turn = 0;

  constructor(crew: LocalCrew) {
    this.crew = crew;
  }

  begin(task: Task): void {
    const input: unknown = structuredClone(task.input, {
      transfer: (task.transfer as never) ?? [],
    });
    void this.#work(task, input, ++this.#turn);
  }

  over(task: Task): void {
    this.crew.watch.delete(task);
  }

  stop(_cause: Error, task: Task): void {
    this.over(task);
    this.#turn++;
  }

  #expire(task: Task): void {
    this.#turn++;
    this.crew.dispatcher.expire(this, task);
  }

  async #work(task: Task, input: unknown, turn: number): Promise<void> {
    const { dispatcher } = this.crew;
    let stage: FaultStage = 'load';
    let settle: () => void;
    let output: unknown;
    try {
      const job = task.job ?? (await fetchJob(task.address));
      await undefined;
      if (this.#turn !== turn) return;
      this.crew.watch.add(task, () => this.#expire(task));
      stage = 'job';
      output = await callJob(job, input);
      stage = 'output';
      const value: unknown = structuredClone(output);
      settle = () => task.resolve(value);
    } catch (error) {
      const details = detailsOf(task, 0);
      const fault =
        stage === 'output'
          ? cloneFault('output', details, error, findUncloneable(output))
          : jobFault(stage, details, error);
      settle = () => task.reject(fault);
    }
    if (this.#turn === turn) dispatcher.done(this, task, settle);
  }
}

export class LocalCrew {
  readonly dispatcher: Dispatcher;
  readonly watch: Watch;

  constructor(limits: PoolLimits, watch: Watch) {
    const lanes = Array.from({ length: limits.size }, () => new LocalLane(this));
    this.watch = watch;
    this.dispatcher = new Dispatcher(lanes, limits.queueMax);
  }
}
