// SPDX-License-Identifier: MIT
// Why a frame took as long as it did, in plain English: how long, what on its critical path had
// most of it, where that ran while who waited, and what would shorten it most. Everything in it
// comes from the critical path, `whatHelps` and the marks of the frame.

import { threadStats } from '../js/src/trace/idle.js';
import { KIND, REASON_TEXT, WHY_TEXT } from '../js/src/trace/kinds.js';
import { criticalPath, firstAdvice } from '../js/src/trace/path.js';
import { isOfSystem, systemName, zonesIn } from '../js/src/trace/sections.js';
import { systemStats } from '../js/src/trace/stats.js';
import type { Trace, TraceFrame, TraceSegment } from '../js/src/trace/types.js';
import { count, list, plural, share, threadName, time } from './format.ts';

/** What is said of a frame. */
export interface Verdict {
  readonly headline: string;
  /** Over the budget, or among the slowest without one. */
  readonly slow: boolean;
  /** What had most of it, and what would help. */
  readonly why: readonly string[];
  /** What else is worth knowing. */
  readonly more: readonly string[];
}

/** Less than this part of a frame is not why it was slow. */
const MUCH = 0.12;

/** The middle of each system's runs over all frames, by its number. */
export type Usual = ReadonlyMap<number, number>;

/** What of a critical path belongs to one name. */
export interface PathShare {
  readonly what: string;
  readonly ns: number;
  readonly segments: readonly TraceSegment[];
}

/** A critical path by name, the largest first. */
export function pathShares(path: readonly TraceSegment[]): PathShare[] {
  const all = new Map<string, TraceSegment[]>();
  for (const segment of path) {
    const known = all.get(segment.what);
    if (known) known.push(segment);
    else all.set(segment.what, [segment]);
  }
  const shares = [...all].map(([what, segments]) => ({
    what,
    segments,
    ns: segments.reduce((sum, { begin, end }) => sum + end - begin, 0),
  }));
  return shares.sort((a, b) => b.ns - a.ns);
}

function systemOf(trace: Trace, { thread, zone }: TraceSegment): number {
  const row = trace.rows[thread];
  return row && zone >= 0 && isOfSystem(row.kind[zone]!) ? row.low[zone]! & 0xffff : -1;
}

const GAPS: Readonly<Record<string, string>> = {
  join: 'from the end of the last task until the caller went on',
  wake: 'until a worker had woken up and taken its first task',
  claim: 'between one task and the next',
  frame: 'in no zone of its own: what the library does between batches',
  snapshot: 'finding out which blocks the tasks read and write',
  verify: 'checking what the tasks put out',
  apply: 'patches and commands on their way into the world',
  commit: 'bringing what batches did into the world',
  tasks: 'with tasks out that nobody worked on',
};

/** "one block on worker 1 while the caller waited": how a system's part of the path ran. */
function how(trace: Trace, frame: TraceFrame, part: PathShare, system: number): string {
  const work = workOf(trace, frame, system);
  const [first] = part.segments as [TraceSegment];
  const kind = trace.rows[first.thread]!.kind[first.zone];
  const others = trace.workers;
  const wait = others === 1 ? 'the worker waited' : `${count(others)} workers waited`;
  if (kind === KIND.RUN) return `on the main thread${others ? ` while ${wait}` : ''}`;
  if (kind === KIND.SYSTEM) return 'small, and so run by the caller itself';
  if (work.zones === 1) {
    const what = work.blocks > 1 ? `one task of ${count(work.blocks)} blocks` : 'one block';
    if (!others) return what;
    const where = `${what} on ${threadName(first.thread)}`;
    return first.thread ? `${where} while the caller waited` : `${where} while ${wait}`;
  }
  const tasks = plural(work.zones, 'task');
  if (work.threads === 1) return `${tasks} on ${threadName(first.thread)}, one after the other`;
  const last = part.segments.at(-1)!;
  const who = threadName(last.thread);
  return `${tasks} over ${work.threads} threads, and ${who} was the last to end`;
}

