// SPDX-License-Identifier: MIT
// Tracing of a scheduler's frames: where each microsecond went, on the caller and on each worker.
// The rings are in the world's memory and written by wasm (core/tracer.ts); here is when there are
// some, what the user adds, and the file that comes out.

import { Tracer, NAMES_MAX } from './core/tracer.js';
import type { Host } from './core/host.js';
import { isNode } from './pool/env.js';
import { ClosedError, LimitError, SkepError } from './errors.js';

export interface TraceOptions {
  /** Zones that each thread's ring holds, before new ones take the place of the oldest: 16,384 by
   * default, rounded up to a power of two, 24 bytes each. */
  records?: number;
  /** Begins switched off: `scheduler.trace().on()` makes the rings. */
  off?: boolean;
}

/** What a trace wants to know of its scheduler. @internal */
export interface TraceSource {
  host(): Host;
  /** Threads beside the caller that frames can use. */
  threads(): number;
  executor(): string;
  /** A frame runs. */
  busy(): boolean;
}

const RECORDS = 16384;
/** Changes of the clock that are looked at to find its step. */
const CHANGES = 4;

let step: number | undefined;

/** Milliseconds by which performance.now() goes on: 0.005 and more in browsers; 0 where no two
 * looks see the same. */
function clockStep(): number {
  let least = Infinity;
  let same = false;
  let last = performance.now();
  for (let changes = 0; changes < CHANGES;) {
    const now = performance.now();
    if (now === last) same = true;
    else {
      least = Math.min(least, now - last);
      last = now;
      changes++;
    }
  }
  return same ? least : 0;
}

/**
 * What a scheduler traces, from `scheduler.trace()`: each frame with its batches, systems, blocks,
 * commits and faults, on the caller and each worker, the last ones that the rings hold.
 *
 * ```ts
 * const scheduler = new ParallelScheduler(world, { trace: true });
 * for (let i = 0; i < 600; i++) await scheduler.runFrame(1 / 60);
 * writeFileSync('out.skept', scheduler.trace().bytes({ frames: 120 }));
 * ```
 *
 * `skep trace convert out.skept out.html` makes a page of such a file, and with `.json` what
 * Perfetto and the browsers' profilers read. In a program the entry `skep/trace` reads
 * it (`readTrace`) and makes both (`traceJson`, `traceHtml`). In a page `new Blob([bytes])` can be
 * downloaded.
 *
 * A zone takes two looks at performance.now(), about 0.1 us on Node; while it is off, nothing but a
 * test.
 */
export class SchedulerTrace {
  readonly #source: TraceSource;
  readonly #records: number;
  readonly #names = new Map<string, number>();
  #tracer: Tracer | null = null;
  #on: boolean;
  #closed = false;

  /** Use scheduler.trace(). @internal */
  constructor(source: TraceSource, options: TraceOptions) {
    const { records = RECORDS, off = false } = options;
    if (!Number.isInteger(records) || records < 1 || records > 1 << 24) {
      throw new SkepError('E_ARGUMENT', `trace: records is ${records}: 1 to 16,777,216`);
    }
    this.#source = source;
    this.#records = records;
    this.#on = !off;
  }

  /** Zones are written, or will be from the next frame on. */
  get enabled(): boolean {
    return this.#on;
  }

