// SPDX-License-Identifier: MIT
// ctest: timeout=900
// The fault contract on every executor where a fault can happen: whatever a job does, its promise
// settles once with a typed error, other jobs are not touched, and the queue goes on without a new
// submit.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadlineError, JobError, type PortablePool, type PoolOptions } from 'skep';
import { acts, type Act } from './jobs/acts.ts';
import {
  ALL,
  EXITING,
  Gate,
  KILLABLE,
  act,
  failureOf,
  jobUrl,
  withPool,
  type ExecutorName,
} from './support/pools.ts';

interface Fault {
  what: string;
  on: readonly ExecutorName[];
  input: Act;
  options?: PoolOptions;
  check(error: JobError): void;
}

function isJobError(error: unknown): asserts error is JobError {
  assert.ok(error instanceof JobError, `expected a JobError, got ${String(error)}`);
  assert.equal(error.system, 'acts');
}

function thrown(type: ErrorConstructor, message: RegExp): (error: JobError) => void {
  return error => {
    assert.equal(error.code, 'E_JOB');
    assert.ok(error.cause instanceof type, `the cause is ${String(error.cause)}`);
    assert.match((error.cause as Error).message, message);
    assert.match((error.cause as Error).stack!, /acts\.ts/, 'the stack does not name the job');
    assert.match(error.message, message);
  };
}

function lostTwice(cause: RegExp): (error: JobError) => void {
  return error => {
    assert.equal(error.code, 'E_WORKER_LOST');
    assert.equal(error.retried, true);
    assert.match(String(error.cause), cause);
    assert.ok(error.worker >= 1);
  };
}

const SMALL = { resourceLimits: { maxOldGenerationSizeMb: 24 }, deadlineMs: 0 };

const FAULTS: Fault[] = [
  { what: 'throws', on: ALL, input: act('throw'), check: thrown(TypeError, /thrown on purpose/) },
  {
    what: 'rejects later',
    on: ALL,
    input: act('reject'),
    check: thrown(TypeError, /rejected on purpose/),
  },
  {
    what: 'P9: throws an error with properties and a chain of causes, which arrives whole',
    on: ALL,
    input: act('odd'),
    check(error) {
      const cause = error.cause as Error & Record<string, unknown>;
      assert.equal(cause.name, 'OddError');
      assert.equal(cause.message, 'odd');
      assert.match(cause.stack!, /acts\.ts/);
      assert.equal(cause['shelf'], 7);
      assert.deepEqual(cause['parts'], { a: [1, 2], when: new Date(0) });
      const between = cause.cause as Error;
      assert.ok(between instanceof TypeError);
      const root = between.cause as Error & { code: string };
      assert.ok(root instanceof RangeError);
      assert.deepEqual([root.message, root.code], ['the root', 'E_ROOT']);
    },
  },
  {
    what: 'throws what is no error',
    on: ALL,
    input: act('throwText'),
    check(error) {
      assert.equal(error.cause, 'only text');
      assert.match(error.message, /only text/);
    },
  },
  {
    what: 'throws what cannot be cloned',
    on: ALL,
    input: act('throwFunction'),
    check: error => assert.match(error.message, /=> 1/),
  },
  {
    what: 'throws an error that is its own cause',
    on: ALL,
    input: act('circular'),
    check: error => assert.equal((error.cause as Error).message, 'its own cause'),
  },
  {
    what: 'throws an error whose getters throw',
    on: ALL,
    input: act('hostile'),
    check: error => assert.equal(error.code, 'E_JOB'),
  },
  {
    what: 'overflows the stack',
    on: ALL,
    input: act('deep'),
    check: thrown(RangeError, /call stack/),
  },
  {
    what: 'traps in wasm',
    on: ALL,
    input: act('trap'),
    check: error => {
      assert.equal((error.cause as Error).name, 'RuntimeError');
      assert.match(error.message, /unreachable/);
    },
  },
  {
    what: 'gives what cannot be cloned',
    on: ALL,
    input: act('giveFunction'),
    check(error) {
      assert.equal(
        error.message,
        'DataCloneError in `output` of job "acts": key "list[1].call" is a function',
      );
      assert.equal((error.cause as Error).name, 'DataCloneError');
    },
  },
  {
    what: 'gives a promise inside',
    on: ALL,
    input: act('givePromise'),
    check: error => assert.match(error.message, /`output` of job "acts": key "wait" is a Promise/),
  },
  {
    what: 'gives a getter that throws',
    on: ALL,
    input: act('giveGetter'),
    check: error => assert.match(error.message, /`output` of job "acts"/),
  },
  {
    what: 'P5: process.exit(0) in a job: its worker is lost twice, the host lives',
    on: EXITING,
    input: act('exit0'),
    check: lostTwice(/exited with code 0/),
  },
  {
    what: 'P5: process.exit(1) in a job: its worker is lost twice, the host lives',
    on: EXITING,
    input: act('exit1'),
    check: lostTwice(/exited with code 1/),
  },
  {
    what: 'has an uncaught error in a callback',
    on: KILLABLE,
    input: act('uncaught'),
    check: lostTwice(/uncaught on purpose/),
  },
  {
    what: 'leaves a rejection unhandled',
    on: KILLABLE,
    input: act('unhandled'),
    check: lostTwice(/unhandled on purpose/),
  },
  {
    what: 'runs out of memory',
    on: ['node'],
    input: act('grow'),
    options: SMALL,
    check: lostTwice(/ERR_WORKER_OUT_OF_MEMORY|memory limit/),
  },
];

