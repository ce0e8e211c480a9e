// SPDX-License-Identifier: MIT
// What is worked out of a trace: each figure of one made by hand, and of random ones against the
// page's rules done slowly, from the bytes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  KIND,
  REASON,
  REASON_TEXT,
  batches,
  criticalPath,
  firstAdvice,
  frameAt,
  idle,
  percentile,
  queueWait,
  readTrace,
  slowFrames,
  stages,
  systemStats,
  threadStats,
  whatHelps,
  worstFrames,
  zoneName,
  type Trace,
  type TraceFrame,
} from 'skep/trace';
import { holding, plainKind, plainSystems, plainTrace, reasonAt } from './support/trace_figures.ts';
import { Dice, handMade, makeTrace, type TraceShape } from './support/trace_make.ts';

const hand = readTrace(handMade().bytes());
const [first, second] = hand.frames as [TraceFrame, TraceFrame];

function near(actual: number, expected: number, what = ''): void {
  const off = Math.abs(actual - expected);
  assert.ok(off <= 1e-9 * Math.abs(expected) + 1e-3, `${what}: ${actual}, not ${expected}`);
}

test('by hand: batches and stages', () => {
  assert.deepEqual(batches(hand, first), [
    { name: 'batch 1', batch: 1, begin: 0, end: 4600 },
    { name: 'batch 2', batch: 2, begin: 4600, end: 7300 },
    { name: 'batch 3', batch: 3, begin: 7300, end: 8200 },
  ]);
  assert.deepEqual(stages(hand, first), [
    { name: 'update', batch: 1, begin: 0, end: 7300 },
    { name: 'late', batch: 3, begin: 7300, end: 8200 },
  ]);
  assert.deepEqual(batches(hand, second), [
    { name: 'batch 7', batch: 7, begin: 12000, end: 14200 },
  ]);
  assert.deepEqual(stages(hand, second), []);
});

/** Stretches of idle time as a text each. */
function idleTexts(thread: number, begin: number, end: number): string[] {
  return idle(hand, thread, begin, end).map(
    one => `${one.begin}-${one.end} ${REASON_TEXT[one.reason]}`,
  );
}

test('by hand: why threads idle', () => {
  assert.deepEqual(
    idleTexts(0, 0, 15000),
    ['4900-5000 queue', '5600-5700 queue', '6900-7000 barrier', '12500-14000 barrier'].toSpliced(
      0,
      0,
      '400-500 queue',
      '600-700 queue',
      '1500-4000 barrier',
    ),
  );
  assert.deepEqual(idleTexts(1, 0, 15000), [
    '0-400 nothing ready',
    '400-800 queue',
    '2000-2200 queue',
    '3900-4000 barrier',
    '4000-10000 nothing ready',
    '10000-12000 between frames',
    '12000-12300 nothing ready',
    '12300-12400 queue',
    '13000-14000 barrier',
    '14000-15000 nothing ready',
  ]);
  assert.deepEqual(idleTexts(2, -500, 15500), [
    '-500-0 between frames',
    '0-400 nothing ready',
    '400-1000 queue',
    '1800-4000 barrier',
    '4000-4900 nothing ready',
    '4900-5200 queue',
    '6000-6100 queue',
    '6800-8500 respawn',
    '8500-10000 nothing ready',
    '10000-12000 between frames',
    '12000-15000 nothing ready',
    '15000-15500 between frames',
  ]);
  assert.deepEqual(idleTexts(2, 1400, 7000), [
    '1800-4000 barrier',
    '4000-4900 nothing ready',
    '4900-5200 queue',
    '6000-6100 queue',
    '6800-7000 respawn',
  ]);
  assert.deepEqual(idleTexts(0, 450, 1600), [
    '450-500 queue',
    '600-700 queue',
    '1500-1600 barrier',
  ]);
  assert.deepEqual(idleTexts(1, 900, 1900), []);
  assert.deepEqual(idleTexts(9, 0, 1000), []);
  assert.deepEqual(idleTexts(1, 1000, 0), []);
});

