// SPDX-License-Identifier: MIT
// ctest: timeout=300
// What docs/js/purity.md promises of jobs that write to their input: checks name them, checks
// change nothing else, and where memory is copied nobody else sees what they wrote.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineComponent, type AnyJob, type FrameReport, type SchedulerOptions } from 'skep';
import { withBed, type Bed, type Place } from './cases/bed.ts';
import { line } from './cases/data.ts';
import * as jobs from './cases/jobs.ts';
import {
  Pos,
  Seen,
  Vel,
  handles,
  honest,
  lazy,
  oldValues,
  readColumn,
  readWhole,
} from './fault_jobs/meddlers.ts';
import { COPIED, LOCAL, NODE_1, NODE_2, PLACES, TICK } from './support/places.ts';
import { linkScene, NODE_EXECUTORS, Run, temporary } from './support/scenes.ts';

/** Three blocks. */
const ROWS = 3000;

/** Sums of columns: small whole numbers, so that they are exact. */
function sums({ world }: Bed): { x: number; y: number; vel: number } {
  const sum = { x: 0, y: 0, vel: 0 };
  world.each({ read: [Pos, Vel] }, (n, pos, vel) => {
    for (let i = 0; i < n; i++) {
      sum.x += pos.x[i]!;
      sum.y += pos.y[i]!;
      sum.vel += vel.x[i]!;
    }
  });
  return sum;
}

const BEFORE = { x: (ROWS * (ROWS - 1)) / 2, y: 0, vel: ROWS };

/** Rows of speed 1, and a job that meddles from tick `from` on. */
function withMeddler(
  place: Place,
  job: AnyJob,
  options: SchedulerOptions,
  use: (bed: Bed) => Promise<void>,
  from = 0,
): Promise<void> {
  return withBed(
    place,
    async bed => {
      for (let i = 0; i < ROWS; i++) bed.world.spawn([Pos, { x: i }], [Vel, { x: 1 }], Seen);
      bed.scheduler.register(job, { extra: () => from as never });
      await use(bed);
    },
    options,
  );
}

/** Asserts that a frame has one fault, and whose it is. */
function named(report: FrameReport, job: AnyJob, cause = /the job changed its input/): void {
  const found = report.faults.map(f => [f.system, f.action, f.block]);
  assert.deepEqual(found, [[job.name, 'skipped', 0]]);
  assert.match(String(report.faults[0]!.cause), cause);
  assert.match(report.faults[0]!.message, new RegExp(`system "${job.name}", frame `));
}

for (const place of PLACES) {
  const { name, copied } = place;
  /** What the meddler adds to a column of the world. */
  const wrote = copied ? 0 : 1;

  test(`check: true names a job that writes to a column it reads [${name}]`, () =>
    withMeddler(place, readColumn, { check: true }, async bed => {
      named(await bed.frame(), readColumn);
      // Its output is dropped; its write is there, where the column was the world's own memory.
      assert.deepEqual(sums(bed), { ...BEFORE, vel: ROWS + wrote });
    }));

  test(`check: true names a job that writes to old values [${name}]`, () =>
    withMeddler(place, oldValues, { check: true }, async bed => {
      named(await bed.frame(), oldValues);
      assert.deepEqual(sums(bed), { ...BEFORE, y: 3 * wrote });
    }));

  test(`check: true names a job that leaves rows of \`overwrite\` [${name}]`, () =>
    withMeddler(place, lazy, { check: true }, async bed => {
      named(await bed.frame(), lazy, /an `out` row was not written/);
      assert.deepEqual(sums(bed), BEFORE);
    }));

  test(`check: false does not look [${name}]`, () =>
    withMeddler(place, readColumn, { check: false }, async bed => {
      await bed.clean(2);
      const { y, vel } = sums(bed);
      assert.deepEqual([y >= 2 * ROWS, vel], [true, ROWS + 2 * wrote]);
    }));

  test(`what a job with all rows writes to its input is lost [${name}]`, () =>
    withMeddler(place, readWhole, { check: true }, async bed => {
      await bed.clean(2);
      assert.deepEqual(sums(bed), { ...BEFORE, y: 2 * ROWS });
    }));
}

