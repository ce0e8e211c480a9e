// SPDX-License-Identifier: MIT
// The world: entities and their components, for the one thread that made it.
//
// Values are read and written straight in wasm memory (core/direct.ts). Adding, removing and
// destroying go into a queue (core/queue.ts) that one call empties before anybody can look. Where
// more is at stake (a snapshot holds the block, a frame runs, something waits) the core is asked.

/// <reference lib="esnext.disposable" preserve="true" />

import {
  defineComponent,
  definedAs,
  type AnyComponent,
  type Component,
  type EventType,
  type Fields,
  type Value,
} from './component.js';
import type { CoreModule } from './core/core_module.js';
import { Direct } from './core/direct.js';
import { Host, type Known, type Limits } from './core/host.js';
import { KIND, STATUS } from './core/layout.js';
import { ownCore } from './core/own_core.js';
import { CommandQueue, OP } from './core/queue.js';
import { readStruct, writeGiven, writeStruct } from './core/values.js';
import { entityGeneration, type Entity } from './entity.js';
import { SkepError } from './errors.js';
import { Hooks } from './hooks.js';
import {
  Commands,
  iterate,
  makeNotesQuery,
  type NotesQuery,
  type NotesQuerySpec,
  type NotesRow,
} from './notes.js';
import { ObjectStore, type ObjectState } from './object_store.js';
import {
  PrefabType,
  type AnyPart,
  type Part,
  type PartColumns,
  type PartsOf,
  type PartValues,
  type Prefab,
} from './prefab.js';
import {
  Query,
  QueryCache,
  RemovedQuery,
  WorldQuery,
  type EachFn,
  type QuerySpec,
} from './query.js';
import { gatherSave, packSave, savedNames, unpackSave } from './save.js';
import { Snapshot, hashOf } from './snapshot.js';
import { Spawner, childrenOf, type Fill } from './spawn.js';

export { Commands, WorldQuery, type NotesQuery };

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

/** All that belongs to the core a world is in. */
interface Parts {
  readonly host: Host;
  readonly direct: Direct;
  readonly queue: CommandQueue;
  readonly spawner: Spawner;
  readonly queries: QueryCache;
  /** A snapshot of the world without anything. */
  readonly empty: number;
}

/** @internal Told around every frame of a world's scheduler. */
export interface FrameHook {
  /** Before a frame, while the world may still be changed. */
  begin(): void;
  /** What systems' `extra` gave for it, by their names, while recordings are made. */
  extras?(values: readonly (readonly [string, unknown])[]): void;
  /** Takes the place of a system's `extra`, while one is played. */
  extraOf?(system: string): unknown;
  /** After it, however it ended. */
  end(): void;
}

/** Entities destroyed until object values of dead ones are looked for. */
const SWEEP_EVERY = 4096;

