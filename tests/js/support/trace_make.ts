// SPDX-License-Identifier: MIT
// Makes trace files (docs/trace-format.md) for tests: a writer, and a generator of plausible traces
// from a seed, which plays a plan on a caller and its workers: batches whose sections have blocks
// spread over the threads, systems that run inline or on the main thread, tasks that are tried
// again, workers that are lost, faults, zones of the host, counters. Also a command:
//
//     node tests/js/support/trace_make.ts --frames 60 --systems 12 --workers 3 --seed 1 OUT.skept
//     node tests/js/support/trace_make.ts --zones 1000000 OUT.skept
//
// --step-ns N rounds all times down to a clock's step, --budget-us N gives frames a budget, and
// --slow 0.05 makes that part of the frames three times as long.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { KIND, WHY } from '../../../js/src/trace/kinds.ts';

const TWO_32 = 4294967296;

/** A system as it is written. */
export interface MadeSystem {
  number: number;
  name: string;
  stage?: string;
  batch?: number;
  place?: number;
  flags?: number;
}

interface MadeThread {
  name: string;
  lost: number;
  count: number;
  words: Uint32Array;
}

/** A trace file in the making; times are ticks from `base` on. */
export class TraceMaker {
  base = 0n;
  nsPerTick = 1;
  unixNs = 0n;
  stepNs = 0n;
  budgetNs = 0n;
  workers = 0;
  /** Where it is not what was written. */
  frames = -1;
  readonly host: [string, string][] = [];
  readonly systems: MadeSystem[] = [];
  readonly edges: { from: number; to: number; why: string }[] = [];
  readonly names = new Map<number, string>();
  readonly #threads = new Map<number, MadeThread>();
  readonly #texts = new Map<string, number>([['', 0]]);
  #text: number[] = [0];
  zoneCount = 0;
  #frameCount = 0;

  thread(number: number, name: string, lost = 0): void {
    this.#threads.set(number, { name, lost, count: 0, words: new Uint32Array(6 * 64) });
  }

  /** A zone, when it ends: inner ones before outer ones. */
  zone(thread: number, kind: number, begin: number, end: number, low = 0, high = 0): void {
    this.zoneCount++;
    if (kind === KIND.FRAME) this.#frameCount++;
    this.#record(thread, kind, begin, end - begin, low, high);
  }

  /** A mark, or a counter. */
  mark(thread: number, kind: number, at: number, low = 0, high = 0): void {
    this.#record(thread, kind, at, 0, low, high);
  }

