// SPDX-License-Identifier: MIT
// Snapshots: what they hold however long, what going back to them restores, and differences.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  defineEvent,
  defineResource,
  type DiffItem,
  type Entity,
  type Snapshot,
  type World,
} from 'skep';
import { Dice, Enemy, Health, Meta, Pos, Vel, failure, withWorld } from './support/worlds.ts';

const Rules = defineResource({ name: 'SnapRules', fields: { near: 'f32' } });
const Hit = defineEvent({ name: 'SnapHit', fields: { amount: 'f32' } });

function fill(world: World, n: number): Entity[] {
  return world.spawnMany([Pos, Vel], n, (c, rows) => {
    for (let i = 0; i < rows; i++) c.Pos.x[i] = c.Vel.y[i] = i;
  });
}

test('going back when nothing has changed is going nowhere', () => {
  withWorld(world => {
    const made = fill(world, 3000);
    world.set(made[7]!, Pos, { x: 70 });
    const query = world.query({ changed: [Pos] });
    query.entities();
    const hash = world.hash();
    using snapshot = world.snapshot();
    world.restore(snapshot);
    assert.equal(world.hash(), hash);
    assert.equal(snapshot.hash(), hash);
    assert.deepEqual(query.entities(), [], 'nothing was written');
    assert.ok(made.every(e => world.isAlive(e)));
    world.set(made[3]!, Pos, { x: 9 });
    assert.deepEqual(query.entities(), [made[3]]);
  });
});

test('W7: destroying one entity does not take another one back', () => {
  withWorld(world => {
    const [a, b] = fill(world, 2) as [Entity, Entity];
    using snapshot = world.snapshot();
    world.set(b, Pos, { x: 50 });
    world.destroy(a);
    assert.deepEqual(world.get(b, Pos), { x: 50, y: 0 });
    assert.deepEqual(snapshot.get(b, Pos), { x: 1, y: 0 });
  });
});

test('handles, free ones included, survive going back', () => {
  withWorld(world => {
    const made = fill(world, 50);
    for (let i = 0; i < 50; i += 3) world.destroy(made[i]!);
    using snapshot = world.snapshot();
    const first = Array.from({ length: 30 }, () => world.spawn([Pos, { x: -1 }]));
    for (const e of made) world.destroy(e);
    world.restore(snapshot);
    assert.deepEqual(
      made.map(e => world.isAlive(e)),
      made.map((_, i) => i % 3 !== 0),
    );
    made.forEach((e, i) => assert.equal(world.get(e, Pos)?.x, i % 3 ? i : undefined));
    assert.ok(first.every(e => !world.isAlive(e)));
    const again = Array.from({ length: 30 }, () => world.spawn([Pos, { x: -1 }]));
    assert.deepEqual(again, first, 'the same handles come again');
  });
});

test('everything of the world goes back', () => {
  withWorld(world => {
    const e = world.spawn([Pos, { x: 1 }]);
    world.setResource(Rules, { near: 2 });
    world.send(Hit, e, { amount: 3 });
    const hash = world.hash();
    using snapshot = world.snapshot();
    world.setResource(Rules, { near: 20 });
    world.send(Hit, 0, { amount: 30 });
    world.add(e, Enemy);
    world.remove(e, Pos);
    assert.notEqual(world.hash(), hash);
    world.restore(snapshot);
    assert.equal(world.hash(), hash);
    assert.deepEqual(world.resource(Rules), { near: 2 });
    assert.deepEqual(
      world.events(Hit).events.map(event => event.value.amount),
      [3],
    );
    assert.deepEqual([world.has(e, Enemy), world.has(e, Pos)], [false, true]);
  });
});

