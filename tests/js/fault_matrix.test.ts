// SPDX-License-Identifier: MIT
// ctest: timeout=300
// The matrix of faults in each of Node's places with workers; see cases/matrix.ts, and for what
// each cell comes to docs/faults-js.md.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  crashes,
  poolLies,
  runBeside,
  runHarmless,
  runMatrix,
  taskLies,
  wholeLies,
  type Kind,
  type Style,
} from './cases/matrix.ts';
import { COPIED, NODE_1, NODE_2 } from './support/places.ts';

const QUICK = crashes(['throw', 'stack overflow', 'trap', 'exit']);
const SMALL = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 8 };

for (const place of [NODE_1, NODE_2, COPIED]) {
  for (const style of ['split', 'whole'] as Style[]) {
    const run = (what: string, kinds: readonly Kind[], options = {}): void => {
      test(`${what}: ${place.name}, ${style}`, async () => {
        const ran = await runMatrix(place, style, kinds, options);
        assert.equal(ran.length, kinds.length);
      });
    };
    run('what a job throws, and exits', QUICK);
    run('endless loops', crashes(['loop']), { deadlineMs: 500 });
    // On shared memory a block's answer is no message: what comes by one comes too late.
    if (style === 'whole' || place.copied) run('damaged messages', poolLies);
    else test(`damaged messages: ${place.name}`, () => runBeside(place, poolLies));
    if (place !== NODE_1) {
      run('memory', crashes(['out of memory']), { resourceLimits: SMALL, deadlineMs: 0 });
      if (style === 'whole') run('forged results', wholeLies);
      else if (place.copied) run('forged output', taskLies);
      test(`messages that change nothing: ${place.name}, ${style}`, () =>
        runHarmless(place, style));
    }
  }
}
