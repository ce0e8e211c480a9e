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

function typedLoop(n: number): Contender {
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

const jsJob = (n: number): Contender => (
  { name: 'skep JS job', role: 'ours', make: () => jobFrames(n, move) });

const jsOnce = (n: number): Contender => (
  { name: 'skep JS job, called once', role: 'ours', make: () => jobFrames(n, moveOnce) });

const cJob = (n: number): Contender => (
  { name: 'skep C job', role: 'ours', make: () => sceneFrames(n) });

/** `js` and `c`: how many times as fast as the notes our jobs have to be. */
export function notesRow(n: number, js: number, c: number): Row {
  return {
    name: `notes-${n / 1000}k`,
    title: `the design notes' frame, ${n.toLocaleString('en-US')} entities`,
    unit: 'us',
    contenders: [typedLoop(n), jsJob(n), jsOnce(n), cJob(n), threads(n), inProcess(n)],
    bars: [
      { of: 'skep JS job', than: 'notes', faster: js },
      { of: 'skep C job', than: 'notes', faster: c },
    ],
  };
}

/** JS jobs against the loop that they replace. */
export function frameJs(name: string, n: number): Row {
  return {
    name, title: `a frame of one JS job, ${n.toLocaleString('en-US')} entities`, unit: 'us',
    contenders: [typedLoop(n), jsJob(n), jsOnce(n)],
    bars: [
      { of: 'skep JS job', than: 'typed arrays', atMost: 1.1, plus: 5 },
      { of: 'skep JS job, called once', than: 'typed arrays', atMost: 2 },
    ],
  };
}
