// SPDX-License-Identifier: MIT
// Queries: which rows come, what may be done while they are gone over, and what counts as changed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Parent, defineComponent, type Entity, type QuerySpec, type World } from 'skep';
import { Enemy, Health, Meta, Pos, Vel, failure, withWorld } from './support/worlds.ts';

/** What a query matches, in order. */
function matches(world: World, spec: QuerySpec): Entity[] {
  const all: Entity[] = [];
  world.each(spec, (n, ...rest) => {
    const entities = rest.at(-2) as unknown as { at(i: number): Entity };
    for (let i = 0; i < n; i++) all.push(entities.at(i));
  });
  return all;
}

test('all, any, none and optional', () => {
  withWorld(world => {
    const a = world.spawn(Pos);
    const b = world.spawn(Pos, Vel);
    const c = world.spawn(Pos, Vel, Enemy);
    const d = world.spawn(Vel, Enemy);
    const e = world.spawn([Meta, { title: '', tags: [] }]);
    const expected: [QuerySpec, Entity[]][] = [
      [{}, [a, b, c, d, e]],
      [{ read: [Pos] }, [a, b, c]],
      [{ with: [Pos, Vel] }, [b, c]],
      [{ any: [Pos, Enemy] }, [a, b, c, d]],
      [{ with: [Pos], not: [Vel] }, [a]],
      [{ not: [Pos] }, [d, e]],
      [{ with: [Enemy], any: [Pos, Meta] }, [c]],
      [{ with: [Meta] }, [e]],
      [{ optional: [Pos], with: [Vel] }, [b, c, d]],
      [{ any: [Health] }, []],
    ];
    for (const [spec, entities] of expected) {
      assert.deepEqual(
        matches(world, spec).sort((x, y) => x - y),
        entities,
        JSON.stringify(spec),
      );
      assert.equal(world.count(spec), entities.length);
    }
    world.each({ optional: [Pos], with: [Vel] }, (n, pos, entities) => {
      for (let i = 0; i < n; i++) assert.equal(pos === undefined, entities.at(i) === d);
    });
    world.each({ optional: [Enemy, Meta, Vel] }, (n, enemy, meta, vel, entities) => {
      for (let i = 0; i < n; i++) {
        const has = [Enemy, Meta, Vel].map(kind => world.has(entities.at(i), kind));
        assert.deepEqual(
          [enemy, meta, vel].map(c => c !== undefined),
          has,
        );
      }
    });
  });
});

test('columns come in the order write, read, optional, each as long as the block', () => {
  withWorld(world => {
    world.spawnMany([Pos, Vel, Health], 2500);
    let rows = 0;
    world.each(
      { optional: [Health, Meta], read: [Vel], write: [Pos] },
      (n, pos, vel, health, meta, entities) => {
        rows += n;
        for (const column of [pos.x, pos.y, vel.x, health!.now, health!.worth]) {
          assert.equal(column.length, n);
        }
        assert.equal(entities.length, n);
        assert.equal(meta, undefined);
        pos.x.fill(rows);
      },
    );
    assert.equal(rows, 2500);
    const first = matches(world, { with: [Pos] });
    assert.equal(world.get(first[0]!, Pos)!.x, 1024);
    assert.equal(world.get(first[2499]!, Pos)!.x, 2500);
  });
});

test('W1: destroying while iterating neither throws nor skips a row', () => {
  withWorld(world => {
    const made = world.spawnMany([Pos], 3000, (c, n) => {
      for (let i = 0; i < n; i++) c.Pos.x[i] = i;
    });
    const seen: number[] = [];
    world.each({ read: [Pos] }, (n, pos, entities) => {
      for (let i = 0; i < n; i++) {
        seen.push(pos.x[i]!);
        if (pos.x[i]! % 2 === 0) world.destroy(entities.at(i));
        assert.equal(world.isAlive(entities.at(i)), pos.x[i]! % 2 !== 0, 'its own change is seen');
      }
    });
    assert.deepEqual(
      seen,
      made.map((_, i) => i),
    );
    assert.equal(world.size, 1500);
    made.forEach((e, i) => assert.equal(world.isAlive(e), i % 2 === 1));
  });
});

test('W1: so does iter, in whose course entities die, come and change', () => {
  withWorld(world => {
    const made = Array.from({ length: 20 }, (_, i) => world.spawn([Pos, { x: i }]));
    const query = world.makeQuery({ all: [Pos] });
    const seen: Entity[] = [];
    for (const [e, get, pos] of world.iter(query, Pos)) {
      seen.push(e);
      assert.deepEqual(pos, get(Pos));
      const i = made.indexOf(e);
      if (i % 4 === 0) world.destroy(made[i + 1]!);
      world.remove(e, Pos);
      world.add(world.spawn(), Pos);
    }
    assert.deepEqual(
      seen,
      made.filter((_, i) => i % 4 !== 1),
    );
  });
});

