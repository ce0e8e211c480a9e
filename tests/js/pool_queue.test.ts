// SPDX-License-Identifier: MIT
// The queue: order and priority, its limit, aborts, and closing, on every executor.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClosedError, JobError, LimitError, SkepError, createPortablePool } from 'skep';
import { acts } from './jobs/acts.ts';
import { ALL, EXECUTORS, Gate, KILLABLE, act, failureOf, withPool } from './support/pools.ts';

/** Collects the order in which promises settle. */
function makeOrder(): { list: unknown[]; note(promise: Promise<unknown>): Promise<void> } {
  const list: unknown[] = [];
  const note = async (promise: Promise<unknown>): Promise<void> => {
    list.push(
      await promise.then(
        value => value,
        (error: Error) => error.name,
      ),
    );
  };
  return { list, note };
}

for (const name of ALL) {
  test(`${name}: higher priority runs first, first in first out within one`, async () => {
    await withPool(name, {}, async pool => {
      const { list, note } = makeOrder();
      const first = note(pool.run(acts, act('later', { ms: 20, value: 'first' })));
      const all = [0, 5, 1, 5, 0, -1, 1, 5].map((priority, i) =>
        note(pool.run(acts, act('echo', { value: `${priority} ${i}` }), { priority })),
      );
      await Promise.all([first, ...all]);
      assert.deepEqual(list, ['first', '5 1', '5 3', '5 7', '1 2', '1 6', '0 0', '0 4', '-1 5']);
    });
  });

  test(`${name}: queueMax is a LimitError that names the knob`, async () => {
    await withPool(name, { queueMax: 2 }, async pool => {
      const runs = [1, 2, 3].map(value => pool.run(acts, act('later', { ms: 20, value })));
      const error = await failureOf<LimitError>(pool.run(acts, act('echo')));
      assert.ok(error instanceof LimitError, String(error));
      assert.deepEqual([error.knob, error.limit, error.needed], ['queueMax', 2, 3]);
      assert.match(error.message, /queueMax is 2/);
      assert.deepEqual(await Promise.all(runs), [1, 2, 3]);
      assert.equal(await pool.run(acts, act('echo', { value: 'room again' })), 'room again');
    });
  });

  test(`${name}: queueMax 0 takes what can start at once`, async () => {
    await withPool(name, { queueMax: 0 }, async pool => {
      const running = pool.run(acts, act('later', { ms: 5, value: 1 }));
      assert.ok((await failureOf(pool.run(acts, act('echo')))) instanceof LimitError);
      assert.equal(await running, 1);
      assert.equal(await pool.run(acts, act('echo', { value: 2 })), 2);
    });
  });

  test(`${name}: an aborted signal rejects at once with its reason`, async () => {
    await withPool(name, {}, async pool => {
      const gate = new Gate();
      const reason = new Error('no longer wanted');
      const signal = AbortSignal.abort(reason);
      const input = act('pass', { gate: gate.memory });
      assert.equal(await failureOf(pool.run(acts, input, { signal })), reason);
      await pool.run(acts, act('echo'));
      assert.equal(gate.passed, 0);
    });
  });

  test(`${name}: aborting what waits takes it from the queue`, async () => {
    await withPool(name, {}, async pool => {
      const gate = new Gate();
      const abort = new AbortController();
      const running = pool.run(acts, act('later', { ms: 30, value: 'running' }));
      const waiting = pool.run(acts, act('pass', { gate: gate.memory }), { signal: abort.signal });
      const behind = pool.run(acts, act('echo', { value: 'behind' }));
      abort.abort('reason');
      await assert.rejects(waiting, reason => reason === 'reason');
      assert.deepEqual(await Promise.all([running, behind]), ['running', 'behind']);
      assert.equal(gate.passed, 0, 'the aborted job ran');
    });
  });

  test(`${name}: aborting what is done does nothing`, async () => {
    await withPool(name, {}, async pool => {
      const abort = new AbortController();
      const { signal } = abort;
      assert.equal(await pool.run(acts, act('echo', { value: 1 }), { signal }), 1);
      abort.abort();
      assert.equal(await pool.run(acts, act('echo', { value: 2 })), 2);
    });
  });

  test(`${name}: P7: close rejects what runs and waits, and later runs`, async () => {
    const pool = await createPortablePool({ size: 1, ...EXECUTORS[name].options });
    const runs = [
      pool.run(acts, act('never')),
      pool.run(acts, act('echo')),
      pool.run(acts, act('echo')),
    ].map(run => failureOf(run));
    const closing = pool.close();
    for (const error of await Promise.all(runs)) {
      assert.ok(error instanceof ClosedError, String(error));
      assert.match(error.message, /"acts"/);
    }
    await closing;
    assert.ok((await failureOf(pool.run(acts, act('echo')))) instanceof ClosedError);
  });

  test(`${name}: close twice is one close`, async () => {
    const pool = await createPortablePool({ size: 1, ...EXECUTORS[name].options });
    const [one, two] = [pool.close(), pool.close({ mode: 'drain' })];
    assert.equal(one, two);
    await one;
    assert.equal(pool.close(), one);
  });

  test(`${name}: close drains what runs and waits, and takes nothing new`, async () => {
    const pool = await createPortablePool({ size: 1, ...EXECUTORS[name].options });
    const runs = [1, 2, 3].map(value => pool.run(acts, act('later', { ms: 10, value })));
    const closing = pool.close({ mode: 'drain' });
    assert.ok((await failureOf(pool.run(acts, act('echo')))) instanceof ClosedError);
    assert.deepEqual(await Promise.all(runs), [1, 2, 3]);
    await closing;
  });

  test(`${name}: a drain that takes too long ends as now does`, async () => {
    const pool = await createPortablePool({
      size: 1,
      ...EXECUTORS[name].options,
      deadlineMs: 0,
    });
    const runs = [act('never'), act('echo')].map(input => failureOf(pool.run(acts, input)));
    await pool.close({ mode: 'drain', timeoutMs: 50 });
    for (const error of await Promise.all(runs)) assert.ok(error instanceof ClosedError);
  });

  test(`${name}: close now cuts a drain short`, async () => {
    const pool = await createPortablePool({
      size: 1,
      ...EXECUTORS[name].options,
      deadlineMs: 0,
    });
    const run = failureOf(pool.run(acts, act('never')));
    const drain = pool.close({ mode: 'drain', timeoutMs: 1e9 });
    assert.equal(pool.close(), drain);
    assert.ok((await run) instanceof ClosedError);
    await drain;
  });

  test(`${name}: a pool is async disposable`, async () => {
    const pool = await createPortablePool({ size: 1, ...EXECUTORS[name].options });
    const run = failureOf(pool.run(acts, act('never')));
    await pool[Symbol.asyncDispose]();
    assert.ok((await run) instanceof ClosedError);
  });

  test(`${name}: a faulty job in a drain does not hold it up`, async () => {
    const pool = await createPortablePool({ size: 1, ...EXECUTORS[name].options });
    const bad = failureOf<JobError>(pool.run(acts, act('throw')));
    const good = pool.run(acts, act('echo', { value: 1 }));
    await pool.close({ mode: 'drain' });
    assert.ok((await bad) instanceof JobError);
    assert.equal(await good, 1);
  });
}

