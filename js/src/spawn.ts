// SPDX-License-Identifier: MIT
// Making entities: one by one from a list of components, many at once, and from prefabs. Values are
// checked and written to wasm memory before the call that makes the entities, and objects are
// copied before it too, so that what cannot be made leaves nothing behind.

import { infoOf, type AnyComponent } from './component.js';
import { putInitial } from './core/queue.js';
import type { Host, Known } from './core/host.js';
import { STATUS } from './core/layout.js';
import { writeGiven } from './core/values.js';
import { toEntities, type Entity } from './entity.js';
import { LimitError, SkepError } from './errors.js';
import { cloneValue, type ObjectStore } from './object_store.js';
import { partComponent, partValue, type Part, type Prefab } from './prefab.js';

/** Components of one entity at most, when it is made. */
const CREATE_MAX = 64;

type Columns = Record<string, unknown>;
export type Fill = (columns: Columns, n: number) => void;

/** A component to spawn with. */
interface Slot {
  readonly known: Known;
  /** Where its C struct goes. */
  readonly at: number;
  /** Of an object component. */
  readonly store: ObjectStore | null;
}

/** A list of components, prepared in wasm. */
interface Shape {
  readonly address: number;
  readonly slots: readonly Slot[];
  readonly values: number;
  readonly objects: boolean;
}

/** The shapes whose lists begin alike, by the world's number of the next component. */
interface Branch {
  shape: Shape | null;
  readonly next: (Branch | undefined)[];
}

/** What the world has for a prefab. */
interface KnownPrefab {
  readonly address: number;
  readonly prefab: Prefab;
  readonly objects: readonly Part[];
}

export class Spawner {
  readonly #host: Host;
  readonly #storeOf: (known: Known) => ObjectStore;
  readonly #root: Branch = { shape: null, next: [] };
  readonly #prefabs = new Map<string, KnownPrefab>();

  constructor(host: Host, storeOf: (known: Known) => ObjectStore) {
    this.#host = host;
    this.#storeOf = storeOf;
  }

  // ---- one --------------------------------------------------------------------------------------

  spawn(parts: readonly Part[]): Entity {
    const host = this.#host;
    const shape = this.#shape(parts);
    const objects = shape.objects ? this.#objects(parts) : null;
    const { u32 } = host.instance;
    for (let i = 0; i < parts.length; i++) {
      const slot = shape.slots[i]!;
      if (slot.at === 0) continue;
      putInitial(u32, slot.known, slot.at);
      const value = partValue(parts[i]!);
      if (value !== undefined) writeGiven(host.instance, slot.known.info, slot.at, value, true);
    }
    const status = host.ex['skep_host_spawn']!(host.address, shape.address, shape.values);
    if (status !== STATUS.OK) throw host.error(status);
    const entity = (u32[host.io]! + u32[host.io + 1]! * 4294967296) as Entity;
    if (objects !== null) for (const [store, value] of objects) store.set(entity, value);
    return entity;
  }

  #shape(parts: readonly Part[]): Shape {
    let branch = this.#root;
    for (let i = 0; i < parts.length; i++) {
      const { number } = this.#host.component(partComponent(parts[i]!));
      branch = branch.next[number] ??= { shape: null, next: [] };
    }
    return (branch.shape ??= this.#makeShape(parts));
  }

