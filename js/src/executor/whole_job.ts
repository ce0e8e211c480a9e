// SPDX-License-Identifier: MIT
// The scheduler's side of jobs that are called once with all rows. The plan makes one task of all
// rows for them and hands it over; the rows are gathered into plain arrays, the job runs wherever
// the pool runs it, and what it gives back is written to where the task's own output goes: columns
// to its fresh blocks, all else as packed patches that the plan verifies like any other job's.
// Values of object components, of which wasm knows only that they are there, wait until the batch
// has committed.

import type { Host, Known } from '../core/host.js';
import { FRAME, PART, POOL_TASK } from '../core/layout.js';
import { makeColumn } from '../core/columns.js';
import { readStruct, writeGiven, writeStruct } from '../core/values.js';
import { EntityColumn, entityGeneration, type Entity } from '../entity.js';
import { PatchError, SkepError } from '../errors.js';
import { checkPatches, type Patch } from '../patches.js';
import { copyFault } from '../pool/faults.js';
import type { QuerySpec } from '../query.js';
import type { World } from '../world.js';
import type { BoundMessage } from './binding.js';
import { eventsAt, inboxAt } from './heard.js';
import {
  copyValue,
  type Gathered,
  type GatheredColumn,
  type GatheredComponent,
  type GatheredEvents,
  type WholeCommand,
  type WholeInput,
  type WholeResult,
} from './whole_run.js';

/** skep_patch_kind. */
const PATCH = { put: 2, remove: 3, destroy: 4, spawn: 5, event: 7 } as const;
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
  /** Resources and events: their offsets, and places of the rights to send. */
  readonly resources: readonly { readonly known: Known; readonly offset: number }[];
  readonly emits: readonly { readonly known: Known; readonly slot: number }[];
  readonly hears: readonly BoundMessage[];
  /** Places of the rights to spawn: without a prefab (-1: none), and by the prefab's name. */
  readonly spawn: number;
  readonly spawns: Readonly<Record<string, number>>;
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

/** Memory for gathered rows, kept from frame to frame: the world's own where that is shared, so
 * that workers see it and nothing is copied on the way; else arrays, which messages copy. */
export class WholeBuffers {
  readonly shared: boolean;
  readonly #host: Host;
  readonly #kept = new Map<string, { buffer: ArrayBufferLike; at: number; bytes: number }>();

