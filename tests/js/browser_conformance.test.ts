// SPDX-License-Identifier: MIT
// ctest: timeout=300
// The conformance suite in browsers: the same laboratory, driven by the same code, in a page.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BROWSERS, openBrowser, openSite, type TestBrowser } from './browser/harness.ts';
import type { LabPlace } from './conformance/driver.ts';

const DRIVER = '/tests/conformance/driver.ts';
const WASM = '/wasm/tests/conformance_debug.wasm';
const FOLDERS = { '/js/dist/': 'js/dist', '/wasm/': 'build/wasm' };
const worker = '/tests/conformance/worker.ts';

for (const name of BROWSERS) {
  describe(name, () => {
    let browser: TestBrowser;
    before(async () => {
      browser = await openBrowser(name);
    });
    after(() => browser.close());

    const check = async (isolated: boolean, places: readonly LabPlace[]): Promise<void> => {
      await using site = await openSite({ isolated, folders: FOLDERS });
      await using page = await browser.open(site);
      page.limitMs = 120_000;
      const { bad, ran } = await page.run<{ bad: string[]; ran: string[] }>(
        DRIVER,
        'runAll',
        WASM,
        places,
      );
      assert.deepEqual(bad, []);
      assert.ok(ran.length >= 20 * places.length, `only ${ran.length} cases ran`);
    };

    test('isolated: on shared memory', () =>
      check(true, [
        { kind: 'shared', workers: 1, worker },
        { kind: 'shared', workers: 2, worker },
      ]));

    test('plain: in process, copied', () =>
      check(false, [
        { kind: 'local', workers: 0 },
        { kind: 'copied', workers: 1, worker },
      ]));
  });
}
