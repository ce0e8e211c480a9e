// SPDX-License-Identifier: MIT
// Prefabs: named lists of components and values to spawn from. Values are copied, never shared.

import { infoOf, type AnyComponent, type Value } from './component.js';
import { SkepError } from './errors.js';

/** A component, with or without values. */
export type Part<C extends AnyComponent = AnyComponent> = C | readonly [C, Partial<Value<C>>];

export interface Prefab {
  readonly name: string;
  readonly parts: readonly Part[];
  readonly children: readonly Prefab[];
}

export class PrefabType implements Prefab {
  readonly name: string;
  readonly parts: readonly Part[];
  readonly children: readonly Prefab[];

  constructor(name: string, parts: readonly Part[], children: readonly Prefab[]) {
    this.name = name;
    this.parts = parts;
    this.children = children;
  }
}

/** Defines a prefab. `children` are spawned with it, as children by Parent. Free; many worlds. */
export function definePrefab<const T extends readonly AnyComponent[]>(name: string,
  parts: readonly [...{ [I in keyof T]: T[I] | readonly [T[I], Partial<Value<T[I]>>] }],
  options: { children?: readonly Prefab[] } = {}): Prefab {
  for (const part of parts as readonly Part[]) infoOf(partComponent(part));
  if (typeof name !== 'string' || !name) {
    throw new SkepError('E_ARGUMENT', `${JSON.stringify(name)} is no name of a prefab`);
  }
  return new PrefabType(name, parts as readonly Part[], options.children ?? []);
}

export function partComponent(part: Part): AnyComponent {
  return Array.isArray(part) ? part[0] : part as AnyComponent;
}

export function partValue(part: Part): unknown {
  return Array.isArray(part) ? part[1] : undefined;
}
