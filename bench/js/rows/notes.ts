// SPDX-License-Identifier: MIT
// The design notes' own frame against ours: `pos += vel * dt` for 1,000, 10,000 and 100,000
// entities as a job that is offloaded. Beside it the same frame in process, and a typed loop.

import { DT, checkMoved, makeColumns } from '../movers.ts';
import move from '../jobs/move.ts';
import moveOnce from '../jobs/move_once.ts';
import { makeObjectFrame } from '../notes/frame.ts';
import { InProcessPool, ThreadPool } from '../notes/pool.ts';
import { jobFrames, sceneFrames } from '../ours.ts';
import type { Contender, Row } from '../row.ts';

function threads(n: number): Contender {
  return {
    name: 'notes',
    role: 'peer',
    make: () => {
      const { scheduler, at } = makeObjectFrame(n, new ThreadPool());
      let time = 0;
      return {
        run: () => scheduler.runFrame(DT, (time += DT)),
        check: runs => checkMoved(n, runs, at),
        close: () => scheduler.close(),
      };
    },
  };
}

function inProcess(n: number): Contender {
  return {
    name: 'notes in process',
    role: 'peer',
    make: () => {
      const { scheduler, at } = makeObjectFrame(n, new InProcessPool());
      let time = 0;
      return {
        run: () => scheduler.runFrame(DT, (time += DT)),
        check: runs => checkMoved(n, runs, at),
      };
    },
  };
}

function typedLoop(n: number): Contender {
  return {
    name: 'typed arrays',
    role: 'limit',
    make: () => {
      const { px, py, vx, vy } = makeColumns(n);
      return {
        run() {
          for (let i = 0; i < n; i++) {
            px[i]! += vx[i]! * DT;
            py[i]! += vy[i]! * DT;
          }
        },
        check: runs => checkMoved(n, runs, i => ({ x: px[i]!, y: py[i]! })),
      };
    },
  };
}

/** Our contenders, as they are by default and with `deadlineMs: 0`, which lets the caller take
 * part: only a worker can be ended. */
const JS = 'skep JS job';
const JS_FREE = 'skep JS job, no deadline';
const ONCE = 'skep JS job, called once';
const C = 'skep C job';
const C_FREE = 'skep C job, no deadline';
const FREE = { deadlineMs: 0 };

const jsJobs = (n: number): Contender[] => [
  { name: JS, role: 'ours', make: () => jobFrames(n, move) },
  { name: JS_FREE, role: 'ours', make: () => jobFrames(n, move, FREE) },
  { name: ONCE, role: 'ours', make: () => jobFrames(n, moveOnce) },
];

const cJobs = (n: number): Contender[] => [
  { name: C, role: 'ours', make: () => sceneFrames(n) },
  { name: C_FREE, role: 'ours', make: () => sceneFrames(n, FREE) },
];

/** `js` and `c`: how many times as fast as the notes our jobs have to be. */
export function notesRow(n: number, js: number, c: number): Row {
  return {
    name: `notes-${n / 1000}k`,
    title: `the design notes' frame, ${n.toLocaleString('en-US')} entities`,
    unit: 'us',
    contenders: [typedLoop(n), ...jsJobs(n), ...cJobs(n), threads(n), inProcess(n)],
    bars: [
      { of: JS, than: 'notes', faster: js },
      { of: JS_FREE, than: 'notes', faster: js },
      { of: C, than: 'notes', faster: c },
      { of: C_FREE, than: 'notes', faster: c },
    ],
  };
}

/** JS jobs against the loop that they replace. */
export function frameJs(name: string, n: number): Row {
  return {
    name,
    title: `a frame of one JS job, ${n.toLocaleString('en-US')} entities`,
    unit: 'us',
    contenders: [typedLoop(n), ...jsJobs(n)],
    bars: [
      { of: JS, than: 'typed arrays', atMost: 1.1, plus: 5 },
      { of: JS_FREE, than: 'typed arrays', atMost: 1.1, plus: 5 },
      { of: ONCE, than: 'typed arrays', atMost: 2 },
    ],
  };
}