  /** `shared`: whoever runs the job may have the world's memory. */
  constructor(host: Host, shared: boolean) {
    this.#host = host;
    this.shared = shared && host.instance.shared;
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
  /** The part that a row was looked for last, and its first row. */
  #part = 0;
  #first = 0;

  constructor(world: World, task: number) {
    this.#world = world;
    this.#host = world.host;
    this.task = task;
    const { u32 } = this.#host.instance;
    const parts: Part[] = [];
    const at = u32[(task + POOL_TASK.parts) >> 2]!;
    for (let p = 0; p < u32[(task + POOL_TASK.partCount) >> 2]!; p++) {
      const part = (at + p * PART.bytes) >> 2;
      parts.push({
        n: u32[part + PART.n / 4]!,
        entity: u32[part]!,
        columns: u32[part + PART.columns / 4]!,
      });
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

  /** The same as numbers. */
  eids(): number[] {
    const { memory } = this.#host.instance;
    return this.parts.flatMap(part =>
      part.n ? [...new EntityColumn(new Uint32Array(memory.buffer, part.entity, 2 * part.n))] : [],
    );
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
  columns(
    component: WholeComponent,
    buffers: WholeBuffers,
    kind: string,
  ): Record<string, GatheredColumn> {
    const { info } = component.known;
    const columns: Record<string, GatheredColumn> = {};
    for (const field of info.layout) {
      const place = buffers.take(
        `${kind} ${info.name} ${field.name}`,
        this.n * field.size * field.count,
      );
      const column = makeColumn(place.buffer, field.type, place.at, this.n * field.count);
      columns[field.name] = (
        column instanceof EntityColumn ? column.words : column
      ) as GatheredColumn;
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
      checkColumn(column, this.n * bytes, field.type === 'bool', `${info.name}.${field.name}`);
      if (column.buffer === instance.memory.buffer) {
        instance.ex['skep_task_scatter']!(
          this.task,
          component.out + 4 * f,
          bytes,
          column.byteOffset,
        );
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

  /** Sets the given fields of a row's new value. */
  setRow(component: WholeComponent, row: number, value: unknown): void {
    const { instance, scratch } = this.#host;
    const { info } = component.known;
    const part = this.#partOf(row);
    let mask = writeGiven(instance, info, scratch, value, false);
    for (let f = 0; mask; f++, mask >>= 1) {
      if (!(mask & 1)) continue;
      const field = info.layout[f]!;
      const bytes = field.size * field.count;
      const to =
        instance.u32[(part.columns + component.out + 4 * f) >> 2]! + (row - this.#first) * bytes;
      const from = scratch + field.offset;
      instance.u8.copyWithin(to, from, from + bytes);
    }
  }

  /** The part of a row; #first becomes the part's first row. */
  #partOf(row: number): Part {
    let part = this.parts[this.#part]!;
    if (row < this.#first) {
      this.#part = this.#first = 0;
      part = this.parts[0]!;
    }
    while (row >= this.#first + part.n) {
      this.#first += part.n;
      part = this.parts[++this.#part]!;
    }
    return part;
  }

  /** Lets new columns begin as copies of the old ones. */
  copyOld(component: WholeComponent): void {
    const { instance } = this.#host;
    component.known.info.layout.forEach((field, f) => {
      for (const part of this.parts) {
        const from = instance.u32[(part.columns + component.read + 4 * f) >> 2]!;
        const to = instance.u32[(part.columns + component.out + 4 * f) >> 2]!;
        instance.u8.copyWithin(to, from, from + part.n * field.size * field.count);
      }
    });
  }

  /** What all tasks of the batch share. */
  frame(): { dt: number; time: number; tick: number } {
    const { u32, f32, f64 } = this.#host.instance;
    const at = u32[(this.task + POOL_TASK.frame) >> 2]!;
    return {
      dt: f32[(at + FRAME.dt) >> 2]!,
      time: f64[(at + FRAME.time) >> 3]!,
      tick: u32[(at + FRAME.tick) >> 2]! + u32[(at + FRAME.tick + 4) >> 2]! * 4294967296,
    };
  }

  /** The core's key of the system and tick. */
  #key(): Uint32Array {
    const host = this.#host;
    host.ex['skep_host_task_key']!(host.address, this.task);
    return host.instance.u32.slice(host.io, host.io + 4);
  }

  /** All that the job gets. `here`: it runs in this thread, so nothing may be the world's. */
  input(binding: WholeBinding, buffers: WholeBuffers, extra: unknown, here: boolean): WholeInput {
    const entities = binding.query ? this.#asked(binding.query) : this.entities(buffers);
    const rows = new EntityColumn(entities);
    const components = binding.components
      .filter(c => c.shown)
      .map((c): GatheredComponent => {
        const { info } = c.known;
        const write = binding.writes.includes(info.id);
        const values = info.object
          ? this.#values(c.known, rows, here)
          : binding.query
            ? ([...rows].map(entity => this.#world.get(entity, info)) as unknown[])
            : this.gather(c, buffers);
        const shared = buffers.shared && write && !binding.notes && !Array.isArray(values);
        return {
          name: info.name,
          cid: info.id,
          layout: info.layout,
          object: info.object,
          write,
          values,
          ...(shared && { out: this.columns(c, buffers, 'out') }),
        };
      });
    const { instance } = this.#host;
    const columns = this.parts[0]!.columns;
    const resources = Object.fromEntries(
      binding.resources.map(({ known, offset }) => [
        known.info.name,
        readStruct(instance, known.info, instance.u32[(columns + offset) >> 2]!),
      ]),
    );
    return {
      skepWhole: true,
      job: binding.system,
      n: rows.length,
      ...this.frame(),
      extra,
      entities,
      components,
      resources,
      heard: binding.hears.map(bound => this.#heard(bound)),
      spawns: this.spawns(),
      overwrite: binding.overwrite,
      puts: binding.components.filter(c => c.add >= 0).map(c => c.known.info.name),
      emits: binding.emits.map(e => e.known.info.name),
      prefabs: Object.keys(binding.spawns),
      bare: binding.spawn >= 0,
      destroys: binding.destroy >= 0,
      key: this.#key(),
    };
  }

  #asked(query: QuerySpec): Uint32Array {
    const all = [...this.#world.iter({ components: [], spec: query })];
    const rows = new EntityColumn(new Uint32Array(2 * all.length));
    all.forEach((row, i) => rows.set(i, row[0]));
    return rows.words;
  }

  /** Objects are copied, here or on their way to a worker. */
  #values(known: Known, rows: EntityColumn, here: boolean): unknown[] {
    const store = this.#world.objects(known.info);
    const values = Array.from(rows, entity => store.peek(entity));
    if (!here) return values;
    try {
      return values.map(copyValue);
    } catch (cause) {
      const hint = 'object components hold what structuredClone can copy';
      throw copyFault(`values of "${known.info.name}"`, values, cause, hint);
    }
  }

  #heard(bound: BoundMessage): GatheredEvents {
    const { instance } = this.#host;
    const entities = bound.layout.filter(f => f.type === 'entity').map(f => f.name);
    const all = plain(eventsAt(instance, bound, this.parts[0]!.columns + bound.events));
    let inbox = null;
    if (bound.inbox >= 0) {
      const parts = this.parts.map(part =>
        plain(inboxAt(instance, bound, part.columns + bound.inbox, part.n)),
      );
      inbox = {
        begin: beginsOf(parts.map(part => part['begin'] as Uint32Array)),
        ...Object.fromEntries(
          bound.layout.map(field => [
            field.name,
            joined(parts.map(part => part[field.name] as Uint32Array)),
          ]),
        ),
      };
    }
    return { name: bound.name, entities: [...entities, 'to'], all, inbox };
  }
}

/** What came from a worker may be anything, and only a column's bytes may reach a block. */
function checkColumn(
  column: unknown,
  bytes: number,
  bool: boolean,
  name: string,
): asserts column is GatheredColumn {
  const given = ArrayBuffer.isView(column) ? column.byteLength : -1;
  if (given !== bytes) {
    const what = given < 0 ? 'no column' : `${given} bytes`;
    throw new SkepError('E_ACCESS', `the job gave ${what} for ${name}, which has ${bytes} bytes`);
  }
  if (!bool) return;
  const { buffer, byteOffset } = column as Uint8Array;
  if (new Uint8Array(buffer, byteOffset, bytes).some(value => value > 1)) {
    throw new SkepError('E_ACCESS', `a bool of ${name} is neither 0 nor 1`);
  }
}

/** Copies of columns, handles as words. */
function plain(columns: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => [
      name,
      typeof column === 'number'
        ? column
        : (column instanceof EntityColumn ? column.words : (column as Uint32Array)).slice(),
    ]),
  );
}

/** Arrays of one type behind one another. */
function joined(arrays: readonly Uint32Array[]): Uint32Array {
  const make = arrays[0]!.constructor as Uint32ArrayConstructor;
  const all = new make(arrays.reduce((sum, array) => sum + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

/** The begins of several blocks as those of one. */
function beginsOf(blocks: readonly Uint32Array[]): Uint32Array {
  const begins: number[] = [0];
  for (const block of blocks) {
    const base = begins.at(-1)!;
    for (let i = 1; i < block.length; i++) begins.push(base + block[i]!);
  }
  return Uint32Array.from(begins);
}

/** The notes' input. */
export function notesInput(input: WholeInput, binding: WholeBinding): unknown {
  const cols: Record<string | number, unknown> = {};
  for (const c of input.components) cols[c.cid] = cols[c.name] = c.values;
  return {
    eids: [...new EntityColumn(input.entities)],
    cols,
    dt: input.dt,
    time: input.time,
    writes: binding.writes,
    extra: input.extra,
  };
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
    const size = known ? known.info.size : 0;
    const whole = HEADER + ((size + 7) & ~7);
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

/** Copies values of objects, but for those that came from a worker and are met for the first time:
 * they are nobody else's. */
class Owner {
  readonly #seen: Set<unknown> | null;

  constructor(here: boolean) {
    this.#seen = here ? null : new Set();
  }

  own(value: unknown): unknown {
    if (!this.#seen || typeof value !== 'object' || this.#seen.has(value)) return copyValue(value);
    this.#seen.add(value);
    return value;
  }
}

/** Turns what a job of defineJob gave into output; its columns go straight to the blocks. */
export function packResult(
  world: World,
  task: WholeTask,
  binding: WholeBinding,
  input: WholeInput,
  result: WholeResult,
  here: boolean,
): WholeOutput {
  const packer = new Packer(world.host);
  const owner = new Owner(here);
  const changes: ObjectChange[] = [];
  checkResult(result, input);
  for (const component of binding.components) {
    const { info } = component.known;
    const values = result.out[info.name] ?? input.components.find(c => c.name === info.name)?.out;
    if (info.object && values) {
      changes.push(...objectChanges(component.known, binding, input, values, owner));
    } else if (component.out >= 0 && info.layout.length) {
      task.scatter(component, values ?? {});
    }
  }
  for (const command of result.commands) packCommand(packer, binding, command, changes, owner);
  return { bytes: packer.bytes(), changes, dropped: 0 };
}

/** What the plan would find as well, but only once it is too late for a second try. */
function checkResult(result: WholeResult | null, input: WholeInput): void {
  const commands: unknown = result?.commands;
  if (typeof result?.out !== 'object' || !result.out || !Array.isArray(commands)) {
    throw new SkepError('E_ACCESS', 'the job gave no columns and commands');
  }
  let spawned = 0;
  for (const command of commands as (WholeCommand | null)[]) {
    if (command?.kind === 'spawn' && command.entity !== input.spawns[spawned++]) {
      throw new SkepError('E_ACCESS', 'the job spawned an entity that it was not given');
    }
  }
}

/** The new values of an object component, one a row. */
function objectChanges(
  known: Known,
  binding: WholeBinding,
  input: WholeInput,
  values: unknown,
  owner: Owner,
): ObjectChange[] {
  const { id, name } = known.info;
  if (!binding.writes.includes(id)) {
    throw new SkepError('E_ACCESS', `the job gave values of ${name}, which it may not write`);
  }
  const rows = new EntityColumn(input.entities);
  if (!Array.isArray(values) || values.length !== rows.length) {
    throw new SkepError('E_ACCESS', `the job did not give ${rows.length} values of ${name}`);
  }
  return values.map((value: unknown, row) => ({
    known,
    entity: rows.at(row),
    value: owner.own(value),
  }));
}

/** The slot of a right, where the job has it. */
function slotOf(slot: number | undefined, { kind, name }: WholeCommand): number {
  if (slot !== undefined && slot >= 0) return slot;
  throw new SkepError('E_ACCESS', `the job may not ${kind} ${name ?? ''}`.trim());
}

function packCommand(
  packer: Packer,
  binding: WholeBinding,
  command: WholeCommand,
  changes: ObjectChange[],
  owner: Owner,
): void {
  const { entity, kind, name } = command;
  if (!Number.isSafeInteger(entity)) {
    throw new SkepError('E_ACCESS', 'a command of the job is for what is no entity');
  }
  if (kind === 'spawn') {
    const slot = name === undefined ? binding.spawn : binding.spawns[name];
    return packer.push(PATCH.spawn, slotOf(slot, command), entity);
  }
  if (kind === 'destroy') {
    return packer.push(PATCH.destroy, slotOf(binding.destroy, command), entity);
  }
  if (kind === 'send') {
    const event = binding.emits.find(e => e.known.info.name === name);
    const slot = slotOf(event?.slot, command);
    return packer.push(PATCH.event, slot, entity, event!.known, command.value);
  }
  const found = binding.components.find(c => c.known.info.name === name);
  if (kind === 'remove') return packer.push(PATCH.remove, slotOf(found?.remove, command), entity);
  const slot = slotOf(found?.add, command);
  const { known } = found!;
  packer.push(PATCH.put, slot, entity, known, known.info.object ? undefined : command.value);
  if (known.info.object) {
    changes.push({
      known,
      entity: entity as Entity,
      value: owner.own(command.value ?? (known.info.defaults as () => unknown)()),
    });
  }
}

/** Turns the notes' list of patches into output. What names no declared component is a fault; what
 * is for an entity that is gone is dropped and counted. */
export function packPatches(
  world: World,
  task: WholeTask,
  binding: WholeBinding,
  list: unknown,
  here: boolean,
): WholeOutput {
  const notes = new NotesPatches(world, task, binding, here);
  checkPatches(list).forEach((patch, i) => notes.push(patch, i));
  return { bytes: notes.packer.bytes(), changes: notes.changes, dropped: notes.dropped };
}

/** What a list has done to a component of an entity so far. */
interface Touched {
  readonly has: boolean;
  readonly value: unknown;
}

/** A list of patches as it is packed. What sets a value in one of the job's rows is written to its
 * column; all else goes behind the columns, in the order of the list. */
class NotesPatches {
  readonly packer: Packer;
  readonly changes: ObjectChange[] = [];
  dropped = 0;
  readonly #world: World;
  readonly #task: WholeTask;
  readonly #binding: WholeBinding;
  /** The rows of the task's columns. */
  readonly #eids: readonly number[];
  readonly #owner: Owner;
  readonly #given = new Map<number, Entity>();
  readonly #spawns: readonly number[];
  readonly #touched = new Map<string, Touched>();
  #rows: Map<number, number> | null = null;
  #next = 0;

  constructor(world: World, task: WholeTask, binding: WholeBinding, here: boolean) {
    this.packer = new Packer(world.host);
    this.#world = world;
    this.#task = task;
    this.#binding = binding;
    this.#eids = task.eids();
    this.#owner = new Owner(here);
    this.#spawns = task.spawns();
    for (const component of binding.components) if (component.out >= 0) task.copyOld(component);
  }

  push(patch: Patch, i: number): void {
    if (patch.kind === 'spawn') return this.#spawn(patch.eid, i);
    const entity = this.#given.get(patch.eid) ?? (patch.eid as Entity);
    const isNew = this.#given.has(patch.eid);
    if (patch.eid < 0 && !isNew) {
      throw new PatchError(
        `patch ${i} (${patch.kind}): eid ${patch.eid} was not spawned before`,
        i,
      );
    }
    if (!isNew && !this.#world.isAlive(entity)) {
      this.dropped++;
      return;
    }
    if (patch.kind === 'destroy') {
      return this.packer.push(PATCH.destroy, this.#binding.destroy, entity);
    }
    const component = this.#component(patch.cid, patch.kind, i);
    const key = `${entity} ${patch.cid}`;
    if (patch.kind === 'remove') {
      this.packer.push(PATCH.remove, component.remove, entity);
      this.#touched.set(key, { has: false, value: undefined });
      return;
    }
    const touched = this.#touched.get(key);
    const has = touched?.has ?? (!isNew && this.#world.has(entity, component.known.info));
    if (patch.kind === 'add') this.#add(component, entity, key, has, patch.value);
    else if (!has) this.dropped++;
    else this.#set(component, entity, key, touched, patch.value);
  }

  #spawn(eid: number, i: number): void {
    if (this.#given.size === this.#spawns.length) {
      throw new PatchError(`patch ${i}: more than ${this.#spawns.length} spawns`, i, {
        hint: 'raise offload.spawnMax, or limits.entities of the world',
      });
    }
    const entity = this.#spawns[this.#given.size]! as Entity;
    this.#given.set(eid, entity);
    this.packer.push(PATCH.spawn, this.#binding.spawn, entity);
  }

  #component(cid: number, kind: string, i: number): WholeComponent {
    const component = this.#binding.components.find(c => c.known.info.id === cid);
    if (component && component.add >= 0) return component;
    const what = component ? component.known.info.name : `component ${cid}`;
    throw new PatchError(
      `patch ${i} (${kind}): ${what} is not in \`writes\` of system ` + `"${this.#binding.system}"`,
      i,
      { hint: 'declare it in offload.writes' },
    );
  }

  #add(
    { known, add }: WholeComponent,
    entity: Entity,
    key: string,
    has: boolean,
    value: unknown,
  ): void {
    if (has && value === undefined) return;
    if (!has || !known.info.object) {
      this.packer.push(PATCH.put, add, entity, known, known.info.object ? undefined : value);
    }
    this.#touched.set(key, { has: true, value });
    if (!known.info.object) return;
    this.changes.push({
      known,
      entity,
      value: this.#owner.own(
        value === undefined ? (known.info.defaults as () => unknown)() : value,
      ),
    });
  }

  #set(
    component: WholeComponent,
    entity: Entity,
    key: string,
    touched: Touched | undefined,
    value: unknown,
  ): void {
    const { known, add, out } = component;
    if (known.info.object) {
      this.changes.push({ known, entity, value: this.#owner.own(value) });
      return;
    }
    const row = touched || out < 0 ? -1 : this.#rowOf(entity);
    if (row >= 0) return this.#task.setRow(component, row, value);
    const before = touched
      ? (touched.value as object)
      : (this.#world.get(entity, known.info) as object);
    const all = { ...before, ...(value as object) };
    this.packer.push(PATCH.put, add, entity, known, all);
    this.#touched.set(key, { has: true, value: all });
  }

  /** The row of an entity, or -1. Mostly they come in the order of the rows. */
  #rowOf(entity: Entity): number {
    if (this.#eids[this.#next] === entity) return this.#next++;
    if (this.#eids[this.#next - 1] === entity) return this.#next - 1;
    this.#rows ??= new Map(this.#eids.map((eid, row) => [eid, row]));
    const row = this.#rows.get(entity) ?? -1;
    if (row >= 0) this.#next = row + 1;
    return row;
  }
}