/** What a system's tasks came to in a frame. */
function workOf(trace: Trace, frame: TraceFrame, system: number) {
  const work = { zones: 0, blocks: 0, threads: 0 };
  for (const row of trace.rows) {
    let here = 0;
    const [from, stop] = zonesIn(trace, row, frame);
    for (let i = from; i < stop; i++) {
      if (row.kind[i] !== KIND.BLOCK && row.kind[i] !== KIND.LOST) continue;
      if ((row.low[i]! & 0xffff) !== system) continue;
      here++;
      work.blocks += row.kind[i] === KIND.LOST ? 1 : row.low[i]! >>> 16;
    }
    work.zones += here;
    if (here) work.threads++;
  }
  return work;
}

function headline(trace: Trace, frame: TraceFrame): Pick<Verdict, 'headline' | 'slow'> {
  const took = frame.end - frame.begin;
  const said = `Frame ${frame.tick} took ${time(took)}`;
  if (trace.budgetNs > 0) {
    const over = took - trace.budgetNs;
    if (over > 0) return { headline: `${said}, ${time(over)} over its budget.`, slow: true };
    return { headline: `${said}, within its budget of ${time(trace.budgetNs)}.`, slow: false };
  }
  const { frames } = trace;
  if (frames.length === 1) return { headline: `${said}.`, slow: false };
  const longer = frames.filter(one => one.end - one.begin > took).length;
  const slow = longer < Math.max(1, Math.floor(frames.length / 100));
  if (!longer) return { headline: `${said}, the slowest of ${count(frames.length)}.`, slow };
  const faster = (frames.length - longer - 1) / frames.length;
  return { headline: `${said}, longer than ${share(faster)} of all frames.`, slow };
}

function faults(trace: Trace, frame: TraceFrame): string[] {
  const names = new Map<string, number>();
  for (const mark of trace.marks) {
    if (mark.kind !== KIND.FAULT || mark.at < frame.begin || mark.at >= frame.end) continue;
    const name = systemName(trace, mark.low & 0xffff);
    names.set(name, (names.get(name) ?? 0) + 1);
  }
  if (!names.size) return [];
  return [`${list([...names.keys()])} failed in this frame.`];
}

/** "412 blocks were copied, most of them for strike (a snapshot still holds the old ones)." */
function copies(trace: Trace, frame: TraceFrame): string[] {
  const parts = new Map<number, number>();
  let total = 0;
  for (const mark of trace.marks) {
    if (mark.kind !== KIND.COPIED || mark.at < frame.begin || mark.at >= frame.end) continue;
    parts.set(mark.low, (parts.get(mark.low) ?? 0) + mark.high);
    total += mark.high;
  }
  const [most] = [...parts].sort((a, b) => b[1] - a[1]);
  if (!most) return [];
  const [low, blocks] = most;
  const name = systemName(trace, low & 0xffff);
  const all =
    parts.size === 1 ? ' for' : blocks * 2 > total ? ', most of them for' : ', the most for';
  const were = total === 1 ? 'was' : 'were';
  const why = WHY_TEXT[low >>> 16] ?? 'for a reason that this page does not know';
  return [`${plural(total, 'block')} ${were} copied${all} ${name} (${why}).`];
}

function idleSentence(trace: Trace, frame: TraceFrame): string[] {
  const workers = threadStats(trace, frame.index, frame.index + 1).filter(one => one.thread > 0);
  if (!workers.length) return [];
  const idle = workers.reduce((sum, one) => sum + 1 - one.utilisation, 0) / workers.length;
  if (idle < 0.3) return [];
  const reasons = Object.keys(REASON_TEXT).map(Number);
  const sums = reasons.map(reason => ({
    reason,
    ns: workers.reduce((sum, one) => sum + (one.idleNs[reason] ?? 0), 0),
  }));
  const { reason } = sums.reduce((most, one) => (one.ns > most.ns ? one : most));
  const who =
    workers.length === 1
      ? `Worker ${workers[0]!.thread} stood idle for ${share(idle)} of the frame`
      : `The ${workers.length} workers stood idle for ${share(idle)} of the frame`;
  const why: Readonly<Record<number, string>> = {
    1: 'there was nothing ready for them',
    2: 'they waited at the barrier for the last task to end',
    3: 'they were waking up or claiming tasks',
    4: 'a lost one was being replaced',
  };
  const because = why[reason] ?? REASON_TEXT[reason]!;
  const text = workers.length === 1 ? because.replace('them', 'it').replace('they', 'it') : because;
  return [`${who}, mostly because ${text.replace('it were', 'it was')}.`];
}