export class World {
  readonly #options: {
    limits: Limits;
    seed: bigint;
    memoryMax: number;
    workersMax: number;
    shared?: boolean;
    heap?: number;
  };
  #host: Host;
  #direct: Direct;
  #queue: CommandQueue;
  #spawner: Spawner;
  #queries: QueryCache;
  #empty: number;
  #lost = 0;
  #destroyed = 0;
  readonly #stores = new Map<string, ObjectStore>();
  readonly #hooks = new Hooks();
  /** @internal Set by a scheduler: writes of objects wait for it. */
  guard: ((component: AnyComponent, again: () => void) => boolean) | null = null;
  /** @internal Whom schedulers tell of frames. */
  readonly frames = new Set<FrameHook>();

  /** Makes an empty world. Throws LimitError (memoryMax), SkepError (E_ARGUMENT, E_NO_MEMORY). */
  constructor(options?: WorldOptions);
  /** @internal In another module's core, with so many bytes of memory for what is no world's. */
  constructor(options: WorldOptions & { heap?: number }, core: CoreModule | undefined);
  constructor(options: WorldOptions & { heap?: number } = {}, core?: CoreModule) {
    const entities = options.limits?.entities ?? 65536;
    if (!Number.isInteger(entities) || entities < 1 || entities > 67108863) {
      throw new SkepError('E_ARGUMENT', `limits.entities is ${entities}: 1 to 67,108,863`);
    }
    this.#options = {
      limits: { entities },
      seed: BigInt(options.seed ?? 1),
      memoryMax: options.memoryMax ?? 256 << 20,
      workersMax: options.workersMax ?? 16,
    };
    if (options.shared !== undefined) this.#options.shared = options.shared;
    if (options.heap !== undefined) this.#options.heap = options.heap;
    const parts = this.#open(core);
    this.#host = parts.host;
    this.#direct = parts.direct;
    this.#queue = parts.queue;
    this.#spawner = parts.spawner;
    this.#queries = parts.queries;
    this.#empty = parts.empty;
  }

  #open(core: CoreModule | undefined): Parts {
    const host = new Host({ ...this.#options, core: core ?? ownCore() });
    return {
      host,
      direct: new Direct(host),
      queue: new CommandQueue(host),
      spawner: new Spawner(host, known => this.#store(known)),
      queries: new QueryCache(host),
      empty: host.ex['skep_host_snapshot']!(host.address),
    };
  }

  /** @internal */
  get host(): Host {
    if (this.#host.closed) throw new SkepError('E_CLOSED', 'the world was disposed of');
    return this.#host;
  }

  /** @internal Moves the world into another module's core: a scene's. Handles, ticks and hash stay;
   * queries, snapshots and columns are to be made again. */
  rehost(core: CoreModule): void {
    if (this.#host.core === core) return;
    const saved = this.save();
    const before = this.#host;
    const prefabs = this.#spawner.prefabs();
    const parts = this.#open(core);
    for (const known of before.all()) parts.host.known(known.info);
    for (const prefab of prefabs) parts.spawner.definePrefab(prefab);
    this.#host = parts.host;
    this.#direct = parts.direct;
    this.#queue = parts.queue;
    this.#spawner = parts.spawner;
    this.#queries = parts.queries;
    this.#empty = parts.empty;
    this.load(saved);
    this.#hooks.move(this.#host);
    before.close();
  }

  // ---- what is there ----------------------------------------------------------------------------

  /** Entities alive. */
  get size(): number {
    this.#flush();
    const { instance, layout } = this.host;
    return instance.u32[layout.entityCount >> 2]!;
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
    this.host.ex['skep_host_report']!(this.#host.address);
    return this.#host.wide(30) + this.#lost;
  }

  /** Bytes in use by blocks, ids, resources and events. */
  get bytes(): number {
    return this.host.ex['skep_host_bytes']!(this.#host.address);
  }

  /** Bytes of the world's memory in all, as `memoryMax` said. */
  get memoryMax(): number {
    return this.#options.memoryMax;
  }

  /** A scheduler's frame is under way: writes are queued for the next one. */
  get busy(): boolean {
    return this.host.instance.u32[this.#host.layout.mode >> 2] !== 0;
  }

  // ---- entities ---------------------------------------------------------------------------------

  /** Creates an entity with components, in one move: world.spawn([Pos, { x: 1 }], Vel). Throws
   * LimitError, SchemaError; nothing was made then. */
  spawn<const T extends readonly AnyPart[]>(...parts: T & PartsOf<T>): Entity;
  /** Spawns from a prefab, with values that replace or add to its own, by component name. */
  spawn<T extends readonly AnyPart[]>(prefab: Prefab<T>, values?: PartValues<T>): Entity;
  spawn(...parts: unknown[]): Entity {
    this.#flush();
    const first = parts[0];
    if (this.#host.closed) throw new SkepError('E_CLOSED', 'the world was disposed of');
    const entity =
      first instanceof PrefabType
        ? this.#spawner.prefab(first, 1, (parts[1] ?? {}) as Record<string, unknown>)[0]!
        : this.#spawner.spawn(parts as Part[]);
    if (this.#hooks.some) this.#fire();
    return entity;
  }

  /** Spawns many from a prefab or from components; `fill` gets their columns by component name, to
   * be written. Returns the handles. All or nothing. */
  spawnMany<T extends readonly AnyPart[]>(
    prefab: Prefab<T>,
    n: number,
    fill?: (columns: PartColumns<T>, n: number) => void,
  ): Entity[];
  /** The same of components, with or without values. */
  spawnMany<const T extends readonly AnyPart[]>(
    parts: T & PartsOf<T>,
    n: number,
    fill?: (columns: PartColumns<T>, n: number) => void,
  ): Entity[];
  spawnMany(what: unknown, n: number, fill?: unknown): Entity[] {
    this.#flush();
    if (!Number.isInteger(n) || n < 0) {
      throw new SkepError('E_ARGUMENT', `${n} is no number of entities`);
    }
    if (this.#host.closed) throw new SkepError('E_CLOSED', 'the world was disposed of');
    const entities =
      what instanceof PrefabType
        ? this.#spawner.prefab(what, n, {}, fill as Fill | undefined)
        : this.#spawner.many(0, what as readonly Part[], n, fill as Fill | undefined);
    if (this.#hooks.some) this.#fire();
    return entities;
  }

  /** Destroys an entity and all that have it as their parent. One that is gone is no error. */
  destroy(entity: Entity): void {
    this.#room(0);
    this.#queue.push(OP.destroy, 0, entity, 0);
    if (this.#stores.size && ++this.#destroyed >= SWEEP_EVERY) this.#sweep();
  }

  /** Whether the entity is alive. */
  isAlive(entity: Entity): boolean {
    this.#flush();
    const host = this.#host;
    if (host.closed) throw new SkepError('E_CLOSED', 'the world was disposed of');
    if (this.#direct.quiet()) return this.#direct.find(entity) !== 0;
    return host.ex['skep_host_alive']!(host.address, entity >>> 0, entityGeneration(entity)) === 1;
  }

  /** The living children of an entity, by index: those whose Parent it is. */
  children(entity: Entity): Entity[] {
    this.#flush();
    return childrenOf(this.host, entity);
  }

  // ---- components -------------------------------------------------------------------------------

  /** Whether the entity is alive and has the component. */
  has(entity: Entity, component: AnyComponent): boolean {
    this.#flush();
    return this.#has(entity, this.#host.component(component));
  }

  #has(entity: Entity, known: Known): boolean {
    if (this.#direct.quiet()) return this.#direct.locate(entity, known) !== 0;
    const host = this.#host;
    return (
      host.ex['skep_host_has']!(host.address, entity >>> 0, entityGeneration(entity), known.address)
      === 1
    );
  }

  /** The entity's value: a new object with its fields; of an object component the value itself, to
   * be changed in place. undefined: gone, or has none. */
  get<C extends AnyComponent>(entity: Entity, component: C): Value<C> | undefined {
    this.#flush();
    const known = this.#host.component(component);
    if (known.info.object) {
      return this.#has(entity, known) ? (this.#store(known).get(entity) as Value<C>) : undefined;
    }
    if (!this.#direct.quiet()) return this.#getSlow(entity, known) as Value<C> | undefined;
    const cell = this.#direct.locate(entity, known);
    return cell === 0 ? undefined : (this.#direct.read(cell, known) as Value<C>);
  }

  /** With what waits taken into account. */
  #getSlow(entity: Entity, known: Known): object | undefined {
    const host = this.#host;
    const found = host.ex['skep_host_get']!(
      host.address,
      entity >>> 0,
      entityGeneration(entity),
      known.address,
      host.scratch,
    );
    return found ? readStruct(host.instance, known.info, host.scratch) : undefined;
  }

  /** Sets fields of a value that the entity has; the others stay. Of an object component the whole
   * value. false: gone, or has none. Throws SchemaError; the value is as it was then. */
  set<C extends AnyComponent>(entity: Entity, component: C, value: Partial<Value<C>>): boolean {
    this.#flush();
    const known = this.#host.component(component);
    if (known.info.object) return this.#setObject(entity, known, value);
    const direct = this.#direct;
    const cell = direct.quiet() ? direct.locate(entity, known) : 0;
    if (cell === 0 || !direct.owned(cell, known)) return this.#setSlow(entity, known, value);
    direct.write(cell, known, value);
    return true;
  }

  #setObject(entity: Entity, known: Known, value: unknown): boolean {
    if (
      this.guard?.(known.info, () => {
        this.#setObject(entity, known, value);
      })
    ) {
      return this.#has(entity, known);
    }
    if (!this.#has(entity, known)) return false;
    this.#store(known).set(entity, value);
    return true;
  }

  /** Where the core must do it: something waits, a snapshot holds the block, rows are watched. */
  #setSlow(entity: Entity, known: Known, value: object): boolean {
    const host = this.#host;
    const at = host.scratch;
    if (
      !host.ex['skep_host_get']!(
        host.address,
        entity >>> 0,
        entityGeneration(entity),
        known.address,
        at,
      )
    )
      return false;
    writeGiven(host.instance, known.info, at, value, false);
    const status = host.ex['skep_host_set']!(
      host.address,
      entity >>> 0,
      entityGeneration(entity),
      known.address,
      at,
    );
    if (status === STATUS.GONE || status === STATUS.NOT_FOUND) return false;
    if (status !== STATUS.OK) throw host.error(status);
    return true;
  }

  /** Adds a component, or sets it where there is one; what a value leaves out is as in the
   * defaults. Without a value one that is there stays. For an entity that is gone it is dropped and
   * counted. */
  add<C extends AnyComponent>(entity: Entity, component: C, value?: Partial<Value<C>>): void {
    const known = this.#host.component(component);
    if (known.info.object) {
      this.#addObject(entity, known, value);
      return;
    }
    this.#room(known.info.size);
    this.#queue.pushValue(value === undefined ? OP.addNew : OP.add, known, entity, value);
  }

  #addObject(entity: Entity, known: Known, value: unknown): void {
    if (this.guard?.(known.info, () => this.#addObject(entity, known, value))) return;
    this.#flush();
    const had = this.#has(entity, known);
    this.#queue.push(OP.addNew, known.address, entity, 0);
    this.#flush();
    if (!this.#has(entity, known) || (had && value === undefined)) return;
    const store = this.#store(known);
    store.set(entity, store.initial(value));
  }

  /** Removes a component; what is not there is as good as removed. */
  remove(entity: Entity, component: AnyComponent): void {
    const { address } = this.#host.component(component);
    this.#room(0);
    this.#queue.push(OP.remove, address, entity, 0);
  }

  #store(known: Known): ObjectStore {
    const { info } = known;
    let store = this.#stores.get(info.name);
    if (!store) this.#stores.set(info.name, (store = new ObjectStore(info)));
    return store;
  }

  /** Lets go of object values whose entities are gone. */
  #sweep(): void {
    this.#flush();
    this.#destroyed = 0;
    if (!this.#direct.quiet()) return;
    for (const store of this.#stores.values()) {
      store.sweep(entity => this.#direct.find(entity) !== 0);
    }
  }

  /** @internal The values of an object component. */
  objects(component: AnyComponent): ObjectStore {
    return this.#store(this.#host.component(component));
  }

  // ---- the queue --------------------------------------------------------------------------------

  /** Makes room in the queue for a value of so many bytes. */
  #room(bytes: number): void {
    if (this.#host.closed) throw new SkepError('E_CLOSED', 'the world was disposed of');
    if (!this.#queue.fits(bytes)) this.#flush();
  }

  #flush(): void {
    if (this.#queue.used !== 0) this.#flushQueue();
  }

  #flushQueue(): void {
    if (this.#host.closed) throw new SkepError('E_CLOSED', 'the world was disposed of');
    const status = this.#queue.run();
    const error = status === STATUS.OK ? null : this.#host.error(status);
    if (this.#hooks.some) this.#fire();
    if (error) throw error;
  }

  /** Makes what was queued; everything that looks does it by itself. Throws the first failure
   * (LimitError); the other changes were made. */
  flush(): void {
    this.#flush();
  }

  // ---- for schedulers ---------------------------------------------------------------------------

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

  /** @internal Lets go of what shareObjects gave, where it was not needed. */
  dropObjects(states: ReadonlyMap<string, ObjectState>): void {
    for (const [name, state] of states) this.#stores.get(name)?.drop(state);
  }

  /** @internal A job's change of a value, after its batch has committed: what storage shows counts,
   * whatever a run that begins may read. */
  changeObject(component: AnyComponent, entity: Entity, value: unknown): void {
    const known = this.host.component(component);
    if (this.#direct.locate(entity, known) !== 0) this.#store(known).set(entity, value);
    else this.#lost++;
  }

  /** @internal Makes a prefab known to the core, and gives its address there. */
  prefabAddress(prefab: Prefab): number {
    return this.#spawner.definePrefab(prefab).address;
  }

  /** @internal Counts patches that JavaScript dropped itself. */
  countDropped(count: number): void {
    this.#lost += count;
  }

  /** @internal Forgets what was queued and not made. */
  dropQueue(): void {
    this.#queue.used = 0;
  }

  // ---- queries ----------------------------------------------------------------------------------

  /** Calls `fn` for each block of rows that have all components named: columns of `write` to be
   * written, then those of `read`. While it runs nothing moves; structural changes wait for its
   * end. */
  each<
    const R extends readonly AnyComponent[] = readonly [],
    const W extends readonly AnyComponent[] = readonly [],
    const O extends readonly AnyComponent[] = readonly [],
  >(spec: QuerySpec<W, R, O>, fn: EachFn<R, W, O>): void {
    if (spec.changed) {
      throw new SkepError(
        'E_ARGUMENT',
        'each: `changed` needs a query of its own, which knows ' + 'when it looked last',
        { hint: 'const q = world.query({ changed: [...] }); q.run(...)' },
      );
    }
    this.#flush();
    this.#queries.get(spec).run(fn as (n: number, ...rest: unknown[]) => void);
    this.#settled();
  }

  /** What a pass held back is made: tells the hooks. */
  #settled(): void {
    if (this.#hooks.some && !this.#host.closed) this.#fire();
  }

  /** Makes a query to be kept: with `changed` it gives the rows written since its last pass. */
  query<
    const R extends readonly AnyComponent[] = readonly [],
    const W extends readonly AnyComponent[] = readonly [],
    const O extends readonly AnyComponent[] = readonly [],
  >(spec: QuerySpec<W, R, O>): WorldQuery<R, W, O> {
    this.#flush();
    return new WorldQuery(
      new Query(this.host, spec as QuerySpec),
      () => this.#flush(),
      () => this.#settled(),
    );
  }

  /** Lists from now on which entities lose a component. */
  removedQuery(component: AnyComponent): RemovedQuery {
    this.#flush();
    return new RemovedQuery(this.host, component, () => this.#flush());
  }

  /** How many entities match. O(tables). */
  count(spec: QuerySpec): number {
    this.#flush();
    return this.#queries.get(spec).count;
  }

  // ---- resources, events, inputs ----------------------------------------------------------------

  /** Sets fields of a resource; the others stay (zeros at first). */
  setResource<N extends string, F extends Fields>(
    resource: EventType<N, F>,
    value: Partial<Value<Component<N, F>>>,
  ): void {
    this.#flush();
    const host = this.host;
    const known = host.message(resource, KIND.resource);
    const { u8 } = host.instance;
    const { size } = known.info;
    const before = host.ex['skep_host_resource']!(host.address, known.address, 0);
    if (before) u8.copyWithin(host.scratch, before, before + size);
    else u8.fill(0, host.scratch, host.scratch + size);
    writeGiven(host.instance, known.info, host.scratch, value, false);
    const at = host.ex['skep_host_resource']!(host.address, known.address, 1);
    if (!at) throw host.error(STATUS.NO_MEMORY);
    u8.copyWithin(at, host.scratch, host.scratch + size);
  }

  /** A resource's value; undefined when it was never set. */
  resource<N extends string, F extends Fields>(
    resource: EventType<N, F>,
  ): Value<Component<N, F>> | undefined {
    this.#flush();
    const known = this.host.message(resource, KIND.resource);
    const at = this.#host.ex['skep_host_resource']!(this.#host.address, known.address, 0);
    return at
      ? (readStruct(this.#host.instance, known.info, at) as Value<Component<N, F>>)
      : undefined;
  }

  /** Sends an event to an entity or, with 0, to all. It lives until the end of the next frame. */
  send<N extends string, F extends Fields>(
    event: EventType<N, F>,
    to: Entity | 0,
    value: Partial<Value<Component<N, F>>>,
  ): void {
    this.#flush();
    const known = this.host.message(event, KIND.event);
    writeStruct(this.#host.instance, known.info, this.#host.scratch, value);
    this.#host.call(
      'skep_host_send',
      known.address,
      to >>> 0,
      entityGeneration(to as Entity),
      this.#host.scratch,
    );
  }

  /** The events of a type, or inputs that a frame has delivered, from number `since` on, oldest
   * first, and the number to ask from next. */
  events<N extends string, F extends Fields>(
    event: EventType<N, F>,
    since = 0,
  ): { next: number; events: { to: Entity; seq: number; value: Value<Component<N, F>> }[] } {
    this.#flush();
    const host = this.host;
    const known = host.message(event, event.kind === KIND.input ? KIND.input : KIND.event);
    host.call('skep_host_events', known.address, since >>> 0, Math.floor(since / 4294967296));
    const next = host.wide(2);
    const u32 = host.instance.u32;
    const list = host.word(0) >> 2;
    const events = Array.from({ length: host.word(1) }, (_, i) => {
      const at = list + 5 * i;
      return {
        to: (u32[at]! + u32[at + 1]! * 4294967296) as Entity,
        seq: u32[at + 2]! + u32[at + 3]! * 4294967296,
        value: readStruct(host.instance, known.info, u32[at + 4]!) as Value<Component<N, F>>,
      };
    });
    return { next, events };
  }

  /** Gives the world an input message: the `number`-th of a player or device, to an entity or, with
   * 0, to all. The next frame gets all inputs in the order (source, number). */
  input<N extends string, F extends Fields>(
    input: EventType<N, F>,
    source: number,
    number: number,
    to: Entity | 0,
    value: Partial<Value<Component<N, F>>>,
  ): void {
    this.#flush();
    const known = this.host.message(input, KIND.input);
    writeStruct(this.#host.instance, known.info, this.#host.scratch, value);
    this.#host.call(
      'skep_host_input',
      known.address,
      source,
      number,
      to >>> 0,
      entityGeneration(to as Entity),
      this.#host.scratch,
    );
  }

  // ---- hooks ------------------------------------------------------------------------------------

  /** Calls `fn` after an entity got the component, also by a job, in the order in which it
   * happened; never on restore. What it changes is made when all were told. Returns what ends that.
   */
  onAdd(component: AnyComponent, fn: (entity: Entity, world: World) => void): () => void {
    this.#flush();
    return this.#hooks.add(this.host, component, true, entity => fn(entity, this));
  }

  /** The same for losing it, by destroying its entity too. */
  onRemove(component: AnyComponent, fn: (entity: Entity, world: World) => void): () => void {
    this.#flush();
    return this.#hooks.add(this.host, component, false, entity => fn(entity, this));
  }

  /** @internal Tells the hooks what has happened. */
  fireHooks(): void {
    if (this.#hooks.some) this.#fire();
  }

  #fire(): void {
    this.#hooks.fire(this.#host, () => this.#flush());
  }

  // ---- snapshots and saves ----------------------------------------------------------------------

  /** Takes a snapshot: references to all blocks, microseconds for a million entities. */
  snapshot(): Snapshot {
    this.#flush();
    return new Snapshot(this.host, this.shareObjects(), states => this.dropObjects(states));
  }

  /** Takes the world back to a snapshot of it. Handles, rows and the order of free handles are as
   * they were. Throws E_BUSY while a frame runs. */
  restore(snapshot: Snapshot): void {
    this.#flush();
    if (snapshot.host !== this.host) {
      throw new SkepError('E_ARGUMENT', 'this is a snapshot of another world');
    }
    this.#host.call('skep_host_restore', snapshot.address);
    this.restoreObjects(snapshot.objects);
    this.#hooks.forget(this.#host);
  }

  /** The hash of the world's state: the same on every host, whatever ran its jobs. Object
   * components stay out. */
  hash(): bigint {
    this.#flush();
    this.host.call('skep_host_hash', 0);
    return hashOf(this.#host);
  }

  /** The world, or a snapshot of it, as bytes. Values of object components go along as JSON; one
   * that JSON cannot hold is named. */
  save(snapshot?: Snapshot): Uint8Array<ArrayBuffer> {
    this.#flush();
    const host = this.host;
    if (snapshot && snapshot.host !== host) {
      throw new SkepError('E_ARGUMENT', 'this is a snapshot of another world');
    }
    host.call('skep_host_save', snapshot ? snapshot.address : 0);
    return packSave(gatherSave(host), this.#stores, snapshot, (entity, name) => {
      const known = host.named(name);
      return known !== undefined && this.#has(entity, known);
    });
  }

  /** Takes the world to what `save` wrote, here or in a C program: same handles, same hash, instead
   * of what was in it. Components are found by name among all that this program has defined; what
   * it does not know is left out. Throws SkepError (E_CORRUPT, E_SCHEMA) with the byte; the world
   * stays as it was then. */
  load(bytes: Uint8Array): void {
    this.#flush();
    const host = this.host;
    const { core, objects } = unpackSave(bytes);
    this.learn(core);
    const at = host.alloc(core.length);
    try {
      host.instance.u8.set(core, at);
      host.call('skep_host_replace', this.#empty, at, core.length);
    } finally {
      host.free(at, core.length);
    }
    this.reloaded();
    for (const [name, values] of objects) {
      const known = host.named(name);
      if (!known?.info.object) continue;
      for (const [entity, value] of values) this.#store(known).set(entity, value);
    }
  }

  /** @internal Makes known, in this order, what a save holds and this program has defined. */
  learn(core: Uint8Array): void {
    const { host } = this;
    for (const [kind, name] of savedNames(core)) {
      const defined =
        kind === KIND.component && host.named(name) ? undefined : definedAs(kind, name);
      if (!defined) continue;
      const known = host.known(defined);
      if (kind !== KIND.component) host.call('skep_host_register', known.address);
    }
  }

  /** @internal All that is in the world was replaced. */
  reloaded(): void {
    for (const store of this.#stores.values()) store.clear();
    this.#hooks.forget(this.#host);
  }

  /** Checks what must hold between storage, ids and counts; throws where it does not. For bug
   * hunts: O(entities). */
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

  // ---- the names of the notes -------------------------------------------------------------------

  /** Delegates to defineComponent. */
  defineComponent<V>(spec: { name: string; defaults: () => V }): Component<string, null, V>;
  defineComponent<const N extends string, const F extends Fields>(spec: {
    name: N;
    fields: F;
  }): Component<N, F>;
  defineComponent(spec: { name: string; fields?: Fields; defaults?: () => unknown }): AnyComponent {
    const component = defineComponent(spec as { name: string; fields: Fields });
    this.host.component(component);
    return component;
  }

  /** As `spawn` without components. */
  createEntity(): Entity {
    return this.spawn();
  }

  /** As `destroy`. */
  destroyEntity(entity: Entity): void {
    this.destroy(entity);
  }

  /** As `add`. */
  addComponent<C extends AnyComponent>(
    entity: Entity,
    component: C,
    value?: Partial<Value<C>>,
  ): void {
    this.add(entity, component, value);
  }

  /** As `remove`. */
  removeComponent(entity: Entity, component: AnyComponent): void {
    this.remove(entity, component);
  }

  /** A query by lists, for `iter`. */
  makeQuery(spec: NotesQuerySpec): NotesQuery {
    return makeNotesQuery(spec);
  }

  /** Goes over the entities of a query as they were when it was called: [entity, get, ...values].
   * Values of a component that an entity lacks are undefined. Entities that die meanwhile are left
   * out; structural changes are fine. */
  iter(query: NotesQuery, ...components: AnyComponent[]): Generator<NotesRow> {
    this.#flush();
    return iterate(
      this,
      this.#queries.get(query.spec).entities(),
      components.length ? components : query.components,
    );
  }

  /** Commands by the notes' names; handles are real at once. */
  beginTick(): Commands {
    return new Commands(this);
  }

  /** Makes what was queued. */
  endTick(): void {
    this.#flush();
  }
}
