// SPDX-License-Identifier: MIT
// What pool.run accepts as a job, what reaches the job, and what comes back, on every executor.

import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { JobError, SkepError, createPortablePool, defineJob } from 'skep';
import { serve } from 'skep/worker';
import { acts } from './jobs/acts.ts';
import { ALL, act, failureOf, jobUrl, runProgram, withPool } from './support/pools.ts';

for (const name of ALL) {
  test(`${name}: a file:// string, a URL and an absolute path name a module (P2)`, async () => {
    await withPool(name, {}, async pool => {
      const url = jobUrl('function_handle.mjs');
      for (const job of [url.href, url, fileURLToPath(url)]) {
        assert.deepEqual(await pool.run(job, { a: 1 }), { got: { a: 1 }, by: 'handle' });
      }
    });
  });

  test(`${name}: handle is taken before the default, the default without it`, async () => {
    await withPool(name, {}, async pool => {
      const one = await pool.run(jobUrl('function_handle.mjs'), 1);
      const other = await pool.run(jobUrl('function_default.mjs'), 1);
      assert.deepEqual(
        [one, other],
        [
          { got: 1, by: 'handle' },
          { got: 1, by: 'default' },
        ],
      );
    });
  });

  test(`${name}: one job module serves every executor unchanged (B3)`, async () => {
    await withPool(name, {}, async pool => {
      assert.equal(await pool.run(acts, act('double', { value: 21 })), 42);
      assert.equal(await pool.run(acts, act('later', { value: 'async' })), 'async');
    });
  });

  test(`${name}: values go there and back as structured clones`, async () => {
    await withPool(name, {}, async pool => {
      const value = {
        map: new Map([[1, new Set(['a'])]]),
        when: new Date(5),
        array: Float32Array.of(1, 2),
        big: 2n ** 70n,
        nothing: undefined,
        error: new RangeError('cloned'),
      };
      const back = (await pool.run(acts, act('echo', { value }))) as typeof value;
      assert.deepEqual({ ...back, error: 0 }, { ...value, error: 0 });
      assert.notEqual(back, value);
      assert.ok(back.error instanceof RangeError);
    });
  });

  test(`${name}: a job gets copies, and cannot change its caller's objects (D9)`, async () => {
    await withPool(name, {}, async pool => {
      const value = { n: 1 };
      assert.equal(await pool.run(acts, act('change', { value })), 99);
      assert.equal(value.n, 1);
      const kept = await pool.run(acts, act('keep', { value }));
      assert.notEqual(kept, value);
    });
  });

  test(`${name}: transferred buffers move`, async () => {
    await withPool(name, {}, async pool => {
      const value = Float32Array.of(1, 2, 3);
      const sum = await pool.run(acts, act('sum', { value }), { transfer: [value.buffer] });
      assert.equal(sum, 6);
      assert.equal(value.length, 0, 'the array was copied, not moved');
    });
  });

  test(`${name}: a module that is missing is an error that names it`, async () => {
    await withPool(name, {}, async pool => {
      const missing = jobUrl('nowhere.mjs').href;
      const error = await failureOf<JobError>(pool.run(missing, 1));
      assert.ok(error instanceof JobError, String(error));
      assert.equal(error.code, 'E_MODULE');
      assert.match(error.message, /nowhere\.mjs/);
      assert.equal((error.cause as { code?: string }).code, 'ERR_MODULE_NOT_FOUND');
      assert.equal(await pool.run(acts, act('echo', { value: 'goes on' })), 'goes on');
    });
  });

  test(`${name}: a module without handle is an error that lists its exports`, async () => {
    await withPool(name, {}, async pool => {
      const error = await failureOf<JobError>(pool.run(jobUrl('no_handle.mjs'), 1));
      assert.equal(error.code, 'E_MODULE');
      assert.match(error.message, /exports neither `handle`.*another, other|other, another/);
    });
  });

  test(`${name}: a module that throws while loading rejects its job alone, each time`, async () => {
    await withPool(name, {}, async pool => {
      for (let i = 0; i < 3; i++) {
        const error = await failureOf<JobError>(pool.run(jobUrl('throws_on_load.mjs'), i));
        assert.equal(error.code, 'E_MODULE');
        assert.ok(error.cause instanceof SyntaxError, String(error.cause));
        assert.match((error.cause as Error).message, /does not want to/);
      }
      assert.equal(await pool.run(acts, act('echo', { value: 1 })), 1);
    });
  });

  test(`${name}: a relative path is refused with what to write instead`, async () => {
    await withPool(name, {}, async pool => {
      const error = await failureOf<SkepError>(pool.run('./jobs/acts.ts', 1));
      assert.equal(error.code, 'E_ARGUMENT');
      assert.match(error.hint!, /new URL\("\.\/jobs\/acts\.ts", import\.meta\.url\)/);
    });
  });

  test(`${name}: what names no job is refused`, async () => {
    await withPool(name, {}, async pool => {
      for (const thing of [undefined, null, 7, {}, () => 1]) {
        const error = await failureOf<SkepError>(pool.run(thing as never, 1));
        assert.equal(error.code, 'E_ARGUMENT', `${String(thing)} gave ${String(error)}`);
      }
    });
  });
}

for (const name of ['served', 'web'] as const) {
  test(`${name}: a served job is called by its name`, async () => {
    await withPool(name, {}, async pool => {
      assert.equal(await pool.run('acts', act('echo', { value: 'by name' })), 'by name');
    });
  });
}

test('web: a name that nobody serves is a clear error with those that are known (B2)', async () => {
  await withPool('web', {}, async pool => {
    const error = await failureOf<SkepError>(pool.run('phisics', 1));
    assert.equal(error.code, 'E_ARGUMENT');
    assert.match(error.message, /no job "phisics".*acts/);
  });
});

test('node: a job that workers cannot find says how they could', async () => {
  const lonely = defineJob({ name: 'lonely' }, () => {});
  await withPool('node', {}, async pool => {
    const error = await failureOf<SkepError>(pool.run(lonely, 1));
    assert.equal(error.code, 'E_ARGUMENT');
    assert.match(error.message, /"lonely"/);
    assert.match(error.hint!, /import\.meta\.url/);
  });
});

test('local: jobs are found by name once they are served in process (B4)', async () => {
  const early = await createPortablePool({ executor: 'local' });
  const job = defineJob({ name: 'in process' }, ((input: number) => input + 1) as never);
  serve(job);
  assert.equal(await early.run('in process', 1), 2);
  await early.close();
});

test('serve refuses two jobs of one name, and what is no job', () => {
  const one = defineJob({ name: 'twice' }, () => {});
  serve(one);
  serve(one);
  assert.throws(() => serve(defineJob({ name: 'twice' }, () => {})), /two jobs are called "twice"/);
  assert.throws(() => serve({ name: 'x' } as never), /no job/);
});

test('node, local: a bare name is what the working directory would import', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'skep-bare-'));
  try {
    const home = join(folder, 'node_modules', 'bare-job');
    mkdirSync(home, { recursive: true });
    const main = { name: 'bare-job', type: 'module', exports: './main.js' };
    writeFileSync(join(home, 'package.json'), JSON.stringify(main));
    writeFileSync(join(home, 'main.js'), 'export const handle = x => x * 3;');
    const { output } = await runProgram(`
      import { createPortablePool } from 'skep';
      process.chdir(${JSON.stringify(folder)});
      for (const executor of ['node', 'local']) {
        const pool = await createPortablePool({ executor, size: 1 });
        console.log(executor, await pool.run('bare-job', 14));
        await pool.close();
      }`);
    assert.equal(output, 'node 42\nlocal 42\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