  #record(n: number, kind: number, begin: number, length: number, low: number, high: number): void {
    const thread = this.#threads.get(n)!;
    let at = thread.count++ * 6;
    if (at + 6 > thread.words.length) {
      const grown = new Uint32Array(thread.words.length * 2);
      grown.set(thread.words);
      thread.words = grown;
    }
    const { words } = thread;
    const from = Number(this.base) + begin;
    words[at++] = from % TWO_32;
    words[at++] = from / TWO_32;
    words[at++] = (length % 16777216) * 256 + kind;
    words[at++] = length / 16777216;
    words[at++] = low;
    words[at] = high;
  }

  #textAt(text: string): number {
    let at = this.#texts.get(text);
    if (at === undefined) {
      at = this.#text.length;
      this.#texts.set(text, at);
      for (const byte of Buffer.from(text)) this.#text.push(byte);
      this.#text.push(0);
    }
    return at;
  }

  #info(): Uint8Array {
    const view = new DataView(new ArrayBuffer(48));
    view.setBigUint64(0, this.base, true);
    view.setFloat64(8, this.nsPerTick, true);
    view.setBigUint64(16, this.unixNs, true);
    view.setBigUint64(24, this.stepNs, true);
    view.setBigUint64(32, this.budgetNs, true);
    view.setUint32(40, this.workers, true);
    view.setUint32(44, this.frames < 0 ? this.#frameCount : this.frames, true);
    return new Uint8Array(view.buffer);
  }

  #threadBytes(number: number, thread: MadeThread): Uint8Array {
    const words = new Uint32Array(4 + thread.count * 6);
    words.set([number, this.#textAt(thread.name), thread.lost % TWO_32, thread.lost / TWO_32]);
    words.set(thread.words.subarray(0, thread.count * 6), 4);
    return new Uint8Array(words.buffer);
  }

  /** The sections, each a tag and its payload. */
  sections(): [string, Uint8Array][] {
    const table = (rows: number[][]): Uint8Array =>
      new Uint8Array(Uint32Array.from(rows.flat()).buffer);
    const text = (value: string): number => this.#textAt(value);
    const rest: [string, Uint8Array][] = [
      ['HOST', table(this.host.map(([key, value]) => [text(key), text(value)]))],
      [
        'SYST',
        table(
          this.systems.map(s => [
            ...[s.number, text(s.name), text(s.stage ?? ''), s.batch ?? 1],
            ...[s.place ?? 0, s.flags ?? 0, 0, 0],
          ]),
        ),
      ],
      ['EDGE', table(this.edges.map(e => [e.from, e.to, text(e.why), 0]))],
      ['NAME', table([...this.names].map(([number, name]) => [number, text(name)]))],
      ...[...this.#threads].map(([number, thread]): [string, Uint8Array] => [
        'THRD',
        this.#threadBytes(number, thread),
      ]),
      ['END ', new Uint8Array(0)],
    ];
    return [['INFO', this.#info()], ['TEXT', Uint8Array.from(this.#text)], ...rest];
  }

  bytes(): Uint8Array {
    return fileOf(this.sections());
  }
}

/** A file of sections. */
export function fileOf(sections: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;
  const total = sections.reduce((sum, [, payload]) => sum + 16 + padded(payload.length), 16);
  const file = new Uint8Array(total);
  const view = new DataView(file.buffer);
  file.set(Buffer.from('skept\r\n\x1a', 'latin1'));
  view.setUint32(8, 1, true);
  let at = 16;
  for (const [tag, payload] of sections) {
    const end = at + 16 + padded(payload.length);
    file.set(Buffer.from(tag, 'latin1'), at);
    view.setBigUint64(at + 8, BigInt(payload.length), true);
    file.set(payload, at + 16);
    view.setUint32(at + 4, checksum(view, at + 16, end), true);
    at = end;
  }
  return file;
}

/** As the page has it; on its own, so that a mistake of the reader's shows. */
export function checksum(view: DataView, from: number, end: number): number {
  let h = 0x811c9dc5;
  for (let at = from; at < end; at += 4) {
    h = Math.imul(h ^ view.getUint32(at, true), 0x01000193) >>> 0;
  }
  return h;
}

/* By hand. */

/**
 * Two frames on a caller and two workers; times are in ticks of 10 ns. Tests say what they give.
 */
export function handMade(): TraceMaker {
  const made = new TraceMaker();
  made.base = 0x1_0000_0000n - 500n;
  made.nsPerTick = 10;
  made.unixNs = 1_700_000_000_000_000_000n;
  made.budgetNs = 5000n;
  made.workers = 2;
  made.host.push(['scene', 'by "hand"'], ['executor', 'threads']);
  made.systems.push(
    { number: 1, name: 'move', stage: 'update', batch: 1, place: 0 },
    { number: 2, name: 'strike', stage: 'update', batch: 2, place: 1, flags: 2 },
    { number: 3, name: 'tidy', stage: 'other', batch: 2, place: 2, flags: 1 },
    { number: 4, name: 'scöre', stage: 'late', batch: 3, place: 3, flags: 4 },
  );
  made.edges.push({ from: 1, to: 2, why: 'move writes Pos, strike looks Pos up' });
  made.names.set(1, 'draw').set(2, 'find');
  made.thread(0, '');
  made.thread(1, '', 7);
  made.thread(2, 'second', 5 * TWO_32);
  handMadeFirst(made);
  made.zone(0, KIND.HOST, 1050, 1150, 1);
  made.zone(0, KIND.SNAPSHOT, 1210, 1220, 7, 1);
  made.zone(0, KIND.WAKE, 1230, 1250, 2, 1);
  made.zone(0, KIND.TASKS, 1230, 1400, 7, 1);
  made.zone(0, KIND.COMMIT, 1410, 1420, 7, 1);
  made.zone(0, KIND.FRAME, 1200, 1500, 42);
  made.zone(1, KIND.BLOCK, 1240, 1300, 9 + 65536, 3);
  return made;
}

function handMadeFirst(made: TraceMaker): void {
  const two = 2 * 65536;
  made.zone(0, KIND.SNAPSHOT, 10, 30, 1, 4);
  made.zone(0, KIND.WAKE, 50, 60, 2 + two, 4);
  made.zone(0, KIND.BLOCK, 70, 150, 1 + two, 0);
  made.zone(0, KIND.TASKS, 40, 400, 1, 4);
  made.zone(1, KIND.BLOCK, 80, 200, 1 + two, 2);
  made.zone(1, KIND.BLOCK, 220, 390, 1 + 65536, 4);
  made.zone(2, KIND.HOST, 110, 150, 2);
  made.zone(2, KIND.BLOCK, 100, 180, 1 + 65536, 5);
  made.zone(0, KIND.VERIFY, 400, 420, 4);
  made.zone(0, KIND.APPLY, 440, 450, 7, 1);
  made.zone(0, KIND.COMMIT, 430, 460, 1, 1);
  made.zone(0, KIND.SNAPSHOT, 470, 480, 2, 5);
  made.zone(0, KIND.RUN, 500, 560, 3);
  made.zone(0, KIND.LOST, 610, 680, 2 + two, 4);
  made.mark(0, KIND.FAULT, 680, 2 + two, 1 + 3 * 256 + 65536);
  made.zone(0, KIND.BLOCK, 570, 690, 2 + 3 * 65536, 0);
  made.zone(0, KIND.TASKS, 490, 700, 2, 5);
  made.zone(2, KIND.BLOCK, 520, 600, 2 + 65536, 3);
  made.zone(0, KIND.COMMIT, 710, 730, 2, 2);
  made.mark(0, KIND.COPIED, 745, 4 + WHY.HELD * 65536, 5);
  made.zone(0, KIND.SYSTEM, 750, 790, 4 + two, 10);
  made.zone(0, KIND.SNAPSHOT, 740, 800, 3, 0);
  made.zone(0, KIND.COMMIT, 800, 820, 3, 1);
  made.zone(0, KIND.RESPAWN, 680, 850, 2);
  made.mark(0, KIND.ENTITIES, 900, 100);
  made.mark(0, KIND.PATCHES, 900, 7);
  made.mark(0, KIND.BYTES, 900, 5, 1);
  made.mark(0, KIND.BLOCKS_COPIED, 900, 5);
  made.zone(0, KIND.FRAME, 0, 1000, 41);
}

/* The generator. */

/** What a made-up trace is like. */
export interface TraceShape {
  frames?: number;
  systems?: number;
  workers?: number;
  seed?: number;
  /** In place of frames: as many as give so many zones. */
  zones?: number;
  stepNs?: number;
  budgetNs?: number;
  /** The part of frames that are three times as long. */
  slow?: number;
  /** How much longer the system 1 takes. */
  heavier?: number;
  /** No workers are lost, nothing fails. */
  calm?: boolean;
  nsPerTick?: number;
}

/** Random numbers from a seed (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / TWO_32;
  }

  /** A whole number from `low` to `high`. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(p: number): boolean {
    return this.next() < p;
  }

  /** Around `mean`, with a long tail. */
  long(mean: number): number {
    return Math.max(1, Math.round(mean * (0.5 + 0.6 * -Math.log(1 - this.next() * 0.999))));
  }
}

