// SPDX-License-Identifier: MIT
// Worlds of ours with the particles that most rows move, and schedulers that move them: by a job in
// TypeScript, or by the scene physics.c in wasm.

import {
  ParallelScheduler,
  World,
  loadScene,
  type AnyJob,
  type Entity,
  type SchedulerOptions,
} from 'skep';
import { Pos, Vel } from './jobs/components.ts';
import { DT, checkMoved, speedX, speedY, startX, startY } from './movers.ts';
import { expect, type Subject, type Tracing } from './row.ts';

export interface Movers {
  readonly world: World;
  readonly entities: readonly Entity[];
  /** Where particle i is. */
  readonly at: (i: number) => { x: number; y: number };
}

function newWorld(n: number): World {
  return new World({ limits: { entities: n + 1024 } });
}

/** A world of n particles at their starts. */
export function makeMovers(n: number): Movers {
  const world = newWorld(n);
  const entities = Array.from({ length: n }, (_, i) =>
    world.spawn([Pos, { x: startX(i), y: startY(i) }], [Vel, { x: speedX(i), y: speedY(i) }]),
  );
  return { world, entities, at: i => world.get(entities[i]!, Pos)! };
}

/** Puts the particles that a scene made to their starts. */
function restart(world: World): Movers {
  const entities: Entity[] = [];
  world.each({ write: [Pos, Vel] }, (n, pos, vel, handles) => {
    for (let row = 0; row < n; row++) {
      const i = entities.push(handles.at(row)) - 1;
      pos.x[row] = startX(i);
      pos.y[row] = startY(i);
      vel.x[row] = speedX(i);
      vel.y[row] = speedY(i);
    }
  });
  return { world, entities, at: i => world.get(entities[i]!, Pos)! };
}

/** Options of all schedulers here: a fault ends the bench. */
const STRICT: SchedulerOptions = { onFault: 'throw' };

/** The records in a trace file and those that were overwritten before. */
function recordsOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let records = 0;
  for (let at = 16; at < bytes.length;) {
    const length = Number(view.getBigUint64(at + 8, true));
    const thread = view.getUint32(at, true) === 0x44524854; // THRD
    if (thread) records += Number(view.getBigUint64(at + 24, true)) + (length - 16) / 24;
    at += 16 + 8 * Math.ceil(length / 8);
  }
  return records;
}

export function tracingOf(sched: ParallelScheduler): Tracing {
  const trace = sched.trace();
  return {
    on: () => trace.on(),
    off: () => trace.off(),
    records: () => recordsOf(trace.bytes()),
  };
}

function frames(n: number, movers: Movers, sched: ParallelScheduler, sync: boolean): Subject {
  return {
    run: sync ? () => void sched.tick(DT) : () => sched.runFrame(DT),
    check: runs => checkMoved(n, runs, movers.at),
    trace: tracingOf(sched),
    async close() {
      await sched.close();
      movers.world.dispose();
    },
  };
}

async function started(world: World, options: SchedulerOptions): Promise<ParallelScheduler> {
  const sched = new ParallelScheduler(world, { ...STRICT, ...options });
  await sched.initPool();
  if (options.executor !== 'local') {
    const { kind, fallback } = sched.executor;
    expect(kind !== 'local', `jobs run in process: ${fallback}`);
  }
  return sched;
}

/** Frames of one job in TypeScript. */
export async function jobFrames(
  n: number,
  job: AnyJob,
  options: SchedulerOptions = {},
): Promise<Subject> {
  const movers = makeMovers(n);
  const sched = await started(movers.world, options);
  sched.register(job);
  return frames(n, movers, sched, options.executor === 'local');
}

/** Frames of the C job of scenes/physics.c. */
export async function sceneFrames(n: number, options: SchedulerOptions = {}): Promise<Subject> {
  const world = newWorld(n);
  const scene = await loadScene(new URL('../../build/wasm/physics.wasm', import.meta.url));
  const sched = new ParallelScheduler(world, { ...STRICT, ...options });
  sched.addScene(scene, { entities: n });
  await sched.initPool();
  const movers = restart(world);
  expect(movers.entities.length === n, `the scene made ${movers.entities.length} entities`);
  return frames(n, movers, sched, options.executor === 'local');
}
