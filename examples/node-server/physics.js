// SPDX-License-Identifier: MIT
// Balls in a box: their components, the input that pushes one's own, and the jobs. Node's workers
// import this module, and so does the page, which moves its own ball ahead by the same jobs.

import { defineComponent, defineInput, defineJob } from 'skep/worker';

export const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
export const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });
/** Whose ball it is; others have no such component. */
export const Owner = defineComponent({ name: 'Owner', fields: { player: 'u32' } });
export const Push = defineInput({ name: 'Push', fields: { x: 'f32', y: 'f32' } });

/** Metres: the box goes from 0 to this. */
export const WIDTH = 160;
export const HEIGHT = 90;
export const HZ = 60;

const GRAVITY = -9.81;
const BOUNCE = 0.85;

/** What players push, before it falls. */
export const push = defineJob(
  { name: 'push', writes: [Vel], hears: [Push], module: import.meta.url },
  ({ n, out, inbox }) => {
    const { begin, x, y } = inbox.Push;
    for (let i = 0; i < n; i++) {
      for (let k = begin[i]; k < begin[i + 1]; k++) {
        out.Vel.x[i] += x[k];
        out.Vel.y[i] += y[k];
      }
    }
  },
);

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
        x = Math.min(Math.max(x < 0 ? -x : 2 * WIDTH - x, 0), WIDTH);
        u = -u * BOUNCE;
      }
      if (y < 0 || y > HEIGHT) {
        y = Math.min(Math.max(y < 0 ? -y : 2 * HEIGHT - y, 0), HEIGHT);
        v = -v * BOUNCE;
      }
      pos.x[i] = x;
      pos.y[i] = y;
      vel.x[i] = u;
      vel.y[i] = v;
    }
  },
);
