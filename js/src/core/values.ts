// SPDX-License-Identifier: MIT
// Single values: from JavaScript objects into C structs and columns, and back. Checks what it is
// given, since what is written past here lies in everybody's memory.

import type { ComponentInfo, FieldLayout } from '../component.js';
import { entityGeneration, type Entity } from '../entity.js';
import { SchemaError } from '../errors.js';
import type { Instance } from './instance.js';

type Numbers = { [i: number]: number };

function bad(info: ComponentInfo, field: FieldLayout, value: unknown): never {
  const shown = typeof value === 'bigint' ? `${value}n` : typeof value === 'string'
    ? JSON.stringify(value) : String(value);
  throw new SchemaError(`${info.name}.${field.name}: ${shown} is no ${field.type}`
    + (field.count > 1 ? ` of ${field.count} elements` : ''), info.name, field.name);
}

function writeWide(instance: Instance, info: ComponentInfo, field: FieldLayout, at: number,
                   value: unknown): void {
  if (field.type === 'entity') {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      bad(info, field, value);
    }
    instance.u32[at >> 2] = value >>> 0;
    instance.u32[(at >> 2) + 1] = entityGeneration(value as Entity);
    return;
  }
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) bad(info, field, value);
  const bits = BigInt(value as number | bigint);
  instance.u32[at >> 2] = Number(bits & 0xffffffffn);
  instance.u32[(at >> 2) + 1] = Number(bits >> 32n & 0xffffffffn);
}

/** Writes one element at a byte address aligned to its size. */
function writeElement(instance: Instance, info: ComponentInfo, field: FieldLayout, at: number,
                      value: unknown): void {
  const type = field.type;
  if (field.size === 8 && type !== 'f64') return writeWide(instance, info, field, at, value);
  if (typeof value !== 'number') {
    if (type !== 'bool' || typeof value !== 'boolean') bad(info, field, value);
    instance.u8[at] = value ? 1 : 0;
    return;
  }
  switch (type) {
    case 'f32': instance.f32[at >> 2] = value; break;
    case 'f64': instance.f64[at >> 3] = value; break;
    case 'i32': case 'u32': instance.i32[at >> 2] = value; break;
    case 'i16': case 'u16':
      instance.u8[at] = value & 255;
      instance.u8[at + 1] = value >> 8 & 255;
      break;
    case 'bool': instance.u8[at] = value ? 1 : 0; break;
    default: instance.u8[at] = value;
  }
}

/** Writes a field's value, all elements of it, at a byte address. */
export function writeField(instance: Instance, info: ComponentInfo, field: FieldLayout, at: number,
                           value: unknown): void {
  if (field.count === 1 && field.type !== 'bytes') {
    writeElement(instance, info, field, at, value);
    return;
  }
  const list = value as Numbers & { length: number };
  if (typeof value !== 'object' || value === null || list.length !== field.count) {
    bad(info, field, value);
  }
  for (let i = 0; i < field.count; i++) {
    writeElement(instance, info, field, at + i * field.size, list[i]);
  }
}

function checkNames(info: ComponentInfo, value: object): void {
  for (const name in value) {
    if (!info.layout.some(field => field.name === name)) {
      throw new SchemaError(`component "${info.name}" has no field "${name}"`, info.name, name,
        { hint: `its fields are ${info.layout.map(field => field.name).join(', ') || 'none'}` });
    }
  }
}

/** Writes a C struct at an address: the given fields, else the defaults, else zeros. */
export function writeStruct(instance: Instance, info: ComponentInfo, at: number,
                            value: unknown): void {
  if (info.size === 0) return;
  instance.u8.fill(0, at, at + info.size);
  const given = (value ?? {}) as Record<string, unknown>;
  if (typeof given !== 'object') {
    throw new SchemaError(`${info.name}: ${String(value)} is no value of fields`, info.name);
  }
  if (value) checkNames(info, given);
  const defaults = info.defaults as Readonly<Record<string, unknown>> | null;
  for (const field of info.layout) {
    let v = given[field.name];
    if (v === undefined && defaults) v = defaults[field.name];
    if (v !== undefined) writeField(instance, info, field, at + field.offset, v);
  }
}

function readElement(instance: Instance, field: FieldLayout, at: number): unknown {
  switch (field.type) {
    case 'f32': return instance.f32[at >> 2]!;
    case 'f64': return instance.f64[at >> 3]!;
    case 'i32': return instance.i32[at >> 2]!;
    case 'u32': return instance.u32[at >> 2]!;
    case 'i16': return (instance.u8[at]! | instance.u8[at + 1]! << 8) << 16 >> 16;
    case 'u16': return instance.u8[at]! | instance.u8[at + 1]! << 8;
    case 'i8': return instance.u8[at]! << 24 >> 24;
    case 'bool': return instance.u8[at] !== 0;
    case 'entity': return instance.u32[(at >> 2) + 1]! * 4294967296 + instance.u32[at >> 2]!;
    case 'i64':
      return BigInt.asIntN(64, BigInt(instance.u32[(at >> 2) + 1]!) << 32n
        | BigInt(instance.u32[at >> 2]!));
    case 'u64':
      return BigInt(instance.u32[(at >> 2) + 1]!) << 32n | BigInt(instance.u32[at >> 2]!);
    default: return instance.u8[at]!;
  }
}

/** Reads a field's value from a byte address. */
export function readField(instance: Instance, field: FieldLayout, at: number): unknown {
  if (field.type === 'bytes') return instance.u8.slice(at, at + field.count);
  if (field.count === 1) return readElement(instance, field, at);
  return Array.from({ length: field.count }, (_, i) =>
    readElement(instance, field, at + i * field.size));
}

/** Reads a C struct as an object. */
export function readStruct(instance: Instance, info: ComponentInfo,
                           at: number): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const field of info.layout) {
    value[field.name] = readField(instance, field, at + field.offset);
  }
  return value;
}
