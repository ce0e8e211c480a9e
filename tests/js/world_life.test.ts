// SPDX-License-Identifier: MIT
// Worlds: how many there can be, what limits they have, and what they say when they are gone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World, defineComponent, defineEvent, defineResource, type Entity } from 'skep';
import { Enemy, Meta, Pos, Vel, failure, withWorld } from './support/worlds.ts';

/** Worlds of which there can be many: without workers' stacks. */
const SMALL = { memoryMax: 16 << 20, workersMax: 1, limits: { entities: 1000 } };

test('limits that cannot be are refused, by name', () => {
  for (const entities of [0, -1, 1.5, NaN, 2 ** 26]) {
    const error = failure('E_ARGUMENT', () => new World({ limits: { entities } }));
    assert.match(error.message, /limits\.entities/);
  }
  const error = failure<Error & { knob: string }>(
    'E_LIMIT',
    () => new World({ limits: { entities: 60_000_000 }, memoryMax: 64 << 20 }),
  );
  assert.equal(error.knob, 'memoryMax');
  new World({ ...SMALL, limits: { entities: 1 } }).dispose();
});

test('memory that runs out is an error that names memoryMax, and the world goes on', () => {
  const Big = defineComponent({ name: 'LifeBig', fields: { a: 'bytes[2048]' } });
  const world = new World({ memoryMax: 24 << 20 });
  const e = world.spawn([Pos, { x: 1 }]);
  let made = 0;
  const error = failure<Error & { knob: string; hint: string }>('E_LIMIT', () => {
    for (;;) made += world.spawnMany([Big], 500).length;
  });
  assert.equal(error.knob, 'memoryMax');
  assert.match(error.hint, /memoryMax/);
  assert.equal(world.size, made + 1, 'all or nothing');
  assert.deepEqual(world.get(e, Pos), { x: 1, y: 0 });
  world.check();
  for (const big of world.query({ with: [Big] }).entities()) world.destroy(big);
  assert.equal(world.spawnMany([Big], 500).length, 500);
  world.dispose();
});

test('a world that was disposed of says so', () => {
  const Hit = defineEvent({ name: 'LifeHit', fields: { amount: 'f32' } });
  const Rules = defineResource({ name: 'LifeRules', fields: { near: 'f32' } });
  const world = new World(SMALL);
  const e = world.spawn(Pos, [Meta, { title: '', tags: [] }]);
  const snapshot = world.snapshot();
  const query = world.query({ read: [Pos] });
  const removed = world.removedQuery(Pos);
  const off = world.onAdd(Pos, () => {});
  const bytes = world.save();
  world.add(e, Vel);
  world.dispose();
  world.dispose();
  // Another world takes over the memory.
  const other = new World(SMALL);
  const hash = other.hash();
  const calls: Record<string, () => unknown> = {
    spawn: () => world.spawn(),
    spawnPos: () => world.spawn(Pos),
    spawnMany: () => world.spawnMany([Pos], 1),
    destroy: () => world.destroy(e),
    isAlive: () => world.isAlive(e),
    has: () => world.has(e, Pos),
    get: () => world.get(e, Pos),
    getObject: () => world.get(e, Meta),
    set: () => world.set(e, Pos, { x: 1 }),
    setObject: () => world.set(e, Meta, { title: 'x' }),
    add: () => world.add(e, Vel),
    addObject: () => world.add(e, Meta),
    remove: () => world.remove(e, Pos),
    flush: () => world.flush(),
    each: () => world.each({ write: [Pos] }, () => {}),
    eachAll: () => world.each({}, () => {}),
    count: () => world.count({ with: [Pos] }),
    query: () => world.query({ read: [Pos] }),
    size: () => world.size,
    tick: () => world.tick,
    time: () => world.time,
    bytes: () => world.bytes,
    dropped: () => world.dropped,
    children: () => world.children(e),
    send: () => world.send(Hit, e, {}),
    events: () => world.events(Hit),
    resource: () => world.resource(Rules),
    setResource: () => world.setResource(Rules, {}),
    onAdd: () => world.onAdd(Pos, () => {}),
    snapshot: () => world.snapshot(),
    restore: () => world.restore(snapshot),
    hash: () => world.hash(),
    save: () => world.save(),
    load: () => world.load(bytes),
    check: () => world.check(),
    run: () => query.run(() => {}),
    entities: () => query.entities(),
    take: () => removed.take(),
    snapshotGet: () => snapshot.get(e, Pos),
    snapshotHash: () => snapshot.hash(),
    snapshotEach: () => snapshot.each([Pos], () => {}),
    diff: () => snapshot.diff(snapshot),
    iter: () => [...world.iter(world.makeQuery({ all: [] }))],
  };
  for (const [name, call] of Object.entries(calls)) {
    try {
      failure('E_CLOSED', call);
    } catch (cause) {
      throw new Error(`${name} of a world that is gone`, { cause });
    }
  }
  off();
  query.dispose();
  removed.dispose();
  snapshot.release();
  assert.equal(other.hash(), hash, 'the other world has changed');
  assert.equal(other.size, 0);
  other.dispose();
});

