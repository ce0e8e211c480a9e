// SPDX-License-Identifier: MIT
// Tasks on workers that have no memory in common with the world: in pages without isolation, and on
// Node when asked. Each task is sent with the bytes that it reads, which the worker puts at the
// same addresses of a memory of its own; what the task wrote comes back packed, is verified like
// any other output, and only then reaches the world. So nothing that a job does reaches it, and all
// of it costs two copies. Bytes that several tasks of a job read are sent to a worker once in a
// batch; another job gets them anew, since the one before may have written to them.

import type { Host } from '../core/host.js';
import { BATCH_RETRY, CAUSE_BYTES, POOL_TASK, RESULT, ROOM, STATUS } from '../core/layout.js';
import { ClosedError, SkepError } from '../errors.js';
import { debuggerOpen } from '../pool/env.js';
import { describe } from '../pool/faults.js';
import type { PoolHost } from '../pool/host.js';
import { CrewExecutor, type Member } from './crew.js';
import {
  batchFlags,
  type Executor,
  type ExecutorOptions,
  type HandedTask,
  type WorkerFaultListener,
} from './executor.js';
import type { FromWorker } from './messages.js';

const SCRATCH_BYTES = 64 << 10;
/** The most that is taken beyond what a task needs. */
const SPARE_BYTES = 1 << 20;
const VALUE_BYTES = 4096;

/** Addresses that are reserved here for a slot, and used in its worker. */
interface Places {
  readonly room: number;
  readonly result: number;
  readonly causes: number;
  readonly values: number;
  elsewhere: number;
  elsewhereBytes: number;
}

interface CopiedMember extends Member {
  readonly places: Places;
  /** Numbers of jobs whose description it has; -1: it has its room. */
  readonly jobs: Set<number>;
  /** What it was sent of this batch, for the job whose task it got last. */
  readonly sent: Set<string>;
  lastJob: number;
  running: Job | null;
}

interface Job {
  readonly task: HandedTask;
  readonly resolve: () => void;
  /** Which message it was sent by. */
  id: number;
  /** Bytes that its output has elsewhere. */
  bytes: number;
  /** When, in milliseconds; 0 where frames are not traced. */
  began: number;
}

export class CopiedExecutor extends CrewExecutor<CopiedMember> implements Executor {
  readonly kind = 'copied';
  readonly #cause: (text: string) => number;
  readonly #places = new Map<number, Places>();
  /** Slots whose workers failed a task of this batch. */
  readonly #tainted = new Set<number>();
  #queue: Job[] = [];
  #ids = 0;
  #wake: (() => void) | null = null;
  #woken = false;
  #serving = false;

  constructor(
    host: Host,
    pool: PoolHost,
    options: ExecutorOptions,
    onFault: WorkerFaultListener,
    cause: (text: string) => number,
  ) {
    super(host, pool, options, onFault);
    this.#cause = cause;
  }

  protected join(base: Member): ReturnType<CrewExecutor<CopiedMember>['join']> {
    const { instance, core } = this.host;
    const { slot } = base.worker;
    const places = this.#placesOf(slot);
    return {
      member: { ...base, places, jobs: new Set(), sent: new Set(), lastJob: 0, running: null },
      attach: {
        module: core.compiled(false),
        memory: instance.pages,
        pool: 0,
        asleep: 0,
        mail: 0,
        place: { slot, causes: places.causes, ticket: places.causes + CAUSE_BYTES },
        stackTop: 0,
        scratch: places.values,
        tellsIdle: false,
      },
    };
  }

