// SPDX-License-Identifier: MIT
// Tasks on workers that share the world's memory, on Node and in isolated pages.
//
// wasm gives the tasks out itself, by one word of memory that all threads look at; here is what it
// cannot do: make workers part of the world, wait for them, end those that hang,
// and let new ones take their place. A worker that is lost says so by the pool; what it was running
// ends then. Whatever depends on its thread being surely gone waits for that: its blocks and its
// stack are used again, a new worker takes its slot, and a look at all slots finds the task that it
// had taken and not yet marked.

import type { Host } from '../core/host.js';
import { SLOT, SLOT_BUSY, STACK_BYTES } from '../core/layout.js';
import { ClosedError } from '../errors.js';
import { coreCount, debuggerOpen } from '../pool/env.js';
import type { PoolHost, PoolWorker } from '../pool/host.js';
import { CrewExecutor, type Member } from './crew.js';
import {
  batchFlags,
  type Executor,
  type ExecutorOptions,
  type WorkerFaultListener,
} from './executor.js';
import { faultCount } from './job_runtime.js';
import type { FromWorker, ToWorker } from './messages.js';
import { LOOK_MS, waitAsync } from './worker_side.js';

/** Looks at the ticket before a worker goes to sleep, of 25 ns each: 200 us. Waking one may take
 * the caller 75 us in a virtual machine; were they fewer, a worker that is done meanwhile would
 * sleep again before the caller has the next batch, and so in every frame. And the caller's looks
 * at the end, where it has a core of its own: 500 us. */
const SPIN = 8000;
const CALLER_SPIN = 20000;
/** How long the caller sleeps at a time where it may, before its event loop goes on. It wakes in
 * half the time that a promise takes. */
const BLOCK_MS = 2;
/** How often tasks that nobody has are looked for, where others are still at work. */
const ORPHAN_MS = 5;
const NOT_YET = 0xffffffff;
/** Memory of a worker for single values, and where in it a text may stand. */
const VALUE_BYTES = 4096;
const TEXT_AT = 3000;
const MAIL_AT = 4092;

interface SharedMember extends Member {
  /** The task that it was seen with last, by the number of tasks that its slot has begun. */
  last: number;
  /** Faults that it told of and that have arrived. */
  heard: number;
}

export class SharedExecutor extends CrewExecutor<SharedMember> implements Executor {
  readonly kind: 'node' | 'web';
  readonly #values: number;
  /** Lost workers whose threads are not surely gone. */
  #leaving = 0;
  /** Ends a wait, sooner than a word of memory would, and where there is no waitAsync. */
  #idle = (): void => {};
  /** The next wait is over at once. */
  #woken = false;
  /** This thread may wait for words of memory: that of a page may not. */
  readonly #mayBlock: boolean;

  constructor(host: Host, pool: PoolHost, options: ExecutorOptions, onFault: WorkerFaultListener) {
    super(host, pool, options, onFault);
    this.kind = pool.kind === 'web' ? 'web' : 'node';
    this.#values = host.alloc(VALUE_BYTES * (this.workers + 1));
    this.#mayBlock = mayBlock(host.instance.i32);
    host.use();
    host.ex['skep_host_quit']!(host.address, 0);
  }

  // ---- members ----------------------------------------------------------------------------------

