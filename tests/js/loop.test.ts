// SPDX-License-Identifier: MIT
// ctest: timeout=300
// Loops of fixed steps, in each of Node's places. Time is what a test says it is: loops that turn
// by themselves are asked only whether they end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entity, FrameReport, Loop, LoopOptions } from 'skep';
import { withBed, type Bed, type Place } from './cases/bed.ts';
import { Exact, Pos, Vel } from './cases/components.ts';
import { line } from './cases/data.ts';
import { faulty, type Act } from './cases/faulty.ts';
import * as jobs from './cases/jobs.ts';
import { failureOf } from './support/pools.ts';
import { LOCAL, PLACES } from './support/places.ts';

const ASYNC = PLACES.filter(place => !place.sync);
const STEP_MS = 20;

/** What a test does behind each frame. */
type Hook = { call(report: FrameReport): void };

/** A loop of 50 frames a second that turns when told, over rows that move by 1 a second. */
async function withLoop(
  place: Place,
  options: LoopOptions,
  use: (loop: Loop, bed: Bed, hook: Hook) => Promise<void>,
): Promise<void> {
  const hook: Hook = { call() {} };
  const onFrame = (report: FrameReport): void => hook.call(report);
  await withBed(place, async bed => {
    line(bed.world, 1500);
    bed.scheduler.register(jobs.move);
    bed.scheduler.register(jobs.sort, { every: 2 });
    await bed.scheduler.initPool();
    const loop = bed.scheduler.start({ hz: 1000 / STEP_MS, manual: true, onFrame, ...options });
    try {
      await use(loop, bed, hook);
    } finally {
      await loop.stop();
    }
    assert.equal(loop.rewindable, 0, 'no snapshot is left');
  });
}

function code(name: string): (error: unknown) => boolean {
  return error => (error as { code?: string }).code === name;
}