test('snapshots held over many changes all keep what they saw', () => {
  withWorld(world => {
    const dice = new Dice(5);
    const made = fill(world, 1500);
    const kept: { hash: bigint; x: (number | undefined)[]; size: number }[] = [];
    const snapshots = Array.from({ length: 12 }, () => {
      for (let i = 0; i < 200; i++) {
        const e = dice.pick(made);
        switch (dice.below(4)) {
          case 0:
            world.set(e, Pos, { x: dice.below(1000) });
            break;
          case 1:
            world.add(e, Health);
            break;
          case 2:
            world.remove(e, Vel);
            break;
          default:
            if (dice.below(4) === 0) world.destroy(e);
        }
      }
      kept.push({ hash: world.hash(), x: made.map(e => world.get(e, Pos)?.x), size: world.size });
      return world.snapshot();
    });
    const check = (i: number): void => {
      const snapshot = snapshots[i]!;
      assert.equal(snapshot.hash(), kept[i]!.hash, `hash of snapshot ${i}`);
      assert.equal(snapshot.size, kept[i]!.size);
      assert.deepEqual(
        made.map(e => snapshot.get(e, Pos)?.x),
        kept[i]!.x,
      );
    };
    for (const i of [11, 0, 5, 3, 8]) {
      world.restore(snapshots[i]!);
      assert.equal(world.hash(), kept[i]!.hash);
      check(i);
      world.set(
        made.find(e => world.isAlive(e))!,
        Pos,
        { x: -5 },
      );
      check(i);
    }
    snapshots.splice(3, 1)[0]!.release();
    kept.splice(3, 1);
    snapshots.forEach((_, i) => check(i));
    for (const snapshot of snapshots) snapshot.release();
  });
});

test('a snapshot is iterated run by run, in the order of the world', () => {
  withWorld(world => {
    const made = fill(world, 2500);
    using snapshot = world.snapshot();
    world.each({ write: [Pos] }, (n, pos) => void pos.x.fill(-1));
    const seen: Entity[] = [];
    snapshot.each([Pos, Vel], (n, pos, vel, entities) => {
      for (let i = 0; i < n; i++) {
        assert.equal(pos.x[i], vel.y[i]);
        seen.push(entities.at(i));
      }
    });
    assert.deepEqual(seen, made);
    snapshot.each([Health], () => assert.fail('nobody had Health'));
  });
});

test('a released snapshot, and one of another world, are refused', () => {
  withWorld(world =>
    withWorld(other => {
      const snapshot = world.snapshot();
      failure('E_ARGUMENT', () => other.restore(snapshot));
      failure('E_ARGUMENT', () => other.save(snapshot));
      using theirs = other.snapshot();
      failure('E_ARGUMENT', () => snapshot.diff(theirs));
      snapshot.release();
      snapshot.release();
      failure('E_CLOSED', () => world.restore(snapshot));
      failure('E_CLOSED', () => snapshot.hash());
      failure('E_CLOSED', () => snapshot.get(1 as Entity, Pos));
    }),
  );
});

test('released blocks are used again', () => {
  withWorld(world => {
    fill(world, 5000);
    const round = (): void => {
      using snapshot = world.snapshot();
      world.each({ write: [Pos, Vel] }, (n, pos) => void pos.x.fill(1));
      assert.ok(snapshot.size === 5000);
    };
    for (let i = 0; i < 5; i++) round();
    const bytes = world.bytes;
    for (let i = 0; i < 200; i++) round();
    assert.equal(world.bytes, bytes);
  });
});

// ---- objects -----------------------------------------------------------------------------------

test('objects go back with the world; one that was not touched stays the same object', () => {
  withWorld(world => {
    const [a, b, c] = [0, 1, 2].map(i => world.spawn([Meta, { title: `${i}`, tags: [] }])) as [
      Entity,
      Entity,
      Entity,
    ];
    const untouched = world.get(b, Meta);
    using snapshot = world.snapshot();
    world.get(a, Meta)!.tags.push('changed');
    world.set(c, Meta, { title: 'set', tags: [] });
    const born = world.spawn([Meta, { title: 'born', tags: [] }]);
    world.destroy(b);
    assert.deepEqual(snapshot.get(a, Meta), { title: '0', tags: [] });
    assert.deepEqual(snapshot.get(c, Meta), { title: '2', tags: [] });
    assert.equal(snapshot.get(born, Meta), undefined);
    world.restore(snapshot);
    assert.deepEqual(
      [a, b, c].map(e => world.get(e, Meta)!.title),
      ['0', '1', '2'],
    );
    assert.equal(world.get(born, Meta), undefined);
    world.get(a, Meta)!.title = 'again';
    world.restore(snapshot);
    assert.equal(world.get(a, Meta)!.title, '0', 'a second time');
    assert.notEqual(world.get(b, Meta), untouched, 'what a snapshot holds is cloned by get');
  });
});

