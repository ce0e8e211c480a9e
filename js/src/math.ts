// SPDX-License-Identifier: MIT
// Mathematics with the same bits on every host, as skep/math.h has it for C: what jobs use in place
// of Math.sin and its like, whose last bits differ between engines and versions. The functions that
// JavaScript has with other bits run in wasm made from the same C code; those whose result IEEE 754
// or the language fixes are plain JavaScript.

import { loadKernel, type MathKernel } from './math/kernel.js';

/* Names without a suffix are f64, what a number is. Those in F32 round their arguments to f32, as a
 * store into a Float32Array does, and give an f32. Every call is pure and O(1), and none throws but
 * the first of all, where wasm is forbidden: SkepError (E_UNSUPPORTED). Special cases (NaN,
 * infinities, signed zeros) are those of C99 Annex F. Angles are radians. Errors are at most, in
 * units in the last place (half a unit is perfect rounding):
 *
 *   F32  sin cos tan asin acos atan atan2 exp log pow           0.501
 *   f64  sin cos tan                                            0.60
 *        asin acos atan atan2 exp log pow                       0.51
 *        exp and pow where the result is subnormal              0.76
 *
 * Math.PI is skep/math.h's SKEP_PI. Of a NaN, JavaScript sees neither sign nor payload, so
 * skep_canonical has no counterpart; skep_is_nan is Number.isNaN. */

let kernel: MathKernel | undefined;
let memory: Float64Array;

function load(): MathKernel {
  kernel = loadKernel();
  memory = new Float64Array(kernel.memory.buffer);
  return kernel;
}

const { abs: absolute, fround } = Math;
/** 2^52: from here on every number is an integer, and a smaller one that it is added to becomes
 * one. */
const WHOLE = 4503599627370496;

/** The sine; NaN for an infinity. All f64 angles, error at most 0.60 ulp. */
export function sin(x: number): number {
  return (kernel ?? load()).sin_f64(x);
}

/** The sine, as f32: error at most 0.501 ulp. */
export function sinF32(x: number): number {
  return (kernel ?? load()).sin_f32(x);
}

/** The cosine; NaN for an infinity. All f64 angles, error at most 0.60 ulp. */
export function cos(x: number): number {
  return (kernel ?? load()).cos_f64(x);
}

/** The cosine, as f32: error at most 0.501 ulp. */
export function cosF32(x: number): number {
  return (kernel ?? load()).cos_f32(x);
}

/** Where `sincos` puts its results: the sine at 0, the cosine at 1. */
export type SinCos = Float32Array | Float64Array | [sin: number, cos: number];

/** Writes sin(x) and cos(x) into `out`, for little more than the cost of one. */
export function sincos(x: number, out: SinCos): void {
  const at = (kernel ?? load()).sincos_f64(x) >> 3;
  out[0] = memory[at]!;
  out[1] = memory[at + 1]!;
}

/** Writes sinF32(x) and cosF32(x) into `out`, for little more than the cost of one. */
export function sincosF32(x: number, out: SinCos): void {
  const at = (kernel ?? load()).sincos_f32(x) >> 3;
  out[0] = memory[at]!;
  out[1] = memory[at + 1]!;
}

/** The tangent; NaN for an infinity. Error at most 0.60 ulp. */
export function tan(x: number): number {
  return (kernel ?? load()).tan_f64(x);
}

/** The tangent, as f32: error at most 0.501 ulp. */
export function tanF32(x: number): number {
  return (kernel ?? load()).tan_f32(x);
}

/** The arc sine, in [-pi/2, pi/2]; NaN outside [-1, 1]. Error at most 0.51 ulp. */
export function asin(x: number): number {
  return (kernel ?? load()).asin_f64(x);
}

/** The arc sine, as f32: error at most 0.501 ulp. */
export function asinF32(x: number): number {
  return (kernel ?? load()).asin_f32(x);
}

/** The arc cosine, in [0, pi]; NaN outside [-1, 1]. Error at most 0.51 ulp. */
export function acos(x: number): number {
  return (kernel ?? load()).acos_f64(x);
}

/** The arc cosine, as f32: error at most 0.501 ulp. */
export function acosF32(x: number): number {
  return (kernel ?? load()).acos_f32(x);
}

/** The arc tangent, in [-pi/2, pi/2]. Error at most 0.51 ulp. */
export function atan(x: number): number {
  return (kernel ?? load()).atan_f64(x);
}

/** The arc tangent, as f32: error at most 0.501 ulp. */
export function atanF32(x: number): number {
  return (kernel ?? load()).atan_f32(x);
}

