// SPDX-License-Identifier: MIT
// The trace event format (docs/trace-format.md), in pieces. Its readers add up `ts` and `dur` in
// double precision, some after taking away the first `ts`, and what ends at one moment then does so
// in any order: Chrome's profiler leaves such zones out, speedscope mixes them up. So no end falls
// on the nanosecond of another end or beginning: each row is laid out first, in whole nanoseconds.

import { KIND, KIND_TEXT, PAYLOAD } from './kinds.js';
import {
  batches,
  isInside,
  ofKind,
  sectionsOf,
  stages,
  zoneName,
  zonesIn,
  type Sections,
} from './sections.js';
import type { Trace, TraceFrame, TraceRow, TraceSpan } from './types.js';

/** Characters that are gathered before they are handed on. */
const PIECE = 65536;

/**
 * A trace as JSON that Perfetto, the profilers of Chrome and Firefox and speedscope read: the
 * pieces of its text, in order. O(zones).
 */
export function* traceJson(trace: Trace): Generator<string, void, undefined> {
  let piece = '{"traceEvents":[\n';
  let first = true;
  for (const event of events(trace)) {
    piece += first ? event : `,\n${event}`;
    first = false;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}\n]}\n`;
}

function* events(trace: Trace): Generator<string, void, undefined> {
  yield* names(trace);
  const shown: Shown[] = [];
  for (const row of trace.rows) {
    const zones = newShown(row.count);
    shown.push(zones);
    if (!row.missing) yield* zonesOf(trace, row, zones);
  }
  for (const { kind, at, value } of trace.counters) {
    const name = JSON.stringify(KIND_TEXT[kind]);
    for (let i = 0; i < at.length; i++) {
      const ts = micros(Math.round(at[i]!));
      yield `{"ph":"C","name":${name},"pid":1,"tid":1,"ts":${ts},"args":{"value":${value[i]}}}`;
    }
  }
  yield* arrows(trace, shown);
  for (const { thread, at, kind, low, high } of trace.marks) {
    const text = JSON.stringify(KIND_TEXT[kind]);
    const scope = kind === KIND.FAULT ? 'p' : 't';
    yield `{"ph":"i","name":${text},"cat":${text},"pid":1,"tid":${thread + 1},"ts":${micros(
      Math.round(at),
    )},"s":"${scope}","args":${args(kind, low, high)}}`;
  }
}

function* names(trace: Trace): Generator<string, void, undefined> {
  const meta = (name: string, tid: number, value: string): string =>
    `{"ph":"M","name":"${name}","pid":1,"tid":${tid},"args":{${value}}}`;
  const scene = JSON.stringify(trace.host.get('scene') || 'skep');
  yield meta('process_name', 1, `"name":${scene}`);
  for (const { thread, name, missing } of trace.rows) {
    if (missing) continue;
    yield meta('thread_name', thread + 1, `"name":${JSON.stringify(name)}`);
    yield meta('thread_sort_index', thread + 1, `"sort_index":${thread}`);
  }
}

/** Whole nanoseconds as microseconds with three decimals. */
function micros(ns: number): string {
  const whole = Math.abs(ns);
  const rest = whole % 1000;
  const text = `${(whole - rest) / 1000}.${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}`;
  return ns < 0 ? `-${text}` : text;
}

/** A payload by its names. */
function args(kind: number, low: number, high: number): string {
  let text = '';
  for (const { name, shift, bits } of PAYLOAD[kind]!) {
    let value: number;
    if (bits === 64) value = low + high * 4294967296;
    else if (bits === 32) value = shift === 0 ? low : high;
    else value = ((shift < 32 ? low : high) >>> (shift % 32)) & (2 ** bits - 1);
    text += `${text === '' ? '' : ','}"${name}":${value}`;
  }
  return `{${text}}`;
}

/** Where zones of a row begin and end in the JSON, in whole nanoseconds. */
interface Shown {
  readonly begin: Float64Array;
  readonly end: Float64Array;
}

function* zonesOf(trace: Trace, row: TraceRow, shown: Shown): Generator<string, void, undefined> {
  const spans = row.thread === 0 ? spansOf(trace) : [];
  const laid: Shown = newShown(spans.length);
  const order = layOut(row, shown, spans, laid);
  const labels = new Map<number, string>();
  const tid = row.thread + 1;
  for (const i of order) {
    if (i < 0) {
      yield spanEvent(spans[~i]!, laid.begin[~i]!, laid.end[~i]!);
      continue;
    }
    const kind = row.kind[i]!;
    const key = (kind << 16) | (row.low[i]! & 65535);
    let label = labels.get(key);
    if (label === undefined) {
      label = `"name":${JSON.stringify(zoneName(trace, row, i))},"cat":"${KIND_TEXT[kind]}"`;
      labels.set(key, label);
    }
    const begin = shown.begin[i]!;
    const times = `"ts":${micros(begin)},"dur":${micros(shown.end[i]! - begin)}`;
    const payload = args(kind, row.low[i]!, row.high[i]!);
    yield `{"ph":"X",${label},"pid":1,"tid":${tid},${times},"args":${payload}}`;
  }
}

function newShown(count: number): Shown {
  return { begin: new Float64Array(count), end: new Float64Array(count) };
}

interface Derived extends TraceSpan {
  readonly kind: number;
  /** The FRAME zone that it is in. */
  readonly frame: number;
}

/** Stages and batches of all frames, in order. */
function spansOf(trace: Trace): Derived[] {
  const found: Derived[] = [];
  for (const frame of trace.frames) {
    const inFrame = (kind: number) => (span: TraceSpan) => ({ ...span, kind, frame: frame.zone });
    const outer = stages(trace, frame).map(inFrame(KIND.STAGE));
    let next = 0;
    for (const batch of batches(trace, frame).map(inFrame(KIND.BATCH))) {
      while (next < outer.length && outer[next]!.begin <= batch.begin) found.push(outer[next++]!);
      found.push(batch);
    }
  }
  return found;
}

function spanEvent(span: Derived, begin: number, end: number): string {
  const label = `"name":${JSON.stringify(span.name)},"cat":"${KIND_TEXT[span.kind]}"`;
  const times = `"ts":${micros(begin)},"dur":${micros(end - begin)}`;
  return `{"ph":"X",${label},"pid":1,"tid":1,${times},"args":{}}`;
}

/**
 * Says when zones and spans of a row begin and end, and returns them in order: indices of zones,
 * and of spans as their complement. Spans come before zones of the same beginning, but for their
 * frame.
 */
function layOut(row: TraceRow, zones: Shown, spans: readonly Derived[], laid: Shown): Int32Array {
  const order = new Int32Array(row.count + spans.length);
  const nest = new Nest(row);
  let next = 0;
  for (let i = 0; i <= row.count; i++) {
    for (; next < spans.length; next++) {
      const { begin, end, frame } = spans[next]!;
      if (i < row.count && (i <= frame || begin > row.begin[i]!)) break;
      order[i + next] = ~next;
      nest.add(-1, begin, end, laid, next);
    }
    if (i === row.count) break;
    order[i + next] = i;
    nest.add(i, row.begin[i]!, row.end[i]!, zones, i);
  }
  nest.close();
  return order;
}

/** A zone or span that may hold others. */
interface Open {
  /** Index in the row, or -1. */
  readonly zone: number;
  readonly begin: number;
  end: number;
  /** Where it ends but for what is moved here: what begins behind that is not in it. */
  readonly roof: number;
  /** The end of the last one in it. */
  last: number;
  readonly shown: Shown;
  readonly at: number;
}

/** Makes zones and spans nest that come in the order of their beginnings, outer before inner. */
class Nest {
  readonly #row: TraceRow;
  readonly #open: Open[] = [];
  /** The end of the last one that is in none. */
  #last = -Infinity;

  constructor(row: TraceRow) {
    this.#row = row;
  }

  add(zone: number, from: number, to: number, shown: Shown, at: number): void {
    const first = Math.round(from);
    const last = Math.round(to);
    let outer = this.#open.at(-1);
    while (outer !== undefined && !this.#holds(outer, zone, first)) outer = this.#pop();
    const before = outer === undefined ? this.#last : outer.last;
    const begin = Math.max(first, outer?.begin ?? first, before + 1);
    const end = Math.max(begin + 1, Math.min(last, (outer?.end ?? Infinity) - 1));
    const roof = Math.min(last, outer?.roof ?? Infinity);
    shown.begin[at] = begin;
    this.#open.push({ zone, begin, end, roof, last: -Infinity, shown, at });
  }

  /** Zones hold what is inside of them, spans what they touch. */
  #holds(outer: Open, zone: number, begin: number): boolean {
    if (begin > outer.roof) return false;
    if (outer.zone < 0 || zone < 0) return begin < outer.roof;
    return isInside(this.#row, zone, outer.zone);
  }

  /** Ends the innermost one, and returns the one around it. */
  #pop(): Open | undefined {
    const { end, last, shown, at } = this.#open.pop()!;
    const outer = this.#open.at(-1);
    shown.end[at] = Math.max(end, last + 1);
    if (outer === undefined) this.#last = shown.end[at]!;
    else outer.last = shown.end[at]!;
    return outer;
  }

  close(): void {
    while (this.#open.length > 0) this.#pop();
  }
}

/* Arrows. */

/** From the caller to workers and back: who was woken, whose work the commit waited for. */
function* arrows(trace: Trace, shown: readonly Shown[]): Generator<string, void, undefined> {
  const sections = sectionsOf(trace);
  const { begin } = trace.rows[0]!;
  let id = 0;
  for (const frame of trace.frames) {
    const commits = commitsOf(trace, frame);
    let next = 0;
    for (let s = sections.ofFrame[frame.index]!; s < sections.ofFrame[frame.index + 1]!; s++) {
      const from = dispatcher(trace, sections, s);
      while (next < commits.length && begin[commits[next]!]! < sections.end[s]!) next++;
      const to = commits[next] ?? -1;
      for (const row of trace.rows) {
        const works = worksOf(sections, row, s);
        if (works === null) continue;
        const zones = shown[row.thread]!;
        const tid = row.thread + 1;
        const begun = zones.begin[works.first]!;
        const out = Math.min(shown[0]!.begin[from]!, begun);
        yield* arrow('dispatch', ++id, { tid: 1, ts: out }, { tid, ts: begun });
        if (to < 0) continue;
        const arrives = shown[0]!.begin[to]!;
        const ended = Math.max(zones.begin[works.last]!, zones.end[works.last]! - 1);
        const back = Math.min(arrives, ended);
        yield* arrow('result', ++id, { tid, ts: back }, { tid: 1, ts: arrives });
      }
    }
  }
}

interface End {
  readonly tid: number;
  readonly ts: number;
}

function* arrow(name: string, id: number, from: End, to: End): Generator<string> {
  const common = `"name":"${name}","cat":"flow","id":${id},"pid":1`;
  yield `{"ph":"s",${common},"tid":${from.tid},"ts":${micros(from.ts)}}`;
  yield `{"ph":"f","bp":"e",${common},"tid":${to.tid},"ts":${micros(to.ts)}}`;
}

/** The zone from which a section's tasks went out: its WAKE, else its own. */
function dispatcher(trace: Trace, sections: Sections, s: number): number {
  const row = trace.rows[0]!;
  const tasks = sections.zone[s]!;
  const stop = Math.min(row.count, sections.zone[s + 1] ?? Infinity);
  for (let i = tasks + 1; i < stop && row.begin[i]! <= sections.end[s]!; i++) {
    if (row.kind[i] === KIND.WAKE) return i;
  }
  return tasks;
}

function commitsOf(trace: Trace, frame: TraceFrame): number[] {
  const row = trace.rows[0]!;
  return ofKind(row, ...zonesIn(trace, row, frame), KIND.COMMIT);
}

/** A worker's first work in a section, and that which ended last; null for none. */
function worksOf(
  sections: Sections,
  row: TraceRow,
  s: number,
): { first: number; last: number } | null {
  if (row.thread === 0) return null;
  const { zone, from } = sections.works[row.thread]!;
  const first = from[s]!;
  if (first === from[s + 1]) return null;
  let last = zone[first]!;
  for (let i = first; i < from[s + 1]!; i++) {
    if (row.end[zone[i]!]! >= row.end[last]!) last = zone[i]!;
  }
  return { first: zone[first]!, last };
}
