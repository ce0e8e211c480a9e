// SPDX-License-Identifier: MIT
// What zones are called, as small numbers: lanes keep one a zone, and colours, search and
// highlights are tables over them. A system has one number however it ran.

import { KIND, KIND_TEXT } from '../js/src/trace/kinds.js';
import { isOfSystem } from '../js/src/trace/sections.js';
import type { Trace, TraceRow } from '../js/src/trace/types.js';

/** What a number stands for. */
export interface Name {
  readonly key: number;
  readonly text: string;
  /** A system's number, or -1. */
  readonly system: number;
  /** Named by the host, rather than a kind. */
  readonly host: boolean;
  /** The kind, where the name is that of one; else 0. */
  readonly kind: number;
}

/** All names of a trace. */
export class Names {
  readonly all: Name[] = [];
  // A million zones ask: tables, not maps.
  readonly #systems = new Int32Array(0x10000).fill(-1);
  readonly #hosts = new Int32Array(0x10000).fill(-1);
  readonly #kinds = new Int32Array(0x100).fill(-1);
  readonly #trace: Trace;

  constructor(trace: Trace) {
    this.#trace = trace;
    for (const { number } of trace.systems) this.ofSystem(number);
  }

  #add(text: string, more: Partial<Name>): number {
    const key = this.all.length;
    this.all.push({ key, text, system: -1, host: false, kind: 0, ...more });
    return key;
  }

  /** The number of a system's name. */
  ofSystem(number: number): number {
    const at = Math.min(number, 0xffff);
    if (this.#systems[at]! < 0) {
      const known = this.#trace.systems.find(one => one.number === number);
      this.#systems[at] = this.#add(known?.name ?? `system ${number}`, { system: number });
    }
    return this.#systems[at]!;
  }

  /** The number of a kind's name. */
  ofKind(kind: number): number {
    if (this.#kinds[kind]! < 0) {
      this.#kinds[kind] = this.#add(KIND_TEXT[kind] ?? `kind ${kind}`, { kind });
    }
    return this.#kinds[kind]!;
  }

  /** The number of a zone that the host named. */
  #ofHost(name: number): number {
    if (this.#hosts[name]! < 0) {
      this.#hosts[name] = this.#add(this.#trace.names.get(name) ?? `zone ${name}`, { host: true });
    }
    return this.#hosts[name]!;
  }

  /** The number of what a zone is called. */
  ofZone(kind: number, low: number): number {
    if (isOfSystem(kind)) return this.ofSystem(low & 0xffff);
    return kind === KIND.HOST ? this.#ofHost(low & 0xffff) : this.ofKind(kind);
  }

  /** The numbers of all zones of a row. */
  ofRow(row: TraceRow): Uint16Array {
    const keys = new Uint16Array(row.count);
    const { kind, low, count } = row;
    const [systems, kinds] = [this.#systems, this.#kinds];
    const ofSystem = Uint8Array.from(kinds, (_, k) => Number(isOfSystem(k)));
    for (let i = 0; i < count; i++) {
      const k = kind[i]!;
      const known = ofSystem[k] ? systems[low[i]! & 0xffff]! : kinds[k]!;
      keys[i] = known >= 0 && k !== KIND.HOST ? known : this.ofZone(k, low[i]!);
    }
    return keys;
  }

  /** The numbers of all names that hold a text, in any case. */
  matching(text: string): Set<number> {
    const wanted = text.toLowerCase();
    return new Set(
      this.all.filter(name => name.text.toLowerCase().includes(wanted)).map(name => name.key),
    );
  }
}
