// SPDX-License-Identifier: MIT
// Saves: the same world again, here, in another world, and with damaged bytes none at all.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Parent,
  defineComponent,
  defineEvent,
  defineResource,
  type Entity,
  type World,
} from 'skep';
import { Dice, Enemy, Health, Meta, Pos, Vel, failure, withWorld } from './support/worlds.ts';

const Rules = defineResource({ name: 'SaveRules', fields: { near: 'f32', who: 'entity' } });
const Hit = defineEvent({ name: 'SaveHit', fields: { amount: 'f32' } });

/** A world with some of everything. */
function furnish(world: World): Entity[] {
  const made = world.spawnMany([Pos, Vel], 40, (c, n) => {
    for (let i = 0; i < n; i++) c.Pos.x[i] = i;
  });
  const others = [
    world.spawn(Enemy, [Health, { worth: 0.1 }]),
    world.spawn(),
    world.spawn([Meta, { title: 'Zoë', tags: ['a', 'b'] }], Pos),
  ];
  world.add(made[3]!, Parent, { of: made[4]! });
  world.add(made[5]!, Meta, { title: 'second', tags: [] });
  for (const i of [7, 1, 20]) world.destroy(made[i]!);
  world.setResource(Rules, { near: 2.5, who: made[9]! });
  world.send(Hit, made[2]!, { amount: 4 });
  return [...made, ...others];
}

test('a save brings the same world: handles, values, free handles, hash', () => {
  withWorld(world => {
    const made = furnish(world);
    const bytes = world.save();
    withWorld(other => {
      other.load(bytes);
      assert.equal(other.hash(), world.hash());
      for (const e of made) {
        assert.equal(other.isAlive(e), world.isAlive(e));
        for (const kind of [Pos, Vel, Health, Meta, Enemy, Parent]) {
          assert.deepEqual(other.get(e, kind), world.get(e, kind), kind.name);
        }
      }
      assert.deepEqual(other.resource(Rules), world.resource(Rules));
      assert.deepEqual(other.events(Hit), world.events(Hit));
      assert.deepEqual(other.children(made[4]!), [made[3]]);
      for (let i = 0; i < 6; i++) assert.equal(other.spawn(Pos), world.spawn(Pos));
      assert.equal(other.hash(), world.hash());
      assert.deepEqual(other.save(), world.save());
    });
  });
});

test('into a world that numbers its components otherwise', () => {
  withWorld(world => {
    furnish(world);
    const bytes = world.save();
    withWorld(other => {
      const Other = defineComponent({ name: 'SaveOther', fields: { v: 'u8' } });
      other.spawn(Other, Parent, Health, Enemy, Vel);
      other.spawn([Meta, { title: 'gone', tags: [] }]);
      other.setResource(Rules, { near: 9 });
      other.load(bytes);
      assert.equal(other.hash(), world.hash());
      assert.equal(other.count({ with: [Other] }), 0);
      assert.equal(other.size, world.size);
    });
  });
});

test('a world is saved as it was when a snapshot was taken', () => {
  withWorld(world => {
    const made = furnish(world);
    const bytes = world.save();
    using snapshot = world.snapshot();
    for (const e of made) world.destroy(e);
    world.setResource(Rules, { near: 0 });
    assert.deepEqual(world.save(snapshot), bytes);
    world.load(bytes);
    assert.equal(world.hash(), snapshot.hash());
    assert.equal(world.get(made.at(-1)!, Meta)!.title, 'Zoë');
  });
});

test('an empty world, and one that was emptied', () => {
  withWorld(world => {
    const empty = world.save();
    const hash = world.hash();
    furnish(world);
    world.load(empty);
    assert.equal(world.size, 0);
    assert.equal(world.hash(), hash);
    assert.equal(world.resource(Rules), undefined);
  });
});

