// SPDX-License-Identifier: MIT
// What changed since a state that was kept: 1% of 100,000 entities got a new x, either every
// hundredth (so that hardly a block is unchanged) or 1,000 neighbours. Only finding the changes
// counts, not making them. The limit compares all four columns with copies, which it brings up to
// date, and lists places and values.

import { addComponents, addEntity, createWorld as createBitWorld } from 'bitecs';
import { createSoADeserializer, createSoASerializer } from 'bitecs/serialization';
import { makeColumns, speedX, speedY, startX, startY } from '../movers.ts';
import type { DiffItem, Snapshot } from 'skep';
import { Pos } from '../jobs/components.ts';
import { makeMovers } from '../ours.ts';
import { expect, expectNumber, type Contender, type Row, type Subject } from '../row.ts';

export const N = 100_000;
export const CHANGED = 1000;

/** The k-th changed row. */
export type Spot = (k: number) => number;
const apart: Spot = k => k * 100 + 7;
const together: Spot = k => 50_000 + k;

/** What x of a row becomes in a run: never what it was, always exact. */
export const valueAt = (row: number, run: number): number => row + (run % 1024) / 64;

/** A subject whose changes come before, and do not count. */
export function deltaSubject(parts: {
  change: (run: number) => void;
  find: () => void;
  check: (run: number) => void;
}): Subject {
  let run = 0;
  const once = (): number => {
    parts.change(++run);
    const begin = process.hrtime.bigint();
    parts.find();
    return Number(process.hrtime.bigint() - begin);
  };
  return { run: () => void once(), timed: async () => once(), check: () => parts.check(run) };
}

function compareAll(spot: Spot): Contender {
  return {
    name: 'compare all',
    role: 'limit',
    make: () => {
      const now = makeColumns(N);
      const sent = makeColumns(N);
      // Bits, since a NaN is never equal to itself.
      const bits = (column: Float32Array): Int32Array => new Int32Array(column.buffer);
      const columns = ['px', 'py', 'vx', 'vy'] as const;
      const pairs = columns.map(key => [bits(now[key]), bits(sent[key])] as const);
      const places = new Uint32Array(4 * N);
      const values = new Int32Array(4 * N);
      let count = 0;
      const compare = (k: number, column: Int32Array, last: Int32Array): void => {
        for (let i = 0; i < N; i++) {
          const value = column[i]!;
          if (value === last[i]!) continue;
          places[count] = k * N + i;
          values[count++] = value;
          last[i] = value;
        }
      };
      return deltaSubject({
        change(run) {
          for (let k = 0; k < CHANGED; k++) now.px[spot(k)] = valueAt(spot(k), run);
        },
        find() {
          count = 0;
          for (let k = 0; k < 4; k++) compare(k, pairs[k]![0], pairs[k]![1]);
        },
        check(run) {
          expectNumber(count, CHANGED, 'changes');
          expectNumber(places[CHANGED - 1]!, spot(CHANGED - 1), 'the last changed row');
          const floats = new Float32Array(values.buffer);
          expectNumber(floats[0]!, valueAt(spot(0), run), 'the first changed value');
        },
      });
    },
  };
}

/** Snapshots before and after; taking the second one counts. */
function ours(spot: Spot): Contender {
  return {
    name: 'skep',
    role: 'ours',
    make: () => {
      const { world, entities } = makeMovers(N);
      let before: Snapshot = world.snapshot();
      let after: Snapshot = world.snapshot();
      let items: DiffItem[] = [];
      const subject = deltaSubject({
        change(run) {
          before.release();
          before = after;
          for (let k = 0; k < CHANGED; k++) {
            world.set(entities[spot(k)]!, Pos, { x: valueAt(spot(k), run) });
          }
        },
        find() {
          after = world.snapshot();
          items = before.diff(after);
        },
        check(run) {
          const found = items.filter(({ kind }) => kind === 'changed');
          expectNumber(
            found.reduce((sum, { count }) => sum + count, 0),
            CHANGED,
            'changes',
          );
          const values = new Map<number, number>();
          for (const { entities: ids, columns } of found) {
            const x = columns!['x'] as Float32Array;
            for (let i = 0; i < ids.length; i++) values.set(ids.at(i), x[i]!);
          }
          for (let k = 0; k < CHANGED; k++) {
            const got = values.get(entities[spot(k)]!);
            expect(got === valueAt(spot(k), run), `x of the ${k}th change is ${got}`);
          }
        },
      });
      subject.close = () => world.dispose();
      return subject;
    },
  };
}

function bitecs(spot: Spot): Contender {
  return {
    name: 'bitecs',
    role: 'peer',
    make: () => {
      const world = createBitWorld();
      const makeComponents = () =>
        Array.from({ length: 2 }, () => ({
          x: new Float32Array(N + 1),
          y: new Float32Array(N + 1),
        }));
      const components = makeComponents();
      const [Pos, Vel] = components as [(typeof components)[0], (typeof components)[0]];
      const ids = Array.from({ length: N }, (_, i) => {
        const e = addEntity(world);
        addComponents(world, e, Pos, Vel);
        Pos.x[e] = startX(i);
        Pos.y[e] = startY(i);
        Vel.x[e] = speedX(i);
        Vel.y[e] = speedY(i);
        return e;
      });
      const serialize = createSoASerializer(components, { diff: true });
      serialize(ids);
      let packet = new ArrayBuffer(0);
      return deltaSubject({
        change(run) {
          for (let k = 0; k < CHANGED; k++) Pos.x[ids[spot(k)]!] = valueAt(spot(k), run);
        },
        find() {
          packet = serialize(ids);
        },
        check(run) {
          const received = makeComponents();
          createSoADeserializer(received, { diff: true })(packet);
          const { x } = received[0]!;
          expectNumber(x[ids[spot(0)]!]!, valueAt(spot(0), run), 'the first changed value');
          const last = spot(CHANGED - 1);
          expectNumber(x[ids[last]!]!, valueAt(last, run), 'the last changed value');
          expectNumber(x[ids[last + 1]!]!, 0, 'a value that did not change');
        },
      });
    },
  };
}

export const scattered: Row = {
  name: 'delta',
  title: 'what changed, every 100th of 100,000 entities',
  unit: 'us',
  contenders: [compareAll(apart), ours(apart), bitecs(apart)],
  bars: [{ of: 'skep', value: 100 }],
};

export const near: Row = {
  name: 'delta-near',
  title: 'what changed, 1,000 neighbours among 100,000 entities',
  unit: 'us',
  contenders: [compareAll(together), ours(together), bitecs(together)],
  bars: [{ of: 'skep', value: 100 }],
};
