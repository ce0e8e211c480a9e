// SPDX-License-Identifier: MIT
// Traces as JSON: event by event for one made by hand, by a strict validator for random and damaged
// ones. The validator itself must refuse each of many ways to be wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KIND, readTrace, stages, batches, traceJson, type Trace } from 'skep/trace';
import { Dice, fileOf, handMade, makeTrace, type TraceShape } from './support/trace_make.ts';
import { validateTraceEvents } from './support/trace_validate.ts';

type Event = Record<string, unknown>;

function jsonOf(trace: Trace): string {
  return [...traceJson(trace)].join('');
}

function eventsOf(text: string): Event[] {
  return (JSON.parse(text) as { traceEvents: Event[] }).traceEvents;
}

const hand = readTrace(handMade().bytes());
const handText = jsonOf(hand);
const handEvents = eventsOf(handText);

function ofPhase(...phases: string[]): Event[] {
  return handEvents.filter(({ ph }) => phases.includes(ph as string));
}

test('by hand: names', () => {
  assert.deepEqual(
    ofPhase('M').map(({ name, pid, tid, args }) => [name, pid, tid, args]),
    [
      ['process_name', 1, 1, { name: 'by "hand"' }],
      ['thread_name', 1, 1, { name: 'caller' }],
      ['thread_sort_index', 1, 1, { sort_index: 0 }],
      ['thread_name', 1, 2, { name: 'worker 1' }],
      ['thread_sort_index', 1, 2, { sort_index: 1 }],
      ['thread_name', 1, 3, { name: 'second' }],
      ['thread_sort_index', 1, 3, { sort_index: 2 }],
    ],
  );
});

test('by hand: zones, none of whose ends falls on another end or beginning', () => {
  const zones = ofPhase('X').map(({ tid, name, cat, ts, dur }) => [
    tid,
    name,
    cat,
    ts,
    Math.round(((ts as number) + (dur as number)) * 1000) / 1000,
  ]);
  assert.deepEqual(zones.slice(0, 11), [
    [1, 'frame', 'frame', 0, 10],
    [1, 'update', 'stage', 0, 7.3],
    [1, 'batch 1', 'batch', 0, 4.6],
    [1, 'snapshot', 'snapshot', 0.1, 0.3],
    [1, 'tasks', 'tasks', 0.4, 4],
    [1, 'wake', 'wake', 0.5, 0.6],
    [1, 'move', 'block', 0.7, 1.5],
    [1, 'verify', 'verify', 4.001, 4.2],
    [1, 'commit', 'commit', 4.3, 4.599],
    [1, 'apply', 'apply', 4.4, 4.5],
    [1, 'batch 2', 'batch', 4.601, 7.299],
  ]);
  assert.deepEqual(zones.slice(15, 23), [
    [1, 'commit', 'commit', 7.1, 7.298],
    [1, 'late', 'stage', 7.301, 8.2],
    [1, 'batch 3', 'batch', 7.301, 8.199],
    [1, 'snapshot', 'snapshot', 7.4, 8],
    [1, 'scöre', 'system', 7.5, 7.9],
    [1, 'commit', 'commit', 8.001, 8.198],
    [1, 'draw', 'host', 10.5, 11.5],
    [1, 'frame', 'frame', 12, 15],
  ]);
  assert.deepEqual(zones.slice(23, 28), [
    [1, 'batch 7', 'batch', 12, 14.2],
    [1, 'snapshot', 'snapshot', 12.1, 12.2],
    [1, 'tasks', 'tasks', 12.3, 14],
    [1, 'wake', 'wake', 12.3, 12.5],
    [1, 'commit', 'commit', 14.1, 14.199],
  ]);
  assert.deepEqual(zones.slice(28), [
    [2, 'move', 'block', 0.8, 2],
    [2, 'move', 'block', 2.2, 3.9],
    [2, 'system 9', 'block', 12.4, 13],
    [3, 'move', 'block', 1, 1.8],
    [3, 'find', 'host', 1.1, 1.5],
    [3, 'strike', 'block', 5.2, 6],
    [3, 'strike', 'lost', 6.1, 6.8],
    [3, 'respawn', 'respawn', 6.801, 8.5],
  ]);
  const args = (name: string): unknown => ofPhase('X').find(zone => zone['name'] === name)!['args'];
  assert.deepEqual(args('frame'), { tick: 41 });
  assert.deepEqual(args('move'), { system: 1, blocks: 2, block: 0 });
  assert.deepEqual(args('scöre'), { system: 4, blocks: 2, rows: 10 });
  assert.deepEqual(args('tidy'), { system: 3, fallback: 0 });
  assert.deepEqual(args('wake'), { workers: 2, woken: 2, tasks: 4 });
  assert.deepEqual(args('batch 1'), {});
});

