// SPDX-License-Identifier: MIT
// The command reads traces in C, the package in TypeScript, both by docs/trace-format.md: over
// traces of all kinds they come to the same figures, number by number, and to the same JSON.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  REASON_TEXT,
  compareTraces,
  criticalPath,
  firstAdvice,
  percentile,
  readTrace,
  systemStats,
  threadStats,
  traceJson,
  whatHelps,
  worstFrames,
  type Trace,
  type TraceChange,
  type TraceFrame,
} from 'skep/trace';
import { Dice, handMade, makeTrace, type TraceShape } from './support/trace_make.ts';
import { validateTraceEvents } from './support/trace_validate.ts';

const skep = process.env['SKEP_BIN'];
assert.ok(skep, 'SKEP_BIN must name the command');
const folder = mkdtempSync(join(tmpdir(), 'skep-trace-'));
after(() => rmSync(folder, { recursive: true }));

function run(...words: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(skep!, words, {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    timeout: 60000,
  });
  return { code: status, out: stdout, err: stderr };
}

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Doubles may be added up in another order. */
function near(actual: number, expected: number, what: string): void {
  const off = Math.abs(actual - expected);
  assert.ok(off <= 1e-9 * Math.abs(expected) + 1e-3, `${what}: C ${actual}, here ${expected}`);
}

interface System {
  system: string;
  number: number;
  runs: number;
  blocks: number;
  copied: number;
  total_ns: number;
  self_ns: number;
  share: number;
  p50_ns: number;
  p95_ns: number;
  p99_ns: number;
  max_ns: number;
  longest: { ns: number; thread: number };
  by_thread_ns: number[];
}

interface Worst {
  tick: number;
  begin_ns: number;
  ns: number;
  path: { what: string; thread: number; begin_ns: number; end_ns: number }[];
  help: { system: string; number: number; without_ns: number; split_ns: number }[];
  advice: { number: number; do: string; saves_ns: number } | null;
}

interface Summary {
  zones: number;
  problems: { section: string }[];
  frames: {
    count: number;
    p50_ns: number;
    p95_ns: number;
    p99_ns: number;
    max_ns: number;
    slow: number;
  };
  systems: System[];
  threads: {
    thread: number;
    name: string;
    utilisation: number;
    busy_ns: number;
    idle_ns: Record<string, number>;
  }[];
  worst: Worst[];
}

function compareFrames(c: Summary, trace: Trace): void {
  const rising = trace.frames.map(f => f.end - f.begin).sort((a, b) => a - b);
  assert.equal(c.frames.count, rising.length);
  assert.equal(
    c.zones,
    trace.rows.reduce((sum, row) => sum + row.count, 0),
  );
  if (rising.length === 0) return;
  near(c.frames.p50_ns, percentile(rising, 50), 'p50 of frames');
  near(c.frames.p95_ns, percentile(rising, 95), 'p95 of frames');
  near(c.frames.p99_ns, percentile(rising, 99), 'p99 of frames');
  near(c.frames.max_ns, rising.at(-1)!, 'max of frames');
}

function compareSystems(c: Summary, trace: Trace): void {
  const ours = systemStats(trace, 0, trace.frames.length);
  assert.deepEqual(c.systems.map(s => s.number).sort(), ours.map(s => s.number).sort());
  const total = ours.reduce((sum, s) => sum + s.totalNs, 0);
  for (const their of c.systems) {
    const own = ours.find(s => s.number === their.number)!;
    const what = own.system;
    assert.equal(their.system, own.system);
    assert.equal(their.runs, own.runs, what);
    assert.equal(their.blocks, own.blocks, what);
    assert.equal(their.copied, own.copied, what);
    near(their.total_ns, own.totalNs, `${what} total`);
    near(their.self_ns, own.selfNs, `${what} self`);
    near(their.p50_ns, own.p50Ns, `${what} p50`);
    near(their.p95_ns, own.p95Ns, `${what} p95`);
    near(their.p99_ns, own.p99Ns, `${what} p99`);
    near(their.max_ns, own.maxNs, `${what} max`);
    near(their.longest.ns, own.longest.ns, `${what} longest`);
    assert.equal(their.longest.thread, own.longest.thread, what);
    near(their.share, total > 0 ? own.totalNs / total : 0, `${what} share`);
    const there = trace.rows.filter(row => !row.missing);
    assert.equal(their.by_thread_ns.length, there.length);
    for (const [i, { thread }] of there.entries()) {
      near(their.by_thread_ns[i]!, own.byThread[thread]!, `${what} on ${thread}`);
    }
  }
}

