// SPDX-License-Identifier: MIT
// The trace event format (docs/trace-format.md), in pieces. Its readers want zones that nest
// strictly, so times are whole nanoseconds first: a zone that reaches beyond the one around it is
// cut, and one that begins before the one before it has ended begins later.

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

function newShown(count: number): Shown {
  return { begin: new Float64Array(count), end: new Float64Array(count) };
}

/** What is being put out: a zone of the row, or a span that was worked out. */
interface Item {
  /** Index in the row, or -1. */
  readonly zone: number;
  readonly begin: number;
  readonly end: number;
}

function* zonesOf(trace: Trace, row: TraceRow, shown: Shown): Generator<string, void, undefined> {
  const spans = row.thread === 0 ? spansOf(trace) : [];
  const labels = new Map<number, string>();
  const nest = new Nest(row);
  const tid = row.thread + 1;
  let next = 0;
  for (let i = 0; i < row.count; i++) {
    // Spans come before zones of the same beginning, but for the frame that they are in.
    while (next < spans.length && isBefore(spans[next]!, row, i)) {
      yield spanEvent(spans[next]!, nest.add(-1, spans[next]!.begin, spans[next++]!.end));
    }
    const kind = row.kind[i]!;
    const { begin, end } = nest.add(i, row.begin[i]!, row.end[i]!);
    shown.begin[i] = begin;
    shown.end[i] = end;
    const key = (kind << 16) | (row.low[i]! & 65535);
    let label = labels.get(key);
    if (label === undefined) {
      label = `"name":${JSON.stringify(zoneName(trace, row, i))},"cat":"${KIND_TEXT[kind]}"`;
      labels.set(key, label);
    }
    const times = `"ts":${micros(begin)},"dur":${micros(end - begin)}`;
    const payload = args(kind, row.low[i]!, row.high[i]!);
    yield `{"ph":"X",${label},"pid":1,"tid":${tid},${times},"args":${payload}}`;
  }
  while (next < spans.length) {
    yield spanEvent(spans[next]!, nest.add(-1, spans[next]!.begin, spans[next++]!.end));
  }
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

function isBefore(span: Derived, row: TraceRow, zone: number): boolean {
  return zone > span.frame && span.begin <= row.begin[zone]!;
}

function spanEvent(span: Derived, at: Item): string {
  const label = `"name":${JSON.stringify(span.name)},"cat":"${KIND_TEXT[span.kind]}"`;
  const times = `"ts":${micros(at.begin)},"dur":${micros(at.end - at.begin)}`;
  return `{"ph":"X",${label},"pid":1,"tid":1,${times},"args":{}}`;
}

/** Makes items nest that come in the order of their beginnings, outer before inner. */
class Nest {
  readonly #row: TraceRow;
  readonly #open: Item[] = [];
  #last = -Infinity;

  constructor(row: TraceRow) {
    this.#row = row;
  }

  add(zone: number, from: number, to: number): Item {
    const open = this.#open;
    let begin = Math.max(this.#last, Math.round(from));
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      if (top.end > begin && this.#holds(top.zone, zone)) break;
      // What only overlaps by rounding follows.
      begin = Math.max(begin, top.end);
      open.pop();
    }
    const end = Math.max(begin, Math.min(Math.round(to), open.at(-1)?.end ?? Infinity));
    const item = { zone, begin, end };
    open.push(item);
    this.#last = begin;
    return item;
  }

  /** Spans hold and are held by what they touch; zones as they nest. */
  #holds(outer: number, zone: number): boolean {
    return outer < 0 || zone < 0 || isInside(this.#row, zone, outer);
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
