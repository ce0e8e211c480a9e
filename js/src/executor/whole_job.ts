// SPDX-License-Identifier: MIT
// The scheduler's side of jobs that are called once with all rows. The plan makes one task of all
// rows for them and hands it over; the rows are gathered into plain arrays, the job runs wherever the
// pool runs it, and what it gives back is written to where the task's own output goes: columns to
// its fresh blocks, all else as packed patches that the plan verifies like any other job's. Values of
// object components, of which wasm knows only that they are there, wait until the batch has
// committed.

import type { Host, Known } from '../core/host.js';
import { PART, POOL_TASK } from '../core/layout.js';
import { makeColumn } from '../core/columns.js';
import { writeStruct } from '../core/values.js';
import { EntityColumn, entityGeneration, type Entity } from '../entity.js';
import { PatchError, SkepError } from '../errors.js';
import { checkPatches, type Patch } from '../patches.js';
import { cloneValue } from '../object_store.js';
import type { QuerySpec } from '../query.js';
import type { World } from '../world.js';
import type { Gathered, GatheredColumn, GatheredComponent, WholeCommand, WholeInput, WholeResult }
  from './whole_run.js';

/** skep_patch_kind. */
const PATCH = { set: 1, put: 2, remove: 3, destroy: 4, spawn: 5 } as const;
const HEADER = 16;
/** In place of a column: the handles. */
const NO_COLUMN = 0xffffffff;

/** A component of a whole job. */
export interface WholeComponent {
  readonly known: Known;
  /** Byte offsets of its pointers in the struct: to old values, and to new ones (-1: none). */
  readonly read: number;
  readonly out: number;
  /** Places of rights in the access table, -1: none. */
  add: number;
  remove: number;
  /** Its values are part of the input. */
  readonly shown: boolean;
}

export interface WholeBinding {
  readonly id: number;
  readonly system: string;
  readonly components: readonly WholeComponent[];
  readonly spawn: number;
  readonly destroy: number;
  readonly overwrite: boolean;
  /** The notes' way: patches come back, and the input is theirs. */
  readonly notes: boolean;
  readonly writes: readonly number[];
  /** Where the rows are those of a query that no access table can say; values are looked up. */
  readonly query: QuerySpec | null;
}

/** A change of an object component's value, to be made after the commit. */
export interface ObjectChange {
  readonly known: Known;
  readonly entity: Entity;
  readonly value: unknown;
}

/** What a task puts out: packed patches, and what JavaScript does itself. */
export interface WholeOutput {
  readonly bytes: Uint8Array;
  readonly changes: readonly ObjectChange[];
  /** Patches for entities that are gone, or lack what was to be set. */
  readonly dropped: number;
}

interface Part {
  n: number;
  entity: number;
  columns: number;
}

/** Memory for gathered rows, kept from frame to frame: the world's own where that is shared, so that
 * workers see it and nothing is copied on the way; else arrays, which messages copy. */
export class WholeBuffers {
  readonly shared: boolean;
  readonly #host: Host;
  readonly #kept = new Map<string, { buffer: ArrayBufferLike; at: number; bytes: number }>();

  constructor(host: Host) {
    this.#host = host;
    this.shared = host.instance.shared;
  }

  /** A place of at least so many bytes under a name; what it holds is anything. */
  take(name: string, bytes: number): { buffer: ArrayBufferLike; at: number } {
    const kept = this.#kept.get(name);
    if (kept && kept.bytes >= bytes) return kept;
    if (kept) this.#free(kept);
    const size = bytes + (bytes >> 2) + 64;
    const place = this.shared
      ? { buffer: this.#host.instance.memory.buffer, at: this.#host.alloc(size), bytes: size }
      : { buffer: new ArrayBuffer(size), at: 0, bytes: size };
    this.#kept.set(name, place);
    return place;
  }

  #free(place: { at: number; bytes: number }): void {
    if (this.shared) this.#host.free(place.at, place.bytes);
  }

  /** Forgets all, and leaves it to a worker that may still write to it. */
  drop(): void {
    this.#kept.clear();
  }

  /** Gives all of it back. */
  release(): void {
    for (const place of this.#kept.values()) this.#free(place);
    this.#kept.clear();
  }
}

/** A view of a handed task. */
export class WholeTask {
  readonly #host: Host;
  readonly #world: World;
  readonly task: number;
  readonly parts: readonly Part[];
  readonly n: number;

