// SPDX-License-Identifier: MIT
// A job as users write it: one module for the page, its workers and Node.

import { defineComponent, defineJob } from 'skep/worker';

export const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
export const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });

export const move = defineJob(
  { name: 'move', reads: [Pos, Vel], writes: [Pos], module: import.meta.url },
  ({ n, cols, out, dt }) => {
    for (let i = 0; i < n; i++) {
      out.Pos.x[i] = cols.Pos.x[i]! + cols.Vel.x[i]! * dt;
      out.Pos.y[i] = cols.Pos.y[i]! + cols.Vel.y[i]! * dt;
    }
  },
);
