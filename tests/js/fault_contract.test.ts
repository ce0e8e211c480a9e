// SPDX-License-Identifier: MIT
// ctest: timeout=600
// What becomes of a frame when a job goes wrong, on every executor where it can: the output of that
// system is dropped whole, the other systems' counts, the frame goes on, the error says what and
// where, and the next frames run.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JobError, ParallelScheduler, World, type FrameReport } from 'skep';
import { Hp, Pos, split, steady, whole, type How } from './fault_jobs/jobs.ts';

const ROWS = 3000;
type Kind = 'local' | 'node' | 'copied';
const EVERYWHERE: readonly Kind[] = ['local', 'node', 'copied'];
const WORKERS: readonly Kind[] = ['node', 'copied'];

interface Bed {
  world: World;
  scheduler: ParallelScheduler;
  frame(): Promise<FrameReport>;
  xs(): Set<number>;
  hp(): Set<number>;
}

async function withBed(
  executor: Kind,
  job: typeof split | typeof whole,
  how: How,
  options: object,
  use: (bed: Bed) => Promise<void>,
): Promise<void> {
  const world = new World();
  world.spawnMany([Pos, Hp], ROWS);
  const scheduler = new ParallelScheduler(world, {
    executor,
    size: 2,
    deadlineMs: 1000,
    log: () => {},
    check: false,
    ...options,
  });
  scheduler.register(job, { extra: () => how });
  scheduler.register(steady);
  const values = (component: typeof Pos | typeof Hp, field: string): Set<number> => {
    const all = new Set<number>();
    world.each({ read: [component] }, (n, columns) => {
      const column = (columns as unknown as Record<string, number[]>)[field]!;
      for (let i = 0; i < n; i++) all.add(column[i]!);
    });
    return all;
  };
  try {
    await scheduler.initPool();
    assert.equal(scheduler.executor.kind, executor);
    await use({
      world,
      scheduler,
      frame: () => scheduler.runFrame(1 / 60),
      xs: () => values(Pos, 'x'),
      hp: () => values(Hp, 'left'),
    });
    world.check();
  } finally {
    await scheduler.close();
    world.dispose();
  }
}

/** Frame 0 is fine, frame 1 goes wrong, frame 2 is fine again. */
async function oneBadFrame(
  executor: Kind,
  job: typeof split | typeof whole,
  how: string,
  options: object,
  look: (fault: JobError) => void,
): Promise<void> {
  await withBed(executor, job, { how, at: [1] }, options, async bed => {
    const first = await bed.frame();
    assert.equal(first.faults.length, 0, first.faults[0]?.message);
    const bad = await bed.frame();
    // Whoever shared a lost worker is tried again: that is reported, and heals.
    const lasting = bad.faults.filter(f => f.action !== 'healed');
    assert.equal(lasting.length, 1, 'one fault that lasts');
    const fault = lasting[0]!;
    assert.ok(fault instanceof JobError);
    assert.equal(fault.system, job.name);
    assert.equal(fault.frame, 1);
    assert.equal(fault.action, 'skipped');
    assert.deepEqual([...bed.xs()], [1], 'nothing of the bad frame is there');
    assert.deepEqual([...bed.hp()], [2], 'the other system ran');
    look(fault);
    const next = await bed.frame();
    assert.equal(next.faults.length, 0, next.faults[0]?.message);
    assert.deepEqual([...bed.xs()], [2]);
    assert.deepEqual([...bed.hp()], [3]);
  });
}

function causeOf(fault: JobError): Error & Record<string, unknown> {
  assert.ok(fault.cause instanceof Error, `cause is ${String(fault.cause)}`);
  return fault.cause as Error & Record<string, unknown>;
}

