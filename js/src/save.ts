// SPDX-License-Identifier: MIT
// Saves of worlds with object components: the core's bytes, and behind them the values as JSON.
//
//     core's save | JSON | its checksum u32 | its length u32 | "skepjson"
//
// A world without such values saves the core's bytes alone, which a C program reads as well.

import type { Host } from './core/host.js';
import { SkepError } from './errors.js';
import type { Entity } from './entity.js';
import type { ObjectState, ObjectStore } from './object_store.js';
import type { Snapshot } from './snapshot.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const MARK = encoder.encode('skepjson');
const TAIL_BYTES = 16;
/** Where a save says where its descriptions begin. */
const SCHEMA_AT = 40;

type Values = Record<string, [Entity, unknown][]>;

/** Finds what JSON would change silently, and says where it is; `within` are the objects around. */
export function unfit(
  value: unknown,
  path: string,
  within: readonly unknown[] = [],
): string | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${path} is ${value}`;
  if (typeof value !== 'object') return `${path} is a ${typeof value}`;
  if (within.includes(value)) return `${path} is itself within itself`;
  const proto: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && proto !== Object.prototype && proto !== null) {
    return `${path} is a ${(value as object).constructor?.name ?? 'object'}`;
  }
  const around = [...within, value];
  for (const [key, v] of Object.entries(value)) {
    if (v === undefined && !Array.isArray(value)) continue;
    const bad = unfit(v, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, around);
    if (bad) return bad;
  }
  return null;
}

function gather(
  name: string,
  entries: Iterable<[Entity, unknown]>,
  alive: (entity: Entity, name: string) => boolean,
): [Entity, unknown][] {
  const list: [Entity, unknown][] = [];
  for (const [entity, value] of entries) {
    if (!alive(entity, name)) continue;
    const bad = unfit(value, 'value');
    if (bad) {
      throw new SkepError(
        'E_ARGUMENT',
        `component "${name}" of entity ${entity} cannot be saved: ` + bad,
        { hint: 'values of object components are saved as JSON' },
      );
    }
    list.push([entity, value]);
  }
  return list;
}

function* stateEntries(state: ObjectState): Generator<[Entity, unknown]> {
  for (let i = 0; i < state.handles.length; i++) {
    if (state.handles[i]) yield [state.handles[i] as Entity, state.values[i]];
  }
}

/** Copies the pieces that skep_host_save has listed. */
export function gatherSave(host: Host): Uint8Array<ArrayBuffer> {
  const { u8, u32 } = host.instance;
  const out = new Uint8Array(host.word(2));
  const end = (host.word(0) >> 2) + 2 * host.word(1);
  let to = 0;
  for (let at = host.word(0) >> 2; at < end; at += 2) {
    const from = u32[at]!;
    const bytes = u32[at + 1]!;
    out.set(u8.subarray(from, from + bytes), to);
    to += bytes;
  }
  return out;
}

const PIECE_ENTRIES = 256;

/** The values of a snapshot's objects, as they stand behind the core's bytes, piece by piece: for
 * those who may not stop for as long as all of it takes. Throws what `packSave` throws. */
export function* objectPieces(snapshot: Snapshot): Generator<Uint8Array> {
  let sum = FNV_BASIS;
  let length = 0;
  const piece = (text: string): Uint8Array => {
    const bytes = encoder.encode(text);
    sum = sumOf(bytes, sum);
    length += bytes.length;
    return bytes;
  };
  for (const [name, state] of snapshot.objects) {
    let open = false;
    let entries: [Entity, unknown][] = [];
    const put = (): Uint8Array => {
      const before = open ? ',' : `${length ? ',' : '{'}${JSON.stringify(name)}:[`;
      const list = gather(name, entries, () => true).map(entry => JSON.stringify(entry));
      open = true;
      entries = [];
      return piece(before + list.join());
    };
    for (const entry of stateEntries(state)) {
      if (snapshot.had(entry[0], name)) entries.push(entry);
      if (entries.length === PIECE_ENTRIES) yield put();
    }
    if (entries.length) yield put();
    if (open) yield piece(']');
  }
  if (!length) return;
  yield piece('}');
  yield tailOf(sum, length);
}

function tailOf(sum: number, length: number): Uint8Array {
  const tail = new Uint8Array(TAIL_BYTES);
  const view = new DataView(tail.buffer);
  view.setUint32(0, sum, true);
  view.setUint32(4, length, true);
  tail.set(MARK, TAIL_BYTES - MARK.length);
  return tail;
}

/** Puts the values behind the core's bytes. */
export function packSave(
  core: Uint8Array<ArrayBuffer>,
  stores: ReadonlyMap<string, ObjectStore>,
  snapshot: Snapshot | undefined,
  alive: (entity: Entity, name: string) => boolean,
): Uint8Array<ArrayBuffer> {
  const values: Values = {};
  if (snapshot) {
    for (const [name, state] of snapshot.objects) {
      values[name] = gather(name, stateEntries(state), (entity, n) => snapshot.had(entity, n));
    }
  } else {
    for (const [name, store] of stores) values[name] = gather(name, store.entries(), alive);
  }
  for (const name of Object.keys(values)) if (!values[name]!.length) delete values[name];
  if (!Object.keys(values).length) return core;
  const json = encoder.encode(JSON.stringify(values));
  const out = new Uint8Array(core.length + json.length + TAIL_BYTES);
  out.set(core);
  out.set(json, core.length);
  out.set(tailOf(sumOf(json), json.length), core.length + json.length);
  return out;
}

const FNV_BASIS = 0x811c9dc5;

/** FNV-1a: no single damaged byte leaves it as it was. */
function sumOf(bytes: Uint8Array, before = FNV_BASIS): number {
  let sum = before;
  for (let i = 0; i < bytes.length; i++) sum = Math.imul(sum ^ bytes[i]!, 0x01000193);
  return sum >>> 0;
}

/** Takes them apart again. Throws SkepError (E_CORRUPT). */
export function unpackSave(bytes: Uint8Array): {
  core: Uint8Array;
  objects: [string, [Entity, unknown][]][];
} {
  const end = bytes.length - TAIL_BYTES;
  if (end < 0 || !MARK.every((byte, i) => bytes[bytes.length - MARK.length + i] === byte)) {
    return { core: bytes, objects: [] };
  }
  const tail = new DataView(bytes.buffer, bytes.byteOffset + end);
  const start = end - tail.getUint32(4, true);
  const json = start < 0 ? new Uint8Array() : Uint8Array.from(bytes.subarray(start, end));
  if (start < 0 || sumOf(json) !== tail.getUint32(0, true)) {
    throw new SkepError('E_CORRUPT', `the save's objects are damaged (byte ${Math.max(start, 0)})`);
  }
  const values = JSON.parse(decoder.decode(json)) as Values;
  return { core: bytes.subarray(0, start), objects: Object.entries(values) };
}

/** Kind and name of all that a save says it holds, read without trust: the core checks it all. */
export function savedNames(core: Uint8Array): [number, string][] {
  const found: [number, string][] = [];
  const view = new DataView(core.buffer, core.byteOffset, core.length);
  try {
    let at = Number(view.getBigUint64(SCHEMA_AT, true));
    let left = [0, 4, 8].reduce((sum, i) => sum + view.getUint32(at + i, true), 0);
    for (at += 16; left > 0; left--) {
      const [kind, flags, bytes, fields] = [0, 1, 2, 3].map(i => view.getUint8(at + i));
      const name = core.slice(at + 4, at + 4 + bytes!);
      if (!flags) found.push([kind!, decoder.decode(name)]);
      at += 4 + bytes!;
      for (let f = 0; f < fields!; f++) at += 4 + view.getUint8(at + 1);
    }
    return found;
  } catch {
    return [];
  }
}
