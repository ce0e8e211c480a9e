// SPDX-License-Identifier: MIT
// What the page shows at the moment: the trace, the frame and the zone that are chosen, the frames
// that tables are about, what was searched for. Parts of the page listen for what they show.

import { lowerBound } from '../js/src/trace/sections.js';
import { percentile, worstFrames } from '../js/src/trace/stats.js';
import type { TraceFrame } from '../js/src/trace/types.js';
import type { Span, ZoneRef } from './gantt.ts';
import type { Model } from './model.ts';
import { Matches } from './search.ts';

/** What may change. */
export type Change = 'trace' | 'frame' | 'chosen' | 'range' | 'view' | 'search';

/** A range of frames, from `first` to before `end`. */
export interface FrameRange {
  readonly first: number;
  readonly end: number;
}

/** How many of the slowest frames are listed. */
const LISTED = 50;

/** The state of the page. */
export class State {
  model: Model | null = null;
  /** What the file was called. */
  name = '';
  /** Index of the selected frame, or -1. */
  frame = -1;
  chosen: ZoneRef | null = null;
  /** The frames that tables are about: all of them, unless marked. */
  range: FrameRange = { first: 0, end: 0 };
  /** The stretch that was marked, if one was. */
  marked: Span | null = null;
  view: Span = { begin: 0, end: 1 };
  matches: Matches | null = null;
  /** Frames from the slowest on. */
  worst: readonly TraceFrame[] = [];
  /** How long the frame in the middle took. */
  middleNs = 0;
  readonly #listeners = new Map<Change, (() => void)[]>();
  #glide = 0;
  /** The view is on its way. */
  moving = false;

  /** Calls a function after each change of a kind. */
  on(change: Change, listener: () => void): void {
    const known = this.#listeners.get(change);
    if (known) known.push(listener);
    else this.#listeners.set(change, [listener]);
  }

  #say(...changes: Change[]): void {
    for (const change of changes)
      for (const listener of this.#listeners.get(change) ?? []) listener();
  }

  /** The selected frame. */
  get current(): TraceFrame | null {
    return this.model?.trace.frames[this.frame] ?? null;
  }

  /** Shows a trace, on its slowest frame. */
  open(model: Model, name: string): void {
    const { trace } = model;
    this.model = model;
    this.name = name;
    this.chosen = null;
    this.marked = null;
    this.matches = null;
    this.range = { first: 0, end: trace.frames.length };
    this.worst = worstFrames(trace, LISTED);
    const lengths = Float64Array.from(trace.frames, one => one.end - one.begin).sort();
    this.middleNs = lengths.length ? percentile(lengths, 50) : 0;
    this.frame = this.worst[0]?.index ?? -1;
    const frame = this.current;
    this.view = frame ? around(frame) : { begin: model.begin, end: model.end };
    this.#say('trace', 'frame', 'chosen', 'range', 'search', 'view');
  }

  /** Selects a frame; `look` moves the view there. */
  selectFrame(index: number, look = true): void {
    const { model } = this;
    if (!model || !model.trace.frames[index]) return;
    this.chosen = null;
    this.frame = index;
    this.#say('frame', 'chosen');
    if (look) this.look(around(model.trace.frames[index]));
  }

  /** Selects a zone and the frame that it lies in; `look` makes sure that it is seen. */
  selectZone(ref: ZoneRef | null, look = true): void {
    const row = ref && this.model?.thread(ref.thread)?.row;
    if (!ref || !row || ref.zone < 0) {
      this.chosen = null;
      this.#say('chosen');
      return;
    }
    const [begin, end] = [row.begin[ref.zone]!, row.end[ref.zone]!];
    const frame = this.model!.frameAt(begin);
    this.chosen = ref;
    if (frame >= 0 && frame !== this.frame) {
      this.frame = frame;
      this.#say('frame');
    }
    this.#say('chosen');
    if (look) this.#show({ begin, end });
  }

