// SPDX-License-Identifier: MIT
// ctest: timeout=600
// The harness of the browser tests, and what browsers do of themselves: with isolation, without,
// and where a page's policy forbids workers. Executors are chosen by what these tests found.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  browserModule,
  BROWSERS,
  bundle,
  openBrowser,
  openSite,
  within,
  type Site,
  type TestBrowser,
} from './browser/harness.ts';

const PROBE = '/tests/browser/probe_page.ts';
const WORKER = '/tests/browser/probe_worker.ts';

test('specifiers of skep become addresses, others stay', () => {
  assert.equal(
    browserModule(
      "import { a } from 'skep';\nimport('skep/worker');\nimport 'skep/nothing';\n"
        + 'export { b } from "skep/math"; const c: number = 1; // from skepticism',
    ),
    "import { a } from '/skep/index.js';\nimport('/skep/worker.js');\nimport 'skep/nothing';\n"
      + 'export { b } from "/skep/math.js"; const c         = 1; // from skepticism',
  );
});

describe('the server', () => {
  let site: Site;
  before(async () => {
    site = await openSite({
      isolated: true,
      files: { '/a.wasm': new Uint8Array([0, 97, 115, 109]), '/b.txt': 'b', '/c.json': '{}' },
    });
  });
  after(() => site.close());

  const get = async (path: string) => {
    const response = await fetch(site.url(path));
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      coep: response.headers.get('cross-origin-embedder-policy'),
      body: await response.text(),
    };
  };

  test('types of files', async () => {
    const types: Record<string, string> = {};
    for (const path of ['/', '/a.wasm', '/b.txt', '/c.json', '/skep/math.js', PROBE]) {
      const { status, type, coep } = await get(path);
      assert.equal(status, 200, path);
      assert.equal(coep, 'require-corp', path);
      types[path] = type ?? '';
    }
    assert.deepEqual(types, {
      '/': 'text/html; charset=utf-8',
      '/a.wasm': 'application/wasm',
      '/b.txt': 'text/plain; charset=utf-8',
      '/c.json': 'application/json; charset=utf-8',
      '/skep/math.js': 'text/javascript; charset=utf-8',
      [PROBE]: 'text/javascript; charset=utf-8',
    });
  });

  test('nothing outside of its folders', async () => {
    for (const path of [
      '/nowhere.js',
      '/skep/nowhere.js',
      '/skep/%2e%2e/package.json',
      '/skep/..%2f..%2fpackage.json',
      '/tests/../../package.json',
    ]) {
      const { status, body } = await get(path);
      assert.equal(status, 404, `${path}: ${body.slice(0, 80)}`);
    }
  });
});

test('what hangs is named', async () => {
  await assert.rejects(
    within(20, 'a wait for nothing', new Promise(() => {}), () => ', as told'),
    { message: 'a wait for nothing: nothing within 20 ms, as told' },
  );
});

