// SPDX-License-Identifier: MIT
// The names that programs written for the notes' own world use, beside this package's: queries by
// lists, iteration by entity, and commands. All of it is said in terms of World's other calls.

import type { AnyComponent, Value } from './component.js';
import type { Entity } from './entity.js';
import type { QuerySpec } from './query.js';
import type { World } from './world.js';

/** What `makeQuery` takes. */
export interface NotesQuerySpec {
  all?: readonly AnyComponent[];
  any?: readonly AnyComponent[];
  none?: readonly AnyComponent[];
}

/** What `makeQuery` gives. */
export interface NotesQuery {
  readonly components: readonly AnyComponent[];
  readonly spec: QuerySpec;
}

/** What `iter` gives for an entity: its handle, a function that gets more of it, and the values. */
export type NotesRow = [
  Entity,
  <C extends AnyComponent>(c: C) => Value<C> | undefined,
  ...unknown[],
];

export function makeNotesQuery(spec: NotesQuerySpec): NotesQuery {
  const query: {
    with?: readonly AnyComponent[];
    any?: readonly AnyComponent[];
    not?: readonly AnyComponent[];
  } = {};
  if (spec.all) query.with = spec.all;
  if (spec.any) query.any = spec.any;
  if (spec.none) query.not = spec.none;
  return { components: [...(spec.all ?? []), ...(spec.any ?? [])], spec: query };
}

/** Goes over entities as they were listed; those that die meanwhile are left out. */
export function* iterate(
  world: World,
  entities: readonly Entity[],
  components: readonly AnyComponent[],
): Generator<NotesRow> {
  for (const entity of entities) {
    if (!world.isAlive(entity)) continue;
    const get = <C extends AnyComponent>(c: C): Value<C> | undefined => world.get(entity, c);
    yield [entity, get, ...components.map(get)];
  }
}

/** The notes' command list: the world's own calls, which are queued anyway. */
export class Commands {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** The handle is real at once. */
  createEntity(): Entity {
    return this.#world.spawn();
  }

  destroyEntity(entity: Entity): void {
    this.#world.destroy(entity);
  }

  add<C extends AnyComponent>(entity: Entity, component: C, value?: Partial<Value<C>>): void {
    this.#world.add(entity, component, value);
  }

  remove(entity: Entity, component: AnyComponent): void {
    this.#world.remove(entity, component);
  }

  /** As World.set; a component that is not there is added. */
  set<C extends AnyComponent>(entity: Entity, component: C, value: Partial<Value<C>>): void {
    if (!this.#world.set(entity, component, value)) this.#world.add(entity, component, value);
  }

  flush(): void {
    this.#world.flush();
  }
}
