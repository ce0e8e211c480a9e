// SPDX-License-Identifier: MIT
// What a pool and its workers say to each other. A worker begins with `hello` once its script has
// run, the pool answers `ready`, and from then on either side posts what the two tables list. Each
// message is an object whose key `skep` holds its type, so that a worker's own messages can share
// the channel. Both sides refuse a peer of another protocol.

import type { PackedError } from './faults.js';
import type { ColumnsPart, ColumnsResult } from './columns_run.js';

/** Changes with every change of the tables below. */
export const PROTOCOL = 2;

/** Where a worker finds a job: in its table of served jobs, or as an export of a module. */
export interface JobAddress {
  /** What errors call it. */
  readonly name: string;
  /** The same for equal addresses. */
  readonly key: string;
  /** The name under which it is served. */
  readonly served?: string | undefined;
  /** The module to import: a URL, an absolute path, or what can be resolved from the cwd. */
  readonly module?: string | undefined;
  /** Which export: its name, or that of a job; without it `handle` or the default. */
  readonly exported?: string | undefined;
}

/** Where a job failed: while its module was loaded, in the job, or when its result was posted. */
export type FaultStage = 'load' | 'job' | 'output';

/** From the pool to a worker. */
export interface ToWorker {
  /** `origin`: the pool's performance.timeOrigin, by which the worker finds out what the pool's
   * clock says. */
  ready: { protocol: number; slot: number; generation: number; origin: number };
  /** `first`: the worker has to say `started` when the job is loaded and about to run. `timed`: and
   * in its answer when the job began and ended, by the pool's clock. */
  run: { id: number; job: JobAddress; first: boolean; input: unknown; timed?: boolean };
  columns: { id: number; job: JobAddress; first: boolean; input: ColumnsPart };
  /** For a handler that was registered under `type`. */
  ext: { type: string; data: unknown };
  /** Ends the worker when it is idle. */
  close: Record<never, never>;
}

/** When a job ran, in milliseconds of the pool's performance.now(). */
export interface Times {
  began?: number;
  ended?: number;
}

/** From a worker to the pool. */
export interface ToPool {
  hello: { protocol: number; jobs: readonly string[] };
  /** The worker speaks another protocol than the pool's `ready`. */
  refuse: { protocol: number };
  started: { id: number };
  result: { id: number; value: unknown | ColumnsResult } & Times;
  /** `block`: of the rows, for columns. */
  error: {
    id: number;
    stage: FaultStage;
    error: PackedError;
    block: number | null;
    note?: string | undefined;
  } & Times;
  /** An error that no job's promise carries: the worker is to be replaced. */
  uncaught: { error: PackedError };
  ext: { type: string; data: unknown };
}

type Message<T> = { [K in keyof T]: { readonly skep: K } & Readonly<T[K]> }[keyof T];
export type WorkerMessage = Message<ToWorker>;
export type PoolMessage = Message<ToPool>;

/** Whether something that came over the channel is one of ours. */
export function isOurs(message: unknown): message is { readonly skep: string } {
  return (
    typeof message === 'object'
    && message !== null
    && typeof (message as { skep?: unknown }).skep === 'string'
  );
}

const STAGES: ReadonlySet<unknown> = new Set<FaultStage>(['load', 'job', 'output']);

/** What a worker posted: a message of the protocol, null for a damaged one (a job can post what it
 * likes by its worker's own means), undefined for one of a kind that is not known. */
export function readMessage(incoming: { readonly skep: string }): PoolMessage | null | undefined {
  const m = incoming as Readonly<Record<string, unknown>>;
  const names = m['jobs'];
  const block = m['block'];
  switch (m['skep']) {
    case 'hello':
      return Array.isArray(names) && names.every(name => typeof name === 'string')
        ? (incoming as PoolMessage)
        : null;
    case 'ext':
      return typeof m['type'] === 'string' ? (incoming as PoolMessage) : null;
    case 'error':
      return STAGES.has(m['stage'])
        && (block === null || Number.isInteger(block))
        && (m['note'] === undefined || typeof m['note'] === 'string')
        ? (incoming as PoolMessage)
        : null;
    case 'refuse':
    case 'started':
    case 'result':
    case 'uncaught':
      return incoming as PoolMessage;
    default:
      return undefined;
  }
}
