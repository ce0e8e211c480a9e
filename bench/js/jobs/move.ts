// SPDX-License-Identifier: MIT
// The job that most rows run, split: `pos += vel * dt`, called once a block, on whichever worker is
// free.

import { defineJob } from 'skep';
import { Pos, Vel } from './components.ts';

export default defineJob(
  { name: 'move', reads: [Pos, Vel], writes: [Pos], overwrite: true, module: import.meta.url },
  ({ n, cols, out, dt }) => {
    const { x, y } = cols.Pos;
    const { x: vx, y: vy } = cols.Vel;
    const { x: toX, y: toY } = out.Pos;
    for (let i = 0; i < n; i++) {
      toX[i] = x[i]! + vx[i]! * dt;
      toY[i] = y[i]! + vy[i]! * dt;
    }
  },
);