  /** Switches tracing on. The first time it makes the rings, or the next frame does; so does the
   * frame before which the number of workers has changed, and what was traced until then is gone.
   * Throws LimitError (memoryMax) where there is no room for them. */
  on(): void {
    if (this.#closed) throw new ClosedError('the scheduler is closed');
    this.#on = true;
    if (!this.#source.busy()) this.ready();
    if (!this.#tracer?.on) this.#tracer?.enable(true);
  }

  /** Switches it off; what the rings hold stays. */
  off(): void {
    this.#on = false;
    this.#tracer?.enable(false);
  }

  /** Sees to it that there are rings for whoever runs the next frame. @internal */
  ready(): void {
    const now = this.#tracer;
    const host = this.#source.host();
    const threads = this.#source.threads();
    if (!this.#on || (now && now.host === host && now.workers === threads)) return;
    this.#tracer = null;
    this.#on = false; // unless there is room
    this.#tracer = new Tracer(host, threads, this.#records, [...this.#names.keys()]);
    this.#on = true;
    step ??= clockStep();
  }

  // ---- zones of one's own -----------------------------------------------------------------------

  /** A number for zones of your own called `text`: the same one for the same text. Throws
   * LimitError after 1,022 of them. */
  name(text: string): number {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    if (!text) throw new SkepError('E_ARGUMENT', 'a zone has a name');
    const count = this.#names.size;
    if (count === NAMES_MAX) {
      throw new LimitError(`the name "${text}"`, 'names of zones', NAMES_MAX, count + 1, {
        hint: 'a name is for a kind of zone, not for each one',
      });
    }
    const number = Tracer.number(count);
    this.#names.set(text, number);
    if (this.#tracer && !this.#tracer.host.closed) this.#tracer.name(text);
    return number;
  }

  /** Calls a function, and writes how long that took as a zone on the caller's row: what a system's
   * `run` is made of, or what is done between frames. What it gives is returned; of a promise the
   * zone does not wait for the end. Not for jobs, which may be in a worker. */
  zone<T>(name: number, call: () => T): T {
    const began = this.begin();
    if (!began) return call();
    try {
      return call();
    } finally {
      this.end(name, began);
    }
  }

  /** Begins a zone: returns the time, 0 while tracing is off. */
  begin(): number {
    return this.#on ? performance.now() : 0;
  }

  /** Ends a zone that began at `began`; nothing for 0. Zones nest: one that begins in another ends
   * there too. */
  end(name: number, began: number): void {
    if (!began) return;
    const tracer = this.#tracer;
    if (tracer && !tracer.host.closed) tracer.zone(name, began);
  }

  // ---- the file ---------------------------------------------------------------------------------

  /** The last `frames` whole frames that the rings hold, all by default, as a file in the format of
   * docs/trace-format.md (.skept). `budgetMs`: what a frame should take at most, for whoever looks
   * at it. Between frames: throws SkepError (E_BUSY) in one, E_ARGUMENT where nothing was ever
   * traced, LimitError (memoryMax), ClosedError. */
  bytes(options: { frames?: number; budgetMs?: number } = {}): Uint8Array<ArrayBuffer> {
    const tracer = this.#tracer;
    if (this.#closed) throw new ClosedError('the scheduler is closed, and its trace with it');
    if (this.#source.busy()) throw new SkepError('E_BUSY', 'a frame is running');
    if (!tracer || tracer.host.closed) {
      throw new SkepError('E_ARGUMENT', 'nothing was traced', {
        hint: 'new ParallelScheduler(world, { trace: true }), or trace().on()',
      });
    }
    this.#notes(tracer);
    const { frames = 0, budgetMs = 0 } = options;
    return tracer.bytes(frames, step ?? 0, budgetMs);
  }

  #notes(tracer: Tracer): void {
    const { host } = tracer;
    const { navigator } = globalThis as { navigator?: { userAgent?: string } };
    const scene = host.ex['skep_host_scene']?.(host.address)
      ? host.instance.text(host.word(0))
      : '';
    if (scene) tracer.note('scene', scene);
    tracer.note('executor', this.#source.executor());
    tracer.note(
      'host',
      isNode() ? `Node.js ${process.versions.node}` : (navigator?.userAgent ?? ''),
    );
  }

  /** Frees the rings once no worker can write to them. @internal */
  close(gone: Promise<unknown>): void {
    this.#closed = true;
    this.#on = false;
    const tracer = this.#tracer;
    this.#tracer = null;
    if (tracer) tracer.enable(false);
    void gone.then(() => tracer?.close());
  }
}
