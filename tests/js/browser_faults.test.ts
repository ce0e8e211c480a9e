// SPDX-License-Identifier: MIT
// ctest: timeout=400
// The matrix of faults in browsers, and recordings and checkpoints there. Of kinds that cost a
// worker there are few, since a new one takes its time.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BROWSERS, openBrowser, openSite, type TestBrowser } from './browser/harness.ts';

const PAGE = '/tests/browser/fault_page.ts';
const WORKER = '/tests/browser/fault_worker.ts';

for (const name of BROWSERS) {
  describe(name, () => {
    let browser: TestBrowser;
    before(async () => {
      browser = await openBrowser(name);
    });
    after(() => browser.close());

    const run = async (
      kind: 'web' | 'copied',
      style: 'split' | 'whole',
      list: string,
      count: number,
    ): Promise<void> => {
      await using site = await openSite({ isolated: kind === 'web' });
      await using page = await browser.open(site);
      page.limitMs = 120_000;
      const { ran, bad } = await page.run<{ ran: string[]; bad: string[] }>(
        PAGE,
        'matrix',
        WORKER,
        kind,
        style,
        list,
      );
      assert.deepEqual(bad, []);
      assert.ok(ran.length >= count, `only ${ran.join()} were run`);
    };

    for (const kind of ['web', 'copied'] as const) {
      // What does not depend on the browser is tried in one, since it takes its time.
      if (kind === 'web' || name === BROWSERS[0]) {
        test(`${kind}: what a job throws, closes and never ends`, async () => {
          await run(kind, 'split', 'crashes', 4);
          await run(kind, 'split', 'exits', 1);
        });
      }
      if (name === BROWSERS[0]) {
        test(`${kind}: forged results, damaged messages`, () => run(kind, 'whole', 'lies', 16));
      }

      test(`${kind}: a recording plays, a checkpoint loads`, async () => {
        await using site = await openSite({ isolated: kind === 'web' });
        await using page = await browser.open(site);
        const said = await page.run<Record<string, unknown>>(PAGE, 'recorded', WORKER);
        assert.deepEqual(said, { kind, frames: 8, differs: null, same: true, tick: 8 });
      });
    }
    if (name === BROWSERS[0]) {
      test('copied: forged output', () => run('copied', 'split', 'taskLies', 15));
    }
  });
}
