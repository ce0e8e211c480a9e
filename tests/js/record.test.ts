// SPDX-License-Identifier: MIT
// ctest: timeout=300
// Recordings and replays: from one executor to another, between JavaScript and the command, with
// faults, inputs, writes from outside and `extra`; one bit that differs is named; damage is told.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ParallelScheduler, World, defineInput, defineJob, loadScene } from 'skep';
import { record, replay, type Recording, type RecordOptions } from 'skep/record';
import { ROOT } from './browser/site.ts';
import { Flag, Mark, Other, Place, liar, steady } from './cases/liar.ts';
import { SLIPS, slip } from './cases/slip.ts';

type Kind = 'local' | 'node' | 'copied';
const FRAMES = 24;
const Steer = defineInput({ name: 'Steer', fields: { turn: 'u32' } });

const steered = defineJob(
  { name: 'steered', writes: [Mark], hears: [Steer] },
  ({ n, out, inbox }) => {
    const { begin, turn } = inbox.Steer;
    for (let i = 0; i < n; i++) {
      for (let k = begin[i]!; k < begin[i + 1]!; k++) out.Mark.v[i]! += turn[k]!;
    }
  },
);

interface Bed {
  world: World;
  scheduler: ParallelScheduler;
}

function bed(executor: Kind, how: () => string, job = steady, at = (): unknown => 0): Bed {
  const world = new World({ seed: 5, memoryMax: 64 << 20 });
  const options = { executor, size: 2, log: () => {}, grain: 0 };
  const scheduler = new ParallelScheduler(world, options);
  scheduler.register(liar, { extra: () => ({ how: how(), at: at() as never }) });
  if (job === steady) scheduler.register(steady);
  else scheduler.register(job as unknown as typeof slip, { extra: () => 3 });
  scheduler.register(steered, { stage: 'late' });
  return { world, scheduler };
}

interface Run {
  bytes: Uint8Array<ArrayBuffer>;
  hash: bigint;
  faults: string[];
  recording: Recording;
}

/** Runs frames with all that a frame can get, and records them. */
async function recorded(executor: Kind, options: RecordOptions = {}, outside = true): Promise<Run> {
  let at: unknown = 0;
  let how = 'none';
  const { world, scheduler } = bed(
    executor,
    () => how,
    steady,
    () => at,
  );
  const rows = world.spawnMany([Place, Mark, Flag, Other], 2500);
  at = rows[1500]!;
  const faults: string[] = [];
  const recording = record(scheduler, options);
  try {
    for (let i = 0; i < FRAMES; i++) {
      how = i % 6 === 4 ? 'throw' : 'none';
      world.input(Steer, 1, i + 1, rows[i]!, { turn: 10 + i });
      const frame = scheduler.runFrame(1 / (50 + i), i === 9 ? 100 : -1);
      // From outside while it runs: waits for the next one.
      if (outside) {
        world.add(rows[i + 100]!, Mark, { v: 7 });
        world.set(rows[i + 200]!, Place, { x: i });
      }
      const report = await frame;
      for (const fault of report.faults) faults.push(`${fault.system} ${fault.frame}`);
      // Between frames: the world is recorded anew.
      if (outside && i === 12) world.set(rows[3]!, Place, { x: 1e6 });
    }
    recording.end();
    recording.end();
    world.check();
    return { bytes: recording.bytes(), hash: world.hash(), faults, recording };
  } finally {
    await scheduler.close();
    world.dispose();
  }
}

for (const [from, to] of [
  ['local', 'node'],
  ['node', 'local'],
  ['node', 'copied'],
  ['copied', 'node'],
] as const) {
  test(`what was recorded on ${from} comes out the same on ${to}, faults and all`, async () => {
    const { bytes, hash, faults, recording } = await recorded(from);
    assert.equal(faults.length, 3, 'the third brings quarantine, in which nothing is run');
    assert.equal(recording.lost, null);
    assert.deepEqual(recording.unkept, []);
    const { world, scheduler } = bed(to, () => 'never asked');
    const again: string[] = [];
    scheduler.on('fault', fault => void again.push(`${fault.system} ${fault.frame}`));
    const ticks: number[] = [];
    const played = await replay(bytes, scheduler, { onFrame: tick => void ticks.push(tick) });
    assert.equal(played.differs, null, played.differs?.text);
    assert.deepEqual(
      [played.frames, played.hashes, played.damage, played.closed, played.samePlan],
      [FRAMES, FRAMES, null, true, true],
    );
    assert.deepEqual(again, faults);
    assert.equal(world.hash(), hash);
    assert.deepEqual(ticks, [...ticks.keys()]);
    assert.equal((await scheduler.runFrame(1)).faults.length, 0, 'and goes on');
    await scheduler.close();
    world.dispose();
  });
}