/** The angle in [-pi, pi] of the point (x, y). Error at most 0.51 ulp. */
export function atan2(y: number, x: number): number {
  return (kernel ?? load()).atan2_f64(y, x);
}

/** The angle of the point (x, y), as f32: error at most 0.501 ulp. */
export function atan2F32(y: number, x: number): number {
  return (kernel ?? load()).atan2_f32(y, x);
}

/** e to the power of x: overflows to infinity, underflows through the subnormals to 0. Error at
 * most 0.51 ulp, 0.76 where the result is subnormal. */
export function exp(x: number): number {
  return (kernel ?? load()).exp_f64(x);
}

/** e to the power of x, as f32: error at most 0.501 ulp. */
export function expF32(x: number): number {
  return (kernel ?? load()).exp_f32(x);
}

/** The natural logarithm: -infinity for either zero, NaN below. Error at most 0.51 ulp. */
export function log(x: number): number {
  return (kernel ?? load()).log_f64(x);
}

/** The natural logarithm, as f32: error at most 0.501 ulp. */
export function logF32(x: number): number {
  return (kernel ?? load()).log_f32(x);
}

/** x to the power of y, with C99's special cases: pow(x, 0) and pow(1, y) are 1 even for a NaN,
 * pow(-1, Infinity) is 1 (JavaScript's ** gives NaN for the last two). Error at most 0.51 ulp, 0.76
 * where the result is subnormal. */
export function pow(x: number, y: number): number {
  return (kernel ?? load()).pow_f64(x, y);
}

/** x to the power of y, as f32: error at most 0.501 ulp. */
export function powF32(x: number, y: number): number {
  return (kernel ?? load()).pow_f32(x, y);
}

/** The square root, rounded perfectly; NaN below zero, -0 for -0. */
export function sqrt(x: number): number {
  return Math.sqrt(x);
}

/** The square root, as f32, rounded perfectly: f64 has more than twice its bits, so the second
 * rounding changes nothing. */
export function sqrtF32(x: number): number {
  return fround(Math.sqrt(fround(x)));
}

/** x without its sign. */
export function abs(x: number): number {
  return absolute(x);
}

/** x without its sign, as f32. */
export function absF32(x: number): number {
  return absolute(fround(x));
}

/** The size of x with the sign of `sign`, which may be a zero; a NaN counts as positive (its sign
 * bit, which skep_copysign_f64 takes, is not JavaScript's to see). */
export function copysign(x: number, sign: number): number {
  const size = absolute(x);
  return sign < 0 || (sign === 0 && 1 / sign < 0) ? -size : size;
}

/** `copysign`, as f32. */
export function copysignF32(x: number, sign: number): number {
  return copysign(fround(x), fround(sign));
}

/** `a < b ? a : b`, and means it: b where either is a NaN or both are zeros. */
export function min(a: number, b: number): number {
  return a < b ? a : b;
}

/** `min`, as f32. */
export function minF32(a: number, b: number): number {
  return min(fround(a), fround(b));
}

/** `a > b ? a : b`, and means it: b where either is a NaN or both are zeros. */
export function max(a: number, b: number): number {
  return a > b ? a : b;
}

/** `max`, as f32. */
export function maxF32(a: number, b: number): number {
  return max(fround(a), fround(b));
}

/** x held between lo and hi (lo <= hi): lo for a NaN; a zero keeps its sign unless a limit is zero
 * too, then it has the limit's. */
export function clamp(x: number, lo: number, hi: number): number {
  return min(max(x, lo), hi);
}

/** `clamp`, as f32. */
export function clampF32(x: number, lo: number, hi: number): number {
  return clamp(fround(x), fround(lo), fround(hi));
}

/** The greatest integer that is not above x; -0 for -0. */
export function floor(x: number): number {
  return Math.floor(x);
}

/** `floor`, as f32. */
export function floorF32(x: number): number {
  return Math.floor(fround(x));
}

/** The least integer that is not below x; -0 for x in (-1, -0]. */
export function ceil(x: number): number {
  return Math.ceil(x);
}

/** `ceil`, as f32. */
export function ceilF32(x: number): number {
  return Math.ceil(fround(x));
}

/** x without its fraction, with the sign of x. */
export function trunc(x: number): number {
  return Math.trunc(x);
}

/** `trunc`, as f32. */
export function truncF32(x: number): number {
  return Math.trunc(fround(x));
}

/** The nearest integer, ties to the even one (Math.round takes them up), with the sign of x: -0 for
 * -0.5. */
export function round(x: number): number {
  const size = absolute(x);
  return size < WHOLE ? copysign(size + WHOLE - WHOLE, x) : x;
}

/** `round`, as f32. */
export function roundF32(x: number): number {
  return round(fround(x));
}