function compareThreads(c: Summary, trace: Trace): void {
  const ours = threadStats(trace, 0, trace.frames.length);
  assert.deepEqual(
    c.threads.map(({ thread, name }) => [thread, name]),
    ours.map(({ thread, name }) => [thread, name]),
  );
  for (const [i, own] of ours.entries()) {
    const their = c.threads[i]!;
    near(their.busy_ns, own.busyNs, `${own.name} busy`);
    near(their.utilisation, own.utilisation, `${own.name} utilisation`);
    for (const [reason, text] of Object.entries(REASON_TEXT)) {
      near(their.idle_ns[text]!, own.idleNs[Number(reason)]!, `${own.name} ${text}`);
    }
  }
}

function compareWorst(c: Summary, trace: Trace): void {
  const ours = worstFrames(trace, trace.frames.length);
  assert.deepEqual(
    c.worst.map(w => w.tick),
    ours.map(f => f.tick),
  );
  for (const [i, frame] of ours.entries()) {
    const their = c.worst[i]!;
    const what = `frame ${frame.tick}`;
    const path = criticalPath(trace, frame);
    assert.deepEqual(
      their.path.map(s => `${s.what} ${s.thread}`),
      path.map(s => `${s.what} ${s.thread}`),
      what,
    );
    for (const [k, segment] of path.entries()) {
      assert.equal(their.path[k]!.begin_ns, segment.begin, what);
      assert.equal(their.path[k]!.end_ns, segment.end, what);
    }
    compareHelp(their, trace, frame, what);
  }
}

function compareHelp(their: Worst, trace: Trace, frame: TraceFrame, what: string): void {
  const ours = whatHelps(trace, frame);
  const numbers = (list: readonly { number: number }[]): number[] =>
    list.map(h => h.number).sort((a, b) => a - b);
  assert.deepEqual(numbers(their.help), numbers(ours), what);
  for (const own of ours) {
    const same = their.help.find(h => h.number === own.number)!;
    assert.equal(same.system, own.system);
    near(same.without_ns, own.withoutNs, `${what} without ${own.system}`);
    near(same.split_ns, own.splitNs, `${what} split ${own.system}`);
  }
  const advice = firstAdvice(trace, frame);
  assert.equal(their.advice?.number, advice?.number, what);
  if (advice !== null) assert.equal(their.advice!.do, advice.split ? 'split' : 'without', what);
}

/** Compares all that both say of a file; `sound`: the file is a good one. */
function compareFile(path: string, sound = true): Trace {
  const trace = readTrace(readFileSync(path));
  const { code, out, err } = run('trace', 'summary', path, '--json', '--worst', '1000000');
  assert.equal(code, sound ? 0 : 1, err);
  const c = JSON.parse(out) as Summary;
  assert.equal(c.problems.length > 0, !sound);
  assert.equal(trace.problems.length > 0, !sound);
  compareFrames(c, trace);
  compareSystems(c, trace);
  compareThreads(c, trace);
  compareWorst(c, trace);
  return trace;
}

interface Event {
  ph: string;
  tid: number;
  ts: number;
  name: string;
}

/** Events of a JSON text by phase and thread, in order. */
function sorted(text: string): Map<string, Event[]> {
  const found = new Map<string, Event[]>();
  for (const event of (JSON.parse(text) as { traceEvents: Event[] }).traceEvents) {
    const key = `${event.ph} ${event.tid}`;
    const list = found.get(key) ?? [];
    list.push(event);
    found.set(key, list);
  }
  // Counters and moments need no order.
  for (const [key, list] of found) {
    if (/^[Ci]/.test(key)) list.sort((a, b) => a.ts - b.ts || (a.name < b.name ? -1 : 1));
  }
  return found;
}

function compareJson(path: string, trace: Trace): void {
  const to = join(folder, 'out.json');
  const { err } = run('trace', 'convert', path, to);
  const text = readFileSync(to, 'utf8');
  const verdict = validateTraceEvents(text);
  assert.deepEqual(verdict.problems, [], err);
  const theirs = sorted(text);
  const ours = sorted([...traceJson(trace)].join(''));
  assert.deepEqual([...theirs.keys()].sort(), [...ours.keys()].sort());
  for (const [key, list] of ours) assert.deepEqual(theirs.get(key), list, key);
}

