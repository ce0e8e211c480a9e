// SPDX-License-Identifier: MIT
// The wasm file of skep/math, compiled from the C functions of skep/math.h and made on first use.
// It imports nothing and its one page of memory never grows, so the view of it stays valid; each
// thread that loads this module has an instance of its own.

import { SkepError } from '../errors.js';
import { MATH_WASM } from './embedded_math.js';

type One = (x: number) => number;
type Two = (x: number, y: number) => number;

/** What wasm/math_exports.c exports. */
export interface MathKernel {
  readonly memory: WebAssembly.Memory;
  readonly sin_f32: One;
  readonly sin_f64: One;
  readonly cos_f32: One;
  readonly cos_f64: One;
  readonly tan_f32: One;
  readonly tan_f64: One;
  readonly asin_f32: One;
  readonly asin_f64: One;
  readonly acos_f32: One;
  readonly acos_f64: One;
  readonly atan_f32: One;
  readonly atan_f64: One;
  readonly exp_f32: One;
  readonly exp_f64: One;
  readonly log_f32: One;
  readonly log_f64: One;
  readonly atan2_f32: Two;
  readonly atan2_f64: Two;
  readonly pow_f32: Two;
  readonly pow_f64: Two;
  /** Gives the address of a pair of f64. */
  readonly sincos_f32: One;
  readonly sincos_f64: One;
}

/** Compiles and instantiates the file, in a few milliseconds. Throws SkepError (E_UNSUPPORTED)
 * where wasm is missing or forbidden. */
export function loadKernel(): MathKernel {
  try {
    const bytes = Uint8Array.from(atob(MATH_WASM), c => c.charCodeAt(0));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    return instance.exports as unknown as MathKernel;
  } catch (cause) {
    throw new SkepError('E_UNSUPPORTED', 'skep/math cannot run its wasm file here', {
      hint: "a page's Content-Security-Policy needs 'wasm-unsafe-eval' in script-src",
      cause,
    });
  }
}
