// SPDX-License-Identifier: MIT
// Figures of a trace by another path than the library's: from the bytes, record by record, by the
// rules of docs/trace-format.md, without care for speed. What tests hold the library to.

import { KIND, REASON } from '../../../js/src/trace/kinds.ts';

/** A record, in nanoseconds. */
export interface PlainZone {
  /** The row that it belongs to. */
  thread: number;
  kind: number;
  begin: number;
  end: number;
  low: number;
  high: number;
  /** In the order in which they were written; what was written for others is later. */
  order: number;
}

/** All zones of a sound file, and its marks. */
export interface PlainTrace {
  zones: PlainZone[];
  marks: PlainZone[];
  threads: number;
  tickNs: number;
}

/** Reads the records of a file without damage. */
export function plainTrace(bytes: Uint8Array): PlainTrace {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const plain: PlainTrace = { zones: [], marks: [], threads: 0, tickNs: 1 };
  let base = 0n;
  for (let at = 16; at < bytes.length;) {
    const tag = Buffer.from(bytes.slice(at, at + 4)).toString('latin1');
    const length = Number(view.getBigUint64(at + 8, true));
    if (tag === 'INFO') {
      base = view.getBigUint64(at + 16, true);
      plain.tickNs = view.getFloat64(at + 24, true);
    }
    if (tag === 'THRD') {
      plain.threads++;
      plainRecords(view, at + 16, length, base, plain);
    }
    at += 16 + Math.ceil(length / 8) * 8;
  }
  return plain;
}

function plainRecords(
  view: DataView,
  from: number,
  length: number,
  base: bigint,
  plain: PlainTrace,
): void {
  const thread = view.getUint32(from, true);
  for (let at = from + 16; at < from + length; at += 24) {
    const word = view.getBigUint64(at + 8, true);
    const ticks = Number(view.getBigUint64(at, true) - base);
    const kind = Number(word & 255n);
    const low = view.getUint32(at + 16, true);
    const zone = {
      thread,
      kind,
      begin: ticks * plain.tickNs,
      end: (ticks + Number(word >> 8n)) * plain.tickNs,
      low,
      high: view.getUint32(at + 20, true),
      order: plain.zones.length,
    };
    if (kind === KIND.LOST) Object.assign(zone, { thread: low >>> 16, order: at * 1e6 });
    if (kind === KIND.RESPAWN) Object.assign(zone, { thread: low & 65535, order: at * 1e6 });
    if (kind <= KIND.HOST) plain.zones.push(zone);
    else plain.marks.push(zone);
  }
}

/** The zones of a row in their order: by beginning, the longer first, then the later. */
export function plainRow(plain: PlainTrace, thread: number): PlainZone[] {
  return plain.zones
    .filter(zone => zone.thread === thread)
    .sort((a, b) => a.begin - b.begin || b.end - a.end || b.order - a.order);
}

/** The zone that each zone of a row is in, or -1: the nearest that holds it. */
export function plainParents(row: readonly PlainZone[], tickNs: number): number[] {
  return row.map((zone, i) => {
    for (let k = i - 1; k >= 0; k--) {
      const outer = row[k]!;
      if (outer.order > zone.order && outer.end + tickNs * 1.001 >= zone.end) return k;
    }
    return -1;
  });
}

/** The caller's zones of a kind, in the order in which they were written. */
export function plainKind({ zones }: PlainTrace, kind: number): PlainZone[] {
  return zones.filter(zone => zone.thread === 0 && zone.kind === kind);
}

/** The last of some zones that begins no later than a moment and ends no earlier. */
export function holding(zones: readonly PlainZone[], at: number): PlainZone | undefined {
  const last = zones.filter(zone => zone.begin <= at).at(-1);
  return last !== undefined && last.end >= at ? last : undefined;
}

const WORKER_BUSY: readonly number[] = [KIND.BLOCK, KIND.LOST, KIND.HOST];
const CALLER_BUSY: readonly number[] = [KIND.BLOCK, KIND.RUN, KIND.WAKE, KIND.VERIFY];

/** Why a thread idles at a moment (one at which nothing begins or ends), or 0 if it does not. */
export function reasonAt(plain: PlainTrace, thread: number, at: number): number {
  const frames = plainKind(plain, KIND.FRAME);
  const sections = plainKind(plain, KIND.TASKS);
  const row = plainRow(plain, thread);
  const there = row.filter(zone => zone.begin < at && at < zone.end);
  const section = holding(sections, at);
  const works = row.filter(
    ({ kind, begin }) =>
      (kind === KIND.BLOCK || kind === KIND.LOST || (kind === KIND.RUN && thread === 0))
      && section !== undefined
      && holding(sections, begin) === section,
  );
  const before = works.some(({ begin }) => begin > at);
  if (thread === 0) {
    const busy = there.some(
      ({ kind, begin }) =>
        CALLER_BUSY.includes(kind)
        || (kind === KIND.HOST && holding(sections, begin) !== undefined),
    );
    if (busy || section === undefined || holding(frames, at) === undefined) return 0;
    return before ? REASON.QUEUE : REASON.BARRIER;
  }
  if (there.some(({ kind }) => WORKER_BUSY.includes(kind))) return 0;
  if (holding(frames, at) === undefined) return REASON.OUTSIDE;
  if (there.some(({ kind }) => kind === KIND.RESPAWN)) return REASON.RESPAWN;
  if (section === undefined || works.length === 0) return REASON.NOTHING;
  return before ? REASON.QUEUE : REASON.BARRIER;
}

/** One system in the plain way. */
export interface PlainSystem {
  runs: Map<number, number>;
  blocks: number;
  total: number;
  byThread: number[];
  longest: number;
}

/** What each system took in frames from `first` to before `end`. */
export function plainSystems(
  plain: PlainTrace,
  first: number,
  end: number,
): Map<number, PlainSystem> {
  const found = new Map<number, PlainSystem>();
  const frames = plainKind(plain, KIND.FRAME);
  for (const zone of plain.zones) {
    const { kind, low } = zone;
    const of: readonly number[] = [KIND.SYSTEM, KIND.RUN, KIND.BLOCK, KIND.LOST];
    const holder = of.includes(kind) ? holding(frames, zone.begin) : undefined;
    const frame = holder === undefined ? -1 : frames.indexOf(holder);
    if (frame < first || frame >= end) continue;
    const number = low & 65535;
    const system = found.get(number) ?? {
      runs: new Map<number, number>(),
      blocks: 0,
      total: 0,
      byThread: Array<number>(plain.threads).fill(0),
      longest: 0,
    };
    found.set(number, system);
    const ns = zone.end - zone.begin;
    system.runs.set(frame, (system.runs.get(frame) ?? 0) + ns);
    system.blocks += kind === KIND.LOST ? 1 : kind === KIND.RUN ? 0 : low >>> 16;
    system.total += ns;
    system.byThread[zone.thread]! += ns;
    system.longest = Math.max(system.longest, ns);
  }
  return found;
}
