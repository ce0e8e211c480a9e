// SPDX-License-Identifier: MIT
// A frame of one C job in wasm with simd, `pos += vel * dt`, against the bare wasm kernel.

import { DT, checkMoved } from '../movers.ts';
import { makeKernel } from '../kernel.ts';
import type { Contender, Row } from '../row.ts';

export function bareKernel(n: number): Contender {
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

export function frameC(name: string, n: number): Row {
  return {
    name, title: `a frame of one C job in wasm, ${n.toLocaleString('en-US')} entities, an entity`,
    unit: 'ns', per: n,
    contenders: [bareKernel(n)],
    bars: [],
  };
}
