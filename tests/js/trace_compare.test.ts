// SPDX-License-Identifier: MIT
// Two traces compared: figures worked out by hand, the intervals of random traces by an independent
// computation from the bytes, and how often an interval holds the true change.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KIND, compareTraces, readTrace, type Trace, type TraceChange } from 'skep/trace';
import { plainKind, plainSystems, plainTrace } from './support/trace_figures.ts';
import { Dice, TraceMaker, makeTrace } from './support/trace_make.ts';

/**
 * A trace of the caller alone: for each system, by number, what it took in each frame (-1: none).
 */
function traceOf(systems: Record<string, number[]>): Trace {
  const made = new TraceMaker();
  made.thread(0, '');
  const names = Object.keys(systems);
  names.forEach((name, i) => made.systems.push({ number: i + 1, name: name.replace(/#.*/, '') }));
  const frames = Math.max(...Object.values(systems).map(({ length }) => length));
  let now = 0;
  for (let f = 0; f < frames; f++) {
    const begin = now++;
    names.forEach((name, i) => {
      const ns = systems[name]![f] ?? -1;
      if (ns < 0) return;
      made.zone(0, KIND.RUN, now, now + ns, i + 1);
      now += ns + 1;
    });
    made.zone(0, KIND.FRAME, begin, now++, f);
  }
  return readTrace(made.bytes());
}

function near(actual: number, expected: number): void {
  assert.ok(
    Object.is(actual, expected) || Math.abs(actual - expected) <= 1e-9 * Math.abs(expected) + 1e-9,
    `${actual}, not ${expected}`,
  );
}

function assertChange(change: TraceChange, a: number, b: number, low: number, high: number): void {
  near(change.a, a);
  near(change.b, b);
  near(change.low, low);
  near(change.high, high);
}

const RISING = [100, 200, 300, 400, 500, 600, 700, 800];
const EVEN = Array<number>(8).fill(1000);

test('by hand: percentiles', () => {
  const [move, ...rest] = compareTraces(traceOf({ move: RISING }), traceOf({ move: EVEN }));
  assert.deepEqual(rest, []);
  assert.deepEqual([move!.system, move!.only, move!.clear], ['move', null, true]);
  // n = 8, q = 1/2: d = 1.96 sqrt(2) = 2.77, values 2 (200) and 7 (700): s = 500 / 3.92, and none
  // in B: the interval reaches 250 to both sides.
  assertChange(move!.p50, 400, 1000, 350, 850);
  // q = 0.99: d = 0.55, values 8 and 8: s = 0.
  assertChange(move!.p99, 800, 1000, 200, 200);
  // One system has all of the time in both.
  assertChange(move!.share, 1, 1, 0, 0);
});

test('by hand: the interval of two that scatter', () => {
  const wide = RISING.map(ns => ns * 2 + 5);
  const [move] = compareTraces(traceOf({ move: RISING }), traceOf({ move: wide }));
  // Values 2 and 7 of B: 405 and 1405. The reach is sqrt(250² + 500²).
  const reach = Math.sqrt(250 ** 2 + 500 ** 2);
  assertChange(move!.p50, 400, 805, 405 - reach, 405 + reach);
  assert.equal(move!.clear, false);
});

test('by hand: shares', () => {
  const a = traceOf({ move: RISING, rest: Array<number>(8).fill(400) });
  const b = traceOf({ move: EVEN, rest: EVEN });
  const move = compareTraces(a, b).find(({ system }) => system === 'move')!;
  // x = 100 i, t = 100 i + 400; r = 3600 / 6800; e = (800 i - 3600) / 17, so that the sum of its
  // squares is 800² (7² + 5² + 3² + 1²) / 2 / 17²; n (n - 1) = 56; the mean of t is 850.
  const s = Math.sqrt((800 ** 2 * 42) / 17 ** 2 / 56) / 850;
  const change = 1 / 2 - 9 / 17;
  assertChange(move.share, 9 / 17, 1 / 2, change - 1.96 * s, change + 1.96 * s);
});

test('too few values give no interval', () => {
  const few = traceOf({ move: RISING.slice(0, 7), rest: RISING.slice(0, 7) });
  const many = traceOf({ move: RISING, rest: RISING });
  for (const [a, b] of [
    [few, many],
    [many, few],
  ] as const) {
    for (const { p50, p99, share, clear } of compareTraces(a, b)) {
      assert.deepEqual([p50.low, p50.high, p99.low, share.low], [NaN, NaN, NaN, NaN]);
      assert.ok(Math.abs(p50.a - p50.b) < 101 && share.a === 0.5);
      assert.equal(clear, false);
    }
  }
  // Enough frames, but too few runs: the share has an interval, the percentiles have none.
  const rare = traceOf({ move: [1, -1, -1, -1, -1, -1, -1, -1, 3], rest: [...RISING, 900] });
  const move = compareTraces(rare, rare).find(({ system }) => system === 'move')!;
  assert.equal(move.p50.a, 1);
  assert.ok(Number.isNaN(move.p50.low) && !Number.isNaN(move.share.low));
});

test('systems are paired by name, what clearly rose comes first', () => {
  const flat = (ns: number): number[] => Array<number>(12).fill(ns);
  const wild = (ns: number): number[] => flat(0).map((_, i) => ns + ((i * 5) % 12) * 100);
  const a = traceOf({
    ...{ same: flat(50), slower: flat(100), slowest: flat(70), wild: wild(0), faster: flat(900) },
    ...{ 'gone é': flat(9), 'gone 𝒙': flat(9), 'gone ﬀ': flat(9), 'twin#1': flat(1) },
    'twin#2': flat(50),
  });
  const b = traceOf({
    ...{ faster: flat(1), new: flat(5), slowest: flat(500), slower: flat(110), same: flat(50) },
    ...{ wild: wild(250), 'twin#1': flat(4), 'twin#2': flat(51), 'twin#3': flat(2) },
  });
  assert.deepEqual(
    compareTraces(a, b).map(({ system, only, clear, p50 }) => [system, only, clear, p50.a, p50.b]),
    [
      ['slowest', null, true, 70, 500],
      ['slower', null, true, 100, 110],
      ['twin', null, true, 1, 4],
      ['twin', null, true, 50, 51],
      ['wild', null, false, 500, 750],
      ['same', null, false, 50, 50],
      ['faster', null, false, 900, 1],
      ['gone é', 'a', false, 9, NaN],
      ['gone ﬀ', 'a', false, 9, NaN],
      ['gone 𝒙', 'a', false, 9, NaN],
      ['new', 'b', false, NaN, 5],
      ['twin', 'b', false, NaN, 2],
    ],
  );
});

/** As in the page, from the bytes, by its own way. */
function figures(bytes: Uint8Array): Map<number, Map<string, [number, number]>> {
  const plain = plainTrace(bytes);
  const frames = plainKind(plain, KIND.FRAME).length;
  const systems = plainSystems(plain, 0, frames);
  const total = (f: number): number =>
    [...systems.values()].reduce((sum, { runs }) => sum + (runs.get(f) ?? 0), 0);
  const totals = Array.from({ length: frames }, (_, f) => total(f));
  const all = totals.reduce((sum, ns) => sum + ns, 0);
  const found = new Map<number, Map<string, [number, number]>>();
  for (const [number, { runs, total: own }] of systems) {
    const rising = [...runs.values()].sort((x, y) => x - y);
    const n = rising.length;
    const at = (q: number): [number, number] => {
      const d = 1.96 * Math.sqrt(n * q * (1 - q));
      const low = rising[Math.max(1, Math.ceil(n * q - d)) - 1]!;
      const high = rising[Math.min(n, Math.ceil(n * q + d)) - 1]!;
      return [rising[Math.ceil(Number((n * q).toFixed(9))) - 1]!, (high - low) / 3.92];
    };
    const share = own / all;
    let squares = 0;
    for (let f = 0; f < frames; f++) squares += ((runs.get(f) ?? 0) - share * totals[f]!) ** 2;
    const variance = squares / (frames * (frames - 1)) / (all / frames) ** 2;
    const rows: [string, [number, number]][] = [
      ['p50', at(0.5)],
      ['p99', at(0.99)],
      ['share', [share, Math.sqrt(variance)]],
    ];
    found.set(number, new Map(rows));
  }
  return found;
}

test('the intervals of random traces are those of another computation', () => {
  for (const seed of [61, 62, 63]) {
    const shape = { systems: 9, workers: 3, frames: 40 + seed };
    const bytesA = makeTrace({ ...shape, seed }).bytes();
    const bytesB = makeTrace({ ...shape, seed, heavier: 1.4, slow: 0.1, frames: 77 }).bytes();
    const a = readTrace(bytesA);
    const b = readTrace(bytesB);
    const inA = figures(bytesA);
    const inB = figures(bytesB);
    const compared = compareTraces(a, b);
    assert.equal(compared.length, 9);
    for (const one of compared) {
      const { number } = a.systems.find(({ name }) => name === one.system)!;
      for (const what of ['p50', 'p99', 'share'] as const) {
        const [x, s] = inA.get(number)!.get(what)!;
        const [y, t] = inB.get(number)!.get(what)!;
        const reach = 1.96 * Math.sqrt(s * s + t * t);
        const near6 = (actual: number, expected: number): void =>
          assert.ok(Math.abs(actual - expected) <= 1e-6 * Math.abs(x) + 1e-9);
        near6(one[what].a, x);
        near6(one[what].b, y);
        near6(one[what].low, y - x - reach);
        near6(one[what].high, y - x + reach);
      }
    }
    const [first] = compared;
    assert.equal(first!.system, a.systems[0]!.name, 'the system that was made heavier');
    assert.equal(first!.clear, true);
  }
});

test('a trace has not changed from itself, and back is the other way round', () => {
  const a = readTrace(makeTrace({ seed: 71 }).bytes());
  const b = readTrace(makeTrace({ seed: 71, heavier: 2 }).bytes());
  for (const { p50, p99, share, clear, only } of compareTraces(a, a)) {
    assert.deepEqual([clear, only], [false, null]);
    for (const { a: from, b: to, low, high } of [p50, p99, share]) {
      assert.equal(from, to);
      near(low, -high);
    }
  }
  const back = compareTraces(b, a);
  for (const one of compareTraces(a, b)) {
    const other = back.find(({ system }) => system === one.system)!;
    assertChange(other.p50, one.p50.b, one.p50.a, -one.p50.high, -one.p50.low);
    assertChange(other.share, one.share.b, one.share.a, -one.share.high, -one.share.low);
  }
});

test('an interval of 95% holds the true change about that often', () => {
  const dice = new Dice(5);
  // Like frames: most are short, some are long. Between -log of even numbers and that plus 0.4,
  // the medians differ by 0.4.
  const sample = (more: number): number[] =>
    Array.from({ length: 60 }, () => Math.round((more - Math.log(1 - dice.next())) * 10_000));
  let held = 0;
  const rounds = 1000;
  for (let round = 0; round < rounds; round++) {
    const a = traceOf({ move: sample(1) });
    const b = traceOf({ move: sample(1.4) });
    const { low, high } = compareTraces(a, b)[0]!.p50;
    if (low <= 4000 && 4000 <= high) held++;
  }
  assert.ok(held > 0.92 * rounds && held < 0.985 * rounds, `${held} of ${rounds}`);
});
