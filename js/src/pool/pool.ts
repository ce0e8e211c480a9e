// SPDX-License-Identifier: MIT
// The portable pool: jobs on Node's workers, on Web Workers, or in process, behind one call.
//
//     run(job, input) --> address --> queue --> worker | named worker | in process --> promise
//
// Every promise settles exactly once, whatever becomes of the job, its worker or the pool. Workers
// are made at the start and kept; another one is made only when one was lost.

import { ClosedError, JobError, SkepError } from '../errors.js';
import type { AnyComponent } from '../component.js';
import { isJob, type AnyJob, type Job } from '../job.js';
import { ColumnsCall, type ColumnsData, type ColumnsFrame } from './columns.js';
import { BlockFault, runColumns, type ColumnsResult } from './columns_run.js';
import { Crew } from './crew.js';
import { after, builtin, coreCount, isNode, makeHold, type Hold } from './env.js';
import { describe, jobFault, toError } from './faults.js';
import type { PoolHost, PoolWorker } from './host.js';
import { LocalCrew } from './local.js';
import type { JobAddress } from './protocol.js';
import { RawGroup, unknownName, type WorkerFactories } from './raw.js';
import { jobs } from './registry.js';
import type { RunOptions, Task } from './task.js';
import { Watch } from './watch.js';

export type { ColumnsData, ColumnsFrame } from './columns.js';
export type { PoolHost, PoolWorker } from './host.js';
export type { RunOptions } from './task.js';

/** Where jobs run. */
export type PoolKind = 'node' | 'web' | 'local';

/** Limits of a worker's memory, on Node; what goes past them ends the worker alone. */
export interface ResourceLimits {
  maxOldGenerationSizeMb?: number | undefined;
  maxYoungGenerationSizeMb?: number | undefined;
  codeRangeSizeMb?: number | undefined;
  stackSizeMb?: number | undefined;
}

export interface PoolOptions {
  /** Workers; by default one less than there are processors, at least 1. */
  size?: number | undefined;
  /** Makes a worker whose module calls serve(): a Web Worker, or one of worker_threads. */
  createWorker?: (() => unknown) | undefined;
  /** Workers by the name of their one job, which get the bare input and answer with the bare
   * result. */
  browserWorkers?: WorkerFactories | undefined;
  /** 'auto', the default, falls back to 'local' and says why; the others fail instead. */
  executor?: 'auto' | PoolKind | undefined;
  /** Milliseconds that a job may run, loading excluded; 1,000 by default, 0 is any time. In
   * process, where nothing can be stopped, 0 by default. */
  deadlineMs?: number | undefined;
  /** The most jobs that wait; 65,536 by default. */
  queueMax?: number | undefined;
  resourceLimits?: ResourceLimits | undefined;
  /** Milliseconds for a worker, or a job's module, to load; 10,000 by default. */
  startTimeoutMs?: number | undefined;
  /** Told once why workers are not used. Without it: one line on the console. */
  onFallback?: ((reason: string) => void) | undefined;
  /** false: the pool keeps a Node process alive until it is closed. By default it does so only
   * while something waits or runs. */
  unref?: boolean | undefined;
}

export interface CloseOptions {
  /** 'now', the default: what waits and runs is rejected with ClosedError. 'drain': it may finish
   * first. */
  mode?: 'now' | 'drain' | undefined;
  /** The longest that this takes: 1,000 ms by default, 10,000 to drain. */
  timeoutMs?: number | undefined;
}

export interface ColumnsOptions {
  signal?: AbortSignal | undefined;
  deadlineMs?: number | undefined;
  priority?: number | undefined;
}

/** What names a job: a module (URL, absolute path or importable name) that exports `handle` or a
 * default, a name that is served or is in browserWorkers, or a job of defineJob. */
export type JobName = string | URL | Job<never, never, never> | AnyJob;

