// SPDX-License-Identifier: MIT
// A job that does what its input says, good and bad: what the tests of the pool run on every
// executor, unchanged. Plain modules' way (handle, default) and defineJob's at once.

import { workerData } from 'node:worker_threads';
import { defineJob } from 'skep/worker';

export interface Act {
  act: string;
  value?: unknown;
  ms?: number;
  gate?: SharedArrayBuffer;
}

class OddError extends Error {
  override name = 'OddError';
  readonly shelf = 7;
  readonly parts = { a: [1, 2], when: new Date(0) };
  readonly call = () => 'a function cannot be cloned';
}

function odd(): never {
  const root = new RangeError('the root');
  Object.assign(root, { code: 'E_ROOT' });
  throw new OddError('odd', { cause: new TypeError('between', { cause: root }) });
}

function grow(): never {
  const kept: unknown[][] = [];
  for (;;) kept.push(new Array(100_000).fill(kept.length).map(String));
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

function deep(n: number): number {
  return n + deep(n + 1);
}

/** Counts at the gate how often it came by, and gives the number before. */
function passed(gate: SharedArrayBuffer, at = 0): number {
  return Atomics.add(new Int32Array(gate), at, 1);
}

const ACTS: Record<string, (input: Act) => unknown> = {
  echo: ({ value }) => value,
  double: ({ value }) => (value as number) * 2,
  later: async ({ value, ms }) => {
    await sleep(ms ?? 1);
    return value;
  },
  /** Takes many short turns, so that a process that is stopped finds it unfinished. */
  steps: async ({ value }) => {
    for (let i = 0; i < 20; i++) await sleep(15);
    return value;
  },
  throw: () => {
    throw new TypeError('thrown on purpose');
  },
  reject: async () => {
    await sleep(1);
    throw new TypeError('rejected on purpose');
  },
  odd,
  throwText: () => {
    throw 'only text';
  },
  throwFunction: () => {
    throw () => 1;
  },
  circular: () => {
    const error: Error = new Error('its own cause');
    error.cause = error;
    throw error;
  },
  hostile: () => {
    throw Object.defineProperty(new Error('x'), 'name', {
      enumerable: true,
      get() {
        throw new Error('no name');
      },
    });
  },
  exit0: () => process.exit(0),
  exit1: () => process.exit(1),
  exitAfterAnswer: () => {
    setTimeout(() => process.exit(1), 5);
    return 'answered';
  },
  uncaught: ({ ms }) => {
    setTimeout(() => {
      throw new RangeError('uncaught on purpose');
    }, ms ?? 1);
    return new Promise(() => {});
  },
  unhandled: () => {
    void Promise.reject(new RangeError('unhandled on purpose'));
    return new Promise(() => {});
  },
  loop: ({ gate }) => {
    if (gate) passed(gate);
    for (;;);
  },
  never: ({ gate }) => {
    if (gate) passed(gate);
    return new Promise(() => {});
  },
  grow,
  deep: () => deep(0),
  trap: () => {
    const bytes = Uint8Array.of(
      0,
      97,
      115,
      109,
      1,
      0,
      0,
      0,
      1,
      4,
      1,
      96,
      0,
      0,
      3,
      2,
      1,
      0,
      7,
      5,
      1,
      1,
      116,
      0,
      0,
      10,
      5,
      1,
      3,
      0,
      0,
      11,
    );
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    (instance.exports as { t(): void }).t();
  },
  giveFunction: () => ({ list: [1, { call: () => 1 }] }),
  givePromise: () => ({ wait: Promise.resolve(1) }),
  giveGetter: () => ({
    get sour(): number {
      throw new Error('sour');
    },
  }),
  change: ({ value }) => {
    (value as { n: number }).n = 99;
    return (value as { n: number }).n;
  },
  keep: ({ value }) => value,
  /** Exits the first time, and answers the second. */
  exitOnce: ({ gate }) => {
    if (passed(gate!) === 0) process.exit(1);
    return 'second time';
  },
  pass: ({ gate, value }) => {
    passed(gate!);
    return value;
  },
  /** Waits until the gate's second word is set. */
  wait: ({ gate, value }) => {
    passed(gate!);
    Atomics.wait(new Int32Array(gate!), 1, 0);
    return value;
  },
  spin: ({ ms, value }) => {
    for (const end = performance.now() + ms!; performance.now() < end;);
    return value;
  },
  name: () => (workerData as { name?: string } | null)?.name ?? 'none',
  sum: ({ value }) => (value as Float64Array).reduce((a, b) => a + b, 0),
};

export function handle(input: Act): unknown {
  const act = ACTS[input.act];
  if (!act) throw new Error(`there is no act ${input.act}`);
  return act(input);
}

/** The same as a job, with its module, so that a worker without a table finds it as well. */
export const acts = defineJob({ name: 'acts', module: import.meta.url }, handle as never);

export default acts;
