// SPDX-License-Identifier: MIT
// ctest: timeout=300
// Checkpoints from JavaScript: made between frames, written whole or not at all, the newest good
// one found again, also by the command and from it; a program that is killed loses none.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ParallelScheduler, World, defineComponent, defineJob, loadScene } from 'skep';
import { checkpoints, resume } from 'skep/record';
import { ROOT } from './browser/site.ts';

const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
const Name = defineComponent({ name: 'Name', defaults: () => ({ text: '' }) });
const move = defineJob({ name: 'move', writes: [Pos] }, ({ n, out, tick }) => {
  for (let i = 0; i < n; i++) out.Pos.x[i]! += tick;
});

const root = mkdtempSync(join(tmpdir(), 'skep-checkpoints-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const fresh = (): string => join(root, `c${folders++}`);

function make(rows: number, objects = 0): { world: World; scheduler: ParallelScheduler } {
  const world = new World({ limits: { entities: Math.max(rows + 10, 65536) } });
  const all = world.spawnMany([Pos], rows);
  for (let i = 0; i < objects; i++) world.add(all[i]!, Name, { text: `n${i}` });
  const scheduler = new ParallelScheduler(world, { executor: 'local', log: () => {} });
  scheduler.register(move);
  return { world, scheduler };
}

test('a folder: by number and tick, the newest stay, and the newest is gone on from', async () => {
  const dir = fresh();
  const { world, scheduler } = make(5000, 700);
  const saved = checkpoints(world, { dir, every: 5, keep: 2 });
  const hashes = new Map<number, bigint>();
  for (let i = 0; i < 20; i++) {
    scheduler.tick(1);
    hashes.set(world.tick, world.hash());
    if (world.tick % 5 === 0) await saved.now();
  }
  assert.deepEqual(readdirSync(dir).sort(), ['checkpoint-3-15.skep', 'checkpoint-4-20.skep']);
  assert.deepEqual(
    [saved.stats.written, saved.stats.skipped, saved.stats.failed, saved.stats.lastTick],
    [4, 0, 0, 20],
  );
  for (const [, , value] of world.iter(world.makeQuery({ all: [Name] }))) {
    (value as { text: string }).text = 'changed';
  }
  await saved.end();
  await saved.end();
  scheduler.tick(1);
  assert.equal(readdirSync(dir).length, 2, 'it has ended');

  const other = make(1);
  const found = await resume(other.world, dir);
  assert.deepEqual(found, { path: join(dir, 'checkpoint-4-20.skep'), tick: 20, damaged: [] });
  assert.equal(other.world.hash(), hashes.get(20));
  const names: string[] = [];
  other.world.each({ read: [Pos] }, (n, _, entities) => {
    for (let i = 0; i < n; i++) {
      const name = other.world.get(entities.at(i), Name);
      if (name) names.push(name.text);
    }
  });
  assert.equal(names.length, 700);
  assert.ok(names.includes('n0') && names.includes('n699'), 'as they were when it was taken');
});

test('the bytes are those of a save of that snapshot, however the frames go on', async () => {
  const { world, scheduler } = make(100_000, 300);
  const got: [Uint8Array, number][] = [];
  const want: Uint8Array[] = [];
  const saved = checkpoints(world, {
    every: 4,
    sliceMs: 0,
    write: (bytes, tick) => void got.push([bytes, tick]),
  });
  for (let i = 0; i < 12; i++) {
    scheduler.tick(1);
    if (world.tick % 4 !== 0) continue;
    if (saved.stats.written === want.length) want.push(world.save());
    for (let turn = 0; turn < 500 && saved.stats.written < want.length; turn++) {
      if (turn % 9 === 0 && turn < 40) scheduler.runFrame(0).catch(() => {});
      await sleep(0);
    }
  }
  await saved.end();
  assert.ok(got.length >= 2, `${got.length} were written`);
  got.forEach(([bytes], i) => assert.ok(Buffer.from(bytes).equals(want[i]!), `the ${i}-th`));
});

test('frames that leave the event loop no turn make the bytes, a slice each', async () => {
  const { world, scheduler } = make(200_000);
  let bytes = 0;
  const saved = checkpoints(world, { every: 3, write: given => void (bytes = given.length) });
  for (let i = 0; i < 60; i++) scheduler.tick(1);
  await sleep(5);
  assert.ok(saved.stats.written >= 1 && bytes > 2_000_000, JSON.stringify(saved.stats));
  assert.ok(saved.stats.skipped >= 1, 'what was due meanwhile was left out');
  await saved.end();
});

test('damaged ones are named and passed over; none, and none that is good', async () => {
  const dir = fresh();
  const { world, scheduler } = make(2000);
  assert.equal(await resume(world, dir), null, 'no folder yet');
  const saved = checkpoints(world, { dir, every: 1, keep: 4 });
  for (let i = 0; i < 4; i++) {
    scheduler.tick(1);
    await saved.now();
  }
  await saved.end();
  const path = (n: number): string => join(dir, `checkpoint-${n}-${n}.skep`);
  const bytes = readFileSync(path(4));
  bytes[bytes.length >> 1]! ^= 16;
  writeFileSync(path(4), bytes);
  truncateSync(path(3), 1000);
  writeFileSync(join(dir, 'checkpoint-9-9.skep.tmp'), 'half of one');
  writeFileSync(join(dir, 'notes.txt'), 'not ours');
  const found = await resume(world, dir);
  assert.equal(found?.tick, 2);
  assert.deepEqual(
    found.damaged.map(each => each.path),
    [path(4), path(3)],
  );
  assert.ok(found.damaged.every(each => /damaged|byte|short|end/.test(each.why)));
  writeFileSync(path(1), '');
  writeFileSync(path(2), 'nothing');
  const hash = world.hash();
  await assert.rejects(resume(world, dir), { code: 'E_CORRUPT' });
  assert.equal(world.hash(), hash);
  const again = checkpoints(world, { dir, every: 1 });
  await again.now();
  assert.ok(!existsSync(join(dir, 'checkpoint-9-9.skep.tmp')), 'what was cut off is gone');
  assert.ok(existsSync(join(dir, 'notes.txt')));
  assert.equal((await resume(make(1).world, dir))?.tick, 2);
  await again.end();
});

test('what cannot be written is told, and the next one is tried', async () => {
  const { world, scheduler } = make(100);
  const told: string[] = [];
  let bad = true;
  const saved = checkpoints(world, {
    every: 1,
    write: () => {
      if (bad) throw new Error('full');
    },
    onError: error => void told.push(error.message),
  });
  scheduler.tick(1);
  await sleep(20);
  assert.deepEqual(told, ['full']);
  await assert.rejects(saved.now(), /full/);
  bad = false;
  await saved.now();
  assert.deepEqual([saved.stats.failed, saved.stats.written], [2, 1]);
  await saved.end();
  const nowhere = checkpoints(world, { dir: join(root, 'no', 'parent') });
  await assert.rejects(nowhere.now(), { code: 'ENOENT' });
  await nowhere.end();
  assert.throws(() => checkpoints(world, {}), { code: 'E_ARGUMENT' });
  assert.throws(() => checkpoints(world, { dir: 'a', every: 0 }), { code: 'E_ARGUMENT' });
  world.add(world.spawn(Pos), Name, { text: (() => 1) as never });
  await assert.rejects(checkpoints(world, { write: () => {} }).now(), /cannot be saved/);
});

const PROGRAM = `
import { ParallelScheduler, World, defineComponent, defineJob } from 'skep';
import { checkpoints, resume } from 'skep/record';
const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
const move = defineJob({ name: 'move', writes: [Pos] }, ({ n, out, tick }) => {
  for (let i = 0; i < n; i++) out.Pos.x[i] += tick;
});
const world = new World();
const scheduler = new ParallelScheduler(world, { executor: 'local' });
scheduler.register(move);
const found = await resume(world, process.argv[2]);
if (!found) world.spawnMany([Pos], 20_000);
console.log('from ' + world.tick + ' ' + (found ? found.damaged.length : 0));
const saved = checkpoints(world, { dir: process.argv[2], every: 3 });
let last = -1;
for (;;) {
  await scheduler.runFrame(1);
  if (saved.stats.lastTick !== last) console.log('saved ' + (last = saved.stats.lastTick));
  await new Promise(setImmediate);
}
`;

test('a program that is killed at any moment loses no checkpoint that it had', async () => {
  const dir = fresh();
  const file = join(ROOT, 'tests/js', `zz_killed_${process.pid}.mjs`);
  writeFileSync(file, PROGRAM);
  let had = 0;
  try {
    for (let round = 0; round < 8; round++) {
      const child = spawn(process.execPath, [file, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      child.stdout.on('data', (text: Buffer) => {
        said += text.toString();
      });
      while (!said.includes('saved')) await sleep(2);
      await sleep(Math.random() * 40);
      child.kill('SIGKILL');
      await new Promise(resolve => child.on('close', resolve));
      const [, from, damaged] = /from (\d+) (\d+)/.exec(said)!;
      assert.ok(Number(from) >= had, `went on from ${from}, it had ${had}`);
      assert.equal(Number(damaged), 0);
      had = Math.max(...[...said.matchAll(/saved (\d+)/g)].map(match => Number(match[1])));
    }
  } finally {
    rmSync(file, { force: true });
  }
  const { world } = make(1);
  const found = await resume(world, dir);
  assert.ok(found!.tick >= had);
  // What the same frames make without any stop.
  let x = 0;
  for (let tick = 0; tick < found!.tick; tick++) x = Math.fround(x + tick);
  world.each({ read: [Pos] }, (n, pos) => assert.equal(pos.x[n - 1], x));
});

const SKEP = process.env['SKEP_BIN'] ?? join(ROOT, 'build/dev/skep');

test('the command goes on from a checkpoint of JavaScript, and the other way round', async () => {
  const dir = fresh();
  const open = async (): Promise<{ world: World; scheduler: ParallelScheduler }> => {
    const world = new World();
    const scheduler = new ParallelScheduler(world, { executor: 'local', log: () => {} });
    scheduler.addScene(await loadScene(join(ROOT, 'build/wasm/bullets.wasm')));
    return { world, scheduler };
  };
  const first = await open();
  for (let i = 0; i < 20; i++) first.scheduler.tick(1 / 60);
  const saved = checkpoints(first.world, { dir });
  await saved.now();
  await saved.end();
  const run = execFileSync(
    SKEP,
    ['run', 'bullets', '--frames', '10', '--resume', dir, '--checkpoint', dir, '--json'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const report = JSON.parse(run) as Record<string, unknown>;
  for (let i = 0; i < 10; i++) first.scheduler.tick(1 / 60);
  const second = await open();
  const found = await resume(second.world, dir);
  assert.deepEqual([found?.tick, found?.damaged], [30, []], JSON.stringify(report));
  assert.equal(second.world.hash(), first.world.hash());
});
