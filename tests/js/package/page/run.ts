// SPDX-License-Identifier: MIT
// What each built page, and the program on Node, does with the package. Returns what was found.

import { createPortablePool, type PoolOptions } from 'skep';
import { cos } from 'skep/math';
import { move } from './move.ts';

/** What a test expects of a page. */
export interface Found {
  kind: string;
  fallback: string | null;
  size: number;
  /** Sums of the positions after two frames of 5,000 rows. */
  x: number;
  y: number;
  cosine: number;
}

export async function run(options: PoolOptions): Promise<Found> {
  const pool = await createPortablePool({ size: 2, ...options });
  try {
    const n = 5000;
    const column = (at: (i: number) => number) => Float32Array.from({ length: n }, (_, i) => at(i));
    const Pos = { x: column(i => i), y: column(() => 1) };
    const Vel = { x: column(() => 2), y: column(i => i % 2) };
    // The first frame runs on workers alone, the second on the caller as well.
    for (let frame = 0; frame < 2; frame++) await pool.columns(move, { n, dt: 0.5, Pos, Vel });
    const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
    const { kind, fallback, size } = pool;
    return { kind, fallback, size, x: sum(Pos.x), y: sum(Pos.y), cosine: cos(0) };
  } finally {
    await pool.close();
  }
}

/** 0 to 4999 moved by 2 each; 1 moved by 1 where the row is odd. */
export const EXPECTED = { size: 2, x: 12_497_500 + 10_000, y: 5000 + 2500, cosine: 1 };
