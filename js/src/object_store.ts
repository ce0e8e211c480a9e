// SPDX-License-Identifier: MIT
// Values of object components, which live in JavaScript. Each entity's value stands beside the
// handle that it belongs to, so a value never outlives its entity for a reader. A snapshot shares
// the arrays; the first write afterwards copies them, and a value that a snapshot may hold, since
// it is older than that, is cloned before somebody gets it to change.

import { SkepError } from './errors.js';
import { entityIndex, type Entity } from './entity.js';
import type { ComponentInfo } from './component.js';

/** The values of one component at one moment. */
export interface ObjectState {
  readonly handles: readonly number[];
  readonly values: readonly unknown[];
  /** Which of the store's states it is. */
  readonly number: number;
}

export class ObjectStore {
  readonly info: ComponentInfo;
  #handles: number[] = [];
  #values: unknown[] = [];
  /** How many states had been taken when each value became the world's own. */
  #since: number[] = [];
  #taken = 0;
  /** The states that somebody holds, by number, and below them what a restore took over. */
  readonly #live: number[] = [];
  #restored = 0;
  /** A snapshot holds the arrays. */
  #shared = false;

  constructor(info: ComponentInfo) {
    this.info = info;
  }

  /** The value of a new entity: the default, in which a plain object may replace some keys. */
  initial(given?: unknown): unknown {
    if (given !== undefined && !isPlain(given)) return given;
    const value = (this.info.defaults as () => unknown)();
    if (given === undefined) return value;
    return isPlain(value) ? { ...value, ...given } : given;
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
    // Without holes, which make arrays slow.
    while (this.#handles.length < index) {
      this.#handles.push(0);
      this.#values.push(undefined);
    }
    while (this.#since.length < index) this.#since.push(0);
    this.#handles[index] = entity;
    this.#values[index] = value;
    this.#since[index] = this.#taken;
  }

  /** Whether a value is there for exactly this entity. */
  has(entity: Entity): boolean {
    return this.#handles[entityIndex(entity)] === entity;
  }

  /** The value, to be changed or kept; undefined where there is none. Throws where a snapshot holds
   * it and it cannot be cloned. */
  get(entity: Entity): unknown {
    const index = entityIndex(entity);
    if (this.#handles[index] !== entity) return undefined;
    const value = this.#values[index];
    if (this.#since[index]! >= this.#youngest() || typeof value !== 'object' || value === null) {
      return value;
    }
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
  }

  /** The youngest state that may hold values: those that are older than it are shared. */
  #youngest(): number {
    return Math.max(this.#live.at(-1) ?? 0, this.#restored);
  }

  /** What a snapshot keeps. O(1). */
  share(): ObjectState {
    this.#shared = true;
    this.#live.push(++this.#taken);
    return { handles: this.#handles, values: this.#values, number: this.#taken };
  }

  /** A state is not needed any more: values that it alone held are the world's own again. */
  drop(state: ObjectState): void {
    const at = this.#live.lastIndexOf(state.number);
    if (at >= 0) this.#live.splice(at, 1);
  }

  /** Goes back to what a snapshot kept. */
  restore(state: ObjectState): void {
    this.#handles = state.handles as number[];
    this.#values = state.values as unknown[];
    this.#shared = true;
    this.#restored = ++this.#taken;
    while (this.#since.length < this.#handles.length) this.#since.push(0);
  }

  /** Forgets all. */
  clear(): void {
    this.#handles = [];
    this.#values = [];
    this.#since = [];
    this.#shared = false;
  }

  /** Forgets the values of entities that are gone. */
  sweep(lives: (entity: Entity) => boolean): void {
    for (let i = 0; i < this.#handles.length; i++) {
      const entity = this.#handles[i] as Entity;
      if (entity && !lives(entity)) this.delete(entity);
    }
  }

  /** Every value with its handle. */
  *entries(): IterableIterator<[Entity, unknown]> {
    for (let i = 0; i < this.#handles.length; i++) {
      if (this.#handles[i]) yield [this.#handles[i] as Entity, this.#values[i]];
    }
  }
}

function isPlain(value: unknown): value is object {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}

/** Copies a value of an object component; the error names the component. */
export function cloneValue(component: string, value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch (cause) {
    throw new SkepError('E_ARGUMENT', `a value of component "${component}" cannot be cloned`, {
      cause,
      hint: 'object components hold what structuredClone can copy',
    });
  }
}
