// SPDX-License-Identifier: MIT
// The world: entities and their components, for the one thread that made it.
//
// Values are read and written straight in wasm memory: the entity index and the directories of
// columns are plain arrays there, so `get` and `set` of a value in place are a dozen loads. Adding,
// removing and destroying go into a queue that one call empties before anybody can look. Where more
// is at stake (a snapshot holds the block, a frame runs, something waits) the core is asked.

/// <reference lib="esnext.disposable" preserve="true" />

import { defineComponent, infoOf, type AnyComponent, type Component, type ComponentInfo, type
  EventType, type Fields, type Value } from './component.js';
import { Host, type Known, type Limits } from './core/host.js';
import type { CoreModule } from './core/core_module.js';
import { STATUS } from './core/layout.js';
import { readField, readStruct, writeField, writeStruct } from './core/values.js';
import { EntityColumn, entityGeneration, type Entity } from './entity.js';
import { SkepError } from './errors.js';
import { ObjectStore, cloneValue, type ObjectState } from './object_store.js';
import { PrefabType, partComponent, partValue, type AnyPart, type Part, type PartsOf, type Prefab }
  from './prefab.js';
import { Query, RemovedQuery, queryKey, type EachFn, type QuerySpec } from './query.js';
import { Snapshot, hashOf } from './snapshot.js';
import { packSave, unpackSave } from './save.js';

export interface WorldOptions {
  limits?: Limits;
  /** Of all random numbers, and part of the hash. 1 by default. */
  seed?: number | bigint;
  /** Bytes of memory, of which pages are used as needed; 256 MiB by default, below 4 GiB. */
  memoryMax?: number;
  /** The most workers that a scheduler can give this world; 16 by default. */
  workersMax?: number;
  /** false: the world's memory is this thread's alone, and no worker can share it. */
  shared?: boolean;
}

const OP_ADD = 1;
const OP_REMOVE = 2;
const OP_DESTROY = 3;
const OP_ADD_NEW = 5;
const QUEUE_BYTES = 65536;

/** Components to spawn with, prepared in wasm. */
interface Shape {
  readonly address: number;
  readonly known: readonly Known[];
  readonly objects: readonly Known[];
  readonly offsets: readonly number[];
  /** Memory for the values. */
  readonly values: number;
}

