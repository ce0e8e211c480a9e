// SPDX-License-Identifier: MIT
// The notes' wiring of a server, with import paths changed and `require` made by createRequire; the
// number of frames, where the job is, and what it prints at the end are the test's.

import { createRequire } from 'node:module';
import { ParallelScheduler, World } from 'skep';

const require = createRequire(import.meta.url);
const [, , frames, job, executor] = process.argv;

type Position = { x: number; y: number };
type Velocity = { x: number; y: number };

const world = new World();
const CPos = world.defineComponent<Position>({ name: 'Pos', defaults: () => ({ x: 0, y: 0 }) });
const CVel = world.defineComponent<Velocity>({ name: 'Vel', defaults: () => ({ x: 0, y: 0 }) });
for (let i = 0; i < 5; i++) {
  const e = world.createEntity();
  world.addComponent(e, CPos, { x: 100 * i, y: 0 });
  world.addComponent(e, CVel, { x: 1, y: i });
}

const sched = new ParallelScheduler(world, { executor: executor as 'auto', log: () => {} });
await sched.initPool();
let runs = 0;

sched.register({
  name: 'physics',
  stage: 'update',
  query: _w => ({ all: [CPos, CVel] }),
  offload: {
    nodeModule: new URL('file://' + require('path').resolve(job!)).href,
    reads: [CVel, CPos],
    writes: [CPos],
    extra: () => ({ POS: CPos.id, VEL: CVel.id }),
  },
  async run({ world, dt }) {
    runs++;
    const q = world.makeQuery({ all: [CPos, CVel] });
    for (const [e, , p, v] of world.iter(q, CPos, CVel)) {
      const pos = p as Position;
      const vel = v as Velocity;
      pos.x += vel.x * dt;
      pos.y += vel.y * dt;
      world.set(e, CPos, pos);
    }
  },
});

// Nobody awaits the frames, and the timer calls faster than they can be.
const timer = setInterval(() => {
  void sched.runFrame(0.5, Date.now());
  void sched.runFrame(0.5, Date.now());
  if (world.tick < Number(frames)) return;
  clearInterval(timer);
  void sched.close({ mode: 'drain' }).then(() => {
    const q = world.makeQuery({ all: [CPos] });
    const positions = [...world.iter(q, CPos)].map(([, , p]) => p);
    console.log(
      JSON.stringify({
        tick: world.tick,
        runs,
        positions,
        overlaps: sched.overlaps,
        executor: sched.executor.kind,
      }),
    );
  });
}, 1);