test('by hand: what threads did', () => {
  const idleNs = (nothing: number, barrier: number, queue: number, away: number, out: number) => [
    ...[0, nothing, barrier, queue, away, out],
  ];
  assert.deepEqual(threadStats(hand, 0, 2), [
    {
      thread: 0,
      name: 'caller',
      busyNs: 8500,
      idleNs: idleNs(0, 4100, 400, 0, 0),
      utilisation: 8500 / 13000,
    },
    {
      thread: 1,
      name: 'worker 1',
      busyNs: 3500,
      idleNs: idleNs(7700, 1100, 700, 0, 2000),
      utilisation: 3500 / 13000,
    },
    {
      thread: 2,
      name: 'second',
      busyNs: 2300,
      idleNs: idleNs(5800, 2200, 1000, 1700, 2000),
      utilisation: 2300 / 13000,
    },
  ]);
  const [, worker] = threadStats(hand, 1, 2);
  assert.equal(worker!.busyNs, 600);
  assert.deepEqual(worker!.idleNs, idleNs(1300, 1000, 100, 0, 0));
  assert.deepEqual(
    threadStats(hand, 1, 1).map(one => one.utilisation),
    [0, 0, 0],
  );
});

test('by hand: what systems took', () => {
  const stats = systemStats(hand, 0, 2).map(({ runsNs, ...rest }) => ({
    ...rest,
    runsNs: [...runsNs],
  }));
  const one = (ns: number) => ({
    ...{ runs: 1, totalNs: ns, selfNs: ns, p50Ns: ns, p95Ns: ns, p99Ns: ns, maxNs: ns },
    ...{ copied: 0, runsNs: [ns] },
  });
  assert.deepEqual(stats, [
    {
      ...one(4500),
      system: 'move',
      number: 1,
      blocks: 6,
      selfNs: 4100,
      longest: { thread: 1, zone: 1, ns: 1700 },
      byThread: [800, 2900, 800],
    },
    {
      ...one(2700),
      system: 'strike',
      number: 2,
      blocks: 5,
      longest: { thread: 0, zone: 11, ns: 1200 },
      byThread: [1200, 0, 1500],
    },
    {
      ...one(600),
      system: 'tidy',
      number: 3,
      blocks: 0,
      longest: { thread: 0, zone: 10, ns: 600 },
      byThread: [600, 0, 0],
    },
    {
      ...one(600),
      system: 'system 9',
      number: 9,
      blocks: 1,
      longest: { thread: 1, zone: 2, ns: 600 },
      byThread: [0, 600, 0],
    },
    {
      ...one(400),
      system: 'scöre',
      number: 4,
      blocks: 2,
      longest: { thread: 0, zone: 14, ns: 400 },
      byThread: [400, 0, 0],
      copied: 5,
    },
  ]);
  assert.deepEqual(
    systemStats(hand, 1, 2).map(({ system }) => system),
    ['system 9'],
  );
  assert.deepEqual(systemStats(hand, 2, 2), []);
});

test('by hand: the critical path', () => {
  const texts = (frame: TraceFrame): string[] =>
    criticalPath(hand, frame).map(s => `${s.thread} ${s.what} ${s.begin}-${s.end} ${s.zone}`);
  assert.deepEqual(texts(first), [
    '0 frame 0-100 0',
    '0 snapshot 100-300 1',
    '0 frame 300-400 0',
    '1 wake 400-800 -1',
    '1 move 800-2000 0',
    '1 claim 2000-2200 -1',
    '1 move 2200-3900 1',
    '0 join 3900-4000 -1',
    '0 verify 4000-4200 5',
    '0 frame 4200-4300 0',
    '0 commit 4300-4400 6',
    '0 apply 4400-4500 7',
    '0 commit 4500-4600 6',
    '0 frame 4600-4700 0',
    '0 snapshot 4700-4800 8',
    '0 frame 4800-4900 0',
    '0 claim 4900-5000 -1',
    '0 tidy 5000-5600 10',
    '0 claim 5600-5700 -1',
    '0 strike 5700-6900 11',
    '0 join 6900-7000 -1',
    '0 frame 7000-7100 0',
    '0 commit 7100-7300 12',
    '0 frame 7300-7400 0',
    '0 snapshot 7400-7500 13',
    '0 scöre 7500-7900 14',
    '0 snapshot 7900-8000 13',
    '0 commit 8000-8200 15',
    '0 frame 8200-10000 0',
  ]);
  assert.deepEqual(texts(second), [
    '0 frame 12000-12100 17',
    '0 snapshot 12100-12200 18',
    '0 frame 12200-12300 17',
    '1 wake 12300-12400 -1',
    '1 system 9 12400-13000 2',
    '0 join 13000-14000 -1',
    '0 frame 14000-14100 17',
    '0 commit 14100-14200 21',
    '0 frame 14200-15000 17',
  ]);
});

