// SPDX-License-Identifier: MIT
// Snapshots of a world: references to its blocks, taken in microseconds, held as long as you like.

/// <reference lib="esnext.disposable" preserve="true" />

import { type AnyComponent, type Reads, type Value } from './component.js';
import { EntityColumn, entityGeneration, type Entity, type EntityColumnView } from './entity.js';
import { SkepError } from './errors.js';
import type { Host, Known } from './core/host.js';
import { makeColumn, type Column } from './core/columns.js';
import { readStruct } from './core/values.js';
import type { ObjectState } from './object_store.js';

/** What entities have in a difference. */
export type DiffKind = 'despawned' | 'spawned' | 'removed' | 'added' | 'changed';
/** As skep_diff_kind, from 1 on. */
const KINDS: readonly DiffKind[] = ['despawned', 'spawned', 'removed', 'added', 'changed'];

export interface DiffItem {
  readonly kind: DiffKind;
  readonly count: number;
  /** Handles and values are valid while both snapshots are held. */
  readonly entities: EntityColumnView;
  /** Of removed, added and changed: the component's name. */
  readonly component: string | null;
  /** Of added and changed: the new values by field, as typed arrays. */
  readonly columns: Readonly<Record<string, unknown>> | null;
}

export class Snapshot {
  /** Frames that had run. */
  readonly tick: number;
  /** Seconds that the world had simulated. */
  readonly time: number;
  /** Entities alive. */
  readonly size: number;
  readonly #host: Host;
  #address: number;
  readonly #objects: ReadonlyMap<string, ObjectState>;
  readonly #drop: (objects: ReadonlyMap<string, ObjectState>) => void;

