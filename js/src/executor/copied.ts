// SPDX-License-Identifier: MIT
// Tasks on workers that have no memory in common with the world: in pages without isolation, and on
// Node when asked. Each task is sent with the bytes that it reads, which the worker puts at the same
// addresses of a memory of its own; what the task wrote comes back packed, is verified like any
// other output, and only then reaches the world. So nothing that a job does reaches it, and all of it
// costs two copies. Bytes that several tasks of a batch read are sent to a worker once.

import type { Host } from '../core/host.js';
import { RESULT, ROOM, STATUS } from '../core/layout.js';
import { DeadlineError } from '../errors.js';
import { debuggerOpen } from '../pool/env.js';
import { unpackError } from '../pool/faults.js';
import type { PoolHost, PoolWorker } from '../pool/host.js';
import type { Binding } from './binding.js';
import { batchFlags, type Executor, type ExecutorOptions, type HandedTask, type
  WorkerFaultListener } from './executor.js';
import { WASM, type FromWorker, type ToWorker } from './messages.js';

const SCRATCH_BYTES = 64 << 10;
const CAUSE_BYTES = 8192;
const VALUE_BYTES = 4096;
const WATCH_MS = 25;

interface Member {
  readonly worker: PoolWorker;
  readonly serial: number;
  /** Addresses reserved for it here and used there. */
  readonly room: number;
  readonly result: number;
  readonly causes: number;
  readonly values: number;
  elsewhere: number;
  elsewhereBytes: number;
  ready: boolean;
  missing: Map<number, string>;
  /** Jobs whose description it has. */
  readonly jobs: Set<number>;
  /** What it was sent of this batch. */
  readonly sent: Set<string>;
  running: Job | null;
  ticks: number;
}

interface Job {
  readonly task: HandedTask;
  readonly resolve: () => void;
}

export class CopiedExecutor implements Executor {
  readonly kind = 'copied';
  readonly workers: number;
  readonly #host: Host;
  readonly #pool: PoolHost;
  readonly #options: ExecutorOptions;
  readonly #onFault: WorkerFaultListener;
  readonly #cause: (text: string) => number;
  readonly #bindings = new Map<number, Binding>();
  readonly #extras = new Map<number, unknown>();
  readonly #members = new Map<number, Member>();
  readonly #off: (() => void)[] = [];
  #queue: Job[] = [];
  #listeners: (() => void)[] = [];
  #serial = 0;
  #given = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  #wake: (() => void) | null = null;
  #woken = false;
  #closed = false;

