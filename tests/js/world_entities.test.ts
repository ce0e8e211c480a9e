// SPDX-License-Identifier: MIT
// Entities: their handles, what they have, and what happens to those that are gone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  NULL_ENTITY,
  Parent,
  defineComponent,
  defineTag,
  entityGeneration,
  entityIndex,
  type Entity,
} from 'skep';
import { Enemy, Health, Meta, NOBODY, Pos, Vel, failure, withWorld } from './support/worlds.ts';

test('an old handle never names a new entity, over 100,000 recycles', () => {
  withWorld(world => {
    const first = world.spawn([Pos, { x: 1 }]);
    const seen = new Set<Entity>([first]);
    let last = first;
    for (let i = 0; i < 100_000; i++) {
      world.destroy(last);
      last = world.spawn([Pos, { x: i }]);
      assert.ok(!seen.has(last), `handle ${last} came twice, the second time in round ${i}`);
      seen.add(last);
    }
    assert.equal(world.size, 1);
    assert.equal(entityIndex(last), entityIndex(first));
    assert.equal(entityGeneration(last), 100_001);
    for (const old of seen) assert.equal(world.isAlive(old), old === last);
    assert.equal(world.get(first, Pos), undefined);
    assert.equal(world.set(first, Pos, { x: 5 }), false);
    assert.deepEqual(world.get(last, Pos), { x: 99_999, y: 0 });
  });
});

test('indexes are used again oldest first', () => {
  withWorld(world => {
    const made = Array.from({ length: 4 }, () => world.spawn());
    for (const i of [2, 0, 3]) world.destroy(made[i]!);
    const again = Array.from({ length: 4 }, () => entityIndex(world.spawn()));
    assert.deepEqual(
      again,
      [made[2]!, made[0]!, made[3]!, 4].map(e => entityIndex(e as Entity)),
    );
  });
});

test('null, handles of nobody, and what is no handle at all are not alive', () => {
  withWorld(world => {
    world.spawn(Pos);
    const odd = [NULL_ENTITY, NOBODY, -1, NaN, 1.5, Infinity, 2 ** 53, undefined, 'x'];
    for (const e of odd as Entity[]) {
      assert.equal(world.isAlive(e), false, `isAlive(${String(e)})`);
      assert.equal(world.has(e, Pos), false, `has(${String(e)})`);
      assert.equal(world.get(e, Pos), undefined, `get(${String(e)})`);
      assert.equal(world.set(e, Pos, { x: 1 }), false, `set(${String(e)})`);
      world.add(e, Pos, { x: 1 });
      world.remove(e, Pos);
      world.destroy(e);
    }
    world.flush();
    assert.equal(world.size, 1);
    assert.equal(world.dropped, 3 * odd.length);
  });
});

test('D4: changes for entities that are gone are dropped and counted, the others made', () => {
  withWorld(world => {
    const [a, b, c] = [world.spawn(Pos), world.spawn(Pos), world.spawn(Pos)];
    world.destroy(b);
    world.add(a, Vel, { x: 1 });
    world.add(b, Vel, { x: 2 });
    world.add(c, Vel, { x: 3 });
    world.remove(b, Pos);
    world.destroy(b);
    assert.deepEqual(
      [a, b, c].map(e => world.get(e, Vel)?.x),
      [1, undefined, 3],
    );
    assert.equal(world.dropped, 3);
    assert.equal(world.set(a, Enemy, {}), false, 'a set of what is not there');
    assert.equal(world.has(a, Enemy), false);
  });
});

test('D7: null can be written, and nothing given is not null', () => {
  withWorld(world => {
    const Box = defineComponent({ name: 'Box', defaults: (): string | null => 'default' });
    const e = world.spawn([Box, null]);
    assert.equal(world.get(e, Box), null, 'spawned with null');
    world.set(e, Box, 'other');
    assert.equal(world.get(e, Box), 'other');
    world.set(e, Box, null as never);
    assert.equal(world.get(e, Box), null, 'set to null');
    world.add(e, Box);
    assert.equal(world.get(e, Box), null, 'add without a value leaves what is there');
    world.remove(e, Box);
    world.add(e, Box);
    assert.equal(world.get(e, Box), 'default', 'add without a value where there is none');
    world.add(e, Box, null as never);
    assert.equal(world.get(e, Box), null, 'add with null');
  });
});

