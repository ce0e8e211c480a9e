// SPDX-License-Identifier: MIT
// What the other modules look up in a trace, found once and kept: names of systems, the sections in
// which tasks run beside one another, and which zones are work in which section.

import { KIND, KIND_TEXT } from './kinds.js';
import type { Trace, TraceFrame, TraceRow, TraceSpan } from './types.js';

/** The sections that begin in frames, in order. One ends where the next begins, if not before. */
export interface Sections {
  readonly count: number;
  readonly begin: Float64Array;
  readonly end: Float64Array;
  /** The TASKS zone in the caller's row. */
  readonly zone: Int32Array;
  /** The first section of each frame, and one more. */
  readonly ofFrame: Int32Array;
  /** By thread. */
  readonly works: readonly Works[];
}

/** A thread's work: zones of its row, by beginning, section by section. */
export interface Works {
  readonly zone: Int32Array;
  /** Where each section begins in `zone`, and one more. */
  readonly from: Int32Array;
  /** RESPAWN zones of the row. */
  readonly away: readonly number[];
}

interface Known {
  readonly names: Map<number, string>;
  /** By batch: that of its first system. */
  readonly stages: Map<number, string>;
  sections?: Sections;
}

const known = new WeakMap<Trace, Known>();

function knownOf(trace: Trace): Known {
  let found = known.get(trace);
  if (found === undefined) {
    found = { names: new Map(trace.systems.map(s => [s.number, s.name])), stages: new Map() };
    for (const { batch, stage } of trace.systems) {
      if (!found.stages.has(batch)) found.stages.set(batch, stage);
    }
    known.set(trace, found);
  }
  return found;
}

/**
 * The name of a system by its number in records; `system N` where the plan has it no more. O(1).
 */
export function systemName(trace: Trace, number: number): string {
  return knownOf(trace).names.get(number) ?? `system ${number}`;
}

/** Whether zones of a kind are a system's, whose number is in their payload's lowest 16 bits. */
export function isOfSystem(kind: number): boolean {
  return kind === KIND.BLOCK || kind === KIND.SYSTEM || kind === KIND.RUN || kind === KIND.LOST;
}

/** What a zone is called: its system's name, the host's, or its kind's. O(1). */
export function zoneName(trace: Trace, row: TraceRow, zone: number): string {
  const kind = row.kind[zone]!;
  const number = row.low[zone]! & 65535;
  if (isOfSystem(kind)) return systemName(trace, number);
  const named = kind === KIND.HOST ? trace.names.get(number) : undefined;
  return named || KIND_TEXT[kind]!;
}

