// SPDX-License-Identifier: MIT
// Runs the contenders of one row in turns and compares them. Each is warmed up by itself until it
// gets no faster, then every round takes one sample of each, the order turning by one; a sample
// repeats `run` for some milliseconds. A ratio is the median of the rounds' ratios, so that a
// machine that changes its speed changes both sides of it.

import type { Bar, Contender, Role, Row, Subject, Unit } from './row.ts';

const NANOSECONDS: Record<Unit, number> = { ns: 1, us: 1e3, ms: 1e6 };

export interface MeasureOptions {
  /** Turns with tracing off and on, and how long each is. */
  turns: number;
  turnMs: number;
  /** Samples of each contender; at least 7. */
  rounds: number;
  /** How long a sample is at least. */
  sampleMs: number;
  /** How long a contender is warmed up at least and at most. */
  warmMs: readonly [least: number, most: number];
}

export const DEFAULTS: MeasureOptions = {
  turns: 100,
  turnMs: 3,
  rounds: 11,
  sampleMs: 10,
  warmMs: [500, 3000],
};

/** As little as shows that everything runs and leaves the right state; its times mean nothing. */
export const QUICK: MeasureOptions = {
  turns: 1,
  turnMs: 0,
  rounds: 1,
  sampleMs: 0,
  warmMs: [0, 0],
};

/** A contender's times, in the row's unit, for one piece of work. */
export interface Result {
  name: string;
  role: Role;
  median: number;
  /** The quartiles. */
  low: number;
  high: number;
  samples: number[];
}

/** What came out for one bar. */
export interface Verdict {
  of: string;
  /** What is compared: a ratio, or a value in the row's unit. */
  kind: 'ratio' | 'faster' | 'value';
  than?: string;
  /** Median over the rounds. */
  value: number;
  /** What it may be at most, or for 'faster' has to be at least. */
  bar: number;
  plus?: number;
  met: boolean;
}

/** The same work with tracing on, beside it with tracing off. */
export interface Traced {
  of: string;
  /** Medians of many short turns, in the row's unit, for one piece of work. */
  off: number;
  on: number;
  /** Records that one `run` writes. */
  records: number;
  /** Nanoseconds that each of them adds: the median over the turns. */
  nsPerRecord: number;
}

export interface RowReport {
  name: string;
  title: string;
  unit: string;
  results: Result[];
  verdicts: Verdict[];
  traced: Traced[];
}

interface Runner {
  contender: Contender;
  subject: Subject;
  runs: number;
  /** Calls of `run` in a sample. */
  repeat: number;
  samples: number[];
}

declare const gc: ((options?: { type?: 'minor' }) => void) | undefined;

function collect(type?: 'minor'): void {
  if (typeof gc === 'function') gc(type === undefined ? undefined : { type });
}

export function quantile(sorted: readonly number[], at: number): number {
  const place = (sorted.length - 1) * at;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (place - below);
}

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** Nanoseconds that so many runs take. */
async function time(runner: Runner, repeat: number): Promise<number> {
  const { subject } = runner;
  runner.runs += repeat;
  if (subject.timed) {
    let sum = 0;
    for (let i = 0; i < repeat; i++) sum += await subject.timed();
    return sum;
  }
  const begin = process.hrtime.bigint();
  for (let i = 0; i < repeat; i++) {
    const done = subject.run();
    if (done !== undefined) await done;
  }
  return Number(process.hrtime.bigint() - begin);
}

/** Runs until the best time of a sample has not fallen by 2% for some samples: V8 has compiled what
 * there is to compile, which takes a while where another program has the cores. */
async function warmUp(runner: Runner, options: MeasureOptions): Promise<void> {
  const [least, most] = options.warmMs;
  const start = performance.now();
  let best = Infinity;
  let calm = 0;
  let now = start;
  do {
    const each = (await time(runner, runner.repeat)) / runner.repeat;
    const then = now;
    now = performance.now();
    runner.repeat = Math.max(1, Math.ceil((options.sampleMs * runner.repeat) / (now - then)));
    calm = each < best * 0.98 ? 0 : calm + 1;
    best = Math.min(best, each);
  } while (now < start + least || (calm < 8 && now < start + most));
}

async function start(contender: Contender, options: MeasureOptions): Promise<Runner> {
  collect();
  try {
    const subject = await contender.make();
    const runner = { contender, subject, runs: 0, repeat: 1, samples: [] };
    await warmUp(runner, options);
    subject.check(runner.runs);
    return runner;
  } catch (cause) {
    throw new Error(`${contender.name}: ${(cause as Error).message}`, { cause });
  }
}

