// SPDX-License-Identifier: MIT
// Runs the tasks of jobs that get all rows: gathers their input, calls the job in the pool or here,
// and delivers what it gave. A task is delivered once, whatever comes after: a result that comes
// when the frame was given up, or after a tick that could not wait for it, is not heard. A job that
// was lost with its worker, or threw there, is tried once more by the plan, like any other task.

import { POOL_TASK, STATUS } from '../core/layout.js';
import type { Timed } from '../core/tracer.js';
import { DeadlineError, JobError, SkepError } from '../errors.js';
import { isJob } from '../job.js';
import type { JobAddress } from '../pool/protocol.js';
import type { PortablePool } from '../pool/pool.js';
import { fetchJob, findJob, jobs as servedJobs, type LoadedJob } from '../pool/registry.js';
import type { System } from '../system.js';
import type { World } from '../world.js';
import type { HandedTask } from './executor.js';
import { describe, type JobRuntime } from './job_runtime.js';
import {
  WholeBuffers,
  WholeTask,
  notesInput,
  packPatches,
  packResult,
  type ObjectChange,
  type WholeOutput,
} from './whole_job.js';
import { copyValue, runWhole, type WholeInput, type WholeResult } from './whole_run.js';

/** Something that went wrong, for the report. */
export interface Thrown {
  /** The worker that ran it, 0 the caller. */
  readonly worker: number;
  /** The system's name; '': whichever system the worker was running. */
  readonly system: string;
  readonly error: unknown;
  /** The block; -1: none. */
  readonly block: number;
  readonly code?: SkepError['code'];
}

/** What JavaScript is to do after a system's batch has committed. */
interface Applied {
  readonly system: System;
  readonly changes: readonly ObjectChange[];
  readonly dropped: number;
}

/** A task that has not ended. */
interface Flight {
  readonly system: System;
  readonly handed: HandedTask;
  readonly buffers: WholeBuffers;
  open: boolean;
  /** When it began, in milliseconds; 0: it is not traced, or was already. */
  began: number;
  /** When and where the pool ran it. */
  timed: Timed | undefined;
}

export class WholeTasks {
  readonly #world: World;
  readonly #runtime: JobRuntime;
  readonly #told: (thrown: Thrown) => void;
  readonly #flights = new Set<Flight>();
  /** Results that did not fit into their output area: the plan makes a larger one. */
  readonly #kept = new Map<number, WholeOutput>();
  #applied: Applied[] = [];

  constructor(world: World, runtime: JobRuntime, told: (thrown: Thrown) => void) {
    this.#world = world;
    this.#runtime = runtime;
    this.#told = told;
  }

  /** Nothing waits for the end of a batch. */
  get idle(): boolean {
    return this.#applied.length === 0;
  }

