// SPDX-License-Identifier: MIT
// How many workers are made while work is done, counted by Node itself: 1,000 frames and 1,000 jobs
// of ours, and 50 jobs of the design notes' browser pool, which makes a worker for each.

import { Worker } from 'node:worker_threads';
import { createPortablePool } from 'skep';
import move from '../jobs/move.ts';
import { jobFrames } from '../ours.ts';
import type { Fact, FactValue } from '../row.ts';

let made = 0;
process.on('worker', () => made++);

/** Workers made while `work` runs, for each of its jobs. */
async function count(jobs: number, work: () => Promise<unknown>): Promise<number> {
  made = 0;
  for (let i = 0; i < jobs; i++) await work();
  return made / jobs;
}

async function ofFrames(): Promise<number> {
  const frames = await jobFrames(10_000, move, { size: 2 });
  await frames.run();
  const value = await count(1000, async () => frames.run());
  await frames.close?.();
  return value;
}

async function ofJobs(): Promise<number> {
  const pool = await createPortablePool({ executor: 'node', size: 2 });
  const module = new URL('../jobs/empty.ts', import.meta.url);
  await pool.run(module);
  const value = await count(1000, () => pool.run(module));
  await pool.close();
  return value;
}

function ofNotes(): Promise<number> {
  return count(
    50,
    () =>
      new Promise((resolve, reject) => {
        const worker = new Worker('require("worker_threads").parentPort.postMessage(1)', {
          eval: true,
        });
        worker.once('message', () => resolve(worker.terminate()));
        worker.once('error', reject);
      }),
  );
}

const fact: Fact = {
  name: 'new-workers',
  title: 'workers made after the start, a job',
  unit: 'workers',
  async measure(): Promise<readonly FactValue[]> {
    return [
      { name: 'skep frames', role: 'ours', value: await ofFrames() },
      { name: 'skep pool.run', role: 'ours', value: await ofJobs() },
      { name: "notes' browser pool", role: 'peer', value: await ofNotes() },
    ];
  },
  bars: [
    { of: 'skep frames', value: 0 },
    { of: 'skep pool.run', value: 0 },
  ],
};
export default fact;