/** What a pool is made of. */
interface Parts {
  kind: PoolKind;
  size: number;
  fallback: string | null;
  crew: Crew | null;
  local: LocalCrew | null;
  raw: ReadonlyMap<string, RawGroup>;
  watch: Watch;
  hold: Hold;
  options: PoolOptions;
}

const DEADLINE_MS = 1000;
const QUEUE_MAX = 65536;
const START_TIMEOUT_MS = 10000;
const CLOSE_MS = 1000;
const DRAIN_MS = 10000;
/** A drained worker may end itself in this time, so that its output and exit handlers run. */
const POLITE_MS = 200;

function pause(ms: number): Promise<void> {
  return new Promise(resolve => { after(ms, resolve); });
}

export class PortablePool implements PoolHost {
  /** Where jobs run. */
  readonly kind: PoolKind;
  /** Workers, or jobs at a time in process. */
  readonly size: number;
  /** Why workers are not used, or null. */
  readonly fallback: string | null;
  readonly #parts: Parts;
  readonly #proven = new WeakSet<AnyJob>();
  #ids = 0;
  #active = 0;
  #held = false;
  #closing: Promise<void> | null = null;
  #hurry: () => void = () => {};

  /** Use createPortablePool. @internal */
  constructor(parts: Parts) {
    this.kind = parts.kind;
    this.size = parts.size;
    this.fallback = parts.fallback;
    this.#parts = parts;
    this.#holdOrNot();
  }

