// SPDX-License-Identifier: MIT
// A job that takes as many milliseconds as its `extra` says.

import { defineJob } from 'skep/worker';
import { Pos } from './components.ts';

export const spin = defineJob<readonly [], readonly [typeof Pos], number>(
  { name: 'spin', writes: [Pos], module: import.meta.url },
  ({ n, out, extra }) => {
    for (const end = performance.now() + extra; performance.now() < end;);
    for (let i = 0; i < n; i++) out.Pos.x[i]! += 1;
  },
);
