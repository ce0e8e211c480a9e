// SPDX-License-Identifier: MIT
// The same job called once with all rows: `pos += vel * dt`.

import { defineJob } from 'skep';
import { Pos, Vel } from './components.ts';

export default defineJob(
  { name: 'move_once', reads: [Vel], writes: [Pos], split: false, module: import.meta.url },
  ({ n, cols, out, dt }) => {
    const { x, y } = out.Pos;
    const { x: vx, y: vy } = cols.Vel;
    for (let i = 0; i < n; i++) {
      x[i]! += vx[i]! * dt;
      y[i]! += vy[i]! * dt;
    }
  },
);
