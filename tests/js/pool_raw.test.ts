// SPDX-License-Identifier: MIT
// The notes' browserWorkers: raw onmessage workers by name. Here they are Node workers that look
// like the web's, inside and outside.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClosedError, DeadlineError, JobError, SkepError, createPortablePool } from 'skep';
import type { PoolOptions, PortablePool } from 'skep';
import { acts } from './jobs/acts.ts';
import { WebLike, act, failureOf, jobUrl } from './support/pools.ts';

const rawUrl = jobUrl('raw.mjs');

interface Raw {
  pool: PortablePool;
  made(): number;
}

async function withRaw(options: PoolOptions, use: (raw: Raw) => Promise<void>): Promise<void> {
  let made = 0;
  const physics = (): WebLike => {
    made++;
    return new WebLike(rawUrl);
  };
  const browserWorkers = { physics, other: () => new WebLike(rawUrl) };
  const pool = await createPortablePool({ size: 1, executor: 'web', browserWorkers, ...options });
  try {
    await use({ pool, made: () => made });
  } finally {
    await pool.close();
  }
}

test('B1: a named worker gets the bare input, gives the bare result, and is kept', async () => {
  await withRaw({}, async ({ pool, made }) => {
    assert.equal(pool.kind, 'web');
    for (let i = 1; i <= 5; i++) {
      assert.equal(await pool.run('physics', { act: 'echo', value: i }), i);
    }
    assert.equal(await pool.run('physics', { act: 'count' }), 1);
    assert.equal(await pool.run('physics', { act: 'count' }), 2, 'another worker was asked');
    assert.equal(await pool.run('other', { act: 'count' }), 1);
    assert.equal(made(), 1);
  });
});

test('B1: one job at a time a worker, never more workers a name than size', async () => {
  await withRaw({ size: 2 }, async ({ pool, made }) => {
    const values = Array.from({ length: 9 }, (_, value) => value);
    const runs = values.map(value => pool.run('physics', { act: 'later', value }));
    assert.deepEqual(await Promise.all(runs), values);
    assert.equal(made(), 2);
  });
});

test('B2: an unknown name is a clear error, with the names that are known', async () => {
  await withRaw({}, async ({ pool }) => {
    for (const name of ['phisics', 'toString', '__proto__', '/a/module.js']) {
      const error = await failureOf<SkepError>(pool.run(name, 1));
      assert.equal(error.code, 'E_ARGUMENT');
      assert.match(error.message, /known are physics, other/);
    }
    const error = await failureOf<SkepError>(pool.run(acts, act('echo')));
    assert.equal(error.code, 'E_ARGUMENT');
  });
});

test('B2: an error event is a JobError, the next job gets a new worker', async () => {
  await withRaw({}, async ({ pool, made }) => {
    const bad = pool.run('physics', { act: 'throw' });
    const behind = pool.run('physics', { act: 'echo', value: 'behind' });
    const error = await failureOf<JobError>(bad);
    assert.ok(error instanceof JobError, String(error));
    assert.equal(error.system, 'physics');
    assert.match(error.message, /raw, on purpose/);
    assert.equal(await behind, 'behind');
    assert.equal(made(), 2);
  });
});

test('P6: an input that cannot be cloned is named, and loses no worker', async () => {
  await withRaw({}, async ({ pool, made }) => {
    const error = await failureOf<JobError>(pool.run('physics', { act: 'echo', value: [() => 1] }));
    assert.equal(
      error.message,
      'DataCloneError in `input` of job "physics": key "value[0]" is a function',
    );
    assert.equal(await pool.run('physics', { act: 'echo', value: 1 }), 1);
    assert.equal(made(), 1);
  });
});

test('a named job that loops ends at its deadline', async () => {
  await withRaw({ deadlineMs: 100 }, async ({ pool }) => {
    assert.equal(await pool.run('physics', { act: 'echo', value: 1 }), 1);
    const looping = pool.run('physics', { act: 'loop' });
    const behind = pool.run('physics', { act: 'echo', value: 2 });
    assert.ok((await failureOf(looping)) instanceof DeadlineError);
    assert.equal(await behind, 2);
  });
});