test('one flipped bit of one field is named: frame, system and component', async () => {
  const { bytes } = await recorded('local');
  const { world, scheduler } = bed('node', () => 'none', slip as never);
  const { differs, frames } = await replay(bytes, scheduler);
  assert.ok(differs);
  assert.equal(frames, SLIPS + 1);
  assert.deepEqual(
    [differs.frame, differs.since, differs.system, differs.component],
    [SLIPS, SLIPS, 'steady', 'Other'],
  );
  assert.match(differs.text, /frame 7 differs: system "steady" \(batch \d\) wrote Other/);
  await scheduler.close();
  world.dispose();
});

test('where only some frames are hashed, the difference has a range', async () => {
  // Writes between frames are noticed where frames are hashed, so here there are none.
  const { bytes } = await recorded('local', { every: 5 }, false);
  const { world, scheduler } = bed('local', () => 'none', slip as never);
  const { differs } = await replay(bytes, scheduler, { parallel: false });
  assert.ok(differs);
  assert.ok(differs.since <= SLIPS && differs.frame >= SLIPS && differs.frame < SLIPS + 5);
  await scheduler.close();
  world.dispose();
});

test('a write between frames, a fault that is new: each is named', async () => {
  const { bytes } = await recorded('local');
  const { world, scheduler } = bed('local', () => 'none');
  const { differs } = await replay(bytes, scheduler, {
    onFrame: tick => {
      if (tick === 5) world.each({ write: [Place] }, (n, place) => place.x.fill(0, 0, n));
    },
  });
  assert.equal(differs?.frame, 5);
  assert.equal(differs.component, 'Place');
  const other = bed('local', () => 'none');
  other.scheduler.unregister('steady');
  other.scheduler.register(
    defineJob({ name: 'steady', writes: [Other] }, ({ tick }) => {
      if (tick === 3) throw new RangeError('new');
    }),
  );
  const second = await replay(bytes, other.scheduler, { parallel: false });
  assert.equal(second.differs?.system, 'steady');
  await scheduler.close();
  await other.scheduler.close();
});

test('a file that was cut off, or damaged, plays as far as it is good', async () => {
  const pieces: Uint8Array[] = [];
  const { recording } = await recorded('local', { write: bytes => void pieces.push(bytes) });
  assert.equal(recording.bytes().length, 0);
  const whole = Buffer.concat(pieces);
  assert.equal(whole.length, recording.size);
  for (const [what, bytes] of [
    ['cut', whole.subarray(0, whole.length - 5000)],
    ['damaged', Buffer.from(whole)],
  ] as const) {
    if (what === 'damaged') bytes[bytes.length - 5000]! ^= 4;
    const { world, scheduler } = bed('local', () => 'none');
    const played = await replay(bytes, scheduler, { parallel: false });
    assert.ok(played.frames > 2 && played.frames < FRAMES, `${what}: ${played.frames}`);
    assert.equal(played.differs, null);
    assert.ok(played.damage, what);
    assert.equal(played.closed, false);
    await scheduler.close();
    world.dispose();
  }
});

test('what is no recording, or one of another world, is refused, and nothing changed', async () => {
  const { bytes } = await recorded('local');
  const { world, scheduler } = bed('local', () => 'none');
  world.spawn(Place);
  const hash = world.hash();
  for (const bad of [new Uint8Array(100), bytes.subarray(0, 40), new Uint8Array()]) {
    await assert.rejects(replay(bad, scheduler), { code: 'E_CORRUPT' });
  }
  assert.equal(world.hash(), hash);
  // Numbers in another order.
  const other = new World({ memoryMax: 64 << 20 });
  other.spawn(Other);
  const odd = new ParallelScheduler(other, { executor: 'local', log: () => {} });
  odd.register(steady);
  await assert.rejects(replay(bytes, odd), { code: 'E_SCHEMA' });
  const small = new World({ memoryMax: 24 << 20, limits: { entities: 5000 } });
  const tight = new ParallelScheduler(small, { executor: 'local', log: () => {} });
  const large = new Uint8Array(16 << 20);
  await assert.rejects(replay(large, tight), { code: 'E_LIMIT', knob: 'memoryMax' });
  for (const each of [scheduler, odd, tight]) await each.close();
});