  #placesOf(slot: number): Places {
    const before = this.#places.get(slot);
    if (before) return before;
    const { u32 } = this.host.instance;
    const alloc = (bytes: number): number => this.host.alloc(bytes);
    const places = {
      room: alloc(ROOM.size),
      result: alloc(RESULT.size),
      causes: alloc(CAUSE_BYTES + 8),
      values: alloc(VALUE_BYTES),
      elsewhere: alloc(SCRATCH_BYTES),
      elsewhereBytes: SCRATCH_BYTES,
    };
    u32[places.room >> 2] = alloc(SCRATCH_BYTES);
    u32[(places.room + ROOM.scratchBytes) >> 2] = SCRATCH_BYTES;
    u32[(places.room + ROOM.guard) >> 2] = 0;
    this.#places.set(slot, places);
    return places;
  }

  protected answer(member: CopiedMember, message: FromWorker): void {
    if (message.kind === 'attached') this.host.tracer?.worker(member.worker.slot, true);
    if (message.kind === 'done') this.#done(member, message);
    else if (message.kind !== 'fault') this.#serve();
  }

  // ---- frames -----------------------------------------------------------------------------------

  enter(check: boolean): void {
    this.host.ex['skep_host_executor']!(
      this.host.address,
      this.workers,
      this.options.deadlineMs,
      1,
      batchFlags(this.options, check),
      0,
      0,
    );
  }

  batch(flags: number): void {
    for (const member of this.members.values()) member.sent.clear();
    if (!(flags & BATCH_RETRY)) this.#tainted.clear();
  }

  take(task: HandedTask): Promise<void> | undefined {
    if (this.given >= this.workers) return undefined;
    this.arm();
    return new Promise(resolve => {
      this.#queue.push({ task, resolve, id: 0, bytes: 0, began: 0 });
      this.#serve();
    });
  }

  wait(): Promise<void> {
    const woken = this.#woken;
    this.#woken = false;
    return woken
      ? Promise.resolve()
      : new Promise(resolve => {
          this.#wake = resolve;
        });
  }

  wake(): void {
    this.#serve();
    if (this.#wake) this.#wake();
    else this.#woken = true;
    this.#wake = null;
  }

  owes(): boolean {
    return false; // word of a fault comes before the task's end, on the same way
  }

  /** Gives tasks to whoever is free, of other jobs of the pool too: what would wait there for one
   * would be lost with it. A second try is for one that did not fail the first, if one is there. */
  #serve(): void {
    if (this.#serving) return; // a task that could not be sent has ended
    this.#serving = true;
    try {
      this.#serveAll();
    } finally {
      this.#serving = false;
    }
  }

  #serveAll(): void {
    const free = [...this.members.values()].filter(
      m => m.ready && !m.running && m.worker.up && !this.pool.busy(m.worker),
    );
    for (const member of free) {
      while (!member.running) {
        const { slot } = member.worker;
        const others = [...this.members.keys()].some(other => !this.#tainted.has(other));
        const at = this.#queue.findIndex(
          job => !(job.task.flags & BATCH_RETRY) || !others || !this.#tainted.has(slot),
        );
        if (at < 0) break;
        this.#give(member, this.#queue.splice(at, 1)[0]!);
      }
    }
  }

  /** Sends a task. One that there is no memory to send ends so, and the frame goes on. */
  #give(member: CopiedMember, job: Job): void {
    try {
      this.#send(member, job);
    } catch (error) {
      if (member.running !== job) member.sent.clear();
      member.running = null;
      this.onFault(member.worker.slot, this.#systemOf(job), error, this.#blockOf(job));
      this.#deliver(job, STATUS.NO_MEMORY, describe(error), 0, 0, 0, member.worker.slot);
    }
  }

  #systemOf(job: Job): string {
    const { instance } = this.host;
    return instance.text(instance.u32[job.task.job >> 2]!);
  }

  #blockOf(job: Job): number {
    return this.host.instance.u32[(job.task.task + POOL_TASK.block) >> 2]!;
  }

  protected mayBlame(member: CopiedMember, system: string): boolean {
    return member.running !== null && this.#systemOf(member.running) === system;
  }

  #send(member: CopiedMember, job: Job): void {
    const { task } = job;
    const { places } = member;
    const { instance, tracer } = this.host;
    const { u8 } = instance;
    job.began = tracer?.begin() ?? 0;
    const need = (job.bytes = this.host.ex['skep_task_bytes']!(task.task));
    if (need > places.elsewhereBytes) {
      const bytes = need + Math.min(need, SPARE_BYTES);
      const larger = this.host.alloc(bytes);
      this.host.free(places.elsewhere, places.elsewhereBytes);
      places.elsewhereBytes = bytes;
      places.elsewhere = larger;
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
    this.looks.end(member.worker.slot);
    job.id = ++this.#ids;
    this.post(
      member,
      {
        kind: 'task',
        serial: member.serial,
        id: job.id,
        task: task.task,
        job: task.job,
        flags: task.flags,
        room: places.room,
        result: places.result,
        elsewhere: places.elsewhere,
        payload,
        ranges: ranges.length,
      },
      [payload],
    );
    tracer?.sent(job.began);
  }

  /** What a worker has not got yet of what a task reads. */
  #ranges(member: CopiedMember, task: HandedTask): [number, number][] {
    const { host } = this;
    const list: [number, number][] = [];
    if (member.lastJob !== task.job) member.sent.clear();
    member.lastJob = task.job;
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
    if (!member.jobs.has(-1)) list.push([member.places.room, ROOM.size]);
    if (task.id >= 0 && !member.jobs.has(task.id)) take('skep_host_job_ranges', task.job);
    member.jobs.add(-1).add(task.id);
    take('skep_host_task_ranges', task.task, task.job);
    return list;
  }

  override forget(id: number): void {
    super.forget(id);
    for (const member of this.members.values()) member.jobs.delete(id);
  }

  /** Takes a task's end, and nothing on trust: a job can post what it likes. */
  #done(member: CopiedMember, message: FromWorker & { kind: 'done' }): void {
    const job = member.running;
    const { output, cause, began, ended } = message;
    if (!job || job.id !== message.id) return;
    member.running = null;
    const { slot } = member.worker;
    if (job.began) this.host.tracer?.block(slot, job.task.task, began, ended);
    const bytes = output.byteLength;
    const whole = bytes === job.bytes;
    if (!whole && (bytes > 0 || message.status === STATUS.OK)) {
      // Were less taken, the rest would be what an earlier task left in that memory.
      const error = new SkepError(
        'E_ACCESS',
        `the worker gave ${bytes} bytes of output, the task has ${job.bytes}`,
      );
      this.onFault(slot, this.#systemOf(job), error, this.#blockOf(job));
      this.#deliver(job, STATUS.CLOSED, error.message, 0, 0, 0, slot);
    } else {
      if (bytes) this.host.instance.u8.set(new Uint8Array(output), member.places.elsewhere);
      // A throw may be the worker's fault: such a task is tried once more.
      const status =
        message.status === STATUS.FAULT && job.task.id >= 0 ? STATUS.CLOSED : message.status;
      this.#deliver(
        job,
        status,
        cause,
        bytes ? member.places.elsewhere : 0,
        message.bytes,
        message.wanted,
        slot,
      );
    }
    this.#serve();
  }

  #deliver(
    job: Job,
    status: number,
    cause: string,
    output: number,
    bytes: number,
    wanted: number,
    worker: number,
  ): void {
    if (status !== STATUS.OK) this.#tainted.add(worker);
    this.host.ex['skep_host_deliver']!(
      this.host.address,
      job.task.number,
      status,
      cause ? this.#cause(cause) : 0,
      output,
      bytes,
      wanted,
      worker,
    );
    job.resolve();
    this.wake();
  }

  protected left({ running, worker }: CopiedMember, cause: Error): void {
    const { tracer } = this.host;
    tracer?.worker(worker.slot, false);
    if (!running) return;
    if (running.began) tracer?.lost(worker.slot, running.task.task, running.began);
    this.onFault(worker.slot, '', cause, -1);
    this.#deliver(running, STATUS.CLOSED, `${cause.name}: ${cause.message}`, 0, 0, 0, worker.slot);
  }

  protected allGivenUp(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const job of queue) {
      this.#deliver(job, STATUS.CLOSED, 'no worker can be had any more', 0, 0, 0, 1);
    }
  }

  protected look(): void {
    this.#serve();
    const open = debuggerOpen();
    for (const member of this.members.values()) {
      if (member.running && !open) this.seen(member, member.running.task.number);
      else this.looks.end(member.worker.slot);
    }
  }

  abandon(): Promise<void> {
    const jobs = this.#queue;
    this.#queue = [];
    for (const member of this.members.values()) {
      if (!member.running) continue;
      jobs.push(member.running);
      member.running = null;
      void this.pool.replace(member.worker, new ClosedError('the frame was given up'));
    }
    for (const job of jobs) job.resolve();
    return Promise.resolve();
  }

  override close(): void {
    super.close();
    if (this.host.closed) return;
    for (const places of this.#places.values()) {
      const { u32 } = this.host.instance;
      this.host.free(u32[places.room >> 2]!, SCRATCH_BYTES);
      this.host.free(places.room, ROOM.size);
      this.host.free(places.result, RESULT.size);
      this.host.free(places.causes, CAUSE_BYTES + 8);
      this.host.free(places.values, VALUE_BYTES);
      this.host.free(places.elsewhere, places.elsewhereBytes);
    }
  }
}