  constructor(world: World, task: number) {
    this.#world = world;
    this.#host = world.host;
    this.task = task;
    const { u32 } = this.#host.instance;
    const parts: Part[] = [];
    const at = u32[(task + POOL_TASK.parts) >> 2]!;
    for (let p = 0; p < u32[(task + POOL_TASK.partCount) >> 2]!; p++) {
      const part = (at + p * PART.bytes) >> 2;
      parts.push({ n: u32[part + PART.n / 4]!, entity: u32[part]!,
        columns: u32[part + PART.columns / 4]! });
    }
    this.parts = parts;
    this.n = parts.reduce((sum, part) => sum + part.n, 0);
  }

  /** The rows' handles, two words each. */
  entities(buffers: WholeBuffers): Uint32Array {
    const place = buffers.take('entities', 8 * this.n);
    const words = new Uint32Array(place.buffer, place.at, 2 * this.n);
    this.#gather(NO_COLUMN, 8, words, buffers);
    return words;
  }

  /** Copies a column of all parts behind each other: in one call where both lie in the world's
   * memory. */
  #gather(column: number, bytes: number, to: ArrayBufferView, buffers: WholeBuffers): void {
    const { ex, u8, u32 } = this.#host.instance;
    if (buffers.shared) {
      ex['skep_task_gather']!(this.task, column, bytes, to.byteOffset);
      return;
    }
    const target = new Uint8Array(to.buffer, to.byteOffset, to.byteLength);
    let at = 0;
    for (const part of this.parts) {
      const from = column === NO_COLUMN ? part.entity : u32[(part.columns + column) >> 2]!;
      target.set(u8.subarray(from, from + part.n * bytes), at);
      at += part.n * bytes;
    }
  }

  spawns(): number[] {
    const { u32, memory } = this.#host.instance;
    const count = u32[(this.task + POOL_TASK.spawnCount) >> 2]!;
    const at = u32[(this.task + POOL_TASK.spawns) >> 2]!;
    return count ? [...new EntityColumn(new Uint32Array(memory.buffer, at, 2 * count))] : [];
  }

  /** All rows of a component's columns, gathered. */
  gather(component: WholeComponent, buffers: WholeBuffers): Record<string, GatheredColumn> {
    const columns = this.columns(component, buffers, '');
    component.known.info.layout.forEach((field, f) => {
      this.#gather(component.read + 4 * f, field.size * field.count, columns[field.name]!, buffers);
    });
    return columns;
  }

  /** Columns for all rows of a component in kept memory. */
  columns(component: WholeComponent, buffers: WholeBuffers, kind: string):
    Record<string, GatheredColumn> {
    const { info } = component.known;
    const columns: Record<string, GatheredColumn> = {};
    for (const field of info.layout) {
      const place = buffers.take(`${kind} ${info.name} ${field.name}`,
        this.n * field.size * field.count);
      const column = makeColumn(place.buffer, field.type, place.at, this.n * field.count);
      columns[field.name] = (column instanceof EntityColumn ? column.words : column) as
        GatheredColumn;
    }
    return columns;
  }

  /** Writes all rows of a component's new values to the task's blocks. */
  scatter(component: WholeComponent, values: Gathered): void {
    const { instance } = this.#host;
    const { info } = component.known;
    info.layout.forEach((field, f) => {
      const column = (values as Record<string, GatheredColumn | undefined>)[field.name];
      const bytes = field.size * field.count;
      if (!column || column.byteLength !== this.n * bytes) {
        throw new SkepError('E_JOB', `the job gave ${info.name}.${field.name} `
          + `${column ? `${column.byteLength} bytes` : 'nothing'} for ${this.n} rows`);
      }
      if (column.buffer === instance.memory.buffer) {
        instance.ex['skep_task_scatter']!(this.task, component.out + 4 * f, bytes,
                                          column.byteOffset);
        return;
      }
      const from = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
      let at = 0;
      for (const part of this.parts) {
        const to = instance.u32[(part.columns + component.out + 4 * f) >> 2]!;
        instance.u8.set(from.subarray(at, at + part.n * bytes), to);
        at += part.n * bytes;
      }
    });
  }

