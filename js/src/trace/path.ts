// SPDX-License-Identifier: MIT
// The critical path of a frame, and how much shorter it would be without each system, or with its
// work spread over all threads. Both by the rules of docs/trace-format.md.

import { lastEnd } from './idle.js';
import { KIND } from './kinds.js';
import {
  insideEnd,
  isOfSystem,
  sectionAt,
  sectionsOf,
  systemName,
  zoneName,
  zonesIn,
  type Sections,
} from './sections.js';
import type { Trace, TraceFrame, TraceHelp, TraceRow, TraceSegment } from './types.js';

/** A stretch of the caller's time and the innermost zone there. */
interface Piece {
  readonly zone: number;
  readonly begin: number;
  readonly end: number;
}

/**
 * What would have to get shorter for the frame to get shorter: segments that follow one another
 * from its beginning to its end without gap. O(zones of the frame).
 */
export function criticalPath(trace: Trace, frame: TraceFrame): TraceSegment[] {
  const walk = new Walk(trace, frame);
  const sections = sectionsOf(trace);
  const first = sections.ofFrame[frame.index]!;
  for (let s = sections.ofFrame[frame.index + 1]! - 1; s >= first; s--) {
    walk.alone(sections.end[s]!);
    walk.section(s);
  }
  walk.alone(frame.begin);
  return walk.found.reverse();
}

/** Goes back in time from a frame's end. */
class Walk {
  readonly found: TraceSegment[] = [];
  readonly #trace: Trace;
  readonly #sections: Sections;
  /** Of the whole frame, in order; those from #next on lie in what has been walked. */
  readonly #pieces: readonly Piece[];
  #next: number;
  #at: number;

  constructor(trace: Trace, frame: TraceFrame) {
    this.#trace = trace;
    this.#sections = sectionsOf(trace);
    this.#pieces = innermost(trace.rows[0]!, frame);
    this.#next = this.#pieces.length;
    this.#at = frame.end;
  }

