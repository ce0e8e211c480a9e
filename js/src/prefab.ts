// SPDX-License-Identifier: MIT
// Prefabs: named lists of components and values to spawn from. Values are copied, never shared.

import {
  infoOf,
  type AnyComponent,
  type Component,
  type Fields,
  type Value,
  type Writes,
} from './component.js';
import { SkepError } from './errors.js';

/** A component, with or without values. */
export type Part<C extends AnyComponent = AnyComponent> = C | readonly [C, Partial<Value<C>>];

type Values<C, V> =
  C extends Component<string, infer F, unknown>
    ? F extends Fields
      ? Partial<Value<C>> & { readonly [K in Exclude<keyof V, keyof Value<C>>]: never }
      : Partial<Value<C>>
    : never;
/** Checks each part of a list against its own component: `T & PartsOf<T>` has no value for a field
 * that is not there, and none of another type. */
export type PartsOf<T extends readonly unknown[]> = {
  readonly [I in keyof T]: T[I] extends readonly [infer C extends AnyComponent, infer V]
    ? readonly [C, Values<C, V>]
    : T[I];
};
/** What `PartsOf` starts from. */
export type AnyPart = AnyComponent | readonly [AnyComponent, unknown];

/** The component of a part. */
type ComponentOf<P> = P extends readonly [infer C extends AnyComponent, unknown]
  ? C
  : P extends AnyComponent
    ? P
    : never;
/** The columns of parts by component name; those of tags and object components are not there. */
export type PartColumns<T extends readonly AnyPart[]> = {
  readonly [C in ComponentOf<T[number]> as C['fields'] extends null ? never : C['name']]: Writes<C>;
};
/** Values by component name: those of the parts are checked, others are added. */
export type PartValues<T extends readonly AnyPart[]> = {
  readonly [C in ComponentOf<T[number]> as C['name']]?: Partial<Value<C>>;
} & Readonly<Record<string, unknown>>;

export interface Prefab<T extends readonly AnyPart[] = readonly AnyPart[]> {
  readonly name: string;
  readonly parts: readonly Part[];
  readonly children: readonly Prefab[];
  /** Never there: carries the type. */
  readonly _t?: T;
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
export function definePrefab<const T extends readonly AnyPart[]>(
  name: string,
  parts: T & PartsOf<T>,
  options: { children?: readonly Prefab[] } = {},
): Prefab<T> {
  for (const part of parts as readonly Part[]) infoOf(partComponent(part));
  if (typeof name !== 'string' || !name) {
    throw new SkepError('E_ARGUMENT', `${JSON.stringify(name)} is no name of a prefab`);
  }
  return new PrefabType(name, parts as readonly Part[], options.children ?? []);
}

export function partComponent(part: Part): AnyComponent {
  return Array.isArray(part) ? part[0] : (part as AnyComponent);
}

export function partValue(part: Part): unknown {
  return Array.isArray(part) ? part[1] : undefined;
}
