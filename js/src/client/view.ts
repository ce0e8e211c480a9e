// SPDX-License-Identifier: MIT
// The view in wasm, one level above its exports: bytes in and out, runs of rows as columns, values
// as objects. It knows no transport and no prediction.

import { infoOf, type AnyComponent, type ComponentInfo } from '../component.js';
import { ColumnCache, type ColumnSet } from '../core/columns.js';
import type { Host, Known } from '../core/host.js';
import { KIND } from '../core/layout.js';
import { REPLICA_MAX, VIEW, describeAt, doubleAt, whyFailed } from '../core/live.js';
import { readStruct, writeStruct } from '../core/values.js';
import { EntityColumn, entityGeneration, type Entity } from '../entity.js';
import { LimitError, SchemaError, SkepError } from '../errors.js';
import type { ConnectOptions, Interest } from './options.js';

/** skep_view_phase. */
export const PHASE = { connecting: 0, live: 1, stale: 2, reconnecting: 3, closed: 4 } as const;

const TWO_32 = 4294967296;

/** A component of the server's schema, as this side knows it. */
export interface Seen {
  readonly address: number;
  readonly info: ComponentInfo;
  readonly cache: ColumnCache;
}

/** A component that is predicted. */
export interface Part {
  readonly name: string;
  readonly address: number;
}

/** What one call of `each` goes over: the words of the runs, and the arguments of the callback. */
interface Pass {
  words: number[];
  args: unknown[];
}

export class View {
  readonly host: Host;
  readonly #address: number;
  readonly #open: boolean;
  readonly #seen = new Map<AnyComponent, Seen>();
  /** The server's schema, once it is known: places by kind and name. */
  #places = new Map<string, number>();
  #addresses: number[] = [];
  readonly #passes: Pass[] = [];
  #depth = 0;
  readonly #handles = new Map<number, EntityColumn>();
  #inbox = 0;
  #inboxBytes = 0;
  #closed = false;

  /** Throws SkepError (E_ARGUMENT, E_NO_MEMORY), LimitError, SchemaError. */
  constructor(host: Host, options: ConnectOptions, predicted: readonly Part[]) {
    this.host = host;
    const inputs = new Set(options.inputs ?? []);
    if (options.predict) inputs.add(options.predict.input);
    this.#open = options.components === undefined;
    const named: Known[] = [
      ...(options.components ?? []).map(c => host.component(c)),
      ...(options.events ?? []).map(c => host.message(c, KIND.event)),
      ...(options.resources ?? []).map(c => host.message(c, KIND.resource)),
      ...[...inputs].map(c => host.message(c, KIND.input)),
    ];
    const object = named.find(k => k.info.object);
    if (object) {
      const { name } = object.info;
      throw new SchemaError(`component "${name}" has no columns, so nobody publishes it`, name);
    }
    if (named.length > REPLICA_MAX) {
      throw new LimitError(
        `${named.length} components, events, resources and inputs; the most is ${REPLICA_MAX}`,
        'components',
        REPLICA_MAX,
        named.length,
      );
    }
    if (this.#open && predicted.length) {
      throw new SkepError('E_ARGUMENT', 'what is predicted needs `components`', {
        hint: 'connect(url, { components: [Pos, Ship], predict: ... })',
      });
    }
    // Of what both name the program's definition counts; the rest is seen as well.
    const addresses = named.map(k => k.address);
    const exact = predicted.map(part => {
      const known = named.find(k => k.info.name === part.name && k.info.kind === undefined);
      if (!known) addresses.push(part.address);
      return known?.address ?? part.address;
    });
    this.#address = this.#make(options, this.#open ? [] : addresses, exact);
  }