  /** Back to a moment, as one segment. */
  #to(begin: number, thread: number, zone: number, what: string): void {
    if (begin >= this.#at) return;
    const last = this.found.at(-1);
    if (last?.thread === thread && last.zone === zone && last.what === what) {
      this.found[this.found.length - 1] = { ...last, begin };
    } else {
      this.found.push({ thread, zone, what, begin, end: this.#at });
    }
    this.#at = begin;
  }

  /** Back to a moment on the caller, by its innermost zones; `section` is a TASKS zone. */
  alone(begin: number, section = -1): void {
    const row = this.#trace.rows[0]!;
    const end = section < 0 ? row.count : insideEnd(row, section);
    while (begin < this.#at) {
      while (this.#pieces[this.#next - 1]!.begin >= this.#at) this.#next--;
      const piece = this.#pieces[this.#next - 1]!;
      const from = Math.max(begin, piece.begin);
      if (piece.zone <= section || piece.zone >= end) this.#to(from, 0, -1, 'claim');
      else this.#to(from, 0, piece.zone, zoneName(this.#trace, row, piece.zone));
    }
  }

  /** Back from a section's end to its beginning. */
  section(s: number): void {
    const { begin, zone } = this.#sections;
    let thread = -1;
    let last = -Infinity;
    for (const row of this.#trace.rows) {
      const end = lastEnd(this.#sections, row, s);
      if (end <= last) continue;
      last = end;
      thread = row.thread;
    }
    if (thread < 0) {
      this.alone(begin[s]!);
      return;
    }
    this.#to(last, 0, -1, 'join');
    if (thread === 0) this.alone(begin[s]!, zone[s]!);
    else this.#worker(s, thread, last);
  }

  #worker(s: number, thread: number, last: number): void {
    const row = this.#trace.rows[thread]!;
    const { zone, from } = this.#sections.works[thread]!;
    const begin = this.#sections.begin[s]!;
    let i = from[s + 1]! - 1;
    while (row.end[zone[i]!]! < last) i--;
    for (; i >= from[s]!; i--) {
      const work = zone[i]!;
      this.#to(row.end[work]!, thread, -1, 'claim');
      this.#to(row.begin[work]!, thread, work, zoneName(this.#trace, row, work));
    }
    this.#to(begin, thread, -1, 'wake');
  }
}

/** A frame's time on the caller, cut by the innermost zones; what is inside of work is left out. */
function innermost(row: TraceRow, frame: TraceFrame): Piece[] {
  const pieces: Piece[] = [];
  const open = [frame.zone];
  let at = frame.begin;
  const to = (zone: number, end: number): void => {
    if (end <= at) return;
    pieces.push({ zone, begin: at, end });
    at = end;
  };
  const close = (until: number): void => {
    while (open.length > 1 && row.end[open.at(-1)!]! <= until) {
      const zone = open.pop()!;
      to(zone, Math.min(row.end[zone]!, frame.end));
    }
  };
  // The work that a zone is in, itself included, or -1.
  const work = [-1];
  for (let i = frame.zone + 1; i < row.count && row.begin[i]! < frame.end; i++) {
    const outer = work[row.parent[i]! - frame.zone] ?? -1;
    const kind = row.kind[i];
    work.push(outer < 0 && (kind === KIND.BLOCK || kind === KIND.RUN) ? i : outer);
    if (outer >= 0) continue;
    close(row.begin[i]!);
    to(open.at(-1)!, row.begin[i]!);
    open.push(i);
  }
  close(frame.end);
  while (open.length > 0) to(open.pop()!, frame.end);
  return pieces;
}

/**
 * For each system of a frame, how much shorter the frame would be if it took no time, and if its
 * work were spread evenly over all threads; the best split first. O(zones of the frame).
 */
export function whatHelps(trace: Trace, frame: TraceFrame): TraceHelp[] {
  const sections = sectionsOf(trace);
  const saved = new Map<number, { without: number; split: number }>();
  const add = (number: number, without: number, split: number): void => {
    const sum = saved.get(number) ?? { without: 0, split: 0 };
    sum.without += without;
    sum.split += split;
    saved.set(number, sum);
  };
  for (let s = sections.ofFrame[frame.index]!; s < sections.ofFrame[frame.index + 1]!; s++) {
    helpInSection(trace, sections, s, add);
  }
  const threads = trace.rows.filter(row => !row.missing).length;
  for (const row of trace.rows) {
    const [from, stop] = zonesIn(trace, row, frame);
    for (let i = from; i < stop; i++) {
      const kind = row.kind[i]!;
      if (!isOfSystem(kind)) continue;
      const alone = kind === KIND.SYSTEM || kind === KIND.RUN;
      const counts = alone && sectionAt(trace, row.begin[i]!) < 0;
      const length = counts ? row.end[i]! - row.begin[i]! : 0;
      add(row.low[i]! & 65535, length, length - length / threads);
    }
  }
  return [...saved]
    .sort(([a, x], [b, y]) => y.split - x.split || a - b)
    .map(([number, { without, split }]) => ({
      system: systemName(trace, number),
      number,
      withoutNs: without,
      splitNs: split,
    }));
}

/** A section is as long as its busiest thread; what systems have to do with that. */
function helpInSection(
  trace: Trace,
  sections: Sections,
  s: number,
  add: (number: number, without: number, split: number) => void,
): void {
  const { rows } = trace;
  const load = new Float64Array(rows.length);
  /** By system: the threads that ran it, and for how long. */
  const parts = new Map<number, { thread: number; ns: number }[]>();
  for (const row of rows) {
    const { zone, from } = sections.works[row.thread]!;
    for (let i = from[s]!; i < from[s + 1]!; i++) {
      const work = zone[i]!;
      const number = row.low[work]! & 65535;
      const ns = row.end[work]! - row.begin[work]!;
      let part = parts.get(number);
      if (part === undefined) parts.set(number, (part = []));
      const last = part.at(-1);
      if (last?.thread === row.thread) last.ns += ns;
      else part.push({ thread: row.thread, ns });
      load[row.thread]! += ns;
    }
  }
  const threads = rows.filter(row => !row.missing).length;
  const busiest = [...load.keys()].sort((a, b) => load[b]! - load[a]!);
  const most = load[busiest[0]!]!;
  const spread = load.reduce((sum, one) => sum + one, 0) / threads;
  for (const [number, part] of parts) {
    const mine = new Set(part.map(({ thread }) => thread));
    const other = busiest.find(thread => !mine.has(thread));
    let rest = other === undefined ? 0 : load[other]!;
    for (const { thread, ns } of part) rest = Math.max(rest, load[thread]! - ns);
    add(number, Math.max(0, most - rest), Math.max(0, most - Math.max(rest, spread)));
  }
}

/** What to try first. */
export interface TraceAdvice extends TraceHelp {
  /** To split the system; else to make it do less. */
  readonly split: boolean;
}

/** Splits that save less of a frame are no advice. */
const WORTH_IT = 0.01;

/**
 * The first piece of advice for a frame: the system whose split saves most, or, where no split
 * saves 1% of it, the one without which it would be shortest; null where no system helps.
 * O(zones of the frame).
 */
export function firstAdvice(trace: Trace, frame: TraceFrame): TraceAdvice | null {
  const helps = whatHelps(trace, frame);
  const best = helps[0];
  if (best === undefined) return null;
  const threads = trace.rows.filter(row => !row.missing).length;
  if (threads > 1 && best.splitNs >= WORTH_IT * (frame.end - frame.begin)) {
    return { ...best, split: true };
  }
  const byNumber = [...helps].sort((a, b) => a.number - b.number);
  const shortest = byNumber.reduce((a, b) => (b.withoutNs > a.withoutNs ? b : a));
  return shortest.withoutNs > 0 ? { ...shortest, split: false } : null;
}
