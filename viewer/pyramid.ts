// SPDX-License-Identifier: MIT
// One lane of zones that do not overlap, and how to draw any stretch of it in no more rectangles
// than it has pixels.
//
// A lane is typed arrays, sorted by time. Above them lies a pyramid: each entry of a level sums up
// 16 of the level below as their time and the name that has most of it. A walk over pixels finds
// the next zone by galloping, draws a zone of its own where it fills a pixel or more, and otherwise
// asks the pyramid what the zones within the pixel come to: O(pixels * log zones).
//
// Most of it is exact: the time within a pixel, and what is drawn alone. The name that has most of
// a crowded pixel is that of the most among blocks' winners.

const FAN = 16;
const SHIFT = 4;
/** So many zones are summed up without a pyramid. */
const SMALL = 500;

/** What crowded zones come to. */
export interface Sum {
  key: number;
  busy: number;
}

interface Level {
  readonly key: Uint16Array;
  /** The time of that name, and of all. */
  readonly most: Float32Array;
  readonly busy: Float32Array;
}

/** Zones sorted by time, none of which overlaps another. */
export class Lane {
  readonly count: number;
  readonly begin: Float64Array;
  readonly end: Float64Array;
  /** What each is called and coloured by; see names.ts. */
  readonly key: Uint16Array;
  /** Its index in the row of the trace, or -1. */
  readonly zone: Int32Array;
  #levels: Level[] | null = null;

  constructor(begin: Float64Array, end: Float64Array, key: Uint16Array, zone: Int32Array) {
    this.count = begin.length;
    this.begin = begin;
    this.end = end;
    this.key = key;
    this.zone = zone;
  }

  /** The first zone that ends after a moment. */
  firstAfter(at: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.end[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The first zone from `from` on that begins at a moment or after it. */
  gallop(from: number, at: number): number {
    const { begin, count } = this;
    let step = 1;
    let low = from;
    let high = from;
    while (high < count && begin[high]! < at) {
      low = high + 1;
      high += step;
      step *= 2;
    }
    if (high > count) high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (begin[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The zone at a moment, or -1. */
  at(moment: number): number {
    const i = this.firstAfter(moment);
    return i < this.count && this.begin[i]! <= moment ? i : -1;
  }

  /** Builds the pyramid; asked for by the first crowded pixel, unless before. */
  prepare(scratch: Scratch): void {
    if (this.#levels) return;
    const levels: Level[] = [];
    let count = Math.ceil(this.count / FAN);
    for (; count > 1; count = Math.ceil(count / FAN)) {
      const below = levels.at(-1);
      const level = {
        key: new Uint16Array(count),
        most: new Float32Array(count),
        busy: new Float32Array(count),
      };
      const size = below ? below.key.length : this.count;
      for (let i = 0; i < count; i++) {
        const end = Math.min(size, (i + 1) * FAN);
        for (let j = i * FAN; j < end; j++) this.#take(below, j, scratch);
        scratch.finish();
        level.key[i] = scratch.key;
        level.most[i] = scratch.most;
        level.busy[i] = scratch.busy;
        scratch.clear();
      }
      levels.push(level);
    }
    this.#levels = levels;
  }

  #take(level: Level | undefined, i: number, scratch: Scratch): void {
    if (level) scratch.add(level.key[i]!, level.most[i]!, level.busy[i]!);
    else {
      const time = this.end[i]! - this.begin[i]!;
      scratch.add(this.key[i]!, time, time);
    }
  }

  /** What the zones from `first` to before `end` come to. */
  sum(first: number, end: number, scratch: Scratch, into: Sum): void {
    // The first picture must not wait for the pyramid of everything.
    if (!this.#levels && end - first > SMALL) this.prepare(scratch);
    const levels = this.#levels ?? [];
    let level = 0;
    while (first < end) {
      const here = level ? levels[level - 1] : undefined;
      const top = level >= levels.length;
      while (first < end && (top || first & (FAN - 1))) this.#take(here, first++, scratch);
      while (first < end && end & (FAN - 1)) this.#take(here, --end, scratch);
      first >>= SHIFT;
      end >>= SHIFT;
      level++;
    }
    scratch.finish();
    into.key = scratch.key;
    into.busy = scratch.busy;
    scratch.clear();
  }
}

/** Adds up times by name; one is enough for all lanes. */
export class Scratch {
  readonly #time: Float64Array;
  readonly #touched: number[] = [];
  key = 0;
  most = 0;
  busy = 0;

  constructor(keys: number) {
    this.#time = new Float64Array(keys);
  }

  add(key: number, time: number, busy: number): void {
    if (this.#time[key] === 0) this.#touched.push(key);
    // A zone of no length is still one.
    this.#time[key]! += time || 1e-3;
    this.busy += busy;
  }

  finish(): void {
    for (const key of this.#touched) {
      const time = this.#time[key]!;
      if (time < this.most || (time === this.most && key > this.key)) continue;
      this.most = time;
      this.key = key;
    }
  }

  clear(): void {
    for (const key of this.#touched) this.#time[key] = 0;
    this.#touched.length = 0;
    this.key = 0;
    this.most = 0;
    this.busy = 0;
  }
}

/**
 * What a walk hands out, from left to right; columns are whole pixels from the view's beginning.
 */
export interface Painter {
  /** A zone that is drawn by itself. */
  zone(i: number, from: number, to: number): void;
  /** Columns of crowded zones that look alike; `shade` says how much of them is covered. */
  crowd(key: number, shade: number, from: number, to: number): void;
}

/** The stretch of time that is shown, in columns. */
export interface Window {
  readonly begin: number;
  readonly end: number;
  readonly columns: number;
}

/** Walks over a lane's zones within a window. No column is handed out twice. */
export function walk(
  lane: Lane,
  view: Window,
  shades: number,
  scratch: Scratch,
  painter: Painter,
): void {
  const { begin, end, count } = lane;
  const scale = view.columns / (view.end - view.begin);
  const column = 1 / scale;
  const sum: Sum = { key: 0, busy: 0 };
  const run = { key: -1, shade: 0, from: 0, to: 0 };
  const flush = (): void => {
    if (run.key >= 0) painter.crowd(run.key, run.shade, run.from, run.to);
    run.key = -1;
  };
  let cursor = 0;
  let i = lane.firstAfter(view.begin);
  while (i < count && begin[i]! < view.end) {
    const left = Math.max(Math.floor((begin[i]! - view.begin) * scale), cursor, 0);
    if (left >= view.columns) break;
    const right = Math.min(Math.floor((end[i]! - view.begin) * scale), view.columns);
    const next = view.begin + (left + 1) * column;
    if (right > left + 1) {
      flush();
      painter.zone(i, left, right);
      cursor = right;
      i++;
      continue;
    }
    let last = Math.max(lane.gallop(i + 1, next), i + 1);
    // One that reaches well beyond the pixel is drawn by itself, from the next pixel on.
    if (last > i + 1 && (end[last - 1]! - view.begin) * scale >= left + 2) last--;
    cursor = left + 1;
    if (last === i + 1) {
      flush();
      painter.zone(i, left, left + 1);
      i = last;
      continue;
    }
    lane.sum(i, last, scratch, sum);
    const covered = Math.min(1, sum.busy * scale);
    const shade = Math.min(shades - 1, Math.floor(covered * shades));
    if (run.key !== sum.key || run.shade !== shade || run.to !== left) {
      flush();
      run.key = sum.key;
      run.shade = shade;
      run.from = left;
    }
    run.to = left + 1;
    i = last;
  }
  flush();
}