for (const place of ASYNC) {
  const { name } = place;

  test(`the first turn sets the clock, the next ones run what is due [${name}]`, () =>
    withLoop(place, {}, async (loop, { world }) => {
      assert.equal(await loop.advance(5000), 0);
      assert.equal(await loop.advance(5000 + 2.5 * STEP_MS), 2);
      assert.equal(await loop.advance(5000 + 2.75 * STEP_MS), 0);
      assert.equal(await loop.advance(5000 + 3 * STEP_MS), 1);
      assert.equal(await loop.advance(0), 0, 'a clock that goes back stands still');
      assert.deepEqual([world.tick, loop.lostMs], [3, 0]);
    }));

  test(`a slow machine catches up so far and no further, and what is lost counts [${name}]`, () =>
    withLoop(place, { maxCatchUp: 3 }, async (loop, { world }) => {
      await loop.advance(0);
      assert.equal(await loop.advance(10.5 * STEP_MS), 3);
      assert.equal(loop.lostMs, 7 * STEP_MS);
      assert.equal(await loop.advance(11 * STEP_MS), 1, 'the half step was kept');
      assert.deepEqual([world.tick, loop.lostMs], [4, 7 * STEP_MS]);
    }));

  test(`paused, time stands still; a step is one frame [${name}]`, () =>
    withLoop(place, {}, async (loop, { world }) => {
      await loop.advance(0);
      loop.pause();
      assert.equal(await loop.advance(10 * STEP_MS), 0);
      assert.equal((await loop.step()).frame, 0);
      assert.deepEqual([loop.paused, world.tick], [true, 1]);
      loop.resume();
      // Nobody turned it meanwhile.
      assert.equal(await loop.advance(1000 * STEP_MS), 0);
      assert.equal(await loop.advance(1001 * STEP_MS), 1);
      assert.deepEqual([loop.paused, world.tick, loop.lostMs], [false, 2, 0]);
    }));

  test(`going back and running again gives the same hashes [${name}]`, () =>
    withLoop(place, { rewindMax: 8 }, async (loop, { world }) => {
      const hashes: bigint[] = [];
      const run = async (frames: number): Promise<void> => {
        for (let i = 0; i < frames; i++) {
          hashes[world.tick] = world.hash();
          await loop.step();
        }
      };
      await run(10);
      assert.equal(loop.rewindable, 8);
      const first = [...hashes];
      for (const back of [1, 3, 4]) {
        await loop.rewind(back);
        assert.equal(world.hash(), first[world.tick], `${back} back`);
      }
      assert.deepEqual([world.tick, loop.rewindable], [2, 0]);
      await run(8);
      assert.deepEqual(hashes, first);
    }));

  test(`turns, steps, ways back and stop wait for one another [${name}]`, () =>
    withLoop(place, {}, async (loop, { world }) => {
      await loop.advance(0);
      const turn = loop.advance(3 * STEP_MS);
      assert.equal(loop.advance(9 * STEP_MS), turn, 'one turn at a time');
      const steps = [loop.step(), loop.step()];
      const back = loop.rewind(4);
      const stop = loop.stop();
      assert.equal(await turn, 0, 'stop was called before it began');
      const reports = await Promise.all(steps);
      assert.deepEqual(
        reports.map(report => report.frame),
        [0, 1],
      );
      await assert.rejects(back, code('E_LIMIT'));
      await stop;
      assert.deepEqual([world.tick, world.busy], [2, false]);
    }));

  test(`turns that nobody waits for never overlap [${name}]`, () =>
    withLoop(place, {}, async (loop, { world, scheduler }) => {
      let inside = 0;
      let most = 0;
      scheduler.register({
        name: 'slow',
        run: async () => {
          most = Math.max(most, ++inside);
          await sleep(7);
          inside--;
        },
      });
      const turns = new Set<Promise<number>>();
      let now = 0;
      const timer = setInterval(() => turns.add(loop.advance((now += STEP_MS))), 1);
      while (world.tick < 10) await sleep(5);
      clearInterval(timer);
      await Promise.all(turns);
      assert.deepEqual([most, inside, scheduler.overlaps], [1, 0, 0]);
    }));

  test(`stop ends catching up behind the frame that runs [${name}]`, () =>
    withLoop(place, {}, async (loop, { world }, hook) => {
      let stop: Promise<void> | undefined;
      hook.call = () => {
        stop = loop.stop();
      };
      await loop.advance(0);
      assert.equal(await loop.advance(4 * STEP_MS), 1);
      await stop;
      await loop.done;
      await loop.stop();
      assert.equal(world.tick, 1);
      await assert.rejects(loop.advance(9 * STEP_MS), code('E_CLOSED'));
      await assert.rejects(loop.step(), code('E_CLOSED'));
      await assert.rejects(loop.rewind(1), code('E_LIMIT'));
    }));

  test(`pause ends catching up, and nothing of it is lost [${name}]`, () =>
    withLoop(place, {}, async (loop, _bed, hook) => {
      const seen: number[] = [];
      hook.call = ({ frame }) => {
        seen.push(frame);
        if (frame === 1) loop.pause();
      };
      await loop.advance(0);
      assert.equal(await loop.advance(4 * STEP_MS), 2);
      loop.resume();
      assert.equal(await loop.advance(4 * STEP_MS), 2);
      assert.deepEqual([seen, loop.lostMs], [[0, 1, 2, 3], 0]);
    }));

  test(`draws between two frames, also rows that were not there before [${name}]`, () =>
    withLoop(place, {}, async (loop, { world, scheduler }) => {
      scheduler.unregister('sort');
      const drawn = (now: number): unknown[] => {
        const rows: unknown[] = [];
        loop.draw(now, [Pos], (n, [before], [after], alpha, entities) => {
          assert.deepEqual([before.x.length, after.x.length, entities.length], [n, n, n]);
          rows.push([before.x[n - 1], after.x[n - 1], alpha]);
        });
        return rows;
      };
      // The last rows of blocks of 1,024.
      const [a, b] = [102_300, 149_900];
      assert.deepEqual(drawn(0), [
        [a, a, 0],
        [b, b, 0],
      ]);
      await loop.advance(0);
      await loop.advance(1.5 * STEP_MS);
      const now = Math.fround(b + Math.fround(STEP_MS / 1000));
      assert.equal(drawn(1.5 * STEP_MS).length, 2);
      assert.deepEqual(drawn(1.5 * STEP_MS)[1], [b, now, 0.5]);
      assert.deepEqual(drawn(1.75 * STEP_MS)[1], [b, now, 0.75]);
      assert.deepEqual(drawn(99 * STEP_MS)[1], [b, now, 1], 'never beyond');
      loop.pause();
      assert.deepEqual(drawn(99 * STEP_MS)[1], [b, now, 0.5], 'paused');
      world.spawn([Pos, { x: 7 }]);
      assert.deepEqual(drawn(99 * STEP_MS)[2], [7, 7, 0.5]);
    }));
}

