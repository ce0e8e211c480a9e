// SPDX-License-Identifier: MIT
// A trace file taken apart as docs/trace-format.md says, by other code than the package's reader,
// and the rules that any trace of a scheduler keeps. Times are nanoseconds from the file's base.

import assert from 'node:assert/strict';
import { criticalPath, readTrace, traceJson } from 'skep/trace';
import { validateTraceEvents } from './trace_validate.ts';

/** Numbers of kinds: core/trace/trace_kinds.inl. */
export const KIND = {
  FRAME: 1,
  SNAPSHOT: 2,
  SYSTEM: 3,
  RUN: 4,
  BLOCK: 5,
  TASKS: 6,
  WAKE: 7,
  VERIFY: 8,
  APPLY: 9,
  COMMIT: 10,
  LOST: 11,
  RESPAWN: 12,
  HOST: 13,
  FAULT: 14,
  COPIED: 15,
  ENTITIES: 16,
  PATCHES: 17,
  BYTES: 18,
  BLOCKS_COPIED: 19,
} as const;

/** What a record is about, by the halves and quarters of its third word. */
export interface Zone {
  readonly kind: number;
  readonly begin: number;
  readonly end: number;
  readonly low: number;
  readonly high: number;
  /** The thread whose ring it was in. */
  readonly thread: number;
}

export interface SkeptSystem {
  readonly number: number;
  readonly name: string;
  readonly stage: string;
  readonly batch: number;
  readonly place: number;
  readonly flags: number;
}

export interface Skept {
  readonly stepNs: number;
  readonly budgetNs: number;
  readonly unixNs: number;
  readonly workers: number;
  readonly frameCount: number;
  readonly notes: ReadonlyMap<string, string>;
  readonly systems: readonly SkeptSystem[];
  readonly edges: readonly { from: number; to: number; why: string }[];
  readonly names: ReadonlyMap<number, string>;
  readonly threads: readonly { number: number; lost: number; zones: readonly Zone[] }[];
  /** Of all threads, in the order of their beginning. */
  readonly zones: readonly Zone[];
}

interface Section {
  readonly tag: string;
  readonly at: number;
  readonly bytes: number;
}

function sectionsOf(view: DataView): Section[] {
  const sections: Section[] = [];
  assert.equal(view.getBigUint64(0, true), 0x1a0a0d7470656b73n, 'the first eight bytes');
  assert.equal(view.getUint32(8, true), 1, 'version');
  let at = 16;
  while (at < view.byteLength) {
    const tag = String.fromCharCode(...[0, 1, 2, 3].map(i => view.getUint8(at + i)));
    const sum = view.getUint32(at + 4, true);
    const bytes = Number(view.getBigUint64(at + 8, true));
    const filled = Math.ceil(bytes / 8) * 8;
    let found = 0x811c9dc5;
    for (let i = 0; i < filled; i += 4) {
      found = Math.imul(found ^ view.getUint32(at + 16 + i, true), 0x01000193);
    }
    assert.equal(found >>> 0, sum, `checksum of ${tag}`);
    sections.push({ tag, at: at + 16, bytes });
    at += 16 + filled;
  }
  assert.equal(at, view.byteLength);
  assert.equal(sections.at(-1)?.tag, 'END ');
  return sections;
}

function threadOf(view: DataView, section: Section, base: bigint): Skept['threads'][number] {
  const number = view.getUint32(section.at, true);
  const zones: Zone[] = [];
  for (let at = section.at + 16; at < section.at + section.bytes; at += 24) {
    const begin = Number(view.getBigUint64(at, true) - base);
    const what = view.getBigUint64(at + 8, true);
    zones.push({
      kind: Number(what & 255n),
      begin,
      end: begin + Number(what >> 8n),
      low: view.getUint32(at + 16, true),
      high: view.getUint32(at + 20, true),
      thread: number,
    });
  }
  return { number, lost: Number(view.getBigUint64(section.at + 8, true)), zones };
}