for (const place of [LOCAL, TICK]) {
  test(`by default a system's first frames and one in 64 are looked at [${place.name}]`, () =>
    withMeddler(
      place,
      readColumn,
      {},
      async bed => {
        const frames: number[] = [];
        for (let i = 0; i < 140; i++) {
          const report = await bed.frame();
          if (report.faults.length) named(report, readColumn);
          frames.push(...report.faults.map(f => f.frame));
        }
        assert.deepEqual(frames, [2, 64, 128]);
      },
      2,
    ));
}

for (const place of [NODE_1, NODE_2, COPIED]) {
  test(`by default nobody looks where there are workers [${place.name}]`, () =>
    withMeddler(place, readColumn, {}, async bed => void (await bed.clean(3))));
}

for (const size of [1, 2]) {
  const place: Place = { ...COPIED, options: { executor: 'copied', size } };

  const orders: readonly (readonly AnyJob[])[] = [
    [honest, readColumn],
    [readColumn, honest],
  ];
  for (const list of orders) {
    test(`on copied columns ${list[0]!.name} and ${list[1]!.name} share nothing (${size})`, () =>
      withBed(place, async ({ world, scheduler, clean }) => {
        world.spawnMany([Pos, [Vel, { x: 1 }], Seen], ROWS);
        for (const job of list) scheduler.register(job, { extra: () => 0 as never });
        assert.equal(scheduler.batches().length, 1);
        await clean(3);
        world.each({ read: [Seen] }, (n, seen) => {
          for (let i = 0; i < n; i++) assert.equal(seen.x[i], 1);
        });
      }));
  }

  test(`handles that a job wrote to copied memory reach nobody (${size})`, () =>
    withMeddler(place, handles, {}, async bed => {
      await bed.clean(2);
      bed.world.check();
      assert.deepEqual(sums(bed), BEFORE);
    }));
}

const faulty = linkScene(temporary(), 'faulty');
const Fault = defineComponent({ name: 'Fault', fields: { how: 'u32', tick: 'u32' } });

for (const [name, options] of Object.entries(NODE_EXECUTORS)) {
  for (const check of [true, false]) {
    test(`a C job that writes to a column it reads (${name}, check ${check})`, async () => {
      await using run = await Run.open(faulty, { ...options, check }, { how: 6, tick: 1 });
      await run.frames(2);
      const found = run.faults.map(f => `${f.system}, frame ${f.frame}: ${String(f.cause)}`);
      const want = 'walk, frame 1: Error: the job changed its input';
      assert.deepEqual(found, check ? [want] : []);
      let changed = 0;
      run.world.each({ read: [Fault] }, (n, fault) => {
        for (let i = 0; i < n; i++) if (fault.tick[i] !== 1) changed++;
      });
      assert.equal(changed, name === 'copied' ? 0 : 3);
      await run.frames(1);
      assert.equal(run.faults.length, found.length);
      run.world.check();
    });
  }
}

test('checks change no results', async () => {
  const mixed: readonly AnyJob[] = [jobs.move, jobs.sort, jobs.breed, jobs.dice];
  const hashes = new Map<bigint, string[]>();
  for (const place of PLACES) {
    for (const check of [true, false, 'sample'] as const) {
      const look = async ({ world, scheduler, clean }: Bed): Promise<void> => {
        line(world, ROWS);
        for (const job of mixed) scheduler.register(job);
        await clean(8);
        const hash = world.hash();
        hashes.set(hash, [...(hashes.get(hash) ?? []), `${place.name} ${check}`]);
      };
      await withBed(place, look, { check }, { limits: { entities: 200_000 } });
    }
  }
  assert.equal(hashes.size, 1, JSON.stringify([...hashes.values()]));
});