test("an object is its owner's again when no snapshot holds it", () => {
  withWorld(world => {
    const e = world.spawn([Meta, { title: 'a', tags: [] }]);
    const mine = world.get(e, Meta);
    world.snapshot().release();
    assert.equal(world.get(e, Meta), mine);
    using held = world.snapshot();
    const clone = world.get(e, Meta);
    assert.notEqual(clone, mine);
    assert.equal(world.get(e, Meta), clone, 'cloned once');
    assert.equal(held.size, 1);
  });
});

test('a value made while a snapshot was held is shared by the next one', () => {
  withWorld(world => {
    const first = world.snapshot();
    const e = world.spawn([Meta, { title: 'a', tags: [] }]);
    first.release();
    using held = world.snapshot();
    world.get(e, Meta)!.title = 'changed';
    assert.equal(held.get(e, Meta)!.title, 'a');
    world.restore(held);
    assert.equal(world.get(e, Meta)!.title, 'a');
  });
});

test('an object does not outlive its entity, nor its component', () => {
  withWorld(world => {
    const e = world.spawn([Meta, { title: 'old', tags: [] }]);
    world.remove(e, Meta);
    assert.equal(world.get(e, Meta), undefined);
    world.add(e, Meta);
    assert.equal(world.get(e, Meta)!.title, '', 'not what it was before');
    world.destroy(e);
    const next = world.spawn(Pos);
    assert.equal(next % 2 ** 32, e % 2 ** 32, 'the same index');
    assert.equal(world.get(next, Meta), undefined);
    world.add(next, Meta);
    assert.equal(world.get(next, Meta)!.title, '');
  });
});

test('objects of dead entities are let go of', () => {
  withWorld(world => {
    let held = 0;
    const made = Array.from({ length: 20_000 }, () =>
      world.spawn([Meta, { title: 'x', tags: [] }]),
    );
    for (const e of made) world.destroy(e);
    type Inner = { objects(kind: typeof Meta): { entries(): Iterable<unknown> } };
    const inner = world as unknown as Inner;
    for (const entry of inner.objects(Meta).entries()) held += entry ? 1 : 0;
    assert.ok(held < 5000, `${held} values of dead entities are still held`);
  });
});

// ---- differences -------------------------------------------------------------------------------

/** A difference as text: kind, component and, for each entity, its handle and new values. */
function told(items: DiffItem[]): string[] {
  const lines: string[] = [];
  for (const { kind, count, component, entities, columns } of items) {
    assert.equal(entities.length, count);
    for (let i = 0; i < count; i++) {
      const values = Object.entries(columns ?? {}).map(
        ([name, column]) => `${name}=${(column as Float32Array)[i]}`,
      );
      lines.push([kind, component, entities.at(i), ...values].filter(x => x !== null).join(' '));
    }
  }
  return lines;
}

