// SPDX-License-Identifier: MIT
// ctest: timeout=300
// What a scheduler traces in each of Node's places, against its own reports: every task, run, batch
// and fault of each frame, where it ran and within what; workers that die; the rings' ends; zones
// of one's own.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  ParallelScheduler,
  World,
  loadScene,
  type FrameReport,
  type SchedulerOptions,
  type SchedulerTrace,
} from 'skep';
import {
  Busy,
  Hp,
  Late,
  Mass,
  Spot,
  Speed,
  drift,
  frail,
  mortal,
  mortalWhole,
  spin,
  wait,
  weigh,
} from './jobs/traced.ts';
import { ROOT } from './browser/site.ts';
import {
  KIND,
  checkReaders,
  checkSkept,
  countsOf,
  framesOf,
  readSkept,
  rowOf,
  systemOf,
  type Skept,
  type Zone,
} from './support/skept.ts';
import { WebLike, jobUrl } from './support/pools.ts';
import { failure } from './support/worlds.ts';

const ROWS = 5000;
const BLOCKS = 5;
const FRAMES = 8;

interface Place {
  readonly name: string;
  readonly workers: number;
  readonly sync?: boolean;
  readonly options: SchedulerOptions;
}

const LOCAL: Place = { name: 'local', workers: 0, options: { executor: 'local' } };
const NODE_2: Place = { name: 'node 2', workers: 2, options: { executor: 'node', size: 2 } };
const COPIED: Place = { name: 'copied', workers: 2, options: { executor: 'copied', size: 2 } };
const PLACES: readonly Place[] = [
  { ...LOCAL, name: 'tick', sync: true },
  LOCAL,
  { name: 'node 1', workers: 1, options: { executor: 'node', size: 1 } },
  NODE_2,
  {
    ...NODE_2,
    name: 'node 2 and the caller',
    options: { executor: 'node', size: 2, deadlineMs: 0 },
  },
  COPIED,
];

interface Bed {
  readonly world: World;
  readonly scheduler: ParallelScheduler;
  readonly trace: SchedulerTrace;
  frames(count: number): Promise<FrameReport[]>;
  /** What was traced so far. */
  read(frames?: number): Skept;
}

async function withBed(
  place: Place,
  use: (bed: Bed) => Promise<void>,
  options: SchedulerOptions = {},
): Promise<void> {
  const world = new World({ seed: 5, memoryMax: 96 << 20 });
  world.spawnMany([[Spot, { x: 1 }], [Speed, { x: 2 }], Mass], ROWS);
  world.spawnMany([Hp], ROWS);
  world.spawnMany([Late], 3);
  const scheduler = new ParallelScheduler(world, {
    grain: 0,
    trace: true,
    log: () => {},
    ...place.options,
    ...options,
  });
  try {
    await use({
      world,
      scheduler,
      trace: scheduler.trace(),
      async frames(count) {
        const reports: FrameReport[] = [];
        for (let i = 0; i < count; i++) {
          reports.push(place.sync ? scheduler.tick(1 / 60) : await scheduler.runFrame(1 / 60));
        }
        return reports;
      },
      read(frames = 0) {
        const bytes = scheduler.trace().bytes({ frames });
        const skept = readSkept(bytes);
        checkSkept(skept);
        checkReaders(bytes);
        return skept;
      },
    });
    world.check();
  } finally {
    await scheduler.close();
    world.dispose();
  }
}

/** The zones of a kind in each frame. */
function perFrame(trace: Skept, ...kinds: number[]): Zone[][] {
  return framesOf(trace).map(frame =>
    trace.zones.filter(
      zone => kinds.includes(zone.kind) && zone.begin >= frame.begin && zone.begin <= frame.end,
    ),
  );
}

/** The values of a counter, a frame each. */
function values(trace: Skept, kind: number): number[] {
  return perFrame(trace, kind).map(([zone, ...more]) => {
    assert.equal(more.length, 0);
    return zone!.low + zone!.high * 2 ** 32;
  });
}

