// SPDX-License-Identifier: MIT
// Reads a trace file into arrays, row by row. Nothing that follows the file's header makes it
// throw: a section that is damaged is named in `problems`, and the others are shown.
//
// A thread's records stand in the order in which zones ended, inner before outer. Zones that nest
// are brought into the order of their beginnings without sorting: of the records before a zone's
// own, those that follow its beginning are inside it, so its place is that of the first of them,
// moved by its depth. Whether the result is in order is looked at; where it is not (a damaged file,
// zones that the caller wrote for a worker), it is sorted. All of it is counted in ticks, which are
// whole numbers; only what is given out is nanoseconds.

import { SkepError } from '../errors.js';
import { KIND, KIND_TEXT, SHAPE } from './kinds.js';
import { ofKind } from './sections.js';
import type {
  Trace,
  TraceCounter,
  TraceEdge,
  TraceFrame,
  TraceMark,
  TraceRow,
  TraceSystem,
} from './types.js';

/** Bytes that are no trace file, or one that this version cannot read. */
export class TraceError extends SkepError {
  /** Where in the file. */
  readonly offset: number;

  constructor(code: 'E_CORRUPT' | 'E_UNSUPPORTED', offset: number, message: string, hint: string) {
    super(code, message, { hint });
    this.offset = offset;
  }

  override get name(): string {
    return 'TraceError';
  }
}

/** The version of the file format that is read and written. */
export const TRACE_VERSION = 1;

const MAGIC = [0x73, 0x6b, 0x65, 0x70, 0x74, 0x0d, 0x0a, 0x1a];
const HEADER = 16;
const RECORD_WORDS = 6;
const TAGS = ['INFO', 'TEXT', 'HOST', 'SYST', 'EDGE', 'NAME', 'THRD', 'END '];
/** Bytes of one entry of a section, where all are alike. */
const ENTRY: Readonly<Record<string, number>> = { HOST: 8, SYST: 32, EDGE: 16, NAME: 8 };
const INFO_BYTES = 48;
const THREAD_BYTES = 16;
/** More workers than any pool has; a number beyond is damage. */
const THREAD_MAX = 1023;
/** 126 years from the trace's time 0: what lies beyond is damage. */
const NS_MAX = 4e18;
const BELOW_SIGN = 4294967296;

const ZONE = 1;
const MARK = 2;
const COUNTER = 3;

interface Section {
  readonly tag: string;
  /** Of the section's header. */
  readonly offset: number;
  /** Of the payload, in words of 32 bits. */
  readonly word: number;
  readonly bytes: number;
}

interface Info {
  readonly baseLow: number;
  readonly baseHigh: number;
  readonly nsPerTick: number;
  readonly unixNs: number;
  readonly stepNs: number;
  readonly budgetNs: number;
  readonly workers: number;
  /** -1 where it is not known. */
  readonly frames: number;
}

/** The file as words, and what is found on the way. */
interface File {
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
  readonly problems: string[];
}

/** Zones of a row in the order in which they were written, in ticks. */
interface Zones {
  count: number;
  readonly kind: Uint8Array;
  readonly begin: Float64Array;
  readonly end: Float64Array;
  readonly low: Uint32Array;
  readonly high: Uint32Array;
}

/** What the records of one thread are besides zones of its own row. */
interface Rest {
  readonly marks: TraceMark[];
  /** By kind: moments and values. */
  readonly counters: Map<number, { at: number[]; value: number[] }>;
  /** LOST and RESPAWN, by the worker whose row they belong to. */
  readonly foreign: Map<number, ForeignZone[]>;
}

