// SPDX-License-Identifier: MIT
// All zones whose name holds a text, in the order of time over all threads.

import type { ZoneRef } from './gantt.ts';
import type { Model } from './model.ts';

/** What was found. */
export class Matches {
  readonly query: string;
  /** The names that match, as numbers of `model.names`. */
  readonly keys: ReadonlySet<number>;
  readonly count: number;
  readonly #thread: Uint16Array;
  readonly #zone: Uint32Array;
  readonly #model: Model;

  constructor(model: Model, query: string, keys = model.names.matching(query)) {
    this.query = query;
    this.keys = keys;
    this.#model = model;
    let count = 0;
    for (const key of this.keys) count += model.counts[key]!;
    this.count = count;
    this.#thread = new Uint16Array(count);
    this.#zone = new Uint32Array(count);
    this.#merge();
  }

  /** Takes the row whose next match begins first, until there is none. */
  #merge(): void {
    const rows = this.#model.threads.map(({ row, keys }) => ({ row, keys, at: -1 }));
    const wanted = new Uint8Array(this.#model.names.all.length);
    for (const key of this.keys) wanted[key] = 1;
    const next = (one: (typeof rows)[number]): void => {
      do one.at++;
      while (one.at < one.row.count && !wanted[one.keys[one.at]!]);
    };
    rows.forEach(next);
    for (let i = 0; i < this.count; i++) {
      let best = rows[0]!;
      for (const one of rows) {
        if (one.at >= one.row.count) continue;
        const over = best.at >= best.row.count;
        if (over || one.row.begin[one.at]! < best.row.begin[best.at]!) best = one;
      }
      this.#thread[i] = best.row.thread;
      this.#zone[i] = best.at;
      next(best);
    }
  }

  /** A match by its number. */
  at(i: number): ZoneRef {
    return { thread: this.#thread[i]!, zone: this.#zone[i]! };
  }

  #begin(i: number): number {
    return this.#model.thread(this.#thread[i]!)!.row.begin[this.#zone[i]!]!;
  }

  /** The first match that begins at a moment or after it; the first of all, where none does. */
  from(moment: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#begin(middle) < moment) low = middle + 1;
      else high = middle;
    }
    return low < this.count ? low : 0;
  }

  /** The number of a zone among the matches, or -1. */
  indexOf({ thread, zone }: ZoneRef): number {
    const row = this.#model.thread(thread)?.row;
    if (!row || !this.count) return -1;
    const begin = row.begin[zone]!;
    for (let i = this.from(begin); i < this.count && this.#begin(i) === begin; i++) {
      if (this.#thread[i] === thread && this.#zone[i] === zone) return i;
    }
    return -1;
  }
}