  /** Runs a job with an input that can be cloned, and resolves with its result. The input belongs
   * to the pool until then. Rejects with JobError (what the job threw is its `cause`),
   * DeadlineError, LimitError (queueMax), ClosedError, or the signal's reason. A job whose worker
   * is lost is tried once more. Costs a message there and back. */
  run(job: JobName, input?: unknown, options: RunOptions = {}): Promise<unknown> {
    return this.#submit(() => this.#address(job), {
      job: isJob(job) ? job : undefined, columns: false, input, ...options,
    });
  }

  /** Runs a job of defineJob over the caller's own arrays, in blocks of 1,024 rows on all workers
   * and the caller. `data` has {n, dt, time, tick, extra, entities} and the arrays by component and
   * field. Arrays on shared memory are not copied. Nothing is written unless all of it succeeded;
   * only shared arrays of an `overwrite` job that does not read them are written directly. The
   * caller takes part once the job has succeeded on a worker. Rejects as `run` does, or with
   * SchemaError. */
  columns<R extends readonly AnyComponent[], W extends readonly AnyComponent[], X>(
    job: Job<R, W, X>, data: ColumnsData<R, W, X>, options: ColumnsOptions = {}): Promise<void> {
    return this.#columns(job as AnyJob, data, options);
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

  /** @internal */
  get workers(): readonly PoolWorker[] {
    return this.#parts.crew?.slots ?? [];
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
  keepAlive(on: boolean): void {
    this.#held = on;
    this.#holdOrNot();
  }

  #on(event: string, call: (worker: PoolWorker, value: never) => void): () => void {
    return this.#parts.crew?.on(event, call) ?? (() => {});
  }

  #holdOrNot(): void {
    const { hold, options } = this.#parts;
    hold.set(this.#active > 0 || this.#held || this.#closing !== null || options.unref === false);
  }

  #dispatchers(): { rejectAll(make: (task: Task) => Error): void; idle(): Promise<void> }[] {
    const { crew, local, raw } = this.#parts;
    return [crew, local, ...raw.values()].filter(c => c !== null).map(c => c.dispatcher);
  }

  async #close(drain: boolean, timeoutMs: number): Promise<void> {
    const { crew, raw, watch, hold } = this.#parts;
    hold.set(true);
    const closed = new Promise<void>(resolve => { this.#hurry = resolve; });
    if (drain) {
      await Promise.race([Promise.all(this.#dispatchers().map(d => d.idle())), pause(timeoutMs),
        closed]);
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

  #address(job: JobName): JobAddress {
    if (typeof job === 'string') return this.#addressOfName(job);
    if (job instanceof URL) return moduleAddress(job.href);
    if (!isJob(job)) {
      throw new SkepError('E_ARGUMENT', `${String(job)} names no job`,
        { hint: 'pass a module\'s URL, the name of a served job, or what defineJob returned' });
    }
    const { name, module } = job;
    if (this.kind === 'local') return { name, key: `\n${name}` };
    if (this.#parts.crew?.serves(name)) return { name, key: `\n${name}`, served: name };
    if (module && this.#parts.crew) return moduleAddress(module, name);
    throw new SkepError('E_ARGUMENT', `job "${name}" cannot be found by workers: it is not served, `
      + 'and has no module', { hint: 'defineJob({ ..., module: import.meta.url }, ...), or serve it '
      + 'and give createWorker' });
  }

  #addressOfName(name: string): JobAddress {
    const { crew, raw, options } = this.#parts;
    if (raw.has(name)) return { name, key: `raw ${name}` };
    const served = this.kind === 'local' ? jobs.has(name) : crew?.serves(name);
    if (served) return { name, key: `\n${name}`, served: name };
    const known = [...raw.keys(), ...(crew?.served() ?? jobs.keys())];
    if (/^\.\.?[/\\]/.test(name)) {
      throw new SkepError('E_ARGUMENT', `${name} is relative, and it is not known to what`,
        { hint: `pass new URL(${JSON.stringify(name)}, import.meta.url)` });
    }
    if (this.kind === 'local' && options.browserWorkers && Object.hasOwn(options.browserWorkers, name)) {
      throw unknownName(name, known, 'browserWorkers has a worker for it, but workers are not used: '
        + `${this.fallback ?? 'the executor is "local"'}; serve a job of this name in process`);
    }
    if (isNode() ? crew || this.kind === 'local' : looksLikeUrl(name) && (crew || !raw.size)) {
      return moduleAddress(isNode() ? name : new URL(name, globalThis.location?.href).href);
    }
    throw unknownName(name, known, 'serve a job of this name, or add it to browserWorkers');
  }

  #submit(address: () => JobAddress, call: RunOptions & Pick<Task, 'job' | 'columns' | 'input'>):
  Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closing) throw new ClosedError('the pool is closed');
      if (call.signal?.aborted) throw call.signal.reason;
      this.#start(this.#task(address(), call, resolve, reject));
    });
  }

  #task(address: JobAddress, call: RunOptions & Pick<Task, 'job' | 'columns' | 'input'>,
        resolve: (value: unknown) => void, reject: (error: unknown) => void): Task {
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
      id: ++this.#ids, address, job: call.job, columns: call.columns, input: call.input,
      transfer: call.transfer, priority: call.priority ?? 0, signal,
      deadlineMs: call.deadlineMs ?? this.#parts.options.deadlineMs
        ?? (this.kind === 'local' ? 0 : DEADLINE_MS),
      losses: 0, counted: 0, countedFrom: 0, place: -1, settled: false, cancel: undefined,
      resolve: value => settle(resolve, value), reject: error => settle(reject, error),
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
    else local!.dispatcher.submit(task);
  }

  // The caller runs a share of its own only of a job that has gone well on a worker, and not failed
  // since: one that exits or loops for ever would take the caller down with it.
  async #columns(job: AnyJob, data: ColumnsFrame, options: ColumnsOptions): Promise<void> {
    const call = new ColumnsCall(job, data);
    const workers = this.workers.filter(worker => worker.up).length || (this.kind === 'local' ? 0 : 1);
    const caller = !workers || this.#proven.has(job);
    const starts = call.starts(workers + (caller ? 1 : 0));
    const parts = starts.map((first, i) => ({ first, end: starts[i + 1] ?? call.n }));
    const mine = caller ? parts.at(-1) : undefined;
    const results = parts.filter(part => part !== mine).map(({ first, end }) =>
      this.#submit(() => this.#address(job), { job, columns: true, ...options,
        input: () => call.cut(first, end, false) }));
    if (this.#closing) throw new ClosedError('the pool is closed');
    if (mine) results.push(this.#share(call, mine.first, mine.end, options.signal));
    const settled = await Promise.allSettled(results);
    const failed = settled.find(result => result.status === 'rejected');
    if (failed) {
      this.#proven.delete(job);
      throw failed.reason;
    }
    settled.forEach((result, i) =>
      call.commit(starts[i]!, (result as PromiseFulfilledResult<ColumnsResult>).value));
    this.#proven.add(job);
  }

  async #share(call: ColumnsCall, first: number, end: number, signal: AbortSignal | undefined):
  Promise<ColumnsResult> {
    signal?.throwIfAborted();
    try {
      return runColumns(call.job, call.cut(first, end, true).part);
    } catch (error) {
      const block = error instanceof BlockFault ? error.block : null;
      throw jobFault('job', { system: call.job.name, block },
        error instanceof BlockFault ? error.cause : error);
    }
  }
}