/** The first index whose value is not below `value`, in rising values. */
export function lowerBound(values: Float64Array, value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first index whose value is above `value`, in rising values. */
export function upperBound(values: Float64Array, value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The zones of a row that begin in a frame: the first, and one behind the last. A frame holds its
 * end, unless another one begins there. O(log zones).
 */
export function zonesIn(trace: Trace, row: TraceRow, frame: TraceFrame): [number, number] {
  const next = trace.frames[frame.index + 1]?.begin ?? Infinity;
  const stop = next <= frame.end ? lowerBound(row.begin, next) : upperBound(row.begin, frame.end);
  return [Math.min(stop, lowerBound(row.begin, frame.begin)), stop];
}

/** One behind the last zone that lies in another one. O(zones in it). */
export function insideEnd(row: TraceRow, outer: number): number {
  let end = outer + 1;
  while (end < row.count && row.parent[end]! >= outer) end++;
  return end;
}

/** Whether a zone lies in another one of its row, at any depth. */
export function isInside(row: TraceRow, zone: number, outer: number): boolean {
  let at = zone;
  while (at > outer) at = row.parent[at]!;
  return at === outer && zone !== outer;
}

/** The sections of a trace. O(zones) for the first call, O(1) from then on. */
export function sectionsOf(trace: Trace): Sections {
  const found = knownOf(trace);
  return (found.sections ??= findSections(trace));
}

/**
 * The zones of a kind among those of a row, in the order in which they ended: with a coarse clock
 * several may begin at one moment. O(stop - from).
 */
export function ofKind(row: TraceRow, from: number, stop: number, kind: number): number[] {
  const { begin, end } = row;
  const found: number[] = [];
  for (let i = from; i < stop; i++) if (row.kind[i] === kind) found.push(i);
  return found.sort((a, b) => begin[a]! - begin[b]! || end[a]! - end[b]! || b - a);
}

function findSections(trace: Trace): Sections {
  const row = trace.rows[0]!;
  const zone: number[] = [];
  const ofFrame = new Int32Array(trace.frames.length + 1);
  for (const frame of trace.frames) {
    ofFrame[frame.index] = zone.length;
    const [from, stop] = zonesIn(trace, row, frame);
    for (const i of ofKind(row, from, stop, KIND.TASKS)) zone.push(i);
  }
  ofFrame[trace.frames.length] = zone.length;
  const begin = Float64Array.from(zone, i => row.begin[i]!);
  const end = Float64Array.from(zone, (i, s) => Math.min(row.end[i]!, begin[s + 1] ?? Infinity));
  const sections = { count: zone.length, begin, end, zone: Int32Array.from(zone), ofFrame };
  return { ...sections, works: trace.rows.map(one => findWorks(one, sections)) };
}

function findWorks(row: TraceRow, sections: Omit<Sections, 'works'>): Works {
  const { kind, begin, count, thread } = row;
  const zone = new Int32Array(count);
  const from = new Int32Array(sections.count + 1);
  const away: number[] = [];
  let n = 0;
  let s = -1;
  for (let i = 0; i < count; i++) {
    const k = kind[i];
    if (k === KIND.RESPAWN) away.push(i);
    if (k !== KIND.BLOCK && k !== KIND.LOST && (k !== KIND.RUN || thread !== 0)) continue;
    const at = begin[i]!;
    while (s + 1 < sections.count && sections.begin[s + 1]! <= at) from[++s] = n;
    if (s >= 0 && at <= sections.end[s]!) zone[n++] = i;
  }
  while (s < sections.count) from[++s] = n;
  return { zone: zone.slice(0, n), from, away };
}

/** The section of a frame that a moment lies in, or -1. O(log sections). */
export function sectionAt(trace: Trace, at: number): number {
  const { begin, end } = sectionsOf(trace);
  const s = upperBound(begin, at) - 1;
  return s >= 0 && at <= end[s]! ? s : -1;
}

/** The frame that a moment lies in, or -1. O(log frames). */
export function frameAt(trace: Trace, at: number): number {
  const { frames } = trace;
  let low = 0;
  let high = frames.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (frames[middle]!.begin <= at) low = middle + 1;
    else high = middle;
  }
  return low > 0 && at <= frames[low - 1]!.end ? low - 1 : -1;
}

/**
 * How long a task waited: from the beginning of its section to its own; NaN for zones that are not
 * in one. O(log sections).
 */
export function queueWait(trace: Trace, thread: number, zone: number): number {
  const at = trace.rows[thread]!.begin[zone]!;
  const section = sectionAt(trace, at);
  return section < 0 ? NaN : at - sectionsOf(trace).begin[section]!;
}

/**
 * The batches of a frame: from the end of one commit to that of the next. O(zones of the frame).
 */
export function batches(trace: Trace, frame: TraceFrame): TraceSpan[] {
  const row = trace.rows[0]!;
  const found: TraceSpan[] = [];
  let begin = frame.begin;
  const [from, stop] = zonesIn(trace, row, frame);
  for (const i of ofKind(row, from, stop, KIND.COMMIT)) {
    const end = row.end[i]!;
    const batch = row.low[i]!;
    found.push({ name: `batch ${batch}`, batch, begin: Math.min(begin, end), end });
    begin = end;
  }
  return found;
}

/**
 * The stages of a frame: neighbouring batches of one stage; `batch` is the first one's. Batches
 * that the plan has no more have none. O(zones of the frame + systems).
 */
export function stages(trace: Trace, frame: TraceFrame): TraceSpan[] {
  const stageOf = knownOf(trace).stages;
  const found: TraceSpan[] = [];
  let open = false;
  for (const { batch, begin, end } of batches(trace, frame)) {
    const name = stageOf.get(batch);
    const last = found.at(-1);
    if (name === undefined || name === '') {
      open = false;
    } else if (open && last?.name === name) {
      found[found.length - 1] = { ...last, end };
    } else {
      found.push({ name, batch, begin, end });
      open = true;
    }
  }
  return found;
}
