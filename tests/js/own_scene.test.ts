// SPDX-License-Identifier: MIT
// ctest: timeout=600
// examples/own_scene as its README says it: the packed package is installed, its command links the
// scene, and the wasm file runs on Node, in pages, and natively beside it, to one hash.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { BROWSERS, openBrowser, openSite, ROOT, type Site } from './browser/harness.ts';
import { call, openProject, type Project } from './package/project.ts';

const FRAMES = 120;
const ENTITIES = 3000;
const WORK = ['--frames', String(FRAMES), '--entities', String(ENTITIES)];

let project: Project;
let folder: string;
/** What local says on Node. */
let local: string[];
before(async () => {
  project = await openProject();
  folder = project.path('examples/own_scene');
  await cp(join(ROOT, 'examples/own_scene'), folder, {
    recursive: true,
    filter: path => !path.endsWith('own.wasm'),
  });
  // Where a checkout has js/, for what the page imports.
  await symlink(project.path('node_modules/skep'), project.path('js'));
  call(folder, 'npx', '--offline', '--no', 'skep-wasm', 'own.c', '-o', 'own.wasm');
  local = run('--executor', 'local');
});
after(() => project[Symbol.asyncDispose]());

function run(...args: readonly string[]): string[] {
  return call(folder, process.execPath, 'run.mjs', ...WORK, ...args)
    .trimEnd()
    .split('\n');
}

const hash = (): string => local.at(-1)!.replace('hash ', '');

test("the README's commands are those that were run", async () => {
  const readme = await readFile(join(ROOT, 'examples/own_scene/README.md'), 'utf8');
  for (const line of ['npx skep-wasm own.c -o own.wasm', 'node run.mjs', 'node serve.mjs']) {
    assert.ok(readme.includes(line), `README.md has no line "${line}"`);
  }
  // The whole core, with all that publishes, views and predicts a live world, and records frames.
  const { size } = await stat(join(folder, 'own.wasm'));
  assert.ok(size < 525_000, `own.wasm has ${size} bytes`);
});

test('on Node: every executor gives the same positions and hash', () => {
  assert.match(local[0]!, /^120 frames of 3000 fireflies, executor local, 0 workers$/);
  assert.match(local.at(-1)!, /^hash [0-9a-f]{16}$/);
  assert.equal(local.length, 5);
  for (const [executor, workers] of [
    ['node', 1],
    ['node', 2],
    ['copied', 1],
    ['copied', 2],
  ]) {
    const lines = run('--executor', String(executor), '--workers', String(workers));
    assert.equal(
      lines[0],
      `120 frames of 3000 fireflies, executor ${executor}, ${workers} workers`,
    );
    assert.deepEqual(lines.slice(1), local.slice(1));
  }
  assert.notEqual(run('--executor', 'local', '--pull', '2').at(-1), local.at(-1));
});

test('natively: the same hash', t => {
  const command = [
    process.env['SKEP_BIN'],
    join(ROOT, 'build/dev/skep'),
    join(ROOT, 'build/release/skep'),
  ].find(path => path && existsSync(path));
  if (!command) return t.skip('there is no `skep` command: cmake --preset dev builds one');
  const module = join(folder, 'own.so');
  // The flags of cmake/skep_add_scene.cmake.
  call(
    folder,
    'cc',
    '-std=c17',
    '-O3',
    '-ffp-contract=off',
    '-fno-math-errno',
    '-fno-trapping-math',
    '-fPIC',
    '-shared',
    '-fvisibility=hidden',
    '-I',
    join(ROOT, 'include'),
    'own.c',
    '-o',
    module,
  );
  const said = spawnSync(command, ['run', module, ...WORK, '--json'], { encoding: 'utf8' });
  assert.equal(said.status, 0, said.stderr);
  assert.equal((JSON.parse(said.stdout) as { hash: string }).hash, hash());
});

interface Finished {
  kind?: string;
  workers?: number;
  fallback?: string | null;
  hash?: string;
  error?: string;
}

const PAGE = `/examples/own_scene/index.html?frames=${FRAMES}&entities=${ENTITIES}`;

for (const name of BROWSERS) {
  describe(name, () => {
    let browser: Awaited<ReturnType<typeof openBrowser>>;
    before(async () => (browser = await openBrowser(name)));
    after(() => browser.close());

    async function finished(site: Site, more = ''): Promise<Finished & { text: string }> {
      await using page = await browser.open(site, PAGE + more);
      if (more.includes('forbidden')) page.expectError(/Content[- ]Security[- ]Policy/i);
      const found = await page.global<Finished>('finished');
      const text = await page.page.evaluate(() => document.querySelector('main')!.innerText);
      const lit = await page.page.evaluate(() => {
        const canvas = document.querySelector('canvas')!;
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        return data.filter((byte, i) => i % 4 === 3 && byte > 0).length;
      });
      assert.equal(found.error, undefined);
      assert.ok(lit > 5000, `only ${lit} points of the picture are drawn`);
      return { ...found, text };
    }

    test('isolated: workers on shared memory', async () => {
      await using site = await openSite({ isolated: true, folders: { '/': project.folder } });
      const found = await finished(site);
      assert.equal(found.kind, 'web');
      assert.equal(found.fallback, null);
      assert.equal(found.hash, hash());
      assert.match(found.text, /runs on (one|\d+) workers?, with the world's memory shared/);
      assert.ok(found.text.includes(`hash ${hash()}`));
    });

    test('plain: workers with copies, and the reason', async () => {
      await using site = await openSite({ folders: { '/': project.folder } });
      const found = await finished(site);
      assert.equal(found.kind, 'copied');
      assert.equal(found.hash, hash());
      assert.match(found.text, /runs on (one|\d+) workers?, with copies/);
      assert.match(found.text, /not cross-origin isolated/);
    });

    test('workers forbidden: in the page, and the reason', async () => {
      await using site = await openSite({
        workersForbidden: true,
        folders: { '/': project.folder },
      });
      const found = await finished(site, '&forbidden');
      assert.equal(found.kind, 'local');
      assert.equal(found.hash, hash());
      assert.match(found.text, /runs in the page itself\n+\S+/);
    });
  });
}

test('serve.mjs: isolated, and plain when asked to', async () => {
  await using browser = await openBrowser('chromium');
  for (const [args, kind] of [
    [[], 'web'],
    [['--plain'], 'copied'],
  ] as const) {
    const server = spawn(process.execPath, ['serve.mjs', ...args], {
      cwd: folder,
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
      const address = new URL(line);
      assert.equal(address.pathname, '/examples/own_scene/index.html');
      const site = { url: () => `${line}?frames=5`, requests: [] } as unknown as Site;
      await using page = await browser.open(site);
      assert.equal((await page.global<Finished>('finished')).kind, kind);
      const outside = await fetch(new URL('/package.json', address));
      assert.equal(outside.status, 404);
      assert.equal((await fetch(new URL('/', address))).status, 200);
    } finally {
      server.kill();
      await once(server, 'exit');
    }
  }
});
