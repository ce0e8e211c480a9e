// SPDX-License-Identifier: MIT
// ctest: timeout=240
// The notes' wiring of a page in real browsers: a loop of requestAnimationFrame that awaits nothing
// never overlaps frames, and the positions are right, on raw workers and where there are none.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BROWSERS, openBrowser, openSite, type TestBrowser } from './browser/harness.ts';
import type { NotesRun } from './browser/notes_page.ts';

const PAGE = '/tests/browser/notes_page.ts';
const FRAMES = 25;

for (const name of BROWSERS) {
  describe(name, () => {
    let browser: TestBrowser;
    before(async () => {
      browser = await openBrowser(name);
    });
    after(() => browser.close());

    const animate = async (
      options: { isolated?: boolean; workersForbidden?: boolean },
      late: number,
    ): Promise<NotesRun> => {
      await using site = await openSite(options);
      await using page = await browser.open(site);
      if (options.workersForbidden) page.expectError(/Content[- ]Security[- ]Policy/i);
      const run = await page.run<NotesRun>(PAGE, 'animate', FRAMES, late);
      assert.deepEqual(run.wrong, []);
      assert.ok(run.frames >= FRAMES, `only ${run.frames} frames`);
      return run;
    };

    for (const isolated of [true, false]) {
      test(`${isolated ? 'isolated' : 'plain'}: raw workers`, async () => {
        const run = await animate({ isolated }, 0);
        assert.equal(run.ranHere, 0);
        assert.equal(run.jobs, run.frames);
        assert.equal(run.most, 1);
      });
    }

    test('answers that come late: frames are asked for meanwhile, and none overlaps', async () => {
      const run = await animate({ isolated: true }, 60);
      assert.ok(run.overlaps > 0, `${run.calls} calls for ${run.frames} frames, none too early`);
      assert.equal(run.most, 1, 'two jobs were out at one time');
      assert.equal(run.jobs, run.frames);
    });

    test('workers forbidden: `run` does the work', async () => {
      const run = await animate({ workersForbidden: true }, 0);
      assert.equal(run.ranHere, run.frames);
      assert.match(run.fallback ?? '', /blocked/);
    });
  });
}
