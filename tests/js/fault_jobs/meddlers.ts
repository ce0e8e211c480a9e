// SPDX-License-Identifier: MIT
// Jobs that write to what they may only read, from tick `extra` on, and one that does not.

import { defineComponent, defineJob } from 'skep/worker';

export const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
export const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });
export const Seen = defineComponent({ name: 'Seen', fields: { x: 'f32' } });

const module = import.meta.url;

/** What the compiler takes a column for, once it is silenced. */
type Open = Float32Array;

/** Writes to a column that it reads, in the block whose first x is 0, and does its work. */
export const readColumn = defineJob<readonly [typeof Vel], readonly [typeof Pos], number>(
  { name: 'readColumn', reads: [Vel], writes: [Pos], module },
  ({ n, cols, out, tick, extra }) => {
    for (let i = 0; i < n; i++) out.Pos.y[i]! += cols.Vel.x[i]!;
    if (tick >= extra && cols.Pos.x[0] === 0) (cols.Vel.x as Open)[n - 1]! += 1;
  },
);

/** The same, called once with all rows. */
export const readWhole = defineJob<readonly [typeof Vel], readonly [typeof Pos], number>(
  { name: 'readWhole', reads: [Vel], writes: [Pos], split: false, module },
  readColumn.handle as never,
);

/** Writes to the old values of a column that it may write. */
export const oldValues = defineJob<readonly [], readonly [typeof Pos], number>(
  { name: 'oldValues', writes: [Pos], module },
  ({ n, cols, tick, extra }) => {
    if (tick >= extra) (cols.Pos.y as Open)[n - 1]! += 1;
  },
);

/** Writes to the handles of its rows. */
export const handles = defineJob<readonly [], readonly [typeof Pos], number>(
  { name: 'handles', writes: [Pos], module },
  ({ n, entities, tick, extra }) => {
    if (tick >= extra) (entities as unknown as { words: Uint32Array }).words[2 * n - 1]! += 1;
  },
);

/** Leaves a row as it found it, though it said that it writes all. */
export const lazy = defineJob<readonly [], readonly [typeof Pos], number>(
  { name: 'lazy', writes: [Pos], overwrite: true, module },
  ({ n, out, tick, extra }) => {
    const rows = tick >= extra ? n - 1 : n;
    for (let i = 0; i < rows; i++) {
      out.Pos.x[i] = i;
      out.Pos.y[i] = tick;
    }
  },
);

/** Reads what the others meddle with, beside them. */
export const honest = defineJob(
  { name: 'honest', reads: [Vel], writes: [Seen], module },
  ({ n, cols, out }) => {
    for (let i = 0; i < n; i++) out.Seen.x[i] = cols.Vel.x[i]!;
  },
);
