// SPDX-License-Identifier: MIT
// Balls in a box: their components and the job that moves them. Workers import this module by its
// URL, which the job names; the same function runs in process, and in a browser's workers.

import { defineComponent, defineJob } from 'skep/worker';

export const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
export const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });

const GRAVITY = -9.81;
const BOUNCE = 0.8;
/** Metres: the box goes from 0 to this. */
export const WIDTH = 100;
export const HEIGHT = 50;

export const fall = defineJob(
  { name: 'fall', writes: [Pos, Vel], module: import.meta.url },
  ({ n, out, dt }) => {
    const { Pos: pos, Vel: vel } = out;
    for (let i = 0; i < n; i++) {
      let u = vel.x[i];
      let v = vel.y[i] + GRAVITY * dt;
      let x = pos.x[i] + u * dt;
      let y = pos.y[i] + v * dt;
      if (x < 0 || x > WIDTH) {
        x = x < 0 ? -x : 2 * WIDTH - x;
        u = -u;
      }
      if (y < 0) {
        y = -y * BOUNCE;
        v = -v * BOUNCE;
      }
      pos.x[i] = x;
      pos.y[i] = y;
      vel.x[i] = u;
      vel.y[i] = v;
    }
  },
);
