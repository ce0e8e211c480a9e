// SPDX-License-Identifier: MIT
// The portable pool: jobs on Node's workers, on Web Workers, or in process, behind one call.
//
//     run(job, input) --> address --> queue --> worker | named worker | in process --> promise
//
// Every promise settles exactly once, whatever becomes of the job, its worker or the pool. Workers
// are made at the start and kept; another one is made only when one was lost.

/// <reference lib="esnext.disposable" preserve="true" />

import { ClosedError, type SkepError } from '../errors.js';
import type { AnyComponent } from '../component.js';
import { isJob, type AnyJob, type Job } from '../job.js';
import { addressOf, type JobName } from './address.js';
import { ColumnsCall, type ColumnsData, type ColumnsFrame, type Spare } from './columns.js';
import { BlockFault, runColumns, type ColumnsResult } from './columns_run.js';
import type { Crew } from './crew.js';
import { after, type Hold } from './env.js';
import { jobFault } from './faults.js';
import type { PoolHost, PoolWorker } from './host.js';
import type { LocalCrew } from './local.js';
import type { CloseOptions, ColumnsOptions, PoolKind, PoolOptions } from './options.js';
import type { JobAddress } from './protocol.js';
import { unknownName, type RawGroup } from './raw.js';
import type { PoolLimits, RunOptions, Task } from './task.js';
import type { Watch } from './watch.js';

/** What a pool is made of. */
export interface PoolParts {
  kind: PoolKind;
  limits: PoolLimits;
  fallback: string | null;
  crew: Crew | null;
  local: LocalCrew | null;
  raw: ReadonlyMap<string, RawGroup>;
  watch: Watch;
  hold: Hold;
  options: PoolOptions;
}

const CLOSE_MS = 1000;
const DRAIN_MS = 10000;
/** A drained worker may end itself in this time, so that its output and exit handlers run. */
const POLITE_MS = 200;

/** Waits, without keeping a process alive. */
export function pause(ms: number): Promise<void> {
  return new Promise(resolve => {
    after(ms, resolve);
  });
}

export class PortablePool {
  /** Where jobs run. */
  readonly kind: PoolKind;
  /** Workers, or jobs at a time in process. */
  readonly size: number;
  /** Why workers are not used, or null. */
  readonly fallback: string | null;
  readonly #parts: PoolParts;
  /** Result arrays of jobs over columns that went well the last time. */
  readonly #spares = new WeakMap<AnyJob, Spare[]>();
  #ids = 0;
  #active = 0;
  #held = 0;
  #closing: Promise<void> | null = null;
  #hurry: () => void = () => {};

  /** Use createPortablePool. @internal */
  constructor(parts: PoolParts) {
    this.kind = parts.kind;
    this.size = parts.limits.size;
    this.fallback = parts.fallback;
    this.#parts = parts;
    this.#holdOrNot();
  }