for (const executor of EVERYWHERE) {
  for (const job of [split, whole]) {
    test(`a throw in a ${job.name} job: type, message, stack and cause arrive (${executor})`, () =>
      oneBadFrame(executor, job, 'throw', {}, fault => {
        const cause = causeOf(fault);
        assert.equal(cause.name, 'TypeError');
        assert.equal(cause.message, 'thrown on purpose');
        assert.match(cause.stack!, /fault_jobs/);
        const below = cause.cause as Error & Record<string, unknown>;
        assert.equal(below.message, 'below');
        assert.equal(below['planet'], 'mars');
        assert.match(fault.message, new RegExp(`system "${job.name}", frame 1`));
        assert.match(fault.message, /thrown on purpose/);
      }));

    test(`own properties of an error arrive (${job.name}, ${executor})`, () =>
      oneBadFrame(executor, job, 'throw odd', {}, fault => {
        assert.equal(causeOf(fault)['planet'], 'mars');
        assert.deepEqual(causeOf(fault)['list'], [1, 2, 3]);
      }));

    test(`a thrown text is the cause (${job.name}, ${executor})`, () =>
      oneBadFrame(executor, job, 'throw text', {}, fault => {
        assert.match(fault.message, /only a text/);
      }));

    test(`a stack overflow is a fault (${job.name}, ${executor})`, () =>
      oneBadFrame(executor, job, 'stack', {}, fault => {
        assert.equal(causeOf(fault).name, 'RangeError');
      }));
  }

  test(`an async rejection in a whole job (${executor})`, () =>
    oneBadFrame(executor, whole, 'reject', {}, fault => {
      assert.equal(causeOf(fault).message, 'rejected');
      assert.equal(causeOf(fault)['planet'], 'mars');
    }));

  test(`a rejection that comes later (${executor})`, () =>
    oneBadFrame(executor, whole, 'later', {}, fault => {
      assert.equal(causeOf(fault).message, 'later');
    }));

  test(`an extra that cannot be cloned names system and key (${executor})`, () =>
    withBed(executor, split, { how: '', at: [] }, {}, async bed => {
      const extra = (): How => ({ how: '', at: [], deep: { callback: () => 1 } }) as never;
      bed.scheduler.register(split, { name: 'ai', extra });
      const { faults } = await bed.frame();
      assert.equal(faults.length, 1);
      assert.equal(faults[0]!.system, 'ai');
      assert.match(
        String(causeOf(faults[0]!).message),
        /DataCloneError in `extra` of system "ai".*deep\.callback/,
      );
      assert.deepEqual([...bed.xs()], [1], 'the others ran');
      bed.scheduler.unregister('ai');
      assert.equal((await bed.frame()).faults.length, 0);
      assert.deepEqual([...bed.xs()], [2]);
    }));

  test(`three faults in a row bring quarantine, release ends it (${executor})`, () =>
    withBed(executor, split, { how: 'throw', at: [0, 1, 2] }, {}, async bed => {
      const actions: string[] = [];
      for (let i = 0; i < 5; i++) {
        for (const fault of (await bed.frame()).faults) actions.push(fault.action);
      }
      assert.deepEqual(actions, ['skipped', 'skipped', 'quarantined']);
      assert.ok(bed.scheduler.state('split').quarantined);
      assert.deepEqual([...bed.xs()], [0]);
      assert.deepEqual([...bed.hp()], [5]);
      bed.scheduler.release('split');
      await bed.frame();
      assert.deepEqual([...bed.xs()], [1]);
    }));

  test(`a fallback does the work (${executor})`, async () => {
    const world = new World();
    world.spawnMany([Pos, Hp], 10);
    const scheduler = new ParallelScheduler(world, { executor, size: 1, log: () => {} });
    scheduler.register(split, {
      extra: () => ({ how: 'throw', at: [0] }),
      run: ({ world: w }) => w.each({ write: [Pos] }, (n, pos) => pos.x.fill(50, 0, n)),
    });
    const report = await scheduler.runFrame(1);
    assert.equal(report.faults[0]?.action, 'fallback');
    world.each({ read: [Pos] }, (n, pos) => assert.equal(pos.x[n - 1], 50));
    await scheduler.close();
    world.dispose();
  });

  test(`close settles a frame that runs, and all after it reject (${executor})`, () =>
    withBed(executor, split, { how: '', at: [] }, {}, async bed => {
      const running = bed.frame();
      const closing = bed.scheduler.close({ mode: 'drain' });
      assert.equal(bed.scheduler.close(), closing, 'twice is the same promise');
      await closing;
      await running.catch(() => {});
      await assert.rejects(bed.frame(), { code: 'E_CLOSED' });
      bed.world.spawn(Pos);
      const again = new ParallelScheduler(bed.world, { executor: 'local' });
      again.register(split, { extra: () => ({ how: '', at: [] }) });
      assert.equal(again.tick(1).faults.length, 0, 'the world stays usable');
      await again.close();
    }));
}

for (const executor of WORKERS) {
  for (const [how, job] of [
    ['exit 0', split],
    ['exit 1', split],
    ['exit 0', whole],
    ['exit 1', whole],
  ] as const) {
    test(`process.${how} in a ${job.name} job ends the worker, not the frame (${executor})`, () =>
      oneBadFrame(executor, job, how, {}, fault => {
        assert.match(fault.message, /exit|lost|ended/i);
      }));
  }

  for (const job of [split, whole]) {
    test(`an endless ${job.name} job meets its deadline (${executor})`, () =>
      oneBadFrame(executor, job, 'loop', { deadlineMs: 200 }, fault => {
        assert.match(fault.message, /deadline|longer than 200 ms/);
      }));

    test(`a ${job.name} job that runs out of memory is lost alone (${executor})`, () =>
      oneBadFrame(
        executor,
        job,
        'memory',
        { deadlineMs: 60_000, resourceLimits: { maxOldGenerationSizeMb: 32 } },
        fault => {
          assert.match(fault.message, /memory|lost|ended/i);
        },
      ));
  }

  test(`a block is tried once more on another worker, and the fault says so (${executor})`, () =>
    oneBadFrame(executor, split, 'exit 1', {}, fault => assert.equal(fault.retried, true)));
}

test('an endless job without workers is not ended: nobody can', () => {
  // What `local` promises (trusted): a job that reports or throws is contained, one that loops is
  // not.
  const world = new World();
  const scheduler = new ParallelScheduler(world, { executor: 'local' });
  scheduler.register(split, { extra: () => ({ how: '', at: [] }), deadlineMs: 1 });
  assert.equal(scheduler.tick(1).faults.length, 0);
  world.dispose();
});

test('onFault: throw rejects when the frame is over', async () => {
  const world = new World();
  world.spawnMany([Pos, Hp], 10);
  const scheduler = new ParallelScheduler(world, {
    executor: 'local',
    onFault: 'throw',
    log: () => {},
  });
  scheduler.register(split, { extra: () => ({ how: 'throw', at: [0] }) });
  scheduler.register(steady);
  assert.throws(() => scheduler.tick(1), JobError);
  assert.equal(world.tick, 1, 'the frame went on to its end');
  world.each({ read: [Hp] }, (n, hp) => assert.equal(hp.left[n - 1], 1));
  await scheduler.close();
  world.dispose();
});
