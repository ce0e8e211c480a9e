// SPDX-License-Identifier: MIT
// Jobs that go wrong on demand: `extra.how` says how, `extra.at` in which tick. Served by nobody:
// workers import them from here.

import { defineComponent, defineJob } from 'skep/worker';

export const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
export const Hp = defineComponent({ name: 'Hp', fields: { left: 'u32' } });

export interface How {
  how: string;
  /** Ticks in which it goes wrong. */
  at: readonly number[];
}

class Odd extends RangeError {
  readonly planet = 'mars';
  readonly list = [1, 2, 3];
}

function goWrong(how: string): unknown {
  switch (how) {
    case 'throw':
      throw new TypeError('thrown on purpose', { cause: new Odd('below') });
    case 'throw odd':
      throw new Odd('an odd one');
    case 'throw text':
      throw 'only a text';
    case 'exit 0':
      return process.exit(0);
    case 'exit 1':
      return process.exit(1);
    case 'loop':
      for (;;) {
        /* until somebody ends this thread */
      }
    case 'stack':
      return goWrong(how) === 1 ? 1 : 2;
    case 'reject':
      return Promise.reject(new Odd('rejected'));
    case 'memory': {
      const all: unknown[] = [];
      for (;;) all.push(new Array(100_000).fill(all.length));
    }
    case 'later':
      return Promise.resolve().then(() => {
        throw new Odd('later');
      });
    default:
      return undefined;
  }
}

/** Split: one call a block. Moves all rows by one, but in block 0 it may go wrong halfway. */
export const split = defineJob<readonly [typeof Pos], readonly [typeof Pos], How>(
  { name: 'split', reads: [Pos], writes: [Pos], module: import.meta.url },
  ({ n, cols, out, tick, extra }) => {
    for (let i = 0; i < n; i++) {
      out.Pos.x[i] = cols.Pos.x[i]! + 1;
      if (i === n >> 1 && extra.at.includes(tick)) goWrong(extra.how);
    }
  },
);

/** Whole: one call for all rows. */
export const whole = defineJob<readonly [typeof Pos], readonly [typeof Pos], How>(
  { name: 'whole', reads: [Pos], writes: [Pos], split: false, module: import.meta.url },
  ({ n, cols, out, tick, extra }) => {
    for (let i = 0; i < n; i++) out.Pos.x[i] = cols.Pos.x[i]! + 1;
    if (extra.at.includes(tick)) return goWrong(extra.how) as undefined;
  },
);

/** Runs beside them, and must not notice. */
export const steady = defineJob(
  { name: 'steady', reads: [Hp], writes: [Hp], module: import.meta.url },
  ({ n, cols, out }) => {
    for (let i = 0; i < n; i++) out.Hp.left[i] = cols.Hp.left[i]! + 1;
  },
);
