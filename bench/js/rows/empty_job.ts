// SPDX-License-Identifier: MIT
// What a job costs that does nothing: once right after another, when the worker is still awake, and
// once after a pause in which it went to sleep while the caller was busy. The limit is two words of
// shared memory, on which the caller waits by polling.

import { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { ParallelScheduler, createPortablePool } from 'skep';
import { Tinypool } from 'tinypool';
import workerpool from 'workerpool';
import emptyRows from '../jobs/empty_rows.ts';
import { makeMovers, tracingOf } from '../ours.ts';
import {
  expect,
  expectNumber,
  type Contender,
  type Row,
  type Subject,
  type Tracing,
} from '../row.ts';

const JOBS = new URL('../jobs/', import.meta.url);
const file = (name: string): string => new URL(name, JOBS).href;
const path = (name: string): string => new URL(name, JOBS).pathname;

/** Long enough for every pool's worker to go to sleep. */
const PAUSE_MS = 4;

export type Call = () => void | Promise<unknown>;

interface Pool {
  call: Call;
  trace?: Tracing;
  check?(runs: number): void;
  close(): void | Promise<void>;
}

/** A subject that calls the empty job, right away or after a pause. */
export function subjectOf(pool: Pool, asleep: boolean): Subject {
  const { call, check, close, trace } = pool;
  const subject: Subject = {
    run: call,
    check: runs => check?.(runs),
    ...(trace && !asleep && { trace }),
    close,
  };
  if (!asleep) return subject;
  subject.timed = async () => {
    const pause = performance.now() + PAUSE_MS;
    while (performance.now() < pause);
    const begin = process.hrtime.bigint();
    const done = call();
    if (done !== undefined) await done;
    return Number(process.hrtime.bigint() - begin);
  };
  return subject;
}

function ticketPool(): Promise<Pool> {
  const words = new Int32Array(new SharedArrayBuffer(12));
  const worker = new Worker(path('ticket.ts'), { workerData: words });
  let runs = 0;
  const send = (ticket: number): void => {
    Atomics.store(words, 0, ticket);
    if (Atomics.load(words, 2)) Atomics.notify(words, 0);
    while (Atomics.load(words, 1) !== ticket);
  };
  const pool: Pool = {
    call: () => send(++runs),
    check: wanted => expectNumber(words[1]!, wanted, 'the last ticket'),
    close: async () => {
      send(-1);
      await worker.terminate();
    },
  };
  return new Promise((resolve, reject) => {
    worker.once('online', () => resolve(pool));
    worker.once('error', reject);
  });
}

/** A frame of a job over two blocks; without a deadline the caller takes one of them. */
async function frame(deadlineMs?: number): Promise<Pool> {
  const { world } = makeMovers(2048);
  const sched = new ParallelScheduler(world, {
    size: 1,
    grain: 0,
    onFault: 'throw',
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  });
  await sched.initPool();
  expect(sched.executor.kind === 'node', `jobs run in process: ${sched.executor.fallback}`);
  sched.register(emptyRows);
  const { tasks } = await sched.runFrame(1);
  expectNumber(tasks, 2, 'tasks');
  return {
    call: () => sched.runFrame(1),
    trace: tracingOf(sched),
    check: runs => expectNumber(world.tick, runs + 1, 'frames'),
    async close() {
      await sched.close();
      world.dispose();
    },
  };
}

/** The pool's messages: what a job with an input of any kind costs. */
async function messagePool(): Promise<Pool> {
  const pool = await createPortablePool({ executor: 'node', size: 1 });
  const module = file('empty.ts');
  await pool.run(module);
  return { call: () => pool.run(module), close: () => pool.close() };
}

async function piscinaPool(): Promise<Pool> {
  const pool = new Piscina({ filename: file('empty.ts'), minThreads: 1, maxThreads: 1 });
  await pool.run(undefined);
  return {
    call: () => pool.run(undefined),
    check: runs => expect(pool.completed > runs, 'piscina ran too few'),
    close: () => pool.destroy(),
  };
}

async function tinypoolPool(): Promise<Pool> {
  const pool = new Tinypool({ filename: file('empty.ts'), minThreads: 1, maxThreads: 1 });
  await pool.run(undefined);
  return {
    call: () => pool.run(undefined),
    check: runs => expect(pool.completed > runs, 'tinypool ran too few'),
    close: () => pool.destroy(),
  };
}

async function workerpoolPool(): Promise<Pool> {
  const pool = workerpool.pool(path('empty_workerpool.ts'), {
    minWorkers: 1,
    maxWorkers: 1,
    workerType: 'thread',
  });
  await pool.exec('empty', []);
  return {
    call: async () => pool.exec('empty', []),
    check: () => expectNumber(pool.stats().pendingTasks, 0, 'pending tasks'),
    close: async () => void (await pool.terminate()),
  };
}

const POOLS: readonly [string, Contender['role'], () => Promise<Pool>][] = [
  ['two shared words', 'limit', ticketPool],
  ['skep frame', 'ours', () => frame()],
  ['skep frame, no deadline', 'ours', () => frame(0)],
  ['skep pool.run', 'ours', messagePool],
  ['piscina', 'peer', piscinaPool],
  ['tinypool', 'peer', tinypoolPool],
  ['workerpool', 'peer', workerpoolPool],
];

/** The contenders of both rows: call sites of `call` are the harness' alone, and each pool's own
 * code is its own. */
function contenders(asleep: boolean): Contender[] {
  return POOLS.map(([name, role, open]) => ({
    name,
    role,
    make: async () => subjectOf(await open(), asleep),
  }));
}

export const awake: Row = {
  name: 'empty-job',
  title: 'an empty job on a worker that is awake, there and back',
  unit: 'us',
  contenders: contenders(false),
  bars: [
    { of: 'skep frame', value: 2 },
    { of: 'skep frame, no deadline', value: 2 },
  ],
};

export const asleep: Row = {
  name: 'empty-job-asleep',
  title: 'an empty job on a worker that sleeps, there and back',
  unit: 'us',
  contenders: contenders(true),
  bars: [
    { of: 'skep frame', value: 60 },
    { of: 'skep frame, no deadline', value: 60 },
  ],
};