const VERBS = 'move steer aim spawn age heal draw sort route drift land burn collide fade'.split(
  ' ',
);
const NOUNS = 'ships birds flights rocks shots clouds trails crews fuel wind ports crowds'.split(
  ' ',
);
const STAGES = ['input', 'update', 'late', 'publish'];

interface PlaySystem extends MadeSystem {
  how: 'blocks' | 'inline' | 'main';
  /** Ticks a block, or in all. */
  cost: number;
  blocks: number;
  batch: number;
}

/** A batch that is being played, and the caller's clock. */
class Play {
  readonly maker = new TraceMaker();
  readonly dice: Dice;
  readonly shape: Required<Omit<TraceShape, 'zones'>>;
  readonly batches: PlaySystem[][] = [];
  now = 1000;
  /** When each worker is there (again). */
  readonly ready: number[] = [];
  slower = 1;

  constructor(shape: TraceShape) {
    this.shape = {
      ...{ frames: 60, systems: 12, workers: 3, seed: 1, stepNs: 0, budgetNs: 0, slow: 0.02 },
      ...{ heavier: 1, calm: false, nsPerTick: 0.4 },
      ...shape,
    };
    this.dice = new Dice(this.shape.seed);
    this.#head();
    this.#plan();
  }

  #head(): void {
    const { maker, shape } = this;
    maker.base = 123_456_789_012n;
    maker.nsPerTick = shape.nsPerTick;
    maker.unixNs = 1_753_000_000_000_000_000n;
    maker.stepNs = BigInt(shape.stepNs);
    maker.budgetNs = BigInt(shape.budgetNs);
    maker.workers = shape.workers;
    maker.host.push(['scene', 'made up'], ['executor', 'threads'], ['seed', String(shape.seed)]);
    maker.names.set(1, 'draw').set(2, 'find paths').set(3, 'publish');
    maker.thread(0, 'caller');
    for (let w = 1; w <= shape.workers; w++) {
      maker.thread(w, `worker ${w}`, this.dice.chance(0.5) ? this.dice.int(1, 1e6) : 0);
      this.ready[w] = 0;
    }
  }

  #plan(): void {
    const { dice, maker, shape } = this;
    let batch: PlaySystem[] = [];
    for (let i = 0; i < shape.systems; i++) {
      if (batch.length === 0 || dice.chance(0.4)) this.batches.push((batch = []));
      const roll = dice.next();
      const how = i === 0 || roll < 0.65 ? 'blocks' : roll < 0.85 ? 'inline' : 'main';
      const name = `${VERBS[i % VERBS.length]} ${NOUNS[((i * 5 + i / 12) | 0) % NOUNS.length]}`;
      batch.push({
        how,
        number: i + 1,
        name: i < VERBS.length * 2 ? name : `${name} ${i}`,
        batch: this.batches.length,
        place: i,
        flags: (how === 'main' ? 1 : 0) | (how === 'inline' && dice.chance(0.3) ? 4 : 0),
        cost: dice.long(how === 'blocks' ? 20000 : 12000) * (i === 0 ? shape.heavier : 1),
        blocks: how === 'blocks' ? dice.int(1, 4 * (shape.workers + 1)) : dice.int(1, 3),
      });
    }
    this.batches.forEach((systems, b) => {
      const stage = STAGES[Math.floor((b * STAGES.length) / this.batches.length)]!;
      for (const system of systems) maker.systems.push({ ...system, stage });
      for (const to of this.batches[b + 1] ?? []) {
        const from = systems[dice.int(0, systems.length - 1)]!;
        const why = `${from.name} writes Pos, ${to.name} looks Pos up`;
        maker.edges.push({ from: from.number, to: to.number, why });
      }
    });
  }

  /** Some ticks later, on the caller. */
  later(mean: number): number {
    return (this.now += this.dice.long(mean));
  }

  at(ticks: number): number {
    const { stepNs, nsPerTick } = this.shape;
    const step = stepNs / nsPerTick;
    return step > 1 ? Math.ceil(Math.floor(ticks / step) * step) : ticks;
  }

  zone(thread: number, kind: number, begin: number, end: number, low = 0, high = 0): void {
    this.maker.zone(thread, kind, this.at(begin), this.at(end), low, high);
  }

  mark(kind: number, at: number, low = 0, high = 0): void {
    this.maker.mark(0, kind, this.at(at), low, high);
  }

  frame(tick: number): void {
    const { dice } = this;
    const begin = this.later(4000);
    this.slower = dice.chance(this.shape.slow) ? 3 : 1;
    let host = -1;
    if (dice.chance(0.3)) host = this.later(300);
    if (host >= 0) this.zone(0, KIND.HOST, host, this.later(3000), 3);
    this.batches.forEach((systems, b) => this.#batch(systems, b + 1));
    for (const kind of [KIND.ENTITIES, KIND.PATCHES, KIND.BYTES, KIND.BLOCKS_COPIED]) {
      this.mark(kind, this.later(50), dice.int(0, 100_000), kind === KIND.BYTES ? 1 : 0);
    }
    this.zone(0, KIND.FRAME, begin, this.later(800), tick);
    if (dice.chance(0.5)) this.zone(0, KIND.HOST, this.now + 500, this.later(20000) + 500, 1);
    this.now += 600;
  }

  #batch(systems: readonly PlaySystem[], number: number): void {
    const { dice } = this;
    const blocks = systems.filter(s => s.how === 'blocks');
    const mains = systems.filter(s => s.how === 'main');
    const begin = this.later(200);
    for (const system of systems) this.#snapshot(system);
    const tasks = blocks.reduce((sum, s) => sum + s.blocks, 0);
    this.zone(0, KIND.SNAPSHOT, begin, this.later(400), number, tasks);
    const inside = blocks.length > 0 && dice.chance(0.7) ? mains : [];
    if (blocks.length > 0) new Section(this, blocks, inside, number).play();
    for (const system of mains.filter(s => !inside.includes(s))) this.run(system);
    if (blocks.length > 0 && dice.chance(0.5)) {
      this.zone(0, KIND.VERIFY, this.later(100), this.later(900), tasks);
    }
    const commit = this.later(150);
    this.zone(0, KIND.APPLY, this.later(100), this.later(2500), dice.int(0, 5000), dice.int(0, 2));
    this.zone(0, KIND.COMMIT, commit, this.later(100), number, systems.length);
  }

  #snapshot(system: PlaySystem): void {
    const { dice } = this;
    if (system.how === 'inline') {
      const begin = this.later(100);
      this.now += dice.long(system.cost * this.slower);
      const low = system.number + system.blocks * 65536;
      this.zone(0, KIND.SYSTEM, begin, this.now, low, dice.int(1, 1000));
    } else if (dice.chance(0.1)) {
      const why = dice.int(WHY.HELD, WHY.ELSEWHERE);
      this.mark(KIND.COPIED, this.later(50), system.number + why * 65536, dice.int(1, 40));
    }
  }

  run(system: PlaySystem): void {
    const begin = this.later(150);
    const end = begin + this.dice.long(system.cost * this.slower);
    if (this.dice.chance(0.4)) this.zone(0, KIND.HOST, begin + 1, (begin + end) >> 1, 2);
    this.zone(0, KIND.RUN, begin, (this.now = end), system.number);
  }
}