test('W2: the entity past the limit is an error that names it, and aliases nobody', () => {
  withWorld(world => {
    const first = world.spawn([Pos, { x: 1 }]);
    world.spawnMany([Pos], 65_535);
    const error = failure<Error & { knob: string; limit: number; needed: number }>('E_LIMIT', () =>
      world.spawn([Pos, { x: 2 }]),
    );
    assert.equal(error.knob, 'entities');
    assert.equal(error.limit, 65_536);
    assert.equal(error.needed, 65_537);
    assert.match(error.message, /65,537th entity, entities is 65,536/);
    assert.equal(world.size, 65_536);
    assert.deepEqual(world.get(first, Pos), { x: 1, y: 0 });
    world.destroy(first);
    assert.notEqual(world.spawn(Pos), first);
  });
});

test("W3: a command's createEntity gives the handle at once", () => {
  withWorld(world => {
    const commands = world.beginTick();
    const e = commands.createEntity();
    commands.add(e, Pos, { x: 3 });
    commands.set(e, Pos, { y: 4 });
    commands.set(e, Vel, { x: 5 });
    commands.flush();
    assert.ok(world.isAlive(e));
    assert.deepEqual(world.get(e, Pos), { x: 3, y: 4 });
    assert.deepEqual(world.get(e, Vel), { x: 5, y: 0 });
    commands.remove(e, Vel);
    commands.destroyEntity(e);
    world.endTick();
    assert.equal(world.size, 0);
  });
});

test('create, then use, in one flush', () => {
  withWorld(world => {
    const e = world.spawn();
    world.add(e, Pos, { x: 1 });
    world.add(e, Vel, { x: 2 });
    world.add(e, Pos, { y: 3 });
    world.remove(e, Vel);
    world.add(e, Health);
    world.add(e, Health, { most: 7 });
    const other = world.spawn(Pos);
    world.destroy(other);
    world.add(other, Vel);
    assert.deepEqual(world.get(e, Pos), { x: 0, y: 3 }, 'add with a value sets all fields');
    assert.equal(world.has(e, Vel), false);
    assert.deepEqual(world.get(e, Health), { now: 100, most: 7, worth: 0 });
    assert.equal(world.isAlive(other), false);
  });
});

test('adding what is there without a value leaves it', () => {
  withWorld(world => {
    const e = world.spawn([Pos, { x: 1, y: 2 }], [Meta, { title: 'a', tags: [] }]);
    world.add(e, Pos);
    world.add(e, Meta);
    assert.deepEqual(world.get(e, Pos), { x: 1, y: 2 });
    assert.equal(world.get(e, Meta)!.title, 'a');
  });
});

test('removing what is not there, and destroying twice, is no error', () => {
  withWorld(world => {
    const e = world.spawn(Pos);
    world.remove(e, Vel);
    world.remove(e, Meta);
    world.flush();
    assert.equal(world.dropped, 0);
    world.destroy(e);
    world.destroy(e);
    world.flush();
    assert.equal(world.dropped, 1);
  });
});

for (const count of [17, 33, 65, 130]) {
  test(`${count} components on one entity`, () => {
    withWorld(world => {
      const kinds = Array.from({ length: count }, (_, i) =>
        i % 5 === 4
          ? defineTag(`Many${count}_${i}`)
          : defineComponent({
              name: `Many${count}_${i}`,
              fields: { value: i % 2 ? 'f32' : 'i64' },
            }),
      );
      const value = (i: number): object => (i % 5 === 4 ? {} : { value: i % 2 ? i : BigInt(i) });
      const e = world.spawn();
      kinds.forEach((kind, i) => world.add(e, kind as never, value(i) as never));
      kinds.forEach((kind, i) => assert.deepEqual(world.get(e, kind), value(i), kind.name));
      for (let i = 0; i < count; i += 3) world.remove(e, kinds[i]!);
      kinds.forEach((kind, i) => assert.equal(world.has(e, kind), i % 3 !== 0, kind.name));
      kinds.forEach((kind, i) =>
        assert.deepEqual(world.get(e, kind), i % 3 ? value(i) : undefined),
      );
    });
  });
}

