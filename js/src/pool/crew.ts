// SPDX-License-Identifier: MIT
// The workers of a pool: slots, their life, and the tasks that they run by message, as the
// supervisor of core/supervise has it. It knows neither which kind of workers they are nor who
// calls it.

import { SkepError } from '../errors.js';
import type { CutPart } from './columns.js';
import { Dispatcher, detailsOf, type Lane } from './dispatch.js';
import { describe, jobFault, unpackError } from './faults.js';
import type { PoolWorker } from './host.js';
import { Keeper, MS, RULES, limitNs, nowNs } from './keeper.js';
import type { PoolMessage } from './protocol.js';
import { Slot } from './slot.js';
import { CAUSE } from './supervisor.js';
import type { PoolLimits, Task } from './task.js';

export interface CrewOptions {
  limits: PoolLimits;
  /** Starts that fail before any worker was up are tried again. */
  retryFirst: boolean;
  make(slot: number): unknown;
}

class SlotLane implements Lane {
  readonly slot: number;
  task: Task | null = null;
  readonly crew: Crew;
  readonly worker: Slot;

  constructor(crew: Crew, worker: Slot) {
    this.slot = worker.slot;
    this.crew = crew;
    this.worker = worker;
  }

  get up(): boolean {
    return this.worker.idle;
  }

  begin(task: Task): void {
    const { address, id, timed } = task;
    if (timed) {
      timed.thread = this.slot;
      timed.began = performance.now();
    }
    // Where executors give workers other things to do as well, a job's time begins when it does.
    const first =
      task.once || (address.served === undefined && !this.worker.loaded.has(address.key));
    if (task.columns) {
      const { part, buffers } = (task.input as () => CutPart)();
      this.worker.send({ skep: 'columns', id, job: address, first, input: part }, buffers);
    } else {
      const { input, transfer } = task;
      this.worker.send(
        { skep: 'run', id, job: address, first, input, ...(timed && { timed: true }) },
        transfer,
      );
    }
    this.crew.given(this.slot, task, first);
  }

  over(task: Task): void {
    this.crew.over(this.worker, task);
  }

  stop(cause: Error): void {
    void this.worker.replace(cause);
  }
}

type Listener = (worker: PoolWorker, value: never) => void;

export class Crew {
  readonly slots: readonly Slot[];
  readonly dispatcher: Dispatcher;
  /** Set when the last slot was given up. */
  broken: SkepError | null = null;
  /** The same where that is because of the restart budget. */
  failed: SkepError | null = null;
  readonly #keeper: Keeper;
  readonly #lanes: readonly SlotLane[];
  readonly #options: CrewOptions;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #failed = new Set<Slot>();
  #everUp = false;
  /** Why the last worker was lost, or given up. */
  #lastCause = new Error('no worker was started');
  #started: { resolve(): void; reject(cause: Error): void } | null = null;

