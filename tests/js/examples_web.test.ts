// SPDX-License-Identifier: MIT
// ctest: timeout=600
// The example page, opened in real browsers: it says where its job runs and why, with isolation,
// without, under a policy without workers, and isolated by its own service worker; every executor
// can be forced; a job that throws or loops does not stop it; executors agree on the world's hash.
// With SKEP_SHOTS=FOLDER it leaves pictures of itself there.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  BROWSERS,
  openBrowser,
  openSite,
  ROOT,
  within,
  type SiteOptions,
  type TestBrowser,
  type TestPage,
} from './browser/harness.ts';

const PAGE = { '/': 'examples/web-physics' };
const WAIT_MS = 90_000;
const SHOTS = process.env['SKEP_SHOTS'];

/** What the page says of itself. */
interface Said {
  executor: string | undefined;
  tick: number;
  kind: string;
  why: string;
  workers: number;
  fault: string;
  hashes: string[];
}

function said(page: TestPage): Promise<Said> {
  return page.page.evaluate(() => {
    const text = (selector: string) => document.querySelector(selector)?.textContent ?? '';
    const { executor, tick } = document.documentElement.dataset;
    const cells = document.querySelectorAll('#compared td:last-child');
    return {
      executor,
      tick: Number(tick ?? -1),
      kind: text('#kind'),
      why: text('#why'),
      workers: Number(text('#workers')),
      fault: text('#fault'),
      hashes: Array.from(cells, cell => cell.textContent ?? ''),
    };
  });
}

/** Waits until the page says what is wanted; a failure tells what it said last. */
async function until(page: TestPage, what: string, wanted: (s: Said) => boolean): Promise<Said> {
  let last: Said | undefined;
  const seen = async (): Promise<Said> => {
    for (;;) {
      // A page that is being loaded anew has no say.
      last = await said(page).catch(() => last);
      if (last && wanted(last)) return last;
      await new Promise(done => setTimeout(done, 50));
    }
  };
  return within(WAIT_MS, `the page: ${what}`, seen(), () => `; it said ${JSON.stringify(last)}`);
}

const press = (page: TestPage, selector: string): Promise<void> =>
  page.page.$eval(selector, element => (element as HTMLElement).click());

/** Waits for frames beyond those that are there. */
async function goesOn(page: TestPage): Promise<void> {
  const { tick } = await said(page);
  await until(page, `more frames than ${tick}`, s => s.tick > tick + 5);
}

/** How many cells of the picture are not as its corner is. */
function drawn(page: TestPage): Promise<number> {
  return page.page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('#picture')!;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(data.buffer);
    return pixels.reduce((sum, pixel) => sum + (pixel === pixels[0] ? 0 : 1), 0);
  });
}