interface Task {
  system: PlaySystem;
  block: number;
  count: number;
}

/** A section: its tasks go to whichever thread is free first. */
class Section {
  readonly owner: Play;
  readonly tasks: Task[] = [];
  readonly mains: readonly PlaySystem[];
  readonly batch: number;
  readonly begin: number;
  /** When each thread is free. */
  readonly free: number[] = [];
  /** When the last task has ended. */
  last = 0;

  constructor(play: Play, blocks: PlaySystem[], mains: readonly PlaySystem[], batch: number) {
    this.owner = play;
    this.mains = mains;
    this.batch = batch;
    this.begin = play.later(100);
    for (const system of blocks) {
      for (let block = 0; block < system.blocks;) {
        const count = Math.min(play.dice.int(1, 2), system.blocks - block);
        this.tasks.push({ system, block, count });
        block += count;
      }
    }
  }

  play(): void {
    const play = this.owner;
    const { dice, shape } = play;
    const count = this.tasks.length;
    if (shape.workers > 0) {
      const low = shape.workers + dice.int(0, shape.workers) * 65536;
      play.zone(0, KIND.WAKE, play.later(60), play.later(600), low, count);
    }
    for (const system of this.mains) play.run(system);
    for (let w = 1; w <= shape.workers; w++) {
      const woken = this.begin + dice.long(dice.chance(0.1) ? 60000 : 2500);
      this.free[w] = Math.max(play.ready[w]!, woken);
    }
    this.free[0] = play.now + 80;
    for (let i = 0; i < this.tasks.length; i++) this.#task(this.tasks[i]!);
    play.now = this.free[0];
    if (dice.chance(0.5)) play.zone(0, KIND.VERIFY, play.later(100), play.later(500), count);
    play.now = Math.max(play.now, this.last);
    play.zone(0, KIND.TASKS, this.begin, play.later(120), this.batch, count);
  }

