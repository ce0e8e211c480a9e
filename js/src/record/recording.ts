// SPDX-License-Identifier: MIT
// Recordings: everything that decides what frames do, from one world on, in the format of the
// command's `skep run --record`. wasm writes it (core/record) and gives the bytes away as they
// come; what systems' `extra` gave goes along in records of JavaScript's own.

import type { Host } from '../core/host.js';
import { liveCore } from '../core/live_core.js';
import { setOwnCore } from '../core/own_core.js';
import { SkepError } from '../errors.js';
import { unfit } from '../save.js';
import type { ParallelScheduler } from '../scheduler.js';
import type { FrameHook, World } from '../world.js';
import { joined, packHost, type Extras } from './format.js';

// New worlds are made in the core that can record.
setOwnCore(liveCore());

export interface RecordOptions {
  /** Frames whose number, counted from 1, is a multiple are hashed, batch by batch, so that a
   * replay can name what differs, and writes between frames are noticed: 1 by default, each; 0
   * none. With more than 1, let nothing but inputs, events and `run`s write. */
  every?: number;
  /** Takes the bytes as they come, whole records; the recording is good up to any of them. Without
   * it they are kept in memory, for `bytes()`. What it throws ends the recording. */
  write?: (bytes: Uint8Array<ArrayBuffer>) => void;
  /** What `skep replay` is to open: a scene's name, or the path of its module. */
  scene?: string;
  /** The parameters that the scene was given. */
  params?: Readonly<Record<string, string | number>>;
  /** How often the world may be recorded anew, because something wrote to it between frames or it
   * went back in time; 256 by default. */
  worldsMax?: number;
}

/** Whether a world's core can record. */
export function canRecord(host: Host): boolean {
  return host.ex['skep_host_record_open'] !== undefined;
}

export function cannotRecord(): SkepError {
  return new SkepError('E_UNSUPPORTED', "this world's core cannot record", {
    hint: 'load skep/record before the world is made; link scenes with this version of skep',
  });
}

/** A recording that is being made. */
export class Recording {
  readonly #world: World;
  readonly #host: Host;
  readonly #options: RecordOptions;
  readonly #pieces: Uint8Array<ArrayBuffer>[] = [];
  readonly #said = new Map<string, string>();
  readonly #unkept = new Set<string>();
  readonly #hook: FrameHook;
  #size = 0;
  #lost: string | null = null;
  #open = true;

  /** @internal Use record(). */
  constructor(scheduler: ParallelScheduler, options: RecordOptions) {
    this.#world = scheduler.world;
    this.#options = options;
    this.#world.flush();
    const host = (this.#host = this.#world.host);
    if (!canRecord(host)) throw cannotRecord();
    if (host.instance.sink) {
      throw new SkepError('E_BUSY', 'the world is being recorded', { hint: 'end that one first' });
    }
    scheduler.compile();
    host.instance.sink = (at, bytes) => this.#take(at, bytes);
    this.#hook = {
      begin: () => {},
      extras: values => this.#extras(values),
      end: () => this.#after(),
    };
    try {
      this.#begin();
    } catch (error) {
      host.instance.sink = null;
      throw error;
    }
    this.#world.frames.add(this.#hook);
  }

  #begin(): void {
    const { every = 1, scene, params = {}, worldsMax = 256 } = this.#options;
    const host = this.#host;
    if (!Number.isInteger(every) || every < 0) {
      throw new SkepError('E_ARGUMENT', `every ${every} frames`, { hint: 'a whole number, or 0' });
    }
    const notes: string[] = [
      ...(scene === undefined ? [] : ['scene', scene]),
      ...['entity_max', String(host.entityMax)],
      ...Object.entries(params).flatMap(([name, value]) => ['param', name, 'value', String(value)]),
    ];
    host.withTexts(notes, places => {
      host.instance.u32.set(
        places.map(([at]) => at),
        host.io,
      );
      host.call('skep_host_record_open', every, worldsMax, notes.length / 2);
    });
  }

  #take(at: number, bytes: number): boolean {
    try {
      const piece = this.#host.instance.u8.slice(at, at + bytes) as Uint8Array<ArrayBuffer>;
      if (this.#options.write) this.#options.write(piece);
      else this.#pieces.push(piece);
      this.#size += bytes;
      return true;
    } catch (error) {
      this.#lost ??= `the writer threw: ${String(error)}`;
      return false;
    }
  }

  /** Keeps what changed of what `extra` gave. */
  #extras(values: readonly (readonly [string, unknown])[]): void {
    if (!this.#open || this.#world.host !== this.#host) return;
    const changed: Extras = {};
    const unkept: string[] = [];
    for (const [name, value] of values) {
      const bad = value === undefined ? null : unfit(value, 'extra');
      const text = bad ? 'null' : (JSON.stringify(value) ?? '');
      if (bad && !this.#unkept.has(name)) unkept.push(name);
      if (bad) this.#unkept.add(name);
      if (this.#said.get(name) === text) continue;
      this.#said.set(name, text);
      changed[name] = bad ? null : value;
    }
    if (!Object.keys(changed).length && !unkept.length) return;
    const bytes = packHost(changed, unkept);
    const host = this.#host;
    const at = host.alloc(bytes.length);
    host.instance.u8.set(bytes, at);
    host.ex['skep_host_record_host']!(host.address, at, bytes.length);
    host.free(at, bytes.length);
  }

  #after(): void {
    if (!this.#open) return;
    if (this.#host.closed || this.#world.host !== this.#host) {
      this.#lost ??= 'the world moved into a scene, or was disposed of';
      this.#leave();
      return;
    }
    const why = this.#host.ex['skep_host_record_lost']!(this.#host.address);
    if (why) this.#lost ??= this.#host.instance.text(why);
  }

  /** Why it ended by itself; null while it goes on. What came before can be played. */
  get lost(): string | null {
    return this.#lost;
  }

  /** Systems whose `extra` was what JSON cannot hold: a replay gives them null instead. */
  get unkept(): readonly string[] {
    return [...this.#unkept];
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** What was recorded so far, where there is no `write`. Between frames. */
  bytes(): Uint8Array<ArrayBuffer> {
    return joined(this.#pieces);
  }

  /** Ends it, and says in it that it was ended. Between frames; twice is fine. */
  end(): void {
    if (!this.#open) return;
    if (!this.#host.closed && this.#world.host === this.#host) {
      this.#host.ex['skep_host_record_close']!(this.#host.address);
    }
    this.#leave();
  }

  #leave(): void {
    this.#open = false;
    this.#world.frames.delete(this.#hook);
    if (!this.#host.closed) this.#host.instance.sink = null;
  }

  [Symbol.dispose](): void {
    this.end();
  }
}

/** Records a scheduler's frames from the world as it is now: all that frames get (dt, time, each
 * system's `extra`, what was queued while one ran, inputs) and the faults that they had. Where a
 * frame that is hashed begins with another world than the last one left, the world is recorded
 * anew: a large one that is written to directly between all frames makes a large recording.
 * Outside stay object components, what a `run` or a job keeps for itself, `scheduler.resources`,
 * and `extra` that JSON cannot hold. Costs the hash of what changed a hashed frame, and some 250
 * bytes.
 *
 * const recording = record(scheduler);
 * ...
 * recording.end();
 * writeFileSync('bug.skepr', recording.bytes());
 */
export function record(scheduler: ParallelScheduler, options: RecordOptions = {}): Recording {
  return new Recording(scheduler, options);
}