test('W6: iter gives undefined for a component that the table lacks', () => {
  withWorld(world => {
    const a = world.spawn([Pos, { x: 1 }]);
    const b = world.spawn([Vel, { x: 2 }]);
    const rows = [...world.iter(world.makeQuery({ any: [Pos, Vel] }), Pos, Vel, Meta)];
    assert.deepEqual(
      rows.map(([e, , ...values]) => [e, ...values]),
      [
        [a, { x: 1, y: 0 }, undefined, undefined],
        [b, undefined, { x: 2, y: 0 }, undefined],
      ],
    );
    const listed = [...world.iter(world.makeQuery({ all: [Pos], none: [Vel] }))];
    assert.deepEqual(
      listed.map(([e, , ...values]) => [e, ...values]),
      [[a, { x: 1, y: 0 }]],
    );
  });
});

test('a query that changes what it asks for sees each row once', () => {
  withWorld(world => {
    world.spawnMany([Pos], 2000);
    let rows = 0;
    world.each({ write: [Pos], not: [Vel] }, (n, pos, entities) => {
      rows += n;
      for (let i = 0; i < n; i++) {
        world.add(entities.at(i), Vel, { x: i });
        world.remove(entities.at(i), Pos);
        world.spawn(Pos);
        pos.y[i] = 1;
      }
    });
    assert.equal(rows, 2000);
    assert.equal(world.count({ with: [Pos] }), 2000);
    assert.equal(world.count({ with: [Vel], not: [Pos] }), 2000);
  });
});

test('what a pass has changed is seen by get and set at once', () => {
  withWorld(world => {
    const e = world.spawn([Pos, { x: 1 }]);
    const other = world.spawn();
    world.each({ write: [Pos] }, () => {
      world.add(e, Vel, { x: 5 });
      assert.deepEqual(world.get(e, Vel), { x: 5, y: 0 });
      assert.equal(world.set(e, Vel, { y: 6 }), true);
      assert.deepEqual(world.get(e, Vel), { x: 5, y: 6 });
      world.remove(e, Vel);
      assert.equal(world.has(e, Vel), false);
      const born = world.spawn([Vel, { x: 7 }]);
      assert.deepEqual(world.get(born, Vel), { x: 7, y: 0 });
      world.add(born, Parent, { of: other });
      world.destroy(other);
      assert.equal(world.isAlive(born), false, 'taken along');
    });
    assert.equal(world.size, 1);
  });
});

test('queries nest eight deep; the ninth is an error, and all end well', () => {
  withWorld(world => {
    world.spawnMany([Pos], 10);
    const spec = { write: [Pos] } as const;
    let deepest = 0;
    const nest = (depth: number): void => {
      if (depth === 9) {
        const error = failure<Error & { knob: string }>('E_LIMIT', () =>
          world.each(spec, () => {}),
        );
        assert.equal(error.knob, 'pass_max');
        assert.match(error.message, /9 deep/);
        return;
      }
      world.each(spec, (n, pos, entities) => {
        deepest = Math.max(deepest, depth);
        pos.x[0]! += 1;
        if (depth === 8) world.destroy(entities.at(1));
        nest(depth + 1);
      });
    };
    nest(1);
    assert.equal(deepest, 8);
    assert.equal(world.size, 9);
    assert.equal(world.get(matches(world, spec)[0]!, Pos)!.x, 8);
    world.each(spec, n => assert.equal(n, 9));
  });
});

test('a pass whose function throws ends, and what it asked for is made', () => {
  withWorld(world => {
    const made = world.spawnMany([Pos], 5);
    assert.throws(
      () =>
        world.each({ write: [Pos] }, () => {
          world.destroy(made[0]!);
          throw new Error('mine');
        }),
      /mine/,
    );
    assert.equal(world.isAlive(made[0]!), false);
    world.spawn(Pos);
    assert.equal(world.count({ with: [Pos] }), 5);
  });
});

test('snapshots, hashes, saves and loads wait for the end of a pass', () => {
  withWorld(world => {
    world.spawnMany([Pos], 5);
    using before = world.snapshot();
    const bytes = world.save();
    world.each({ write: [Pos] }, (n, pos) => {
      pos.x[0] = 1;
      for (const call of [
        () => world.snapshot(),
        () => world.hash(),
        () => world.save(),
        () => world.restore(before),
        () => world.load(bytes),
      ])
        failure('E_BUSY', call);
      pos.x[1] = 2;
      assert.ok(world.save(before).length > 0, 'a snapshot can be saved');
    });
    using after = world.snapshot();
    assert.equal(before.diff(after)[0]!.count, 2);
  });
});

test('a query disposed of in its own pass ends well, and not again', () => {
  withWorld(world => {
    world.spawnMany([Pos], 5);
    const query = world.query({ read: [Pos] });
    let rows = 0;
    query.run(n => {
      rows += n;
      query.dispose();
    });
    assert.equal(rows, 5);
    query.dispose();
    failure('E_CLOSED', () => query.run(() => {}));
    failure('E_CLOSED', () => query.count);
    world.spawn(Pos);
  });
});

