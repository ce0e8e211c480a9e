// SPDX-License-Identifier: MIT
// A trace cut into what is drawn: for each thread one lane a depth, what zones are called as
// numbers, and, made when they are asked for, batches, stages and idle time of single frames.
//
// Derived spans are kept by frame. Views of very many frames do not ask for them: there they would
// be thinner than a pixel.

import { idle } from '../js/src/trace/idle.js';
import { KIND } from '../js/src/trace/kinds.js';
import { batches, frameAt, stages } from '../js/src/trace/sections.js';
import type { Trace, TraceIdle, TraceRow, TraceSpan } from '../js/src/trace/types.js';
import { slotOf, slotsOf, type Slot } from './colours.ts';
import { Names } from './names.ts';
import { Lane, Scratch } from './pyramid.ts';

/** A thread's row. */
export interface ThreadLanes {
  readonly row: TraceRow;
  readonly keys: Uint16Array;
  readonly lanes: readonly Lane[];
  /** In which lane its idle time is drawn. */
  readonly idleLane: number;
}

/** Batches, or stages, of a stretch of frames. */
export interface Derived {
  readonly lane: Lane;
  readonly spans: readonly TraceSpan[];
}

/** Zones of no length nest deep where a clock's steps are wide. What is deeper than all that has a
 * length is left out: there is nothing to see. */
function lanesOf(row: TraceRow, keys: Uint16Array): Lane[] {
  const counts = new Uint32Array(256);
  let deepest = 0;
  for (let i = 0; i < row.count; i++) {
    const depth = row.depth[i]!;
    counts[depth]!++;
    if (depth > deepest && row.end[i]! > row.begin[i]!) deepest = depth;
  }
  const sizes = [...counts.subarray(0, row.count ? deepest + 1 : 0)];
  const parts = sizes.map(size => ({
    begin: new Float64Array(size),
    end: new Float64Array(size),
    key: new Uint16Array(size),
    zone: new Int32Array(size),
    next: 0,
  }));
  for (let i = 0; i < row.count; i++) {
    const part = parts[row.depth[i]!];
    if (!part) continue;
    const at = part.next++;
    part.begin[at] = row.begin[i]!;
    part.end[at] = row.end[i]!;
    part.key[at] = keys[i]!;
    part.zone[at] = i;
  }
  return parts.map(({ begin, end, key, zone }) => new Lane(begin, end, key, zone));
}

/** Where the tasks of the caller's first section lie: what it waits for is drawn there. */
function idleLaneOf(row: TraceRow): number {
  if (row.thread !== 0) return 0;
  const at = row.kind.indexOf(KIND.TASKS);
  return at < 0 ? 0 : row.depth[at]! + 1;
}

