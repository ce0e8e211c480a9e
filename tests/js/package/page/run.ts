// SPDX-License-Identifier: MIT
// What each built page, and the program on Node, does with the package. Returns what was found.

import { createPortablePool, defineTag, World, type PoolOptions } from 'skep';
import { cos } from 'skep/math';
import { move, Pos, Vel } from './move.ts';

/** What a test expects of a page. */
export interface Found {
  kind: string;
  fallback: string | null;
  size: number;
  /** Sums of the positions after two frames of 5,000 rows. */
  x: number;
  y: number;
  cosine: number;
  /** Of a small world. */
  hash: string;
  /** The name of an error, which a minifier must not change. */
  error: string;
}

function errorName(): string {
  try {
    defineTag('no name');
    return 'none';
  } catch (error) {
    return (error as Error).name;
  }
}

/** A world in the wasm core, moved once by hand; its hash is the same everywhere. */
export function worldHash(): string {
  const world = new World({ limits: { entities: 1000 } });
  try {
    for (let i = 0; i < 100; i++) world.spawn([Pos, { x: i }], [Vel, { x: cos(i), y: 1 }]);
    world.each({ write: [Pos], read: [Vel] }, (n, pos, vel) => {
      for (let i = 0; i < n; i++) pos.x[i] = pos.x[i]! + vel.x[i]!;
    });
    return world.hash().toString(16);
  } finally {
    world.dispose();
  }
}

export async function run(options: PoolOptions): Promise<Found> {
  const pool = await createPortablePool({ size: 2, ...options });
  try {
    const n = 5000;
    const column = (at: (i: number) => number) => Float32Array.from({ length: n }, (_, i) => at(i));
    const pos = { x: column(i => i), y: column(() => 1) };
    const vel = { x: column(() => 2), y: column(i => i % 2) };
    // The first frame runs on workers alone, the second on the caller as well.
    for (let frame = 0; frame < 2; frame++)
      await pool.columns(move, { n, dt: 0.5, Pos: pos, Vel: vel });
    const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
    const { kind, fallback, size } = pool;
    const found = { x: sum(pos.x), y: sum(pos.y), cosine: cos(0), hash: worldHash() };
    return { kind, fallback, size, ...found, error: errorName() };
  } finally {
    await pool.close();
  }
}

/** What a page must find, of which the hash is made here: 0 to 4999 moved by 2 each; 1 moved by 1
 * where the row is odd. */
export function expected(kind: string): Found {
  const found = { x: 12_497_500 + 10_000, y: 5000 + 2500, cosine: 1, hash: worldHash() };
  return { kind, fallback: null, size: 2, ...found, error: 'SchemaError' };
}
