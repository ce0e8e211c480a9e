// SPDX-License-Identifier: MIT
// The design notes' own frame against ours: `pos += vel * dt` for 1,000, 10,000 and 100,000
// entities as a job that is offloaded. Beside it the same frame in process, and a typed loop.

import { DT, checkMoved, makeColumns } from '../movers.ts';
import { makeObjectFrame } from '../notes/frame.ts';
import { InProcessPool, ThreadPool } from '../notes/pool.ts';
import type { Contender, Row } from '../row.ts';

export function threads(n: number): Contender {
  return {
    name: 'notes', role: 'peer',
    make: () => {
      const { scheduler, at } = makeObjectFrame(n, new ThreadPool());
      let time = 0;
      return {
        run: () => scheduler.runFrame(DT, (time += DT)),
        check: (runs) => checkMoved(n, runs, at),
        close: () => scheduler.close(),
      };
    },
  };
}

function inProcess(n: number): Contender {
  return {
    name: 'notes in process', role: 'peer',
    make: () => {
      const { scheduler, at } = makeObjectFrame(n, new InProcessPool());
      let time = 0;
      return {
        run: () => scheduler.runFrame(DT, (time += DT)),
        check: (runs) => checkMoved(n, runs, at),
      };
    },
  };
}

export function typedLoop(n: number): Contender {
  return {
    name: 'typed arrays', role: 'limit',
    make: () => {
      const { px, py, vx, vy } = makeColumns(n);
      return {
        run() {
          for (let i = 0; i < n; i++) {
            px[i]! += vx[i]! * DT;
            py[i]! += vy[i]! * DT;
          }
        },
        check: (runs) => checkMoved(n, runs, (i) => ({ x: px[i]!, y: py[i]! })),
      };
    },
  };
}

export function notesRow(n: number): Row {
  return {
    name: `notes-${n / 1000}k`,
    title: `the design notes' frame, ${n.toLocaleString('en-US')} entities`,
    unit: 'us',
    contenders: [typedLoop(n), threads(n), inProcess(n)],
    bars: [],
  };
}