const every = <T>(value: T): T[] => Array.from({ length: FRAMES }, () => value);

describe('what frames do', () => {
  for (const place of PLACES) {
    test(`each task, run and batch of each frame (${place.name})`, async () => {
      let wanted: bigint | undefined;
      const run = (traced: boolean): Promise<void> =>
        withBed(
          place,
          async bed => {
            const { world, scheduler } = bed;
            const sizes: number[] = [];
            scheduler.register(drift);
            scheduler.register(weigh);
            if (!place.sync) scheduler.register(wait);
            scheduler.register(frail, { stage: 'late', extra: () => [] });
            scheduler.register({
              name: 'tally',
              after: ['drift'],
              run: ({ cmd }) => {
                sizes.push(world.size);
                cmd.createEntity();
              },
            });
            const reports = await bed.frames(FRAMES);
            assert.deepEqual(
              reports.flatMap(report => report.faults),
              [],
            );
            wanted ??= world.hash();
            assert.equal(world.hash(), wanted, 'tracing changes nothing');
            if (traced) compare(bed.read(), reports, place, sizes);
            else failure('E_ARGUMENT', () => bed.trace.bytes());
          },
          { trace: traced },
        );
      await run(false);
      await run(true);
    });
  }

  function compare(
    trace: Skept,
    reports: readonly FrameReport[],
    place: Place,
    sizes: readonly number[],
  ): void {
    assert.equal(trace.workers, place.workers);
    assert.equal(trace.frameCount, FRAMES);
    assert.deepEqual(
      framesOf(trace).map(frame => frame.low),
      reports.map((_, i) => i),
    );
    const blocks: [string, number[]][] = [
      ['drift', every(BLOCKS)],
      ['frail', every(BLOCKS)],
      ['weigh', every(1)],
    ];
    if (!place.sync) blocks.push(['wait', every(1)]);
    assert.deepEqual(new Map([...countsOf(trace, KIND.BLOCK)].sort()), new Map(blocks.sort()));
    assert.deepEqual(countsOf(trace, KIND.RUN), new Map([['tally', every(1)]]));
    assert.deepEqual(countsOf(trace, KIND.LOST, KIND.FAULT, KIND.SYSTEM), new Map());
    const counts = (kind: number): number[] => perFrame(trace, kind).map(list => list.length);
    assert.deepEqual(
      counts(KIND.BLOCK),
      reports.map(report => report.tasks),
    );
    assert.deepEqual(
      counts(KIND.COMMIT),
      reports.map(report => report.batches),
    );
    assert.deepEqual(
      counts(KIND.SNAPSHOT),
      reports.map(report => report.batches),
    );
    const tasks = perFrame(trace, KIND.TASKS).map(list => list.reduce((n, z) => n + z.high, 0));
    assert.deepEqual(
      tasks,
      reports.map(report => report.tasks),
    );
    const checked = perFrame(trace, KIND.VERIFY).map(list => list.reduce((n, z) => n + z.low, 0));
    assert.deepEqual(
      checked,
      reports.map(report => report.tasks),
    );
    assert.deepEqual(
      values(trace, KIND.PATCHES),
      reports.map(report => report.patches),
    );
    assert.deepEqual(
      values(trace, KIND.BLOCKS_COPIED),
      reports.map(r => r.blocksCopied),
    );
    assert.deepEqual(values(trace, KIND.ENTITIES).slice(0, -1), sizes.slice(1));
    whichBlocks(trace);
    whichThreads(trace, place);
    // The frame as the caller sees it holds the zone, and little more.
    framesOf(trace).forEach((frame, i) => {
      const ms = (frame.end - frame.begin) / 1e6;
      assert.ok(ms <= reports[i]!.ms, `${ms} ms traced, ${reports[i]!.ms} ms reported`);
    });
    assert.ok(Math.abs(trace.unixNs / 1e6 - Date.now()) < 60_000, 'time 0 since 1970');
    assert.equal(trace.stepNs, 0, 'Node has no step');
  }

  function whichBlocks(trace: Skept): void {
    for (const list of perFrame(trace, KIND.BLOCK)) {
      const own = list.filter(zone => systemOf(trace, zone) === 'drift');
      assert.deepEqual(own.map(zone => zone.high).sort(), [0, 1, 2, 3, 4]);
    }
    assert.deepEqual(
      trace.systems.map(({ name, stage, flags }) => [name, stage, flags & 3]).sort(),
      [
        ['drift', 'update', 0],
        ['frail', 'late', 0],
        ['tally', 'update', 1],
        ...(trace.systems.some(({ name }) => name === 'wait') ? [['wait', 'update', 2]] : []),
        ['weigh', 'update', 2],
      ],
    );
    const number = (name: string): number => trace.systems.find(s => s.name === name)!.number;
    const edge = trace.edges.find(e => e.from === number('drift') && e.to === number('tally'));
    assert.equal(edge?.why, '`after` or `before` says so');
  }

  function whichThreads(trace: Skept, place: Place): void {
    const threads = new Set(trace.zones.filter(z => z.kind === KIND.BLOCK).map(z => z.thread));
    if (!place.workers) return assert.deepEqual([...threads], [0]);
    if (place.options.deadlineMs !== 0) assert.ok(!threads.has(0), 'only a worker can be ended');
    assert.ok(
      [...threads].some(thread => thread > 0),
      [...threads].join(),
    );
    const copied = place.options.executor === 'copied';
    const sent = trace.zones.filter(z => z.kind === KIND.HOST);
    assert.deepEqual(new Set(sent.map(z => trace.names.get(z.low))), new Set(['send task']));
    assert.equal(sent.length, FRAMES * (copied ? 2 * BLOCKS + 2 : 2), 'tasks that were sent');
    assert.equal(
      trace.zones.some(z => z.kind === KIND.WAKE),
      !copied,
    );
  }

  for (const place of PLACES) {
    test(`blocks take the time that they take, and nobody is cut (${place.name})`, async () => {
      await withBed(place, async ({ world, scheduler, frames, read }) => {
        const ms = 3;
        world.spawnMany([Busy], 4096);
        scheduler.register(spin, { extra: () => ms });
        await frames(4);
        const trace = read();
        const blocks = trace.zones.filter(zone => zone.kind === KIND.BLOCK);
        assert.equal(blocks.length, 4 * 4);
        for (const zone of blocks) {
          assert.ok(zone.end - zone.begin >= ms * 1e6, `${zone.end - zone.begin} ns on a row`);
        }
        for (const zone of trace.zones.filter(z => z.kind === KIND.TASKS)) {
          assert.ok(zone.end - zone.begin >= (4 * ms * 1e6) / (place.workers + 1));
        }
      });
    });
  }

  test('small C systems run where their tasks would be made: a zone each', async () => {
    const scene = await loadScene(join(ROOT, 'build/wasm/physics.wasm'));
    await withBed({ ...LOCAL, options: { executor: 'local', grain: 1 } }, async bed => {
      bed.scheduler.addScene(scene, { entities: ROWS });
      await bed.frames(FRAMES);
      const trace = bed.read();
      assert.deepEqual(countsOf(trace, KIND.SYSTEM), new Map([['move', every(1)]]));
      assert.deepEqual(countsOf(trace, KIND.BLOCK, KIND.TASKS), new Map());
      const [zone] = trace.zones.filter(z => z.kind === KIND.SYSTEM);
      assert.deepEqual([zone!.low >>> 16, zone!.high], [BLOCKS, ROWS]);
    });
  });

  test('C systems beside others, and what was traced before the world moved is gone', async () => {
    const scene = await loadScene(join(ROOT, 'build/wasm/physics.wasm'));
    await withBed(NODE_2, async ({ scheduler, trace, frames, read }) => {
      scheduler.register(drift);
      const mine = trace.name('mine');
      await frames(3);
      assert.equal(read().frameCount, 3);
      scheduler.addScene(scene, { entities: ROWS });
      failure('E_ARGUMENT', () => trace.bytes());
      await frames(2);
      trace.zone(mine, () => {});
      const after = read();
      assert.equal(after.notes.get('scene'), 'physics');
      const both = new Map([
        ['drift', [BLOCKS, BLOCKS]],
        ['move', [BLOCKS, BLOCKS]],
      ]);
      assert.deepEqual(new Map([...countsOf(after, KIND.BLOCK)].sort()), both);
      assert.equal(after.names.get(mine), 'mine', 'a name keeps its number');
    });
  });

  test('workers of named jobs have a row each, on which their host writes', async () => {
    const made = (): WebLike => new WebLike(jobUrl('raw.mjs'));
    const options = { executor: 'web', browserWorkers: { one: made, two: made } } as const;
    await withBed({ name: 'named', workers: 2, options }, async ({ scheduler, frames, read }) => {
      for (const browserJobName of ['one', 'two']) {
        const offload = { browserJobName, reads: [Spot] };
        scheduler.register({ name: `ask ${browserJobName}`, offload });
      }
      const reports = await frames(FRAMES);
      assert.deepEqual(
        reports.flatMap(report => report.faults),
        [],
      );
      const trace = read();
      assert.equal(trace.workers, 2);
      const blocks = trace.zones.filter(zone => zone.kind === KIND.BLOCK);
      const rows = blocks.map(zone => `${systemOf(trace, zone)} ${zone.thread}`);
      assert.deepEqual(new Set(rows), new Set(['ask one 1', 'ask two 2']));
      assert.equal(rows.length, 2 * FRAMES);
    });
  });
});

