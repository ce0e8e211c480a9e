// SPDX-License-Identifier: MIT
// Jobs: pure functions from columns to columns and patches. A job module is the same on Node, in
// browser workers and in process; it never sees a world.

import { SkepError } from './errors.js';
import type { Entity, EntityColumnView } from './entity.js';
import {
  infoOf,
  type AnyComponent,
  type Component,
  type EventType,
  type Fields,
  type Reads,
  type Value,
  type Writes,
} from './component.js';
import type { Prefab } from './prefab.js';

/** What a job is called with: a block of rows, or all of them where it is not split. Dies when the
 * job returns. */
export interface JobInput<
  R extends readonly AnyComponent[] = readonly AnyComponent[],
  W extends readonly AnyComponent[] = readonly [],
  X = undefined,
  S extends readonly EventType[] = readonly EventType[],
  H extends readonly EventType[] = readonly EventType[],
> {
  /** Rows. */
  readonly n: number;
  /** Seconds that this frame simulates. */
  readonly dt: number;
  /** Seconds since the world began, or what the caller of the frame passed. */
  readonly time: number;
  /** Frames run before this one. */
  readonly tick: number;
  /** What the system's `extra` gave for this frame. */
  readonly extra: X;
  /** The rows' handles. */
  readonly entities: EntityColumnView;
  /** The same as an array of numbers, made when it is first asked for. */
  readonly eids: readonly Entity[];
  /** Old values by component name (and by the component's id in the scheduler's realm). */
  readonly cols: { readonly [C in R[number] | W[number] as C['name']]: Reads<C> };
  /** New values, to be written. They hold the old ones, unless the job says `overwrite`. */
  readonly out: { readonly [C in W[number] as C['name']]: Writes<C> };
  /** Creates an entity, from a prefab of the job's `spawns` if one is given: a real handle at once.
   * `put` gives it values; of a prefab they replace its own. */
  spawn(prefab?: Prefab): Entity;
  /** Destroys an entity, and all that have it as their parent. One that is gone is no error. */
  destroy(entity: Entity): void;
  /** Adds a component, or sets it where there is one; the last one wins. */
  put<C extends AnyComponent>(entity: Entity, component: C, value?: Partial<Value<C>>): void;
  /** Removes a component. */
  remove(entity: Entity, component: AnyComponent): void;
  /** Resources that the job reads, by name. */
  readonly resources: { readonly [C in S[number] as C['name']]: Readonly<Value<C>> };
  /** Events and inputs of `hears` that the system has not seen, by name, in the order in which they
   * came. */
  readonly events: { readonly [C in H[number] as C['name']]: HeardEvents<C> };
  /** Those of them that are addressed to the rows. */
  readonly inbox: { readonly [C in H[number] as C['name']]: HeardInbox<C> };
  /** Sends an event, to an entity or, with 0, to all. */
  send<N extends string, F extends Fields>(
    event: EventType<N, F>,
    to: Entity | 0,
    value: Partial<Value<Component<N, F>>>,
  ): void;
  /** A number of [0, 1) that depends on nothing but (seed, system, tick, entity, draw). */
  random(entity: Entity, draw: number): number;
}

/** All new events of a type: their number, whom each is for (0: all), and a column a field. */
export type HeardEvents<C> = { readonly n: number; readonly to: EntityColumnView } & Reads<C>;
/** The events to the rows of a block: of row i those from begin[i] to begin[i + 1]; a column a
 * field. */
export type HeardInbox<C> = { readonly begin: Uint32Array } & Reads<C>;

export type JobHandler<
  R extends readonly AnyComponent[],
  W extends readonly AnyComponent[],
  X,
  S extends readonly EventType[] = readonly EventType[],
  H extends readonly EventType[] = readonly EventType[],
> = (input: JobInput<R, W, X, S, H>) => void;

export interface JobSpec<
  R extends readonly AnyComponent[],
  W extends readonly AnyComponent[],
  S extends readonly EventType[] = readonly EventType[],
  H extends readonly EventType[] = readonly EventType[],
