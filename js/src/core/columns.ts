// SPDX-License-Identifier: MIT
// Columns as JavaScript sees them: typed arrays over the instance's memory, made once for each
// block and kept, because making one costs as much as a hundred rows.

import type { ComponentInfo, FieldLayout } from '../component.js';
import { EntityColumn } from '../entity.js';
import type { Instance } from './instance.js';

/** A column of any type. */
export type Column = ArrayLike<number | bigint> | EntityColumn;
/** The columns of a component by field. */
export type ColumnSet = Record<string, Column>;

/** Makes the view of `count` elements of a field's type at an address. */
export function makeColumn(
  buffer: ArrayBufferLike,
  type: FieldLayout['type'],
  address: number,
  count: number,
): Column {
  switch (type) {
    case 'i8':
      return new Int8Array(buffer, address, count);
    case 'i16':
      return new Int16Array(buffer, address, count);
    case 'u16':
      return new Uint16Array(buffer, address, count);
    case 'i32':
      return new Int32Array(buffer, address, count);
    case 'u32':
      return new Uint32Array(buffer, address, count);
    case 'i64':
      return new BigInt64Array(buffer, address, count);
    case 'u64':
      return new BigUint64Array(buffer, address, count);
    case 'f32':
      return new Float32Array(buffer, address, count);
    case 'f64':
      return new Float64Array(buffer, address, count);
    case 'entity':
      return new EntityColumn(new Uint32Array(buffer, address, 2 * count));
    default:
      return new Uint8Array(buffer, address, count);
  }
}

interface Cached {
  rows: number;
  addresses: number[];
  columns: ColumnSet;
}

/** The most blocks whose views a cache keeps; beyond, it begins anew. */
const CACHE_MAX = 16384;

/** The views of one component's blocks, by the address of the first column. */
export class ColumnCache {
  readonly #instance: Instance;
  readonly #layout: readonly FieldLayout[];
  readonly #cached = new Map<number, Cached>();
  /** For components without columns. */
  readonly #none: ColumnSet = {};

  constructor(instance: Instance, component: Pick<ComponentInfo, 'layout'>) {
    this.#instance = instance;
    this.#layout = component.layout;
  }

  /** The columns whose addresses are the words from index `at` on, `rows` long; undefined where the
   * table lacks the component. */
  get(at: number, rows: number): ColumnSet | undefined {
    const u32 = this.#instance.u32;
    const layout = this.#layout;
    if (layout.length === 0) return this.#none;
    const first = u32[at]!;
    const cached = this.#cached.get(first);
    if (cached !== undefined && cached.rows === rows) {
      const addresses = cached.addresses;
      let same = true;
      for (let f = 1; f < addresses.length; f++) same = same && addresses[f] === u32[at + f];
      if (same) return cached.columns;
    }
    return first === 0 ? undefined : this.#make(at, rows);
  }

  #make(at: number, rows: number): ColumnSet {
    const { u32, memory } = this.#instance;
    const columns: ColumnSet = {};
    const addresses: number[] = [];
    this.#layout.forEach((field, f) => {
      const address = u32[at + f]!;
      addresses.push(address);
      columns[field.name] = makeColumn(memory.buffer, field.type, address, rows * field.count);
    });
    if (this.#cached.size >= CACHE_MAX) this.#cached.clear();
    this.#cached.set(addresses[0]!, { rows, addresses, columns });
    return columns;
  }
}