const shapes: TraceShape[] = [
  {},
  { frames: 1, workers: 0 },
  { frames: 40, systems: 3, workers: 1, slow: 0.2 },
  { frames: 60, systems: 12, workers: 3, budgetNs: 8e6 },
  { frames: 20, systems: 40, workers: 7, calm: true },
  { frames: 30, systems: 8, workers: 2, stepNs: 5000 },
  { frames: 30, systems: 8, workers: 2, stepNs: 100000 },
  { frames: 25, systems: 10, workers: 3, nsPerTick: 0.4166 },
  { frames: 25, systems: 10, workers: 3, nsPerTick: 41.666 },
];

test('by hand', () => {
  const path = file('hand.skept', handMade().bytes());
  compareJson(path, compareFile(path));
});

for (const [i, shape] of shapes.entries()) {
  test(`made of ${JSON.stringify(shape)}`, () => {
    for (let seed = 1; seed <= 2; seed++) {
      const path = file(`made-${i}.skept`, makeTrace({ ...shape, seed }).bytes());
      compareJson(path, compareFile(path));
    }
  });
}

test('damaged and cut off: what is left is the same', () => {
  const dice = new Dice(5);
  const bytes = makeTrace({ frames: 8, systems: 6, workers: 2, seed: 9 }).bytes();
  for (let round = 0; round < 24; round++) {
    const size = round % 2 ? bytes.length : dice.int(100, bytes.length - 1);
    const damaged = bytes.slice(0, size);
    if (round % 2) damaged[dice.int(16, size - 1)]! ^= 1 << dice.int(0, 7);
    const path = file('damaged.skept', damaged);
    compareJson(path, compareFile(path, false));
  }
});

test('one run of skep itself', () => {
  const path = join(folder, 'real.skept');
  const words = ['--frames', '30', '--entities', '3000', '--workers', '2', '--trace', path];
  assert.equal(run('run', 'skies', ...words).code, 0);
  const trace = compareFile(path);
  assert.equal(trace.frames.length, 30);
  assert.equal(trace.host.get('scene'), 'skies');
  compareJson(path, trace);
});

interface Compared {
  system: string;
  only: 'a' | 'b' | null;
  clear: boolean;
  p50_ns: TheirChange | null;
  p99_ns: TheirChange | null;
  share: TheirChange | null;
}

interface TheirChange {
  a: number;
  b: number;
  low: number | null;
  high: number | null;
}

function compareChange(their: TheirChange | null, own: TraceChange, what: string): void {
  assert.ok(their, what);
  near(their.a, own.a, what);
  near(their.b, own.b, what);
  if (Number.isNaN(own.low)) assert.equal(their.low, null, what);
  else near(their.low ?? NaN, own.low, what);
  if (!Number.isNaN(own.high)) near(their.high ?? NaN, own.high, what);
}

test('two traces compared', () => {
  for (let seed = 1; seed <= 6; seed++) {
    const shape = { frames: seed === 6 ? 5 : 60, systems: 8 + seed, workers: 2, seed };
    const a = makeTrace(shape).bytes();
    const other = { ...shape, seed: seed + 100, systems: 9, heavier: 2 };
    const b = makeTrace(other).bytes();
    const paths = [file('a.skept', a), file('b.skept', b)] as const;
    const { code, out, err } = run('trace', 'compare', ...paths, '--json');
    assert.equal(code, 0, err);
    const theirs = (JSON.parse(out) as { systems: Compared[] }).systems;
    const ours = compareTraces(readTrace(a), readTrace(b));
    assert.deepEqual(
      theirs.map(({ system, only, clear }) => ({ system, only, clear })),
      ours.map(({ system, only, clear }) => ({ system, only, clear })),
    );
    for (const [i, own] of ours.entries()) {
      const their = theirs[i]!;
      if (own.only !== null) {
        assert.equal(their.p50_ns, null);
        continue;
      }
      compareChange(their.p50_ns, own.p50, `${own.system} p50`);
      compareChange(their.p99_ns, own.p99, `${own.system} p99`);
      compareChange(their.share, own.share, `${own.system} share`);
    }
  }
});
