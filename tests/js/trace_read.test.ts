// SPDX-License-Identifier: MIT
// Reading of trace files: each figure of one made by hand; nesting against a slow search; files
// that were cut off or damaged at every byte, or that lie.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  KIND,
  KIND_TEXT,
  REASON,
  SHAPE,
  TraceError,
  WHY_TEXT,
  criticalPath,
  idle,
  readTrace,
  systemStats,
  threadStats,
  traceChecksum,
  traceHtml,
  traceJson,
  whatHelps,
  zoneName,
  type Trace,
  type TraceRow,
} from 'skep/trace';
import { plainParents, plainRow, plainTrace } from './support/trace_figures.ts';
import { Dice, checksum, fileOf, handMade, makeTrace } from './support/trace_make.ts';

/** What a row holds: kind, begin, end, depth, self, name. */
function rowOf(trace: Trace, row: TraceRow): unknown[] {
  return Array.from({ length: row.count }, (_, i) => [
    `${'  '.repeat(row.depth[i]!)}${KIND_TEXT[row.kind[i]!]}`,
    row.begin[i],
    row.end[i],
    row.self[i],
    zoneName(trace, row, i),
  ]);
}

/** All that can be asked of a trace: it must not throw, nor go on forever. */
function useAll(trace: Trace): void {
  const { frames, rows } = trace;
  systemStats(trace, 0, frames.length);
  threadStats(trace, 0, frames.length);
  for (const frame of frames) {
    const path = criticalPath(trace, frame);
    const sum = path.reduce((ns, { begin, end }) => ns + (end - begin), 0);
    assert.ok(Math.abs(sum - (frame.end - frame.begin)) <= 1e-6 * Math.abs(frame.end) + 1e-3);
    whatHelps(trace, frame);
  }
  for (const { thread } of rows) idle(trace, thread, -1e6, 1e9);
  let characters = 0;
  for (const piece of traceJson(trace)) characters += piece.length;
  assert.ok(characters > 0);
}

test('a trace by hand: what its sections hold', () => {
  const trace = readTrace(handMade().bytes());
  assert.deepEqual(trace.problems, []);
  assert.equal(trace.stepNs, 0);
  assert.equal(trace.budgetNs, 5000);
  assert.equal(trace.unixNs, 1_700_000_000_000_000_000);
  assert.equal(trace.workers, 2);
  assert.deepEqual(
    [...trace.host],
    [
      ['scene', 'by "hand"'],
      ['executor', 'threads'],
    ],
  );
  const plain = { main: false, unsplit: false, hidden: false };
  assert.deepEqual(trace.systems, [
    { number: 1, name: 'move', stage: 'update', batch: 1, place: 0, ...plain },
    { number: 2, name: 'strike', stage: 'update', batch: 2, place: 1, ...plain, unsplit: true },
    { number: 3, name: 'tidy', stage: 'other', batch: 2, place: 2, ...plain, main: true },
    { number: 4, name: 'scöre', stage: 'late', batch: 3, place: 3, ...plain, hidden: true },
  ]);
  assert.deepEqual(trace.edges, [{ from: 1, to: 2, why: 'move writes Pos, strike looks Pos up' }]);
  assert.deepEqual(
    [...trace.names],
    [
      [1, 'draw'],
      [2, 'find'],
    ],
  );
  assert.deepEqual(
    trace.rows.map(({ thread, name, lost, missing, count }) => [
      thread,
      name,
      lost,
      missing,
      count,
    ]),
    [
      [0, 'caller', 0, false, 22],
      [1, 'worker 1', 7, false, 3],
      [2, 'second', 5 * 2 ** 32, false, 5],
    ],
  );
  assert.deepEqual(trace.frames, [
    { index: 0, tick: 41, begin: 0, end: 10000, zone: 0 },
    { index: 1, tick: 42, begin: 12000, end: 15000, zone: 17 },
  ]);
});

