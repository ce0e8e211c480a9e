// SPDX-License-Identifier: MIT
// What is published of a world, as wasm wants it: the schema from names and definitions, and the
// calls around a frame. It is opened before the first frame, when the world knows its components.

import { infoOf, type AnyComponent, type ComponentInfo } from '../component.js';
import type { Host } from '../core/host.js';
import { KIND } from '../core/layout.js';
import {
  PUBLISH,
  REPLICA_MAX,
  describeAt,
  describeWorld,
  whyFailed,
  type Described,
} from '../core/live.js';
import { entityGeneration, NULL_ENTITY, type Entity } from '../entity.js';
import { LimitError, SchemaError, SkepError } from '../errors.js';
import type { World } from '../world.js';
import type { GatewayLimits, PublishOptions } from './options.js';

/** One line of the schema. */
interface Replica {
  readonly address: number;
  readonly info: ComponentInfo;
}

const KINDS = ['component', 'event', 'resource', 'input'];
const NO_QUANTUM = 127;
const RANDOM_BYTES = 256;

/** The schema of a world. */
class Schema {
  readonly replicas: Replica[] = [];
  readonly #host: Host;
  readonly #all: Map<string, Described>;

  constructor(host: Host) {
    this.#host = host;
    this.#all = describeWorld(host);
  }

  /** What the world knows as components, in its order. */
  components(): string[] {
    return [...this.#all.keys()].filter(key => key.startsWith('0:')).map(key => key.slice(2));
  }

  /** Adds one by definition or by name. Twice is once. */
  add(what: AnyComponent | string, kind: number): Replica {
    const found = typeof what === 'string' ? this.#named(what, kind) : this.#known(what, kind);
    const before = this.find(found.info.name, kind);
    if (!before) this.replicas.push(found);
    return before ?? found;
  }

  find(name: string, kind: number): Replica | undefined {
    return this.replicas.find(r => r.info.name === name && (r.info.kind ?? 0) === kind);
  }

  #known(component: AnyComponent, kind: number): Replica {
    const host = this.#host;
    const known =
      kind === KIND.component ? host.component(component) : host.message(component, kind);
    if (!known.info.object) return known;
    throw new SchemaError(
      `component "${known.info.name}" has no columns, so it cannot be published`,
      known.info.name,
      undefined,
      { hint: 'give it fields, or name it in `hide`' },
    );
  }

  #named(name: string, kind: number): Replica {
    const found = this.#all.get(`${kind}:${name}`);
    if (found) return found;
    throw new SchemaError(`there is no ${KINDS[kind]} "${name}" in the world`, name, undefined, {
      hint: `it has ${[...this.#all.values()].map(d => d.info.name).join(', ') || 'none yet'}`,
    });
  }
}

function nameOf(what: AnyComponent | string): string {
  return typeof what === 'string' ? what : infoOf(what).name;
}

/** Makes the schema that the options name. */
function makeSchema(host: Host, options: PublishOptions, inputs: readonly AnyComponent[]): Schema {
  const schema = new Schema(host);
  const hidden = new Set((options.hide ?? []).map(nameOf));
  const objects = new Set([...host.all()].filter(k => k.info.object).map(k => k.info.name));
  for (const component of options.components ?? schema.components()) {
    const name = nameOf(component);
    if (hidden.has(name) || (!options.components && objects.has(name))) continue;
    schema.add(component, KIND.component);
  }
  for (const event of options.events ?? []) schema.add(event, KIND.event);
  for (const resource of options.resources ?? []) schema.add(resource, KIND.resource);
  for (const input of inputs) schema.add(input, KIND.input);
  if (schema.replicas.length > REPLICA_MAX) {
    throw new LimitError(
      `${schema.replicas.length} components, events, resources and inputs are published, the most `
        + `is ${REPLICA_MAX}`,
      'components',
      REPLICA_MAX,
      schema.replicas.length,
      { hint: 'publish(world, { components: [...] }), or hide some' },
    );
  }
  return schema;
}

/** A published component of a name, and the number of one of its fields. */
function fieldOf(schema: Schema, name: string, field: string, why: string): [Replica, number] {
  const replica = schema.find(name, KIND.component);
  if (!replica) {
    throw new SchemaError(`${why}: no component "${name}" is published`, name, field, {
      hint: `published are ${schema.replicas.map(r => r.info.name).join(', ') || 'none'}`,
    });
  }
  const at = replica.info.layout.findIndex(f => f.name === field);
  if (at < 0) {
    throw new SchemaError(`${why}: component "${name}" has no field "${field}"`, name, field, {
      hint: `its fields are ${replica.info.layout.map(f => f.name).join(', ') || 'none'}`,
    });
  }
  if (replica.info.layout[at]!.type !== 'f32') {
    throw new SchemaError(`${why}: field "${field}" of "${name}" is no f32`, name, field);
  }
  return [replica, at];
}

