// SPDX-License-Identifier: MIT
// Component types. A component with `fields` is a set of typed columns; one without is an object
// component, whose values are any that can be cloned. A definition belongs to no world and no
// thread: its identity is its name and layout, so the same module may be loaded in a page, in its
// workers and on a server.

import { SchemaError } from './errors.js';
import { EntityColumn, type Entity, type EntityColumnView } from './entity.js';

/** The types of a field's elements. `entity` is a handle of 8 bytes. */
export type Scalar =
  'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'i64' | 'u64' | 'f32' | 'f64' | 'bool' | 'entity';
/** A scalar, an array of them ([type, length]), or raw bytes of a fixed length. */
export type FieldSpec = Scalar | readonly [Scalar, number] | `bytes[${number}]`;
export type Fields = Readonly<Record<string, FieldSpec>>;

interface ArrayOf {
  i8: Int8Array;
  u8: Uint8Array;
  bool: Uint8Array;
  i16: Int16Array;
  u16: Uint16Array;
  i32: Int32Array;
  u32: Uint32Array;
  f32: Float32Array;
  f64: Float64Array;
  i64: BigInt64Array;
  u64: BigUint64Array;
  entity: EntityColumn;
}
type Element<S> = S extends readonly [infer T extends Scalar, number]
  ? T
  : S extends Scalar
    ? S
    : 'u8';

/** A column to be written. */
export type WriteColumn<S> = ArrayOf[Element<S>];
/** A column to be read: what writes to it does not compile. */
export type ReadColumn<S> =
  Element<S> extends 'entity'
    ? EntityColumnView
    : Element<S> extends 'i64' | 'u64'
      ? { readonly length: number; readonly [i: number]: bigint }
      : { readonly length: number; readonly [i: number]: number };

type FieldValue<S> = S extends readonly [infer T, number]
  ? T extends 'entity'
    ? readonly Entity[]
    : T extends 'i64' | 'u64'
      ? readonly bigint[]
      : readonly number[]
  : S extends 'bool'
    ? boolean
    : S extends 'entity'
      ? Entity
      : S extends 'i64' | 'u64'
        ? bigint
        : S extends Scalar
          ? number
          : Uint8Array;

/** A component. `F` is null for object components, whose values are `V`. */
export interface Component<N extends string = string, F = unknown, V = unknown> {
  /** The same for equal definitions within one JavaScript realm. */
  readonly id: number;
  readonly name: N;
  readonly fields: F;
  /** Never there: carries the type. */
  readonly _v?: V;
}
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyComponent = Component<string, any, any>;

/** The value of a component as JavaScript sees it. */
export type Value<C> =
  C extends Component<string, infer F, infer V>
    ? F extends Fields
      ? { -readonly [K in keyof F]: FieldValue<F[K]> }
      : V
    : never;
/** The columns of a component to be read; of an object component, its values. */
export type Reads<C> =
  C extends Component<string, infer F, infer V>
    ? F extends Fields
      ? { readonly [K in keyof F]: ReadColumn<F[K]> }
      : readonly V[]
    : never;
/** The columns of a component to be written. */
export type Writes<C> =
  C extends Component<string, infer F, infer V>
    ? F extends Fields
      ? { readonly [K in keyof F]: WriteColumn<F[K]> }
      : V[]
    : never;

/** One field as the core sees it. */
export interface FieldLayout {
  readonly name: string;
  readonly type: Scalar | 'bytes';
  /** The core's number of the type. */
  readonly code: number;
  /** Bytes of one element. */
  readonly size: number;
  /** Elements a row. */
  readonly count: number;
  /** Byte offset in the C struct. */
  readonly offset: number;
}

/** What a definition knows beside its face. */
export interface ComponentInfo extends AnyComponent {
  readonly layout: readonly FieldLayout[];
  /** Bytes and alignment of the C struct. */
  readonly size: number;
  readonly align: number;
  readonly object: boolean;
  /** What a spawned entity gets where no value is given; of object components a function. */
  readonly defaults: Readonly<Record<string, unknown>> | (() => unknown) | null;
  readonly identity: string;
  /** skep_kind; undefined: a component. */
  readonly kind?: number;
}

