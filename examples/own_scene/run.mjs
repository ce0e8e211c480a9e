// SPDX-License-Identifier: MIT
// Runs the scene on Node and says where three fireflies are:
//
//     node run.mjs [--executor auto|local|node|copied] [--workers N] [--frames N] [--entities N]
//
// Whatever runs the jobs, the last line is the same.

import { parseArgs } from 'node:util';
import { ParallelScheduler, World, defineComponent, loadScene } from 'skep';

const { values } = parseArgs({
  options: {
    executor: { type: 'string', default: 'auto' },
    workers: { type: 'string', default: '1' },
    frames: { type: 'string', default: '600' },
    entities: { type: 'string', default: '2000' },
    pull: { type: 'string', default: '1' },
  },
});
const { entities, pull } = values;

// The scene's component by its name and fields, as own.c has them.
const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });

const world = new World();
const scheduler = new ParallelScheduler(world, {
  executor: values.executor,
  size: Number(values.workers),
});
try {
  scheduler.addScene(await loadScene(new URL('own.wasm', import.meta.url)), { entities, pull });
  await scheduler.initPool();
  for (let frame = 0; frame < Number(values.frames); frame++) await scheduler.runFrame(1 / 60);

  const { kind, workers } = scheduler.executor;
  console.log(
    `${values.frames} frames of ${entities} fireflies, executor ${kind}, ${workers} workers`,
  );
  let left = 3;
  world.each({ read: [Pos] }, (n, pos) => {
    for (let i = 0; i < n && left > 0; i++, left--) {
      console.log(`  x ${pos.x[i].toFixed(3)}  y ${pos.y[i].toFixed(3)}`);
    }
  });
  console.log(`hash ${world.hash().toString(16).padStart(16, '0')}`);
} finally {
  await scheduler.close();
}