/** What the Gantt draws of a trace. */
export class Model {
  readonly trace: Trace;
  readonly names: Names;
  readonly threads: readonly ThreadLanes[];
  readonly scratch: Scratch;
  /** Zones of each name. */
  readonly counts: Uint32Array;
  /** All zones. */
  readonly zones: number;
  /** From the first zone's beginning to the last one's end. */
  readonly begin: number;
  readonly end: number;
  #slots: Slot[] | null = null;
  readonly #idle = new Map<number, TraceIdle[][]>();
  readonly #derived: Partial<Record<string, { first: number; end: number; made: Derived }>> = {};
  readonly #spans = {
    stage: new Map<number, TraceSpan[]>(),
    batch: new Map<number, TraceSpan[]>(),
  };

  constructor(trace: Trace) {
    this.trace = trace;
    this.names = new Names(trace);
    const keys = trace.rows.map(row => this.names.ofRow(row));
    this.threads = trace.rows.map((row, i) => ({
      row,
      keys: keys[i]!,
      lanes: lanesOf(row, keys[i]!),
      idleLane: idleLaneOf(row),
    }));
    for (const kind of [KIND.STAGE, KIND.BATCH]) this.names.ofKind(kind);
    this.counts = new Uint32Array(this.names.all.length);
    for (const all of keys) for (let i = 0; i < all.length; i++) this.counts[all[i]!]!++;
    this.zones = trace.rows.reduce((sum, row) => sum + row.count, 0);
    this.begin = this.#first();
    this.end = Math.max(
      this.begin + 1,
      ...this.threads.map(({ lanes }) => lanes[0]?.end.at(-1) ?? 0),
    );
    this.scratch = new Scratch(this.names.all.length);
  }

  /** Where the colour of a name lies, by the name's number. */
  slotOf(key: number): Slot {
    this.#slots ??= this.#spread();
    return this.#slots[key] ?? slotOf(this.names.all[key]?.text ?? '');
  }

  /** Systems come first, in the order of the plan; what the host named keeps away from them. */
  #spread(): Slot[] {
    const named = this.names.all.filter(name => !name.kind);
    const slots = slotsOf(named.map(name => name.text));
    const all: Slot[] = [];
    named.forEach(({ key }, i) => (all[key] = slots[i]!));
    return all;
  }

  /** Builds the pyramids of all lanes, so that no later picture has to. */
  prepare(): void {
    for (const { lanes } of this.threads) for (const lane of lanes) lane.prepare(this.scratch);
  }

  #first(): number {
    const first = this.threads.map(({ row }) => row.begin[0] ?? Infinity);
    const begin = Math.min(...first, this.trace.frames[0]?.begin ?? Infinity);
    return Number.isFinite(begin) ? begin : 0;
  }

  /** The row of a thread's number. */
  thread(number: number): ThreadLanes | undefined {
    return this.threads[number];
  }

  /** The first frame that ends after a moment; as many as there are, where none does. */
  frameAfter(moment: number): number {
    const { frames } = this.trace;
    let low = 0;
    let high = frames.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (frames[middle]!.end > moment) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The frame that a moment lies in; -1 between frames. */
  frameAt(moment: number): number {
    return frameAt(this.trace, moment);
  }

  /** A thread's idle time from a frame's beginning to the next one's, or null where it was not yet
   * worked out and `budget` is used up. */
  idleOf(thread: number, frame: number, budget: Budget): TraceIdle[] | null {
    let rows = this.#idle.get(frame);
    if (!rows) {
      rows = [];
      this.#idle.set(frame, rows);
    }
    const known = rows[thread];
    if (known) return known;
    if (budget.over()) return null;
    const { frames } = this.trace;
    const { begin, end } = frames[frame]!;
    const found = idle(this.trace, thread, begin, frames[frame + 1]?.begin ?? end);
    rows[thread] = found;
    return found;
  }

  #spansOf(what: 'stage' | 'batch', frame: number): TraceSpan[] {
    const cache = this.#spans[what];
    let spans = cache.get(frame);
    if (!spans) {
      const one = this.trace.frames[frame]!;
      spans = what === 'stage' ? stages(this.trace, one) : batches(this.trace, one);
      cache.set(frame, spans);
    }
    return spans;
  }

  /** Batches, or stages, of frames from `first` to before `end`. */
  derived(what: 'stage' | 'batch', first: number, end: number): Derived {
    const last = this.#derived[what];
    if (last?.first === first && last.end === end) return last.made;
    const spans: TraceSpan[] = [];
    for (let i = first; i < end; i++) spans.push(...this.#spansOf(what, i));
    const key = this.names.ofKind(what === 'stage' ? KIND.STAGE : KIND.BATCH);
    const lane = new Lane(
      Float64Array.from(spans, span => span.begin),
      Float64Array.from(spans, span => span.end),
      new Uint16Array(spans.length).fill(key),
      new Int32Array(spans.length).fill(-1),
    );
    const made = { lane, spans };
    this.#derived[what] = { first, end, made };
    return made;
  }
}

/** How long work for one picture may take; what is left over is done for the next. */
export class Budget {
  readonly #until: number;
  /** Something was left over. */
  spent = false;

  constructor(ms: number) {
    this.#until = performance.now() + ms;
  }

  over(): boolean {
    if (performance.now() > this.#until) this.spent = true;
    return this.spent;
  }
}