  /** A frame begins, or was given up: what still runs is not heard any more. */
  reset(): void {
    for (const flight of this.#flights) {
      flight.open = false;
      flight.system.buffers = null; // its job may go on writing there
    }
    // Clearing an empty set or map makes it anew.
    if (this.#flights.size) this.#flights.clear();
    if (this.#kept.size) this.#kept.clear();
    if (this.#applied.length) this.#applied = [];
  }

  /** Runs a task: in the pool where one is given, else here. undefined: it is done already.
   * `shared`: the job may have the world's memory. `wait`: it may give a promise. */
  run(
    handed: HandedTask,
    system: System,
    pool: PortablePool | null,
    shared: boolean,
    wait: boolean,
  ): Promise<void> | undefined {
    const kept = this.#kept.get(system.id);
    if (kept) {
      this.#finish(system, handed, kept);
      return undefined;
    }
    const buffers = (system.buffers ??= new WholeBuffers(this.#world.host, shared));
    const began = this.#world.host.tracer?.begin() ?? 0;
    const flight: Flight = { system, handed, buffers, open: true, began, timed: undefined };
    this.#flights.add(flight);
    try {
      const given = this.#call(flight, pool);
      if (!(given instanceof Promise)) return undefined;
      if (wait) return given;
      throw new SkepError(
        'E_UNSUPPORTED',
        `the job of system "${system.name}" gave a promise, or its `
          + 'module is not loaded, and tick() cannot wait',
        { hint: 'await initPool() loads modules; runFrame() waits for jobs' },
      );
    } catch (error) {
      this.#failed(flight, error, 0);
      return undefined;
    }
  }

  /** Calls the job; what it gives is delivered. */
  #call(flight: Flight, pool: PortablePool | null): Promise<void> | undefined {
    const { system, handed, buffers } = flight;
    const binding = system.whole!;
    const task = new WholeTask(this.#world, handed.task);
    const elsewhere = pool !== null && placeOf(system, pool) === 'pool';
    const extra = elsewhere ? system.lastExtra : copyValue(system.lastExtra);
    const input = task.input(binding, buffers, extra, !elsewhere);
    const take = (result: unknown): void => {
      if (!flight.open) return;
      try {
        const output = binding.notes
          ? packPatches(this.#world, task, binding, result, !elsewhere)
          : packResult(this.#world, task, binding, input, result as WholeResult, !elsewhere);
        this.#close(flight);
        this.#trace(flight, false);
        this.#finish(system, handed, output);
      } catch (error) {
        // Bad output of a worker is tried once more on another one.
        this.#failed(flight, error, flight.timed?.thread ?? 0);
      }
    };
    let given: unknown;
    if (input.n > 0 || !system.skipIfEmpty) {
      given = elsewhere ? this.#send(flight, input, pool) : here(system, input, pool);
    }
    if (typeof (given as PromiseLike<unknown> | null | undefined)?.then !== 'function') {
      take(given);
      return undefined;
    }
    // What a job in process does after it gave a promise happens between other things.
    if (!elsewhere) this.#trace(flight, false);
    return (given as Promise<unknown>).then(take, (error: unknown) =>
      this.#failed(flight, error, elsewhere ? workerOf(error) : 0, pool),
    );
  }

  #send(flight: Flight, input: WholeInput, pool: PortablePool): Promise<unknown> {
    const { began, system } = flight;
    flight.timed = { thread: 0, began: 0, ended: 0 };
    const given = inPool(system, input, pool, flight.timed);
    this.#world.host.tracer?.sent(began);
    return given;
  }

  /** Writes down where and when a task ran, or was lost. */
  #trace(flight: Flight, lost: boolean): void {
    const { began, timed, handed } = flight;
    const { tracer } = this.#world.host;
    if (!tracer || !began) return;
    flight.began = 0;
    if (!timed) tracer.block(0, handed.task, began, performance.now());
    else if (timed.ended) tracer.block(timed.thread, handed.task, timed.began, timed.ended);
    else if (lost && timed.thread) tracer.lost(timed.thread, handed.task, timed.began);
  }

  #close(flight: Flight): void {
    flight.open = false;
    this.#flights.delete(flight);
  }

  #finish(system: System, handed: HandedTask, output: WholeOutput): void {
    const { u32, u8 } = this.#world.host.instance;
    const word = (offset: number): number => u32[(handed.task + offset) >> 2]!;
    const cells = word(POOL_TASK.cellsBytes);
    const room = word(POOL_TASK.outputBytes) - cells;
    const bytes = cells + output.bytes.length;
    if (output.bytes.length > room) {
      this.#kept.set(system.id, output);
      const cause = this.#runtime.cause('the output area is full: raise patch_bytes_max');
      return this.#deliver(handed, STATUS.LIMIT, cause, 0, bytes, 0);
    }
    if (output.bytes.length) u8.set(output.bytes, word(POOL_TASK.output) + cells);
    this.#applied.push({ system, changes: output.changes, dropped: output.dropped });
    this.#deliver(handed, STATUS.OK, 0, bytes, 0, 0);
  }

  /** Tells what a job threw, or the pool said of it, or what is wrong with what it gave. `worker`:
   * that it ran in, 0 the caller. */
  #failed(flight: Flight, error: unknown, worker: number, pool: PortablePool | null = null): void {
    if (!flight.open) return;
    this.#close(flight);
    const { system, handed } = flight;
    const lost =
      error instanceof DeadlineError
      || (error instanceof JobError && error.code === 'E_WORKER_LOST');
    this.#trace(flight, lost);
    if (lost) this.#leave(flight, pool);
    const cause = lost ? error : causeOf(system, error);
    const code = error instanceof SkepError && error.code !== 'E_JOB' ? { code: error.code } : {};
    this.#told({ worker, system: system.name, error: cause, block: 0, ...code });
    // Whatever happened in a worker may be the worker's fault, but for a module that is not there.
    const again = worker > 0 && (code as { code?: string }).code !== 'E_MODULE';
    this.#deliver(
      handed,
      again ? STATUS.CLOSED : STATUS.FAULT,
      this.#runtime.cause(describe(cause)),
      0,
      0,
      worker,
    );
  }

  /** Leaves its memory to a worker that may still write there, until it is surely gone. */
  #leave({ system, buffers }: Flight, pool: PortablePool | null): void {
    if (system.buffers === buffers) system.buffers = null;
    const { host } = this.#world;
    void Promise.all((pool?.workers ?? []).map(worker => worker.gone)).then(() => {
      if (!host.closed) buffers.release();
    });
  }