test('by hand: what would help', () => {
  const helps = whatHelps(hand, first);
  assert.deepEqual(
    helps.map(({ system, number, withoutNs }) => [system, number, withoutNs]),
    [
      ['move', 1, 2900],
      ['strike', 2, 1200],
      ['tidy', 3, 300],
      ['scöre', 4, 400],
    ],
  );
  [1400, 700, 300, 400 - 400 / 3].forEach((ns, i) => near(helps[i]!.splitNs, ns));
  const advice = firstAdvice(hand, first)!;
  assert.deepEqual([advice.system, advice.split], ['move', true]);
  near(advice.splitNs, 1400);
  const [nine, ...rest] = whatHelps(hand, second);
  assert.deepEqual(rest, []);
  assert.equal(nine!.withoutNs, 600);
  near(nine!.splitNs, 400);
});

test('with one thread the advice is what would be best to lose', () => {
  const made = handMade();
  made.workers = 0;
  const sections = makeTrace({ workers: 0, frames: 3, seed: 5 });
  const trace = readTrace(sections.bytes());
  for (const frame of trace.frames) {
    const advice = firstAdvice(trace, frame)!;
    const most = Math.max(...whatHelps(trace, frame).map(({ withoutNs }) => withoutNs));
    assert.equal(advice.split, false);
    assert.equal(advice.withoutNs, most);
    for (const { splitNs } of whatHelps(trace, frame)) near(splitNs, 0);
  }
});

test('by hand: worst frames, slow frames, queue waits', () => {
  assert.deepEqual(worstFrames(hand, 5), [first, second]);
  assert.deepEqual(worstFrames(hand, 1), [first]);
  assert.deepEqual(worstFrames(hand, 0), []);
  assert.deepEqual(slowFrames(hand), [first]);
  assert.equal(queueWait(hand, 1, 0), 400);
  assert.equal(queueWait(hand, 2, 2), 300);
  assert.equal(queueWait(hand, 0, 14), NaN);
  assert.deepEqual(
    [-1, 0, 9999, 10000, 10001, 12000, 15000, 15001].map(at => frameAt(hand, at)),
    [-1, 0, 0, 0, -1, 1, 1, -1],
  );
});

test('slow frames without a budget are the slowest hundredth', () => {
  for (const [count, slow] of [
    [50, 1],
    [199, 1],
    [250, 2],
  ] as const) {
    const trace = readTrace(makeTrace({ frames: count, systems: 2, workers: 1 }).bytes());
    const longest = trace.frames.map(({ begin, end }) => end - begin).sort((a, b) => b - a);
    const found = slowFrames(trace);
    assert.deepEqual(
      found.map(({ begin, end }) => end - begin),
      longest.slice(0, slow),
    );
  }
});

test('percentiles are the value with their number', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  assert.deepEqual(
    [50, 95, 99, 100, 0.5, 0].map(p => percentile(hundred, p)),
    [50, 95, 99, 100, 1, 1],
  );
  assert.equal(percentile([7], 1), 7);
  assert.equal(percentile([1, 2], 50), 1);
  assert.equal(percentile([1, 2], 51), 2);
  assert.ok(Number.isNaN(percentile([], 50)));
  for (let n = 1; n < 400; n++) {
    const values = Array.from({ length: n }, (_, i) => i + 1);
    for (const p of [50, 95, 99]) {
      // In whole numbers, without rounding.
      const number = Number((BigInt(p) * BigInt(n) + 99n) / 100n);
      assert.equal(percentile(values, p), number);
    }
  }
});

test('a frame holds its end, unless another one begins there', () => {
  const made = handMade();
  made.zone(0, KIND.RUN, 1500, 1500, 3);
  made.zone(0, KIND.RUN, 1500, 1540, 2);
  made.zone(0, KIND.FRAME, 1500, 1600, 43);
  made.zone(1, KIND.BLOCK, 1600, 1650, 1 + 65536);
  made.zone(1, KIND.BLOCK, 1651, 1660, 1 + 65536);
  const trace = readTrace(made.bytes());
  const runs = (frame: number): [string, number][] =>
    systemStats(trace, frame, frame + 1).map(({ system, totalNs }) => [system, totalNs]);
  assert.deepEqual(runs(1), [['system 9', 600]]);
  assert.deepEqual(runs(2), [
    ['move', 500],
    ['strike', 400],
    ['tidy', 0],
  ]);
});