  /** Lets columns that nobody scattered begin as copies of the old ones. */
  copyRest(component: WholeComponent): void {
    const { instance } = this.#host;
    component.known.info.layout.forEach((field, f) => {
      for (const part of this.parts) {
        const from = instance.u32[(part.columns + component.read + 4 * f) >> 2]!;
        const to = instance.u32[(part.columns + component.out + 4 * f) >> 2]!;
        instance.u8.copyWithin(to, from, from + part.n * field.size * field.count);
      }
    });
  }

  input(binding: WholeBinding, buffers: WholeBuffers, frame: { dt: number; time: number;
    tick: number; extra: unknown; seed: number; resources: Readonly<Record<string, unknown>> }):
    WholeInput {
    const entities = binding.query ? this.#asked(binding.query) : this.entities(buffers);
    const rows = new EntityColumn(entities);
    const components = binding.components.filter(c => c.shown).map((c): GatheredComponent => {
      const { info } = c.known;
      const write = binding.writes.includes(info.id);
      const values = info.object ? this.#values(c.known, rows)
        : binding.query ? [...rows].map(entity => this.#world.get(entity, info)) as unknown[]
        : this.gather(c, buffers);
      const shared = buffers.shared && write && !binding.notes && !Array.isArray(values);
      return { name: info.name, cid: info.id, layout: info.layout, object: info.object, write,
        values, ...shared && { out: this.columns(c, buffers, 'out') } };
    });
    return { skepWhole: true, job: binding.system, n: rows.length, ...frame, entities, components,
      spawns: this.spawns(), overwrite: binding.overwrite,
      puts: binding.components.filter(c => c.add >= 0).map(c => c.known.info.name),
      destroys: binding.destroy >= 0 };
  }

  #asked(query: QuerySpec): Uint32Array {
    const all = [...this.#world.iter({ components: [], spec: query })];
    const rows = new EntityColumn(new Uint32Array(2 * all.length));
    all.forEach((row, i) => rows.set(i, row[0]));
    return rows.words;
  }

  #values(known: Known, rows: EntityColumn): unknown[] {
    const store = this.#world.objects(known.info);
    return [...rows].map(entity => cloneValue(known.info.name, store.peek(entity)));
  }
}

/** The notes' input. */
export function notesInput(input: WholeInput, binding: WholeBinding): unknown {
  const cols: Record<string | number, unknown> = {};
  for (const c of input.components) cols[c.cid] = cols[c.name] = c.values;
  return { eids: [...new EntityColumn(input.entities)], cols, dt: input.dt, time: input.time, writes: binding.writes,
    extra: input.extra };
}

