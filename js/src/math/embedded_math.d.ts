// SPDX-License-Identifier: MIT
// The build writes the module itself, js/dist/math/embedded_math.js, with tools/wasm_math.py.

/** The wasm file of skep/math in base64. */
export declare const MATH_WASM: string;
