// SPDX-License-Identifier: MIT
// ctest: timeout=300
// C jobs that trap, overflow their stack or hang: contained where workers can be had, and on the
// caller never worse than the columns of that one system.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { JobError, ParallelScheduler, World, defineComponent, loadScene, type Scene } from 'skep';

const Place = defineComponent({ name: 'Place', fields: { x: 'f32' } });
const Count = defineComponent({ name: 'Count', fields: { n: 'u32' } });
const HOW = { trap: 1, divide: 2, range: 3, stack: 4, loop: 5 } as const;

let scene: Scene;
const folder = mkdtempSync(join(tmpdir(), 'skep-c-faults-'));

before(async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const wasm = join(folder, 'faulty.wasm');
  execFileSync('python3', ['tools/wasm_build.py', '--link', wasm, 'tests/js/scenes/faulty.c'], {
    cwd: root,
    stdio: 'inherit',
  });
  scene = await loadScene(wasm);
});
after(() => rmSync(folder, { recursive: true, force: true }));

function values(world: World): { xs: Set<number>; counts: Set<number> } {
  const xs = new Set<number>();
  const counts = new Set<number>();
  world.each({ read: [Place, Count] }, (n, place, count) => {
    for (let i = 0; i < n; i++) {
      xs.add(place.x[i]!);
      counts.add(count.n[i]!);
    }
  });
  return { xs, counts };
}

async function run(
  executor: 'local' | 'node' | 'copied',
  how: keyof typeof HOW,
  look: (fault: JobError, world: World) => void,
  options = {},
): Promise<void> {
  const world = new World();
  const scheduler = new ParallelScheduler(world, { executor, size: 2, log: () => {}, ...options });
  try {
    scheduler.addScene(scene, { how: HOW[how], tick: 1 });
    await scheduler.initPool();
    assert.equal((await scheduler.runFrame(1)).faults.length, 0);
    const bad = (await scheduler.runFrame(1)).faults.filter(f => f.action !== 'healed');
    assert.equal(bad.length, 1, 'one fault');
    assert.equal(bad[0]!.system, 'walk');
    assert.deepEqual([...values(world).counts], [2], 'the other system ran');
    look(bad[0]!, world);
    world.check();
    const { xs: before_ } = values(world);
    assert.equal((await scheduler.runFrame(1)).faults.length, 0);
    assert.deepEqual(
      [...values(world).xs],
      [...before_].map(x => x + 1),
      'the next frame is fine',
    );
    assert.deepEqual([...values(world).counts], [3]);
  } finally {
    await scheduler.close();
    world.dispose();
  }
}

for (const executor of ['node', 'copied'] as const) {
  for (const how of ['trap', 'divide', 'range'] as const) {
    test(`a C job that meets a ${how} loses its output, and nothing else (${executor})`, () =>
      run(executor, how, (fault, world) => {
        assert.equal(fault.action, 'skipped');
        assert.equal(fault.retried, true);
        assert.ok(fault.cause instanceof Error);
        assert.match(fault.message, /unreachable|divide by zero|out of bounds/);
        assert.deepEqual([...values(world).xs], [1], 'nothing of the bad frame');
      }));
  }

  test(`a C job that loops for ever meets its deadline (${executor})`, () =>
    run(
      executor,
      'loop',
      (fault, world) => {
        assert.match(fault.message, /deadline|longer/);
        assert.deepEqual([...values(world).xs], [1]);
      },
      { deadlineMs: 200 },
    ));
}

for (const how of ['trap', 'divide', 'range'] as const) {
  test(`on the caller a ${how} ends the job and not the program; its columns stay (local)`, () =>
    run('local', how, (fault, world) => {
      assert.equal(fault.action, 'kept');
      assert.match(fault.message, /unreachable|divide by zero|out of bounds/);
      for (const x of values(world).xs) assert.ok(x === 1 || x === 2, `${x}`);
    }));
}