test('a trace by hand: rows, nested, with self time', () => {
  const trace = readTrace(handMade().bytes());
  assert.deepEqual(rowOf(trace, trace.rows[0]!), [
    ['frame', 0, 10000, 2500, 'frame'],
    ['  snapshot', 100, 300, 200, 'snapshot'],
    ['  tasks', 400, 4000, 2700, 'tasks'],
    ['    wake', 500, 600, 100, 'wake'],
    ['    block', 700, 1500, 800, 'move'],
    ['  verify', 4000, 4200, 200, 'verify'],
    ['  commit', 4300, 4600, 200, 'commit'],
    ['    apply', 4400, 4500, 100, 'apply'],
    ['  snapshot', 4700, 4800, 100, 'snapshot'],
    ['  tasks', 4900, 7000, 300, 'tasks'],
    ['    run', 5000, 5600, 600, 'tidy'],
    ['    block', 5700, 6900, 1200, 'strike'],
    ['  commit', 7100, 7300, 200, 'commit'],
    ['  snapshot', 7400, 8000, 200, 'snapshot'],
    ['    system', 7500, 7900, 400, 'scöre'],
    ['  commit', 8000, 8200, 200, 'commit'],
    ['host', 10500, 11500, 1000, 'draw'],
    ['frame', 12000, 15000, 1100, 'frame'],
    ['  snapshot', 12100, 12200, 100, 'snapshot'],
    ['  tasks', 12300, 14000, 1500, 'tasks'],
    ['    wake', 12300, 12500, 200, 'wake'],
    ['  commit', 14100, 14200, 100, 'commit'],
  ]);
  assert.deepEqual(rowOf(trace, trace.rows[1]!), [
    ['block', 800, 2000, 1200, 'move'],
    ['block', 2200, 3900, 1700, 'move'],
    ['block', 12400, 13000, 600, 'system 9'],
  ]);
  assert.deepEqual(rowOf(trace, trace.rows[2]!), [
    ['block', 1000, 1800, 400, 'move'],
    ['  host', 1100, 1500, 400, 'find'],
    ['block', 5200, 6000, 800, 'strike'],
    ['lost', 6100, 6800, 700, 'strike'],
    ['respawn', 6800, 8500, 1700, 'respawn'],
  ]);
  assert.deepEqual([...trace.rows[0]!.parent.slice(0, 8)], [-1, 0, 0, 2, 2, 0, 0, 6]);
});

test('a trace by hand: marks and counters', () => {
  const trace = readTrace(handMade().bytes());
  assert.deepEqual(trace.marks, [
    { thread: 0, at: 6800, kind: KIND.FAULT, low: 2 + 2 * 65536, high: 1 + 3 * 256 + 65536 },
    { thread: 0, at: 7450, kind: KIND.COPIED, low: 4 + 65536, high: 5 },
  ]);
  const counters = trace.counters.map(({ name, at, value }) => [name, [...at], [...value]]);
  assert.deepEqual(counters, [
    ['entities', [9000], [100]],
    ['patches', [9000], [7]],
    ['bytes', [9000], [2 ** 32 + 5]],
    ['blocks copied', [9000], [5]],
  ]);
});

test('names of what the file numbers', () => {
  assert.equal(KIND_TEXT[KIND.QUEUE], 'queue wait');
  assert.equal(SHAPE[KIND.FAULT], 'mark');
  assert.equal(WHY_TEXT[1], 'a snapshot still holds the old ones');
  assert.deepEqual(REASON, { NOTHING: 1, BARRIER: 2, QUEUE: 3, RESPAWN: 4, OUTSIDE: 5 });
});

test('the checksum is that of the page', () => {
  const bytes = makeTrace({ frames: 1 }).bytes();
  const words = new Uint32Array(bytes.buffer);
  const view = new DataView(bytes.buffer);
  assert.equal(traceChecksum(words, 3, words.length), checksum(view, 12, bytes.length));
  assert.equal(traceChecksum(words, 0, 0), 0x811c9dc5);
});

