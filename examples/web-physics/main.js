// SPDX-License-Identifier: MIT
// The page: a world with a swarm, a scheduler that runs its job where you ask it to, and a
// panel that says where that is and why. The world outlives its schedulers, so the swarm flies
// on when the executor changes.

import { ParallelScheduler, World } from './skep/index.js';
import { Picture } from './picture.js';
import { Panel } from './panel.js';
import { Bee, FLOWERS, Pos, Sky, Vel, fly } from './swarm.js';

const HZ = 60;
const BEES_MAX = 200_000;
const query = new URLSearchParams(location.search);

const panel = new Panel();
const world = makeWorld();
const picture = new Picture(document.querySelector('#picture'), document.querySelector('#marks'));
const bees = [];
const pointer = { x: 0, y: 0, pull: 0 };

let scheduler;
let loop;
let trouble = 0;
let sky = { x: [], y: [], pull: [] };
/** What is to be done between two frames. */
const waiting = [];

// ---- the world ------------------------------------------------------------------------------

function makeWorld() {
  try {
    return new World({ limits: { entities: BEES_MAX }, seed: 7 });
  } catch (error) {
    panel.broken(error); // a policy without WebAssembly, or no memory
    throw error;
  }
}

/** Numbers of [0, 1) for the first places of bees: any will do, as long as they stay the same. */
function chance(seed) {
  let state = seed >>> 0 || 1;
  return () =>
    (state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0) / 2 ** 32;
}

function setBees(count) {
  const more = count - bees.length;
  if (more > 0) {
    const next = chance(bees.length + 1);
    const added = world.spawnMany([Pos, Vel, Bee], more, (columns, n) => {
      for (let i = 0; i < n; i++) {
        const turn = next() * Math.PI * 2;
        const far = Math.sqrt(next());
        columns.Pos.x[i] = picture.reach.x * far * Math.cos(turn);
        columns.Pos.y[i] = picture.reach.y * far * Math.sin(turn);
        columns.Vel.x[i] = -0.5 * far * Math.sin(turn);
        columns.Vel.y[i] = 0.5 * far * Math.cos(turn);
        columns.Bee.zeal[i] = 0.55 + 0.9 * next();
      }
    });
    for (const bee of added) bees.push(bee);
  } else {
    for (const bee of bees.splice(count)) world.destroy(bee);
  }
  picture.count(count);
}

/** Where the flowers are at a time, as the job sees them. */
function skyAt(time) {
  const { x: rx, y: ry } = picture.reach;
  const at = { x: [], y: [], pull: [] };
  for (let k = 0; k < FLOWERS - 1; k++) {
    at.x.push(0.52 * rx * Math.sin(time * (0.13 + 0.041 * k) + 1.7 * k));
    at.y.push(0.5 * ry * Math.sin(time * (0.17 + 0.029 * k) + 2.9 * k + 1));
    at.pull.push(0.07 + 0.045 * (k % 3));
  }
  at.x.push(pointer.x);
  at.y.push(pointer.y);
  at.pull.push(pointer.pull);
  return at;
}

// ---- the scheduler --------------------------------------------------------------------------

function makeScheduler(executor) {
  const made = new ParallelScheduler(world, {
    executor,
    createWorker: () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }),
    deadlineMs: 400,
    onFallback: () => {}, // the panel says it
    onFault: fault => panel.fault(fault),
    log: (level, text) => console.debug(level, text),
  });
  made.register({
    name: 'sky',
    stage: 'input',
    run({ world, time }) {
      sky = skyAt(time);
      world.setResource(Sky, { ...sky, trouble, victim: bees[0] });
      trouble = 0;
    },
  });
  made.register(fly);
  return made;
}

async function choose(executor) {
  panel.starting(executor);
  await loop?.stop();
  await scheduler?.close();
  scheduler = makeScheduler(executor);
  try {
    await scheduler.initPool();
    panel.runs(executor, scheduler.executor);
  } catch (error) {
    await scheduler.close();
    scheduler = makeScheduler('auto');
    await scheduler.initPool();
    panel.refused(executor, error, scheduler.executor);
  }
  loop = scheduler.start({
    hz: HZ,
    maxCatchUp: 3,
    rewindMax: HZ,
    manual: true,
    onFrame: report => panel.frame(report),
  });
  if (panel.paused) loop.pause();
}

/** Runs the same second on each executor that can be had, from one snapshot, and goes on from
 * there. Equal worlds have equal hashes. */
async function compare() {
  const kept = panel.chosen;
  await loop.stop();
  await scheduler.close();
  const snapshot = world.snapshot();
  const rows = [];
  pointer.pull = 0;
  for (const executor of ['web', 'copied', 'local']) {
    world.restore(snapshot);
    const tried = makeScheduler(executor);
    try {
      await tried.initPool();
      let ms = 0;
      for (let frame = 0; frame < HZ; frame++) ms += (await tried.runFrame(1 / HZ)).ms;
      rows.push({ executor, ms: ms / HZ, hash: world.hash().toString(16).padStart(16, '0') });
    } catch (error) {
      rows.push({ executor, error: error.message });
    }
    await tried.close();
    panel.compared(rows);
  }
  snapshot.release();
  scheduler = undefined;
  loop = undefined;
  await choose(kept);
}

// ---- the picture ----------------------------------------------------------------------------

function fit() {
  picture.fit(panel.free(), panel.theme);
  picture.count(bees.length);
}

function draw(now) {
  picture.cool();
  loop.draw(now, [Pos], (n, from, to, alpha) => {
    picture.add(n, from[0], to[0], alpha);
  });
  picture.show();
  picture.flowers(sky, panel.color('--honey'));
  panel.drawn(now, { bees: bees.length, back: loop.rewindable });
}

async function turn(now) {
  try {
    while (waiting.length) await waiting.shift()();
    await loop.advance(now);
    draw(now);
  } catch (error) {
    panel.broken(error);
    throw error;
  }
  requestAnimationFrame(turn);
}

// ---- what the visitor does ------------------------------------------------------------------

function listen() {
  const later = work => waiting.push(work);
  panel.on({
    executor: name => later(() => choose(name)),
    bees: count => later(() => setBees(count)),
    pause: on => later(() => (on ? loop.pause() : loop.resume())),
    step: () => later(() => loop.step()),
    rewind: () => later(() => loop.rewindable && loop.rewind(Math.min(HZ, loop.rewindable))),
    trouble: kind => {
      trouble = kind;
    },
    compare: () => later(compare),
    fit,
  });
  addEventListener('resize', fit);
  const canvas = document.querySelector('#picture');
  const aim = event => Object.assign(pointer, picture.world(event.clientX, event.clientY));
  canvas.addEventListener('pointermove', event => {
    aim(event);
    pointer.pull = event.buttons ? 0.9 : 0.32;
  });
  canvas.addEventListener('pointerdown', event => {
    aim(event);
    pointer.pull = 0.9;
  });
  for (const end of ['pointerup', 'pointercancel', 'pointerleave']) {
    canvas.addEventListener(end, () => {
      pointer.pull = 0;
    });
  }
}

fit();
setBees(Math.min(Number(query.get('bees')) || 24_000, BEES_MAX));
panel.bees(bees.length, BEES_MAX);
listen();
await choose(query.get('executor') ?? 'auto');
requestAnimationFrame(turn);
