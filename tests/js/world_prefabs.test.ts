// SPDX-License-Identifier: MIT
// Prefabs and making many: values that are copied, replaced, added, and filled in by columns.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Parent, defineComponent, definePrefab, type Entity } from 'skep';
import { Enemy, Health, Meta, Pos, Vel, failure, withWorld } from './support/worlds.ts';

const Bullet = definePrefab('Bullet', [Pos, [Vel, { x: 9 }], Enemy, Health]);

test('a prefab gives its values, each to its own', () => {
  withWorld(world => {
    const [a, b] = [world.spawn(Bullet), world.spawn(Bullet)];
    for (const e of [a, b]) {
      assert.deepEqual(world.get(e, Vel), { x: 9, y: 0 });
      assert.deepEqual(world.get(e, Health), { now: 100, most: 200, worth: 0 });
      assert.ok(world.has(e, Enemy));
    }
    world.set(a, Vel, { x: 1 });
    assert.deepEqual(world.get(b, Vel), { x: 9, y: 0 });
    assert.deepEqual(world.get(world.spawn(Bullet), Vel), { x: 9, y: 0 });
  });
});

test('overrides replace fields, and add components', () => {
  withWorld(world => {
    world.spawn([Meta, { title: '', tags: [] }]);
    const e = world.spawn(Bullet, { Vel: { y: 2 }, Pos: { x: 1 }, Meta: { title: 'm', tags: [] } });
    assert.deepEqual(world.get(e, Vel), { x: 9, y: 2 });
    assert.deepEqual(world.get(e, Pos), { x: 1, y: 0 });
    assert.equal(world.get(e, Meta)!.title, 'm');
    const size = world.size;
    failure('E_ARGUMENT', () => world.spawn(Bullet, { Nowhere: {} }));
    failure('E_SCHEMA', () => world.spawn(Bullet, { Vel: { z: 1 } } as never));
    assert.equal(world.size, size);
  });
});

test('children come along, with their own children and objects', () => {
  const Flame = definePrefab('Flame', [[Meta, { title: 'flame', tags: ['hot'] }]]);
  const Engine = definePrefab('Engine', [[Pos, { x: 1 }]], { children: [Flame] });
  const Wing = definePrefab('Wing', [
    [Meta, { title: 'wing', tags: [] }],
    [Pos, { x: 2 }],
  ]);
  const Ship = definePrefab('Ship', [Pos], { children: [Engine, Wing, Engine] });
  withWorld(world => {
    const ships = world.spawnMany(Ship, 3);
    assert.equal(world.size, 18);
    for (const ship of ships) {
      const [engine, wing, other] = world.children(ship) as [Entity, Entity, Entity];
      assert.deepEqual(
        [engine, wing, other].map(e => world.get(e, Pos)!.x),
        [1, 2, 1],
      );
      assert.equal(world.get(wing, Meta)!.title, 'wing');
      for (const e of [engine, other]) {
        const [flame] = world.children(e) as [Entity];
        assert.deepEqual(world.get(flame, Meta), { title: 'flame', tags: ['hot'] });
        assert.equal(world.get(flame, Parent)!.of, e);
      }
    }
    world.get(world.children(world.children(ships[0]!)[0]!)[0]!, Meta)!.tags.push('own');
    const next = world.spawn(Ship);
    assert.deepEqual(world.get(world.children(world.children(next)[0]!)[0]!, Meta)!.tags, ['hot']);
    world.destroy(ships[0]!);
    assert.equal(world.size, 18);
  });
});

test('two prefabs of one name are refused by a world', () => {
  const other = definePrefab('Bullet', [Pos]);
  withWorld(world => {
    world.spawn(Bullet);
    failure('E_ARGUMENT', () => world.spawn(other));
    assert.equal(world.size, 1);
  });
  withWorld(world => assert.ok(world.spawn(other)));
});

test('many are filled by columns, of all types, that begin with what each would have had', () => {
  const Every = defineComponent({
    name: 'FillEvery',
    fields: { a: 'u8', b: 'i16', c: 'f64', d: 'i64', e: 'entity', f: ['f32', 3], g: 'bytes[3]' },
    defaults: { a: 5, f: [1, 2, 3] },
  });
  withWorld(world => {
    const target = world.spawn();
    const made = world.spawnMany([Every, Enemy, Pos], 2100, ({ FillEvery: c }, n) => {
      assert.equal(n, 2100);
      assert.deepEqual([c.a[2099], c.f[6297], c.f[6299]], [5, 1, 3]);
      for (let i = 0; i < n; i++) {
        c.b[i] = 5 - i;
        c.c[i] = i / 3;
        c.d[i] = BigInt(i) << 40n;
        c.e.set(i, target);
        c.f[3 * i + 1] = i;
        c.g[3 * i + 2] = i;
      }
    });
    assert.equal(new Set(made).size, 2100);
    made.forEach((e, i) =>
      assert.deepEqual(world.get(e, Every), {
        a: 5,
        b: 5 - i,
        c: i / 3,
        d: BigInt(i) << 40n,
        e: target,
        f: [1, i, 3],
        g: Uint8Array.of(0, 0, i),
      }),
    );
    assert.equal(world.count({ with: [Enemy, Pos] }), 2100);
  });
});

test("a prefab's columns are filled, and its objects copied", () => {
  const Named = definePrefab('Named', [Pos, [Meta, { title: 'n', tags: ['t'] }]]);
  withWorld(world => {
    const made = world.spawnMany(Named, 20, ({ Pos: pos }, n) => {
      for (let i = 0; i < n; i++) pos.y[i] = i;
    });
    made.forEach((e, i) => {
      assert.equal(world.get(e, Pos)!.y, i);
      world.get(e, Meta)!.tags.push(`${i}`);
    });
    made.forEach((e, i) => assert.deepEqual(world.get(e, Meta)!.tags, ['t', `${i}`]));
  });
});

test('none at all, a number that is none, and a fill that throws', () => {
  withWorld(world => {
    assert.deepEqual(world.spawnMany([Pos], 0), []);
    assert.deepEqual(
      world.spawnMany(Bullet, 0, () => {}),
      [],
    );
    for (const n of [-1, 1.5, NaN, Infinity]) {
      failure('E_ARGUMENT', () => world.spawnMany([Pos], n));
    }
    assert.throws(
      () =>
        world.spawnMany([Pos], 10, () => {
          throw new Error('mine');
        }),
      /mine/,
    );
    assert.equal(world.size, 0);
    const error = failure<Error & { knob: string }>('E_LIMIT', () =>
      world.spawnMany([Pos], 65_537),
    );
    assert.equal(error.knob, 'entities');
    assert.equal(world.size, 0, 'all or nothing');
    assert.equal(world.spawnMany([Pos], 65_536).length, 65_536);
  });
});

test('a fill may look at the world, and change it', () => {
  withWorld(world => {
    const before = world.spawn([Pos, { x: 3 }]);
    const made = world.spawnMany([Pos, Vel], 5, ({ Pos: pos }) => {
      pos.x.fill(world.get(before, Pos)!.x);
      world.destroy(before);
      assert.equal(world.size, 0);
      world.spawnMany([Vel], 3, ({ Vel: vel }) => void vel.x.fill(1));
    });
    assert.equal(world.size, 8);
    assert.deepEqual(
      made.map(e => world.get(e, Pos)!.x),
      [3, 3, 3, 3, 3],
    );
  });
});