test('bytes need no alignment', () => {
  const bytes = handMade().bytes();
  const shifted = new Uint8Array(bytes.length + 3).subarray(3);
  shifted.set(bytes);
  assert.deepEqual(readTrace(shifted), readTrace(bytes));
});

for (const shape of [
  { seed: 1 },
  { seed: 2, workers: 0 },
  { seed: 3, workers: 7, systems: 40, stepNs: 5000 },
  { seed: 4, workers: 2, stepNs: 100_000, nsPerTick: 1000 },
]) {
  test(`zones nest as a slow search finds them [${JSON.stringify(shape)}]`, () => {
    const made = makeTrace({ frames: 12, ...shape });
    const bytes = made.bytes();
    const trace = readTrace(bytes);
    assert.deepEqual(trace.problems, []);
    assert.equal(
      trace.rows.reduce((sum, { count }) => sum + count, 0),
      made.zoneCount,
    );
    const plain = plainTrace(bytes);
    for (const row of trace.rows) {
      const expected = plainRow(plain, row.thread);
      const parents = plainParents(expected, plain.tickNs);
      assert.deepEqual(
        [...row.begin],
        expected.map(({ begin }) => begin),
      );
      assert.deepEqual(
        [...row.end],
        expected.map(({ end }) => end),
      );
      assert.deepEqual(
        [...row.kind],
        expected.map(({ kind }) => kind),
      );
      assert.deepEqual(
        [...row.low],
        expected.map(({ low }) => low),
      );
      assert.deepEqual(
        [...row.high],
        expected.map(({ high }) => high),
      );
      assert.deepEqual([...row.parent], parents);
      const self = expected.map(({ begin, end }) => end - begin);
      parents.forEach((outer, i) => {
        if (outer >= 0) self[outer]! -= expected[i]!.end - expected[i]!.begin;
        assert.equal(row.depth[i], outer < 0 ? 0 : row.depth[outer]! + 1);
      });
      self.forEach((ns, i) => {
        assert.ok(row.self[i]! >= 0);
        assert.ok(Math.abs(row.self[i]! - Math.max(0, ns)) < 1e-3, `${row.self[i]}, not ${ns}`);
      });
    }
  });
}

test('one tick of overlap is none, and what has no length finds its place', () => {
  const made = handMade();
  made.thread(1, '');
  made.zone(1, KIND.BLOCK, 20, 30, 1);
  made.zone(1, KIND.BLOCK, 29, 40, 1); // begins a tick too early
  made.zone(1, KIND.HOST, 40, 40, 2); // behind it, not in it
  made.zone(1, KIND.HOST, 50, 61, 2); // in the next, though it ends a tick later
  made.zone(1, KIND.HOST, 60, 60, 2);
  made.zone(1, KIND.BLOCK, 50, 60, 1);
  const row = readTrace(made.bytes()).rows[1]!;
  const ticks = Array.from(row.begin, (begin, i) => [begin / 10, row.end[i]! / 10, row.parent[i]]);
  assert.deepEqual(ticks, [
    [20, 30, -1],
    [29, 40, -1],
    [40, 40, -1],
    [50, 61, -1],
    [50, 60, -1],
    [60, 60, 4],
  ]);
});

/** What a trace error says, or the trace. */
function attempt(bytes: Uint8Array): Trace | TraceError {
  try {
    return readTrace(bytes);
  } catch (error) {
    assert.ok(error instanceof TraceError, String(error));
    assert.ok(error.hint !== undefined && error.message.length > 20);
    return error;
  }
}