function moduleAddress(module: string, exported?: string): JobAddress {
  return { name: exported ?? module, key: `${module}\n${exported ?? ''}`, module, exported };
}

function looksLikeUrl(name: string): boolean {
  return /^(\/|[A-Za-z][A-Za-z0-9+.-]+:)/.test(name);
}

function checkOptions(options: PoolOptions): void {
  const number = (name: keyof PoolOptions, least: number, whole: boolean): void => {
    const value = options[name];
    if (value === undefined) return;
    if (typeof value !== 'number' || !(value >= least) || (whole && !Number.isInteger(value))) {
      throw new SkepError('E_ARGUMENT', `createPortablePool: ${name} is ${String(value)}`,
        { hint: `pass a ${whole ? 'whole ' : ''}number of at least ${least}` });
    }
  };
  number('size', 1, true);
  number('queueMax', 0, false);
  number('deadlineMs', 0, false);
  number('startTimeoutMs', 1, false);
}

// The URL is made of parts, so that no bundler takes the runner for a worker of a page's code.
function nodeWorkerMaker(options: PoolOptions): (slot: number) => unknown {
  const threads = builtin<typeof import('node:worker_threads')>('node:worker_threads');
  if (!threads) throw new Error('this host has no worker_threads');
  const here = import.meta.url;
  const file = `./node_runner${here.endsWith('.ts') ? '.ts' : '.js'}`;
  const runner = new URL(file, here);
  const resourceLimits = options.resourceLimits as ResourceLimits & Record<string, number>;
  return slot => new threads.Worker(runner, {
    name: `skep ${slot}`, ...(resourceLimits ? { resourceLimits } : {}),
  });
}

function makerOf(kind: PoolKind, options: PoolOptions): ((slot: number) => unknown) | null {
  const { createWorker } = options;
  if (createWorker) return () => createWorker();
  return kind === 'node' ? nodeWorkerMaker(options) : null;
}

async function startCrew(kind: PoolKind, size: number, options: PoolOptions, watch: Watch):
Promise<Crew | null> {
  const make = makerOf(kind, options);
  if (!make) return null;
  const crew = new Crew({
    size, make, queueMax: options.queueMax ?? QUEUE_MAX,
    startTimeoutMs: options.startTimeoutMs ?? START_TIMEOUT_MS, retryFirst: kind === 'node',
  }, watch);
  try {
    await crew.start();
  } catch (error) {
    void crew.end(0);
    throw error;
  }
  return crew;
}

/** How long the first of the named workers may take to report that they are blocked. */
const BLOCKED_MS = 100;

/** Makes one worker a name, and waits a moment for the error event of those that are blocked: they
 * say nothing else. Rejects when all are. */
