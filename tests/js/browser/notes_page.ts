// SPDX-License-Identifier: MIT
// The notes' own wiring of a page: object components, a map of raw workers, a system that offloads,
// and a loop of requestAnimationFrame that awaits nothing.

import { ParallelScheduler, World, type Entity } from 'skep';

type Vector = { x: number; y: number };

export interface NotesRun {
  frames: number;
  /** Calls of runFrame, and those that found a frame running. */
  calls: number;
  overlaps: number;
  /** The most jobs that were out at one time, and how many were asked for. */
  most: number;
  jobs: number;
  ranHere: number;
  wrong: string[];
  fallback: string | null;
}

/** Runs the loop until it has had so many frames. `late`: milliseconds that a worker holds its
 * answers back. */
export async function animate(frames: number, late: number): Promise<NotesRun> {
  const world = new World();
  const CPos = world.defineComponent<Vector>({ name: 'Pos', defaults: () => ({ x: 0, y: 0 }) });
  const CVel = world.defineComponent<Vector>({ name: 'Vel', defaults: () => ({ x: 0, y: 0 }) });
  const sched = new ParallelScheduler(world, { onFallback: () => {} });
  let jobs = 0;
  let ranHere = 0;
  let most = 0;
  let out = 0;
  await sched.initPool({
    browserWorkers: {
      physics: () => {
        const worker = new Worker(new URL('./notes_physics_worker.ts', import.meta.url), {
          type: 'module',
        });
        const post = worker.postMessage.bind(worker);
        worker.postMessage = (message: unknown) => {
          most = Math.max(most, ++out);
          post(message);
        };
        worker.addEventListener('message', () => out--);
        return worker;
      },
    },
  });
  sched.register({
    name: 'physics',
    stage: 'update',
    query: () => ({ all: [CPos, CVel] }),
    offload: {
      browserJobName: 'physics',
      reads: [CVel, CPos],
      writes: [CPos],
      extra: () => {
        jobs++;
        return { POS: CPos.id, VEL: CVel.id, late };
      },
    },
    run({ world: w, dt }) {
      ranHere++;
      const q = w.makeQuery({ all: [CPos, CVel] });
      for (const [e, , p, v] of w.iter(q, CPos, CVel) as Iterable<
        [Entity, unknown, Vector, Vector]
      >) {
        w.set(e, CPos, { x: p.x + v.x * dt, y: p.y + v.y * dt });
      }
    },
  });
  const all = Array.from({ length: 20 }, (_, i) => {
    const e = world.createEntity();
    world.addComponent(e, CPos, { x: i * 100, y: -i });
    world.addComponent(e, CVel, { x: 1 + i, y: 0.25 });
    return e;
  });
  let calls = 0;
  let asking = true;
  function frame(ts: number): void {
    if (!asking) return;
    calls++;
    void sched.runFrame(0.016, ts);
    requestAnimationFrame(frame);
  }
  requestAnimationFrame(frame);
  while (world.tick < frames) await new Promise(resolve => setTimeout(resolve, 5));
  asking = false;
  await sched.close({ mode: 'drain' });
  const done = world.tick;
  const dt = Math.fround(0.016);
  const wrong: string[] = [];
  all.forEach((e, i) => {
    const want = { x: i * 100, y: -i };
    for (let f = 0; f < done; f++) {
      want.x += (1 + i) * dt;
      want.y += 0.25 * dt;
    }
    const got = world.get(e, CPos)!;
    if (got.x !== want.x || got.y !== want.y) {
      wrong.push(`${i}: ${JSON.stringify(got)}, not ${JSON.stringify(want)} after ${done} frames`);
    }
  });
  const { fallback } = sched.executor;
  const { overlaps } = sched;
  return { frames: done, calls, overlaps, most, jobs, ranHere, wrong, fallback };
}
