// SPDX-License-Identifier: MIT
// Where threads idle and why, by the rules of docs/trace-format.md. What a row's zones leave free
// is cut, in this order, by frames, by the times in which the worker was not there, and by
// sections.

import { KIND, REASON } from './kinds.js';
import { lowerBound, sectionAt, sectionsOf, type Sections } from './sections.js';
import type { Trace, TraceFrame, TraceIdle, TraceRow, TraceThreadStats } from './types.js';

/** Takes one stretch of idle time. */
type Take = (begin: number, end: number, reason: number) => void;

/**
 * Where a thread idles from `begin` to `end`, in order, time between frames included. O(log zones +
 * zones in between).
 */
export function idle(trace: Trace, thread: number, begin: number, end: number): TraceIdle[] {
  const found: TraceIdle[] = [];
  walkIdle(trace, thread, begin, end, (from, to, reason) => {
    const last = found.at(-1);
    if (last?.end === from && last.reason === reason) {
      found[found.length - 1] = { ...last, end: to };
    } else {
      found.push({ thread, begin: from, end: to, reason });
    }
  });
  return found;
}

/**
 * What threads did in the frames from `firstFrame` to before `endFrame`: one entry a thread. Of the
 * time between those frames a worker's idle part is told, which is no part of the frames' time.
 * O(zones in between).
 */
export function threadStats(
  trace: Trace,
  firstFrame: number,
  endFrame: number,
): TraceThreadStats[] {
  const frames = trace.frames.slice(firstFrame, endFrame);
  const total = frames.reduce((sum, frame) => sum + (frame.end - frame.begin), 0);
  const there = trace.rows.filter(row => !row.missing);
  return there.map(({ thread, name }) => {
    const idleNs = Array<number>(1 + Math.max(...Object.values(REASON))).fill(0);
    if (frames.length > 0) {
      const take: Take = (begin, end, reason) => (idleNs[reason]! += end - begin);
      walkIdle(trace, thread, frames[0]!.begin, frames.at(-1)!.end, take);
    }
    let busyNs = total;
    for (const reason of Object.values(REASON)) {
      if (reason !== REASON.OUTSIDE) busyNs -= idleNs[reason]!;
    }
    busyNs = Math.max(0, busyNs);
    return { thread, name, busyNs, idleNs, utilisation: total > 0 ? busyNs / total : 0 };
  });
}

function walkIdle(trace: Trace, thread: number, begin: number, end: number, take: Take): void {
  const row = trace.rows[thread];
  if (row === undefined || row.missing || !(begin < end)) return;
  if (thread === 0) walkCaller(trace, row, begin, end, take);
  else walkWorker(trace, row, begin, end, take);
}

/** Up to when zones before `first`, which begin before `at`, keep a thread busy: `at` or later. */
function busyUntil(
  row: TraceRow,
  first: number,
  at: number,
  isBusy: (zone: number) => boolean,
): number {
  let until = at;
  for (let zone = first - 1; zone >= 0; zone = row.parent[zone]!) {
    if (row.end[zone]! > until && isBusy(zone)) until = row.end[zone]!;
  }
  return until;
}

function walkWorker(trace: Trace, row: TraceRow, begin: number, end: number, take: Take): void {
  const cutter = new Cutter(trace, row, begin, take);
  const isBusy = (zone: number): boolean => {
    const kind = row.kind[zone];
    return kind === KIND.BLOCK || kind === KIND.LOST || kind === KIND.HOST;
  };
  const first = lowerBound(row.begin, begin);
  let from = busyUntil(row, first, begin, isBusy);
  for (let i = first; i < row.count && row.begin[i]! < end; i++) {
    if (!isBusy(i)) continue;
    if (row.begin[i]! > from) cutter.gap(from, row.begin[i]!);
    if (row.end[i]! > from) from = row.end[i]!;
  }
  if (from < end) cutter.gap(from, end);
}

/** Cuts a worker's gaps, which come in rising order, by reason. */
class Cutter {
  readonly #frames: readonly TraceFrame[];
  readonly #sections: Sections;
  readonly #row: TraceRow;
  readonly #take: Take;
  readonly #away: readonly number[];
  #frame: number;
  #section: number;
  /** The section whose last work is known, and when that ended. */
  #measured = -1;
  #last = 0;
  #next = 0;