test('what a program does not know of a save is left out, what it has anew is zero', () => {
  const one = defineComponent({ name: 'SaveGrown', fields: { x: 'f32', old: 'u8' } });
  let bytes!: Uint8Array;
  let e!: Entity;
  withWorld(world => {
    e = world.spawn([one, { x: 2, old: 3 }]);
    bytes = world.save();
  });
  const two = defineComponent({ name: 'SaveGrown', fields: { fresh: 'f64', x: 'f32' } });
  withWorld(world => {
    world.load(bytes);
    assert.deepEqual(world.get(e, two), { fresh: 0, x: 2 });
  });
  const three = defineComponent({ name: 'SaveGrown', fields: { x: 'f64' } });
  withWorld(world => {
    world.spawn([three, { x: 1 }]);
    const hash = world.hash();
    failure('E_SCHEMA', () => world.load(bytes));
    assert.equal(world.hash(), hash, 'the world changed');
  });
});

test('objects that JSON cannot hold are named, with the place', () => {
  const Any = defineComponent({ name: 'SaveAny', defaults: (): unknown => null });
  withWorld(world => {
    const e = world.spawn(Any);
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    for (const [value, place] of [
      [{ a: [1, new Map()] }, 'value.a[1] is a Map'],
      [{ when: new Date(0) }, 'value.when is a Date'],
      [NaN, 'value is NaN'],
      [{ f: () => 1 }, 'value.f is a function'],
      [10n, 'value is a bigint'],
      [cyclic, 'value.self is itself within itself'],
    ] as const) {
      world.set(e, Any, value as never);
      const error = failure('E_ARGUMENT', () => world.save());
      assert.ok(error.message.includes(`"SaveAny" of entity ${e}`), error.message);
      assert.ok(error.message.includes(place), error.message);
    }
    for (const value of [null, 'text', 0, false, [1, [2, { a: null }]], { '': { b: 'ü' } }]) {
      world.set(e, Any, value as never);
      const bytes = world.save();
      world.set(e, Any, 'other' as never);
      world.load(bytes);
      assert.deepEqual(world.get(e, Any), value);
    }
  });
});

test('every damaged byte is noticed, and the world stays as it was', () => {
  withWorld(world => {
    world.spawn([Pos, { x: 1 }], Enemy);
    world.spawn([Meta, { title: 'a', tags: ['b'] }]);
    world.setResource(Rules, { near: 1 });
    const bytes = world.save();
    const there = world.spawn([Vel, { x: 7 }], [Meta, { title: 'there', tags: [] }]);
    const hash = world.hash();
    const dice = new Dice(3);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 + dice.below(255);
      const error = failure('E_CORRUPT', () => world.load(damaged));
      assert.match(error.message, /byte \d+|not a save|version/, `byte ${at}`);
      if (at % 16 === 0) assert.equal(world.hash(), hash, `byte ${at} changed the world`);
    }
    // What comes before the objects is a whole save of its own, as C programs write it.
    const objects = new DataView(bytes.buffer).getUint32(bytes.length - 12, true) + 16;
    for (let length = 0; length < bytes.length; length++) {
      if (length === bytes.length - objects) continue;
      failure('E_CORRUPT', () => world.load(bytes.subarray(0, length)));
    }
    failure('E_CORRUPT', () => world.load(new Uint8Array([...bytes, 0])));
    assert.equal(world.hash(), hash);
    assert.equal(world.get(there, Meta)!.title, 'there');
    world.load(bytes);
    assert.equal(world.isAlive(there), false);
  });
});

test('a save with more entities than fit is refused by name', () => {
  let bytes!: Uint8Array;
  withWorld(world => {
    world.spawnMany([Pos], 100);
    bytes = world.save();
  });
  withWorld(
    world => {
      const e = world.spawn([Pos, { x: 1 }]);
      const error = failure<Error & { knob: string }>('E_LIMIT', () => world.load(bytes));
      assert.equal(error.knob, 'entities');
      assert.deepEqual(world.get(e, Pos), { x: 1, y: 0 });
    },
    { limits: { entities: 50 } },
  );
});