function adviceSentence(trace: Trace, frame: TraceFrame, top: string): string[] {
  const best = firstAdvice(trace, frame);
  const ns = best?.split ? best.splitNs : best?.withoutNs;
  if (!best || !ns) return [];
  const shorter = `the frame would be ${time(ns)} shorter.`;
  const same = best.system === top;
  const threads = trace.rows.length;
  if (best.split) {
    const what = same ? 'Split' : `With ${best.system} split`;
    return [`${what} over ${threads} threads ${shorter}`];
  }
  return [`Without ${same ? 'it' : best.system} ${shorter}`];
}

/** How the frame's systems compare with what they usually take: all alike, or the one to blame. */
function usually(trace: Trace, frame: TraceFrame, top: string, usual: Usual): string[] {
  const times: number[] = [];
  let own = 0;
  for (const { number, system, totalNs } of systemStats(trace, frame.index, frame.index + 1)) {
    const p50 = usual.get(number);
    if (!p50) continue;
    times.push(totalNs / p50);
    if (system === top) own = totalNs / p50;
  }
  times.sort((a, b) => a - b);
  const middle = times[times.length >> 1] ?? 0;
  const low = times[Math.floor(times.length / 5)] ?? 0;
  if (times.length > 3 && low > 1.4) {
    return [
      `Nearly all systems took longer than usual, about ${factor(middle)} as long: `
        + 'the machine was busy, or there was more to do.',
    ];
  }
  return own > 1.4 ? [`${top} took ${factor(own)} as long as usual.`] : [];
}

function factor(times: number): string {
  return times < 9.95 ? `${times.toFixed(1)} times` : `${Math.round(times)} times`;
}

/** What had most of the frame, and what would shorten it. */
function cause(trace: Trace, frame: TraceFrame, shares: readonly PathShare[]): string[] {
  const [top] = shares;
  if (!top) return [];
  const system = systemOf(trace, top.segments[0]!);
  const text = system >= 0 ? how(trace, frame, top, system) : GAPS[top.what];
  const systems = shares.filter(one => systemOf(trace, one.segments[0]!) >= 0).length;
  const said = text ? `: ${text}.` : '.';
  const advice = adviceSentence(trace, frame, top.what);
  if (top.ns >= MUCH * (frame.end - frame.begin) || systems <= 3) {
    return [`${top.what} took ${time(top.ns)} of it${said}`, ...advice];
  }
  return [
    `Nothing stands out: ${count(systems)} systems are on its critical path.`,
    `${top.what} has the most of it, ${time(top.ns)}${said}`,
    ...advice,
  ];
}

/** What is said of a frame; more of it once it is known what systems usually take. */
export function verdictOf(trace: Trace, frame: TraceFrame, usual: Usual | null = null): Verdict {
  const shares = pathShares(criticalPath(trace, frame));
  const [top, second] = shares;
  const more: string[] = [];
  if (usual && top) more.push(...usually(trace, frame, top.what, usual));
  if (second && second.ns > 0.2 * (frame.end - frame.begin)) {
    more.push(`After ${top!.what}, ${second.what} took ${time(second.ns)}.`);
  }
  more.push(...idleSentence(trace, frame), ...copies(trace, frame));
  const why = [...faults(trace, frame), ...cause(trace, frame, shares)];
  return { ...headline(trace, frame), why, more };
}
