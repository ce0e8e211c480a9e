// SPDX-License-Identifier: MIT
// Checkpoints: every so many frames a snapshot, made into bytes between frames and written while
// frames run on. A frame pays for the snapshot alone; one that is due while the last one is still
// being written is left out and counted.

import { SkepError } from '../errors.js';
import type { Snapshot } from '../snapshot.js';
import type { FrameHook, World } from '../world.js';
import { Folder, listFolder, readEntry } from './folder.js';
import { saveSteps } from './save_steps.js';

export interface CheckpointOptions {
  /** After frames whose number, counted from 1, is a multiple; 600 by default. */
  every?: number;
  /** Node: the folder, made where it is not there. */
  dir?: string;
  /** The newest of them that stay in the folder; 3 by default. */
  keep?: number;
  /** In place of `dir`: takes the bytes of one, and the frames that the world had run. What it does
   * with them (OPFS, IndexedDB, a server) is waited for before the next one. */
  write?: (bytes: Uint8Array<ArrayBuffer>, tick: number) => void | Promise<void>;
  /** Milliseconds that making the bytes may take of this thread at a time; 1 by default. */
  sliceMs?: number;
  /** Told of one that could not be made or written; the next one is tried all the same. By default
   * the console is. */
  onError?: (error: Error) => void;
}

export interface CheckpointStats {
  readonly written: number;
  /** Left out, since the one before was still being written. */
  readonly skipped: number;
  readonly failed: number;
  /** Of the last one that was written: frames that the world had run, -1 for none, and its size. */
  readonly lastTick: number;
  readonly lastBytes: number;
  /** The longest that one slice took of this thread, and the longest snapshot, in milliseconds. */
  readonly sliceMaxMs: number;
  readonly snapshotMaxMs: number;
}

type Write = (bytes: Uint8Array<ArrayBuffer>, tick: number) => void | Promise<void>;

/** One that is being made. */
interface Job {
  readonly steps: Generator<void, Uint8Array<ArrayBuffer>>;
  readonly resolve: (bytes: Uint8Array<ArrayBuffer>) => void;
  readonly reject: (error: unknown) => void;
}

function numberOf(name: string, value: number, least: number): number {
  if (Number.isFinite(value) && value >= least) return value;
  throw new SkepError('E_ARGUMENT', `${name} is ${value}`, { hint: `${least} or more` });
}