interface ForeignZone {
  /** The thread that wrote it. */
  readonly writer: number;
  readonly kind: number;
  readonly begin: number;
  readonly end: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Reads a trace file. O(bytes); a million zones take some 0.3 s. Throws TraceError where the bytes
 * are not a trace file, or one of a newer version; whatever else is wrong is told in `problems`.
 */
export function readTrace(bytes: Uint8Array): Trace {
  const file = open(bytes);
  const sections = findSections(file);
  const first = (tag: string): Section | undefined => sections.find(s => s.tag === tag);
  const threads = sections.filter(s => s.tag === 'THRD');
  const info = readInfo(file, first('INFO'), threads);
  const text = texts(file, first('TEXT'));
  const host = new Map<string, string>();
  eachEntry(file, first('HOST'), (w, at) => host.set(text(w[at]!), text(w[at + 1]!)));
  const names = new Map<number, string>();
  eachEntry(file, first('NAME'), (w, at) => names.set(w[at]!, text(w[at + 1]!)));
  const rest: Rest = { marks: [], counters: new Map(), foreign: new Map() };
  const rows = readThreads(file, threads, info, text, rest);
  const frames = findFrames(file, rows[0]!, info);
  return {
    stepNs: info.stepNs,
    budgetNs: info.budgetNs,
    unixNs: info.unixNs,
    workers: rows.length - 1,
    host,
    systems: readSystems(file, first('SYST'), text),
    edges: readEdges(file, first('EDGE'), text),
    names,
    rows,
    marks: sortedMarks(rest.marks),
    counters: sortedCounters(rest.counters),
    frames,
    problems: file.problems,
  };
}

/* The header and the sections. */

function open(bytes: Uint8Array): File {
  const end = bytes.length;
  for (let i = 0; i < MAGIC.length; i++) {
    if (i < end && bytes[i] === MAGIC[i]) continue;
    const cut = i === end;
    throw new TraceError(
      'E_CORRUPT',
      i,
      cut
        ? `no trace file: it ends after ${end} bytes`
        : `no trace file: byte ${i} is not that of one`,
      bytes[0] === 0x7b || bytes[0] === 0x5b
        ? 'this looks like JSON: give the .skept file that it was made of'
        : cut
          ? 'record the trace again, and see that it is copied to its end'
          : 'give a .skept file, which skep run --trace writes, and copy it as binary',
    );
  }
  if (end < HEADER) {
    throw new TraceError(
      'E_CORRUPT',
      end,
      `the trace file ends within its header, after ${end} bytes`,
      'record the trace again, and see that it is copied to its end',
    );
  }
  // A view of words needs its alignment, and whole ones: what is left over is looked at by itself.
  const view =
    bytes.byteOffset % 4 === 0 && end % 4 === 0
      ? new Uint32Array(bytes.buffer, bytes.byteOffset, end / 4)
      : aligned(bytes);
  const version = view[2]!;
  if (version !== TRACE_VERSION) {
    throw new TraceError(
      version > TRACE_VERSION ? 'E_UNSUPPORTED' : 'E_CORRUPT',
      8,
      `the trace file is of version ${version}, and this reads version ${TRACE_VERSION}`,
      'update skep, or record the trace with the version that reads it',
    );
  }
  const problems: string[] = [];
  if (view[3] !== 0) problems.push('The header at byte 12 has a number that should be 0.');
  return { words: view, bytes, problems };
}

function aligned(bytes: Uint8Array): Uint32Array {
  const copy = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  copy.set(bytes);
  return new Uint32Array(copy.buffer);
}

/** FNV-1a's constants over words, as the file format has it. */
export function traceChecksum(words: Uint32Array, from: number, end: number): number {
  let h = 0x811c9dc5 | 0;
  for (let i = from; i < end; i++) h = Math.imul(h ^ words[i]!, 0x01000193);
  return h >>> 0;
}

function tagAt(words: Uint32Array, at: number): string {
  const tag = words[at]!;
  return String.fromCharCode(tag & 255, (tag >>> 8) & 255, (tag >>> 16) & 255, tag >>> 24);
}

/** A tag as it can be shown. */
function shown(tag: string): string {
  return /^[A-Z0-9]{3}[A-Z0-9 ]$/.test(tag) ? tag : JSON.stringify(tag);
}

function findSections(file: File): Section[] {
  const { words, bytes, problems } = file;
  const found: Section[] = [];
  const budget = { words: words.length * 4 };
  let at = HEADER / 4;
  let place = 0;
  while (at < words.length) {
    const section = sectionAt(file, at);
    if (typeof section === 'string') {
      problems.push(section);
      const next = nextSound(file, at + 2, budget);
      const begun = next >= words.length ? cutThread(file, at) : undefined;
      if (begun !== undefined) found.push(begun);
      at = next;
      continue;
    }
    at = section.word + Math.ceil(section.bytes / 8) * 2;
    const known = TAGS.indexOf(section.tag);
    if (known < 0) {
      const where = `${shown(section.tag)} at byte ${section.offset}`;
      problems.push(`Section ${where} was skipped: this version does not know it.`);
    } else if (known < place) {
      problems.push(`Section ${section.tag} at byte ${section.offset} is not in its place.`);
    }
    place = Math.max(place, known);
    if (section.tag !== 'THRD' && found.some(s => s.tag === section.tag)) {
      problems.push(`Section ${section.tag} at byte ${section.offset} is there already.`);
    } else if (known >= 0) {
      found.push(section);
    }
    if (section.tag === 'END ') break;
  }
  if (found.at(-1)?.tag !== 'END ') {
    problems.push(`The file was cut off: it ends at byte ${bytes.length} without END.`);
  } else if (at * 4 !== bytes.length) {
    problems.push(`The file goes on after END, from byte ${at * 4} on.`);
  }
  return found;
}

/** The section whose header is at a word, or what is wrong with it. */
function sectionAt({ words, bytes }: File, at: number): Section | string {
  const offset = at * 4;
  if (offset + 16 > bytes.length)
    return `The file ends within a section's header at byte ${offset}.`;
  const tag = tagAt(words, at);
  const length = words[at + 2]! + words[at + 3]! * BELOW_SIGN;
  const end = offset + 16 + Math.ceil(length / 8) * 8;
  if (end > bytes.length) {
    return (
      `Section ${shown(tag)} at byte ${offset} is cut off or damaged: it should end at byte `
      + `${end}, and the file ends at byte ${bytes.length}.`
    );
  }
  if (traceChecksum(words, at + 4, end / 4) !== words[at + 1]) {
    return `Section ${shown(tag)} at byte ${offset} is damaged: its checksum is wrong.`;
  }
  return { tag, offset, word: at + 4, bytes: length };
}

/** A thread's section that the file ends within: its whole records are kept. */
function cutThread({ words, bytes }: File, at: number): Section | undefined {
  const offset = at * 4;
  const there = bytes.length - offset - 16;
  if (there < THREAD_BYTES || tagAt(words, at) !== 'THRD') return undefined;
  const length = words[at + 2]! + words[at + 3]! * BELOW_SIGN;
  if (Math.ceil(length / 8) * 8 <= there) return undefined;
  const records = Math.floor((there - THREAD_BYTES) / (RECORD_WORDS * 4));
  return { tag: 'THRD', offset, word: at + 4, bytes: THREAD_BYTES + records * RECORD_WORDS * 4 };
}

/**
 * The next section with a right checksum, or the end: a damaged one's length cannot be trusted.
 * What is read for that is bounded, whatever the file holds.
 */
function nextSound(file: File, from: number, budget: { words: number }): number {
  const { words } = file;
  for (let at = from; at + 4 <= words.length; at += 2) {
    if (!TAGS.includes(tagAt(words, at))) continue;
    const bytes = words[at + 2]! + words[at + 3]! * BELOW_SIGN;
    if (bytes > (words.length - at) * 4) continue;
    budget.words -= bytes / 4 + 1;
    if (budget.words < 0) break;
    if (typeof sectionAt(file, at) !== 'string') return at;
  }
  return words.length;
}

/* Texts and tables. */

type TextAt = (offset: number) => string;

function texts({ bytes, problems }: File, section: Section | undefined): TextAt {
  if (section === undefined) return textless(problems);
  const start = section.offset + 16;
  const end = start + section.bytes;
  // Empty texts at the end are none that anybody reads: writers fill up with them.
  const sound = bytes[start] === 0 && bytes[end - 1] === 0;
  if (section.bytes === 0 || !sound) {
    problems.push(`Section TEXT at byte ${section.offset} is not a list of texts as it should be.`);
  }
  const decoder = new TextDecoder();
  const known = new Map<number, string>([[0, '']]);
  let missing = false;
  return offset => {
    let text = known.get(offset);
    if (text !== undefined) return text;
    let stop = start + offset;
    while (stop < end && bytes[stop] !== 0) stop++;
    if (start + offset >= end && !missing) {
      missing = true;
      problems.push(`Section TEXT at byte ${section.offset} ends before its text ${offset}.`);
    }
    text = decoder.decode(bytes.slice(start + offset, Math.max(stop, start + offset)));
    known.set(offset, text);
    return text;
  };
}

function textless(problems: string[]): TextAt {
  let told = false;
  return offset => {
    if (offset !== 0 && !told) problems.push('Names are missing: there is no section TEXT.');
    told ||= offset !== 0;
    return '';
  };
}

function eachEntry(
  { words, problems }: File,
  section: Section | undefined,
  take: (words: Uint32Array, at: number) => void,
): void {
  if (section === undefined) return;
  const size = ENTRY[section.tag]!;
  const count = Math.floor(section.bytes / size);
  if (count * size !== section.bytes) {
    const where = `Section ${section.tag} at byte ${section.offset}`;
    problems.push(`${where} has ${section.bytes} bytes, and its entries have ${size}.`);
  }
  for (let i = 0; i < count; i++) take(words, section.word + (i * size) / 4);
}

function readSystems(file: File, section: Section | undefined, text: TextAt): TraceSystem[] {
  const systems: TraceSystem[] = [];
  const seen = new Set<number>();
  eachEntry(file, section, (w, at) => {
    const number = w[at]!;
    if (seen.has(number)) {
      file.problems.push(`Section SYST at byte ${at * 4} has a system ${number} that is there.`);
      return;
    }
    seen.add(number);
    const flags = w[at + 5]!;
    systems.push({
      number,
      name: text(w[at + 1]!) || `system ${number}`,
      stage: text(w[at + 2]!),
      batch: w[at + 3]!,
      place: w[at + 4]!,
      main: (flags & 1) !== 0,
      unsplit: (flags & 2) !== 0,
      hidden: (flags & 4) !== 0,
    });
  });
  return systems;
}

function readEdges(file: File, section: Section | undefined, text: TextAt): TraceEdge[] {
  const edges: TraceEdge[] = [];
  eachEntry(file, section, (w, at) => {
    edges.push({ from: w[at]!, to: w[at + 1]!, why: text(w[at + 2]!) });
  });
  return edges;
}

function readInfo(file: File, section: Section | undefined, threads: readonly Section[]): Info {
  const { words, problems } = file;
  if (section === undefined || section.bytes < INFO_BYTES) {
    problems.push(
      section === undefined
        ? 'Section INFO is missing: times are in ticks of the clock, from the first record on.'
        : `Section INFO at byte ${section.offset} has ${section.bytes} bytes of ${INFO_BYTES}: `
            + 'times are in ticks of the clock, from the first record on.',
    );
    const [baseLow, baseHigh] = earliest(words, threads);
    const unknown = { unixNs: 0, stepNs: 0, budgetNs: 0, workers: 0, frames: -1 };
    return { baseLow, baseHigh, nsPerTick: 1, ...unknown };
  }
  const w = section.word;
  const long = (at: number): number => words[w + at]! + words[w + at + 1]! * BELOW_SIGN;
  let nsPerTick = new Float64Array(words.slice(w + 2, w + 4).buffer)[0]!;
  if (!(nsPerTick > 0 && nsPerTick < 1e12)) {
    problems.push(`Section INFO at byte ${section.offset} has no sound length of a tick: 1 ns.`);
    nsPerTick = 1;
  }
  let workers = words[w + 10]!;
  if (workers > THREAD_MAX) {
    problems.push(`Section INFO at byte ${section.offset} tells of ${workers} workers.`);
    workers = 0;
  }
  return {
    baseLow: words[w]!,
    baseHigh: words[w + 1]!,
    nsPerTick,
    unixNs: long(4),
    stepNs: long(6),
    budgetNs: long(8),
    workers,
    frames: words[w + 11]!,
  };
}

/** The first moment in any record: what stands in for the base where INFO is lost. */
function earliest(words: Uint32Array, threads: readonly Section[]): [number, number] {
  let low = 0;
  let high = 0;
  let first = Infinity;
  for (const section of threads) {
    for (const at of recordWords(section)) {
      const begin = words[at]! + words[at + 1]! * BELOW_SIGN;
      if (begin >= first) continue;
      first = begin;
      low = words[at]!;
      high = words[at + 1]!;
    }
  }
  return [low, high];
}

function* recordWords(section: Section): Generator<number> {
  const count = recordCount(section);
  for (let i = 0; i < count; i++) yield section.word + THREAD_BYTES / 4 + i * RECORD_WORDS;
}

function recordCount({ bytes }: Section): number {
  return Math.max(0, Math.floor((bytes - THREAD_BYTES) / (RECORD_WORDS * 4)));
}

/* The records of the threads. */

interface Thread {
  readonly name: string;
  readonly lost: number;
  readonly zones: Zones;
}

function readThreads(
  file: File,
  sections: readonly Section[],
  info: Info,
  text: TextAt,
  rest: Rest,
): TraceRow[] {
  const threads = new Map<number, Thread>();
  for (const section of sections) {
    const number = threadNumber(file, section, info, threads);
    if (number < 0) continue;
    const w = section.word;
    threads.set(number, {
      name: text(file.words[w + 1]!),
      lost: file.words[w + 2]! + file.words[w + 3]! * BELOW_SIGN,
      zones: readRecords(file, section, number, info, rest),
    });
  }
  let last = info.workers;
  for (const number of threads.keys()) last = Math.max(last, number);
  const homeless = [...rest.foreign].filter(([worker]) => !threads.has(worker));
  for (const [worker, zones] of homeless) {
    file.problems.push(
      `${zones.length} zones are of worker ${worker}, which is not there: they are left with the `
        + 'thread that wrote them.',
    );
    rest.foreign.delete(worker);
    for (const zone of zones) foreignOf(rest, zone.writer).push(zone);
  }
  const rows: TraceRow[] = [];
  for (let number = 0; number <= last; number++) {
    const thread = threads.get(number);
    if (thread === undefined) {
      file.problems.push(`Thread ${number} is missing: it has no section THRD.`);
    }
    const own = thread?.zones ?? zonesOf(0);
    const zones = withForeign(own, rest.foreign.get(number) ?? []);
    rows.push({
      thread: number,
      missing: thread === undefined,
      name: thread?.name || (number === 0 ? 'caller' : `worker ${number}`),
      lost: thread?.lost ?? 0,
      count: zones.count,
      ...arrange(zones, own.count, info.nsPerTick),
    });
  }
  return rows;
}

/** The number of the thread that a section holds, or -1 where it cannot be used. */
function threadNumber(
  { words, problems }: File,
  section: Section,
  info: Info,
  threads: ReadonlyMap<number, Thread>,
): number {
  const where = `Section THRD at byte ${section.offset}`;
  if (section.bytes < THREAD_BYTES) {
    problems.push(`${where} has ${section.bytes} bytes, too few for a thread.`);
    return -1;
  }
  if (THREAD_BYTES + recordCount(section) * RECORD_WORDS * 4 !== section.bytes) {
    problems.push(`${where} ends within a record.`);
  }
  const number = words[section.word]!;
  if (number > THREAD_MAX || threads.has(number)) {
    const why = threads.has(number) ? 'is there already' : 'cannot be';
    problems.push(`${where} is of a thread ${number}, which ${why}.`);
    return -1;
  }
  if (number > info.workers && info.frames >= 0) {
    problems.push(`${where} is of worker ${number}, and INFO tells of ${info.workers}.`);
  }
  return number;
}

function zonesOf(room: number): Zones {
  return {
    count: 0,
    kind: new Uint8Array(room),
    begin: new Float64Array(room),
    end: new Float64Array(room),
    low: new Uint32Array(room),
    high: new Uint32Array(room),
  };
}

/** By number of a kind: ZONE, MARK, COUNTER, or 0 for what is not known. */
function shapes(): Uint8Array {
  const found = new Uint8Array(256);
  for (const [kind, shape] of Object.entries(SHAPE)) {
    found[Number(kind)] =
      shape === 'zone' ? ZONE : shape === 'mark' ? MARK : shape === 'counter' ? COUNTER : 0;
  }
  return found;
}

function readRecords(file: File, section: Section, thread: number, info: Info, rest: Rest): Zones {
  const { words } = file;
  const shape = shapes();
  const count = recordCount(section);
  const zones = zonesOf(count);
  const { baseLow, baseHigh, nsPerTick } = info;
  const limit = NS_MAX / nsPerTick;
  let strange = 0;
  let n = 0;
  let at = section.word + THREAD_BYTES / 4;
  for (let i = 0; i < count; i++, at += RECORD_WORDS) {
    const kind = words[at + 2]! & 255;
    const begin = words[at]! - baseLow + (words[at + 1]! - baseHigh) * BELOW_SIGN;
    const end = begin + words[at + 3]! * 16777216 + (words[at + 2]! >>> 8);
    const low = words[at + 4]!;
    const high = words[at + 5]!;
    if (begin < -limit || end > limit) {
      strange += shape[kind] === 0 ? 0 : 1;
      continue;
    }
    if (shape[kind] !== ZONE) {
      if (shape[kind] === MARK) rest.marks.push({ thread, at: begin * nsPerTick, kind, low, high });
      else if (shape[kind] === COUNTER) countOne(rest, kind, begin * nsPerTick, low, high);
      continue;
    }
    if (kind === KIND.LOST || kind === KIND.RESPAWN) {
      const worker = kind === KIND.LOST ? low >>> 16 : low & 65535;
      foreignOf(rest, worker).push({ writer: thread, kind, begin, end, low, high });
      continue;
    }
    zones.kind[n] = kind;
    zones.begin[n] = begin;
    zones.end[n] = end;
    zones.low[n] = low;
    zones.high[n++] = high;
  }
  zones.count = n;
  if (strange > 0) {
    const where = `Section THRD at byte ${section.offset}`;
    file.problems.push(`${where} has ${strange} records of a time that no clock shows.`);
  }
  return zones;
}

function foreignOf(rest: Rest, thread: number): ForeignZone[] {
  let list = rest.foreign.get(thread);
  if (list === undefined) rest.foreign.set(thread, (list = []));
  return list;
}

function countOne(rest: Rest, kind: number, at: number, low: number, high: number): void {
  let list = rest.counters.get(kind);
  if (list === undefined) rest.counters.set(kind, (list = { at: [], value: [] }));
  list.at.push(at);
  list.value.push(low + high * BELOW_SIGN);
}

/** Zones that the caller wrote for a worker stand behind all of the worker's own. */
function withForeign(zones: Zones, foreign: readonly ForeignZone[]): Zones {
  if (foreign.length === 0) return zones;
  const all = zonesOf(zones.count + foreign.length);
  const { count } = zones;
  all.kind.set(zones.kind.subarray(0, count));
  all.begin.set(zones.begin.subarray(0, count));
  all.end.set(zones.end.subarray(0, count));
  all.low.set(zones.low.subarray(0, count));
  all.high.set(zones.high.subarray(0, count));
  foreign.forEach((zone, i) => {
    all.kind[count + i] = zone.kind;
    all.begin[count + i] = zone.begin;
    all.end[count + i] = zone.end;
    all.low[count + i] = zone.low;
    all.high[count + i] = zone.high;
  });
  all.count = count + foreign.length;
  return all;
}

type Arranged = Pick<
  TraceRow,
  'kind' | 'begin' | 'end' | 'low' | 'high' | 'depth' | 'parent' | 'self'
>;

/**
 * Brings zones, of which the first `own` are the thread's, into the order of their beginnings,
 * finds what is inside what, and scales.
 */
function arrange(zones: Zones, own: number, nsPerTick: number): Arranged {
  const n = zones.count;
  let order = sorted(zones, byNesting(zones, own));
  if (n > own) order = merged(zones, own, order);
  const row = {
    kind: new Uint8Array(n),
    begin: new Float64Array(n),
    end: new Float64Array(n),
    low: new Uint32Array(n),
    high: new Uint32Array(n),
    depth: new Uint8Array(n),
    parent: new Int32Array(n),
    self: new Float64Array(n),
  };
  for (let p = 0; p < n; p++) {
    const i = order[p]!;
    row.kind[p] = zones.kind[i]!;
    row.begin[p] = zones.begin[i]!;
    row.end[p] = zones.end[i]!;
    row.low[p] = zones.low[i]!;
    row.high[p] = zones.high[i]!;
  }
  nest(row, order);
  const { begin, end, self } = row;
  for (let p = 0; p < n; p++) {
    begin[p] = begin[p]! * nsPerTick;
    end[p] = end[p]! * nsPerTick;
    self[p] = self[p]! > 0 ? self[p]! * nsPerTick : 0;
  }
  return row;
}

/** The order of beginnings, if the first `n` zones nest and stand in the order of their ends. */
function byNesting({ begin }: Zones, n: number): Uint32Array {
  const size = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const from = begin[i]!;
    let before = i - 1;
    while (before >= 0 && begin[before]! >= from) before -= size[before]!;
    size[i] = i - before;
  }
  const order = new Uint32Array(n);
  const outer = new Uint32Array(n);
  let depth = 0;
  for (let i = n - 1; i >= 0; i--) {
    while (depth > 0 && outer[depth - 1]! - size[outer[depth - 1]!]! >= i) depth--;
    order[i - size[i]! + 1 + depth] = i;
    outer[depth++] = i;
  }
  return order;
}