test('`using` disposes', () => {
  let world: World;
  {
    using inner = new World(SMALL);
    inner.spawn(Pos);
    world = inner;
  }
  failure('E_CLOSED', () => world.size);
});

test('a world disposed of within its own pass ends the pass', () => {
  const world = new World(SMALL);
  world.spawn(Pos);
  world.spawn(Pos, Vel);
  let blocks = 0;
  world.each({ read: [Pos] }, () => {
    blocks++;
    world.dispose();
  });
  assert.equal(blocks, 1);
});

test('two worlds in one program do not mix', () => {
  withWorld(one =>
    withWorld(two => {
      // The components get other numbers in each.
      const [a, b] = [one.spawn([Pos, { x: 1 }], [Meta, { title: 'one', tags: [] }]), two.spawn()];
      two.add(b, Enemy);
      two.add(b, Meta, { title: 'two', tags: [] });
      two.add(b, Vel, { x: 5 });
      two.add(b, Pos, { x: 2 });
      assert.equal(a, b, 'equal handles');
      assert.deepEqual(
        [one.get(a, Pos), two.get(b, Pos)],
        [
          { x: 1, y: 0 },
          { x: 2, y: 0 },
        ],
      );
      assert.deepEqual([one.get(a, Meta)!.title, two.get(b, Meta)!.title], ['one', 'two']);
      assert.equal(one.has(a, Enemy), false);
      one.each({ write: [Pos] }, (n, pos) => {
        two.each({ read: [Pos] }, (_, theirs) => void (pos.x[0] = theirs.x[0]! + 10));
        two.add(b, Pos, { x: 3 });
      });
      assert.deepEqual([one.get(a, Pos)!.x, two.get(b, Pos)!.x], [12, 3]);
      one.destroy(a);
      assert.deepEqual([one.size, two.size], [0, 1]);
    }),
  );
});

test('worlds with equal seeds and deeds have equal hashes, others have not', () => {
  const hashOf = (seed: number | bigint, x: number): bigint => {
    using world = new World({ ...SMALL, seed });
    world.spawn([Pos, { x }]);
    return world.hash();
  };
  assert.equal(hashOf(5, 1), hashOf(5n, 1));
  assert.notEqual(hashOf(5, 1), hashOf(6, 1));
  assert.notEqual(hashOf(5, 1), hashOf(5, 2));
  assert.notEqual(hashOf(2n ** 63n, 1), hashOf(0, 1));
});

test('300 worlds one after the other, each begins empty', () => {
  let hash: bigint | undefined;
  for (let i = 0; i < 300; i++) {
    const world = new World(SMALL);
    hash ??= world.hash();
    assert.equal(world.hash(), hash, `world ${i}`);
    const made = world.spawnMany([Pos, Vel], 200, (c, n) => void c.Pos.x.fill(i, 0, n));
    assert.equal(world.get(made[199]!, Pos)!.x, i);
    assert.deepEqual(world.get(made[199]!, Vel), { x: 0, y: 0 }, 'left over from another world');
    world.dispose();
  }
});

test('40 worlds alive at once', () => {
  const worlds = Array.from({ length: 40 }, () => new World(SMALL));
  const made = worlds.map((world, i) => world.spawn([Pos, { x: i }]));
  worlds.forEach((world, i) => {
    assert.deepEqual(world.get(made[i] as Entity, Pos), { x: i, y: 0 });
    assert.equal(world.size, 1);
  });
  for (const world of worlds) world.dispose();
});

test('memory of one thread alone, as pages without isolation have it', () => {
  withWorld(
    world => {
      const made = world.spawnMany([Pos], 2000);
      using snapshot = world.snapshot();
      world.each({ write: [Pos] }, (n, pos) => {
        assert.ok(pos.x.buffer instanceof ArrayBuffer);
        pos.x.fill(2);
      });
      assert.equal(snapshot.get(made[0]!, Pos)!.x, 0);
      const hash = world.hash();
      world.load(world.save());
      assert.equal(world.hash(), hash);
    },
    { shared: false },
  );
});
