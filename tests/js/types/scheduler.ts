// SPDX-License-Identifier: MIT
// What the compiler says of schedulers, loops and pools. Nothing here runs: a line that is expected
// to be an error must be one, every other must be none.

import {
  createPortablePool,
  defineComponent,
  defineJob,
  ParallelScheduler,
  World,
  type FrameReport,
} from 'skep';
import { Damage, Pos } from './components.ts';

const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });
const world = new World();
const scheduler = new ParallelScheduler(world, { size: 2, executor: 'auto' });
// @ts-expect-error no such executor
new ParallelScheduler(world, { executor: 'threads' });
// @ts-expect-error a misspelt option
new ParallelScheduler(world, { sise: 2 });
// @ts-expect-error no world
new ParallelScheduler({});

const move = defineJob({ name: 'move', reads: [Vel], writes: [Pos] }, () => {});
const fall = defineJob<readonly [typeof Pos], readonly [], { gravity: number }>(
  { name: 'fall', reads: [Pos] },
  () => {},
);
const remove: () => void = scheduler.register(move, { stage: 'update', after: 'fall' });
scheduler.register(fall, { extra: () => ({ gravity: 9 }) });
// @ts-expect-error wrong extra
scheduler.register(fall, { extra: () => ({ gravty: 9 }) });
// @ts-expect-error extra of another type
scheduler.register(fall, { extra: () => ({ gravity: '9' }) });
// @ts-expect-error a misspelt option
scheduler.register(move, { stages: 'update' });
// @ts-expect-error a name is no system
scheduler.register('move');
scheduler.register({
  name: 'ai',
  offload: { nodeModule: new URL('./ai.js', import.meta.url), reads: [Pos], writes: [Vel] },
  run: ({ world: same, dt, cmd }) => {
    for (const [entity, get] of same.iter(same.makeQuery({ all: [Pos] }))) {
      const x: number | undefined = get(Pos)?.x;
      cmd.set(entity, Pos, { x: (x ?? 0) * dt });
      // @ts-expect-error no such field
      get(Pos)?.z;
      // @ts-expect-error a misspelt field
      cmd.set(entity, Pos, { xx: 1 });
    }
  },
});
// @ts-expect-error a system has a name
scheduler.register({ run: () => {} });
void remove;

new ParallelScheduler(world, { trace: true });
const traced = new ParallelScheduler(world, { trace: { records: 1024, off: true } }).trace();
// @ts-expect-error a misspelt option
new ParallelScheduler(world, { trace: { record: 1024 } });
const file: Uint8Array<ArrayBuffer> = traced.bytes({ frames: 120, budgetMs: 16 });
const named: number = traced.name('think');
const seven: 7 = traced.zone(named, () => 7 as const);
traced.end(named, traced.begin());
// @ts-expect-error a zone has a number
traced.zone('think', () => {});
// @ts-expect-error on() and off() do it
traced.enabled = true;
// @ts-expect-error only the scheduler does that
traced.ready();
void [file, seven];

export async function frames(): Promise<FrameReport> {
  const report = await scheduler.runFrame(1 / 60, 0, { parallel: true });
  const same: FrameReport = scheduler.tick(1 / 60);
  // @ts-expect-error a report is read only
  report.faults = [];
  // @ts-expect-error a frame has a length
  await scheduler.runFrame();
  return report.faults.length ? report : same;
}

export async function pools(): Promise<void> {
  const pool = await createPortablePool({ size: 2 });
  const x = new Float32Array(10);
  await pool.columns(move, { n: 10, dt: 1, Pos: { x, y: x }, Vel: { x, y: x } });
  // @ts-expect-error a component is missing
  await pool.columns(move, { n: 10, Pos: { x, y: x } });
  // @ts-expect-error an array of another type
  await pool.columns(move, { n: 10, Pos: { x: new Float64Array(10), y: x }, Vel: { x, y: x } });
  // @ts-expect-error no number of rows
  await pool.columns(move, { Pos: { x, y: x }, Vel: { x, y: x } });
  await pool.columns(fall, { n: 10, Pos: { x, y: x }, extra: { gravity: 1 } });
  // @ts-expect-error wrong extra
  await pool.columns(fall, { n: 10, Pos: { x, y: x }, extra: { gravty: 1 } });
  const result: unknown = await pool.run('job', { any: 1 }, { deadlineMs: 5 });
  // @ts-expect-error what a job gives is not known
  result.length;
  // @ts-expect-error a component is no job
  await pool.run(Damage);
  await pool.close({ mode: 'drain' });
  // @ts-expect-error no such mode
  await pool.close({ mode: 'later' });
}
