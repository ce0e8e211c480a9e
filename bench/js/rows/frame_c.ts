// SPDX-License-Identifier: MIT
// A frame of one C job in wasm with simd, `pos += vel * dt`, against the bare wasm kernel.

import { DT, checkMoved } from '../movers.ts';
import { makeKernel } from '../kernel.ts';
import { sceneFrames } from '../ours.ts';
import type { Contender, Row } from '../row.ts';

function bareKernel(n: number): Contender {
  return {
    name: 'bare kernel',
    role: 'limit',
    make: () => {
      const { columns, run } = makeKernel(n);
      return {
        run: () => run(DT),
        check: runs => checkMoved(n, runs, i => ({ x: columns.px[i]!, y: columns.py[i]! })),
      };
    },
  };
}

const title = (n: number): string =>
  `a frame of one C job in wasm, ${n.toLocaleString('en-US')} entities, an entity`;

/** `deadlineMs: 0` lets the caller take part: only a worker can be ended. */
const FREE = { deadlineMs: 0 };

/** On the caller, synchronously, and as frames run by default. */
export function frameC(name: string, n: number): Row {
  return {
    name,
    title: title(n),
    unit: 'ns',
    per: n,
    contenders: [
      bareKernel(n),
      { name: 'skep tick', role: 'ours', make: () => sceneFrames(n, { executor: 'local' }) },
      { name: 'skep runFrame', role: 'ours', make: () => sceneFrames(n) },
      { name: 'skep runFrame, no deadline', role: 'ours', make: () => sceneFrames(n, FREE) },
    ],
    bars: [
      { of: 'skep tick', than: 'bare kernel', atMost: 1.25 },
      { of: 'skep runFrame', than: 'bare kernel', atMost: 1.25 },
      { of: 'skep runFrame, no deadline', than: 'bare kernel', atMost: 1.25 },
    ],
  };
}

/** On two workers beside the caller. */
export function frameCWorkers(name: string, n: number): Row {
  const two = 'skep runFrame, 2 workers';
  const twoFree = 'skep runFrame, 2 workers, no deadline';
  const oneFree = 'skep runFrame, 1 worker, no deadline';
  return {
    name,
    title: title(n),
    unit: 'ns',
    per: n,
    contenders: [
      bareKernel(n),
      { name: two, role: 'ours', make: () => sceneFrames(n, { size: 2 }) },
      { name: twoFree, role: 'ours', make: () => sceneFrames(n, { size: 2, ...FREE }) },
      { name: oneFree, role: 'ours', make: () => sceneFrames(n, { size: 1, ...FREE }) },
      { name: 'skep tick', role: 'ours', make: () => sceneFrames(n, { executor: 'local' }) },
    ],
    bars: [
      { of: two, than: 'bare kernel', atMost: 0.9 },
      { of: twoFree, than: 'bare kernel', atMost: 0.9 },
    ],
  };
}
