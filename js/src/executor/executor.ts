// SPDX-License-Identifier: MIT
// Where the tasks of frames run: what all executors have in common, and the one without workers.

import type { Host } from '../core/host.js';
import { BATCH_CHECK, BATCH_FORCE, SLOT } from '../core/layout.js';
import type { AnyJob } from '../job.js';
import type { Binding } from './binding.js';
import { JobRuntime, type FaultListener, type Place } from './job_runtime.js';

/** The names of executors. */
export type ExecutorKind = 'local' | 'node' | 'web' | 'copied';

export interface ExecutorOptions {
  /** Milliseconds for a task where its system says nothing; 0: none. */
  readonly deadlineMs: number;
  /** Inputs of jobs are checked around each call. */
  readonly check: boolean;
  /** Small batches go to workers too. */
  readonly force: boolean;
}

/** What a job threw in a worker, for the report. */
export type WorkerFaultListener = (
  worker: number,
  system: string,
  error: unknown,
  block: number,
) => void;

/** A task that wasm left to JavaScript. */
export interface HandedTask {
  /** Its address, and the one of its job. */
  readonly task: number;
  readonly job: number;
  /** For skep_host_deliver. */
  readonly number: number;
  /** JavaScript's number of the job; -1: a C job. */
  readonly id: number;
  readonly flags: number;
}

export interface Executor {
  readonly kind: ExecutorKind;
  /** Workers beside the caller. */
  readonly workers: number;
  /** Makes a job known where tasks run. Returns why it cannot run there, or null. */
  bind(binding: Binding): Promise<string | null>;
  /** A job is no more. */
  forget(id: number): void;
  /** Hands out what systems' `extra` gave, before the tasks that read it. */
  setExtras(values: readonly (readonly [number, unknown])[]): Promise<void> | undefined;
  /** Tells wasm of itself. `check` is for this frame. */
  enter(check: boolean): void;
  /** A batch begins, with these flags: memory is not what it was in the last one. */
  batch(flags: number): void;
  /** Runs a task that wasm handed over because the executor asked for all of them; it is delivered
   * when it is done. undefined: the caller runs it. */
  take(task: HandedTask): Promise<void> | undefined;
  /** Resolves when it is worth to go on with the frame; undefined: it is already. `handed`: tasks
   * of JavaScript's own are at work, which need this thread's event loop. */
  wait(handed: boolean): Promise<unknown> | undefined;
  /** Makes the `wait` that goes on, or else the next one, resolve at once. */
  wake(): void;
  /** The shortest deadline that a system has of its own, in milliseconds. */
  watch(leastMs: number): void;
  /** Word of a fault in a worker is on its way. */
  owes(worker: number): boolean;
  /** The frame is over. */
  leave(): void;
  /** The frame is given up: nothing of it is delivered any more. Resolves when no worker writes to
   * what it was given. */
  abandon(): Promise<void>;
  close(): void;
}

/** The caller's place in the pool of an instance. */
export function callerPlace(host: Host): Place {
  const slot = host.layout.slots >> 2;
  return {
    slot: 0,
    causes: host.instance.u32[slot + SLOT.causes / 4]!,
    ticket: host.layout.ticket,
  };
}

/** Flags of batches. */
export function batchFlags(options: ExecutorOptions, check: boolean): number {
  return (options.force ? BATCH_FORCE : 0) | (options.check || check ? BATCH_CHECK : 0);
}

/** Runs everything on the caller, synchronously. */
export class LocalExecutor implements Executor {
  readonly kind = 'local';
  readonly workers = 0;
  readonly #host: Host;
  readonly #options: ExecutorOptions;

  constructor(host: Host, options: ExecutorOptions) {
    this.#host = host;
    this.#options = options;
  }

  bind(): Promise<string | null> {
    return Promise.resolve(null);
  }

  setExtras(): undefined {
    return undefined;
  }

  batch(): void {}

  enter(check: boolean): void {
    this.#host.ex['skep_host_executor']!(
      this.#host.address,
      0,
      0,
      0,
      batchFlags(this.#options, check),
      0,
      0,
    );
  }

  take(): undefined {
    return undefined;
  }

  wait(): undefined {
    return undefined;
  }

  forget(): void {}
  watch(): void {}
  wake(): void {}
  leave(): void {}
  close(): void {}

  owes(): boolean {
    return false;
  }

  abandon(): Promise<void> {
    return Promise.resolve();
  }
}

export type { AnyJob, FaultListener, JobRuntime };
