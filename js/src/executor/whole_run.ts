// SPDX-License-Identifier: MIT
// Jobs that are called once with all rows: on plain data that can be cloned, so that they run in
// any worker, and may be asynchronous. The same code runs them there and in process. Nothing here
// knows wasm.
//
//     rows gathered by whole_job.ts -> WholeInput -> job -> WholeResult -> packed there

import type { FieldLayout } from '../component.js';
import { EntityColumn, type Entity } from '../entity.js';
import { LimitError, SkepError } from '../errors.js';
import type { AnyJob } from '../job.js';
import { randomAt } from '../pool/random.js';

export type GatheredColumn =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;
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

/** All new events of a type, or those to the rows. Columns of handles are words. */
export interface GatheredEvents {
  readonly name: string;
  /** Fields that hold handles. */
  readonly entities: readonly string[];
  readonly all: Readonly<Record<string, unknown>>;
  readonly inbox: Readonly<Record<string, unknown>> | null;
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
  readonly heard: readonly GatheredEvents[];
  readonly components: readonly GatheredComponent[];
  /** Handles that spawns get, in order. */
  readonly spawns: readonly number[];
  readonly overwrite: boolean;
  /** Names of components that may be put and removed. */
  readonly puts: readonly string[];
  /** Names of events that may be sent, and of prefabs that may be spawned. */
  readonly emits: readonly string[];
  readonly prefabs: readonly string[];
  /** A spawn without a prefab is allowed. */
  readonly bare: boolean;
  readonly destroys: boolean;
  /** The core's key of this system and tick, for random numbers. */
  readonly key: Uint32Array;
}

/** What a job asked for beside its columns, in order. */
export interface WholeCommand {
  readonly kind: 'spawn' | 'destroy' | 'put' | 'remove' | 'send';
  readonly entity: number;
  /** Of the component, the event or the prefab. */
  readonly name?: string;
  readonly value?: unknown;
}

export interface WholeResult {
  readonly out: Readonly<Record<string, Gathered>>;
  readonly commands: readonly WholeCommand[];
}

export function isWhole(input: unknown): input is WholeInput {
  return (
    typeof input === 'object' && input !== null && (input as Partial<WholeInput>).skepWhole === true
  );
}

/** Copies a value that can be cloned. Most are small plain objects. */
export function copyValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'function' || typeof value === 'symbol'
      ? structuredClone(value)
      : value;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return structuredClone(value);
  for (const key in value) {
    const part = (value as Record<string, unknown>)[key];
    if (typeof part === 'object' || typeof part === 'function' || typeof part === 'symbol') {
      return structuredClone(value);
    }
  }
  return { ...value };
}

function shown(component: GatheredComponent, values: Gathered): unknown {
  if (component.object || Array.isArray(values)) return values;
  const columns: Record<string, unknown> = {};
  for (const field of component.layout) {
    const column = values[field.name]!;
    columns[field.name] =
      field.type === 'entity' ? new EntityColumn(column as Uint32Array) : column;
  }
  return columns;
}

/** The new values of a component, which begin as the old ones unless the job overwrites all. */
function fresh(component: GatheredComponent, overwrite: boolean): Gathered {
  const { values } = component;
  if (Array.isArray(values)) return values.map(copyValue);
  const out: Record<string, GatheredColumn> = component.out ?? {};
  for (const [name, column] of Object.entries(values)) {
    if (!component.out) out[name] = column.slice();
    else if (!overwrite) (out[name] as Uint8Array).set(column as Uint8Array);
  }
  return out;
}

function shownEvents(heard: GatheredEvents, columns: Readonly<Record<string, unknown>>): unknown {
  const shown: Record<string, unknown> = { ...columns };
  for (const name of heard.entities) {
    if (shown[name]) shown[name] = new EntityColumn(shown[name] as Uint32Array);
  }
  return shown;
}

/** What a job of defineJob is called with, where it gets all rows. */
class Input {
  declare readonly n: number;
  declare readonly dt: number;
  declare readonly time: number;
  declare readonly tick: number;
  declare readonly extra: unknown;
  declare readonly resources: Readonly<Record<string, unknown>>;
  readonly entities: EntityColumn;
  readonly cols: Record<string | number, unknown> = {};
  readonly out: Record<string, unknown> = {};
  readonly events: Record<string, unknown> = {};
  readonly inbox: Record<string, unknown> = {};
  readonly #input: WholeInput;
  readonly #commands: WholeCommand[] = [];
  readonly #results: Record<string, Gathered> = {};
  #eids: readonly Entity[] | null = null;
  #spawned = 0;
  #over = false;

