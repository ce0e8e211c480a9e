// SPDX-License-Identifier: MIT
// What browser_trace_workers.test.ts runs in a page: traced frames of jobs that workers serve.

import { ParallelScheduler, World } from 'skep';
import { Busy, Mass, Speed, Spot, drift, spin, weigh } from '../jobs/traced.ts';

export interface TracedRun {
  readonly kind: string;
  /** Tasks of each frame. */
  readonly tasks: readonly number[];
  /** The longest that a block of `spin` says it took, at least, in milliseconds. */
  readonly spun: number;
  /** The file in base64. */
  readonly file: string;
}

const ROWS = 5000;

/** Runs frames on two workers that take `ms` for each block of `spin`. */
export async function run(frames: number, ms: number): Promise<TracedRun> {
  const world = new World({ memoryMax: 64 << 20 });
  world.spawnMany([[Spot, { x: 1 }], [Speed, { x: 2 }], Mass], ROWS);
  world.spawnMany([Busy], 4096);
  const scheduler = new ParallelScheduler(world, {
    size: 2,
    grain: 0,
    trace: true,
    onFallback: () => {},
    createWorker: () => new Worker('/tests/browser/trace_worker.ts', { type: 'module' }),
  });
  try {
    scheduler.register(drift);
    scheduler.register(weigh);
    scheduler.register(spin, { stage: 'late', extra: () => ms });
    const tasks: number[] = [];
    for (let i = 0; i < frames; i++) {
      const report = await scheduler.runFrame(1 / 60);
      if (report.faults.length) throw report.faults[0]!;
      tasks.push(report.tasks);
    }
    let spun = Infinity;
    world.each({ read: [Busy] }, (n, busy) => {
      for (let i = 0; i < n; i++) spun = Math.min(spun, busy.ms[i]!);
    });
    const bytes = scheduler.trace().bytes();
    let file = '';
    for (const byte of bytes) file += String.fromCharCode(byte);
    return { kind: scheduler.executor.kind, tasks, spun, file: btoa(file) };
  } finally {
    await scheduler.close();
    world.dispose();
  }
}