test('64 components can be given at once, and 65 say what to do', () => {
  withWorld(world => {
    const kinds = Array.from({ length: 65 }, (_, i) =>
      defineComponent({ name: `Once${i}`, fields: { value: 'f32' } }),
    );
    const parts = kinds.map((kind, i) => [kind, { value: i }] as const);
    const e = world.spawn(...parts.slice(0, 64));
    kinds.slice(0, 64).forEach((kind, i) => assert.equal(world.get(e, kind)!.value, i));
    const before = world.size;
    const error = failure<Error & { knob: string; hint: string }>('E_LIMIT', () =>
      world.spawn(...parts),
    );
    assert.equal(error.knob, 'create_max');
    assert.match(error.hint, /add the others/);
    failure('E_LIMIT', () => world.spawnMany(kinds, 3));
    assert.equal(world.size, before);
  });
});

test('a parent takes its children along, level by level', () => {
  withWorld(world => {
    const root = world.spawn(Pos);
    const children = [0, 1, 2].map(() => world.spawn([Parent, { of: root }]));
    const grandchild = world.spawn([Parent, { of: children[1]! }], Pos);
    assert.deepEqual(world.children(root), children);
    assert.deepEqual(world.children(children[1]!), [grandchild]);
    world.set(children[2]!, Parent, { of: children[0]! });
    assert.deepEqual(world.children(root), children.slice(0, 2));
    world.remove(children[0]!, Parent);
    world.destroy(root);
    assert.deepEqual(
      [root, ...children, grandchild].map(e => world.isAlive(e)),
      [false, true, false, true, false],
    );
  });
});

test('parents in a ring are harmless', () => {
  withWorld(world => {
    const a = world.spawn();
    const b = world.spawn([Parent, { of: a }]);
    world.add(a, Parent, { of: b });
    world.destroy(b);
    assert.equal(world.size, 0);
  });
});

test('the queue overflows in the middle of a loop, and nothing is lost', () => {
  withWorld(world => {
    const Big = defineComponent({ name: 'Big', fields: { a: 'bytes[2000]', b: 'bytes[2000]' } });
    const entities = world.spawnMany([Pos], 300);
    const a = new Uint8Array(2000).fill(1);
    entities.forEach((e, i) => {
      world.add(e, Big, { a, b: a.slice().fill(i) });
      if (i % 3 === 0) world.remove(e, Pos);
      if (i % 7 === 0) world.destroy(e);
    });
    entities.forEach((e, i) => {
      assert.equal(world.isAlive(e), i % 7 !== 0);
      if (i % 7 === 0) return;
      assert.equal(world.has(e, Pos), i % 3 !== 0);
      const value = world.get(e, Big)!;
      assert.equal(value.a[1999], 1);
      assert.equal(value.b[1999], i % 256);
    });
  });
});

test("a tag, an event and a resource are not components of each other's kind", async () => {
  const { defineEvent, defineResource } = await import('skep');
  withWorld(world => {
    const Hit = defineEvent({ name: 'HitKind', fields: { amount: 'f32' } });
    const Rules = defineResource({ name: 'RulesKind', fields: { near: 'f32' } });
    const e = world.spawn(Pos);
    failure('E_SCHEMA', () => world.add(e, Hit));
    failure('E_SCHEMA', () => world.get(e, Rules));
    failure('E_SCHEMA', () => world.spawn(Hit));
    failure('E_SCHEMA', () => world.each({ read: [Rules] }, () => {}));
    failure('E_SCHEMA', () => world.send(Rules, e, { near: 1 }));
    failure('E_SCHEMA', () => world.setResource(Hit, { amount: 1 }));
    failure('E_SCHEMA', () => world.spawn('Pos' as never));
    assert.equal(world.size, 1);
  });
});