  #make(options: ConnectOptions, named: readonly number[], predicted: readonly number[]): number {
    const { host } = this;
    const { u32, u8 } = host.instance;
    const token = new TextEncoder().encode(options.token ?? '');
    if (token.length > 4096) {
      throw new LimitError(`a token of ${token.length} bytes`, 'token', 4096, token.length);
    }
    const at = host.alloc(Math.max(token.length, 1));
    u8.set(token, at);
    u32.fill(0, host.io, host.io + VIEW.lists);
    const numbers: [number, number | undefined][] = [
      [VIEW.replicas, named.length],
      [VIEW.predict, predicted.length],
      [VIEW.token, at],
      [VIEW.tokenBytes, token.length],
      [VIEW.delayMin, options.delayMs?.[0]],
      [VIEW.delayMax, options.delayMs?.[1]],
      [VIEW.stale, options.staleMs],
      [VIEW.entityMax, options.entitiesMax],
    ];
    for (const [place, value] of numbers) u32[host.io + place] = value ?? 0;
    const interest = options.interest;
    this.#writeBox(VIEW.axes, (typeof interest === 'function' ? interest() : interest) ?? null);
    u32.set([...named, ...predicted], host.io + VIEW.lists);
    const address = host.ex['skep_host_view_open']!(host.address);
    const status = host.word(0);
    host.free(at, Math.max(token.length, 1));
    if (address) return address;
    throw status === 1
      ? host.error(status)
      : new SkepError('E_ARGUMENT', `connect: ${whyFailed(host)}`);
  }

  #writeBox(at: number, interest: Interest): void {
    const { u32, f32 } = this.host.instance;
    const io = this.host.io + at;
    const axes = interest ? interest.min.length : 0;
    if (interest && (axes < 1 || axes > 3 || interest.max.length !== axes)) {
      throw new SkepError('E_ARGUMENT', `an area of ${axes} and ${interest.max.length} axes`, {
        hint: '{ min: [x, y], max: [x, y] }, with one to three axes',
      });
    }
    u32[io] = axes;
    for (let axis = 0; axis < 3; axis++) {
      f32[io + 1 + axis] = interest?.min[axis] ?? 0;
      f32[io + 4 + axis] = interest?.max[axis] ?? 0;
    }
  }

  get address(): number {
    return this.#address;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.host.ex['skep_host_view_close']!(this.#address);
  }

  // ---- the connection --------------------------------------------------------------------------

  link(up: boolean, now: number): void {
    this.host.ex['skep_host_view_link']!(this.#address, up ? 1 : 0, now);
  }

  /** Takes a message; false: the connection is to be closed. */
  receive(bytes: Uint8Array, now: number): boolean {
    const { host } = this;
    if (bytes.length > this.#inboxBytes) {
      if (this.#inbox) host.free(this.#inbox, this.#inboxBytes);
      this.#inbox = 0;
      this.#inboxBytes = 0;
      this.#inbox = host.alloc(bytes.length);
      this.#inboxBytes = bytes.length;
    }
    host.instance.u8.set(bytes, this.#inbox);
    return host.ex['skep_host_view_receive']!(this.#address, this.#inbox, bytes.length, now) === 1;
  }

  /** The next message to be sent, which stays until the next call. */
  next(now: number): Uint8Array | null {
    const size = this.host.ex['skep_host_view_next']!(this.#address, now);
    if (!size) return null;
    return new Uint8Array(this.host.instance.memory.buffer, this.host.word(0), size);
  }

  /** false: the connection is to be closed. */
  tick(now: number): boolean {
    return this.host.ex['skep_host_view_tick']!(this.#address, now) === 1;
  }

  leave(): void {
    this.host.ex['skep_host_view_leave']!(this.#address);
  }

  phase(): { phase: number; reason: string } {
    const phase = this.host.ex['skep_host_view_phase']!(this.#address);
    const at = this.host.word(0);
    return { phase, reason: at ? this.host.instance.text(at) : '' };
  }

  area(interest: Interest): void {
    this.#writeBox(0, interest);
    this.host.ex['skep_host_view_area']!(this.#address);
  }

  /** Sends an input by `call`, and returns its number; 0: it could not be sent. */
  send(input: AnyComponent, value: unknown, call: (input: number, value: number) => void): number {
    const { host } = this;
    const seen = this.seen(input, KIND.input);
    if (!seen) return 0;
    writeStruct(host.instance, infoOf(input), host.scratch, value);
    call(seen.address, host.scratch);
    return host.wide(0);
  }

  /** Sends one without prediction. */
  sendPlain(input: AnyComponent, value: unknown, now: number): number {
    return this.send(input, value, (info, at) => {
      this.host.ex['skep_host_view_send']!(this.#address, info, at, now);
    });
  }

  // ---- the schema ------------------------------------------------------------------------------

  /** Looks whether the server's schema is there, and what it is. */
  #learn(): boolean {
    if (this.#addresses.length) return true;
    const { host } = this;
    const count = host.ex['skep_host_view_schema']!(this.#address);
    const addresses = Array.from({ length: count }, (_, i) => host.word(i));
    addresses.forEach((address, place) => {
      const { info } = describeAt(host, address);
      this.#places.set(`${info.kind ?? 0}:${info.name}`, place);
    });
    this.#addresses = addresses;
    return count > 0;
  }

  /** A component as the view takes it; undefined while that cannot be known. Throws SchemaError for
   * one that the server does not have, or has with other fields. */
  seen(component: AnyComponent, kind: number): Seen | undefined {
    const before = this.#seen.get(component);
    if (before) return before;
    const info = infoOf(component);
    if ((info.kind ?? 0) !== kind) {
      throw new SchemaError(`"${info.name}" is of another kind than is wanted here`, info.name);
    }
    const seen = this.#open ? this.#found(info) : this.#wanted(component, kind);
    if (seen) this.#seen.set(component, seen);
    return seen;
  }

  /** One that connect() was told of. */
  #wanted(component: AnyComponent, kind: number): Seen {
    const { host } = this;
    return kind === KIND.component ? host.component(component) : host.message(component, kind);
  }

  /** One of the server's. */
  #found(info: ComponentInfo): Seen | undefined {
    if (!this.#learn()) return undefined;
    const place = this.#places.get(`${info.kind ?? 0}:${info.name}`);
    if (place === undefined) {
      throw new SchemaError(`the server publishes no "${info.name}"`, info.name, undefined, {
        hint: `it publishes ${[...this.#places.keys()].map(key => key.slice(2)).join(', ')}`,
      });
    }
    const address = this.#addresses[place]!;
    const theirs = describeAt(this.host, address).info;
    const other = info.layout.findIndex((f, i) => {
      const g = theirs.layout[i];
      return !g || f.name !== g.name || f.type !== g.type || f.count !== g.count;
    });
    if (other >= 0 || theirs.layout.length !== info.layout.length) {
      const field = info.layout[other]?.name ?? theirs.layout[info.layout.length]?.name;
      throw new SchemaError(
        `component "${info.name}": field "${field}" is otherwise on the server`,
        info.name,
        field,
        { hint: 'both sides need the same definition' },
      );
    }
    return { address, info, cache: new ColumnCache(this.host.instance, info) };
  }

  /** The bits of components in the changes of a picture; undefined while they are not known. */
  mask(components: readonly AnyComponent[]): readonly [number, number] | undefined {
    if (!this.#learn()) return undefined;
    let low = 0;
    let high = 0;
    for (const component of components) {
      const place = this.#places.get(`0:${component.name}`);
      if (place === undefined) return undefined;
      if (place < 32) low |= 1 << place;
      else high |= 1 << (place - 32);
    }
    return [low >>> 0, high >>> 0];
  }

  // ---- what is shown ---------------------------------------------------------------------------

  frame(now: number): void {
    const status = this.host.ex['skep_host_view_frame']!(this.#address, now);
    if (status) throw this.host.error(status);
    if (this.#handles.size > 4096) this.#handles.clear();
  }

  /** Calls `fn` for each run of rows that have the components. Views of columns are kept from
   * picture to picture, so that in the long run nothing is allocated. */
  each(components: readonly AnyComponent[], fn: (...args: unknown[]) => void): void {
    const { host } = this;
    const seen: Seen[] = [];
    for (const component of components) {
      const one = this.seen(component, KIND.component);
      if (!one) return;
      seen.push(one);
    }
    const { u32 } = host.instance;
    for (let i = 0; i < seen.length; i++) u32[host.io + i] = seen[i]!.address;
    host.ex['skep_host_view_rows']!(this.#address, seen.length);
    const pass = (this.#passes[this.#depth] ??= { words: [], args: [] });
    const words = 2 + seen.reduce((sum, s) => sum + s.info.layout.length, 0);
    // The callback may ask for another list, which is written to the same place.
    const total = host.word(1) * words;
    const from = host.word(0) >> 2;
    pass.words.length = total;
    for (let i = 0; i < total; i++) pass.words[i] = u32[from + i]!;
    this.#depth++;
    try {
      for (let at = 0; at < total; at += words) this.#run(pass, at, seen, fn);
    } finally {
      this.#depth--;
    }
  }

  #run(pass: Pass, at: number, seen: readonly Seen[], fn: (...args: unknown[]) => void): void {
    const { host } = this;
    const { args } = pass;
    const n = pass.words[at]!;
    args.length = 0;
    args.push(n);
    let word = at + 2;
    for (const s of seen) {
      args.push(this.#columns(pass, word, s, n));
      word += s.info.layout.length;
    }
    args.push(this.#entities(pass.words[at + 1]!, n, host));
    fn(...args);
  }

  /** The columns whose addresses stand in a pass: by way of io, where the cache looks for them. */
  #columns(pass: Pass, word: number, s: Seen, n: number): ColumnSet | undefined {
    const { host } = this;
    const count = s.info.layout.length;
    for (let f = 0; f < count; f++) host.instance.u32[host.io + f] = pass.words[word + f]!;
    return s.cache.get(host.io, n);
  }

  #entities(address: number, n: number, host: Host): EntityColumn {
    const kept = this.#handles.get(address);
    if (kept?.length === n) return kept;
    const made = new EntityColumn(new Uint32Array(host.instance.memory.buffer, address, 2 * n));
    this.#handles.set(address, made);
    return made;
  }

  get(entity: Entity, component: AnyComponent): object | undefined {
    const { host } = this;
    const seen = this.seen(component, KIND.component);
    if (!seen) return undefined;
    const found = host.ex['skep_host_view_get']!(
      this.#address,
      entity >>> 0,
      entityGeneration(entity),
      seen.address,
      host.scratch,
    );
    return found ? readStruct(host.instance, seen.info, host.scratch) : undefined;
  }

  /** Calls `fn` for each entity whose set of components changed so that it now has all of them
   * (`entered`), or has not any more. */
  changes(components: readonly AnyComponent[], entered: boolean, fn: (e: Entity) => void): void {
    const mask = this.mask(components);
    if (!mask) return;
    const { host } = this;
    const count = host.ex['skep_host_view_changes']!(this.#address);
    const from = host.word(0) >> 2;
    const list = host.instance.u32.slice(from, from + 6 * count);
    for (let at = 0; at < list.length; at += 6) {
      const [low, high] = mask;
      // A tag of no bits is none: an entity that is there has at least one component.
      const before = has(list[at + 2]!, list[at + 3]!, low, high);
      const now = has(list[at + 4]!, list[at + 5]!, low, high);
      if (before !== now && now === entered) {
        fn((list[at + 1]! * TWO_32 + list[at]!) as Entity);
      }
    }
  }

  /** Calls `fn` for each entity whose values of the component changed. */
  changed(component: AnyComponent, fn: (entity: Entity) => void): void {
    const seen = this.seen(component, KIND.component);
    if (!seen) return;
    const { host } = this;
    const count = host.ex['skep_host_view_changed']!(this.#address, seen.address);
    const from = host.word(0) >> 2;
    const list = host.instance.u32.slice(from, from + 2 * count);
    for (let at = 0; at < list.length; at += 2) {
      fn((list[at + 1]! * TWO_32 + list[at]!) as Entity);
    }
  }

  /** Takes all events whose moment is shown. */
  events(fn: (name: string, value: object, to: Entity, tick: number) => void): void {
    const { host } = this;
    for (let at; (at = host.ex['skep_host_view_poll']!(this.#address)) !== 0;) {
      const tick = host.word(0);
      const to = host.wide(1) as Entity;
      const value = host.word(3);
      const { info } = describeAt(host, at);
      fn(info.name, readStruct(host.instance, info, value), to, tick);
    }
  }

  resource(resource: AnyComponent): object | undefined {
    const seen = this.seen(resource, KIND.resource);
    const at = seen && this.host.ex['skep_host_view_resource']!(this.#address, seen.address);
    return at ? readStruct(this.host.instance, seen!.info, at) : undefined;
  }

  // ---- figures ---------------------------------------------------------------------------------

  own(): { player: number; entity: Entity; input: number; slack: number } {
    const { host } = this;
    const player = host.ex['skep_host_view_own']!(this.#address);
    return {
      player,
      entity: host.wide(0) as Entity,
      input: host.wide(3),
      slack: host.word(5) | 0,
    };
  }

  /** The figures of wasm, in their order. */
  figures(now: number): number[] {
    this.host.ex['skep_host_view_stats']!(this.#address, now);
    return Array.from({ length: 15 }, (_, i) => doubleAt(this.host, i));
  }
}

function has(low: number, high: number, wantedLow: number, wantedHigh: number): boolean {
  if (low === 0 && high === 0) return false;
  return (low & wantedLow) >>> 0 === wantedLow && (high & wantedHigh) >>> 0 === wantedHigh;
}