/** By beginning, then the longer, then the one written later. */
function comparer({ begin, end }: Zones): (a: number, b: number) => number {
  return (a, b) => begin[a]! - begin[b]! || end[b]! - end[a]! || b - a;
}

/** The same order, sorted where it was not. */
function sorted(zones: Zones, order: Uint32Array): Uint32Array {
  const { begin } = zones;
  const compare = comparer(zones);
  for (let p = 1; p < order.length; p++) {
    const a = order[p - 1]!;
    const b = order[p]!;
    if (begin[a]! < begin[b]! || compare(a, b) < 0) continue;
    // An array's sort, other than a typed array's, makes use of what is in order already.
    return Uint32Array.from(Array.from(order).sort(compare));
  }
  return order;
}

/** Sorts in zones from `own` on, which are few. */
function merged(zones: Zones, own: number, order: Uint32Array): Uint32Array {
  const compare = comparer(zones);
  const few = Array.from({ length: zones.count - own }, (_, i) => own + i).sort(compare);
  const all = new Uint32Array(zones.count);
  let from = 0;
  few.forEach((zone, i) => {
    let low = from;
    let high = own;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(order[middle]!, zone) < 0) low = middle + 1;
      else high = middle;
    }
    all.set(order.subarray(from, low), from + i);
    all[low + i] = zone;
    from = low;
  });
  all.set(order.subarray(from), from + few.length);
  return all;
}

