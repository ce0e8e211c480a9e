// SPDX-License-Identifier: MIT
// A strict validator for traces as JSON in the trace event format: not what some reader lets pass,
// but what docs/trace-format.md promises. Each event has just the members of its kind, with values
// of their types; zones of a thread are sorted and nest strictly, and no end falls on another end
// or beginning; arrows have both ends, on zones, and point forward in time; counters only go
// forward. Also a command:
//
//     node tests/js/support/trace_validate.ts FILE.json...

import { readFileSync } from 'node:fs';
import { KIND_TEXT, PAYLOAD, SHAPE } from '../../../js/src/trace/kinds.ts';

/** What a file has, and what is wrong with it. */
export interface Verdict {
  /** Sentences; empty for a good file. At most 50. */
  problems: string[];
  /** Events by `ph`. */
  counts: Record<string, number>;
  /** Zones by `tid`. */
  zones: Map<number, number>;
}

type Members = Record<string, unknown>;

const PROBLEMS_MAX = 50;
/** Zones that are worked out, but shown as zones. */
const SPANS = ['stage', 'batch'];

const kindOf = new Map(Object.entries(KIND_TEXT).map(([kind, text]) => [text, Number(kind)]));

interface Zone {
  /** In nanoseconds. */
  begin: number;
  end: number;
}

interface Arrow {
  name: string;
  tid: number;
  ts: number;
  place: number;
}

/** Looks at one file. */
class Validator {
  readonly verdict: Verdict = { problems: [], counts: {}, zones: new Map() };
  readonly #threads = new Set<number>();
  readonly #meta = new Set<string>();
  readonly #zones = new Map<number, Zone[]>();
  readonly #open = new Map<number, Zone[]>();
  readonly #begun = new Map<number, Arrow>();
  readonly #ended = new Map<number, Arrow>();
  readonly #counters = new Map<string, number>();
  #place = 0;

