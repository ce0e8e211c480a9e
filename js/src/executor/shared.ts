// SPDX-License-Identifier: MIT
// Tasks on workers that share the world's memory, on Node and in isolated pages.
//
// wasm gives the tasks out itself, by one word of memory that all threads look at; here is what it
// cannot do: make workers part of the world, wait for them without blocking, end those that hang,
// and let new ones take their place. A worker that is lost says so by the pool; what it was running
// ends then, and where it was ended between taking a task and marking it, a look at all slots finds
// that task.

import type { Host } from '../core/host.js';
import { SLOT, STACK_BYTES } from '../core/layout.js';
import { DeadlineError } from '../errors.js';
import { coreCount, debuggerOpen } from '../pool/env.js';
import { unpackError } from '../pool/faults.js';
import type { PoolHost, PoolWorker } from '../pool/host.js';
import type { Binding } from './binding.js';
import { batchFlags, type Executor, type ExecutorOptions, type WorkerFaultListener } from
  './executor.js';
import { WASM, type FromWorker, type ToWorker } from './messages.js';
import { waitAsync } from './worker_side.js';

/** Looks at the ticket before a worker goes to sleep, about 50 us; and the caller's at the end. */
const SPIN = 20000;
const CALLER_SPIN = 4000;
/** How often deadlines are looked at while workers run, in parts of the deadline. */
const WATCH_PARTS = 8;
const WATCH_MAX_MS = 50;
const ORPHAN_MS = 20;

/** One worker's part in the world. */
interface Member {
  readonly worker: PoolWorker;
  readonly generation: number;
  serial: number;
  /** It has answered all that it was asked. */
  ready: boolean;
  missing: Map<number, string>;
  /** What the slot ran when it was looked at last, and since when. */
  seen: number;
  since: number;
  /** Ended and not yet surely gone. */
  leaving: boolean;
}

export class SharedExecutor implements Executor {
  readonly kind: 'node' | 'web';
  readonly workers: number;
  readonly #host: Host;
  readonly #pool: PoolHost;
  readonly #options: ExecutorOptions;
  readonly #bindings = new Map<number, Binding>();
  readonly #extras = new Map<number, unknown>();
  readonly #members = new Map<number, Member>();
  readonly #scratch: number;
  readonly #off: (() => void)[] = [];
  readonly #onFault: WorkerFaultListener;
  /** Told when an answer comes or a member changes. */
  #listeners: (() => void)[] = [];
  #serial = 0;
  #given = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  #lostAt = 0;
  #deadlineMs: number;
  #closed = false;
  /** Ends a wait where there is no waitAsync. */
  #idle = (): void => {};
  /** The next wait is over at once. */
  #woken = false;

