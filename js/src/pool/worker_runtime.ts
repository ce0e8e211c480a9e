// SPDX-License-Identifier: MIT
// A worker's side of the protocol, the same in worker_threads and Web Workers. One job at a time
// comes in by message, its result or error goes back; extensions (the executors) add message types
// of their own with registerHandler. Nothing here uses top-level await, which worker scripts that
// bundlers build as classic scripts cannot have.

import type { AnyJob } from '../job.js';
import { BlockFault, buffersOf, runColumns } from './columns_run.js';
import { builtin } from './env.js';
import { findUncloneable, packError } from './faults.js';
import {
  PROTOCOL,
  isOurs,
  type FaultStage,
  type PoolMessage,
  type Times,
  type ToWorker,
  type WorkerMessage,
} from './protocol.js';
import { addJob, callJob, fetchJob, findJob, jobs, loadJob, type LoadedJob } from './registry.js';

/** What an extension's handler gets beside its data. */
export interface WorkerContext {
  /** The worker's slot, from 1, and which of the slot's workers this is, from 1. */
  readonly slot: number;
  readonly generation: number;
  /** The served jobs by name. */
  readonly jobs: ReadonlyMap<string, AnyJob>;
  readonly loadJob: typeof loadJob;
  /** Milliseconds by which this thread's performance.now() is behind the pool's. */
  readonly clockShift: number;
  /** Whether jobs came by message that have not answered. */
  busy(): boolean;
  /** Posts an extension message to the pool. */
  post(type: string, data: unknown, transfer?: readonly Transferable[]): void;
}

/** Handles an extension's messages. `reply` posts under the same type. What it throws, or rejects
 * with, replaces the worker, so it should catch what it can. */
export type ExtensionHandler = (
  data: unknown,
  reply: (data: unknown, transfer?: readonly Transferable[]) => void,
  context: WorkerContext,
) => void | Promise<void>;

interface Port {
  post(message: PoolMessage, transfer?: readonly Transferable[]): void;
  listen(receive: (message: unknown) => void, garbled: () => void): void;
  end(): void;
}

const handlers = new Map<string, ExtensionHandler>();
let port: Port | null = null;
let here: WorkerContext | null = null;
/** Jobs that came by message and have not answered. */
let open = 0;

/** Has messages of a type handled, whenever they come. */
export function registerHandler(type: string, handler: ExtensionHandler): void {
  handlers.set(type, handler);
}

function nodePort(): Port | null {
  const parent = builtin<typeof import('node:worker_threads')>('node:worker_threads')?.parentPort;
  if (!parent) return null;
  return {
    post: (message, transfer) => parent.postMessage(message, transfer as never),
    listen(receive, garbled) {
      parent.on('message', receive);
      parent.on('messageerror', garbled);
    },
    end: () => process.exit(0),
  };
}

interface WebScope {
  readonly WorkerGlobalScope?: abstract new () => object;
  postMessage?(message: unknown, transfer?: readonly Transferable[]): void;
  addEventListener(type: string, listener: (event: never) => void): void;
  close?(): void;
}

function webPort(): Port | null {
  const scope = globalThis as unknown as WebScope;
  const kind = scope.WorkerGlobalScope;
  if (!kind || !(globalThis instanceof kind) || !scope.postMessage) return null;
  scope.addEventListener('unhandledrejection', (event: PromiseRejectionEvent) =>
    port?.post({ skep: 'uncaught', error: packError(event.reason) }),
  );
  // A page hears nothing of a worker that closes itself, and would wait for its deadline.
  const close = scope.close?.bind(scope);
  scope.close = () => {
    port?.post({ skep: 'uncaught', error: packError(new Error('the worker closed itself')) });
    close?.();
  };
  return {
    post: (message, transfer) => scope.postMessage!(message, transfer ?? []),
    listen(receive, garbled) {
      scope.addEventListener('message', (event: MessageEvent) => receive(event.data));
      scope.addEventListener('messageerror', garbled);
    },
    end: () => close?.(),
  };
}

function now(): number {
  return performance.now() + here!.clockShift;
}

