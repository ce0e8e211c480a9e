// SPDX-License-Identifier: MIT
// A job over bitECS' arrays. Its components say names and types of the columns, no more: nothing of
// this module knows bitECS, and no world of ours is made.

import { defineComponent, defineJob } from 'skep/worker';

export const Position = defineComponent({ name: 'Position', fields: { x: 'f32', y: 'f32' } });
export const Velocity = defineComponent({ name: 'Velocity', fields: { x: 'f32', y: 'f32' } });

/** Rows turn towards the middle and move. `extra` is what the caller passes along. */
export const steer = defineJob(
  { name: 'steer', writes: [Position, Velocity], module: import.meta.url },
  ({ n, out, dt, extra }) => {
    const { Position: at, Velocity: to } = out;
    for (let i = 0; i < n; i++) {
      const far = Math.sqrt(at.x[i] * at.x[i] + at.y[i] * at.y[i]) + 1;
      to.x[i] -= (at.x[i] / far) * extra.pull * dt;
      to.y[i] -= (at.y[i] / far) * extra.pull * dt;
      at.x[i] += to.x[i] * dt;
      at.y[i] += to.y[i] * dt;
    }
  },
);
