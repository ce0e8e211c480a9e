// SPDX-License-Identifier: MIT
// ctest: timeout=300
// C jobs and the end of their stack: with the checks that skep-wasm puts in, every executor stops a
// job at the same depth, before it writes anything that is not its own; without them canaries tell.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { defineComponent, type Entity } from 'skep';
import { ROOT } from './browser/harness.ts';
import { linkScene, NODE_EXECUTORS, Run, temporary } from './support/scenes.ts';

const Dig = defineComponent({ name: 'Dig', fields: { depth: 'u32', sum: 'u32' } });
const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32' } });
// JavaScript with its types in comments; own_scene_command.test.ts has them checked.
const { addStackChecks } = (await import(
  pathToFileURL(join(ROOT, 'js/bin/stack_checks.mjs')).href
)) as { addStackChecks(bytes: Uint8Array): { bytes: Uint8Array<ArrayBuffer>; checks: number } };
// One call of fall() takes at least the 256 bytes of its array.
const TOO_DEEP = Math.ceil((240 << 10) / 256);

let checked: string;
let unchecked: string;
let debug: string;
const folder = temporary();
before(() => {
  checked = linkScene(folder, 'deep');
  unchecked = linkScene(folder, 'deep', '--no-stack-checks');
  debug = linkScene(folder, 'deep', '--debug');
});

function digger(run: Run): Entity {
  let third: Entity | undefined;
  run.world.each({ read: [Dig] }, (n, _dig, entities) => {
    if (n === 4) third = entities.at(2);
  });
  assert.ok(third, 'there are no four diggers');
  return third;
}

/** What the world holds, as text. */
function values(run: Run): string {
  const parts: string[] = [];
  run.world.each({ read: [Dig, Pos] }, (n, dig, pos) => {
    for (let i = 0; i < n; i++) parts.push(`${dig.depth[i]} ${dig.sum[i]} ${pos.x[i]}`);
  });
  return parts.join('\n');
}

/** Whether one frame at this depth goes well. */
async function fits(file: string, executor: string, depth: number): Promise<boolean> {
  await using run = await Run.open(file, NODE_EXECUTORS[executor]!, { depth });
  await run.frames(1);
  const [fault] = run.faults;
  if (fault) assert.match(fault.message, /stack overflow/, `${executor}, depth ${depth}`);
  return !fault;
}

for (const build of ['release', 'debug']) {
  describe(`${build}: a job that falls too deep`, () => {
    const file = (): string => (build === 'debug' ? debug : checked);
    for (const executor of Object.keys(NODE_EXECUTORS)) {
      test(executor, async () => {
        await using run = await Run.open(file(), NODE_EXECUTORS[executor]!);
        await run.frames(1);
        run.sound();
        const good = values(run);
        for (const depth of [TOO_DEEP, 100_000, 1_000_000, 1_290_000]) {
          run.faults.length = 0;
          run.world.set(digger(run), Dig, { depth });
          const before = values(run)
            .split('\n')
            .map(line => line.split(' '));
          await run.frames(1);
          assert.deepEqual(
            run.faults.map(fault => [fault.system, fault.action]),
            [['dig', depth === 1_000_000 ? 'quarantined' : 'skipped']],
            `depth ${depth}`,
          );
          assert.match(run.faults[0]!.message, /stack overflow: it needs more than the 240 KiB/);
          const after = values(run)
            .split('\n')
            .map(line => line.split(' '));
          before.forEach((line, i) => {
            assert.deepEqual(after[i]!.slice(0, 2), line.slice(0, 2), 'dig wrote something');
            assert.ok(Number(after[i]![2]) > Number(line[2]), 'walk did not run');
          });
          if (depth === 1_000_000) run.scheduler.release('dig');
        }
        // The same workers go on as if nothing had been.
        run.faults.length = 0;
        run.scheduler.release('dig');
        run.world.set(digger(run), Dig, { depth: 10 });
        await run.frames(1);
        run.sound();
        const [, sum] = good.split('\n')[2]!.split(' ');
        assert.equal(run.world.get(digger(run), Dig)!.sum, Number(sum));
      });
    }
  });
}

/** The most calls that fit. */
async function deepest(file: string, executor: string): Promise<number> {
  let [good, bad] = [1, TOO_DEEP];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (await fits(file, executor, middle)) good = middle;
    else bad = middle;
  }
  return good;
}

test('a job has the same stack on every executor', async () => {
  const local = await deepest(checked, 'local');
  assert.ok(local > 900 && local < TOO_DEEP, `${local} calls fit`);
  assert.equal(await deepest(checked, 'node'), local);
  // Columns that were sent are named by a struct on the stack, of some KiB.
  const copied = await deepest(checked, 'copied');
  assert.ok(copied > local - 20 && copied <= local, `${copied} calls fit, locally ${local}`);
});

test('after the same faults the world is the same', async () => {
  const hashes: Record<string, string> = {};
  for (const executor of Object.keys(NODE_EXECUTORS)) {
    await using run = await Run.open(checked, NODE_EXECUTORS[executor]!, { depth: 50_000 });
    await run.frames(5);
    assert.equal(run.faults.length, 3, executor);
    hashes[executor] = run.world.hash().toString(16);
  }
  assert.deepEqual(hashes, {
    local: hashes['local'],
    node: hashes['local'],
    copied: hashes['local'],
  });
});

test("without checks a canary tells, and the slot's own memory takes the damage", async () => {
  await using run = await Run.open(
    unchecked,
    { ...NODE_EXECUTORS['node'], size: 1 },
    {
      depth: (264 << 10) / 256,
    },
  );
  // Deadlined tasks run on workers only, so it is surely a worker's stack.
  const before = values(run);
  await run.frames(1);
  assert.equal(run.faults.length, 1, 'no fault');
  assert.match(run.faults[0]!.message, /stack overflow: the job needs more than a worker's stack/);
  assert.ok(run.faults[0]!.worker > 0);
  const after = values(run);
  const digs = (text: string): string[] => text.split('\n').map(line => line.split(' ')[1]!);
  assert.deepEqual(digs(after), digs(before));
  run.world.set(digger(run), Dig, { depth: 10 });
  run.faults.length = 0;
  await run.frames(2);
  run.sound('the canaries were not put back');
});

test('checks are put in once, and only where there is a stack pointer', () => {
  const bytes = readFileSync(unchecked);
  const done = addStackChecks(bytes);
  assert.ok(done.checks > 50, `${done.checks} checks`);
  assert.ok(WebAssembly.validate(done.bytes));
  assert.deepEqual(Buffer.from(done.bytes), readFileSync(checked));
  assert.throws(() => addStackChecks(done.bytes), /has stack checks already/);
  assert.throws(() => addStackChecks(bytes.subarray(0, 50_000)), /ends too early/);
  assert.throws(() => addStackChecks(Buffer.from('no wasm at all')), /no wasm file/);
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  assert.throws(() => addStackChecks(empty), /does not export __stack_pointer/);
  // Cut or changed anywhere, it ends with an error or a file, and does not go on for ever.
  for (let at = 8; at < bytes.length; at += 14_983) {
    for (const damaged of [bytes.subarray(0, at), Uint8Array.from(bytes).fill(255, at, at + 3)]) {
      try {
        addStackChecks(damaged);
      } catch (error) {
        assert.match(String(error), /wasm file|not known here|export/);
      }
    }
  }
});
