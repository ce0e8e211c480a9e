// SPDX-License-Identifier: MIT
// What a system's `extra` gave, as all calls of its job in a thread get it. A job is a function of
// its input, so no call may see what another one did to it: what can be frozen is, and of anything
// else each call gets a copy of its own.

export class Extra {
  readonly #value: unknown;
  readonly #frozen: boolean;

  /** `value` is nobody else's. */
  constructor(value: unknown) {
    this.#value = value;
    this.#frozen = freeze(value, new Set());
  }

  get(): unknown {
    return this.#frozen ? this.#value : structuredClone(this.#value);
  }
}

/** Freezes plain objects and arrays; says whether there was nothing else. */
function freeze(value: unknown, seen: Set<object>): boolean {
  if (typeof value !== 'object' || value === null || seen.has(value)) return true;
  seen.add(value);
  const kind = Object.getPrototypeOf(value) as unknown;
  if (kind !== Object.prototype && kind !== Array.prototype && kind !== null) return false;
  let all = true;
  for (const part of Object.values(value)) all = freeze(part, seen) && all;
  Object.freeze(value);
  return all;
}

export const NO_EXTRA = new Extra(undefined);
