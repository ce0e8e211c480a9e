// SPDX-License-Identifier: MIT
// What browser_choice.test.ts and browser_frames.test.ts run in a page, or in a worker that holds
// the world: a small world whose positions can be foretold to the last bit.

import { loadScene, ParallelScheduler, SkepError, World, type SchedulerOptions } from 'skep';
import { bad, gather, move, Odd, Pos, Vel } from './frame_jobs.ts';

export interface Setup {
  executor?: SchedulerOptions['executor'];
  /** The worker's module; without it there is no createWorker. */
  worker?: string;
  size?: number;
  startTimeoutMs?: number;
  deadlineMs?: number;
  force?: boolean;
  /** Fallbacks go to the console. */
  aloud?: boolean;
}

export interface Chosen {
  kind: string;
  workers: number;
  fallback: string | null;
  /** Fallbacks told. */
  told: string[];
  /** Workers made. */
  made: number;
}

let made = 0;

function optionsOf(setup: Setup, told: string[]): SchedulerOptions {
  const { worker, executor, size, startTimeoutMs, deadlineMs } = setup;
  const createWorker = (): Worker => {
    made++;
    return new Worker(worker!, { type: 'module' });
  };
  return {
    executor: executor ?? 'auto',
    size: size ?? 2,
    log: () => {},
    ...(setup.aloud ? {} : { onFallback: reason => void told.push(reason) }),
    ...(setup.force ? { grain: 0 } : {}),
    ...(worker ? { createWorker } : {}),
    ...(startTimeoutMs ? { startTimeoutMs } : {}),
    ...(deadlineMs ? { deadlineMs } : {}),
  };
}

/** A world of `n` entities, and a scheduler. */
export class Scene {
  readonly world: World;
  readonly scheduler: ParallelScheduler;
  readonly told: string[] = [];
  readonly #n: number;

  constructor(setup: Setup, n: number) {
    this.#n = n;
    this.world = new World({ memoryMax: 32 << 20 });
    this.scheduler = new ParallelScheduler(this.world, optionsOf(setup, this.told));
    for (let i = 0; i < n; i++) {
      this.world.spawn([Pos, { x: i, y: 0 }], [Vel, { x: 1 + (i % 7), y: 0.5 }], [Odd, { n: i }]);
    }
  }

