// SPDX-License-Identifier: MIT
// ctest: timeout=120, waits
// The gateway and the client over real sockets, the client with `skep serve`, and `skep view` with
// the gateway; the cases of servers are in live/suite.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadScene } from 'skep';
import { buildPond, serveNatively, skepCommand, viewNatively } from './live/native.ts';
import { serveOnNode } from './live/pond.ts';
import { protocolSuite } from './live/suite.ts';
import { linkScene, temporary } from './support/scenes.ts';

const folder = temporary();
const scene = await loadScene(linkScene(folder, 'pond'));
protocolSuite('skep/gateway', serveOnNode(scene));

const command = skepCommand();
if (command) protocolSuite('skep serve', serveNatively(command, buildPond(folder)));
else test('skep serve', t => t.skip('there is no `skep` command: cmake --preset dev builds one'));

test('skep view with skep/gateway', { skip: !command }, async () => {
  const server = await serveOnNode(scene)();
  try {
    const lines = await viewNatively(command!, server.url, 3);
    const last = lines.at(-1)!;
    assert.equal(last.phase, 'live', JSON.stringify(last));
    // Its own ship is among them.
    assert.deepEqual(last.sets, { 'Pos+Vel': 200, 'Pos+Ship': 1 });
    assert.ok(last.states > 10 && last.resyncs === 0, JSON.stringify(last));
  } finally {
    await server.stop();
  }
});