// ---- faults -------------------------------------------------------------------------------------

const RUNNER = new URL('../../js/dist/pool/node_runner.js', import.meta.url);

/** Says which call of a job ends its thread, and whether it waits for somebody else to do it. */
function fate(call: number, waits: boolean): Int32Array<SharedArrayBuffer> {
  const words = new Int32Array(new SharedArrayBuffer(16));
  words.set([0, call, waits ? 1 : 0]);
  return words;
}

/** The ends of a worker in frame 2, in its third block, or in its whole job. */
const DEATHS: readonly {
  readonly name: string;
  readonly waits: boolean;
  readonly whole?: boolean;
  readonly options?: SchedulerOptions;
}[] = [
  { name: 'that ends itself', waits: false },
  { name: 'that is ended from outside', waits: true },
  { name: 'whose task never ends', waits: true, options: { deadlineMs: 150 } },
  { name: 'that ends itself in a job with all rows', waits: false, whole: true },
];

describe('what goes wrong', () => {
  for (const place of PLACES) {
    test(`a fault is a mark (${place.name})`, async () => {
      await withBed(place, async ({ scheduler, frames, read }) => {
        scheduler.register(frail, { extra: () => [2, 4] });
        const reports = await frames(FRAMES);
        const faults = reports.map(report => report.faults.length);
        assert.deepEqual(faults, [0, 0, 1, 0, 1, 0, 0, 0]);
        const trace = read();
        assert.deepEqual(countsOf(trace, KIND.FAULT).get('frail'), faults);
        const [mark] = trace.zones.filter(zone => zone.kind === KIND.FAULT);
        assert.equal(mark!.high & 0xff, 2, 'skipped');
      });
    });
  }

  for (const executor of ['node', 'copied'] as const) {
    for (const { name, waits, whole = false, options } of DEATHS) {
      const place: Place = { name: executor, workers: 1, options: { executor, size: 1 } };
      test(`a worker ${name}: what it had done is there (${executor})`, async () => {
        const made: Worker[] = [];
        const createWorker = (): Worker => {
          made.push(new Worker(RUNNER));
          return made.at(-1)!;
        };
        await withBed(
          place,
          async ({ scheduler, frames, read }) => {
            const words = fate(whole ? 3 : 2 * BLOCKS + 3, waits);
            const extra = () => ({ words: words.buffer });
            scheduler.register(whole ? mortalWhole : mortal, { extra });
            const running = frames(FRAMES);
            if (waits && !options) {
              while (Atomics.load(words, 3) === 0) await sleep(1);
              await sleep(30);
              void made.find(({ threadId }) => threadId === words[3])!.terminate();
            }
            const reports = await running;
            const faults = reports.map(r => r.faults.map(f => `${f.action} ${f.system}`));
            assert.deepEqual(faults.splice(2, 1), [[`healed ${whole ? 'mortalWhole' : 'mortal'}`]]);
            assert.deepEqual(faults.flat(), []);
            checkLoss(read(), whole ? 1 : BLOCKS, whole ? 0 : 2, options ? 150 : waits ? 30 : 0);
          },
          { createWorker, ...options },
        );
      });
    }
  }

  /** The one worker was lost in frame 2, after it had done so many blocks there, in a task that
   * took so many milliseconds; another did the rest. */
  function checkLoss(trace: Skept, blocks: number, before: number, ms: number): void {
    const name = blocks > 1 ? 'mortal' : 'mortalWhole';
    assert.deepEqual(countsOf(trace, KIND.BLOCK), new Map([[name, every(blocks)]]));
    const once = every(0).map((_, frame) => (frame === 2 ? 1 : 0));
    assert.deepEqual(countsOf(trace, KIND.LOST), new Map([[name, once]]));
    assert.deepEqual(countsOf(trace, KIND.FAULT), new Map([[name, once]]));
    const [lost, ...more] = trace.zones.filter(zone => zone.kind === KIND.LOST);
    const [empty, ...gaps] = trace.zones.filter(zone => zone.kind === KIND.RESPAWN);
    assert.deepEqual([more, gaps], [[], []]);
    assert.deepEqual([rowOf(lost!), rowOf(empty!), lost!.thread], [1, 1, 0]);
    assert.ok(lost!.end - lost!.begin >= ms * 1e6, `${lost!.end - lost!.begin} ns, ${ms} ms`);
    assert.equal(lost!.end, empty!.begin, 'from then on its place was empty');
    const done = perFrame(trace, KIND.BLOCK)[2]!;
    assert.equal(done.filter(zone => zone.end <= lost!.begin).length, before);
    assert.equal(done.filter(zone => zone.begin >= empty!.end).length, blocks - before);
    assert.ok(done.every(zone => zone.thread === 1));
    const numbers = done.map(zone => zone.high).sort();
    assert.deepEqual(
      numbers,
      Array.from({ length: blocks }, (_, i) => i),
    );
    assert.ok(numbers.includes(lost!.high), 'the lost block was done after all');
  }

  test('a frame is not looked into, and a trace ends with its scheduler', () =>
    withBed(NODE_2, async ({ scheduler, frames, trace }) => {
      let stuck = false;
      scheduler.register(drift);
      scheduler.register({
        name: 'slow',
        after: ['drift'],
        run: () => {
          assert.throws(() => trace.bytes(), { code: 'E_BUSY' });
          return stuck ? new Promise<void>(() => {}) : undefined;
        },
      });
      const reports = await frames(2);
      assert.deepEqual(
        reports.flatMap(report => report.faults),
        [],
      );
      stuck = true;
      const given = scheduler.runFrame(1 / 60);
      await sleep(30);
      assert.throws(() => trace.bytes(), { code: 'E_BUSY' });
      const closing = scheduler.close();
      await assert.rejects(given, { code: 'E_CLOSED' });
      await closing;
      assert.throws(() => trace.bytes(), { code: 'E_CLOSED' });
      assert.throws(() => trace.on(), { code: 'E_CLOSED' });
      assert.equal(trace.enabled, false);
    }));
});

