// SPDX-License-Identifier: MIT
// Values of object components, which live in JavaScript. Each entity's value stands beside the
// handle that it belongs to, so a value never outlives its entity for a reader. A snapshot shares
// the arrays; the first write afterwards copies them, and a value that a snapshot still holds is
// cloned before somebody gets it to change.

import { SkepError } from './errors.js';
import { entityIndex, type Entity } from './entity.js';
import type { ComponentInfo } from './component.js';

/** The values of one component at one moment. */
export interface ObjectState {
  readonly handles: readonly number[];
  readonly values: readonly unknown[];
}

export class ObjectStore {
  readonly info: ComponentInfo;
  #handles: number[] = [];
  #values: unknown[] = [];
  /** A snapshot holds the arrays. */
  #shared = false;
  /** Entities whose value some snapshot may hold, by index. */
  #held: Set<number> | null = null;

  constructor(info: ComponentInfo) {
    this.info = info;
  }

  /** The default value of a new entity. */
  initial(): unknown {
    return (this.info.defaults as () => unknown)();
  }

  #own(): void {
    if (!this.#shared) return;
    this.#handles = this.#handles.slice();
    this.#values = this.#values.slice();
    this.#shared = false;
  }

  set(entity: Entity, value: unknown): void {
    this.#own();
    const index = entityIndex(entity);
    this.#handles[index] = entity;
    this.#values[index] = value;
    this.#held?.delete(index);
  }

  /** Whether a value is there for exactly this entity. */
  has(entity: Entity): boolean {
    return this.#handles[entityIndex(entity)] === entity;
  }

  /** The value, to be changed or kept; undefined where there is none. */
  get(entity: Entity): unknown {
    const index = entityIndex(entity);
    if (this.#handles[index] !== entity) return undefined;
    const value = this.#values[index];
    if (!this.#held?.has(index) || typeof value !== 'object' || value === null) return value;
    const own = cloneValue(this.info.name, value);
    this.set(entity, own);
    return own;
  }

  /** The value only to be read or copied. */
  peek(entity: Entity): unknown {
    const index = entityIndex(entity);
    return this.#handles[index] === entity ? this.#values[index] : undefined;
  }

  delete(entity: Entity): void {
    if (!this.has(entity)) return;
    this.#own();
    const index = entityIndex(entity);
    this.#handles[index] = 0;
    this.#values[index] = undefined;
    this.#held?.delete(index);
  }

  /** What a snapshot keeps. O(values) marks, once a snapshot that sees changes. */
  share(): ObjectState {
    this.#shared = true;
    const held = this.#held ??= new Set();
    for (let i = 0; i < this.#handles.length; i++) if (this.#handles[i]) held.add(i);
    return { handles: this.#handles, values: this.#values };
  }

  /** Goes back to what a snapshot kept. */
  restore(state: ObjectState): void {
    this.#handles = state.handles as number[];
    this.#values = state.values as unknown[];
    this.#shared = true;
    const held = this.#held ??= new Set();
    for (let i = 0; i < this.#handles.length; i++) if (this.#handles[i]) held.add(i);
  }

  /** Forgets all. */
  clear(): void {
    this.#handles = [];
    this.#values = [];
    this.#shared = false;
    this.#held = null;
  }

  /** Every value with its handle. */
  *entries(): IterableIterator<[Entity, unknown]> {
    for (let i = 0; i < this.#handles.length; i++) {
      if (this.#handles[i]) yield [this.#handles[i] as Entity, this.#values[i]];
    }
  }
}

/** Copies a value of an object component; the error names the component. */
export function cloneValue(component: string, value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch (cause) {
    throw new SkepError('E_ARGUMENT', `a value of component "${component}" cannot be cloned`,
      { cause, hint: 'object components hold what structuredClone can copy' });
  }
}
