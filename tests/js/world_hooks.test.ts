// SPDX-License-Identifier: MIT
// Who is told what: hooks, events, inputs and resources, between frames.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Parent, defineEvent, defineInput, definePrefab, defineResource, type Entity } from 'skep';
import { Enemy, Health, Meta, Pos, Vel, failure, withWorld } from './support/worlds.ts';

const Hit = defineEvent({ name: 'Hit', fields: { amount: 'f32', by: 'entity' } });
const Steer = defineInput({ name: 'Steer', fields: { turn: 'f32', fire: 'bool' } });
const Rules = defineResource({
  name: 'Rules',
  fields: { near: 'f32', count: 'u32', grid: ['i16', 3] },
});

test('hooks are told of each way to get and lose a component, in order', () => {
  withWorld(world => {
    const told: string[] = [];
    for (const [name, kind] of [
      ['pos', Pos],
      ['enemy', Enemy],
      ['meta', Meta],
    ] as const) {
      world.onAdd(kind, e => void told.push(`+${name} ${e % 2 ** 32}`));
      world.onRemove(kind, e => void told.push(`-${name} ${e % 2 ** 32}`));
    }
    const expect = (...lines: string[]): void => {
      world.flush();
      assert.deepEqual(told.splice(0), lines);
    };
    const a = world.spawn(Pos, Vel);
    expect('+pos 0');
    world.add(a, Enemy);
    world.add(a, Pos, { x: 3 });
    world.add(a, Enemy);
    world.set(a, Pos, { x: 4 });
    expect('+enemy 0');
    world.add(a, Meta);
    expect('+meta 0');
    world.remove(a, Pos);
    world.remove(a, Pos);
    world.remove(a, Meta);
    expect('-pos 0', '-meta 0');
    world.spawnMany([Pos], 2);
    expect('+pos 1', '+pos 2');
    world.spawn(definePrefab('HookPrefab', [Enemy, Health]));
    expect('+enemy 3');
    world.destroy(a);
    expect('-enemy 0');
    const child = world.spawn([Parent, { of: (2 ** 32 + 1) as Entity }], Enemy);
    world.destroy((2 ** 32 + 1) as Entity);
    expect(`+enemy ${child % 2 ** 32}`, '-pos 1', `-enemy ${child % 2 ** 32}`);
  });
});

test('hooks see the whole change, never half of it', () => {
  withWorld(world => {
    const seen: unknown[] = [];
    world.onAdd(Pos, (e, w) => void seen.push(w.get(e, Pos), w.get(e, Vel), w.get(e, Meta)));
    world.spawn([Pos, { x: 1 }], [Vel, { y: 2 }], [Meta, { title: 't', tags: [] }]);
    assert.deepEqual(seen, [
      { x: 1, y: 0 },
      { x: 0, y: 2 },
      { title: 't', tags: [] },
    ]);
  });
});

test('what hooks change is made when all were told, and told in turn', () => {
  withWorld(world => {
    const told: string[] = [];
    world.onAdd(Pos, (e, w) => {
      told.push(`pos ${e % 2 ** 32}, enemies ${w.count({ with: [Enemy] })}`);
      w.add(e, Enemy);
      assert.ok(w.has(e, Enemy), 'a hook sees what it did itself');
      if (e % 2 ** 32 < 2) w.spawn(Health);
    });
    world.onAdd(Enemy, e => void told.push(`enemy ${e % 2 ** 32}`));
    world.onAdd(Health, (e, w) => {
      told.push(`health ${e % 2 ** 32}`);
      w.destroy(e);
    });
    world.onRemove(Health, e => void told.push(`no health ${e % 2 ** 32}`));
    world.spawnMany([Pos], 3);
    assert.deepEqual(told, [
      'pos 0, enemies 0',
      'pos 1, enemies 0',
      'pos 2, enemies 0',
      'enemy 0',
      'health 3',
      'enemy 1',
      'health 4',
      'enemy 2',
      'no health 3',
      'no health 4',
    ]);
    assert.equal(world.size, 3);
  });
});

test('hooks that never come to an end are ended', () => {
  withWorld(world => {
    world.onAdd(Enemy, (e, w) => w.remove(e, Enemy));
    world.onRemove(Enemy, (e, w) => w.add(e, Enemy));
    const e = world.spawn();
    world.add(e, Enemy);
    failure('E_LIMIT', () => world.flush());
    assert.ok(world.isAlive(e));
  });
});