test('a difference tells of despawned, spawned, removed, added and changed, in this order', () => {
  withWorld(world => {
    const made = fill(world, 6);
    using before = world.snapshot();
    world.destroy(made[0]!);
    const born = world.spawn([Pos, { x: 8, y: 9 }], Enemy);
    world.remove(made[1]!, Vel);
    world.add(made[2]!, Health, { now: 3 });
    world.set(made[3]!, Pos, { y: 5 });
    using after = world.snapshot();
    assert.deepEqual(told(before.diff(after)), [
      `despawned ${made[0]}`,
      `spawned ${born}`,
      `removed Vel ${made[1]}`,
      ...told(before.diff(after).filter(item => item.kind === 'added')),
      `changed Pos ${made[3]} x=3 y=5`,
    ]);
    assert.deepEqual(
      told(before.diff(after).filter(item => item.kind === 'added')).sort(),
      [
        `added Enemy ${born}`,
        `added Health ${made[2]} now=3 most=200 worth=0`,
        `added Pos ${born} x=8 y=9`,
      ].sort(),
    );
    const back = after.diff(before).map(item => item.kind);
    const order = ['despawned', 'spawned', 'removed', 'added', 'changed'];
    assert.deepEqual(
      back,
      [...back].sort((a, b) => order.indexOf(a) - order.indexOf(b)),
    );
    assert.deepEqual([...new Set(back)], order);
    assert.deepEqual(before.diff(before), []);
  });
});

test('scattered changes are gathered, and long runs are not copied', () => {
  withWorld(world => {
    const made = fill(world, 10_000);
    using before = world.snapshot();
    const scattered = made.filter((_, i) => i % 97 === 5);
    for (const e of scattered) world.set(e, Pos, { y: e % 1000 });
    using after = world.snapshot();
    const items = before.diff(after);
    assert.equal(items.length, 1);
    assert.deepEqual(
      told(items).sort(),
      scattered.map(e => `changed Pos ${e} x=${made.indexOf(e)} y=${e % 1000}`).sort(),
    );
    const kept = told(items);
    world.each({ write: [Vel] }, (n, vel) => void vel.x.fill(7));
    using last = world.snapshot();
    const long = after.diff(last);
    assert.equal(
      long.reduce((sum, item) => sum + item.count, 0),
      10_000,
    );
    assert.ok(long.length >= 10, 'a run is at most a block');
    assert.deepEqual(told(items), kept, 'an earlier difference stays what it was');
  });
});

test('differences of random changes say what has become of each entity', () => {
  withWorld(world => {
    const dice = new Dice(11);
    const made = fill(world, 700);
    for (let round = 0; round < 25; round++) {
      using before = world.snapshot();
      for (let i = dice.below(60); i >= 0; i--) {
        const e = dice.pick(made);
        switch (dice.below(6)) {
          case 0:
            world.set(e, Pos, { x: dice.below(4) });
            break;
          case 1:
            world.add(e, Health, { now: dice.below(3) });
            break;
          case 2:
            world.remove(e, dice.pick([Vel, Health]));
            break;
          case 3:
            world.destroy(e);
            break;
          case 4:
            made.push(world.spawn([Pos, { x: 1 }]));
            break;
          default:
            world.add(e, dice.pick([Enemy, Vel]));
        }
      }
      using after = world.snapshot();
      const lines = new Set(
        told(before.diff(after)).map(line => line.split(' ').slice(0, 3).join(' ')),
      );
      for (const e of made) {
        const [was, is] = [before, after].map(s =>
          [Pos, Vel, Health, Enemy].map(kind => s.get(e, kind)),
        );
        const [lived, lives] = [before, after].map(s => aliveIn(s, e));
        assert.equal(lines.has(`despawned ${e}`), lived && !lives);
        assert.equal(lines.has(`spawned ${e}`), !lived && lives);
        ['Pos', 'Vel', 'Health', 'Enemy'].forEach((name, k) => {
          const [a, b] = [JSON.stringify(was![k]), JSON.stringify(is![k])];
          const both = lived && lives;
          assert.equal(lines.has(`added ${name} ${e}`), lives && !a && !!b, `added ${name}`);
          assert.equal(lines.has(`removed ${name} ${e}`), both && !!a && !b, `removed ${name}`);
          assert.equal(lines.has(`changed ${name} ${e}`), both && !!a && !!b && a !== b);
        });
      }
    }
  });
});

function aliveIn(snapshot: Snapshot, entity: Entity): boolean {
  let found = false;
  snapshot.each([], (n, entities) => {
    for (let i = 0; i < n; i++) found ||= entities.at(i) === entity;
  });
  return found;
}