  #task(task: Task): void {
    const play = this.owner;
    const { dice } = play;
    let thread = 0;
    this.free.forEach((at, n) => (thread = at < this.free[thread]! ? n : thread));
    const begin = this.free[thread]!;
    const length = dice.long(task.system.cost * play.slower * task.count);
    if (thread > 0 && !play.shape.calm && dice.chance(0.002)) {
      this.#lose(task, thread, begin, begin + length * 2);
      return;
    }
    const end = begin + length;
    if (dice.chance(0.05)) play.zone(thread, KIND.HOST, begin + 1, begin + (length >> 1) + 1, 2);
    const low = task.system.number + task.count * 65536;
    play.zone(thread, KIND.BLOCK, begin, end, low, task.block);
    this.free[thread] = end + dice.long(120);
    this.last = Math.max(this.last, end);
  }

  /** The worker is given up, and its task tried again. */
  #lose(task: Task, worker: number, begin: number, end: number): void {
    const play = this.owner;
    const who = task.system.number + worker * 65536;
    play.zone(0, KIND.LOST, begin, end, who, task.block);
    const back = end + play.dice.long(play.dice.chance(0.5) ? 40000 : 4_000_000);
    play.zone(0, KIND.RESPAWN, end, back, worker);
    play.mark(KIND.FAULT, end, who, play.dice.int(0, 4) + 3 * 256 + task.count * 65536);
    play.ready[worker] = back;
    // The caller saw it: what is tried again begins after that.
    this.free[0] = Math.max(this.free[0]!, end);
    this.free[worker] = back + 200;
    this.tasks.push(task);
  }
}

