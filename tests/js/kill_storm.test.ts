// SPDX-License-Identifier: MIT
// ctest: timeout=400
// Two hundred frames, each with a worker that dies somewhere in it: by its own hand in a job, or
// ended from outside. The world comes out as if nothing had happened, and nobody is left behind.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { ParallelScheduler, World, type SchedulerOptions } from 'skep';
import { Age, Place, age, breed, walk, type Blow } from './fault_jobs/storm.ts';
import { Dice } from './support/worlds.ts';

const ROUNDS = 200;
const ROWS = 5000;
const SIZE = 2;
const SEED = Number(process.env['SKEP_SEED'] ?? 7);
const RUNNER = new URL('../../js/dist/pool/node_runner.js', import.meta.url);

/** The workers that a pool made and that are still alive, with the messages that each has sent. */
class Workers {
  readonly alive = new Map<Worker, number>();
  made = 0;

  readonly make = (): Worker => {
    const worker = new Worker(RUNNER);
    this.made++;
    this.alive.set(worker, 0);
    worker.on('message', () => this.alive.set(worker, this.alive.get(worker)! + 1));
    worker.on('exit', () => this.alive.delete(worker));
    return worker;
  };

  /** Ends one that has said hello and joined. One that dies before that has failed to start, and
   * after some of those in a row its place is given up. */
  kill(dice: Dice): void {
    const up = [...this.alive].filter(([, messages]) => messages > 1);
    if (up.length) void dice.pick(up)[0].terminate();
  }
}

interface Run {
  hash: bigint;
  size: number;
  faults: string[];
}

/** Runs all rounds; `round` is called when a frame has begun. */
async function run(
  options: SchedulerOptions,
  extra: () => Blow,
  round: () => Promise<void>,
): Promise<Run> {
  const world = new World({ seed: 3, memoryMax: 64 << 20 });
  world.spawnMany([Place, [Age, { left: 150 }]], ROWS);
  const scheduler = new ParallelScheduler(world, {
    grain: 0,
    deadlineMs: 0,
    log: () => {},
    ...options,
  });
  const faults: string[] = [];
  try {
    scheduler.register(walk, { extra });
    scheduler.register(breed);
    scheduler.register(age, { stage: 'late' });
    await scheduler.initPool();
    for (let i = 0; i < ROUNDS; i++) {
      const frame = scheduler.runFrame(1 / 60);
      await round();
      const report = await frame;
      for (const f of report.faults) faults.push(`${f.action} ${f.code} ${f.system}, frame ${i}`);
    }
    world.check();
    return { hash: world.hash(), size: world.size, faults };
  } finally {
    await scheduler.close();
    world.dispose();
  }
}

let calm: Promise<Run> | undefined;

/** A run without workers, and so without deaths. */
function calmRun(): Promise<Run> {
  const blow: Blow = { gate: new SharedArrayBuffer(4), row: 0 };
  return (calm ??= run(
    { executor: 'local' },
    () => blow,
    async () => {},
  ));
}

for (const executor of ['node', 'copied'] as const) {
  test(`${ROUNDS} deaths of workers leave no trace (${executor}, seed ${SEED})`, async () => {
    const want = await calmRun();
    const dice = new Dice(SEED);
    const workers = new Workers();
    const gate = new SharedArrayBuffer(4);
    let outside = false;
    const blow = (): Blow => {
      outside = dice.below(2) === 0;
      Atomics.store(new Int32Array(gate), 0, outside ? 0 : 1);
      return { gate, row: dice.below(1024) };
    };
    const round = async (): Promise<void> => {
      const ms = dice.below(8);
      if (ms) await sleep(ms - 1);
      if (outside) workers.kill(dice);
      assert.ok(workers.alive.size <= 2 * SIZE, `${workers.alive.size} are alive`);
    };
    const options = { executor, size: SIZE, createWorker: workers.make };
    const found = await run(options, blow, round);

    assert.deepEqual(
      found.faults.filter(text => !text.startsWith('healed E_WORKER_LOST')),
      [],
      'what was lost was done once more',
    );
    assert.ok(found.faults.length > ROUNDS / 8, `${found.faults.length} tasks were lost`);
    assert.ok(workers.made > ROUNDS / 4, `${workers.made} workers were made`);
    assert.deepEqual([found.size, found.hash], [want.size, want.hash]);
    assert.equal(workers.alive.size, 0, 'workers that are left');
  });
}
