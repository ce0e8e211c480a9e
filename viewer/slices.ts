// SPDX-License-Identifier: MIT
// Figures of systems and threads over a range of frames, worked out in slices, so that the page
// stays quick while a million zones are read: some frames at a time, put together at the end. Runs
// do not reach beyond their frame, so that slices add up to exactly what one pass would find.

import { threadStats } from '../js/src/trace/idle.js';
import { percentile, systemStats } from '../js/src/trace/stats.js';
import type { Trace, TraceSystemStats, TraceThreadStats } from '../js/src/trace/types.js';

/** Figures of a range of frames. */
export interface RangeFigures {
  readonly first: number;
  readonly end: number;
  readonly systems: readonly TraceSystemStats[];
  readonly threads: readonly TraceThreadStats[];
}

/** Zones that one slice looks at, about. */
const SLICE = 20_000;

/** Puts figures of neighbouring ranges together. */
export function joinSystems(parts: readonly (readonly TraceSystemStats[])[]): TraceSystemStats[] {
  const bySystem = new Map<number, TraceSystemStats[]>();
  for (const part of parts) {
    for (const one of part) {
      const known = bySystem.get(one.number);
      if (known) known.push(one);
      else bySystem.set(one.number, [one]);
    }
  }
  const joined = [...bySystem.values()].map(all => (all.length === 1 ? all[0]! : joinOne(all)));
  return joined.sort((a, b) => b.totalNs - a.totalNs || a.number - b.number);
}

function joinOne(all: readonly TraceSystemStats[]): TraceSystemStats {
  const sum = (of: (one: TraceSystemStats) => number): number =>
    all.reduce((total, one) => total + of(one), 0);
  const runs = new Float64Array(sum(one => one.runsNs.length));
  let at = 0;
  for (const { runsNs } of all) {
    runs.set(runsNs, at);
    at += runsNs.length;
  }
  const sorted = runs.slice().sort();
  const threads = Math.max(...all.map(one => one.byThread.length));
  return {
    ...all[0]!,
    runs: sum(one => one.runs),
    blocks: sum(one => one.blocks),
    totalNs: sum(one => one.totalNs),
    selfNs: sum(one => one.selfNs),
    p50Ns: percentile(sorted, 50),
    p95Ns: percentile(sorted, 95),
    p99Ns: percentile(sorted, 99),
    maxNs: sorted.at(-1) ?? 0,
    longest: all.reduce((most, one) => (one.longest.ns > most.longest.ns ? one : most)).longest,
    byThread: Array.from({ length: threads }, (_, i) => sum(one => one.byThread[i] ?? 0)),
    copied: sum(one => one.copied),
    runsNs: runs,
  };
}

/** Puts threads of neighbouring ranges together; `frameNs` is the time of all frames. */
export function joinThreads(
  parts: readonly (readonly TraceThreadStats[])[],
  frameNs: number,
): TraceThreadStats[] {
  const [first = []] = parts;
  return first.map((thread, i) => {
    const all = parts.map(part => part[i]!);
    const busyNs = all.reduce((sum, one) => sum + one.busyNs, 0);
    const idleNs = thread.idleNs.map((_, reason) =>
      all.reduce((sum, one) => sum + (one.idleNs[reason] ?? 0), 0),
    );
    return { ...thread, busyNs, idleNs, utilisation: frameNs ? busyNs / frameNs : 0 };
  });
}

/** Works out one range after the other; a later one stops the one before. */
export class Slices {
  readonly #done: (figures: RangeFigures) => void;
  #turn = 0;

  constructor(done: (figures: RangeFigures) => void) {
    this.#done = done;
  }

  stop(): void {
    this.#turn++;
  }

  /** Works out the frames from `first` to before `end`. */
  start(trace: Trace, first: number, end: number): void {
    const turn = ++this.#turn;
    const { frames } = trace;
    const zones = trace.rows.reduce((sum, row) => sum + row.count, 0);
    const step = Math.max(1, Math.round((SLICE * frames.length) / Math.max(1, zones)));
    const systems: TraceSystemStats[][] = [];
    const threads: TraceThreadStats[][] = [];
    let at = first;
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      if (turn !== this.#turn) return channel.port1.close();
      const until = Math.min(end, at + step);
      systems.push(systemStats(trace, at, until));
      threads.push(threadStats(trace, at, until));
      at = until;
      if (at < end) return void channel.port2.postMessage(0);
      channel.port1.close();
      let frameNs = 0;
      for (let i = first; i < end; i++) frameNs += frames[i]!.end - frames[i]!.begin;
      const joined = { systems: joinSystems(systems), threads: joinThreads(threads, frameNs) };
      this.#done({ first, end, ...joined });
    };
    channel.port2.postMessage(0);
  }
}
