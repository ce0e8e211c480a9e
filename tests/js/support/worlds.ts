// SPDX-License-Identifier: MIT
// What the tests of worlds share: components of every kind, and random numbers from a seed.

import assert from 'node:assert/strict';
import { World, defineComponent, defineTag, type Entity, type WorldOptions } from 'skep';

export const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
export const Vel = defineComponent({ name: 'Vel', fields: { x: 'f32', y: 'f32' } });
export const Health = defineComponent({
  name: 'Health',
  fields: { now: 'u16', most: 'u8', worth: 'f64' },
  defaults: { now: 100, most: 200 },
});
export const Enemy = defineTag('Enemy');
export interface MetaValue {
  title: string;
  tags: string[];
}
export const Meta = defineComponent({
  name: 'Meta',
  defaults: (): MetaValue => ({ title: '', tags: [] }),
});

/** Runs with a world that is disposed of afterwards, and whose inner state is sound then. */
export function withWorld(use: (world: World) => void, options: WorldOptions = {}): void {
  const world = new World({ memoryMax: 96 << 20, ...options });
  try {
    use(world);
    world.check();
  } finally {
    world.dispose();
  }
}

/** Asserts that a call throws an error with this code; gives it back. */
export function failure<T extends Error>(code: string, call: () => unknown): T {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof Error, `nothing was thrown, and ${code} was expected`);
  assert.equal((thrown as Error & { code?: string }).code, code, thrown.message);
  return thrown as T;
}

/** Numbers of [0, 2^32), the same for the same seed. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return (x ^ (x >>> 15)) >>> 0;
  }

  /** Of [0, n). */
  below(n: number): number {
    return this.next() % n;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

/** A handle that no entity ever had. */
export const NOBODY = (7 * 2 ** 32 + 60_000) as Entity;
