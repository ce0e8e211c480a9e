// SPDX-License-Identifier: MIT
// What systems took, over a range of frames, and which frames are the worst.

import { KIND } from './kinds.js';
import { frameAt, isOfSystem, systemName, zonesIn } from './sections.js';
import type { Trace, TraceFrame, TraceRow, TraceSystemStats } from './types.js';

/** The value number ceil(p / 100 * n) of n rising values, from 1; NaN of none. O(1). */
export function percentile(rising: ArrayLike<number>, p: number): number {
  // In whole numbers: a percentile that falls on a value must not miss it by a rounding.
  const number = Math.min(rising.length, Math.max(1, Math.ceil((p * rising.length) / 100)));
  return rising[number - 1] ?? NaN;
}

/** One system's sums; `runs` and `frames` have an entry for each frame in which it ran. */
export interface SystemRuns {
  readonly number: number;
  readonly runs: number[];
  /** Index of each run's frame. */
  readonly frames: number[];
  readonly byThread: number[];
  readonly longest: { thread: number; zone: number; ns: number };
  blocks: number;
  total: number;
  self: number;
  copied: number;
}

/**
 * The runs of all systems in frames from `firstFrame` to before `endFrame`. O(zones in between).
 */
export function systemRuns(
  trace: Trace,
  firstFrame: number,
  endFrame: number,
): Map<number, SystemRuns> {
  const found = new Map<number, SystemRuns>();
  // Records have 16 bits for a system: an array finds it faster than the map.
  const byNumber: (SystemRuns | undefined)[] = [];
  const frames = trace.frames.slice(firstFrame, endFrame);
  const begin = (number: number): SystemRuns => {
    const system = newRuns(number, trace.rows.length);
    found.set(number, system);
    return (byNumber[number] = system);
  };
  for (const frame of frames) {
    for (const row of trace.rows) {
      const [from, stop] = zonesIn(trace, row, frame);
      for (let i = from; i < stop; i++) {
        if (!isOfSystem(row.kind[i]!)) continue;
        const number = row.low[i]! & 65535;
        addZone(byNumber[number] ?? begin(number), row, i, frame.index);
      }
    }
  }
  addCopied(trace, firstFrame, endFrame, found);
  return found;
}

function newRuns(number: number, threads: number): SystemRuns {
  return {
    number,
    runs: [],
    frames: [],
    byThread: Array<number>(threads).fill(0),
    longest: { thread: 0, zone: -1, ns: -1 },
    blocks: 0,
    total: 0,
    self: 0,
    copied: 0,
  };
}

function addZone(system: SystemRuns, row: TraceRow, zone: number, frame: number): void {
  const { runs, frames, longest } = system;
  const ns = row.end[zone]! - row.begin[zone]!;
  const kind = row.kind[zone];
  if (frames[frames.length - 1] === frame) {
    runs[runs.length - 1]! += ns;
  } else {
    frames.push(frame);
    runs.push(ns);
  }
  system.byThread[row.thread]! += ns;
  system.total += ns;
  system.self += row.self[zone]!;
  if (kind === KIND.LOST) system.blocks++;
  else if (kind !== KIND.RUN) system.blocks += row.low[zone]! >>> 16;
  // Of equal ones the first counts, by thread and then by beginning.
  if (ns < longest.ns || (ns === longest.ns && row.thread >= longest.thread)) return;
  longest.ns = ns;
  longest.thread = row.thread;
  longest.zone = zone;
}

function addCopied(
  trace: Trace,
  firstFrame: number,
  endFrame: number,
  found: ReadonlyMap<number, SystemRuns>,
): void {
  for (const mark of trace.marks) {
    if (mark.kind !== KIND.COPIED) continue;
    const frame = frameAt(trace, mark.at);
    if (frame < firstFrame || frame >= endFrame) continue;
    const system = found.get(mark.low & 65535);
    if (system !== undefined) system.copied += mark.high;
  }
}

/**
 * What is told of each system that ran in the frames from `firstFrame` to before `endFrame`; that
 * with the most time first. O(zones in between).
 */
export function systemStats(
  trace: Trace,
  firstFrame: number,
  endFrame: number,
): TraceSystemStats[] {
  return [...systemRuns(trace, firstFrame, endFrame).values()]
    .sort((a, b) => b.total - a.total || a.number - b.number)
    .map(system => {
      const runsNs = Float64Array.from(system.runs);
      const rising = runsNs.slice().sort();
      return {
        system: systemName(trace, system.number),
        number: system.number,
        runs: runsNs.length,
        blocks: system.blocks,
        totalNs: system.total,
        selfNs: system.self,
        p50Ns: percentile(rising, 50),
        p95Ns: percentile(rising, 95),
        p99Ns: percentile(rising, 99),
        maxNs: rising[rising.length - 1]!,
        longest: system.longest,
        byThread: system.byThread,
        copied: system.copied,
        runsNs,
      };
    });
}

/** The frames that took longest, longest first, the earlier of two equal ones first. */
export function worstFrames(trace: Trace, count: number): TraceFrame[] {
  const longer = (a: TraceFrame, b: TraceFrame): number =>
    b.end - b.begin - (a.end - a.begin) || a.index - b.index;
  return [...trace.frames].sort(longer).slice(0, Math.max(0, count));
}

/** Frames over the budget, or the slowest 1% where there is none; in the order of worst frames. */
export function slowFrames(trace: Trace): TraceFrame[] {
  const { budgetNs, frames } = trace;
  if (budgetNs === 0) return worstFrames(trace, Math.max(1, Math.floor(frames.length / 100)));
  return worstFrames(trace, frames.length).filter(({ begin, end }) => end - begin > budgetNs);
}
