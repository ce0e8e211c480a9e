// SPDX-License-Identifier: MIT
// A program on bitECS keeps its world, its entities and its queries, and hands one heavy loop to
// workers. bitECS leaves the arrays to its user; here they lie on shared memory, so that workers
// read them where they are. A job sees copies of 1,024 rows at a time, and what it wrote is taken
// over when all of it has succeeded: a job that throws leaves the arrays as they were.

import { addComponents, addEntity, createWorld, query, removeEntity } from 'bitecs';
import { JobError, createPortablePool } from 'skep';
import { steer } from './steer.js';

const MOST = 50_001; // bitECS counts entities from 1
const FRAMES = Number(process.argv[2] ?? 120);
const floats = () => new Float32Array(new SharedArrayBuffer(4 * MOST));

const Position = { x: floats(), y: floats() };
const Velocity = { x: floats(), y: floats() };
const world = createWorld();
const birds = [];
for (let i = 0; i < 50_000; i++) {
  const bird = addEntity(world);
  addComponents(world, bird, [Position, Velocity]);
  Position.x[bird] = Math.sin(i) * 100;
  Position.y[bird] = Math.cos(i) * 100;
  birds.push(bird);
}

const pool = await createPortablePool();
console.log(`pool: ${pool.kind}, ${pool.size} worker${pool.size === 1 ? '' : 's'}`);

/** The one heavy loop: rows are entity ids, so all rows up to the highest are given. */
const frame = extra => pool.columns(steer, { n: MOST, dt: 1 / 60, extra, Position, Velocity });

const began = performance.now();
for (let i = 0; i < FRAMES; i++) {
  await frame({ pull: 9 });
  // All else is bitECS as ever, between two frames.
  if (i % 60 === 59) for (let k = 0; k < 100; k++) removeEntity(world, birds.pop());
}
const ms = (performance.now() - began) / FRAMES;

let far = 0;
for (const bird of query(world, [Position])) {
  far += Math.hypot(Position.x[bird], Position.y[bird]);
}
console.log(`${birds.length} birds, ${(far / birds.length).toFixed(3)} from the middle on average`);
console.log(`${ms.toFixed(2)} ms a frame on workers`);

// A job that fails changes nothing.
const before = Position.x.slice();
try {
  await frame(undefined);
} catch (error) {
  if (!(error instanceof JobError)) throw error;
  console.log(`${error.name}, block ${error.block}: ${error.cause.message}`);
}
console.log(`arrays as before: ${before.every((x, i) => x === Position.x[i])}`);
await pool.close();

// A job is a function: called over the arrays themselves it needs no pool, and protects nothing.
const here = performance.now();
for (let i = 0; i < FRAMES; i++) {
  steer.handle({
    n: MOST,
    dt: 1 / 60,
    extra: { pull: 9 },
    cols: { Position, Velocity },
    out: { Position, Velocity },
  });
}
console.log(`${((performance.now() - here) / FRAMES).toFixed(2)} ms a frame on this thread alone`);