// name: [the core's number, bytes]; as SKEP_TYPE_TABLE of skep/component.h
const TYPES: Readonly<Record<string, readonly [number, number]>> = {
  i8: [1, 1],
  u8: [2, 1],
  i16: [3, 2],
  u16: [4, 2],
  i32: [5, 4],
  u32: [6, 4],
  i64: [7, 8],
  u64: [8, 8],
  f32: [9, 4],
  f64: [10, 8],
  bool: [11, 1],
  entity: [12, 8],
  bytes: [13, 1],
};

/** Names of the types, in the order of the core's numbers, of which the first is 1. */
export const TYPE_NAMES = Object.keys(TYPES) as readonly FieldLayout['type'][];

/** Limits of a component, as in the core. */
export const FIELD_MAX = 16;
export const FIELD_BYTES_MAX = 2048;

const known = new Map<string, ComponentInfo>();
/** The latest definition of each kind and name. */
const latest = new Map<string, ComponentInfo>();
let nextId = 0;

function parseField(component: string, name: string, spec: unknown): [string, number] {
  if (typeof spec === 'string') {
    const bytes = /^bytes\[([1-9][0-9]*)\]$/.exec(spec);
    if (bytes) return ['bytes', Number(bytes[1])];
    if (spec !== 'bytes' && Object.hasOwn(TYPES, spec)) return [spec, 1];
  } else if (
    Array.isArray(spec)
    && spec.length === 2
    && spec[0] !== 'bytes'
    && Object.hasOwn(TYPES, String(spec[0]))
    && Number.isInteger(spec[1])
    && spec[1] > 0
  ) {
    return [spec[0], spec[1]];
  }
  throw new SchemaError(
    `component "${component}": field "${name}": ${JSON.stringify(spec)} is no field type`,
    component,
    name,
    { hint: `use one of ${Object.keys(TYPES).join(', ')}, [type, length] or "bytes[N]"` },
  );
}

function layOut(component: string, fields: Fields): [FieldLayout[], number, number] {
  const layout: FieldLayout[] = [];
  let offset = 0;
  let align = 1;
  for (const [name, spec] of Object.entries(fields)) {
    const [type, count] = parseField(component, name, spec);
    const [code, size] = TYPES[type]!;
    if (size * count > FIELD_BYTES_MAX) {
      throw new SchemaError(
        `component "${component}": field "${name}" has ${size * count} bytes, `
          + `a field may have ${FIELD_BYTES_MAX}`,
        component,
        name,
      );
    }
    offset = Math.ceil(offset / size) * size;
    layout.push({ name, type: type as FieldLayout['type'], code, size, count, offset });
    offset += size * count;
    align = Math.max(align, size);
  }
  if (layout.length > FIELD_MAX) {
    throw new SchemaError(
      `component "${component}" has ${layout.length} fields, it may have ` + `${FIELD_MAX}`,
      component,
      undefined,
      { hint: 'split it, or use an array field' },
    );
  }
  return [layout, Math.ceil(offset / align) * align, align];
}

function checkName(name: unknown): string {
  if (typeof name !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name)) {
    throw new SchemaError(`${JSON.stringify(name)} is no component name`, String(name), undefined, {
      hint: 'use letters, digits and _, at most 63, no digit first',
    });
  }
  return name;
}

/** Defines a component of typed columns. Without fields ({}): a tag. Free; the same definition
 * again gives the same id. Throws SchemaError. */
