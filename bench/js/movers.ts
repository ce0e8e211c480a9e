// SPDX-License-Identifier: MIT
// The particles that most rows move: `pos += vel * dt`. All values are small multiples of 1/64, so
// f32 holds every sum exactly and a check can say where a particle has to be after any number of
// frames.

import { expectNumber } from './row.ts';

/** Seconds of a frame. */
export const DT = 1 / 64;

export const startX = (i: number): number => i % 1000;
export const startY = (i: number): number => -(i % 777);
export const speedX = (i: number): number => (i % 5) - 2;
export const speedY = (i: number): number => (i % 7) - 3;

export interface Columns {
  px: Float32Array;
  py: Float32Array;
  vx: Float32Array;
  vy: Float32Array;
}

/** Sets n rows to their starts; row i is particle i. */
export function fill(columns: Columns, n: number): void {
  for (let i = 0; i < n; i++) {
    columns.px[i] = startX(i);
    columns.py[i] = startY(i);
    columns.vx[i] = speedX(i);
    columns.vy[i] = speedY(i);
  }
}

export function makeColumns(n: number): Columns {
  const columns = {
    px: new Float32Array(n),
    py: new Float32Array(n),
    vx: new Float32Array(n),
    vy: new Float32Array(n),
  };
  fill(columns, n);
  return columns;
}

/** Throws unless particle i is where it must be after so many frames. */
export function expectMoved(i: number, x: number, y: number, frames: number): void {
  expectNumber(x, startX(i) + (speedX(i) * frames) / 64, `x of ${i} after ${frames} frames`);
  expectNumber(y, startY(i) + (speedY(i) * frames) / 64, `y of ${i} after ${frames} frames`);
}

/** Checks some particles of n, the first and the last among them. */
export function checkMoved(
  n: number,
  frames: number,
  at: (i: number) => { x: number; y: number },
): void {
  for (let i = 0; i < n; i += 997) {
    const { x, y } = at(i);
    expectMoved(i, x, y, frames);
  }
  const { x, y } = at(n - 1);
  expectMoved(n - 1, x, y, frames);
}