  /** @internal */
  constructor(
    host: Host,
    objects: ReadonlyMap<string, ObjectState>,
    drop: (objects: ReadonlyMap<string, ObjectState>) => void,
  ) {
    this.#host = host;
    this.#objects = objects;
    this.#drop = drop;
    this.#address = host.ex['skep_host_snapshot']!(host.address);
    if (!this.#address) {
      drop(objects);
      throw host.error(host.word(0));
    }
    host.ex['skep_host_snapshot_info']!(host.address, this.#address);
    this.tick = host.wide(0);
    this.size = host.word(2);
    this.time = host.instance.f64[(host.io + 4) >> 1]!;
  }

  /** @internal */
  get address(): number {
    if (!this.#address || this.#host.closed) {
      throw new SkepError('E_CLOSED', 'the snapshot was released', {
        hint: 'keep it with `using`, or release it later',
      });
    }
    return this.#address;
  }

  /** @internal */
  get host(): Host {
    return this.#host;
  }

  /** @internal */
  get objects(): ReadonlyMap<string, ObjectState> {
    return this.#objects;
  }

  /** The hash that the world had. */
  hash(): bigint {
    this.#host.call('skep_host_hash', this.address);
    return hashOf(this.#host);
  }

  /** An entity's value as it was; undefined when it was not alive or had none. */
  get<C extends AnyComponent>(entity: Entity, component: C): Value<C> | undefined {
    const known = this.#host.component(component);
    if (!this.#has(entity, known)) return undefined;
    if (known.info.object) {
      const state = this.#objects.get(known.info.name);
      const index = entity >>> 0;
      if (state?.handles[index] !== entity) return undefined;
      return structuredClone(state.values[index]) as Value<C>;
    }
    return readStruct(this.#host.instance, known.info, this.#host.scratch) as Value<C>;
  }

  /** Whether the entity had the component; its value is in the host's scratch then. */
  #has(entity: Entity, known: Known): boolean {
    return (
      this.#host.ex['skep_host_snapshot_get']!(
        this.#host.address,
        this.address,
        entity >>> 0,
        entityGeneration(entity),
        known.address,
        this.#host.scratch,
      ) === 1
    );
  }

  /** @internal Whether the entity had the component of that name. */
  had(entity: Entity, name: string): boolean {
    const known = this.#host.named(name);
    return known !== undefined && this.#has(entity, known);
  }

  /** Calls `fn` for each run of rows whose entities had all of the components. The columns must not
   * be written, and are valid while the snapshot is held. */
  each<const R extends readonly AnyComponent[]>(
    components: R,
    fn: (
      n: number,
      ...columns: [...{ [I in keyof R]: Reads<R[I]> }, entities: EntityColumnView]
    ) => void,
  ): void {
    const host = this.#host;
    const known = components.map(component => host.component(component));
    host.instance.u32.set(
      known.map(k => k.address),
      host.io,
    );
    host.call('skep_host_snapshot_rows', this.address, known.length);
    const list = host.word(0) >> 2;
    const runs = host.word(1);
    const words = 4 + known.reduce((sum, k) => sum + k.info.layout.length, 0);
    const u32 = host.instance.u32;
    const blocks: unknown[][] = [];
    for (let at = list; at < list + runs * words; at += words) {
      const n = u32[at]!;
      let word = at + 4;
      const block: unknown[] = [n];
      for (const k of known) {
        block.push(k.cache.get(word, n));
        word += k.info.layout.length;
      }
      block.push(
        new EntityColumn(new Uint32Array(host.instance.memory.buffer, u32[at + 1]!, 2 * n)),
      );
      blocks.push(block);
    }
    for (const block of blocks) (fn as unknown as (...args: unknown[]) => void)(...block);
  }

  /** What turns this snapshot into a later (or earlier) one of the same world: despawned first,
   * then spawned, removed, added and changed. Blocks that both share are equal without looking. */
  diff(after: Snapshot): DiffItem[] {
    const host = this.#host;
    if (after.#host !== host) {
      throw new SkepError('E_ARGUMENT', 'these are snapshots of two worlds');
    }
    host.call('skep_host_diff', this.address, after.address);
    const { u32 } = host.instance;
    const items: DiffItem[] = [];
    let at = host.word(0) >> 2;
    for (let left = host.word(1); left > 0; left--) {
      items.push(makeItem(host, at));
      at += 5 + u32[at + 4]!;
    }
    return items.sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
  }

  /** Ends the snapshot; the blocks that it alone held are used again. Twice is fine. */
  release(): void {
    if (this.#address && !this.#host.closed) {
      this.#host.ex['skep_host_release']!(this.#host.address, this.#address);
      this.#drop(this.#objects);
    }
    this.#address = 0;
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** In an item's kind: wasm has gathered short runs, in memory that it uses again. */
const GATHERED = 256;

/** Reads one item of a difference: kind, entities, their address, the component's name, fields, and
 * the address of each field's column. */
function makeItem(host: Host, at: number): DiffItem {
  const { u32, memory } = host.instance;
  const count = u32[at + 1]!;
  const fields = u32[at + 4]!;
  const gathered = (u32[at]! & GATHERED) !== 0;
  const component = u32[at + 3] ? host.instance.text(u32[at + 3]!) : null;
  const known = component && fields ? host.named(component) : undefined;
  const words = new Uint32Array(memory.buffer, u32[at + 2]!, 2 * count);
  const columns: Record<string, Column> = {};
  known?.info.layout.forEach((field, f) => {
    const view = makeColumn(memory.buffer, field.type, u32[at + 5 + f]!, count * field.count);
    columns[field.name] = gathered ? copyColumn(view) : view;
  });
  return {
    kind: KINDS[(u32[at]! & 255) - 1]!,
    count,
    component,
    entities: new EntityColumn(gathered ? words.slice() : words),
    columns: known ? columns : null,
  };
}

function copyColumn(column: Column): Column {
  return column instanceof EntityColumn
    ? new EntityColumn(column.words.slice())
    : (column as Uint8Array).slice();
}

/** @internal The hash that the last call left in io. */
export function hashOf(host: Host): bigint {
  return (BigInt(host.word(1)) << 32n) | BigInt(host.word(0));
}
