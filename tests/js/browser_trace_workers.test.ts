// SPDX-License-Identifier: MIT
// ctest: timeout=300
// Traced frames on the workers of real browsers, whose clocks have a step and an origin each: every
// block is there, on its worker, within its section, and as long as it was.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BROWSERS, openBrowser, openSite, type TestBrowser } from './browser/harness.ts';
import type { TracedRun } from './browser/trace_page.ts';
import {
  KIND,
  checkReaders,
  checkSkept,
  countsOf,
  framesOf,
  readSkept,
  systemOf,
} from './support/skept.ts';

const PAGE = '/tests/browser/trace_page.ts';
const FRAMES = 10;
const SPIN_MS = 8;

/** The clocks' steps in nanoseconds, of pages that are isolated and of others. */
const STEPS = { chromium: [5000, 100_000], firefox: [20_000, 1_000_000] } as const;

for (const name of BROWSERS) {
  describe(name, () => {
    let browser: TestBrowser;
    before(async () => {
      browser = await openBrowser(name);
    });
    after(() => browser.close());

    for (const isolated of [true, false]) {
      const kind = isolated ? 'web' : 'copied';
      test(`${kind}: blocks of each frame`, async () => {
        await using site = await openSite({ isolated });
        await using page = await browser.open(site);
        const run = await page.run<TracedRun>(PAGE, 'run', FRAMES, SPIN_MS);
        const bytes = Buffer.from(run.file, 'base64');
        const trace = readSkept(bytes);
        assert.equal(run.kind, kind);
        checkSkept(trace);
        checkReaders(new Uint8Array(bytes));
        assert.equal(trace.stepNs, STEPS[name][isolated ? 0 : 1]);
        assert.equal(trace.workers, 2);
        assert.match(trace.notes.get('host')!, /Chrome|Firefox/);
        // With a step of a millisecond one frame's last block and the next one's beginning may
        // share a moment: then only all frames together can be counted.
        const coarse = trace.stepNs >= 1e6;
        const counted = (counts: number[]): number[] =>
          coarse ? [counts.reduce((a, b) => a + b, 0)] : counts;
        const each = (n: number): number[] => counted(run.tasks.map(() => n));
        assert.deepEqual(
          framesOf(trace).map(frame => frame.low),
          run.tasks.map((_, i) => i),
        );
        assert.deepEqual(
          new Map([...countsOf(trace, KIND.BLOCK)].sort().map(([k, n]) => [k, counted(n)])),
          new Map([
            ['drift', each(5)],
            ['spin', each(4)],
            ['weigh', each(1)],
          ]),
        );
        const blocks = trace.zones.filter(zone => zone.kind === KIND.BLOCK);
        assert.ok(blocks.every(zone => zone.thread > 0));
        // Where workers' clocks were not the page's, blocks would have been cut to their sections.
        const step = trace.stepNs;
        for (const zone of blocks.filter(z => systemOf(trace, z) === 'spin')) {
          assert.ok(zone.end - zone.begin >= SPIN_MS * 1e6 - 2 * step, `${zone.end - zone.begin}`);
        }
      });
    }
  });
}
