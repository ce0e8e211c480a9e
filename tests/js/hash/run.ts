// SPDX-License-Identifier: MIT
// Runs a scene and says what became of it: the same function in Node and in a page. Beside the
// world's hash it tells who ran the tasks, so that a test can see that workers did.

import { loadScene, ParallelScheduler, World, type SchedulerOptions } from 'skep';
import { census, fade, glow, Gun, wind } from './jobs.ts';

export interface HashPlan {
  /** Where the scene's wasm file is. */
  wasm: string;
  entities: number;
  frames: number;
  seed?: number;
  /** 'tick': synchronous frames. */
  executor: 'tick' | NonNullable<SchedulerOptions['executor']>;
  size?: number;
  /** Every batch goes to the workers, however small. */
  force?: boolean;
  /** Adds the JavaScript jobs of jobs.ts, and a system on the main thread. */
  mixed?: boolean;
  /** The worker's module, where there is no default one. */
  worker?: string;
}

export interface HashRun {
  /** 16 hex digits. */
  hash: string;
  kind: string;
  fallback: string | null;
  /** Tasks run by the caller, and by all workers. Of copied columns the caller's are not known. */
  caller: number;
  workers: number;
  faults: string[];
  entities: number;
}

interface Inside {
  instance: { u32: Uint32Array };
  layout: { slots: number; slotBytes: number };
}

interface Messages {
  onMessage(type: string, call: (worker: unknown, data: { kind: string }) => void): void;
}

/** Counts tasks: by the words of the pool in shared memory, and by messages of the others. */
class Count {
  #done = 0;
  readonly #scheduler: ParallelScheduler;

  constructor(scheduler: ParallelScheduler) {
    this.#scheduler = scheduler;
  }

  watch(): void {
    const pool = this.#scheduler.pool as unknown as Messages | null;
    pool?.onMessage('wasm', (_worker, data) => {
      if (data.kind === 'done') this.#done++;
    });
  }

  #slot(slot: number): number {
    const { instance, layout } = (this.#scheduler.world as unknown as { host: Inside }).host;
    return instance.u32[(layout.slots + slot * layout.slotBytes + 4) >> 2]!;
  }

  caller(): number {
    return this.#slot(0);
  }

  workers(): number {
    let sum = this.#done;
    for (let slot = 1; slot <= this.#scheduler.executor.workers; slot++) sum += this.#slot(slot);
    return sum;
  }
}

/** Adds the jobs of jobs.ts, and a system on the main thread. */
export function addJobs(scheduler: ParallelScheduler): void {
  scheduler.register(wind, { extra: ({ tick }) => 0.5 + (tick % 10) / 16 });
  scheduler.register(glow, { after: 'wind' });
  scheduler.register(fade, { stage: 'late' });
  scheduler.register(census, { stage: 'late', every: 3 });
  scheduler.register({
    name: 'reload',
    stage: 'late',
    writes: [Gun],
    run: ({ world, tick }) => {
      if (tick % 7) return;
      world.each({ write: [Gun] }, (n, gun) => {
        for (let i = 0; i < n; i++) if (gun.kills[i]! > 2) gun.wait[i] = 0;
      });
    },
  });
}

function optionsOf(plan: HashPlan): SchedulerOptions {
  const { executor, worker } = plan;
  return {
    executor: executor === 'tick' ? 'local' : executor,
    size: plan.size ?? 1,
    onFallback: () => {},
    ...(plan.force ? { grain: 0 } : {}),
    ...(worker ? { createWorker: () => new Worker(worker, { type: 'module' }) } : {}),
  };
}

/** Runs the plan. */
export async function hashRun(plan: HashPlan): Promise<HashRun> {
  const world = new World({ seed: plan.seed ?? 1, memoryMax: 64 << 20 });
  const scheduler = new ParallelScheduler(world, optionsOf(plan));
  const faults: string[] = [];
  try {
    scheduler.addScene(await loadScene(plan.wasm), { entities: plan.entities });
    if (plan.mixed) addJobs(scheduler);
    const count = new Count(scheduler);
    if (plan.executor !== 'tick') await scheduler.initPool();
    count.watch();
    for (let frame = 0; frame < plan.frames; frame++) {
      const report =
        plan.executor === 'tick' ? scheduler.tick(1 / 60) : await scheduler.runFrame(1 / 60);
      for (const fault of report.faults) faults.push(fault.message);
    }
    return {
      hash: world.hash().toString(16).padStart(16, '0'),
      kind: scheduler.executor.kind,
      fallback: scheduler.executor.fallback,
      caller: count.caller(),
      workers: count.workers(),
      faults,
      entities: world.size,
    };
  } finally {
    await scheduler.close();
  }
}