  constructor(host: Host, pool: PoolHost, options: ExecutorOptions, onFault: WorkerFaultListener,
              cause: (text: string) => number) {
    this.#host = host;
    this.#pool = pool;
    this.#options = options;
    this.#onFault = onFault;
    this.#cause = cause;
    this.workers = pool.workers.length;
    this.#off.push(pool.onMessage(WASM, (w, data) => this.#message(w, data as FromWorker)),
      pool.onUp(worker => this.#up(worker)), pool.onLost((w, cause_) => this.#lost(w, cause_)),
      pool.onGivenUp(() => this.#givenUp()));
  }

  #up(worker: PoolWorker): void {
    if (this.#closed) return;
    const before = this.#members.get(worker.slot);
    const { instance, core } = this.#host;
    const alloc = (bytes: number): number => this.#host.alloc(bytes);
    const places = before ?? { room: alloc(ROOM.size), result: alloc(RESULT.size),
      causes: alloc(CAUSE_BYTES + 8), values: alloc(VALUE_BYTES), elsewhere: alloc(SCRATCH_BYTES),
      elsewhereBytes: SCRATCH_BYTES };
    const member: Member = { worker, serial: ++this.#serial, room: places.room,
      result: places.result, causes: places.causes, values: places.values,
      elsewhere: places.elsewhere, elsewhereBytes: places.elsewhereBytes, ready: false,
      missing: new Map(), jobs: new Set(), sent: new Set(), running: null, ticks: 0 };
    if (!before) {
      instance.u32[member.room >> 2] = alloc(SCRATCH_BYTES);
      instance.u32[(member.room + ROOM.scratchBytes) >> 2] = SCRATCH_BYTES;
      instance.u32[(member.room + ROOM.guard) >> 2] = 0;
    }
    this.#members.set(worker.slot, member);
    this.#post(member, { kind: 'attach', module: core.compiled(false), memory: instance.pages,
      place: { slot: worker.slot, causes: member.causes, ticket: member.causes + CAUSE_BYTES },
      pool: 0, asleep: 0, stackTop: 0, scratch: member.values,
      bindings: [...this.#bindings.values()], tellsIdle: false, serial: member.serial });
  }

  #post(member: Member, message: ToWorker, transfer?: readonly Transferable[]): void {
    member.worker.post(WASM, message, transfer);
  }

  #message(worker: PoolWorker, message: FromWorker): void {
    if (message.kind === 'fault') {
      this.#onFault(worker.slot, message.system, unpackError(message.error as never),
                    message.block);
      return;
    }
    const member = this.#members.get(worker.slot);
    if (!member || member.serial !== message.serial) return;
    if (message.kind === 'done') return this.#done(member, message);
    if (message.kind === 'attached') {
      const extras = [...this.#extras];
      if (extras.length) {
        this.#post(member, { kind: 'extra', values: extras, serial: member.serial });
      }
    }
    if (message.kind === 'attached' || message.kind === 'bound') {
      for (const [id, why] of message.missing) member.missing.set(id, why);
    }
    member.ready = true;
    this.#tell();
    this.#serve();
  }

  #tell(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  async #settled(): Promise<void> {
    while (!this.#closed) {
      const members = [...this.#members.values()];
      if ((members.length || this.#given >= this.workers) && members.every(m => m.ready)) return;
      await new Promise<void>(resolve => this.#listeners.push(resolve));
    }
  }

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
    this.#host.ex['skep_host_executor']!(this.#host.address, this.workers, this.#options.deadlineMs,
      1, batchFlags(this.#options, check), 0, 0);
  }

  batch(): void {
    for (const member of this.#members.values()) member.sent.clear();
  }

  take(task: HandedTask): Promise<void> | undefined {
    if (this.#given >= this.workers) return undefined;
    this.#timer ??= setInterval(() => this.#watch(), WATCH_MS);
    return new Promise(resolve => {
      this.#queue.push({ task, resolve });
      this.#serve();
    });
  }

  wait(): Promise<void> {
    const woken = this.#woken;
    this.#woken = false;
    return woken ? Promise.resolve() : new Promise(resolve => { this.#wake = resolve; });
  }

  wake(): void {
    if (this.#wake) this.#wake();
    else this.#woken = true;
    this.#wake = null;
  }

  leave(): void {
    if (this.#timer) {
      clearInterval(this.#timer);
      this.#timer = null;
      }
  }

  #serve(): void {
    for (const member of this.#members.values()) {
      if (!this.#queue.length) return;
      if (member.ready && !member.running && member.worker.up) this.#send(member);
    }
  }

  #send(member: Member): void {
    const job = this.#queue.shift()!;
    const { task } = job;
    const { u8 } = this.#host.instance;
    const need = this.#host.ex['skep_task_bytes']!(task.task);
    if (need > member.elsewhereBytes) {
      this.#host.free(member.elsewhere, member.elsewhereBytes);
      member.elsewhereBytes = need * 2;
      member.elsewhere = this.#host.alloc(member.elsewhereBytes);
    }
    const ranges = this.#ranges(member, task);
    const bytes = ranges.reduce((sum, range) => sum + range[1], 8 * ranges.length);
    const payload = new ArrayBuffer(bytes);
    const head = new Uint32Array(payload, 0, 2 * ranges.length);
    const body = new Uint8Array(payload);
    let at = 8 * ranges.length;
    ranges.forEach(([address, length], i) => {
      head[2 * i] = address;
      head[2 * i + 1] = length;
      body.set(u8.subarray(address, address + length), at);
      at += length;
    });
    member.running = job;
    member.ticks = 0;
    this.#post(member, { kind: 'task', serial: member.serial, number: task.number, task: task.task,
      job: task.job, flags: task.flags, room: member.room, result: member.result,
      elsewhere: member.elsewhere, payload, ranges: ranges.length }, [payload]);
  }

  /** What a worker has not got yet of what a task reads. */
  #ranges(member: Member, task: HandedTask): [number, number][] {
    const host = this.#host;
    const list: [number, number][] = [];
    const take = (name: string, ...args: number[]): void => {
      host.call(name, ...args);
      const from = host.word(0) >> 2;
      for (let i = 0; i < host.word(1); i++) {
        const address = host.instance.u32[from + 2 * i]!;
        const bytes = host.instance.u32[from + 2 * i + 1]!;
        const key = `${address} ${bytes}`;
        if (member.sent.has(key)) continue;
        member.sent.add(key);
        list.push([address, bytes]);
      }
    };
    if (task.id >= 0 && !member.jobs.has(task.job)) {
      member.jobs.add(task.job);
      take('skep_host_job_ranges', task.job);
      list.push([member.room, ROOM.size]);
    } else if (!member.jobs.has(0)) {
      member.jobs.add(0);
      list.push([member.room, ROOM.size]);
    }
    take('skep_host_task_ranges', task.task, task.job);
    return list;
  }

  #done(member: Member, message: FromWorker & { kind: 'done' }): void {
    const job = member.running;
    if (!job || job.task.number !== message.number) return;
    member.running = null;
    const { output } = message;
    if (output.byteLength) {
      this.#host.instance.u8.set(new Uint8Array(output), member.elsewhere);
    }
    // A throw may be the worker's fault: such a task is tried once more.
    const status = message.status === STATUS.FAULT && job.task.id >= 0 ? STATUS.CLOSED
      : message.status;
    this.#deliver(job, status, message.cause, output.byteLength ? member.elsewhere : 0,
                  message.bytes, message.wanted, member.worker.slot);
    this.#serve();
  }

  #deliver(job: Job, status: number, cause: string, output: number, bytes: number, wanted: number,
           worker: number): void {
    this.#host.ex['skep_host_deliver']!(this.#host.address, job.task.number, status,
      cause ? this.#cause(cause) : 0, output, bytes, wanted, worker);
    job.resolve();
    this.wake();
  }

  #lost(worker: PoolWorker, cause: Error): void {
    const member = this.#members.get(worker.slot);
    if (!member) return;
    const job = member.running;
    member.running = null;
    member.ready = false;
    if (job) {
      this.#onFault(worker.slot, '', cause, -1);
      this.#deliver(job, STATUS.CLOSED, `${cause.name}: ${cause.message}`, 0, 0, 0, worker.slot);
    }
    this.#tell();
  }

  #givenUp(): void {
    this.#given++;
    this.#tell();
    if (this.#given < this.workers) return;
    const queue = this.#queue;
    this.#queue = [];
    for (const job of queue) {
      this.#deliver(job, STATUS.CLOSED, 'no worker can be had any more', 0, 0, 0, 1);
    }
  }

  #watch(): void {
    if (!this.#options.deadlineMs || debuggerOpen()) return;
    for (const member of this.#members.values()) {
      if (!member.running || ++member.ticks * WATCH_MS <= this.#options.deadlineMs) continue;
      member.ticks = -Infinity;
      void this.#pool.replace(member.worker, new DeadlineError(
        `deadline: the job ran longer than ${this.#options.deadlineMs} ms`,
        this.#options.deadlineMs));
    }
  }

  close(): void {
    this.#closed = true;
    this.leave();
    for (const off of this.#off) off();
    for (const member of this.#members.values()) {
      if (member.worker.up) this.#post(member, { kind: 'detach', serial: member.serial });
    }
    this.#tell();
  }
}
