// SPDX-License-Identifier: MIT
// The swarm: its components and the one job that moves it. This module is loaded by the page
// and by every worker, and is the same for all of them. It knows neither.
//
// Only + - * / and Math.fround's rounding by the columns are used, so every machine and every
// executor computes the same bits.

import { defineComponent, defineJob, defineResource } from './skep/worker.js';

/** Where a bee is: y from -1 to 1, x as far as the page is wide. */
export const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
export const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });
/** How strongly a bee is drawn to flowers, so that no two fly alike. */
export const Bee = defineComponent({ name: 'Bee', fields: { zeal: 'f32' } });

/** Flowers that the sky can hold; the last one is the pointer. */
export const FLOWERS = 6;
/** What all bees see: the flowers, and whether the job is to fail in this frame (1: throw, 2: loop
 * for ever) when it comes to a certain bee's block, which the page's buttons ask for. */
export const Sky = defineResource({
  name: 'Sky',
  fields: {
    x: ['f32', FLOWERS],
    y: ['f32', FLOWERS],
    pull: ['f32', FLOWERS],
    trouble: 'u32',
    victim: 'entity',
  },
});

const DRAG = 0.32;
const SWIRL = 0.55;
const SOFT = 0.012;

export const fly = defineJob(
  { name: 'fly', reads: [Bee], writes: [Pos, Vel], resources: [Sky], module: import.meta.url },
  ({ n, cols, out, dt, entities, resources }) => {
    const { zeal } = cols.Bee;
    const { x: px, y: py } = out.Pos;
    const { x: vx, y: vy } = out.Vel;
    const { x: fx, y: fy, pull, trouble, victim } = resources.Sky;
    if (trouble > 0 && entities.at(0) === victim) {
      if (trouble === 1) throw new RangeError('a bee has lost its way');
      for (;;); // until the deadline ends this worker
    }
    const keep = 1 - DRAG * dt;
    for (let i = 0; i < n; i++) {
      const x = px[i];
      const y = py[i];
      let ax = 0;
      let ay = 0;
      for (let k = 0; k < FLOWERS; k++) {
        const dx = fx[k] - x;
        const dy = fy[k] - y;
        const a = pull[k] / (dx * dx + dy * dy + SOFT);
        ax += (dx - dy * SWIRL) * a;
        ay += (dy + dx * SWIRL) * a;
      }
      const u = (vx[i] + ax * zeal[i] * dt) * keep;
      const v = (vy[i] + ay * zeal[i] * dt) * keep;
      vx[i] = u;
      vy[i] = v;
      px[i] = x + u * dt;
      py[i] = y + v * dt;
    }
  },
);