/** The queue goes on: what was submitted after a fault, and before it was known, is served. */
async function goesOn(pool: PortablePool, fault: Promise<unknown>): Promise<JobError> {
  const later = [1, 2, 3].map(value => pool.run(acts, act('echo', { value })));
  const error = await failureOf<JobError>(fault);
  assert.deepEqual(await Promise.all(later), [1, 2, 3], 'jobs queued behind the fault');
  return error;
}

for (const { what, on, input, options, check } of FAULTS) {
  for (const name of on) {
    for (const size of [1, 2]) {
      test(`${name}, ${size} at a time: a job ${what}`, async () => {
        await withPool(name, { size, ...options }, async pool => {
          const error = await goesOn(pool, pool.run(acts, input));
          isJobError(error);
          check(error);
        });
      });
    }
  }
}

for (const name of KILLABLE) {
  test(`${name}: an endless loop ends at its deadline, the worker is replaced (P10)`, async () => {
    await withPool(name, { deadlineMs: 200 }, async pool => {
      const error = await goesOn(pool, pool.run(acts, act('loop')));
      assert.ok(error instanceof DeadlineError, String(error));
      assert.equal(error.deadlineMs, 200);
      isJobError(error.cause);
      assert.equal((error.cause as JobError).code, 'E_DEADLINE');
      assert.match(error.message, /"acts".*200 ms.*worker 1/);
    });
  });

  test(`${name}: a promise that never settles ends at its deadline`, async () => {
    await withPool(name, {}, async pool => {
      const error = await goesOn(pool, pool.run(acts, act('never'), { deadlineMs: 100 }));
      assert.ok(error instanceof DeadlineError, String(error));
      assert.equal(error.deadlineMs, 100);
    });
  });

  test(`${name}: without asking, an endless loop has a deadline of a second`, async () => {
    await withPool(name, {}, async pool => {
      const error = await failureOf<DeadlineError>(pool.run(acts, act('loop')));
      assert.ok(error instanceof DeadlineError, String(error));
      assert.equal(error.deadlineMs, 1000);
    });
  });

  test(`${name}: a job that loops is not tried again`, async () => {
    const gate = new Gate();
    await withPool(name, { deadlineMs: 100 }, async pool => {
      await failureOf(pool.run(acts, act('loop', { gate: gate.memory })));
      assert.equal(await pool.run(acts, act('echo', { value: 1 })), 1);
      assert.equal(gate.passed, 1);
    });
  });

  test(`${name}: the loading of a module does not count towards the deadline`, async () => {
    await withPool(name, { deadlineMs: 500 }, async pool => {
      assert.equal(await pool.run(jobUrl('loads_slowly.mjs'), 'in time'), 'in time');
    });
  });

  test(`${name}: nothing keeps a job's result from a caller that was busy itself`, async () => {
    await withPool(name, { deadlineMs: 300 }, async pool => {
      await pool.run(acts, act('echo'));
      const result = pool.run(acts, act('later', { ms: 20, value: 'in time' }));
      await new Promise(resolve => setTimeout(resolve, 1));
      for (const end = performance.now() + 1000; performance.now() < end;);
      assert.equal(await result, 'in time');
    });
  });

  test(`${name}: many deadlines at once, each at its own time`, async () => {
    await withPool(name, { size: 3 }, async pool => {
      await Promise.all([1, 2, 3].map(() => pool.run(acts, act('spin', { ms: 5 }))));
      const long = pool.run(acts, act('never'), { deadlineMs: 600 });
      const short = pool.run(acts, act('never'), { deadlineMs: 60 });
      const middle = pool.run(acts, act('never'), { deadlineMs: 250 });
      const order: number[] = [];
      const note = async (promise: Promise<unknown>): Promise<void> => {
        order.push((await failureOf<DeadlineError>(promise)).deadlineMs);
      };
      await Promise.all([note(long), note(short), note(middle)]);
      assert.deepEqual(order, [60, 250, 600]);
    });
  });
}