/** Checkpoints that are going on; see checkpoints(). */
export class Checkpoints {
  readonly #world: World;
  readonly #write: Write;
  readonly #every: number;
  readonly #sliceMs: number;
  readonly #onError: (error: Error) => void;
  readonly #hook: FrameHook = { begin: () => {}, end: () => this.#after() };
  readonly #stats = {
    written: 0,
    skipped: 0,
    failed: 0,
    lastTick: -1,
    lastBytes: 0,
    sliceMaxMs: 0,
    snapshotMaxMs: 0,
  };
  #seen: number;
  #job: Job | null = null;
  /** Settles when the one that is being made or written is over. */
  #busy: Promise<void> | null = null;
  /** A slice ran since the last frame. */
  #sliced = false;
  #armed = false;

  /** @internal Use checkpoints(). */
  constructor(world: World, options: CheckpointOptions) {
    const { every = 600, dir, keep = 3, write, sliceMs = 1, onError } = options;
    if ((dir === undefined) === (write === undefined)) {
      throw new SkepError('E_ARGUMENT', 'checkpoints want either a folder or a function', {
        hint: '{ dir } or { write: (bytes, tick) => ... }',
      });
    }
    this.#every = Math.floor(numberOf('every', every, 1));
    this.#sliceMs = numberOf('sliceMs', sliceMs, 0);
    this.#world = world;
    this.#seen = world.tick;
    this.#onError = onError ?? (error => console.error(`checkpoint: ${error.message}`));
    const folder = dir === undefined ? null : new Folder(dir, numberOf('keep', keep, 1));
    this.#write = write ?? ((bytes, tick) => folder!.write(bytes, tick));
    world.frames.add(this.#hook);
  }

  /** What they came to so far. */
  get stats(): CheckpointStats {
    return { ...this.#stats };
  }

  #after(): void {
    const { tick } = this.#world;
    const due = tick !== this.#seen && tick % this.#every === 0;
    this.#seen = tick;
    if (due && this.#busy) this.#stats.skipped++;
    else if (due) void this.#take();
    // Where frames leave the event loop no turn, they have to give the time themselves.
    else if (this.#job && !this.#sliced) this.#slice();
    this.#sliced = false;
  }

  /** Takes one now, unless the last one is of this frame, and resolves when it is written: for the
   * end of a program. Rejects with what failed. */
  async now(): Promise<void> {
    while (this.#busy) await this.#busy;
    if (this.#stats.lastTick === this.#world.tick) return;
    const failed: Error[] = [];
    await this.#take(error => failed.push(error));
    if (failed[0]) throw failed[0];
  }

  #take(tell: (error: Error) => void = this.#onError): Promise<void> {
    return (this.#busy = this.#make(tell).finally(() => {
      this.#busy = null;
    }));
  }

  async #make(tell: (error: Error) => void): Promise<void> {
    const stats = this.#stats;
    let snapshot: Snapshot | null = null;
    try {
      const began = performance.now();
      const taken = (snapshot = this.#world.snapshot());
      stats.snapshotMaxMs = Math.max(stats.snapshotMaxMs, performance.now() - began);
      const { tick } = taken;
      const bytes = await new Promise<Uint8Array<ArrayBuffer>>((resolve, reject) => {
        this.#job = { steps: saveSteps(taken), resolve, reject };
        this.#arm();
      });
      taken.release();
      await this.#write(bytes, tick);
      stats.written++;
      stats.lastTick = tick;
      stats.lastBytes = bytes.length;
    } catch (error) {
      stats.failed++;
      tell(error instanceof Error ? error : new Error(String(error)));
    } finally {
      snapshot?.release();
    }
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    setTimeout(() => {
      this.#armed = false;
      if (!this.#job) return;
      this.#slice();
      if (this.#job) this.#arm();
    }, 0);
  }

  /** Goes on for a slice. */
  #slice(): void {
    const job = this.#job!;
    const began = performance.now();
    this.#sliced = true;
    try {
      let step = job.steps.next();
      while (!step.done && performance.now() - began < this.#sliceMs) step = job.steps.next();
      if (!step.done) return;
      this.#job = null;
      job.resolve(step.value);
    } catch (error) {
      this.#job = null;
      job.reject(error);
    } finally {
      const took = performance.now() - began;
      this.#stats.sliceMaxMs = Math.max(this.#stats.sliceMaxMs, took);
    }
  }

  /** Ends them; one that is being written is waited for. Twice is fine. */
  async end(): Promise<void> {
    this.#world.frames.delete(this.#hook);
    while (this.#busy) await this.#busy;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

/** From now on a snapshot of the world is taken every so many frames and kept: in files of a folder
 * (Node), each synced before it gets its name, so that a program that is killed at any moment loses
 * the frames since the last one and never a checkpoint; or by a function of your own, in pages. The
 * files are saves, and `skep run --resume` reads those that hold no object components. No frame
 * waits for one.
 *
 * await resume(world, 'saves');
 * checkpoints(world, { dir: 'saves', every: 600, keep: 3 });
 */
export function checkpoints(world: World, options: CheckpointOptions): Checkpoints {
  return new Checkpoints(world, options);
}

/** What `resume` went on from. */
export interface Resumed {
  readonly path: string;
  /** Frames that the world had run. */
  readonly tick: number;
  /** Newer ones that were passed over, with the reason. */
  readonly damaged: readonly { readonly path: string; readonly why: string }[];
}

/** Takes the world to the newest good checkpoint of a folder (Node), and names those that are
 * damaged; null where there is none yet. Between frames, in a world that has its scene. Rejects
 * with SkepError: E_CORRUPT where all are damaged, E_SCHEMA for one of other components; the world
 * is as it was then. */
export async function resume(world: World, dir: string): Promise<Resumed | null> {
  const damaged: { path: string; why: string }[] = [];
  for (const entry of await listFolder(dir)) {
    try {
      world.load(await readEntry(entry));
      return { path: entry.path, tick: world.tick, damaged };
    } catch (error) {
      if (!(error instanceof SkepError) || error.code !== 'E_CORRUPT') throw error;
      damaged.push({ path: entry.path, why: error.message });
    }
  }
  if (!damaged.length) return null;
  const all = damaged.map(({ path, why }) => `${path}: ${why}`).join('; ');
  throw new SkepError('E_CORRUPT', `all checkpoints of ${dir} are damaged: ${all}`);
}
