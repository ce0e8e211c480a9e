// SPDX-License-Identifier: MIT
// Saves of worlds with object components: the core's bytes, and behind them the values as JSON.
//
//     core's save | JSON | length of the JSON u32 | "skepjson"
//
// A world without such values saves the core's bytes alone, which a C program reads as well.

import { SkepError } from './errors.js';
import type { Entity } from './entity.js';
import type { ObjectState, ObjectStore } from './object_store.js';
import type { Snapshot } from './snapshot.js';

const MARK = new TextEncoder().encode('skepjson');

type Values = Record<string, [Entity, unknown][]>;

/** Finds what JSON would change silently, and says where it is. */
function unfit(value: unknown, path: string): string | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${path} is ${value}`;
  if (typeof value !== 'object') return `${path} is a ${typeof value}`;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const bad = unfit(value[i], `${path}[${i}]`);
      if (bad) return bad;
    }
    return null;
  }
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto !== Object.prototype && proto !== null) {
    return `${path} is a ${(value as object).constructor?.name ?? 'object'}`;
  }
  for (const [key, v] of Object.entries(value)) {
    const bad = v === undefined ? null : unfit(v, path ? `${path}.${key}` : key);
    if (bad) return bad;
  }
  return null;
}

function gather(name: string, entries: Iterable<[Entity, unknown]>,
                alive: (entity: Entity, name: string) => boolean): [Entity, unknown][] {
  const list: [Entity, unknown][] = [];
  for (const [entity, value] of entries) {
    if (!alive(entity, name)) continue;
    const bad = unfit(value, 'value');
    if (bad) {
      throw new SkepError('E_ARGUMENT', `component "${name}" of entity ${entity} cannot be saved: `
        + bad, { hint: 'values of object components are saved as JSON' });
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

/** Puts the values behind the core's bytes. */
export function packSave(core: Uint8Array<ArrayBuffer>, stores: ReadonlyMap<string, ObjectStore>,
                         snapshot: Snapshot | undefined,
                         alive: (entity: Entity, name: string) => boolean):
  Uint8Array<ArrayBuffer> {
  const values: Values = {};
  if (snapshot) {
    for (const [name, state] of snapshot.objects) {
      values[name] = gather(name, stateEntries(state), () => true);
    }
  } else {
    for (const [name, store] of stores) values[name] = gather(name, store.entries(), alive);
  }
  for (const name of Object.keys(values)) if (!values[name]!.length) delete values[name];
  if (!Object.keys(values).length) return core;
  const json = new TextEncoder().encode(JSON.stringify(values));
  const out = new Uint8Array(core.length + json.length + 12);
  out.set(core);
  out.set(json, core.length);
  new DataView(out.buffer).setUint32(core.length + json.length, json.length, true);
  out.set(MARK, out.length - 8);
  return out;
}

/** Takes them apart again. */
export function unpackSave(bytes: Uint8Array): { core: Uint8Array;
  objects: [string, [Entity, unknown][]][] } {
  const end = bytes.length - 8;
  if (end < 4 || !MARK.every((byte, i) => bytes[end + i] === byte)) {
    return { core: bytes, objects: [] };
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset + end - 4, 4).getUint32(0, true);
  const start = end - 4 - length;
  if (start < 0) throw new SkepError('E_CORRUPT', `the save is damaged (byte ${end - 4})`);
  try {
    const text = new TextDecoder().decode(Uint8Array.from(bytes.subarray(start, end - 4)));
    return { core: bytes.subarray(0, start), objects: Object.entries(JSON.parse(text) as Values) };
  } catch (cause) {
    throw new SkepError('E_CORRUPT', `the save's objects are damaged (byte ${start})`, { cause });
  }
}