  #slot(worker: number): number {
    return this.host.layout.slots + worker * this.host.layout.slotBytes;
  }

  #word(worker: number, offset: number): number {
    return Atomics.load(this.host.instance.u32, (this.#slot(worker) + offset) >> 2);
  }

  protected join(base: Member): ReturnType<CrewExecutor<SharedMember>['join']> {
    const { instance, layout } = this.host;
    const { slot } = base.worker;
    const causes = this.#word(slot, SLOT.causes);
    instance.i32[faultCount(causes)] = 0;
    // A slot may outlive this executor, and then its words are somebody else's.
    base.worker.nudge = () => {
      if (!this.closed) this.#nudge(slot);
    };
    return {
      member: { ...base, last: 0, heard: 0 },
      attach: {
        module: instance.module,
        memory: instance.memory,
        place: { slot, causes, ticket: layout.ticket },
        pool: layout.pool,
        asleep: this.#slot(slot) + SLOT.asleep,
        mail: this.#mail(slot),
        stackTop: this.#word(slot, SLOT.stack) + STACK_BYTES,
        scratch: this.#values + VALUE_BYTES * slot,
        tellsIdle: !waitAsync,
      },
    };
  }

  #mail(slot: number): number {
    return this.#values + VALUE_BYTES * slot + MAIL_AT;
  }

  /** Ends a worker's nap, so that it reads its messages. */
  #nudge(slot: number): void {
    const { i32 } = this.host.instance;
    const asleep = (this.#slot(slot) + SLOT.asleep) >> 2;
    Atomics.store(i32, this.#mail(slot) >> 2, 1);
    Atomics.store(i32, asleep, 0);
    Atomics.notify(i32, asleep);
  }

  protected answer(member: SharedMember, message: FromWorker): void {
    if (message.kind === 'fault') member.heard++;
    if (message.kind === 'idle') this.#idle();
    if (message.kind !== 'attached') return;
    this.host.ex['skep_worker_up']!(this.host.layout.pool, member.worker.slot);
    this.post(member, { kind: 'go', serial: member.serial });
  }

  protected mayBlame(): boolean {
    return true; // who shares the memory could write anything anyway
  }

  owes(worker: number): boolean {
    const member = this.members.get(worker);
    const causes = this.#word(worker, SLOT.causes);
    return (
      member !== undefined
      && Atomics.load(this.host.instance.i32, faultCount(causes)) !== member.heard
    );
  }

  protected left(member: SharedMember, cause: Error): void {
    void this.#lose(member.worker, cause);
  }

  /** Ends what a worker was running. Resolves when its thread is surely gone, and what it might
   * have written to may be used again. */
  #lose(worker: PoolWorker, cause: Error): Promise<void> {
    const { host } = this;
    const { slot } = worker;
    const at = this.#keepText(slot, cause);
    const held = host.ex['skep_worker_lost']!(host.layout.pool, slot, at, 1);
    if (held) this.onFault(slot, '', cause, -1);
    this.#leaving++;
    this.wake();
    return worker.gone.then(() => {
      this.#leaving--;
      if (host.closed) return;
      host.ex['skep_host_gone']!(host.address, slot);
      this.#orphans(slot, cause);
    });
  }

  /** Ends tasks that a lost worker had taken without saying so. That can be told once all lost
   * threads are gone and the others have nothing to do. */
  #orphans(slot: number, cause: Error): void {
    const { host } = this;
    if (this.closed || host.closed || this.#leaving) return;
    const at = this.#keepText(slot, cause);
    const found = host.ex['skep_pool_orphans']!(host.layout.pool, at, slot) >>> 0;
    if (found === NOT_YET) {
      setTimeout(() => this.#orphans(slot, cause), ORPHAN_MS);
      return;
    }
    if (found) this.onFault(slot, '', cause, -1);
    this.wake();
  }

  /** A text in the lost worker's own memory for single values, which nobody else uses. */
  #keepText(slot: number, cause: Error): number {
    const { u8 } = this.host.instance;
    const bytes = new TextEncoder().encode(`${cause.name}: ${cause.message}`).subarray(0, 1000);
    const at = this.#values + VALUE_BYTES * slot + TEXT_AT;
    u8.set(bytes, at);
    u8[at + bytes.length] = 0;
    return at;
  }

  protected allGivenUp(): void {
    this.host.ex['skep_host_alone']!(this.host.address, 1);
  }

  // ---- frames -----------------------------------------------------------------------------------

  enter(check: boolean): void {
    const cores = coreCount();
    // Where workers have no core of their own, looking would take one from whoever works.
    const spin = this.workers < cores ? SPIN : this.workers === cores ? SPIN / 16 : 0;
    this.host.ex['skep_host_executor']!(
      this.host.address,
      this.workers,
      this.options.deadlineMs,
      0,
      batchFlags(this.options, check),
      spin,
      this.workers < cores ? CALLER_SPIN : 0,
    );
  }

  take(): undefined {
    return undefined;
  }

  batch(): void {}

  wait(handed: boolean): Promise<unknown> | undefined {
    const { i32 } = this.host.instance;
    const at = this.host.layout.callerAsleep >> 2;
    Atomics.store(i32, at, 1);
    // Whoever finishes last before this line has not seen it: so once more.
    if (this.#woken || this.host.ex['skep_pool_idle']!(this.host.layout.pool)) {
      this.#woken = false;
      Atomics.store(i32, at, 0);
      return undefined;
    }
    if (this.#mayBlock && !handed && Atomics.wait(i32, at, 1, BLOCK_MS) !== 'timed-out') {
      return undefined;
    }
    this.arm();
    const told = new Promise<unknown>(resolve => {
      this.#idle = () => resolve(undefined);
    });
    return waitAsync ? Promise.race([told, waitAsync(i32, at, 1, LOOK_MS).value]) : told;
  }

  wake(): void {
    const { i32 } = this.host.instance;
    const at = this.host.layout.callerAsleep >> 2;
    Atomics.store(i32, at, 0);
    Atomics.notify(i32, at);
    this.#woken = true;
    this.#idle();
  }

  protected look(): void {
    const open = debuggerOpen();
    for (const [slot, member] of this.members) {
      const running = this.#word(slot, SLOT.task);
      const begun = this.#word(slot, SLOT.serial);
      const same = running !== 0 && running < SLOT_BUSY && begun === member.last;
      member.last = begun;
      if (same && !open) this.seen(member, running - 1);
      else this.looks.end(slot);
    }
  }

  async abandon(): Promise<void> {
    const cause = new ClosedError('the frame was given up');
    const gone: Promise<void>[] = [];
    for (const [slot, member] of this.members) {
      if (this.#word(slot, SLOT.task) === 0) continue;
      this.members.delete(slot);
      // A pool that is closed tells nobody that its workers are gone.
      gone.push(this.#lose(member.worker, cause), this.pool.replace(member.worker, cause));
    }
    await Promise.all(gone);
  }

  override close(): void {
    if (!this.host.closed) this.host.ex['skep_host_quit']!(this.host.address, 1);
    super.close();
    for (const slot of this.members.keys()) this.#nudge(slot);
    void Promise.all(this.pool.workers.map(worker => worker.gone)).then(() => {
      if (!this.host.closed) this.host.free(this.#values, VALUE_BYTES * (this.workers + 1));
      this.host.unuse();
    });
  }
}

/** Whether Atomics.wait is allowed on this thread. */
function mayBlock(words: Int32Array): boolean {
  try {
    Atomics.wait(words, 0, words[0]! + 1, 0);
    return true;
  } catch {
    return false;
  }
}