for (const name of KILLABLE) {
  test(`${name}: aborting what runs ends its worker and rejects at once`, async () => {
    await withPool(name, { deadlineMs: 0 }, async pool => {
      const gate = new Gate();
      const abort = new AbortController();
      const run = pool.run(acts, act('loop', { gate: gate.memory }), { signal: abort.signal });
      const behind = pool.run(acts, act('echo', { value: 'behind' }));
      await gate.reached(1);
      const reason = new Error('stop');
      abort.abort(reason);
      assert.equal(await failureOf(run), reason);
      assert.equal(await behind, 'behind');
    });
  });

  test(`${name}: close ends a worker that loops`, async () => {
    const pool = await createPortablePool({
      size: 2,
      ...EXECUTORS[name].options,
      deadlineMs: 0,
    });
    const gate = new Gate();
    const runs = [1, 2, 3].map(() => failureOf(pool.run(acts, act('loop', { gate: gate.memory }))));
    await gate.reached(2);
    await pool.close();
    for (const error of await Promise.all(runs)) assert.ok(error instanceof ClosedError);
    assert.equal(gate.passed, 2);
  });

  test(`${name}: jobs run beside each other, one a worker`, async () => {
    await withPool(name, { size: 3, deadlineMs: 0 }, async pool => {
      const gate = new Gate();
      const runs = [1, 2, 3, 4].map(value =>
        pool.run(acts, act('wait', { gate: gate.memory, value })),
      );
      await gate.reached(3);
      assert.equal(gate.passed, 3);
      gate.open();
      assert.deepEqual(await Promise.all(runs), [1, 2, 3, 4]);
    });
  });
}

test('options that are none are refused', async () => {
  const wrong = [
    { size: 0 },
    { size: 1.5 },
    { size: -1 },
    { size: '2' },
    { queueMax: -1 },
    { deadlineMs: NaN },
    { startTimeoutMs: 0 },
    { executor: 'threads' },
  ];
  for (const options of wrong) {
    const error = await failureOf<SkepError>(createPortablePool(options as never));
    assert.equal(error.code, 'E_ARGUMENT', JSON.stringify(options));
  }
});