test('a zone of the host around all of it hides no idle time', () => {
  const made = handMade();
  made.zone(0, KIND.HOST, -100, 1600, 2);
  const trace = readTrace(made.bytes());
  const frames: Trace['frames'] = trace.frames.map(frame => ({ ...frame, zone: frame.zone - 1 }));
  assert.deepEqual(frames, hand.frames);
  assert.deepEqual(threadStats(trace, 0, 2), threadStats(hand, 0, 2));
  const path = (of: Trace, i: number): unknown[] =>
    criticalPath(of, of.frames[i]!).map(({ thread, what, begin, end }) => [
      thread,
      what,
      begin,
      end,
    ]);
  assert.deepEqual(path(trace, 0), path(hand, 0));
});

test('what the host named inside of work does not cut the path, elsewhere it does', () => {
  const made = handMade();
  made.thread(0, '');
  made.thread(1, '');
  made.thread(2, '');
  made.zone(0, KIND.HOST, 20, 25, 2);
  made.zone(0, KIND.HOST, 20, 30, 2);
  made.zone(0, KIND.RUN, 10, 40, 3);
  made.zone(0, KIND.HOST, 50, 60, 1);
  made.zone(0, KIND.FRAME, 0, 100, 1);
  made.frames = 1;
  const trace = readTrace(made.bytes());
  assert.deepEqual(trace.problems, []);
  const path = criticalPath(trace, trace.frames[0]!);
  assert.deepEqual(
    path.map(({ what, begin, end }) => `${what} ${begin}-${end}`),
    ['frame 0-100', 'tidy 100-400', 'frame 400-500', 'draw 500-600', 'frame 600-1000'],
  );
});

/* Random traces. */

const SHAPES: TraceShape[] = [
  { seed: 11, frames: 10 },
  { seed: 12, frames: 8, systems: 30, workers: 7 },
  { seed: 13, frames: 12, workers: 1 },
  { seed: 14, frames: 6, workers: 0 },
  { seed: 15, frames: 40, systems: 4, workers: 3, stepNs: 5000 },
  { seed: 16, frames: 40, systems: 5, workers: 2, stepNs: 100_000 },
  { seed: 17, frames: 3, systems: 200, workers: 3 },
];