test('node: a module that loads for ever ends at startTimeoutMs', async () => {
  await withPool('node', { startTimeoutMs: 5000 }, async pool => {
    const error = await goesOn(pool, pool.run(jobUrl('loads_for_ever.mjs'), 1));
    assert.ok(error instanceof JobError, String(error));
    assert.equal(error.code, 'E_MODULE');
    assert.match(error.message, /startTimeoutMs/);
  });
});

test('local: an explicit deadline settles the promise, though the job goes on', async () => {
  await withPool('local', {}, async pool => {
    const error = await goesOn(pool, pool.run(acts, act('never'), { deadlineMs: 50 }));
    assert.ok(error instanceof DeadlineError, String(error));
  });
});

for (const name of ALL) {
  test(`${name}: an input that cannot be cloned is named, nothing is lost (P6, D10)`, async () => {
    await withPool(name, {}, async pool => {
      const input = { a: { b: [{ ok: 1 }, { callback: () => 1 }] } };
      const error = await goesOn(pool, pool.run(acts, input));
      isJobError(error);
      assert.equal(error.code, 'E_ARGUMENT');
      assert.equal(
        error.message,
        'DataCloneError in `input` of job "acts": key "a.b[1].callback" is a function',
      );
      assert.equal((error.cause as Error).name, 'DataCloneError');
    });
  });

  test(`${name}: what cannot be cloned is found in every kind of value`, async () => {
    await withPool(name, {}, async pool => {
      const self: Record<string, unknown> = { again: null };
      self['again'] = self;
      self['end'] = new Map([['k', new Set([{ deep: Symbol('s') }])]]);
      const cases: [unknown, RegExp][] = [
        [() => 1, /: the value itself is a function$/],
        [self, /key "end\(value of k\)\(item 0\)\.deep" is a symbol$/],
        [[1, new WeakMap()], /key "\[1\]" is a WeakMap$/],
        [{ p: Promise.resolve() }, /key "p" is a Promise$/],
        [new Map([[() => 1, 1]]), /key "\(key 0\)" is a function$/],
      ];
      for (const [input, message] of cases) {
        const error = await failureOf<JobError>(pool.run(acts, input));
        assert.match(error.message, message);
      }
    });
  });

  test(`${name}: an answer in spite of an abort is not heard (settled once)`, async () => {
    await withPool(name, {}, async pool => {
      const abort = new AbortController();
      const running = pool.run(acts, act('later', { ms: 5 }), { signal: abort.signal });
      abort.abort(new Error('enough'));
      assert.equal((await failureOf(running)).message, 'enough');
      assert.equal(await pool.run(acts, act('later', { ms: 20, value: 1 })), 1);
    });
  });
}

for (const name of EXITING) {
  test(`${name}: a job whose worker was lost once succeeds on another`, async () => {
    for (const size of [1, 2]) {
      const gate = new Gate();
      await withPool(name, { size }, async pool => {
        const result = await pool.run(acts, act('exitOnce', { gate: gate.memory }));
        assert.equal(result, 'second time');
        assert.equal(gate.passed, 2);
      });
    }
  });

  test(`${name}: others are not touched by the loss of a worker`, async () => {
    await withPool(name, { size: 2 }, async pool => {
      const good = pool.run(acts, act('later', { ms: 150, value: 'good' }));
      const bad = failureOf<JobError>(pool.run(acts, act('exit1')));
      assert.equal(await good, 'good');
      assert.equal((await bad).code, 'E_WORKER_LOST');
    });
  });

  test(`${name}: P3, P4: the queue is served after a death, by the living`, async () => {
    await withPool(name, { size: 2 }, async pool => {
      const runs = Array.from({ length: 12 }, (_, value) =>
        value % 3 ? pool.run(acts, act('echo', { value })) : pool.run(acts, act('exit1')),
      );
      const settled = await Promise.allSettled(runs);
      const states = settled.map((s, i) => s.status === (i % 3 ? 'fulfilled' : 'rejected'));
      assert.deepEqual(
        states,
        states.map(() => true),
      );
    });
  });

  test(`${name}: a worker that dies after its answer takes nobody with it`, async () => {
    await withPool(name, {}, async pool => {
      assert.equal(await pool.run(acts, act('exitAfterAnswer')), 'answered');
      await new Promise(resolve => setTimeout(resolve, 50));
      for (let value = 0; value < 5; value++) {
        assert.equal(await pool.run(acts, act('echo', { value })), value);
      }
    });
  });

  test(`${name}: a job whose input was transferred is not tried again`, async () => {
    await withPool(name, {}, async pool => {
      const value = new Float32Array(4);
      const error = await failureOf<JobError>(
        pool.run(acts, act('exit1', { value }), { transfer: [value.buffer] }),
      );
      assert.equal(error.code, 'E_WORKER_LOST');
      assert.equal(error.retried, false);
      assert.match(error.hint!, /transferred/);
    });
  });
}
