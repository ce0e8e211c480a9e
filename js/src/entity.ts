// SPDX-License-Identifier: MIT
// Entity handles. A handle is a number, generation * 2^32 + index, exact in a double since a
// generation has 21 bits. In memory it is 8 bytes: the index first, the generation behind it.

declare const brand: unique symbol;

/** A handle of an entity. 0 is null. It never names another entity, however long it is kept. */
export type Entity = number & { readonly [brand]: 'entity' };

/** The null handle. */
export const NULL_ENTITY = 0 as Entity;

const TWO_32 = 4294967296;

/** Makes a handle of its two halves. */
export function entityMake(index: number, generation: number): Entity {
  return (generation * TWO_32 + index) as Entity;
}

/** The index of a handle: below the world's `entities` limit, used again after the entity died. */
export function entityIndex(entity: Entity): number {
  return entity >>> 0;
}

/** The generation of a handle, 0 for null. */
export function entityGeneration(entity: Entity): number {
  return Math.floor(entity / TWO_32);
}

/** A read-only column of handles. */
export interface EntityColumnView {
  readonly length: number;
  /** The handle in a row. */
  at(row: number): Entity;
}

/** A column of handles, 8 bytes each, without BigInt. */
export class EntityColumn implements EntityColumnView {
  readonly length: number;
  /** The halves: index and generation of row i at 2i and 2i + 1. */
  readonly words: Uint32Array;

  constructor(words: Uint32Array) {
    this.words = words;
    this.length = words.length >>> 1;
  }

  at(row: number): Entity {
    return (this.words[2 * row + 1]! * TWO_32 + this.words[2 * row]!) as Entity;
  }

  set(row: number, entity: Entity): void {
    this.words[2 * row] = entity >>> 0;
    this.words[2 * row + 1] = Math.floor(entity / TWO_32);
  }

  *[Symbol.iterator](): IterableIterator<Entity> {
    for (let row = 0; row < this.length; row++) yield this.at(row);
  }
}

/** @internal Reads n handles from words of memory. */
export function toEntities(u32: Uint32Array, at: number, n: number): Entity[] {
  const entities: Entity[] = [];
  for (let i = 0; i < n; i++) {
    entities.push((u32[at + 2 * i + 1]! * TWO_32 + u32[at + 2 * i]!) as Entity);
  }
  return entities;
}
