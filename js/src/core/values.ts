// SPDX-License-Identifier: MIT
// Single values: from JavaScript objects into C structs and columns, and back. Checks what it is
// given, since what is written past here lies in everybody's memory.

import type { ComponentInfo, FieldLayout } from '../component.js';
import { entityGeneration, type Entity } from '../entity.js';
import { SchemaError } from '../errors.js';
import type { Instance } from './instance.js';

/** The core's numbers of types. */
const T = {
  i8: 1,
  u8: 2,
  i16: 3,
  u16: 4,
  i32: 5,
  u32: 6,
  i64: 7,
  u64: 8,
  f32: 9,
  f64: 10,
  bool: 11,
  entity: 12,
  bytes: 13,
} as const;
const TWO_32 = 4294967296;

function bad(info: ComponentInfo, field: FieldLayout, value: unknown): never {
  const shown =
    typeof value === 'bigint'
      ? `${value}n`
      : typeof value === 'string'
        ? JSON.stringify(value)
        : String(value);
  throw new SchemaError(
    `${info.name}.${field.name}: ${shown} is no ${field.type}`
      + (field.count > 1 ? ` of ${field.count} elements` : ''),
    info.name,
    field.name,
  );
}

function writeWide(
  instance: Instance,
  info: ComponentInfo,
  field: FieldLayout,
  at: number,
  value: unknown,
): void {
  const { u32 } = instance;
  if (field.code === T.entity) {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      bad(info, field, value);
    }
    u32[at >> 2] = value >>> 0;
    u32[(at >> 2) + 1] = entityGeneration(value as Entity);
    return;
  }
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) bad(info, field, value);
  const bits = BigInt(value as number | bigint);
  u32[at >> 2] = Number(bits & 0xffffffffn);
  u32[(at >> 2) + 1] = Number((bits >> 32n) & 0xffffffffn);
}

/** Writes one element at a byte address aligned to its size. */
function writeElement(
  instance: Instance,
  info: ComponentInfo,
  field: FieldLayout,
  at: number,
  value: unknown,
): void {
  if (typeof value !== 'number') {
    if (field.size === 8) return writeWide(instance, info, field, at, value);
    if (field.code !== T.bool || typeof value !== 'boolean') bad(info, field, value);
    instance.u8[at] = value ? 1 : 0;
    return;
  }
  switch (field.code) {
    case T.f32:
      instance.f32[at >> 2] = value;
      break;
    case T.f64:
      instance.f64[at >> 3] = value;
      break;
    case T.i32:
    case T.u32:
      instance.i32[at >> 2] = value;
      break;
    case T.i16:
    case T.u16:
      instance.u8[at] = value & 255;
      instance.u8[at + 1] = (value >> 8) & 255;
      break;
    case T.bool:
      instance.u8[at] = value ? 1 : 0;
      break;
    case T.i64:
    case T.u64:
    case T.entity:
      writeWide(instance, info, field, at, value);
      break;
    default:
      instance.u8[at] = value;
  }
}

function writeList(
  instance: Instance,
  info: ComponentInfo,
  field: FieldLayout,
  at: number,
  value: unknown,
): void {
  const list = value as ArrayLike<unknown>;
  if (typeof value !== 'object' || value === null || list.length !== field.count) {
    bad(info, field, value);
  }
  for (let i = 0; i < field.count; i++) {
    writeElement(instance, info, field, at + i * field.size, list[i]);
  }
}

/** Writes a field's value, all elements of it, at a byte address. Throws SchemaError. */
export function writeField(
  instance: Instance,
  info: ComponentInfo,
  field: FieldLayout,
  at: number,
  value: unknown,
): void {
  if (field.count === 1 && field.code !== T.bytes) {
    writeElement(instance, info, field, at, value);
  } else {
    writeList(instance, info, field, at, value);
  }
}

/** The number of the field of a name. Throws SchemaError. */
function fieldAt(info: ComponentInfo, name: string): number {
  const layout = info.layout;
  for (let f = 0; f < layout.length; f++) if (layout[f]!.name === name) return f;
  throw new SchemaError(`component "${info.name}" has no field "${name}"`, info.name, name, {
    hint: `its fields are ${layout.map(field => field.name).join(', ') || 'none'}`,
  });
}

/** Writes the given fields of a C struct at an address, and leaves the others. Returns which they
 * were, a bit each. With `lenient` undefined is as good as not given. Throws SchemaError. */
export function writeGiven(
  instance: Instance,
  info: ComponentInfo,
  at: number,
  value: unknown,
  lenient: boolean,
): number {
  if (typeof value !== 'object' || value === null) {
    throw new SchemaError(`${info.name}: ${String(value)} is no value of fields`, info.name);
  }
  const given = value as Record<string, unknown>;
  const layout = info.layout;
  let mask = 0;
  let next = 0;
  for (const name in given) {
    // Fields are mostly given in the order of their definition.
    const f = next < layout.length && layout[next]!.name === name ? next : fieldAt(info, name);
    const v = given[name];
    next = f + 1;
    if (v === undefined && lenient) continue;
    const field = layout[f]!;
    writeField(instance, info, field, at + field.offset, v);
    mask |= 1 << f;
  }
  return mask;
}

/** Writes a C struct at an address: the given fields, else the defaults, else zeros. */
export function writeStruct(
  instance: Instance,
  info: ComponentInfo,
  at: number,
  value: unknown,
): void {
  if (info.size === 0) return;
  instance.u8.fill(0, at, at + info.size);
  if (info.defaults) writeGiven(instance, info, at, info.defaults, true);
  if (value !== undefined) writeGiven(instance, info, at, value, true);
}

function readElement(instance: Instance, field: FieldLayout, at: number): unknown {
  const { u8, u32 } = instance;
  switch (field.code) {
    case T.f32:
      return instance.f32[at >> 2]!;
    case T.f64:
      return instance.f64[at >> 3]!;
    case T.i32:
      return instance.i32[at >> 2]!;
    case T.u32:
      return u32[at >> 2]!;
    case T.i16:
      return ((u8[at]! | (u8[at + 1]! << 8)) << 16) >> 16;
    case T.u16:
      return u8[at]! | (u8[at + 1]! << 8);
    case T.i8:
      return (u8[at]! << 24) >> 24;
    case T.bool:
      return u8[at] !== 0;
    case T.entity:
      return u32[(at >> 2) + 1]! * TWO_32 + u32[at >> 2]!;
    case T.i64:
      return BigInt.asIntN(64, (BigInt(u32[(at >> 2) + 1]!) << 32n) | BigInt(u32[at >> 2]!));
    case T.u64:
      return (BigInt(u32[(at >> 2) + 1]!) << 32n) | BigInt(u32[at >> 2]!);
    default:
      return u8[at]!;
  }
}

/** Reads a field's value from a byte address. */
export function readField(instance: Instance, field: FieldLayout, at: number): unknown {
  if (field.count === 1 && field.code !== T.bytes) return readElement(instance, field, at);
  if (field.code === T.bytes) {
    const bytes = new Uint8Array(field.count);
    bytes.set(instance.u8.subarray(at, at + field.count));
    return bytes;
  }
  return Array.from({ length: field.count }, (_, i) =>
    readElement(instance, field, at + i * field.size),
  );
}

/** Reads a C struct as an object. */
export function readStruct(
  instance: Instance,
  info: Pick<ComponentInfo, 'layout'>,
  at: number,
): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  const layout = info.layout;
  for (let f = 0; f < layout.length; f++) {
    const field = layout[f]!;
    value[field.name] = readField(instance, field, at + field.offset);
  }
  return value;
}
