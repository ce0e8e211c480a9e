// SPDX-License-Identifier: MIT
// A split job whose module loads in the main thread alone.

import { defineJob } from 'skep/worker';
import { Pos } from './components.ts';

const inWorker =
  typeof (globalThis as { document?: unknown }).document === 'undefined'
  && (
    globalThis as unknown as {
      process?: { getBuiltinModule(name: string): { isMainThread: boolean } };
    }
  ).process?.getBuiltinModule('node:worker_threads').isMainThread === false;
if (inWorker) throw new RangeError('not in workers');

export const onlyHere = defineJob(
  { name: 'onlyHere', writes: [Pos], module: import.meta.url },
  ({ n, out }) => {
    for (let i = 0; i < n; i++) out.Pos.x[i]! += 1;
  },
);
