// SPDX-License-Identifier: MIT
// The job that most rows run, split: `pos += vel * dt`, called once a block, on whichever worker is
// free. It changes the old values that `out` holds: four arrays in the loop, where reading from
// `cols` and writing to `out` would be six, and half as fast in V8.

import { defineJob } from 'skep';
import { Pos, Vel } from './components.ts';

export default defineJob(
  { name: 'move', reads: [Vel], writes: [Pos], module: import.meta.url },
  ({ n, cols, out, dt }) => {
    const { x, y } = out.Pos;
    const { x: vx, y: vy } = cols.Vel;
    for (let i = 0; i < n; i++) {
      x[i]! += vx[i]! * dt;
      y[i]! += vy[i]! * dt;
    }
  },
);