  /** How many rows are not where `frames` frames of `move` bring them. */
  wrong(frames: number, dt = 1 / 60): number {
    const step = Math.fround(dt);
    let wrong = 0;
    let row = 0;
    this.world.each({ read: [Pos] }, (n, pos) => {
      for (let i = 0; i < n; i++, row++) {
        let x = row;
        for (let f = 0; f < frames; f++) x = Math.fround(x + (1 + (row % 7)) * step);
        if (pos.x[i] !== x) wrong++;
      }
    });
    return wrong + Math.abs(row - this.#n);
  }

  chosen(): Chosen {
    return { ...this.scheduler.executor, told: this.told, made };
  }
}

/** Which executor a page gets, and whether a frame runs there. */
export async function choose(setup: Setup): Promise<Chosen & { wrong: number }> {
  made = 0;
  const scene = new Scene(setup, 1500);
  try {
    scene.scheduler.register(move);
    await scene.scheduler.initPool();
    await scene.scheduler.runFrame(1 / 60);
    return { ...scene.chosen(), wrong: scene.wrong(1) };
  } finally {
    await scene.scheduler.close();
  }
}

/** What the start of an executor rejects with. */
export async function refused(setup: Setup): Promise<Record<string, unknown>> {
  const scene = new Scene(setup, 1);
  try {
    await scene.scheduler.initPool();
    return { kind: scene.scheduler.executor.kind };
  } catch (error) {
    const { name, code, message, hint } = error as SkepError;
    return { name, code, message, hint };
  } finally {
    await scene.scheduler.close();
  }
}

/** Makes two schedulers of a kind, so that a test sees what the console was told. */
export async function twice(setup: Setup): Promise<string[]> {
  const kinds: string[] = [];
  for (let i = 0; i < 2; i++) kinds.push((await choose({ ...setup, aloud: true })).kind);
  return kinds;
}

/** What making a world throws. */
export function worldError(): Record<string, unknown> {
  try {
    new World();
    return { made: true };
  } catch (error) {
    const { name, code, message, hint } = error as SkepError;
    return { name, code, message, hint };
  }
}

/** Runs frames of a split job and of one that gets all rows. */
export async function run(setup: Setup, frames: number): Promise<Record<string, unknown>> {
  const scene = new Scene(setup, 2500);
  const { scheduler, world } = scene;
  scheduler.register(move);
  scheduler.register(gather);
  let faults = 0;
  for (let f = 0; f < frames; f++) faults += (await scheduler.runFrame(1 / 60)).faults.length;
  let odd = 0;
  world.each({ read: [Odd] }, (n, values) => {
    for (let i = 0; i < n; i++) odd += values.n[i]!;
  });
  const { kind } = scheduler.executor;
  await scheduler.close();
  await scheduler.close();
  const after = await scheduler.runFrame(1 / 60).catch((error: unknown) => error as Error);
  return {
    kind,
    faults,
    wrong: scene.wrong(frames),
    odd: odd - (2500 * 2499) / 2 - frames * 2500 * 2500,
    tick: world.tick,
    after: (after as Error).name,
  };
}

export interface FaultRun {
  kind: string;
  faults: { system: string; action: string; retried: boolean; cause: string; message: string }[];
  wrong: number;
  /** Values of y after the frames: the frame that failed left no trace. */
  y: number[];
  made: number;
}

/** One job goes wrong in its second frame; the others, and the frames after it, do not notice. */
export async function fault(setup: Setup, how: string): Promise<FaultRun> {
  made = 0;
  const scene = new Scene(setup, 1200);
  const { scheduler, world } = scene;
  scheduler.register(move);
  scheduler.register(bad, { stage: 'late', extra: () => ({ how, frame: 1 }) });
  const faults: FaultRun['faults'] = [];
  for (let f = 0; f < 4; f++) {
    for (const { system, action, retried, cause, message } of (await scheduler.runFrame(1 / 60))
      .faults) {
      const { name, message: text } = cause as Error;
      faults.push({ system: system!, action, retried, cause: `${name}: ${text}`, message });
    }
  }
  const y = new Set<number>();
  world.each({ read: [Vel] }, (n, vel) => {
    for (let i = 0; i < n; i++) y.add(vel.y[i]!);
  });
  const { kind } = scheduler.executor;
  await scheduler.close();
  return { kind, faults, wrong: scene.wrong(4), y: [...y], made };
}

/** Counts the ticks of a timer while frames of a C scene run, until these took `ms` in all. */
export async function ticksWhileFramesRun(
  setup: Setup,
  wasm: string,
  entities: number,
  ms: number,
): Promise<{ kind: string; ticks: number; frames: number; faults: number }> {
  const scheduler = new ParallelScheduler(new World(), optionsOf(setup, []));
  scheduler.addScene(await loadScene(wasm), { entities });
  await scheduler.initPool();
  let running = false;
  let ticks = 0;
  const timer = setInterval(() => {
    if (running) ticks++;
  }, 4);
  let spent = 0;
  let frames = 0;
  let faults = 0;
  for (; spent < ms; frames++) {
    const began = performance.now();
    running = true;
    const report = await scheduler.runFrame(1 / 60);
    running = false;
    spent += performance.now() - began;
    faults += report.faults.length;
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  clearInterval(timer);
  const { kind } = scheduler.executor;
  await scheduler.close();
  return { kind, ticks, frames, faults };
}

/** Draws a world that lives in a worker: takes its columns by message until it has `frames`. */
export async function drawOnly(url: string, frames: number): Promise<Record<string, unknown>> {
  const worker = new Worker(url, { type: 'module' });
  const ended = new Promise<Record<string, unknown>>((resolve, reject) => {
    let pictures = 0;
    let x: Float32Array | null = null;
    worker.onerror = event => {
      event.preventDefault();
      reject(new Error(`the world's worker: ${event.message}`));
    };
    worker.onmessage = ({ data }) => {
      if (data.x) {
        pictures++;
        x = data.x as Float32Array;
        worker.postMessage('next');
        return;
      }
      const step = Math.fround(1 / 60);
      let wrong = 0;
      x?.forEach((value, row) => {
        let want = row;
        for (let f = 0; f < frames; f++) want = Math.fround(want + (1 + (row % 7)) * step);
        if (value !== want) wrong++;
      });
      resolve({ ...data, pictures, rows: x?.length, wrong });
    };
  });
  worker.postMessage({ frames });
  try {
    return await ended;
  } finally {
    worker.terminate();
  }
}
