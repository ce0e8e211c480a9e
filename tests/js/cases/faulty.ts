// SPDX-License-Identifier: MIT
// Jobs that do what their `extra` says, good and bad, after they wrote: for the fault contract on
// every executor.

import { defineJob, type Entity } from 'skep/worker';
import { Hp, Meta, Pos } from './components.ts';

export interface Act {
  act: string;
  /** Only the block that holds this entity does it; 0: all. */
  at: Entity | 0;
  /** Only so many calls do it, counted over all threads. */
  gate?: SharedArrayBuffer | undefined;
  times?: number;
}

const module = import.meta.url;

class OddError extends Error {
  override name = 'OddError';
  readonly shelf = 7;
  readonly call = () => 'cannot be cloned';
}

function deep(n: number): number {
  return n + deep(n + 1);
}

/** Bytes of a wasm module that traps. */
const TRAP = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 116, 0, 0, 10, 5, 1, 3, 0,
  0, 11,
];

function exit(code: number): void {
  (globalThis as unknown as { process: { exit(code: number): void } }).process.exit(code);
}

const ACTS: Record<string, () => unknown> = {
  none: () => {},
  giveFunction: () => {},
  throw: () => {
    throw new TypeError('thrown on purpose');
  },
  odd: () => {
    const root = Object.assign(new RangeError('the root'), { code: 'E_ROOT' });
    throw new OddError('odd', { cause: new TypeError('between', { cause: root }) });
  },
  text: () => {
    throw 'only text';
  },
  hostile: () => {
    throw Object.defineProperty(new Error('x'), 'name', {
      get() {
        throw new Error('no name');
      },
    });
  },
  deep: () => deep(0),
  trap: () => {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(TRAP)));
    (instance.exports as { t(): void }).t();
  },
  promise: () => Promise.reject(new Error('nobody hears it')),
  exit0: () => exit(0),
  exit1: () => exit(1),
  loop: () => {
    for (;;);
  },
  grow: () => {
    const kept: unknown[][] = [];
    for (;;) kept.push(new Array(100_000).fill(kept.length).map(String));
  },
};

function act({ act: what, gate, times = 1 }: Act): unknown {
  if (gate && Atomics.add(new Int32Array(gate), 0, 1) >= times) return undefined;
  return ACTS[what]!();
}

function here(n: number, at: Entity | 0, entity: (row: number) => Entity): boolean {
  if (!at) return true;
  for (let i = 0; i < n; i++) if (entity(i) === at) return true;
  return false;
}

export const faulty = defineJob<readonly [], readonly [typeof Pos], Act>(
  { name: 'faulty', writes: [Pos], module },
  (({ n, cols, out, entities, extra }: Parameters<typeof faulty.handle>[0]) => {
    for (let i = 0; i < n; i++) out.Pos.x[i] = cols.Pos.x[i]! + 1;
    if (here(n, extra.at, row => entities.at(row))) return act(extra);
    return undefined;
  }) as never,
);

export const faultyWhole = defineJob<readonly [], readonly [typeof Pos], Act>(
  { name: 'faultyWhole', writes: [Pos], split: false, module },
  (async ({ n, cols, out, extra }: Parameters<typeof faulty.handle>[0]) => {
    for (let i = 0; i < n; i++) out.Pos.x[i] = cols.Pos.x[i]! + 1;
    const given = await act(extra);
    return given;
  }) as never,
);

/** Gives what cannot be cloned. */
export const giveFunction = defineJob(
  { name: 'giveFunction', writes: [Meta], module },
  ({ n, out }) => {
    for (let i = 0; i < n; i++) {
      out.Meta[i] = { title: 'x', tags: [{ call: () => 1 } as unknown as string] };
    }
  },
);

/** Goes on, whatever others do. */
export const fine = defineJob({ name: 'fine', writes: [Hp], module }, ({ n, out }) => {
  for (let i = 0; i < n; i++) out.Hp.v[i]! += 1;
});

/** By the notes' names: patches, or what the act gives. */
export async function handle(input: {
  eids: number[];
  cols: Record<number, { x: number; y: number }[]>;
  extra: Act & { POS: number };
}): Promise<unknown> {
  const { eids, cols, extra } = input;
  const patches: unknown[] = eids.map((eid, i) => ({
    kind: 'set',
    eid,
    cid: extra.POS,
    value: { x: cols[extra.POS]![i]!.x + 1, y: 0 },
  }));
  await act(extra);
  if (extra.act === 'giveFunction') patches.push({ kind: 'set', value: { deep: [() => 1] } });
  return patches;
}

export const servedNotes = defineJob({ name: 'faulty' + 'Notes' }, handle as never);

export const jobs = [faulty, faultyWhole, giveFunction, fine];
