// SPDX-License-Identifier: MIT
// Values where they lie: the entity index and the directories of columns are plain arrays in wasm
// memory, so that finding a value is a dozen loads. What a look shows is only true while nothing
// waits to be made (`quiet`); what is written here must not be shared with a snapshot (`owned`).
//
//     index[entity] = generation 21 | table 17 | row 26
//     types[component].dir[table] = { first line's cells, bytes from line to line, shift, - }
//     cell = { data, -, epoch low, epoch high }, the component's fields side by side

import type { Entity } from '../entity.js';
import type { Host, Known } from './host.js';
import type { Instance } from './instance.js';
import { readField, writeGiven } from './values.js';

const TWO_32 = 4294967296;
const COLREF_WORDS = 3;
const CELL_WORDS = 4;

export class Direct {
  readonly #host: Host;
  readonly #instance: Instance;
  readonly #u32: Uint32Array;
  // Places of words.
  readonly #index: number;
  readonly #indexCount: number;
  readonly #types: number;
  readonly #typeWords: number;
  readonly #typeDir: number;
  readonly #typeWatched: number;
  readonly #epoch: number;
  readonly #mode: number;
  readonly #waiting: number;
  readonly #running: number;
  /** The row that `find` or `locate` found last. */
  #row = 0;

  constructor(host: Host) {
    const { instance, layout } = host;
    this.#host = host;
    this.#instance = instance;
    this.#u32 = instance.u32;
    this.#index = instance.u32[layout.index >> 2]! >> 2;
    this.#indexCount = layout.indexCount >> 2;
    this.#types = layout.types >> 2;
    this.#typeWords = layout.typeBytes >> 2;
    this.#typeDir = layout.typeDir >> 2;
    this.#typeWatched = layout.typeWatched;
    this.#epoch = layout.epoch >> 2;
    this.#mode = layout.mode >> 2;
    this.#waiting = layout.waiting >> 2;
    this.#running = layout.running >> 2;
  }

  /** Whether storage shows what is: nothing waits, and nobody restricts what may be read. */
  quiet(): boolean {
    return this.#u32[this.#waiting] === 0 && this.#u32[this.#running] === 0;
  }

  /** The table of an entity, 0 when it is not alive. */
  find(entity: Entity): number {
    const u32 = this.#u32;
    const index = entity >>> 0;
    if (index >= u32[this.#indexCount]!) return 0;
    const at = this.#index + 2 * index;
    const high = u32[at + 1]!;
    if (high >>> 11 !== Math.trunc(entity * (1 / TWO_32))) return 0;
    const low = u32[at]!;
    this.#row = low & 0x3ffffff;
    return (low >>> 26) | ((high & 0x7ff) << 6);
  }

  /** The place of the first cell of an entity's component with columns, or 0. */
  locate(entity: Entity, known: Known): number {
    const table = this.find(entity);
    if (table === 0) return 0;
    const u32 = this.#u32;
    const type = (u32[this.#types]! >> 2) + known.number * this.#typeWords;
    const ref = (u32[type + this.#typeDir]! >> 2) + table * COLREF_WORDS;
    const cells = u32[ref]!;
    if (cells === 0) return 0;
    const shift = u32[ref + 2]!;
    const row = this.#row;
    this.#row = row & ((1 << shift) - 1);
    return (cells + (row >>> shift) * u32[ref + 1]!) >> 2;
  }

  /** Whether writing what `locate` found takes nothing but writing: no snapshot holds it, nobody
   * watches it, no frame runs. */
  owned(cell: number, known: Known): boolean {
    const u32 = this.#u32;
    if (u32[this.#mode] !== 0 || known.info.name === 'Parent') return false;
    const type = (u32[this.#types]! >> 2) + known.number * this.#typeWords;
    if (this.#instance.u8[4 * type + this.#typeWatched]) return false;
    const low = u32[this.#epoch]!;
    const high = u32[this.#epoch + 1]!;
    for (let f = 0; f < known.info.layout.length; f++) {
      const at = cell + CELL_WORDS * f;
      if (u32[at + 2] !== low || u32[at + 3] !== high) return false;
    }
    return true;
  }

  /** The value that `locate` found. */
  read(cell: number, known: Known): Record<string, unknown> {
    const instance = this.#instance;
    const layout = known.info.layout;
    const row = this.#row;
    const value: Record<string, unknown> = {};
    for (let f = 0; f < layout.length; f++) {
      const field = layout[f]!;
      const data = this.#u32[cell + CELL_WORDS * f]!;
      value[field.name] =
        field.code === 9 && field.count === 1
          ? instance.f32[(data >> 2) + row]
          : readField(instance, field, data + row * field.size * field.count);
    }
    return value;
  }

  /** Writes the given fields of what `locate` found, all or none. Throws SchemaError. */
  write(cell: number, known: Known, value: unknown): void {
    const layout = known.info.layout;
    const scratch = this.#host.scratch;
    const row = this.#row;
    // By way of a struct, so that a bad field leaves the ones in front of it as they were.
    let mask = writeGiven(this.#instance, known.info, scratch, value, false);
    for (let f = 0; mask !== 0; f++, mask >>= 1) {
      if ((mask & 1) === 0) continue;
      const field = layout[f]!;
      const from = scratch + field.offset;
      const bytes = field.size * field.count;
      this.#copy(this.#u32[cell + CELL_WORDS * f]! + row * bytes, from, bytes);
    }
  }

  #copy(to: number, from: number, bytes: number): void {
    const { u8, u32 } = this.#instance;
    if ((bytes & 3) !== 0) {
      for (let i = 0; i < bytes; i++) u8[to + i] = u8[from + i]!;
    } else {
      for (let i = 0; i < bytes >> 2; i++) u32[(to >> 2) + i] = u32[(from >> 2) + i]!;
    }
  }
}
