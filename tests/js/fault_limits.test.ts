// SPDX-License-Identifier: MIT
// ctest: timeout=300
// Faults that the core finds itself (what a C job says, asks for too much of, or may not do),
// memory that runs out outside of jobs, and the end of a scheduler whose jobs hang.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  JobError,
  LimitError,
  ParallelScheduler,
  World,
  defineComponent,
  loadScene,
  type FaultRecord,
  type Scene,
} from 'skep';
import { Other, Place, liar, steady, wholeLiar, type Lie } from './cases/liar.ts';

type Kind = 'local' | 'node' | 'copied';
const EVERYWHERE: readonly Kind[] = ['local', 'node', 'copied'];
const Spot = defineComponent({ name: 'Spot', fields: { x: 'f32' } });
const Count = defineComponent({ name: 'Count', fields: { n: 'u32' } });

let scene: Scene;
const folder = mkdtempSync(join(tmpdir(), 'skep-fault-limits-'));
before(async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const wasm = join(folder, 'refuse.wasm');
  execFileSync('python3', ['tools/wasm_build.py', '--link', wasm, 'tests/js/scenes/refuse.c'], {
    cwd: root,
    stdio: 'inherit',
  });
  scene = await loadScene(wasm);
});
after(() => rmSync(folder, { recursive: true, force: true }));

function values(world: World): { xs: number[]; counts: number[] } {
  const xs = new Set<number>();
  const counts = new Set<number>();
  world.each({ read: [Spot, Count] }, (n, spot, count) => {
    for (let i = 0; i < n; i++) {
      xs.add(spot.x[i]!);
      counts.add(count.n[i]!);
    }
  });
  return { xs: [...xs], counts: [...counts] };
}

// What a C job does by the rules fails again, so it is not tried twice.
const REFUSALS = [
  { how: 1, code: 'E_JOB', cause: /^said so on purpose$/ },
  { how: 2, code: 'E_LIMIT', cause: /scratch_bytes/ },
  { how: 3, code: 'E_ACCESS', cause: /a right that it did not declare/ },
  { how: 4, code: 'E_LIMIT', cause: /spawn_max/ },
  { how: 5, code: 'E_LIMIT', cause: /patch_bytes_max|memoryMax/ },
] as const;

for (const executor of EVERYWHERE) {
  for (const { how, code, cause } of REFUSALS) {
    test(`a C job, ${cause}: ${code} (${executor})`, async () => {
      const world = new World();
      const told: JobError[] = [];
      const scheduler = new ParallelScheduler(world, {
        executor,
        size: 2,
        log: () => {},
        grain: 0,
      });
      scheduler.on('fault', fault => void told.push(fault));
      try {
        scheduler.addScene(scene, { how, tick: 1 });
        await scheduler.initPool();
        assert.equal((await scheduler.runFrame(1)).faults.length, 0);
        const { faults } = await scheduler.runFrame(1);
        assert.deepEqual(told, faults);
        assert.equal(faults.length, 1);
        const [fault] = faults;
        assert.deepEqual(
          [fault!.system, fault!.frame, fault!.action, fault!.code],
          ['walk', 1, 'skipped', code],
        );
        const record = JSON.parse(JSON.stringify(fault)) as FaultRecord;
        assert.match(record.cause, cause);
        assert.equal(record.block, 0);
        assert.deepEqual(values(world), { xs: [1], counts: [2] });
        assert.equal((await scheduler.runFrame(1)).faults.length, 0);
        assert.deepEqual(values(world), { xs: [2], counts: [3] });
        world.check();
      } finally {
        await scheduler.close();
        world.dispose();
      }
    });
  }
}

const honest = (): Lie => ({ how: 'none', at: 0 as never });

for (const executor of EVERYWHERE) {
  test(`a full region: the frame says which knob, nothing changed (${executor})`, async () => {
    const world = new World({ memoryMax: 24 << 20 });
    world.spawnMany([Other], 100);
    const rows = world.spawnMany([Place], 2000);
    const scheduler = new ParallelScheduler(world, { executor, size: 1, log: () => {}, grain: 0 });
    try {
      scheduler.register(wholeLiar, { extra: honest });
      scheduler.register(steady);
      assert.equal((await scheduler.runFrame(1)).faults.length, 0);
      const more: number[] = [];
      assert.throws(() => {
        for (;;) more.push(...world.spawnMany([Place], 512));
      }, LimitError);
      const hash = world.hash();
      const outcome = await scheduler.runFrame(1).then(
        report => report.faults,
        (error: unknown) => error as LimitError,
      );
      world.check();
      if (Array.isArray(outcome)) assert.equal(world.tick, 2, 'there was room after all');
      else {
        assert.ok(outcome instanceof LimitError, String(outcome));
        assert.equal(outcome.knob, 'memoryMax');
        assert.deepEqual([world.tick, world.hash()], [1, hash]);
      }
      for (const row of more) world.destroy(row as never);
      assert.equal((await scheduler.runFrame(1)).faults.length, 0);
      assert.equal(world.get(rows[0]!, Place)?.x, 0, 'it has no Mark, so nothing moves it');
    } finally {
      await scheduler.close();
      world.dispose();
    }
  });
}

