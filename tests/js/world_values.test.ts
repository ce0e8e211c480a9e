// SPDX-License-Identifier: MIT
// Values of every type: what is written is read again, bit by bit, by `get` and through columns,
// and what does not fit leaves everything as it was.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EntityColumn, World, defineComponent, utf8, utf8Text, type Entity } from 'skep';
import { Health, Meta, Pos, failure, withWorld } from './support/worlds.ts';

const Every = defineComponent({
  name: 'Every',
  fields: {
    i8: 'i8',
    u8: 'u8',
    i16: 'i16',
    u16: 'u16',
    i32: 'i32',
    u32: 'u32',
    i64: 'i64',
    u64: 'u64',
    f32: 'f32',
    f64: 'f64',
    bool: 'bool',
    entity: 'entity',
    bytes: 'bytes[5]',
    matrix: ['f32', 4],
    handles: ['entity', 2],
    wide: ['i64', 2],
  },
});
const handle = (2_000_000 * 2 ** 32 + 12_345) as Entity;
const EXTREMES = [
  {
    i8: -128,
    u8: 255,
    i16: -32_768,
    u16: 65_535,
    i32: -(2 ** 31),
    u32: 2 ** 32 - 1,
    i64: -(2n ** 63n),
    u64: 2n ** 64n - 1n,
    f32: Math.fround(3.4e38),
    f64: Number.MAX_VALUE,
    bool: true,
    entity: handle,
    bytes: Uint8Array.of(1, 2, 3, 4, 255),
    matrix: [1, -0, 2.5, -8],
    handles: [handle, 0 as Entity],
    wide: [-1n, 2n ** 62n],
  },
  {
    i8: 127,
    u8: 0,
    i16: 32_767,
    u16: 0,
    i32: 2 ** 31 - 1,
    u32: 0,
    i64: 2n ** 63n - 1n,
    u64: 0n,
    f32: -Infinity,
    f64: 5e-324,
    bool: false,
    entity: 0 as Entity,
    bytes: new Uint8Array(5),
    matrix: [0, 0, 0, 1],
    handles: [0 as Entity, handle],
    wide: [0n, -(2n ** 63n)],
  },
];

test('values of all types come back as they were, on every way to write them', () => {
  withWorld(world => {
    for (const value of EXTREMES) {
      const spawned = world.spawn([Every, value]);
      assert.deepEqual(world.get(spawned, Every), value, 'spawn');
      const added = world.spawn(Pos);
      world.add(added, Every, value);
      assert.deepEqual(world.get(added, Every), value, 'add');
      const set = world.spawn(Every);
      assert.equal(world.set(set, Every, value), true);
      assert.deepEqual(world.get(set, Every), value, 'set');
      using held = world.snapshot();
      world.set(set, Every, EXTREMES[0]!);
      world.set(set, Every, value);
      assert.deepEqual(world.get(set, Every), value, 'set of a block that a snapshot holds');
      assert.deepEqual(held.get(set, Every), value, 'of a snapshot');
    }
  });
});

test('a set of some fields leaves the others', () => {
  withWorld(world => {
    const e = world.spawn([Every, EXTREMES[0]!]);
    for (const name of Object.keys(EXTREMES[0]!) as (keyof (typeof EXTREMES)[0])[]) {
      world.set(e, Every, { [name]: EXTREMES[1]![name] });
      const expected = { ...EXTREMES[0]!, [name]: EXTREMES[1]![name] };
      assert.deepEqual(world.get(e, Every), expected, `set of ${name}`);
      world.set(e, Every, { [name]: EXTREMES[0]![name] });
    }
  });
});

test('Z2: f64 fields are not rounded through f32, also untouched ones', () => {
  withWorld(world => {
    const e = world.spawn([Health, { worth: 0.1, now: 1 }]);
    world.set(e, Health, { now: 2 });
    world.each({ write: [Health] }, (n, health) => {
      for (let i = 0; i < n; i++) health.now[i]! += 1;
    });
    assert.deepEqual(world.get(e, Health), { now: 3, most: 200, worth: 0.1 });
  });
});

