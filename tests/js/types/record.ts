// SPDX-License-Identifier: MIT
// The types of `skep/record`, and of what is told of faults.

import { ParallelScheduler, World, type FaultRecord, type JobError } from 'skep';
import { checkpoints, record, replay, resume, type Difference, type Recording } from 'skep/record';

const world = new World();
const scheduler = new ParallelScheduler(world);

const off: () => void = scheduler.on('fault', fault => {
  const told: JobError = fault;
  const plain: FaultRecord = told.toJSON();
  const cause: string = plain.cause;
  // @ts-expect-error what was thrown may be anything
  const text: string = told.cause;
  return void [cause, text];
});
off();
// @ts-expect-error there is no such event
scheduler.on('faults', () => {});

const recording: Recording = record(scheduler, { every: 2, scene: 'ships', params: { n: 1 } });
// @ts-expect-error of a scheduler, not of its world
record(world);
// @ts-expect-error what it holds is read by bytes()
recording.size = 0;
const bytes: Uint8Array<ArrayBuffer> = recording.bytes();
const { differs, frames } = await replay(bytes, scheduler, { onFrame: tick => tick < 9 });
const difference: Difference | null = differs;
// @ts-expect-error nothing may differ
differs.system;
// @ts-expect-error bytes, not a path
void replay('run.skepr', scheduler);
const system: string | null | undefined = difference?.system;

const saves = checkpoints(world, { dir: 'saves', every: 600, keep: 3 });
checkpoints(world, { write: async (save: Uint8Array, tick: number) => void [save, tick] });
// @ts-expect-error bytes come first
checkpoints(world, { write: (tick: number) => void tick });
const written: number = saves.stats.written;
// @ts-expect-error only to be read
saves.stats.written = 0;
const found = await resume(world, 'saves');
// @ts-expect-error there may be none yet
found.tick;
const why: string | undefined = found?.damaged[0]?.why;
export const all = [frames, system, written, why];