export function defineComponent<const N extends string, const F extends Fields>(spec: {
  name: N;
  fields: F;
  defaults?: Partial<Value<Component<N, F>>>;
}): Component<N, F>;
/** Defines an object component: any value that can be cloned. `defaults` makes a new entity's. */
export function defineComponent<V, const N extends string = string>(spec: {
  name: N;
  defaults: () => V;
}): Component<N, null, V>;
export function defineComponent(spec: {
  name: string;
  fields?: Fields;
  defaults?: object | (() => unknown);
}): AnyComponent {
  const name = checkName(spec.name);
  if (spec.fields === undefined && typeof spec.defaults !== 'function') {
    throw new SchemaError(`component "${name}" has neither fields nor defaults`, name, undefined, {
      hint: 'give fields for typed columns (fields: {} for a tag), or defaults: () => value',
    });
  }
  const [layout, size, align] = spec.fields ? layOut(name, spec.fields) : [[], 0, 1];
  const identity = spec.fields
    ? `${name}{${layout.map(f => `${f.name}:${f.type}*${f.count}`).join()}}`
    : `${name}()`;
  const before = known.get(identity);
  const info: ComponentInfo = {
    id: before ? before.id : nextId++,
    name,
    fields: spec.fields ?? null,
    layout,
    size,
    align,
    object: !spec.fields,
    defaults: (spec.defaults as ComponentInfo['defaults']) ?? null,
    identity,
  };
  if (!before) known.set(identity, info);
  latest.set(`0:${name}`, info);
  return Object.freeze(info);
}

/** A typed message, to an entity or to all. */
export interface EventType<N extends string = string, F = unknown> extends Component<N, F> {
  readonly kind: number;
}

function defineKind(kind: number, spec: { name: string; fields: Fields }): ComponentInfo {
  const name = checkName(spec.name);
  const [layout, size, align] = layOut(name, spec.fields);
  const identity = `${kind}:${name}{${layout.map(f => `${f.name}:${f.type}*${f.count}`).join()}}`;
  const before = known.get(identity);
  if (before) return before;
  const info = Object.freeze({
    id: nextId++,
    name,
    fields: spec.fields,
    layout,
    size,
    align,
    object: false,
    defaults: null,
    identity,
    kind,
  });
  known.set(identity, info);
  latest.set(`${kind}:${name}`, info);
  return info;
}

/** @internal What this realm has defined last under a name, of a kind (skep_kind). */
export function definedAs(kind: number, name: string): ComponentInfo | undefined {
  return latest.get(`${kind}:${name}`);
}

/** Defines an event: World.send, JobSpec.emits. Its fields must be at least one. */
export function defineEvent<const N extends string, const F extends Fields>(spec: {
  name: N;
  fields: F;
}): EventType<N, F> {
  return defineKind(1, spec) as unknown as EventType<N, F>;
}

/** Defines a resource: a named value that is no entity's. */
export function defineResource<const N extends string, const F extends Fields>(spec: {
  name: N;
  fields: F;
}): EventType<N, F> {
  return defineKind(2, spec) as unknown as EventType<N, F>;
}

/** Defines an input: a typed, numbered message of a player or a device. */
export function defineInput<const N extends string, const F extends Fields>(spec: {
  name: N;
  fields: F;
}): EventType<N, F> {
  return defineKind(3, spec) as unknown as EventType<N, F>;
}

/** A tag: a component without fields. */
export function defineTag<const N extends string>(name: N): Component<N, Record<never, never>> {
  return defineComponent({ name, fields: {} });
}

/** The definition behind a component's face; throws SchemaError for anything else. */
export function infoOf(component: AnyComponent): ComponentInfo {
  const info = component as ComponentInfo;
  if (!info || !info.layout) {
    throw new SchemaError(`${String(component)} is no component`, String(component), undefined, {
      hint: 'pass what defineComponent returned',
    });
  }
  return info;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Text as the value of a bytes[N] field: UTF-8, filled up with zeros. Throws SchemaError when it
 * does not fit. */
export function utf8(text: string, bytes: number): Uint8Array {
  const encoded = encoder.encode(text);
  if (encoded.length > bytes) {
    throw new SchemaError(
      `${JSON.stringify(text)} takes ${encoded.length} bytes, the field has ` + `${bytes}`,
      '',
      undefined,
      { hint: 'shorten the text or widen the bytes[N] field' },
    );
  }
  const out = new Uint8Array(bytes);
  out.set(encoded);
  return out;
}

/** The text in a bytes[N] field or column: row `row` of rows of `bytes` bytes, up to its first
 * zero. */
export function utf8Text(column: ArrayLike<number>, row = 0, bytes = column.length): string {
  const start = row * bytes;
  let end = start;
  while (end < start + bytes && column[end] !== 0) end++;
  return decoder.decode(Uint8Array.from({ length: end - start }, (_, i) => column[start + i]!));
}