  constructor(trace: Trace, row: TraceRow, begin: number, take: Take) {
    this.#frames = trace.frames;
    this.#sections = sectionsOf(trace);
    this.#row = row;
    this.#take = take;
    this.#away = this.#sections.works[row.thread]!.away;
    this.#frame = firstEnding(trace.frames, begin);
    this.#section = this.#sections.ofFrame[this.#frame]!;
  }

  gap(begin: number, end: number): void {
    let at = begin;
    while (at < end) {
      while (this.#frame < this.#frames.length && this.#frames[this.#frame]!.end <= at) {
        this.#frame++;
      }
      const frame = this.#frames[this.#frame];
      if (frame === undefined || frame.begin > at) {
        const to = Math.min(end, frame?.begin ?? end);
        this.#take(at, to, REASON.OUTSIDE);
        at = to;
      } else {
        const to = Math.min(end, frame.end);
        this.#inFrame(at, to);
        at = to;
      }
    }
  }

  #inFrame(begin: number, end: number): void {
    const { begin: begins, end: ends } = this.#row;
    let at = begin;
    while (at < end) {
      while (this.#next < this.#away.length && ends[this.#away[this.#next]!]! <= at) this.#next++;
      const away = this.#away[this.#next];
      if (away !== undefined && begins[away]! <= at) {
        const to = Math.min(end, ends[away]!);
        this.#take(at, to, REASON.RESPAWN);
        at = to;
      } else {
        const to = Math.min(end, away === undefined ? end : begins[away]!);
        this.#here(at, to);
        at = to;
      }
    }
  }

  #here(begin: number, end: number): void {
    const { count, begin: begins, end: ends } = this.#sections;
    let at = begin;
    while (at < end) {
      while (this.#section < count && ends[this.#section]! <= at) this.#section++;
      const s = this.#section;
      if (s === count || begins[s]! > at) {
        const to = s === count ? end : Math.min(end, begins[s]!);
        this.#take(at, to, REASON.NOTHING);
        at = to;
      } else {
        const to = Math.min(end, ends[s]!);
        if (this.#measured !== s) this.#last = lastEnd(this.#sections, this.#row, s);
        this.#measured = s;
        if (this.#last === -Infinity) this.#take(at, to, REASON.NOTHING);
        else split(at, to, this.#last, this.#take);
        at = to;
      }
    }
  }
}

/** The first frame that ends after a moment. */
function firstEnding(frames: readonly TraceFrame[], at: number): number {
  let low = 0;
  let high = frames.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (frames[middle]!.end <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** When a thread's last work in a section ended; -Infinity where it has none. */
export function lastEnd(sections: Sections, row: TraceRow, section: number): number {
  const { zone, from } = sections.works[row.thread]!;
  let last = -Infinity;
  for (let i = from[section]!; i < from[section + 1]!; i++) {
    last = Math.max(last, row.end[zone[i]!]!);
  }
  return last;
}

/** Before the last work: queue; after it: barrier. */
function split(begin: number, end: number, last: number, take: Take): void {
  if (begin < last) take(begin, Math.min(end, last), REASON.QUEUE);
  if (last < end) take(Math.max(begin, last), end, REASON.BARRIER);
}

function walkCaller(trace: Trace, row: TraceRow, begin: number, end: number, take: Take): void {
  const sections = sectionsOf(trace);
  const isBusy = (zone: number): boolean => isCallerBusy(trace, row, zone);
  for (let s = sections.ofFrame[firstEnding(trace.frames, begin)]!; s < sections.count; s++) {
    if (sections.begin[s]! >= end) break;
    const until = Math.min(end, sections.end[s]!);
    const last = lastEnd(sections, row, s);
    const start = Math.max(begin, sections.begin[s]!);
    const first = lowerBound(row.begin, start);
    let from = busyUntil(row, first, start, isBusy);
    for (let i = first; i < row.count && row.begin[i]! < until; i++) {
      if (!isBusy(i)) continue;
      if (row.begin[i]! > from) split(from, row.begin[i]!, last, take);
      if (row.end[i]! > from) from = row.end[i]!;
    }
    if (from < until) split(from, until, last, take);
  }
}

/** Whether a zone keeps the caller from idling in a section. */
function isCallerBusy(trace: Trace, row: TraceRow, zone: number): boolean {
  switch (row.kind[zone]) {
    case KIND.BLOCK:
    case KIND.RUN:
    case KIND.WAKE:
    case KIND.VERIFY:
      return true;
    case KIND.HOST:
      // One that the host put around the whole frame says nothing of what is in it.
      return sectionAt(trace, row.begin[zone]!) >= 0;
    default:
      return false;
  }
}
