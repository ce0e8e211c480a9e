// SPDX-License-Identifier: MIT
// ctest: waits
// Where a pool runs its jobs: the choice, starts that fail, and what is said of a fallback.

import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { JobError, SkepError, createPortablePool } from 'skep';
import { createNodePool } from 'skep/node';
import { createWebPool } from 'skep/web';
import { acts } from './jobs/acts.ts';
import {
  KILLABLE,
  WebLike,
  act,
  failureOf,
  hostOf,
  jobUrl,
  runProgram,
  withFreshPool,
} from './support/pools.ts';

const serveUrl = jobUrl('serve.ts');
const handleUrl = JSON.stringify(jobUrl('function_handle.mjs').href);

function inline(source: string): Worker {
  return new Worker(source, { eval: true });
}

test('P1: without options it runs on Node workers, one less than processors', async () => {
  const pool = await createPortablePool();
  try {
    assert.equal(pool.kind, 'node');
    assert.equal(pool.fallback, null);
    assert.equal(pool.size, Math.max(1, availableParallelism() - 1));
    assert.equal(await pool.run(acts, act('echo', { value: 1 })), 1);
  } finally {
    await pool.close();
  }
});

test('skep/node and skep/web make pools of their kind', async () => {
  const node = await createNodePool({ size: 1 });
  assert.equal(node.kind, 'node');
  await node.close();
  const web = await createWebPool({ size: 1, createWorker: () => new WebLike(serveUrl) });
  assert.equal(web.kind, 'web');
  await web.close();
  const error = await failureOf<SkepError>(createWebPool({}));
  assert.equal(error.code, 'E_UNSUPPORTED');
  assert.match(error.message, /neither createWorker nor browserWorkers/);
});

for (const name of KILLABLE) {
  test(`${name}: B1: workers are made at the start, and none later`, async () => {
    const seen = new Set<unknown>();
    await withFreshPool(name, { size: 2 }, async pool => {
      const started = hostOf(pool).workers.map(worker => worker.generation);
      for (let i = 0; i < 20; i++) seen.add(await pool.run(acts, act('echo', { value: i })));
      await Promise.all(Array.from({ length: 20 }, () => pool.run(acts, act('later'))));
      await failureOf(pool.run(acts, act('throw')));
      await failureOf(pool.run(acts, () => 1));
      assert.deepEqual(started, [1, 1]);
      assert.deepEqual(
        hostOf(pool).workers.map(worker => worker.generation),
        [1, 1],
      );
    });
    assert.equal(seen.size, 20);
  });
}

test('P8: a worker that cannot load is tried a few times, with pauses, then given up', async () => {
  const times: number[] = [];
  const createWorker = (): Worker => {
    times.push(performance.now());
    return inline('throw new Error("does not load")');
  };
  const error = await failureOf<SkepError>(
    createPortablePool({ size: 1, executor: 'node', createWorker }),
  );
  assert.equal(error.code, 'E_UNSUPPORTED');
  assert.match(error.message, /does not load/);
  assert.equal(times.length, 5);
  assert.ok(times[4]! - times[3]! >= 75, 'the last pause is shorter than 80 ms');
});

test('P8: a web worker that cannot load is not tried again before one came up', async () => {
  let made = 0;
  const createWorker = (): unknown => {
    made++;
    return new WebLike(jobUrl('throws_on_load.mjs'));
  };
  const error = await failureOf<SkepError>(
    createPortablePool({ size: 2, executor: 'web', createWorker }),
  );
  assert.match(error.message, /does not want to/);
  assert.equal(made, 2);
});