/** The heap beneath the world, which what is sent and gathered comes from. */
interface Inside {
  host: { alloc(bytes: number): number; free(address: number, bytes: number): void };
}

for (const [executor, job] of [
  ['copied', liar],
  ['copied', wholeLiar],
  ['node', wholeLiar],
] as const) {
  test(`a full heap: a fault of the system that wanted it (${executor}, ${job.name})`, async () => {
    const world = new World({ memoryMax: 64 << 20 });
    const { host } = world as unknown as Inside;
    const scheduler = new ParallelScheduler(world, { executor, size: 2, log: () => {}, grain: 0 });
    try {
      scheduler.register(job as typeof liar, { extra: honest });
      scheduler.register(steady);
      world.spawnMany([Other], 5);
      await scheduler.runFrame(1);
      // More rows than before, so that larger places are wanted.
      const kinds = [...job.writes, ...job.reads];
      world.spawnMany(kinds as never, 12_000);
      world.flush();
      const taken: [number, number][] = [];
      // Pieces as large as what is wanted, since what is freed is neither cut nor joined.
      for (let bytes = 1 << 17; bytes >= 1 << 12; bytes >>= 1) {
        try {
          for (;;) taken.push([host.alloc(bytes), bytes]);
        } catch {
          continue;
        }
      }
      const before = world.tick;
      const bad = await scheduler.runFrame(1).then(
        report => report.faults,
        (error: unknown) => error as LimitError,
      );
      for (const [at, bytes] of taken) host.free(at, bytes);
      world.check();
      if (Array.isArray(bad)) {
        assert.ok(
          bad.some(fault => fault.system === job.name),
          bad.map(String).join(),
        );
        for (const fault of bad) {
          assert.equal(fault.action, 'skipped');
          assert.match(fault.code, /E_LIMIT|E_NO_MEMORY/);
        }
        assert.equal(world.tick, before + 1);
      } else assert.ok(bad instanceof LimitError, String(bad));
      assert.equal(scheduler.executor.kind, executor);
    } finally {
      await scheduler.close();
      world.dispose();
    }
  });
}

for (const executor of ['node', 'copied'] as const) {
  for (const job of [liar, wholeLiar]) {
    test(`close ends in time beside an endless job (${executor}, ${job.name})`, async () => {
      const world = new World({ memoryMax: 64 << 20 });
      const options = { executor, size: 2, log: () => {}, grain: 0, deadlineMs: 0 };
      const scheduler = new ParallelScheduler(world, options);
      const rows = world.spawnMany([...job.writes, ...job.reads, Other] as never, 2500);
      let how = 'none';
      scheduler.register(job as typeof liar, { extra: () => ({ how, at: rows[0]! as never }) });
      scheduler.register(steady);
      await scheduler.runFrame(1);
      const hash = world.hash();
      how = 'loop';
      const frame = scheduler.runFrame(1);
      frame.catch(() => {});
      await new Promise(resolve => setTimeout(resolve, 50));
      const closing = scheduler.close(); // comes back, though the job does not
      assert.equal(scheduler.close(), closing);
      await closing;
      // A job of all rows is lost with its worker: then the frame has its fault, and its end.
      const end = await frame.catch((error: unknown) => error as { code: string });
      if ('code' in end) {
        assert.equal(end.code, 'E_CLOSED');
        assert.equal(world.hash(), hash, 'nothing of the frame that was given up');
      } else {
        assert.deepEqual(
          end.faults.map(fault => fault.system),
          [job.name],
        );
      }
      const again = new ParallelScheduler(world, { executor: 'local' });
      again.register(steady);
      assert.equal(again.tick(1).faults.length, 0, 'the world is usable');
      await again.close();
      world.dispose();
    });
  }
}

test('a listener that throws keeps nobody from hearing, and its error is in the log', async () => {
  const world = new World();
  const rows = world.spawnMany([...liar.writes], 10);
  const log: string[] = [];
  const scheduler = new ParallelScheduler(world, {
    executor: 'local',
    log: (level, text) => void log.push(`${level} ${text}`),
  });
  scheduler.register(liar, { extra: () => ({ how: 'throw', at: rows[0]! }) });
  const told: string[] = [];
  scheduler.on('fault', () => {
    throw new RangeError('a listener');
  });
  const off = scheduler.on('fault', fault => void told.push(fault.action));
  scheduler.tick(1);
  off();
  off();
  scheduler.tick(1);
  assert.deepEqual(told, ['skipped']);
  assert.equal(
    log.filter(line => /^3 a listener of faults: RangeError: a listener/.test(line)).length,
    2,
  );
  assert.throws(() => scheduler.on('faults' as never, () => {}), { code: 'E_ARGUMENT' });
  await scheduler.close();
});
