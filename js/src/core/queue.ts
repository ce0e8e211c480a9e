// SPDX-License-Identifier: MIT
// The queue of structural changes: adding, removing and destroying are only written down, and one
// call makes all of them before anybody can look. Changes of one kind and component that follow one
// another share a head:
//
//     { op, component, count, bytes of an entry } { entity low, entity high, value ... } * count

import type { Entity } from '../entity.js';
import type { Host, Known } from './host.js';
import { writeGiven } from './values.js';

/** What an entry does. */
export const OP = { add: 1, remove: 2, destroy: 3, addNew: 4 } as const;

const QUEUE_BYTES = 65536;
const HEAD_BYTES = 16;
const PER_INDEX = 1 / 4294967296;

export class CommandQueue {
  readonly #host: Host;
  readonly #at: number;
  readonly #u32: Uint32Array;
  /** Bytes that wait. */
  used = 0;
  #head = 0;
  #count = 0;
  #op = 0;
  #component = 0;

  constructor(host: Host) {
    this.#host = host;
    this.#u32 = host.instance.u32;
    this.#at = host.alloc(QUEUE_BYTES);
  }

  /** Whether an entry with so many bytes of value fits. The queue holds the largest there is. */
  fits(bytes: number): boolean {
    return this.used + HEAD_BYTES + 8 + ((bytes + 7) & ~7) <= QUEUE_BYTES;
  }

  /** Appends an entry that fits; returns where its value goes. */
  push(op: number, component: number, entity: Entity, bytes: number): number {
    const u32 = this.#u32;
    if (op !== this.#op || component !== this.#component || this.used === 0) {
      this.#begin(op, component, bytes);
    }
    const at = this.#at + this.used;
    u32[at >> 2] = entity;
    u32[(at >> 2) + 1] = entity * PER_INDEX;
    u32[this.#head + 2] = ++this.#count;
    this.used += 8 + ((bytes + 7) & ~7);
    return at + 8;
  }

  #begin(op: number, component: number, bytes: number): void {
    const head = (this.#at + this.used) >> 2;
    this.#u32[head] = op;
    this.#u32[head + 1] = component;
    this.#u32[head + 3] = 8 + ((bytes + 7) & ~7);
    this.#head = head;
    this.#op = op;
    this.#component = component;
    this.#count = 0;
    this.used += HEAD_BYTES;
  }

  /** Appends an entry with a value. When that is none, nothing is appended. Throws SchemaError. */
  pushValue(op: number, known: Known, entity: Entity, value: unknown): void {
    const at = this.push(op, known.address, entity, known.info.size);
    try {
      putInitial(this.#u32, known, at);
      if (value !== undefined) writeGiven(this.#host.instance, known.info, at, value, true);
    } catch (error) {
      this.used = at - 8 - this.#at;
      this.#u32[this.#head + 2] = --this.#count;
      throw error;
    }
  }

  /** Makes all that waits. Returns the status of the first change that failed; the others are made.
   */
  run(): number {
    const bytes = this.used;
    this.used = 0;
    return this.#host.ex['skep_host_commands']!(this.#host.address, this.#at, bytes);
  }
}

/** Writes the C struct of a value of which nothing is given. */
export function putInitial(u32: Uint32Array, known: Known, at: number): void {
  const initial = known.initial;
  for (let i = 0; i < initial.length; i++) u32[(at >> 2) + i] = initial[i]!;
}