test('columns show the same values', () => {
  withWorld(world => {
    const made = EXTREMES.map(value => world.spawn([Every, value]));
    let rows = 0;
    world.each({ read: [Every] }, (n, c, entities) => {
      rows += n;
      for (let i = 0; i < n; i++) {
        const value = EXTREMES[made.indexOf(entities.at(i))]!;
        for (const name of ['i8', 'u16', 'i32', 'u32', 'i64', 'u64', 'f32', 'f64'] as const) {
          assert.equal(c[name][i], value[name], name);
        }
        assert.equal(c.bool[i], value.bool ? 1 : 0);
        assert.equal(c.entity.at(i), value.entity);
        assert.deepEqual(
          [0, 1, 2, 3].map(k => c.matrix[4 * i + k]),
          value.matrix,
        );
        assert.deepEqual(
          [0, 1].map(k => c.handles.at(2 * i + k)),
          value.handles,
        );
        assert.deepEqual(
          [0, 1].map(k => c.wide[2 * i + k]),
          value.wide,
        );
        assert.deepEqual(
          [0, 1, 2, 3, 4].map(k => c.bytes[5 * i + k]),
          [...value.bytes],
        );
      }
    });
    assert.equal(rows, 2);
  });
});

test('columns of handles are written without BigInt', () => {
  withWorld(world => {
    const Link = defineComponent({ name: 'Link', fields: { to: 'entity' } });
    const made = world.spawnMany([Link], 10);
    world.each({ write: [Link] }, (n, link, entities) => {
      assert.ok(link.to instanceof EntityColumn);
      for (let i = 0; i < n; i++) link.to.set(i, entities.at((i + 1) % n));
    });
    made.forEach((e, i) => assert.equal(world.get(e, Link)!.to, made[(i + 1) % 10]));
  });
});

test('text in bytes fields', () => {
  const Name = defineComponent({ name: 'NameText', fields: { text: 'bytes[12]' } });
  withWorld(world => {
    const texts = ['', 'Zoë', 'twelve bytes', '日本語で'];
    const made = texts.map(text => world.spawn([Name, { text: utf8(text, 12) }]));
    made.forEach((e, i) => assert.equal(utf8Text(world.get(e, Name)!.text), texts[i]));
    world.each({ read: [Name] }, (n, { text }, entities) => {
      for (let i = 0; i < n; i++) {
        assert.equal(utf8Text(text, i, 12), texts[made.indexOf(entities.at(i))]);
      }
    });
    failure('E_SCHEMA', () => utf8('thirteen bytes', 12));
  });
});

const WRONG: [string, object][] = [
  ['a text for a number', { f32: '1' }],
  ['null for a number', { i32: null }],
  ['a bigint for a number', { u8: 1n }],
  ['a fraction for an i64', { i64: 1.5 }],
  ['a text for a u64', { u64: '1' }],
  ['a fraction for a handle', { entity: 0.5 }],
  ['a negative handle', { entity: -1 }],
  ["a number for a bool's text", { bool: 'true' }],
  ['too few bytes', { bytes: new Uint8Array(4) }],
  ['too many bytes', { bytes: new Uint8Array(6) }],
  ['a number for an array', { matrix: 1 }],
  ['null for an array', { matrix: null }],
  ['an array that is too short', { matrix: [1, 2, 3] }],
  ['a text within an array', { matrix: [1, 2, 3, '4'] }],
  ['a field that is not there', { f23: 1 }],
];

for (const [what, wrong] of WRONG) {
  test(`${what} is refused, and leaves everything as it was`, () => {
    withWorld(world => {
      const e = world.spawn([Every, EXTREMES[1]!]);
      const other = world.spawn(Pos);
      const hash = world.hash();
      const value = { i8: 1, ...wrong, f64: 2 } as never;
      const error = failure<Error & { component: string; field: string }>('E_SCHEMA', () =>
        world.spawn(Pos, [Every, value]),
      );
      assert.equal(error.component, 'Every');
      assert.equal(error.field, Object.keys(wrong)[0]);
      failure('E_SCHEMA', () => world.set(e, Every, value));
      failure('E_SCHEMA', () => world.add(e, Every, value));
      failure('E_SCHEMA', () => world.add(other, Every, value));
      failure('E_SCHEMA', () => world.spawnMany([[Every, value]] as never, 3));
      assert.equal(world.size, 2);
      assert.equal(world.hash(), hash, 'the world changed');
      using held = world.snapshot();
      failure('E_SCHEMA', () => world.set(e, Every, value));
      assert.equal(world.hash(), held.hash(), 'the world changed while a snapshot was held');
    });
  });
}