async function startRaw(kind: PoolKind, size: number, options: PoolOptions, watch: Watch,
                        alone: boolean): Promise<Map<string, RawGroup>> {
  const groups = new Map<string, RawGroup>();
  for (const [name, make] of Object.entries(options.browserWorkers ?? {})) {
    groups.set(name, new RawGroup(make, size, watch, options.queueMax ?? QUEUE_MAX));
  }
  if (kind !== 'web' || !groups.size) return groups;
  const causes: unknown[] = [];
  const blocked = new Promise<void>(resolve => {
    for (const group of groups.values()) {
      group.failed = cause => { if (causes.push(cause) === groups.size) resolve(); };
      try {
        group.open();
      } catch (error) {
        group.failed(toError(error));
      }
    }
  });
  if (alone) await Promise.race([blocked, pause(BLOCKED_MS)]);
  for (const group of groups.values()) group.failed = () => {};
  if (alone && causes.length >= groups.size) throw causes[0];
  return groups;
}

async function build(kind: PoolKind, fallback: string | null, options: PoolOptions):
Promise<PortablePool> {
  const size = options.size ?? Math.max(1, coreCount() - 1);
  const watch = new Watch();
  const hold = makeHold();
  hold.set(true);
  try {
    const crew = kind === 'local' ? null : await startCrew(kind, size, options, watch);
    const raw = kind === 'local' ? new Map<string, RawGroup>()
      : await startRaw(kind, size, options, watch, !crew);
    const local = kind === 'local' ? new LocalCrew(size, watch, options.queueMax ?? QUEUE_MAX)
      : null;
    return new PortablePool({ kind, size, fallback, crew, local, raw, watch, hold, options });
  } catch (error) {
    watch.end();
    hold.end();
    throw error;
  }
}

/** The kind that this host suggests, or why there are no workers. */
function suggest(options: PoolOptions): PoolKind | string {
  if (isNode()) return 'node';
  if (typeof Worker !== 'function') return 'this host has no Worker';
  if (!options.createWorker && !Object.keys(options.browserWorkers ?? {}).length) {
    return 'neither createWorker nor browserWorkers was given';
  }
  return 'web';
}

const said = new Set<string>();

function sayFallback(reason: string, options: PoolOptions): void {
  if (options.onFallback) return options.onFallback(reason);
  if (said.has(reason)) return;
  said.add(reason);
  console.warn(`fallback: workers not used: ${reason}; jobs run in process`);
}

/** Makes a pool: on Node with worker_threads, else with Web Workers where createWorker or
 * browserWorkers is given and workers start, else in process, which is then said once. Resolves
 * when the workers are up. Rejects with SkepError: E_ARGUMENT for an option that is none,
 * E_UNSUPPORTED when the executor that was asked for cannot be had. */
export async function createPortablePool(options: PoolOptions = {}): Promise<PortablePool> {
  checkOptions(options);
  const wanted = options.executor ?? 'auto';
  if (wanted === 'local') return build('local', null, options);
  const kind = wanted === 'auto' ? suggest(options) : wanted;
  let reason: string;
  if (kind === 'node' || kind === 'web') {
    try {
      if (kind === 'web' && !options.createWorker && !options.browserWorkers) {
        throw new Error('neither createWorker nor browserWorkers was given');
      }
      return await build(kind, null, options);
    } catch (error) {
      reason = describe(error);
      if (wanted !== 'auto') {
        throw new SkepError('E_UNSUPPORTED', `executor "${wanted}" cannot be used: ${reason}`,
          { cause: error });
      }
    }
  } else if (wanted === 'auto') {
    reason = kind;
  } else {
    throw new SkepError('E_ARGUMENT', `there is no executor "${String(wanted)}"`,
      { hint: 'auto, node, web or local' });
  }
  const pool = await build('local', reason, options);
  sayFallback(reason, options);
  return pool;
}
