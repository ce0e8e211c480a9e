// SPDX-License-Identifier: MIT
// ctest: timeout=300
// Frames in real browsers: split jobs and jobs that get all rows, in workers that esbuild bundled;
// faults; the page's thread that goes on; a world in a worker; browsers without Atomics.waitAsync.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  BROWSERS,
  bundle,
  openBrowser,
  openSite,
  type SiteOptions,
  type TestBrowser,
  type TestPage,
} from './browser/harness.ts';
import type { FaultRun, Setup } from './browser/frame_page.ts';

const PAGE = '/tests/browser/frame_page.ts';
const WORKER = '/tests/browser/frame_worker.ts';
const OLD_WORKER = '/tests/browser/frame_worker_old.ts';
const FOLDERS = { '/wasm/': 'build/wasm' };
const FRAMES = 200;

interface Ran {
  kind: string;
  faults: number;
  wrong: number;
  odd: number;
  tick: number;
  after: string;
}

const WAYS = [
  { kind: 'web', isolated: true },
  { kind: 'copied', isolated: false },
] as const;

for (const name of BROWSERS) {
  describe(name, () => {
    let browser: TestBrowser;
    before(async () => {
      browser = await openBrowser(name);
    });
    after(() => browser.close());

    const visit = async (
      options: SiteOptions,
      use: (page: TestPage) => Promise<void>,
    ): Promise<void> => {
      await using site = await openSite({ folders: FOLDERS, ...options });
      await using page = await browser.open(site);
      await use(page);
    };
    const rightAfter = (frames: number, kind: string): Ran => ({
      kind,
      faults: 0,
      wrong: 0,
      odd: 0,
      tick: frames,
      after: 'ClosedError',
    });

    for (const { kind, isolated } of WAYS) {
      test(`${kind}: many frames, with a worker that esbuild bundled, and the end`, async () => {
        const files = await bundle({ '/worker.js': 'tests/js/browser/frame_worker.ts' });
        await visit({ isolated, files }, async page => {
          const setup: Setup = { worker: '/worker.js', force: true };
          assert.deepEqual(await page.run(PAGE, 'run', setup, FRAMES), rightAfter(FRAMES, kind));
        });
      });

      test(`${kind}: a job that throws, or digs too deep`, () =>
        visit({ isolated }, async page => {
          for (const [how, cause] of [
            ['throw', /^RangeError: thrown on purpose$/],
            ['deep', /^(Range|Internal)Error: (Maximum call stack|too much recursion)/],
          ] as const) {
            const run = await page.run<FaultRun>(PAGE, 'fault', { worker: WORKER }, how);
            assert.equal(run.kind, kind);
            assert.equal(run.faults.length, 1, JSON.stringify(run.faults));
            const [fault] = run.faults;
            assert.deepEqual([fault!.system, fault!.action], ['bad', 'skipped']);
            assert.match(fault!.cause, cause);
            assert.equal(run.wrong, 0);
            assert.deepEqual(run.y, [3.5], 'three of four frames have added one');
          }
        }));

      test(`${kind}: a job that never ends: its worker is replaced`, () =>
        visit({ isolated }, async page => {
          const setup: Setup = { worker: WORKER, deadlineMs: 300 };
          const run = await page.run<FaultRun>(PAGE, 'fault', setup, 'hang');
          assert.equal(run.kind, kind);
          assert.equal(run.faults.length, 1, JSON.stringify(run.faults));
          assert.match(run.faults[0]!.cause, /^DeadlineError: deadline/);
          assert.equal(run.faults[0]!.action, 'skipped');
          assert.equal(run.wrong, 0);
          assert.deepEqual(run.y, [3.5]);
          assert.ok(run.made > 2, `${run.made} workers were made: none was replaced`);
        }));

      test(`${kind}: the page's thread goes on while C jobs run`, () =>
        visit({ isolated }, async page => {
          interface Ticks {
            kind: string;
            ticks: number;
            frames: number;
            faults: number;
          }
          const wasm = '/wasm/collide.wasm';
          const count = (setup: Setup, ms: number): Promise<Ticks> =>
            page.run(PAGE, 'ticksWhileFramesRun', setup, wasm, 20000, ms);
          // Isolation is nothing to it, and a few frames say it.
          if (isolated) {
            const here = await count({ executor: 'local' }, 200);
            assert.equal(here.ticks, 0, 'in process a frame is one turn of the event loop');
          }
          const there = await count({ worker: WORKER, deadlineMs: 20_000 }, 1000);
          assert.equal(there.kind, kind);
          assert.equal(there.faults, 0);
          assert.ok(there.ticks >= 10, `${there.ticks} ticks in ${there.frames} frames of 1 s`);
        }));

      test(`${kind}: a world in a worker, and a page that only draws`, () =>
        visit({ isolated }, async page => {
          const drawn = await page.run(PAGE, 'drawOnly', '/tests/browser/world_worker.ts', 30);
          assert.deepEqual(drawn, { kind, pictures: 30, rows: 1500, wrong: 0 });
        }));
    }

    test('without Atomics.waitAsync, in the page, in its workers, and in both', async () => {
      const old = '/tests/browser/frame_page_old.ts';
      for (const [module, worker] of [
        [old, WORKER],
        [PAGE, OLD_WORKER],
        [old, OLD_WORKER],
      ] as const) {
        await visit({ isolated: true }, async page => {
          const what = `${module} ${worker}`;
          const setup: Setup = { worker, force: true };
          assert.deepEqual(await page.run(module, 'run', setup, 60), rightAfter(60, 'web'), what);
          if (module === old) assert.equal(await page.run(old, 'waitAsync'), 'undefined');
          const hang: Setup = { worker, deadlineMs: 300 };
          const run = await page.run<FaultRun>(module, 'fault', hang, 'sleep');
          assert.equal(run.faults.length, 1, what);
          assert.match(run.faults[0]!.cause, /^DeadlineError: deadline/, what);
          assert.deepEqual([run.wrong, run.y], [0, [3.5]], what);
        });
      }
    });
  });
}