test('a refused add takes nothing else of the queue along', () => {
  withWorld(world => {
    const made = world.spawnMany([Pos], 3);
    world.add(made[0]!, Health, { now: 1 });
    failure('E_SCHEMA', () => world.add(made[1]!, Health, { now: '1' as never }));
    world.add(made[2]!, Health, { now: 3 });
    assert.deepEqual(
      made.map(e => world.get(e, Health)?.now),
      [1, undefined, 3],
    );
  });
});

test('a value that cannot be cloned leaves no entity behind', () => {
  withWorld(world => {
    const value = { title: 'a', tags: [], call: () => 1 } as never;
    failure('E_ARGUMENT', () => world.spawnMany([[Meta, value]] as never, 2));
    assert.equal(world.size, 0);
    const e = world.spawn([Meta, value]);
    using held = world.snapshot();
    failure('E_ARGUMENT', () => world.get(e, Meta));
    assert.equal(held.size, 1);
  });
});

test('defaults: of fields, and a fresh object for each entity', () => {
  withWorld(world => {
    assert.deepEqual(world.get(world.spawn(Health), Health), { now: 100, most: 200, worth: 0 });
    const [a, b] = world.spawnMany([Health, Meta], 2);
    assert.deepEqual(world.get(b!, Health), { now: 100, most: 200, worth: 0 });
    world.get(a!, Meta)!.tags.push('a');
    assert.deepEqual(world.get(b!, Meta), { title: '', tags: [] });
  });
});

test('what is wrong with a definition is said when it is made', () => {
  const define = (spec: object): unknown => defineComponent(spec as never);
  for (const spec of [
    {},
    { name: 1, fields: {} },
    { name: '', fields: {} },
    { name: '1a', fields: {} },
    { name: 'A', fields: { x: 'f16' } },
    { name: 'A', fields: { x: ['f32', 0] } },
    { name: 'A', fields: { x: ['f32', 1.5] } },
    { name: 'A', fields: { x: 'bytes[0]' } },
    { name: 'A', fields: { x: 'bytes' } },
    { name: 'A', fields: { x: 'bytes[2049]' } },
    { name: 'A', fields: Object.fromEntries('abcdefghijklmnopq'.split('').map(f => [f, 'u8'])) },
    { name: 'A' },
  ])
    failure('E_SCHEMA', () => define(spec));
});

test('one name with two layouts is refused by a world that knows the first', () => {
  const one = defineComponent({ name: 'Twice', fields: { x: 'f32' } });
  const two = defineComponent({ name: 'Twice', fields: { x: 'f64' } });
  const object = defineComponent({ name: 'Twice', defaults: () => ({}) });
  withWorld(world => {
    const e = world.spawn([one, { x: 1 }]);
    failure('E_SCHEMA', () => world.add(e, two, { x: 1 }));
    failure('E_SCHEMA', () => world.get(e, object));
    assert.deepEqual(world.get(e, one), { x: 1 });
  });
  withWorld(world => assert.ok(world.spawn([two, { x: 0.1 }])));
});

test('the same definition made twice is one component', () => {
  const again = defineComponent({ name: 'Pos', fields: { x: 'f32', y: 'f32' } });
  assert.notEqual(again, Pos);
  withWorld(world => {
    const e = world.spawn([Pos, { x: 1 }]);
    assert.deepEqual(world.get(e, again), { x: 1, y: 0 });
    world.add(e, again, { x: 2 });
    assert.deepEqual(world.get(e, Pos), { x: 2, y: 0 });
  });
});

test('bad defaults are refused by the first world that meets them', () => {
  const Odd = defineComponent({
    name: 'OddDefaults',
    fields: { x: 'f32' },
    defaults: { x: 'one' as never },
  });
  const world = new World({ memoryMax: 32 << 20 });
  failure('E_SCHEMA', () => world.spawn(Odd));
  assert.equal(world.size, 0);
  world.dispose();
});