/** When a job ran that began then; nothing where nobody asked. */
function timesOf(began: number): Times {
  return began ? { began, ended: now() } : {};
}

function postFault(
  id: number,
  stage: FaultStage,
  thrown: unknown,
  times: Times = {},
  note?: string,
): void {
  open--;
  const block = thrown instanceof BlockFault ? thrown.block : null;
  const error = packError(thrown instanceof BlockFault ? thrown.cause : thrown);
  port!.post({ skep: 'error', id, stage, error, note, block, ...times });
}

function postResult(
  id: number,
  value: unknown,
  times: Times,
  transfer?: readonly Transferable[],
): void {
  try {
    port!.post({ skep: 'result', id, value, ...times }, transfer);
    open--;
  } catch (error) {
    postFault(id, 'output', error, times, findUncloneable(value));
  }
}

type Call = ToWorker['run'] | ToWorker['columns'];

/** Runs a loaded job; synchronous ones answer within the same turn. */
function perform(message: Call, columns: boolean, job: LoadedJob): void {
  const { id } = message;
  if (message.first) port!.post({ skep: 'started', id });
  const began = 'timed' in message && message.timed ? now() : 0;
  try {
    if (columns) {
      const result = runColumns(job, message.input as ToWorker['columns']['input']);
      return postResult(id, result, {}, buffersOf(result.arrays));
    }
    const value = callJob(job, message.input);
    if (typeof (value as PromiseLike<unknown> | null)?.then !== 'function') {
      return postResult(id, value, timesOf(began));
    }
    Promise.resolve(value as PromiseLike<unknown>).then(
      result => postResult(id, result, timesOf(began)),
      error => postFault(id, 'job', error, timesOf(began)),
    );
  } catch (error) {
    postFault(id, 'job', error, timesOf(began));
  }
}

function call(message: Call, columns: boolean): void {
  open++;
  const found = findJob(message.job);
  if (found) return perform(message, columns, found);
  fetchJob(message.job).then(
    job => perform(message, columns, job),
    error => postFault(message.id, 'load', error),
  );
}

function extension(type: string, data: unknown): void {
  const handler = handlers.get(type);
  if (!handler) throw new Error(`no handler is registered for "${type}" messages`);
  const reply = (answer: unknown, transfer?: readonly Transferable[]): void =>
    here!.post(type, answer, transfer);
  Promise.resolve(handler(data, reply, here!)).catch((error: unknown) =>
    port!.post({ skep: 'uncaught', error: packError(error) }),
  );
}

function begin(message: ToWorker['ready']): void {
  if (message.protocol !== PROTOCOL) return port!.post({ skep: 'refuse', protocol: PROTOCOL });
  here = {
    slot: message.slot,
    generation: message.generation,
    jobs,
    loadJob,
    clockShift: performance.timeOrigin - message.origin,
    busy: () => open > 0,
    post: (type, data, transfer) => port!.post({ skep: 'ext', type, data }, transfer),
  };
}

function receive(incoming: unknown): void {
  if (!isOurs(incoming)) return;
  const message = incoming as WorkerMessage;
  if (message.skep === 'ready') return begin(message);
  if (!here) return;
  try {
    if (message.skep === 'run') call(message, false);
    else if (message.skep === 'columns') call(message, true);
    else if (message.skep === 'ext') extension(message.type, message.data);
    else if (message.skep === 'close') port!.end();
  } catch (error) {
    port!.post({ skep: 'uncaught', error: packError(error) });
  }
}

function greet(): void {
  port!.post({ skep: 'hello', protocol: PROTOCOL, jobs: [...jobs.keys()] });
}

/** Serves jobs in this worker: puts them into the table and, the first time, greets the pool. In a
 * realm that is no worker it fills the table only, for jobs in process. */
export function startWorker(list: readonly AnyJob[]): void {
  for (const job of list) addJob(job);
  if (port) return greet();
  port = nodePort() ?? webPort();
  if (!port) return;
  port.listen(receive, () =>
    port!.post({
      skep: 'uncaught',
      error: packError(new Error('a message could not be read in the worker')),
    }),
  );
  queueMicrotask(greet);
}
