// SPDX-License-Identifier: MIT
// What the compiler says of components, values and columns. Nothing here runs: a line that is
// expected to be an error must be one, every other must be none.

import {
  defineComponent,
  defineTag,
  entityMake,
  NULL_ENTITY,
  type Component,
  type Entity,
  type EntityColumn,
  type EntityColumnView,
  type Fields,
  type Reads,
  type Value,
  type Writes,
} from 'skep';

/** Holds only where both types are the same. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function holds<T extends true>(): T | undefined {
  return undefined;
}

export const Pos = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
export const Damage = defineComponent({ name: 'Damage', fields: { amount: 'f32', by: 'entity' } });
const All = defineComponent({
  name: 'All',
  fields: {
    a: 'i8',
    b: 'u64',
    c: 'bool',
    d: ['f32', 16],
    e: 'bytes[32]',
    f: ['entity', 4],
    g: ['i64', 2],
  },
  defaults: { a: 1 },
});
const Meta = defineComponent({
  name: 'Meta',
  defaults: () => ({ title: '', tags: new Set<string>() }),
});
const Enemy = defineTag('Enemy');

// Names and fields are kept as they were written.
holds<Same<typeof Pos, Component<'Pos', { readonly x: 'f32'; readonly y: 'f32' }>>>();
holds<Same<(typeof Enemy)['name'], 'Enemy'>>();
holds<Same<Value<typeof Pos>, { x: number; y: number }>>();
holds<Same<Value<typeof Damage>, { amount: number; by: Entity }>>();
holds<Same<Value<typeof Meta>, { title: string; tags: Set<string> }>>();
holds<
  Same<
    Value<typeof All>,
    {
      a: number;
      b: bigint;
      c: boolean;
      d: readonly number[];
      e: Uint8Array;
      f: readonly Entity[];
      g: readonly bigint[];
    }
  >
>();
// @ts-expect-error they are not the same: what `holds` is good for
holds<Same<Value<typeof Pos>, { x: number; y: string }>>();

export function write(pos: Writes<typeof Pos>, all: Writes<typeof All>, e: Entity): void {
  pos.x[0] = 1;
  all.b[0] = 1n;
  all.c[0] = 1;
  all.d[15] = 1;
  all.e.set([1, 2]);
  all.f.set(3, e);
  // @ts-expect-error 64-bit columns hold bigint
  all.b[0] = 1;
  // @ts-expect-error handles are set by EntityColumn.set
  all.f[0] = e;
  // @ts-expect-error a number is no entity
  all.f.set(0, 7);
  // @ts-expect-error no such field
  pos.z;
  // @ts-expect-error the column itself stays
  pos.x = pos.y;
}

export function read(pos: Reads<typeof Pos>, all: Reads<typeof All>): void {
  const x: number = pos.x[0]!;
  const b: bigint = all.b[0]!;
  const f: Entity = all.f.at(0);
  holds<Same<typeof all.f, EntityColumnView>>();
  void [x, b, f];
  // @ts-expect-error columns to be read are readonly
  pos.x[0] = 1;
  // @ts-expect-error so are those of 64 bits
  all.b[0] = 1n;
  // @ts-expect-error and those of handles
  all.f.set(0, f);
  // @ts-expect-error no method of an array that writes
  pos.x.fill(0);
  // @ts-expect-error what may be undefined is not a number yet
  const first: number = pos.y[0];
  void first;
}

export function entities(column: EntityColumn): Entity {
  const made: Entity = entityMake(1, 2);
  const asNumber: number = made;
  // @ts-expect-error a number is no entity
  const wrong: Entity = 3;
  // @ts-expect-error arithmetic makes a number of it
  const next: Entity = made + 1;
  void [asNumber, wrong, next];
  for (const entity of column) return entity;
  return NULL_ENTITY;
}

// @ts-expect-error no such type
defineComponent({ name: 'A', fields: { x: 'f16' } });
// @ts-expect-error bytes need a length
defineComponent({ name: 'A', fields: { x: 'bytes' } });
// @ts-expect-error an array field has one type and one length
defineComponent({ name: 'A', fields: { x: ['f32', 2, 3] } });
// @ts-expect-error a default for no field
defineComponent({ name: 'A', fields: { x: 'f32' }, defaults: { y: 1 } });
// @ts-expect-error a default of another type
defineComponent({ name: 'A', fields: { x: 'f32' }, defaults: { x: '1' } });
// @ts-expect-error neither fields nor defaults
defineComponent({ name: 'A' });
// @ts-expect-error a tag has no fields
export const noField: Value<typeof Enemy>['x'] = 1;
export const fields: Fields = { x: 'f32', y: ['u8', 4], z: 'bytes[3]' };
