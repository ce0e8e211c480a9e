// SPDX-License-Identifier: MIT
// What the page keeps of the server's frames. A trace holds the last two seconds and comes twice a
// second, so each frame comes several times and is taken once, by its tick: how long it took, for
// half a minute; and the trace that the slowest of them is in, with all that is needed to say why.

import { readTrace } from '../../js/src/trace/read.ts';

/** How long frames are kept. */
export const KEEP_MS = 30_000;

export class FrameStore {
  /** The last trace; null before the first. */
  trace = null;
  /** The file that it was read from. */
  bytes = null;
  /** When the last frame ended, by the server's clock. */
  newest = 0;
  /** Frames of the last half minute, in order: tick, when they ended, how long they took. */
  bars = [];
  /** The slowest, and those that will be once what is before them is too old. */
  #slow = [];

  /** Takes a trace file, and returns how many of its frames are new. */
  add(bytes) {
    const trace = readTrace(bytes);
    const last = trace.frames.at(-1);
    if (!last) return 0;
    this.trace = trace;
    this.bytes = bytes;
    // A server that was started again counts from its beginning.
    if (last.tick < (this.bars.at(-1)?.tick ?? 0)) this.#forget();
    const before = this.bars.at(-1)?.tick ?? -1;
    let fresh = 0;
    let slowest = null;
    for (const { tick, begin, end } of trace.frames) {
      if (tick <= before) continue;
      const bar = { tick, at: (trace.unixNs + end) / 1e6, ns: end - begin };
      this.bars.push(bar);
      fresh++;
      if (!slowest || bar.ns > slowest.ns) slowest = bar;
    }
    if (slowest) this.#keep({ ...slowest, bytes });
    this.newest = this.bars.at(-1).at;
    const old = this.bars.findIndex(bar => bar.at > this.newest - KEEP_MS);
    this.bars.splice(0, old);
    while (this.#slow[0].at <= this.newest - KEEP_MS) this.#slow.shift();
    return fresh;
  }

  /** The slowest frame of the last half minute, with the bytes of a trace that has it. */
  get slowest() {
    return this.#slow[0] ?? null;
  }

  #keep(frame) {
    while (this.#slow.length && this.#slow.at(-1).ns < frame.ns) this.#slow.pop();
    this.#slow.push(frame);
  }

  #forget() {
    this.bars = [];
    this.#slow = [];
  }
}
