// SPDX-License-Identifier: MIT
// ctest: waits
// A pool and the process that it lives in: what keeps the process alive and what does not, time
// that it slept, a debugger, and output that is still on its way. Each in a process of its own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobUrl, runProgram } from './support/pools.ts';

const acts = JSON.stringify(jobUrl('acts.ts').href);

function program(body: string): string {
  return `
    import { createPortablePool } from 'skep';
    const acts = ${acts};
    const run = (pool, act, more = {}, options = {}) => pool.run(acts, { act, ...more }, options);
    ${body}`;
}

test('P10: an idle pool does not keep a process alive', async () => {
  const { code, output } = await runProgram(
    program(`
      const pool = await createPortablePool({ size: 2 });
      console.log(await run(pool, 'echo', { value: 'done' }));`),
  );
  assert.deepEqual([code, output], [0, 'done\n']);
});

test('what runs or waits does', async () => {
  const { code, output } = await runProgram(
    program(`
      const pool = await createPortablePool({ size: 1 });
      for (const value of [1, 2]) {
        void run(pool, 'later', { value, ms: 150 }).then(value => console.log(value));
      }`),
  );
  assert.deepEqual([code, output], [0, '1\n2\n']);
});

test('a job that loops ends at its deadline though nothing else keeps the process', async () => {
  const { code, output } = await runProgram(
    program(`
      const pool = await createPortablePool({ size: 1, deadlineMs: 200 });
      void run(pool, 'loop').catch(error => console.log(error.name));`),
  );
  assert.deepEqual([code, output], [0, 'DeadlineError\n']);
});

test('unref: false keeps the process until the pool is closed', async () => {
  const { code, output } = await runProgram(
    program(`
      const pool = await createPortablePool({ size: 1, unref: false });
      setTimeout(() => pool.close().then(() => console.log('closed')), 200).unref();`),
  );
  assert.deepEqual([code, output], [0, 'closed\n']);
});

test('keepAlive holds the process for an executor', async () => {
  const { code, output } = await runProgram(
    program(`
      const pool = await createPortablePool({ size: 1 });
      pool.keepAlive(true);
      setTimeout(() => {
        console.log('held');
        pool.keepAlive(false);
      }, 200).unref();`),
  );
  assert.deepEqual([code, output], [0, 'held\n']);
});

test('P5: process.exit in a job never ends the host', async () => {
  const { code, output } = await runProgram(
    program(`
      const pool = await createPortablePool({ size: 1 });
      for (const act of ['exit0', 'exit1']) {
        await run(pool, act).catch(error => console.log(error.code));
      }
      console.log(await run(pool, 'echo', { value: 'alive' }));
      process.exitCode = 7;`),
  );
  assert.deepEqual([code, output], [7, 'E_WORKER_LOST\nE_WORKER_LOST\nalive\n']);
});

test('close lets a process end whose worker loops', async () => {
  const { code, output } = await runProgram(
    program(`
      const pool = await createPortablePool({ size: 1, deadlineMs: 0 });
      void run(pool, 'loop').catch(error => console.log(error.name));
      setTimeout(() => pool.close(), 100);`),
  );
  assert.deepEqual([code, output], [0, 'ClosedError\n']);
});

test('a drained worker still says what it had to say', async () => {
  const { output } = await runProgram(
    program(`
      const source = 'export const handle = () => { process.on("exit", () => console.log("bye")); '
        + 'console.log("said"); };';
      const pool = await createPortablePool({ size: 1 });
      await pool.run('data:text/javascript,' + encodeURIComponent(source));
      await pool.close({ mode: 'drain' });`),
  );
  assert.equal(output, 'said\nbye\n');
});

test('time that the process was stopped does not count towards a deadline', async () => {
  let stopped = false;
  const { output } = await runProgram(
    program(`
      const pool = await createPortablePool({ size: 1, deadlineMs: 3000 });
      await run(pool, 'echo');
      const result = run(pool, 'steps', { value: 'in time' });
      console.log('running');
      await result.then(value => console.log(value), error => console.log(error.message));`),
    {
      onOutput(text, pid) {
        if (stopped || !text.includes('running')) return;
        stopped = true;
        setTimeout(() => process.kill(pid, 'SIGSTOP'), 50);
        setTimeout(() => process.kill(pid, 'SIGCONT'), 5000);
      },
    },
  );
  assert.equal(output, 'running\nin time\n');
});

test('while the inspector is open no deadline counts', async () => {
  const body = program(`
    const inspector = process.getBuiltinModule('node:inspector');
    const pool = await createPortablePool({ size: 1, deadlineMs: 100 });
    inspector.open(0);
    await run(pool, 'spin', { ms: 700, value: 'open' })
      .then(value => console.log(value), error => console.log(error.name));
    inspector.close();
    await run(pool, 'loop').catch(error => console.log(error.name));`);
  const { output } = await runProgram(body);
  assert.match(output, /^open\nDeadlineError\n/m);
});
