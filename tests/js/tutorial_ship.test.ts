// SPDX-License-Identifier: MIT
// ctest: timeout=300
// Follows docs/tutorial-ship.md: its code is that of examples/ship, the server starts as it says,
// and of two pages that are open one steers a ship that the other sees move.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Page } from 'puppeteer-core';
import { openBrowser, openSite, ROOT, within } from './browser/harness.ts';

const PATHS: Readonly<Record<string, string>> = {
  'ship.c': 'scenes/ship.c',
  'index.html': 'examples/ship/index.html',
  'page.js': 'examples/ship/page.js',
  'server.js': 'examples/ship/server.js',
};
const WAIT_MS = 60_000;

let folder: string;
let server: ChildProcess | undefined;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skep_ship_'));
});
after(async () => {
  server?.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

test("the tutorial's code is the example's", async () => {
  const text = await readFile(join(ROOT, 'docs/tutorial-ship.md'), 'utf8');
  const files = new Map<string, string>();
  for (const [, name, code] of text.matchAll(/^```\w+ file=(\S+)\n([\s\S]*?)^```$/gm)) {
    files.set(name!, (files.get(name!) ?? '') + code!);
  }
  assert.deepEqual([...files.keys()].sort(), Object.keys(PATHS).sort());
  for (const [name, path] of Object.entries(PATHS)) {
    assert.equal(files.get(name), await readFile(join(ROOT, path), 'utf8'), path);
  }
});

async function start(): Promise<string> {
  await cp(join(ROOT, 'examples/ship'), folder, { recursive: true });
  await cp(join(ROOT, 'build/wasm/ship.wasm'), join(folder, 'ship.wasm'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  server = spawn(process.execPath, ['--preserve-symlinks', 'server.js', '0'], { cwd: folder });
  let said = '';
  server.stderr!.on('data', chunk => (said += String(chunk)));
  const address = new Promise<string>(done => {
    server!.stdout!.on('data', chunk => {
      said += String(chunk);
      const url = /http:\S+/.exec(said)?.[0];
      if (url) done(url);
    });
  });
  return within(WAIT_MS, 'the server', address, () => `; ${said}`);
}

/** Waits until a page's picture of the sea is another. */
async function changes(page: Page, was: string): Promise<void> {
  for (;;) {
    if ((await picture(page)) !== was) return;
    await new Promise(done => setTimeout(done, 50));
  }
}

const picture = (page: Page): Promise<string> =>
  page.evaluate(
    () =>
      new Promise<string>(done => {
        const sea = document.querySelector<HTMLCanvasElement>('#sea')!;
        requestAnimationFrame(() => requestAnimationFrame(() => done(sea.toDataURL())));
      }),
  );

/** A page's picture once it stays the same. */
async function resting(page: Page): Promise<string> {
  for (let was = ''; ;) {
    const is = await picture(page);
    if (is === was) return is;
    was = is;
    await new Promise(done => setTimeout(done, 300));
  }
}

test('two pages, one server, one sea', async () => {
  const url = await start();
  await using browser = await openBrowser('chromium');
  await using site = await openSite({});
  await using mine = await browser.open(site, '/');
  await using theirs = await browser.open(site, '/');
  for (const { page } of [mine, theirs]) {
    await page.goto(url);
    const live = 'document.querySelector("#state")?.textContent === "live"';
    await page.waitForFunction(live, { timeout: WAIT_MS, polling: 50 });
  }
  const still = await resting(theirs.page);
  await mine.page.bringToFront();
  const before = await resting(mine.page);
  await mine.page.keyboard.down('ArrowUp');
  await within(WAIT_MS, "the own ship's picture", changes(mine.page, before));
  await theirs.page.bringToFront();
  await within(WAIT_MS, "the other's picture", changes(theirs.page, still));

  // In time to say goodbye; the pages tell that it is gone.
  server!.kill('SIGINT');
  const [code] = (await within(WAIT_MS, 'the end', once(server!, 'exit'))) as [number];
  assert.equal(code, 0);
  for (const page of [mine, theirs]) page.expectError(/WebSocket|ERR_CONNECTION/);
  await theirs.page.waitForFunction('document.querySelector("#state").textContent !== "live"', {
    timeout: WAIT_MS,
    polling: 50,
  });
});
