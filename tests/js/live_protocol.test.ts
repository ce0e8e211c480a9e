// SPDX-License-Identifier: MIT
// ctest: timeout=120
// The gateway and the client over real sockets, and the client with `skep serve`; the cases are in
// live/suite.ts.

import { test } from 'node:test';
import { loadScene } from 'skep';
import { buildPond, serveNatively, skepCommand } from './live/native.ts';
import { serveOnNode } from './live/pond.ts';
import { protocolSuite } from './live/suite.ts';
import { linkScene, temporary } from './support/scenes.ts';

const folder = temporary();
const scene = await loadScene(linkScene(folder, 'pond'));
protocolSuite('skep/gateway', serveOnNode(scene));

const command = skepCommand();
if (command) protocolSuite('skep serve', serveNatively(command, buildPond(folder)));
else test('skep serve', t => t.skip('there is no `skep` command: cmake --preset dev builds one'));