  /** Moves the view as little as it takes to see a zone well. */
  #show(zone: Span): void {
    const { begin, end } = this.view;
    const span = end - begin;
    const size = zone.end - zone.begin;
    const seen = zone.begin >= begin && zone.end <= end && size * 200 > span;
    if (seen) return;
    const wanted = size * 200 > span && size < span * 0.9 ? span : Math.max(size * 8, 1000);
    const middle = (zone.begin + zone.end) / 2;
    this.look({ begin: middle - wanted / 2, end: middle + wanted / 2 });
  }

  /** The time of what is chosen: the zone, else what was marked, else the frame. */
  get selection(): Span | null {
    const row = this.chosen && this.model?.thread(this.chosen.thread)?.row;
    if (row) return { begin: row.begin[this.chosen!.zone]!, end: row.end[this.chosen!.zone]! };
    return this.marked ?? this.current;
  }

  /** Marks a stretch of time: tables are about the frames in it. */
  mark(span: Span | null): void {
    const { model } = this;
    if (!model) return;
    this.marked = span;
    const { frames } = model.trace;
    if (!span) this.range = { first: 0, end: frames.length };
    else {
      const first = Math.min(model.frameAfter(span.begin), Math.max(0, frames.length - 1));
      let end = first;
      while (end < frames.length && frames[end]!.begin < span.end) end++;
      this.range = { first, end: Math.max(end, Math.min(first + 1, frames.length)) };
    }
    this.#say('range');
  }

  /** Marks whole frames. */
  markFrames(first: number, end: number): void {
    const frames = this.model?.trace.frames ?? [];
    const [a, b] = [frames[first], frames[end - 1]];
    if (a && b) this.mark({ begin: a.begin, end: b.end });
  }

  /** Moves the view at once. */
  setView(view: Span): void {
    cancelAnimationFrame(this.#glide);
    this.moving = false;
    this.view = view;
    this.#say('view');
  }

  /** Moves the view gently, unless motion is unwelcome. */
  look(to: Span): void {
    cancelAnimationFrame(this.#glide);
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return this.setView(to);
    const from = this.view;
    const began = performance.now();
    const step = (): void => {
      const part = Math.min(1, (performance.now() - began) / 160);
      const eased = 1 - (1 - part) ** 3;
      const begin = from.begin + (to.begin - from.begin) * eased;
      const end = from.end + (to.end - from.end) * eased;
      this.view = part < 1 ? { begin, end } : to;
      this.moving = part < 1;
      this.#say('view');
      if (this.moving) this.#glide = requestAnimationFrame(step);
    };
    step();
  }

  /** Everything is to be shown anew. */
  again(): void {
    if (this.model) this.#say('frame', 'chosen', 'search', 'view');
  }

  /** The view that the chart made of what was asked for. */
  settle(view: Span): void {
    this.view = view;
  }

  /** Looks for zones by name; an empty text ends the search. */
  search(query: string): void {
    const { model } = this;
    this.matches = model && query ? new Matches(model, query) : null;
    this.#say('search');
  }

  /** Goes to a match, so many from the one that is chosen; the first time to the first that is in
   * the selected frame or after it. */
  stepMatch(by: number): void {
    const { matches } = this;
    if (!matches?.count) return;
    const at = this.chosen ? matches.indexOf(this.chosen) : -1;
    const next = at >= 0 ? at + by : matches.from(this.current?.begin ?? 0);
    this.selectZone(matches.at((next + matches.count) % matches.count));
    this.#say('search');
  }

  /** Goes to the zone of the same name before or after the chosen one. */
  stepNamesake(by: number): void {
    const thread = this.chosen && this.model?.thread(this.chosen.thread);
    if (!this.model || !thread) return;
    const key = thread.keys[this.chosen!.zone]!;
    const all = new Matches(this.model, '', new Set([key]));
    const next = all.indexOf(this.chosen!) + by;
    if (next >= 0 && next < all.count) this.selectZone(all.at(next));
  }

  /** Goes to the next frame, or the one before. */
  stepFrame(by: number): void {
    this.selectFrame(this.frame + by);
  }

  /** The slowest of the frames that tables are about. */
  worstInRange(): readonly TraceFrame[] {
    const { model, marked, range, worst } = this;
    if (!model || !marked) return worst;
    const frames = model.trace.frames.slice(range.first, range.end);
    return worstFrames({ ...model.trace, frames }, LISTED);
  }

  /** Goes to the next slower frame, or the next faster one. */
  stepWorst(by: number): void {
    const at = this.worst.findIndex(one => one.index === this.frame);
    const next = this.worst[at < 0 ? 0 : at + by];
    if (next) this.selectFrame(next.index);
  }

  /** Moves the choice on its row: to the neighbour, the zone around it, or the first inside it. */
  stepZone(way: 'left' | 'right' | 'up' | 'down'): void {
    const thread = this.chosen && this.model?.thread(this.chosen.thread);
    if (!thread) return this.#firstZone();
    const { row } = thread;
    const { zone } = this.chosen!;
    const depth = row.depth[zone]!;
    const go = (to: ZoneRef | null): void => {
      if (to && to.zone >= 0) this.selectZone(to);
    };
    if (way === 'left' || way === 'right') {
      const by = way === 'left' ? -1 : 1;
      let i = zone + by;
      while (i >= 0 && i < row.count && row.depth[i] !== depth) i += by;
      return go(i < row.count ? { thread: row.thread, zone: i } : null);
    }
    if (way === 'down' && row.parent[zone + 1] === zone) {
      return go({ thread: row.thread, zone: zone + 1 });
    }
    if (way === 'up' && row.parent[zone]! >= 0) {
      return go({ thread: row.thread, zone: row.parent[zone]! });
    }
    go(this.#onRow(row.thread + (way === 'up' ? -1 : 1), row.begin[zone]!));
  }

  /** The zone of another row that is nearest to a moment. */
  #onRow(thread: number, at: number): ZoneRef | null {
    const row = this.model?.thread(thread)?.row;
    if (!row?.count) return null;
    const after = Math.min(row.count - 1, lowerBound(row.begin, at));
    const before = Math.max(0, after - 1);
    const nearer = at - row.begin[before]! < row.begin[after]! - at ? before : after;
    return { thread, zone: nearer };
  }

  #firstZone(): void {
    const frame = this.current;
    if (frame) this.selectZone({ thread: 0, zone: frame.zone });
  }
}

/** A view of a frame with a little air around it. */
export function around({ begin, end }: Span): Span {
  const air = (end - begin) * 0.03;
  return { begin: begin - air, end: end + air };
}