  constructor(options: CrewOptions) {
    const { limits } = options;
    this.#options = options;
    this.#keeper = new Keeper(
      {
        ...RULES,
        seats: limits.size,
        restartMax: limits.restartBudget,
        startTimeoutNs: limits.startTimeoutMs * MS,
      },
      {
        start: (seat, generation) => this.slots[seat - 1]!.start(generation),
        kill: (seat, cause) => {
          const slot = this.slots[seat - 1]!;
          if (cause === CAUSE.budget) slot.cause = this.#usedUp();
          slot.kill(cause);
        },
        lost: (seat, work, cause) => this.#lostTask(this.#lanes[seat - 1]!, work, cause),
        giveUp: (seat, cause) => {
          const slot = this.slots[seat - 1]!;
          if (cause === CAUSE.budget) slot.cause = this.#usedUp();
          slot.giveUp();
        },
        broken: () => this.#break(),
      },
    );
    const events = {
      up: (slot: Slot) => this.#up(slot),
      message: (slot: Slot, message: PoolMessage) => this.#message(slot, message),
      lost: (slot: Slot, cause: Error) => this.#lost(slot, cause),
      failedStart: (slot: Slot) => this.#failedStart(slot),
      givenUp: (slot: Slot, cause: Error) => this.#givenUp(slot, cause),
    };
    const slotOptions = {
      make: (slot: number) => options.make(slot),
      startTimeoutMs: options.limits.startTimeoutMs,
      retryStart: (cause: Error) =>
        this.#everUp || (options.retryFirst && !(cause instanceof SkepError)),
    };
    this.slots = Array.from(
      { length: options.limits.size },
      (_, i) => new Slot(i + 1, this.#keeper, slotOptions, events),
    );
    this.#lanes = this.slots.map(slot => new SlotLane(this, slot));
    this.dispatcher = new Dispatcher(this.#lanes, options.limits.queueMax);
  }

  /** Makes the workers. Resolves when each slot has come up or failed, and one is up; rejects with
   * the cause when all are given up. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#started = { resolve, reject };
      this.#keeper.machine.begin(nowNs());
      this.#keeper.act();
    });
  }

  /** Whether a slot's worker runs a task. */
  busy(slot: number): boolean {
    return this.#lanes[slot - 1]!.task !== null;
  }

  /** Whether some worker serves a job of this name. */
  serves(name: string): boolean {
    return this.slots.some(slot => slot.served.has(name));
  }

  /** The names that the workers serve. */
  served(): string[] {
    return [...new Set(this.slots.flatMap(slot => [...slot.served]))];
  }

  submit(task: Task): void {
    if (this.broken) task.reject(this.broken);
    else this.dispatcher.submit(task);
  }

  /** A worker has got a task. Its module has `startTimeoutMs` to load, if it is the `first` of it,
   * before the job's deadline counts. */
  given(slot: number, task: Task, first: boolean): void {
    const deadline = limitNs(task.deadlineMs);
    this.#keeper.machine.give(slot, task.id, deadline, first ? 1 : 0, nowNs());
    this.#keeper.act();
  }

  /** And has ended it. */
  over(slot: Slot, task: Task): void {
    this.#keeper.machine.done(slot.slot, slot.generation, task.id, nowNs());
  }

  /** Ends all workers; see Slot.end. */
  async end(politeMs: number): Promise<void> {
    this.#keeper.end();
    await Promise.all(this.slots.map(slot => slot.end(politeMs)));
  }

  on(event: string, listener: Listener): () => void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set.add(listener));
    return () => set.delete(listener);
  }

  #emit(event: string, slot: Slot, value: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(slot, value as never);
  }

  #laneOf(slot: Slot): SlotLane {
    return this.#lanes[slot.slot - 1]!;
  }

  #message(slot: Slot, message: PoolMessage): void {
    if (message.skep === 'ext') {
      slot.worked(); // what an executor has it do counts like what a pool runs
      return this.#emit(`ext ${message.type}`, slot, message.data);
    }
    if (!('id' in message)) return;
    const lane = this.#laneOf(slot);
    const task = lane.task;
    if (!task || task.id !== message.id) return; // a job can post what it likes
    if (message.skep === 'started') {
      slot.loaded.add(task.address.key);
      this.#keeper.machine.loaded(slot.slot, slot.generation, nowNs());
      return this.#keeper.act();
    }
    if (task.timed && typeof message.began === 'number' && typeof message.ended === 'number') {
      task.timed.began = message.began;
      task.timed.ended = message.ended;
    }
    if (message.skep === 'result') {
      return this.dispatcher.done(lane, task, () => task.resolve(message.value));
    }
    const details = { ...detailsOf(task, slot.slot), block: message.block };
    this.dispatcher.done(lane, task, () =>
      task.reject(jobFault(message.stage, details, unpackError(message.error), message.note)),
    );
  }

  #up(slot: Slot): void {
    this.#everUp = true;
    this.#failed.delete(slot);
    this.#emit('up', slot, undefined);
    this.dispatcher.drain();
    this.#settleStart();
  }

  #lost(slot: Slot, cause: Error): void {
    this.#lastCause = cause;
    this.#emit('lost', slot, cause);
  }

  /** What a worker had will not come back. */
  #lostTask(lane: SlotLane, work: number, cause: number): void {
    const { task, worker } = lane;
    const { dispatcher } = this;
    if (!task || task.id !== work) return; // whoever took it from the lane knows
    if (cause === CAUSE.deadline) {
      worker.cause = dispatcher.expire(lane, task);
    } else if (cause === CAUSE.notLoaded) {
      const ms = this.#options.limits.startTimeoutMs;
      const text = `${task.address.module} was not loaded within ${ms} ms (startTimeoutMs)`;
      worker.cause = new SkepError('E_DEADLINE', text);
      dispatcher.drop(lane, task, jobFault('load', detailsOf(task, lane.slot), worker.cause));
    } else if (cause === CAUSE.budget) {
      dispatcher.drop(lane, task, this.#usedUp());
    } else {
      dispatcher.lost(lane, worker.cause);
    }
  }

  #failedStart(slot: Slot): void {
    this.#failed.add(slot);
    this.#settleStart();
  }

  #givenUp(slot: Slot, cause: Error): void {
    this.#lastCause = cause;
    this.#failed.add(slot);
    this.#emit('givenUp', slot, cause);
    this.#settleStart();
  }

  #usedUp(): SkepError {
    const most = this.#options.limits.restartBudget;
    return (this.failed ??= new SkepError(
      'E_WORKER_LOST',
      `the pool has failed: more than ${most} workers had to be replaced within a minute `
        + '(restartBudget)',
      {
        cause: this.#lastCause,
        hint: 'mend the jobs that end their workers, or raise restartBudget; 0 is any number',
      },
    ));
  }

  /** The last slot was given up. */
  #break(): void {
    const cause = this.failed ?? this.#lastCause;
    this.broken =
      this.failed
      ?? new SkepError(
        'E_WORKER_LOST',
        `no worker is left, none could be started again: ${describe(cause)}`,
        { cause, hint: 'each start failed; see the cause' },
      );
    this.#started?.reject(cause);
    this.#started = null;
    this.dispatcher.rejectAll(() => this.broken!);
  }

  #settleStart(): void {
    if (!this.#started || !this.slots.some(slot => slot.up)) return;
    if (!this.slots.every(slot => slot.up || this.#failed.has(slot))) return;
    this.#started.resolve();
    this.#started = null;
  }
}
