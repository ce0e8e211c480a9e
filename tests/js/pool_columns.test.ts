// SPDX-License-Identifier: MIT
// pool.columns: one job over the caller's own arrays, on every executor with the same bits; and
// nothing of them is changed when it fails.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ClosedError,
  DeadlineError,
  EntityColumn,
  JobError,
  SchemaError,
  SkepError,
  defineJob,
  entityMake,
} from 'skep';
import * as jobs from './jobs/moves.ts';
import {
  ALL,
  EXITING,
  KILLABLE,
  Gate,
  failureOf,
  withFreshPool,
  withPool,
} from './support/pools.ts';

type Floats = Float32Array<ArrayBufferLike>;
interface Pair {
  x: Floats;
  y: Floats;
}

function pair(n: number, shared: boolean, first: number): Pair {
  const make = (start: number): Floats => {
    const memory = shared ? new SharedArrayBuffer(4 * n) : new ArrayBuffer(4 * n);
    const array = new Float32Array(memory);
    for (let i = 0; i < n; i++) array[i] = start + i;
    return array;
  };
  return { x: make(first), y: make(-first) };
}

/** Asks for columns without the compiler's help, as JavaScript would. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const loose = (data: object): any => data;

for (const name of ALL) {
  for (const shared of [false, true]) {
    const kind = shared ? 'shared' : 'plain';

    test(`${name}, ${kind}: D1: a column in reads and writes has n rows`, async () => {
      await withPool(name, { size: 2 }, async pool => {
        for (const n of [0, 1, 1023, 1024, 1025, 5000]) {
          const Pos = pair(n, shared, 100);
          const Vel = pair(n, shared, 1);
          // The first time on workers alone, the second with a share for the caller.
          for (let round = 1; round <= 2; round++) {
            await pool.columns(jobs.move, { n, dt: 0.5, Pos, Vel });
            for (let i = 0; i < n; i++) {
              const x = 100 + i + round * 0.5 * (1 + i);
              const y = -100 + i + round * 0.5 * (-1 + i);
              assert.equal(Pos.x[i], x, `round ${round}, row ${i} of ${n}`);
              assert.equal(Pos.y[i], y, `round ${round}, row ${i} of ${n}`);
            }
          }
          assert.deepEqual(Vel, pair(n, shared, 1));
        }
      });
    });

    test(`${name}, ${kind}: a job that fails leaves all arrays as they were`, async () => {
      await withPool(name, { size: 3 }, async pool => {
        const n = 6000;
        for (const bad of [0, 1024, 3000, 5999]) {
          const Pos = pair(n, shared, 1);
          const Vel = pair(n, shared, 2);
          const extra = entityMake(bad, 1);
          const run = pool.columns(jobs.breakAt, loose({ n, Pos, Vel, extra }));
          const error = await failureOf<JobError>(run);
          assert.ok(error instanceof JobError, String(error));
          assert.equal(error.system, 'breakAt');
          assert.equal(error.block, Math.floor(bad / 1024));
          assert.ok(error.cause instanceof RangeError);
          assert.equal(error.cause.message, `row ${bad % 1024}`);
          assert.deepEqual(Pos, pair(n, shared, 1));
          assert.deepEqual(Vel, pair(n, shared, 2));
        }
      });
    });

    test(`${name}, ${kind}: D2: what a job only reads it cannot change`, async () => {
      await withPool(name, { size: 2 }, async pool => {
        const n = 3000;
        const Pos = pair(n, shared, 1);
        const Vel = pair(n, shared, 2);
        for (let round = 0; round < 2; round++) {
          await pool.columns(jobs.trespass, { n, Pos, Vel });
          assert.deepEqual(Vel, pair(n, shared, 2));
          assert.deepEqual(Pos.x, Vel.x);
        }
      });
    });

    test(`${name}, ${kind}: overwrite fills rows, and never sees its own values`, async () => {
      await withPool(name, { size: 2 }, async pool => {
        const n = 2500;
        const Pos = pair(n, shared, 1);
        const Vel = pair(n, shared, 2);
        for (let round = 0; round < 3; round++) {
          await pool.columns(jobs.paint, loose({ n, Pos, Vel, extra: round }));
          for (let i = 0; i < n; i++) assert.equal(Pos.x[i], round + 2 + i);
          assert.ok(Pos.y.every(y => y === round));
        }
        const Other = pair(n, shared, 1);
        for (let round = 1; round <= 3; round++) {
          await pool.columns(jobs.shift, { n, Pos: Other });
          assert.deepEqual([Other.x[7], Other.y[7]], [8 + round, 6 - round]);
          assert.deepEqual([Other.x[n - 1], Other.y[n - 1]], [n + round, n - 2 - round]);
        }
      });
    });
  }

  test(`${name}: a trusted job sees shared arrays themselves, and is undone as well`, async () => {
    await withPool(name, { size: 2 }, async pool => {
      const n = 3000;
      const [Pos, Vel] = [pair(n, true, 1), pair(n, true, 2)];
      const trusted = { trusted: true };
      for (let round = 1; round <= 2; round++) {
        await pool.columns(jobs.move, { n, dt: 1, Pos, Vel }, trusted);
        for (let i = 0; i < n; i++) assert.equal(Pos.x[i], 1 + i + round * (2 + i));
      }
      const before = Pos.x.slice();
      const data = loose({ n, Pos, Vel, extra: entityMake(2500, 1) });
      await failureOf(pool.columns(jobs.breakAt, data, trusted));
      assert.deepEqual(Pos.x, before);
    });
  });

  test(`${name}: D2: out has no column that is not in writes`, async () => {
    await withPool(name, {}, async pool => {
      const Pos = pair(4, false, 1);
      const Vel = pair(4, false, 2);
      const error = await failureOf<JobError>(pool.columns(jobs.reachOut, { n: 4, Pos, Vel }));
      assert.ok(error.cause instanceof TypeError, String(error.cause));
      assert.deepEqual(Vel, pair(4, false, 2));
    });
  });

  test(`${name}: fields of every type go through, elements after the rows stay`, async () => {
    await withPool(name, {}, async pool => {
      const n = 1100;
      const Many = {
        m: new Int16Array(3 * n + 5).fill(3),
        id: new Uint32Array(n + 5).fill(4),
        wide: new BigInt64Array(n + 5).fill(-(2n ** 40n)),
        on: new Uint8Array(n + 5).fill(1),
        raw: new Uint8Array(5 * n + 5).fill(6),
        who: new EntityColumn(new Uint32Array(2 * (n + 5))),
      };
      const named = entityMake(77, 3);
      Many.who.set(n - 1, named);
      Many.who.set(n, named);
      await pool.columns(jobs.mix, { n, Many, tick: 10, time: 9 });
      assert.deepEqual([Many.m[0], Many.m[3 * n - 1], Many.m[3 * n]], [6, 6, 3]);
      assert.deepEqual([Many.id[n - 1], Many.id[n]], [14, 4]);
      assert.deepEqual([Many.wide[n - 1], Many.wide[n]], [-3n * 2n ** 40n, -(2n ** 40n)]);
      assert.deepEqual([Many.on[n - 1], Many.on[n]], [0, 1]);
      assert.deepEqual([Many.raw[3], Many.raw[5 * n - 1], Many.raw[5 * n]], [6, 9, 6]);
      assert.equal(Many.who.at(1050), entityMake(1050, 1));
      assert.deepEqual([Many.who.at(n - 1), Many.who.at(n)], [named, named]);
    });
  });

  test(`${name}: blocks have 1,024 rows, whoever runs them; split: false has one`, async () => {
    await withPool(name, { size: 2 }, async pool => {
      const n = 2 * 1024 + 100;
      const Count = { rows: new Float64Array(n), first: new Float64Array(n) };
      const entities = Float64Array.from({ length: n }, (_, i) => entityMake(i * 3, 5));
      for (let round = 0; round < 2; round++) {
        await pool.columns(jobs.count, { n, Count, entities });
        assert.deepEqual([Count.rows[0], Count.rows[2047], Count.rows[n - 1]], [1024, 1024, 100]);
        assert.deepEqual(Count.first, entities);
      }
      await pool.columns(jobs.countWhole, { n, Count });
      assert.ok(Count.rows.every(rows => rows === n));
    });
  });

  test(`${name}: spawn, destroy, put and remove say that there is no world`, async () => {
    await withPool(name, {}, async pool => {
      for (const extra of ['spawn', 'destroy', 'put', 'remove']) {
        const Pos = pair(1, false, 0);
        const error = await failureOf<JobError>(
          pool.columns(jobs.worldly, loose({ n: 1, Pos, extra })),
        );
        assert.match(error.message, new RegExp(`called ${extra}: columns has no world`));
        assert.equal((error.cause as SkepError).code, 'E_UNSUPPORTED');
      }
    });
  });

  test(`${name}: a job that returns a promise is refused`, async () => {
    await withPool(name, {}, async pool => {
      const Pos = pair(1, false, 0);
      const error = await failureOf<JobError>(pool.columns(jobs.promised, { n: 1, Pos }));
      assert.match(error.message, /"promised" returned a promise/);
    });
  });

  test(`${name}: arrays that do not fit are named by component and field`, async () => {
    await withPool(name, {}, async pool => {
      const Vel = pair(4, false, 0);
      const x = new Float32Array(4);
      const cases: [object, string, string | undefined, RegExp][] = [
        [{ n: 4, Vel }, 'Pos', 'x', /Pos\.x is missing/],
        [{ n: 4, Pos: { x }, Vel }, 'Pos', 'y', /Pos\.y is missing/],
        [{ n: 4, Pos: { x, y: new Float64Array(4) }, Vel }, 'Pos', 'y', /is no Float32Array/],
        [{ n: 4, Pos: { x, y: [1, 2, 3, 4] }, Vel }, 'Pos', 'y', /is no Float32Array/],
        [{ n: 5, Pos: { x, y: x }, Vel }, 'Pos', 'x', /has 4 elements, 5 rows need 5/],
      ];
      for (const [data, component, field, message] of cases) {
        const error = await failureOf<SchemaError>(pool.columns(jobs.move, loose(data)));
        assert.ok(error instanceof SchemaError, String(error));
        assert.deepEqual([error.component, error.field], [component, field]);
        assert.match(error.message, message);
      }
      const object = await failureOf<SchemaError>(pool.columns(jobs.bagged, { n: 1, Bag: [] }));
      assert.match(object.message, /Bag is an object component/);
      for (const n of [-1, 1.5, NaN, undefined]) {
        const error = await failureOf<SkepError>(pool.columns(jobs.move, loose({ n })));
        assert.equal(error.code, 'E_ARGUMENT', `n = ${n}`);
      }
      const short = await failureOf<SkepError>(
        pool.columns(jobs.move, { n: 4, Pos: pair(4, false, 0), Vel, entities: [1] }),
      );
      assert.match(short.message, /entities has 1 handles/);
      const none = await failureOf<SkepError>(pool.columns('move' as never, loose({ n: 1 })));
      assert.equal(none.code, 'E_ARGUMENT');
    });
  });

  test(`${name}: D10: extra that cannot be cloned is named`, async () => {
    await withPool(name, {}, async pool => {
      const Pos = pair(1, false, 0);
      const extra = { rules: { callback: () => 1 } };
      const run = pool.columns(jobs.paint, loose({ n: 1, Pos, Vel: Pos, extra }));
      assert.equal(
        (await failureOf(run)).message,
        'DataCloneError in `extra` of job "paint": key "rules.callback" is a function',
      );
    });
  });

  test(`${name}: an aborted signal and a closed pool reject columns`, async () => {
    const data = { n: 1, Pos: pair(1, false, 0), Vel: pair(1, false, 1) };
    await withFreshPool(name, {}, async pool => {
      const reason = new Error('no');
      const signal = AbortSignal.abort(reason);
      assert.equal(await failureOf(pool.columns(jobs.move, data, { signal })), reason);
      await pool.close();
      assert.ok((await failureOf(pool.columns(jobs.move, data))) instanceof ClosedError);
    });
    assert.equal(data.Pos.x[0], 0);
  });
}

test('random numbers are the same on every executor, for each row its own', async () => {
  const results: Float64Array[] = [];
  for (const name of ALL) {
    await withPool(name, { size: 2 }, async pool => {
      const n = 3000;
      const Count = { rows: new Float64Array(n), first: new Float64Array(n) };
      await pool.columns(jobs.dice, { n, Count, seed: 42, tick: 7 });
      results.push(Count.rows, Count.first);
      const again = { rows: new Float64Array(n), first: new Float64Array(n) };
      await pool.columns(jobs.dice, { n, Count: again, seed: 42, tick: 7 });
      assert.deepEqual(again, Count);
      await pool.columns(jobs.dice, { n, Count: again, seed: 42, tick: 8 });
      assert.notDeepEqual(again.rows, Count.rows);
    });
  }
  assert.equal(new Set(results[0]).size, results[0]!.length);
  assert.ok(results[0]!.every(value => value >= 0 && value < 1));
  const mean = results[0]!.reduce((a, b) => a + b, 0) / results[0]!.length;
  assert.ok(Math.abs(mean - 0.5) < 0.05, `the mean is ${mean}`);
  for (let i = 2; i < results.length; i += 2) assert.deepEqual(results[i], results[0]);
  assert.notDeepEqual(results[1], results[0]);
});

for (const name of KILLABLE) {
  test(`${name}: a job that loops ends at its deadline, the caller lives`, async () => {
    await withPool(name, { size: 2 }, async pool => {
      const n = 4096;
      const [Pos, Vel] = [pair(n, true, 1), pair(n, true, 1)];
      for (let round = 0; round < 2; round++) {
        const run = pool.columns(jobs.loop, { n, Pos, Vel }, { deadlineMs: 100 });
        assert.ok((await failureOf(run)) instanceof DeadlineError);
      }
      await pool.columns(jobs.move, { n, Pos, Vel, dt: 1 });
      assert.equal(Pos.x[1], 4);
    });
  });

  test(`${name}: run and columns share the workers`, async () => {
    await withPool(name, { size: 2 }, async pool => {
      const n = 5000;
      const [Pos, Vel] = [pair(n, false, 0), pair(n, false, 0)];
      const acts = (await import('./jobs/acts.ts')).acts;
      const runs = [1, 2, 3, 4].map(value => pool.run(acts, { act: 'later', value }));
      const moved = pool.columns(jobs.move, { n, Pos, Vel, dt: 1 });
      assert.deepEqual(await Promise.all(runs), [1, 2, 3, 4]);
      await moved;
      assert.equal(Pos.x[n - 1], 2 * (n - 1));
    });
  });
}

for (const name of EXITING) {
  test(`${name}: a part whose worker is lost is run once more, its arrays whole`, async () => {
    for (const shared of [false, true]) {
      await withPool(name, { size: 2 }, async pool => {
        const n = 4096;
        const [Pos, Vel] = [pair(n, shared, 1), pair(n, shared, 1)];
        const gate = new Gate();
        await pool.columns(jobs.exitOnce, loose({ n, Pos, Vel, extra: gate.memory }));
        assert.deepEqual(
          Pos.x,
          Vel.x.map(x => x + 1),
        );
      });
    }
  });
}

test('node: columns asks for a job that workers can find', async () => {
  const Pos = jobs.Pos;
  const lonely = defineJob({ name: 'lonely', writes: [Pos] }, () => {});
  await withPool('node', {}, async pool => {
    const run = pool.columns(lonely, { n: 1, Pos: pair(1, false, 0) });
    assert.equal((await failureOf<SkepError>(run)).code, 'E_ARGUMENT');
  });
});
