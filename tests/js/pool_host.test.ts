// SPDX-License-Identifier: MIT
// ctest: timeout=900
// What a pool offers to executors: slots, word of what becomes of their workers, messages of their
// own beside `run`, and the surety that a replaced thread is gone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createPortablePool, type PortablePool } from 'skep';
import type { PoolHost, PoolWorker } from '../../js/dist/pool/host.js';
import { acts } from './jobs/acts.ts';
import { Gate, WebLike, act, failureOf, hostOf, jobUrl } from './support/pools.ts';

const extensionUrl = jobUrl('serve_extension.ts');
const KINDS = {
  node: () => new Worker(extensionUrl),
  web: () => new WebLike(extensionUrl),
};

type Kind = keyof typeof KINDS;

async function withHost(
  kind: Kind,
  size: number,
  use: (pool: PortablePool, host: PoolHost) => Promise<void>,
): Promise<void> {
  const pool = await createPortablePool({ size, executor: kind, createWorker: KINDS[kind] });
  try {
    await use(pool, hostOf(pool));
  } finally {
    await pool.close();
  }
}

/** The next extension message of a type. */
function next(host: PoolHost, type: string): Promise<{ worker: PoolWorker; data: unknown }> {
  return new Promise(resolve => {
    const off = host.onMessage(type, (worker, data) => {
      off();
      resolve({ worker, data });
    });
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 1));
}

for (const kind of Object.keys(KINDS) as Kind[]) {
  test(`${kind}: slots are numbered from 1, and onUp tells of those that are up`, async () => {
    await withHost(kind, 2, async (_, host) => {
      assert.equal(host.kind, kind);
      const up: [number, number, boolean][] = [];
      host.onUp(worker => up.push([worker.slot, worker.generation, worker.up]));
      assert.deepEqual(up, [
        [1, 1, true],
        [2, 1, true],
      ]);
      assert.deepEqual(
        host.workers.map(worker => worker.slot),
        [1, 2],
      );
    });
  });

  test(`${kind}: extension messages reach their handler, which knows where it is`, async () => {
    await withHost(kind, 2, async (_, host) => {
      const answer = next(host, 'test.probe');
      host.workers[1]!.post('test.probe', { what: 'who' });
      const { worker, data } = await answer;
      assert.equal(worker, host.workers[1]);
      assert.deepEqual(data, { slot: 2, generation: 1, jobs: ['acts'] });
      const other = next(host, 'test.other');
      host.workers[0]!.post('test.probe', { what: 'other' });
      assert.equal((await other).worker.slot, 1);
      const loaded = next(host, 'test.probe');
      host.workers[0]!.post('test.probe', {
        what: 'load',
        url: jobUrl('function_handle.mjs').href,
      });
      assert.deepEqual((await loaded).data, { got: 7, by: 'handle' });
    });
  });

  test(`${kind}: a worker that is busy with an extension still runs jobs`, async () => {
    await withHost(kind, 1, async (pool, host) => {
      const hanging = next(host, 'test.probe');
      host.workers[0]!.post('test.probe', { what: 'hang' });
      await hanging;
      assert.equal(await pool.run(acts, act('echo', { value: 1 })), 1);
    });
  });

  test(`${kind}: a handler that throws or rejects costs the worker, and says why`, async () => {
    await withHost(kind, 1, async (pool, host) => {
      const causes: string[] = [];
      host.onLost((worker, cause) => causes.push(`${worker.generation} ${String(cause)}`));
      for (const [type, data] of [
        ['test.probe', { what: 'nonsense' }],
        ['test.throw', null],
        ['test.unknown', null],
      ] as const) {
        await pool.run(acts, act('echo'));
        const before = causes.length;
        host.workers[0]!.post(type, data);
        await until(() => causes.length > before && host.workers[0]!.up);
      }
      assert.deepEqual(causes, [
        '1 RangeError: no nonsense',
        '2 TypeError: thrown by a handler',
        '3 Error: no handler is registered for "test.unknown" messages',
      ]);
    });
  });

  test(`${kind}: replace ends the thread, and resolves when it is surely gone`, async () => {
    await withHost(kind, 1, async (pool, host) => {
      const events: string[] = [];
      const worker = host.workers[0]!;
      host.onUp(w => events.push(`up ${w.generation}`));
      host.onLost((w, cause) => events.push(`lost ${w.generation} ${cause.message} ${w.up}`));
      const memory = new SharedArrayBuffer(4);
      const words = new Int32Array(memory);
      worker.post('test.probe', { what: 'beat', memory });
      await until(() => words[0] !== 0);
      const gone = host.replace(worker, new Error('too slow'));
      assert.equal(host.replace(worker, new Error('again')), gone);
      await gone;
      const last = Atomics.load(words, 0);
      assert.equal(await pool.run(acts, act('echo', { value: 1 })), 1);
      assert.equal(Atomics.load(words, 0), last, 'the old thread still wrote');
      assert.deepEqual(events, ['up 1', 'lost 1 too slow false', 'up 2']);
      await worker.gone;
    });
  });

  test(`${kind}: a job on a worker that is replaced runs again on another`, async () => {
    await withHost(kind, 1, async (pool, host) => {
      const gate = new Gate();
      const run = pool.run(acts, act('wait', { gate: gate.memory, value: 'done' }));
      await gate.reached(1);
      void host.replace(host.workers[0]!, new Error('for a test'));
      await gate.reached(2);
      gate.open();
      assert.equal(await run, 'done');
    });
  });

  test(`${kind}: callbacks can be taken away`, async () => {
    await withHost(kind, 1, async (_, host) => {
      const calls: string[] = [];
      const offUp = host.onUp(() => calls.push('up'));
      host.onUp(() => calls.push('kept'));
      offUp();
      await host.replace(host.workers[0]!, new Error('for a test'));
      await until(() => host.workers[0]!.up);
      assert.deepEqual(calls, ['up', 'kept', 'kept']);
    });
  });
}