/** Fills `parent`, `depth` and `self`, all in ticks. `order` says when a zone was written. */
function nest(
  row: Pick<TraceRow, 'begin' | 'end' | 'depth' | 'parent' | 'self'>,
  order: Uint32Array,
): void {
  const { begin, end, depth, parent, self } = row;
  for (let p = 0; p < order.length; p++) {
    const until = end[p]! - 1;
    let outer = p - 1;
    while (outer >= 0 && (end[outer]! < until || order[outer]! < order[p]!)) outer = parent[outer]!;
    const length = end[p]! - begin[p]!;
    parent[p] = outer;
    self[p] = length;
    if (outer < 0) continue;
    depth[p] = Math.min(255, depth[outer]! + 1);
    self[outer]! -= length;
  }
}

/* Frames, marks, counters. */

function findFrames({ problems }: File, row: TraceRow, info: Info): TraceFrame[] {
  const frames: TraceFrame[] = [];
  let last = -Infinity;
  let inside = 0;
  for (const i of ofKind(row, 0, row.count, KIND.FRAME)) {
    const begin = row.begin[i]!;
    const end = row.end[i]!;
    if (begin < last - info.nsPerTick * 1.5) {
      inside++;
      continue;
    }
    last = end;
    const tick = row.low[i]! + row.high[i]! * BELOW_SIGN;
    frames.push({ index: frames.length, tick, begin, end, zone: i });
  }
  if (inside > 0) problems.push(`${inside} frames begin within another one, and are not counted.`);
  if (info.frames >= 0 && info.frames !== frames.length) {
    problems.push(`INFO tells of ${info.frames} frames, and ${frames.length} are there.`);
  }
  return frames;
}

function sortedMarks(marks: TraceMark[]): TraceMark[] {
  return marks.sort((a, b) => a.at - b.at);
}

function sortedCounters(
  found: ReadonlyMap<number, { at: number[]; value: number[] }>,
): TraceCounter[] {
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([kind, { at, value }]) => {
      const order = at.map((_, i) => i).sort((a, b) => at[a]! - at[b]! || a - b);
      return {
        kind,
        name: KIND_TEXT[kind]!,
        at: Float64Array.from(order, i => at[i]!),
        value: Float64Array.from(order, i => value[i]!),
      };
    });
}