test('P8: a slot that fails later is given up; with the last one all that waits ends', async () => {
  let good = 2;
  const createWorker = (): Worker =>
    good-- > 0 ? new Worker(serveUrl) : inline('process.exit(3)');
  const pool = await createPortablePool({ size: 2, executor: 'node', createWorker });
  try {
    const lost = failureOf<JobError>(pool.run(acts, act('exit1')));
    const runs = [1, 2, 3].map(value => pool.run(acts, act('later', { value, ms: 5 })));
    await lost;
    const settled = await Promise.allSettled(runs);
    for (const result of settled) {
      if (result.status === 'fulfilled') continue;
      assert.equal(result.reason.code, 'E_WORKER_LOST');
      assert.match(result.reason.message, /no worker is left.*code 3/);
    }
    const error = await failureOf<SkepError>(pool.run(acts, act('echo')));
    assert.equal(error.code, 'E_WORKER_LOST');
    assert.match(error.message, /no worker is left/);
    assert.ok(hostOf(pool).workers.every(worker => !worker.up));
  } finally {
    await pool.close();
  }
});

test('a start that fails once is healed by the next try', async () => {
  let tries = 0;
  const createWorker = (): Worker => (tries++ ? new Worker(serveUrl) : inline('process.exit(1)'));
  const pool = await createPortablePool({ size: 1, executor: 'node', createWorker });
  assert.equal(await pool.run(acts, act('echo', { value: 1 })), 1);
  assert.equal(tries, 2);
  await pool.close();
});

test('a slot that does not start does not keep the others from working', async () => {
  let made = 0;
  const createWorker = (): unknown =>
    made++ ? new WebLike(serveUrl) : new WebLike(jobUrl('throws_on_load.mjs'));
  const pool = await createPortablePool({ size: 2, executor: 'web', createWorker });
  assert.deepEqual(
    hostOf(pool).workers.map(worker => worker.up),
    [false, true],
  );
  assert.equal(await pool.run(acts, act('echo', { value: 1 })), 1);
  await pool.close();
});

interface Fallback {
  what: string;
  createWorker(): unknown;
  reason: RegExp;
  startTimeoutMs?: number;
}

const FALLBACKS: Fallback[] = [
  {
    what: 'a factory that throws',
    createWorker() {
      throw new ReferenceError('Worker is not defined');
    },
    reason: /ReferenceError: Worker is not defined/,
  },
  { what: 'a factory that makes no worker', createWorker: () => ({}), reason: /no Worker/ },
  {
    what: 'a worker that never calls serve',
    createWorker: () => inline('setInterval(() => {}, 1000)'),
    reason: /did not answer within 300 ms/,
    startTimeoutMs: 300,
  },
  {
    what: 'a worker that ends at once',
    createWorker: () => inline(''),
    reason: /exited with code 0/,
  },
  {
    what: 'a worker of another protocol',
    createWorker: () =>
      inline(`const { parentPort } = require('node:worker_threads');
        parentPort.on('message', () => {});
        parentPort.postMessage({ skep: 'hello', protocol: 99, jobs: [] });`),
    reason: /speaks protocol 99, the pool 2/,
  },
  {
    what: 'a worker that refuses our protocol',
    createWorker: () =>
      inline(`const { parentPort } = require('node:worker_threads');
        parentPort.on('message', () => {});
        parentPort.postMessage({ skep: 'refuse', protocol: 3 });`),
    reason: /speaks protocol 3, the pool 2/,
  },
];

for (const { what, createWorker, reason, startTimeoutMs } of FALLBACKS) {
  test(`B4, B5: ${what} is a reason to run in process, said once`, async () => {
    const said: string[] = [];
    const options = {
      size: 2,
      createWorker,
      startTimeoutMs,
      onFallback: (text: string) => said.push(text),
    };
    const pool = await createPortablePool(options);
    try {
      assert.equal(pool.kind, 'local');
      assert.match(pool.fallback!, reason);
      assert.deepEqual(said, [pool.fallback]);
      assert.equal(await pool.run(acts, act('double', { value: 4 })), 8);
      await pool.run(acts, act('echo'));
      assert.equal(said.length, 1);
    } finally {
      await pool.close();
    }
  });
}