test('post to a worker that is down does nothing, and throws what cannot be cloned', async () => {
  await withHost('node', 1, async (_, host) => {
    const worker = host.workers[0]!;
    assert.throws(() => worker.post('test.probe', () => 1), { name: 'DataCloneError' });
    void host.replace(worker, new Error('for a test'));
    assert.equal(worker.up, false);
    worker.post('test.probe', { what: 'who' });
  });
});

test('onGivenUp tells of slots that never come up again', async () => {
  let good = 1;
  const createWorker = (): Worker =>
    good-- > 0 ? new Worker(extensionUrl) : new Worker('process.exit(5)', { eval: true });
  const pool = await createPortablePool({ size: 1, executor: 'node', createWorker });
  const host = hostOf(pool);
  const givenUp = new Promise<string>(resolve => {
    host.onGivenUp((worker, cause) => resolve(`${worker.slot} ${cause.message}`));
  });
  await host.replace(host.workers[0]!, new Error('for a test'));
  assert.equal(await givenUp, '1 the worker exited with code 5');
  await pool.close();
});

test('in process there are no workers', async () => {
  const pool = await createPortablePool({ executor: 'local' });
  const host = hostOf(pool);
  assert.deepEqual(host.workers, []);
  host.onUp(() => assert.fail('a worker came up'));
  host.onLost(() => assert.fail('a worker was lost'))();
  host.keepAlive(true);
  await pool.close();
});

// In what order Node tells of a worker's end is not promised, so each order is played.
const ENDS = ['error', 'messageerror', 'exit'] as const;
for (const first of ENDS) {
  for (const second of ENDS) {
    test(`P10: ${first}, then ${second}: one loss, one retry, one new worker`, async () => {
      const threads: Worker[] = [];
      const createWorker = (): Worker => {
        const thread = new Worker(extensionUrl);
        threads.push(thread);
        return thread;
      };
      const pool = await createPortablePool({ size: 1, executor: 'node', createWorker });
      const host = hostOf(pool);
      let losses = 0;
      host.onLost(() => losses++);
      const gate = new Gate();
      const run = pool.run(acts, act('wait', { gate: gate.memory, value: 1 }), { deadlineMs: 0 });
      await gate.reached(1);
      const value = { error: new Error('played'), messageerror: new Error('played'), exit: 9 };
      threads[0]!.emit(first, value[first]);
      threads[0]!.emit(second, value[second]);
      await gate.reached(2);
      gate.open();
      assert.equal(await run, 1);
      assert.deepEqual([losses, threads.length, host.workers[0]!.generation], [1, 2, 2]);
      await pool.close();
      await Promise.all(threads.map(thread => thread.terminate()));
    });
  }
}

test('the web: messageerror is a loss like any other', async () => {
  const made: WebLike[] = [];
  const createWorker = (): WebLike => {
    made.push(new WebLike(extensionUrl));
    return made.at(-1)!;
  };
  const pool = await createPortablePool({ size: 1, executor: 'web', createWorker });
  const gate = new Gate();
  const input = act('never', { gate: gate.memory });
  const run = failureOf(pool.run(acts, input, { deadlineMs: 0 }));
  for (const count of [1, 2]) {
    await gate.reached(count);
    made[count - 1]!.dispatchEvent(new Event('messageerror'));
  }
  assert.match((await run).message, /could not be read/);
  await pool.close();
});
