// SPDX-License-Identifier: MIT
// The jobs of the tests of tracing: split, with all rows, asynchronous, and ones that take a while,
// throw or end their thread. The module is the same on Node and in browser workers.

import { defineComponent, defineJob } from 'skep/worker';

export const Spot = defineComponent({ name: 'Spot', fields: { x: 'f64' } });
export const Speed = defineComponent({ name: 'Speed', fields: { x: 'f64' } });
export const Mass = defineComponent({ name: 'Mass', fields: { kg: 'f64' } });
export const Late = defineComponent({ name: 'Late', fields: { n: 'u32' } });
export const Busy = defineComponent({ name: 'Busy', fields: { ms: 'f64' } });
export const Hp = defineComponent({ name: 'Hp', fields: { v: 'i32' } });

const module = import.meta.url;

export const drift = defineJob(
  { name: 'drift', reads: [Speed], writes: [Spot], module },
  ({ n, cols, out, dt }) => {
    for (let i = 0; i < n; i++) out.Spot.x[i] = cols.Spot.x[i]! + cols.Speed.x[i]! * dt;
  },
);

/** Called once, with all rows. */
export const weigh = defineJob(
  { name: 'weigh', writes: [Mass], split: false, module },
  ({ n, cols, out }) => {
    for (let i = 0; i < n; i++) out.Mass.kg[i] = cols.Mass.kg[i]! * 0.5 + n;
  },
);

/** The same, a little later. */
export const wait = defineJob(
  { name: 'wait', writes: [Late], split: false, module },
  async ({ n, cols, out }) => {
    await new Promise(resolve => setTimeout(resolve, 5));
    for (let i = 0; i < n; i++) out.Late.n[i] = cols.Late.n[i]! + 1;
  },
);

/** Takes so many milliseconds a block, and writes down how long that was. */
export const spin = defineJob<readonly [], readonly [typeof Busy], number>(
  { name: 'spin', writes: [Busy], module },
  ({ n, out, extra }) => {
    const began = performance.now();
    while (performance.now() < began + extra) continue;
    for (let i = 0; i < n; i++) out.Busy.ms[i] = performance.now() - began;
  },
);

/** Throws in the last block, which is not full, in the frames that `extra` names. */
export const frail = defineJob<readonly [], readonly [typeof Hp], readonly number[]>(
  { name: 'frail', writes: [Hp], module },
  ({ n, cols, out, tick, extra }) => {
    for (let i = 0; i < n; i++) out.Hp.v[i] = cols.Hp.v[i]! + 1;
    if (n < 1024 && extra.includes(tick)) throw new RangeError('on purpose');
  },
);

/** How a call of `mortal` ends its worker. Words: how many calls have begun; which of them does,
 * from 1; whether it waits until somebody else does; the thread of that call. */
export interface Fate {
  readonly words: SharedArrayBuffer;
}

/** Ends this thread if it is told to. Node's alone. */
function mayDie(fate: Fate): void {
  const words = new Int32Array(fate.words);
  if (Atomics.add(words, 0, 1) + 1 !== Atomics.load(words, 1)) return;
  Atomics.store(words, 3, process.getBuiltinModule('node:worker_threads').threadId);
  while (Atomics.load(words, 2)) continue;
  process.exit(3);
}

/** Goes well, but for one call, in which its thread dies. */
export const mortal = defineJob<readonly [], readonly [typeof Hp], Fate>(
  { name: 'mortal', writes: [Hp], module },
  ({ n, cols, out, extra }) => {
    mayDie(extra);
    for (let i = 0; i < n; i++) out.Hp.v[i] = cols.Hp.v[i]! + 1;
  },
);

/** The same with all rows. */
export const mortalWhole = defineJob<readonly [], readonly [typeof Hp], Fate>(
  { name: 'mortalWhole', writes: [Hp], split: false, module },
  ({ n, cols, out, extra }) => {
    mayDie(extra);
    for (let i = 0; i < n; i++) out.Hp.v[i] = cols.Hp.v[i]! + 1;
  },
);