test('by hand: counters, moments, arrows', () => {
  const counters = ofPhase('C').map(({ name, ts, args }) => [name, ts, args]);
  assert.deepEqual(counters, [
    ['entities', 9, { value: 100 }],
    ['patches', 9, { value: 7 }],
    ['bytes', 9, { value: 2 ** 32 + 5 }],
    ['blocks copied', 9, { value: 5 }],
  ]);
  assert.deepEqual(
    ofPhase('i').map(({ name, ts, s, args }) => [name, ts, s, args]),
    [
      ['fault', 6.8, 'p', { system: 2, worker: 2, action: 1, status: 3, blocks: 1 }],
      ['copied', 7.45, 't', { system: 4, why: 1, blocks: 5 }],
    ],
  );
  const ends = ofPhase('s', 'f').map(({ ph, name, id, tid, ts }) => [ph, name, id, tid, ts]);
  assert.deepEqual(ends, [
    ['s', 'dispatch', 1, 1, 0.5],
    ['f', 'dispatch', 1, 2, 0.8],
    ['s', 'result', 2, 2, 3.899],
    ['f', 'result', 2, 1, 4.3],
    ['s', 'dispatch', 3, 1, 0.5],
    ['f', 'dispatch', 3, 3, 1],
    ['s', 'result', 4, 3, 1.799],
    ['f', 'result', 4, 1, 4.3],
    ['s', 'dispatch', 5, 1, 4.9],
    ['f', 'dispatch', 5, 3, 5.2],
    ['s', 'result', 6, 3, 6.799],
    ['f', 'result', 6, 1, 7.1],
    ['s', 'dispatch', 7, 1, 12.3],
    ['f', 'dispatch', 7, 2, 12.4],
    ['s', 'result', 8, 2, 12.999],
    ['f', 'result', 8, 1, 14.1],
  ]);
  assert.ok(ofPhase('f').every(({ bp, cat }) => bp === 'e' && cat === 'flow'));
});

/** Zones, and the spans that are worked out: as many as there are X events. */
function zoneEvents(trace: Trace): number {
  const spans = trace.frames.map(
    frame => batches(trace, frame).length + stages(trace, frame).length,
  );
  const zones = trace.rows.map(({ count }) => count);
  return [...zones, ...spans].reduce((sum, count) => sum + count, 0);
}

function assertGood(trace: Trace): void {
  const { problems, counts, zones } = validateTraceEvents(jsonOf(trace));
  assert.deepEqual(problems, []);
  assert.equal(counts['X'] ?? 0, zoneEvents(trace));
  trace.rows.slice(1).forEach(row => assert.equal(zones.get(row.thread + 1) ?? 0, row.count));
  const values = trace.counters.reduce((sum, { at }) => sum + at.length, 0);
  assert.equal(counts['C'] ?? 0, values);
  assert.equal(counts['i'] ?? 0, trace.marks.length);
}

const SHAPES: TraceShape[] = [
  { seed: 51 },
  { seed: 52, workers: 0 },
  { seed: 53, workers: 7, systems: 60, frames: 20 },
  { seed: 54, stepNs: 5000, frames: 200 },
  { seed: 55, stepNs: 100_000, frames: 200, systems: 5 },
  { seed: 56, nsPerTick: 41.666666, workers: 2 },
];
for (const shape of SHAPES) {
  test(`random traces make valid JSON [${JSON.stringify(shape)}]`, () => {
    assertGood(readTrace(makeTrace(shape).bytes()));
  });
}

