// SPDX-License-Identifier: MIT
// A frame of one C job in wasm with simd, `pos += vel * dt`, against the bare wasm kernel.

import { DT, checkMoved } from '../movers.ts';
import { makeKernel } from '../kernel.ts';
import { sceneFrames } from '../ours.ts';
import type { Contender, Row } from '../row.ts';

function bareKernel(n: number): Contender {
  return {
    name: 'bare kernel', role: 'limit',
    make: () => {
      const { columns, run } = makeKernel(n);
      return {
        run: () => run(DT),
        check: (runs) => checkMoved(n, runs, (i) => ({ x: columns.px[i]!, y: columns.py[i]! })),
      };
    },
  };
}

const title = (n: number): string => (
  `a frame of one C job in wasm, ${n.toLocaleString('en-US')} entities, an entity`);

/** On the caller, synchronously, and as frames run by default. */
export function frameC(name: string, n: number): Row {
  return {
    name, title: title(n), unit: 'ns', per: n,
    contenders: [
      bareKernel(n),
      { name: 'skep tick', role: 'ours', make: () => sceneFrames(n, { executor: 'local' }) },
      { name: 'skep runFrame', role: 'ours', make: () => sceneFrames(n) },
    ],
    bars: [
      { of: 'skep tick', than: 'bare kernel', atMost: 1.25 },
      { of: 'skep runFrame', than: 'bare kernel', atMost: 1.25 },
    ],
  };
}

/** On two workers beside the caller. */
export function frameCWorkers(name: string, n: number): Row {
  return {
    name, title: title(n), unit: 'ns', per: n,
    contenders: [
      bareKernel(n),
      { name: 'skep runFrame, 2 workers', role: 'ours', make: () => sceneFrames(n, { size: 2 }) },
      { name: 'skep runFrame, 1 worker', role: 'ours', make: () => sceneFrames(n, { size: 1 }) },
      { name: 'skep tick', role: 'ours', make: () => sceneFrames(n, { executor: 'local' }) },
    ],
    bars: [{ of: 'skep runFrame, 2 workers', than: 'bare kernel', atMost: 0.9 }],
  };
}
