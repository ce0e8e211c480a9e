// SPDX-License-Identifier: MIT
// A worker's half of the wasm executors. On shared memory it runs tasks until there is nothing to
// do, and then sleeps in naps on its word of memory, between which its event loop has turns; after
// some without work it waits by promise. On memory of its own it is sent each task with what that
// reads, and answers with what it wrote.

import { Instance } from '../core/instance.js';
import { RESULT, ROOM } from '../core/layout.js';
import { afterMessages } from '../pool/env.js';
import { packError } from '../pool/faults.js';
import { registerHandler, type WorkerContext } from '../pool/worker_runtime.js';
import { isJob, type AnyJob } from '../job.js';
import { JobRuntime } from './job_runtime.js';
import { WASM, type Attach, type CopiedTask, type FromWorker, type ToWorker } from './messages.js';
import type { Binding } from './binding.js';

/** How long a worker sleeps at a time before it lets its event loop have a turn. */
const NAP_MS = 5;
/** Naps without work until it waits by promise. From a nap it is woken at once, by the promise in
 * twice that time and more; but naps take half a percent of a core. */
const NAPS = 20;

type WaitAsync = (
  words: Int32Array,
  at: number,
  value: number,
  timeoutMs: number,
) => { async: true; value: Promise<string> } | { async: false; value: string };

/** After this a sleeper looks again, whether it was woken or not: on Firefox a wake-up of a
 * worker's worker was seen to get lost. */
export const LOOK_MS = 250;

/** Atomics.waitAsync, which not all browsers have. */
export const waitAsync = (Atomics as { waitAsync?: WaitAsync }).waitAsync;

class Attachment {
  readonly attach: Attach;
  readonly instance: Instance;
  readonly runtime: JobRuntime;
  readonly #context: WorkerContext;
  #left = false;

  constructor(attach: Attach, context: WorkerContext) {
    this.attach = attach;
    this.#context = context;
    const shared = typeof attach.memory !== 'number';
    const memory =
      typeof attach.memory === 'number'
        ? new WebAssembly.Memory({ initial: attach.memory, maximum: attach.memory })
        : attach.memory;
    this.instance = new Instance(attach.module, memory, shared, context.clockShift);
    if (attach.stackTop) this.instance.ex.__stack_pointer.value = attach.stackTop;
    this.runtime = new JobRuntime(this.instance, attach.place, (system, error, block) =>
      this.#send({ kind: 'fault', system, error: packError(error), block }),
    );
    for (const [id, value] of attach.extras) this.runtime.setExtra(id, value);
  }