test('a worker refuses a pool of another protocol', async () => {
  const worker = new Worker(serveUrl);
  try {
    const next = (): Promise<{ skep: string; protocol: number; jobs?: string[] }> =>
      new Promise(resolve => worker.once('message', resolve));
    const hello = await next();
    assert.equal(hello.skep, 'hello');
    assert.ok(hello.jobs!.includes('acts'));
    worker.postMessage({ skep: 'ready', protocol: hello.protocol + 1, slot: 1, generation: 1 });
    const answer = await next();
    assert.deepEqual(answer, { skep: 'refuse', protocol: hello.protocol });
  } finally {
    await worker.terminate();
  }
});

test('an executor that was asked for is not replaced by another', async () => {
  const createWorker = (): never => {
    throw new Error('blocked');
  };
  for (const executor of ['node', 'web'] as const) {
    const error = await failureOf<SkepError>(createPortablePool({ executor, createWorker }));
    assert.equal(error.code, 'E_UNSUPPORTED');
    assert.match(error.message, new RegExp(`executor "${executor}".*blocked`));
    assert.equal((error.cause as Error).message, 'blocked');
  }
});

test('a fallback without a listener is one line on the console, once a reason', async () => {
  const { output } = await runProgram(`
    import { createPortablePool } from 'skep';
    const createWorker = () => { throw new Error('not here'); };
    for (let i = 0; i < 3; i++) await (await createPortablePool({ createWorker })).close();`);
  assert.equal(output, 'fallback: workers not used: Error: not here; jobs run in process\n');
});

const PRETEND = {
  'B5: jsdom: a page that has a process': 'globalThis.document = {};',
  'B5: a page whose bundler gave it a process':
    'globalThis.document = {}; globalThis.process = { versions: { node: "16" }, env: {} };',
  'B5: a host without Worker and Node':
    'delete process.getBuiltinModule; process.getBuiltinModule = 0;',
};

for (const [what, source] of Object.entries(PRETEND)) {
  test(`${what} gets no Node workers`, async () => {
    const { output } = await runProgram(`
      const log = console.log;
      const url = ${handleUrl};
      ${source}
      const { createPortablePool } = await import('skep');
      const pool = await createPortablePool({ onFallback: reason => log('said', reason) });
      log(pool.kind, await pool.run(url, 1));
      await pool.close();`);
    assert.equal(output, "said this host has no Worker\nlocal { got: 1, by: 'handle' }\n");
  });
}

test('B5: a worker of Node is Node', async () => {
  const { output } = await runProgram(`
    import { Worker } from 'node:worker_threads';
    const source = \`
      import('skep').then(async ({ createPortablePool }) => {
        const pool = await createPortablePool({ size: 1 });
        console.log(pool.kind, await pool.run(${handleUrl}, 1));
        await pool.close();
      });\`;
    new Worker(source, { eval: true, execArgv: [] });`);
  assert.equal(output, "node { got: 1, by: 'handle' }\n");
});

test('a process that forbids workers runs jobs in process and says so', async () => {
  const { output } = await runProgram(
    `
    import { createPortablePool } from 'skep';
    const pool = await createPortablePool({ size: 1 });
    console.log(pool.kind, await pool.run(${handleUrl}, 1));
    await pool.close();`,
    { args: ['--permission', '--allow-fs-read=*'] },
  );
  assert.match(output, /fallback: workers not used: .*ERR_ACCESS_DENIED|fallback: .*restricted/);
  assert.match(output, /local \{ got: 1, by: 'handle' \}/);
});

test('where wasm is forbidden, jobs run in process, and the reason is said', async () => {
  const { code, output } = await runProgram(`
    WebAssembly.Module = function () { throw new Error('forbidden'); };
    const { createPortablePool } = await import('skep');
    let said = '';
    const pool = await createPortablePool({ size: 1, onFallback: reason => (said = reason) });
    console.log(pool.kind, /wasm/.test(said));
    console.log(await pool.run('data:text/javascript,export const handle = x => x + 1', 1));
    await pool.close();`);
  assert.deepEqual([code, output], [0, 'local true\n2\n']);
});