async function playRounds(
  runners: readonly Runner[],
  row: Row,
  options: MeasureOptions,
): Promise<void> {
  const unit = NANOSECONDS[row.unit] * (row.per ?? 1);
  for (let round = 0; round < options.rounds; round++) {
    for (let turn = 0; turn < runners.length; turn++) {
      const runner = runners[(round + turn) % runners.length]!;
      collect('minor');
      // The one before had the caches; the first run gets them back.
      await time(runner, Math.ceil(runner.repeat / 10));
      runner.samples.push((await time(runner, runner.repeat)) / (runner.repeat * unit));
    }
  }
}

function resultOf(runner: Runner): Result {
  const sorted = [...runner.samples].sort((a, b) => a - b);
  const { name, role } = runner.contender;
  return {
    name,
    role,
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
    samples: runner.samples,
  };
}

function find(results: readonly Result[], name: string): Result {
  const found = results.find(result => result.name === name);
  if (!found) throw new Error(`a bar names the contender "${name}", which the row has not`);
  return found;
}

/** The median over the rounds of a's time over b's. */
export function ratio(a: Result, b: Result): number {
  return median(a.samples.map((sample, round) => sample / b.samples[round]!));
}

export function judge(bar: Bar, results: readonly Result[]): Verdict {
  const ours = find(results, bar.of);
  if ('value' in bar) {
    return {
      of: bar.of,
      kind: 'value',
      value: ours.median,
      bar: bar.value,
      met: ours.median <= bar.value,
    };
  }
  const than = find(results, bar.than);
  if ('faster' in bar) {
    const value = ratio(than, ours);
    return {
      of: bar.of,
      kind: 'faster',
      than: bar.than,
      value,
      bar: bar.faster,
      met: value >= bar.faster,
    };
  }
  const plus = bar.plus ?? 0;
  const over = ours.samples.map(
    (sample, round) => sample - than.samples[round]! * bar.atMost - plus,
  );
  return {
    of: bar.of,
    kind: 'ratio',
    than: bar.than,
    value: ratio(ours, than),
    bar: bar.atMost,
    ...(plus ? { plus } : {}),
    met: median(over) <= 0,
  };
}

/** What tracing adds: turns without and with it follow one another so closely that the machine's
 * moods hit both. */
async function measureTraced(runner: Runner, row: Row, options: MeasureOptions): Promise<Traced> {
  const { contender, subject, samples } = runner;
  const { on, off, records } = subject.trace!;
  const unit = NANOSECONDS[row.unit] * (row.per ?? 1);
  const runNs = median(samples) * unit;
  const repeat = Math.max(1, Math.ceil((options.turnMs * 1e6) / Math.max(runNs, 1)));
  const times: [off: number, on: number][] = [];
  on();
  await time(runner, repeat); // makes the rings, and has V8 see that it can be on
  const before = records();
  for (let turn = 0; turn < options.turns; turn++) {
    off();
    const without = (await time(runner, repeat)) / repeat;
    on();
    times.push([without, (await time(runner, repeat)) / repeat]);
  }
  const each = (records() - before) / (options.turns * repeat);
  off();
  return {
    of: contender.name,
    off: median(times.map(([without]) => without)) / unit,
    on: median(times.map(([, traced]) => traced)) / unit,
    records: each,
    nsPerRecord: median(times.map(([without, traced]) => traced - without)) / each,
  };
}

/** Measures one row. Throws if a contender's state is wrong afterwards. */
export async function measureRow(row: Row, options: MeasureOptions = DEFAULTS): Promise<RowReport> {
  const runners: Runner[] = [];
  const traced: Traced[] = [];
  try {
    for (const contender of row.contenders) runners.push(await start(contender, options));
    await playRounds(runners, row, options);
    for (const runner of runners) {
      if (runner.subject.trace) traced.push(await measureTraced(runner, row, options));
    }
    for (const { contender, subject, runs } of runners) {
      try {
        subject.check(runs);
      } catch (cause) {
        throw new Error(`${contender.name}: ${(cause as Error).message}`, { cause });
      }
    }
  } finally {
    for (const { subject } of runners) await subject.close?.();
  }
  const results = runners.map(resultOf);
  const verdicts = row.bars.map(bar => judge(bar, results));
  return { name: row.name, title: row.title, unit: row.unit, results, verdicts, traced };
}