> {
  /** Unique among a scheduler's systems; also the system's name. */
  name: string;
  /** What is read. Together with `writes` it says which rows the job gets. */
  reads?: R;
  /** What is written: `out` holds its columns. */
  writes?: W;
  /** Further components that a row must, or must not, have. */
  with?: readonly AnyComponent[];
  not?: readonly AnyComponent[];
  /** Components that the job may put on or remove from any entity, other than `writes`. */
  puts?: readonly AnyComponent[];
  /** Resources that are read. */
  resources?: S;
  /** Events that may be sent. */
  emits?: readonly EventType[];
  /** Events and inputs that are heard. */
  hears?: H;
  /** The job may destroy entities. */
  destroys?: boolean;
  /** The most entities that one call spawns; 0, the default: none. */
  spawnMax?: number;
  /** Prefabs that may be spawned, of components with columns. */
  spawns?: readonly Prefab[];
  /** `out` starts with anything, and every row must be written. Spares a copy. */
  overwrite?: boolean;
  /** false: called once with all rows instead of once a block. */
  split?: boolean;
  /** import.meta.url of the module that exports it, so that workers can find it without a bundler's
   * help. Not needed where `createWorker` serves the job. */
  module?: string | URL;
}

/** A job, made by defineJob. */
export interface Job<
  R extends readonly AnyComponent[] = readonly AnyComponent[],
  W extends readonly AnyComponent[] = readonly AnyComponent[],
  X = unknown,
> {
  readonly name: string;
  readonly reads: R;
  readonly writes: W;
  readonly with: readonly AnyComponent[];
  readonly not: readonly AnyComponent[];
  readonly puts: readonly AnyComponent[];
  readonly resources: readonly EventType[];
  readonly emits: readonly EventType[];
  readonly hears: readonly EventType[];
  readonly destroys: boolean;
  readonly spawnMax: number;
  readonly spawns: readonly Prefab[];
  readonly overwrite: boolean;
  readonly split: boolean;
  readonly module: string | undefined;
  readonly handle: JobHandler<R, W, X>;
}
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyJob = Job<any, any, any>;

/** Defines a job. Throws SkepError (E_ARGUMENT) for a name or list that is none. */
export function defineJob<
  const R extends readonly AnyComponent[] = readonly [],
  const W extends readonly AnyComponent[] = readonly [],
  X = undefined,
  const S extends readonly EventType[] = readonly [],
  const H extends readonly EventType[] = readonly [],
>(spec: JobSpec<R, W, S, H>, handle: JobHandler<R, W, X, S, H>): Job<R, W, X> {
  if (typeof spec.name !== 'string' || !spec.name || spec.name.length > 63) {
    throw new SkepError('E_ARGUMENT', `${JSON.stringify(spec.name)} is no name of a job`, {
      hint: 'give it 1 to 63 characters',
    });
  }
  if (typeof handle !== 'function') {
    throw new SkepError('E_ARGUMENT', `job "${spec.name}" has no function`, {
      hint: 'defineJob({ name, reads, writes }, input => { ... })',
    });
  }
  if (spec.spawns?.length && !spec.spawnMax) {
    throw new SkepError('E_ARGUMENT', `job "${spec.name}" spawns and does not say how many`, {
      hint: 'spawnMax: the most entities that one call spawns',
    });
  }
  const lists = [
    spec.reads,
    spec.writes,
    spec.with,
    spec.not,
    spec.puts,
    spec.resources,
    spec.emits,
    spec.hears,
  ];
  for (const list of lists) for (const component of list ?? []) infoOf(component);
  return Object.freeze({
    name: spec.name,
    reads: spec.reads ?? ([] as unknown as R),
    writes: spec.writes ?? ([] as unknown as W),
    with: spec.with ?? [],
    not: spec.not ?? [],
    puts: spec.puts ?? [],
    resources: spec.resources ?? [],
    emits: spec.emits ?? [],
    hears: spec.hears ?? [],
    destroys: spec.destroys ?? false,
    spawnMax: spec.spawnMax ?? 0,
    spawns: spec.spawns ?? [],
    overwrite: spec.overwrite ?? false,
    split: spec.split ?? true,
    module: spec.module === undefined ? undefined : String(spec.module),
    handle: handle as unknown as JobHandler<R, W, X>,
  });
}

/** Whether something is a job. */
export function isJob(thing: unknown): thing is AnyJob {
  return (
    typeof thing === 'object'
    && thing !== null
    && typeof (thing as AnyJob).handle === 'function'
    && typeof (thing as AnyJob).name === 'string'
    && Array.isArray((thing as AnyJob).reads)
  );
}