for (const name of BROWSERS) {
  describe(name, () => {
    let browser: TestBrowser;
    before(async () => {
      browser = await openBrowser(name);
    });
    after(() => browser.close());

    async function withPage(
      options: SiteOptions,
      path: string,
      use: (page: TestPage) => Promise<void>,
    ): Promise<void> {
      await using site = await openSite({ folders: PAGE, ...options });
      await using page = await browser.open(site, path);
      await use(page);
    }

    test('isolated: shared memory, and each of the others when it is asked for', async () => {
      await withPage({ isolated: true }, '/?bees=5000', async page => {
        const first = await until(page, 'shared memory', s => s.executor === 'web' && s.tick > 5);
        assert.equal(first.kind, 'Shared memory');
        assert.match(first.why, /cross-origin isolated/);
        assert.ok(first.workers >= 1, JSON.stringify(first));
        assert.ok((await drawn(page)) > 3000, 'nearly nothing was drawn');
        for (const executor of ['local', 'copied', 'web']) {
          await press(page, `[data-executor=${executor}]`);
          const now = await until(page, executor, s => s.executor === executor);
          if (executor !== 'web') assert.match(now.why, /You asked for it/);
          await goesOn(page);
        }
      });
    });

    test('isolated: a job that throws, one that loops, and going back', async () => {
      await withPage({ isolated: true }, '/?bees=3000', async page => {
        await until(page, 'frames', s => s.tick > 70);
        await press(page, '#throw');
        const thrown = await until(page, 'the fault', s => /lost its way/.test(s.fault));
        assert.match(thrown.fault, /system "fly", frame \d+, block 0 .*executor web/);
        assert.match(thrown.fault, /RangeError: a bee has lost its way/);
        await goesOn(page);
        await press(page, '#hang');
        await until(page, 'the deadline', s => /deadline: .* longer than 400 ms/.test(s.fault));
        await goesOn(page);
        const { tick } = await said(page);
        await press(page, '#rewind');
        await until(page, 'an earlier frame', s => s.tick < tick);
        await goesOn(page);
      });
    });

    test('isolated: the same second on three executors, with one hash', async () => {
      await withPage({ isolated: true }, '/?bees=5000', async page => {
        await until(page, 'frames', s => s.tick > 5);
        await press(page, '#compare');
        const { hashes } = await until(page, 'three hashes', s => s.hashes.length === 3);
        assert.match(hashes[0]!, /^[0-9a-f]{16}$/);
        assert.deepEqual(hashes, [hashes[0], hashes[0], hashes[0]]);
        await until(page, 'the executor as before', s => s.executor === 'web');
        await goesOn(page);
      });
    });

    test('plain: copies, with the reason; what cannot be had is said', async () => {
      await withPage({}, '/?bees=3000', async page => {
        const first = await until(page, 'copies', s => s.executor === 'copied' && s.tick > 5);
        assert.match(first.why, /not cross-origin isolated \(send COOP: same-origin/);
        await press(page, '[data-executor=web]');
        const refused = await until(page, 'no', s => /cannot be had here/.test(s.why));
        assert.equal(refused.executor, 'copied');
        await goesOn(page);
      });
    });

    test('plain: isolated by its own service worker', async () => {
      await withPage({}, '/?bees=3000', async page => {
        await until(page, 'copies', s => s.executor === 'copied' && s.tick > 5);
        await press(page, '#isolate');
        await until(page, 'shared memory', s => s.executor === 'web' && s.tick > 5);
      });
    });

    test('a policy without workers: in the page, with the reason', async () => {
      await withPage({ workersForbidden: true }, '/?bees=3000', async page => {
        page.expectError(/Content[- ]Security[- ]Policy/i);
        const first = await until(page, 'no workers', s => s.executor === 'local' && s.tick > 5);
        assert.match(first.why, /page's own thread\. Why: .*blocked/);
        await press(page, '#throw');
        await until(page, 'the fault', s => /lost its way/.test(s.fault));
        await goesOn(page);
      });
    });

    test('a policy without WebAssembly: stopped, and the page says why', async () => {
      const html = await readFile(join(ROOT, PAGE['/'], 'index.html'));
      const headers = {
        'content-type': 'text/html',
        'content-security-policy': "default-src 'self'",
      };
      const files = { '/': (_: unknown, r: ServerResponse) => r.writeHead(200, headers).end(html) };
      await withPage({ files }, '/', async page => {
        page.expectError(/SkepError|Content[- ]Security[- ]Policy|WebAssembly/i);
        const last = await until(page, 'stopped', s => s.kind === 'stopped');
        assert.match(last.why, /'wasm-unsafe-eval' in script-src/);
      });
    });

    test('as it lies in the repository', async () => {
      const folders = { '/examples/': 'examples', '/js/dist/': 'js/dist' };
      const path = '/examples/web-physics/';
      await withPage({ isolated: true, folders }, path, async page => {
        await until(page, 'shared memory', s => s.executor === 'web' && s.tick > 5);
      });
    });

    for (const theme of ['dark', 'light']) {
      for (const [kind, width, height] of [
        ['desktop', 1280, 800],
        ['phone', 390, 844],
      ] as const) {
        test(`${theme}, ${kind}: all of the panel can be reached`, async () => {
          const path = `/?theme=${theme}&bees=${SHOTS ? 24000 : 3000}`;
          await withPage({ isolated: true }, path, async page => {
            await page.page.setViewport({ width, height, deviceScaleFactor: 2 });
            await until(page, 'frames', s => s.tick > (SHOTS ? 240 : 5));
            const box = await page.page.evaluate(() => {
              const { left, right, top, bottom } = document
                .querySelector('#panel')!
                .getBoundingClientRect();
              const { innerWidth, innerHeight } = window;
              const wide = document.documentElement.scrollWidth > innerWidth;
              return { left, right, top, bottom, innerWidth, innerHeight, wide };
            });
            const inside =
              box.left >= 0
              && box.right <= box.innerWidth
              && box.bottom <= box.innerHeight
              && box.top >= 0
              && !box.wide;
            assert.ok(inside, JSON.stringify(box));
            if (SHOTS) {
              const shot = join(SHOTS, `${name}_${kind}_${theme}.png`) as `${string}.png`;
              await page.page.screenshot({ path: shot });
            }
          });
        });
      }
    }
  });
}
