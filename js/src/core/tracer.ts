// SPDX-License-Identifier: MIT
// The tracer's rings of a host: wasm/host_trace.c. The plan and the pool write to them by
// themselves; executors and the scheduler write here what ran in JavaScript, or in workers that
// say so by message. Times are milliseconds of this thread's performance.now().

import type { Host } from './host.js';

/** Names of zones that the library has taken: pieces of a loop, and SENT. */
const OWN_NAMES = 2;
/** The name of zones in which a task is copied and sent to a worker. */
const SENT = 2;
/** The most names of zones that others can give: SKEP_TRACE_NAMES_MAX of skep/trace.h less ours. */
export const NAMES_MAX = 1024 - OWN_NAMES;

/** When a task ran that was sent to a worker, filled in by whoever hears of it. */
export interface Timed {
  /** The worker's row in the trace; 0: it was not sent yet. */
  thread: number;
  /** When it was sent; once it has ended, when it began and ended by the worker's clock. */
  began: number;
  ended: number;
}

export class Tracer {
  readonly host: Host;
  /** Rings beside the caller's. */
  readonly workers: number;
  /** Zones are written. */
  on = true;
  readonly #zone: (...args: number[]) => number;

  /** Makes the rings, in place of any that the host has. Throws LimitError (memoryMax,
   * trace_records). */
  constructor(host: Host, workers: number, records: number, names: readonly string[]) {
    host.tracer = null;
    host.call('skep_host_trace_open', workers, records);
    this.host = host;
    this.workers = workers;
    this.#zone = host.ex['skep_host_trace_zone']!;
    for (const text of names) this.name(text);
    host.tracer = this;
  }

  enable(on: boolean): void {
    this.on = on;
    this.host.ex['skep_host_trace_enable']!(this.host.address, on ? 1 : 0);
  }

  /** The number that the i-th name has, or will have: the same whenever rings are made. */
  static number(i: number): number {
    return OWN_NAMES + 1 + i;
  }

  name(text: string): void {
    this.host.withTexts([text], ([place]) =>
      this.host.ex['skep_host_trace_name']!(this.host.address, place![0]),
    );
  }

  /** The time at which something begins; 0 while nothing is written. */
  begin(): number {
    return this.on ? performance.now() : 0;
  }

  /** Writes a zone of the caller's that began then; 0: nothing. */
  zone(name: number, began: number): void {
    if (began) this.#zone(this.host.address, name, began, performance.now());
  }

  /** A task was copied and sent. */
  sent(began: number): void {
    this.zone(SENT, began);
  }

  /** A task ran on the caller (0) or a worker. */
  block(thread: number, task: number, began: number, ended: number): void {
    const { ex, address } = this.host;
    ex['skep_host_trace_block']!(address, thread, task, began, ended);
  }

  /** A task was lost with the worker that it was sent to. */
  lost(worker: number, task: number, began: number): void {
    this.host.ex['skep_host_trace_lost']!(this.host.address, worker, task, began);
  }

  /** A worker is gone, or there is another in its place. */
  worker(slot: number, up: boolean): void {
    this.host.ex['skep_host_trace_worker']!(this.host.address, slot, up ? 1 : 0);
  }

  note(key: string, value: string): void {
    this.host.withTexts([key, value], ([k, v]) =>
      this.host.call('skep_host_trace_note', k![0], v![0]),
    );
  }

  /** The last `frames` frames (0: all) as a file. */
  bytes(frames: number, stepMs: number, budgetMs: number): Uint8Array<ArrayBuffer> {
    const { host } = this;
    const now = performance.timeOrigin + performance.now();
    host.call('skep_host_trace_write', frames, now, stepMs, budgetMs);
    return host.instance.u8.slice(host.word(0), host.word(0) + host.word(1));
  }

  /** Frees the rings. */
  close(): void {
    const { host } = this;
    if (host.tracer !== this || host.closed) return;
    host.tracer = null;
    host.ex['skep_host_trace_close']!(host.address);
  }
}