  constructor(input: WholeInput) {
    this.#input = input;
    const { n, dt, time, tick, extra, resources } = input;
    Object.assign(this, { n, dt, time, tick, extra, resources });
    this.entities = new EntityColumn(input.entities);
    for (const component of input.components) this.#show(component);
    for (const heard of input.heard) {
      this.events[heard.name] = shownEvents(heard, heard.all);
      if (heard.inbox) this.inbox[heard.name] = shownEvents(heard, heard.inbox);
    }
  }

  get eids(): readonly Entity[] {
    return (this.#eids ??= [...this.entities]);
  }

  #show(component: GatheredComponent): void {
    const { name, cid } = component;
    this.cols[name] = this.cols[cid] = shown(component, component.values);
    if (!component.write) return;
    const values = fresh(component, this.#input.overwrite);
    if (!component.out) this.#results[name] = values;
    this.out[name] = shown(component, values);
  }

  /** Ends the call; gives what the job did. */
  end(): WholeResult {
    this.#over = true;
    const over = new Proxy({}, { get: () => this.#dead() });
    for (const { name, cid } of this.#input.components) {
      this.cols[name] = this.cols[cid] = this.out[name] = over;
    }
    return { out: this.#results, commands: this.#commands };
  }

  #dead(): never {
    throw new SkepError('E_ACCESS', `job "${this.#input.job}" used its input after it returned`, {
      hint: 'a job is a function of its input, and done when it returns, or its promise does',
    });
  }

  #push(allowed: boolean, what: string, hint: string, command: WholeCommand): void {
    if (this.#over) this.#dead();
    if (!allowed) {
      throw new SkepError('E_ACCESS', `job "${this.#input.job}" may not ${what}`, { hint });
    }
    this.#commands.push(command);
  }

  // Calls are properties, so that a job may take them out of its input by name.

  readonly spawn = (prefab?: { name: string }): Entity => {
    const { job, spawns, prefabs, bare } = this.#input;
    const name = prefab?.name;
    const allowed = name === undefined ? bare : prefabs.includes(name);
    if (allowed && this.#spawned === spawns.length) {
      throw new LimitError(
        `job "${job}" spawned more than its spawnMax of ${spawns.length}, or the `
          + 'world has no entity left',
        'spawnMax',
        spawns.length,
        spawns.length + 1,
        { hint: 'raise spawnMax of the job, or limits.entities of the world' },
      );
    }
    const entity = spawns[this.#spawned] ?? 0;
    this.#push(
      allowed,
      `spawn ${name ?? ''}`.trim(),
      name === undefined ? 'defineJob({ spawnMax })' : `defineJob({ spawns: [${name}] })`,
      { kind: 'spawn', entity, ...(name !== undefined && { name }) },
    );
    this.#spawned++;
    return entity as Entity;
  };

  readonly destroy = (entity: Entity): void => {
    this.#push(this.#input.destroys, 'destroy', 'defineJob({ destroys: true })', {
      kind: 'destroy',
      entity,
    });
  };

  readonly put = (entity: Entity, { name }: { name: string }, value?: unknown): void => {
    this.#push(this.#input.puts.includes(name), `put ${name}`, `defineJob({ puts: [${name}] })`, {
      kind: 'put',
      entity,
      name,
      value: copyValue(value),
    });
  };

  readonly remove = (entity: Entity, { name }: { name: string }): void => {
    this.#push(
      this.#input.puts.includes(name),
      `remove ${name}`,
      `defineJob({ puts: [${name}] })`,
      { kind: 'remove', entity, name },
    );
  };

  readonly send = ({ name }: { name: string }, to: Entity | 0, value: unknown): void => {
    this.#push(
      this.#input.emits.includes(name),
      `send ${name}`,
      `defineJob({ emits: [${name}] })`,
      { kind: 'send', entity: to, name, value: copyValue(value) },
    );
  };

  readonly random = (entity: Entity, draw: number): number =>
    randomAt(this.#input.key, entity, draw);
}

/** Calls a job of defineJob with all rows and collects what it did. */
export function runWhole(job: AnyJob, wanted: WholeInput): WholeResult | Promise<WholeResult> {
  const input = new Input(wanted);
  const called = job.handle(input as never) as unknown;
  if (typeof (called as PromiseLike<unknown> | null | undefined)?.then === 'function') {
    return Promise.resolve(called as PromiseLike<unknown>).then(() => input.end());
  }
  return input.end();
}
