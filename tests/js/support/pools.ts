// SPDX-License-Identifier: MIT
// What the tests of the pool share: pools on each executor, workers that look like the web's, and
// gates on shared memory through which a test sees what a job does.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { createPortablePool, type PoolOptions, type PortablePool } from 'skep';
import type { PoolHost } from '../../../js/dist/pool/host.js';
import type { Act } from '../jobs/acts.ts';

/** The URL of a module of tests/js/jobs. */
export function jobUrl(name: string): URL {
  return pathToFileURL(join(import.meta.dirname, '..', 'jobs', name));
}

/** A Web Worker made of a Node worker: events instead of emitting, and no word of its end. */
export class WebLike extends EventTarget {
  readonly thread: Worker;

  constructor(script: URL) {
    super();
    this.thread = new Worker(new URL('./web_scope.mjs', import.meta.url), {
      workerData: { script: script.href },
    });
    this.thread.unref();
    this.thread.on('message', data => this.#dispatch('message', { data }));
    this.thread.on('messageerror', data => this.#dispatch('messageerror', { data }));
    this.thread.on('error', error => {
      this.#dispatch('error', { message: String(error), filename: script.href, lineno: 1, error });
    });
  }

  postMessage(message: unknown, transfer?: ArrayBuffer[]): void {
    this.thread.postMessage(message, transfer);
  }

  terminate(): void {
    void this.thread.terminate();
  }

  #dispatch(type: string, fields: object): void {
    this.dispatchEvent(Object.assign(new Event(type, { cancelable: true }), fields));
  }
}

const serveUrl = jobUrl('serve.ts');

/** How each executor is had. `killable`: its jobs can be stopped. `exits`: a job can exit. */
export const EXECUTORS = {
  node: { options: { executor: 'node' }, killable: true, exits: true },
  served: {
    options: { executor: 'node', createWorker: () => new Worker(serveUrl) },
    killable: true,
    exits: true,
  },
  web: {
    options: { executor: 'web', createWorker: () => new WebLike(serveUrl) },
    killable: true,
    exits: false,
  },
  local: { options: { executor: 'local' }, killable: false, exits: false },
} satisfies Record<string, { options: PoolOptions; killable: boolean; exits: boolean }>;

export type ExecutorName = keyof typeof EXECUTORS;
export const ALL = Object.keys(EXECUTORS) as ExecutorName[];
export const KILLABLE = ALL.filter(name => EXECUTORS[name].killable);
export const EXITING = ALL.filter(name => EXECUTORS[name].exits);

async function makePool(name: ExecutorName, options: PoolOptions): Promise<PortablePool> {
  return createPortablePool({ size: 1, ...EXECUTORS[name].options, ...options });
}

/** Makes a pool, hands it to `use`, and closes it whatever comes. */
export async function withFreshPool(
  name: ExecutorName,
  options: PoolOptions,
  use: (pool: PortablePool) => Promise<void>,
): Promise<void> {
  const pool = await makePool(name, options);
  try {
    await use(pool);
  } finally {
    await pool.close();
  }
}

const kept = new Map<string, Promise<PortablePool>>();

after(async () => {
  for (const pool of kept.values()) await (await pool).close();
});

/** Hands a pool to `use` that earlier tests of the file may have used, with the same options: what
 * they did to it must not matter, and starting workers is most of a test's time. */
export async function withPool(
  name: ExecutorName,
  options: PoolOptions,
  use: (pool: PortablePool) => Promise<void>,
): Promise<void> {
  const key = name + JSON.stringify(options);
  const pool = kept.get(key) ?? makePool(name, options);
  kept.set(key, pool);
  await use(await pool);
}

/** The executors' side of a pool, which is not in the package's declarations. */
export function hostOf(pool: PortablePool): PoolHost {
  return pool as unknown as PoolHost;
}

/** What a promise rejects with; fails when it does not. */
export async function failureOf<E extends Error = Error>(promise: Promise<unknown>): Promise<E> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error as E;
  }
  assert.fail(`it resolved with ${String(value)}, a rejection was expected`);
}

/** Two words of shared memory: how often a job came by, and whether it may go on. */
export class Gate {
  readonly memory = new SharedArrayBuffer(8);
  readonly #words = new Int32Array(this.memory);

  get passed(): number {
    return Atomics.load(this.#words, 0);
  }

  open(): void {
    Atomics.store(this.#words, 1, 1);
    Atomics.notify(this.#words, 1);
  }

  /** Waits until `count` jobs have come by. */
  async reached(count: number): Promise<void> {
    while (this.passed < count) await new Promise(resolve => setTimeout(resolve, 1));
  }
}

export function act(name: string, more: Omit<Act, 'act'> = {}): Act {
  return { act: name, ...more };
}

/** Runs a program in a process of its own: what it printed, and how it ended. */
export function runProgram(
  source: string,
  options: { args?: string[]; onOutput?: (text: string, pid: number) => void } = {},
): Promise<{ code: number | null; output: string }> {
  const { args = [], onOutput } = options;
  const child = spawn(process.execPath, [...args, '--input-type=module', '-e', source], {
    cwd: join(import.meta.dirname, '..', '..', '..'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  let output = '';
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
    onOutput?.(output, child.pid!);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return new Promise(resolve => child.on('close', code => resolve({ code, output })));
}