// ---- the rings ----------------------------------------------------------------------------------

describe('rings', () => {
  for (const place of PLACES) {
    test(`the last frames that fit are whole (${place.name})`, async () => {
      const options = { trace: { records: 100 } };
      const count = 60;
      await withBed(
        place,
        async ({ scheduler, frames, read }) => {
          scheduler.register(drift);
          scheduler.register(weigh);
          scheduler.register(frail, { stage: 'late', extra: () => [] });
          await frames(count);
          const trace = read();
          const kept = trace.frameCount;
          assert.ok(kept >= 2 && kept < count / 2, `${kept} frames`);
          assert.deepEqual(
            framesOf(trace).map(frame => frame.low),
            Array.from({ length: kept }, (_, i) => count - kept + i),
          );
          assert.ok(trace.threads[0]!.lost > 0);
          const whole = (n: number): number[] => Array.from({ length: kept }, () => n);
          assert.deepEqual(
            new Map([...countsOf(trace, KIND.BLOCK)].sort()),
            new Map([
              ['drift', whole(BLOCKS)],
              ['frail', whole(BLOCKS)],
              ['weigh', whole(1)],
            ]),
          );
          const last = read(2);
          assert.deepEqual(
            framesOf(last).map(frame => frame.low),
            [count - 2, count - 1],
          );
          assert.equal(framesOf(last)[0]!.begin, 0);
          assert.deepEqual(
            last.zones.filter(z => z.thread > 0).map(z => z.high),
            trace.zones
              .filter(z => z.thread > 0 && z.begin >= framesOf(trace).at(-2)!.begin)
              .map(z => z.high),
          );
        },
        options,
      );
    });

    test(`on and off between frames (${place.name})`, () =>
      withBed(
        place,
        async ({ scheduler, trace, frames, read }) => {
          scheduler.register(drift);
          const ticks = (): number[] => framesOf(read()).map(frame => frame.low);
          assert.equal(trace.enabled, false);
          await frames(2);
          assert.throws(() => trace.bytes(), { code: 'E_ARGUMENT', message: /nothing was traced/ });
          trace.on();
          assert.equal(trace.enabled, true);
          assert.deepEqual(ticks(), []);
          await frames(2);
          trace.off();
          await frames(2);
          assert.deepEqual(ticks(), [2, 3]);
          trace.on();
          await frames(1);
          assert.deepEqual(ticks(), [2, 3, 6]);
          assert.equal(scheduler.trace(), trace);
          assert.deepEqual(countsOf(read(), KIND.BLOCK).get('drift'), [BLOCKS, BLOCKS, BLOCKS]);
        },
        { trace: false },
      ));
  }

  test('switched on and off inside of a frame it counts from the next one on', () =>
    withBed(
      LOCAL,
      async ({ scheduler, trace, frames, read }) => {
        scheduler.register({
          name: 'switch',
          run: ({ tick }) => {
            if (tick === 1) trace.on();
            if (tick === 4) trace.off();
          },
        });
        await frames(6);
        assert.deepEqual(
          framesOf(read()).map(frame => frame.low),
          [2, 3, 4],
        );
      },
      { trace: { off: true } },
    ));

  test('rings that do not fit are refused, and the next frame goes on', async () => {
    const world = new World({ memoryMax: 64 << 20, limits: { entities: 1000 } });
    const scheduler = new ParallelScheduler(world, { trace: { records: 1 << 21 } });
    try {
      assert.throws(() => scheduler.tick(1), { code: 'E_LIMIT', message: /records|memoryMax/ });
      assert.equal(scheduler.tick(1).frame, 0);
      assert.equal(scheduler.trace().enabled, false);
      assert.throws(() => scheduler.trace().on(), { code: 'E_LIMIT' });
    } finally {
      await scheduler.close();
      world.dispose();
    }
    for (const records of [0, 1.5, 1 << 25, NaN]) {
      const other = new World();
      failure('E_ARGUMENT', () => new ParallelScheduler(other, { trace: { records } }));
      other.dispose();
    }
  });

  test('another scheduler of the world begins anew', async () => {
    const world = new World({ memoryMax: 64 << 20 });
    world.spawnMany(
      [
        [Spot, { x: 1 }],
        [Speed, { x: 2 }],
      ],
      ROWS,
    );
    const sizes: number[] = [];
    for (const size of [1, 2]) {
      const scheduler = new ParallelScheduler(world, { trace: true, executor: 'node', size });
      scheduler.register(drift);
      await scheduler.runFrame(1);
      const trace = readSkept(scheduler.trace().bytes());
      checkSkept(trace);
      sizes.push(trace.frameCount, trace.workers);
      await scheduler.close();
    }
    assert.deepEqual(sizes, [1, 1, 1, 2]);
    world.dispose();
  });
});