test('mistakes in what is asked for', () => {
  withWorld(world => {
    world.spawn(Pos);
    failure('E_ARGUMENT', () => world.each({ read: [Pos], write: [Pos] }, () => {}));
    failure('E_ARGUMENT', () => world.each({ changed: [Pos] }, () => {}));
    failure('E_SCHEMA', () => world.each({ read: [undefined as never] }, () => {}));
    const many = Array.from({ length: 17 }, (_, i) =>
      defineComponent({ name: `Term${i}`, fields: { v: 'u8' } }),
    );
    const error = failure<Error & { knob: string }>('E_LIMIT', () => world.count({ with: many }));
    assert.equal(error.knob, 'term_max');
    assert.equal(world.count({ with: many.slice(1) }), 0);
  });
});

// ---- changed -----------------------------------------------------------------------------------

/** Which entities a query with `changed` gives. */
function changes(query: { entities(): Entity[] }): Entity[] {
  return query.entities().sort((a, b) => a - b);
}

test('W4: a write between ticks is changed; W5: moving a row is not', () => {
  withWorld(world => {
    const made = world.spawnMany([Pos], 6);
    const query = world.query({ read: [Pos], changed: [Pos] });
    assert.deepEqual(changes(query), [], 'what was there before the query is no news');
    assert.deepEqual(changes(world.query({ changed: [Pos] })), [], 'nor for a second one');
    world.set(made[2]!, Pos, { x: 1 });
    assert.deepEqual(changes(query), [made[2]]);
    world.destroy(made[0]!);
    assert.deepEqual(changes(query), [], 'the last row took the place of the first');
    world.add(made[3]!, Vel);
    world.add(made[4]!, Enemy);
    world.remove(made[3]!, Vel);
    assert.deepEqual(changes(query), [], 'rows that moved to another table');
    const born = world.spawn(Pos);
    assert.deepEqual(changes(query), [born]);
  });
});

test('W9: after a destroy the right entity is reported changed', () => {
  withWorld(world => {
    const [a, b, c] = world.spawnMany([Pos], 3);
    const query = world.query({ read: [Pos], changed: [Pos] });
    changes(query);
    world.set(c!, Pos, { x: 3 });
    world.destroy(a!);
    assert.deepEqual(changes(query), [c]);
    world.set(b!, Pos, { x: 2 });
    world.destroy(c!);
    assert.deepEqual(changes(query), [b]);
  });
});

test('rows of a block that was written by columns are all changed; those read are not', () => {
  withWorld(world => {
    const made = world.spawnMany([Pos, Vel], 4);
    const pos = world.query({ changed: [Pos] });
    const vel = world.query({ changed: [Vel] });
    changes(pos);
    changes(vel);
    world.each({ write: [Pos], read: [Vel] }, () => {});
    assert.deepEqual(changes(pos), made);
    assert.deepEqual(changes(vel), []);
  });
});

test('changed rows are listed by number', () => {
  withWorld(world => {
    const made = world.spawnMany([Pos], 3000);
    const query = world.query({ read: [Pos], changed: [Pos] });
    query.run(() => {});
    const written = [1, 5, 1023, 1024, 2999];
    for (const i of written) world.set(made[i]!, Pos, { x: i });
    const seen: number[] = [];
    query.run((n, pos, entities, rows) => {
      assert.ok(rows instanceof Uint32Array && rows.length <= n);
      for (const row of rows) {
        seen.push(pos.x[row]!);
        assert.equal(entities.at(row), made[pos.x[row]!]);
      }
    });
    assert.deepEqual(seen, written);
  });
});

test('W8: set, then add, in one go keeps the set', () => {
  withWorld(world => {
    const e = world.spawn(Pos);
    world.set(e, Pos, { x: 4 });
    world.add(e, Vel, { x: 1 });
    assert.deepEqual(world.get(e, Pos), { x: 4, y: 0 });
    world.each({ read: [Pos] }, () => {
      world.set(e, Pos, { y: 5 });
      world.add(e, Enemy);
      world.remove(e, Vel);
    });
    assert.deepEqual(world.get(e, Pos), { x: 4, y: 5 });
    assert.deepEqual([world.has(e, Enemy), world.has(e, Vel)], [true, false]);
  });
});

test('what lost a component is listed, in order, once', () => {
  withWorld(world => {
    const made = world.spawnMany([Pos, Vel], 4);
    using removed = world.removedQuery(Vel);
    assert.deepEqual(removed.take(), []);
    world.remove(made[2]!, Vel);
    world.destroy(made[0]!);
    world.remove(made[1]!, Pos);
    world.destroy(made[1]!);
    assert.deepEqual(removed.take(), [made[2], made[0], made[1]]);
    assert.deepEqual(removed.take(), []);
  });
});
