// SPDX-License-Identifier: MIT
// What both executors with workers have in common: who is there, what each knows of jobs and of
// `extra`, and waiting until all that are there have answered. Workers come and go; a new one is
// told everything when it joins.

import type { Host } from '../core/host.js';
import { DeadlineError, SkepError } from '../errors.js';
import { unpackError } from '../pool/faults.js';
import type { PoolHost, PoolWorker } from '../pool/host.js';
import { Looks } from '../pool/watch.js';
import type { Binding } from './binding.js';
import type { ExecutorOptions, WorkerFaultListener } from './executor.js';
import { WASM, readMessage, type Attach, type FromWorker, type ToWorker } from './messages.js';

/** How often deadlines are looked at, in parts of the shortest, and at least so often. */
const WATCH_PARTS = 8;
const WATCH_MAX_MS = 50;

/** One worker's part in the world. */
export interface Member {
  readonly worker: PoolWorker;
  readonly generation: number;
  readonly serial: number;
  /** It has answered all that it was asked. */
  ready: boolean;
  /** Why it does not have a job, by number. */
  readonly missing: Map<number, string>;
  /** Milliseconds that the task may take that it was last seen at. */
  limit: number;
  /** It was ended, and is not yet reported lost. */
  leaving: boolean;
}

export abstract class CrewExecutor<M extends Member> {
  readonly workers: number;
  protected readonly host: Host;
  protected readonly pool: PoolHost;
  protected readonly options: ExecutorOptions;
  protected readonly onFault: WorkerFaultListener;
  protected readonly members = new Map<number, M>();
  /** Workers that will never come back. */
  protected given = 0;
  protected closed = false;
  protected everyMs = WATCH_MAX_MS;
  /** The time of what members are seen at, by slot. */
  protected readonly looks: Looks;
  readonly #bindings = new Map<number, Binding>();
  readonly #extras = new Map<number, unknown>();
  readonly #off: (() => void)[] = [];
  #listeners: (() => void)[] = [];
  #serial = 0;
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(host: Host, pool: PoolHost, options: ExecutorOptions, onFault: WorkerFaultListener) {
    this.host = host;
    this.pool = pool;
    this.options = options;
    this.onFault = onFault;
    this.workers = pool.workers.length;
    this.looks = new Looks(this.workers);
  }

  /** A worker's member, and what it is told when it joins beside what all are told. */
  protected abstract join(base: Member): {
    member: M;
    attach: Omit<Attach, 'kind' | 'bindings' | 'extras' | 'serial'>;
  };
  /** A message of a member that is not about jobs. */
  protected abstract answer(member: M, message: FromWorker): void;
  /** A member's worker is lost. */
  protected abstract left(member: M, cause: Error): void;
  protected abstract allGivenUp(): void;
  protected abstract look(): void;
  abstract wake(): void;
  /** Whether a worker's word of a fault of that system is to be heard. */
  protected abstract mayBlame(member: M, system: string): boolean;

  // ---- members ----------------------------------------------------------------------------------

  /** Resolves when the workers are part of the world. */
  start(): Promise<void> {
    const { pool } = this;
    this.#off.push(
      pool.onMessage(WASM, (w, data) => this.#message(w, data)),
      pool.onUp(worker => this.#up(worker)),
      pool.onLost((w, cause) => this.#lost(w, cause)),
      pool.onGivenUp(worker => this.#givenUp(worker)),
    );
    return this.#settled();
  }

  /** A new thread takes a slot when the one before is surely gone: it gets the same memory. */
  #up(worker: PoolWorker): void {
    const { generation } = worker;
    void worker.gone.then(() => {
      const now = worker.up && worker.generation === generation && !this.host.closed;
      if (now && !this.closed) this.#attach(worker);
    });
  }

  #attach(worker: PoolWorker): void {
    const { slot, generation } = worker;
    if (this.members.get(slot)?.generation === generation) return;
    const { member, attach } = this.join({
      worker,
      generation,
      serial: ++this.#serial,
      ready: false,
      missing: new Map(),
      limit: 0,
      leaving: false,
    });
    this.members.set(slot, member);
    this.post(member, {
      ...attach,
      kind: 'attach',
      bindings: [...this.#bindings.values()],
      extras: [...this.#extras],
      serial: member.serial,
    });
    this.#tell();
  }

  protected post(member: M, message: ToWorker, transfer?: readonly Transferable[]): void {
    member.worker.post(WASM, message, transfer);
  }

  #message(worker: PoolWorker, data: unknown): void {
    const member = this.members.get(worker.slot);
    const message = readMessage(data);
    if (typeof message === 'string') return this.#distrust(worker, message);
    if (message.kind === 'fault') {
      if (member) this.answer(member, message);
      if (!member || !this.mayBlame(member, message.system)) return;
      this.onFault(worker.slot, message.system, unpackError(message.error), message.block);
      return;
    }
    if (!member || member.serial !== message.serial) return;
    if (message.kind === 'attached' || message.kind === 'bound') {
      for (const [id, why] of message.missing) member.missing.set(id, why);
    }
    if (message.kind !== 'idle' && message.kind !== 'done') member.ready = true;
    this.answer(member, message);
    this.#tell();
  }

  /** Ends a worker that says what none of ours says: a job has got hold of its messages. */
  #distrust(worker: PoolWorker, why: string): void {
    void this.pool.replace(
      worker,
      new SkepError('E_WORKER_LOST', `worker ${worker.slot} sent a message that is none: ${why}`, {
        hint: "a job must not post messages by its worker's own means",
      }),
    );
  }

  #lost(worker: PoolWorker, cause: Error): void {
    const member = this.members.get(worker.slot);
    if (!member) return;
    this.members.delete(worker.slot);
    this.looks.end(worker.slot);
    this.left(member, cause);
    this.#tell();
  }