/** Takes a file apart. Its ticks must be nanoseconds. */
export function readSkept(bytes: Uint8Array): Skept {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sections = sectionsOf(view);
  const one = (tag: string): Section => sections.find(section => section.tag === tag)!;
  const info = one('INFO').at;
  const texts = one('TEXT');
  const text = (offset: number): string => {
    let end = texts.at + offset;
    while (view.getUint8(end)) end++;
    return new TextDecoder().decode(bytes.subarray(texts.at + offset, end));
  };
  const rows = (tag: string, size: number): number[][] => {
    const { at, bytes: length } = one(tag);
    return Array.from({ length: length / size }, (_, i) =>
      Array.from({ length: size / 4 }, (_, k) => view.getUint32(at + size * i + 4 * k, true)),
    );
  };
  const base = view.getBigUint64(info, true);
  assert.equal(view.getFloat64(info + 8, true), 1, 'nanoseconds a tick');
  const threads = sections
    .filter(section => section.tag === 'THRD')
    .map(section => threadOf(view, section, base));
  return {
    unixNs: Number(view.getBigUint64(info + 16, true)),
    stepNs: Number(view.getBigUint64(info + 24, true)),
    budgetNs: Number(view.getBigUint64(info + 32, true)),
    workers: view.getUint32(info + 40, true),
    frameCount: view.getUint32(info + 44, true),
    notes: new Map(rows('HOST', 8).map(([key, value]) => [text(key!), text(value!)])),
    systems: rows('SYST', 32).map(([number, name, stage, batch, place, flags]) => ({
      number: number!,
      name: text(name!),
      stage: text(stage!),
      batch: batch!,
      place: place!,
      flags: flags!,
    })),
    edges: rows('EDGE', 16).map(([from, to, why]) => ({ from: from!, to: to!, why: text(why!) })),
    names: new Map(rows('NAME', 8).map(([number, name]) => [number!, text(name!)])),
    threads,
    zones: threads.flatMap(thread => thread.zones).sort((a, b) => a.begin - b.begin),
  };
}

/** The system that a zone is about, by name. */
export function systemOf(trace: Skept, zone: Zone): string {
  const number = zone.low & 0xffff;
  return trace.systems.find(system => system.number === number)?.name ?? `system ${number}`;
}

/** The row that a zone is shown on. */
export function rowOf({ kind, low, thread }: Zone): number {
  if (kind === KIND.LOST) return low >>> 16;
  return kind === KIND.RESPAWN ? low & 0xffff : thread;
}

export function framesOf(trace: Skept): Zone[] {
  return trace.zones.filter(zone => zone.kind === KIND.FRAME);
}

const within = (inner: Zone, outer: Zone): boolean =>
  inner.begin >= outer.begin && inner.end <= outer.end;

function isMark({ kind }: Zone): boolean {
  return kind >= KIND.FAULT;
}

/** Asserts what holds in every trace: each thread there, what a frame does inside of frames, tasks
 * in sections, and zones of a row one inside the other. */
export function checkSkept(trace: Skept): void {
  const frames = framesOf(trace);
  assert.equal(frames.length, trace.frameCount);
  assert.equal(trace.threads.length, trace.workers + 1);
  const sections = trace.zones.filter(zone => zone.kind === KIND.TASKS);
  const outside = new Set<number>([KIND.HOST, KIND.RESPAWN, KIND.LOST]);
  for (const zone of trace.zones) {
    assert.ok(zone.begin <= zone.end, JSON.stringify(zone));
    const inFrame = frames.some(frame => within(zone, frame));
    assert.ok(inFrame || outside.has(zone.kind), `outside of all frames: ${JSON.stringify(zone)}`);
    if (zone.kind !== KIND.BLOCK) continue;
    assert.ok(
      sections.some(section => within(zone, section)),
      `outside of all sections: ${JSON.stringify(zone)}`,
    );
  }
  for (let row = 0; row <= trace.workers; row++) checkNesting(trace, row);
}

/** Asserts that the package's reader finds nothing wrong with a file, nor the validator with what
 * it makes of it, and that each frame has a critical path of its own length. */
export function checkReaders(bytes: Uint8Array): void {
  const trace = readTrace(bytes);
  assert.deepEqual(trace.problems, []);
  assert.deepEqual(validateTraceEvents([...traceJson(trace)].join('')).problems, []);
  for (const frame of trace.frames) {
    const path = criticalPath(trace, frame);
    const sum = path.reduce((ns, segment) => ns + segment.end - segment.begin, 0);
    assert.ok(Math.abs(sum - (frame.end - frame.begin)) < 1, `frame ${frame.tick}: ${sum} ns`);
  }
}

function checkNesting(trace: Skept, row: number): void {
  const zones = trace.zones.filter(zone => rowOf(zone) === row && !isMark(zone));
  zones.sort((a, b) => a.begin - b.begin || b.end - a.end);
  const open: Zone[] = [];
  for (const zone of zones) {
    while (open.length && open.at(-1)!.end <= zone.begin) open.pop();
    const outer = open.at(-1);
    assert.ok(
      !outer || zone.end <= outer.end,
      `row ${row}: ${JSON.stringify(zone)} reaches out of ${JSON.stringify(outer)}`,
    );
    open.push(zone);
  }
}

/** How many zones of a kind each system has in each frame: a map from its name to the numbers. */
export function countsOf(trace: Skept, ...kinds: readonly number[]): Map<string, number[]> {
  const frames = framesOf(trace);
  const counts = new Map<string, number[]>();
  for (const zone of trace.zones) {
    if (!kinds.includes(zone.kind)) continue;
    const frame = frames.findIndex(f => zone.begin >= f.begin && zone.begin <= f.end);
    const name = systemOf(trace, zone);
    const list = counts.get(name) ?? frames.map(() => 0);
    if (frame >= 0) list[frame]!++;
    counts.set(name, list);
  }
  return counts;
}