  constructor(host: Host, pool: PoolHost, options: ExecutorOptions, onFault: WorkerFaultListener) {
    this.kind = pool.kind === 'web' ? 'web' : 'node';
    this.#host = host;
    this.#pool = pool;
    this.#options = options;
    this.#onFault = onFault;
    this.#deadlineMs = options.deadlineMs;
    this.workers = pool.workers.length;
    this.#scratch = host.alloc(4096 * (this.workers + 1));
    host.ex['skep_host_quit']!(host.address, 0);
    this.#off.push(pool.onMessage(WASM, (w, data) => this.#message(w, data as FromWorker)),
      pool.onUp(worker => this.#up(worker)), pool.onLost((w, cause) => this.#lost(w, cause)),
      pool.onGivenUp(() => this.#givenUp()));
  }

  // ---- members -------------------------------------------------------------------------------------

  #slot(worker: number): number {
    return this.#host.layout.slots + worker * this.#host.layout.slotBytes;
  }

  #up(worker: PoolWorker): void {
    const before = this.#members.get(worker.slot);
    if (this.#closed || before?.generation === worker.generation) return;
    const { instance, layout } = this.#host;
    const slot = this.#slot(worker.slot) >> 2;
    const member: Member = { worker, generation: worker.generation, serial: ++this.#serial,
      ready: false, missing: new Map(), seen: 0, since: 0, leaving: false };
    this.#members.set(worker.slot, member);
    this.#post(member, { kind: 'attach', module: instance.module, memory: instance.memory,
      place: { slot: worker.slot, causes: instance.u32[slot + SLOT.causes / 4]!,
        ticket: layout.ticket },
      pool: layout.pool, asleep: this.#slot(worker.slot) + SLOT.asleep,
      stackTop: instance.u32[slot + SLOT.stack / 4]! + STACK_BYTES,
      scratch: this.#scratch + 4096 * worker.slot, bindings: [...this.#bindings.values()],
      tellsIdle: !waitAsync, serial: member.serial });
  }

  #post(member: Member, message: ToWorker): void {
    member.worker.post(WASM, message);
    // A worker without waitAsync sleeps in naps; this ends one.
    Atomics.notify(this.#host.instance.i32, (this.#slot(member.worker.slot) + SLOT.asleep) >> 2);
  }

  #message(worker: PoolWorker, message: FromWorker): void {
    if (message.kind === 'fault') {
      this.#onFault(worker.slot, message.system, unpackError(message.error as never),
                    message.block);
      return;
    }
    const member = this.#members.get(worker.slot);
    if (!member || member.serial !== message.serial) return;
    if (message.kind === 'idle') return this.#idle();
    if (message.kind === 'attached') {
      const extras = [...this.#extras];
      if (extras.length) {
        this.#post(member, { kind: 'extra', values: extras, serial: member.serial });
      }
      // Only then: it may take a task at once.
      this.#host.ex['skep_worker_up']!(this.#host.layout.pool, worker.slot);
      this.#post(member, { kind: 'go', serial: member.serial });
    }
    if (message.kind === 'attached' || message.kind === 'bound') {
      for (const [id, why] of message.missing) member.missing.set(id, why);
    }
    member.ready = true;
    this.#tell();
  }

  #lost(worker: PoolWorker, cause: Error): void {
    const member = this.#members.get(worker.slot);
    if (!member) return;
    this.#members.delete(worker.slot);
    this.#lostAt = performance.now();
    this.#lose(worker, cause, worker.gone);
    this.#tell();
  }

  /** Ends what a worker was running. Its blocks are used again when its thread is gone. */
  #lose(worker: PoolWorker, cause: Error, gone: Promise<void>): void {
    const host = this.#host;
    const text = `${cause.name}: ${cause.message}`;
    const at = this.#keepText(worker.slot, text);
    const held = host.ex['skep_worker_lost']!(host.layout.pool, worker.slot, at, 1);
    if (held) this.#onFault(worker.slot, '', cause, -1);
    void gone.then(() => {
      if (!this.#closed && !host.closed) host.ex['skep_host_gone']!(host.address, worker.slot);
    });
    this.wake();
  }

  /** A text in the lost worker's own memory for single values, which nobody else uses. */
  #keepText(slot: number, text: string): number {
    const { u8 } = this.#host.instance;
    const bytes = new TextEncoder().encode(text).subarray(0, 1000);
    const at = this.#scratch + 4096 * slot + 3000;
    u8.set(bytes, at);
    u8[at + bytes.length] = 0;
    return at;
  }

  #givenUp(): void {
    this.#given++;
    if (this.#given >= this.workers) this.#host.ex['skep_host_alone']!(this.#host.address, 1);
    this.wake();
    this.#tell();
  }

  #tell(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  /** Resolves when all members that are up have answered, and at least one is there if one can be. */
  async #settled(): Promise<void> {
    while (!this.#closed) {
      const members = [...this.#members.values()];
      const enough = members.length > 0 || this.#given >= this.workers;
      if (enough && members.every(member => member.ready)) return;
      await new Promise<void>(resolve => this.#listeners.push(resolve));
    }
  }

  /** Resolves when the workers are part of the world. */
  start(): Promise<void> {
    return this.#settled();
  }

  async bind(binding: Binding): Promise<string | null> {
    this.#bindings.set(binding.id, binding);
    for (const member of this.#members.values()) {
      member.ready = false;
      this.#post(member, { kind: 'bind', bindings: [binding], serial: member.serial });
    }
    await this.#settled();
    return this.missing(binding.id);
  }

  /** Why a job cannot run in the workers, or null. */
  missing(id: number): string | null {
    for (const member of this.#members.values()) {
      const why = member.missing.get(id);
      if (why !== undefined) return why;
    }
    return null;
  }

  setExtras(values: readonly (readonly [number, unknown])[]): Promise<void> | undefined {
    if (!values.length) return undefined;
    for (const [id, value] of values) this.#extras.set(id, value);
    for (const member of this.#members.values()) {
      member.ready = false;
      this.#post(member, { kind: 'extra', values, serial: member.serial });
    }
    return this.#settled();
  }

  // ---- frames --------------------------------------------------------------------------------------

  enter(check: boolean): void {
    const cores = coreCount();
    // Where workers have no core of their own, looking would take one from whoever works.
    const spin = this.workers < cores ? SPIN : this.workers === cores ? SPIN / 4 : 0;
    this.#host.ex['skep_host_executor']!(this.#host.address, this.workers, this.#deadlineMs, 0,
      batchFlags(this.#options, check), spin, this.workers < cores ? CALLER_SPIN : 64);
  }

  take(): undefined {
    return undefined;
  }

  batch(): void {}

  wait(): Promise<unknown> {
    if (!this.#timer) {
      const every = this.#deadlineMs ? Math.min(this.#deadlineMs / WATCH_PARTS, WATCH_MAX_MS)
        : WATCH_MAX_MS;
      this.#timer = setInterval(() => this.#watch(), Math.max(every, 1));
    }
    const { i32 } = this.#host.instance;
    const at = this.#host.layout.callerAsleep >> 2;
    Atomics.store(i32, at, 1);
    // Whoever finishes last before this line has not seen it: so once more.
    if (this.#woken || this.#host.ex['skep_pool_idle']!(this.#host.layout.pool)) {
      this.#woken = false;
      Atomics.store(i32, at, 0);
      return Promise.resolve();
    }
    if (!waitAsync) return new Promise<void>(resolve => { this.#idle = resolve; });
    return Promise.resolve(waitAsync(i32, at, 1).value);
  }

  wake(): void {
    const { i32 } = this.#host.instance;
    const at = this.#host.layout.callerAsleep >> 2;
    Atomics.store(i32, at, 0);
    Atomics.notify(i32, at);
    this.#woken = true;
    this.#idle();
  }

  leave(): void {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Looks for tasks over their deadline, and for tasks that nobody has. A tick that is late, because
   * the machine slept or this thread was busy, counts as one tick. */
  #watch(): void {
    const now = performance.now();
    const { u32 } = this.#host.instance;
    const open = debuggerOpen();
    for (const member of this.#members.values()) {
      const slot = this.#slot(member.worker.slot) >> 2;
      const running = u32[slot]!;
      const serial = u32[slot + SLOT.serial / 4]!;
      if (running === 0 || serial !== member.seen || open) {
        member.seen = serial;
        member.since = 0;
        continue;
      }
      member.since++;
      const ticks = this.#deadlineMs ? this.#deadlineMs
        / Math.max(Math.min(this.#deadlineMs / WATCH_PARTS, WATCH_MAX_MS), 1) : Infinity;
      if (member.since > ticks && !member.leaving) {
        member.leaving = true;
        void this.#pool.replace(member.worker, new DeadlineError(
          `deadline: the job ran longer than ${this.#deadlineMs} ms`, this.#deadlineMs));
      }
    }
    if (this.#lostAt && now - this.#lostAt > ORPHAN_MS) this.#orphans();
  }

  #orphans(): void {
    const at = this.#keepText(0, 'the worker ended before it began');
    this.#host.ex['skep_pool_orphans']!(this.#host.layout.pool, at);
    this.#lostAt = 0;
    this.wake();
  }

  close(): void {
    this.#closed = true;
    this.leave();
    for (const off of this.#off) off();
    if (!this.#host.closed) {
      this.#host.ex['skep_host_quit']!(this.#host.address, 1);
      for (const member of this.#members.values()) {
        this.#post(member, { kind: 'detach', serial: member.serial });
        const asleep = (this.#slot(member.worker.slot) + SLOT.asleep) >> 2;
        Atomics.store(this.#host.instance.i32, asleep, 0);
        Atomics.notify(this.#host.instance.i32, asleep);
      }
    }
    this.#tell();
  }
}