test('the time of each of two that loop is counted, one behind the other', async () => {
  await withRaw({ size: 1, deadlineMs: 100 }, async ({ pool }) => {
    const looping = [1, 2].map(() => failureOf(pool.run('physics', { act: 'loop' })));
    for (const error of await Promise.all(looping)) assert.ok(error instanceof DeadlineError);
    assert.equal(await pool.run('physics', { act: 'echo', value: 1 }), 1);
  });
});

test('aborting a named job ends its worker', async () => {
  await withRaw({}, async ({ pool }) => {
    const abort = new AbortController();
    const looping = pool.run('physics', { act: 'loop' }, { signal: abort.signal });
    abort.abort(new Error('stop'));
    assert.equal((await failureOf(looping)).message, 'stop');
    assert.equal(await pool.run('physics', { act: 'echo', value: 3 }), 3);
  });
});

test('B2: close settles what named workers run, and drains when asked to', async () => {
  await withRaw({}, async ({ pool }) => {
    const runs = [act('later'), act('echo')].map(input => failureOf(pool.run('physics', input)));
    await pool.close();
    for (const error of await Promise.all(runs)) assert.ok(error instanceof ClosedError);
    assert.ok((await failureOf(pool.run('physics', 1))) instanceof ClosedError);
  });
  await withRaw({}, async ({ pool }) => {
    const runs = [1, 2, 3].map(value => pool.run('physics', act('later', { value })));
    await pool.close({ mode: 'drain' });
    assert.deepEqual(await Promise.all(runs), [1, 2, 3]);
  });
});

test('served workers and named ones live in one pool', async () => {
  const createWorker = (): WebLike => new WebLike(jobUrl('serve.ts'));
  await withRaw({ createWorker }, async ({ pool }) => {
    assert.equal(await pool.run('physics', { act: 'echo', value: 1 }), 1);
    assert.equal(await pool.run('acts', act('echo', { value: 2 })), 2);
    const error = await failureOf<SkepError>(pool.run('neither', 1));
    assert.match(error.message, /known are physics, other, acts/);
  });
});

test('a factory that throws later is the failure of its run', async () => {
  let made = 0;
  const shaky = (): WebLike => {
    if (made++ === 1) throw new Error('no more');
    return new WebLike(rawUrl);
  };
  await withRaw({ browserWorkers: { shaky } }, async ({ pool }) => {
    await failureOf(pool.run('shaky', { act: 'throw' }));
    const error = await failureOf<JobError>(pool.run('shaky', { act: 'echo' }));
    assert.equal(error.code, 'E_MODULE');
    assert.equal((error.cause as Error).message, 'no more');
    assert.equal(await pool.run('shaky', { act: 'echo', value: 1 }), 1);
  });
});

test('named workers that are blocked at once are a reason to fall back', async () => {
  const browserWorkers = { physics: () => new WebLike(jobUrl('throws_on_load.mjs')) };
  // Only the error event tells, so the worker has to fail within the time that is given to it:
  // what is certain is that a run fails with the cause, here or there.
  const pool = await createPortablePool({
    browserWorkers,
    executor: 'web',
  }).catch((error: SkepError) => error);
  if (pool instanceof Error) {
    assert.equal(pool.code, 'E_UNSUPPORTED');
    assert.match(pool.message, /does not want to/);
    return;
  }
  const error = await failureOf<JobError>(pool.run('physics', 1));
  assert.match(error.message, /does not want to/);
  await pool.close();
});

test('factories that throw at once are a reason, and in process the name says so', async () => {
  const browserWorkers = {
    physics: () => {
      throw new Error('forbidden');
    },
  };
  const error = await failureOf<SkepError>(createPortablePool({ browserWorkers, executor: 'web' }));
  assert.match(error.message, /executor "web" cannot be used: Error: forbidden/);
  const pool = await createPortablePool({ browserWorkers, executor: 'local' });
  const unknown = await failureOf<SkepError>(pool.run('physics', 1));
  assert.equal(unknown.code, 'E_ARGUMENT');
  assert.match(unknown.hint!, /browserWorkers has a worker for it, but workers are not used/);
  await pool.close();
});

test('on Node the map is used by name when its factories work there', async () => {
  const browserWorkers = { physics: () => new WebLike(rawUrl) };
  const pool = await createPortablePool({ size: 1, browserWorkers });
  assert.equal(pool.kind, 'node');
  assert.equal(await pool.run('physics', { act: 'echo', value: 1 }), 1);
  assert.equal(await pool.run(acts, act('echo', { value: 2 })), 2);
  await pool.close();
});