test('`extra` that JSON cannot hold is named, and the rest is kept', async () => {
  const { world, scheduler } = bed('local', () => 'none');
  world.spawnMany([Place, Mark, Flag, Other], 10);
  const odd = defineJob<readonly [], readonly [typeof Other], Map<string, number>>(
    { name: 'odd', writes: [Other] },
    () => {},
  );
  scheduler.register(odd, { extra: () => new Map([['a', 1]]) });
  const recording = record(scheduler);
  scheduler.tick(1);
  scheduler.tick(1);
  recording.end();
  assert.deepEqual(recording.unkept, ['odd']);
  const again = bed('local', () => 'none');
  again.scheduler.register(odd, { extra: () => new Map() });
  const played = await replay(recording.bytes(), again.scheduler, { parallel: false });
  assert.deepEqual([played.unkept, played.differs, played.frames], [['odd'], null, 2]);
});

test('a writer that throws ends the recording and nothing else; one at a time', async () => {
  const { world, scheduler } = bed('local', () => 'none');
  world.spawnMany([Place, Mark, Flag, Other], 10);
  let full = false;
  const recording = record(scheduler, {
    write: () => {
      if (full) throw new Error('the disk is full');
    },
  });
  assert.throws(() => record(scheduler), { code: 'E_BUSY' });
  scheduler.tick(1);
  full = true;
  assert.equal(scheduler.tick(1).faults.length, 0);
  assert.match(String(recording.lost), /disk is full/);
  recording.end();
  record(scheduler).end();
});

test('a world that is disposed of while it is recorded leaves nothing to the next', () => {
  const first = bed('local', () => 'none');
  const left = record(first.scheduler);
  first.world.dispose();
  const { world, scheduler } = bed('local', () => 'none');
  world.spawnMany([Place, Mark, Flag, Other], 10);
  const recording = record(scheduler);
  left.end();
  scheduler.tick(1);
  assert.equal(recording.lost, null);
  assert.ok(recording.size > 0);
  recording.end();
  world.dispose();
});

// ---- the command -------------------------------------------------------------------------------

const SKEP = process.env['SKEP_BIN'] ?? join(ROOT, 'build/dev/skep');
const folder = mkdtempSync(join(tmpdir(), 'skep-record-'));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const [scene, params] of [
  ['flock', { entities: 300 }],
  ['bullets', {}],
] as const) {
  test(`${scene}: recorded by the command, played here, and the other way round`, async () => {
    const file = join(folder, `${scene}.skepr`);
    const given = Object.entries(params).flatMap(([key, value]) => ['--param', `${key}=${value}`]);
    execFileSync(SKEP, ['run', scene, '--frames', '40', '--record', file, ...given], {
      stdio: 'pipe',
    });
    const open = async (): Promise<Bed> => {
      const world = new World();
      const scheduler = new ParallelScheduler(world, { executor: 'node', size: 2, log: () => {} });
      scheduler.addScene(await loadScene(join(ROOT, `build/wasm/${scene}.wasm`)), { ...params });
      return { world, scheduler };
    };
    const native = await open();
    const played = await replay(readFileSync(file), native.scheduler);
    assert.equal(played.differs, null, played.differs?.text);
    assert.deepEqual([played.frames, played.hashes, played.samePlan], [40, 40, true]);
    await native.scheduler.close();

    const { world, scheduler } = await open();
    const recording = record(scheduler, { scene, params });
    for (let i = 0; i < 30; i++) await scheduler.runFrame(1 / 60);
    recording.end();
    const own = join(folder, `${scene}-js.skepr`);
    writeFileSync(own, recording.bytes());
    const { status, stdout, stderr } = spawnSync(SKEP, ['replay', own, '--json'], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr + stdout);
    const report = JSON.parse(stdout) as { frames: number; differs: unknown };
    assert.equal(report.frames, 30, stdout);
    await scheduler.close();
    world.dispose();
  });
}
