// SPDX-License-Identifier: MIT
// One picture of a live world: rows as columns, single values, and what changed since the picture
// before. There is one object of it, which each call of Live.frame() fills anew.

import type { AnyComponent, Component, EventType, Fields, Reads, Value } from '../component.js';
import type { Entity, EntityColumnView } from '../entity.js';
import type { View } from './view.js';

/** What can have happened to an entity since the picture before. */
export type FrameChange = 'enter' | 'leave' | 'change';

export class Frame {
  readonly #view: View;
  #now = NaN;

  /** @internal Use Live.frame(). */
  constructor(view: View) {
    this.#view = view;
  }

  /** @internal It shows another moment from now on. */
  move(now: number): void {
    this.#now = now;
  }

  /** The moment that it was asked for. */
  get now(): number {
    return this.#now;
  }

  /** Calls `fn` for each run of shown entities that have all of the components: their number, their
   * columns to be read, and their handles, which are the server's. All of it is valid until the
   * next picture. */
  each<const R extends readonly AnyComponent[]>(
    components: R,
    fn: (
      n: number,
      ...columns: [...{ [I in keyof R]: Reads<R[I]> }, entities: EntityColumnView]
    ) => void,
  ): this {
    this.#view.each(components, fn as unknown as (...args: unknown[]) => void);
    return this;
  }

  /** Calls `fn` for each entity that has all of the components now and had not in the picture
   * before ('enter'), or the other way round ('leave'), or whose values of one of them changed and
   * that has all ('change'). */
  on(change: FrameChange, components: readonly AnyComponent[], fn: (entity: Entity) => void): this {
    if (change !== 'change') {
      this.#view.changes(components, change === 'enter', fn);
      return this;
    }
    const told = components.length > 1 ? new Set<Entity>() : null;
    for (const component of components) {
      this.#view.changed(component, entity => {
        if (told?.has(entity) || !components.every(c => this.has(entity, c))) return;
        told?.add(entity);
        fn(entity);
      });
    }
    return this;
  }

  /** An entity's shown value; undefined: not shown, or has none. */
  get<C extends AnyComponent>(entity: Entity, component: C): Readonly<Value<C>> | undefined {
    return this.#view.get(entity, component) as Readonly<Value<C>> | undefined;
  }

  /** Whether an entity is shown and has the component. */
  has(entity: Entity, component: AnyComponent): boolean {
    return this.#view.get(entity, component) !== undefined;
  }

  /** A resource's newest value; undefined before it came. */
  resource<N extends string, F extends Fields>(
    resource: EventType<N, F>,
  ): Readonly<Value<Component<N, F>>> | undefined {
    return this.#view.resource(resource) as Readonly<Value<Component<N, F>>> | undefined;
  }
}