/** Makes a trace; the same seed makes the same one. */
export function makeTrace(shape: TraceShape = {}): TraceMaker {
  const play = new Play(shape);
  const { zones } = shape;
  for (let tick = 0; zones === undefined ? tick < play.shape.frames : true; tick++) {
    play.frame(1000 + tick);
    if (zones !== undefined && play.maker.zoneCount >= zones) break;
  }
  return play.maker;
}

function main(): void {
  const number = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ frames: number, systems: number, workers: number, seed: number, zones: number },
      ...{ 'step-ns': number, 'budget-us': number, slow: number, heavier: number },
      calm: { type: 'boolean' },
    },
  });
  const out = positionals[0];
  if (out === undefined) throw new Error('usage: trace_make.ts [--frames N] ... OUT.skept');
  const shape: TraceShape = { calm: values.calm ?? false };
  for (const key of ['frames', 'systems', 'workers', 'seed', 'zones', 'slow', 'heavier'] as const) {
    if (values[key] !== undefined) shape[key] = Number(values[key]);
  }
  if (values['step-ns'] !== undefined) shape.stepNs = Number(values['step-ns']);
  if (values['budget-us'] !== undefined) shape.budgetNs = Number(values['budget-us']) * 1000;
  const maker = makeTrace(shape);
  const bytes = maker.bytes();
  writeFileSync(out, bytes);
  console.log(`${out}: ${maker.zoneCount} zones, ${bytes.length} bytes`);
}

if (import.meta.main) main();