  #deliver(
    handed: HandedTask,
    status: number,
    cause: number,
    bytes: number,
    wanted: number,
    worker: number,
  ): void {
    const { host } = this.#world;
    host.ex['skep_host_deliver']!(
      host.address,
      handed.number,
      status,
      cause,
      0,
      bytes,
      wanted,
      worker,
    );
  }

  /** Ends a task whose system has no input for its job. */
  fail(handed: HandedTask, system: System, error: unknown): void {
    this.#told({ worker: 0, system: system.name, error, block: 0 });
    this.#deliver(handed, STATUS.FAULT, this.#runtime.cause(describe(error)), 0, 0, 0);
  }

  /** After a batch has committed: makes the changes of object components of those systems whose
   * output counts, in the systems' order. */
  apply(): void {
    if (!this.#applied.length) return;
    const { host } = this.#world;
    const over: Applied[] = [];
    const rest: Applied[] = [];
    for (const applied of this.#applied) {
      const committed = host.withTexts([applied.system.name], ([name]) =>
        host.ex['skep_host_committed']!(host.address, name![0]),
      );
      (committed === 1 ? over : rest).push(applied);
    }
    this.#applied = rest;
    over.sort((a, b) => a.system.place - b.system.place);
    for (const { system, changes, dropped } of over) {
      const outcome = host.withTexts([system.name], ([name]) =>
        host.ex['skep_host_outcome']!(host.address, name![0]),
      );
      if (outcome !== 2) continue;
      for (const { known, entity, value } of changes) {
        this.#world.changeObject(known.info, entity, value);
      }
      this.#world.countDropped(dropped);
    }
  }
}

/** The worker that a pool's error names. */
function workerOf(error: unknown): number {
  const details = error instanceof DeadlineError ? error.cause : error;
  return details instanceof JobError ? details.worker : 0;
}

/** What a job threw; of a value that cannot be cloned the error that says where it is. */
function causeOf(system: System, error: unknown): unknown {
  if (!(error instanceof JobError) || error.cause === undefined) return error;
  const { cause } = error;
  if (!(cause instanceof Error) || cause.name !== 'DataCloneError') return cause;
  return new SkepError(
    error.code,
    error.message.replace(`job "${error.system}"`, `system "${system.name}"`),
    { cause, hint: 'pass only what structuredClone can copy' },
  );
}

// ---- where a job is -----------------------------------------------------------------------------

/** What the pool finds a notes' job by, or null. */
function nameIn(system: System, pool: PortablePool): string | null {
  const { nodeModule, browserJobName } = system.offload!;
  const name = browserJobName ?? system.name;
  if (pool.kind === 'node' && nodeModule !== undefined) return String(nodeModule);
  return pool.knows(name) ? name : null;
}

/** Where a notes' job is in this thread, or null. */
function addressHere(system: System): JobAddress | null {
  const { nodeModule, browserJobName } = system.offload!;
  const name = browserJobName ?? system.name;
  if (servedJobs.has(name)) return { name, key: name, served: name };
  if (nodeModule === undefined) return null;
  const module = String(nodeModule);
  return { name: module, key: module, module };
}

/** Where a system's job can run. */
export function placeOf(system: System, pool: PortablePool | null): 'pool' | 'here' | 'nowhere' {
  const workers = pool !== null && pool.kind !== 'local';
  if (!system.offload) {
    if (!system.job) return 'nowhere'; // a `run` alone
    const { name, module } = system.job;
    return workers && (pool.serves(name) || module !== undefined) ? 'pool' : 'here';
  }
  if (workers && nameIn(system, pool) !== null) return 'pool';
  // A page cannot import what is meant for Node.
  const address = addressHere(system);
  return address && (address.served !== undefined || pool?.kind !== 'web') ? 'here' : 'nowhere';
}

function inPool(
  system: System,
  input: WholeInput,
  pool: PortablePool,
  timed: Timed | undefined,
): Promise<unknown> {
  const limit = {
    ...(system.deadlineMs !== undefined && { deadlineMs: system.deadlineMs }),
    once: true,
    timed,
  };
  if (!system.offload) return pool.run(system.job!, input, limit);
  return pool.run(nameIn(system, pool)!, notesInput(input, system.whole!), limit);
}

function here(system: System, input: WholeInput, pool: PortablePool | null): unknown {
  if (!system.offload) return runWhole(system.job!, input);
  const address = addressHere(system);
  if (!address) {
    const name = system.offload.browserJobName ?? system.name;
    throw new SkepError('E_MODULE', `nobody has the job "${name}" of system "${system.name}"`, {
      hint:
        pool && pool.kind !== 'local'
          ? 'serve it in the module of createWorker, or name it in ' + 'browserWorkers'
          : 'serve it here, give offload.nodeModule, or a run as the fallback',
    });
  }
  const call = (job: LoadedJob): unknown => {
    const data = notesInput(input, system.whole!);
    return isJob(job) ? job.handle(data as never) : job(data);
  };
  const job = findJob(address);
  if (job) return call(job);
  return fetchJob(address).then(call, (error: unknown) => {
    throw new JobError(
      `the module of system "${system.name}" could not be loaded`,
      { system: system.name },
      { code: 'E_MODULE', cause: error },
    );
  });
}

/** Loads the module of a notes' job that runs in this thread. Never rejects. */
export async function preload(system: System): Promise<void> {
  const address = system.offload ? addressHere(system) : null;
  if (address && !findJob(address)) await fetchJob(address).catch(() => {});
}
