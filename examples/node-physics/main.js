// SPDX-License-Identifier: MIT
// A server's loop: 60 frames a second on Node's worker threads, and a line a second that says where
// the balls are. Ctrl-C ends it.
//
//     node main.js [--balls 20000] [--workers 2] [--executor auto|node|copied|local] [--frames 300]
//
// With --frames it goes as fast as it can and ends with the world's hash, which depends on none of
// the other options but --balls.

import { parseArgs } from 'node:util';
import { ParallelScheduler, World } from 'skep';
import { HEIGHT, Pos, Vel, WIDTH, fall } from './balls.js';

const { values } = parseArgs({
  options: {
    balls: { type: 'string', default: '20000' },
    workers: { type: 'string' },
    executor: { type: 'string', default: 'auto' },
    frames: { type: 'string' },
  },
});
const balls = Number(values.balls);
const HZ = 60;

const world = new World({ limits: { entities: Math.max(balls, 1) } });
world.spawnMany([Pos, Vel], balls, (columns, n) => {
  for (let i = 0; i < n; i++) {
    columns.Pos.x[i] = WIDTH * (i / n);
    columns.Pos.y[i] = HEIGHT * (((i * 7) % n) / n);
    columns.Vel.x[i] = (i % 11) - 5;
  }
});

const scheduler = new ParallelScheduler(world, {
  executor: values.executor,
  size: values.workers ? Number(values.workers) : undefined,
  onFault: fault => console.error(fault.message),
});
scheduler.register(fall);

// On the main thread, after the job of the same frame has been committed: once a second.
scheduler.register({
  name: 'report',
  stage: 'late',
  every: HZ,
  reads: [Pos],
  run({ world, time }) {
    let sum = 0;
    let highest = 0;
    world.each({ read: [Pos] }, (n, pos) => {
      for (let i = 0; i < n; i++) {
        sum += pos.y[i];
        if (pos.y[i] > highest) highest = pos.y[i];
      }
    });
    console.log(
      `${time.toFixed(0).padStart(4)} s  mean height ${(sum / balls).toFixed(2)} m, `
        + `highest ${highest.toFixed(2)} m`,
    );
  },
});

await scheduler.initPool();
const { kind, workers, fallback } = scheduler.executor;
console.log(
  `${balls} balls, executor ${kind}, workers ${workers}` + (fallback ? ` (${fallback})` : ''),
);

if (values.frames) {
  let ms = 0;
  for (let frame = 0; frame < Number(values.frames); frame++) {
    ms += (await scheduler.runFrame(1 / HZ)).ms;
  }
  console.log(`${(ms / Number(values.frames)).toFixed(3)} ms a frame`);
  console.log(`hash ${world.hash().toString(16).padStart(16, '0')}`);
  await scheduler.close();
} else {
  // No await: while a frame runs, a call for another returns the one that runs.
  const timer = setInterval(() => void scheduler.runFrame(1 / HZ), 1000 / HZ);
  process.once('SIGINT', async () => {
    clearInterval(timer);
    await scheduler.close();
    console.log(`${world.tick} frames, ${scheduler.overlaps} asked for while one ran`);
  });
}