test('the JSON comes in pieces of a bounded size', () => {
  const pieces = [...traceJson(readTrace(makeTrace({ frames: 200 }).bytes()))];
  assert.ok(pieces.length > 10);
  assert.ok(pieces.every(piece => piece.length < 70_000));
});

test('zones that overlap or were put across batches nest all the same', () => {
  const made = handMade();
  made.zone(0, KIND.HOST, 425, 475, 1); // across the end of batch 1
  made.zone(0, KIND.HOST, -50, 2000, 2); // around all
  made.zone(0, KIND.RUN, 1470, 1600, 3); // out of its frame
  made.zone(1, KIND.BLOCK, 1250, 1310, 1); // over the one before
  made.zone(1, KIND.HOST, 1260, 1270, 2); // in both
  made.zone(2, KIND.BLOCK, 640, 700, 1); // over LOST and RESPAWN
  assertGood(readTrace(made.bytes()));
});

test('a trace without frames, or without anything, is valid JSON', () => {
  const sections = handMade().sections();
  assertGood(readTrace(fileOf(sections.filter(([tag]) => tag !== 'THRD'))));
  const caller = sections.findIndex(([tag]) => tag === 'THRD');
  assertGood(readTrace(fileOf(sections.filter((_, i) => i !== caller))));
});

test('damaged files that can be read make valid JSON', () => {
  const dice = new Dice(77);
  const sections = makeTrace({ frames: 3, systems: 5, workers: 2, seed: 6 }).sections();
  let looked = 0;
  for (let round = 0; round < 150; round++) {
    const lies = sections.map(([tag, payload]): [string, Uint8Array] => [tag, payload.slice()]);
    for (let n = dice.int(1, 6); n > 0; n--) {
      const [, payload] = lies[dice.int(0, lies.length - 2)]!;
      if (payload.length > 0) payload[dice.int(0, payload.length - 1)] = dice.int(0, 255);
    }
    const trace = readTrace(fileOf(lies));
    // Beyond 52 days numbers have no room for nanoseconds; only damage makes such times.
    if (trace.rows.some(({ end }) => end.some(ns => Math.abs(ns) > 2 ** 52))) continue;
    looked++;
    try {
      assertGood(trace);
    } catch (error) {
      throw new Error(`round ${round}`, { cause: error });
    }
  }
  assert.ok(looked > 100, `only ${looked} of them`);
});

/* The validator. */

/** Changes one event, found by some of its members, to something else, or drops or doubles it. */
function mutant(find: Event, change: (event: Event, events: Event[], at: number) => void): string {
  const events = eventsOf(handText);
  const at = events.findIndex(event =>
    Object.entries(find).every(([name, value]) => event[name] === value),
  );
  assert.ok(at >= 0, JSON.stringify(find));
  change(events[at]!, events, at);
  const lines = events.map(event => JSON.stringify(event));
  return `{"traceEvents":[\n${lines.join(',\n')}\n]}\n`;
}

const put =
  (members: Event) =>
  (event: Event): void => {
    Object.assign(event, members);
  };
const drop =
  (name: string) =>
  (event: Event): void => {
    Reflect.deleteProperty(event, name);
  };
const remove = (_: Event, events: Event[], at: number): void => {
  events.splice(at, 1);
};
const double = (event: Event, events: Event[], at: number): void => {
  events.splice(at, 0, { ...event });
};