test('a hook that throws ends the round; what it had asked for is made', () => {
  withWorld(world => {
    const off = world.onAdd(Enemy, (e, w) => {
      w.add(e, Vel);
      throw new Error('mine');
    });
    const e = world.spawn();
    world.add(e, Enemy);
    assert.throws(() => world.flush(), /mine/);
    off();
    assert.deepEqual([world.has(e, Enemy), world.has(e, Vel)], [true, true]);
    world.spawn(Enemy);
  });
});

test('hooks end, one by one', () => {
  withWorld(world => {
    let [a, b] = [0, 0];
    const count = (): void => void a++;
    const offs = [world.onAdd(Pos, count), world.onAdd(Pos, count), world.onAdd(Pos, () => b++)];
    world.spawn(Pos);
    assert.deepEqual([a, b], [2, 1]);
    offs[0]!();
    offs[0]!();
    world.spawn(Pos);
    assert.deepEqual([a, b], [3, 2]);
    for (const off of offs) off();
    world.spawn(Pos);
    assert.deepEqual([a, b], [3, 2]);
  });
});

test('going back and loading tell no hooks', () => {
  withWorld(world => {
    let told = 0;
    world.onAdd(Pos, () => told++);
    world.onRemove(Pos, () => told++);
    world.spawnMany([Pos], 3);
    using snapshot = world.snapshot();
    const bytes = world.save();
    for (const e of world.query({ with: [Pos] }).entities()) world.destroy(e);
    world.flush();
    assert.equal(told, 6);
    world.restore(snapshot);
    world.load(bytes);
    world.spawn();
    assert.equal(told, 6);
    world.spawn(Pos);
    assert.equal(told, 7);
  });
});

test('snapshots and loads have to wait for hooks', () => {
  withWorld(world => {
    using before = world.snapshot();
    world.onAdd(Pos, (_, w) => {
      failure('E_BUSY', () => w.restore(before));
      failure('E_BUSY', () => w.snapshot());
    });
    world.spawn(Pos);
    assert.equal(world.size, 1);
  });
});

// ---- events, inputs, resources -----------------------------------------------------------------

test('events arrive all, in order, addressed or not', () => {
  withWorld(world => {
    const e = world.spawn(Pos);
    assert.deepEqual(world.events(Hit).events, []);
    for (let i = 0; i < 300; i++) world.send(Hit, i % 2 ? e : 0, { amount: i, by: e });
    const { events, next } = world.events(Hit);
    assert.deepEqual(
      events.map(event => event.value.amount),
      events.map((_, i) => i),
    );
    assert.equal(events.length, 300);
    assert.deepEqual(
      events.slice(0, 2).map(event => event.to),
      [0, e],
    );
    assert.equal(events[7]!.value.by, e);
    assert.deepEqual(world.events(Hit, next).events, []);
    world.send(Hit, e, {});
    assert.deepEqual(
      world.events(Hit, next).events.map(event => event.value),
      [{ amount: 0, by: 0 }],
    );
    failure('E_SCHEMA', () => world.send(Hit, e, { amount: 'x' as never }));
    assert.equal(world.events(Hit).events.length, 301);
  });
});

test('inputs are checked when they are given, and wait for a frame', () => {
  withWorld(world => {
    const e = world.spawn();
    world.input(Steer, 1, 5, e, { turn: 0.5, fire: true });
    world.input(Steer, 1, 6, 0, {});
    assert.deepEqual(world.events(Steer).events, []);
    failure('E_SCHEMA', () => world.input(Steer, 1, 7, e, { turn: null as never }));
    failure('E_SCHEMA', () => world.input(Hit as never, 1, 7, e, {}));
    failure('E_SCHEMA', () => world.send(Steer as never, e, {}));
  });
});

test('a resource keeps what is not set; a wrong field changes none', () => {
  withWorld(world => {
    assert.equal(world.resource(Rules), undefined);
    world.setResource(Rules, { near: 1.5 });
    world.setResource(Rules, { grid: [1, -2, 3] });
    assert.deepEqual(world.resource(Rules), { near: 1.5, count: 0, grid: [1, -2, 3] });
    const hash = world.hash();
    failure('E_SCHEMA', () => world.setResource(Rules, { near: 9, count: 'x' as never }));
    failure('E_SCHEMA', () => world.setResource(Rules, { near: 9, grid: [1] }));
    assert.equal(world.hash(), hash);
  });
});