for (const shape of SHAPES) {
  const bytes = makeTrace(shape).bytes();
  const trace = readTrace(bytes);
  const plain = plainTrace(bytes);
  const name = JSON.stringify(shape);

  test(`the critical path tiles each frame [${name}]`, () => {
    const frames = plainKind(plain, KIND.FRAME);
    assert.deepEqual(trace.problems, []);
    assert.equal(frames.length, trace.frames.length);
    for (const frame of trace.frames) {
      const path = criticalPath(trace, frame);
      let at = frame.begin;
      for (const { thread, zone, what, begin, end } of path) {
        assert.equal(begin, at);
        assert.ok(end > begin);
        at = end;
        const row = trace.rows[thread]!;
        if (zone < 0) {
          assert.match(what, /^(join|claim|wake)$/);
        } else {
          assert.ok(row.begin[zone]! <= begin && end <= row.end[zone]! + 1);
          assert.equal(what, zoneName(trace, row, zone));
        }
      }
      assert.equal(at, frame.end);
      assert.equal(frame.end, frames[frame.index]!.end);
    }
  });

  test(`what is on the path of a section ended last in it [${name}]`, () => {
    const sections = plainKind(plain, KIND.TASKS);
    for (const section of sections) {
      const frame = trace.frames[frameAt(trace, section.begin)]!;
      const works = plain.zones.filter(
        ({ kind, thread, begin }) =>
          (kind === KIND.BLOCK || kind === KIND.LOST || (kind === KIND.RUN && thread === 0))
          && holding(sections, begin) === section,
      );
      const last = Math.max(...works.map(({ end }) => Math.min(end, section.end)));
      const inside = criticalPath(trace, frame).filter(
        ({ begin, end }) => begin >= section.begin && end <= section.end,
      );
      const total = inside.reduce((sum, { begin, end }) => sum + end - begin, 0);
      near(total, section.end - section.begin, 'a section is tiled by what lies in it');
      const join = inside.at(-1);
      if (works.length > 0 && last < section.end) {
        assert.equal(join!.what, 'join');
        assert.equal(join!.begin, last);
      }
      const workers = new Set(inside.filter(({ what }) => what !== 'join').map(s => s.thread));
      assert.ok(workers.size <= 1, 'one thread');
      for (const thread of workers) {
        const ends = works.filter(work => work.thread === thread).map(({ end }) => end);
        assert.ok(works.length === 0 || Math.min(Math.max(...ends), section.end) === last);
      }
    }
  });

  test(`idle and busy time are the frames' time, for the reasons of the page [${name}]`, () => {
    const total = trace.frames.reduce((sum, { begin, end }) => sum + end - begin, 0);
    for (const { thread, busyNs, idleNs, utilisation } of threadStats(
      trace,
      0,
      trace.frames.length,
    )) {
      const sum = idleNs.slice(0, REASON.OUTSIDE).reduce((ns, one) => ns + one, 0);
      near(sum + busyNs, total);
      near(utilisation * total, busyNs);
      assert.ok(busyNs >= 0);
      const begin = trace.frames[0]!.begin - 1000;
      const end = trace.frames.at(-1)!.end + 1000;
      const stretches = idle(trace, thread, begin, end);
      const byReason = Array<number>(6).fill(0);
      let at = begin;
      for (const one of stretches) {
        assert.ok(one.begin >= at && one.end > one.begin && one.end <= end);
        at = one.end;
        byReason[one.reason]! += one.end - one.begin;
      }
      idleNs.slice(0, REASON.OUTSIDE).forEach((ns, reason) => near(byReason[reason]!, ns));
      const dice = new Dice(thread + 1);
      for (let sample = 0; sample < 300; sample++) {
        const moment = begin + dice.next() * (end - begin);
        const found = stretches.find(one => one.begin < moment && moment < one.end);
        const expected = reasonAt(plain, thread, moment);
        assert.equal(found?.reason ?? 0, expected, `thread ${thread} at ${moment}`);
      }
    }
  });

  test(`systems' figures are those of the records [${name}]`, () => {
    const count = trace.frames.length;
    for (const [from, end] of [
      [0, count],
      [1, count - 1],
      [count - 1, count],
    ] as const) {
      const expected = plainSystems(plain, from, end);
      const stats = systemStats(trace, from, end);
      assert.deepEqual(new Set(stats.map(({ number }) => number)), new Set(expected.keys()));
      let most = Infinity;
      for (const system of stats) {
        const one = expected.get(system.number)!;
        const runs = [...one.runs.entries()].sort(([a], [b]) => a - b).map(([, ns]) => ns);
        const rising = [...runs].sort((a, b) => a - b);
        const rank = (p: number): number => rising[Math.ceil((p * rising.length) / 100) - 1]!;
        assert.equal(system.runs, runs.length);
        assert.equal(system.blocks, one.blocks);
        runs.forEach((ns, i) => near(system.runsNs[i]!, ns));
        near(system.totalNs, one.total);
        near(system.p50Ns, rank(50));
        near(system.p95Ns, rank(95));
        near(system.p99Ns, rank(99));
        near(system.maxNs, rising.at(-1)!);
        near(system.longest.ns, one.longest);
        one.byThread.forEach((ns, thread) => near(system.byThread[thread]!, ns));
        near(
          one.byThread.reduce((sum, ns) => sum + ns, 0),
          system.totalNs,
        );
        assert.ok(system.selfNs >= 0 && system.selfNs <= system.totalNs + 1e-3);
        assert.ok(system.p50Ns <= system.p95Ns && system.p95Ns <= system.p99Ns);
        assert.ok(system.totalNs <= most);
        most = system.totalNs;
        const row = trace.rows[system.longest.thread]!;
        const length = row.end[system.longest.zone]! - row.begin[system.longest.zone]!;
        assert.equal(length, system.longest.ns);
      }
      const copied = plain.marks.filter(({ kind, begin }) => {
        const frame = frameAt(trace, begin);
        return kind === KIND.COPIED && frame >= from && frame < end;
      });
      const told = stats.reduce((sum, one) => sum + one.copied, 0);
      assert.equal(
        told,
        copied.reduce((sum, { high }) => sum + high, 0),
      );
    }
  });

  test(`a split saves no more than the whole system, and no more than there is [${name}]`, () => {
    for (const frame of trace.frames) {
      const helps = whatHelps(trace, frame);
      const there = systemStats(trace, frame.index, frame.index + 1);
      assert.deepEqual(
        new Set(helps.map(({ number }) => number)),
        new Set(there.map(({ number }) => number)),
      );
      let best = Infinity;
      for (const { number, withoutNs, splitNs } of helps) {
        const { totalNs } = there.find(system => system.number === number)!;
        assert.ok(splitNs >= 0 && splitNs <= withoutNs + 1e-3);
        assert.ok(withoutNs <= totalNs + 1e-3, `${withoutNs} of ${totalNs}`);
        assert.ok(withoutNs <= (frame.end - frame.begin) * (1 + 1e-9) + 1e-3);
        assert.ok(splitNs <= best);
        best = splitNs;
      }
    }
  });

  test(`batches follow one another, and stages hold them [${name}]`, () => {
    for (const frame of trace.frames) {
      let at = frame.begin;
      const outer = stages(trace, frame);
      for (const { begin, end, batch } of batches(trace, frame)) {
        assert.equal(begin, at);
        assert.ok(end >= begin && end <= frame.end);
        at = end;
        const { stage } = trace.systems.find(system => system.batch === batch)!;
        const span = outer.find(one => one.begin <= begin && end <= one.end && one.name === stage);
        assert.ok(span !== undefined);
      }
      outer.slice(1).forEach((span, i) => assert.notEqual(span.name, outer[i]!.name));
    }
  });
}