export class World {
  #host: Host;
  readonly #options: { limits: Limits; seed: bigint; memoryMax: number; workersMax: number;
    shared?: boolean };
  #queue = 0;
  #queued = 0;
  #lost = 0;
  readonly #stores = new Map<string, ObjectStore>();
  readonly #shapes = new Map<string, Shape>();
  readonly #queries = new Map<string, Query>();
  readonly #prefabs = new Map<string, { address: number; prefab: Prefab; objects: Part[] }>();
  readonly #hooks: { component: AnyComponent; added: boolean;
    fn: (entity: Entity, world: World) => void }[] = [];
  #firing = false;
  /** @internal Set by a scheduler: writes of objects wait for it. */
  guard: (() => void) | null = null;

  constructor(options: WorldOptions = {}) {
    const entities = options.limits?.entities ?? 65536;
    if (!Number.isInteger(entities) || entities < 1 || entities > 67108863) {
      throw new SkepError('E_ARGUMENT', `limits.entities is ${entities}: 1 to 67,108,863`);
    }
    this.#options = { limits: { entities }, seed: BigInt(options.seed ?? 1),
      memoryMax: options.memoryMax ?? 256 << 20, workersMax: options.workersMax ?? 16 };
    if (options.shared !== undefined) this.#options.shared = options.shared;
    this.#host = this.#open(undefined);
  }

  #open(core: CoreModule | undefined): Host {
    const host = new Host(core ? { ...this.#options, core } : this.#options);
    this.#queue = host.alloc(QUEUE_BYTES);
    this.#queued = 0;
    return host;
  }

  /** @internal */
  get host(): Host {
    if (this.#host.closed) throw new SkepError('E_CLOSED', 'the world was disposed of');
    return this.#host;
  }

  /** @internal Moves the world into another module's core: a scene's. Handles, ticks and hash stay;
   * views and queries are made again. */
  rehost(core: CoreModule): void {
    if (this.#host.core === core) return;
    const saved = this.save();
    const before = this.#host;
    const known = [...before.all()].map(k => k.info);
    for (const query of this.#queries.values()) query.dispose();
    this.#queries.clear();
    this.#shapes.clear();
    this.#host = this.#open(core);
    for (const info of known) this.#host.known(info);
    const prefabs = [...this.#prefabs.values()];
    this.#prefabs.clear();
    for (const { prefab } of prefabs) this.#prefab(prefab);
    this.load(saved);
    const hooks = this.#hooks.splice(0);
    for (const hook of hooks) this.#hook(hook.component, hook.added, hook.fn);
    before.close();
  }

  // ---- what is there -----------------------------------------------------------------------------

  /** Entities alive. */
  get size(): number {
    this.#flush();
    return this.#host.instance.u32[this.#host.layout.entityCount >> 2]!;
  }

  /** Frames run so far. */
  get tick(): number {
    const at = this.host.layout.tick >> 2;
    return this.#host.instance.u32[at]! + this.#host.instance.u32[at + 1]! * 4294967296;
  }

  /** Seconds that the frames simulated. */
  get time(): number {
    return this.host.instance.f64[this.#host.layout.time >> 3]!;
  }

  /** Patches and commands so far that were dropped, because their entity was gone. */
  get dropped(): number {
    this.#flush();
    this.#host.ex['skep_host_report']!(this.#host.address);
    return this.#host.wide(30) + this.#lost;
  }

  /** Bytes in use by blocks, ids, resources and events. */
  get bytes(): number {
    return this.host.ex['skep_host_bytes']!(this.#host.address);
  }

  /** A scheduler's frame is under way: writes are queued for the next one. */
  get busy(): boolean {
    return this.host.instance.u32[this.#host.layout.mode >> 2] !== 0;
  }

  // ---- entities ------------------------------------------------------------------------------------

  /** Creates an entity with components, in one move: world.spawn([Pos, { x: 1 }], Vel). Throws
   * LimitError, SchemaError. */
  spawn<const T extends readonly AnyPart[]>(...parts: T & PartsOf<T>): Entity;
  /** Spawns from a prefab, with values that replace or add to its own, by component name. */
  spawn(prefab: Prefab, values?: Readonly<Record<string, unknown>>): Entity;
  spawn(...parts: unknown[]): Entity {
    if (parts[0] instanceof PrefabType) {
      return this.#spawnPrefab(parts[0], 1, parts[1] as Record<string, unknown> | undefined)[0]!;
    }
    this.#flush();
    const shape = this.#shape(parts as Part[]);
    const host = this.#host;
    let typed = 0;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] as Part;
      const info = infoOf(partComponent(part));
      if (info.object) continue;
      writeStruct(host.instance, info, shape.values + shape.offsets[typed++]!, partValue(part));
    }
    // Objects are copied before the entity is made: what cannot be leaves nothing behind.
    const objects = shape.objects.length ? this.#objects(parts as Part[]) : null;
    typed = host.ex['skep_host_spawn']!(host.address, shape.address, shape.values);
    if (typed !== STATUS.OK) throw host.error(typed);
    const entity = host.wide(0) as Entity;
    if (objects) for (const [store, value] of objects) store.set(entity, value);
    if (this.#hooks.length) this.#fire();
    return entity;
  }

  #objects(parts: readonly Part[]): [ObjectStore, unknown][] {
    const values: [ObjectStore, unknown][] = [];
    for (const part of parts) {
      const info = infoOf(partComponent(part));
      if (!info.object) continue;
      const store = this.#store(info);
      values.push([store, partValue(part) ?? store.initial()]);
    }
    return values;
  }

  #shape(parts: readonly Part[]): Shape {
    let key = '';
    for (const part of parts) key += `${partComponent(part)?.id},`;
    const before = this.#shapes.get(key);
    if (before) return before;
    const host = this.#host;
    const all = parts.map(part => host.known(partComponent(part)));
    const typed = all.filter(k => !k.info.object);
    const order = [...typed, ...all.filter(k => k.info.object)];
    host.instance.u32.set(order.map(k => k.address), host.io);
    const address = host.ex['skep_host_shape']!(host.address, order.length);
    if (!address) throw host.error(STATUS.LIMIT);
    const offsets = Array.from({ length: order.length + 1 }, (_, i) => host.word(i));
    const shape = { address, known: typed, objects: all.filter(k => k.info.object), offsets,
      values: host.alloc(Math.max(offsets[order.length]!, 8)) };
    this.#shapes.set(key, shape);
    return shape;
  }

  /** Spawns many from a prefab or from components; `fill` gets their columns by component name, to be
   * written. Returns the handles. All or nothing. */
  spawnMany(what: Prefab | readonly AnyComponent[], n: number,
            fill?: (columns: Record<string, Record<string, never>>, n: number) => void): Entity[] {
    this.#flush();
    if (!Number.isInteger(n) || n < 0) {
      throw new SkepError('E_ARGUMENT', `${n} is no number of entities`);
    }
    return what instanceof PrefabType
      ? this.#spawnPrefab(what, n, undefined, fill as never)
      : this.#createMany(0, (what as readonly Part[]), n, fill as never);
  }

  #spawnPrefab(prefab: Prefab, n: number, values: Record<string, unknown> | undefined,
               fill?: (columns: Record<string, unknown>, n: number) => void): Entity[] {
    this.#flush();
    const known = this.#prefab(prefab);
    const parts: Part[] = known.prefab.parts.filter(part =>
      fill !== undefined && !infoOf(partComponent(part)).object) as Part[];
    for (const name of Object.keys(values ?? {})) {
      const own = prefab.parts.find(part => partComponent(part).name === name);
      const component = own ? partComponent(own) : this.#host.named(name)?.info;
      if (!component) {
        throw new SkepError('E_ARGUMENT', `prefab "${prefab.name}": there is no component `
          + `"${name}" to give a value`, { hint: 'values are given by component name' });
      }
      const base = own ? partValue(own) as object | undefined : undefined;
      parts.push([component, infoOf(component).object ? values![name]
        : { ...base, ...values![name] as object }] as unknown as Part);
    }
    const entities = this.#createMany(known.address, parts, n, fill);
    const given = new Set(parts.map(part => partComponent(part)));
    for (const part of known.objects) {
      if (given.has(partComponent(part))) continue;
      const store = this.#store(infoOf(partComponent(part)));
      for (const entity of entities) {
        store.set(entity, cloneValue(store.info.name, partValue(part) ?? store.initial()));
      }
    }
    this.#prefabChildren(prefab, entities);
    return entities;
  }

  /** Gives children of a prefab their objects, which the core knows nothing of. */
  #prefabChildren(prefab: Prefab, roots: readonly Entity[]): void {
    const objects = (p: Prefab): boolean =>
      p.parts.some(part => infoOf(partComponent(part)).object) || p.children.some(objects);
    if (!prefab.children.some(objects)) return;
    for (const root of roots) {
      const children = this.children(root);
      prefab.children.forEach((child, i) => {
        for (const part of child.parts) {
          const info = infoOf(partComponent(part));
          if (!info.object) continue;
          const store = this.#store(info);
          store.set(children[i]!, cloneValue(info.name, partValue(part) ?? store.initial()));
        }
        this.#prefabChildren(child, [children[i]!]);
      });
    }
  }

  #prefab(prefab: Prefab): { address: number; prefab: Prefab; objects: Part[] } {
    const before = this.#prefabs.get(prefab.name);
    if (before) {
      if (before.prefab === prefab) return before;
      throw new SkepError('E_ARGUMENT', `prefab "${prefab.name}" is defined twice in this world`,
        { hint: 'give one of them another name' });
    }
    const host = this.#host;
    const children = prefab.children.map(child => this.#prefab(child));
    const address = host.withTexts([prefab.name], places =>
      host.ex['skep_host_define']!(host.address, places[0]![0], places[0]![1], 4, 1, 0));
    if (!address) throw host.error(STATUS.NO_MEMORY);
    const blocks: [number, number][] = [];
    const words = prefab.parts.flatMap(part => {
      const known = host.known(partComponent(part));
      if (known.info.size === 0) return [known.address, 0, 0];
      const value = host.alloc(known.info.size);
      blocks.push([value, known.info.size]);
      writeStruct(host.instance, known.info, value, partValue(part));
      return [known.address, value, 0];
    });
    host.instance.u32.set(words, host.io);
    host.call('skep_host_prefab', address, prefab.parts.length);
    for (const [at, bytes] of blocks) host.free(at, bytes);
    for (const child of children) host.call('skep_host_prefab_child', address, child.address);
    const known = { address, prefab,
      objects: prefab.parts.filter(part => infoOf(partComponent(part)).object) as Part[] };
    this.#prefabs.set(prefab.name, known);
    return known;
  }

  /** Creates n entities; with `fill` the typed parts have columns to be filled first. */
  #createMany(prefab: number, parts: readonly Part[], n: number,
              fill?: (columns: Record<string, unknown>, n: number) => void): Entity[] {
    const host = this.#host;
    const blocks: [number, number][] = [];
    const take = (bytes: number): number => {
      const at = host.alloc(Math.max(bytes, 8));
      blocks.push([at, Math.max(bytes, 8)]);
      return at;
    };
    try {
      const columns: Record<string, unknown> = {};
      const words: number[] = [];
      for (const part of parts) {
        const { address, info, cache } = host.known(partComponent(part));
        const value = take(info.size);
        writeStruct(host.instance, info, value, info.object ? undefined : partValue(part));
        let pointers = 0;
        if (fill && info.size) {
          pointers = take(4 * info.layout.length);
          info.layout.forEach((field, f) => {
            const at = take(n * field.size * field.count);
            host.instance.u32[(pointers >> 2) + f] = at;
            spread(host.instance.u8, value + field.offset, at, field.size * field.count, n);
          });
          columns[info.name] = cache.get(pointers >> 2, n);
        }
        words.push(address, value, pointers);
      }
      const objects = this.#objects(parts);
      fill?.(columns, n);
      const handles = take(8 * n);
      host.instance.u32.set(words, host.io);
      host.call('skep_host_create_many', prefab, n, parts.length, handles);
      const list = [...new EntityColumn(
        new Uint32Array(host.instance.memory.buffer, handles, 2 * n))];
      for (const [store, value] of objects) {
        for (const entity of list) {
          store.set(entity, n > 1 ? cloneValue(store.info.name, value) : value);
        }
      }
      return list;
    } finally {
      for (const [at, bytes] of blocks) host.free(at, bytes);
      if (this.#hooks.length) this.#fire();
    }
  }

  /** Destroys an entity and all that have it as their parent. One that is gone is no error. */
  destroy(entity: Entity): void {
    this.#push(OP_DESTROY, 0, entity, 0);
  }

  /** Whether the entity is alive. */
  isAlive(entity: Entity): boolean {
    this.#flush();
    if (this.#quiet()) return this.#find(entity) !== 0;
    return this.#host.ex['skep_host_alive']!(this.#host.address, entity >>> 0,
                                             entityGeneration(entity)) === 1;
  }

  /** The living children of an entity, by index: those whose Parent it is. */
  children(entity: Entity): Entity[] {
    this.#flush();
    const host = this.#host;
    host.call('skep_host_children', entity >>> 0, entityGeneration(entity));
    const at = host.word(0) >> 2;
    return [...new EntityColumn(host.instance.u32.slice(at, at + 2 * host.word(1)))];
  }

  // ---- components ----------------------------------------------------------------------------------

  /** Whether the entity is alive and has the component. */
  has(entity: Entity, component: AnyComponent): boolean {
    this.#flush();
    const known = this.#host.known(component);
    if (known.info.layout.length && this.#quiet()) {
      return this.#locate(entity, known) !== 0;
    }
    return this.#has(entity, known);
  }

  #has(entity: Entity, known: Known): boolean {
    return this.#host.ex['skep_host_has']!(this.#host.address, entity >>> 0,
      entityGeneration(entity), known.address) === 1;
  }

  /** The entity's value: a new object with its fields; of an object component the value itself, to
   * be changed in place. undefined: gone, or has none. */
  get<C extends AnyComponent>(entity: Entity, component: C): Value<C> | undefined {
    this.#flush();
    const known = this.#host.known(component);
    const info = known.info;
    if (info.object) {
      return this.#has(entity, known) ? this.#store(info).get(entity) as Value<C> : undefined;
    }
    if (!info.layout.length || !this.#quiet()) {
      const found = this.#host.ex['skep_host_get']!(this.#host.address, entity >>> 0,
        entityGeneration(entity), known.address, this.#host.scratch);
      return found ? readStruct(this.#host.instance, info, this.#host.scratch) as Value<C>
        : undefined;
    }
    const cell = this.#locate(entity, known);
    if (cell === 0) return undefined;
    const { instance } = this.#host;
    const value: Record<string, unknown> = {};
    const row = this.#row;
    for (let f = 0; f < info.layout.length; f++) {
      const field = info.layout[f]!;
      const data = instance.u32[(cell >> 2) + 4 * f]!;
      value[field.name] = field.type === 'f32' && field.count === 1
        ? instance.f32[(data >> 2) + row]
        : readField(instance, field, data + row * field.size * field.count);
    }
    return value as Value<C>;
  }

  /** Sets fields of a value that the entity has; the others stay. Of an object component the whole
   * value. false: gone, or has none; it is counted in `dropped`. */
  set<C extends AnyComponent>(entity: Entity, component: C, value: Partial<Value<C>>): boolean {
    this.#flush();
    const known = this.#host.known(component);
    const info = known.info;
    if (info.object) return this.#setObject(entity, known, value);
    const cell = this.#quiet() ? this.#locate(entity, known) : 0;
    if (cell === 0 || !this.#owned(cell, known)) return this.#setSlow(entity, known, value);
    const { instance } = this.#host;
    const row = this.#row;
    const given = value as Record<string, unknown>;
    for (const name in given) {
      const f = fieldAt(info, name);
      const field = info.layout[f]!;
      const data = instance.u32[(cell >> 2) + 4 * f]!;
      writeField(instance, info, field, data + row * field.size * field.count, given[name]);
    }
    return true;
  }

  #setObject(entity: Entity, known: Known, value: unknown): boolean {
    this.guard?.();
    if (!this.#has(entity, known)) return false;
    this.#store(known.info).set(entity, value);
    return true;
  }

  /** Where the core must do it: something waits, a snapshot holds the block, rows are watched. */
  #setSlow(entity: Entity, known: Known, value: object): boolean {
    const host = this.#host;
    const at = host.scratch;
    if (!host.ex['skep_host_get']!(host.address, entity >>> 0, entityGeneration(entity),
                                   known.address, at)) return false;
    const given = value as Record<string, unknown>;
    for (const name in given) {
      const field = known.info.layout[fieldAt(known.info, name)]!;
      writeField(host.instance, known.info, field, at + field.offset, given[name]);
    }
    const status = host.ex['skep_host_set']!(host.address, entity >>> 0, entityGeneration(entity),
                                             known.address, at);
    if (status === STATUS.GONE || status === STATUS.NOT_FOUND) return false;
    if (status !== STATUS.OK) throw host.error(status);
    return true;
  }

  /** Adds a component, or sets it where there is one. Without a value: the defaults, and one that is
   * there stays. For an entity that is gone it is dropped and counted. */
  add<C extends AnyComponent>(entity: Entity, component: C, value?: Partial<Value<C>>): void {
    const known = this.#host.known(component);
    if (known.info.object) {
      this.#addObject(entity, known, value);
      return;
    }
    const at = this.#push(value === undefined ? OP_ADD_NEW : OP_ADD, known.address, entity,
                          known.info.size);
    if (known.info.size === 0) return;
    try {
      writeStruct(this.#host.instance, known.info, at, value);
    } catch (error) {
      this.#queued = at - 16 - this.#queue;
      throw error;
    }
  }

  #addObject(entity: Entity, known: Known, value: unknown): void {
    this.guard?.();
    const store = this.#store(known.info);
    const had = this.has(entity, known.info);
    this.#push(OP_ADD_NEW, known.address, entity, 0);
    if (!this.has(entity, known.info) || (had && value === undefined)) return;
    store.set(entity, value === undefined ? store.initial() : value);
  }

  /** Removes a component; what is not there is as good as removed. */
  remove(entity: Entity, component: AnyComponent): void {
    this.#push(OP_REMOVE, this.#host.known(component).address, entity, 0);
  }

  #store(info: ComponentInfo): ObjectStore {
    let store = this.#stores.get(info.name);
    if (!store) this.#stores.set(info.name, store = new ObjectStore(info));
    return store;
  }

  /** @internal The values of an object component. */
  objects(component: AnyComponent): ObjectStore {
    return this.#store(infoOf(component));
  }

  // ---- the queue -----------------------------------------------------------------------------------

  /** Appends a command; returns where its value goes. */
  #push(op: number, component: number, entity: Entity, bytes: number): number {
    const whole = 16 + (bytes + 7 & ~7);
    if (this.#queued + whole > QUEUE_BYTES) this.#flush();
    if (this.#host.closed) throw new SkepError('E_CLOSED', 'the world was disposed of');
    const at = this.#queue + this.#queued;
    const u32 = this.#host.instance.u32;
    u32[at >> 2] = op;
    u32[(at >> 2) + 1] = component;
    u32[(at >> 2) + 2] = entity;
    u32[(at >> 2) + 3] = entity / 4294967296;
    this.#queued += whole;
    return at + 16;
  }

  #flush(): void {
    if (this.#queued) this.#flushQueue();
  }

  #flushQueue(): void {
    const bytes = this.#queued;
    this.#queued = 0;
    if (this.#host.closed) throw new SkepError('E_CLOSED', 'the world was disposed of');
    const status = this.#host.ex['skep_host_commands']!(this.#host.address, this.#queue, bytes);
    if (this.#hooks.length) this.#fire();
    if (status !== STATUS.OK) throw this.#host.error(status);
  }

  /** Makes what was queued; everything that looks does it by itself. */
  flush(): void {
    this.#flush();
  }

  // ---- looking without a call ------------------------------------------------------------------------

  /** The row that #locate found. */
  #row = 0;

  /** Whether storage shows what is: nothing waits, and nobody restricts what may be read. */
  #quiet(): boolean {
    const { instance, layout } = this.#host;
    if (this.#host.closed) throw new SkepError('E_CLOSED', 'the world was disposed of');
    return instance.u32[layout.waiting >> 2] === 0 && instance.u32[layout.running >> 2] === 0;
  }

  /** The table of an entity, 0 when it is not alive; sets #row. */
  #find(entity: Entity): number {
    const { instance, layout } = this.#host;
    const u32 = instance.u32;
    const index = entity >>> 0;
    if (index >= u32[layout.indexCount >> 2]!) return 0;
    const at = (u32[layout.index >> 2]! >> 2) + 2 * index;
    const low = u32[at]!;
    const high = u32[at + 1]!;
    if (high >>> 11 !== (entity / 4294967296 | 0)) return 0;
    this.#row = low & 0x3ffffff;
    return low >>> 26 | (high & 0x7ff) << 6;
  }

  /** The address of an entity's first cell of a component with columns, or 0; #row becomes the row
   * within the block. */
  #locate(entity: Entity, known: Known): number {
    const table = this.#find(entity);
    if (table === 0) return 0;
    const { instance, layout } = this.#host;
    const u32 = instance.u32;
    const type = u32[layout.types >> 2]! + known.number * layout.typeBytes;
    const ref = (u32[(type + layout.typeDir) >> 2]! + table * 12) >> 2;
    const cells = u32[ref]!;
    if (cells === 0) return 0;
    const shift = u32[ref + 2]!;
    const row = this.#row;
    this.#row = row & ((1 << shift) - 1);
    return cells + (row >>> shift) * u32[ref + 1]!;
  }

  /** Whether writing these cells takes nothing but writing. */
  #owned(cell: number, known: Known): boolean {
    const { instance, layout } = this.#host;
    const u32 = instance.u32;
    if (u32[layout.mode >> 2] !== 0 || known.info.name === 'Parent') return false;
    const type = u32[layout.types >> 2]! + known.number * layout.typeBytes;
    if (instance.u8[type + layout.typeWatched]) return false;
    const low = u32[layout.epoch >> 2]!;
    const high = u32[(layout.epoch >> 2) + 1]!;
    for (let f = 0; f < known.info.layout.length; f++) {
      const at = (cell >> 2) + 4 * f;
      if (u32[at + 2] !== low || u32[at + 3] !== high) return false;
    }
    return true;
  }

  // ---- for schedulers ------------------------------------------------------------------------------

  /** @internal Holds the values of object components as they are. */
  shareObjects(): Map<string, ObjectState> {
    return new Map([...this.#stores].map(([name, store]) => [name, store.share()]));
  }

  /** @internal Takes them back to that. */
  restoreObjects(states: ReadonlyMap<string, ObjectState>): void {
    for (const [name, store] of this.#stores) {
      const state = states.get(name);
      if (state) store.restore(state);
      else store.clear();
    }
  }

  /** @internal A job's change of a value, after its batch has committed. */
  changeObject(component: AnyComponent, entity: Entity, value: unknown): void {
    const known = this.host.known(component);
    if (this.#has(entity, known)) this.#store(known.info).set(entity, value);
    else this.#lost++;
  }

  /** @internal Counts patches that JavaScript dropped itself. */
  countDropped(count: number): void {
    this.#lost += count;
  }

  /** @internal Forgets what was queued and not made. */
  dropQueue(): void {
    this.#queued = 0;
  }

  // ---- queries -------------------------------------------------------------------------------------

  /** Calls `fn` for each block of rows that have all components named: columns of `write` to be
   * written, then those of `read`. While it runs nothing moves; structural changes wait for its
   * end. */
  each<const R extends readonly AnyComponent[] = readonly [],
       const W extends readonly AnyComponent[] = readonly [],
       const O extends readonly AnyComponent[] = readonly []>(
    spec: QuerySpec<W, R, O>, fn: EachFn<R, W, O>): void {
    if (spec.changed) {
      throw new SkepError('E_ARGUMENT', 'each: `changed` needs a query of its own, which knows when '
        + 'it looked last', { hint: 'const q = world.query({ changed: [...] }); q.run(...)' });
    }
    this.#flush();
    this.#cached(spec).run(fn as (n: number, ...rest: unknown[]) => void);
    if (this.#hooks.length) this.#fire();
  }

  #cached(spec: QuerySpec): Query {
    if (this.#host.closed) throw new SkepError('E_CLOSED', 'the world was disposed of');
    const key = queryKey(spec);
    let query = this.#queries.get(key);
    if (!query) this.#queries.set(key, query = new Query(this.#host, spec));
    return query;
  }

  /** Makes a query to be kept: with `changed` it gives the rows written since its last pass. */
  query<const R extends readonly AnyComponent[] = readonly [],
        const W extends readonly AnyComponent[] = readonly [],
        const O extends readonly AnyComponent[] = readonly []>(
    spec: QuerySpec<W, R, O>): WorldQuery<R, W, O> {
    this.#flush();
    return new WorldQuery(this, new Query(this.host, spec as QuerySpec), () => this.#flush());
  }

  /** Lists from now on which entities lose a component. */
  removedQuery(component: AnyComponent): RemovedQuery {
    this.#flush();
    return new RemovedQuery(this.host, component);
  }

  /** How many entities match. */
  count(spec: QuerySpec): number {
    this.#flush();
    return this.#cached(spec).count;
  }

  // ---- resources, events, inputs -------------------------------------------------------------------

  /** Sets fields of a resource; the others stay (zeros at first). */
  setResource<N extends string, F extends Fields>(resource: EventType<N, F>,
    value: Partial<Value<Component<N, F>>>): void {
    this.#flush();
    const known = this.host.known(resource);
    const at = this.#host.ex['skep_host_resource']!(this.#host.address, known.address, 1);
    if (!at) throw this.#host.error(STATUS.NO_MEMORY);
    const given = value as Record<string, unknown>;
    for (const name in given) {
      const field = known.info.layout[fieldAt(known.info, name)]!;
      writeField(this.#host.instance, known.info, field, at + field.offset, given[name]);
    }
  }

  /** A resource's value; undefined when it was never set. */
  resource<N extends string, F extends Fields>(resource: EventType<N, F>):
    Value<Component<N, F>> | undefined {
    this.#flush();
    const known = this.host.known(resource);
    const at = this.#host.ex['skep_host_resource']!(this.#host.address, known.address, 0);
    return at ? readStruct(this.#host.instance, known.info, at) as Value<Component<N, F>>
      : undefined;
  }

  /** Sends an event to an entity or, with 0, to all. It lives until the end of the next frame. */
  send<N extends string, F extends Fields>(event: EventType<N, F>, to: Entity | 0,
                                           value: Partial<Value<Component<N, F>>>): void {
    this.#flush();
    const known = this.host.known(event);
    writeStruct(this.#host.instance, known.info, this.#host.scratch, value);
    this.#host.call('skep_host_send', known.address, to >>> 0, entityGeneration(to as Entity),
                    this.#host.scratch);
  }

  /** The events of a type from number `since` on, oldest first, and the number to ask from next. */
  events<N extends string, F extends Fields>(event: EventType<N, F>, since = 0):
    { next: number; events: { to: Entity; seq: number; value: Value<Component<N, F>> }[] } {
    this.#flush();
    const host = this.host;
    const known = host.known(event);
    host.call('skep_host_events', known.address, since >>> 0, Math.floor(since / 4294967296));
    const next = host.wide(2);
    const u32 = host.instance.u32;
    const list = host.word(0) >> 2;
    const events = Array.from({ length: host.word(1) }, (_, i) => {
      const at = list + 5 * i;
      return { to: (u32[at]! + u32[at + 1]! * 4294967296) as Entity,
        seq: u32[at + 2]! + u32[at + 3]! * 4294967296,
        value: readStruct(host.instance, known.info, u32[at + 4]!) as Value<Component<N, F>> };
    });
    return { next, events };
  }

  /** Gives the world an input message: the `number`-th of a player or device, to an entity or, with
   * 0, to all. The next frame gets all inputs in the order (source, number). */
  input<N extends string, F extends Fields>(input: EventType<N, F>, source: number, number: number,
    to: Entity | 0, value: Partial<Value<Component<N, F>>>): void {
    this.#flush();
    const known = this.host.known(input);
    writeStruct(this.#host.instance, known.info, this.#host.scratch, value);
    this.#host.call('skep_host_input', known.address, source, number, to >>> 0,
                    entityGeneration(to as Entity), this.#host.scratch);
  }

  // ---- hooks ---------------------------------------------------------------------------------------

  /** Calls `fn` after an entity got the component, also by a job, in the order in which it happened;
   * never on restore. What it changes is made when all were told. */
  onAdd(component: AnyComponent, fn: (entity: Entity, world: World) => void): () => void {
    return this.#hook(component, true, fn);
  }

  /** The same for losing it, by destroying its entity too. */
  onRemove(component: AnyComponent, fn: (entity: Entity, world: World) => void): () => void {
    return this.#hook(component, false, fn);
  }

  #hook(component: AnyComponent, added: boolean,
        fn: (entity: Entity, world: World) => void): () => void {
    this.#flush();
    const id = this.#hooks.push({ component, added, fn }) - 1;
    this.host.call('skep_host_hook', this.host.known(component).address, added ? 1 : 0, id);
    return () => { this.#hooks[id]!.fn = () => {}; };
  }

  /** @internal Tells the hooks what has happened. */
  fireHooks(): void {
    if (this.#hooks.length) this.#fire();
  }

  #fire(): void {
    if (this.#firing) return;
    this.#firing = true;
    try {
      for (let round = 0; ; round++) {
        const host = this.#host;
        host.ex['skep_host_hooks']!(host.address);
        const count = host.word(1);
        if (count === 0) return;
        if (round === 64) {
          throw new SkepError('E_LIMIT', 'hooks queued changes 64 times in a row, and still do');
        }
        const at = host.word(0) >> 2;
        const words = host.instance.u32.slice(at, at + 3 * count);
        for (let i = 0; i < words.length; i += 3) {
          this.#hooks[words[i + 2]!]?.fn(
            (words[i]! + words[i + 1]! * 4294967296) as Entity, this);
        }
        this.#flush();
      }
    } finally {
      this.#firing = false;
    }
  }

  // ---- snapshots and saves -------------------------------------------------------------------------

  /** Takes a snapshot: references to all blocks, microseconds for a million entities. */
  snapshot(): Snapshot {
    this.#flush();
    const objects = new Map([...this.#stores].map(([name, store]) => [name, store.share()]));
    return new Snapshot(this.host, objects);
  }

  /** Takes the world back to a snapshot of it. Handles, rows and the order of free handles are as
   * they were. Throws E_BUSY while a frame runs. */
  restore(snapshot: Snapshot): void {
    this.#flush();
    if (snapshot.host !== this.host) {
      throw new SkepError('E_ARGUMENT', 'this is a snapshot of another world');
    }
    this.#host.call('skep_host_restore', snapshot.address);
    for (const [name, store] of this.#stores) {
      const state = snapshot.objects.get(name);
      if (state) store.restore(state);
      else store.clear();
    }
  }

  /** The hash of the world's state: the same on every host, whatever ran its jobs. Object
   * components stay out. */
  hash(): bigint {
    this.#flush();
    this.host.ex['skep_host_hash']!(this.#host.address, 0);
    return hashOf(this.#host);
  }

  /** The world, or a snapshot of it, as bytes. Values of object components go along as JSON; one
   * that JSON cannot hold is named. */
  save(snapshot?: Snapshot): Uint8Array<ArrayBuffer> {
    this.#flush();
    const host = this.host;
    host.call('skep_host_save', snapshot ? snapshot.address : 0);
    const at = host.word(0);
    const bytes = host.instance.u8.slice(at, at + host.word(1)) as Uint8Array<ArrayBuffer>;
    return packSave(bytes, this.#stores, snapshot, (entity, name) => {
      const known = host.named(name);
      return known !== undefined && this.#has(entity, known);
    });
  }

  /** Takes the world to what `save` wrote, here or in a C program: same handles, same hash. Throws
   * SkepError (E_CORRUPT, E_SCHEMA) with the byte; the world stays as it was then. */
  load(bytes: Uint8Array): void {
    this.#flush();
    const host = this.host;
    const { core, objects } = unpackSave(bytes);
    const at = host.alloc(core.length);
    try {
      host.instance.u8.set(core, at);
      host.call('skep_host_load', at, core.length);
    } finally {
      host.free(at, core.length);
    }
    for (const store of this.#stores.values()) store.clear();
    for (const [name, values] of objects) {
      const known = host.named(name);
      if (!known?.info.object) continue;
      for (const [entity, value] of values) this.#store(known.info).set(entity, value);
    }
    host.ex['skep_host_hooks']!(host.address);
  }

  /** Checks what must hold between storage, ids and counts; throws where it does not. For bug hunts:
   * O(entities). */
  check(): void {
    this.#flush();
    this.host.call('skep_host_check');
  }

  /** Gives the world's memory back. Everything else throws E_CLOSED afterwards. */
  dispose(): void {
    this.#host.close();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  // ---- the names of the notes ------------------------------------------------------------------------

  /** Delegates to defineComponent. */
  defineComponent<V>(spec: { name: string; defaults: () => V }): Component<string, null, V>;
  defineComponent<const N extends string, const F extends Fields>(
    spec: { name: N; fields: F }): Component<N, F>;
  defineComponent(spec: { name: string; fields?: Fields; defaults?: () => unknown }): AnyComponent {
    const component = defineComponent(spec as { name: string; fields: Fields });
    this.host.known(component);
    return component;
  }

  createEntity(): Entity {
    return this.spawn();
  }

  destroyEntity(entity: Entity): void {
    this.destroy(entity);
  }

  addComponent<C extends AnyComponent>(entity: Entity, component: C, value?: Partial<Value<C>>):
    void {
    this.add(entity, component, value);
  }

  removeComponent(entity: Entity, component: AnyComponent): void {
    this.remove(entity, component);
  }

  /** A query by lists, for `iter`. */
  makeQuery(spec: { all?: readonly AnyComponent[]; any?: readonly AnyComponent[];
    none?: readonly AnyComponent[] }): NotesQuery {
    const query: { with?: readonly AnyComponent[]; any?: readonly AnyComponent[];
      not?: readonly AnyComponent[] } = {};
    if (spec.all) query.with = spec.all;
    if (spec.any) query.any = spec.any;
    if (spec.none) query.not = spec.none;
    return { components: [...spec.all ?? [], ...spec.any ?? []], spec: query };
  }

  /** Goes over the entities of a query as they were when it was called: [entity, get, ...values].
   * Values of a component that an entity lacks are undefined. Entities that die meanwhile are left
   * out; structural changes are fine. */
  *iter(query: NotesQuery, ...components: AnyComponent[]):
    Generator<[Entity, <C extends AnyComponent>(c: C) => Value<C> | undefined, ...unknown[]]> {
    this.#flush();
    const wanted = components.length ? components : query.components;
    for (const entity of this.#cached(query.spec).entities()) {
      if (!this.isAlive(entity)) continue;
      const get = <C extends AnyComponent>(c: C): Value<C> | undefined => this.get(entity, c);
      yield [entity, get, ...wanted.map(get)];
    }
  }

  /** Commands by the notes' names; handles are real at once. */
  beginTick(): Commands {
    return new Commands(this);
  }

  endTick(): void {
    this.#flush();
  }
}

/** What `makeQuery` gives. */
export interface NotesQuery {
  readonly components: readonly AnyComponent[];
  readonly spec: QuerySpec;
}

/** A query that is kept. */
export class WorldQuery<R extends readonly AnyComponent[], W extends readonly AnyComponent[],
                        O extends readonly AnyComponent[]> {
  readonly #world: World;
  readonly #query: Query;
  readonly #flush: () => void;

  /** @internal */
  constructor(world: World, query: Query, flush: () => void) {
    this.#world = world;
    this.#query = query;
    this.#flush = flush;
  }

  /** As World.each. */
  run(fn: EachFn<R, W, O>): void {
    this.#flush();
    this.#query.run(fn as (n: number, ...rest: unknown[]) => void);
    this.#world.fireHooks();
  }

  get count(): number {
    this.#flush();
    return this.#query.count;
  }

  entities(): Entity[] {
    this.#flush();
    return this.#query.entities();
  }

  dispose(): void {
    this.#query.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The notes' command list: the world's own calls, which are queued anyway. */
export class Commands {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

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

function fieldAt(info: ComponentInfo, name: string): number {
  const layout = info.layout;
  for (let f = 0; f < layout.length; f++) if (layout[f]!.name === name) return f;
  throw new SkepError('E_SCHEMA', `component "${info.name}" has no field "${name}"`,
    { hint: `its fields are ${layout.map(field => field.name).join(', ') || 'none'}` });
}

/** Writes `bytes` at `from` n times behind each other at `to`. */
function spread(u8: Uint8Array, from: number, to: number, bytes: number, n: number): void {
  if (n === 0) return;
  u8.copyWithin(to, from, from + bytes);
  for (let done = 1; done < n; done *= 2) {
    const more = Math.min(done, n - done);
    u8.copyWithin(to + done * bytes, to, to + more * bytes);
  }
}