  #makeShape(parts: readonly Part[]): Shape {
    const host = this.#host;
    const known = parts.map(part => host.component(partComponent(part)));
    if (known.length > CREATE_MAX) tooMany(known.length);
    host.instance.u32.set(
      known.map(k => k.address),
      host.io,
    );
    const address = host.ex['skep_host_shape']!(host.address, known.length);
    if (!address) throw host.error(host.word(0));
    const offsets = known.map((_, i) => host.word(i));
    const values = host.alloc(Math.max(host.word(known.length), 8));
    const slots = known.map((k, i): Slot => ({
      known: k,
      at: k.info.size ? values + offsets[i]! : 0,
      store: k.info.object ? this.#storeOf(k) : null,
    }));
    return { address, slots, values, objects: slots.some(slot => slot.store) };
  }

  /** The values of the object components of a list. */
  #objects(parts: readonly Part[]): [ObjectStore, unknown][] {
    const values: [ObjectStore, unknown][] = [];
    for (const part of parts) {
      const known = this.#host.component(partComponent(part));
      if (!known.info.object) continue;
      const store = this.#storeOf(known);
      const value = partValue(part);
      values.push([store, store.initial(value)]);
    }
    return values;
  }

  // ---- many -------------------------------------------------------------------------------------

  /** Creates n entities, of a prefab at `prefab` if that is not 0. With `fill` the columns of the
   * parts are given to it first. All or nothing. */
  many(prefab: number, parts: readonly Part[], n: number, fill?: Fill): Entity[] {
    const host = this.#host;
    if (parts.length > CREATE_MAX) tooMany(parts.length);
    const blocks: [number, number][] = [];
    const take = (bytes: number): number => {
      const at = host.alloc(Math.max(bytes, 8));
      blocks.push([at, Math.max(bytes, 8)]);
      return at;
    };
    try {
      const columns: Columns = {};
      const words = parts.flatMap(part => this.#part(part, n, fill ? columns : null, take));
      const objects = this.#objects(parts);
      const copies = objects.map(([store, value]) =>
        Array.from({ length: n - 1 }, () => cloneValue(store.info.name, value)),
      );
      fill?.(columns, n);
      const handles = take(8 * n);
      host.instance.u32.set(words, host.io);
      host.call('skep_host_create_many', prefab, n, parts.length, handles);
      const entities = toEntities(host.instance.u32, handles >> 2, n);
      objects.forEach(([store, value], k) =>
        entities.forEach((entity, i) => store.set(entity, i ? copies[k]![i - 1] : value)),
      );
      return entities;
    } finally {
      for (const [at, bytes] of blocks) host.free(at, bytes);
    }
  }

  /** Prepares a part for skep_host_create_many: component, value, columns. */
  #part(part: Part, n: number, columns: Columns | null, take: (bytes: number) => number): number[] {
    const { instance } = this.#host;
    const known = this.#host.component(partComponent(part));
    const { info } = known;
    if (info.size === 0) return [known.address, 0, 0];
    const value = take(info.size);
    putInitial(instance.u32, known, value);
    const given = partValue(part);
    if (given !== undefined) writeGiven(instance, info, value, given, true);
    if (!columns || n === 0) return [known.address, value, 0];
    const pointers = take(4 * info.layout.length);
    info.layout.forEach((field, f) => {
      const bytes = field.size * field.count;
      const at = take(n * bytes);
      instance.u32[(pointers >> 2) + f] = at;
      spread(instance.u8, value + field.offset, at, bytes, n);
    });
    columns[info.name] = known.cache.get(pointers >> 2, n);
    return [known.address, value, pointers];
  }

  // ---- prefabs ----------------------------------------------------------------------------------

  /** Spawns n of a prefab, with values by component name that replace or add to its own. */
  prefab(
    prefab: Prefab,
    n: number,
    values: Readonly<Record<string, unknown>>,
    fill?: Fill,
  ): Entity[] {
    const known = this.definePrefab(prefab);
    const parts: Part[] = fill
      ? prefab.parts.filter(part => !infoOf(partComponent(part)).object)
      : [];
    for (const name of Object.keys(values)) parts.push(this.#override(prefab, name, values[name]));
    const given = new Set(parts.map(partComponent));
    // Objects that are not given are those of the prefab: copied before anything is made.
    const own = known.objects.filter(part => !given.has(partComponent(part)));
    const made = own.map(part => this.#copies(part, n));
    const entities = this.many(known.address, parts, n, fill);
    own.forEach((part, k) => {
      const store = this.#storeOf(this.#host.component(partComponent(part)));
      entities.forEach((entity, i) => store.set(entity, made[k]![i]));
    });
    if (prefab.children.some(hasObjects)) for (const root of entities) this.#children(prefab, root);
    return entities;
  }

  /** A part of a prefab with other values. */
  #override(prefab: Prefab, name: string, value: unknown): Part {
    const own = prefab.parts.find(part => partComponent(part).name === name);
    const component = own ? partComponent(own) : this.#host.named(name)?.info;
    if (!component) {
      throw new SkepError(
        'E_ARGUMENT',
        `prefab "${prefab.name}": there is no component "${name}" ` + 'to give a value',
        { hint: 'values are given by component name' },
      );
    }
    if (infoOf(component).object) return [component, value] as unknown as Part;
    const base = own ? (partValue(own) as object | undefined) : undefined;
    return [component, { ...base, ...(value as object) }] as unknown as Part;
  }

  /** n copies of an object of a prefab. */
  #copies(part: Part, n: number): unknown[] {
    const store = this.#storeOf(this.#host.component(partComponent(part)));
    const value = partValue(part);
    return Array.from({ length: n }, () =>
      store.initial(value === undefined ? value : cloneValue(store.info.name, value)),
    );
  }

  /** Gives children of a prefab their objects, which the core knows nothing of. */
  #children(prefab: Prefab, root: Entity): void {
    const children = childrenOf(this.#host, root);
    prefab.children.forEach((child, i) => {
      for (const part of child.parts) {
        const known = this.#host.component(partComponent(part));
        if (known.info.object) this.#storeOf(known).set(children[i]!, this.#copies(part, 1)[0]);
      }
      this.#children(child, children[i]!);
    });
  }

  /** Makes a prefab known to the world. */
  definePrefab(prefab: Prefab): KnownPrefab {
    const before = this.#prefabs.get(prefab.name);
    if (before) {
      if (before.prefab === prefab) return before;
      throw new SkepError('E_ARGUMENT', `prefab "${prefab.name}" is defined twice in this world`, {
        hint: 'give one of them another name',
      });
    }
    const host = this.#host;
    const children = prefab.children.map(child => this.definePrefab(child));
    const address = host.withTexts([prefab.name], places =>
      host.ex['skep_host_define']!(host.address, places[0]![0], places[0]![1], 4, 1, 0),
    );
    if (!address) throw host.error(STATUS.NO_MEMORY);
    this.#defineParts(prefab, address);
    for (const child of children) host.call('skep_host_prefab_child', address, child.address);
    const known = {
      address,
      prefab,
      objects: prefab.parts.filter(part => infoOf(partComponent(part)).object),
    };
    this.#prefabs.set(prefab.name, known);
    return known;
  }

  #defineParts(prefab: Prefab, address: number): void {
    const host = this.#host;
    const blocks: [number, number][] = [];
    if (prefab.parts.length > CREATE_MAX) tooMany(prefab.parts.length);
    try {
      const words = prefab.parts.flatMap(part =>
        this.#part(part, 1, null, bytes => {
          blocks.push([host.alloc(bytes), bytes]);
          return blocks.at(-1)![0];
        }),
      );
      host.instance.u32.set(words, host.io);
      host.call('skep_host_prefab', address, prefab.parts.length);
    } finally {
      for (const [at, bytes] of blocks) host.free(at, bytes);
    }
  }

  /** The prefabs that were used. */
  prefabs(): Prefab[] {
    return [...this.#prefabs.values()].map(known => known.prefab);
  }
}

/** The living children of an entity, by index. */
export function childrenOf(host: Host, entity: Entity): Entity[] {
  host.call('skep_host_children', entity >>> 0, Math.floor(entity / 4294967296));
  return toEntities(host.instance.u32, host.word(0) >> 2, host.word(1));
}

function hasObjects(prefab: Prefab): boolean {
  return (
    prefab.parts.some(part => infoOf(partComponent(part)).object)
    || prefab.children.some(hasObjects)
  );
}

function tooMany(components: number): never {
  throw new LimitError(
    `an entity of ${components} components: ${CREATE_MAX} can be given when it ` + 'is made',
    'create_max',
    CREATE_MAX,
    components,
    { hint: 'add the others afterwards' },
  );
}

/** Writes the `bytes` at `from` n times behind each other at `to`. */
function spread(u8: Uint8Array, from: number, to: number, bytes: number, n: number): void {
  u8.copyWithin(to, from, from + bytes);
  for (let done = 1; done < n; done *= 2) {
    u8.copyWithin(to + done * bytes, to, to + Math.min(done, n - done) * bytes);
  }
}
