// SPDX-License-Identifier: MIT
// What an executor and its half in each worker say to each other, as extension messages of the
// pool.

import { STATUS } from '../core/layout.js';
import type { Binding } from './binding.js';
import type { Place } from './job_runtime.js';

/** The type of all these messages. */
export const WASM = 'wasm';

/** Makes a worker part of a world. */
export interface Attach {
  readonly kind: 'attach';
  readonly module: WebAssembly.Module;
  /** The world's memory, or the number of pages of one like it where memory cannot be shared. */
  readonly memory: WebAssembly.Memory | number;
  readonly place: Place;
  /** The slot's words: its futex, and the pool that they belong to. */
  readonly pool: number;
  readonly asleep: number;
  /** A word that is 1 when a message was posted that the worker may not have read. */
  readonly mail: number;
  readonly stackTop: number;
  /** Memory for single values, of 4 KiB. */
  readonly scratch: number;
  readonly bindings: readonly Binding[];
  /** What `extra` gave, for jobs by number. */
  readonly extras: readonly (readonly [number, unknown])[];
  /** The caller cannot wait for words of memory: the worker says when it has nothing to do. */
  readonly tellsIdle: boolean;
  /** Which attachment this is; later messages and answers name it. */
  readonly serial: number;
}

export interface Bind {
  readonly kind: 'bind';
  readonly bindings: readonly Binding[];
  readonly serial: number;
}

/** What `extra` gave, for jobs by number; answered, so that no task runs before it is there. */
export interface Extra {
  readonly kind: 'extra';
  readonly values: readonly (readonly [number, unknown])[];
  readonly serial: number;
}

/** Enters or leaves the loop over tasks. */
export interface Loop {
  readonly kind: 'go' | 'detach';
  readonly serial: number;
}

/** One task with all memory that it reads: [address, bytes]... then the bytes. */
export interface CopiedTask {
  readonly kind: 'task';
  readonly serial: number;
  /** Which message it is: the answer names it. */
  readonly id: number;
  readonly task: number;
  readonly job: number;
  readonly flags: number;
  readonly room: number;
  readonly result: number;
  readonly elsewhere: number;
  readonly payload: ArrayBuffer;
  /** A worker's own pages that are to be taken for the task's. */
  readonly ranges: number;
}

export type ToWorker = Attach | Bind | Extra | Loop | CopiedTask;

export type FromWorker =
  | {
      readonly kind: 'attached' | 'bound';
      readonly serial: number;
      /** Systems whose jobs this worker does not have, with the reason. */
      readonly missing: readonly (readonly [number, string])[];
    }
  | { readonly kind: 'extra' | 'idle'; readonly serial: number }
  | {
      readonly kind: 'fault';
      readonly system: string;
      readonly error: unknown;
      readonly block: number;
    }
  | {
      readonly kind: 'done';
      readonly serial: number;
      readonly id: number;
      readonly status: number;
      readonly cause: string;
      readonly bytes: number;
      readonly wanted: number;
      readonly output: ArrayBuffer;
      /** When it ran, in milliseconds of the host's performance.now(). */
      readonly began: number;
      readonly ended: number;
    };

/** Statuses that a task can end with. */
const ENDS: ReadonlySet<unknown> = new Set([STATUS.OK, STATUS.LIMIT, STATUS.FAULT, STATUS.ACCESS]);

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffffffff;
}

function isMissing(list: unknown): boolean {
  return (
    Array.isArray(list)
    && list.every(
      pair => Array.isArray(pair) && typeof pair[0] === 'number' && typeof pair[1] === 'string',
    )
  );
}

/** What a worker posted, or why it is no message of ours: a job can post what it likes by its
 * worker's own means, so nothing in it is taken on trust. */
export function readMessage(data: unknown): FromWorker | string {
  if (typeof data !== 'object' || data === null) return 'it is no object';
  const m = data as Record<string, unknown>;
  switch (m['kind']) {
    case 'attached':
    case 'bound':
      if (!isCount(m['serial']) || !isMissing(m['missing'])) return 'a list is damaged';
      break;
    case 'extra':
    case 'idle':
      if (!isCount(m['serial'])) return 'a number is damaged';
      break;
    case 'fault':
      if (typeof m['system'] !== 'string' || !Number.isInteger(m['block'])) {
        return 'a fault is damaged';
      }
      break;
    case 'done':
      if (!isCount(m['serial']) || !isCount(m['id'])) return 'a number is damaged';
      if (!ENDS.has(m['status'])) return 'a task cannot end with that status';
      if (!isCount(m['bytes']) || !isCount(m['wanted'])) return 'the size of the output is none';
      if (!(m['output'] instanceof ArrayBuffer)) return 'the output is no memory';
      if (typeof m['cause'] !== 'string') return 'the cause is no text';
      if (typeof m['began'] !== 'number' || typeof m['ended'] !== 'number') return 'a time is none';
      break;
    default:
      return 'it is of no kind that is known';
  }
  return data as FromWorker;
}
