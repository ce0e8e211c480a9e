// SPDX-License-Identifier: MIT
// ctest: timeout=600
// The same bits in browsers: after 1,000 frames of each scene a page's world has the hash of the
// native one, on shared memory, on copied columns, and in process.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BROWSERS, openBrowser, openSite, type TestBrowser } from './browser/harness.ts';
import type { SiteOptions } from './browser/site.ts';
import { FRAMES, nativeHash, SCENES, wasmFile } from './hash/native.ts';
import { hashRun, type HashPlan, type HashRun } from './hash/run.ts';

const RUN = '/tests/hash/run.ts';
const WORKER = '/tests/hash/worker.ts';
const MIXED_FRAMES = 300;

interface Way {
  name: string;
  site: SiteOptions;
  plan: Pick<HashPlan, 'executor' | 'worker' | 'size' | 'force'>;
  kind: string;
  fallback: RegExp | null;
  scenes: Readonly<Record<string, number>>;
}

const workers = { worker: WORKER, size: 2, force: true };
const WAYS: readonly Way[] = [
  {
    name: 'isolated: on shared memory',
    site: { isolated: true },
    plan: { executor: 'auto', ...workers },
    kind: 'web',
    fallback: null,
    scenes: SCENES,
  },
  {
    name: 'plain: copied',
    site: {},
    plan: { executor: 'auto', ...workers },
    kind: 'copied',
    fallback: /not cross-origin isolated/,
    scenes: SCENES,
  },
  {
    name: 'workers forbidden: in process',
    site: { workersForbidden: true },
    plan: { executor: 'auto', ...workers },
    kind: 'local',
    fallback: /blocked/,
    // What it falls back to is the executor of the last way, which runs all of them.
    scenes: { bullets: SCENES['bullets']! },
  },
  {
    name: 'in process when asked',
    site: { isolated: true },
    plan: { executor: 'local' },
    kind: 'local',
    fallback: null,
    scenes: SCENES,
  },
];

const want = new Map<string, string>();
before(async () => {
  for (const [scene, entities] of Object.entries(SCENES)) {
    want.set(scene, await nativeHash(scene, { entities, frames: FRAMES, workers: 0 }));
  }
  const mixed = await hashRun({
    wasm: wasmFile('bullets'),
    entities: SCENES['bullets']!,
    frames: MIXED_FRAMES,
    executor: 'tick',
    mixed: true,
  });
  want.set('mixed', mixed.hash);
});

for (const browserName of BROWSERS) {
  describe(browserName, () => {
    let browser: TestBrowser;
    before(async () => {
      browser = await openBrowser(browserName);
    });
    after(() => browser.close());

    for (const { name, site: options, plan, kind, fallback, scenes } of WAYS) {
      const check = async (what: string, run: HashRun, frames: number): Promise<void> => {
        assert.deepEqual(run.faults, [], what);
        assert.equal(run.hash, want.get(what), what);
        assert.equal(run.kind, kind, what);
        if (fallback) assert.match(run.fallback ?? 'no reason', fallback);
        else assert.equal(run.fallback, null);
        if (kind !== 'local') assert.ok(run.workers >= frames, `workers ran ${run.workers} tasks`);
      };

      test(name, async () => {
        await using site = await openSite({ ...options, folders: { '/wasm/': 'build/wasm' } });
        await using page = await browser.open(site);
        page.limitMs = 180_000;
        if (options.workersForbidden) page.expectError(/Content[- ]Security[- ]Policy/i);
        for (const [scene, entities] of Object.entries(scenes)) {
          const wasm = `/wasm/${scene}.wasm`;
          const all: HashPlan = { wasm, entities, frames: FRAMES, ...plan };
          await check(scene, await page.run<HashRun>(RUN, 'hashRun', all), FRAMES);
        }
        const mixed: HashPlan = {
          wasm: '/wasm/bullets.wasm',
          entities: SCENES['bullets']!,
          frames: MIXED_FRAMES,
          mixed: true,
          ...plan,
        };
        await check('mixed', await page.run<HashRun>(RUN, 'hashRun', mixed), MIXED_FRAMES);
      });
    }
  });
}
