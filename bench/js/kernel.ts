// SPDX-License-Identifier: MIT
// Builds bench/js/kernel.c with clang-19 and wasm-ld-19 and gives it n rows in a memory of its own.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fill, type Columns } from './movers.ts';

const COMPILE = [
  '--target=wasm32-unknown-unknown',
  '-std=c17',
  '-O3',
  '-msimd128',
  '-ffreestanding',
  '-nostdlib',
  '-ffp-contract=off',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-c',
];
const LINK = ['--no-entry', '--import-memory', '--stack-first', '-z', 'stack-size=4096'];
/** Behind the stack; the kernel has no data. */
const HEAP = 65536;

function build(): Uint8Array<ArrayBuffer> {
  const folder = mkdtempSync(join(tmpdir(), 'skep-kernel-'));
  try {
    const [object, wasm] = [join(folder, 'kernel.o'), join(folder, 'kernel.wasm')];
    execFileSync('clang-19', [...COMPILE, '-o', object, join(import.meta.dirname, 'kernel.c')]);
    execFileSync('wasm-ld-19', [...LINK, '-o', wasm, object]);
    return new Uint8Array(readFileSync(wasm));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

type Move = (px: number, py: number, vx: number, vy: number, dt: number, n: number) => void;

export interface Kernel {
  readonly columns: Columns;
  /** Moves all rows. */
  run(dt: number): void;
}

/** The kernel over n particles at their starts. */
export function makeKernel(n: number): Kernel {
  // An odd number of cache lines between the columns, so that they do not share sets of the cache.
  const stride = Math.ceil((4 * n) / 64) * 64 + 576;
  const initial = Math.ceil((HEAP + 4 * stride) / 65536);
  const memory = new WebAssembly.Memory({ initial });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(build()), { env: { memory } });
  const move = instance.exports['move'] as Move;
  const [px, py, vx, vy] = [0, 1, 2, 3].map(k => HEAP + k * stride) as [
    number,
    number,
    number,
    number,
  ];
  const view = (at: number): Float32Array => new Float32Array(memory.buffer, at, n);
  const columns = { px: view(px), py: view(py), vx: view(vx), vy: view(vy) };
  fill(columns, n);
  return { columns, run: dt => move(px, py, vx, vy, dt, n) };
}