test('rows that come, go and move leave the others drawn between two frames', () =>
  withBed(LOCAL, async ({ world, scheduler }) => {
    const alone = world.spawn([Pos, { x: -1 }]); // its block is in front, and goes
    const old = line(world, 6);
    let made: Entity | undefined;
    scheduler.register(jobs.move);
    scheduler.register({
      name: 'change',
      run: ({ world: w }) => {
        w.destroy(alone);
        w.destroy(old[1]!);
        w.destroy(old[3]!);
        made = w.spawn([Pos, { x: 50 }], Vel, [Exact, { list: [1, 2, 3] as never }]);
        w.spawn([Pos, { x: 60 }], Vel);
      },
    });
    const loop = scheduler.start({ hz: 1, manual: true });
    await loop.step();
    const drawn: unknown[] = [];
    loop.draw(0, [Pos], (n, [before], [after], _alpha, entities) => {
      for (let i = 0; i < n; i++) {
        drawn.push([old.indexOf(entities.at(i)), before.x[i], after.x[i]]);
      }
    });
    // Holes are filled by the new ones, then by the last ones.
    assert.deepEqual(drawn, [
      [0, 0, 1],
      [-1, 60, 60],
      [2, 200, 201],
      [5, 501, 501],
      [4, 400, 401],
      [-1, 50, 50],
    ]);
    // Columns of several values a row, and of handles, are cut with the rest.
    world.set(made!, Exact, { who: old[0]!, n: 1 });
    world.spawn(Pos, Vel, [Exact, { list: [4, 5, 6] as never, n: 2 }]);
    loop.draw(0, [Exact], (n, [before], [after]) => {
      assert.deepEqual([n, before.n[0], after.n[0]], [2, 1, 1]);
      assert.deepEqual(Array.from(after.list), [1, 2, 3, 4, 5, 6]);
      assert.equal(after.who.at(0), old[0]);
    });
    await loop.stop();
  }));

test('a callback that throws while drawing harms nobody', () =>
  withLoop(LOCAL, {}, async (loop, { world }) => {
    await loop.step();
    const draw = (): void =>
      loop.draw(0, [Pos], () => {
        throw new RangeError('no canvas');
      });
    assert.throws(draw, RangeError);
    world.spawn([Pos, { x: 1 }]);
    assert.equal((await loop.step()).frame, 1);
  }));

test('onFrame that throws rejects the turn, whose frame counts', () =>
  withLoop(LOCAL, {}, async (loop, { world }, hook) => {
    hook.call = () => {
      throw new RangeError('no log');
    };
    await assert.rejects(loop.step(), RangeError);
    assert.deepEqual([world.tick, loop.rewindable], [1, 1]);
    hook.call = () => {};
    await loop.step();
    await loop.rewind(2);
    assert.equal(world.tick, 0);
  }));

test('a frame that cannot be run leaves nothing to go back to', () =>
  withLoop(LOCAL, {}, async (loop, { world, scheduler }) => {
    await loop.step();
    const off = scheduler.register({ name: 'late', after: 'nobody', run() {} });
    await assert.rejects(loop.step(), { name: 'PlanError' });
    assert.deepEqual([world.tick, loop.rewindable], [1, 1]);
    off();
    await loop.step();
    assert.deepEqual([world.tick, loop.rewindable], [2, 2]);
  }));