test('what is no trace, or a newer one, is refused with a word of help', () => {
  const json = attempt(Buffer.from('{"traceEvents":[]}'));
  assert.ok(json instanceof TraceError);
  assert.deepEqual([json.code, json.offset, json.name], ['E_CORRUPT', 0, 'TraceError']);
  assert.match(json.hint!, /JSON/);
  const text = handMade().bytes();
  text[5] = 10; // as transfers in text mode have it
  const mangled = attempt(text);
  assert.ok(mangled instanceof TraceError);
  assert.equal(mangled.offset, 5);
  assert.match(mangled.hint!, /binary/);
  const newer = handMade().bytes();
  newer[8] = 2;
  const refused = attempt(newer);
  assert.ok(refused instanceof TraceError);
  assert.deepEqual([refused.code, refused.offset], ['E_UNSUPPORTED', 8]);
  assert.match(refused.message, /version 2, and this reads version 1/);
  assert.match(refused.hint!, /update skep/);
});

/** A problem is a sentence that says where. */
function areClear(problems: readonly string[]): void {
  assert.ok(problems.length > 0);
  for (const problem of problems) {
    assert.match(problem, /^[A-Z0-9].*\.$|: 1 ns\.$/);
    assert.match(problem, /byte \d+|INFO|THRD|TEXT|worker \d+|frames begin/, problem);
  }
}

test('a file that was cut off anywhere: what is there is shown', () => {
  const whole = handMade().bytes();
  const reader = readTrace(whole);
  let zones = 0;
  for (let length = 0; length < whole.length; length++) {
    const trace = attempt(whole.slice(0, length));
    assert.equal(trace instanceof TraceError, length < 16, `at ${length}`);
    if (trace instanceof TraceError) continue;
    areClear(trace.problems);
    assert.ok(trace.problems.some(text => /cut off|ends within|ends at/.test(text)));
    const count = trace.rows.reduce((sum, row) => sum + row.count, 0);
    assert.ok(count >= zones, `${length} bytes show ${count} zones, fewer than shorter ones`);
    zones = count;
    useAll(trace);
  }
  assert.equal(
    zones,
    reader.rows.reduce((sum, row) => sum + row.count, 0),
  );
});

for (const mask of [0xff, 0x01, 0x20, 0x80]) {
  test(`a byte that was changed anywhere is found [${mask}]`, () => {
    const bytes = handMade().bytes();
    const whole = readTrace(bytes);
    const sound = whole.rows.reduce((sum, row) => sum + row.count, 0);
    let shown = 0;
    let harmless = 0;
    for (let at = 0; at < bytes.length; at++) {
      bytes[at]! ^= mask;
      const trace = attempt(bytes);
      bytes[at]! ^= mask;
      assert.equal(trace instanceof TraceError, at < 12, `at ${at}`);
      if (trace instanceof TraceError) continue;
      // TEXT may be a byte longer or shorter, as far as zeros fill it up: that changes nothing.
      if (trace.problems.length === 0) assert.deepEqual(trace, whole, `at ${at}`);
      else areClear(trace.problems);
      harmless += trace.problems.length === 0 ? 1 : 0;
      shown += trace.rows.reduce((sum, row) => sum + row.count, 0);
      useAll(trace);
    }
    assert.ok(harmless <= 1);
    // One damaged section leaves the others: most of the zones are there most of the time.
    assert.ok(shown > (sound * bytes.length) / 3, `${shown / bytes.length} of ${sound} zones`);
  });
}

test('a damaged section is named with its byte, and the others are shown', () => {
  const made = handMade();
  const at = made.sections().findIndex(([tag]) => tag === 'SYST');
  const before = fileOf(made.sections().slice(0, at)).length;
  const bytes = made.bytes();
  bytes[before + 20]! ^= 1;
  const trace = readTrace(bytes);
  const told = `Section SYST at byte ${before} is damaged: its checksum is wrong.`;
  assert.deepEqual(trace.problems, [told]);
  assert.equal(trace.frames.length, 2);
  assert.equal(zoneName(trace, trace.rows[1]!, 0), 'system 1');
  // A length that is wrong does not take the sections behind it away.
  const longer = made.bytes();
  longer[before + 8]! ^= 0x10;
  assert.deepEqual(readTrace(longer).problems, [told]);
  const beyond = made.bytes();
  beyond[before + 12]! ^= 1;
  const [problem, ...rest] = readTrace(beyond).problems;
  assert.match(
    problem!,
    new RegExp(`Section SYST at byte ${before} is cut off or damaged: it should`),
  );
  assert.deepEqual(rest, []);
});