  /** Runs a job with an input that can be cloned, and resolves with its result. The input belongs
   * to the pool until then. Rejects with JobError (what the job threw is its `cause`),
   * DeadlineError, LimitError (queueMax), ClosedError, or the signal's reason. A job whose worker
   * is lost is tried once more. Costs a message there and back. */
  run(job: JobName, input?: unknown, options: RunOptions = {}): Promise<unknown> {
    return this.#submit(() => addressOf(this.#parts, job), {
      ...options,
      job: isJob(job) ? job : undefined,
      columns: false,
      input,
    });
  }

  /** Runs a job of defineJob over the caller's own arrays, in blocks of 1,024 rows on all workers
   * and the caller. `data` has {n, dt, time, tick, extra, entities} and the arrays by component and
   * field; workers read those on shared memory where they lie, and get copies of the rows of
   * others. Nothing is written unless all of it succeeded; only shared arrays of an `overwrite` job
   * that does not read them are written directly. The caller takes part once the job has succeeded
   * on a worker. Keeps arrays of the size of what is written for the next call. Rejects as `run`
   * does, or with SchemaError. */
  columns<R extends readonly AnyComponent[], W extends readonly AnyComponent[], X>(
    job: Job<R, W, X>,
    data: ColumnsData<R, W, X>,
    options: ColumnsOptions = {},
  ): Promise<void> {
    return this.#columns(job as AnyJob, data, options);
  }

  /** Whether the workers serve a job of this name. @internal */
  serves(name: string): boolean {
    return this.#parts.crew?.serves(name) ?? false;
  }

  /** Whether a string names a job of the workers, served or of browserWorkers. @internal */
  knows(name: string): boolean {
    return this.#parts.raw.has(name) || this.serves(name);
  }

  /** Ends the pool: see CloseOptions. Called again it returns the same promise; 'now' cuts a
   * drain short. Afterwards `run` rejects with ClosedError. */
  close(options: CloseOptions = {}): Promise<void> {
    const drain = options.mode === 'drain';
    if (this.#closing) {
      if (!drain) this.#hurry();
      return this.#closing;
    }
    this.#closing = this.#close(drain, options.timeoutMs ?? (drain ? DRAIN_MS : CLOSE_MS));
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Why no worker will be had any more: the restart budget is used up. @internal */
  get failed(): SkepError | null {
    return this.#parts.crew?.failed ?? null;
  }

  /** @internal */
  get workers(): readonly PoolWorker[] {
    return this.#parts.crew?.slots ?? [];
  }

  /** Workers that frames can use: those of `workers`, and one for each name. @internal */
  get threads(): number {
    return this.workers.length + this.#parts.raw.size;
  }

  /** @internal */
  onUp(call: (worker: PoolWorker) => void): () => void {
    for (const worker of this.workers) if (worker.up) call(worker);
    return this.#on('up', call);
  }

  /** @internal */
  onLost(call: (worker: PoolWorker, cause: Error) => void): () => void {
    return this.#on('lost', call);
  }

  /** @internal */
  onGivenUp(call: (worker: PoolWorker, cause: Error) => void): () => void {
    return this.#on('givenUp', call);
  }

  /** @internal */
  onMessage(type: string, call: (worker: PoolWorker, data: unknown) => void): () => void {
    return this.#on(`ext ${type}`, call);
  }

  /** @internal */
  replace(worker: PoolWorker, cause: Error): Promise<void> {
    return this.#parts.crew?.slots[worker.slot - 1]?.replace(cause) ?? Promise.resolve();
  }

  /** @internal */
  busy(worker: PoolWorker): boolean {
    return this.#parts.crew?.busy(worker.slot) ?? false;
  }

  /** @internal */
  keepAlive(on: boolean): void {
    this.#held = Math.max(0, this.#held + (on ? 1 : -1));
    this.#holdOrNot();
  }

  #on(event: string, call: (worker: PoolWorker, value: never) => void): () => void {
    return this.#parts.crew?.on(event, call) ?? (() => {});
  }

  #holdOrNot(): void {
    const { hold, options } = this.#parts;
    hold.set(
      this.#active > 0 || this.#held > 0 || this.#closing !== null || options.unref === false,
    );
  }

  #dispatchers(): { rejectAll(make: (task: Task) => Error): void; idle(): Promise<void> }[] {
    const { crew, local, raw } = this.#parts;
    return [crew, local, ...raw.values()].filter(c => c !== null).map(c => c.dispatcher);
  }

  async #close(drain: boolean, timeoutMs: number): Promise<void> {
    const { crew, raw, watch, hold } = this.#parts;
    hold.set(true);
    const closed = new Promise<void>(resolve => {
      this.#hurry = resolve;
    });
    if (drain) {
      await Promise.race([
        Promise.all(this.#dispatchers().map(d => d.idle())),
        pause(timeoutMs),
        closed,
      ]);
    }
    for (const d of this.#dispatchers()) {
      d.rejectAll(task => new ClosedError(`job "${task.address.name}": the pool was closed`));
    }
    for (const group of raw.values()) group.end();
    const limit = drain ? CLOSE_MS : timeoutMs;
    await Promise.race([crew?.end(drain ? Math.min(POLITE_MS, limit) : 0), pause(limit)]);
    watch.end();
    hold.end();
  }

  #submit(
    address: () => JobAddress,
    call: RunOptions & Pick<Task, 'job' | 'columns' | 'input'>,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closing) throw new ClosedError('the pool is closed');
      if (call.signal?.aborted) throw call.signal.reason;
      this.#start(this.#task(address(), call, resolve, reject));
    });
  }

  #task(
    address: JobAddress,
    call: RunOptions & Pick<Task, 'job' | 'columns' | 'input'>,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ): Task {
    const { signal } = call;
    const onAbort = signal ? () => task.cancel?.(signal.reason) : null;
    const settle = (end: (value: unknown) => void, value: unknown): void => {
      if (task.settled) return;
      task.settled = true;
      task.cancel = undefined;
      if (onAbort) signal!.removeEventListener('abort', onAbort);
      this.#active--;
      if (!this.#active) this.#holdOrNot();
      end(value);
    };
    const task: Task = {
      id: ++this.#ids,
      address,
      job: call.job,
      columns: call.columns,
      input: call.input,
      transfer: call.transfer,
      priority: call.priority ?? 0,
      signal,
      once: call.once,
      timed: call.timed,
      deadlineMs: call.deadlineMs ?? this.#parts.limits.deadlineMs,
      losses: 0,
      place: -1,
      settled: false,
      cancel: undefined,
      resolve: value => settle(resolve, value),
      reject: error => settle(reject, error),
    };
    if (onAbort) signal!.addEventListener('abort', onAbort);
    return task;
  }

  #start(task: Task): void {
    const { crew, local, raw } = this.#parts;
    this.#active++;
    if (this.#active === 1) this.#holdOrNot();
    const named = task.address.key.startsWith('raw ') ? raw.get(task.address.name) : undefined;
    if (named) named.dispatcher.submit(task);
    else if (crew) crew.submit(task);
    else if (local) local.dispatcher.submit(task);
    else task.reject(unknownName(task.address.name, [...raw.keys()], 'give createWorker as well'));
  }

  // The caller runs a share of its own only of a job that has gone well on a worker, and not failed
  // since: one that exits or loops for ever would take the caller down with it.
  async #columns(job: AnyJob, data: ColumnsFrame, options: ColumnsOptions): Promise<void> {
    const proven = this.#spares.get(job);
    const call = new ColumnsCall(job, data, proven ?? [], options.trusted ?? false);
    if (this.#closing) throw new ClosedError('the pool is closed');
    const least = this.kind === 'local' ? 0 : 1; // where none is up, one is waited for
    const workers = Math.max(least, this.workers.filter(worker => worker.up).length);
    const caller = !workers || proven !== undefined;
    const starts = call.starts(workers + (caller ? 1 : 0));
    if (!starts.length) return;
    const parts = starts.map((first, i) => ({ first, end: starts[i + 1] ?? call.n }));
    const mine = caller ? parts.at(-1) : undefined;
    const results = parts
      .filter(part => part !== mine)
      .map(({ first, end }) =>
        this.#submit(() => addressOf(this.#parts, job), {
          ...options,
          job,
          columns: true,
          input: () => call.cut(first, end, false),
        }),
      );
    if (mine) results.push(this.#share(call, mine.first, mine.end, options.signal));
    const settled = await Promise.allSettled(results);
    const failed = settled.find(result => result.status === 'rejected');
    if (failed) {
      this.#spares.delete(job);
      throw failed.reason;
    }
    const done = settled.map(result => (result as PromiseFulfilledResult<ColumnsResult>).value);
    done.forEach((result, i) => call.commit(parts[i]!.first, result));
    this.#spares.set(
      job,
      done.map(({ arrays }, i) => ({ arrays, rows: parts[i]!.end - parts[i]!.first })),
    );
  }

  async #share(
    call: ColumnsCall,
    first: number,
    end: number,
    signal: AbortSignal | undefined,
  ): Promise<ColumnsResult> {
    signal?.throwIfAborted();
    try {
      return runColumns(call.job, call.cut(first, end, true).part);
    } catch (error) {
      const block = error instanceof BlockFault ? error.block : null;
      throw jobFault(
        'job',
        { system: call.job.name, block },
        error instanceof BlockFault ? error.cause : error,
      );
    }
  }
}
