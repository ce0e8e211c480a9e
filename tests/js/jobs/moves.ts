// SPDX-License-Identifier: MIT
// Jobs over columns, for pool.columns.

import { defineComponent, defineJob, defineTag, type Entity } from 'skep/worker';

export const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
export const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });
export const Many = defineComponent({
  name: 'Many',
  fields: { m: ['i16', 3], id: 'u32', wide: 'i64', on: 'bool', raw: 'bytes[5]', who: 'entity' },
});
export const Count = defineComponent({ name: 'Count', fields: { rows: 'f64', first: 'f64' } });
export const Bag = defineComponent({ name: 'Bag', defaults: () => ({ list: [] as number[] }) });
export const Red = defineTag('Red');

const module = import.meta.url;

export const move = defineJob(
  { name: 'move', reads: [Pos, Vel], writes: [Pos], module },
  ({ n, cols, out, dt }) => {
    for (let i = 0; i < n; i++) {
      out.Pos.x[i] = cols.Pos.x[i]! + cols.Vel.x[i]! * dt;
      out.Pos.y[i] = cols.Pos.y[i]! + cols.Vel.y[i]! * dt;
    }
  },
);

/** Throws in the block that holds row `extra`, after it wrote. */
export const breakAt = defineJob(
  { name: 'breakAt', reads: [Vel], writes: [Pos], module },
  ({ n, out, entities, extra }) => {
    out.Pos.x.fill(-1);
    for (let i = 0; i < n; i++) {
      if (entities.at(i) === (extra as unknown as Entity)) throw new RangeError(`row ${i}`);
    }
  },
);

/** Writes to what it may only read. */
export const trespass = defineJob(
  { name: 'trespass', reads: [Vel], writes: [Pos], module },
  ({ n, cols, out }) => {
    for (let i = 0; i < n; i++) out.Pos.x[i] = cols.Vel.x[i]!;
    (cols.Vel.x as unknown as Float32Array).fill(-7);
  },
);

/** Reaches for a component that is not in `writes`. */
export const reachOut = defineJob(
  { name: 'reachOut', reads: [Vel], writes: [Pos], module },
  input => {
    (input.out as unknown as { Vel: { x: Float32Array } }).Vel.x[0] = 1;
  },
);

/** Shows how it was called: rows, the length of the columns, and the first handle. */
export const count = defineJob(
  { name: 'count', reads: [Count], writes: [Count], module },
  ({ n, cols, out, entities }) => {
    if (cols.Count.rows.length !== n || out.Count.rows.length !== n) {
      throw new Error(`${n} rows, columns of ${cols.Count.rows.length}`);
    }
    out.Count.rows.fill(n);
    for (let i = 0; i < n; i++) out.Count.first[i] = entities.at(i);
  },
);

export const countWhole = defineJob(
  { name: 'countWhole', writes: [Count], split: false, module },
  ({ n, out }) => {
    out.Count.rows.fill(n);
  },
);

export const mix = defineJob(
  { name: 'mix', reads: [Many], writes: [Many], module },
  ({ n, cols, out, entities, random, eids, tick, time }) => {
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < 3; k++) out.Many.m[3 * i + k] = cols.Many.m[3 * i + k]! * 2;
      out.Many.id[i] = cols.Many.id[i]! + tick;
      out.Many.wide[i] = cols.Many.wide[i]! * 3n;
      out.Many.on[i] = 1 - cols.Many.on[i]!;
      out.Many.raw[5 * i + 4] = time;
      out.Many.who.set(i, cols.Many.who.at(i) || eids[i]!);
    }
    void [entities, random];
  },
);

/** `out` semantics: fills every row with what it gets from `extra`. */
export const paint = defineJob(
  { name: 'paint', reads: [Vel], writes: [Pos], overwrite: true, module },
  ({ n, cols, out, extra }) => {
    const color = extra as unknown as number;
    for (let i = 0; i < n; i++) {
      out.Pos.x[i] = color + cols.Vel.x[i]!;
      out.Pos.y[i] = color;
    }
  },
);

/** `overwrite`, but it reads what it writes: must not see its own new values. */
export const shift = defineJob(
  { name: 'shift', reads: [Pos], writes: [Pos], overwrite: true, module },
  ({ n, cols, out }) => {
    for (let i = 0; i < n; i++) {
      out.Pos.x[i] = cols.Pos.x[i]! + 1;
      out.Pos.y[i] = cols.Pos.y[i]! - 1;
    }
  },
);

export const dice = defineJob({ name: 'dice', writes: [Count], module }, input => {
  const { n, entities, out } = input;
  for (let i = 0; i < n; i++) {
    out.Count.rows[i] = input.random(entities.at(i), 0);
    out.Count.first[i] = input.random(entities.at(i), 1);
  }
});

export const worldly = defineJob(
  { name: 'worldly', writes: [Pos], spawnMax: 1, destroys: true, puts: [Red], module },
  input => {
    const call = input.extra as unknown as 'spawn' | 'destroy' | 'put' | 'remove';
    input[call](1 as never, Red);
  },
);

export const promised = defineJob({ name: 'promised', writes: [Pos], module }, (async () => {
  await undefined;
}) as never);

export const bagged = defineJob({ name: 'bagged', reads: [Bag], module }, () => {});

/** Ends its worker the first time that a block comes by. */
export const exitOnce = defineJob(
  { name: 'exitOnce', reads: [Vel], writes: [Pos], module },
  ({ n, cols, out, extra }) => {
    const gate = new Int32Array(extra as unknown as SharedArrayBuffer);
    for (let i = 0; i < n; i++) out.Pos.x[i] = cols.Vel.x[i]! + 1;
    if (Atomics.add(gate, 0, 1) === 0) process.exit(0);
  },
);

export const loop = defineJob({ name: 'loop', reads: [Vel], writes: [Pos], module }, () => {
  for (;;);
});

export const all = [
  move,
  breakAt,
  trespass,
  reachOut,
  count,
  countWhole,
  mix,
  paint,
  shift,
  dice,
  worldly,
  promised,
  bagged,
  exitOnce,
  loop,
];
