// SPDX-License-Identifier: MIT
// A loop of fixed steps: the clock's time is gathered, a frame is run for each whole step of it, at
// most `maxCatchUp` at once, and what is due beyond that is given up and counted. It keeps the
// snapshots that drawing between two frames and going back need.

import type { AnyComponent, Reads } from './component.js';
import type { Column, ColumnSet } from './core/columns.js';
import { EntityColumn, type EntityColumnView } from './entity.js';
import { JobError, SkepError } from './errors.js';
import type { FrameReport, ParallelScheduler } from './scheduler.js';
import type { Snapshot } from './snapshot.js';

export interface LoopOptions {
  /** Frames a second, 60 by default. */
  hz?: number;
  /** The most frames that one turn runs; 5 by default. */
  maxCatchUp?: number;
  /** Frames that `rewind` can go back; 60 by default. Each holds what it changed, so fewer are kept
   * while they take more than half of the world's memory. 0: none, and blocks stay in place. */
  rewindMax?: number;
  /** false: frames run on the caller alone. */
  parallel?: boolean;
  /** 'throw': the loop stops at a fault, and `done` rejects. 'report' by default. */
  onFault?: 'report' | 'throw';
  /** Told of each frame. */
  onFrame?: (report: FrameReport) => void;
  /** true: nothing runs by itself; call `advance`. */
  manual?: boolean;
}

type Columns<R extends readonly AnyComponent[]> = { [I in keyof R]: Reads<R[I]> };

export class Loop {
  readonly #scheduler: ParallelScheduler;
  readonly #options: Required<Omit<LoopOptions, 'onFrame'>> & Pick<LoopOptions, 'onFrame'>;
  readonly #stepMs: number;
  /** The world before each of the last frames, oldest first; one more than can be gone back, for
   * drawing. */
  #before: Snapshot[] = [];
  #backlog = 0;
  #last: number | null = null;
  #lost = 0;
  #paused = false;
  /** stop() was called: what runs is finished, and no more. */
  #ending = false;
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #turn: Promise<number> | null = null;
  /** Settles when all is done that was asked for. */
  #busy: Promise<unknown> = Promise.resolve();
  #settle: { resolve: () => void; reject: (error: unknown) => void } | null = null;
  /** Resolves when the loop was stopped; rejects with what ended it. */
  readonly done: Promise<void>;

  /** @internal Use scheduler.start(). */
  constructor(scheduler: ParallelScheduler, options: LoopOptions) {
    const hz = options.hz ?? 60;
    if (!(hz >= 0.001 && hz <= 100000)) {
      throw new SkepError('E_ARGUMENT', `a loop of ${hz} Hz`, { hint: '0.001 to 100,000' });
    }
    this.#scheduler = scheduler;
    this.#options = {
      hz,
      maxCatchUp: Math.max(options.maxCatchUp ?? 5, 1),
      rewindMax: options.rewindMax ?? 60,
      parallel: options.parallel ?? true,
      onFault: options.onFault ?? 'report',
      manual: options.manual ?? false,
      ...(options.onFrame && { onFrame: options.onFrame }),
    };
    this.#stepMs = 1000 / hz;
    this.done = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.done.catch(() => {});
    if (!this.#options.manual) this.#arm();
  }

  #arm(): void {
    if (this.#stopped) return;
    const wait = Math.max(this.#stepMs - this.#backlog, 0);
    this.#timer = setTimeout(
      () => {
        this.advance(performance.now()).then(
          () => this.#arm(),
          (error: unknown) => this.#end(error),
        );
      },
      Math.min(wait, 100),
    );
  }