  #send(message: FromWorker, transfer?: readonly Transferable[]): void {
    this.#context.post(WASM, message, transfer);
  }

  /** Finds the jobs' functions; says which cannot be had. */
  async bind(bindings: readonly Binding[], kind: 'attached' | 'bound'): Promise<void> {
    const missing: [number, string][] = [];
    for (const binding of bindings) {
      try {
        const job = await this.#find(binding);
        this.runtime.add(binding, job.handle as never, this.attach.scratch);
      } catch (error) {
        missing.push([binding.id, error instanceof Error ? error.message : String(error)]);
      }
    }
    this.#send({ kind, serial: this.attach.serial, missing });
  }

  async #find(binding: Binding): Promise<AnyJob> {
    const served = this.#context.jobs.get(binding.job);
    if (served) return served;
    if (binding.module === undefined) {
      throw new Error(
        `the worker does not serve job "${binding.job}", and the job names no module: `
          + 'serve it, or pass module: import.meta.url to defineJob',
      );
    }
    const job = await this.#context.loadJob(binding.module, binding.job);
    if (!isJob(job)) throw new Error(`${binding.module} has no job "${binding.job}"`);
    return job;
  }

  /** Runs tasks; when there are none, comes back once there are. */
  loop(): void {
    const { attach, instance } = this;
    while (!this.#left) {
      const end = instance.ex['skep_worker_run']!(attach.pool, attach.place.slot);
      if (end !== 0) return;
      if (attach.tellsIdle) this.#send({ kind: 'idle', serial: attach.serial });
      if (this.#nap()) continue;
      void this.#rest().then(() => this.loop());
      return;
    }
  }

  /** Sleeps while the word says so, for a moment; false when it still does, or when somebody waits
   * for the event loop. */
  #nap(): boolean {
    const { attach, instance } = this;
    const busy = this.#context.busy();
    const mailed = (): boolean => Atomics.exchange(instance.i32, attach.mail >> 2, 0) !== 0;
    if ((busy && waitAsync) || mailed()) return false;
    const woken = Atomics.wait(instance.i32, attach.asleep >> 2, 1, busy ? 1 : NAP_MS);
    return woken !== 'timed-out' && !mailed();
  }

  /** Sleeps on, and lets messages, timers and promises have their turns between naps. */
  async #rest(): Promise<void> {
    const { i32 } = this.instance;
    const at = this.attach.asleep >> 2;
    for (let naps = 1; ; naps++) {
      await new Promise<void>(afterMessages);
      if (this.#left || Atomics.load(i32, at) !== 1) return;
      if (waitAsync && (naps > NAPS || this.#context.busy())) {
        const waited = waitAsync(i32, at, 1, LOOK_MS);
        if (waited.async) await waited.value;
        return;
      }
      if (this.#nap()) return;
    }
  }

  leave(): void {
    this.#left = true;
  }

  /** Runs one task on this worker's own memory. */
  task(message: CopiedTask): void {
    const { instance } = this;
    const { u8, u32, ex } = instance;
    const payload = new Uint8Array(message.payload);
    const head = new Uint32Array(message.payload, 0, 2 * message.ranges);
    let at = 8 * message.ranges;
    for (let i = 0; i < message.ranges; i++) {
      const bytes = head[2 * i + 1]!;
      u8.set(payload.subarray(at, at + bytes), head[2 * i]!);
      at += bytes;
    }
    u32[(message.room + ROOM.elsewhere) >> 2] = message.elsewhere;
    u8.fill(0, message.result, message.result + RESULT.size);
    const began = performance.now() + this.#context.clockShift;
    instance.imports.guard(
      message.task,
      message.job,
      message.flags,
      message.room,
      message.result,
      ex.__stack_pointer.value as number,
    );
    const ended = performance.now() + this.#context.clockShift;
    const word = (offset: number): number => u32[(message.result + offset) >> 2]!;
    const cause = word(RESULT.cause);
    const length = word(RESULT.output) ? ex['skep_task_bytes']!(message.task) : 0;
    const output = u8.slice(message.elsewhere, message.elsewhere + length).buffer as ArrayBuffer;
    this.#send(
      {
        kind: 'done',
        serial: message.serial,
        id: message.id,
        status: word(RESULT.status),
        cause: cause ? instance.text(cause) : '',
        bytes: word(RESULT.bytes),
        wanted: word(RESULT.wanted),
        output,
        began,
        ended,
      },
      [output],
    );
  }
}

let attached: Attachment | null = null;

async function handle(message: ToWorker, context: WorkerContext): Promise<void> {
  if (message.kind === 'attach') {
    attached?.leave();
    attached = new Attachment(message, context);
    return attached.bind(message.bindings, 'attached');
  }
  if (!attached || attached.attach.serial !== message.serial) return;
  switch (message.kind) {
    case 'bind':
      return attached.bind(message.bindings, 'bound');
    case 'extra':
      for (const [id, value] of message.values) attached.runtime.setExtra(id, value);
      context.post(WASM, { kind: 'extra', serial: message.serial } satisfies FromWorker);
      return;
    case 'go':
      return attached.loop();
    case 'task':
      return attached.task(message);
    case 'detach':
      return attached.leave();
  }
}

/** Makes this worker ready for executors. */
export function installWasm(): void {
  registerHandler(WASM, (data, _reply, context) => handle(data as ToWorker, context));
}
