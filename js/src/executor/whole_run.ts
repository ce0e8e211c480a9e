// SPDX-License-Identifier: MIT
// Jobs that are called once with all rows: on plain data that can be cloned, so that they run in any
// worker, and may be asynchronous. The same code runs them there and in process. Nothing here knows
// wasm.
//
//     rows gathered by whole_job.ts -> WholeInput -> job -> WholeResult -> packed there

import type { FieldLayout } from '../component.js';
import { EntityColumn, type Entity } from '../entity.js';
import { SkepError } from '../errors.js';
import type { AnyJob } from '../job.js';
import { randomAt, randomKey, type RandomKey } from '../pool/random.js';

export type GatheredColumn = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array
  | Uint32Array | Float32Array | Float64Array | BigInt64Array | BigUint64Array;
/** The columns of a typed component, or the values of an object component. */
export type Gathered = Record<string, GatheredColumn> | unknown[];

/** All rows of one component. */
export interface GatheredComponent {
  readonly name: string;
  readonly cid: number;
  readonly layout: readonly FieldLayout[];
  readonly object: boolean;
  readonly write: boolean;
  readonly values: Gathered;
  /** Where new values go, where that is memory that the caller sees too; else they come back. */
  readonly out?: Record<string, GatheredColumn>;
}

export interface WholeInput {
  readonly skepWhole: true;
  readonly job: string;
  readonly n: number;
  readonly dt: number;
  readonly time: number;
  readonly tick: number;
  readonly extra: unknown;
  /** The rows' handles, two words each. */
  readonly entities: Uint32Array;
  readonly resources: Readonly<Record<string, unknown>>;
  readonly components: readonly GatheredComponent[];
  /** Handles that spawns get, in order. */
  readonly spawns: readonly number[];
  readonly overwrite: boolean;
  /** Names of components that may be put and removed. */
  readonly puts: readonly string[];
  readonly destroys: boolean;
  /** The world's seed, for random numbers. */
  readonly seed: number;
}

/** What a job asked for beside its columns, in order. */
export interface WholeCommand {
  readonly kind: 'spawn' | 'destroy' | 'put' | 'remove';
  readonly entity: number;
  readonly name?: string;
  readonly value?: unknown;
}

export interface WholeResult {
  readonly out: Readonly<Record<string, Gathered>>;
  readonly commands: readonly WholeCommand[];
}

export function isWhole(input: unknown): input is WholeInput {
  return typeof input === 'object' && input !== null
    && (input as Partial<WholeInput>).skepWhole === true;
}

function shown(component: GatheredComponent, values: Gathered): unknown {
  if (component.object || Array.isArray(values)) return values;
  const columns: Record<string, unknown> = {};
  for (const field of component.layout) {
    const column = values[field.name]!;
    columns[field.name] = field.type === 'entity' ? new EntityColumn(column as Uint32Array) : column;
  }
  return columns;
}

/** The new values of a component, which begin as the old ones unless the job overwrites all. */
function fresh(component: GatheredComponent, overwrite: boolean): Gathered {
  const { values } = component;
  if (Array.isArray(values)) return structuredClone(values) as unknown[];
  const out: Record<string, GatheredColumn> = component.out ?? {};
  for (const [name, column] of Object.entries(values)) {
    if (!component.out) out[name] = column.slice();
    else if (!overwrite) (out[name] as Uint8Array).set(column as Uint8Array);
  }
  return out;
}

/** Calls a job of defineJob with all rows and collects what it did. */
export function runWhole(job: AnyJob, input: WholeInput): WholeResult | Promise<WholeResult> {
  const commands: WholeCommand[] = [];
  const cols: Record<string | number, unknown> = {};
  const out: Record<string, unknown> = {};
  const results: Record<string, Gathered> = {};
  for (const component of input.components) {
    cols[component.name] = cols[component.cid] = shown(component, component.values);
    if (!component.write) continue;
    const values = fresh(component, input.overwrite);
    if (!component.out) results[component.name] = values;
    out[component.name] = shown(component, values);
  }
  let spawned = 0;
  let key: RandomKey | undefined;
  const may = (allowed: boolean, what: string, hint: string): void => {
    if (!allowed) {
      throw new SkepError('E_ACCESS', `job "${input.job}" may not ${what}`, { hint });
    }
  };
  const entities = new EntityColumn(input.entities);
  let eids: Entity[] | undefined;
  const called = job.handle({
    n: input.n, dt: input.dt, time: input.time, tick: input.tick, extra: input.extra,
    entities, cols, out,
    get eids(): Entity[] {
      return (eids ??= [...entities]);
    },
    resources: input.resources,
    spawn(): Entity {
      may(input.spawns.length > 0, 'spawn', 'defineJob({ spawnMax })');
      if (spawned === input.spawns.length) {
        throw new SkepError('E_LIMIT', `job "${input.job}" spawned more than its spawnMax`);
      }
      const entity = input.spawns[spawned++]!;
      commands.push({ kind: 'spawn', entity });
      return entity as Entity;
    },
    destroy(entity: Entity): void {
      may(input.destroys, 'destroy', 'defineJob({ destroys: true })');
      commands.push({ kind: 'destroy', entity });
    },
    put(entity: Entity, component: { name: string }, value?: unknown): void {
      may(input.puts.includes(component.name), `put ${component.name}`,
        `defineJob({ puts: [${component.name}] })`);
      commands.push({ kind: 'put', entity, name: component.name, value });
    },
    random: (entity: Entity, draw: number): number =>
      randomAt(key ??= randomKey(input.seed, input.job, input.tick), entity, draw),
    send(): void {
      may(false, 'send events', 'jobs that are called once with all rows put components instead');
    },
    remove(entity: Entity, component: { name: string }): void {
      may(input.puts.includes(component.name), `remove ${component.name}`,
        `defineJob({ puts: [${component.name}] })`);
      commands.push({ kind: 'remove', entity, name: component.name });
    },
  } as never) as unknown;
  const result: WholeResult = { out: results, commands };
  if (typeof (called as PromiseLike<unknown> | null | undefined)?.then === 'function') {
    return (called as Promise<unknown>).then(() => result);
  }
  return result;
}
