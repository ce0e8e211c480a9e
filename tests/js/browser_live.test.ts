// SPDX-License-Identifier: MIT
// ctest: timeout=120
// Two pages in Chromium see each other's ships, each with its own predicted, one of them isolated
// and one not; and both come back when the server was away.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { loadScene } from 'skep';
import { openBrowser, openSite, type TestBrowser } from './browser/harness.ts';
import { serveOnNode } from './live/pond.ts';
import { linkScene, temporary } from './support/scenes.ts';

const PAGE = '/tests/browser/live_page.ts';
const wasm = linkScene(temporary(), 'pond');
const files = { '/pond.wasm': Uint8Array.from(readFileSync(wasm)) };
const serve = serveOnNode(await loadScene(wasm));

let browser: TestBrowser;
before(async () => {
  browser = await openBrowser('chromium');
});
after(() => browser.close());

test('two pages fly side by side, and come back after the server was away', async () => {
  await using plain = await openSite({ files });
  await using isolated = await openSite({ files, isolated: true });
  const origins = [plain, isolated].map(site => new URL(site.url('/')).origin);
  let server = await serve({ origins });
  try {
    await using a = await browser.open(plain);
    await using b = await browser.open(isolated);
    for (const page of [a, b]) page.expectError(/WebSocket/);
    await a.page.bringToFront();
    const mine = await a.run<{ player: number; shared: boolean }>(PAGE, 'join', server.url);
    await b.page.bringToFront();
    const other = await b.run<{ player: number; shared: boolean }>(PAGE, 'join', server.url);
    assert.deepEqual([mine.shared, other.shared], [false, true]);
    assert.notEqual(mine.player, other.player);

    await a.page.bringToFront();
    // The first inputs come late: how far away the server is, is not known yet.
    await a.run(PAGE, 'steer', 40);
    const flown = await a.run<{ heading: number; jump: number }>(PAGE, 'steer', 60);
    assert.ok(Math.abs(flown.heading - 2) < 0.2, `a heading of ${flown.heading}`);
    // Mostly below a millimetre; a machine that is busy draws few pictures, and late.
    assert.ok(flown.jump < 1, `a jump of ${flown.jump} m`);
    await b.page.bringToFront();
    await b.run(PAGE, 'sees', mine.player, flown.heading);

    const { port } = server;
    await server.stop();
    await b.run(PAGE, 'reaches', 'reconnecting');
    server = await serve({ origins, port });
    const states = await b.run<string[]>(PAGE, 'reaches', 'live');
    assert.deepEqual(states, ['connecting', 'live', 'reconnecting', 'live']);
    const did = await b.run<{ ticks: number; compared: number }>(PAGE, 'leave');
    assert.ok(did.ticks > 0 && did.compared > 0, JSON.stringify(did));
  } finally {
    await server.stop();
  }
});