test('what would help, by trying: a section is as long as its busiest thread', () => {
  const bytes = makeTrace({ seed: 31, frames: 6, systems: 10, workers: 3, calm: true }).bytes();
  const trace = readTrace(bytes);
  const plain = plainTrace(bytes);
  const sections = plainKind(plain, KIND.TASKS);
  for (const frame of trace.frames) {
    for (const { number, withoutNs, splitNs } of whatHelps(trace, frame)) {
      let without = 0;
      let split = 0;
      for (const section of sections.filter(({ begin }) => frameAt(trace, begin) === frame.index)) {
        const load = Array<number>(4).fill(0);
        const rest = Array<number>(4).fill(0);
        for (const { thread, kind, begin, end, low } of plain.zones) {
          const works = kind === KIND.BLOCK || (kind === KIND.RUN && thread === 0);
          if (!works || holding(sections, begin) !== section) continue;
          load[thread]! += end - begin;
          if ((low & 65535) !== number) rest[thread]! += end - begin;
        }
        const even = load.reduce((sum, ns) => sum + ns, 0) / 4;
        without += Math.max(...load) - Math.max(...rest);
        split += Math.max(...load) - Math.max(...rest, even);
      }
      for (const { kind, begin, end, low } of plain.zones) {
        const alone = kind === KIND.SYSTEM || kind === KIND.RUN;
        if (!alone || (low & 65535) !== number || frameAt(trace, begin) !== frame.index) continue;
        if (holding(sections, begin) !== undefined) continue;
        without += end - begin;
        split += ((end - begin) * 3) / 4;
      }
      near(withoutNs, without);
      near(splitNs, split);
    }
  }
});

test('a million zones are read and told of in the time of a few looks', t => {
  const bytes = makeTrace({ zones: 1_000_000, systems: 24, seed: 3 }).bytes();
  const before = process.cpuUsage();
  const trace = readTrace(bytes);
  const read = process.cpuUsage(before);
  const stats = systemStats(trace, 0, trace.frames.length);
  const all = process.cpuUsage(before);
  const ms = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;
  t.diagnostic(
    `${ms(read).toFixed(0)} ms of CPU time to read, ${ms(all).toFixed(0)} with the table`,
  );
  assert.equal(trace.rows.reduce((sum, { count }) => sum + count, 0) >= 1_000_000, true);
  assert.equal(stats.length, 24);
  // Four times what it takes on a slow machine: what this finds is a loop that got out of hand.
  assert.ok(ms(all) < 2500);
});
