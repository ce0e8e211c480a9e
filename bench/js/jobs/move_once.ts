// SPDX-License-Identifier: MIT
// The same job called once with all rows: `pos += vel * dt`.

import { defineJob } from 'skep';
import { Pos, Vel } from './components.ts';

export default defineJob(
  { name: 'move_once', reads: [Pos, Vel], writes: [Pos], overwrite: true, split: false,
    module: import.meta.url },
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