test('without INFO, times are in ticks; without the caller, there are no frames', () => {
  const sections = handMade().sections();
  const noInfo = readTrace(fileOf(sections.filter(([tag]) => tag !== 'INFO')));
  assert.match(noInfo.problems[0]!, /INFO is missing: times are in ticks/);
  assert.deepEqual(noInfo.frames[0], { index: 0, tick: 41, begin: 0, end: 1000, zone: 0 });
  const caller = sections.findIndex(([tag]) => tag === 'THRD');
  const noCaller = readTrace(fileOf(sections.filter((_, i) => i !== caller)));
  assert.deepEqual(noCaller.problems, [
    'Thread 0 is missing: it has no section THRD.',
    'INFO tells of 2 frames, and 0 are there.',
  ]);
  assert.deepEqual(
    noCaller.rows.map(({ missing }) => missing),
    [true, false, false],
  );
  useAll(noCaller);
});

test('sections of other kinds and orders are told of', () => {
  const sections = handMade().sections();
  const own: [string, Uint8Array] = ['MINE', new Uint8Array(5)];
  const more = readTrace(fileOf([...sections.slice(0, 2), own, ...sections.slice(2)]));
  assert.equal(more.problems.length, 1);
  assert.match(more.problems[0]!, /^Section MINE at byte \d+ was skipped/);
  const twice = readTrace(fileOf([...sections.slice(0, 4), ...sections.slice(3)]));
  assert.match(twice.problems.join(), /Section SYST at byte \d+ is there already/);
  const turned = readTrace(fileOf([sections[1]!, sections[0]!, ...sections.slice(2)]));
  assert.match(turned.problems.join(), /Section INFO at byte \d+ is not in its place/);
  assert.equal(turned.systems.length, 4);
  const behind = new Uint8Array([...handMade().bytes(), 1, 2, 3]);
  assert.match(readTrace(behind).problems.join(), /goes on after END, from byte \d+ on/);
});

test('zones of a worker that is not there stay with the caller', () => {
  const made = handMade();
  made.zone(0, KIND.LOST, 1600, 1700, 1 + 9 * 65536);
  const trace = readTrace(made.bytes());
  assert.match(trace.problems.join(), /1 zones are of worker 9, which is not there/);
  assert.equal(trace.rows[0]!.kind.at(-1), KIND.LOST);
});

test('records of kinds that are not known are passed over', () => {
  const made = handMade();
  made.zone(1, 77, 0, 5);
  made.mark(1, KIND.IDLE, 5);
  assert.deepEqual(readTrace(made.bytes()), readTrace(handMade().bytes()));
});

test('files that lie with right checksums do no harm', () => {
  const dice = new Dice(20);
  const sections = makeTrace({ frames: 4, systems: 4, workers: 2, seed: 9 }).sections();
  for (let round = 0; round < 400; round++) {
    const lies = sections.map(([tag, payload]): [string, Uint8Array] => [tag, payload.slice()]);
    for (let n = dice.int(1, 4); n > 0; n--) {
      const [, payload] = lies[dice.int(0, lies.length - 2)]!;
      if (payload.length === 0) continue;
      const at = dice.int(0, payload.length - 1);
      if (dice.chance(0.5)) payload[at] = dice.int(0, 255);
      else payload.fill(dice.chance(0.5) ? 255 : 0, at, at + dice.int(1, 32));
    }
    if (dice.chance(0.3)) lies.splice(dice.int(0, lies.length - 1), 1);
    if (dice.chance(0.2)) {
      const i = dice.int(0, lies.length - 1);
      lies[i] = [lies[i]![0], lies[i]![1].subarray(0, dice.int(0, lies[i]![1].length))];
    }
    try {
      useAll(readTrace(fileOf(lies)));
    } catch (error) {
      throw new Error(`round ${round}`, { cause: error });
    }
  }
});

