// SPDX-License-Identifier: MIT
// ctest: timeout=300
// The earlier notes' own wiring of a server runs as it was written: physics in a worker by the name
// of its module, values of object components, patches, `extra`, `run` where the job cannot run, and
// a timer that awaits nothing.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

interface Output {
  tick: number;
  runs: number;
  positions: { x: number; y: number }[];
  overlaps: number;
  executor: string;
}

const here = (file: string): string => fileURLToPath(new URL(`./notes/${file}`, import.meta.url));

async function serve(frames: number, job: string, executor: string): Promise<Output> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--unhandled-rejections=strict', here('server.ts'), String(frames), job, executor],
    { timeout: 120_000 },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Output;
}

function assertPositions(output: Output): void {
  const { tick } = output;
  output.positions.forEach((p, i) => {
    assert.deepEqual(
      p,
      { x: 100 * i + 0.5 * tick, y: i * 0.5 * tick },
      `entity ${i}, tick ${tick}`,
    );
  });
  assert.equal(output.positions.length, 5);
}

for (const [executor, kind] of [
  ['auto', 'node'],
  ['node', 'node'],
  ['copied', 'copied'],
  ['local', 'local'],
] as const) {
  test(`the notes' server runs (${executor}), D1: positions are right`, async () => {
    const output = await serve(20, here('physics_job.ts'), executor);
    assert.equal(output.executor, kind);
    assert.equal(output.runs, 0, 'the job did the work');
    assert.ok(output.tick >= 20);
    assertPositions(output);
  });
}

test('S12: frames that nobody awaits never overlap, and calls meanwhile are counted', async () => {
  const output = await serve(20, here('physics_job.ts'), 'node');
  assert.ok(output.overlaps > 0);
  assertPositions(output);
});

test('B4: where the job cannot be loaded, `run` does the work', async () => {
  const output = await serve(3, here('no_such_job.ts'), 'node');
  assert.ok(output.runs >= 3);
  assertPositions(output);
});