  #givenUp(worker: PoolWorker): void {
    this.given++;
    this.host.tracer?.worker(worker.slot, true); // nobody waits for another any more
    // What has ended so many workers must not run here instead; the frame fails.
    if (this.given >= this.workers && !this.pool.failed) this.allGivenUp();
    this.#tell();
    this.wake();
  }

  #tell(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  /** Resolves when all members have answered, and at least one is there if one can be. */
  async #settled(): Promise<void> {
    while (!this.closed) {
      const members = [...this.members.values()];
      const enough = members.length > 0 || this.given >= this.workers;
      if (enough && members.every(member => member.ready)) return;
      await new Promise<void>(resolve => this.#listeners.push(resolve));
    }
  }

  #ask(message: (serial: number) => ToWorker): Promise<void> {
    for (const member of this.members.values()) {
      member.ready = false;
      this.post(member, message(member.serial));
    }
    return this.#settled();
  }

  // ---- jobs -------------------------------------------------------------------------------------

  async bind(binding: Binding): Promise<string | null> {
    if (this.#bindings.get(binding.id) !== binding) {
      this.#bindings.set(binding.id, binding);
      await this.#ask(serial => ({ kind: 'bind', bindings: [binding], serial }));
    }
    for (const member of this.members.values()) {
      const why = member.missing.get(binding.id);
      if (why !== undefined) return why;
    }
    return null;
  }

  forget(id: number): void {
    this.#bindings.delete(id);
    this.#extras.delete(id);
    for (const member of this.members.values()) member.missing.delete(id);
  }

  setExtras(values: readonly (readonly [number, unknown])[]): Promise<void> | undefined {
    if (!values.length) return undefined;
    for (const [id, value] of values) this.#extras.set(id, value);
    return this.#ask(serial => ({ kind: 'extra', values, serial }));
  }

  // ---- deadlines --------------------------------------------------------------------------------

  watch(leastMs: number): void {
    const least = Math.min(leastMs, this.options.deadlineMs || Infinity);
    this.everyMs = Math.max(Math.min(least / WATCH_PARTS, WATCH_MAX_MS), 1);
    this.leave();
  }

  /** Tasks are at work from now on: looks at them every now and then. */
  protected arm(): void {
    this.#timer ??= setInterval(() => {
      this.look();
      for (const slot of this.looks.look(this.everyMs)) this.#expire(slot);
    }, this.everyMs);
  }

  leave(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Notes that a member was seen at work on a task of the batch, from now on or still. */
  protected seen(member: M, task: number): void {
    const { slot } = member.worker;
    if (member.leaving || this.looks.counts(slot)) return;
    const own = this.host.ex['skep_host_task_deadline']!(this.host.address, task) >>> 0;
    member.limit = own || this.options.deadlineMs;
    if (member.limit) this.looks.begin(slot, member.limit);
  }

  /** Ends a member that was at the same task too long. */
  #expire(slot: number): void {
    const member = this.members.get(slot);
    if (!member || member.leaving) return;
    const { limit } = member;
    member.leaving = true;
    void this.pool.replace(
      member.worker,
      new DeadlineError(`deadline: the job ran longer than ${limit} ms`, limit, {
        hint: 'deadlineMs of the system or of the scheduler; 0 is any time',
      }),
    );
  }

  // ---- the end ----------------------------------------------------------------------------------

  close(): void {
    this.closed = true;
    this.leave();
    for (const off of this.#off) off();
    for (const member of this.members.values()) {
      if (member.worker.up) this.post(member, { kind: 'detach', serial: member.serial });
    }
    this.#tell();
  }
}
