// SPDX-License-Identifier: MIT
// Where rows and lanes of the Gantt lie, in pixels from the top of what can be scrolled: stages and
// batches first, then the caller, then the workers, then a small chart for each counter.

import type { TraceCounter } from '../js/src/trace/types.js';
import type { Model, ThreadLanes } from './model.ts';

/** A row of the chart. */
export interface Row {
  readonly kind: 'stage' | 'batch' | 'thread' | 'counter';
  readonly label: string;
  readonly thread: number;
  readonly top: number;
  readonly height: number;
  readonly lanes: number;
  readonly laneHeight: number;
  /** From the row's top to its first lane. */
  readonly pad: number;
  readonly of: ThreadLanes | null;
  readonly counter: TraceCounter | null;
}

/** All rows, and how high they are together. */
export interface Layout {
  readonly rows: readonly Row[];
  readonly height: number;
  /** Lanes that hold zones, spans or idle time. */
  readonly lanes: number;
}

const PAD = 5;
const SPAN_PAD = 2;
/** A name and a line below it. */
const THREAD_LEAST = 38;
const COUNTER = 34;
const COUNTER_MOST = 64;
const LANE_LEAST = 15;
const LANE_MOST = 26;
const NATURAL = 21;

function lanesOf(thread: ThreadLanes): number {
  return Math.max(1, thread.lanes.length, thread.idleLane + 1);
}

/** How high all rows are together with lanes of a height that is easy to read and to touch. */
export function naturalHeight(model: Model): number {
  return layOut(model, 0, NATURAL).height;
}

/** Lays rows out; lanes and counters are as high as lets all fit into `height`, within limits. */
export function layOut(model: Model, height: number, least = LANE_LEAST): Layout {
  const { threads, trace } = model;
  const counters = trace.counters.length;
  const lanes = threads.reduce((sum, thread) => sum + lanesOf(thread), 0);
  const spans = trace.systems.length ? 2 : 1;
  const rest = height - counters * COUNTER - 2 * PAD * threads.length - 2 * SPAN_PAD * spans;
  const fits = Math.floor(rest / (lanes + spans * 0.9));
  const laneHeight = Math.max(least, Math.min(LANE_MOST, fits));
  const spanHeight = Math.max(LANE_LEAST, Math.round(laneHeight * 0.85));

  const rows: Row[] = [];
  let top = 0;
  const add = (row: Pick<Row, 'kind' | 'label' | 'height'> & Partial<Row>): void => {
    const base = { thread: -1, lanes: 1, laneHeight, pad: PAD, of: null, counter: null };
    rows.push({ ...base, ...row, top });
    top += row.height;
  };
  const derived = {
    laneHeight: spanHeight,
    pad: SPAN_PAD,
    height: spanHeight + 2 * SPAN_PAD,
  };
  if (spans === 2) add({ kind: 'stage', label: 'Stages', ...derived });
  add({ kind: 'batch', label: 'Batches', ...derived });
  for (const of of threads) {
    const { name, thread } = of.row;
    const own = lanesOf(of) * laneHeight + 2 * PAD;
    const row = { thread, lanes: lanesOf(of), of, height: Math.max(THREAD_LEAST, own) };
    add({ kind: 'thread', label: name, ...row });
  }
  // What is left over goes to the counters.
  const left = counters ? Math.floor((height - top) / counters) : 0;
  const each = Math.max(COUNTER, Math.min(COUNTER_MOST, left));
  for (const counter of trace.counters) {
    add({ kind: 'counter', label: counter.name, height: each, counter });
  }
  return { rows, height: top, lanes: lanes + spans };
}