const MUTANTS: [RegExp, string][] = [
  [/no JSON/, handText.replace('"dur":', '"dur":NaN,"x":')],
  [/no JSON/, handText.slice(0, -4)],
  [/no JSON/, handText.replace('},\n', '}\n')],
  [/no object with just/, '[]'],
  [/no object with just/, handText.replace('{"traceEvents"', '{"more":1,"traceEvents"')],
  [/events on \d+ lines/, handText.replace('},\n', '},')],
  [/events on \d+ lines/, handText.replace('},\n', '}\n,')],
  [/is no object/, handText.replace('\n]}', ',\n1\n]}')],
  [/has a ph "B"/, mutant({ ph: 'X' }, put({ ph: 'B' }))],
  [/has a ph "XM"/, mutant({ ph: 'X' }, put({ ph: 'XM' }))],
  [/of process 2/, mutant({ ph: 'X' }, put({ pid: 2 }))],
  [/of process undefined/, mutant({ ph: 'C' }, drop('pid'))],
  [/of thread 0/, mutant({ ph: 'X' }, put({ tid: 0 }))],
  [/of thread 1.5/, mutant({ ph: 'X' }, put({ tid: 1.5 }))],
  [/of a thread 9 without name/, mutant({ ph: 'X' }, put({ tid: 9 }))],
  [/of a thread 3 without name/, mutant({ name: 'thread_name', tid: 3 }, remove)],
  [/thread 3 has no place/, mutant({ name: 'thread_sort_index', tid: 3 }, remove)],
  [/the process has no name/, mutant({ name: 'process_name' }, remove)],
  [/is a second process_name/, mutant({ name: 'process_name' }, double)],
  [/is a second thread_name 2/, mutant({ name: 'thread_name', tid: 2 }, double)],
  [/has args without name/, mutant({ name: 'thread_name' }, put({ args: {} }))],
  [/has args without name/, mutant({ name: 'thread_name' }, put({ args: { name: '' } }))],
  [/has args without sort/, mutant({ name: 'thread_sort_index' }, put({ args: { name: 'x' } }))],
  [/names a process_labels/, mutant({ name: 'process_name' }, put({ name: 'process_labels' }))],
  [
    /names something behind/,
    mutant({ name: 'thread_name', tid: 3 }, (event, events, at) => {
      events.splice(at, 1);
      events.push(event);
    }),
  ],
  [/has a ts that is no number/, mutant({ ph: 'X' }, put({ ts: '0.1' }))],
  [/has a ts that is no number/, mutant({ ph: 'i' }, put({ ts: null }))],
  [/no whole nanoseconds/, mutant({ ph: 'X', name: 'verify' }, put({ ts: 4.0014 }))],
  [/no whole nanoseconds/, mutant({ ph: 'X', name: 'verify' }, put({ dur: 0.0001 }))],
  [/has a dur of -0.1/, mutant({ ph: 'X', name: 'verify' }, put({ dur: -0.1 }))],
  [/has a dur of 0/, mutant({ ph: 'X', name: 'verify' }, put({ dur: 0 }))],
  [/has a dur that is no number/, mutant({ ph: 'X' }, drop('dur'))],
  [/has no name/, mutant({ ph: 'X' }, put({ name: '' }))],
  [/has no name/, mutant({ ph: 'X' }, put({ name: 7 }))],
  [/zone of kind flow/, mutant({ ph: 'X' }, put({ cat: 'flow' }))],
  [/zone of kind fault/, mutant({ ph: 'X' }, put({ cat: 'fault' }))],
  [/zone of kind idle/, mutant({ ph: 'X' }, put({ cat: 'idle' }))],
  [/has args,cat,dur,more/, mutant({ ph: 'X' }, put({ more: 1 }))],
  [/has no args/, mutant({ ph: 'X' }, put({ args: [] }))],
  [/has args , not tick/, mutant({ cat: 'frame' }, put({ args: {} }))],
  [/has args tick,x, not tick/, mutant({ cat: 'frame' }, put({ args: { tick: 1, x: 2 } }))],
  [/has a tick of -1/, mutant({ cat: 'frame' }, put({ args: { tick: -1 } }))],
  [/has a tick of 1.5/, mutant({ cat: 'frame' }, put({ args: { tick: 1.5 } }))],
  [/has a worker of 65536/, mutant({ cat: 'respawn' }, put({ args: { worker: 65536 } }))],
  [/zone out of order/, mutant({ cat: 'verify' }, put({ ts: 0.05, dur: 0.001 }))],
  [
    /zone out of order/,
    mutant({ cat: 'host', name: 'draw' }, (event, events, at) => {
      events.splice(at, 1);
      events.splice(at + 3, 0, event);
    }),
  ],
  [/ends 11 ns behind the one around it/, mutant({ cat: 'apply' }, put({ dur: 0.21 }))],
  [/ends 0 ns behind the one around it/, mutant({ cat: 'apply' }, put({ dur: 0.199 }))],
  [/begins where another one ends/, mutant({ cat: 'verify' }, put({ ts: 4 }))],
  [/ends \d+ ns behind the one around it/, mutant({ name: 'batch 2' }, put({ dur: 2.701 }))],
  [/counts drops/, mutant({ ph: 'C' }, put({ name: 'drops' }))],
  [/counts frame/, mutant({ ph: 'C' }, put({ name: 'frame' }))],
  [/has a value of -3/, mutant({ ph: 'C' }, put({ args: { value: -3 } }))],
  [/has a value of null/, mutant({ ph: 'C' }, put({ args: { value: null } }))],
  [/has args entities/, mutant({ ph: 'C' }, put({ args: { entities: 3 } }))],
  [
    /is a entities that goes back/,
    mutant({ ph: 'C' }, (event, events) => {
      events.push({ ...event, ts: 8 });
    }),
  ],
  [/moment of kind frame/, mutant({ ph: 'i' }, put({ name: 'frame' }))],
  [/moment of kind fault/, mutant({ ph: 'i' }, put({ cat: 'copied' }))],
  [/has a scope t, not p/, mutant({ ph: 'i', name: 'fault' }, put({ s: 't' }))],
  [/has a scope g, not t/, mutant({ ph: 'i', name: 'copied' }, put({ s: 'g' }))],
  [/has args .* not ph,pid,tid,name|has args,/, mutant({ ph: 'i' }, drop('s'))],
  [/arrow 1, which does not end/, mutant({ ph: 'f', id: 1 }, remove)],
  [/ends arrow 1, which has not begun/, mutant({ ph: 's', id: 1 }, remove)],
  [/second f of arrow 1/, mutant({ ph: 'f', id: 1 }, double)],
  [/second s of arrow 1/, mutant({ ph: 's', id: 1 }, double)],
  [/second s of arrow 2/, mutant({ ph: 's', id: 1 }, put({ id: 2 }))],
  [
    /ends arrow 3, which has not begun/,
    mutant({ ph: 'f', id: 3 }, (event, events, at) => {
      events.splice(at, 1);
      events.splice(at - 1, 0, event);
    }),
  ],
  [/ends 700 ns before it begins/, mutant({ ph: 's', id: 1 }, put({ ts: 1.5 }))],
  [/has an id one/, mutant({ ph: 's', id: 1 }, put({ id: 'one' }))],
  [/an arrow wake/, mutant({ ph: 's', id: 1 }, put({ name: 'wake' }))],
  [/is a dispatch that began as result/, mutant({ ph: 's', id: 1 }, put({ name: 'result' }))],
  [/an arrow of kind x/, mutant({ ph: 's', id: 1 }, put({ cat: 'x' }))],
  [/ends on the next zone/, mutant({ ph: 'f', id: 1 }, put({ bp: 's' }))],
  [/has bp,cat,|has cat,id/, mutant({ ph: 'f', id: 1 }, drop('bp'))],
  [/no arrow of caller and worker/, mutant({ ph: 's', id: 1 }, put({ tid: 3 }))],
  [/no arrow of caller and worker/, mutant({ ph: 'f', id: 1 }, put({ tid: 1, ts: 0.7 }))],
  [/begins outside of all zones/, mutant({ ph: 's', id: 8 }, put({ ts: 13.5 }))],
  [/does not end where a zone begins/, mutant({ ph: 'f', id: 1 }, put({ ts: 0.801 }))],
];

test('the validator takes what is good', () => {
  assert.deepEqual(validateTraceEvents(handText).problems, []);
  assert.deepEqual(validateTraceEvents(mutant({ ph: 'X' }, put({}))).problems, []);
  const { counts, zones } = validateTraceEvents(handText);
  assert.deepEqual(counts, { M: 7, X: 36, C: 4, s: 8, f: 8, i: 2 });
  assert.deepEqual(
    [...zones],
    [
      [1, 28],
      [2, 3],
      [3, 5],
    ],
  );
});

MUTANTS.forEach(([problem, text], i) => {
  test(`the validator refuses mutant ${i}: ${problem.source}`, () => {
    const { problems } = validateTraceEvents(text);
    assert.ok(
      problems.some(one => problem.test(one)),
      `it says: ${problems.join('; ') || 'good'}`,
    );
  });
});