for (const name of BROWSERS) {
  describe(name, () => {
    let browser: TestBrowser;
    before(async () => {
      browser = await openBrowser(name);
    });
    after(() => browser.close());

    test('is the browser it says', async () => {
      assert.match(await browser.version(), name === 'firefox' ? /firefox/i : /chrome/i);
    });

    test('isolated: memory is shared, and a page waits without blocking', async () => {
      await using site = await openSite({ isolated: true });
      await using page = await browser.open(site);
      // Found: Firefox 140, an ESR of 2025, shares memory but has no waitAsync; 153 has it.
      const [, major] = /(\d+)/.exec(await browser.version())!;
      const waitAsync =
        name === 'firefox' && Number(major) < 153 ? /function|undefined/ : /function/;
      const abilities = await page.run<Record<string, unknown>>(PROBE, 'abilities');
      assert.equal(abilities['isolated'], true);
      assert.equal(abilities['shared'], 'function');
      assert.match(String(abilities['waitAsync']), waitAsync);
      assert.equal(await page.run(PROBE, 'cosine', 0), 1);
      const { woken, worker } = await page.run<{ woken: string; worker: unknown }>(
        PROBE,
        'shareMemory',
        WORKER,
      );
      // 'not-equal' where the worker was there before the page began to wait.
      assert.match(woken, /^(ok|not-equal)$/);
      assert.deepEqual(worker, {
        blocked: 'woken',
        word: 7,
        waitAsync: 'timed-out',
        isolated: true,
        cosine: 1,
      });
    });

    test('isolated: a worker that esbuild bundled', async () => {
      const files = await bundle({ '/worker.js': 'tests/js/browser/probe_worker.ts' });
      await using site = await openSite({ isolated: true, files });
      await using page = await browser.open(site);
      assert.deepEqual(await page.run(PROBE, 'startWorker', '/worker.js'), {
        answered: 6,
        late: true,
      });
      assert.ok(
        !site.requests.some(
          path =>
            path.startsWith('/skep/')
            && site.requests.indexOf(path) > site.requests.indexOf('/worker.js'),
        ),
        `the bundle still imports: ${site.requests.join(' ')}`,
      );
    });

    test('plain: workers run, memory is not shared', async () => {
      await using site = await openSite();
      await using page = await browser.open(site);
      const abilities = await page.run<Record<string, unknown>>(PROBE, 'abilities');
      assert.equal(abilities.isolated, false);
      assert.equal(abilities.shared, 'undefined');
      assert.deepEqual(await page.run(PROBE, 'startWorker', WORKER), { answered: 6, late: true });
      assert.deepEqual(await page.run(PROBE, 'startBlobWorker'), { answered: 6, late: true });
      // Shared memory can be made even so, but never sent: that it exists says nothing.
      assert.deepEqual(await page.run(PROBE, 'sharedMemoryAnyway'), {
        made: true,
        cloned: 'DataCloneError',
      });
    });

    for (const isolated of [true, false]) {
      test(`a policy without workers, ${isolated ? 'isolated' : 'plain'}`, async () => {
        await using site = await openSite({ isolated, workersForbidden: true });
        await using page = await browser.open(site);
        page.expectError(/Content[- ]Security[- ]Policy/i);
        assert.equal(
          (await page.run<Record<string, unknown>>(PROBE, 'abilities')).isolated,
          isolated,
        );
        // Found in both browsers, for files and blobs: the constructor does not throw, and later
        // there is one plain Event "error", without a message. Nothing tells it from a worker
        // that is missing; so an executor starts workers with a handshake, and a timeout.
        const refused = { errorEvent: 'Event', late: true };
        assert.deepEqual(await page.run(PROBE, 'startWorker', WORKER), refused);
        assert.deepEqual(await page.run(PROBE, 'startBlobWorker'), refused);
        assert.ok(page.errors.length > 0, 'the browser said nothing of its policy');
        assert.ok(!site.requests.includes(WORKER), 'the worker was loaded all the same');
      });
    }

    test('workers that cannot load', async () => {
      await using site = await openSite({
        isolated: true,
        files: {
          '/throws.js': 'throw new Error("while loading");',
          '/syntax.js': 'const = 1;',
          '/imports.js': 'import "./nowhere.js";',
          '/type.txt': 'postMessage(1);',
          '/bare.js': 'import "skep";',
        },
      });
      await using page = await browser.open(site);
      page.expectError(/./);
      // Found in both browsers: only a module that runs and throws says why.
      assert.deepEqual(await page.run(PROBE, 'startWorker', '/throws.js'), {
        errorEvent: 'ErrorEvent',
        late: true,
      });
      for (const path of ['/syntax.js', '/imports.js', '/bare.js', '/missing.js', '/type.txt']) {
        assert.deepEqual(
          await page.run(PROBE, 'startWorker', path),
          { errorEvent: 'Event', late: true },
          path,
        );
      }
    });

    test('the harness tells what a page did', async () => {
      await using site = await openSite();
      const page = await browser.open(site);
      await assert.rejects(page.run(PROBE, 'fail', 'throw'), {
        name: 'RangeError',
        message: /fail\(\): RangeError: thrown on purpose/,
      });
      await assert.rejects(page.run(PROBE, 'nothing'), { name: 'TypeError' });
      await assert.rejects(page.run('/nowhere.js', 'nothing'), { name: 'TypeError' });
      await page.close().catch(() => {});
      for (const how of ['console', 'uncaught', 'rejection', 'missing']) {
        const bad = await browser.open(site);
        assert.equal(await bad.run(PROBE, 'fail', how), 'done');
        await assert.rejects(bad.close(), /unexpected:/, `${how} was not told`);
      }
    });
  });
}