/** The exponents of a component's quanta, a byte a field. */
function quantaOf(schema: Schema, options: PublishOptions): Map<Replica, Int8Array> {
  const quanta = new Map<Replica, Int8Array>();
  for (const [name, fields] of Object.entries(options.fields ?? {})) {
    for (const [field, step] of Object.entries(fields)) {
      const [replica, at] = fieldOf(schema, name, field, 'fields');
      let list = quanta.get(replica);
      if (!list) quanta.set(replica, (list = new Int8Array(16).fill(NO_QUANTUM)));
      list[at] = step.log2;
    }
  }
  return quanta;
}

function pathOf(schema: Schema, path: string): [Replica, number] {
  const [name = '', field = ''] = path.split('.');
  return fieldOf(schema, name, field, `rates: "${path}"`);
}

function writeNumbers(host: Host, options: PublishOptions, limits: GatewayLimits): void {
  const { u32 } = host.instance;
  const numbers: [number, number | undefined][] = [
    [PUBLISH.tickHz, options.hz],
    [PUBLISH.every, options.every],
    [PUBLISH.ring, options.ring],
    [PUBLISH.sessionMax, limits.connections],
    [PUBLISH.upMax, limits.messageBytes],
    [PUBLISH.downMax, limits.messageDownBytes],
    [PUBLISH.inputWindow, limits.inputWindow],
    [PUBLISH.inputsATick, limits.inputsPerTick],
    [PUBLISH.eventBytes, limits.eventBytes],
    [PUBLISH.helloMs, limits.helloMs],
    [PUBLISH.pingMs, limits.pingMs],
    [PUBLISH.dropMs, limits.dropMs],
    [PUBLISH.resumeMs, limits.resumeMs],
  ];
  u32.fill(0, host.io, host.io + PUBLISH.lists);
  for (const [at, value] of numbers) u32[host.io + at] = value ?? 0;
}

function writePlace(host: Host, schema: Schema, options: PublishOptions): void {
  const place = options.place;
  if (!place) return;
  const { u32, f32 } = host.instance;
  const fields = place.fields.map(f => fieldOf(schema, nameOf(place.component), f, 'place'));
  if (fields.length < 1 || fields.length > 3) {
    throw new SchemaError(`place: ${fields.length} fields`, nameOf(place.component), undefined, {
      hint: 'one to three',
    });
  }
  u32[host.io + PUBLISH.place] = fields[0]![0].address;
  u32[host.io + PUBLISH.axes] = fields.length;
  fields.forEach(([, at], axis) => (u32[host.io + PUBLISH.field + axis] = at));
  f32[host.io + PUBLISH.cell] = place.cell;
}

/** Bits of skep_host_declared. */
const PUBLISHES = 1;
const JOINS = 2;

/** Whether the world's scene says what is published, and the program does not. */
function declaredBy(host: Host, options: PublishOptions): boolean {
  const own: (keyof PublishOptions)[] = [
    'components',
    'hide',
    'events',
    'resources',
    'fields',
    'rates',
    'place',
  ];
  const declared = host.ex['skep_host_declared']?.(host.address) ?? 0;
  return (declared & PUBLISHES) !== 0 && own.every(key => options[key] === undefined);
}

/** A world's feed and publisher in wasm. */
export class Publication {
  readonly host: Host;
  /** Names of all that is published, in the order of the schema. */
  readonly names: readonly string[];
  readonly #address: number;
  /** The scene says how players get their entities. */
  readonly #joins: boolean;
  readonly #texts = new Map<string, number>();
  #closed = false;