  #wrong(text: string): void {
    const { problems } = this.verdict;
    if (problems.length < PROBLEMS_MAX) problems.push(`event ${this.#place}: ${text}`);
  }

  file(text: string): Verdict {
    const { verdict } = this;
    let top: unknown;
    try {
      top = JSON.parse(text);
    } catch (error) {
      verdict.problems.push(`it is no JSON: ${String(error)}`);
      return verdict;
    }
    const events = isMembers(top) ? top['traceEvents'] : undefined;
    if (!Array.isArray(events) || Object.keys(top as Members).length !== 1) {
      verdict.problems.push('it is no object with just a list "traceEvents"');
      return verdict;
    }
    this.#lines(text, events.length);
    events.forEach((event: unknown, i) => {
      this.#place = i;
      if (isMembers(event)) this.#event(event);
      else this.#wrong('is no object');
    });
    this.#ends(events.length);
    for (const [tid, zones] of this.#zones) verdict.zones.set(tid, zones.length);
    return verdict;
  }

  /** One event a line, between a line that opens and one that closes. */
  #lines(text: string, count: number): void {
    const lines = text.trimEnd().split('\n');
    const sound = lines
      .slice(1, -1)
      .every((line, i) => line.startsWith('{') && line.endsWith(i + 1 < count ? '},' : '}'));
    if (lines.length === count + 2 && sound) return;
    this.verdict.problems.push(`it has ${count} events on ${lines.length - 2} lines`);
  }

  #event(event: Members): void {
    const ph = event['ph'];
    if (typeof ph !== 'string' || !'MXCsfi'.includes(ph) || ph.length !== 1) {
      this.#wrong(`has a ph ${JSON.stringify(ph)}`);
      return;
    }
    const { counts } = this.verdict;
    if (ph === 'M' && Object.keys(counts).some(one => one !== 'M')) {
      this.#wrong('names something behind other events');
    }
    counts[ph] = (counts[ph] ?? 0) + 1;
    if (event['pid'] !== 1) this.#wrong(`is of process ${String(event['pid'])}`);
    const tid = event['tid'];
    if (!isWhole(tid, 65536) || tid === 0) this.#wrong(`is of thread ${String(tid)}`);
    else if (ph !== 'M' && !this.#threads.has(tid))
      this.#wrong(`is of a thread ${tid} without name`);
    else if (ph === 'M') this.#name(event, tid);
    else this.#timed(ph, event, tid);
  }

  /** Has just these members, besides `ph`, `pid` and `tid`. */
  #has(event: Members, ...names: string[]): void {
    const found = Object.keys(event).sort().join();
    const expected = ['ph', 'pid', 'tid', ...names].sort().join();
    if (found !== expected) this.#wrong(`has ${found}, not ${expected}`);
  }

  #name(event: Members, tid: number): void {
    this.#has(event, 'name', 'args');
    const name = String(event['name']);
    const args = isMembers(event['args']) ? event['args'] : {};
    const key = name === 'thread_sort_index' ? 'sort_index' : 'name';
    const value = args[key];
    const sound = key === 'name' ? isText(value) : isWhole(value, 65536);
    if (!sound || Object.keys(args).length !== 1) this.#wrong(`has args without ${key}`);
    if (!/^(process_name|thread_name|thread_sort_index)$/.test(name))
      this.#wrong(`names a ${name}`);
    const of = name === 'process_name' ? name : `${name} ${tid}`;
    if (this.#meta.has(of)) this.#wrong(`is a second ${of}`);
    this.#meta.add(of);
    if (name === 'thread_name') this.#threads.add(tid);
  }

  #timed(ph: string, event: Members, tid: number): void {
    const ts = this.#time(event, 'ts');
    if (!isText(event['name'])) this.#wrong('has no name');
    if (Number.isNaN(ts)) return;
    if (ph === 'X') this.#zone(event, tid, ts);
    else if (ph === 'C') this.#counter(event, ts);
    else if (ph === 'i') this.#moment(event);
    else this.#arrow(ph, event, tid, ts);
  }

  /** Whole nanoseconds; NaN where it is none. */
  #time(event: Members, name: string): number {
    const value = event[name];
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      this.#wrong(`has a ${name} that is no number`);
      return NaN;
    }
    const ns = Math.round(value * 1000);
    if (Math.abs(value * 1000 - ns) > 1e-3 + Math.abs(ns) * 1e-12) {
      this.#wrong(`has a ${name} of ${value}, which is no whole nanoseconds`);
    }
    return ns;
  }

  #zone(event: Members, tid: number, begin: number): void {
    this.#has(event, 'name', 'cat', 'ts', 'dur', 'args');
    const length = this.#time(event, 'dur');
    if (!(length > 0)) this.#wrong(`has a dur of ${String(event['dur'])}`);
    const cat = String(event['cat']);
    const kind = kindOf.get(cat);
    const isZone = kind !== undefined && (SHAPE[kind] === 'zone' || SPANS.includes(cat));
    if (!isZone) this.#wrong(`is a zone of kind ${cat}`);
    else this.#payload(event['args'], kind);
    this.#nest(tid, { begin, end: begin + length });
  }

  #nest(tid: number, zone: Zone): void {
    const zones = this.#zones.get(tid) ?? [];
    this.#zones.set(tid, zones);
    const last = zones.at(-1);
    if (last !== undefined && zone.begin < last.begin) this.#wrong('is a zone out of order');
    zones.push(zone);
    const open = this.#open.get(tid) ?? [];
    this.#open.set(tid, open);
    while (open.length > 0 && open.at(-1)!.end < zone.begin) open.pop();
    const outer = open.at(-1);
    if (outer !== undefined && zone.begin === outer.end) {
      this.#wrong('is a zone that begins where another one ends');
    } else if (outer !== undefined && zone.end >= outer.end) {
      this.#wrong(`is a zone that ends ${zone.end - outer.end} ns behind the one around it`);
    }
    open.push(zone);
  }

  /** Args are just the payload of the kind. */
  #payload(args: unknown, kind: number): void {
    const fields = PAYLOAD[kind]!;
    if (!isMembers(args)) {
      this.#wrong('has no args');
      return;
    }
    const found = Object.keys(args).sort().join();
    const expected = fields.map(({ name }) => name).sort();
    if (found !== expected.join()) this.#wrong(`has args ${found}, not ${expected.join()}`);
    for (const { name, bits } of fields) {
      if (!isWhole(args[name], 2 ** bits - 1))
        this.#wrong(`has a ${name} of ${String(args[name])}`);
    }
  }

  #counter(event: Members, ts: number): void {
    this.#has(event, 'name', 'ts', 'args');
    const name = String(event['name']);
    const kind = kindOf.get(name);
    if (kind === undefined || SHAPE[kind] !== 'counter') this.#wrong(`counts ${name}`);
    else this.#payload(event['args'], kind);
    if (ts < (this.#counters.get(name) ?? -Infinity)) this.#wrong(`is a ${name} that goes back`);
    this.#counters.set(name, ts);
  }

  #moment(event: Members): void {
    this.#has(event, 'name', 'cat', 'ts', 's', 'args');
    const name = String(event['name']);
    const kind = kindOf.get(name);
    const isMark = kind !== undefined && SHAPE[kind] === 'mark' && event['cat'] === name;
    if (!isMark) this.#wrong(`is a moment of kind ${name}`);
    else this.#payload(event['args'], kind);
    const scope = name === 'fault' ? 'p' : 't';
    if (event['s'] !== scope) this.#wrong(`has a scope ${String(event['s'])}, not ${scope}`);
  }

  #arrow(ph: string, event: Members, tid: number, ts: number): void {
    this.#has(event, 'name', 'cat', 'id', 'ts', ...(ph === 'f' ? ['bp'] : []));
    const { name, id } = event;
    if (name !== 'dispatch' && name !== 'result') this.#wrong(`is an arrow ${String(name)}`);
    if (event['cat'] !== 'flow') this.#wrong(`is an arrow of kind ${String(event['cat'])}`);
    if (ph === 'f' && event['bp'] !== 'e') this.#wrong('ends on the next zone');
    if (!isWhole(id, 2 ** 53)) {
      this.#wrong(`has an id ${String(id)}`);
      return;
    }
    const ends = ph === 's' ? this.#begun : this.#ended;
    if (ends.has(id)) this.#wrong(`is a second ${ph} of arrow ${id}`);
    if (ph === 'f' && !this.#begun.has(id)) this.#wrong(`ends arrow ${id}, which has not begun`);
    ends.set(id, { name: String(name), tid, ts, place: this.#place });
  }

  /** Arrows have two ends, both on zones, and what is named is there. */
  #ends(count: number): void {
    for (const [id, { place }] of this.#begun) {
      this.#place = place;
      if (!this.#ended.has(id)) this.#wrong(`begins arrow ${id}, which does not end`);
    }
    for (const [id, to] of this.#ended) {
      const from = this.#begun.get(id);
      this.#place = to.place;
      if (from === undefined) continue;
      if (from.name !== to.name) this.#wrong(`is a ${to.name} that began as ${from.name}`);
      if (to.ts < from.ts) this.#wrong(`ends ${from.ts - to.ts} ns before it begins`);
      const [caller, worker] = to.name === 'dispatch' ? [from, to] : [to, from];
      if (caller.tid !== 1 || worker.tid === 1) this.#wrong('is no arrow of caller and worker');
      if (!this.#holds(from, false)) this.#wrong('begins outside of all zones');
      if (!this.#holds(to, true)) this.#wrong('does not end where a zone begins');
    }
    this.#place = count;
    if (!this.#meta.has('process_name')) this.#wrong('the process has no name');
    for (const tid of this.#threads) {
      if (!this.#meta.has(`thread_sort_index ${tid}`)) this.#wrong(`thread ${tid} has no place`);
    }
  }

  #holds({ tid, ts }: Arrow, atBegin: boolean): boolean {
    const zones = this.#zones.get(tid) ?? [];
    let low = 0;
    let high = zones.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (zones[middle]!.begin <= ts) low = middle + 1;
      else high = middle;
    }
    for (let i = low - 1; i >= 0; i--) {
      const zone = zones[i]!;
      if (atBegin) return zone.begin === ts;
      if (zone.end >= ts) return true;
    }
    return false;
  }
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** A whole number from 0 to a limit. */
function isWhole(value: unknown, limit: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= limit;
}

/** Looks at a file's text. O(events). */
export function validateTraceEvents(text: string): Verdict {
  return new Validator().file(text);
}

function main(): void {
  for (const path of process.argv.slice(2)) {
    const { problems, counts } = validateTraceEvents(readFileSync(path, 'utf8'));
    console.log(`${path}: ${problems.length === 0 ? 'good' : 'bad'} ${JSON.stringify(counts)}`);
    for (const problem of problems) console.log(`  ${problem}`);
    if (problems.length > 0) process.exitCode = 1;
  }
}

if (import.meta.main) main();
