// SPDX-License-Identifier: MIT
// What each built page, and the program on Node, does with the package. Returns what was found.

import {
  createPortablePool,
  defineTag,
  ParallelScheduler,
  World,
  type PoolOptions,
  type SchedulerOptions,
} from 'skep';
import { cos } from 'skep/math';
import { move, Pos, Vel } from './move.ts';

/** What became of a world under a scheduler. */
export interface Frames {
  kind: string;
  workers: number;
  faults: number;
  hash: string;
}

/** What a test expects of a page. */
export interface Found {
  kind: string;
  fallback: string | null;
  size: number;
  /** Sums of the positions after two frames of 5,000 rows. */
  x: number;
  y: number;
  cosine: number;
  frames: Frames;
  /** The name of an error, which a minifier must not change. */
  error: string;
}

function errorName(): string {
  try {
    defineTag('no name');
    return 'none';
  } catch (error) {
    return (error as Error).name;
  }
}

/** Runs a world of 3,000 entities for some frames. The hash is the same wherever that is. */
export async function frames(options: SchedulerOptions): Promise<Frames> {
  const world = new World({ limits: { entities: 4000 } });
  const scheduler = new ParallelScheduler(world, { size: 2, onFallback: () => {}, ...options });
  try {
    for (let i = 0; i < 3000; i++) world.spawn([Pos, { x: i }], [Vel, { x: cos(i), y: 1 }]);
    scheduler.register(move);
    let faults = 0;
    for (let i = 0; i < 5; i++) faults += (await scheduler.runFrame(1 / 60)).faults.length;
    const { kind, workers } = scheduler.executor;
    return { kind, workers, faults, hash: world.hash().toString(16) };
  } finally {
    await scheduler.close();
    world.dispose();
  }
}

export async function run(options: PoolOptions): Promise<Found> {
  const pool = await createPortablePool({ size: 2, ...options });
  try {
    const n = 5000;
    const column = (at: (i: number) => number) => Float32Array.from({ length: n }, (_, i) => at(i));
    const pos = { x: column(i => i), y: column(() => 1) };
    const vel = { x: column(() => 2), y: column(i => i % 2) };
    // The first frame runs on workers alone, the second on the caller as well.
    for (let frame = 0; frame < 2; frame++) {
      await pool.columns(move, { n, dt: 0.5, Pos: pos, Vel: vel });
    }
    const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
    const { kind, fallback, size } = pool;
    // No batch is so small that it stays with the caller.
    const schedule: SchedulerOptions = { executor: kind === 'local' ? 'local' : 'auto', grain: 0 };
    if (options.createWorker) schedule.createWorker = options.createWorker;
    return {
      kind,
      fallback,
      size,
      x: sum(pos.x),
      y: sum(pos.y),
      cosine: cos(0),
      frames: await frames(schedule),
      error: errorName(),
    };
  } finally {
    await pool.close();
  }
}

/** What must be found where workers are of a kind and frames run by an executor. The hash is made
 * here, in process. */
export async function expected(kind: string, executor = kind): Promise<Found> {
  const { hash } = await frames({ executor: 'local' });
  return {
    kind,
    fallback: null,
    size: 2,
    // 0 to 4999 moved by 2 each; 1 moved by 1 where the row is odd.
    x: 12_497_500 + 10_000,
    y: 5000 + 2500,
    cosine: 1,
    frames: { kind: executor, workers: kind === 'local' ? 0 : 2, faults: 0, hash },
    error: 'SchemaError',
  };
}
