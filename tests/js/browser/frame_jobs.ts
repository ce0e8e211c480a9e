// SPDX-License-Identifier: MIT
// The jobs of the browser tests of frames: split, called once with all rows, asynchronous, and ones
// that go wrong. They are served by frame_worker.ts, and run in process as they are.

import { defineComponent, defineJob, type JobInput } from 'skep/worker';

export const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
export const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });
export const Odd = defineComponent({ name: 'Odd', fields: { n: 'u32' } });

export const move = defineJob(
  { name: 'move', reads: [Pos, Vel], writes: [Pos] },
  ({ n, cols, out, dt }) => {
    for (let i = 0; i < n; i++) {
      out.Pos.x[i] = cols.Pos.x[i]! + cols.Vel.x[i]! * dt;
      out.Pos.y[i] = cols.Pos.y[i]! + cols.Vel.y[i]! * dt;
    }
  },
);

/** Called once with all rows; says so by the number of rows. */
export const gather = defineJob(
  { name: 'gather', writes: [Odd], split: false },
  ({ n, cols, out }) => {
    for (let i = 0; i < n; i++) out.Odd.n[i] = cols.Odd.n[i]! + n;
  },
);

type BadInput = JobInput<readonly [], readonly [typeof Vel], { how: string; frame: number }>;

/** Goes wrong in one frame, in the way that `extra` names, after it wrote. */
export const bad = defineJob(
  { name: 'bad', writes: [Vel] },
  ({ n, out, tick, extra }: BadInput) => {
    for (let i = 0; i < n; i++) out.Vel.y[i]! += 1;
    if (tick !== extra.frame) return;
    if (extra.how === 'throw') throw new RangeError('thrown on purpose');
    if (extra.how === 'deep') dig(0);
    while (extra.how === 'hang') continue;
    if (extra.how === 'sleep') sleep();
  },
);

/** Never ends either, but leaves the processor to others: Chromium takes two seconds to end a
 * worker that does not end by itself. */
function sleep(): never {
  const word = new Int32Array(new SharedArrayBuffer(4));
  for (;;) Atomics.wait(word, 0, 0);
}

function dig(depth: number): number {
  return dig(depth + 1) + 1;
}

export const ALL = [move, gather, bad];