// ---- zones of one's own -------------------------------------------------------------------------

describe('zones of your own', () => {
  test('nest in runs and around frames, by name', () =>
    withBed(LOCAL, async ({ scheduler, trace, frames, read }) => {
      const outer = trace.name('a frame and more');
      const inner = trace.name('think');
      assert.equal(trace.name('think'), inner);
      assert.notEqual(outer, inner);
      scheduler.register(drift);
      scheduler.register({
        name: 'brain',
        run: () => {
          assert.equal(
            trace.zone(inner, () => 7),
            7,
          );
          assert.throws(() =>
            trace.zone(inner, () => {
              throw new RangeError('on purpose');
            }),
          );
        },
      });
      await frames(1);
      trace.zone(outer, () => scheduler.tick(1));
      const began = trace.begin();
      await frames(2);
      trace.end(outer, began);
      const skept = read();
      const zones = skept.zones.filter(zone => zone.kind === KIND.HOST);
      const named = (name: string): Zone[] =>
        zones.filter(zone => skept.names.get(zone.low) === name);
      assert.equal(named('think').length, 2 * 4);
      const runs = skept.zones.filter(zone => zone.kind === KIND.RUN);
      for (const zone of named('think')) {
        assert.ok(runs.some(run => run.begin <= zone.begin && zone.end <= run.end));
      }
      const frame = framesOf(skept);
      const held = named('a frame and more').map(
        zone => frame.filter(f => zone.begin <= f.begin && f.end <= zone.end).length,
      );
      assert.deepEqual(held, [1, 2]);
    }));

  test('are nothing while it is off, and names are not without number', () =>
    withBed(
      LOCAL,
      async ({ trace, frames, read }) => {
        const name = trace.name('idle');
        let calls = 0;
        assert.equal(trace.begin(), 0);
        trace.end(name, 0);
        trace.zone(name, () => calls++);
        assert.equal(calls, 1);
        trace.on();
        await frames(1);
        assert.equal(read().zones.filter(zone => zone.kind === KIND.HOST).length, 0);
        assert.equal(read().names.get(name), 'idle');
        failure('E_ARGUMENT', () => trace.name(''));
        for (let i = 1; i < 1022; i++) trace.name(`name ${i}`);
        assert.equal(trace.name('idle'), name);
        assert.equal(read().names.size, 1024);
        failure('E_LIMIT', () => trace.name('one more'));
      },
      { trace: { off: true } },
    ));

  test('a budget and notes are in the file', () =>
    withBed(NODE_2, async ({ trace, frames }) => {
      await frames(1);
      const skept = readSkept(trace.bytes({ budgetMs: 16.6 }));
      assert.equal(skept.budgetNs, 16_600_000);
      assert.equal(skept.notes.get('executor'), 'node');
      assert.equal(skept.notes.get('host'), `Node.js ${process.versions.node}`);
    }));
});
