// SPDX-License-Identifier: MIT
// ctest: timeout=600
// The same bits natively and in Node: after 1,000 frames of each scene the world's hash is one,
// whoever ran the tasks. browser_hash.test.ts says it of browsers.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { FRAMES, nativeHash, SCENES, wasmFile } from './hash/native.ts';
import { hashRun, type HashPlan } from './hash/run.ts';

/** Executors of Node, each with as many workers. */
const HOW: readonly Pick<HashPlan, 'executor' | 'size' | 'force'>[] = [
  { executor: 'tick' },
  { executor: 'local' },
  { executor: 'node', size: 1, force: true },
  { executor: 'node', size: 2, force: true },
  { executor: 'node', size: 2 },
  { executor: 'copied', size: 2, force: true },
];

function nameOf({ executor, size, force }: (typeof HOW)[number]): string {
  return `${executor}${size ? `, ${size} workers` : ''}${force ? ', all batches' : ''}`;
}

for (const [scene, entities] of Object.entries(SCENES)) {
  describe(scene, () => {
    let want: string;
    before(async () => {
      want = await nativeHash(scene, { entities, frames: FRAMES, workers: 0 });
    });

    test('native threads', async () => {
      assert.equal(await nativeHash(scene, { entities, frames: FRAMES, workers: 2 }), want);
    });

    for (const how of HOW) {
      test(nameOf(how), async () => {
        const run = await hashRun({ wasm: wasmFile(scene), entities, frames: FRAMES, ...how });
        assert.deepEqual(run.faults, []);
        assert.equal(run.hash, want);
        assert.equal(run.kind, how.executor === 'tick' ? 'local' : how.executor);
        if (how.force) assert.ok(run.workers >= FRAMES, `workers ran ${run.workers} tasks`);
        if (how.force && how.executor === 'node') assert.equal(run.caller, 0);
      });
    }

    test('another seed, or one frame less, is another hash', async () => {
      const plan = { wasm: wasmFile(scene), entities, executor: 'tick' as const };
      const other = await hashRun({ ...plan, frames: 50, seed: 2 });
      assert.equal(
        other.hash,
        await nativeHash(scene, { entities, frames: 50, workers: 0, seed: 2 }),
      );
      const same = await hashRun({ ...plan, frames: 50 });
      const less = await hashRun({ ...plan, frames: 49 });
      assert.notEqual(same.hash, other.hash);
      assert.notEqual(same.hash, less.hash);
    });
  });
}

describe('JavaScript jobs beside those of a C scene', () => {
  const plan = { wasm: wasmFile('bullets'), entities: SCENES['bullets']!, frames: 400 };
  let want: string;
  before(async () => {
    const run = await hashRun({ ...plan, executor: 'tick', mixed: true });
    assert.deepEqual(run.faults, []);
    want = run.hash;
  });

  test('they change the world', async () => {
    const alone = await hashRun({ ...plan, executor: 'tick' });
    assert.notEqual(alone.hash, want);
  });

  for (const how of HOW.slice(1)) {
    test(nameOf(how), async () => {
      const run = await hashRun({ ...plan, ...how, mixed: true });
      assert.deepEqual(run.faults, []);
      assert.equal(run.hash, want);
      if (how.force) assert.ok(run.workers >= plan.frames, `workers ran ${run.workers} tasks`);
    });
  }
});
