// SPDX-License-Identifier: MIT
// ctest: waits
// The restart budget: a pool that does nothing but replace workers fails, and says why; whatever it
// was asked for settles, and it still closes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ParallelScheduler, SkepError, World, createPortablePool, type PoolOptions } from 'skep';
import { Hp, Pos, split, type How } from './fault_jobs/jobs.ts';
import { EXITING, act, failureOf, jobUrl, withFreshPool } from './support/pools.ts';

const acts = jobUrl('acts.ts');

function isBudget(error: unknown): asserts error is SkepError {
  assert.ok(error instanceof SkepError, String(error));
  assert.equal(error.code, 'E_WORKER_LOST');
  assert.match(error.message, /restartBudget/);
  assert.match(error.hint ?? '', /restartBudget/);
}

for (const name of EXITING) {
  test(`${name}: one worker more than the budget, and the pool fails`, async () => {
    await withFreshPool(name, { size: 2, restartBudget: 3 }, async pool => {
      const lost = await failureOf<SkepError>(pool.run(acts, act('exit1'))); // two workers
      assert.equal(lost.code, 'E_WORKER_LOST');
      assert.doesNotMatch(lost.message, /restartBudget/);
      assert.equal(await pool.run(acts, act('echo', { value: 5 })), 5);
      const ends = [1, 2].map(() => failureOf(pool.run(acts, act('exit1'))));
      const waiting = Array.from({ length: 20 }, (_, i) =>
        failureOf(pool.run(acts, act('later', { value: i, ms: 2000 }))),
      );
      for (const error of await Promise.all(waiting)) isBudget(error);
      // One may have been lost twice before: then its error is its own.
      for (const error of await Promise.all(ends)) {
        assert.equal((error as SkepError).code, 'E_WORKER_LOST');
      }
      isBudget(await failureOf(pool.run(acts, act('echo'))));
      await pool.close();
    });
  });
}

test('deadlines use it up as well, and 0 is any number', async () => {
  for (const restartBudget of [2, 0]) {
    const pool = await createPortablePool({ size: 1, restartBudget, deadlineMs: 40 });
    const names: string[] = [];
    for (let i = 0; i < 4; i++) names.push((await failureOf(pool.run(acts, act('loop')))).name);
    const late = restartBudget ? ['SkepError'] : ['DeadlineError'];
    assert.deepEqual(names, [...Array<string>(3).fill('DeadlineError'), ...late]);
    await pool.close();
  }
});

test('what is no budget is refused', async () => {
  for (const restartBudget of [-1, 1.5, '3' as unknown as number]) {
    const options: PoolOptions = { restartBudget };
    const error = await failureOf<SkepError>(createPortablePool(options));
    assert.equal(error.code, 'E_ARGUMENT');
    assert.match(error.message, /restartBudget/);
  }
});

for (const executor of ['node', 'copied'] as const) {
  test(`${executor}: frames of a pool that has failed reject`, async () => {
    const world = new World({ memoryMax: 32 << 20 });
    world.spawnMany([Pos, Hp], 3000);
    const scheduler = new ParallelScheduler(world, {
      executor,
      size: 2,
      grain: 0,
      restartBudget: 2,
      log: () => {},
    });
    try {
      const how: How = { how: 'exit 1', at: [0, 1, 2, 3] };
      scheduler.register(split, { extra: () => ({ ...how }) });
      let failed: unknown;
      for (let i = 0; i < 4 && !failed; i++) {
        failed = await scheduler.runFrame(1 / 60).then(
          () => null,
          (error: unknown) => error,
        );
      }
      isBudget(failed);
      isBudget(await failureOf(scheduler.runFrame(1 / 60)));
      how.how = 'none';
      assert.deepEqual(scheduler.tick(1 / 60).faults, []); // on the caller alone it goes on
    } finally {
      await scheduler.close();
    }
  });
}