/** Ten times as much takes about ten times as long, not a hundred times. `make` gives the work of a
 * size; what a busy machine does to one turn it does not do to the best of five. */
function staysInStep(name: string, size: number, make: (size: number) => () => void): void {
  const best = (work: () => void): number => {
    let least = Infinity;
    for (let i = 0; i < 5; i++) {
      const began = performance.now();
      work();
      least = Math.min(least, performance.now() - began);
    }
    return least;
  };
  const small = best(make(size));
  const large = best(make(10 * size));
  assert.ok(large < 40 * small, `${name}: ${small} ms, ten times as much ${large} ms`);
}

test('files that are made to be slow are not', () => {
  const slow: [string, (made: ReturnType<typeof handMade>, i: number) => void][] = [
    ['zones in zones', (made, i) => made.zone(0, KIND.HOST, 1400 - i * 1e-3, 1400 + i)],
    ['zones backwards', (made, i) => made.zone(0, KIND.BLOCK, 200_000 - i, 200_001 - i)],
    ['zones at one moment', (made, i) => made.zone(0, 3 + (i % 8), 300, 300 + (i % 7))],
    ['sections at one moment', made => made.zone(0, KIND.TASKS, 300, 310)],
    ['frames at one moment', made => made.zone(0, KIND.FRAME, 2000, 2000)],
    ['lost zones', (made, i) => made.zone(0, KIND.LOST, i, i + 2, 65536)],
    ['lost zones of nobody', (made, i) => made.zone(0, KIND.LOST, i, i + 2, 99 * 65536)],
    ['works of many systems', (made, i) => made.zone(1, KIND.BLOCK, 50 + i / 1e3, 60, i & 65535)],
  ];
  for (const [name, add] of slow) {
    staysInStep(name, 3000, count => {
      const made = handMade();
      for (let i = 0; i < count; i++) add(made, i);
      const bytes = made.bytes();
      return () => useAll(readTrace(bytes));
    });
  }
});

test('a section that claims to be everywhere is given up', () => {
  // Heads of sections all over the file, each of which would be summed up to the file's end.
  staysInStep('heads', 400 << 10, size => {
    const bytes = new Uint8Array(size);
    bytes.set(handMade().bytes().subarray(0, 16));
    const view = new DataView(bytes.buffer);
    for (let at = 16; at + 16 < bytes.length; at += 16) {
      bytes.set(Buffer.from('THRD'), at);
      view.setUint32(at + 8, bytes.length - at - 64, true);
    }
    return () => assert.ok(readTrace(bytes).problems.length > 0);
  });
});

test('a page is made of the template and the bytes', () => {
  const bytes = makeTrace({ frames: 30 }).bytes();
  assert.ok(bytes.length > 3 * 8192 * 2);
  const page = traceHtml(bytes, '<script>"SKEP_TRACE_BASE64"</script>');
  const [, text] = /^<script>"(.*)"<\/script>$/.exec(page)!;
  assert.deepEqual(new Uint8Array(Buffer.from(text!, 'base64')), bytes);
  assert.equal(text!.length, Math.ceil(bytes.length / 3) * 4);
  for (const wrong of ['<p>', 'SKEP_TRACE_BASE64 SKEP_TRACE_BASE64']) {
    assert.throws(() => traceHtml(bytes, wrong), { code: 'E_ARGUMENT', hint: /viewer/ });
  }
});