test('ways back that are none', () =>
  withLoop(LOCAL, { rewindMax: 2 }, async (loop, { world }) => {
    for (let i = 0; i < 3; i++) await loop.step();
    for (const frames of [0, -1, 3]) await assert.rejects(loop.rewind(frames), code('E_LIMIT'));
    for (const frames of [1.5, NaN]) await assert.rejects(loop.rewind(frames), code('E_ARGUMENT'));
    assert.equal(world.tick, 3);
    await loop.rewind(2);
    assert.equal(world.tick, 1);
  }));

test('rewindMax: 0 keeps what drawing needs, and nothing else', () =>
  withLoop(LOCAL, { rewindMax: 0 }, async loop => {
    for (let i = 0; i < 3; i++) await loop.step();
    assert.equal(loop.rewindable, 0);
    await assert.rejects(loop.rewind(1), code('E_LIMIT'));
    loop.draw(0, [Pos], (n, [before], [after]) => assert.notEqual(before.x[0], after.x[0]));
  }));

for (const manual of [true, false]) {
  const kind = manual ? 'manual' : 'by itself';

  test(`onFault: throw ends the loop, and done rejects with the fault (${kind})`, () =>
    withBed(LOCAL, async ({ world, scheduler }) => {
      line(world, 3);
      const act: Act = { act: 'none', at: 0 };
      scheduler.register(faulty, { extra: () => ({ ...act }) });
      const onFrame = ({ frame }: FrameReport): void => {
        if (frame === 2) act.act = 'throw';
      };
      const loop = scheduler.start({ hz: 1000, manual, onFault: 'throw', onFrame });
      if (manual) {
        for (let i = 0; i < 3; i++) await loop.step();
        await assert.rejects(loop.step(), { name: 'JobError' });
      }
      const error = await failureOf(loop.done);
      assert.deepEqual([error.name, world.tick, loop.rewindable], ['JobError', 4, 0]);
      await loop.stop();
    }));
}

test('faults are reported, and the loop goes on', () =>
  withBed(LOCAL, async ({ world, scheduler }) => {
    line(world, 3);
    scheduler.register(faulty, { extra: (): Act => ({ act: 'throw', at: 0 }) });
    const faults: number[] = [];
    const loop = scheduler.start({
      hz: 1000,
      onFrame: report => faults.push(report.faults.length),
    });
    while (world.tick < 5) await sleep(1);
    await loop.stop();
    await loop.done;
    assert.deepEqual(faults.slice(0, 4), [1, 1, 1, 0], 'then it is in quarantine');
  }));

test('a callback that throws ends a loop that turns by itself', () =>
  withBed(LOCAL, async ({ world, scheduler }) => {
    const onFrame = (): void => {
      throw new RangeError('no log');
    };
    const loop = scheduler.start({ hz: 1000, onFrame });
    assert.equal((await failureOf(loop.done)).name, 'RangeError');
    assert.deepEqual([world.tick, world.busy], [1, false]);
  }));

test('a scheduler that is closed ends its loops', () =>
  withBed(LOCAL, async ({ world, scheduler }) => {
    const loop = scheduler.start({ hz: 1000 });
    while (world.tick < 2) await sleep(1);
    await scheduler.close();
    assert.ok(code('E_CLOSED')(await failureOf(loop.done)));
    assert.throws(() => scheduler.start(), code('E_CLOSED'));
  }));

test('rates that cannot be are refused', () =>
  withBed(LOCAL, async ({ scheduler }) => {
    for (const hz of [0, -1, NaN, Infinity]) {
      assert.throws(() => scheduler.start({ hz }), code('E_ARGUMENT'));
    }
    await scheduler.start({ manual: true })[Symbol.asyncDispose]();
  }));