/** Packs patches into the layout of core/store/patch.h. */
class Packer {
  readonly #host: Host;
  #bytes = new Uint8Array(1024);
  #used = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  push(kind: number, slot: number, entity: number, known?: Known, value?: unknown): void {
    const size = known && kind <= PATCH.put ? known.info.size : 0;
    const whole = HEADER + (size + 7 & ~7);
    if (this.#used + whole > this.#bytes.length) {
      const more = new Uint8Array(Math.max(2 * this.#bytes.length, this.#used + whole));
      more.set(this.#bytes);
      this.#bytes = more;
    }
    const view = new DataView(this.#bytes.buffer, this.#used);
    view.setUint8(0, kind);
    view.setUint16(2, slot, true);
    view.setUint32(4, size, true);
    view.setUint32(8, entity >>> 0, true);
    view.setUint32(12, entityGeneration(entity as Entity), true);
    if (size) {
      const { instance, scratch } = this.#host;
      writeStruct(instance, known!.info, scratch, value);
      this.#bytes.set(instance.u8.subarray(scratch, scratch + size), this.#used + HEADER);
    }
    this.#used += whole;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#used);
  }
}

/** Turns what a job of defineJob gave into output; its columns go straight to the blocks. */
export function packResult(world: World, task: WholeTask, binding: WholeBinding,
                           input: WholeInput, result: WholeResult): WholeOutput {
  const packer = new Packer(world.host);
  const changes: ObjectChange[] = [];
  for (const component of binding.components) {
    const { info } = component.known;
    const values = result.out[info.name]
      ?? input.components.find(c => c.name === info.name)?.out;
    if (info.object && values) {
      const rows = new EntityColumn(input.entities);
      (values as unknown[]).forEach((value, row) =>
        changes.push({ known: component.known, entity: rows.at(row), value }));
    } else if (component.out >= 0 && info.layout.length) {
      task.scatter(component, values ?? {});
    }
  }
  for (const command of result.commands) packCommand(packer, binding, command, changes);
  return { bytes: packer.bytes(), changes, dropped: 0 };
}

function packCommand(packer: Packer, binding: WholeBinding, command: WholeCommand,
                     changes: ObjectChange[]): void {
  const { entity } = command;
  if (command.kind === 'spawn') return packer.push(PATCH.spawn, binding.spawn, entity);
  if (command.kind === 'destroy') return packer.push(PATCH.destroy, binding.destroy, entity);
  const component = binding.components.find(c => c.known.info.name === command.name)!;
  if (command.kind === 'remove') return packer.push(PATCH.remove, component.remove, entity);
  packer.push(PATCH.put, component.add, entity, component.known,
    component.known.info.object ? undefined : command.value);
  if (component.known.info.object) {
    changes.push({ known: component.known, entity: entity as Entity,
      value: command.value ?? (component.known.info.defaults as () => unknown)() });
  }
}

/** Turns the notes' list of patches into output. What names no declared component is a fault; what
 * is for an entity that is gone is dropped and counted. */
export function packPatches(world: World, task: WholeTask, binding: WholeBinding,
                            list: unknown): WholeOutput {
  const patches = checkPatches(list);
  const packer = new Packer(world.host);
  const changes: ObjectChange[] = [];
  const given = new Map<number, Entity>();
  const added = new Set<string>();
  const spawns = task.spawns();
  let dropped = 0;
  for (const component of binding.components) {
    if (component.out >= 0 && component.known.info.layout.length) task.copyRest(component);
  }
  patches.forEach((patch, i) => {
    if (patch.kind === 'spawn') {
      if (given.size === spawns.length) {
        throw new PatchError(`patch ${i}: more than ${spawns.length} spawns`, i,
          { hint: 'raise offload.spawnMax' });
      }
      const entity = spawns[given.size]! as Entity;
      given.set(patch.eid, entity);
      return packer.push(PATCH.spawn, binding.spawn, entity);
    }
    const entity = given.get(patch.eid) ?? patch.eid as Entity;
    const isNew = given.has(patch.eid);
    if (patch.eid < 0 && !isNew) {
      throw new PatchError(`patch ${i} (${patch.kind}): eid ${patch.eid} was not spawned before`, i);
    }
    if (!isNew && !world.isAlive(entity)) {
      dropped++;
      return;
    }
    if (patch.kind === 'destroy') return packer.push(PATCH.destroy, binding.destroy, entity);
    dropped += packPatch(world, packer, binding, patch, i, entity, isNew, added, changes);
  });
  return { bytes: packer.bytes(), changes, dropped };
}

function packPatch(world: World, packer: Packer, binding: WholeBinding,
                   patch: Exclude<Patch, { kind: 'spawn' | 'destroy' }>, i: number, entity: Entity,
                   isNew: boolean, added: Set<string>, changes: ObjectChange[]): number {
  const component = binding.components.find(c => c.known.info.id === patch.cid);
  if (!component || component.add < 0) {
    const what = component ? component.known.info.name : `component ${patch.cid}`;
    throw new PatchError(`patch ${i} (${patch.kind}): ${what} is not in \`writes\` of system `
      + `"${binding.system}"`, i, { hint: 'declare it in offload.writes' });
  }
  const { known } = component;
  if (patch.kind === 'remove') {
    packer.push(PATCH.remove, component.remove, entity);
    added.delete(`${entity} ${patch.cid}`);
    return 0;
  }
  const has = added.has(`${entity} ${patch.cid}`) || (!isNew && world.has(entity, known.info));
  if (patch.kind === 'set' && !has) return 1;
  added.add(`${entity} ${patch.cid}`);
  if (!known.info.object) {
    packer.push(PATCH.put, component.add, entity, known, patch.value);
    return 0;
  }
  if (!has) packer.push(PATCH.put, component.add, entity, known);
  if (patch.kind === 'set' || patch.value !== undefined || !has) {
    const value = patch.value === undefined && patch.kind === 'add'
      ? (known.info.defaults as () => unknown)() : patch.value;
    changes.push({ known, entity, value });
  }
  return 0;
}