  #end(error?: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const snapshot of this.#before) snapshot.release();
    this.#before = [];
    if (error === undefined) this.#settle!.resolve();
    else this.#settle!.reject(error);
  }

  /** Does something when all that was asked for before is done: turns, steps and ways back never
   * meet. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(work);
    this.#busy = done.catch(() => {});
    return done;
  }

  /** Lets the clock be at `now` milliseconds and runs the frames that are due. The first call only
   * sets the clock. Resolves with the number of frames; while a turn runs, with that turn's. */
  advance(now: number): Promise<number> {
    return (this.#turn ??= this.#alone(() => this.#advance(now)).finally(() => {
      this.#turn = null;
    }));
  }

  async #advance(now: number): Promise<number> {
    if (this.#stopped) throw stopped();
    const elapsed = this.#last === null ? 0 : Math.max(now - this.#last, 0);
    this.#last = now;
    if (this.#paused) return 0;
    this.#backlog += elapsed;
    let frames = 0;
    for (; this.#backlog >= this.#stepMs && frames < this.#options.maxCatchUp; frames++) {
      if (this.#paused || this.#ending) return frames;
      this.#backlog -= this.#stepMs;
      await this.#frame();
    }
    if (this.#backlog >= this.#stepMs) {
      const given = this.#backlog - (this.#backlog % this.#stepMs);
      this.#lost += given;
      this.#backlog -= given;
    }
    return frames;
  }

  async #frame(): Promise<FrameReport> {
    if (this.#stopped) throw stopped();
    const { world } = this.#scheduler;
    const before = world.snapshot();
    this.#before.push(before);
    const most = Math.max(this.#options.rewindMax, 1);
    while (
      this.#before.length > most
      || (this.#before.length > 1 && world.bytes > world.memoryMax / 2)
    ) {
      this.#before.shift()!.release();
    }
    const { parallel } = this.#options;
    let report: FrameReport;
    try {
      report = await this.#scheduler.runFrame(this.#stepMs / 1000, -1, { parallel });
    } catch (error) {
      if (world.tick === before.tick) this.#before.pop()?.release(); // there was no frame
      throw error;
    }
    this.#options.onFrame?.(report);
    const bad = report.faults.find((fault: JobError) => fault.action !== 'healed');
    if (bad && this.#options.onFault === 'throw') {
      this.#end(bad);
      throw bad;
    }
    return report;
  }

  /** Calls `draw` for runs of rows that have the components: their columns before the last frame
   * and after it, and how far `now` is between the two, 0 to 1. Rows that came or moved in that
   * frame have the same columns in both. */
  draw<const R extends readonly AnyComponent[]>(
    now: number,
    components: R,
    draw: (
      n: number,
      previous: Columns<R>,
      current: Columns<R>,
      alpha: number,
      entities: EntityColumnView,
    ) => void,
  ): void {
    const { world } = this.#scheduler;
    const since = this.#last === null || this.#paused ? 0 : Math.max(now - this.#last, 0);
    const alpha = Math.min((this.#backlog + since) / this.#stepMs, 1);
    const old: Rows[] = [];
    this.#before.at(-1)?.each(components, ((n: number, ...rest: unknown[]) => {
      old.push(rowsOf(n, rest));
    }) as never);
    const starts = new Map(old.map(rows => [rows.entities.at(0), rows]));
    let block = 0;
    world.each({ read: components as readonly AnyComponent[] }, ((
      n: number,
      ...rest: unknown[]
    ) => {
      const rows = rowsOf(n, rest.slice(0, components.length + 1));
      eachRun(rows, [old[block++], starts.get(rows.entities.at(0))], (was, is) => {
        draw(is.n, was.columns as never, is.columns as never, alpha, is.entities);
      });
    }) as never);
  }

  /** Pauses: no frames, and time does not pass. The frame that runs is finished. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on; the next turn sets the clock. */
  resume(): void {
    if (this.#paused) this.#last = null;
    this.#paused = false;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Runs exactly one frame, paused or not. */
  step(): Promise<FrameReport> {
    return this.#alone(() => this.#frame());
  }

  /** Takes the world `frames` frames back. Rejects with E_LIMIT for more than are kept. */
  rewind(frames: number): Promise<void> {
    return this.#alone(async () => this.#rewind(frames));
  }

  #rewind(frames: number): void {
    if (!Number.isInteger(frames)) {
      throw new SkepError('E_ARGUMENT', `${frames} frames back`, { hint: 'a whole number' });
    }
    if (frames > this.rewindable || frames < 1) {
      throw new SkepError('E_LIMIT', `${frames} frames back: ${this.rewindable} are kept`, {
        hint: 'start({ rewindMax: frames })',
      });
    }
    const kept = this.#before.length - frames;
    this.#scheduler.world.restore(this.#before[kept]!);
    for (const snapshot of this.#before.splice(kept)) snapshot.release();
  }

  /** Frames that can be gone back now. */
  get rewindable(): number {
    return this.#options.rewindMax > 0 ? this.#before.length : 0;
  }

  /** Milliseconds that were given up, because the machine was too slow. */
  get lostMs(): number {
    return this.#lost;
  }

  /** Ends the loop; the frame that runs is finished. Resolves when it is. */
  async stop(): Promise<void> {
    this.#ending = true;
    await this.#alone(() => Promise.resolve());
    this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function stopped(): SkepError {
  return new SkepError('E_CLOSED', 'the loop was stopped');
}

/** Rows that lie side by side. */
interface Rows {
  readonly n: number;
  readonly columns: readonly ColumnSet[];
  readonly entities: EntityColumn;
}

/** What a query or a snapshot calls with. */
function rowsOf(n: number, rest: readonly unknown[]): Rows {
  return {
    n,
    columns: rest.slice(0, -1) as ColumnSet[],
    entities: rest.at(-1) as EntityColumn,
  };
}

/** Splits a block into runs of rows that all were in that place of an earlier one, or all were not:
 * those stand for themselves. Of the blocks that may be the earlier one that counts which has more
 * of the rows. */
function eachRun(
  now: Rows,
  earlier: readonly (Rows | undefined)[],
  call: (was: Rows, is: Rows) => void,
): void {
  let best: Rows | undefined;
  let most = 0;
  for (const old of earlier) {
    const same = old && old !== best ? countSame(now, old) : 0;
    if (same > most) [best, most] = [old, same];
  }
  if (!best) return call(now, now);
  if (most === now.n && now.n === best.n) return call(best, now);
  for (let from = 0, to; from < now.n; from = to) {
    const there = isSame(now, best, from);
    for (to = from + 1; to < now.n && isSame(now, best, to) === there;) to++;
    const is = cut(now, from, to);
    call(there ? cut(best, from, to) : is, is);
  }
}

function isSame(a: Rows, b: Rows, row: number): boolean {
  return row < b.n && a.entities.at(row) === b.entities.at(row);
}

function countSame(a: Rows, b: Rows): number {
  let count = 0;
  for (let row = 0; row < a.n; row++) if (isSame(a, b, row)) count++;
  return count;
}

function cut(rows: Rows, from: number, to: number): Rows {
  const columns = rows.columns.map(set =>
    Object.fromEntries(
      Object.entries(set).map(([name, column]) => {
        const each = column.length / rows.n;
        return [name, cutColumn(column, each * from, each * to)];
      }),
    ),
  );
  return { n: to - from, columns, entities: cutColumn(rows.entities, from, to) as EntityColumn };
}

function cutColumn(column: Column, from: number, to: number): Column {
  return column instanceof EntityColumn
    ? new EntityColumn(column.words.subarray(2 * from, 2 * to))
    : (column as Float64Array).subarray(from, to);
}
