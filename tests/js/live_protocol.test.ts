// SPDX-License-Identifier: MIT
// ctest: timeout=120
// The gateway and the client over real sockets: see live/suite.ts.

import { loadScene } from 'skep';
import { serveOnNode } from './live/pond.ts';
import { protocolSuite } from './live/suite.ts';
import { linkScene, temporary } from './support/scenes.ts';

const scene = await loadScene(linkScene(temporary(), 'pond'));
protocolSuite('skep/gateway', serveOnNode(scene));