  /** Throws SchemaError, LimitError, SkepError (E_ARGUMENT) with what does not fit together. */
  constructor(
    world: World,
    options: PublishOptions,
    inputs: readonly AnyComponent[],
    limits: GatewayLimits,
  ) {
    const host = (this.host = world.host);
    const declared = declaredBy(host, options);
    const schema = declared ? new Schema(host) : makeSchema(host, options, inputs);
    const quanta = quantaOf(schema, options);
    const rates = Object.entries(options.rates ?? {}).map(
      ([value, speed]) => [pathOf(schema, value), pathOf(schema, speed)] as const,
    );
    writeNumbers(host, options, limits);
    writePlace(host, schema, options);
    const { u32, u8 } = host.instance;
    u32[host.io + PUBLISH.replicas] = schema.replicas.length;
    u32[host.io + PUBLISH.rates] = rates.length;
    u32[host.io + PUBLISH.declared] = declared ? 1 : 0;
    let at = host.io + PUBLISH.lists;
    for (const replica of schema.replicas) {
      u32[at] = replica.address;
      u8.set(quanta.get(replica) ?? new Int8Array(16).fill(NO_QUANTUM), 4 * (at + 1));
      at += 5;
    }
    for (const [value, speed] of rates) {
      u32.set([value[0].address, value[1], speed[0].address, speed[1]], at);
      at += 4;
    }
    this.#address = host.ex['skep_host_publish_open']!(host.address);
    if (!this.#address) {
      const status = host.word(0);
      const why = whyFailed(host);
      throw status === 1
        ? host.error(status)
        : new SkepError('E_ARGUMENT', `publish: ${why}`, {
            hint: 'fields and rates need f32 fields with quanta; see PublishOptions',
          });
    }
    const count = host.ex['skep_host_publish_schema']!(this.#address);
    const addresses = Array.from({ length: count }, (_, i) => host.word(i));
    this.names = addresses.map(address => describeAt(host, address).info.name);
    this.#joins = declared && (host.ex['skep_host_declared']!(host.address) & JOINS) !== 0;
  }

  /** Makes a player's own entity, where the scene says how; 0 where it does not. */
  join(player: number): Entity {
    if (!this.#joins) return NULL_ENTITY;
    this.host.ex['skep_host_declared_join']!(this.host.address, player);
    return this.host.wide(0) as Entity;
  }

  /** Takes it back. */
  leave(player: number, own: Entity): void {
    if (!this.#joins) return;
    const { host } = this;
    const generation = entityGeneration(own);
    host.ex['skep_host_declared_leave']!(host.address, player, own >>> 0, generation);
  }

  close(): void {
    if (this.#closed || this.host.closed) return;
    this.#closed = true;
    this.host.ex['skep_host_publish_close']!(this.#address);
  }

  #call(name: string, ...args: number[]): void {
    const status = this.host.ex[name]!(this.#address, ...args);
    if (status) throw this.host.error(status);
  }

  // ---- frames ----------------------------------------------------------------------------------

  begin(): void {
    this.#call('skep_host_publish_begin');
  }

  /** After a frame; whether there is a state to be published. */
  end(): boolean {
    this.#call('skep_host_publish_end');
    return this.host.word(0) === 1;
  }

  update(now: number): void {
    this.#call('skep_host_publish_update', now);
  }

  own(player: number, entity: Entity): void {
    this.#call('skep_host_publish_own', player, entity >>> 0, entityGeneration(entity));
  }

  /** What happened next: its kind (1 asks to be let in, 2 is there, 4 is gone), else 0. What it is
   * about stands in io. */
  poll(): number {
    return this.host.ex['skep_host_publish_poll']!(this.#address);
  }

  /** The figures of wasm, in their order. */
  figures(): number[] {
    this.host.ex['skep_host_publish_stats']!(this.#address);
    return Array.from({ length: 14 }, (_, i) => this.host.wide(2 * i));
  }

  // ---- sessions --------------------------------------------------------------------------------

  /** Makes sure that there are more random bytes than a call takes. */
  #chance(): void {
    const { u8, u32 } = this.host.instance;
    if (u32[this.#address >> 2]! >= RANDOM_BYTES / 2) return;
    // Not straight into wasm: memory that is shared is refused.
    u8.set(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)), this.#address + 4);
    u32[this.#address >> 2] = RANDOM_BYTES;
  }

  /** Begins a session; 0 where there is no room for one. */
  open(number: number, now: number): number {
    this.#chance();
    return this.host.ex['skep_host_session_open']!(this.#address, number, now);
  }

  drop(session: number, now: number): void {
    this.host.ex['skep_host_session_close']!(session, now);
  }

  accept(session: number, player: number, now: number): void {
    this.#chance();
    this.host.ex['skep_host_session_accept']!(session, player, now);
  }

  /** Ends a session; `again`: the client may come back. */
  refuse(session: number, reason: string, again = false): void {
    this.host.ex['skep_host_session_refuse']!(session, this.#text(reason), again ? 1 : 0);
  }

  /** A text that stays: there are few, else they are cut to one. */
  #text(reason: string): number {
    const kept = this.#texts.size < 64 ? reason.slice(0, 100) : 'the server ended the connection';
    let at = this.#texts.get(kept);
    if (at === undefined) {
      const bytes = new TextEncoder().encode(`${kept}\0`);
      at = this.host.alloc(bytes.length);
      this.host.instance.u8.set(bytes, at);
      this.#texts.set(kept, at);
    }
    return at;
  }

  /** Takes a message; false: the session has ended. */
  receive(session: number, bytes: Uint8Array, now: number): boolean {
    this.#chance();
    const { host } = this;
    const at = host.alloc(Math.max(bytes.length, 1));
    host.instance.u8.set(bytes, at);
    const on = host.ex['skep_host_session_receive']!(session, at, bytes.length, now);
    host.free(at, Math.max(bytes.length, 1));
    return on === 1;
  }

  /** The next message, which stays until the next call for this session; null: there is none. */
  next(session: number, now: number): Uint8Array | null {
    const { host } = this;
    const size = host.ex['skep_host_session_next']!(host.address, session, now);
    return size ? new Uint8Array(host.instance.memory.buffer, host.word(0), size) : null;
  }

  tick(session: number, now: number): boolean {
    this.#chance();
    return this.host.ex['skep_host_session_tick']!(session, now) === 1;
  }

  reason(session: number): string {
    const at = this.host.ex['skep_host_session_reason']!(session);
    return at ? this.host.instance.text(at) : '';
  }
}
