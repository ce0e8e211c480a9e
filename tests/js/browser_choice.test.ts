// SPDX-License-Identifier: MIT
// ctest: timeout=300
// Which executor a page gets, and what it is told: isolated, plain, under policies that forbid
// workers or wasm, with workers that never answer, and when one is asked for.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  BROWSERS,
  openBrowser,
  openSite,
  type SiteOptions,
  type TestBrowser,
  type TestPage,
} from './browser/harness.ts';
import type { Chosen, Setup } from './browser/frame_page.ts';

const PAGE = '/tests/browser/frame_page.ts';
const WORKER = '/tests/browser/frame_worker.ts';
const POLICY = /Content[- ]Security[- ]Policy/i;
const NO_WASM = "default-src 'self'; script-src 'self' 'nonce-skep'; worker-src 'self'";

interface Refused {
  name: string;
  code: string;
  message: string;
  hint: string;
}

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
      await using site = await openSite({
        ...options,
        files: { '/silent.js': '', '/throws.js': 'throw new Error("while loading");' },
      });
      await using page = await browser.open(site);
      await use(page);
    };
    const choose = (page: TestPage, setup: Setup): Promise<Chosen & { wrong: number }> =>
      page.run(PAGE, 'choose', setup);

    test('isolated: workers on shared memory, and nothing to say', () =>
      visit({ isolated: true }, async page => {
        assert.deepEqual(await choose(page, { worker: WORKER }), {
          kind: 'web',
          workers: 2,
          fallback: null,
          told: [],
          made: 2,
          wrong: 0,
        });
        assert.deepEqual(page.console, []);
      }));

    test('isolated: what is asked for', () =>
      visit({ isolated: true }, async page => {
        const local = await choose(page, { worker: WORKER, executor: 'local' });
        assert.deepEqual([local.kind, local.made, local.told, local.wrong], ['local', 0, [], 0]);
        const copied = await choose(page, { worker: WORKER, executor: 'copied' });
        assert.deepEqual([copied.kind, copied.made, copied.told], ['copied', 2, []]);
        assert.equal(copied.wrong, 0);
        const web = await choose(page, { worker: WORKER, executor: 'web' });
        assert.deepEqual([web.kind, web.made, web.told, web.wrong], ['web', 2, [], 0]);
        const node = await page.run<Refused>(PAGE, 'refused', { worker: WORKER, executor: 'node' });
        assert.equal(node.code, 'E_UNSUPPORTED');
        const none = await page.run<Refused>(PAGE, 'refused', { executor: 'copied' });
        assert.equal(none.code, 'E_UNSUPPORTED');
        assert.match(none.message, /neither createWorker nor browserWorkers was given/);
      }));

    test('plain: copied columns, and the reason', () =>
      visit({}, async page => {
        const chosen = await choose(page, { worker: WORKER });
        assert.equal(chosen.kind, 'copied');
        assert.equal(chosen.made, 2);
        assert.equal(chosen.wrong, 0);
        assert.deepEqual(chosen.told, [chosen.fallback]);
        assert.match(chosen.fallback ?? '', /not cross-origin isolated.*COOP.*COEP/);
        const web = await page.run<Refused>(PAGE, 'refused', { worker: WORKER, executor: 'web' });
        assert.equal(web.code, 'E_UNSUPPORTED');
        assert.match(web.hint, /COOP/);
      }));

    for (const isolated of [true, false]) {
      test(`workers forbidden, ${isolated ? 'isolated' : 'plain'}: in process`, () =>
        visit({ isolated, workersForbidden: true }, async page => {
          page.expectError(POLICY);
          const chosen = await choose(page, { worker: WORKER });
          assert.equal(chosen.kind, 'local');
          assert.equal(chosen.wrong, 0);
          assert.deepEqual(chosen.told, [chosen.fallback]);
          assert.match(chosen.fallback ?? '', /blocked/);
          for (const executor of ['copied', 'web'] as const) {
            const refused = await page.run<Refused>(PAGE, 'refused', { worker: WORKER, executor });
            assert.equal(refused.code, 'E_UNSUPPORTED', executor);
            assert.match(refused.message, /blocked/, executor);
          }
        }));
    }

    test('workers that never answer, or cannot load: in process', () =>
      visit({ isolated: true }, async page => {
        page.expectError(/while loading|missing\.js/);
        const silent = await choose(page, { worker: '/silent.js', startTimeoutMs: 300 });
        assert.equal(silent.kind, 'local');
        assert.equal(silent.wrong, 0);
        assert.match(silent.told.join(), /did not answer within 300 ms \(startTimeoutMs\)/);
        const throws = await choose(page, { worker: '/throws.js' });
        assert.equal(throws.kind, 'local');
        assert.match(throws.told.join(), /while loading/);
        const missing = await choose(page, { worker: '/missing.js' });
        assert.equal(missing.kind, 'local');
        assert.equal(missing.told.length, 1);
      }));

    test('no way to make workers: in process', () =>
      visit({ isolated: true }, async page => {
        const chosen = await choose(page, {});
        assert.equal(chosen.kind, 'local');
        assert.match(chosen.told.join(), /neither createWorker nor browserWorkers was given/);
        assert.equal(chosen.wrong, 0);
      }));

    test('a fallback is one line on the console, however many schedulers', async () => {
      for (const [options, kind] of [
        [{}, 'copied'],
        [{ workersForbidden: true }, 'local'],
      ] as const) {
        await visit(options, async page => {
          page.expectError(POLICY);
          assert.deepEqual(await page.run(PAGE, 'twice', { worker: WORKER }), [kind, kind]);
          const lines = page.console.filter(line => line.includes('fallback: '));
          assert.equal(lines.length, 1, lines.join('\n'));
          assert.match(lines[0]!, /^warn(ing)?: fallback: workers not (used|shared): ./);
        });
      }
    });

    test('a policy without wasm-unsafe-eval is named', () =>
      visit({ isolated: true, policy: NO_WASM }, async page => {
        page.expectError(/./);
        const error = await page.run<Refused>(PAGE, 'worldError');
        assert.equal(error.name, 'SkepError');
        assert.equal(error.code, 'E_UNSUPPORTED');
        assert.match(error.message, /may not compile wasm/);
        assert.match(error.hint, /'wasm-unsafe-eval'/);
      }));
  });
}
